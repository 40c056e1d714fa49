"""A run's numbers, read with its texts cleaned: a table is printed to terminals and opened by other tools."""

from __future__ import annotations

import dataclasses
from functools import lru_cache

from autophagy.archive.run_folder import Measure, RunFolder, readable
from autophagy.core.generation import Record
from autophagy.core.text import clean

cleaned = lru_cache(maxsize=4096)(clean)  # the same few names on thousands of lines


def numbers(folder: RunFolder) -> tuple[list[Record], dict[str, dict[str, Measure]]]:
    """Records and what stands behind their scores. Raises StoreError for files that no run writes."""
    with readable(folder):
        records = [
            dataclasses.replace(
                record,
                arm=cleaned(record.arm),
                status="diverged" if record.status == "diverged" else "finished",
                reason=cleaned(record.reason),
                remarks=[cleaned(remark) for remark in record.remarks],
                scores={cleaned(name): value for name, value in record.scores.items()},
            )
            for record in folder.records()
        ]
        measures = {
            cleaned(arm): {cleaned(k): _cleaned_measure(m) for k, m in of_arm.items()}
            for arm, of_arm in folder.measures().items()
        }
    return records, measures


def _cleaned_measure(measure: Measure) -> Measure:
    axes = {value: cleaned(axis) for value, axis in measure.axes.items()}
    return dataclasses.replace(measure, axis=cleaned(measure.axis), axes=axes)
