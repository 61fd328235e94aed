"""Where a running sandbox is reached and with which keys.

`Endpoints` is what `interpret sandbox` prints and what connectors are configured with. Its JSON form is a public
interface (version 1). Starting and finding sandboxes is left to `server`.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import msgspec


@dataclass(frozen=True, slots=True)
class ChargebeeEndpoint:
    """`url` is scheme, host and port; the API is below `/api/v2`."""

    url: str
    site: str
    api_key: str


@dataclass(frozen=True, slots=True)
class SalesforceEndpoint:
    """An org that takes any of the usual OAuth flows, or the access token as it is."""

    url: str
    access_token: str
    client_id: str
    client_secret: str
    username: str
    password: str


@dataclass(frozen=True, slots=True)
class ActiveCampaignEndpoint:
    """`url` is the account's base; the API is below `/api/3`."""

    url: str
    api_key: str


@dataclass(frozen=True, slots=True)
class AdminEndpoint:
    """Call log, faults, clock and reset."""

    url: str


@dataclass(frozen=True, slots=True)
class Endpoints:
    """The four addresses of a sandbox. The `url` of a system that was not started is empty. Its repr shows keys: they
    open nothing but this sandbox."""

    chargebee: ChargebeeEndpoint
    salesforce: SalesforceEndpoint
    activecampaign: ActiveCampaignEndpoint
    admin: AdminEndpoint

    def to_document(self) -> dict[str, Any]:
        """The JSON form as a dictionary."""
        return {"version": 1, **asdict(self)}

    def to_json(self) -> str:
        """One line of JSON."""
        return msgspec.json.encode(self.to_document()).decode()

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> "Endpoints":
        """The inverse of `to_document`. Raises msgspec.ValidationError."""
        return msgspec.convert({name: part for name, part in document.items() if name != "version"}, cls)
