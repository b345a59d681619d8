"""Assignment 4: Break it"""

# %% [markdown]
# # Assignment 4: Break it
#
# **You will** state how the generator fails, build the damage that should make it fail, and say
# with an interval how sure you are.
#
# **You need** the chapters *Training* and *Robustness*; about 90 minutes of your time; about one
# minute of a laptop's processor.
#
# **Points**: 10 + 14 by checks, 6 + 10 for two written answers, 40 in all.
#
# **Hand in** this notebook: *File → Download → Download .ipynb*. Keep the names of the functions.

# %%
import torch

from urdgn_lite import check, faces, methods, zoo
from urdgn_lite.degrade import downsample
from urdgn_lite.measure import metrics

# %% [markdown]
# ## 1. A hypothesis (6 points)
#
# Choose a damage to the 16 × 16 face: noise, a dark bar that grows over the eyes, a shift by up to
# four pixels, less contrast, a colour cast, or one of your own. State a hypothesis that a measurement can refute.
# Say by how many dB, at which severity, and compared with what.
#
# | points | for |
# |---|---|
# | 2 | a damage that occurs in the world, and a reason why it should hurt |
# | 2 | a number of dB at a severity, stated before measuring |
# | 2 | what outcome would refute it |

# %% [markdown] id=hypothesis role=written points=6
# *Your answer: write here, before you measure.*
# ### BEGIN SOLUTION
# Example. Sensor noise: at night a camera adds noise to each of the 256 pixels. The generator has
# only seen clean inputs and will take noise for texture. I expect a loss of more than 1 dB at
# severity 0.5 (σ = 0.1 in [-1, 1]). If the 95 % interval of the change reaches above −1 dB, I was
# wrong.
# ### END SOLUTION

# %% [markdown]
# ## 2. The damage
#
# `images` are LR faces $(n, 3, 16, 16)$ in [-1, 1]; `severity` runs from 0 (nothing happens) to 1.
# More severity must do more damage to every face, in three steps at least; the result must still be
# an image in [-1, 1], and the images that you were given must stay as they are. The same `seed` must
# do the same damage; where chance plays a part, another seed draws anew.


# %% id=damage role=answer
def damage(images, severity, seed):
    """Damaged copies of LR faces; severity 0 … 1."""
    ### BEGIN SOLUTION
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(images.shape, generator=generator).to(images)
    return (images + 0.2 * severity * noise).clamp(-1, 1)
    ### END SOLUTION


# %% id=check-damage role=check for=damage check=damage points=10
check.damage(damage)

# %% [markdown]
# ## 3. An interval
#
# `clean` and `damaged` hold one PSNR a face (tensors, dB), the same faces in the same order. Faces
# differ far more from each other than a damage changes one of them, so compare *each face with
# itself*. Return the mean of damaged − clean, and the two ends of an interval that holds the true
# mean in a share `level` of all experiments. The bootstrap (a few hundred resamples at least) is a
# good way; others are welcome. The same `seed` must give the same interval, and where you draw,
# another seed draws anew; leave `clean` and `damaged` as they are.


# %% id=interval role=answer
def interval(clean, damaged, level=0.95, seed=0):
    """Mean of damaged − clean over the faces, and the interval (low, high) around it."""
    ### BEGIN SOLUTION
    change = damaged - clean
    generator = torch.Generator().manual_seed(seed)
    drawn = torch.randint(len(change), (1000, len(change)), generator=generator)
    means = change[drawn].mean(1)
    tail = (1 - level) / 2
    low, high = means.quantile(tail), means.quantile(1 - tail)
    return change.mean().item(), low.item(), high.item()
    ### END SOLUTION


# %% id=check-interval role=check for=interval check=interval points=14
check.interval(interval)

# %% [markdown]
# ## 4. Measure
#
# The generator of the opening chapter, where it is installed, and bicubic beside it: a damage that
# hurts both alike says nothing about learning.

# %%
torch.manual_seed(0)
trained = [name for name in ("residual-s-imaginary", "residual-s") if name in zoo.names()]
h = faces.to_float(faces.load("imaginary", "test", limit=60).images)
lr = downsample(h)
for name in ["bicubic", *trained[:1]]:
    method = methods.get(name)
    clean = metrics.psnr(method(lr), h)
    for severity in (0.25, 0.5, 1.0):
        hurt = metrics.psnr(method(damage(lr, severity, seed=0)), h)
        mean, low, high = interval(clean, hurt)
        print(f"{name}, severity {severity}: {mean:+.2f} dB, 95 % from {low:+.2f} to {high:+.2f}")

# %% [markdown]
# ## 5. The verdict (10 points)
#
# | points | for |
# |---|---|
# | 3 | the hypothesis is accepted or refuted by the interval, in one sentence |
# | 2 | the generator compared with bicubic: does learning make it more or less robust? |
# | 3 | what the interval does *not* cover: other faces, other seeds, other severities |
# | 2 | a cure, and how you would test it |

# %% [markdown] id=verdict role=written points=10
# *Your answer: write here.*
# ### BEGIN SOLUTION
# Example. At severity 0.5 the interval lies wholly below (or above) −1 dB, so the hypothesis stands
# (or falls). The generator loses more than bicubic, because it turns noise into features. The
# interval speaks about the average over faces like these 60, for one drawing of the noise; real
# photographs, other cameras and single unlucky faces are not in it. Cure: train on noisy inputs,
# and compare both networks on clean *and* on noisy test faces with the same interval.
# ### END SOLUTION
