"""Muon against a singular value decomposition and against torch's own, for matrices."""

import copy

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from urdgn_lite.muon import Muon, orthogonalised


def drawn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def small_net(seed=0):
    torch.manual_seed(seed)
    return torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3), torch.nn.Conv2d(8, 8, 3))


@given(st.integers(2, 12), st.integers(2, 40), st.integers(0, 99), st.sampled_from([1e-3, 1, 1e4]))
def test_singular_values_become_about_one_and_the_directions_stay(m, n, seed, scale):
    u, s, vt = torch.linalg.svd(drawn(m, n, seed=seed), full_matrices=False)
    s = torch.linspace(1.0, 0.2, len(s), dtype=s.dtype)
    found = orthogonalised(u @ torch.diag(scale * s) @ vt)
    inside = u.T @ found @ vt.T
    assert (inside.diagonal() > 0.6).all()
    assert (inside.diagonal() < 1.25).all()
    assert torch.allclose(inside, torch.diag(inside.diagonal()), atol=1e-9)


def test_mixed_precision_does_not_reach_it():
    matrix = drawn(8, 20).float()
    with torch.autocast("cpu", torch.bfloat16):
        inside = orthogonalised(matrix)
    assert torch.equal(inside, orthogonalised(matrix))


def test_nothing_comes_of_nothing():
    assert not orthogonalised(torch.zeros(3, 5)).any()


@pytest.mark.skipif(not hasattr(torch.optim, "Muon"), reason="needs torch 2.9")
def test_matrices_go_where_torchs_muon_takes_them():
    """Up to its bfloat16: three steps, each with a new gradient."""
    mine, theirs = (torch.nn.Parameter(drawn(8, 20).float()) for _ in range(2))
    how = {"lr": 0.1, "weight_decay": 0.1, "momentum": 0.9}
    ours = Muon([mine], smallest=2, **how)
    torchs = torch.optim.Muon([theirs], adjust_lr_fn="match_rms_adamw", **how)
    for seed in (1, 2, 3):
        for theta, optimiser in ((mine, ours), (theirs, torchs)):
            theta.grad = drawn(8, 20, seed=seed).float()
            optimiser.step()
    moved = theirs - drawn(8, 20).float()
    assert (mine - theirs).norm() < 0.02 * moved.norm()
    assert (mine - theirs + moved).norm() > 0.5 * moved.norm()  # that is no matter of course


def test_a_convolution_moves_as_its_matrix():
    kernel = torch.nn.Parameter(drawn(6, 4, 3, 3).to(memory_format=torch.channels_last))
    matrix = torch.nn.Parameter(drawn(6, 36))
    with torch.no_grad():
        matrix.copy_(kernel.flatten(1))
    for theta in (kernel, matrix):
        theta.grad = drawn(6, 36, seed=1).view(theta.shape)
        Muon([theta], lr=0.1, smallest=2).step()
    assert torch.allclose(kernel.flatten(1), matrix)


def test_vectors_and_small_matrices_are_left_to_adamw():
    nets = small_net(), small_net()
    how = {"lr": 0.01, "betas": (0.8, 0.9), "weight_decay": 0.1}
    optimisers = (
        Muon(nets[0].parameters(), smallest=8, **how),
        torch.optim.AdamW(nets[1].parameters(), **how),
    )  # 8 × 27 and 8 × 72 are Muon's
    for net, optimiser in zip(nets, optimisers, strict=True):
        for i, theta in enumerate(net.parameters()):
            theta.grad = drawn(*theta.shape, seed=i).float()
        optimiser.step()
    for (name, a), b in zip(nets[0].named_parameters(), nets[1].parameters(), strict=True):
        assert torch.equal(a, b) == name.endswith("bias"), name
    (group,) = Muon([nets[0][0].weight], smallest=9).param_groups
    assert not group["muon"]


def test_a_step_is_as_long_as_adamws_usually_is():
    theta = torch.nn.Parameter(drawn(64, 576))
    before = theta.detach().clone()
    theta.grad = 1e-3 * drawn(64, 576, seed=1)
    Muon([theta], lr=0.01, weight_decay=0.0).step()
    root_mean_square = (theta - before).square().mean().sqrt() / 0.01
    assert 0.15 < root_mean_square < 0.25


def test_uphill_is_the_other_way_and_gradients_are_left_as_they_were():
    moves = []
    for maximize in (False, True):
        net = small_net()
        before = copy.deepcopy(net.state_dict())
        for theta in net.parameters():
            theta.grad = torch.ones_like(theta)
        Muon(net.parameters(), smallest=2, weight_decay=0.0, maximize=maximize).step()
        assert all((theta.grad == 1).all() for theta in net.parameters())
        moves.append([net.state_dict()[k] - before[k] for k in before])
    assert all(torch.allclose(a, -b, atol=1e-6) for a, b in zip(*moves, strict=True))
    assert all(move.any() for move in moves[0])


def test_a_closure_is_called_once_and_unused_parameters_rest():
    net, calls = small_net(), []
    unused = torch.nn.Parameter(torch.ones(4, 4))

    def closure():
        calls.append(0)
        loss = net(torch.ones(1, 3, 8, 8)).square().sum()
        loss.backward()
        return loss

    optimiser = Muon([*net.parameters(), unused], smallest=2)
    assert optimiser.step(closure) > 0
    assert len(calls) == 1
    assert (unused == 1).all()
    assert unused not in optimiser.state


@pytest.mark.parametrize("momentum", [-0.1, 1.0])
def test_a_momentum_that_never_forgets_is_refused(momentum):
    with pytest.raises(ValueError, match="0 ≤ momentum < 1"):
        Muon([torch.nn.Parameter(torch.ones(2))], momentum=momentum)
