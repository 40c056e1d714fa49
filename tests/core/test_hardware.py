"""What a machine is called, wherever it is told."""

from __future__ import annotations

import os
import platform
from pathlib import Path

import pytest

from autophagy.core import hardware
from autophagy.experiment.notes import environment

KERNEL = (
    "processor\t: {i}\nvendor_id\t: AuthenticAMD\nmodel name\t: AMD EPYC 7763 64-Core Processor\ncache size\t: 512 KB\n"
)
CARD = "Model: \t\t NVIDIA H200\nIRQ:   \t\t 120\nGPU UUID: \t GPU-1\n"


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setattr(hardware, "CPUS", tmp_path / "cpuinfo")
    monkeypatch.setattr(hardware, "GPUS", tmp_path / "gpus")
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {0, 5}, raising=False)
    return tmp_path


def test_the_processor_is_named_as_linux_does(told: Path) -> None:
    (told / "cpuinfo").write_text("\n".join(KERNEL.format(i=i) for i in range(4)))
    assert hardware.processor() == "AMD EPYC 7763 64-Core Processor, 2 cores"


def test_where_linux_has_no_name_it_is_the_kind(told: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "system", lambda: "Linux")
    monkeypatch.setattr(platform, "processor", lambda: "")
    monkeypatch.setattr(platform, "machine", lambda: "aarch64")
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {0}, raising=False)
    assert hardware.processor() == "aarch64, 1 core"  # there is no file
    (told / "cpuinfo").write_bytes(b"processor\t: 0\nBogoMIPS\t: 50.00\n\xff")  # as ARM's kernels tell
    assert hardware.processor() == "aarch64, 1 core"


def test_graphics_cards_are_named_in_order(told: Path) -> None:
    assert hardware.gpus() == ""
    for bus, text in (("0000:41:00.0", CARD.replace("H200", "A100")), ("0000:1a:00.0", CARD), ("0000:c1:00.0", "")):
        (told / "gpus" / bus).mkdir(parents=True)
        (told / "gpus" / bus / "information").write_text(text)
    assert hardware.gpus() == "NVIDIA H200, NVIDIA A100"


def test_a_run_says_what_it_ran_on(told: Path) -> None:
    (told / "cpuinfo").write_text(KERNEL.format(i=0))
    assert environment()["processor"] == "AMD EPYC 7763 64-Core Processor, 2 cores"
    assert "graphics" not in environment()
    (told / "gpus" / "0").mkdir(parents=True)
    (told / "gpus" / "0" / "information").write_text(CARD)
    assert environment()["graphics"] == "NVIDIA H200"
