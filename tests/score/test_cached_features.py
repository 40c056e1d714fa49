"""Features that were kept give the same numbers without the images, and refuse what cannot be compared."""

import json
import stat

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import save_file

from autophagy.core.errors import ConfigError, DataError, StoreError
from autophagy.scoring import files
from autophagy.scoring.score import score

METRICS = ["frechet", "precision-recall", "class-balance"]


@pytest.fixture(scope="module")
def kept(tmp_path_factory, folders):
    """Features of both folders, and the scores that came with them."""
    folder = tmp_path_factory.mktemp("kept") / "features"
    return folder, score(*folders, metrics=METRICS, save_features=folder)


def numbers(found):
    return [(s.metric, s.name, s.value, s.interval, s.floor) for s in found.scores]


def about(path):
    with safe_open(path, framework="numpy") as file:
        return json.loads(file.metadata()["autophagy"]), {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118


def forged(path, out, **changes):
    told, arrays = about(path)
    save_file(arrays, out, metadata={"autophagy": json.dumps({**told, **changes})})
    return out


def test_numbers_and_warnings_are_the_same_without_the_images(kept, folders):
    folder, whole = kept
    real, fake = folder / "real.safetensors", folder / "fake.safetensors"
    for pair in ((real, fake), (folders[0], fake), (real, folders[1])):
        found = score(*pair, metrics=METRICS)
        assert repr(numbers(found)) == repr(numbers(whole))
        assert len(found.warnings) == len(whole.warnings)
        assert (found.real.digest, found.fake.digest) == (whole.real.digest, whole.fake.digest)


def test_equal_features_are_equal_bytes(kept, folders, tmp_path):
    folder, _ = kept
    score(*folders, metrics=["moments"], save_features=tmp_path, intervals=False)
    for name in ("real.safetensors", "fake.safetensors"):
        assert (tmp_path / name).read_bytes() == (folder / name).read_bytes()


def test_a_limit_takes_the_looks_of_the_rows_it_takes(folders, tmp_path, write, digits):
    write(tmp_path / "fake", digits[:30])
    for i in range(10):
        (tmp_path / "fake" / f"{i:04d}.png").unlink()
        write(tmp_path / "fake", digits[30:40].repeat(2, 3)[:, :, :, :40])
    score(folders[0], tmp_path / "fake", metrics=["moments"], size=20, save_features=tmp_path / "kept", intervals=False)
    pair = (tmp_path / "kept" / f"{name}.safetensors" for name in ("real", "fake"))
    found = score(*pair, metrics=["moments"], limit=10, intervals=False)
    for side in (found.real, found.fake):
        assert side.n == 10
        assert all(sum(counts.values()) == 10 for counts in side.looks.values())
    assert any(text.startswith("10 of 10 in ") for text in found.warnings)


def test_grey_features_are_not_held_against_colour(kept, tmp_path, write, digits, folders):
    colour = write(tmp_path / "colour", digits[:20].repeat(3, 1))
    with pytest.raises(DataError, match=r"holds features of grey images, but .*colour has colour, which they say no"):
        score(kept[0] / "real.safetensors", colour, metrics=["moments"])
    score(colour, folders[1], metrics=["moments"], save_features=tmp_path / "kept", intervals=False)
    with pytest.raises(DataError, match="those of encoder 'lenet' for images in colour; only features that were made"):
        score(kept[0] / "real.safetensors", tmp_path / "kept" / "real.safetensors", metrics=["moments"])
    grey = score(tmp_path / "kept" / "real.safetensors", folders[1], metrics=["moments"], intervals=False)
    assert any("were made RGB, since others have colour" in text for text in grey.warnings)


def test_nothing_is_written_over(kept, folders):
    with pytest.raises(StoreError, match=r"real\.safetensors is there already and is left alone"):
        score(*folders, metrics=["moments"], save_features=kept[0])


def test_only_what_was_encoded_is_kept(kept, folders, tmp_path):
    score(kept[0] / "real.safetensors", folders[1], metrics=["moments"], save_features=tmp_path / "new")
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["fake.safetensors"]


def test_another_encoder_or_size_is_one_sentence(kept, folders, tmp_path):
    real = kept[0] / "real.safetensors"
    with pytest.raises(ConfigError, match=r"holds features of encoder 'lenet', which cannot .* 'pixels'; leave"):
        score(real, folders[1], encoder="pixels")
    with pytest.raises(ConfigError, match=r"not of --size 14"):
        score(real, folders[1], size=14)
    score(*folders, metrics=["moments"], encoder="pixels", save_features=tmp_path, intervals=False)
    with pytest.raises(DataError, match=r"features of encoder 'lenet', but .* those of encoder 'pixels'"):
        score(real, tmp_path / "fake.safetensors")
    score(*folders, metrics=["moments"], size=14, save_features=tmp_path / "small", intervals=False)
    with pytest.raises(DataError, match=r"'lenet', but .* 'lenet' at 14 × 14 pixels"):
        score(real, tmp_path / "small" / "fake.safetensors")


def test_a_fitted_encoder_must_have_been_fitted_on_the_same_images(folders, tmp_path):
    table = {"use": "pca", "components": 5}
    first = score(*folders, metrics=["moments"], encoder=table, save_features=tmp_path, intervals=False)
    again = score(folders[0], tmp_path / "fake.safetensors", metrics=["moments"], intervals=False)
    assert numbers(again) == numbers(first)
    with pytest.raises(DataError, match="fitted on other real data"):
        score(folders[1], tmp_path / "fake.safetensors")
    with pytest.raises(DataError, match=r"is fitted on real images, but .* holds features only"):
        score(tmp_path / "real.safetensors", folders[1])


def test_another_version_of_the_encoder_is_refused(kept, tmp_path):
    told, _ = about(kept[0] / "real.safetensors")
    older = {**told["encoding"], "key": "0" * 32}
    path = forged(kept[0] / "real.safetensors", tmp_path / "old.safetensors", encoding=older)
    with pytest.raises(DataError, match="made by another version of encoder 'lenet'"):
        score(path, kept[0] / "fake.safetensors")


@pytest.mark.parametrize(
    "changes",
    [
        {"format": "features-0"},
        {"digest": "0" * 32},
        {"left_out": None},
        {"encoding": []},
        {"encoding": {"encoder": {"use": "lenet"}, "key": "", "size": -3, "mode": "L", "fitted_on": ""}},
        {"encoding": {"encoder": {"use": "lenet"}, "key": "", "size": None, "mode": "CMYK", "fitted_on": ""}},
    ],
    ids=lambda changes: str(changes)[:40],
)
def test_a_file_that_is_not_as_written_is_refused(kept, tmp_path, changes):
    path = forged(kept[0] / "real.safetensors", tmp_path / "forged.safetensors", **changes)
    with pytest.raises(DataError, match="is not a features file that this version"):
        score(path, kept[0] / "fake.safetensors")


@pytest.mark.parametrize(
    "told",
    [
        "3",
        '["PNG", "L", 28]',
        '["PNG", "L", 28, 0]',
        '["PNG", "L", 28, 2.5]',
        '["PNG", 7, 28, 28]',
        '["PNG", "L", 28, 28',
    ],
)
def test_headers_that_are_none_are_refused(kept, tmp_path, told):
    said, arrays = about(kept[0] / "real.safetensors")
    many = f"[{', '.join([told] * len(arrays['features']))}]"
    arrays = {**arrays, "headers": np.frombuffer(many.encode(), np.uint8)}
    said = {**said, "sha256": files._sum(arrays)}
    save_file(arrays, tmp_path / "forged.safetensors", metadata={"autophagy": json.dumps(said)})
    with pytest.raises(DataError, match="is not a features file that this version"):
        score(tmp_path / "forged.safetensors", kept[0] / "fake.safetensors")


def test_too_few_headers_are_refused(kept, tmp_path):
    said, arrays = about(kept[0] / "real.safetensors")
    arrays = {**arrays, "headers": np.frombuffer(b'[["PNG", "L", 28, 28]]', np.uint8)}
    said = {**said, "sha256": files._sum(arrays)}
    save_file(arrays, tmp_path / "forged.safetensors", metadata={"autophagy": json.dumps(said)})
    with pytest.raises(DataError, match="is not a features file that this version"):
        score(tmp_path / "forged.safetensors", kept[0] / "fake.safetensors")


@pytest.mark.parametrize("array", ["features", "names", "headers"])
def test_one_changed_byte_is_seen(kept, tmp_path, array):
    whole = kept[0] / "real.safetensors"
    _, arrays = about(whole)
    at = whole.read_bytes().index(arrays[array].tobytes()) + arrays[array].nbytes // 2
    content = bytearray(whole.read_bytes())
    content[at] ^= 1
    (tmp_path / "flipped.safetensors").write_bytes(content)
    with pytest.raises(DataError, match=r"flipped\.safetensors has been damaged or changed since it was written; make"):
        score(tmp_path / "flipped.safetensors", kept[0] / "fake.safetensors")


def test_foreign_and_damaged_safetensors_are_refused(kept, tmp_path):
    save_file({"weights": np.zeros((3, 3))}, tmp_path / "weights.safetensors")
    content = (kept[0] / "real.safetensors").read_bytes()
    (tmp_path / "cut.safetensors").write_bytes(content[: len(content) // 2])
    (tmp_path / "empty.safetensors").touch()
    for name in ("weights", "cut", "empty"):
        with pytest.raises(DataError, match="is not a features file"):
            score(tmp_path / f"{name}.safetensors", kept[0] / "fake.safetensors")


def test_an_encoder_is_only_ever_a_registered_name(kept, tmp_path):
    told, _ = about(kept[0] / "real.safetensors")
    evil = {**told["encoding"], "encoder": {"use": "os.system"}}
    path = forged(kept[0] / "real.safetensors", tmp_path / "evil.safetensors", encoding=evil)
    with pytest.raises(ConfigError, match=r"there is no encoder named 'os\.system'"):
        score(path, kept[0] / "fake.safetensors")


def test_images_are_needed_for_what_looks_at_them(kept):
    with pytest.raises(DataError, match="holds features only"):
        score(kept[0] / "real.safetensors", kept[0] / "fake.safetensors", metrics=["lpips-diversity"])


def test_saved_features_can_be_read_by_whom_the_umask_lets(folders, tmp_path):
    score(*folders, metrics="frechet", intervals=False, save_features=tmp_path / "kept")
    (tmp_path / "other").touch()
    expected = stat.S_IMODE((tmp_path / "other").stat().st_mode)
    assert {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "kept").iterdir()} == {expected}
