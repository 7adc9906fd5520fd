# %% [markdown]
# # 15 · Reading lines
#
# **The question.** A page is to become text. A reader has to find the letters first, you would
# think, and then to name each. But where does a letter end, when it touches the next one, and when
# *rn* looks like *m*? Can a net read a whole line without ever being told?
#
# It can: print in four scripts was read so, by a bidirectional LSTM with CTC. Error rates of
# recognition alone, as they were published (handed down to us without their paper; on other data than
# ours, so they are no yardstick for this page):
#
# | published, % wrong | English | Hindi | Tamil | Malayalam |
# |---|---|---|---|---|
# | read word by word | .93 | 2.30 | 2.44 | .88 |
# | read line by line | .65 | 2.00 | 4.00 | .74 |
#
# You write the parts that make it possible, and then a net learns to read fonts that it has never
# seen: with context from one side, and from both.
#
# Six exercises, 20 points.

# %% tags=["parameters"]
profile = "quick"  # "full" trains six readers: some 18 minutes on two processor cores
seed = 0

# %%
from collections import Counter, defaultdict

import matplotlib.pyplot as plt
import numpy as np
import torch
import torch.nn.functional as F

from pytools import check, data, models, scratch
from pytools.widgets import STYLE, describe_readings, draw_readings, show, watch_lattice

plt.style.use(STYLE)
torch.set_num_threads(1)
reader, study = models.recogniser, models.ocr_study

# %% [markdown]
# ## 1. Where does a letter end?
#
# The lines are entries in a register: names, dates, things. They are set in the fonts that come with
# matplotlib, and then spoiled, as ink and paper and scanners do it. Fifteen fonts are for learning.
# Five are kept back for the test, one of each family: a bold one, say, where the regular one is
# known. A sixth, *cmss10*, is the harder test: of its family, Computer Modern, the fifteen
# have only faces with serifs. The names in
# the test are new as well.

# %% tags=["demo"]
known, new = data.text_lines("train", size=4, seed=seed), data.text_lines("test", size=4, seed=seed)
fig, axes = plt.subplots(4, 2, figsize=(6.4, 3.2))
for column, lines in zip(axes.T, (known, new), strict=True):
    for ax, image, font in zip(column, lines.images, lines.fonts, strict=True):
        ax.imshow(image, cmap="gray_r", vmin=0, vmax=1)
        ax.set_title(font, fontsize=8)
        ax.axis("off")
fig.suptitle("Fonts to learn from (left), and fonts for the test", fontsize=11)
show(fig, "Eight spoiled lines of print, slanted, pale, blurred and noisy, in eight fonts.")

# %% [markdown]
# The old way is to cut the line where a column of pixels has no ink, and to name each piece. Let us
# try that on *clean* lines, the easiest there are.

# %% tags=["demo"]
text, font = "Fiona's warm kettle", "DejaVuSerif-Italic"
line = data.draw_line(text, font)
ink = line.max(axis=0) > 0.2
begins = np.flatnonzero(ink[1:] & ~ink[:-1])
fig, ax = plt.subplots(figsize=(6.4, 1.8))
ax.imshow(line, cmap="gray_r")
ax.vlines(begins, -0.5, line.shape[0] - 0.5, linewidth=1)
symbols = len(text.replace(" ", ""))
ax.set(title=f"{symbols} symbols, {len(begins)} pieces: cuts where there is no ink", yticks=[])
ax.set_xlabel("column")
ax.grid(False)
show(fig, "A clean line in italics; the cuts between columns with ink miss several letters.")

# %% tags=["demo"]
wrong, lines = 0, data.text_lines("test", size=200, seed=seed)
for text, font in zip(lines.texts, lines.fonts, strict=True):
    ink = data.draw_line(text, font).max(axis=0) > 0.2
    wrong += np.sum(ink[1:] & ~ink[:-1]) != len(text.replace(" ", ""))
print(f"clean lines whose pieces are not as many as their letters: {wrong} of {len(lines.texts)}")
assert wrong > 50

# %% [markdown]
# So let us not cut. A line is a **sequence of columns**, read from left to right as you read it. Two
# columns make a *frame*; the net says for each frame which symbol it sees. A letter is about five
# frames wide. The net's answer is longer than the text, and of all the ways to spread a text over
# the frames, nobody has told us the right one.

# %% [markdown]
# ## 2. From a path to a text
#
# Graves and others (2006) turn the question round: let the net name one symbol a frame, a **path**, and say which text a path stands for:
#
# 1. merge symbols that stand side by side and are equal,
# 2. then drop the **blanks**, an extra symbol for "nothing new here", written –.
#
# So `hh–e–ll–lo` is *hello*, and `hh–e–llllo` is *helo*: only a blank between keeps two equal letters
# apart. The quickest way to read a line is the text of its best path.
#
# ### Exercise 1 · `greedy_decode` (2 points)
#
# `log_probs` (T, C) are the log probabilities of C symbols in T frames, `blank` is the number of the
# blank. Take the best symbol of each frame, and return the text of this path: a list of numbers.


# %% nbgrader={"grade": false, "grade_id": "ocr-greedy_decode-solution", "locked": false, "schema_version": 3, "solution": true, "task": false}
def greedy_decode(log_probs, blank=0):
    """The symbols of the best path of log_probs (T, C), merged, without blanks: a list."""
    ### BEGIN SOLUTION
    text, before = [], blank
    for symbol in np.argmax(log_probs, axis=1).tolist():
        if symbol != before and symbol != blank:
            text.append(symbol)
        before = symbol
    return text
    ### END SOLUTION


check("ocr.greedy_decode", greedy_decode)

# %% nbgrader={"grade": true, "grade_id": "ocr-greedy_decode", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
check("ocr.greedy_decode", greedy_decode, points=2, seed=1)
### BEGIN HIDDEN TESTS
check("ocr.greedy_decode", greedy_decode, points=2, seed=9151)
### END HIDDEN TESTS

# %% [markdown]
# ## 3. All paths at once
#
# To train the net we want the probability of the right text: the sum over all paths that stand for
# it. There are far too many to list them. But they share their beginnings, so count as for a walk
# through a lattice. Write the text with blanks around each letter, $S = 2L + 1$ **states**
# $z = (–, y_1, –, y_2, \dots, y_L, –)$. A path starts on one of the first two states, and in each
# frame it
#
# - stays on its state,
# - or goes on to the next one,
# - or skips a blank: from a letter to the next letter, **unless the two are equal** (they would be
#   merged).
#
# It ends on one of the last two. In the first frame only states 1 and 2 are possible; whatever is
# impossible, or left of state 1, has the log −∞. Let $\alpha_t(s)$ be the log of the summed probability of all ways
# to stand on state $s$ in frame $t$, this frame included. With $\oplus$ for adding probabilities by
# their logs, $a \oplus b = \log(e^a + e^b)$ (`np.logaddexp`; a sum of 300 small logs would leave the
# range of floats if we took the exponential):
#
# $$\alpha_t(s) = \log p_t(z_s) + \bigl[\alpha_{t-1}(s) \oplus \alpha_{t-1}(s-1) \oplus
# \alpha_{t-1}(s-2) \text{ if } z_s \ne z_{s-2}\bigr] \qquad
# \ell = -\bigl[\alpha_T(S) \oplus \alpha_T(S-1)\bigr]$$
#
# ($z_s \ne z_{s-2}$ takes care of blanks, too: two blanks are equal.) The same sums from the end
# backwards are $\beta_t(s)$: run the same code on the reversed lattice. Through state $s$ in frame $t$
# go paths with the log probability $\alpha_t(s) + \beta_t(s) - \log p_t(z_s)$; their share of all,
# the **posterior**, is how sure we are that frame $t$ shows $z_s$, now that we know the text. And that,
# with its sign turned, is the gradient. Several states may show one symbol $k$; add them:
#
# $$\frac{\partial \ell}{\partial \log p_t(k)} = -\sum_{s:\, z_s = k}
# e^{\alpha_t(s) + \beta_t(s) - \log p_t(z_s) + \ell}$$
#
# (Through a softmax this turns into $p_t(k)$ − posterior, the form in most papers; here each
# entry of `log_probs` stands for itself.)
#
# ### Exercise 2 · `ctc_loss` (6 points)
#
# `log_probs` (T, C), `labels` (L,) without blanks. Return the loss and its gradient (T, C). Where no
# path is possible, because the text needs more frames than there are, the loss is `np.inf` and the
# gradient 0. `labels` may be empty: then blanks are the only path, and there is one state.


# %% nbgrader={"grade": false, "grade_id": "ocr-ctc_loss-solution", "locked": false, "schema_version": 3, "solution": true, "task": false}
def ctc_loss(log_probs, labels, blank=0):
    """The CTC loss of labels (L,) for log_probs (T, C), and its gradient (T, C)."""

    ### BEGIN SOLUTION
    def sums(emitted, states):
        skip = np.where(states[2:] != states[:-2], 0, -np.inf)
        before = np.where(np.arange(len(states)) < 1, 0, -np.inf)  # in front of the first frame
        alpha = []
        for frame in emitted:
            came = before.copy()
            came[1:] = np.logaddexp(came[1:], before[:-1])
            came[2:] = np.logaddexp(came[2:], before[:-2] + skip)
            before = came + frame
            alpha.append(before)
        return np.array(alpha)

    states = np.full(2 * len(labels) + 1, blank)
    states[1::2] = labels
    emitted = log_probs[:, states]
    alpha, beta = sums(emitted, states), sums(emitted[::-1, ::-1], states[::-1])[::-1, ::-1]
    loss, grad = -np.logaddexp.reduce(alpha[-1, -2:]), np.zeros_like(log_probs)
    if loss < np.inf:
        np.subtract.at(grad, (slice(None), states), np.exp(alpha + beta - emitted + loss))
    return loss, grad
    ### END SOLUTION


check("ocr.ctc_loss", ctc_loss)

# %% nbgrader={"grade": true, "grade_id": "ocr-ctc_loss", "locked": true, "points": 6, "schema_version": 3, "solution": false, "task": false}
check("ocr.ctc_loss", ctc_loss, points=6, seed=2)
### BEGIN HIDDEN TESTS
check("ocr.ctc_loss", ctc_loss, points=6, seed=9152)
### END HIDDEN TESTS

# %% [markdown]
# **By hand.** Three frames, in each the blank and *a* are equally likely. Of the 8 paths, 6 stand for
# the text *a*: a––, –a–, ––a, aa–, –aa, aaa. (Which are the other two?) So its probability is 6/8:

# %% tags=["demo"]
loss, grad = ctc_loss(np.log(np.full((3, 2), 0.5)), [1])
print(f"your loss {loss:.4f}, by hand {-np.log(6 / 8):.4f}\n- gradient (frame, symbol):\n{-grad}")

# %% [markdown]
# Each row sums to 1: in the middle frame *a* is named by four of the six paths, the blank by two. On
# a real problem, torch has to agree, and its gradient is a second witness:

# %% tags=["demo"]
rng = np.random.default_rng(seed)
scores = torch.tensor(rng.normal(0, 2, (60, 1, 40))).log_softmax(2).requires_grad_()
labels = rng.integers(1, 40, 20)
loss, grad = ctc_loss(scores[:, 0].detach().numpy(), labels)
size = torch.tensor([60]), torch.tensor([20])
theirs = F.ctc_loss(scores, torch.tensor(labels[None]), *size, reduction="sum")
theirs.backward()
expected = scores.exp()[:, 0].detach().numpy() + grad
apart = np.abs(scores.grad[:, 0].numpy() - expected).max()
print(f"your loss {loss:.6f}, torch's {theirs.item():.6f}; gradients differ by {apart:.0e} at most")

# %% [markdown]
# (Torch's gradient is $p$ − posterior: it takes the softmax to come before. So $p$ was added to
# yours.)

# %% [markdown]
# ## 4. A better text than the best path
#
# The best path need not give the best text. Two frames, a and blank: p(–) = .6 and p(a) = .4 in both.
# The best path is –– (.36), the empty text. But *a* has three paths, a–, –a and aa: .24 + .24 + .16 =
# .64. A **prefix beam search** (Hannun and others, 2014) goes frame by frame and keeps the `width` most
# probable beginnings of a text. Each beginning, a *prefix*, has two scores: of its paths that end on a
# blank, and of those that end on its last letter. With the symbol $k$ of the next frame:
#
# - $k$ is the blank: the prefix stays, from both scores to "ends on a blank";
# - $k$ is its last letter again: from "ends on the letter" the prefix stays (merged); from "ends on a
#   blank" it grows by a second $k$;
# - any other $k$: it grows by $k$, from both scores.
#
# What reaches the same prefix in different ways is added.
#
# ### Exercise 3 · `beam_decode` (5 points)
#
# Return the most probable text, a list of numbers. Scores are logs: begin with the empty prefix, 0 on
# a blank and −∞ on a letter, and add with `np.logaddexp`. The check's widths have room for all prefixes.
# `defaultdict(lambda: [-np.inf, -np.inf])` makes a pair of scores for each prefix that comes up; a
# prefix has to be a tuple to be a key.


# %% nbgrader={"grade": false, "grade_id": "ocr-beam_decode-solution", "locked": false, "schema_version": 3, "solution": true, "task": false}
def beam_decode(log_probs, width, blank=0):
    """The best text by prefix search with so many prefixes at a time: a list."""
    ### BEGIN SOLUTION
    beam = {(): [0.0, -np.inf]}  # prefix: its paths that end on a blank, on its last letter
    for frame in log_probs:
        grown = defaultdict(lambda: [-np.inf, -np.inf])

        def add(prefix, end, score, grown=grown):
            grown[prefix][end] = np.logaddexp(grown[prefix][end], score)

        for prefix, (on_blank, on_letter) in beam.items():
            both = np.logaddexp(on_blank, on_letter)
            for k, score in enumerate(frame):
                if k == blank:
                    add(prefix, 0, both + score)
                elif prefix[-1:] == (k,):
                    add(prefix, 1, on_letter + score)
                    add((*prefix, k), 1, on_blank + score)
                else:
                    add((*prefix, k), 1, both + score)
        best = sorted(grown, key=lambda prefix: -np.logaddexp(*grown[prefix]))
        beam = {prefix: grown[prefix] for prefix in best[:width]}
    return list(next(iter(beam)))
    ### END SOLUTION


check("ocr.beam_decode", beam_decode)

# %% nbgrader={"grade": true, "grade_id": "ocr-beam_decode", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
check("ocr.beam_decode", beam_decode, points=5, seed=3)
### BEGIN HIDDEN TESTS
check("ocr.beam_decode", beam_decode, points=5, seed=9153)
### END HIDDEN TESTS

# %% tags=["demo"]
example = np.log([[0.6, 0.4], [0.6, 0.4]])
print(f"best path: {greedy_decode(example)}, prefix search: {beam_decode(example, 4)}")

# %% [markdown]
# ## 5. How wrong is a reading?
#
# One missing letter shifts all that follow, so comparing place by place will not do. The **edit
# distance** (Levenshtein, 1966) is the least number of insertions, deletions and substitutions that
# turn one sequence into the other. Let $d(i, j)$ be that of the first $i$ items of $a$ and the first
# $j$ of $b$. Their last items are matched or substituted, or one of them is left out:
#
# $$d(i, j) = \min\bigl(d(i-1, j-1) + [a_i \ne b_j],\; d(i-1, j) + 1,\; d(i, j-1) + 1\bigr), \qquad
# d(i, 0) = i,\; d(0, j) = j$$
#
# ### Exercise 4 · `edit_distance` (3 points)
#
# `a` and `b` are strings or lists (words, numbers), possibly empty. Return a whole number. One row of
# the table at a time is enough.


# %% nbgrader={"grade": false, "grade_id": "ocr-edit_distance-solution", "locked": false, "schema_version": 3, "solution": true, "task": false}
def edit_distance(a, b):
    """The fewest insertions, deletions and substitutions that turn a into b."""
    ### BEGIN SOLUTION
    row = list(range(len(b) + 1))
    for i, item in enumerate(a, start=1):
        above, row = row, [i]
        for j, other in enumerate(b, start=1):
            row.append(min(above[j - 1] + (item != other), above[j] + 1, row[j - 1] + 1))
    return row[-1]
    ### END SOLUTION


check("ocr.edit_distance", edit_distance)

# %% nbgrader={"grade": true, "grade_id": "ocr-edit_distance", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
check("ocr.edit_distance", edit_distance, points=3, seed=4)
### BEGIN HIDDEN TESTS
check("ocr.edit_distance", edit_distance, points=3, seed=9154)
### END HIDDEN TESTS

# %% [markdown]
# The two usual figures are the **character error rate** (CER) and the **word error rate** (WER): the
# edits of all lines, divided by the length of all true lines, in characters or in words. Sum first,
# divide once: the mean of each line's own rate would let a wrong word of two letters count as much
# as a whole wrong line.
#
# ### Exercise 5 · `error_rates` (2 points)
#
# `pred` and `true` are lists of strings, as many. Return the CER and the WER, fractions; `str.split()`
# splits on white space. Spaces are characters, too.


# %% nbgrader={"grade": false, "grade_id": "ocr-error_rates-solution", "locked": false, "schema_version": 3, "solution": true, "task": false}
def error_rates(pred, true):
    """The character and the word error rate of the strings pred against true."""

    ### BEGIN SOLUTION
    def rate(read, wanted):
        return sum(map(edit_distance, read, wanted)) / sum(map(len, wanted))

    words = [text.split() for text in pred], [text.split() for text in true]
    return rate(pred, true), rate(*words)
    ### END SOLUTION


check("ocr.error_rates", error_rates)

# %% nbgrader={"grade": true, "grade_id": "ocr-error_rates", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
check("ocr.error_rates", error_rates, points=2, seed=5)
### BEGIN HIDDEN TESTS
check("ocr.error_rates", error_rates, points=2, seed=9155)
### END HIDDEN TESTS

# %% [markdown]
# ## 6. Read from both ends
#
# An LSTM that reads from left to right knows what came before a stroke, not what comes after it. A
# *bidirectional* one (Schuster and Paliwal, 1997) has a second LSTM that reads from right to left, and
# joins what both say of each frame. In a batch, short lines are padded at their end. Turn such a line
# round as a whole, and the second LSTM starts in the padding. So each line has to be turned round
# within its own length.
#
# ### Exercise 6 · `reverse_padded` (2 points)
#
# `x` (N, T, …) holds N sequences, `lengths` (N,) how many steps of each are real. Return a new array in
# which the first `lengths[n]` steps of each sequence are reversed; the padding stays behind them.


# %% nbgrader={"grade": false, "grade_id": "ocr-reverse_padded-solution", "locked": false, "schema_version": 3, "solution": true, "task": false}
def reverse_padded(x, lengths):
    """x (N, T, …), each sequence reversed within its own length."""
    ### BEGIN SOLUTION
    reversed_x = x.copy()
    for row, sequence, length in zip(reversed_x, x, lengths, strict=True):
        row[:length] = sequence[:length][::-1]
    return reversed_x
    ### END SOLUTION


check("ocr.reverse_padded", reverse_padded)

# %% nbgrader={"grade": true, "grade_id": "ocr-reverse_padded", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
check("ocr.reverse_padded", reverse_padded, points=2, seed=6)
### BEGIN HIDDEN TESTS
check("ocr.reverse_padded", reverse_padded, points=2, seed=9156)
### END HIDDEN TESTS

# %% tags=["demo"]
x = np.array([[1, 2, 3, 0, 0], [4, 5, 6, 7, 8]])
print(f"turned round as a whole:\n{x[:, ::-1]}\nwithin their lengths:\n{reverse_padded(x, [3, 5])}")

# %% [markdown]
# ## 7. A reader
#
# Three small convolutions look at strokes; a stride makes two columns one frame. Then comes the LSTM:
# one in each direction, or only the forward one, made so much wider that both nets have as many
# parameters. Last, a softmax over 70 symbols and the blank. Adam, gradients clipped at length 5, as in
# notebook 05.
#
# A CTC net first learns to say nothing but blanks, and then, slowly, when to speak. On short lines
# that is soon over. So training begins with single words; later, one chunk of lines in four is words,
# so that they are not forgotten. The loss is that of a line divided by its symbols. (The course's copies
# of your functions do the work here, many lines at a time; yours are used again in section 9.) Watch
# the beginning, from scratch:

# %% tags=["demo", "nbval-ignore-output"]
young = study.make_reader("bidirectional", seed)
losses = reader.train_recogniser(young, 600, seed, lambda n, _: reader.fresh_lines(n, words=True))
words = data.text_lines("train", size=6, seed=seed + 1, words=True)
for text, found in zip(words.texts, reader.read_lines(young, words.images), strict=True):
    print(f"{text:12} is read as {found}")
assert np.mean(losses[-50:]) < 0.7 * np.mean(losses[80:130])

# %% tags=["demo", "nbval-ignore-output"]
smooth = np.convolve(losses, np.ones(20) / 20, "valid")
fig, ax = plt.subplots(figsize=(6.4, 2.8))
ax.plot(np.arange(len(smooth)) * reader.BATCH, smooth)
ax.set(title="A steep fall, then slowly down: it learns when to speak", xlabel="words seen")
ax.set_ylabel("CTC loss of a symbol")
show(fig, "The loss falls steeply at first, then slowly and steadily.")

# %% [markdown]
# Training to the end takes about five minutes for each net, on one processor core. So two trained
# ones come with the course, a file of 350 kB each. They were trained by the recipe of the next cell;
# where the files are missing, it trains anew.

# %% tags=["demo"]
STEPS = 12_000  # batches of 8 lines; none comes twice, the first quarter are words


def train(net):
    reader.train_recogniser(net, STEPS, seed=0, say=None)


nets = {
    kind: models.trained(name, lambda kind=kind: study.make_reader(kind), train)
    for kind, name in zip(study.KINDS, ("line_reader", "line_reader_forward"), strict=True)
}
for kind, net in nets.items():
    print(f"{kind:14}{models.parameters_of(net):8,} parameters")

# %% [markdown]
# ## 8. With and without context
#
# What does the second direction gain? A forward reader may wait a few frames before it speaks, and
# so it sees a little of what follows. But then it has to remember what it has not yet said, and at
# the end of a line it can wait no longer.

# %% tags=["demo", "nbval-ignore-output"]
rates = {kind: study.judge(net, seed=100 + seed) for kind, net in nets.items()}
print(f"{'error rates, %':26}{'characters':>12}{'words':>8}")
for name in study.SETS:
    for kind in study.KINDS:
        found = rates[kind][name]
        print(f"{name:26}{100 * found['cer']:12.2f}{100 * found['wer']:8.2f}  {kind}")

# %% tags=["demo", "nbval-ignore-output"]
two, one = (rates[kind]["lines, new fonts"]["cer"] for kind in study.KINDS)
print(f"on new fonts, forward only makes {one / two:.2f} times as many errors")
assert two < one

# %% [markdown]
# Read the table by rows, too. What is harder: the known fonts, new ones of known families, or a new
# family? (Mind how the rows came about. The first test was of two families without a relative among
# the known fonts; when a net that was three quarters through its training got a tenth of their
# characters wrong, fonts were shared out anew. So *new fonts* is the easier question, chosen after an
# answer had been seen. The row of the new family is nearer to the first one. The net's shape and its
# training were chosen by errors on *known* fonts; those on new ones were looked at twice on the way.)
#
# And single words? An earlier recipe went on with lines alone after the first quarter, and its
# bidirectional net then got 8.6 % of the characters of single words wrong, the forward one 4.8 % (one
# seed, a smaller net, noted at the time): *knife* was read as *Knife*. Lines begin with capitals or numbers, and a net forgets what it no
# longer sees. That is why one chunk in four is words. What is still misread:

# %% tags=["demo", "nbval-ignore-output"]
words = data.text_lines("test", size=200, seed=seed, words=True)
pairs = zip(words.texts, reader.read_lines(nets["bidirectional"], words.images), strict=True)
print("; ".join(f"{text} read as {found or 'nothing'}" for text, found in pairs if text != found))

# %% [markdown]
# ## 9. What is it that goes wrong?
#
# Look at errors before you look at averages again. Here are lines that the bidirectional net misread;
# what is wrong is in colour, a dot below stands for a symbol left out, one above for
# one too many.

# %% tags=["demo", "nbval-ignore-output"]
lines = data.text_lines("test", size=150, seed=seed)
read = reader.read_lines(nets["bidirectional"], lines.images)
worst = sorted(range(len(read)), key=lambda n: -edit_distance(read[n], lines.texts[n]))[:5]
picked = [[items[n] for n in worst] for items in (lines.images, lines.texts, read)]
title = "The five lines with most errors"
show(draw_readings(*picked, title), describe_readings(*picked[1:], title))

# %% tags=["demo", "nbval-ignore-output"]
for font in sorted(set(lines.fonts)):
    rows = [n for n, name in enumerate(lines.fonts) if name == font]
    cer, _ = error_rates([read[n] for n in rows], [lines.texts[n] for n in rows])
    print(f"{font:20}{100 * cer:6.2f} % of characters wrong in {len(rows)} lines")

# %% [markdown]
# And what is taken for what? Think of the thinnest strokes, and of what blur does to them.

# %% tags=["demo", "nbval-ignore-output"]
pairs = [pair for n in range(len(read)) for pair in scratch.edit_alignment(read[n], lines.texts[n])]
swaps = Counter((true, said) for said, true in pairs if said and true and said != true)
for (true, said), count in swaps.most_common(5):
    print(f"{true} read as {said}: {count} times")

# %% [markdown]
# **Best path or prefix search?** Your two decoders, on the same scores:

# %% tags=["demo", "nbval-ignore-output"]
few = slice(0, 40)
scores = reader.line_log_probs(nets["bidirectional"], lines.images[few])
readings = {
    "best path": [greedy_decode(s) for s in scores],
    "prefix search, width 4": [beam_decode(s, 4) for s in scores],
}
for name, numbers in readings.items():
    texts = [data.to_text(row) for row in numbers]
    cer, wer = error_rates(texts, lines.texts[few])
    print(f"{name:24} CER {100 * cer:.2f} %, WER {100 * wer:.2f} %")
differ = sum(a != b for a, b in zip(*readings.values(), strict=True))
print(f"they differ on {differ} of {len(scores)} lines")

# %% [markdown]
# A net that has learned well puts nearly all probability on one path, so there is little left to
# search for. The search pays where the net is unsure, or where it is joined with a language model.
#
# ## 10. What a letter depends on
#
# Move the slider from letter to letter. The lattice shows where the line's frames go: the posterior
# that your `ctc_loss` sums. Below: how far the letter's score would move if a pixel got darker.
# How far does it reach? What does the reader look at, beyond the letter?

# %% tags=["demo", "nbval-ignore-output"]
shown = min(range(40), key=lambda n: abs(len(lines.texts[n]) - 14))
image, text = lines.images[shown], lines.texts[shown]
moves = reader.letter_sensitivity(nets["bidirectional"], image, text)
watch_lattice(1 - image, scores[shown], text, data.SYMBOLS, moves)

# %% [markdown]
# ## 11. More seeds
#
# One net of each kind is an anecdote. With `profile = "full"` three seeds of both are trained and
# judged, on 400 lines of each sort, and the figures are kept. The quick profile shows what is kept.

# %% tags=["demo"]
if profile == "full":
    study.keep(study.run_study([0, 1, 2], STEPS, processes=2))  # half an hour of processor
kept = study.kept()
steps = kept["runs"][0]["lines"]
minutes = sum(run["cpu_seconds"] for run in kept["runs"]) / 60
print(f"measured on {kept['date']}: {len(kept['runs'])} nets, {steps:,} lines each, in")
print(f"{minutes:.0f} processor minutes ({kept['processes']} at a time)\n")
print("\n".join(study.study_lines(kept)))

# %% tags=["demo"]
print("\n".join(study.study_conclusions(kept)))
found = study.rates(kept, "bidirectional", "lines, new fonts")
goal = "reached" if found.mean() <= 0.02 else "not reached"
print(f"\nat most 2 % of characters wrong on new fonts, the goal of this page: {goal}")
assert np.all(found < study.rates(kept, "forward only", "lines, new fonts"))

# %% [markdown]
# ## 12. Your own lines
#
# Cut a scanned page into lines, put them into a folder, and write down what some of them say, in a
# table `lines.csv`; a text with a comma stands in double quotes:
#
#     file,text
#     line1.png,Anna Weber
#     line2.png,"Anna Weber, 14 May"
#
# What can't be used is skipped, with one line that says why: an image that is missing or broken, an
# empty text, a symbol that the reader does not know, a text with more symbols than the image has
# frames. The reader knows letters without accents, digits and `.,:-'/&`. Set `FOLDER`; the reader
# trains on four fifths of your lines, at least 10 in all, mixed with the course's own, and is judged
# on the rest.

# %% tags=["demo"]
FOLDER = None  # the name of your folder, as text


def mixed(own):
    """A chunk of lines for training: your own ones, and as many of the course's."""

    def draw(number, words):
        images, texts, _ = data.text_lines("train", size=len(own), seed=number, words=words)
        return images + [image for image, _ in own], texts + [text for _, text in own]

    return draw


# %% tags=["demo"]
if FOLDER:
    images, texts, _ = data.line_images(FOLDER, least=10)
    pairs = list(zip(images, texts, strict=True))
    np.random.default_rng(seed).shuffle(pairs)
    test, own = pairs[: -(-len(pairs) // 5)], pairs[-(-len(pairs) // 5) :]
    true = [text for _, text in test]
    net = nets["bidirectional"]
    before = error_rates(reader.read_lines(net, [image for image, _ in test]), true)
    reader.train_recogniser(net, 200, seed, mixed(own), rate=5e-4)
    after = error_rates(reader.read_lines(net, [image for image, _ in test]), true)
    print(f"CER and WER before {before}, and after {after}")

# %% [markdown]
# ## What you can do now
#
# - read a line without cutting it: sum over all paths, in log space, and train on the sum;
# - decode by the best path and by prefix search, and know when that matters;
# - measure a reading by its edits, in characters and in words;
# - batch sequences of different lengths for a bidirectional net;
# - test a reader on fonts and names that it has never seen.
#
# Next: **16 · Captions**, where a net writes what it sees, and there is no single right answer.
#
# **Sources.** Levenshtein (1966), *Binary codes capable of correcting deletions, insertions, and
# reversals*. Schuster & Paliwal (1997), *Bidirectional recurrent neural networks*. Graves, Fernández,
# Gomez & Schmidhuber (2006), *Connectionist temporal classification*. Breuel, Ul-Hasan, Al-Azawi &
# Shafait (2013), *High-performance OCR for printed English and Fraktur using LSTM networks*. Hannun,
# Maas, Jurafsky & Ng (2014), *First-pass large vocabulary continuous speech recognition using
# bi-directional recurrent DNNs*.
