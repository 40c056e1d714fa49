"""Draws held against theory: Gaussians, whose expected clean image is known in closed form, stand in for a network."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from autophagy.models._diffusion_noise import (
    LARGEST,
    SMALLEST,
    SPREAD,
    Denoiser,
    Noising,
    Spacing,
    ancestral,
    ddim,
    ddpm_sigmas,
    falling,
    guided,
    heun,
    kept_variance,
    multistep,
    sde_multistep,
)
from autophagy.models.diffusion import Diffusion


def gaussian(spread: float, mean: float = 0.0) -> Denoiser:
    """The expected clean value where clean values are N(mean, spread²)."""
    return lambda x, sigma: (spread**2 * x + sigma**2 * mean) / (spread**2 + sigma**2)


def noises(seed: int, n: int) -> Callable[[], Tensor]:
    rng = np.random.default_rng(seed)
    return lambda: torch.from_numpy(rng.standard_normal(n))


# ── noise levels ─────────────────────────────────────────────────────────────


def test_linear_levels_are_those_of_ho_et_al() -> None:
    signal = 1 / (1 + ddpm_sigmas("linear", 1000).double() ** 2)  # ᾱ
    betas = np.linspace(1e-4, 0.02, 1000)
    assert signal.numpy() == pytest.approx(np.cumprod(1 - betas), rel=1e-5)


def test_linear_levels_end_at_the_same_noise_for_any_number_of_them() -> None:
    ends = [float(ddpm_sigmas("linear", levels)[-1]) for levels in (200, 500, 1000, 4000)]
    assert np.log(ends) == pytest.approx(np.log(157), abs=0.3)


def test_cosine_levels_are_those_of_nichol_and_dhariwal() -> None:
    signal = (1 / (1 + ddpm_sigmas("cosine", 500).double() ** 2)).numpy()
    t = np.arange(1, 500) / 500
    share = np.cos((t + 0.008) / 1.008 * np.pi / 2) ** 2 / np.cos(0.008 / 1.008 * np.pi / 2) ** 2
    assert signal[:-1] == pytest.approx(share, rel=1e-4)  # the last beta is cut at 0.999


def test_falling_levels_are_those_of_karras_et_al() -> None:
    sigmas = falling(18).numpy()
    places = np.arange(18) / 17
    expected = (LARGEST ** (1 / 7) + places * (SMALLEST ** (1 / 7) - LARGEST ** (1 / 7))) ** 7
    assert sigmas == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("schedule", ["linear", "cosine"])
def test_ddpm_trains_on_every_level_alike(schedule) -> None:
    noising = Noising.of("ddpm", schedule, 20)
    drawn = noising.levels(torch.from_numpy((np.arange(2000) / 2000).astype(np.float32)))
    assert torch.equal(drawn.unique(return_counts=True)[1], torch.full((20,), 100))
    assert torch.equal(drawn.unique(), noising.sigmas)


def test_edm_trains_on_log_normal_levels() -> None:
    logs = Noising.of("edm", "linear", 10).levels(torch.from_numpy((np.arange(4000) + 0.5) / 4000)).log()
    assert float(logs.mean()) == pytest.approx(0, abs=0.01)
    assert float(logs.std()) == pytest.approx(1.4, abs=0.01)


# ── what the network is asked ────────────────────────────────────────────────


def test_a_ddpm_network_is_asked_for_the_noise_and_sees_images_as_ho_et_al_have_them() -> None:
    noising, rng = Noising.of("ddpm", "linear", 500), np.random.default_rng(0)
    sigma = noising.sigmas[torch.tensor([10, 250, 499])][:, None].double()
    clean, noise = (torch.from_numpy(rng.standard_normal((3, 5))) for _ in range(2))
    noisy = clean + sigma * noise
    assert noising.target(clean, noisy, sigma).numpy() == pytest.approx(noise.numpy(), abs=1e-10)
    signal = 1 / (1 + sigma**2)
    entering = noisy * noising.scales(sigma)[2]
    assert entering.numpy() == pytest.approx((signal.sqrt() * clean + (1 - signal).sqrt() * noise).numpy())


def test_an_edm_network_sees_and_says_numbers_of_one_size_at_every_level() -> None:
    rng = np.random.default_rng(1)
    noising = Noising.of("edm", "linear", 10)
    clean, noise = (torch.from_numpy(rng.standard_normal(200_000)) for _ in range(2))
    clean = SPREAD * clean
    for level in (0.01, 0.3, 1.0, 50.0):
        sigma = torch.tensor(level, dtype=torch.float64)
        noisy = clean + sigma * noise
        assert float((noisy * noising.scales(sigma)[2]).std()) == pytest.approx(1, abs=0.01)
        assert float(noising.target(clean, noisy, sigma).std()) == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize("objective", ["ddpm", "edm"])
def test_the_answer_that_is_asked_for_gives_the_clean_image(objective) -> None:
    noising, rng = Noising.of(objective, "cosine", 100), np.random.default_rng(2)
    clean, noisy = (torch.from_numpy(rng.standard_normal(6)) for _ in range(2))
    sigma = torch.tensor(0.7, dtype=torch.float64)
    skip, out, _ = noising.scales(sigma)
    assert (skip * noisy + out * noising.target(clean, noisy, sigma)).numpy() == pytest.approx(clean.numpy())


# ── draws ────────────────────────────────────────────────────────────────────


def in_ho_coordinates(step: Callable[..., Tensor], denoise: Denoiser, x: Tensor, betas: np.ndarray) -> Tensor:
    """Runs `step(x_t, x0, ᾱ_t, ᾱ_{t−1}, β_t)` from t = T to 1, on x_t = x / √(1 + σ²)."""
    signal = np.concatenate([[1.0], np.cumprod(1 - betas)])
    for t in range(len(betas), 0, -1):
        clean = denoise(x / signal[t] ** 0.5, float((1 / signal[t] - 1) ** 0.5))
        x = step(x, clean, signal[t], signal[t - 1], betas[t - 1])
    return x


def test_ancestral_draws_follow_ddpms_posterior_step_by_step() -> None:
    betas, denoise = np.linspace(2e-4, 0.04, 500), gaussian(0.5, -0.3)
    rng = np.random.default_rng(5)

    def posterior(x: Tensor, clean: Tensor, now: float, then: float, beta: float) -> Tensor:
        """Ho, Jain and Abbeel 2020, equations 6 and 7."""
        mean = then**0.5 * beta / (1 - now) * clean + (1 - beta) ** 0.5 * (1 - then) / (1 - now) * x
        variance = (1 - then) / (1 - now) * beta
        return mean + variance**0.5 * torch.from_numpy(rng.standard_normal(50)) if then < 1 else mean

    signal = np.cumprod(1 - betas)
    sigmas = np.sqrt(1 / signal - 1)[::-1]
    begin = noises(4, 50)()
    ours = ancestral(denoise, begin * sigmas[0], sigmas, noises(5, 50))
    theirs = in_ho_coordinates(posterior, denoise, begin * (1 - signal[-1]) ** 0.5, betas)
    assert ours.numpy() == pytest.approx(theirs.numpy(), abs=1e-9)


def test_ddim_is_that_of_song_et_al() -> None:
    betas, denoise = np.linspace(1e-3, 0.2, 100), gaussian(0.5, 0.2)

    def straight(x: Tensor, clean: Tensor, now: float, then: float, beta: float) -> Tensor:
        """Song, Meng and Ermon 2021, equation 12 with σ = 0."""
        noise = (x - now**0.5 * clean) / (1 - now) ** 0.5
        return then**0.5 * clean + (1 - then) ** 0.5 * noise

    signal = np.cumprod(1 - betas)
    sigmas = np.sqrt(1 / signal - 1)[::-1]
    begin = noises(6, 50)()
    theirs = in_ho_coordinates(straight, denoise, begin * (1 - signal[-1]) ** 0.5, betas)
    assert ddim(denoise, begin * sigmas[0], sigmas).numpy() == pytest.approx(theirs.numpy(), abs=1e-9)


def test_ancestral_draws_have_the_moments_of_the_data(z_score) -> None:
    sigmas = ddpm_sigmas("linear", 500).flip(0).tolist()
    n, mean, spread = 40_000, 0.4, 0.3
    drawn = ancestral(gaussian(spread, mean), noises(0, n)() * sigmas[0], sigmas, noises(1, n)).numpy()
    assert abs(z_score(drawn, mean)) < 4
    assert drawn.std() == pytest.approx(spread, rel=0.03)  # its own error at 500 steps, and 0.4 % of noise


@pytest.mark.parametrize(("solve", "order"), [(ddim, 1), (heun, 2), (multistep, 2)])
def test_the_error_of_a_solver_falls_with_the_power_it_promises(solve, order) -> None:
    begin, spread, mean, top = noises(0, 100)(), 0.4, 0.1, 20.0
    exact = mean + (top * begin - mean) * spread / (spread**2 + top**2) ** 0.5  # of the flow of a Gaussian
    errors = []
    for steps in (40, 80, 160):
        sigmas = falling(steps, 1e-3, top).tolist()
        # the last step, to 0, is of first order and leaves an error of 1e-3² / spread² of its own
        errors.append(float((solve(gaussian(spread, mean), top * begin, sigmas) - exact).abs().max()))
    falls = -np.diff(np.log2(errors))
    assert (np.abs(falls - order) < 0.35).all(), falls


def test_noisy_steps_of_second_order_are_those_of_lu_et_al() -> None:
    """DPM-Solver++ (2022), SDE-DPM-Solver++(2M), in their coordinates: α = 1/√(1 + σ²), σ' = σα, λ = ln(α/σ')."""
    sigmas, denoise = falling(12, 0.02, 20.0).double().numpy(), gaussian(0.5, -0.3)
    begin, rng = noises(4, 50)(), np.random.default_rng(5)
    alphas = 1 / np.sqrt(1 + sigmas**2)
    deviations, half_snr = sigmas * alphas, -np.log(sigmas)
    x, before = begin * deviations[0], None  # x = α x₀ + σ' ε
    for i in range(len(sigmas) - 1):
        clean, h = denoise(x / alphas[i], float(sigmas[i])), half_snr[i + 1] - half_snr[i]
        aim = clean if before is None else clean + h / (2 * before[1]) * (clean - before[0])
        x = deviations[i + 1] / deviations[i] * np.exp(-h) * x + alphas[i + 1] * (1 - np.exp(-2 * h)) * aim
        x = x + deviations[i + 1] * np.sqrt(1 - np.exp(-2 * h)) * torch.from_numpy(rng.standard_normal(50))
        before = clean, h
    theirs = denoise(x / alphas[-1], float(sigmas[-1]))
    ours = sde_multistep(denoise, begin * sigmas[0], sigmas, noises(5, 50))
    assert ours.numpy() == pytest.approx(theirs.numpy(), abs=1e-9)


@pytest.mark.parametrize(("draw", "order"), [(ancestral, 1), (sde_multistep, 2)])
def test_the_spread_of_noisy_draws_comes_near_the_datas_with_the_power_they_promise(draw, order) -> None:
    """Of a Gaussian every step is linear, so a draw's variance is a sum of squares: of the start and of each noise."""
    spread, errors = 0.4, []
    for steps in (40, 80, 160):
        sigmas = falling(steps, 1e-4, 20.0).double().tolist()
        own = []
        for source in range(steps):  # a unit of one noise, and nothing of the others; the last step has none
            begin = torch.tensor([sigmas[0] if source == 0 else 0.0], dtype=torch.float64)
            units = iter([torch.tensor([1.0 if k == source else 0.0], dtype=torch.float64) for k in range(1, steps)])
            own.append(float(draw(gaussian(spread), begin, sigmas, units.__next__)))
        errors.append(abs(sum(share**2 for share in own) ** 0.5 / spread - 1))
    falls = -np.diff(np.log2(errors))
    assert (np.abs(falls - order) < 0.35).all(), falls


def test_with_twenty_looks_at_the_network_the_multistep_solver_is_nearest() -> None:
    begin, spread = noises(0, 1000)(), 0.5
    exact = 80 * begin * spread / (spread**2 + 80**2) ** 0.5

    def error(solve: Callable[..., Tensor], steps: int) -> float:
        return float((solve(gaussian(spread), 80 * begin, falling(steps).tolist()) - exact).abs().mean())

    assert error(multistep, 20) < 0.04
    assert error(multistep, 20) < 0.5 * min(error(ddim, 20), error(heun, 10))


def test_half_the_bias_is_guidance_of_one_and_none_is_none() -> None:
    with_class, without = torch.tensor([1.0, 2.0]), torch.tensor([0.5, 4.0])
    assert guided(with_class, without, 1.0).tolist() == with_class.tolist()
    assert guided(with_class, without, 0.5).tolist() == (2 * with_class - without).tolist()
    assert guided(with_class, without, 0.8).tolist() == pytest.approx((1.25 * with_class - 0.25 * without).tolist())


@pytest.mark.parametrize("bias", [1.0, 0.8, 0.66, 0.5])
def test_guidance_between_gaussians_narrows_as_theory_says(bias) -> None:
    """A class N(0, s²) among everything N(0, S²): the guided flow is linear, and ends at the spread s · (s / S)^w."""
    own, all_, n = 0.3, 0.6, 20_000

    def denoise(x: Tensor, sigma: float) -> Tensor:
        return guided(gaussian(own)(x, sigma), gaussian(all_)(x, sigma), bias)

    drawn = heun(denoise, 80 * noises(0, n)(), falling(60, 1e-3).tolist()).numpy()
    expected = own * (own / all_) ** (1 / bias - 1)
    z = (drawn.var() / expected**2 - 1) / (2 / n) ** 0.5
    assert abs(z) < 4


def test_ddpms_own_draw_visits_every_level_and_a_shorter_one_falls_between_the_same_ends() -> None:
    noising = Noising.of("ddpm", "linear", 500)
    every, few = (noising.sigmas_of("ancestral", steps) for steps in (500, 20))
    assert every == noising.sigmas.flip(0).tolist()
    assert [few[0], few[-1]] == pytest.approx([every[0], every[-1]], rel=1e-5)
    assert noising.sigmas_of("ddim", 500) == every
    assert set(noising.sigmas_of("ddim", 20)) < set(every)


def test_few_ancestral_steps_narrow_what_they_draw_and_few_of_second_order_do_not() -> None:
    """What docs/diffusion.md warns of: a hidden λ < 1."""
    sigmas, begin = falling(20).tolist(), noises(0, 20_000)() * 80
    denoise = gaussian(0.6)
    assert float(ancestral(denoise, begin, sigmas, noises(1, 20_000)).std()) == pytest.approx(0.76 * 0.6, rel=0.03)
    assert float(multistep(denoise, begin, sigmas).std()) == pytest.approx(1.05 * 0.6, rel=0.03)
    assert float(sde_multistep(denoise, begin, sigmas, noises(1, 20_000)).std()) == pytest.approx(1.11 * 0.6, rel=0.03)


@pytest.mark.parametrize("objective", ["edm", "ddpm"])
@pytest.mark.parametrize(
    ("method", "steps"), [("ddim", 20), ("heun", 10), ("multistep", 10), ("ancestral", 20), ("sde-multistep", 20)]
)
def test_what_a_sampler_alone_keeps_of_a_variance_is_what_its_draws_have(objective, method, steps) -> None:
    n, spread, noising = 100_000, 0.3, Noising.of(objective, "linear", 500)
    sigmas, noise = noising.sigmas_of(method, steps), noises(3, n)
    noisy = {"ancestral": ancestral, "sde-multistep": sde_multistep}
    plain = {"ddim": ddim, "heun": heun, "multistep": multistep}
    x = noise() * sigmas[0]
    if method in noisy:
        x = noisy[method](gaussian(spread), x, sigmas, noise)
    else:
        x = plain[method](gaussian(spread), x, sigmas)
    assert float(x.var()) / spread**2 == pytest.approx(kept_variance(method, sigmas, spread), rel=4 * (2 / n) ** 0.5)


def test_levels_even_in_their_logarithm_keep_the_same_share_at_every_spread() -> None:
    """And ten of them nearly all of it, where as many of Karras et al.'s widen by more than a tenth."""

    def kept(spacing: Spacing) -> np.ndarray:
        sigmas = falling(10, spacing=spacing).tolist()
        return np.sqrt([kept_variance("multistep", sigmas, spread) for spread in (0.1, 0.3, 1.0, 4.0)])

    levels = falling(10, spacing="exponential").double().numpy()
    assert np.ptp(np.diff(np.log(levels))) < 1e-6
    assert (levels[0], levels[-1]) == pytest.approx((LARGEST, SMALLEST))
    assert np.ptp(kept("exponential")) < 0.02
    assert np.abs(kept("exponential") - 1).max() < 0.05
    assert np.abs(kept("karras") - 1).max() > 0.1


def test_the_spacing_is_the_models() -> None:
    even = Diffusion(sampling_steps=10, spacing="exponential")
    alone = kept_variance("multistep", falling(10, spacing="exponential").tolist())
    assert even.drawn_share() == pytest.approx(alone, rel=1e-6)
    assert even.drawn_share() < 1.1 < Diffusion(sampling_steps=10).drawn_share()
