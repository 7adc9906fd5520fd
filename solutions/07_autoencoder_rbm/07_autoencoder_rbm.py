# %% [markdown]
# # 07 · Autoencoders and Boltzmann machines
#
# **The question.** So far somebody had to say what is to be seen: this is a 3, that is a 7. Most
# pictures of this world come without such a note. What can a net learn from pictures alone?
#
# Two answers, both from 1986. The first net must give back what it was given, but through a door so
# narrow that it has to find out what matters (Rumelhart, Hinton & Williams). The second gives every
# picture an *energy*, low for likely ones; then it can tell a digit from noise, and dream up digits
# of its own (Smolensky). You will train both on digits without their labels, and in the end let the
# labels in again.
#
# Five exercises, 17 points.

# %% tags=["parameters"]
profile = "quick"  # "full" repeats every comparison over twenty seeds, not five
seed = 0

# %%
from itertools import product

import matplotlib.pyplot as plt
import numpy as np
from scipy.special import expit

from pytools import check, data, scratch
from pytools.widgets import STYLE, draw_pictures, show, watch_rbm

plt.style.use(STYLE)
rng = np.random.default_rng(seed)
seeds = range(seed, seed + (5 if profile == "quick" else 20))

# %% [markdown]
# The digits of the notebooks before: 8×8 pixels from 0 (paper) to 1 (ink), each picture one row of
# 64 numbers. The labels stay in the drawer until section 9; before, they only mark points in a
# figure.

# %% tags=["demo"]
train_x, train_y = data.digits("train")
test_x, test_y = data.digits("test")
train_x, test_x = train_x.reshape(-1, 64), test_x.reshape(-1, 64)


def spread(values, digits=2):
    """Mean and range of some runs, for a table."""
    low, mean, high = np.min(values), np.mean(values), np.max(values)
    return f"{mean:.{digits}f} ({low:.{digits}f}–{high:.{digits}f})"


# %% [markdown]
# ## 1. Through a narrow door
#
# An *autoencoder* is a net whose target is its own input. In the middle it has a layer of only $H$
# units, the *code*. Whoever wants to rebuild 64 pixels from 8 numbers must have understood
# something about digits.
#
# | symbol | shape | what |
# |---|---|---|
# | $x$ | (N, D) | a batch of N pictures with D pixels |
# | $W$ | (D, H) | weights |
# | $b$, $c$ | (H,), (D,) | biases of the code and of the output |
# | $a = \sigma(x W + b)$ | (N, H) | the code; $\sigma(z) = 1 / (1 + e^{-z})$ |
# | $\hat x = a W^\top + c$ | (N, D) | the output, linear |
#
# The same $W$ serves both ways: such an autoencoder is *tied* (Bengio, Lamblin, Popovici &
# Larochelle, 2007). It has half the weights, and column $j$ of $W$ says both what unit $j$ looks
# for and what it draws. The loss is a mean over the batch, a sum over pixels, with a half in front:
#
# $$L = \frac{1}{N} \sum_{n=1}^{N} \tfrac{1}{2}\,\|\hat x_n - x_n\|^2$$
#
# ### Exercise 1 · `autoencoder_loss` (4 points)
#
# Return the loss and its gradients for $W$, $b$ and $c$. Draw the graph first: which nodes does $W$
# feed, and what did notebook 01 say of a node that is used twice? The slope of the sigmoid is
# $\sigma(z)\,(1 - \sigma(z))$. `expit` from SciPy is a sigmoid that also bears $z = \pm 10^4$.


# %% nbgrader={"grade": false, "grade_id": "unsupervised-autoencoder_loss-solution", "locked": false, "schema_version": 3, "solution": true, "task": false}
def autoencoder_loss(x, w, b, c):
    """A tied autoencoder: sigmoid code, linear output, mean over the batch of ½‖x̂ - x‖².

    x (N, D), w (D, H), b (H,), c (D,).
    Returns loss, grad_w (D, H), grad_b (H,), grad_c (D,).
    """
    ### BEGIN SOLUTION
    code = expit(x @ w + b)
    error = code @ w.T + c - x
    grad_out = error / len(x)
    grad_z = grad_out @ w * code * (1 - code)
    grad_w = x.T @ grad_z + grad_out.T @ code
    return 0.5 * np.sum(error**2) / len(x), grad_w, grad_z.sum(axis=0), grad_out.sum(axis=0)
    ### END SOLUTION


check("unsupervised.autoencoder_loss", autoencoder_loss)

# %% nbgrader={"grade": true, "grade_id": "unsupervised-autoencoder_loss", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
check("unsupervised.autoencoder_loss", autoencoder_loss, points=4, seed=1)
### BEGIN HIDDEN TESTS
check("unsupervised.autoencoder_loss", autoencoder_loss, points=4, seed=9701)
### END HIDDEN TESTS

# %% [markdown]
# Train it, with eight codes. `scratch.train_autoencoder` takes your loss, runs Adam (notebook 03)
# on batches of 64 in a new order each epoch, lets the rate fall to 0, and hands back the weights
# after every epoch. It starts with small random weights; $c$ starts at the mean digit.


# %% tags=["demo"]
def train_tied(codes, rng, epochs=100, lr=0.05, loss=autoencoder_loss, spoil=None):
    """The weights of a tied autoencoder after training on the digits."""
    w = rng.standard_normal((64, codes), np.float32) / 8
    start = [w, np.zeros(codes, np.float32), train_x.mean(axis=0)]
    run = scratch.train_autoencoder(loss, start, train_x, epochs, rng, lr, spoil=spoil)
    *_, (params, _) = run
    return params


def rebuild(x, w, b, c):
    return expit(x @ w + b) @ w.T + c


w, b, c = train_tied(8, rng)
fig, axes = plt.subplots(2, 1, figsize=(8, 1.8))
draw_pictures(axes[0], test_x[:16], 16, "test digits")
draw_pictures(axes[1], rebuild(test_x[:16], w, b, c), 16, "rebuilt from 8 numbers each")
show(fig, "Sixteen digits, and below each what the autoencoder rebuilds: blurred, but readable.")

# %% [markdown]
# ## 2. Why it cannot beat PCA
#
# Is that good? There is an old rival without any training. *Principal component analysis* (PCA;
# Pearson, 1901) looks for the $H$ directions along which the pictures differ most, and describes
# each picture by how far it lies along them, seen from the mean picture $\bar x$. NumPy finds them:
# with all training pictures as rows of $X$, they are the first $H$ rows of $V^\top$ in the
# *singular value decomposition* $X - \bar x = U S V^\top$. These rows are at right angles to
# each other and come sorted, the most telling first.

# %% tags=["demo"]
mean = train_x.mean(axis=0)
_, _, directions = np.linalg.svd(train_x - mean, full_matrices=False)


def pca(x, codes):
    """x (N, 64), rebuilt from so many numbers each."""
    code = (x - mean) @ directions[:codes].T
    return code @ directions[:codes] + mean


def half_square(out, x):
    return 0.5 * np.sum((out - x) ** 2) / len(x)


# %% [markdown]
# Four widths, and each training from five starts. How much larger is the autoencoder's loss than
# PCA's?

# %% tags=["demo", "nbval-ignore-output"]
tied = {}
print("loss / PCA's loss: mean (range over the seeds)")
print(f"{'codes':>5} {'on training digits':>24} {'on test digits':>22}")
for codes in (2, 4, 8, 16):
    runs = [train_tied(codes, np.random.default_rng(s)) for s in seeds]
    losses = [[half_square(rebuild(x, *run), x) for run in runs] for x in (train_x, test_x)]
    flat = [half_square(pca(x, codes), x) for x in (train_x, test_x)]
    ratios = np.divide(losses, np.transpose([flat]))
    tied[codes] = losses[1]
    print(f"{codes:5} {spread(ratios[0], 3):>24} {spread(ratios[1], 3):>22}")
    assert ratios[0].min() >= 1 and ratios.max() < 1.1

# %% [markdown]
# Within a few per cent, and on the training digits never below 1. That is no lack of training.
# Whatever the code is, the output is $\hat x = a_1 w_1 + \dots + a_H w_H + c$, where $w_j$ is
# column $j$ of $W$. All outputs lie in *one flat space* of $H$ dimensions: for $H = 2$ a plane,
# moved by $c$. And of all flat spaces, PCA's is the one with the smallest squared distance to the
# training pictures (Eckart & Young, 1936). The sigmoid bends the way in; **with a linear output,
# nothing bends the way out** (Bourlard & Kamp, 1988).
#
# That the net comes so close is the real surprise: it found the best flat space by walking
# downhill, and nobody told it of singular values.

# %% [markdown]
# ## 3. A bent surface
#
# Digits do not lie in a flat space: half of one 3 plus half of another 3, shifted by two pixels, is
# no 3. So let the way out bend. A second autoencoder (after Hinton & Salakhutdinov, 2006):
#
#     64 pixels → 128 tanh → code, linear → 128 tanh → 64 pixels, linear
#
# Its gradients are those of notebook 01, layer after layer; `scratch.deep_loss` has them.


# %% tags=["demo", "nbval-ignore-output"]
def train_deep(codes, rng, epochs=60):
    """The weights of the deep autoencoder after training on the digits."""
    start = scratch.deep_autoencoder([64, 128, codes, 128, 64], rng, np.float32)
    run = scratch.train_autoencoder(scratch.deep_loss, start, train_x, epochs, rng, lr=0.005)
    *_, (params, _) = run
    return params


deep, nets = {}, {}
print("codes   PCA's loss, test digits   deep autoencoder's / PCA's: mean (range over the seeds)")
for codes in (2, 4, 8):
    nets[codes] = [train_deep(codes, np.random.default_rng(s)) for s in seeds]
    outs = [scratch.deep_outputs(test_x, net)[-1] for net in nets[codes]]
    deep[codes] = [half_square(out, test_x) for out in outs]
    flat = half_square(pca(test_x, codes), test_x)
    print(f"{codes:5} {flat:14.2f} {spread(np.divide(deep[codes], flat)):>41}")
    assert max(deep[codes]) < 0.92 * flat

# %% tags=["demo"]
fig, ax = plt.subplots(figsize=(6.4, 3.4))
widths = (2, 4, 8, 16)
flat = [half_square(pca(test_x, codes), test_x) for codes in widths]
ax.plot(widths, flat, "ks--", label="PCA")
for name, runs in {"tied, linear output": tied, "deep, bent on its way out": deep}.items():
    ends = np.array(list(runs.values()))
    ax.plot(list(runs), ends.mean(axis=1), "o-", label=name)
    ax.fill_between(list(runs), ends.min(axis=1), ends.max(axis=1), alpha=0.2)
ax.set(title="How well can digits be rebuilt from so few numbers?", xlabel="numbers in the code")
ax.set(ylabel="loss on test digits", xticks=widths, ylim=(0, None))
ax.legend()
show(fig, "PCA and the tied autoencoder nearly on one line, the deep one well below them.")

# %% [markdown]
# What does that look like, with four numbers for a digit? Compare the 5s and the 8s.

# %% tags=["demo"]
some = np.concatenate([np.flatnonzero(test_y == digit)[:2] for digit in range(10)])
rows = {
    "test digits": test_x[some],
    "PCA, four numbers": pca(test_x[some], 4),
    "deep autoencoder, four numbers": scratch.deep_outputs(test_x[some], nets[4][0])[-1],
}
fig, axes = plt.subplots(3, 1, figsize=(9, 2.5))
for ax, (title, pictures) in zip(axes, rows.items(), strict=True):
    draw_pictures(ax, pictures, 20, title)
show(fig, "Twenty digits in three rows: as they are, smeared by PCA, sharper by the deep net.")

# %% [markdown]
# And with two numbers the whole test set fits on a map. The net below was trained for longer, but it
# never saw a label either: the figures were printed on the map afterwards. How often is a digit's
# nearest neighbour of its own kind?

# %% tags=["demo"]
maps = {
    "PCA": (test_x - mean) @ directions[:2].T,
    "deep autoencoder": scratch.deep_code(test_x, train_deep(2, rng, epochs=200)),
}
fig, axes = plt.subplots(1, 2, figsize=(9.6, 4.6))
for ax, (name, codes) in zip(axes, maps.items(), strict=True):
    distances = np.linalg.norm(codes[:, None] - codes, axis=2) + np.diag(np.full(len(codes), 1e9))
    alike = np.mean(test_y[distances.argmin(axis=1)] == test_y)
    ax.plot(*codes.T, " ")  # sets the limits
    for code, digit in zip(codes, test_y, strict=True):
        ax.text(*code, str(digit), color=plt.cm.tab10(digit), fontsize=8, ha="center", va="center")
    ax.set_title(f"{name}: {alike:.0%} lie beside their own kind", fontsize=11)
    ax.set(xlabel="first number", ylabel="second number")
show(fig, "Two maps of test digits; PCA's is one crowd, on the deep net's most digits form groups.")

# %% [markdown]
# ## 4. Cleaning up
#
# Must the door be narrow? Give the tied net 128 codes for its 64 pixels, and it could just pass
# each pixel on: a loss of nearly 0, and nothing learnt. Unless we make passing on useless. A
# *denoising* autoencoder (Vincent, Larochelle, Bengio & Manzagol, 2008) sees a spoilt picture and
# must give back the clean one. To do that it has to know what digits look like.
#
# Below, noise of standard deviation 0.3 on every pixel, new in each batch. Its rivals: a net of the
# same size that was trained to copy, and PCA at the width that suits it best (chosen on the test
# digits themselves, so PCA has an advantage).


# %% tags=["demo", "nbval-ignore-output"]
def spoil_with(rng):
    return lambda x: x + 0.3 * rng.standard_normal(x.shape, x.dtype)


results = {"noisy digits": [], "PCA, best width": [], "trained to copy": [], "denoising": []}
for s in seeds:
    run_rng = np.random.default_rng(s)
    spoil = spoil_with(run_rng)
    noisy = spoil(test_x)
    copier = train_tied(128, np.random.default_rng(s), 60, 0.01)
    cleaner = train_tied(128, run_rng, 60, 0.01, scratch.autoencoder_loss, spoil)
    _, best = min((half_square(pca(noisy, codes), test_x), codes) for codes in range(1, 64))
    outs = noisy, pca(noisy, best), rebuild(noisy, *copier), rebuild(noisy, *cleaner)
    for losses, out in zip(results.values(), outs, strict=True):
        losses.append(half_square(out, test_x))
print("loss against the clean test digits: mean (range over the seeds)")
for name, losses in results.items():
    print(f"{name:16} {spread(losses)}")
assert max(results["denoising"]) < 0.85 * min(results["PCA, best width"])
assert max(results["denoising"]) < 0.7 * min(results["trained to copy"])

# %% tags=["demo"]
fig, axes = plt.subplots(5, 1, figsize=(9, 4))
for ax, title, pictures in zip(axes, ("clean", *results), (test_x, *outs), strict=True):
    draw_pictures(ax, pictures[some], 20, title)
show(fig, "Twenty digits clean, noisy, cleaned in three ways; best by the denoising net.")

# %% [markdown]
# What do the units look for? Each square is one column of $W$: red where ink speaks for the unit,
# blue where it speaks against it. Which of the two nets has more spots that are several pixels
# wide, and why could a single pixel not help it to clean?

# %% tags=["demo"]
fig, axes = plt.subplots(1, 2, figsize=(9.2, 4.9))
for ax, title, params in zip(axes, list(results)[2:], (copier, cleaner), strict=True):
    draw_pictures(ax, params[0].T[:64], 8, f"{title}: 64 of 128 units", None, None)
show(fig, "Weights as small pictures: speckles in the copying net, larger spots in the other.")

# %% [markdown]
# ## 5. Every picture has an energy
#
# Now the other idea. Do not rebuild a picture; say how *likely* it is. A **restricted Boltzmann
# machine**, RBM (Smolensky, 1986), has visible units $v$, one for each pixel, and hidden units $h$.
# All are on or off, 1 or 0. Each pair of states has an energy,
#
# $$E(v, h) = -\,v W h^\top - b\,h^\top - c\,v^\top,$$
#
# one number for one $v$ (D,) and one $h$ (H,); the others have the shapes of section 1: $W$ (D, H),
# $b$ (H,), $c$ (D,). A large $W_{ij}$ means that pixel $i$ and hidden unit $j$ like to be on
# together. *Restricted* means: no weights within a layer. As in physics, low energy is likely:
#
# $$p(v, h) = \frac{e^{-E(v, h)}}{Z}, \qquad Z = \sum_{v, h} e^{-E(v, h)}.$$
#
# Of a picture we know $v$ only, so add up $p(v, h)$ over all $2^H$ states of $h$. That gives
# $p(v) = e^{-F(v)} / Z$, with the **free energy**
#
# $$F(v) = -\log \sum_h e^{-E(v, h)} = -\,c\,v^\top - \sum_{j=1}^{H} \log\left(1 + e^{z_j}\right),
# \qquad z = v W + b.$$
#
# The sum of $2^H$ terms became one of $H$, because $e^{-E}$ is a product: $e^{c v^\top}$, and one
# factor for each hidden unit, $e^{0}$ where it is off, $e^{z_j}$ where it is on. Write out the four
# states of $H = 2$ to see it.
#
# ### Exercise 2 · `rbm_free_energy` (3 points)
#
# One number for each picture. (The formula does not mind grey pixels; section 8 says what they
# mean.) $\log(1 + e^z)$ is called the *softplus*. For $z = 10^4$ it is nearly $10^4$, but $e^z$
# overflows to infinity: find a way that never takes such an exponential. (`np.logaddexp(p, q)` is
# $\log(e^p + e^q)$, done safely.)


# %% nbgrader={"grade": false, "grade_id": "unsupervised-rbm_free_energy-solution", "locked": false, "schema_version": 3, "solution": true, "task": false}
def rbm_free_energy(v, w, b, c):
    """Free energy of each picture.

    v (N, D), entries 0 to 1; w (D, H), b (H,), c (D,). Returns (N,).
    """
    ### BEGIN SOLUTION
    return -(v @ c) - np.logaddexp(0, v @ w + b).sum(axis=1)
    ### END SOLUTION


check("unsupervised.rbm_free_energy", rbm_free_energy)

# %% nbgrader={"grade": true, "grade_id": "unsupervised-rbm_free_energy", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
check("unsupervised.rbm_free_energy", rbm_free_energy, points=3, seed=2)
### BEGIN HIDDEN TESTS
check("unsupervised.rbm_free_energy", rbm_free_energy, points=3, seed=9702)
### END HIDDEN TESTS

# %% [markdown]
# A machine small enough to see all of it: four pixels, so 16 pictures, and two hidden units. The
# weights are set by hand: one unit likes one diagonal and dislikes the other, the second one the
# other way round. What will be likely?

# %% tags=["demo"]
w = 4.0 * np.array([[1, -1], [-1, 1], [-1, 1], [1, -1]])  # pixels: top left, top right, …
b, c = np.full(2, -4.0), np.zeros(4)
pictures = np.array(list(product([0.0, 1.0], repeat=4)))
p = np.exp(-rbm_free_energy(pictures, w, b, c))
p /= p.sum()  # the sum is Z

fig, axes = plt.subplots(2, 1, figsize=(8.4, 3.2), height_ratios=(3, 1))
axes[0].bar(3 * np.arange(16) + 0.5, p, width=2)
axes[0].set(title="All pictures of 2×2 pixels and what a machine thinks of them")
axes[0].set(ylabel="probability", xticks=[], xlim=(-0.5, 46.5))
draw_pictures(axes[1], pictures, 16, low=-0.3)  # so that a pixel that is off is grey
show(fig, "Sixteen pictures with a bar each: the two diagonals are likely, all others hardly.")

# %% [markdown]
# ## 6. There and back
#
# How would the machine fill its hidden units for a given picture? Compare a state with $h_j = 1$ to
# the same one with $h_j = 0$: its energy is lower by $z_j$, so the odds are $e^{z_j} : 1$, that is
# a probability of $e^{z_j} / (1 + e^{z_j}) = \sigma(z_j)$. The other hidden units play no part: all
# are independent, given $v$. The same goes for the pixels, given $h$:
#
# $$p(h_j = 1 \mid v) = \sigma(v W + b)_j, \qquad p(v_i = 1 \mid h) = \sigma(h W^\top + c)_i.$$
#
# The first line is the code of section 1, with another meaning: not a value but a chance.
#
# ### Exercise 3 · `reconstruct` (2 points)
#
# Go there and back without drawing anything: hand the *probabilities* of the hidden units to the
# second formula in the place of $h$. Such a short cut is called *mean field*.


# %% nbgrader={"grade": false, "grade_id": "unsupervised-reconstruct-solution", "locked": false, "schema_version": 3, "solution": true, "task": false}
def reconstruct(v, w, b, c):
    """Each picture as the machine gives it back, there and back by probabilities.

    v (N, D), w (D, H), b (H,), c (D,). Returns p (N, D), between 0 and 1.
    """
    ### BEGIN SOLUTION
    return expit(expit(v @ w + b) @ w.T + c)
    ### END SOLUTION


check("unsupervised.reconstruct", reconstruct)

# %% nbgrader={"grade": true, "grade_id": "unsupervised-reconstruct", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
check("unsupervised.reconstruct", reconstruct, points=2, seed=3)
### BEGIN HIDDEN TESTS
check("unsupervised.reconstruct", reconstruct, points=2, seed=9703)
### END HIDDEN TESTS

# %% [markdown]
# ## 7. One step of a dream
#
# Learning should make the training pictures likely: descend $-\log p(v) = F(v) + \log Z$. The first
# part is easy: the slope of the softplus is the sigmoid, so
# $\partial F(v) / \partial W_{ij} = -v_i\, p(h_j = 1 \mid v)$. The second,
# $\log Z = \log \sum_{v'} e^{-F(v')}$, sums over all pictures $v'$ there are. By the chain rule its
# gradient is $-\partial F(v') / \partial W_{ij}$, averaged with the weights
# $e^{-F(v')} / Z = p(v')$: the same thing again, with the opposite sign, over pictures that the
# machine itself would draw.
#
# $$\frac{\partial}{\partial W_{ij}} \bigl(-\log p(v)\bigr)
#   = -\,v_i\, p(h_j = 1 \mid v) + \bigl\langle v'_i\, p(h_j = 1 \mid v') \bigr\rangle_{v' \sim p}.$$
#
# **What is seen gets likelier, what is dreamt gets less likely**, until the dreams look like what
# is seen. But where do dreams come from? From a *chain*: draw $h$ given the picture, a new picture
# given $h$, and so on, up and down. That is *Gibbs sampling* (Geman & Geman, 1984), and takes
# thousands of rounds for every step of learning. Hinton (2002) had the courage to take **one**
# round, beginning at the training picture itself, and called it *contrastive divergence*, CD-1:
#
# 1. up: from $v$ the probabilities $p$ (N, H) of the hidden units; draw $h$ from them, 0 or 1;
# 2. down: from $h$ the probabilities of the pixels; draw $v_1$ (N, D) from them, 0 or 1;
# 3. up again: from $v_1$ the probabilities $p_1$ (N, H); from them nothing is drawn.
#
# So $h$ serves to draw $v_1$ and for nothing else: in the gradients stand the probabilities, which
# scatter less. With the mean over the N pictures of the batch:
#
# $$g_W = -\frac{v^\top p - v_1^\top p_1}{N}, \qquad
#   g_b = -\,\mathrm{mean}(p - p_1), \qquad g_c = -\,\mathrm{mean}(v - v_1).$$
#
# ### Exercise 4 · `cd1_gradients` (5 points)
#
# `rng` is a NumPy generator, and your only source of chance. `rng.random(p.shape) < p` is True with
# probability $p$, for each entry on its own. The gradients are to be *descended*, signs as above.
#
# How can chance be checked? The check calls you many times (`calls` in its message says how often)
# and works out from your gradients which $v_1$ you drew: for a single picture $g_c = v_1 - v$, so
# $v + g_c$ must be zeros and ones. Then it counts how often each $v_1$ came.


# %% nbgrader={"grade": false, "grade_id": "unsupervised-cd1_gradients-solution", "locked": false, "schema_version": 3, "solution": true, "task": false}
def cd1_gradients(v, w, b, c, rng):
    """Contrastive divergence with one round of sampling, as gradients to be descended.

    v (N, D), w (D, H), b (H,), c (D,), rng: a numpy.random.Generator.
    Returns gw (D, H), gb (H,), gc (D,).
    """
    ### BEGIN SOLUTION
    p = expit(v @ w + b)
    h = (rng.random(p.shape) < p).astype(w.dtype)
    q = expit(h @ w.T + c)
    v1 = (rng.random(q.shape) < q).astype(w.dtype)
    p1 = expit(v1 @ w + b)
    return (v1.T @ p1 - v.T @ p) / len(v), (p1 - p).mean(axis=0), (v1 - v).mean(axis=0)
    ### END SOLUTION


check("unsupervised.cd1_gradients", cd1_gradients)

# %% nbgrader={"grade": true, "grade_id": "unsupervised-cd1_gradients", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
check("unsupervised.cd1_gradients", cd1_gradients, points=5, seed=4)
### BEGIN HIDDEN TESTS
check("unsupervised.cd1_gradients", cd1_gradients, points=5, seed=9704)
### END HIDDEN TESTS

# %% [markdown]
# Is one round enough? A machine with six pixels has 64 pictures: there the true gradient can be
# worked out, all pictures listed. Compare it with the mean of CD-1 over very many draws. A cosine of
# 1 means the same direction, 0 a right angle.

# %% tags=["demo", "nbval-ignore-output"]
every = np.array(list(product([0.0, 1.0], repeat=6)))
seen = every[[7, 11, 56, 63]]  # what the machine is to learn


def compare(size):
    """CD-1's mean and the true gradient, for a random machine: their cosine, ratio of lengths."""
    w, b, c = size * rng.standard_normal((6, 4)), np.zeros(4), np.zeros(6)
    p = np.exp(-rbm_free_energy(every, w, b, c))
    dreamt = every.T @ (p[:, None] / p.sum() * expit(every @ w + b))
    true = dreamt - seen.T @ expit(seen @ w + b) / len(seen)
    cd1, _, _ = cd1_gradients(np.repeat(seen, 1000, axis=0), w, b, c, rng)
    lengths = np.linalg.norm(cd1), np.linalg.norm(true)
    return np.sum(cd1 * true) / np.prod(lengths), lengths[0] / lengths[1]


print("means over 50 machines")
print("size of weights   cosine of CD-1 and the true gradient   CD-1's length / the true one's")
for size in (0.1, 1.0, 4.0):
    cosine, length = np.mean([compare(size) for _ in range(50)], axis=0)
    print(f"{size:15} {cosine:24.2f} {length:33.2f}")

# %% [markdown]
# With small weights CD-1 is nearly the truth. With large ones the chain hardly leaves the picture
# that it began with: the step gets short, and points somewhat elsewhere. Even the mean of very many
# draws is not the true gradient: CD-1 is *biased* (Carreira-Perpiñán & Hinton, 2005). It is used
# because it works.

# %% [markdown]
# ## 8. It learns, and dreams
#
# Sixty-four hidden units, your gradients, momentum (notebook 03) and batches of 32. Grey pixels are
# taken as probabilities: every epoch draws new pictures of 0 and 1 from them. $c$ starts where each
# pixel alone has its right mean (Hinton, 2010), so that the machine at first knows where ink is
# common, and nothing else.
#
# Move through the epochs, then through the rounds of Gibbs sampling, which always begin with the
# same noise. Which comes first: good weights or good dreams? The noise in the lower figure has the
# *same mean in each pixel* as the digits. So what must the machine know to tell them apart?

# %% tags=["demo", "nbval-ignore-output"]
kept = 0, 1, 2, 5, 10, 20, 60


def train_machine(num_hidden, epochs, rng):
    """w, b, c after each epoch; the first before all learning."""
    yield tuple(scratch.start_rbm(train_x, num_hidden, rng))
    yield from scratch.train_rbm(train_x, num_hidden, epochs, rng, gradients=cd1_gradients)


def draw_binary(p, rng):
    return (rng.random(p.shape) < p).astype(p.dtype)


machines = {e: m for e, m in enumerate(train_machine(64, kept[-1], rng)) if e in kept}
machine = machines[kept[-1]]
watch_rbm(machines, draw_binary(test_x, rng), rng)

# %% [markdown]
# In numbers, with machines from five starts: of all pairs of a test digit and a piece of noise, how
# many have the digit lower in free energy? Two kinds of noise: the fair one from above, and test
# digits whose pixels were shuffled.

# %% tags=["demo", "nbval-ignore-output"]
shares = {"each pixel's own mean": [], "shuffled pixels": []}
for s in seeds:
    run_rng = np.random.default_rng(s)
    *_, trained = train_machine(64, kept[-1], run_rng)
    digits = draw_binary(test_x, run_rng)
    noises = draw_binary(np.tile(mean, (1000, 1)), run_rng), run_rng.permuted(digits, axis=1)
    low = rbm_free_energy(digits, *trained)
    for share, noise in zip(shares.values(), noises, strict=True):
        share.append(np.mean(low[:, None] < rbm_free_energy(noise, *trained)))
print("test digit below noise: mean (range over the seeds)")
for name, share in shares.items():
    print(f"{name:22} {spread(share, 3)}")
assert min(shares["each pixel's own mean"]) > 0.85 and min(shares["shuffled pixels"]) > 0.97

# %% [markdown]
# The fair noise has its ink where digits have theirs. What it lacks is that certain pixels go
# *together*, and that is what the weights have learnt.
#
# A low free energy alone is no probability: $Z$ is missing, a sum over $2^{64}$ pictures. But with
# only 16 hidden units we can sum over *their* $2^{16}$ states instead, the pixels summed out by a
# formula like yours (`scratch.log_partition`). Then $\log p(v) = -F(v) - \log Z$ is exact. Its
# rival takes each pixel for itself, with its own mean, and knows nothing of strokes.

# %% tags=["demo", "nbval-ignore-output"]
digits = draw_binary(test_x, rng)
q = np.clip(mean, 0.001, 0.999)
alone = np.mean(np.sum(digits * np.log(q) + (1 - digits) * np.log(1 - q), axis=1))
print(f"each pixel for itself: {alone:.2f} nats a test digit")
for epoch, small in enumerate(train_machine(16, 30, rng)):
    if epoch in (0, 1, 3, 10, 30):
        likely = -rbm_free_energy(digits, *small).mean() - scratch.log_partition(*small)
        print(f"RBM after {epoch:2} epochs:   {likely:.2f}")
assert likely > alone + 2

# %% [markdown]
# A nat is a factor of $e$ in $p(v)$. CD-1 never computed a likelihood, and yet raised it: it makes a
# digit about fifty times as likely as pixels by themselves do.
#
# And now let the large machine dream, from noise. Below, sixteen chains after more and more rounds,
# each picture seen through your `reconstruct`.

# %% tags=["demo"]
chains, done, rows = draw_binary(np.full((16, 64), 0.5), rng), 0, {}
for rounds in (0, 1, 3, 10, 100, 1000):
    chains = scratch.gibbs(chains, *machine, rounds - done, rng)
    rows[rounds], done = reconstruct(chains, *machine) if rounds else chains, rounds
fig, axes = plt.subplots(6, 1, figsize=(8, 5))
for ax, (rounds, dreams) in zip(axes, rows.items(), strict=True):
    draw_pictures(ax, dreams, 16, f"rounds: {rounds}")
fig.suptitle("Sixteen chains of Gibbs sampling")
show(fig, "Noise turns into shapes like digits within ten rounds, and into other digits later on.")

# %% [markdown]
# ## 9. With a label
#
# Let the labels in. Add one unit for each of $C$ classes, of which exactly one is on: weights $U$
# (C, H) join them to the hidden units, $d$ (C,) are their biases (Larochelle & Bengio, 2008). For a
# picture with label $y$,
#
# $$E(v, y, h) = -\,v W h^\top - b\,h^\top - c\,v^\top - d_y - U_y h^\top,$$
#
# where $U_y$ is row $y$ of $U$. Sum out $h$ as in section 5.
#
# ### Exercise 5 · `class_free_energy` (3 points)
#
# `label` is one whole number for all pictures, or an array (N,) with one for each. Before you write
# it: to a hidden unit, a label that is given is a constant. Which of the old terms does it change?


# %% nbgrader={"grade": false, "grade_id": "unsupervised-class_free_energy-solution", "locked": false, "schema_version": 3, "solution": true, "task": false}
def class_free_energy(v, label, w, u, b, c, d):
    """Free energy of each picture together with its label.

    v (N, D); label an int or (N,), from 0 to C - 1; w (D, H), u (C, H), b (H,), c (D,), d (C,).
    Returns (N,).
    """
    ### BEGIN SOLUTION
    return -(v @ c) - d[label] - np.logaddexp(0, v @ w + b + u[label]).sum(axis=1)
    ### END SOLUTION


check("unsupervised.class_free_energy", class_free_energy)

# %% nbgrader={"grade": true, "grade_id": "unsupervised-class_free_energy", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
check("unsupervised.class_free_energy", class_free_energy, points=3, seed=5)
### BEGIN HIDDEN TESTS
check("unsupervised.class_free_energy", class_free_energy, points=3, seed=9705)
### END HIDDEN TESTS

# %% [markdown]
# To read a digit, try all ten labels: the one with the lowest energy is the likeliest, and $Z$ is
# the same for all. So $p(y \mid v)$ is a softmax of $-F(v, y)$, its cross-entropy has exact
# gradients, and `scratch.train_class_rbm` descends them together with a tenth of CD-1's: the one
# part learns to read, the other to draw.

# %% tags=["demo", "nbval-ignore-output"]
accuracies = []
for s in seeds:
    run_rng = np.random.default_rng(s)
    *_, both = scratch.train_class_rbm(train_x, train_y, 64, 30, run_rng)
    energies = np.stack([class_free_energy(test_x, y, *both) for y in range(10)], axis=1)
    accuracies.append(np.mean(energies.argmin(axis=1) == test_y))
print(f"read by the lowest energy, test accuracy: {spread(accuracies, 3)}")
assert min(accuracies) > 0.93

# %% [markdown]
# The same machine draws what you ask for. Hold the label and let the rest dream: what is left is an
# ordinary RBM whose hidden biases are $b + U_y$.

# %% tags=["demo"]
w, u, b, c, d = both
dreams = []
for label in range(10):
    held = w, b + u[label], c
    noise = draw_binary(np.full((6, 64), 0.5), rng)
    dreams.append(reconstruct(scratch.gibbs(noise, *held, 1000, rng), *held))
fig, ax = plt.subplots(figsize=(7.6, 5))
draw_pictures(ax, np.stack(dreams, axis=1).reshape(-1, 64), 10)
ax.set_title("Asked for 0, 1, 2, … 9: a column each, six dreams of every one")
show(fig, "Ten columns of dreamt digits; in most columns the digit asked for can be read.")

# %% [markdown]
# ## What you can do now
#
# - write an autoencoder and its gradients, and say why a linear output keeps it at PCA's level;
# - bend its way out, or spoil its input, and say what each is good for;
# - explain energy, free energy and $Z$, and compute without overflow what can be computed;
# - train an RBM by contrastive divergence, know what is wrong with it, and draw from the machine;
# - turn a model of pictures into a reader of digits, by asking which label has the lowest energy.
#
# This closes Part I: you have written every gradient by hand. From here on a machine does it. Next:
# **08 · PyTorch**.
#
# **Sources.** Pearson (1901), *On lines and planes of closest fit to systems of points in space*.
# Eckart & Young (1936), *The approximation of one matrix by another of lower rank*. Geman & Geman
# (1984), *Stochastic relaxation, Gibbs distributions, and the Bayesian restoration of images*.
# Rumelhart, Hinton & Williams (1986), *Learning internal representations by error propagation*.
# Smolensky (1986), *Information processing in dynamical systems: foundations of harmony theory*.
# Bourlard & Kamp (1988), *Auto-association by multilayer perceptrons and singular value
# decomposition*. Hinton (2002), *Training products of experts by minimizing contrastive
# divergence*. Carreira-Perpiñán & Hinton (2005), *On contrastive divergence learning*. Hinton &
# Salakhutdinov (2006), *Reducing the dimensionality of data with neural networks*. Bengio, Lamblin,
# Popovici & Larochelle (2007), *Greedy layer-wise training of deep networks*. Larochelle & Bengio
# (2008), *Classification using discriminative restricted Boltzmann machines*. Vincent, Larochelle,
# Bengio & Manzagol (2008), *Extracting and composing robust features with denoising autoencoders*.
# Hinton (2010), *A practical guide to training restricted Boltzmann machines*.
