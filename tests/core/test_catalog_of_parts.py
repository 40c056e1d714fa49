"""Parts are found by name, built from tables, and refused in words when they cannot be."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import KW_ONLY, dataclass, field
from importlib.metadata import EntryPoint
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from autophagy.core import catalog
from autophagy.core.catalog import build, default, find, known_names, register
from autophagy.core.errors import AutophagyError, ConfigError, MissingPackage, listed, nearest
from autophagy.core.generation import Generation
from autophagy.core.mixture import REAL, Mixture
from autophagy.core.parts import KINDS, Encoder, Loop, Metric
from autophagy.loops.real_only import RealOnly


@pytest.fixture(autouse=True)
def catalog_is_left_as_it_was() -> Iterator[None]:
    yield
    for name in [name for name, cls in catalog._found.items() if cls in (Nested, Bare, Keyworded)]:
        del catalog._found[name]


def test_a_version_in_the_body_would_be_lost_and_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"Late says version = 2 in its body; say it in register"):

        @register("late")
        @dataclass(frozen=True)
        class Late(Loop):
            version = 2

            def mixture(self, generation: int) -> Mixture:
                return Mixture((REAL.whole(),))


@dataclass(frozen=True)
class Nested(Metric):
    """Parts inside a part, in every way that a type can say so."""

    encoder: Encoder = field(default_factory=default("encoder", "pixels"))
    others: tuple[Encoder, ...] = ()
    maybe: Encoder | None = None
    needed: int = 0

    def measure(self, generation: Generation) -> Mapping[str, float]:
        return {}


@dataclass(frozen=True)
class Bare(Loop):
    """A setting without a default."""

    size: int

    def mixture(self, generation: int) -> Mixture:
        return Mixture((REAL.some(self.size),))


class Unmarked(Loop):
    def mixture(self, generation: int) -> Mixture:
        return Mixture((REAL.whole(),))


@pytest.mark.parametrize(
    ("body", "bases", "told"),
    [
        ({"mixure": lambda self, g: None}, (Loop,), r"does not define mixture\(\)"),
        ({"__annotations__": {"size": int}, "mixture": lambda self, g: None}, (Loop,), "has size, which is no setting"),
        ({}, (), "is no part; let it inherit from one of Curator, Encoder, Loop, Metric, Model, Source"),
    ],
)
def test_a_class_that_is_no_whole_part_says_what_it_lacks(body: Any, bases: Any, told: str) -> None:
    def made() -> object:
        register("half-made")(type("Half", bases, {"__module__": "theirs", **body}))
        return build("loop", "half-made")

    with pytest.raises(ConfigError, match=told):
        made()
    catalog._found.pop(("loop", "half-made"), None)


@dataclass(frozen=True)
class Keyworded(Loop):
    _: KW_ONLY
    size: int = 3

    def mixture(self, generation: int) -> Mixture:
        return Mixture((REAL.some(self.size),))


def test_a_dataclass_may_do_what_dataclasses_do() -> None:
    register("keyworded")(Keyworded)
    assert build("loop", {"use": "keyworded", "size": 4}).size == 4


def test_an_object_without_a_name_is_told_how_to_get_one() -> None:
    with pytest.raises(ConfigError, match=r'has no name; put @register\("…"\) above it'):
        build("loop", Unmarked())


def test_what_a_part_itself_does_wrong_is_not_called_a_missing_setting() -> None:
    def stumble(self: Any) -> None:
        raise TypeError("unsupported operand")

    made = type("Stumbling", (Loop,), {"mixture": Unmarked.mixture, "__post_init__": stumble})
    register("stumbling")(made)
    with pytest.raises(ConfigError, match="loop 'stumbling' cannot be made: unsupported operand"):
        build("loop", "stumbling")
    catalog._found.pop(("loop", "stumbling"), None)


def test_every_kind_has_parts_and_each_is_found_under_its_file_name() -> None:
    for kind, base in KINDS.items():
        names = known_names(kind)
        assert names == sorted(names)
        assert names
        for name in names:
            cls = find(kind, name)
            assert issubclass(cls, base)
            assert cls.name == name


def test_finding_a_part_imports_its_file_alone() -> None:
    program = (
        "import sys; from autophagy.core.catalog import build; build('model', 'gaussian'); "
        "print(sorted(m for m in sys.modules if m.startswith('autophagy.models.') and '._' not in m)); "
        "print('torch' in sys.modules, 'sklearn' in sys.modules)"
    )
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert told == "['autophagy.models.gaussian']\nFalse False\n"


def test_parts_are_built_from_names_tables_and_themselves() -> None:
    assert build("loop", "real-only") == RealOnly()
    assert build("loop", {"use": "real-only", "fresh": 3}) == RealOnly(fresh=3)
    assert build("loop", RealOnly(fresh=4)) == RealOnly(fresh=4)


def test_parts_inside_parts_are_built_wherever_the_type_says_so() -> None:
    register("nested")(Nested)
    found = build("metric", {"use": "nested", "others": ["pixels", {"use": "pca"}], "maybe": "pca"})
    assert [type(e).__name__ for e in (found.encoder, *found.others, found.maybe)] == ["Pixels", "Pixels", "Pca", "Pca"]
    assert build("metric", {"use": "nested", "maybe": None}).maybe is None
    with pytest.raises(ConfigError, match=r"metric\.others\[1\]: there is no encoder named 'pixel'\. Did you mean"):
        build("metric", {"use": "nested", "others": ["pca", "pixel"]})
    with pytest.raises(ConfigError, match=r"m\.encoder must be a name or a table"):
        build("metric", {"use": "nested", "encoder": 3}, "m")


@pytest.mark.parametrize(
    ("recipe", "words"),
    [
        (3, "here must be a name or a table with use ="),
        ({"fresh": 3}, "here must be a name or a table with use ="),
        ({"use": 3}, "here.use must be a text, but is 3."),
        ("real-onyl", "here: there is no loop named 'real-onyl'. Did you mean 'real-only'? There are: accumulate, "),
        ("os", "there is no loop named 'os'"),
        ("_private", "there is no loop named '_private'"),
        ("real only", "there is no loop named"),
        ("../loops/real_only", "there is no loop named"),
        ("a.b", "there is no loop named"),
        ({"use": "real-only", "fersh": 1}, "here.fersh: loop 'real-only' has no such setting. Did you mean 'fresh'?"),
        ({"use": "real-only", "fresh": 0}, "here.fresh must be at least 1, but is 0."),
        ({"use": "bare"}, "here: loop 'bare' also needs the settings size."),
    ],
)
def test_what_cannot_be_built_is_refused_in_words(recipe: Any, words: str) -> None:
    register("bare")(Bare)
    with pytest.raises(ConfigError) as caught:
        build("loop", recipe, "here")
    assert words in str(caught.value)


def test_a_name_is_given_once() -> None:
    register("nested")(Nested)
    assert register("nested", version=2)(Nested).version == 2  # the same class again, as after a reload
    with pytest.raises(ConfigError, match=r"loop 'real-only' is already autophagy\.loops\.real_only\.RealOnly"):
        register("real-only")(Bare)


@pytest.fixture
def announced(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """Entry points as other packages would announce them."""
    points: list[Any] = []
    catalog._import_entry_points.cache_clear()
    monkeypatch.setattr(catalog, "entry_points", lambda group: points if group == "autophagy.parts" else [])
    yield points
    catalog._import_entry_points.cache_clear()


def test_parts_of_other_packages_are_found_by_entry_point(announced: list[Any]) -> None:
    class Point:
        def load(self) -> None:
            register("from-elsewhere")(Bare)

    announced.append(Point())
    assert find("loop", "from-elsewhere") is Bare
    assert "from-elsewhere" in known_names("loop")


def test_a_plugin_that_cannot_be_loaded_is_named(announced: list[Any]) -> None:
    announced.append(EntryPoint("mine", "no_such_package.parts", "autophagy.parts"))
    with pytest.raises(ConfigError, match=r"the plugin 'mine' \(no_such_package\.parts\) cannot be loaded: ModuleNot"):
        find("loop", "not-there")


def test_a_plugin_that_ends_the_program_is_named(announced: list[Any]) -> None:
    def leave() -> None:
        raise SystemExit(3)

    announced.append(SimpleNamespace(name="mine", value="mine.parts", load=leave))
    with pytest.raises(ConfigError, match=r"the plugin 'mine' \(mine\.parts\) cannot be loaded: SystemExit: 3"):
        find("loop", "not-there")


def test_no_plugin_takes_the_place_of_a_part_of_ours_that_nobody_has_used_yet() -> None:
    code = """
from autophagy.core.catalog import find, register
from autophagy.core.errors import ConfigError
from autophagy.core.parts import Model
try:
    @register("gaussian")
    class Mine(Model): ...
except ConfigError as problem:
    print(problem)
print(find("model", "gaussian").__module__)
"""
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.splitlines()
    assert told == [
        "model 'gaussian' is already autophagy.models.gaussian.Gaussian; pick another name.",
        "autophagy.models.gaussian",
    ]


def test_a_part_whose_package_is_missing_says_so_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise ModuleNotFoundError("No module named 'diffusers'", name="diffusers")

    monkeypatch.setattr(catalog.importlib, "import_module", missing)
    with pytest.raises(ModuleNotFoundError, match="diffusers"):
        find("model", "never-seen")


# ── errors ───────────────────────────────────────────────────────────────────


def test_errors_say_which_exit_code_they_mean() -> None:
    assert (ConfigError.exit_code, MissingPackage.exit_code, AutophagyError.exit_code) == (2, 2, 1)
    told = str(MissingPackage("model 'x'", "diffusers", "images"))
    assert told == "model 'x' needs the package 'diffusers'; run: pip install 'autophagy[images]'"


def test_an_error_is_one_line_that_can_be_printed_whatever_it_quotes() -> None:
    assert str(ConfigError("arms.\x1b[2J\nevil: is 3.")) == "arms.[2J evil: is 3."
    assert str(ConfigError()) == ""


def test_the_nearest_name_is_offered_only_if_it_is_near() -> None:
    assert nearest("gausian", ["gaussian", "kde"]) == " Did you mean 'gaussian'?"
    assert nearest("zzz", ["gaussian", "kde"]) == nearest("x", []) == ""
    assert (listed(["b", "a"]), listed([])) == ("a, b", "none")


def test_metrics_stand_on_their_sample_sizes() -> None:
    from autophagy.core.pool import Origin, Pool
    from autophagy.testing.fakes import Numbered

    one, two = (Pool.born(np.zeros((n, 1)), Origin("x", 0)) for n in (3, 5))
    assert Nested().identity(Generation(0, one, two, two, two, Numbered())) == {"n": 3, "n_reference": 5}
