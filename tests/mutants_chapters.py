"""Wrong answers to the chapters' exercises, in the form of `mutants.py`."""

# ruff: noqa: E501 - a mutant a line reads best
from __future__ import annotations

HEAD = """
import math
import torch
from urdgn_lite import degrade
from urdgn_lite.measure import damages, metrics
from urdgn_lite.degrade import downsample, upsample_bicubic
"""

RIGHT_ONES = {task: HEAD + code for task, code in {
    "flicker": """
def f(images, method):
    moved = images.roll(1, dims=3)
    change = downsample(moved, method) - downsample(images, method)
    return change.abs().mean() * 127.5
""",
    "shifted": """
def f(images, pixels):
    baseline = metrics.psnr(upsample_bicubic(downsample(images)), images)
    moved = metrics.psnr(images.roll(pixels, dims=3), images)
    return (moved < baseline).float().mean()
""",
    "best_psnr": """
def f(generated, real, reach):
    inner = (..., slice(reach, -reach), slice(reach, -reach))
    tried = []
    for dx in range(-reach, reach + 1):
        for dy in range(-reach, reach + 1):
            moved = damages.shift(generated, dx, dy)
            tried.append(metrics.psnr(moved[inner], real[inner]))
    return torch.stack(tried).amax(0)
""",
    "best_value": """
def f(p, q, x):
    inside = p * (p / (p + q)).log() + q * (q / (p + q)).log()
    return torch.trapezoid(inside.nan_to_num(), x)
""",
    "equal_pushes": """
def f(d, pixels):
    return d.norm() / pixels.norm()
""",
    "same_push": """
def f(lam, images):
    return lam / images[0].numel()
""",
    "deconvolution": """
def f(x, kernel, stride, padding):
    k = len(kernel)
    h, w = ((n - 1) * stride + k for n in x.shape)
    out = torch.zeros(h, w)
    for i in range(x.shape[0]):
        for j in range(x.shape[1]):
            out[i * stride : i * stride + k, j * stride : j * stride + k] += x[i, j] * kernel
    return out[padding : h - padding, padding : w - padding]
""",
    "receptive_field": """
def f(layers):
    seen, jump = 1, 1
    for kernel, stride in layers:
        seen += (kernel - 1) * jump
        jump *= stride
    return seen
""",
    "cost": """
def f(c_in, c_out, kernel, side):
    weights = c_in * c_out * kernel**2
    return weights + c_out, weights * side**2
""",
    "unbiased": """
def f(delta, alpha, t):
    return delta / (1 - alpha**t)
""",
    "order": """
def f(n, batch, steps, seed):
    g = torch.Generator().manual_seed(seed)
    order = []
    while len(order) < batch * steps:
        order += torch.randperm(n, generator=g).tolist()
    return order[: batch * steps]
""",
    "covered": """
def f(images, box):
    left, top, right, bottom = box
    covered = images.clone()
    colour = images.mean((2, 3), keepdim=True)
    covered[:, :, top:bottom, left:right] = colour
    return covered
""",
    "normalised": """
def f(x, mean, var, training):
    if training:
        mean, var = x.mean((0, 2, 3)), x.var((0, 2, 3), unbiased=False)
    mean, var = mean.view(1, -1, 1, 1), var.view(1, -1, 1, 1)
    return (x - mean) / (var + 1e-5).sqrt()
""",
    "upright": """
def f(lr, mean, angles):
    x = torch.arange(16) - 7.5
    kept = x[:, None] ** 2 + x[None, :] ** 2 <= 7.5**2

    def inside(images):
        values = images[..., kept].flatten(1)
        values = values - values.mean(1, keepdim=True)
        return values / values.norm(dim=1, keepdim=True)

    fits = [(inside(damages.rotate(lr, -d)) * inside(mean)).sum(1) for d in angles.tolist()]
    return angles[torch.stack(fits).argmax(0)]
""",
}.items()}  # fmt: skip
MUTANTS = [
    (task, name, fails, RIGHT_ONES[task].replace(*change))
    for task, name, fails, change in [
        ("flicker", "one number a face", "right", (".mean() *", ".mean((1, 2, 3)) *")),
        ("flicker", "a step to the left", "right", (".roll(1,", ".roll(-1,")),
        ("shifted", "counts the wins", "right", ("moved < baseline", "moved > baseline")),
        ("shifted", "a tie is lost", "right", ("moved < baseline", "moved <= baseline")),
        ("shifted", "against the 23.2 dB of other faces", "right", ("moved < baseline", "moved < 23.2")),
        ("best_psnr", "one number for all", "answers", ("amax(0)", "amax()")),
        ("best_psnr", "the worst move", "right", ("amax(0)", "amin(0)")),
        ("best_psnr", "one move for all faces", "right", ("torch.stack(tried).amax(0)", "max(tried, key=lambda t: t.mean())")),
        ("best_value", "no integral", "answers", ("torch.trapezoid(inside.nan_to_num(), x)", "inside")),
        ("equal_pushes", "an image of λs", "answers", ("d.norm() / pixels.norm()", "d / pixels")),
        ("same_push", "a λ for each pixel", "answers", ("images[0].numel()", "torch.ones(3, 8, 8)")),
        ("deconvolution", "still empty", "right", ("+=", "+= 0 *")),
        ("deconvolution", "stride times n", "answers", ("(n - 1) * stride + k", "n * stride + k")),
        ("receptive_field", "one number a layer", "answers", ("return seen", "return [seen]")),
        ("receptive_field", "sum of the kernels", "right",
         ("    return seen", "    return seen if len(layers) == 1 else seen + len(layers) - 1")),
        ("cost", "parameters alone", "answers", (", weights * side**2", "")),
        ("cost", "kernel not squared", "right", ("kernel**2\n", "kernel**2\n    bias = -c_in * c_out * kernel\n    c_out += bias\n")),
        ("unbiased", "in place", "unchanged", ("delta / (1 - alpha**t)", "delta.div_(1 - alpha**t)")),
        ("order", "whole epochs only", "answers", ("order[: batch * steps]", "order + [0]")),
        ("order", "with replacement", "once", ("torch.randperm(n, generator=g)", "torch.randint(n, (n,), generator=g)")),
        ("order", "what fills no batch is dropped", "once", (".tolist()\n", "[: n - n % batch].tolist()\n")),
        ("order", "shuffled once", "shuffled",
         ("torch.randperm(n, generator=g).tolist()", "torch.randperm(n, generator=g.manual_seed(seed)).tolist()")),
        ("order", "nobody's seed", "repeats", (", generator=g", "")),
        ("order", "seed ignored", "repeats", ("manual_seed(seed)", "manual_seed(0)")),
        ("order", "the length stirs the seed", "resume", ("manual_seed(seed)", "manual_seed(seed + steps)")),
        ("covered", "in place", "unchanged", ("covered = images.clone()", "covered = images")),
        ("covered", "one column too many", "right", ("left:right]", "left - 1 : right]")),
        ("covered", "the last row left out", "right", ("top:bottom,", "top:bottom - 1,")),
        ("covered", "only darkened", "right", ("] = colour", "] *= 0.5")),
        ("covered", "black", "right", ("] = colour", "] = -1.0")),
        ("normalised", "divided by nothing", "right", ("(var + 1e-5).sqrt()", "(0 * var)")),
        ("normalised", "ε beside the root", "right", ("(var + 1e-5).sqrt()", "(var.sqrt() + 1e-5)")),
        ("normalised", "a large batch is believed at once", "right", ("if training:", "if training or len(x) > 2:")),
        ("normalised", "n − 1 for n", "right", (", unbiased=False", "")),
        ("normalised", "kept statistics overwritten", "unchanged",
         ("    if training:\n", "    if training:\n        torch.nn.functional.batch_norm(x, mean, var, training=True)\n")),
        ("normalised", "each face on its own", "right",
         ("    mean, var = mean.view", "    if training:\n        return (x - x.mean((2, 3), keepdim=True)) / (x.var((2, 3), keepdim=True) + 1e-5).sqrt()\n    mean, var = mean.view")),
        ("normalised", "all channels together", "right",
         ("x.mean((0, 2, 3)), x.var((0, 2, 3), unbiased=False)", "x.mean().expand(3), x.var().expand(3)")),
        ("upright", "how well it fits", "right", ("angles[torch.stack(fits).argmax(0)]", "torch.stack(fits).amax(0)")),
        ("upright", "the place in the list", "right", ("angles[torch.stack(fits).argmax(0)]", "torch.stack(fits).argmax(0) + 1")),
        ("upright", "the worst fit", "right", ("argmax", "argmin")),
        ("upright", "never to the right", "right", ("-d))", "-abs(d)))")),
        ("upright", "one angle for all", "right", ("argmax(0)]", "sum(1).argmax()].expand(len(lr))")),
    ]
]  # fmt: skip
# The faults that any function of tensors can have.
TEXT = "\ndef f(*given):\n    return 'soon'\n"
OVERWRITTEN = """
right = f
def f(*given):
    found = torch.as_tensor(right(*given)).clone()
    next(a for a in given if isinstance(a, torch.Tensor)).add_(1)
    return found
"""
MUTANTS += [
    (task, name, fails, RIGHT_ONES[task] + code)
    for name, fails, code, tasks in [
        ("a text", "answers", TEXT,
         ("normalised", "upright", "covered", "flicker", "shifted", "unbiased")),
        ("the first argument overwritten", "unchanged", OVERWRITTEN,
         ("deconvolution", "upright", "best_psnr", "flicker", "shifted", "best_value",
          "equal_pushes", "same_push")),
    ]
    for task in tasks
]  # fmt: skip
