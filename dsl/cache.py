"""Bytes that would cost time to make again, kept among the user's cached files; losing them loses nothing.

The folder is the user's own (`$XDG_CACHE_HOME/fieldwright`, or what the system has in its place), never the project's:
a project comes from strangers, and what they plant there must not be taken for our own work. A file counts only when
it is a plain file that belongs to the user and nobody else may write to; it is written beside its place and moved
there, so that two processes never read half a file. Every failure means "not cached" and nothing more. Callers put
whatever the bytes depend on into the key, and keep to formats that cannot run code.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

SWITCH: Final = "INTERPRET_CACHE"
"""Environment variable: a folder to use in place of the user's, or `off`."""

MOST_BYTES: Final = 64 * 1024 * 1024
"""A larger file is not ours."""

MOST_FILES: Final = 512
"""Files of one kind that are kept; the oldest go first."""

_OTHERS_MAY_WRITE: Final = stat.S_IWGRP | stat.S_IWOTH


def key_of(*parts: str | bytes) -> str:
    """A name for what depends on exactly these parts."""
    digest = hashlib.sha256()
    for part in parts:
        raw = part.encode("utf-8", "surrogatepass") if isinstance(part, str) else part
        digest.update(b"%d:" % len(raw))
        digest.update(raw)
    return digest.hexdigest()


def folder() -> Path | None:
    """Where cached files are; None where there shall be none. Nothing is made here."""
    chosen = os.environ.get(SWITCH, "")
    if chosen == "off":
        return None
    if chosen:
        return Path(chosen) if os.path.isabs(chosen) else None
    # A relative path would lie in whatever folder the command runs in, which may be a stranger's project.
    base = os.environ.get("XDG_CACHE_HOME", "")
    if os.path.isabs(base):
        return Path(base) / "fieldwright"
    home = os.path.expanduser("~")
    if not os.path.isabs(home):
        return None
    if sys.platform == "darwin":
        return Path(home) / "Library" / "Caches" / "fieldwright"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or home) / "fieldwright" / "cache"
    return Path(home) / ".cache" / "fieldwright"


def load(kind: str, key: str) -> bytes | None:
    """What was kept under this key; None where there is nothing, or nothing to be trusted."""
    base = folder()
    if base is None:
        return None
    try:
        if not _is_ours(os.lstat(base), stat.S_ISDIR):
            return None
        handle = os.open(_path(base, kind, key), os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
        with os.fdopen(handle, "rb") as file:
            about = os.fstat(handle)
            if not _is_ours(about, stat.S_ISREG) or about.st_size > MOST_BYTES:
                return None
            sealed = file.read(MOST_BYTES)
    except OSError:
        return None
    seal, content = sealed[:32], sealed[32:]
    return content if hashlib.sha256(content).digest() == seal else None


def keep(kind: str, key: str, content: bytes) -> None:
    """Keep these bytes, if that is possible."""
    base = folder()
    if base is None or len(content) > MOST_BYTES - 32:
        return
    with contextlib.suppress(OSError):
        base.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not _is_ours(os.lstat(base), stat.S_ISDIR):
            return
        handle, name = tempfile.mkstemp(prefix=".new-", dir=base)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(hashlib.sha256(content).digest())
                file.write(content)
            os.replace(name, _path(base, kind, key))
        except OSError:
            with contextlib.suppress(OSError):
                os.unlink(name)
            return
        _forget_oldest(base, kind)


def _path(base: Path, kind: str, key: str) -> Path:
    return base / f"{kind}-{key}.bin"


def _is_ours(about: os.stat_result, is_right_kind: Callable[[int], bool]) -> bool:
    if not is_right_kind(about.st_mode):
        return False
    if not hasattr(os, "getuid"):
        return True  # Windows: the folder of the user is protected by its own rights
    return about.st_uid == os.getuid() and not about.st_mode & _OTHERS_MAY_WRITE


def _forget_oldest(base: Path, kind: str) -> None:
    with os.scandir(base) as entries:
        mine = [entry for entry in entries if entry.name.startswith(f"{kind}-")]
    if len(mine) <= MOST_FILES:
        return
    aged = sorted((entry.stat(follow_symlinks=False).st_mtime, entry.path) for entry in mine)
    for _, path in aged[: len(aged) - MOST_FILES]:
        with contextlib.suppress(OSError):
            os.unlink(path)
