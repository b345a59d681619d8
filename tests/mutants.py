"""Wrong solutions that learners really write: (check, name, the property that must fail, code).

Each is the right solution with one misconception. The instructor's page shows some of them.
"""

# ruff: noqa: E501 - a mutant a line reads best
from __future__ import annotations

from textwrap import indent

import mutants_chapters
import mutants_experiments

HEAD = """
import math
import torch
from torch.nn import functional as F
from torch.nn.functional import logsigmoid
"""


def function(head: str, signature: str, body: str) -> str:
    """The code of a solution f."""
    return f"{head}\ndef f({signature}):\n{indent(body.strip(), '    ')}\n"


OF_G, OF_D = "z, x, h, lam", "D, x, h"
ADV, PIX = "logsigmoid(-z).mean()", "(x - h).square().mean()"
OBJECTIVE = [
    ("objective", name, fails, function(HEAD, OF_G, body))
    for name, fails, body in [
        ("forgot the adversarial term", "answers", f"return lam * {PIX}"),
        ("forgot the pixel term", "answers", f"return {ADV}"),
        ("forgot to average", "answers", "return logsigmoid(-z) + lam * (x - h).square()"),
        ("forgot to return", "answers", f"loss = {ADV} + lam * {PIX}"),
        ("a float, not a tensor", "scalar", f"return ({ADV} + lam * {PIX}).item()"),
        ("D's answers not averaged", "scalar", f"return logsigmoid(-z) + lam * {PIX}"),
        ("a vector of one", "scalar", f"return ({ADV} + lam * {PIX}).reshape(1)"),
        ("squeezes the batch away", "one-face",
         f"z = z.squeeze()\nreturn sum(logsigmoid(-v) for v in z) / len(z) + lam * {PIX}"),
        ("casts to float32", "dtype-device",
         "return logsigmoid(-z.float()).mean() + lam * (x.float() - h.float()).square().mean()"),
        ("labels made on the CPU", "dtype-device",
         "zeros = torch.zeros(len(z), 1, dtype=z.dtype)\n"
         f"return -F.binary_cross_entropy_with_logits(z, zeros) + lam * {PIX}"),
        ("subtracts in place", "unchanged", f"adv = {ADV}\nx -= h\nreturn adv + lam * x.pow(2).mean()"),
        ("backward inside", "unchanged",
         f"loss = {ADV} + lam * {PIX}\nif loss.requires_grad:\n    loss.backward(retain_graph=True)\nreturn loss"),
        ("asks h for a gradient", "unchanged", f"h.requires_grad_()\nreturn {ADV} + lam * {PIX}"),
        ("λ on the wrong term", "lambda-zero", f"return lam * {ADV} + {PIX}"),
        ("λ on both terms", "lambda-zero", f"return lam * ({ADV} + {PIX})"),
        ("λ ignored", "lambda-zero", f"return {ADV} + {PIX}"),
        ("1/λ", "lambda-zero", f"return {ADV} + {PIX} / lam"),
        ("λ clipped", "lambda-linear", f"return {ADV} + min(lam, 10) * {PIX}"),
        ("λ²", "lambda-linear", f"return {ADV} + lam**2 * {PIX}"),
        ("√λ", "lambda-linear", f"return {ADV} + math.sqrt(lam) * {PIX}"),
        ("λ inside the square", "lambda-linear", f"return {ADV} + (lam * (x - h)).square().mean()"),
        ("1 − λ on the other term", "lambda-apart", f"return (1 - lam) * {ADV} + lam * {PIX}"),
        ("wrong sign of the adversarial term", "sign", f"return -{ADV} + lam * {PIX}"),
        ("cross-entropy against zeros", "sign",
         f"return F.binary_cross_entropy_with_logits(z, torch.zeros_like(z)) + lam * {PIX}"),
        ("sigmoid twice", "logits", f"return logsigmoid(-torch.sigmoid(z)).mean() + lam * {PIX}"),
        ("logits taken for probabilities", "logits", f"return torch.log(1 - z / 9).mean() + lam * {PIX}"),
        ("logarithm to base 2", "logits", f"return {ADV} / math.log(2) + lam * {PIX}"),
        ("Wasserstein instead", "logits", f"return -z.mean() + lam * {PIX}"),
        ("non-saturating where saturating was asked for", "term",
         f"return -logsigmoid(z).mean() + lam * {PIX}"),
        ("log(1 − sigmoid)", "stable", f"return torch.log(1 - torch.sigmoid(z)).mean() + lam * {PIX}"),
        ("log(1 − sigmoid + 1e-8)", "stable",
         f"return torch.log(1 - torch.sigmoid(z) + 1e-8).mean() + lam * {PIX}"),
        ("binary_cross_entropy clamps", "stable",
         f"return -F.binary_cross_entropy(z.sigmoid(), torch.zeros_like(z)) + lam * {PIX}"),
        ("−log(1 + exp z)", "stable", f"return -torch.log(1 + torch.exp(z)).mean() + lam * {PIX}"),
        ("the naive branch of a where gives NaN", "stable",
         f"return torch.where(z > 15, -z, torch.log(1 - torch.sigmoid(z))).mean() + lam * {PIX}"),
        ("the safe branch of a where is cut", "stable",
         f"return torch.where(z > 15, -z.detach(), logsigmoid(-z)).mean() + lam * {PIX}"),
        ("clamped at −100", "stable", f"return logsigmoid(-z).clamp(min=-100).mean() + lam * {PIX}"),
        ("logits averaged first", "mean", f"return logsigmoid(-z.mean()) + lam * {PIX}"),
        ("probabilities averaged first", "mean",
         f"return torch.logsumexp(logsigmoid(-z), 0).sum() - math.log(len(z)) + lam * {PIX}"),
        ("the largest of D's answers", "mean", f"return logsigmoid(-z).max() + lam * {PIX}"),
        ("D's answer to the first face", "mean", f"return logsigmoid(-z[0, 0]) + lam * {PIX}"),
        ("sum over everything", "mean", f"return {ADV} + lam * (x - h).square().sum()"),
        ("the paper's literal sum", "mean",
         f"return {ADV} + lam * (x - h).square().flatten(1).sum(1).mean()"),
        ("sum of D's answers", "mean", f"return logsigmoid(-z).sum() + lam * {PIX}"),
        ("ℓ1", "squared", f"return {ADV} + lam * (x - h).abs().mean()"),
        ("norm not squared", "squared", f"return {ADV} + lam * {PIX}.add(1e-12).sqrt()"),
        ("half of it", "squared", f"return {ADV} + 0.5 * lam * {PIX}"),
        ("pixel term subtracted", "squared", f"return {ADV} - lam * {PIX}"),
        ("mean faces compared", "pixelwise",
         f"return {ADV} + lam * (x.flatten(1).mean(1) - h.flatten(1).mean(1)).square().mean()"),
        ("faces averaged before squaring", "pixelwise",
         f"return {ADV} + lam * (x - h).mean(0).square().mean()"),
        ("channels averaged before squaring", "pixelwise",
         f"return {ADV} + lam * (x - h).mean(1).square().mean()"),
        ("mean absolute difference, squared", "pixelwise",
         f"return {ADV} + lam * (x - h).abs().mean().square()"),
        ("the same, face by face", "pixelwise",
         f"return {ADV} + lam * (x - h).abs().flatten(1).mean(1).square().mean()"),
        ("the first face's pixels", "pixelwise",
         f"return {ADV} + lam * (x[0] - h[0]).square().mean()"),
        ("red alone", "pixelwise", f"return {ADV} + lam * (x[:, 0] - h[:, 0]).square().mean()"),
        ("the middle alone", "pixelwise",
         f"m = x.shape[-1] // 4\ncut = (..., slice(m, -m or None), slice(m, -m or None))\n"
         f"return {ADV} + lam * (x[cut] - h[cut]).square().mean()"),
        ("Huber's loss", "range", f"return {ADV} + lam * 2 * F.smooth_l1_loss(x, h)"),
        ("h clamped to ±0.95", "range", f"return {ADV} + lam * (x - h.clamp(-0.95, 0.95)).square().mean()"),
        ("every second of D's answers", "mean",
         f"return logsigmoid(-(z[::2] if len(z) > 4 else z)).mean() + lam * {PIX}"),
        ("clamped to [-1, 1]", "range", f"return {ADV} + lam * (x.clamp(-1, 1) - h).square().mean()"),
        ("beside another face", "faces", f"return {ADV} + lam * (x - h.flip(0)).square().mean()"),
        ("beside the mean face", "faces", f"return {ADV} + lam * (x - h.mean(0)).square().mean()"),
        ("beside the image turned round", "faces", f"return {ADV} + lam * (x - h.mT).square().mean()"),
        ("clamped to [0, 1]", "range",
         f"return {ADV} + lam * (x.clamp(0, 1) - h.clamp(0, 1)).square().mean()"),
        ("ĥ detached", "gradients", f"return {ADV} + lam * (x.detach() - h).square().mean()"),
        ("z detached", "gradients", f"return logsigmoid(-z.detach()).mean() + lam * {PIX}"),
        ("D's answer under no_grad", "gradients",
         f"with torch.no_grad():\n    adv = {ADV}\nreturn adv + lam * {PIX}"),
    ]
]  # fmt: skip
REAL, FAKE = "logsigmoid(D(h)).mean()", "logsigmoid(-D(x.detach())).mean()"
DISCRIMINATOR = [
    ("discriminator", name, fails, function(HEAD, OF_D, body))
    for name, fails, body in [
        ("only real faces", "answers", f"return {REAL}"),
        ("only generated faces", "answers", f"return {FAKE}"),
        ("a float", "scalar", f"return float({REAL} + {FAKE})"),
        ("squeezes the batch away", "one-face",
         f"a = D(h).squeeze()\nreturn sum(logsigmoid(v) for v in a) / len(a) + {FAKE}"),
        ("labels made as float32", "dtype-device",
         "z = D(h)\nreturn (logsigmoid(z) * torch.ones(z.shape, device=z.device)).mean()"
         " + logsigmoid(-D(x.detach()).float()).mean()"),
        ("leaves D in evaluation mode", "unchanged", f"D.eval()\nreturn {REAL} + {FAKE}"),
        ("evaluation mode meanwhile", "unchanged", f"D.eval()\nvalue = {REAL} + {FAKE}\nD.train()\nreturn value"),
        ("ĥ cut for its owner too", "unchanged", f"x.detach_()\nreturn {REAL} + {FAKE}"),
        ("weights clipped", "unchanged",
         f"value = {REAL} + {FAKE}\nfor p in D.parameters():\n    p.data.clamp_(-0.01, 0.01)\nreturn value"),
        ("D's gradients wiped", "unchanged", f"D.zero_grad()\nreturn {REAL} + {FAKE}"),
        ("backward inside", "unchanged",
         f"value = {REAL} + {FAKE}\n(-value).backward(retain_graph=True)\nreturn value"),
        ("an optimiser's step inside", "unchanged",
         f"value = {REAL} + {FAKE}\nopt = torch.optim.SGD(D.parameters(), 0.1)\n"
         "opt.zero_grad()\n(-value).backward(retain_graph=True)\nopt.step()\nreturn value"),
        ("freezes D", "unchanged",
         f"value = {REAL} + {FAKE}\nfor p in D.parameters():\n    p.requires_grad_(False)\nreturn value"),
        ("ĥ not detached", "detached", f"return {REAL} + logsigmoid(-D(x)).mean()"),
        ("ĥ not detached, one batch", "detached",
         "a, b = D(torch.cat([h, x])).split([len(h), len(x)])\n"
         "return logsigmoid(a).mean() + logsigmoid(-b).mean()"),
        ("h detached instead of ĥ", "detached",
         "return logsigmoid(D(h.detach())).mean() + logsigmoid(-D(x)).mean()"),
        ("D's answer detached", "learns", f"return {REAL} + logsigmoid(-D(x).detach()).mean()"),
        ("D's answer under no_grad", "learns",
         f"with torch.no_grad():\n    fake = {FAKE}\nreturn {REAL} + fake"),
        ("the loss to minimise", "raised", f"return -({REAL} + {FAKE})"),
        ("cross-entropy to minimise", "raised",
         "a, b = D(h), D(x.detach())\nbce = F.binary_cross_entropy_with_logits\n"
         "return bce(a, torch.ones_like(a)) + bce(b, torch.zeros_like(b))"),
        ("labels swapped", "labels",
         "return logsigmoid(-D(h)).mean() + logsigmoid(D(x.detach())).mean()"),
        ("both labelled real", "labels", f"return {REAL} + logsigmoid(D(x.detach())).mean()"),
        ("half of each term", "logits", f"return ({REAL} + {FAKE}) / 2"),
        ("sigmoid twice", "logits",
         "return logsigmoid(D(h).sigmoid()).mean() + logsigmoid(-D(x.detach()).sigmoid()).mean()"),
        ("log(1 − sigmoid)", "stable",
         f"return {REAL} + torch.log(1 - torch.sigmoid(D(x.detach()))).mean()"),
        ("log(sigmoid + 1e-8)", "stable",
         f"return torch.log(torch.sigmoid(D(h)) + 1e-8).mean() + {FAKE}"),
        ("−∞ replaced by 0", "stable",
         "a, b = torch.log(torch.sigmoid(D(h))), torch.log(1 - torch.sigmoid(D(x.detach())))\n"
         "return torch.nan_to_num(a, neginf=0).mean() + torch.nan_to_num(b, neginf=0).mean()"),
        ("−log(1 + exp z)", "stable",
         f"return {REAL} - torch.log(1 + torch.exp(D(x.detach()))).mean()"),
        ("the naive branch of a where gives NaN", "stable",
         f"z = D(x.detach())\nreturn {REAL} + torch.where(z > 15, -z, torch.log(1 - torch.sigmoid(z))).mean()"),
        ("the safe branch of a where is cut", "stable",
         f"z = D(x.detach())\nreturn {REAL} + torch.where(z > 15, -z.detach(), logsigmoid(-z)).mean()"),
        ("logits averaged first", "mean",
         "return logsigmoid(D(h).mean()) + logsigmoid(-D(x.detach()).mean())"),
        ("logits of the real faces averaged first", "mean",
         f"return logsigmoid(D(h).mean()) + {FAKE}"),
        ("the first faces only", "mean",
         "return logsigmoid(D(h)[0, 0]) + logsigmoid(-D(x.detach())[0, 0])"),
        ("sum over faces", "mean",
         "return logsigmoid(D(h)).sum() + logsigmoid(-D(x.detach())).sum()"),
        ("cut to the smaller number", "counts",
         "pairs = list(zip(D(h), D(x.detach())))\n"
         "return sum(logsigmoid(a).sum() + logsigmoid(-b).sum() for a, b in pairs) / len(pairs)"),
        ("real and generated paired up", "counts",
         "return (logsigmoid(D(h)) + logsigmoid(-D(x.detach()))).mean()"),
    ]
]  # fmt: skip

STEP = HEAD + "\ndef f(theta, gradient, delta, eta, alpha, eps, maximize=False):\n"
RIGHT = """    delta = alpha * delta + (1 - alpha) * gradient**2
    step = eta * gradient / (delta + eps).sqrt()
    return theta + step if maximize else theta - step, delta
"""
RMSPROP = [
    ("rmsprop", name, fails, STEP + "".join(before) + RIGHT.replace(*change))
    for name, fails, change, *before in [
        ("Δ not returned", "answers", (", delta\n", "\n")),
        ("old Δ returned", "answers", ("    delta = alpha * delta", "    old = delta\n    delta = alpha * delta"),
         ),
        ("works in place", "unchanged", ("delta = alpha * delta + (1 - alpha) * gradient**2",
                                         "delta.mul_(alpha).add_((1 - alpha) * gradient**2)")),
        ("casts to float32", "dtype", ("- step, delta", "- step, delta.float()")),
        ("α on the wrong side", "keeps", ("alpha * delta + (1 - alpha)", "(1 - alpha) * delta + alpha")),
        ("1 − α forgotten", "new-share", ("(1 - alpha) * gradient", "gradient")),
        ("α multiplies both", "new-share",
         ("alpha * delta + (1 - alpha) * gradient**2", "alpha * (delta + gradient**2)")),
        ("half of the square, whatever α is", "new-share", ("(1 - alpha) * gradient", "0.5 * gradient")),
        ("the larger share alone", "new-share",
         ("alpha * delta + (1 - alpha) * gradient**2", "torch.maximum(alpha * delta, (1 - alpha) * gradient**2)")),
        ("square forgotten", "squares", ("gradient**2", "gradient.abs()")),
        ("climbs", "direction", ("theta + step if maximize else theta - step",
                                 "theta - step if maximize else theta + step")),
        ("only the step returned", "direction", ("theta + step if maximize else theta - step",
                                                 "step if maximize else -step")),
        ("maximize ignored", "maximize", ("theta + step if maximize else theta - step", "theta - step")),
        ("root forgotten", "root", ("(delta + eps).sqrt()", "(delta + eps)")),
        ("step from the old Δ", "fresh", ("(delta + eps).sqrt()", "(old + eps).sqrt()"),
         "    old = delta\n"),
        ("the start corrected as Adam does", "fresh", ("(delta + eps).sqrt()", "(delta / (1 - alpha * first) + eps).sqrt()"),
         "    first = not delta.any()\n"),
        ("ε outside the root", "epsilon", ("(delta + eps).sqrt()", "(delta.sqrt() + eps)")),
        ("ε forgotten", "epsilon", ("(delta + eps).sqrt()", "delta.sqrt()")),
        ("weight decay", "direction", ("step = eta * gradient /", "step = eta * (gradient + 1e-4 * theta) /")),
        ("clipped at ±10", "squares", ("gradient**2", "gradient.clamp(-10, 10) ** 2")),
        ("turns the caller's gradient round", "unchanged",
         ("    delta =", "    gradient, maximize = (gradient.neg_() if maximize else gradient), False\n    delta =")),
        ("a schedule of its own", "memory",
         ("    delta =", "    f.t = getattr(f, 't', 0) + 1\n    eta = eta * 0.5 ** (f.t // 60)\n    delta =")),
        ("vectors only", "elementwise", ("    return theta", "    theta = torch.stack([t for t in theta if t.dim() == 0 or 1 / 0])\n    return theta")),
        ("η squared", "eta", ("eta * gradient", "eta**2 * gradient")),
        ("one Δ for all weights", "elementwise", ("gradient**2", "(gradient**2).mean()")),
    ]
]  # fmt: skip
RMSPROP[1] = (*RMSPROP[1][:3], RMSPROP[1][3].replace("- step, delta", "- step, old"))

RIGHT_ONES = {
    "objective": function(HEAD, OF_G, f"return {ADV} + lam * {PIX}"),
    "discriminator": function(HEAD, OF_D, f"return {REAL} + {FAKE}"),
    "rmsprop": STEP + RIGHT,
} | mutants_experiments.RIGHT_ONES | mutants_chapters.RIGHT_ONES  # fmt: skip
MUTANTS = OBJECTIVE + DISCRIMINATOR + RMSPROP
MUTANTS += mutants_experiments.MUTANTS + mutants_chapters.MUTANTS
