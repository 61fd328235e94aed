"""Functions on telephone numbers, countries and their parts, as the libraries phonenumbers and pycountry know them.

Both are large and loaded when first used. What they do not know is an error, never a guess: `else=` says what then.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, Final

from fieldwright.dsl.functions.registry import function
from fieldwright.dsl.values import EvaluationError

_REGION: Final = re.compile(r"[A-Z]{2}", re.ASCII)
_LONGEST: Final = 200


@function(
    "place",
    "phone_e164(text: string, region: string? = null) -> string",
    ("phone_e164('(030) 901820', 'DE')", "+4930901820"),
    ("phone_e164('+1 415 555 2671')", "+14155552671"),
    ("phone_e164('ask Bob', 'US', else=null)", None),
    fallible=True,
)
def phone_e164(text: str, region: str | None) -> str:
    """A telephone number in the form +14155552671. `region` is the country of numbers without a country code, as DE."""
    import phonenumbers

    found = _phone(text, region)
    if found is None:
        raise EvaluationError(
            "RT105", "a text is not a valid telephone number", "correct it, give its country, or give else="
        )
    return str(phonenumbers.format_number(found, phonenumbers.PhoneNumberFormat.E164))


@function(
    "place",
    "is_phone(text: string, region: string? = null) -> bool",
    ("is_phone('+1 415 555 2671')", True),
    ("is_phone('123', 'US')", False),
    fallible=True,
)
def is_phone(text: str, region: str | None) -> bool:
    """Whether the text is a valid telephone number (of that country, where it has no country code)."""
    return _phone(text, region) is not None


def _phone(text: str, region: str | None) -> Any:
    import phonenumbers

    if region is not None and region not in phonenumbers.SUPPORTED_REGIONS:
        raise EvaluationError("RT105", f"{region[:20]!r} is not a country", "use two capital letters: DE")
    try:
        found = phonenumbers.parse(text[:_LONGEST], region)
    except phonenumbers.NumberParseException:
        return None
    return found if phonenumbers.is_valid_number(found) else None


@function(
    "place",
    "country_code(text: string) -> string",
    ("country_code('Germany')", "DE"),
    ("country_code('deu')", "DE"),
    ("country_code('Atlantis', else=null)", None),
    fallible=True,
)
def country_code(text: str) -> str:
    """The code of two letters (ISO 3166) of a country given by its English name or one of its codes."""
    return str(_country(text).alpha_2)


@function(
    "place",
    "country_code3(text: string) -> string",
    ("country_code3('de')", "DEU"),
    ("country_code3('Bolivia')", "BOL"),
    fallible=True,
)
def country_code3(text: str) -> str:
    """The code of three letters (ISO 3166) of a country given by its English name or one of its codes."""
    return str(_country(text).alpha_3)


@function(
    "place",
    "country_name(text: string) -> string",
    ("country_name('US')", "United States"),
    ("country_name('TWN')", "Taiwan"),
    ("country_name('XX', else='')", ""),
    fallible=True,
)
def country_name(text: str) -> str:
    """The common English name of a country given by one of its codes (or names)."""
    found = _country(text)
    return str(getattr(found, "common_name", None) or found.name)


@lru_cache(maxsize=512)
def _country(text: str) -> Any:
    import pycountry

    known: Any = pycountry.countries
    wanted = text.strip()
    found = None
    if 0 < len(wanted) <= _LONGEST:
        if wanted.isascii() and wanted.isalpha() and len(wanted) in (2, 3):
            found = known.get(**{f"alpha_{len(wanted)}": wanted.upper()})
        for name in ("name", "common_name", "official_name"):
            found = found or known.get(**{name: wanted})
    if found is None:
        raise EvaluationError("RT105", f"{text[:40]!r} is not a country", "use ISO codes as DE, or give else=")
    return found


@function(
    "place",
    "subdivision_name(country: string, code: string) -> string",
    ("subdivision_name('US', 'CA')", "California"),
    ("subdivision_name('DE', 'ZZ', else=null)", None),
    fallible=True,
)
def subdivision_name(country: str, code: str) -> str:
    """The name of a state or province by the country's code of two letters and its own (ISO 3166-2)."""
    import pycountry

    known: Any = pycountry.subdivisions
    if not _REGION.fullmatch(country) or not code.isalnum() or len(code) > 3:
        found = None
    else:
        found = known.get(code=f"{country}-{code}")
    if found is None:
        raise EvaluationError("RT105", f"{country[:2]}-{code[:10]} is not a state or province", "or give else=")
    return str(found.name)
