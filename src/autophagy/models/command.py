"""Any trainer that can be called from a command line, as a model: StyleGAN's own code, kohya, a job on a cluster."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from autophagy.core.abilities import StartsPrograms
from autophagy.core.catalog import register
from autophagy.core.errors import ConfigError, Damaged, DataError
from autophagy.core.parts import Model, Sampler
from autophagy.core.pool import Pool
from autophagy.core.seeds import Seed
from autophagy.core.settings import shown
from autophagy.core.workspace import Machine, Workspace

from . import _command_line as line
from ._command_program import Program
from ._command_run import ALWAYS, permitted
from ._inputs import checked

if TYPE_CHECKING:
    from ._command_sampler import Outside

LARGEST_SIDE = 4096  # pixels
TRAINED = "trained"  # a file in the workspace, once the train command has ended well
VARIABLE = re.compile("[A-Za-z_][A-Za-z0-9_]*")
DIGEST = re.compile("[0-9a-f]{64}")


@register("command")
@dataclass(frozen=True)
class Command(Model, StartsPrograms):
    """A trainer outside: one command learns from a folder of images, one draws into another. Needs --allow-commands.

    No shell reads the commands; placeholders in braces are replaced within each
    argument. `train` learns from the ImageFolder {train} (PNG files and
    metadata.jsonl), leaves what it learnt in {weights}, and may keep checkpoints
    in {work}, which outlives a kill. `sample` reads {weights} and writes {n}
    images of the same size into {out}. See docs/commands-as-models.md.

    Attributes:
        train: the command that learns: {train}, {weights}, {work}, {start}, {n}, {seed}, {height}, {width}, {mode}.
        sample: the command that draws: {weights}, {out}, {n}, {seed}, {bias}, {conditions}, {height}, {width}, {mode}.
        passes: names of variables that both get from your environment, beside PATH and HOME.
        revision: whatever tells one version of the program from another, e.g. a commit.
        script: a file that must have the digest `sha256`, or nothing is started.
        sha256: of `script`, 64 hex digits.
    """

    takes = ("images",)
    train: tuple[str, ...] | str = ()
    sample: tuple[str, ...] | str = ()
    passes: tuple[str, ...] = ()
    revision: str = ""
    script: str | None = None
    sha256: str | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        train = line.checked(self.train, "train", line.TRAIN, ("train", "weights"))
        sample = line.checked(self.sample, "sample", line.SAMPLE, ("weights", "out", "n", "seed"))
        for name in self.passes:
            if not VARIABLE.fullmatch(name):
                raise ConfigError(f"passes must hold names of variables, but holds {shown(name)}.")
        is_pair = (self.script is None) == (self.sha256 is None)
        if not is_pair or (self.sha256 is not None and not DIGEST.fullmatch(self.sha256)):
            raise ConfigError("script and sha256 belong together: a file, and the 64 digits of sha256sum.")
        asked = line.placeholders(train, "train", line.TRAIN) | line.placeholders(sample, "sample", line.SAMPLE)
        for name, value in (
            ("train", train),  # a command has one identity, written as a text or as a list
            ("sample", sample),
            ("conditional", "conditions" in asked),  # what the family can do is what its commands ask for
            ("continues", "start" in asked),
            ("biased", "bias" in asked),
        ):
            object.__setattr__(self, name, value)

    def commands(self) -> tuple[str, ...]:
        variables = ", ".join((*ALWAYS, *self.passes))
        return (f"train: {line.joined(self.train)}", f"sample: {line.joined(self.sample)}", f"variables: {variables}")

    def lacking(self) -> str | None:
        return self._program().lacking()

    def fit(self, train: Pool, *, start: Sampler | None, seed: Seed, workspace: Workspace) -> Sampler:
        permitted(workspace.machine, "the train command")
        checked(train, self.name)
        from . import _command_folders as folders
        from ._command_lock import taken
        from ._command_sampler import Outside

        home = workspace.folder()
        if home.is_symlink():
            raise DataError(f"the workspace {home} is a link, which may lead anywhere; remove it and run again.")
        _, c, h, w = train.samples.shape
        if max(h, w) > LARGEST_SIDE:
            raise DataError(
                f"model 'command' takes images of at most {LARGEST_SIDE:,} pixels a side, not {w:,} × {h:,}."
            )
        sampler = Outside(self._program(), home.absolute(), (c, h, w), workspace.machine, workspace)
        lock = taken(home)
        try:
            if not (folders.is_plain(home / TRAINED) and folders.is_folder(sampler.weights)):  # else only to be copied
                self._train(sampler, train, start.weights if isinstance(start, Outside) else None, seed, lock.handle)
                folders.make_durable(sampler.weights)
                workspace.save(TRAINED, Path.touch)
            folders.sizes(sampler.weights)
        except BaseException:
            lock.release()  # an error may be kept for long, and all that led to it with it
            raise
        return replace(sampler, lock=lock)

    def load(self, folder: Path) -> Sampler:
        from ._command_sampler import FACTS, WEIGHTS, Outside

        try:
            facts = json.loads((folder / FACTS).read_text(encoding="utf-8"))
            c, h, w = (int(side) for side in facts["shape"])
        except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError) as problem:
            raise Damaged(f"{FACTS} must hold a shape, but cannot be read: {problem!r}.") from None
        if c not in (1, 3) or not 1 <= min(h, w) <= max(h, w) <= LARGEST_SIDE or not (folder / WEIGHTS).is_dir():
            raise Damaged(f"{FACTS} must hold the shape of an image beside {WEIGHTS}/, but holds {shown([c, h, w])}.")
        return Outside(self._program(), folder, (c, h, w), Machine())

    def _program(self) -> Program:
        return Program(tuple(self.train), tuple(self.sample), self.passes, self.script, self.sha256)

    def _train(self, sampler: Outside, train: Pool, start: Path | None, seed: Seed, lock: int) -> None:
        """Runs the train command, beside whatever an earlier process has left of its work."""
        from . import _command_folders as folders
        from ._command_sampler import LOG

        home, begun = sampler.home, folders.emptied(sampler.home / "start")
        if start is not None:
            begun.rmdir()
            folders.copy(start, begun)
        folders.write_training_set(train, home / "train")
        values = {
            "train": home / "train",
            "weights": folders.emptied(sampler.weights),
            "work": folders.owned(home / "work"),
            "start": begun,
            "n": len(train),
            "seed": seed.small,
        }
        log = folders.added_to(home / LOG)
        sampler.program.call("train", values, sampler.shape, log=log, machine=sampler.machine, handles=(lock,))
        if not (folders.is_folder(sampler.weights) and folders.stamps(sampler.weights)):
            raise DataError(
                f"the train command ended well but left nothing in {sampler.weights}, where its {{weights}} belong; "
                f"its log: {log}"
            )
