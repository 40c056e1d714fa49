"""Every registered part keeps the claims of its kind, and every claim can fail."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autophagy import FRESH, Mixture, Pool, drawn
from autophagy.core.catalog import build, known_names
from autophagy.core.generation import Generation
from autophagy.core.parts import KINDS, Collection, Curator, Encoder, Loop, Metric, Model, Sampler, Stream
from autophagy.core.seeds import Seed
from autophagy.testing import CheckFailed, check

NEEDS: Mapping[tuple[str, str], Mapping[str, Any]] = {
    ("loop", "phases"): {"loops": ["fully-synthetic", "real-only"], "generations": [3]},
}
WANT_DATA = {  # see their own tests
    ("source", "hub"),
    ("source", "image-folder"),
    ("source", "faces"),
    ("source", "fashion-mnist"),
    ("source", "coloured-garments"),
    ("source", "text-file"),
    ("source", "text-hub"),
    ("source", "wikitext"),
    ("encoder", "inception"),
    ("encoder", "inception-maps"),
    ("model", "command"),
    ("model", "latent-diffusion"),
    ("model", "causal-lm"),
    ("encoder", "vgg16"),
    ("encoder", "dinov2"),
    ("encoder", "clip"),
    ("encoder", "clip-text"),
    ("encoder", "sentences"),
    ("metric", "clip-score"),
}


def _ours() -> list[tuple[str, str]]:
    return [(kind, name) for kind in KINDS for name in known_names(kind) if _is_ours(kind, name)]


def _is_ours(kind: str, name: str) -> bool:
    from autophagy.core.catalog import find

    return find(kind, name).__module__.startswith(f"autophagy.{kind}s.") and (kind, name) not in WANT_DATA


@pytest.mark.parametrize(("kind", "name"), _ours(), ids=lambda value: str(value))
def test_it_keeps_its_claims(kind: str, name: str) -> None:
    assert check(build(kind, {"use": name, **NEEDS.get((kind, name), {})}))


def test_an_image_folder_keeps_its_claims(tmp_path: Path) -> None:
    from PIL import Image

    for split, n in (("train", 12), ("test", 5)):
        for i in range(n):
            folder = tmp_path / split / f"class-{i % 2}"
            folder.mkdir(parents=True, exist_ok=True)
            pixels = Seed((split, i)).numpy().integers(0, 255, (9, 9, 3)).astype(np.uint8)
            Image.fromarray(pixels).save(folder / f"{i}.png")
    assert check(build("source", {"use": "image-folder", "folder": str(tmp_path), "side": 8}))


def test_a_source_of_nearly_one_symbol_keeps_its_claims() -> None:
    assert check(build("source", {"use": "categorical", "probabilities": [0.995, 0.005]}))
    assert check(build("source", {"use": "categorical", "probabilities": [1.0]}))


# ── parts that break one claim each ──────────────────────────────────────────


class _Moody(Loop):
    name = "moody"
    count = 0

    def mixture(self, generation: int) -> Mixture:
        _Moody.count += 1
        return Mixture((drawn(0).some(_Moody.count),))


class _Ahead(Loop):
    name = "ahead"

    def mixture(self, generation: int) -> Mixture:
        return Mixture((drawn(generation).whole(),))


class _Hungry(Loop):
    name = "hungry"

    def mixture(self, generation: int) -> Mixture:
        return Mixture(())


class _Endless(Loop):
    name = "endless"

    def mixture(self, generation: int) -> Mixture:
        return Mixture((FRESH.whole(),))


class _Orphan(Loop):
    name = "orphan"

    def mixture(self, generation: int) -> Mixture:
        return Mixture((drawn(generation - 1).whole(),))

    def founder(self) -> Mixture:
        return Mixture((drawn(0).whole(),))


@dataclass(frozen=True)
class _Fitted(Sampler):
    mean: np.ndarray
    fault: str = ""

    def sample(self, n, *, condition, bias, seed, begin=None):
        rng = np.random.default_rng(3) if self.fault == "deaf" else seed.numpy()
        width = 1 / bias if self.fault == "contrary" else np.sqrt(bias)
        drawn = self.mean + width * rng.standard_normal((n, len(self.mean)))
        made = {
            "short": drawn[:-1],
            "list": drawn.tolist(),
            "whole": drawn.astype(int),
            "half": drawn.astype(np.float16),
            "nan": drawn * np.nan,
        }
        return made.get(self.fault, drawn)

    def save(self, folder):
        if self.fault == "pickle":
            (folder / "weights.pkl").write_bytes(b"")
        if self.fault == "object":
            np.save(folder / "more.npy", np.array([None]), allow_pickle=True)
        np.save(folder / "mean.npy", self.mean)


@dataclass(frozen=True)
class _Faulty(Model):
    name = "faulty"
    takes = ("vectors",)
    fault: str = ""

    def fit(self, train: Pool, *, start, seed, workspace):
        if self.fault == "writes":
            train.samples[:] = 0
        noise = np.random.default_rng().standard_normal() if self.fault == "moody" else 0.0
        return _Fitted(train.samples.mean(0) + noise, self.fault)

    def load(self, folder):
        return _Fitted(np.load(folder / "mean.npy") + (self.fault == "forgets"), self.fault)


@dataclass(frozen=True)
class _Boaster(_Faulty):
    name = "boaster"
    has_moments = True


@dataclass(frozen=True)
class _Beginner(_Faulty):
    name = "beginner"
    continues = True

    def fit(self, train: Pool, *, start, seed, workspace):
        assert start is None
        return super().fit(train, start=start, seed=seed, workspace=workspace)


class _OldSampler(_Fitted):
    def sample(self, n, *, condition, bias, seed):
        return super().sample(n, condition=condition, bias=bias, seed=seed)


@dataclass(frozen=True)
class _Old(_Faulty):
    name = "old"

    def fit(self, train: Pool, *, start, seed, workspace):
        return _OldSampler(train.samples.mean(0))


class _Converter(Curator):
    name = "converter"
    takes = ("images",)

    def curate(self, fresh, *, real, founder, seed):
        return fresh.edited(fresh.samples / 255)


class _Inventor(Curator):
    name = "inventor"

    def curate(self, fresh, *, real, founder, seed):
        return real


class _Doubler(Curator):
    name = "doubler"

    def curate(self, fresh, *, real, founder, seed):
        return fresh.take(np.zeros(2, int))


class _Mixer(Curator):
    name = "mixer"
    takes = ("images",)

    def curate(self, fresh, *, real, founder, seed):
        return replace(fresh, condition=fresh.condition[::-1])


class _Nameless(Metric):
    name = "nameless"

    def measure(self, generation: Generation) -> Mapping[str, float]:
        return {}


class _Dotted(Metric):
    name = "dotted"

    def measure(self, generation: Generation) -> Mapping[str, float]:
        return {"p99.9": 1.0}


class _Texts(Metric):
    name = "texts"

    def measure(self, generation: Generation) -> Mapping[str, float]:
        return {"how": "high"}  # type: ignore[dict-item]


class _Curious(Metric):
    name = "curious"
    takes = ("vectors",)

    def measure(self, generation: Generation) -> Mapping[str, float]:
        return {"moved": float(generation.previous.samples.mean())}


class _First(Metric):
    name = "first"
    takes = ("vectors",)

    def measure(self, generation: Generation) -> Mapping[str, float]:
        return {"first": float(generation.samples.samples[0, 0])}


class _Crowd(Encoder):
    name = "crowd"
    takes = ("vectors",)

    def encode(self, samples: np.ndarray) -> np.ndarray:
        return samples - samples.mean(0)


class _Behind(Encoder):
    name = "behind"
    takes = ("vectors",)

    def encode(self, samples: np.ndarray) -> np.ndarray:
        return samples - samples[:1]


class _Deaf(Stream):
    name = "deaf"
    space = "vectors"

    def draw(self, n: int, seed: Seed) -> np.ndarray:
        return np.random.default_rng(0).standard_normal((n, 2))


class _Scant(Stream):
    name = "scant"
    space = "vectors"

    def draw(self, n: int, seed: Seed) -> np.ndarray:
        return seed.numpy().standard_normal((min(n, 10), 2))


class _Void(Stream):
    name = "void"
    space = "vectors"

    def draw(self, n: int, seed: Seed) -> np.ndarray:
        return np.concatenate([seed.numpy().standard_normal((n, 1)), np.full((n, 1), np.nan)], 1)


class _Uneven(Collection):
    name = "uneven"
    space = "vectors"
    labels: Any = None

    def size(self, split):
        return 5

    def conditions(self, split):
        return self.labels

    def load(self, split):
        return np.arange(5.0 * (2 + (split == "train"))).reshape(5, -1)


class _Listed(_Uneven):
    name = "listed"
    labels = ("a", "b", "c", "d", "e")


class _Restless(Stream):
    name = "restless"
    space = "vectors"

    def draw(self, n: int, seed: Seed) -> np.ndarray:
        return np.random.default_rng().standard_normal((n, 2))


class _Mistaken(Stream):
    name = "mistaken"
    space = "images"

    def draw(self, n: int, seed: Seed) -> np.ndarray:
        return seed.numpy().standard_normal((n, 2))


BROKEN = {
    "a loop that is not a function of its number": (_Moody(), "two different mixtures"),
    "a loop that looks ahead": (_Ahead(), "asks for generation 1"),
    "a loop that eats nothing": (_Hungry(), "trains on nothing"),
    "a loop with fresh data without end": (_Endless(), "without a number"),
    "a loop whose founder has no real data": (_Orphan(), "must be of real data"),
    "a model with a mind of its own": (_Faulty("moody"), "different samples"),
    "a sampler deaf to its seed": (_Faulty("deaf"), "another seed draws the same"),
    "a model that writes on its data": (_Faulty("writes"), "read-only"),
    "a sampler that pickles": (_Faulty("pickle"), "could run code"),
    "a model that forgets": (_Faulty("forgets"), "draws other samples"),
    "a sampler that draws too few": (_Faulty("short"), "shape"),
    "a sampler that draws whole numbers": (_Faulty("whole"), "it drew int64"),
    "a sampler that draws lists": (_Faulty("list"), r"returned a list; it must be a NumPy array$"),
    "a sampler that draws halves": (_Faulty("half"), "it drew float16"),
    "a sampler that draws no numbers": (_Faulty("nan"), "not finite"),
    "a sampler that pickles inside arrays": (_Faulty("object"), "more.npy, which could run code"),
    "a sampler that cannot begin": (_Old(), "unexpected keyword argument 'begin'"),
    "a model that claims what its samplers are not": (_Boaster(), "says has_moments = True, but"),
    "a model that does not go on": (_Beginner(), "AssertionError"),
    "a sampler contrary to λ": (_Faulty("contrary"), "vary more"),
    "a curator that invents": (_Inventor(), "not given"),
    "a curator that changes the type": (_Converter(), "it made float64"),
    "a curator that repeats": (_Doubler(), "twice"),
    "a curator that mixes up classes": (_Mixer(), "mixed up"),
    "a metric without names": (_Nameless(), "returned"),
    "a metric of texts": (_Texts(), r"it returned 'high' as 'how', which is no number"),
    "a metric with a dot in a name": (_Dotted(), "'p99.9'; names of values have no dot"),
    "a metric that reads what it did not ask for": (_Curious(), "'NoneType' object has no attribute 'samples'"),
    "a metric that minds the order": (_First(), "another order"),
    "an encoder that minds the company": (_Crowd(), "beside it"),
    "an encoder that minds the first": (_Behind(), "beside it"),
    "a source that ignores its seed": (_Deaf(), "another seed draws the same rows"),
    "a source that gives too few": (_Scant(), "asked for 16 rows, it gave 10"),
    "a source with holes": (_Void(), "not finite"),
    "a source whose splits differ in shape": (_Uneven(), r"train is float64 of shape \(5, 3\), but heldout"),
    "a source whose classes are no array": (_Listed(), "must be an array"),
    "a source that never gives the same": (_Restless(), "two different data sets"),
    "a source that mistakes its space": (_Mistaken(), "it says images"),
}


@pytest.mark.parametrize(("part", "said"), BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_part_is_told_so(part: Any, said: str) -> None:
    with pytest.raises(CheckFailed, match=said):
        check(part)
