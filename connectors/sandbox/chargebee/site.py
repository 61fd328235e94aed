"""The emulated site: the store with the clock and the habits that every operation shares.

Operations get a `Site` and return a `Reply`; here are ids, custom fields and events. Routing and HTTP are left to
`app`, what each operation does to `customers`, `catalog`, `subscriptions`, `invoices` and `commerce`.
"""

import secrets
import string
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from fieldwright.connectors.sandbox.chargebee.errors import missing, wrong_value
from fieldwright.connectors.sandbox.chargebee.forms import typed
from fieldwright.connectors.sandbox.chargebee.pricing import Document
from fieldwright.connectors.sandbox.chargebee.resources import resources
from fieldwright.connectors.sandbox.chargebee.store import Store
from fieldwright.connectors.sandbox.clock import Clock
from fieldwright.connectors.sandbox.database import encode

_ALPHABET = string.ascii_letters + string.digits


@dataclass(frozen=True, slots=True)
class Config:
    """Habits of the site. Seconds where a duration; `requests_per_minute` 0 means no limit."""

    site: str = "fieldwright-test"
    api_key: str = "test_sandbox"
    requests_per_minute: int = 0
    idempotency_seconds: int = 30 * 60
    lag_seconds: int = 0


@dataclass(frozen=True, slots=True)
class Request:
    """A decoded call: the ids of the path, the parameters (still text, see `forms`) and the headers that matter."""

    keys: tuple[str, ...]
    params: Mapping[str, Any]
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """The first id of the path."""
        return self.keys[0]


@dataclass(frozen=True, slots=True)
class Reply:
    """Parts of an answer by their name, each JSON text that is ready to send."""

    parts: tuple[tuple[str, str], ...]

    def body(self) -> bytes:
        """The answer's body."""
        return ("{" + ",".join(f'"{name}":{text}' for name, text in self.parts) + "}").encode()


Operation = Callable[["Site", Request], Reply]


class Site:
    """What operations work on."""

    def __init__(self, store: Store, clock: Clock, config: Config) -> None:
        self.store = store
        self.clock = clock
        self.config = config
        self.source = "api"
        self.webhooks = "not_configured"

    @property
    def now(self) -> int:
        """Unix seconds."""
        return self.clock.seconds()

    def new_id(self, prefix: str = "") -> str:
        """An id as the site makes them itself."""
        return prefix + "".join(secrets.choice(_ALPHABET) for _ in range(17))

    def values(self, resource: str, operation: str, params: Mapping[str, Any]) -> Document:
        """The parameters that an operation takes and that are fields of the resource, typed; None means cleared.

        Custom fields are taken whatever their name and become known to the site. Other unknown parameters are dropped
        (unverified what the real site does)."""
        kind = resources()[resource]
        accepted = kind.params[operation]
        values: Document = {}
        for name, given in params.items():
            if name.startswith("cf_"):
                values[name] = self._custom(resource, name, given)
            elif name in accepted and name in kind.fields:
                values[name] = typed(given, kind.fields[name], name)
        self.store.register_fields(resource, values)
        return values

    def _custom(self, resource: str, name: str, given: Any) -> Any:
        if given == "":
            return None
        if not isinstance(given, str):
            raise wrong_value(name, "should be a single value")
        match self.store.field_types(resource).get(name):
            case "boolean" if given in ("true", "false"):
                return given == "true"
            case "timestamp":
                return typed(given, "timestamp", name)
            case _:
                # A field is text unless it was declared otherwise; guessing numbers would turn "007" into 7.
                return given

    def emit(self, event_type: str, **content: Document) -> None:
        """Record an event with whole resources as its content."""
        self.store.insert(
            "event",
            {
                "id": self.new_id("ev_"),
                "occurred_at": self.now,
                "source": self.source,
                "user": "full_access_key_v1",
                "webhook_status": self.webhooks,
                "event_type": event_type,
                "api_version": "v2",
                "content": content,
            },
        )


def reply(**parts: Document | list[Document] | None) -> Reply:
    """An answer of documents; absent parts are left out."""
    return Reply(tuple((name, encode(part)) for name, part in parts.items() if part is not None))


def group(params: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """A parameter of the form `name[part]`; an absent one has no parts."""
    given = params.get(name) or {}
    if not isinstance(given, dict):
        raise wrong_value(name, "should be a group of values")
    return given


def rows(params: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    """A parameter of the form `name[part][0]`; an absent one has no rows."""
    given = params.get(name) or []
    if not isinstance(given, list) or not all(isinstance(item, dict) for item in given):
        raise wrong_value(name, "should be a list of groups such as name[id][0]")
    return given


def texts(params: Mapping[str, Any], name: str) -> list[str]:
    """A parameter of the form `name[0]`; an absent one is an empty list."""
    given = params.get(name) or []
    if not isinstance(given, list) or not all(isinstance(item, str) for item in given):
        raise wrong_value(name, "should be a list such as name[0]")
    return given


def choice(params: Mapping[str, Any], name: str, default: str | None = None) -> str | None:
    """A parameter that is a single text, or the default."""
    given = params.get(name) or default
    if given is not None and not isinstance(given, str):
        raise wrong_value(name, "should be a single value")
    return given


def required(params: Mapping[str, Any], name: str) -> str:
    """A parameter that must have a value."""
    given = params.get(name, "")
    if not isinstance(given, str) or given == "":
        raise missing(name)
    return given


def flag(params: Mapping[str, Any], name: str, default: bool = False) -> bool:
    """A boolean parameter."""
    given = params.get(name, "")
    return default if given == "" else bool(typed(given, "boolean", name))


def whole(params: Mapping[str, Any], name: str) -> int | None:
    """A whole number parameter, or None."""
    given = params.get(name, "")
    return None if given == "" else int(typed(given, "integer", name))


def keep_filled(values: Mapping[str, Any], names: Iterable[str]) -> None:
    """Raises ApiError if one of the values would clear a field that must have one."""
    for name in names:
        if name in values and values[name] is None:
            raise missing(name)


def moment(params: Mapping[str, Any], name: str) -> int | None:
    """A timestamp parameter in unix seconds, or None."""
    given = params.get(name, "")
    return None if given == "" else int(typed(given, "timestamp", name))


def merge(document: Document, values: Mapping[str, Any]) -> bool:
    """Write values over a document, None removes; tells whether anything changed."""
    changed = False
    for name, value in values.items():
        if value is None:
            changed |= document.pop(name, None) is not None
        elif _bare(document.get(name)) != _bare(value):
            document[name] = value
            changed = True
    return changed


def _bare(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _bare(part) for key, part in value.items() if key != "object"}
    if isinstance(value, list):
        return [_bare(part) for part in value]
    return value
