"""Names, captions, errors and file names are whatever somebody wrote; a report must only ever show them."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ElementTree
from html.parser import HTMLParser
from pathlib import Path

from fake_run import CONTROLS, PAYLOADS, FakeRun

from autophagy import report
from autophagy.archive.run_folder import Failure
from autophagy.core.text import clean
from autophagy.report.page import render
from autophagy.report.story import Story

ALLOWED = {"script": 2, "style": 1}


class Read(HTMLParser):
    """What a browser would see: tags, attributes and texts."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.texts: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def page(root: Path, payloads: list[str]) -> str:
    """A page in which the payloads stand wherever a text comes from outside."""
    run = FakeRun(
        root,
        arms=("hungry", *payloads),
        text=" ".join(payloads),
        generations=2,
        seeds=(0, 1, 2),
        draws_every=3,
        diverged=tuple((p, s, 1 + s) for p in payloads for s in (0, 1)),
        failures=tuple(Failure(p, 2, 2, f"it said {p}") for p in payloads),
    ).written()
    return render(run.root, Story.read(run.root, run.name))


def test_hostile_texts_add_no_element_and_no_handler(tmp_path: Path) -> None:
    plain = Read(page(tmp_path / "plain", [f"plain {i}" for i in range(len(PAYLOADS))]))
    found = Read(page(tmp_path / "hostile", PAYLOADS))
    assert found.tags == plain.tags
    assert {tag: found.tags.count(tag) for tag in ALLOWED} == ALLOWED
    assert [name for name, _ in found.attributes] == [name for name, _ in plain.attributes]
    assert not [name for name, _ in found.attributes if name.startswith("on") or name == "style"]
    links = [value for name, value in found.attributes if name in ("href", "src")]
    assert all(re.match(r"#[a-z]+$|data:image/png;base64,", link) for link in links)
    text = "".join(found.texts)
    assert all(clean(payload) in text for payload in PAYLOADS)  # shown as they are, for a person to read


def test_control_and_bidirectional_characters_are_not_printed(tmp_path: Path) -> None:
    html = page(tmp_path, [CONTROLS])
    assert "red gnp.exe" in html.replace("[31m", "").replace("[0m", "")
    assert not re.findall("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]", html)


def test_the_data_island_is_json_whatever_stands_in_it(tmp_path: Path) -> None:
    html = page(tmp_path, PAYLOADS[:1])
    island = html.split('<script type="application/json" id="data">')[1].split("</script>")[0]
    notes = json.loads(island)["rows"][1]["notes"]
    assert notes[1].endswith(PAYLOADS[0])
    assert notes[2] == "diverged at generation 1"


def test_figures_are_whole_and_hold_no_element_of_theirs(tmp_path: Path) -> None:
    payloads = [p for p in PAYLOADS if p.startswith(("</script", "$", "_", "]]", "\x1b"))]
    run = FakeRun(tmp_path, arms=("hungry", *payloads), text=" ".join(payloads), generations=2, seeds=(0,)).written()
    figures = sorted((report.write(run.root, run.name).parent / "figures").iterdir())
    assert len(figures) == 12
    assert all(re.fullmatch(r"[0-9]{2}-[a-z0-9-]+\.(svg|png)", path.name) for path in figures)
    for path in (p for p in figures if p.suffix == ".svg"):
        tags = {element.tag.rpartition("}")[2] for element in ElementTree.parse(path).iter()}  # noqa: S314
        assert not tags & {"script", "foreignObject", "a", "iframe"}
