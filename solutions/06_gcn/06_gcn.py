# %% [markdown]
# # 06 · Graph networks
#
# **The question.** A picture is a grid and a sentence is a row. Friends, papers that cite each
# other, the atoms of a molecule are neither: they have neighbours, some few, some many, in no
# order. What can a net learn from who is joined to whom?
#
# You will let nodes ask their neighbours, first all alike, then with attention. From the labels of
# two members you will split a karate club; from five labels of each digit you will read nearly all
# the others. Then you answer for whole molecules, and guess links that are missing.
#
# Eight exercises, 24 points.

# %% tags=["parameters"]
profile = "quick"  # "full" trains on the citations of Cora and the molecules of MUTAG as well
seed = 0

# %%
import time

import matplotlib.pyplot as plt
import numpy as np
from scipy import sparse

from pytools import check, data, scratch
from pytools.widgets import STYLE, GraphDiffusion, show

plt.style.use(STYLE)
rng = np.random.default_rng(seed)

# %% [markdown]
# ## 1. Ask the neighbours
#
# A graph of $N$ nodes comes as two matrices:
#
# | symbol | shape | what |
# |---|---|---|
# | $A$ | (N, N) | *adjacency*: $A_{ij} = 1$ where an edge joins $i$ and $j$, else 0 |
# | $X$ | (N, F) | a row of $F$ features for each node |
#
# Our edges have no direction, so $A$ is symmetric, and no node is joined to itself: the diagonal is
# 0. The sum of row $i$ is the *degree* of node $i$, the number of its neighbours.
#
# For two years an anthropologist noted who met whom in a karate club, 34 members and 78
# friendships, until it split in a quarrel between its instructor (node 0) and its officer (node 33)
# (Zachary, 1977). Everybody followed one of the two. Here is $A$, with each member's choice.

# %% tags=["demo"]
adjacency, leader_labels = data.karate_club("train")
others = data.karate_club("test")[1]
sides = np.maximum(leader_labels, others)  # 0: with the instructor, 1: with the officer
adjacency = adjacency.toarray()

fig, ax = plt.subplots(figsize=(4.2, 4.0))
order = np.argsort(sides, kind="stable")
ax.imshow(adjacency[np.ix_(order, order)], cmap="Greys")
ax.axhline(np.sum(sides == 0) - 0.5, color="C3", linewidth=1)
ax.axvline(np.sum(sides == 0) - 0.5, color="C3", linewidth=1)
ax.set(title="The karate club's adjacency", xlabel="member", ylabel="member")
ax.set(xticks=[], yticks=[])
ax.grid(False)
show(fig, "A 34 by 34 matrix, sorted by side: most friendships lie inside the two blocks.")

# %% [markdown]
# Most friendships lie within a side. So who does not know a member can ask the member's friends.
#
# A convolution does that on an image: each pixel looks at its neighbours. But there each neighbour
# has a place of its own, and a weight for it. In a graph neighbours have no order, so all of them
# must be treated alike. The simplest way is to take their *mean*:
#
# $$h'_i = \mathrm{ReLU}\Big( h_i W_\text{self} + \sum_{j \in \mathcal{N}(i)} \frac{1}{c_i}\, h_j
# W_\text{neigh} \Big)$$
#
# $h$ (N, F) are the features, $h'$ (N, F') the new ones, both $W$ are (F, F'), $\mathcal{N}(i)$ are
# the neighbours of $i$ and $c_i$ its degree. All nodes share the two $W$, as all places share a
# filter.
#
# ### Exercise 1 · `neighbour_update` (3 points)
#
# The sum over neighbours is a matrix product with $A$. For a node without neighbours the second
# term is 0 and the first stays: mind the division by its degree.


# %% nbgrader={"grade": false, "grade_id": "gcn-neighbour_update-solution", "locked": false, "schema_version": 3, "solution": true, "task": false}
def neighbour_update(h, adjacency, w_self, w_neigh):
    """Each node's own row, and the mean of its neighbours' rows, through weights and a ReLU.

    h (N, F), adjacency (N, N) of 0 and 1, w_self and w_neigh (F, F'). Returns (N, F').
    """
    ### BEGIN SOLUTION
    degree = adjacency.sum(axis=1, keepdims=True)
    mean = adjacency @ h / np.maximum(degree, 1)
    return np.maximum(h @ w_self + mean @ w_neigh, 0)
    ### END SOLUTION


check("gcn.neighbour_update", neighbour_update)

# %% nbgrader={"grade": true, "grade_id": "gcn-neighbour_update", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
check("gcn.neighbour_update", neighbour_update, points=3, seed=1)
### BEGIN HIDDEN TESTS
check("gcn.neighbour_update", neighbour_update, points=3, seed=9601)
### END HIDDEN TESTS

# %% [markdown]
# The nodes are numbered, but any other numbering is the same graph. So a layer on graphs has to be
# *permutation equivariant*: number the nodes anew, and the result is the same rows, in the new
# order. Does yours hold?

# %% tags=["demo"]
h = rng.standard_normal((34, 5))
w_self, w_neigh = rng.standard_normal((2, 5, 3))
new = rng.permutation(34)
renumbered = neighbour_update(h[new], adjacency[np.ix_(new, new)], w_self, w_neigh)
same = np.allclose(renumbered, neighbour_update(h, adjacency, w_self, w_neigh)[new])
print(f"same rows in the new order: {same}")

# %% [markdown]
# ## 2. One matrix for all neighbours
#
# Kipf & Welling (2017) made the layer simpler still. Give each node a loop, an edge to itself: then
# one weight matrix does for both terms. And let an edge count less where the nodes at its ends have
# many edges:
#
# $$\hat A = \tilde D^{-1/2}\, (A + I)\, \tilde D^{-1/2}, \qquad
# \hat A_{ij} = \frac{(A + I)_{ij}}{\sqrt{d_i\, d_j}}$$
#
# $\tilde D$ is the diagonal matrix of the row sums $d_i = \sum_j (A + I)_{ij}$: the degrees, with
# the loop. So $\tilde D^{-1/2}$ has $1/\sqrt{d_i}$ on its diagonal. Dividing by both roots keeps
# $\hat A$ symmetric, and its eigenvalues lie between -1 and 1: however often you multiply by
# $\hat A$, nothing explodes.
#
# **Mind the memory.** Cora, at the end of this notebook, has 2,708 nodes and 5,278 edges. As an
# array, $A$ has 7 million numbers, of which 99.9 % are 0. `scipy.sparse` keeps the others only, in
# one of several formats (csr, coo, …). It offers much of what arrays do: `+`, `@`, `.T`, `.sum`,
# `.multiply` entry by entry, and `sparse.eye` and `sparse.diags` for diagonal matrices.
#
# ### Exercise 2 · `normalize_adjacency` (4 points)
#
# - Dense in, dense out; sparse in, in whatever format, sparse out, in any format. `sparse.issparse`
#   tells the two apart.
# - The edges may have weights, and these may be integers; $\hat A$ holds fractions.
# - A node without neighbours has its loop, $\hat A_{ii} = 1$.
# - The sum of a sparse matrix along an axis may be an `np.matrix`, which is always 2-D:
#   `np.asarray(…).ravel()` makes a plain row of it.


# %% nbgrader={"grade": false, "grade_id": "gcn-normalize_adjacency-solution", "locked": false, "schema_version": 3, "solution": true, "task": false}
def normalize_adjacency(adjacency):
    """D^-1/2 (A + I) D^-1/2, where D holds the row sums of A + I.

    adjacency (N, N): symmetric, diagonal 0, weights >= 0; an array or a scipy.sparse matrix.
    Returns (N, N) of the same kind, dense or sparse.
    """
    ### BEGIN SOLUTION
    n = adjacency.shape[0]
    if not sparse.issparse(adjacency):
        looped = adjacency + np.eye(n)
        scale = 1 / np.sqrt(looped.sum(axis=1))
        return scale[:, None] * looped * scale
    looped = sparse.csr_matrix(adjacency) + sparse.eye(n, format="csr")
    degree = np.asarray(looped.sum(axis=1)).ravel()
    scale = sparse.diags(1 / np.sqrt(degree))
    return scale @ looped @ scale
    ### END SOLUTION


check("gcn.normalize_adjacency", normalize_adjacency)

# %% nbgrader={"grade": true, "grade_id": "gcn-normalize_adjacency", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
check("gcn.normalize_adjacency", normalize_adjacency, points=4, seed=2)
### BEGIN HIDDEN TESTS
check("gcn.normalize_adjacency", normalize_adjacency, points=4, seed=9602)
### END HIDDEN TESTS

# %% [markdown]
# Now look at what $\hat A$ does by itself. The instructor is blue, the officer red, and both keep
# their colour; nobody else has one. At each layer member $i$ adds up everybody's colours, that of
# $j$ with the weight $\hat A_{ij}$. Step through it. How far has the colour come after one layer,
# after two? Then choose a member under *Edges of*: from whom does it take most?

# %% tags=["demo"]
a_hat = normalize_adjacency(adjacency)
leaders = np.zeros(34)
leaders[[0, 33]] = 1, -1
GraphDiffusion({"Â": a_hat}, leaders, truth=1 - 2 * sides)

# %% [markdown]
# ## 3. The layer and its way back
#
# A *graph convolution* takes the neighbours' features through weights that are learned:
#
# $$Z = \hat A\, X\, W$$
#
# with $\hat A$ (N, N), $X$ (N, F), $W$ (F, F') and $Z$ (N, F'). After one layer a node knows of its
# neighbours, after two also of their neighbours.
#
# ### Exercise 3 · `gcn_forward` (2 points)
#
# No activation: that comes after. `a_hat` is dense or sparse: `@` takes both, `np.dot` and
# `np.einsum` do not. It need not be symmetric: think of edges with a direction. Inputs may be
# float32. Return the result and a *cache* of your choice for the way back.


# %% nbgrader={"grade": false, "grade_id": "gcn-gcn_forward-solution", "locked": false, "schema_version": 3, "solution": true, "task": false}
def gcn_forward(a_hat, x, w):
    """A graph convolution without activation.

    a_hat (N, N) dense or sparse, x (N, F), w (F, F'). Returns out (N, F') and a cache.
    """
    ### BEGIN SOLUTION
    return a_hat @ (x @ w), (a_hat, x, w)
    ### END SOLUTION


check("gcn.gcn_forward", gcn_forward)

# %% nbgrader={"grade": true, "grade_id": "gcn-gcn_forward", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
check("gcn.gcn_forward", gcn_forward, points=2, seed=3)
### BEGIN HIDDEN TESTS
check("gcn.gcn_forward", gcn_forward, points=2, seed=9603)
### END HIDDEN TESTS

# %% [markdown]
# (In which order do you multiply? $\hat A (X W)$ sends F' numbers along each edge, $(\hat A X) W$
# sends F. Cora has 1433 words and the layer 16 units: that is 90 times as much.)
#
# For the way back, name the product inside: $M = X W$, so that $Z = \hat A M$. You know the gradient
# of a matrix product from notebook 01, and here it comes twice. Node $j$ fed node $i$ with the
# weight $\hat A_{ij}$, so the gradient of $i$ returns to $j$ with that same weight.
#
# ### Exercise 4 · `gcn_backward` (4 points)
#
# $\hat A$ is given, not learned: it needs no gradient. The check takes your two functions as a pair,
# and lets another call of forward come between them.


# %% nbgrader={"grade": false, "grade_id": "gcn-gcn_backward-solution", "locked": false, "schema_version": 3, "solution": true, "task": false}
def gcn_backward(grad, cache):
    """The gradients of gcn_forward.

    grad (N, F'): the gradient for out; cache: what gcn_forward returned.
    Returns grad_x, grad_w, in the shapes of x and w.
    """
    ### BEGIN SOLUTION
    a_hat, x, w = cache
    arrived = a_hat.T @ grad  # the gradient of x @ w
    return arrived @ w.T, x.T @ arrived
    ### END SOLUTION


check("gcn.gcn_backward", (gcn_forward, gcn_backward))

# %% nbgrader={"grade": true, "grade_id": "gcn-gcn_backward", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
check("gcn.gcn_backward", (gcn_forward, gcn_backward), points=4, seed=4)
### BEGIN HIDDEN TESTS
check("gcn.gcn_backward", (gcn_forward, gcn_backward), points=4, seed=9604)
### END HIDDEN TESTS

# %% [markdown]
# ## 4. Two labels, thirty-four members
#
# With pictures, the training set and the test set are two sets. Here there is one graph, and all of
# it takes part in training: the features and the edges of every node are used. Only the labels are
# split. A *mask* says whose label may be used. This is called semi-supervised learning.
#
# The loss is the softmax cross-entropy of notebook 02, its mean taken over the nodes in the mask
# alone:
#
# $$L = -\frac{1}{|M|} \sum_{n \in M} \log p_{n\, y_n}, \qquad
# \frac{\partial L}{\partial s_{nc}} = \frac{p_{nc} - [c = y_n]}{|M|} \ \text{ for } n \in M,
# \text{ else } 0$$
#
# $M$ are the nodes in the mask and $|M|$ their number, $s$ (N, C) the logits, $p$ their softmax,
# $y_n$ the label, and $[c = y_n]$ is 1 for the right class, else 0.
#
# ### Exercise 5 · `masked_cross_entropy` (3 points)
#
# Labels outside the mask are often $-1$: not known. But others are known and still outside: go by
# the mask. Logits may be as large as ±10000, so take each row's own largest off first, and get
# $\log p$ without $p$, as in notebook 02. (A small number added inside the logarithm would make it
# finite, and wrong.)


# %% nbgrader={"grade": false, "grade_id": "gcn-masked_cross_entropy-solution", "locked": false, "schema_version": 3, "solution": true, "task": false}
def masked_cross_entropy(logits, labels, mask):
    """Softmax cross-entropy, mean over the nodes in the mask, and its gradient for the logits.

    logits (N, C), labels (N,) integers (outside the mask perhaps -1), mask (N,) booleans.
    Returns loss (a number), grad (N, C).
    """
    ### BEGIN SOLUTION
    rows, right, count = logits[mask], labels[mask], np.sum(mask)
    shifted = rows - rows.max(axis=1, keepdims=True)
    log_probs = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    loss = -log_probs[np.arange(count), right].mean()
    inside = np.exp(log_probs)
    inside[np.arange(count), right] -= 1
    grad = np.zeros_like(logits)
    grad[mask] = inside / count
    return loss, grad
    ### END SOLUTION


check("gcn.masked_cross_entropy", masked_cross_entropy)

# %% nbgrader={"grade": true, "grade_id": "gcn-masked_cross_entropy", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
check("gcn.masked_cross_entropy", masked_cross_entropy, points=3, seed=5)
### BEGIN HIDDEN TESTS
check("gcn.masked_cross_entropy", masked_cross_entropy, points=3, seed=9605)
### END HIDDEN TESTS

# %% [markdown]
# Now put two of your layers on each other, with a ReLU between them.


# %% tags=["demo"]
def two_layers(a_hat, x, w1, w2):
    """Logits of a net of two graph convolutions, and what its way back needs."""
    hidden, first = gcn_forward(a_hat, x, w1)
    logits, second = gcn_forward(a_hat, np.maximum(hidden, 0), w2)
    return logits, (first, hidden, second)


def two_layers_backward(grad, caches):
    first, hidden, second = caches
    grad, grad_w2 = gcn_backward(grad, second)
    _, grad_w1 = gcn_backward(grad * (hidden > 0), first)
    return grad_w1, grad_w2


# %% [markdown]
# On the club nobody has features, so each member gets one that no one else has: $X = I$, the
# identity. Two labels are known, those of the leaders. Every epoch is one step on the whole graph.


# %% tags=["demo"]
def split_club(seed, epochs=100):
    """The loss of each epoch, and the side that the net gives each member in the end."""
    rng = np.random.default_rng(seed)
    weights = [0.2 * rng.standard_normal(shape) for shape in [(34, 16), (16, 2)]]
    states, losses = [{}, {}], []
    for _ in range(epochs):
        logits, caches = two_layers(a_hat, np.eye(34), *weights)
        loss, grad = masked_cross_entropy(logits, leader_labels, leader_labels >= 0)
        losses.append(loss)
        for k, grad_w in enumerate(two_layers_backward(grad, caches)):
            weights[k], states[k] = scratch.adam(weights[k], grad_w, states[k], lr=0.02)
    return losses, two_layers(a_hat, np.eye(34), *weights)[0].argmax(axis=1)


# %% tags=["demo", "nbval-ignore-output"]
wrong = []
for s in range(seed, seed + 5):
    losses, found = split_club(s)
    wrong.append(np.flatnonzero(found != sides))
    print(f"seed {s}: loss {losses[0]:.2f} to {losses[-1]:.3f}, wrong: {wrong[-1].tolist()}")
assert max(len(members) for members in wrong) <= 2

# %% [markdown]
# From two labels! The member that it gets wrong, number 8, had friends on both sides. Zachary writes
# that he leaned to the officer, but was three weeks from his black belt, for which he needed the
# instructor. That is in no matrix.
#
# ## 5. Five labels a digit
#
# The digits of notebook 01 are no graph, so we make one: join each of the 1,797 to the 10 whose
# pixels are nearest to its own. Then tell 5 labels of each digit, 50 in all, and ask for the other
# 1,747.
#
# Three kinds of contestants know the same labels:
#
# - a **graph net**: three graph convolutions, the pixels as features;
# - a **plain net** without the graph, $\hat A = I$: once the same net, and once the best that we
#   found, with one hidden layer of 64 units and no dropout;
# - **label spreading** (Zhou et al., 2004), which has no weights at all: labels move along the edges
#   as the colours did above. Once as scikit-learn does it by default, on a graph of its own, and
#   once on our graph.
#
# `scratch.train_gcn` is the loop from above with two additions:
#
# - *dropout* sets half of a layer's inputs to 0 in training, drawn anew in each epoch, and doubles
#   the rest, so that their sum stays about the same;
# - *weight decay* pulls the first layer's weights to 0.
#
# Both keep a net from learning its few labels by heart. Here they hardly matter, but on the papers
# of section 9 they turn an accuracy of .787 into one of .817.


# %% tags=["demo"]
def few_labels(labels, each, rng):
    """Labels of `each` nodes of each class, drawn at random; -1 elsewhere."""
    known = np.full(len(labels), -1)
    for c in np.unique(labels):
        chosen = rng.choice(np.flatnonzero(labels == c), each, replace=False)
        known[chosen] = c
    return known


# %% [markdown]
# Two ways to guess the other labels. The graph comes in as `a_hat`; plain nets get the identity.


# %% tags=["demo"]
def by_net(a_hat, pixels, known, seed, sizes=(64, 32, 32, 10), dropout=0.5):
    """The label that a net, trained on the known ones, gives each node."""
    rng = np.random.default_rng(seed)
    net = scratch.Gcn(list(sizes), rng, dropout)
    for _ in scratch.train_gcn(net, a_hat, pixels, known, known >= 0, epochs=200, rng=rng):
        pass
    return net.logits(a_hat, pixels).argmax(axis=1)


def by_spreading(a_hat, known, stay=0.1, steps=60):
    """Each node: 0.9 of its neighbours' scores, 0.1 of its own label where it has one."""
    own = np.eye(known.max() + 1)[known] * (known >= 0)[:, None]
    scores = own
    for _ in range(steps):
        scores = (1 - stay) * (a_hat @ scores) + stay * own
    return scores.argmax(axis=1)


# %% tags=["demo"]
from sklearn.semi_supervised import LabelSpreading

graph, pixels, digits = data.digits_graph("all")
digits_hat = normalize_adjacency(graph).astype(np.float32)
alone = sparse.eye(len(digits), dtype=np.float32, format="csr")
names = ["graph net", "plain net, the same", "plain net, the best"]
table = {name: [] for name in [*names, "spreading, scikit-learn", "spreading, our graph"]}
for s in range(5 * seed, 5 * seed + 5):
    known = few_labels(digits, 5, np.random.default_rng(s))
    library = LabelSpreading(kernel="knn", n_neighbors=10).fit(pixels, known)
    guesses = [by_net(a_hat, pixels, known, s) for a_hat in (digits_hat, alone)]
    guesses.append(by_net(alone, pixels, known, s, (64, 64, 10), 0.0))
    guesses += [library.transduction_, by_spreading(digits_hat, known)]
    for row, guess in zip(table.values(), guesses, strict=True):
        row.append(np.mean(guess[known < 0] == digits[known < 0]))

# %% tags=["demo", "nbval-ignore-output"]
print(f"{'':26}{'mean':>6}{'spread':>8}   {'each of the five draws of labels'}")
for name, row in table.items():
    draws = "  ".join(f"{accuracy:.3f}" for accuracy in row)
    print(f"{name:26}{np.mean(row):6.3f}{np.std(row, ddof=1):8.3f}   {draws}")
graph_net, same_net, best_net = (np.mean(table[name]) for name in names)
print(f"ahead by {graph_net - same_net:.3f} of the same, by {graph_net - best_net:.3f} of the best")
assert graph_net >= 0.91 and graph_net - same_net >= 0.06 and graph_net - best_net >= 0.04

# %% [markdown]
# (*spread* is the standard deviation over the five draws.) The graph cuts the errors of the best
# plain net in half. But be fair to the one that learns nothing: spreading labels on our graph is
# better still. The edges were made *from* the pixels, so the pixels have little to add. Where
# features and edges know different things, as words and citations do, learning pays: see section 9.
#
# ## 6. Attention
#
# $\hat A$ was fixed before training: who matters to whom was decided by degrees alone. A node might
# rather choose. *Graph attention* (Veličković et al., 2018) computes a score for each edge from the
# two nodes at its ends, and shares out each node's attention by a softmax over its neighbours *and
# itself*:
#
# $$e_{ij} = \mathrm{LeakyReLU}\big(a^\top [W h_i \,\|\, W h_j]\big), \qquad
# \alpha_{ij} = \frac{\exp e_{ij}}{\sum_{k \in \mathcal{N}(i) \cup \{i\}} \exp e_{ik}}$$
#
# | symbol | shape | what |
# |---|---|---|
# | $h$ | (N, F) | features; $W h_i$ is row $i$ of `h @ w` |
# | $w$ | (F, F') | weights |
# | $a$ | (2F',) | its first half meets the node that asks, $i$, its second half the neighbour, $j$ |
# | $\alpha$ | (N, N) | attention: rows sum to 1, and it is 0 where no edge is |
#
# $[u \,\|\, v]$ is $v$ put behind $u$. LeakyReLU leaves a number above 0 as it is and multiplies
# one below 0 by `slope` (in notebook 02 that was .01).
#
# ### Exercise 6 · `gat_attention` (4 points)
#
# An edge is where the adjacency is not 0; how heavy it is does not matter. Since
# $a^\top[u \| v] = a_\text{first}^\top u + a_\text{second}^\top v$, you need no loop over pairs:
# one number a node for asking, as a column, plus one for being asked, as a row. The scores may
# reach ±10000 once more: whose largest do you take off?


# %% nbgrader={"grade": false, "grade_id": "gcn-gat_attention-solution", "locked": false, "schema_version": 3, "solution": true, "task": false}
def gat_attention(h, adjacency, w, a, slope=0.2):
    """How much attention node i (row) gives to node j (column).

    h (N, F), adjacency (N, N) >= 0, w (F, F'), a (2F',). Returns alpha (N, N).
    """
    ### BEGIN SOLUTION
    z = h @ w
    asks, answers = z @ a[: z.shape[1]], z @ a[z.shape[1] :]
    scores = asks[:, None] + answers
    scores = np.where(scores > 0, scores, slope * scores)
    near = (adjacency > 0) | np.eye(len(h), dtype=bool)
    scores = np.where(near, scores, -np.inf)
    exps = np.exp(scores - scores.max(axis=1, keepdims=True))
    return exps / exps.sum(axis=1, keepdims=True)
    ### END SOLUTION


check("gcn.gat_attention", gat_attention)

# %% nbgrader={"grade": true, "grade_id": "gcn-gat_attention", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
check("gcn.gat_attention", gat_attention, points=4, seed=6)
### BEGIN HIDDEN TESTS
check("gcn.gat_attention", gat_attention, points=4, seed=9606)
### END HIDDEN TESTS

# %% [markdown]
# A layer then is $\alpha\, (h W)$. One opinion on who matters is often too few: a layer has several
# *heads*, each with its own $w$ and $a$. Inside a net their results are put side by side; at its
# end, where one number a class is wanted, they are averaged.

# %% tags=["demo"]
heads = [(rng.standard_normal((5, 4)), rng.standard_normal(8)) for _ in range(3)]
outs = [gat_attention(h, adjacency, w, a) @ (h @ w) for w, a in heads]
print("each head:   ", outs[0].shape)
print("side by side:", np.concatenate(outs, axis=1).shape)
print("averaged:    ", np.mean(outs, axis=0).shape)

# %% [markdown]
# What does attention learn? To see it, train one head and a layer of weights behind it on the club,
# this time with all 34 labels known. The gradient through softmax and LeakyReLU is in
# `pytools/scratch/gat.py`: nothing in it that you have not met.


# %% tags=["demo"]
def learn_attention(labels, rng, epochs=300):
    """w and a of an attention head that tells the sides apart."""
    everyone, x = np.ones(len(labels), dtype=bool), np.eye(len(labels))
    weights = [0.3 * rng.standard_normal(shape) for shape in [(34, 8), 16, (8, 2)]]
    states = [{}, {}, {}]
    for _ in range(epochs):
        hidden, cache = scratch.gat_forward(x, adjacency, *weights[:2])
        active = np.maximum(hidden, 0)
        _, grad = masked_cross_entropy(active @ weights[2], labels, everyone)
        back = (grad @ weights[2].T) * (hidden > 0)
        grads = [*scratch.gat_backward(back, cache)[1:], active.T @ grad]
        for k, grad_w in enumerate(grads):
            weights[k], states[k] = scratch.adam(weights[k], grad_w, states[k], lr=0.02)
    return weights[:2]


# %% tags=["demo", "nbval-ignore-output"]
alpha = gat_attention(np.eye(34), adjacency, *learn_attention(sides, rng))
friends = adjacency > 0
within = alpha[friends & (sides[:, None] == sides)].mean()
across = alpha[friends & (sides[:, None] != sides)].mean()
print(f"mean attention to a friend of the same side: {within:.2f}, of the other side: {across:.2f}")
assert within > across

# %% [markdown]
# Nobody told it to listen to friends on one's own side. Compare the edges: step through the layers,
# then choose a member with friends on both sides, such as 2, 8 or 30. (The colours need not be more
# right than those of $\hat A$: attention was trained to tell the sides, not to pass colours on.)

# %% tags=["demo", "nbval-ignore-output"]
GraphDiffusion({"Â": a_hat, "attention": alpha}, leaders, truth=1 - 2 * sides)

# %% [markdown]
# ## 7. One answer for a whole graph
#
# Is this molecule poisonous? That is a question to a graph, not to a node. Let all nodes go through
# the layers, add up their rows $Z_n$, and take the softmax of the sum:
#
# $$p = \mathrm{softmax}\Big(\sum_n Z_n\Big)$$
#
# Many small graphs make one large one that falls into parts: their adjacencies stand along the
# diagonal of one matrix, their features below each other, and `graph_ids` says whose each row is.
# No edge leads from one part to another, so the layers keep them apart.

# %% tags=["demo"]
ring, path, star = np.zeros((5, 5)), np.zeros((4, 4)), np.zeros((6, 6))
ring[np.arange(5), (np.arange(5) + 1) % 5] = 1
path[np.arange(3), np.arange(1, 4)] = 1
star[0, 1:] = 1
parts = [part + part.T for part in (ring, path, star)]
graph_ids = np.repeat(np.arange(3), [len(part) for part in parts])

fig, ax = plt.subplots(figsize=(3.6, 3.4))
ax.imshow(sparse.block_diag(parts).toarray(), cmap="Greys")
ax.set_title("Three graphs in one matrix")
ax.set_xticks(range(15), graph_ids, fontsize=8)
ax.set_yticks(range(15), graph_ids, fontsize=8)
ax.set(xlabel="graph of the node", ylabel="graph of the node")
ax.grid(False)
show(fig, "Three blocks along the diagonal: a ring of 5, a path of 4, a star of 6 nodes.")

# %% [markdown]
# ### Exercise 7 · `graph_readout` (2 points)
#
# Sum the rows of each graph. The ids come in any order, and some may be missing: there are as many
# graphs as the largest id plus 1, and one without nodes has a row of zeros.


# %% nbgrader={"grade": false, "grade_id": "gcn-graph_readout-solution", "locked": false, "schema_version": 3, "solution": true, "task": false}
def graph_readout(z, graph_ids):
    """The sum of the rows of each graph.

    z (N, F), graph_ids (N,) integers >= 0. Returns (G, F), G = graph_ids.max() + 1.
    """
    ### BEGIN SOLUTION
    sums = np.zeros((graph_ids.max() + 1, z.shape[1]))
    np.add.at(sums, graph_ids, z)  # sums[graph_ids] += z would add one node a graph only
    return sums
    ### END SOLUTION


check("gcn.graph_readout", graph_readout)

# %% nbgrader={"grade": true, "grade_id": "gcn-graph_readout", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
check("gcn.graph_readout", graph_readout, points=2, seed=7)
### BEGIN HIDDEN TESTS
check("gcn.graph_readout", graph_readout, points=2, seed=9607)
### END HIDDEN TESTS

# %% [markdown]
# ## 8. Which links are missing?
#
# The other way round: from features of nodes to edges. A *graph auto-encoder* (Kipf & Welling, 2016)
# sends the nodes through graph convolutions to a few numbers each, $z_i$, and asks that the product
# of two of them be large where the nodes are joined:
#
# $$p(A_{ij} = 1) = \sigma(z_i^\top z_j), \qquad \sigma(s) = \frac{1}{1 + e^{-s}}$$
#
# ### Exercise 8 · `link_probability` (2 points)
#
# For all pairs at once, $i = j$ as well. The products may reach ±10000; no entry may be NaN.


# %% nbgrader={"grade": false, "grade_id": "gcn-link_probability-solution", "locked": false, "schema_version": 3, "solution": true, "task": false}
def link_probability(z):
    """The probability of an edge between each two nodes. z (N, F). Returns (N, N)."""
    ### BEGIN SOLUTION
    return 0.5 * (1 + np.tanh(0.5 * z @ z.T))  # the sigmoid, without an exp that overflows
    ### END SOLUTION


check("gcn.link_probability", link_probability)

# %% nbgrader={"grade": true, "grade_id": "gcn-link_probability", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
check("gcn.link_probability", link_probability, points=2, seed=8)
### BEGIN HIDDEN TESTS
check("gcn.link_probability", link_probability, points=2, seed=9608)
### END HIDDEN TESTS

# %% [markdown]
# Does it work? Take 400 digits with their edges and hide a tenth of these. The net will see the
# others, and the pixels.


# %% tags=["demo"]
def hide_edges(adjacency, share, rng):
    """The adjacency without a share of its edges, and the ends of those."""
    rows, columns = np.nonzero(np.triu(adjacency))
    hidden = rng.permutation(len(rows))[: int(share * len(rows))]
    kept = adjacency.copy()
    kept[rows[hidden], columns[hidden]] = kept[columns[hidden], rows[hidden]] = 0
    return kept, (rows[hidden], columns[hidden])


# %% [markdown]
# The loss is the cross-entropy of each pair, joined or not. Only few pairs are joined, so these get
# a larger weight: together they count as much as all the others. As with softmax, the gradient for
# the product of a pair is the probability less the truth: $G = p - A$ (N, N), times the weights.
# The gradient for $z$ is then $(G + G^\top)\, z$, since $z_i$ stands in row $i$ and in column $i$.


# %% tags=["demo"]
def train_links(adjacency, x, rng, epochs=150):
    """The probability of an edge for all pairs, from a graph auto-encoder."""
    a_hat = normalize_adjacency(adjacency)
    target = adjacency + np.eye(len(x))  # a node is its own neighbour
    joined = target.mean()
    weights = [0.1 * rng.standard_normal(shape) for shape in [(x.shape[1], 32), (32, 16)]]
    states = [{}, {}]
    for _ in range(epochs):
        z, caches = two_layers(a_hat, x, *weights)
        g = (link_probability(z) - target) * np.where(target > 0, 0.5 / joined, 0.5 / (1 - joined))
        for k, grad_w in enumerate(two_layers_backward((g + g.T) @ z / len(x) ** 2, caches)):
            weights[k], states[k] = scratch.adam(weights[k], grad_w, states[k], lr=0.01)
    return link_probability(two_layers(a_hat, x, *weights)[0])


# %% [markdown]
# Does it rank a hidden edge above a pair that was never joined? The share of such comparisons that
# it gets right is the *AUC*: 0.5 is guessing.

# %% tags=["demo", "nbval-ignore-output"]
some = rng.permutation(len(digits))[:400]
small = graph[some][:, some].toarray()
kept, hidden = hide_edges(small, 0.1, rng)
p = train_links(kept, pixels[some].astype(float), rng)
strangers = np.nonzero(np.triu(small == 0, 1))
auc = np.mean(p[hidden][:, None] > p[strangers])
print(f"AUC for {len(hidden[0])} hidden edges: {auc:.3f}")
assert auc >= 0.85

fig, ax = plt.subplots(figsize=(6.4, 3.0))
for ends, name in [(hidden, "hidden edges"), (strangers, "pairs without an edge")]:
    ax.hist(p[ends], bins=40, range=(0, 1), density=True, alpha=0.6, label=name)
ax.set(title="What the net gives pairs that it was not told of", xlabel="p(edge)", ylabel="density")
ax.legend()
show(fig, "Hidden edges get high probabilities, pairs without an edge mostly low ones.")

# %% [markdown]
# ## 9. Papers and molecules
#
# **Cora**: 2,708 papers on machine learning with 5,278 citations. The features say which of 1,433
# words a paper contains, the label is one of 7 fields. 20 labels a field are known; 1,000 papers
# are the test (Sen et al., 2008; split of Yang, Cohen & Salakhutdinov, 2016). Two nets of two
# layers:
#
# - as in Kipf & Welling (2017): 16 hidden units, Adam at rate .01, weight decay 5e-4, dropout .5,
#   200 epochs, the words of a paper scaled to the sum 1;
# - a larger one, with 64 units, dropout .8, 300 epochs. These were chosen by the accuracy on 500
#   papers that are neither in training nor in the test.
#
# | Cora, test accuracy | seeds 0 to 4 | seeds 0 to 19 | CPU seconds a run |
# |---|---|---|---|
# | 16 units, Kipf & Welling's settings | .8166 ± .0024 | .8151 ± .0055 | 0.3 |
# | 64 units | .8172 ± .0076 | .8233 ± .0071 | 1.3 |
# | label spreading on the citations | .710 | | |
# | Kipf & Welling (2017), table 2 | .815 | | |
#
# (± is the standard deviation over the seeds. Of five runs the mean may well be off by half a
# percent: mind that when you read that one net beats another.)
#
# **MUTAG**: 188 molecules; do they make bacteria mutate? 125 do (Debnath et al., 1991). The net has
# two hidden layers of 64 units and a readout, and takes 300 steps. It is tested by
# cross-validation, as in notebook 02: each tenth of the molecules by a net that learned from the
# other nine, and all this for five random divisions into tenths. Nothing is chosen by the test.
#
# The features are the kinds of the atoms. $\hat A$ divides by the degrees, so the net can hardly
# count an atom's bonds. Give it their number as another feature, and it gets far better:
#
# | MUTAG, 5 × 10 tenths, seeds 0 to 4 | accuracy ± standard deviation over the tenths |
# |---|---|
# | atoms | .761 ± .077 |
# | atoms and their number of bonds | .874 ± .068 |
# | the more common answer, always | .665 |
# | a published GCN (Xu et al., 2019, table 1) | .856 ± .058 |
#
# (The published one has five layers, brings the numbers between them to mean 0 and variance 1
# (*batch normalisation*), and reads out all of them. Its number of steps was chosen by the mean
# accuracy on the same ten parts, which flatters it.) All of ours was measured on one thread of a
# server's processor, on 21 November 2026.
#
# With `profile = "full"` the next cells compute both tables.


# %% tags=["demo"]
def on_cora(hidden, dropout, epochs, seed):
    """Test accuracy on Cora, and CPU seconds of the run."""
    citations, words, known = data.cora("train")
    test = data.cora("test")[2]
    start = time.process_time()
    a_hat = normalize_adjacency(citations).astype(np.float32)
    words = sparse.csr_matrix(words / words.sum(axis=1)[:, None], dtype=np.float32)
    own = np.random.default_rng(seed)
    net = scratch.Gcn([words.shape[1], hidden, 7], own, dropout)
    for _ in scratch.train_gcn(net, a_hat, words, known, known >= 0, epochs, own):
        pass
    took = time.process_time() - start
    return np.mean(net.logits(a_hat, words).argmax(axis=1)[test >= 0] == test[test >= 0]), took


# %% tags=["demo"]
if profile == "full":
    for settings in [(16, 0.5, 200), (64, 0.8, 300)]:
        accuracies, seconds = np.transpose([on_cora(*settings, seed + k) for k in range(20)])
        print(f"{settings}: {np.median(seconds):.2f} CPU seconds a run")
        for count in (5, 20):
            few = accuracies[:count]
            print(f"  {count:2} seeds: {few.mean():.4f} ± {few.std(ddof=1):.4f}", np.round(few, 3))
        assert accuracies[:5].mean() >= 0.81 and np.median(seconds) <= 2
    citations, _, known = data.cora("train")
    test = data.cora("test")[2]
    guess = by_spreading(normalize_adjacency(citations), known)
    print(f"label spreading: {np.mean(guess[test >= 0] == test[test >= 0]):.4f}")


# %% tags=["demo"]
def on_mutag(molecules, features, graph_ids, labels, seed):
    """Accuracy on each tenth of the molecules, after training on the other nine."""
    from sklearn.model_selection import StratifiedKFold

    tenths = StratifiedKFold(10, shuffle=True, random_state=seed).split(labels, labels)
    accuracies = []
    for number, (train, test) in enumerate(tenths):
        own = np.random.default_rng([seed, number])
        net = scratch.Gcn([features.shape[1], 64, 64, 2], own, dropout=0)
        known = np.full(len(labels), -1)
        known[train] = labels[train]
        settings = {"epochs": 300, "rng": own, "lr": 0.005, "graph_ids": graph_ids}
        for _ in scratch.train_gcn(net, molecules, features, known, known >= 0, **settings):
            pass
        guess = net.logits(molecules, features, graph_ids).argmax(axis=1)
        accuracies.append(np.mean(guess[test] == labels[test]))
    return accuracies


# %% tags=["demo"]
if profile == "full":
    bonds, atoms, molecule_of, mutagenic = data.mutag("all")
    molecules = normalize_adjacency(bonds).astype(np.float32)
    degrees = np.asarray(bonds.sum(axis=1)).astype(int)
    counted = np.hstack([atoms, np.eye(degrees.max() + 1, dtype=np.float32)[degrees]])
    for name, features in {"atoms": atoms, "atoms and bonds": counted}.items():
        runs = [
            on_mutag(molecules, features, molecule_of, mutagenic, s) for s in range(seed, seed + 5)
        ]
        print(f"{name:16}{np.mean(runs):.3f} ± {np.std(runs, ddof=1):.3f}")
        print("     mean of each division:", np.round(np.mean(runs, axis=1), 3))

# %% [markdown]
# ## What you can do now
#
# - write a graph as two matrices, also a large one, and many small ones as one;
# - build a graph convolution with its gradients, and attention over neighbours;
# - learn from few labels where it is known who is joined to whom, and compare with what needs no
#   learning;
# - answer for nodes, for whole graphs, and for links.
#
# Next: **07 · Autoencoders and RBMs**, which learn without any label.
#
# **Sources.** Zachary (1977), *An information flow model for conflict and fission in small groups*.
# Debnath et al. (1991), *Structure-activity relationship of mutagenic aromatic and heteroaromatic
# nitro compounds*. Zhou, Bousquet, Lal, Weston & Schölkopf (2004), *Learning with local and global
# consistency*. Sen et al. (2008), *Collective classification in network data*. Kipf & Welling (2016),
# *Variational graph auto-encoders*. Yang, Cohen & Salakhutdinov (2016), *Revisiting semi-supervised
# learning with graph embeddings*. Kipf & Welling (2017), *Semi-supervised classification with graph
# convolutional networks*. Hamilton, Ying & Leskovec (2017), *Inductive representation learning on
# large graphs*. Veličković et al. (2018), *Graph attention networks*. Xu, Hu, Leskovec & Jegelka
# (2019), *How powerful are graph neural networks?*
