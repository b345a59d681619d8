"""Right solutions in other styles than the obvious one: (check, name, code). All must pass."""

# ruff: noqa: E501 - a solution a line reads best
from __future__ import annotations

HEAD = """
import math
import statistics
import numpy as np
import torch
from torch.nn import functional as F
"""


def _all(check: str, signature: str, bodies: dict[str, str]) -> list[tuple[str, str, str]]:
    made = []
    for name, body in bodies.items():
        lines = "\n".join("    " + line for line in body.strip().splitlines())
        made.append((check, name, f"{HEAD}\ndef f({signature}):\n{lines}\n"))
    return made


OBJECTIVE = _all("objective", "z_fake, generated, real, lam=100.0", {
    "softplus": "return -F.softplus(z_fake).mean() + lam * F.mse_loss(generated, real)",
    "cross-entropy with logits":
        "bce = F.binary_cross_entropy_with_logits(z_fake, torch.zeros_like(z_fake))\n"
        "return lam * (generated - real).pow(2).mean() - bce",
    "logaddexp":
        "zero = torch.zeros_like(z_fake)\n"
        "return -torch.logaddexp(zero, z_fake).mean() + lam * ((generated - real) ** 2).mean()",
    "log σ(z) − z":
        "return (F.logsigmoid(z_fake) - z_fake).mean() + lam * (real - generated).square().mean()",
    "largest taken out":
        "soft = z_fake.clamp(min=0) + torch.log1p(torch.exp(-z_fake.abs()))\n"
        "return lam * (generated - real).square().mean() - soft.mean()",
    "two classes":
        "both = torch.cat([torch.zeros_like(z_fake), z_fake], 1)\n"
        "return both.log_softmax(1)[:, 0].mean() + lam * (generated - real).square().mean()",
    "in float64":
        "adversarial = F.logsigmoid(-z_fake.double()).mean()\n"
        "pixels = (generated.double() - real.double()).square().mean()\n"
        "return (adversarial + lam * pixels).to(z_fake.dtype)",
    "face by face":
        "faces = [F.logsigmoid(-z).sum() + lam * F.mse_loss(x, h)\n"
        "         for z, x, h in zip(z_fake, generated, real)]\n"
        "return torch.stack(faces).mean()",
    "sums divided":
        "d = (generated - real).flatten()\n"
        "return F.logsigmoid(-z_fake).sum() / z_fake.numel() + lam * (d @ d) / d.numel()",
})  # fmt: skip
DISCRIMINATOR = _all("discriminator", "D, generated, real", {
    "softplus":
        "return -F.softplus(-D(real)).mean() - F.softplus(D(generated.detach())).mean()",
    "cross-entropy with logits":
        "a, b = D(real), D(generated.detach())\nbce = F.binary_cross_entropy_with_logits\n"
        "return -bce(a, torch.ones_like(a)) - bce(b, torch.zeros_like(b))",
    "one batch":
        "z = D(torch.cat([real, generated.detach()]))\na, b = z[:len(real)], z[len(real):]\n"
        "return F.logsigmoid(a).mean() + F.logsigmoid(-b).mean()",
    "log σ(z) − z":
        "z = D(generated.detach())\n"
        "return F.logsigmoid(D(real)).mean() + (F.logsigmoid(z) - z).mean()",
    "in float64":
        "a, b = D(real).double(), D(generated.data).double()\n"
        "return (F.logsigmoid(a).mean() + F.logsigmoid(-b).mean()).to(real.dtype)",
    "face by face":
        "a = [F.logsigmoid(D(h[None])).sum() for h in real]\n"
        "b = [F.logsigmoid(-D(x[None])).sum() for x in generated.detach()]\n"
        "return sum(a) / len(a) + sum(b) / len(b)",
})  # fmt: skip
RMSPROP = _all("rmsprop", "theta, gradient, delta, eta, alpha, eps, maximize=False", {
    "lerp":
        "delta = (gradient * gradient).lerp(delta, alpha)\n"
        "return theta + (1 if maximize else -1) * eta * gradient * (delta + eps).rsqrt(), delta",
    "the gradient turned round":
        "g = -gradient if maximize else gradient\n"
        "new = delta.clone().mul_(alpha).addcmul_(g, g, value=1 - alpha)\n"
        "return theta.clone().addcdiv_(g, new.add(eps).sqrt(), value=-eta), new",
    "Δ moved by a share of what is missing":
        "new = delta + (1 - alpha) * (gradient**2 - delta)\nstep = eta * gradient / (new + eps)**0.5\n"
        "return (theta + step, new) if maximize else [theta - step, new]",
    "in float64":
        "t, g, d = (v.double() for v in (theta, gradient, delta))\n"
        "d = alpha * d + (1 - alpha) * g**2\nstep = eta * g / torch.sqrt(d + eps)\n"
        "t = t + step if maximize else t - step\nreturn t.to(theta.dtype), d.to(delta.dtype)",
}) + _all("rmsprop", "theta, gradient, delta, *, eta, alpha, eps, maximize=False", {
    "only keywords":
        "delta = alpha * delta + (1 - alpha) * gradient.square()\n"
        "step = eta * gradient / (delta + eps).sqrt()\n"
        "return (theta + step if maximize else theta - step), delta",
})  # fmt: skip
SWEEP = _all("sweep", "lams, run, seeds", {
    "a list beside the numbers":
        "rows = []\nfor lam in lams:\n    runs = [run(lam, s) for s in seeds]\n"
        "    rows.append({'lam': lam, 'seeds': list(seeds), 'note': 'fair', 'best': None}\n"
        "                | {k: sum(r[k] for r in runs) / len(runs) for k in runs[0]})\nreturn rows",
    "NumPy":
        "found = [[run(lam, s) for s in seeds] for lam in lams]\n"
        "return tuple({k: np.mean([r[k] for r in runs]) for k in runs[0]} | {'lam': lam}\n"
        "             for lam, runs in zip(lams, found))",
    "seed by seed":
        "runs = {(lam, s): run(lam=lam, seed=s) for s in seeds for lam in lams}\n"
        "return [{'lam': lam} | {k: statistics.fmean(runs[lam, s][k] for s in seeds)\n"
        "         for k in runs[lam, seeds[0]]} for lam in lams]",
    "tensors, with their spread":
        "rows = []\nfor lam in lams:\n    runs = [run(lam, s) for s in seeds]\n"
        "    t = {k: torch.tensor([r[k] for r in runs], dtype=torch.float64) for k in runs[0]}\n"
        "    rows.append({'lam': lam} | {k: v.mean() for k, v in t.items()}\n"
        "                | {'sd ' + k: v.std() for k, v in t.items()} | {'all': t['gain']}\n"
        "                if 'gain' in t else {'lam': lam} | {k: v.mean() for k, v in t.items()})\n"
        "return rows",
})  # fmt: skip
CHOOSE = _all("choose", "rows, tolerance", {
    "sorted":
        "sound = [r for r in rows if r['gain'] == r['gain']]\n"
        "best = sorted(sound, key=lambda r: r['gain'])[-1]['gain']\n"
        "return sorted((-r['sharpness'], r['lam']) for r in sound if best - r['gain'] <= tolerance)[0][1]",
    "NumPy":
        "gain, sharp, lam = (np.array([r[k] for r in rows]) for k in ('gain', 'sharpness', 'lam'))\n"
        "good = gain >= np.nanmax(gain) - tolerance\n"
        "return float(lam[np.where(good, sharp, -np.inf).argmax()])",
    "a loop":
        "best = max(r['gain'] for r in rows if not math.isnan(r['gain']))\nchosen = None\n"
        "for r in rows:\n    if r['gain'] + tolerance >= best and (\n"
        "            chosen is None or r['sharpness'] > chosen['sharpness']):\n"
        "        chosen = r\nreturn chosen['lam']",
})  # fmt: skip
INTERVAL = _all("interval", "clean, damaged, level=0.95, seed=0", {
    "NumPy":
        "x, rng = (damaged - clean).numpy(), np.random.default_rng(seed)\n"
        "means = rng.choice(x, (1000, len(x))).mean(1)\n"
        "low, high = np.percentile(means, [50 * (1 - level), 100 - 50 * (1 - level)])\n"
        "return x.mean(), low, high",
    "a loop of 200, in float32":
        "x, g = (damaged - clean).float(), torch.Generator().manual_seed(seed)\n"
        "means = torch.stack([x[torch.randint(len(x), x.shape, generator=g)].mean()\n"
        "                     for _ in range(200)])\n"
        "low, high = means.quantile(torch.tensor([(1 - level) / 2, (1 + level) / 2]))\n"
        "return x.mean(), low, high",
    "mirrored at the mean":
        "x, g = damaged - clean, torch.Generator().manual_seed(seed)\n"
        "means = x[torch.randint(len(x), (1000, len(x)), generator=g)].mean(1)\n"
        "low, high = means.quantile((1 - level) / 2), means.quantile((1 + level) / 2)\n"
        "return x.mean(), 2 * x.mean() - high, 2 * x.mean() - low",
    "standard errors":
        "x = damaged - clean\nz = statistics.NormalDist().inv_cdf((1 + level) / 2)\n"
        "half = z * x.std() / math.sqrt(len(x))\nreturn [x.mean(), x.mean() - half, x.mean() + half]",
})  # fmt: skip
ALSO_RIGHT = OBJECTIVE + DISCRIMINATOR + RMSPROP + SWEEP + CHOOSE + INTERVAL
