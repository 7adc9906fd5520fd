# %% [markdown]
# # 16 · Captions: from a picture to a sentence
#
# **The question.** A net is to say in a sentence what a picture shows. It has seen red circles and
# blue squares, and has read thousands of sentences about them. Now it sees a red square, for the
# first time. Will it say so?
#
# You will write what such a net is made of: the words as numbers, what a caption costs, where to
# look while writing, and how to find the best sentence. Then you will judge it, by a measure that
# flatters and by one that does not, and see what it takes to describe what was never seen.
#
# Seven exercises, 23 points.

# %% tags=["parameters"]
profile = "quick"  # "full" runs section 7's study anew: some 15 minutes on 2 cores
seed = 0

# %%
from collections import Counter

import matplotlib.pyplot as plt
import numpy as np
import torch
import torch.nn.functional as F

from pytools import check, data, models
from pytools.widgets import STYLE, AttentionMaps, describe_attention, draw_attention, show

plt.style.use(STYLE)
study = models.captioning_study

# %% [markdown]
# Two or three shapes lie on a grey ground. A sentence says of one how it lies to the others: `left
# of`, `right of`, `above` or `below`, by whichever is larger, the distance across or the one up and down. There is a sentence for
# each order in which one can name them, so 2 or 6, and all of them are right.
#
# Six of the thirty pairs of a colour and a shape are *held out*. The scenes to train and to test on
# never show them. A third set, `new`, has one such object in every scene. Each colour and each shape
# alone is well known from the training.


# %% tags=["demo"]
def draw(ax, image, title=""):
    ax.imshow(image.transpose(1, 2, 0), interpolation="nearest")
    ax.set_title(title, fontsize=8)
    ax.axis("off")


images, scenes = data.scenes("train", seed=seed, size=2000)
new_images, new_scenes = data.scenes("new", seed=seed, size=300)
fig, axes = plt.subplots(2, 3, figsize=(6.4, 4.4))
shown = [*zip(images, scenes, strict=True)][:3] + [*zip(new_images, new_scenes, strict=True)][:3]
for ax, (image, scene) in zip(axes.flat, shown, strict=True):
    draw(ax, image, data.captions(scene)[0].replace(" is ", "\nis ").replace(" and ", "\nand "))
fig.suptitle("Scenes to learn from (above), and with a held-out pair (below)", fontsize=11)
show(fig, "Six scenes of coloured shapes, each with a sentence; below each has a held-out pair.")
for caption in data.captions(scenes[0]):
    print(caption)

# %% [markdown]
# ## 1. Words and their ids
#
# ### Exercise 1 · `build_vocab` (2 points)
#
# A net reads and writes numbers. So each word gets one, its *id*, and four ids are set aside:
#
# | id | word | what it is for |
# |---|---|---|
# | 0 | `<pad>` | fills short captions up, so that a batch is one array |
# | 1 | `<start>` | comes before the first word |
# | 2 | `<end>` | comes after the last: a caption says itself when it is over |
# | 3 | `<unk>` | any word that is too rare to be learned |
#
# From id 4 on come the words of the captions, lower-cased and split at white space, if they occur
# `min_count` times or more in all captions together: the frequent before the rare, and equally
# frequent ones in alphabetical order, so that the same captions always give the same ids.


# %% nbgrader={"grade": false, "grade_id": "captioning-build_vocab-solution", "locked": false, "schema_version": 3, "solution": true, "task": false}
def build_vocab(captions, min_count):
    """Words and their ids.

    captions: a list of strings; min_count: an integer. Returns a dict, word -> id.
    """
    ### BEGIN SOLUTION
    counts = Counter(word for caption in captions for word in caption.lower().split())
    kept = [word for word, count in counts.items() if count >= min_count]
    kept.sort(key=lambda word: (-counts[word], word))
    words = ["<pad>", "<start>", "<end>", "<unk>", *kept]
    return {word: i for i, word in enumerate(words)}
    ### END SOLUTION


check("captioning.build_vocab", build_vocab)

# %% nbgrader={"grade": true, "grade_id": "captioning-build_vocab", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
check("captioning.build_vocab", build_vocab, points=2, seed=1)
### BEGIN HIDDEN TESTS
check("captioning.build_vocab", build_vocab, points=2, seed=9861)
### END HIDDEN TESTS


# %% [markdown]
# ### Exercise 2 · `encode` (2 points)
#
# A caption as ids: `<start>` in front, the words, lower-cased and split at white space, `<end>` behind.
# A word that is not in the vocabulary becomes `<unk>`. (Why the frame? The net is asked for each id
# from the ones before it. `<start>` is what stands before the first word, and `<end>` is an id that it
# has to learn to write, like any other.)


# %% nbgrader={"grade": false, "grade_id": "captioning-encode-solution", "locked": false, "schema_version": 3, "solution": true, "task": false}
def encode(caption, vocab):
    """The ids of <start>, of each word, and of <end>.

    caption: a string; vocab: word -> id, as build_vocab makes it. Returns a list of integers.
    """
    ### BEGIN SOLUTION
    ids = [vocab.get(word, vocab["<unk>"]) for word in caption.lower().split()]
    return [vocab["<start>"], *ids, vocab["<end>"]]
    ### END SOLUTION


check("captioning.encode", encode)

# %% nbgrader={"grade": true, "grade_id": "captioning-encode", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
check("captioning.encode", encode, points=2, seed=2)
### BEGIN HIDDEN TESTS
check("captioning.encode", encode, points=2, seed=9862)
### END HIDDEN TESTS


# %% [markdown]
# ### Exercise 3 · `decode` (2 points)
#
# And back: the words of some ids, with a space between. The caption is over at the first `<end>`,
# whatever a net wrote behind it; `<pad>` and `<start>` are left out; `<unk>` stays, so that one sees
# where a word was missing. There may be no `<end>` at all: then everything is read.


# %% nbgrader={"grade": false, "grade_id": "captioning-decode-solution", "locked": false, "schema_version": 3, "solution": true, "task": false}
def decode(ids, vocab):
    """The caption that some ids stand for.

    ids: a list or an array of integers; vocab: word -> id. Returns a string.
    """
    ### BEGIN SOLUTION
    words = {i: word for word, i in vocab.items()}
    found = []
    for i in ids:
        word = words[int(i)]
        if word == "<end>":
            break
        if word not in ("<pad>", "<start>"):
            found.append(word)
    return " ".join(found)
    ### END SOLUTION


check("captioning.decode", decode)

# %% nbgrader={"grade": true, "grade_id": "captioning-decode", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
check("captioning.decode", decode, points=2, seed=3)
### BEGIN HIDDEN TESTS
check("captioning.decode", decode, points=2, seed=9863)
### END HIDDEN TESTS


# %% tags=["demo"]
sentences = [data.captions(scene) for scene in scenes]
vocab = build_vocab([text for several in sentences for text in several], 1)
ids = encode(sentences[0][0], vocab)
print(", ".join(f"{word} {i}" for word, i in vocab.items()))
print(ids, "->", decode(ids, vocab))

# %% [markdown]
# ## 2. What a caption costs
#
# ### Exercise 4 · `caption_loss` (3 points)
#
# The net reads the true words up to $t$ and is asked for the next one (*teacher forcing*: it never sees
# its own mistakes while it learns). Its answer is a row of logits over the $V$ words, and what it pays is
# the cross-entropy with the true word $y_{nt}$ of caption $n$:
#
# $$L = \frac{1}{\sum_n T_n} \sum_n \sum_{t < T_n} -\log \operatorname{softmax}(z_{nt})_{y_{nt}}$$
#
# (`targets` are shifted already: $y_{nt}$ is the word that follows what was read up to $t$.)
#
# Captions differ in length, so rows are filled up to the longest. `lengths` holds $T_n$, how many of row
# $n$ are real; whatever stands behind is not asked for, costs nothing and gets no gradient. The mean is
# over all real words of the batch together, so that each word weighs the same, in a long caption or a
# short one. Work with tensors: the gradient is checked, too, and logits may be as large as $10^4$.


# %% nbgrader={"grade": false, "grade_id": "captioning-caption_loss-solution", "locked": false, "schema_version": 3, "solution": true, "task": false}
def caption_loss(logits, targets, lengths):
    """Cross-entropy, the mean over the real words of a batch.

    logits (N, T, V): a float tensor; targets (N, T), ids, and lengths (N,), 1 to T: tensors of
    integers. Returns one number, as a tensor.
    """
    ### BEGIN SOLUTION
    real = torch.arange(targets.shape[1]) < lengths[:, None]
    return F.cross_entropy(logits[real], targets[real])
    ### END SOLUTION


check("captioning.caption_loss", caption_loss)

# %% nbgrader={"grade": true, "grade_id": "captioning-caption_loss", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
check("captioning.caption_loss", caption_loss, points=3, seed=4)
### BEGIN HIDDEN TESTS
check("captioning.caption_loss", caption_loss, points=3, seed=9864)
### END HIDDEN TESTS


# %% [markdown]
# ## 3. A picture in one vector
#
# A net that captions has two parts. The *encoder* is convolutional and makes features of the
# picture; the *decoder* is an LSTM that writes. Vinyals et al. (2015) hand over one vector: the
# encoder's last layer. And they do not start from nothing: their encoder has learned on ImageNet to
# tell a thousand classes apart.
#
# Ours learns from the captions alone. Before it is asked for sentences, it learns which *words* a
# picture calls for (Fang et al., 2015). It gives evidence for each word in each of 8×8 places. Their
# *soft maximum*, nearly the evidence of the best place, counts for the picture, and the loss asks
# whether the word is in the captions:
#
# $$z_{nw} = \log \sum_l e^{z_{nlw}}, \qquad L = \text{mean cross-entropy of } \sigma(z_{nw}) \text{ with "word }
# w \text{ is in a caption of picture } n\text{"}$$
#
# Nobody says where the red thing is. But only the place that shows it can tell red pictures from
# others, so that is what the soft maximum finds.
#
# `Parts` hands your functions to the course's training. `task` holds scenes, their captions as ids,
# and a vocabulary of its own: each word once, so in alphabetical order.

# %% tags=["demo", "nbval-ignore-output"]
torch.set_num_threads(1)
torch.manual_seed(seed)
parts = study.Parts(build_vocab, encode, decode, caption_loss=caption_loss)
task = study.problem(seed, 2000, 300, parts)
detectors = models.WordDetectors(len(task.vocab))
losses = models.train_detectors(
    detectors, task.images, task.sentences, 60, np.random.default_rng(seed)
)
print(f"{models.parameters_of(detectors):,} weights; loss {losses[0]:.2f} -> {losses[-1]:.2f}")

# %% [markdown]
# That was a short lesson on 2,000 scenes. A longer one is stored with the course, with all nets of
# this page: `course build 16_captioning --retrain` makes them anew, by the cell below. What did the
# detectors learn?


# %% tags=["demo"]
def make_nets():
    """Detectors, and three writers: with attention, its backward twin, and with one vector."""
    torch.manual_seed(0)
    words = len(task.vocab)
    nets = {"detectors": models.WordDetectors(words)}
    for name in ("attention", "backward", "vector"):
        nets[name] = models.Captioner(words, 64, words + 2, attention=name != "vector")
    return torch.nn.ModuleDict(nets)


def train_nets(nets):
    """The recipe of the stored nets: three arms of section 7's study, some minutes."""
    lot = study.problem(0, study.SIZE, 1, study.Parts())
    for name, arm in study.TRAINED.items():
        eye, writer, _ = study.learn(arm, lot, 0, study.STEPS, study.Parts())
        nets[name].load_state_dict(writer.state_dict())
    nets["detectors"].load_state_dict(eye.state_dict())


nets = models.trained("captioner", make_nets, train_nets)

# %% tags=["demo"]
image, scene = task.asked["new"][0][0], task.asked["new"][1][0]
with torch.no_grad():
    seen = torch.sigmoid(nets["detectors"].evidence(torch.tensor(image[None])))[0]
named, other = scene.objects[0], scene.objects[1].shape
fig, axes = plt.subplots(1, 5, figsize=(6.4, 1.7))
draw(axes[0], image)
for ax, word in zip(axes[1:], [named.size, named.colour, named.shape, other], strict=True):
    ax.imshow(seen[task.vocab[word]], vmin=0, vmax=1, interpolation="nearest")
    ax.set_title(f"“{word}”", fontsize=9)
    ax.axis("off")
fig.suptitle("Where words are seen", fontsize=11)
show(fig, "A scene, and maps of 8 by 8 places: each word is seen where the object is.")

# %% [markdown]
# Now the decoder with one vector. The picture is 64 places of 27 numbers: the probability of each of
# the 25 ids, and where the place is, x and y. All 64 · 27 of them go through a linear layer and become
# one vector; the LSTM hears it before each word, beside the last word.


# %% tags=["demo", "nbval-ignore-output"]
def written(writer, images, width=1):
    """Captions of pictures; width 1: the most probable word each time (more in section 5)."""
    beams = models.beam(writer, models.features_of(nets["detectors"], images), width)
    return [decode(candidates[0].ids, task.vocab) for candidates in beams]


def exact(captions, scenes):
    """The share of captions that are, word for word, one of a scene's sentences."""
    rows = zip(captions, scenes, strict=True)
    return np.mean([c.split() in [text.split() for text in data.captions(s)] for c, s in rows])


test_images, test_scenes = task.asked["test"]
for caption, scene in zip(written(nets["vector"], test_images[:3]), test_scenes, strict=False):
    print(f"written: {caption}\ntrue:    {data.captions(scene)[0]}\n")
print(f"exact: {exact(written(nets['vector'], test_images), test_scenes):.0%} of the test scenes")

# %% [markdown]
# The grammar is right, and so are some of the words. But what each object is and where it lies has to
# be packed into one vector of 16 numbers and unpacked again, for all objects at once. With so few
# weights and so few steps that does not succeed. (A larger vector would do better, and cost more: here
# both decoders have as many weights.)
#
# ## 4. Where to look
#
# So do not squeeze. Let the decoder look at the picture again before each word, at the place that
# the word is about.
#
# ### Exercise 5 · `attend` (4 points)
#
# The picture is not one vector but $L$ of them, $f_{nl}$, one for each place of the encoder's last map
# (Xu et al., 2015). Before each word, the state $h_n$ of the LSTM asks all places at once, and each gets a
# score from a small net (Bahdanau, Cho & Bengio, 2015):
#
# $$e_{nl} = v^\top \tanh(f_{nl} W_f + h_n W_h + b), \qquad
# \alpha_{nl} = \frac{\exp e_{nl}}{\sum_{l'} \exp e_{nl'}}, \qquad
# c_n = \sum_l \alpha_{nl}\, f_{nl}$$
#
# with $W_f$ $(D, A)$, $W_h$ $(H, A)$, $b$ and $v$ $(A,)$. The weights $\alpha_n$ of the $L$ places are not
# negative and sum to 1: how much the net looks at each place. The context $c_n$ is what it sees there, and goes
# into the LSTM with the word before. Nothing here is a choice of one place, so that a gradient reaches
# everything: it is checked.


# %% nbgrader={"grade": false, "grade_id": "captioning-attend-solution", "locked": false, "schema_version": 3, "solution": true, "task": false}
def attend(features, hidden, params):
    """How much to look at each place, and what is seen there.

    features (N, L, D), hidden (N, H): tensors; params: a dict of tensors wf (D, A), wh (H, A),
    b (A,), v (A,). Returns context (N, D), weights (N, L).
    """
    ### BEGIN SOLUTION
    asked = hidden @ params["wh"] + params["b"]
    scores = torch.tanh(features @ params["wf"] + asked[:, None]) @ params["v"]
    weights = scores.softmax(dim=1)
    return (weights[:, :, None] * features).sum(dim=1), weights
    ### END SOLUTION


check("captioning.attend", attend)

# %% nbgrader={"grade": true, "grade_id": "captioning-attend", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
check("captioning.attend", attend, points=4, seed=5)
### BEGIN HIDDEN TESTS
check("captioning.attend", attend, points=4, seed=9865)
### END HIDDEN TESTS


# %% [markdown]
# Our decoder differs in one thing: $c_n$ goes straight to the output, and the logits are
# $c_n W_c + h'_n W_o + b_o$ with the LSTM's new state $h'_n$, so that a word which is seen can be
# written at once. The LSTM hears only *where* the net looks, the two last features of $c_n$. Section 7
# says why, and asks whether it helps.


# %% tags=["demo", "nbval-ignore-output"]
def lesson(attention, steps=120):
    """A new writer after a short lesson with your `attend` and `caption_loss`, and its losses."""
    torch.manual_seed(seed)
    words, rng = len(task.vocab), np.random.default_rng(seed)
    writer = models.Captioner(words, 64, words + 2, attention, attend=attend)
    known = [several[:1] for several in task.sentences]  # one sentence for each scene: section 7
    losses = models.train_captioner(
        writer, nets["detectors"], task.images, known, steps, rng, loss=caption_loss
    )
    return writer, losses


# %% tags=["demo", "nbval-ignore-output"]
fig, ax = plt.subplots(figsize=(5.4, 2.8))
for attention, name in [(False, "one vector"), (True, "attention")]:
    writer, losses = lesson(attention)
    smooth = np.convolve(losses, np.ones(10) / 10, mode="valid")
    ax.plot(smooth, label=f"{name}: {models.parameters_of(writer):,} weights")
ax.set(
    title="The first steps of two writers", xlabel="step", ylabel="loss per word", ylim=(0, None)
)
ax.legend()
show(fig, "Two falling curves of the loss, one for each kind of decoder.")

# %% [markdown]
# Both have as many weights. The stored one with attention has had a longer lesson. Where does it look
# while it writes? Each small picture keeps its colours where the weight $\alpha$ is high and is pale
# elsewhere; above it stand the word that is written and the largest weight. Relations are where it
# gets interesting: "above" is not a thing to look at.


# %% tags=["demo", "nbval-ignore-output"]
def looked_at(image, width=1):
    """The words of a caption, and where the net looked for each: (words, 8, 8)."""
    seen = models.features_of(nets["detectors"], image[None])
    ids = models.beam(nets["attention"], seen, width)[0][0].ids
    weights = models.looks(nets["attention"], seen, ids)[:-1]
    return decode(ids, task.vocab).split(), weights.reshape(-1, 8, 8).numpy()


# %% tags=["demo", "nbval-ignore-output"]
words, weights = looked_at(test_images[1])
picture = test_images[1].transpose(1, 2, 0)
show(draw_attention(picture, words, weights), describe_attention(words, weights))
by_net = exact(written(nets["attention"], test_images), test_scenes)
print(f"exact: {by_net:.0%} of the test scenes")
assert by_net > exact(written(nets["vector"], test_images), test_scenes) + 0.2

# %% [markdown]
# ## 5. The best of many captions
#
# So far the most probable word was written each time, and never taken back.
#
# ### Exercise 6 · `beam_search` (5 points)
#
# The net gives the probability of each next word. To write the most probable word each time is *greedy*, and
# may miss the most probable caption: a good second word can hide behind a poor first one. *Beam search*
# keeps the `width` best beginnings instead of one.
#
# A *hypothesis* is a list of ids that begins with `start`; it is worth the sum of the log-probabilities of
# its ids. `step(prefix)` takes such a list and returns the log-probabilities, an array $(V,)$, of the
# next id. At each step,
# 1. every hypothesis that has not written `end` is continued by each of the $V$ ids;
# 2. of these and the finished ones together, the `width` best stay. A finished one is not continued, and
# keeps its sum.
#
# It is over when all that stay are finished, or after `max_len` new ids, `end` counted. The best hypothesis wins,
# by its sum as it is, not divided by its length. Return its ids without `start` and `end`; where nothing
# has written `end` by then, each counts as far as it came. Width 1 is greedy.


# %% nbgrader={"grade": false, "grade_id": "captioning-beam_search-solution", "locked": false, "schema_version": 3, "solution": true, "task": false}
def beam_search(step, start, end, width, max_len):
    """The ids of the best caption that a beam finds.

    step(prefix): a list of ids, start first -> log-probabilities (V,) of the next id; start, end:
    ids; width, max_len: integers >= 1. Returns a list of ids, without start and end.
    """
    ### BEGIN SOLUTION
    beam = [(0.0, [start])]
    for _ in range(max_len):
        grown = [(total, ids) for total, ids in beam if end in ids[1:]]
        for total, ids in beam:
            if end not in ids[1:]:
                grown += [(total + score, [*ids, i]) for i, score in enumerate(step(ids))]
        beam = sorted(grown, key=lambda pair: pair[0], reverse=True)[:width]
        if all(end in ids[1:] for _, ids in beam):
            break
    best = beam[0][1][1:]
    return best[:-1] if best[-1] == end else best
    ### END SOLUTION


check("captioning.beam_search", beam_search)

# %% nbgrader={"grade": true, "grade_id": "captioning-beam_search", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
check("captioning.beam_search", beam_search, points=5, seed=6)
### BEGIN HIDDEN TESTS
check("captioning.beam_search", beam_search, points=5, seed=9866)
### END HIDDEN TESTS


# %% [markdown]
# Now your search on the net with one vector, where it is unsure. `step` runs the words so far through
# the LSTM and returns the last answer. It is slow; `models.beam` does the same for all pictures at
# once.


# %% tags=["demo", "nbval-ignore-output"]
def stepper(writer, seen):
    """step(prefix) for your beam_search: log-probabilities of the next word of one picture."""

    def step(prefix):
        with torch.no_grad():
            ids = torch.tensor([[*prefix, 0]])
            return writer(seen, ids)[0, -1].log_softmax(0).numpy()

    return step


narrow, wide = (written(nets["vector"], test_images, width) for width in (1, 3))
place = next((i for i, text in enumerate(narrow) if wide[i] != text), 0)  # where they differ
seen = models.features_of(nets["detectors"], test_images[place : place + 1])
for width in (1, 3):
    step = stepper(nets["vector"], seen)
    ids = beam_search(step, task.vocab["<start>"], task.vocab["<end>"], width, 24)
    score = models.log_probability(nets["vector"], seen, [ids]).item()
    print(f"width {width}: log p = {score:.2f}  {decode(ids, task.vocab)}")
print(f"true:                    {data.captions(test_scenes[place])[0]}")

# %% [markdown]
# ## 6. How good is a caption?
#
# "Exact" is strict: a caption with one wrong word counts as much as a random one. Real photos have
# no list of all right sentences, so one counts what a caption shares with some of them.
#
# ### Exercise 7 · `bleu` (5 points)
#
# How good is a caption, if people would have written others? BLEU (Papineni et al., 2002) counts what a
# *candidate* shares with several *references*: words, pairs of words, and so on, its $n$-grams up to
# $n$ = `max_n`. All sums are over the whole corpus:
#
# $$p_n = \frac{\sum_{\text{candidates}} \sum_{g} \min(\text{count}(g),\ \max_{\text{ref}} \text{count}_{\text{ref}}(g))}
# {\sum_{\text{candidates}} \sum_{g} \text{count}(g)}, \qquad
# \text{BLEU} = \min(1, e^{1 - r/c}) \cdot \Bigl(\prod_{n} p_n\Bigr)^{1/\text{max\_n}}$$
#
# - $g$ runs over the different $n$-grams of a candidate. It counts at most as often as the one reference
# that has it most often: "the the the" earns little.
# - A candidate of fewer than $n$ words has no $n$-grams: it adds 0 to both sums.
# - $c$ is the number of words of all candidates. $r$ sums, over the candidates, the length of the reference that is
# nearest to the candidate in length, the shorter one where two are as near. Short candidates pay, long ones do
# not earn.
# - Where a $p_n$ is 0, or has no $n$-grams at all to look at, BLEU is 0: there is no smoothing.
#
# One number for all, not a mean of the candidates' own.


# %% nbgrader={"grade": false, "grade_id": "captioning-bleu-solution", "locked": false, "schema_version": 3, "solution": true, "task": false}
def bleu(candidates, references, max_n=4):
    """BLEU of a corpus, 0 to 1.

    candidates: a list of N lists of words; references: for each candidate a list of one or more
    such lists. Returns a number.
    """

    ### BEGIN SOLUTION
    def ngrams(words, n):
        return Counter(tuple(words[i : i + n]) for i in range(len(words) - n + 1))

    pairs, log_p = list(zip(candidates, references, strict=True)), 0.0
    for n in range(1, max_n + 1):
        found = total = 0
        for candidate, texts in pairs:
            mine, most = ngrams(candidate, n), Counter()
            for text in texts:
                most |= ngrams(text, n)
            found, total = found + sum((mine & most).values()), total + sum(mine.values())
        if found == 0:
            return 0.0
        log_p += np.log(found / total) / max_n
    c = sum(map(len, candidates))
    r = sum(min((abs(len(t) - len(x)), len(t)) for t in texts)[1] for x, texts in pairs)
    return min(1.0, np.exp(1 - r / c)) * np.exp(log_p)
    ### END SOLUTION


check("captioning.bleu", bleu)

# %% nbgrader={"grade": true, "grade_id": "captioning-bleu", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
check("captioning.bleu", bleu, points=5, seed=7)
### BEGIN HIDDEN TESTS
check("captioning.bleu", bleu, points=5, seed=9867)
### END HIDDEN TESTS


# %% [markdown]
# Is it a good measure? Take true captions and spoil each one: a colour that is another one now. Not
# one of them is true any more.


# %% tags=["demo"]
def spoiled(caption, rng):
    """A caption with one colour changed for another."""
    words = caption.split()
    place = rng.choice([i for i, word in enumerate(words) if word in COLOURS])
    words[place] = rng.choice([colour for colour in COLOURS if colour != words[place]])
    return words


COLOURS = ["red", "green", "blue", "yellow", "purple", "white"]
rng = np.random.default_rng(seed)
truth = [[text.split() for text in data.captions(scene)] for scene in test_scenes]
wrong = [spoiled(data.captions(scene)[0], rng) for scene in test_scenes]
flattered = bleu(wrong, truth)
right = exact([" ".join(words) for words in wrong], test_scenes)
print(f"every caption false: exact {right:.0%}, BLEU-4 {flattered:.2f}")
assert right == 0 and flattered > 0.6

# %% [markdown]
# BLEU flatters: the grammar alone is worth a good part of it, and it does not know that the one
# changed word was the point. Read it as what it is, a count of shared phrases. On this page, the share
# of *exact* captions will be the judge.
#
# ## 7. What was never seen
#
# Back to the question. In each scene of `new` there is a pair of colour and shape that no training
# scene had. What should a net write of a red square? In all that it has read, there was never "square"
# after "red".
#
# There are several ways for a net to learn that red things are not square, and each can be closed:
#
# | step | the way that it closes |
# |---|---|
# | *detectors*: the encoder learns words first, each for itself | features made for pairs, since only whole phrases are asked for |
# | *apart*: shapes are seen in a picture without colours, colours without shapes; a word is seen where either sees it | "this is red, so it is no square" in the encoder |
# | *hears places*: the LSTM hears where the net looks, not what is there; what is there goes straight to the output | "I have seen red, so no square" in the LSTM |
# | *one order*: of a scene's sentences, the one from left to right is learned | (none: it is easier to learn) |
#
# *Apart* is knowledge of ours, put into the net: that a shape is a shape in any colour. The others
# are not about colours or shapes at all.
#
# One way is still open: the LSTM hears its own last word, so that it may learn "I have written red, so
# no square". One more arm *forgets*: in training it does not hear half of the words, by chance.
# Before you look: which step do you think matters most? Is forgetting needed?
#
# Three goals were set before the study: a BLEU-4 of .95, .85 exact captions, and .50 on new pairs.
# Each arm of the study lacks one step, one lacks attention, one lacks all steps. Writers have about as
# many weights; those whose LSTM hears what is seen need some more for its ears. With
# `profile = "full"` the next cell runs all arms with three seeds, in two processes and by the course's
# own copies of your functions, and keeps what came of it; else it reads what is kept.

# %% tags=["demo"]
parts = study.Parts(build_vocab, encode, decode, bleu, caption_loss, attend)
if profile == "full":
    study.keep(study.run_study([0, 1, 2], processes=2))
kept = study.kept()
rows = kept["rows"]
print(f"measured on {kept['date']}: {kept['size']} scenes, steps {kept['steps']},")
print(f"seeds {sorted({row['seed'] for row in rows})}\n")
print("\n".join(study.table(rows)))

# %% tags=["demo"]
fig, ax = plt.subplots(figsize=(6.4, 3.6))
arms = list(dict.fromkeys(row["arm"] for row in rows))
for shift, (split, name) in zip(
    (-0.2, 0.2), [("test", "known pairs"), ("new", "new pairs")], strict=True
):
    means = [study.mean(rows, arm, split, "exact") for arm in arms]
    ax.barh(np.arange(len(arms)) + shift, means, 0.38, label=name)
    for place, arm in enumerate(arms):
        dots = [row[split]["exact"] for row in rows if row["arm"] == arm]
        ax.plot(dots, [place + shift] * len(dots), "k.", markersize=4)
ax.set(
    yticks=range(len(arms)),
    yticklabels=arms,
    ylabel="arm",
    xlim=(0, 1.4),
    xlabel="exact captions (dots: seeds)",
)
ax.set_title("What new pairs need")
ax.invert_yaxis()
ax.grid(axis="y", visible=False)
ax.legend(loc="lower right")
show(fig, "Bars: exact captions of known and of new pairs, for each arm of the study.")

# %% [markdown]
# What follows is computed from the table: an arm is *worse* where it has fewer exact captions on new
# pairs at every seed.

# %% tags=["demo"]
print("\n".join(study.conclusions(rows)))
full, vector = (
    [study.mean(rows, arm, split, "exact") for split in ("test", "new")]
    for arm in (study.ALL, study.VECTOR)
)
assert full[0] > vector[0] + 0.2 and full[1] > vector[1] + 0.2

# %% [markdown]
# Two steps that sounded as plausible as the others, *hears places* and *forgets*, make no clear
# difference: a way that is open need not be taken. Before the study had three seeds, one of them looked
# like a small gain. And *detectors* cost a little on known pairs, where a net that may learn features for
# pairs has it easier.
#
# And the question of the beginning: what does the stored net write of a red square?

# %% tags=["demo", "nbval-ignore-output"]
lot, found = data.scenes("new", seed=seed + 10, size=200)
has_it = [any((t.colour, t.shape) == ("red", "square") for t in s.objects) for s in found]
red = np.flatnonzero(has_it)[:20]
texts = written(nets["attention"], lot[red])
fig, ax = plt.subplots(figsize=(3, 2.4))
draw(ax, lot[red[0]], texts[0].replace(" is ", "\nis ").replace(" and ", "\nand "))
show(fig, "A scene with a red square, and the caption that the net wrote above it.")
share = exact(texts, [found[i] for i in red])
print(f"exact: {share:.0%} of {len(red)} scenes with a red square")

# %% [markdown]
# Settings were chosen by looking at the scores of seed 0; no setting was changed after seeds 1 and 2.
#
# Mind what this proves. *Apart* works because we told the net that colour and shape are two things, in
# a world that is made so. A net that finds out by itself which properties can be combined freely is
# still an open problem; that a benchmark of known combinations does not show it is the lesson.
#
# ## 8. Read backwards, too
#
# A writer that goes from left to right has to choose the first word before it knows the last. Train
# a second one on the sentences from right to left, and let it score what the first one's beam found:
# the caption with the best sum of both log-probabilities wins (after Wang et al., 2016, whose two
# directions each wrote a sentence). Does it help?


# %% tags=["demo", "nbval-ignore-output"]
def directions(split, number):
    """Exact captions of a set of scenes: forward alone, both, and by a judge who is never wrong."""
    asked_images, asked_scenes = data.scenes(split, seed=number, size=200)
    seen = models.features_of(nets["detectors"], asked_images)
    found = models.beam(nets["attention"], seen, 5)
    both = models.rescored(found, nets["backward"], seen)
    judged = [study.judge(b, asked_scenes, task.vocab, parts)["exact"] for b in (found, both)]
    right = [
        any(exact([decode(candidate.ids, task.vocab)], [scene]) for candidate in candidates)
        for candidates, scene in zip(found, asked_scenes, strict=True)
    ]
    return [*judged, np.mean(right)]


for split in ("test", "new"):
    sets = np.array([directions(split, number) for number in range(seed, seed + 3)])
    for name, column in zip(("forward", "both directions", "perfect judge"), sets.T, strict=True):
        print(f"{split:5}{name:17}{column.mean():.3f} ({column.min():.3f}–{column.max():.3f})")
    print(f"     both, less forward, set by set: {np.round(sets[:, 1] - sets[:, 0], 3)}")

# %% [markdown]
# Three sets of 200 scenes each, one pair of nets. The perfect judge finds a right caption wherever the
# beam of five holds one: no second opinion can do better, since it can choose, but not write. What
# the second direction wins where it wins is also what two nets win over one; a second *forward* net
# would tell the two apart.
#
# ## 9. Play with it
#
# The width of the beam is a slider. Does the net look elsewhere when it writes another sentence?

# %% tags=["demo", "nbval-ignore-output"]
new_image = task.asked["new"][0][0]
AttentionMaps(new_image.transpose(1, 2, 0), lambda width: looked_at(new_image, width))

# %% [markdown]
# ## 10. Your own photos
#
# A folder of photos with captions, in the format of COCO's caption files (Chen et al., 2015): a file
# `captions.json` beside the photos, with
#
#     {"images": [{"id": 1, "file_name": "rose.jpg"}],
#      "annotations": [{"image_id": 1, "caption": "a red rose in the rain"}]}
#
# Photos that are missing or broken and captions that are empty are left out, and you are told which.
# Set `FOLDER`. The nets here are small and know nothing of the world: with some hundreds of photos
# they learn those by heart, and that is all. Try them on photos that they have not learned.

# %% tags=["demo"]
FOLDER = None  # the name of your folder, as text
if FOLDER:
    photos = data.captioned_photos(FOLDER)
    own_vocab = build_vocab([text for several in photos.captions for text in several], 2)
    own_ids = [[encode(text, own_vocab) for text in several] for several in photos.captions]
    eye = models.WordDetectors(len(own_vocab), apart=False)
    models.train_detectors(eye, photos.images, own_ids, 500, np.random.default_rng(seed))
    writer = models.Captioner(len(own_vocab), 64, len(own_vocab) + 2, hears_place=False)
    models.train_captioner(writer, eye, photos.images, own_ids, 1000, np.random.default_rng(seed))
    for candidates in models.beam(writer, models.features_of(eye, photos.images[:5]), 3):
        print(decode(candidates[0].ids, own_vocab))

# %% [markdown]
# ## What you can do now
#
# - Turn sentences into ids and back, and train a net to write by showing it the truth so far.
# - Let a decoder look at a picture anew for each word, and see where it looks.
# - Search for the best sentence, and let a second net judge what was found.
# - Say what BLEU counts, and why a high one proves little.
# - Test a net on *combinations* that it never saw, find the ways by which it learned too much, and
#   show by leaving out one step at a time which of them mattered.
#
# Next: **17 · Matching and questions**, where sentences and pictures meet in one space, and pictures
# answer questions.
#
# **Sources.** Vinyals, Toshev, Bengio & Erhan (2015), *Show and tell: a neural image caption
# generator*. Xu et al. (2015), *Show, attend and tell: neural image caption generation with visual
# attention*. Fang et al. (2015), *From captions to visual concepts and back*. Bahdanau, Cho & Bengio
# (2015), *Neural machine translation by jointly learning to align and translate*. Papineni, Roukos,
# Ward & Zhu (2002), *BLEU: a method for automatic evaluation of machine translation*. Wang, Yang,
# Bartz & Meinel (2016), *Image captioning with deep bidirectional LSTMs*. Chen et al. (2015),
# *Microsoft COCO captions: data collection and evaluation server*.
