import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from autophagy.networks.vae import ConvolutionalVae, DenseVae, NarrowUp, bound

SHAPES = [(1, 28, 28), (3, 10, 13), (1, 4, 4), (2, 5, 7)]


@pytest.fixture(autouse=True)
def repeatable() -> None:
    torch.manual_seed(3)


def test_it_has_as_many_weights_as_the_notebook_prints() -> None:
    assert sum(p.numel() for p in ConvolutionalVae((1, 28, 28), 64, 20).parameters()) == 647_081


@pytest.mark.parametrize("colours", [1, 3])
def test_a_narrow_transposed_convolution_is_torchs_own(colours) -> None:
    ours, theirs = NarrowUp(8, colours, 4, 2, 1), nn.ConvTranspose2d(8, colours, 4, 2, 1)
    ours.load_state_dict(theirs.state_dict())
    x = torch.randn(3, 8, 5, 6)
    weight = torch.randn(3, colours, 10, 12)
    for layer in (ours, theirs):
        (layer(x) * weight).sum().backward()
    assert torch.allclose(ours(x), theirs(x), atol=1e-5)
    assert torch.allclose(ours.weight.grad, theirs.weight.grad, atol=1e-4)
    assert torch.allclose(ours.bias.grad, theirs.bias.grad, atol=1e-4)


def test_the_convolutional_network_is_the_notebooks() -> None:
    """Written out once more with torch's layers, codes and images in the order of channels first."""
    net, x, z = ConvolutionalVae((1, 8, 12), 4, 3), torch.rand(5, 1, 8, 12), torch.randn(5, 3)
    deep = F.relu(F.conv2d(x, net.down1.weight, net.down1.bias, 2, 1))
    deep = F.relu(F.conv2d(deep, net.down2.weight, net.down2.bias, 2, 1))  # (5, 8, 2, 3)
    by_channel = net.to_code.weight.view(6, 2, 3, 8).permute(0, 3, 1, 2).flatten(1)
    code = F.linear(deep.flatten(1), by_channel, net.to_code.bias)
    mean, log_variance = net.encode(x)
    assert torch.allclose(torch.cat([mean, log_variance], 1), code, atol=1e-5)

    wide = net.from_code(z).view(5, 2, 3, 8).permute(0, 3, 1, 2)
    wide = F.relu(F.conv_transpose2d(wide, net.up2.weight, net.up2.bias, 2, 1))
    image = torch.sigmoid(F.conv_transpose2d(wide, net.up1.weight, net.up1.bias, 2, 1))
    assert torch.allclose(net.means(z), image, atol=1e-5)


@pytest.mark.parametrize("shape", SHAPES)
def test_images_of_any_size_go_in_and_come_out(shape) -> None:
    for net in (ConvolutionalVae(shape, 4, 3), DenseVae(shape, 9, 3)):
        mean, log_variance = net.encode(torch.rand(6, *shape))
        assert mean.shape == log_variance.shape == (6, 3)
        images = net.means(mean)
        assert images.shape == (6, *shape)
        assert ((images > 0) & (images < 1)).all()


@pytest.mark.parametrize("shape", SHAPES)
def test_every_pixel_is_seen_and_painted(shape) -> None:
    for net in (ConvolutionalVae(shape, 4, 3), DenseVae(shape, 40, 3)):
        x = torch.rand(16, *shape, requires_grad=True)
        net.encode(x)[0].square().sum().backward()
        assert (x.grad.abs().sum(0) > 0).all()
        z = torch.randn(16, 3)
        assert (net.means(z).std(0) > 0).all()


def test_the_bound_has_its_closed_form() -> None:
    """Logits of 0 cost ln 2 a pixel; the divergence from N(0, 1) to N(m, s²) is (m² + s² − 1)/2 − ln s."""
    images = torch.rand(4, 1, 3, 3)
    mean, deviation = torch.tensor([[0.0], [2.0], [0.0], [-1.0]]), torch.tensor([[1.0], [1.0], [0.5], [3.0]])
    found = bound(torch.zeros(4, 1, 3, 3), images, mean, 2 * deviation.log())
    divergence = (mean**2 + deviation**2 - 1) / 2 - deviation.log()
    assert found.numpy() == pytest.approx(9 * np.log(2) + divergence[:, 0].numpy(), rel=1e-6)


def test_the_bound_is_the_cross_entropy_of_the_means() -> None:
    net, images = DenseVae((1, 4, 4), 8, 2), torch.rand(7, 1, 4, 4)
    zeros = torch.zeros(7, 2)
    found = bound(net.decode(zeros), images, zeros, zeros).sum()
    assert found.item() == pytest.approx(F.binary_cross_entropy(net.means(zeros), images, reduction="sum").item())
