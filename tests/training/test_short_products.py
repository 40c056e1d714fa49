"""Products of 16-bit numbers by way of 32-bit ones are torch's own, but for the order of their sums."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from autophagy.core.catalog import build, find, known_names
from autophagy.core.pool import REAL_DATA, Origin, Pool
from autophagy.core.seeds import Seed
from autophagy.models._trained import Trained
from autophagy.testing import toys
from autophagy.testing.checkpoints import stable_diffusion
from autophagy.testing.language_checkpoint import language_model
from autophagy.training import autocast
from autophagy.training.short_products import Widened, widened

MODULE = "autophagy.training.short_products"
CPU = torch.device("cpu")
LAST_PLACE = 2.0**-7  # of a bfloat16 number, relative
PRODUCTS: dict[str, tuple[Callable[..., Tensor], list[tuple[int, ...]]]] = {
    "linear": (F.linear, [(5, 9), (4, 9), (4,)]),
    "layer": (nn.Linear(9, 4), [(5, 9)]),
    "conv1d": (F.conv1d, [(2, 3, 9), (4, 3, 3)]),
    "conv2d": (F.conv2d, [(2, 3, 9, 9), (4, 3, 3, 3), (4,)]),
    "conv3d": (F.conv3d, [(2, 3, 5, 5, 5), (4, 3, 3, 3, 3)]),
    "transposed 1d": (F.conv_transpose1d, [(2, 3, 9), (3, 4, 3)]),
    "transposed 2d": (F.conv_transpose2d, [(2, 3, 9, 9), (3, 4, 3, 3)]),
    "transposed 3d": (F.conv_transpose3d, [(2, 3, 4, 4, 4), (3, 4, 3, 3, 3)]),
    "@": (lambda x, y: x @ y, [(2, 5, 9), (9, 4)]),
    "Tensor.matmul": (lambda x, y: x.matmul(y), [(5, 9), (9, 4)]),
    "mm": (torch.mm, [(5, 9), (9, 4)]),
    "bmm": (torch.bmm, [(2, 5, 9), (2, 9, 4)]),
    "addmm": (torch.addmm, [(5, 4), (5, 9), (9, 4)]),
    "baddbmm": (torch.baddbmm, [(2, 5, 4), (2, 5, 9), (2, 9, 4)]),
    "tensordot": (lambda x, y: torch.tensordot(x, y, 1), [(2, 5, 9), (9, 4)]),
    "attention with a mask": (
        lambda q, k, v: F.scaled_dot_product_attention(q, k, v, attn_mask=torch.ones(5, 7).tril().bool()),
        [(2, 3, 5, 8), (2, 3, 7, 8), (2, 3, 7, 8)],
    ),
    "attention": (F.scaled_dot_product_attention, [(2, 3, 5, 8), (2, 3, 7, 8), (2, 3, 7, 8)]),
    "attention by name": (
        lambda q, k, v: F.scaled_dot_product_attention(q, key=k, value=v, is_causal=True),
        [(2, 3, 5, 8), (2, 3, 5, 8), (2, 3, 5, 8)],
    ),
}


class Watch(TorchDispatchMode):
    """Notes every product of bfloat16 numbers that torch is left to work out, forwards and backwards."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = func.overloadpacket.__name__
        is_product = any(sign in name for sign in ("mm", "conv", "linear", "attention", "mv"))
        if is_product and any(isinstance(x, Tensor) and x.dtype == torch.bfloat16 for x in args):
            self.seen.append(name)
        return func(*args, **(kwargs or {}))


@pytest.fixture
def short_products() -> Iterator[list[str]]:
    with Watch() as watch:
        yield watch.seen


@pytest.fixture
def lacking(monkeypatch: pytest.MonkeyPatch) -> None:
    """A processor that cannot multiply in 16 bits."""
    monkeypatch.setattr(f"{MODULE}.multiplies_halves", lambda: False)


@pytest.fixture(autouse=True)
def _one_seed() -> None:
    torch.manual_seed(0)


def found(product: Callable[..., Tensor], given: list[Tensor]) -> list[Tensor]:
    """The product, and the gradients of a sum of it."""
    own = [x.detach().requires_grad_() for x in given]
    value = product(*own)
    (value * torch.linspace(-1, 1, value.numel()).view(value.shape)).sum().backward()
    return [value.detach(), *(x.grad for x in own if x.grad is not None)]


@pytest.mark.parametrize("name", PRODUCTS)
def test_products_and_gradients_are_autocasts_to_the_last_place(name: str) -> None:
    product, shapes = PRODUCTS[name]
    given = [torch.randn(shape) for shape in shapes]
    with torch.autocast("cpu", torch.bfloat16):
        own = found(product, given)
    with Widened(), torch.autocast("cpu", torch.bfloat16):
        ours = found(product, given)
    plain = found(product, given)
    assert [x.dtype for x in ours] == [x.dtype for x in own]
    for one, other, exact in zip(ours, own, plain, strict=True):
        scale = exact.abs().max().item()
        torch.testing.assert_close(one, other, rtol=2 * LAST_PLACE, atol=LAST_PLACE * scale)
        assert not torch.equal(one.float(), exact)  # it has been rounded


@pytest.mark.parametrize("name", PRODUCTS)
def test_no_product_is_left_in_sixteen_bits(name: str, short_products: list[str]) -> None:
    product, shapes = PRODUCTS[name]
    given = [torch.randn(shape) for shape in shapes]
    with torch.autocast("cpu", torch.bfloat16):
        found(product, given)
    assert short_products  # torch's own are seen
    short_products.clear()
    with Widened(), torch.autocast("cpu", torch.bfloat16):
        found(product, given)
    assert not short_products


def test_a_network_of_sixteen_bits_needs_no_autocast(short_products: list[str]) -> None:
    layer, x = nn.Linear(9, 4).bfloat16(), torch.randn(5, 9).bfloat16()
    own = layer(x)
    short_products.clear()
    with Widened():
        ours = layer(x)
    torch.testing.assert_close(ours, own, rtol=2 * LAST_PLACE, atol=LAST_PLACE)
    assert not short_products


def test_what_is_not_short_is_left_alone() -> None:
    x, y = torch.randn(5, 9), torch.randn(9, 4)
    with Widened():
        assert torch.equal(x @ y, _plain(x, y))
        with torch.autocast("cpu", torch.bfloat16):
            assert torch.equal(x.double() @ y.double(), _plain(x.double(), y.double()))
            with torch.autocast("cpu", enabled=False):
                assert torch.equal(x @ y, _plain(x, y))
        with pytest.raises(RuntimeError, match="dtype"):
            x @ y.bfloat16()  # as without us


@pytest.mark.parametrize("is_on", [True, False])
def test_whole_and_complex_numbers_and_given_places_are_torchs(is_on: bool) -> None:
    whole, x = torch.arange(12).view(3, 4), torch.randn(3, 4)
    with torch.autocast("cpu", torch.bfloat16, enabled=is_on):
        with Widened():
            found = [whole @ whole.T * 1_000_003, (x + 1j * x) @ (x.T + 0j), torch.einsum("ij->ji", x)]
        own = [whole @ whole.T * 1_000_003, (x + 1j * x) @ (x.T + 0j), torch.einsum("ij->ji", x)]
        assert [each.dtype for each in found] == [each.dtype for each in own]
        assert all(torch.equal(one, other) for one, other in zip(found, own, strict=True))
        out, short = torch.zeros(3, 3, dtype=torch.bfloat16), x.bfloat16()
        with Widened():
            torch.mm(short, short.T, out=out)
        assert torch.count_nonzero(out)


def _plain(x: Tensor, y: Tensor) -> Tensor:
    with torch._C.DisableTorchFunction():
        return x @ y


@pytest.mark.parametrize("here", [True, False])
def test_it_is_used_where_the_processor_has_no_such_products(here: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"{MODULE}.multiplies_halves", lambda: here)
    assert isinstance(widened(CPU), Widened) is not here
    assert isinstance(widened(torch.device("cuda")), nullcontext)


def test_it_can_be_entered_within_itself(lacking: None) -> None:
    x, y = torch.randn(5, 9), torch.randn(9, 4)
    with autocast("bfloat16", CPU):
        once = x @ y
        with autocast("bfloat16", CPU):
            assert torch.equal(x @ y, once)
    assert (x @ y).dtype == torch.float32


# ── the families ─────────────────────────────────────────────────────────────


def families() -> Iterator[str]:
    for name in known_names("model"):
        kind = find("model", name)
        if issubclass(kind, Trained) and name != "flow":  # which is in 32 bits only
            yield name


def small(name: str, folder: Path) -> Trained:
    checkpoint = {"causal-lm": language_model, "latent-diffusion": stable_diffusion}.get(name)
    given = {} if checkpoint is None else {"checkpoint": str(checkpoint(folder / name))}
    model = build("model", {"use": name, **given})
    return replace(model, **{**model.trial, **given, "batch": 8, "steps": 2, "precision": "bfloat16"})


@pytest.mark.parametrize("name", list(families()))
def test_every_family_trains_and_draws_without_them(
    name: str, tmp_path: Path, lacking: None, short_products: list[str]
) -> None:
    model = small(name, tmp_path)
    if name == "latent-diffusion":
        photographs = toys.samples("images", 16, Seed(("photographs",)), (3, 32, 32))
        train = Pool.born(photographs, Origin("real", REAL_DATA), condition=np.array(["a bar"] * 16))
    else:
        train = toys.pool(next(space for space in ("images", "text", "vectors") if space in model.takes), 16)
    train = train if model.conditional else train.unconditional()
    sampler = model.fit(train, start=None, seed=Seed(("fit",)), workspace=toys.workspace())
    condition = None if train.condition is None else train.condition[:4]
    sampler.sample(4, condition=condition, bias=1.0, seed=Seed(("sample",)))
    assert not short_products


def slope(judge: nn.Module, x: Tensor) -> Tensor:
    """A gradient penalty as WGAN-GP's: the gradient in x is taken within autocast, and has a gradient itself."""
    own = x.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(judge(own).sum(), own, create_graph=True)
    return gradient.float().square().mean()


def test_gradients_of_gradients_are_autocasts(short_products: list[str]) -> None:
    judge, x = (
        nn.Sequential(nn.Conv2d(1, 6, 3), nn.Softplus(), nn.Flatten(), nn.Linear(216, 1)),
        torch.randn(3, 1, 8, 8),
    )

    def penalised() -> list[Tensor]:
        judge.zero_grad()
        with torch.autocast("cpu", torch.bfloat16):
            penalty = slope(judge, x)
        penalty.backward()
        return [penalty.detach(), *(w.grad for w in judge.parameters() if w.grad is not None)]

    own = penalised()
    short_products.clear()
    with Widened():
        ours = penalised()
    assert not short_products
    for one, other in zip(ours, own, strict=True):
        torch.testing.assert_close(one, other, rtol=0.05, atol=0.02 * other.abs().max().item())
