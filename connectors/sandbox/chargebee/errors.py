"""What the emulated API answers when it refuses: status, `api_error_code`, text and the parameter to blame.

Codes and statuses are those of the public API documentation; the exact wording of most messages is unverified, and
clients should not depend on it.
"""

from typing import Any


class ApiError(Exception):
    """A refusal. `kind` is the `type` of the error body: payment, invalid_request, operation_failed, or None."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        kind: str | None = "invalid_request",
        param: str | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.kind = kind
        self.param = param

    def body(self) -> dict[str, Any]:
        """The error document, with the older names that the real API still sends beside the newer ones."""
        body: dict[str, Any] = {"message": self.message}
        if self.kind is not None:
            body["type"] = self.kind
        body["api_error_code"] = self.code
        if self.param is not None:
            body["param"] = self.param
        body |= {"error_code": self.code, "error_msg": self.message, "http_status_code": self.status}
        if self.param is not None:
            body["error_param"] = self.param
        return body


def wrong_value(param: str, why: str) -> ApiError:
    """A parameter of the wrong form."""
    return ApiError(400, "param_wrong_value", f"{param} : {why}", param=param)


def missing(param: str) -> ApiError:
    """A required parameter is absent or empty."""
    return ApiError(400, "param_wrong_value", f"{param} : cannot be blank", param=param)


def not_found(resource: str, key: str) -> ApiError:
    """No such record."""
    return ApiError(404, "resource_not_found", f"{resource} {key} not found")


def duplicate(param: str, value: str) -> ApiError:
    """An id that is already taken."""
    return ApiError(400, "duplicate_entry", f"{param} : The value {value} is already present.", param=param)


def wrong_state(message: str) -> ApiError:
    """The record exists, but not in a state that allows the operation."""
    return ApiError(409, "invalid_state_for_request", message)


def bad_request(message: str) -> ApiError:
    """The request as a whole makes no sense."""
    return ApiError(400, "invalid_request", message)
