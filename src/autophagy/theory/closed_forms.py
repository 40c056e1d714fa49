"""Loops that can be solved on paper: what the expected answers are, as formulas.

Generations count as everywhere in this project: generation 0 is the first fit,
on n real points, so the t of papers that count fits from 1 is `generation` + 1.
Variances are shares of the real data's variance Σ0 unless a function says
otherwise. All are expectations over seeds, exact at every n. `docs/theory.md`
has the derivations and sources.
"""

from __future__ import annotations

import math
from collections.abc import Sequence


def kept_variance(mean_variance: float) -> float:
    """E[Σ]/Σ0 = 1 − Var(mean)/Σ0: conservation, for maximum likelihood and λ = 1 in any loop blind to values."""
    return 1 - mean_variance


# ── fully synthetic: each generation trains on n draws of the one before ─────


def fully_synthetic_variance(n: int, generation: int, *, bias: float = 1.0, unbiased: bool = False) -> float:
    """E[Σ_g]/Σ0 = λ^g (1 − 1/n)^(g+1); an unbiased covariance has no second factor."""
    lost = 1.0 if unbiased else (1 - 1 / n) ** (generation + 1)
    return bias**generation * lost


def fully_synthetic_mean_variance(n: int, generation: int, *, bias: float = 1.0, unbiased: bool = False) -> float:
    """E‖μ_g − μ0‖²/tr Σ0 = (1/n) Σ_{s=0}^{g} r^s, where r = λ (1 − 1/n), or λ if unbiased."""
    ratio = bias if unbiased else bias * (1 - 1 / n)
    return math.fsum(ratio**s for s in range(generation + 1)) / n


def fully_synthetic_log_variance(n: int, generation: int, *, bias: float = 1.0, unbiased: bool = False) -> float:
    """E[ln(var_g/σ0²)] in one dimension: (g+1) [ψ((n−1)/2) − ln(divisor/2)] + g ln λ, in nats.

    The unbiased variance keeps its mean while nearly every lineage collapses:
    this is what shows it.
    """
    from scipy.special import digamma

    divisor = n - 1 if unbiased else n
    return (generation + 1) * (float(digamma((n - 1) / 2)) - math.log(divisor / 2)) + generation * math.log(bias)


def fully_synthetic_wasserstein(n: int, generation: int, *, bias: float = 1.0) -> float:
    """E[W2²]/σ0² between fit and truth in one dimension, for the unbiased variance.

    (1/n) Σ_{s=0}^{g} λ^s + λ^g + 1 − 2 c4^(g+1) λ^(g/2): the mean's error and
    E[(σ_g − σ0)²]. W2² of Gaussians: Dowson and Landau 1982.
    """
    spread = bias**generation + 1 - 2 * c4(n) ** (generation + 1) * math.sqrt(bias**generation)
    return fully_synthetic_mean_variance(n, generation, bias=bias, unbiased=True) + spread


def c4(n: float) -> float:
    """E[s]/σ for the standard deviation s (divisor n − 1) of n normal points: √(2/(n−1)) Γ(n/2)/Γ((n−1)/2)."""
    return math.sqrt(2 / (n - 1)) * math.exp(math.lgamma(n / 2) - math.lgamma((n - 1) / 2))


# ── loops that keep real data ────────────────────────────────────────────────


def accumulate_variance(n: int, generation: int) -> float:
    """E[Σ_g]/Σ0 = Π_{k=1}^{g+1} (1 − 1/(n k²)): n real points and n draws of every generation, all kept.

    Never below sin(π/√n)/(π/√n), however long the loop runs.
    """
    return math.prod(1 - 1 / (n * k * k) for k in range(1, generation + 2))


def fresh_data_mean_variance(real: int, synthetic: int) -> float:
    """Var(mean)/Σ0 which the fresh-data loop tends to (maximum likelihood, λ = 1).

    1/V = n_r + n_s (n_r + 1)/(n_r + n_s), whatever the first fit saw. So at λ = 1
    the loop's own output is worth something, but never more than n_r + 1 points,
    however much of it there is.
    """
    return 1 / (real + synthetic * (real + 1) / (real + synthetic))


# ── categorical: drift ───────────────────────────────────────────────────────


def gini(probabilities: Sequence[float]) -> float:
    """1 − Σ p²: the chance that two draws differ."""
    return 1 - math.fsum(p * p for p in probabilities)


def fully_synthetic_gini(probabilities: Sequence[float], n: int, generation: int) -> float:
    """E[1 − Σp²] after `generation` + 1 fits by frequencies: (1 − 1/n)^(g+1) of the truth's. Wright 1931.

    For other loops the factor is the `kept_variance` of their forecast.
    """
    return fully_synthetic_variance(n, generation) * gini(probabilities)


def fixation_probabilities(probabilities: Sequence[float]) -> tuple[float, ...]:
    """How likely each symbol is to be the last one left: its own true share, since E[p] never moves."""
    total = math.fsum(probabilities)
    return tuple(p / total for p in probabilities)


# ── other families and curation ──────────────────────────────────────────────


def kde_variance(n: int, generation: int, bandwidth: float, *, real_variance: float = 1.0) -> float:
    """E[v_g], in squared units of the data: the variance (divisor n) of the n points that generation g is fitted on.

    v_0 = (1 − 1/n) σ0² and v_{g+1} = (1 − 1/n)(v_g + h²), which tends to (n − 1) h²
    whatever the data were.
    """
    kept = (1 - 1 / n) ** generation
    return kept * (1 - 1 / n) * real_variance + bandwidth**2 * (n - 1) * (1 - kept)


def culling_factor(radius: float, dim: int) -> float:
    """What Σ is multiplied by when only points of Mahalanobis distance ≤ `radius` stay. Tallis 1963.

    P(d/2 + 1, c²/2)/P(d/2, c²/2), with the regularised lower incomplete gamma function P.
    """
    from scipy.special import gammainc

    within = float(gammainc(dim / 2, radius**2 / 2))
    if within == 0:  # so small a ball that the density inside it is flat
        return radius**2 / (dim + 2)
    return float(gammainc(dim / 2 + 1, radius**2 / 2)) / within


# ── one number for how good a fit is ─────────────────────────────────────────


def effective_sample_size(mean_variance: float, kept_variance: float, *, unbiased: bool = False) -> float:
    """How many real points would give the same family as good a fit: n_e.

    Good means D = V + (1 − √kept)², per axis the squared Wasserstein distance
    from the truth to a Gaussian whose mean is off by √V and whose covariance is
    the expected one. n real points give D = 2 − 2√(1 − 1/n), or 1/n if unbiased,
    which is solved for n. With maximum likelihood and λ = 1 that is 1/V exactly.
    Below 1: worse than a single real point (2/D for maximum likelihood).

    Casco-Rodriguez, Alemohammad et al. 2023 compare expected Wasserstein
    distances by Monte Carlo, which also hold the covariance's scatter. Leaving it
    out, on both sides, costs nothing at λ = 1 to first order in 1/n, and makes n_e
    too small where bias has taken much variance (`docs/theory.md` has figures).
    """
    distance = mean_variance + (1 - math.sqrt(max(kept_variance, 0.0))) ** 2
    if distance == 0:
        return math.inf
    if unbiased:
        return 1 / distance
    return 1 / (distance - distance**2 / 4) if distance < 2 else 2 / distance
