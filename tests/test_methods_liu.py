import itertools

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.decomposition import PCA

from urdgn_lite import faces
from urdgn_lite.degrade import downsample, to_float, upsample_bicubic
from urdgn_lite.measure import evaluate, metrics
from urdgn_lite.methods import belief
from urdgn_lite.methods.liu import Liu, average, resize


@pytest.fixture(autouse=True)
def _untimed(monkeypatch):
    monkeypatch.setattr(evaluate, "_seconds", lambda *_: 1.0)


@pytest.fixture(scope="module")
def hr():
    return to_float(faces.load("imaginary", "train", limit=24).images)


@pytest.fixture(scope="module")
def fitted(hr):
    return Liu(candidates=4).fit(hr)


def test_eigenfaces_are_those_of_pca(hr):
    method = Liu(rank=5, local=False).fit(hr)
    pca = PCA(5, svd_solver="full").fit(hr.flatten(1).numpy())
    assert np.allclose(method.arrays["prior"], pca.explained_variance_, rtol=1e-3)
    overlap = method.arrays["basis"].float().numpy() @ pca.components_.T
    assert np.allclose(np.abs(overlap), np.eye(5), atol=5e-3)
    assert method.stages["energy"] == pytest.approx(pca.explained_variance_ratio_.sum(), rel=1e-3)


@pytest.mark.parametrize(("n", "local", "least"), [(2, True, 4), (3, True, 4), (2, False, 2)])
def test_too_few_different_faces_are_refused(hr, n, local, least):
    same = hr[:1].repeat(n, 1, 1, 1) if not local else hr[:n]
    with pytest.raises(ValueError, match=f"Liu needs at least {least} different faces"):
        Liu(local=local).fit(same)
    assert torch.isfinite(Liu(local=local).fit(hr[:least])(downsample(hr[5:6]))).all()


def test_a_face_of_a_linear_subspace_is_recovered():
    generator = torch.Generator().manual_seed(0)
    directions = torch.rand(4, 3, 128, 128, generator=generator) - 0.5
    directions += 2 * upsample_bicubic(torch.rand(4, 3, 16, 16, generator=generator) - 0.5)
    h = torch.einsum("ni,ichw->nchw", torch.randn(30, 4, generator=generator) / 9, directions)
    method = Liu(local=False, noise=0.003).fit(h[:25])
    assert method.stages["rank"] == 4
    assert method.stages["energy"] == pytest.approx(1)
    lr = downsample(h[25:])
    assert metrics.psnr(method(lr), h[25:]).min() > 45
    assert metrics.psnr(upsample_bicubic(lr), h[25:]).mean() < 35


@pytest.mark.parametrize("noise", [0.01, 0.3])
def test_the_global_face_is_the_most_probable_one(hr, noise):
    method = Liu(rank=10, noise=noise, local=False).fit(hr[:20])
    lr = downsample(hr[20:21])
    mean, u = method.arrays["mean"].double(), method.arrays["basis"].double()
    w = resize(u.view(10, 3, 128, 128), 16).flatten(1).numpy().T
    known = (lr - resize(mean[None], 16)).flatten().numpy()
    prior = method.arrays["prior"].double().numpy()
    # one least-squares problem of both terms, each row divided by its deviation
    rows = np.vstack([w / noise, np.diag(prior**-0.5)])
    c = np.linalg.lstsq(rows, np.append(known / noise, np.zeros(10)), rcond=None)[0]
    expected = mean + torch.tensor(c @ u.numpy()).view(3, 128, 128)
    assert torch.allclose(method(lr)[0].double(), expected, atol=2e-3)
    assert method.stages["prior"] == pytest.approx((c**2 / prior).mean(), rel=0.02)


def test_the_less_the_pixels_are_trusted_the_nearer_the_mean_face(hr):
    method = Liu(noise=1e4, local=False).fit(hr)
    assert torch.allclose(method(downsample(hr[:1]))[0], hr.mean(0), atol=1e-3)


def test_a_face_that_gave_patches_gets_its_own_back(hr, fitted):
    # its middle band is at distance 0, and its own patches agree on every overlap
    lr = downsample(hr[14:16])
    face = fitted.global_face(lr)
    details = (hr[14:16] - face).clamp(-1, 1)  # as far as 8 bits hold them
    assert torch.allclose(fitted(lr), face + details, atol=0.01)
    assert fitted.stages["mrf_after"] < 0.1
    assert details.square().mean().sqrt() > 0.05


def test_patches_come_from_faces_that_the_linear_model_has_not_seen(hr, fitted):
    assert len(fitted.arrays["details"]) == 12
    assert fitted.stages["rank"] == 11
    assert torch.allclose(fitted.arrays["mean"], hr[:12].mean(0))


def test_propagation_lowers_the_energy_of_the_nearest_candidates(few_faces, fitted):
    fitted(downsample(to_float(few_faces.images)))
    assert 0 < fitted.stages["mrf_after"] < 0.98 * fitted.stages["mrf_before"]


def test_switching_a_stage_off_changes_the_row(few_faces, hr):
    settings = [{}, {"local": False}, {"smoothness": 0.0}, {"rank": 3}]
    rows = [evaluate.evaluate(Liu(candidates=4, **s).fit(hr), few_faces)["psnr"] for s in settings]
    assert min(abs(a - b) for a, b in itertools.combinations(rows, 2)) > 0.01


def test_average_puts_patches_at_their_places():
    patches = torch.zeros(1, 15, 15, 3, 16, 16, dtype=torch.int8)
    patches[0, 0, 1] = 100  # covers rows 0 … 15, columns 8 … 23
    image = average(patches)[0, 0] * 127.5
    assert image[0, 10].item() == pytest.approx(50)  # shared with one neighbour
    assert image[10, 10].item() == pytest.approx(25)  # with three
    assert image[0, 0] == image[0, 24] == image[16, 10] == 0


def costs(seed, r, c, k):
    generator = torch.Generator().manual_seed(seed)
    shapes = (1, r, c, k), (1, r, c - 1, k, k), (1, r - 1, c, k, k)
    return [torch.rand(shape, generator=generator) for shape in shapes]


def by_hand(unary, right, down, labels):
    """The energy of each choice in `labels` (n, r, c), term by term."""
    unary, right, down = (x[0].double().numpy() for x in (unary, right, down))
    i, j = np.indices(labels.shape[1:])
    total = unary[i, j, labels].sum((1, 2))
    beside, below = (slice(None), slice(-1)), (slice(-1), slice(None))
    total += right[i[beside], j[beside], labels[:, :, :-1], labels[:, :, 1:]].sum((1, 2))
    return total + down[i[below], j[below], labels[:, :-1], labels[:, 1:]].sum((1, 2))


def least(unary, right, down):
    """The least energy of all choices."""
    _, r, c, k = unary.shape
    every = np.array(list(itertools.product(range(k), repeat=r * c)))
    return by_hand(unary, right, down, every.reshape(-1, r, c)).min()


@given(seed=st.integers(0, 999), long=st.integers(1, 5), upright=st.booleans())
def test_on_a_chain_belief_propagation_is_exact(seed, long, upright):
    terms = costs(seed, long, 1, 3) if upright else costs(seed, 1, long, 3)
    labels = belief.min_sum(*terms, iterations=long)
    assert by_hand(*terms, labels.numpy()).item() == pytest.approx(least(*terms), abs=1e-5)


@given(seed=st.integers(0, 999))
def test_on_a_tree_belief_propagation_is_exact(seed):
    unary, right, down = costs(seed, 2, 3, 3)
    right[:, 1] = 0  # without the lower row's links, the grid is a comb
    labels = belief.min_sum(unary, right, down, iterations=6)
    found, best = by_hand(unary, right, down, labels.numpy()).item(), least(unary, right, down)
    assert found == pytest.approx(best, abs=1e-5)


@given(seed=st.integers(0, 999))
def test_on_a_grid_it_is_no_worse_than_each_for_itself(seed):
    terms = costs(seed, 3, 3, 2)
    labels = belief.min_sum(*terms, iterations=12)
    assert belief.energy(*terms, labels) <= belief.energy(*terms, terms[0].argmin(3))
    assert belief.energy(*terms, labels).item() == pytest.approx(
        by_hand(*terms, labels.numpy()).item(), abs=1e-4
    )
    assert by_hand(*terms, labels.numpy()).item() <= 1.15 * least(*terms)
