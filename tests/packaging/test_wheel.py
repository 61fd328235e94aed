"""The wheel, built and installed into an empty virtual environment, works far from the repository."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DATA = (".yaml", ".json", ".lark", ".j2", ".md", ".sql", ".typed")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel built from a copy of the sources, so that nothing is left behind in them."""
    copy = tmp_path_factory.mktemp("build") / "source"
    shutil.copytree(
        ROOT,
        copy,
        symlinks=True,
        ignore=lambda folder, names: (
            [name for name in names if name.startswith(".") or name in ("tests", "build", "dist", "docs", "benchmarks")]
            if Path(folder) == ROOT
            else [name for name in names if name == "__pycache__"]
        ),
    )
    out = copy.parent / "dist"
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    done = subprocess.run([*build, "-w", str(out), str(copy)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return next(out.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of scripts of an environment that holds the wheel and sees the dependencies, but not the sources."""
    home = tmp_path_factory.mktemp("venv")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(home)], check=True)
    python = home / "bin" / "python"
    where = subprocess.check_output(
        [str(python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], text=True
    ).strip()
    # Linked one by one: a .pth file to the whole folder would run the editable install that lies in it.
    for dependency in Path(sysconfig.get_path("purelib")).iterdir():
        if "fieldwright" not in dependency.name and dependency.suffix != ".pth":
            (Path(where) / dependency.name).symlink_to(dependency)
    subprocess.run(
        [
            sys.executable,
            "-m",
            "pip",
            "--python",
            str(python),
            "install",
            "--quiet",
            "--no-deps",
            "--no-index",
            str(wheel),
        ],
        check=True,
    )
    return home / "bin"


def _interpret(scripts: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "LANG": "C.UTF-8"}
    return subprocess.run(
        [str(scripts / "interpret"), *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_wheel_has_one_top_level_name(wheel: Path) -> None:
    names = {Path(name).parts[0] for name in zipfile.ZipFile(wheel).namelist()}

    assert {name for name in names if not name.endswith(".dist-info")} == {"fieldwright"}


def test_wheel_holds_every_module_and_data_file(wheel: Path) -> None:
    packed = set(zipfile.ZipFile(wheel).namelist())
    wanted = set()
    for folder in ("dsl", "runtime", "connectors", "mappings", "fieldwright"):
        for path in (ROOT / folder).rglob("*"):
            inside = path.relative_to(ROOT / folder)
            linked = folder == "fieldwright" and inside.parts[0] in ("dsl", "runtime", "connectors", "mappings")
            if not linked and path.is_file() and path.suffix in (".py", *DATA):
                wanted.add(str((Path("fieldwright") / folder if folder != "fieldwright" else Path(folder)) / inside))

    assert wanted - packed == set()


def test_installed_wheel_is_not_the_repository(installed: Path, tmp_path: Path) -> None:
    place = subprocess.check_output(
        [str(installed / "python"), "-c", "import fieldwright.dsl; print(fieldwright.dsl.__file__)"],
        text=True,
        cwd=tmp_path,
    )

    assert str(ROOT) not in place


def test_installed_wheel_syncs_the_sandbox_twice(installed: Path, tmp_path: Path) -> None:
    first = _interpret(installed, tmp_path, "run", "--output", "json")
    second = _interpret(installed, tmp_path, "run", "--output", "json")

    assert first.returncode == 0, first.stdout + first.stderr
    assert second.returncode == 0, second.stdout + second.stderr
    created = sum(row["created"] for row in json.loads(first.stdout)["objects"])
    again = json.loads(second.stdout)["objects"]
    assert created > 100
    assert sum(row["created"] + row["updated"] + row["deleted"] for row in again) == 0


def test_installed_wheel_lints_and_makes_projects(installed: Path, tmp_path: Path) -> None:
    made = _interpret(installed, tmp_path, "init", "mine")
    linted = _interpret(installed, tmp_path / "mine", "lint")

    assert (made.returncode, linted.returncode) == (0, 0), made.stderr + linted.stdout + linted.stderr
