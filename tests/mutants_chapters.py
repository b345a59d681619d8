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

FLICKER = (
    HEAD
    + """
def f(images, method):
    moved = images.roll(1, dims=3)
    change = downsample(moved, method) - downsample(images, method)
    return change.abs().mean() * 127.5
"""
)
SHIFTED = (
    HEAD
    + """
def f(images, pixels):
    baseline = metrics.psnr(upsample_bicubic(downsample(images)), images)
    moved = metrics.psnr(images.roll(pixels, dims=3), images)
    return (moved < baseline).float().mean()
"""
)
BEST_PSNR = (
    HEAD
    + """
def f(generated, real, reach):
    inner = (..., slice(reach, -reach), slice(reach, -reach))
    tried = []
    for dx in range(-reach, reach + 1):
        for dy in range(-reach, reach + 1):
            moved = damages.shift(generated, dx, dy)
            tried.append(metrics.psnr(moved[inner], real[inner]))
    return torch.stack(tried).amax(0)
"""
)
BEST_VALUE = (
    HEAD
    + """
def f(p, q, x):
    inside = p * (p / (p + q)).log() + q * (q / (p + q)).log()
    return torch.trapezoid(inside.nan_to_num(), x)
"""
)
EQUAL_PUSHES = HEAD + "\ndef f(d, pixels):\n    return d.norm() / pixels.norm()\n"
SAME_PUSH = HEAD + "\ndef f(lam, images):\n    return lam / images[0].numel()\n"
DECONVOLUTION = (
    HEAD
    + """
def f(x, kernel, stride, padding):
    k = len(kernel)
    h, w = ((n - 1) * stride + k for n in x.shape)
    out = torch.zeros(h, w)
    for i in range(x.shape[0]):
        for j in range(x.shape[1]):
            out[i * stride : i * stride + k, j * stride : j * stride + k] += x[i, j] * kernel
    return out[padding : h - padding, padding : w - padding]
"""
)
RECEPTIVE_FIELD = (
    HEAD
    + """
def f(layers):
    seen, jump = 1, 1
    for kernel, stride in layers:
        seen += (kernel - 1) * jump
        jump *= stride
    return seen
"""
)
COST = (
    HEAD
    + """
def f(c_in, c_out, kernel, side):
    weights = c_in * c_out * kernel**2
    return weights + c_out, weights * side**2
"""
)
UNBIASED = HEAD + "\ndef f(delta, alpha, t):\n    return delta / (1 - alpha**t)\n"
ORDER = (
    HEAD
    + """
def f(n, batch, steps, seed):
    g = torch.Generator().manual_seed(seed)
    order = []
    while len(order) < batch * steps:
        order += torch.randperm(n, generator=g).tolist()
    return order[: batch * steps]
"""
)
COVERED = (
    HEAD
    + """
def f(images, box):
    left, top, right, bottom = box
    covered = images.clone()
    colour = images.mean((2, 3), keepdim=True)
    covered[:, :, top:bottom, left:right] = colour
    return covered
"""
)
NORMALISED = (
    HEAD
    + """
def f(x, mean, var, training):
    if training:
        mean, var = x.mean((0, 2, 3)), x.var((0, 2, 3), unbiased=False)
    mean, var = mean.view(1, -1, 1, 1), var.view(1, -1, 1, 1)
    return (x - mean) / (var + 1e-5).sqrt()
"""
)
UPRIGHT = (
    HEAD
    + """
def f(lr, mean, angles):
    x = torch.arange(16) - 7.5
    kept = x[:, None] ** 2 + x[None, :] ** 2 <= 7.5**2

    def inside(images):
        values = images[..., kept].flatten(1)
        values = values - values.mean(1, keepdim=True)
        return values / values.norm(dim=1, keepdim=True)

    fits = [(inside(damages.rotate(lr, -d)) * inside(mean)).sum(1) for d in angles.tolist()]
    return angles[torch.stack(fits).argmax(0)]
"""
)
RIGHT_ONES = {
    "flicker": FLICKER, "shifted": SHIFTED, "best_psnr": BEST_PSNR, "best_value": BEST_VALUE, "equal_pushes": EQUAL_PUSHES,
    "same_push": SAME_PUSH, "deconvolution": DECONVOLUTION, "receptive_field": RECEPTIVE_FIELD,
    "cost": COST, "unbiased": UNBIASED, "order": ORDER,
    "covered": COVERED, "normalised": NORMALISED,
    "upright": UPRIGHT,
}  # fmt: skip
MUTANTS = [
    (task, name, fails, RIGHT_ONES[task].replace(*change))
    for task, name, fails, change in [
        ("flicker", "one number a face", "right", (".mean() *", ".mean((1, 2, 3)) *")),
        ("flicker", "signs cancel", "right", ("change.abs()", "0 * change")),
        ("flicker", "moved down", "right", ("dims=3", "dims=2")),
        ("flicker", "method ignored", "right", ("moved, method) - downsample(images, method)", "moved) - downsample(images)")),
        ("flicker", "values from −1 to 1", "right", (" * 127.5", "")),
        ("flicker", "255 for a range of 2", "right", ("127.5", "255")),
        ("flicker", "the largest change", "right", (".mean()", ".amax()")),
        ("shifted", "percent", "right", ("mean()\n", "mean() * 100\n")),
        ("shifted", "counts the wins", "right", ("moved < baseline", "moved > baseline")),
        ("shifted", "one pixel further", "right", ("roll(pixels", "roll(pixels + 1")),
        ("shifted", "moved down", "right", ("dims=3", "dims=2")),
        ("shifted", "means compared", "right",
         ("(moved < baseline)", "(moved.clamp(max=99).mean() < baseline.clamp(max=99).mean())")),
        ("shifted", "against the aliased baseline", "right", ("downsample(images)", "downsample(images, 'aliased')")),
        ("shifted", "the moved face enlarged", "right", ("downsample(images)", "downsample(images.roll(pixels, 3))")),
        ("shifted", "a tie is lost", "right", ("moved < baseline", "moved <= baseline")),
        ("shifted", "against the mean baseline", "right", ("moved < baseline", "moved < baseline.mean()")),
        ("shifted", "against the 23.2 dB of other faces", "right", ("moved < baseline", "moved < 23.2")),
        ("best_psnr", "one number for all", "answers", ("amax(0)", "amax()")),
        ("best_psnr", "the worst move", "right", ("amax(0)", "amin(0)")),
        ("best_psnr", "to the right alone", "right", ("dx in range(-reach,", "dx in range(0,")),
        ("best_psnr", "to the left alone", "right", ("dx in range(-reach, reach + 1)", "dx in range(-reach, 1)")),
        ("best_psnr", "never up or down", "right", ("dy in range(-reach, reach + 1)", "dy in (0,)")),
        ("best_psnr", "one direction at a time", "right", ("moved = damages", "if dx * dy: continue\n            moved = damages")),
        ("best_psnr", "four times the reach", "right", ("    tried = []", "    reach, tried = 4 * reach, []")),
        ("best_psnr", "one move for all faces", "right", ("torch.stack(tried).amax(0)", "max(tried, key=lambda t: t.mean())")),
        ("best_value", "no integral", "answers", ("torch.trapezoid(inside.nan_to_num(), x)", "inside")),
        ("best_value", "sum over the grid", "right", ("torch.trapezoid(inside.nan_to_num(), x)",
                                                    "inside.nan_to_num().sum()")),
        ("best_value", "only real images", "right", (" + q * (q / (p + q)).log()", "")),
        ("best_value", "logarithm to base 2", "right", (".log()", ".log2()")),
        ("best_value", "half of each crowd", "right", ("inside.nan_to_num()", "inside.nan_to_num() / 2")),
        ("best_value", "0 · log 0 is NaN", "right", (".nan_to_num()", "")),
        ("equal_pushes", "an image of λs", "answers", ("d.norm() / pixels.norm()", "d / pixels")),
        ("equal_pushes", "upside down", "right", ("d.norm() / pixels.norm()", "pixels.norm() / d.norm()")),
        ("equal_pushes", "squared lengths", "right",
         ("d.norm() / pixels.norm()", "d.square().sum() / pixels.square().sum()")),
        ("equal_pushes", "D's length alone", "right", (" / pixels.norm()", "")),
        ("equal_pushes", "the largest pixels", "right",
         ("d.norm() / pixels.norm()", "d.abs().max() / pixels.abs().max()")),
        ("same_push", "a λ for each pixel", "answers", ("images[0].numel()", "torch.ones(3, 8, 8)")),
        ("same_push", "λ = 100 for all", "right", ("lam /", "100 /")),
        ("same_push", "all faces counted", "right", ("images[0]", "images")),
        ("same_push", "multiplied", "right", ("lam /", "lam *")),
        ("same_push", "colours forgotten", "right", ("images[0]", "images[0, 0]")),
        ("same_push", "always a 128 × 128 face", "right", ("images[0].numel()", "49152")),
        ("deconvolution", "still empty", "right", ("+=", "+= 0 *")),
        ("deconvolution", "stride times n", "answers", ("(n - 1) * stride + k", "n * stride + k")),
        ("deconvolution", "padding ignored", "right", ("out[padding : h - padding, padding : w - padding]", "out")),
        ("deconvolution", "kernel turned round", "right", ("* kernel\n", "* kernel.flip(0, 1)\n")),
        ("deconvolution", "kernel transposed", "right", ("* kernel\n", "* kernel.T\n")),
        ("deconvolution", "the last stamp wins", "right", ("+=", "=")),
        ("deconvolution", "cut on two sides only", "right",
         ("out[padding : h - padding, padding : w - padding]", "out[2 * padding :, 2 * padding :]")),
        ("receptive_field", "one number a layer", "answers", ("return seen", "return [seen]")),
        ("receptive_field", "its own stride first", "right", ("        seen += (kernel - 1) * jump\n        jump *= stride",
                                                           "        jump *= stride\n        seen += (kernel - 1) * jump")),
        ("receptive_field", "sum of the kernels", "right",
         ("    return seen", "    return seen if len(layers) == 1 else seen + len(layers) - 1")),
        ("receptive_field", "strides ignored", "right", ("jump *= stride", "pass")),
        ("receptive_field", "strides added", "right", ("jump *= stride", "jump += stride - 1")),
        ("cost", "parameters alone", "answers", (", weights * side**2", "")),
        ("cost", "bias forgotten", "right", ("weights + c_out,", "weights,")),
        ("cost", "kernel not squared", "right", ("kernel**2\n", "kernel**2\n    bias = -c_in * c_out * kernel\n    c_out += bias\n")),
        ("cost", "side not squared", "right", ("side**2", "side")),
        ("cost", "biases multiplied", "right", (", weights * side**2", ", (weights + c_out) * side**2")),
        ("unbiased", "nothing corrected", "right", ("delta / (1 - alpha**t)", "delta.clone()")),
        ("unbiased", "in place", "unchanged", ("delta / (1 - alpha**t)", "delta.div_(1 - alpha**t)")),
        ("unbiased", "steps counted from 0", "right", ("alpha**t", "alpha ** (t + 1)")),
        ("unbiased", "α for 1 − α", "right", ("(1 - alpha**t)", "alpha**t")),
        ("unbiased", "as if every step were the first", "right", ("alpha**t", "alpha")),
        ("unbiased", "α t for α to the t", "right", ("alpha**t", "alpha * t")),
        ("order", "whole epochs only", "answers", ("order[: batch * steps]", "order + [0]")),
        ("order", "with replacement", "once", ("torch.randperm(n, generator=g)", "torch.randint(n, (n,), generator=g)")),
        ("order", "shuffled once", "shuffled",
         ("torch.randperm(n, generator=g).tolist()", "torch.randperm(n, generator=g.manual_seed(seed)).tolist()")),
        ("order", "nobody's seed", "repeats", (", generator=g", "")),
        ("order", "seed ignored", "repeats", ("manual_seed(seed)", "manual_seed(0)")),
        ("order", "the length stirs the seed", "resume", ("manual_seed(seed)", "manual_seed(seed + steps)")),
        ("covered", "nothing covered", "right", ("] = colour", "] += 0 * colour")),
        ("covered", "in place", "unchanged", ("covered = images.clone()", "covered = images")),
        ("covered", "one column too many", "right", ("left:right]", "left - 1 : right]")),
        ("covered", "the last row left out", "right", ("top:bottom,", "top:bottom - 1,")),
        ("covered", "only darkened", "right", ("] = colour", "] *= 0.5")),
        ("covered", "black", "right", ("] = colour", "] = -1.0")),
        ("covered", "grey", "right", ("images.mean((2, 3), keepdim=True)", "images.mean((1, 2, 3), keepdim=True)")),
        ("covered", "the box's own mean", "right",
         ("colour = images.mean", "colour = images[:, :, top:bottom, left:right].mean")),
        ("covered", "one colour for all", "right", ("images.mean((2, 3)", "images.mean((0, 2, 3)")),
        ("normalised", "divided by nothing", "right", ("(var + 1e-5).sqrt()", "(0 * var)")),
        ("normalised", "mean forgotten", "right", ("    return (x - mean)", "    return (x - mean * training)")),
        ("normalised", "variance for deviation", "right", ("(var + 1e-5).sqrt()", "((var + 1e-5).sqrt() if training else var + 1e-5)")),
        ("normalised", "a large batch is believed at once", "right", ("if training:", "if training or len(x) > 2:")),
        ("normalised", "n − 1 for n", "right", (", unbiased=False", "")),
        ("normalised", "kept statistics overwritten", "unchanged",
         ("    if training:\n", "    if training:\n        torch.nn.functional.batch_norm(x, mean, var, training=True)\n")),
        ("normalised", "each face on its own", "right",
         ("    mean, var = mean.view", "    if training:\n        return (x - x.mean((2, 3), keepdim=True)) / (x.var((2, 3), keepdim=True) + 1e-5).sqrt()\n    mean, var = mean.view")),
        ("normalised", "always the kept ones", "right", ("if training:", "if False:")),
        ("normalised", "all channels together", "right",
         ("x.mean((0, 2, 3)), x.var((0, 2, 3), unbiased=False)", "x.mean().expand(3), x.var().expand(3)")),
        ("upright", "how well it fits", "right", ("angles[torch.stack(fits).argmax(0)]", "torch.stack(fits).amax(0)")),
        ("upright", "the place in the list", "right", ("angles[torch.stack(fits).argmax(0)]", "torch.stack(fits).argmax(0) + 1")),
        ("upright", "the worst fit", "right", ("argmax", "argmin")),
        ("upright", "the turn that corrects it", "right", ("(lr, -d)", "(lr, d)")),
        ("upright", "never to the right", "right", ("-d))", "-abs(d)))")),
        ("upright", "one angle for all", "right", ("argmax(0)]", "sum(1).argmax()].expand(len(lr))")),
        ("upright", "squared differences", "right",
         ("(inside(damages.rotate(lr, -d)) * inside(mean)).sum(1)",
          "-(damages.rotate(lr, -d) - mean).square()[..., kept].flatten(1).sum(1)")),
        ("upright", "the whole square", "right", ("<= 7.5**2", "<= 999")),
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
