"""What the checks of 12_siamese know: the references, and the wrong solutions people write."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from scipy import stats

from pytools import models, scratch
from pytools.exercise import Answer, Misconception

# --- l1_distance -----------------------------------------------------------------------------


def no_absolute_value(a, b):
    return (a - b).sum(dim=1)


def absolute_value_of_the_sum(a, b):
    return (a - b).sum(dim=1).abs()


def squared(a, b):
    return ((a - b) ** 2).sum(dim=1)


def euclidean(a, b):
    return (a - b).norm(dim=1)


def mean_over_entries(a, b):
    return (a - b).abs().mean(dim=1)


def one_number_for_all(a, b):
    return (a - b).abs().sum()


def one_a_column(a, b):
    return (a - b).abs().sum(dim=0)


def every_row_with_every_row(a, b):
    return torch.cdist(a, b, p=1)


def cut_off_the_tape(a, b):
    return models.l1_distance(a.detach(), b.detach())


def second_cut_off(a, b):
    return models.l1_distance(a, b.detach())


def small_number_added(a, b):
    return F.pairwise_distance(a, b, p=1)


# --- hinge_embedding -------------------------------------------------------------------------


def _hinge(attract=lambda d, m: d, repel=lambda d, m: F.relu(m - d), reduce=torch.mean):
    """The right loss, with one of its parts replaced."""

    def hinge_embedding(distance, same, margin):
        return reduce(same * attract(distance, margin) + (1 - same) * repel(distance, margin))

    return hinge_embedding


no_hinge = _hinge(repel=lambda d, m: m - d)
margin_ignored = _hinge(repel=lambda d, m: F.relu(1 - d))
pushed_by_minus_distance = _hinge(repel=lambda d, m: -d)
hinge_the_wrong_way = _hinge(repel=lambda d, m: F.relu(d - m))
hinge_on_both = _hinge(attract=lambda d, m: F.relu(d - m))
squares = _hinge(lambda d, m: d**2, lambda d, m: F.relu(m - d) ** 2)
sum_over_batch = _hinge(reduce=torch.sum)


def labels_exchanged(distance, same, margin):
    return models.hinge_embedding(distance, 1 - same, margin)


def only_same_pairs(distance, same, margin):
    return (same * distance).mean()


def mean_of_each_kind(distance, same, margin):
    near, far = distance[same == 1], F.relu(margin - distance[same == 0])
    return sum(part.mean() for part in (near, far) if len(part))


def zero_for_minus_one(distance, same, margin):
    return F.hinge_embedding_loss(distance, same, margin)


def hinge_cut_off_the_tape(distance, same, margin):
    return models.hinge_embedding(distance.detach(), same, margin)


# --- triplet_loss ----------------------------------------------------------------------------


def _square(a, b):
    return ((a - b) ** 2).sum(dim=1)


def _triplet(distance=_square, cost=F.relu, reduce=torch.mean):
    """The right loss, with one of its parts replaced."""

    def triplet_loss(a, p, n, alpha):
        return reduce(cost(distance(a, p) - distance(a, n) + alpha))

    return triplet_loss


distances_not_squared = _triplet(euclidean)
sum_of_absolute_values = _triplet(models.l1_distance)
eps_in_each_entry = _triplet(lambda a, b: F.pairwise_distance(a, b) ** 2)
mean_of_squares = _triplet(lambda a, b: ((a - b) ** 2).mean(dim=1))
without_a_floor = _triplet(cost=lambda gap: gap)
floor_under_the_mean = _triplet(cost=lambda gap: gap, reduce=lambda gap: F.relu(gap.mean()))
triplets_summed = _triplet(reduce=torch.sum)
mean_of_those_that_cost = _triplet(reduce=lambda cost: cost.sum() / (cost > 0).sum().clamp(min=1))


def p_and_n_exchanged(a, p, n, alpha):
    return models.triplet_loss(a, n, p, alpha)


def alpha_subtracted(a, p, n, alpha):
    return models.triplet_loss(a, p, n, -alpha)


def alpha_left_out(a, p, n, alpha):
    return models.triplet_loss(a, p, n, 0.0)


def alpha_is_one(a, p, n, alpha):
    return models.triplet_loss(a, p, n, 1.0)


def negative_to_positive(a, p, n, alpha):
    return F.relu(_square(a, p) - _square(p, n) + alpha).mean()


def negative_cut_off(a, p, n, alpha):
    return models.triplet_loss(a, p, n.detach(), alpha)


# --- distance_ratio --------------------------------------------------------------------------


def overflows(d_same, d_diff):
    return -torch.log(torch.exp(-d_same) / (torch.exp(-d_same) + torch.exp(-d_diff))).mean()


def overflows_one_way(d_same, d_diff):
    return torch.log1p(torch.exp(d_same - d_diff)).mean()


def tiny_number_added(d_same, d_diff):
    near, far = torch.exp(-d_same), torch.exp(-d_diff)
    return -torch.log(near / (near + far + 1e-12) + 1e-12).mean()


def distances_exchanged(d_same, d_diff):
    return models.distance_ratio(d_diff, d_same)


def probability(d_same, d_diff):
    return torch.sigmoid(d_diff - d_same).mean()


def probability_squared(d_same, d_diff):
    return (torch.sigmoid(d_same - d_diff) ** 2).mean()


def log_of_the_mean(d_same, d_diff):
    return -torch.log(torch.sigmoid(d_diff - d_same).mean())


def ratios_summed(d_same, d_diff):
    return F.softplus(d_same - d_diff).sum()


def sign_forgotten(d_same, d_diff):
    return F.logsigmoid(d_diff - d_same).mean()


def ratio_cut_off(d_same, d_diff):
    return models.distance_ratio(d_same.detach(), d_diff.detach())


# --- sample_pairs ----------------------------------------------------------------------------


def chance_decides(labels, num, rng):
    """Any two pictures: of many classes, few pairs are the same."""
    i = rng.integers(len(labels), size=num)
    j = (i + rng.integers(1, len(labels), num)) % len(labels)
    return i, j, (labels[i] == labels[j]).astype(int)


def with_itself(labels, num, rng):
    i, j, same = scratch.sample_pairs(labels, num, rng)
    pick = [rng.choice(np.flatnonzero(labels == labels[k])) for k in i]
    return i, np.where(same == 1, pick, j), same


def any_other_for_different(labels, num, rng):
    """A pair that ought to be of two classes may be of one."""
    i, j, same = scratch.sample_pairs(labels, num, rng)
    anything = (i + rng.integers(1, len(labels), num)) % len(labels)
    return i, np.where(same == 1, j, anything), same


def half_on_average(labels, num, rng):
    i, j, _ = scratch.sample_pairs(labels, 2 * num, rng)
    kept = rng.permutation(2 * num)[:num]
    return i[kept], j[kept], (labels[i] == labels[j])[kept].astype(int)


def one_for_different(labels, num, rng):
    i, j, same = scratch.sample_pairs(labels, num, rng)
    return i, j, 1 - same


def num_of_each(labels, num, rng):
    return scratch.sample_pairs(labels, 2 * num, rng)


def always_the_first_partner(labels, num, rng):
    i, _, same = scratch.sample_pairs(labels, num, rng)
    first = [
        next(m for m in range(len(labels)) if m != k and (labels[m] == labels[k]) == s)
        for k, s in zip(i, same, strict=True)
    ]
    return i, np.array(first), same


def one_class_only(labels, num, rng):
    """All pairs of one class come from the largest class."""
    i, j, same = scratch.sample_pairs(labels, num, rng)
    names, counts = np.unique(labels, return_counts=True)
    members = np.flatnonzero(labels == names[counts.argmax()])
    picks = [rng.choice(members, 2, replace=False) for _ in i]
    return (
        *(np.where(same == 1, [pick[e] for pick in picks], x) for e, x in enumerate((i, j))),
        same,
    )


def classes_for_pictures(labels, num, rng):
    i, j, same = scratch.sample_pairs(labels, num, rng)
    return labels[i], labels[j], same


def own_seed(labels, num, rng):
    return scratch.sample_pairs(labels, num, np.random.default_rng(0))


def global_generator(labels, num, rng):
    seed = np.random.randint(2**31)  # noqa: NPY002
    return scratch.sample_pairs(labels, num, np.random.default_rng(seed))


# --- hardest_negatives -----------------------------------------------------------------------


def _distances(emb):
    return ((emb[:, None].astype(np.float64) - emb) ** 2).sum(axis=2)


def _kin(labels):
    return labels[:, None] == labels


def nearest_of_any_label(emb, labels):
    distance = _distances(emb)
    np.fill_diagonal(distance, np.inf)
    return distance.argmin(axis=1)


def itself(emb, labels):
    return _distances(emb).argmin(axis=1)


def farthest(emb, labels):
    return np.where(_kin(labels), -1.0, _distances(emb)).argmax(axis=1)


def farthest_of_own(emb, labels):
    return np.where(_kin(labels), _distances(emb), -1.0).argmax(axis=1)


def nearest_of_own(emb, labels):
    kin = _kin(labels) & ~np.eye(len(labels), dtype=bool)
    return np.where(kin, _distances(emb), np.inf).argmin(axis=1)


def masked_with_zero(emb, labels):
    return np.where(_kin(labels), 0.0, _distances(emb)).argmin(axis=1)


def masked_with_a_thousand(emb, labels):
    return (_distances(emb) + 1000.0 * _kin(labels)).argmin(axis=1)


def counted_among_negatives(emb, labels):
    distance, kin = _distances(emb), _kin(labels)
    return np.array([row[~own].argmin() for row, own in zip(distance, kin, strict=True)])


def labels_returned(emb, labels):
    return labels[scratch.hardest_negatives(emb, labels)]


def how_far_returned(emb, labels):
    index = scratch.hardest_negatives(emb, labels)
    return np.sqrt(_distances(emb)[np.arange(len(emb)), index])


def by_absolute_values(emb, labels):
    distance = np.abs(emb[:, None] - emb).sum(axis=2)
    return np.where(_kin(labels), np.inf, distance).argmin(axis=1)


def by_inner_product(emb, labels):
    return np.where(_kin(labels), -np.inf, emb @ emb.T).argmax(axis=1)


# --- recall_at_k -----------------------------------------------------------------------------


def _nearest(emb, k, itself=False):
    distance = _distances(emb)
    if not itself:
        np.fill_diagonal(distance, np.inf)
    return distance.argsort(axis=1)[:, :k]


def _hits(emb, labels, k, **how):
    return labels[_nearest(emb, k, **how)] == labels[:, None]


def finds_itself(emb, labels, k):
    return _hits(emb, labels, k, itself=True).any(axis=1).mean()


def itself_takes_a_place(emb, labels, k):
    return _hits(emb, labels, k, itself=True)[:, 1:].any(axis=1).mean()


def nearest_skipped(emb, labels, k):
    hits = _hits(emb, labels, len(labels) - 1)
    return hits[:, 1 : k + 1].any(axis=1).mean()


def share_of_neighbours(emb, labels, k):
    return _hits(emb, labels, k).mean()


def all_must_agree(emb, labels, k):
    return _hits(emb, labels, k).all(axis=1).mean()


def only_the_kth(emb, labels, k):
    return _hits(emb, labels, k)[:, -1].mean()


def k_ignored(emb, labels, k):
    return _hits(emb, labels, 1).mean()


def share_of_own_class(emb, labels, k):
    partners = np.maximum(_kin(labels).sum(axis=1) - 1, 1)
    return (_hits(emb, labels, k).sum(axis=1) / partners).mean()


def lone_points_left_out(emb, labels, k):
    found = _hits(emb, labels, k).any(axis=1)
    return found[_kin(labels).sum(axis=1) > 1].mean()


def mean_over_classes(emb, labels, k):
    found = _hits(emb, labels, k).any(axis=1)
    return np.mean([found[labels == name].mean() for name in np.unique(labels)])


def found_counted(emb, labels, k):
    return _hits(emb, labels, k).any(axis=1).sum()


def neighbours_by_absolute_values(emb, labels, k):
    distance = np.abs(emb[:, None] - emb).sum(axis=2)
    np.fill_diagonal(distance, np.inf)
    return (labels[distance.argsort(axis=1)[:, :k]] == labels[:, None]).any(axis=1).mean()


# --- spearman --------------------------------------------------------------------------------


def _of_ranks(rank):
    """The correlation of ranks that are given in one way or another."""

    def spearman(x, y):
        a, b = (np.asarray(rank(values), float) for values in (x, y))
        a, b = a - a.mean(), b - b.mean()
        with np.errstate(all="ignore"):
            return a @ b / np.sqrt((a @ a) * (b @ b))

    return spearman


pearson = _of_ranks(lambda x: x)
ties_in_order_of_appearance = _of_ranks(lambda x: np.argsort(np.argsort(x, kind="stable")))
sorted_once = _of_ranks(lambda x: np.argsort(x, kind="stable"))
ties_share_the_lowest = _of_ranks(lambda x: stats.rankdata(x, "min"))
ties_share_the_highest = _of_ranks(lambda x: stats.rankdata(x, "max"))
ties_skip_no_rank = _of_ranks(lambda x: stats.rankdata(x, "dense"))


def formula_without_ties(x, y):
    gap = stats.rankdata(x) - stats.rankdata(y)
    return 1 - 6 * np.sum(gap**2) / (len(x) * (len(x) ** 2 - 1))


def sign_lost(x, y):
    return abs(scratch.spearman(x, y))


def squared_correlation(x, y):
    return scratch.spearman(x, y) ** 2


def covariance_of_ranks(x, y):
    return np.cov(stats.rankdata(x), stats.rankdata(y))[0, 1]


TAPE = "The number is right, but no gradient arrives. Where is the tape cut?"
EPS = (
    "PyTorch's pairwise distance adds a small eps to each difference, unless told not to. Can you "
    "do without it?"
)
MEAN = "The loss is a mean over the batch. What do you divide by?"

ANSWERS = {
    "l1_distance": Answer(
        models.l1_distance,
        [
            Misconception(
                "no_absolute_value",
                "A distance is never negative. Is yours? May one entry make up for another?",
                no_absolute_value,
            ),
            Misconception(
                "absolute_value_of_the_sum",
                "+1 in one entry and -1 in the next: are the two rows equal?",
                absolute_value_of_the_sum,
            ),
            Misconception("squared", "How far apart are 0 and 3: 3, or 9?", squared),
            Misconception(
                "euclidean", "That is the way of the crow. Which one does the 1 ask for?", euclidean
            ),
            Misconception(
                "mean_over_entries",
                "Does a distance grow with the number of entries that differ?",
                mean_over_entries,
            ),
            Misconception(
                "one_number_for_all",
                "How many pairs came in, and how many numbers come out?",
                one_number_for_all,
            ),
            Misconception(
                "one_a_column", "Which axis counts the pairs, and which is to go?", one_a_column
            ),
            Misconception(
                "every_row_with_every_row",
                "Row 1 of the one is compared with row 1 of the other, and with no other row.",
                every_row_with_every_row,
            ),
            Misconception("cut_off_the_tape", TAPE, cut_off_the_tape),
            Misconception(
                "second_cut_off",
                "Both twins learn: does a gradient arrive at the second one?",
                second_cut_off,
            ),
            Misconception("small_number_added", EPS, small_number_added),
        ],
    ),
    "hinge_embedding": Answer(
        models.hinge_embedding,
        [
            Misconception(
                "labels_exchanged",
                "What should two pictures of one class do: come nearer, or part?",
                labels_exchanged,
            ),
            Misconception(
                "no_hinge",
                "A pair that differs is far beyond the margin. Does it still earn something?",
                no_hinge,
            ),
            Misconception(
                "hinge_the_wrong_way",
                "Two that differ lie on one point. What does your loss say to that?",
                hinge_the_wrong_way,
            ),
            Misconception(
                "pushed_by_minus_distance",
                "How far away is far enough? Your loss has no floor.",
                pushed_by_minus_distance,
            ),
            Misconception(
                "margin_ignored", "Your caller chooses the margin. Do you use it?", margin_ignored
            ),
            Misconception(
                "hinge_on_both",
                "Are two pictures of one class near enough as soon as they are within the margin?",
                hinge_on_both,
            ),
            Misconception("squares", "Some papers square both parts. Does this formula?", squares),
            Misconception(
                "only_same_pairs",
                "Where is the least of your loss? Try all pictures on one point.",
                only_same_pairs,
            ),
            Misconception("sum_over_batch", MEAN, sum_over_batch),
            Misconception(
                "mean_of_each_kind",
                "One mean over all pairs, or one over each kind, added up?",
                mean_of_each_kind,
            ),
            Misconception(
                "zero_for_minus_one",
                "PyTorch's function of that name reads 1 and -1. What do you hand to it?",
                zero_for_minus_one,
            ),
            Misconception("cut_off_the_tape", TAPE, hinge_cut_off_the_tape),
        ],
    ),
    "triplet_loss": Answer(
        models.triplet_loss,
        [
            Misconception(
                "p_and_n_exchanged",
                "Which of the two distances is to be the smaller one?",
                p_and_n_exchanged,
            ),
            Misconception(
                "distances_not_squared",
                "The formula squares the distances; PyTorch's own triplet loss does not.",
                distances_not_squared,
            ),
            Misconception(
                "sum_of_absolute_values",
                "Two bars, a small 2 above: which distance is that?",
                sum_of_absolute_values,
            ),
            Misconception("eps_in_each_entry", EPS, eps_in_each_entry),
            Misconception(
                "mean_of_squares",
                "Over the entries of a row, does the formula sum, or average?",
                mean_of_squares,
            ),
            Misconception(
                "without_a_floor",
                "A triplet that is fine already: may it pay for one that is not?",
                without_a_floor,
            ),
            Misconception(
                "floor_under_the_mean",
                "What comes first: the floor at 0, or the mean over the triplets?",
                floor_under_the_mean,
            ),
            Misconception("triplets_summed", MEAN, triplets_summed),
            Misconception(
                "mean_of_those_that_cost",
                "Do the triplets that cost nothing count in the mean?",
                mean_of_those_that_cost,
            ),
            Misconception(
                "alpha_subtracted",
                "Both distances are equal. Is that good enough, or does it cost something?",
                alpha_subtracted,
            ),
            Misconception(
                "alpha_left_out",
                "Put all points on one place. What does your loss cost there?",
                alpha_left_out,
            ),
            Misconception(
                "alpha_is_one", "Your caller chooses alpha. Do you use it?", alpha_is_one
            ),
            Misconception(
                "negative_to_positive",
                "From which point are both distances taken?",
                negative_to_positive,
            ),
            Misconception(
                "negative_cut_off",
                "Three points move. Does a gradient arrive at each of them?",
                negative_cut_off,
            ),
        ],
    ),
    "distance_ratio": Answer(
        models.distance_ratio,
        [
            Misconception(
                "overflows",
                "What is e to the -800 on your machine, and 0 divided by 0?",
                overflows,
            ),
            Misconception(
                "overflows_one_way",
                "One order of the two distances works. What is e to the +800?",
                overflows_one_way,
            ),
            Misconception(
                "tiny_number_added",
                "A tiny number under the logarithm sets a floor. Does a hopeless triplet still "
                "get a gradient?",
                tiny_number_added,
            ),
            Misconception(
                "distances_exchanged",
                "Which of the two distances is to shrink?",
                distances_exchanged,
            ),
            Misconception(
                "probability", "A loss falls as things get better. Does yours?", probability
            ),
            Misconception(
                "probability_squared",
                "That is how the paper punished it. Which formula stands here?",
                probability_squared,
            ),
            Misconception(
                "log_of_the_mean",
                "What comes first: the logarithm, or the mean?",
                log_of_the_mean,
            ),
            Misconception("ratios_summed", MEAN, ratios_summed),
            Misconception(
                "sign_forgotten",
                "May this loss be negative? What is in front of it?",
                sign_forgotten,
            ),
            Misconception("cut_off_the_tape", TAPE, ratio_cut_off),
        ],
    ),
    "sample_pairs": Answer(
        scratch.sample_pairs,
        [
            Misconception(
                "chance_decides",
                "Ten classes, two pictures at random: how often are they of one class?",
                chance_decides,
            ),
            Misconception(
                "with_itself",
                "How far is a picture from itself, and what does the net learn from that?",
                with_itself,
            ),
            Misconception(
                "any_other_for_different",
                "Do your pairs that differ always differ?",
                any_other_for_different,
            ),
            Misconception(
                "half_on_average",
                "Half of the pairs, in every call: exactly, or on average?",
                half_on_average,
            ),
            Misconception(
                "one_for_different",
                "What does a 1 mean here: same, or different?",
                one_for_different,
            ),
            Misconception("num_of_each", "How many pairs were asked for, in all?", num_of_each),
            Misconception(
                "always_the_first_partner",
                "Does every picture get its turn as the partner?",
                always_the_first_partner,
            ),
            Misconception(
                "one_class_only",
                "Of which classes are your pairs that are the same? Of all?",
                one_class_only,
            ),
            Misconception(
                "classes_for_pictures",
                "What do i and j count: classes, or places in the list of labels?",
                classes_for_pictures,
            ),
            Misconception(
                "own_seed",
                "Call it twice with one generator. Should the pairs be the same ones?",
                own_seed,
            ),
            Misconception(
                "global_generator",
                "Two generators with equal seeds: do they give you equal pairs?",
                global_generator,
            ),
        ],
    ),
    "hardest_negatives": Answer(
        scratch.hardest_negatives,
        [
            Misconception(
                "nearest_of_any_label",
                "May a negative have the label of the point itself?",
                nearest_of_any_label,
            ),
            Misconception(
                "itself",
                "Who is nearest to a point, if nobody is left out? Has that one another label?",
                itself,
            ),
            Misconception(
                "farthest",
                "Which stranger is hard to tell apart from you: the one beside you, or far away?",
                farthest,
            ),
            Misconception(
                "farthest_of_own",
                "That is the hardest positive. Which label has a negative?",
                farthest_of_own,
            ),
            Misconception(
                "nearest_of_own", "Is a negative of the same label, or of another?", nearest_of_own
            ),
            Misconception(
                "masked_with_zero",
                "Points of the same label get a distance of 0 from you. Who is the nearest then?",
                masked_with_zero,
            ),
            Misconception(
                "masked_with_a_thousand",
                "How far apart may points be? Is your large number larger?",
                masked_with_a_thousand,
            ),
            Misconception(
                "counted_among_negatives",
                "Your list of negatives is shorter than the list of points. Which one do you "
                "count in?",
                counted_among_negatives,
            ),
            Misconception(
                "labels_returned", "Which point is it, not: which class.", labels_returned
            ),
            Misconception(
                "how_far_returned",
                "Which point is it, not: how far away is it.",
                how_far_returned,
            ),
            Misconception("by_absolute_values", "Nearest by which distance?", by_absolute_values),
            Misconception(
                "by_inner_product",
                "A long vector has large products with many. Is it near to them?",
                by_inner_product,
            ),
        ],
    ),
    "recall_at_k": Answer(
        scratch.recall_at_k,
        [
            Misconception(
                "finds_itself",
                "Who is nearest to a point? Leave that one out before you count.",
                finds_itself,
            ),
            Misconception(
                "itself_takes_a_place",
                "The point itself is left out. How many others do you look at now?",
                itself_takes_a_place,
            ),
            Misconception(
                "nearest_skipped",
                "Once the point itself is out, whom does your slice leave out as well?",
                nearest_skipped,
            ),
            Misconception(
                "share_of_neighbours",
                "How many right neighbours are needed for a point to count as found?",
                share_of_neighbours,
            ),
            Misconception(
                "all_must_agree",
                "One right neighbour among the k: is the point found, or not?",
                all_must_agree,
            ),
            Misconception(
                "only_the_kth", "Among the k nearest, or the k-th nearest?", only_the_kth
            ),
            Misconception("k_ignored", "Your caller chooses k. Do you use it?", k_ignored),
            Misconception(
                "share_of_own_class",
                "Is it asked how much of its class a point finds, or whether it finds any?",
                share_of_own_class,
            ),
            Misconception(
                "lone_points_left_out",
                "A point that is alone in its class: is it found, and is it one of the points?",
                lone_points_left_out,
            ),
            Misconception(
                "mean_over_classes",
                "Is it a share of the points, or a mean over the classes?",
                mean_over_classes,
            ),
            Misconception("found_counted", "A number of points, or a share?", found_counted),
            Misconception(
                "by_absolute_values",
                "Nearest by which distance?",
                neighbours_by_absolute_values,
            ),
        ],
    ),
    "spearman": Answer(
        scratch.spearman,
        [
            Misconception(
                "pearson",
                "Take the exponential of all x: their order stays. Does your number?",
                pearson,
            ),
            Misconception(
                "sorted_once",
                "Sorting tells which value comes first. Is that the rank of the first value?",
                sorted_once,
            ),
            Misconception(
                "ties_in_order_of_appearance",
                "Two equal values: may one of them have a higher rank than the other?",
                ties_in_order_of_appearance,
            ),
            Misconception(
                "ties_share_the_lowest",
                "Equal values share a rank. Which one: the lowest of theirs?",
                ties_share_the_lowest,
            ),
            Misconception(
                "ties_share_the_highest",
                "Equal values share a rank. Which one: the highest of theirs?",
                ties_share_the_highest,
            ),
            Misconception(
                "ties_skip_no_rank",
                "After two equal values, which rank has the next one?",
                ties_skip_no_rank,
            ),
            Misconception(
                "formula_without_ties",
                "That short formula holds where no two values are equal. What is it short for?",
                formula_without_ties,
            ),
            Misconception(
                "sign_lost", "The one falls where the other rises. What is rho then?", sign_lost
            ),
            Misconception(
                "squared_correlation",
                "That is the share of variance. Can it be negative?",
                squared_correlation,
            ),
            Misconception(
                "covariance_of_ranks",
                "May a correlation be larger than 1? What is yours divided by?",
                covariance_of_ranks,
            ),
        ],
    ),
}
