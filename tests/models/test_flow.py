import sys
from dataclasses import replace

import numpy as np
import pytest

from autophagy.core.catalog import build
from autophagy.core.errors import ConfigError, DataError, Diverged, MissingPackage
from autophagy.core.seeds import Seed
from autophagy.models._flow import Chart, FittedFlow, network_of
from autophagy.models.flow import Flow
from autophagy.testing import check, toys

SMALL = Flow(epochs=10.0, batch=128, couplings=4, hidden=32, learning_rate=3e-3)
KINDS = ["coupling", "spline"]


@pytest.fixture(scope="module")
def ridge() -> np.ndarray:
    return build("source", "rosenbrock").draw(2000, Seed(("ridge",)))


@pytest.fixture(scope="module")
def bars() -> np.ndarray:
    return toys.pool("images").samples


def truth(x: np.ndarray) -> np.ndarray:
    """log density of the source's defaults, a = 1/2 and b = 1: e^(−x₁²/2 − (x₂ − x₁²)²) / (√(2π) √π)."""
    return -0.5 * x[:, 0] ** 2 - (x[:, 1] - x[:, 0] ** 2) ** 2 - 0.5 * np.log(2 * np.pi * np.pi)


def test_splines_keep_the_claims_of_a_model_too() -> None:
    assert check(replace(Flow(**Flow.trial), kind="spline"))


# ── densities ────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("kind", KINDS)
def test_it_knows_a_gaussian_in_the_units_of_the_data(kind) -> None:
    from scipy.stats import multivariate_normal

    facts = {"kind": kind, "shape": [3], "dimensions": 3, "couplings": 3, "hidden": 4, "bins": 4}
    centre, scale = np.array([5.0, -300.0, 0.0]), np.array([2.0, 0.01, 1.0])
    flow = FittedFlow(network_of(facts, Seed(("g",))), Chart(centre, np.zeros((0, 3)), scale, (3,)), facts)
    x = centre + scale * np.random.default_rng(0).standard_normal((600, 3))
    assert flow.log_prob(x) == pytest.approx(multivariate_normal(centre, np.diag(scale**2)).logpdf(x), abs=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_a_ridge_is_learned(kind, ridge, fit, draw) -> None:
    flow = fit(replace(SMALL, kind=kind), ridge)
    side = np.linspace(-6, 6, 121), np.linspace(-6, 26, 257)
    grid = np.stack(np.meshgrid(*side), -1).reshape(-1, 2)
    cell = (side[0][1] - side[0][0]) * (side[1][1] - side[1][0])
    assert np.exp(flow.log_prob(grid)).sum() * cell == pytest.approx(1, abs=0.01)

    fresh = build("source", "rosenbrock").draw(5000, Seed(("fresh",)))
    gaussian = fit(build("model", "gaussian"), ridge)
    missing = float((truth(fresh) - flow.log_prob(fresh)).mean())  # nats of divergence from the truth
    assert -0.02 < missing < 0.12
    assert missing < 0.2 * float((truth(fresh) - gaussian.log_prob(fresh)).mean())
    first, second = draw(flow, 5000).T
    assert np.corrcoef(first**2, second)[0, 1] > 0.85  # 0.894 in truth


def test_small_spread_far_from_the_origin_survives(fit, draw) -> None:
    points = 1e6 + 1e-3 * np.random.default_rng(0).standard_normal((500, 2))
    flow = fit(replace(SMALL, epochs=2.0), points)
    drawn = draw(flow, 2000)
    assert drawn.dtype == np.float64
    assert drawn.mean(0) - 1e6 == pytest.approx(np.zeros(2), abs=3e-4)
    assert drawn.std(0) == pytest.approx(1e-3 * np.ones(2), rel=0.2)


def test_an_axis_that_does_not_vary_is_drawn_narrow(fit, draw) -> None:
    points = np.stack([np.random.default_rng(0).standard_normal(400), np.full(400, 3.0)], 1)
    drawn = draw(fit(SMALL, points), 1000)
    assert np.abs(drawn[:, 1] - 3).max() < 0.5
    assert drawn[:, 0].std() == pytest.approx(1, rel=0.2)


# ── images ───────────────────────────────────────────────────────────────────


def test_coordinates_of_images_are_standard_and_lead_back(bars) -> None:
    chart = Chart.of_images(bars, 127)  # of 128 images: all there is
    noise = np.random.default_rng(0).random((len(bars), 784)) - 0.5
    places = chart.coordinates(bars, noise)
    assert places.mean(0) == pytest.approx(np.zeros(127), abs=0.1)
    assert places.std(0) == pytest.approx(np.ones(127), abs=0.1)
    assert np.array_equal(chart.samples(chart.coordinates(bars)), bars)


def test_images_are_learned_in_a_few_directions(bars, fit, draw) -> None:
    flow = fit(replace(SMALL, epochs=20.0, batch=64, directions=8), bars)
    drawn = draw(flow, 300)
    assert drawn.shape == (300, 1, 28, 28)
    assert drawn.dtype == np.uint8
    lines, real = (x.astype(float)[:, 0].mean(2) for x in (drawn, bars))  # (n, 28)
    assert lines.mean(0) == pytest.approx(real.mean(0), abs=20)
    assert lines.std(0).mean() == pytest.approx(real.std(0).mean(), rel=0.25)
    assert flow.log_prob(bars).mean() > flow.log_prob(255 - bars).mean() + 3


def test_equal_images_have_no_directions(bars, fit) -> None:
    with pytest.raises(Diverged, match="fewer than 2 directions"):
        fit(SMALL, np.repeat(bars[:1], 20, 0))


# ── what is refused ──────────────────────────────────────────────────────────


def test_one_number_cannot_be_coupled(fit) -> None:
    with pytest.raises(DataError, match="at least 2 numbers, but got 1"):
        fit(SMALL, np.zeros((9, 1)))


def test_values_that_are_not_finite_are_divergence(ridge, fit) -> None:
    spoilt = ridge.copy()
    spoilt[7, 1] = np.nan
    with pytest.raises(Diverged, match="in 1 of 2000 samples"):
        fit(SMALL, spoilt)


def test_samples_without_a_finite_variance_are_divergence(fit) -> None:
    with pytest.raises(Diverged, match="too far apart"):
        fit(SMALL, np.array([[1e200, 0.0], [-1e200, 1.0], [0.0, 2.0]]))


def test_a_flow_wants_two_directions_of_images() -> None:
    with pytest.raises(ConfigError, match="directions must be at least 2, but is 1"):
        Flow(directions=1)


def test_a_fit_that_blows_up_names_its_step(ridge, fit) -> None:
    with pytest.raises(Diverged, match=r"at step \d+ of|after step \d+ of"):
        fit(replace(SMALL, learning_rate=1e18), ridge)


def test_samples_of_another_shape_have_no_density(ridge, fit) -> None:
    flow = fit(replace(SMALL, epochs=0.1), ridge)
    with pytest.raises(DataError, match=r"learned samples of shape \(2,\), but got \(3,\)"):
        flow.log_prob(np.zeros((4, 3)))


def test_without_zuko_one_sentence_says_what_to_install(ridge, fit, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "zuko", None)
    with pytest.raises(MissingPackage, match=r"model 'flow' needs the package 'zuko'; run: .*autophagy\[flows\]"):
        fit(SMALL, ridge)


def test_sixteen_bits_are_not_offered() -> None:
    with pytest.raises(ConfigError, match="precision"):
        build("model", {"use": "flow", "precision": "bfloat16"})


# ── going on ─────────────────────────────────────────────────────────────────


def test_a_fit_goes_on_from_earlier_weights_in_their_coordinates(ridge, fit, draw, tmp_path) -> None:
    first = fit(SMALL, ridge)
    (tmp_path / "checkpoint.safetensors").unlink(missing_ok=True)
    again = fit(replace(SMALL, learning_rate=1e-12, epochs=0.1), ridge[:500] * 3, start=first)
    assert draw(again, 50) == pytest.approx(draw(first, 50), abs=1e-4)


def test_another_flows_weights_are_refused(ridge, fit) -> None:
    first = fit(replace(SMALL, epochs=0.1), ridge)
    with pytest.raises(DataError, match="has hidden = 5 and cannot start from a flow with hidden = 32"):
        fit(replace(SMALL, hidden=5), ridge, start=first)
    with pytest.raises(DataError, match="can only start from another flow, but got a Still"):
        fit(SMALL, ridge, start=toys.Still())
