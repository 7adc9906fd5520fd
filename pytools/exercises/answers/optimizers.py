"""What the checks of 03_optimizers know: the references, and the wrong solutions people write.

A wrong solution is complete and plausible; its hint points at the thought that went astray and
does not say the line to write.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from pytools.exercise import Answer, Misconception
from pytools.scratch import optimizers

# --- sgd -------------------------------------------------------------------------------------


def uphill(w, grad, state, lr):
    return w + lr * grad, state


def update_for_weights(w, grad, state, lr):
    return -lr * grad, state


def weights_overwritten(w, grad, state, lr):
    w -= lr * grad
    return w, state


def length_forgotten(w, grad, state, lr):
    return w - lr * grad / (np.linalg.norm(grad) + 1e-12), state


def steps_shrink(w, grad, state, lr):
    state["t"] = state.get("t", 0) + 1
    return w - lr / state["t"] * grad, state


# --- momentum and nesterov -------------------------------------------------------------------


def _velocity(
    gain: Callable = lambda mu: 1.0,
    update: Callable = lambda v, old, grad, mu: v,
    keep: Callable = lambda v, update: {"v": v},
    sign: float = -1.0,
) -> Callable:
    """Momentum with one of its parts replaced."""

    def step(w, grad, state, lr, mu=0.9):
        old = state.get("v", 0.0)
        v = mu * old + gain(mu) * grad
        by = update(v, old, grad, mu)
        return w + sign * lr * by, keep(v, by)

    return step


def _ahead(v, old, grad, mu):
    return grad + mu * v


def _forgotten(v, update):
    return {}


velocity_lost = _velocity(keep=_forgotten)
gradient_dampened = _velocity(gain=lambda mu: 1 - mu)
old_velocity_used = _velocity(update=lambda v, old, grad, mu: old)
looks_ahead = _velocity(update=_ahead)
velocity_uphill = _velocity(sign=1.0)


def mu_fixed(w, grad, state, lr, mu=0.9):
    return optimizers.momentum(w, grad, state, lr, 0.9)


def velocity_without_gain(w, grad, state, lr, mu=0.9):
    """Only the step before is remembered."""
    v = mu * state.get("g", 0.0) + grad
    return w - lr * v, {"g": grad}


def first_gradient_overwritten(w, grad, state, lr, mu=0.9):
    """The velocity begins as the caller's own array, and the second step writes into it."""
    if "v" in state:
        state["v"] *= mu
        state["v"] += grad
    else:
        state["v"] = grad
    return w - lr * state["v"], state


def first_slope_overwritten(w, grad, state, lr, mu=0.9):
    _, state = first_gradient_overwritten(w, grad, state, lr, mu)
    return w - lr * (grad + mu * state["v"]), state


plain_momentum = _velocity()
ahead_velocity_lost = _velocity(update=_ahead, keep=_forgotten)
ahead_dampened = _velocity(gain=lambda mu: 1 - mu, update=_ahead)
jump_not_undone = _velocity(update=lambda v, old, grad, mu: (1 + mu) * v)
gradient_left_out = _velocity(update=lambda v, old, grad, mu: mu * v)
jump_remembered = _velocity(update=_ahead, keep=lambda v, update: {"v": update})


# --- adagrad ---------------------------------------------------------------------------------


def _adagrad(
    scale: Callable = lambda s, eps: np.sqrt(s) + eps,
    add: Callable = lambda s, grad: s + grad**2,
    keep: Callable = lambda s: {"s": s},
) -> Callable:
    """Adagrad with one of its parts replaced."""

    def step(w, grad, state, lr, eps=1e-10):
        s = add(state.get("s", 0.0), grad)
        return w - lr * grad / scale(s, eps), keep(s)

    return step


root_forgotten = _adagrad(scale=lambda s, eps: s + eps)
adagrad_eps_in_root = _adagrad(scale=lambda s, eps: np.sqrt(s + eps))
adagrad_eps_forgotten = _adagrad(scale=lambda s, eps: np.sqrt(s))
squares_lost = _adagrad(keep=lambda s: {})
one_rate_for_all = _adagrad(add=lambda s, grad: s + np.sum(grad**2))
squares_averaged = _adagrad(add=lambda s, grad: 0.9 * s + 0.1 * grad**2)
gradients_summed = _adagrad(
    add=lambda s, grad: s + grad, scale=lambda s, eps: np.sqrt(np.square(s)) + eps
)


# --- adam ------------------------------------------------------------------------------------


def _adam(
    correct: Callable = lambda m, v, t, b1, b2: (m / (1 - b1**t), v / (1 - b2**t)),
    scale: Callable = lambda v_hat, v, eps: np.sqrt(v_hat) + eps,
    keep: Callable = lambda t, m, v, m_hat, v_hat: {"t": t, "m": m, "v": v},
    swap: bool = False,
) -> Callable:
    """Adam with one of its parts replaced."""

    def step(w, grad, state, lr, beta1=0.9, beta2=0.999, eps=1e-8):
        if swap:
            beta1, beta2 = beta2, beta1
        t = state.get("t", 0) + 1
        m = beta1 * state.get("m", 0.0) + (1 - beta1) * grad
        v = beta2 * state.get("v", 0.0) + (1 - beta2) * grad**2
        m_hat, v_hat = correct(m, v, t, beta1, beta2)
        return w - lr * m_hat / scale(v_hat, v, eps), keep(t, m, v, m_hat, v_hat)

    return step


not_corrected = _adam(correct=lambda m, v, t, b1, b2: (m, v))
only_mean_corrected = _adam(correct=lambda m, v, t, b1, b2: (m / (1 - b1**t), v))
only_squares_corrected = _adam(correct=lambda m, v, t, b1, b2: (m, v / (1 - b2**t)))
counts_from_zero = _adam(
    correct=lambda m, v, t, b1, b2: (m / (1 - b1 ** (t - 1)), v / (1 - b2 ** (t - 1)))
)
counts_one_ahead = _adam(
    correct=lambda m, v, t, b1, b2: (m / (1 - b1 ** (t + 1)), v / (1 - b2 ** (t + 1)))
)
correction_kept_at_first = _adam(correct=lambda m, v, t, b1, b2: (m / (1 - b1), v / (1 - b2)))
corrected_twice = _adam(keep=lambda t, m, v, m_hat, v_hat: {"t": t, "m": m_hat, "v": v_hat})
memory_lost = _adam(keep=lambda t, m, v, m_hat, v_hat: {})
betas_exchanged = _adam(swap=True)
adam_eps_in_root = _adam(scale=lambda v_hat, v, eps: np.sqrt(v_hat + eps))
adam_root_forgotten = _adam(scale=lambda v_hat, v, eps: v_hat + eps)


def eps_before_correction(w, grad, state, lr, beta1=0.9, beta2=0.999, eps=1e-8):
    t = state.get("t", 0) + 1
    m = beta1 * state.get("m", 0.0) + (1 - beta1) * grad
    v = beta2 * state.get("v", 0.0) + (1 - beta2) * grad**2
    rate = lr * (1 - beta2**t) ** 0.5 / (1 - beta1**t)
    return w - rate * m / (np.sqrt(v) + eps), {"t": t, "m": m, "v": v}


# --- lbfgs_direction -------------------------------------------------------------------------


def _two_loops(
    first: Callable = reversed,
    scale: Callable = lambda s_list, y_list: (s_list[-1] @ y_list[-1]) / (y_list[-1] @ y_list[-1]),
    beta: Callable = lambda rho, s, y, q: rho * (y @ q),
    sign: float = -1.0,
) -> Callable:
    """The two-loop recursion with one of its parts replaced."""

    def direction(grad, s_list, y_list):
        q, alphas = grad, {}
        for i in first(range(len(s_list))):
            alphas[i] = (s_list[i] @ q) / (s_list[i] @ y_list[i])
            q = q - alphas[i] * y_list[i]
        if s_list:
            q = q * scale(s_list, y_list)
        for i in reversed(list(first(range(len(s_list))))):
            s, y = s_list[i], y_list[i]
            q = q + s * (alphas[i] - beta(1 / (s @ y), s, y, q))
        return sign * q

    return direction


points_uphill = _two_loops(sign=1.0)
scale_forgotten = _two_loops(scale=lambda s_list, y_list: 1.0)
scale_of_oldest = _two_loops(
    scale=lambda s_list, y_list: (s_list[0] @ y_list[0]) / (y_list[0] @ y_list[0])
)
scale_upside_down = _two_loops(
    scale=lambda s_list, y_list: (y_list[-1] @ y_list[-1]) / (s_list[-1] @ y_list[-1])
)
oldest_taken_first = _two_loops(first=lambda indices: indices)
beta_left_out = _two_loops(beta=lambda rho, s, y, q: 0.0)


def both_loops_backwards(grad, s_list, y_list):
    pairs = list(zip(s_list, y_list, strict=True))[::-1]
    q, alphas = grad, []
    for s, y in pairs:
        alphas.append((s @ q) / (s @ y))
        q = q - alphas[-1] * y
    if pairs:
        s, y = pairs[0]
        q = q * (s @ y) / (y @ y)
    for (s, y), alpha in zip(pairs, alphas, strict=True):
        q = q + s * (alpha - (y @ q) / (s @ y))
    return -q


def last_pair_only(grad, s_list, y_list):
    return optimizers.lbfgs_direction(grad, s_list[-1:], y_list[-1:])


def gradient_overwritten(grad, s_list, y_list):
    direction = optimizers.lbfgs_direction(grad.copy(), s_list, y_list)
    for s, y in list(zip(s_list, y_list, strict=True))[::-1]:
        grad -= (s @ grad) / (s @ y) * y
    return direction


# --- minimize --------------------------------------------------------------------------------


def losses_after_steps(feval, w, step, num_steps):
    state, losses = {}, []
    for _ in range(num_steps):
        w, state = step(w, feval(w)[1], state)
        losses.append(feval(w)[0])
    return w, losses


def one_loss_too_many(feval, w, step, num_steps):
    w, losses = optimizers.minimize(feval, w, step, num_steps)
    return w, [*losses, feval(w)[0]]


def state_forgotten(feval, w, step, num_steps):
    losses = []
    for _ in range(num_steps):
        loss, grad = feval(w)
        losses.append(loss)
        w, _ = step(w, grad, {})
    return w, losses


def returned_state_dropped(feval, w, step, num_steps):
    state, losses = {}, []
    for _ in range(num_steps):
        loss, grad = feval(w)
        losses.append(loss)
        w, _ = step(w, grad, state)
    return w, losses


def always_from_the_start(feval, w, step, num_steps):
    state, losses, start = {}, [], w
    for _ in range(num_steps):
        loss, grad = feval(start)
        losses.append(loss)
        w, state = step(start, grad, state)
    return w, losses


def gradient_of_the_start(feval, w, step, num_steps):
    state, losses = {}, []
    _, grad = feval(w)
    for _ in range(num_steps):
        losses.append(feval(w)[0])
        w, state = step(w, grad, state)
    return w, losses


def best_for_last(feval, w, step, num_steps):
    state, losses, best, lowest = {}, [], w, np.inf
    for _ in range(num_steps):
        loss, grad = feval(w)
        losses.append(loss)
        w, state = step(w, grad, state)
        if feval(w)[0] < lowest:
            best, lowest = w, feval(w)[0]
    return best, losses


def stops_when_level(feval, w, step, num_steps):
    state, losses = {}, []
    for _ in range(num_steps):
        loss, grad = feval(w)
        losses.append(loss)
        if np.linalg.norm(grad) < 1e-8:
            break
        w, state = step(w, grad, state)
    return w, losses


# --- layer_learning_rates --------------------------------------------------------------------


def unlisted_dropped(names, base_lr, multipliers):
    return {name: base_lr * multipliers[name] for name in names if name in multipliers}


def unlisted_frozen(names, base_lr, multipliers):
    return {name: base_lr * multipliers.get(name, 0.0) for name in names}


def multiplier_for_rate(names, base_lr, multipliers):
    return {name: multipliers.get(name, base_lr) for name in names}


def names_that_begin_alike(names, base_lr, multipliers):
    rates = dict.fromkeys(names, base_lr)
    for name in names:
        for prefix, times in multipliers.items():
            if name.startswith(prefix):
                rates[name] = base_lr * times
    return rates


def zero_taken_for_missing(names, base_lr, multipliers):
    return {name: base_lr * (multipliers.get(name) or 1.0) for name in names}


def base_compounded(names, base_lr, multipliers):
    rates = {}
    for name in names:
        base_lr = base_lr * multipliers.get(name, 1.0)
        rates[name] = base_lr
    return rates


def layers_made_up(names, base_lr, multipliers):
    rates = dict.fromkeys(names, base_lr)
    for name, times in multipliers.items():
        rates[name] = base_lr * times
    return rates


CARRIED = "What does your second step know of the first? Look at what you hand back as state."

ANSWERS = {
    "sgd": Answer(
        optimizers.sgd,
        [
            Misconception(
                "uphill",
                "The gradient points where the loss grows. Which way do you want to go?",
                uphill,
            ),
            Misconception(
                "update_for_weights",
                "You give back how far the weights move. Where do they stand afterwards?",
                update_for_weights,
            ),
            Misconception(
                "weights_overwritten",
                "Your caller still holds the old weights, and finds other numbers in them now.",
                weights_overwritten,
            ),
            Misconception(
                "length_forgotten",
                "Where the slope is twice as steep, plain descent goes twice as far. Does yours?",
                length_forgotten,
            ),
            Misconception(
                "steps_shrink",
                "Nobody asked for smaller steps: whoever calls you decides about the rate.",
                steps_shrink,
            ),
        ],
    ),
    "minimize": Answer(
        optimizers.minimize,
        [
            Misconception(
                "losses_after_steps",
                "The first loss to write down is that of the weights that you were given.",
                losses_after_steps,
            ),
            Misconception(
                "one_loss_too_many",
                "Count your losses: one for each step, taken before it.",
                one_loss_too_many,
            ),
            Misconception(
                "state_forgotten",
                "An optimiser with a memory needs it back at the next step. Do you hand it on?",
                state_forgotten,
            ),
            Misconception(
                "returned_state_dropped",
                "Some optimisers hand back a new state and leave the old one as it was.",
                returned_state_dropped,
            ),
            Misconception(
                "always_from_the_start",
                "From which weights does your second step set out?",
                always_from_the_start,
            ),
            Misconception(
                "gradient_of_the_start",
                "The slope under your feet changes as you walk. When do you ask for it?",
                gradient_of_the_start,
            ),
            Misconception(
                "best_for_last",
                "What is asked for is where the last step led, also where it led uphill.",
                best_for_last,
            ),
            Misconception(
                "stops_when_level",
                "You were told how many steps to take, and how many losses to bring back.",
                stops_when_level,
            ),
        ],
    ),
    "momentum": Answer(
        optimizers.momentum,
        [
            Misconception("velocity_lost", CARRIED, velocity_lost),
            Misconception(
                "gradient_dampened",
                "Compare your first step with one of plain descent: here they are equal.",
                gradient_dampened,
            ),
            Misconception(
                "old_velocity_used",
                "Is the gradient of this step in the velocity that you move by?",
                old_velocity_used,
            ),
            Misconception(
                "looks_ahead",
                "You add the gradient once more on top of the velocity: that is Nesterov's step.",
                looks_ahead,
            ),
            Misconception(
                "velocity_uphill",
                "The velocity is a sum of gradients, and gradients point uphill.",
                velocity_uphill,
            ),
            Misconception(
                "mu_fixed",
                "Your caller may choose mu. Do you use it?",
                mu_fixed,
            ),
            Misconception(
                "first_gradient_overwritten",
                "Whose array is your velocity after the first step, and who writes into it next?",
                first_gradient_overwritten,
            ),
            Misconception(
                "velocity_without_gain",
                "A ball that rolls keeps all of its past pushes, not only the last one.",
                velocity_without_gain,
            ),
        ],
    ),
    "nesterov": Answer(
        optimizers.nesterov,
        [
            Misconception(
                "plain_momentum",
                "Which of the two velocities, before or after this gradient, is looked ahead with?",
                plain_momentum,
            ),
            Misconception(
                "first_slope_overwritten",
                "Whose array is your velocity after the first step, and who writes into it next?",
                first_slope_overwritten,
            ),
            Misconception("ahead_velocity_lost", CARRIED, ahead_velocity_lost),
            Misconception(
                "ahead_dampened",
                "With which weight does a new gradient enter the velocity?",
                ahead_dampened,
            ),
            Misconception(
                "jump_not_undone",
                "You move by the velocity and then look ahead from there: the jump is made anew "
                "at each step and never taken back.",
                jump_not_undone,
            ),
            Misconception(
                "gradient_left_out",
                "Two terms make the step. Is the gradient itself one of yours?",
                gradient_left_out,
            ),
            Misconception(
                "jump_remembered",
                "The look ahead serves this step only. What do you put into the state?",
                jump_remembered,
            ),
        ],
    ),
    "adagrad": Answer(
        optimizers.adagrad,
        [
            Misconception(
                "root_forgotten",
                "Multiply all gradients by 10: the first step should stay what it is.",
                root_forgotten,
            ),
            Misconception(
                "eps_in_root",
                "Where exactly does eps stand: under the root or beside it?",
                adagrad_eps_in_root,
            ),
            Misconception(
                "eps_forgotten",
                "What does your quotient give for a weight whose gradient has always been 0?",
                adagrad_eps_forgotten,
            ),
            Misconception("squares_lost", CARRIED, squares_lost),
            Misconception(
                "one_rate_for_all",
                "Each weight has a history of its own. Do yours share one?",
                one_rate_for_all,
            ),
            Misconception(
                "squares_averaged",
                "Adagrad forgets nothing: its squares are added up, not averaged.",
                squares_averaged,
            ),
            Misconception(
                "gradients_summed",
                "A gradient of +1 and one of -1 do not cancel here. When is the square taken?",
                gradients_summed,
            ),
        ],
    ),
    "adam": Answer(
        optimizers.adam,
        [
            Misconception(
                "not_corrected",
                "Both averages start at 0. How much too small are they after one step?",
                not_corrected,
            ),
            Misconception(
                "only_mean_corrected",
                "One average starts at 0, and so does the other.",
                only_mean_corrected,
            ),
            Misconception(
                "only_squares_corrected",
                "One average starts at 0, and so does the other.",
                only_squares_corrected,
            ),
            Misconception(
                "counts_from_zero",
                "What is the number of the first step, and what does the correction divide by?",
                counts_from_zero,
            ),
            Misconception(
                "counts_one_ahead",
                "After the first step one gradient has been averaged. How many do you count?",
                counts_one_ahead,
            ),
            Misconception(
                "correction_kept_at_first",
                "The correction fades as the averages fill. Does yours know which step it is?",
                correction_kept_at_first,
            ),
            Misconception(
                "corrected_twice",
                "The corrected averages are for this step. Which ones do you carry on with?",
                corrected_twice,
            ),
            Misconception("memory_lost", CARRIED, memory_lost),
            Misconception(
                "betas_exchanged",
                "Which of the two averages remembers longer, that of the gradients or of squares?",
                betas_exchanged,
            ),
            Misconception(
                "eps_in_root",
                "Where exactly does eps stand: under the root or beside it?",
                adam_eps_in_root,
            ),
            Misconception(
                "eps_before_correction",
                "Is eps added to the root of the corrected average, or of the other one?",
                eps_before_correction,
            ),
            Misconception(
                "root_forgotten",
                "Multiply all gradients by 10: the steps should stay what they are.",
                adam_root_forgotten,
            ),
        ],
    ),
    "lbfgs_direction": Answer(
        optimizers.lbfgs_direction,
        [
            Misconception(
                "points_uphill",
                "Before there are any pairs, which way do you go?",
                points_uphill,
            ),
            Misconception(
                "scale_forgotten",
                "Something happens between the two loops: how long is a step before any pair?",
                scale_forgotten,
            ),
            Misconception(
                "scale_of_oldest",
                "Which pair knows best how the ground is curved here: the first or the last?",
                scale_of_oldest,
            ),
            Misconception(
                "scale_upside_down",
                "Where the ground is strongly curved, should the step be longer or shorter?",
                scale_upside_down,
            ),
            Misconception(
                "oldest_taken_first",
                "The first loop undoes the updates of H: which one was put on last?",
                oldest_taken_first,
            ),
            Misconception(
                "both_loops_backwards",
                "The second loop walks back the way that the first one came.",
                both_loops_backwards,
            ),
            Misconception(
                "beta_left_out",
                "Each turn of the second loop looks at what it has so far. Does yours?",
                beta_left_out,
            ),
            Misconception(
                "last_pair_only",
                "All the pairs have something to say. How many do you listen to?",
                last_pair_only,
            ),
            Misconception(
                "gradient_overwritten",
                "The loops work on a vector of their own; your caller needs the gradient again.",
                gradient_overwritten,
            ),
        ],
    ),
    "layer_learning_rates": Answer(
        optimizers.layer_learning_rates,
        [
            Misconception(
                "unlisted_dropped",
                "A layer without a multiplier still learns: what is its rate?",
                unlisted_dropped,
            ),
            Misconception(
                "unlisted_frozen",
                "A rate of 0 means that a layer never learns. Who asked for that?",
                unlisted_frozen,
            ),
            Misconception(
                "multiplier_for_rate",
                "A multiplier of 10 is no rate of 10: what does it multiply?",
                multiplier_for_rate,
            ),
            Misconception(
                "names_that_begin_alike",
                "Is conv10 the same layer as conv1?",
                names_that_begin_alike,
            ),
            Misconception(
                "zero_taken_for_missing",
                "A multiplier of 0 is a multiplier: it freezes the layer.",
                zero_taken_for_missing,
            ),
            Misconception(
                "base_compounded",
                "The base rate is one number for all layers. Does it change while you go through?",
                base_compounded,
            ),
            Misconception(
                "layers_made_up",
                "Your answer speaks of a layer that the net does not have.",
                layers_made_up,
            ),
        ],
    ),
}
