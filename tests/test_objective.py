"""Each equation against float64 NumPy and against its gradient, written out by hand."""

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, tensor
from torch.nn.functional import logsigmoid

from urdgn_lite import optimiser
from urdgn_lite.objective import (
    EQUATIONS,
    discriminator_value,
    gan_value,
    generator_loss,
    pixel_term,
    urdgn_value,
)

PIXELS = 3 * 4 * 5
logits = st.lists(st.floats(-1e4, 1e4), min_size=1, max_size=6)
weights = st.floats(0, 1e3)


def column(values: list[float]) -> Tensor:
    return tensor(values, dtype=torch.float64).unsqueeze(1)


Z_REAL = column([2.0, -0.5, 0.3])
Z_FAKE = column([-1.0, 0.7, 1.5, -2.5])
_draw = torch.Generator().manual_seed(1)
REAL = torch.rand(4, 3, 4, 5, generator=_draw, dtype=torch.float64) * 2 - 1
GENERATED = torch.rand(4, 3, 4, 5, generator=_draw, dtype=torch.float64) * 2 - 1


def sigmoid(z: Tensor) -> np.ndarray:
    return 1 / (1 + np.exp(-z.numpy()))


def value_by_hand(z_real: Tensor, z_fake: Tensor) -> float:
    return np.log(sigmoid(z_real)).mean() + np.log(1 - sigmoid(z_fake)).mean()


def norm_by_hand(reduction: str) -> float:
    squares = (GENERATED.numpy() - REAL.numpy()) ** 2
    return squares.sum() / len(squares) / (PIXELS if reduction == "mean" else 1)


def gradients(loss: Tensor, *leaves: Tensor) -> list[np.ndarray]:
    return [g.numpy() for g in torch.autograd.grad(loss, leaves)]


def leaf(values: Tensor) -> Tensor:
    return values.clone().requires_grad_()


def same(found: object, wanted: object) -> None:
    np.testing.assert_allclose(np.asarray(found), np.asarray(wanted), rtol=1e-12, atol=1e-14)


# --- A check takes an implementation, so that the wrong ones below can be put through it too.


def check_game(value: Callable) -> None:
    """Eq. 1, which stands under ∇ in Eq. 4 too; and Eq. 4 itself, in terms of the logits."""
    same(value(Z_REAL, Z_FAKE), value_by_hand(Z_REAL, Z_FAKE))
    same(value(Z_REAL, Z_REAL), value_by_hand(Z_REAL, Z_REAL))
    real, fake = leaf(Z_REAL), leaf(Z_FAKE)
    on_real, on_fake = gradients(value(real, fake), real, fake)
    same(on_real, (1 - sigmoid(Z_REAL)) / len(Z_REAL))
    same(on_fake, -sigmoid(Z_FAKE) / len(Z_FAKE))
    assert torch.autograd.gradcheck(value, (real, fake))
    certain = column([1e4, -1e4]).requires_grad_()
    assert torch.isfinite(value(certain, certain))
    assert np.isfinite(gradients(value(certain, certain), certain)).all()


def check_objective(value: Callable) -> None:
    """Eq. 2: the game plus λ times the norm, in either reading of ‖·‖²."""
    z_real, z_fake, generated = leaf(Z_REAL), leaf(Z_FAKE), leaf(GENERATED)
    for lam in (0.0, 1.0, 2.5):
        for reduction in ("mean", "sum"):
            found = value(Z_REAL, Z_FAKE, GENERATED, REAL, lam, reduction)
            same(found, value_by_hand(Z_REAL, Z_FAKE) + lam * norm_by_hand(reduction))
    default = value(z_real, z_fake, generated, REAL, 2.5)
    same(default.detach(), value_by_hand(Z_REAL, Z_FAKE) + 2.5 * norm_by_hand("mean"))
    (on_generated,) = gradients(default, generated)
    same(on_generated, 2 * 2.5 * (GENERATED - REAL).numpy() / REAL.numel())
    assert torch.autograd.gradcheck(
        lambda *x: value(*x, 2.5, "sum"), (z_real, z_fake, generated, leaf(REAL))
    )


def check_generator(loss: Callable) -> None:
    """What stands under ∇ in Eq. 7, and Eq. 7: the adversarial part plus 2λ(ĥ − h)/N."""
    n, sigma = len(Z_FAKE), sigmoid(Z_FAKE)
    for kind, adversarial, slope in (
        ("saturating", np.log(1 - sigma).mean(), -sigma / n),
        ("non-saturating", -np.log(sigma).mean(), -(1 - sigma) / n),
    ):
        for reduction, count in (("mean", REAL.numel()), ("sum", n)):
            for lam in (0.0, 1.0, 2.5):
                z, generated = leaf(Z_FAKE), leaf(GENERATED)
                found = loss(z, generated, REAL, lam, kind, reduction)
                same(found.detach(), adversarial + lam * norm_by_hand(reduction))
                on_z, on_generated = gradients(found, z, generated)
                same(on_z, slope)
                same(on_generated, 2 * lam * (GENERATED - REAL).numpy() / count)
        inputs = (leaf(Z_FAKE), leaf(GENERATED), leaf(REAL))
        assert torch.autograd.gradcheck(lambda *x, k=kind: loss(*x, 2.5, k, "sum"), inputs)
        certain = column([1e4, -1e4]).requires_grad_()
        extreme = loss(certain, GENERATED[:2], REAL[:2], 1.0, kind)
        assert torch.isfinite(extreme)
        assert np.isfinite(gradients(extreme, certain)).all()
    same(loss(None, GENERATED, REAL, math.inf), norm_by_hand("mean"))
    same(loss(Z_FAKE, GENERATED, REAL, math.inf, reduction="sum"), norm_by_hand("sum"))


CHECKS: dict[str, tuple[Callable, Callable]] = {
    "eq:1": (check_game, gan_value),
    "eq:2": (check_objective, urdgn_value),
    "eq:4": (check_game, discriminator_value),
    "eq:7": (check_generator, generator_loss),
}


@pytest.mark.parametrize("label", CHECKS)
def test_equation_and_its_gradient_agree_with_numpy(label):
    check, implementation = CHECKS[label]
    check(implementation)


# --- Plausible mistakes. Each must fail the check of its equation.


def _mean(squared: Tensor) -> Tensor:
    return squared.mean()


def _swapped_reductions(g: Tensor, h: Tensor, reduction: str = "mean") -> Tensor:
    return pixel_term(g, h, {"mean": "sum", "sum": "mean"}[reduction])


GAMES = {
    "labels swapped": lambda r, f: gan_value(f, r),
    "sign of the logits": lambda r, f: gan_value(-r, -f),
    "sign of the value": lambda r, f: -gan_value(r, f),
    "1 − D forgotten": lambda r, f: logsigmoid(r).mean() + logsigmoid(f).mean(),
    "minus between the terms": lambda r, f: logsigmoid(r).mean() - logsigmoid(-f).mean(),
    "non-saturating": lambda r, f: logsigmoid(r).mean() - logsigmoid(f).mean(),
    "log forgotten": lambda r, f: r.sigmoid().mean() + (-f).sigmoid().mean(),
    "log to base 2": lambda r, f: gan_value(r, f) / math.log(2),
    "sigmoid forgotten": lambda r, f: r.abs().log().mean() + (1 - f).abs().log().mean(),
    "sigmoid twice": lambda r, f: gan_value(r.sigmoid(), f.sigmoid()),
    "log of the mean": lambda r, f: r.sigmoid().mean().log() + (-f).sigmoid().mean().log(),
    "sum for mean": lambda r, f: logsigmoid(r).sum() + logsigmoid(-f).sum(),
    "mean over both together": lambda r, f: torch.cat([logsigmoid(r), logsigmoid(-f)]).mean(),
    "half": lambda r, f: gan_value(r, f) / 2,
    "one term": lambda r, f: logsigmoid(r).mean(),
    "detached": lambda r, f: gan_value(r, f.detach() + 0 * f),
    "log of a rounded sigmoid": lambda r, f: (
        r.sigmoid().log().mean() + (1 - f.sigmoid()).log().mean()
    ),
    "log of a padded sigmoid": lambda r, f: (
        (r.sigmoid() + 1e-8).log().mean() + (1 - f.sigmoid() + 1e-8).log().mean()
    ),
}
OBJECTIVES = {
    "λ squared": lambda r, f, g, h, lam, how="mean": urdgn_value(r, f, g, h, lam**2, how),
    "λ forgotten": lambda r, f, g, h, lam, how="mean": urdgn_value(r, f, g, h, 1.0, how),
    "λ on the game": lambda r, f, g, h, lam, how="mean": (
        lam * gan_value(r, f) + pixel_term(g, h, how)
    ),
    "λ on both": lambda r, f, g, h, lam, how="mean": (
        lam * (gan_value(r, f) + pixel_term(g, h, how))
    ),
    "1 − λ on the game": lambda r, f, g, h, lam, how="mean": (
        (1 - lam) * gan_value(r, f) + lam * pixel_term(g, h, how)
    ),
    "minus λ": lambda r, f, g, h, lam, how="mean": gan_value(r, f) - lam * pixel_term(g, h, how),
    "labels swapped": lambda r, f, g, h, lam, how="mean": urdgn_value(f, r, g, h, lam, how),
    "game forgotten": lambda r, f, g, h, lam, how="mean": (
        lam * pixel_term(g, h, how) + 0 * (r.sum() + f.sum())
    ),
    "sum and mean swapped": lambda r, f, g, h, lam, how="mean": (
        gan_value(r, f) + lam * _swapped_reductions(g, h, how)
    ),
    "sum is the default": lambda r, f, g, h, lam, how="sum": urdgn_value(r, f, g, h, lam, how),
    "always the mean": lambda r, f, g, h, lam, how="mean": urdgn_value(r, f, g, h, lam),
    "sum over the batch too": lambda r, f, g, h, lam, how="mean": (
        gan_value(r, f)
        + lam * ((g - h).square().sum() if how == "sum" else (g - h).square().mean())
    ),
    "square forgotten": lambda r, f, g, h, lam, how="mean": (
        gan_value(r, f)
        + lam * ((g - h).abs().flatten(1).sum(1).mean() if how == "sum" else (g - h).abs().mean())
    ),
    "root of the norm": lambda r, f, g, h, lam, how="mean": (
        gan_value(r, f) + lam * pixel_term(g, h, how).sqrt()
    ),
    "half of the square": lambda r, f, g, h, lam, how="mean": urdgn_value(r, f, g, h, lam / 2, how),
    "detached": lambda r, f, g, h, lam, how="mean": urdgn_value(
        r, f, g.detach() + 0 * g, h, lam, how
    ),
}


def _generator_mutant(change: Callable) -> Callable:
    def loss(z, g, h, lam, adversarial="saturating", reduction="mean"):
        if math.isinf(lam):
            return generator_loss(z, g, h, lam, adversarial, reduction)
        return change(z, g, h, lam, adversarial, reduction)

    return loss


OTHER = {"saturating": "non-saturating", "non-saturating": "saturating"}
GENERATORS = {
    "λ squared": lambda z, g, h, lam, a, m: generator_loss(z, g, h, lam**2, a, m),
    "λ on the game": lambda z, g, h, lam, a, m: (
        lam * generator_loss(z, g, h, 0.0, a, m) + pixel_term(g, h, m)
    ),
    "minus λ": lambda z, g, h, lam, a, m: (
        generator_loss(z, g, h, 0.0, a, m) - lam * pixel_term(g, h, m)
    ),
    "half of the square": lambda z, g, h, lam, a, m: generator_loss(z, g, h, lam / 2, a, m),
    "label swapped": lambda z, g, h, lam, a, m: generator_loss(-z, g, h, lam, a, m),
    "saturation swapped": lambda z, g, h, lam, a, m: generator_loss(z, g, h, lam, OTHER[a], m),
    "never saturating": lambda z, g, h, lam, a, m: generator_loss(
        z, g, h, lam, "non-saturating", m
    ),
    "always saturating": lambda z, g, h, lam, a, m: generator_loss(z, g, h, lam, "saturating", m),
    "G climbs": lambda z, g, h, lam, a, m: (
        lam * pixel_term(g, h, m) - generator_loss(z, g, h, 0.0, a, m)
    ),
    "sum and mean swapped": lambda z, g, h, lam, a, m: (
        generator_loss(z, g, h, 0.0, a) + lam * _swapped_reductions(g, h, m)
    ),
    "sum over the logits": lambda z, g, h, lam, a, m: (
        len(z) * generator_loss(z, g, h, 0.0, a) + lam * pixel_term(g, h, m)
    ),
    "log forgotten": lambda z, g, h, lam, a, m: -z.sigmoid().mean() + lam * pixel_term(g, h, m),
    "z detached": lambda z, g, h, lam, a, m: generator_loss(z.detach() + 0 * z, g, h, lam, a, m),
    "ĥ detached": lambda z, g, h, lam, a, m: generator_loss(z, g.detach() + 0 * g, h, lam, a, m),
    "log of a rounded sigmoid": lambda z, g, h, lam, a, m: (
        lam * pixel_term(g, h, m)
        + ((1 - z.sigmoid()).log().mean() if a == "saturating" else -z.sigmoid().log().mean())
    ),
}
MUTANTS = {
    "eq:1": GAMES,
    "eq:2": OBJECTIVES,
    "eq:7": {
        **{name: _generator_mutant(change) for name, change in GENERATORS.items()},
        "λ = ∞ is no case of its own": lambda z, g, h, lam, a="saturating", m="mean": (
            generator_loss(z if z is not None else 0 * g[:, :1, 0, 0], g, h, min(lam, 1e6), a, m)
        ),
        "non-saturating is the sum's": lambda z, g, h, lam, a="saturating", m="mean": (
            generator_loss(z, g, h, lam, a, "sum" if a == "non-saturating" else m)
        ),
    },
    "eq:4": {
        **GAMES,
        "D descends": lambda r, f: -discriminator_value(r, f),
        "smoothed labels": lambda r, f: (
            0.9 * logsigmoid(r).mean() + 0.1 * logsigmoid(-r).mean() + logsigmoid(-f).mean()
        ),
    },
}


@pytest.mark.parametrize(
    ("label", "mistake"), [(label, name) for label, wrong in MUTANTS.items() for name in wrong]
)
def test_a_plausible_mistake_in_an_equation_is_caught(label, mistake):
    check = CHECKS[label][0]
    with pytest.raises(AssertionError):
        check(MUTANTS[label][mistake])


# --- Eqs. 3 and 6 in terms of the networks' own parameters, for networks that are one matrix.


def linear_players() -> tuple[Tensor, Tensor, Tensor, Tensor]:
    draw = torch.Generator().manual_seed(2)
    theta = torch.randn(4, 12, generator=draw, dtype=torch.float64)  # G: ĥ = l θ
    phi = torch.randn(12, 1, generator=draw, dtype=torch.float64)  # D: z = h φ
    l = torch.randn(5, 4, generator=draw, dtype=torch.float64)
    h = torch.randn(5, 12, generator=draw, dtype=torch.float64)
    return theta, phi, l, h


@pytest.mark.parametrize("adversarial", ["saturating", "non-saturating"])
@pytest.mark.parametrize(("reduction", "count"), [("mean", 5 * 12), ("sum", 5)])
def test_eq_3_is_the_gradient_that_moves_g(adversarial, reduction, count):
    theta, phi, l, h = linear_players()
    theta.requires_grad_()
    generated = l @ theta
    image = generated.view(5, 3, 2, 2), h.view(5, 3, 2, 2)
    loss = generator_loss(generated @ phi, *image, 7.0, adversarial, reduction)
    (found,) = gradients(loss, theta)

    h_hat = l.numpy() @ theta.detach().numpy()
    sigma = 1 / (1 + np.exp(-h_hat @ phi.numpy()))
    towards_d = -sigma if adversarial == "saturating" else sigma - 1
    on_h_hat = towards_d / 5 * phi.numpy().T + 2 * 7.0 * (h_hat - h.numpy()) / count
    same(found, l.numpy().T @ on_h_hat)


def test_eq_6_is_the_gradient_that_moves_d_and_stops_before_g():
    theta, phi, l, h = linear_players()
    theta.requires_grad_()
    phi.requires_grad_()
    generated = l @ theta
    value = discriminator_value(h @ phi, generated.detach() @ phi)
    value.backward()

    h_hat = l.numpy() @ theta.detach().numpy()
    on_real = 1 - 1 / (1 + np.exp(-h.numpy() @ phi.detach().numpy()))
    on_fake = 1 / (1 + np.exp(-h_hat @ phi.detach().numpy()))
    same(phi.grad, (h.numpy().T @ on_real - h_hat.T @ on_fake) / 5)
    assert theta.grad is None


# --- Properties.


@given(weights, weights, st.sampled_from(["mean", "sum"]), st.sampled_from(list(OTHER)))
def test_the_loss_of_g_is_linear_in_lambda(a, b, reduction, adversarial):
    def loss(lam: float) -> Tensor:
        return generator_loss(Z_FAKE, GENERATED, REAL, lam, adversarial, reduction)

    torch.testing.assert_close(loss(a + b) + loss(0.0), loss(a) + loss(b), rtol=1e-9, atol=1e-9)


@given(logits, st.sampled_from(list(OTHER)))
def test_lambda_zero_is_the_adversarial_term_alone(z, adversarial):
    other_faces = generator_loss(column(z), REAL, REAL, 0.0, adversarial)
    assert generator_loss(column(z), GENERATED, REAL, 0.0, adversarial) == other_faces


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_lambda_infinity_is_the_pixel_term_alone_and_needs_no_d(reduction):
    alone = pixel_term(GENERATED, REAL, reduction)
    assert generator_loss(None, GENERATED, REAL, math.inf, reduction=reduction) == alone
    assert generator_loss(Z_FAKE, GENERATED, REAL, math.inf, reduction=reduction) == alone


@given(weights.filter(lambda lam: lam > 1e-3))
def test_a_large_lambda_tends_to_the_pixel_term(lam):
    def distance(lam: float) -> float:
        loss = generator_loss(Z_FAKE, GENERATED, REAL, lam) / lam
        return abs(loss - pixel_term(GENERATED, REAL)).item()

    assert distance(100 * lam) < distance(lam)


@given(logits, logits)
def test_every_value_and_gradient_is_finite_however_sure_d_is(real, fake):
    for kind in torch.float32, torch.float64:
        z_real, z_fake = column(real).to(kind), column(fake).to(kind)
        z_real.requires_grad_()
        z_fake.requires_grad_()
        faces = torch.zeros(len(fake), 1, 1, 1, dtype=kind)
        for value in (
            discriminator_value(z_real, z_fake) + 0 * z_fake.sum(),
            *(generator_loss(z_fake, faces, faces, 1.0, a) + 0 * z_real.sum() for a in OTHER),
        ):
            assert torch.isfinite(value)
            assert np.isfinite(np.concatenate(gradients(value, z_real, z_fake))).all()


@given(logits, logits)
def test_the_value_of_the_game_is_never_positive(real, fake):
    assert gan_value(column(real), column(fake)) <= 0


def test_a_discriminator_that_knows_nothing_is_worth_minus_two_log_two():
    nothing = column([0.0, 0.0])
    assert gan_value(nothing, nothing).item() == pytest.approx(-2 * math.log(2))


@given(st.floats(-30, 30).filter(lambda z: abs(z) > 1e-3))
def test_both_adversarial_terms_push_the_same_way_but_the_saturating_one_gives_up_when_d_wins(z):
    def slope(adversarial: str) -> float:
        logit, face = column([z]).requires_grad_(), torch.zeros(1, 3, 2, 2, dtype=torch.float64)
        return gradients(generator_loss(logit, face, face, 0.0, adversarial), logit)[0].item()

    saturating, other = slope("saturating"), slope("non-saturating")
    assert saturating < 0
    assert other < 0
    assert (abs(saturating) < abs(other)) == (z < 0)  # z < 0: D sees through G
    assert saturating / other == pytest.approx(math.exp(z))


def test_the_sum_is_49152_times_the_mean_for_faces_of_128_pixels():
    a, b = torch.rand(2, 2, 3, 128, 128, dtype=torch.float64)
    assert pixel_term(a, b, "sum").item() == pytest.approx(49_152 * pixel_term(a, b).item())


def test_the_pixel_term_is_zero_only_for_equal_faces():
    assert pixel_term(REAL, REAL, "sum") == 0
    off_by_one_value = REAL.clone()
    off_by_one_value[-1, -1, -1, -1] += 0.1
    assert pixel_term(REAL, off_by_one_value, "sum").item() == pytest.approx(0.01 / len(REAL))


@given(weights)
def test_the_value_that_d_climbs_does_not_depend_on_lambda(lam):
    phi = torch.linspace(-1, 1, PIXELS, dtype=torch.float64).unsqueeze(1).requires_grad_()
    z_real, z_fake = REAL.flatten(1) @ phi, GENERATED.flatten(1) @ phi
    (whole,) = gradients(urdgn_value(z_real, z_fake, GENERATED, REAL, lam), phi)
    z_real, z_fake = REAL.flatten(1) @ phi, GENERATED.flatten(1) @ phi
    (own,) = gradients(discriminator_value(z_real, z_fake), phi)
    np.testing.assert_array_equal(whole, own)


def test_what_g_minimises_is_eq_2_without_the_term_that_it_cannot_change():
    whole = urdgn_value(Z_REAL, Z_FAKE, GENERATED, REAL, 3.0)
    rest = logsigmoid(Z_REAL).mean()
    same(generator_loss(Z_FAKE, GENERATED, REAL, 3.0), whole - rest)


# --- Mistakes of a caller.


@pytest.mark.parametrize("lam", [-1.0, -math.inf, math.nan])
def test_lambda_below_zero_or_nan_is_refused(lam):
    with pytest.raises(ValueError, match="λ must be 0 or more"):
        generator_loss(Z_FAKE, GENERATED, REAL, lam)


def test_a_finite_lambda_without_logits_is_refused():
    with pytest.raises(ValueError, match="needs D's logits"):
        generator_loss(None, GENERATED, REAL, 1.0)


def test_an_unknown_adversarial_term_is_refused_by_name():
    with pytest.raises(ValueError, match="'hinge'"):
        generator_loss(Z_FAKE, GENERATED, REAL, 1.0, "hinge")


def test_an_unknown_reduction_is_refused_by_name():
    with pytest.raises(ValueError, match="'median'"):
        pixel_term(GENERATED, REAL, "median")


def test_pairs_of_different_shape_are_refused_rather_than_broadcast():
    with pytest.raises((ValueError, TypeError), match=r"differ in shape|f64\[1,3,4,5\]"):
        pixel_term(GENERATED, REAL[:1])


# --- The tie between the code and the book.


def test_exactly_these_equations_have_code():
    assert sorted(EQUATIONS) == ["eq:1", "eq:2", "eq:4", "eq:5", "eq:7", "eq:8"]
    assert EQUATIONS["eq:5"] == EQUATIONS["eq:8"] == [optimiser.rmsprop_step]


@pytest.mark.parametrize("label", CHECKS)
def test_the_function_checked_for_an_equation_is_the_one_tied_to_it(label):
    assert EQUATIONS[label] == [CHECKS[label][1]]


@pytest.mark.parametrize("label", sorted(EQUATIONS))
def test_the_docstring_names_the_equation(label):
    number = label.removeprefix("eq:")
    for function in EQUATIONS[label]:
        assert f"Eq. {number}" in (function.__doc__ or "")
