"""Features in files of our own: safetensors, with all that a later comparison must know of them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from autophagy.core.catalog import build
from autophagy.core.errors import AutophagyError, DataError, StoreError
from autophagy.core.files import share
from autophagy.core.identity import part_key
from autophagy.core.settings import shown
from autophagy.images.reading import Header

from .encoding import DIGEST, Encoded, Encoding

ABOUT = "autophagy"  # the one key of the file's metadata: safetensors keeps several in no fixed order
FORMAT = "features-3"  # 2: with `sha256`; 3: with `headers`
ARRAYS = ("features", "contents", "names", "headers")


def places(folder: Path, names: Iterable[str]) -> dict[str, Path]:
    """Makes the folder; returns where each side's features will lie in it.

    Raises StoreError if that cannot be, or if such a file is there already: it cost too much to be written over.
    """
    found = {name: folder / f"{name}.safetensors" for name in names}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        taken = next((path for path in found.values() if path.exists()), None)
    except OSError as error:
        raise StoreError(
            f"{shown(str(folder), 200)} cannot be made: {error.strerror}; choose another folder for the features."
        ) from None
    if taken is not None:
        raise StoreError(f"{taken} is there already and is left alone; choose another folder for the features.")
    return found


def save(encoded: Encoded, path: Path) -> None:
    """Writes features, names and digests; equal features give equal bytes."""
    from safetensors import SafetensorError
    from safetensors.numpy import save_file

    if encoded.encoding is None:
        raise DataError(f"nobody has said which encoder made the features of {encoded.label}; they are not saved.")
    arrays = {
        "features": np.ascontiguousarray(encoded.features),
        "contents": np.ascontiguousarray(encoded.contents),
        "names": np.frombuffer(json.dumps(encoded.names).encode(), np.uint8),
        "headers": np.frombuffer(json.dumps([list(vars(h).values()) for h in encoded.headers]).encode(), np.uint8),
    }
    about = {
        "format": FORMAT,
        "encoding": encoded.encoding.plain(),
        "n": len(encoded),
        "left_out": list(encoded.left_out),
        "digest": encoded.digest,
        "sha256": _sum(arrays),
    }
    partial = path.with_name(f".{path.name}.partial")
    try:
        save_file(arrays, partial, metadata={ABOUT: json.dumps(about, sort_keys=True)})
        share(partial)
        partial.rename(path)
    except (OSError, SafetensorError) as error:
        raise StoreError(f"{path} cannot be written: {error}; choose another folder for the features.") from None
    finally:
        partial.unlink(missing_ok=True)


def load(path: Path, label: str) -> Encoded:
    """Reads such a file. Raises DataError if it is none, or its encoder is not the one of today."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            about = json.loads((file.metadata() or {})[ABOUT])
            arrays = {name: file.get_tensor(name) for name in ARRAYS}
        return _checked(about, arrays, label)
    except AutophagyError:
        raise
    except (OSError, SafetensorError, KeyError, ValueError, TypeError, AttributeError, RecursionError):
        raise DataError(
            f"{label} is not a features file that this version of autophagy score has written; "
            "make it again with --save-features, or give the features as .npy."
        ) from None


def _sum(arrays: Mapping[str, np.ndarray]) -> str:
    """Of the bytes that `digest` says nothing of."""
    found = hashlib.sha256()
    for name in ("features", "names", "headers"):
        found.update(np.ascontiguousarray(arrays[name]).data)
    return found.hexdigest()


def _checked(about: dict[str, Any], arrays: dict[str, np.ndarray], label: str) -> Encoded:
    if about["format"] == FORMAT and _sum(arrays) != about["sha256"]:
        raise DataError(
            f"{label} has been damaged or changed since it was written; make it again with --save-features."
        )
    features, contents, names = arrays["features"], arrays["contents"], json.loads(arrays["names"].tobytes())
    n = len(features)
    is_whole = (
        about["format"] == FORMAT
        and features.ndim == 2
        and features.dtype.kind == "f"
        and min(features.shape) > 0
        and contents.shape == (n, DIGEST)
        and contents.dtype == np.uint8
        and isinstance(names, list)
        and len(names) == n
        and all(isinstance(name, str) for name in names)
    )
    if not is_whole:
        raise ValueError
    headers = tuple(_header(*told) for told in json.loads(arrays["headers"].tobytes()))
    if len(headers) not in (0, n):
        raise ValueError
    left_out = tuple(str(one) for one in about["left_out"])
    encoding = _encoding(about["encoding"], label)
    found = Encoded(label, encoding, features, tuple(names), contents, headers, left_out)
    if found.digest != about["digest"]:
        raise ValueError
    return found.finite()


def _header(kind: str, mode: str, width: int, height: int) -> Header:
    are_texts, are_counts = all(type(x) is str for x in (kind, mode)), all(type(x) is int for x in (width, height))
    if not (are_texts and are_counts and min(width, height) > 0):
        raise ValueError
    return Header(kind, mode, width, height)


def _encoding(told: dict[str, Any], label: str) -> Encoding:
    recipe = {name: value for name, value in told["encoder"].items() if name != "version"}
    size, mode = told["size"], told["mode"]
    if mode not in ("L", "RGB", None) or not (size is None or (type(size) is int and size > 0)):
        raise ValueError
    encoder = build("encoder", recipe, f"the encoder of {label}")
    if part_key(encoder) != told["key"]:
        raise DataError(
            f"{label} was made by another version of encoder '{encoder.name}' than this one; encode the images again."
        )
    return Encoding(encoder, size, mode, str(told["fitted_on"]))
