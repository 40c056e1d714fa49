import numpy as np
import pytest
import torch

from autophagy.networks.augment import Draw, augmented, drawn, warps

COLOURLESS = torch.tensor([[0.0, 1.0, 1.0]])
SAME = warps(6, np.ones(1), np.zeros(1))


def images(n: int, colours: int = 1, side: int = 8) -> torch.Tensor:
    return torch.rand(n, colours, side, side, generator=torch.Generator().manual_seed(0)) * 2 - 1


def changed(n: int, p: float, x: torch.Tensor, *, flips: bool = True, seed: int = 0) -> torch.Tensor:
    return augmented(x, drawn(n, x.shape[2:], p, flips=flips, rng=np.random.default_rng(seed)))


def test_at_probability_nothing_every_image_stays_as_it_is() -> None:
    x = images(20, 3)
    assert torch.allclose(changed(20, 0.0, x), x, atol=1e-6)


def test_at_probability_one_no_image_stays_and_each_is_changed_in_its_own_way() -> None:
    x = images(1, 3).repeat(20, 1, 1, 1)
    found = changed(20, 1.0, x)
    assert (found - x).abs().amax((1, 2, 3)).min() > 0.05
    assert (found[1:] - found[:-1]).abs().amax((1, 2, 3)).min() > 0.05


def test_the_share_of_changed_images_follows_the_probability() -> None:
    x = images(1).repeat(4000, 1, 1, 1)
    stays = ((changed(4000, 0.1, x) - x).abs().amax((1, 2, 3)) < 1e-6).float().mean()
    # flips change one in two; shifts, glides, two scales, brightness, contrast; light is turned in one of two
    expected = 0.95 * 0.9**2 * 0.9**2 * 0.9**2 * 0.9 * 0.9 * 0.95  # a shift can be of 0 pixels, so a little more stays
    assert expected < stays < expected + 0.06


def test_a_whole_shift_moves_pixels_and_mirrors_what_lies_beyond() -> None:
    row = torch.arange(6.0)
    shifted = warps(6, np.ones(1), np.array([2.0]))[0] @ row
    assert shifted.tolist() == [1, 0, 0, 1, 2, 3]


def test_a_negative_scale_mirrors_and_half_a_pixel_is_interpolated() -> None:
    row = torch.arange(6.0)
    assert (warps(6, -np.ones(1), np.zeros(1))[0] @ row).tolist() == [5, 4, 3, 2, 1, 0]
    assert (warps(6, np.ones(1), np.array([-0.5]))[0] @ row)[:5] == pytest.approx(torch.arange(5) + 0.5)


def test_scaling_is_about_the_middle() -> None:
    row = torch.arange(6.0)
    doubled = warps(6, np.array([2.0]), np.zeros(1))[0] @ row
    assert doubled == pytest.approx(torch.tensor([1.25, 1.75, 2.25, 2.75, 3.25, 3.75]))
    halved = warps(6, np.array([0.5]), np.zeros(1))[0]
    assert halved.sum(1) == pytest.approx(torch.ones(6))
    assert halved[0].tolist() == [0.125, 0.375, 0.375, 0.125, 0, 0]  # what gets smaller is averaged, not picked


def test_weights_of_any_warp_sum_to_one() -> None:
    rng = np.random.default_rng(0)
    weights = warps(9, np.exp2(rng.normal(size=50)) * rng.choice([-1, 1], 50), rng.normal(0, 6, 50))
    assert weights.sum(2) == pytest.approx(torch.ones(50, 9), abs=1e-5)
    assert weights.min() >= 0


def test_colours_are_brightened_contrasted_turned_and_faded() -> None:
    x = images(1, 3, 6)
    grey = x.mean(1, keepdim=True)

    def coloured(*numbers: float) -> torch.Tensor:
        return augmented(x, Draw(SAME, SAME, torch.tensor([numbers])))

    assert coloured(0.25, 1, 1) == pytest.approx(x + 0.25, abs=1e-6)
    assert coloured(0, 2, 2) == pytest.approx(2 * x, abs=1e-6)
    assert coloured(0, -1, 1) == pytest.approx(x - 2 * grey, abs=1e-6)
    assert coloured(0, 1, 0) == pytest.approx(grey.expand(-1, 3, -1, -1), abs=1e-6)


def test_a_shift_of_one_colour_image_turned_is_its_negative() -> None:
    x = images(1, 1, 6)
    assert augmented(x, Draw(SAME, SAME, torch.tensor([[0.0, -1.0, 1.0]]))) == pytest.approx(-x, abs=1e-6)


def test_what_augmentation_does_to_a_distribution_can_be_undone_below_probability_one() -> None:
    """What a mean image becomes is a matrix; the generator learns the right images if it has an inverse."""
    rng = np.random.default_rng(0)
    for p in (0.2, 0.4, 0.6):
        untouched = (1 - p / 2) * (1 - p) ** 4  # of the flip, two scales, shift and glide none happens
        draws = drawn(8000, (8, 8), p, flips=True, rng=rng)
        assert torch.linalg.svdvals(draws.columns.mean(0)).min() > untouched
    certain = drawn(8000, (8, 8), 1.0, flips=True, rng=rng)  # here left and right are lost for good
    assert torch.linalg.svdvals(certain.columns.mean(0))[4:].max() < 0.02


def test_without_flips_no_image_is_mirrored() -> None:
    slope = torch.linspace(-1, 1, 16).expand(400, 1, 16, 16)
    draws = drawn(400, (16, 16), 1.0, flips=False, rng=np.random.default_rng(0))
    plain = Draw(draws.rows, draws.columns, COLOURLESS.expand(400, -1))
    found = augmented(slope, plain)
    assert (found[..., 8] > found[..., 7]).all()
    flipped = drawn(400, (16, 16), 1.0, flips=True, rng=np.random.default_rng(0))
    turned = augmented(slope, Draw(flipped.rows, flipped.columns, COLOURLESS.expand(400, -1)))
    assert (turned[:, 0, 8, 8] < turned[:, 0, 8, 7]).float().mean() == pytest.approx(0.5, abs=0.1)


def test_gradients_pass_twice() -> None:
    x = images(4).double().requires_grad_()
    draw = drawn(4, (8, 8), 0.9, flips=True, rng=np.random.default_rng(1))
    exact = Draw(draw.rows.double(), draw.columns.double(), draw.colours.double())
    assert torch.autograd.gradcheck(lambda x: augmented(x, exact), x)
    assert torch.autograd.gradgradcheck(lambda x: augmented(x, exact).square(), x)
