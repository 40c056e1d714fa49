"""How many processes "auto" takes, where the system does not say which cores a process may use."""

from __future__ import annotations

import os

import pytest

from autophagy.experiment.executors import Processes, Serial, executor


def test_auto_counts_the_cores_where_no_affinity_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 6)
    assert executor("auto", 1000) == Processes(6)
    assert executor("auto", 4) == Processes(4)
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert isinstance(executor("auto", 1000), Serial)
