import pytest
import torch

from autophagy.networks.flow import Flow

KINDS = ["coupling", "spline"]


def bent(dimensions: int, kind: str) -> Flow:
    """A flow whose couplings and scales are not the identity any more."""
    torch.manual_seed(5)
    flow = Flow(dimensions, kind, steps=3, hidden=8, bins=6)
    with torch.no_grad():
        for weight in flow.parameters():
            weight += 0.3 * torch.randn_like(weight)
    return flow.double()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dimensions", [2, 3, 17])
class TestFlow:
    def test_a_new_flow_is_the_standard_normal_density(self, dimensions, kind) -> None:
        torch.manual_seed(0)
        flow, x = Flow(dimensions, kind, steps=4, hidden=8, bins=6), 2 * torch.randn(50, dimensions)
        truth = torch.distributions.Normal(0, 1).log_prob(x).sum(1)
        assert torch.allclose(flow.log_prob(x), truth, atol=1e-4)

    def test_what_goes_in_comes_back(self, dimensions, kind) -> None:
        flow, noise = bent(dimensions, kind), torch.randn(40, dimensions, dtype=torch.float64)
        assert torch.allclose(flow.steps()(flow(noise)), noise, atol=1e-9)

    def test_its_density_is_that_of_mapped_noise(self, dimensions, kind) -> None:
        """log p(x) = log N(z) − log |det ∂x/∂z|, the Jacobian by automatic differentiation of the way out."""
        flow, noise = bent(dimensions, kind), torch.randn(5, dimensions, dtype=torch.float64)
        for z in noise:
            jacobian = torch.autograd.functional.jacobian(lambda v: flow(v[None])[0], z)
            truth = torch.distributions.Normal(0, 1).log_prob(z).sum() - torch.linalg.slogdet(jacobian).logabsdet
            assert flow.log_prob(flow(z[None])).item() == pytest.approx(truth.item(), abs=1e-7)

    def test_every_axis_moves_every_other(self, dimensions, kind) -> None:
        flow, z = bent(dimensions, kind), torch.randn(dimensions, dtype=torch.float64)
        jacobian = torch.autograd.functional.jacobian(lambda v: flow(v[None])[0], z)
        assert (jacobian != 0).all()
