"""Wrong answers to assignments 2 and 4 (a sweep, a choice, a damage, an interval), as in `mutants`."""

# ruff: noqa: E501 - a mutant a line reads best
from __future__ import annotations

HEAD = """
import math
import torch
"""

RIGHT_ONES = {task: HEAD + code for task, code in {
    "sweep": """
def f(lams, run, seeds):
    rows = []
    for lam in lams:
        runs = [run(lam, seed) for seed in seeds]
        mean = {k: sum(r[k] for r in runs) / len(runs) for k in runs[0]}
        rows.append({"lam": lam} | mean)
    return rows
""",
    "choose": """
def f(rows, tolerance):
    rows = [r for r in rows if math.isfinite(r["gain"])]
    floor = max(r["gain"] for r in rows) - tolerance
    return max((r for r in rows if r["gain"] >= floor), key=lambda r: r["sharpness"])["lam"]
""",
    "damage": """
def f(images, severity, seed):
    g = torch.Generator().manual_seed(seed)
    return (images + severity * 0.5 * torch.randn(images.shape, generator=g)).clamp(-1, 1)
""",
    "interval": """
def f(clean, damaged, level=0.95, seed=0):
    x = damaged - clean
    g = torch.Generator().manual_seed(seed)
    means = x[torch.randint(len(x), (500, len(x)), generator=g)].mean(1)
    tail = (1 - level) / 2
    return x.mean().item(), means.quantile(tail).item(), means.quantile(1 - tail).item()
""",
}.items()}  # fmt: skip
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
    (task, name, fails, RIGHT_ONES[task].replace(*change))
    for task, name, fails, change in [
        ("sweep", "only the last row", "answers", ("return rows", "return rows[-1:]")),
        ("sweep", "a row without λ", "answers", ('{"lam": lam} | mean', "mean")),
        ("sweep", "sorted by λ", "order", ("in lams", "in sorted(lams)")),
        ("sweep", "another seed for every λ", "fair",
         ("run(lam, seed) for", "run(lam, seed + lams.index(lam)) for")),
        ("sweep", "one seed only", "fair", ("seed in seeds", "seed in seeds[:1]")),
        ("sweep", "trains again for each measure", "once",
         ("sum(r[k] for r in runs)", "sum(run(lam, s)[k] for s in seeds)")),
        ("sweep", "keeps the last run", "average", ("sum(r[k] for r in runs) / len(runs)",
                                                                "runs[-1][k]")),
        ("sweep", "sum, not mean", "average", (" / len(runs)", "")),
        ("sweep", "averages the gain alone", "average",
         ("sum(r[k] for r in runs) / len(runs)",
          "sum(r[k] for r in runs) / len(runs) if k == 'gain' else runs[-1][k]")),
        ("sweep", "measures written into the code", "measures",
         ("for k in runs[0]", "for k in ('gain', 'sharpness')")),
        ("sweep", "diverged runs left out", "diverged",
         ("[run(lam, seed) for seed in seeds]", "[r for s in seeds if not math.isnan((r := run(lam, s))[list(r)[0]])]")),
        ("sweep", "empties the list", "unchanged",
         ("return rows", "lams.clear()\n    return rows")),
        ("choose", "returns the row", "answers", ('["lam"]\n', "\n")),
        ("choose", "always the sharpest", "strict", (" - tolerance", " - 99")),
        ("choose", "always the best gain", "generous", (" - tolerance", "")),
        ("choose", "the smallest λ that is good enough", "generous",
         ('max((r for r in rows if r["gain"] >= floor), key=lambda r: r["sharpness"])',
          'min((r for r in rows if r["gain"] >= floor), key=lambda r: r["lam"])')),
        ("choose", "the largest λ that is good enough", "generous",
         ('key=lambda r: r["sharpness"]', 'key=lambda r: r["lam"]')),
        ("choose", "the lowest gain that is good enough", "generous",
         ('max((r for r in rows if r["gain"] >= floor), key=lambda r: r["sharpness"])',
          'min((r for r in rows if r["gain"] >= floor), key=lambda r: r["gain"])')),
        ("choose", "tolerance as a share", "between",
         ('max(r["gain"] for r in rows) - tolerance', 'max(r["gain"] for r in rows) * (1 - tolerance)')),
        ("choose", "gains above 0 alone", "below", ('math.isfinite(r["gain"])', 'r["gain"] > -40')),
        ("choose", "the best begins at 0", "below",
         ('max(r["gain"] for r in rows) - tolerance', 'max([0, *(r["gain"] for r in rows)]) - tolerance')),
        ("choose", "less than the tolerance", "between",
         ('r["gain"] >= floor)', 'r["gain"] > floor - 1e-9 * (tolerance == 0))')),
        ("choose", "as sharp as the true faces", "generous",
         ('key=lambda r: r["sharpness"]', 'key=lambda r: -abs(r["sharpness"] - 1)')),
        ("choose", "throws rows away", "unchanged",
         ("rows = [", "rows[:] = [")),
        ("choose", "NaN compared", "diverged",
         ('[r for r in rows if math.isfinite(r["gain"])]', "list(rows)")),
        ("damage", "a list of faces", "answers", (".clamp(-1, 1)", ".clamp(-1, 1).tolist()")),
        ("damage", "squeezes", "any-number", (".clamp(-1, 1)", ".clamp(-1, 1).squeeze()")),
        ("damage", "noise for 64 faces", "any-number",
         ("torch.randn(images.shape, generator=g)", "torch.randn(64, 3, 16, 16, generator=g)[: len(images)]")),
        ("damage", "by the brightness of the batch", "any-number",
         ("0.5 * torch.randn(images.shape, generator=g)", "images.mean()")),
        ("damage", "no more above a half", "grows", ("severity *", "min(severity, 0.5) *")),
        ("damage", "less again above a half", "grows", ("severity *", "(severity if severity <= 0.5 else 1 - severity) *")),
        ("damage", "works in place", "unchanged",
         ("(images + severity", "images.add_(severity")),
        ("damage", "always a little noise", "zero", ("severity *", "(severity + 0.1) *")),
        ("damage", "clamped to [0, 1]", "zero",
         (".clamp(-1, 1)", ".clamp(0, 1) if severity else images.clone()")),
        ("damage", "the first face for everybody", "zero",
         ("(images + severity", "(images[:1] * (severity > 0) + images * (severity == 0) + severity")),
        ("damage", "all or nothing", "grows", ("severity *", "(severity > 0) *")),
        ("damage", "never clamped", "range", (".clamp(-1, 1)", "")),
        ("damage", "nobody's seed", "repeats", (", generator=g", "")),
        ("damage", "seed ignored", "repeats", ("manual_seed(seed)", "manual_seed(0)")),
        ("damage", "the first face alone", "every",
         (".clamp(-1, 1)", ".clamp(-1, 1).where(torch.arange(len(images)).view(-1, 1, 1, 1) < 1, images)")),
        ("damage", "more of the faces, not more damage", "every",
         (".clamp(-1, 1)", ".clamp(-1, 1).where(torch.rand(len(images), 1, 1, 1, generator=g) < severity, images)")),
        ("interval", "no mean", "answers", ("x.mean().item(), ", "")),
        ("interval", "clean − damaged", "mean", ("    return x.mean()", "    return -x.mean()")),
        ("interval", "always worse", "mean", ("    return x.mean()", "    return -x.mean().abs()")),
        ("interval", "never better", "mean",
         ("means.quantile(1 - tail).item()", "min(means.quantile(1 - tail).item(), 0.0)")),
        ("interval", "the last face is never drawn", "everyone", ("randint(len(x)", "randint(len(x) - 1")),
        ("interval", "faces not paired", "paired",
         ("x = damaged - clean", "x = damaged[torch.randperm(len(clean), generator=torch.Generator()"
                                 ".manual_seed(1))] - clean")),
        ("interval", "nobody's seed", "repeats", (", generator=g", "")),
        ("interval", "seed ignored", "repeats", ("manual_seed(seed)", "manual_seed(0)")),
        ("interval", "level ignored", "level", ("(1 - level)", "0.05")),
        ("interval", "spread of the faces, not of the mean", "shrinks",
         ("means.quantile(tail).item(), means.quantile(1 - tail)",
          "x.quantile(tail).item(), x.quantile(1 - tail)")),
        ("interval", "one standard error too few", "level",
         ("tail = (1 - level) / 2", "tail = 0.5 - level / 4")),
        ("interval", "90 % for 95 %", "level", ("(1 - level) / 2", "1 - level")),
        ("interval", "97.5 % for 95 %", "level", ("(1 - level) / 2", "(1 - level) / 4")),
        ("interval", "in place", "unchanged", ("x = damaged - clean", "x = damaged.sub_(clean)")),
        ("interval", "the median's", "covers", (".mean(1)", ".median(1).values")),
        ("interval", "half samples", "covers", ("(500, len(x))", "(500, len(x) // 2)")),
        ("interval", "a tenth too wide", "covers",
         ("    tail = ", "    means = means + 0.1 * (means - x.mean())\n    tail = ")),
        ("interval", "the whole width taken for both halves", "covers",
         ("tail = (1 - level) / 2", "tail = (1 - level) / 2\n    means = (means + x.mean()) / 2")),
    ]
]  # fmt: skip
MUTANTS += [
    ("interval", name, fails, STANDARD_ERRORS.replace(*change))
    for name, fails, change in [
        ("variance for standard deviation", "spread", ("x.std()", "x.var()")),
        ("1 dB for everybody", "paired", ("x.std()", "1")),
        ("around the median", "covers", ("mean - half, mean + half", "mean - 0.5 * half, mean + 1.5 * half")),
    ]
]  # fmt: skip
