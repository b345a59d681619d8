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
        ("flicker", "one number a face", "average", (".mean() *", ".mean((1, 2, 3)) *")),
        ("flicker", "signs cancel", "answers", ("change.abs()", "0 * change")),
        ("flicker", "moved down", "sideways", ("dims=3", "dims=2")),
        ("flicker", "method ignored", "method", ("moved, method) - downsample(images, method)", "moved) - downsample(images)")),
        ("flicker", "values from −1 to 1", "levels", (" * 127.5", "")),
        ("flicker", "255 for a range of 2", "levels", ("127.5", "255")),
        ("flicker", "the largest change", "average", (".mean()", ".amax()")),
        ("shifted", "percent", "answers", ("mean()\n", "mean() * 100\n")),
        ("shifted", "counts the wins", "answers", ("moved < baseline", "moved > baseline")),
        ("shifted", "one pixel further", "unmoved", ("roll(pixels", "roll(pixels + 1")),
        ("shifted", "moved down", "sideways", ("dims=3", "dims=2")),
        ("shifted", "means compared", "each",
         ("(moved < baseline)", "(moved.clamp(max=99).mean() < baseline.clamp(max=99).mean())")),
        ("shifted", "against the 23.2 dB of other faces", "bicubic", ("moved < baseline", "moved < 23.2")),
        ("best_psnr", "one number for all", "answers", ("amax(0)", "amax()")),
        ("best_psnr", "the worst move", "answers", ("amax(0)", "amin(0)")),
        ("best_psnr", "to the right alone", "sideways", ("dx in range(-reach,", "dx in range(0,")),
        ("best_psnr", "to the left alone", "sideways", ("dx in range(-reach, reach + 1)", "dx in range(-reach, 1)")),
        ("best_psnr", "never up or down", "upright", ("dy in range(-reach, reach + 1)", "dy in (0,)")),
        ("best_psnr", "one direction at a time", "together", ("moved = damages", "if dx * dy: continue\n            moved = damages")),
        ("best_psnr", "four times the reach", "reach", ("    tried = []", "    reach, tried = 4 * reach, []")),
        ("best_psnr", "one move for all faces", "each", ("torch.stack(tried).amax(0)", "max(tried, key=lambda t: t.mean())")),
        ("best_value", "no integral", "answers", ("torch.trapezoid(inside.nan_to_num(), x)", "inside")),
        ("best_value", "sum over the grid", "grid", ("torch.trapezoid(inside.nan_to_num(), x)",
                                                    "inside.nan_to_num().sum()")),
        ("best_value", "only real images", "both", (" + q * (q / (p + q)).log()", "")),
        ("best_value", "logarithm to base 2", "equal", (".log()", ".log2()")),
        ("best_value", "half of each crowd", "equal", ("inside.nan_to_num()", "inside.nan_to_num() / 2")),
        ("best_value", "0 · log 0 is NaN", "apart", (".nan_to_num()", "")),
        ("equal_pushes", "an image of λs", "answers", ("d.norm() / pixels.norm()", "d / pixels")),
        ("equal_pushes", "upside down", "louder-d", ("d.norm() / pixels.norm()", "pixels.norm() / d.norm()")),
        ("equal_pushes", "squared lengths", "louder-d",
         ("d.norm() / pixels.norm()", "d.square().sum() / pixels.square().sum()")),
        ("equal_pushes", "D's length alone", "louder-pixels", (" / pixels.norm()", "")),
        ("equal_pushes", "the largest pixels", "equal",
         ("d.norm() / pixels.norm()", "d.abs().max() / pixels.abs().max()")),
        ("same_push", "a λ for each pixel", "answers", ("images[0].numel()", "torch.ones(3, 8, 8)")),
        ("same_push", "λ = 100 for all", "proportional", ("lam /", "100 /")),
        ("same_push", "all faces counted", "batch", ("images[0]", "images")),
        ("same_push", "multiplied", "push", ("lam /", "lam *")),
        ("same_push", "colours forgotten", "push", ("images[0]", "images[0, 0]")),
        ("same_push", "always a 128 × 128 face", "push", ("images[0].numel()", "49152")),
        ("deconvolution", "still empty", "answers", ("+=", "+= 0 *")),
        ("deconvolution", "stride times n", "size", ("(n - 1) * stride + k", "n * stride + k")),
        ("deconvolution", "padding ignored", "size", ("out[padding : h - padding, padding : w - padding]", "out")),
        ("deconvolution", "kernel turned round", "stamp", ("* kernel\n", "* kernel.flip(0, 1)\n")),
        ("deconvolution", "kernel transposed", "stamp", ("* kernel\n", "* kernel.T\n")),
        ("deconvolution", "the last stamp wins", "adds", ("+=", "=")),
        ("deconvolution", "cut on two sides only", "padding",
         ("out[padding : h - padding, padding : w - padding]", "out[2 * padding :, 2 * padding :]")),
        ("receptive_field", "one number a layer", "answers", ("return seen", "return [seen]")),
        ("receptive_field", "its own stride first", "one", ("        seen += (kernel - 1) * jump\n        jump *= stride",
                                                           "        jump *= stride\n        seen += (kernel - 1) * jump")),
        ("receptive_field", "sum of the kernels", "stacked",
         ("    return seen", "    return seen if len(layers) == 1 else seen + len(layers) - 1")),
        ("receptive_field", "strides ignored", "stride", ("jump *= stride", "pass")),
        ("receptive_field", "strides added", "strides", ("jump *= stride", "jump += stride - 1")),
        ("cost", "parameters alone", "answers", (", weights * side**2", "")),
        ("cost", "bias forgotten", "parameters", ("weights + c_out,", "weights,")),
        ("cost", "kernel not squared", "parameters", ("kernel**2\n", "kernel**2\n    bias = -c_in * c_out * kernel\n    c_out += bias\n")),
        ("cost", "side not squared", "places", ("side**2", "side")),
        ("cost", "biases multiplied", "products", (", weights * side**2", ", (weights + c_out) * side**2")),
        ("unbiased", "nothing corrected", "answers", ("delta / (1 - alpha**t)", "delta.clone()")),
        ("unbiased", "in place", "unchanged", ("delta / (1 - alpha**t)", "delta.div_(1 - alpha**t)")),
        ("unbiased", "steps counted from 0", "first", ("alpha**t", "alpha ** (t + 1)")),
        ("unbiased", "α for 1 − α", "first", ("(1 - alpha**t)", "alpha**t")),
        ("unbiased", "as if every step were the first", "later", ("alpha**t", "alpha")),
        ("unbiased", "α t for α to the t", "later", ("alpha**t", "alpha * t")),
        ("order", "whole epochs only", "answers", ("order[: batch * steps]", "order + [0]")),
        ("order", "with replacement", "once", ("torch.randperm(n, generator=g)", "torch.randint(n, (n,), generator=g)")),
        ("order", "shuffled once", "shuffled",
         ("torch.randperm(n, generator=g).tolist()", "torch.randperm(n, generator=g.manual_seed(seed)).tolist()")),
        ("order", "nobody's seed", "repeats", (", generator=g", "")),
        ("order", "seed ignored", "seed", ("manual_seed(seed)", "manual_seed(0)")),
        ("order", "the length stirs the seed", "resume", ("manual_seed(seed)", "manual_seed(seed + steps)")),
        ("covered", "nothing covered", "answers", ("] = colour", "] += 0 * colour")),
        ("covered", "in place", "unchanged", ("covered = images.clone()", "covered = images")),
        ("covered", "one column too many", "outside", ("left:right]", "left - 1 : right]")),
        ("covered", "the last row left out", "flat", ("top:bottom,", "top:bottom - 1,")),
        ("covered", "only darkened", "flat", ("] = colour", "] *= 0.5")),
        ("covered", "black", "mean", ("] = colour", "] = -1.0")),
        ("covered", "grey", "mean", ("images.mean((2, 3), keepdim=True)", "images.mean((1, 2, 3), keepdim=True)")),
        ("covered", "the box's own mean", "mean",
         ("colour = images.mean", "colour = images[:, :, top:bottom, left:right].mean")),
        ("covered", "one colour for all", "each", ("images.mean((2, 3)", "images.mean((0, 2, 3)")),
        ("normalised", "divided by nothing", "answers", ("(var + 1e-5).sqrt()", "(0 * var)")),
        ("normalised", "mean forgotten", "centre", ("    return (x - mean)", "    return (x - mean * training)")),
        ("normalised", "variance for deviation", "scale", ("(var + 1e-5).sqrt()", "((var + 1e-5).sqrt() if training else var + 1e-5)")),
        ("normalised", "a large batch is believed at once", "company", ("if training:", "if training or len(x) > 2:")),
        ("normalised", "each face on its own", "batch",
         ("    mean, var = mean.view", "    if training:\n        return (x - x.mean((2, 3), keepdim=True)) / (x.var((2, 3), keepdim=True) + 1e-5).sqrt()\n    mean, var = mean.view")),
        ("normalised", "always the kept ones", "batch", ("if training:", "if False:")),
        ("normalised", "all channels together", "batch",
         ("x.mean((0, 2, 3)), x.var((0, 2, 3), unbiased=False)", "x.mean().expand(3), x.var().expand(3)")),
        ("upright", "how well it fits", "answers", ("angles[torch.stack(fits).argmax(0)]", "torch.stack(fits).amax(0)")),
        ("upright", "the place in the list", "answers", ("angles[torch.stack(fits).argmax(0)]", "torch.stack(fits).argmax(0) + 1")),
        ("upright", "the worst fit", "unturned", ("argmax", "argmin")),
        ("upright", "the turn that corrects it", "way", ("(lr, -d)", "(lr, d)")),
        ("upright", "never to the right", "way", ("-d))", "-abs(d)))")),
        ("upright", "one angle for all", "each", ("argmax(0)]", "sum(1).argmax()].expand(len(lr))")),
        ("upright", "squared differences", "light",
         ("(inside(damages.rotate(lr, -d)) * inside(mean)).sum(1)",
          "-(damages.rotate(lr, -d) - mean).square()[..., kept].flatten(1).sum(1)")),
        ("upright", "the whole square", "corners", ("<= 7.5**2", "<= 999")),
    ]
]  # fmt: skip
