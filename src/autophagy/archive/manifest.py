"""Manifests: what an artefact is and the sha256 of every byte of it, its own bytes included."""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from autophagy.core.errors import Damaged

from . import files, strict_json

Facts = Mapping[str, Any]  # of a file: {"bytes": …, "sha256": …}
NAME = "MANIFEST.json"
_SELF = ',"self":"'


@dataclass(frozen=True)
class Manifest:
    """`about` holds small facts, readable without opening another file."""

    key: str
    kind: str  # "pool", "sampler", "numbers" or "scores"
    about: Mapping[str, Any]
    files: Mapping[str, Facts]  # by relative name


class Written(NamedTuple):
    """What has been put into a folder: what its manifest says of it, and the facts of files hashed on the way."""

    about: Mapping[str, Any]
    hashed: Mapping[str, Facts] = {}


def of_folder(folder: Path, key: str, kind: str, written: Written) -> Manifest:
    """Hashes every other file in `folder`."""
    found: dict[str, Facts] = {}
    for name in _names(folder):
        path = f"{folder}/{name}"
        found[name] = written.hashed.get(name) or {"bytes": os.stat(path).st_size, "sha256": files.sha256(path)}
    return Manifest(key, kind, written.about, found)


def facts(*parts: memoryview) -> Facts:
    """Of a file of these bytes."""
    hasher = hashlib.sha256()
    for part in parts:
        hasher.update(part)
    return {"bytes": sum(part.nbytes for part in parts), "sha256": hasher.hexdigest()}


def write(path: Path, manifest: Manifest) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.write(_signed(strict_json.dumps(dict(vars(manifest)))))


def read(path: Path, key: str) -> Manifest:
    """Reads a manifest and checks its own bytes; raises Damaged if one of them changed."""
    found = None
    if not os.path.islink(path.parent) and _is_plain_file(path):
        with suppress(OSError, ValueError, TypeError, AttributeError, KeyError, RecursionError):
            text = path.read_bytes().decode("utf-8")  # and not read_text, for which all line ends are alike
            if text == _signed(text.rpartition(_SELF)[0] + "}"):
                body = json.loads(text)
                body.pop("self")
                found = Manifest(**body)
    if found is None or found.key != key or not isinstance(found.files, dict):
        raise Damaged(f"artefact {key} is damaged: {path.name} is not what was written.")
    return found


def check_files(folder: Path, manifest: Manifest) -> None:
    """Raises Damaged unless the folder holds the manifest's files, byte for byte, and no others."""
    present = set(_names(folder)) - {NAME}
    if present != set(manifest.files):
        odd = sorted(present ^ set(manifest.files))[0]
        raise Damaged(f"artefact {manifest.key} is damaged: {odd!r} is {'not expected' if odd in present else 'gone'}.")
    for name, told in manifest.files.items():
        path = f"{folder}/{name}"
        is_right = _is_plain_file(path) and os.stat(path).st_size == told["bytes"]
        if not is_right or files.sha256(path) != told["sha256"]:
            raise Damaged(f"artefact {manifest.key} is damaged: {name!r} is not what was written.")


def _is_plain_file(path: Path | str) -> bool:
    """Neither a link, which may lead anywhere, nor a pipe, which may never end."""
    try:
        return stat.S_ISREG(os.lstat(path).st_mode)
    except OSError:
        return False


def _names(folder: Path | str, prefix: str = "") -> list[str]:
    """Relative names of everything that is not a folder, sorted; links are not followed."""
    found: list[str] = []
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                found.extend(_names(entry.path, f"{prefix}{entry.name}/"))
            else:
                found.append(prefix + entry.name)
    return sorted(found)


def _signed(content: str) -> str:
    """Canonical JSON with its own hash as the last entry; "self" sorts last."""
    return f'{content[:-1]}{_SELF}{hashlib.sha256(content.encode()).hexdigest()}"}}\n'
