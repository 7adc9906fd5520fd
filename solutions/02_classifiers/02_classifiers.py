# %% [markdown]
# # 02 · Classifiers
#
# **The question.** A picture is a grid of numbers. How does a program say what is in it?
#
# You will let a picture ask its nearest neighbours, boil a whole training set down to ten
# templates, and see both fail when the picture moves by two pixels. Then you take the parts of a
# deep net in hand: the functions between its layers and the numbers that its weights start from,
# which decide whether it learns at all.
#
# Eight exercises, 24 points. In section 9 everything meets in one table.

# %% tags=["parameters"]
profile = "quick"  # "full" adds Fashion-MNIST and CIFAR-10 to the last table
seed = 0

# %%
from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np
from scipy import ndimage

from pytools import check, data
from pytools.widgets import STYLE, compare_views, show, watch_layers

plt.style.use(STYLE)
rng = np.random.default_rng(seed)

# %% [markdown]
# ## 1. What a computer sees
#
# An image is an array. The digits of notebook 01 are 8×8 numbers each, from 0 (paper) to 1 (ink).

# %% tags=["demo"]
train_x, train_y = data.digits("train")  # (pictures, colours, rows, columns) and (pictures,)
test_x, test_y = data.digits("test")


def shift(images, right, down=0):
    """Images (..., H, W), moved by whole pixels; what comes in at the edge is 0."""
    return ndimage.shift(images, [0] * (images.ndim - 2) + [down, right], order=0)


def show_row(images, title, alt):
    """Images (1, 8, 8) side by side, under their names."""
    fig, axes = plt.subplots(1, len(images), figsize=(9, 1.9))
    for ax, (name, image) in zip(axes, images.items(), strict=True):
        ax.imshow(image[0], cmap="gray_r", vmin=0, vmax=1)
        ax.set_title(name, fontsize=11)
        ax.set(xticks=[], yticks=[])
        ax.spines[:].set(visible=True, linewidth=0.6, color="grey")  # a border: paper is white too
    fig.suptitle(title, fontsize=12)
    show(fig, alt)


# %% [markdown]
# Four things change nearly all of these numbers while the object stays what it is. This is why
# vision is hard:
#
# | | what changes |
# |---|---|
# | viewpoint | the camera moves or turns: every pixel lands elsewhere |
# | illumination | the same surface is bright or dark |
# | occlusion | something stands in front |
# | clutter | the background looks like anything |

# %% tags=["demo"]
seven = test_x[np.flatnonzero(test_y == 7)[0]]
turned = ndimage.rotate(seven, 30, axes=(1, 2), reshape=False, order=1).clip(0, 1)
covered = np.where(np.arange(8)[:, None] < 3, 0, seven)
cluttered = np.maximum(seven, 0.6 * rng.random((1, 8, 8)).astype(np.float32))
views = {"a seven": seven, "moved": shift(seven, 1), "turned": turned, "dim": 0.4 * seven}
views |= {"covered": covered, "cluttered": cluttered}
show_row(views, "To us, one digit", "A seven, then moved, turned, dim, half covered and cluttered.")

# %% [markdown]
# How different are two pictures? Flatten each to a row of $D$ numbers and measure the distance
# between the rows $a$ and $b$. Two distances are common:
#
# $$\text{l1:}\ \sum_{d=1}^{D} |a_d - b_d| \qquad\qquad
# \text{l2:}\ \sqrt{\sum_{d=1}^{D} (a_d - b_d)^2}$$
#
# ### Exercise 1 · `pairwise_distance` (4 points)
#
# Every row of `a` against every row of `b`: entry $[i, j]$ of the result belongs to row $i$ of `a`
# and row $j$ of `b`.
#
# **Mind the memory.** `a[:, None] - b` makes an array of $N \times M \times D$ numbers. For all of
# MNIST that is 3.8 TB. No array of yours may take more than 256 MB: go row by row (a loop over rows
# is fine, since NumPy does the work inside; one over single numbers takes minutes), or, for l2, use
#
# $$\|a - b\|^2 = \|a\|^2 + \|b\|^2 - 2\,a \cdot b$$
#
# whose last term is one matrix product for all pairs. In floating point the three terms of two
# equal rows may leave a tiny number below 0. Equal rows have distance 0, up to rounding, not NaN.


# %% nbgrader={"grade": false, "grade_id": "classifiers-pairwise_distance-solution", "locked": false, "schema_version": 3, "solution": true, "task": false}
def pairwise_distance(a, b, metric):
    """Distance of every row of a to every row of b.

    a (N, D), b (M, D); metric: 'l1' or 'l2' (Euclidean, not squared). Returns (N, M).
    """
    ### BEGIN SOLUTION
    if metric == "l1":
        return np.array([np.abs(b - row).sum(axis=1) for row in a])
    squared = (a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1) - 2 * a @ b.T
    return np.sqrt(np.maximum(squared, 0))
    ### END SOLUTION


check("classifiers.pairwise_distance", pairwise_distance)

# %% nbgrader={"grade": true, "grade_id": "classifiers-pairwise_distance", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
check("classifiers.pairwise_distance", pairwise_distance, points=4, seed=1)
### BEGIN HIDDEN TESTS
check("classifiers.pairwise_distance", pairwise_distance, points=4, seed=9201)
### END HIDDEN TESTS

# %% [markdown]
# Now measure how far each view is from the first one. At the end stands the nearest digit of the
# test set that is *not* a seven. Which of the six would a program call the most similar?

# %% tags=["demo"]
others = test_x[test_y != 7]
nearest = pairwise_distance(seven.reshape(1, 64), others.reshape(-1, 64), "l2").argmin()
views["no seven"] = others[nearest]
rows = np.stack(list(views.values())).reshape(-1, 64)
distance = pairwise_distance(rows[:1], rows, "l2")[0]
named = {f"{name}\n{far:.2f}": views[name] for name, far in zip(views, distance, strict=True)}
alt = "The six views with their distances: most are larger than that of another digit."
show_row(named, "Their l2 distances from the first", alt)

# %% [markdown]
# To the program the cluttered seven is the most similar. Next comes the picture that is no seven at
# all: it is nearer than the same seven made dim, half covered, turned, or moved by one pixel. What
# changes nothing for us changes most of the numbers.

# %% [markdown]
# ## 2. Ask the neighbours
#
# The simplest classifier learns nothing. It keeps all training pictures, and when a new one comes,
# the $k$ nearest of them vote (Cover & Hart, 1967).
#
# ### Exercise 2 · `knn_predict` (4 points)
#
# Return a label for each test row: the one that most of its $k$ nearest training rows have. Where
# labels have equally many votes, the nearest neighbour *among those labels* decides. With $k = 5$
# and the labels 9, 5, 5, 1, 1 from near to far, the answer is 5.


# %% nbgrader={"grade": false, "grade_id": "classifiers-knn_predict-solution", "locked": false, "schema_version": 3, "solution": true, "task": false}
def knn_predict(train_x, train_y, test_x, k, metric):
    """The label that most of the k nearest training rows have.

    train_x (N, D), train_y (N,) integers, test_x (M, D), 1 <= k <= N, metric 'l1' or 'l2'.
    Returns (M,) labels; ties go to the tied label with the nearest neighbour.
    """
    ### BEGIN SOLUTION
    distance = pairwise_distance(test_x, train_x, metric)
    nearest = np.argsort(distance, axis=1)[:, :k]
    labels = train_y[nearest]  # (M, k), nearest first
    votes = (labels[:, :, None] == labels[:, None, :]).sum(axis=2)  # for each neighbour's label
    winner = votes.argmax(axis=1)  # the first of the largest: the nearest
    return labels[np.arange(len(labels)), winner]
    ### END SOLUTION


check("classifiers.knn_predict", knn_predict)

# %% nbgrader={"grade": true, "grade_id": "classifiers-knn_predict", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
check("classifiers.knn_predict", knn_predict, points=4, seed=2)
### BEGIN HIDDEN TESTS
check("classifiers.knn_predict", knn_predict, points=4, seed=9202)
### END HIDDEN TESTS

# %% [markdown]
# Which $k$, which metric? Such choices must not be made on the test set: it would no longer tell
# how the classifier does on pictures that nobody has looked at. So split the *training* set into
# five parts, let each part be tested by the other four, and average: *cross-validation*.


# %% tags=["demo"]
def flat(images):
    return images.reshape(len(images), -1)


def cross_validate(k, metric, parts):
    """Mean accuracy over the parts, each predicted from all the others."""
    right = []
    for part in parts:
        rest = np.setdiff1d(np.arange(len(train_y)), part)
        guess = knn_predict(flat(train_x[rest]), train_y[rest], flat(train_x[part]), k, metric)
        right.append(np.mean(guess == train_y[part]))
    return np.mean(right)


parts = np.array_split(rng.permutation(len(train_y)), 5)
ks = [1, 3, 5, 7, 9, 15, 25]
curves = {m: [cross_validate(k, m, parts) for k in ks] for m in ("l1", "l2")}

# %% tags=["demo", "nbval-ignore-output"]
fig, ax = plt.subplots(figsize=(6.5, 3.2))
for (metric, curve), mark in zip(curves.items(), "os", strict=True):
    ax.plot(ks, curve, marker=mark, label=metric)
ax.set(title="Cross-validation on the training digits", xlabel="neighbours k", ylabel="accuracy")
ax.set_xticks(ks)
ax.legend()
show(fig, "Accuracy over k for both metrics: best for few neighbours, falling slowly after.")

# %% tags=["demo"]
best_metric = max(curves, key=lambda metric: max(curves[metric]))
best_k = ks[int(np.argmax(curves[best_metric]))]
guess = knn_predict(flat(train_x), train_y, flat(test_x), best_k, best_metric)
accuracy = np.mean(guess == test_y)
print(f"chosen: k = {best_k}, {best_metric}; test accuracy {accuracy:.3f}")
assert accuracy >= 0.97

# %% [markdown]
# ## 3. When the picture moves
#
# Nearly perfect, without learning anything. Is vision solved? Move the test digits by one pixel,
# by two, by three, and look again. Guess first: how many will still be read?

# %% tags=["demo"]
moves = np.arange(-3, 4)
readers = {"nearest neighbours": lambda x: knn_predict(flat(train_x), train_y, flat(x), 3, "l2")}


def accuracy_when_moved(read):
    return [np.mean(read(shift(test_x, int(right))) == test_y) for right in moves]


fall = accuracy_when_moved(readers["nearest neighbours"])
fig, ax = plt.subplots(figsize=(6.5, 3.2))
ax.plot(moves, fall, marker="o")
ax.axhline(0.1, color="grey", linestyle="--", linewidth=1, label="guessing")
title = "Nearest neighbours on digits that moved"
ax.set(title=title, xlabel="moved to the right by (pixels)", ylabel="accuracy")
ax.legend()
show(fig, "Accuracy is near 1 without a shift and falls to guessing within two pixels.")
assert fall[3] >= 0.97 and max(fall[1], fall[5]) <= 0.4

# %% [markdown]
# A distance between pixels asks whether the *same pixel* has the *same value*. A stroke that moved
# by its own width meets only paper. The neighbours know what a digit looks like at one place, and
# to know it at every place they would need a copy of the training set for each.

# %% [markdown]
# ## 4. Put the mean at zero
#
# Keeping all pictures is slow at the wrong time: all work is done when somebody waits for an
# answer. The next classifier learns first. One step helps it, and every net after it: take the
# mean picture off, so that the numbers lie around 0.
#
# ### Exercise 3 · `mean_center` (2 points)
#
# Take the mean over axis 0 off both sets, whatever their other axes. It is the mean of the
# *training set* both times. The test set stands for pictures that come later, one by one: nothing
# may be learned from it.


# %% nbgrader={"grade": false, "grade_id": "classifiers-mean_center-solution", "locked": false, "schema_version": 3, "solution": true, "task": false}
def mean_center(train, test):
    """Both sets minus the mean of the training set over axis 0.

    train (N, ...), test (M, ...). Returns train_c, test_c of these shapes.
    """
    ### BEGIN SOLUTION
    mean = train.mean(axis=0)
    return train - mean, test - mean
    ### END SOLUTION


check("classifiers.mean_center", mean_center)

# %% nbgrader={"grade": true, "grade_id": "classifiers-mean_center", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
check("classifiers.mean_center", mean_center, points=2, seed=3)
### BEGIN HIDDEN TESTS
check("classifiers.mean_center", mean_center, points=2, seed=9203)
### END HIDDEN TESTS

# %% [markdown]
# ## 5. Ten templates
#
# A *linear classifier* gives each class $c$ a score for a picture $x$: the sum of its pixels, each
# multiplied by a weight.
#
# $$s_c = \sum_{d=1}^{D} x_d\, w_{dc}, \qquad\text{for a batch:}\quad S = X W$$
#
# with $X$ (N, D), $W$ (D, C) and $S$ (N, C). The weights of a class have the shape of a picture:
# they are a *template*, and the score says how well the picture matches it. The highest score wins.
#
# To learn the weights we need a loss. *Softmax* turns the scores of a row into probabilities $p$,
# and the loss is the mean of $-\log$ of the probability of the right label $y_n$:
#
# $$p_{nc} = \frac{e^{s_{nc}}}{\sum_j e^{s_{nj}}}, \qquad
# L = -\frac{1}{N} \sum_{n=1}^{N} \log p_{n\,y_n}, \qquad
# \frac{\partial L}{\partial s_{nc}} = \frac{p_{nc} - [c = y_n]}{N}$$
#
# where $[c = y_n]$ is 1 for the right class and 0 for the others. The gradient is easy to read:
# push each score down by its probability, and the right one up by 1.
#
# ### Exercise 4 · `softmax_cross_entropy` (4 points)
#
# Return the loss and its gradient for the scores. They must hold for scores of ±10000, where
# $e^s$ is infinite or 0, and so is what you divide by. Two things help: a number taken off all
# scores of a row changes no probability; and
# $\log p_{nc} = s_{nc} - \log \sum_j e^{s_{nj}}$ needs no $p$.


# %% nbgrader={"grade": false, "grade_id": "classifiers-softmax_cross_entropy-solution", "locked": false, "schema_version": 3, "solution": true, "task": false}
def softmax_cross_entropy(scores, labels):
    """Softmax cross-entropy, mean over the batch, and its gradient for the scores.

    scores (N, C) of any size, labels (N,) integers in [0, C).
    Returns loss (a number), grad (N, C).
    """
    ### BEGIN SOLUTION
    n = len(scores)
    shifted = scores - scores.max(axis=1, keepdims=True)
    log_probs = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    loss = -log_probs[np.arange(n), labels].mean()
    grad = np.exp(log_probs)
    grad[np.arange(n), labels] -= 1
    return loss, grad / n
    ### END SOLUTION


check("classifiers.softmax_cross_entropy", softmax_cross_entropy)

# %% nbgrader={"grade": true, "grade_id": "classifiers-softmax_cross_entropy", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
check("classifiers.softmax_cross_entropy", softmax_cross_entropy, points=4, seed=4)
### BEGIN HIDDEN TESTS
check("classifiers.softmax_cross_entropy", softmax_cross_entropy, points=4, seed=9204)
### END HIDDEN TESTS

# %% [markdown]
# Learning is what it was in notebook 01: step against the gradient, as far as the *learning rate*
# says (`lr`), here from zero weights and with all training digits at once. Once with the mean taken
# off, once without, at one learning rate.


# %% tags=["demo"]
def train_templates(x, labels, lr, steps, num_classes=10):
    """Gradient descent on the loss; returns the weights (D, C) and the loss before each step."""
    w, losses = np.zeros((x.shape[1], num_classes)), []
    for _ in range(steps):
        loss, grad = softmax_cross_entropy(x @ w, labels)
        losses.append(loss)
        w = w - lr * x.T @ grad
    return w, losses


centred_x, centred_test_x = mean_center(flat(train_x), flat(test_x))
_, plain = train_templates(flat(train_x), train_y, lr=5, steps=40)
_, centred = train_templates(centred_x, train_y, lr=5, steps=40)

fig, ax = plt.subplots(figsize=(6.5, 3.2))
ax.plot(plain, "--", label="as they come")
ax.plot(centred, label="mean taken off")
ax.set(title="Learning templates, learning rate 5", xlabel="step", ylabel="loss")
ax.legend()
show(fig, "With centred data the loss falls smoothly; without, it jumps up for ten steps.")

# %% [markdown]
# Why? Without centring all pixels are ≥ 0 and most pictures point the same way. One step in that
# way moves *every* score of *every* picture, so the loss is steep along the mean picture and flat
# elsewhere, and a step that suits the flat directions is far too long for the steep one. Centring
# removes the steep direction (LeCun, Bottou, Orr & Müller, 1998). How curved the loss is along a
# direction goes with the eigenvalues of $X^\top X / N$: before centring, the largest is 15 times the
# next one.

# %% tags=["demo"]
for name, x in [("as they come", flat(train_x)), ("mean taken off", centred_x)]:
    steepest, second = np.linalg.eigvalsh(x.T @ x / len(x))[[-1, -2]]
    print(f"{name}: steepest direction {steepest:.1f}, the next one {second:.1f}")

# %% [markdown]
# Now look at what was learned: ten pictures, one for each digit. Orange pixels speak for the digit,
# purple ones against it.

# %% tags=["demo"]
templates, _ = train_templates(centred_x, train_y, lr=2, steps=60)
fig, axes = plt.subplots(1, 10, figsize=(9, 1.5))
for digit, ax in enumerate(axes):
    ax.imshow(templates[:, digit].reshape(8, 8), cmap="PuOr_r", vmin=-1, vmax=1)
    ax.set_title(digit)
    ax.axis("off")
fig.suptitle("Ten templates", fontsize=12)
show(fig, "Ten templates: that of the 0 speaks against ink in its middle, that of the 1 for it.")
accuracy = np.mean((centred_test_x @ templates).argmax(axis=1) == test_y)
print(f"test accuracy of ten templates: {accuracy:.3f}")
assert accuracy >= 0.93

# %% [markdown]
# Ten pictures instead of 1442, and nearly as good. But a template is even stricter about *where*
# the ink is. Step through: one zero, seen in six ways, read by its three nearest neighbours and by
# the templates. In the second view, which of the two would you trust?

# %% tags=["demo"]
mean_digit = flat(train_x).mean(axis=0)


def template_scores(images):
    return (flat(images) - mean_digit) @ templates


zero = test_x[np.flatnonzero(test_y == 0)[1]]
views = {f"{n} pixel{'s' * (n > 1)} right": shift(zero, n) for n in (1, 2, 3)}
views = {"as it is": zero, **views, "1 pixel down": shift(zero, 0, 1), "dim": 0.3 * zero}
compare_views(views, 0, train_x, train_y, template_scores)

# %% tags=["demo"]
readers["templates"] = lambda x: template_scores(x).argmax(axis=1)
fig, ax = plt.subplots(figsize=(6.5, 3.2))
for (name, read), mark in zip(readers.items(), "os", strict=True):
    ax.plot(moves, accuracy_when_moved(read), marker=mark, label=name)
ax.axhline(0.1, color="grey", linestyle="--", linewidth=1, label="guessing")
title = "Two classifiers on digits that moved"
ax.set(title=title, xlabel="moved to the right by (pixels)", ylabel="accuracy")
ax.legend()
show(fig, "Both fall to guessing within two pixels; templates are lower at one pixel already.")

# %% [markdown]
# One template for each digit cannot serve a 4 with an open top and a 4 with a closed one. A net with
# hidden layers can keep several and combine them. What stands between its layers?

# %% [markdown]
# ## 6. Between the layers
#
# Two matrices in a row are one matrix: $x W_1 W_2 = x W$. Only something that is *not* linear
# between them makes a net more than a template. Five functions, applied to each number $x$:
#
# | name | value | slope |
# |---|---|---|
# | `sigmoid` | $\sigma(x) = 1 / (1 + e^{-x})$ | $\sigma(x)\,(1 - \sigma(x))$ |
# | `tanh` | $\tanh x$ | $1 - \tanh^2 x$ |
# | `relu` | $\max(x, 0)$ | 1 above 0, else 0 |
# | `leaky_relu` | $x$ above 0, else $0.01\,x$ | 1 above 0, else 0.01 |
# | `elu` | $x$ above 0, else $e^x - 1$ | 1 above 0, else $e^x$ |
#
# ### Exercise 5 · `activation` (2 points)
#
# For an array of any shape, and for inputs of ±10000 too: no NaN. (`np.where` computes both of its
# branches everywhere. Does it matter?)


# %% nbgrader={"grade": false, "grade_id": "classifiers-activation-solution", "locked": false, "schema_version": 3, "solution": true, "task": false}
def activation(name, x):
    """The activation `name` of each entry of x, an array of any shape.

    name: 'sigmoid', 'tanh', 'relu', 'leaky_relu' (0.01) or 'elu'. Returns an array like x.
    """
    ### BEGIN SOLUTION
    if name == "sigmoid":
        small = np.exp(-np.abs(x))  # at most 1
        return np.where(x >= 0, 1, small) / (1 + small)
    if name == "tanh":
        return np.tanh(x)
    if name == "relu":
        return np.maximum(x, 0)
    if name == "leaky_relu":
        return np.where(x > 0, x, 0.01 * x)
    return np.where(x > 0, x, np.exp(np.minimum(x, 0)) - 1)
    ### END SOLUTION


check("classifiers.activation", activation)

# %% nbgrader={"grade": true, "grade_id": "classifiers-activation", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
check("classifiers.activation", activation, points=2, seed=5)
### BEGIN HIDDEN TESTS
check("classifiers.activation", activation, points=2, seed=9205)
### END HIDDEN TESTS

# %% [markdown]
# ### Exercise 6 · `activation_grad` (3 points)
#
# The slope at the *input* $x$. Where there is a kink, the table decides: at exactly 0 the slope is
# 0 for `relu`, 0.01 for `leaky_relu`, 1 for `elu`.


# %% nbgrader={"grade": false, "grade_id": "classifiers-activation_grad-solution", "locked": false, "schema_version": 3, "solution": true, "task": false}
def activation_grad(name, x):
    """The slope of the activation `name` at each entry of the input x; arguments as there."""
    ### BEGIN SOLUTION
    if name == "sigmoid":
        value = activation("sigmoid", x)
        return value * (1 - value)
    if name == "tanh":
        return 1 - np.tanh(x) ** 2
    if name == "relu":
        return np.where(x > 0, 1.0, 0.0)
    if name == "leaky_relu":
        return np.where(x > 0, 1.0, 0.01)
    return np.exp(np.minimum(x, 0))
    ### END SOLUTION


check("classifiers.activation_grad", activation_grad)

# %% nbgrader={"grade": true, "grade_id": "classifiers-activation_grad", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
check("classifiers.activation_grad", activation_grad, points=3, seed=6)
### BEGIN HIDDEN TESTS
check("classifiers.activation_grad", activation_grad, points=3, seed=9206)
### END HIDDEN TESTS

# %% [markdown]
# Backpropagation multiplies by the slope at every layer. Where a curve is flat, next to nothing
# comes through: the unit is *saturated*. Which curves are flat, and where? The sigmoid's slope is
# 0.25 at its steepest: the slopes of ten layers alone make a gradient a million times smaller.

# %% tags=["demo"]
x = np.linspace(-5, 5, 401)
fig, (left, right) = plt.subplots(1, 2, figsize=(9, 3.2))
lines = {"sigmoid": "--", "tanh": "-.", "relu": "-", "leaky_relu": ":", "elu": "--"}
for name, line in lines.items():
    left.plot(x, activation(name, x), line, label=name)
    right.plot(x, activation_grad(name, x), line)
left.set(title="Activations", xlabel="input x", ylabel="value", ylim=(-1.3, 3))
right.set(title="Their slopes", xlabel="input x", ylabel="slope", ylim=(-0.1, 1.2))
left.legend(fontsize=9)
show(fig, "Sigmoid and tanh flatten on both sides; the ReLU only below 0; leaky ReLU and ELU bend.")

# %% [markdown]
# ## 7. Where to begin
#
# Training starts from some weights. From which? With *zeros* all units of a layer do the same, get
# the same gradient and stay the same. So they must be random; but how large?
#
# A unit adds up $n_\text{in}$ products, each of an input and a weight. Where the inputs have a mean
# square of 1, and the weights mean 0 and standard deviation $\sigma$, the sum has variance
# $n_\text{in}\,\sigma^2$. The signal keeps its size for
#
# $$\sigma = \sqrt{\frac{1}{n_\text{in}}} \ \text{(Xavier)}, \qquad
# \sigma = \sqrt{\frac{2}{n_\text{in}}} \ \text{(He)}$$
#
# Xavier's holds where the activation is nearly the identity, like tanh near 0 (Glorot & Bengio,
# 2010; they also weigh in the way back). A ReLU sets half of the sums to 0, so that half of their
# mean square is left; He's factor 2 makes up for that (He, Zhang, Ren & Sun, 2015).
#
# ### Exercise 7 · `init_weights` (3 points)
#
# Normally distributed weights with mean 0. `scheme` is a name, `'zeros'`, `'xavier'` or `'he'`, or a
# number: the standard deviation itself. Draw from `rng`, the generator that is passed in, and from
# nothing else: then the same seed gives the same net.


# %% nbgrader={"grade": false, "grade_id": "classifiers-init_weights-solution", "locked": false, "schema_version": 3, "solution": true, "task": false}
def init_weights(n_in, n_out, scheme, rng):
    """Weights (n_in, n_out), normal with mean 0, drawn from the generator rng.

    scheme: 'zeros', 'xavier', 'he', or a number: the standard deviation.
    """
    ### BEGIN SOLUTION
    known = {"zeros": 0.0, "xavier": np.sqrt(1 / n_in), "he": np.sqrt(2 / n_in)}
    return known.get(scheme, scheme) * rng.standard_normal((n_in, n_out))
    ### END SOLUTION


check("classifiers.init_weights", init_weights)

# %% nbgrader={"grade": true, "grade_id": "classifiers-init_weights", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
check("classifiers.init_weights", init_weights, points=3, seed=7)
### BEGIN HIDDEN TESTS
check("classifiers.init_weights", init_weights, points=3, seed=9207)
### END HIDDEN TESTS

# %% [markdown]
# A net of any depth, from your functions: forward, and backward as in notebook 01. Its layers have
# no biases, only weights: these are what this section is about. The way back takes the weights from
# the last to the second, `net[:0:-1]`: before the first stand the inputs, which need no gradient.
#
# To see what happens before any training, send digits through ten layers of 256 units.


# %% tags=["demo"]
def new_net(sizes, scheme, rng):
    return [init_weights(n_in, n_out, scheme, rng) for n_in, n_out in pairwise(sizes)]


def forward(x, net, name):
    """The inputs z of every activation, its outputs h (the first is x), and the scores."""
    zs, hs = [], [x]
    for w in net[:-1]:
        zs.append(hs[-1] @ w)
        hs.append(activation(name, zs[-1]))
    return zs, hs, hs[-1] @ net[-1]


def backward(labels, net, name, zs, hs, scores):
    """Loss, gradients of the weights, and those that arrive at each z: from the last layer back."""
    loss, grad = softmax_cross_entropy(scores, labels)
    weight_grads, arriving = [hs[-1].T @ grad], []
    for w, z, h in zip(net[:0:-1], zs[::-1], hs[-2::-1], strict=True):
        grad = (grad @ w.T) * activation_grad(name, z)
        weight_grads.append(h.T @ grad)
        arriving.append(grad)
    return loss, weight_grads[::-1], arriving[::-1]


# %% tags=["demo"]
x = centred_x / centred_x.std()  # variance 1, as the rule wants it
schemes = {"zeros": "zeros", "Gaussian 0.01": 0.01, "Xavier": "xavier", "He": "he"}
deep = [64] + 10 * [256] + [10]


def signals(scheme, name):
    """Outputs of the ten layers, and the gradients that come back to them."""
    net = new_net(deep, scheme, np.random.default_rng(seed))
    zs, hs, scores = forward(x[:500], net, name)
    return hs[1:], backward(train_y[:500], net, name, zs, hs, scores)[2]


outputs = {label: signals(scheme, "tanh")[0] for label, scheme in schemes.items()}

# %% tags=["demo"]
fig, axes = plt.subplots(4, 10, figsize=(9, 4.2), sharex=True, sharey="row")
for row, (label, layers) in zip(axes, outputs.items(), strict=True):
    row[0].set_ylabel(label, rotation=0, ha="right", va="center")
    for number, (ax, h) in enumerate(zip(row, layers, strict=True), start=1):
        ax.hist(h.ravel(), bins=41, range=(-1, 1))
        ax.set(xticks=[], yticks=[])
        ax.set_title(number if label == "zeros" else "", fontsize=11)
fig.suptitle("Outputs of tanh layers 1 to 10 before training, from −1 to 1", fontsize=12)
show(fig, "Zeros and Gaussian 0.01 collapse to a spike at 0; Xavier narrows slowly; He stays wide.")
last = {label: layers[-1].std() for label, layers in outputs.items()}
assert last["zeros"] == 0 and last["Gaussian 0.01"] < 1e-6 and last["Xavier"] > 0.1

# %% [markdown]
# Xavier's rule took tanh for the identity, and that is why its outputs narrow: a tanh makes every
# number a little smaller, and ten of them much. He's weights are larger by $\sqrt 2$, which happens
# to make up for it. (PyTorch multiplies Xavier's by 5/3 for tanh.) They pay for it in the first
# layers, where more outputs lie near ±1.
#
# Step through the layers, with the other fault beside these: weights that are too *large*. Which of
# the nets can still learn? Remember the slopes: where the *output* $h$ of a tanh is beyond ±0.95,
# its slope $1 - h^2$ is below 0.1.

# %% tags=["demo"]
too_large = {"Gaussian 1.0": signals(1.0, "tanh")[0]}
watch_layers(too_large | {label: outputs[label] for label in ("Gaussian 0.01", "Xavier", "He")})

# %% [markdown]
# One number a layer says most of it: how large the signal is on its way forward, and the gradient
# on its way back. A straight line that falls on this scale loses the same *factor* at every layer.

# %% tags=["demo"]
choices = {"0.1": 0.1, "0.01": 0.01, "0.001": 1e-3, "1e-5": 1e-5, "Xavier": "xavier", "He": "he"}
fig, axes = plt.subplots(2, 2, figsize=(9, 5.6), sharex=True)
for (forward_ax, back_ax), name in zip(axes.T, ("tanh", "relu"), strict=True):
    for (label, scheme), mark in zip(choices.items(), "v<>^os", strict=True):
        hs, grads = signals(scheme, name)
        forward_ax.semilogy(range(1, 11), [h.std() for h in hs], marker=mark, label=label)
        back_ax.semilogy(range(1, 11), [g.std() for g in grads], marker=mark)
    forward_ax.set(title=f"{name}: outputs", ylabel="standard deviation", ylim=(1e-12, 1e2))
    back_ax.set(title=f"{name}: gradients", xlabel="layer", ylabel="standard deviation")
    back_ax.set_ylim(1e-16, 1e-2)
fig.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside right center", title="weights")
show(
    fig, "Small weights lose a factor at every layer, both ways. He keeps the size, Xavier nearly."
)

# %% [markdown]
# On ReLU Xavier's outputs lose a factor of $\sqrt 2$ at each layer, He's none; tanh is less
# particular. And 0.1? It does well by luck: for 256 inputs He's rule says
# $\sqrt{2/256} = 0.088$. In layers of another width the same 0.1 would be too large or too small.
#
# Does it matter? Train ten layers on the digits from each start, all else equal.


# %% tags=["demo"]
def train(x, labels, net, name, lr, epochs, rng, batch=32):
    """Gradient descent in batches; returns the net and the mean loss of each epoch."""
    losses = []
    for _ in range(epochs):
        order, total = rng.permutation(len(x)), 0.0
        for rows in np.array_split(order, len(order) // batch):
            zs, hs, scores = forward(x[rows], net, name)
            loss, grads, _ = backward(labels[rows], net, name, zs, hs, scores)
            net = [w - lr * grad for w, grad in zip(net, grads, strict=True)]
            total += loss * len(rows) / len(x)
        losses.append(total)
    return net, losses


starts = {}
for label, scheme in schemes.items():
    own = np.random.default_rng(seed)
    net = new_net([64] + 10 * [100] + [10], scheme, own)
    starts[label] = train(x, train_y, net, "relu", lr=0.05, epochs=10, rng=own)[1]

# %% tags=["demo"]
fig, ax = plt.subplots(figsize=(6.5, 3.4))
for (label, losses), line in zip(starts.items(), ["v-", "s--", "<-", "o-"], strict=True):
    ax.plot(range(1, 11), losses, line, label=label)
ax.set(title="Ten ReLU layers learn digits, from four starts", xlabel="epoch", ylabel="loss")
ax.legend()
show(fig, "Zeros and Gaussian 0.01 stay at log 10; Xavier starts late; He learns at once.")
assert starts["He"][-1] < 0.1 and min(starts["zeros"][-1], starts["Gaussian 0.01"][-1]) > 2.2

# %% [markdown]
# It does. With He's weights the net learns from the first epoch on. Xavier's scores begin some
# $\sqrt{2}^{10} = 32$ times too small, and the net spends its first epochs growing them. From zeros
# no gradient comes back at all, from 0.01 next to none: both stay at $\ln 10 = 2.3$, the loss of
# guessing among ten digits. Nothing in the code is wrong there. Only the start is.

# %% [markdown]
# ## 8. Units that die
#
# A ReLU unit whose input is below 0 *for every picture* puts out 0 for every picture. Its slope is
# 0 as well, so no gradient reaches its weights. They stay what they are: the unit is *dead*.
#
# ### Exercise 8 · `dead_relu_fraction` (2 points)
#
# Which share of the units is dead on this batch?


# %% nbgrader={"grade": false, "grade_id": "classifiers-dead_relu_fraction-solution", "locked": false, "schema_version": 3, "solution": true, "task": false}
def dead_relu_fraction(h):
    """Share of the units that are silent, h <= 0, for every row of the batch.

    h (N, H): outputs of H units after a ReLU, for N rows. Returns a number from 0 to 1.
    """
    ### BEGIN SOLUTION
    return np.mean(np.all(h <= 0, axis=0))
    ### END SOLUTION


check("classifiers.dead_relu_fraction", dead_relu_fraction)

# %% nbgrader={"grade": true, "grade_id": "classifiers-dead_relu_fraction", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
check("classifiers.dead_relu_fraction", dead_relu_fraction, points=2, seed=8)
### BEGIN HIDDEN TESTS
check("classifiers.dead_relu_fraction", dead_relu_fraction, points=2, seed=9208)
### END HIDDEN TESTS

# %% [markdown]
# What kills units? One step that is too long is enough. Take a net with two hidden layers, make its
# *first* step with a large learning rate, train ten epochs with a sensible one, and count the silent
# units of the second layer: after that one step, and in the end. Do the same with ELU. There the
# same function counts the units whose output is below 0 for every picture. They are silent in the
# same sense, but an ELU has a slope below 0: silent is not dead.


# %% tags=["demo"]
def dead_after(first_lr, name):
    """Share of silent units in layer 2 after one step of first_lr, and after ten epochs at 0.05."""
    own = np.random.default_rng(seed)
    net = new_net([64, 100, 100, 10], "he", own)
    rows = own.permutation(len(x))[:32]
    net, _ = train(x[rows], train_y[rows], net, name, lr=first_lr, epochs=1, rng=own)
    hit = dead_relu_fraction(forward(x, net, name)[1][2])
    net, _ = train(x, train_y, net, name, lr=0.05, epochs=10, rng=own)
    return hit, dead_relu_fraction(forward(x, net, name)[1][2])


first_steps = [0.05, 1, 2, 4, 8]
dead = {name: np.array([dead_after(lr, name) for lr in first_steps]) for name in ("relu", "elu")}

# %% tags=["demo", "nbval-ignore-output"]
fig, ax = plt.subplots(figsize=(6.5, 3.4))
places = np.arange(len(first_steps))
for (name, shares), offset in zip(dead.items(), (-0.2, 0.2), strict=True):
    ax.bar(places + offset, shares[:, 0], width=0.36, alpha=0.5, label=f"{name}, after that step")
    ax.plot(places + offset, shares[:, 1], "D", color="black", markersize=6)
ax.plot([], [], "D", color="black", markersize=6, label="after ten more epochs")
ax.set_xticks(places, first_steps)
title = "One long step kills units for good"
ax.set(title=title, xlabel="learning rate of the first step")
ax.set_ylabel("share of silent units, layer 2")
ax.legend()
show(fig, "After a long first step up to a third of the ReLU units stay dead, of ELU hardly one.")

# %% [markdown]
# Ten epochs of good training wake hardly any of them: no gradient reaches their weights, and only a
# change in the layer before could help. Of the ELU units hardly one is silent at all, and what is
# silent there can come back. (The first layer is safe here: its inputs have mean 0 and these nets
# have no biases, so a unit cannot be below 0 for all of them. Centring again.)

# %% [markdown]
# ## 9. A real result
#
# Everything in one table: neighbours, templates, and a net with two hidden layers of 200 ReLU units,
# with He's weights. The last two columns show test pictures (at most 1000) moved by one and by two
# pixels: the mean over left, right, up and down.


# %% tags=["demo"]
def fit(train_images, labels, rng):
    """Three classifiers, each a function from images to labels."""
    rows = flat(train_images)
    mean, scale = rows.mean(axis=0), rows.std()

    def prepared(images):
        return (flat(images) - mean) / scale

    ready = prepared(train_images)
    net = new_net([rows.shape[1], 200, 200, 10], "he", rng)
    net, _ = train(ready, labels, net, "relu", lr=0.05, epochs=15, rng=rng)
    linear, _ = train(ready, labels, [np.zeros((rows.shape[1], 10))], "relu", 0.01, 15, rng)
    return {
        "neighbours, k = 3, l2": lambda images: knn_predict(rows, labels, flat(images), 3, "l2"),
        "templates": lambda images: forward(prepared(images), linear, "relu")[2].argmax(axis=1),
        "net": lambda images: forward(prepared(images), net, "relu")[2].argmax(axis=1),
    }


# %% tags=["demo"]
def in_parts(read, images):
    """300 pictures at a time: the neighbours of many more would not fit into memory."""
    return np.concatenate([read(part) for part in np.array_split(images, -(-len(images) // 300))])


def table_row(read, images, labels):
    """Accuracy as they are, and moved by 1 and by 2 pixels."""
    row = [np.mean(in_parts(read, images) == labels)]
    for far in (1, 2):
        ways = [(far, 0), (-far, 0), (0, far), (0, -far)]
        moved = [in_parts(read, shift(images[:1000], *way)) for way in ways]
        row.append(np.mean([guess == labels[:1000] for guess in moved]))
    return row


# %% tags=["demo", "nbval-ignore-output"]
sets = ["digits"] if profile == "quick" else ["digits", "fashion_mnist", "cifar10"]
print(f"{'':38}{'as they are':>12}{'1 pixel':>9}{'2 pixels':>9}")
table = {}
for name in sets:
    load = getattr(data, name)
    for label, read in fit(*load("train"), np.random.default_rng(seed)).items():
        table[name, label] = table_row(read, *load("test"))
        cells = [f"{value:.3f}" for value in table[name, label]]
        print(f"{name:15}{label:23}{cells[0]:>12}{cells[1]:>9}{cells[2]:>9}")

# %% tags=["demo"]
assert table["digits", "neighbours, k = 3, l2"][0] >= 0.97
assert table["digits", "net"][0] >= 0.94
assert all(row[2] < 0.4 for (name, _), row in table.items() if name == "digits")

# %% [markdown]
# With `profile = "full"` the table goes on (seed 0; CIFAR-10 from its JPEG copy):
#
# | set | classifier | as they are | 1 pixel | 2 pixels |
# |---|---|---|---|---|
# | Fashion-MNIST, 28×28 | neighbours | 0.856 | 0.810 | 0.679 |
# | | templates | 0.842 | 0.765 | 0.595 |
# | | net | 0.882 | 0.822 | 0.643 |
# | CIFAR-10, 32×32 | neighbours | 0.354 | 0.310 | 0.261 |
# | | templates | 0.354 | 0.290 | 0.267 |
# | | net | 0.487 | 0.411 | 0.340 |
#
# In a larger picture two pixels are a smaller move, but the fall is there. On photographs, where
# viewpoint, light and background change all at once, none of the three is good even before it.
#
# Three classifiers, one weakness: each pixel has a weight of its own, so that what was learned at one
# place is not known at another. The cure is to use the *same* weights at every place. That is
# convolution, and notebook 04 builds it.
#
# ## What you can do now
#
# - compare pictures by distance, without running out of memory;
# - classify by neighbours and by templates, choose $k$ without touching the test set, and say why
#   both fail when the picture moves;
# - compute a softmax loss that does not overflow;
# - choose activation and initial weights, and see in a histogram when they are wrong.
#
# Next: **03 · Optimisers**, where the step against the gradient gets cleverer.
#
# **Sources.** Cover & Hart (1967), *Nearest neighbor pattern classification*. LeCun, Bottou, Orr &
# Müller (1998), *Efficient BackProp*. Glorot & Bengio (2010), *Understanding the difficulty of
# training deep feedforward neural networks*. Nair & Hinton (2010), *Rectified linear units improve
# restricted Boltzmann machines*. Maas, Hannun & Ng (2013), *Rectifier nonlinearities improve neural
# network acoustic models*. He, Zhang, Ren & Sun (2015), *Delving deep into rectifiers*. Clevert,
# Unterthiner & Hochreiter (2016), *Fast and accurate deep network learning by exponential linear
# units*. Xiao, Rasul & Vollgraf (2017), *Fashion-MNIST*. Krizhevsky (2009), *Learning multiple
# layers of features from tiny images*.
