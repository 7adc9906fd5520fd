# %% [markdown]
# # 01 · Backpropagation
#
# **The question.** A *net* is a formula with thousands of numbers in it, its *weights*. For given
# inputs it makes predictions, and one number, the *loss*, says how far they are from the right
# answers, the *targets*. Which way should each weight move, so that the loss falls?
#
# Moving the weights one at a time and looking would take a run of the net for every weight.
# Backpropagation takes one walk backwards through the net for all of them together
# (Rumelhart, Hinton & Williams, 1986). You will derive it by hand, check it with numbers, and then
# build an engine that does it for any formula. In the end the engine reads handwritten digits.
#
# **How an exercise works.** Write the function and run its cell: `check` tells you whether it is
# right and, if not, why. The cell below it, with `points=`, counts. Seven exercises, 20 points.

# %% tags=["parameters"]
profile = "quick"  # "full" repeats the last experiment over five seeds
seed = 0

# %%
import matplotlib.pyplot as plt
import numpy as np

from pytools import check, data
from pytools.widgets import STYLE, example_graph, show, step_through

plt.style.use(STYLE)
rng = np.random.default_rng(seed)

# %% [markdown]
# ## 1. Gradients by hand
#
# A formula is a graph: each step is a node, fed by the nodes it uses. For
#
# $$c = \sum_i (x_i\, y_i + z_i)$$
#
# there are three inputs and three steps: multiply, add, sum.
#
# The *gradient* of a node says how fast $c$ grows when an entry of that node grows. It comes from
# the node's children, the nodes that it feeds: **gradient that arrives × local slope**. Where a
# node feeds several children, the contributions are added.
#
# Step through it: the values appear from the inputs to $c$, the gradients from $c$ back to the
# inputs. Before each step, say what you expect.

# %% tags=["demo"]
step_through(example_graph())

# %% [markdown]
# ### Exercise 1 · `graph_gradients` (2 points)
#
# Compute $c$ and its three gradients for arrays of any one shape. No loop is needed. A gradient
# always has the shape of the array it belongs to.


# %% nbgrader={"grade": false, "grade_id": "backprop-graph_gradients-solution", "locked": false, "schema_version": 3, "solution": true, "task": false}
def graph_gradients(x, y, z):
    """Value and gradients of c = sum(x * y + z).

    x, y, z: arrays of one shape. Returns c (a number), grad_x, grad_y, grad_z (of that shape).
    """
    ### BEGIN SOLUTION
    c = np.sum(x * y + z)
    return c, y, x, np.ones_like(z)
    ### END SOLUTION


check("backprop.graph_gradients", graph_gradients)

# %% nbgrader={"grade": true, "grade_id": "backprop-graph_gradients", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
check("backprop.graph_gradients", graph_gradients, points=2, seed=1)
### BEGIN HIDDEN TESTS
check("backprop.graph_gradients", graph_gradients, points=2, seed=9101)
### END HIDDEN TESTS

# %% [markdown]
# ## 2. Trust nothing: the numerical gradient
#
# A gradient with a mistake in it often still trains, only worse. So check every one against the
# definition. For a function $f$ of an array $x$, move one entry $i$ by a small $h$ to both sides:
#
# $$\frac{\partial f}{\partial x_i} \approx \frac{f(x + h\,e_i) - f(x - h\,e_i)}{2h}$$
#
# where $e_i$ is 1 at entry $i$ and 0 elsewhere. This *central difference* needs two calls of $f$
# for each entry: far too slow for training, just right for a check.
#
# ### Exercise 2 · `numerical_gradient` (3 points)
#
# `f` takes an array like `x` and returns a number. Leave `x` as you found it, so move the entries of
# a copy. Compute in `float64` also when `x` holds integers, where a step of 1e-5 is lost, or
# `float32`, where half of its digits are.


# %% nbgrader={"grade": false, "grade_id": "backprop-numerical_gradient-solution", "locked": false, "schema_version": 3, "solution": true, "task": false}
def numerical_gradient(f, x, h=1e-5):
    """Gradient of f at x by central differences.

    f: array like x -> number; x: array of any shape, left unchanged; h: the step.
    Returns a float64 array of the shape of x.
    """
    ### BEGIN SOLUTION
    x = np.array(x, dtype=np.float64)  # a copy: the caller's array is not touched
    grad = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        value = x[index]
        x[index] = value + h
        above = f(x)
        x[index] = value - h
        below = f(x)
        x[index] = value
        grad[index] = (above - below) / (2 * h)
    return grad
    ### END SOLUTION


check("backprop.numerical_gradient", numerical_gradient)

# %% nbgrader={"grade": true, "grade_id": "backprop-numerical_gradient", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
check("backprop.numerical_gradient", numerical_gradient, points=3, seed=2)
### BEGIN HIDDEN TESTS
check("backprop.numerical_gradient", numerical_gradient, points=3, seed=9102)
### END HIDDEN TESTS

# %% [markdown]
# ### Exercise 3 · `relative_error` (2 points)
#
# When are two gradients equal? A difference of 0.01 is nothing beside 1000 and everything beside
# 0.02. So compare each entry on its own scale, and keep the worst:
#
# $$\text{error}(a, b) = \max_i \frac{|a_i - b_i|}{\max(10^{-8},\; |a_i| + |b_i|)}$$
#
# The $10^{-8}$ keeps two zeros from dividing by zero. As a rule of thumb, below $10^{-6}$ the two
# agree, above $10^{-2}$ one of them is wrong. `np.maximum(a, b)` takes the larger of two numbers
# entry by entry; `np.max(a)` is the largest entry of one array.


# %% nbgrader={"grade": false, "grade_id": "backprop-relative_error-solution", "locked": false, "schema_version": 3, "solution": true, "task": false}
def relative_error(a, b):
    """The largest |a - b| / max(1e-8, |a| + |b|) over all entries.

    a, b: arrays of one shape. Returns a number.
    """
    ### BEGIN SOLUTION
    scale = np.maximum(1e-8, np.abs(a) + np.abs(b))
    return np.max(np.abs(a - b) / scale)
    ### END SOLUTION


check("backprop.relative_error", relative_error)

# %% nbgrader={"grade": true, "grade_id": "backprop-relative_error", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
check("backprop.relative_error", relative_error, points=2, seed=3)
### BEGIN HIDDEN TESTS
check("backprop.relative_error", relative_error, points=2, seed=9103)
### END HIDDEN TESTS

# %% [markdown]
# How small should $h$ be? Too large, and the curve bends between the two points. Too small, and
# the difference drowns in rounding. The central difference's error falls with $h^2$, a one-sided
# one's only with $h$; rounding grows with $1/h$ for both. Where would you put $h$?

# %% tags=["demo"]
point, steps = np.array([1.0]), np.logspace(-11, -1, 41)
exact = np.exp(point)
both_sides = [numerical_gradient(lambda x: np.exp(x[0]), point, h) for h in steps]
one_side = [(np.exp(point + h) - np.exp(point)) / h for h in steps]

fig, ax = plt.subplots(figsize=(6.5, 3.6))
ax.loglog(steps, [relative_error(g, exact) for g in both_sides], label="central difference")
ax.loglog(steps, [relative_error(g, exact) for g in one_side], "--", label="one-sided difference")
ax.axvline(1e-5, color="grey", linewidth=1, label="h = 1e-5, our default")
ax.set(title="Error of a numerical gradient of exp at 1", xlabel="step h", ylabel="relative error")
ax.legend()
show(fig, "As h shrinks both errors fall, then rise; the central one is lowest, near 1e-5.")

# %% [markdown]
# ## 3. A net of two layers
#
# Now the real thing. A batch of $N$ inputs runs through two layers of weights with a ReLU between
# them:
#
# $$h = \mathrm{relu}(x\,w_1), \qquad p = h\,w_2, \qquad
# L = \frac{1}{N} \sum_{n=1}^{N} \sum_{o=1}^{O} (p_{no} - y_{no})^2$$
#
# | symbol | shape | what |
# |---|---|---|
# | $x$ | (N, D) | inputs, one row each |
# | $w_1$, $w_2$ | (D, H), (H, O) | weights |
# | $h$ | (N, H) | hidden units; relu(a) = max(a, 0), its slope at 0 is taken as 0 |
# | $p$, $y$ | (N, O) | predictions and targets |
# | $L$ | a number | squared errors: summed over a row, averaged over the batch |
#
# ### Exercise 4 · `two_layer_loss` (4 points)
#
# Return the loss and its gradients for both weight matrices. Go backwards, one step at a time:
# from $L$ to $p$, from $p$ to $w_2$ and to $h$, through the ReLU, and on to $w_1$.
#
# How does a gradient pass through a matrix product? Look at one entry: $p_{no} = \sum_j h_{nj}\,
# w_{jo}$. So $w_{jo}$ meets $h_{nj}$ in every row $n$, and collects $\sum_n h_{nj} \cdot$ (gradient of
# $p_{no}$). That is again a matrix product, and the shapes leave you little choice which. Use
# products of whole matrices, no loops: your function will be called 500 times.


# %% nbgrader={"grade": false, "grade_id": "backprop-two_layer_loss-solution", "locked": false, "schema_version": 3, "solution": true, "task": false}
def two_layer_loss(x, y, w1, w2):
    """Loss and gradients of the net relu(x w1) w2 with squared error.

    x (N, D), y (N, O), w1 (D, H), w2 (H, O).
    Returns loss (a number), grad_w1 (D, H), grad_w2 (H, O).
    """
    ### BEGIN SOLUTION
    n = len(x)
    before = x @ w1
    hidden = np.maximum(before, 0)
    error = hidden @ w2 - y
    loss = np.sum(error**2) / n
    grad_pred = 2 * error / n
    grad_hidden = grad_pred @ w2.T
    grad_before = grad_hidden * (before > 0)
    return loss, x.T @ grad_before, hidden.T @ grad_pred
    ### END SOLUTION


check("backprop.two_layer_loss", two_layer_loss)

# %% nbgrader={"grade": true, "grade_id": "backprop-two_layer_loss", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
check("backprop.two_layer_loss", two_layer_loss, points=4, seed=4)
### BEGIN HIDDEN TESTS
check("backprop.two_layer_loss", two_layer_loss, points=4, seed=9104)
### END HIDDEN TESTS

# %% [markdown]
# Check it as you would check any gradient from now on: your numerical gradient, your relative
# error, a small net.

# %% tags=["demo"]
x, y = rng.standard_normal((5, 4)), rng.standard_normal((5, 3))
w1, w2 = rng.standard_normal((4, 6)), rng.standard_normal((6, 3))
_, grad_w1, grad_w2 = two_layer_loss(x, y, w1, w2)

error_w1 = relative_error(grad_w1, numerical_gradient(lambda w: two_layer_loss(x, y, w, w2)[0], w1))
error_w2 = relative_error(grad_w2, numerical_gradient(lambda w: two_layer_loss(x, y, w1, w)[0], w2))
print(f"w1 agrees to 1e-6: {error_w1 < 1e-6}; w2 agrees to 1e-6: {error_w2 < 1e-6}")

# %% [markdown]
# With gradients, training is one line: move every weight a little *against* its gradient; how
# little is the *learning rate*, here 3e-5. The net learns 64 random targets by heart (N = 64,
# D = 1000, H = 100, O = 10).

# %% tags=["demo"]
x, y = rng.standard_normal((64, 1000)), rng.standard_normal((64, 10))
w1, w2 = rng.standard_normal((1000, 100)), rng.standard_normal((100, 10))
losses = []
for _ in range(500):
    loss, grad_w1, grad_w2 = two_layer_loss(x, y, w1, w2)
    losses.append(loss)
    w1, w2 = w1 - 3e-5 * grad_w1, w2 - 3e-5 * grad_w2

fig, ax = plt.subplots(figsize=(6.5, 3.2))
ax.semilogy(losses)
ax.set(title="A two-layer net learns random targets", xlabel="step", ylabel="loss")
show(fig, "The loss falls by many orders of magnitude in 500 steps.")

# %% [markdown]
# ## 4. A tape that remembers
#
# You derived that net by hand. For the next one you would start again, and one day you would make
# a mistake. But look at what you did: at each step, *gradient that arrives × local slope*. A
# program can do that, if every array remembers **which arrays it came from** and **the local rule**
# that sends a gradient back to them. That record is called a *tape*.
#
# One question is left: in which order? A node may pass its gradient on only when all its children
# have sent theirs. So put the nodes in a row, each after the nodes that feed it, and walk the row
# backwards.
#
# ### Exercise 5 · `topological_order` (3 points)
#
# Each node has `.parents`, the nodes that feed it. Return all nodes that lead to `root` as a list:
# parents before children, each node once, `root` last. A node that is used twice is one node: tell
# nodes apart by identity (`is`, `id(node)`), not by value. Leave the nodes as they are: the graph
# will be walked again. No graph here is deeper than 500, so a function may call itself.


# %% nbgrader={"grade": false, "grade_id": "backprop-topological_order-solution", "locked": false, "schema_version": 3, "solution": true, "task": false}
def topological_order(root):
    """All nodes that lead to root: parents before children, each once, root last."""
    ### BEGIN SOLUTION
    order, seen = [], set()

    def visit(node):
        if id(node) not in seen:
            seen.add(id(node))
            for parent in node.parents:
                visit(parent)
            order.append(node)

    visit(root)
    return order
    ### END SOLUTION


check("backprop.topological_order", topological_order)

# %% nbgrader={"grade": true, "grade_id": "backprop-topological_order", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
check("backprop.topological_order", topological_order, points=3, seed=5)
### BEGIN HIDDEN TESTS
check("backprop.topological_order", topological_order, points=3, seed=9105)
### END HIDDEN TESTS

# %% [markdown]
# ## 5. Two local rules
#
# Most local rules are one short line: the slope of exp is exp, of a sum 1, of a product the other
# factor. Two need thought.
#
# **Broadcasting.** When NumPy adds an array of shape (3,), such as a net's *bias*, to a batch of
# shape (8, 3), it uses each of the three entries eight times. Used eight times means eight contributions, and contributions are
# added. So the gradient that arrives, of shape (8, 3), has to be summed back to (3,).
# Broadcasting does two things: it adds axes on the left, and it stretches axes of length 1.
#
# ### Exercise 6 · `unbroadcast` (3 points)
#
# Sum `grad` back to `shape`, undoing both. If nothing was broadcast, nothing changes.


# %% nbgrader={"grade": false, "grade_id": "backprop-unbroadcast-solution", "locked": false, "schema_version": 3, "solution": true, "task": false}
def unbroadcast(grad, shape):
    """Sum grad over the axes that broadcasting added or stretched.

    grad: array of a shape that `shape` broadcasts to; shape: a tuple. Returns an array of `shape`.
    """
    ### BEGIN SOLUTION
    added = grad.ndim - len(shape)
    grad = grad.sum(axis=tuple(range(added)))
    stretched = tuple(axis for axis, length in enumerate(shape) if length == 1)
    return grad.sum(axis=stretched, keepdims=True)
    ### END SOLUTION


check("backprop.unbroadcast", unbroadcast)

# %% nbgrader={"grade": true, "grade_id": "backprop-unbroadcast", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
check("backprop.unbroadcast", unbroadcast, points=3, seed=6)
### BEGIN HIDDEN TESTS
check("backprop.unbroadcast", unbroadcast, points=3, seed=9106)
### END HIDDEN TESTS

# %% [markdown]
# **Matrix product.** For $p = a\,b$ with $a$ (N, D) and $b$ (D, M), the gradient that arrives has
# the shape of $p$, (N, M). You have met this rule twice in `two_layer_loss`.
#
# ### Exercise 7 · `matmul_backward` (3 points)
#
# Send `grad` back to both factors.


# %% nbgrader={"grade": false, "grade_id": "backprop-matmul_backward-solution", "locked": false, "schema_version": 3, "solution": true, "task": false}
def matmul_backward(grad, a, b):
    """Gradients of both factors of the product a @ b.

    grad (N, M): the gradient for the product; a (N, D), b (D, M).
    Returns grad_a (N, D), grad_b (D, M).
    """
    ### BEGIN SOLUTION
    return grad @ b.T, a.T @ grad
    ### END SOLUTION


check("backprop.matmul_backward", matmul_backward)

# %% nbgrader={"grade": true, "grade_id": "backprop-matmul_backward", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
check("backprop.matmul_backward", matmul_backward, points=3, seed=7)
### BEGIN HIDDEN TESTS
check("backprop.matmul_backward", matmul_backward, points=3, seed=9107)
### END HIDDEN TESTS

# %% [markdown]
# ## 6. The engine
#
# That was the hard part. An engine for automatic differentiation is your three functions and the
# class below, in the manner of micrograd (Karpathy, 2020), with arrays in place of numbers. Read
# `backward` slowly: it is the whole of backpropagation.


# %% tags=["demo"]
class Tensor:
    """An array that remembers the Tensors it came from, and the rule that leads back to them."""

    def __init__(self, data, parents=(), rule=lambda grad: ()):
        self.data = np.asarray(data, dtype=np.float64)
        self.parents = list(parents)
        self.rule = rule  # gradient for this Tensor -> a gradient for each parent

    def backward(self):
        """Give every Tensor that led here its gradient, `.grad`."""
        order = list(topological_order(self))
        for node in order:
            node.grad = np.zeros_like(node.data)
        self.grad = np.ones_like(self.data)
        for node in reversed(order):
            for parent, grad in zip(node.parents, node.rule(node.grad), strict=True):
                parent.grad += unbroadcast(np.asarray(grad), parent.data.shape)


# %% [markdown]
# Each operation computes its value, and says how a gradient goes back. Sums and products are all
# that we need: a difference is `a + (-1) * b`. `total` keeps the axes that it sums over, with
# length 1, so that its gradient broadcasts back by itself.


# %% tags=["demo"]
def constant(a):
    return a if isinstance(a, Tensor) else Tensor(a)


def add(a, b):
    a, b = constant(a), constant(b)
    return Tensor(a.data + b.data, (a, b), lambda grad: (grad, grad))


def multiply(a, b):
    a, b = constant(a), constant(b)
    return Tensor(a.data * b.data, (a, b), lambda grad: (grad * b.data, grad * a.data))


def matmul(a, b):
    return Tensor(a.data @ b.data, (a, b), lambda grad: matmul_backward(grad, a.data, b.data))


Tensor.__add__, Tensor.__mul__, Tensor.__matmul__ = add, multiply, matmul


# %% tags=["demo"]
def relu(a):
    return Tensor(np.maximum(a.data, 0), (a,), lambda grad: (grad * (a.data > 0),))


def exp(a):
    out = np.exp(a.data)
    return Tensor(out, (a,), lambda grad: (grad * out,))


def log(a):
    return Tensor(np.log(a.data), (a,), lambda grad: (grad / a.data,))


def total(a, axis=None):
    out = a.data.sum(axis=axis, keepdims=True)
    return Tensor(out, (a,), lambda grad: (grad * np.ones_like(a.data),))


# %% [markdown]
# First test: the net of section 3, written without a thought for gradients. Does the tape find
# what you derived by hand?

# %% tags=["demo"]
x, y = rng.standard_normal((64, 1000)), rng.standard_normal((64, 10))
w1, w2 = Tensor(rng.standard_normal((1000, 100))), Tensor(rng.standard_normal((100, 10)))

difference = relu(Tensor(x) @ w1) @ w2 + (-y)
loss = total(difference * difference) * (1 / len(x))
loss.backward()

_, grad_w1, grad_w2 = two_layer_loss(x, y, w1.data, w2.data)
agrees = max(relative_error(w1.grad, grad_w1), relative_error(w2.grad, grad_w2)) < 1e-9
print(f"the tape agrees with the gradients by hand to 1e-9: {agrees}")
assert agrees, "They differ: does one of your functions compute in float32, or change its input?"

# %% [markdown]
# ## 7. A real result: handwritten digits
#
# Now what the engine is for. The digits are 8×8 pixels, written by 13 people (Alpaydin & Kaynak,
# 1998); the test digits are not trained on.

# %% tags=["demo"]
train_x, train_y = data.digits("train")
test_x, test_y = data.digits("test")
train_x, test_x = train_x.reshape(-1, 64), test_x.reshape(-1, 64)

fig, axes = plt.subplots(1, 10, figsize=(8, 1.1))
for ax, image, label in zip(axes, train_x, train_y, strict=False):
    ax.imshow(image.reshape(8, 8), cmap="gray_r")
    ax.set_title(str(label), fontsize=10)
    ax.axis("off")
show(fig, "Ten handwritten digits of 8 by 8 pixels, each with its label above it.")

# %% [markdown]
# The net gives ten scores $s_c$ for each image, one a digit. *Softmax* turns them into
# probabilities, $e^{s_c} / \sum_k e^{s_k}$: positive, and 1 in sum. The loss is the mean, over the $N$
# images, of $-\log$ of the probability that the right digit $t_n$ got:
#
# $$L = \frac{1}{N} \sum_n \Big(\log \sum_{c} e^{s_{nc}} - s_{n t_n}\Big)$$
#
# Taking the largest score off each row first changes nothing, and keeps $e^s$ from overflowing.
# Nobody derives a gradient here: the tape does.
#
# Training takes the images in *batches* of 32, one step each; one round through all is an *epoch*.


# %% tags=["demo"]
def scores(x, net):
    w1, b1, w2, b2 = net
    return relu(Tensor(x) @ w1 + b1) @ w2 + b2


def cross_entropy(scores, labels):
    shifted = scores + (-scores.data.max(axis=1, keepdims=True))
    right = total(shifted * np.eye(10)[labels], axis=1)
    return total(log(total(exp(shifted), axis=1)) + right * -1) * (1 / len(labels))


def accuracy(x, labels, net):
    return np.mean(scores(x, net).data.argmax(axis=1) == labels)


# %% tags=["demo"]
def train(rng, epochs=30, lr=0.5, batch=32):
    w1 = Tensor(np.sqrt(2 / 64) * rng.standard_normal((64, 64)))  # why this factor: notebook 02
    w2 = Tensor(np.sqrt(2 / 64) * rng.standard_normal((64, 10)))
    net = [w1, Tensor(np.zeros(64)), w2, Tensor(np.zeros(10))]
    curve = []
    for _ in range(epochs):
        order = rng.permutation(len(train_x))
        for rows in np.array_split(order, len(order) // batch):
            loss = cross_entropy(scores(train_x[rows], net), train_y[rows])
            loss.backward()
            for weight in net:
                weight.data -= lr * weight.grad
        curve.append([accuracy(train_x, train_y, net), accuracy(test_x, test_y, net)])
    return net, np.array(curve)


# %% tags=["demo", "nbval-ignore-output"]
seeds = [seed] if profile == "quick" else range(seed, seed + 5)
runs = [train(np.random.default_rng(s)) for s in seeds]
final = [curve[-1, 1] for _, curve in runs]
print("test accuracy:", " ".join(f"{value:.3f}" for value in final), "for seeds", *seeds)
assert min(final) >= 0.94, "Below 0.94: is each of your gradients right, also at a second call?"

# %% tags=["demo"]
net, curve = runs[0]
fig, ax = plt.subplots(figsize=(6.5, 3.2))
ax.plot(curve[:, 0], label="training digits")
ax.plot(curve[:, 1], "--", label="test digits")
ax.set(title="Your engine learns to read digits", xlabel="epoch", ylabel="accuracy")
ax.legend()
show(fig, "Accuracy over the epochs: training digits reach 1.0, test digits stay a little below.")

# %% [markdown]
# Where does it fail? Look at the mistakes before you trust a number: some of them you would make
# too.

# %% tags=["demo"]
guess = scores(test_x, net).data.argmax(axis=1)
wrong = np.flatnonzero(guess != test_y)[:8]
fig, axes = plt.subplots(1, 8, figsize=(8, 1.6))
for ax in axes:
    ax.axis("off")
for ax, index in zip(axes, wrong, strict=False):
    ax.imshow(test_x[index].reshape(8, 8), cmap="gray_r")
    ax.set_title(f"{test_y[index]} read as {guess[index]}", fontsize=8)
show(fig, "Test digits that the net got wrong, each with its true label and the net's guess.")

# %% [markdown]
# ## What you can do now
#
# - derive the gradient of a formula by walking its graph backwards;
# - check any gradient with central differences, and choose the step;
# - say what a framework such as PyTorch does at `loss.backward()`: you have written it.
#
# Next: **02 · Classifiers**, where the digits meet nearest neighbours, templates and activations.
#
# **Sources.** Rumelhart, Hinton & Williams (1986), *Learning representations by back-propagating
# errors*. Baydin, Pearlmutter, Radul & Siskind (2018), *Automatic differentiation in machine
# learning: a survey*. Karpathy (2020), *micrograd*. Alpaydin & Kaynak (1998), *Optical recognition
# of handwritten digits*, UCI Machine Learning Repository.
