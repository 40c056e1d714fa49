"""What a person sees: live tables on a terminal, plain lines elsewhere, words for times."""

import os
import pty
import re
import subprocess
import sys

import pytest

from autophagy.cli import progress
from autophagy.cli.progress import Tally, standing
from autophagy.cli.terminal import WIDE, cell, console, count, duration, show
from autophagy.experiment.plan import plan
from autophagy.experiment.read import read
from autophagy.experiment.status import Lineage, Status


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0.0 s"), (0.44, "0.4 s"), (12.4, "12 s"), (273_600, "3 d 4 h"), (200, "3 min 20 s"), (7500, "2 h 5 min")],
)
def test_durations_in_words(seconds, text):
    assert duration(seconds) == text


def test_counts_have_their_plural():
    assert [count(n, "turn") for n in (0, 1, 2, 1200)] == ["0 turns", "1 turn", "2 turns", "1,200 turns"]


def test_markup_is_shown_and_not_obeyed(capsys, monkeypatch):
    monkeypatch.delenv("COLUMNS", raising=False)
    show(cell("[red]x[/red] :smile: \x1b[31mred\u202e"))
    assert capsys.readouterr().out == "[red]x[/red] :smile: [31mred\n"
    assert console().width == WIDE  # nobody's window limits a file


def seen_on_a_terminal(*arguments: object) -> str:
    """Runs a command on a terminal of its own; returns what it showed, without colours."""
    ours, theirs = pty.openpty()
    running = subprocess.Popen(
        [sys.executable, "-m", "autophagy", *map(str, arguments)], stdout=theirs, stderr=theirs, stdin=theirs,
        env={**os.environ, "TERM": "xterm-256color", "COLUMNS": "100"},
    )  # fmt: skip
    os.close(theirs)
    seen = b""
    try:
        while chunk := os.read(ours, 65536):
            seen += chunk
    except OSError:  # how Linux says that the other side is closed
        pass
    os.close(ours)
    assert running.wait(timeout=60) == 0, seen.decode()
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", seen.decode()).replace("\r\n", "\n")


def test_a_terminal_gets_a_table_that_ends_complete(here):
    seen = seen_on_a_terminal("run", "toy.toml", "--on", "serial")
    last = seen[seen.rindex("toy: 24 of 24 turns\n") :].splitlines()
    assert last[1].split() == ["arm", "seed", "0", "seed", "1"]
    assert [line.split()[0] for line in last[2:5]] == ["closed", "healed", "all"]
    assert all(line.count("4/4") == 2 for line in last[2:5])
    assert "generation 2" not in seen  # the lines for files
    watched = seen_on_a_terminal("status", "--watch")
    assert watched.count("4/4") >= 6
    assert watched.splitlines()[-1] == "done."


def text(status: Status, capsys) -> str:
    show(standing(status))
    return capsys.readouterr().out


def test_lineages_that_ended_early_say_where(capsys):
    lineages = (
        Lineage("a", 0, 5, finished=5), Lineage("a", 1, 5, finished=3, diverged_at=2),
        Lineage("b", 0, 5, finished=1, failed_at=1), Lineage("b", 1, 5, failed_at=0),
    )  # fmt: skip
    said = text(Status("toy", lineages), capsys)
    assert "5/5" in said
    assert "diverged at 2" in said
    assert re.search(r"failed at 1\s+failed at 0 *$", said, re.MULTILINE)
    assert "left" not in said  # nothing may still come


def test_a_tally_knows_what_was_there_and_counts_what_comes(ran, capsys):
    from autophagy import DiskStore
    from autophagy.cli.computed import is_computed
    from autophagy.core.generation import Record

    asked = plan(read("toy.toml", changes=["generations=4"]))
    tally = Tally.of(asked, is_computed(asked, DiskStore(ran / "autophagy-runs")))
    assert {x.finished for x in tally.lineages.values()} == {4}
    assert tally.status().left == 6
    tally.add(Record("closed", 0, 4, "finished", key="k"))
    tally.add(Record("all", 1, 4, "diverged", key="k"))
    status = tally.status()
    assert (status.finished, status.left, status.diverged) == (26, 4, 1)
    assert status.seconds_left is None  # two turns say nothing yet


def test_plain_lines_become_rarer_as_time_goes_on(here, capsys, monkeypatch):
    from autophagy.core.generation import Record

    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    asked = plan(read("toy.toml"))
    lines = progress._Lines(Tally.of(asked, [False] * len(asked.turns)))
    lines.tally.began = 0.0
    told = []
    for g in range(5000):
        now[0] += 0.5
        lines.add(Record("closed", 0, g, "finished", key="k"))
        told.append(len(capsys.readouterr().out.splitlines()))
    assert told[:4] == [1, 0, 1, 0]  # one a second
    assert sum(told) < 300  # and not 1,250 in 2,500 seconds
    assert sum(told[-200:]) >= 1
