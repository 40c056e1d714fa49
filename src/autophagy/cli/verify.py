"""autophagy verify"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from .options import STORE, Store

if TYPE_CHECKING:
    from autophagy.archive.disk import DiskStore


Mend = Annotated[bool, typer.Option("--mend", help="Put what is damaged aside, so that the next run makes it again.")]


def verify(store: Store = STORE, mend: Mend = False) -> None:
    """Check every byte of every artefact in the store, and the numbers of every run against them.

    Changes nothing, unless asked to mend.
    """
    from .stores import opened
    from .terminal import count, say

    found = opened(store)
    keys = list(found.keys())
    places = {key: place for key in keys if (place := found.place(key))}  # a run at work may have deleted others
    troubles = {place: said for key, place in places.items() if (said := _trouble(found, key))}
    sound = len(places) - len(troubles)
    strays = {place: f"{place} is no artefact." for place in found.strays()}
    among = f"; {count(len(strays), 'stray')} among them" if strays else ""
    for trouble in (*troubles.values(), *strays.values()):
        say(trouble)
    say(f"{count(sound, 'artefact')} sound, {len(troubles):,} damaged{among}.")
    troubles |= strays
    if mend:
        for place in troubles:
            found.put_aside(place)
        aside = count(len(troubles), "thing" if strays else "artefact")
        say(f"{aside} put aside in {found.root / 'damaged'}; run the experiment again to remake what was one.")
    elif troubles:
        say("autophagy verify --mend puts them aside; running the experiment again makes them anew.")
    is_wrong = not troubles and _holds_runs_against(found)  # which takes sound artefacts
    if troubles or is_wrong:
        raise typer.Exit(1)


def _holds_runs_against(store: DiskStore) -> bool:
    """Says what runs, but those at work, say that their artefacts do not; returns whether there is anything."""
    from autophagy.archive.run_folder import RunFolder, runs
    from autophagy.core.errors import AutophagyError
    from autophagy.experiment.status import is_at_work
    from autophagy.experiment.verification import differences

    from .terminal import say

    found = False
    for folder in (RunFolder(store.root, name) for name in runs(store.root)):
        if is_at_work(folder):
            say(f"note: run '{folder.name}' is at work, so its numbers were not held against its artefacts.")
            continue
        try:
            for told in differences(folder, store):
                say(f"run '{folder.name}': {told}; run it again to write them anew.")
                found = True
        except AutophagyError as problem:
            why = str(problem).rstrip(".")
            say(f"note: the numbers of run '{folder.name}' were not held against its artefacts: {why}.")
    return found


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
