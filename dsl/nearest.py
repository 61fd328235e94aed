"""The name that was probably meant: did-you-mean for keys, fields, mappings, settings.

Long candidate lists are narrowed by first letter and length before the costly comparison, so that a file full of
wrong names stays cheap to check.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

_LONGEST = 80
_MOST = 200


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The closest of `known` to `name`, or None when nothing is close. Case counts least: `Billingcity` finds
    `BillingCity`."""
    if not name or len(name) > _LONGEST:
        return None
    lowered = name.lower()
    candidates: dict[str, str] = {}
    for other in known:
        if other.lower() == lowered:
            return other
        if abs(len(other) - len(name)) <= max(3, len(name) // 3):
            candidates.setdefault(other.lower(), other)
    if len(candidates) > _MOST:
        candidates = {
            low: other for low, other in candidates.items() if low[:1] == lowered[:1] or low[-4:] == lowered[-4:]
        }
    found = get_close_matches(lowered, list(candidates), 1, 0.72)
    return candidates[found[0]] if found else None


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """``did you mean `X`?`` or an empty text."""
    found = nearest(name, known)
    return f"did you mean `{found}`?" if found else ""
