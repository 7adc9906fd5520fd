"""What the checks of 05_lstm know: the references, and the wrong solutions people write.

A wrong solution is complete and plausible; its hint points at the thought that went astray and
does not say the line to write.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from pytools.exercise import Answer, Misconception
from pytools.scratch import lstm, reach, rnn, writing


def _sigmoid(z):
    return 0.5 * np.tanh(0.5 * z) + 0.5


# --- rnn_step --------------------------------------------------------------------------------


def bias_forgotten(x, h, wx, wh, b):
    return np.tanh(x @ wx + h @ wh), None


def memory_forgotten(x, h, wx, wh, b):
    return np.tanh(x @ wx + b), None


def not_squashed(x, h, wx, wh, b):
    return x @ wx + h @ wh + b, None


def logistic_for_tanh(x, h, wx, wh, b):
    return _sigmoid(x @ wx + h @ wh + b), None


def memory_outside_tanh(x, h, wx, wh, b):
    return np.tanh(x @ wx + b) + h @ wh, None


def added_to_the_old(x, h, wx, wh, b):
    return h + np.tanh(x @ wx + h @ wh + b), None


def recurrence_turned(x, h, wx, wh, b):
    return np.tanh(x @ wx + h @ wh.T + b), None


def entry_by_entry(x, h, wx, wh, b):
    return np.tanh(x @ wx + h * wh + b), None


# --- rnn_step_backward -----------------------------------------------------------------------


def _rnn_back(
    slope: Callable = lambda cache: 1 - cache["h_next"] ** 2,
    reduce: Callable = lambda a, n: a,
    through: Callable = lambda dz, wh: dz @ wh.T,
    memory: str = "h",
    arriving: Callable = lambda grad: grad,
) -> tuple[Callable, Callable]:
    """The pair, with one part of the way back replaced."""

    def forward(x, h, wx, wh, b):
        z = x @ wx + h @ wh + b
        cache = {"x": x, "h": h, "wx": wx, "wh": wh, "z": z, "h_next": np.tanh(z)}
        return cache["h_next"], cache

    def backward(grad, cache):
        dz = arriving(grad) * slope(cache)
        n = len(dz)
        gwx, gwh = cache["x"].T @ dz, cache[memory].T @ dz
        gx, gh = dz @ cache["wx"].T, through(dz, cache["wh"])
        return gx, gh, reduce(gwx, n), reduce(gwh, n), reduce(dz.sum(axis=0), n)

    return forward, backward


slope_forgotten = _rnn_back(slope=lambda cache: 1.0)
slope_of_the_sum = _rnn_back(slope=lambda cache: 1 - cache["z"] ** 2)
tanh_taken_again = _rnn_back(slope=lambda cache: 1 - np.tanh(cache["h_next"]) ** 2)
slope_of_old_state = _rnn_back(slope=lambda cache: 1 - cache["h"] ** 2)
logistic_slope = _rnn_back(slope=lambda cache: cache["h_next"] * (1 - cache["h_next"]))
averaged = _rnn_back(reduce=lambda a, n: a / n)
same_way_back = _rnn_back(through=lambda dz, wh: dz @ wh)
new_state_for_old = _rnn_back(memory="h_next")
slope_not_squared = _rnn_back(slope=lambda cache: 1 - cache["h_next"])
gradient_ignored = _rnn_back(arriving=np.ones_like)


def _beside_the_cache(forward: Callable, backward: Callable) -> tuple[Callable, Callable]:
    """The pair, with what it keeps in a place of its own: each forward overwrites the last."""
    kept = []

    def keeping(*args):
        *states, cache = forward(*args)
        kept[:] = [cache]
        return *states, None

    return keeping, lambda *args: backward(*args[:-1], kept[0])


beside_the_cache = _beside_the_cache(rnn.rnn_step, rnn.rnn_step_backward)


# --- lstm_step -------------------------------------------------------------------------------


def _cell(
    order: tuple[int, ...] = (0, 1, 2, 3),
    peeps: tuple[int, ...] = (0, 1, 2),
    seen_by_o: Callable = lambda c, c_next: c_next,
    candidate: Callable = np.tanh,
    keep: Callable = lambda i, f: f,
    let_in: Callable = lambda i, f: i,
    gate: Callable = _sigmoid,
    shown: Callable = np.tanh,
    bias: float = 1.0,
    looks: tuple[float, ...] = (1.0, 1.0, 1.0),
    stored: Callable = lambda c_next: c_next,
) -> Callable:
    """An LSTM step with one part replaced."""

    def step(x, h, c, params):
        z = np.split(x @ params["wx"] + h @ params["wh"] + bias * params["b"], 4, axis=1)
        zi, zf, zg, zo = (z[k] for k in order)
        to_i, to_f, to_o = (looks[k] * params["peep"][k] for k in peeps)
        i, f = gate(zi + to_i * c), gate(zf + to_f * c)
        c_next = keep(i, f) * c + let_in(i, f) * candidate(zg)
        o = gate(zo + to_o * seen_by_o(c, c_next))
        return o * shown(c_next), stored(c_next), None

    return step


peepholes_forgotten = _cell(looks=(0.0, 0.0, 0.0))
o_peephole_forgotten = _cell(looks=(1.0, 1.0, 0.0))
output_sees_old_cell = _cell(seen_by_o=lambda c, c_next: c)
output_before_candidate = _cell(order=(0, 1, 3, 2))
forget_gate_first = _cell(order=(1, 0, 2, 3))
candidate_second = _cell(order=(0, 2, 1, 3))
peepholes_exchanged = _cell(peeps=(0, 2, 1))
candidate_logistic = _cell(candidate=_sigmoid)
cell_shown_raw = _cell(shown=lambda c: c)
gates_tied = _cell(keep=lambda i, f: 1 - i)
gates_exchanged = _cell(keep=lambda i, f: i, let_in=lambda i, f: f)
gates_squashed_by_tanh = _cell(gate=np.tanh)
gates_too_steep = _cell(gate=lambda z: 0.5 * np.tanh(z) + 0.5)
old_cell_kept_whole = _cell(keep=lambda i, f: 1.0)
lstm_bias_forgotten = _cell(bias=0.0)
squashed_cell_stored = _cell(shown=lambda c: np.tanh(c), stored=np.tanh)


def cell_overwritten(x, h, c, params):
    z = x @ params["wx"] + h @ params["wh"] + params["b"]
    zi, zf, zg, zo = np.split(z, 4, axis=1)
    to_i, to_f, to_o = params["peep"]
    i, f = _sigmoid(zi + to_i * c), _sigmoid(zf + to_f * c)
    c *= f
    c += i * np.tanh(zg)
    return _sigmoid(zo + to_o * c) * np.tanh(c), c, None


# --- lstm_step_backward ----------------------------------------------------------------------


def _lstm_back(
    into_cell: Callable = lambda grad_c, shown, slope: grad_c + shown * slope,
    by_peephole: float = 1.0,
    cell_slope: Callable = lambda t, c_next: 1 - t**2,
    squashed: Callable = np.tanh,
    order: tuple[int, ...] = (0, 1, 2, 3),
    kept: str = "c",
    memory: str = "h",
    gate_slope: Callable = lambda s: s * (1 - s),
    candidate_slope: Callable = lambda g: 1 - g**2,
    on_to_c: Callable = lambda dc, f, peeps: dc * f + peeps,
    peep_of_o: str = "c_next",
    peep_scale: float = 1.0,
    reduce: Callable = lambda a, n: a,
) -> tuple[Callable, Callable]:
    """The pair, with one part of the way back replaced."""

    def backward(grad_h, grad_c, cache):
        x, h, c, params, i, f, g, o, c_next, tanh_c = cache
        to_i, to_f, to_o = params["peep"]
        n = len(x)
        cells, states = {"c": c, "c_next": c_next}, {"h": h, "h_next": o * tanh_c}
        dzo = grad_h * squashed(c_next) * gate_slope(o)
        dc = into_cell(grad_c, grad_h * o, cell_slope(tanh_c, c_next)) + by_peephole * dzo * to_o
        dzi, dzf = dc * g * gate_slope(i), dc * cells[kept] * gate_slope(f)
        dzg = dc * i * candidate_slope(g)
        parts = dzi, dzf, dzg, dzo
        dz = np.concatenate([parts[k] for k in order], axis=1)
        seen = [(dzi, c), (dzf, c), (dzo, cells[peep_of_o])]
        gparams = {
            "wx": reduce(x.T @ dz, n),
            "wh": reduce(states[memory].T @ dz, n),
            "b": reduce(dz.sum(axis=0), n),
            "peep": peep_scale * reduce(np.stack([(d * v).sum(axis=0) for d, v in seen]), n),
        }
        gc = on_to_c(dc, f, dzi * to_i + dzf * to_f)
        return dz @ params["wx"].T, dz @ params["wh"].T, gc, gparams

    return lstm.lstm_step, backward


grad_c_ignored = _lstm_back(into_cell=lambda grad_c, shown, slope: shown * slope)
o_peephole_not_followed = _lstm_back(by_peephole=0.0)
old_peepholes_not_followed = _lstm_back(on_to_c=lambda dc, f, peeps: dc * f)
no_peephole_followed = _lstm_back(on_to_c=lambda dc, f, peeps: dc * f, by_peephole=0.0)
forget_gate_skipped = _lstm_back(on_to_c=lambda dc, f, peeps: dc + peeps)
cell_slope_forgotten = _lstm_back(cell_slope=lambda t, c_next: 1.0)
gate_slope_forgotten = _lstm_back(gate_slope=lambda s: 1.0)
candidate_slope_of_a_gate = _lstm_back(candidate_slope=lambda g: g * (1 - g))
o_peephole_from_old_cell = _lstm_back(peep_of_o="c")
peepholes_not_learnt = _lstm_back(peep_scale=0.0)
lstm_averaged = _lstm_back(reduce=lambda a, n: a / n)
tanh_of_tanh = _lstm_back(cell_slope=lambda t, c_next: 1 - np.tanh(t) ** 2)
slope_of_the_raw_cell = _lstm_back(cell_slope=lambda t, c_next: 1 - c_next**2)
slope_for_both = _lstm_back(into_cell=lambda grad_c, shown, slope: (grad_c + shown) * slope)
raw_cell_for_o = _lstm_back(squashed=lambda c_next: c_next)
parts_out_of_order = _lstm_back(order=(0, 1, 3, 2))
new_cell_forgotten = _lstm_back(kept="c_next")
lstm_new_state_for_old = _lstm_back(memory="h_next")
lstm_beside_the_cache = _beside_the_cache(lstm.lstm_step, lstm.lstm_step_backward)


# --- gradient_norms --------------------------------------------------------------------------


def _norms(
    order: int = -1,
    measure: Callable = lambda grad_h, grad_c: np.linalg.norm(grad_h),
    carry: Callable = lambda grad_c: grad_c,
    forget_bias: float = 3.0,
    each_step: float = 0.0,
    for_the_cell: float = 0.0,
    source: Callable = lambda rng: rng,
) -> Callable:
    """gradient_norms with one part replaced."""

    def norms(steps, kind, rng):
        rng = source(rng)
        shapes = {"wx": (16, 64), "wh": (16, 64), "b": 64, "peep": (3, 16)}
        params = {name: 0.1 * rng.standard_normal(shape) for name, shape in shapes.items()}
        params["b"][16:32] = forget_bias
        wx, wh = 0.125 * rng.standard_normal((2, 16, 16))
        h, c, caches = np.zeros((1, 16)), np.zeros((1, 16)), []
        for x in rng.standard_normal((steps, 1, 16)):
            if kind == "rnn":
                h, cache = rnn.rnn_step(x, h, wx, wh, np.zeros(16))
            else:
                h, c, cache = lstm.lstm_step(x, h, c, params)
            caches.append(cache)
        grad_h, grad_c, found = np.ones((1, 16)), np.full((1, 16), for_the_cell), []
        for cache in reversed(caches):
            found.append(measure(grad_h, grad_c))
            if kind == "rnn":
                _, grad_h, *_ = rnn.rnn_step_backward(grad_h, cache)
            else:
                _, grad_h, grad_c, _ = lstm.lstm_step_backward(grad_h, carry(grad_c), cache)
            grad_h = grad_h + each_step
        return np.array(found)[::order]

    return norms


first_step_last = _norms(order=1)
cell_lost_on_the_way = _norms(carry=lambda grad_c: 0 * grad_c)
cell_in_the_loss = _norms(for_the_cell=1.0)
loss_at_every_step = _norms(each_step=1.0)
forget_bias_missing = _norms(forget_bias=0.0)
squared = _norms(measure=lambda grad_h, grad_c: np.sum(grad_h**2))
entries_added_up = _norms(measure=lambda grad_h, grad_c: np.sum(grad_h))
generator_of_its_own = _norms(source=lambda rng: np.random.default_rng(0))


def norms_of_the_state(steps, kind, rng):
    wx, wh = 0.125 * rng.standard_normal((2, 16, 16))
    h, found = np.zeros((1, 16)), []
    for x in rng.standard_normal((steps, 1, 16)):
        h, _ = rnn.rnn_step(x, h, wx, wh, np.zeros(16))
        found.append(np.linalg.norm(h))
    return np.array(found)


# --- clip_gradients --------------------------------------------------------------------------


def _norm(grads):
    return np.sqrt(sum(np.sum(g**2) for g in grads))


def each_for_itself(grads, max_norm):
    return [g * min(1.0, max_norm / max(np.sqrt(np.sum(g**2)), 1e-300)) for g in grads]


def entries_cut(grads, max_norm):
    return [np.clip(g, -max_norm, max_norm) for g in grads]


def always_scaled(grads, max_norm):
    return [g * (max_norm / max(_norm(grads), 1e-300)) for g in grads]


def clipped_in_place(grads, max_norm):
    scale = min(1.0, max_norm / max(_norm(grads), 1e-300))
    for g in grads:
        g *= g.dtype.type(scale)
    return grads


def root_forgotten(grads, max_norm):
    norm = sum(np.sum(g**2) for g in grads)
    return [g * min(1.0, max_norm / max(norm, 1e-300)) for g in grads]


def norms_added(grads, max_norm):
    norm = sum(np.sqrt(np.sum(g**2)) for g in grads)
    return [g * min(1.0, max_norm / max(norm, 1e-300)) for g in grads]


def longest_only(grads, max_norm):
    norm = max(np.sqrt(np.sum(g**2)) for g in grads)
    return [g * min(1.0, max_norm / max(norm, 1e-300)) for g in grads]


def magnitudes_added(grads, max_norm):
    norm = sum(np.sum(np.abs(g)) for g in grads)
    return [g * min(1.0, max_norm / max(norm, 1e-300)) for g in grads]


def nothing_over_nothing(grads, max_norm):
    norm = _norm(grads)
    direction = [g / norm for g in grads]
    return [min(norm, max_norm) * d for d in direction]


def thrown_away(grads, max_norm):
    return [g * 0 if _norm(grads) > max_norm else g.copy() for g in grads]


# --- sample ----------------------------------------------------------------------------------


def _write(
    feed: Callable = lambda seeds: seeds,
    weights: Callable = lambda logits, t: np.exp((logits - logits.max()) / t),
    draw: Callable = lambda rng, p: int(rng.choice(len(p), p=p)),
    reading: Callable = lambda begin, new: new,
    carry: Callable = lambda begin, read, new: new,
    fed_back: Callable = lambda new, last, p: new,
    source: Callable = lambda rng: rng,
    result: Callable = lambda seeds, ids: ids,
) -> Callable:
    """sample with one part replaced."""

    def sample(step, state, seed_ids, length, temperature, rng):
        rng, begin, ids, last = source(rng), state, [], seed_ids[-1]
        for i in feed(seed_ids):
            logits, new = step(i, state)
            state = reading(begin, new)
        read = state = carry(begin, state, state)
        while len(ids) < length:
            w = weights(np.asarray(logits, float), temperature)
            p = w / w.sum()
            ids.append(draw(rng, p))
            last = fed_back(ids[-1], last, p)
            if last is not None:
                logits, new = step(last, state)
                state = carry(begin, read, new)
        return result(list(seed_ids), ids)

    return sample


likeliest_taken = _write(draw=lambda rng, p: int(np.argmax(p)))
temperature_multiplied = _write(weights=lambda z, t: np.exp((z - z.max()) * t))
temperature_ignored = _write(weights=lambda z, t: np.exp(z - z.max()))
seeds_returned_too = _write(result=lambda seeds, ids: seeds + ids)
last_seed_twice = _write(feed=lambda seeds: [*seeds, seeds[-1]])
only_last_seed = _write(feed=lambda seeds: seeds[-1:])
last_seed_fed_again = _write(fed_back=lambda new, last, p: last)
nothing_fed_back = _write(fed_back=lambda new, last, p: None)
state_dropped = _write(carry=lambda begin, read, new: begin)
state_frozen = _write(carry=lambda begin, read, new: read)
seeds_not_kept = _write(reading=lambda begin, new: begin)
likeliest_fed_back = _write(fed_back=lambda new, last, p: int(np.argmax(p)))
every_id_alike = _write(draw=lambda rng, p: int(rng.integers(len(p))))
sample_generator_of_its_own = _write(source=lambda rng: np.random.default_rng(0))
not_stable = _write(
    weights=lambda z, t: np.exp(z / t),
    draw=lambda rng, p: int(np.searchsorted(np.cumsum(p), rng.random())),
)


def first_draw_left_out(step, state, seed_ids, length, temperature, rng):
    """The first new id is fed, but does not come back."""
    return writing.sample(step, state, seed_ids, length + 1, temperature, rng)[1:]


BESIDE = "Many steps are taken before the first way back. Where did you keep this one's numbers?"
FADES = (
    "Follow one gradient by hand, from the last step backwards: which entry is it, and how large?"
)

ANSWERS = {
    "rnn_step": Answer(
        rnn.rnn_step,
        [
            Misconception(
                "bias_forgotten",
                "With x and h at 0, what does a unit say? Something of yours is missing there.",
                bias_forgotten,
            ),
            Misconception(
                "memory_forgotten",
                "Two things speak to a unit: what comes in, and what it said before.",
                memory_forgotten,
            ),
            Misconception(
                "not_squashed",
                "Let your net run for a hundred steps: what keeps its state from growing?",
                not_squashed,
            ),
            Misconception(
                "logistic_for_tanh",
                "Between which two numbers does a state lie here? Yours is never below 0.",
                logistic_for_tanh,
            ),
            Misconception(
                "memory_outside_tanh",
                "The parts are summed first, and the sum is squashed as a whole.",
                memory_outside_tanh,
            ),
            Misconception(
                "added_to_the_old",
                "The new state replaces the old one. Does yours keep it beside the new one?",
                added_to_the_old,
            ),
            Misconception(
                "recurrence_turned",
                "Which axis of wh belongs to the old units, and which to the new ones?",
                recurrence_turned,
            ),
            Misconception(
                "entry_by_entry",
                "Every old unit speaks to every new one. How many of them does each hear in yours?",
                entry_by_entry,
            ),
        ],
    ),
    "rnn_step_backward": Answer(
        (rnn.rnn_step, rnn.rnn_step_backward),
        [
            Misconception(
                "slope_forgotten",
                "Between the sum and h_next stands a tanh. How steep is it?",
                slope_forgotten,
            ),
            Misconception(
                "slope_of_the_sum",
                "The slope of tanh is written with its output. What do you square?",
                slope_of_the_sum,
            ),
            Misconception(
                "tanh_taken_again",
                "Your cache holds tanh of the sum already. How often do you take it?",
                tanh_taken_again,
            ),
            Misconception(
                "slope_of_old_state",
                "Two states are in the cache. From which of them did the tanh of this step come?",
                slope_of_old_state,
            ),
            Misconception(
                "logistic_slope",
                "That is the slope of a sigmoid. Which squashing does this step have?",
                logistic_slope,
            ),
            Misconception(
                "averaged",
                "The weights hear from every row of the batch: are their parts summed or averaged?",
                averaged,
            ),
            Misconception(
                "same_way_back",
                "Forward, wh takes old units to new ones. And on the way back?",
                same_way_back,
            ),
            Misconception(
                "new_state_for_old",
                "What was multiplied by wh in this step, the state before it or after it?",
                new_state_for_old,
            ),
            Misconception(
                "slope_not_squared",
                "The slope of tanh is the same at z and at −z. Is yours?",
                slope_not_squared,
            ),
            Misconception(
                "gradient_ignored",
                "How much the end depends on h_next is told to you. Where do you use it?",
                gradient_ignored,
            ),
            Misconception(
                "beside_the_cache",
                BESIDE,
                beside_the_cache,
            ),
        ],
    ),
    "lstm_step": Answer(
        lstm.lstm_step,
        [
            Misconception(
                "peepholes_forgotten",
                "Three gates look at the cell itself. With which weights?",
                peepholes_forgotten,
            ),
            Misconception(
                "output_sees_old_cell",
                "When o is opened, the cell has its new value already.",
                output_sees_old_cell,
            ),
            Misconception(
                "output_before_candidate",
                "In which order do the four parts stand side by side in wx? Look at the last two.",
                output_before_candidate,
            ),
            Misconception(
                "forget_gate_first",
                "In which order do the four parts stand side by side in wx? Look at the first two.",
                forget_gate_first,
            ),
            Misconception(
                "candidate_second",
                "In which order do the four parts stand side by side? Other books differ.",
                candidate_second,
            ),
            Misconception(
                "peepholes_exchanged",
                "The rows of peep belong to three gates. In which order?",
                peepholes_exchanged,
            ),
            Misconception(
                "candidate_logistic",
                "Three of the four are gates. What may the fourth do that a gate may not?",
                candidate_logistic,
            ),
            Misconception(
                "cell_shown_raw",
                "A cell may grow large. Does h, too?",
                cell_shown_raw,
            ),
            Misconception(
                "gates_tied",
                "To keep and to let in are two decisions here, each with its own weights.",
                gates_tied,
            ),
            Misconception(
                "o_peephole_forgotten",
                "Three gates look at the cell itself. How many of yours do?",
                o_peephole_forgotten,
            ),
            Misconception(
                "gates_exchanged",
                "One gate keeps the old, one lets in the new. Which of yours does what?",
                gates_exchanged,
            ),
            Misconception(
                "gates_squashed_by_tanh",
                "A gate lies between 0, shut, and 1, open. How low can yours go?",
                gates_squashed_by_tanh,
            ),
            Misconception(
                "gates_too_steep",
                "The logistic function of 2 is 0.88. What does your gate say there?",
                gates_too_steep,
            ),
            Misconception(
                "old_cell_kept_whole",
                "Can your cell ever forget?",
                old_cell_kept_whole,
            ),
            Misconception(
                "bias_forgotten",
                "With x, h and c at 0, how far open are the gates? Something decides that.",
                lstm_bias_forgotten,
            ),
            Misconception(
                "squashed_cell_stored",
                "What is shown is squashed. Is what is stored?",
                squashed_cell_stored,
            ),
            Misconception(
                "cell_overwritten",
                "Your caller still holds the old cell, and finds other numbers in it now.",
                cell_overwritten,
            ),
        ],
    ),
    "lstm_step_backward": Answer(
        (lstm.lstm_step, lstm.lstm_step_backward),
        [
            Misconception(
                "grad_c_ignored",
                "The step after this one used c_next too, and sends its wishes. Do you hear them?",
                grad_c_ignored,
            ),
            Misconception(
                "o_peephole_not_followed",
                "Who looks at c_next? One of them is a gate.",
                o_peephole_not_followed,
            ),
            Misconception(
                "old_peepholes_not_followed",
                "Count the places where c stands in the formulas: there are three.",
                old_peepholes_not_followed,
            ),
            Misconception(
                "no_peephole_followed",
                "Peepholes are ways for a gradient, too: to the old cell and to the new one.",
                no_peephole_followed,
            ),
            Misconception(
                "forget_gate_skipped",
                "On its way from c_next to c, what has the gradient to pass?",
                forget_gate_skipped,
            ),
            Misconception(
                "cell_slope_forgotten",
                "h shows a squashed cell. How steep is that squashing?",
                cell_slope_forgotten,
            ),
            Misconception(
                "gate_slope_forgotten",
                "A gate is a sigmoid of a sum. How steep is it where it stands?",
                gate_slope_forgotten,
            ),
            Misconception(
                "candidate_slope_of_a_gate",
                "Three of the four have one slope, the fourth another one.",
                candidate_slope_of_a_gate,
            ),
            Misconception(
                "o_peephole_from_old_cell",
                "Which cell did each peephole look at? They do not all look at the same one.",
                o_peephole_from_old_cell,
            ),
            Misconception(
                "peepholes_not_learnt",
                "The peepholes are weights: they want a gradient of their own.",
                peepholes_not_learnt,
            ),
            Misconception(
                "averaged",
                "The weights hear from every row of the batch: are their parts summed or averaged?",
                lstm_averaged,
            ),
            Misconception(
                "tanh_of_tanh",
                "Your cache holds tanh of the cell already. How often do you take it?",
                tanh_of_tanh,
            ),
            Misconception(
                "slope_of_the_raw_cell",
                "The slope of tanh is written with its output. What do you square?",
                slope_of_the_raw_cell,
            ),
            Misconception(
                "slope_for_both",
                "Two gradients come to c_next. Which of them passed a tanh, and which did not?",
                slope_for_both,
            ),
            Misconception(
                "raw_cell_for_o",
                "By what did o multiply on the way forward: by the cell, or by its tanh?",
                raw_cell_for_o,
            ),
            Misconception(
                "parts_out_of_order",
                "In which order did you cut the wide sum into four, and in which do you join them?",
                parts_out_of_order,
            ),
            Misconception(
                "new_cell_forgotten",
                "What did f multiply on the way forward, the cell before the step or after it?",
                new_cell_forgotten,
            ),
            Misconception(
                "new_state_for_old",
                "What was multiplied by wh in this step, the state before it or after it?",
                lstm_new_state_for_old,
            ),
            Misconception(
                "beside_the_cache",
                BESIDE,
                lstm_beside_the_cache,
            ),
        ],
    ),
    "gradient_norms": Answer(
        reach.gradient_norms,
        [
            Misconception("first_step_last", FADES, first_step_last),
            Misconception(
                "cell_lost_on_the_way",
                "An LSTM hands two gradients back from step to step. How many do you hand on?",
                cell_lost_on_the_way,
            ),
            Misconception(
                "cell_in_the_loss",
                "The loss sums up the last h and nothing else. How does the last c enter it?",
                cell_in_the_loss,
            ),
            Misconception(
                "loss_at_every_step",
                "Only the last state is summed here: where on the way is something added?",
                loss_at_every_step,
            ),
            Misconception(
                "forget_bias_missing",
                "How far open is a forget gate whose bias is near 0, and what is left after 40?",
                forget_bias_missing,
            ),
            Misconception(
                "squared",
                "For the very last step the gradient is 1 in sixteen entries. What is its norm?",
                squared,
            ),
            Misconception(
                "entries_added_up",
                "Gradients have signs. What becomes of +1 and -1 when they are added?",
                entries_added_up,
            ),
            Misconception(
                "norms_of_the_state",
                "The size of a state says nothing about how much it matters to a later one.",
                norms_of_the_state,
            ),
            Misconception(
                "generator_of_its_own",
                "Your caller brings a generator, and expects another one to give other numbers.",
                generator_of_its_own,
            ),
        ],
    ),
    "clip_gradients": Answer(
        writing.clip_gradients,
        [
            Misconception(
                "each_for_itself",
                "Which way do all the weights go together, before and after? It should be one way.",
                each_for_itself,
            ),
            Misconception(
                "entries_cut",
                "Cutting single entries turns the gradient. What should stay as it is?",
                entries_cut,
            ),
            Misconception(
                "always_scaled",
                "A gradient that is short enough is left alone. What do you do to it?",
                always_scaled,
            ),
            Misconception(
                "clipped_in_place",
                "Your caller still holds the old arrays, and finds other numbers in them now.",
                clipped_in_place,
            ),
            Misconception(
                "root_forgotten",
                "What is the norm of (3, 4)?",
                root_forgotten,
            ),
            Misconception(
                "norms_added",
                "Lay all entries in one long row: is its norm the sum of the parts' norms?",
                norms_added,
            ),
            Misconception(
                "longest_only",
                "Many arrays of medium length make a long gradient. Do you look at all of them?",
                longest_only,
            ),
            Misconception(
                "magnitudes_added",
                "What is the norm of (3, 4)? Yours says 7.",
                magnitudes_added,
            ),
            Misconception(
                "nothing_over_nothing",
                "What does your division give where every gradient is 0?",
                nothing_over_nothing,
            ),
            Misconception(
                "thrown_away",
                "A long gradient still points the right way. What is left of yours?",
                thrown_away,
            ),
        ],
    ),
    "sample": Answer(
        writing.sample,
        [
            Misconception(
                "likeliest_taken",
                "Call it with a hundred generators: how many different texts come out?",
                likeliest_taken,
            ),
            Misconception(
                "temperature_multiplied",
                "A low temperature freezes, a high one melts. What does yours do?",
                temperature_multiplied,
            ),
            Misconception(
                "temperature_ignored",
                "Your caller may ask for a colder or a hotter text. Do you hear it?",
                temperature_ignored,
            ),
            Misconception(
                "seeds_returned_too",
                "Your caller knows the seeds already. How many ids were asked for?",
                seeds_returned_too,
            ),
            Misconception(
                "last_seed_twice",
                "Write down every id that you feed, in order. Is one of them there twice?",
                last_seed_twice,
            ),
            Misconception(
                "only_last_seed",
                "The net has to read all that came before. What has yours read?",
                only_last_seed,
            ),
            Misconception(
                "last_seed_fed_again",
                "After the first new id, which id does the net read next?",
                last_seed_fed_again,
            ),
            Misconception(
                "state_dropped",
                "What the net remembers comes back from each step. Where does yours go?",
                state_dropped,
            ),
            Misconception(
                "state_frozen",
                "Your state stops at the seeds. What of the ids that are written after them?",
                state_frozen,
            ),
            Misconception(
                "seeds_not_kept",
                "When the net reads the first new id, what does it still know of the seeds?",
                seeds_not_kept,
            ),
            Misconception(
                "nothing_fed_back",
                "Your scores are those after the seeds, again and again. How would they change?",
                nothing_fed_back,
            ),
            Misconception(
                "likeliest_fed_back",
                "The net should read what you have written, not what you might have written.",
                likeliest_fed_back,
            ),
            Misconception(
                "first_draw_left_out",
                "How many draws do you make, and how many of them come back?",
                first_draw_left_out,
            ),
            Misconception(
                "every_id_alike",
                "The net took the trouble to score the ids. Who reads the scores?",
                every_id_alike,
            ),
            Misconception(
                "generator_of_its_own",
                "Your caller brings a generator, and expects another one to give other draws.",
                sample_generator_of_its_own,
            ),
            Misconception(
                "not_stable",
                "What is the exponential of ten thousand? Only differences of scores matter.",
                not_stable,
            ),
        ],
    ),
}
