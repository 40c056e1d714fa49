"""autophagy plan"""

from __future__ import annotations

from typing import Annotated

import typer

from .options import STORE, Arms, Changes, File, Profile, Store


def plan(
    file: File,
    profile: Profile = None,
    changes: Changes = None,
    arms: Arms = None,
    store: Store = STORE,
    as_json: Annotated[bool, typer.Option("--json", help="Print strict JSON instead of a table.")] = False,
) -> None:
    """See what every generation will eat, what theory expects, and what it will cost. Runs nothing."""
    from autophagy.experiment.commands import check_machine
    from autophagy.experiment.disk import check_disk
    from autophagy.experiment.plan import plan as planned
    from autophagy.experiment.read import read

    from .planning import Outlook

    experiment = read(file, profile=profile, changes=changes or ())
    experiment = experiment.only(arms) if arms else experiment
    outlook = Outlook.of(planned(experiment), store)
    check_machine(experiment)
    check_disk(outlook.disk, store)
    if as_json:
        import json

        print(json.dumps(outlook.json(), indent=1, allow_nan=False))
    else:
        outlook.show()
