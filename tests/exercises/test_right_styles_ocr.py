"""Line reading written in any right way passes; wrong ways that nobody listed do not."""

import difflib
import itertools
import math
from collections import Counter, defaultdict
from functools import cache

import numpy as np
import pytest
import torch
from scipy.special import logsumexp
from styles import assert_right, assert_wrong, pairs

# --- greedy_decode ---------------------------------------------------------------------------


def by_groupby(log_probs, blank=0):
    return [k for k, _ in itertools.groupby(np.argmax(log_probs, axis=1)) if k != blank]


def by_diff(log_probs, blank=0):
    path = log_probs.argmax(1)
    path = path[np.insert(np.diff(path) != 0, 0, True)]
    return path[path != blank]


def by_torch_unique(log_probs, blank=0):
    path = torch.unique_consecutive(torch.tensor(log_probs).argmax(dim=1))
    return path[path != blank]


def with_a_while_loop(log_probs, blank=0):
    text, t, last = (), 0, None
    while t < len(log_probs):
        best = max(range(len(log_probs[t])), key=lambda c: np.exp(log_probs[t][c]))
        if best != blank and best != last:
            text += (best,)
        last, t = best, t + 1
    return text


def backwards_and_turned(log_probs, blank=0):
    text, behind = [], None
    for frame in log_probs[::-1]:
        here = int(np.argmax(frame))
        if here not in (behind, blank):
            text.insert(0, here)
        behind = here
    return np.array(text, dtype=np.float32)


def equal_letters_once(log_probs, blank=0):
    """A letter is dropped where it equals the last of the text, blank between or not."""
    text = []
    for symbol in log_probs.argmax(axis=1):
        if symbol != blank and text[-1:] != [symbol]:
            text.append(symbol)
    return text


def sure_frames_only(log_probs, blank=0):
    path = [f.argmax() for f in log_probs if f.max() > np.log(0.5)]
    return [k for k, _ in itertools.groupby(path) if k != blank]


def second_of_a_run(log_probs, blank=0):
    path = log_probs.argmax(axis=1)
    return [b for a, b in itertools.pairwise(path) if a != b and b != blank]


def largest_blank(log_probs, blank=0):
    return by_groupby(log_probs, log_probs.shape[1] - 1)


def argmax_of_size(log_probs, blank=0):
    return by_groupby(np.abs(log_probs), blank)


def before_the_first_was_0(log_probs, blank=0):
    """Wrong where symbol 0 is a letter, and comes first."""
    path = [0, *log_probs.argmax(axis=1)]
    return [b for a, b in itertools.pairwise(path) if a != b and b != blank]


def sorted_text(log_probs, blank=0):
    return sorted(by_groupby(log_probs, blank))


# --- ctc_loss --------------------------------------------------------------------------------


def by_torch(log_probs, labels, blank=0):
    """torch's gradient takes a softmax for granted: its part is taken off."""
    tensor = torch.tensor(log_probs, requires_grad=True)
    lengths = torch.tensor([len(log_probs)]), torch.tensor([len(labels)])
    target = torch.tensor(np.array(labels))[None]
    loss = torch.nn.functional.ctc_loss(
        tensor[:, None], target, *lengths, blank=blank, reduction="sum"
    )
    if torch.isinf(loss):
        return loss, torch.zeros_like(tensor)
    loss.backward()
    return loss, tensor.grad - tensor.detach().exp()


def by_autograd(log_probs, labels, blank=0):
    """The forward sums only; torch finds the gradient."""
    x = torch.tensor(log_probs, requires_grad=True)
    states = [blank]
    for label in labels:
        states += [int(label), blank]
    never = torch.tensor(-1e30, dtype=x.dtype)
    row = [x[0, z] if s < 2 else never for s, z in enumerate(states)]
    for t in range(1, len(x)):
        new = []
        for s, z in enumerate(states):
            ways = [row[s]] + ([row[s - 1]] if s else [])
            if s > 1 and z != blank and z != states[s - 2]:
                ways.append(row[s - 2])
            new.append(torch.logsumexp(torch.stack(ways), 0) + x[t, z])
        row = new
    loss = -torch.logsumexp(torch.stack(row[-2:]), 0)
    if loss > 1e20:
        return math.inf, np.zeros_like(log_probs)
    return loss, torch.autograd.grad(loss, x, allow_unused=True)[0]


def by_memory(log_probs, labels, blank=0):
    """Graves' recursions, remembered: alpha and beta with the frame in both."""
    z = [blank] + [k for label in labels for k in (int(label), blank)]
    steps, states = len(log_probs), len(z)

    def add(*logs):
        top = max(logs)
        return top if top == -math.inf else top + math.log(sum(math.exp(v - top) for v in logs))

    alpha = np.full((steps, states), -math.inf)
    beta = np.full((steps, states), -math.inf)
    for s in range(min(2, states)):
        alpha[0, s] = log_probs[0, z[s]]
        beta[-1, -1 - s] = log_probs[-1, z[-1 - s]]
    for t in range(1, steps):
        for s in range(states):
            ways = [alpha[t - 1, s], alpha[t - 1, s - 1] if s > 0 else -math.inf]
            if s > 1 and z[s] not in (blank, z[s - 2]):
                ways.append(alpha[t - 1, s - 2])
            alpha[t, s] = add(*ways) + log_probs[t, z[s]]
    for t in range(steps - 2, -1, -1):
        for s in range(states):
            ways = [beta[t + 1, s], beta[t + 1, s + 1] if s + 1 < states else -math.inf]
            if s + 2 < states and z[s] not in (blank, z[s + 2]):
                ways.append(beta[t + 1, s + 2])
            beta[t, s] = add(*ways) + log_probs[t, z[s]]
    total = add(*alpha[-1, -2:])
    grad = np.zeros(log_probs.shape)
    if total == -math.inf:
        return math.inf, grad
    for t in range(steps):
        for s in range(states):
            grad[t, z[s]] -= math.exp(alpha[t, s] + beta[t, s] - log_probs[t, z[s]] - total)
    return [-total], grad


def with_rescaling(log_probs, labels, blank=0):
    """Rabiner's way: probabilities, scaled in each frame, with the logs of the scales kept."""
    z = np.full(2 * len(labels) + 1, blank)
    z[1::2] = labels
    y = np.exp(log_probs[:, z])
    steps, states = y.shape

    def run(y, z):
        skip = np.zeros(states)
        skip[2:] = z[2:] != z[:-2]
        rows, scales, row = [], [], np.zeros(states)
        for t in range(steps):
            if t:
                one, two = np.roll(row, 1), np.roll(row, 2)
                one[:1], two[:2] = 0, 0
                row = row + one + two * skip
            else:
                row[:2] = 1
            row = row * y[t]
            room = np.arange(states) >= states - 2 * (steps - t)  # what still reaches the end
            scale = (row * room).sum()
            if scale == 0:
                return None, -np.inf
            row = row / scale
            rows.append(row)
            scales.append(np.log(scale))
        return np.array(rows), sum(scales) + np.log(row[-2:].sum())

    forward, total = run(y, z)
    if total == -np.inf:
        return np.inf, np.zeros_like(log_probs)
    backward, _ = run(y[::-1, ::-1], z[::-1])
    share = forward * backward[::-1, ::-1] / y
    share /= share.sum(axis=1, keepdims=True)
    return -total, -share @ (z[:, None] == np.arange(log_probs.shape[1]))


def with_extra_states(log_probs, labels, blank=0):
    """Two dead states in front save all the questions; one-hot instead of add.at."""
    z = np.array([blank, *itertools.chain(*[[int(k), blank] for k in labels])])
    y = log_probs[:, z]

    def run(y, z):
        table = np.full((len(y) + 1, len(z) + 2), -np.inf)
        table[0, 2] = 0
        for t, frame in enumerate(y):
            ways = [table[t, 2:], table[t, 1:-1], table[t, :-2].copy()]
            blocked = [s < 2 or z[s] == z[s - 2] for s in range(len(z))]
            ways[2][blocked] = -np.inf
            table[t + 1, 2:] = logsumexp(ways, axis=0) + frame
        return table[1:, 2:]

    a, b = run(y, z), run(y[::-1, ::-1], z[::-1])[::-1, ::-1]
    total = logsumexp(a[-1, -2:])
    if not np.isfinite(total):
        return np.float64(np.inf), 0 * log_probs
    return -total, -(np.exp(a + b - y - total) @ np.eye(log_probs.shape[1])[z])


def in_float32(log_probs, labels, blank=0):
    loss, grad = with_extra_states(np.float32(log_probs), labels, blank)
    return np.float32(loss), np.float32(grad)


def by_columns(log_probs, labels, blank=0):
    """Transposed, the dead as -1e9, a list of results."""
    z = [blank, *itertools.chain(*[(k, blank) for k in labels])]
    steps, states = len(log_probs), len(z)

    def run(lp, z):
        table = np.full((states, steps), -1e9)
        for t in range(steps):
            for s in range(states):
                if t == 0:
                    came = 0 if s in (0, 1) else -1e9
                else:
                    came = np.logaddexp(table[s, t - 1], table[s - 1, t - 1] if s else -1e9)
                    if s % 2 and s > 1 and z[s] != z[s - 2]:
                        came = np.logaddexp(came, table[s - 2, t - 1])
                table[s, t] = came + lp[t, z[s]]
        return table

    a = run(log_probs, z)
    b = run(log_probs[::-1], z[::-1])[::-1, ::-1]
    total = a[-1, -1] if states == 1 else np.logaddexp(a[-1, -1], a[-2, -1])
    grad = np.zeros_like(log_probs, order="F")
    if total < -1e8:
        return [np.inf, grad]
    for s, k in enumerate(z):
        grad[:, k] -= np.exp(a[s] + b[s] - log_probs[:, k] - total)
    return [-total, grad]


def sums_without_their_frame(log_probs, labels, blank=0):
    """beta from the next frame on: nothing is counted twice."""
    z = np.array([blank, *[k for label in labels for k in (label, blank)]], dtype=int)
    y, n = log_probs[:, z], len(z)
    allowed = np.full((n, n), -np.inf)
    for s in range(n):
        for after in range(s, min(s + 3, n)):
            if after < s + 2 or (z[after] != blank and z[after] != z[s]):
                allowed[s, after] = 0
    alpha = [np.where(np.arange(n) < 2, y[0], -np.inf)]
    for frame in y[1:]:
        alpha.append(np.logaddexp.reduce(alpha[-1][:, None] + allowed, axis=0) + frame)
    beta = [np.where(np.arange(n) >= n - 2, 0.0, -np.inf)]
    for frame in y[:0:-1]:
        beta.append(np.logaddexp.reduce(allowed + (frame + beta[-1]), axis=1))
    both = np.array(alpha) + np.array(beta[::-1])
    totals = np.logaddexp.reduce(both, axis=1)  # the same in each frame
    if totals[0] == -np.inf:
        return np.inf, np.zeros(log_probs.shape)
    grad = np.zeros(log_probs.shape)
    for s in range(n):
        grad[:, z[s]] -= np.exp(both[:, s] - totals)
    return -totals.mean(), grad


def torch_gradient_as_it_is(log_probs, labels, blank=0):
    loss, grad = by_torch(log_probs, labels, blank)
    return loss, grad + np.exp(log_probs) * bool(np.isfinite(float(loss)))


def mean_reduction(log_probs, labels, blank=0):
    loss, grad = by_torch(log_probs, labels, blank)
    return loss / max(len(labels), 1), grad / max(len(labels), 1)


def zero_infinity(log_probs, labels, blank=0):
    loss, grad = by_torch(log_probs, labels, blank)
    return (0.0 if torch.isinf(loss) else loss), grad


def loss_only(log_probs, labels, blank=0):
    return by_torch(log_probs, labels, blank)[0]


def gradient_of_labels_only(log_probs, labels, blank=0):
    loss, grad = with_extra_states(log_probs, labels, blank)
    grad[:, blank] = 0
    return loss, grad


def skips_repeats_of_any_letter(log_probs, labels, blank=0):
    """No skip to a letter that came anywhere before."""
    z = np.array([blank, *itertools.chain(*[[int(k), blank] for k in labels])])
    y = log_probs[:, z]

    def run(y, z):
        rows, row = [], np.where(np.arange(len(z)) < 1, 0, -np.inf)
        for frame in y:
            came = row.copy()
            came[1:] = np.logaddexp(came[1:], row[:-1])
            for s in range(2, len(z)):
                if z[s] not in z[:s]:
                    came[s] = np.logaddexp(came[s], row[s - 2])
            row = came + frame
            rows.append(row)
        return np.array(rows)

    a, b = run(y, z), run(y[::-1, ::-1], z[::-1])[::-1, ::-1]
    total = logsumexp(a[-1, -2:])
    if not np.isfinite(total):
        return np.inf, 0 * log_probs
    return -total, -(np.exp(a + b - y - total) @ np.eye(log_probs.shape[1])[z])


def first_blank_only(log_probs, labels, blank=0):
    return by_torch(log_probs, np.array([k for k, _ in itertools.groupby(labels)], int), blank)


def impossible_raises(log_probs, labels, blank=0):
    loss, grad = with_extra_states(log_probs, labels, blank)
    if loss == np.inf:
        raise ValueError("too few frames")
    return loss, grad


def impossible_keeps_the_gradient(log_probs, labels, blank=0):
    loss, grad = with_extra_states(log_probs, labels, blank)
    return loss, grad if np.isfinite(loss) else grad - 1.0


def gradient_of_the_likelihood(log_probs, labels, blank=0):
    loss, grad = with_extra_states(log_probs, labels, blank)
    return loss, grad * np.exp(-loss)


# --- beam_decode -----------------------------------------------------------------------------


def all_paths(log_probs, width, blank=0):
    shares = Counter()
    for path in itertools.product(range(log_probs.shape[1]), repeat=len(log_probs)):
        text = tuple(k for k, _ in itertools.groupby(path) if k != blank)
        shares[text] += math.exp(sum(frame[k] for frame, k in zip(log_probs, path, strict=True)))
    return list(max(shares, key=shares.get))


def with_two_dicts(log_probs, width, blank=0):
    ends_b, ends_s = {(): 1.0}, {(): 0.0}
    for frame in np.exp(log_probs):
        new_b, new_s = defaultdict(float), defaultdict(float)
        for prefix in ends_b.keys() | ends_s.keys():
            b, s = ends_b.get(prefix, 0), ends_s.get(prefix, 0)
            new_b[prefix] += (b + s) * frame[blank]
            if prefix:
                new_s[prefix] += s * frame[prefix[-1]]
            for k in range(len(frame)):
                if k != blank:
                    same = bool(prefix) and k == prefix[-1]
                    new_s[(*prefix, k)] += (b if same else b + s) * frame[k]
        every = sorted(new_b.keys() | new_s.keys(), key=lambda p: -(new_b[p] + new_s[p]))[:width]
        ends_b, ends_s = ({p: d[p] for p in every} for d in (new_b, new_s))
    return max(ends_b, key=lambda p: ends_b[p] + ends_s[p])


def with_strings(log_probs, width, blank=0):
    """Prefixes as strings of characters."""
    beam = [("", 0.0, -np.inf)]
    for frame in np.asarray(log_probs, dtype=np.float64):
        seen = {}
        for text, b, s in beam:
            total = np.logaddexp(b, s)
            moves = [(text, 0, total + frame[blank])]
            for k in set(range(len(frame))) - {blank}:
                letter = chr(65 + k)
                if text.endswith(letter):
                    moves += [(text, 1, s + frame[k]), (text + letter, 1, b + frame[k])]
                else:
                    moves.append((text + letter, 1, total + frame[k]))
            for prefix, end, score in moves:
                pair = seen.setdefault(prefix, [-np.inf, -np.inf])
                pair[end] = np.logaddexp(pair[end], score)
        beam = sorted(((p, *pair) for p, pair in seen.items()), key=lambda e: -logsumexp(e[1:]))
        beam = beam[:width]
    return np.array([ord(letter) - 65 for letter in beam[0][0]], dtype=np.int32)


def by_the_loss_of_each_text(log_probs, width, blank=0):
    letters = [k for k in range(log_probs.shape[1]) if k != blank]
    texts = itertools.chain.from_iterable(
        itertools.product(letters, repeat=n) for n in range(len(log_probs) + 1)
    )
    texts = [np.array(text, dtype=int) for text in texts]
    n = len(texts)
    losses = torch.nn.functional.ctc_loss(
        torch.tensor(log_probs)[:, None].expand(-1, n, -1),
        torch.cat([torch.tensor(text) for text in texts]),
        torch.full((n,), len(log_probs)),
        torch.tensor([len(text) for text in texts]),
        blank=blank,
        reduction="none",
    )
    return torch.tensor(texts[losses.argmin()])


def a_step_without_blank_scores(log_probs, width, blank=0):
    """The last frame's blanks are forgotten."""
    return with_two_dicts(np.delete(log_probs, -1, axis=0), width, blank)


def best_of_the_last_frame(log_probs, width, blank=0):
    shares = {(): 0.0}
    for frame in log_probs:
        new = {}
        for text, score in shares.items():
            for k, log_p in enumerate(frame):
                stays = k == blank or text[-1:] == (k,)
                grown = text if stays else (*text, k)
                new[grown] = np.logaddexp(new.get(grown, -np.inf), score + log_p)
        shares = new
    return max(shares, key=shares.get)


def longest_text(log_probs, width, blank=0):
    return all_paths(log_probs + 0.5 * (np.arange(log_probs.shape[1]) != blank), width, blank)


def least_probable_text(log_probs, width, blank=0):
    return all_paths(-log_probs, width, blank)


def paths_with_blanks(log_probs, width, blank=0):
    beam = [((), 0.0)]
    for frame in log_probs:
        ways = [((*path, k), score + frame[k]) for path, score in beam for k in range(len(frame))]
        beam = sorted(ways, key=lambda way: -way[1])[:width]
    return [k for k, _ in itertools.groupby(beam[0][0]) if k != blank]


# --- edit_distance ---------------------------------------------------------------------------


def plain_recursion(a, b):
    if not len(a) or not len(b):
        return len(a) + len(b)
    if a[0] == b[0]:
        return plain_recursion(a[1:], b[1:])
    ways = (a[1:], b), (a, b[1:]), (a[1:], b[1:])
    return 1 + min(plain_recursion(x, y) for x, y in ways)


def whole_table(a, b):
    d = np.zeros((len(a) + 1, len(b) + 1))
    d[:, 0], d[0] = np.arange(len(a) + 1), np.arange(len(b) + 1)
    for i, j in np.ndindex(len(a), len(b)):
        d[i + 1, j + 1] = min(d[i, j] + (a[i] != b[j]), d[i, j + 1] + 1, d[i + 1, j] + 1)
    return d[-1, -1]


def remembered(a, b):
    @cache
    def d(i, j):
        if i < 0 or j < 0:
            return max(i, j) + 1
        return min(d(i - 1, j) + 1, d(i, j - 1) + 1, d(i - 1, j - 1) + int(a[i] != b[j]))

    return torch.tensor(d(len(a) - 1, len(b) - 1))


def shorter_inside(a, b):
    if len(a) < len(b):
        a, b = b, a
    row = [*range(len(b) + 1)]
    for i, item in enumerate(a):
        diagonal, row[0] = row[0], i + 1
        for j, other in enumerate(b):
            diagonal, row[j + 1] = (
                row[j + 1],
                min(diagonal + (item != other), row[j] + 1, row[j + 1] + 1),
            )
    return np.array([row[-1]])


def as_shortest_path(a, b):
    """Breadth first, over the free moves at once."""
    reached, edits = {(0, 0)}, 0
    while True:
        todo = list(reached)
        while todo:
            i, j = todo.pop()
            if i < len(a) and j < len(b) and a[i] == b[j] and (i + 1, j + 1) not in reached:
                reached.add((i + 1, j + 1))
                todo.append((i + 1, j + 1))
        if (len(a), len(b)) in reached:
            return edits
        moves = {(i + x, j + y) for i, j in reached for x, y in ((1, 0), (0, 1), (1, 1))}
        reached |= {(i, j) for i, j in moves if i <= len(a) and j <= len(b)}
        edits += 1


def by_difflib(a, b):
    """Its blocks are long, but not always the fewest edits."""
    codes = difflib.SequenceMatcher(None, a, b, autojunk=False).get_opcodes()
    return sum(max(i2 - i1, j2 - j1) for tag, i1, i2, j1, j2 in codes if tag != "equal")


def greedy_alignment(a, b):
    i = j = edits = 0
    while i < len(a) and j < len(b):
        if a[i] == b[j]:
            i, j = i + 1, j + 1
        elif len(a) - i > len(b) - j:
            i, edits = i + 1, edits + 1
        elif len(a) - i < len(b) - j:
            j, edits = j + 1, edits + 1
        else:
            i, j, edits = i + 1, j + 1, edits + 1
    return edits + len(a) - i + len(b) - j


def counted_letters(a, b):
    left, right = Counter(a) - Counter(b), Counter(b) - Counter(a)
    return max(left.total(), right.total())


def strings_only(a, b):
    return whole_table("".join(map(str, a)), "".join(map(str, b)))


def row_not_copied(a, b):
    row = list(range(len(b) + 1))
    for i, item in enumerate(a, start=1):
        row[0] = i
        for j, other in enumerate(b, start=1):
            row[j] = min(row[j - 1] + (item != other), row[j] + 1, row[j - 1] + 1)
    return row[-1]


def deletion_twice(a, b):
    d = np.zeros((len(a) + 1, len(b) + 1))
    d[:, 0], d[0] = np.arange(len(a) + 1), np.arange(len(b) + 1)
    for i, j in np.ndindex(len(a), len(b)):
        d[i + 1, j + 1] = min(d[i, j] + (a[i] != b[j]), d[i, j + 1] + 1)
    return d[-1, -1]


def one_off_columns(a, b):
    return whole_table(a, b[:-1]) if b else len(a)


# --- error_rates -----------------------------------------------------------------------------


def with_loops(pred, true):
    edits, sizes = [0, 0], [0, 0]
    for read, wanted in zip(pred, true, strict=True):
        for n, (x, y) in enumerate([(read, wanted), (read.split(), wanted.split())]):
            edits[n] += whole_table(x, y)
            sizes[n] += len(y)
    return edits[0] / sizes[0], edits[1] / sizes[1]


def with_arrays(pred, true):
    table = np.array(
        [
            [remembered(p, t), len(t), remembered(p.split(), t.split()), len(t.split())]
            for p, t in zip(pred, true, strict=True)
        ]
    ).sum(axis=0)
    return np.float32(table[0] / table[1]), np.array([table[2] / table[3]])


def as_weighted_mean(pred, true):
    def rate(cut):
        pairs = [(cut(p), cut(t)) for p, t in zip(pred, true, strict=True)]
        rates = [as_shortest_path(p, t) / max(len(t), 1) for p, t in pairs]
        extra = sum(len(p) for p, t in pairs if not t)
        sizes = [len(t) for _, t in pairs]
        weighted = sum(r * s for r, s in zip(rates, sizes, strict=True))
        return torch.tensor((weighted + extra) / sum(sizes))

    return [rate(list), rate(lambda text: text.split())]


def words_by_numbers(pred, true):
    names = {w: n for n, w in enumerate({w for text in [*pred, *true] for w in text.split()})}
    numbered = [[[names[w] for w in text.split()] for text in side] for side in (pred, true)]
    cer = sum(map(shorter_inside, pred, true))[0] / len("".join(true))
    return cer, sum(map(shorter_inside, *numbered))[0] / sum(map(len, numbered[1]))


def empty_readings_skipped(pred, true):
    pairs = [(p, t) for p, t in zip(pred, true, strict=True) if p]
    return with_loops(*zip(*pairs, strict=True))


def empty_truths_skipped(pred, true):
    pairs = [(p, t) for p, t in zip(pred, true, strict=True) if t]
    return with_loops(*zip(*pairs, strict=True))


def lower_case(pred, true):
    return with_loops([p.lower() for p in pred], [t.lower() for t in true])


def white_space_made_one(pred, true):
    return with_loops([" ".join(p.split()) for p in pred], [" ".join(t.split()) for t in true])


def first_line_only(pred, true):
    return with_loops(pred[:1], true[:1])


def letters_of_words(pred, true):
    return [with_loops(pred, true)[0]] * 2


def characters_of_all_lines_joined(pred, true):
    """Edits are matched across the ends of lines."""
    cer = with_loops(["".join(pred)], ["".join(true)])[0]
    return cer, with_loops(pred, true)[1]


def words_with_an_error(pred, true):
    wrong = [
        p != t
        for x, y in zip(pred, true, strict=True)
        for p, t in itertools.zip_longest(x.split(), y.split())
    ]
    return with_loops(pred, true)[0], sum(wrong) / sum(len(t.split()) for t in true)


# --- reverse_padded --------------------------------------------------------------------------


def row_by_row(x, lengths):
    result = np.zeros_like(x)
    for n in range(len(x)):
        for t in range(lengths[n]):
            result[n, t] = x[n, lengths[n] - 1 - t]
    return result


def by_take_along(x, lengths):
    t = np.arange(x.shape[1])
    index = np.where(t < np.array(lengths)[:, None], np.array(lengths)[:, None] - 1 - t, t)
    return np.take_along_axis(x, index.reshape(*index.shape, *[1] * (x.ndim - 2)), axis=1)


def by_rolling(x, lengths):
    """Turn all of it, then shift the padding back behind."""
    flipped = x[:, ::-1]
    return np.stack([np.roll(f, n, axis=0) for f, n in zip(flipped, lengths, strict=True)])


def by_torch_flip(x, lengths):
    rows = [torch.cat([r[:n].flip(0), r[n:]]) for r, n in zip(torch.tensor(x), lengths)]  # noqa: B905
    return torch.stack(rows)


def by_lists(x, lengths):
    return [list(row[:n])[::-1] + list(row[n:]) for row, n in zip(x, lengths, strict=True)]


def with_negative_index(x, lengths):
    lengths = np.asarray(lengths).reshape(-1, 1)
    index = (lengths - 1 - np.arange(x.shape[1])) % x.shape[1]
    return x[np.arange(len(x))[:, None], index]


def in_fortran_order(x, lengths):
    return np.asfortranarray(row_by_row(x, lengths))


def rolled_only(x, lengths):
    return np.stack([np.roll(r, -n, axis=0) for r, n in zip(x, lengths, strict=True)])


def by_the_mean_length(x, lengths):
    return row_by_row(x, np.full(len(x), round(np.mean(lengths))))


def lengths_sorted(x, lengths):
    return row_by_row(x, np.sort(lengths)[::-1])


def pairs_swapped(x, lengths):
    result = x.copy()
    for row, n in zip(result, lengths, strict=True):
        row[[0, n - 1]] = row[[n - 1, 0]]
    return result


def padding_cut(x, lengths):
    return row_by_row(x, lengths)[:, : max(lengths)]


def flat_rows(x, lengths):
    return row_by_row(x.reshape(len(x), -1), lengths).reshape(x.shape)


RIGHT = {
    "greedy_decode": [
        by_groupby,
        by_diff,
        by_torch_unique,
        with_a_while_loop,
        backwards_and_turned,
    ],
    "ctc_loss": [
        by_torch,
        by_autograd,
        by_memory,
        with_rescaling,
        with_extra_states,
        in_float32,
        by_columns,
        sums_without_their_frame,
    ],
    "beam_decode": [all_paths, with_two_dicts, with_strings, by_the_loss_of_each_text],
    "edit_distance": [plain_recursion, whole_table, remembered, shorter_inside, as_shortest_path],
    "error_rates": [with_loops, with_arrays, as_weighted_mean, words_by_numbers],
    "reverse_padded": [
        row_by_row,
        by_take_along,
        by_rolling,
        by_torch_flip,
        by_lists,
        with_negative_index,
        in_fortran_order,
    ],
}
WRONG = {
    "greedy_decode": [
        equal_letters_once,
        sure_frames_only,
        second_of_a_run,
        largest_blank,
        argmax_of_size,
        before_the_first_was_0,
        sorted_text,
    ],
    "ctc_loss": [
        torch_gradient_as_it_is,
        mean_reduction,
        zero_infinity,
        loss_only,
        gradient_of_labels_only,
        skips_repeats_of_any_letter,
        first_blank_only,
        impossible_raises,
        impossible_keeps_the_gradient,
        gradient_of_the_likelihood,
    ],
    "beam_decode": [
        a_step_without_blank_scores,
        best_of_the_last_frame,
        longest_text,
        least_probable_text,
        paths_with_blanks,
    ],
    "edit_distance": [
        by_difflib,
        greedy_alignment,
        counted_letters,
        strings_only,
        row_not_copied,
        deletion_twice,
        one_off_columns,
    ],
    "error_rates": [
        empty_readings_skipped,
        empty_truths_skipped,
        lower_case,
        white_space_made_one,
        first_line_only,
        letters_of_words,
        words_with_an_error,
        characters_of_all_lines_joined,
    ],
    "reverse_padded": [
        rolled_only,
        by_the_mean_length,
        lengths_sorted,
        pairs_swapped,
        padding_cut,
        flat_rows,
    ],
}


@pytest.mark.parametrize("exercise, attempt", pairs("ocr", RIGHT))
def test_right_style_passes(exercise, attempt):
    assert_right(exercise, attempt)


@pytest.mark.parametrize("exercise, attempt", pairs("ocr", WRONG))
def test_wrong_way_fails(exercise, attempt):
    assert_wrong(exercise, attempt)
