import numpy as np
import pytest
from scipy.stats import multivariate_normal
from sklearn.mixture import GaussianMixture as Reference

from autophagy.core.errors import DataError
from autophagy.core.parts import LinearFamily
from autophagy.models._em import Climb, begun, log_joint, log_sum
from autophagy.models.gaussian import Gaussian
from autophagy.models.gaussian_mixture import GaussianMixture

WEIGHTS = np.array([0.5, 0.3, 0.2])
MEANS = np.array([[0.0, 0.0], [6.0, 0.0], [0.0, 6.0]])
COVARIANCES = np.array([[[1.0, 0.5], [0.5, 1.0]], [[0.3, 0.0], [0.0, 2.0]], [[0.5, -0.2], [-0.2, 0.5]]])


def three_modes(n: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    mode = rng.choice(3, n, p=WEIGHTS)
    roots = np.linalg.cholesky(COVARIANCES)
    return MEANS[mode] + np.einsum("nij,nj->ni", roots[mode], rng.standard_normal((n, 2)))


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")  # what a single round means
@pytest.mark.parametrize("d", [1, 2, 5])
def test_em_takes_the_same_steps_as_scikit_learn(d) -> None:
    rng = np.random.default_rng(d)
    points = np.concatenate([rng.normal(c, 1 + 0.3 * c, (80, d)) for c in (0, 2, 4)])
    start = begun(points, 3, "k-means++", np.random.default_rng(1))
    for rounds in (1, 5, 200):
        reference = Reference(
            3,
            reg_covar=0,
            tol=1e-5,
            max_iter=rounds,
            weights_init=start.weights,
            means_init=start.means,
            precisions_init=np.linalg.inv(start.covariances),
        )
        reference.fit(points)
        found, height = Climb(ridge=1e-12, tolerance=1e-5, iterations=rounds).run(points, start)
        assert found.weights == pytest.approx(reference.weights_, rel=1e-6)
        assert found.means == pytest.approx(reference.means_, rel=1e-6, abs=1e-6)
        assert found.covariances == pytest.approx(reference.covariances_, rel=1e-6, abs=1e-6)
        assert height == pytest.approx(reference.lower_bound_, rel=1e-9)


def test_em_never_steps_down() -> None:
    points = three_modes(300)
    mixture, heights = begun(points, 3, "random-points", np.random.default_rng(3)), []
    for _ in range(30):
        heights.append(log_sum(log_joint(points, mixture, 1e-12)).mean())
        mixture, _ = Climb(1e-12, 1e-9, 1).run(points, mixture)
    assert (np.diff(heights) > -1e-10).all()
    assert heights[-1] > heights[0] + 0.01


@pytest.mark.parametrize("how", ["k-means", "k-means++", "random-points"])
def test_known_modes_are_found(how, fit) -> None:
    model = GaussianMixture(components=3, restarts=3, initialisation=how, tolerance=1e-6)
    found = fit(model, three_modes(4000)).mixture
    order = [int(np.abs(found.means - mean).sum(1).argmin()) for mean in MEANS]
    assert sorted(order) == [0, 1, 2]
    assert found.weights[order] == pytest.approx(WEIGHTS, abs=0.03)
    assert found.means[order] == pytest.approx(MEANS, abs=0.12)
    assert found.covariances[order] == pytest.approx(COVARIANCES, abs=0.2)


def test_five_by_five_modes_are_all_found(fit) -> None:
    rng = np.random.default_rng(0)
    centres = np.stack(np.meshgrid(np.arange(5.0), np.arange(5.0)), -1).reshape(25, 2)
    points = np.repeat(centres, 80, 0) + 0.05 * rng.standard_normal((2000, 2))
    found = fit(GaussianMixture(components=25, restarts=3), points).mixture
    gaps = np.linalg.norm(found.means[:, None] - centres, axis=2)
    assert gaps.min(0).max() < 0.05


def test_restarts_keep_the_likeliest(fit) -> None:
    points = three_modes(200, seed=4)
    heights = [
        fit(GaussianMixture(components=4, restarts=r, initialisation="random-points"), points).log_prob(points).mean()
        for r in (1, 8)
    ]
    assert heights[1] > heights[0]


def test_log_prob_is_the_weighted_sum_of_scipys_densities(fit) -> None:
    sampler = fit(GaussianMixture(components=3, ridge=1e-12), three_modes(300))
    asked, m = three_modes(20, seed=1), sampler.mixture
    parts = zip(m.weights, m.means, m.covariances, strict=True)
    densities = sum(w * multivariate_normal(mean, c).pdf(asked) for w, mean, c in parts)
    assert sampler.log_prob(asked) == pytest.approx(np.log(densities))


def test_any_fit_has_the_mean_and_covariance_of_its_training_set(fit) -> None:
    points = three_modes(150)
    for components in (1, 2, 7):
        m = fit(GaussianMixture(components=components, max_iterations=3), points).mixture
        mean = m.weights @ m.means
        gaps = m.means - mean
        between = (m.weights * gaps.T) @ gaps
        assert mean == pytest.approx(points.mean(0))
        assert np.einsum("k,kij->ij", m.weights, m.covariances) + between == pytest.approx(np.cov(points.T, ddof=0))


def test_a_mixture_of_one_is_a_gaussian(fit) -> None:
    points = three_modes(100)
    mean, covariance = fit(Gaussian(), points).moments()
    m = fit(GaussianMixture(components=1), points).mixture
    assert m.means[0] == pytest.approx(mean)
    assert m.covariances[0] == pytest.approx(covariance)


def test_bias_shrinks_the_modes_and_leaves_their_places_and_weights(fit, draw) -> None:
    sampler = fit(GaussianMixture(components=3), three_modes(3000))
    x = draw(sampler, 100_000, bias=0.04)
    mode = np.linalg.norm(x[:, None] - sampler.mixture.means, axis=2).argmin(1)
    for k in range(3):
        assert (mode == k).mean() == pytest.approx(sampler.mixture.weights[k], abs=0.01)
        assert np.cov(x[mode == k].T) == pytest.approx(0.04 * sampler.mixture.covariances[k], abs=0.01)


def test_a_collapse_is_not_stopped_by_the_ridge(chain) -> None:
    """scikit-learn's default would hold both modes at a variance of 1e-6 n."""
    start = np.concatenate([three_modes(200)[:10] * 0.1, three_modes(200)[:10] * 0.1 + 5])
    samplers = chain(GaussianMixture(components=2), start, 200, bias=0.8)
    widths = [float(np.trace(s.mixture.covariances, axis1=1, axis2=2).max()) for s in (samplers[0], samplers[-1])]
    assert widths[0] > 1e-3
    assert 0 <= widths[1] < 1e-15
    assert np.isfinite(samplers[-1].log_prob(start)).all()


def test_fully_synthetic_variance_falls_as_on_paper(chain, z_score) -> None:
    """Oracles 1 and 2 hold for mixtures too: E[Σ_t] = (1−1/n)^t Σ0."""
    n, t = 15, 3
    truth = WEIGHTS @ (np.trace(COVARIANCES, axis1=1, axis2=2) + (MEANS**2).sum(1)) - ((WEIGHTS @ MEANS) ** 2).sum()
    lost = []
    for r in range(800):
        m = chain(GaussianMixture(components=2), three_modes(n, seed=r), t, seed=r)[-1].mixture
        gaps = m.means - m.weights @ m.means
        lost.append(m.weights @ (np.trace(m.covariances, axis1=1, axis2=2) + (gaps**2).sum(1)))
    assert abs(z_score(lost, (1 - 1 / n) ** t * truth)) < 4
    assert GaussianMixture().linear_family() == LinearFamily(takes_bias=False)


class TestStartingFromEarlierWeights:
    def test_it_begins_where_the_other_ended(self, fit) -> None:
        points = three_modes(400)
        before = fit(GaussianMixture(components=3), points)
        after = fit(GaussianMixture(components=3, max_iterations=1), points, seed=9, start=before)
        assert after.mixture.means == pytest.approx(before.mixture.means, abs=0.05)  # not in another order

    def test_a_mode_that_nobody_visits_stays_lost(self, fit) -> None:
        before = fit(GaussianMixture(components=3), three_modes(400))
        corner = three_modes(400)
        corner = corner[corner.sum(1) < 3] * 0.01
        after = fit(GaussianMixture(components=3), corner, start=before)
        assert (after.mixture.weights < 1e-6).sum() == 2
        assert np.isfinite(after.mixture.covariances).all()

    def test_another_models_weights_are_refused(self, fit) -> None:
        points = three_modes(50)
        with pytest.raises(DataError, match="can only start from"):
            fit(GaussianMixture(), points, start=fit(Gaussian(), points))
        with pytest.raises(DataError, match="in 3 dimensions"):
            fit(GaussianMixture(), np.zeros((9, 3)), start=fit(GaussianMixture(), points))


class TestDegenerateData:
    @pytest.mark.parametrize("how", ["k-means", "k-means++", "random-points"])
    def test_fewer_distinct_points_than_components(self, how, fit, draw) -> None:
        points = np.repeat([[0.0, 0.0], [1.0, 5.0]], [9, 3], 0)
        sampler = fit(GaussianMixture(components=6, restarts=4, initialisation=how), points)
        assert len(sampler.mixture.weights) <= 2
        if how != "random-points":  # which may begin from equal points alone
            drawn = draw(sampler, 4000)
            assert np.unique(drawn.round(9), axis=0).tolist() == [[0.0, 0.0], [1.0, 5.0]]
            assert (drawn[:, 0] > 0.5).mean() == pytest.approx(0.25, abs=0.03)

    def test_a_point_alone_among_duplicates(self, fit) -> None:
        points = np.concatenate([np.zeros((50, 2)), [[1.0, 1.0]], np.random.default_rng(0).normal(9, 1, (50, 2))])
        sampler = fit(GaussianMixture(components=3), points)
        assert np.isfinite(sampler.log_prob(points)).all()

    def test_tiny_variance_far_from_the_origin(self, fit) -> None:
        rng = np.random.default_rng(0)
        points = 1000 + np.concatenate([rng.normal(0, 1e-6, (50, 2)), rng.normal(1e-3, 1e-6, (50, 2))])
        m = fit(GaussianMixture(components=2), points).mixture
        assert np.sort(m.means[:, 0]) - 1000 == pytest.approx([0, 1e-3], abs=1e-6)
        assert np.trace(m.covariances, axis1=1, axis2=2) == pytest.approx(2e-12, rel=0.5)
