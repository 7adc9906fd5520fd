"""Matching and question answering written in any right way pass; unlisted wrong ways do not."""

import collections
import difflib

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from styles import assert_right, assert_wrong, pairs

# --- ranking_loss ----------------------------------------------------------------------------


def pair_by_pair(sim, margin):
    total = 0.0 * sim.sum()
    for i in range(len(sim)):
        for j in range(len(sim)):
            if i != j:
                total = total + (margin - sim[i, i] + sim[i, j]).clamp(min=0)
                total = total + (margin - sim[j, j] + sim[i, j]).clamp(min=0)
    return total / len(sim)


def from_a_plain_zero(sim, margin):
    total = 0
    for i in range(len(sim)):
        for j in range(len(sim)):
            if i != j:
                total += F.relu(margin - sim[i, i] + sim[i, j])
                total += F.relu(margin - sim[i, i] + sim[j, i])
    return total / len(sim)


def with_masked_fill(sim, margin):
    right, own = sim.diag().view(-1, 1), torch.eye(len(sim), dtype=torch.bool)
    rows = (margin + sim - right).clamp(min=0).masked_fill(own, 0)
    columns = (margin + sim - right.t()).clamp(min=0).masked_fill(own, 0)
    return rows.sum(1).mean() + columns.sum(0).mean()


def diagonal_taken_away(sim, margin):
    n, right = len(sim), torch.diagonal(sim)
    total = (
        F.relu(margin - right[:, None] + sim).sum() + F.relu(margin - right[:, None] + sim.T).sum()
    )
    return total / n - 2 * margin


def by_margin_ranking(sim, margin):
    n = len(sim)
    if n == 1:
        return sim.sum() * 0
    i, j = torch.nonzero(~torch.eye(n, dtype=torch.bool), as_tuple=True)
    one = torch.ones(len(i), dtype=sim.dtype)
    loss = torch.nn.MarginRankingLoss(margin, reduction="sum")
    return (loss(sim[i, i], sim[i, j], one) + loss(sim[i, i], sim[j, i], one)) / n


def by_both_transposes(sim, margin):
    def way(s):
        cost = torch.maximum(margin - s.diagonal().unsqueeze(1) + s, torch.zeros_like(s))
        return cost.sum() - cost.diagonal().sum()

    return ((way(sim) + way(sim.T)) / sim.shape[0]).reshape(1)


def diagonal_zeroed_in_place(sim, margin):
    rows = (margin - sim.diagonal()[:, None] + sim).clamp(min=0)
    rows.fill_diagonal_(0)
    columns = (margin - sim.diagonal()[None] + sim).clamp_(min=0).fill_diagonal_(0)
    return (rows + columns).sum().div(len(sim))


def cross_entropy_both_ways(sim, margin):
    y = torch.arange(len(sim))
    return F.cross_entropy(sim, y) + F.cross_entropy(sim.T, y)


def the_next_one_only(sim, margin):
    other = sim.roll(1, dims=0).diagonal()
    return 2 * F.relu(margin - sim.diagonal() + other).mean()


def one_random_partner(sim, margin):
    j = (torch.arange(len(sim)) + 1) % len(sim)
    right = sim.diagonal()
    rows, columns = sim[torch.arange(len(sim)), j], sim[j, torch.arange(len(sim))]
    return (F.relu(margin - right + rows) + F.relu(margin - right + columns)).mean()


def max_of_both_ways(sim, margin):
    right, other = sim.diagonal(), 1 - torch.eye(len(sim), dtype=sim.dtype)
    ways = torch.maximum(margin - right[:, None] + sim, margin - right + sim)
    return 2 * (F.relu(ways) * other).sum() / len(sim)


def margin_on_the_mean(sim, margin):
    n, right = len(sim), sim.diagonal()
    other = (sim.sum(dim=1) - right) / max(1, n - 1)
    return 2 * F.relu(margin - right + other).sum() / n


def half_the_margin(sim, margin):
    return pair_by_pair(sim, margin / 2)


def floor_over_rows(sim, margin):
    gap = margin - sim.diagonal()[:, None] + sim
    back = margin - sim.diagonal() + sim
    other = 1 - torch.eye(len(sim), dtype=sim.dtype)
    return (F.relu((gap * other).sum(1)) + F.relu((back * other).sum(0))).mean()


def diagonal_written_into(sim, margin):
    loss = pair_by_pair(sim, margin)
    with torch.no_grad():
        sim.fill_diagonal_(0)
    return loss


def in_numpy(sim, margin):
    s = sim.detach().numpy()
    return torch.tensor(float(pair_by_pair(torch.tensor(s), margin)))


def leaky(sim, margin):
    right, other = sim.diagonal(), 1 - torch.eye(len(sim), dtype=sim.dtype)
    rows = F.leaky_relu(margin - right[:, None] + sim) + F.leaky_relu(margin - right + sim)
    return (rows * other).sum() / len(sim)


# --- recall_at_k_retrieval -------------------------------------------------------------------


def by_argpartition(sim, k):
    nearest = np.argpartition(sim, len(sim) - k, axis=1)[:, len(sim) - k :]
    return float(np.mean([i in row for i, row in enumerate(nearest)]))


def by_rank(sim, k):
    return np.mean(np.sum(sim > sim.diagonal()[:, None], axis=1) < k)


def by_torch_topk(sim, k):
    top = torch.tensor(sim).topk(k, dim=1).indices
    return (top == torch.arange(len(sim)).unsqueeze(1)).any(dim=1).double().mean()


def row_by_row(sim, k):
    found = 0
    for i, row in enumerate(sim.tolist()):
        found += i in sorted(range(len(row)), key=row.__getitem__, reverse=True)[:k]
    return found / len(sim)


def kth_largest(sim, k):
    return np.mean(np.diag(sim) >= np.sort(sim, axis=1)[:, -k])


def ranks_of_ranks(sim, k):
    ranks = np.argsort(np.argsort(-sim, axis=1), axis=1)
    return np.float32((ranks.diagonal() < k).mean())


def in_any_of_the_columns(sim, k):
    nearest = np.argsort(-sim, axis=1)[:, :k]
    return np.mean([i in nearest for i in range(len(sim))])


def precision_at_k(sim, k):
    nearest = np.argsort(-sim, axis=1)[:, :k]
    return np.mean(nearest == np.arange(len(sim))[:, None])


def by_absolute_values(sim, k):
    return by_rank(np.abs(sim), k)


def over_the_whole_array(sim, k):
    best = np.argsort(-sim, axis=None)[: k * len(sim)]
    return np.mean(np.isin(np.arange(len(sim)) * (len(sim) + 1), best))


def sorted_in_place(sim, k):
    right = sim.diagonal().copy()
    sim.sort(axis=1)
    return np.mean(right >= sim[:, -k])


def percent(sim, k):
    return 100 * by_rank(sim, k)


def ranks_mixed_up(sim, k):
    return np.mean(np.argsort(-sim, axis=1).diagonal() < k)


def best_of_two(sim, k):
    return max(by_rank(sim, k), by_rank(sim.T, k))


# --- answer_accuracy -------------------------------------------------------------------------


def with_counters(pred, answers):
    return sum(
        min(collections.Counter(a)[p] / 3, 1.0) for p, a in zip(pred, answers, strict=True)
    ) / len(pred)


def with_numpy(pred, answers):
    counts = np.array([np.sum(np.array(a) == p) for p, a in zip(pred, answers, strict=True)])
    return np.clip(counts / 3, 0, 1).mean()


def with_fractions(pred, answers):
    scores = []
    for index, word in enumerate(pred):
        same = 0
        for said in answers[index]:
            if said == word:
                same += 1
        scores.append(1.0 if same >= 3 else same / 3)
    return torch.tensor(scores, dtype=torch.float64).mean()


def with_a_table(pred, answers):
    worth = [0.0, 1 / 3, 2 / 3, 1.0]
    return np.float32(
        np.mean([worth[min(3, list(a).count(p))] for p, a in zip(pred, answers, strict=True)])
    )


def whole_thirds(pred, answers):
    return np.mean([min(a.count(p) // 3, 1) for p, a in zip(pred, answers, strict=True)])


def best_answer_is_full(pred, answers):
    scores = []
    for p, a in zip(pred, answers, strict=True):
        top = max(collections.Counter(a).values())
        scores.append(min(a.count(p) / min(3, top), 1))
    return np.mean(scores)


def first_person_only(pred, answers):
    return np.mean([float(a[0] == p) for p, a in zip(pred, answers, strict=True)])


def any_question(pred, answers):
    everybody = [word for a in answers for word in a]
    return np.mean([min(everybody.count(p) / 3, 1) for p in pred])


def nearly_the_same(pred, answers):
    same = [
        len(difflib.get_close_matches(p, a, 99, 0.5)) for p, a in zip(pred, answers, strict=True)
    ]
    return np.mean([min(n / 3, 1) for n in same])


def starts_alike(pred, answers):
    counts = [sum(s.startswith(p) for s in a) for p, a in zip(pred, answers, strict=True)]
    return np.mean([min(n / 3, 1) for n in counts])


def two_are_enough(pred, answers):
    return np.mean([min(a.count(p) / 2, 1) for p, a in zip(pred, answers, strict=True)])


def median_of_questions(pred, answers):
    return np.median([min(a.count(p) / 3, 1) for p, a in zip(pred, answers, strict=True)])


def answers_sorted_in_place(pred, answers):
    for a in answers:
        a.sort()
    pred.sort()
    return with_counters(pred, answers)


def zero_questions_left_out(pred, answers):
    scores = [min(a.count(p) / 3, 1) for p, a in zip(pred, answers, strict=True) if p in a]
    return np.mean(scores) if scores else 0.0


# --- fuse ------------------------------------------------------------------------------------


def by_linear(image, question, params):
    a = F.linear(image, params["wi"].T, params["bi"])
    return F.linear(question, params["wq"].T, params["bq"]).tanh() * a.tanh()


def by_einsum(image, question, params):
    a = torch.tanh(torch.einsum("nd,df->nf", image, params["wi"]) + params["bi"])
    b = torch.tanh(torch.einsum("nq,qf->nf", question, params["wq"]) + params["bq"])
    return torch.einsum("nf,nf->nf", a, b)


def example_by_example(image, question, params):
    rows = [
        torch.tanh(x @ params["wi"] + params["bi"]) * torch.tanh(q @ params["wq"] + params["bq"])
        for x, q in zip(image, question, strict=True)
    ]
    return torch.stack(rows)


def by_exponentials(image, question, params):
    def squash(x):
        return 2 * torch.sigmoid(2 * x) - 1

    return squash(image @ params["wi"] + params["bi"]) * squash(
        question @ params["wq"] + params["bq"]
    )


def with_arrays(image, question, params):
    return np.tanh(image @ params["wi"] + params["bi"]) * np.tanh(
        question @ params["wq"] + params["bq"]
    )


def by_addmm(image, question, params):
    left = torch.addmm(params["bi"], image, params["wi"]).tanh_()
    return torch.mul(torch.addmm(params["bq"], question, params["wq"]).tanh(), left)


def one_layer_after_the_sum(image, question, params):
    return torch.tanh(image @ params["wi"] + question @ params["wq"] + params["bi"] + params["bq"])


def image_cut_off(image, question, params):
    return by_linear(image.detach(), question, params)


def weights_cut_off(image, question, params):
    return by_linear(image, question, {name: p.detach() for name, p in params.items()})


def product_then_bias(image, question, params):
    product = torch.tanh(image @ params["wi"]) * torch.tanh(question @ params["wq"])
    return product + params["bi"] + params["bq"]


def maximum_of_both(image, question, params):
    a = torch.tanh(image @ params["wi"] + params["bi"])
    return torch.maximum(a, torch.tanh(question @ params["wq"] + params["bq"]))


def mean_over_the_batch(image, question, params):
    return by_linear(image, question, params).mean(dim=0)


def gated(image, question, params):
    a = torch.tanh(image @ params["wi"] + params["bi"])
    return a * torch.sigmoid(question @ params["wq"] + params["bq"])


def tanh_twice(image, question, params):
    return torch.tanh(by_linear(image, question, params))


def biases_exchanged(image, question, params):
    return by_linear(image, question, {**params, "bi": params["bq"], "bq": params["bi"]})


def detached_result(image, question, params):
    return by_linear(image, question, params).detach()


def wrong_in_arrays(image, question, params):
    return np.tanh(image @ params["wi"] + params["bi"]) * (question @ params["wq"] + params["bq"])


RIGHT = {
    "ranking_loss": [
        pair_by_pair,
        from_a_plain_zero,
        with_masked_fill,
        diagonal_taken_away,
        by_margin_ranking,
        by_both_transposes,
        diagonal_zeroed_in_place,
    ],
    "recall_at_k_retrieval": [
        by_argpartition,
        by_rank,
        by_torch_topk,
        row_by_row,
        kth_largest,
        ranks_of_ranks,
    ],
    "answer_accuracy": [with_counters, with_numpy, with_fractions, with_a_table],
    "fuse": [
        by_linear,
        by_einsum,
        example_by_example,
        by_exponentials,
        with_arrays,
        by_addmm,
    ],
}
WRONG = {
    "ranking_loss": [
        cross_entropy_both_ways,
        the_next_one_only,
        one_random_partner,
        max_of_both_ways,
        margin_on_the_mean,
        half_the_margin,
        floor_over_rows,
        diagonal_written_into,
        in_numpy,
        leaky,
    ],
    "recall_at_k_retrieval": [
        in_any_of_the_columns,
        precision_at_k,
        by_absolute_values,
        over_the_whole_array,
        sorted_in_place,
        percent,
        ranks_mixed_up,
        best_of_two,
    ],
    "answer_accuracy": [
        whole_thirds,
        best_answer_is_full,
        first_person_only,
        any_question,
        nearly_the_same,
        starts_alike,
        two_are_enough,
        median_of_questions,
        answers_sorted_in_place,
        zero_questions_left_out,
    ],
    "fuse": [
        one_layer_after_the_sum,
        image_cut_off,
        weights_cut_off,
        product_then_bias,
        maximum_of_both,
        mean_over_the_batch,
        gated,
        tanh_twice,
        biases_exchanged,
        detached_result,
        wrong_in_arrays,
    ],
}


@pytest.mark.parametrize("exercise, attempt", pairs("vqa", RIGHT))
def test_right_style_passes(exercise, attempt):
    assert_right(exercise, attempt)


@pytest.mark.parametrize("exercise, attempt", pairs("vqa", WRONG))
def test_wrong_way_fails(exercise, attempt):
    assert_wrong(exercise, attempt)
