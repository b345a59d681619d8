"""Assignment 2: The λ trade-off"""

# %% [markdown]
# # Assignment 2: The λ trade-off
#
# **You will** run a fair experiment over λ, predict its outcome first, and choose a λ for a purpose
# that you can defend.
#
# **You need** the chapters *The objective* and *Training*; about 90 minutes of your time; about
# seven minutes of a laptop's processor for the sweep (faster on a GPU).
#
# **Points**: 10 + 10 by checks, 4 + 6 + 10 for three written answers, 40 in all. The checks look at
# your code, never at what your networks learned.
#
# **Hand in** this notebook: *File → Download → Download .ipynb*. Keep the names of the functions.

# %%
import math

import torch

from urdgn_lite import check, faces, presets, train, watch
from urdgn_lite.degrade import downsample

# %% [markdown]
# ## 1. A fair sweep
#
# `run(lam, seed)` trains once and returns a dict of measures, for example
# `{"gain": 1.2, "sharpness": 0.8}`. Write the experiment around it: every λ with *the same* seeds,
# one row for each λ, in the order of `lams`. A row is a dict: `"lam"`, and every measure averaged
# over the seeds. Training is dear: start no run twice. A run that diverges returns NaN; a
# λ whose runs all diverge keeps its row, so that you see it.


# %% id=sweep role=answer
def sweep(lams, run, seeds):
    """One row (dict) for each λ: "lam", and each measure averaged over the seeds."""
    ### BEGIN SOLUTION
    rows = []
    for lam in lams:
        results = [run(lam, seed) for seed in seeds]
        means = {name: sum(r[name] for r in results) / len(results) for name in results[0]}
        rows.append({"lam": lam, **means})
    return rows
    ### END SOLUTION


# %% id=check-sweep role=check for=sweep check=sweep points=10
check.sweep(sweep)

# %% [markdown]
# ## 2. A choice by rule
#
# A rule that is fixed *before* the numbers are known keeps you honest. Yours: of all λ whose gain
# is at most `tolerance` dB below the best gain, take the sharpest. A run that diverged has the gain
# NaN; it is never chosen.


# %% id=choose role=answer
def choose(rows, tolerance):
    """The λ of the sharpest row whose gain is at most `tolerance` dB below the best."""
    ### BEGIN SOLUTION
    sound = [row for row in rows if math.isfinite(row["gain"])]
    floor = max(row["gain"] for row in sound) - tolerance
    return max((row for row in sound if row["gain"] >= floor), key=lambda r: r["sharpness"])["lam"]
    ### END SOLUTION


# %% id=check-choose role=check for=choose check=choose points=10
check.choose(choose)

# %% [markdown]
# ## 3. Predict (4 points)
#
# Do this *before* you run the next cell. λ = 0 plays against D alone, λ = ∞ minimises the pixels
# alone. Sketch in words: how will the gain (dB over bicubic) and the sharpness (1 = as sharp as the
# true faces) change as λ grows? Where do you expect the best gain, where the sharpest faces?
#
# | points | for |
# |---|---|
# | 2 | a prediction for gain and one for sharpness, each with a reason from Eq. 2 |
# | 2 | it could turn out wrong: it names what you would have to see |

# %% [markdown] id=prediction role=written points=4
# *Your answer: write here, before you run the sweep.*
# ### BEGIN SOLUTION
# Example. The larger λ, the higher the gain, because the pixel term is the squared error that PSNR
# measures; so λ = ∞ is best, λ = 0 worst and below bicubic. Sharpness goes the other way, because
# the squared error rewards the average of all faces that fit, and the average is blurred. I would
# be wrong if a finite λ gained more than ∞, or if λ = ∞ were the sharpest.
# ### END SOLUTION

# %% [markdown]
# ## 4. Measure
#
# Small networks, few steps, invented faces: the *order* of the rows is what you are after, and two
# seeds tell you how far to trust it.

# %%
LAMBDAS = [0.0, 10.0, 100.0, 1000.0, math.inf]
SEEDS = [0, 1]
STEPS = 150

train_faces = faces.load("imaginary", "train", limit=400).images
val_faces = faces.load("imaginary", "val", limit=40).images


def sharpness(images):
    """Average difference between neighbouring pixels."""
    across, down = images.diff(dim=3).abs().mean(), images.diff(dim=2).abs().mean()
    return (across + down).item()


def run(lam, seed):
    """Train `lite` with this λ: its gain over bicubic in dB, and its sharpness (true faces: 1)."""
    D = None if math.isinf(lam) else presets.SMALL_D
    preset = presets.get("lite").but(lam=lam, discriminator=D, batch=8)
    G = train.train(preset, train_faces, steps=STEPS, seed=seed, start="").G.eval()
    h = faces.to_float(val_faces.to(next(G.parameters()).device))
    with torch.no_grad():
        generated = G(downsample(h))
    gain = watch.gain(G, val_faces.to(h.device))
    print(f"λ = {lam:>6g}, seed {seed}: {gain:+6.2f} dB")  # for part 5: the seeds one by one
    return {"gain": gain, "sharpness": sharpness(generated) / sharpness(h)}


rows = sweep(LAMBDAS, run, SEEDS)
for row in rows:
    print(f"λ = {row['lam']:>6g}: {row['gain']:+6.2f} dB, sharpness {row['sharpness']:.2f}")
for tolerance in (0.1, 0.5, 2.0):
    print(f"at most {tolerance} dB below the best: λ = {choose(rows, tolerance):g}")

# %% [markdown]
# ## 5. Read the table (6 points)
#
# Compare with your prediction. What came out as predicted, what did not, and is the difference
# between two neighbouring λ larger than that between your two seeds? (The cell above prints each run
# as it ends.)
#
# | points | for |
# |---|---|
# | 2 | prediction and outcome side by side, honest about misses |
# | 2 | the spread between seeds is measured, and used |
# | 2 | an explanation of one surprise, or of why there is none |

# %% [markdown] id=reading role=written points=6
# *Your answer: write here.*
# ### BEGIN SOLUTION
# Example. Gain rises with λ as predicted; between 1000 and ∞ it hardly changes, and less than
# between two seeds, so these two cannot be ranked from two seeds. The λ = 0 row is sharper than the
# truth: the "detail" is noise that D has not learned to reject after so few steps. That surprised
# me: sharpness alone does not tell detail from noise. And every row is still below bicubic: 150
# steps are few. I trust the order of the rows, not their level.
# ### END SOLUTION

# %% [markdown]
# ## 6. Choose and defend (10 points)
#
# Choose one purpose: **(a)** thumbnails of film characters for a magazine, **(b)** a first pass
# before a measurement of the distance between the eyes, **(c)** finding a person in a register.
# State the λ that you would use, or that you would use none of these networks, and defend it.
#
# | points | for |
# |---|---|
# | 3 | the purpose is turned into a tolerance in dB, or into another measure, with a reason |
# | 3 | the choice follows from your own rows by a rule |
# | 2 | what your measures do not show (identity, invented detail, real faces) |
# | 2 | the harm if you are wrong, and who bears it |

# %% [markdown] id=defence role=written points=10
# *Your answer: write here.*
# ### BEGIN SOLUTION
# Example for (c). None. The gain is an average over pixels; finding a person rests on identity,
# which nothing here measures. 98.4 % of the pixels are invented from other people's faces, and a
# sharper invention is only more persuasive. A wrong match is borne by somebody who has nothing to
# do with it. For (a) I would allow 0.5 dB below the best, since nobody measures a thumbnail, and
# take the sharpest of the rest by the rule; for (b) 0 dB, that is λ = ∞: position counts, not
# texture.
# ### END SOLUTION
