"""Wrong answers to assignments 2 and 4 (a sweep, a choice, a damage, an interval), as in `mutants`."""

# ruff: noqa: E501 - a mutant a line reads best
from __future__ import annotations

HEAD = """
import math
import torch
"""

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
STANDARD_ERRORS = (
    HEAD
    + """
from statistics import NormalDist
def f(clean, damaged, level=0.95, seed=0):
    x = damaged - clean
    half = NormalDist().inv_cdf((1 + level) / 2) * x.std() / math.sqrt(len(x))
    mean = x.mean()
    return mean, mean - half, mean + half
"""
)
MUTANTS = [
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
        ("sweep", SWEEP_RIGHT, "averages the gain alone", "average",
         ("sum(r[k] for r in runs) / len(runs)",
          "sum(r[k] for r in runs) / len(runs) if k == 'gain' else runs[-1][k]")),
        ("sweep", SWEEP_RIGHT, "measures written into the code", "measures",
         ("for k in runs[0]", "for k in ('gain', 'sharpness')")),
        ("sweep", SWEEP_RIGHT, "diverged runs left out", "diverged",
         ("[run(lam, seed) for seed in seeds]", "[r for s in seeds if not math.isnan((r := run(lam, s))[list(r)[0]])]")),
        ("sweep", SWEEP_RIGHT, "empties the list", "unchanged",
         ("return rows", "lams.clear()\n    return rows")),
        ("choose", CHOOSE_RIGHT, "returns the row", "answers", ('["lam"]\n', "\n")),
        ("choose", CHOOSE_RIGHT, "always the sharpest", "strict", (" - tolerance", " - 99")),
        ("choose", CHOOSE_RIGHT, "always the best gain", "generous", (" - tolerance", "")),
        ("choose", CHOOSE_RIGHT, "the smallest λ that is good enough", "generous",
         ('max((r for r in rows if r["gain"] >= floor), key=lambda r: r["sharpness"])',
          'min((r for r in rows if r["gain"] >= floor), key=lambda r: r["lam"])')),
        ("choose", CHOOSE_RIGHT, "the largest λ that is good enough", "generous",
         ('key=lambda r: r["sharpness"]', 'key=lambda r: r["lam"]')),
        ("choose", CHOOSE_RIGHT, "the lowest gain that is good enough", "generous",
         ('max((r for r in rows if r["gain"] >= floor), key=lambda r: r["sharpness"])',
          'min((r for r in rows if r["gain"] >= floor), key=lambda r: r["gain"])')),
        ("choose", CHOOSE_RIGHT, "tolerance as a share", "between",
         ('max(r["gain"] for r in rows) - tolerance', 'max(r["gain"] for r in rows) * (1 - tolerance)')),
        ("choose", CHOOSE_RIGHT, "gains above 0 alone", "below", ('math.isfinite(r["gain"])', 'r["gain"] > -40')),
        ("choose", CHOOSE_RIGHT, "the best begins at 0", "below",
         ('max(r["gain"] for r in rows) - tolerance', 'max([0, *(r["gain"] for r in rows)]) - tolerance')),
        ("choose", CHOOSE_RIGHT, "less than the tolerance", "between",
         ('r["gain"] >= floor)', 'r["gain"] > floor - 1e-9 * (tolerance == 0))')),
        ("choose", CHOOSE_RIGHT, "as sharp as the true faces", "generous",
         ('key=lambda r: r["sharpness"]', 'key=lambda r: -abs(r["sharpness"] - 1)')),
        ("choose", CHOOSE_RIGHT, "throws rows away", "unchanged",
         ("rows = [", "rows[:] = [")),
        ("choose", CHOOSE_RIGHT, "NaN compared", "diverged",
         ('[r for r in rows if math.isfinite(r["gain"])]', "list(rows)")),
        ("damage", DAMAGE_RIGHT, "a list of faces", "answers", (".clamp(-1, 1)", ".clamp(-1, 1).tolist()")),
        ("damage", DAMAGE_RIGHT, "squeezes", "any-number", (".clamp(-1, 1)", ".clamp(-1, 1).squeeze()")),
        ("damage", DAMAGE_RIGHT, "noise for 64 faces", "any-number",
         ("torch.randn(images.shape, generator=g)", "torch.randn(64, 3, 16, 16, generator=g)[: len(images)]")),
        ("damage", DAMAGE_RIGHT, "by the brightness of the batch", "any-number",
         ("0.5 * torch.randn(images.shape, generator=g)", "images.mean()")),
        ("damage", DAMAGE_RIGHT, "no more above a half", "grows", ("severity *", "min(severity, 0.5) *")),
        ("damage", DAMAGE_RIGHT, "less again above a half", "grows", ("severity *", "(severity if severity <= 0.5 else 1 - severity) *")),
        ("damage", DAMAGE_RIGHT, "works in place", "unchanged",
         ("(images + severity", "images.add_(severity")),
        ("damage", DAMAGE_RIGHT, "always a little noise", "zero", ("severity *", "(severity + 0.1) *")),
        ("damage", DAMAGE_RIGHT, "clamped to [0, 1]", "zero",
         (".clamp(-1, 1)", ".clamp(0, 1) if severity else images.clone()")),
        ("damage", DAMAGE_RIGHT, "the first face for everybody", "zero",
         ("(images + severity", "(images[:1] * (severity > 0) + images * (severity == 0) + severity")),
        ("damage", DAMAGE_RIGHT, "all or nothing", "grows", ("severity *", "(severity > 0) *")),
        ("damage", DAMAGE_RIGHT, "never clamped", "range", (".clamp(-1, 1)", "")),
        ("damage", DAMAGE_RIGHT, "nobody's seed", "repeats", (", generator=g", "")),
        ("damage", DAMAGE_RIGHT, "seed ignored", "repeats", ("manual_seed(seed)", "manual_seed(0)")),
        ("damage", DAMAGE_RIGHT, "the first face alone", "every",
         (".clamp(-1, 1)", ".clamp(-1, 1).where(torch.arange(len(images)).view(-1, 1, 1, 1) < 1, images)")),
        ("damage", DAMAGE_RIGHT, "more of the faces, not more damage", "every",
         (".clamp(-1, 1)", ".clamp(-1, 1).where(torch.rand(len(images), 1, 1, 1, generator=g) < severity, images)")),
        ("interval", INTERVAL_RIGHT, "no mean", "answers", ("x.mean().item(), ", "")),
        ("interval", INTERVAL_RIGHT, "clean − damaged", "mean", ("    return x.mean()", "    return -x.mean()")),
        ("interval", INTERVAL_RIGHT, "always worse", "mean", ("    return x.mean()", "    return -x.mean().abs()")),
        ("interval", INTERVAL_RIGHT, "never better", "mean",
         ("means.quantile(1 - tail).item()", "min(means.quantile(1 - tail).item(), 0.0)")),
        ("interval", INTERVAL_RIGHT, "the last face is never drawn", "everyone", ("randint(len(x)", "randint(len(x) - 1")),
        ("interval", INTERVAL_RIGHT, "faces not paired", "paired",
         ("x = damaged - clean", "x = damaged[torch.randperm(len(clean), generator=torch.Generator()"
                                 ".manual_seed(1))] - clean")),
        ("interval", INTERVAL_RIGHT, "nobody's seed", "repeats", (", generator=g", "")),
        ("interval", INTERVAL_RIGHT, "seed ignored", "repeats", ("manual_seed(seed)", "manual_seed(0)")),
        ("interval", INTERVAL_RIGHT, "level ignored", "level", ("(1 - level)", "0.05")),
        ("interval", INTERVAL_RIGHT, "spread of the faces, not of the mean", "shrinks",
         ("means.quantile(tail).item(), means.quantile(1 - tail)",
          "x.quantile(tail).item(), x.quantile(1 - tail)")),
        ("interval", INTERVAL_RIGHT, "one standard error too few", "level",
         ("tail = (1 - level) / 2", "tail = 0.5 - level / 4")),
        ("interval", INTERVAL_RIGHT, "90 % for 95 %", "level", ("(1 - level) / 2", "1 - level")),
        ("interval", INTERVAL_RIGHT, "97.5 % for 95 %", "level", ("(1 - level) / 2", "(1 - level) / 4")),
        ("interval", INTERVAL_RIGHT, "in place", "unchanged", ("x = damaged - clean", "x = damaged.sub_(clean)")),
        ("interval", INTERVAL_RIGHT, "the median's", "covers", (".mean(1)", ".median(1).values")),
        ("interval", INTERVAL_RIGHT, "half samples", "covers", ("(500, len(x))", "(500, len(x) // 2)")),
        ("interval", INTERVAL_RIGHT, "a tenth too wide", "covers",
         ("    tail = ", "    means = means + 0.1 * (means - x.mean())\n    tail = ")),
        ("interval", STANDARD_ERRORS, "variance for standard deviation", "spread", ("x.std()", "x.var()")),
        ("interval", STANDARD_ERRORS, "1 dB for everybody", "paired", ("x.std()", "1")),
        ("interval", STANDARD_ERRORS, "around the median", "covers", ("mean - half, mean + half", "mean - 0.5 * half, mean + 1.5 * half")),
        ("interval", INTERVAL_RIGHT, "the whole width taken for both halves", "covers",
         ("tail = (1 - level) / 2", "tail = (1 - level) / 2\n    means = (means + x.mean()) / 2")),
    ]
]  # fmt: skip
RIGHT_ONES = {
    "sweep": SWEEP_RIGHT, "choose": CHOOSE_RIGHT, "damage": DAMAGE_RIGHT, "interval": INTERVAL_RIGHT,
}  # fmt: skip
