"""The compiled mapping of customers to Accounts beside other ways in which one could write it in Python.

Run with `python -m benchmarks.peers`. The peers are installed into a virtual environment that is thrown away, never
into the project's. Each makes the same fields from the same customers, which is asserted; printed is the CPU time of
each divided by that of the compiled mapping, the median of paired rounds. A peer that cannot be installed is named.
Mappings of the peers are written in the way their documentation suggests, compiled once wherever they can be.
"""

from __future__ import annotations

import importlib
import os
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import venv
from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from benchmarks.mapping import account, measure

PACKAGES = ["pydantic", "jsonata-python", "common-expression-language", "cel-python", "jq", "glom", "jinja2"]
ROUNDS = 5
PLAIN = {
    "Phone": "phone",
    "BillingCity": "billing_address.city",
    "BillingPostalCode": "billing_address.zip",
    "BillingState": "billing_address.state",
    "BillingCountry": "billing_address.country",
    "chargebeeapps__Email__c": "email",
    "chargebeeapps__First_Name__c": "first_name",
    "chargebeeapps__CB_Id__c": "id",
    "chargebeeapps__Last_Name__c": "last_name",
    "chargebeeapps__Locale__c": "locale",
    "chargebeeapps__Net_Term_Days__c": "net_term_days",
    "chargebeeapps__Payment_Method_Status__c": "payment_method.status",
    "chargebeeapps__Payment_Method_Type__c": "payment_method.type",
    "chargebeeapps__Taxability__c": "taxability",
    "chargebeeapps__VAT_Number__c": "vat_number",
}
"""Fields that are copied."""
FIXED = {
    "chargebeeapps__CB_Site__c": "acme.chargebee.com",
    "chargebeeapps__Is_Synced__c": True,
    "chargebeeapps__Sync_with_Chargebee__c": True,
}
Peer = Callable[[dict[str, Any]], dict[str, Any]]


def pydantic_peer() -> Peer:
    """Models for input and output with computed fields."""
    pydantic = importlib.import_module("pydantic")
    model: Any = pydantic.BaseModel
    text: Any = pydantic.Field

    class Address(model):
        line1: str | None = None
        line2: str | None = None
        line3: str | None = None
        city: str | None = text(None, max_length=40)
        zip: str | None = text(None, max_length=20)
        state: str | None = text(None, max_length=80)
        country: str | None = text(None, max_length=80)

    class Method(model):
        type: str | None = None
        status: str | None = None

    class Customer(model):
        id: str
        auto_collection: str
        company: str | None = None
        first_name: str | None = None
        last_name: str | None = None
        email: str | None = text(None, max_length=80)
        phone: str | None = text(None, max_length=40)
        locale: str | None = None
        net_term_days: int | None = None
        taxability: str | None = None
        vat_number: str | None = None
        billing_address: Address = Address()
        payment_method: Method = Method()

    types: dict[str, Any] = dict.fromkeys([*PLAIN, "Name", "BillingStreet"], (str | int | None, None))
    types |= {"chargebeeapps__Auto_Collection__c": (str, ...)}
    types |= {name: (type(value), value) for name, value in FIXED.items()}
    target = pydantic.create_model("Account", **types)

    def run(given: dict[str, Any]) -> dict[str, Any]:
        c = Customer.model_validate(given)
        a, m = c.billing_address, c.payment_method
        names = " ".join([part for part in (c.first_name, c.last_name) if part and part.strip()])
        made = target(
            Name=c.company or names or c.email or c.id,
            chargebeeapps__Auto_Collection__c={"on": "On", "off": "Off"}[c.auto_collection],
            BillingStreet=", ".join([line for line in (a.line1, a.line2, a.line3) if line]) or None,
            Phone=c.phone,
            BillingCity=a.city,
            BillingPostalCode=a.zip,
            BillingState=a.state,
            BillingCountry=a.country,
            chargebeeapps__Email__c=c.email,
            chargebeeapps__First_Name__c=c.first_name,
            chargebeeapps__CB_Id__c=c.id,
            chargebeeapps__Last_Name__c=c.last_name,
            chargebeeapps__Locale__c=c.locale,
            chargebeeapps__Net_Term_Days__c=c.net_term_days,
            chargebeeapps__Payment_Method_Status__c=m.status,
            chargebeeapps__Payment_Method_Type__c=m.type,
            chargebeeapps__Taxability__c=c.taxability,
            chargebeeapps__VAT_Number__c=c.vat_number,
        )
        return made.model_dump(exclude_none=True)

    return run


def _object(entries: Mapping[str, str]) -> str:
    """An object of expressions, in the notation that JSONata, jq and CEL share."""
    fixed = {name: "true" if value is True else f'"{value}"' for name, value in FIXED.items()}
    pairs = [f'"{name}": {text}' for name, text in {**entries, **fixed}.items()]
    return f"{{{', '.join(pairs)}}}"


def _jsonata_text() -> str:
    a = "billing_address"
    return _object(
        PLAIN
        | {
            "Name": "company ? company : first_name ? $join([first_name, last_name], ' ') : email ? email : id",
            "BillingStreet": f"{a} ? $join([{a}.line1, {a}.line2, {a}.line3], ', ')",
            "chargebeeapps__Auto_Collection__c": "auto_collection = 'on' ? 'On' : 'Off'",
        }
    )


def jsonata_python_peer() -> Peer:
    """JSONata in Python."""
    jsonata = importlib.import_module("jsonata")
    made = jsonata.Jsonata(_jsonata_text())
    return lambda given: dict(made.evaluate(given))


def jq_peer() -> Peer:
    """jq through its bindings."""
    jq = importlib.import_module("jq")
    there = "map(select(. != null))"
    names = f'[.first_name, .last_name] | {there} | join(" ") | select(. != "")'
    lines = f'[.line1, .line2, .line3] | {there} | join(", ")'
    made = _object(
        {name: f".{path}" for name, path in PLAIN.items()}
        | {
            "Name": f"(.company // ({names}) // .email // .id)",
            "BillingStreet": f'(.billing_address | {lines} | if . == "" then null else . end)',
            "chargebeeapps__Auto_Collection__c": '{on: "On", off: "Off"}[.auto_collection]',
        }
    )
    program = jq.compile(f"{made} | with_entries(select(.value != null))")
    return lambda given: dict(program.input_value(given).first())


def _cel_text() -> str:
    def copied(path: str) -> str:
        first, _, second = path.partition(".")
        both = f"has(c.{first}) && has(c.{path})" if second else f"has(c.{first})"
        return f"{both} ? c.{path} : null"

    a = "c.billing_address"
    return _object(
        {name: copied(path) for name, path in PLAIN.items()}
        | {
            "Name": "has(c.company) ? c.company : c.first_name + ' ' + c.last_name",
            "BillingStreet": f"has({a}) ? {a}.line1 + (has({a}.line2) ? ', ' + {a}.line2 : '') : null",
            "chargebeeapps__Auto_Collection__c": "c.auto_collection == 'on' ? 'On' : 'Off'",
        }
    )


def cel_rust_peer() -> Peer:
    """CEL in Rust; the street and the name are written for the parts that the records have."""
    made = importlib.import_module("cel").compile(_cel_text())
    return lambda given: dict(made.execute({"c": given}))


def cel_python_peer() -> Peer:
    """CEL in Python."""
    celpy = importlib.import_module("celpy")
    environment = celpy.Environment()
    made = environment.program(environment.compile(_cel_text()))

    def run(given: dict[str, Any]) -> dict[str, Any]:
        found = made.evaluate({"c": celpy.json_to_cel(given)})
        return {str(name): None if value is None else _plain(value) for name, value in found.items()}

    return run


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, str) else bool(value) if "Bool" in type(value).__name__ else int(value)


def glom_peer() -> Peer:
    """glom specifications."""
    glom = importlib.import_module("glom")
    spec: dict[str, Any] = {name: glom.Coalesce(path, default=None) for name, path in PLAIN.items()}
    spec |= {name: glom.Val(value) for name, value in FIXED.items()}
    names = ("first_name", "last_name")
    spec["Name"] = glom.Coalesce("company", lambda c: " ".join([c[one] for one in names if c.get(one)]), "email", "id")
    parts = ("line1", "line2", "line3")
    spec["BillingStreet"] = glom.Coalesce(
        ("billing_address", lambda a: ", ".join([a[one] for one in parts if a.get(one)])), default=None
    )
    spec["chargebeeapps__Auto_Collection__c"] = ("auto_collection", {"on": "On", "off": "Off"}.get)
    made = glom.Glommer()
    return lambda given: dict(made.glom(given, spec))


def jinja_peer() -> Peer:
    """A Jinja expression for each field. (Native templates would turn the postal code 10115 into a number.)"""
    jinja = importlib.import_module("jinja2")
    environment = jinja.Environment(undefined=jinja.ChainableUndefined)
    texts = {name: f"c.{path}" for name, path in PLAIN.items()}
    texts["Name"] = "c.company or ([c.first_name, c.last_name] | select | join(' ')) or c.email or c.id"
    a = "c.billing_address"
    texts["BillingStreet"] = f"([{a}.line1, {a}.line2, {a}.line3] | select | join(', ')) or none"
    texts["chargebeeapps__Auto_Collection__c"] = "{'on': 'On', 'off': 'Off'}[c.auto_collection]"
    made = {name: environment.compile_expression(text) for name, text in texts.items()}
    return lambda given: {name: one(c=given) for name, one in made.items()} | FIXED


PEERS: Mapping[str, tuple[Callable[[], Peer], int]] = {
    "pydantic": (pydantic_peer, 2_000),
    "CEL in Rust": (cel_rust_peer, 400),
    "jq": (jq_peer, 400),
    "glom": (glom_peer, 200),
    "Jinja expressions": (jinja_peer, 200),
    "JSONata in Python": (jsonata_python_peer, 100),
    "CEL in Python": (cel_python_peer, 30),
}
"""Each peer and the number of records it is given: slow ones get fewer."""


def simple(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Fields without nulls, references and decimals as plain values: what every peer can make."""
    found = {name: getattr(value, "key", value) for name, value in fields.items() if value is not None}
    return {name: int(value) if isinstance(value, Decimal) else value for name, value in found.items()}


def compare() -> int:
    """Print one line a peer, fastest first; 1 when a peer that ran is faster than the compiled mapping."""
    found: list[tuple[float, str]] = []
    for name, (make, count) in PEERS.items():
        compiled, _, inputs = account(count)
        customers = [one["customer"] for one in inputs]
        try:
            peer = make()
        except ImportError as error:
            print(f"{name:22} not installed: {error}")
            continue
        for roots in inputs:
            ours, theirs = simple(compiled(roots).fields), simple(peer(roots["customer"]))
            if ours != theirs:
                raise AssertionError(f"{name}: {set(ours.items()) ^ set(theirs.items())}")
        rounds = [measure(peer, customers) / max(measure(compiled, inputs), 1e-9) for _ in range(ROUNDS)]
        found.append((statistics.median(rounds), name))
    print("CPU time of each way divided by that of the compiled mapping, customers to Accounts")
    for ratio, name in sorted(found):
        print(f"{name:22} {ratio:8.1f}")
    return 1 if min(found)[0] < 1 else 0


def main() -> int:
    """Install the peers into an environment of their own and compare there."""
    if "--here" in sys.argv:
        return compare()
    with tempfile.TemporaryDirectory(prefix="peers-") as folder:
        venv.create(folder, with_pip=True)
        python = str(Path(folder) / "bin" / "python")
        for package in PACKAGES:
            command = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", package]
            if subprocess.run(command, capture_output=True, check=False).returncode != 0:
                print(f"{package} cannot be installed")
        project = [str(Path(__file__).parent.parent), sysconfig.get_path("purelib")]
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(project)}
        return subprocess.run([python, "-m", "benchmarks.peers", "--here"], env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
