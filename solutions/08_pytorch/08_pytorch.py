# %% [markdown]
# # 08 · PyTorch
#
# **The question.** You have written a tape, nets and optimisers yourself. People who do this every
# day use PyTorch (Paszke et al., 2019). What does it take off your hands, and what does it still
# ask you to know?
#
# You will write one step of training three times: with tensors, with autograd, with modules. Then
# you will build nets that are no chain, look inside a net, give PyTorch an operation that it does
# not have, and build its old rival, the static graph.
#
# Eight exercises, 26 points.

# %% tags=["parameters"]
profile = "quick"  # "full" calls the compiler of section 9 as well: a minute or two
seed = 0

# %%
import operator

import matplotlib.pyplot as plt
import numpy as np
import torch
from torch import nn

from pytools import check, data, scratch
from pytools.widgets import STYLE, graph_against_tape, show

plt.style.use(STYLE)
rng = np.random.default_rng(seed)

# %% [markdown]
# ## 1. Tensors: arrays that can do more
#
# A *tensor* is PyTorch's array. Nearly all that you know from NumPy is there, often under the same
# name: `@`, `.T`, `.sum()`, slices, broadcasting. Three things are new:
#
# - it can live on a GPU (notebook 09) and on a tape (section 2);
# - `torch.zeros` and the like give float32, not float64: half the memory, about 7 digits;
#   `torch.tensor(array)` keeps the array's dtype;
# - a weight is an object that many hold on to: the net, the optimiser, you. So training changes it
#   *in place*. `w -= d` writes into the tensor; `w = w - d` makes a new one and gives it the name `w`.
#   A method whose name ends in `_`, such as `w.zero_()`, works in place as well.
#
# Which of the two does the caller see?

# %% tags=["demo"]
a = torch.zeros(3)
b = a
b += 1  # a and b are two names for one tensor
c = a
c = c + 10  # now c is another one
print("a:", a.tolist(), " c:", c.tolist())

# %% [markdown]
# ### Exercise 1 · `tensor_step` (3 points)
#
# The net of notebook 01 once more, $\mathrm{relu}(x\,w_1)\,w_2$, with the gradients that you derived
# there:
#
# $$L = \frac{1}{N} \sum_{n,o} (p_{no} - y_{no})^2, \qquad
# \frac{\partial L}{\partial p} = \frac{2}{N}(p - y), \qquad
# \frac{\partial L}{\partial w_2} = h^\top \frac{\partial L}{\partial p}, \qquad
# \frac{\partial L}{\partial w_1} = x^\top \Big( \frac{\partial L}{\partial p}\, w_2^\top \circ [h > 0]
# \Big)$$
#
# with $x$ (N, D), $w_1$ (D, H), $h = \mathrm{relu}(x\,w_1)$ (N, H), $w_2$ (H, O), $p = h\,w_2$ and $y$
# (N, O); $\circ$ multiplies entry by entry. Do one step of gradient descent, $w \leftarrow w -
# \mathrm{lr} \cdot \partial L / \partial w$, on the caller's own `w1` and `w2`, and return the loss
# *before* the step. `torch.relu` or `.clamp(min=0)` is the ReLU, `.item()` makes a float of a tensor
# that holds one number.


# %% nbgrader={"grade": false, "grade_id": "pytorch-tensor_step-solution", "locked": false, "schema_version": 3, "solution": true, "task": false}
def tensor_step(x, y, w1, w2, lr):
    """One step of gradient descent for relu(x w1) w2, its gradients by hand.

    x (N, D), y (N, O), w1 (D, H), w2 (H, O): tensors; w1 and w2 are changed in place.
    Returns the loss before the step, a float: the mean over the batch of the row sums of squares.
    """
    ### BEGIN SOLUTION
    hidden = torch.relu(x @ w1)
    error = hidden @ w2 - y
    grad_pred = 2 * error / len(x)
    grad_before = (grad_pred @ w2.T) * (hidden > 0)
    grad_w1, grad_w2 = x.T @ grad_before, hidden.T @ grad_pred
    w1 -= lr * grad_w1
    w2 -= lr * grad_w2
    return (error**2).sum().item() / len(x)
    ### END SOLUTION


check("pytorch.tensor_step", tensor_step)

# %% nbgrader={"grade": true, "grade_id": "pytorch-tensor_step", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
check("pytorch.tensor_step", tensor_step, points=3, seed=1)
### BEGIN HIDDEN TESTS
check("pytorch.tensor_step", tensor_step, points=3, seed=9801)
### END HIDDEN TESTS

# %% [markdown]
# Notebook 01 learned 64 random targets by heart, in NumPy. From the same start, does your step
# walk the same way?

# %% tags=["demo"]
STEPS, LR = 200, 3e-5
start = [rng.standard_normal(shape) for shape in [(64, 1000), (64, 10), (1000, 100), (100, 10)]]
by_numpy, _, _ = scratch.train_two_layer(*start, lr=LR, steps=STEPS)

x, y, w1, w2 = map(torch.tensor, start)
losses = {"tensors": [tensor_step(x, y, w1, w2, LR) for _ in range(STEPS)]}


def agrees(name):
    """Whether all losses of a level are those of NumPy, to 1e-6."""
    return np.max(np.abs(losses[name] / by_numpy - 1)) < 1e-6


print(f"loss {by_numpy[0]:.0f} to {by_numpy[-1]:.1f}, the same as NumPy's: {agrees('tensors')}")
assert agrees("tensors")

# %% [markdown]
# ## 2. Autograd: the tape is built in
#
# Your `Tensor` of notebook 01 remembered where it came from. PyTorch's does so where it is asked to,
# with `requires_grad=True`, and so does everything computed from it. `.grad_fn` is the rule that
# leads back, and `.next_functions` are what you called `.parents`. Walk along the tape of
# $\sum_i (w_i x_i)^2$:

# %% tags=["demo"]
w = torch.tensor([1.0, -2.0], requires_grad=True)
x = torch.tensor([3.0, 4.0])
loss = ((w * x) ** 2).sum()

rule = loss.grad_fn
while rule.next_functions:
    print(rule.name())
    rule = rule.next_functions[0][0]
print(rule.name(), "into w.grad")

# %% [markdown]
# `loss.backward()` is your walk backwards. At the end of the tape it *adds* the gradient to `.grad`
# of the tensors that asked for one: it does not know that you are done with the last step's.

# %% tags=["demo"]
((w * x) ** 2).sum().backward()
print("gradient:", w.grad.tolist())
((w * x) ** 2).sum().backward()
print("and once more:", w.grad.tolist())

# %% [markdown]
# ### Exercise 2 · `autograd_step` (3 points)
#
# The same step, where `w1` and `w2` require gradients and the tape finds them. Mind two things:
#
# - moving the weights is no part of the net. Inside `with torch.no_grad():` nothing is written on
#   the tape; outside of it, PyTorch refuses to change such a weight in place;
# - the next call must not find this call's gradient in `.grad`, which is None at first; set it to
#   None again, or to 0 with `.zero_()`.
#
# Return a float, not the loss itself: that would keep its whole tape in memory.


# %% nbgrader={"grade": false, "grade_id": "pytorch-autograd_step-solution", "locked": false, "schema_version": 3, "solution": true, "task": false}
def autograd_step(x, y, w1, w2, lr):
    """One step of gradient descent for relu(x w1) w2, its gradients by autograd.

    x (N, D), y (N, O), w1 (D, H), w2 (H, O): tensors; w1 and w2 require gradients and are changed
    in place. Returns the loss before the step, a float.
    """
    ### BEGIN SOLUTION
    loss = ((torch.relu(x @ w1) @ w2 - y) ** 2).sum() / len(x)
    loss.backward()
    with torch.no_grad():
        for w in (w1, w2):
            w -= lr * w.grad
            w.grad = None
    return loss.item()
    ### END SOLUTION


check("pytorch.autograd_step", autograd_step)

# %% nbgrader={"grade": true, "grade_id": "pytorch-autograd_step", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
check("pytorch.autograd_step", autograd_step, points=3, seed=2)
### BEGIN HIDDEN TESTS
check("pytorch.autograd_step", autograd_step, points=3, seed=9802)
### END HIDDEN TESTS

# %% [markdown]
# ## 3. Modules: weights that have a home
#
# A net of twenty layers has forty weights. Nobody hands them around one by one. A *module* owns its
# weights and can be called like a function; modules are made of modules. An attribute that is an
# `nn.Parameter`, or a module, is registered by itself, and found again by name:

# %% tags=["demo"]
net = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))
for name, parameter in net.named_parameters():
    print(f"{name:10} {tuple(parameter.shape)}")

# %% [markdown]
# `nn.Linear(64, 32)` computes $x W^\top + b$ and keeps $W$ as (32, 64): outputs first.
#
# ### Exercise 3 · `module_step` (3 points)
#
# The same step for *any* model that maps $x$ to predictions of the shape of $y$. The loss is that of
# exercises 1 and 2, and no other: `nn.MSELoss()` divides by all entries, not by rows. Some
# parameters may get no gradient, because they are frozen (`requires_grad` is False) or not used:
# their `.grad` is None, and they stay as they are. `model.parameters()` gives all parameters, each of
# them once. You may use an optimiser, `torch.optim.SGD(model.parameters(), lr=lr)` with its methods
# `zero_grad()` and `step()`, or do without.


# %% nbgrader={"grade": false, "grade_id": "pytorch-module_step-solution", "locked": false, "schema_version": 3, "solution": true, "task": false}
def module_step(model, x, y, lr):
    """One step of gradient descent on a model, in place.

    model: an nn.Module; x (N, ...), y (N, O): tensors. Returns the loss before the step, a float:
    the mean over the batch of the row sums of squares of model(x) - y.
    """
    ### BEGIN SOLUTION
    loss = ((model(x) - y) ** 2).sum() / len(x)
    model.zero_grad()
    loss.backward()
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.grad is not None:
                parameter -= lr * parameter.grad
    return loss.item()
    ### END SOLUTION


check("pytorch.module_step", module_step)

# %% nbgrader={"grade": true, "grade_id": "pytorch-module_step", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
check("pytorch.module_step", module_step, points=3, seed=3)
### BEGIN HIDDEN TESTS
check("pytorch.module_step", module_step, points=3, seed=9803)
### END HIDDEN TESTS

# %% [markdown]
# One net, three levels, from one start: the curves of 01 should lie on each other.

# %% tags=["demo"]
x, y, w1, w2 = map(torch.tensor, start)
w1.requires_grad_(), w2.requires_grad_()
losses["autograd"] = [autograd_step(x, y, w1, w2, LR) for _ in range(STEPS)]

net = nn.Sequential(nn.Linear(1000, 100, bias=False), nn.ReLU(), nn.Linear(100, 10, bias=False))
net.double()  # float64, as in 01
for layer, weight in zip((net[0], net[2]), start[2:], strict=True):
    layer.load_state_dict({"weight": torch.tensor(weight.T)})  # parameters by name; (out, in)
losses["modules"] = [module_step(net, x, y, LR) for _ in range(STEPS)]
assert all(map(agrees, losses))

# %% tags=["demo"]
fig, ax = plt.subplots(figsize=(6.5, 3.2))
ax.semilogy(by_numpy, linewidth=9, color="lightgrey", label="NumPy, notebook 01")
for (name, curve), width, style in zip(losses.items(), (5, 3, 1.5), ("-", "-", "--"), strict=True):
    ax.semilogy(curve, linewidth=width, linestyle=style, label=name)
ax.set(title="One net at three levels", xlabel="step", ylabel="loss")
ax.legend()
show(fig, "Four loss curves, of NumPy, tensors, autograd and modules, lie on each other.")

# %% [markdown]
# And the digits of 01? There the tape of your own reached 0.94. The ten scores are pushed towards
# a row with a 1 at the right digit and 0 elsewhere, so that your squared loss will do.

# %% tags=["demo"]
train_x, train_y = map(torch.tensor, data.digits("train"))
test_x, test_y = map(torch.tensor, data.digits("test"))
train_x, test_x = train_x.reshape(-1, 64), test_x.reshape(-1, 64)
targets = nn.functional.one_hot(train_y, 10).float()


def train(model, epochs=30, lr=0.05):
    """Steps on batches of 32; returns the test accuracy."""
    for _ in range(epochs):
        for rows in torch.randperm(len(train_x)).split(32):
            module_step(model, train_x[rows], targets[rows], lr)
    return (model(test_x).argmax(dim=1) == test_y).float().mean().item()


# %% tags=["demo", "nbval-ignore-output"]
torch.manual_seed(seed)
reader = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
accuracy = train(reader)
print(f"test accuracy: {accuracy:.3f}")
assert accuracy >= 0.94, "Below 0.94: does your step return early, or skip a weight?"

# %% [markdown]
# ## 4. Reading shape errors
#
# Most errors in deep learning are about shapes, and most of them tell you what to do. Read the
# numbers, not the traceback. Here are four calls on a batch of 32 images, (32, 1, 8, 8), each wrong
# in its own way.

# %% tags=["demo"]
images = torch.zeros(32, 1, 8, 8)


def said(call):
    """What a call raises, or the shape of what it returns."""
    try:
        print("no error, and the result has shape", tuple(call().shape))
    except RuntimeError as error:
        print(str(error).splitlines()[0])


said(lambda: nn.Linear(64, 10)(images))
said(lambda: nn.Conv2d(3, 8, kernel_size=3)(images))
said(lambda: nn.Linear(64, 10)(images.reshape(32, 64).double()))
said(lambda: torch.zeros(32, 1) - torch.zeros(32))

# %% [markdown]
# 1. `mat1` is what came in, `mat2` the weight, seen as matrices. 256 is 32 · 1 · 8: the layer took
#    the *last* axis, 8, for the features. The images want to be flattened to (32, 64).
# 2. A weight of size [8, 3, 3, 3] is 8 filters over 3 channels; the images have 1.
# 3. The shapes fit, the dtypes do not: NumPy's float64 ("Double") met float32 weights ("Float").
# 4. The worst one raises nothing. (32, 1) and (32,) broadcast to (32, 32): every prediction is
#    compared with every target, and the net learns the mean. Print shapes before you trust a loss.

# %% [markdown]
# ## 5. Nets that are no chain
#
# `nn.Sequential` is a chain. But what you write in `forward` is plain Python, so that a module can
# be any graph without a cycle (a DAG): several inputs, ways that part and meet. A gate, as in the
# LSTM of notebook 05, is the smallest example:
#
# $$z = x_1 + x_2 \circ (W x_3 + b)$$
#
# with $x_1$, $x_2$, $z$ of 10 entries, $x_3$ of 20, $W$ (10, 20), $b$ (10,), and $\circ$ entry by
# entry: $x_3$ decides how much of each entry of $x_2$ comes through.
#
# ### Exercise 4 · `GatedSum` (2 points)
#
# Write the module: its layer is made in `__init__`, kept as an attribute of `self`, and used in
# `forward(x1, x2, x3)`. Inputs may have batch axes in front, or none. Of the gradients you write
# nothing: the tape follows every way.


# %% nbgrader={"grade": false, "grade_id": "pytorch-GatedSum-solution", "locked": false, "schema_version": 3, "solution": true, "task": false}
class GatedSum(nn.Module):
    """z = x1 + x2 * Linear(x3), with x1, x2, z (..., 10) and x3 (..., 20)."""

    def __init__(self):
        super().__init__()
        ### BEGIN SOLUTION
        self.gate = nn.Linear(20, 10)
        ### END SOLUTION

    def forward(self, x1, x2, x3):
        ### BEGIN SOLUTION
        return x1 + x2 * self.gate(x3)
        ### END SOLUTION


check("pytorch.GatedSum", GatedSum)

# %% nbgrader={"grade": true, "grade_id": "pytorch-GatedSum", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
check("pytorch.GatedSum", GatedSum, points=2, seed=4)
### BEGIN HIDDEN TESTS
check("pytorch.GatedSum", GatedSum, points=2, seed=9804)
### END HIDDEN TESTS

# %% [markdown]
# **Sharing.** In a graph one weight may stand in many places. A filter of notebook 04 is shared by
# all places of an image, the weights of notebook 05 by all moments. Two *layers* can share as well:
# they then hold the same `nn.Parameter`, one object, not two with equal numbers. It counts once, and
# its gradient is the sum over all its uses, as for a node that is used twice in notebook 01.
#
# ### Exercise 5 · `share_weights` (3 points)
#
# Change the model so that all named layers use the parameters of the first one. Layers have the
# names that `model.named_modules()` gives them, as in `"block.fc"`; `model.get_submodule(name)`
# finds one. A layer may have other parameters than `weight` and `bias`: `layer.named_parameters()`
# tells. `setattr(layer, "weight", parameter)` is `layer.weight = parameter`, for a name in a
# variable.


# %% nbgrader={"grade": false, "grade_id": "pytorch-share_weights-solution", "locked": false, "schema_version": 3, "solution": true, "task": false}
def share_weights(model, names):
    """Let all named layers use the parameters of the first one; the model is changed in place.

    model: an nn.Module; names: list of layers with parameters of the same names and shapes.
    """
    ### BEGIN SOLUTION
    first, *others = [model.get_submodule(name) for name in names]
    for layer in others:
        for name, parameter in first.named_parameters():
            setattr(layer, name, parameter)
    ### END SOLUTION


check("pytorch.share_weights", share_weights)

# %% nbgrader={"grade": true, "grade_id": "pytorch-share_weights", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
check("pytorch.share_weights", share_weights, points=3, seed=5)
### BEGIN HIDDEN TESTS
check("pytorch.share_weights", share_weights, points=3, seed=9805)
### END HIDDEN TESTS

# %% [markdown]
# What does sharing cost? Three hidden layers with weights of their own, against one layer that is
# gone through three times, on the digits:


# %% tags=["demo"]
def deep_reader():
    layers = [layer for _ in range(3) for layer in (nn.Linear(64, 64), nn.ReLU())]
    return nn.Sequential(*layers, nn.Linear(64, 10))


# %% tags=["demo", "nbval-ignore-output"]
torch.manual_seed(seed)
own, shared = deep_reader(), deep_reader()
share_weights(shared, ["0", "2", "4"])
for words, net in [("weights of their own", own), ("shared weights", shared)]:
    count = sum(parameter.numel() for parameter in net.parameters())
    print(f"{words}: {count:,} parameters, test accuracy {train(net):.3f}")

# %% [markdown]
# ## 6. A look inside
#
# A module returns its last output. To see the others you need not rewrite it: hang a *hook* on a
# layer, a function that PyTorch calls after each run of the layer:
#
# - `handle = layer.register_forward_hook(hook)` hangs it up;
# - `hook(layer, inputs, output)` is called; what it returns, if not None, replaces the output;
# - `handle.remove()` takes it down. A hook that is forgotten runs at every call from then on.
#
# ### Exercise 6 · `layer_outputs` (3 points)
#
# Run the model on `x` and return what the named layers put out. Mind three things:
#
# - take your hooks down again, also when the model raises (`try: … finally: …`), and only your own;
# - each hook has to know the name of its layer: in a loop, let a function make the hook, or give
#   the name as a default argument;
# - a layer that works in place, as `nn.ReLU(inplace=True)` does, writes into the output of the layer
#   before it. Keep `output.clone()`, a copy.


# %% nbgrader={"grade": false, "grade_id": "pytorch-layer_outputs-solution", "locked": false, "schema_version": 3, "solution": true, "task": false}
def layer_outputs(model, names, x):
    """The outputs of the named layers when the model runs on x: a dict, name -> tensor.

    model: an nn.Module, left as it was; names: list of names as in model.named_modules().
    """
    ### BEGIN SOLUTION
    outputs, handles = {}, []

    def keep_as(name):
        def hook(layer, inputs, output):
            outputs[name] = output.clone()

        return hook

    try:
        for name in names:
            handles.append(model.get_submodule(name).register_forward_hook(keep_as(name)))
        model(x)
    finally:
        for handle in handles:
            handle.remove()
    return outputs
    ### END SOLUTION


check("pytorch.layer_outputs", layer_outputs)

# %% nbgrader={"grade": true, "grade_id": "pytorch-layer_outputs", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
check("pytorch.layer_outputs", layer_outputs, points=3, seed=6)
### BEGIN HIDDEN TESTS
check("pytorch.layer_outputs", layer_outputs, points=3, seed=9806)
### END HIDDEN TESTS

# %% [markdown]
# Now look into the net with three hidden layers. Each image is a point of 64 pixels, and then of 64
# hidden units; drawn are the two directions in which the points spread most (their principal
# components). Where are the ten digits easiest to tell apart?


# %% tags=["demo"]
def two_directions(points):
    """Points (N, D) along their first two principal components, (N, 2)."""
    centred = points - points.mean(dim=0)
    return centred @ torch.linalg.svd(centred, full_matrices=False).Vh[:2].T


inside = {"pixels": test_x, **layer_outputs(own, ["1", "5"], test_x)}

fig, axes = plt.subplots(1, 3, figsize=(9.5, 3.4))
titles = ("pixels", "after hidden layer 1", "after hidden layer 3")
for ax, title, points in zip(axes, titles, inside.values(), strict=True):
    drawn = ax.scatter(
        *two_directions(points.detach()).T, c=test_y, cmap="tab10", s=9, vmin=-0.5, vmax=9.5
    )
    ax.set(title=title, xticks=[], yticks=[], xlabel="direction 1", ylabel="direction 2")
fig.colorbar(drawn, ax=axes, ticks=range(10), label="digit")
show(fig, "Test digits as points: one cloud of mixed colours in pixels, groups after three layers.")

# %% [markdown]
# ## 7. An operation of your own
#
# Autograd knows the rules of some hundred operations. Where one is missing, or where you know a
# better way back, you write both ways yourself. As an example, take a loss that forgives wild
# targets. For the residual $r_n = p_n - y_n$ (Huber, 1964):
#
# $$\ell(r) = \begin{cases} \tfrac12 r^2 & |r| \le \delta \\ \delta\,(|r| - \tfrac12 \delta) & |r| >
# \delta \end{cases} \qquad L = \frac1N \sum_n \ell(r_n)$$
#
# Its slope is $r$ near 0 and $\pm\delta$ far away: nobody pulls harder than $\delta$.
#
# ### Exercise 7 · `HuberFunction` (4 points)
#
# A `torch.autograd.Function` is two static methods; it is called as `HuberFunction.apply(pred,
# target, delta)`.
#
# - `forward(ctx, …)` computes the result. `ctx`, the context, is what the two ways share:
#   `ctx.save_for_backward(tensor, …)` keeps tensors for the way back, and `ctx.delta = delta` keeps
#   anything else.
# - `backward(ctx, grad)` gets the gradient that arrives for the result, and returns one for each
#   argument of `forward`, None where there is none. `ctx.saved_tensors` is a tuple.


# %% nbgrader={"grade": false, "grade_id": "pytorch-HuberFunction-solution", "locked": false, "schema_version": 3, "solution": true, "task": false}
class HuberFunction(torch.autograd.Function):
    """The Huber loss, a mean over the batch: apply(pred, target, delta).

    pred (N,), target (N,): tensors, either may need a gradient; delta: a number > 0.
    """

    @staticmethod
    def forward(ctx, pred, target, delta):
        ### BEGIN SOLUTION
        residual = pred - target
        slope = residual.clamp(-delta, delta)
        ctx.save_for_backward(slope)
        return (slope * (residual - slope / 2)).mean()
        ### END SOLUTION

    @staticmethod
    def backward(ctx, grad):
        ### BEGIN SOLUTION
        (slope,) = ctx.saved_tensors
        grad_pred = grad * slope / len(slope)
        return grad_pred, -grad_pred, None
        ### END SOLUTION


check("pytorch.HuberFunction", HuberFunction)

# %% nbgrader={"grade": true, "grade_id": "pytorch-HuberFunction", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
check("pytorch.HuberFunction", HuberFunction, points=4, seed=7)
### BEGIN HIDDEN TESTS
check("pytorch.HuberFunction", HuberFunction, points=4, seed=9807)
### END HIDDEN TESTS

# %% [markdown]
# PyTorch brings the gradient check of notebook 01 with it. Then to what the loss is for: a line
# through forty points, four of which went wrong.

# %% tags=["demo"]
pred = torch.randn(8, dtype=torch.float64, requires_grad=True)
target = torch.randn(8, dtype=torch.float64, requires_grad=True)
print("gradient check:", torch.autograd.gradcheck(HuberFunction.apply, (pred, target, 0.7)))

x = torch.tensor(rng.uniform(-1, 1, 40))
y = 2 * x + 0.5 + 0.1 * torch.tensor(rng.standard_normal(40))
y[torch.argsort(x)[-4:]] -= 6  # the four rightmost


def fit_line(loss_of, steps=1000, lr=0.1):
    """Slope and intercept by gradient descent."""
    line = torch.zeros(2, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.SGD([line], lr=lr)
    for _ in range(steps):
        optimizer.zero_grad()
        loss_of(line[0] * x + line[1], y).backward()
        optimizer.step()
    return line.detach()


# %% tags=["demo"]
lines = {
    "squared error": fit_line(lambda pred, target: ((pred - target) ** 2).mean()),
    "Huber, δ = 0.2": fit_line(lambda pred, target: HuberFunction.apply(pred, target, 0.2)),
}
ends = torch.tensor([-1.0, 1.0])
fig, ax = plt.subplots(figsize=(6.5, 3.4))
ax.plot(x, y, "o", color="grey", markersize=5)
for (name, (slope, intercept)), style in zip(lines.items(), ("--", "-"), strict=True):
    ax.plot(ends, slope * ends + intercept, style, label=f"{name}: slope {slope:.2f}")
ax.set(title="Four wild points, two losses (true slope: 2)", xlabel="x", ylabel="y")
ax.legend()
show(fig, "The squared error's line is pulled down by four wild points; Huber's follows the rest.")
assert abs(lines["Huber, δ = 0.2"][0] - 2) < 0.3

# %% [markdown]
# ## 8. First the graph, then the numbers
#
# PyTorch writes its tape while the numbers run: *define by run*. Theano (Bergstra et al., 2010) and
# the first TensorFlow (Abadi et al., 2016) went the other way, *define and run*: first a graph, without a
# number in it, and then a function made of it, called many times. Step through both. In which
# steps is something computed on the left, and when does the tape on the right vanish?

# %% tags=["demo"]
graph_against_tape()

# %% [markdown]
# A graph that is known before it runs can be checked, simplified and compiled as a whole. You will
# build one. A node is one of three:
#
# | a node | has | its value |
# |---|---|---|
# | operation | `.operation`, `.parents` | `operation(*values of the parents)` |
# | placeholder | `.name` | comes with each call |
# | shared variable, constant | `.value` | stays, until an update replaces it |
#
# What a node has not is empty: `.operation` and `.value` are None, `.name` is `""`.
#
# This is given: writing `a @ b` makes a node, and `rule` says how its gradient goes back. But look:
# the rules of notebook 01 worked on arrays, these work on nodes. The gradient of a graph is more
# graph.


# %%
class Node:
    def __init__(self, graph, operation=None, parents=(), rule=None, name="", value=None):
        self.graph, self.operation, self.parents = graph, operation, parents
        self.rule, self.name, self.value = rule, name, value
        graph.nodes.append(self)

    def __add__(self, other):
        return self.graph.apply(operator.add, (self, other), lambda g: (g, g))

    def __sub__(self, other):
        return self.graph.apply(operator.sub, (self, other), lambda g: (g, g * -1))

    def __mul__(self, other):
        return self.graph.apply(operator.mul, (self, other), lambda g: (g * other, g * self))

    __rmul__ = __mul__

    def __matmul__(self, other):
        return self.graph.apply(operator.matmul, (self, other), lambda g: (g @ other.T, self.T @ g))

    T = property(lambda self: self.graph.apply(torch.t, (self,), lambda g: (g.T,)))

    def relu(self):
        positive = self.graph.apply(lambda value: value > 0, (self,))
        return self.graph.apply(torch.relu, (self,), lambda g: (g * positive,))

    def sum(self):
        ones = self.graph.apply(torch.ones_like, (self,))
        return self.graph.apply(torch.sum, (self,), lambda g: (ones * g,))


# %% [markdown]
# The graph keeps its nodes in the order in which they were made, so parents come before children.
# `needed(nodes)` are these nodes and all that lead to them, in that order. `gradient(loss, nodes)`
# is your walk backwards, and gives a node for each of `nodes`.


# %%
class Graph:
    def __init__(self):
        self.nodes = []

    def placeholder(self, name):
        return Node(self, name=name)

    def shared(self, value):
        return Node(self, value=value)

    def apply(self, operation, parents, rule=None):
        nodes = [p if isinstance(p, Node) else self.shared(p) for p in parents]
        return Node(self, operation, nodes, rule)

    def needed(self, nodes):
        found = set(nodes)
        for node in reversed(self.nodes):
            if node in found:
                found.update(node.parents)
        return [node for node in self.nodes if node in found]

    def gradient(self, loss, nodes):
        grads = {loss: self.shared(1.0)}
        for node in reversed(self.needed([loss])):
            if node in grads and node.rule:
                for parent, grad in zip(node.parents, node.rule(grads[node]), strict=True):
                    grads[parent] = grads[parent] + grad if parent in grads else grad
        return [grads[node] for node in nodes]


# %% [markdown]
# ### Exercise 8 · `StaticGraph.function` (5 points)
#
# Make a function of a graph. `inputs` is a list of placeholders, `outputs` a list of nodes, and
# `updates` a dict from shared variables to the nodes of their next values:
#
#     step = graph.function([x, y], [loss], {w: w - 0.1 * grad})
#     [value] = step(batch, targets)
#
# A call takes a value for each input, in the order of the list. It computes what the outputs and
# updates need, nothing else, each node once, all of it with the *old* values of the shared
# variables. Then it replaces these all together: give `.value` a new tensor, do not write into the
# old one, which may be an output. It returns the values of the outputs as a list.
#
# A ValueError names the placeholder in two cases: `function` is asked for something that needs one
# that is not among the inputs, or a call lacks its value. A call with a value too many is a
# ValueError as well.


# %% nbgrader={"grade": false, "grade_id": "pytorch-StaticGraph-solution", "locked": false, "schema_version": 3, "solution": true, "task": false}
class StaticGraph(Graph):
    def function(self, inputs, outputs, updates):
        """A function of the inputs' values that returns a list of the outputs' values.

        inputs: placeholders; outputs: nodes; updates: dict, shared variable -> node.
        """
        ### BEGIN SOLUTION
        order = self.needed([*outputs, *updates.values()])
        if missing := [node.name for node in order if node.name and node not in inputs]:
            raise ValueError(f"not among the inputs: {missing}")

        def call(*values):
            if len(values) != len(inputs):
                names = [node.name for node in inputs[len(values) :]]
                raise ValueError(f"{len(values)} values for {len(inputs)} inputs; none for {names}")
            known = dict(zip(inputs, values, strict=True))
            for node in order:
                if node not in known:
                    parents = [known[parent] for parent in node.parents]
                    known[node] = node.operation(*parents) if node.operation else node.value
            for shared, node in updates.items():
                shared.value = known[node]
            return [known[node] for node in outputs]

        return call
        ### END SOLUTION


check("pytorch.StaticGraph", StaticGraph)

# %% nbgrader={"grade": true, "grade_id": "pytorch-StaticGraph", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
check("pytorch.StaticGraph", StaticGraph, points=5, seed=8)
### BEGIN HIDDEN TESTS
check("pytorch.StaticGraph", StaticGraph, points=5, seed=9808)
### END HIDDEN TESTS

# %% [markdown]
# The net of section 1, a fourth time. Between the first line and the last there is no number but
# the weights'. Then one function trains, and another one, of the same graph, predicts.

# %% tags=["demo"]
graph = StaticGraph()
x, y = graph.placeholder("x"), graph.placeholder("y")
w1, w2 = graph.shared(torch.tensor(start[2])), graph.shared(torch.tensor(start[3]))
pred = (x @ w1).relu() @ w2
error = pred - y
loss = 1 / 64 * (error * error).sum()
grad_w1, grad_w2 = graph.gradient(loss, [w1, w2])

step = graph.function([x, y], [loss], {w1: w1 - LR * grad_w1, w2: w2 - LR * grad_w2})
predict = graph.function([x], [pred], {})
batch = [torch.tensor(array) for array in start[:2]]
losses["static graph"] = [step(*batch)[0].item() for _ in range(STEPS)]

print("the same losses again:", agrees("static graph"))
print(f"{len(graph.nodes)} nodes in the graph, {len(graph.needed([pred]))} of them to predict")
assert agrees("static graph")

# %% [markdown]
# What does it ask in return? Forget an input, and you hear of it before anything runs. But an error
# *while* it runs comes from inside `call`, far from the line that made the node. And Python's own
# `if` and `while` are over before there is a number to ask about: a node is no number.

# %% tags=["demo"]
try:
    graph.function([x], [loss], {})
except ValueError as error:
    print("ValueError:", error)

print("loss - loss is 0, but Python takes the node for", bool(loss - loss))

# %% [markdown]
# ## 9. Write as a tape, run as a graph
#
# Define by run won, since people like to write plain Python. `torch.compile` (Ansel et al., 2024)
# wins the graph back: it watches a function run once, writes the graph down, and hands it to a
# *backend*, a compiler. A backend is a function that takes the graph. Ours compiles nothing; it
# prints what it was given, so that you see what a compiler sees.


# %% tags=["demo"]
def print_graph(module, inputs):
    """A backend that prints the operations and runs them as they are."""
    operations = [node for node in module.graph.nodes if node.op.startswith("call")]
    print("graph:", ", ".join(node.name for node in operations))
    return module.forward


def small_net(x, w1, w2):
    middle = (x @ w1).relu()
    return (middle @ w2).square().sum()


batch = [torch.ones(4, 3), torch.ones(3, 5), torch.ones(5, 2)]
watched = torch.compile(small_net, backend=print_graph)
print("first call:", watched(*batch).item())
print("second call:", watched(*batch).item())

# %% [markdown]
# One graph, at the first call; the second call runs it again. And an `if` that asks for a number?
# The function is cut in two there, and Python decides between the pieces. That costs speed, but
# nothing breaks: the best of both.


# %% tags=["demo"]
def with_a_question(x):
    y = x * 2
    if y.sum() > 0:
        y = y - 1
    return y * y


watched = torch.compile(with_a_question, backend=print_graph)
for value in (1.0, -1.0):
    print("result:", watched(value * torch.ones(2)).tolist())

# %% [markdown]
# PyTorch's own backend, `inductor`, writes C++ for a CPU, and Triton for a GPU. It needs a compiler
# on the machine and takes its time at the first call, so that only the full profile calls it.


# %% tags=["demo", "nbval-ignore-output"]
def try_compiler():
    """Compile small_net for real and compare; says so where that is not possible."""
    try:
        difference = torch.compile(small_net)(*batch) - small_net(*batch)
        return f"compiled; largest difference to the tape: {difference.abs().item():.1e}"
    except Exception as error:  # no C++ compiler, an unknown platform: not ours to mend
        return f"torch.compile finds no compiler that works here ({type(error).__name__})"


print(try_compiler() if profile == "full" else "Set profile to 'full' to compile.")

# %% [markdown]
# ## What you can do now
#
# - write a training step with tensors, with autograd and with modules, and say what each level
#   takes off your hands;
# - read a shape error, and find the one that is never raised;
# - build a module that is any graph, share its weights, look inside it, and give it an operation
#   of your own;
# - say what a static graph knows that a tape does not, and what `torch.compile` makes of it.
#
# Next: **09 · Devices**, where the same code moves to a GPU, and to two processes.
#
# **Sources.** Paszke et al. (2019), *PyTorch: an imperative style, high-performance deep learning
# library*. Bergstra et al. (2010), *Theano: a CPU and GPU math expression compiler*. Abadi et al.
# (2016), *TensorFlow: a system for large-scale machine learning*. Ansel et al. (2024), *PyTorch 2:
# faster machine learning through dynamic Python bytecode transformation and graph compilation*.
# Huber (1964), *Robust estimation of a location parameter*.
