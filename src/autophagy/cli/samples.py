"""autophagy samples"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from .options import STORE, Store

if TYPE_CHECKING:
    from autophagy.archive.run_folder import RunFolder
    from autophagy.core.generation import Record

Format = Literal["jsonl", "parquet"]


def samples(
    arm: Annotated[str, typer.Argument(metavar="ARM", help="An arm of the run.")],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="A new or empty folder.")],
    generation: Annotated[
        int | None, typer.Option("--generation", metavar="G", help="The last one if left out.")
    ] = None,
    seed: Annotated[int | None, typer.Option("--seed", metavar="S", help="The run's first if left out.")] = None,
    run: Annotated[str | None, typer.Option("--run", metavar="NAME", help="The run begun last if left out.")] = None,
    format: Annotated[Format | None, typer.Option("--format", help="Of texts: jsonl if left out.")] = None,
    store: Store = STORE,
) -> None:
    """Write what a generation drew: images as an ImageFolder, texts as samples.jsonl, anything else as samples.csv.

    Images come as PNG files with metadata.jsonl, which load_dataset("imagefolder", data_dir=DIR) reads. Texts come as
    JSON Lines or Parquet with their prompts, which load_dataset("json", data_files="DIR/samples.jsonl") reads; rows of
    tokens are decoded and kept beside. Vectors and symbols come as one CSV file with a column for each dimension. All
    tell each sample's origin, and what metrics measured of it alone, such as its perplexity.
    """
    from autophagy.core.errors import ConfigError

    from .drawn import each, pool, texts, write
    from .outputs import empty_folder, writing_to
    from .stores import named
    from .terminal import count, say

    folder = named(store, run)
    record = _record(folder, arm, seed, generation)
    found = pool(folder, record)
    strings = texts(folder, record, found)
    if format is not None and strings is None:
        raise ConfigError(f"--format is of texts, and arm '{arm}' draws none; leave it out.")
    empty_folder(out)
    with writing_to(out):
        write(found, strings, out, format, each(folder, record))
    say(f"{count(len(found), 'sample')} of {arm}, seed {record.seed}, generation {record.generation} in {out}")


def _record(folder: RunFolder, arm: str, seed: int | None, generation: int | None) -> Record:
    from autophagy.archive.run_folder import readable
    from autophagy.core.errors import ConfigError, StoreError, listed, nearest

    with readable(folder):
        found = [r for r in folder.records() if r.status == "finished"]
    arms = {r.arm for r in found}
    if arm not in arms and arm in (planned := {told.name for told in folder.notes().arms}):
        raise StoreError(f"arm '{arm}' of run '{folder.name}' has no finished generation yet: autophagy status")
    if arm not in arms:
        raise ConfigError(
            f"run '{folder.name}' has no arm '{arm}'.{nearest(arm, planned)} There are: {listed(planned)}."
        )
    of_arm = [r for r in found if r.arm == arm]
    seeds = sorted({r.seed for r in of_arm})
    seed = seeds[0] if seed is None else seed
    if seed not in seeds:
        raise ConfigError(f"arm '{arm}' has no seed {seed}; there are: {', '.join(map(str, seeds))}.")
    lineage = {r.generation: r for r in of_arm if r.seed == seed}
    generation = max(lineage) if generation is None else generation
    if generation not in lineage:
        raise ConfigError(
            f"arm '{arm}', seed {seed} has no finished generation {generation}; "
            f"it has {min(lineage)} to {max(lineage)}."
        )
    return lineage[generation]
