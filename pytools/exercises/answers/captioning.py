"""What the checks of 16_captioning know: the references, and the wrong solutions people write."""

from __future__ import annotations

from collections import Counter

import numpy as np
import torch
import torch.nn.functional as F

from pytools import models, scratch
from pytools.exercise import Answer, Misconception

SPECIAL = ("<pad>", "<start>", "<end>", "<unk>")

# --- build_vocab -----------------------------------------------------------------------------


def _vocab(
    words=lambda caption: caption.lower().split(),
    keep=lambda count, min_count: count >= min_count,
    key=lambda word, count: (-count, word),
    special=SPECIAL,
):
    """The right vocabulary, with one of its parts replaced."""

    def build_vocab(captions, min_count):
        counts = Counter(word for caption in captions for word in words(caption))
        kept = [word for word, count in counts.items() if keep(count, min_count)]
        kept.sort(key=lambda word: key(word, counts[word]))
        return {word: i for i, word in enumerate([*special, *kept])}

    return build_vocab


capitals_kept = _vocab(words=str.split)
more_than_min_count = _vocab(keep=lambda count, least: count > least)
min_count_ignored = _vocab(keep=lambda count, least: True)
ties_by_appearance = _vocab(key=lambda word, count: -count)
alphabetical = _vocab(key=lambda word, count: word)
rare_first = _vocab(key=lambda word, count: (count, word))
captions_counted = _vocab(words=lambda caption: sorted(set(caption.lower().split())))
no_unknown_word = _vocab(special=SPECIAL[:3])
start_at_0 = _vocab(special=("<start>", "<end>", "<unk>", "<pad>"))
split_at_each_space = _vocab(words=lambda caption: caption.lower().split(" "))


def ties_reversed(captions, min_count):
    counts = Counter(word for caption in captions for word in caption.lower().split())
    order = sorted(counts, key=lambda word: (counts[word], word), reverse=True)
    kept = [word for word in order if counts[word] >= min_count]
    return {word: i for i, word in enumerate([*SPECIAL, *kept])}


def special_words_last(captions, min_count):
    kept = list(scratch.build_vocab(captions, min_count))[4:]
    return {word: i for i, word in enumerate([*kept, *SPECIAL])}


def ids_to_words(captions, min_count):
    return {i: word for word, i in scratch.build_vocab(captions, min_count).items()}


# --- encode, decode --------------------------------------------------------------------------


def _encode(words=lambda caption: caption.lower().split(), missing="<unk>", frame=(1, 2)):
    """The right ids, with one of the parts replaced."""

    def encode(caption, vocab):
        ids = [vocab.get(word, vocab.get(missing)) for word in words(caption)]
        before, behind = frame
        return [*[1] * before, *(i for i in ids if i is not None), *[2] * (behind // 2)]

    return encode


encode_capitals_kept = _encode(words=str.split)
unknown_left_out = _encode(missing="")
unknown_is_padding = _encode(missing="<pad>")
letters = _encode(words=lambda caption: list(caption.lower()))
only_start = _encode(frame=(1, 0))
only_end = _encode(frame=(0, 2))
encode_at_each_space = _encode(words=lambda caption: caption.lower().split(" "))


def ends_in_the_wrong_place(caption, vocab):
    return [vocab["<end>"], *scratch.encode(caption, vocab)[1:-1], vocab["<start>"]]


def start_at_both_ends(caption, vocab):
    return [*scratch.encode(caption, vocab)[:-1], vocab["<start>"]]


def counted_from_one(caption, vocab):
    return [i + 1 for i in scratch.encode(caption, vocab)]


def each_word_once(caption, vocab):
    return list(dict.fromkeys(scratch.encode(caption, vocab)))


def _decode(skip=("<pad>", "<start>"), stop=("<end>",), keep_stop=False):
    """The right caption, with one of the rules changed."""

    def decode(ids, vocab):
        words = {i: word for word, i in vocab.items()}
        found = []
        for i in ids:
            word = words[int(i)]
            if word in stop:
                return " ".join([*found, word] if keep_stop else found)
            if word not in skip:
                found.append(word)
        return " ".join(found)

    return decode


every_word_shown = _decode(skip=(), stop=())
reads_past_the_end = _decode(skip=("<pad>", "<start>", "<end>"), stop=())
end_is_shown = _decode(keep_stop=True)
start_is_shown = _decode(skip=("<pad>",))
padding_is_shown = _decode(skip=("<start>",))
unknown_is_hidden = _decode(skip=("<pad>", "<start>", "<unk>"))
stops_at_unknown = _decode(stop=("<end>", "<unk>"))
stops_at_padding_only = _decode(skip=("<start>", "<end>"), stop=("<pad>",))


def first_and_last_cut_off(ids, vocab):
    words = {i: word for word, i in vocab.items()}
    return " ".join(words[int(i)] for i in ids[1:-1])


def last_end_counts(ids, vocab):
    words = {i: word for word, i in vocab.items()}
    ids = [int(i) for i in ids]
    last = len(ids) - 1 - ids[::-1].index(2) if 2 in ids else len(ids)
    return " ".join(words[i] for i in ids[:last] if i > 2)


# --- caption_loss ----------------------------------------------------------------------------


def _costs(logits, targets):
    """What each place costs, (N, T)."""
    return F.cross_entropy(logits.transpose(1, 2), targets, reduction="none")


def _real(targets, lengths):
    return torch.arange(targets.shape[1]) < lengths[:, None]


def padding_counted(logits, targets, lengths):
    return _costs(logits, targets).mean()


def padding_counted_in_the_mean(logits, targets, lengths):
    return (_costs(logits, targets) * _real(targets, lengths)).mean()


def mean_of_each_caption(logits, targets, lengths):
    costs = _costs(logits, targets) * _real(targets, lengths)
    return (costs.sum(dim=1) / lengths).mean()


def a_caption_at_a_time(logits, targets, lengths):
    return models.caption_loss(logits, targets, lengths) * lengths.sum() / len(lengths)


def one_word_too_many(logits, targets, lengths):
    steps = targets.shape[1]
    return models.caption_loss(logits, targets, (lengths + 1).clamp(max=steps))


def next_word_asked(logits, targets, lengths):
    """The targets are shifted once more."""
    real = _real(targets, lengths)
    return F.cross_entropy(logits[real], targets.roll(-1, dims=1)[real])


def softmax_twice(logits, targets, lengths):
    return models.caption_loss(logits.softmax(dim=-1), targets, lengths)


def overflows(logits, targets, lengths):
    p = logits.exp() / logits.exp().sum(dim=-1, keepdim=True)
    picked = p.gather(2, targets[..., None])[..., 0]
    return -picked[_real(targets, lengths)].log().mean()


def logits_zeroed(logits, targets, lengths):
    """A row of zeros costs log V, not nothing."""
    real = _real(targets, lengths)
    return _costs(logits * real[..., None], targets).sum() / real.sum()


def loss_cut_off(logits, targets, lengths):
    return models.caption_loss(logits.detach(), targets, lengths)


# --- attend ----------------------------------------------------------------------------------


def _attend(
    act=torch.tanh,
    seen=lambda f, h, p: f @ p["wf"] + (h @ p["wh"])[:, None] + p["b"],
    weigh=lambda e: e.softmax(dim=1),
    take=lambda w, f: (w[..., None] * f).sum(dim=1),
):
    """The right attention, with one of its parts replaced."""

    def attend(features, hidden, params):
        weights = weigh(act(seen(features, hidden, params)) @ params["v"])
        return take(weights, features), weights

    return attend


softmax_over_batch = _attend(weigh=lambda e: e.softmax(dim=0))
sigmoid_of_scores = _attend(weigh=torch.sigmoid)
exp_overflows = _attend(weigh=lambda e: e.exp() / e.exp().sum(dim=1, keepdim=True))
no_tanh = _attend(act=lambda s: s)
state_ignored = _attend(seen=lambda f, h, p: f @ p["wf"] + p["b"])
bias_left_out = _attend(seen=lambda f, h, p: f @ p["wf"] + (h @ p["wh"])[:, None])
mean_over_places = _attend(take=lambda w, f: (w[..., None] * f).mean(dim=1))
best_place_alone = _attend(
    take=lambda w, f: f[torch.arange(len(f)), w.argmax(dim=1)],
)
weights_cut_off = _attend(take=lambda w, f: (w.detach()[..., None] * f).sum(dim=1))


def looks_without_a_gradient(features, hidden, params):
    with torch.no_grad():
        _, weights = models.attend(features, hidden, params)
    return (weights[..., None] * features).sum(dim=1), weights


def all_cut_off(features, hidden, params):
    with torch.no_grad():
        return models.attend(features, hidden, params)


def state_cut_off(features, hidden, params):
    return models.attend(features, hidden.detach(), params)


def weights_first(features, hidden, params):
    return models.attend(features, hidden, params)[::-1]


def projected_features(features, hidden, params):
    _, weights = models.attend(features, hidden, params)
    return (weights[..., None] * (features @ params["wf"])).sum(dim=1), weights


# --- beam_search -----------------------------------------------------------------------------


def _stripped(ids, end):
    return ids[: ids.index(end)] if end in ids else ids


def greedy(step, start, end, width, max_len):
    return scratch.beam_search(step, start, end, 1, max_len)


def twice_as_wide(step, start, end, width, max_len):
    return scratch.beam_search(step, start, end, 2 * width, max_len)


def one_word_too_few(step, start, end, width, max_len):
    return scratch.beam_search(step, start, end, width, max(max_len - 1, 1))


def max_len_doubled(step, start, end, width, max_len):
    return scratch.beam_search(step, start, end, width, 2 * max_len)


def _beam(
    begin=0.0,
    total=lambda before, score: before + score,
    value=lambda total, ids: total,
    per_parent=None,
    stop=lambda beam, end: all(ids[-1] == end for _, ids in beam),
    keep_finished=True,
):
    """The right search, with one of its parts replaced."""

    def beam_search(step, start, end, width, max_len):
        beam, done = [(begin, [start])], []
        for _ in range(max_len):
            grown = []
            for before, ids in beam:
                if len(ids) > 1 and ids[-1] == end:
                    grown.append((before, ids))
                    continue
                scores = np.asarray(step(ids), float)
                order = np.argsort(-scores, kind="stable")[: per_parent or width]
                if len(ids) == 1:
                    order = np.argsort(-scores, kind="stable")[:width]
                grown += [(total(before, scores[i]), [*ids, int(i)]) for i in order]
            grown.sort(key=lambda pair: -value(*pair))
            beam = grown[:width]
            if not keep_finished:
                done += [pair for pair in beam if pair[1][-1] == end]
                beam = [pair for pair in beam if pair[1][-1] != end] or done[-1:]
            if stop(beam, end):
                break
        found = [pair for pair in beam if pair[1][-1] == end] if stop(beam, end) else beam
        best = max(found or beam, key=lambda pair: value(*pair))
        return _stripped(best[1][1:], end)

    return beam_search


best_of_each = _beam(per_parent=1)
first_to_finish = _beam(stop=lambda beam, end: any(ids[-1] == end for _, ids in beam))
length_normalised = _beam(value=lambda total, ids: total / (len(ids) - 1))
last_step_alone = _beam(total=lambda before, score: score)
finished_are_dropped = _beam(keep_finished=False)


def probabilities(step, start, end, width, max_len):
    """A product of many small numbers is 0."""
    beam = [(1.0, [start])]
    for _ in range(max_len):
        grown = [pair for pair in beam if end in pair[1][1:]]
        for total, ids in beam:
            if end not in ids[1:]:
                p = np.exp(np.asarray(step(ids), float)).tolist()
                grown += [(total * p[i], [*ids, i]) for i in range(len(p))]
        beam = sorted(grown, key=lambda pair: -pair[0])[:width]
    return _stripped(beam[0][1][1:], end)


def goes_on_after_the_end(step, start, end, width, max_len):
    beam = [(0.0, [start])]
    for _ in range(max_len):
        grown = [(t + float(s), [*ids, i]) for t, ids in beam for i, s in enumerate(step(ids))]
        beam = sorted(grown, key=lambda pair: -pair[0])[:width]
    return beam[0][1][1:]


def pays_after_the_end(step, start, end, width, max_len):
    return _stripped(goes_on_after_the_end(step, start, end, width, max_len), end)


# --- bleu ------------------------------------------------------------------------------------


def _ngrams(tokens, n):
    return Counter(tuple(tokens[i : i + n]) for i in range(len(tokens) - n + 1))


def _most(texts, n):
    most = Counter()
    for text in texts:
        most |= _ngrams(text, n)
    return most


def _found(candidate, texts, n):
    mine = _ngrams(candidate, n)
    return sum((mine & _most(texts, n)).values()), sum(mine.values())


def _closest(candidate, texts):
    return min((abs(len(text) - len(candidate)), len(text)) for text in texts)[1]


def _root(found, total, max_n):
    return np.exp(np.mean(np.log(found / total))) if np.all(found > 0) else 0.0


def _brevity(c, r):
    return min(1.0, np.exp(1 - r / c)) if c else 0.0


def _bleu(found=_found, length=_closest, mean=_root, brevity=_brevity):
    """The right score, with one of its parts replaced."""

    def bleu(candidates, references, max_n=4):
        pairs = list(zip(candidates, references, strict=True))
        counts = np.array(
            [np.sum([found(*pair, n) for pair in pairs], axis=0) for n in range(1, max_n + 1)],
            float,
        )
        c, r = sum(map(len, candidates)), sum(length(*pair) for pair in pairs)
        if not c:
            return 0.0
        return float(brevity(c, r) * mean(*counts.T, max_n))

    return bleu


def _unclipped(candidate, texts, n):
    mine, most = _ngrams(candidate, n), _most(texts, n)
    return sum(count for gram, count in mine.items() if most[gram]), sum(mine.values())


def _clipped_by_the_sum(candidate, texts, n):
    mine = _ngrams(candidate, n)
    allowed = sum((_ngrams(text, n) for text in texts), Counter())
    return sum((mine & allowed).values()), sum(mine.values())


def _different_ones(candidate, texts, n):
    mine = set(_ngrams(candidate, n))
    return len(mine & set(_most(texts, n))), len(mine)


def _one_for_short_ones(candidate, texts, n):
    found, total = _found(candidate, texts, n)
    return found, max(1, total)


def _one_added(found, total, max_n):
    more = np.arange(max_n) > 0
    return _root(found + more, total + more, max_n)


def _zeros_left_out(found, total, max_n):
    kept = found > 0
    return _root(found[kept], total[kept], max_n) if kept.any() else 0.0


unclipped = _bleu(found=_unclipped)
clipped_by_the_sum = _bleu(found=_clipped_by_the_sum)
different_ones_counted = _bleu(found=_different_ones)
short_ones_count_one = _bleu(found=_one_for_short_ones)
longest_reference = _bleu(length=lambda x, texts: max(map(len, texts)))
shortest_reference = _bleu(length=lambda x, texts: min(map(len, texts)))
longer_of_two = _bleu(
    length=lambda x, ts: min((abs(len(t) - len(x)), -len(t), len(t)) for t in ts)[2]
)
no_brevity_penalty = _bleu(brevity=lambda c, r: 1.0)
long_ones_rewarded = _bleu(brevity=lambda c, r: np.exp(1 - r / c))
arithmetic_mean = _bleu(mean=lambda found, total, n: np.mean(found / np.maximum(total, 1)))
smoothed = _bleu(mean=_one_added)
zeros_left_out = _bleu(mean=_zeros_left_out)


def mean_of_sentences(candidates, references, max_n=4):
    pairs = zip(candidates, references, strict=True)
    return np.mean([scratch.bleu([x], [texts], max_n) for x, texts in pairs])


def penalty_of_each_sentence(candidates, references, max_n=4):
    pairs = list(zip(candidates, references, strict=True))
    penalty = np.mean([_brevity(len(x), _closest(x, texts)) for x, texts in pairs])
    return penalty * no_brevity_penalty(candidates, references, max_n)


def always_four(candidates, references, max_n=4):
    return scratch.bleu(candidates, references)


def in_percent(candidates, references, max_n=4):
    return 100 * scratch.bleu(candidates, references, max_n)


# --- hints -----------------------------------------------------------------------------------

FRAME = "Which ids are to stand around the words? Look at both ends."
PADDING = "Change what stands in the padding. Does your loss move?"
TAPE = "Where does your result leave the tape? Then no weight can learn from it."
MEAN = "Over what is the mean: words, captions, or places in the array?"
SUM_TO_ONE = "Over which axis do your weights sum to 1? Over which should they?"
LENGTH = "Two references of different lengths: which one does the text compare with?"
BREVITY = "What is the factor for a corpus that is too short, and for one that is too long?"
ROOT = "How does the formula join the precisions of one, two, three and four words?"

ANSWERS = {
    "build_vocab": Answer(
        scratch.build_vocab,
        [
            Misconception(
                "capitals_kept",
                "Is a word at the start of a sentence another word?",
                capitals_kept,
            ),
            Misconception(
                "more_than_min_count",
                "A word that comes exactly min_count times: is it kept?",
                more_than_min_count,
            ),
            Misconception(
                "min_count_ignored",
                "Your caller chooses min_count. Do you use it?",
                min_count_ignored,
            ),
            Misconception(
                "ties_by_appearance",
                "Shuffle the captions: do words that are equally frequent keep their ids?",
                ties_by_appearance,
            ),
            Misconception(
                "ties_reversed",
                "You sort by two things. Do both go downwards?",
                ties_reversed,
            ),
            Misconception(
                "alphabetical",
                "What comes before the alphabet in the order?",
                alphabetical,
            ),
            Misconception(
                "rare_first",
                "Which words come first, the frequent or the rare?",
                rare_first,
            ),
            Misconception(
                "captions_counted",
                "A word comes twice in one caption. How often do you count it?",
                captions_counted,
            ),
            Misconception(
                "no_unknown_word",
                "What will stand for a word that is not in the vocabulary?",
                no_unknown_word,
            ),
            Misconception(
                "start_at_0",
                "Look at the table: which id has each special word?",
                start_at_0,
            ),
            Misconception(
                "special_words_last",
                "Which ids come first: the special ones, or the words?",
                special_words_last,
            ),
            Misconception(
                "ids_to_words",
                "What is asked for what: a word for an id?",
                ids_to_words,
            ),
            Misconception(
                "split_at_each_space",
                "What lies between two spaces in a row? Is that a word?",
                split_at_each_space,
            ),
        ],
    ),
    "encode": Answer(
        scratch.encode,
        [
            Misconception(
                "capitals_kept",
                "How were the words spelt when the vocabulary was built?",
                encode_capitals_kept,
            ),
            Misconception(
                "unknown_left_out",
                "A word is not in the vocabulary. What stands in its place?",
                unknown_left_out,
            ),
            Misconception(
                "unknown_is_padding",
                "Padding is not read, and not asked for. Is that what an unknown word is?",
                unknown_is_padding,
            ),
            Misconception(
                "split_at_each_space",
                "What lies between two spaces in a row? Is that a word?",
                encode_at_each_space,
            ),
            Misconception("letters", "Is a caption a row of letters, or of words?", letters),
            Misconception("only_start", FRAME, only_start),
            Misconception("only_end", FRAME, only_end),
            Misconception("ends_in_the_wrong_place", FRAME, ends_in_the_wrong_place),
            Misconception("start_at_both_ends", FRAME, start_at_both_ends),
            Misconception(
                "counted_from_one",
                "The vocabulary has the ids. Do you change them?",
                counted_from_one,
            ),
            Misconception(
                "each_word_once",
                "A word comes twice in a caption. How often is it in your list?",
                each_word_once,
            ),
        ],
    ),
    "decode": Answer(
        scratch.decode,
        [
            Misconception(
                "every_word_shown",
                "Which of the ids does a reader want to see as words?",
                every_word_shown,
            ),
            Misconception(
                "reads_past_the_end",
                "What is behind the first <end>? Is it part of the caption?",
                reads_past_the_end,
            ),
            Misconception("end_is_shown", "Is <end> part of the caption?", end_is_shown),
            Misconception("start_is_shown", "Is <start> part of the caption?", start_is_shown),
            Misconception(
                "padding_is_shown",
                "A caption without <end>, and padding behind it: what do you show?",
                padding_is_shown,
            ),
            Misconception(
                "unknown_is_hidden",
                "A word was missing there. Will a reader see that?",
                unknown_is_hidden,
            ),
            Misconception(
                "stops_at_unknown",
                "Is a caption over at an unknown word?",
                stops_at_unknown,
            ),
            Misconception(
                "stops_at_padding_only",
                "At which id is a caption over?",
                stops_at_padding_only,
            ),
            Misconception(
                "first_and_last_cut_off",
                "Are the first and the last id always <start> and <end>?",
                first_and_last_cut_off,
            ),
            Misconception(
                "last_end_counts",
                "There may be several <end>. Which one is the end?",
                last_end_counts,
            ),
        ],
    ),
    "caption_loss": Answer(
        models.caption_loss,
        [
            Misconception("padding_counted", PADDING, padding_counted),
            Misconception("padding_counted_in_the_mean", MEAN, padding_counted_in_the_mean),
            Misconception(
                "mean_of_each_caption",
                "Does a word of a short caption weigh more than one of a long caption?",
                mean_of_each_caption,
            ),
            Misconception("a_caption_at_a_time", MEAN, a_caption_at_a_time),
            Misconception(
                "one_word_too_many",
                "A caption of length 2: which places are real, counted from 0?",
                one_word_too_many,
            ),
            Misconception(
                "next_word_asked",
                "Which target belongs to the logits of place t? Is it shifted already?",
                next_word_asked,
            ),
            Misconception(
                "softmax_twice",
                "Does your cross-entropy want logits, or probabilities?",
                softmax_twice,
            ),
            Misconception(
                "overflows",
                "What is e to the 10000 on your machine, and its logarithm?",
                overflows,
            ),
            Misconception(
                "logits_zeroed",
                "What does a row of equal logits cost? Is it nothing?",
                logits_zeroed,
            ),
            Misconception("cut_off_the_tape", TAPE, loss_cut_off),
        ],
    ),
    "attend": Answer(
        models.attend,
        [
            Misconception("softmax_over_batch", SUM_TO_ONE, softmax_over_batch),
            Misconception("sigmoid_of_scores", SUM_TO_ONE, sigmoid_of_scores),
            Misconception(
                "exp_overflows",
                "What is e to the 10000 on your machine?",
                exp_overflows,
            ),
            Misconception(
                "no_tanh",
                "Without what is between them, what are two linear layers?",
                no_tanh,
            ),
            Misconception(
                "state_ignored",
                "The caption goes on. Does your net look somewhere else then?",
                state_ignored,
            ),
            Misconception(
                "bias_left_out",
                "Which of the four parameters is not used?",
                bias_left_out,
            ),
            Misconception(
                "mean_over_places",
                "The weights sum to 1 already. What else do you divide by?",
                mean_over_places,
            ),
            Misconception(
                "best_place_alone",
                "A choice of one place has no gradient. What does the formula sum over?",
                best_place_alone,
            ),
            Misconception("weights_cut_off", TAPE, weights_cut_off),
            Misconception("looks_without_a_gradient", TAPE, looks_without_a_gradient),
            Misconception("all_cut_off", TAPE, all_cut_off),
            Misconception("state_cut_off", TAPE, state_cut_off),
            Misconception(
                "weights_first",
                "In which order does the text name the results?",
                weights_first,
            ),
            Misconception(
                "projected_features",
                "Of what is the context a sum: the features, or what was made of them?",
                projected_features,
            ),
        ],
    ),
    "beam_search": Answer(
        scratch.beam_search,
        [
            Misconception("greedy", "How many beginnings do you keep at each step?", greedy),
            Misconception(
                "twice_as_wide",
                "Count what stays: is it `width`, or more?",
                twice_as_wide,
            ),
            Misconception(
                "best_of_each",
                "Two of the best may share their beginning. Do you let them?",
                best_of_each,
            ),
            Misconception(
                "first_to_finish",
                "One has ended, another one goes on and is more probable. Which wins?",
                first_to_finish,
            ),
            Misconception(
                "finished_are_dropped",
                "One has ended, and is better than all that still run. Where is it kept?",
                finished_are_dropped,
            ),
            Misconception(
                "goes_on_after_the_end",
                "What comes after the end of a caption?",
                goes_on_after_the_end,
            ),
            Misconception(
                "pays_after_the_end",
                "A caption has ended. Does its sum still change?",
                pays_after_the_end,
            ),
            Misconception(
                "length_normalised",
                "By what are two captions of different lengths compared here?",
                length_normalised,
            ),
            Misconception(
                "last_step_alone",
                "A good word after a bad beginning: what is the whole worth?",
                last_step_alone,
            ),
            Misconception(
                "probabilities",
                "What is the product of 400 probabilities on your machine?",
                probabilities,
            ),
            Misconception(
                "one_word_too_few",
                "How many words may the longest caption have?",
                one_word_too_few,
            ),
            Misconception(
                "max_len_doubled",
                "How many words may the longest caption have?",
                max_len_doubled,
            ),
        ],
    ),
    "bleu": Answer(
        scratch.bleu,
        [
            Misconception("unclipped", 'What does "the the the the" earn with you?', unclipped),
            Misconception(
                "clipped_by_the_sum",
                "A word comes once in each of two references. How often does it count?",
                clipped_by_the_sum,
            ),
            Misconception(
                "different_ones_counted",
                "A pair of words comes twice, in both. How often does it count?",
                different_ones_counted,
            ),
            Misconception(
                "short_ones_count_one",
                "How many runs of four words has a candidate of two words?",
                short_ones_count_one,
            ),
            Misconception("longest_reference", LENGTH, longest_reference),
            Misconception("shortest_reference", LENGTH, shortest_reference),
            Misconception(
                "longer_of_two",
                "Two references are equally near. Which one counts?",
                longer_of_two,
            ),
            Misconception("no_brevity_penalty", BREVITY, no_brevity_penalty),
            Misconception("long_ones_rewarded", BREVITY, long_ones_rewarded),
            Misconception(
                "penalty_of_each_sentence",
                "May a long candidate make up for a short one? What are c and r?",
                penalty_of_each_sentence,
            ),
            Misconception(
                "mean_of_sentences",
                "What comes first: the sums over the corpus, or the score?",
                mean_of_sentences,
            ),
            Misconception("arithmetic_mean", ROOT, arithmetic_mean),
            Misconception("smoothed", "Is anything added to the counts in the formula?", smoothed),
            Misconception(
                "zeros_left_out",
                "One factor of the product is 0. What is the product?",
                zeros_left_out,
            ),
            Misconception("always_four", "Your caller chooses max_n. Do you use it?", always_four),
            Misconception("in_percent", "Between which numbers does the score lie?", in_percent),
        ],
    ),
}
