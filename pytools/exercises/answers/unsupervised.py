"""What the checks of 07_autoencoder_rbm know: the references, and the wrong ways people write."""

from __future__ import annotations

import numpy as np
from scipy.special import expit, logsumexp

from pytools.exercise import Answer, Misconception
from pytools.scratch import autoencoder, class_rbm, rbm

# --- autoencoder_loss ------------------------------------------------------------------------


def _autoencoder(x, w, b, c, code=None, slope=None, out=None, ways=(1, 1), sign=1):
    """The tied autoencoder with one of its parts exchanged."""
    z = x @ w + b
    code = expit(z) if code is None else code(z)
    slope = code * (1 - code) if slope is None else slope(z, code)
    given = code @ w.T + c
    error = sign * ((given if out is None else out(given)) - x)
    grad = error / len(x)
    grad_z = grad @ w * slope
    encoder, decoder = x.T @ grad_z, grad.T @ code
    loss = 0.5 * np.sum(error**2) / len(x)
    return loss, ways[0] * encoder + ways[1] * decoder, grad_z.sum(0), grad.sum(0)


def encoder_only(x, w, b, c):
    return _autoencoder(x, w, b, c, ways=(1, 0))


def decoder_only(x, w, b, c):
    return _autoencoder(x, w, b, c, ways=(0, 1))


def half_forgotten(x, w, b, c):
    loss, *grads = autoencoder.autoencoder_loss(x, w, b, c)
    return 2 * loss, *grads


def slope_of_the_whole_square(x, w, b, c):
    loss, *grads = autoencoder.autoencoder_loss(x, w, b, c)
    return loss, *(2 * grad for grad in grads)


def half_forgotten_everywhere(x, w, b, c):
    return tuple(2 * a for a in autoencoder.autoencoder_loss(x, w, b, c))


def mean_over_pixels_too(x, w, b, c):
    return tuple(a / x.shape[1] for a in autoencoder.autoencoder_loss(x, w, b, c))


def sum_over_the_batch(x, w, b, c):
    return tuple(a * len(x) for a in autoencoder.autoencoder_loss(x, w, b, c))


def gradients_not_averaged(x, w, b, c):
    loss, *grads = autoencoder.autoencoder_loss(x, w, b, c)
    return loss, *(len(x) * grad for grad in grads)


def slope_taken_of_the_code(x, w, b, c):
    return _autoencoder(x, w, b, c, slope=lambda z, code: expit(code) * (1 - expit(code)))


def slope_of_the_sum(x, w, b, c):
    return _autoencoder(x, w, b, c, slope=lambda z, code: z * (1 - z))


def slope_left_out(x, w, b, c):
    return _autoencoder(x, w, b, c, slope=lambda z, code: 1.0)


def code_without_sigmoid(x, w, b, c):
    return _autoencoder(x, w, b, c, code=lambda z: z, slope=lambda z, code: 1.0)


def output_through_a_sigmoid(x, w, b, c):
    return _autoencoder(x, w, b, c, out=expit)


def sigmoid_at_both_ends(x, w, b, c):
    """With the slope of the second one, too: the gradients of another net."""
    code = expit(x @ w + b)
    out = expit(code @ w.T + c)
    grad = (out - x) * out * (1 - out) / len(x)
    grad_z = grad @ w * code * (1 - code)
    loss = 0.5 * np.sum((out - x) ** 2) / len(x)
    return loss, x.T @ grad_z + grad.T @ code, grad_z.sum(0), grad.sum(0)


def output_bias_forgotten(x, w, b, c):
    return _autoencoder(x, w, b, 0 * c)


def code_by_tanh(x, w, b, c):
    return _autoencoder(x, w, b, c, code=np.tanh, slope=lambda z, code: 1 - code**2)


def difference_upside_down(x, w, b, c):
    return _autoencoder(x, w, b, c, sign=-1)


def _overflowing(z):
    return np.exp(z) / (1 + np.exp(z))


def code_overflows(x, w, b, c):
    return _autoencoder(x, w, b, c, code=_overflowing)


# --- rbm_free_energy -------------------------------------------------------------------------


def softplus_overflows(v, w, b, c):
    return -v @ c - np.log(1 + np.exp(v @ w + b)).sum(axis=1)


def softplus_capped(v, w, b, c):
    return -v @ c - np.log1p(np.exp(np.clip(v @ w + b, -500, 500))).sum(axis=1)


def visible_bias_added(v, w, b, c):
    return v @ c - np.logaddexp(0, v @ w + b).sum(axis=1)


def visible_bias_forgotten(v, w, b, c):
    return -np.logaddexp(0, v @ w + b).sum(axis=1)


def hidden_bias_forgotten(v, w, b, c):
    return rbm.rbm_free_energy(v, w, 0 * b, c)


def energy_upside_down(v, w, b, c):
    return -rbm.rbm_free_energy(v, w, b, c)


def energy_of_the_mean(v, w, b, c):
    z = v @ w + b
    return -v @ c - np.sum(expit(z) * z, axis=1)


def sigmoid_for_softplus(v, w, b, c):
    return -v @ c - np.sum(expit(v @ w + b), axis=1)


def softplus_mirrored(v, w, b, c):
    return -v @ c - np.logaddexp(0, -(v @ w + b)).sum(axis=1)


def softplus_of_the_sum(v, w, b, c):
    return -v @ c - np.logaddexp(0, np.sum(v @ w + b, axis=1))


def mean_over_hidden_units(v, w, b, c):
    return -v @ c - np.logaddexp(0, v @ w + b).mean(axis=1)


def summed_over_all_pictures(v, w, b, c):
    return -v @ c - np.logaddexp(0, v @ w + b).sum()


def relu_for_softplus(v, w, b, c):
    return -v @ c - np.maximum(v @ w + b, 0).sum(axis=1)


def one_hidden_unit_at_a_time(v, w, b, c):
    """log(1 + Σ exp z): the states with two units on are missing."""
    z = v @ w + b
    return -v @ c - logsumexp(np.concatenate([0 * z[:, :1], z], axis=1), axis=1)


def hidden_units_all_on(v, w, b, c):
    return -v @ c - (v @ w + b).sum(axis=1)


def one_number_for_all(v, w, b, c):
    return rbm.rbm_free_energy(v, w, b, c).mean()


# --- reconstruct -----------------------------------------------------------------------------


def stopped_half_way(v, w, b, c):
    return expit(v @ w + b)


def hidden_rounded(v, w, b, c):
    return expit((v @ w + b > 0) @ w.T + c)


def pixels_rounded(v, w, b, c):
    return np.round(rbm.reconstruct(v, w, b, c))


def no_hidden_bias(v, w, b, c):
    return rbm.reconstruct(v, w, 0 * b, c)


def no_visible_bias(v, w, b, c):
    return rbm.reconstruct(v, w, b, 0 * c)


def no_bias_at_all(v, w, b, c):
    return rbm.reconstruct(v, w, 0 * b, 0 * c)


def hidden_not_squashed(v, w, b, c):
    return expit((v @ w + b) @ w.T + c)


def pixels_not_squashed(v, w, b, c):
    return expit(v @ w + b) @ w.T + c


def one_round_too_many(v, w, b, c):
    return rbm.reconstruct(rbm.reconstruct(v, w, b, c), w, b, c)


def sigmoid_overflows(v, w, b, c):
    return _overflowing(_overflowing(v @ w + b) @ w.T + c)


def hidden_sampled(v, w, b, c):
    p = expit(v @ w + b)
    return expit((np.random.default_rng(0).random(p.shape) < p) @ w.T + c)


# --- cd1_gradients ---------------------------------------------------------------------------


def _cd1(v, w, b, c, rng, steps=1, hidden=None, visible=None, ends=None, weigh=None):
    """CD-1 with one of its parts exchanged."""

    def sampled(p):
        return (rng.random(p.shape) < p).astype(float)

    hidden, visible = hidden or sampled, visible or sampled
    first = last = expit(v @ w + b)
    h, v1 = None, v
    for _ in range(steps):
        drawn = hidden(last)
        h = drawn if h is None else h
        v1 = visible(expit(drawn @ w.T + c))
        last = expit(v1 @ w + b)
    start, end = (first, last) if ends is None else ends(first, h, last, sampled)
    grads = v1.T @ end - v.T @ start, (end - start).sum(0), (v1 - v).sum(0)
    scales = np.full(3, 1 / len(v)) if weigh is None else weigh(len(v))
    return tuple(scale * grad for scale, grad in zip(scales, grads, strict=True))


def pixels_not_sampled(v, w, b, c, rng):
    return _cd1(v, w, b, c, rng, visible=lambda p: p)


def hidden_not_sampled(v, w, b, c, rng):
    return _cd1(v, w, b, c, rng, hidden=lambda p: p)


def nothing_sampled(v, w, b, c, rng):
    return _cd1(v, w, b, c, rng, hidden=lambda p: p, visible=lambda p: p)


def last_hidden_sampled(v, w, b, c, rng):
    return _cd1(v, w, b, c, rng, ends=lambda first, h, last, sampled: (first, sampled(last)))


def first_hidden_sampled(v, w, b, c, rng):
    return _cd1(v, w, b, c, rng, ends=lambda first, h, last, sampled: (h, last))


def all_hidden_sampled(v, w, b, c, rng):
    return _cd1(v, w, b, c, rng, ends=lambda first, h, last, sampled: (h, sampled(last)))


def drawn_the_wrong_way_round(v, w, b, c, rng):
    def mirrored(p):
        return (rng.random(p.shape) > p).astype(float)

    return _cd1(v, w, b, c, rng, hidden=mirrored, visible=mirrored)


def hidden_rounded_not_drawn(v, w, b, c, rng):
    return _cd1(v, w, b, c, rng, hidden=np.round)


def pixels_rounded_not_drawn(v, w, b, c, rng):
    return _cd1(v, w, b, c, rng, visible=np.round)


def first_hidden_at_the_end(v, w, b, c, rng):
    return _cd1(v, w, b, c, rng, ends=lambda first, h, last, sampled: (first, first))


def drawn_hidden_at_the_end(v, w, b, c, rng):
    return _cd1(v, w, b, c, rng, ends=lambda first, h, last, sampled: (first, h))


def uphill(v, w, b, c, rng):
    return _cd1(v, w, b, c, rng, weigh=lambda n: np.full(3, -1 / n))


def summed(v, w, b, c, rng):
    return _cd1(v, w, b, c, rng, weigh=lambda n: np.ones(3))


def only_weights_averaged(v, w, b, c, rng):
    return _cd1(v, w, b, c, rng, weigh=lambda n: np.array([1 / n, 1, 1]))


def only_biases_averaged(v, w, b, c, rng):
    return _cd1(v, w, b, c, rng, weigh=lambda n: np.array([1, 1 / n, 1 / n]))


def biases_left_out(v, w, b, c, rng):
    return _cd1(v, w, 0 * b, 0 * c, rng)


def hidden_bias_left_out(v, w, b, c, rng):
    return _cd1(v, w, 0 * b, c, rng)


def visible_bias_left_out(v, w, b, c, rng):
    return _cd1(v, w, b, 0 * c, rng)


def two_steps(v, w, b, c, rng):
    return _cd1(v, w, b, c, rng, steps=2)


def one_draw_for_all_pictures(v, w, b, c, rng):
    def shared(p):
        return (rng.random(p.shape[1]) < p).astype(float)

    return _cd1(v, w, b, c, rng, hidden=shared, visible=shared)


def chances_overflow(v, w, b, c, rng):
    def drawn(p):
        return (rng.random(p.shape) < p).astype(float)

    p = _overflowing(v @ w + b)
    v1 = drawn(_overflowing(drawn(p) @ w.T + c))
    p1 = _overflowing(v1 @ w + b)
    return (v1.T @ p1 - v.T @ p) / len(v), (p1 - p).mean(0), (v1 - v).mean(0)


def last_hidden_without_the_draw(v, w, b, c, rng):
    """p₁ from the pixels' probabilities, though v₁ was drawn from them."""
    p = expit(v @ w + b)
    q = expit((rng.random(p.shape) < p) @ w.T + c)
    v1 = (rng.random(q.shape) < q).astype(float)
    p1 = expit(q @ w + b)
    return (v1.T @ p1 - v.T @ p) / len(v), (p1 - p).mean(0), (v1 - v).mean(0)


def generator_of_its_own(v, w, b, c, rng):
    return rbm.cd1_gradients(v, w, b, c, np.random.default_rng(0))


def generator_without_a_seed(v, w, b, c, rng):
    return rbm.cd1_gradients(v, w, b, c, np.random.default_rng())


# --- class_free_energy -----------------------------------------------------------------------


def label_bias_forgotten(v, label, w, u, b, c, d):
    return class_rbm.class_free_energy(v, label, w, u, b, c, 0 * d)


def label_weights_forgotten(v, label, w, u, b, c, d):
    return class_rbm.class_free_energy(v, label, w, 0 * u, b, c, d)


def label_outside_the_softplus(v, label, w, u, b, c, d):
    return rbm.rbm_free_energy(v, w, b, c) - u[label].sum(axis=-1) - d[label]


def label_bias_added(v, label, w, u, b, c, d):
    return class_rbm.class_free_energy(v, label, w, u, b, c, -d)


def no_visible_bias_in_it(v, label, w, u, b, c, d):
    return class_rbm.class_free_energy(v, label, w, u, b, 0 * c, d)


def no_hidden_bias_in_it(v, label, w, u, b, c, d):
    return class_rbm.class_free_energy(v, label, w, u, 0 * b, c, d)


def label_summed_out(v, label, w, u, b, c, d):
    energies = [class_rbm.class_free_energy(v, k, w, u, b, c, d) for k in range(len(d))]
    return -np.logaddexp.reduce(-np.array(energies), axis=0)


def first_label_for_all(v, label, w, u, b, c, d):
    return class_rbm.class_free_energy(v, int(np.ravel(label)[0]), w, u, b, c, d)


def all_labels_at_once(v, label, w, u, b, c, d):
    energies = [class_rbm.class_free_energy(v, k, w, u, b, c, d) for k in range(len(d))]
    return np.stack(energies, axis=1)


def posterior_for_energy(v, label, w, u, b, c, d):
    logs = class_rbm.class_log_posterior(v, w, u, b, c, d)
    return np.exp(logs[np.arange(len(v)), label])


def label_energy_upside_down(v, label, w, u, b, c, d):
    return -class_rbm.class_free_energy(v, label, w, u, b, c, d)


def label_weights_subtracted(v, label, w, u, b, c, d):
    return class_rbm.class_free_energy(v, label, w, -u, b, c, d)


def label_in_twice(v, label, w, u, b, c, d):
    return class_rbm.class_free_energy(v, label, w, u, b, c, d) - u[label].sum(axis=-1)


def label_bias_in_the_hidden_units(v, label, w, u, b, c, d):
    return class_rbm.class_free_energy(v, label, w, u + d[:, None], b, c, 0 * d)


def softplus_of_its_own(v, label, w, u, b, c, d):
    own = np.logaddexp(0, u[label]).sum(axis=-1)
    return rbm.rbm_free_energy(v, w, b, c) - own - d[label]


def labels_compared_already(v, label, w, u, b, c, d):
    logs = class_rbm.class_log_posterior(v, w, u, b, c, d)
    return -logs[np.arange(len(v)), label]


def label_softplus_capped(v, label, w, u, b, c, d):
    z = np.clip(v @ w + b + u[label], -500, 500)
    return -v @ c - d[label] - np.logaddexp(0, z).sum(axis=1)


def label_softplus_overflows(v, label, w, u, b, c, d):
    softplus = np.log(1 + np.exp(v @ w + b + u[label]))
    return -v @ c - d[label] - softplus.sum(axis=1)


ANSWERS = {
    "autoencoder_loss": Answer(
        autoencoder.autoencoder_loss,
        [
            Misconception(
                "encoder_only",
                "The same weights are used twice. Your gradient comes back along one of the ways.",
                encoder_only,
            ),
            Misconception(
                "decoder_only",
                "Does a change of the weights not also change the code?",
                decoder_only,
            ),
            Misconception(
                "half_forgotten",
                "Your gradients are right. Is the loss that they belong to?",
                half_forgotten,
            ),
            Misconception(
                "slope_of_the_whole_square",
                "The loss has a half in front. What does it cancel in the slope of a square?",
                slope_of_the_whole_square,
            ),
            Misconception(
                "half_forgotten_everywhere",
                "Look at the loss once more: what stands in front of the square?",
                half_forgotten_everywhere,
            ),
            Misconception(
                "mean_over_pixels_too",
                "Over what is the mean taken, and over what is only summed?",
                mean_over_pixels_too,
            ),
            Misconception(
                "sum_over_the_batch",
                "Double the batch by repeating it: the loss should stay what it is.",
                sum_over_the_batch,
            ),
            Misconception(
                "gradients_not_averaged",
                "The loss is a mean over the batch. What does that do to its slope?",
                gradients_not_averaged,
            ),
            Misconception(
                "slope_taken_of_the_code",
                "The code went through the sigmoid already. Does your slope send it through again?",
                slope_taken_of_the_code,
            ),
            Misconception(
                "slope_of_the_sum",
                "The short formula for the sigmoid's slope: is it for what goes in, or comes out?",
                slope_of_the_sum,
            ),
            Misconception(
                "slope_left_out",
                "On its way back the gradient passes the sigmoid. What happens to it there?",
                slope_left_out,
            ),
            Misconception(
                "code_without_sigmoid",
                "Of the two layers, one has a sigmoid. Which?",
                code_without_sigmoid,
            ),
            Misconception(
                "output_through_a_sigmoid",
                "Of the two layers, one is linear. Which?",
                output_through_a_sigmoid,
            ),
            Misconception(
                "sigmoid_at_both_ends",
                "Your output lies between 0 and 1. Should it?",
                sigmoid_at_both_ends,
            ),
            Misconception(
                "output_bias_forgotten",
                "The output has a bias of its own. Where is it added?",
                output_bias_forgotten,
            ),
            Misconception(
                "code_by_tanh",
                "Your code can be negative. Which curve does the text name?",
                code_by_tanh,
            ),
            Misconception(
                "difference_upside_down",
                "If the output is too bright, should its gradient be above or below 0?",
                difference_upside_down,
            ),
            Misconception(
                "code_overflows",
                "What is the exponential of 10000? What is infinity divided by infinity?",
                code_overflows,
            ),
        ],
    ),
    "rbm_free_energy": Answer(
        rbm.rbm_free_energy,
        [
            Misconception(
                "softplus_overflows",
                "For a large input the softplus is the input itself. What is yours at 10000?",
                softplus_overflows,
            ),
            Misconception(
                "softplus_capped",
                "Your guard against overflow changes the value. Should 10000 become 500?",
                softplus_capped,
            ),
            Misconception(
                "visible_bias_added",
                "A pixel with a large bias likes to be on: does that raise or lower the energy?",
                visible_bias_added,
            ),
            Misconception(
                "visible_bias_forgotten",
                "The visible units have biases too. Where do they enter?",
                visible_bias_forgotten,
            ),
            Misconception(
                "hidden_bias_forgotten",
                "A hidden unit sees more than the pixels: what else does it add up?",
                hidden_bias_forgotten,
            ),
            Misconception(
                "energy_upside_down",
                "Likely pictures have a low energy. Which have it with you?",
                energy_upside_down,
            ),
            Misconception(
                "energy_of_the_mean",
                "You put the hidden units' mean into it. All their states are to be summed over.",
                energy_of_the_mean,
            ),
            Misconception(
                "sigmoid_for_softplus",
                "The sigmoid is the slope of what is asked for here.",
                sigmoid_for_softplus,
            ),
            Misconception(
                "softplus_mirrored",
                "A unit that wants to be on lowers the energy much. Which units do it with you?",
                softplus_mirrored,
            ),
            Misconception(
                "softplus_of_the_sum",
                "Each hidden unit has a softplus of its own. What is summed first with you?",
                softplus_of_the_sum,
            ),
            Misconception(
                "mean_over_hidden_units",
                "Do twice as many hidden units give the same energy, or twice as much?",
                mean_over_hidden_units,
            ),
            Misconception(
                "summed_over_all_pictures",
                "Does a picture's energy change with you when others join the batch?",
                summed_over_all_pictures,
            ),
            Misconception(
                "relu_for_softplus",
                "Far from 0 the two curves agree. What is the softplus of 0, and what is yours?",
                relu_for_softplus,
            ),
            Misconception(
                "one_hidden_unit_at_a_time",
                "Two hidden units have four states. How many terms has your sum with two?",
                one_hidden_unit_at_a_time,
            ),
            Misconception(
                "hidden_units_all_on",
                "That is the energy of one state only, all units on. Where are the others?",
                hidden_units_all_on,
            ),
            Misconception(
                "one_number_for_all",
                "How many pictures came in, and how many energies go out?",
                one_number_for_all,
            ),
        ],
    ),
    "reconstruct": Answer(
        rbm.reconstruct,
        [
            Misconception(
                "stopped_half_way",
                "There are the hidden units. Where is the way back to the pixels?",
                stopped_half_way,
            ),
            Misconception(
                "hidden_rounded",
                "A unit at 0.51 and one at 0.99 are not the same. What do you pass on?",
                hidden_rounded,
            ),
            Misconception(
                "pixels_rounded",
                "Probabilities are asked for. Why only 0 and 1?",
                pixels_rounded,
            ),
            Misconception(
                "no_hidden_bias",
                "Which bias belongs to the way up?",
                no_hidden_bias,
            ),
            Misconception(
                "no_visible_bias",
                "Which bias belongs to the way down?",
                no_visible_bias,
            ),
            Misconception(
                "no_bias_at_all",
                "Each way has a bias of its own. Where are they?",
                no_bias_at_all,
            ),
            Misconception(
                "hidden_not_squashed",
                "Can a probability be 7? Look at the hidden units.",
                hidden_not_squashed,
            ),
            Misconception(
                "pixels_not_squashed",
                "Can a probability be below 0? Look at the pixels.",
                pixels_not_squashed,
            ),
            Misconception(
                "one_round_too_many",
                "There and back once. How often do you go?",
                one_round_too_many,
            ),
            Misconception(
                "sigmoid_overflows",
                "Infinity over infinity: for which inputs does your sigmoid come to that?",
                sigmoid_overflows,
            ),
            Misconception(
                "hidden_sampled",
                "Here nothing is left to chance: the probabilities themselves go on.",
                hidden_sampled,
            ),
        ],
    ),
    "cd1_gradients": Answer(
        rbm.cd1_gradients,
        [
            Misconception(
                "pixels_not_sampled",
                "The picture on the way back is drawn: what values can a drawn pixel have?",
                pixels_not_sampled,
            ),
            Misconception(
                "hidden_not_sampled",
                "The picture is drawn given a state of the hidden units. Is a probability a state?",
                hidden_not_sampled,
            ),
            Misconception(
                "nothing_sampled",
                "Two calls with one generator give the same. Where is chance?",
                nothing_sampled,
            ),
            Misconception(
                "last_hidden_sampled",
                "At the very end nothing is drawn any more. What stands there instead?",
                last_hidden_sampled,
            ),
            Misconception(
                "first_hidden_sampled",
                "The sample of h is for drawing the picture. What multiplies v in the formula?",
                first_hidden_sampled,
            ),
            Misconception(
                "all_hidden_sampled",
                "Which of the two products in the formula holds samples of h?",
                all_hidden_sampled,
            ),
            Misconception(
                "drawn_the_wrong_way_round",
                "Take a probability of 0.9: how often is your unit on?",
                drawn_the_wrong_way_round,
            ),
            Misconception(
                "hidden_rounded_not_drawn",
                "A unit at 0.6 is to be off in four of ten draws. And yours?",
                hidden_rounded_not_drawn,
            ),
            Misconception(
                "pixels_rounded_not_drawn",
                "A pixel at 0.6 is to be off in four of ten draws. And yours?",
                pixels_rounded_not_drawn,
            ),
            Misconception(
                "first_hidden_at_the_end",
                "The third step goes up again, from the new picture. Is that in your gradients?",
                first_hidden_at_the_end,
            ),
            Misconception(
                "drawn_hidden_at_the_end",
                "The sample of h made the new picture. What does the new picture make?",
                drawn_hidden_at_the_end,
            ),
            Misconception(
                "uphill",
                "These are to be descended. Should the data's energy fall or rise by a step?",
                uphill,
            ),
            Misconception(
                "summed",
                "Repeat every picture: should the gradient double?",
                summed,
            ),
            Misconception(
                "only_weights_averaged",
                "The weights' gradient is a mean. And those of the biases?",
                only_weights_averaged,
            ),
            Misconception(
                "only_biases_averaged",
                "The biases' gradients are means. And that of the weights?",
                only_biases_averaged,
            ),
            Misconception(
                "biases_left_out",
                "The probabilities of both layers have a second term. Where is it?",
                biases_left_out,
            ),
            Misconception(
                "hidden_bias_left_out",
                "A hidden unit has a bias. Where do you add it?",
                hidden_bias_left_out,
            ),
            Misconception(
                "visible_bias_left_out",
                "A pixel has a bias. Where do you add it?",
                visible_bias_left_out,
            ),
            Misconception(
                "two_steps",
                "How many times do you go down and up again? The name says how many are due.",
                two_steps,
            ),
            Misconception(
                "one_draw_for_all_pictures",
                "Equal pictures all become the same one. Has each a chance of its own?",
                one_draw_for_all_pictures,
            ),
            Misconception(
                "chances_overflow",
                "Infinity over infinity: for which inputs does your sigmoid come to that?",
                chances_overflow,
            ),
            Misconception(
                "last_hidden_without_the_draw",
                "The last way up begins at a picture of zeros and ones. And yours?",
                last_hidden_without_the_draw,
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
        ],
    ),
    "class_free_energy": Answer(
        class_rbm.class_free_energy,
        [
            Misconception(
                "label_bias_forgotten",
                "Some digits are more common than others. What knows that?",
                label_bias_forgotten,
            ),
            Misconception(
                "label_weights_forgotten",
                "How do the hidden units hear of the label?",
                label_weights_forgotten,
            ),
            Misconception(
                "label_outside_the_softplus",
                "A hidden unit adds up all that it hears, and then? Where does the label come in?",
                label_outside_the_softplus,
            ),
            Misconception(
                "label_bias_added",
                "A label with a large bias is a likely one: is its energy high or low?",
                label_bias_added,
            ),
            Misconception(
                "no_visible_bias_in_it",
                "One term of the plain free energy got lost: the one without hidden units.",
                no_visible_bias_in_it,
            ),
            Misconception(
                "no_hidden_bias_in_it",
                "Besides pixels and label, what does a hidden unit add up?",
                no_hidden_bias_in_it,
            ),
            Misconception(
                "label_summed_out",
                "Your energy is the same for every label. It was given for one.",
                label_summed_out,
            ),
            Misconception(
                "first_label_for_all",
                "Each picture may have a label of its own. Which do you use?",
                first_label_for_all,
            ),
            Misconception(
                "all_labels_at_once",
                "One energy for each picture: the one for its label.",
                all_labels_at_once,
            ),
            Misconception(
                "posterior_for_energy",
                "That is a probability already. Which energy did you make it from?",
                posterior_for_energy,
            ),
            Misconception(
                "label_energy_upside_down",
                "Likely pairs have a low energy. Which have it with you?",
                label_energy_upside_down,
            ),
            Misconception(
                "label_weights_subtracted",
                "A large weight to a label: do the two like to be on together with you?",
                label_weights_subtracted,
            ),
            Misconception(
                "label_in_twice",
                "The label's weights are in two of your terms. In how many do they belong?",
                label_in_twice,
            ),
            Misconception(
                "label_bias_in_the_hidden_units",
                "The label's bias is in the energy without any h. Do hidden units hear of it?",
                label_bias_in_the_hidden_units,
            ),
            Misconception(
                "softplus_of_its_own",
                "Picture and label speak to the same hidden unit. How many softplus has it?",
                softplus_of_its_own,
            ),
            Misconception(
                "labels_compared_already",
                "You compared the labels already. The energy of one of them is asked for.",
                labels_compared_already,
            ),
            Misconception(
                "label_softplus_capped",
                "Your guard against overflow changes the value. Should 10000 become 500?",
                label_softplus_capped,
            ),
            Misconception(
                "label_softplus_overflows",
                "What does your softplus give at 10000?",
                label_softplus_overflows,
            ),
        ],
    ),
}
