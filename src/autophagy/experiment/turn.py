"""One turn of the loop: assemble, fit, sample, curate, measure, record.

A turn reads its inputs from the store by key and leaves its outputs there, so
nothing is carried from turn to turn in memory: to resume, run it again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import TypeVar

import numpy as np

from autophagy.archive.store import Numbers, Store
from autophagy.archive.strict_json import json_fault, shortened, wrapped
from autophagy.core.abilities import Grounded, MeasuresEach, Validated
from autophagy.core.declared import values_fault
from autophagy.core.errors import ConfigError, Diverged
from autophagy.core.features import Features
from autophagy.core.generation import Generation
from autophagy.core.mixture import assemble
from autophagy.core.parts import Metric, Pretrained, Sampler
from autophagy.core.pool import REAL_DATA, Pool

from . import reals
from .curation import Curation, curate
from .drawing import draw_gallery, draw_probe, draw_samples
from .measured import unmeasured
from .turns import BEGUN, GALLERY, Floor, Turn

T = TypeVar("T")
FELT = 1.0  # seconds of measuring that are not put at stake


def run_turn(turn: Turn, store: Store, features: Features) -> None:
    """Leaves a generation's sampler, samples, facts and scores in the store; makes only what is not there."""
    arm, model = turn.arm, turn.arm.model

    train = once(lambda: assemble(turn.mixture, inputs(turn, store), turn.seeds.child("assemble")))
    sampler = once(lambda: store.sampler(turn.fit, model, make=lambda: fit(turn, train, store)))
    drawn = once(lambda: store.pool(turn.draw, make=lambda: draw_samples(turn, sampler())))
    curated = once(lambda: curate(turn, drawn(), sampler, founder(turn, drawn, store)))
    kept = once(lambda: store.pool(turn.kept, make=lambda: curated().pool) if arm.curators else drawn())
    probes = {name: once(partial(probe, turn, name, key, sampler, store)) for name, key in turn.probes}

    try:
        if not store.holds(turn.done):
            for make in probes.values():
                make()
        makers = ((turn.fit, sampler), (turn.draw, drawn), (turn.kept, kept))
        for key, remake in (*makers, *((key, probes[name]) for name, key in turn.probes)):
            if key in turn.remade:
                remake()
        facts = store.numbers(turn.done, make=lambda: describe(turn, train, curated(), kept(), store))
        if facts["status"] == "diverged":
            return
    except Diverged as end:
        ended = {"status": "diverged", "reason": str(end), **remarks(turn, store)}
        store.numbers(turn.done, make=lambda: ended)
        return

    score(turn, kept, probes, sampler, store, features)


def inputs(turn: Turn, store: Store) -> list[Pool]:
    return [reals.load(e.rows) if e.rows is not None else store.pool(e.key) for e in turn.eaten]


def fit(turn: Turn, train: Callable[[], Pool], store: Store) -> Sampler:
    model = turn.arm.model
    if turn.number == 0 and turn.arm.founder == "pretrained" and isinstance(model, Pretrained):
        return model.founder()
    pool = train() if model.conditional else train().unconditional()
    start = store.sampler(turn.start, model) if turn.start else None
    if turn.ground and isinstance(model, Grounded):
        model = model.grounded(store.sampler(turn.ground, model))
    workspace = store.workspace(turn.fit, f"{turn.arm_name}, seed {turn.seed}, generation {turn.number}")
    seed, rows = turn.seeds.child("fit"), turn.keys.validation
    if rows is not None and isinstance(model, Validated):
        return model.fit_by(reals.load(rows), pool, start=start, seed=seed, workspace=workspace)
    return model.fit(pool, start=start, seed=seed, workspace=workspace)


def founder(turn: Turn, drawn: Callable[[], Pool], store: Store) -> Callable[[], Pool]:
    """What generation 0 drew, for curators that measure against it."""
    return drawn if turn.number == 0 else lambda: store.pool(turn.founder)


def probe(turn: Turn, name: str, key: str, sampler: Callable[[], Sampler], store: Store) -> Pool:
    if name == GALLERY:
        return store.pool(key, make=lambda: draw_gallery(turn, key, sampler()))
    if name == BEGUN:
        return store.pool(key, make=lambda: reals.first(turn.keys.fixed, turn.arm.gallery))
    return store.pool(key, make=lambda: draw_probe(turn, name, key, sampler()))


def describe(turn: Turn, train: Callable[[], Pool], curated: Curation, kept: Pool, store: Store) -> Numbers:
    """What a record keeps of a finished turn, apart from its scores."""
    pool = train() if turn.eaten else None  # a pretrained founder has eaten nothing that we know of
    return {
        "status": "finished",
        "trained_on": trained_on(turn, pool) if pool else {},
        "train_digest": pool.digest() if pool else "",
        "reused": sum(e.reused for e in turn.eaten),
        "drawn": curated.drawn,
        "kept": len(kept),
        "removed": dict(curated.removed),
        **remarks(turn, store),
    }


def remarks(turn: Turn, store: Store) -> Numbers:
    """What the turn's fit had to say of itself, if it had."""
    said = store.remarks(turn.fit)
    return {"remarks": list(said)} if said else {}


def trained_on(turn: Turn, train: Pool) -> dict[str, int]:
    """Samples by origin: "real", "generation 3", and "generation 3 of 1a2b3c4d" where another arm drew them."""
    counts: dict[str, int] = {}
    for origin, count in zip(train.origins, np.bincount(train.origin, minlength=len(train.origins)), strict=True):
        name = "real" if origin.generation == REAL_DATA else f"generation {origin.generation}"
        name += f" of {origin.key[:8]}" if origin.key in turn.foreign else ""
        counts[name] = counts.get(name, 0) + int(count)
    return {name: count for name, count in counts.items() if count}


def score(
    turn: Turn,
    kept: Callable[[], Pool],
    probes: Mapping[str, Callable[[], Pool]],
    sampler: Callable[[], Sampler],
    store: Store,
    features: Features,
) -> None:
    """Measures what has not been measured; keeps it at the end, or as soon as losing it would be felt."""
    new: dict[str, dict[str, Numbers]] = {}

    def keep() -> None:
        while new:
            store.add_scores(*new.popitem())

    began = time.monotonic()
    try:
        for each in unmeasured(turn, store):
            pool = probes[each.probe] if each.probe else kept
            new.setdefault(each.of, {})[each.key] = measure(each.metric, turn, pool, sampler, store, features)
            if time.monotonic() - began > FELT:
                keep()
                began = time.monotonic()
    finally:
        keep()


def measure(
    metric: Metric,
    turn: Turn,
    pool: Callable[[], Pool],
    sampler: Callable[[], Sampler],
    store: Store,
    features: Features,
) -> Numbers:
    """One metric's numbers and what they stand on."""
    keys, reads = turn.keys, metric.reads
    generation = Generation(
        number=turn.number,
        samples=pool(),
        real=reals.load(keys.fixed),
        reference=reals.load(keys.reference),
        control=reals.load(keys.control),
        source=turn.arm.source,
        fresh=lambda: [reals.load(e.rows) for e in turn.eaten if e.rows is not None and e.rows.key != keys.fixed.key],
        sampler=sampler() if "sampler" in reads else None,
        founder=earlier(turn.founder_fit, turn, sampler, store) if "founder" in reads else None,
        founder_samples=founder_samples(turn, pool, store) if "founder_samples" in reads else None,
        first=earlier(turn.first_fit, turn, sampler, store) if turn.first_fit and "first" in reads else None,
        previous=store.pool(turn.previous) if turn.previous and "previous" in reads else None,
        features=features,
    )
    return scored(metric, generation)


def earlier(key: str, turn: Turn, sampler: Callable[[], Sampler], store: Store) -> Sampler:
    """The model of an earlier generation, or of this one."""
    return sampler() if key == turn.fit else store.sampler(key, turn.arm.model)


def founder_samples(turn: Turn, pool: Callable[[], Pool], store: Store) -> Pool:
    return pool() if turn.number == 0 else store.pool(turn.founder_kept)


def run_floor(floor: Floor, store: Store, features: Features) -> None:
    """Measures held-out real data as if it were a generation."""
    keys = floor.keys
    reference, control = reals.load(keys.reference), reals.load(keys.control)
    generation = Generation(
        number=REAL_DATA,
        samples=control,
        real=reals.load(keys.fixed),
        reference=reference,
        control=reference,  # of the other held-out rows, so that what compares samples with it finds no copies
        source=floor.arm.source,
        features=features,
    )
    store.numbers(floor.key, make=lambda: scored(floor.metric, generation))


def scored(metric: Metric, generation: Generation) -> Numbers:
    if isinstance(metric, MeasuresEach):
        values, rows = metric.measure_each(generation)
        each = {"each": {name: shortened(row.tolist()) for name, row in rows.items()}}
    else:
        values, each = metric.measure(generation), {}
    if fault := values_fault(values):
        raise ConfigError(f"metric '{metric.name}' {fault}.")
    identity = dict(metric.identity(generation))
    if fault := json_fault([identity, *each.values()]):
        raise ConfigError(f"metric '{metric.name}' says what cannot be kept as JSON: {fault}.")
    return {"values": wrapped({name: float(value) for name, value in values.items()}), "identity": identity, **each}


def once(make: Callable[[], T]) -> Callable[[], T]:
    """A value that is made when it is first asked for, and then kept for the turn."""
    made: list[T] = []

    def get() -> T:  # `functools.cache` takes longer to set up than a small turn's work
        if not made:
            made.append(make())
        return made[0]

    return get
