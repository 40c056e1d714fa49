"""Encoders `dinov2` and `clip`: transformers' own numbers, from checkpoints that are known by their bytes.

Checkpoints are small, random and written by transformers itself; the format is the published one.
"""

import json
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import transformers
from PIL import Image
from safetensors.torch import load_file, save_file
from transformers.models.bit.image_processing_pil_bit import BitImageProcessorPil
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

from autophagy import Experiment
from autophagy.core.catalog import build
from autophagy.core.errors import AutophagyError, ConfigError, DataError, PlanError
from autophagy.core.identity import fingerprint, part_key, plain
from autophagy.encoders import _transformers
from autophagy.testing import check

KINDS = ("dinov2", "clip")
SIZES = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "image_size": 28, "patch_size": 7}
TEXTS = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
WORDS = {"vocab_size": 99, "bos_token_id": 97, "eos_token_id": 98}
MEAN, STD = {}, {}
MEAN["dinov2"], STD["dinov2"] = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
MEAN["clip"], STD["clip"] = [0.48145466, 0.4578275, 0.40821073], [0.26862954, 0.26130258, 0.27577711]
COMMIT = "0123456789abcdef0123456789abcdef01234567"


def settings(kind):
    """What a published preprocessor_config.json of that kind says, with smaller sizes; CLIP's is of an old format."""
    common = {"do_center_crop": True, "do_normalize": True, "do_resize": True, "resample": 3}
    common |= {"image_mean": MEAN[kind], "image_std": STD[kind]}
    if kind == "clip":
        return {**common, "feature_extractor_type": "CLIPFeatureExtractor", "size": 28, "crop_size": 28}
    sizes = {"size": {"shortest_edge": 32}, "crop_size": {"height": 28, "width": 28}}
    others = {"do_convert_rgb": True, "do_rescale": True, "rescale_factor": 1 / 255}
    return {**common, **sizes, **others, "image_processor_type": "BitImageProcessor"}


@pytest.fixture(scope="module", params=KINDS)
def kind(request):
    return request.param


@pytest.fixture(scope="module")
def checkpoint(kind, tmp_path_factory):
    """A folder with a random checkpoint."""
    folder = tmp_path_factory.mktemp(kind)
    torch.manual_seed(0)
    if kind == "dinov2":
        model = transformers.Dinov2Model(transformers.Dinov2Config(**SIZES))
    else:
        model = transformers.CLIPModel(
            transformers.CLIPConfig(
                text_config={**TEXTS, **WORDS}, vision_config={**SIZES, "intermediate_size": 64}, projection_dim=24
            )
        )
    for weight in model.parameters():
        weight.data += 0.1 * torch.randn_like(weight)  # so that nothing stays at a constant it was set to
    model.save_pretrained(folder)
    (folder / "preprocessor_config.json").write_text(json.dumps(settings(kind)))
    return folder


@pytest.fixture(scope="module")
def encoder(kind, checkpoint):
    return build("encoder", {"use": kind, "checkpoint": str(checkpoint)})


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).integers(0, 256, (9, 3, 40, 52)).astype(np.uint8)


@pytest.fixture
def copy(checkpoint, tmp_path):
    """A copy of the checkpoint that may be spoilt."""
    return Path(shutil.copytree(checkpoint, tmp_path / "copy"))


def of(kind, folder, **others):
    return build("encoder", {"use": kind, "checkpoint": str(folder), **others})


def theirs(kind, checkpoint, images):
    """The library's own way from images to features."""
    if kind == "dinov2":
        processor, model = (
            part.from_pretrained(checkpoint) for part in (BitImageProcessorPil, transformers.Dinov2Model)
        )
        return model(**_inputs(processor, images)).pooler_output
    processor, model = (part.from_pretrained(checkpoint) for part in (CLIPImageProcessorPil, transformers.CLIPModel))
    return model.get_image_features(**_inputs(processor, images)).pooler_output


def _inputs(processor, images):
    return processor([Image.fromarray(image.transpose(1, 2, 0)) for image in images], return_tensors="pt")


def test_features_are_transformers_own(kind, checkpoint, encoder, images):
    with torch.inference_mode():
        expected = theirs(kind, checkpoint, images).numpy()
    found = encoder.encode(images)
    assert found.dtype == np.float32
    assert found.shape == (9, {"dinov2": 32, "clip": 24}[kind])
    assert expected.std(0).min() > 1e-3
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_images_are_prepared_as_published(kind, checkpoint, encoder, images):
    """Pillow's bicubic on the shorter side, the central square, ImageNet's or CLIP's mean and deviation."""
    shorter = {"dinov2": 32, "clip": 28}[kind]
    wide = int(shorter * 52 / 40)
    picture = Image.fromarray(images[0].transpose(1, 2, 0)).resize((wide, shorter), Image.Resampling.BICUBIC)
    top, left = (shorter - 28) // 2, (wide - 28) // 2
    square = np.asarray(picture, np.float64)[top : top + 28, left : left + 28] / 255
    by_hand = (square - MEAN[kind]) / STD[kind]
    seen = []
    net = _transformers.network(kind, encoder.files(), encoder.content())
    watched = net.model.register_forward_pre_hook(lambda _, given: seen.append(given[0]), prepend=True)
    if kind == "clip":
        watched.remove()
        watched = net.model.vision_model.register_forward_pre_hook(
            lambda _, given, named: seen.append(named["pixel_values"]), with_kwargs=True
        )
    try:
        encoder.encode(images[:1])
    finally:
        watched.remove()
    np.testing.assert_allclose(seen[0][0].numpy(), by_hand.transpose(2, 0, 1), atol=1e-5)


def test_an_image_has_the_same_features_alone_in_any_place_and_on_any_threads(encoder, images):
    found = encoder.encode(images)
    np.testing.assert_array_equal(encoder.encode(images[:1]), found[:1])
    np.testing.assert_array_equal(encoder.encode(images[::-1]), found[::-1])
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(3 if before == 1 else 1)
        np.testing.assert_array_equal(encoder.encode(images), found)
    finally:
        torch.set_num_threads(before)


def test_grey_images_are_seen_as_rgb_ones_and_nothing_gives_nothing(encoder, images):
    grey = images[:2, :1]
    np.testing.assert_array_equal(encoder.encode(grey), encoder.encode(np.repeat(grey, 3, axis=1)))
    assert len(encoder.encode(images[:0])) == 0


def test_it_keeps_the_claims_of_encoders_and_says_nothing(encoder, capfd):
    _transformers.network.cache_clear()
    assert check(encoder)
    assert capfd.readouterr() == ("", "")


def test_floats_are_refused(kind, encoder):
    with pytest.raises(DataError, match=f"encoder '{kind}' takes uint8 images .*, but got float"):
        encoder.encode(np.zeros((2, 3, 28, 28)))


# ── what the weights are is part of the key ──────────────────────────────────


def test_other_bytes_in_the_same_folder_are_another_encoder(kind, checkpoint, copy):
    one = of(kind, copy)
    assert one.content() == of(kind, checkpoint).content()
    before = fingerprint(one), fingerprint(build("metric", {"use": "frechet", "encoder": one}))
    weights = load_file(copy / "model.safetensors")
    name = next(name for name in weights if name.endswith("bias"))
    save_file({**weights, name: weights[name] + 1}, copy / "model.safetensors", {"format": "pt"})
    assert fingerprint(one) != before[0]
    assert fingerprint(build("metric", {"use": "frechet", "encoder": one})) != before[1]
    assert plain(one) == {"use": kind, "version": 1, "checkpoint": str(copy), "revision": None}  # as in a recipe


def test_the_preparation_is_part_of_it_too(kind, checkpoint, copy):
    (copy / "preprocessor_config.json").write_text(json.dumps({**settings(kind), "resample": 2}))
    assert of(kind, copy).content() != of(kind, checkpoint).content()
    assert part_key(of(kind, copy)) != part_key(of(kind, checkpoint))


def test_shards_are_one_checkpoint(kind, copy, checkpoint, images):
    weights = load_file(copy / "model.safetensors")
    (copy / "model.safetensors").unlink()
    names = sorted(weights)
    for number, part in enumerate((names[::2], names[1::2]), 1):
        shard = {name: weights[name].contiguous() for name in part}
        save_file(shard, copy / f"model-{number:05}-of-00002.safetensors", {"format": "pt"})
    np.testing.assert_array_equal(of(kind, copy).encode(images[:2]), of(kind, checkpoint).encode(images[:2]))


# ── what is not there, and what is not to be run ─────────────────────────────


@pytest.fixture
def no_network(monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("something asked for the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


def test_a_commit_in_the_hubs_cache_is_found_without_a_network(kind, checkpoint, tmp_path, monkeypatch, no_network):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    encoder = of(kind, "maker/small", revision=COMMIT)
    sentence = rf"encoder '{kind}' needs maker/small at {COMMIT}, which is not in the hub's cache; run: hf download "
    with pytest.raises(DataError, match=sentence):
        encoder.files()
    shutil.copytree(checkpoint, tmp_path / "models--maker--small" / "snapshots" / COMMIT)
    assert encoder.objection(None, None) is None
    assert encoder.content() == of(kind, checkpoint).content()


def test_a_plan_without_the_checkpoint_is_refused(kind, tmp_path):
    base = {"source": "mnist", "model": "eigen-mixture", "real": 20, "samples": 20}
    base["metrics"] = [{"use": "frechet", "encoder": {"use": kind, "checkpoint": str(tmp_path / "gone")}}]
    experiment = Experiment.of({"generations": 1, "base": base, "arms": {"closed": {"loop": "fully-synthetic"}}})
    with pytest.raises(PlanError, match=f"arm 'closed': encoder '{kind}': there is no folder"):
        experiment.plan()


def test_an_id_needs_a_commit_and_a_folder_has_none(kind, checkpoint):
    with pytest.raises(DataError, match="an id on the hub needs a commit, so that the weights stay the same"):
        of(kind, "maker/small").content()
    with pytest.raises(ConfigError, match="revision must be a commit of 40 hex digits, but is 'main'"):
        of(kind, "maker/small", revision="main")
    with pytest.raises(DataError, match="is a folder, which has no revision; leave it out"):
        of(kind, checkpoint, revision=COMMIT).files()


def test_pickled_weights_are_not_read(kind, copy):
    torch.save(load_file(copy / "model.safetensors"), copy / "pytorch_model.bin")
    (copy / "model.safetensors").unlink()
    sentence = rf"encoder '{kind}': .* has no model.safetensors; name a checkpoint with safetensors"
    assert of(kind, copy).objection(None, None) is not None
    with pytest.raises(DataError, match=sentence):
        of(kind, copy).encode(np.zeros((1, 3, 28, 28), np.uint8))


def test_a_checkpoints_own_code_and_quantisation_are_ignored(kind, checkpoint, copy, images, tmp_path):
    (copy / "own.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\n")
    config = json.loads((copy / "config.json").read_text())
    classes = {"AutoModel": "own.Model", "AutoConfig": "own.Config", "AutoImageProcessor": "own.Processor"}
    config |= {"auto_map": classes, "transformers_weights": "../other.safetensors", "attn_implementation": "a/kernel"}
    (copy / "config.json").write_text(json.dumps(config))
    (copy / "preprocessor_config.json").write_text(json.dumps({**settings(kind), "auto_map": classes}))
    np.testing.assert_array_equal(of(kind, copy).encode(images[:1]), of(kind, checkpoint).encode(images[:1]))
    assert not (tmp_path / "ran").exists()


def _without_a_weight(folder):
    weights = load_file(folder / "model.safetensors")
    name = next(name for name in weights if "layernorm" in name and "text" not in name)
    renamed = {f"other.{n}" if n == name else n: w for n, w in weights.items()}
    save_file(renamed, folder / "model.safetensors", {"format": "pt"})


def _of_another_width(folder):
    config = json.loads((folder / "config.json").read_text())
    config.get("vision_config", config)["hidden_size"] = 64
    (folder / "config.json").write_text(json.dumps(config))


def _of_another_kind(folder):
    (folder / "config.json").write_text('{"model_type": "bert"}')


def _huge(folder):
    told = json.loads((folder / "preprocessor_config.json").read_text())
    (folder / "preprocessor_config.json").write_text(json.dumps({**told, "size": {"shortest_edge": 10**6}}))


def _cut_short(folder):
    content = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(content[: len(content) // 2])


SPOILT = {
    "a weight is missing": (_without_a_weight, "1 weights are not in .* name a whole checkpoint"),
    "weights of another width": (_of_another_width, "asks for [0-9,]+ weights, but there are [0-9,]+; name a whole"),
    "another kind of model": (_of_another_kind, "is of a 'bert', not of a (dinov2|clip)"),
    "images of a million pixels a side": (_huge, "asks for images of .* pixels; whole numbers of at most 2048"),
    "a file cut short": (_cut_short, "cannot load .*; get the checkpoint again"),
    "no JSON": (lambda folder: (folder / "config.json").write_text("{"), "config.json cannot be read as JSON"),
    "no table": (lambda folder: (folder / "preprocessor_config.json").write_text("3"), "is no table of settings"),
}


@pytest.mark.parametrize(("spoil", "said"), SPOILT.values(), ids=SPOILT.keys())
def test_a_spoilt_checkpoint_is_one_sentence(kind, copy, spoil, said):
    spoil(copy)
    with pytest.raises(AutophagyError, match=said) as caught:
        of(kind, copy).encode(np.zeros((1, 3, 28, 28), np.uint8))
    assert "\n" not in str(caught.value)


def test_without_transformers_it_says_what_to_install(kind, encoder, monkeypatch):
    monkeypatch.setattr("autophagy.encoders._checkpoints.find_spec", lambda name: None)
    assert "pip install 'autophagy[transformers]'" in encoder.objection(None, None)


def test_a_plan_loads_neither_torch_nor_transformers(kind, checkpoint):
    code = (
        "import sys; from autophagy.core.catalog import build; from autophagy.core.identity import part_key;"
        f"e = build('encoder', {{'use': {kind!r}, 'checkpoint': {str(checkpoint)!r}}});"
        "assert e.objection(None, None) is None; part_key(e);"
        "print([name for name in ('torch', 'transformers', 'huggingface_hub') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
