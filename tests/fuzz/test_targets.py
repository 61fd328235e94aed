"""The fuzz targets on mutated files and expressions: few by default, many under `make soak`, always the same ones."""

from __future__ import annotations

import importlib.util
import random
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SPEC = importlib.util.spec_from_file_location("fuzz_targets", Path(__file__).parent / "targets.py")
assert SPEC is not None
assert SPEC.loader is not None
TARGETS = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(TARGETS)

FILES = [path.read_bytes() for path in sorted((ROOT / "tests" / "dsl" / "cases").glob("*.yaml"))]
FILES += [path.read_bytes() for path in sorted((ROOT / "mappings").rglob("*.yaml")) if path.stat().st_size < 6_000]
EXPRESSIONS = [
    each.strip("'\"").encode() for text in FILES for each in re.findall(r": (.+)$", text.decode("utf-8"), re.MULTILINE)
]
PIECES = [
    b"'", b'"', b"\\", b"{", b"}", b"[", b"]", b"(", b")", b": ", b"- ", b"#", b"&a ", b"*a", b"!t ", b"<<: ", b"---\n",
    b"\n", b"\r", b"\t", b"\x00", b"\xff", b"\xe2\x80\x9c", b"\xf0\x9f\x98\x80", b"f'{", b"}'", b"??", b"->", b"&&",
    b"if ", b" then ", b" else ", b" not ", b" is null", b"null", b"99999999999999999999", b"1.5e9", b"|\n  ", b">-\n ",
    b"=", b"# interpret: allow DM401 -- x\n", b"customer.", b"let:", b"fields:", b"overlay: o\nextends: m@1\n", b"@1",
]  # fmt: skip


def mutated(seeds: list[bytes], rnd: random.Random) -> bytes:
    data = bytearray(rnd.choice(seeds))
    for _ in range(rnd.randint(1, 6)):
        at = rnd.randint(0, len(data))
        match rnd.randint(0, 4):
            case 0:
                data[at:at] = rnd.choice(PIECES)
            case 1:
                del data[at : at + rnd.randint(1, 30)]
            case 2:
                data[at : at + 1] = rnd.choice(PIECES)
            case 3:
                other = rnd.choice(seeds)
                cut = rnd.randint(0, len(other))
                data[at:at] = other[cut : cut + rnd.randint(1, 200)]
            case _:
                begin = rnd.randint(0, len(data))
                data[at:at] = data[begin : begin + rnd.randint(1, 100)]
    return bytes(data)


def run(name: str, seeds: list[bytes], rounds: int, seed: int) -> None:
    rnd = random.Random(seed)
    for _ in range(rounds):
        data = mutated(seeds, rnd)
        try:
            TARGETS.TARGETS[name](data)
        except Exception as error:  # noqa: BLE001 - whatever it is, the input is needed
            pytest.fail(f"{type(error).__name__}: {error}\nfor {data!r}")


@pytest.mark.parametrize(("name", "rounds"), [("loader", 60), ("expressions", 1500)])
def test_mutations_are_survived(name: str, rounds: int) -> None:
    run(name, FILES if name == "loader" else EXPRESSIONS, rounds, 1)


@pytest.mark.soak
@pytest.mark.parametrize(("name", "rounds"), [("loader", 3_000), ("expressions", 60_000)])
def test_many_mutations_are_survived(name: str, rounds: int) -> None:
    run(name, FILES if name == "loader" else EXPRESSIONS, rounds, 2)
