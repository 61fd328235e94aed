"""What is packaged is what is there: the explicit lists in pyproject.toml against the folders."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
RINGS = {"dsl": "fieldwright.dsl", "runtime": "fieldwright.runtime", "connectors": "fieldwright.connectors"}


def _packages_on_disk() -> set[str]:
    found = {"fieldwright.mappings"}
    for folder, name in (*RINGS.items(), ("fieldwright", "fieldwright")):
        for init in (ROOT / folder).rglob("__init__.py"):
            inside = init.parent.relative_to(ROOT / folder).parts
            if folder == "fieldwright" and inside[:1] in [(ring,) for ring in (*RINGS, "mappings")]:
                continue  # the links to the rings
            found.add(".".join((name, *inside)))
    return found


def test_packages_listed_are_the_packages_there() -> None:
    assert set(PROJECT["tool"]["setuptools"]["packages"]) == _packages_on_disk()


def test_every_folder_with_modules_is_a_package() -> None:
    folders = {path.parent for ring in (*RINGS, "fieldwright/commands") for path in (ROOT / ring).rglob("*.py")}

    assert [str(folder.relative_to(ROOT)) for folder in folders if not (folder / "__init__.py").exists()] == []


def test_links_lead_to_the_rings() -> None:
    links = {path.name: str(path.readlink()) for path in (ROOT / "fieldwright").iterdir() if path.is_symlink()}

    assert links == {name: f"../{name}" for name in ("connectors", "dsl", "mappings", "runtime")}


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-dev.lock"])
def test_lock_has_hashes_and_no_addresses(name: str) -> None:
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    pins = [line for line in lines if not line.startswith((" ", "#"))]

    assert pins
    assert [line for line in pins if not re.fullmatch(r"[A-Za-z0-9._-]+==[^ ]+( ; .+)? \\", line)] == []
    assert [
        line for line in lines if "://" in line or (line.lstrip().startswith("--") and "--hash=sha256:" not in line)
    ] == []


def _normal(requirement: str) -> str:
    name = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert name is not None
    return re.sub(r"[-_.]+", "-", name.group()).lower()


def _locked(name: str) -> set[str]:
    text = (ROOT / name).read_text(encoding="utf-8")
    return {_normal(line) for line in text.splitlines() if not line.startswith((" ", "#"))}


def test_locks_cover_what_the_project_asks_for() -> None:
    project = PROJECT["project"]
    run = {_normal(one) for one in (*project["dependencies"], *PROJECT["build-system"]["requires"])}
    dev = {_normal(one) for one in project["optional-dependencies"]["dev"]}

    assert run - _locked("requirements.lock") == set()
    assert dev - _locked("requirements-dev.lock") == set()
    assert _locked("requirements.lock") <= _locked("requirements-dev.lock")


def test_version_is_said_once() -> None:
    from fieldwright import __version__

    assert PROJECT["project"]["version"] == __version__
