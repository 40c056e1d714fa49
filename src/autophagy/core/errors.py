"""The errors a person can cause or meet. Each is one sentence: what is wrong, what we got, what would be right.

AutophagyError
├── ConfigError     a setting, name or type that cannot be (exit code 2)
├── PlanError       parts that do not fit together, found before any fit (exit code 2)
├── MissingPackage  an extra that is not installed (exit code 2)
├── DataError       data that cannot be read or is not what it should be (exit code 1)
├── StoreError      a run folder that cannot be read or written (exit code 1)
│   └── Damaged     an artefact whose bytes are not the ones that were written
├── OutOfMemory     a machine with less memory than a part asks for (exit code 1)
└── Diverged        a fit or a draw without an answer (not finite, a class died out); the lineage ends there
"""

from __future__ import annotations

import difflib
import re
import sysconfig
import traceback
from collections.abc import Iterable, Sequence

from .text import clean

SHOWN = 20  # problems listed in one error
FULL = re.compile(  # what torch says, and oneDNN, which says no more when an allocation fails
    "out of memory|can't allocate memory|not enough memory|cannot allocate memory|alloc_failed"
    "|could not create a primitive(?! descriptor)|could not create a memory object"
)


class AutophagyError(Exception):
    """Any error that is the user's to mend; its text is a full sentence, on one line and fit to be printed."""

    exit_code = 1

    def __init__(self, text: str = "") -> None:
        super().__init__(clean(text))


class ConfigError(AutophagyError):
    exit_code = 2


class PlanError(AutophagyError):
    exit_code = 2


class MissingPackage(AutophagyError):
    exit_code = 2

    def __init__(self, who: str, package: str, extra: str) -> None:
        super().__init__(f"{who} needs the package '{package}'; run: pip install 'autophagy[{extra}]'")


class DataError(AutophagyError):
    pass


class StoreError(AutophagyError):
    pass


class Damaged(StoreError):
    pass


class OutOfMemory(AutophagyError):
    """Not even the smallest piece of a batch fits, or what cannot be done in pieces does not."""


class Diverged(AutophagyError):
    """Raised by a model whose fit or draw has no answer; say at which step. It is an outcome, not a fault: recorded."""


def is_out_of_memory(problem: BaseException) -> bool:
    """Whether an error is Python's or torch's way to say that memory ran out, on a GPU or a CPU."""
    return isinstance(problem, MemoryError) or FULL.search(str(problem).lower()) is not None


def where(error: BaseException) -> str:
    """The file and line that an error arose in; of what lies in libraries, where they were called from."""
    frames = traceback.extract_tb(error.__traceback__)
    libraries = sysconfig.get_paths()
    others = (libraries["stdlib"], libraries["platstdlib"], libraries["purelib"], libraries["platlib"], "<")
    own = [frame for frame in frames if not frame.filename.startswith(others) or "autophagy" in frame.filename]
    last = (own or frames)[-1]
    return f"{last.filename}:{last.lineno}"


def nearest(name: str, known: Iterable[str]) -> str:
    """Returns " Did you mean 'x'?" for the known name nearest to `name`, or nothing."""
    found = difflib.get_close_matches(name, list(known), 1)
    return f" Did you mean '{found[0]}'?" if found else ""


def listed(names: Iterable[str]) -> str:
    """ "a, b, c"."""
    return ", ".join(quoted(sorted(names))) or "none"


def quoted(names: Sequence[str]) -> list[str]:
    """Names as they stand in a list: in quotes where one has a comma of its own."""
    is_told_apart = len(names) < 2 or not any("," in name for name in names)
    return list(names) if is_told_apart else [f"'{name}'" for name in names]


def refuse(where: str, problems: Iterable[str]) -> None:
    """Raises one DataError that names every problem there is, or the first twenty; nothing if there is none."""
    found = list(dict.fromkeys(problems))
    if found:
        rest = f"; and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
        count = f"{len(found)} problem" + "s" * (len(found) > 1)
        raise DataError(f"{where} has {count} to mend or remove: {'; '.join(found[:SHOWN])}{rest}.")
