# %% [markdown]
# # 17 · Matching and asking
#
# **The question.** You have a thousand pictures and one sentence. Which picture does it describe?
# And when a net answers a question about a picture: how do you know that it has looked?
#
# First you put pictures and sentences into one space, where what belongs together lies together.
# Then you ask about the pictures, and find out how many of the answers were in the question.
#
# Four exercises, 11 points.

# %% tags=["parameters"]
profile = "quick"  # "full" takes more scenes and longer training: some ten minutes
seed = 0

# %%
from collections import Counter
from functools import cache

import matplotlib.pyplot as plt
import numpy as np
import torch
import torch.nn.functional as F

from pytools import check, data, models, scratch
from pytools.models import matching, vqa
from pytools.widgets import STYLE, AskScene, show

plt.style.use(STYLE)

# %% [markdown]
# ## 1. One space for pictures and sentences
#
# The scenes are those of notebook 16: two or three shapes, and sentences that say how they lie. To
# *write* a sentence is one way to show that a net has understood a picture. Here is another, which
# is easier to judge: to *choose* the right sentence among many.

# %% tags=["demo"]
SIZE, STEPS, RUNS = (12_000, 2000, 5) if profile == "full" else (4000, 120, 3)
torch.set_num_threads(1)


@cache
def scenes(run, split):
    """Images and scenes; each run has others."""
    size = SIZE if split == "train" else 500
    return data.scenes(split, seed=100 * seed + run, size=size)


images, found = scenes(0, "train")
fig, axes = plt.subplots(1, 4, figsize=(6.4, 1.9))
for number, ax in enumerate(axes):
    ax.imshow(images[number].transpose(1, 2, 0))
    ax.set_title(f"scene {number}", fontsize=10)
    ax.axis("off")
show(fig, "Four scenes of two or three coloured shapes on grey.")
for number in range(4):
    print(f"{number}: {data.captions(found[number])[0]}")

# %% [markdown]
# ### Exercise 1 · `ranking_loss` (4 points)
#
# One net turns pictures into vectors, another one sentences, of the same length; the similarity of
# picture $i$ and sentence $j$ is $s_{ij}$. In a batch of $N$ pairs, picture $i$ belongs to sentence
# $i$, and the other $N - 1$ sentences are wrong ones, for free. The right one should be ahead of
# each wrong one by a margin $m$; and as we want to find pictures by sentences, too, also the other
# way round:
#
# $$L = \frac{1}{N} \sum_i \sum_{j \ne i} \Bigl[ \max(0,\ m - s_{ii} + s_{ij}) + \max(0,\ m - s_{ii} + s_{ji}) \Bigr]$$
#
# The first term goes along row $i$, picture $i$ against other sentences; the second along column
# $i$, sentence $i$ against other pictures. The diagonal is nobody's wrong partner. Divided by $N$,
# not by the number of terms. Work with tensors: the gradient is checked.


# %% nbgrader={"grade": false, "grade_id": "vqa-ranking_loss-solution", "locked": false, "schema_version": 3, "solution": true, "task": false}
def ranking_loss(sim, margin):
    """What wrong partners cost, both ways.

    sim (N, N): a tensor, the right ones on its diagonal; margin: a number > 0.
    Returns one number, as a tensor.
    """
    ### BEGIN SOLUTION
    right = sim.diagonal()
    others = 1 - torch.eye(len(sim), dtype=sim.dtype)
    rows = F.relu(margin - right[:, None] + sim) * others
    columns = F.relu(margin - right[None, :] + sim) * others
    return (rows.sum() + columns.sum()) / len(sim)
    ### END SOLUTION


check("vqa.ranking_loss", ranking_loss)

# %% nbgrader={"grade": true, "grade_id": "vqa-ranking_loss", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
check("vqa.ranking_loss", ranking_loss, points=4, seed=1)
### BEGIN HIDDEN TESTS
check("vqa.ranking_loss", ranking_loss, points=4, seed=9871)
### END HIDDEN TESTS

# %% [markdown]
# ## 2. Is it found?
#
# A low loss is not what we want to know. If you search for a picture, how often is it the first one
# that you are shown? How often is it on the first page?
#
# ### Exercise 2 · `recall_at_k_retrieval` (2 points)
#
# `sim` has a row for each query and a column for each answer; the right answer of query $i$ is
# column $i$. The share of queries that have it among their $k$ most similar answers. (For the other
# way round, transpose.)


# %% nbgrader={"grade": false, "grade_id": "vqa-recall_at_k_retrieval-solution", "locked": false, "schema_version": 3, "solution": true, "task": false}
def recall_at_k_retrieval(sim, k):
    """The share of queries whose right answer is among the k most similar.

    sim (N, N): an array; k: an integer >= 1. Returns a number from 0 to 1.
    """
    ### BEGIN SOLUTION
    nearest = np.argsort(-sim, axis=1)[:, :k]
    found = nearest == np.arange(len(sim))[:, None]
    return found.any(axis=1).mean()
    ### END SOLUTION


check("vqa.recall_at_k_retrieval", recall_at_k_retrieval)

# %% nbgrader={"grade": true, "grade_id": "vqa-recall_at_k_retrieval", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
check("vqa.recall_at_k_retrieval", recall_at_k_retrieval, points=2, seed=2)
### BEGIN HIDDEN TESTS
check("vqa.recall_at_k_retrieval", recall_at_k_retrieval, points=2, seed=9872)
### END HIDDEN TESTS

# %% [markdown]
# ## 3. Search
#
# *The picture's net*: three convolutions, each of which halves the side. What they see at the 4×4
# places that remain is laid side by side, and a linear layer makes 128 numbers of it. *The
# sentence's net*: a GRU (Cho et al., 2014), which is a recurrent net with gates, like the LSTM of
# notebook 05, but without a cell state. It reads word after word, and a linear layer makes 128
# numbers of its last state. Both vectors are divided by their length, so that their product,
# $s_{ij}$, is the cosine of their angle.
#
# A batch is 128 scenes, each with one of its sentences, drawn anew each time. Nets and loss are
# built as those of Kiros et al. (2014) and Karpathy & Fei-Fei (2015), only smaller.

# %% tags=["demo"]
# The same words whatever the seed is: a net stored with the course has learned by these ids.
_, known = data.scenes("train", seed=0, size=4000)
texts = [text for scene in known for text in data.captions(scene)]
vocab = scratch.build_vocab(texts, min_count=1)
print(f"{len(vocab)} words, with the four special ones")


def hinge(sim):
    return ranking_loss(sim, 0.2)


@cache
def sentences(run):
    """Of each scene to learn from, the ids of its sentences."""
    found = scenes(run, "train")[1]
    return [matching.sentence_ids(data.captions(scene), vocab) for scene in found]


def train(net, run, loss=hinge, steps=STEPS):
    """Train a net on the scenes of a run; the losses."""
    images, rng = scenes(run, "train")[0], np.random.default_rng([seed, run])
    return matching.train_matching(net, images, sentences(run), loss, steps, rng)


def made(run, in_order=True):
    torch.manual_seed(100 * seed + run)
    return matching.JointSpace(len(vocab), in_order=in_order)


# %% [markdown]
# **Ties.** Two scenes may share a sentence: "a small red ring is left of a large blue cross" may
# well be true twice among 500 scenes. Such a sentence has two right pictures, but only one of them
# is on the diagonal. So from the scenes for testing we leave out each that shares a sentence with
# an earlier one. With photos that cannot be done: a caption fits many of them, more or less, and
# recall counts all but one as wrong.


# %% tags=["demo"]
@cache
def shelf(run):
    """Scenes to be searched, no two of which share a sentence: images, and a sentence of each."""
    images, found = scenes(run, "test")
    kept, seen = [], set()
    for place, scene in enumerate(found):
        if not seen & set(data.captions(scene)):
            kept.append(place)
        seen.update(data.captions(scene))
    return images[kept], [data.captions(found[place])[0] for place in kept]


def recalls(net, run):
    """recall@1 and @5 of sentences for pictures, then of pictures for sentences."""
    images, texts = shelf(run)
    sim = matching.similarity(net, images, matching.sentence_ids(texts, vocab))
    return [recall_at_k_retrieval(way, k) for way in (sim, sim.T) for k in (1, 5)]


def spread_of(values):
    """Mean and standard deviation of runs, as text."""
    return f"{np.mean(values):.2f} ± {np.std(values, ddof=1):.2f}"


# %% tags=["demo", "nbval-ignore-output"]
nets = [made(run) for run in range(RUNS)]
for run, net in enumerate(nets):
    train(net, run)
table, number = np.array([recalls(net, run) for run, net in enumerate(nets)]), len(shelf(0)[1])
print(f"{STEPS} steps, {RUNS} runs, about {number} scenes to search")
for k, way in enumerate(["a sentence for a picture", "a picture for a sentence"]):
    one, five = (spread_of(table[:, 2 * k + j]) for j in (0, 1))
    print(f"{way}: {one} @1, {five} @5")
print(f"chance: {1 / number:.3f} @1, {5 / number:.3f} @5")
assert table[:, [0, 2]].min() > 20 / number, "recall@1 should be far above chance both ways"

# %% [markdown]
# After so few steps the right one of hundreds is often found already. Published, for photos with sentences by
# people (Karpathy & Fei-Fei, 2015, Flickr30K, 1,000 test photos): a sentence for a picture .222 @1
# and .482 @5, a picture for a sentence .152 and .377. They compare regions of a picture with single
# words, with the same loss. Our scenes are simpler, and they are all the same kind of thing.
#
# **The hardest only.** Of the wrong partners in a batch most cost nothing after a while. So should
# not the hardest one of each row and column be enough? In notebook 12 that ended badly. Here, too?

# %% tags=["demo", "nbval-ignore-output"]
hard_net = made(0)
hard_losses = train(hard_net, 0, matching.hardest_only, steps=40)
print(f"loss {hard_losses[0]:.2f} -> {hard_losses[-1]:.2f}; recall@1 {recalls(hard_net, 0)[0]:.3f}")

# %% [markdown]
# At $2m = 0.4$ it stays: all on one point, where each row and each column costs just the margin.
# Faghri et al. (2018) found the hardest to be better than all, but their pictures' net had been
# trained before. Fine-tune with it, but don't start with it.
#
# **Does the order of the words matter?** Put the GRU away, and add the words' vectors up: a *bag of
# words*. Then give each net two sentences, the right one and the one with its two things exchanged.


# %% tags=["demo", "nbval-ignore-output"]
def told_apart(net, run=0):
    """How often "A is left of B" is nearer to its picture than "B is left of A"; a tie is half."""
    images, texts = shelf(run)
    pairs = [text.split(" is ") for text in texts]
    relations = ("left of", "right of", "above", "below")
    hits = []
    for image, (first, rest) in zip(images, pairs, strict=True):
        said = next(word for word in relations if rest.startswith(word))
        if " and " not in rest:
            other = f"{rest[len(said) + 1 :]} is {said} {first}"
            ids = matching.sentence_ids([f"{first} is {rest}", other], vocab)
            right, wrong = matching.similarity(net, image[None], ids)[0]
            hits.append(0.5 if abs(right - wrong) < 1e-6 else right > wrong)
    return np.mean(hits)


bag = made(0, in_order=False)
train(bag, 0)
for name, net in [("bag of words", bag), ("in order", nets[0])]:
    print(f"{name:13} recall@1 {recalls(net, 0)[0]:.2f}, told apart {told_apart(net):.2f}")

# %% [markdown]
# The bag cannot tell them apart; that is arithmetic. But the net that reads in order does no better
# yet. Two scenes that differ in nothing but who is left are rare, so that recall, and the
# loss, get on well without. A measure finds what it looks for.
#
# Does it come with time? From here on we use a net that has been trained longer: 2,000 steps. It
# comes with the course; `course build 17_matching_vqa --retrain` makes it anew, with your loss.


# %% tags=["demo", "nbval-ignore-output"]
def long_training(net):
    images, found = data.scenes("train", seed=1000, size=12_000)
    ids = [matching.sentence_ids(data.captions(scene), vocab) for scene in found]
    matching.train_matching(net, images, ids, hinge, 2000, np.random.default_rng(1000))


eye = models.trained("joint_scenes", lambda: made(0), long_training)
one, five, one_back, five_back = recalls(eye, 0)
print(f"a sentence for a picture: {one:.2f} @1, {five:.2f} @5")
print(f"a picture for a sentence: {one_back:.2f} @1, {five_back:.2f} @5")
print(f"told apart: {told_apart(eye):.2f}")
assert told_apart(eye) > 0.55, "who is left should count"

# %% [markdown]
# With time, it learns to read who is where, but slowly: nothing in the batch asks for it.
# Yuksekgonul et al. (2023) found large nets, trained on photos with such a loss, to behave like
# bags of words, too; sentences with exchanged words among the wrong partners helped.
#
# Look at what it finds. For three sentences the five nearest pictures, the right one in a frame.
# What have the wrong ones in common with it?

# %% tags=["demo", "nbval-ignore-output"]
images, texts = shelf(0)
sim = matching.similarity(eye, images, matching.sentence_ids(texts, vocab))
fig = plt.figure(figsize=(6.4, 5))
for query, part in enumerate(fig.subfigures(3)):
    part.suptitle(texts[query], fontsize=9)
    for ax, place in zip(part.subplots(1, 5), np.argsort(-sim[:, query]), strict=False):
        ax.imshow(images[place].transpose(1, 2, 0))
        ax.set(xticks=[], yticks=[])
        for side in ax.spines.values():
            side.set(visible=bool(place == query), linewidth=4, color="C3")
fig.suptitle("Asked for a sentence: the five nearest pictures", fontsize=11)
show(fig, "Three sentences, each with its five nearest pictures; the right one has a frame.")

# %% [markdown]
# And three pictures for which a wrong sentence came first; each picture is named by its own sentence:

# %% tags=["demo", "nbval-ignore-output"]
for place in np.flatnonzero(sim.argmax(axis=1) != np.arange(len(sim)))[:3]:
    print(f"picture {place}, of which we say: {texts[place]}")
    for other in np.argsort(-sim[place])[:3]:
        print(f"   {sim[place, other]:.2f}  {'right: ' if other == place else ''}{texts[other]}")

# %% [markdown]
# ## 4. Ten people, one question
#
# A sentence says what its writer found worth saying. A question asks for the rest; Malinowski &
# Fritz (2014) were among the first to put questions to a machine, about photos of rooms. Ours come
# from a grammar, too:
#
# | kind | form | for example |
# |---|---|---|
# | yes/no | exists | is there a red circle |
# | | relation | is the red circle left of the blue square |
# | number | count | how many rings are there |
# | other | colour | what colour is the square |
# | | shape | what shape is above the red circle |
#
# Ten people answer each. They are made up: most of them are careful, one in ten is not.


# %% tags=["demo"]
@cache
def questions(run):
    return data.scene_questions(scenes(run, "test")[1], np.random.default_rng([seed, run]))


FORMS = {"exists": "yes/no", "relation": "yes/no", "count": "number"}
FORMS |= {"colour": "other", "shape": "other"}
TEST = questions(0)
fig, ax = plt.subplots(figsize=(2, 2))
ax.imshow(scenes(0, "test")[0][0].transpose(1, 2, 0))
ax.set_title("What would you ask?", fontsize=10)
ax.axis("off")
show(fig, "A scene for testing: two or three coloured shapes on grey.")
for question in TEST[:5]:
    said = [f"{word} ({count})" for word, count in Counter(question.answers).most_common()]
    print(f"{question.text}? {', '.join(said)}")

# %% [markdown]
# ### Exercise 3 · `answer_accuracy` (2 points)
#
# People do not agree, either: ten of them were asked each question of the VQA data (Antol et al.,
# 2015). An answer is as right as people say it is, and three are enough:
#
# $$\text{accuracy} = \frac{1}{Q} \sum_q \min\Bigl(\frac{\text{how many said just that}}{3},\ 1\Bigr)$$
#
# Answers are compared as they stand, letter by letter. The number of people may differ from
# question to question.


# %% nbgrader={"grade": false, "grade_id": "vqa-answer_accuracy-solution", "locked": false, "schema_version": 3, "solution": true, "task": false}
def answer_accuracy(pred, answers):
    """How far people agree with the answers, 0 to 1.

    pred: a list of Q strings; answers: for each question a list of strings, what people said.
    Returns a number.
    """
    ### BEGIN SOLUTION
    counts = [said.count(word) for word, said in zip(pred, answers, strict=True)]
    return np.mean([min(count / 3, 1) for count in counts])
    ### END SOLUTION


check("vqa.answer_accuracy", answer_accuracy)

# %% nbgrader={"grade": true, "grade_id": "vqa-answer_accuracy", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
check("vqa.answer_accuracy", answer_accuracy, points=2, seed=3)
### BEGIN HIDDEN TESTS
check("vqa.answer_accuracy", answer_accuracy, points=2, seed=9873)
### END HIDDEN TESTS

# %% [markdown]
# How right are people? Take the first of the ten, and let the nine others judge. And how right is
# who neither looks nor listens, but says *yes* where that is an answer, else *1*, else *red*?


# %% tags=["demo"]
def right(pred, asked, what, among=lambda question: True):
    """The accuracy on questions of a form or kind, those where among(question)."""
    rows = [k for k, q in enumerate(asked) if what in (q.form, q.kind) and among(q)]
    return answer_accuracy([pred[k] for k in rows], [asked[k].answers for k in rows])


first, others = zip(*[(q.answers[0], q.answers[1:]) for q in TEST], strict=True)
lazy = [{"yes/no": "yes", "number": "1", "other": "red"}[q.kind] for q in TEST]
print(f"one of them, judged by the others: {answer_accuracy(first, others):.2f}")
for kind in ("yes/no", "number", "other"):
    print(f"yes, 1 or red, {kind:7} {right(lazy, TEST, kind):.2f}")

# %% [markdown]
# (A wrong answer is worth something as well, as soon as one of ten has given it: a third.) So an
# accuracy says little by itself. What counts is how far it is from that of someone who did not
# look.

# %% [markdown]
# ## 5. Two senses, one vector
#
# The answer comes from a picture and a question. How do the two meet?
#
# ### Exercise 4 · `fuse` (3 points)
#
# The picture is a vector $x$ of $D$ numbers, the question one of $Q$ numbers, $q$. Joined end to
# end, a linear layer can only add what each says alone; the answer to "what colour is the circle?"
# hangs on both together. So both are brought to one width $F$ and multiplied, entry by entry:
#
# $$z = \tanh(x W_i + b_i) \odot \tanh(q W_q + b_q)$$
#
# with $W_i$ $(D, F)$, $W_q$ $(Q, F)$, and $b_i$, $b_q$ $(F,)$. Work with tensors; a gradient has to
# reach the inputs and all four weights.


# %% nbgrader={"grade": false, "grade_id": "vqa-fuse-solution", "locked": false, "schema_version": 3, "solution": true, "task": false}
def fuse(image, question, params):
    """One vector made of a picture and a question.

    image (N, D), question (N, Q): tensors; params: a dict of tensors wi (D, F), bi (F,),
    wq (Q, F), bq (F,). Returns a tensor (N, F).
    """
    ### BEGIN SOLUTION
    picture = torch.tanh(image @ params["wi"] + params["bi"])
    return picture * torch.tanh(question @ params["wq"] + params["bq"])
    ### END SOLUTION


check("vqa.fuse", fuse)

# %% nbgrader={"grade": true, "grade_id": "vqa-fuse", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
check("vqa.fuse", fuse, points=3, seed=4)
### BEGIN HIDDEN TESTS
check("vqa.fuse", fuse, points=3, seed=9874)
### END HIDDEN TESTS

# %% [markdown]
# The net around it asks the question at each of the 4×4 places of the picture: your `fuse` makes
# one vector of what is seen at a place, with its coordinates, and the question. The sum over the
# places is read by a hidden layer, which has an output for each of the 17 answers that there are.
#
# What is seen comes from section 3: the picture's net that has learned from sentences, and that
# learns no more. (Antol et al. took a net that had learned to name objects.) Each word of the
# question has a vector for each place that it may stand at, and the question is their sum: for
# short questions of fixed form that is enough, and fast. What is to be learned is what most of the
# ten people say.

# %% tags=["demo"]
asked = data.scene_questions(known, np.random.default_rng(0))
words = scratch.build_vocab([question.text for question in asked], min_count=1)


@cache
def lesson(draw, size):
    """What the eye sees in so many scenes, and questions about them."""
    images, found = data.scenes("train", seed=draw, size=size)
    asked = data.scene_questions(found, np.random.default_rng(draw))
    return matching.place_features(eye, images), asked


def learn(net, draw, size, steps):
    vqa.train_vqa(net, *lesson(draw, size), words, steps, np.random.default_rng(draw))
    return net


def untaught(run, fusion):
    torch.manual_seed(run)
    return vqa.VqaNet(len(words), fusion)


# %% [markdown]
# The net that is given both comes with the course, three times, each taught by the questions about
# 12,000 other scenes. Your `fuse` puts them to use, and `--retrain` teaches them anew with it.

# %% tags=["demo"]
pairs = [
    models.trained(
        f"vqa_{run}",
        make=lambda run=run: untaught(run, fuse),
        train=lambda net, run=run: learn(net, 2000 + run, 12_000, 4000),
    )
    for run in range(3)
]


@cache
def answers(net, run):
    """What the net says to the test questions of a run."""
    asked = questions(run)
    features = matching.place_features(eye, scenes(run, "test")[0])
    features = features[[question.scene for question in asked]]
    return vqa.best_answers(net, features, [question.text for question in asked], words)


# %% [markdown]
# ## 6. What language alone gives away
#
# Beside it a net that gets only the question, and one that gets only the picture. They need no long
# training, since there is little that they can learn. Three runs of each, other weights, other
# scenes.

# %% tags=["demo", "nbval-ignore-output"]
LESSON = (12_000, 4000) if profile == "full" else (4000, 450)  # scenes, steps


def taught(run, fusion):
    return learn(untaught(run, fusion), 100 * seed + run, *LESSON)


NETS = {
    "picture only": [taught(run, vqa.only_image) for run in range(3)],
    "question only": [taught(run, vqa.only_question) for run in range(3)],
    "both": pairs,
}
said = {name: [answers(net, run) for run, net in enumerate(nets)] for name, nets in NETS.items()}


def row(name, *which):
    """The accuracies of the runs, on some of the questions (as for right)."""
    return np.array([right(p, questions(k), *which) for k, p in enumerate(said[name])])


print(f"{'':10}" + "".join(f"{name:>16}" for name in NETS))
for form, kind in FORMS.items():
    cells = "".join(f"{spread_of(row(name, form)):>16}" for name in NETS)
    print(f"{form:10}{cells}   {kind}")

# %% tags=["demo", "nbval-ignore-output"]
fig, ax = plt.subplots(figsize=(6.4, 3.6))
for k, name in enumerate(NETS):
    for place, form in enumerate(FORMS):
        runs, x = row(name, form), place + 0.27 * (k - 1)
        ax.bar(x, runs.mean(), 0.25, color=f"C{k}", label=name if place == 0 else None)
        ax.plot(np.full(len(runs), x), runs, "k.", markersize=4)
ax.set_xticks(range(len(FORMS)), [f"{form}\n({kind})" for form, kind in FORMS.items()])
ax.set(title="Accuracy by form of question, a point for each run", xlabel="form of question")
ax.set(ylabel="accuracy", ylim=(0, 1))
fig.legend(loc="outside lower center", ncols=3)
show(fig, "Bars for five forms: picture only lowest, then question only, then both.")
for kind in ("yes/no", "number", "other"):
    both, words_only = (row(name, kind) for name in ("both", "question only"))
    print(f"{kind}: {both.mean():.3f} with the picture, {words_only.mean():.3f} without")
    assert both.mean() > words_only.mean() + 0.02, f"{kind}: it has not looked"

# %% [markdown]
# The net that gets only the picture has found out that *yes* is the commonest answer of all, and
# says nothing else. Read the orange bars. *exists* was balanced on purpose: for each pair of colour
# and shape the answer is yes half of the time, and the words give nothing away. *relation* was not:
# people ask about what they see, and three in four are true. To *how many*, one is the commonest
# answer. And in these questions most circles that are asked about are red, as most bananas are yellow.
#
# It was no different with real photos. Antol et al. (2015), 614,163 questions about photos;
# accuracy in % on test-dev, answers in free form:
#
# | | all | yes/no | number | other |
# |---|---|---|---|---|
# | always "yes" | 29.66 | 70.81 | 0.39 | 1.15 |
# | picture only | 28.13 | 64.01 | 0.42 | 3.77 |
# | question only (LSTM) | 48.76 | 78.20 | 35.68 | 26.59 |
# | both, their best | 57.75 | 80.50 | 36.77 | 43.08 |
#
# With the words alone it is 49 of these 58. Goyal et al. (2017) then gave each question a second,
# similar picture with another answer, so that words alone help less.

# %% [markdown]
# With `profile = "full"` the lessons of this page are as long as those of the stored nets, and five
# nets search. What came of it is kept:

# %% tags=["demo"]
if profile == "full":
    accuracies = {
        name: {form: row(name, form).round(4).tolist() for form in FORMS} for name in NETS
    }
    settings = {"scenes": SIZE, "steps": [STEPS, LESSON[1]]}
    models.keep_study(
        "vqa_study", settings | {"recalls": table.round(4).tolist(), "accuracies": accuracies}
    )
kept = models.kept_study("vqa_study")
search, answer = kept["steps"]
print(
    f"measured on {kept['date']}: {kept['scenes']:,} scenes, {search:,} steps to learn to search,"
)
print(f"{answer:,} to answer")
for k, way in enumerate(["a sentence for a picture", "a picture for a sentence"]):
    one, five = np.array(kept["recalls"]).T[2 * k : 2 * k + 2]
    print(f"{way}: {spread_of(one)} @1, {spread_of(five)} @5")
print(f"\n{'':10}" + "".join(f"{name:>16}" for name in kept["accuracies"]))
for form in FORMS:
    cells = [spread_of(by_form[form]) for by_form in kept["accuracies"].values()]
    print(f"{form:10}" + "".join(f"{cell:>16}" for cell in cells))

# %% [markdown]
# **Which fusion?** Three nets that differ in nothing else, after the same short training, one run.
# Read no contest into a hundredth or two. A hidden layer follows, so that none of the three is
# helpless; without it, *side by side* could only add what the two say alone.

# %% tags=["demo", "nbval-ignore-output"]
print(f"{'':14}" + "".join(f"{form:>10}" for form in FORMS))
for name, how in {"sum": vqa.add, "side by side": vqa.join, "product": fuse}.items():
    pred = answers(taught(0, how), 0)
    print(f"{name:14}" + "".join(f"{right(pred, TEST, form):10.2f}" for form in FORMS))

# %% [markdown]
# ## 7. Where it errs
#
# Where the answer is the one that the words suggest, a net can be right without looking. So part
# the questions: is the answer the commonest one to this very question in the training data, or not?


# %% tags=["demo", "nbval-ignore-output"]
@cache
def commonest():
    """To each question of a lesson, the answer that it most often has."""
    counts = {}
    for question in lesson(100 * seed, LESSON[0])[1]:
        counts.setdefault(question.text, Counter())[question.answer] += 1
    return {text: count.most_common(1)[0][0] for text, count in counts.items()}


def usual(question):
    return question.answer == commonest().get(question.text)


groups = [("colour", "as usual", usual), ("colour", "another", lambda q: not usual(q))]
for form, word in [("relation", "yes"), ("relation", "no"), *(("count", n) for n in "0123")]:
    groups.append((form, word, lambda q, word=word: q.answer == word))
print(f"{'':20}question only    both")
for form, word, among in groups:
    found = [row(name, form, among).mean() for name in ("question only", "both")]
    print(f"{form:9} {word:10}{found[0]:13.2f}{found[1]:8.2f}")

# %% [markdown]
# Counting goes well: a sum over places counts by itself. But where the answer is not the usual one,
# *both* falls behind as well; it looks, and it has its prejudices. And it is weak where two places
# have to be compared: in most of the relations that do not hold it says *yes*. The sum over the
# places knows what is seen at each of them, but of no two of them how they lie to each other.
# Santoro et al. (2017) look at all *pairs* of places.

# %% tags=["demo", "nbval-ignore-output"]
wrong = [(q, a) for q, a in zip(TEST, said["both"][0], strict=True) if a not in q.answers]
picked = [next(pair for pair in wrong if pair[0].form == form) for form in FORMS]
fig, axes = plt.subplots(1, 5, figsize=(6.4, 2.2))
for ax, (question, answer) in zip(axes, picked, strict=True):
    ax.imshow(scenes(0, "test")[0][question.scene].transpose(1, 2, 0))
    half = len(question.text.split()) // 2
    lines = [" ".join(question.text.split()[:half]), " ".join(question.text.split()[half:])]
    ax.set_title("\n".join([*lines, f"net: {answer}, people: {question.answer}"]), fontsize=6.5)
    ax.axis("off")
fig.suptitle("A mistake of each form", fontsize=11)
show(fig, "Five scenes with a question each, the net's wrong answer and the right one.")

# %% [markdown]
# ## 8. Ask it yourself
#
# Type a question, or take one. What does the net say about a thing that is not there? It was never
# told that one may decline to answer.

# %% tags=["demo", "nbval-ignore-output"]
SHOWN = 0  # another scene for testing: 0 to 499


def reply(text):
    """All answers with their probabilities; ValueError for what can't be asked."""
    data.parse_question(text)
    text = data.plain_question(text)
    found = vqa.answer_probabilities(pairs[0], features, [text], words)
    return list(zip(vqa.ANSWERS, found[0].tolist(), strict=True))


scene = scenes(0, "test")[0][SHOWN]
features = matching.place_features(eye, scene[None])
start = [q.text for q in TEST if q.scene == SHOWN]
AskScene(
    scene.transpose(1, 2, 0),
    reply,
    [*start, "what colour is the circle", "how many cats are there"],
)

# %% [markdown]
# ## 9. Your own photos
#
# The joint space learns from any photos with captions: a folder with a file `captions.json` in
# COCO's format,
#
#     {"images": [{"id": 1, "file_name": "rose.jpg"}],
#      "annotations": [{"image_id": 1, "caption": "a red rose"}]}
#
# Photos that are missing or broken are skipped, and you are told which. With fewer than 50 it does
# not start; a few thousand are needed, before a net that starts from nothing finds much.

# %% tags=["demo"]
FOLDER = None  # the name of your folder, as text

if FOLDER:
    photos = data.captioned_photos(FOLDER, least=50)
    own_words = scratch.build_vocab([t for texts in photos.captions for t in texts], min_count=2)
    ids = [matching.sentence_ids(texts, own_words) for texts in photos.captions]
    order = np.random.default_rng(seed).permutation(len(ids))
    asked, learned = np.split(order, [len(order) // 5])
    own, rng = matching.JointSpace(len(own_words)), np.random.default_rng(seed)
    mine = [ids[k] for k in learned]
    matching.train_matching(own, photos.images[learned], mine, hinge, 2000, rng)
    texts = [photos.captions[k][0] for k in asked]
    sim = matching.similarity(own, photos.images[asked], matching.sentence_ids(texts, own_words))
    print(f"a sentence for a picture: {recall_at_k_retrieval(sim, 5):.2f} @5 of {len(asked)}")

# %% [markdown]
# ## What you can do now
#
# - put two kinds of things into one space, by a loss on their similarities alone;
# - judge a search by its recall, both ways, and say what ties do to it;
# - make one vector of a picture and a question;
# - say what an accuracy is worth: how much of it the words give away, and where nothing else helps.
#
# With this, a picture has been put into words, found by words and asked in words. Notebook 18 asks
# *where* in it something is.
#
# **Sources.** Malinowski & Fritz (2014), *A multi-world approach to question answering about
# real-world scenes based on uncertain input*. Kiros, Salakhutdinov & Zemel (2014), *Unifying
# visual-semantic embeddings with multimodal neural language models*. Cho et al. (2014), *Learning
# phrase representations using RNN encoder–decoder*. Antol et al. (2015), *VQA: visual question
# answering*. Karpathy & Fei-Fei (2015), *Deep visual-semantic alignments for generating image
# descriptions*. Goyal et al. (2017), *Making the V in VQA matter*. Santoro et al. (2017), *A simple
# neural network module for relational reasoning*. Faghri et al. (2018), *VSE++: improving
# visual-semantic embeddings with hard negatives*. Yuksekgonul et al. (2023), *When and why
# vision-language models behave like bags-of-words, and what to do about it?*
