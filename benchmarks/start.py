"""How long a person waits before anything happens: whole processes, against an empty interpreter."""

from __future__ import annotations

import statistics
import subprocess
import sys
from collections.abc import Iterator

from .timing import seconds

RUNS = 7


def lines() -> Iterator[str]:
    empty = _median("pass")
    for what, code in (
        ("import autophagy", "import autophagy"),
        ("import numpy, for comparison", "import numpy"),
        ("autophagy --help", _command("--help")),
        ("autophagy plan demo", _command("plan", "demo")),
    ):
        took = _median(code)
        yield f"{what}: {took * 1e3:,.0f} ms, of which {empty * 1e3:,.0f} ms is an empty interpreter (n = {RUNS})"


def _command(*words: str) -> str:
    return f"import sys; sys.argv = ['autophagy', *{words!r}]; from autophagy.cli.main import main; main()"


def _median(code: str) -> float:
    def run() -> None:
        subprocess.run([sys.executable, "-c", code], check=False, capture_output=True)

    run()
    return statistics.median(seconds(run) for _ in range(RUNS))
