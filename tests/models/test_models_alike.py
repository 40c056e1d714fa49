"""What every model without a network promises, whatever its family."""

import numpy as np
import pytest

from autophagy.core.catalog import build
from autophagy.core.errors import Damaged, DataError, Diverged

VECTORS = ["gaussian", "gaussian-mixture", "kde"]
NAMES = [*VECTORS, "categorical", "eigen-mixture"]


def training_set(name: str, n: int = 60) -> tuple[np.ndarray, np.ndarray | None]:
    rng = np.random.default_rng(5)
    if name == "categorical":
        return rng.integers(0, 9, n) ** 2, None
    if name == "eigen-mixture":
        return rng.integers(0, 256, (n, 1, 4, 4), np.uint8), np.array(["a cat", "ein Löwe"])[np.arange(n) % 2]
    return rng.normal(3, 2, (n, 3)), None


@pytest.mark.parametrize("name", NAMES)
class TestEveryModel:
    def test_draws_have_the_shape_and_kind_of_the_training_set(self, name, fit, draw) -> None:
        samples, condition = training_set(name)
        drawn = draw(fit(build("model", name), samples, condition), 17)
        assert drawn.shape == (17, *samples.shape[1:])
        assert drawn.dtype == samples.dtype

    def test_a_sampler_that_was_saved_draws_the_same_bytes(self, name, fit, draw, tmp_path) -> None:
        model, (samples, condition) = build("model", name), training_set(name)
        sampler = fit(model, samples, condition)
        sampler.save(tmp_path)
        asked = None if condition is None else condition[:17]
        for bias in (1.0, 0.6):
            before = draw(sampler, 17, asked, bias)
            assert np.array_equal(before, draw(model.load(tmp_path), 17, asked, bias))

    def test_equal_seeds_give_equal_models_and_draws(self, name, fit, draw, tmp_path) -> None:
        samples, condition = training_set(name)
        first, again = (fit(build("model", name), samples, condition, seed=3) for _ in range(2))
        assert np.array_equal(draw(first, 40), draw(again, 40))
        assert not np.array_equal(draw(first, 40, seed=0), draw(first, 40, seed=1))

    def test_the_first_draws_do_not_depend_on_how_many_follow(self, name, fit, draw) -> None:
        samples, condition = training_set(name)
        sampler = fit(build("model", name), samples, condition)
        assert draw(sampler, 50)[:9] == pytest.approx(draw(sampler, 9), abs=1e-9)

    def test_the_training_set_is_left_alone(self, name, fit, tmp_path) -> None:
        samples, condition = training_set(name)
        np.save(tmp_path / "samples.npy", samples)
        mapped = np.load(tmp_path / "samples.npy", mmap_mode="r")  # writing to it would raise
        fit(build("model", name), mapped, condition)
        assert np.array_equal(mapped, samples)

    def test_a_fit_does_not_look_at_the_global_random_state(self, name, fit, draw) -> None:
        samples, condition = training_set(name)
        np.random.seed(1)
        first = draw(fit(build("model", name), samples, condition), 20)
        np.random.seed(2)
        assert np.array_equal(first, draw(fit(build("model", name), samples, condition), 20))

    def test_a_smaller_bias_draws_less_variety(self, name, fit, draw) -> None:
        samples, condition = training_set(name, 400)
        sampler = fit(build("model", name), samples, condition)
        spread = [draw(sampler, 4000, bias=bias).astype(float).var(0).sum() for bias in (1.0, 0.5, 0.1)]
        assert spread[0] > spread[1] > spread[2]

    def test_one_sample_is_enough(self, name, fit, draw) -> None:
        samples, condition = training_set(name, 1)
        setting = {"use": name, "bandwidth": "silverman"} if name == "kde" else name
        drawn = draw(fit(build("model", setting), samples, condition), 5)
        assert drawn == pytest.approx(np.repeat(samples, 5, 0))

    def test_no_sample_is_refused(self, name, fit) -> None:
        samples, condition = training_set(name)
        none = None if condition is None else condition[:0]
        with pytest.raises(DataError, match=f"model '{name}' needs at least 1 sample"):
            fit(build("model", name), samples[:0], none)

    def test_a_file_without_its_arrays_is_damaged(self, name, fit, tmp_path) -> None:
        from safetensors.numpy import save_file

        model, (samples, condition) = build("model", name), training_set(name)
        fit(model, samples, condition).save(tmp_path)
        file = next(tmp_path.glob("*.safetensors"))
        save_file({"other": np.zeros(1)}, file)
        with pytest.raises(Damaged, match="lacks"):
            model.load(tmp_path)
        file.write_bytes(b"not safetensors")
        with pytest.raises(Damaged, match="cannot be read"):
            model.load(tmp_path)


@pytest.mark.parametrize("name", VECTORS)
class TestVectorModels:
    @pytest.mark.parametrize("bad", [np.nan, np.inf])
    def test_a_value_that_is_not_finite_is_divergence(self, name, bad, fit) -> None:
        samples, _ = training_set(name)
        samples[7, 1] = bad
        with pytest.raises(Diverged, match="in 1 of 60 samples"):
            fit(build("model", name), samples)

    def test_samples_whose_covariance_overflows_are_divergence(self, name, fit) -> None:
        with pytest.raises(Diverged):
            fit(build("model", name), np.array([[1e200, 0.0], [-1e200, 1.0], [0.0, 2.0]]))

    def test_a_matrix_of_images_is_refused(self, name, fit) -> None:
        with pytest.raises(DataError, match=r"shape \(n, d\)"):
            fit(build("model", name), np.zeros((4, 1, 2, 2)))

    def test_constant_data_is_drawn_as_it_is(self, name, fit, draw) -> None:
        sampler = fit(build("model", name), np.full((30, 2), 0.1))
        assert draw(sampler, 8) == pytest.approx(np.full((8, 2), 0.1), abs=1e-12)
        assert np.isfinite(sampler.log_prob(np.full((1, 2), 0.1))).all()

    def test_more_dimensions_than_samples_are_no_obstacle(self, name, fit, draw) -> None:
        samples = np.random.default_rng(0).normal(size=(5, 40))
        sampler = fit(build("model", name), samples)
        assert np.isfinite(draw(sampler, 8)).all()
        assert np.isfinite(sampler.log_prob(samples)).all()

    def test_a_likely_sample_is_likelier_than_an_unlikely_one(self, name, fit) -> None:
        samples, _ = training_set(name)
        near, far = fit(build("model", name), samples).log_prob(np.array([[3.0, 3, 3], [30, 30, 30]]))
        assert near > far

    def test_log_prob_of_no_samples_is_empty(self, name, fit) -> None:
        samples, _ = training_set(name)
        assert fit(build("model", name), samples).log_prob(np.empty((0, 3))).shape == (0,)
