"""The customers of the seeded world: who they are, where they live, whom else to write to.

Turns a number and a random generator into a customer document as the emulated Chargebee would hold it. Names and
places come from `world_places.json`. What they buy is left to `world_billing`.
"""

import random
import unicodedata
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from fieldwright.connectors.sandbox.chargebee.customers import new_customer
from fieldwright.connectors.sandbox.chargebee.pricing import Document

SEGMENTS = ("smb", "mid", "ent")
_MANAGERS = ("Ada Brandt", "Luis Ortega", "Mei Tanaka", "Sam Fielding")
# The first seven countries pay in dollars.
_CURRENCIES = {"JPY": "JP", "KWD": "KW"}
_LONG_STREET = (
    "Gewerbepark an der Alten Spinnerei, Gebäude 14 (ehemalige Färberei), Aufgang C, vierte Etage, Zimmer 417 bis 421"
)


@cache
def _places() -> dict[str, Any]:
    raw = msgspec.json.decode((Path(__file__).parent / "world_places.json").read_bytes())
    return {place["country"]: place for place in raw}


def currency_of(index: int) -> str:
    """The currency of a customer's purchases: mostly USD, one in twelve JPY, one in twelve KWD."""
    return {5: "JPY", 10: "KWD"}.get(index % 12, "USD")


def make_customer(index: int, rng: random.Random, created_at: int) -> Document:
    """The customer with that number, from 1.

    Every seventh has no company, every eleventh no first name, number 8 of each 25 a very long street."""
    currency = currency_of(index)
    if currency in _CURRENCIES:
        place = _places()[_CURRENCIES[currency]]
    else:
        countries = [country for country in _places() if country not in _CURRENCIES.values()]
        # America first, as in most catalogs in dollars, but every country within the first twenty.
        country = countries[index // 2 % len(countries)] if index % 2 else "US"
        place = _places()[country]
    first, last = rng.choice(place["first"]), rng.choice(place["last"])
    company = f"{rng.choice(place['firms'])} {place['form']}"
    slug = _ascii(company)
    values: Document = {
        "last_name": last,
        "email": f"{_ascii(last)}.{index}@{slug}.example",
        "phone": place["phone"].format(p=f"{rng.randrange(10_000):04d}"),
        "locale": place["locale"],
        "preferred_currency_code": currency,
        "billing_address": _address(place, index, rng),
        "cf_segment": SEGMENTS[index % 3],
        "cf_account_manager": _MANAGERS[rng.randrange(len(_MANAGERS))],
        "card_status": "valid",
    }
    if index % 11:
        values["first_name"] = first
    if index % 7:
        values["company"] = company
        if "vat" in place:
            values["vat_number"] = place["vat"].format(v=f"{rng.randrange(10**9):09d}")
    if index % 6 == 4:
        values |= {"auto_collection": "off", "net_term_days": 30, "card_status": "no_card"}
    if index % 17 == 9:
        values["taxability"] = "exempt"
    if index % 5 == 2:
        values["invoice_notes"] = "Please quote our purchase order."
    document = new_customer(values, f"cus_{index:06d}", created_at)
    address = document["billing_address"]
    for name in ("first_name", "last_name", "company"):
        if name in document:
            address[name] = document[name]
    document["contacts"] = _contacts(index, rng, place, slug)
    return document


def make_card(customer: Document) -> Document:
    """The card that a customer pays with."""
    return {
        "payment_source_id": customer["id"].replace("cus_", "pm_"),
        "customer_id": customer["id"],
        "status": "valid",
        "gateway": "chargebee",
        "gateway_account_id": "gw_sandbox",
        "iin": "411111",
        "last4": "1111",
        "card_type": "visa",
        "funding_type": "credit",
        "expiry_month": 12,
        "expiry_year": 2031,
        "masked_number": "************1111",
        "created_at": customer["created_at"],
        "updated_at": customer["created_at"],
        "resource_version": customer["created_at"] * 1000,
    }


def _address(place: dict[str, Any], index: int, rng: random.Random) -> Document:
    city, state, code, zipped = rng.choice(place["cities"])
    street = place["street"].format(s=rng.choice(place["streets"]), n=rng.randrange(1, 240))
    address: Document = {"line1": street, "city": city, "zip": zipped, "country": place["country"]}
    if state:
        address |= {"state": state, "state_code": code}
    if index % 25 == 8:
        address |= {"line1": _LONG_STREET, "line2": f"{street}, Lieferung nur über Tor 3, werktags 7 bis 15 Uhr"}
    elif index % 4 == 1:
        address["line2"] = f"Suite {rng.randrange(100, 900)}"
    return address


def _contacts(index: int, rng: random.Random, place: dict[str, Any], slug: str) -> list[Document]:
    wanted = 2 if index % 9 == 0 else 1 if index % 3 == 0 else 0
    contacts = []
    for number, label in zip(range(wanted), ("Accounts payable", "Technical"), strict=False):
        first, last = rng.choice(place["first"]), rng.choice(place["last"])
        contacts.append(
            {
                "id": f"contact_{index:06d}_{number + 1}",
                "first_name": first,
                "last_name": last,
                "email": f"{_ascii(last)}.{index}.{number + 1}@{slug}.example",
                "label": label,
                "enabled": True,
                "send_account_email": number == 1,
                "send_billing_email": number == 0,
            }
        )
    return contacts


def _ascii(text: str) -> str:
    """Letters and digits of a name as they may stand in an address; names in other scripts get a neutral word."""
    plain = unicodedata.normalize("NFKD", text.replace("ß", "ss").replace("Ł", "L").replace("ł", "l"))
    kept = "".join(char.lower() if char.isascii() and char.isalnum() else "-" for char in plain if not _mark(char))
    return "-".join(part for part in kept.split("-") if part) or "office"


def _mark(char: str) -> bool:
    return unicodedata.combining(char) > 0
