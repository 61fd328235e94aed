"""The request and reply of the emulated REST API, free of any web framework.

`app` turns HTTP into a `Request`, the composite resources make `Request`s out of their sub-requests, and both hand
them to `rest.dispatch`. Bodies of requests are parsed JSON; `raw` is the text they came from.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import msgspec

from fieldwright.connectors.sandbox.salesforce.errors import RequestRefused
from fieldwright.connectors.sandbox.salesforce.org import Caller


@dataclass(frozen=True, slots=True)
class Request:
    """One call. `segments` are the decoded parts of the path behind `/services/data/vXX.0/`."""

    method: str
    segments: tuple[str, ...]
    query: dict[str, str]
    caller: Caller
    body: Any = None
    raw: bytes = b""

    @property
    def version(self) -> str:
        """`v59.0`, as in the path."""
        return self.caller.version

    def json_object(self) -> dict[str, Any]:
        """The body, which must be a JSON object."""
        if not isinstance(self.body, dict):
            raise RequestRefused(
                400, "JSON_PARSER_ERROR", "The HTTP entity body is required, but this request has no entity body."
            )
        return self.body


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer; `body` is JSON-able, or bytes that are sent as they are; None sends nothing."""

    status: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    media_type: str = "application/json;charset=UTF-8"


def parse_json(raw: bytes) -> Any:
    """The JSON of a body. Raises JSON_PARSER_ERROR; an empty body is None."""
    if not raw.strip():
        return None
    try:
        return msgspec.json.decode(raw)
    except msgspec.DecodeError as error:
        raise RequestRefused(400, "JSON_PARSER_ERROR", f"Unexpected character: {error} at [line:1, column:1]") from None


def split_target(target: str) -> tuple[str, tuple[str, ...], dict[str, str]]:
    """The raw path, its decoded segments and the query of a request target; `%2F` in a segment stays in it."""
    parts = urlsplit(target)
    segments = tuple(unquote(part) for part in parts.path.strip("/").split("/"))
    return parts.path, segments, dict(parse_qsl(parts.query, keep_blank_values=True))
