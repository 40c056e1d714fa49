"""`STORE/code.json`: parts of other people → digests of all code that results in the store are of; only added to."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from . import files

NAME = "code.json"


def read(root: Path) -> dict[str, list[str]]:
    """Empty where nothing was noted, or nothing that can be read."""
    try:
        found = json.loads((root / NAME).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    rows = found.items() if isinstance(found, dict) else ()
    return {part: [str(digest) for digest in digests] for part, digests in rows if isinstance(digests, list)}


def add(root: Path, codes: Mapping[str, str]) -> None:
    with files.held(root / ".keeping"):
        known = read(root)
        found = {part: [*known.get(part, []), digest] for part, digest in codes.items()}
        found = known | {part: list(dict.fromkeys(digests)) for part, digests in found.items()}
        if found != known:
            files.replace_file(root / NAME, json.dumps(found, sort_keys=True, indent=1) + "\n")
