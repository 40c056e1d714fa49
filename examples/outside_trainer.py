"""A trainer that knows nothing of autophagy: it learns eigenimages from a folder of PNG files, and draws new ones.

    python outside_trainer.py train --images FOLDER --weights FOLDER --work FOLDER [--start FOLDER] [--seed 0]
    python outside_trainer.py sample --weights FOLDER --out FOLDER --n 10 [--conditions FILE] [--seed 0] [--bias 1.0]

Every class is a Gaussian in the leading principal components of all images.
The components are found by orthogonal iteration, with a checkpoint in the work
folder after every few rounds, from which a killed training goes on.
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np
from PIL import Image

EVERY = 5  # rounds between two checkpoints
STATE, WEIGHTS = "state.npz", "weights.npz"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    training = commands.add_parser("train")
    training.add_argument("--images", type=Path, required=True)
    training.add_argument("--weights", type=Path, required=True)
    training.add_argument("--work", type=Path, required=True)
    training.add_argument("--start", type=Path, help="a folder with earlier weights to begin with, or an empty one")
    training.add_argument("--components", type=int, default=40)
    training.add_argument("--rounds", type=int, default=30)
    training.add_argument("--seed", type=int, default=0)
    training.set_defaults(run=train)
    sampling = commands.add_parser("sample")
    sampling.add_argument("--weights", type=Path, required=True)
    sampling.add_argument("--out", type=Path, required=True)
    sampling.add_argument("--n", type=int, required=True)
    sampling.add_argument("--conditions", type=Path, help="one JSON object a line, with a label or nothing")
    sampling.add_argument("--seed", type=int, default=0)
    sampling.add_argument("--bias", type=float, default=1.0)
    sampling.set_defaults(run=sample)
    asked = parser.parse_args()
    asked.run(asked)


def train(asked: argparse.Namespace) -> None:
    images, labels = read(asked.images)  # (n, h, w[, 3]), (n,)
    rows = images.reshape(len(images), -1).astype(np.float64)  # (n, d)
    mean = rows.mean(0)
    gaps = rows - mean
    k = min(asked.components, *gaps.shape)
    basis, done = begun(asked, gaps.shape[1], k)  # (d, k)
    while done < asked.rounds:
        basis, _ = np.linalg.qr(gaps.T @ (gaps @ basis))
        done += 1
        if done % EVERY == 0:
            keep(asked.work / STATE, basis=basis, done=done)
            sys.stdout.write(f"round {done} of {asked.rounds}\n")
            sys.stdout.flush()
    places = gaps @ basis  # (n, k)
    classes = np.unique(labels)
    own = [places[labels == label] for label in classes]
    keep(
        asked.weights / WEIGHTS,
        shape=images.shape[1:],
        mean=mean,
        basis=basis,
        classes=classes,
        counts=[len(each) for each in own],
        means=[each.mean(0) for each in own],
        roots=[root(each) for each in own],
    )


def sample(asked: argparse.Namespace) -> None:
    with np.load(asked.weights / WEIGHTS, allow_pickle=False) as found:
        learnt = dict(found)
    random = np.random.default_rng(asked.seed)
    chosen = random.choice(len(learnt["classes"]), asked.n, p=learnt["counts"] / learnt["counts"].sum())  # (n,)
    told = asked.conditions.read_text(encoding="utf-8").split("\n") if asked.conditions else []
    wanted = [json.loads(text).get("label") for text in told if text]
    known = {label: i for i, label in enumerate(learnt["classes"].tolist())}
    for i, label in enumerate(wanted):
        if label is not None:
            chosen[i] = known[label] if label in known else sys.exit(f"class {label} was not in the training set")
    noise = random.standard_normal((asked.n, learnt["basis"].shape[1]))  # (n, k)
    for i, c in enumerate(chosen):
        place = learnt["means"][c] + np.sqrt(asked.bias) * (learnt["roots"][c] @ noise[i])
        pixels = np.clip(np.rint(learnt["mean"] + learnt["basis"] @ place), 0, 255).astype(np.uint8)
        Image.fromarray(pixels.reshape(learnt["shape"])).save(asked.out / f"{i}.png")


def read(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """All images of an ImageFolder with their labels, -1 where there is none."""
    told = (folder / "metadata.jsonl").read_text(encoding="utf-8").split("\n")  # captions may hold other line ends
    lines = [json.loads(text) for text in told if text]
    images = [np.asarray(Image.open(folder / line["file_name"])) for line in lines]
    return np.stack(images), np.array([line.get("label", -1) for line in lines])


def begun(asked: argparse.Namespace, d: int, k: int) -> tuple[np.ndarray, int]:
    """A basis to go on from, and the rounds behind it: a checkpoint, earlier weights, or chance."""
    if (asked.work / STATE).exists():
        with np.load(asked.work / STATE, allow_pickle=False) as state:
            return state["basis"], int(state["done"])
    if asked.start and (asked.start / WEIGHTS).exists():
        with np.load(asked.start / WEIGHTS, allow_pickle=False) as earlier:
            if earlier["basis"].shape == (d, k):
                return earlier["basis"], 0
    return np.linalg.qr(np.random.default_rng(asked.seed).standard_normal((d, k)))[0], 0


def keep(path: Path, **arrays: object) -> None:
    """Writes beside and renames, so that a kill leaves the old file or the new one."""
    partial = path.with_suffix(".partial.npz")
    np.savez(partial, **arrays)
    partial.replace(path)


def root(places: np.ndarray) -> np.ndarray:
    """The symmetric square root of a covariance."""
    values, vectors = np.linalg.eigh(np.cov(places.T, bias=True).reshape(places.shape[1], -1))
    return (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T


if __name__ == "__main__":
    main()
