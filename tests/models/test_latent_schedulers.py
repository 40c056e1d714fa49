"""What a scheduler alone leaves of a spread, and levels that lie closer where they are small."""

from __future__ import annotations

import json
import math
import shutil
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autophagy import Experiment
from autophagy.core.errors import ConfigError
from autophagy.core.seeds import Seed
from autophagy.experiment.forecasts import forecasts
from autophagy.models._latent_schedulers import check, kept_variance, made, spaced
from autophagy.models.latent_diffusion import LatentDiffusion
from autophagy.testing.checkpoints import SCHEDULERS as TABLES
from autophagy.testing.checkpoints import stable_diffusion

NOISE = {
    "num_train_timesteps": 1000, "beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear",
    "timestep_spacing": "leading", "steps_offset": 1, "set_alpha_to_one": False,
}  # fmt: skip


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return stable_diffusion(tmp_path_factory.mktemp("schedulers") / "sd")


@pytest.mark.parametrize("prediction", ["epsilon", "v_prediction", "sample"])
@pytest.mark.parametrize("spread", [0.3, 1.0])
def test_ddims_share_is_the_product_of_its_steps(prediction, spread) -> None:
    """x' = a'·x₀ + σ'·ε, where a right network says x₀ = a s² x / (a² s² + σ²) and ε = σ x / (a² s² + σ²)."""
    betas = np.linspace(0.00085**0.5, 0.012**0.5, 1000) ** 2
    kept = np.cumprod(1 - betas)
    levels = [kept[t] for t in range(1 + 19 * 50, 0, -50)] + [kept[0]]
    share = 1.0
    for now, then in pairwise(levels):
        whole = now * spread**2 + 1 - now
        clean, noise = math.sqrt(now) * spread**2 / whole, math.sqrt(1 - now) / whole
        share *= math.sqrt(then) * clean + math.sqrt(1 - then) * noise
    found = kept_variance("ddim", {**NOISE, "prediction_type": prediction}, 20, spread)
    assert found == pytest.approx((share / spread) ** 2, rel=1e-5)


@pytest.mark.parametrize("name", ["dpm-solver++", "unipc"])
@pytest.mark.parametrize("spread", [0.3, 0.5, 1.0])
def test_levels_even_in_their_logarithm_keep_a_spread_that_few_steps_lose(name, spread) -> None:
    own = kept_variance(name, NOISE, 20, spread)
    even = kept_variance(name, spaced(NOISE, "exponential"), 20, spread)
    assert own < 0.97
    assert abs(even - 1) < 0.02


def test_a_schedulers_share_tends_to_all_with_its_steps() -> None:
    shares = [kept_variance("dpm-solver++", NOISE, steps, 0.3) for steps in (10, 20, 50, 200)]
    assert shares == sorted(shares)
    assert shares[0] < 0.5
    assert shares[-1] > 0.95


def test_a_velocity_is_not_handed_on_as_noise_is() -> None:
    """PNDM takes averages of what the network said in several steps: right for noise, too narrow for velocities."""
    noise, velocity = (
        kept_variance("pndm", {**NOISE, "prediction_type": prediction}, 20)
        for prediction in ("epsilon", "v_prediction")
    )
    assert noise == pytest.approx(1, abs=0.01)
    assert velocity < 0.9


def test_a_spacing_takes_the_place_of_the_checkpoints() -> None:
    told = spaced({**NOISE, "use_beta_sigmas": True}, "karras")
    levels = made("euler", told)
    levels.set_timesteps(8)
    assert levels.config.use_karras_sigmas
    assert not levels.config.use_beta_sigmas
    eased = np.diff(levels.sigmas.numpy()[:-1] ** (1 / 7))
    assert np.allclose(eased, eased[0], rtol=1e-3)


def test_samples_are_drawn_by_the_spacing_and_drawn_again_by_it(checkpoint, tmp_path) -> None:
    def model(**settings: Any) -> LatentDiffusion:
        return LatentDiffusion(
            checkpoint=str(checkpoint), scheduler="dpm-solver++", sampling_steps=4, together=3, **settings
        )

    def drawn(sampler: Any) -> np.ndarray:
        found: np.ndarray = sampler.sample(2, condition=np.array(["a 3", "a dog"]), bias=1.0, seed=Seed(("s", 0)))
        return found

    even = model(spacing="exponential").founder()
    assert even.plain.scheduler.config.use_exponential_sigmas
    once = drawn(even)
    assert not np.array_equal(once, drawn(model().founder()))
    even.save(tmp_path)
    assert json.loads((tmp_path / "facts.json").read_text())["drawn_with"]["spacing"] == "exponential"
    assert np.array_equal(once, drawn(model(spacing="exponential").load(tmp_path)))


def test_a_plan_says_what_the_scheduler_alone_leaves(checkpoint) -> None:
    model = LatentDiffusion(checkpoint=str(checkpoint), scheduler="ddim", sampling_steps=10)
    told = {**TABLES["stable-diffusion"], "prediction_type": "v_prediction"}
    assert model.drawn_share() == kept_variance("ddim", told, 10) < 0.85
    base = {"source": "coloured-digits", "model": model, "founder": "pretrained"}
    plan = Experiment.of({"generations": 1, "base": base, "arms": {"a": {"loop": "fully-synthetic"}}}).plan()
    said = f"is not known, and its sampler alone leaves {model.drawn_share():.0%} of a variance"
    assert forecasts(plan)["a"].reason.endswith(said)


@pytest.mark.parametrize(
    ("name", "steps", "told"),
    [
        ("ddpm", 1000, {"steps_offset": 1}),
        ("dpm-solver++", 20, {"use_karras_sigmas": True, "sigma_max": 80.0, "sigma_min": 0.002}),
        ("ddpm", 20, {"variance_type": "learned"}),
    ],
    ids=str,
)
def test_a_scheduler_that_does_not_come_to_its_end_is_told_before_a_fit(
    name, steps, told, checkpoint, tmp_path
) -> None:
    with pytest.raises(ConfigError, match=r"the checkpoint's scheduler cannot be used: .*; say scheduler = one of"):
        check(name, {**NOISE, **told}, steps)
    copied = shutil.copytree(checkpoint, tmp_path / "copy")
    place = copied / "scheduler" / "scheduler_config.json"
    place.write_text(json.dumps({**json.loads(place.read_text()), **told}))
    model = LatentDiffusion(checkpoint=str(copied), scheduler=name, sampling_steps=steps)
    assert model.drawn_share() == 1.0


def test_what_is_said_is_of_the_scheduler_that_draws() -> None:
    """Diffusers' pipelines clip no latents and begin one level later, whatever a checkpoint says."""
    told = {**NOISE, "clip_sample": True, "steps_offset": 0}
    assert kept_variance("ddim", told, 20) == kept_variance("ddim", {**NOISE, "clip_sample": False}, 20) > 0.8


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", ["ddim", "ddpm", "dpm-solver++", "euler"])
def test_a_first_level_without_any_image_is_a_level_too(name) -> None:
    told = {**NOISE, "rescale_betas_zero_snr": True, "timestep_spacing": "trailing", "prediction_type": "v_prediction"}
    assert 0.5 < kept_variance(name, told, 20) < 1.05


@pytest.mark.parametrize("settings", [{"scheduler": "lcm", "sampling_steps": 8}, {"sampling_steps": 4}], ids=str)
def test_of_a_distilled_network_nothing_is_said(settings, checkpoint) -> None:
    assert LatentDiffusion(checkpoint=str(checkpoint), **settings).drawn_share() == 1.0
