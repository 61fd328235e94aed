"""Reads records of one Chargebee site as batches of changes, through the official SDK on our transport.

A page of a list becomes one batch of raw records. The first read of a resource is unfiltered and ordered by creation
(a filter on `updated_at` silently drops records last changed before 2016-09-28); later reads ask for what changed at or
after the cursor. Which resources can be filtered, sorted or tell deleted ones is data (`schema.listing`).

Left to others: overlap, watermarks and de-duplication (the runtime), what the fields mean (`schema`).
"""

from __future__ import annotations

import heapq
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, Final

from fieldwright.connectors import retry, transport
from fieldwright.connectors.chargebee import custom_fields, schema
from fieldwright.connectors.chargebee.failures import run_error
from fieldwright.connectors.chargebee.schema import Listing
from fieldwright.connectors.chargebee.sdk import Sdk
from fieldwright.connectors.hosts import HostRule
from fieldwright.connectors.ratelimit import Clock, bucket_for
from fieldwright.connectors.redaction import Redactor
from fieldwright.connectors.transport import Policy
from fieldwright.dsl.schema import Catalog
from fieldwright.runtime.errors import AccessRefused, ConfigError, ObjectRefused, RunError
from fieldwright.runtime.records import Batch, Change, Cursor, Identity

PAGE: Final = 100
"""Largest page Chargebee gives (its default is 10)."""

_SITE_NAME: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_UNSAFE_ID: Final = re.compile(r"[/\\?#%]|\.\.")
_VISIBILITY_LAG: Final = 300.0
_PER_MINUTE: Final = {"test": 150, "live": 1000}
"""Requests a minute: test sites, and the middle one of the live plans. 429 is honoured where the plan allows less."""


class ChargebeeSource:
    """A `Source` (see `runtime.connector`) over one Chargebee site."""

    system = "chargebee"

    def __init__(
        self,
        settings: Mapping[str, str],
        *,
        sandbox: bool = False,
        clock: Clock | None = None,
        jitter: Callable[[], float] = retry.default_jitter,
    ) -> None:
        site = settings["site"]
        if _SITE_NAME.fullmatch(site) is None:
            raise ConfigError(
                "Connection to chargebee: the site name is not valid",
                "Give the name alone: `acme` for acme.chargebee.com.",
                system=self.system,
            )
        base = settings.get("url")
        if (base is not None) is not sandbox:
            raise ConfigError(
                "Connection to chargebee: `url` is for the sandbox only, and needed there",
                "Leave it out: the address follows from the site.",
                system=self.system,
            )
        self.site = site
        self._api_key = settings["api_key"]
        self._base = base
        self._settings = settings
        self._redact = Redactor([self._api_key])
        kind = "test" if site.endswith("-test") else "live"
        self._policy = Policy(
            HostRule(self.system, base),
            redact=self._redact,
            bucket=None if sandbox else bucket_for(self.system, site, _PER_MINUTE[kind] / 60, _PER_MINUTE[kind] // 4),
            clock=clock,
            jitter=jitter,
        )
        self._closed = False

    def __repr__(self) -> str:
        return f"ChargebeeSource({self.site})"

    def check(self) -> Identity:
        """Read one customer id. Raises Unavailable, AccessRefused, ConfigError."""
        try:
            self._page("customer", {"limit": 1})
        except ObjectRefused as refused:
            raise AccessRefused(str(refused), refused.fix, system=self.system) from None
        site = self._site_record()
        facts = {name: site[name] for name in ("domain", "name", "currency_code", "time_zone")}
        return Identity(self.system, account=self.site, name=str(site["name"]), facts=facts)

    def catalog(self) -> Catalog:
        """The shipped schema; no network."""
        return schema.catalog()

    def live_catalog(self, objects: Iterable[str]) -> Catalog:
        """The shipped schema of the named objects, with this site's custom fields added. One request an object."""
        return custom_fields.extended(schema.catalog(), objects, self._custom_field_page)

    def calls(self) -> int:
        """Requests sent so far, repeats included."""
        return self._policy.calls

    def close(self) -> None:
        """Release sockets. May be called twice."""
        if not self._closed and "_client" in self.__dict__:
            self._client.close()
        self._closed = True

    def now(self) -> datetime:
        """Chargebee's clock where a reply told it, else this machine's."""
        return self._policy.vendor_now() or datetime.fromtimestamp(self._policy.clock.time(), UTC)

    def visibility_lag(self) -> float:
        """Seconds that lists may lag behind writes. Source: Chargebee's notes on list operations."""
        return _VISIBILITY_LAG

    def changes(
        self, object_name: str, after: Cursor | None, *, fields: frozenset[str], limit: int | None = None
    ) -> Iterator[Batch]:
        """Pages of records changed at or after the cursor; the latest `limit`, newest first, when that is given.
        Raises ObjectRefused for an object without a list operation."""
        resource = self._resource(object_name)
        if resource == "site":
            yield self._batch(object_name, [self._site_record()])
            return
        listing = self._listing(object_name, resource)
        if limit is not None:
            yield from self._latest(object_name, resource, listing, limit)
            return
        params: dict[str, Any] = {"limit": PAGE}
        if listing.tells_deleted:
            params["include_deleted"] = "true"
        since = None if after is None else int(after.instant.timestamp())
        if since is not None:
            # `after` excludes its own second; the cursor includes it.
            if listing.by_update:
                params["updated_at[after]"] = since - 1
                if "updated_at" in listing.sort:
                    params["sort_by[asc]"] = "updated_at"
            elif "occurred_at" in listing.filters:
                params["occurred_at[after]"] = since - 1
        for records in self._pages(resource, params):
            if since is not None and not listing.by_update:
                records = [record for record in records if record.get("updated_at", since) >= since]
            if records:
                yield self._batch(object_name, records)

    def fetch(self, object_name: str, ids: Sequence[str], *, fields: frozenset[str]) -> Iterator[Batch]:
        """Records by id, a hundred a call where the list can be filtered by id, deleted ones included."""
        resource = self._resource(object_name)
        if resource == "site":
            record = self._site_record()
            if {record["id"], self.site} & set(ids):
                yield self._batch(object_name, [record])
            return
        listing = self._listing(object_name, resource)
        if not listing.by_id:
            found = [one for record_id in ids if (one := self._retrieve(resource, record_id)) is not None]
            if found:
                yield self._batch(object_name, found)
            return
        yield from self._chosen(object_name, resource, listing, "id", ids)

    def related(
        self, object_name: str, field: str, values: Sequence[str], *, fields: frozenset[str]
    ) -> Iterator[Batch]:
        """Records whose `field` is one of `values`, a hundred values a call; all records where the list cannot be
        filtered by that field."""
        resource = self._resource(object_name)
        if field == "id" or resource == "site":
            yield from self.fetch(object_name, values, fields=fields)
            return
        listing = self._listing(object_name, resource)
        if field not in listing.filters:
            yield from self.changes(object_name, None, fields=fields)
            return
        yield from self._chosen(object_name, resource, listing, field, values)

    def _chosen(
        self, object_name: str, resource: str, listing: Listing, field: str, values: Sequence[str]
    ) -> Iterator[Batch]:
        """Records whose field is one of the values, a hundred values a list request."""
        for start in range(0, len(values), PAGE):
            params: dict[str, Any] = {"limit": PAGE, f"{field}[in]": list(values[start : start + PAGE])}
            if listing.tells_deleted:
                params["include_deleted"] = "true"
            for records in self._pages(resource, params):
                if records:
                    yield self._batch(object_name, records)

    def _latest(self, object_name: str, resource: str, listing: Listing, limit: int) -> Iterator[Batch]:
        if limit <= 0:
            return
        if listing.sort:
            params = {"limit": min(limit, PAGE), "sort_by[desc]": listing.sort[0]}
            left = limit
            for records in self._pages(resource, params):
                if records:
                    yield self._batch(object_name, records[:left])
                left -= len(records)
                if left <= 0:
                    return
            return
        # No order can be asked for: read all and keep the newest. Such resources are few records (plans, addons).
        everything = (record for records in self._pages(resource, {"limit": PAGE}) for record in records)
        newest = heapq.nlargest(limit, everything, key=_touched)
        if newest:
            yield self._batch(object_name, newest)

    def _pages(self, resource: str, params: Mapping[str, Any]) -> Iterator[list[Mapping[str, Any]]]:
        offset: str | None = None
        while True:
            entries, offset = self._page(resource, params if offset is None else {**params, "offset": offset})
            yield [entry[resource] for entry in entries if resource in entry]
            if offset is None:
                return

    def _page(self, resource: str, params: Mapping[str, Any]) -> tuple[Sequence[Mapping[str, Any]], str | None]:
        with self._errors(f"listing {resource}"):
            return self._sdk.list(resource, params)

    def _retrieve(self, resource: str, record_id: str) -> Mapping[str, Any] | None:
        # The SDK quotes ids but leaves `/` and `..`, which would address something else.
        if not record_id or _UNSAFE_ID.search(record_id):
            return None
        try:
            with self._errors(f"reading {resource}"):
                found: Mapping[str, Any] | None = self._sdk.retrieve(resource, record_id).get(resource)
                return found
        except ObjectRefused as refused:
            if "resource_not_found" in str(refused):
                return None
            raise

    def _custom_field_page(self, resource: str) -> Any:
        with self._errors(f"reading the custom fields of {resource}"):
            return self._sdk.get("/custom_field_configs", {"entity_type": resource, "limit": str(PAGE)})

    def _batch(self, object_name: str, records: Sequence[Mapping[str, Any]]) -> Batch:
        return Batch(tuple(_change(object_name, record) for record in records))

    def _site_record(self) -> dict[str, Any]:
        """The site as a record, known by its domain. The API has no such resource; the domain stays the vendor's in
        the sandbox, so that keys built from it are the same in both."""
        return {
            "id": f"{self.site}.chargebee.com",
            "domain": f"{self.site}.chargebee.com",
            "name": self._settings.get("name", self.site),
            "currency_code": self._settings.get("currency_code"),
            "time_zone": self._settings.get("time_zone", "UTC"),
            "object": "site",
        }

    def _resource(self, object_name: str) -> str:
        return object_name.removeprefix(f"{self.system}.")

    def _listing(self, object_name: str, resource: str) -> Listing:
        listing = schema.listing(resource)
        if listing is None:
            raise ObjectRefused(
                f"{object_name} cannot be read by itself: Chargebee has no list of it",
                "Read it through the record that holds it (contacts through chargebee.customer).",
                system=self.system,
            )
        return listing

    @cached_property
    def _client(self) -> Any:
        return transport.httpx_client(self._policy)

    @cached_property
    def _sdk(self) -> Sdk:
        return Sdk(self._api_key, self.site, self._client, self._base)

    def _errors(self, what: str) -> _Translated:
        return _Translated(self._redact, what, self._policy.clock)


class _Translated:
    """Turns the SDK's exceptions inside a `with` block into the run's errors; other exceptions pass as they are."""

    def __init__(self, redact: Redactor, what: str, clock: Clock) -> None:
        self._redact = redact
        self._what = what
        self._clock = clock

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if error is None or isinstance(error, RunError) or not hasattr(error, "api_error_code"):
            return
        assert isinstance(error, Exception)
        raise run_error(error, self._redact, self._what, self._clock.time()) from None


def _change(object_name: str, record: Mapping[str, Any]) -> Change:
    version = record.get("resource_version")
    if type(version) is not int:
        version = (record.get("updated_at") or record.get("occurred_at") or 0) * 1000
    deleted = record.get("deleted") is True or ("deleted" not in record and record.get("status") == "deleted")
    identifier = record.get("id", record.get("code", ""))
    return Change(object_name, str(identifier), version, record, deleted)


def _touched(record: Mapping[str, Any]) -> int:
    return int(record.get("updated_at") or record.get("created_at") or 0)
