"""Images into features, in batches: only the features of all of them are ever in memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from autophagy.core.errors import DataError
from autophagy.core.parts import Encoder
from autophagy.core.pool import REAL_DATA, Origin, Pool
from autophagy.core.settings import shown
from autophagy.images.reading import Header, Unusable, in_threads, planes, square

from .album import Album, none_left
from .encoding import Encoded, Encoding, content, row_contents, stacked

BATCH_BYTES, BATCH = 2**26, 256  # of decoded images
LARGEST_FEATURES = 2**33  # bytes
LARGEST_PIXELS = 2**31  # bytes, where all images must be in memory at once

Watch = Callable[[str, int, int], None]  # watch(what, done, total)


@dataclass(frozen=True)
class Seen:
    """A decoded image `(c, h, w)`, with the digest of its pixels before any resizing."""

    pixels: np.ndarray
    content: bytes


def encode_album(
    album: Album, headers: Sequence[Header], encoding: Encoding, encoder: Encoder, width: int | None, watch: Watch
) -> Encoded:
    """Features of every image that can be decoded; `encoder` is the prepared one, `width` what the other side has.

    Raises DataError for images whose features differ in number, or are more than fit in memory.
    """
    features = np.empty((0, 0))
    contents: list[bytes] = []
    kept: list[int] = []
    problems: list[str] = []
    for batch in _batches(headers, encoding.size):
        found = in_threads(lambda i: _as_told(album, i, headers[i], encoding), batch)
        seen = [(i, one) for i, one in zip(batch, found, strict=True) if isinstance(one, Seen)]
        problems += [one for one in found if isinstance(one, str)]
        if seen:
            rows = _features([one.pixels for _, one in seen], encoder, album.label)
            if not kept:
                features = _room(album, rows, width)
            _check_width(rows, features, album.label)
            features[len(kept) : len(kept) + len(rows)] = rows
            kept += [i for i, _ in seen]
            contents += [one.content for _, one in seen]
        watch(f"encoding {album.label}", batch[-1] + 1, len(album))
    if not kept:
        raise none_left(album.label, problems)
    return Encoded(
        label=album.label,
        encoding=encoding,
        features=features[: len(kept)],
        names=tuple(album.names[i] for i in kept),
        contents=stacked(contents),
        headers=tuple(headers[i] for i in kept),
        left_out=(*album.left_out, *problems),
    ).finite()


def encode_vectors(raw: Encoded, encoding: Encoding, encoder: Encoder) -> Encoded:
    """The same for rows of numbers."""
    return replace(raw, encoding=encoding, features=encoder.encode(raw.features)).finite()


def raw_pixels(album: Album, names: Sequence[str], encoding: Encoding) -> np.ndarray:
    """The images of those names at once, `(n, c, h, w)` uint8. Raises DataError if they differ in size or are many."""
    pixels, problems = _decoded(album, names, encoding)
    if problems:
        raise DataError(f"{album.label} has changed while it was read: {problems[0]}.")
    return pixels


def readable_pixels(album: Album, encoding: Encoding) -> np.ndarray:
    """The same of all images but those that cannot be decoded. Raises DataError if nothing is left."""
    pixels, problems = _decoded(album, album.names, encoding)
    if not len(pixels):
        raise none_left(album.label, problems)
    return pixels


def _decoded(album: Album, names: Sequence[str], encoding: Encoding) -> tuple[np.ndarray, list[str]]:
    """The images that can be decoded, `(k, c, h, w)`, and why the others cannot."""
    place = {name: i for i, name in enumerate(album.names)}
    pixels, count, problems = np.empty((0, 1, 1, 1), np.uint8), 0, list[str]()
    for name in names:
        seen = _seen(album, place[name], encoding)
        if isinstance(seen, str):
            problems.append(seen)
            continue
        if not count:
            pixels = _room_for(album, len(names), seen.pixels)
        if seen.pixels.shape != pixels.shape[1:]:
            raise DataError(f"the images of {album.label} are needed in one size; say --size.")
        pixels[count] = seen.pixels
        count += 1
    return pixels[:count], problems


def _room_for(album: Album, n: int, image: np.ndarray) -> np.ndarray:
    if n * image.nbytes > LARGEST_PIXELS:
        raise DataError(
            f"the pixels of {n:,} images of {album.label} are needed at once, which is more than "
            f"{LARGEST_PIXELS // 2**30} GiB; say --limit or a smaller --size."
        )
    return np.empty((n, *image.shape), np.uint8)


def prepared(encoding: Encoding, real: Callable[[], np.ndarray]) -> tuple[Encoding, Encoder]:
    """An encoder ready to work; one that must be fitted is, on the real samples, and its encoding says on which."""
    if not must_be_fitted(encoding):
        return encoding, encoding.encoder
    reference = Pool.born(real(), Origin("real", REAL_DATA))
    return replace(encoding, fitted_on=reference.digest()), encoding.encoder.prepared(reference)


def must_be_fitted(encoding: Encoding) -> bool:
    """Whether its encoder is one that learns from the real side."""
    return type(encoding.encoder).prepared is not Encoder.prepared


def check_sizes(encoding: Encoding, headers: Sequence[Header]) -> None:
    """Raises DataError before anything is decoded if images differ in size and the encoder needs them alike."""
    sizes = Counter((h.width, h.height) for h in headers)
    if encoding.size is not None or len(sizes) < 2 or resizes(encoding.encoder):
        return
    most = ", ".join(f"{w} × {h}: {n:,}" for (w, h), n in sizes.most_common(3))
    rest = f" and {len(sizes) - 3} more sizes" if len(sizes) > 3 else ""
    usual, smallest = min(sizes.most_common(1)[0][0]), min(map(min, sizes))
    enlarged = " (smaller images are enlarged)" if smallest < usual else ""
    raise DataError(
        f"the images differ in size ({most}{rest}) and the encoder '{encoding.encoder.name}' needs them alike; "
        f"say --size {usual}{enlarged}, or choose an encoder that resizes, such as lenet."
    )


def resizes(encoder: Encoder) -> bool:
    """Whether it gives as many features for one size of images as for another, found by asking it."""
    if type(encoder).prepared is not Encoder.prepared:
        return False
    tall, wide = (encoder.encode(np.zeros((1, 3, *size), np.uint8)) for size in ((40, 32), (32, 44)))
    return tall.shape == wide.shape


def vectors(rows: np.ndarray, label: str, numbers: Sequence[int]) -> Encoded:
    """Rows of numbers as they came, not encoded yet; `numbers` are their places in the file."""
    return Encoded(label, None, rows, tuple(f"row {i}" for i in numbers), row_contents(rows)).finite()


def _batches(headers: Sequence[Header], side: int | None) -> Iterator[list[int]]:
    """Rows that are decoded together, by the room their pixels take before and after resizing."""
    batch: list[int] = []
    size = 0
    for i, h in enumerate(headers):
        room = 3 * max(h.width * h.height, (side or 0) ** 2)
        if batch and (size + room > BATCH_BYTES or len(batch) == BATCH):
            yield batch
            batch, size = [], 0
        batch.append(i)
        size += room
    yield batch


def _as_told(album: Album, i: int, header: Header, encoding: Encoding) -> Seen | str:
    """Refuses an image in another size than its header said, which sizes were compared by."""
    seen = _seen(album, i, encoding)
    if encoding.size is None and isinstance(seen, Seen) and seen.pixels.shape[1:] != (header.height, header.width):
        return f"{shown(album.names[i])} lies on its side, and says so after its pixels; save it upright"
    return seen


def _seen(album: Album, i: int, encoding: Encoding) -> Seen | str:
    try:
        image = album.upright(i, encoding.mode or "RGB")
    except Unusable as problem:
        return f"{shown(album.names[i])} {problem}"
    pixels = f"{image.size}".encode() + image.convert("RGB").tobytes()
    return Seen(planes(image if encoding.size is None else square(image, encoding.size)), content(pixels))


def _features(images: Sequence[np.ndarray], encoder: Encoder, label: str) -> np.ndarray:
    """Encodes images of several sizes, those of one size together; `(n, d)` in their order."""
    sizes: dict[tuple[int, ...], list[int]] = {}
    for i, pixels in enumerate(images):
        sizes.setdefault(pixels.shape, []).append(i)
    found = {at: encoder.encode(np.stack([images[i] for i in at])) for at in map(tuple, sizes.values())}
    first = next(iter(found.values()))
    rows = np.empty((len(images), first.shape[1]), first.dtype)
    for at, some in found.items():
        _check_width(some, rows, label)
        rows[list(at)] = some
    return rows


def _check_width(rows: np.ndarray, others: np.ndarray, label: str) -> None:
    if rows.shape[1] != others.shape[1]:
        raise DataError(f"the images of {label} differ in size, and so do their features in number; say --size.")


def _room(album: Album, rows: np.ndarray, width: int | None) -> np.ndarray:
    """An empty array for the features of all images, once the first ones have shown how many numbers each has."""
    d = rows.shape[1]
    if width is not None and d != width:
        raise DataError(
            f"{album.label} has {d:,} features an image, but the other side {width:,}; "
            "both sides need the same encoder, and the same --size if that is pixels."
        )
    size = len(album) * d * rows.itemsize
    if size > LARGEST_FEATURES:
        raise DataError(
            f"the {d:,} features of each of the {len(album):,} images of {album.label} would take "
            f"{size / 2**30:,.0f} GiB; choose an encoder with fewer, a smaller --size or --limit."
        )
    return np.empty((len(album), d), rows.dtype)
