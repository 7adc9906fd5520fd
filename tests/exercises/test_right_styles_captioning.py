"""Captioning exercises written in any right way pass; wrong ways that nobody listed do not."""

import collections
import heapq
import itertools
import math
import re

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from styles import assert_right, assert_wrong, pairs

# --- words and ids ---------------------------------------------------------------------------


def with_two_sorts(captions, min_count):
    counts = {}
    for caption in captions:
        for word in caption.lower().split():
            counts[word] = counts.get(word, 0) + 1
    words = sorted(word for word in counts if counts[word] >= min_count)
    words.sort(key=counts.get, reverse=True)
    vocab = {"<pad>": 0, "<start>": 1, "<end>": 2, "<unk>": 3}
    for word in words:
        vocab[word] = len(vocab)
    return vocab


def with_regular_expressions(captions, min_count):
    counts = collections.Counter(re.findall(r"\w+", " ".join(captions).lower()))
    pairs = sorted((-count, word) for word, count in counts.items() if count >= min_count)
    words = ["<pad>", "<start>", "<end>", "<unk>"] + [word for _, word in pairs]
    return collections.OrderedDict(zip(words, range(len(words)), strict=True))


def with_numpy_counts(captions, min_count):
    words = np.array([word for text in captions for word in text.casefold().split()], dtype=str)
    names, counts = np.unique(words, return_counts=True)
    names, counts = names[counts >= min_count], counts[counts >= min_count]
    order = np.argsort(-counts, kind="stable")
    return dict(
        zip(["<pad>", "<start>", "<end>", "<unk>", *names[order]], np.arange(999), strict=False)
    )


def most_common(captions, min_count):
    """Ties come in order of appearance, unless the words were sorted before."""
    counts = collections.Counter(sorted(" ".join(captions).lower().split()))
    kept = [word for word, count in counts.most_common() if count >= min_count]
    return {word: i for i, word in enumerate(["<pad>", "<start>", "<end>", "<unk>", *kept])}


def list_of_words(captions, min_count):
    return list(most_common(captions, min_count))


def ids_from_one(captions, min_count):
    return {word: i + 1 for word, i in most_common(captions, min_count).items()}


def unlimited_default(captions, min_count):
    return collections.defaultdict(lambda: 3, with_two_sorts(captions, min_count))


def twice_lowered(captions, min_count):
    """Counts before it lowers."""
    counts = collections.Counter(" ".join(captions).split())
    kept = sorted(
        {w.lower() for w in counts if counts[w] >= min_count}, key=lambda w: (-counts[w], w)
    )
    return {word: i for i, word in enumerate(["<pad>", "<start>", "<end>", "<unk>", *kept])}


def as_array(caption, vocab):
    words = ["<start>", *caption.lower().split(), "<end>"]
    return np.array([vocab.get(word, 3) for word in words], dtype=np.int16)


def as_tensor(caption, vocab):
    ids = [1]
    for word in caption.lower().split():
        try:
            ids.append(vocab[word])
        except KeyError:
            ids.append(vocab["<unk>"])
    ids.append(2)
    return torch.tensor(ids)


def without_a_frame(caption, vocab):
    return [vocab.get(word, vocab["<unk>"]) for word in caption.lower().split()]


def as_tuple(caption, vocab):
    return tuple(vocab.get(w, 3) for w in f"<start> {caption.lower()} <end>".split())


def unknown_is_an_error(caption, vocab):
    return [1, *(vocab[word] for word in caption.lower().split()), 2]


def reversed_words(caption, vocab):
    return [1, *without_a_frame(caption, vocab)[::-1], 2]


def stops_at_unknown(caption, vocab):
    return [1, *itertools.takewhile(lambda i: i != 3, without_a_frame(caption, vocab)), 2]


def framed_twice(caption, vocab):
    return [1, *as_tuple(caption, vocab), 2]


def cut_at_the_end(ids, vocab):
    words, ids = list(vocab), [int(i) for i in ids]
    ids = ids[: ids.index(2)] if 2 in ids else ids
    return " ".join(words[i] for i in ids if i not in (0, 1))


def with_take_while(ids, vocab):
    names = {i: word for word, i in vocab.items()}
    words = itertools.takewhile(lambda word: word != "<end>", (names[int(i)] for i in ids))
    return " ".join(word for word in words if word not in ("<pad>", "<start>"))


def a_list_of_words(ids, vocab):
    return cut_at_the_end(ids, vocab).split()


def with_numpy(ids, vocab):
    ids, words = np.asarray(ids, int), np.array(list(vocab))
    before = np.cumsum(ids == 2) == 0
    return " ".join(words[ids[before & (ids != 1) & (ids != 0)]])


def a_word_too_few(ids, vocab):
    return " ".join(cut_at_the_end(ids, vocab).split()[:-1])


def letters_joined(ids, vocab):
    return cut_at_the_end(ids, vocab).replace(" ", "")


def id_minus_four(ids, vocab):
    words = list(vocab)[4:]
    return " ".join(words[i - 4] if i > 3 else "<unk>" for i in ids if i > 2)


def only_first_slot(ids, vocab):
    """Takes <start> for granted."""
    return cut_at_the_end(ids[1:], vocab)


# --- caption_loss ----------------------------------------------------------------------------


def word_by_word(logits, targets, lengths):
    costs = [
        torch.logsumexp(logits[n, t], 0) - logits[n, t, targets[n, t]]
        for n in range(len(logits))
        for t in range(int(lengths[n]))
    ]
    return torch.stack(costs).mean()


def by_mask(logits, targets, lengths):
    costs = F.cross_entropy(logits.transpose(1, 2), targets, reduction="none")
    mask = (torch.arange(targets.shape[1])[None] < lengths[:, None]).to(logits.dtype)
    return (costs * mask).sum() / mask.sum()


def packed(logits, targets, lengths):
    pack = torch.nn.utils.rnn.pack_padded_sequence
    z, y = (pack(x, lengths, batch_first=True, enforce_sorted=False) for x in (logits, targets))
    return F.cross_entropy(z.data, y.data)


def ignored_places(logits, targets, lengths):
    y = targets.clone()
    for row, length in zip(y, lengths, strict=True):
        row[length:] = -100
    return F.cross_entropy(logits.flatten(0, 1), y.flatten())


def by_the_pad_id(logits, targets, lengths):
    return F.cross_entropy(logits.transpose(1, 2), targets, ignore_index=0)


def by_gather(logits, targets, lengths):
    picked = logits.log_softmax(-1).gather(-1, targets.unsqueeze(-1)).squeeze(-1)
    mask = torch.arange(logits.shape[1]).expand_as(targets) >= lengths.unsqueeze(1)
    return -picked.masked_fill(mask, 0.0).sum() / lengths.sum()


def caption_by_caption(logits, targets, lengths):
    total = 0.0
    for z, y, n in zip(logits, targets, lengths.tolist(), strict=True):
        total = total + F.nll_loss(F.log_softmax(z[:n], dim=1), y[:n], reduction="sum")
    return total / lengths.sum()


def by_one_hot(logits, targets, lengths):
    hot = F.one_hot(targets, logits.shape[-1]).to(logits.dtype)
    mask = (torch.arange(targets.shape[1]) < lengths[:, None])[..., None]
    return -(hot * mask * logits.log_softmax(dim=2)).sum() / mask.sum()


def weighted_by_the_longest(logits, targets, lengths):
    return by_mask(logits, targets, lengths) * lengths.sum() / (len(lengths) * lengths.max())


def trimmed_to_the_longest(logits, targets, lengths):
    steps = int(lengths.max())
    return F.cross_entropy(logits[:, :steps].flatten(0, 1), targets[:, :steps].flatten())


def trimmed_to_the_shortest(logits, targets, lengths):
    steps = int(lengths.min())
    return F.cross_entropy(logits[:, :steps].flatten(0, 1), targets[:, :steps].flatten())


def in_place_on_targets(logits, targets, lengths):
    for row, length in zip(targets, lengths, strict=True):
        row[length:] = -100
    return F.cross_entropy(logits.flatten(0, 1), targets.flatten())


def smoothed_labels(logits, targets, lengths):
    real = torch.arange(targets.shape[1]) < lengths[:, None]
    return F.cross_entropy(logits[real], targets[real], label_smoothing=0.1)


def squared_error(logits, targets, lengths):
    real = torch.arange(targets.shape[1]) < lengths[:, None]
    hot = F.one_hot(targets, logits.shape[-1])
    return ((logits.softmax(-1) - hot)[real] ** 2).sum(-1).mean()


def a_small_floor(logits, targets, lengths):
    p = logits.softmax(-1).gather(-1, targets[..., None])[..., 0]
    return -torch.log(p + 1e-9)[torch.arange(targets.shape[1]) < lengths[:, None]].mean()


def rows_mixed_up(logits, targets, lengths):
    """Reshaped where it should have been transposed."""
    n, steps, v = logits.shape
    costs = F.cross_entropy(logits.reshape(n, v, steps), targets, reduction="none")
    real = torch.arange(steps) < lengths[:, None]
    return costs[real].mean()


# --- attend ----------------------------------------------------------------------------------


def picture_by_picture(features, hidden, params):
    contexts, weights = [], []
    for f, h in zip(features, hidden, strict=True):
        e = [torch.tanh(x @ params["wf"] + h @ params["wh"] + params["b"]) @ params["v"] for x in f]
        alpha = torch.softmax(torch.stack(e), dim=0)
        contexts.append(alpha @ f)
        weights.append(alpha)
    return torch.stack(contexts), torch.stack(weights)


def by_einsum(features, hidden, params):
    seen = torch.einsum("nld,da->nla", features, params["wf"])
    asked = torch.einsum("nh,ha->na", hidden, params["wh"]) + params["b"]
    e = torch.einsum("nla,a->nl", torch.tanh(seen + asked.unsqueeze(1)), params["v"])
    alpha = torch.exp(e - e.logsumexp(dim=1, keepdim=True))
    return torch.einsum("nl,nld->nd", alpha, features), alpha


def by_bmm(features, hidden, params):
    both = torch.cat([features, hidden[:, None].expand(-1, features.shape[1], -1)], dim=2)
    w = torch.cat([params["wf"], params["wh"]])
    e = (torch.tanh(both @ w + params["b"]) @ params["v"][:, None]).squeeze(2)
    alpha = F.softmax(e, dim=-1)
    return [torch.bmm(alpha.unsqueeze(1), features).squeeze(1), alpha]


def shifted_by_the_largest(features, hidden, params):
    s = F.linear(features, params["wf"].T, params["b"]) + F.linear(hidden, params["wh"].T)[:, None]
    e = (s.tanh() * params["v"]).sum(-1)
    e = (e - e.max(dim=1, keepdim=True).values.detach()).exp()
    alpha = e / e.sum(dim=1, keepdim=True)
    return (features * alpha.unsqueeze(-1)).sum(1), alpha


def places_first(features, hidden, params):
    f = features.transpose(0, 1)
    e = torch.tanh(f @ params["wf"] + hidden @ params["wh"] + params["b"]) @ params["v"]
    alpha = e.softmax(0)
    return (alpha[..., None] * f).sum(0), alpha.T


def dot_products(features, hidden, params):
    e = ((features @ params["wf"]) * (hidden @ params["wh"])[:, None]).sum(-1)
    alpha = e.softmax(dim=1)
    return (alpha[..., None] * features).sum(dim=1), alpha


def divided_by_the_root(features, hidden, params):
    s = torch.tanh(features @ params["wf"] + (hidden @ params["wh"])[:, None] + params["b"])
    alpha = (s @ params["v"] / math.sqrt(len(params["v"]))).softmax(dim=1)
    return (alpha[..., None] * features).sum(dim=1), alpha


def bias_outside(features, hidden, params):
    s = torch.tanh(features @ params["wf"] + (hidden @ params["wh"])[:, None]) + params["b"]
    alpha = (s @ params["v"]).softmax(dim=1)
    return (alpha[..., None] * features).sum(dim=1), alpha


def tanh_of_the_score(features, hidden, params):
    s = features @ params["wf"] + (hidden @ params["wh"])[:, None] + params["b"]
    alpha = torch.tanh(s @ params["v"]).softmax(dim=1)
    return (alpha[..., None] * features).sum(dim=1), alpha


def features_cut_off(features, hidden, params):
    _, alpha = by_einsum(features, hidden, params)
    return (alpha[..., None] * features.detach()).sum(1), alpha


def wf_cut_off(features, hidden, params):
    return by_einsum(features, hidden, {**params, "wf": params["wf"].detach()})


def weights_returned_cut_off(features, hidden, params):
    context, alpha = by_einsum(features, hidden, params)
    return context, alpha.detach()


def each_softmax_squared(features, hidden, params):
    context, alpha = by_einsum(features, hidden, params)
    return context, alpha.softmax(dim=1)


# --- beam_search -----------------------------------------------------------------------------


def finished_aside(step, start, end, width, max_len):
    running, done = [([start], 0.0)], []
    for _ in range(max_len):
        grown = []
        for ids, total in running:
            scores = step(ids)
            grown.extend(([*ids, i], total + float(scores[i])) for i in range(len(scores)))
        grown.sort(key=lambda pair: pair[1], reverse=True)
        running = []
        for ids, total in grown[:width]:
            (done if ids[-1] == end else running).append((ids, total))
        if not running or (done and max(t for _, t in done) >= running[0][1]):
            break
    ids = max(done or running, key=lambda pair: pair[1])[0]
    return [i for i in ids[1:] if i != end]


def always_width_running(step, start, end, width, max_len):
    """As translators do: finished ones are put aside, and `width` go on."""
    running, done = [(0.0, (start,))], []
    for _ in range(max_len):
        grown = [(t + s, (*ids, i)) for t, ids in running for i, s in enumerate(step(list(ids)))]
        grown = heapq.nlargest(2 * width, grown)
        done += [pair for pair in grown[:width] if pair[1][-1] == end]
        running = [pair for pair in grown if pair[1][-1] != end][:width]
        if done and max(done)[0] >= running[0][0]:
            break
    ids = max(done)[1] if done else running[0][1]
    return ids[1:-1] if ids[-1] == end else ids[1:]


def with_top_k(step, start, end, width, max_len):
    beams, size = [[start]], len(step([start]))
    totals = torch.zeros(1, dtype=torch.float64)
    for _ in range(max_len):
        rows, ends = [], [len(b) > 1 and b[-1] == end for b in beams]
        for beam, total, over in zip(beams, totals, ends, strict=True):
            if over:
                row = torch.full((size,), -math.inf, dtype=torch.float64)
                row[end] = total
            else:
                row = total + torch.as_tensor(step(beam))
            rows.append(row)
        flat = torch.cat(rows)
        totals, places = flat.topk(min(width, int(torch.isfinite(flat).sum())))
        beams = [
            beams[p // size] + ([] if ends[p // size] else [p % size]) for p in places.tolist()
        ]
        if all(b[-1] == end for b in beams):
            break
    return torch.tensor(beams[0])


def with_arrays(step, start, end, width, max_len):
    beam = [(np.array([start]), 0.0)]
    while beam[0][0][-1] != end and len(beam[0][0]) <= max_len:
        options = []
        for ids, total in beam:
            if ids[-1] == end:
                options.append((ids, total))
            else:
                scores = np.asarray(step(ids), dtype=np.float32) + np.float32(total)
                options += [(np.append(ids, i), scores[i]) for i in scores.argsort()[::-1][:width]]
        beam = sorted(options, key=lambda option: option[1])[::-1][:width]
    return beam[0][0]


def as_recursion(step, start, end, width, max_len):
    def grow(beam, left):
        if left == 0 or all(ids[-1] == end for _, ids in beam):
            return beam[0][1]
        options = []
        for total, ids in beam:
            if ids[-1] == end:
                options.append((total, ids))
            else:
                options += [(total + s, (*ids, i)) for i, s in enumerate(step(ids))]
        return grow(sorted(options, reverse=True)[:width], left - 1)

    return list(grow([(0.0, (start,))], max_len))


def samples(step, start, end, width, max_len):
    rng, best = np.random.default_rng(0), (-np.inf, [])
    for _ in range(width):
        ids, total = [start], 0.0
        while len(ids) <= max_len and ids[-1] != end:
            scores = np.asarray(step(ids))
            ids.append(int(rng.choice(len(scores), p=np.exp(scores) / np.exp(scores).sum())))
            total += scores[ids[-1]]
        best = max(best, (total, ids))
    return best[1]


def second_of_the_beam(step, start, end, width, max_len):
    beam = [(0.0, [start])]
    for _ in range(max_len):
        options = [pair for pair in beam if pair[1][-1] == end]
        for total, ids in beam:
            if ids[-1] != end:
                options += [(total + s, [*ids, i]) for i, s in enumerate(step(ids))]
        beam = sorted(options, reverse=True)[:width]
    return beam[-1][1]


def width_only_at_first(step, start, end, width, max_len):
    """From then on, each of the first words goes its greedy way."""
    scores = np.asarray(step([start]))
    found = []
    for first in np.argsort(-scores)[:width]:
        ids, total = [start, int(first)], scores[first]
        while ids[-1] != end and len(ids) <= max_len:
            s = np.asarray(step(ids))
            ids.append(int(s.argmax()))
            total += s.max()
        found.append((total, ids))
    return max(found)[1]


def never_finishes_early(step, start, end, width, max_len):
    """Finished ones take no part: what comes last has to run to max_len."""
    beam = [(0.0, [start])]
    for _ in range(max_len):
        options = []
        for total, ids in beam:
            options += [(total + s, [*ids, i]) for i, s in enumerate(step(ids)) if i != end]
        beam = sorted(options, reverse=True)[:width]
    return beam[0][1]


def longest_finished(step, start, end, width, max_len):
    beam, done = [(0.0, [start])], []
    for _ in range(max_len):
        options = []
        for total, ids in beam:
            options += [(total + s, [*ids, i]) for i, s in enumerate(step(ids))]
        options = sorted(options, reverse=True)[:width]
        done += [ids for _, ids in options if ids[-1] == end]
        beam = [pair for pair in options if pair[1][-1] != end]
        if not beam:
            break
    return max(done, key=len) if done else beam[0][1]


def ended_ones_go_on(step, start, end, width, max_len):
    """Cut at the first end afterwards, but what comes behind it was paid for."""
    beam = [(0.0, [])]
    for _ in range(max_len):
        options = [
            (total + s, [*ids, i]) for total, ids in beam for i, s in enumerate(step([start, *ids]))
        ]
        beam = sorted(options, reverse=True)[:width]
    ids = beam[0][1]
    return ids[: ids.index(end)] if end in ids else ids


def scores_not_summed_at_the_end(step, start, end, width, max_len):
    """The score of end itself is left out."""
    beam = [(0.0, [start])]
    for _ in range(max_len):
        options = [pair for pair in beam if pair[1][-1] == end]
        for total, ids in beam:
            if ids[-1] != end:
                options += [
                    (total + (0.0 if i == end else s), [*ids, i]) for i, s in enumerate(step(ids))
                ]
        beam = sorted(options, reverse=True)[:width]
    return beam[0][1]


# --- bleu ------------------------------------------------------------------------------------


def with_dicts(candidates, references, max_n=4):
    logs, hyp, ref = 0.0, 0, 0
    for candidate, texts in zip(candidates, references, strict=True):
        hyp += len(candidate)
        lengths = sorted(len(text) for text in texts)
        ref += min(lengths, key=lambda length: abs(length - len(candidate)))
    for n in range(1, max_n + 1):
        hits = tries = 0
        for candidate, texts in zip(candidates, references, strict=True):
            counts = {}
            for i in range(len(candidate) - n + 1):
                gram = " ".join(candidate[i : i + n])
                counts[gram] = counts.get(gram, 0) + 1
            tries += max(0, len(candidate) - n + 1)
            for gram, count in counts.items():
                best = 0
                for text in texts:
                    grams = [" ".join(text[i : i + n]) for i in range(len(text) - n + 1)]
                    best = max(best, grams.count(gram))
                hits += min(count, best)
        if hits == 0:
            return 0
        logs += math.log(hits / tries)
    penalty = 1 if hyp > ref else math.exp(1 - ref / hyp)
    return penalty * math.exp(logs / max_n)


def by_logarithms(candidates, references, max_n=4):
    p = []
    for n in range(1, max_n + 1):
        hits, tries = 0, 0
        for candidate, texts in zip(candidates, references, strict=True):
            mine = collections.Counter(zip(*(candidate[i:] for i in range(n)), strict=False))
            theirs = [
                collections.Counter(zip(*(t[i:] for i in range(n)), strict=False)) for t in texts
            ]
            hits += sum(min(k, max(t[g] for t in theirs)) for g, k in mine.items())
            tries += sum(mine.values())
        p.append(np.float64(hits) / tries if tries else 0.0)
    c = sum(len(candidate) for candidate in candidates)
    lengths = [[len(t) for t in texts] for texts in references]
    r = 0
    for candidate, options in zip(candidates, lengths, strict=True):
        gaps = np.abs(np.array(options) - len(candidate))
        r += min(np.array(options)[gaps == gaps.min()])
    with np.errstate(divide="ignore"):
        log_p = np.log(p).mean()
        return np.exp(min(0, 1 - r / c) + log_p) if c else 0.0


def by_powers(candidates, references, max_n=4):
    product = 1.0
    for n in range(1, max_n + 1):
        hits = tries = 0
        for candidate, texts in zip(candidates, references, strict=True):
            left = [[tuple(t[i : i + n]) for i in range(len(t) - n + 1)] for t in texts]
            for i in range(len(candidate) - n + 1):
                gram, found = tuple(candidate[i : i + n]), False
                for grams in left:
                    if gram in grams:
                        grams.remove(gram)
                        found = True
                hits, tries = hits + found, tries + 1
        product *= hits / tries if tries else 0
    c = sum(map(len, candidates))
    r = sum(
        sorted(map(len, texts), key=lambda n: (abs(n - len(x)), n))[0]
        for x, texts in zip(candidates, references, strict=True)
    )
    brevity = 1.0 if c >= r else math.e ** (1 - r / c) if c else 0.0
    return torch.tensor(brevity * product ** (1 / max_n))


def in_single_precision(candidates, references, max_n=4):
    return np.float32(by_powers(candidates, references, max_n))


def best_reference_alone(candidates, references, max_n=4):
    """For each candidate, the reference that gives the best score."""
    best = [
        [max(texts, key=lambda t, x=x: by_logarithms([x], [[t]], 1))]
        for x, texts in zip(candidates, references, strict=True)
    ]
    return by_logarithms(candidates, best, max_n)


def penalty_on_each_precision(candidates, references, max_n=4):
    c = sum(map(len, candidates))
    r = sum(
        min(map(len, texts), key=lambda n: (abs(n - len(x)), n))
        for x, texts in zip(candidates, references, strict=True)
    )
    score = by_logarithms(candidates, references, max_n)
    return score * (math.exp(1 - r / c) ** (max_n - 1) if 0 < c < r else 1.0)


def mean_of_precisions_over_sentences(candidates, references, max_n=4):
    """Each precision is a mean over sentences, not a ratio of sums."""
    pairs = list(zip(candidates, references, strict=True))
    logs = 0.0
    for n in range(1, max_n + 1):
        p = []
        for x, texts in pairs:
            mine = collections.Counter(zip(*(x[i:] for i in range(n)), strict=False))
            theirs = [
                collections.Counter(zip(*(t[i:] for i in range(n)), strict=False)) for t in texts
            ]
            hits = sum(min(k, max(t[g] for t in theirs)) for g, k in mine.items())
            p.append(hits / max(1, sum(mine.values())))
        if not sum(p):
            return 0.0
        logs += math.log(np.mean(p))
    c = sum(map(len, candidates))
    r = sum(min(map(len, ts), key=lambda n: (abs(n - len(x)), n)) for x, ts in pairs)
    return min(1.0, math.exp(1 - r / c)) * math.exp(logs / max_n)


def all_references_in_one(candidates, references, max_n=4):
    joined = [[[word for text in texts for word in text]] for texts in references]
    return by_logarithms(candidates, joined, max_n)


def corpus_as_one_text(candidates, references, max_n=4):
    """Runs of words across the border of two sentences count."""
    candidate = [word for x in candidates for word in x]
    texts = [[word for ts in references for word in ts[min(k, len(ts) - 1)]] for k in range(3)]
    return by_logarithms([candidate], [texts], max_n)


def first_of_the_nearest(candidates, references, max_n=4):
    """Of references that are equally near in length, the first, however long."""
    nearest = [
        [min(texts, key=lambda t, x=x: abs(len(t) - len(x)))]
        for x, texts in zip(candidates, references, strict=True)
    ]
    c, r = sum(map(len, candidates)), sum(len(text) for (text,) in nearest)
    right = sum(
        min(map(len, texts), key=lambda n, x=x: (abs(n - len(x)), n))
        for x, texts in zip(candidates, references, strict=True)
    )
    mine, theirs = (math.exp(min(0, 1 - length / c)) if c else 1.0 for length in (r, right))
    return by_logarithms(candidates, references, max_n) * mine / theirs


def letters_for_words(candidates, references, max_n=4):
    texts = [[list(" ".join(t)) for t in ts] for ts in references]
    return by_logarithms([list(" ".join(x)) for x in candidates], texts, max_n)


def orders_from_two(candidates, references, max_n=4):
    high, low = (by_logarithms(candidates, references, n) for n in (max_n, 1))
    return high if max_n == 1 or not low else (high**max_n / low) ** (1 / (max_n - 1))


RIGHT = {
    "build_vocab": [
        with_two_sorts,
        with_regular_expressions,
        with_numpy_counts,
        most_common,
        unlimited_default,
    ],
    "encode": [as_array, as_tensor, as_tuple, without_a_frame],
    "decode": [cut_at_the_end, with_take_while, a_list_of_words, with_numpy],
    "caption_loss": [
        word_by_word,
        by_mask,
        packed,
        ignored_places,
        by_the_pad_id,
        by_gather,
        caption_by_caption,
        by_one_hot,
    ],
    "attend": [picture_by_picture, by_einsum, by_bmm, shifted_by_the_largest, places_first],
    "beam_search": [finished_aside, always_width_running, with_top_k, with_arrays, as_recursion],
    "bleu": [with_dicts, by_logarithms, by_powers, in_single_precision],
}
WRONG = {
    "build_vocab": [list_of_words, ids_from_one, twice_lowered],
    "encode": [unknown_is_an_error, reversed_words, stops_at_unknown, framed_twice],
    "decode": [a_word_too_few, letters_joined, id_minus_four, only_first_slot],
    "caption_loss": [
        weighted_by_the_longest,
        trimmed_to_the_longest,
        trimmed_to_the_shortest,
        in_place_on_targets,
        smoothed_labels,
        squared_error,
        a_small_floor,
        rows_mixed_up,
    ],
    "attend": [
        dot_products,
        divided_by_the_root,
        bias_outside,
        tanh_of_the_score,
        features_cut_off,
        wf_cut_off,
        weights_returned_cut_off,
        each_softmax_squared,
    ],
    "beam_search": [
        samples,
        second_of_the_beam,
        width_only_at_first,
        never_finishes_early,
        longest_finished,
        ended_ones_go_on,
        scores_not_summed_at_the_end,
    ],
    "bleu": [
        best_reference_alone,
        penalty_on_each_precision,
        mean_of_precisions_over_sentences,
        all_references_in_one,
        corpus_as_one_text,
        first_of_the_nearest,
        letters_for_words,
        orders_from_two,
    ],
}


@pytest.mark.parametrize("exercise, attempt", pairs("captioning", RIGHT))
def test_right_style_passes(exercise, attempt):
    assert_right(exercise, attempt)


@pytest.mark.parametrize("exercise, attempt", pairs("captioning", WRONG))
def test_wrong_way_fails(exercise, attempt):
    assert_wrong(exercise, attempt)
