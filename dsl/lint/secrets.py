"""Texts of files that look like credentials: connections name environment variables, secrets never stand in files."""

from __future__ import annotations

import re
from collections.abc import Iterator

from fieldwright.dsl.diagnostics import Diagnostic, Severity
from fieldwright.dsl.document import Document, Node, Scalar, Sequence, Table

_LOOKS_SECRET = re.compile(
    r"\b(?:live|test)_(?=[A-Za-z0-9]*[0-9])(?=[A-Za-z0-9]*[a-z])(?=[A-Za-z0-9]*[A-Z])[A-Za-z0-9]{20,}\b"
    r"|\b00D[A-Za-z0-9]{12,15}![A-Za-z0-9._]{20,}"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----"
    r"|\b[0-9a-f]{64,72}\b"
    r"|\b(?i:bearer|basic)\s+[A-Za-z0-9+/._=-]{24,}"
)
_SECRET_KEYS = frozenset(
    [
        "api_key",
        "apikey",
        "api_token",
        "access_token",
        "password",
        "passwd",
        "secret",
        "client_secret",
        "security_token",
    ]
)
_LONGEST_SHOWN = 4


def find_secrets(document: Document) -> Iterator[Diagnostic]:
    """DM018 for each text of a document that looks like a credential, or stands under a key that names one."""
    waiting: list[tuple[str, Node]] = [("", document.root)]
    while waiting:
        name, node = waiting.pop()
        match node:
            case Table():
                waiting.extend((entry.name, entry.value) for entry in node)
            case Sequence():
                waiting.extend((name, item) for item in node.items)
            case Scalar(value=str() as text):
                found = _LOOKS_SECRET.search(text)
                if found:
                    yield _finding(node, found.start(), found.end())
                elif name.lower() in _SECRET_KEYS and text and document.kind.value == "project":
                    yield _finding(node, 0, len(text))
            case Scalar():
                pass


def _finding(node: Scalar, start: int, end: int) -> Diagnostic:
    shown = node.text[start:end][:_LONGEST_SHOWN]
    message = f"`{shown}…` looks like a credential: files of a project hold none"
    hint = "put it into an environment variable, and name the variables' prefix: `{env: CHARGEBEE}`"
    return Diagnostic("DM018", Severity.ERROR, message, node.part(start, end), "a secret?", hint)
