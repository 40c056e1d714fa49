"""autophagy verify"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from .options import STORE, Store

if TYPE_CHECKING:
    from autophagy.archive.disk import DiskStore


Mend = Annotated[bool, typer.Option("--mend", help="Put what is damaged aside, so that the next run makes it again.")]


def verify(store: Store = STORE, mend: Mend = False) -> None:
    """Check every byte of every artefact in the store. Changes nothing, unless asked to mend."""
    from .stores import opened
    from .terminal import count, say

    found = opened(store)
    troubles = list(map(partial(_trouble, found), found.keys()))
    damage = [trouble for trouble in troubles if trouble]
    for trouble in damage:
        say(trouble)
    say(f"{count(len(troubles) - len(damage), 'artefact')} sound, {len(damage):,} damaged.")
    if mend:
        lost = [key for key in found.keys() if not found.holds(key)]  # noqa: SIM118 (a store is no dict)
        say(
            f"{count(len(lost), 'artefact')} put aside in {found.root / 'damaged'}; run the experiment again to remake."
        )
    elif damage:
        say("autophagy verify --mend puts them aside; running the experiment again makes them anew.")
    if damage:
        raise typer.Exit(1)


def _trouble(store: DiskStore, key: str) -> str:
    """What is wrong with an artefact, or nothing."""
    from autophagy.core.errors import StoreError

    try:
        store.about(key)
    except StoreError as error:
        return str(error)
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        return f"artefact {key} cannot be read: {type(error).__name__}: {error}."
    return ""
