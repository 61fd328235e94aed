"""Takes secrets and personal data out of text that people will see: log lines, exceptions, reasons of failed records.

Known secrets of a connection are removed by value in every spelling they travel in (plain, percent-encoded, Basic).
What the vendors put into their own messages (e-mail addresses, card and phone numbers, tokens) is removed by shape.
Redaction loses text on purpose: codes, field names and object names must carry the meaning.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable
from typing import Final
from urllib.parse import quote, quote_plus

_SHAPES: Final = (
    (re.compile(r"(?i)\b(bearer|basic)\s+[\w.+/=!~-]{6,}"), r"\1 [secret]"),
    (re.compile(r"\b00D\w{12,15}![\w.]+"), "[secret]"),
    (
        re.compile(
            r"(?i)(\"?\b(?:password|passwd|client_secret|access_token|refresh_token|assertion|api[_-]?key|api-token|"
            r"security_token|session_?id)\b\"?\s*(?:[=:]|>)\s*\"?)[^\s\"&,}<]+"
        ),
        r"\1[secret]",
    ),
    (re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]+(?:@|%40)[\w-]+(?:\.[\w-]+)+"), "[email]"),
    # Card numbers start with 2-6; record ids (0...) and times in milliseconds (1...) are needed to find the record.
    (re.compile(r"(?<![\w.])[2-6](?:[ -]?\d){12,18}(?![\w.])"), "[number]"),
    (re.compile(r"(?<!\w)\+\d[\d ()./-]{6,18}\d"), "[phone]"),
)

_SHORTEST_SECRET: Final = 4
"""Shorter values are not removed by value: they would blank out ordinary words."""


class Redactor:
    """Removes the given secrets and everything that has the shape of one. Callable from several threads."""

    __slots__ = ("_secrets",)

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        spellings: set[str] = set()
        for secret in secrets:
            spellings |= _spellings(secret)
        # Longest first, so that a secret inside another leaves no tail behind.
        self._secrets = tuple(sorted(spellings, key=len, reverse=True))

    def __repr__(self) -> str:
        return f"Redactor({len(self._secrets)} spellings)"

    def learn(self, secret: str) -> None:
        """Add a secret that came up later, such as an access token."""
        self._secrets = tuple(sorted({*self._secrets, *_spellings(secret)}, key=len, reverse=True))

    def __call__(self, text: str) -> str:
        """The text without secrets and personal data."""
        for secret in self._secrets:
            text = text.replace(secret, "[secret]")
        for shape, replacement in _SHAPES:
            text = shape.sub(replacement, text)
        return text


def _spellings(secret: str) -> set[str]:
    if len(secret) < _SHORTEST_SECRET:
        return set()
    basic = base64.b64encode(f"{secret}:".encode()).decode().rstrip("=")
    return {secret, quote(secret, safe=""), quote_plus(secret), basic, json.dumps(secret)[1:-1]}
