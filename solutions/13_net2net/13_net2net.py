# %% [markdown]
# # 13 · Net2Net
#
# **The question.** A net has learned all that it can, and it is too small. Must the larger one
# begin from nothing?
#
# Chen, Goodfellow and Shlens (2016) let it begin where the small one stopped: they make a trained
# net wider or deeper such that it still computes *the same function*, and train on. You will write
# both, first for one layer, then for a whole net. Then you will find out where it fails quietly,
# and what it saves.
#
# Five exercises, 20 points.

# %% tags=["parameters"]
profile = "quick"  # "full" grows a LeNet-5 that was trained on MNIST: a few minutes
seed = 0

# %%
import copy
import time

import matplotlib.pyplot as plt
import numpy as np
import torch
from torch import nn

from pytools import check, data, models
from pytools.widgets import STYLE, show, watch_growth

plt.style.use(STYLE)
rng = np.random.default_rng(seed)

# %% [markdown]
# ## 1. Why grow a trained net?
#
# While you look for a good net, you train many: a small one first, then one with more units, then
# one with more layers. Each starts from random weights and learns again what the one before it
# knew. Most of that time is spent on lessons already learned.
#
# The weights of the small net do not fit into the large one: they have other shapes. Filling up
# with random numbers spoils what is there, since noise from new units reaches every output. Net2Net
# asks for more: at the moment of growing, **no output may change**, for any input. Then the large
# net is as good as the small one from its first step on, and all of its new weights can learn.
#
# Two operations are enough:
#
# - **wider**: copy units, and let the copies share the work;
# - **deeper**: put in a layer that changes nothing.

# %% [markdown]
# ## 2. Wider
#
# Take two linear layers, $h = f(W_1 x + b_1)$ and $y = W_2 h + b_2$, where $f$ works unit by unit:
# ReLU, ELU, tanh. Say there are units 0, 1 and 2, and unit 2 is copied: a new unit $h_3$ has its
# row of $W_1$ and its entry of $b_1$. So $h_3 = h_2$ for every input, and the next layer would see
# $h_2$ twice. It has to give each of the two *half* of the old weight:
#
# $$w h_2 = \tfrac{w}{2} h_2 + \tfrac{w}{2} h_3$$
#
# In general, unit $j$ of the wider layer copies old unit $g(j)$. The old units stay where they are,
# $g(j) = j$ for $j < H$; for each of the others, $g(j)$ is drawn anew from $0, \ldots, H - 1$, all
# equally likely. With $c_u$ the number of units that have the source $u$, the original included:
#
# $$W_1'[j, :] = W_1[g(j), :], \qquad b_1'[j] = b_1[g(j)], \qquad
# W_2'[:, j] = \frac{W_2[:, g(j)]}{c_{g(j)}}$$
#
# Shapes are PyTorch's, outputs first: $W_1$ (H, D), $b_1$ (H,), $W_2$ (O, H). $b_2$ stays.
#
# **Noise.** Two equal units that send equal weights get equal gradients, step after step: they
# would stay twins for ever, and the wider net could never do more. A little noise from $N(0,
# \sigma^2)$, added to the clones' rows of $W_1$, tells them apart. Then outputs move a little.
#
# ### Exercise 1 · `widen_linear` (5 points)
#
# `noise` is the standard deviation $\sigma$; old rows stay without. All random numbers come from
# `rng`: `rng.integers(n, size=k)` draws k whole numbers below n, `np.bincount` counts them.


# %% nbgrader={"grade": false, "grade_id": "net2net-widen_linear-solution", "locked": false, "schema_version": 3, "solution": true, "task": false}
def widen_linear(w1, b1, w2, new_width, rng, noise=0.0):
    """A linear layer with more units, and the next layer made to fit.

    w1 (H, D), b1 (H,): the layer; w2 (O, H): the next one; new_width >= H.
    Returns w1 (new_width, D), b1 (new_width,), w2 (O, new_width), new arrays.
    """
    ### BEGIN SOLUTION
    width = len(w1)
    source = np.concatenate([np.arange(width), rng.integers(width, size=new_width - width)])
    copies = np.bincount(source)
    wide1 = w1[source]
    wide1[width:] += noise * rng.standard_normal(wide1[width:].shape)
    return wide1, b1[source], w2[:, source] / copies[source]
    ### END SOLUTION


check("net2net.widen_linear", widen_linear)

# %% nbgrader={"grade": true, "grade_id": "net2net-widen_linear", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
check("net2net.widen_linear", widen_linear, points=5, seed=1)
### BEGIN HIDDEN TESTS
check("net2net.widen_linear", widen_linear, points=5, seed=9131)
### END HIDDEN TESTS

# %% [markdown]
# Does it matter which activation stands between the layers? A net with random weights, before and
# after, without noise:

# %% tags=["demo", "nbval-ignore-output"]
x = rng.standard_normal((100, 8))
w1, b1, w2 = (rng.standard_normal(shape) for shape in [(6, 8), 6, (3, 6)])
wide = widen_linear(w1, b1, w2, 20, rng)

for f in (nn.functional.relu, nn.functional.elu, torch.tanh):
    before, after = (f(torch.tensor(x @ u.T + b)).numpy() @ v.T for u, b, v in [(w1, b1, w2), wide])
    moved = np.max(np.abs(after - before))
    print(f"{f.__name__:5} outputs as large as {np.max(np.abs(before)):4.1f} move by {moved:.0e}")
    assert moved < 1e-5

# %% [markdown]
# And the twins? The gradient of the widened $W_1$, row by row, for some loss: how far is a clone's
# row from its original's?


# %% tags=["demo", "nbval-ignore-output"]
def twins_apart(noise):
    """The largest difference between the gradients of one unit and its nine copies."""
    u, b, v = widen_linear(w1[:1], b1[:1], w2[:, :1], 10, np.random.default_rng(0), noise)
    u = torch.tensor(u, requires_grad=True)
    outputs = torch.tanh(torch.tensor(x) @ u.T + torch.tensor(b)) @ torch.tensor(v).T
    (outputs**2).mean().backward()
    return (u.grad - u.grad[0]).abs().max().item()


for noise in (0.0, 0.1):
    print(f"noise {noise}: gradients differ by up to {twins_apart(noise):.0e}")
assert twins_apart(0.0) < 1e-12 < twins_apart(0.1)

# %% [markdown]
# ## 3. Wider convolutions
#
# The unit of a convolution is a *channel*: a filter of $W_1$ (K, C, F, F), one entry of $b_1$ (K,).
# A copied channel is a whole map, twice. What follows may be
#
# - another convolution, $W_2$ (O, K, G, G): $W_2[:, k]$ is what channel $k$ sends on;
# - a linear layer after flattening, $W_2$ (O, K·P), where each channel has $P$ places. NCHW is
#   flattened channel by channel: the first $P$ columns belong to channel 0, the next $P$ to
#   channel 1. So a copied channel means $P$ copied columns.
#
# ### Exercise 2 · `widen_conv` (4 points)
#
# The same rule as in exercise 1, for both kinds of $W_2$; `w2.ndim` tells them apart. `.reshape`
# can give the columns of a channel an axis of their own.


# %% nbgrader={"grade": false, "grade_id": "net2net-widen_conv-solution", "locked": false, "schema_version": 3, "solution": true, "task": false}
def widen_conv(w1, b1, w2, new_width, rng, noise=0.0):
    """A convolution with more channels, and the next layer made to fit.

    w1 (K, C, F, F), b1 (K,); w2 (O, K, G, G), or (O, K*P) after flattening; new_width >= K.
    Returns the three with new_width in the place of K, new arrays.
    """
    ### BEGIN SOLUTION
    width = len(w1)
    source = np.concatenate([np.arange(width), rng.integers(width, size=new_width - width)])
    copies = np.bincount(source)[source]
    wide1 = w1[source]
    wide1[width:] += noise * rng.standard_normal(wide1[width:].shape)
    by_channel = w2.reshape(len(w2), width, -1)
    wide2 = by_channel[:, source] / copies[:, None]
    return wide1, b1[source], wide2.reshape(len(w2), -1, *w2.shape[2:])
    ### END SOLUTION


check("net2net.widen_conv", widen_conv)

# %% nbgrader={"grade": true, "grade_id": "net2net-widen_conv", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
check("net2net.widen_conv", widen_conv, points=4, seed=2)
### BEGIN HIDDEN TESTS
check("net2net.widen_conv", widen_conv, points=4, seed=9132)
### END HIDDEN TESTS

# %% [markdown]
# ## 4. Deeper
#
# A layer that changes nothing is simple to write down: the identity matrix as weight, zeros as
# bias. It does not stay idle, its weights learn like all others. But between two layers there is
# an activation, and the new layer brings one more: $h$ becomes $f(I h + 0) = f(h)$. For ReLU all is
# well: $h$ comes out of a ReLU, so no entry is negative, and a second ReLU changes nothing:
#
# $$\mathrm{relu}(\mathrm{relu}(z)) = \mathrm{relu}(z)$$
#
# ### Exercise 3 · `deepen_linear` (2 points)
#
# $W$ and $b$ of a linear layer of `width` units that changes nothing.


# %% nbgrader={"grade": false, "grade_id": "net2net-deepen_linear-solution", "locked": false, "schema_version": 3, "solution": true, "task": false}
def deepen_linear(width):
    """A linear layer that changes nothing: w (width, width), b (width,)."""
    ### BEGIN SOLUTION
    return np.eye(width), np.zeros(width)
    ### END SOLUTION


check("net2net.deepen_linear", deepen_linear)

# %% nbgrader={"grade": true, "grade_id": "net2net-deepen_linear", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
check("net2net.deepen_linear", deepen_linear, points=2, seed=3)
### BEGIN HIDDEN TESTS
check("net2net.deepen_linear", deepen_linear, points=2, seed=9133)
### END HIDDEN TESTS

# %% [markdown]
# ### Exercise 4 · `deepen_conv` (3 points)
#
# The same for a convolution with `channels` channels in and out, and a filter of k × k, k odd. It
# is used with stride 1 and padding (k − 1)/2, so that maps keep their size. Which one entry of a
# filter passes each pixel on to its own place? And which of the filters that make channel 3 may
# let anything through?


# %% nbgrader={"grade": false, "grade_id": "net2net-deepen_conv-solution", "locked": false, "schema_version": 3, "solution": true, "task": false}
def deepen_conv(channels, k):
    """A convolution that changes nothing: w (channels, channels, k, k), b (channels,)."""
    ### BEGIN SOLUTION
    w = np.zeros((channels, channels, k, k))
    w[range(channels), range(channels), k // 2, k // 2] = 1.0
    return w, np.zeros(channels)
    ### END SOLUTION


check("net2net.deepen_conv", deepen_conv)

# %% nbgrader={"grade": true, "grade_id": "net2net-deepen_conv", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
check("net2net.deepen_conv", deepen_conv, points=3, seed=4)
### BEGIN HIDDEN TESTS
check("net2net.deepen_conv", deepen_conv, points=3, seed=9134)
### END HIDDEN TESTS

# %% [markdown]
# Now watch a small net grow by your functions: one input, one output, ReLU between its layers.
# Units of one colour are copies of each other; the thicker a line, the larger the weight. Before
# each step, say which lines will change. What is wrong in the last one?

# %% tags=["demo"]
w1, b1 = np.array([[1.0], [-1.0], [1.2]]), np.array([1.0, 0.5, -1.2])
w2, b2 = np.array([[1.0, -1.0, -1.8]]), np.array([0.2])
wide = widen_linear(w1, b1, w2, 5, rng)
wider = widen_linear(wide[0], wide[1], np.eye(5), 6, rng)
doubled = w1[[0, 1, 2, 2]], b1[[0, 1, 2, 2]]

watch_growth(
    {
        "a net of three units": [(w1, b1), (w2, b2)],
        "two units wider": [wide[:2], (wide[2], b2)],
        "a layer deeper": [wide[:2], deepen_linear(5), (wide[2], b2)],
        "its first layer wider again": [wider[:2], (wider[2], np.zeros(5)), (wide[2], b2)],
        "one unit copied, nothing divided": [doubled, (w2[:, [0, 1, 2, 2]], b2)],
    }
)

# %% [markdown]
# ## 5. A whole net
#
# ### Exercise 5 · `grow` (6 points)
#
# Grow an `nn.Sequential` of `nn.Linear` and `nn.ReLU`, which take turns and begin and end with
# `nn.Linear`. A plan is a list of steps:
#
# - `("wide", i, width)`: Linear layer `i` gets so many units;
# - `("deep", i)`: after Linear layer `i` *and its ReLU* come a Linear layer that changes nothing
#   and a ReLU.
#
# Steps are done in their order, each on the net that the steps before it left. `i` counts the
# Linear layers of that net, from 0: after `("deep", 0)`, number 1 is the new layer. It never names
# the last one: its units are the outputs. Return a new model of the same kind and dtype, and leave
# the old one as it is. The random numbers come from `rng`, without noise.
#
# `layer.weight.detach().numpy()` is a weight as an array. To write one into a layer, use
# `with torch.no_grad(): layer.weight.copy_(torch.tensor(w))`; `layer.to(dtype)` converts its dtype.


# %% nbgrader={"grade": false, "grade_id": "net2net-grow-solution", "locked": false, "schema_version": 3, "solution": true, "task": false}
def grow(model, plan, rng):
    """A new model that is wider and deeper, as planned, and computes what model computes.

    model: nn.Sequential; plan: list of ("wide", i, width) and ("deep", i).
    """
    ### BEGIN SOLUTION
    layers = [
        (layer.weight.detach().numpy(), layer.bias.detach().numpy())
        for layer in model
        if isinstance(layer, nn.Linear)
    ]
    for kind, i, *width in plan:
        if kind == "wide":
            (w1, b1), (w2, b2) = layers[i : i + 2]
            w1, b1, w2 = widen_linear(w1, b1, w2, width[0], rng)
            layers[i : i + 2] = [(w1, b1), (w2, b2)]
        else:
            layers.insert(i + 1, deepen_linear(len(layers[i][1])))
    modules = []
    for w, b in layers:
        linear = nn.Linear(w.shape[1], w.shape[0]).to(model[0].weight.dtype)
        linear.load_state_dict({"weight": torch.tensor(w), "bias": torch.tensor(b)})
        modules += [linear, nn.ReLU()]
    return nn.Sequential(*modules[:-1])
    ### END SOLUTION


check("net2net.grow", grow)

# %% nbgrader={"grade": true, "grade_id": "net2net-grow", "locked": true, "points": 6, "schema_version": 3, "solution": false, "task": false}
check("net2net.grow", grow, points=6, seed=5)
### BEGIN HIDDEN TESTS
check("net2net.grow", grow, points=6, seed=9135)
### END HIDDEN TESTS

# %% [markdown]
# The digits of notebook 01 once more: a net of 12 hidden units learns them for a while. Then your
# function makes another net of it, with ten times as many weights. Which of the 355 test images
# does the new net read differently?

# %% tags=["demo"]
train_x, train_y = map(torch.tensor, data.digits("train"))
test_x, test_y = map(torch.tensor, data.digits("test"))


def train(model, x, y, optimizer, epochs, generator):
    """Steps on batches of 32, cross-entropy."""
    for _ in range(epochs):
        for rows in torch.randperm(len(x), generator=generator).split(32):
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(x[rows]), y[rows]).backward()
            optimizer.step()


def right(model, x, y):
    """For each image, whether it is read rightly."""
    with torch.no_grad():
        return model(x).argmax(dim=1) == y


def size_of(model):
    return sum(parameter.numel() for parameter in model.parameters())


# %% tags=["demo", "nbval-ignore-output"]
torch.manual_seed(seed)
order = torch.Generator().manual_seed(seed)
flat_x, flat_test = train_x.flatten(1), test_x.flatten(1)
small = nn.Sequential(nn.Linear(64, 12), nn.ReLU(), nn.Linear(12, 10))
train(small, flat_x, train_y, torch.optim.Adam(small.parameters(), 3e-3), 10, order)
large = grow(small, [("wide", 0, 64), ("deep", 0), ("wide", 1, 80)], rng)

for name, net in [("small", small), ("grown", large)]:
    correct = right(net, flat_test, test_y).sum().item()
    print(f"{name}: {size_of(net):6,} weights, {correct} of {len(test_y)} right")
assert torch.equal(right(small, flat_test, test_y), right(large, flat_test, test_y))
assert (small(flat_test) - large(flat_test)).abs().max() < 1e-4

# %% [markdown]
# ## 6. The ELU trap
#
# ELU (Clevert, Unterthiner and Hochreiter, 2016) is the identity above 0 and $\alpha (e^z - 1)$
# below, here with $\alpha = 1$. It is smooth, and its outputs are centred better than those of ReLU. But
# what is negative is bent, and a second ELU bends it again: $\mathrm{elu}(\mathrm{elu}(z)) \ne
# \mathrm{elu}(z)$. The plain identity layer is wrong here, and nothing warns you.
#
# The way out: all that leaves an ELU is at least −1. Lift it by 1, and nothing is negative any
# more, so the second ELU lets it through; then subtract the 1 again:
#
# $$\mathrm{elu}(h + 1) - 1 = h \qquad \text{for all } h \ge -1$$
#
# So the new layer gets the identity (in a convolution, your filter of exercise 4) and a *bias of
# 1*, and after its ELU comes a *shift layer* that subtracts 1. But for rounding, both sides are
# equal.

# %% tags=["demo"]
z = torch.linspace(-4, 2, 200)
elu = nn.functional.elu
fig, ax = plt.subplots(figsize=(6.4, 3.4))
ax.plot(z, elu(z), color="lightgrey", linewidth=8, label="elu(z), before")
ax.plot(z, elu(elu(z)), label="plain identity: elu(elu(z))")
ax.plot(z, elu(elu(z) + 1) - 1, "--", label="lifted: elu(elu(z) + 1) − 1")
ax.set(title="A second ELU bends what is negative once more", xlabel="z", ylabel="output")
ax.legend()
show(fig, "Below 0 the plain identity lies above ELU's curve; the lifted one lies on it.")

# %% [markdown]
# How much is that in a net? `models.widen` and `models.deepen` do what you have written, on modules
# of any kind, in place. `deepen` lifts where it meets an ELU. Four nets with random weights:


# %% tags=["demo"]
def random_net(kind, act):
    """Two layers of a kind, and inputs for them."""
    if kind == "linear":
        return nn.Sequential(nn.Linear(8, 6), act(), nn.Linear(6, 3)), torch.randn(200, 8)
    layers = [nn.Conv2d(3, 6, 3, padding=1), act(), nn.Flatten(), nn.Linear(6 * 25, 3)]
    return nn.Sequential(*layers), torch.randn(200, 3, 5, 5)


def with_plain_identity(net):
    """Your layers of exercises 3 and 4, and a second activation."""
    layer, act, *others = copy.deepcopy(list(net))
    linear = layer.weight.ndim == 2
    new = nn.Linear(6, 6) if linear else nn.Conv2d(6, 6, 3, padding=1)
    w, b = deepen_linear(6) if linear else deepen_conv(6, 3)
    new.load_state_dict({"weight": torch.tensor(w), "bias": torch.tensor(b)})
    return nn.Sequential(layer, act, new, act, *others)


# %% tags=["demo", "nbval-ignore-output"]
torch.manual_seed(seed)
print("largest change of an output     wider   plain identity   models.deepen")
for kind in ("linear", "conv"):
    for act in (nn.ReLU, nn.ELU):
        net, x = random_net(kind, act)
        nn.init.normal_(net[0].weight)
        nn.init.normal_(net[-1].weight)
        wider, deeper = copy.deepcopy(net), copy.deepcopy(net)
        models.widen(wider, "0", 15, rng)
        models.deepen(deeper, "0")
        grown = (wider, with_plain_identity(net), deeper)
        change = [((g(x) - net(x)).abs().max() / net(x).abs().max()).item() for g in grown]
        print(f"{kind:6} {act.__name__:22}{change[0]:8.0e} {change[1]:16.0e} {change[2]:15.0e}")
        assert change[0] < 1e-5 and change[2] < 1e-5
        assert (change[1] > 0.01) == (act is nn.ELU)

# %% [markdown]
# Changes are given as a share of the largest output. A net may need many steps to learn away what
# the plain identity did; the lifted one has nothing to learn away.
#
# ## 7. Real modules
#
# A real net has pooling between its layers, batch normalisation, a mean over all places, branches.
# `models.widen` runs the model once with a placeholder, follows where a layer's units go, and says
# so where it can't. A LeNet-5 (LeCun et al., 1998) has all kinds of neighbours: convolution before
# convolution, convolution before a linear layer, linear layers.
#
# In the quick profile it learns the 8 × 8 digits, with a white frame to make them 12 × 12; in the
# full one, MNIST. `forward_flops` counts *floating-point operations* (FLOPs): two, a product and a
# sum, for each weight that is used at each place. They are the same on every machine; seconds are
# not.

# %% tags=["demo"]
if profile == "full":
    images, labels, test_images, test_labels = map(
        torch.tensor, (*data.mnist("train"), *data.mnist("test"))
    )
else:
    images, test_images = (nn.functional.pad(x, (2, 2, 2, 2)) for x in (train_x, test_x))
    labels, test_labels = train_y, test_y

torch.manual_seed(seed)
lenet = models.LeNet5(size=images.shape[-1])
adam = torch.optim.Adam(lenet.parameters(), 2e-3)
train(lenet, images, labels, adam, 2 if profile == "full" else 8, order)
before = right(lenet, test_images, test_labels)
cost = models.forward_flops(lenet, images.shape[1:])

# %% [markdown]
# Then every hidden layer becomes twice as wide, and there is a layer more after each. The optimiser
# comes along. Adam remembers means of gradients and of their squares for every weight; were they
# lost, its first steps would be wild. What should it remember of a clone? The copies of a unit
# share the gradient of its row, so each gets a $c$-th of the mean and a $c^2$-th of the mean
# square. A column of the next layer has the gradient that it had, whatever its weight.

# %% tags=["demo", "nbval-ignore-output"]
for name in ("features.0", "features.3", "classifier.1", "classifier.3"):
    layer = lenet.get_submodule(name)
    models.widen(lenet, name, 2 * len(layer.weight), rng, optimizer=adam)
    models.deepen(lenet, name, optimizer=adam)

after = right(lenet, test_images, test_labels)
grown_cost = models.forward_flops(lenet, images.shape[1:])
print(f"right before: {before.sum()} of {len(before)}, after: {after.sum()}")
print(f"operations for one image: {cost:,} before, {grown_cost:,} after")
assert torch.equal(before, after), "not one image may change"
assert before.float().mean() > 0.8

# %% [markdown]
# **A smaller learning rate.** All copies of a unit move the same way at first, so a step of the same
# length moves the function further than it did. Chen et al. (2016) go on with a tenth of the old
# rate. Here it is a fifth, for two epochs:

# %% tags=["demo", "nbval-ignore-output"]
for group in adam.param_groups:
    group["lr"] /= 5
train(lenet, images, labels, adam, 1 if profile == "full" else 2, order)
print(f"right after training on: {right(lenet, test_images, test_labels).sum()} of {len(before)}")

# %% [markdown]
# ## 8. A feature distance grows too
#
# In notebook 12 a net put pictures at a distance, $\lVert G(x_1) - G(x_2) \rVert_1$, and the hinge
# loss pushed different ones apart until they were a *margin* away. Now widen the layer that puts
# the features out. The layer after it still gives the same scores. But a sum of absolute
# differences over copied units counts these units several times:
#
# $$\lVert G'(x_1) - G'(x_2) \rVert_1 = \sum_u c_u \, \lvert G_u(x_1) - G_u(x_2) \rvert$$
#
# With twice as many units, all distances are about twice as large. The old margin then seems to be
# met by nearly all pairs, and these teach nothing any more. So measure the factor, and rescale the
# margin. Here are all pairs of test images of different digits; the margin is put where 60 % of
# them are within it, before growing.

# %% tags=["demo", "nbval-ignore-output"]
torch.manual_seed(seed)
scorer = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 20), nn.ELU(), nn.Linear(20, 10))
train(scorer, flat_x, train_y, torch.optim.Adam(scorer.parameters(), 3e-3), 3, order)
wider = copy.deepcopy(scorer)
models.widen(wider, "2", 40, rng)

i, j = torch.combinations(torch.arange(len(test_y))).T
different = test_y[i] != test_y[j]
distances = []
for net in (scorer, wider):
    features = net[:4](flat_test).detach()
    distances.append((features[i] - features[j]).abs().sum(dim=1)[different])
old, new = distances
margin, factor = old.quantile(0.6), (new.mean() / old.mean()).item()
rows = {"before": (old, margin), "wider, old margin": (new, margin)}
rows["wider, rescaled margin"] = (new, factor * margin)
inside = {name: (d < m).float().mean().item() for name, (d, m) in rows.items()}

# %% tags=["demo", "nbval-ignore-output"]
print(f"distances are {factor:.2f} times as large; outputs move by", end=" ")
print(f"{(wider(flat_test) - scorer(flat_test)).abs().max():.0e}")
for name, share in inside.items():
    print(f"{name:23} {share:.0%} of the different pairs are within the margin")
assert 1.5 < factor < 2.5
assert inside["wider, old margin"] < 0.25
assert abs(inside["wider, rescaled margin"] - inside["before"]) < 0.1

# %% tags=["demo", "nbval-ignore-output"]
fig, ax = plt.subplots(figsize=(6.4, 3.4))
bins = np.linspace(0, new.max(), 60)
for name, values in [("before", old), ("twice as wide", new)]:
    ax.hist(values, bins, alpha=0.6, label=name)
ax.axvline(margin, color="black", label="margin")
ax.axvline(factor * margin, color="black", linestyle="--", label="rescaled margin")
title = "Distances of pictures of different digits"
ax.set(title=title, xlabel="L1 distance of the features", ylabel="number of pairs")
ax.legend()
show(fig, "Two histograms: after widening, distances are about twice as large, beyond the margin.")

# %% [markdown]
# ## 9. What does growing save?
#
# The comparison has to be fair. Both ways end with the *same* net, see the same data and have the
# same optimiser; the grown one pays for its small net as well. We count until the loss on held-out
# images, taken every 15 steps, is down to a target for the first time. Training costs about three
# forward passes: one forward, and two on the way back, since each layer has a gradient for its
# input and one for its weights. Evaluating is not counted, in either.
#
# There are two nets to end with: one that is wider than the small one, and one that has a layer more
# as well. Three seeds; each decides about the weights, the order of the images and the clones.

# %% tags=["demo"]
TARGETS, LR, NOISE = (0.4, 0.2, 0.1), 3e-3, 0.1
padded, padded_test = (nn.functional.pad(x, (2, 2, 2, 2)) for x in (train_x, test_x))


def conv_net(a, b, c, deep=False):
    """12×12 images: two convolutions of a and b channels, or three, and c hidden units."""
    net = [nn.Conv2d(1, a, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
    net += [nn.Conv2d(a, b, 3, padding=1), nn.ReLU()]
    if deep:
        net += [nn.Conv2d(b, b, 3, padding=1), nn.ReLU()]
    net += [nn.MaxPool2d(2), nn.Flatten(), nn.Linear(9 * b, c), nn.ReLU(), nn.Linear(c, 10)]
    return nn.Sequential(*net)


# %% tags=["demo"]
def follow(net, optimizer, epochs, generator):
    """Trains to the last target; returns (GFLOP, seconds, held-out loss) every 15 steps."""
    rows, seconds, start, seen = [], 0.0, time.process_time(), 0
    price = models.training_flops(net, (1, 12, 12), 1) / 1e9
    for _ in range(epochs):
        for step in torch.randperm(len(padded), generator=generator).split(32):
            optimizer.zero_grad()
            nn.functional.cross_entropy(net(padded[step]), train_y[step]).backward()
            optimizer.step()
            seen += len(step)
            if seen % (15 * 32) < len(step):
                seconds += time.process_time() - start
                with torch.no_grad():
                    loss = nn.functional.cross_entropy(net(padded_test), test_y).item()
                rows.append((price * seen, seconds, loss))
                if loss <= TARGETS[-1]:
                    return np.array(rows)
                start = time.process_time()
    return np.array(rows)


# %% tags=["demo"]
def from_scratch(seed, deep):
    torch.manual_seed(seed)
    net, order = conv_net(16, 32, 64, deep), torch.Generator().manual_seed(seed)
    return follow(net, torch.optim.Adam(net.parameters(), LR), 9, order)


def grown(seed, deep):
    torch.manual_seed(seed)
    rng, order = np.random.default_rng(seed), torch.Generator().manual_seed(seed)
    net = conv_net(8, 16, 32)
    optimizer = torch.optim.Adam(net.parameters(), LR)
    small = follow(net, optimizer, 4, order)
    for name, width in [("0", 16), ("3", 32), ("7", 64)]:
        models.widen(net, name, width, rng, NOISE, optimizer)
    if deep:
        models.deepen(net, "3", optimizer=optimizer)
    large = follow(net, optimizer, 7, order)
    large[:, :2] += small[-1, :2]  # the small net has to be paid for
    return np.concatenate([small, large])


# %% tags=["demo"]
FINAL = {"wider": False, "wider and deeper": True}
WAYS = {"from scratch": from_scratch, "grown": grown}
curves = {
    (final, way): [run(seed + k, deep) for k in range(3)]
    for final, deep in FINAL.items()
    for way, run in WAYS.items()
}


def cost_to(curve, target):
    """GFLOP and seconds until the loss is at or below the target, NaN where it never is."""
    reached = curve[curve[:, 2] <= target]
    return reached[0, :2] if len(reached) else np.array([np.nan, np.nan])


costs = {  # of each final net and way: (seeds, targets, 2)
    key: np.array([[cost_to(curve, target) for target in TARGETS] for curve in of_seeds])
    for key, of_seeds in curves.items()
}


# %% tags=["demo", "nbval-ignore-output"]
def in_words(values):
    """Mean and range over the seeds."""
    if np.isnan(values).any():
        return f"not reached by {np.isnan(values).sum()} of {len(values)}"
    return f"{values.mean():5.1f} ({values.min():.1f} to {values.max():.1f})"


for final in FINAL:
    print(f"{final}\n  loss  {'':13} {'GFLOP, mean (range)':22} seconds, mean (range)")
    for t, target in enumerate(TARGETS):
        for way in WAYS:
            flops, seconds = costs[final, way][:, t].T
            print(f"  {target:4}  {way:13} {in_words(flops):22} {in_words(seconds)}")

# %% [markdown]
# What follows? Seed by seed, the grown net's cost as a share of the cost from scratch. Where all
# three say the same, we say it; where they do not, we say that.


# %% tags=["demo", "nbval-ignore-output"]
def verdict(ratios):
    if np.isnan(ratios).any():
        return "a net did not get there: no verdict"
    if np.all(ratios < 1) or np.all(ratios > 1):
        return f"growing is {'cheaper' if ratios[0] < 1 else 'dearer'} with every seed"
    return "no clear difference"


for final in FINAL:
    for t, target in enumerate(TARGETS):
        ratios = costs[final, "grown"][:, t] / costs[final, "from scratch"][:, t]
        print(f"{final}, loss {target}")
        for unit, of_seeds in zip(("GFLOP", "seconds"), ratios.T, strict=True):
            shares = " ".join("  ? " if np.isnan(r) else f"{r:.2f}" for r in of_seeds)
            print(f"    {unit:8} {shares}   {verdict(of_seeds)}")

# %% tags=["demo", "nbval-ignore-output"]
fig, axes = plt.subplots(1, 2, figsize=(8.4, 3.6), sharey=True)
for (final, way), of_seeds in curves.items():
    ax = axes[list(FINAL).index(final)]
    look = {"color": "C3", "linestyle": "--"} if way == "grown" else {"color": "C0"}
    for curve in of_seeds:
        ax.plot(curve[:, 0], curve[:, 2], linewidth=1.3, alpha=0.8, **look)
    ax.plot([], [], label=way, **look)
    ax.set(title=final, xlabel="GFLOP of training", yscale="log", xlim=(0, None))
for target, ax in ((target, ax) for target in TARGETS for ax in axes):
    ax.axhline(target, color="grey", linewidth=0.8)
axes[0].set_ylabel("loss on held-out images")
axes[0].legend()
fig.suptitle("The same net in the end, in two ways")
show(
    fig, "Held-out loss over GFLOP, three seeds: grown nets and nets from scratch, two final nets."
)

# %% [markdown]
# Read the table before you believe a headline. The first steps of a growing net are cheap, since it
# is small then; later, both ways train the same large net, and a start from copies need not be
# better than a random one. Seconds need not follow FLOPs: a small layer does not use a processor as
# well as a large one. And compare the two halves: was the layer more worth its price, for 1442
# small images? Chen et al. (2016) grew nets that took days.
#
# Change `NOISE` to 0, or the four epochs of the small net to eight. What happens to the table?
#
# ## What you can do now
#
# - make a trained net wider and deeper, for linear layers and convolutions, without moving one of
#   its outputs;
# - say why the copies must share, why they need noise, and what the optimiser should remember;
# - see the ELU trap, and lift a layer out of it;
# - rescale a margin when the features are widened;
# - compare two ways of training at equal cost, with seeds, and say no more than the table does.
#
# Next: **14 · Scoring**, the project, where a net grows each time its training stalls.
#
# **Sources.** Chen, Goodfellow & Shlens (2016), *Net2Net: accelerating learning via knowledge
# transfer*. Clevert, Unterthiner & Hochreiter (2016), *Fast and accurate deep network learning by
# exponential linear units (ELUs)*. LeCun, Bottou, Bengio & Haffner (1998), *Gradient-based learning
# applied to document recognition*. Kingma & Ba (2015), *Adam: a method for stochastic optimization*.
