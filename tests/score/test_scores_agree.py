"""The numbers are those of an independent computation on the same features, however they came here."""

import numpy as np
import prdc
import pytest
from PIL import Image
from scipy import linalg

from autophagy.core.catalog import build
from autophagy.core.parts import Encoder
from autophagy.scoring import encode
from autophagy.scoring.score import score


def sqrtm_distance(mu, sigma, other_mu, other_sigma):
    root = linalg.sqrtm(sigma @ other_sigma).real
    return ((mu - other_mu) ** 2).sum() + np.trace(sigma + other_sigma - 2 * root)


def svd_distance(a, b):
    """The same from centred rows, where covariances are singular and sqrtm is a percent off."""
    gap = a.mean(0) - b.mean(0)
    a, b = ((x - x.mean(0)) / np.sqrt(len(x) - 1) for x in (a, b))
    return gap @ gap + (a**2).sum() + (b**2).sum() - 2 * np.linalg.svd(a @ b.T, compute_uv=False).sum()


def read(folder):
    return np.stack([np.asarray(Image.open(path))[None] for path in sorted(folder.glob("*.png"))])


def moments(rows):
    rows = np.asarray(rows, np.float64)
    return rows.mean(0), np.cov(rows, rowvar=False)


@pytest.mark.parametrize("encoder", ["lenet", "pixels"])
def test_frechet_and_neighbours_of_folders(folders, encoder):
    real, fake = (build("encoder", encoder).encode(read(folder)) for folder in folders)
    metrics = ["frechet", {"use": "precision-recall", "k": 3}, {"use": "density-coverage", "k": 3}]
    found = score(*folders, metrics=metrics, encoder=encoder, intervals=False)
    real, fake = real.astype(np.float64), fake.astype(np.float64)
    expected = sqrtm_distance(*moments(real), *moments(fake)) if encoder == "lenet" else svd_distance(real, fake)
    assert found.value("frechet.distance") == pytest.approx(expected, rel=1e-6)
    theirs = prdc.compute_prdc(real, fake, nearest_k=3)
    ours = {"precision": "precision-recall", "recall": "precision-recall", "density": "density-coverage"}
    ours["coverage"] = "density-coverage"
    for name, metric in ours.items():
        assert found.value(f"{metric}.{name}") == pytest.approx(theirs[name], abs=1e-12)


def test_statistics_give_what_pytorch_fids_formula_gives(folders, tmp_path):
    real, fake = (build("encoder", "lenet").encode(read(folder)) for folder in folders)
    mu, sigma = moments(real)
    np.savez(tmp_path / "real.npz", mu=mu, sigma=sigma)
    expected = sqrtm_distance(mu, sigma, *moments(fake))
    found = score(tmp_path / "real.npz", folders[1])
    assert [f"{s.metric}.{s.name}" for s in found.scores] == ["frechet.distance"]
    assert found.value("frechet.distance") == pytest.approx(expected, rel=1e-6)
    assert found.scores[0].interval is not None
    assert found.scores[0].floor is None
    assert (found.scores[0].n_real, found.scores[0].n_fake) == (None, 100)
    np.savez(tmp_path / "fake.npz", mu=moments(fake)[0], sigma=moments(fake)[1])
    assert score(tmp_path / "real.npz", tmp_path / "fake.npz").value("frechet.distance") == pytest.approx(
        expected, rel=1e-6
    )
    assert score(folders[1], tmp_path / "real.npz").value("frechet.distance") == pytest.approx(expected, rel=1e-6)


def test_the_same_images_score_alike_as_folders_arrays_and_files(folders, tmp_path):
    arrays = [read(folder) for folder in folders]
    np.save(tmp_path / "real.npy", arrays[0])
    np.savez(tmp_path / "fake.npz", arrays[1].transpose(0, 2, 3, 1))  # channels last
    options = {"metrics": ["frechet", "precision-recall"], "encoder": "lenet"}
    of_folders, of_arrays = score(*folders, **options), score(*arrays, **options)
    of_files = score(tmp_path / "real.npy", tmp_path / "fake.npz", **options)
    numbers = [(s.value, s.interval, s.floor) for s in of_folders.scores]
    for found in (of_arrays, of_files):
        assert [(s.value, s.interval, s.floor) for s in found.scores] == numbers
    assert of_arrays.real.digest == of_folders.real.digest


def test_vectors_are_features_as_they_are(tmp_path):
    rng = np.random.default_rng(0)
    real, fake = rng.normal(size=(300, 4)), rng.normal(size=(300, 4)) + 0.5
    np.save(tmp_path / "real.npy", real)
    np.savez_compressed(tmp_path / "fake.npz", features=fake)
    found = score(tmp_path / "real.npy", tmp_path / "fake.npz")
    assert found.value("frechet.distance") == pytest.approx(sqrtm_distance(*moments(real), *moments(fake)), rel=1e-9)
    assert found.encoding["encoder"]["use"] == "pixels"
    assert {"frechet", "precision-recall", "density-coverage", "wasserstein", "moments"} <= {
        s.metric for s in found.scores
    }


def test_a_metrics_sd_is_not_in_the_table_but_behind_the_interval(folders):
    found = {s.name: s for s in score(*folders, metrics=["frechet"]).scores}
    assert set(found) == {"distance", "debiased"}
    assert found["distance"].interval is None  # it is biased, and so would its interval be
    assert found["debiased"].interval.kind == "the metric's own"
    assert found["debiased"].interval.low < found["debiased"].value < found["debiased"].interval.high


class Spy(Encoder):
    """Writes down how many images it is given at a time."""

    name = "spy"
    takes = ("images",)
    seen: list[int] = []  # noqa: RUF012

    def encode(self, samples):
        self.seen.append(len(samples))
        return samples.reshape(len(samples), -1)[:, ::56].astype(np.float32)


def test_no_more_images_than_a_batch_are_in_memory_and_batches_do_not_show(folders, monkeypatch):
    metrics = ["frechet", "moments"]
    whole = score(*folders, metrics=metrics, encoder="lenet", intervals=False)
    monkeypatch.setattr(encode, "BATCH", 7)
    Spy.seen.clear()
    score(*folders, metrics=metrics, encoder=Spy(), intervals=False)
    assert max(Spy.seen) == 7
    assert sum(Spy.seen) == 220
    again = score(*folders, metrics=metrics, encoder="lenet", intervals=False)
    assert [s.value for s in again.scores] == [s.value for s in whole.scores]


def test_large_images_come_in_smaller_batches(monkeypatch):
    monkeypatch.setattr(encode, "BATCH_BYTES", 3 * 64 * 64 * 2)
    Spy.seen.clear()
    images = np.random.default_rng(0).integers(0, 256, (9, 3, 64, 64), np.uint8)
    score(images, images, metrics=["moments"], encoder=Spy(), intervals=False)
    assert Spy.seen == [2, 2, 2, 2, 1] * 2
    Spy.seen.clear()
    score(images[:, :, :8, :8], images, metrics=["moments"], encoder=Spy(), size=90, intervals=False)
    assert set(Spy.seen) == {1}  # what they become counts too


def test_a_fitted_encoder_is_fitted_on_the_real_images(folders):
    table = {"use": "pca", "components": 5}
    found = score(*folders, metrics=["frechet"], encoder=table, intervals=False)
    real, fake = (read(folder).reshape(-1, 784) / 255.0 for folder in folders)
    _, _, axes = np.linalg.svd(real - real.mean(0), full_matrices=False)
    rows = [(x - real.mean(0)) @ axes[:5].T for x in (real, fake)]
    expected = sqrtm_distance(*moments(rows[0]), *moments(rows[1]))
    assert found.value("frechet.distance") == pytest.approx(expected, rel=1e-4)


def test_size_and_limit(folders):
    small = score(*folders, metrics=["moments"], encoder="pixels", size=7, limit=50, intervals=False)
    assert (small.real.n, small.fake.n) == (50, 50)
    assert "pixels' at 7 × 7 pixels, 49 features" in small.encoder
    again = score(*folders, metrics=["moments"], encoder="pixels", size=7, limit=50, intervals=False)
    assert again == small


def test_the_floor_is_of_disjoint_halves_and_the_seed_is_theirs(folders):
    found = {seed: score(*folders, metrics=["frechet"], seed=seed, intervals=False).scores[0] for seed in (0, 1)}
    assert found[0].value == found[1].value
    assert found[0].floor.value != found[1].floor.value
    assert (found[0].floor.n_real, found[0].floor.n_fake) == (60, 60)
    twice = np.repeat(np.arange(40.0)[:, None], 2, 1)
    alone = score(twice, twice, metrics=["nearest-real"], intervals=False)
    assert alone.value("nearest-real.copies") == 20  # half of the real rows: the other half is the control
    floors = {s.name: s.floor.value for s in alone.scores}
    assert floors["copies"] == 0


def test_new_real_data_is_no_copy_of_real_data_and_the_data_itself_is():
    rng = np.random.default_rng(0)
    real, new = rng.standard_normal((600, 4)), rng.standard_normal((400, 4))
    fresh = score(real, new, metrics=["memorisation"], intervals=False)
    copied = score(real, real[:400], metrics=["memorisation"], intervals=False)
    assert abs(fresh.value("memorisation.c_t_z")) < 4
    assert copied.value("memorisation.c_t_z") < -8
