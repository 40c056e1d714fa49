"""All commands. Each lies in a file of its own and imports what it needs when it is called, so that help is instant."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from .budget import budget
from .check import check
from .compare import compare
from .demo import demo
from .endings import ended
from .faces import faces
from .list import list_parts
from .new import new
from .plan import plan
from .prune import prune
from .records import records
from .report import report
from .run import run
from .samples import samples
from .score import score
from .simulate import simulate
from .status import status
from .trace import trace
from .verify import verify
from .weights import weights

app = typer.Typer(
    name="autophagy",
    help="A laboratory for self-consuming generative loops: train a model on its own output, generation after "
    "generation, and measure what is lost. Begin with: autophagy demo",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

_COMMANDS: dict[str, Callable[..., None]] = {
    "demo": demo,
    "new": new,
    "plan": plan,
    "run": run,
    "status": status,
    "report": report,
    "budget": budget,
    "records": records,
    "compare": compare,
    "samples": samples,
    "simulate": simulate,
    "score": score,
    "verify": verify,
    "prune": prune,
    "list": list_parts,
    "check": check,
    "trace": trace,
    "weights": weights,
    "faces": faces,
}
for _name, _command in _COMMANDS.items():
    app.command(_name)(ended(_command))


def _tell_version(is_asked: bool) -> None:
    if is_asked:
        from importlib.metadata import version

        typer.echo(f"autophagy {version('autophagy')}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_tell_version, is_eager=True, help="Show the version and leave.")
    ] = False,
    parts: Annotated[
        list[Path] | None,
        typer.Option(
            "--parts", metavar="FILE.py", help="A file with parts of yours, which is run; may be repeated.", exists=True
        ),
    ] = None,
) -> None:
    """Options of the command itself."""
    if parts:
        import os

        from autophagy.core.catalog import FILES

        for part in parts:
            if os.pathsep in str(part.absolute()):
                raise typer.BadParameter(f"'{part}' has a '{os.pathsep}' in its path, which parts files by; rename it.")
        told = [os.environ[FILES]] if os.environ.get(FILES) else []
        os.environ[FILES] = os.pathsep.join([*told, *(str(part.absolute()) for part in parts)])
