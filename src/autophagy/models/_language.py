"""What language models share: their settings, a fit by gradient descent, and the best of several."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import numpy as np

from autophagy.core.abilities import Validated
from autophagy.core.errors import ConfigError, Damaged, DataError, MissingPackage
from autophagy.core.known import Tokenised
from autophagy.core.parts import Model, Sampler, Source
from autophagy.core.pool import Pool
from autophagy.core.seeds import Seed
from autophagy.core.settings import Count, Fraction, Positive, Range, Whole, shown
from autophagy.core.workspace import Workspace

from ._trained import Epochs, Trained, facts_of, is_installed

if TYPE_CHECKING:
    from autophagy.training import Batches, Course, Player

    from ._language_network import Base
    from ._language_rows import Rows
    from ._language_sampler import LanguageSampler


@dataclass(frozen=True)
class Language(Trained, Validated):
    """A causal language model, whatever its weights begin as.

    Attributes:
        train: all weights, or adapters of low rank beside them (Hu et al. 2022), which need the extra "lora".
        rank, alpha, targets: of adapters; targets are names of linear layers.
        block: tokens of a training row.
        packing: whether texts are joined and cut into blocks, as run_clm does, or stand in rows of their own, cut at
            `block`. Rows of tokens are taken as they come.
        schedule: of the learning rate.
        warmup: steps over which the rate rises, for every schedule but "constant".
        weight_decay: of AdamW, on matrices only.
        clip: the largest norm of a step's gradient; false for no bound.
        micro: rows of one pass through the network; a batch's gradient is summed from them.
        instances: fits of which the one with the smallest loss on held-out real samples is kept.
        validation: how many of these are set aside for that, if there are several instances.
        decoding: whether the next token is drawn, is the likeliest, or is found by beams.
        beams: texts kept under way by beams.
        temperature: of draws.
        top_k: draw from so many of the likeliest tokens only; absent for all.
        top_p: draw from the likeliest tokens that together have this mass.
        repetition_penalty: of tokens that are there already (Keskar et al. 2019).
        length: tokens of a sample at most; `block` if absent.
        bias_by: what λ makes smaller: the mass of the nucleus, or the temperature.
        draws: texts, or rows of exactly `length` tokens, for sources that give those.
        together: rows drawn at a time, which changes their last bits.
        keeps_prompt: whether a sample begins with its prompt.
    """

    remembered: ClassVar[tuple[str, ...]] = (
        "block", "decoding", "beams", "temperature", "top_k", "top_p", "repetition_penalty", "length", "bias_by",
        "draws", "together", "keeps_prompt", "precision", "threads", "train", "rank", "alpha", "targets",
    )  # by a sampler, whatever the model that loads it says  # fmt: skip
    takes = ("text",)
    conditional = True
    captioned = True
    speaks = True
    epochs: Epochs = 5.0
    batch: Count = 8
    learning_rate: Positive = 5e-5
    train: Literal["full", "lora"] = "full"
    rank: Count = 8
    alpha: Positive = 16.0
    targets: tuple[str, ...] = ("q_proj", "v_proj")
    block: Annotated[int, Range(2)] = 64
    packing: Literal["blocks", "rows"] = "blocks"
    schedule: Literal["constant", "constant-with-warmup", "cosine", "linear"] = "linear"
    warmup: Whole = 0
    weight_decay: Fraction = 0.0
    clip: Positive | None = 1.0
    micro: Count | None = 16
    instances: Annotated[int, Range(1, 100)] = 1
    validation: Count = 100
    decoding: Literal["sample", "greedy", "beam"] = "sample"
    beams: Annotated[int, Range(2, 100)] = 5
    temperature: Positive = 1.0
    top_k: Count | None = None
    top_p: Annotated[float, Range(0, 1, above=True)] = 1.0
    repetition_penalty: Positive = 1.0
    length: Count | None = None
    bias_by: Literal["nucleus", "temperature"] = "nucleus"
    draws: Literal["texts", "tokens"] = "texts"
    together: Annotated[int, Range(1, 4096)] = 32
    keeps_prompt: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.train == "lora" and not self.targets:
            raise ConfigError("targets must name at least one layer that adapters stand beside.")
        if self.keeps_prompt and self.draws == "tokens":
            raise ConfigError('keeps_prompt is for samples that are texts; leave it out, or draws = "tokens".')

    @property
    def who(self) -> str:
        return f"model '{self.name}'"

    @property
    def width(self) -> int:
        """Tokens of a sample at most."""
        return self.length or self.block

    @property
    def validation_rows(self) -> int:
        return self.validation if self.instances > 1 else 0

    def fit_by(
        self, validation: Pool, train: Pool, *, start: Sampler | None, seed: Seed, workspace: Workspace
    ) -> Sampler:
        with self._ready_for(train):
            return self._best(train, validation, start, seed, workspace)

    def objection(self, source: Source, model: Model) -> str | None:
        try:
            context = self._context()
        except (MissingPackage, DataError) as trouble:
            return str(trouble)
        if context is not None and max(self.block, self.width + 1) > context:
            return (
                f"{self.who} has a context of {context} tokens, but block = {self.block} and length = {self.width}; "
                f"use blocks of at most {context}, and samples of at most {context - 1}."
            )
        return None

    def misuse(self, source: Source, *, start: str, bias: float) -> str | None:
        conditions = source.conditions("train")
        if conditions is not None and np.asarray(conditions).dtype.kind not in "UTO":
            return f"{self.who} goes on with prompts, but source '{source.name}' has classes; use a source of texts"
        if bias < 1 and self.decoding != "sample":
            return f'{self.who} has no use for bias = {bias:g} with decoding = "{self.decoding}"; leave it out'
        is_tokens = isinstance(source, Tokenised)
        if is_tokens != (self.draws == "tokens"):
            wanted = "tokens" if is_tokens else "texts"
            return f"{self.who} draws {self.draws}, but source '{source.name}' gives {wanted}; say draws = \"{wanted}\""
        if isinstance(source, Tokenised) and source.width != self.width:
            return (
                f"{self.who} draws rows of {self.width} tokens, but source '{source.name}' gives rows of "
                f"{source.width}, and a training set has rows of one length; say length = {source.width}"
            )
        return None

    @abstractmethod
    def _context(self) -> int | None:
        """The longest row of tokens, if it is known. Cheap; raises DataError or MissingPackage."""

    @abstractmethod
    def _base_for(self, train: Pool) -> Base:
        """Network and tokenizer for a fit from scratch."""

    @abstractmethod
    def _base_in(self, folder: Path) -> Base:
        """Network and tokenizer of a sampler that was saved there."""

    def _begun(self, base: Base, seed: Seed) -> Any:
        """The network that a fit from scratch begins with, new."""
        return base.network(self.block)

    def _require(self) -> None:
        if not is_installed("transformers"):  # asked first, since its extra brings torch too
            raise MissingPackage(self.who, "transformers", "text")
        super()._require()
        if self.train == "lora" and not is_installed("peft"):
            raise MissingPackage(f'{self.who} with train = "lora"', "peft", "lora")

    def _learned(self, train: Pool, start: Sampler | None, seed: Seed, workspace: Workspace) -> Sampler:
        if self.validation_rows:
            raise DataError(f"{self.who} chooses among {self.instances} instances by real samples; call fit_by.")
        return self._best(train, None, start, seed, workspace)

    def _best(
        self, train: Pool, validation: Pool | None, start: Sampler | None, seed: Seed, workspace: Workspace
    ) -> Sampler:
        from autophagy.training import device_of

        from ._language_instances import best_of

        begun = self._own(start)
        base = self._base_for(train) if begun is None else begun.base
        rows = self._rows(train, base)

        def fit(own: Seed, place: Workspace) -> tuple[Any, Course]:
            return self._descended(base, rows, begun, own, place)

        def make() -> Any:
            return self._trainable(base, begun, seed).to(device_of(workspace.machine.device))

        if validation is None:
            network, course = fit(seed, workspace)
            facts: Mapping[str, Any] = {"losses": course.losses}
        else:
            network, facts = best_of(
                self, self._rows(validation, base, more="a larger validation"), fit, make, seed, workspace
            )
        trained = "full" if self.train == "full" else "adapters"
        return self._sampler(network, {"trained": trained, "rows": len(rows), **facts}, base)

    def _rows(self, pool: Pool, base: Base, more: str = "more text") -> Rows:
        from ._language_rows import rows_of

        rows = rows_of(pool, base.words, block=self.block, packing=self.packing, model=self.name, more=more)
        if rows.tokens.shape[1] > base.context:
            raise DataError(f"{self.who} reads {base.context} tokens, but the rows have {rows.tokens.shape[1]}.")
        return rows

    def _own(self, start: Sampler | None) -> LanguageSampler | None:
        from ._language_sampler import LanguageSampler

        if start is not None and not isinstance(start, LanguageSampler):
            raise DataError(f'{self.who} can only start from one of its own samplers; or say start = "scratch".')
        return start

    def _descended(
        self, base: Base, rows: Rows, start: LanguageSampler | None, seed: Seed, workspace: Workspace
    ) -> tuple[Any, Course]:
        """One fit: the network, and how its loss went."""
        from autophagy.training import Batches, device_of, run

        from ._language_task import FineTuning

        network = self._trainable(base, start, seed).to(device_of(workspace.machine.device)).train()
        batches = Batches(len(rows), self.batch, seed.child("order"))
        task = FineTuning(self._player(network, batches), network, rows, batches, self.precision)
        course = run(task, steps=self._length(batches), seed=seed, workspace=workspace)
        return network, course

    def _trainable(self, base: Base, start: LanguageSampler | None, seed: Seed) -> Any:
        from copy import deepcopy

        network = self._begun(base, seed) if start is None else deepcopy(start.network)
        if self.train == "full":
            return network.requires_grad_(True)
        from ._language_adapters import only_adapters, with_adapters

        if start is None or start.facts["trained"] != "adapters":
            return with_adapters(network, self.rank, self.alpha, self.targets, seed.child("adapters"))
        return only_adapters(network)

    def _player(self, network: Any, batches: Batches) -> Player:
        from autophagy.training import Player, rate

        from ._language_task import optimiser_of

        trained = network
        if self.train == "lora":
            from ._language_adapters import Adapters

            trained = Adapters(network)
        course = rate(self.schedule, self.warmup, self._length(batches))
        optimiser = optimiser_of(trained, self.learning_rate, self.weight_decay)
        return Player(trained, optimiser, clip=self.clip, rate=course, micro=self.micro)

    def _loaded(self, folder: Path) -> Sampler:
        facts = facts_of(folder, "trained", "checkpoint", "drawn_with")
        try:
            as_fitted = replace(self, **{name: facts["drawn_with"][name] for name in self.remembered})
        except (TypeError, LookupError, ConfigError) as problem:
            raise Damaged(f"facts.json does not describe a language model: {problem}") from None
        return as_fitted._restored(folder, facts)

    def _restored(self, folder: Path, facts: Mapping[str, Any]) -> Sampler:
        base = self._base_in(folder)
        if facts["checkpoint"] != base.content:
            raise Damaged(
                "this sampler goes with other bytes than lie at the checkpoint; get those it was fitted from."
            )
        if facts["trained"] == "full":
            return self._sampler(base.saved(folder, self.block), facts, base)
        if facts["trained"] == "adapters" and self.train == "lora":
            from ._language_adapters import load_adapters

            network = load_adapters(base.network(self.block), self.rank, self.alpha, self.targets, folder)
            return self._sampler(network, facts, base)
        if facts["trained"] != "nothing":
            raise Damaged(f"facts.json says that {shown(facts['trained'])} was trained, which cannot be.")
        return self._sampler(base.network(self.block), facts, base)

    def _sampler(self, network: Any, facts: Mapping[str, Any], base: Base) -> LanguageSampler:
        from ._language_draw import Decoder
        from ._language_sampler import Drawing, LanguageSampler

        decoder = Decoder(
            self.decoding, self.beams, self.temperature, self.top_k, self.top_p, self.repetition_penalty
        )  # fmt: skip
        drawing = Drawing(
            decoder,
            self.bias_by,
            self.width,
            self.draws,
            self.together,
            self.keeps_prompt,
            self.precision,
            self.threads,
        )
        drawn_with = {name: getattr(self, name) for name in self.remembered}
        return LanguageSampler(network, {**facts, "checkpoint": base.content, "drawn_with": drawn_with}, base, drawing)
