"""A report of a run that the engine made, not of one that a test wrote."""

import re
from pathlib import Path

from autophagy import Experiment


def test_a_gaussian_that_eats_itself_loses_what_was_forecast(tmp_path: Path) -> None:
    experiment = Experiment.of(
        {
            "seeds": [0, 1, 2, 3, 4, 5],
            "generations": 12,
            "base": {
                "source": {"use": "normal", "dim": 2},
                "model": "gaussian",
                "real": 20,
                "reference": 500,
                "metrics": ["moments"],
                "gallery": 50,
            },
            "arms": {"eats-itself": {"loop": "fully-synthetic"}, "real-only": {"loop": "real-only"}},
        },
        name="gaussian",
    )
    path = experiment.run(tmp_path).report()
    assert path == tmp_path / "runs" / "gaussian" / "report.html"
    page = path.read_text(encoding="utf-8")
    hungry, fed = (re.sub(r"<[^>]+>", " ", row) for row in page.partition('class="verdicts"')[2].split("<tr>")[2:4])
    assert "eats-itself" in hungry
    assert "stable" not in hungry
    assert "exact for this family" in hungry
    assert "collapses" not in fed
    assert "drifts" not in fed
    assert page.count('class="forecast"') == 2
    assert page.count('<path class="drawn" d="M') == 2
