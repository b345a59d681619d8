"""The objective of UR-DGN, and what its two players differentiate.

Eqs. 1 and 2 are values. Eqs. 3 and 6 are derivatives of F(G, D) in expectation; Eqs. 4 and 7 are
the same for a batch of N pairs, ∇_θD and ∇_θG of an average. Here stands the quantity under ∇; its
gradient is `.backward()`'s work. With the last step in `optimiser`, that is each player's update.

The discriminator's last layer is a sigmoid, D = σ(z). All functions take the *logits* z, because
log σ(z) computed from σ(z) turns into −∞ as soon as D is confident.
"""

import math
from collections.abc import Callable
from typing import TypeVar

from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import logsigmoid

EQUATIONS: dict[str, list[Callable]] = {}  # label in the book -> the functions that compute it
F = TypeVar("F", bound=Callable)
Logits = Float[Tensor, "_ 1"]  # D may see more real faces than generated ones
Images = Float[Tensor, "n c h w"]
Scalar = Float[Tensor, ""]


def implements(*labels: str) -> Callable[[F], F]:
    """Tie a function to the equation's label in the book; tests follow the tie both ways."""

    def tie(function: F) -> F:
        for label in labels:
            EQUATIONS.setdefault(label, []).append(function)
        return function

    return tie


@implements("eq:1")
def gan_value(z_real: Logits, z_fake: Logits) -> Scalar:
    """Value of the two-player game: E[log D(x)] + E[log(1 − D(G(z)))].

    Implements Eq. 1 of Yu & Porikli (2016), after Goodfellow et al. (2014).

    Parameters
    ----------
    z_real, z_fake : logits of D on real and on generated images; the counts may differ.

    Returns
    -------
    A number ≤ 0: D raises it, G lowers it. −2 log 2 where D knows nothing.
    """
    return logsigmoid(z_real).mean() + logsigmoid(-z_fake).mean()  # log(1 − σ(z)) = log σ(−z)


def pixel_term(generated: Images, real: Images, reduction: str = "mean") -> Scalar:
    """The pixel-wise ℓ2 term of Eq. 2: the batch average of ‖ĥ − h‖²_F.

    Parameters
    ----------
    generated, real : ĥ and h in [-1, 1], pairs at equal places.
    reduction : "sum" is the paper's literal norm, a sum over 3 × 128 × 128 = 49,152 values;
        "mean" divides it by their number, as the authors' code does. So λ = 100 with the mean
        weighs like λ = 100 / 49,152 ≈ 0.002 with the sum: a λ means nothing without its norm.
    """
    if generated.shape != real.shape:
        raise ValueError(f"pairs differ in shape: {tuple(generated.shape)}, {tuple(real.shape)}")
    squared = (generated - real).square()
    if reduction == "sum":
        return squared.flatten(1).sum(1).mean()
    if reduction == "mean":
        return squared.mean()
    raise ValueError(f"no reduction {reduction!r}: choose 'mean' or 'sum'")


@implements("eq:2")
def urdgn_value(
    z_real: Logits,
    z_fake: Logits,
    generated: Images,
    real: Images,
    lam: float,
    reduction: str = "mean",
) -> Scalar:
    """Objective of UR-DGN: Eq. 1 with the LR face as input, plus λ E‖ĥ − h‖²_F.

    Implements Eq. 2 of Yu & Porikli (2016). For `reduction`, see `pixel_term`.
    """
    return gan_value(z_real, z_fake) + lam * pixel_term(generated, real, reduction)


@implements("eq:4")
def discriminator_value(z_real: Logits, z_fake: Logits) -> Scalar:
    """What D raises: the quantity under ∇_θD of Eqs. 3 and 4, mean log D(h) + log(1 − D(G(l))).

    Implements Eq. 4 of Yu & Porikli (2016), the mean over a batch of N pairs; for many faces it
    nears the expectation of Eq. 3. The λ term of Eq. 2 does not depend on D and is gone.

    Parameters
    ----------
    z_real, z_fake : logits of D on h and on ĥ = G(l), ĥ *detached*: D's update leaves G alone.
    """
    return gan_value(z_real, z_fake)


@implements("eq:7")
def generator_loss(
    z_fake: Logits | None,
    generated: Images,
    real: Images,
    lam: float,
    adversarial: str = "saturating",
    reduction: str = "mean",
) -> Scalar:
    """What G lowers: the quantity under ∇_θG of Eqs. 6 and 7, log(1 − D(G(l))) + λ‖G(l) − h‖²_F.

    Implements Eq. 7 of Yu & Porikli (2016), the mean over a batch of N pairs; for many faces it
    nears the expectation of Eq. 6.

    Parameters
    ----------
    z_fake : logits of D on ĥ = G(l); None where λ = ∞, as there is no D then.
    generated, real : ĥ and h in [-1, 1].
    lam : λ ≥ 0. With 0 the adversarial term stands alone, with `math.inf` the pixel term.
    adversarial : "saturating" is log(1 − D(ĥ)), the paper's; "non-saturating" is −log D(ĥ), the
        authors' code: the same fixed point, but a gradient that does not vanish while D wins.
    reduction : see `pixel_term`.
    """
    if not lam >= 0:
        raise ValueError(f"λ must be 0 or more, not {lam}")
    if math.isinf(lam):
        return pixel_term(generated, real, reduction)
    if z_fake is None:
        raise ValueError("a finite λ needs D's logits on the generated faces")
    if adversarial == "saturating":
        fooling = logsigmoid(-z_fake).mean()
    elif adversarial == "non-saturating":
        fooling = -logsigmoid(z_fake).mean()
    else:
        raise ValueError(f"no adversarial term {adversarial!r}: saturating or non-saturating")
    return fooling + lam * pixel_term(generated, real, reduction)
