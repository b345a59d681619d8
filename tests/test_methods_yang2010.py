import sys

import pytest
import torch

from urdgn_lite.degrade import downsample, to_float, upsample_bicubic
from urdgn_lite.measure import evaluate
from urdgn_lite.methods import yang2010
from urdgn_lite.methods.back_projection import back_project, inconsistency, resize
from urdgn_lite.methods.yang2010 import Yang2010, features, learn, sparse_code


@pytest.fixture(scope="module")
def fitted(few_faces):
    """Learnt from the very faces it enlarges below, so that a few patches suffice."""
    return Yang2010(atoms=64, patches=100).fit(to_float(few_faces.images))


@pytest.fixture
def lr(few_faces):
    return downsample(to_float(few_faces.images))


def like(method, **settings):
    """The same fitted method with other settings."""
    other = Yang2010(**{**method.settings(), **settings})
    other.arrays = method.arrays
    return other


def sparse_signals(n=200, atoms=40, length=30, nonzeros=3):
    rng = torch.Generator().manual_seed(0)
    dictionary = torch.randn(atoms, length, generator=rng) * torch.linspace(0.2, 3, atoms)[:, None]
    codes = torch.zeros(n, atoms)
    for row in codes:
        at = torch.randperm(atoms, generator=rng)[:nonzeros]
        row[at] = 1 + torch.rand(nonzeros, generator=rng)
    return dictionary, codes


def test_exactly_sparse_signals_in_orthogonal_atoms_are_recovered():
    basis = torch.linalg.qr(torch.randn(20, 20, generator=torch.Generator().manual_seed(1)))[0]
    codes = torch.zeros(3, 20)
    codes[0, [2, 7]] = torch.tensor([1.0, -3.0])
    codes[1, 5] = 0.5
    dictionary = basis * torch.linspace(0.1, 4, 20)[:, None]
    found = sparse_code(dictionary, codes @ dictionary, 2)
    assert torch.allclose(found, codes, atol=1e-4)


def test_coding_agrees_with_scikit_learn_on_a_coherent_dictionary():
    linear_model = pytest.importorskip("sklearn.linear_model")
    dictionary, codes = sparse_signals()
    signals = codes @ dictionary
    found = sparse_code(dictionary, signals, 3)
    assert ((found != 0).sum(1) <= 3).all()
    unit = torch.nn.functional.normalize(dictionary)
    wanted = linear_model.orthogonal_mp(
        unit.T.double().numpy(), signals.T.double().numpy(), n_nonzero_coefs=3
    )
    wanted = torch.from_numpy(wanted.T).float() / dictionary.norm(dim=1)
    assert torch.allclose(found, wanted, atol=1e-3)
    recovered = (found - codes).abs().amax(1) < 1e-3
    assert recovered.float().mean() > 0.8  # matching pursuit is greedy: not all


def test_no_atoms_is_no_code():
    dictionary, codes = sparse_signals()
    assert not sparse_code(dictionary, codes @ dictionary, 0).any()


def test_both_halves_of_a_pair_share_their_code():
    rng = torch.Generator().manual_seed(0)
    low = torch.randn(4, 12, generator=rng)[torch.randint(4, (600,), generator=rng)]
    low = low * (0.5 + torch.rand(600, 1, generator=rng))
    high = low @ torch.randn(12, 5, generator=rng)  # what is missing follows from what is seen
    high, low = high / low.norm(dim=1, keepdim=True), low / low.norm(dim=1, keepdim=True)
    dictionary_high, dictionary_low = learn(high, low, 8, 0.05)
    codes = sparse_code(dictionary_low, low, 1)
    assert torch.allclose(codes @ dictionary_low, low, atol=0.02)
    assert torch.allclose(codes @ dictionary_high, high, atol=0.02 * high.abs().max())


def test_the_features_are_derivatives():
    y, x = torch.meshgrid(torch.arange(12.0), torch.arange(12.0), indexing="ij")
    along_x, along_y, second_x, second_y = features((3 * x + y**2)[None, None])[0, :, 4:8, 4:8]
    assert (along_x == 6).all()  # a central difference spans two pixels
    assert torch.equal(along_y, 4 * y[4:8, 4:8])
    assert (second_x == 0).all()
    assert (second_y == 8).all()  # 2 over a step of two pixels


def test_the_atoms_add_what_back_projection_cannot(fitted, few_faces, lr):
    hr = to_float(few_faces.images)
    full, projected, bicubic = (
        (x - hr).square().mean()
        for x in (fitted(lr), like(fitted, nonzeros=0)(lr), upsample_bicubic(lr))
    )
    assert full < 0.98 * projected < projected < bicubic


def test_the_same_faces_and_seed_give_the_same_dictionaries(few_faces):
    hr = to_float(few_faces.images)
    once, again, other = (
        Yang2010(atoms=8, seed=seed).fit(hr).arrays["low64"] for seed in (0, 0, 1)
    )
    assert torch.equal(once, again)
    assert not torch.equal(once, other)


def test_the_stages_are_reported(fitted, lr):
    fitted(lr)
    assert fitted.stages["patches32"] == 720  # 8 faces × 100, less the flattest tenth
    assert 0 < fitted.stages["atoms_used"] <= 3
    assert 0.5 < fitted.stages["energy_explained"] < 1
    for size in yang2010.LEVELS:
        assert fitted.stages[f"inconsistency{size}"] < fitted.stages[f"inconsistency{size}_before"]
    assert fitted.stages["inconsistency128"] < 0.1  # grey levels


@pytest.mark.parametrize("off", [{"back_projection": 0}, {"nonzeros": 0}])
def test_switching_a_stage_off_changes_the_row(fitted, few_faces, off):
    full = evaluate.evaluate(fitted, few_faces)
    less = evaluate.evaluate(like(fitted, **off), few_faces)
    assert less["psnr"] < full["psnr"] - 0.02
    if "back_projection" in off:
        assert less["lr_consistency"] < full["lr_consistency"] - 1


def test_too_few_faces_are_refused(few_faces):
    with pytest.raises(ValueError, match="14 patches are too few for 512 atoms"):
        Yang2010().fit(to_float(few_faces.images))


def test_a_missing_scikit_learn_is_named(few_faces, monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.decomposition", None)
    with pytest.raises(ValueError, match=r"pip install 'urdgn_lite\[methods\]'"):
        Yang2010(atoms=4).fit(to_float(few_faces.images))


def test_back_projection_reaches_the_lr_image(few_faces, lr):
    enlarged = resize(lr, 128)
    before = inconsistency(enlarged, lr)
    results = [inconsistency(back_project(enlarged, lr, n), lr) for n in (1, 3, 10)]
    assert before > results[0] > results[1] > results[2]
    assert results[2] < 0.05 < 1 < before


def test_a_consistent_image_is_a_fixed_point_of_back_projection(few_faces):
    hr = to_float(few_faces.images)
    assert torch.allclose(back_project(hr, resize(hr, 16), 5), hr, atol=1e-5)
    assert torch.equal(back_project(hr, torch.zeros(8, 3, 16, 16), 0), hr)


def test_one_pair_of_dictionaries_serves_every_level(few_faces, lr, fitted):
    one = Yang2010(atoms=64, patches=100, shared=True).fit(to_float(few_faces.images))
    assert set(one.arrays) == {"high128", "low128"}
    assert not torch.allclose(one(lr), fitted(lr), atol=0.01)
    same = like(fitted)
    same.arrays = {
        f"{kind}{size}": one.arrays[f"{kind}128"]
        for kind in ("high", "low")
        for size in (32, 64, 128)
    }
    assert torch.equal(one(lr), same(lr))


def test_a_larger_lr_face_takes_fewer_passes(few_faces, fitted):
    h = to_float(few_faces.images[:2])
    results = {size: fitted(downsample(h, size=size)) for size in (16, 32, 64)}
    assert {tuple(result.shape) for result in results.values()} == {(2, 3, 128, 128)}
    errors = [(result - h).square().mean().item() for result in results.values()]
    assert errors == sorted(errors, reverse=True)
    assert inconsistency(results[64], downsample(h, size=64)) < 1
