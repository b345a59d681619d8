"""Wrong solutions that learners really write: (check, name, the property that must fail, code).

Each is the right solution with one misconception. The instructor's page shows some of them.
"""

# ruff: noqa: E501 - a mutant a line reads best
from __future__ import annotations

import mutants_chapters

HEAD = """
import math
import torch
from torch.nn import functional as F
from torch.nn.functional import logsigmoid
"""


def _objective(name: str, fails: str, body: str) -> tuple[str, str, str, str]:
    lines = "\n".join("    " + line for line in body.strip().splitlines())
    return "objective", name, fails, f"{HEAD}\ndef f(z, x, h, lam):\n{lines}\n"


ADV, PIX = "logsigmoid(-z).mean()", "(x - h).square().mean()"
OBJECTIVE = [
    _objective(name, fails, body)
    for name, fails, body in [
        ("forgot the adversarial term", "answers", f"return lam * {PIX}"),
        ("forgot the pixel term", "answers", f"return {ADV}"),
        ("forgot to average", "answers", "return logsigmoid(-z) + lam * (x - h).square()"),
        ("forgot to return", "answers", f"loss = {ADV} + lam * {PIX}"),
        ("a float, not a tensor", "scalar", f"return ({ADV} + lam * {PIX}).item()"),
        ("a vector of one", "scalar", f"return ({ADV} + lam * {PIX}).reshape(1)"),
        ("squeezes the batch away", "one-face",
         f"z = z.squeeze()\nreturn sum(logsigmoid(-v) for v in z) / len(z) + lam * {PIX}"),
        ("casts to float32", "dtype-device",
         "return logsigmoid(-z.float()).mean() + lam * (x.float() - h.float()).square().mean()"),
        ("labels made on the CPU", "dtype-device",
         "zeros = torch.zeros(len(z), 1, dtype=z.dtype)\n"
         f"return -F.binary_cross_entropy_with_logits(z, zeros) + lam * {PIX}"),
        ("subtracts in place", "unchanged", f"adv = {ADV}\nx -= h\nreturn adv + lam * x.pow(2).mean()"),
        ("λ on the wrong term", "lambda-zero", f"return lam * {ADV} + {PIX}"),
        ("λ on both terms", "lambda-zero", f"return lam * ({ADV} + {PIX})"),
        ("λ ignored", "lambda-zero", f"return {ADV} + {PIX}"),
        ("1/λ", "lambda-zero", f"return {ADV} + {PIX} / lam"),
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
        ("clamped to [0, 1]", "range",
         f"return {ADV} + lam * (x.clamp(0, 1) - h.clamp(0, 1)).square().mean()"),
        ("ĥ detached", "gradients", f"return {ADV} + lam * (x.detach() - h).square().mean()"),
        ("z detached", "gradients", f"return logsigmoid(-z.detach()).mean() + lam * {PIX}"),
        ("D's answer under no_grad", "gradients",
         f"with torch.no_grad():\n    adv = {ADV}\nreturn adv + lam * {PIX}"),
    ]
]  # fmt: skip


def _discriminator(name: str, fails: str, body: str) -> tuple[str, str, str, str]:
    lines = "\n".join("    " + line for line in body.strip().splitlines())
    return "discriminator", name, fails, f"{HEAD}\ndef f(D, x, h):\n{lines}\n"


REAL, FAKE = "logsigmoid(D(h)).mean()", "logsigmoid(-D(x.detach())).mean()"
DISCRIMINATOR = [
    _discriminator(name, fails, body)
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
        ("sum over faces", "mean",
         "return logsigmoid(D(h)).sum() + logsigmoid(-D(x.detach())).sum()"),
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
        ("square forgotten", "squares", ("gradient**2", "gradient.abs()")),
        ("climbs", "direction", ("theta + step if maximize else theta - step",
                                 "theta - step if maximize else theta + step")),
        ("maximize ignored", "maximize", ("theta + step if maximize else theta - step", "theta - step")),
        ("root forgotten", "root", ("(delta + eps).sqrt()", "(delta + eps)")),
        ("step from the old Δ", "fresh", ("(delta + eps).sqrt()", "(old + eps).sqrt()"),
         "    old = delta\n"),
        ("ε outside the root", "epsilon", ("(delta + eps).sqrt()", "(delta.sqrt() + eps)")),
        ("ε forgotten", "epsilon", ("(delta + eps).sqrt()", "delta.sqrt()")),
        ("η squared", "eta", ("eta * gradient", "eta**2 * gradient")),
        ("one Δ for all weights", "elementwise", ("gradient**2", "(gradient**2).mean()")),
    ]
]  # fmt: skip
RMSPROP[1] = (*RMSPROP[1][:3], RMSPROP[1][3].replace("- step, delta", "- step, old"))

SWEEP_RIGHT = (
    HEAD
    + """
def f(lams, run, seeds):
    rows = []
    for lam in lams:
        runs = [run(lam, seed) for seed in seeds]
        mean = {k: sum(r[k] for r in runs) / len(runs) for k in runs[0]}
        rows.append({"lam": lam} | mean)
    return rows
"""
)
CHOOSE_RIGHT = (
    HEAD
    + """
def f(rows, tolerance):
    rows = [r for r in rows if math.isfinite(r["gain"])]
    floor = max(r["gain"] for r in rows) - tolerance
    return max((r for r in rows if r["gain"] >= floor), key=lambda r: r["sharpness"])["lam"]
"""
)
DAMAGE_RIGHT = (
    HEAD
    + """
def f(images, severity, seed):
    g = torch.Generator().manual_seed(seed)
    return (images + severity * 0.5 * torch.randn(images.shape, generator=g)).clamp(-1, 1)
"""
)
INTERVAL_RIGHT = (
    HEAD
    + """
def f(clean, damaged, level=0.95, seed=0):
    x = damaged - clean
    g = torch.Generator().manual_seed(seed)
    means = x[torch.randint(len(x), (500, len(x)), generator=g)].mean(1)
    tail = (1 - level) / 2
    return x.mean().item(), means.quantile(tail).item(), means.quantile(1 - tail).item()
"""
)
OTHERS = [
    (check, name, fails, right.replace(*change))
    for check, right, name, fails, change in [
        ("sweep", SWEEP_RIGHT, "only the last row", "answers", ("return rows", "return rows[-1:]")),
        ("sweep", SWEEP_RIGHT, "a row without λ", "answers", ('{"lam": lam} | mean', "mean")),
        ("sweep", SWEEP_RIGHT, "sorted by λ", "order", ("in lams", "in sorted(lams)")),
        ("sweep", SWEEP_RIGHT, "another seed for every λ", "fair",
         ("run(lam, seed) for", "run(lam, seed + lams.index(lam)) for")),
        ("sweep", SWEEP_RIGHT, "one seed only", "fair", ("seed in seeds", "seed in seeds[:1]")),
        ("sweep", SWEEP_RIGHT, "trains again for each measure", "once",
         ("sum(r[k] for r in runs)", "sum(run(lam, s)[k] for s in seeds)")),
        ("sweep", SWEEP_RIGHT, "keeps the last run", "average", ("sum(r[k] for r in runs) / len(runs)",
                                                                "runs[-1][k]")),
        ("sweep", SWEEP_RIGHT, "sum, not mean", "average", (" / len(runs)", "")),
        ("sweep", SWEEP_RIGHT, "measures written into the code", "measures",
         ("for k in runs[0]", "for k in ('gain', 'sharpness')")),
        ("sweep", SWEEP_RIGHT, "empties the list", "unchanged",
         ("return rows", "lams.clear()\n    return rows")),
        ("choose", CHOOSE_RIGHT, "returns the row", "answers", ('["lam"]\n', "\n")),
        ("choose", CHOOSE_RIGHT, "always the sharpest", "strict", (" - tolerance", " - 99")),
        ("choose", CHOOSE_RIGHT, "always the best gain", "generous", (" - tolerance", "")),
        ("choose", CHOOSE_RIGHT, "tolerance as a share", "between",
         ('max(r["gain"] for r in rows) - tolerance', 'max(r["gain"] for r in rows) * (1 - tolerance)')),
        ("choose", CHOOSE_RIGHT, "NaN compared", "diverged",
         ('[r for r in rows if math.isfinite(r["gain"])]', "list(rows)")),
        ("damage", DAMAGE_RIGHT, "a list of faces", "answers", (".clamp(-1, 1)", ".clamp(-1, 1).tolist()")),
        ("damage", DAMAGE_RIGHT, "squeezes", "one-face", (".clamp(-1, 1)", ".clamp(-1, 1).squeeze()")),
        ("damage", DAMAGE_RIGHT, "works in place", "unchanged",
         ("(images + severity", "images.add_(severity")),
        ("damage", DAMAGE_RIGHT, "always a little noise", "zero", ("severity *", "(severity + 0.1) *")),
        ("damage", DAMAGE_RIGHT, "all or nothing", "grows", ("severity *", "(severity > 0) *")),
        ("damage", DAMAGE_RIGHT, "never clamped", "range", (".clamp(-1, 1)", "")),
        ("damage", DAMAGE_RIGHT, "seed ignored", "repeats", (", generator=g", "")),
        ("interval", INTERVAL_RIGHT, "no mean", "answers", ("x.mean().item(), ", "")),
        ("interval", INTERVAL_RIGHT, "clean − damaged", "mean", ("    return x.mean()", "    return -x.mean()")),
        ("interval", INTERVAL_RIGHT, "faces not paired", "paired",
         ("x = damaged - clean", "x = damaged[torch.randperm(len(clean), generator=torch.Generator()"
                                 ".manual_seed(1))] - clean")),
        ("interval", INTERVAL_RIGHT, "seed ignored", "repeats", (", generator=g", "")),
        ("interval", INTERVAL_RIGHT, "level ignored", "level", ("(1 - level)", "0.05")),
        ("interval", INTERVAL_RIGHT, "spread of the faces, not of the mean", "shrinks",
         ("means.quantile(tail).item(), means.quantile(1 - tail)",
          "x.quantile(tail).item(), x.quantile(1 - tail)")),
        ("interval", INTERVAL_RIGHT, "one standard error too few", "covers",
         ("tail = (1 - level) / 2", "tail = 0.5 - level / 4")),
    ]
]  # fmt: skip
RIGHT_ONES = {
    "objective": _objective("", "", f"return {ADV} + lam * {PIX}")[3],
    "discriminator": _discriminator("", "", f"return {REAL} + {FAKE}")[3],
    "rmsprop": STEP + RIGHT, "sweep": SWEEP_RIGHT, "choose": CHOOSE_RIGHT,
    "damage": DAMAGE_RIGHT, "interval": INTERVAL_RIGHT,
} | mutants_chapters.RIGHT_ONES  # fmt: skip
MUTANTS = OBJECTIVE + DISCRIMINATOR + RMSPROP + OTHERS + mutants_chapters.MUTANTS
