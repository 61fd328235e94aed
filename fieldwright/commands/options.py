"""Options that several commands share, so that they are spelt and explained the same everywhere.

Each takes its value from the flag, else from an environment variable `INTERPRET_*`; targets and projects come after.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from fieldwright.output import Format

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


def project_option() -> Decorator:
    """`--project FOLDER`, given to the command as `folder` (None: look upwards from here)."""
    return click.option(
        "--project",
        "folder",
        type=click.Path(exists=True, file_okay=False, path_type=Path),
        envvar="INTERPRET_PROJECT",
        metavar="FOLDER",
        help="Folder with interpret.yaml. [default: here or the nearest above, else the shipped mappings]",
    )


def target_option() -> Decorator:
    """`--target NAME`, given as `target` (None: the project's default)."""
    return click.option(
        "--target",
        envvar="INTERPRET_TARGET",
        metavar="NAME",
        help="Which target of the project. [default: the project's default_target, else sandbox]",
    )


def output_option() -> Decorator:
    """`--output text|json`, given as `output_format`."""
    return click.option(
        "--output",
        "output_format",
        type=click.Choice([each.value for each in Format]),
        default=Format.TEXT.value,
        envvar="INTERPRET_OUTPUT",
        help="text for people, json for scripts.  [default: text]",
    )


def state_option() -> Decorator:
    """`--state FILE`, given as `state`."""
    return click.option(
        "--state",
        type=click.Path(path_type=Path),
        envvar="INTERPRET_STATE",
        metavar="FILE",
        help="State database. [default: .interpret/state/TARGET.db]",
    )


def settings_option() -> Decorator:
    """`--set NAME=VALUE`, repeatable, given as `given_settings`."""
    return click.option(
        "--set",
        "given_settings",
        multiple=True,
        metavar="[MAPPING.]SETTING=VALUE",
        help="A setting for this run only; may be repeated.",
    )


def given(name: str) -> Any:
    """The value of an option that a command and its sub-command both take: the sub-command's where it was given
    there, else that of the command before it."""
    ctx = click.get_current_context()
    place: click.Context | None = ctx
    while place is not None:
        if name in place.params and place.get_parameter_source(name) is not ParameterSource.DEFAULT:
            return place.params[name]
        place = place.parent
    return ctx.params[name]


def place_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """The options that say which state is meant and how to print, for commands that take them by `given`."""
    for add in (output_option(), state_option(), project_option(), target_option()):
        function = add(function)
    return function
