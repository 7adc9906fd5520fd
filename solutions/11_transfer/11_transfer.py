# %% [markdown]
# # 11 · Transfer
#
# **The question.** You have a hundred labelled pictures, not a million. A net that saw a million,
# of other things, can be had for nothing. What is it worth to you?
#
# You will take features off a trained net's shelf, choose a classifier for them, write what was
# best before such nets, visual words, and measure how far labels go with each. Then you will train
# the net itself a little further, each layer at its own rate.
#
# Four exercises, 14 points.

# %% tags=["parameters"]
profile = "quick"  # "full" repeats the study on CIFAR-10: some minutes, and the data set
seed = 0

# %%
import copy

import matplotlib.pyplot as plt
import numpy as np
import torch
from sklearn.base import clone
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier
from torch import nn

from pytools import check, data, models, widgets
from pytools.widgets import STYLE, Study, budget_slider, draw_pictures, show

plt.style.use(STYLE)
rng = np.random.default_rng(seed)

# %% [markdown]
# ## 1. Ten materials
#
# scikit-image and scikit-learn bring some photos along. From ten of them we cut squares of 64×64
# pixels, and ask: which material is this? So that the question is an honest one:
#
# - to train on we cut from the left half of a photo, to test from the right half: no pixel is in both;
# - all squares are grey, have the same mean and contrast, and are turned by a random quarter. No
#   colour, no brightness and no direction gives a material away.
#
# One photo a material is not much: a test on other photos of grass would be harder. But all rivals
# below sit the same test.

# %% tags=["demo"]
MATERIALS = (
    "brick",
    "grass",
    "gravel",
    "moon",
    "coins",
    "fur",
    "tissue",
    "stars",
    "print",
    "lakeside",
)
train_x, train_y = data.patches("train")
test_x, test_y = data.patches("test")
print("train", train_x.shape, " test", test_x.shape)

fig, axes = plt.subplots(1, 2, figsize=(4.6, 5.2))
for ax, x, y, name in zip(
    axes, (train_x, test_x), (train_y, test_y), ("train", "test"), strict=True
):
    rows = np.concatenate([np.flatnonzero(y == k)[:4] for k in range(10)])
    draw_pictures(ax, x[rows, 0, ::2, ::2], columns=4, title=name, cmap="gray")
for k, name in enumerate(MATERIALS):
    axes[0].text(-4, 33 * k + 16, name, ha="right", va="center", fontsize=10)
show(fig, "Four training and four test patches of each of ten materials, from brick to lakeside.")

# %% [markdown]
# ## 2. Features off the shelf
#
# EfficientNet-Lite0 (Tan & Le, 2019; the Lite kind is made for phones) learned ImageNet: 1.28 million photos in 1000 classes (Deng et al.,
# 2009). Its weights lie in a package of 19 MB; no network is needed. Most of the classes are animals
# and things. Neither gravel nor tissue is among them.

# %% tags=["demo"]
net = models.efficientnet_lite0(side=96)  # photos are resized to 96×96: quicker than its own 224
for name, layer in net.named_children():
    print(f"{name:11} {sum(p.numel() for p in layer.parameters()):>9,} parameters")
logits = net(torch.tensor(test_x[:1]))
print("one patch:", tuple(test_x[:1].shape), "->", tuple(logits.shape))

# %% [markdown]
# Its last layer speaks of ImageNet's classes: of no use here. But all that comes before it has
# learned to *see*. So cut the last layer off, and take what went into it for a description of the
# picture: 1280 numbers, its *features* (Donahue et al., 2014; Razavian et al., 2014).
#
# ### Exercise 1 · `extract_features` (4 points)
#
# What does a layer make of each image? A layer that puts out feature maps (N, C, H, W) has a number
# for each place. Average over the places, so that a row does not depend on where a thing lies: (N, C).
#
# You know the tools: hooks, `no_grad`, and evaluation mode, `model.eval()`: dropout then lets all
# through, and batch normalisation uses the means that it kept in training, instead of taking the
# batch's and changing its own. `model.training` says in which mode a model is. Leave it as you found
# it: its mode, its weights, its hooks. Many images at once do not fit into memory, so let them go
# through in batches of 32, say: `images.split(32)`.


# %% nbgrader={"grade": false, "grade_id": "transfer-extract_features-solution", "locked": false, "schema_version": 3, "solution": true, "task": false}
def extract_features(model, images, layer):
    """What a layer makes of each image, a tensor (N, D).

    model: an nn.Module; images (N, ...): a tensor, as the model takes it; layer: a name as in
    model.named_modules(). The layer's output is (N, D), or (N, C, H, W), which is averaged over
    its places to (N, C). The model runs in evaluation mode, in batches, without a tape; then it
    is in the mode that it was in, and holds no hook of ours. The result is detached.
    """
    ### BEGIN SOLUTION
    kept = []

    def keep(module, inputs, output):
        kept.append(output.mean(dim=(2, 3)) if output.ndim == 4 else output)

    was_training = model.training
    handle = model.get_submodule(layer).register_forward_hook(keep)
    model.eval()
    try:
        with torch.no_grad():  # nobody goes backwards from here
            for batch in images.split(32):
                model(batch)
    finally:
        handle.remove()
        model.train(was_training)
    return torch.cat(kept)
    ### END SOLUTION


check("transfer.extract_features", extract_features)

# %% nbgrader={"grade": true, "grade_id": "transfer-extract_features", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
check("transfer.extract_features", extract_features, points=4, seed=1)
### BEGIN HIDDEN TESTS
check("transfer.extract_features", extract_features, points=4, seed=9111)
### END HIDDEN TESTS

# %% [markdown]
# The net does not change, so that the features of an image need to be computed only once.
# `models.cached_features` does what you wrote and keeps the result in a file; at the next start of
# this notebook it is there at once. Does it agree with yours?

# %% tags=["demo"]
train_f = models.cached_features(net, train_x, "pool")
test_f = models.cached_features(net, test_x, "pool")
mine = np.asarray(extract_features(net, torch.tensor(test_x[:4]), "pool"))
print("features", train_f.shape, " as yours:", np.allclose(mine, test_f[:4], atol=1e-3))

# %% [markdown]
# Look before you classify. Here are some test patches, each with its four nearest training patches:
# near by pixels, and near by features. (The mean over all training patches is taken off first: what
# they have in common tells none from another.) Which sees the material?


# %% tags=["demo"]
def nearest(queries, known, count=4):
    """The rows of `known` nearest to each query, by the angle between them."""
    a, b = (x / np.linalg.norm(x, axis=1, keepdims=True) for x in (queries, known))
    return np.argsort(-a @ b.T, axis=1)[:, :count]


asked = np.array([5, 25, 85, 125, 185])  # a brick, grass, coins, tissue, lakeside
flat_train, flat_test = train_x.reshape(300, -1), test_x.reshape(200, -1)
fig, axes = plt.subplots(1, 2, figsize=(6.4, 3.4))
for ax, name, a, b in zip(
    axes, ("by pixels", "by features"), (flat_test, test_f), (flat_train, train_f), strict=True
):
    near = nearest(a[asked] - b.mean(axis=0), b - b.mean(axis=0))
    shown = [
        picture
        for q, rows in zip(asked, near, strict=True)
        for picture in (test_x[q, 0, ::2, ::2], *train_x[rows, 0, ::2, ::2])
    ]
    right = np.mean(train_y[near] == test_y[asked][:, None])
    draw_pictures(ax, np.array(shown), 5, f"{name}: {right:.0%} of the same material", cmap="gray")
    ax.axvline(32, color="#D55E00", linewidth=3)
show(fig, "Left of the line a patch, right its neighbours: pixels mix materials, features do not.")

# %% [markdown]
# ## 3. Which classifier?
#
# With features, a picture is a row of a table, and everything that works on tables works again.
# Logistic regression is one linear layer with softmax. A tree asks one question after another, each
# about one feature: is it above a threshold? A random forest lets many trees vote, each grown on
# rows drawn at random (Breiman, 2001); boosted trees are grown one by one, each to mend what those
# before it left wrong (Friedman, 2001). Which one? Hold some labels back and let the candidates show
# what they can.
#
# ### Exercise 2 · `best_classifier` (4 points)
#
# Hold out 5 % of the rows at random, rounded to the nearest number, but at least one. Train each
# candidate on all other rows, and score it by its accuracy on the held-out ones. All candidates get the same rows, as they
# are, and the random rows come from `rng` alone (`rng.permutation`). The best score wins, of equals the
# first in the dict.
#
# A candidate is trained by `.fit(features, labels)` and asked by `.predict(features)`. Your caller
# will want to use the candidates again, untrained: `sklearn.base.clone(candidate)` makes a fresh one
# with the same settings.


# %% nbgrader={"grade": false, "grade_id": "transfer-best_classifier-solution", "locked": false, "schema_version": 3, "solution": true, "task": false}
def best_classifier(features, labels, candidates, rng):
    """The candidate that is best on 5 % of the rows, held out at random.

    features (N, D) and labels (N,): arrays; candidates: dict, name -> unfitted classifier; rng: a
    NumPy generator. Returns the best one's name, and a dict of all names to their accuracies on
    the held-out rows. Inputs and candidates stay as they are.
    """
    ### BEGIN SOLUTION
    rows = rng.permutation(len(labels))
    num_held_out = max(1, round(0.05 * len(labels)))
    held_out, train = rows[:num_held_out], rows[num_held_out:]
    scores = {}
    for name, candidate in candidates.items():  # the same rows for all
        fitted = clone(candidate).fit(features[train], labels[train])
        scores[name] = np.mean(fitted.predict(features[held_out]) == labels[held_out])
    return max(scores, key=scores.get), scores
    ### END SOLUTION


check("transfer.best_classifier", best_classifier)

# %% nbgrader={"grade": true, "grade_id": "transfer-best_classifier", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
check("transfer.best_classifier", best_classifier, points=4, seed=2)
### BEGIN HIDDEN TESTS
check("transfer.best_classifier", best_classifier, points=4, seed=9112)
### END HIDDEN TESTS

# %% [markdown]
# The candidates of scikit-learn, on our 300 rows, held out three times. A pipeline is one classifier
# made of two steps: `StandardScaler` brings each feature to mean 0 and spread 1. Beside
# the scores, the accuracy on the 200 test patches: in real life you would not know it.

# %% tags=["demo", "nbval-ignore-output"]
logistic = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=300))
candidates = {
    "logistic": logistic,
    "tree": DecisionTreeClassifier(random_state=seed),
    "forest": RandomForestClassifier(100, random_state=seed),
    "boosted": GradientBoostingClassifier(
        n_estimators=30, max_features="sqrt", subsample=0.5, random_state=seed
    ),
}
choices = [best_classifier(train_f, train_y, candidates, rng) for _ in range(3)]
for name, candidate in candidates.items():
    tested = clone(candidate).fit(train_f, train_y).score(test_f, test_y)
    held_out = ", ".join(f"{scores[name]:.2f}" for _, scores in choices)
    print(f"{name:9} held out: {held_out}   test: {tested:.3f}")
print("chosen:", *[best for best, _ in choices])

# %% [markdown]
# 5 % of 300 rows are 15: a score moves in steps of .07, and hardly tells even the tree, by far the worst
# in the test, from the others. With 50,000 rows, 5 % are 2,500, and the choice is safe. The held-out
# scores flatter as well: patches cut from one half of a photo may overlap, so a held-out patch may show
# what a training patch showed. Hold out what is as far from the training rows as the future will be.

# %% [markdown]
# ## 4. The rival: visual words
#
# Before trained features there were counted ones. Cut small squares out of all pictures and let
# k-means find what they typically look like. (It puts centres among the squares, and by turns gives
# each square to its nearest centre and moves each centre to the mean of its squares.) The centres
# are a *codebook* of *visual words* (Sivic & Zisserman, 2003). A picture is then described as a text is: by how often it uses each word, whatever the
# order. Our words are squares of 8×8 pixels, freed of brightness and contrast (Varma & Zisserman,
# 2003). No label is needed for that.

# %% tags=["demo"]
train_d = models.dense_descriptors(train_x, size=8, stride=4)
test_d = models.dense_descriptors(test_x, size=8, stride=4)
codebook = models.learn_codebook(train_d, 64, rng)
print(f"{train_d.shape[1]} descriptors of {train_d.shape[2]} numbers an image")

fig, ax = plt.subplots(figsize=(3.6, 3.8))
draw_pictures(ax, codebook, 8, "64 visual words", low=None, high=None)
show(fig, "The 64 visual words: edges of all directions, corners, dots, and plain squares.")

# %% [markdown]
# ### Exercise 3 · `bag_of_words` (3 points)
#
# Each of the $M$ descriptors of a picture counts for its nearest word, by Euclidean distance:
#
# $$h_k = \frac{\text{number of descriptors whose nearest word is } k}{M}, \qquad k = 0, \ldots, K - 1$$
#
# so that the histogram adds up to 1, for large pictures and small ones. A picture without descriptors has
# a histogram of zeros. `torch.cdist` computes all distances between the rows of two matrices,
# `torch.bincount` counts.


# %% nbgrader={"grade": false, "grade_id": "transfer-bag_of_words-solution", "locked": false, "schema_version": 3, "solution": true, "task": false}
def bag_of_words(descriptors, codebook):
    """How often each word occurs among an image's descriptors: a histogram (K,) of sum 1.

    descriptors (M, D), codebook (K, D): tensors. A descriptor counts for the word at the smallest
    Euclidean distance. Without descriptors (M = 0), all entries are 0.
    """
    ### BEGIN SOLUTION
    nearest = torch.cdist(descriptors, codebook).argmin(dim=1)
    counts = torch.bincount(nearest, minlength=len(codebook))
    return counts / max(1, len(descriptors))
    ### END SOLUTION


check("transfer.bag_of_words", bag_of_words)

# %% nbgrader={"grade": true, "grade_id": "transfer-bag_of_words", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
check("transfer.bag_of_words", bag_of_words, points=3, seed=3)
### BEGIN HIDDEN TESTS
check("transfer.bag_of_words", bag_of_words, points=3, seed=9113)
### END HIDDEN TESTS


# %% tags=["demo"]
def histograms(descriptors, codebook):
    """A bag of words for each image: (N, K)."""
    words = torch.tensor(codebook)
    return np.stack(
        [np.asarray(bag_of_words(d, words)) for d in torch.tensor(descriptors).to(words)]
    )


train_w, test_w = histograms(train_d, codebook), histograms(test_d, codebook)
fig, axes = plt.subplots(1, 2, figsize=(7.2, 2.4), sharey=True)
for ax, k in zip(axes, (0, 1), strict=True):
    for row in np.flatnonzero(train_y == k)[:2]:
        ax.step(np.arange(64), train_w[row], where="mid", linewidth=1.2)
    ax.set(title=f"two patches of {MATERIALS[k]}", xlabel="word")
axes[0].set(ylabel="share")
show(fig, "Bricks use a few words over and over; grass uses nearly all of them, each a little.")

# %% [markdown]
# ## 5. How far do labels go?
#
# Now the race: raw pixels, visual words and pretrained features, all with the same classifier, with
# 2 to 16 labels a class. Which patches are labelled is luck, so each budget is drawn five times, the
# same patches for all three.


# %% tags=["demo"]
def labelled(labels, budget, rng):
    """Rows of `budget` random images of each class."""
    classes = np.unique(labels)
    draws = [rng.choice(np.flatnonzero(labels == k), budget, replace=False) for k in classes]
    return np.concatenate(draws)


def race(train, train_y, test, test_y, classifier, budgets, seeds):
    """Test accuracies (budgets, seeds) of a classifier on few labelled rows."""
    accuracies = np.zeros((len(budgets), len(seeds)))
    for i, budget in enumerate(budgets):
        for j, s in enumerate(seeds):
            rows = labelled(train_y, budget, np.random.default_rng([s, budget]))
            fitted = clone(classifier).fit(train[rows], train_y[rows])
            accuracies[i, j] = fitted.score(test, test_y)
    return accuracies


# %% tags=["demo", "nbval-ignore-output"]
budgets, seeds = (2, 4, 8, 16), range(seed, seed + 5)
described = {
    "raw pixels": (flat_train, flat_test),
    "visual words": (train_w, test_w),
    "pretrained features": (train_f, test_f),
}
found = {
    name: race(a, train_y, b, test_y, logistic, budgets, seeds)
    for name, (a, b) in described.items()
}
for name, accuracies in found.items():
    mean, spread = accuracies.mean(axis=1), accuracies.std(axis=1, ddof=1)
    print(f"{name:20}", *[f"{m:.2f} ± {s:.2f}  " for m, s in zip(mean, spread, strict=True)])

# %% tags=["demo"]
for rival in ("raw pixels", "visual words"):
    ahead = found["pretrained features"] - found[rival]  # (budgets, seeds)
    assert ahead.mean(axis=1).min() > 0.1, f"at some budget, hardly ahead of {rival}"
    assert ahead.min() > 0, f"at some budget, one draw is not ahead of {rival}"

# %% [markdown]
# Move the budget. The whiskers reach from the worst of the five draws to the best. How many labels
# do visual words need for what pretrained features do with two?

# %% tags=["demo", "nbval-ignore-output"]
budget_slider(Study(budgets, found, chance=0.1))

# %% [markdown]
# Pixels hardly beat a blind guess: turned and moved, no two patches of grass agree in any pixel.
# Words do well, since a texture is just what repeats. But the net's features do better with two
# labels than the words do with sixteen, though it was trained for something else.
#
# ## 6. Fine-tuning: each layer at its own rate
#
# So far the net stayed as it was. One can also train it on, from where it stands: *fine-tuning*. Its
# new last layer, the *head*, knows nothing yet and has to learn fast. The *body* below is nearly right
# already. At the head's rate it would be shaken by the nonsense that an untrained head sends back.
# So the body gets a smaller rate. Notebook 03 did that by the layers' names; PyTorch's optimisers
# take *parameter groups*:
#
#     torch.optim.Adam([{"params": [w1, b1], "lr": 0.001}, {"params": [w2], "lr": 0.01}])
#
# ### Exercise 4 · `finetune_groups` (3 points)
#
# Make the groups for any model: the head's parameters at `base_lr`, all others at `base_lr *
# body_factor`. An optimiser must meet each parameter once, also one that several layers share; and
# mind that a layer `fc2` is no part of a head named `fc`. To ask whether two parameters are the same
# one, compare their `id`: `==`, and `in` on a list, compare numbers.


# %% nbgrader={"grade": false, "grade_id": "transfer-finetune_groups-solution", "locked": false, "schema_version": 3, "solution": true, "task": false}
def finetune_groups(model, head, base_lr, body_factor):
    """Parameter groups for an optimiser: a list of dicts with "params" and "lr".

    model: an nn.Module; head: the name of a layer in it, a string, as in model.named_modules().
    Parameters of the head get base_lr, all others base_lr * body_factor. Each parameter with
    requires_grad is in exactly one group, once. The model stays as it is.
    """
    ### BEGIN SOLUTION
    of_head = {id(p) for p in model.get_submodule(head).parameters()}
    learned = [p for p in model.parameters() if p.requires_grad]
    return [
        {"params": [p for p in learned if id(p) not in of_head], "lr": base_lr * body_factor},
        {"params": [p for p in learned if id(p) in of_head], "lr": base_lr},
    ]
    ### END SOLUTION


check("transfer.finetune_groups", finetune_groups)

# %% nbgrader={"grade": true, "grade_id": "transfer-finetune_groups", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
check("transfer.finetune_groups", finetune_groups, points=3, seed=4)
### BEGIN HIDDEN TESTS
check("transfer.finetune_groups", finetune_groups, points=3, seed=9114)
### END HIDDEN TESTS

# %% [markdown]
# To see it on a small machine we train only the top of the net: its last block, its last
# convolution, and a new head. What lies below stays frozen, so what it says of an image can be
# computed once, with notebook 08's `layer_outputs`. (Batch normalisation stays in evaluation mode:
# with a batch of 25, its own mean and variance would be noise.)


# %% tags=["demo"]
def below(images):
    """What the frozen part, up to blocks.14, makes of images."""
    with torch.no_grad():
        parts = [
            models.layer_outputs(net, ["blocks.14"], batch)["blocks.14"]
            for batch in torch.tensor(images).split(50)
        ]
    return torch.cat(parts)


def new_top():
    """The last block and convolution as ImageNet left them, and a new head, by name."""
    top = nn.Sequential()
    top.add_module("block", copy.deepcopy(net.blocks[15]))
    top.add_module("conv", copy.deepcopy(net.head))
    top.add_module("pool", nn.Sequential(net.pool, nn.Flatten()))
    top.add_module("head", nn.Linear(1280, 10))
    return top.eval()


train_maps, test_maps = below(train_x), below(test_x)
print("maps below:", tuple(train_maps.shape))


# %% tags=["demo"]
def finetune(body_factor, rows, epochs=10, lr=0.003):
    """Test accuracy of a new top after training on some rows."""
    top, targets = new_top(), torch.tensor(train_y)
    adam = torch.optim.Adam(finetune_groups(top, "head", lr, body_factor))
    for _ in range(epochs):
        for batch in torch.tensor(rows)[torch.randperm(len(rows))].split(25):
            adam.zero_grad()
            nn.functional.cross_entropy(top(train_maps[batch]), targets[batch]).backward()
            adam.step()
    with torch.no_grad():
        return np.mean(top(test_maps).argmax(dim=1).numpy() == test_y)


# %% tags=["demo", "nbval-ignore-output"]
factors, tuned = (0.0, 0.1, 1.0, 10.0), []
for s in range(seed, seed + 3):
    torch.manual_seed(s)
    rows = labelled(train_y, 5, np.random.default_rng(s))
    tuned.append([finetune(factor, rows) for factor in factors])
tuned = np.array(tuned)  # (seeds, factors)
for factor, accuracies in zip(factors, tuned.T, strict=True):
    print(
        f"body at {factor:4} of the head's rate: {accuracies.mean():.3f}", np.round(accuracies, 3)
    )

# %% tags=["demo"]
fig, ax = plt.subplots(figsize=(6, 3.2))
for accuracies in tuned:
    ax.plot(range(len(factors)), accuracies, "o", color="grey", alpha=0.6)
ax.plot(range(len(factors)), tuned.mean(axis=0), "-", label="mean of three draws")
ax.set(xticks=range(len(factors)), xticklabels=["0 (frozen)", "0.1", "1 (one rate)", "10"])
ax.set(xlabel="rate of the body, as a share of the head's", ylabel="test accuracy", ylim=(0, 1))
ax.set_title("Fine-tuning with 5 labels a class")
ax.legend(loc="lower left")
show(fig, "A slow body does as well as a frozen one; a fast one loses what it knew.")
assert tuned[:, 1].mean() > tuned[:, 3].mean() + 0.1

# %% [markdown]
# Read it soberly. With fifty labels, a body that learns slowly does no better than one that stands
# still, and even one rate for all costs little: these differences are smaller than what the draw of the
# labels makes. But a body that learns too fast forgets all that it knew, and there is no way back. A
# small rate makes it safe to try; it pays when there are more labels, or when the pictures are farther
# from ImageNet's.

# %% [markdown]
# ## 7. CIFAR-10: the published step, and ours
#
# The picture that made many believe in features off the shelf was a step like this one. In a
# published run on CIFAR-10 (Krizhevsky, 2009; 32×32 pixels, ten kinds of animals and vehicles), a
# plain two-layer net reached about 15 %, and boosted trees on the features of an AlexNet that had
# been trained on ImageNet about 50 %.
#
# | test accuracy, labels a class | 10 | 50 | 200 |
# |---|---|---|---|
# | raw pixels, logistic regression | .239 ± .017 | .302 ± .009 | .349 ± .006 |
# | raw pixels, two-layer net | .237 ± .019 | .303 ± .011 | .352 ± .011 |
# | visual words, logistic regression | .279 ± .021 | .363 ± .006 | .404 ± .009 |
# | pretrained features, boosted trees | .460 ± .026 | .606 ± .017 | .677 ± .007 |
# | pretrained features, logistic regression | .609 ± .014 | .703 ± .009 | .754 ± .003 |
#
# Measured on 21 November 2026: mean ± standard deviation of five draws of the labels, seeds 0 to 4, from
# 300 pictures a class; the test are 200 pictures a class, the same ones for all, which leaves about .01
# of uncertainty on all numbers together. The pictures came from a JPEG copy of CIFAR-10; the features are
# those of EfficientNet-Lite0 at 224×224; the codebook has 200 words of 6×6 colour pixels; the two-layer net
# has 100 hidden units. So the step is the published one, and larger: a better net, and fewer labels. The
# plain net does better here than in that run, of which no more is known.
#
# Boosted trees, the published choice, are not the best one for so few labels: a straight line will do in
# a space where the net has already put things apart.

# %% tags=["demo"]
measured = {  # accuracies of five draws at 10, 50 and 200 labels a class
    "raw pixels": [
        [0.233, 0.238, 0.248, 0.261, 0.216],
        [0.309, 0.314, 0.297, 0.296, 0.295],
        [0.356, 0.342, 0.345, 0.346, 0.354],
    ],
    "visual words": [
        [0.261, 0.269, 0.263, 0.301, 0.303],
        [0.358, 0.372, 0.358, 0.36, 0.366],
        [0.41, 0.408, 0.389, 0.409, 0.402],
    ],
    "features, boosted": [
        [0.431, 0.492, 0.475, 0.436, 0.463],
        [0.581, 0.627, 0.613, 0.606, 0.605],
        [0.682, 0.683, 0.674, 0.681, 0.666],
    ],
    "features, logistic": [
        [0.59, 0.601, 0.614, 0.621, 0.622],
        [0.692, 0.705, 0.717, 0.699, 0.703],
        [0.757, 0.753, 0.756, 0.75, 0.755],
    ],
}
study = Study((10, 50, 200), measured, chance=0.1)
show(widgets.draw_budget(study, 0), widgets.describe_budget(study, 0))

# %% [markdown]
# With `profile = "full"` the next cells compute the table: a few minutes for the features of 5,000
# pictures, which are kept, and some more for the rivals.


# %% tags=["demo"]
def first_of_each(split, count):
    """The first pictures of each class, in their order."""
    images, labels = data.cifar10(split)
    rows = np.concatenate([np.flatnonzero(labels == k)[:count] for k in range(10)])
    return images[np.sort(rows)], labels[np.sort(rows)]


if profile == "full":
    pool_x, pool_y = first_of_each("train", 300)
    new_x, new_y = first_of_each("test", 200)
    large = models.efficientnet_lite0()  # at its own 224×224
    pool_f, new_f = (
        models.cached_features(large, x, "pool", progress=True) for x in (pool_x, new_x)
    )
    pool_d, new_d = (models.dense_descriptors(x, size=6, stride=2) for x in (pool_x, new_x))
    words = models.learn_codebook(pool_d, 200, np.random.default_rng(seed))
    pool_w, new_w = histograms(pool_d, words), histograms(new_d, words)

# %% tags=["demo"]
if profile == "full":
    pool_p, new_p = pool_x.reshape(len(pool_x), -1), new_x.reshape(len(new_x), -1)
    pixels = make_pipeline(StandardScaler(), LogisticRegression(C=0.001, max_iter=100))
    mlp = MLPClassifier((100,), max_iter=50, random_state=seed)
    two_layers = make_pipeline(StandardScaler(), mlp)
    boosted = clone(candidates["boosted"]).set_params(n_estimators=50)
    methods = {
        "raw pixels": (pool_p, new_p, pixels),
        "two-layer net": (pool_p, new_p, two_layers),
        "visual words": (pool_w, new_w, logistic),
        "features, boosted": (pool_f, new_f, boosted),
        "features, logistic": (pool_f, new_f, logistic),
    }
    on_cifar = {}
    for name, (a, b, method) in methods.items():
        on_cifar[name] = race(a, pool_y, b, new_y, method, (10, 50, 200), range(seed, seed + 5))
        mean, spread = on_cifar[name].mean(axis=1), on_cifar[name].std(axis=1, ddof=1)
        print(f"{name:20}", *[f"{m:.3f} ± {s:.3f}  " for m, s in zip(mean, spread, strict=True)])
    assert (on_cifar["features, logistic"].min(axis=1) > on_cifar["visual words"].max(axis=1)).all()

# %% [markdown]
# AlexNet itself, as in the published run, is no part of a package. With a network, and time for a
# download of 233 MB, torchvision has it: set `online` to True, and your `extract_features` takes
# its features. It wants ImageNet's own mean and contrast, and photos of 224×224.

# %% tags=["demo"]
online = False
if online:
    from torchvision.models import AlexNet_Weights, alexnet

    weights = AlexNet_Weights.IMAGENET1K_V1
    photos = weights.transforms()(torch.tensor(test_x).expand(-1, 3, -1, -1))
    print(tuple(extract_features(alexnet(weights=weights), photos, "classifier.5").shape))

# %% [markdown]
# ## What you can do now
#
# - take features off a trained net, at any layer, and leave the net as it was;
# - choose among classifiers by held-out rows, and say how far to trust the choice;
# - describe pictures by visual words, the best that there was before trained features;
# - say what labels are worth, with spreads; and fine-tune a net layer by layer, or leave it alone.
#
# Next: **12 · Siamese nets**, which learn what is alike.
#
# **Sources.** Tan & Le (2019), *EfficientNet: rethinking model scaling for convolutional neural
# networks*. Deng et al. (2009), *ImageNet: a large-scale hierarchical image database*. Krizhevsky,
# Sutskever & Hinton (2012), *ImageNet classification with deep convolutional neural networks*.
# Donahue et al. (2014), *DeCAF: a deep convolutional activation feature for generic visual
# recognition*. Razavian et al. (2014), *CNN features off-the-shelf: an astounding baseline for
# recognition*. Sivic & Zisserman (2003), *Video Google: a text retrieval approach to object matching
# in videos*. Varma & Zisserman (2003), *Texture classification: are filter banks necessary?* Breiman
# (2001), *Random forests*. Friedman (2001), *Greedy function approximation: a gradient boosting
# machine*. Krizhevsky (2009), *Learning multiple layers of features from tiny images*.
