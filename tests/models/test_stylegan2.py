from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from autophagy.core.errors import DataError
from autophagy.core.pool import REAL_DATA, Origin, Pool
from autophagy.core.seeds import Seed
from autophagy.core.workspace import Machine, Workspace
from autophagy.models._adversarial import Frame, flat_slope_penalty
from autophagy.models._stylegan2 import Caution, Duel, Plan, Stretch, frame_of, shape_of
from autophagy.models.stylegan2 import StyleGan2
from autophagy.testing import toys

TINY = StyleGan2(**StyleGan2.trial)
CPU = torch.device("cpu")
PLAN = Plan(
    batch=16,
    learning_rate=2e-3,
    r1=0.5,
    r1_every=4,
    path_length=2.0,
    path_every=3,
    style_mixing=0.9,
    half_life=1000,
    adaptive=False,
    flips=True,
    adaptation=1000,
)


@pytest.fixture(scope="module")
def bars() -> np.ndarray:
    return toys.pool("images").samples


@pytest.fixture
def duel(bars):
    """`duel(**settings)`: a small one at its beginning."""

    def make(**settings) -> Duel:
        facts = {"colours": 1, "size": [16, 16], "channel_base": 64, "channel_max": 8, "latent": 8}
        shape = shape_of({**facts, "mapping_layers": 2, "precision": "float32"})
        frame = frame_of((16, 16))
        return Duel(shape, frame, bars[:, :, :16, :16], replace(PLAN, **settings), Seed(("duel",)), CPU)

    return make


# ── images and their frame ───────────────────────────────────────────────────


def test_a_frame_repeats_edges_and_gives_back_what_it_was_put_around() -> None:
    image = np.arange(6, dtype=np.uint8).reshape(1, 1, 2, 3) * 50
    frame = Frame((2, 3), (4, 4))
    around = (frame.around(image, CPU) + 1) * 127.5
    assert around[0, 0].round().tolist() == [
        [0, 50, 100, 100],
        [0, 50, 100, 100],
        [150, 200, 250, 250],
        [150, 200, 250, 250],
    ]
    assert torch.equal(frame.within(around).round().byte(), torch.from_numpy(image))


@pytest.mark.parametrize(("size", "side"), [((28, 28), 32), ((8, 8), 16), ((64, 64), 64), ((65, 40), 128)])
def test_the_frame_is_the_next_power_of_two_from_sixteen(size, side) -> None:
    assert frame_of(size).outer == (side, side)


def test_images_of_any_size_and_colour_are_drawn_as_they_came(fit, draw) -> None:
    images = np.random.default_rng(0).integers(0, 255, (20, 3, 18, 11)).astype(np.uint8)
    assert draw(fit(TINY, images), 5).shape == (5, 3, 18, 11)


def test_vectors_are_refused(fit) -> None:
    with pytest.raises(DataError, match="needs uint8 images"):
        fit(TINY, np.zeros((5, 3)))


# ── truncation ───────────────────────────────────────────────────────────────


def test_smaller_lambda_spreads_less_and_ends_at_one_image(fit, draw, bars) -> None:
    sampler = fit(TINY, bars)
    with torch.no_grad():  # images that follow w closely, as after a long training
        sampler.network.recentre(sampler.network.map(torch.randn(500, 8)), 1.0)
    spread = [draw(sampler, 300, bias=bias).astype(float).var(0).sum() for bias in (1.0, 0.5, 0.25, 0.01)]
    assert spread == sorted(spread, reverse=True)
    assert spread[3] < 0.05 * spread[0]


def test_the_first_images_do_not_depend_on_how_many_follow(fit, draw, bars) -> None:
    sampler = fit(TINY, bars)
    assert np.array_equal(draw(sampler, 70)[:9], draw(sampler, 9))


def test_a_loaded_generator_draws_the_same_to_the_last_bit(fit, draw, bars, tmp_path: Path) -> None:
    """Weights laid out otherwise would give sums in another order."""
    sampler = fit(TINY, bars)
    (tmp_path / "kept").mkdir()
    sampler.save(tmp_path / "kept")
    z, grain = torch.randn(32, 8), torch.randn(32, sampler.network.shape.noises)
    with torch.no_grad():
        assert torch.equal(sampler.network(z, grain), TINY.load(tmp_path / "kept").network(z, grain))


# ── regularisation ───────────────────────────────────────────────────────────


def test_r1_of_a_linear_discriminator_is_half_the_square_of_its_weights() -> None:
    weights = torch.tensor([3.0, -4.0, 12.0])
    assert flat_slope_penalty(lambda x: x @ weights, torch.randn(7, 3)).item() == pytest.approx(169 / 2)


def test_regularisation_is_lazy_and_weighs_as_much_as_if_it_were_not(duel) -> None:
    task = duel()
    found = [task.step(k, Seed((k,))) for k in range(9)]
    assert [k for k, losses in enumerate(found) if losses["r1"] > 0] == [0, 4, 8]
    assert [k for k, losses in enumerate(found) if losses["path length"] > 0] == [0, 3, 6]
    assert task.discriminator.taken == 9 + 3
    assert task.generator.taken == 9 + 3
    group = task.discriminator.optimiser.param_groups[0]
    assert (group["lr"], group["betas"]) == (2e-3 * 4 / 5, (0.0, 0.99 ** (4 / 5)))
    assert task.generator.average.decay == pytest.approx(0.5 ** (16 / 1000 * 3 / 4))
    rare, often = (duel(r1_every=every).step(0, Seed((0,)))["r1"].item() for every in (8, 4))
    assert rare == pytest.approx(2 * often, rel=0.1)


def test_no_regularisation_leaves_the_optimisers_as_they_are(duel) -> None:
    task = duel(r1=0.0, path_length=0.0)
    losses = task.step(0, Seed((0,)))
    assert losses["r1"] == losses["path length"] == 0
    assert task.generator.optimiser.param_groups[0]["betas"] == (0.0, 0.99)
    assert task.generator.taken == task.discriminator.taken == 1


def test_the_wished_path_length_follows_those_seen() -> None:
    stretch = Stretch()
    for _ in range(500):
        stretch.take(4.0)
    assert stretch.wished == pytest.approx(4, abs=0.05)
    stretch.take(104.0)
    assert stretch.wished == pytest.approx(5, abs=0.05)


def test_styles_are_mixed_for_the_share_asked_for(duel) -> None:
    task = duel(style_mixing=0.5)
    cuts = torch.cat([task._styles(Seed((k,)), 16).cut for k in range(100)])
    last = task._shape.styles
    assert (cuts < last).float().mean().item() == pytest.approx(0.5, abs=0.05)
    assert sorted(set(cuts.tolist())) == list(range(1, last + 1))
    assert (duel(style_mixing=0.0)._styles(Seed((0,)), 16).cut == last).all()


# ── augmentation ─────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("sign", "way"), [(1.0, 1), (0.61, 1), (0.59, -1), (-1.0, -1)])
def test_augmentation_follows_how_sure_the_discriminator_is_of_real_images(sign, way) -> None:
    caution = Caution(images=1000)
    caution.p = 0.5
    for _ in range(3):
        caution.take(sign, batch=10)
        assert caution.p == 0.5
    caution.take(sign, batch=10)
    assert caution.p == pytest.approx(0.5 + way * 0.04)


def test_its_probability_stays_one() -> None:
    caution = Caution(images=10)
    for sign in (-1.0, 1.0):
        for _ in range(8):
            caution.take(sign, batch=10)
        assert caution.p == (1.0 if sign > 0 else 0.0)


def test_a_sure_discriminator_is_shown_changed_images(duel) -> None:
    task = duel(adaptive=True, adaptation=100)
    with torch.no_grad():
        task._d.exit.bias.fill_(100.0)  # everything is real
    for k in range(8):
        task.step(k, Seed((k,)))
    assert task.caution.p == 1.0
    assert task._changes(Seed((0,))) is not None
    assert duel()._changes(Seed((0,))) is None


# ── steps, kills and memory ──────────────────────────────────────────────────


def test_pieces_of_a_batch_give_the_whole_batchs_gradient(duel) -> None:
    whole, pieced = duel(adaptive=True), duel(adaptive=True)
    pieced.discriminator.micro = pieced.generator.micro = 4
    for task in (whole, pieced):
        task.caution.p = 0.5
        task.discriminator.optimiser = task.generator.optimiser = torch.optim.SGD([torch.zeros(1)])  # gradients stay
    losses = [task.step(0, Seed((0,))) for task in (whole, pieced)]
    for name, loss in losses[0].items():
        assert losses[1][name].item() == pytest.approx(loss.item(), rel=1e-4), name
    for mine, theirs in ((whole._g, pieced._g), (whole._d, pieced._d)):
        for (name, a), b in zip(mine.named_parameters(), theirs.parameters(), strict=True):
            scale = a.grad.abs().max().item()
            assert torch.allclose(a.grad, b.grad, atol=1e-4 * scale + 1e-9), name


class Killed(Exception):
    pass


def test_a_fit_that_goes_on_after_a_kill_is_the_same_fit(bars, tmp_path: Path) -> None:
    model = replace(TINY, epochs=0.7, adaptive=True, adaptation=100)  # 6 steps
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
        weights(tmp_path / "killed", 3)
    resumed, whole = weights(tmp_path / "killed", None), weights(tmp_path / "whole", None)
    assert all(torch.equal(resumed[name], whole[name]) for name in whole)
    assert resumed["middle"].abs().max() > 0
