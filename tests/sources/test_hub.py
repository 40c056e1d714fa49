"""The hub source, through the real `datasets` library on local folders of the same formats."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from autophagy.core.errors import DataError, MissingPackage
from autophagy.core.parts import Split
from autophagy.sources import _hub, fashion_mnist
from autophagy.sources.fashion_mnist import FashionMnist
from autophagy.sources.hub import Hub

SPLITS: tuple[Split, ...] = ("train", "heldout")


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The library, keeping its cache in `tmp_path`."""
    import datasets

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache" / "datasets")
    monkeypatch.setattr(datasets.config, "HF_CACHE_HOME", str(tmp_path / "cache"))
    return datasets


@pytest.fixture
def parquet(tmp_path: Path, library) -> Path:
    """A data set of PNG bytes with classes and captions, 40 train and 10 test rows."""
    rng = np.random.default_rng(5)
    features = library.Features(
        {"image": library.Image(), "label": library.ClassLabel(names=["pear", "fig"]), "text": library.Value("string")}
    )
    for split, n in (("train", 40), ("test", 10)):
        rows = {
            "image": [Image.fromarray(rng.integers(0, 256, (8, 8, 3), np.uint8)) for _ in range(n)],
            "label": rng.integers(0, 2, n).tolist(),
            "text": [f"{split} {i}" for i in range(n)],
        }
        folder = tmp_path / "fruit" / "data"
        folder.mkdir(parents=True, exist_ok=True)
        library.Dataset.from_dict(rows, features).to_parquet(folder / f"{split}-00000-of-00001.parquet")
    return tmp_path / "fruit"


def test_a_parquet_data_set_is_read_whole(parquet: Path, library) -> None:
    found = Hub(str(parquet), label_column="label", side=8)
    truth = library.load_dataset(str(parquet))
    for split, name, n in (("train", "train", 40), ("heldout", "test", 10)):
        images = found.load(split)  # type: ignore[arg-type]
        assert images.shape == (n, 3, 8, 8)
        assert found.size(split) == n  # type: ignore[arg-type]
        assert np.array_equal(images, np.stack([np.asarray(i).transpose(2, 0, 1) for i in truth[name]["image"]]))
        assert found.conditions(split).tolist() == truth[name]["label"][:]  # type: ignore[arg-type]
        assert not images.flags.writeable


def test_class_names_make_captions_and_caption_columns_are_captions(parquet: Path) -> None:
    labels = Hub(str(parquet), label_column="label").conditions("heldout")
    named = Hub(str(parquet), label_column="label", caption="a {name}").conditions("heldout")
    assert named.tolist() == [f"a {('pear', 'fig')[label]}" for label in labels]
    assert Hub(str(parquet), caption_column="text").conditions("heldout").tolist() == [f"test {i}" for i in range(10)]
    assert Hub(str(parquet)).conditions("heldout") is None


def test_an_image_folder_is_read_through_the_library(tmp_path: Path, picture, library) -> None:
    for name in ("train/cat/0.png", "train/dog/1.png", "test/dog/2.png"):
        picture(name, (8, 8))
    found = Hub(str(tmp_path / "images"), label_column="label", side=8, caption="{name}")
    assert found.conditions("train").tolist() == ["cat", "dog"]
    expected = np.asarray(Image.open(tmp_path / "images/test/dog/2.png")).transpose(2, 0, 1)
    assert np.array_equal(found.load("heldout")[0], expected)


def test_without_a_test_split_a_fixed_share_of_rows_is_held_out(parquet: Path) -> None:
    (parquet / "data" / "test-00000-of-00001.parquet").unlink()
    found = Hub(str(parquet), caption_column="text", heldout=0.4, side=8)
    captions = [set(found.conditions(split).tolist()) for split in SPLITS]
    assert captions[0] | captions[1] == {f"train {i}" for i in range(40)}
    assert not captions[0] & captions[1]
    assert abs(len(captions[1]) - 16) < 4 * np.sqrt(40 * 0.4 * 0.6)
    assert len(found.load("heldout")) == len(captions[1])


def test_the_digest_is_that_of_the_bytes(parquet: Path, library) -> None:
    before = Hub(str(parquet), side=8).content()
    assert Hub(str(parquet), side=16).content() == before
    assert Hub(str(parquet), label_column="label", side=8).content() != before


def test_local_files_that_change_are_read_again(parquet: Path, library) -> None:
    source = Hub(str(parquet), caption_column="text", side=8)
    before, digest, read = source.load("train"), source.content(), source.conditions("train")
    file = next(parquet.glob("data/train*"))
    library.Dataset.from_parquet(str(file)).select(range(5, 30)).to_parquet(file)
    assert source.size("train") == 25
    assert np.array_equal(source.load("train"), before[5:30])
    assert source.conditions("train").tolist() == read[5:30].tolist()
    assert source.content() != digest


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"image_column": "picture"}, "has no column 'picture'; it has: image, label, text"),
        ({"image_column": "text"}, "column 'text' of .* holds no images"),
        ({"label_column": "class"}, "has no column 'class'"),
        ({"train_split": "training"}, "has no split 'training'; it has: test, train"),
        ({"heldout_split": "dev"}, "has no split 'dev'"),
        ({"max_pixels": 63}, "split 'train' of .* has 40 problems .* is 8 × 8 pixels, over max_pixels = 63"),
    ],
)
def test_what_does_not_fit_is_one_sentence(parquet: Path, settings: dict[str, object], complaint: str) -> None:
    found = Hub(str(parquet), **{"side": 8, **settings})  # type: ignore[arg-type]
    with pytest.raises(DataError, match=complaint):
        found.conditions("train"), found.load("train")


def test_a_data_sets_own_code_is_never_run(tmp_path: Path, library) -> None:
    folder = tmp_path / "scripted"
    folder.mkdir()
    (folder / "scripted.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\n")
    for path in (folder, folder / "scripted.py"):
        with pytest.raises(DataError, match=r"source 'hub' cannot load"):
            Hub(str(path)).size("train")
    assert not (tmp_path / "ran").exists()


def test_a_table_cannot_name_files_of_its_reader(tmp_path: Path, library) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    Image.new("RGB", (8, 8)).save(tmp_path / "private.png")
    folder = tmp_path / "sly"
    folder.mkdir()
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    table = pa.table({"image": pa.array([{"bytes": None, "path": str(tmp_path / "private.png")}], kind)})
    claim = json.dumps({"info": {"features": {"image": {"_type": "Image"}}}})
    pq.write_table(table.replace_schema_metadata({"huggingface": claim}), folder / "train.parquet")
    with pytest.raises(DataError, match="which is not one of its files"):
        Hub(str(folder), heldout=0, side=8).load("train")


def test_an_odd_image_is_named_by_its_row(tmp_path: Path, library) -> None:
    odd = io.BytesIO()
    Image.new("RGBA", (8, 8)).save(odd, "PNG")
    folder = tmp_path / "odd"
    folder.mkdir()
    rows = {"image": [{"bytes": odd.getvalue(), "path": None}, {"bytes": b"GIF89a", "path": None}]}
    library.Dataset.from_dict(rows, library.Features({"image": library.Image()})).to_parquet(folder / "train.parquet")
    with pytest.raises(DataError, match=r"2 problems .* 'row 0' is transparent; .* 'row 1' is not a PNG"):
        Hub(str(folder), heldout=0).load("train")


def test_fashion_mnist_from_the_hub_is_the_same_data_as_from_files(
    tmp_path: Path, fashion_files: Path, library, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = FashionMnist(str(fashion_files))
    features = library.Features({"image": library.Image(), "label": library.Value("int64")})
    folder = tmp_path / "like-the-hub"
    folder.mkdir()
    for split, name in zip(SPLITS, ("train", "test"), strict=True):
        rows = {
            "image": [Image.fromarray(image[0]) for image in files.load(split)],
            "label": files.conditions(split).tolist(),
        }
        library.Dataset.from_dict(rows, features).to_parquet(folder / f"{name}.parquet")
    monkeypatch.setattr(fashion_mnist, "HUB", str(folder))
    monkeypatch.setattr(fashion_mnist, "DEBIAN", tmp_path / "absent")
    fashion_mnist._from_hub.cache_clear()
    assert FashionMnist().content() == files.content()
    assert np.array_equal(FashionMnist().load("train"), files.load("train"))
    fashion_mnist._from_hub.cache_clear()


def test_a_hub_that_does_not_answer_is_asked_once(library, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    waits: list[float] = []
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")  # where nobody listens
    monkeypatch.setattr("time.sleep", waits.append)
    with pytest.raises(DataError, match=r"cannot load 'someone/something': .Couldn't reach .*; check its name"):
        Hub("someone/something").size("train")
    assert not waits
    assert not constants.HF_HUB_OFFLINE


def test_looking_at_a_store_asks_no_hub(library, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(_hub, "_answers", lambda endpoint: bool(asked.append(endpoint)))
    with _hub.unasked(), pytest.raises(DataError, match=r"Couldn't reach"):
        Hub("someone/something").size("train")
    assert not asked
    with pytest.raises(DataError, match=r"Couldn't reach"):
        Hub("someone/something").size("train")
    assert len(asked) == 1


def test_without_the_extra_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(MissingPackage, match=r"source 'hub' needs the package 'datasets'; run: pip install"):
        Hub("someone/something").size("train")
