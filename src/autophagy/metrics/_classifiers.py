"""Small classifiers, trained the same way every time: fixed steps, a fixed seed, one thread."""

from __future__ import annotations

import math
import warnings
from typing import Literal

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from threadpoolctl import threadpool_limits

from autophagy.core.seeds import Seed

HIDDEN = 128
STEPS, BATCH = 500, 100  # of the network's training, whatever the number of rows
AT_ONCE = 25  # batches handed over together, since that costs as much as a step
RATE = 0.003  # Adam's
PENALTY = 100.0  # of the regression, on half the squared weights; it stands beside the summed loss
ITERATIONS = 100
SEED = Seed(("metrics", "train-on-synthetic"))


def classified(kind: Literal["mlp", "logistic"], rows: np.ndarray, labels: np.ndarray, asked: np.ndarray) -> np.ndarray:
    """Returns `(m,)` the labels given to `asked` `(m, d)` by a classifier trained on `rows` `(n, d)` and `labels`.

    Rows are in units of about one; their order counts.
    """
    if len(np.unique(labels)) == 1:
        return np.repeat(labels[:1], len(asked))
    with threadpool_limits(1, "blas"):
        found = _network(rows, labels) if kind == "mlp" else _regression(rows, labels)
        return np.asarray(found.predict(asked))


def _network(rows: np.ndarray, labels: np.ndarray) -> MLPClassifier:
    size, classes = min(BATCH, len(rows)), np.unique(labels)
    found = MLPClassifier((HIDDEN,), learning_rate_init=RATE, batch_size=size, shuffle=False, random_state=SEED.small)
    for batches in _batches(len(rows), size).reshape(-1, AT_ONCE * size):
        found.partial_fit(rows[batches], labels[batches], classes=classes)
    return found


def _batches(n: int, size: int) -> np.ndarray:
    """`(STEPS, size)` indices below `n`: one shuffled pass after another, cut into batches without regard to where."""
    rng = SEED.child("batches").numpy()
    passes = [rng.permutation(n) for _ in range(math.ceil(STEPS * size / n))]
    return np.concatenate(passes)[: STEPS * size].reshape(STEPS, size)


def _regression(rows: np.ndarray, labels: np.ndarray) -> LogisticRegression:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return LogisticRegression(C=1 / PENALTY, max_iter=ITERATIONS).fit(rows, labels)
