"""Decides which addresses a connection may talk to, before any byte is sent.

Credentials travel with every request, so a wrong host is a leak: a vendor connection speaks https to the vendor's own
domains only, a sandbox connection speaks to this machine only. A sandbox connection also maps the vendor's addresses
onto its loopback address, because clients such as simple-salesforce build `https://` addresses whatever they are told.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import SplitResult, urlsplit, urlunsplit

from fieldwright.runtime.errors import ConfigError, Unavailable

_LABEL: Final = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"

VENDOR_HOSTS: Final = {
    "chargebee": re.compile(rf"{_LABEL}\.chargebee\.com"),
    "salesforce": re.compile(rf"(?:{_LABEL}\.)+my\.salesforce\.com|(?:login|test)\.salesforce\.com"),
    "activecampaign": re.compile(rf"{_LABEL}\.(?:api-us1|activehosted)\.com"),
}
"""Whole host names, lower case. `site="evil.example/#"` and `x.my.salesforce.com.evil.example` match none."""


@dataclass(frozen=True, slots=True)
class HostRule:
    """What one connection may reach. `base` is the loopback address of a sandbox, None for the vendor itself."""

    system: str
    base: str | None = None

    def __post_init__(self) -> None:
        if self.base is None:
            return
        parts = _split(self.base, self.system)
        if parts.scheme not in ("http", "https") or not is_loopback(parts.hostname or ""):
            raise ConfigError(
                f"Connection to {self.system}: a sandbox address must be on this machine",
                "Use an address such as http://127.0.0.1:8081, or connect without the sandbox.",
                system=self.system,
            )

    def admit(self, url: str) -> str:
        """The address to send to. Raises Unavailable for any address this connection must not reach; the message
        names the host only, because a path or query may carry record data."""
        parts = _split(url, self.system)
        host = (parts.hostname or "").lower()
        vendor = VENDOR_HOSTS[self.system].fullmatch(host) is not None and parts.username is None
        if self.base is not None:
            home = urlsplit(self.base)
            if vendor or (is_loopback(host) and _port(parts) in (_port(home), None)):
                return urlunsplit((home.scheme, home.netloc, parts.path, parts.query, ""))
        elif vendor and parts.scheme == "https" and _port(parts) in (None, 443):
            return url
        raise Unavailable(
            f"Refused to contact {host or 'an address without a host'}: it is not an address of {self.system}",
            "Check the connection's address; only the vendor's own domains over https are used.",
            system=self.system,
        )


def is_loopback(host: str) -> bool:
    """Whether the host is this machine."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _split(url: str, system: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise ConfigError(f"Connection to {system}: the address is not a URL", system=system) from None
    return parts


def _port(parts: SplitResult) -> int | None:
    return parts.port
