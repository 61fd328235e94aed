"""Writes to one Salesforce org and looks up what it holds: the `Target` of `runtime.connector`.

Everything is batched, because calls are what a run costs: five counts, five queries or a thousand written rows travel
in one call. Queries are built in `soql`, writes packed in `writes`, values compared in `compare`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final
from urllib.parse import urlsplit

from fieldwright.connectors import retry
from fieldwright.connectors.hosts import HostRule, is_loopback
from fieldwright.connectors.ratelimit import Clock
from fieldwright.connectors.redaction import Redactor
from fieldwright.connectors.salesforce import compare, failures, schema, soql
from fieldwright.connectors.salesforce.client import ROOT, VERSION, Reply, SalesforceClient, encoded, login_arguments
from fieldwright.connectors.salesforce.writes import Writer
from fieldwright.connectors.transport import Policy
from fieldwright.dsl.schema import Catalog, FieldSchema, ObjectSchema
from fieldwright.runtime.connector import Capabilities, CustomField, FindRequest
from fieldwright.runtime.errors import ConfigError
from fieldwright.runtime.records import Identity, Operation, Outcome, TargetRecord

_SECRETS: Final = ("password", "security_token", "client_secret", "access_token")
_BATCH: Final = 25
"""Requests that one `composite/batch` call may hold."""


class SalesforceTarget:
    """A `Target` (see `runtime.connector`) over one org."""

    system = "salesforce"

    def __init__(
        self,
        settings: Mapping[str, str],
        *,
        sandbox: bool = False,
        clock: Clock | None = None,
        jitter: Callable[[], float] = retry.default_jitter,
    ) -> None:
        base = settings.get("instance_url") if sandbox else None
        if sandbox and base is None:
            raise ConfigError(
                "Connection to salesforce: the sandbox needs an instance URL on this machine", system=self.system
            )
        if not sandbox and is_loopback(_host(settings.get("instance_url", ""))):
            raise ConfigError(
                "Connection to salesforce: an address on this machine is for the sandbox only",
                "Give the org's own address, as https://acme.my.salesforce.com; `--target sandbox` needs none.",
                system=self.system,
            )
        login_arguments(settings)
        # A create keyed by a unique external id finds an existing record by itself.
        self.capabilities = Capabilities(
            write_batch=1000, find_batch=1000, all_or_none=True, upserts_by=frozenset(schema.upsert_fields())
        )
        self._redact = Redactor(settings[name] for name in _SECRETS if name in settings)
        self._policy = Policy(HostRule(self.system, base), redact=self._redact, clock=clock, jitter=jitter)
        self._client = SalesforceClient(settings, self._policy, self._redact)
        self._live: dict[str, ObjectSchema] = {}
        self._multi_currency = True

    def __repr__(self) -> str:
        return "SalesforceTarget()"

    @property
    def usage(self) -> tuple[int, int] | None:
        """API calls used and allowed in 24 hours, as the org last told."""
        return self._client.usage

    def check(self) -> Identity:
        """Log in; organization, user, standard price book and currencies. Only GETs, so that a run with nothing to do
        sends no request that could write. Raises Unavailable, AccessRefused, ConfigError."""
        who = self._client.get("/services/oauth2/userinfo")
        pricebook = self._client.get(f"{ROOT}/query?q={encoded('SELECT Id FROM Pricebook2 WHERE IsStandard = true')}")
        # Only an org with several currencies has this object; a refusal is the answer.
        currencies = self._client.send("GET", f"{ROOT}/query?q={encoded('SELECT IsoCode FROM CurrencyType')}")
        self._multi_currency = currencies.ok
        account = str(who["organization_id"])
        facts = {
            "account": account,
            "standard_pricebook_id": next((row["Id"] for row in pricebook["records"]), None),
            "multi_currency": currencies.ok,
            "time_zone": who.get("zoneinfo"),
            "user_id": who.get("user_id"),
            "api_version": VERSION,
        }
        return Identity(
            self.system,
            account=account,
            name=account,
            user=str(who.get("preferred_username") or who.get("user_id") or ""),
            facts={name: value for name, value in facts.items() if value is not None},
        )

    def catalog(self) -> Catalog:
        """The shipped schema; no network."""
        return schema.catalog()

    def live_catalog(self, objects: Iterable[str]) -> Catalog:
        """The org's own description of the named objects, custom fields included; 25 objects a call. Objects that the
        org lacks, or that the user may not see, are left out."""
        names = list(dict.fromkeys(objects))
        unknown = [name for name in names if name not in self._live]
        for start in range(0, len(unknown), _BATCH):
            for reply in self._described(unknown[start : start + _BATCH]):
                if reply.ok and isinstance(reply.body, dict) and "fields" in reply.body:
                    described = schema.described(reply.body)
                    self._live[described.name] = described
        return Catalog(self.system, {name: self._live[name] for name in names if name in self._live})

    def calls(self) -> int:
        """Requests sent so far, logins and repeats included."""
        return self._policy.calls

    def close(self) -> None:
        """Release sockets. May be called twice."""
        self._client.close()

    def count(self, objects: Sequence[str]) -> Mapping[str, int | None]:
        """Records of each object, five objects a call; None for an object that cannot be queried."""
        replies = self._client.query([f"SELECT COUNT() FROM {_bare(name)}" for name in objects])
        return {
            name: reply.body.get("totalSize") if reply.ok and isinstance(reply.body, dict) else None
            for name, reply in zip(objects, replies, strict=True)
        }

    def find(self, request: FindRequest) -> Iterator[tuple[int, TargetRecord]]:
        """Records that match any key, with the index of the key. Raises ObjectRefused, Unavailable."""
        described = self._object(request.object)
        fields = self._existing(request.object, request.fields)
        indexes: dict[tuple[str, ...], soql.KeyIndex] = {}
        for place, key in enumerate(request.keys):
            names = tuple(sorted(self._existing(request.object, key)))
            if names:
                indexes.setdefault(names, soql.KeyIndex(described, names)).add(place, key)
        for index in indexes.values():
            queries = index.queries(_bare(request.object), fields)
            for row in soql.rows(self._client, queries, self._body):
                places = index.places(row)
                if places:
                    found = soql.record(row, fields)
                    for place in places:
                        yield place, found

    def read(self, object_name: str, ids: Sequence[str], fields: Sequence[str]) -> Iterator[TargetRecord]:
        """Records by id; those gone are not among them."""
        fields = self._existing(object_name, fields)
        for row in self._rows_by(object_name, "Id", ids, fields):
            yield soql.record(row, fields)

    def children(
        self, object_name: str, parent_field: str, parent_ids: Sequence[str], fields: Sequence[str]
    ) -> Iterator[tuple[str, TargetRecord]]:
        """Rows under the given parents, each with its parent's id as it was given."""
        given = {parent[:15]: parent for parent in parent_ids}
        fields = self._existing(object_name, fields)
        for row in self._rows_by(object_name, parent_field, parent_ids, [*fields, parent_field]):
            yield given[str(row[parent_field])[:15]], soql.record(row, fields)

    def ensure_fields(self, fields: Sequence[CustomField]) -> Sequence[CustomField]:
        """None: fields of a Salesforce object are made by its administrator, not by a sync."""
        return ()

    def missing_fields(self, fields: Sequence[CustomField]) -> Sequence[CustomField]:
        """Those of the fields that the org lacks, or hides from this user."""
        live = self.live_catalog({wanted.object for wanted in fields})
        found = {name: described.fields for name, described in live.objects.items()}
        return [wanted for wanted in fields if wanted.name not in found.get(wanted.object, {})]

    def same(self, object_name: str, field: str, ours: Any, theirs: Any) -> bool:
        """Whether `ours`, once written, reads as `theirs`; a field that the org does not have is never different."""
        if not self._existing(object_name, [field]):
            return True
        return compare.same(self._field(object_name, field), ours, theirs)

    def apply(self, operations: Sequence[Operation]) -> Sequence[Outcome]:
        """Write; one outcome for each operation, same order."""
        if not self._multi_currency:
            operations = [self._without_currency(operation) for operation in operations]
        return Writer(self._client, self._field, self._redact).apply(operations)

    def _existing(self, object_name: str, fields: Iterable[str]) -> list[str]:
        """The fields without those that only an org with several currencies has, where this one has one."""
        if self._multi_currency:
            return list(fields)
        described = self._object(object_name)
        known = described.fields if described is not None else {}
        return [name for name in fields if name not in known or known[name].only_if is None]

    def _without_currency(self, operation: Operation) -> Operation:
        names = self._existing(operation.object, operation.fields)
        key = self._existing(operation.object, operation.key)
        return replace(
            operation,
            fields={name: operation.fields[name] for name in names},
            key={name: operation.key[name] for name in key},
        )

    def _rows_by(
        self, object_name: str, field: str, ids: Sequence[str], fields: Sequence[str]
    ) -> Iterator[dict[str, Any]]:
        known = {text: None for value in ids if (text := soql.literal(value, None)) is not None}
        queries = list(soql.select(_bare(object_name), fields, field, known))
        return soql.rows(self._client, queries, self._body)

    def _body(self, reply: Reply) -> Any:
        if reply.ok:
            return reply.body
        raise failures.request_error(
            reply.status, reply.body, f"{ROOT}/query", self._redact, readable=reply.readable or reply.status == 0
        )

    def _described(self, objects: Sequence[str]) -> list[Reply]:
        urls = [f"sobjects/{_bare(name)}/describe" for name in objects]
        if len(urls) == 1:
            return [self._client.send("GET", f"{ROOT}/{urls[0]}")]
        requests = [{"method": "GET", "url": f"v{VERSION}/{url}"} for url in urls]
        answer = self._client.read(f"{ROOT}/composite/batch", {"batchRequests": requests})
        return [Reply(int(entry["statusCode"]), entry.get("result")) for entry in answer["results"]]

    def _object(self, object_name: str) -> ObjectSchema | None:
        return self._live.get(object_name) or schema.catalog().find(object_name)

    def _field(self, object_name: str, field: str) -> FieldSchema | None:
        described = self._object(object_name)
        return described.fields.get(field) if described is not None else None


def _bare(object_name: str) -> str:
    return object_name.removeprefix("salesforce.")


def _host(url: str) -> str:
    return urlsplit(url).hostname or ""
