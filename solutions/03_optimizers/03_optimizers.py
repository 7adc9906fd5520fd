# %% [markdown]
# # 03 · Optimisers
#
# **The question.** The gradient says which way is down, here. It does not say how far down goes,
# nor what the ground is like ten steps on. How do you walk with so little to go by?
#
# In notebook 01 one line did it: every weight moves against its gradient, at one rate for all. In
# this notebook you will see that line fail in a narrow valley, give it a memory of direction, of
# slope and of curvature, and let seven optimisers race. Each is a few lines of arithmetic.
#
# **How an exercise works.** As before: write the function, run its cell, read what `check` says.
# Eight exercises, 20 points.

# %% tags=["parameters"]
profile = "quick"  # "full" repeats the last race over twenty seeds
seed = 0

# %%
from functools import partial

import matplotlib.pyplot as plt
import numpy as np

from pytools import check, data
from pytools.widgets import STYLE, race, show

plt.style.use(STYLE)
rng = np.random.default_rng(seed)

# %% [markdown]
# ## 1. What an optimiser sees
#
# Training is a bargain between two functions that know nothing of each other.
#
# - The **closure** `feval(w) -> loss, grad` knows the data and the net. Give it weights, and it
#   says how wrong they are, and which way is up.
# - The **optimiser** `step(w, grad, state) -> w, state` knows neither. It sees the weights, their
#   gradient, and its own notes, and says where to go.
#
# This style comes from Torch's `optim` (Collobert, Kavukcuoglu & Farabet, 2011). It is why one
# optimiser serves every net. An optimiser does *not* compute the gradient, choose the batch, know
# the loss, or notice that the net overfits. All of that is somebody else's work.
#
# Every optimiser of this notebook has the form
#
#     w, state = optimiser(w, grad, state, lr)
#
# | symbol | what |
# |---|---|
# | `w`, `grad` | weights and their gradient, arrays of one shape, any shape |
# | `lr` | the learning rate, a number |
# | `state` | `{}` before the first step; then whatever the optimiser handed back last time |
#
# What you put into `state` is your own affair: nobody else reads it. You may change it, or hand
# back a new one. But **leave `w` and `grad` as they were**, at a later step too: whoever called you
# still needs them. An array that you keep and mean to write into has to be a copy.
#
# ### Exercise 1 · `sgd` (1 point)
#
# The plainest step, $w \leftarrow w - \mathrm{lr} \cdot g$ with $g$ the gradient (Robbins & Monro,
# 1951). It takes no notes: hand the state back as it came. The check takes a few steps in a row
# with gradients that are given; each row of its `path` is `w` after one more step.


# %% nbgrader={"grade": false, "grade_id": "optimizers-sgd-solution", "locked": false, "schema_version": 3, "solution": true, "task": false}
def sgd(w, grad, state, lr):
    """One step of gradient descent.

    w, grad: arrays of one shape; state: handed through. Returns the new w, and state.
    """
    ### BEGIN SOLUTION
    return w - lr * grad, state
    ### END SOLUTION


check("optimizers.sgd", sgd)

# %% nbgrader={"grade": true, "grade_id": "optimizers-sgd", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check("optimizers.sgd", sgd, points=1, seed=1)
### BEGIN HIDDEN TESTS
check("optimizers.sgd", sgd, points=1, seed=9301)
### END HIDDEN TESTS

# %% [markdown]
# ### Exercise 2 · `minimize` (3 points)
#
# Now the bargain itself: ask the closure, take a step, and again. `step(w, grad, state)` is an
# optimiser whose rate is settled already. The state is `{}` at first; whatever a step hands back,
# a dict or not, goes into the next one.
#
# Keep the losses: `losses[t]` is the loss *before* step $t$, counted from 0, so there are as many
# losses as steps. Take all the steps, also where the loss grows.


# %% nbgrader={"grade": false, "grade_id": "optimizers-minimize-solution", "locked": false, "schema_version": 3, "solution": true, "task": false}
def minimize(feval, w, step, num_steps):
    """Take num_steps steps from w.

    feval(w) -> loss, grad; step(w, grad, state) -> w, state.
    Returns the last w, and losses (num_steps,), losses[t] before step t.
    """
    ### BEGIN SOLUTION
    state, losses = {}, []
    for _ in range(num_steps):
        loss, grad = feval(w)
        losses.append(loss)
        w, state = step(w, grad, state)
    return w, losses
    ### END SOLUTION


check("optimizers.minimize", minimize)

# %% nbgrader={"grade": true, "grade_id": "optimizers-minimize", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
check("optimizers.minimize", minimize, points=3, seed=2)
### BEGIN HIDDEN TESTS
check("optimizers.minimize", minimize, points=3, seed=9302)
### END HIDDEN TESTS

# %% [markdown]
# ## 2. The ravine
#
# What is so hard about walking downhill? Take a valley that is fifty times as steep across as
# along:
#
# $$L(a, b) = \tfrac{1}{2}\,(a^2 + 50\,b^2), \qquad \nabla L = (a,\; 50\,b)$$
#
# Here two weights $w = (a, b)$ are all there is. The closure is one line. And since *any* function
# of that form will do, a closure can also take notes of where it was asked.


# %% tags=["demo"]
def ravine(w):
    return (w[0] ** 2 + 50 * w[1] ** 2) / 2, np.array([1, 50]) * w


def path_of(step, num_steps, feval=ravine, start=(-9.0, 1.5)):
    """The places that an optimiser comes through: (num_steps, 2)."""
    path = []

    def watched(w):
        path.append(w)
        return feval(w)

    minimize(watched, np.array(start), step, num_steps)
    return np.array(path)


# %% [markdown]
# `partial(sgd, lr=0.02)` is `sgd` with its rate settled: just the `step` that `minimize` wants.
# Four rates, thirty steps each. What do you expect of a rate that is twice as large?


# %% tags=["demo"]
def draw_ravine(ax, paths, title):
    a, b = np.linspace(-10, 3, 60), np.linspace(-2.2, 2.2, 60)
    height = (a**2 + 50 * b[:, None] ** 2) / 2
    ax.contour(a, b, height, levels=np.logspace(-1, 2.2, 12), colors="grey", linewidths=0.5)
    for label, path in paths.items():
        ax.plot(*path.T, "o-", markersize=3, linewidth=1.2, label=label)
    ax.set(title=title, xlabel="weight a", ylabel="weight b", xlim=(-10, 3), ylim=(-2.2, 2.2))
    ax.grid(False)


fig, axes = plt.subplots(2, 2, figsize=(9, 4.8), sharex=True, sharey=True)
for ax, lr in zip(axes.flat, [0.005, 0.02, 0.038, 0.0405], strict=True):
    draw_ravine(ax, {"": path_of(partial(sgd, lr=lr), 30)}, f"sgd, lr = {lr}")
    ax.label_outer()
show(fig, "Four paths in a ravine: slow, straight but slow along, zigzag, and zigzag that grows.")

# %% [markdown]
# Each step multiplies $a$ by $(1 - \mathrm{lr})$ and $b$ by $(1 - 50\,\mathrm{lr})$. The second
# factor passes $-1$ at $\mathrm{lr} = 2/50$: beyond it, every step across lands higher than it
# started. **The steepest direction sets the limit for all**, and the flat direction has to creep:
# at the best of rates $a$ still loses only some 4 % a step. A real net has thousands of directions,
# and steepness that differs far more than fiftyfold.
#
# Three ideas help. Remember the direction. Give each weight a rate of its own. Or measure how the
# ground is curved.

# %% [markdown]
# ## 3. A memory of direction
#
# Across the ravine the gradients point left, right, left, right; along it they always agree. So
# add them up, and let what is old fade. With a *velocity* $v$, 0 at first:
#
# $$v \leftarrow \mu\,v + g, \qquad w \leftarrow w - \mathrm{lr} \cdot v$$
#
# What disagrees cancels; what agrees adds up to $1 + \mu + \mu^2 + \dots = 1 / (1 - \mu)$ times
# the gradient: ten times for $\mu = 0.9$. The weights roll like a heavy ball (Polyak, 1964).
#
# ### Exercise 3 · `momentum` (2 points)
#
# $v$ lives in the state; `state.get("v", 0.0)` reads a note that may not be there yet. The gradient
# enters $v$ undamped, as the formula says. The check tries other values of `mu` as well, and names
# them in `hyper`.


# %% nbgrader={"grade": false, "grade_id": "optimizers-momentum-solution", "locked": false, "schema_version": 3, "solution": true, "task": false}
def momentum(w, grad, state, lr, mu=0.9):
    """One step of the heavy ball; mu is how much of the velocity stays.

    w, grad: arrays of one shape; state: {} at first. Returns the new w, and state.
    """
    ### BEGIN SOLUTION
    v = mu * state.get("v", 0.0) + grad
    return w - lr * v, {"v": v}
    ### END SOLUTION


check("optimizers.momentum", momentum)

# %% nbgrader={"grade": true, "grade_id": "optimizers-momentum", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
check("optimizers.momentum", momentum, points=2, seed=3)
### BEGIN HIDDEN TESTS
check("optimizers.momentum", momentum, points=2, seed=9303)
### END HIDDEN TESTS

# %% [markdown]
# A ball overshoots. Nesterov (1983) looks before he leaps. Let $u$ be where the ball is. Whatever the
# next gradient says, the step that follows contains $\mathrm{lr}\,\mu\,v$: the ball will come to about
# $w = u - \mathrm{lr}\,\mu\,v$ anyway. So ask for the gradient *there*, and correct early.
#
# But our closure is asked at the weights, not at a place ahead of them. So keep the place ahead,
# $w$, as the weights (Sutskever, Martens, Dahl & Hinton, 2013). With $g$ the gradient at $w$ and
# $v' = \mu v + g$ the new velocity, the ball goes to $u' = u - \mathrm{lr}\,v'$, and its new place
# ahead is
#
# $$w' = u' - \mathrm{lr}\,\mu\,v'
#      = \underbrace{w + \mathrm{lr}\,\mu\,v}_{u} - \mathrm{lr}\,v' - \mathrm{lr}\,\mu\,v'
#      = w - \mathrm{lr}\,(g + \mu\,v').$$
#
# The ball $u$ is gone from the formula. This is also what `torch.optim` does.
#
# ### Exercise 4 · `nesterov` (2 points)
#
# The same velocity as before, and the step $w \leftarrow w - \mathrm{lr}\,(g + \mu\,v')$.


# %% nbgrader={"grade": false, "grade_id": "optimizers-nesterov-solution", "locked": false, "schema_version": 3, "solution": true, "task": false}
def nesterov(w, grad, state, lr, mu=0.9):
    """One step of Nesterov's momentum, w standing at the place ahead.

    w, grad: arrays of one shape; state: {} at first. Returns the new w, and state.
    """
    ### BEGIN SOLUTION
    v = mu * state.get("v", 0.0) + grad
    return w - lr * (grad + mu * v), {"v": v}
    ### END SOLUTION


check("optimizers.nesterov", nesterov)

# %% nbgrader={"grade": true, "grade_id": "optimizers-nesterov", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
check("optimizers.nesterov", nesterov, points=2, seed=4)
### BEGIN HIDDEN TESTS
check("optimizers.nesterov", nesterov, points=2, seed=9304)
### END HIDDEN TESTS

# %% [markdown]
# Forty steps at one and the same rate. Who is still far from the bottom, and which of the two with a
# memory swings less?

# %% tags=["demo"]
paths = {f.__name__: path_of(partial(f, lr=0.01), 40) for f in (sgd, momentum, nesterov)}

fig, ax = plt.subplots(figsize=(8.5, 3.4))
draw_ravine(ax, paths, "Forty steps in the ravine, lr = 0.01")
ax.legend(ncols=3)
show(fig, "sgd has come a third of the way; momentum swings past the bottom; nesterov swings less.")

# %% [markdown]
# ## 4. A rate for every weight
#
# Momentum has one rate for all weights still. Yet some weights have met steep slopes all their
# life, and others hardly any: the weight of a pixel that is seldom inked gets a gradient once in a
# hundred images. Adagrad (Duchi, Hazan & Singer, 2011) gives each weight a rate that fits *its
# own* history. $s$ is 0 at first and adds up squares; all is done entry by entry:
#
# $$s \leftarrow s + g^2, \qquad w \leftarrow w - \mathrm{lr}\,\frac{g}{\sqrt{s} + \varepsilon}$$
#
# The small $\varepsilon$ keeps a weight that has never had a gradient from $0/0$. It stands
# *beside* the root.
#
# ### Exercise 5 · `adagrad` (2 points)
#
# Before you write it: how long is the first step, for a gradient of 1000 and for one of 0.001?


# %% nbgrader={"grade": false, "grade_id": "optimizers-adagrad-solution", "locked": false, "schema_version": 3, "solution": true, "task": false}
def adagrad(w, grad, state, lr, eps=1e-10):
    """One step of Adagrad.

    w, grad: arrays of one shape; state: {} at first. Returns the new w, and state.
    """
    ### BEGIN SOLUTION
    s = state.get("s", 0.0) + grad**2
    return w - lr * grad / (np.sqrt(s) + eps), {"s": s}
    ### END SOLUTION


check("optimizers.adagrad", adagrad)

# %% nbgrader={"grade": true, "grade_id": "optimizers-adagrad", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
check("optimizers.adagrad", adagrad, points=2, seed=5)
### BEGIN HIDDEN TESTS
check("optimizers.adagrad", adagrad, points=2, seed=9305)
### END HIDDEN TESTS

# %% [markdown]
# Adagrad never forgets. $s$ only grows, so every rate only shrinks, and a long training grinds to
# a halt. RMSprop (Tieleman & Hinton, 2012) *averages* the squares instead, and lets the old ones
# fade. With $s$ starting at 0 and $\alpha = 0.99$:
#
# $$s \leftarrow \alpha\,s + (1 - \alpha)\,g^2, \qquad
# w \leftarrow w - \mathrm{lr}\,\frac{g}{\sqrt{s} + \varepsilon}$$
#
# This one is written for you, with $s$ under the name `squares`: compare it with yours.


# %% tags=["demo"]
def rmsprop(w, grad, state, lr, alpha=0.99, eps=1e-8):
    squares = alpha * state.get("squares", 0.0) + (1 - alpha) * grad**2
    return w - lr * grad / (np.sqrt(squares) + eps), {"squares": squares}


# %% [markdown]
# Adam (Kingma & Ba, 2015) joins both ideas: a fading average $m$ of the gradients for the
# direction, a fading average $v$ of their squares for each weight's rate.
#
# $$m \leftarrow \beta_1 m + (1 - \beta_1)\,g, \qquad v \leftarrow \beta_2 v + (1 - \beta_2)\,g^2$$
#
# One thing is amiss. Both start at 0, and with $\beta_2 = 0.999$ an average over some thousand
# steps is, after the first, a thousandth of what it should be. How much too small exactly? Feed
# it the same $g$ each time: after $t$ steps
#
# $$m = (1 - \beta_1)(1 + \beta_1 + \dots + \beta_1^{t-1})\,g = (1 - \beta_1^t)\,g.$$
#
# So divide by that factor, for $m$ and for $v$, with $t = 1$ at the first step:
#
# $$\hat m = \frac{m}{1 - \beta_1^t}, \qquad \hat v = \frac{v}{1 - \beta_2^t}, \qquad
# w \leftarrow w - \mathrm{lr}\,\frac{\hat m}{\sqrt{\hat v} + \varepsilon}$$
#
# ### Exercise 6 · `adam` (4 points)
#
# Carry on with $m$ and $v$, not with $\hat m$ and $\hat v$: those serve this one step.


# %% nbgrader={"grade": false, "grade_id": "optimizers-adam-solution", "locked": false, "schema_version": 3, "solution": true, "task": false}
def adam(w, grad, state, lr, beta1=0.9, beta2=0.999, eps=1e-8):
    """One step of Adam, both averages corrected for their start at 0.

    w, grad: arrays of one shape; state: {} at first. Returns the new w, and state.
    """
    ### BEGIN SOLUTION
    t = state.get("t", 0) + 1
    m = beta1 * state.get("m", 0.0) + (1 - beta1) * grad
    v = beta2 * state.get("v", 0.0) + (1 - beta2) * grad**2
    m_hat = m / (1 - beta1**t)
    v_hat = v / (1 - beta2**t)
    return w - lr * m_hat / (np.sqrt(v_hat) + eps), {"t": t, "m": m, "v": v}
    ### END SOLUTION


check("optimizers.adam", adam)

# %% nbgrader={"grade": true, "grade_id": "optimizers-adam", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
check("optimizers.adam", adam, points=4, seed=6)
### BEGIN HIDDEN TESTS
check("optimizers.adam", adam, points=4, seed=9306)
### END HIDDEN TESTS

# %% [markdown]
# How long are their steps? Give all three the same gradient of 1 a hundred times, at lr = 1.
# Adagrad's shrink with $1/\sqrt{t}$. RMSprop has no correction: its first steps are ten times too
# long. Adam takes steps of just `lr`: that is why one rate, such as 0.001, is a fair first guess
# for many nets.

# %% tags=["demo"]
fig, ax = plt.subplots(figsize=(6.5, 3.4))
for optimiser in (adagrad, rmsprop, adam):
    w, state, places = np.zeros(1), {}, [0.0]
    for _ in range(100):
        w, state = optimiser(w, np.ones(1), state, lr=1.0)
        places.append(w[0])
    ax.semilogy(np.arange(1, 101), -np.diff(places), label=optimiser.__name__)
ax.set(title="Step length for a gradient that is always 1", xlabel="step", ylabel="length")
ax.legend()
show(fig, "Adagrad's steps fall from 1 to 0.1, RMSprop's fall from 10 towards 1, Adam's stay at 1.")

# %% [markdown]
# **The race.** Choose a landscape, an optimiser and its rate; the other five run beside it, each
# at a rate that suits it. Move the step slider, and look for answers:
#
# 1. In the ravine, Adagrad and RMSprop win. *Turn* the ravine by 45°: why do they fall behind, and
#    why does it not matter to momentum?
# 2. Rosenbrock's valley (1960), $L(x, y) = (1 - x)^2 + 100\,(y - x^2)^2$, is bent: its floor is the
#    parabola $y = x^2$, its lowest point $(1, 1)$. At which rate is plain `sgd` lost, and how much
#    smaller a rate keeps it on the map?
# 3. The digits are a slice through a real net's loss, with two valleys: two different nets that
#    read equally well. All start on the ridge between them. Who ends where?

# %% tags=["demo"]
race()

# %% [markdown]
# <details>
# <summary>What there is to see (open it once you have looked)</summary>
#
# 1. Adagrad and RMSprop scale each weight apart. In the ravine the steepness belongs to a weight,
#    so that cures it. Turned, both weights feel the same mixture of steep and flat, and get the
#    same rate. Momentum adds up vectors: turn them before or after, it is the same path, turned.
# 2. At 0.01 the first steps fly off the map; at 0.005, half of it, `sgd` is faster than at any
#    smaller rate. The best rate is often the last one before the cliff.
# 3. At these rates, Adagrad and RMSprop find one net, the other four another one, and Adam is in
#    two minds for twenty steps. Change a rate, and the answer may change.
#
# </details>

# %% [markdown]
# ## 5. A memory of curvature
#
# All of these guess from gradients alone. *Newton's method* knows the curvature too: with the
# inverse $H$ of the matrix of second derivatives it steps by $-H g$, and reaches the bottom of any
# *quadratic* valley in one step. In the ravine those derivatives are 1 along and 50 across, $H$
# holds 1 and 1/50, and $-H g = -(a, b)$ leads straight to the bottom. (Elsewhere $H$ often means the
# matrix itself, the *Hessian*, and not its inverse.) But for $D$ weights $H$ has $D^2$ entries, and
# nobody tells us what they are.
#
# Or do they? Every step shows a little of the curvature. It moves the weights by
# $s = w_\text{new} - w_\text{old}$, and the gradient changes by $y = g_\text{new} - g_\text{old}$.
# An $H$ that is worth its name must turn $y$ back into $s$. With $\rho = 1 / s^\top y$ the update
#
# $$H \leftarrow (I - \rho\, s\, y^\top)\, H\, (I - \rho\, y\, s^\top) + \rho\, s\, s^\top$$
#
# sees to just that. L-BFGS (Nocedal, 1980) keeps the last few pairs $(s, y)$, and never builds
# $H$. For what we need is only $H g$, and that takes two loops over the pairs, with vectors:
#
# 1. $q = g$. From the **newest** pair to the oldest: $\alpha_i = \rho_i\, s_i^\top q$, then
#    $q \leftarrow q - \alpha_i\, y_i$.
# 2. Before any pair, $H$ is a number times the identity: $r = \gamma\, q$, where
#    $\gamma = s^\top y \,/\, y^\top y$ for the newest pair. (In a valley of the same curvature $c$
#    all round, $y = c\,s$ and $\gamma = 1/c$: one number that says how long steps should be.)
# 3. From the **oldest** pair to the newest: $\beta = \rho_i\, y_i^\top r$, then
#    $r \leftarrow r + (\alpha_i - \beta)\, s_i$.
#
# The direction to go is $-r$.
#
# ### Exercise 7 · `lbfgs_direction` (4 points)
#
# The lists hold the pairs, oldest first. Without any pair, $H$ is the identity: go along $-g$.


# %% nbgrader={"grade": false, "grade_id": "optimizers-lbfgs_direction-solution", "locked": false, "schema_version": 3, "solution": true, "task": false}
def lbfgs_direction(grad, s_list, y_list):
    """The direction -H grad of L-BFGS, by the two-loop recursion.

    grad (D,); s_list, y_list: lists of arrays (D,), oldest first, of one length, maybe empty.
    Returns (D,).
    """
    ### BEGIN SOLUTION
    pairs = [(s, y, 1 / (s @ y)) for s, y in zip(s_list, y_list, strict=True)]
    q, alphas = grad, []
    for s, y, rho in reversed(pairs):
        alphas.append(rho * (s @ q))
        q = q - alphas[-1] * y
    if pairs:
        s, y, _ = pairs[-1]
        q = q * (s @ y) / (y @ y)
    for (s, y, rho), alpha in zip(pairs, reversed(alphas), strict=True):
        q = q + (alpha - rho * (y @ q)) * s
    return -q
    ### END SOLUTION


check("optimizers.lbfgs_direction", lbfgs_direction)

# %% nbgrader={"grade": true, "grade_id": "optimizers-lbfgs_direction", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
check("optimizers.lbfgs_direction", lbfgs_direction, points=4, seed=7)
### BEGIN HIDDEN TESTS
check("optimizers.lbfgs_direction", lbfgs_direction, points=4, seed=9307)
### END HIDDEN TESTS

# %% [markdown]
# A direction is no step yet. L-BFGS has no learning rate: it tries a step of full length, and
# halves it until the loss has fallen by a fair share of what the slope promised (Armijo, 1966).
# This *line search* asks the closure, so L-BFGS does not fit our form `step(w, grad, state)`: it
# wants `feval` itself. Each question counts: below, a loss is noted for every call of `feval`.


# %% tags=["demo"]
def lbfgs(feval, w, num_evals, memory=10):
    """L-BFGS with a line search. Returns w, and the best loss after each call of feval."""
    here, grad = feval(w)
    record, s_list, y_list = [here], [], []
    while len(record) < num_evals:
        direction = lbfgs_direction(grad, s_list, y_list)
        size = 1.0 if s_list else min(1.0, 1 / np.abs(grad).sum())
        while len(record) < num_evals:
            new_w = w + size * direction
            new_loss, new_grad = feval(new_w)
            record.append(min(new_loss, record[-1]))
            if new_loss <= here + 1e-4 * size * (grad @ direction):
                break
            size /= 2
        if new_loss > here:
            break  # out of calls in the middle of a search
        s, y = new_w - w, new_grad - grad
        if s @ y > 1e-12:  # else the pair says nothing about a valley
            s_list, y_list = [*s_list, s][-memory:], [*y_list, y][-memory:]
        w, here, grad = new_w, new_loss, new_grad
    return w, record


# %% [markdown]
# Rosenbrock's bent valley again, $L = (1 - x)^2 + 100\,(y - x^2)^2$. How many calls of the closure
# until the bottom is reached?


# %% tags=["demo"]
def rosenbrock(w):
    x, y = w
    bend = y - x**2
    grad = np.array([-2 * (1 - x) - 400 * x * bend, 200 * bend])
    return (1 - x) ** 2 + 100 * bend**2, grad


start, calls = np.array([-1.2, 1.0]), 300
fig, ax = plt.subplots(figsize=(6.5, 3.4))
for optimiser, lr in ((sgd, 0.002), (momentum, 0.001), (adam, 0.2)):
    losses = minimize(rosenbrock, start, partial(optimiser, lr=lr), calls)[1]
    ax.semilogy(losses, label=f"{optimiser.__name__}, lr = {lr}")
w, losses = lbfgs(rosenbrock, start, calls)
ax.semilogy(losses, label="L-BFGS")
ax.set(title="Rosenbrock's valley", xlabel="calls of the closure", ylabel="loss", ylim=(1e-12, 1e3))
ax.legend()
show(fig, "L-BFGS drops to zero within some fifty calls; the others are far from it after 300.")
assert losses[99] < 1e-8

# %% [markdown]
# ## 6. What an optimiser does not do
#
# **It does not lower its rate.** In practice the closure sees a different batch each time, so each
# gradient is the true one plus noise. Near the bottom the noise is all there is, and a constant
# rate keeps the weights jumping about. Whoever calls the optimiser has to lower the rate.
#
# Below, 100 weights with $L = \tfrac{1}{2}\|w\|^2$ and a noisy gradient $w + $ noise. Three
# schedules: a constant rate; a tenth of it after each third of the steps; half a cosine from the
# full rate to 0 (Loshchilov & Hutter, 2017). What a high rate is for, and what a low one, you can
# see in the first and in the last hundred steps.

# %% tags=["demo"]
steps = 600
schedules = {
    "constant": lambda t: 0.2,
    "a tenth after each third": lambda t: 0.2 * 0.1 ** (3 * t // steps),
    "half a cosine": lambda t: 0.1 * (1 + np.cos(np.pi * t / steps)),
}
fig, ax = plt.subplots(figsize=(6.5, 3.4))
for name, schedule in schedules.items():
    w, state, losses = np.full(100, 5.0), {}, []
    for t in range(steps):
        losses.append(np.mean(w**2) / 2)
        w, state = sgd(w, w + rng.standard_normal(100), state, schedule(t))
    ax.semilogy(losses, label=f"{name}: {losses[-1]:.4f}")
ax.set(title="Noisy gradients: the rate sets the floor", xlabel="step", ylabel="loss per weight")
ax.legend()
show(fig, "All fall at once; the constant rate stays at 0.05; lowered rates end far below.")

# %% [markdown]
# **It does not know layers.** To an optimiser, weights are just numbers. But you may know better:
# a layer that was trained before should move slowly, a new one fast (notebook 11 lives on that).
# Caffe (Jia et al., 2014) gave each layer a multiplier for the base rate; with 0 it is frozen.
#
# ### Exercise 8 · `layer_learning_rates` (2 points)
#
# Return a dict with a rate for every name in `names`, and for no other: `base_lr` times the
# layer's multiplier, where it has one. A multiplier belongs to the layer of exactly that name.


# %% nbgrader={"grade": false, "grade_id": "optimizers-layer_learning_rates-solution", "locked": false, "schema_version": 3, "solution": true, "task": false}
def layer_learning_rates(names, base_lr, multipliers):
    """The learning rate of each layer.

    names: list of strings; base_lr: a number; multipliers: dict, name -> number.
    Returns a dict, name -> rate; a layer without a multiplier gets base_lr.
    """
    ### BEGIN SOLUTION
    return {name: base_lr * multipliers.get(name, 1.0) for name in names}
    ### END SOLUTION


check("optimizers.layer_learning_rates", layer_learning_rates)

# %% nbgrader={"grade": true, "grade_id": "optimizers-layer_learning_rates", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
check("optimizers.layer_learning_rates", layer_learning_rates, points=2, seed=8)
### BEGIN HIDDEN TESTS
check("optimizers.layer_learning_rates", layer_learning_rates, points=2, seed=9308)
### END HIDDEN TESTS

# %% [markdown]
# ## 7. A real result: seven optimisers read digits
#
# Back to the digits of notebook 01, and to its net of two layers: 64 pixels, 32 hidden units, 10
# scores. All weights lie in one long vector `w`, as the closure wants them; `layers` cuts it up.

# %% tags=["demo"]
train_x, train_y = data.digits("train")
test_x, test_y = data.digits("test")
train_x, test_x = train_x.reshape(-1, 64).astype(float), test_x.reshape(-1, 64).astype(float)

SHAPES = {"w1": (64, 32), "b1": (32,), "w2": (32, 10), "b2": (10,)}
SIZES = [int(np.prod(shape)) for shape in SHAPES.values()]


def layers(w):
    pieces = np.split(w, np.cumsum(SIZES)[:-1])
    return [p.reshape(shape) for p, shape in zip(pieces, SHAPES.values(), strict=True)]


def draw_weights(rng):
    """He initialisation (02) for both matrices; biases 0."""
    scales = np.repeat([np.sqrt(2 / 64), 0, np.sqrt(2 / 32), 0], SIZES)
    return scales * rng.standard_normal(sum(SIZES))


# %% [markdown]
# The closure: forward, softmax cross-entropy, backward. You derived both gradients in 01 and 02.


# %% tags=["demo"]
def feval(w):
    w1, b1, w2, b2 = layers(w)
    hidden = np.maximum(train_x @ w1 + b1, 0)
    scores = hidden @ w2 + b2
    exp = np.exp(scores - scores.max(axis=1, keepdims=True))
    grad = exp / exp.sum(axis=1, keepdims=True)  # so far: the probabilities
    right = np.arange(len(train_x)), train_y
    loss = -np.mean(np.log(grad[right]))
    grad[right] -= 1
    grad /= len(train_x)
    grad_hidden = grad @ w2.T * (hidden > 0)
    parts = train_x.T @ grad_hidden, grad_hidden.sum(0), hidden.T @ grad, grad.sum(0)
    return loss, np.concatenate([part.ravel() for part in parts])


def accuracy(w):
    w1, b1, w2, b2 = layers(w)
    return np.mean((np.maximum(test_x @ w1 + b1, 0) @ w2 + b2).argmax(axis=1) == test_y)


# %% [markdown]
# First, your layer-wise rates. `lr * grad` works for an array of rates as well, one for each
# weight. What does a net lose when its first layer is left as it was drawn? And its second?

# %% tags=["demo", "nbval-ignore-output"]
plans = {
    "all layers learn": {},
    "first layer frozen": {"w1": 0.0, "b1": 0.0},
    "first layer at a tenth": {"w1": 0.1, "b1": 0.1},
    "second layer frozen": {"w2": 0.0, "b2": 0.0},
}
print(f"{'100 steps of momentum':24} {'loss':>6} {'test accuracy':>14}")
for name, multipliers in plans.items():
    rates = layer_learning_rates(list(SHAPES), 0.2, multipliers)
    lr = np.repeat([rates[layer] for layer in SHAPES], SIZES)
    w, losses = minimize(feval, draw_weights(rng), partial(momentum, lr=lr), 100)
    print(f"{name:24} {losses[-1]:6.3f} {accuracy(w):14.3f}")

# %% [markdown]
# Now the race. It is only fair if each runner has the rate that suits it. So each tries three, for
# sixty steps, from three sets of weights that do not take part in the race. (A comparison in which
# only one side was tuned proves nothing: look for that when you read a paper.)
#
# Adam's rates here are 20 to 100 times the usual 0.001. A step of Adam moves each weight by about
# `lr`, whatever the gradient, and here a hundred steps have to do what otherwise takes thousands.
# They may be that long because each sees all digits: there is no noise to average out.

# %% tags=["demo", "nbval-ignore-output"]
TRIED = {
    sgd: (0.5, 1.0, 2.0),
    momentum: (0.5, 1.0, 2.0),
    nesterov: (0.2, 0.5, 1.0),
    adagrad: (0.05, 0.1, 0.2),
    rmsprop: (0.005, 0.01, 0.02),
    adam: (0.02, 0.05, 0.1),
}
trials = [draw_weights(np.random.default_rng(seed + 1000 + i)) for i in range(3)]


def loss_in_trials(step):
    return np.mean([minimize(feval, w, step, 60)[1][-1] for w in trials])


runners = {}
for optimiser, rates in TRIED.items():
    ends = [loss_in_trials(partial(optimiser, lr=lr)) for lr in rates]
    best = rates[int(np.argmin(ends))]
    runners[f"{optimiser.__name__}, lr = {best}"] = partial(optimiser, lr=best)
    tried = "   ".join(f"{end:.3f} at {lr}" for lr, end in zip(rates, ends, strict=True))
    print(f"{optimiser.__name__:9} {tried}")
runners["L-BFGS"] = None  # a line search in place of a rate

# %% [markdown]
# A hundred calls of the closure for each, over all training digits, from the same weights. And the
# same again from other weights: one run proves little.

# %% tags=["demo"]
seeds = range(seed, seed + (5 if profile == "quick" else 20))
curves, tests = {name: [] for name in runners}, {name: [] for name in runners}
for s in seeds:
    start = draw_weights(np.random.default_rng(s))
    for name, step in runners.items():
        w, losses = minimize(feval, start, step, 100) if step else lbfgs(feval, start, 100)
        curves[name].append(losses)
        tests[name].append(accuracy(w))
curves = {name: np.array(runs) for name, runs in curves.items()}

# %% tags=["demo", "nbval-ignore-output"]
print(f"{'median (range)':22} {'loss after 25':>14} {'after 100':>10} {'test accuracy':>21}")
for name, runs in curves.items():
    after_25, after_100 = np.median(runs[:, 24]), np.median(runs[:, 99])
    low, middle, high = np.quantile(tests[name], [0, 0.5, 1])
    print(f"{name:22} {after_25:14.3f} {after_100:#10.2g} {middle:7.3f} ({low:.3f}–{high:.3f})")

# %% tags=["demo"]
fig, ax = plt.subplots(figsize=(8.5, 4.2))
for name, runs in curves.items():
    ax.semilogy(np.median(runs, axis=0), label=name)
    ax.fill_between(np.arange(100), runs.min(axis=0), runs.max(axis=0), alpha=0.15)
ax.set(title="A two-layer net on digits: median and range over the seeds")
ax.set(xlabel="calls of the closure", ylabel="training loss", ylim=(1e-6, 5))
ax.legend(fontsize=9)
show(fig, "Slowest: sgd, Adagrad, RMSprop. Then momentum, Nesterov and Adam. L-BFGS is far ahead.")

# %% [markdown]
# Three groups: with plain descent go the two that only scale; ahead of them all those that remember
# a direction; and far ahead L-BFGS, whose memory holds the curvature.

# %% tags=["demo"]
last = {name.split(",")[0]: runs[:, 99] for name, runs in curves.items()}
for name in ("momentum", "nesterov", "adam"):
    assert np.median(last[name]) < 0.5 * np.median(last["sgd"])
    assert np.all(last["L-BFGS"] < 0.1 * last[name])
assert min(map(min, tests.values())) > 0.9
print("medians: momentum, nesterov and adam < half of sgd; L-BFGS < a tenth of them in every run")

# %% [markdown]
# So is L-BFGS the best? Look at the last column. Less than a millionth of the loss on the training
# digits reads the test digits no better than momentum or Adam does; if anything, worse. **An optimiser
# minimises what it is given, and it is given the training loss.** What helps on new images is not its business.
#
# And one thing the race leaves out: here each call saw all 1,442 digits. With a million images a
# call is a batch of a hundred, and the loss is a different one each time. A line search that
# compares two calls then compares two batches, and the $y$ of L-BFGS is mostly noise. That is why
# nets are trained with momentum and Adam, and a schedule.

# %% [markdown]
# ## What you can do now
#
# - say what an optimiser sees and what it does not, and write any closure for it;
# - explain why one rate for all weights fails in a ravine, and three ways out;
# - write SGD, momentum, Nesterov, Adagrad, Adam and the direction of L-BFGS from memory;
# - compare optimisers fairly: tuned rates, equal calls, several seeds, and the test digits as well.
#
# Next: **04 · Convolutional networks**, where the weights are few and the work is much.
#
# **Sources.** Robbins & Monro (1951), *A stochastic approximation method*. Rosenbrock (1960), *An
# automatic method for finding the greatest or least value of a function*. Polyak (1964), *Some
# methods of speeding up the convergence of iteration methods*. Armijo (1966), *Minimization of
# functions having Lipschitz continuous first partial derivatives*. Nocedal (1980), *Updating
# quasi-Newton matrices with limited storage*. Nesterov (1983), *A method of solving a convex
# programming problem with convergence rate O(1/k²)*. Collobert, Kavukcuoglu & Farabet (2011),
# *Torch7*. Duchi, Hazan & Singer (2011), *Adaptive subgradient methods*. Tieleman & Hinton (2012),
# *Lecture 6e*. Sutskever, Martens, Dahl & Hinton (2013), *On the importance of initialization and
# momentum in deep learning*. Jia et al. (2014), *Caffe*. Kingma & Ba (2015), *Adam*. Loshchilov &
# Hutter (2017), *SGDR*.
