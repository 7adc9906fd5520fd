# %% [markdown]
# # 05 · A net that remembers
#
# **The question.** The nets so far saw all of their input at once, and always the same amount of
# it. A name or a sentence comes letter by letter, short or long, and what a letter means depends on
# those before it. How can a net read on and on, and still know in the end how it began?
#
# It hands a *state* from one step to the next. You will write such a net with its way back through
# time, see why it forgets, and build the cell that does not: the LSTM, with gates and peepholes.
# Then you will let it write names that nobody has.
#
# Seven exercises, 25 points.

# %% tags=["parameters"]
profile = "quick"  # "full" takes more names, and trains on Shakespeare, here and in PyTorch
seed = 0

# %%
import time

import matplotlib.pyplot as plt
import numpy as np

from pytools import check, data, scratch
from pytools.widgets import STYLE, GateReader, show

plt.style.use(STYLE)
rng = np.random.default_rng(seed)

# %% [markdown]
# ## 1. A net with a memory
#
# A *recurrent* net has one layer, used again at every step. It reads two things: what comes in now,
# and what it said itself one step before.
#
# $$h = \tanh(x\,W_x + h_-\,W_h + b)$$
#
# | symbol | shape | what |
# |---|---|---|
# | $x$ | (N, D) | the input at this step, for a batch of N sequences |
# | $h_-$, $h$ | (N, H) | the state before and after the step; at the very beginning it is 0 |
# | $W_x$, $W_h$, $b$ | (D, H), (H, H), (H,) | the weights, the same ones at every step |
#
# Draw each step beside the one before, and the net is *unrolled*: as deep as the sequence is long.

# %% tags=["demo"]
fig, ax = plt.subplots(figsize=(7.6, 2.3))
arrow = {"arrowstyle": "->", "linewidth": 1.6, "color": "0.3"}
box = {"boxstyle": "round,pad=0.45", "facecolor": "#E3F1FA", "edgecolor": "C0"}
for t, letter in enumerate(["a", "n", "n", "a"], start=1):
    ax.text(t, 1, f"$h_{t}$", ha="center", va="center", fontsize=14, bbox=box)
    ax.text(t, 0, f"$x_{t}$: {letter}", ha="center", va="center")
    ax.annotate("", (t, 0.72), (t, 0.14), arrowprops=arrow)
    ax.text(t + 0.06, 0.4, "$W_x$", color="C0")
    ax.annotate("", (t - 0.22, 1), (t - 0.78, 1), arrowprops=arrow)
    ax.text(t - 0.58, 1.1, "$W_h$", color="C0")
ax.text(0, 1, "$h_0 = 0$", ha="center", va="center")
ax.set(xlim=(-0.4, 4.5), ylim=(-0.2, 1.4), title="One layer, unrolled over four steps")
ax.axis("off")
show(fig, "Four boxes in a row; each gets its letter from below and the state from its left.")

# %% [markdown]
# ### Exercise 1 · `rnn_step` (2 points)
#
# One step. Return the new state, and a *cache*: whatever you will want to know on the way back.


# %% nbgrader={"grade": false, "grade_id": "lstm-rnn_step-solution", "locked": false, "schema_version": 3, "solution": true, "task": false}
def rnn_step(x, h, wx, wh, b):
    """One step of a recurrent net.

    x (N, D), h (N, H), wx (D, H), wh (H, H), b (H,).
    Returns h_next (N, H) and a cache for rnn_step_backward.
    """
    ### BEGIN SOLUTION
    h_next = np.tanh(x @ wx + h @ wh + b)
    return h_next, (x, h, wx, wh, h_next)
    ### END SOLUTION


check("lstm.rnn_step", rnn_step)

# %% nbgrader={"grade": true, "grade_id": "lstm-rnn_step", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
check("lstm.rnn_step", rnn_step, points=2, seed=1)
### BEGIN HIDDEN TESTS
check("lstm.rnn_step", rnn_step, points=2, seed=9501)
### END HIDDEN TESTS

# %% [markdown]
# Does it remember? Here are two inputs that differ in their first step only. With random weights,
# how far apart are the states that follow?

# %% tags=["demo"]
wx, wh = 0.5 * rng.standard_normal((2, 16, 16))
first, *rest = rng.standard_normal((9, 1, 16))
one = other = np.zeros((1, 16))
one, _ = rnn_step(first, one, wx, wh, np.zeros(16))
other, _ = rnn_step(-first, other, wx, wh, np.zeros(16))
print(f"after step 1 the states are {np.linalg.norm(one - other):.2f} apart")
for x in rest:
    one, _ = rnn_step(x, one, wx, wh, np.zeros(16))
    other, _ = rnn_step(x, other, wx, wh, np.zeros(16))
print(f"after step 9 the states are {np.linalg.norm(one - other):.2f} apart")

# %% [markdown]
# ## 2. Back through time
#
# Unrolled, it is a deep net like any other, and gradients go back through it as in notebook 01:
# from the last step to the first. That is *backpropagation through time* (Werbos, 1990). Each step
# gets the gradient for its own $h$ and sends one on to $h_-$.
#
# Call the sum inside $z = x W_x + h_- W_h + b$. The slope of tanh at $z$ can be written with its
# result: $\tanh'(z) = 1 - h^2$. The rest are matrix products that you know.
#
# ### Exercise 2 · `rnn_step_backward` (3 points)
#
# `grad` (N, H) is the gradient for `h_next`; all else is in your cache. All sequences of the batch
# use the same weights, so their gradients are added up. The check takes your two functions as a
# pair. Between forward and backward it runs your forward on other numbers, as a net does that reads
# on: keep what you need in the cache, and nowhere else.


# %% nbgrader={"grade": false, "grade_id": "lstm-rnn_step_backward-solution", "locked": false, "schema_version": 3, "solution": true, "task": false}
def rnn_step_backward(grad, cache):
    """The gradients of rnn_step.

    grad (N, H): the gradient for h_next; cache: what rnn_step returned.
    Returns gx, gh, gwx, gwh, gb, in the shapes of x, h, wx, wh, b.
    """
    ### BEGIN SOLUTION
    x, h, wx, wh, h_next = cache
    dz = grad * (1 - h_next**2)
    return dz @ wx.T, dz @ wh.T, x.T @ dz, h.T @ dz, dz.sum(axis=0)
    ### END SOLUTION


check("lstm.rnn_step_backward", (rnn_step, rnn_step_backward))

# %% nbgrader={"grade": true, "grade_id": "lstm-rnn_step_backward", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
check("lstm.rnn_step_backward", (rnn_step, rnn_step_backward), points=3, seed=2)
### BEGIN HIDDEN TESTS
check("lstm.rnn_step_backward", (rnn_step, rnn_step_backward), points=3, seed=9502)
### END HIDDEN TESTS

# %% [markdown]
# Over a whole sequence, $W_h$ is used at every step, so it collects a gradient at every step. Here
# are five steps there and back, against central differences.

# %% tags=["demo"]
xs = rng.standard_normal((5, 2, 3))
wx, wh, b = rng.standard_normal((3, 4)), rng.standard_normal((4, 4)), np.zeros(4)


def read(wh):
    """The state after all five steps, and the caches on the way."""
    h, caches = np.zeros((2, 4)), []
    for x in xs:
        h, cache = rnn_step(x, h, wx, wh, b)
        caches.append(cache)
    return h, caches


h, caches = read(wh)
grad, total = np.ones_like(h), np.zeros_like(wh)  # the loss: the sum of the last state
for cache in reversed(caches):
    _, grad, _, gwh, _ = rnn_step_backward(grad, cache)
    total += gwh
error = scratch.check_gradient(lambda w: np.sum(read(w)[0]), wh, total)
print(f"wh agrees to 1e-6: {error < 1e-6}")

# %% [markdown]
# ## 3. A cell that keeps
#
# At each step a recurrent net pushes *all* it knows through $W_h$ and tanh. After a hundred such
# steps little is left of what it knew at first: you will measure that in section 5.
#
# Hochreiter & Schmidhuber (1997) gave the net a place where numbers simply stay: the *cell* $c$.
# What goes in, what is dropped and what is shown is decided by *gates*, numbers between 0, shut,
# and 1, open, from the logistic function $\sigma(z) = 1 / (1 + e^{-z})$. This is the *LSTM*, long
# short-term memory, with the forget gate of Gers et al. (2000):
#
# $$\begin{aligned}
# i &= \sigma(x W_{xi} + h_- W_{hi} + w_{ci} \circ c_- + b_i) && \text{input gate: let in}\\
# f &= \sigma(x W_{xf} + h_- W_{hf} + w_{cf} \circ c_- + b_f) && \text{forget gate: keep}\\
# g &= \tanh(x W_{xg} + h_- W_{hg} + b_g) && \text{what is new}\\
# c &= f \circ c_- + i \circ g && \text{the cell}\\
# o &= \sigma(x W_{xo} + h_- W_{ho} + w_{co} \circ c + b_o) && \text{output gate: show}\\
# h &= o \circ \tanh(c) && \text{what others see}
# \end{aligned}$$
#
# $\circ$ multiplies entry by entry. The three vectors $w_{ci}, w_{cf}, w_{co}$ are *peepholes*
# (Gers et al., 2002): through them a gate looks at its own cell, even while the output gate hides
# it. Mind which cell: $i$ and $f$ look at the old $c_-$, but $o$ at the new $c$.
#
# | key of `params` | shape | what |
# |---|---|---|
# | `wx` | (D, 4H) | $W_{xi}, W_{xf}, W_{xg}, W_{xo}$ side by side |
# | `wh` | (H, 4H) | the same for $h_-$ |
# | `b` | (4H,) | the same for the biases |
# | `peep` | (3, H) | rows $w_{ci}, w_{cf}, w_{co}$ |
#
# ### Exercise 3 · `lstm_step` (4 points)
#
# One product with the wide `wx` serves all four; `np.split(z, 4, axis=1)` cuts the sums apart.
# A sum of −10,000 must give a shut gate, and no NaN. $1 / (1 + e^{-z})$ overflows there; the same
# function, written $\tfrac12 \tanh(\tfrac12 z) + \tfrac12$, does not.


# %% nbgrader={"grade": false, "grade_id": "lstm-lstm_step-solution", "locked": false, "schema_version": 3, "solution": true, "task": false}
def lstm_step(x, h, c, params):
    """One step of an LSTM with peepholes.

    x (N, D); h, c (N, H); params: wx (D, 4H), wh (H, 4H), b (4H,) in the order i, f, g, o,
    peep (3, H) in the order i, f, o. Returns h_next, c_next (N, H) and a cache.
    """

    ### BEGIN SOLUTION
    def sigmoid(z):
        return 0.5 * np.tanh(0.5 * z) + 0.5

    to_i, to_f, to_o = params["peep"]
    zi, zf, zg, zo = np.split(x @ params["wx"] + h @ params["wh"] + params["b"], 4, axis=1)
    i, f, g = sigmoid(zi + to_i * c), sigmoid(zf + to_f * c), np.tanh(zg)
    c_next = f * c + i * g
    o = sigmoid(zo + to_o * c_next)
    h_next = o * np.tanh(c_next)
    return h_next, c_next, (x, h, c, params, i, f, g, o, c_next)
    ### END SOLUTION


check("lstm.lstm_step", lstm_step)

# %% nbgrader={"grade": true, "grade_id": "lstm-lstm_step", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
check("lstm.lstm_step", lstm_step, points=4, seed=3)
### BEGIN HIDDEN TESTS
check("lstm.lstm_step", lstm_step, points=4, seed=9503)
### END HIDDEN TESTS

# %% [markdown]
# A cell by hand: one unit without weights, where only the biases speak. First the input gate opens
# and lets something in; then it shuts, and the forget gate stays open. What is in the cell after a
# thousand steps?

# %% tags=["demo"]
silent = {"wx": np.zeros((1, 4)), "wh": np.zeros((1, 4)), "peep": np.zeros((3, 1))}
write = {**silent, "b": np.array([10.0, 10.0, 1.0, -10.0])}  # i, f open, g = tanh(1), o shut
keep = {**silent, "b": np.array([-10.0, 10.0, 1.0, -10.0])}  # i shut
h = c = x = np.zeros((1, 1))
h, c, _ = lstm_step(x, h, c, write)
print(f"written:           c = {c.item():.3f}, shown: h = {h.item():.5f}")
for _ in range(1000):
    h, c, _ = lstm_step(x, h, c, keep)
print(f"1000 steps later:  c = {c.item():.3f}, shown: h = {h.item():.5f}")

# %% [markdown]
# ## 4. The way back through the gates
#
# Two gradients arrive now, one for $h$ and one for $c$. Write down who uses whom, then go back:
#
# - $c$ is used three times: by the next step (that gradient arrives as `grad_c`), in
#   $h = o \circ \tanh(c)$, and through the peephole of $o$. Add all three before you go on.
# - $c_-$ is used three times as well: in $f \circ c_-$, and by the peepholes of $i$ and of $f$.
# - The slope of a gate $s = \sigma(z)$ is $s\,(1 - s)$, that of $g$ is $1 - g^2$.
#
# So the way back begins at $o$: the gradient of its sum needs `grad_h` alone, and $c$ waits for it.
#
# ### Exercise 4 · `lstm_step_backward` (6 points)
#
# Return the gradients for `x`, `h` and `c`, and a dict with the keys of `params`. When you have the
# gradients of the four sums, put them side by side with `np.concatenate`: then `wx`, `wh` and `b`
# are as simple as in exercise 2. A peephole works entry by entry, for every sequence of the batch:
# so does its gradient, and the sequences' parts are added up. If the check is not happy, go through
# the list above with a pencil.


# %% nbgrader={"grade": false, "grade_id": "lstm-lstm_step_backward-solution", "locked": false, "schema_version": 3, "solution": true, "task": false}
def lstm_step_backward(grad_h, grad_c, cache):
    """The gradients of lstm_step.

    grad_h, grad_c (N, H): the gradients for h_next and c_next; cache: what lstm_step returned.
    Returns gx, gh, gc in the shapes of x, h, c, and gparams, a dict with params' keys.
    """
    ### BEGIN SOLUTION
    x, h, c, params, i, f, g, o, c_next = cache
    to_i, to_f, to_o = params["peep"]
    tanh_c = np.tanh(c_next)
    dzo = grad_h * tanh_c * o * (1 - o)
    dc = grad_c + grad_h * o * (1 - tanh_c**2) + dzo * to_o
    dzi = dc * g * i * (1 - i)
    dzf = dc * c * f * (1 - f)
    dz = np.concatenate([dzi, dzf, dc * i * (1 - g**2), dzo], axis=1)
    peep = np.stack([np.sum(dzi * c, 0), np.sum(dzf * c, 0), np.sum(dzo * c_next, 0)])
    gparams = {"wx": x.T @ dz, "wh": h.T @ dz, "b": dz.sum(axis=0), "peep": peep}
    gc = dc * f + dzi * to_i + dzf * to_f
    return dz @ params["wx"].T, dz @ params["wh"].T, gc, gparams
    ### END SOLUTION


check("lstm.lstm_step_backward", (lstm_step, lstm_step_backward))

# %% nbgrader={"grade": true, "grade_id": "lstm-lstm_step_backward", "locked": true, "points": 6, "schema_version": 3, "solution": false, "task": false}
check("lstm.lstm_step_backward", (lstm_step, lstm_step_backward), points=6, seed=4)
### BEGIN HIDDEN TESTS
check("lstm.lstm_step_backward", (lstm_step, lstm_step_backward), points=6, seed=9504)
### END HIDDEN TESTS

# %% [markdown]
# **Steps, then blocks.** Most of your step's work depends on nothing that came before: $x W_x$ can
# be done for all steps at once, and so can the gradients of all weights, after the loop. Only
# $h_- W_h$ must wait for the step before. `pytools/scratch/lstm_sequence.py` is written that way.
# Same numbers, and how much faster?


# %% tags=["demo"]
def read_and_return(x, params):
    """Your steps there and back over x (T, N, D); the loss is the sum of all h."""
    h = c = np.zeros((x.shape[1], len(params["wh"])), np.float32)
    grad_h, grad_c, caches, total = np.zeros_like(h), np.zeros_like(c), [], {}
    for row in x:
        h, c, cache = lstm_step(row, h, c, params)
        caches.append(cache)
    for cache in reversed(caches):
        _, grad_h, grad_c, grads = lstm_step_backward(grad_h + 1, grad_c, cache)
        total = {name: total.get(name, 0) + grads[name] for name in grads}
    return total


def in_blocks(x, params):
    start = np.zeros((x.shape[1], len(params["wh"])), np.float32)
    hs, _, cache = scratch.lstm_forward(x, start, start, params)
    return scratch.lstm_backward(np.ones_like(hs), start, cache)[3]


# %% tags=["demo", "nbval-ignore-output"]
x = rng.standard_normal((50, 32, 64), np.float32)
shapes = {"wx": (64, 512), "wh": (128, 512), "b": 512, "peep": (3, 128)}
params = {name: 0.1 * rng.standard_normal(s, np.float32) for name, s in shapes.items()}
took, grads = {}, {}
for way in (read_and_return, in_blocks):
    start = time.process_time()
    for _ in range(5):
        grads[way] = way(x, params)
    took[way] = (time.process_time() - start) / 5
    print(f"{way.__name__:16} {1e3 * took[way]:6.1f} ms for 50 steps there and back")
for name, mine in grads[read_and_return].items():
    assert np.allclose(mine, grads[in_blocks][name], rtol=1e-3, atol=1e-2 * np.abs(mine).max())
print(f"{took[read_and_return] / took[in_blocks]:.1f} times faster, the same gradients")

# %% [markdown]
# ## 5. How far a gradient reaches
#
# A net can only learn from what its gradient reaches. So let a net read $T$ steps, take the sum of
# its last state as the loss, and ask at each step $t$ how large
#
# $$\Big\| \frac{\partial \sum_k h_{T,k}}{\partial h_t} \Big\|$$
#
# is: how much the end depends on what the net knew at $t$. For $t = T$ every entry of that gradient
# is 1. Send it back through one of your steps, and you have that for $t = T - 1$; and so on.
#
# ### Exercise 5 · `gradient_norms` (4 points)
#
# Build one cell of 16 units, run it over one sequence of `steps` random inputs of 16 numbers,
# N(0, 1), from a state of 0, and go back. Draw everything with `rng`. `kind` says which cell:
#
# - `'rnn'`: all of `wx`, `wh` from N(0, 0.5/√16), where the second number is the standard
#   deviation; the bias 0;
# - `'lstm'`: the forget gate's bias 3; all else, other biases and peepholes too, from N(0, 0.1).
#
# Return the norms, an array of `steps` numbers: the first step's first, the last step's, which is
# known already, last. The LSTM hands back two gradients, one for $h$ and one for $c$: begin with 0
# for $c$ and hand on both, but measure the one for $h$.


# %% nbgrader={"grade": false, "grade_id": "lstm-gradient_norms-solution", "locked": false, "schema_version": 3, "solution": true, "task": false}
def gradient_norms(steps, kind, rng):
    """The norm of the gradient of sum(h_T) for h_t, for each step t: (steps,), step 1 first."""
    ### BEGIN SOLUTION
    size, xs = 16, rng.standard_normal((steps, 1, 16))
    wx, wh = 0.5 / np.sqrt(size) * rng.standard_normal((2, size, size))
    shapes = {"wx": (size, 4 * size), "wh": (size, 4 * size), "b": 4 * size, "peep": (3, size)}
    params = {name: 0.1 * rng.standard_normal(shape) for name, shape in shapes.items()}
    params["b"][size : 2 * size] = 3
    h, c, path = np.zeros((1, size)), np.zeros((1, size)), []
    for x in xs:
        if kind == "rnn":
            h, cache = rnn_step(x, h, wx, wh, np.zeros(size))
        else:
            h, c, cache = lstm_step(x, h, c, params)
        path.append(cache)
    grad_h, grad_c, norms = np.ones_like(h), np.zeros_like(c), []
    for cache in reversed(path):
        norms.append(np.linalg.norm(grad_h))
        if kind == "rnn":
            _, grad_h, *_ = rnn_step_backward(grad_h, cache)
        else:
            _, grad_h, grad_c, _ = lstm_step_backward(grad_h, grad_c, cache)
    return np.array(norms[::-1])
    ### END SOLUTION


check("lstm.gradient_norms", gradient_norms)

# %% nbgrader={"grade": true, "grade_id": "lstm-gradient_norms", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
check("lstm.gradient_norms", gradient_norms, points=4, seed=5)
### BEGIN HIDDEN TESTS
check("lstm.gradient_norms", gradient_norms, points=4, seed=9505)
### END HIDDEN TESTS

# %% [markdown]
# Five nets of each kind, over sixty steps. Mind the scale: each line of the grid is a factor of
# 10,000.

# %% tags=["demo"]
fig, ax = plt.subplots(figsize=(7.4, 3.4))
reach = {}
for kind, colour in [("rnn", "C3"), ("lstm", "C0")]:
    nets = np.random.default_rng(seed).spawn(5)
    reach[kind] = np.array([gradient_norms(60, kind, net) for net in nets])
    lines = ax.semilogy(range(1, 61), reach[kind].T, color=colour, alpha=0.7)
    lines[0].set_label(kind.upper())
ax.set(title="How much the last state depends on the state at step t", xlabel="step t")
ax.set(ylabel="norm of the gradient", yticks=10.0 ** np.arange(-24, 5, 4))
ax.legend(loc="lower right")
show(fig, "Logarithmic: the RNN falls in a straight line to 1e-20, the LSTM stays above 0.01.")
for kind, norms in reach.items():
    low, high = norms[:, -41].min(), norms[:, -41].max()
    print(f"{kind:4} forty steps back: {low:.1e} to {high:.1e}")
assert reach["rnn"][:, -41].max() < 1e-4 < reach["lstm"].min()

# %% [markdown]
# The RNN's line is straight: with each step back the gradient is multiplied by $W_h^\top$ and the
# slopes of tanh, so it shrinks by about the same factor every time (Hochreiter, 1991; Bengio,
# Simard & Frasconi, 1994). Through the cell the factor is $f$, and the net itself can set that
# close to 1.
#
# The same, drawn as Graves (2012) does it: each circle is a step, and the darker, the more the end
# depends on it. From black to white the norm falls by a factor of 100,000.

# %% tags=["demo"]
fig, ax = plt.subplots(figsize=(7.6, 2.1))
for row, kind in enumerate(["lstm", "rnn"]):
    norms = np.log10(reach[kind][0, -12:] / 4)
    ax.plot(range(1, 13), [row] * 12, color="0.7", linewidth=1, zorder=0)
    dots = {"s": 420, "cmap": "Greys", "vmin": -5, "vmax": 0, "edgecolors": "black"}
    ax.scatter(range(1, 13), [row] * 12, c=norms, **dots)
ax.set(title="What reaches the last step, of 12", xlabel="step", xticks=range(1, 13))
ax.set(yticks=[0, 1], yticklabels=["LSTM", "RNN"], ylabel="cell", ylim=(-0.6, 1.6))
ax.grid(False)
show(fig, "Two rows of circles: going back, the RNN's pale step by step, the LSTM's stay dark.")

# %% [markdown]
# ## 6. When a gradient bursts
#
# With larger weights the same factor is above 1, and the gradient grows with every step back. Below
# is one RNN with $W_h$ from N(0, s/√16), for three values of s. Its input is 0, so its state stays
# where tanh is steepest.

# %% tags=["demo"]
fig, ax = plt.subplots(figsize=(7.0, 3.0))
drawn, zeros = rng.standard_normal((16, 16)), np.zeros((1, 16))
for s in (0.5, 1.0, 1.6):
    wh = s / 4 * drawn
    _, cache = rnn_step(zeros, zeros, wh, wh, zeros[0])  # each step is the same
    grad, norms = np.ones((1, 16)), []
    for _ in range(40):
        norms.append(np.linalg.norm(grad))
        _, grad, *_ = rnn_step_backward(grad, cache)
    ax.semilogy(range(1, 41), norms[::-1], label=f"s = {s}")
ax.set(title="Vanishing and bursting", xlabel="step t", ylabel="norm of the gradient")
ax.set(yticks=10.0 ** np.arange(-12, 13, 4))
ax.legend()
show(fig, "Going back 40 steps, s = 0.5 falls by many powers of ten and s = 1.6 rises by as many.")

# %% [markdown]
# One step along a gradient of $10^{8}$ throws away all that was learnt. Its *direction* may still
# be a good one. So *clip* it (Pascanu, Mikolov & Bengio, 2013): take all gradients of the net as
# one long row of numbers; where its norm is above a limit, shorten the row to that limit. As all of
# them are multiplied by the same factor, the direction stays.
#
# ### Exercise 6 · `clip_gradients` (2 points)
#
# `grads` is a list of arrays. Return new ones and leave those that came in as they are. Where the
# norm is within the limit nothing changes.


# %% nbgrader={"grade": false, "grade_id": "lstm-clip_gradients-solution", "locked": false, "schema_version": 3, "solution": true, "task": false}
def clip_gradients(grads, max_norm):
    """Gradients scaled down together where their norm, over all of them, exceeds max_norm."""
    ### BEGIN SOLUTION
    norm = np.sqrt(sum(np.sum(g**2) for g in grads))
    scale = max_norm / norm if norm > max_norm else 1.0
    return [g * scale for g in grads]
    ### END SOLUTION


check("lstm.clip_gradients", clip_gradients)

# %% nbgrader={"grade": true, "grade_id": "lstm-clip_gradients", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
check("lstm.clip_gradients", clip_gradients, points=2, seed=6)
### BEGIN HIDDEN TESTS
check("lstm.clip_gradients", clip_gradients, points=2, seed=9506)
### END HIDDEN TESTS

# %% [markdown]
# Clipping is the cure for bursting gradients. For vanished ones there is none: what is gone cannot
# be scaled up again. For those you need another cell.
#
# ## 7. Sixty steps later
#
# Now the trial. The net is shown one of four symbols, then sixty symbols of noise, then a question
# mark: which was the first? Guessing is right in a quarter of all cases.
#
# `scratch.Writer` is such a net: your RNN or LSTM in its fast version, and a linear layer that
# turns the state into a score for each symbol. `train_writer` trains it with Adam and clipping. The
# forget gates begin at a bias of 6. As $\sigma(6) = .9975$ and $.9975^{60} = .86$, a cell still has
# 86% of its content after sixty steps. A bias of about the logarithm of the time to bridge (here
# $\ln 60 = 4.1$), or more, is what the gates need to begin with (Tallec & Ollivier, 2018).

# %% tags=["demo"]
LAG, SYMBOLS = 60, 4


def copy_batch(n, rng):
    """ids and targets (T, n): symbols 0-3 to keep, 4-7 as noise, 8 as the question mark."""
    first = rng.integers(0, SYMBOLS, (1, n))
    noise = rng.integers(SYMBOLS, 2 * SYMBOLS, (LAG, n))
    ids = np.concatenate([first, noise, np.full((1, n), 2 * SYMBOLS)])
    targets = np.full_like(ids, -1)  # -1: nothing is asked here
    targets[-1] = first
    return ids, targets


def train_on_copies(kind, rng, updates=400):
    """The losses on the way, and the share of right answers to 2000 new sequences."""
    net = scratch.Writer(kind, 2 * SYMBOLS + 1, 32, rng, forget_bias=6.0)
    batches = (copy_batch(32, rng) for _ in range(updates))
    losses = list(scratch.train_writer(net, batches, lr=0.005))
    ids, targets = copy_batch(2000, rng)
    scores, _ = net.scores(ids)
    return losses, np.mean(scores[-1].argmax(axis=1) == targets[-1])


# %% tags=["demo"]
right = {}
fig, ax = plt.subplots(figsize=(7.4, 3.2))
for kind, colour in [("rnn", "C3"), ("lstm", "C0")]:
    nets = np.random.default_rng(seed).spawn(5)
    losses, right[kind] = zip(*(train_on_copies(kind, net) for net in nets), strict=True)
    smooth = np.array(losses).reshape(5, -1, 10).mean(axis=2)
    lines = ax.plot(range(10, 401, 10), smooth.T, color=colour, alpha=0.7)
    lines[0].set_label(kind.upper())
ax.axhline(np.log(SYMBOLS), color="grey", linestyle="--")
ax.set(title=f"Which symbol came {LAG} steps ago? Five nets each", xlabel="update")
ax.set(ylabel="cross-entropy", ylim=(-0.05, 1.6))
ax.legend(loc="center right")
show(fig, "The RNNs' loss stays on the dashed line of pure guessing; the LSTMs' falls to 0.")

# %% tags=["demo"]
for kind, shares in right.items():
    low, high = min(shares), max(shares)
    print(f"{kind.upper():4} right: {np.mean(shares):.2f} on average, {low:.2f} to {high:.2f}")
assert max(right["rnn"]) < 0.35  # guessing gives 0.25
assert min(right["lstm"]) > 0.95

# %% [markdown]
# Nobody told the LSTM which of the symbols would matter. It found that out, because from the first
# update on some gradient reached the first symbol.
#
# ## 8. A net that writes
#
# Train a net to say which letter comes next, and it can write: take what it says, feed it back in,
# and again.
#
# If you always take the likeliest letter, it will write the same name for ever. So *draw* the
# letter, with the probabilities that the scores stand for. A *temperature* $\tau$ makes the net
# bolder or more careful:
#
# $$p_k = \frac{e^{z_k / \tau}}{\sum_j e^{z_j / \tau}}$$
#
# $z$ are the scores, often called *logits*. For $\tau$ near 0 the likeliest letter nearly always
# wins; with a large $\tau$ all letters come about equally often.
#
# ### Exercise 7 · `sample` (4 points)
#
# `step(id, state)` reads one id and returns the scores for the next one, and the new state. Feed
# all of `seed_ids` first (there is at least one), in order, from the given state. Then draw
# `length` ids with `rng`, feeding each one back, and return those new ids only, as a list or an
# array. Scores may be as large as $10^4$: keep your softmax stable, as in notebook 02.
# `rng.choice(n, p=...)` draws one of 0, …, n − 1.


# %% nbgrader={"grade": false, "grade_id": "lstm-sample-solution", "locked": false, "schema_version": 3, "solution": true, "task": false}
def sample(step, state, seed_ids, length, temperature, rng):
    """Let a net write `length` ids after it has read seed_ids; the new ids only.

    step(id, state) -> logits (V,), state. Each new id is drawn from softmax(logits / temperature).
    """
    ### BEGIN SOLUTION
    for i in seed_ids:
        logits, state = step(i, state)
    ids = []
    while len(ids) < length:
        exp = np.exp((logits - logits.max()) / temperature)
        ids.append(int(rng.choice(len(exp), p=exp / exp.sum())))
        logits, state = step(ids[-1], state)
    return ids
    ### END SOLUTION


check("lstm.sample", sample)

# %% nbgrader={"grade": true, "grade_id": "lstm-sample", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
check("lstm.sample", sample, points=4, seed=7)
### BEGIN HIDDEN TESTS
check("lstm.sample", sample, points=4, seed=9507)
### END HIDDEN TESTS

# %% [markdown]
# The text to learn from: first names of the United States census of 1990, one a line, in another
# order each time. `Alphabet` turns letters into ids and back, and names a letter that it does not
# know.

# %% tags=["demo"]
load = data.makemore_names if profile == "full" else data.names
names, new_names = load("train"), load("test")
alphabet = scratch.Alphabet("\nabcdefghijklmnopqrstuvwxyz")


def as_ids(names, rng):
    """All names in a new order, one a line, as ids."""
    return alphabet.encode("\n" + "\n".join(rng.permutation(names)) + "\n")


def written(net, temperature, rng, length=110):
    start = alphabet.encode("\n")
    ids = sample(net.step, net.start(1), start, length, temperature, rng)
    return alphabet.decode(ids).split("\n")


rng = np.random.default_rng(seed)
lstm = scratch.Writer("lstm", len(alphabet), 64, rng)
print(f"{len(names)} names, such as {', '.join(names[:4])}")
print("Before training:", *written(lstm, 1.0, rng))

# %% [markdown]
# To go back from the last name to the first would need all states in between, and take an age
# before the first update. So the text is read in pieces of 32 letters. The state is handed on from
# piece to piece (`carry=True`), the gradient is not: *truncated* backpropagation through time
# (Williams & Peng, 1990).
#
# The loss is shown in *bits per letter*: the cross-entropy divided by $\ln 2$. It is the number of
# yes-or-no questions that a letter is still worth to the net.


# %% tags=["demo"]
def batches(epochs, rng):
    for _ in range(epochs):
        yield from scratch.text_batches(as_ids(names, rng), batch=16, steps=32)


rnn = scratch.Writer("rnn", len(alphabet), 64, rng)
fig, ax = plt.subplots(figsize=(7.0, 2.8))
for name, net, lr in [("RNN", rnn, 0.005), ("LSTM", lstm, 0.01)]:
    losses = list(scratch.train_writer(net, batches(10, rng), lr, carry=True))
    bits = np.array(losses) / np.log(2)
    ax.plot(np.convolve(bits, np.ones(20) / 20, "valid"), label=name)
ax.set(title="Learning to spell names", xlabel="update", ylabel="bits per letter")
ax.legend()
show(fig, "Both losses fall from above 4 bits per letter to about 3; the LSTM ends below the RNN.")
print("After training:", *written(lstm, 0.8, rng))

# %% [markdown]
# Is that any good? Names that were kept aside will tell. Beside the nets stand two counters: one
# knows how often each letter comes, the other how often each letter follows each other one.

# %% tags=["demo"]
read, unread = as_ids(names, rng), as_ids(new_names, rng)
letters = np.bincount(read, minlength=27) + 1.0
pairs = np.ones((27, 27))
np.add.at(pairs, (read[:-1], read[1:]), 1)
pairs /= pairs.sum(axis=1, keepdims=True)
bits = {
    "all letters alike": np.log2(27),
    "letters counted": -np.mean(np.log2(letters / letters.sum())[unread]),
    "pairs counted": -np.mean(np.log2(pairs[unread[:-1], unread[1:]])),
    "RNN": scratch.bits_per_id(rnn, unread, batch=8, steps=32),
    "LSTM": scratch.bits_per_id(lstm, unread, batch=8, steps=32),
}
for name, value in bits.items():
    print(f"{name:18} {value:.2f} bits per letter")
assert bits["LSTM"] < bits["pairs counted"] - 0.3

# %% [markdown]
# And does it only repeat what it has read? Let it write a few hundred names, at three temperatures.

# %% tags=["demo"]
known, kept_aside = set(names), set(new_names)
for temperature in (0.3, 0.8, 1.2):
    wrote = [name for name in written(lstm, temperature, rng, length=2000) if name][:-1]
    new = [name for name in wrote if name not in known]
    real = [name for name in new if name in kept_aside]
    print(f"temperature {temperature}: {len(new) / len(wrote):.0%} of {len(wrote)} are new,")
    print(f"    like {', '.join(new[:6])}")
    print(f"    {len(real)} of the new ones are real: {', '.join(real[:5])}")

# %% [markdown]
# Look inside while it reads. Type any name, such as your own, and step through the units with the
# slider. Which unit opens its input gate for vowels? Which one keeps its cell for many letters? And
# below: how much does the end still depend on the first letters, in either net? Try a long name.

# %% tags=["demo", "nbval-ignore-output"]
GateReader(lstm, rnn, alphabet, "katherine")

# %% [markdown]
# ## 9. Shakespeare, letter by letter
#
# Karpathy (2015) let such nets read a megabyte of Shakespeare's plays, with 65 different
# characters, and the world took notice. Full training takes some minutes, so here is what it gave
# on 21 November 2026: an LSTM of 128 units, three times through the text, 1,470 updates, on one
# thread of a busy server's processor. Beside it `torch.nn.LSTM`, with the same first weights, the
# same batches and the same optimiser. PyTorch's has no peepholes, so ours goes without them too.

# %% tags=["demo"]
measured = {  # bits per character on the last tenth of the text; seeds 0 to 4
    "NumPy": [2.656, 2.691, 2.648, 2.652, 2.653],
    "PyTorch": [2.656, 2.691, 2.65, 2.655, 2.652],
}
fig, ax = plt.subplots(figsize=(6.8, 2.2))
for place, (name, bits) in enumerate(measured.items()):
    ax.plot(bits, [place] * len(bits), "o", alpha=0.6)
    print(f"{name:8} mean {np.mean(bits):.3f}, {min(bits):.3f} to {max(bits):.3f}")
apart = np.subtract(*measured.values())
print(f"NumPy minus PyTorch, seed by seed: {apart.mean():+.4f} ± {apart.std(ddof=1):.4f}")
ax.set(title="Tiny Shakespeare after three epochs, 5 seeds", xlabel="bits per character")
ax.set(yticks=[0, 1], yticklabels=list(measured), ylim=(-0.6, 1.6), ylabel="written in")
show(fig, "Both need 2.65 to 2.69 bits per character, seed by seed the same to 0.01.")

# %% [markdown]
# With peepholes the first of these nets came to 2.604. This is how it wrote, at temperature 0.5:
#
#     ANGELO:
#     I hose the ware to the preise, him, I will hear not
#     And this bading the king thou slount they.
#
#     NERMION:
#     No many toon worling his father with a noths
#     And see my lord and the courte to the hourse
#
# It began with letters. Lines, speakers in capitals with their colons, and many a word it found by
# itself; a meaning it has not found. `profile = "full"` trains both once more on your computer, and
# lets the net write. (PyTorch is the subject of notebook 08: skim the next cell.)


# %% tags=["demo"]
def torch_twin(net):
    """The same layers in PyTorch, with the same weights to begin with."""
    from torch import nn, tensor

    p = net.params
    lstm, out = nn.LSTM(len(p["wx"]), net.hidden), nn.Linear(net.hidden, len(p["bo"]))
    values = p["wx"].T, p["wh"].T, p["b"], 0 * p["b"], p["wo"].T, p["bo"]
    for weight, value in zip([*lstm.parameters(), *out.parameters()], values, strict=True):
        weight.data = tensor(np.ascontiguousarray(value))
    lstm.bias_hh_l0.requires_grad_(False)  # PyTorch adds two biases; one is enough
    return lstm, out


def torch_losses(twin, batches):
    """The loss of each batch, the state handed on."""
    from torch import from_numpy
    from torch.nn import functional

    (lstm, out), state = twin, None
    for ids, targets in batches:
        ids, targets = (from_numpy(np.ascontiguousarray(a)) for a in (ids, targets))
        hs, state = lstm(functional.one_hot(ids, lstm.input_size).float(), state)
        state = tuple(s.detach() for s in state)
        yield functional.cross_entropy(out(hs).flatten(0, 1), targets.flatten())


# %% tags=["demo"]
if profile == "full":
    import torch
    from threadpoolctl import threadpool_limits

    threadpool_limits(1)
    torch.set_num_threads(1)
    text, unread_text = data.tiny_shakespeare("train"), data.tiny_shakespeare("test")
    characters = scratch.Alphabet(sorted(set(text)))
    ids, unread = characters.encode(text), characters.encode(unread_text)

    def three_epochs():
        for _ in range(3):
            yield from scratch.text_batches(ids, batch=32, steps=64)

    found = {}
    for peepholes in (False, True):
        rng = np.random.default_rng(seed)
        writer = scratch.Writer("lstm", len(characters), 128, rng, peepholes=peepholes)
        start = time.process_time()
        for _ in scratch.train_writer(writer, three_epochs(), lr=0.005, carry=True):
            pass
        took, found[peepholes] = time.process_time() - start, scratch.bits_per_id(writer, unread)
        print(f"NumPy, peepholes {peepholes}: {found[peepholes]:.3f} bits, {took:.0f} CPU s")

# %% tags=["demo"]
if profile == "full":
    rng = np.random.default_rng(seed)
    twin = torch_twin(scratch.Writer("lstm", len(characters), 128, rng, peepholes=False))
    weights = [p for layer in twin for p in layer.parameters() if p.requires_grad]
    adam, start = torch.optim.Adam(weights, lr=0.005), time.process_time()
    for loss in torch_losses(twin, three_epochs()):
        adam.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        adam.step()
    took = time.process_time() - start
    with torch.no_grad():
        pieces = scratch.text_batches(unread, batch=32, steps=100)
        bits = np.mean([loss.item() for loss in torch_losses(twin, pieces)]) / np.log(2)
    print(f"PyTorch: {bits:.3f} bits per character, {took:.0f} CPU s")
    assert abs(bits - found[False]) < 0.05

# %% tags=["demo"]
if profile == "full":
    for temperature in (0.5, 0.8):
        ids = sample(writer.step, writer.start(1), characters.encode("\n"), 300, temperature, rng)
        print(f"--- temperature {temperature}\n{characters.decode(ids)}")

# %% [markdown]
# ## What you can do now
#
# - write a recurrent net and an LSTM with peepholes, forward and back, and check both;
# - say why an RNN's gradient vanishes or bursts, what a gate does about the one and clipping about
#   the other;
# - train on a text without end, piece by piece;
# - let a net write, cool or hot, and say in bits per letter how well it reads.
#
# Next: **06 · Graph networks**, where the input is neither a grid nor a row.
#
# **Sources.** Elman (1990), *Finding structure in time*. Werbos (1990), *Backpropagation through
# time: what it does and how to do it*. Williams & Peng (1990), *An efficient gradient-based
# algorithm for on-line training of recurrent network trajectories*. Hochreiter (1991),
# *Untersuchungen zu dynamischen neuronalen Netzen*. Bengio, Simard & Frasconi (1994), *Learning
# long-term dependencies with gradient descent is difficult*. Hochreiter & Schmidhuber (1997), *Long
# short-term memory*. Gers, Schmidhuber & Cummins (2000), *Learning to forget*. Gers, Schraudolph &
# Schmidhuber (2002), *Learning precise timing with LSTM recurrent networks*. Graves (2012),
# *Supervised sequence labelling with recurrent neural networks*. Pascanu, Mikolov & Bengio (2013),
# *On the difficulty of training recurrent neural networks*. Karpathy (2015), *The unreasonable
# effectiveness of recurrent neural networks*. Tallec & Ollivier (2018), *Can recurrent neural
# networks warp time?*
