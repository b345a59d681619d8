"""Right solutions in other styles than the obvious one: (check, name, code). All must pass."""

# ruff: noqa: E501 - a solution a line reads best
from __future__ import annotations

from mutants import function

HEAD = """
import math
import statistics
import numpy as np
import torch
from torch.nn import functional as F
"""


def _all(check: str, signature: str, bodies: dict[str, str]) -> list[tuple[str, str, str]]:
    return [(check, name, function(HEAD, signature, body)) for name, body in bodies.items()]


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
    "einsum":
        "d = generated - real\n"
        "return lam * torch.einsum('nchw,nchw->', d, d) / d.numel() - torch.nn.Softplus()(z_fake).mean()",
    "cross-entropy of two classes":
        "logits = torch.hstack([torch.zeros_like(z_fake), z_fake])\n"
        "first = torch.zeros(len(z_fake), dtype=torch.long, device=z_fake.device)\n"
        "return lam * F.mse_loss(real, generated) - F.cross_entropy(logits, first)",
    "labels turned round":
        "bce = F.binary_cross_entropy_with_logits(z_fake, torch.ones_like(z_fake))\n"
        "return lam * (generated - real).square().mean() - bce - z_fake.mean()",
    "a length, squared":
        "length = torch.linalg.vector_norm(generated - real)\n"
        "return F.logsigmoid(-z_fake).mean() + lam * length**2 / generated.numel()",
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
    "weights":
        "z, n, m = torch.cat([D(real), D(generated.detach())]), len(real), len(generated)\n"
        "labels = torch.tensor([[1.0]] * n + [[0.0]] * m).to(z)\n"
        "weight = torch.tensor([[1 / n]] * n + [[1 / m]] * m).to(z)\n"
        "return -F.binary_cross_entropy_with_logits(z, labels, weight, reduction='sum')",
    "in parts":
        "total = 0\nfor images, sign in ((real, 1), (generated.detach(), -1)):\n"
        "    total += sum(F.logsigmoid(sign * D(x)).sum() for x in images.split(2)) / len(images)\n"
        "return total",
    "a copy without a graph":
        "D.train()\nwith torch.no_grad():\n    fake = generated.clone()\n"
        "return F.logsigmoid(D(real)).mean() + F.logsigmoid(-D(fake)).mean()",
    "face by face":
        "a = [F.logsigmoid(D(h[None])).sum() for h in real]\n"
        "b = [F.logsigmoid(-D(x[None])).sum() for x in generated.detach()]\n"
        "return sum(a) / len(a) + sum(b) / len(b)",
})  # fmt: skip
RMSPROP = _all("rmsprop", "theta, gradient, delta, eta, alpha, eps, maximize=False", {
    "lerp":
        "delta = (gradient * gradient).lerp(delta, alpha)\n"
        "return theta + (1 if maximize else -1) * eta * gradient * (delta + eps).rsqrt(), delta",
    "NumPy":
        "t, g, d = theta.numpy(), gradient.numpy(), delta.numpy()\n"
        "d = alpha * d + (1 - alpha) * np.square(g)\nstep = eta * g / np.sqrt(d + eps)\n"
        "t = t + step if maximize else t - step\n"
        "return torch.as_tensor(t, dtype=theta.dtype), torch.as_tensor(d, dtype=delta.dtype)",
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
    "one tensor of two":
        "delta = torch.lerp(gradient**2, delta, alpha)\nsign = 1 if maximize else -1\n"
        "return torch.stack([theta + sign * eta * gradient / (delta + eps) ** 0.5, delta])",
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
    "pandas":
        "import pandas as pd\n"
        "runs = pd.DataFrame([{'lam': l, **run(l, s)} for l in lams for s in seeds])\n"
        "return runs.groupby('lam', sort=False).mean().reset_index().to_dict('records')",
    "a running mean, in threads":
        "from concurrent.futures import ThreadPoolExecutor\nrows = []\n"
        "with ThreadPoolExecutor(2) as pool:\n    for lam in lams:\n        mean = {}\n"
        "        for k, r in enumerate(pool.map(lambda s: run(lam, s), seeds), 1):\n"
        "            mean = {n: mean.get(n, 0) + (v - mean.get(n, 0)) / k for n, v in r.items()}\n"
        "        rows.append(mean | {'lam': lam})\nreturn rows",
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
    "pandas":
        "import pandas as pd\ndf = pd.DataFrame(rows).dropna(subset=['gain'])\n"
        "good = df[df.gain >= df.gain.max() - tolerance]\n"
        "return good.loc[good.sharpness.idxmax(), 'lam']",
    "a loop":
        "best = max(r['gain'] for r in rows if not math.isnan(r['gain']))\nchosen = None\n"
        "for r in rows:\n    if r['gain'] + tolerance >= best and (\n"
        "            chosen is None or r['sharpness'] > chosen['sharpness']):\n"
        "        chosen = r\nreturn chosen['lam']",
})  # fmt: skip
DAMAGE = _all("damage", "images, severity, seed", {
    "a bar over the eyes":
        "out, half = images.clone(), round(severity * 8)\n"
        "out[:, :, 5:8, 8 - half:8 + half] = -1.0\nreturn out",
    "a shift, grey behind it":
        "k, out = round(4 * severity), torch.zeros_like(images)\n"
        "out[..., k:] = images[..., :16 - k]\nreturn out",
    "less contrast":
        "mean = images.mean(dim=(1, 2, 3), keepdim=True)\n"
        "return mean + (images - mean) * (1 - 0.9 * severity)",
    "a colour cast":
        "cast = torch.tensor([0.6, 0.0, -0.6]).view(1, 3, 1, 1)\n"
        "return (images + severity * cast).clamp(-1, 1)",
    "darker by a power": "return ((images + 1) / 2) ** (1 + 3 * severity) * 2 - 1",
    "fewer grey levels":
        "step = max(0.8 * severity, 1e-9)\n"
        "return (torch.round(images / step) * step).clamp(-1, 1) if severity else images.clone()",
    "dead pixels":
        "torch.manual_seed(seed)\n"
        "dead = torch.rand(images.shape[0], 1, 16, 16) < severity\n"
        "return torch.where(dead, torch.tensor(-1.0), images)",
    "NumPy's noise":
        "noise = np.random.default_rng(seed).normal(size=tuple(images.shape))\n"
        "return torch.clip(images + severity * 0.4 * torch.from_numpy(noise).float(), -1, 1)",
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
    "a tensor of three":
        "x = damaged - clean\nnormal = torch.distributions.Normal(0.0, 1.0)\n"
        "half = normal.icdf(torch.tensor(0.5 + level / 2)) * x.std() / math.sqrt(x.numel())\n"
        "return torch.stack([x.mean(), x.mean() - half, x.mean() + half])",
    "mirrored at the mean":
        "x, g = damaged - clean, torch.Generator().manual_seed(seed)\n"
        "means = x[torch.randint(len(x), (1000, len(x)), generator=g)].mean(1)\n"
        "low, high = means.quantile((1 - level) / 2), means.quantile((1 + level) / 2)\n"
        "return x.mean(), 2 * x.mean() - high, 2 * x.mean() - low",
    "Student's t":
        "from scipy import stats\nx = (damaged - clean).numpy()\n"
        "low, high = stats.t.interval(level, len(x) - 1, loc=x.mean(), scale=stats.sem(x))\n"
        "return x.mean(), low, high",
    "random weights":
        "x = damaged - clean\ntorch.manual_seed(seed)\n"
        "w = torch.distributions.Dirichlet(torch.ones(len(x), dtype=x.dtype)).sample((800,))\n"
        "low, high = (w @ x).quantile((1 - level) / 2), (w @ x).quantile((1 + level) / 2)\n"
        "return x.mean(), low, high",
    "the spread of the resamples":
        "x, g = damaged - clean, torch.Generator().manual_seed(seed)\n"
        "sd = x[torch.randint(len(x), (500, len(x)), generator=g)].mean(1).std()\n"
        "z = statistics.NormalDist().inv_cdf((1 + level) / 2)\n"
        "return x.mean(), x.mean() - z * sd, x.mean() + z * sd",
    "standard errors":
        "x = damaged - clean\nz = statistics.NormalDist().inv_cdf((1 + level) / 2)\n"
        "half = z * x.std() / math.sqrt(len(x))\nreturn [x.mean(), x.mean() - half, x.mean() + half]",
})  # fmt: skip
ALSO_RIGHT = OBJECTIVE + DISCRIMINATOR + RMSPROP + SWEEP + CHOOSE + DAMAGE + INTERVAL
