"""autophagy status"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from .options import STORE, RunName, Store

if TYPE_CHECKING:
    from autophagy.archive.run_folder import RunFolder
    from autophagy.experiment.status import Status

PAUSE = 2.0  # seconds between two looks


def status(
    name: RunName = None,
    store: Store = STORE,
    watch: Annotated[bool, typer.Option("--watch", help="Look again every two seconds until it is done.")] = False,
) -> None:
    """See how far a run is, from any terminal, while it runs."""
    from autophagy.experiment.status import read

    from .stores import named

    folder = named(store, name)
    if watch:
        _watch(folder)
    else:
        _tell(read(folder))


def _watch(folder: RunFolder) -> None:
    import time

    from autophagy.experiment.status import read

    from .progress import headline, standing
    from .terminal import console, say

    listener, now = console(), read(folder)
    if not listener.is_terminal:
        while _goes_on(now):
            say(headline(now))
            time.sleep(PAUSE)
            now = read(folder)
    else:
        from rich.live import Live

        with Live(standing(now), console=listener, transient=True) as live:
            while _goes_on(now):
                time.sleep(PAUSE)
                now = read(folder)
                live.update(standing(now))
    _tell(now)


def _goes_on(now: Status) -> bool:
    return bool(now.left) if now.is_at_work is None else now.is_at_work


def _tell(now: Status) -> None:
    from .endings import show_where
    from .progress import standing
    from .remarks import say_remarks
    from .terminal import count, say, show

    show(standing(now))
    for failure in now.failures:
        say(f"failed: {failure}")
        show_where(failure.traceback)
    for lineage in now.lineages:
        if lineage.diverged_at is not None:
            reason = now.reasons.get((lineage.arm, lineage.seed), "")
            say(f"diverged: {lineage.arm}, seed {lineage.seed}, generation {lineage.diverged_at}: {reason}")
    say_remarks(now.remarked)
    if now.is_at_work:
        say("at work.")
    elif now.left or now.failures:
        floors = sum(failure.generation is None for failure in now.failures)
        told = (
            "not at work" if now.is_at_work is False else "perhaps at work",
            f"{count(now.left, 'turn')} to go" if now.left else "",
            f"{count(now.behind_failures, 'turn')} failed or wait for one that did" if now.behind_failures else "",
            f"{count(floors, 'real-data floor')} failed" if floors else "",
        )
        say(f"{', '.join(filter(None, told))}; the command that began it goes on.")
    else:
        say("done.")
