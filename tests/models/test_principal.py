import numpy as np
import pytest

from autophagy.models import _principal
from autophagy.models._principal import principal


def wavy(n: int, d: int) -> np.ndarray:
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((n, d)) * np.linspace(60, 1, d)
    return np.clip(rows + 128, 0, 255).astype(np.uint8)


@pytest.mark.parametrize(("n", "d"), [(50, 20), (20, 50), (30, 30)])
def test_directions_are_those_of_the_singular_value_decomposition(n, d) -> None:
    rows = wavy(n, d)
    mean, basis = principal(rows, 6)
    _, _, expected = np.linalg.svd(rows - rows.mean(0))
    assert mean == pytest.approx(rows.mean(0))
    assert basis @ basis.T == pytest.approx(np.eye(6), abs=1e-9)
    assert np.abs(np.sum(basis * expected[:6], 1)) == pytest.approx(1)


@pytest.mark.parametrize(("n", "d"), [(50, 20), (20, 50)])
def test_columns_that_never_change_are_in_no_direction(n, d) -> None:
    rows = np.insert(wavy(n, d), [0, 3, 3, d], [7, 0, 255, 1], axis=1)
    _, basis = principal(rows, 6)
    assert basis[:, [0, 4, 5, d + 3]].tolist() == [[0] * 4] * 6
    assert np.delete(basis, [0, 4, 5, d + 3], 1) == pytest.approx(principal(wavy(n, d), 6)[1])


def test_signs_do_not_depend_on_the_solver() -> None:
    _, basis = principal(wavy(50, 20), 6)
    assert (np.take_along_axis(basis, np.abs(basis).argmax(1)[:, None], 1) > 0).all()


def test_blocks_change_nothing(monkeypatch) -> None:
    whole = principal(wavy(50, 20), 6)[1]
    monkeypatch.setattr(_principal, "BLOCK", 7)
    assert principal(wavy(50, 20), 6)[1] == pytest.approx(whole)


def test_no_more_directions_than_there_is_variance_in() -> None:
    rows = np.repeat(wavy(3, 30), 4, 0)  # three points span two directions
    assert principal(rows, 9)[1].shape == (2, 30)


@pytest.mark.parametrize("n", [1, 5, 40])
def test_equal_rows_have_one_direction_of_zeros(n) -> None:
    mean, basis = principal(np.full((n, 12), 77, np.uint8), 4)
    assert mean.tolist() == [77] * 12
    assert basis.tolist() == [[0] * 12]
