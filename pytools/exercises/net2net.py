"""The exercises of 13_net2net: how each is called, and on which cases.

Which units are copied is the attempt's own draw, so a widened layer is judged by what must hold for
any draw. This needs the arrays alone: each new unit is traced to the old one that it copies.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np

from pytools.exercise import Case, Exercise, Unusable, flatten, plain
from pytools.exercises.tensors import in_a_row

Net2Net = partial(Exercise, answers="pytools.exercises.answers.net2net")

WEIGHTS = ("w1", "b1", "w2")
REPEATS = ("with an equal generator", "with the same generator again")
MANY = 20  # so many new units that two draws are never alike
CLOSE = 1e-5  # relative to the largest entry: single precision is enough


# --- widen_linear, widen_conv ----------------------------------------------------------------


def own_generator(rng: np.random.Generator) -> np.random.Generator:
    return np.random.default_rng(rng.integers(2**32))


def widen_linear_cases(rng: np.random.Generator) -> list[Case]:
    def draw(d: int, h: int, o: int, new_width: int, noise: float = 0.0) -> tuple:
        w1, b1, w2 = 2 * rng.standard_normal((h, d)), biases(rng, h), rng.standard_normal((o, h))
        return w1, b1, w2, new_width, own_generator(rng), noise

    *arrays, width, own, noise = draw(4, 3, 2, 5)
    single = [a.astype(np.float32) for a in arrays]
    return [
        Case(draw(2, 3, 2, 5)),
        Case(draw(2, 3, 2, 5)),
        Case(draw(5, 4, 3, 7)),
        Case(draw(6, 4, 3, 1003), note="far more than twice as many units"),
        Case(draw(24, 4, 3, 41, 0.1), note="with noise"),
        Case(draw(3, 5, 2, 5), "edge", "no unit more"),
        Case(draw(3, 5, 2, 5, 0.1), "edge", "no unit more, with noise"),
        Case(draw(3, 1, 2, 4), "edge", "one old unit"),
        Case(draw(1, 4, 1, 6), "edge", "one input, one output"),
        Case((*single, width, own, noise), "numerical", "float32"),
    ]


def widen_conv_cases(rng: np.random.Generator) -> list[Case]:
    def draw(
        c: int, k: int, f: int, w2: tuple[int, ...], new_width: int, noise: float = 0.0
    ) -> tuple:
        w1, b1 = 2 * rng.standard_normal((k, c, f, f)), biases(rng, k)
        return w1, b1, rng.standard_normal(w2), new_width, own_generator(rng), noise

    *arrays, width, own, noise = draw(2, 3, 3, (2, 3, 3, 3), 5)
    single = [a.astype(np.float32) for a in arrays]
    flat = "the next layer is linear, after flattening {} places a channel"
    return [
        Case(draw(1, 2, 2, (2, 2, 1, 1), 3)),
        Case(draw(1, 2, 2, (2, 2, 1, 1), 3)),
        Case(draw(2, 3, 3, (4, 3, 3, 3), 5)),
        Case(draw(2, 3, 3, (2, 3 * 4), 5), note=flat.format(4)),
        Case(draw(1, 4, 2, (2, 4, 2, 2), 1003), note="far more than twice as many channels"),
        Case(draw(3, 4, 3, (2, 4, 2, 2), 41, 0.1), note="with noise"),
        Case(draw(3, 4, 3, (2, 4 * 9), 41, 0.1), note=f"with noise; {flat.format(9)}"),
        Case(draw(1, 3, 2, (2, 3, 2, 2), 3), "edge", "no channel more"),
        Case(draw(2, 1, 3, (2, 1, 2, 2), 4), "edge", "one old channel"),
        Case(draw(1, 3, 1, (1, 3), 5), "edge", flat.format(1)),
        Case(draw(1, 3, 2, (2, 3 * 3), 7), "edge", flat.format("as many as channels,")),
        Case((*single, width, own, noise), "numerical", "float32"),
    ]


def biases(rng: np.random.Generator, size: int) -> np.ndarray:
    """Numbers well apart from each other and from 0."""
    signs = rng.permutation(np.resize([-1.0, 1.0], size))
    return signs * (0.5 + rng.permutation(size) + rng.uniform(0, 0.5, size))


def run_widen(attempt: Callable, *args: Any) -> tuple:
    """What comes with a generator, with an equal one, and with the first one again.

    args end in the generator and the noise, which is left to its default where it is 0.
    """
    *given, rng, noise = args
    kept, twin = copy.deepcopy((given, rng))
    named = {"noise": noise} if noise else {}

    def results(arrays: Sequence, generator: np.random.Generator) -> list[np.ndarray]:
        result = attempt(*copy.deepcopy(arrays), generator, **named)
        return list(flatten(result, WEIGHTS).values())

    first = list(flatten(attempt(*given, rng, **named), WEIGHTS).values())
    return *first, in_a_row(results(kept, twin)), in_a_row(results(kept, rng))


def measure_widen(case: Case, arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """What must hold for any draw; 1 stands for yes.

    The last entries tell wrong ways from each other: of them a right solution has none.
    """
    w1, b1, w2, width, _, noise = case.args
    shapes = [(width, *w1.shape[1:]), (width,), wide_shape(w2, len(w1), width)]
    fits = [arrays[name].shape == shape for name, shape in zip(WEIGHTS, shapes, strict=True)]
    seen = {f"{n} has shape {s}": fit for n, s, fit in zip(WEIGHTS, shapes, fits, strict=True)}
    unknown = np.full(sum(map(np.prod, shapes)), np.nan)  # of a result of another size
    if all(fits):
        first = [arrays[name].astype(np.float64) for name in WEIGHTS]
        rows = [np.concatenate([a.ravel() for a in first])]
        rows += [arrays[name] for name in REPEATS]
        rows = [row if row.shape == unknown.shape else unknown for row in rows]
    else:
        first, rows = [np.full(shape, np.nan) for shape in shapes], [unknown] * 3
    seen |= judge_units(w1, b1, *first[:2], noise)
    source = sources(w1, b1, *first[:2])
    seen |= judge_outgoing(w2, first[2], len(w1), source)
    seen["same result from equal generators"] = close(rows[0], rows[1])
    if width - len(w1) >= MANY:
        second = rows[2][: w1[0].size * width].reshape(width, -1)
        bias = rows[2][second.size : second.size + width]
        other = sources(w1, b1, second, bias)
        seen["other units copied from the generator's next numbers"] = np.any(source != other)
        seen["old units are copied about equally often"] = all(
            evenly(drawn[len(w1) :], len(w1)) for drawn in (source, other)
        )
    return {name: np.array(int(value)) for name, value in seen.items()}


def evenly(drawn: np.ndarray, width: int) -> bool:
    """Whether each unit is drawn about as often; by chance, no in less than one in 10⁵."""
    counts = np.bincount(drawn, minlength=width)
    mean = len(drawn) / width
    return bool(np.all(np.abs(counts - mean) < 5 * np.sqrt(mean)))


def wide_shape(w2: np.ndarray, width: int, new_width: int) -> tuple[int, ...]:
    """The shape that the next layer has to have then."""
    return (len(w2), w2.shape[1] // width * new_width, *w2.shape[2:])


def sources(w1: np.ndarray, b1: np.ndarray, wide1: np.ndarray, wide_b1: np.ndarray) -> np.ndarray:
    """Which old unit each unit of the wider layer is nearest to."""
    old, new = (w.reshape(len(w), -1).astype(np.float64) for w in (w1, wide1))
    apart = np.sum((new[:, None] - old) ** 2, axis=2) + (wide_b1[:, None] - b1) ** 2
    return np.argmin(apart, axis=1)


def judge_units(
    w1: np.ndarray, b1: np.ndarray, wide1: np.ndarray, wide_b1: np.ndarray, noise: float
) -> dict[str, bool]:
    """The rows of w1, and the biases: of the old units and of the new ones."""
    width, source = len(w1), sources(w1, b1, wide1, wide_b1)
    old, new = (w.reshape(len(w), -1).astype(np.float64) for w in (w1, wide1))
    added = (new - old[source])[width:]
    seen = {
        "old units keep their rows of w1": close(new[:width], old),
        "old units keep their biases": close(wide_b1[:width], b1),
        "new units have the biases of old ones": close(wide_b1[width:], b1[source][width:]),
    }
    if noise and added.size:
        size = np.std(added) / noise
        beyond = np.mean(np.abs(added) > 2 * np.std(added))
        seen |= {
            "new rows are old ones and noise of the given size": 0.8 < size < 1.25,
            "each entry has a noise of its own": len(np.unique(added)) > 0.9 * added.size,
            "the noise is normal, around 0": (0.01 < beyond < 0.1)
            and abs(np.mean(added)) < 0.25 * np.std(added),
            "no noise at all": close(added, 0 * added),
        }
    else:
        seen["new rows are old ones"] = close(new, old[source])
    return seen | {
        "all new rows are 0": bool(added.size) and close(new[width:], 0 * added),
        "all new biases are 0": bool(added.size) and close(wide_b1[width:], 0 * b1[source][width:]),
    }


def judge_outgoing(
    w2: np.ndarray, wide2: np.ndarray, width: int, source: np.ndarray
) -> dict[str, bool]:
    """What the units send on: the columns of w2, those of a unit side by side."""
    old = w2.reshape(len(w2), width, -1).astype(np.float64)  # (O, H, what a unit sends)
    new = wide2.reshape(len(w2), len(source), -1)
    count = np.bincount(source, minlength=width)
    sums = np.zeros_like(old)
    np.add.at(sums, (slice(None), source), new)
    copies = old[:, source]
    grown = len(source) > width
    clones = count[source][width:] - 1
    shared = close(new, copies / count[source][:, None])
    other = grown and not shared
    halves = copies / np.minimum(count[source], 2)[:, None]
    turned = wide2.reshape(len(w2), -1, len(source)).swapaxes(1, 2)
    return {
        "copies of a unit together send what it sent": close(sums, old),
        "copies of a unit send equal shares": shared,
        "every unit sends what the old one sent": other and close(new, copies),
        "old units send what they sent": grown and close(new[:, :width], old),
        "new units send nothing": grown and close(new[:, width:], 0 * new[:, width:]),
        "every unit sends the same share": other and close(new, copies * width / len(source)),
        "every unit sends half": other and close(new, copies / 2),
        "units with copies send half": other and close(new, halves),
        "only clones are counted": other
        and close(new[:, width:], copies[:, width:] / np.maximum(clones, 1)[:, None]),
        "places come before channels": grown
        and new.shape[2] > 1
        and w2.ndim == 2
        and close(turned, _places_first(old, source) / count[source][:, None]),
    }


def _places_first(old: np.ndarray, source: np.ndarray) -> np.ndarray:
    """Columns of the old w2 read as place after place, not channel after channel."""
    return old.reshape(len(old), -1, old.shape[1]).swapaxes(1, 2)[:, source]


def close(a: np.ndarray, b: np.ndarray) -> bool:
    """Equal shapes, and equal entries but for single precision; NaN equals nothing."""
    if a.shape != b.shape:
        return False
    return bool(np.all(np.abs(a - b) <= CLOSE * (1 + np.max(np.abs(b), initial=0))))


# --- deepen_linear, deepen_conv --------------------------------------------------------------


def deepen_linear_cases(rng: np.random.Generator) -> list[Case]:
    small, middle, large = (int(rng.integers(*ends)) for ends in [(2, 4), (4, 10), (10, 60)])
    return [Case((small,)), Case((middle,)), Case((large,)), Case((1,), "edge", "one unit")]


def deepen_conv_cases(rng: np.random.Generator) -> list[Case]:
    channels = [int(n) for n in rng.choice(np.arange(3, 30), size=3, replace=False)]
    return [
        Case((2, 3)),
        Case((channels[0], 3)),
        Case((channels[1], 5)),
        Case((3, 3), "edge", "as many channels as the filter is wide"),
        Case((channels[2], 1), "edge", "a filter of one place"),
        Case((1, 7), "edge", "one channel"),
    ]


# --- grow ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Chain:
    """An nn.Sequential of Linear and ReLU as arrays: w (out, in) and b (out,) of each Linear."""

    layers: tuple[tuple[np.ndarray, np.ndarray], ...]

    def build(self) -> Any:
        import torch
        from torch import nn

        modules = []
        for w, b in self.layers:
            with torch.random.fork_rng(devices=[]):
                layer = nn.Linear(w.shape[1], w.shape[0])
            layer.weight, layer.bias = (nn.Parameter(torch.tensor(a)) for a in (w, b))
            modules += [layer, nn.ReLU()]
        return nn.Sequential(*modules[:-1])

    def __repr__(self) -> str:
        layers = [f"Linear({w.shape[1]}, {w.shape[0]})" for w, _ in self.layers]
        return f"Sequential({', ReLU(), '.join(layers)}), {self.layers[0][0].dtype}"


def grow_cases(rng: np.random.Generator) -> list[Case]:
    def draw(sizes: Sequence[int], *plan: tuple, dtype: type = np.float32) -> tuple:
        layers = [
            (rng.standard_normal((h, d)).astype(dtype), biases(rng, h).astype(dtype))
            for d, h in pairwise(sizes)
        ]
        return Chain(tuple(layers)), list(plan), own_generator(rng)

    both = ("wide", 0, 6), ("wide", 1, 7)
    return [
        Case(draw((2, 3, 2), ("wide", 0, 5))),
        Case(draw((2, 3, 2), ("wide", 0, 5))),
        Case(draw((2, 3, 2), ("deep", 0))),
        Case(draw((4, 5, 3, 2), *both)),
        Case(draw((3, 4, 5, 2), ("wide", 1, 9), ("deep", 0))),
        Case(draw((3, 4, 5, 2), ("wide", 0, 7), ("deep", 0))),
        Case(draw((3, 4, 5, 3, 2), ("deep", 2), ("deep", 1), ("wide", 0, 31))),
        Case(draw((2, 4, 3)), "edge", "an empty plan"),
        Case(draw((2, 4, 4, 3), ("wide", 1, 4)), "edge", "no unit more"),
        Case(draw((3, 4, 2), ("wide", 0, 6), ("wide", 0, 9)), "edge", "one layer twice"),
        Case(draw((3, 4, 2), ("deep", 0), ("deep", 0)), "edge", "two layers more"),
        Case(draw((1, 1, 1), ("wide", 0, 3), ("deep", 0)), "edge", "one unit"),
        Case(draw((4, 5, 3, 2), *both, ("deep", 1), dtype=np.float64), "numerical", "float64"),
    ]


def run_grow(attempt: Callable, model: Chain, plan: list[tuple], rng: np.random.Generator) -> tuple:
    """The grown model in arrays, what the old one holds then, and two more models.

    These come with a generator equal to the first, and with the first one again.
    """
    twin, steps, old = copy.deepcopy(rng), copy.deepcopy(plan), model.build()
    kinds, sizes, weights = opened(attempt(old, plan, rng))
    after = opened(old)[2]
    repeats = [opened(attempt(model.build(), copy.deepcopy(steps), g))[2] for g in (twin, rng)]
    return kinds, sizes, weights, after, *repeats


def opened(model: Any) -> tuple[list[int], np.ndarray, np.ndarray]:
    """A model's kinds of layers (1 Linear, 0 ReLU), (out, in) of each Linear, all entries in a row.

    Sequentials in Sequentials are opened too, and Identity is left out.
    """
    from torch import nn

    if model is None:
        raise Unusable("none", "It returned None: is a return statement missing?")
    if not isinstance(model, nn.Sequential):
        raise Unusable("numbers", f"It returned a {type(model).__name__}, not an nn.Sequential.")
    kinds, sizes, entries = [], [], []
    for layer in leaves(model):
        if not isinstance(layer, (nn.Linear, nn.ReLU)):
            kind = type(layer).__name__
            raise Unusable("numbers", f"Its model holds a {kind}, not Linear and ReLU alone.")
        kinds.append(int(isinstance(layer, nn.Linear)))
        if isinstance(layer, nn.Linear):
            w = plain(layer.weight, "a weight")
            b = np.zeros(len(w)) if layer.bias is None else plain(layer.bias, "a bias")
            sizes.append(w.shape)
            entries += [w, b]
    dtypes = sorted({str(array.dtype) for array in entries})
    if len(dtypes) > 1:
        text = f"Its model holds {' and '.join(dtypes)} side by side, and can't be run."
        raise Unusable("numbers", text)
    return kinds, np.array(sizes).reshape(-1, 2), in_a_row(entries)


def leaves(model: Any) -> list:
    """The layers of nested Sequentials, one after the other, but for Identity."""
    from torch import nn

    if isinstance(model, nn.Sequential):
        return [leaf for child in model for leaf in leaves(child)]
    return [] if isinstance(model, nn.Identity) else [model]


def measure_grow(case: Case, arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """What must hold for any draw; 1 stands for yes."""
    model, plan, _ = case.args
    base, widths = planned(model, plan)
    ins = [base[0][0].shape[1], *widths[:-1]]
    sizes = np.stack([widths, ins], axis=1)
    fits = arrays["sizes"].shape == sizes.shape and np.array_equal(arrays["sizes"], sizes)
    fits = fits and arrays["weights"].size == np.sum(sizes[:, 0] * (sizes[:, 1] + 1))
    kinds = np.resize([1, 0], 2 * len(base) - 1)
    untouched = in_a_row([a for layer in model.layers for a in layer])
    single = untouched.dtype == np.float32
    seen = {
        "Linear and ReLU take turns, from Linear to Linear": np.array_equal(arrays["kinds"], kinds),
        f"(out, in) of the Linear layers are {sizes.tolist()}": fits,
        "a float32 model stays float32": not single or arrays["weights"].dtype == np.float32,
    }
    unknown = [(np.full(s, np.nan), np.full(s[0], np.nan)) for s in sizes]
    grown = split(arrays["weights"], sizes) if fits else unknown
    wide, rows, places = traced(base, grown)
    seen |= {
        "outputs are the old model's": close(
            *(outputs(layers, ins[0]) for layers in (grown, model.layers))
        ),
        "old units keep their place": places,
        "every unit copies an old one": rows,
        "the old model is as it was": close(arrays["old"].astype(np.float64), untouched),
    }
    again, later = (arrays[name] for name in REPEATS)
    seen["same model from equal generators"] = close(arrays["weights"], again)
    if fits and sum(widths) - sum(len(b) for _, b in base) >= MANY:
        other = split(later, sizes) if later.size == arrays["weights"].size else unknown
        pairs = zip(wide, traced(base, other)[0], strict=True)
        seen["other units copied from the generator's next numbers"] = any(
            np.any(a != b) for a, b in pairs
        )
    elif sum(widths) - sum(len(b) for _, b in base) >= MANY:
        seen["other units copied from the generator's next numbers"] = False
    return {name: np.array(int(value)) for name, value in seen.items()}


def planned(model: Chain, plan: Sequence[tuple]) -> tuple[list[tuple], list[int]]:
    """The layers with the new ones of the plan between them, not yet widened, and final widths."""
    base = list(model.layers)
    widths = [len(b) for _, b in base]
    for kind, i, *width in plan:
        if kind == "wide":
            widths[i] = width[0]
        else:
            size = len(base[i][1])
            base.insert(i + 1, (np.eye(size), np.zeros(size)))
            widths.insert(i + 1, widths[i])
    return base, widths


def split(row: np.ndarray, sizes: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Weights and biases out of one row, layer by layer."""
    layers, start = [], 0
    for out, inner in sizes:
        middle, end = start + out * inner, start + out * (inner + 1)
        layers.append((row[start:middle].reshape(out, inner), row[middle:end]))
        start = end
    return [(w.astype(np.float64), b.astype(np.float64)) for w, b in layers]


def traced(base: Sequence[tuple], grown: Sequence[tuple]) -> tuple[list[np.ndarray], bool, bool]:
    """The old unit that each unit copies, layer by layer; and what holds for all layers:

    that units have an old one's bias and, summed over the copies of each input, its weights; and
    that the old ones come first, in their order.
    """
    found, right, in_place = [], True, True
    source = np.arange(base[0][0].shape[1])
    for (w, b), (wide_w, wide_b) in zip(base, grown, strict=True):
        folded = np.zeros((len(wide_b), w.shape[1]))
        np.add.at(folded, (slice(None), source), wide_w)
        source = sources(w, b, folded, wide_b)
        right &= close(folded, w[source].astype(np.float64)) and close(wide_b, b[source] * 1.0)
        in_place &= np.array_equal(source[: len(b)], np.arange(len(b)))
        found.append(source)
    return found, right, in_place


def outputs(layers: Sequence[tuple], inputs: int) -> np.ndarray:
    """What a chain of layers with ReLU between makes of a few inputs."""
    hidden = np.random.default_rng(0).standard_normal((8, inputs))
    for w, b in layers[:-1]:
        hidden = np.maximum(hidden @ w.T + b, 0)
    w, b = layers[-1]
    return hidden @ w.T + b


WIDEN = {
    "inputs": (*WEIGHTS, "new_width", "rng", "noise"),
    "outputs": (*WEIGHTS, *REPEATS),
    "run": run_widen,
    "measure": measure_widen,
}

EXERCISES = [
    Net2Net(
        id="net2net.widen_linear",
        cases=widen_linear_cases,
        section="2. Wider",
        **WIDEN,
    ),
    Net2Net(
        id="net2net.widen_conv",
        cases=widen_conv_cases,
        section="3. Wider convolutions",
        **WIDEN,
    ),
    Net2Net(
        id="net2net.deepen_linear",
        inputs=("width",),
        outputs=("w", "b"),
        cases=deepen_linear_cases,
        section="4. Deeper",
    ),
    Net2Net(
        id="net2net.deepen_conv",
        inputs=("channels", "k"),
        outputs=("w", "b"),
        cases=deepen_conv_cases,
        section="4. Deeper",
    ),
    Net2Net(
        id="net2net.grow",
        inputs=("model", "plan", "rng"),
        outputs=("kinds", "sizes", "weights", "old", *REPEATS),
        cases=grow_cases,
        run=run_grow,
        measure=measure_grow,
        section="5. A whole net",
    ),
]
