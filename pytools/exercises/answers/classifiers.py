"""What the checks of 02_classifiers know: the references, and the wrong solutions people write."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from pytools.exercise import Answer, Misconception
from pytools.scratch import activations, linear, neighbours

# --- pairwise_distance -----------------------------------------------------------------------


def not_rooted(a, b, metric):
    distance = neighbours.pairwise_distance(a, b, metric)
    return distance**2 if metric == "l2" else distance


def always_euclidean(a, b, metric):
    return neighbours.pairwise_distance(a, b, "l2")


def always_city_block(a, b, metric):
    return neighbours.pairwise_distance(a, b, "l1")


def signs_cancel(a, b, metric):
    if metric == "l2":
        return neighbours.pairwise_distance(a, b, "l2")
    return np.abs(a.sum(axis=1)[:, None] - b.sum(axis=1))


def mean_over_features(a, b, metric):
    distance = neighbours.pairwise_distance(a, b, metric)
    return distance / (a.shape[1] if metric == "l1" else np.sqrt(a.shape[1]))


def rows_exchanged(a, b, metric):
    return neighbours.pairwise_distance(b, a, metric)


def root_of_negative(a, b, metric):
    if metric == "l1":
        return neighbours.pairwise_distance(a, b, "l1")
    squares = np.sum(a**2, axis=1)[:, None] + np.sum(b**2, axis=1)
    return np.sqrt(squares - 2 * a @ b.T)


def guard_under_the_root(a, b, metric):
    distance = neighbours.pairwise_distance(a, b, metric)
    return np.sqrt(distance**2 + 1e-8) if metric == "l2" else distance


# --- knn_predict -----------------------------------------------------------------------------


def _knn(
    vote: Callable,
    order: Callable = lambda distance, k: np.argsort(distance)[:k],
    metric_of: Callable = lambda metric: metric,
) -> Callable:
    """The classifier with one part replaced; vote(labels, distances) has the nearest first."""

    def knn_predict(train_x, train_y, test_x, k, metric):
        distance = neighbours.pairwise_distance(test_x, train_x, metric_of(metric))
        chosen = [order(row, k) for row in distance]
        return np.array([vote(train_y[i], row[i]) for i, row in zip(chosen, distance, strict=True)])

    return knn_predict


def _majority(labels, distances):
    """The right vote: among the labels that tie, the nearest neighbour's."""
    votes = [np.sum(labels == label) for label in labels]
    return labels[np.argmax(votes)]


def _smallest_label(labels, distances):
    return np.bincount(labels).argmax()


def _nearest_of_all(labels, distances):
    votes = np.bincount(labels)
    tie = np.sum(votes == votes.max()) > 1
    return labels[0] if tie else votes.argmax()


def _weighted(labels, distances):
    return np.bincount(labels, 1 / distances).argmax()


ties_to_the_smallest_label = _knn(_smallest_label)
ties_to_the_nearest_of_all = _knn(_nearest_of_all)
weighted_by_nearness = _knn(_weighted)
only_the_nearest = _knn(lambda labels, distances: labels[0])
mean_of_labels = _knn(lambda labels, distances: np.rint(np.mean(labels)))
farthest_for_nearest = _knn(_majority, order=lambda distance, k: np.argsort(-distance)[:k])
nearest_not_sorted = _knn(_majority, order=lambda distance, k: np.argpartition(distance, k - 1)[:k])
nearest_left_out = _knn(_majority, order=lambda distance, k: np.argsort(distance)[1 : k + 1])
metric_not_used = _knn(_majority, metric_of=lambda metric: "l2")


def place_for_label(train_x, train_y, test_x, k, metric):
    return neighbours.pairwise_distance(test_x, train_x, metric).argmin(axis=1)


# --- mean_center -----------------------------------------------------------------------------


def mean_of_each_set(train, test):
    return train - train.mean(axis=0), test - test.mean(axis=0)


def mean_of_both_sets(train, test):
    mean = np.concatenate([train, test]).mean(axis=0)
    return train - mean, test - mean


def one_mean_for_all(train, test):
    return train - train.mean(), test - train.mean()


def mean_of_each_row(train, test):
    def centered(x):
        return x - x.reshape(len(x), -1).mean(axis=1).reshape(-1, *[1] * (x.ndim - 1))

    return centered(train), centered(test)


def also_scaled(train, test):
    mean, std = train.mean(axis=0), train.std(axis=0) + 1e-8
    return (train - mean) / std, (test - mean) / std


def test_left_as_it_is(train, test):
    return train - train.mean(axis=0), test


# --- softmax_cross_entropy -------------------------------------------------------------------


def _row_maximum(scores):
    return scores.max(axis=1, keepdims=True)


def _cross_entropy(
    shift: Callable = _row_maximum,
    log_probs: Callable = lambda shifted, probs: (
        shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    ),
    loss_divisor: Callable = lambda scores: len(scores),
    grad_divisor: Callable = lambda scores: len(scores),
    hot: float = 1.0,
) -> Callable:
    """The right loss and gradient, with some part replaced."""

    def softmax_cross_entropy(scores, labels):
        shifted = scores - shift(scores)
        exps = np.exp(shifted)
        probs = exps / exps.sum(axis=1, keepdims=True)
        rows = np.arange(len(scores))
        loss = -np.sum(log_probs(shifted, probs)[rows, labels]) / loss_divisor(scores)
        grad = probs.copy()
        grad[rows, labels] -= hot
        return loss, grad / grad_divisor(scores)

    return softmax_cross_entropy


def _through_probs(shifted, probs):
    return np.log(probs)


not_shifted = _cross_entropy(shift=lambda scores: 0.0, log_probs=_through_probs)
one_shift_for_all = _cross_entropy(shift=np.max, log_probs=_through_probs)
logarithm_of_zero = _cross_entropy(log_probs=_through_probs)
guard_in_the_logarithm = _cross_entropy(log_probs=lambda shifted, probs: np.log(probs + 1e-12))
sum_over_the_batch = _cross_entropy(loss_divisor=lambda s: 1, grad_divisor=lambda s: 1)
mean_over_all_entries = _cross_entropy(loss_divisor=np.size, grad_divisor=np.size)
gradient_not_averaged = _cross_entropy(grad_divisor=lambda scores: 1)
label_forgotten = _cross_entropy(hot=0.0)


def gradient_upside_down(scores, labels):
    loss, grad = linear.softmax_cross_entropy(scores, labels)
    return loss, -grad


def softmax_over_the_batch(scores, labels):
    exps = np.exp(scores - scores.max(axis=0))
    probs = exps / exps.sum(axis=0)
    grad = probs.copy()
    grad[np.arange(len(labels)), labels] -= 1
    return -np.mean(np.log(probs[np.arange(len(labels)), labels])), grad / len(labels)


# --- activation ------------------------------------------------------------------------------


def _replaced(right: Callable, **wrong: Callable) -> Callable:
    """`right(name, x)`, but some names are computed by functions of their own."""

    def by_name(name, x):
        return wrong[name](x) if name in wrong else right(name, x)

    return by_name


def _activation(**wrong: Callable) -> Callable:
    return _replaced(activations.activation, **wrong)


leak_too_large = _activation(leaky_relu=lambda x: np.where(x > 0, x, 0.1 * x))
leak_upside_down = _activation(leaky_relu=lambda x: np.where(x > 0, x, -0.01 * x))
elu_one_too_high = _activation(elu=lambda x: np.where(x > 0, x, np.exp(np.minimum(x, 0))))
elu_curved_everywhere = _activation(elu=np.expm1)
sigmoid_mirrored = _activation(sigmoid=lambda x: activations.activation("sigmoid", -x))
tanh_too_flat = _activation(tanh=lambda x: 2 * activations.activation("sigmoid", x) - 1)
relu_cut_at_one = _activation(relu=lambda x: np.clip(x, 0, 1))
exponential_overflows = _activation(
    sigmoid=lambda x: np.exp(x) / (1 + np.exp(x)),
    tanh=lambda x: (np.exp(x) - np.exp(-x)) / (np.exp(x) + np.exp(-x)),
    elu=lambda x: (x > 0) * x + (x <= 0) * (np.exp(x) - 1),
)


# --- activation_grad -------------------------------------------------------------------------


def _slope(**wrong: Callable) -> Callable:
    return _replaced(activations.activation_grad, **wrong)


def value_for_slope(name, x):
    return activations.activation(name, x)


_AT_THE_OUTPUT = {
    "sigmoid": lambda x: x * (1 - x),
    "tanh": lambda x: 1 - x**2,
    "elu": lambda x: np.where(x > 0, 1, x + 1),
}
taken_at_the_output = _slope(**_AT_THE_OUTPUT)
smooth_at_the_output = _slope(sigmoid=_AT_THE_OUTPUT["sigmoid"], tanh=_AT_THE_OUTPUT["tanh"])
sigmoid_at_the_output = _slope(sigmoid=_AT_THE_OUTPUT["sigmoid"])
tanh_at_the_output = _slope(tanh=_AT_THE_OUTPUT["tanh"])
square_forgotten = _slope(tanh=lambda x: 1 - np.tanh(x))
half_of_the_sigmoid = _slope(sigmoid=lambda x: activations.activation("sigmoid", x))
leak_has_no_slope = _slope(leaky_relu=lambda x: np.where(x > 0, 1.0, 0.0))
elu_slope_lowered = _slope(elu=lambda x: np.where(x > 0, 1, np.expm1(np.minimum(x, 0))))
_AT_THE_KINK = {
    "relu": lambda x: np.where(x >= 0, 1.0, 0.0),
    "leaky_relu": lambda x: np.where(x >= 0, 1.0, 0.01),
}
slope_one_at_the_kink = _slope(**_AT_THE_KINK)
relu_one_at_the_kink = _slope(relu=_AT_THE_KINK["relu"])
leak_one_at_the_kink = _slope(leaky_relu=_AT_THE_KINK["leaky_relu"])
slope_overflows = _slope(
    sigmoid=lambda x: np.exp(-x) / (1 + np.exp(-x)) ** 2,
    tanh=lambda x: 4 * np.exp(2 * x) / (np.exp(2 * x) + 1) ** 2,
    elu=lambda x: (x > 0) + (x <= 0) * np.exp(x),
)


# --- init_weights ----------------------------------------------------------------------------


def _init(
    std: Callable = lambda scheme, n_in, n_out: _std(scheme, n_in),
    draw: Callable = lambda rng, shape: rng.standard_normal(shape),
    generator: Callable = lambda rng: rng,
) -> Callable:
    """The right weights, with one of their parts replaced."""

    def init_weights(n_in, n_out, scheme, rng):
        if scheme == "zeros":
            return np.zeros((n_in, n_out))
        return std(scheme, n_in, n_out) * draw(generator(rng), (n_in, n_out))

    return init_weights


def _std(scheme, n):
    return {"xavier": np.sqrt(1 / n), "he": np.sqrt(2 / n)}.get(scheme, scheme)


def _truncated(rng, shape):
    """Normal numbers within two standard deviations, stretched to a deviation of 1 again."""
    drawn = rng.standard_normal((2 * shape[0], shape[1]))
    inside = drawn[np.abs(drawn) < 2]
    return inside[: np.prod(shape)].reshape(shape) / 0.8796


def _glorot(scheme, n_in, n_out):
    return np.sqrt(2 / (n_in + n_out)) if scheme == "xavier" else _std(scheme, n_in)


def _exchanged(scheme, n_in, n_out):
    return _std({"xavier": "he", "he": "xavier"}.get(scheme, scheme), n_in)


counted_outputs = _init(lambda scheme, n_in, n_out: _std(scheme, n_out))
both_sides_counted = _init(_glorot)
schemes_exchanged = _init(_exchanged)
root_not_taken = _init(
    lambda scheme, n_in, n_out: {"xavier": 1 / n_in, "he": 2 / n_in}.get(scheme, scheme)
)
not_scaled = _init(lambda scheme, n_in, n_out: 1.0 if isinstance(scheme, str) else scheme)
ends_cut_off = _init(draw=lambda rng, shape: _truncated(rng, shape))
uniform_for_normal = _init(draw=lambda rng, shape: rng.uniform(-1, 1, shape))
one_row_repeated = _init(
    draw=lambda rng, shape: np.broadcast_to(rng.standard_normal(shape[1]), shape)
)
generator_of_its_own = _init(generator=lambda rng: np.random.default_rng(0))
generator_without_a_seed = _init(generator=lambda rng: np.random.default_rng())


def nearly_zeros(n_in, n_out, scheme, rng):
    std = 1e-8 if scheme == "zeros" else _std(scheme, n_in)
    return std * rng.standard_normal((n_in, n_out))


def outputs_first(n_in, n_out, scheme, rng):
    return activations.init_weights(n_in, n_out, scheme, rng).T


# --- dead_relu_fraction ----------------------------------------------------------------------


def share_of_zeros(h):
    return np.mean(h == 0)


def silent_once(h):
    return np.mean(np.any(h == 0, axis=0))


def silent_rows(h):
    return np.mean(np.all(h == 0, axis=1))


def counted_not_divided(h):
    return np.sum(np.all(h == 0, axis=0))


def share_of_living(h):
    return np.mean(np.any(h > 0, axis=0))


def divided_by_rows(h):
    return np.sum(np.all(h == 0, axis=0)) / len(h)


def nearly_silent(h):
    return np.mean(np.all(np.isclose(h, 0), axis=0))


GIVEN_THE_INPUT = "Your formula is right for the output of the activation. What were you given?"

ANSWERS = {
    "pairwise_distance": Answer(
        neighbours.pairwise_distance,
        [
            Misconception(
                "not_rooted",
                "The Euclidean distance of (0, 0) and (3, 4) is 5. What is yours?",
                not_rooted,
            ),
            Misconception(
                "always_euclidean",
                "Two metrics are asked for. Where does the function look at which one?",
                always_euclidean,
            ),
            Misconception(
                "always_city_block",
                "Two metrics are asked for. Where does the function look at which one?",
                always_city_block,
            ),
            Misconception(
                "signs_cancel",
                "Differences of -2 and of 2 do not cancel: when do you lose the sign?",
                signs_cancel,
            ),
            Misconception(
                "mean_over_features",
                "Add a thousand features that differ: should the rows come no further apart?",
                mean_over_features,
            ),
            Misconception(
                "rows_exchanged",
                "Entry [i, j] belongs to row i of which array, and to row j of which?",
                rows_exchanged,
            ),
            Misconception(
                "root_of_negative",
                "Two equal rows: rounding may leave a tiny number below 0 there. What is its root?",
                root_of_negative,
            ),
            Misconception(
                "guard_under_the_root",
                "A row is at distance 0 from itself. What do you add before the root is taken?",
                guard_under_the_root,
            ),
        ],
    ),
    "knn_predict": Answer(
        neighbours.knn_predict,
        [
            Misconception(
                "ties_to_the_smallest_label",
                "Of the labels with equally many votes, which one wins with you?",
                ties_to_the_smallest_label,
            ),
            Misconception(
                "ties_to_the_nearest_of_all",
                "The nearest neighbour of all may have a label that is not among those that tie.",
                ties_to_the_nearest_of_all,
            ),
            Misconception(
                "weighted_by_nearness",
                "One neighbour, one vote: nearness decides only where votes tie.",
                weighted_by_nearness,
            ),
            Misconception(
                "only_the_nearest",
                "The question goes to k neighbours. How many do you listen to?",
                only_the_nearest,
            ),
            Misconception(
                "mean_of_labels",
                "Labels are names, not sizes: between a 2 and an 8 there is no 5.",
                mean_of_labels,
            ),
            Misconception(
                "farthest_for_nearest",
                "At which end of the sorted distances do the neighbours live?",
                farthest_for_nearest,
            ),
            Misconception(
                "nearest_not_sorted",
                "You have the right neighbours. Are they in order, the nearest first?",
                nearest_not_sorted,
            ),
            Misconception(
                "nearest_left_out",
                "A test row is not among the training rows: its nearest neighbour is not itself.",
                nearest_left_out,
            ),
            Misconception(
                "metric_not_used",
                "Your caller chose a metric. Do the distances follow it?",
                metric_not_used,
            ),
            Misconception(
                "place_for_label",
                "You found who is nearest. What is the label of that row?",
                place_for_label,
            ),
        ],
    ),
    "mean_center": Answer(
        linear.mean_center,
        [
            Misconception(
                "mean_of_each_set",
                "One test picture comes in, alone. From where do you know its mean?",
                mean_of_each_set,
            ),
            Misconception(
                "mean_of_both_sets",
                "The test set must stay unseen. Does your mean know it?",
                mean_of_both_sets,
            ),
            Misconception(
                "one_mean_for_all",
                "Each feature, each pixel, has a mean of its own.",
                one_mean_for_all,
            ),
            Misconception(
                "mean_of_each_row",
                "The mean is taken over the pictures, not over the pixels of one of them.",
                mean_of_each_row,
            ),
            Misconception(
                "also_scaled",
                "Centring moves the data. Does it also stretch them?",
                also_scaled,
            ),
            Misconception(
                "test_left_as_it_is",
                "A classifier learns on moved pictures. What will it be shown?",
                test_left_as_it_is,
            ),
        ],
    ),
    "softmax_cross_entropy": Answer(
        linear.softmax_cross_entropy,
        [
            Misconception(
                "not_shifted",
                "What is the exponential of 10000 in floating point? What may be taken off a row?",
                not_shifted,
            ),
            Misconception(
                "one_shift_for_all",
                "One row's largest score says nothing about another row's.",
                one_shift_for_all,
            ),
            Misconception(
                "guard_in_the_logarithm",
                "Your guard turns a loss of 20000 into 28. Do you need the probability at all?",
                guard_in_the_logarithm,
            ),
            Misconception(
                "logarithm_of_zero",
                "A probability may be too small for a float. Must its logarithm go through it?",
                logarithm_of_zero,
            ),
            Misconception(
                "sum_over_the_batch",
                "Double the batch by repeating it: the loss should stay what it is.",
                sum_over_the_batch,
            ),
            Misconception(
                "mean_over_all_entries",
                "Over what is the mean taken: over rows, or over rows and classes?",
                mean_over_all_entries,
            ),
            Misconception(
                "gradient_not_averaged",
                "The loss is a mean. What does that do to its slope?",
                gradient_not_averaged,
            ),
            Misconception(
                "label_forgotten",
                "Your gradient does not know which class is the right one.",
                label_forgotten,
            ),
            Misconception(
                "gradient_upside_down",
                "When the right score grows, the loss must fall: which sign has that slope?",
                gradient_upside_down,
            ),
            Misconception(
                "softmax_over_the_batch",
                "The probabilities of one picture add up to 1. Which sums are 1 with you?",
                softmax_over_the_batch,
            ),
        ],
    ),
    "activation": Answer(
        activations.activation,
        [
            Misconception(
                "leak_too_large",
                "How steep is the leak here? Compare the numbers below 0.",
                leak_too_large,
            ),
            Misconception(
                "leak_upside_down",
                "Below 0 the leaky ReLU still grows with its input. Does yours?",
                leak_upside_down,
            ),
            Misconception(
                "elu_one_too_high",
                "ELU has no jump: what is its value just below 0?",
                elu_one_too_high,
            ),
            Misconception(
                "elu_curved_everywhere",
                "ELU is the identity on one side of 0. On which?",
                elu_curved_everywhere,
            ),
            Misconception(
                "sigmoid_mirrored",
                "A large input should leave the sigmoid near 1. Where does it leave yours?",
                sigmoid_mirrored,
            ),
            Misconception(
                "tanh_too_flat",
                "The slope of tanh at 0 is 1. How steep is yours?",
                tanh_too_flat,
            ),
            Misconception(
                "relu_cut_at_one",
                "A ReLU has a floor. Has it a ceiling?",
                relu_cut_at_one,
            ),
            Misconception(
                "exponential_overflows",
                "Try 1000 and -1000: which exponential overflows, and is it needed there?",
                exponential_overflows,
            ),
        ],
    ),
    "activation_grad": Answer(
        activations.activation_grad,
        [
            Misconception(
                "value_for_slope",
                "Is that the height of the curve at x, or how steep it is there?",
                value_for_slope,
            ),
            Misconception(
                "taken_at_the_output",
                GIVEN_THE_INPUT,
                taken_at_the_output,
            ),
            Misconception(
                "smooth_at_the_output",
                GIVEN_THE_INPUT,
                smooth_at_the_output,
            ),
            Misconception(
                "sigmoid_at_the_output",
                GIVEN_THE_INPUT,
                sigmoid_at_the_output,
            ),
            Misconception(
                "tanh_at_the_output",
                GIVEN_THE_INPUT,
                tanh_at_the_output,
            ),
            Misconception(
                "square_forgotten",
                "Differentiate tanh once more: at -3 it is nearly flat.",
                square_forgotten,
            ),
            Misconception(
                "half_of_the_sigmoid",
                "The sigmoid is flat at both ends. Is your slope small for large inputs too?",
                half_of_the_sigmoid,
            ),
            Misconception(
                "leak_has_no_slope",
                "The leak is there so that something gets through below 0. How much?",
                leak_has_no_slope,
            ),
            Misconception(
                "elu_slope_lowered",
                "A constant vanishes when you differentiate. Which one should have vanished here?",
                elu_slope_lowered,
            ),
            Misconception(
                "slope_one_at_the_kink",
                "At exactly 0 the slope of the two ReLUs is agreed to be the one from the left.",
                slope_one_at_the_kink,
            ),
            Misconception(
                "relu_one_at_the_kink",
                "At exactly 0 the slope of the ReLU is agreed to be the one from the left.",
                relu_one_at_the_kink,
            ),
            Misconception(
                "leak_one_at_the_kink",
                "At exactly 0 the slope of the leaky ReLU is agreed to be the one from the left.",
                leak_one_at_the_kink,
            ),
            Misconception(
                "slope_overflows",
                "Infinity over infinity, or zero times infinity: which comes up at 1000 or -1000?",
                slope_overflows,
            ),
        ],
    ),
    "init_weights": Answer(
        activations.init_weights,
        [
            Misconception(
                "counted_outputs",
                "A unit adds up its inputs. Which of the two sizes counts them?",
                counted_outputs,
            ),
            Misconception(
                "both_sides_counted",
                "That is Glorot's mean of both directions. Here only the way forward counts.",
                both_sides_counted,
            ),
            Misconception(
                "schemes_exchanged",
                "Which scheme makes up for the half that a ReLU takes away?",
                schemes_exchanged,
            ),
            Misconception(
                "root_not_taken",
                "A normal distribution is scaled by its standard deviation. Is yours a variance?",
                root_not_taken,
            ),
            Misconception(
                "not_scaled",
                "Add up 400 numbers of size 1: how large is the sum?",
                not_scaled,
            ),
            Misconception(
                "nearly_zeros",
                "How large is the largest of your zeros?",
                nearly_zeros,
            ),
            Misconception(
                "ends_cut_off",
                "One normal number in 370 lies beyond three standard deviations. Where are yours?",
                ends_cut_off,
            ),
            Misconception(
                "uniform_for_normal",
                "Which distribution is asked for? Yours has sharp ends.",
                uniform_for_normal,
            ),
            Misconception(
                "one_row_repeated",
                "Units with equal weights stay equal. How many numbers do you draw?",
                one_row_repeated,
            ),
            Misconception(
                "generator_of_its_own",
                "You were given a generator. Where do your numbers come from?",
                generator_of_its_own,
            ),
            Misconception(
                "generator_without_a_seed",
                "With equal generators your results differ. Where do your numbers come from?",
                generator_without_a_seed,
            ),
            Misconception(
                "outputs_first",
                "The inputs are rows that are multiplied from the left: which size comes first?",
                outputs_first,
            ),
        ],
    ),
    "dead_relu_fraction": Answer(
        activations.dead_relu_fraction,
        [
            Misconception(
                "share_of_zeros",
                "Silent for half of the batch is not dead. Do you count entries or units?",
                share_of_zeros,
            ),
            Misconception(
                "silent_once",
                "Is one silence enough to be dead?",
                silent_once,
            ),
            Misconception(
                "silent_rows",
                "What are the units here: the rows, or the columns?",
                silent_rows,
            ),
            Misconception(
                "counted_not_divided",
                "Three dead units of five and three of a thousand are not the same share.",
                counted_not_divided,
            ),
            Misconception(
                "share_of_living",
                "Is that the share of the dead, or of the others?",
                share_of_living,
            ),
            Misconception(
                "divided_by_rows",
                "A share of what? Look at what you divide by.",
                divided_by_rows,
            ),
            Misconception(
                "nearly_silent",
                "A unit that whispers has a gradient.",
                nearly_silent,
            ),
        ],
    ),
}
