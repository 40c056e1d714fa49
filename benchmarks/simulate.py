"""MAD's effective sample size, all cells, beside loops that draw every point; and whether the two agree.

A point loop is timed on some of the cells, for some replicates and generations, and scaled linearly to the replicates
and generations that the simulation ran there. Times that make ratios are of one process's CPU, so that other work on
the machine hurts neither side.
"""

from __future__ import annotations

import dataclasses
import resource
import time
from collections.abc import Callable, Iterator

import numpy as np
from scipy.stats import ks_2samp

from autophagy import Experiment
from autophagy.core.parts import GaussianSampler
from autophagy.simulate.course import Course
from autophagy.simulate.effective import LearningCurve
from autophagy.simulate.families import GaussianFit
from autophagy.simulate.files import read_sweep
from autophagy.simulate.limits import limit
from autophagy.simulate.sweep import Axis, Sweep, Swept
from autophagy.simulate.walk import walk
from autophagy.theory.closed_forms import fresh_data_mean_variance

from .timing import seconds

NAME = "mad-effective-sample-size"
EVERY = 17  # one cell in so many is timed against the point loops
POINTS = 100_000  # that a plain loop draws of one cell, at least, before it is scaled
SEEDS, AT = 1000, (1, 3, 12)  # lineages that the engine draws, and the generations that are looked at


def lines() -> Iterator[str]:
    sweep = read_sweep(NAME)
    yield from _whole(sweep)
    yield from _ratios(sweep)
    yield from _recursion()
    yield from _drawn()


def _whole(sweep: Sweep) -> Iterator[str]:
    found: list[Swept] = []
    before = _processor()
    wall = seconds(lambda: found.append(sweep.run(on="processes:2")))
    limits = [cell.limit for cell in found[0].cells]
    yield (
        f"{NAME}: {len(limits)} cells of {sweep.replicates:,} lineages, {sum(x.generations for x in limits):,} "
        f"generations, in {wall:.0f} s on two processes, {_processor() - before:.0f} s of CPU (n = 1)"
    )
    drift = np.array([x.drift for x in limits])
    yield (
        f"  converged: {sum(x.is_tested for x in limits)} of {len(limits)} cells; drift between the last windows has "
        f"root mean square {np.sqrt((drift**2).mean()):.2f} and is at most {np.abs(drift).max():.2f} standard errors"
    )


def _processor() -> float:
    uses = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(use.ru_utime + use.ru_stime for use in uses)


# ── beside loops that draw their points ──────────────────────────────────────


def _ratios(sweep: Sweep) -> Iterator[str]:
    ours, plain, side_by_side = 0.0, 0.0, 0.0
    cells = sweep.addresses()[::EVERY]
    for address in cells:
        bias, real, synthetic = (float(value) for value in address)
        began = time.process_time()
        found = limit(
            sweep.cell(address), LearningCurve(unbiased=True, variance=1.0), replicates=sweep.replicates, seed=0
        )
        ours += time.process_time() - began
        work = sweep.replicates * found.generations
        generations = min(2000, max(3, round(POINTS / (real + synthetic))))
        plain += work * _cost(_plain, real, synthetic, bias, generations)
        side_by_side += work * _cost(_side_by_side, real, synthetic, bias, 3)
    yield f"on {len(cells)} of the cells (CPU, planning and forecast included): {ours:.1f} s"
    yield f"  a loop over replicates that draws the points, scaled: {plain:,.0f} s, {plain / ours:,.0f}x"
    yield f"  drawing the points of all replicates at once, scaled: {side_by_side:,.0f} s, {side_by_side / ours:,.0f}x"


Loop = Callable[[int, int, float, int], int]


def _cost(loop: Loop, real: float, synthetic: float, bias: float, generations: int) -> float:
    """CPU seconds for one generation of one replicate."""
    loop(int(real), int(synthetic), bias, 1)
    began = time.process_time()
    done = loop(int(real), int(synthetic), bias, generations)
    return (time.process_time() - began) / done


def _plain(real: int, synthetic: int, bias: float, generations: int) -> int:
    """What a script would do for one replicate. Returns how many generations of a replicate it ran."""
    rng = np.random.default_rng(0)
    mean, deviation = 0.0, 1.0
    for _ in range(generations):
        own = mean + np.sqrt(bias) * deviation * rng.standard_normal(synthetic)
        x = np.concatenate((rng.standard_normal(real), own))
        mean, deviation = x.mean(), x.std(ddof=1)
    return generations


def _side_by_side(real: int, synthetic: int, bias: float, generations: int) -> int:
    """The same, with as many replicates as columns of points as fit into 32 MB."""
    rng = np.random.default_rng(0)
    replicates = max(1, min(2000, 4_000_000 // (real + synthetic)))
    mean, deviation = np.zeros((replicates, 1)), np.ones((replicates, 1))
    for _ in range(generations):
        own = mean + np.sqrt(bias) * deviation * rng.standard_normal((replicates, synthetic))
        x = np.concatenate((rng.standard_normal((replicates, real)), own), axis=1)
        mean, deviation = x.mean(1, keepdims=True), x.std(1, ddof=1, keepdims=True)
    return generations * replicates


# ── and whether they agree ───────────────────────────────────────────────────


def _recursion() -> Iterator[str]:
    """λ = 1 with maximum likelihood: the limit's mean error is V and its variance 1 − V, on paper."""
    sweep = read_sweep(NAME, changes=["base.model.unbiased=false"])
    sweep = dataclasses.replace(sweep, panels=Axis("bias", (1.0,)))
    scores = []
    for cell in sweep.run(on="processes:2").cells:
        v = fresh_data_mean_variance(int(float(cell.address[1])), int(float(cell.address[2])))
        for reading, truth in (("mean_error", v), ("variance_ratio", 1 - v)):
            estimate = cell.limit.readings[reading]
            scores.append((estimate.mean - truth) / estimate.error)
    z = np.array(scores)
    yield (
        f"λ = 1, maximum likelihood, against the block recursion: {len(z)} z-scores of "
        f"{len(z) // 2} cells, root mean square {np.sqrt((z**2).mean()):.2f}, largest {np.abs(z).max():.2f}"
    )


def _drawn() -> Iterator[str]:
    """Two-sample tests against `Experiment.run`, point by point, in memory."""
    chances = []
    for real, synthetic, bias in ((10, 50, 1.0), (10, 50, 0.8), (50, 20, 0.6), (40, 200, 0.9)):
        base = {"source": {"use": "normal", "dim": 1}, "model": {"use": "gaussian", "unbiased": True}, "gallery": 0}
        loop = {"use": "fresh-data", "real": real, "synthetic": synthetic}
        arms = {"cell": {"loop": loop, "bias": bias, "real": 100, "samples": 200}}
        settings = {"seeds": list(range(SEEDS)), "generations": AT[-1], "keep_models": "all"}
        experiment = Experiment.of({**settings, "base": base, "arms": arms})
        ours, theirs = _simulated(experiment), _run(experiment)
        chances += [ks_2samp(ours[g][name], theirs[g][name]).pvalue for g in AT for name in theirs[g]]
    smallest, tests = float(min(chances)), len(chances)
    yield (
        f"against points drawn by the engine: {tests} Kolmogorov–Smirnov tests (mean, deviation, W2²; generations "
        f"{', '.join(map(str, AT))}; 4 loops; {SEEDS:,} drawn lineages, 20,000 simulated): smallest p {smallest:.3f}, "
        f"{min(1, tests * smallest):.2f} corrected"
    )


def _simulated(experiment: Experiment) -> dict[int, dict[str, np.ndarray]]:
    steps = [done.fit for done in walk(Course.of(experiment.plan()), 20_000) if isinstance(done.fit, GaussianFit)]
    return {g: _statistics(steps[g].normal.mean[:, 0], np.abs(steps[g].normal.root[:, 0, 0])) for g in AT}


def _run(experiment: Experiment) -> dict[int, dict[str, np.ndarray]]:
    run, found = experiment.run(), {}
    for g in AT:
        samplers = (run.sampler("cell", seed, g) for seed in range(SEEDS))
        moments = [sampler.moments() for sampler in samplers if isinstance(sampler, GaussianSampler)]
        found[g] = _statistics(*np.array([(mean[0], covariance[0, 0] ** 0.5) for mean, covariance in moments]).T)
    return found


def _statistics(mean: np.ndarray, deviation: np.ndarray) -> dict[str, np.ndarray]:
    return {"mean": mean, "deviation": deviation, "w2_squared": mean**2 + (deviation - 1) ** 2}
