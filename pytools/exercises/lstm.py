"""The exercises of 05_lstm: how each is called, and on which cases.

`gradient_norms` and `sample` are random: each is run twice with one generator and once with
another, and judged by what many draws have in common.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

import numpy as np

from pytools.exercise import Case, Exercise, Unusable, flatten, plain

Lstm = partial(Exercise, answers="pytools.exercises.answers.lstm")

KEYS = ("wx", "wh", "b", "peep")
GRADS = ("gx", "gh", "gwx", "gwh", "gb")


# --- rnn_step and rnn_step_backward ----------------------------------------------------------


def _rnn(rng: np.random.Generator, n: int, d: int, h: int) -> tuple[np.ndarray, ...]:
    """x, h, wx, wh, b; large enough for tanh to bend, small enough not to saturate."""
    shapes = (n, d), (n, h), (d, h), (h, h), h
    scales = 1.0, 0.7, 0.7 / np.sqrt(d), 1.0 / np.sqrt(h), 0.7
    return tuple(s * rng.standard_normal(shape) for s, shape in zip(scales, shapes, strict=True))


def rnn_step_cases(rng: np.random.Generator) -> list[Case]:
    draw = partial(_rnn, rng)
    x, h, wx, wh, b = draw(3, 2, 4)
    single = tuple(a.astype(np.float32) for a in draw(4, 3, 5))
    return [
        Case(draw(2, 3, 2)),
        Case(draw(5, 3, 4)),
        Case(draw(4, 4, 4), note="all sizes equal"),
        Case((x, np.zeros_like(h), wx, wh, b), "edge", "no memory yet: h is 0"),
        Case(draw(1, 3, 4), "edge", "a batch of one"),
        Case(draw(3, 1, 1), "edge", "one input and one unit"),
        Case((x, h, wx, wh, 1e4 * b), "numerical", "very large sums"),
        Case(single, "numerical", "float32"),
    ]


def rnn_step_backward_cases(rng: np.random.Generator) -> list[Case]:
    def draw(n: int, d: int, h: int) -> tuple[np.ndarray, ...]:
        return rng.standard_normal((n, h)), *_rnn(rng, n, d, h)

    grad, x, h, wx, wh, b = draw(3, 2, 4)
    single = tuple(a.astype(np.float32) for a in draw(4, 3, 5))
    return [
        Case(draw(2, 3, 2)),
        Case(draw(5, 3, 4)),
        Case(draw(4, 4, 4), note="all sizes equal"),
        Case((grad, x, np.zeros_like(h), wx, wh, b), "edge", "no memory yet: h is 0"),
        Case(draw(1, 3, 4), "edge", "a batch of one"),
        Case(draw(3, 1, 1), "edge", "one input and one unit"),
        Case((grad, x, h, wx, wh, 1e4 * b), "numerical", "very large sums"),
        Case(single, "numerical", "float32"),
    ]


def run_rnn_step(attempt: Callable, *args: np.ndarray) -> Any:
    """h_next alone: the cache is the attempt's own business."""
    return _forward(attempt(*args), "h_next")[0]


def run_rnn_step_backward(pair: tuple, grad: np.ndarray, *args: np.ndarray) -> Any:
    """Forward, forward on other numbers, then the first one's way back: only its cache helps.

    h_next comes first, so that a wrong forward is not blamed on the way back.
    """
    forward, backward = pair
    h_next, cache = _forward(forward(*args), "h_next")
    x, h, wx, wh, b = args
    _forward(forward(-x, h + 1, wx, -wh, b), "h_next")
    return h_next, *flatten(backward(grad, cache), GRADS).values()


def _forward(result: Any, *names: str) -> Any:
    """The results of a step, the cache last."""
    if result is None:
        raise Unusable("none", "The step returned None: is a return statement missing?")
    if not isinstance(result, (tuple, list)) or len(result) != len(names) + 1:
        wanted = ", ".join((*names, "cache"))
        raise Unusable("count", f"The step did not return {len(names) + 1} results, {wanted}.")
    return result


# --- lstm_step and lstm_step_backward --------------------------------------------------------


def _lstm(rng: np.random.Generator, n: int, d: int, h: int) -> tuple:
    """x, h, c, params: every gate half open, every peephole felt."""
    x, state = rng.standard_normal((n, d)), 0.7 * rng.standard_normal((n, h))
    size = rng.uniform(0.4, 1.2, (n, h))
    params = {
        "wx": rng.standard_normal((d, 4 * h)) / np.sqrt(d),
        "wh": rng.standard_normal((h, 4 * h)) / np.sqrt(h),
        "b": 0.7 * rng.standard_normal(4 * h),
        "peep": rng.uniform(0.4, 1.2, (3, h)) * rng.choice([-1, 1], (3, h)),
    }
    return x, state, size * rng.choice([-1, 1], (n, h)), params


def _changed(args: tuple, **new: np.ndarray) -> tuple:
    """The same call with other params."""
    *rest, params = args
    return *rest, {**params, **new}


def _single(args: tuple) -> tuple:
    *arrays, params = args
    return (
        *(a.astype(np.float32) for a in arrays),
        {name: w.astype(np.float32) for name, w in params.items()},
    )


def lstm_step_cases(rng: np.random.Generator) -> list[Case]:
    draw = partial(_lstm, rng)
    x, h, c, params = begin = draw(3, 2, 4)
    return [
        Case(draw(1, 1, 1)),
        Case(draw(3, 2, 3)),
        Case(draw(5, 4, 2)),
        Case(draw(3, 3, 3), note="all sizes equal"),
        Case((x, np.zeros_like(h), np.zeros_like(c), params), "edge", "an empty memory"),
        Case(draw(1, 3, 2), "edge", "a batch of one"),
        Case(draw(4, 3, 1), "edge", "one unit"),
        Case(_changed(begin, peep=np.zeros((3, 4))), "edge", "peepholes that are 0"),
        Case((x, h, 20 * c, params), "edge", "a full cell"),
        Case(_changed(begin, b=1e4 * params["b"]), "numerical", "gates wide open or shut"),
        Case(_single(draw(4, 3, 5)), "numerical", "float32"),
    ]


def lstm_step_backward_cases(rng: np.random.Generator) -> list[Case]:
    def draw(n: int, d: int, h: int) -> tuple:
        return *rng.standard_normal((2, n, h)), *_lstm(rng, n, d, h)

    grad_h, grad_c, x, h, c, params = begin = draw(3, 2, 4)
    nothing = np.zeros_like(c)
    return [
        Case(draw(1, 1, 1)),
        Case(draw(3, 2, 3)),
        Case(draw(5, 4, 2)),
        Case(draw(3, 12, 3), note="as many inputs as columns"),
        Case((grad_h, nothing, *begin[2:]), "edge", "grad_c is 0, as at the last step"),
        Case((nothing, grad_c, *begin[2:]), "edge", "grad_h is 0"),
        Case((grad_h, grad_c, x, nothing, nothing, params), "edge", "an empty memory"),
        Case(draw(1, 3, 2), "edge", "a batch of one"),
        Case(draw(4, 3, 1), "edge", "one unit"),
        Case(_changed(begin, peep=np.zeros((3, 4))), "edge", "peepholes that are 0"),
        Case((grad_h, grad_c, x, h, 4 * c, params), "edge", "a full cell"),  # float32 still fits
        Case(_changed(begin, b=1e4 * params["b"]), "numerical", "gates wide open or shut"),
        Case(_single(draw(4, 3, 5)), "numerical", "float32"),
    ]


def run_lstm_step(attempt: Callable, *args: Any) -> Any:
    """h_next and c_next: the cache is the attempt's own business."""
    h_next, c_next, _ = _forward(attempt(*args), "h_next", "c_next")
    return h_next, c_next


def run_lstm_step_backward(
    pair: tuple, grad_h: np.ndarray, grad_c: np.ndarray, *args: Any
) -> tuple[Any, ...]:
    """As run_rnn_step_backward; gparams by its keys."""
    forward, backward = pair
    x, h, c, params = args
    *states, cache = _forward(forward(*args), "h_next", "c_next")
    other = {name: -w for name, w in params.items()}
    _forward(forward(-x, h + 1, c - 1, other), "h_next", "c_next")
    result = backward(grad_h, grad_c, cache)
    if result is None:
        raise Unusable("none", "It returned None: is a return statement missing?")
    if not isinstance(result, (tuple, list)) or len(result) != 4:
        raise Unusable("count", "It did not return 4 results, gx, gh, gc, gparams.")
    *grads, gparams = result
    if not isinstance(gparams, Mapping):
        kind = type(gparams).__name__
        raise Unusable("count", f"gparams is a {kind}, not a dict with the keys of params.")
    if set(gparams) != set(KEYS):
        keys = ", ".join(sorted(map(str, gparams))) or "none"
        raise Unusable("count", f"gparams has the keys {keys}, not {', '.join(KEYS)}.")
    return *states, *grads, *(gparams[name] for name in KEYS)


# --- gradient_norms --------------------------------------------------------------------------

WITHIN = 40  # steps in which a plain net's gradient has to fade
FADED = 1e-4
BATCH = 15  # more sequences at a time would be no "one cell"


def gradient_norms_cases(rng: np.random.Generator) -> list[Case]:
    def seed() -> int:
        return int(rng.integers(10**6))

    long = int(rng.integers(60, 80))
    return [
        Case((5, "rnn", seed())),
        Case((5, "lstm", seed())),
        Case((long, "rnn", seed())),
        Case((long, "lstm", seed())),
        Case((WITHIN + 1, "rnn", seed()), "edge", "just enough steps to fade"),
        Case((WITHIN + 1, "lstm", seed()), "edge", "just enough steps to fade"),
        Case((1, "rnn", seed()), "edge", "one step"),
        Case((1, "lstm", seed()), "edge", "one step"),
    ]


def run_twice(attempt: Callable, *args: Any) -> tuple[Any, Any, Any]:
    """What comes with a generator, with an equal one, and with another one; args end in a seed."""
    *given, seed = args
    return tuple(_drawn(attempt, *given, np.random.default_rng(s)) for s in (seed, seed, seed + 1))


def _drawn(attempt: Callable, *args: Any) -> Any:
    try:
        result = attempt(*args)
    except ValueError as error:  # rng.choice refuses such probabilities; say no more than that
        if "contain nan" not in str(error).lower():
            raise
        raise Unusable("nan", "The probabilities for rng.choice contain NaN.") from None
    if result is None:
        raise Unusable("none", "It returned None: is a return statement missing?")
    return result


def measure_gradient_norms(case: Case, arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """What must hold for any draw; 1 stands for yes.

    ∂ sum(h_T) / ∂h_T is 1 everywhere, of norm √16 for one sequence and √(16 n) for a batch of n.
    Where h_t is taken before step t, the last entry has gone one step back already.
    """
    steps, kind, _ = case.args
    norms, again, other = (arrays[name] for name in ("norms", *REPEATS))
    facts: dict[str, Any] = {"axes": norms.ndim, "entries": norms.size}
    norms = np.resize(norms, steps) if norms.size else np.full(steps, np.nan)
    batches = 4 * np.sqrt(np.arange(1, BATCH + 1))
    at_once = np.any(np.abs(batches - norms[-1]) < 1e-4)
    one_back = 0.2 < norms[-1] < 3.5 if kind == "rnn" else 0.03 < norms[-1] < 0.98
    facts["every entry is above 0 (1: yes)"] = np.all(norms > 0)
    facts["the last entry is that of the last step (1: yes)"] = at_once or one_back
    faded = bool(np.any(norms[-WITHIN - 1 :] < FADED))
    facts[f"below {FADED:g} within {WITHIN} steps (1: yes)"] = faded
    if kind == "lstm" and steps > WITHIN:
        decades = np.log10(np.maximum(norms[-2], 1e-300) / np.maximum(norms[-12], 1e-300)) / 10
        facts["lost in each step (0: little, 1: half, 2: nearly all)"] = np.digitize(
            decades, [0.15, 0.6]
        )
    if kind == "lstm" and steps > 1:
        nets = [np.resize(a, steps) for a in (norms, other) if a.size]
        left = at_once and max(net[-2] / net[-1] for net in nets)  # 0.04 to 0.15 in 3000 right nets
        facts["left one step back (0: a tenth or so, 1: much more)"] = left > 0.2
    facts |= _repeats(norms, again, other, steps > 1)
    return {name: np.array(fact, float) for name, fact in facts.items()}


REPEATS = ("with an equal generator", "with another generator")


def _repeats(
    first: np.ndarray, again: np.ndarray, other: np.ndarray, differs: bool
) -> dict[str, Any]:
    facts = {"an equal generator gives the same (1: yes)": _equal(first, again)}
    if differs:
        facts["another generator gives something else (1: yes)"] = not _equal(first, other)
    return facts


def _equal(a: np.ndarray, b: np.ndarray) -> bool:
    return a.shape == b.shape and np.allclose(a, b, rtol=1e-9, atol=0)


# --- clip_gradients --------------------------------------------------------------------------


def clip_gradients_cases(rng: np.random.Generator) -> list[Case]:
    def draw(norm: float, *shapes: tuple[int, ...], dtype: type = np.float64) -> list[np.ndarray]:
        """Arrays of these shapes with this norm over all, each with a norm of its own."""
        grads = [rng.standard_normal(shape) * rng.uniform(0.5, 2.0) for shape in shapes]
        total = np.sqrt(sum(np.sum(g**2) for g in grads))
        return [(g * (norm / total)).astype(dtype) for g in grads]

    shapes = (2, 3), (3,), (4, 2)
    norm = float(np.round(rng.uniform(6, 12), 2))
    uneven = draw(1.0, (3,), (2, 2))
    uneven[0] *= 9 / np.linalg.norm(uneven[0])  # beyond the limit alone, the other far below
    large = float(rng.uniform(1, 9) * 1e6)
    return [
        Case((draw(norm, (2,), (3,)), 2.0)),
        Case((draw(norm, *shapes), 5.0)),
        Case((uneven, 3.0), note="one large array and a small one"),
        Case((draw(2.0, *shapes), norm), note="a norm below max_norm"),
        Case((draw(6.0, *shapes, (2, 3), (5,)), 5.0), note="each array below max_norm, all above"),
        Case((draw(norm, (3, 4)), 1.5), "edge", "one array"),
        Case((draw(norm, (2, 1, 3, 2), (1,)), 4.0), "edge", "four dimensions, one entry"),
        Case(([np.zeros((2, 3)), np.zeros(3)], 1.0), "edge", "gradients that are all 0"),
        Case((draw(large, *shapes), 5.0), "numerical", "very large gradients"),
        Case((draw(norm, *shapes, dtype=np.float32), 3.0), "numerical", "float32"),
    ]


def run_clip_gradients(attempt: Callable, grads: list[np.ndarray], max_norm: float) -> Any:
    """All entries in a row, so that one array holds them; the shapes beside it."""
    result = attempt(grads, max_norm)
    if result is None:
        raise Unusable("none", "It returned None: is a return statement missing?")
    if not isinstance(result, Iterable) or isinstance(result, (Mapping, str)):
        kind = type(result).__name__
        raise Unusable("count", f"It returned a {kind}, not a list of arrays.")
    clipped = list(result)
    if len(clipped) != len(grads):
        raise Unusable("count", f"It returned {len(clipped)} arrays for {len(grads)}.")
    arrays = [plain(a, f"array {i}") for i, a in enumerate(clipped)]
    for i, (a, g) in enumerate(zip(arrays, grads, strict=True)):
        if a.shape != g.shape:
            raise Unusable("shape", f"Array {i} has shape {a.shape}, not {g.shape}.")
    return np.concatenate([a.ravel() for a in arrays])


# --- sample ----------------------------------------------------------------------------------


class Scores:
    """Scores that depend on nothing."""

    def __init__(self, logits: np.ndarray) -> None:
        self.logits = logits
        numbers = np.array2string(logits, precision=3, separator=", ")
        self.__doc__ = f"a net that always gives the logits {numbers}"

    def __call__(self, i: int, state: Any) -> tuple[np.ndarray, Any]:
        return self.logits.copy(), state


class Table:
    """Scores that depend on the id that was fed last."""

    def __init__(self, logits: np.ndarray) -> None:
        self.logits = logits
        self.__doc__ = "a net whose logits depend on the id that was fed last"

    def __call__(self, i: int, state: Any) -> tuple[np.ndarray, Any]:
        return self.logits[int(i)].copy(), state


class Machine:
    """One next id is certain: it follows from the state and from the id that was fed."""

    SIZE = 11  # prime, and 3 + 9 leaves 1: fed with its own ids it never stands still

    def __init__(self, dtype: type = np.float64, high: float = 60.0) -> None:
        self.dtype, self.high = dtype, high
        self.__doc__ = (
            f"a net that is sure: it sets state = (3*state + 9*id + 1) % {self.SIZE}, and its "
            f"logits are {high:g} for the id that equals state, 0 for all others"
        )

    def __call__(self, i: int, state: int) -> tuple[np.ndarray, int]:
        state = (3 * state + 9 * int(i) + 1) % self.SIZE
        logits = np.zeros(self.SIZE, self.dtype)
        logits[state] = self.high
        return logits, state


MANY = 1000  # draws where shares are looked at
SIGMAS = 5.5  # a share farther off than so many standard deviations is no accident


def sample_cases(rng: np.random.Generator) -> list[Case]:
    def seed() -> int:
        return int(rng.integers(10**6))

    def spread(size: int) -> np.ndarray:
        """Logits apart from each other by about a half, the largest not always the first."""
        return rng.permutation(np.arange(size) * 0.6 + rng.uniform(0, 0.2, size))

    size = Machine.SIZE
    start = int(rng.integers(size))
    ids = [int(i) for i in rng.integers(0, size, 4)]
    ids[-1] = (ids[-2] + 1 + int(rng.integers(size - 1))) % size  # two different ones at the end
    turns = rng.permutation(3)  # so that no two rows are alike
    rows = np.array([np.roll([0.0, 0.9, 1.5], turn) for turn in turns])
    machine, far = Machine(), Machine(high=1e4)
    return [
        Case((machine, start, ids[-2:], 6, 1.0, seed())),
        Case((machine, start, ids, 12, 1.0, seed())),
        Case((Scores(spread(5)), 0, ids[:2], MANY, 1.0, seed())),
        Case((Scores(spread(4)), 0, ids[:1], MANY, 0.5, seed()), note="temperature 0.5"),
        Case((Scores(2 * spread(4)), 0, ids[:1], MANY, 2.0, seed()), note="temperature 2"),
        Case((Table(rows), 0, [0, 1], MANY, 1.0, seed())),
        Case((machine, start, ids[:1], 7, 1.0, seed()), "edge", "one seed"),
        Case((machine, start, ids[-2:], 1, 1.0, seed()), "edge", "one new id"),
        Case((machine, start, ids, 0, 1.0, seed()), "edge", "no new id"),
        Case((machine, 0, [0, 0, 0], 5, 1.0, seed()), "edge", "seeds that are all the same"),
        Case((Scores(np.array([0.3])), 0, [0], 4, 1.0, seed()), "edge", "one id only"),
        Case((far, start, ids, 8, 0.5, seed()), "numerical", "logits up to 1e4"),
        Case((Scores(spread(4) - 1e4), 0, [0], MANY, 1.0, seed()), "numerical", "logits at -1e4"),
        Case((Machine(np.float32), start, ids, 8, 1.0, seed()), "numerical", "float32"),
    ]


def measure_sample(case: Case, arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The ids themselves where they are certain; else what their shares say.

    Where scores are the same all along, the temperature that fits the draws best is looked for.
    """
    net, _, seeds, length, temperature, _ = case.args
    ids, again, other = (arrays[name] for name in ("ids", *REPEATS))
    if isinstance(net, Machine) or ids.shape != (length,) or length < MANY:
        return {"ids": ids} | {name: arrays[name] for name in REPEATS}
    whole = ids.astype(int)
    size = np.shape(net.logits)[-1]
    facts = {"ids that are none": np.sum((whole != ids) | (whole < 0) | (whole >= size))}
    if facts["ids that are none"] == 0:
        if isinstance(net, Table):
            before = np.array([seeds[-1], *whole[:-1]])
            rows = [(f" after id {i}", net.logits[i], whole[before == i]) for i in range(size)]
        else:
            rows = [("", net.logits, whole)]
            facts["temperature, against the one asked for"] = _temperature(
                net.logits, whole, temperature
            )
        for where, logits, drawn in rows:
            name = f"draws of each id{where} (0: as often as due, 1: too often, -1: too seldom)"
            facts[name] = _shares(_softmax(logits / temperature), drawn)
    facts |= _repeats(ids, again, other, True)
    return {name: np.array(fact, float) for name, fact in facts.items()}


def _softmax(logits: np.ndarray) -> np.ndarray:
    exp = np.exp(logits - logits.max())
    return exp / exp.sum()


def _shares(p: np.ndarray, drawn: np.ndarray) -> np.ndarray:
    """For each id: 0 where it came as often as due, 1 where too often, -1 where too seldom."""
    counts = np.bincount(drawn, minlength=len(p))
    slack = SIGMAS * np.sqrt(len(drawn) * p * (1 - p)) + 3
    off = counts - len(drawn) * p
    return np.where(np.abs(off) > slack, np.sign(off), 0.0)


def _temperature(logits: np.ndarray, drawn: np.ndarray, asked: float) -> float:
    """By which power of 2 the likeliest temperature differs from the one asked for; -9: no chance.

    The powers tried are whole, so that a right attempt gives 0 with certainty.
    """
    counts = np.bincount(drawn, minlength=len(logits))
    if counts.max() == len(drawn):
        return -9.0
    powers = np.arange(-4, 5)
    likely = [
        np.sum(counts * np.log(_softmax(logits / (asked * 2.0**power)) + 1e-300))
        for power in powers
    ]
    return float(powers[int(np.argmax(likely))])


EXERCISES = [
    Lstm(
        id="lstm.rnn_step",
        inputs=("x", "h", "wx", "wh", "b"),
        outputs=("h_next",),
        cases=rnn_step_cases,
        run=run_rnn_step,
        section="1. A net with a memory",
    ),
    Lstm(
        id="lstm.rnn_step_backward",
        inputs=("grad", "x", "h", "wx", "wh", "b"),
        outputs=("h_next of rnn_step", *GRADS),
        cases=rnn_step_backward_cases,
        run=run_rnn_step_backward,
        parts=2,
        section="2. Back through time",
    ),
    Lstm(
        id="lstm.lstm_step",
        inputs=("x", "h", "c", "params"),
        outputs=("h_next", "c_next"),
        cases=lstm_step_cases,
        run=run_lstm_step,
        section="3. A cell that keeps",
    ),
    Lstm(
        id="lstm.lstm_step_backward",
        inputs=("grad_h", "grad_c", "x", "h", "c", "params"),
        outputs=(
            *("h_next of lstm_step", "c_next of lstm_step"),
            *("gx", "gh", "gc", *(f"gparams[{key!r}]" for key in KEYS)),
        ),
        cases=lstm_step_backward_cases,
        run=run_lstm_step_backward,
        parts=2,
        section="4. The way back through the gates",
    ),
    Lstm(
        id="lstm.gradient_norms",
        inputs=("steps", "kind", "rng"),
        outputs=("norms", *REPEATS),
        cases=gradient_norms_cases,
        run=run_twice,
        measure=measure_gradient_norms,
        section="5. How far a gradient reaches",
    ),
    Lstm(
        id="lstm.clip_gradients",
        inputs=("grads", "max_norm"),
        outputs=("clipped, all entries in a row",),
        cases=clip_gradients_cases,
        run=run_clip_gradients,
        section="6. When a gradient bursts",
    ),
    Lstm(
        id="lstm.sample",
        inputs=("step", "state", "seed_ids", "length", "temperature", "rng"),
        outputs=("ids", *REPEATS),
        cases=sample_cases,
        run=run_twice,
        measure=measure_sample,
        section="8. A net that writes",
    ),
]
