"""Arguments and options that several commands take."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

STORE = Path("autophagy-runs")

File = Annotated[
    str, typer.Argument(metavar="FILE", help="A TOML file, or the name of a shipped recipe (autophagy list recipe).")
]
Profile = Annotated[
    str | None, typer.Option("--profile", metavar="NAME", help="The scale to run at: a \\[profiles.NAME] of the file.")
]
Changes = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Change one setting, e.g. base.samples=500; may be repeated."),
]
Arms = Annotated[
    list[str] | None,
    typer.Option(
        "--arm",
        metavar="ARM",
        help="Only this arm of the file, those that it eats from, and founders of learning curves; may be repeated.",
    ),
]
Store = Annotated[Path, typer.Option("--store", metavar="DIR", help="The folder that holds all runs.")]
On = Annotated[str, typer.Option("--on", metavar="WHERE", help="auto, serial, or processes:N.")]
Device = Annotated[
    str, typer.Option("--device", metavar="DEVICE", help="auto (a GPU if there is one), cpu, cuda, cuda:1.")
]
Devices = Annotated[
    int, typer.Option("--devices", metavar="N", help="GPUs that each fit of latent-diffusion is spread over.")
]
CheckpointEvery = Annotated[
    float, typer.Option("--checkpoint-every", metavar="SECONDS", help="How often a long fit keeps a checkpoint.")
]
AllowCommands = Annotated[
    bool,
    typer.Option("--allow-commands", help="Let it start the programs it names; read them first: autophagy plan FILE."),
]
CommandTimeout = Annotated[
    float | None, typer.Option("--command-timeout", metavar="SECONDS", help="End such a program after so long.")
]
RunName = Annotated[
    str | None,
    typer.Argument(
        metavar="[NAME|FILE]", help="A run, or the file or recipe it was made from; the one begun last if left out."
    ),
]
