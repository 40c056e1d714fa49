"""Tensors give NumPy's numbers, read in place or worked out where an accelerator holds them."""

import numpy as np
import pytest
import torch

from autophagy.kernels import arrays
from autophagy.kernels.frechet import frechet
from autophagy.kernels.frechet_error import jackknife
from autophagy.kernels.frechet_influence import influence_error
from autophagy.kernels.kid import kid
from autophagy.kernels.moments import Moments, Stream, moments
from autophagy.kernels.order import shuffled
from autophagy.kernels.vendi import vendi
from autophagy.kernels.wasserstein import exact_w2, projected, sliced_w2

ONTO = np.linalg.qr(np.random.default_rng(0).standard_normal((6, 6)))[0]


def rows(n, kind, seed):
    x = torch.from_numpy(np.random.default_rng(seed).standard_normal((n, 6)) * [1, 2, 3, 0.5, 1, 1] + 0.5).to(kind)
    return x, x.float().numpy() if kind in (torch.bfloat16, torch.float16) else x.numpy()


def everything(a, b):
    """Every kernel that takes two sets of rows, or one."""
    part = np.arange(len(a)) % 5, np.arange(len(b)) % 5
    few = a[:5], b[:6]  # fewer rows than features
    return {
        "frechet": frechet(a, b),
        "frechet of few": frechet(*few),
        "frechet of few and many": frechet(few[0], b),
        "jackknife": jackknife(a, b, 1.0, part),
        "jackknife of few": jackknife(*few, 1.0, (part[0][:5], part[1][:6])),
        "influence": influence_error(a, b),
        "kid": (kid(a, b).value, kid(a, b).error),
        "vendi": (vendi(a), vendi(few[0], 2)),
        "sliced": sliced_w2(projected(a, ONTO), projected(b, ONTO)),
        "exact": exact_w2(a[:30], b[:30]),
        "mean": moments(a).mean,
        "covariance": moments(a).covariance,
    }


@pytest.fixture
def on_device(monkeypatch):
    """Every tensor counts as one that an accelerator holds."""
    for module in ("products", "arrays"):
        monkeypatch.setattr(f"autophagy.kernels.{module}.is_on_device", arrays.is_tensor)


KINDS = [torch.float64, torch.float32, torch.bfloat16, torch.float16]


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_a_tensor_is_read_as_its_numbers(kind):
    (a, x), (b, y) = rows(60, kind, 1), rows(80, kind, 2)
    expected = everything(x, y)
    for name, value in everything(a, b).items():
        np.testing.assert_array_equal(value, expected[name], err_msg=name)


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_an_accelerators_tensor_gives_the_same_numbers(kind, on_device):
    (a, x), (b, y) = rows(60, kind, 1), rows(80, kind, 2)
    expected = everything(x, y)
    for name, value in everything(a, b).items():
        np.testing.assert_allclose(value, expected[name], rtol=1e-9, atol=1e-12, err_msg=name)


def test_bytes_and_gradients_make_no_difference(on_device):
    a = torch.from_numpy(np.random.default_rng(3).integers(0, 256, (50, 6)).astype(np.uint8))
    b = rows(40, torch.float32, 4)[0]
    assert frechet(a, b.clone().requires_grad_()) == pytest.approx(frechet(a.numpy(), b.numpy()), rel=1e-12)
    assert kid(a, a).value == pytest.approx(kid(a.numpy(), a.numpy()).value, rel=1e-12)


def test_gradients_are_left_behind():
    a, b = (rows(40, torch.float32, seed)[0].requires_grad_() for seed in (5, 6))
    assert frechet(a, b) == frechet(a.detach(), b.detach())
    assert kid(a, b) == kid(a.detach(), b.detach())


def test_sums_stay_where_the_rows_lie(on_device):
    """The running sum of a stream is a tensor itself, and so is what a batch of NumPy rows is added to."""
    (a, x), stream = rows(3000, torch.float32, 7), Stream()
    stream.add(a[:2000]).add(x[2000:])
    assert isinstance(stream._sum.scatter, torch.Tensor)
    found: Moments = stream.moments()
    assert isinstance(found.covariance, np.ndarray)
    np.testing.assert_allclose(found.covariance, moments(x).covariance, rtol=1e-11)


def test_a_tensor_among_numpy_rows_joins_them(on_device):
    a, x = rows(3000, torch.float32, 8)
    found = Stream().add(x[:500]).add(a[500:]).moments()
    np.testing.assert_allclose(found.covariance, moments(x).covariance, rtol=1e-11)


def test_identical_sets_are_at_zero_on_a_device_too(on_device):
    a = rows(60, torch.float32, 9)[0]
    for n in (60, 4):
        assert frechet(a[:n], a[:n].flip(0)) == 0.0


def test_order_depends_on_content_alone():
    a, x = rows(40, torch.float32, 10)
    turn = np.random.default_rng(11).permutation(40)
    np.testing.assert_array_equal(x[shuffled(x)], x[turn][shuffled(x[turn])])
    np.testing.assert_array_equal(shuffled(a), shuffled(x))
    assert (shuffled(x) != np.arange(40)).sum() > 20
