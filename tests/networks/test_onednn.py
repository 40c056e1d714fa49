"""Layers multiplied by oneDNN give what torch gives, forwards and backwards."""

from __future__ import annotations

from copy import deepcopy

import pytest
import torch
from torch import Tensor, nn

from autophagy.networks.onednn import IS_HERE, Linear, quickened


def networks() -> tuple[nn.Module, nn.Module]:
    torch.manual_seed(0)
    plain = nn.Sequential(nn.Linear(7, 33), nn.GELU(), nn.Sequential(nn.Linear(33, 5, bias=False)))
    return plain, quickened(deepcopy(plain))


def gradients(network: nn.Module, x: Tensor) -> list[Tensor]:
    own = x.clone().requires_grad_(True)
    network(own).square().sum().backward()
    return [own.grad, *(each.grad for each in network.parameters())]  # type: ignore[list-item]


@pytest.mark.skipif(not IS_HERE, reason="torch was built without oneDNN")
def test_products_and_gradients_are_those_of_torch() -> None:
    plain, quick = networks()
    assert [type(each) for each in quick.modules() if isinstance(each, nn.Linear)] == [Linear, Linear]
    x = torch.randn(3, 4, 7)
    torch.testing.assert_close(quick(x), plain(x))
    for own, other in zip(gradients(quick, x), gradients(plain, x), strict=True):
        torch.testing.assert_close(own, other)


def test_names_and_weights_stay() -> None:
    plain, quick = networks()
    assert list(quick.state_dict()) == list(plain.state_dict())
    quick.load_state_dict(plain.state_dict())


def test_frozen_weights_get_no_gradient() -> None:
    _, quick = networks()
    quick[2].requires_grad_(False)  # type: ignore[index]
    quick(torch.randn(2, 7)).sum().backward()
    assert [each.grad is None for each in quick.parameters()] == [False, False, True]


def test_tied_weights_stay_tied() -> None:
    head = nn.Linear(6, 10, bias=False)
    network = nn.ModuleDict({"words": nn.Embedding(10, 6), "head": head})
    head.weight = network["words"].weight  # type: ignore[union-attr, assignment]
    assert quickened(network)["head"].weight is network["words"].weight  # type: ignore[index]


def test_sixteen_bits_and_slices_are_torchs_own() -> None:
    plain, quick = networks()
    x = torch.randn(2, 4, 7)[:, -1:].bfloat16()
    torch.testing.assert_close(quick.bfloat16()(x), plain.bfloat16()(x))
    assert quick.bfloat16()(torch.empty(0, 7).bfloat16()).shape == (0, 5)
