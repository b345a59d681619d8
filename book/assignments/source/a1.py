"""Assignment 1: The objective"""

# %% [markdown]
# # Assignment 1: The objective
#
# **You will write** what the two players of UR-DGN want: G's loss, the terms of Eq. 2 that depend
# on G, and D's value, the terms that depend on D. Then you let them play with your own functions.
# (The paper's Eqs. 4 and 7 are the gradients over a batch, D's and G's: autograd takes them.)
#
# **You need** the chapters *GAN recap* and *The objective*; 60 to 90 minutes of your time; about
# one minute of a laptop's processor. A GPU is not needed.
#
# **Points**: 16 + 12 by checks, 6 + 6 for two written answers, 40 in all. A check tells you which
# property does not hold, on what input, and where to read again. Run it as often as you like: the
# same properties are tested with other inputs when you are graded.
#
# **Hand in** this notebook: *File → Download → Download .ipynb*. Keep the names of the functions.

# %% [markdown]
# ## 1. What G minimises
#
# $$\min_G\; \mathbb{E}\big[\log(1 - D(\hat h))\big] + \lambda\, \mathbb{E}\,\|\hat h - h\|_F^2$$
#
# - D's last layer is a sigmoid. You are given the *logits* $z$ before it: $D(\hat h) = \sigma(z)$.
#   Work with $z$ in a way that stays exact when D is certain, say at $z = \pm 60$ or $\pm 200$, in
#   the number itself and in its gradient.
# - Take the adversarial term as it stands there: the *saturating* one.
# - For $\|\cdot\|_F^2$ take the **mean** of the squared differences, not the paper's literal sum.
#   So λ = 100 means the same for a small and for a large image.
# - Return one number (a tensor without dimensions) from which autograd finds its way back.

# %%
import torch

from urdgn_lite import check, faces, networks, presets
from urdgn_lite.degrade import downsample
from urdgn_lite.optimiser import RMSprop


# %% id=generator_loss role=answer
def generator_loss(z_fake, generated, real, lam):
    """What G minimises: the terms of Eq. 2 that depend on G.

    z_fake: logits (n, 1) of D on ĥ.  generated, real: ĥ and h (n, 3, h, w); h is in [-1, 1], ĥ
    may leave it, since G's last layer is linear.  lam: λ ≥ 0.
    """
    ### BEGIN SOLUTION
    fooling = torch.nn.functional.logsigmoid(-z_fake).mean()  # log(1 − σ(z)) = log σ(−z)
    return fooling + lam * (generated - real).square().mean()
    ### END SOLUTION


# %% id=check-generator_loss role=check for=generator_loss check=objective points=16
check.objective(generator_loss)

# %% [markdown]
# ## 2. What D maximises
#
# $$\max_D\; \mathbb{E}\big[\log D(h)\big] + \mathbb{E}\big[\log(1 - D(\hat h))\big]$$
#
# - `D(images)` returns logits $(n, 1)$. Return the *value* itself: the training loop raises it.
# - `generated` comes straight out of G and still hangs on G's graph. In Algorithm 1, D's update
#   must leave G alone: no gradient of your value may reach G.
# - The number of real and of generated faces may differ.


# %% id=discriminator_value role=answer
def discriminator_value(D, generated, real):
    """What D maximises: the terms of Eq. 2 that depend on D.

    D: images -> logits (n, 1).  generated: ĥ, still on G's graph.  real: h.
    """
    ### BEGIN SOLUTION
    believing = torch.nn.functional.logsigmoid(D(real)).mean()
    doubting = torch.nn.functional.logsigmoid(-D(generated.detach())).mean()
    return believing + doubting
    ### END SOLUTION


# %% id=check-discriminator_value role=check for=discriminator_value check=discriminator points=12
check.discriminator(discriminator_value)

# %% [markdown]
# ## 3. Play with your own functions
#
# A very small G and D, 40 steps of Algorithm 1, and the two functions that you wrote. The last
# column is the mean squared difference: it should fall. With right functions its last line ends with
# a difference of 0.0201 (the last digit may be another on your machine). Change λ to 0 and to 10,000
# and look again.

# %%
LAM = 100.0

torch.manual_seed(0)
preset = presets.get("smoke-gan")
G, D = networks.build_generator(preset), networks.build_discriminator(preset)
opt_g, opt_d = RMSprop(G.parameters(), 2e-3), RMSprop(D.parameters(), 2e-3, maximize=True)
h = faces.to_float(faces.load("imaginary", "train", limit=8).images)
for step in range(40):
    generated = G(downsample(h))
    opt_d.zero_grad()
    value = discriminator_value(D, generated, h)
    value.backward()
    opt_d.step()
    opt_g.zero_grad()
    loss = generator_loss(D(generated), generated, h, LAM)
    loss.backward()
    opt_g.step()
    if step % 10 == 9:
        error = (generated.detach() - h).square().mean()
        print(
            f"step {step + 1}: D's value {value:.3f}, G's loss {loss:.3f}, difference {error:.4f}"
        )

# %% [markdown]
# ## 4. Mean and sum (6 points)
#
# The paper writes $\|\hat h - h\|_F^2$, a *sum* over 3 × 128 × 128 values; the authors' code takes
# the *mean*. Which λ with the sum weighs exactly like λ = 100 with the mean? Somebody reads
# "λ = 100" in one text and uses it with the other norm: what will the faces look like, in either
# direction, and why?
#
# | points | for |
# |---|---|
# | 2 | the right λ, and how you found it |
# | 2 | sum with λ = 100: which term wins, and what one sees |
# | 2 | mean with the small λ: which term wins, and what one sees |

# %% [markdown] id=mean-or-sum role=written points=6
# *Your answer: write here.*
# ### BEGIN SOLUTION
# There are 3 · 128 · 128 = 49,152 values, so the sum is 49,152 times the mean, and λ = 100 / 49,152
# ≈ 0.002 with the sum weighs the same. Sum with λ = 100: the pixel term is 49,152 times as strong;
# D has no say, and the faces are as smooth as those of the pixel loss alone. Mean with λ = 0.002:
# the adversarial term rules; nothing ties ĥ to *this* person, and training tends to be unstable:
# sharp textures, artefacts, wrong faces.
# ### END SOLUTION

# %% [markdown]
# ## 5. The detached face (6 points)
#
# Suppose you forget to cut `generated` from G's graph in part 2. The loop above then stops: "Trying
# to backward through the graph a second time" (try it). Somebody mends that with
# `value.backward(retain_graph=True)`, and it runs. Describe what D's `backward()` now adds to G's
# gradients, in which direction `opt_g` would step if it took them, and why this loop *still* trains
# as it should. In which loop would G be trained wrongly, and how?
#
# | points | for |
# |---|---|
# | 2 | what arrives in G, and where `opt_g`, which descends, would take it |
# | 2 | why the loop above survives it |
# | 2 | a loop that does not, and what becomes of G's adversarial term there |

# %% [markdown] id=detached-face role=written points=6
# *Your answer: write here.*
# ### BEGIN SOLUTION
# `value.backward()` also leaves the derivative of E[log(1 − D(ĥ))] in G's gradients. That is the
# derivative of G's own adversarial term, and `opt_g` *descends* it: both point the same way,
# towards fooling D. (Only who *raises* the value pushes G the other way.) Above,
# `opt_g.zero_grad()` wipes these gradients before G's own `backward()`, so only time and memory
# are lost. Any one of these loops does not survive it. Where `opt_g.zero_grad()` stands before D's
# `backward()`, G takes its adversarial term twice, and λ weighs half as much. Where D's loss
# (−value) and G's loss are added and sent back together, the two adversarial terms cancel, and
# nothing of D reaches G. Where one optimiser *raises* the value with the weights of both networks,
# G is trained to be found out.
# ### END SOLUTION
