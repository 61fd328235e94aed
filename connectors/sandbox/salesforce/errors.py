"""Refusals of the emulated org, in the words and shapes that real orgs use.

A `RowRefused` concerns one record: a single-record call answers it as HTTP 400 (or 404), a collection as one failed
row. A `RequestRefused` concerns the whole call, whatever it carries: unknown columns, badly typed JSON, bad queries.
The texts come from recorded traffic and Salesforce's documentation; those marked unverified are from memory.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, TypeAlias

Json: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Problem:
    """One error of one record; `extra` is added to the error object of single-record calls only."""

    code: str
    message: str
    fields: tuple[str, ...] = ()
    extra: Json = field(default_factory=dict)

    def as_error(self) -> Json:
        """The shape of single-record calls."""
        return {"message": self.message, "errorCode": self.code, "fields": list(self.fields), **self.extra}

    def as_row_error(self) -> Json:
        """The shape inside the results of collections and trees."""
        return {"statusCode": self.code, "message": self.message, "fields": list(self.fields)}


class RowRefused(Exception):
    """One record is refused; the call goes on with the others."""

    def __init__(self, code: str, message: str, fields: tuple[str, ...] = (), *, status: int = 400) -> None:
        super().__init__(message)
        self.problems: tuple[Problem, ...] = (Problem(code, message, fields),)
        self.status = status

    @classmethod
    def of(cls, problems: tuple[Problem, ...]) -> RowRefused:
        """Several problems of the same record at once."""
        refusal = cls(problems[0].code, problems[0].message, problems[0].fields)
        refusal.problems = problems
        return refusal


class RequestRefused(Exception):
    """The whole call is refused with an HTTP status and a JSON list of one error."""

    def __init__(self, status: int, code: str, message: str, fields: tuple[str, ...] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.fields = fields

    def body(self, raw: bytes = b"") -> Any:
        """The JSON body; `raw` is the request, for errors that point into it."""
        error: Json = {"message": self.message, "errorCode": self.code}
        if self.fields is not None:
            error["fields"] = list(self.fields)
        return [error]


class BadJsonValue(RequestRefused):
    """A value of the wrong JSON type: real orgs refuse the whole request, however many records it carries."""

    def __init__(self, field_name: str, type_name: str, value: Any) -> None:
        self.field_name = field_name
        shown = _shown(value)
        text = f"Cannot deserialize instance of {type_name} from {_token(value)} value {shown}"
        super().__init__(400, "JSON_PARSER_ERROR", f"{text} or request may be missing a required field at ")

    def body(self, raw: bytes = b"") -> Any:
        """Adds the position of the field's value in the request."""
        start = raw.find(b'"' + self.field_name.encode() + b'"')
        before = raw[: max(start, 0)]
        line = before.count(b"\n") + 1
        column = max(start, 0) - before.rfind(b"\n") + len(self.field_name) + 3
        return [{"message": f"{self.message}[line:{line}, column:{column}]", "errorCode": self.code}]


def _token(value: Any) -> str:
    match value:
        case bool():
            return "VALUE_TRUE" if value else "VALUE_FALSE"
        case int():
            return "VALUE_NUMBER_INT"
        case float():
            return "VALUE_NUMBER_FLOAT"
        case str():
            return "VALUE_STRING"
        case list():
            return "START_ARRAY"
        case dict():
            return "START_OBJECT"
        case _:
            return "VALUE_NULL"


def _shown(value: Any) -> str:
    match value:
        case bool():
            return str(value).lower()
        case list():
            return "["
        case dict():
            return "{"
        case _:
            return str(value)


def not_found(message: str = "The requested resource does not exist") -> RequestRefused:
    """404 for a path, an object or a record that is not there."""
    return RequestRefused(404, "NOT_FOUND", message)


def no_such_column(name: str, object_name: str) -> RequestRefused:
    """A field the object lacks, or that this user may not see: real orgs do not tell the two apart.

    That one such name fails a whole collection, not its row, is unverified.
    """
    return RequestRefused(400, "INVALID_FIELD", f"No such column '{name}' on sobject of type {object_name}")


def entity_deleted() -> RowRefused:
    """The record lies in the recycle bin."""
    return RowRefused("ENTITY_IS_DELETED", "entity is deleted", status=404)


def unknown_record() -> RowRefused:
    """An id that no record has."""
    return RowRefused("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", status=404)
