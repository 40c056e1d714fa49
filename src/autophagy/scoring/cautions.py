"""Cautions: what a reader of the numbers must know of the two sets, each in a sentence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from autophagy.analysis import words
from autophagy.core.errors import listed
from autophagy.core.settings import shown
from autophagy.images.reading import OPAQUE
from autophagy.kernels.rows import some

from .album import GREY
from .encoding import Encoded, Encoding
from .given import Statistics
from .scores import Score
from .sides import Side

HARM = {
    "size": "resizing blurs one set more than the other",
    "format": "what a lossy format does to an image is measured too",
    "mode": "one set has no colour, or fewer colours, to be compared",
}
LOSSY = {"JPEG", "MPO", "WEBP"}  # or may be
ENOUGH, UNEVEN = 5, 1.2  # rows a feature, and ratio of sizes, from which on the debiased distance was seen to go wrong
NEAR, RARE = 0.5, 1e-3
MOST = 5000  # rows of a side that its covariance is looked up in
DIGITS = 64  # pixels; larger images are none of the digits that LeNet knows


def of_sets(real: Encoded, fake: Encoded, encoding: Encoding) -> Iterator[str]:
    """Sizes, formats, copies, and what was left out or resized."""
    for side in (real, fake):
        yield from _left_out(side)
    if len(real) != len(fake):
        yield (
            f"the sets differ in size ({len(real):,} and {len(fake):,}), and most of these numbers depend on it; "
            f"compare them with others at the same sizes only, or say --limit {min(len(real), len(fake))}."
        )
    for side in (real, fake):
        yield from _copies(side)
    if real.are_images == fake.are_images:
        yield from _shared(real, fake)
    if real.are_images and fake.are_images:
        yield from _looks(real, fake)
    yield from _resized((real, fake), encoding)
    yield from _strangers((real, fake), encoding)
    if encoding.fitted_on:
        yield (
            f"encoder '{encoding.encoder.name}' was fitted on {real.label}, whose rows it suits better than others: "
            "distances come out too large, debiased ones too and by more than their intervals tell, the more so the "
            "fewer rows there are; the floor does not show it."
        )


def of_scores(scores: Sequence[Score], pair: tuple[Encoded, Encoded]) -> Iterator[str]:
    """What speaks against single numbers."""
    fewest, width = min(map(len, pair)), pair[0].width
    if any(score.metric == "frechet" for score in scores) and fewest <= width:
        yield _too_few(fewest, width)
    yield from _of_debiased({s.name: s for s in scores if s.metric == "frechet"}, pair)
    for name, what in (("zero_radii", "fake"), ("reference_zero_radii", "real")):
        found = next((s for s in scores if s.name == name and s.value > 0), None)
        if found is not None:
            yield (
                f"{found.value:,.0f} {what} rows have as many copies as neighbours are looked at ({found.metric}): "
                "their balls have radius 0 and hold copies only."
            )


def _of_debiased(found: Mapping[str, Score], pair: tuple[Encoded, Encoded]) -> Iterator[str]:
    """What speaks against the debiased Fréchet distance: unequal sizes, and sets that were not drawn apart."""
    debiased, sizes, width = found.get("debiased"), [len(side) for side in pair], pair[0].width
    fewest = min(sizes)
    if debiased is None or "distance" not in found:
        return
    if width < fewest < ENOUGH * width and max(sizes) > UNEVEN * fewest:
        yield (
            f"the debiased Fréchet distance comes out too low where the sets differ in size and the smaller has fewer "
            f"than {ENOUGH} rows a feature ({fewest:,} for {width:,}); say --limit {fewest}."
        )
    elif debiased.interval and debiased.interval.high < 0 and _are_too_near(found["distance"], debiased, pair):
        yield (
            "the debiased Fréchet distance is below 0 by its own interval: the sets look dependent, e.g. edited copies "
            "of one another, and it assumes independent sets; read distance."
        )


def _are_too_near(distance: Score, debiased: Score, pair: tuple[Encoded, Encoded]) -> bool:
    """Whether independent sets of one distribution would hardly ever be so near each other.

    Their distance is then about its expectation by a χ² with as many degrees of freedom as moments, and that many:
    those of as many features as share the variance, tr(C)² / tr(C²).
    """
    from scipy.stats import chi2

    rows = np.concatenate([some(side.features, MOST) for side in pair]).astype(np.float64)
    covariance = np.atleast_2d(np.cov(rows.T))
    sharing = float(covariance.trace()) ** 2 / float((covariance**2).sum())
    moments, expected = sharing * (sharing + 3) / 2, distance.value - debiased.value
    return distance.value < NEAR * expected and float(chi2.cdf(moments * distance.value / expected, moments)) < RARE


def of_assumptions(sides: Sequence[Side], encoding: Encoding) -> Iterator[str]:
    """Features of which nobody has said what made them, beside some that are known."""
    bare = [side for side in sides if isinstance(side, Encoded) and side.encoding is None]
    if len(bare) < len(sides):
        name = encoding.encoder.name
        for side in bare:
            yield f"{side.label} does not say what made its features; they are taken to be those of '{name}'."


def of_statistics(known: Sequence[Statistics], rows: Sequence[Encoded], width: int) -> Iterator[str]:
    """What may be wrong with a distance from moments."""
    yield "statistics do not say what made their features; the distance has a meaning only if both were made alike."
    for one in known:
        if one.unread:
            yield (
                f"{one.label} also holds {listed(map(shown, one.unread))}, which was not read beside statistics; "
                "save it as .npy to have it scored."
            )
    for side in rows:
        yield from _left_out(side)
        yield from _copies(side)
    sizes = [n for n in (*(side.moments.n for side in known), *map(len, rows)) if n is not None]
    if min(sizes, default=width + 1) <= width:
        yield _too_few(min(sizes), width)


def _left_out(side: Encoded) -> Iterator[str]:
    if side.left_out:
        n = len(side.left_out)
        yield f"{n:,} in {side.label} could not be used and {_were(n)} left out."


def _copies(side: Encoded) -> Iterator[str]:
    first, place = _distinct(side.contents)
    n = len(side) - len(first)
    if n:
        copy = int(np.flatnonzero(first[place] != np.arange(len(side)))[0])
        pair = f"{shown(side.names[copy])} is {shown(side.names[first[place[copy]]])}"
        yield f"{n:,} of {len(side):,} in {side.label} {_are(n)} of others in it: {pair}{_and_more(n)}."


def _shared(real: Encoded, fake: Encoded) -> Iterator[str]:
    place = {row.tobytes(): i for i, row in reversed(list(enumerate(real.contents)))}
    found = [(i, place[row.tobytes()]) for i, row in enumerate(fake.contents) if row.tobytes() in place]
    if found:
        i, j = found[0]
        n, pair = len(found), f"{shown(fake.names[i])} is {shown(real.names[j])}"
        yield f"{n:,} of {len(fake):,} in {fake.label} {_are(n)} of some in {real.label}: {pair}{_and_more(n)}."


def _looks(real: Encoded, fake: Encoded) -> Iterator[str]:
    for what in real.looks:
        counts, others = (_without_alpha(side.looks.get(what, {})) for side in (real, fake))
        if not _alike(counts, others) and (what != "format" or LOSSY & {*counts, *others}):
            told = f"{_counted(counts)} in {real.label}, {_counted(others)} in {fake.label}"
            yield f"the sets differ in {what} ({told}): {HARM.get(what, 'that shows in the numbers')}."


def _without_alpha(counts: Mapping[str, int]) -> dict[str, int]:
    """Opaque images are of the mode that is left without their alpha."""
    found: dict[str, int] = {}
    for name, n in counts.items():
        plain = name.removesuffix("A") if name in OPAQUE else name
        found[plain] = found.get(plain, 0) + n
    return found


def _resized(sides: Sequence[Encoded], encoding: Encoding) -> Iterator[str]:
    for side in sides:
        sizes = side.looks.get("size", {})
        if encoding.size is None and len(sizes) > 1:
            name = encoding.encoder.name
            yield f"{side.label} has {len(sizes)} sizes of images, which encoder '{name}' makes alike in its own way."
        target = f"{encoding.size} × {encoding.size}"
        n = sum(count for size, count in sizes.items() if size != target) if encoding.size is not None else 0
        if n:
            yield (
                f"{n:,} of {len(side):,} in {side.label} {_were(n)} cut to the central square and resized to {target} "
                "pixels (Lanczos)."
            )
        grey = sum(side.looks.get("mode", {}).get(mode, 0) for mode in GREY)
        if grey and encoding.mode == "RGB":
            yield f"{_images(grey, 'grey ')} of {side.label} {_were(grey)} made RGB, since others have colour."
        opaque = sum(side.looks.get("mode", {}).get(mode, 0) for mode in OPAQUE)
        if opaque:
            yield f"{_images(opaque)} of {side.label} had an opaque alpha channel, which was dropped."


def _strangers(sides: Sequence[Encoded], encoding: Encoding) -> Iterator[str]:
    if encoding.encoder.name != "lenet":
        return
    sizes = [tuple(map(int, size.split(" × "))) for side in sides for size in side.looks.get("size", {})]
    if encoding.mode == "RGB" or any(max(size) > DIGITS for size in sizes):
        yield (
            "encoder 'lenet' was trained on small grey digits and says little of other images; "
            "for photographs choose another with --encoder (autophagy list encoder)."
        )


def _distinct(contents: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns the first row of each content `(u,)`, and which of these each row has `(n,)`."""
    whole = np.ascontiguousarray(contents).view(f"V{contents.shape[1]}")[:, 0]
    _, first, place = np.unique(whole, return_index=True, return_inverse=True)
    return first, place


def _too_few(n: int, width: int) -> str:
    return (
        f"{n:,} are too few for {width:,} features: their covariance is singular and the Fréchet distance says above "
        "all how few they are, debiased or not; use more, or an encoder with fewer features."
    )


def _are(n: int) -> str:
    return "is an exact copy" if n == 1 else "are exact copies"


def _images(n: int, kind: str = "") -> str:
    return f"{n:,} {kind}image{'s' * (n != 1)}"


def _were(n: int) -> str:
    return "was" if n == 1 else "were"


def _and_more(n: int) -> str:
    return f", and {n - 1:,} more" if n > 1 else ""


def _alike(counts: Mapping[str, int], others: Mapping[str, int]) -> bool:
    """Whether both sets have the same shares, to a percent."""
    n, m = sum(counts.values()), max(sum(others.values()), 1)
    return all(abs(counts.get(k, 0) / n - others.get(k, 0) / m) < 0.01 for k in {*counts, *others})


def _counted(counts: Mapping[str, int]) -> str:
    """ "PNG", or "PNG 90 %, JPEG 10 %"; at most three."""
    total, most = sum(counts.values()), list(counts.items())[:3]
    if len(counts) == 1:
        return most[0][0]
    return ", ".join(f"{name} {words.share(n / total)}" for name, n in most) + (" …" if len(counts) > 3 else "")
