"""Cached bytes come back only when nobody else could have written them; whatever goes wrong means: not cached."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

import pytest

from fieldwright.dsl import cache
from fieldwright.dsl.expressions import tables
from fieldwright.dsl.expressions.parser import _builder, _lark


@pytest.fixture(autouse=True)
def base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cached"
    monkeypatch.setenv(cache.SWITCH, str(folder))
    return folder


def only_file(base: Path) -> Path:
    (found,) = base.iterdir()
    return found


def test_what_was_kept_comes_back_for_the_user_alone(base: Path) -> None:
    assert cache.load("k", "a") is None
    cache.keep("k", "a", b"content")
    assert cache.load("k", "a") == b"content"
    assert stat.S_IMODE(base.stat().st_mode) == 0o700
    assert stat.S_IMODE(only_file(base).stat().st_mode) == 0o600


def test_keys_tell_parts_apart() -> None:
    assert (
        len({cache.key_of("ab", "c"), cache.key_of("a", "bc"), cache.key_of("abc"), cache.key_of("ab", "c", "")}) == 4
    )


def test_a_file_that_others_may_write_to_does_not_count(base: Path) -> None:
    cache.keep("k", "a", b"content")
    only_file(base).chmod(0o620)
    assert cache.load("k", "a") is None


def test_a_folder_that_others_may_write_to_does_not_count(base: Path) -> None:
    cache.keep("k", "a", b"content")
    base.chmod(0o777)
    assert cache.load("k", "a") is None
    cache.keep("k", "b", b"content")
    assert len(list(base.iterdir())) == 1


def test_files_of_another_user_do_not_count(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache.keep("k", "a", b"content")
    monkeypatch.setattr(os, "getuid", lambda: 12345)
    assert cache.load("k", "a") is None


def test_a_link_is_not_followed(base: Path, tmp_path: Path) -> None:
    cache.keep("k", "a", b"content")
    elsewhere = tmp_path / "planted"
    only_file(base).rename(elsewhere)
    (base / "k-a.bin").symlink_to(elsewhere)
    assert cache.load("k", "a") is None


@pytest.mark.parametrize("damage", [b"", b"x", b"y" * 40])
def test_damaged_files_are_as_good_as_none(base: Path, damage: bytes) -> None:
    cache.keep("k", "a", b"content")
    only_file(base).write_bytes(damage)
    assert cache.load("k", "a") is None


def test_a_place_that_cannot_be_written_is_no_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv(cache.SWITCH, str(tmp_path / "file" / "below"))
    cache.keep("k", "a", b"content")
    assert cache.load("k", "a") is None


@pytest.mark.parametrize("place", ["off", "relative/folder"])
def test_nothing_is_kept_where_none_is_wanted(place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(cache.SWITCH, place)
    cache.keep("k", "a", b"content")
    assert (cache.load("k", "a"), list(tmp_path.iterdir())) == (None, [])


def test_a_relative_cache_home_is_not_taken_from_the_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(cache.SWITCH)
    monkeypatch.setenv("XDG_CACHE_HOME", "planted")
    monkeypatch.setenv("HOME", str(tmp_path))
    found = cache.folder()
    assert found is not None
    assert found.is_relative_to(tmp_path)


def test_the_oldest_go_first(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "MOST_FILES", 2)
    for age, key in enumerate("abc"):
        cache.keep("k", key, b"content")
        os.utime(base / f"k-{key}.bin", (age, age))
    cache.keep("k", "d", b"content")
    assert sorted(path.name for path in base.iterdir()) == ["k-c.bin", "k-d.bin"]


def parsed(parser: Any, text: str) -> Any:
    from lark.exceptions import UnexpectedInput

    try:
        return parser.parse(text)
    except UnexpectedInput as error:
        wanted = getattr(error, "accepts", None) or getattr(error, "expected", None) or getattr(error, "allowed", None)
        return type(error), error.pos_in_stream, sorted(wanted or ())


def test_a_parser_from_its_tables_is_the_parser_from_the_grammar(base: Path) -> None:
    grammar = (Path(tables.__file__).parent.parent / "grammar" / "expression.lark").read_text("utf-8")
    built = tables.build_parser(grammar, _builder())
    assert only_file(base).name.startswith("grammar-")
    loaded = tables.build_parser(grammar, _builder())
    assert loaded.source_path == "<deserialized>"
    texts = ["a.b ?? -5", "if a then 'x' else f'{b}'", "xs.map(x -> x.y[0])", "a == b == c", "a b", "a &", "(", "1.5.2"]
    for text in texts:
        _builder().count = 0
        first = parsed(built, text)
        _builder().count = 0
        assert parsed(loaded, text) == first


def test_a_changed_grammar_is_built_anew(base: Path) -> None:
    grammar = (Path(tables.__file__).parent.parent / "grammar" / "expression.lark").read_text("utf-8")
    tables.build_parser(grammar, _builder())
    changed = tables.build_parser(grammar.replace('"then"', '"dann"'), _builder())
    assert parsed(changed, "if a dann b else c").node
    assert len(list(base.iterdir())) == 2


def test_what_was_kept_by_someone_with_other_ideas_is_built_anew(base: Path) -> None:
    import marshal

    grammar = (Path(tables.__file__).parent.parent / "grammar" / "expression.lark").read_text("utf-8")
    tables.build_parser(grammar, _builder())
    key = only_file(base).stem.partition("-")[2]
    for strange in (b"no marshal", marshal.dumps(None), marshal.dumps(({}, {}))):
        cache.keep("grammar", key, strange)
        assert parsed(tables.build_parser(grammar, _builder()), "a").node


def test_the_parser_in_use_is_made_that_way() -> None:
    assert _lark().parse("a").node
