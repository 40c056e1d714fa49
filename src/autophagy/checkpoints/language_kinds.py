"""Which kinds of networks continue texts token by token: the installed transformers is asked, where it is not plain."""

from __future__ import annotations

import inspect
from functools import lru_cache
from typing import Any

from autophagy.core.settings import shown

# these do, and asking takes seconds
PLAIN = ("gemma", "gemma2", "gpt2", "gpt_neox", "llama", "mistral", "opt", "phi3", "qwen2", "qwen3")


@lru_cache(maxsize=16)
def misfit(kind: str) -> str | None:
    """What keeps networks of a `model_type` from being drawn from, as the end of a sentence; None if nothing does."""
    if kind in PLAIN:
        return None
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING
    from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING

    if kind not in CONFIG_MAPPING:
        return f"is of kind {shown(kind)}, which the installed transformers does not know"
    config = CONFIG_MAPPING[kind]
    if config not in MODEL_FOR_CAUSAL_LM_MAPPING:
        return f"is of kind {shown(kind)}, which does not continue texts"
    network: Any = MODEL_FOR_CAUSAL_LM_MAPPING[config]
    if "past_key_values" not in inspect.signature(network.forward).parameters:
        return (
            f"is of kind {shown(kind)}, which keeps no keys and values, so that it cannot be drawn from token by token"
        )
    return None
