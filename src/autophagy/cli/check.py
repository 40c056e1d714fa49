"""autophagy check"""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING, Annotated

import typer

from .endings import show_where

if TYPE_CHECKING:
    from collections.abc import Mapping


def check(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="A part: ours, an installed plugin's, or one of a file: --parts.")
    ],
    kind: Annotated[
        str | None, typer.Option("--kind", help="source, model, loop, curator, encoder or metric; any if left out.")
    ] = None,
    changes: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="SETTING=VALUE", help="A setting to check it with; may be repeated."),
    ] = None,
    allow_commands: Annotated[
        bool, typer.Option("--allow-commands", help="Let it start the programs that its settings name.")
    ] = False,
) -> None:
    """Put a part through the conformance checks that every part of its kind must pass."""
    from autophagy.core.catalog import build
    from autophagy.core.errors import AutophagyError
    from autophagy.testing import check as checked

    from .parts import parsed
    from .terminal import count, say

    settings = dict(map(parsed, changes or ()))
    failed = False
    for found in _kinds(name, kind):
        part = build(found, {"use": name, **settings})
        try:
            passed = checked(part, allow_commands=allow_commands)
        except AutophagyError as error:
            say(f"✗ {error}")
            show_where(traceback.format_exc())
            failed = True
            continue
        except Exception as error:  # it is the part that is on trial, so its exceptions are its own
            say(f"✗ {found} '{name}' raised {type(error).__name__}: {error}")
            show_where(traceback.format_exc())
            failed = True
            continue
        for claim in passed:
            say(f"✓ {claim}")
        say(f"{found} '{name}' passes {count(len(passed), 'check')}.")
    if failed:
        raise typer.Exit(1)


def _kinds(name: str, kind: str | None) -> list[str]:
    from autophagy.core.catalog import find, known_names
    from autophagy.core.errors import ConfigError, listed, nearest
    from autophagy.core.parts import KINDS

    if kind is not None:
        if kind not in KINDS:
            raise ConfigError(
                f"there is no kind of part named '{kind}'.{nearest(kind, KINDS)} There are: {listed(KINDS)}."
            )
        find(kind, name)
        return [kind]
    known: Mapping[str, list[str]] = {each: known_names(each) for each in KINDS}
    found = [each for each, names in known.items() if name in names]
    if not found:
        names = sorted({n for names in known.values() for n in names})
        file = name if name.endswith(".py") else "FILE.py"
        raise ConfigError(
            f"there is no part named '{name}'.{nearest(name, names)} See all of them: autophagy list. Parts in a "
            f"file of yours are found with: autophagy --parts {file} check NAME"
        )
    return found
