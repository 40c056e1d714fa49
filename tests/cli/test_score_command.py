"""autophagy score, as a person or a script meets it."""

import json
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def pair(here):
    """Two folders of 30 noisy images, in the working folder."""
    rng = np.random.default_rng(0)
    for name, level in (("real", 100), ("fake", 140)):
        (here / name).mkdir()
        for i in range(30):
            Image.fromarray(rng.integers(0, level, (12, 12), np.uint8)).save(here / name / f"{i}.png")
    return here


def test_a_table_with_intervals_floors_and_what_is_wrong(pair, call):
    (pair / "fake" / "bad\x1b[31m.png").write_bytes(b"x")
    code, said = call("score", "real", "fake", "--metrics", "frechet,precision-recall", "--encoder", "pixels")
    assert code == 0
    assert "real: real, 30 images, 12 × 12, PNG, L" in said
    assert "fake: fake, 30 images, 12 × 12, PNG, L" in said
    assert "encoder 'pixels', 144 features: not the FID of papers" in said
    lines = said.splitlines()
    heading = next(line for line in lines if line.startswith("metric"))
    assert heading.split() == ["metric", "value", "[95", "%]", "interval", "n", "real", "n", "fake", "floor", "better"]
    assert sum(line.startswith(("frechet", "precision-recall")) for line in lines) == 5
    assert "floor: real data against other real data of the same set, 15 against 15" in said
    assert "! 1 in fake could not be used and was left out." in said
    assert "! 30 are too few for 144 features" in said
    assert "left out of fake: 'bad\\x1b[31m.png' is not a PNG" in said
    assert "\x1b" not in said


def test_json_is_all_there_is_on_stdout(pair, call):
    code, said = call("score", "real", "fake", "--metrics", "frechet", "--json", "--no-intervals")
    assert code == 0
    told = json.loads(said, parse_constant=pytest.fail)
    assert [s["name"] for s in told["scores"]] == ["distance", "debiased"]
    assert told["encoding"]["encoder"] == {"use": "lenet", "version": 1}


def test_settings_reach_the_metric_and_the_encoder(pair, call):
    metrics = "--metrics", "precision-recall"
    code, said = call("score", "real", "fake", *metrics, "--set", "precision-recall.k=3", "--json")
    assert code == 0
    assert json.loads(said)["scores"][0]["identity"]["k"] == 3
    pca = "--encoder", "pca", "--set", "pca.components=4"
    assert "encoder 'pca', 4 features" in call("score", "real", "fake", *metrics, *pca)[1]
    code, said = call("score", "real", "fake", "--set", "precision-recall.k=3")
    assert code == 2
    assert "settings are NAME.SETTING=VALUE of a metric or encoder that is named on the command line" in said
    code, said = call("score", "real", "fake", *metrics, "--set", "precision-recall.kay=3")
    assert code == 2
    assert "has no such setting" in said


def test_features_are_kept_and_compared_later(pair, call):
    code, first = call("score", "real", "fake", "--metrics", "frechet", "--save-features", "kept")
    assert code == 0
    code, again = call("score", "kept/real.safetensors", "kept/fake.safetensors", "--metrics", "frechet")
    assert code == 0
    assert [line for line in again.splitlines() if line.startswith("frechet")] == [
        line for line in first.splitlines() if line.startswith("frechet")
    ]
    code, said = call("score", "real", "fake", "--save-features", "kept")
    assert code == 1
    assert "kept/real.safetensors is there already and is left alone" in said
    code, said = call("score", "kept/real.safetensors", "fake", "--encoder", "pixels")
    assert code == 2
    assert "leave --encoder out" in said


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["real", "nowhere"], 1, "autophagy: FAKE: there is no file or folder 'nowhere'."),
        (["a" * 5000, "fake"], 1, "cannot be looked for (File name too long); name a file or folder."),
        (["real", "toy.toml"], 1, "is none of what can be scored"),
        (["real", "fake", "--metrics", "frechte"], 2, "Did you mean 'frechet'?"),
        (["real", "fake", "--metrics", " , "], 2, "no metric was asked for"),
        (["real", "fake", "--encoder", "lent"], 2, "Did you mean 'lenet'?"),
        (["real", "fake", "--size", "0"], 2, "size must be at least 1"),
        (["real", "fake", "--limit", "-3"], 2, "limit must be at least 1"),
        (
            ["real", "fake", "--limit", "1"],
            2,
            "limit = 1 leaves one image or row of a side; a distribution needs at least 2",
        ),
        (["real", "fake", "--metrics", "modes"], 2, "says nothing of two sets"),
    ],
)
def test_errors_are_a_sentence_and_a_code(pair, call, arguments, code, said):
    found, text = call("score", *arguments)
    assert found == code
    assert said in text
    assert len(text.strip().splitlines()) == 1


def test_features_cannot_be_kept_where_nothing_can_be_written(pair, call):
    (pair / "file").touch()
    code, said = call("score", "real", "fake", "--metrics", "moments", "--save-features", "file")
    assert code == 1
    assert "'file' cannot be made: File exists; choose another folder" in said


def test_a_setting_out_of_range_is_named_with_its_metric(pair, call):
    code, said = call("score", "real", "fake", "--metrics", "precision-recall", "--set", "precision-recall.k=0")
    assert (code, said) == (2, "autophagy: precision-recall.k must be at least 1, but is 0.\n")


def test_reasons_are_in_the_words_of_the_command_line(pair, call):
    _, said = call("score", "real", "fake", "--encoder", "pixels", "--no-intervals")
    lines = said.partition("\nnot measured:\n")[2].splitlines()
    (balance,) = (line for line in lines if line.startswith("  class-balance: "))
    assert balance.endswith("works with --encoder lenet")
    (single,) = (line for line in lines if line.startswith("  single-image-fid: "))
    assert single.endswith("choose --encoder alexnet --set alexnet.layer=relu1 or --encoder inception-maps")
    (clip,) = (line for line in lines if line.startswith("  clip-score: "))
    assert clip.endswith("works with --encoder clip --set clip.checkpoint=…")
    assert "  lexical, mauve, novelty, perplexity, self-bleu, vocabulary-kept: needs text, not images" in lines
    assert not any(line.endswith(".") for line in lines)


@pytest.mark.parametrize("name", ["class-balance", "single-image-fid"])
def test_a_metric_of_images_says_so_of_vectors(pair, call, name):
    np.save(pair / "a.npy", np.eye(9))
    code, said = call("score", "a.npy", "a.npy", "--metrics", name)
    sentence = f"autophagy: metric '{name}' says nothing of two sets: it needs images, not vectors; leave it out.\n"
    assert (code, said) == (2, sentence)


def test_what_does_not_fit_in_memory_is_a_sentence(pair, call):
    np.save(pair / "a.npy", np.eye(9))
    wide = "wasserstein.directions=100000000000000"
    code, said = call("score", "a.npy", "a.npy", "--metrics", "wasserstein", "--set", wide)
    assert code == 1
    assert said.endswith(
        "cannot be measured here: needs more memory than there is; choose smaller settings or sets (--limit).\n"
    )


def test_features_are_not_kept_of_what_is_not_encoded(pair, call):
    np.save(pair / "a.npy", np.eye(9))
    code, said = call("score", "a.npy", "a.npy", "--save-features", "kept")
    assert code == 2
    assert "--save-features keeps what images are turned into, but neither side has any" in said
    assert not (pair / "kept").exists()


def test_statistics_of_pytorch_fid_are_a_side(pair, call):
    np.savez(pair / "stats.npz", mu=np.zeros(84), sigma=np.eye(84))
    code, said = call("score", "stats.npz", "fake", "--metrics", "frechet")
    assert code == 0
    assert "real: stats.npz, statistics of a set whose size they do not tell" in said
    code, said = call("score", "stats.npz", "fake", "--metrics", "kid")
    assert code == 2
    assert "which only metric 'frechet' can be had of" in said


def test_its_help_loads_nothing_heavy():
    code = (
        "import sys, autophagy.cli.score; "
        "print(*sorted({m.partition('.')[0] for m in sys.modules} & {'numpy', 'torch', 'scipy', 'PIL', 'rich'}))"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.split() == [] or said.split() == ["rich"]
