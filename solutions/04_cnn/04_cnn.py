# %% [markdown]
# # 04 · A convolutional net
#
# **The question.** Move a digit by one pixel and every one of its numbers stands in another place.
# For the classifiers of notebook 02 that was another picture. How can a net know that a stroke is
# the same stroke, wherever it is?
#
# It looks through a small window, and uses the *same* weights at every place. That is a
# convolution. You will write it with its way back, train a net of it on digits, look at what it
# sees, and follow the plan from LeNet-5 (1998) to AlexNet (2012), the net that made the field turn.
#
# Nine exercises, 24 points.

# %% tags=["parameters"]
profile = "quick"  # "full" trains LeNet-5 on all of MNIST, here and in PyTorch
seed = 0

# %%
import time
from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_sample_image

from pytools import check, data, scratch
from pytools.widgets import STYLE, FeatureMaps, FilterWalk, show

plt.style.use(STYLE)
rng = np.random.default_rng(seed)

# %% [markdown]
# ## 1. One filter, many places
#
# A *filter* is a small square of weights. Lay it on the image, multiply each weight with the pixel
# under it, add it all up: one number. Then move the filter on. All these numbers, in the order of
# the places, are a new image.
#
# - The **stride** says how many pixels the filter moves each time.
# - **Padding** puts zeros around the image, so that the filter can also stand over its border.
#
# Step through it. This filter computes right neighbours minus left neighbours: where is its result
# large, where is it below 0? Then change stride and padding. Before you do, say how many places
# there will be.

# %% tags=["demo"]
stroke = [[0, 0, 1, 2, 0], [0, 1, 3, 1, 0], [0, 2, 2, 0, 0], [1, 3, 1, 0, 0], [2, 2, 0, 0, 1]]
left_to_right = [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]
FilterWalk(stroke, left_to_right, pad=1)

# %% [markdown]
# Along one side of $N$ pixels, with a filter of $F$, stride $S$ and padding $P$ at *both* ends, the
# filter has
#
# $$\frac{N - F + 2P}{S} + 1$$
#
# places: the first one, and one for each step that fits. If $S$ does not divide $N - F + 2P$, some
# pixels at the far end would never be seen. Then something is wrong with the plan, and it is better
# to hear of it now than to wonder later.
#
# One choice is so common that it is worth knowing by heart: stride 1 with $P = (F-1)/2$. Put it
# in: $N$ places for $N$ pixels. The image keeps its size, and you can put as many layers on each
# other as you like.
#
# ### Exercise 1 · `conv_output_size` (2 points)
#
# Return the number of places. Raise `ValueError` when the stride does not divide, and when the
# filter is larger than the image with its zeros.


# %% nbgrader={"grade": false, "grade_id": "cnn-conv_output_size-solution", "locked": false, "schema_version": 3, "solution": true, "task": false}
def conv_output_size(n, f, stride, pad):
    """How many places a filter has along one side: (n - f + 2 pad) / stride + 1.

    n: pixels of the image, f: of the filter, pad: zeros at each end; all whole numbers.
    Raises ValueError when the stride does not divide or the filter does not fit.
    """
    ### BEGIN SOLUTION
    room = n - f + 2 * pad
    if room < 0:
        raise ValueError(f"a filter of {f} does not fit into {n} pixels with 2 x {pad} zeros")
    if room % stride != 0:
        raise ValueError(f"a stride of {stride} does not divide {room}")
    return room // stride + 1
    ### END SOLUTION


check("cnn.conv_output_size", conv_output_size)

# %% nbgrader={"grade": true, "grade_id": "cnn-conv_output_size", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
check("cnn.conv_output_size", conv_output_size, points=2, seed=1)
### BEGIN HIDDEN TESTS
check("cnn.conv_output_size", conv_output_size, points=2, seed=9401)
### END HIDDEN TESTS

# %% [markdown]
# An image may have several *channels*: three for colour, more inside a net. Their number is its
# *depth* $D$. The filter has as many, so it is a block of $F \times F \times D$ weights. What its
# channels give is added up, and one *bias* is added to the sum: still one number for each place. A
# layer has $K$ such filters and gives $K$ images, its *feature maps*, which are the channels of the
# next layer.
#
# ### Exercise 2 · `conv_num_params` (1 point)
#
# How many numbers does a layer of $K$ filters learn? All weights, and a bias for each filter:
# $(F \cdot F \cdot D) \cdot K + K$.


# %% nbgrader={"grade": false, "grade_id": "cnn-conv_num_params-solution", "locked": false, "schema_version": 3, "solution": true, "task": false}
def conv_num_params(f, depth, k):
    """Weights and biases of k filters of f x f pixels over depth channels."""
    ### BEGIN SOLUTION
    return (f * f * depth) * k + k
    ### END SOLUTION


check("cnn.conv_num_params", conv_num_params)

# %% nbgrader={"grade": true, "grade_id": "cnn-conv_num_params", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check("cnn.conv_num_params", conv_num_params, points=1, seed=2)
### BEGIN HIDDEN TESTS
check("cnn.conv_num_params", conv_num_params, points=1, seed=9402)
### END HIDDEN TESTS

# %% [markdown]
# Compare: both layers below turn a colour image of 32×32 into 6 maps of 28×28. In a *fully
# connected* layer, as in notebook 01, every number of the result has a weight of its own for every
# pixel. In your formula the size of the image does not even occur: what a filter learns in one
# corner, it knows in all.

# %% tags=["demo"]
side = conv_output_size(32, 5, stride=1, pad=0)
pixels, units = 32 * 32 * 3, side * side * 6
print(f"6 filters of 5x5: {conv_num_params(5, 3, 6):>10,} numbers to learn")
print(f"fully connected:  {pixels * units + units:>10,} numbers to learn")

# %% [markdown]
# ## 2. A layer of filters
#
# | symbol | shape | what |
# |---|---|---|
# | $x$ | (N, C, H, W) | a batch of N images with C channels, H pixels high and W wide |
# | padded | (N, C, H + 2P, W + 2P) | the images with their zeros |
# | $w$ | (K, C, FH, FW) | K filters, FH high and FW wide |
# | $b$ | (K,) | a bias for each filter |
# | out | (N, K, OH, OW) | K feature maps for each image, a number for each of OH × OW places |
#
# $$\mathrm{out}[n, k, r, q] = b[k] + \sum_{c=0}^{C-1} \sum_{i=0}^{FH-1} \sum_{j=0}^{FW-1}
# \mathrm{padded}[n, c,\; S r + i,\; S q + j]\;\, w[k, c, i, j]$$
#
# where $S$ is the stride and all indices count from 0. In mathematics a convolution turns the
# filter by 180° first; this one, which does not, is called *cross-correlation*. As the weights are
# learned anyway, nobody in deep learning turns them.
#
# ### Exercise 3 · `conv2d_forward` (4 points)
#
# Write it with loops, as you would do it by hand: for each place, cut out the window, multiply,
# sum, add the bias. Your `conv_output_size` gives OH and OW. `np.pad` adds the zeros: tell it for
# each of the four axes how many come before and after. Filters need not be square.
#
# Return two things: the result, and a *cache*. The cache is all that you will want to know on the
# way back (exercise 5), in whatever form you like.


# %% nbgrader={"grade": false, "grade_id": "cnn-conv2d_forward-solution", "locked": false, "schema_version": 3, "solution": true, "task": false}
def conv2d_forward(x, w, b, stride, pad):
    """A convolution layer.

    x (N, C, H, W), w (K, C, FH, FW), b (K,); stride and pad are whole numbers.
    Returns out (N, K, OH, OW) and a cache for conv2d_backward.
    """
    ### BEGIN SOLUTION
    fh, fw = w.shape[2:]
    out_h = conv_output_size(x.shape[2], fh, stride, pad)
    out_w = conv_output_size(x.shape[3], fw, stride, pad)
    padded = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    out = np.zeros((len(x), len(w), out_h, out_w))
    for row in range(out_h):
        for column in range(out_w):
            top, left = row * stride, column * stride
            window = padded[:, :, top : top + fh, left : left + fw]
            for k in range(len(w)):
                out[:, k, row, column] = np.sum(window * w[k], axis=(1, 2, 3)) + b[k]
    return out, (padded, w, stride, pad)
    ### END SOLUTION


check("cnn.conv2d_forward", conv2d_forward)

# %% nbgrader={"grade": true, "grade_id": "cnn-conv2d_forward", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
check("cnn.conv2d_forward", conv2d_forward, points=4, seed=3)
### BEGIN HIDDEN TESTS
check("cnn.conv2d_forward", conv2d_forward, points=4, seed=9403)
### END HIDDEN TESTS

# %% [markdown]
# ## 3. Filters made by hand
#
# Long before filters were learned, people made them. One that *smooths* replaces each pixel by a
# mean of its neighbourhood in which the near ones count more. A bell does that well:
#
# $$g[i, j] = \frac{1}{Z} \exp\!\left(-\frac{(i - m)^2 + (j - m)^2}{2 \sigma^2}\right)$$
#
# where rows $i$ and columns $j$ count from 0, $m = (\mathrm{size} - 1)/2$ is the middle, $\sigma$
# the width in pixels, and $Z$ whatever makes the sum of all weights 1: a grey wall has to stay as
# bright as it is.
#
# ### Exercise 4 · `gaussian_kernel` (2 points)
#
# Return all $g[i, j]$, an array of `size` rows and columns. With an even size the middle lies
# between pixels. The formula does not mind.


# %% nbgrader={"grade": false, "grade_id": "cnn-gaussian_kernel-solution", "locked": false, "schema_version": 3, "solution": true, "task": false}
def gaussian_kernel(size, sigma):
    """A smoothing filter (size, size) with the sum 1; sigma is its width in pixels."""
    ### BEGIN SOLUTION
    offset = np.arange(size) - (size - 1) / 2
    distance2 = offset[:, None] ** 2 + offset[None, :] ** 2
    bell = np.exp(-distance2 / (2 * sigma**2))
    return bell / bell.sum()
    ### END SOLUTION


check("cnn.gaussian_kernel", gaussian_kernel)

# %% nbgrader={"grade": true, "grade_id": "cnn-gaussian_kernel", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
check("cnn.gaussian_kernel", gaussian_kernel, points=2, seed=4)
### BEGIN HIDDEN TESTS
check("cnn.gaussian_kernel", gaussian_kernel, points=2, seed=9404)
### END HIDDEN TESTS

# %% [markdown]
# Your layer runs them all: a bell, differences between neighbours (once sideways, once downwards),
# and a picture minus its own smooth version, which leaves the details. Results below 0 are drawn
# dark. The differences are large at *edges*. Keep these filters in mind for section 7, where nobody
# will have asked for them.

# %% tags=["demo"]
photo = load_sample_image("china.jpg")[::4, ::4].mean(axis=2) / 255
bell = gaussian_kernel(7, 1.5)
spot = np.zeros((7, 7))
spot[3, 3] = 1  # this filter alone would change nothing
sobel = np.array(left_to_right)
filters = {"smooth": bell, "left to right": sobel, "top to bottom": sobel.T, "details": spot - bell}

views = {"the photo": photo}
for name, f in filters.items():
    out, _ = conv2d_forward(photo[None, None], f[None, None], np.zeros(1), 1, (len(f) - 1) // 2)
    views[name] = out[0, 0]

fig, axes = plt.subplots(1, 5, figsize=(9, 1.8))
for ax, (name, view) in zip(axes, views.items(), strict=True):
    ax.imshow(view, cmap="gray")
    ax.set_title(name, fontsize=11)
    ax.axis("off")
fig.suptitle("One photo through four filters (photo: danielbuechele, CC BY 2.0)", fontsize=12)
show(fig, "A photo of a temple, smoothed, its upright edges, its level edges, and its details.")

# %% [markdown]
# ## 4. The way back
#
# A layer's number at one place is a sum of products, window × filter, plus the bias. So when the
# gradient $g$ of that one number arrives, it goes on as in notebook 01, *gradient that arrives ×
# local slope*:
#
# - to each pixel of the window: $g$ times the weight that lay on it;
# - to each weight: $g$ times the pixel that lay under it;
# - to the bias: $g$.
#
# A pixel lies under many places of the filter, and a weight is used at all places of all images.
# What is used many times collects many gradients, and they are **added**.
#
# ### Exercise 5 · `conv2d_backward` (5 points)
#
# Walk over the same places again. `grad` has the shape of `out`; all else is in your cache. The
# zeros of the padding were nobody's pixels: cut them off in the end. The check takes your two
# functions as a pair; between forward and backward it runs your forward for another layer, so a
# global variable would remember the wrong one.


# %% nbgrader={"grade": false, "grade_id": "cnn-conv2d_backward-solution", "locked": false, "schema_version": 3, "solution": true, "task": false}
def conv2d_backward(grad, cache):
    """The gradients of conv2d_forward.

    grad (N, K, OH, OW): the gradient for out; cache: what conv2d_forward returned.
    Returns grad_x, grad_w, grad_b, in the shapes of x, w, b.
    """
    ### BEGIN SOLUTION
    padded, w, stride, pad = cache
    fh, fw = w.shape[2:]
    grad_padded, grad_w = np.zeros(padded.shape), np.zeros(w.shape)
    for row, column in np.ndindex(grad.shape[2:]):
        top, left = row * stride, column * stride
        window = np.s_[:, :, top : top + fh, left : left + fw]
        for k in range(len(w)):
            arrived = grad[:, k, row, column][:, None, None, None]
            grad_padded[window] += arrived * w[k]
            grad_w[k] += np.sum(arrived * padded[window], axis=0)
    bottom, right = padded.shape[2] - pad, padded.shape[3] - pad
    return grad_padded[:, :, pad:bottom, pad:right], grad_w, grad.sum(axis=(0, 2, 3))
    ### END SOLUTION


check("cnn.conv2d_backward", (conv2d_forward, conv2d_backward))

# %% nbgrader={"grade": true, "grade_id": "cnn-conv2d_backward", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
check("cnn.conv2d_backward", (conv2d_forward, conv2d_backward), points=5, seed=5)
### BEGIN HIDDEN TESTS
check("cnn.conv2d_backward", (conv2d_forward, conv2d_backward), points=5, seed=9405)
### END HIDDEN TESTS

# %% [markdown]
# As ever: trust nothing, compare with central differences.

# %% tags=["demo"]
x, w, b = rng.standard_normal((2, 3, 5, 7)), rng.standard_normal((4, 3, 3, 3)), np.zeros(4)
out, cache = conv2d_forward(x, w, b, stride=2, pad=1)
arriving = rng.standard_normal(out.shape)  # as if a loss had sent it
grad_x, grad_w, _ = conv2d_backward(arriving, cache)


def loss(x, w):
    return np.sum(arriving * conv2d_forward(x, w, b, stride=2, pad=1)[0])


error_x = scratch.check_gradient(lambda a: loss(a, w), x, grad_x)
error_w = scratch.check_gradient(lambda a: loss(x, a), w, grad_w)
print(f"x agrees to 1e-6: {error_x < 1e-6}; w agrees to 1e-6: {error_w < 1e-6}")

# %% [markdown]
# **Loops, then blocks.** Your loops say exactly what a convolution is, but Python takes its time
# for each step. The version in `pytools/scratch/conv_blocks.py` does the same work in a few large
# matrix products.
#
# Its idea: in memory an image is one long row of numbers, so an image shifted by one pixel is the
# *same* row, read from one number later. Such shifted copies, one for each weight of the filter,
# are the rows of a matrix. Weights × matrix is then the result at all places at once. It takes a
# few images at a time, so that they stay in the processor's own fast memory. Same numbers, and how
# much faster?

# %% tags=["demo", "nbval-ignore-output"]
c1 = {"x": (32, 1, 28, 28), "w": (6, 1, 5, 5), "b": 6, "pad": 2}
c3 = {"x": (32, 6, 14, 14), "w": (16, 6, 5, 5), "b": 16, "pad": 0}


def seconds(forward, backward, layer):
    """CPU time of one pass forward and backward over 32 images, and its gradient for the filters."""
    x, w, b = (np.random.default_rng(0).standard_normal(layer[name]) for name in "xwb")
    start = time.process_time()
    out, cache = forward(x, w, b, 1, layer["pad"])
    _, grad_w, _ = backward(out, cache)
    return time.process_time() - start, grad_w


for name, layer in {"first": c1, "second": c3}.items():
    loops, grad_loops = seconds(conv2d_forward, conv2d_backward, layer)
    fast = [seconds(scratch.conv2d_forward, scratch.conv2d_backward, layer) for _ in range(5)]
    blocks, grad_blocks = min(took for took, _ in fast), fast[0][1]
    assert np.allclose(grad_loops, grad_blocks)
    print(f"{name} layer of LeNet-5: loops {loops:.2f} s, blocks {1e3 * blocks:.1f} ms")
    print(f"    {loops / blocks:.0f} times faster, the same gradients")

# %% [markdown]
# ## 5. Pooling
#
# Once a filter has found its stroke, does it matter on which of two neighbouring pixels? Hardly.
# *Max-pooling* keeps the largest number of each small window and forgets where it stood. The maps
# get smaller, and small shifts of the image change less and less.
#
# ### Exercise 6 · `max_pool_forward` (2 points)
#
# Windows of `size` × `size` pixels, `stride` apart, each channel by itself. No padding: there are
# as many windows as a filter of that size has places with $P = 0$. They may overlap or leave gaps.
# Return the result, and a cache as before.


# %% nbgrader={"grade": false, "grade_id": "cnn-max_pool_forward-solution", "locked": false, "schema_version": 3, "solution": true, "task": false}
def max_pool_forward(x, size, stride):
    """The largest pixel of each window.

    x (N, C, H, W); size and stride are whole numbers.
    Returns out (N, C, OH, OW) and a cache for max_pool_backward.
    """
    ### BEGIN SOLUTION
    out_h = conv_output_size(x.shape[2], size, stride, 0)
    out_w = conv_output_size(x.shape[3], size, stride, 0)
    out = np.zeros((*x.shape[:2], out_h, out_w), dtype=x.dtype)
    for row, column in np.ndindex(out_h, out_w):
        top, left = row * stride, column * stride
        window = x[:, :, top : top + size, left : left + size]
        out[:, :, row, column] = window.max(axis=(2, 3))
    return out, (x, size, stride)
    ### END SOLUTION


check("cnn.max_pool_forward", max_pool_forward)

# %% nbgrader={"grade": true, "grade_id": "cnn-max_pool_forward", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
check("cnn.max_pool_forward", max_pool_forward, points=2, seed=6)
### BEGIN HIDDEN TESTS
check("cnn.max_pool_forward", max_pool_forward, points=2, seed=9406)
### END HIDDEN TESTS

# %% [markdown]
# On the way back only the winner of a window can have changed the result, so the whole gradient
# goes to it and nothing to the others. In a tie, the first one in row order wins: the uppermost
# row, and in it the leftmost pixel. (Ties are common: over blank paper a filter gives the same
# number everywhere, and a ReLU leaves many zeros.)
#
# ### Exercise 7 · `max_pool_backward` (3 points)
#
# Send each window's gradient to its winner. A pixel that won several windows collects from all.


# %% nbgrader={"grade": false, "grade_id": "cnn-max_pool_backward-solution", "locked": false, "schema_version": 3, "solution": true, "task": false}
def max_pool_backward(grad, cache):
    """The gradient for x, in its shape.

    grad (N, C, OH, OW): the gradient for out; cache: what max_pool_forward returned.
    """
    ### BEGIN SOLUTION
    x, size, stride = cache
    grad_x = np.zeros(x.shape)
    for n, c, row, column in np.ndindex(grad.shape):
        top, left = row * stride, column * stride
        window = x[n, c, top : top + size, left : left + size]
        i, j = divmod(int(window.argmax()), size)  # argmax finds the first, in row order
        grad_x[n, c, top + i, left + j] += grad[n, c, row, column]
    return grad_x
    ### END SOLUTION


check("cnn.max_pool_backward", (max_pool_forward, max_pool_backward))

# %% nbgrader={"grade": true, "grade_id": "cnn-max_pool_backward", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
check("cnn.max_pool_backward", (max_pool_forward, max_pool_backward), points=3, seed=7)
### BEGIN HIDDEN TESTS
check("cnn.max_pool_backward", (max_pool_forward, max_pool_backward), points=3, seed=9407)
### END HIDDEN TESTS

# %% [markdown]
# ## 6. LeNet reads digits
#
# Now put them together as LeCun, Bottou, Bengio & Haffner did in 1998: convolution, pooling,
# convolution, pooling, and when the maps have become small, fully connected layers. Their LeNet-5
# read the amounts on bank cheques. Its pooling took means, with tanh behind it; today the usual
# choice is max-pooling, then a ReLU, and so it is here.
#
# Your two formulas give the plan. The paper names each layer by its kind and number: c is a
# convolution, s a pooling (*subsampling*), f fully connected; c5 is both, as its 5×5 filters have
# one place only on maps of 5×5. The first layer pads the 28×28 pixels by 2, which makes the 32×32
# of the paper.

# %% tags=["demo"]
plan = [("c1", 5, 1, 2, 6), ("s2", 2, 2, 0, 0), ("c3", 5, 1, 0, 16), ("s4", 2, 2, 0, 0)]
size, depth, total = 28, 1, 0
for name, f, stride, pad, filters in plan:
    size = conv_output_size(size, f, stride, pad)
    params = conv_num_params(f, depth, filters) if filters else 0
    depth, total = filters or depth, total + params
    print(f"{name:4} {f}x{f} stride {stride}: {depth:3} maps of {size:2}x{size:<2} {params:9,}")
for name, n_in, n_out in [("c5", size**2 * depth, 120), ("f6", 120, 84), ("out", 84, 10)]:
    total += n_in * n_out + n_out
    print(f"{name:4} from {n_in:3} numbers: {n_out:3} units {n_in * n_out + n_out:13,}")
print(f"{'all':36} {total:9,}")

# %% [markdown]
# Our digits have 8×8 pixels, so the net is smaller and the plan the same:
# `scratch.small_lenet` has 16 filters of 3×3, pooling, 32 filters, pooling, then 128 → 64 → 10.
# `scratch.train_net` trains it with momentum (notebook 03), at a rate that first rises, then falls.
# You have written every part of it; the parts in `scratch` are the fast ones.
#
# Each digit is given five times: as it is, and moved by one pixel right, left, down and up.

# %% tags=["demo"]
train_x, train_y = data.digits("train")
test_x, test_y = data.digits("test")


def moved(images, right, down=0):
    """The images moved by up to 3 pixels; what comes in is paper."""
    around = np.pad(images, ((0, 0), (0, 0), (3, 3), (3, 3)))
    return around[:, :, 3 - down : 11 - down, 3 - right : 11 - right]


five = [(0, 0), (1, 0), (-1, 0), (0, 1), (0, -1)]
many_x = np.concatenate([moved(train_x, right, down) for right, down in five])
many_y = np.tile(train_y, 5)


# %% tags=["demo", "nbval-ignore-output"]
def train(seed):
    """A net, and the share of the test digits that it reads right."""
    rng = np.random.default_rng(seed)
    net = scratch.small_lenet(rng)
    for _ in scratch.train_net(net, many_x, many_y, epochs=6, rng=rng, batch=32):
        pass
    return net, np.mean(net.predict(test_x) == test_y)


net, accuracy = train(seed)
print(f"test accuracy {accuracy:.3f} with {net.num_params():,} weights and biases")
assert accuracy >= 0.97

# %% [markdown]
# And the question of the beginning? Here are the test digits, moved to the right. The nearest
# neighbours have the same five pictures of each training digit to compare with. Beyond one pixel,
# neither has seen such a picture. What the net learned at one place helps it at the next; what a
# neighbour knows stays where it is. Neither is safe: a net that has to bear larger shifts must
# be shown some.

# %% tags=["demo"]
shifts = range(4)
by_net, by_neighbours = [], []
for right in shifts:
    pictures = moved(test_x, right)
    rows, train_rows = pictures.reshape(-1, 64), many_x.reshape(-1, 64)
    found = scratch.knn_predict(train_rows, many_y, rows, 3, "l2")
    by_net.append(np.mean(net.predict(pictures) == test_y))
    by_neighbours.append(np.mean(found == test_y))

fig, ax = plt.subplots(figsize=(6.4, 3.2))
ax.plot(shifts, by_net, "o-", label="convolutional net")
ax.plot(shifts, by_neighbours, "s--", label="3 nearest neighbours")
ax.axhline(0.1, color="grey", linewidth=1, label="guessing")
ax.set(title="Digits moved to the right", xlabel="moved by (pixels)", ylabel="accuracy")
ax.set(xticks=shifts, ylim=(0, 1.03))
ax.legend()
show(fig, "Accuracy against the shift: both fall beyond one pixel, the net later than neighbours.")

# %% [markdown]
# ## 7. Where the net looks
#
# What has it learned? The first filters can be looked at as they are. Compare them with the ones
# made by hand: some have weights above 0 on one side and below 0 on the other, so they subtract
# neighbours. Nobody told them to find edges.

# %% tags=["demo"]
w = net.layers["c1"].params["w"]
fig, axes = plt.subplots(2, 8, figsize=(8, 2.4))
for k, ax in enumerate(axes.flat):
    ax.imshow(w[k, 0], cmap="RdBu", vmin=-np.abs(w).max(), vmax=np.abs(w).max())
    ax.set_title(f"{k}", fontsize=9)
    ax.axis("off")
fig.suptitle("The 16 filters of the first layer (blue: above 0, red: below)", fontsize=12)
show(fig, "Sixteen 3 by 3 filters; in many of them one side is positive and the other negative.")

# %% [markdown]
# Behind the first layer a filter looks at maps, not pixels, and its weights say little to us. Its
# *output* does. Any layer's output can be fetched:

# %% tags=["demo"]
outputs = net.outputs(test_x[:1])
for name, out in outputs.items():
    print(f"{name:4} {out.shape}")

# %% [markdown]
# Choose a digit, then draw on it: click a cell to turn paper into ink and back. In the maps yellow
# is large, dark blue small. Which maps follow your pen? What is the smallest change that makes the
# net read another digit?

# %% tags=["demo", "nbval-ignore-output"]
some = [int(np.flatnonzero(test_y == digit)[0]) for digit in range(10)]
FeatureMaps(net, test_x[some], test_y[some])

# %% [markdown]
# To see where in the image a small map is active, make it as large as the image and lay it over.
# *Nearest* copies each pixel into a square. *Bilinear* draws straight lines between the pixels'
# centres, first in one direction, then in the other.
#
# Where is a centre? Pixels are squares of side 1. The first one reaches from 0 to 1 and has its
# centre at 0.5; pixel $k$ has it at $k + 0.5$. The larger image covers the same area, so its pixel
# $i$ has its centre at $(i + 0.5)/\mathrm{scale}$. Counted in old pixels, that is the number
#
# $$s = \frac{i + 0.5}{\mathrm{scale}} - 0.5$$
#
# It lies between two old pixels, $s$ rounded down and the next one. The nearer counts more: for
# $s = 1.25$ take 0.75 of pixel 1 and 0.25 of pixel 2. Beyond the outermost centres there is only
# one pixel to ask: first limit $s$ to $0 \ldots H - 1$ (for columns, $W - 1$). Libraries call this
# choice `align_corners=False`.
#
# ### Exercise 8 · `upsample` (3 points)
#
# `mode` is `'nearest'` or `'bilinear'`, `scale` a whole number from 1. Every channel by itself.


# %% nbgrader={"grade": false, "grade_id": "cnn-upsample-solution", "locked": false, "schema_version": 3, "solution": true, "task": false}
def upsample(x, scale, mode):
    """Images `scale` times as high and wide: (N, C, H, W) -> (N, C, scale H, scale W)."""
    ### BEGIN SOLUTION
    if mode == "nearest":
        return x.repeat(scale, axis=2).repeat(scale, axis=3)

    def between(n):
        """For each new pixel: the two old ones around it, and the share of the second."""
        s = np.clip((np.arange(n * scale) + 0.5) / scale - 0.5, 0, n - 1)
        first = np.floor(s).astype(int)
        return first, np.minimum(first + 1, n - 1), s - first

    above, below, share = between(x.shape[2])
    x = x[:, :, above] * (1 - share)[:, None] + x[:, :, below] * share[:, None]
    left, right, share = between(x.shape[3])
    return x[..., left] * (1 - share) + x[..., right] * share
    ### END SOLUTION


check("cnn.upsample", upsample)

# %% nbgrader={"grade": true, "grade_id": "cnn-upsample", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
check("cnn.upsample", upsample, points=3, seed=8)
### BEGIN HIDDEN TESTS
check("cnn.upsample", upsample, points=3, seed=9408)
### END HIDDEN TESTS

# %% [markdown]
# The map of 4×4 that answers most strongly to this digit, made eight times as large, over the digit
# made four times as large:

# %% tags=["demo"]
digit = test_x[some[2:3]]
maps = net.outputs(digit)["s2"]
strongest = maps[:, [maps[0].max(axis=(1, 2)).argmax()]]
ink = upsample(digit, 4, "nearest")[0, 0]

fig, axes = plt.subplots(1, 3, figsize=(8, 2.9))
for ax, name in zip(axes, ["the digit", "nearest", "bilinear"], strict=True):
    ax.imshow(ink, cmap="gray_r", alpha=1.0 if name == "the digit" else 0.4)
    if name != "the digit":
        active = upsample(strongest, 8, name)[0, 0]
        ax.imshow(active, cmap="Oranges", alpha=0.9 * active / active.max())
    ax.set_title(name, fontsize=11)
    ax.axis("off")
fig.suptitle("Where the strongest map of the first layer is active", fontsize=12)
show(fig, "A two, then the map over it in orange, in squares and smooth: a part of its strokes.")

# %% [markdown]
# ## 8. From LeNet to AlexNet
#
# For fourteen years this plan waited for larger images, more of them, and faster machines. In 2012
# Krizhevsky, Sutskever & Hinton trained one of 60 million weights on 1.2 million photos of 1000
# kinds, the ImageNet challenge, on two graphics cards. The net was allowed five guesses a photo.
# The share of photos where none was right is the *top-5 error*. Here it is for the best entry of
# each year:

# %% tags=["demo"]
entries = {
    "2012\nAlexNet": 0.153,
    "2013\nClarifai": 0.112,
    "2014\nGoogLeNet": 0.067,
    "2015\nMSRA": 0.036,
    "2016\nCUImage": 0.030,
}
fig, ax = plt.subplots(figsize=(6.6, 3.2))
bars = ax.bar(list(entries), list(entries.values()), width=0.6)
ax.bar_label(bars, fmt="%.3f")
ax.set(title="ImageNet classification: best entry of each year", ylim=(0, 0.18))
ax.set(xlabel="year and entry", ylabel="top-5 error")
show(fig, "Top-5 error of the winners: .153 in 2012, .112, .067, .036, and .030 in 2016.")

# %% [markdown]
# (Russakovsky et al., 2015, for 2012 to 2014; He et al., 2016, for MSRA; the challenge's own page of
# results for 2016.)
#
# AlexNet, layer by layer. Its paper says that the images have 224 pixels a side, but then the
# stride of conv1 does not divide; the layers need 227.
#
# | layer | filters | size | stride | padding |
# |---|---|---|---|---|
# | conv1 | 96 | 11×11 | 4 | 0 |
# | pool1 | | 3×3 | 2 | |
# | conv2 | 256 | 5×5 | 1 | 2 |
# | pool2 | | 3×3 | 2 | |
# | conv3 | 384 | 3×3 | 1 | 1 |
# | conv4 | 384 | 3×3 | 1 | 1 |
# | conv5 | 256 | 3×3 | 1 | 1 |
# | pool5 | | 3×3 | 2 | |
# | fc6, fc7, fc8 | 4096, 4096, 1000 units | | | |
#
# ### Exercise 9 · `alexnet_shapes` (2 points)
#
# Return a list of pairs: a layer's name and the shape (H, W, C) of what it gives, height and width
# first. Begin with `("input", (227, 227, 3))`, then all layers as in the table. A fully connected
# layer of $n$ units has the shape $(1, 1, n)$. You have a function for the sizes.


# %% nbgrader={"grade": false, "grade_id": "cnn-alexnet_shapes-solution", "locked": false, "schema_version": 3, "solution": true, "task": false}
def alexnet_shapes():
    """Pairs (name, (H, W, C)): "input", conv1, pool1, conv2, … pool5, fc6, fc7, fc8."""
    ### BEGIN SOLUTION
    layers = [("conv1", 96, 11, 4, 0), ("pool1", 0, 3, 2, 0)]
    layers += [("conv2", 256, 5, 1, 2), ("pool2", 0, 3, 2, 0), ("conv3", 384, 3, 1, 1)]
    layers += [("conv4", 384, 3, 1, 1), ("conv5", 256, 3, 1, 1), ("pool5", 0, 3, 2, 0)]
    side, channels = 227, 3
    shapes = [("input", (side, side, channels))]
    for name, filters, f, stride, pad in layers:
        side = conv_output_size(side, f, stride, pad)
        channels = filters or channels
        shapes.append((name, (side, side, channels)))
    for name, units in [("fc6", 4096), ("fc7", 4096), ("fc8", 1000)]:
        shapes.append((name, (1, 1, units)))
    return shapes
    ### END SOLUTION


check("cnn.alexnet_shapes", alexnet_shapes)

# %% nbgrader={"grade": true, "grade_id": "cnn-alexnet_shapes", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
check("cnn.alexnet_shapes", alexnet_shapes, points=2, seed=9)
### BEGIN HIDDEN TESTS
check("cnn.alexnet_shapes", alexnet_shapes, points=2, seed=9409)
### END HIDDEN TESTS

# %% [markdown]
# Where are the weights, and where is the work? To fc6, the 6×6×256 = 9216 numbers of pool5 are one
# long row. It might as well be a layer of 4096 filters, each as large as its input: then
# `conv_num_params` counts its weights too. And the work is a product for each weight at each place.

# %% tags=["demo"]
shapes = alexnet_shapes()
sizes = {"conv1": 11, "conv2": 5, "conv3": 3, "conv4": 3, "conv5": 3, "fc6": 6, "fc7": 1, "fc8": 1}
params, products = {}, {}
for (_, (_, _, depth)), (name, (h, w, k)) in pairwise(shapes):
    if name in sizes:
        params[name] = conv_num_params(sizes[name], depth, k)
        products[name] = h * w * params[name]

fig, axes = plt.subplots(1, 2, figsize=(8.4, 3.0))
for ax, counts, what in zip(axes, (params, products), ("weights", "products"), strict=True):
    ax.bar(list(counts), [count / 1e6 for count in counts.values()])
    ax.set(title=f"{sum(counts.values()) / 1e6:.0f} million {what}", xlabel="layer")
    ax.set_ylabel(f"{what} (millions)")
    ax.tick_params(axis="x", rotation=45)
show(fig, "Most of AlexNet's weights are in fc6 and fc7, most of its work in conv1 to conv5.")

# %% [markdown]
# (Here conv2, conv4 and conv5 see all maps below them. In the paper each of the two graphics cards
# saw its own half there, which saves 1.4 million weights and a third of the work.)
#
# ## 9. LeNet-5 on all of MNIST
#
# The digits that LeNet-5 was made for: 60,000 to train on, 10,000 to test, 28×28 pixels. That takes
# some minutes and the whole data set, so here is what it gave on 21 November 2026: the net of
# section 6's plan in NumPy, three passes over the digits, five seeds, on one thread of a server's
# processor. PyTorch beside it: the same layers and the same recipe.

# %% tags=["demo"]
measured = {  # test accuracy and CPU seconds an epoch, seeds 0 to 4
    "NumPy": ([0.9912, 0.9904, 0.9910, 0.9924, 0.9924], [6.6, 6.5, 6.5, 6.1, 5.9]),
    "PyTorch": ([0.9915, 0.9926, 0.9907, 0.9909, 0.9922], [6.1, 5.3, 5.0, 5.1, 5.0]),
}
fig, axes = plt.subplots(1, 2, figsize=(8.4, 2.6), sharey=True)
for place, (name, (accuracies, seconds_each)) in enumerate(measured.items()):
    axes[0].plot(accuracies, [place] * 5, "o", alpha=0.6)
    axes[1].plot(seconds_each, [place] * 5, "o", alpha=0.6)
    middle = np.median(accuracies), np.median(seconds_each)
    print(f"{name:8} median accuracy {middle[0]:.4f}, {middle[1]:.1f} CPU seconds an epoch")
axes[0].axvline(0.9905, color="grey", linestyle="--")
axes[0].annotate("LeNet-5, 1998", (0.9905, 0.5), (-6, 0), textcoords="offset points", ha="right")
axes[0].set(title="MNIST after 3 epochs, 5 seeds", xlabel="test accuracy", xlim=(0.9885, 0.9935))
axes[0].set(yticks=[0, 1], yticklabels=list(measured), ylim=(-0.6, 1.6), ylabel="written in")
axes[1].set(title="Time", xlabel="CPU seconds an epoch, one thread", xlim=(0, 8))
show(fig, "Both reach .990 to .993; NumPy takes 5.9 to 6.6 seconds an epoch, PyTorch 5.0 to 6.1.")

# %% [markdown]
# No framework, no graphics card: loops turned into matrix products are enough. The dashed line is
# the paper's own figure, an error of .0095 after twenty passes.
#
# With `profile = "full"` the next cells train both once more, print what they reach on your
# computer, and show LeNet-5 at work. (PyTorch is the subject of notebook 08: skim the first cell.)


# %% tags=["demo"]
def in_torch():
    """LeNet-5 as PyTorch writes it."""
    from torch import nn

    pool = [nn.MaxPool2d(2), nn.ReLU()]
    convolutions = [nn.Conv2d(1, 6, 5, padding=2), *pool, nn.Conv2d(6, 16, 5), *pool]
    connected = [nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10)]
    return nn.Sequential(*convolutions, nn.Flatten(), *connected)


def train_in_torch(net, x, y, epochs, lr=0.04, batch=64):
    """The recipe of scratch.train_net: momentum, weight decay, a rate that rises and falls."""
    import torch

    x, y = torch.from_numpy(x), torch.from_numpy(y)
    last = epochs * -(-len(x) // batch)
    weights = {"params": [p for p in net.parameters() if p.ndim > 1], "weight_decay": 1e-3}
    biases = {"params": [p for p in net.parameters() if p.ndim == 1]}
    sgd = torch.optim.SGD([weights, biases], lr=lr, momentum=0.9)
    shape = torch.optim.lr_scheduler.LambdaLR(
        sgd, lambda t: min(10 * t / last, (1 - t / last) / 0.9)
    )
    for _ in range(epochs):
        for rows in torch.randperm(len(x)).split(batch):
            sgd.zero_grad()
            torch.nn.functional.cross_entropy(net(x[rows]), y[rows]).backward()
            sgd.step()
            shape.step()


# %% tags=["demo"]
if profile == "full":
    import torch
    from threadpoolctl import threadpool_limits

    threadpool_limits(1)
    torch.set_num_threads(1)
    (x, y), (new_x, new_y) = data.mnist("train"), data.mnist("test")
    mean, std = x.mean(), x.std()
    x, new_x = (x - mean) / std, (new_x - mean) / std

    rng, start = np.random.default_rng(seed), time.process_time()
    lenet = scratch.lenet5(rng)
    losses = list(scratch.train_net(lenet, x, y, epochs=3, rng=rng))
    took = (time.process_time() - start) / 3
    accuracy = np.mean(lenet.predict(new_x) == new_y)
    print(f"NumPy:   test accuracy {accuracy:.4f}, {took:.1f} CPU seconds an epoch")
    assert accuracy >= 0.988

# %% tags=["demo"]
if profile == "full":
    torch.manual_seed(seed)
    twin, start = in_torch(), time.process_time()
    train_in_torch(twin, x, y, epochs=3)
    took = (time.process_time() - start) / 3
    accuracy = np.mean(twin(torch.from_numpy(new_x)).argmax(dim=1).numpy() == new_y)
    print(f"PyTorch: test accuracy {accuracy:.4f}, {took:.1f} CPU seconds an epoch")

# %% [markdown]
# In the full profile, the maps of LeNet-5 itself, for a digit of 28×28 pixels to draw on:

# %% tags=["demo"]
FeatureMaps(lenet, new_x[:10] * std + mean, new_y[:10], mean, std) if profile == "full" else None

# %% [markdown]
# ## What you can do now
#
# - plan a convolutional net: sizes, strides, padding, and what each layer costs;
# - write convolution and pooling with their gradients, and say what a library does faster;
# - look into a trained net: at its filters, and at any layer's output;
# - say what convolution gives against shifts, and what it does not.
#
# Next: **05 · Sequences**, where a net gets a memory.
#
# **Sources.** LeCun, Bottou, Bengio & Haffner (1998), *Gradient-based learning applied to document
# recognition*. Krizhevsky, Sutskever & Hinton (2012), *ImageNet classification with deep
# convolutional neural networks*. Russakovsky et al. (2015), *ImageNet large scale visual recognition
# challenge*. He, Zhang, Ren & Sun (2016), *Deep residual learning for image recognition*. Dumoulin &
# Visin (2016), *A guide to convolution arithmetic for deep learning*. Chellapilla, Puri & Simard
# (2006), *High performance convolutional neural networks for document processing*.
