# %% [markdown]
# # 10 · Training
#
# **The question.** A run has trained for nine hours, and the computer is switched off. What must
# you have kept, so that it goes on as if nothing had happened?
#
# The loop that you wrote in notebook 08 has five lines. What a lab keeps around it is the subject
# here: data in batches, images that are changed a little, steps that grow smaller, a rule that says
# when to stop, checkpoints, and a report. In the end a net is a text file, and nobody writes code
# to train it.
#
# Six exercises, 18 points.

# %% tags=["parameters"]
profile = "quick"  # "full" trains on Fashion-MNIST and CIFAR-10, too: minutes without a GPU
seed = 0

# %%
import difflib
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import torch
import torch.nn.functional as F
import yaml
from torch import nn
from torch.utils.data import DataLoader, Dataset, TensorDataset
from tqdm.auto import tqdm

from pytools import check, data, models
from pytools.widgets import STYLE, ConfusionImages, show

plt.style.use(STYLE)
rng = np.random.default_rng(seed)

# %% [markdown]
# ## 1. What is right, and what is taken for what
#
# A classifier gives a row of *logits* for each image, one number for each class. Its answer is the
# class with the largest one. How often is it right?
#
# ### Exercise 1 · `accuracy` (2 points)
#
# Return the share of rows whose largest logit is that of the label, a number from 0 to 1.


# %% nbgrader={"grade": false, "grade_id": "training-accuracy-solution", "locked": false, "schema_version": 3, "solution": true, "task": false}
def accuracy(logits, labels):
    """The share of right answers, from 0 to 1.

    logits: tensor (N, C), floats; labels: tensor (N,), int64, from 0 to C - 1. No two logits of a
    row are equal, N is at least 1.
    """
    ### BEGIN SOLUTION
    return (logits.argmax(dim=1) == labels).sum().item() / len(labels)
    ### END SOLUTION


check("training.accuracy", accuracy)

# %% nbgrader={"grade": true, "grade_id": "training-accuracy", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
check("training.accuracy", accuracy, points=2, seed=1)
### BEGIN HIDDEN TESTS
check("training.accuracy", accuracy, points=2, seed=9001)
### END HIDDEN TESTS

# %% [markdown]
# One number hides a lot. A net with an accuracy of 0.95 may be wrong with a few images of every
# class, or with half the images of one. The *confusion matrix* $M$ tells: $M_{tp}$ is how many
# images of class $t$ were taken for class $p$. What is right stands on the diagonal.
#
# ### Exercise 2 · `confusion_matrix` (2 points)
#
# Count. A pair may come many times, and some classes not at all. The result has an integer dtype.


# %% nbgrader={"grade": false, "grade_id": "training-confusion_matrix-solution", "locked": false, "schema_version": 3, "solution": true, "task": false}
def confusion_matrix(pred, true, num_classes):
    """How many images of class t were taken for class p: entry [t, p] of (num_classes, num_classes).

    pred, true: tensors (N,), int64, from 0 to num_classes - 1. Returns integers.
    """
    ### BEGIN SOLUTION
    counts = torch.zeros(num_classes, num_classes, dtype=torch.int64)
    for p, t in zip(pred, true, strict=True):
        counts[t, p] += 1
    return counts
    ### END SOLUTION


check("training.confusion_matrix", confusion_matrix)

# %% nbgrader={"grade": true, "grade_id": "training-confusion_matrix", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
check("training.confusion_matrix", confusion_matrix, points=2, seed=2)
### BEGIN HIDDEN TESTS
check("training.confusion_matrix", confusion_matrix, points=2, seed=9002)
### END HIDDEN TESTS

# %% [markdown]
# ## 2. Data in batches, and a little different each time
#
# PyTorch divides the work in two. A `Dataset` knows how many examples there are and hands out the
# one with a number. A `DataLoader` draws the numbers, gathers examples into batches, and can let
# other processes read ahead (`num_workers`), so that a GPU does not wait for a disk.


# %% tags=["demo"]
class Digits(Dataset):
    """The digits of one split, from -1 (paper) to 1 (ink)."""

    def __init__(self, split):
        images, labels = data.digits(split)
        self.images, self.labels = torch.tensor(images) * 2 - 1, torch.tensor(labels)

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, number):
        return self.images[number], self.labels[number]


train_set, test_set = Digits("train"), Digits("test")
loader = DataLoader(
    train_set, batch_size=32, shuffle=True, generator=torch.Generator().manual_seed(seed)
)
images, labels = next(iter(loader))
print(f"{len(train_set)} digits in {len(loader)} batches; one of them: {tuple(images.shape)}")

# %% [markdown]
# Where do more examples come from, if there are no more? A digit that moves by one pixel is the
# same digit. *Augmentation* changes each image by chance whenever it is drawn, in a way that leaves
# its label alone, so that the net hardly ever sees the same image twice. Which changes those are
# is knowledge about the task: a cat in a mirror is a cat, but a 2 in a mirror is nothing.

# %% tags=["demo"]
chance = torch.Generator().manual_seed(seed)
eight = images[:1].expand(8, -1, -1, -1)
moved = models.augment(eight, chance, shift=1)
mirrored = models.augment(eight, chance, flip=True)

fig, axes = plt.subplots(2, 8, figsize=(7.5, 2.5))
for row, changed in zip(axes, (moved, mirrored), strict=True):
    for ax, picture in zip(row, changed, strict=True):
        ax.imshow(picture[0], cmap="gray_r")
        ax.set(xticks=[], yticks=[])
axes[0, 0].set_ylabel("moved")
axes[1, 0].set_ylabel("mirrored")
fig.suptitle("One digit, drawn eight times")
show(fig, "One digit eight times: moved by up to a pixel it stays a digit, mirrored it does not.")

# %% [markdown]
# Now a net, and the loop. The net has a *dropout* layer (Srivastava et al., 2014): while it trains,
# each number that passes becomes 0 with a probability of 0.2, so that no unit can rely on one other.
#
# In the loop, `lr_at` gives the learning rate of each iteration, and the optimiser keeps its own in
# `param_groups`, a list of dicts. `change` is the augmentation. Both do nothing yet. `tqdm` draws the
# progress bar: it wraps anything that one can loop over.


# %% tags=["demo"]
def small_net():
    """Digits (N, 1, 8, 8) -> logits (N, 10)."""
    first = [nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
    second = [nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.Flatten()]
    return nn.Sequential(*first, *second, nn.Dropout(0.2), nn.Linear(512, 10))


def fit(net, batches, epochs, lr_at=lambda it: 0.1, change=lambda x: x, bar=False):
    """Train a net; returns the loss of each iteration."""
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    losses = []
    for _ in tqdm(range(epochs), disable=not bar, unit="epoch"):
        for images, labels in batches:
            for group in optimizer.param_groups:
                group["lr"] = lr_at(len(losses))
            loss = F.cross_entropy(net(change(images)), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    return losses


# %% [markdown]
# While a net is used, and not trained, two things are to be switched off: dropout (`net.eval()`; a new
# net is in training, and `net.train()` brings it back there), and the tape (`torch.no_grad()`).


# %% tags=["demo", "nbval-ignore-output"]
def predict(net, images):
    """Logits, as the net is used."""
    net.eval()
    with torch.no_grad():
        return net(images)


torch.manual_seed(seed)
net = small_net()
fit(net, loader, epochs=5, bar=True)
print(f"test accuracy: {accuracy(predict(net, test_set.images), test_set.labels):.3f}")

# %% [markdown]
# What does augmentation buy? Train one net on 400 digits as they are, and one on the same digits moved.
# Then read the test digits, as they are and moved by up to one pixel. (`TensorDataset` is a ready-made
# `Dataset`: the rows of some tensors.)

# %% tags=["demo", "nbval-ignore-output"]
moved_test = models.augment(test_set.images, chance, shift=1)
changes = {"as they are": lambda x: x, "moved": lambda x: models.augment(x, chance, shift=1)}
reads = {}
for name, change in changes.items():
    torch.manual_seed(seed)
    few = TensorDataset(*train_set[torch.randperm(len(train_set))[:400]])
    net = small_net()
    fit(net, DataLoader(few, batch_size=25, shuffle=True), 15, lambda it: 0.05, change)
    reads[name] = [
        accuracy(predict(net, images), test_set.labels) for images in (test_set.images, moved_test)
    ]
    print("trained on digits {:11}: test {:.3f}, moved {:.3f}".format(name, *reads[name]))
assert reads["moved"][1] > reads["as they are"][1] + 0.2

# %% [markdown]
# The first net has never seen a digit out of its place, and half of them are lost to it. The second
# one reads both. It has more to learn, so that it takes more epochs to be as good with the digits
# that stand in their places.

# %% [markdown]
# ## 3. Schedules: large steps first
#
# A large step gets far, and then it jumps to and fro across the bottom of the valley. A small one
# settles there, but takes for ever to arrive. So start large and become smaller. Caffe (Jia et al.,
# 2014) gave four such rules the names that people still use. At iteration $t = 0, 1, 2, \dots$
#
# | `lr_policy` | learning rate |
# |---|---|
# | `fixed` | $\eta$ |
# | `step` | $\eta \, \gamma^{\lfloor t / s \rfloor}$, with the stepsize $s$ |
# | `multistep` | $\eta \, \gamma^{k}$, where $k$ of the numbers in `stepvalue` are at most $t$ |
# | `inv` | $\eta \, (1 + \gamma t)^{-p}$, with the power $p$ |
#
# $\eta$ is `base_lr`, and $\lfloor x \rfloor$ the largest whole number that is not above $x$.
#
# ### Exercise 3 · `step_lr` (2 points)
#
# Write the second one.


# %% nbgrader={"grade": false, "grade_id": "training-step_lr-solution", "locked": false, "schema_version": 3, "solution": true, "task": false}
def step_lr(base_lr, gamma, stepsize, it):
    """base_lr * gamma ** floor(it / stepsize): the learning rate of iteration it = 0, 1, 2, …"""
    ### BEGIN SOLUTION
    return base_lr * gamma ** (it // stepsize)
    ### END SOLUTION


check("training.step_lr", step_lr)

# %% nbgrader={"grade": true, "grade_id": "training-step_lr", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
check("training.step_lr", step_lr, points=2, seed=3)
### BEGIN HIDDEN TESTS
check("training.step_lr", step_lr, points=2, seed=9003)
### END HIDDEN TESTS

# %% [markdown]
# Your rule against a fixed rate, on all digits, and without dropout's noise: for once, the net trains
# in `eval()`. Look at the last third of the two curves.

# %% tags=["demo"]
rules = {"fixed, 0.1": lambda it: 0.1, "step, from 0.1": lambda it: step_lr(0.1, 0.3, 75, it)}
curves = {}
for name, rule in rules.items():
    torch.manual_seed(seed)
    net = small_net().eval()
    curves[name] = fit(net, DataLoader(train_set, batch_size=32, shuffle=True), 6, rule)

fig, ax = plt.subplots(figsize=(6.4, 3.4))
for name, losses in curves.items():
    ax.semilogy(np.convolve(losses, np.ones(15) / 15, "valid") + 1e-4, label=name)
ax.set(title="The same net under two schedules", xlabel="iteration", ylabel="loss, mean of 15")
ax.legend()
show(fig, "Two loss curves: the one whose rate is cut in steps falls lower and is less noisy.")

# %% [markdown]
# ## 4. When to stop
#
# A net that is trained for too long learns its examples by heart. Images that it is not trained on,
# the *validation* set, show when: their loss falls, and then it rises again. (They are not the test
# set either. Whoever chooses by the test set has no honest number left to report.)
#
# *Early stopping* (Prechelt, 1998) looks at the validation loss from time to time and gives up when
# it has not improved for `patience` looks in a row. With a patience of 2, and the losses
#
# | look | 1 | 2 | 3 | 4 | 5 | 6 |
# |---|---|---|---|---|---|---|
# | loss | 0.9 | 0.6 | 0.7 | 0.5 | 0.8 | 0.6 |
# | stop? | no | no | no | no | no | yes |
#
# look 3 is no gain, look 4 is a new best, looks 5 and 6 are no gain: 0.6 is below the 0.8 before it,
# but not below the best.
#
# ### Exercise 4 · `EarlyStopping` (3 points)
#
# Write the class. `update` takes one loss after the other, lower is better, and answers whether to
# stop now.


# %% nbgrader={"grade": false, "grade_id": "training-EarlyStopping-solution", "locked": false, "schema_version": 3, "solution": true, "task": false}
class EarlyStopping:
    """Says when a run has not improved on its best value for `patience` looks in a row."""

    def __init__(self, patience):
        """patience: a whole number, at least 1."""
        ### BEGIN SOLUTION
        self.patience, self.best, self.waited = patience, float("inf"), 0
        ### END SOLUTION

    def update(self, value):
        """Take in a new value, a float, lower is better. Returns True when to stop, else False."""
        ### BEGIN SOLUTION
        if value < self.best:
            self.best, self.waited = value, 0
        else:
            self.waited += 1
        return self.waited >= self.patience
        ### END SOLUTION


check("training.EarlyStopping", EarlyStopping)

# %% nbgrader={"grade": true, "grade_id": "training-EarlyStopping", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
check("training.EarlyStopping", EarlyStopping, points=3, seed=4)
### BEGIN HIDDEN TESTS
check("training.EarlyStopping", EarlyStopping, points=3, seed=9004)
### END HIDDEN TESTS

# %% [markdown]
# A net with far too many weights for 100 digits, and labels of which every third is drawn at random:

# %% tags=["demo", "nbval-ignore-output"]
torch.manual_seed(seed)
wide = nn.Sequential(nn.Flatten(), nn.Linear(64, 500), nn.ReLU(), nn.Linear(500, 10))
rows = torch.randperm(len(train_set))
(few, few_labels), (valid, valid_labels) = train_set[rows[:100]], train_set[rows[100:500]]
few_labels = torch.where(torch.arange(100) % 3 == 0, torch.randint(10, (100,)), few_labels)
few_loader = DataLoader(TensorDataset(few, few_labels), batch_size=20, shuffle=True)

stopping, stop_at, looks = EarlyStopping(patience=5), None, []
for epoch in range(40):
    loss = np.mean(fit(wide, few_loader, 1))
    valid_loss = F.cross_entropy(predict(wide, valid), valid_labels).item()
    looks.append((loss, valid_loss))
    if stopping.update(valid_loss) and stop_at is None:
        stop_at = epoch
print(f"it would have stopped after epoch {stop_at}")

# %% tags=["demo"]
fig, ax = plt.subplots(figsize=(6.4, 3.4))
for name, curve in zip(("training", "validation"), np.array(looks).T, strict=True):
    ax.plot(curve, label=name)
if stop_at is not None:
    ax.axvline(stop_at, color="grey", linestyle="--", label="patience is over")
ax.set(title="Learning by heart", xlabel="epoch", ylabel="cross-entropy", ylim=(0, None))
ax.legend()
show(fig, "The training loss falls to the end; the validation loss falls, then rises again.")

# %% [markdown]
# ## 5. Checkpoints: to stop, and go on
#
# A *checkpoint* is a file from which a run goes on. `model.state_dict()` is a dict of all weights,
# `optimizer.state_dict()` holds what the optimiser remembers, and `torch.save(anything, path)` writes
# it down:
#
#     torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict(), "step": 120}, path)
#
# A saved file is a *pickle*, and a pickle may contain code, which runs as it is read. So whoever gives
# you weights could give you a virus. `torch.load(path, weights_only=True)` reads tensors, numbers,
# texts, lists and dicts, and refuses everything else. `load_state_dict` is the way back, for the model
# and for the optimiser.
#
# ### Exercise 5 · `resume` (4 points)
#
# At the very first start there is no checkpoint (`path.exists()` tells). Then return 0 and touch nothing,
# not even the file. Otherwise load the model and the optimiser, and return the step that the checkpoint
# says.


# %% nbgrader={"grade": false, "grade_id": "training-resume-solution", "locked": false, "schema_version": 3, "solution": true, "task": false}
def resume(path, model, optimizer):
    """Load a checkpoint, in place, and return its step; 0, and nothing is touched, without a file.

    path: a Path. A checkpoint is a dict that torch.save wrote: "model" and "optimizer" are their
    state_dicts, "step" is an int. It may hold more keys. No code in the file may run.
    """
    ### BEGIN SOLUTION
    if not path.exists():
        return 0
    checkpoint = torch.load(path, weights_only=True)
    model.load_state_dict(checkpoint["model"])
    optimizer.load_state_dict(checkpoint["optimizer"])
    return checkpoint["step"]
    ### END SOLUTION


check("training.resume", resume)

# %% nbgrader={"grade": true, "grade_id": "training-resume", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
check("training.resume", resume, points=4, seed=5)
### BEGIN HIDDEN TESTS
check("training.resume", resume, points=4, seed=9005)
### END HIDDEN TESTS

# %% [markdown]
# Is that all that a run is made of? Let us see. `models.Trainer` is the course's own training loop
# around what you have written; its settings are a `Solver`. Train for 150 iterations in one go. Then
# do it again, stop at a random iteration, save, and let your `resume` fill a new trainer.

# %% tags=["demo"]
solver = models.Solver(
    base_lr=0.05,
    max_iter=150,
    batch_size=32,
    momentum=0.9,
    shift=1,
    test_interval=50,
    device="cpu",
    random_seed=seed,
)
order = torch.randperm(len(train_set), generator=torch.Generator().manual_seed(seed))
parts = [TensorDataset(*train_set[rows]) for rows in (order[150:], order[:150])]
folder = Path(tempfile.mkdtemp())


def new_trainer():
    """A run that has not begun."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return models.Trainer(small_net(), solver, *parts)


def weights_of(trainer):
    """All weights in a row."""
    return torch.cat([w.flatten() for w in trainer.model.state_dict().values()])


# %% tags=["demo", "nbval-ignore-output"]
unbroken = new_trainer()
unbroken.run(progress=False)

stop = int(rng.integers(20, 130))
first = new_trainer()
first.run(until=stop, progress=False)
checkpoint = models.Snapshots(folder / "run").save(first.state_dict())

second = new_trainer()
second.step = resume(checkpoint, second.model, second.optimizer)
second.run(progress=False)
difference = (weights_of(second) - weights_of(unbroken)).abs().max().item()
print(f"stopped at {stop}, went on to {second.step};", end=" ")
print(f"largest difference of a weight: {difference:.3f}")

# %% [markdown]
# It trains, and perhaps as well as the other one. But it is another run. What it lost is
# whatever else the steps depend on:
#
# | what | why |
# |---|---|
# | the order of this epoch, and the place in it | the new run saw some images twice, others not at all |
# | the generator of the orders | the next epochs |
# | the generator of the augmentation | how images are moved |
# | torch's own generator | which units dropout leaves out |
# | best value and count of early stopping | it would wait anew |
#
# There are traps. A `DataLoader` that is not given a generator draws a number from torch's own one
# each time you start to loop over it: once more in a run that was resumed. And a file that is half
# written when the power fails is no checkpoint; so write another file, and rename it when it is whole.
# `Trainer.state_dict()` holds all of it, and the checkpoint above was written in that way. This time
# load it whole:

# %% tags=["demo"]
third = new_trainer()
third.load_state_dict(torch.load(checkpoint, weights_only=True))
third.run(progress=False)
print("the same weights, bit for bit:", torch.equal(weights_of(third), weights_of(unbroken)))
print("the same history:", third.history == unbroken.history)
assert torch.equal(weights_of(third), weights_of(unbroken))
assert third.history == unbroken.history

# %% [markdown]
# ## 6. A net as a list
#
# Twenty nets that differ in a few sizes are not twenty programs. They are twenty *configs*: plain data
# that a file can hold, and one function that builds a net of it. A config is a dict,
#
#     {"input": [1, 8, 8],
#      "layers": [{"type": "Conv2d", "name": "conv1", "out_channels": 16, "kernel_size": 3},
#                 {"type": "ReLU"},
#                 {"type": "Flatten"},
#                 {"type": "Linear", "name": "fc", "out_features": 10}]}
#
# where `input` is the shape of *one* example. The type of a layer is the name of a class of `torch.nn`,
# and the other keys are arguments of that class. These may occur:

# %%
LAYERS = {
    "Conv2d": ("out_channels", "kernel_size", "stride", "padding"),
    "Linear": ("out_features",),
    "MaxPool2d": ("kernel_size", "stride"),
    "AvgPool2d": ("kernel_size", "stride"),
    "AdaptiveAvgPool2d": ("output_size",),
    "Flatten": (),
    "ReLU": (),
    "ELU": (),
    "Tanh": (),
    "Dropout": ("p",),
}
COMMON = ("type", "name", "lr_mult", "decay_mult")  # may stand on every layer

# %% [markdown]
# What a layer *takes* is not in the config, since it follows from the layers before: `in_channels` of a
# convolution, and `in_features` of a linear layer, the length of the last axis. How to find it? Send an
# example of zeros through the layers that you have so far, and look at its shape.
#
# ### Exercise 6 · `build_net` (5 points)
#
# - Layers run one after the other. `net.get_submodule(name)` finds a layer by its `name`; one without
#   a name is called by its number in the list, `"0"`, `"1"`, … as in `nn.Sequential`, which has
#   `net.add_module(name, layer)`.
# - `lr_mult` and `decay_mult` are for the optimiser; leave them out.
# - A type that is not in `LAYERS`, or a key that this type cannot have, is a `ValueError`. Its text has
#   the unknown word and the nearest known one. `difflib.get_close_matches("Liner", ["Linear", "ReLU"])`
#   is `["Linear"]`; if no word is near enough, it is `[]`.
# - The config belongs to your caller: do not change it.
#
# `getattr(nn, "ReLU")` is `nn.ReLU`, and `f(**{"a": 1})` is `f(a=1)`.


# %% nbgrader={"grade": false, "grade_id": "training-build_net-solution", "locked": false, "schema_version": 3, "solution": true, "task": false}
def build_net(config):
    """The net of a config {"input": [...], "layers": [{"type": ..., ...}, ...]}: an nn.Module.

    A layer's keys: "type", a name in LAYERS; "name", by default its number in the list; "lr_mult"
    and "decay_mult", ignored; arguments of its class as in LAYERS. Input sizes are inferred.
    ValueError for an unknown type or key, with it and the nearest one. config stays unchanged.
    """
    ### BEGIN SOLUTION

    def require(word, known):
        if word not in known:
            near = difflib.get_close_matches(word, known, n=1)
            raise ValueError(f"unknown {word!r}; did you mean {near}? known: {list(known)}")

    net, x = nn.Sequential(), torch.zeros(1, *config["input"])
    for number, layer in enumerate(config["layers"]):
        kind = layer["type"]
        require(kind, LAYERS)
        for key in layer:
            require(key, LAYERS[kind] + COMMON)
        sizes = {key: value for key, value in layer.items() if key not in COMMON}
        taken = {"Conv2d": [x.shape[1]], "Linear": [x.shape[-1]]}.get(kind, [])
        net.add_module(layer.get("name", str(number)), getattr(nn, kind)(*taken, **sizes))
        x = net[-1](x)
    return net
    ### END SOLUTION


check("training.build_net", build_net)

# %% nbgrader={"grade": true, "grade_id": "training-build_net", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
check("training.build_net", build_net, points=5, seed=6)
### BEGIN HIDDEN TESTS
check("training.build_net", build_net, points=5, seed=9006)
### END HIDDEN TESTS

# %% [markdown]
# ## 7. Training without code
#
# Caffe (Jia et al., 2014) went all the way: its users wrote two text files, one for the net and one for
# the *solver*, and trained from the command line. Files like these can be compared, mailed and printed
# in a paper. Ours are YAML: `key: value`, a list has a dash for each entry, and a short dict may stand
# in braces. `yaml.safe_load` makes dicts and lists of it.


# %% tags=["demo"]
def write(name, text):
    """Write a file into the folder of this notebook."""
    (folder / name).write_text(text)


net_file = """
input: [1, 8, 8]
layers:
  - {type: Conv2d, name: conv1, out_channels: 16, kernel_size: 3, padding: 1}
  - {type: ReLU}
  - {type: MaxPool2d, kernel_size: 2}
  - {type: Conv2d, name: conv2, out_channels: 32, kernel_size: 3, padding: 1}
  - {type: ReLU}
  - {type: Flatten}
  - {type: Dropout, p: 0.2}
  - {type: Linear, name: digit, out_features: 10}
"""
write("net.yaml", net_file)
print(build_net(yaml.safe_load(net_file)))

# %% tags=["demo"]
solver_file = f"""
base_lr: 0.1            # the learning rate at first
lr_policy: step         # or fixed, multistep, inv
gamma: 0.3
stepsize: 150
momentum: 0.9
weight_decay: 0.0005
batch_size: 32
shift: 1                # augmentation: moved by up to one pixel
max_iter: 400
test_interval: 50       # look at the validation images after every 50 iterations
patience: 5             # early stopping, in looks
snapshot: 20            # write a checkpoint after every 20
snapshot_prefix: digits
random_seed: {seed}
device: cpu
"""
write("solver.yaml", solver_file)


# %% [markdown]
# In a terminal you would now write
#
#     course train --net net.yaml --solver solver.yaml --data digits --out run
#
# The next cell does, and then it does what a power cut does: once some random checkpoint is written,
# it kills the process (signal 9, which no program can refuse). `--resume` goes on from the last
# good checkpoint.

# %% tags=["demo", "nbval-ignore-output"]
words = "train --data digits --net net.yaml --solver solver.yaml --out run"
command = [sys.executable, "-m", "pytools.cli", *words.split()]  # what `course` stands for


def course_train(*more):
    """Run the command to its end; returns what it said."""
    return subprocess.run([*command, *more], cwd=folder, capture_output=True, text=True)


enough = int(rng.integers(2, 12)) * 20
nowhere = dict(stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
process = subprocess.Popen(command, cwd=folder, **nowhere)
while process.poll() is None and not (folder / f"run/digits_iter_{enough}.pt").exists():
    time.sleep(0.001)
process.kill()
print("killed, exit code", process.wait())
print(course_train("--resume").stdout)

# %% [markdown]
# And here is the run that nobody killed. It even runs in another process, this one:

# %% tags=["demo"]
models.train_from_files(
    folder / "net.yaml",
    folder / "solver.yaml",
    out=folder / "whole",
    say=lambda line: None,
    progress=False,
)
ends = [torch.load(folder / name / "weights.pt", weights_only=True) for name in ("run", "whole")]
same = all(torch.equal(ends[0][name], ends[1][name]) for name in ends[1])
histories = [(folder / name / "history.json").read_text() for name in ("run", "whole")]
print("killed and resumed = unbroken, bit for bit:", same)
print("every loss on the way, too:", histories[0] == histories[1])
assert same and histories[0] == histories[1]

# %% [markdown]
# People make mistakes in files. A good tool says which one, where, and what you may have meant. And a
# checkpoint that was cut short, or is of another net, is refused; the one before it is taken.

# %% tags=["demo"]
write("solver.yaml", solver_file.replace("momentum", "momentun"))
print(course_train("--resume").stderr)
write("solver.yaml", solver_file)

# %% tags=["demo"]
latest, *others = models.Snapshots(folder / "run" / "digits").paths()
latest.write_bytes(latest.read_bytes()[:5000])  # cut short
print(course_train("--resume").stdout)

# %% [markdown]
# **Fine-tuning.** Weights are loaded *by the layer's name*. So a net for a new task keeps the names of
# the layers that are to be taken over, and gives the last one a new name. Each layer may learn at its
# own rate: `lr_mult` multiplies the learning rate, and 0 freezes it; `decay_mult` does the same for the
# weight decay. The new task: is a digit even or odd? Pictures lie in a folder for each class, only
# twenty of each digit, and one file is broken.

# %% tags=["demo"]
import PIL.Image

for number, (picture, label) in enumerate(zip(*data.digits("train"), strict=True)):
    place = folder / "pictures" / ("odd" if label % 2 else "even")
    place.mkdir(parents=True, exist_ok=True)
    if number < 200:
        PIL.Image.fromarray((picture[0] * 255).astype(np.uint8)).save(place / f"{number:03d}.png")
write("pictures/odd/broken.png", "no picture")

parity = net_file.replace("padding: 1}", "padding: 1, lr_mult: 0.1}")
parity = parity.replace("name: digit, out_features: 10", "name: parity, out_features: 2")
write("parity.yaml", parity)

# %% tags=["demo", "nbval-ignore-output"]
words = "train --data pictures --net parity.yaml --solver solver.yaml --out parity"
command = [sys.executable, "-m", "pytools.cli", *words.split()]
print(course_train("--weights", "run/weights.pt").stdout)

# %% [markdown]
# ## 8. The report
#
# What do you show to others, or to yourself in half a year? `course train` has written `report.html`
# beside the weights: settings, curves, confusion matrix, each class, and the files that were skipped.
# The figures are *inside* the file, as text (base64), so that it can be mailed and never loses one.

# %% tags=["demo", "nbval-ignore-output"]
report = (folder / "run" / "report.html").read_text()
print(f"report.html: {len(report) / 1000:.0f} kB, {report.count('<img')} figures inside,", end=" ")
print(f"{report.count('http')} links to elsewhere")

# %% [markdown]
# A number in the matrix is a set of images. Look at them before you change a net: some mistakes are
# ones that you would make. Choose a cell, or go through the mistakes from the largest on.

# %% tags=["demo", "nbval-ignore-output"]
best = build_net(yaml.safe_load(net_file))
best.load_state_dict(ends[1])
logits = predict(best, test_set.images)
matrix = torch.as_tensor(confusion_matrix(logits.argmax(dim=1), test_set.labels, 10))
print(f"test accuracy {accuracy(logits, test_set.labels):.3f},", end=" ")
print(f"{matrix.trace()} of {matrix.sum()} right")
assert accuracy(logits, test_set.labels) >= 0.94
ConfusionImages((test_set.images + 1) / 2, logits.argmax(dim=1), test_set.labels, range(10))

# %% [markdown]
# ## 9. Larger images
#
# The same loop, in the full profile, on the best device that there is: LeNet-5 (LeCun et al., 1998) on
# the garments of Fashion-MNIST, and a small net with ELU (Clevert et al., 2016) on the photographs of
# CIFAR-10.

# %% tags=["demo", "nbval-ignore-output"]
plans = {
    "fashion_mnist": (models.LeNet5(), (1, 28, 28), dict(shift=1, max_iter=2000)),
    "cifar10": (
        models.EluNet(widths=(32, 64)),
        (3, 32, 32),
        dict(shift=4, flip=True, max_iter=1000),
    ),
}


def train_large(name):
    """Train a plan's net, print its test accuracy, and return the widget of its mistakes."""
    model, shape, settings = plans[name]
    settings |= dict(base_lr=0.05, momentum=0.9, lr_policy="inv", gamma=0.002, random_seed=seed)
    images = models.load_data(name, shape, seed)
    trainer = models.Trainer(model, models.Solver(**settings), images.train, images.valid)
    trainer.run()
    pictures, labels = images.test.tensors
    logits = trainer.predict(pictures)
    print(f"{name} on {trainer.device}: test accuracy {accuracy(logits, labels):.3f}")
    return ConfusionImages((pictures + 1) / 2, logits.argmax(dim=1), labels, images.classes)


# %% tags=["demo", "nbval-ignore-output"]
train_large("fashion_mnist") if profile == "full" else None

# %% tags=["demo", "nbval-ignore-output"]
train_large("cifar10") if profile == "full" else None

# %% [markdown]
# ## What you can do now
#
# - say how good a classifier is, and what it takes for what;
# - feed a net in batches, with images that are a little different each time;
# - give the steps a schedule, and a run an end;
# - stop a run at any moment, go on, and prove that nothing was lost;
# - read weights from strangers without running their code;
# - train, resume and fine-tune a net that is nothing but two text files.
#
# Next: **11 · Transfer**, where a net that others have trained on a million photographs reads yours.
#
# **Sources.** Jia et al. (2014), *Caffe: convolutional architecture for fast feature embedding*. Prechelt
# (1998), *Early stopping: but when?* Srivastava et al. (2014), *Dropout: a simple way to prevent neural
# networks from overfitting*. LeCun, Bottou, Bengio & Haffner (1998), *Gradient-based learning
# applied to document recognition*. Clevert, Unterthiner & Hochreiter (2016), *Fast and accurate deep
# network learning by exponential linear units*. Data: Alpaydin & Kaynak (1998); Xiao, Rasul & Vollgraf
# (2017), *Fashion-MNIST*; Krizhevsky (2009), *Learning multiple layers of features from tiny images*.
