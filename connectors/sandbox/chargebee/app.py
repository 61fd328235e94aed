"""An emulator of the Chargebee API v2 (product catalog 1.0) that the official SDKs take for the real one.

Turns HTTP requests into operations and their replies or refusals back into HTTP: authentication, routing, decoding,
idempotency keys, the rate limit and errors are here; what an operation does is in the modules beside this one. State
lives in one SQLite file and survives a restart.

Behaviour follows the public API documentation and the SDK's sources. Known deviations, each a comfort for a sandbox:
custom fields need no declaration (`custom_field_configs` lists those seen); changes of a subscription are not prorated;
a customer without a card may subscribe and then owes; lists have no lag unless `lag_seconds` is set; terms end only
when the sandbox's clock is moved (as with the Time Machine of a test site); amounts in decimal (multi-decimal pricing)
are kept but not computed with.
"""

import base64
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from starlette.applications import Starlette
from starlette.requests import Request as HttpRequest
from starlette.responses import Response
from starlette.routing import Route

from fieldwright.connectors.sandbox.chargebee import (
    catalog,
    commerce,
    customers,
    invoices,
    reading,
    subscription_status,
    subscriptions,
)
from fieldwright.connectors.sandbox.chargebee.errors import ApiError, wrong_value
from fieldwright.connectors.sandbox.chargebee.forms import decode
from fieldwright.connectors.sandbox.chargebee.resources import resources
from fieldwright.connectors.sandbox.chargebee.site import Config, Operation, Reply, Request, Site
from fieldwright.connectors.sandbox.chargebee.store import Store
from fieldwright.connectors.sandbox.clock import Clock
from fieldwright.connectors.sandbox.database import encode

_PREFIX = "/api/v2/"
_ID = "{id}"
Routes = Mapping[tuple[str, ...], Operation]


def create_app(database: Path, clock: Clock, **config: Any) -> Starlette:
    """The application over a database file, which is created when missing. `config` are the fields of `Config`.

    `app.state.site` is the `Site`, for the admin application and tests; `close` closes the file."""
    site = Site(Store(database, clock), clock, Config(**config))
    routes = _routes()
    window = _Window()

    async def serve(request: HttpRequest) -> Response:
        body = await request.body()
        try:
            _authenticate(site, request.headers.get("authorization", ""))
            window.admit(site)
            return _answer(site, routes, request, body)
        except ApiError as error:
            headers = {"retry-after": str(window.seconds_left(site))} if error.status == 429 else None
            return _json(encode(error.body()).encode(), error.status, headers)
        except OverflowError:
            # Found by multiplying or storing, long after the parameters were read; the transaction is undone by then.
            return _json(encode(wrong_value("amount", "too large").body()).encode(), 400)
        except RecursionError:
            return _json(encode(ApiError(400, "invalid_request", "parameters nested too deeply").body()).encode(), 400)

    app = Starlette(routes=[Route("/{path:path}", serve, methods=["GET", "POST", "PUT", "DELETE", "PATCH"])])
    app.state.site = site
    return app


def close(application: Starlette) -> None:
    """Close the site's file; the application answers no more calls."""
    application.state.site.store.close()


def path_words() -> frozenset[str]:
    """Every word that can stand in a path, so that what is not among them is an id."""
    return frozenset(step for route in _routes() for step in route[1:] if step != _ID)


def _json(body: bytes, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(body, status, headers, media_type="application/json;charset=utf-8")


def _authenticate(site: Site, header: str) -> None:
    kind, _, credentials = header.partition(" ")
    try:
        key = base64.b64decode(credentials, validate=True).decode().partition(":")[0] if kind.lower() == "basic" else ""
    except ValueError:
        key = ""
    if key != site.config.api_key:
        raise ApiError(401, "api_authentication_failed", "Sorry, authentication failed. Invalid api key", kind=None)


def _answer(site: Site, routes: Routes, request: HttpRequest, body: bytes) -> Response:
    path = request.scope["raw_path"].decode("ascii", "replace")
    operation, keys = _find(routes, request.method, path)
    if request.method == "GET":
        with site.store.database.lock:
            reply = operation(site, Request(keys, decode(request.url.query)))
        return _json(reply.body())
    text = body.decode("utf-8", "replace")
    key = request.headers.get("chargebee-idempotency-key")
    # Over the lock, so that two requests with the same key cannot both be first.
    with site.store.transaction():
        if key is None:
            return _json(_write(site, operation, keys, text, request).body())
        fingerprint = hashlib.sha256(body).hexdigest()
        stored = site.store.replay(key, path, site.clock.timestamp() - site.config.idempotency_seconds)
        if stored is not None:
            if stored[0] != fingerprint:
                # Status and code unverified.
                raise ApiError(400, "invalid_request", "the idempotency key was used with other parameters")
            return _json(stored[2], stored[1], {"chargebee-idempotency-replayed": "true"})
        written = _write(site, operation, keys, text, request).body()
        site.store.remember(key, path, fingerprint, 200, written)
        return _json(written, 200, {"chargebee-idempotency-replayed": "false"})


def _write(site: Site, operation: Operation, keys: tuple[str, ...], text: str, request: HttpRequest) -> Reply:
    site.source = "api"
    quiet = any(request.headers.get(f"chargebee-event-{what}") == "all-disabled" for what in ("webhook", "actions"))
    site.webhooks = "disabled" if quiet else "not_configured"
    return operation(site, Request(keys, decode(text)))


def _find(routes: Routes, method: str, path: str) -> tuple[Operation, tuple[str, ...]]:
    if not path.startswith(_PREFIX):
        raise ApiError(404, "resource_not_found", "Sorry, we couldn't find that resource. Check the URL.", kind=None)
    steps = tuple(unquote(step) for step in path[len(_PREFIX) :].strip("/").split("/"))
    patterns = (steps, (steps[0], _ID, *steps[2:]) if len(steps) > 1 else steps)
    for pattern in patterns:
        operation = routes.get((method, *pattern))
        if operation is not None:
            return operation, tuple(step for step, name in zip(steps, pattern, strict=True) if name == _ID)
    if any(route[1:] in patterns for route in routes):
        raise ApiError(405, "http_method_not_supported", f"{method} is not supported for this URL", kind=None)
    raise ApiError(404, "resource_not_found", "Sorry, we couldn't find that resource. Check the URL.", kind=None)


class _Window:
    """Counts the requests of the running minute when the site has a limit."""

    def __init__(self) -> None:
        self._minute = 0
        self._count = 0

    def admit(self, site: Site) -> None:
        """Count a request. Raises ApiError 429 beyond the limit."""
        if not site.config.requests_per_minute:
            return
        minute = site.now // 60
        if minute != self._minute:
            self._minute, self._count = minute, 0
        self._count += 1
        if self._count > site.config.requests_per_minute:
            raise ApiError(
                429, "api_request_limit_exceeded", "Sorry, the API request limit has been exceeded", kind=None
            )

    @staticmethod
    def seconds_left(site: Site) -> int:
        """Until the next minute begins."""
        return 60 - site.now % 60


def _routes() -> Routes:
    """Every operation by method and path; ids are written `{id}`."""
    table: dict[tuple[str, ...], Operation] = {}
    for name, kind in resources().items():
        if name != "card":
            table["GET", kind.plural] = reading.lister(name)
        table["GET", kind.plural, _ID] = reading.retriever(name)
    for owner, owned in (
        ("customer", ("subscription", "invoice", "credit_note", "transaction")),
        ("subscription", ("invoice", "credit_note", "transaction")),
    ):
        for name in owned:
            table["GET", resources()[owner].plural, _ID, resources()[name].plural] = reading.lister(name, owner)
    for kind_name in ("plan", "addon", "coupon"):
        plural = resources()[kind_name].plural
        table["POST", plural] = catalog.creator(kind_name)
        table["POST", plural, _ID] = catalog.updater(kind_name)
        table["POST", plural, _ID, "delete"] = catalog.deleter(kind_name)
        table["POST", plural, _ID, "unarchive"] = catalog.unarchiver(kind_name)
    for page in (
        "checkout_new",
        "checkout_existing",
        "checkout_one_time",
        "manage_payment_sources",
        "collect_now",
    ):
        table["POST", "hosted_pages", page] = commerce.hosted_page(page)
    named: dict[str, Operation] = {
        "GET custom_field_configs": reading.custom_field_configs,
        "GET custom_field_configs/retrieve": reading.custom_field_config,
        "POST customers": customers.create,
        "POST customers/{id}": customers.update,
        "POST customers/{id}/update_billing_info": customers.update_billing_info,
        "POST customers/{id}/delete": customers.delete,
        "GET customers/{id}/contacts": customers.contacts,
        "POST customers/{id}/add_contact": customers.add_contact,
        "POST customers/{id}/update_contact": customers.update_contact,
        "POST customers/{id}/delete_contact": customers.delete_contact,
        "POST customers/{id}/subscriptions": subscriptions.create_for_customer,
        "POST customers/{id}/create_subscription_quote": commerce.create_quote,
        "POST subscriptions": subscriptions.create,
        "POST subscriptions/{id}": subscriptions.update,
        "POST subscriptions/{id}/cancel": subscription_status.cancel,
        "POST subscriptions/{id}/reactivate": subscription_status.reactivate,
        "POST subscriptions/{id}/pause": subscription_status.pause,
        "POST subscriptions/{id}/resume": subscription_status.resume,
        "POST subscriptions/{id}/delete": subscriptions.delete,
        "POST subscriptions/{id}/change_term_end": subscriptions.change_term_end,
        "POST subscriptions/{id}/remove_coupons": subscriptions.remove_coupons,
        "POST subscriptions/{id}/remove_scheduled_changes": subscriptions.remove_scheduled_changes,
        "POST subscriptions/{id}/remove_scheduled_cancellation": subscription_status.remove_scheduled_cancellation,
        "GET subscriptions/{id}/retrieve_with_scheduled_changes": subscriptions.retrieve_with_scheduled_changes,
        "POST invoices": invoices.create,
        "POST invoices/{id}/record_payment": invoices.record_payment,
        "POST invoices/{id}/collect_payment": invoices.collect_payment,
        "POST invoices/{id}/void": invoices.void,
        "POST invoices/{id}/write_off": invoices.write_off,
        "POST invoices/{id}/delete": invoices.delete,
        "POST credit_notes": invoices.create_credit_note,
        "POST credit_notes/{id}/void": invoices.void_credit_note,
        "POST credit_notes/{id}/delete": invoices.delete_credit_note,
        "POST hosted_pages/{id}/acknowledge": commerce.acknowledge,
        "POST gifts": commerce.create_gift,
        "POST gifts/{id}/claim": commerce.gift_step("claimed"),
        "POST gifts/{id}/cancel": commerce.gift_step("cancelled"),
        "POST quotes/{id}/update_status": commerce.update_quote_status,
        "POST quotes/{id}/convert": commerce.convert_quote,
        "POST quotes/{id}/delete": commerce.delete_quote,
    }
    for pattern, operation in named.items():
        method, _, path = pattern.partition(" ")
        table[method, *path.split("/")] = operation
    return table
