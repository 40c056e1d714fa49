"""Arrays of either kind, and the same answers from both."""

import os
import subprocess
import sys

import numpy as np
import pytest
import torch

from autophagy.kernels.arrays import is_on_device, is_tensor, to_numpy
from autophagy.kernels.balls import balls
from autophagy.kernels.memorisation import is_authentic
from autophagy.kernels.neighbours import nearest, neighbours, radii
from autophagy.kernels.order import shuffled
from autophagy.kernels.pairwise import spread

TENSORS = {
    "float32": lambda x: torch.from_numpy(x.astype(np.float32)),
    "float64": torch.from_numpy,
    "bfloat16": lambda x: torch.from_numpy(x).bfloat16(),
    "float16": lambda x: torch.from_numpy(x).half(),
    "requires_grad": lambda x: torch.from_numpy(x).requires_grad_(),
    "strided": lambda x: torch.from_numpy(np.ascontiguousarray(x.T)).T,
    "uint8": lambda x: torch.from_numpy((40 * np.abs(x)).astype(np.uint8)),
}


def test_asking_what_an_array_is_loads_no_torch():
    code = "import sys, numpy; from autophagy.kernels import arrays, balls, pairwise; "
    code += "arrays.is_tensor(numpy.zeros(3)); balls.balls(*[numpy.eye(5)] * 2, *[numpy.ones(5)] * 2); "
    code += "sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], env={**os.environ}).returncode == 0


@pytest.mark.parametrize("kind", [np.float32, np.float64, np.uint8, np.int64])
def test_a_tensor_on_the_processor_is_read_where_it_lies(kind):
    plain = np.arange(6).astype(kind)
    tensor = torch.from_numpy(plain)
    assert np.shares_memory(to_numpy(tensor), plain)
    assert to_numpy(plain) is plain
    assert to_numpy(tensor).dtype == kind
    assert is_tensor(tensor)
    assert not is_on_device(tensor)
    assert not is_tensor(plain)


@pytest.mark.parametrize("kind", [torch.bfloat16, torch.float16])
def test_short_numbers_are_held_exactly(kind):
    x = torch.randn(100, generator=torch.Generator().manual_seed(0)).to(kind)
    assert to_numpy(x).dtype == np.float32
    assert torch.equal(torch.from_numpy(to_numpy(x)).to(kind), x)
    assert to_numpy(np.ones(3, np.float16)).dtype == np.float32


def test_gradients_are_left_behind():
    x = torch.ones(3, requires_grad=True)
    assert np.shares_memory(to_numpy(x), x.detach().numpy())


@pytest.mark.parametrize("name", TENSORS)
def test_tensors_and_arrays_have_the_same_neighbours(name):
    rng = np.random.default_rng(0)
    x, y = (TENSORS[name](rng.standard_normal((n, 7))) for n in (70, 60))
    a, b = to_numpy(x), to_numpy(y)
    mine, theirs = radii(a, 3), radii(b, 3)
    np.testing.assert_array_equal(radii(x, 3), mine)
    np.testing.assert_array_equal(nearest(x, y), nearest(a, b))
    np.testing.assert_array_equal(neighbours(x, b, 4).at, neighbours(a, y, 4).at)
    np.testing.assert_array_equal(is_authentic(x, y), is_authentic(a, b))
    assert spread(x).mean == spread(a).mean
    found, plain = balls(x, y, mine, theirs), balls(a, b, mine, theirs)
    for field in ("precise", "density", "recalled", "covered"):
        np.testing.assert_array_equal(getattr(found, field), getattr(plain, field))


def test_an_order_by_content_knows_numbers_and_not_their_type():
    rows = np.random.default_rng(0).standard_normal((50, 3)).astype(np.float32)
    rows[0, 0] = 0.0
    minus = rows.copy()
    minus[0, 0] = -0.0
    for same in (rows.astype(np.float64), rows.astype(">f8"), np.asfortranarray(rows), minus, torch.from_numpy(rows)):
        np.testing.assert_array_equal(shuffled(same), shuffled(rows))
    np.testing.assert_array_equal(shuffled(rows[::-1]), 49 - shuffled(rows))
