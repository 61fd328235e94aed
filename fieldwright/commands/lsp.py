"""`interpret lsp`: the language server that editors start: findings as you type, completion, hover, rename.

It speaks over standard input and output, so nothing else may be written there; its log goes to stderr. It opens no
network, runs no code of the files it reads and needs the extra `lsp`.
"""

from __future__ import annotations

import logging
import os
import sys

import click

from fieldwright import failures


@click.command(
    "lsp",
    short_help="Serve editors: findings as you type, completion, hover, rename.",
    epilog="""\b
Examples:
  interpret lsp              what an editor's settings name as the command of the server
  interpret lsp --verbose    with a log of every message on stderr""",
)
@click.option("--stdio", is_flag=True, help="Over standard input and output, which is the only way.")
@click.option("--verbose", is_flag=True, help="Log every message to stderr.")
def command(stdio: bool, verbose: bool) -> int:
    """Serve editors: findings as you type, completion, hover, rename.

    Started by an editor, not by people: see the page on editors for Visual Studio Code, Neovim, Helix and JetBrains.
    """
    try:
        from fieldwright.lsp.server import make_server
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("pygls", "lsprotocol"):
            raise
        raise failures.WrongUse(
            "the language server is not installed", "install it with: pip install 'fieldwright[lsp]'"
        ) from None
    logging.basicConfig(stream=sys.stderr, level=logging.DEBUG if verbose else logging.WARNING)
    # The protocol gets streams of its own: whatever else prints goes to stderr and cannot come between two messages.
    given, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    make_server().start_io(given, answers)
    return failures.OK
