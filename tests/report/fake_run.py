"""A small run, written through the archive's own interface, with numbers whose verdicts are known beforehand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from autophagy.archive.disk import DiskStore
from autophagy.archive.run_folder import ArmNotes, Eaten, Failure, Forecast, Measure, RunFolder, RunNotes
from autophagy.core.generation import Record
from autophagy.core.pool import Origin, Pool

FRECHET, MOMENTS, PRECISION, CLASSES = "frechet[lenet]", "moments", "precision-recall[lenet]", "class-balance[lenet]"
CONTROLS = "\x1b[31mred\x1b[0m \u202egnp.exe\u2066 \x00\x07\x9b \u2028\u2029 \ud800 end"
PAYLOADS = [*(Path(__file__).parent / "payloads.txt").read_text(encoding="utf-8").splitlines(), CONTROLS]
Draws = Callable[[str, int, np.random.Generator], np.ndarray]


def digits(arm: str, generation: int, rng: np.random.Generator) -> np.ndarray:
    """`(20, 1, 28, 28)` blobs that fade where the arm eats itself."""
    y, x = np.mgrid[:28, :28]
    angle = np.linspace(0, 2 * np.pi, 20, endpoint=False)[:, None, None]
    reach = 8 * (0.85**generation if arm == "hungry" else 1)
    blob = np.exp(-((x - 14 - reach * np.cos(angle)) ** 2 + (y - 14 - reach * np.sin(angle)) ** 2) / 20)
    return (255 * blob).astype(np.uint8)[:, None]


def vectors(arm: str, generation: int, rng: np.random.Generator) -> np.ndarray:
    return rng.standard_normal((200, 2)) * (0.8**generation if arm == "hungry" else 1)


def line(arm: str, generation: int, rng: np.random.Generator) -> np.ndarray:
    return vectors(arm, generation, rng)[:, :1]


def symbols(arm: str, generation: int, rng: np.random.Generator) -> np.ndarray:
    return rng.integers(0, max(1, 12 - generation) if arm == "hungry" else 12, 300)


def texts(arm: str, generation: int, rng: np.random.Generator) -> np.ndarray:
    """Twelve texts of fewer and fewer words where the arm eats itself."""
    known = np.array(
        ["some", "started", "before", "the", "church", "was", "built", "by", "masons", "of", "white", "stone"]
    )
    known = known[: max(2, len(known) - generation)] if arm == "hungry" else known
    return np.array([" ".join(rng.choice(known, 30)) for _ in range(12)])


@dataclass(frozen=True)
class FakeRun:
    """Builds `STORE/runs/NAME`: arm "hungry" eats itself and collapses, "fed" does not; other arms are like "fed"."""

    root: Path
    name: str = "small"
    arms: tuple[str, ...] = ("hungry", "fed")
    seeds: tuple[int, ...] = (0, 1, 2, 3, 4)
    generations: int = 10
    ends: tuple[tuple[str, int], ...] = ()  # arms with another last generation
    draws: Draws = digits
    draws_every: int = 1  # generations between two that are drawn anew
    text: str = ""  # put wherever a text can come from outside
    diverged: tuple[tuple[str, int, int], ...] = ()  # arm, seed, generation
    failures: tuple[Failure, ...] = ()
    error: float = 0.0  # standard error that the distance reports; none if 0

    def written(self) -> FakeRun:
        folder = RunFolder(self.root, self.name)
        folder.write_notes(self.notes())
        folder.write_records(self.records())
        folder.write_measures(self.measures())
        folder.write_failures(self.failures)
        return self

    def notes(self) -> RunNotes:
        arms = tuple(self._arm(name) for name in self.arms)
        turns = sum(self.last(arm) + 1 for arm in self.arms) * len(self.seeds)
        environment = {"python": "3.13.1", "numpy": "2.4.6", "machine": f"two cores {self.text}"}
        return RunNotes(self.name, self.seeds, arms, turns, turns - 5, {}, environment)

    def records(self) -> list[Record]:
        ends = {(arm, seed): generation for arm, seed, generation in self.diverged}
        return [
            self._record(arm, seed, g, ends.get((arm, seed)) == g)
            for arm in self.arms
            for seed in self.seeds
            for g in range(min(self.last(arm), ends.get((arm, seed), self.last(arm))) + 1)
        ]

    def last(self, arm: str) -> int:
        return dict(self.ends).get(arm, self.generations)

    def measures(self) -> dict[str, dict[str, Measure]]:
        identity = {"encoder": f"lenet{self.text}", "n": 500, "n_reference": 5000}
        shares = {f"share_{k}": 0.1 for k in range(10)}
        found = {
            FRECHET: Measure("distance", {"distance": "lower"}, identity, {"distance": 1.0}),
            MOMENTS: Measure("diversity", {"variance_match": "higher"}, identity, {"variance_ratio": 1.0}),
            PRECISION: Measure(
                "quality",
                {"precision": "higher", "recall": "higher"},
                identity,
                {"precision": 0.9, "recall": 0.9},
                {"recall": "diversity"},
            ),
            CLASSES + self.text: Measure("diversity", {"entropy": "higher"}, identity, {"entropy": 2.3, **shares}),
        }
        return dict.fromkeys(self.arms, found)

    def _arm(self, name: str) -> ArmNotes:
        is_hungry = name == "hungry"
        numbers = range(self.last(name) + 1)
        later = Eaten("generation {}", 500) if is_hungry else Eaten("real", 500)
        mixtures = (
            (Eaten("real", 500),),
            *((replace(later, origin=later.origin.format(g - 1)),) for g in numbers if g),
        )
        kept = tuple((1 - 0.08) ** g if is_hungry else 1.0 for g in numbers)
        forecast = Forecast(
            kept, kept, tuple(500 * k for k in kept), is_hungry, f"the family is not linear {self.text}"
        )
        loop = {"use": "fully-synthetic", "note": self.text} if is_hungry else "real-only"
        parts = {"source": "mnist", "model": {"use": "eigen-mixture", "components": 20}, "loop": loop, "bias": 1.0}
        return ArmNotes(name, self.last(name), parts, "images", 500, 500, mixtures, forecast)

    def _record(self, arm: str, seed: int, generation: int, is_end: bool) -> Record:
        key = f"{abs(hash((arm, seed))):x}"
        if is_end:
            return Record(arm, seed, generation, "diverged", key, reason=f"the loss is not finite {self.text}")
        eaten = f"generation {generation - 1}" if arm == "hungry" and generation else "real"
        return Record(
            arm, seed, generation, "finished", key,
            trained_on={eaten: 500}, drawn=500, kept=500,
            pools=self._pools(arm, seed, generation) if seed == self.seeds[0] else {},
            scores=self._scores(arm, seed, generation),
        )  # fmt: skip

    def _pools(self, arm: str, seed: int, generation: int) -> dict[str, str]:
        gallery = self._gallery(arm, seed, generation)
        is_text = self.draws.__name__ in ("texts", "tokens")
        return {"probe gallery": gallery, **({"samples": gallery} if is_text else {})}

    def _gallery(self, arm: str, seed: int, generation: int) -> str:
        i = self.arms.index(arm)
        generation -= generation % self.draws_every
        key = f"{i:02d}{seed:04d}{generation:010d}".ljust(32, "0")

        def make() -> Pool:
            samples = self.draws(arm, generation, np.random.default_rng((i, seed, generation)))
            return Pool.born(samples, Origin(key, generation), condition=self.condition(arm, samples))

        DiskStore(self.root).pool(key, make)
        return key

    def condition(self, arm: str, samples: np.ndarray) -> np.ndarray | None:
        if samples.dtype.kind == "U":
            return np.array([f"Prompt {k}{self.text}" for k in range(len(samples))])
        return np.arange(len(samples)) % 10 if samples.ndim == 4 else None

    def _scores(self, arm: str, seed: int, generation: int) -> dict[str, float]:
        rng = np.random.default_rng((seed, generation))  # the same noise in every arm: they share seeds
        noise = rng.standard_normal(4)
        lost = min(generation / 10, 1.0) if arm == "hungry" else 0.0
        ratio = 0.95 * (1 - 0.08) ** (10 * lost) + 0.01 * noise[1]
        share = np.full(10, 0.1) + lost * np.linspace(-0.09, 0.09, 10)
        return {
            **({f"{FRECHET}.se": self.error} if self.error else {}),
            f"{FRECHET}.distance": 2 + 20 * lost + 0.1 * noise[0],
            f"{MOMENTS}.variance_ratio": ratio,
            f"{MOMENTS}.variance_match": min(ratio, 1 / ratio),
            f"{PRECISION}.precision": 0.9 - 0.1 * lost + 0.005 * noise[2],
            f"{PRECISION}.recall": 0.85 - 0.6 * lost + 0.005 * noise[3],
            f"{CLASSES}{self.text}.entropy": float(-(share * np.log(share)).sum()),
            **{f"{CLASSES}{self.text}.share_{k}": float(s) for k, s in enumerate(share)},
        }
