"""What the plan asks of a source costs no heavy import."""

from __future__ import annotations

import subprocess
import sys

ASK = """
import sys
from autophagy.core.catalog import build, known_names
known_names("source")
source = build("source", {"use": "mnist", "caption": "{name}"})
source.size("train"), source.conditions("train"), source.content()
texts = build("source", "shakespeare")
texts.size("train"), texts.conditions("train"), texts.content()
heavy = {"torch", "sklearn", "scipy", "PIL", "pandas", "datasets", "matplotlib", "transformers", "tokenizers"}
print(*sorted(heavy & set(sys.modules)))
"""


def test_listing_every_source_and_planning_with_two_of_them_loads_nothing_heavy() -> None:
    done = subprocess.run([sys.executable, "-c", ASK], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
