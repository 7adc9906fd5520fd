"""A right optimiser passes however it is written: what it keeps in its state is its own affair."""

from collections import OrderedDict, deque

import numpy as np
import pytest
import torch
from scipy.sparse.linalg import LinearOperator

from pytools import CheckFailed, check

# --- steps -----------------------------------------------------------------------------------


def in_plain_loops(w, grad, state, lr):
    new = np.empty(w.shape)
    for index in np.ndindex(w.shape):
        new[index] = w[index] - lr * grad[index]
    return new.tolist(), None


def on_its_own_copy(w, grad, state, lr):
    w = w.copy()
    w -= lr * grad
    return [w, state]


def with_the_rate_in_the_velocity(w, grad, state, lr, mu=0.9):
    """As in Sutskever et al. (2013): for a constant rate it is the same path."""
    state["v"] = mu * state.get("v", np.zeros_like(w)) - lr * grad
    return w + state["v"], state


def in_single_precision(w, grad, state, lr, mu=0.9):
    v = np.float32(mu) * state.get("v", np.float32(0)) + grad.astype(np.float32)
    return w.astype(np.float32) - np.float32(lr) * v, {"v": v}


def velocity_from_the_first_gradient(w, grad, state, lr, mu=0.9):
    if "velocity" not in state:
        state["velocity"] = np.array(grad)
    else:
        state["velocity"] *= mu
        state["velocity"] += grad
    return w - lr * state["velocity"], state


def velocity_that_is_the_gradient_at_first(w, grad, state, lr, mu=0.9):
    """The state shares memory with the first gradient, and nothing is changed in place."""
    v = mu * state["v"] + grad if state else grad
    return w - lr * v, {"v": v}


def all_gradients_kept(w, grad, state, lr, mu=0.9):
    """No velocity at all: the sum is taken anew, and the state is a tuple."""
    grads = (*state, grad) if state else (grad,)
    return w - lr * sum(mu**k * g for k, g in enumerate(reversed(grads))), grads


def ahead_by_two_velocities(w, grad, state, lr, mu=0.9):
    """The rearranged form: back by the old velocity, forward by the new one."""
    old = state.get("v", 0)
    state["v"] = mu * old - lr * grad
    return w - mu * old + (1 + mu) * state["v"], state


def ahead_from_a_hidden_point(w, grad, state, lr, mu=0.9):
    """Nesterov's own form: the point behind w is kept, w itself is the look ahead."""
    behind, v = state or (w, 0)
    v = mu * v - lr * grad
    behind = behind + v
    return behind + mu * v, (behind, v)


def by_torch(make):
    """The optimiser of torch.optim, kept in the state with a parameter of its own."""

    def step(w, grad, state, lr, **hyper):
        if not state:
            state["w"] = torch.nn.Parameter(torch.tensor(w))
            state["optimizer"] = make([state["w"]], lr, hyper)
        state["w"].grad = torch.tensor(grad)
        state["optimizer"].step()
        return state["w"].detach(), state

    step.__name__ = f"by_torch_{make.__name__}"
    return step


def sgd(params, lr, hyper):
    return torch.optim.SGD(params, lr=lr)


def momentum(params, lr, hyper):
    return torch.optim.SGD(params, lr=lr, momentum=hyper.get("mu", 0.9))


def nesterov(params, lr, hyper):
    mu = hyper.get("mu", 0.9)
    return torch.optim.SGD(params, lr=lr, momentum=mu, nesterov=mu > 0)


def adagrad(params, lr, hyper):
    return torch.optim.Adagrad(params, lr=lr, **hyper)


def adam(params, lr, hyper):
    betas = hyper.get("beta1", 0.9), hyper.get("beta2", 0.999)
    return torch.optim.Adam(params, lr=lr, betas=betas, eps=hyper.get("eps", 1e-8))


class Memory:
    """A state that is an object."""

    def __init__(self, w):
        self.s = np.zeros_like(w)


def squares_in_an_object(w, grad, state, lr, eps=1e-10):
    state = state or Memory(w)
    state.s += np.square(grad)
    return w - lr * np.divide(grad, np.sqrt(state.s) + eps), state


def adagrad_in_single_precision(w, grad, state, lr, eps=1e-10):
    grad = np.float32(grad)
    s = state.get("s", np.zeros_like(grad)) + grad * grad
    return np.float32(w) - np.float32(lr) * grad / (np.sqrt(s) + np.float32(eps)), {"s": s}


def adam_with_all_gradients(w, grad, state, lr, beta1=0.9, beta2=0.999, eps=1e-8):
    """The averages as weighted means of all gradients: no correction needs to be thought of."""
    state.setdefault("grads", []).append(grad.copy())
    grads = np.stack(state["grads"])
    powers = np.arange(len(grads))[::-1]
    m = np.average(grads, axis=0, weights=float(beta1) ** powers)
    v = np.average(grads**2, axis=0, weights=float(beta2) ** powers)
    return w - lr * m / (v**0.5 + eps), state


def adam_as_torch_writes_it(w, grad, state, lr, beta1=0.9, beta2=0.999, eps=1e-8):
    if not state:
        state.update(t=0, m=np.zeros(w.shape), v=np.zeros(w.shape))
    state["t"] += 1
    state["m"] += (1 - beta1) * (grad - state["m"])
    state["v"] *= beta2
    state["v"] += (1 - beta2) * grad * grad
    correction = np.sqrt(1 - beta2 ** state["t"])
    size = lr / (1 - beta1 ** state["t"])
    return w - size * state["m"] / (np.sqrt(state["v"]) / correction + eps), state


def adam_in_single_precision(w, grad, state, lr, beta1=0.9, beta2=0.999, eps=1e-8):
    one, b1, b2 = np.float32(1), np.float32(beta1), np.float32(beta2)
    grad = grad.astype(np.float32)
    t, m, v = state.get("t", 0) + 1, state.get("m", one * 0), state.get("v", one * 0)
    m, v = b1 * m + (one - b1) * grad, b2 * v + (one - b2) * grad**2
    m_hat, v_hat = m / (one - b1**t), v / (one - b2**t)
    new = w.astype(np.float32) - np.float32(lr) * m_hat / (np.sqrt(v_hat) + np.float32(eps))
    return new, {"t": t, "m": m, "v": v}


# --- lbfgs_direction -------------------------------------------------------------------------


def by_the_dense_matrix(grad, s_list, y_list):
    """H itself, updated pair by pair: BFGS (Nocedal & Wright, 2006, equation 6.17)."""
    eye = np.eye(len(grad))
    h = eye * (s_list[-1] @ y_list[-1] / (y_list[-1] @ y_list[-1])) if len(s_list) else eye
    for s, y in zip(s_list, y_list, strict=True):
        rho = 1 / (s @ y)
        left = eye - rho * np.outer(s, y)
        h = left @ h @ left.T + rho * np.outer(s, s)
    return -(h @ grad)


def by_recursion(grad, s_list, y_list):
    def apply(q, k, scale):
        if k == 0:
            return scale * q
        s, y = s_list[k - 1], y_list[k - 1]
        alpha = (s @ q) / (s @ y)
        r = apply(q - alpha * y, k - 1, scale)
        return r + s * (alpha - (y @ r) / (s @ y))

    scale = s_list[-1] @ y_list[-1] / (y_list[-1] @ y_list[-1]) if s_list else 1
    return list(apply(-grad, len(s_list), scale))


def with_arrays_and_a_queue(grad, s_list, y_list):
    s, y, q = np.array(s_list), np.array(y_list), -np.asarray(grad)
    alphas = deque()
    for i in range(len(s) - 1, -1, -1):
        alphas.appendleft(s[i].dot(q) / y[i].dot(s[i]))
        q -= alphas[0] * y[i]
    if len(s):
        q *= y[-1].dot(s[-1]) / y[-1].dot(y[-1])
    for i, alpha in enumerate(alphas):
        q += s[i] * (alpha - y[i].dot(q) / y[i].dot(s[i]))
    return q


def as_an_operator(grad, s_list, y_list):
    n = len(grad)
    return LinearOperator((n, n), lambda q: by_recursion(q, s_list, y_list)) @ grad


def direction_in_single_precision(grad, s_list, y_list):
    s_list, y_list = ([a.astype(np.float32) for a in pairs] for pairs in (s_list, y_list))
    return np.float32(by_recursion(grad.astype(np.float32), s_list, y_list))


# --- minimize and layer_learning_rates -------------------------------------------------------


def with_a_while_loop(feval, w, step, num_steps):
    losses, state = [], {}
    while len(losses) < num_steps:
        loss, grad = feval(w)
        losses.append(loss)
        w, state = step(w, grad, state)
    return [w, tuple(losses)]


def asking_twice(feval, w, step, num_steps):
    """Loss and gradient by two calls of the closure: slow, not wrong."""
    points, state = [w.copy()], {}
    for _ in range(num_steps):
        new, state = step(points[-1], feval(points[-1])[1], state)
        points.append(new)
    return points[-1], np.array([feval(point)[0] for point in points[:-1]])


def by_recursing(feval, w, step, num_steps, state=None):
    if num_steps == 0:
        return w, []
    loss, grad = feval(w)
    w, state = step(w, grad, {} if state is None else state)
    w, losses = by_recursing(feval, w, step, num_steps - 1, state)
    return w, [loss, *losses]


def by_a_loop(names, base_lr, multipliers):
    rates = OrderedDict()
    for name in reversed(names):
        rates[name] = base_lr
        if name in multipliers:
            rates[name] = np.float64(base_lr * multipliers[name])
    return rates


def in_single_precision_too(names, base_lr, multipliers):
    return {n: torch.tensor(base_lr * multipliers.get(n, 1)) for n in names}


RIGHT = [
    ("sgd", in_plain_loops),
    ("sgd", on_its_own_copy),
    ("sgd", by_torch(sgd)),
    ("momentum", with_the_rate_in_the_velocity),
    ("momentum", in_single_precision),
    ("momentum", velocity_from_the_first_gradient),
    ("momentum", velocity_that_is_the_gradient_at_first),
    ("momentum", all_gradients_kept),
    ("momentum", by_torch(momentum)),
    ("nesterov", ahead_by_two_velocities),
    ("nesterov", ahead_from_a_hidden_point),
    ("nesterov", by_torch(nesterov)),
    ("adagrad", squares_in_an_object),
    ("adagrad", adagrad_in_single_precision),
    ("adagrad", by_torch(adagrad)),
    ("adam", adam_with_all_gradients),
    ("adam", adam_as_torch_writes_it),
    ("adam", adam_in_single_precision),
    ("adam", by_torch(adam)),
    ("lbfgs_direction", by_the_dense_matrix),
    ("lbfgs_direction", by_recursion),
    ("lbfgs_direction", with_arrays_and_a_queue),
    ("lbfgs_direction", as_an_operator),
    ("lbfgs_direction", direction_in_single_precision),
    ("minimize", with_a_while_loop),
    ("minimize", asking_twice),
    ("minimize", by_recursing),
    ("layer_learning_rates", by_a_loop),
    ("layer_learning_rates", in_single_precision_too),
]


@pytest.mark.parametrize("function, attempt", RIGHT, ids=[f.__name__ for _, f in RIGHT])
def test_right_solution_gets_every_point(function, attempt, capsys):
    for seed in range(20):
        earned = check(f"optimizers.{function}", attempt, points=4, seed=seed)
        assert earned == 4.0, capsys.readouterr().out


# --- wrong ones, and what is said of them ----------------------------------------------------


def keeps_the_gradients_and_scales_them(w, grad, state, lr, mu=0.9):
    """The right path, but every step writes into the gradients of the steps before."""
    grads = state.setdefault("grads", [])
    for old in grads:
        old *= mu
    grads.append(grad)
    return w - lr * sum(grads), state


def keeps_the_weights_and_writes_into_them(w, grad, state, lr):
    if "w" not in state:
        return w - lr * grad, {"w": w}
    np.copyto(state["w"], w)
    state["w"] -= lr * grad
    return state["w"].copy(), state


@pytest.mark.parametrize(
    "function, attempt, name",
    [
        ("momentum", keeps_the_gradients_and_scales_them, "grads"),
        ("sgd", keeps_the_weights_and_writes_into_them, "w"),
    ],
)
def test_an_input_that_is_changed_by_a_later_step_is_found(function, attempt, name):
    with pytest.raises(CheckFailed, match=f"changed its input {name}"):
        check(f"optimizers.{function}", attempt)


def without_the_second_layer(names, base_lr, multipliers):
    return {n: base_lr * multipliers.get(n, 1) for n in names if n != "conv2"}


def with_a_layer_too_many(names, base_lr, multipliers):
    return {n: base_lr * multipliers.get(n, 1) for n in [*names, "fc9"]}


@pytest.mark.parametrize(
    "attempt, said",
    [
        (without_the_second_layer, "layer 'conv2' has a rate: False, not True"),
        (with_a_layer_too_many, "names that are no layer of the net: 1, not 0"),
    ],
)
def test_a_layer_too_few_or_too_many_is_named(attempt, said):
    with pytest.raises(CheckFailed, match=said):
        check("optimizers.layer_learning_rates", attempt)
