"""Claims about sources, encoders and metrics."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from autophagy.core.declared import values_fault
from autophagy.core.parts import Collection, Encoder, Metric, Source, Space, Split, Stream
from autophagy.core.seeds import Seed

from . import toys

SPLITS: tuple[Split, ...] = ("train", "heldout")


def _rows_are_counted(source: Source) -> str | None:
    for split in SPLITS:
        if isinstance(source, Collection):
            n, conditions = len(source.load(split)), source.conditions(split)
            if n != source.size(split):
                return f"{split} has {n} rows, size() says {source.size(split)}"
            if conditions is not None and not (isinstance(conditions, np.ndarray) and conditions.shape == (n,)):
                return f"conditions() of {split} must be an array of shape ({n},), but is {_told(conditions)}"
            if conditions is not None and conditions.dtype.kind not in "iuU":
                return (
                    f"conditions() of {split} must be classes (whole numbers) or captions, but are {conditions.dtype}"
                )
    if isinstance(source, Stream):
        for n in (5, 16):
            if (made := len(source.draw(n, Seed(("check",))))) != n:
                return f"asked for {n} rows, it gave {made}"
    return None


def _rows_stay(source: Source) -> str | None:
    if isinstance(source, Stream):
        one, two = (source.draw(16, Seed(("check",))) for _ in range(2))
        if not same(one, two):
            return "one seed draws two different data sets"
        many, others = (source.draw(1000, Seed((name,))) for name in ("check", "other"))
        return "another seed draws the same rows" if same(many, others) and len(np.unique(many, axis=0)) > 1 else None
    for split in SPLITS:
        if isinstance(source, Collection) and not same(source.load(split), source.load(split)):
            return f"{split} has other rows the second time"
        first, again = (source.conditions(split) for _ in range(2))
        if first is not None and again is not None and not np.array_equal(first, again):
            return f"{split} has other classes or captions the second time"
    return None


def _splits_are_apart(source: Source) -> str | None:
    if not isinstance(source, Collection):
        return None
    train, heldout = (_rows(source.load(split)) for split in SPLITS)
    both = len(train & heldout)
    return f"{both} rows are in both splits" if both > 0.01 * len(heldout) else None  # real data has a few twins


def _rows(samples: np.ndarray) -> set[bytes]:
    return {row.tobytes() for row in samples}


def _has_its_space(source: Source) -> str | None:
    if isinstance(source, Stream):
        return _is_of(source.space, source.draw(4, Seed(("check",))))
    if not isinstance(source, Collection):
        return "it is neither a Collection nor a Stream"
    train, heldout = (source.load(split) for split in SPLITS)
    if train.shape[1:] != heldout.shape[1:] or train.dtype.kind != heldout.dtype.kind:
        return f"train is {_told(train)}, but heldout {_told(heldout)}"
    return _is_of(source.space, train) or _is_of(source.space, heldout)


def _is_of(space: Space, rows: np.ndarray) -> str | None:
    fits = {
        "images": rows.ndim == 4 and rows.dtype == np.uint8,
        "vectors": rows.ndim == 2 and rows.dtype.kind == "f",
        "symbols": rows.ndim == 1 and rows.dtype.kind == "i",
        "text": (rows.ndim == 1 and rows.dtype.kind == "U") or (rows.ndim == 2 and rows.dtype.kind == "i"),
    }
    if not fits[space]:
        return f"it says {space}, but gives {rows.dtype} of shape {rows.shape}"
    return None if rows.dtype.kind != "f" or np.isfinite(rows).all() else "some of its numbers are not finite"


def same(one: np.ndarray, two: np.ndarray) -> bool:
    """Whether two arrays are equal; what is no number in both is, too."""
    return np.array_equal(one, two, equal_nan=one.dtype.kind == two.dtype.kind == "f")


def _told(rows: object) -> str:
    return f"{rows.dtype} of shape {rows.shape}" if isinstance(rows, np.ndarray) else type(rows).__name__


def _encodes_rows(encoder: Encoder) -> str | None:
    for space in toys.spaces(encoder):
        ready, pool = encoder.prepared(toys.pool(space, 96, generation=-2)), toys.pool(space)
        features = ready.encode(pool.samples)
        if features.ndim != 2 or len(features) != len(pool) or features.dtype.kind != "f":
            return f"{len(pool)} {space} became {features.dtype} of shape {features.shape}, not (n, d) floats"
        if not np.isfinite(features).all():
            return f"features of {space} are not all finite"
        turned = np.arange(len(pool))[::-1]
        for rows in (slice(50), slice(-50, None), turned):
            if not np.allclose(ready.encode(pool.samples[rows]), features[rows], rtol=1e-5, atol=1e-5):
                return "a sample's features depend on the samples beside it"
    return None


def _is_named(metric: Metric) -> str | None:
    for space in toys.spaces(metric):
        values = metric.measure(toys.generation(space, metric.reads))
        if fault := values_fault(values):
            return f"it {fault}"
        if not values:
            return "measure() returned no value"
        if metric.better and not set(metric.better) & set(values):
            return f"`better` speaks of {sorted(metric.better)}, of which measure() returns none"
    return None


def _is_blind_to_order(metric: Metric) -> str | None:
    for space in toys.spaces(metric):
        plain = toys.generation(space, metric.reads)
        n, m = len(plain.samples), len(plain.reference)
        read = plain.samples.take(np.arange(min(n, metric.most_rows(n, m) or n)))
        plain = replace(plain, samples=read)
        turned = replace(plain, samples=plain.samples.take(np.arange(len(plain.samples))[::-1]))
        one, two = metric.measure(plain), metric.measure(turned)
        if any(not _close(one[name], two[name]) for name in one):
            return f"another order of the samples changed {dict(one)} to {dict(two)}"
    return None


def _close(a: float, b: float) -> bool:
    return (math.isnan(a) and math.isnan(b)) or math.isclose(a, b, rel_tol=1e-5, abs_tol=1e-7)


SOURCE = (
    ("every row is counted", _rows_are_counted),
    ("rows never change", _rows_stay),
    ("train and heldout share nothing", _splits_are_apart),
    ("rows have the shape and type of its space", _has_its_space),
)
ENCODER = (("it makes one finite row of floats of each sample, whatever stands beside it", _encodes_rows),)
METRIC = (
    ("it returns named numbers", _is_named),
    ("the order of samples does not matter", _is_blind_to_order),
)
