"""autophagy run"""

from __future__ import annotations

from typing import Annotated

import typer

from .options import (
    STORE,
    AllowCommands,
    Arms,
    Changes,
    CheckpointEvery,
    CommandTimeout,
    Device,
    Devices,
    File,
    On,
    Profile,
    Store,
)


def run(
    file: File,
    profile: Profile = None,
    changes: Changes = None,
    arms: Arms = None,
    on: On = "auto",
    store: Store = STORE,
    name: Annotated[str | None, typer.Option("--name", help="Name of the run; the file's if left out.")] = None,
    report: Annotated[bool, typer.Option("--report", help="Write the report when it is done.")] = False,
    restore: Annotated[
        bool, typer.Option("--restore", help="Make samples and models again that are to be kept and are not there.")
    ] = False,
    device: Device = "auto",
    devices: Devices = 1,
    checkpoint_every: CheckpointEvery = 60.0,
    allow_commands: AllowCommands = False,
    command_timeout: CommandTimeout = None,
) -> None:
    """Run an experiment, or whatever of it has not been run yet.

    Stop it when you like (Ctrl-C, kill -9, a power cut): the same command goes on, a long fit at its last checkpoint.
    Turns that other runs in the store have computed already are not computed again.
    """
    from autophagy.core.workspace import Machine
    from autophagy.experiment.read import read

    from .running import begun, carried_out, hint_at_report, write_report

    experiment = read(file, profile=profile, changes=changes or (), name=name)
    if arms:
        experiment = experiment.only([*arms, *(arm for arm in begun(store, experiment.name) if arm in experiment.arms)])
    machine = Machine(device, checkpoint_every, allow_commands, command_timeout, devices)
    is_whole = carried_out(experiment, store, on, machine, restore=restore)
    tell = write_report if report else hint_at_report
    tell(store, experiment.name)
    if not is_whole:
        raise typer.Exit(1)
