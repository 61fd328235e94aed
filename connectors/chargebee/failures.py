"""Turns what the Chargebee SDK raises into the run's errors, by what happens next.

The vendor's message is redacted and shortened; its code always appears, because that is what people search for.
Source of statuses and codes: Chargebee's API reference (errors).
"""

from __future__ import annotations

from fieldwright.connectors import retry
from fieldwright.connectors.redaction import Redactor
from fieldwright.runtime.errors import AccessRefused, ConfigError, ObjectRefused, RunError, TryAgainLater, Unavailable

_LONGEST = 300


def run_error(error: Exception, redact: Redactor, what: str, now: float) -> RunError:
    """The run's error for an exception of the SDK while doing `what` (`listing customers`); `now` is Unix seconds."""
    status = int(getattr(error, "http_status_code", 0) or 0)
    code = str(getattr(error, "api_error_code", "") or "")
    body = getattr(error, "json_obj", None)
    words = str(body.get("message", "")) if isinstance(body, dict) else ""
    text = f"chargebee refused {what}: {redact(words)[:_LONGEST] or 'no reason given'} ({status} {code})"
    if status == 429:
        headers = {name.lower(): value for name, value in dict(getattr(error, "http_headers", None) or {}).items()}
        return TryAgainLater(
            f"chargebee's request limit was reached while {what} ({code})",
            "Run again after the limit has reset (about a minute), or ask Chargebee for a higher limit.",
            system="chargebee",
            after=retry.retry_after(headers, now),
        )
    if status == 401:
        return AccessRefused(
            f"chargebee does not accept the API key ({code})",
            "Check the key in Chargebee under Settings > Configure Chargebee > API keys, and that it is this site's.",
            system="chargebee",
        )
    if status == 403:
        return ObjectRefused(
            text, "The API key may not read this: use a key with read access to it.", system="chargebee"
        )
    if code == "site_not_found":
        return ConfigError(
            f"chargebee has no site of this name ({status} {code})", "Check the connection's site.", system="chargebee"
        )
    if code == "site_read_only_mode" or status >= 500 or status == 0:
        return Unavailable(text, "Run again later.", system="chargebee")
    return ObjectRefused(text, "", system="chargebee")
