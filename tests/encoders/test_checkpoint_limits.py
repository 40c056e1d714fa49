"""Checkpoints of encoders `dinov2` and `clip`: no settings ask for more than there is, and other bytes are seen.

Nothing here needs whole weights: what is refused is refused before they are read.
"""

import json
import os
import shutil
import time

import numpy as np
import pytest
from safetensors.numpy import save_file

from autophagy.core.catalog import build
from autophagy.core.errors import DataError
from autophagy.core.features import Features
from autophagy.core.identity import part_key, plain
from autophagy.core.pool import REAL_DATA, Origin, Pool
from autophagy.encoders import _transformers, dinov2

COMMIT = "0123456789abcdef0123456789abcdef01234567"
IMAGE = np.zeros((1, 3, 8, 8), np.uint8)
SIZES = {"size": {"shortest_edge": 28}, "crop_size": {"height": 28, "width": 28}}


@pytest.fixture(params=["dinov2", "clip"])
def kind(request):
    return request.param


@pytest.fixture
def folder(kind, tmp_path):
    """As much of a checkpoint as a digest needs: settings, and one tensor of eight numbers."""
    return written(tmp_path / "checkpoint", kind)


def written(folder, kind, value=0.0, processor=SIZES, **config):
    time.sleep(0.02)  # files' dates go in steps of some milliseconds
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text(json.dumps({"model_type": kind, **config}))
    (folder / "preprocessor_config.json").write_text(json.dumps(processor))
    save_file({"one": np.full(8, value, np.float32)}, folder / "model.safetensors")
    return folder


def of(kind, checkpoint, **settings):
    return build("encoder", {"use": kind, "checkpoint": str(checkpoint), **settings})


# ── what is refused ──────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "asked",
    [
        {"do_pad": True, "do_center_crop": False, "pad_size": {"height": 10**5, "width": 10**5}},
        {"size": {"shortest_edge": "100000"}},
        {"size": {"shortest_edge": 28.5}},
        {"size": True},
        {"crop_size": [28, 10**6]},
        {"crop_size": {"height": [10**6], "width": 28}},
        {"size": 0},
        {"size": "1000000"},
    ],
    ids=str,
)
def test_sides_are_whole_numbers_of_pixels_within_bounds(kind, folder, asked):
    written(folder, kind, processor={**SIZES, **asked})
    with pytest.raises(DataError, match=r"asks for images of .* pixels; whole numbers of at most 2048 a side"):
        of(kind, folder).encode(IMAGE)


def _huge(kind, **sizes):
    return sizes if kind == "dinov2" else {"vision_config": sizes}


def test_settings_cannot_ask_for_more_memory_than_the_files_fill(kind, folder, monkeypatch):
    """Weights of terabytes, which no machine would have had room for, where eight numbers are."""
    monkeypatch.setattr(_transformers, "load_file", lambda _: pytest.fail("weights were read"))
    written(folder, kind, **_huge(kind, hidden_size=1_200_000, num_hidden_layers=1, intermediate_size=4_800_000))
    with pytest.raises(DataError, match=r"asks for [0-9,]{18,} weights, but there are 8; name a whole checkpoint\."):
        of(kind, folder).encode(IMAGE)


@pytest.mark.parametrize("layers", [10**9, "12", 0, True, [3]])
def test_there_are_no_more_layers_than_tensors(kind, folder, layers):
    written(folder, kind, **_huge(kind, num_hidden_layers=layers))
    with pytest.raises(DataError, match=r"config.json asks for .* layers, but there are 1 tensors; name a whole"):
        of(kind, folder).encode(IMAGE)


def test_names_for_a_billion_classes_are_never_made(kind, folder):
    written(folder, kind, **_huge(kind, num_labels=10**9, num_hidden_layers=1))
    with pytest.raises(DataError, match=r"but there are 8; name a whole checkpoint"):
        of(kind, folder).encode(IMAGE)


@pytest.mark.parametrize("name", ["~nosuchuser/x", "x" * 5000, "a/" + "b" * 5000, "a\0b", "~nosuchuser"])
@pytest.mark.parametrize("revision", [None, COMMIT])
def test_names_that_no_folder_can_have_are_one_sentence(kind, name, revision):
    said = of(kind, name, revision=revision).objection(None, None)
    assert said.startswith(f"encoder '{kind}': there is no folder ")
    assert len(said) < 400


# ── what a key depends on ────────────────────────────────────────────────────


def test_new_weights_in_the_same_folder_are_another_encoder_for_the_engine(kind, folder):
    encoder = of(kind, folder)
    metric = build("metric", {"use": "frechet", "encoder": encoder})
    before = part_key(encoder), part_key(metric)
    assert (part_key(encoder), part_key(metric)) == before
    written(folder, kind, value=1.0)
    after = part_key(encoder), part_key(metric)
    assert before[0] != after[0]
    assert before[1] != after[1]
    written(folder, kind, value=0.0)
    assert (part_key(encoder), part_key(metric)) == before  # the same bytes again


def test_an_old_date_hides_nothing(kind, folder):
    encoder, path = of(kind, folder), folder / "model.safetensors"
    before, date = part_key(encoder), path.stat().st_mtime_ns
    written(folder, kind, value=1.0)
    os.utime(path, ns=(date, date))
    assert part_key(encoder) != before


def test_features_are_worked_out_again_for_new_weights(tmp_path, monkeypatch):
    """By an encoder that is known by its checkpoint and gives back the last byte of its weights."""
    monkeypatch.setattr(dinov2.Dinov2, "encode", lambda self, samples: np.full((len(samples), 1), _last(self)))
    encoder, features = of("dinov2", written(tmp_path, "dinov2", value=1.0)), Features()
    pool = Pool.born(IMAGE, Origin("real", REAL_DATA))
    first = features.of(encoder, pool, reference=pool)
    written(tmp_path, "dinov2", value=-1.0)
    second = features.of(encoder, pool, reference=pool)
    assert (first[0, 0], second[0, 0]) == (0x3F, 0xBF)


def _last(encoder):
    return encoder.files().weights[0].read_bytes()[-1]


def test_where_the_weights_lie_is_in_no_key(kind, folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    shutil.copytree(folder, tmp_path / "hub" / "models--maker--small" / "snapshots" / COMMIT)
    shutil.copytree(folder, tmp_path / "copy")
    same = [of(kind, folder), of(kind, "checkpoint"), of(kind, "copy"), of(kind, "maker/small", revision=COMMIT)]
    assert len({part_key(encoder) for encoder in same}) == 1
    assert part_key(of(kind, written(tmp_path / "other", kind, value=2.0))) != part_key(same[0])
    assert plain(same[1]) == {"use": kind, "version": 1, "checkpoint": "checkpoint", "revision": None}  # in a recipe


def test_other_files_in_the_folder_have_no_part_in_it(kind, folder):
    before = part_key(of(kind, folder))
    (folder / "tokenizer.json").symlink_to("gone")
    (folder / "README.md").write_text("A model.")
    assert part_key(of(kind, folder)) == before
    (folder / "preprocessor_config.json").unlink()
    (folder / "preprocessor_config.json").symlink_to("gone")
    with pytest.raises(DataError, match=r"has no preprocessor_config.json; name a checkpoint with safetensors"):
        part_key(of(kind, folder))


def test_a_key_is_cheap_while_nothing_changes(kind, folder, monkeypatch):
    """A plan asks for it once a turn: no file may be opened again."""
    metric = build("metric", {"use": "frechet", "encoder": of(kind, folder)})
    known = part_key(metric)
    monkeypatch.setattr("pathlib.Path.open", lambda *_, **__: pytest.fail("a file was opened"))
    assert [part_key(metric) for _ in range(3)] == [known] * 3
