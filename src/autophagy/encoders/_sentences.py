"""Texts by a BERT, one at a time; the network is given tensors and settings, and no folder to search."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import torch
import transformers
from safetensors.torch import load_file

from autophagy.checkpoints.files import listed_in, numbers_in
from autophagy.checkpoints.guards import bare, check_layers, check_total, quiet_transformers
from autophagy.core.errors import DataError
from autophagy.core.settings import shown

from ._sentence_files import CONFIG, SentenceFiles
from ._torch_blocks import in_parallel
from ._transformers import COMPUTED

UNUSED = "pooler."  # a layer of BERT's own that sentence-transformers leaves out


@dataclass(frozen=True)
class Reader:
    """A network and its tokens, ready to be asked."""

    network: Any
    tokens: Any
    pooling: str
    is_normalised: bool
    longest: int

    def features(self, texts: np.ndarray) -> np.ndarray:
        """`(n,)` texts → `(n, d)` float32, the same bits for a text whatever stands beside it.

        One at a time, so that none is filled up to the length of another.
        """
        return in_parallel(texts, 1, self.network.config.hidden_size, self._encode)

    def _encode(self, one: np.ndarray) -> torch.Tensor:
        found = self.tokens([str(one[0])], truncation=True, max_length=self.longest, return_tensors="pt")
        states = self.network(**found).last_hidden_state  # (1, tokens, d)
        row: torch.Tensor = states[:, 0] if self.pooling == "cls" else states.mean(1)
        return torch.nn.functional.normalize(row, dim=1) if self.is_normalised else row


@lru_cache(maxsize=2)
def reader(files: SentenceFiles, digest: str) -> Reader:
    """The checkpoint's network and tokens, read once for each content. Raises DataError if it is not whole."""
    try:
        network = _network(files)
        tokens = transformers.BertTokenizer(vocab=dict(files.words), do_lower_case=files.lowers())
    except DataError:
        raise
    except Exception as error:  # the library raises what its many parts raise
        reason = shown(str(error).strip().partition("\n")[0] or type(error).__name__, 200)
        raise DataError(f"{files.who} cannot load {files.folder}: {reason}; get the checkpoint again.") from None
    if max(files.words.values()) >= network.config.vocab_size:
        raise DataError(
            f"{files.who}: its vocabulary has {len(files.words):,} tokens, but its network knows "
            f"{network.config.vocab_size:,}; get the vocabulary that belongs to it."
        )
    longest = files.longest(network.config.max_position_embeddings)
    return Reader(network, tokens, files.pooling(), files.is_normalised(), longest)


def _network(files: SentenceFiles) -> Any:
    path, config = files.folder / CONFIG, bare(files.table(CONFIG))
    check_layers(files.who, path, config, len(listed_in(files.weights)))
    with quiet_transformers():
        settings = transformers.BertConfig.from_dict(config)
        check_total(
            files.who,
            path,
            lambda: transformers.BertModel(settings, add_pooling_layer=False),
            numbers_in(files.weights),
        )
        # Cloned, since a product's last bits depend on where in memory its factors begin.
        weights = {name: tensor.clone() for one in files.weights for name, tensor in load_file(one).items()}
        family: Any = transformers.BertModel  # its types know of one result alone
        network, found = family.from_pretrained(
            None, config=settings, state_dict=weights, add_pooling_layer=False, output_loading_info=True, **COMPUTED
        )
    absent = sorted(name for name in found["missing_keys"] if not name.startswith(UNUSED))
    if absent:
        raise DataError(
            f"{files.who}: {len(absent)} weights are not in {files.folder}, {shown(absent[0])} the first of them; "
            "name a whole checkpoint."
        )
    return network.eval()
