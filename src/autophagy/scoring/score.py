"""The comparison itself: read both sides, encode them alike, measure, say how sure each number is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from autophagy.core import settings
from autophagy.core.catalog import build
from autophagy.core.errors import ConfigError, DataError
from autophagy.core.features import Features
from autophagy.core.parts import Encoder, Metric, Source
from autophagy.core.seeds import Seed
from autophagy.images import look

from . import against, cautions, files
from . import sides as two
from .album import Album
from .comparison import Comparison, Ready
from .encode import Watch
from .encoding import Encoded, Encoding
from .given import Given, Statistics, What, given
from .measuring import Outcome, measure
from .scores import Score, Scores, Side
from .subjects import GivenImages, GivenVectors, Recipe, choose, needs_pixels, recipes

NAMES = ("real", "fake")
PUBLISHED = "inception"  # the encoder of FID


def _silent(what: str, done: int, total: int) -> None:
    return None


@dataclass(frozen=True)
class Request:
    """What was asked for; see `score`."""

    metrics: Sequence[Recipe] | None
    encoder: Encoder | None
    size: int | None
    limit: int | None
    seed: int
    strict: bool
    intervals: bool
    places: Mapping[str, Path]
    watch: Watch


def score(
    real: What,
    fake: What,
    *,
    metrics: Recipe | Iterable[Recipe] | None = None,
    encoder: str | Mapping[str, Any] | Encoder | None = None,
    size: int | None = None,
    limit: int | None = None,
    seed: int = 0,
    strict: bool = False,
    intervals: bool = True,
    save_features: str | Path | None = None,
    watch: Watch = _silent,
) -> Scores:
    """Holds the samples `fake` against `real` by every metric asked for, or all that apply.

    A side is a folder of images, an array, tensor or file (.npy, .npz) of features `(n, d)` or uint8 images,
    statistics (.npz with mu and sigma, for the Fréchet distance only), or a file that `save_features` wrote.

    Args:
        metrics: names, tables as in TOML, or metrics, one or several; by default all that can be had of features.
        encoder: what makes features of images; 'lenet' by default. Vectors are features as they are.
        size: pixels; images are cut to their central square and resized to this.
        limit: at most so many of each side, always the same ones.
        seed: of the halves that the real side is split in, for floors and for metrics that hold training images
            against others (nearest-real, memorisation, authenticity), and of the jackknife's blocks.
        strict: refuse a side of which anything cannot be used, instead of leaving that out.
        intervals: jackknife the metrics that give no standard error; ten more measurements of each.
        save_features: a folder for `real.safetensors` and `fake.safetensors`, to be compared again later.
        watch: called as `watch(what, done, total)` while it works.

    Raises ConfigError for what cannot be asked, DataError for what cannot be read or compared.
    """
    settings.fitted(size, look.Side | None, "size")
    settings.fitted(limit, settings.Count | None, "limit")
    settings.fitted(seed, settings.Whole, "seed")
    wanted, chosen = recipes(metrics), build("encoder", encoder) if encoder is not None else None
    pair = given(real, "REAL", limit), given(fake, "FAKE", limit)
    places = _places(save_features, pair) if save_features is not None else {}
    request = Request(wanted, chosen, size, limit, seed, strict, intervals, places, watch)
    if any(isinstance(side, Statistics) for side in pair):
        return _against_statistics(pair, request)
    return _of_rows(_opened(pair, request), request)


def _places(folder: str | Path, pair: Sequence[Given]) -> dict[str, Path]:
    """Where the features of each side with images will be kept."""
    names = [name for name, side in zip(NAMES, pair, strict=True) if isinstance(side, Album)]
    if not names:
        raise ConfigError("--save-features keeps what images are turned into, but neither side has any; leave it out.")
    return files.places(Path(folder).expanduser(), names)


def _opened(pair: Sequence[Given], request: Request) -> list[two.Side]:
    """The sides that have rows."""
    sides = (side for side in pair if not isinstance(side, Statistics))
    return [two.opened(side, request.limit, strict=request.strict) for side in sides]


def _of_rows(sides: Sequence[two.Side], request: Request) -> Scores:
    encoding = two.agreed(sides, request.encoder, request.size)
    are_images = any(isinstance(side, two.Open) or side.are_images for side in sides)
    source = GivenImages() if are_images else GivenVectors()
    chosen = choose(request.metrics, encoding.encoder, source)
    fitted, (real, fake) = two.encoded(sides, encoding, None, request.watch)
    for side in (real, fake):
        _check_found(side, request)
    _save(zip(NAMES, sides, (real, fake), strict=True), request.places)

    def images() -> tuple[np.ndarray, np.ndarray]:
        return two.pixels(sides[0], real, fitted), two.pixels(sides[1], fake, fitted)

    outcome = _outcome(chosen.metrics, (real, fake), images, source, encoding.encoder, request)
    told = [
        *cautions.of_assumptions(sides, encoding),
        *cautions.of_sets(real, fake, fitted),
        *cautions.of_scores(outcome.scores, (real, fake)),
    ]
    left_out = {**chosen.left_out, **outcome.silent, **outcome.lost}
    return _scores((real, fake), fitted, request.seed, outcome.scores, left_out, told)


def _check_found(side: Encoded, request: Request) -> None:
    two.checked(side, strict=request.strict)
    if len(side) < 2:
        if request.limit == 1:
            raise ConfigError("limit = 1 leaves one image or row of a side; a distribution needs at least 2.")
        raise DataError(f"{side.label} holds one image or row that can be used; a distribution needs at least 2.")


def _refuse_unused(request: Request) -> None:
    """Raises ConfigError for options about rows, where neither side has any."""
    given = {"--encoder": request.encoder, "--size": request.size, "--limit": request.limit}
    unused = next((name for name, value in given.items() if value is not None), None)
    if unused is not None:
        raise ConfigError(f"both sides are statistics, which have no rows for {unused} to work on; leave it out.")


def _outcome(
    metrics: Sequence[Metric],
    pair: tuple[Encoded, Encoded],
    images: Callable[[], tuple[np.ndarray, np.ndarray]],
    source: Source,
    encoder: Encoder,
    request: Request,
) -> Outcome:
    """Measures on features, and what must see the images on these. Raises DataError if a named metric has no number."""
    seed, (real, fake) = Seed(("score", request.seed)), pair
    plain = [metric for metric in metrics if not needs_pixels(metric)]
    visual = [metric for metric in metrics if needs_pixels(metric)]
    rows = Comparison.of(real.features, fake.features, source, lambda: Ready(encoder), seed)
    found = measure(plain, rows, intervals=request.intervals, watch=request.watch)
    if visual:
        real_images, fake_images = images()
        seen = Comparison.of(real_images, fake_images, source, Features, seed)
        more = measure(visual, seen, intervals=request.intervals, watch=request.watch)
        found = Outcome([*found.scores, *more.scores], found.silent | more.silent)
    if found.silent and request.metrics is not None:
        name, why = next(iter(found.silent.items()))
        raise DataError(f"metric '{name}' cannot be measured here: {why}.")
    return found


def _against_statistics(pair: Sequence[Given], request: Request) -> Scores:
    """One side, or both, is a mean and a covariance."""
    against.check_metrics(request.metrics)
    if all(isinstance(side, Statistics) for side in pair):
        _refuse_unused(request)
    rows = _opened(pair, request)
    stats = [side for side in pair if isinstance(side, Statistics)]
    width = stats[0].width
    against.check_widths(stats)
    encoding, found = None, list[Encoded]()
    if rows:
        encoding = two.agreed(rows, request.encoder, request.size)
        against.check_encoder(encoding)
        encoding, found = two.encoded(rows, encoding, width, request.watch)
        _check_found(found[0], request)
        names = [name for name, side in zip(NAMES, pair, strict=True) if not isinstance(side, Statistics)]
        _save(zip(names, rows, found, strict=True), request.places)
    known = iter(found)
    real, fake = (side if isinstance(side, Statistics) else next(known) for side in pair)
    score = against.distance(real, fake, Seed(("score", request.seed)), intervals=request.intervals)
    told = list(cautions.of_statistics(stats, found, width))
    return _scores((real, fake), encoding, request.seed, [score], {}, told)


def _scores(
    pair: Sequence[Encoded | Statistics],
    encoding: Encoding | None,
    seed: int,
    scores: Sequence[Score],
    left_out: Mapping[str, str],
    told: Sequence[str],
) -> Scores:
    real, fake = pair
    words = about(encoding, real.width)
    recipe = encoding.plain() if encoding else {}
    return Scores(_side(real), _side(fake), words, recipe, seed, tuple(scores), left_out, tuple(told))


def _side(side: Encoded | Statistics) -> Side:
    if isinstance(side, Statistics):
        return Side(side.label, side.moments.n, {}, (), "")
    return Side(side.label, len(side), side.looks, side.left_out, side.digest)


def _save(named: Iterable[tuple[str, two.Side, Encoded]], places: Mapping[str, Path]) -> None:
    """Keeps the features of each side that has just been encoded."""
    for name, side, encoded in named:
        if name in places and isinstance(side, two.Open):
            files.save(encoded, places[name])


def about(encoding: Encoding | None, width: int) -> str:
    """Which features these are, and whether their Fréchet distance is the FID of papers."""
    if encoding is None:
        return f"{width:,} features of an encoder that nobody has named"
    if encoding.mode is None:
        given = (
            "as they are given" if encoding.encoder.name == two.FOR_VECTORS else f"of encoder '{encoding.encoder.name}'"
        )
        return f"{width:,} features, {given}"
    name, size = encoding.encoder.name, "" if encoding.size is None else f" at {encoding.size} × {encoding.size} pixels"
    what = f"encoder '{name}'{size}, {width:,} features"
    if name == PUBLISHED:
        return (
            f"{what}: FID as published, where the number of images is the same (usually 50,000) and so is their format"
        )
    return f"{what}: not the FID of papers, which needs --encoder {PUBLISHED}"
