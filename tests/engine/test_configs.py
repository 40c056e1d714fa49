"""Any settings give an experiment, or one readable sentence; never anything else."""

from __future__ import annotations

import copy
import dataclasses
import json
import math
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autophagy.core.errors import AutophagyError, ConfigError, DataError, MissingPackage, PlanError
from autophagy.experiment.notes import notes
from autophagy.experiment.plan import plan
from autophagy.experiment.read import experiment, profiles, read, recipes
from autophagy.testing import toys
from autophagy.testing.language_checkpoint import language_model

VALID: dict[str, Any] = {
    "seeds": [0, 1],
    "generations": 2,
    "base": {
        "source": {"use": "normal", "dim": 2},
        "model": {"use": "gaussian", "unbiased": False},
        "real": 20,
        "metrics": ["moments", {"use": "precision-recall", "k": 3}],
        "probes": {"p": {"each": 2}},
    },
    "arms": {
        "eats": {"loop": "fully-synthetic"},
        "heals": {"loop": [{"use": "fully-synthetic", "generations": 1}, {"use": "real-only"}], "start": "scratch"},
        "shares": {"loop": {"use": "fixed-share", "synthetic": 0.5}, "curators": [{"use": "dedupe"}]},
    },
    "profiles": {"smoke": {"generations": 1, "base": {"real": 10}, "arms": {"eats": {"samples": 5}}}},
}
FIELDS = [
    "seeds", "generations", "base", "arms", "profiles", "use", "source", "model", "loop", "metrics", "curators",
    "real",
    "per_group", "samples", "bias", "start", "founder", "seeding", "refill", "probes", "gallery", "keep_models", "dim",
    "mean", "covariance", "unbiased", "synthetic", "loops", "each", "conditions", "k", "encoder", "generation", "a.b",
    "",
    "\x1b[2J", "__class__", "name", "version", "arm", "size",
]  # fmt: skip
WORDS = [
    "normal", "gaussian", "fully-synthetic", "real-only", "moments", "fixed-share", "phases", "frechet", "pixels",
    "lenet",
    "digits", "categorical", "kde", "accumulate", "../etc", "_em", "os", "scratch", "last", "all", "guassian",
    "mnist\n",
]  # fmt: skip
NUMBERS = st.one_of(
    st.integers(-3, 60),
    st.sampled_from([2**31, 2**63 - 1, 2**63, -(2**70), 10**400]),
    st.floats(allow_nan=True),
    st.sampled_from([math.nan, math.inf, -0.0, 5e-324]),
)
LEAVES = st.one_of(st.none(), st.booleans(), NUMBERS, st.sampled_from(WORDS), st.text(max_size=8))
JUNK = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(FIELDS) | st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=12,
)
SLOW = settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@pytest.fixture(scope="module", autouse=True)
def parts_are_loaded() -> None:
    """The first look at a part imports its file; that is not what is timed here."""
    plan(experiment(VALID))
    for wrong in ("source", "model", "loop"):
        with pytest.raises(ConfigError):
            experiment(
                {**VALID, "base": {**VALID["base"], wrong: "nothing-of-that-name"}, "arms": {"a": {"loop": "x"}}}
            )


def outcome(raw: Any, **more: Any) -> AutophagyError | None:
    """None for a valid experiment; the error otherwise, which must be a sentence."""
    began = time.process_time()
    try:
        json.dumps(dataclasses.asdict(notes(plan(experiment(raw, **more)))), allow_nan=False)
    except (ConfigError, PlanError, DataError, MissingPackage) as error:
        text = str(error)
        assert text.endswith((".", "]'", '"')), text
        assert len(text) > 20
        return error
    finally:
        assert time.process_time() - began < 1, raw
    return None


def test_the_valid_one_is_valid() -> None:
    assert outcome(VALID) is None
    assert outcome(VALID, profile="smoke") is None


@SLOW
@given(raw=st.dictionaries(st.sampled_from(FIELDS[:5]) | st.text(max_size=6), JUNK, max_size=5))
def test_any_table_gives_an_experiment_or_a_sentence(raw: dict[str, Any]) -> None:
    outcome(raw)


@SLOW
@given(
    where=st.lists(st.integers(0, 50), min_size=1, max_size=5),
    junk=JUNK,
    do=st.sampled_from(["put", "add", "drop"]),
    field=st.sampled_from(FIELDS),
)
def test_any_change_of_a_valid_experiment_gives_an_experiment_or_a_sentence(
    where: list[int], junk: Any, do: str, field: str
) -> None:
    raw = copy.deepcopy(VALID)
    table: Any = raw
    steps: list[str] = []
    for i, step in enumerate(where):
        keys = list(table) if isinstance(table, dict) else list(range(len(table)))
        if not keys:
            break
        chosen = keys[step % len(keys)]
        steps.append(str(chosen))
        if i == len(where) - 1 or not isinstance(table[chosen], (dict, list)):
            if do == "drop":
                del table[chosen]
            elif do == "add" and isinstance(table, dict):
                table[field] = junk
            else:
                table[chosen] = junk
            break
        table = table[chosen]
    outcome(raw)
    outcome(raw, profile="smoke")


@SLOW
@given(
    path=st.lists(st.sampled_from([*FIELDS, "eats", "heals", "p", "0"]), min_size=1, max_size=5).map(".".join)
    | st.text(max_size=12),
    value=st.text(max_size=12)
    | st.sampled_from(["[", "[1, 2]", "{use = 'kde'}", "1e999", "nan", "2026-01-01", "'x'", "[" * 5000]),
    equals=st.sampled_from(["=", "=", "=", " = ", "", "=="]),
)
def test_any_set_text_gives_an_experiment_or_a_sentence(path: str, value: str, equals: str) -> None:
    outcome(VALID, changes=[path + equals + value])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("base.modle=kde", "base.modle: there is no such setting. Did you mean 'model'?"),
        ("arms.eats.lop=real-only", "arms.eats.lop: there is no such setting. Did you mean 'loop'?"),
        (
            "base.model.use=guassian",
            "base.model: there is no model named 'guassian'. Did you mean 'gaussian'? There are:",
        ),
        ("base.source.dim=two", "base.source.dim must be"),
        (
            "base.model.unbaised=true",
            "base.model.unbaised: model 'gaussian' has no such setting. Did you mean 'unbiased'?",
        ),
        ("arms.shares.loop.synthetic=2", "arms.shares.loop.synthetic must be at least 0 and at most 1, but is 2"),
        ("base.metrics=[3]", "base.metrics[0] must be a name or a table with use ="),
        ("base.metrics=[{k = 3}]", "base.metrics[0] must be a name or a table with use ="),
        ("base.real=many", "base.real must be"),
        ("base.real=true", "base.real must be"),
        ("base.real=99999999999999999999", "base.real must"),
        ("base.bias=nan", "base.bias must be a finite number"),
        ("generations=ten", "generations must be a whole number, but is 'ten'"),
        ("genrations=10", "genrations: there is no such setting. Did you mean 'generations'?"),
        ("seeds=3", "seeds must be a list"),
        ("arms.new.bias=0.5", "arms.new.loop is missing; say it here or in [base]"),
        ("arms.eats=real-only", "arms.eats"),
        ("base.probes.p.eech=3", "base.probes.p.eech: there is no such setting. Did you mean 'each'?"),
        ("base.probes.p.each=0", "base.probes.p.each must be at least 1"),
        ("arms.heals.loop=[{use='real-only'}, 'real-only']", "arms.heals.loop[0].generations is missing"),
        (
            "arms.heals.loop=[{use='real-only', generations=1}, {use='real-only', generations='banana'}]",
            "arms.heals.loop[1].generations must be a whole number, but is 'banana'",
        ),
        (
            "arms.heals.loop=[{use='real-only', generations=1}]",
            "arms.heals.loop: its phases end with generation 1, but the arm with generation 2",
        ),
        ("arms.heals.loop=[]", "arms.heals.loop is an empty list; name a loop"),
        ("base.metrics=['moments', {use='moments'}]", "metrics[1] is the same 'moments' as one before it"),
        ("base.loop=nonesuch", "base.loop: there is no loop named 'nonesuch'"),  # though every arm has its own
        ("seeds=[0, 0]", "seeds must be different whole numbers, one or more, but are [0, 0]"),
        ("nothing", "--set takes key.path=value"),
        ("=3", "--set takes key.path=value"),
        ("a..b=3", "--set takes key.path=value"),
        ("seeds.x=3", "--set seeds.x: seeds is not a table"),
    ],
)
def test_a_wrong_setting_is_named_with_its_path(change: str, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        plan(experiment(VALID, changes=[change]))
    assert words in str(caught.value)


def test_set_reaches_into_short_forms_and_makes_tables() -> None:
    found = experiment(
        VALID, changes=["arms.eats.loop.size=7", "base.model=kde", "arms.new.loop=accumulate", "seeds=[4]"]
    )
    assert found.arms["eats"].loop.size == 7  # type: ignore[attr-defined]
    assert found.arms["shares"].model.name == "kde"
    assert found.arms["new"].loop.name == "accumulate"
    assert found.seeds == (4,)
    assert VALID["base"]["model"] == {"use": "gaussian", "unbiased": False}  # the caller's table is left alone


def test_arms_say_only_what_differs() -> None:
    found = experiment(VALID)
    assert found.arms["eats"].source == found.arms["heals"].source
    assert (found.arms["heals"].real, found.arms["shares"].curators[0].name) == (20, "dedupe")
    assert [m.name for m in found.arms["eats"].metrics] == ["moments", "precision-recall"]


def test_a_profile_overrides_for_its_scale() -> None:
    found = experiment(VALID, profile="smoke")
    assert (found.generations, found.seeds) == (1, (0, 1))
    assert (found.arms["eats"].real, found.arms["eats"].samples, found.arms["heals"].samples) == (10, 5, None)
    with pytest.raises(ConfigError, match=r"there is no profile 'smok'\. Did you mean 'smoke'"):
        experiment(VALID, profile="smok")
    wrong = {**VALID, "profiles": {"x": {"bas": {}}}}
    for asked in ("x", None):  # a slip is told before anybody asks for it
        with pytest.raises(ConfigError, match=r"profiles\.x\.bas: there is no such setting"):
            experiment(wrong, profile=asked)
    with pytest.raises(ConfigError, match=r"profiles\.smoke must be a table, but is 3"):
        experiment({**VALID, "profiles": {"smoke": 3}})


def test_a_part_may_be_passed_as_an_object() -> None:
    from autophagy.models.gaussian import Gaussian

    found = experiment({**VALID, "base": {**VALID["base"], "model": Gaussian(unbiased=True)}})
    assert found.arms["eats"].model == Gaussian(unbiased=True)
    with pytest.raises(ConfigError, match=r"must be a name or a table .*; say Gaussian\(…\)\."):
        experiment({**VALID, "base": {**VALID["base"], "model": Gaussian}})


# ── files ────────────────────────────────────────────────────────────────────


def test_a_file_is_read_and_named_after_its_stem(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(
        '[base]\nsource = "normal"\nmodel = "gaussian"\nreal = 9\n[arms.a]\nloop = "real-only"\n[profiles.p]\n'
    )
    assert read(file).name == "mine"
    assert read(file, changes=["base.real=8"]).arms["a"].real == 8
    assert profiles(file) == ["p"]


@pytest.mark.parametrize("content", [b"\xff\xfe", b"a = [", b"a = 1\na = 2", b"[" * 10_000, b"\x00", b"x = 1e\n"])
def test_a_file_that_is_no_toml_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "mine.toml"
    file.write_bytes(content)
    for look in (read, profiles):
        with pytest.raises(ConfigError, match=r"is not valid TOML|is not a text file"):
            look(file)


def test_a_file_may_begin_with_the_mark_that_some_editors_put_there(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    text = '[base]\nsource = "normal"\nmodel = "gaussian"\nreal = 9\n[arms.a]\nloop = "real-only"\n[profiles.p]\n'
    file.write_text(text, encoding="utf-8-sig")
    assert read(file).arms["a"].real == 9
    assert profiles(file) == ["p"]


LONG = ["1" * 5000, "-" + "1" * 5000, "0x" + "f" * 5000, "[1, {a = " + "9" * 5000 + "}]"]  # Python reads or shows 4,300


@pytest.mark.parametrize("number", LONG, ids=["decimal", "negative", "hexadecimal", "within"])
def test_a_number_of_thousands_of_digits_is_refused_in_one_sentence(tmp_path: Path, number: str) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(f'seeds = {number}\n[arms.a]\nloop = "real-only"\n')
    for look in (read, profiles):
        with pytest.raises(
            ConfigError, match=r"mine\.toml has a number of more than 4,300 digits; .* fit in 64 bits\.$"
        ):
            look(file)
    with pytest.raises(ConfigError, match=r"^--set base\.real has a number of more than 4,300 digits;"):
        experiment(VALID, changes=[f"base.real={number}"])
    with pytest.raises(ConfigError, match=r"there is no such setting"):
        experiment(VALID, changes=[f"{'1' * 5000}=3"])  # a key may have as many as it likes


def test_an_experiment_may_have_another_name_than_its_file(tmp_path: Path) -> None:
    file = tmp_path / "my exp (1).toml"
    file.write_text('[base]\nsource = "normal"\nmodel = "gaussian"\nreal = 9\n[arms.a]\nloop = "real-only"\n')
    assert read(file, name="mine").name == "mine"
    with pytest.raises(ConfigError, match=r"^experiment name 'my exp \(1\)' cannot be used: .*; it is the file's, so"):
        read(file)
    with pytest.raises(ConfigError, match=r"^experiment name '' cannot be used: .*\(64 at most\)\.$"):
        read(file, name="")


@pytest.mark.parametrize("name", ["no-such-file.toml", "", ".", "a\x00b", "x" * 5000, "/"])
def test_a_file_that_is_not_there_is_refused_with_the_recipes(name: str) -> None:
    with pytest.raises(ConfigError, match=r"is no file that can be read and no recipe.*Recipes: "):
        read(name)


USERS = {  # ask for images or weights that lie on a user's machine, if anywhere
    ("interplay-diffusion", "cpu"),
    ("interplay-diffusion", "paper"),
    ("mad-stylegan2", "paper"),
}
OURS = ('base.source="mnist"', "base.real=1000", "base.samples=1000", 'base.metrics=["moments"]')

PIPELINES = ("nepotism", "nepotism-controls", "nepotism-healing", "nepotism-lora", "cross-engine", "sd-turbo")
SMALL = (
    'base.source="coloured-digits"',
    'base.model.checkpoint="tiny-sd"',
    "base.model.side=32",
    'base.metrics=["moments"]',
)
ALSO = {
    "nepotism-controls": ('arms.quality-controlled.curators=["quality-sifid"]',),
    "cross-engine": ('arms.other-engine.model.checkpoint="tiny-sd"', "arms.other-engine.model.side=32"),
}


TENTH, LONGER = 'arms."a tenth original"', 'arms."a tenth original, twice the epochs"'
WRITERS = {  # whose models are a user's, by recipe and profile
    ("curse-llm", "cpu"): ("base",),
    ("curse-llm", "paper"): ("base", TENTH),
    ("curse-llm-10-percent", "cpu"): ("base", LONGER),
    ("curse-llm-10-percent", "paper"): ("base", TENTH, LONGER),
}


SHORT = ("block=32", "validation=50")


def ours(name: str, profile: str | None, folder: Path) -> tuple[str, ...]:
    """Changes that put data and weights of ours in place of those on a user's machine."""
    if name in PIPELINES and profile == "paper":
        return (*SMALL, *ALSO.get(name, ()))
    if places := WRITERS.get((name, profile)):
        model = language_model(folder / "model")
        source = f'{{ use = "text-file", path = "{texts(folder)}", tokenizer = "{model}", block = 32, prompt = 0.5 }}'
        small = (f"{place}.model.{it}" for place in places for it in (f'checkpoint="{model}"', *SHORT))
        return (f"base.source={source}", *small)
    if (name, profile) == ("llm-accumulate", "paper"):
        source = f'{{ use = "text-file", path = "{texts(folder)}", unit = "documents", prompt = 0.5 }}'
        some = ("base.real=100", "base.reference=50", 'arms."accumulate, same size".loop.size=100')
        fresh = ('arms."fresh texts".loop.real=50', 'arms."fresh texts".loop.synthetic=50')
        return (f"base.source={source}", f'arms."half of every text".source={source}', *some, *fresh)
    return OURS if (name, profile) in USERS else ()


def texts(folder: Path) -> Path:
    """A file of 700 documents of 80 words."""
    rng, path = np.random.default_rng(0), folder / "texts.jsonl"
    rows = (" ".join(rng.choice(toys.WORDS, 80)) for _ in range(700))
    path.write_text("".join(json.dumps({"text": row}) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.mark.parametrize("name", recipes())
def test_every_shipped_recipe_is_read_in_every_profile_and_planned_small(name: str, tmp_path: Path) -> None:
    for profile in (None, *profiles(name)):
        found = read(name, profile=profile, changes=ours(name, profile, tmp_path))
        assert plan(dataclasses.replace(found, seeds=found.seeds[:1], generations=min(found.generations, 20))).turns
