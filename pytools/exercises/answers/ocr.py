"""What the checks of 15_ocr know: the references, and the wrong solutions people write."""

from __future__ import annotations

from collections import defaultdict

import numpy as np

from pytools import scratch
from pytools.exercise import Answer, Misconception

# --- greedy_decode ---------------------------------------------------------------------------


def _merge(path):
    return [s for s, before in zip(path, [None, *path], strict=False) if s != before]


def blanks_first(log_probs, blank=0):
    return _merge([s for s in log_probs.argmax(axis=1).tolist() if s != blank])


def not_merged(log_probs, blank=0):
    return [s for s in log_probs.argmax(axis=1).tolist() if s != blank]


def blanks_kept(log_probs, blank=0):
    return _merge(log_probs.argmax(axis=1).tolist())


def the_path_itself(log_probs, blank=0):
    return log_probs.argmax(axis=1)


def blank_is_always_0(log_probs, blank=0):
    return scratch.greedy_decode(log_probs, 0)


def each_symbol_once(log_probs, blank=0):
    return list(dict.fromkeys(not_merged(log_probs, blank)))


def letters_from_0(log_probs, blank=0):
    return [s - 1 for s in scratch.greedy_decode(log_probs, blank)]


def over_frames(log_probs, blank=0):
    return [s for s in _merge(log_probs.argmax(axis=0).tolist()) if s != blank]


def least_probable(log_probs, blank=0):
    return scratch.greedy_decode(-log_probs, blank)


def first_frame_lost(log_probs, blank=0):
    return scratch.greedy_decode(log_probs[1:], blank)


def pairs_only(log_probs, blank=0):
    """A third equal symbol in a row counts again."""
    path, text, i = log_probs.argmax(axis=1).tolist(), [], 0
    while i < len(path):
        text.append(path[i])
        i += 2 if path[i : i + 2] == [path[i]] * 2 else 1
    return [s for s in text if s != blank]


def backwards(log_probs, blank=0):
    return scratch.greedy_decode(log_probs, blank)[::-1]


# --- ctc_loss --------------------------------------------------------------------------------


def _ctc(
    skip=lambda states, blank: states[2:] != states[:-2],
    add=np.logaddexp,
    starts=2,
    ends=slice(-2, None),
    gradient=lambda share, states, log_probs: _by_symbol(share, states, log_probs),
    loss_of=lambda loss, log_probs, labels: loss,
    impossible=lambda log_probs: (np.inf, np.zeros_like(log_probs)),
    emission_twice=False,
    normalised=True,
    blank_is=lambda blank: blank,
):
    """The right loss, with one of its parts replaced."""

    def sums(emitted, states, blank, starts, ends):
        jump = np.where(skip(states, blank), 0, -np.inf)
        rows = [np.full(len(states), -np.inf)]
        rows[0][:starts] = emitted[0, :starts]
        for frame in emitted[1:]:
            came = rows[-1].copy()
            came[1:] = add(came[1:], rows[-1][:-1])
            came[2:] = add(came[2:], rows[-1][:-2] + jump)
            rows.append(came + frame)
        return np.array(rows), add.reduce(rows[-1][ends])

    def ctc_loss(log_probs, labels, blank=0):
        blank = blank_is(blank)
        states = np.full(2 * len(labels) + 1, blank)
        states[1::2] = labels
        emitted = log_probs[:, states]
        alpha, total = sums(emitted, states, blank, starts, ends)
        turned = emitted[::-1, ::-1]
        beta, _ = sums(turned, states[::-1], blank, len(states[ends]), slice(-starts, None))
        if total == -np.inf:
            return impossible(log_probs)
        through = alpha + beta[::-1, ::-1]
        through -= 0 if emission_twice else emitted
        share = np.exp(through - (total if normalised else 0))
        grad = gradient(share, states, log_probs)
        return loss_of(-total, log_probs, labels), grad

    return ctc_loss


def _by_symbol(share, states, log_probs):
    grad = np.zeros_like(log_probs)
    np.subtract.at(grad, (slice(None), states), share)
    return grad


def _overwritten(share, states, log_probs):
    grad = np.zeros_like(log_probs)
    grad[:, states] -= share
    return grad


def _divided(share, states, log_probs):
    return _by_symbol(share, states, log_probs) / np.exp(log_probs)


blanks_never_skipped = _ctc(skip=lambda states, blank: np.zeros(max(len(states) - 2, 0), bool))
equal_letters_joined = _ctc(skip=lambda states, blank: states[2:] != blank)
letters_skipped = _ctc(skip=lambda states, blank: np.ones(max(len(states) - 2, 0), bool))
starts_on_blank = _ctc(starts=1)
ends_on_blank = _ctc(ends=slice(-1, None))
best_path_only = _ctc(add=np.maximum)
softmax_gradient = _ctc(gradient=lambda s, z, lp: np.exp(lp) + _by_symbol(s, z, lp))
plus_posterior = _ctc(gradient=lambda s, z, lp: -_by_symbol(s, z, lp))
last_state_wins = _ctc(gradient=_overwritten)
for_probabilities = _ctc(gradient=_divided)
not_divided_by_the_total = _ctc(normalised=False)
frame_counted_twice = _ctc(emission_twice=True)
log_likelihood = _ctc(loss_of=lambda loss, lp, y: -loss)
divided_by_letters = _ctc(loss_of=lambda loss, lp, y: loss / max(len(y), 1))
divided_by_frames = _ctc(
    loss_of=lambda loss, lp, y: loss / len(lp),
    gradient=lambda s, z, lp: _by_symbol(s, z, lp) / len(lp),
)
loss_blank_is_always_0 = _ctc(blank_is=lambda blank: 0)
impossible_is_zero = _ctc(impossible=lambda lp: (0.0, np.zeros_like(lp)))
impossible_is_nan = _ctc(impossible=lambda lp: (np.inf, np.full_like(lp, np.nan)))
impossible_is_large = _ctc(impossible=lambda lp: (1e30, np.zeros_like(lp)))


def no_blanks(log_probs, labels, blank=0):
    """The lattice has the letters only."""
    if len(labels) == 0 or len(labels) > len(log_probs):
        return np.inf, np.zeros_like(log_probs)
    return _plain_lattice(log_probs, np.asarray(labels))


def _plain_lattice(log_probs, states):
    def sums(emitted):
        rows = [np.full(len(states), -np.inf)]
        rows[0][0] = emitted[0, 0]
        for frame in emitted[1:]:
            came = rows[-1].copy()
            came[1:] = np.logaddexp(came[1:], rows[-1][:-1])
            rows.append(came + frame)
        return np.array(rows)

    emitted = log_probs[:, states]
    alpha, beta = sums(emitted), sums(emitted[::-1, ::-1])[::-1, ::-1]
    total = alpha[-1, -1]
    return -total, _by_symbol(np.exp(alpha + beta - emitted - total), states, log_probs)


def out_of_log_space(log_probs, labels, blank=0):
    """With probabilities: right until they underflow."""
    states = np.full(2 * len(labels) + 1, blank)
    states[1::2] = labels
    emitted = np.exp(log_probs[:, states])

    def sums(emitted, states):
        rows = [np.zeros(len(states))]
        rows[0][:2] = emitted[0, :2]
        for frame in emitted[1:]:
            came = rows[-1].copy()
            came[1:] += rows[-1][:-1]
            came[2:] += rows[-1][:-2] * (states[2:] != states[:-2])
            rows.append(came * frame)
        return np.array(rows)

    alpha, beta = sums(emitted, states), sums(emitted[::-1, ::-1], states[::-1])[::-1, ::-1]
    total = alpha[-1, -2:].sum()
    if total == 0:
        return np.inf, np.zeros_like(log_probs)
    return -np.log(total), _by_symbol(alpha * beta / emitted / total, states, log_probs)


def small_number_added(log_probs, labels, blank=0):
    """So that no logarithm is of 0."""
    loss, grad = out_of_log_space(log_probs, labels, blank)
    return (-np.log(np.exp(-loss) + 1e-12) if np.isfinite(loss) else loss), grad


def empty_text_twice(log_probs, labels, blank=0):
    """The last state and the one before it: an empty text has no such."""
    loss, grad = scratch.ctc_loss(log_probs, labels, blank)
    return (loss, grad) if len(labels) else (loss - np.log(2), grad / 2)


# --- beam_decode -----------------------------------------------------------------------------


def _beam(
    add=np.logaddexp,
    both_of=np.logaddexp,
    repeat=lambda on_blank, on_letter: (on_letter, on_blank),  # what stays, and what grows
    to_blank=lambda on_blank, on_letter, both: both,
    to_letter=lambda on_blank, on_letter, both: both,
    final=lambda prefix, scores: np.logaddexp(*scores),
    blank_is=lambda blank: blank,
):
    """The right search, with one of its parts replaced."""

    def beam_decode(log_probs, width, blank=0):
        blank = blank_is(blank)
        beam = {(): (0.0, -np.inf)}
        for frame in log_probs:
            grown = defaultdict(lambda: [-np.inf, -np.inf])

            def put(prefix, end, score, grown=grown):
                if score > -np.inf:
                    grown[prefix][end] = add(grown[prefix][end], score)

            for prefix, scores in beam.items():
                both = both_of(*scores)
                put(prefix, 0, to_blank(*scores, both) + frame[blank])
                for k, score in enumerate(frame):
                    if k == blank:
                        continue
                    grows = to_letter(*scores, both)
                    if prefix[-1:] == (k,):
                        stays, grows = repeat(*scores)
                        put(prefix, 1, stays + score)
                    put((*prefix, k), 1, grows + score)
            best = sorted(grown, key=lambda prefix: -np.logaddexp(*grown[prefix]))[:width]
            beam = {prefix: grown[prefix] for prefix in best}
        return list(max(beam, key=lambda prefix: final(prefix, beam[prefix])))

    return beam_decode


def text_of_the_best_path(log_probs, width, blank=0):
    return scratch.greedy_decode(log_probs, blank)


def beam_of_one(log_probs, width, blank=0):
    return scratch.beam_decode(log_probs, 1, blank)


repeats_always_merged = _beam(repeat=lambda b, s: (np.logaddexp(b, s), -np.inf))
repeats_never_merged = _beam(repeat=lambda b, s: (-np.inf, np.logaddexp(b, s)))
repeats_both_ways = _beam(repeat=lambda b, s: (np.logaddexp(b, s), np.logaddexp(b, s)))
grows_from_both_ends = _beam(repeat=lambda b, s: (s, np.logaddexp(b, s)))
ends_exchanged = _beam(repeat=lambda b, s: (b, s))
overwritten_not_added = _beam(add=lambda old, new: new)
logs_added = _beam(both_of=lambda b, s: b + s if s > -np.inf else b)
blank_after_blank_only = _beam(to_blank=lambda b, s, both: b)
letter_after_blank_only = _beam(to_letter=lambda b, s, both: b)
read_without_last_blank = _beam(final=lambda p, scores: scores[1])
divided_by_length = _beam(final=lambda p, scores: np.logaddexp(*scores) / max(len(p), 1))
beam_blank_is_always_0 = _beam(blank_is=lambda blank: 0)


def beam_backwards(log_probs, width, blank=0):
    return scratch.beam_decode(log_probs, width, blank)[::-1]


# --- edit_distance ---------------------------------------------------------------------------


def _table(substitute=1, insert=1, delete=1, first_row=1, first_column=1, swap=None, end=None):
    """The right table, with one of its prices replaced."""

    def edit_distance(a, b):
        d = np.zeros((len(a) + 1, len(b) + 1))
        d[:, 0] = first_column * np.arange(len(a) + 1)
        d[0, :] = first_row * np.arange(len(b) + 1)
        for i in range(1, len(a) + 1):
            for j in range(1, len(b) + 1):
                same = a[i - 1] == b[j - 1]
                ways = [d[i - 1, j] + delete, d[i, j - 1] + insert]
                ways.append(d[i - 1, j - 1] + (0 if same else substitute))
                if swap and i > 1 and j > 1 and a[i - 2] == b[j - 1] and a[i - 1] == b[j - 2]:
                    ways.append(d[i - 2, j - 2] + swap)
                d[i, j] = min(ways)
        return int(d[-1, -1]) if end is None else end(d)

    return edit_distance


no_substitution = _table(substitute=2)
substitution_free = _table(substitute=0)
swap_costs_one = _table(swap=1)
start_is_free = _table(first_row=0)
start_is_free_in_a = _table(first_column=0)
end_is_free = _table(end=lambda d: int(d[-1].min()))
insertion_free = _table(insert=0, first_row=0)
deletion_free = _table(delete=0, first_column=0)


def place_by_place(a, b):
    return sum(x != y for x, y in zip(a, b, strict=False)) + abs(len(a) - len(b))


def place_by_place_cut_off(a, b):
    return sum(x != y for x, y in zip(a, b, strict=False))


def a_match_costs_one(a, b):
    row = list(range(len(b) + 1))
    for i in range(1, len(a) + 1):
        above, row = row, [i]
        for j in range(1, len(b) + 1):
            row.append(1 + min(above[j - 1], above[j], row[j - 1]))
    return row[-1]


def not_in_common(a, b):
    """By the longest common subsequence."""
    return max(len(a), len(b)) - (len(a) + len(b) - no_substitution(a, b)) // 2


def what_differs_as_a_set(a, b):
    return len(set(a) ^ set(b))


def share_of_the_length(a, b):
    return scratch.edit_distance(a, b) / max(len(a), len(b), 1)


def similarity(a, b):
    return max(len(a), len(b)) - scratch.edit_distance(a, b)


def capitals_ignored(a, b):
    def lower(items):
        return [item.lower() if isinstance(item, str) else item for item in items]

    return scratch.edit_distance(lower(a), lower(b))


def last_items_forgotten(a, b):
    return scratch.edit_distance(a[:-1], b[:-1])


# --- error_rates -----------------------------------------------------------------------------


def _rates(
    split=str.split,
    characters=lambda text: text,
    distance=scratch.edit_distance,
    length=lambda read, wanted: len(wanted),
    combine=lambda edits, lengths: sum(edits) / sum(lengths),
    result=lambda rate: rate,
):
    """The right rates, with one of their parts replaced."""

    def error_rates(pred, true):
        def rate(cut):
            pairs = [(cut(read), cut(wanted)) for read, wanted in zip(pred, true, strict=True)]
            edits = [distance(read, wanted) for read, wanted in pairs]
            return result(combine(edits, [length(*pair) for pair in pairs]))

        return rate(characters), rate(split)

    return error_rates


def _mean_of_rates(edits, lengths):
    return float(np.mean([e / max(n, 1) for e, n in zip(edits, lengths, strict=True)]))


mean_of_rates = _rates(combine=_mean_of_rates)
words_as_characters = _rates(split=lambda text: text)
characters_as_words = _rates(characters=str.split)
words_place_by_place = _rates(distance=place_by_place)
divided_by_what_was_read = _rates(length=lambda read, wanted: len(read))
divided_by_the_longer = _rates(length=lambda read, wanted: max(len(read), len(wanted)))
divided_by_both = _rates(length=lambda read, wanted: len(read) + len(wanted))
per_line = _rates(combine=lambda edits, lengths: sum(edits) / len(edits))
counts = _rates(combine=lambda edits, lengths: sum(edits))
percent = _rates(result=lambda rate: 100 * rate)
what_is_right = _rates(result=lambda rate: 1 - rate)
at_most_one = _rates(result=lambda rate: min(rate, 1.0))
spaces_dropped = _rates(characters=lambda text: text.replace(" ", ""))
outer_spaces_dropped = _rates(characters=str.strip)
split_at_each_space = _rates(split=lambda text: text.split(" "))
wrong_words_only = _rates(
    split=lambda text: set(text.split()),
    distance=lambda a, b: len(b - a) if isinstance(b, set) else scratch.edit_distance(a, b),
)
whole_lines = _rates(split=lambda text: [text])


def rates_exchanged(pred, true):
    return scratch.error_rates(pred, true)[::-1]


def all_lines_as_one(pred, true):
    return scratch.error_rates(["".join(pred)], ["".join(true)])


def lines_joined_by_spaces(pred, true):
    return scratch.error_rates([" ".join(pred)], [" ".join(true)])


# --- reverse_padded --------------------------------------------------------------------------


def padding_too(x, lengths):
    return x[:, ::-1]


def not_turned(x, lengths):
    return x.copy()


def longest_for_all(x, lengths):
    return scratch.reverse_padded(x, np.full(len(x), max(lengths)))


def shortest_for_all(x, lengths):
    return scratch.reverse_padded(x, np.full(len(x), min(lengths)))


def sequences_exchanged(x, lengths):
    return x[::-1].copy()


def features_turned(x, lengths):
    turned = scratch.reverse_padded(x, lengths)
    return turned[..., ::-1] if x.ndim > 2 else turned


def one_too_few(x, lengths):
    return scratch.reverse_padded(x, np.asarray(lengths) - 1)


def in_place(x, lengths):
    x[:] = scratch.reverse_padded(x, lengths)
    return x


def written_over_itself(x, lengths):
    turned = x.copy()
    for row, length in zip(turned, lengths, strict=True):
        for t in range(length):
            row[t] = row[length - 1 - t]
    return turned


def steps_for_axes(x, lengths):
    """Believes that time is the last axis."""
    turned = x.copy()
    for row, sequence, length in zip(turned, x, lengths, strict=True):
        row[..., :length] = sequence[..., :length][..., ::-1]
    return turned


ANSWERS = {
    "greedy_decode": Answer(
        scratch.greedy_decode,
        [
            Misconception(
                "blanks_first",
                "A blank between two equal letters keeps them apart. What does it do once it "
                "is gone?",
                blanks_first,
            ),
            Misconception(
                "not_merged",
                "A letter is several frames wide. How often does it come in your text?",
                not_merged,
            ),
            Misconception("blanks_kept", "What does a blank stand for, in the text?", blanks_kept),
            Misconception(
                "the_path_itself",
                "That is the path. Which two steps turn it into a text?",
                the_path_itself,
            ),
            Misconception(
                "blank_is_always_0", "Where does blank come into your function?", blank_is_always_0
            ),
            Misconception(
                "each_symbol_once", "May a letter come twice in a text?", each_symbol_once
            ),
            Misconception(
                "letters_from_0",
                "Which numbers do the symbols have in log_probs? The text keeps them.",
                letters_from_0,
            ),
            Misconception(
                "over_frames",
                "Which axis holds the symbols? A path has one of them for each frame.",
                over_frames,
            ),
            Misconception(
                "least_probable",
                "A log probability of 0 is certain, and of -9 is not. Which one do you take?",
                least_probable,
            ),
            Misconception(
                "first_frame_lost", "What becomes of the very first frame?", first_frame_lost
            ),
            Misconception("pairs_only", "What if a letter is three frames wide?", pairs_only),
            Misconception("backwards", "In which order were the frames read?", backwards),
        ],
    ),
    "ctc_loss": Answer(
        scratch.ctc_loss,
        [
            Misconception(
                "blanks_never_skipped",
                "May a path go from one letter to the next without a blank between?",
                blanks_never_skipped,
            ),
            Misconception(
                "equal_letters_joined",
                "What would merging do to two equal letters without a blank between?",
                equal_letters_joined,
            ),
            Misconception(
                "letters_skipped",
                "From a blank to the next blank: which letter would be lost?",
                letters_skipped,
            ),
            Misconception("starts_on_blank", "On which states may a path start?", starts_on_blank),
            Misconception("ends_on_blank", "On which states may a path end?", ends_on_blank),
            Misconception(
                "best_path_only",
                "Is this the best path's probability, or the sum over all of them?",
                best_path_only,
            ),
            Misconception(
                "softmax_gradient",
                "That is the gradient for what goes into a softmax. Here each log probability "
                "is an input of its own.",
                softmax_gradient,
            ),
            Misconception(
                "plus_posterior",
                "If a log probability on a good path grows, does the loss rise or fall?",
                plus_posterior,
            ),
            Misconception(
                "last_state_wins",
                "A symbol may stand on several states. What becomes of the others' shares?",
                last_state_wins,
            ),
            Misconception(
                "for_probabilities",
                "Is this the gradient for the probability, or for its log?",
                for_probabilities,
            ),
            Misconception(
                "not_divided_by_the_total",
                "In each frame, the shares of all states should sum to 1. Do yours?",
                not_divided_by_the_total,
            ),
            Misconception(
                "frame_counted_twice",
                "Forward and backward sums both contain the frame in which they meet.",
                frame_counted_twice,
            ),
            Misconception(
                "log_likelihood",
                "Should a probable text have a small loss or a large one?",
                log_likelihood,
            ),
            Misconception(
                "divided_by_letters",
                "Is the loss that of the line, or of a letter of it?",
                divided_by_letters,
            ),
            Misconception(
                "divided_by_frames",
                "Is the loss that of the line, or of a frame of it?",
                divided_by_frames,
            ),
            Misconception(
                "blank_is_always_0",
                "Where does blank come into your function?",
                loss_blank_is_always_0,
            ),
            Misconception(
                "impossible_is_zero",
                "A loss of 0 says that the text is certain. Is an impossible one?",
                impossible_is_zero,
            ),
            Misconception(
                "impossible_is_nan",
                "For an impossible text all paths have probability 0. What is then divided by "
                "what?",
                impossible_is_nan,
            ),
            Misconception(
                "impossible_is_large", "How large is minus the logarithm of 0?", impossible_is_large
            ),
            Misconception("no_blanks", "Which states lie between the letters?", no_blanks),
            Misconception(
                "out_of_log_space",
                "The product of many small probabilities leaves the range of floats. Their "
                "logs do not.",
                out_of_log_space,
            ),
            Misconception(
                "small_number_added",
                "What you add to keep the logarithm finite is larger than the probabilities "
                "of a long line.",
                small_number_added,
            ),
            Misconception(
                "empty_text_twice",
                "How many states has an empty text? Which ones do you add at the end?",
                empty_text_twice,
            ),
        ],
    ),
    "beam_decode": Answer(
        scratch.beam_decode,
        [
            Misconception(
                "text_of_the_best_path",
                "That is the text of the best path. Which text has the most probable paths "
                "taken together?",
                text_of_the_best_path,
            ),
            Misconception(
                "beam_of_one", "How many prefixes do you keep after each frame?", beam_of_one
            ),
            Misconception(
                "repeats_always_merged",
                "Can your search find a text with a letter twice in a row?",
                repeats_always_merged,
            ),
            Misconception(
                "repeats_never_merged",
                "The same letter in two frames: which text do both frames stand for?",
                repeats_never_merged,
            ),
            Misconception(
                "repeats_both_ways",
                "A path can go one way only: it is merged, or it grows. On what does that depend?",
                repeats_both_ways,
            ),
            Misconception(
                "grows_from_both_ends",
                "Which paths of a prefix can add its last letter once more?",
                grows_from_both_ends,
            ),
            Misconception(
                "ends_exchanged",
                "After a blank, does the same letter merge or grow? And after the letter itself?",
                ends_exchanged,
            ),
            Misconception(
                "overwritten_not_added",
                "Two ways lead to one prefix. What becomes of the first one's score?",
                overwritten_not_added,
            ),
            Misconception(
                "logs_added",
                "The sum of two logs is the log of a product. Which one do you want here?",
                logs_added,
            ),
            Misconception(
                "blank_after_blank_only",
                "A blank may follow a blank, and what else?",
                blank_after_blank_only,
            ),
            Misconception(
                "letter_after_blank_only",
                "A new letter may follow a blank, and what else?",
                letter_after_blank_only,
            ),
            Misconception(
                "read_without_last_blank",
                "The best text's paths may end on a blank, too.",
                read_without_last_blank,
            ),
            Misconception(
                "divided_by_length",
                "The text asked for is the most probable one. Is that the most probable per "
                "letter?",
                divided_by_length,
            ),
            Misconception(
                "blank_is_always_0",
                "Where does blank come into your function?",
                beam_blank_is_always_0,
            ),
            Misconception("backwards", "In which order were the frames read?", beam_backwards),
        ],
    ),
    "edit_distance": Answer(
        scratch.edit_distance,
        [
            Misconception(
                "no_substitution",
                "A wrong letter is one edit here. Is it two of yours?",
                no_substitution,
            ),
            Misconception(
                "substitution_free",
                "What does it cost to turn one letter into another?",
                substitution_free,
            ),
            Misconception(
                "swap_costs_one",
                "Two neighbours exchanged: there is no such edit among the three. How many "
                "does it take?",
                swap_costs_one,
            ),
            Misconception(
                "start_is_free",
                "How many insertions turn an empty text into the beginning of b?",
                start_is_free,
            ),
            Misconception(
                "start_is_free_in_a",
                "How many deletions turn the beginning of a into an empty text?",
                start_is_free_in_a,
            ),
            Misconception(
                "end_is_free",
                "What about the letters of b that come after the end of a?",
                end_is_free,
            ),
            Misconception("insertion_free", "What does an added letter cost?", insertion_free),
            Misconception("deletion_free", "What does a lost letter cost?", deletion_free),
            Misconception(
                "place_by_place",
                "One lost letter shifts all others. How many edits is that?",
                place_by_place,
            ),
            Misconception(
                "place_by_place_cut_off",
                "Where one text is longer, what becomes of its rest?",
                place_by_place_cut_off,
            ),
            Misconception(
                "a_match_costs_one", "What does it cost to keep a letter?", a_match_costs_one
            ),
            Misconception(
                "not_in_common",
                "The longest common part ignores that letters may be exchanged in place. Try "
                "a short pair on paper.",
                not_in_common,
            ),
            Misconception(
                "what_differs_as_a_set",
                "A set knows no order. Does your distance?",
                what_differs_as_a_set,
            ),
            Misconception(
                "share_of_the_length",
                "How many edits is asked, as a whole number.",
                share_of_the_length,
            ),
            Misconception("similarity", "How far is a text from itself?", similarity),
            Misconception("capitals_ignored", "Are a and A the same?", capitals_ignored),
            Misconception(
                "last_items_forgotten", "How far do your two loops go?", last_items_forgotten
            ),
        ],
    ),
    "error_rates": Answer(
        scratch.error_rates,
        [
            Misconception(
                "mean_of_rates",
                "Should one wrong word of two letters count as much as a whole wrong line?",
                mean_of_rates,
            ),
            Misconception(
                "words_as_characters",
                "The word error rate counts words. What are your items?",
                words_as_characters,
            ),
            Misconception(
                "characters_as_words",
                "The character error rate counts characters. What are your items?",
                characters_as_words,
            ),
            Misconception(
                "words_place_by_place",
                "One lost letter shifts all that follow. How many edits is that?",
                words_place_by_place,
            ),
            Misconception(
                "divided_by_what_was_read",
                "A rate of errors in what: the text that is there, or that you read?",
                divided_by_what_was_read,
            ),
            Misconception(
                "divided_by_the_longer",
                "By which of the two lengths do you divide?",
                divided_by_the_longer,
            ),
            Misconception(
                "divided_by_both", "By which of the two lengths do you divide?", divided_by_both
            ),
            Misconception("per_line", "Errors per line, or per character and per word?", per_line),
            Misconception("counts", "A rate is a share. Of what?", counts),
            Misconception("percent", "A fraction is asked, not per cent.", percent),
            Misconception(
                "what_is_right", "Do you count what is wrong, or what is right?", what_is_right
            ),
            Misconception(
                "at_most_one",
                "Can a reading have more errors than the text has characters?",
                at_most_one,
            ),
            Misconception("spaces_dropped", "Is a space a character?", spaces_dropped),
            Misconception(
                "outer_spaces_dropped", "Is a space at the end a character?", outer_spaces_dropped
            ),
            Misconception(
                "split_at_each_space",
                "Two spaces in a row: how many words lie between them?",
                split_at_each_space,
            ),
            Misconception(
                "wrong_words_only",
                "Words too many, and words in another order, are errors too.",
                wrong_words_only,
            ),
            Misconception(
                "whole_lines", "That is the share of wrong lines. What is a word?", whole_lines
            ),
            Misconception(
                "rates_exchanged", "Which of the two rates comes first?", rates_exchanged
            ),
            Misconception(
                "all_lines_as_one",
                "Lines that are put end to end can be matched across their ends. Is that what "
                "was read?",
                all_lines_as_one,
            ),
            Misconception(
                "lines_joined_by_spaces",
                "Lines that are joined get new spaces, and can be matched across their ends.",
                lines_joined_by_spaces,
            ),
        ],
    ),
    "reverse_padded": Answer(
        scratch.reverse_padded,
        [
            Misconception("padding_too", "Where is the padding after you turned it?", padding_too),
            Misconception(
                "not_turned", "What should the first step of each sequence be now?", not_turned
            ),
            Misconception(
                "longest_for_all",
                "Has each sequence the length of the longest one?",
                longest_for_all,
            ),
            Misconception(
                "shortest_for_all",
                "Has each sequence the length of the shortest one?",
                shortest_for_all,
            ),
            Misconception("sequences_exchanged", "Which axis is time?", sequences_exchanged),
            Misconception(
                "features_turned",
                "The steps change places. What becomes of the features in each step?",
                features_turned,
            ),
            Misconception(
                "one_too_few",
                "Where is the last real step of a sequence, counted from 0?",
                one_too_few,
            ),
            Misconception("in_place", "May a caller's array change?", in_place),
            Misconception(
                "written_over_itself",
                "In the second half, what do you read: the old values or the new ones?",
                written_over_itself,
            ),
            Misconception(
                "steps_for_axes",
                "Time is the second axis. Is it the last one, too?",
                steps_for_axes,
            ),
        ],
    ),
}
