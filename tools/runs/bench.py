"""How fast: `python tools/runs/bench.py` writes `results/bench.json` (`--out` elsewhere).

Everything that is compared takes turns in one run (A, B, A, B, …), so that a busy or a hot machine
slows all alike; a ratio is taken round by round, and given as median, lowest, highest.
"""

import argparse
import statistics
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.benchmark import Timer
from torch.utils.flop_counter import FlopCounterMode, flop_registry

from urdgn_lite import presets, store, zoo
from urdgn_lite.degrade import downsample, to_float
from urdgn_lite.faces import Shards, load, write_shards
from urdgn_lite.measure.evaluate import ledger
from urdgn_lite.networks import build_generator
from urdgn_lite.provenance import circumstances
from urdgn_lite.run import Run
from urdgn_lite.train import algorithm_1, step

BATCH = {"cpu": 16, "cuda": 256}  # faces at a time, beside one alone
AT_MOST = {"cpu": 4}  # faces an update: `released` takes seconds for four on one CPU core
SIDE = {"cpu": 2048, "cuda": 8192}  # of the square matrices whose product is timed
COPIED = {"cpu": 2**28, "cuda": 2**31}  # bytes

Work = Callable[[], float]  # does some of it, and returns how much
Spread = list[float]  # median, lowest, highest


def alternate(works: Mapping[str, Work], seconds: float, rounds: int) -> dict[str, list[float]]:
    """The rate of each work (what it returns, a second), once a round, by turns.

    Parameters
    ----------
    seconds : for one work, all its rounds together; a turn takes one step at least.
    """
    amounts = {name: work() for name, work in works.items()}  # warms up: kernels are chosen
    timers = {name: Timer("work()", globals={"work": work}) for name, work in works.items()}
    turns = {
        name: max(1, round(seconds / rounds / timer.timeit(1).mean))
        for name, timer in timers.items()
    }
    rates: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(rounds):
        for name, timer in timers.items():
            rates[name].append(amounts[name] / timer.timeit(turns[name]).mean)
    return rates


def spread(values: Sequence[float]) -> Spread:
    """Median, lowest, highest, to four digits."""
    found = statistics.median(values), min(values), max(values)
    return [float(f"{value:.4g}") for value in found]


def ratio(a: Sequence[float], b: Sequence[float], factor: float = 1) -> Spread:
    """Spread of factor · a / b, round by round."""
    return spread([factor * x / y for x, y in zip(a, b, strict=True)])


class _Traffic(TorchDispatchMode):
    """Counts the bytes that convolutions and matrix products take in and give out."""

    total = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        if func.overloadpacket in flop_registry:
            tensors = [t for t in tree_leaves((args, result)) if isinstance(t, Tensor)]
            self.total += sum(t.numel() * t.element_size() for t in tensors)
        return result


def cost(work: Work) -> dict[str, float]:
    """FLOPs, and the bytes that must be moved at least, for one face.

    A multiplication and an addition are two FLOPs. Only convolutions and matrix products count,
    forward and backward: each reads its operands once and writes its results once. All else is
    taken to be fused into them. So no implementation layer by layer does with less, but caches that
    hold a small network's activations do.
    """
    with FlopCounterMode(display=False) as flops, _Traffic() as traffic:
        faces = work()
    return {"flops": flops.get_total_flops() / faces, "bytes": traffic.total / faces}


def ceilings(device: str) -> dict[str, Work]:
    """What the device can do: FLOPs of square matrix products, bytes read and written by a copy."""
    side = SIDE[device]
    source = torch.ones(COPIED[device], dtype=torch.uint8, device=device)
    target = torch.zeros_like(source)

    def multiply(a: Tensor) -> float:
        torch.mm(a, a)
        return 2 * side**3

    def copy() -> float:
        target.copy_(source)
        return 2 * source.numel()

    a = torch.randn(side, side, device=device)
    b = a.bfloat16()
    return {
        "matmul_float32": lambda: multiply(a),
        "matmul_bfloat16": lambda: multiply(b),
        "copy": copy,
    }


def using(G: nn.Module | Callable[[Tensor], Tensor], lr: Float[Tensor, "b 3 16 16"]) -> Work:
    """A generator on LR faces that are on the device already."""

    @torch.no_grad()
    def work() -> float:
        G(lr)
        return len(lr)

    return work


def runs(work: Work) -> bool:
    """Whether it works here: `torch.compile` needs a C++ compiler."""
    try:
        work()
    except Exception as error:
        print(f"not measured: {str(error).splitlines()[0]}")
        return False
    return True


def training(preset: presets.Preset, images: Shards | UInt8[Tensor, "n 3 128 128"]) -> Work:
    """Algorithm 1 as `train` runs it: both players move at every step."""
    run = Run.begin(preset.but(game="algorithm_1"), start="", data={"n": len(images)})
    run.to(images.device)

    def work() -> float:
        step(run, images, algorithm_1)
        return min(preset.batch, len(images))

    return work


def bench(
    names: Sequence[str],
    images: UInt8[Tensor, "n 3 128 128"],
    *,
    against: str = "released",
    seconds: float = 5,
    rounds: int = 5,
    compiled: bool = True,
    shards: Shards | None = None,
) -> dict[str, Any]:
    """Measure presets: what a face costs, faces a second in use, then in training.

    Parameters
    ----------
    names : presets. Their weights are freshly drawn: speed does not depend on them.
    against : the bare preset to compare with; who trains against a D, with its `-gan`.
    seconds : for one measurement, its rounds together; a round takes one step at least.
    compiled : measure `torch.compile` too, where it works.
    shards : faces to train on from disk too, beside `images` in memory.

    Returns
    -------
    `limits` (FLOP/s of matrix products, bytes/s of a copy); a row a network in `use` (speed one
    face at a time, `batch` many at a time, `compiled` one at a time) and a row a preset in
    `training`, and again for shards. `of_…` are shares of the device's rates, `x_…` ratios of
    speeds.
    """
    device = images.device.type
    chosen = {n: presets.get(n) for n in dict.fromkeys([against, *names])}
    if any(p.discriminator for p in chosen.values()):
        chosen.setdefault(f"{against}-gan", presets.get(f"{against}-gan"))
    bare = {str(p.generator): n for n, p in reversed(chosen.items()) if p.discriminator is None}
    limits = ceilings(device)
    one, many = (
        downsample(to_float(images[torch.arange(n) % len(images)])) for n in (1, BATCH[device])
    )
    use: dict[str, Work] = {}
    for name in reversed(bare.values()):
        G = build_generator(presets.get(name)).to(device).eval()
        use |= {name: using(G, one), f"{name}, many": using(G, many)}
        fast = {f"{name}, compiled": using(torch.compile(G), one)} if compiled else {}
        use |= {label: work for label, work in fast.items() if runs(work)}
    sizes = {n: min(p.batch, AT_MOST.get(device, p.batch)) for n, p in chosen.items()}
    learn = {n: training(p.but(batch=sizes[n]), images) for n, p in chosen.items()}
    streamed = {n: f"{n}, shards" for n in bare.values()} if shards else {}
    learn |= {s: training(chosen[n].but(batch=sizes[n]), shards) for n, s in streamed.items()}
    used = alternate(use | limits, seconds, rounds)
    learnt = alternate(learn | limits, seconds, rounds)

    def row(name: str, work: Work, rates: Mapping[str, list[float]], rival: str) -> dict[str, Any]:
        costs = cost(work)
        return {
            "preset": name,
            "speed": spread(rates[name]),
            "x_rival": ratio(rates[name], rates[rival]),
            **costs,
            "of_matmul": ratio(rates[name], rates["matmul_float32"], costs["flops"]),
            "of_copy": ratio(rates[name], rates["copy"], costs["bytes"]),
        }

    rows = []
    for name in reversed(bare.values()):
        extra = {"at_a_time": 1, "batch": [len(many), *spread(used[f"{name}, many"])]}
        if f"{name}, compiled" in used:
            extra["compiled"] = spread(used[f"{name}, compiled"])
        rows.append(row(name, use[name], used, against) | extra)
    trained = [
        row(name, learn[name], learnt, against if p.discriminator is None else f"{against}-gan")
        | {"batch": sizes[name], "feed": "memory"}
        for name, p in chosen.items()
    ]
    trained += [
        {
            "preset": name,
            "batch": sizes[name],
            "feed": "shards",
            "speed": spread(learnt[label]),
            "x_memory": ratio(learnt[label], learnt[name]),
        }
        for name, label in streamed.items()
    ]
    return {
        "against": against,
        "bf16": False,
        "seconds": seconds,
        "rounds": rounds,
        "limits": {name: spread(used[name]) for name in limits},
        "use": rows,
        "training": trained,
        **circumstances(),
    }


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    family = ",".join(f"{name},{name}-gan" for name in zoo.FAMILY)
    parser.add_argument("--presets", default=family)
    parser.add_argument("--against", default="released")
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--no-compile", action="store_true")
    parser.add_argument("--out", type=Path, default=ledger() / "bench.json")
    options = parser.parse_args()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    images = load("imaginary", "train").images.to(device)
    with tempfile.TemporaryDirectory() as folder:
        write_shards("imaginary", Path(folder) / "shards")
        found = bench(
            options.presets.split(","),
            images,
            against=options.against,
            seconds=options.seconds,
            compiled=not options.no_compile,
            shards=Shards(Path(folder) / "shards", "train").to(device),
        )
    for part in ("use", "training"):
        for one in found[part]:
            if one.get("feed") == "shards":
                print(f"{part:9}{one['preset']:20}{one['x_memory'][0]:>10.3g} × from shards")
                continue
            print(
                f"{part:9}{one['preset']:20}{one['speed'][0]:>10.4g} faces/s"
                f"{one['x_rival'][0]:>10.3g} × {options.against}"
                f"{one['of_matmul'][0]:>8.1%} of matmul"
            )
    store.write_json(options.out, found)


if __name__ == "__main__":
    main()
