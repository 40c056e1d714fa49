"""autophagy weights."""

import pytest

from autophagy.encoders._weights import Published


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("AUTOPHAGY_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.mark.parametrize("name", ["inception", "vgg16"])
def test_a_wrong_file_is_one_sentence_and_nothing_is_kept(call, cache, tmp_path, name):
    (tmp_path / "other.pth").write_bytes(b"something else")
    code, said = call("weights", name, "--file", tmp_path / "other.pth")
    assert code == 1
    assert "is not the published file" in said
    assert not cache.exists()


def test_it_says_where_the_weights_are(call, tmp_path, monkeypatch):
    given = []
    monkeypatch.setattr(Published, "install", lambda self, file: given.append(file) or tmp_path / "there")
    code, said = call("weights", "inception", "--file", tmp_path / "weights.pth")
    assert (code, said.strip()) == (0, f"weights of encoder 'inception': {tmp_path / 'there'}")
    assert given == [tmp_path / "weights.pth"]


def test_an_encoder_without_weights_to_get_is_named(call):
    code, said = call("weights", "inseption")
    assert code == 2
    assert "Did you mean 'inception'? There are: inception, vgg16." in said


def test_check_says_what_is_missing(call, cache):
    code, said = call("check", "inception")
    assert code == 1
    assert "run: autophagy weights inception" in said
