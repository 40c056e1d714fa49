"""autophagy verify"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import typer

from .options import STORE, Store

if TYPE_CHECKING:
    from autophagy.archive.disk import DiskStore


def verify(store: Store = STORE) -> None:
    """Check every byte of every artefact in the store. Changes nothing."""
    from .stores import opened
    from .terminal import count, say

    found = opened(store)
    troubles = list(map(partial(_trouble, found), found.keys()))
    damage = [trouble for trouble in troubles if trouble]
    for trouble in damage:
        say(trouble)
    say(f"{count(len(troubles) - len(damage), 'artefact')} sound, {len(damage):,} damaged.")
    if damage:
        say("the next run puts what is damaged aside and makes it again.")
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
