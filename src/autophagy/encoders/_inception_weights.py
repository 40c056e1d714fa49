"""FID's Inception weights: fetched when asked, checked by hash, converted once to safetensors in a cache folder.

The published file is a pickle. It is opened here only, after its sha256 has been
found to be that of the one file meant, and by torch's loader for tensors. What is
read ever after is the converted file, which remembers the hash of its source.
"""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import numpy as np

from autophagy.core.errors import DataError, MissingPackage

WHO = "encoder 'inception'"
SHA256 = "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2"
BYTES = 95_628_359
ADDRESS = "https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/pt_inception-2015-12-05-6726825d.pth"
PATIENCE = 60  # seconds without a byte


def place() -> Path:
    """Where the converted weights lie: in `AUTOPHAGY_CACHE`, else in `autophagy` under `XDG_CACHE_HOME` or ~/.cache."""
    told, usual = os.environ.get("AUTOPHAGY_CACHE"), os.environ.get("XDG_CACHE_HOME")
    folder = Path(told) if told else Path(usual or "~/.cache") / "autophagy"
    return folder.expanduser() / f"inception-{SHA256[:8]}.safetensors"


def missing() -> str | None:
    """A sentence if the encoder cannot work here: torch or the weights are not there."""
    from importlib.util import find_spec

    if find_spec("torch") is None:
        return str(MissingPackage(WHO, "torch", "torch"))
    if not place().is_file():
        return f"{WHO} needs its weights, but {place()} is not there; run: autophagy weights inception"
    return None


def install(published: Path | None = None) -> Path:
    """Converts the published file, or downloads it first; returns where the result lies.

    Raises DataError if the file cannot be had or is not the published one, MissingPackage without torch.
    """
    content = _downloaded() if published is None else _read(published)
    found = hashlib.sha256(content).hexdigest()
    if found != SHA256:
        what = ADDRESS if published is None else published
        raise DataError(
            f"{what} is not the published file: its sha256 begins with {found[:8]}, not {SHA256[:8]}; "
            f"get {ADDRESS} again."
        )
    return _written(_tensors(content), place())


def load(path: Path) -> dict[str, np.ndarray]:
    """The converted weights by their published names. Raises DataError unless they are as they were written."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            said = file.metadata() or {}
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no dict)
    except (OSError, SafetensorError) as error:
        raise DataError(f"{path} cannot be read: {error}; run: autophagy weights inception") from None
    if said != _about(arrays):
        raise DataError(f"{path} does not hold the weights it should; run: autophagy weights inception")
    return arrays


def _about(arrays: Mapping[str, np.ndarray]) -> dict[str, str]:
    """What the converted file says of itself: where its numbers come from, and their own hash."""
    hasher = hashlib.sha256()
    for name in sorted(arrays):
        hasher.update(f"{name} {arrays[name].dtype} {arrays[name].shape}".encode())
        hasher.update(arrays[name].tobytes())
    return {"source": SHA256, "content": hasher.hexdigest()}


def _downloaded() -> bytes:
    from urllib.request import urlopen

    try:
        with urlopen(ADDRESS, timeout=PATIENCE) as answer:
            content: bytes = answer.read(BYTES + 1)  # never more than the published file has
    except OSError as error:
        raise DataError(
            f"{ADDRESS} cannot be downloaded: {error}; get it on another machine and give it with --file."
        ) from None
    return content


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(BYTES + 1)
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}; name another file.") from None


def _tensors(content: bytes) -> dict[str, np.ndarray]:
    try:
        import torch
    except ImportError:
        raise MissingPackage(WHO, "torch", "torch") from None
    found = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    return {name: tensor.numpy() for name, tensor in found.items() if tensor.is_floating_point()}


def _written(arrays: dict[str, np.ndarray], path: Path) -> Path:
    from safetensors.numpy import save_file

    partial = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        save_file({name: np.ascontiguousarray(array) for name, array in arrays.items()}, partial, _about(arrays))
        partial.replace(path)
    except OSError as error:
        with suppress(OSError):
            partial.unlink()
        raise DataError(
            f"{path} cannot be written: {error.strerror or error}; say AUTOPHAGY_CACHE=FOLDER to have it elsewhere."
        ) from None
    return path
