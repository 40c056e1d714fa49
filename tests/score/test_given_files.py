"""Files of numbers: what can be scored is, and what cannot is one sentence."""

import io
import warnings
import zipfile

import numpy as np
import pytest

from autophagy.core.errors import ConfigError, DataError
from autophagy.scoring.score import score

ROWS = np.random.default_rng(0).normal(size=(60, 5))


@pytest.fixture
def saved(tmp_path):
    """saved("a.npy", array) or saved("a.npz", mu=…, sigma=…) is the file's path."""

    def save(name, array=None, **arrays):
        path = tmp_path / name
        with path.open("wb") as file:
            np.save(file, array, allow_pickle=True) if name.endswith(".npy") else np.savez(file, **arrays)
        return path

    return save


def test_every_kind_of_number_is_taken(saved):
    expected = score(ROWS.astype(np.float16).astype(np.float64), ROWS, metrics=["moments"], intervals=False)
    found = score(saved("half.npy", ROWS.astype(np.float16)), ROWS, metrics=["moments"], intervals=False)
    assert [s.value for s in found.scores] == [s.value for s in expected.scores]
    assert score(saved("whole.npy", np.arange(60).reshape(30, 2)), np.ones((9, 2)), metrics=["moments"]).real.n == 30
    assert score(saved("named.npz", codes=ROWS), saved("n.npz", features=ROWS, labels=np.zeros(60))).real.n == 60


def test_a_limit_that_leaves_one_row_is_blamed_and_not_the_rows():
    with pytest.raises(ConfigError, match="limit = 1 leaves one image or row of a side"):
        score(ROWS, ROWS, limit=1)


def test_rows_that_are_not_finite_are_left_out_and_named():
    broken = ROWS.copy()
    broken[7, 2], broken[11] = np.nan, np.inf
    broken[12, 0] = 1e80
    found = score(ROWS, broken, metrics=["frechet"], intervals=False)
    assert found.value("frechet.distance") == pytest.approx(
        score(ROWS, np.delete(ROWS, [7, 11, 12], 0), metrics=["frechet"], intervals=False).value("frechet.distance")
    )
    assert found.fake.left_out == tuple(
        f"row {i} holds a number that is not finite, or beyond 1e70" for i in (7, 11, 12)
    )
    assert "3 in FAKE could not be used and were left out." in found.warnings
    with pytest.raises(DataError, match="FAKE has 3 problems to mend or remove: row 7 holds a number"):
        score(ROWS, broken, strict=True)
    with pytest.raises(DataError, match="none of the 60 rows or images of FAKE can be used: row 0 holds"):
        score(ROWS, ROWS * np.nan)


def test_the_limit_is_of_rows_that_can_be_used():
    broken = np.full((200, 3), np.nan)
    broken[::20] = np.arange(30).reshape(10, 3)
    found = score(broken, np.ones((5, 3)), metrics=["moments"], intervals=False, limit=5)
    assert (found.real.n, len(found.real.left_out)) == (5, 190)
    assert not any("--limit" in text for text in found.warnings)


def test_numbers_near_the_end_of_float32_give_no_warning_of_numpy():
    rows = (ROWS * 1e30).astype(np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = score(rows, rows[::-1] * np.float32(1.1), metrics=["precision-recall", "density-coverage"])
    plain = score(ROWS, ROWS[::-1] * 1.1, metrics=["precision-recall", "density-coverage"])
    assert [s.value for s in found.scores] == pytest.approx([s.value for s in plain.scores])


@pytest.mark.parametrize(
    ("real", "fake", "said"),
    [
        (ROWS, ROWS[:, :3], r"FAKE has 3 features a row, but the other side 5"),
        (ROWS, ROWS[:1], r"FAKE holds one image or row that can be used; a distribution needs at least 2"),
        (ROWS, ROWS[:0], r"FAKE holds float64 of shape \(0, 5\); features are numbers of shape \(n, d\)"),
        (ROWS, ROWS[0], r"holds float64 of shape \(5,\)"),
        (ROWS, ROWS.reshape(4, 3, 5, 5), r"holds float64 of shape \(4, 3, 5, 5\)"),
        (ROWS, ROWS.astype("U5"), r"holds <U5 of shape"),
        (ROWS, ROWS.astype(complex), r"holds complex128"),
    ],
)
def test_arrays_that_cannot_be_compared(real, fake, said):
    with pytest.raises(DataError, match=said):
        score(real, fake)


def test_pickled_objects_are_never_read(saved):
    path = saved("evil.npy", np.array([{"a": 1}, None], dtype=object))
    with pytest.raises(DataError, match=r"evil\.npy is no array of plain numbers; pickled objects are never"):
        score(path, ROWS)
    packed = saved("evil.npz", features=np.array([{"a": 1}], dtype=object))
    with pytest.raises(DataError, match=r"evil\.npz is no array of plain numbers"):
        score(ROWS, packed)


def test_files_that_are_no_arrays(saved, tmp_path):
    for name, content in (("text.npy", b"hello"), ("text.npz", b"hello"), ("none.npy", b""), ("none.npz", b"")):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(DataError, match=f"{name} (cannot be read as arrays|is no array of plain numbers)"):
            score(tmp_path / name, ROWS)
    whole = saved("cut.npy", ROWS).read_bytes()
    (tmp_path / "cut.npy").write_bytes(whole[:-100])
    with pytest.raises(DataError, match="cannot be read as arrays"):
        score(tmp_path / "cut.npy", ROWS)
    with pytest.raises(DataError, match=r"holds the arrays \['a', 'b'\]; expected one array of features, or mu and"):
        score(saved("two.npz", a=ROWS, b=ROWS), ROWS)
    with pytest.raises(DataError, match=r"FAKE: there is no file or folder 'nowhere'"):
        score(ROWS, "nowhere")
    (tmp_path / "model.pt").touch()
    with pytest.raises(DataError, match=r"model\.pt' is none of what can be scored"):
        score(ROWS, tmp_path / "model.pt")


@pytest.mark.parametrize("shape", ["(10000000000000, 5)", "(-1, 5)", "(99999999999999999999999, 5)"])
def test_headers_that_lie_make_no_room(tmp_path, shape):
    text = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}}}"
    header = b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode()
    (tmp_path / "lie.npy").write_bytes(header + bytes(64))
    with zipfile.ZipFile(tmp_path / "lie.npz", "w") as packed:
        packed.writestr("features.npy", header + bytes(64))
    for name in ("lie.npy", "lie.npz"):
        with pytest.raises(DataError, match=f"{name} cannot be read as arrays"):
            score(tmp_path / name, ROWS)


def test_a_bomb_is_not_unpacked(tmp_path, monkeypatch):
    monkeypatch.setattr("autophagy.scoring.given.SMALL", 2**20)
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(buffer, {"descr": "|u1", "fortran_order": False, "shape": (2**26, 1)})
    with zipfile.ZipFile(tmp_path / "bomb.npz", "w", zipfile.ZIP_DEFLATED) as packed, packed.open("x.npy", "w") as file:
        file.write(buffer.getvalue())
        for _ in range(2**26 // 2**24):
            file.write(bytes(2**24))
    with pytest.raises(DataError, match=r"bomb\.npz would unpack to 0\.1 GiB"):
        score(tmp_path / "bomb.npz", ROWS)


@pytest.mark.parametrize(
    "arrays",
    [
        {"mu": np.zeros(3), "sigma": np.eye(4)},
        {"mu": np.zeros((1, 3)), "sigma": np.eye(3)},
        {"mu": np.zeros(0), "sigma": np.zeros((0, 0))},
        {"mu": np.full(3, np.nan), "sigma": np.eye(3)},
        {"mu": np.zeros(3), "sigma": np.triu(np.ones((3, 3)))},
        {"mu": np.zeros(2), "sigma": np.diag([1.0, -1e-3])},
        {"mu": np.zeros(2), "sigma": np.array([[1.0, 1.01], [1.01, 1.0]])},
        {"mu": np.zeros(2), "sigma": np.eye(2), "n": np.int64(-7)},
        {"mu": np.zeros(2), "sigma": np.eye(2), "n": np.int64(1)},
        {"mu": np.array(["a"]), "sigma": np.eye(1)},
        {"mu": np.array([None]), "sigma": np.eye(1)},
    ],
    ids=[
        "sizes",
        "shape",
        "empty",
        "nan",
        "asymmetric",
        "diagonal",
        "eigenvalue",
        "negative n",
        "one row",
        "text",
        "pickle",
    ],
)
def test_statistics_that_are_none(saved, arrays):
    with pytest.raises(DataError, match=r"stats\.npz"):
        score(saved("stats.npz", **arrays), ROWS)


def test_singular_statistics_are_whole(saved):
    few = ROWS[:3].astype(np.float32)  # rank 2 of 5
    for sigma in (np.cov(few.T), np.cov(few.T).astype(np.float32), np.zeros((5, 5))):
        stats = saved("stats.npz", mu=few.mean(0), sigma=sigma, n=np.int64(3))
        assert score(stats, ROWS, intervals=False).real.n == 3


def test_statistics_only_have_a_frechet_distance(saved):
    stats = saved("stats.npz", mu=np.zeros(5), sigma=np.eye(5))
    with pytest.raises(ConfigError, match="statistics hold a mean and a covariance, which only metric 'frechet'"):
        score(stats, ROWS, metrics=["precision-recall"])
    with pytest.raises(DataError, match=r"FAKE has 3 features a row, but the other side 5"):
        score(stats, ROWS[:, :3])
    with pytest.raises(DataError, match=r"are statistics of 5 features, but .* of 2"):
        score(stats, saved("other.npz", mu=np.zeros(2), sigma=np.eye(2)))


def test_statistics_leave_nothing_asked_for_undone(saved):
    rng = np.random.default_rng(0)
    rows, stats = rng.normal(size=(50, 3)), saved("s.npz", mu=np.zeros(3), sigma=np.eye(3))
    with pytest.raises(DataError, match="REAL holds one image or row that can be used; a distribution needs at least"):
        score(rows[:1], stats)
    with pytest.raises(
        ConfigError, match=r"metric\.blocs: metric 'frechet' has no such setting\. Did you mean 'blocks'"
    ):
        score(stats, rows, metrics={"use": "frechet", "blocs": 3})
    with pytest.raises(ConfigError, match="nothing that settings of 'frechet' change; leave them out"):
        score(stats, rows, metrics={"use": "frechet", "sizes": 3})
    with pytest.raises(ConfigError, match="no metric was asked for"):
        score(stats, rows, metrics=[])
    for setting in ({"encoder": "lenet"}, {"size": 30}, {"limit": 2}):
        (name,) = setting
        with pytest.raises(ConfigError, match=f"both sides are statistics, which have no rows for --{name} to work on"):
            score(stats, stats, **setting)
    assert score(stats, rows, metrics="frechet").scores[0].n_fake == 50


def test_arrays_that_hold_more_than_numbers(saved):
    torch = pytest.importorskip("torch")
    rows = np.random.default_rng(0).normal(size=(20, 3))
    with pytest.raises(ConfigError, match="REAL is a masked array; give a plain one"):
        score(np.ma.masked_array(rows, rows > 1), rows)
    for odd, kind in (
        (torch.from_numpy(rows).to_sparse(), "a quantised or sparse tensor"),
        (
            torch.quantize_per_tensor(torch.from_numpy(rows).float(), 0.1, 0, torch.qint8),
            "a quantised or sparse tensor",
        ),
        (torch.empty(20, 3, device="meta"), "a tensor without data"),
    ):
        with pytest.raises(ConfigError, match=f"FAKE is {kind}; give a dense one of plain numbers"):
            score(rows, odd)


@pytest.mark.parametrize("seed", [-1, 1.5, "x", None])
def test_seeds_that_are_none(seed):
    rows = np.random.default_rng(0).normal(size=(20, 3))
    with pytest.raises(ConfigError, match="seed"):
        score(rows, rows, seed=seed)


def test_vectors_have_no_size_and_no_image_encoder(folders):
    with pytest.raises(ConfigError, match="size resizes images, but these are rows of numbers"):
        score(ROWS, ROWS, size=8)
    with pytest.raises(ConfigError, match="encoder 'lenet' takes images, but these are vectors"):
        score(ROWS, ROWS, encoder="lenet")
    with pytest.raises(DataError, match="has 84 features an image, but the other side 5"):
        score(ROWS, folders[1])


def test_bare_features_beside_images_are_taken_at_their_word(folders):
    rows = np.random.default_rng(0).normal(size=(50, 84))
    found = score(folders[0], rows, metrics=["frechet"], intervals=False)
    assert "FAKE does not say what made its features; they are taken to be those of 'lenet'." in found.warnings


def test_metrics_that_cannot_be_had_are_named(folders):
    with pytest.raises(ConfigError, match=r"no metric named 'frechte'\. Did you mean 'frechet'"):
        score(ROWS, ROWS, metrics=["frechte"])
    with pytest.raises(ConfigError, match="metric 'symbols' says nothing of two sets: it needs symbols, not vectors"):
        score(ROWS, ROWS, metrics=["symbols"])
    with pytest.raises(ConfigError, match="it needs the fitted model"):
        score(ROWS, ROWS, metrics=[{"use": "wasserstein", "of": "model"}])
    with pytest.raises(DataError, match="metric 'precision-recall' cannot be measured here: needs at least 6"):
        score(ROWS, ROWS[:5], metrics=["precision-recall"])
    assert {"symbols", "modes", "class-balance"} <= set(score(ROWS, ROWS, intervals=False).left_out)
    assert "precision-recall" in score(ROWS, ROWS[:5], intervals=False).left_out


def test_statistics_and_an_encoder_that_would_be_fitted_are_refused(saved, folders):
    known = saved("a.npz", mu=np.zeros(40), sigma=np.eye(40))
    with pytest.raises(ConfigError, match="encoder 'pca' is fitted on real images, which statistics are none of"):
        score(known, folders[1], encoder={"use": "pca", "components": 40})


def test_rows_beside_statistics_are_not_read_and_named(saved):
    both = saved("a.npz", mu=np.zeros(3), sigma=np.eye(3), arr_0=np.zeros((9, 3)))
    found = score(both, saved("b.npz", mu=np.ones(3), sigma=np.eye(3)), metrics="frechet")
    assert [one for one in found.warnings if "also holds 'arr_0', which was not read" in one]


def test_a_named_metric_without_a_value_is_refused_and_an_unnamed_one_listed(saved):
    one, other = (
        saved(name, np.random.default_rng(i).normal(size=(60, 3))) for i, name in enumerate(("a.npy", "b.npy"))
    )
    with pytest.raises(DataError, match="metric 'kid' cannot be measured here: has no value here"):
        score(one, other, metrics=[{"use": "kid", "limit": 1}])
