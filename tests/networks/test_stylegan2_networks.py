import math
from itertools import pairwise

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from autophagy.networks.stylegan2 import Discriminator, Generator, Shape
from autophagy.networks.stylegan2_layers import (
    EqualConvolution,
    EqualLinear,
    ModulatedConvolution,
    blurred,
    doubled,
    normalised,
    with_spread,
)

SMALL = Shape(colours=1, side=16, base=128, most=8, latent=6, layers=2)


@pytest.fixture(autouse=True)
def _values_of_one_seed():
    torch.manual_seed(0)
    with torch.no_grad():
        yield


def noise(*shape: int, seed: int = 1) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def own_weights(layer: ModulatedConvolution, w: Tensor) -> Tensor:
    """The weights `(n, outputs, inputs, k, k)` that Karras et al. 2020 give every image, equations 1 and 3."""
    inputs, kernel = layer.weight.shape[1], layer.weight.shape[2]
    modulated = layer.weight[None] / math.sqrt(inputs * kernel**2) * layer.style(w)[:, None, :, None, None]
    return modulated * (modulated.square().sum((2, 3, 4), keepdim=True) + 1e-8).rsqrt()


def test_a_modulated_convolution_is_a_convolution_with_weights_of_its_own_for_every_image() -> None:
    layer = ModulatedConvolution(5, 7, 3, 6)
    x, w = noise(4, 5, 8, 8), noise(4, 6, seed=2)
    found, factor = layer(x, w)
    each = [F.conv2d(x[i : i + 1], weight, padding=1) for i, weight in enumerate(own_weights(layer, w))]
    assert torch.allclose(found * factor, torch.cat(each), atol=1e-5)
    grouped = F.conv2d(x.reshape(1, 20, 8, 8), own_weights(layer, w).flatten(0, 1), padding=1, groups=4)
    assert torch.allclose(found * factor, grouped.view(4, 7, 8, 8), atol=1e-5)


def test_one_that_doubles_spreads_every_image_with_its_own_weights_and_filters() -> None:
    layer = ModulatedConvolution(3, 4, 3, 6, doubles=True)
    x, w = noise(2, 3, 4, 4), noise(2, 6, seed=2)
    found, factor = layer(x, w)
    for i, weight in enumerate(own_weights(layer, w)):
        spread = torch.zeros(1, 3, 7, 7)
        spread[:, :, ::2, ::2] = x[i]
        full = F.conv2d(F.pad(spread, (2, 2, 2, 2)), weight.flip(2, 3))  # a transposed convolution, said plainly
        assert torch.allclose((found * factor)[i : i + 1], blurred(full, 1, gain=4.0), atol=1e-5)
    assert found.shape == (2, 4, 8, 8)


def test_demodulated_weights_have_norm_one() -> None:
    layer = ModulatedConvolution(5, 7, 3, 6)
    style = layer.style(noise(4, 6))
    weight = layer.weight[None] / math.sqrt(45) * style[:, None, :, None, None]
    demodulated = weight * layer.demodulation(style)[:, :, None, None, None]
    assert demodulated.square().sum((2, 3, 4)).sqrt() == pytest.approx(torch.ones(4, 7), abs=1e-5)


def test_features_stay_at_variance_one_through_equalised_layers() -> None:
    linear = EqualLinear(400, 300, rate=0.01)
    assert linear(noise(500, 400)).var().item() == pytest.approx(1, abs=0.05)
    assert linear.weight.std().item() == pytest.approx(100, rel=0.02)  # Adam moves it a hundredth as far
    convolution = EqualConvolution(40, 60, 3)
    found = convolution(noise(8, 40, 16, 16))[:, :, 1:-1, 1:-1]
    assert found.square().mean().item() == pytest.approx(1, abs=0.1)  # the rectifier's gain makes up for its loss


def test_the_filter_keeps_what_is_constant_and_halves_or_doubles_the_side() -> None:
    flat = torch.full((1, 2, 8, 8), 3.0)
    assert torch.allclose(blurred(flat, 0), torch.full((1, 2, 5, 5), 3.0))
    assert torch.allclose(doubled(flat)[:, :, 2:-2, 2:-2], torch.full((1, 2, 12, 12), 3.0))
    for kernel in (1, 3):
        assert EqualConvolution(2, 3, kernel, halves=True)(flat).shape == (1, 3, 4, 4)


def test_doubling_is_linear_interpolation_a_quarter_pixel_to_either_side() -> None:
    x = noise(1, 1, 6, 6)
    theirs = F.interpolate(x, scale_factor=2, mode="bilinear")
    assert torch.allclose(doubled(x)[:, :, 1:-1, 1:-1], theirs[:, :, 1:-1, 1:-1], atol=1e-6)


def test_latents_are_normalised_to_mean_square_one() -> None:
    assert normalised(7 * noise(5, 9)).square().mean(1) == pytest.approx(torch.ones(5), abs=1e-6)


def test_the_spread_of_a_group_is_a_channel_of_each_of_its_images() -> None:
    x = torch.zeros(8, 2, 4, 4)
    x[4:] = torch.tensor([-1.0, 1.0, -1.0, 1.0])[:, None, None, None]
    added = with_spread(x, 4)[:, 2]
    assert added[:4] == pytest.approx(torch.zeros(4, 4, 4), abs=1e-3)
    assert added[4:] == pytest.approx(torch.ones(4, 4, 4), abs=1e-3)


def test_groups_are_neighbours_and_the_last_may_be_smaller() -> None:
    x = noise(10, 3, 4, 4)
    whole = with_spread(x, 4)
    parts = torch.cat([with_spread(part, 4) for part in (x[:4], x[4:8], x[8:])])
    assert torch.equal(whole, parts)
    assert torch.equal(with_spread(x[:1], 4)[:, 3], torch.full((1, 4, 4), 1e-4))  # one image alone has no spread


@pytest.mark.parametrize(("side", "colours"), [(16, 1), (64, 3)])
def test_images_have_the_side_and_colours_asked_for(side: int, colours: int) -> None:
    shape = Shape(colours=colours, side=side, base=256, most=8, latent=6, layers=2)
    generator, discriminator = Generator(shape), Discriminator(shape)
    images = generator(noise(4, 6), noise(4, shape.noises))
    assert images.shape == (4, colours, side, side)
    assert discriminator(images).shape == (4,)
    assert shape.styles == 2 * math.log2(side) - 2


def test_channels_fall_with_the_side_between_one_and_the_most() -> None:
    shape = Shape(colours=3, side=1024, base=2048, most=64, latent=6, layers=2)
    assert [shape.channels(side) for side in (4, 32, 64, 1024, 4096)] == [64, 64, 32, 2, 1]


def test_every_layer_has_a_style_of_its_own_and_fine_ones_leave_what_is_coarse() -> None:
    generator = Generator(SMALL)
    w, other = noise(1, SMALL.styles, 6), noise(1, SMALL.styles, 6, seed=3)
    grain = torch.zeros(1, SMALL.noises)

    def mixed(first: int) -> Tensor:
        return generator.draw(torch.cat([w[:, :first], other[:, first:]], 1), grain)

    images = [mixed(first) for first in range(SMALL.styles + 1)]
    moves = [(a - b).abs().max().item() for a, b in pairwise(images)]
    assert min(moves) > 1e-4
    assert torch.equal(images[-1], generator.draw(w, grain))


def test_noise_enters_with_a_strength_that_begins_at_nothing() -> None:
    generator = Generator(SMALL)
    z = noise(2, 6)
    first, second = (generator(z, noise(2, SMALL.noises, seed=seed)) for seed in (4, 5))
    assert torch.equal(first, second)
    for name, strength in generator.named_parameters():
        if name.endswith("strength"):
            nn.init.ones_(strength)
    first, second = (generator(z, noise(2, SMALL.noises, seed=seed)) for seed in (4, 5))
    assert not torch.allclose(first, second)


def test_truncation_moves_w_in_a_straight_line_to_the_middle() -> None:
    generator = Generator(SMALL)
    w = generator.map(noise(50, 6))
    generator.recentre(w, 1.0)
    assert torch.allclose(generator.middle, w.mean(0))
    assert torch.equal(generator.truncated(w, 1.0), w)
    assert torch.allclose(generator.truncated(w, 0.0), w.mean(0).expand(50, -1))
    assert torch.allclose(generator.truncated(w, 0.25), 0.75 * w.mean(0) + 0.25 * w, atol=1e-6)
    assert generator.truncated(w, 0.5).var(0).sum().item() == pytest.approx(w.var(0).sum().item() / 4, rel=1e-4)


@torch.enable_grad()
def test_both_networks_can_be_differentiated_twice() -> None:
    generator, discriminator = Generator(SMALL), Discriminator(SMALL)
    styles, grain = noise(4, SMALL.styles, 6).requires_grad_(), noise(4, SMALL.noises)
    (slope,) = torch.autograd.grad(generator.draw(styles, grain).square().sum(), styles, create_graph=True)
    slope.square().sum().backward()
    images = noise(4, 1, 16, 16).requires_grad_()
    (slope,) = torch.autograd.grad(discriminator(images).sum(), images, create_graph=True)
    slope.square().sum().backward()
    for name, weight in [*generator.blocks.named_parameters(), *discriminator.named_parameters()]:
        if name.endswith("weight"):
            assert weight.grad is not None, name
            assert weight.grad.any(), name


def test_sixteen_bits_draw_nearly_the_same_images() -> None:
    short = Shape(colours=1, side=16, base=128, most=8, latent=6, layers=2, dtype=torch.bfloat16)
    exact, rough = Generator(SMALL), Generator(short)
    rough.load_state_dict(exact.state_dict())
    z, grain = noise(8, 6), noise(8, SMALL.noises)
    assert rough(z, grain).dtype == torch.float32
    assert (exact(z, grain) - rough(z, grain)).abs().mean() < 0.03 * exact(z, grain).abs().mean()
