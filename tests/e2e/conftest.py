"""A served sandbox, the command line as a process of its own, and the systems' own view of what arrived."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from fieldwright.connectors.sandbox.server import Sandbox


class Stage:
    """A folder with a running sandbox. Everything is looked at through the systems' own APIs."""

    def __init__(self, folder: Path, sandbox: Sandbox) -> None:
        self.folder = folder
        self.sandbox = sandbox
        self.endpoints = sandbox.endpoints.to_document()

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "fieldwright", *arguments]

    def environment(self) -> dict[str, str]:
        own = ("INTERPRET_", "CHARGEBEE", "SALESFORCE", "ACTIVECAMPAIGN")
        return {name: value for name, value in os.environ.items() if not name.startswith(own)} | {"NO_COLOR": "1"}

    def interpret(self, *arguments: str, code: int | None = 0) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            self.command(*arguments), cwd=self.folder, env=self.environment(), capture_output=True, text=True
        )
        assert "Traceback" not in done.stdout + done.stderr
        if code is not None:
            assert done.returncode == code, done.stdout + done.stderr
        return done

    def report(self, *arguments: str, code: int | None = 0) -> dict[str, Any]:
        return dict(json.loads(self.interpret(*arguments, "--output", "json", code=code).stdout))

    def calls(self, *, clear: bool = True) -> dict[str, Any]:
        found = self._admin("GET", "/calls?detail=1")
        if clear:
            self._admin("DELETE", "/calls")
        return found

    def writes(self) -> list[tuple[str, str]]:
        """Method and path of every request since the last look that is not a GET."""
        return [(one["method"], one["path"]) for one in self.calls()["detail"] if one["method"] != "GET"]

    def fault(self, **fault: Any) -> None:
        self._admin("POST", "/faults", fault)

    def soql(self, query: str) -> list[dict[str, Any]]:
        login = self.endpoints["salesforce"]
        url: str | None = f"/services/data/v59.0/query?q={urllib.parse.quote(query)}"
        rows: list[dict[str, Any]] = []
        while url:
            page = request("GET", login["url"] + url, {"Authorization": f"Bearer {login['access_token']}"})
            rows += [{name: value for name, value in row.items() if name != "attributes"} for row in page["records"]]
            url = page.get("nextRecordsUrl")
        return rows

    def contacts(self, **filters: str) -> dict[str, Any]:
        login = self.endpoints["activecampaign"]
        query = urllib.parse.urlencode({"limit": "100", **filters})
        url = f"{login['url'].rstrip('/')}/api/3/contacts?{query}"
        return request("GET", url, {"Api-Token": login["api_key"]})

    def contact_values(self, email: str) -> dict[str, str]:
        """The custom field values of a contact, by personalisation tag."""
        login = self.endpoints["activecampaign"]
        base, headers = f"{login['url'].rstrip('/')}/api/3", {"Api-Token": login["api_key"]}
        contact = self.contacts(email=email)["contacts"][0]
        tags = {one["id"]: one["perstag"] for one in request("GET", f"{base}/fields?limit=100", headers)["fields"]}
        values = request("GET", f"{base}/contacts/{contact['id']}/fieldValues", headers)["fieldValues"]
        return {tags[one["field"]]: one["value"] for one in values}

    def change_customer(self, customer: str, **fields: str) -> None:
        """Through Chargebee's own API, as the billing team's tools would."""
        body = urllib.parse.urlencode(fields).encode()
        request("POST", f"{self._chargebee()}/customers/{customer}", self._basic(), body)

    def customers(self, limit: int = 100) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        offset = ""
        while True:
            page = request("GET", f"{self._chargebee()}/customers?limit={limit}{offset}", self._basic())
            found += [entry["customer"] for entry in page["list"]]
            if "next_offset" not in page:
                return found
            offset = f"&offset={urllib.parse.quote(page['next_offset'])}"

    def _chargebee(self) -> str:
        return f"{self.endpoints['chargebee']['url'].rstrip('/')}/api/v2"

    def _basic(self) -> dict[str, str]:
        import base64

        key = self.endpoints["chargebee"]["api_key"]
        return {"Authorization": "Basic " + base64.b64encode(f"{key}:".encode()).decode()}

    def _admin(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        data = None if body is None else json.dumps(body).encode()
        return request(method, self.endpoints["admin"]["url"].rstrip("/") + path, {}, data)


def request(method: str, url: str, headers: Mapping[str, str], body: bytes | None = None) -> dict[str, Any]:
    asked = urllib.request.Request(url, data=body, headers=dict(headers), method=method)
    with urllib.request.urlopen(asked) as answer:
        return dict(json.loads(answer.read() or b"{}"))


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    """A new folder with a sandbox of 25 customers."""
    # The tests' own looks at ActiveCampaign must not use up the five requests a second.
    configs = {"activecampaign": {"rate_limit": None}}
    with Sandbox.start(tmp_path / ".interpret" / "sandbox", customers=25, seed=1, configs=configs) as sandbox:
        yield Stage(tmp_path, sandbox)
