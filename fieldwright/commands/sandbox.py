"""`interpret sandbox`: the emulated systems in the foreground, and what one does to their world.

The world lives in `.interpret/sandbox/` of the project and is shared with runs on the target `sandbox`. Left to
`fieldwright.connectors.sandbox`: everything the systems do.
"""

from __future__ import annotations

import json
import re
import signal
import sys
import threading
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import click

from fieldwright import failures, output
from fieldwright.commands import options
from fieldwright.project import SANDBOX, find_project
from fieldwright.runtime.errors import StateUnusable, Unavailable

_FIELD: Final = re.compile(r"salesforce\.([A-Za-z][A-Za-z0-9_]*)\.([A-Za-z][A-Za-z0-9_]*__c)")
_FIELD_TYPES: Final = (
    "Text", "TextArea", "Number", "Currency", "Percent", "Checkbox", "Date", "DateTime", "Email", "Phone", "Url",
)  # fmt: skip
_TOOLING: Final = "/services/data/v59.0/tooling/sobjects/CustomField"


@click.group(
    "sandbox",
    short_help="Serve the built-in Chargebee, Salesforce and ActiveCampaign.",
    invoke_without_command=True,
    epilog="""\b
Examples:
  interpret sandbox                                  serve until Ctrl-C, addresses and keys are printed
  interpret sandbox --output json                    one line of JSON when everything is up
  interpret sandbox reset --customers 200 --seed 7   a new world; forgets what was synced
  interpret sandbox add-field salesforce.Account.Tier__c --type Text --length 40""",
)
@options.project_option()
@options.output_option()
@click.option("--port", "ports", multiple=True, metavar="SYSTEM=PORT", help="A fixed port; may be repeated.")
def command(ports: tuple[str, ...], **_place: Any) -> int | None:
    """Serve the built-in Chargebee, Salesforce and ActiveCampaign.

    Real HTTP on 127.0.0.1, for the official clients and for yours. The world is kept between starts; runs on the
    target `sandbox` use it.
    """
    if click.get_current_context().invoked_subcommand is not None:
        return None
    return _serve(_folder(), _ports(ports))


@command.command("status", epilog="\b\nExample:\n  interpret sandbox status --output json")
@options.project_option()
@options.output_option()
def status(**_place: Any) -> int:
    """Show whether the sandbox of this project is being served, and where."""
    from fieldwright.connectors.sandbox.server import find_running

    folder = _folder(make=False)
    endpoints = find_running(folder)
    if _wants_json():
        document = None if endpoints is None else endpoints.to_document()
        output.write_json(
            {"version": 1, "running": endpoints is not None, "folder": str(folder), "endpoints": document}
        )
    elif endpoints is None:
        output.say(f"Not being served. Its data: {folder}" + ("" if folder.exists() else " (none yet)"))
    else:
        _print_endpoints(endpoints.to_document())
    return failures.OK


@command.command("reset", epilog="\b\nExample:\n  interpret sandbox reset --customers 200 --seed 7")
@options.project_option()
@options.output_option()
@click.option("--customers", type=click.IntRange(0, 100_000), default=25, help="How many customers.  [default: 25]")
@click.option("--seed", type=int, default=1, help="Same seed, same world.  [default: 1]")
@click.option("--scenario", metavar="NAME", help="A special world, as `faults`: with records that must fail.")
def reset(customers: int, seed: int, scenario: str | None, **_place: Any) -> int:
    """Make a new world and forget what was synced into the old one."""
    import sqlite3

    from fieldwright.connections import sandbox_unusable
    from fieldwright.connectors.sandbox import server
    from fieldwright.runtime.state.database import writer

    project = find_project(options.given("folder"))
    folder = _folder()
    names = {SANDBOX, *(project.document.targets if project.document else ())}
    targets = [project.target(name) for name in sorted(names)]
    emulated = [one for one in targets if any(map(one.is_emulated, ("chargebee", "salesforce", "activecampaign")))]
    for target in emulated:
        who = writer(project.state_file(target))
        if who:
            raise StateUnusable(f"a run on target {target.name} is under way ({who})", "wait for it to end, or end it")
    try:
        server.reset(folder, customers=customers, seed=seed, scenario=scenario)
        # The accounts of the new world have the names of the old ones; links to records that are gone would mislead.
        for target in emulated:
            _forget(project.state_file(target))
    except ValueError as error:
        raise failures.WrongUse(str(error), "`interpret sandbox reset --help` shows the options") from None
    except (OSError, HTTPException, sqlite3.Error) as error:
        raise sandbox_unusable(folder, error) from None
    if _wants_json():
        output.write_json({"version": 1, "customers": customers, "seed": seed, "scenario": scenario})
    else:
        special = f", scenario {scenario}" if scenario else ""
        output.say(f"A new world: {customers} customers, seed {seed}{special}. `interpret run` syncs it.")
    return failures.OK


@command.command(
    "add-field", epilog="\b\nExample:\n  interpret sandbox add-field salesforce.Account.Tier__c --type Text --length 40"
)
@click.argument("field")
@click.option("--type", "field_type", type=click.Choice(_FIELD_TYPES, case_sensitive=False), default="Text")
@click.option("--length", type=click.IntRange(1, 131_072), help="Of texts.  [default: 255]")
@click.option("--label", help="[default: from the name]")
@options.project_option()
@options.output_option()
def add_field(field: str, field_type: str, length: int | None, label: str | None, **_place: Any) -> int:
    """Give the emulated Salesforce a custom field, as an administrator would.

    Chargebee's custom fields need no such step here, and ActiveCampaign's are made by the run that first writes them.
    """
    from fieldwright.connections import sandbox_endpoints

    match = _FIELD.fullmatch(field)
    if match is None:
        raise failures.WrongUse(
            f"`{field}` is no custom field of Salesforce",
            "write it as salesforce.Account.Tier__c: its name ends with __c",
        )
    object_name, name = match.groups()
    metadata: dict[str, Any] = {"type": field_type, "label": label or name.removesuffix("__c").replace("_", " ")}
    if field_type == "Text":
        metadata["length"] = length or 255
    elif length is not None:
        metadata["length"] = length
    if field_type in ("Number", "Currency", "Percent"):
        metadata |= {"precision": 18, "scale": 2}
    with sandbox_endpoints(_folder()) as endpoints:
        answer = _tooling(endpoints["salesforce"], {"FullName": f"{object_name}.{name}", "Metadata": metadata})
    if _wants_json():
        output.write_json({"version": 1, "field": field, "id": answer.get("id")})
    else:
        output.say(f"{field} is there. Declare it in schema/custom-fields.yaml, so that lint knows it too.")
    return failures.OK


def _forget(state: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        state.with_name(state.name + suffix).unlink(missing_ok=True)


def _serve(folder: Path, ports: Mapping[str, int]) -> int:
    import sqlite3

    from fieldwright.connections import sandbox_unusable
    from fieldwright.connectors.sandbox.server import Sandbox, SandboxRunning

    ended = threading.Event()
    received: list[int] = []

    def end(number: int, _frame: object) -> None:
        received.append(number)
        ended.set()

    # Before the start, so that a signal during it is not lost.
    before = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        with Sandbox.start(folder, ports=ports or None) as sandbox:
            document = sandbox.endpoints.to_document()
            if _wants_json():
                output.write_json(document, indent=0)
            else:
                _print_endpoints(document)
                output.say("Serving until Ctrl-C. In another terminal: interpret run")
            sys.stdout.flush()
            # A wait without a limit cannot be woken by a signal on every platform.
            while not ended.wait(3600):
                pass
    except SandboxRunning as other:
        raise Unavailable(
            "this sandbox is being served already", f"use it: its admin address is {other.endpoints.admin.url}"
        ) from None
    except (OSError, sqlite3.Error) as error:
        raise sandbox_unusable(folder, error) from None
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return failures.INTERRUPTED if received[:1] == [signal.SIGINT] else failures.OK


def _print_endpoints(endpoints: Mapping[str, Any]) -> None:
    for system in ("chargebee", "salesforce", "activecampaign", "admin"):
        values = dict(endpoints[system])
        output.say(f"{system:<16}{values.pop('url')}")
        for name, value in values.items():
            output.say(f"  {name:<14}{value}")


def _tooling(salesforce: Mapping[str, str], body: Mapping[str, Any]) -> dict[str, Any]:
    connection = HTTPConnection(urlsplit(salesforce["url"]).netloc, timeout=30)
    headers = {"Authorization": f"Bearer {salesforce['access_token']}", "Content-Type": "application/json"}
    try:
        connection.request("POST", _TOOLING, json.dumps(body), headers)
        response = connection.getresponse()
        answer = json.loads(response.read() or b"null")
    except (OSError, HTTPException, ValueError) as error:
        raise Unavailable("the sandbox did not answer", "start it again", system="salesforce") from error
    finally:
        connection.close()
    if response.status >= 300:
        first = answer[0] if isinstance(answer, list) and answer else {}
        reason = first.get("message") or f"status {response.status}"
        raise failures.WrongUse(f"the field was refused: {reason}", "look at its name, type and length")
    return answer if isinstance(answer, dict) else {}


def _ports(given: tuple[str, ...]) -> dict[str, int]:
    found: dict[str, int] = {}
    for each in given:
        system, _, port = each.partition("=")
        if (
            system not in ("chargebee", "salesforce", "activecampaign", "admin")
            or not port.isdigit()
            or int(port) > 65535
        ):
            raise failures.WrongUse(f"`{each}` is no port of the sandbox", "write it as chargebee=8081")
        found[system] = int(port)
    return found


def _folder(*, make: bool = True) -> Path:
    project = find_project(options.given("folder"))
    return (project.prepare_private() if make else project.private) / "sandbox"


def _wants_json() -> bool:
    return bool(options.given("output_format") == output.Format.JSON)
