"""autophagy list and autophagy check."""

from dataclasses import dataclass

import pytest

from autophagy.cli.parts import settings
from autophagy.core.catalog import find, known_names
from autophagy.core.parts import KINDS
from autophagy.experiment.read import recipes


def test_every_part_and_recipe_is_listed_with_a_line_about_it(call):
    code, said = call("list")
    assert code == 0
    lines = said.splitlines()
    for name in [*recipes(), *(name for kind in KINDS for name in known_names(kind))]:
        assert any(line.startswith(f"{name}  ") and len(line) > len(name) + 12 for line in lines), name


def test_settings_are_listed_with_type_default_and_meaning(call):
    said = call("list", "loops")[1]
    line = next(line for line in said.splitlines() if line.strip().startswith("synthetic  "))
    assert line.split("  ", 1)[1].split(None, 1)[0] == "synthetic"
    for word in ("a number at least 0 and at most 1", "0.5", "the share taken from the generation before"):
        assert word in line
    assert "must be said" in said  # the phases have no default


def test_every_setting_of_every_part_says_what_it_is_for():
    """What a part inherits too."""
    known = [(kind, name, find(kind, name)) for kind in KINDS for name in known_names(kind)]
    parts = [found for found in known if found[2].__module__.startswith("autophagy.")]  # not what a test has registered
    assert len(parts) > 50
    silent = [(kind, name, s) for kind, name, part in parts for s, _, _, meaning in settings(part) if not meaning]
    assert not silent


def test_an_unknown_kind_is_one_sentence(call):
    code, said = call("list", "modle")
    assert code == 2
    assert "Did you mean 'model'?" in said


def test_check_tells_every_claim(call):
    code, said = call("check", "gaussian")
    assert code == 0
    assert said.count("✓") >= 4
    assert "model 'gaussian' passes" in said


@pytest.mark.parametrize("name", ["inception", "vgg16"])
def test_a_part_whose_weights_are_not_there_is_not_blamed(call, tmp_path, monkeypatch, name):
    monkeypatch.setenv("AUTOPHAGY_CACHE", str(tmp_path))
    code, said = call("check", name)
    assert code == 1
    assert f"nothing was tried: encoder '{name}' needs its weights" in said


def test_a_name_of_two_kinds_is_checked_as_both_or_as_asked(call):
    said = call("check", "gaussian-mixture", "--kind", "source")[1]
    assert "source 'gaussian-mixture' passes" in said
    assert "model 'gaussian-mixture'" not in said
    said = call("check", "categorical")[1]
    assert "source 'categorical' passes" in said
    assert "model 'categorical' passes" in said


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["gausian"], "Did you mean 'gaussian'?"),
        (["gaussian", "--kind", "modle"], "Did you mean 'model'?"),
        (["gaussian", "--kind", "loop"], "there is no loop named 'gaussian'"),
        (["phases"], "also needs the settings generations, loops"),
        (["gaussian", "--set", "unbiassed=true"], "Did you mean 'unbiased'?"),
        (["gaussian", "--set", f"unbiased={'1' * 5000}"], "--set unbiased has a number of more than 4,300 digits"),
        (["os:system"], "there is no part named 'os:system'"),
    ],
)
def test_what_cannot_be_checked_is_one_sentence(call, arguments, sentence):
    code, said = call("check", *arguments)
    assert code == 2
    assert sentence in said


def test_needed_settings_can_be_given(call):
    code, said = call("check", "phases", "--set", "loops=['real-only']", "--set", "generations=[]")
    assert code == 0, said
    assert "loop 'phases' passes" in said


def test_a_plugin_that_breaks_a_claim_fails(call, monkeypatch):
    from autophagy.core import catalog
    from autophagy.core.mixture import Mixture, drawn
    from autophagy.core.parts import KINDS, Loop

    @dataclass(frozen=True)
    class Ahead(Loop):
        """Looks into the future."""

        def mixture(self, generation: int) -> Mixture:
            return Mixture((drawn(generation + 1).whole(),))

    for kind in KINDS:
        catalog.known_names(kind)  # what is imported while the catalogue is a copy would be forgotten with it
    monkeypatch.setattr(catalog, "_found", dict(catalog._found))
    catalog.register("ahead")(Ahead)
    code, said = call("check", "ahead")
    assert code == 1
    assert "✗ loop 'ahead'" in said
    assert "passes" not in said
