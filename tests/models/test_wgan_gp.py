from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from autophagy.core.catalog import build
from autophagy.core.errors import Diverged
from autophagy.core.pool import REAL_DATA, Origin, Pool
from autophagy.core.seeds import Seed
from autophagy.core.workspace import Machine, Workspace
from autophagy.models._adversarial import normal, slopes, unit_slope_penalty
from autophagy.models._wgan_gp import Duel, ImageView, Plan, VectorView, WassersteinSampler, view_of
from autophagy.models.wgan_gp import WganGp
from autophagy.networks.wgan import ImageCritic, ImageGenerator, depth
from autophagy.testing import toys

TINY = WganGp(**WganGp.trial)
CPU = torch.device("cpu")
PLAN = Plan(latent=4, width=4, batch=16, turns=3, penalty=10.0, learning_rate=1e-3, precision="float32", half_life=0)


@pytest.fixture(scope="module")
def bars() -> np.ndarray:
    return toys.pool("images").samples


@pytest.fixture(autouse=True)
def _one_seed() -> None:
    torch.manual_seed(0)


def test_vectors_without_a_finite_spread_are_divergence() -> None:
    with pytest.raises(Diverged, match="too far apart"):
        view_of(np.array([[1e200, 0.0], [-1e200, 1.0], [0.0, 2.0]]))


# ── the penalty ──────────────────────────────────────────────────────────────


@pytest.mark.parametrize("weights", [(0.6, 0.8), (3.0, 4.0), (0.0, 0.25)])
def test_the_penalty_of_a_linear_critic_has_its_closed_form(weights) -> None:
    weights = torch.tensor(weights)
    found = unit_slope_penalty(lambda x: x @ weights + 7, torch.randn(9, 2))
    assert found.item() == pytest.approx((weights.norm().item() - 1) ** 2, abs=1e-6)


def test_each_sample_has_a_slope_of_its_own() -> None:
    x = torch.tensor([[1.0, 0.0], [0.0, 2.0], [3.0, 4.0]])
    assert slopes(lambda x: x.square().sum(1) / 2, x).tolist() == [1, 4, 25]


def test_the_penalty_of_a_critic_that_is_flat_is_one_and_can_be_learned_from() -> None:
    weights = torch.zeros(2, requires_grad=True)
    unit_slope_penalty(lambda x: x @ weights, torch.randn(5, 2)).backward()
    assert torch.isfinite(weights.grad).all()


def test_every_weight_of_a_critic_learns_from_the_penalty() -> None:
    critic = ImageCritic(1, 16, 16, 4)
    unit_slope_penalty(critic, torch.randn(4, 1, 16, 16)).backward()
    assert all(p.grad.any() for name, p in critic.named_parameters() if name.endswith("weight"))


# ── networks and views ───────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("size", "outer"), [((28, 28), (32, 32)), ((8, 8), (8, 8)), ((3, 5), (4, 6)), ((17, 40), (24, 40))]
)
def test_images_of_any_size_are_framed_as_often_as_they_can_be_halved(size, outer) -> None:
    view = ImageView(2, size)
    assert view.frame.outer == outer
    z = torch.randn(3, 6)
    drawn = view.generator(6, 4)(z)
    assert drawn.shape == (3, 2, *outer)
    assert view.critic(4)(drawn).shape == (3,)
    assert view.given_back(drawn).shape == (3, 2, *size)


def test_depth_leaves_about_four_pixels() -> None:
    assert [depth(side, side) for side in (1, 4, 8, 16, 28, 32, 64, 128)] == [1, 1, 1, 2, 3, 3, 4, 5]


def test_first_weights_keep_the_scale_of_what_passes_through() -> None:
    generator, critic = ImageGenerator(64, 1, 32, 32, 16), ImageCritic(1, 32, 32, 16)
    with torch.no_grad():
        images = generator(torch.randn(200, 64))
        assert 0.2 < images.std() < 0.9  # neither flat nor driven to −1 and 1
        assert 0.2 < critic(torch.randn(200, 1, 32, 32)).std() < 3


def test_vectors_are_standardised_and_given_back_in_their_own_units() -> None:
    rows = np.random.default_rng(0).normal([5, -300, 2], [1e-3, 40, 0], (500, 3))
    view = view_of(rows)
    seen = view.seen(rows, CPU)
    assert isinstance(view, VectorView)
    assert seen.mean(0).tolist() == pytest.approx([0, 0, 0], abs=1e-5)
    assert seen.std(0, unbiased=False).tolist() == pytest.approx([1, 1, 0], abs=1e-5)
    assert view.given_back(seen).numpy() == pytest.approx(rows, rel=1e-6)


# ── what it learns ───────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def learned():
    """A sampler trained on N((3, −2), diag(4, 1/4)), and what it was trained on."""
    rows = np.random.default_rng(0).normal([3, -2], [2, 0.5], (2000, 2))
    model = WganGp(epochs=64, batch=128, width=32, latent=2, learning_rate=2e-3, half_life=4000)
    pool = Pool.born(rows, Origin("real", REAL_DATA))
    return model.fit(pool, start=None, seed=Seed(("fit",)), workspace=toys.workspace()), rows


def test_it_learns_where_a_gaussian_lies_and_how_wide_it_is(learned, draw) -> None:
    drawn = draw(learned[0], 4000)
    assert drawn.mean(0) == pytest.approx([3, -2], abs=0.3)
    assert drawn.std(0) == pytest.approx([2, 0.5], rel=0.25)


def test_a_smaller_lambda_takes_recall_and_no_precision(learned, draw) -> None:
    """Precision is 1 at every λ here; that it rises where there is something to gain, `test_lambda` shows."""
    sampler, rows = learned
    metric = build("metric", {"use": "precision-recall", "encoder": "pixels"})
    real = Pool.born(rows[:1000], Origin("real", REAL_DATA))
    found = []
    for bias in (1.0, 0.4, 0.1):
        generation = replace(toys.generation("vectors"), reference=real)
        own = Pool.born(draw(sampler, 1000, bias=bias), Origin("drawn", 0))
        found.append(metric.measure(replace(generation, samples=own)))
    assert found[0]["recall"] > found[1]["recall"] > found[2]["recall"]
    assert min(one["precision"] for one in found) >= 0.99


def test_latents_are_narrowed_by_the_root_of_lambda(draw) -> None:
    network = torch.nn.Linear(3, 3)
    facts = {"latent": 3, "precision": "float32", "middle": [0.0, 5.0, 9.0], "spread": [1.0, 2.0, 3.0]}
    with torch.no_grad():
        network.weight.copy_(torch.eye(3))
        network.bias.zero_()
    wide, narrow = (draw(WassersteinSampler(network, facts), 500, bias=bias) for bias in (1.0, 0.36))
    assert wide.std(0) == pytest.approx([1, 2, 3], rel=0.1)
    assert narrow - [0, 5, 9] == pytest.approx(0.6 * (wide - [0, 5, 9]), abs=1e-5)


def test_averaged_weights_are_drawn_with_where_they_are_asked_for(bars) -> None:
    for half_life in (0, 64):
        task = Duel(view_of(bars), bars, replace(PLAN, half_life=half_life), Seed(("duel",)), CPU)
        before = [p.clone() for p in task.drawing.parameters()]
        task.step(0, Seed((0,)))
        moved = [(a - b).abs().sum().item() for a, b in zip(before, task.drawing.parameters(), strict=True)]
        last = [(a - b).abs().sum().item() for a, b in zip(before, task.generator.network.parameters(), strict=True)]
        assert sum(moved) == pytest.approx((0.9 if half_life else 1) * sum(last), rel=1e-4)  # the first counts 9/10
        assert sum(last) > 0


def test_the_first_samples_do_not_depend_on_how_many_follow(fit, draw, bars) -> None:
    sampler = fit(TINY, bars)
    assert np.array_equal(draw(sampler, 300)[:9], draw(sampler, 9))


# ── steps, kills and memory ──────────────────────────────────────────────────


def test_a_step_is_some_turns_of_the_critic_and_one_of_the_generator(bars) -> None:
    task = Duel(view_of(bars), bars, PLAN, Seed(("duel",)), CPU)
    losses = task.step(0, Seed((0,)))
    assert (task.critic.taken, task.generator.taken) == (3, 1)
    assert set(losses) == {"critic", "generator"}


def test_pieces_of_a_batch_give_the_whole_batchs_gradient(bars) -> None:
    whole, pieced = (Duel(view_of(bars), bars, PLAN, Seed(("duel",)), CPU) for _ in range(2))
    pieced.critic.micro = pieced.generator.micro = 5
    for task in (whole, pieced):
        task.critic.optimiser = task.generator.optimiser = torch.optim.SGD([torch.zeros(1)])  # gradients stay
        task.step(0, Seed((0,)))
    for mine, theirs in ((whole.critic, pieced.critic), (whole.generator, pieced.generator)):
        for (name, a), b in zip(mine.network.named_parameters(), theirs.network.parameters(), strict=True):
            assert torch.allclose(a.grad, b.grad, atol=1e-4 * a.grad.abs().max().item() + 1e-9), name


def test_the_generators_turn_leaves_the_critics_gradients_alone(bars) -> None:
    task = Duel(view_of(bars), bars, PLAN, Seed(("duel",)), CPU)
    task._judge(0, Seed((0,)))
    before = [p.grad.clone() for p in task.critic.network.parameters()]
    task._paint(Seed((1,)))
    assert all(torch.equal(a, p.grad) for a, p in zip(before, task.critic.network.parameters(), strict=True))
    assert all(p.requires_grad for p in task.critic.network.parameters())


class Killed(Exception):
    pass


def test_a_fit_that_goes_on_after_a_kill_is_the_same_fit(bars, tmp_path: Path) -> None:
    model = replace(TINY, epochs=6, batch=32)
    pool = Pool.born(bars, Origin("real", REAL_DATA))

    def weights(folder: Path, killed_after: int | None) -> dict[str, torch.Tensor]:
        def progress(done: int, total: int, note: str) -> None:
            if done == killed_after:
                raise Killed

        workspace = Workspace(lambda: folder, Machine(checkpoint_every=0), progress)
        return model.fit(pool, start=None, seed=Seed(("fit",)), workspace=workspace).network.state_dict()

    (tmp_path / "killed").mkdir()
    (tmp_path / "whole").mkdir()
    with pytest.raises(Killed):
        weights(tmp_path / "killed", 1)
    resumed, whole = weights(tmp_path / "killed", None), weights(tmp_path / "whole", None)
    assert all(torch.equal(resumed[name], whole[name]) for name in whole)


def test_noise_is_the_same_for_the_same_seed_alone() -> None:
    first, again, other = (normal(Seed((k,)), CPU, 3, 4) for k in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
