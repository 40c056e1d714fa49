"""Pools of texts as files that other tools read: JSON Lines or Parquet, a sample in each row."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np

from autophagy.core.errors import MissingPackage
from autophagy.core.pool import Pool

Format = Literal["jsonl", "parquet"]


def write(
    pool: Pool, texts: np.ndarray, folder: Path, kind: Format = "jsonl", each: Mapping[str, np.ndarray] | None = None
) -> Path:
    """Writes `samples.jsonl` or `samples.parquet`; returns its path.

    Columns are `text`, `prompt` where there are prompts, `tokens` where samples are rows of them, and each sample's
    `generation`, `origin` and `row`; and one for each of the numbers `(n,)` in `each`, null where there is none, and in
    JSON, which has no infinity, where it is infinite.
    `texts` `(n,)` are the pool's samples as strings. Raises MissingPackage where Parquet lacks pyarrow.
    """
    path = folder / f"samples.{kind}"
    if kind == "parquet":
        _write_parquet(list(_rows(pool, texts, each or {}, np.isnan)), path)
        return path
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for row in _rows(pool, texts, each or {}, lambda value: not np.isfinite(value)):
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
    return path


def _rows(
    pool: Pool, texts: np.ndarray, each: Mapping[str, np.ndarray], is_null: Callable[[float], bool]
) -> Iterator[dict[str, Any]]:
    for i, text in enumerate(texts.tolist()):
        origin = pool.origins[pool.origin[i]]
        prompt = {} if pool.condition is None else {"prompt": pool.condition[i].item()}
        tokens = {"tokens": pool.samples[i].tolist()} if pool.samples.ndim > 1 else {}
        born = {"generation": origin.generation, "origin": origin.key, "row": int(pool.row[i])}
        numbers = {name: None if is_null(row[i]) else float(row[i]) for name, row in each.items()}
        yield {"text": text, **prompt, **tokens, **born, **numbers}


def _write_parquet(rows: list[dict[str, Any]], path: Path) -> None:
    try:
        from pyarrow import Table
        from pyarrow.parquet import write_table
    except ImportError:
        raise MissingPackage("samples in the format 'parquet'", "pyarrow", "parquet") from None
    write_table(Table.from_pylist(rows), path)
