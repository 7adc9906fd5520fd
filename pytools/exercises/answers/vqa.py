"""What the checks of 17_matching_vqa know: the references, and the wrong solutions people write."""

from __future__ import annotations

from collections import Counter

import numpy as np
import torch
import torch.nn.functional as F

from pytools import models, scratch
from pytools.exercise import Answer, Misconception

# --- ranking_loss ----------------------------------------------------------------------------


def _others(sim):
    return 1 - torch.eye(len(sim), dtype=sim.dtype)


def _rank(floor=F.relu, sign=1, mask=_others, join=lambda costs: costs.sum(), over=len):
    """The right loss, with one of its parts replaced."""

    def ranking_loss(sim, margin):
        right = sim.diagonal()
        ways = (right[:, None] - sim, right - sim)
        return sum(join(floor(sign * margin - gap) * mask(sim)) for gap in ways) / over(sim)

    return ranking_loss


diagonal_counted = _rank(mask=torch.ones_like)
hardest_alone = _rank(join=lambda costs: costs.amax(dim=1).sum())
without_a_floor = _rank(floor=lambda cost: cost)
margin_subtracted = _rank(sign=-1)
margin_left_out = _rank(sign=0)
all_terms_summed = _rank(over=lambda sim: 1)
mean_over_terms = _rank(over=lambda sim: max(1, len(sim) * (len(sim) - 1)))
both_ways_averaged = _rank(over=lambda sim: 2 * len(sim))


def sentences_only(sim, margin):
    return (F.relu(margin - sim.diagonal()[:, None] + sim) * _others(sim)).sum() / len(sim)


def pictures_only(sim, margin):
    return sentences_only(sim.T, margin)


def rows_twice(sim, margin):
    """Columns are summed over, but each entry is still compared with its row's diagonal."""
    costs = F.relu(margin - sim.diagonal()[:, None] + sim) * _others(sim)
    return (costs.sum(dim=0) + costs.sum(dim=1)).mean()


def right_ones_cut_off(sim, margin):
    right = sim.diagonal().detach()
    costs = F.relu(margin - right[:, None] + sim) + F.relu(margin - right + sim)
    return (costs * _others(sim)).sum() / len(sim)


def cut_off(sim, margin):
    return models.ranking_loss(sim.detach(), margin)


# --- recall_at_k_retrieval -------------------------------------------------------------------


def _places(sim):
    """How many answers come before the right one, for each query."""
    return (sim > np.diag(sim)[:, None]).sum(axis=1)


def columns_are_queries(sim, k):
    return scratch.recall_at_k_retrieval(sim.T, k)


def least_similar(sim, k):
    return scratch.recall_at_k_retrieval(-sim, k)


def only_the_kth(sim, k):
    return np.mean(_places(sim) == k - 1)


def one_too_many(sim, k):
    return np.mean(_places(sim) <= k)


def one_too_few(sim, k):
    return np.mean(_places(sim) < k - 1)


def found_counted(sim, k):
    return np.sum(_places(sim) < k)


def k_ignored(sim, k):
    return np.mean(_places(sim) < 1)


def diagonal_left_out(sim, k):
    """As if it were the query itself that is found there."""
    sim = sim.astype(float)
    np.fill_diagonal(sim, -np.inf)
    nearest = np.argsort(-sim, axis=1)[:, :k]
    return np.mean((nearest == np.arange(len(sim))[:, None]).any(axis=1))


def best_is_skipped(sim, k):
    nearest = np.argsort(-sim, axis=1)[:, 1 : k + 1]
    return np.mean((nearest == np.arange(len(sim))[:, None]).any(axis=1))


def both_ways(sim, k):
    ways = (sim, sim.T)
    return np.mean([scratch.recall_at_k_retrieval(way, k) for way in ways])


def sorted_down_the_columns(sim, k):
    nearest = np.argsort(-sim, axis=0)[:, :k]
    return np.mean((nearest == np.arange(len(sim))[:, None]).any(axis=1))


# --- answer_accuracy -------------------------------------------------------------------------


def _accuracy(count=lambda word, said: list(said).count(word), worth=lambda n, said: min(n / 3, 1)):
    """The right accuracy, with one of its parts replaced."""

    def answer_accuracy(pred, answers):
        pairs = zip(pred, answers, strict=True)
        return float(np.mean([worth(count(word, said), said) for word, said in pairs]))

    return answer_accuracy


def _most_common(word, said):
    return Counter(said).most_common(1)[0][0] == word


share_of_people = _accuracy(worth=lambda n, said: n / len(said))
without_the_least = _accuracy(worth=lambda n, said: n / 3)
three_or_nothing = _accuracy(worth=lambda n, said: float(n >= 3))
more_than_three = _accuracy(worth=lambda n, said: min(n / 4, 1))
majority = _accuracy(count=_most_common, worth=lambda same, said: float(same))
different_answers = _accuracy(count=lambda word, said: int(word in set(said)))
letters_made_small = _accuracy(count=lambda w, said: [s.lower() for s in said].count(w.lower()))
part_of_an_answer = _accuracy(count=lambda word, said: sum(word in s for s in said))
one_left_out = _accuracy(
    worth=lambda n, said: (n * min((n - 1) / 3, 1) + (len(said) - n) * min(n / 3, 1)) / len(said)
)


def counts_pooled(pred, answers):
    counts = [list(said).count(word) for word, said in zip(pred, answers, strict=True)]
    return min(np.mean(counts) / 3, 1)


def scores_summed(pred, answers):
    return scratch.answer_accuracy(pred, answers) * len(pred)


# --- fuse ------------------------------------------------------------------------------------


def _fuse(act=torch.tanh, join=torch.mul, bias=1.0):
    """The right fusion, with one of its parts replaced."""

    def fuse(image, question, params):
        left = image @ params["wi"] + bias * params["bi"]
        return join(act(left), act(question @ params["wq"] + bias * params["bq"]))

    return fuse


added = _fuse(join=torch.add)
no_tanh = _fuse(act=lambda x: x)
tanh_at_the_end = _fuse(act=lambda x: x, join=lambda a, b: torch.tanh(a * b))
relu_for_tanh = _fuse(act=torch.relu)
sigmoid_for_tanh = _fuse(act=torch.sigmoid)
biases_left_out = _fuse(bias=0.0)
joined_end_to_end = _fuse(join=lambda a, b: torch.cat([a, b], dim=1))


def question_not_squashed(image, question, params):
    left = torch.tanh(image @ params["wi"] + params["bi"])
    return left * (question @ params["wq"] + params["bq"])


def image_not_squashed(image, question, params):
    right = torch.tanh(question @ params["wq"] + params["bq"])
    return (image @ params["wi"] + params["bi"]) * right


# --- hints -----------------------------------------------------------------------------------

TAPE = "Where does your result leave the tape? Then no weight can learn from it."
WAYS = "Both ways are asked for. With what does each entry compete in its row, and in its column?"
OVER = "By what is the sum divided? Count pairs, not terms."
JOIN = "How are the two halves joined in the formula?"
THREE = "What is an answer worth that two people gave, and one that nine people gave?"
PLACE = "The right answer has k before it. Is it among the k most similar?"
SQUASH = "Which function in the formula is applied to what, and when?"

ANSWERS = {
    "ranking_loss": Answer(
        models.ranking_loss,
        [
            Misconception("sentences_only", WAYS, sentences_only),
            Misconception("pictures_only", WAYS, pictures_only),
            Misconception("rows_twice", WAYS, rows_twice),
            Misconception(
                "diagonal_counted",
                "All wrong partners are far away. What does your loss cost then?",
                diagonal_counted,
            ),
            Misconception(
                "hardest_alone",
                "The hardest wrong partner, or all of them: what does the formula sum over?",
                hardest_alone,
            ),
            Misconception(
                "without_a_floor",
                "A wrong partner that is far behind: may it pay for one that is not?",
                without_a_floor,
            ),
            Misconception(
                "margin_subtracted",
                "Right and wrong are equally similar. Does that cost something?",
                margin_subtracted,
            ),
            Misconception(
                "margin_left_out",
                "All similarities are equal. What does your loss cost there?",
                margin_left_out,
            ),
            Misconception("all_terms_summed", OVER, all_terms_summed),
            Misconception("mean_over_terms", OVER, mean_over_terms),
            Misconception("both_ways_averaged", OVER, both_ways_averaged),
            Misconception("right_ones_cut_off", TAPE, right_ones_cut_off),
            Misconception("cut_off_the_tape", TAPE, cut_off),
        ],
    ),
    "recall_at_k_retrieval": Answer(
        scratch.recall_at_k_retrieval,
        [
            Misconception(
                "columns_are_queries",
                "What is a row here: a query, or an answer?",
                columns_are_queries,
            ),
            Misconception(
                "sorted_down_the_columns",
                "Along which axis are the answers to one query?",
                sorted_down_the_columns,
            ),
            Misconception(
                "least_similar",
                "Which end of the sorted row is the similar one?",
                least_similar,
            ),
            Misconception(
                "only_the_kth",
                "Among the k most similar, or the k-th?",
                only_the_kth,
            ),
            Misconception("one_too_many", PLACE, one_too_many),
            Misconception("one_too_few", PLACE, one_too_few),
            Misconception("found_counted", "A number of queries, or a share?", found_counted),
            Misconception("k_ignored", "Your caller chooses k. Do you use it?", k_ignored),
            Misconception(
                "diagonal_left_out",
                "A sentence is no neighbour of itself here. What is on the diagonal?",
                diagonal_left_out,
            ),
            Misconception(
                "best_is_skipped",
                "Whom does your slice leave out?",
                best_is_skipped,
            ),
            Misconception(
                "both_ways",
                "The way of the rows is asked for. Which one do you add?",
                both_ways,
            ),
        ],
    ),
    "answer_accuracy": Answer(
        scratch.answer_accuracy,
        [
            Misconception("share_of_people", THREE, share_of_people),
            Misconception("without_the_least", THREE, without_the_least),
            Misconception("three_or_nothing", THREE, three_or_nothing),
            Misconception("more_than_three", "How many people are enough?", more_than_three),
            Misconception(
                "majority",
                "Four people said yes, three said no. Is no worth nothing?",
                majority,
            ),
            Misconception(
                "different_answers",
                "Three people said the same. How often do you count them?",
                different_answers,
            ),
            Misconception(
                "letters_made_small",
                "Are Yes and yes the same letters?",
                letters_made_small,
            ),
            Misconception(
                "part_of_an_answer",
                "Is red the same answer as dark red?",
                part_of_an_answer,
            ),
            Misconception(
                "one_left_out",
                "That is how the VQA challenge averages. Which formula stands here?",
                one_left_out,
            ),
            Misconception(
                "counts_pooled",
                "May a question on which all agree make up for another one?",
                counts_pooled,
            ),
            Misconception("scores_summed", "A sum, or a mean over questions?", scores_summed),
        ],
    ),
    "fuse": Answer(
        models.fuse,
        [
            Misconception("added", JOIN, added),
            Misconception("joined_end_to_end", JOIN, joined_end_to_end),
            Misconception("no_tanh", SQUASH, no_tanh),
            Misconception("tanh_at_the_end", SQUASH, tanh_at_the_end),
            Misconception("relu_for_tanh", SQUASH, relu_for_tanh),
            Misconception("sigmoid_for_tanh", SQUASH, sigmoid_for_tanh),
            Misconception("question_not_squashed", SQUASH, question_not_squashed),
            Misconception("image_not_squashed", SQUASH, image_not_squashed),
            Misconception(
                "biases_left_out",
                "Which of the four parameters are not used?",
                biases_left_out,
            ),
        ],
    ),
}
