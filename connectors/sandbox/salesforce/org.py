"""One emulated org at work: its file, its metadata, its clock and the switches an administrator would set.

Everything else in the package receives an `Org`. The switches (validation and duplicate rules, hidden fields, locked
rows, limits) are kept in the file, so that a restart changes nothing. What they do is decided where they apply:
`validation`, `rules`, `writes`, `gateway`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from fieldwright.connectors.sandbox.clock import Clock
from fieldwright.connectors.sandbox.salesforce.metadata import Field, Schema, SObject
from fieldwright.connectors.sandbox.salesforce.soql_dates import stored_instant
from fieldwright.connectors.sandbox.salesforce.storage import Storage

DEFAULT_SETTINGS: dict[str, Any] = {
    "multi_currency": True,
    "daily_limit": 100_000,
    "token_lifetime": 7200,
    "validation_rules": [],
    "duplicate_rules": [],
    "hidden_fields": {},
    "locks": [],
    "credentials": {},
}


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls and how: the user behind the token, the API version of the path, the headers that change a save."""

    user_id: str
    version: str = "v59.0"
    host: str = "http://127.0.0.1"
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def may_save_duplicates(self) -> bool:
        """Whether the call asks to save in spite of duplicate rules of type Alert."""
        wanted = self.headers.get("sforce-duplicate-rule-header", "").replace(" ", "").lower()
        return "allowsave=true" in wanted


class Org:
    """The state shared by all requests to one emulated org."""

    def __init__(self, storage: Storage, clock: Clock) -> None:
        self.storage = storage
        self.clock = clock
        self.schema: Schema = storage.load_schema()
        self.settings: dict[str, Any] = {**DEFAULT_SETTINGS, **storage.setting("settings", {})}
        self.org_id: str = storage.setting("org_id", "")
        self.calls_today: int = storage.setting("calls", {}).get("count", 0)
        self.calls_day: str = storage.setting("calls", {}).get("day", "")
        self.described: dict[tuple[str, str], bytes] = {}
        self._currencies: dict[str, int] = {}
        self._hidden: dict[str, frozenset[str]] = {}
        self.refresh()

    def refresh(self) -> None:
        """Recomputes what is derived from metadata and settings after either changed."""
        self.schema.relink()
        self.described.clear()
        self._hidden = {
            name.lower(): frozenset(item.lower() for item in fields)
            for name, fields in self.settings["hidden_fields"].items()
        }
        if self.schema.find("CurrencyType"):
            found = self.storage.execute('SELECT "IsoCode", "DecimalPlaces" FROM "CurrencyType" WHERE "IsActive" = 1')
            self._currencies = dict(found.fetchall())

    def configure(self, **changes: Any) -> None:
        """Stores settings; TypeError for one that does not exist."""
        unknown = set(changes) - set(DEFAULT_SETTINGS)
        if unknown:
            raise TypeError(f"no such setting of the emulated org: {', '.join(sorted(unknown))}")
        self.settings.update(changes)
        self.storage.begin()
        self.storage.set_setting("settings", self.settings)
        self.refresh()

    def now(self) -> str:
        """The present instant as records store it."""
        return stored_instant(self.clock.now())

    @property
    def currencies(self) -> dict[str, int]:
        """Decimal places of the active currencies, by ISO code."""
        return self._currencies

    @property
    def corporate_currency(self) -> str:
        """The currency of records that name none."""
        found = self.storage.one('SELECT "IsoCode" FROM "CurrencyType" WHERE "IsCorporate" = 1')
        return str(found[0]) if found else "USD"

    def is_visible(self, item: SObject, found: Field) -> bool:
        """Whether the user may see the field: it is not hidden, and the feature it belongs to is switched on."""
        if not self.settings["multi_currency"] and (
            found.only_if == "multi-currency org" or item.name == "CurrencyType"
        ):
            return False
        hidden = self._hidden.get(item.name.lower())
        return hidden is None or found.name.lower() not in hidden

    def find_object(self, name: str) -> SObject | None:
        """An object of the org by name; objects of a feature that is off are not there."""
        item = self.schema.find(name)
        if item is not None and item.name == "CurrencyType" and not self.settings["multi_currency"]:
            return None
        return item

    def count_call(self) -> None:
        """Counts one API call against the limit of the day."""
        day = self.clock.now().date().isoformat()
        if day != self.calls_day:
            self.calls_day, self.calls_today = day, 0
        self.calls_today += 1
        if self.calls_today % 50 == 0:
            self.storage.set_setting("calls", {"day": day, "count": self.calls_today})
