"""How features were made, and the features: what two sets must share to be compared."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np

from autophagy.core.identity import part_key, plain
from autophagy.core.parts import Encoder
from autophagy.images.look import Mode
from autophagy.images.reading import Header
from autophagy.kernels.rows import LARGEST, blocks

from .album import none_left

DIGEST = 16  # bytes of a row's or an image's own


@dataclass(frozen=True)
class Encoding:
    """What turned samples into features.

    Attributes:
        encoder: as it is named, before it is fitted.
        size: pixels; images were cut to their central square and resized to this, None for their own size.
        mode: grey or RGB; None for vectors.
        fitted_on: a digest of the real samples that an encoder which must be fitted was fitted on.
    """

    encoder: Encoder
    size: int | None = None
    mode: Mode | None = None
    fitted_on: str = ""

    def plain(self) -> dict[str, Any]:
        key = {"key": part_key(self.encoder)}
        return {
            **key,
            "encoder": plain(self.encoder),
            "size": self.size,
            "mode": self.mode,
            "fitted_on": self.fitted_on,
        }


@dataclass(frozen=True)
class Encoded:
    """One side of a comparison.

    Attributes:
        label: what the user calls it.
        encoding: what made the features; None where nobody has said.
        features: `(n, d)`.
        names: of each row: a file's, or "row 7".
        contents: `(n, 16)` uint8, a digest of each image's own pixels as RGB, or of a row's numbers.
        headers: of images, what each said of itself, in the order of the rows; none for vectors.
        left_out: what could not be used, each with its reason.
    """

    label: str
    encoding: Encoding | None
    features: np.ndarray
    names: tuple[str, ...]
    contents: np.ndarray
    headers: tuple[Header, ...] = ()
    left_out: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.features)

    @property
    def width(self) -> int:
        return int(self.features.shape[1])

    @property
    def are_images(self) -> bool:
        return bool(self.headers)

    @property
    def looks(self) -> dict[str, dict[str, int]]:
        """Of images: how many have which "size", "format" and "mode", the most frequent first."""
        told = {
            "size": Counter(f"{h.width} × {h.height}" for h in self.headers),
            "format": Counter(h.format for h in self.headers),
            "mode": Counter(h.mode for h in self.headers),
        }
        return {what: dict(counts.most_common()) for what, counts in told.items() if counts}

    @property
    def digest(self) -> str:
        """32 hex digits of what all rows were made from, in order."""
        return hashlib.sha256(np.ascontiguousarray(self.contents).data).hexdigest()[:32]

    def take(self, rows: np.ndarray) -> Self:
        """The rows at `(k,)` places."""
        at = rows.tolist()
        return replace(
            self,
            features=self.features[rows],
            names=tuple(self.names[i] for i in at),
            contents=self.contents[rows],
            headers=tuple(self.headers[i] for i in at) if self.headers else (),
        )

    def finite(self) -> Self:
        """Without the rows that hold a NaN, an infinity or a number beyond 1e70. Raises DataError if all do."""
        bad = strange(self.features)
        if not bad.any():
            return self
        problems = [
            f"{self.names[i]} holds a number that is not finite, or beyond 1e70" for i in np.flatnonzero(bad).tolist()
        ]
        if bad.all():
            raise none_left(self.label, problems)
        return replace(self.take(np.flatnonzero(~bad)), left_out=(*self.left_out, *problems))


def strange(rows: np.ndarray) -> np.ndarray:
    """Returns `(n,)` bool: which rows `(n, d)` hold a NaN, an infinity or a number beyond 1e70; read in blocks."""
    found = np.zeros(len(rows), bool)
    for part in blocks(len(rows), 1024):
        largest = np.abs(rows[part]).max(1, initial=0).astype(np.float64)
        found[part] = ~(largest < LARGEST)  # a NaN is below nothing
    return found


def row_contents(rows: np.ndarray) -> np.ndarray:
    """Returns `(n, 16)` uint8 digests of rows as float64, so that equal numbers have equal ones."""
    return stacked([content((np.asarray(row, np.float64) + 0.0).tobytes()) for row in rows])


def content(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=DIGEST).digest()


def stacked(digests: list[bytes]) -> np.ndarray:
    return np.frombuffer(b"".join(digests), np.uint8).reshape(len(digests), DIGEST)
