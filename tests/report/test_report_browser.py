"""The page in a real browser, under its own content security policy."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from dataclasses import replace
from html import escape, unescape
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_pictures import PROMPTS, run_at
from fake_run import PAYLOADS, FakeRun, digits

from autophagy import report
from autophagy.archive.run_folder import Failure, Measure, RunFolder
from autophagy.report.page import render
from autophagy.report.story import Story

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = [pytest.mark.browser, pytest.mark.skipif(BROWSER is None, reason="no Chromium is installed")]
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--enable-logging=stderr",
    "--v=0",
    "--virtual-time-budget=3000",
)


def opened(path: Path, folder: Path, fragment: str = "") -> tuple[str, str]:
    """The page as its script left it, and what the browser said on its console."""
    command = [str(BROWSER), *FLAGS, f"--user-data-dir={folder}", "--dump-dom", path.resolve().as_uri() + fragment]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    return done.stdout, "\n".join(line for line in done.stderr.splitlines() if "CONSOLE" in line)


def test_the_slider_works_under_the_policy(fake: FakeRun, tmp_path: Path) -> None:
    dom, console = opened(report.write(fake.written().root, fake.name), tmp_path / "profile", "#generation=3")
    assert console == ""  # a violated policy would be told here
    assert re.search(r'<html[^>]* data-generation="3"[^>]*class="js"|class="js"[^>]*data-generation="3"', dom)
    assert 'aria-valuetext="generation 3"' in dom
    assert re.findall(r'<image class="drawn"[^>]* y="(-?\d+)"', dom) == ["-84", "-84"]
    values = re.findall(r'data-column="1">([^<]+)<', dom)
    assert values[2].startswith(("7.9", "8.0", "8.1"))  # the Fréchet distance at generation 3 is 2 + 2 · 3


def test_other_prompts_are_those_of_the_chosen_arm_under_the_policy(tmp_path: Path) -> None:
    run = run_at(tmp_path)
    path = tmp_path / "report.html"
    path.write_text(render(run.root, Story.read(run.root, run.name)), encoding="utf-8")
    dom, console = opened(path, tmp_path / "profile")
    assert console == ""
    sheets = re.findall(r'<div class="chosen" data-choice="(\d)"([^>]*)>', dom)
    assert sheets == [("0", ""), *((str(i), ' hidden=""') for i in range(1, len(run.arms)))]
    assert dom.count(PROMPTS[0]) > len(run.arms)
    html = path.read_text(encoding="utf-8")
    chosen = "s.value = '2'; s.dispatchEvent(new Event('change'));"
    choose = f"addEventListener('load', () => {{ const s = document.getElementById('prompts-of'); {chosen} }});"
    bare = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", html, count=1)
    path.write_text(bare.replace("</body>", f"<script>{choose}</script></body>"), encoding="utf-8")
    dom, _ = opened(path, tmp_path / "profile")
    assert re.findall(r'data-choice="(\d)">', dom) == ["2"]


def test_no_payload_runs(fake: FakeRun, tmp_path: Path) -> None:
    arms = ("hungry", *PAYLOADS)
    failures = tuple(Failure(p, 0, 1, p) for p in PAYLOADS)
    ends = tuple((p, 0, 2) for p in PAYLOADS)
    run = replace(
        fake, arms=arms, draws_every=3, text=" ".join(PAYLOADS), generations=2, failures=failures, diverged=ends
    )
    path = fake.root / "report.html"
    path.write_text(render(run.written().root, Story.read(run.root, run.name)), encoding="utf-8")
    probe = "addEventListener('load', () => setTimeout(() => { document.title = 'ran: ' + window.ran; }, 200));"
    weak = path.with_name("weak.html")  # without the policy, and with a script that tells: escaping alone must do
    html = path.read_text(encoding="utf-8")
    bare = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", html, count=1)
    weak.write_text(bare.replace("</body>", f"<script>{probe}</script></body>"), encoding="utf-8")
    dom, console = opened(path, tmp_path / "profile")
    assert console == ""
    assert 'class="js"' in dom
    assert 'data-generation="2"' in dom
    dom, _ = opened(weak, tmp_path / "profile")
    assert "<title>ran: undefined</title>" in dom


def test_the_probe_would_tell(tmp_path: Path) -> None:
    """A page that does run a payload is seen: else the test above could not fail."""
    page = tmp_path / "page.html"
    page.write_text(f"<title>x</title><p>{PAYLOADS[0]}<script>document.title = 'ran: ' + window.ran</script>")
    dom, _ = opened(page, tmp_path / "profile")
    assert "<title>ran: 1</title>" in dom


def measured(path: Path, folder: Path, width: int, script: str) -> Any:
    """What a script finds on the page `document` in a frame of that width; a window cannot be that narrow."""
    bare = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", path.read_text(encoding="utf-8"), count=1)
    outer = path.with_name("outer.html")
    told = f"document.title = JSON.stringify(((document) => {script})(document.getElementById('f').contentDocument))"
    outer.write_text(
        f'<title></title><iframe id="f" style="width:{width}px;height:800px" srcdoc="{escape(bare)}"></iframe>'
        f"<script>addEventListener('load', () => setTimeout(() => {{ {told} }}, 500))</script>"
    )
    dom, _ = opened(outer, folder)
    found = re.search(r"<title>(.*?)</title>", dom)
    assert found is not None
    return json.loads(unescape(found[1]))


@pytest.mark.parametrize("width", [360, 390, 1200])
def test_the_generation_bar_is_one_line_at_every_width(width: int, fake: FakeRun, tmp_path: Path) -> None:
    run = replace(fake, seeds=(0,)).written()
    path = tmp_path / "report.html"
    path.write_text(render(run.root, Story.read(run.root, run.name)), encoding="utf-8")
    script = "[document.querySelector('.bar').offsetHeight, document.documentElement.scrollWidth]"
    height, wide = measured(path, tmp_path / "profile", width, script)
    assert 30 < height < 60
    assert wide <= width


def test_long_names_and_labels_are_whole(fake: FakeRun, tmp_path: Path) -> None:
    arms = ("hungry", "a-very-long-arm-name-that-goes-on-and-on-and-on-and-on-without-x")
    run = replace(fake, arms=arms, seeds=(0, 1)).written()
    huge = [replace(r, scores={"mine.large": 1e99 * (1 + r.generation)}) for r in run.records()]
    measures = {arm: {"mine": Measure("distance", {"large": "lower"}, {}, {})} for arm in arms}
    RunFolder(run.root, run.name).write_records(huge)
    RunFolder(run.root, run.name).write_measures(measures)
    path = tmp_path / "report.html"
    path.write_text(render(run.root, Story.read(run.root, run.name)), encoding="utf-8")
    script = (
        "[[...document.querySelectorAll('.name')].filter(n => n.scrollWidth > n.clientWidth + 1).length,"
        " Math.min(...[...document.querySelectorAll('svg.chart text')].map(t => t.getBBox().x))]"
    )
    cut, left = measured(path, tmp_path / "profile", 1200, script)
    assert cut == 0
    assert left > 0


def test_sheets_of_two_heights_go_through_the_generations_together(fake: FakeRun, tmp_path: Path) -> None:
    def draws(arm: str, generation: int, rng: np.random.Generator) -> np.ndarray:
        found = digits(arm, generation, rng)
        return found if arm == "hungry" else found[:, :, ::4, ::4].copy()

    run = replace(fake, draws=draws, seeds=(0,), generations=4).written()
    path = tmp_path / "report.html"
    path.write_text(render(run.root, Story.read(run.root, run.name)), encoding="utf-8")
    dom, console = opened(path, tmp_path / "profile", "#generation=3")
    assert console == ""
    assert re.findall(r'<image class="drawn"[^>]* y="(-?\d+)"', dom) == ["-84", "-21"]
