"""The weights of encoder `inception`: one published file, checked before it is opened; a sentence where it is not."""

import hashlib
import pickle
import re
import resource
import signal
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from autophagy import Experiment
from autophagy.core.catalog import build, known_names
from autophagy.core.errors import AutophagyError, DataError, PlanError
from autophagy.encoders import _inception_weights

WEIGHTS = _inception_weights.WEIGHTS
PUBLISHED = "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2"


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty cache folder."""
    monkeypatch.setenv("AUTOPHAGY_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_the_version_stands_for_the_published_file():
    assert (build("encoder", "inception").version, WEIGHTS.sha256) == (1, PUBLISHED)
    assert PUBLISHED[:8] in WEIGHTS.address


def test_without_weights_it_is_listed_and_says_what_to_do(cache):
    assert "inception" in known_names("encoder")
    sentence = r"encoder 'inception' needs its weights, but .*cache.* is not there; run: autophagy weights inception"
    with pytest.raises(DataError, match=sentence):
        build("encoder", "inception").encode(np.zeros((1, 3, 8, 8), np.uint8))


def test_a_plan_that_needs_absent_weights_is_refused(cache):
    base = {"source": "mnist", "model": "eigen-mixture", "real": 20, "samples": 20}
    base["metrics"] = [{"use": "frechet", "encoder": "inception"}]
    experiment = Experiment.of({"generations": 1, "base": base, "arms": {"closed": {"loop": "fully-synthetic"}}})
    with pytest.raises(PlanError, match="arm 'closed': encoder 'inception' needs its weights"):
        experiment.plan()


def test_another_file_is_refused_and_never_unpickled(cache, tmp_path):
    touched = tmp_path / "touched"
    (tmp_path / "evil.pth").write_bytes(pickle.dumps(_Touch(touched)))
    with pytest.raises(DataError, match=r"evil.pth is not the published file: its sha256 begins with \w{8}, not 6726"):
        WEIGHTS.install(tmp_path / "evil.pth")
    assert not touched.exists()
    assert not cache.exists()


class _Touch:
    """A pickle that makes a file when it is read."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def test_a_download_is_checked_and_converted_as_a_file_is(cache, tmp_path):
    small = tmp_path / "small.pth"
    torch.save({"a.conv.weight": torch.arange(6.0).reshape(2, 3), "counter": torch.tensor(1)}, small)
    weights = replace(WEIGHTS, address=small.as_uri())
    with pytest.raises(DataError, match="is not the published file"):
        weights.install()
    weights = replace(weights, sha256=hashlib.sha256(small.read_bytes()).hexdigest())
    path = weights.install()
    assert [p.name for p in cache.iterdir()] == [path.name]
    (name, array), *rest = weights.load(path).items()
    assert (name, rest) == ("a.conv.weight", [])
    np.testing.assert_array_equal(array, np.arange(6.0).reshape(2, 3))


def test_a_converted_file_that_changed_is_refused(cache, tmp_path):
    small = tmp_path / "small.pth"
    torch.save({"a.conv.weight": torch.ones(64)}, small)
    weights = replace(WEIGHTS, sha256=hashlib.sha256(small.read_bytes()).hexdigest())
    path = weights.install(small)
    whole = path.read_bytes()
    for content in (whole[:-1] + b"\x00", whole[:-9], b""):
        path.write_bytes(content)
        with pytest.raises(DataError, match="run: autophagy weights inception"):
            weights.load(path)
    path.write_bytes(whole)
    with pytest.raises(DataError, match="does not hold the weights it should"):
        WEIGHTS.load(path)  # converted from another file than this version's


def test_what_cannot_be_had_is_one_sentence(cache, tmp_path):
    weights = replace(WEIGHTS, address=(tmp_path / "absent.pth").as_uri())
    for published in (None, tmp_path / "absent.pth"):
        with pytest.raises(AutophagyError, match=r"cannot be (downloaded|read)") as caught:
            weights.install(published)
        assert "\n" not in str(caught.value)


def test_a_cache_that_cannot_be_written_is_one_sentence(tmp_path, monkeypatch):
    small = tmp_path / "small.pth"
    torch.save({"a.conv.weight": torch.ones(2)}, small)
    monkeypatch.setenv("AUTOPHAGY_CACHE", str(small))  # a file, not a folder
    weights = replace(WEIGHTS, sha256=hashlib.sha256(small.read_bytes()).hexdigest())
    with pytest.raises(DataError, match=r"cannot be written: .*; say AUTOPHAGY_CACHE=FOLDER"):
        weights.install(small)


def test_a_file_larger_than_is_allowed_is_one_sentence(cache, tmp_path):
    """By a limit on the size of files, which safetensors tells of in its own words; as a full disk."""
    small = tmp_path / "small.pth"
    torch.save({"a.conv.weight": torch.ones(2**16)}, small)
    weights = replace(WEIGHTS, sha256=hashlib.sha256(small.read_bytes()).hexdigest())
    before, heard = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (2**16, before[1]))
        with pytest.raises(DataError, match=r"cannot be written: File too large; say AUTOPHAGY_CACHE=FOLDER"):
            weights.install(small)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, heard)
    assert not list(cache.iterdir())


@pytest.mark.parametrize("name", ["AUTOPHAGY_CACHE", "XDG_CACHE_HOME"])
def test_a_cache_in_the_home_of_nobody_is_one_sentence(tmp_path, monkeypatch, name):
    monkeypatch.delenv("AUTOPHAGY_CACHE", raising=False)
    monkeypatch.setenv(name, "~nosuchuser")
    sentence = "encoder 'inception': the cache folder '~nosuchuser.*' begins with a home folder that is not known; say "
    assert re.match(sentence, build("encoder", "inception").objection(None, None))
    with pytest.raises(DataError, match=sentence):
        WEIGHTS.place()


def test_a_cache_with_a_name_too_long_is_one_sentence(tmp_path, monkeypatch):
    monkeypatch.setenv("AUTOPHAGY_CACHE", "x" * 5000)
    assert "is not there; run: autophagy weights inception" in build("encoder", "inception").objection(None, None)


def test_without_torch_it_says_what_to_install(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert "pip install 'autophagy[torch]'" in build("encoder", "inception").objection(None, None)


@pytest.mark.parametrize(
    ("told", "usual", "folder"),
    [("/a", "/b", "/a"), ("", "/b", "/b/autophagy"), ("", "", "~/.cache/autophagy")],
)
def test_the_cache_is_where_the_environment_says(monkeypatch, told, usual, folder):
    monkeypatch.setenv("AUTOPHAGY_CACHE", told)
    monkeypatch.setenv("XDG_CACHE_HOME", usual)
    assert WEIGHTS.place().parent == Path(folder).expanduser()
