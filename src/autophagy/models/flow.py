"""Normalizing flows: a density that can be drawn from and computed, on vectors and on images in a PCA basis."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import numpy as np

from autophagy.core.catalog import register
from autophagy.core.errors import Damaged, DataError, Diverged, MissingPackage
from autophagy.core.parts import Sampler
from autophagy.core.pool import Pool
from autophagy.core.seeds import Seed
from autophagy.core.settings import Count, Range
from autophagy.core.workspace import Workspace

from ._inputs import vectors
from ._trained import FACTS, WEIGHTS, Epochs, Trained, facts_of, images, is_installed, shapes

if TYPE_CHECKING:
    from ._flow import Chart, FittedFlow

LARGEST = 2**24  # of any number in a table of facts
FEWEST = 2  # coordinates: one half has to move the other


@register("flow", version=2)  # 1 had rounding in pixels that never change
@dataclass(frozen=True)
class Flow(Trained):
    """Couplings in steps as Glow has them (Kingma and Dhariwal 2018), or of splines (Durkan et al. 2019), by zuko.

    It learns standardised coordinates by maximum likelihood and draws z ~ N(0, λI): at λ < 1 samples come nearer to
    where the density peaks, and tails are lost. Vectors keep their axes and need two of them. Images are dequantised
    and projected on their leading principal components, and drawn from nowhere else.

    Attributes:
        kind: "coupling" is affine, "spline" bends every axis within five standard deviations.
        couplings: steps of scaling, rotating and coupling.
        hidden: units of the two hidden layers of a coupling.
        bins: pieces of a spline.
        directions: principal components that images are learned in; fewer where the training set has fewer.
    """

    takes = ("vectors", "images")
    trial: ClassVar[Mapping[str, Any]] = {"epochs": 2.0, "batch": 64, "couplings": 2, "hidden": 16, "directions": 8}
    epochs: Epochs = 20.0
    batch: Count = 256
    precision: Literal["float32"] = "float32"
    kind: Literal["coupling", "spline"] = "coupling"
    couplings: Count = 8
    hidden: Count = 64
    bins: Count = 8
    directions: Annotated[int, Range(FEWEST)] = 64

    def _learned(self, train: Pool, start: Sampler | None, seed: Seed, workspace: Workspace) -> Sampler:
        from torch.optim import Adam

        from autophagy.training import Batches, device_of, run

        from ._flow import FittedFlow, FlowTask, network_of

        samples = self._samples(train)
        before = _flow(start)
        chart = self._chart(samples) if before is None else before.chart  # in which its weights mean something
        facts = self._facts(samples.shape[1:], len(chart.scale))
        network = network_of(facts, seed.child("weights"))
        if before is not None:
            _check_alike(before.facts, facts)
            network.load_state_dict(before.network.state_dict())
        network.to(device_of(workspace.machine.device))
        batches = Batches(len(samples), self.batch, seed.child("order"))
        steps, optimiser = self._length(batches), Adam(network.parameters(), self.learning_rate, fused=True)
        task = FlowTask(network, optimiser, samples, chart, batches, steps)
        course = run(task, steps=steps, seed=seed, workspace=workspace)
        return FittedFlow(network, chart, {**facts, "losses": course.losses}, self.threads)

    def _loaded(self, folder: Path) -> Sampler:
        from safetensors.torch import load_file

        from ._flow import BUILT, Chart, FittedFlow, network_of

        facts = facts_of(folder, *BUILT)
        shape = facts["shape"]
        chart = Chart.load(folder, tuple(shape) if isinstance(shape, list) else ())
        _check_sizes(facts, chart, folder)
        network = network_of(facts, Seed(("load",)))
        try:
            network.load_state_dict(load_file(folder / WEIGHTS))
        except RuntimeError as problem:
            raise Damaged(f"{WEIGHTS} does not hold this flow: {str(problem).splitlines()[0]}") from None
        return FittedFlow(network, chart, facts, self.threads)

    def _require(self) -> None:
        super()._require()
        if not is_installed("zuko"):
            raise MissingPackage(f"model '{self.name}'", "zuko", "flows")

    def _samples(self, train: Pool) -> np.ndarray:
        if train.samples.ndim > 2:
            return images(train, self.name)
        samples = vectors(train, self.name)
        if samples.shape[1] < FEWEST:
            raise DataError(f"model 'flow' needs vectors of at least {FEWEST} numbers, but got {samples.shape[1]}.")
        return samples

    def _chart(self, samples: np.ndarray) -> Chart:
        from ._flow import Chart

        if samples.ndim == 2:
            return Chart.of_vectors(samples)
        chart = Chart.of_images(samples, self.directions)
        if len(chart.scale) < FEWEST:
            raise Diverged("the images of the training set vary in fewer than 2 directions; a flow cannot learn them.")
        return chart

    def _facts(self, shape: tuple[int, ...], dimensions: int) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "shape": list(shape),
            "dimensions": dimensions,
            "couplings": self.couplings,
            "hidden": self.hidden,
            "bins": self.bins,
        }


def _check_sizes(facts: Mapping[str, Any], chart: Chart, folder: Path) -> None:
    """Raises Damaged unless every size that the facts name is one of a saved tensor.

    They may be somebody else's and ask for anything; and zuko counts while it builds, so a network without memory, by
    which other families are tried, cannot be made of it.
    """
    from safetensors import SafetensorError

    try:
        kept = shapes(folder)
    except (OSError, SafetensorError) as problem:
        raise Damaged(f"{WEIGHTS} cannot be read as safetensors: {problem}.") from None
    there = {side for shape in kept.values() for side in shape} | {len(chart.scale)}
    sizes = (facts["dimensions"], facts["hidden"], facts["couplings"], facts["bins"])
    if not (
        facts["kind"] in ("coupling", "spline")
        and all(isinstance(size, int) and 0 < size <= LARGEST for size in (*sizes, *chart.shape))
        and math.prod(chart.shape) == chart.centre.size
        and {facts["dimensions"], facts["hidden"]} <= there
        and facts["couplings"] <= len(kept)
    ):
        raise Damaged(f"{FACTS} does not describe the flow whose weights lie in {WEIGHTS}.")


def _flow(start: Sampler | None) -> FittedFlow | None:
    from ._flow import FittedFlow

    if start is None or isinstance(start, FittedFlow):
        return start
    raise DataError(f"model 'flow' can only start from another flow, but got a {type(start).__name__}.")


def _check_alike(before: Mapping[str, Any], facts: Mapping[str, Any]) -> None:
    for name, value in facts.items():
        if before[name] != value:
            raise DataError(
                f"model 'flow' has {name} = {value} and cannot start from a flow with {name} = {before[name]}; "
                'use the same settings in every generation, or start = "scratch".'
            )
