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
RATE = 0.003  # Adam's
PENALTY = 100.0  # of the regression, on half the squared weights; it stands beside the summed loss
ITERATIONS = 100


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
    batch = min(BATCH, len(rows))
    passes = math.ceil(STEPS * batch / len(rows))
    found = MLPClassifier(
        (HIDDEN,),
        learning_rate_init=RATE,
        batch_size=batch,
        max_iter=passes,
        n_iter_no_change=passes,  # so that it never ends early
        random_state=Seed(("metrics", "train-on-synthetic")).small,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the steps are as many as were meant
        return found.fit(rows, labels)


def _regression(rows: np.ndarray, labels: np.ndarray) -> LogisticRegression:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return LogisticRegression(C=1 / PENALTY, max_iter=ITERATIONS).fit(rows, labels)
