"""Two sides made comparable: one encoder, one size, one mode for both."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from autophagy.core.catalog import build
from autophagy.core.errors import ConfigError, DataError, refuse
from autophagy.core.identity import part_key
from autophagy.core.parts import Encoder
from autophagy.images.reading import Header

from .album import GREY, Album, examined
from .encode import Watch, check_sizes, encode_album, encode_vectors, prepared, raw_pixels, readable_pixels
from .encoding import Encoded, Encoding
from .subjects import GivenImages, GivenVectors, Unknown

KINDS = {"L": " for grey images", "RGB": " for images in colour", None: " for vectors"}
FOR_IMAGES, FOR_VECTORS = "lenet", "pixels"  # the encoders where none is named


@dataclass(frozen=True)
class Open:
    """A folder or array of images whose headers have been read."""

    album: Album
    headers: Sequence[Header]

    @property
    def label(self) -> str:
        return self.album.label


Side = Open | Encoded


def opened(given: Album | Encoded, limit: int | None, *, strict: bool) -> Side:
    """Reads the headers of images, and keeps `limit` of them. Raises DataError if one cannot be used and `strict`."""
    if isinstance(given, Encoded):
        return checked(given, strict=strict)
    album, headers = examined(given, limit)
    if strict:
        refuse(album.label, album.left_out)
    return Open(album, headers)


def checked(encoded: Encoded, *, strict: bool) -> Encoded:
    if strict:
        refuse(encoded.label, encoded.left_out)
    return encoded


def agreed(sides: Sequence[Side], encoder: Encoder | None, size: int | None) -> Encoding:
    """What both sides are encoded with. Raises ConfigError or DataError where what is known of them does not fit."""
    known = [(side.label, side.encoding) for side in sides if isinstance(side, Encoded) and side.encoding is not None]
    if not known:
        return _fresh([side for side in sides if isinstance(side, Open)], encoder, size)
    (label, first), *others = known
    for other, encoding in others:
        if not _are_alike(encoding, first):
            is_shown = encoding.mode != first.mode
            mine, theirs = (f"{_told(e)}{KINDS[e.mode] if is_shown else ''}" for e in (first, encoding))
            raise DataError(
                f"{label} holds features of {mine}, but {other} those of {theirs}; "
                "only features that were made alike can be compared."
            )
    if encoder is not None and part_key(encoder) != part_key(first.encoder):
        raise ConfigError(
            f"{label} holds features of {_told(first)}, which cannot be compared with those of '{encoder.name}'; "
            "leave --encoder out, or give the images instead of the features."
        )
    if size is not None and size != first.size:
        raise ConfigError(f"{label} holds features of {_told(first)}, not of --size {size}; leave --size out.")
    coloured = [side.label for side in sides if isinstance(side, Open) and not _is_grey([side])]
    if first.mode == "L" and coloured:
        raise DataError(
            f"{label} holds features of grey images, but {coloured[0]} has colour, which they say nothing of; "
            "give the images on both sides."
        )
    return first


def encoded(
    sides: Sequence[Side], encoding: Encoding, width: int | None, watch: Watch
) -> tuple[Encoding, list[Encoded]]:
    """Features of every side, the first of which is the real one; and the encoding, now that it is fitted."""
    check_sizes(encoding, [header for side in sides if isinstance(side, Open) for header in side.headers])
    bare = all(isinstance(side, Encoded) and side.encoding is None for side in sides)
    fitted, encoder = encoding, encoding.encoder
    if bare or any(isinstance(side, Open) for side in sides):
        fitted, encoder = prepared(encoding, _real(sides[0], encoding))
    if encoding.fitted_on not in ("", fitted.fitted_on):
        raise DataError(f"the features of the other side were made by {_told(encoding)} fitted on other real data.")
    found: list[Encoded] = []
    known = [side.width for side in sides if isinstance(side, Encoded) and not bare]
    for side in sides:
        expected = next((w for w in (width, *known, *(one.width for one in found)) if w is not None), None)
        if isinstance(side, Open):
            found.append(encode_album(side.album, side.headers, fitted, encoder, expected, watch))
        else:
            found.append(encode_vectors(side, fitted, encoder) if bare else replace(side, encoding=fitted))
    check_widths(found, width)
    return fitted, found


def check_widths(sides: Sequence[Encoded], width: int | None) -> None:
    """Raises DataError unless all features have as many numbers."""
    first = sides[0]
    expected = first.width if width is None else width
    wrong = next((side for side in sides if side.width != expected), None)
    if wrong is not None:
        raise DataError(
            f"{wrong.label} has {wrong.width:,} features a row, but the other side {expected:,}; "
            "both sides need features of the same encoder."
        )


def pixels(side: Side, kept: Encoded, encoding: Encoding) -> np.ndarray:
    """The images behind features, `(n, c, h, w)`. Raises DataError if they are not at hand."""
    if isinstance(side, Encoded):
        raise DataError(f"the images behind {side.label} are needed, which holds features only.")
    return raw_pixels(side.album, kept.names, encoding)


def _fresh(albums: Sequence[Open], encoder: Encoder | None, size: int | None) -> Encoding:
    """An encoding of sides of which nothing is known."""
    chosen: Encoder = encoder or build("encoder", FOR_IMAGES if albums else FOR_VECTORS)
    space = "images" if albums else "vectors"
    if space not in chosen.takes:
        raise ConfigError(
            f"encoder '{chosen.name}' takes {' or '.join(chosen.takes)}, but these are {space}; "
            f"leave --encoder out, or say --encoder {FOR_VECTORS}."
        )
    trouble = chosen.objection(GivenImages() if albums else GivenVectors(), Unknown())
    if trouble:
        raise ConfigError(trouble)
    if not albums:
        if size is not None:
            raise ConfigError("size resizes images, but these are rows of numbers; leave --size out.")
        return Encoding(chosen)
    return Encoding(chosen, size, "L" if _is_grey(albums) else "RGB")


def _is_grey(albums: Sequence[Open]) -> bool:
    return all(header.mode in GREY for side in albums for header in side.headers)


def _are_alike(one: Encoding, other: Encoding) -> bool:
    """Whether features made so can be compared."""
    key, others = part_key(one.encoder), part_key(other.encoder)
    return (key, one.size, one.mode, one.fitted_on) == (others, other.size, other.mode, other.fitted_on)


def _real(side: Side, encoding: Encoding) -> Callable[[], np.ndarray]:
    """The real samples that an encoder may have to be fitted on."""

    def load() -> np.ndarray:
        if isinstance(side, Open):
            return readable_pixels(side.album, encoding)
        if side.encoding is None:
            return side.features
        raise DataError(
            f"{_told(encoding)} is fitted on real images, but {side.label} holds features only; "
            "give the real images, or features on both sides."
        )

    return load


def _told(encoding: Encoding) -> str:
    size = "" if encoding.size is None else f" at {encoding.size} × {encoding.size} pixels"
    return f"encoder '{encoding.encoder.name}'{size}"
