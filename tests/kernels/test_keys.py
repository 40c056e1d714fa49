"""Thresholds in every kind of number: rounded so that a comparison is never wrong."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from autophagy.kernels.keys import Elsewhere, Floats, Halves, Wholes

NUMBERS = st.floats(-1e30, 1e30, allow_subnormal=False)


def halves_of(x, aim):
    """Keys of numbers rounded to bfloat16, as a product of them is."""
    bits = torch.from_numpy((x - aim).astype(np.float32)).bfloat16().view(torch.int16).numpy().copy()
    return Halves.of(bits)


KINDS = {
    "float32": (Floats(np.float32), lambda x, aim: x.astype(np.float32), 0.0),
    "float64": (Floats(np.float64), lambda x, aim: x, 0.0),
    "bfloat16": (Halves(0.0), halves_of, 0.0),
    "bfloat16 about 3.7": (Halves(3.7), halves_of, 3.7),
}


@pytest.mark.parametrize("name", KINDS)
@settings(max_examples=300, deadline=None)
@given(st.lists(NUMBERS, min_size=1, max_size=30), st.lists(st.integers(-3, 3), min_size=30, max_size=30))
def test_thresholds_never_decide_wrongly(name, numbers, steps):
    keys, keyed, aim = KINDS[name]
    x = np.array(numbers)
    about = x * (1 + np.array(steps[: len(x)]) * 2.0**-8)  # a neighbour or two away in sixteen bits
    single = (about - aim).astype(np.float32).astype(np.float64) + aim  # what a product can be
    table = keyed(single, aim)
    surely_less, maybe_at_most = table < keys.floor(x), table <= keys.ceil(x)
    slack = 1e-6 * (np.abs(x) + abs(aim))  # of taking the aim off and putting it back in this test
    assert not (surely_less & (single >= x + slack)).any()
    assert not (~maybe_at_most & (single <= x - slack)).any()
    assert (keys.below(table) <= single + slack).all()
    assert (keys.above(table) >= single - slack).all()


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 0x7F7F), st.booleans(), st.integers(0, 0xFFFF))
def test_halves_are_rounded_towards_the_right_side(upper, negative, lower):
    bits = np.array([(upper << 16) | lower, upper << 16], np.uint32) | np.uint32(negative << 31)
    x, floored = bits.view(np.float32).astype(np.float64)
    towards_zero = halves_of(np.array([floored]), 0.0)
    keys = Halves(0.0)
    if lower == 0:
        assert keys.floor(np.array([x])) == keys.ceil(np.array([x])) == (towards_zero if upper else 0)
    elif negative:
        assert keys.floor(np.array([x])) == towards_zero - 1 < keys.ceil(np.array([x]))
    else:
        assert keys.floor(np.array([x])) == towards_zero == keys.ceil(np.array([x])) - 1


def test_halves_are_in_the_order_of_their_numbers():
    bits = np.arange(-(2**15), 2**15).astype(np.int16)
    numbers = torch.from_numpy(bits).view(torch.bfloat16).double().numpy()
    finite = np.isfinite(numbers)
    keys = Halves.of(bits.copy())
    order = np.argsort(keys[finite])
    assert (np.diff(numbers[finite][order]) >= 0).all()
    inside = finite & (np.abs(numbers) < 1e38)
    assert (Halves(0.0).below(keys[inside]) <= numbers[inside]).all()
    assert (Halves(0.0).above(keys[inside]) >= numbers[inside]).all()


@given(st.lists(st.integers(0, 2**31 - 1), min_size=1), st.floats(0, 1e12))
def test_whole_numbers_are_compared_exactly(numbers, x):
    table, mark = np.array(numbers, np.int32), np.array([x])
    assert not ((table < Wholes().floor(mark)) & (table >= x)).any()
    np.testing.assert_array_equal(table <= Wholes().ceil(np.floor(mark)), table <= x)


def test_an_accelerators_thresholds_are_the_same():
    x = np.array([0.1, -0.1, np.inf])
    away = Elsewhere(Floats(np.float32), torch.device("cpu"))
    np.testing.assert_array_equal(away.floor(x).numpy(), Floats(np.float32).floor(x))
    np.testing.assert_array_equal(away.ceil(x).numpy(), Floats(np.float32).ceil(x))
