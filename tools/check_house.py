"""House rules that no linter knows: sizes of files and functions, no unfinished marks, no paths of one machine."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

LONGEST_FILE, LONGEST_FUNCTION, LONGEST_TURN = 400, 60, 40
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX)\b|\bNotImplementedError\b|# type: ignore(?!\[)")
FOREIGN = re.compile(r"(?<![A-Za-z])/(work|root|home)/|https?://(pypi|files\.pythonhosted)")


def main() -> int:
    problems = [problem for path in _files("*.py") for problem in _python(path)]
    problems += [problem for path in _files("*") for problem in _text(path)]
    print("\n".join(problems) or "the house is in order")
    return int(bool(problems))


def _files(pattern: str) -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", pattern], capture_output=True, text=True, check=True
    )
    return [Path(name) for name in listed.stdout.splitlines() if Path(name).is_file()]


def _python(path: Path) -> Iterator[str]:
    text = path.read_text(encoding="utf-8")
    if path.parts[0] == "src" and text.count("\n") > LONGEST_FILE:
        yield f"{path}: {text.count(chr(10))} lines; at most {LONGEST_FILE}"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            longest = LONGEST_TURN if node.name == "run_turn" else LONGEST_FUNCTION
            if length > longest:
                yield f"{path}:{node.lineno}: {node.name}() has {length} lines; at most {longest}"
    if path != Path(__file__).relative_to(Path.cwd()):
        for number, line in enumerate(text.splitlines(), 1):
            if UNFINISHED.search(line):
                yield f"{path}:{number}: unfinished: {line.strip()[:80]}"


def _text(path: Path) -> Iterator[str]:
    if path.suffix in {".gz", ".xz", ".png", ".safetensors", ".npy"} or path.name == "check_house.py":
        return
    for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
        if FOREIGN.search(line):
            yield f"{path}:{number}: a path or host of one machine: {line.strip()[:80]}"


if __name__ == "__main__":
    sys.exit(main())
