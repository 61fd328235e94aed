"""Turns the name of a system and its settings into a connection, and knows the shipped schemas of all systems.

A connector is one entry of `CONNECTORS`: which settings it needs, which environment variables hold them, where its
catalog and its connection class live. Modules are named as text and imported when asked for, because each vendor SDK
costs about a second to import and the linter needs none of them.

Left to others: reading the project file, keyrings, and what a connection does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Final, cast

from fieldwright.dsl.schema import Catalog, Schemas
from fieldwright.runtime.connector import Connection
from fieldwright.runtime.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Connector:
    """One kind of system. `required` lists alternatives: each a set of settings that is enough to connect.
    `catalog` is `module:function` without arguments; `connection` is `module:callable(settings, sandbox=)`."""

    system: str
    settings: tuple[str, ...]
    required: tuple[tuple[str, ...], ...]
    catalog: str
    connection: str


CONNECTORS: Final[Mapping[str, Connector]] = {
    connector.system: connector
    for connector in (
        Connector(
            system="chargebee",
            settings=("site", "api_key", "url", "name", "currency_code", "time_zone"),
            required=(("site", "api_key"),),
            catalog="fieldwright.connectors.chargebee.schema:catalog",
            connection="fieldwright.connectors.chargebee.source:ChargebeeSource",
        ),
        Connector(
            system="salesforce",
            settings=(
                "username",
                "password",
                "security_token",
                "client_id",
                "client_secret",
                "instance_url",
                "access_token",
                "domain",
                "private_key_file",
                "organization_id",
            ),
            required=(
                ("instance_url", "access_token"),
                ("client_id", "client_secret"),
                ("username", "client_id", "private_key_file"),
                ("username", "password"),
            ),
            catalog="fieldwright.connectors.salesforce.schema:catalog",
            connection="fieldwright.connectors.salesforce.target:SalesforceTarget",
        ),
        Connector(
            system="activecampaign",
            settings=("url", "api_key"),
            required=(("url", "api_key"),),
            catalog="fieldwright.connectors.activecampaign.schema:catalog",
            connection="fieldwright.connectors.activecampaign.target:ActiveCampaignTarget",
        ),
    )
}


def connect(system: str, settings: Mapping[str, str], *, sandbox: bool) -> Connection:
    """A connection to `system`; opens no socket. `sandbox` allows loopback addresses and nothing else.
    Raises ConfigError for an unknown system or missing settings, naming them."""
    connector = _connector(system)
    unknown = sorted(set(settings) - set(connector.settings))
    if unknown:
        raise ConfigError(
            f"Connection to {system}: unknown setting {', '.join(unknown)}",
            f"Known settings are {', '.join(connector.settings)}.",
            system=system,
        )
    given = {name: value for name, value in settings.items() if value}
    if not any(given.keys() >= set(alternative) for alternative in connector.required):
        raise ConfigError(
            f"Connection to {system}: settings are missing", f"Give {_alternatives(connector)}.", system=system
        )
    make = _load(connector.connection)
    return cast(Connection, make(given, sandbox=sandbox))  # type: ignore[operator]


def settings_from_environment(system: str, prefix: str, environment: Mapping[str, str]) -> dict[str, str]:
    """The settings of `system` from variables `<prefix>_<SETTING>`. Raises ConfigError naming the variables that are
    missing; values never appear in the message."""
    connector = _connector(system)
    found = {
        name: value for name in connector.settings if (value := environment.get(f"{prefix}_{name.upper()}", "").strip())
    }
    if not any(found.keys() >= set(alternative) for alternative in connector.required):
        # Name what the nearest alternative still lacks: the user most likely meant that one.
        nearest = min(connector.required, key=lambda names: len(set(names) - found.keys()))
        missing = ", ".join(f"{prefix}_{name.upper()}" for name in nearest if name not in found)
        ways = _alternatives(connector, prefix=f"{prefix}_")
        raise ConfigError(
            f"Connection to {system}: the environment lacks {missing}",
            f"Set {ways}, or run with --target sandbox, which needs no credentials.",
            system=system,
        )
    return found


def sandbox_settings(system: str, endpoint: Mapping[str, str]) -> dict[str, str]:
    """The settings that connect to a running sandbox; `endpoint` is the system's part of its endpoints document."""
    connector = _connector(system)
    known = {name: value for name, value in endpoint.items() if name in connector.settings}
    match system:
        case "chargebee":
            # The API of Chargebee tells neither of these of a site, so every connection is told them.
            return {"currency_code": "USD", "time_zone": "UTC", **known}
        case "salesforce":
            # The token is tried first; id and secret serve when it has expired.
            names = ("access_token", "client_id", "client_secret")
            return {"instance_url": endpoint["url"], **{name: known[name] for name in names if name in known}}
        case _:
            return known


def shipped_schemas() -> Schemas:
    """The shipped catalogs of all systems; no network, no vendor SDK."""
    return Schemas(_Catalogs())


class _Catalogs(Mapping[str, Catalog]):
    """Catalogs by system, loaded at the first look: a project rarely speaks of all systems."""

    def __getitem__(self, system: str) -> Catalog:
        return cast(Catalog, _load(CONNECTORS[system].catalog)())  # type: ignore[operator]

    def __iter__(self) -> Iterator[str]:
        return (name for name, connector in CONNECTORS.items() if find_spec(connector.catalog.partition(":")[0]))

    def __len__(self) -> int:
        return len(list(iter(self)))


def _connector(system: str) -> Connector:
    try:
        return CONNECTORS[system]
    except KeyError:
        raise ConfigError(f"There is no connector for `{system}`", f"Known systems: {', '.join(CONNECTORS)}.") from None


def _load(place: str) -> object:
    module, _, name = place.partition(":")
    return cast(object, getattr(import_module(module), name))


def _alternatives(connector: Connector, prefix: str = "") -> str:
    def shown(name: str) -> str:
        return f"{prefix}{name.upper()}" if prefix else name

    return ", or ".join(" + ".join(shown(name) for name in names) for names in connector.required)
