"""The denoisers of `diffusion`: what they take, what they give, and what they must not look at."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from autophagy.networks.dit import DiT
from autophagy.networks.noise_condition import NoiseCondition, padded
from autophagy.networks.unet import UNet

SHAPES = [(1, 28, 28), (3, 32, 32), (1, 30, 26), (3, 7, 9)]


def dit(shape: tuple[int, int, int], classes: int = 3) -> nn.Module:
    return DiT(shape, classes=classes, width=32, depth=2, patch=4)


def unet(shape: tuple[int, int, int], classes: int = 3) -> nn.Module:
    return UNet(shape, classes=classes, width=8, depth=3, patch=2)


@pytest.fixture(params=[dit, unet], ids=["dit", "unet"])
def make(request):
    """A backbone with weights of its seed, not a layer of them zero."""

    def made(*args) -> nn.Module:
        torch.manual_seed(0)
        network = request.param(*args)
        with torch.no_grad():
            for weights in network.parameters():
                weights.add_(0.05 * torch.randn_like(weights))
        return network

    return made


def asked(shape: tuple[int, int, int], n: int = 2) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    return torch.randn(n, *shape, generator=generator), torch.linspace(-1.5, 1.5, n), torch.arange(n) % 3


@pytest.mark.parametrize("shape", SHAPES)
def test_images_of_any_size_come_back_in_their_size(make, shape) -> None:
    answer = make(shape)(*asked(shape))
    assert answer.shape == (2, *shape)
    assert bool(answer.isfinite().all())


@pytest.mark.parametrize("network", [dit((1, 28, 28)), unet((1, 28, 28))], ids=["dit", "unet"])
def test_an_untrained_network_says_nothing(network) -> None:
    assert float(network(*asked((1, 28, 28))).detach().abs().max()) == 0


def test_every_weight_has_a_part_in_the_answer(make) -> None:
    network = make((1, 30, 26))
    network(*asked((1, 30, 26), 3)).square().sum().backward()
    idle = [name for name, weights in network.named_parameters() if not float(weights.grad.abs().sum())]
    assert idle == []


def test_an_answer_depends_on_level_and_class(make) -> None:
    network, (x, level, label) = make((1, 28, 28)), asked((1, 28, 28))
    with torch.no_grad():
        answer = network(x, level, label)
        assert not torch.allclose(network(x, level + 0.1, label), answer, atol=1e-4)
        assert not torch.allclose(network(x, level, label + 1), answer, atol=1e-4)


def test_without_classes_labels_are_not_looked_at(make) -> None:
    network, (x, level, label) = make((1, 28, 28), 0), asked((1, 28, 28))
    with torch.no_grad():
        assert torch.equal(network(x, level, label), network(x, level, label + 1))


def test_every_pixel_can_see_every_other(make) -> None:
    """Of the last pixel's answer, some gradient reaches the first, padding or not."""
    shape = (1, 30, 26)
    network, (x, level, label) = make(shape), asked(shape)
    network(x.requires_grad_(), level, label)[:, :, -1, -1].sum().backward()
    assert float(x.grad[:, :, 0, 0].abs().min()) > 0


def test_images_of_a_batch_do_not_see_one_another(make) -> None:
    network, (x, level, label) = make((3, 12, 12)), asked((3, 12, 12), 4)
    with torch.no_grad():
        alone = network(x[:1], level[:1], label[:1])
        assert torch.allclose(network(x, level, label)[:1], alone, atol=1e-5)


def test_padding_goes_to_the_right_and_below() -> None:
    assert padded(torch.ones(1, 1, 3, 5), 4)[0, 0].sum(1).tolist() == [5, 5, 5, 0]
    assert padded(torch.ones(1, 1, 3, 5), 4).shape == (1, 1, 4, 8)
    whole = torch.ones(1, 1, 4, 8)
    assert padded(whole, 4) is whole


def test_levels_next_to_one_another_are_told_alike_and_distant_ones_are_not() -> None:
    torch.manual_seed(0)
    condition = NoiseCondition(64, 0)
    with torch.no_grad():
        told = condition(torch.tensor([0.0, 0.001, 0.5]), torch.zeros(3, dtype=torch.long))
    near, far = ((told[0] - other).norm() / told[0].norm() for other in told[1:])
    assert float(near) < 0.05 * float(far)
