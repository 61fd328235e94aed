"""Opens the official Chargebee SDK on our transport.

The SDK builds every request (paths, parameters, encoding); we send it. Version 3.29.0 has no seam for that: it opens a
new HTTP client and a new TLS context for each request (tens of milliseconds), never honours Retry-After, prints
payloads at DEBUG, and switches plain http by a process-wide flag. So its one request function is replaced by a
dispatcher that recognises environments opened here and leaves every other user of the SDK in the process alone.

List replies are decoded by us, with numbers exact, and handed on as raw records; the SDK's own model objects would be
built only to be taken apart again (and its type look-ups cost more than the network).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import msgspec

from fieldwright.runtime.errors import Unavailable

if TYPE_CHECKING:
    import httpx

_SEAM: Final = "fieldwright_send"
_JSON: Final = msgspec.json.Decoder(float_hook=Decimal)
_lock = threading.Lock()

Answer = tuple[Any, Mapping[str, str], int]


class Sdk:
    """One Chargebee SDK instance whose requests go through `client`. Lists give raw records."""

    def __init__(self, api_key: str, site: str, client: httpx.Client, base: str | None) -> None:
        import chargebee

        _install()
        self._client = client
        self._held = threading.local()
        self._errors = chargebee.http_request.handle_api_resp_error
        self.api = chargebee.Chargebee(api_key=api_key, site=site)
        if base is not None:
            self.api.env.api_endpoint = f"{base.rstrip('/')}/api/v2"
        setattr(self.api.env, _SEAM, self._send)

    def list(self, resource: str, params: Mapping[str, Any]) -> tuple[Sequence[Mapping[str, Any]], str | None]:
        """One page of a resource's list operation: raw entries (`{"customer": {...}, ...}`) and the next offset.
        Raises the SDK's errors and RunErrors."""
        operations = getattr(self.api, _class_name(resource))
        operations.list(dict(params))
        page = self._held.page
        return page["list"], page.get("next_offset")

    def retrieve(self, resource: str, record_id: str) -> Mapping[str, Any]:
        """The raw reply of a resource's retrieve operation. Raises the SDK's errors and RunErrors."""
        getattr(self.api, _class_name(resource)).retrieve(record_id)
        reply: Mapping[str, Any] = self._held.page
        return reply

    def get(self, path: str, params: Mapping[str, str]) -> Any:
        """A GET below the API root that the SDK does not know (custom field metadata)."""
        answer, _, _ = self._send("get", self.api.env.api_url(path), params, None, False)
        return self._held.page if answer is not None else None

    def _send(
        self, method: str, url: str, params: Mapping[str, Any] | None, headers: Mapping[str, str] | None, as_json: bool
    ) -> Answer:
        sent = {"Accept": "application/json", **(headers or {})}
        options: dict[str, Any] = {}
        if method.lower() in ("get", "head", "delete"):
            options["params"] = dict(params or {})
        elif as_json:
            options["json"] = params
        else:
            options["data"] = dict(params or {})
        # A POST with an idempotency key may be repeated: Chargebee replays the first answer for half an hour.
        if "chargebee-idempotency-key" in {name.lower() for name in sent}:
            options["extensions"] = {"idempotent": True}
        response = self._client.request(method.upper(), url, headers=sent, auth=(self.api.env.api_key, ""), **options)
        try:
            body = _JSON.decode(response.content)
        except msgspec.DecodeError:
            body = None
        if not isinstance(body, dict):
            raise Unavailable(
                f"chargebee answered {response.status_code} with something that is not JSON",
                "A proxy or maintenance page may be in the way; run again later.",
                system="chargebee",
            )
        if not 200 <= response.status_code < 300:
            if "api_error_code" not in body:
                body = {**body, "api_error_code": "unknown", "message": "an error of another system"}
            self._errors(url, response.status_code, body, response.headers)
        self._held.page = body
        if "list" in body:
            # The records stay with us: the SDK gets an empty page, so that it builds no models of them.
            return {"list": []}, response.headers, response.status_code
        return body, response.headers, response.status_code


def _install() -> None:
    """Put the dispatcher in front of the SDK's request function, once a process."""
    from chargebee import http_request

    with _lock:
        if hasattr(http_request.request, _SEAM):
            return
        original: Callable[..., Any] = http_request.request

        def request(method: str, url: str, env: Any, *args: Any, **kwargs: Any) -> Any:
            send = getattr(env, _SEAM, None)
            if send is None:
                return original(method, url, env, *args, **kwargs)
            return send(
                method,
                env.api_url(url, kwargs.get("subDomain")),
                kwargs.get("params"),
                kwargs.get("headers"),
                bool(kwargs.get("isJsonRequest")),
            )

        setattr(request, _SEAM, True)
        http_request.request = request


def _class_name(resource: str) -> str:
    return "".join(part.capitalize() for part in resource.split("_"))
