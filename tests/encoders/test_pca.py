"""Encoder `pca`: fitted on held-out real data, the same every time."""

import numpy as np
import pytest
from sklearn.decomposition import PCA
from threadpoolctl import threadpool_limits

from autophagy.core.catalog import build
from autophagy.core.errors import ConfigError, DataError
from autophagy.core.pool import REAL_DATA, Origin, Pool


def pool(samples):
    return Pool.born(samples, Origin("real", REAL_DATA))


@pytest.fixture(scope="module")
def digits():
    return build("source", "mnist").load("heldout")[:1500]


def pca(components):
    return build("encoder", {"use": "pca", "components": components})


def test_features_are_scikit_learns_up_to_sign(digits):
    rows = digits.reshape(len(digits), -1) / 255
    theirs = PCA(20, svd_solver="full").fit_transform(rows)
    ours = pca(20).prepared(pool(digits)).encode(digits)
    assert ours.dtype == np.float32
    signs = np.sign((theirs * ours).sum(0))
    np.testing.assert_allclose(ours, theirs * signs, atol=1e-5)


@pytest.mark.parametrize("n", [1500, 200], ids=["more samples than pixels", "fewer samples than pixels"])
def test_components_are_orthonormal_with_their_largest_entry_positive(digits, n):
    basis = pca(30).prepared(pool(digits[:n])).basis
    np.testing.assert_allclose(basis.T @ basis, np.eye(30), atol=1e-9)
    assert (basis.max(0) == np.abs(basis).max(0)).all()


def test_variances_fall(digits):
    variances = pca(25).prepared(pool(digits)).encode(digits).var(0)
    assert (np.diff(variances) <= 0).all()


def test_both_gram_matrices_give_the_same_features():
    rng = np.random.default_rng(3)
    tall = rng.standard_normal((40, 6)) * [6, 5, 4, 3, 2, 1]
    wide = np.hstack([tall, np.zeros((40, 60))])  # the same points among more dimensions
    np.testing.assert_allclose(
        pca(4).prepared(pool(tall)).encode(tall), pca(4).prepared(pool(wide)).encode(wide), rtol=1e-5
    )


def test_a_row_is_encoded_alike_alone_in_any_place_and_on_any_threads(digits):
    with threadpool_limits(2):
        fitted = pca(50).prepared(pool(digits))
        whole = fitted.encode(digits)
    with threadpool_limits(1):
        again = pca(50).prepared(pool(digits))
        np.testing.assert_array_equal(again.basis, fitted.basis)
        np.testing.assert_array_equal(again.encode(digits), whole)
    for n in (1, 255, 257):
        np.testing.assert_array_equal(fitted.encode(digits[:n]), whole[:n])


def test_nothing_gives_nothing(digits):
    assert pca(5).prepared(pool(digits)).encode(digits[:0]).shape == (0, 5)


def test_more_components_than_directions_is_refused_with_both_numbers():
    line = np.outer(np.arange(10.0), [1.0, 2.0, 3.0])
    with pytest.raises(DataError, match=r"components = 2: the 10 reference samples of 3 numbers vary in 1 direction"):
        pca(2).prepared(pool(line))


def test_samples_of_another_size_are_refused(digits):
    with pytest.raises(DataError, match="fitted on samples of 784 numbers, but got samples of 64"):
        pca(5).prepared(pool(digits)).encode(np.zeros((2, 1, 8, 8), np.uint8))


def test_an_unfitted_encoder_says_how_to_fit_it(digits):
    with pytest.raises(DataError, match=r"prepared\(reference\)"):
        pca(5).encode(digits)


def test_components_must_be_positive():
    with pytest.raises(ConfigError, match=r"encoder\.components must be at least 1, but is 0"):
        pca(0)
