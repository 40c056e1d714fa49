"""Curator `quality-sifid`: the founder's mean single-image FID is the bar for everything after it."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from autophagy import Experiment
from autophagy.core.catalog import build
from autophagy.core.errors import ConfigError, DataError, PlanError
from autophagy.core.parts import Begin, Collection, Pretrained, Sampler
from autophagy.core.pool import REAL_DATA, Origin, Pool
from autophagy.core.seeds import Seed
from autophagy.kernels.sifid import single_image_fids

SMALL = {"use": "alexnet", "layer": "relu1", "side": 48}


def curator(**settings):
    return build("curator", {"use": "quality-sifid", "encoder": SMALL, **settings})


def curated(fresh, real, founder, **settings):
    return curator(**settings).curate(fresh, real=real, founder=founder, seed=Seed(("test",)))


def faces(n, seed=0, side=32):
    """Images of a disc on a slope, each in its own colours."""
    rng = np.random.default_rng(seed)
    x, y = np.meshgrid(np.linspace(-1, 1, side), np.linspace(-1, 1, side))
    images = np.empty((n, 3, side, side))
    for image in images:
        a, b, r = rng.uniform(-0.4, 0.4), rng.uniform(-0.4, 0.4), rng.uniform(0.3, 0.6)
        disc = (x - a) ** 2 + (y - b) ** 2 < r**2
        image[:] = rng.uniform(60, 120, (3, 1, 1)) + 25 * x + rng.uniform(30, 90, (3, 1, 1)) * disc
    return np.clip(images, 0, 255).astype(np.uint8)


def grainy(images, sigma, seed=0):
    return np.clip(images + np.random.default_rng(seed).normal(0, sigma, images.shape), 0, 255).astype(np.uint8)


def pool(samples, captions, generation, begun=None):
    born = Pool.born(samples, Origin(f"pool {generation}", generation), condition=np.array(captions))
    return replace(born, begun=begun)


CAPTIONS = [f"caption {i % 3}" for i in range(12)]
REAL = pool(faces(12), CAPTIONS, REAL_DATA)
FOUNDER = pool(grainy(REAL.samples, 12), CAPTIONS, 0, begun=REAL.row)


def fresh(sigma=6, planted=()):
    samples = grainy(REAL.samples, sigma, seed=1)
    for i in planted:
        samples[i] = np.random.default_rng(i).integers(0, 256, samples[i].shape)
    return pool(samples, CAPTIONS, 3)


def test_planted_noise_is_removed_and_nothing_else():
    kept = curated(fresh(planted=(2, 7)), REAL, FOUNDER)
    np.testing.assert_array_equal(kept.row, np.delete(np.arange(12), [2, 7]))
    np.testing.assert_array_equal(kept.samples, fresh().samples[kept.row])


def test_copies_of_the_real_images_all_pass():
    copies = pool(REAL.samples, CAPTIONS, 2)
    assert len(curated(copies, REAL, FOUNDER)) == 12


def test_a_copy_of_another_real_image_is_not_its_counterpart():
    swapped = REAL.samples.copy()
    swapped[[0, 1]] = swapped[[1, 0]]
    kept = curated(pool(swapped, CAPTIONS, 2), REAL, FOUNDER)
    np.testing.assert_array_equal(kept.row, np.arange(2, 12))


def test_the_bar_is_the_founders_mean_and_what_equals_it_passes():
    maps = build("encoder", SMALL).maps
    distances = single_image_fids(maps, FOUNDER.samples, REAL.samples)
    kept = curated(FOUNDER, REAL, FOUNDER)
    np.testing.assert_array_equal(kept.row, np.flatnonzero(distances <= distances.mean()))
    assert 0 < len(kept) < 12
    one = FOUNDER.take(np.array([5]))
    assert len(curated(one, REAL, one)) == 1


def test_a_worse_founder_lets_more_pass():
    noisy = fresh(sigma=25)
    assert len(curated(noisy, REAL, FOUNDER)) == 0
    worse = pool(grainy(REAL.samples, 40), CAPTIONS, 0, begun=REAL.row)
    assert len(curated(noisy, REAL, worse)) == 12


def test_pairs_follow_what_the_founder_was_begun_from():
    turned = pool(FOUNDER.samples[::-1], CAPTIONS[::-1], 0, begun=REAL.row[::-1])
    np.testing.assert_array_equal(
        curated(fresh(planted=(2,)), REAL, turned).row, curated(fresh(planted=(2,)), REAL, FOUNDER).row
    )


def test_a_founder_drawn_from_captions_is_paired_by_its_turn():
    plain = replace(FOUNDER, begun=None)
    np.testing.assert_array_equal(curated(fresh(planted=(4,)), REAL, plain).row, np.delete(np.arange(12), 4))


def test_curating_twice_and_another_order_keep_the_same_samples():
    once = curated(fresh(planted=(2, 7)), REAL, FOUNDER)
    np.testing.assert_array_equal(curated(once, REAL, FOUNDER).row, once.row)
    order = np.random.default_rng(0).permutation(12)
    mixed = curated(fresh(planted=(2, 7)).take(order), REAL, FOUNDER)
    np.testing.assert_array_equal(np.sort(mixed.row), once.row)


def test_an_empty_pool_stays_empty():
    assert len(curated(fresh().take(np.arange(0)), REAL, FOUNDER)) == 0


def test_samples_without_counterpart_are_refused():
    with pytest.raises(DataError, match=r"12 of 12 samples have no real counterpart: .* seeding = 0\.7"):
        curated(replace(fresh(), condition=None), REAL, FOUNDER)
    with pytest.raises(DataError, match=r"1 of 12 samples have no real counterpart"):
        curated(fresh(), REAL, replace(FOUNDER, begun=np.append(REAL.row[:-1], 99)))


def test_images_of_one_position_are_refused():
    tiny = pool(faces(3, side=4), CAPTIONS[:3], REAL_DATA)
    with pytest.raises(DataError, match=r"images of 4 × 4 pixels leave encoder 'alexnet' fewer than two positions"):
        curated(tiny, tiny, tiny, encoder={"use": "alexnet", "layer": "relu5", "side": 31})


def test_an_encoder_without_maps_is_refused():
    with pytest.raises(ConfigError, match="encoder must have maps, for curator 'quality-sifid'"):
        curator(encoder="pixels")


# ── in the engine ────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Faces(Collection):
    name = "discs"
    space = "images"

    def size(self, split):
        return 12

    def conditions(self, split):
        return np.array(CAPTIONS)

    def load(self, split):
        return faces(12, seed=0 if split == "train" else 9)


@dataclass(frozen=True)
class Painter(Pretrained):
    """Grains over the real images that it begins from or is asked for by their captions; every sixth is noise."""

    name = "painter"
    conditional = True
    begins = True

    def fit(self, train, *, start, seed, workspace):
        return Painted()

    def load(self, folder):
        return Painted()

    def founder(self):
        return Painted()


@dataclass(frozen=True)
class Painted(Sampler):
    def sample(self, n: int, *, condition, bias: float, seed: Seed, begin: Begin | None = None) -> np.ndarray:
        if begin is not None:
            return grainy(begin.samples, 20 * begin.strength, seed.numpy().integers(2**31))
        real = build_real(condition)
        found = grainy(real, 6, seed.numpy().integers(2**31))
        found[5::6] = seed.numpy().integers(0, 256, found[5::6].shape)
        return found

    def save(self, folder: Path) -> None:
        (folder / "painted.json").write_text("{}")


def build_real(condition):
    """The real images in the order in which the engine asks for their captions."""
    order = Seed(("lineage", 0, "real", "train")).numpy().permutation(12)
    images, captions = faces(12)[order], np.array(CAPTIONS)[order]
    assert condition.tolist() == captions[np.arange(len(condition)) % 12].tolist()
    return images[np.arange(len(condition)) % 12]


def arm(**settings):
    return {
        "source": Faces(),
        "model": Painter(),
        "loop": "fully-synthetic",
        "founder": "pretrained",
        "seeding": 0.7,
        "curators": [curator()],
        "refill": "repeat",
        "gallery": 0,
        "metrics": [{"use": "single-image-fid", "encoder": SMALL}],
        **settings,
    }


def score(record, value):
    return next(v for name, v in record.scores.items() if name.endswith(f".{value}"))


def test_in_a_run_bad_samples_are_replaced_by_ones_that_pass(tmp_path):
    ran = Experiment.of({"seeds": [0], "generations": 2, "arms": {"a": arm()}}).run(tmp_path)
    found = {r.generation: r for r in ran.records()}
    assert found[2].removed == {"quality-sifid": 2}
    assert [found[g].kept for g in range(3)] == [12, 12, 12]
    assert 0 < found[0].removed["quality-sifid"] < 12  # the founder's own, above their mean
    assert score(found[2], "mean") < score(found[0], "mean")
    assert score(found[2], "pairs") == 12
    plain = Experiment.of({"seeds": [0], "generations": 2, "arms": {"a": arm(curators=[])}}).run(tmp_path / "plain")
    assert score(plain.records()[-1], "mean") > 3 * score(found[2], "mean")


def test_a_model_without_captions_is_refused_in_the_plan():
    wrong = {**arm(seeding=None, founder="fit"), "source": "digits", "model": "vae", "metrics": []}
    with pytest.raises(PlanError, match=r"curator 'quality-sifid' compares .* or model 'vae' has none"):
        Experiment.of({"generations": 1, "arms": {"a": wrong}}).plan()
