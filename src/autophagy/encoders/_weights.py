"""Published weights that do not come with the package: got when asked, checked by hash, converted once to safetensors.

The published file is a pickle of one kind or another. It is opened only after its
sha256 has been found to be that of the one file meant. What is read ever after is
the converted file in a cache folder, which remembers the hash of its source.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from autophagy.core.errors import DataError, MissingPackage
from autophagy.core.files import share
from autophagy.core.processes import writer
from autophagy.core.settings import shown


@dataclass(frozen=True)
class Published:
    """One published file, and what becomes of it.

    Attributes:
        encoder: whose weights these are.
        address: where a person finds the file.
        sha256: of the file.
        size: of the file, bytes; no more than that is ever read.
        download: gets the file, at most `size` bytes; raises DataError if it cannot be had.
        tensors: the arrays by name that are kept of its content; asked only for content that has been checked.
    """

    encoder: str
    address: str
    sha256: str
    size: int
    download: Callable[[Published], bytes]
    tensors: Callable[[bytes], dict[str, np.ndarray]]

    @property
    def who(self) -> str:
        return f"encoder '{self.encoder}'"

    def place(self) -> Path:
        """Where the converted weights lie: in `AUTOPHAGY_CACHE`, else `autophagy` in `XDG_CACHE_HOME` or ~/.cache.

        Raises DataError if that begins with the home folder of nobody.
        """
        told, usual = os.environ.get("AUTOPHAGY_CACHE"), os.environ.get("XDG_CACHE_HOME")
        folder = Path(told) if told else Path(usual or "~/.cache") / "autophagy"
        try:
            return folder.expanduser() / f"{self.encoder}-{self.sha256[:8]}.safetensors"
        except RuntimeError:
            raise DataError(
                f"{self.who}: the cache folder {shown(str(folder), 200)} begins with a home folder that is not known; "
                "say AUTOPHAGY_CACHE=FOLDER to have it elsewhere."
            ) from None

    def missing(self) -> str | None:
        """A sentence if the encoder cannot work here: torch or the weights are not there."""
        from importlib.util import find_spec

        if find_spec("torch") is None:
            return str(MissingPackage(self.who, "torch", "torch"))
        try:
            path = self.place()
        except DataError as trouble:
            return str(trouble)
        if not os.path.isfile(path):  # Path's own raises for a name too long
            return f"{self.who} needs its weights, but {path} is not there; {self._remedy}"
        return None

    def install(self, file: Path | None = None) -> Path:
        """Converts the published file, or downloads it first; returns where the result lies.

        Raises DataError if the file cannot be had or is not the published one, MissingPackage for what opens it.
        """
        content = self.download(self) if file is None else self._read(file)
        found = hashlib.sha256(content).hexdigest()
        if found != self.sha256:
            what = self.address if file is None else file
            raise DataError(
                f"{what} is not the published file: its sha256 begins with {found[:8]}, not {self.sha256[:8]}; "
                f"get {self.address} again."
            )
        return self._written(self.tensors(content))

    def load(self, path: Path) -> dict[str, np.ndarray]:
        """The converted weights by name. Raises DataError unless they are as they were written."""
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(path, framework="numpy") as file:
                said = file.metadata() or {}
                arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no dict)
        except (OSError, SafetensorError) as error:
            raise DataError(f"{path} cannot be read: {error}; {self._remedy}") from None
        if said != self._about(arrays):
            raise DataError(f"{path} does not hold the weights it should; {self._remedy}")
        return arrays

    @property
    def _remedy(self) -> str:
        return f"run: autophagy weights {self.encoder}"

    def _about(self, arrays: Mapping[str, np.ndarray]) -> dict[str, str]:
        """What the converted file says of itself: where its numbers come from, and their own hash."""
        hasher = hashlib.sha256()
        for name in sorted(arrays):
            hasher.update(f"{name} {arrays[name].dtype} {arrays[name].shape}".encode())
            hasher.update(arrays[name].tobytes())
        return {"source": self.sha256, "content": hasher.hexdigest()}

    def _read(self, path: Path) -> bytes:
        try:
            with path.open("rb") as file:
                return file.read(self.size + 1)
        except OSError as error:
            raise DataError(f"{path} cannot be read: {error.strerror}; name another file.") from None

    def _written(self, arrays: dict[str, np.ndarray]) -> Path:
        from safetensors import SafetensorError
        from safetensors.numpy import save_file

        path = self.place()
        partial = path.with_name(f".{path.name}.{writer()}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            plain = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
            save_file(plain, partial, self._about(arrays))
            share(partial)
            partial.replace(path)
        except (OSError, SafetensorError) as error:
            with suppress(OSError):
                partial.unlink()
            raise DataError(
                f"{path} cannot be written: {_reason(error)}; say AUTOPHAGY_CACHE=FOLDER to have it elsewhere."
            ) from None
        return path


def _reason(error: Exception) -> str:
    """The system's words for what it refused; safetensors, which is Rust, only has its number within a text."""
    if isinstance(error, OSError):
        return error.strerror or str(error)
    told = re.search(r"\(os error (\d+)\)", str(error))
    return os.strerror(int(told.group(1))) if told else shown(str(error), 200)
