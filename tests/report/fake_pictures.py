"""A small text-to-image run with controls, healing, other prompts and seeding, whose every picture is known."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from fake_run import FakeRun

from autophagy.archive.disk import DiskStore
from autophagy.archive.run_folder import Measure
from autophagy.core.generation import Record
from autophagy.core.pool import REAL_DATA, Origin, Pool

FRECHET, CLIP, PAIRWISE = "frechet[lenet]", "clip-score[clip]", "pairwise-distance"
CAPTIONS = ("a red one", "a green two", "a blue three", "a red four", "a green five", "a blue six")
PROMPTS = ("a dog among sunflowers", "a village square")
PARTED = 3  # the last generation that "healed" shares with "half"
QUANTILES = {"q05": 0.5, "q25": 0.8, "median": 1.0, "q75": 1.2, "q95": 1.5}
CURATORS = {"matched": "colour-match", "culled": "quality"}


@dataclass(frozen=True)
class PictureRun(FakeRun):
    """Arms "real", "half", "healed" ("half" up to generation 3, then real), "matched" and "culled" (with curators).

    `text` stands in every caption; "culled" removes the samples 2, 5, 8, … of twelve.
    """

    name: str = "pictures"
    arms: tuple[str, ...] = ("real", "half", "healed", "matched", "culled")
    seeds: tuple[int, ...] = (0, 1, 2)
    generations: int = PARTED
    healed: int = 2  # generations more
    side: int = 8

    def records(self) -> list[Record]:
        return [
            self._record(arm, seed, g, is_end=False)
            for arm in self.arms
            for seed in self.seeds
            for g in range(self.last(arm) + 1)
        ]

    def last(self, arm: str) -> int:
        return self.generations + (self.healed if arm == "healed" else 0)

    def measures(self) -> dict[str, dict[str, Measure]]:
        identity = {"encoder": "lenet", "n": 12, "n_reference": 100}
        found = {
            FRECHET: Measure("distance", {"distance": "lower"}, identity, {"distance": 1.0}),
            CLIP: Measure("task", {"mean": "higher"}, {"n": 12}, {}),
            PAIRWISE: Measure("diversity", {}, {"n": 12}, {}),
            f"{PAIRWISE}@other": Measure("diversity", {}, {"n": 4}, {}),
        }
        return dict.fromkeys(self.arms, found)

    def captions(self, texts: tuple[str, ...], n: int) -> np.ndarray:
        return np.resize(np.array([f"{text}{self.text}" for text in texts]), n)

    def _record(self, arm: str, seed: int, generation: int, is_end: bool) -> Record:
        made = "half" if arm == "healed" and generation <= PARTED else arm
        removed = {CURATORS[arm]: 4 if arm == "culled" else 0} if arm in CURATORS else {}
        pools = {"samples": self._kept(made, seed, generation)}
        if seed == self.seeds[0]:
            pools |= self._pools(made, seed, generation)
        return Record(
            arm, seed, generation, "finished", self._key(arm, seed, generation),
            trained_on={"real": 12}, drawn=12, kept=12 - sum(removed.values()), removed=removed, pools=pools,
            scores=self._scores(made, seed, generation),
        )  # fmt: skip

    def _pools(self, arm: str, seed: int, generation: int) -> dict[str, str]:
        drawn = self._drawn(arm, seed, generation)
        own = self._kept(arm, seed, generation)
        if arm == "culled":
            kept = drawn.take(drawn.row % 3 != 2)
        else:
            kept = drawn.edited(255 - drawn.samples) if arm == "matched" else drawn
        found = {"samples": self._stored(own, kept)}
        if arm in CURATORS:
            found["drawn"] = self._stored(self._key(f"drawn {arm}", seed, generation), drawn)
        for name, texts, n in (("gallery", CAPTIONS, 6), ("other", PROMPTS, 4)):
            key = self._key(f"{name} {arm}", seed, generation)
            pool = Pool.born(
                self._images(n, arm, generation), Origin(key, generation), condition=self._sorted(texts, n)
            )
            found[f"probe {name}"] = self._stored(key, pool)
        if generation == 0:
            real = Pool.born(self._images(12, "the real ones", 0), Origin("real", REAL_DATA), rows=np.arange(12) + 100)
            found["probe begun"] = self._stored(self._key("begun", seed, 0), real.take(np.arange(6)))
        return found

    def _drawn(self, arm: str, seed: int, generation: int) -> Pool:
        founder = "founder" if generation == 0 else arm
        key = self._key(f"raw {founder}", seed, generation)
        samples = self._images(12, founder, generation)
        pool = Pool.born(samples, Origin(key, generation), condition=self.captions(CAPTIONS, 12))
        return replace(pool, begun=np.arange(12) + 100) if generation == 0 else pool

    def _sorted(self, texts: tuple[str, ...], n: int) -> np.ndarray:
        return np.repeat(self.captions(texts, len(texts)), n // len(texts))

    def _images(self, n: int, arm: str, generation: int) -> np.ndarray:
        rng = np.random.default_rng((sum(map(ord, arm)), generation))
        return rng.integers(0, 256, (n, 3, self.side, self.side), dtype=np.uint8)

    def _kept(self, arm: str, seed: int, generation: int) -> str:
        """All arms without curators have one founder, and so one generation 0."""
        return self._key(f"kept {arm if generation or arm in CURATORS else 'founder'}", seed, generation)

    def _key(self, what: str, seed: int, generation: int) -> str:
        return f"{what} {seed} {generation}".encode().hex().ljust(32, "0")[-48:]

    def _stored(self, key: str, pool: Pool) -> str:
        DiskStore(self.root).pool(key, lambda: pool)
        return key

    def _scores(self, arm: str, seed: int, generation: int) -> dict[str, float]:
        lost = 0.0 if arm in ("real", "healed") else generation / 4
        noise = np.random.default_rng((seed, generation)).standard_normal(2) / 20
        far = {name: 100 * at * (1 + 0.3 * lost) + noise[0] for name, at in QUANTILES.items()}
        return {
            f"{FRECHET}.distance": 2 + 8 * lost + noise[0],
            f"{CLIP}.mean": 35 - 8 * lost + noise[1],
            f"{CLIP}.sd": 2.8 + lost + noise[0],
            **{f"{PAIRWISE}.{name}": value for name, value in far.items()},
            **{f"{PAIRWISE}@other.{name}": value for name, value in far.items()},
        }


def run_at(root: Path) -> PictureRun:
    found = PictureRun(root)
    found.written()
    return found
