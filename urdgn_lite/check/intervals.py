"""What must hold for an interval around a measured difference."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch

from urdgn_lite.check.engine import HALF, Failed, Plain, Suite, holds, same
from urdgn_lite.check.tensors import Watch, several


class Interval(Suite):
    """An interval: `fn(clean, damaged, level=0.95, seed=0)` → (mean, low, high).

    `clean` and `damaged` hold one number a face, the same faces in the same order.
    """

    name, where = "interval", "assignment 4, “An interval”"

    def call(self, function: Callable[..., Any], request: Plain) -> Plain:
        """Call a learner's function on each of several drawn samples."""
        generator = torch.Generator().manual_seed(request["draw"])
        n, found, changed = request["n"], [], []
        for trial in range(request["trials"]):
            faces, drop = (
                torch.randn(n, generator=generator, dtype=torch.float64) for _ in range(2)
            )
            clean = 25 + request["faces"] * faces
            damaged = clean + request["mean"] + request["sd"] * drop
            if "other" in request:  # one face apart from all the rest
                damaged[request["other"]] += 5
            if request.get("reversed"):
                clean, damaged = clean.flip(0), damaged.flip(0)
            change, watch = damaged - clean, Watch({"clean": clean, "damaged": damaged})
            how = {"level": request["level"], "seed": request["seed"] + trial}
            result = several(function(clean, damaged, **how), 3)
            changed += watch.changes()
            if not result:
                return {"error": "three numbers were expected: mean, low, high"}
            spread = (change.std() / math.sqrt(n)).item()
            found.append([*map(float, result), change.mean().item(), spread])
        return {"found": found, "changed": changed}

    def tell(self, request: Plain) -> str:
        drop = f"{abs(request['mean']):g} dB {'worse' if request['mean'] < 0 else 'better'}"
        on = f"{request['n']} faces, each {drop} when damaged, give or take {request['sd']:g} dB, "
        return on + f"level = {request['level']}, seed = {request['seed']}"

    def question(self, **how: Any) -> Plain:
        """A question about n faces, each `mean` dB worse, give or take `sd`."""
        plain = {"n": 50, "mean": self.pick(-2, -1), "sd": 0.5, "faces": 2.0, "trials": 1}
        return plain | {"level": 0.95, "seed": 0, "draw": self.rng.randrange(10**6)} | how

    def measure(self, **request: Any) -> list[list[float]]:
        """[mean, low, high, actual mean, standard error] of each trial."""
        found: list[list[float]] = self.ask(**request)["found"]
        return found

    @holds("returns three finite numbers: mean, low, high")
    def answers(self) -> None:
        ((mean, low, high, *_),) = self.measure(**self.question())
        if not all(math.isfinite(v) for v in (mean, low, high)):
            raise Failed(f"it returned {mean:g}, {low:g}, {high:g}")
        if low > high:
            raise Failed(f"low = {low:.3g} is above high = {high:.3g}")

    @holds("leaves its arguments as they were")
    def unchanged(self) -> None:
        self.kept(**self.question())

    @holds("the mean is that of damaged − clean: worse is negative", costs=HALF)
    def mean(self) -> None:
        for truth in (self.pick(-2, -1), self.pick(1, 2)):
            ((mean, low, high, actual, _),) = self.measure(**self.question(mean=truth))
            same(mean, actual, f"it says {mean:+.3f} dB")
            if not low <= mean <= high:
                raise Failed(f"{mean:+.3f} dB is not between {low:+.3f} and {high:+.3f}")

    @holds("it compares each face with itself", costs=HALF)
    def paired(self) -> None:
        ((_, low, high, *_),) = self.measure(**self.question(sd=0.0, faces=5.0))
        if high - low > 1e-3:
            why = f"every face lost exactly as much, yet the interval is {high - low:.2g} dB wide"
            raise Failed(why)

    @holds("the same seed gives the same interval, another draws anew")
    def repeats(self) -> None:
        question = self.question(seed=5)

        def ends(**how: Any) -> list[float]:
            return self.measure(**question | how)[0][1:3]

        one, two = ends(), ends()
        if one != two:
            raise Failed(f"({one[0]:.4f}, {one[1]:.4f}), then ({two[0]:.4f}, {two[1]:.4f})",
                         "the same faces and seed, twice")  # fmt: skip
        turned = ends(reversed=True)
        if math.dist(one, turned) > 1e-4 and one == ends(seed=6):
            why = "it depends on chance (the faces in another order give another interval), yet "
            raise Failed(
                why + "another seed changes nothing: the seed is not used", "seeds 5 and 6"
            )

    # A bootstrap's ends are themselves drawn: of 200 resamples, the width of one trial at 95 %
    # varies by 7 %, at 50 % by 9 %. The bounds below are five standard errors of their averages
    # away from what is right, with few trials: a slow loop must be done in time as well.
    def widths(self, *cases: Plain) -> list[float]:
        """How wide the interval is on the same draw, in standard errors of the sample's mean."""
        question = self.question(mean=-1.0, trials=12)
        return [wide(self.measure(**question | case)) for case in cases]

    def equal(self, one: float, other: float, why: str) -> None:
        """Fail unless two widths, each in its own standard errors, are the same."""
        if not 0.75 < one / max(other, 1e-9) < 1.35:
            raise Failed(why)

    @holds("surer means wider", needs=("answers", "paired"))
    def level(self) -> None:
        narrow, broad = self.widths({"level": 0.5}, {"level": 0.95})
        # 1.96 and 0.674 standard errors on each side: 2.9 times as wide
        if not 2.4 * narrow < broad < 3.7 * narrow:
            why = f"from level 0.5 to 0.95 it grows from {narrow:.2g} to {broad:.2g} standard "
            raise Failed(why + "errors; about 3 times as much was expected", "the same 50 faces")

    @holds("three times the spread, three times the width", needs=("answers", "paired", "level"))
    def spread(self) -> None:
        calm, wild = self.widths({"sd": 0.4}, {"sd": 1.2})
        why = f"with 0.4 dB between faces it is {0.4 * calm:.2g} wide, with 1.2 dB {1.2 * wild:.2g}"
        self.equal(wild, calm, why + " (in units of 1/√n dB)")

    @holds("four times the faces, half the width", needs=("answers", "paired", "level"))
    def shrinks(self) -> None:
        few, many = self.widths({"n": 50}, {"n": 200})
        why = f"50 faces: {few / math.sqrt(50):.2g} spreads wide; 200: {many / math.sqrt(200):.2g}"
        self.equal(few, many, why)

    @holds("95 of 100 intervals would hold the truth", costs=HALF,
           needs=("answers", "mean", "paired", "level", "spread", "shrinks"))  # fmt: skip
    def covers(self) -> None:
        found = self.measure(**self.question(n=100, sd=0.7, trials=80))
        if not 0.94 < wide(found) / 3.92 < 1.05:
            share = math.erf(wide(found) / 2 / math.sqrt(2))
            told = f"{wide(found):.2f} standard errors wide: that holds the truth in {share:.0%}"
            raise Failed(told)
        off = [abs((low + high) / 2 - mean) / error for _, low, high, mean, error in found]
        if sum(off) / len(off) > 0.3:
            raise Failed("the mean does not lie in the middle of the interval")

    @holds("every face counts, the first and the last", needs=("paired", "covers"))
    def everyone(self) -> None:
        for place, words in ((0, "the first"), (19, "the last")):
            ((_, low, high, *_),) = self.measure(**self.question(n=20, sd=0.0, other=place))
            if high - low < 1e-3:
                why = f"{words} face differs by 5 dB from the others, yet the interval is "
                raise Failed(why + f"{high - low:.2g} dB wide")


def wide(found: list[list[float]]) -> float:
    """How wide intervals are on average, in standard errors of the sample's mean."""
    return sum((high - low) / error for _, low, high, _, error in found) / len(found)


interval = Interval()
