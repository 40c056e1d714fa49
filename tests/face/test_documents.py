"""What the documents show runs as it stands there."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest
from PIL import Image

from autophagy import Experiment
from autophagy.core.parts import Part
from autophagy.experiment import config as config_module
from autophagy.experiment.config import Arm
from autophagy.experiment.read import profiles, recipes
from autophagy.testing import check

ROOT = Path(__file__).parents[2]


def _blocks(document: str, language: str) -> list[str]:
    text = (ROOT / document).read_text(encoding="utf-8")
    return re.findall(rf"```{language}\n(.*?)```", text, flags=re.DOTALL)


def test_the_readmes_experiment_and_its_python_run(tmp_path, monkeypatch) -> None:
    (config,), (python,) = _blocks("README.md", "toml"), _blocks("README.md", "python")
    monkeypatch.chdir(tmp_path)
    small = config.replace("seeds = [0, 1, 2, 3, 4]", "seeds = [0]").replace("generations = 10", "generations = 6")
    Path("mine.toml").write_text(small.replace("real = 1000", "real = 120"), encoding="utf-8")
    said: dict[str, object] = {}
    exec(compile(python, "README.md", "exec"), said)  # noqa: S102 (our own page)
    run = said["run"]
    healed, synthetic = (run.turn(arm, 0, 5) for arm in ("healed", "synthetic"))  # type: ignore[attr-defined]
    assert healed.done == synthetic.done
    assert not run.failures  # type: ignore[attr-defined]


def test_the_guide_to_experiments_plans_and_has_every_setting_with_its_default(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    for i in range(700):
        folder = tmp_path / "photos" / str(i % 3)
        folder.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (64, 64), (i % 256, i // 256, 0)).save(folder / f"{i}.png")
    (config,) = _blocks("docs/experiments.md", "toml")
    Path("mine.toml").write_text(config, encoding="utf-8")
    assert Experiment.read("mine.toml").plan().turns
    assert Experiment.read("mine.toml", profile="smoke").generations == 1
    page = (ROOT / "docs/experiments.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \| `?([^|`]+)`? \|", page, flags=re.MULTILINE)
    for field in (*fields(Arm), *fields(config_module.Experiment)):
        if field.name in ("arms", "name", "recipe"):
            continue
        assert field.name in dict(rows)
        if isinstance(field.default, (str, float, int)):
            told = f'"{field.default}"' if isinstance(field.default, str) else str(field.default)
            assert (field.name, told) in rows


@pytest.mark.parametrize("block", _blocks("docs/write-a-part.md", "python"), ids=lambda b: b.splitlines()[0])
def test_the_parts_of_the_guide_keep_their_claims(block: str, tmp_path, monkeypatch) -> None:
    import importlib
    import sys

    name = "guide_" + re.match(r"# (\w+)\.py", block)[1]  # type: ignore[index]
    (tmp_path / f"{name}.py").write_text(block, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    module = importlib.import_module(name)
    parts = [v for v in vars(module).values() if isinstance(v, type) and issubclass(v, Part) and v.__module__ == name]
    assert len(parts) == 1
    assert check(parts[0]())
    sys.modules.pop(name)


def test_every_link_between_documents_leads_somewhere() -> None:
    for page in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name} points to {target}"


@pytest.mark.parametrize("recipe", recipes())
def test_every_recipe_has_its_three_profiles_and_plans(recipe: str) -> None:
    assert {"smoke", "cpu", "paper"} <= set(profiles(recipe))
    for profile in (None, "smoke", "cpu"):
        experiment = Experiment.read(recipe, profile=profile)
        assert len(experiment.seeds) >= 2
        if profile != "cpu":
            assert experiment.plan().turns


@pytest.mark.parametrize("recipe", recipes())
def test_every_recipe_runs_in_its_smoke_profile(recipe: str) -> None:
    run = Experiment.read(recipe, profile="smoke").run()
    assert not run.failures
    assert not run.diverged
    assert len(run.records()) == len(run.plan.turns)
