"""A sentence-transformers checkpoint: which of its files are read, and what they say of pooling and tokens."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from autophagy.checkpoints.clip_tokens import LARGEST
from autophagy.checkpoints.files import LARGEST_JSON, digest_of, table_of, weights_in
from autophagy.core.errors import DataError
from autophagy.core.settings import shown

WANTED = ("*.json", "vocab.txt", "*.safetensors", "1_Pooling/config.json")
CONFIG, VOCABULARY, TOKENIZER = "config.json", "vocab.txt", "tokenizer_config.json"
MODULES, LENGTH, POOLING = "modules.json", "sentence_bert_config.json", Path("1_Pooling", "config.json")
MODES = "pooling_mode_"


@dataclass(frozen=True)
class SentenceFiles:
    """What is read of a checkpoint: settings and a vocabulary, and weights in safetensors."""

    who: str
    folder: Path
    weights: tuple[Path, ...]

    @classmethod
    def of(cls, who: str, folder: Path) -> SentenceFiles:
        """Raises DataError unless the folder holds a BERT in safetensors, with pooling that is known here."""
        found = cls(who, folder, weights_in(folder, "model"))
        absent = [name for name in (CONFIG, VOCABULARY) if not (folder / name).is_file()]
        absent += [] if found.weights else ["model.safetensors"]
        if absent:
            raise DataError(
                f"{who}: {shown(str(folder), 200)} has no {' and no '.join(absent)}; name a sentence-transformers "
                "checkpoint with safetensors."
            )
        said = found.table(CONFIG).get("model_type")
        if said != "bert":
            raise DataError(f"{who}: {folder / CONFIG} is of a {shown(said)}, not of a bert; name another checkpoint.")
        found.pooling()
        found.is_normalised()
        return found

    def table(self, name: str | Path) -> Mapping[str, Any]:
        """A JSON file's settings; none where it is not there. Raises DataError if it is none."""
        path = self.folder / name
        return table_of(self.who, path) if path.is_file() else {}

    def digest(self) -> str:
        """32 hex digits of all bytes that are read."""
        names = (CONFIG, VOCABULARY, TOKENIZER, MODULES, LENGTH, POOLING)
        paths = [self.folder / name for name in names]
        return digest_of(self.who, (*(path for path in paths if path.is_file()), *self.weights))

    def pooling(self) -> Literal["mean", "cls"]:
        """How states of tokens become one row. Raises DataError for a way that is not known here."""
        table = self.table(POOLING)
        asked = sorted(name.removeprefix(MODES) for name, on in table.items() if name.startswith(MODES) and on is True)
        if asked in ([], ["mean_tokens"]):
            return "mean"
        if asked == ["cls_token"]:
            return "cls"
        raise self._strange(POOLING, f"pools by {' and '.join(asked)}", "mean_tokens or cls_token alone")

    def is_normalised(self) -> bool:
        """Whether rows get unit length. Raises DataError for a further module, whose work would be left out."""
        kinds = [self._kind(module) for module in self._modules()]
        for kind in kinds:
            if kind not in ("Transformer", "Pooling", "Normalize"):
                raise self._strange(MODULES, f"has a module {shown(kind)}", "Transformer, Pooling and Normalize")
        return "Normalize" in kinds

    def longest(self, most: int) -> int:
        """Tokens that a text may have, the two signs around it included; at most what the network has places for."""
        said = self.table(LENGTH).get("max_seq_length")
        return min(most, said) if isinstance(said, int) and said > 2 else most

    def lowers(self) -> bool:
        """Whether capitals and accents are taken away before a text is split."""
        return self.table(TOKENIZER).get("do_lower_case", True) is not False

    @cached_property
    def words(self) -> dict[str, int]:
        """The number of every token. Raises DataError if the file is none of BERT's."""
        path = self.folder / VOCABULARY
        try:
            with path.open("rb") as file:
                lines = file.read(LARGEST).decode().split("\n")
        except (OSError, UnicodeDecodeError) as error:
            raise DataError(f"{self.who}: {path} cannot be read as text: {error}; get it again.") from None
        found = {line.rstrip("\r"): number for number, line in enumerate(lines) if line}
        for token in ("[UNK]", "[CLS]", "[SEP]", "[PAD]"):
            if token not in found:
                raise self._strange(VOCABULARY, f"has no token {token}", "a BERT's vocabulary")
        return found

    def _modules(self) -> list[Any]:
        import json

        path = self.folder / MODULES
        if not path.is_file():
            return []
        try:
            with path.open("rb") as file:
                found = json.loads(file.read(LARGEST_JSON))
        except (OSError, ValueError, RecursionError) as error:
            raise DataError(f"{self.who}: {path} cannot be read as JSON: {shown(str(error), 200)}.") from None
        if not isinstance(found, list):
            raise self._strange(MODULES, "is no list of modules", "one")
        return found

    def _kind(self, module: Any) -> str:
        return str(module.get("type", "")).rpartition(".")[2] if isinstance(module, dict) else ""

    def _strange(self, name: str | Path, what: str, known: str) -> DataError:
        return DataError(f"{self.who}: {self.folder / name} {what}; {known} can be had, so name another checkpoint.")
