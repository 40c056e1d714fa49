"""Muon within a network and Adam around it: torch's own steps, and nothing lost when a fit is killed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from autophagy.core.seeds import Seed
from autophagy.core.workspace import Workspace
from autophagy.models._diffusion_network import hidden, network_of
from autophagy.training import Muon, Player, short_products
from autophagy.training.checkpoint import restore, save

RATE, BETAS = 5e-3, (0.9, 0.99)


def network() -> nn.Sequential:
    torch.manual_seed(0)
    layers = nn.Sequential(nn.Conv2d(2, 4, 3, padding=1), nn.Conv2d(4, 6, 3, padding=1), nn.Flatten(), nn.Linear(96, 5))
    layers[1].weight.data = layers[1].weight.data.contiguous(memory_format=torch.channels_last)
    return layers


def player(net: nn.Sequential) -> Player:
    inner = [net[1].weight]
    others = [weights for weights in net.parameters() if weights is not inner[0]]
    return Player(net, Muon(inner, others, RATE, BETAS), clip=None, rate=lambda k: 1 / (1 + k))


def steps(one: Player, numbers: range) -> None:
    for number in numbers:
        x = torch.randn(8, 2, 4, 4, generator=torch.Generator().manual_seed(number))
        one.descend(8, lambda rows, x=x: one.network(x[rows]).square().mean())


def test_a_matrix_goes_by_torchs_muon_and_all_else_by_its_adam() -> None:
    mine, theirs = network(), network()
    steps(player(mine), range(3))
    flat = nn.Parameter(theirs[1].weight.detach().flatten(1).clone())
    others = [weights for weights in theirs.parameters() if weights is not theirs[1].weight]
    muon = torch.optim.Muon([flat], RATE, weight_decay=0.0, adjust_lr_fn="match_rms_adamw")
    adam = torch.optim.Adam(others, RATE, betas=BETAS, fused=True)
    for number in range(3):
        x = torch.randn(8, 2, 4, 4, generator=torch.Generator().manual_seed(number))
        theirs.zero_grad()
        theirs(x).square().mean().backward()
        flat.grad = theirs[1].weight.grad.flatten(1)
        for one in (muon, adam):
            one.param_groups[0]["lr"] = RATE / (1 + number)
            one.step()
        theirs[1].weight.data.copy_(flat.data.view_as(theirs[1].weight))
    for name, weights in theirs.state_dict().items():
        assert torch.equal(weights, mine.state_dict()[name]), name


def test_a_step_is_the_nearest_orthogonal_matrix_as_long_as_adams() -> None:
    weights = nn.Parameter(torch.zeros(16, 64))
    other = nn.Parameter(torch.zeros(1))
    one = Muon([weights], [other], RATE, BETAS)
    weights.grad, other.grad = torch.randn(16, 64, generator=torch.Generator().manual_seed(1)), torch.ones(1)
    one.step()
    step = weights.detach() / (RATE * 0.2 * 64**0.5)
    lengths = torch.linalg.svdvals(step)
    assert (lengths > 0.6).all()
    assert (lengths < 1.3).all()  # five of its rounds leave singular values near 1, not at it
    assert float(weights.detach().square().mean().sqrt()) == pytest.approx(0.2 * RATE, rel=0.2)


def test_a_fit_that_was_killed_goes_on_with_the_same_bits(tmp_path: Path) -> None:
    whole = player(network())
    steps(whole, range(6))
    half = player(network())
    steps(half, range(3))
    save({"net": half}, 3, Workspace(lambda: tmp_path))
    again = player(network())
    assert restore({"net": again}, Workspace(lambda: tmp_path)) == 3
    steps(again, range(3, 6))
    for name, weights in whole.network.state_dict().items():
        assert torch.equal(weights, again.network.state_dict()[name]), name


def test_where_nothing_multiplies_in_16_bits_products_are_widened(monkeypatch: pytest.MonkeyPatch) -> None:
    plain, wide, products = network(), network(), 0
    steps(player(plain), range(2))

    class Counted(short_products.Widened):
        def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            nonlocal products
            products += func in short_products._PRODUCTS
            return super().__torch_function__(func, types, args, kwargs)

    monkeypatch.setattr(short_products, "multiplies_halves", lambda: False)
    monkeypatch.setattr(short_products, "Widened", Counted)
    steps(player(wide), range(2))
    assert products >= 2 * 5 * 3  # three in each of five rounds of each step
    for name, weights in plain.state_dict().items():
        assert torch.allclose(weights, wide.state_dict()[name], atol=1e-3), name


@pytest.mark.parametrize("backbone", ["dit", "unet"])
def test_what_is_hidden_is_neither_first_nor_last_nor_a_table(backbone: str) -> None:
    net = network_of(backbone, (1, 8, 8), classes=3, width=32, depth=2, patch=2, seed=Seed(("w",)))  # type: ignore[arg-type]
    inner = {id(weights) for weights in hidden(net)}
    named = {name for name, weights in net.named_parameters() if id(weights) in inner}
    assert named
    outer = ("enter", "leave", "condition", "modulate", "place", "near", "bias")
    assert not [name for name in named if any(part in name for part in outer)]
    assert sum(net.get_parameter(name).numel() for name in named) > 0.4 * sum(w.numel() for w in net.parameters())
