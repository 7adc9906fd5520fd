# %% [markdown]
# # 14 · The project: scoring pictures
#
# **The question.** A net is to score pictures from 0 to 9, as people do. There are few pictures,
# what counts is small, and people err. A published experiment scored photos in four ways, and found
# a large net trained from scratch to be the worst and the slowest of them. Is that so?
#
# | published | correlation with people | training |
# |---|---|---|
# | from scratch | .68 | 13 hours |
# | features of a net trained on ImageNet | .73 | 3 hours |
# | Siamese pre-training | .82 | 8 hours |
# | Siamese pre-training and Net2Net | .84 | 5 hours |
#
# You write the parts, and then repeat the study in miniature: paired seeds, equal work for all, and
# conclusions that follow from the numbers.
#
# Five exercises, 18 points.

# %% tags=["parameters"]
profile = "quick"  # "full" measures section 9 anew: a quarter of an hour, on two cores
seed = 0

# %%
import matplotlib.pyplot as plt
import numpy as np
import torch
from scipy.ndimage import affine_transform

from pytools import check, data, models
from pytools.widgets import STYLE, FaceSliders, show

plt.style.use(STYLE)
study = models.scoring_study

# %% [markdown]
# ## 1. Faces, and two people who judge them
#
# Faces are generated, so that nobody's looks are judged and the truth is known. The score lies in
# four details: the curve of the mouth, the size of the eyes, the space between them, and symmetry.
# All else is there to mislead: pose, light, colour filter, hair, glasses, clutter, a bar in front.
#
# Two annotators rate each face. Each is off by about a point, one is milder than the other, and
# 4 % of all ratings have nothing to do with the picture.

# %% tags=["demo"]
images, ratings, truth = data.faces("train", seed=seed)
order = np.argsort(truth)
fig, axes = plt.subplots(2, 7, figsize=(6.4, 2.5))
for ax, row in zip(axes.flat, order[np.linspace(0, len(order) - 1, 14).astype(int)], strict=True):
    ax.imshow(images[row].transpose(1, 2, 0))
    ax.set_title(f"{truth[row]:.1f}: {ratings[row, 0]}, {ratings[row, 1]}", fontsize=9)
    ax.axis("off")
fig.suptitle("True score: what the two annotators said", fontsize=11)
show(fig, "Fourteen small faces from the worst to the best score, with both ratings of each.")

# %% [markdown]
# ## 2. How good is a score?
#
# The net need not say the very number that people say: one rater is milder than another. What it
# must do is rise when they rise. Pearson's correlation says how well a line fits:
#
# $$r = \frac{\sum_n (x_n - \bar x)(y_n - \bar y)}
# {\sqrt{\sum_n (x_n - \bar x)^2 \; \sum_n (y_n - \bar y)^2}}$$
#
# with $x$ and $y$ (N,) and their means $\bar x$, $\bar y$. It is 1 on a rising line, −1 on a falling
# one, and the same in any units.
#
# ### Exercise 1 · `pearson` (3 points)
#
# Write it. If all values of one are the same, $r$ is 0/0, *undefined*, not 0: a net that gives each
# face a 5 has no correlation. No case of the check is like that. Your own net may be: a ValueError
# that says so is better than a number.


# %% nbgrader={"grade": false, "grade_id": "scoring-pearson-solution", "locked": false, "schema_version": 3, "solution": true, "task": false}
def pearson(x, y):
    """Pearson's correlation of x and y, (N,) each: a number from -1 to 1."""
    ### BEGIN SOLUTION
    a, b = x - np.mean(x), y - np.mean(y)
    if not (np.any(a) and np.any(b)):
        raise ValueError("all values are the same: the correlation is undefined")
    return a @ b / np.sqrt((a @ a) * (b @ b))
    ### END SOLUTION


check("scoring.pearson", pearson)

# %% nbgrader={"grade": true, "grade_id": "scoring-pearson", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
check("scoring.pearson", pearson, points=3, seed=1)
### BEGIN HIDDEN TESTS
check("scoring.pearson", pearson, points=3, seed=9141)
### END HIDDEN TESTS

# %% [markdown]
# How high can $r$ get? What the net is compared with is the mean of two people who err. Even the
# true score does not agree with it fully:

# %% tags=["demo"]
mean_rating = ratings.mean(axis=1)
print(f"the two annotators with each other:  r = {pearson(ratings[:, 0], ratings[:, 1]):.2f}")
ceiling = pearson(truth, mean_rating)
print(f"the truth with their mean:           r = {ceiling:.2f}, the ceiling of this study")

# %% [markdown]
# ## 3. A loss that forgives
#
# In the squared error a rating that is wrong by 6 points weighs as much as 36 that are wrong by 1.
# Huber's loss (1964) is a parabola near 0 and a straight line far away. You wrote it in notebook 08
# with a backward of your own. Here autograd will do: write the value only, with operations that it
# knows.
#
# $$\ell(d) = \begin{cases} \tfrac12 d^2 & |d| \le \delta \\ \delta\,(|d| - \tfrac12 \delta) & |d| >
# \delta \end{cases} \qquad L = \frac1N \sum_n \ell(d_n), \quad d = \text{pred} - \text{target}$$
#
# ### Exercise 2 · `huber_loss` (3 points)
#
# `torch.where(condition, a, b)` chooses entry by entry. The check looks at the gradients, too.


# %% nbgrader={"grade": false, "grade_id": "scoring-huber_loss-solution", "locked": false, "schema_version": 3, "solution": true, "task": false}
def huber_loss(pred, target, delta):
    """The Huber loss of tensors pred and target (N,), a mean: one number, as a tensor."""
    ### BEGIN SOLUTION
    distance = (pred - target).abs()
    inside = distance**2 / 2
    outside = delta * (distance - delta / 2)
    return torch.where(distance <= delta, inside, outside).mean()
    ### END SOLUTION


check("scoring.huber_loss", huber_loss)

# %% nbgrader={"grade": true, "grade_id": "scoring-huber_loss", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
check("scoring.huber_loss", huber_loss, points=3, seed=2)
### BEGIN HIDDEN TESTS
check("scoring.huber_loss", huber_loss, points=3, seed=9142)
### END HIDDEN TESTS

# %% [markdown]
# ## 4. Batches in which every score counts
#
# Most faces are middling. A net that says 4.5 to all of them is not far off, and it sees so few
# faces of 0 or 9 that it hardly learns what makes one. So draw batches with as many faces of each
# score. The price: rare faces come often, with all the errors in their ratings.

# %% tags=["demo"]
fig, ax = plt.subplots(figsize=(5.4, 2.6))
ax.hist(mean_rating, bins=np.arange(-0.25, 9.5, 0.5))
ax.set(title="Most faces are middling", xlabel="mean of two ratings", ylabel="faces")
show(fig, "A histogram of the ratings: a hill in the middle, few faces below 1 or above 8.")

# %% [markdown]
# ### Exercise 3 · `balanced_batch` (4 points)
#
# `labels` (N,) are whole numbers, not all numbers need occur. Return `size` places in `labels`:
#
# - the classes that occur get equal numbers; where `size` is no multiple, they differ by 1;
# - which pictures come is drawn from `rng`, so that each gets its turn;
# - no picture comes twice, unless its class has fewer than are needed.
#
# `rng.choice(a, n, replace=False)` draws n different entries of `a`.


# %% nbgrader={"grade": false, "grade_id": "scoring-balanced_batch-solution", "locked": false, "schema_version": 3, "solution": true, "task": false}
def balanced_batch(labels, size, rng):
    """Random places in labels (N,), as many of each class: int64 (size,). NumPy or torch."""
    ### BEGIN SOLUTION
    classes = rng.permutation(np.unique(labels))
    batch = []
    for number, label in enumerate(classes):
        members = np.flatnonzero(labels == label)
        count = size // len(classes) + (number < size % len(classes))
        batch.append(rng.choice(members, count, replace=count > len(members)))
    return np.concatenate(batch)
    ### END SOLUTION


check("scoring.balanced_batch", balanced_batch)

# %% nbgrader={"grade": true, "grade_id": "scoring-balanced_batch", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
check("scoring.balanced_batch", balanced_batch, points=4, seed=3)
### BEGIN HIDDEN TESTS
check("scoring.balanced_batch", balanced_batch, points=4, seed=9143)
### END HIDDEN TESTS

# %% [markdown]
# ## 5. The same face once more
#
# Two thousand faces are few. But a face keeps its score when the head tilts a little, when it comes
# closer, in other light, and in the mirror. So each face can be shown as many.
#
# ### Exercise 4 · `augment` (5 points)
#
# Take a picture (H, W, 3) in [0, 1], and return a new one of the same shape and range. By chance,
# all of it drawn from `rng`:
#
# - turn it by a small angle, and make it a little larger or smaller, both about its middle, all
#   three colours alike; the head stays upright;
# - mirror it, left for right, half of the time;
# - change its colours a little: brighter or darker, but the same on the average.
#
# `affine_transform(a, matrix, offset, order=1, mode="nearest")` fetches, for each place $p$ of the
# result (row, column), what lies at $M p + \text{offset}$ in the 2-D array `a`. A rotation is
# $M = \begin{pmatrix} \cos & \sin \\ -\sin & \cos \end{pmatrix}$, with angles in radians; divide
# it by the scale. Which offset leaves the middle where it is?


# %% nbgrader={"grade": false, "grade_id": "scoring-augment-solution", "locked": false, "schema_version": 3, "solution": true, "task": false}
def augment(image, rng):
    """A picture (H, W, 3) in [0, 1], turned, scaled, mirrored and recoloured by chance.

    Turn and scale it with scipy.ndimage.
    """
    ### BEGIN SOLUTION
    angle, scale = np.deg2rad(rng.uniform(-12, 12)), rng.uniform(0.9, 1.1)
    cos, sin = np.cos(angle) / scale, np.sin(angle) / scale
    matrix = np.array([[cos, sin], [-sin, cos]])
    middle = (np.array(image.shape[:2]) - 1) / 2
    where = {"offset": middle - matrix @ middle, "order": 1, "mode": "nearest"}
    channels = [affine_transform(image[..., k], matrix, **where) for k in range(3)]
    image = np.stack(channels, axis=-1)
    if rng.random() < 0.5:
        image = image[:, ::-1]
    noise = rng.uniform(0.85, 1.15, 3), rng.uniform(-0.08, 0.08, 3)
    return np.clip(image * noise[0] + noise[1], 0, 1)
    ### END SOLUTION


check("scoring.augment", augment)

# %% nbgrader={"grade": true, "grade_id": "scoring-augment", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
check("scoring.augment", augment, points=5, seed=4)
### BEGIN HIDDEN TESTS
check("scoring.augment", augment, points=5, seed=9144)
### END HIDDEN TESTS

# %% tags=["demo"]
rng = np.random.default_rng(seed)
picture = images[order[-3]].transpose(1, 2, 0)
shown = [picture, *(augment(picture, rng) for _ in range(6))]
fig, axes = plt.subplots(1, 7, figsize=(6.4, 1.3))
for ax, image, name in zip(axes, shown, ["original", *6 * [""]], strict=True):
    ax.imshow(image)
    ax.set_title(name, fontsize=9)
    ax.axis("off")
show(fig, "One face, and six more of it: tilted, nearer, mirrored, in other colours.")

# %% [markdown]
# ## 6. When to grow
#
# Notebook 13 made a net wider and deeper without changing its outputs. When should it grow? When it
# has learned what it can: when the loss falls no more. One batch's loss says little, it is noisy.
# Compare means: of the last $w$ losses, and of the $w$ before these.
#
# ### Exercise 5 · `is_stalled` (3 points)
#
# `losses` is a list of numbers, one for each step, the latest last; a window is so many of them.
# Return whether mean(the window before) − mean(the last window) is *less than* the tolerance. With
# fewer than two windows of losses it is too early to tell: False. A loss that rises has stalled.


# %% nbgrader={"grade": false, "grade_id": "scoring-is_stalled-solution", "locked": false, "schema_version": 3, "solution": true, "task": false}
def is_stalled(losses, window, tolerance):
    """Whether the last window of losses is hardly better than the one before. NumPy or torch."""
    ### BEGIN SOLUTION
    if len(losses) < 2 * window:
        return False
    before, last = losses[-2 * window : -window], losses[-window:]
    return bool(np.mean(before) - np.mean(last) < tolerance)
    ### END SOLUTION


check("scoring.is_stalled", is_stalled)

# %% nbgrader={"grade": true, "grade_id": "scoring-is_stalled", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
check("scoring.is_stalled", is_stalled, points=3, seed=5)
### BEGIN HIDDEN TESTS
check("scoring.is_stalled", is_stalled, points=3, seed=9145)
### END HIDDEN TESTS

# %% [markdown]
# ## 7. The study
#
# **The net.** Three blocks of two 3×3 convolutions (16, 32, 64 channels) with ELU and pooling, a
# hidden layer of 64, one output; no batch normalisation. The *small* net has one convolution a block
# and half of the units.
#
# **Siamese pre-training** (notebook 12). The hidden layer is the embedding; $E$ is the mean of
# $|a_k - b_k|$ over the entries $k$ of two faces' embeddings $a$ and $b$. All pairs of a batch
# count: $E$ itself for two faces that are rated alike, $\max(0, m\,d - E)$ for others, where $d$ is
# the difference of their ratings and $m = 0.1$. Each face comes in two versions, which are a pair
# that is surely alike. A mean does not change when a net is widened, so the margin need not be
# rescaled.
#
# **Growth** (notebook 13). The small net trains; when your `is_stalled` says so, each block gets a
# second convolution; when it says so again, every layer is doubled. Adam's memory grows along. At
# the latest this happens after 30 % and 50 % of the budget.
#
# | arm | net | pre-training |
# |---|---|---|
# | scratch | large | – |
# | Siamese | large | 5 % of the budget |
# | small, not grown | small | – |
# | growth | small, then large | – |
# | Siamese + growth | small, then large | 5 % of the budget |
# | pretrained | EfficientNet-Lite0 | ImageNet's million photos, not counted |
#
# *Growth* and *small, not grown* were not published. Why are they here? Without them, you could not
# tell pre-training from growth, nor growth from smallness.
#
# **Equal work.** Every arm may spend the same number of floating-point operations (FLOPs) on
# training, pre-training included. A face costs the small net a twelfth of what it costs the large
# one: it sees more of them. The pretrained net is not trained: it sees each face once, as large as
# the budget allows, and ridge regression does the rest.
#
# **Equal care.** Batch and learning rate were sought for each net: batches of 16 and a rate of .003
# for the small one, 8 and .0015 for the large one, 16 and .001 for one that has grown. On a tight
# budget small batches mean more steps. The search used other seeds than the study.
#
# **Paired seeds.** A seed means other faces, other weights, another order. All arms of a seed share
# the faces; what is compared is the difference, seed by seed.

# %% tags=["demo"]
parts = study.Parts(huber_loss, balanced_batch, augment, pearson, is_stalled)
BUDGET, TARGET = 80e9, 0.55  # operations; the r by which costs are compared
VERSIONS = 6  # of each face: itself, and what your augment makes of it
torch.set_num_threads(1)

# %% tags=["demo"]
runs = []
for number in (seed, seed + 1):
    faces = models.scoring_runs.face_problem(number, test=400)  # 2,000 to train on
    pool = study.versions(faces.images, np.random.default_rng(number), augment, VERSIONS)
    for arm in study.ARMS:
        run, net = study.run_arm(arm, faces, pool, BUDGET, number, parts, points=5)
        runs.append(run)
    runs.append(study.run_pretrained(faces, BUDGET, number, parts))
print(f"{len(runs)} runs of {BUDGET / 1e9:.0f} GFLOP or less")

# %% [markdown]
# ## 8. What came of it
#
# The interval is that of Student's t: with two seeds it is wide, and that is no fault of the table.
# Seconds are of one processor core, without the looks at the test faces.

# %% tags=["demo", "nbval-ignore-output"]
table = models.scoring_table
print("\n".join(table.study_table(runs, BUDGET, TARGET)))


# %% tags=["demo", "nbval-ignore-output"]
def learning_curves(runs, bottom):
    """r over work: the mean of the seeds as a line, the least and the greatest as a band."""
    fig, ax = plt.subplots(figsize=(6.4, 4))
    for arm in study.ARMS:
        mine = table.of_arm(runs, arm.name)
        flops, r = np.mean([run.flops for run in mine], axis=0) / 1e9, np.array([m.r for m in mine])
        (line,) = ax.plot(flops, r.mean(axis=0), "o-", label=arm.name)
        ax.fill_between(flops, r.min(axis=0), r.max(axis=0), color=line.get_color(), alpha=0.2)
    ax.axhline(ceiling, color="grey", linestyle=":", label="ceiling")
    ax.set(title="Learning curves, with the spread over seeds", xlabel="GFLOP spent on training")
    ax.set(ylabel="r on new faces", ylim=(bottom, 0.95))
    ax.legend(ncols=2, loc="lower right")
    return fig


fig = learning_curves(runs, bottom=-0.3)
show(fig, "Correlation over work: nets that start small learn far earlier than large ones.")

# %% [markdown]
# Which of the published effects hold here? The next cell computes it from the table's runs: a claim
# *holds* where the whole interval of the difference is above 0.

# %% tags=["demo", "nbval-ignore-output"]
print("\n".join(table.conclusions(runs, BUDGET)))
both, scratch = (
    np.mean([run.r[-1] for run in table.of_arm(runs, arm)])
    for arm in ("Siamese + growth", "scratch")
)
print(f"\nSiamese + growth against scratch, at equal work: {both - scratch:+.3f}")
assert both - scratch >= 0.03

# %% [markdown]
# And when did the nets grow? Read whether training stalled, or whether growth came *at the latest*:
# Adam goes on learning, a little, for so long that a tight budget hardly sees it stall.

# %% tags=["demo", "nbval-ignore-output"]
for run in runs:
    if run.events and run.seed == seed:
        steps = "; ".join(f"{flops / 1e9:.0f} GFLOP: {what}" for flops, what in run.events)
        print(f"{run.arm:18}{steps}")

# %% [markdown]
# ## 9. Five seeds, and four to six times the work
#
# Two seeds and 80 GFLOP are little. So the study was also run with five seeds, 20 versions of each
# face, 1,200 faces to test on, and two budgets. A run with `profile = "full"` measures it anew, with
# the course's own parts, and keeps it; all that follows is computed from what is kept.

# %% tags=["demo", "nbval-ignore-output"]
full = models.scoring_runs
if profile == "full":
    full.keep(full.run_full(processes=2))
stored = full.kept()
everything = [run for section in stored["runs"].values() for run in section]
seconds = sum(run.seconds[-1] for run in everything)
print(f"{len(everything)} runs of {stored['date']}, in {stored['processes']} processes at a time,")
print(f"of one thread each; {seconds:.0f} s of a core for training")

# %% tags=["demo"]
for part, budget in ("290 GFLOP", 290e9), ("500 GFLOP", 500e9):
    print(f"{part} for each run")
    print("\n".join(table.study_table(stored["runs"][part], budget, 0.70)), "\n")

# %% tags=["demo"]
fig = learning_curves(stored["runs"]["500 GFLOP"], bottom=0)
show(fig, "Correlation over work, up to 500 GFLOP: the large nets come closer, but late.")

# %% [markdown]
# What follows from the 290 GFLOP, by the same function as above? Does the large net pay with 500?
# And what does *Siamese + growth* save on the way to $r = .70$? A share of 0.6 says that it needed
# 60 % of what *scratch* needed.

# %% tags=["demo"]
print("\n".join(table.conclusions(stored["runs"]["290 GFLOP"], 290e9)), "\n")
print("With 500 GFLOP:", table.conclusions(stored["runs"]["500 GFLOP"], 500e9)[-1], "\n")
for one in ("Siamese + growth", "small, not grown"):
    work, took, count = table.savings(stored["runs"]["500 GFLOP"], one, "scratch", 0.70)
    print(f"{one}: {work:.2f} of the operations, {took:.2f} of the seconds ({count} of 5 seeds)")

# %% [markdown]
# **Larger pictures, and more of them.** 48×48 pixels, 4,000 faces, 650 GFLOP. One seed: an anecdote.

# %% tags=["demo"]
for run in stored["runs"]["larger"]:
    print(f"{run.arm:18} r = {run.r[-1]:.3f} in {run.seconds[-1]:.0f} s")

# %% [markdown]
# **What else was tried.** Each line changes one thing about *Siamese + growth*, or about *scratch*,
# at 60 GFLOP; three seeds, so the intervals are wide. *helps* and *harms* are said where the whole
# interval of the difference, seed by seed, lies on one side of 0.

# %% tags=["demo"]
if profile == "full":
    full.keep(full.run_ablation(processes=2), full.ABLATION)
ablation = full.kept(full.ABLATION)
print("\n".join(table.ablation_table(ablation["runs"])))
print(f"\nmeasured on {ablation['date']}")

# %% [markdown]
# What to mind before you believe a published figure, or these:
#
# - *What is equal?* Here it is the operations. The published hours are hours. Seconds tell another
#   story than operations: narrow layers and small batches keep a processor less busy, so that the
#   same number of operations takes longer.
# - *Was the opponent well trained?* See the last line of the table. With batches of 32, a large net
#   takes 150 steps in 290 GFLOP, and whatever is compared with it looks good.
# - *What does the work?* Compare *growth* and *Siamese + growth* with *small, not grown*. When would
#   the large net be worth its price?
# - *What was tuned, and on what?* Settings were chosen on seeds 100 and 101, by some 130 trial runs,
#   half of them of *scratch*.

# %% [markdown]
# ## 10. Ask the net
#
# The last net of the study that both pre-trained and grew. Move the sliders: does it see what
# counts? Then keep the face and change the scene. Does its opinion change, where the truth does not?

# %% tags=["demo", "nbval-ignore-output"]
FaceSliders(lambda face: study.predict(net, face), seed)

# %% [markdown]
# ## 11. Your own photos
#
# Any pictures can be scored: plants, drawings, plates of food. (Of people, only with their consent.)
# Put them into a folder with a table `ratings.csv`:
#
#     file,rating
#     rose.jpg,7
#     nettle.jpg,2.5
#
# Photos that are missing or broken are skipped, and you are told which; a rating that is not from 0
# to 9 stops the reading, with its line, and so do fewer than 50 photos. Set `FOLDER`, and the five
# trained arms run on your photos. To learn something, they need a few hundred.

# %% tags=["demo"]
FOLDER = None  # the name of your folder, as text


def own_problem(folder, number):
    """A fifth of the photos, drawn at random, is for testing."""
    images, ratings, _ = data.rated_photos(folder, side=32, least=50)
    rows = np.random.default_rng(number).permutation(len(images))
    test, train = np.split(rows, [len(rows) // 5])
    return study.Problem(images[train], ratings[train], images[test], ratings[test])


if FOLDER:
    photos = own_problem(FOLDER, seed)
    pool = study.versions(photos.images, np.random.default_rng(seed), augment, VERSIONS)
    own = [study.run_arm(arm, photos, pool, BUDGET, seed, parts)[0] for arm in study.ARMS]
    print("\n".join(table.study_table(own, BUDGET, TARGET)))

# %% [markdown]
# ## What you can do now
#
# - judge a score by its correlation with people, and know its ceiling;
# - train on few, uneven and partly wrong ratings;
# - pre-train on pairs, grow a net while it learns, and fine-tune it;
# - compare methods at equal cost, with paired seeds and intervals, and write down what does not
#   hold as plainly as what does.
#
# Next: **15 · Reading**, where a net reads lines of text without being told where letters end.
#
# **Sources.** Huber (1964), *Robust estimation of a location parameter*. Bromley, Guyon, LeCun,
# Säckinger & Shah (1993), *Signature verification using a Siamese time delay neural network*.
# Hadsell, Chopra & LeCun (2006), *Dimensionality reduction by learning an invariant mapping*. Chen,
# Goodfellow & Shlens (2016), *Net2Net: accelerating learning via knowledge transfer*. Clevert,
# Unterthiner & Hochreiter (2016), *Fast and accurate deep network learning by exponential linear
# units*. Tan & Le (2019), *EfficientNet: rethinking model scaling for convolutional neural networks*.
