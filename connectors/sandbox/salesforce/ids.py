"""Record ids as Salesforce writes them: 15 case-sensitive characters, or 18 with a checksum for careless readers.

Turns a key prefix and a counter into an id, and any id a client sends into its 18-character form. Which object an
id belongs to is decided by its prefix in `metadata`; whether the record exists is for `storage`.
"""

from __future__ import annotations

DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
CHECKSUM = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
_VALID = frozenset(DIGITS)
_POD = "5g0"


def checksum(id15: str) -> str:
    """The three characters that make 18 of 15: one bit per upper-case letter, five letters to a character."""
    suffix = ""
    for start in (0, 5, 10):
        bits = 0
        for position in range(5):
            if "A" <= id15[start + position] <= "Z":
                bits |= 1 << position
        suffix += CHECKSUM[bits]
    return suffix


def canonical(text: str) -> str | None:
    """The 18-character form of a 15- or 18-character id, or None if it is not an id.

    The suffix of an 18-character id repairs a client that changed the case of the first 15 characters.
    """
    if len(text) == 18:
        body, suffix = text[:15], text[15:]
        if not _VALID.issuperset(body):
            return None
        if checksum(body) == suffix:
            return text
        return _repaired(body, suffix.upper())
    if len(text) == 15 and _VALID.issuperset(text):
        return text + checksum(text)
    return None


def _repaired(body: str, suffix: str) -> str | None:
    letters = []
    for index, character in enumerate(body):
        code = CHECKSUM.find(suffix[index // 5])
        if code < 0:
            return None
        letters.append(character.upper() if code >> (index % 5) & 1 else character.lower())
    fixed = "".join(letters)
    return fixed + suffix if checksum(fixed) == suffix else None


def numbered(prefix: str, number: int) -> str:
    """The id of the `number`-th record (from 1) under a key prefix; ids sort in the order they were given out."""
    body = ""
    rest = number
    while rest:
        rest, digit = divmod(rest, 62)
        body = DIGITS[digit] + body
    id15 = prefix + _POD + body.rjust(9, "0")
    return id15 + checksum(id15)


def number_of(record_id: str) -> int:
    """The counter inside an id made by `numbered`."""
    number = 0
    for character in record_id[6:15]:
        number = number * 62 + DIGITS.index(character)
    return number
