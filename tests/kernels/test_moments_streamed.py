"""Means and covariances of streams and shards."""

import io
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autophagy.core.errors import DataError
from autophagy.kernels.moments import BLOCK, Moments, Stream, joined, moments


def rows(n, d=3, seed=0):
    return np.random.default_rng(seed).standard_normal((n, d)) * [1, 10, 0.1][:d] + [5, -3, 1e3][:d]


def same_bytes(one, other):
    return one.mean.tobytes() == other.mean.tobytes() and one.covariance.tobytes() == other.covariance.tobytes()


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 900), max_size=8), st.sampled_from([np.float32, np.float64]))
def test_no_cut_into_batches_changes_a_byte(cuts, kind):
    x = rows(3000).astype(kind)
    stream = Stream()
    for start, end in zip([0, *np.cumsum(cuts)], [*np.cumsum(cuts), len(x)], strict=True):
        batch = x[start:end].copy()
        stream.add(batch)
        batch[:] = np.nan  # the caller's memory may be used again
    assert same_bytes(stream.moments(), moments(x))


@pytest.mark.parametrize("n", [2, 5, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK, 5000])
def test_agrees_with_the_definition(n):
    x = rows(n)
    found = moments(x)
    assert found.n == n
    np.testing.assert_allclose(found.mean, x.mean(0), rtol=1e-13)
    np.testing.assert_allclose(found.covariance, np.cov(x.T), rtol=1e-11, atol=1e-13)
    assert (found.covariance == found.covariance.T).all()


def test_asking_does_not_disturb_the_stream():
    x, stream = rows(2500), Stream()
    for start in range(0, 2500, 500):
        stream.add(x[start : start + 500])
        assert same_bytes(stream.moments(), moments(x[: start + 500]))


def test_shards_joined_in_order_are_the_whole():
    x = rows(5000)
    shards = [moments(part) for part in np.split(x, [1, 700, 700, 4096])]
    whole, found = moments(x), joined(shards)
    assert found.n == 5000
    np.testing.assert_allclose(found.mean, whole.mean, rtol=1e-13)
    np.testing.assert_allclose(found.covariance, whole.covariance, rtol=1e-11, atol=1e-13)
    assert same_bytes(found, joined(shards))


def test_a_tiny_cloud_far_away_and_a_constant_keep_their_digits():
    rng = np.random.default_rng(1)
    tiny = np.ldexp(rng.integers(0, 2**10, (4000, 2)).astype(float), -30)  # exact after the shift, too
    found = moments(np.hstack([tiny + 2**20, np.full((4000, 1), 0.1)]))
    np.testing.assert_allclose(found.covariance[:2, :2], np.cov(tiny.T), rtol=1e-12)
    assert (found.covariance[2] == 0).all()
    assert found.mean[2] == 0.1


def test_one_row_has_a_mean_and_no_rows_have_neither():
    one, none = moments(np.array([[3.0, 4.0]])), moments(np.zeros((0, 2)))
    assert one.mean.tolist() == [3, 4]
    assert np.isnan(one.covariance).all()
    assert none.n == 0
    assert np.isnan(none.mean).all()
    assert none.covariance.shape == (2, 2)
    assert joined([none, one, one, none]).covariance.tolist() == [[0, 0], [0, 0]]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_shows(bad):
    x = rows(1500)
    x[1200, 1] = bad
    found = moments(x)
    assert not np.isfinite(found.mean[1])
    assert np.isnan(found.covariance[1]).all()
    assert np.isfinite(found.covariance[0, 0])


def test_bytes_are_0_to_255():
    x = np.random.default_rng(2).integers(0, 256, (2000, 3)).astype(np.uint8)
    np.testing.assert_allclose(moments(x).covariance, np.cov(x.T.astype(float)), rtol=1e-12)


def test_a_file_on_disk_is_read_block_by_block(tmp_path):
    x = rows(3000).astype(np.float32)
    np.save(tmp_path / "x.npy", x)
    assert same_bytes(moments(np.load(tmp_path / "x.npy", mmap_mode="r")), moments(x))


def test_saved_moments_come_back_to_the_byte(tmp_path):
    found = moments(rows(100))
    found.save(tmp_path / "real.npz")
    again = Moments.load(tmp_path / "real.npz")
    assert same_bytes(found, again)
    assert again.n == 100
    first = (tmp_path / "real.npz").read_bytes()
    found.save(tmp_path / "real.npz")
    assert (tmp_path / "real.npz").read_bytes() == first


def test_statistics_of_pytorch_fid_are_read_but_not_joined(tmp_path):
    x = rows(50)
    np.savez_compressed(tmp_path / "fid.npz", mu=x.mean(0), sigma=np.cov(x.T))
    found = Moments.load(tmp_path / "fid.npz")
    assert found.n is None
    np.testing.assert_array_equal(found.covariance, np.cov(x.T))
    with pytest.raises(ValueError, match="unknown number of rows"):
        found.joined(moments(x))
    found.save(tmp_path / "again.npz")
    assert Moments.load(tmp_path / "again.npz").n is None


def test_shards_of_other_widths_are_refused():
    with pytest.raises(ValueError, match="equally wide, but are 3 and 2 wide"):
        moments(rows(5)).joined(moments(rows(5, 2)))


def npz(**arrays):
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def huge():
    """A header that promises a covariance of 2⁶⁰ numbers."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, shape in (("mu", (2**30,)), ("sigma", (2**30, 2**30))):
            header = io.BytesIO()
            np.lib.format.write_array_header_1_0(header, {"descr": "<f8", "fortran_order": False, "shape": shape})
            archive.writestr(f"{name}.npy", header.getvalue())
    return file.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not an archive",
        npz(mu=np.zeros(2)),
        npz(mu=np.zeros(2), sigma=np.zeros((3, 3))),
        npz(mu=np.zeros(2), sigma=np.zeros((2, 1))),
        npz(mu=np.array([0, np.nan]), sigma=np.eye(2)),
        npz(mu=np.array(["a", "b"]), sigma=np.eye(2)),
        npz(mu=np.array([None, 1]), sigma=np.eye(2)),
        npz(mu=np.zeros(2), sigma=np.eye(2), n=np.zeros(4)),
        npz(mu=np.zeros(2), sigma=np.eye(2))[:-30],
        huge(),
    ],
    ids=range(11),
)
def test_any_other_file_is_refused_in_a_sentence(tmp_path, content):
    (tmp_path / "x.npz").write_bytes(content)
    with pytest.raises(DataError, match=r"x\.npz cannot be read as moments .*; it should be an \.npz"):
        Moments.load(tmp_path / "x.npz")
