"""The exercises of 11_transfer: how each is called, and on which cases.

Cases hold NumPy arrays, and models and classifiers in words. Torch is imported where it is used,
so that all exercises can be listed without it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np

from pytools.exercise import Case, Exercise, Unusable, plain
from pytools.exercises.candidates import Candidate, Notes
from pytools.exercises.tensors import Model, require_unchanged, tensors

Transfer = partial(Exercise, answers="pytools.exercises.answers.transfer")


def chain(nn: Any, **layers: Any) -> Any:
    """Layers by name, one after the other."""
    net = nn.Sequential()
    for name, layer in layers.items():
        net.add_module(name, layer)
    return net


# --- extract_features ------------------------------------------------------------------------


def rows_net(nn: Any) -> Any:
    return chain(nn, fc1=nn.Linear(3, 5), act=nn.Tanh(), fc2=nn.Linear(5, 2))


def maps_net(nn: Any) -> Any:
    """Convolutions, batch normalisation and a classifier."""
    body = chain(nn, conv=nn.Conv2d(1, 3, 3), norm=nn.BatchNorm2d(3), act=nn.Tanh())
    return chain(nn, body=body, pool=nn.MaxPool2d(2), flat=nn.Flatten(), fc=nn.Linear(12, 2))


def dropout_net(nn: Any) -> Any:
    return chain(nn, fc1=nn.Linear(3, 6), drop=nn.Dropout(0.5), act=nn.Tanh(), fc2=nn.Linear(6, 2))


def hooked_net(nn: Any) -> Any:
    """With a hook of the caller's own."""
    net = rows_net(nn)
    net.fc1.register_forward_hook(lambda layer, inputs, output: None)
    return net


ROWS = "fc1 = Linear(3, 5), act = Tanh, fc2 = Linear(5, 2)"
MAPS = "body = (conv = Conv2d(1, 3, 3), norm = BatchNorm2d(3), act = Tanh), pool, flat, fc"
DROPOUT = "fc1 = Linear(3, 6), drop = Dropout(0.5), act = Tanh, fc2 = Linear(6, 2)"


def extract_cases(rng: np.random.Generator) -> list[Case]:
    def draw(words: str, make: Callable, layer: str, *shape: int, mode: str = "train") -> tuple:
        model = Model(words, make, int(rng.integers(2**31)))
        return model, rng.uniform(-1, 1, shape).astype(np.float32), layer, mode

    hooked = f"{ROWS}; fc1 has a hook of the caller's"
    return [
        Case(draw(ROWS, rows_net, "act", 2, 3), note="the model arrives in training mode"),
        Case(draw(ROWS, rows_net, "fc1", 6, 3)),
        Case(draw(MAPS, maps_net, "body.conv", 3, 1, 6, 6), note="feature maps (N, 3, 4, 4)"),
        Case(draw(MAPS, maps_net, "body", 4, 1, 6, 6), note="a block of layers"),
        Case(draw(MAPS, maps_net, "fc", 5, 1, 6, 6, mode="eval"), note="it arrives evaluating"),
        Case(draw(MAPS, maps_net, "pool", 150, 1, 6, 6), "edge", "many images"),
        Case(draw(ROWS, rows_net, "fc2", 1, 3, mode="eval"), "edge", "one image"),
        Case(draw(DROPOUT, dropout_net, "act", 4, 3), "edge", "a model with dropout"),
        Case(draw(hooked, hooked_net, "fc1", 3, 3), "edge"),
    ]


def run_extract_features(
    attempt: Callable, model: Model, images: np.ndarray, layer: str, mode: str
) -> tuple:
    """The features, and what should not be, as counts that are 0 where all is right.

    Layers in another mode, hooks left, weights or statistics changed, weights frozen, features on
    the tape.
    """
    import torch

    module = model.build(images).train(mode == "train")
    (given,) = tensors(images)
    state = {name: value.clone() for name, value in module.state_dict().items()}
    modes = [layer.training for layer in module.modules()]
    hooks = _count_hooks(module)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        features = attempt(module, given, layer)
    require_unchanged({"images": images}, [given])
    if features is None:
        return None
    after = module.state_dict()
    modes_now = [layer.training for layer in module.modules()]
    return (
        features,
        sum(now != mode for now, mode in zip(modes_now, modes, strict=True)),
        _count_hooks(module) - hooks,
        sum(not torch.equal(value, after[name]) for name, value in state.items()),
        sum(not parameter.requires_grad for parameter in module.parameters()),
        int(getattr(features, "requires_grad", False)),
    )


def _count_hooks(module: Any) -> int:
    return sum(len(layer._forward_hooks) for layer in module.modules())


# --- best_classifier -------------------------------------------------------------------------


def classifier_cases(rng: np.random.Generator) -> list[Case]:
    def draw(num: int, draws: int = 1, **accuracies: float) -> tuple:
        """Rows whose column 0 is their number, and then each candidate's guesses."""
        labels = rng.integers(3, size=num)
        columns = [np.arange(num)]
        for accuracy in accuracies.values():
            wrong = np.zeros(num, dtype=bool)
            wrong[rng.permutation(num)[round(num * accuracy) :]] = True
            columns.append((labels + wrong * rng.integers(1, 3, size=num)) % 3)
        features = np.stack(columns, axis=1).astype(float)
        seed = int(rng.integers(2**31 - 1000))
        return features, labels, dict(zip(accuracies, range(1, 9), strict=False)), seed, draws

    features, labels, twins, seed, _ = draw(100, a=0.3, b=0.8, c=0.8, d=0.1)
    features[:, 3] = features[:, 2]
    guesses = "a candidate's guesses stand in a column; column 0 is the row's number"
    return [
        Case(draw(20, 1, tree=0.5, forest=0.9), note=guesses),
        Case(draw(100, 5, tree=0.5, forest=0.8, logistic=0.6), note="five generators"),
        Case(draw(100, 5, logistic=0.7, boosted=0.5, tree=0.3, forest=0.6)),
        Case(draw(40, 12, tree=0.5, forest=0.5), note="twelve generators"),
        Case((features, labels, twins, seed, 3), "edge", "two candidates that guess alike"),
        Case(draw(60, 2, only=0.5), "edge", "one candidate"),
        Case(draw(10, 2, first=0.0, second=0.0), "edge", "ten rows; nobody is ever right"),
        Case((*draw(100, a=0.5, b=0.4)[:4], 2), "edge", "the candidates themselves stay untrained"),
    ]


def run_best_classifier(
    attempt: Callable,
    features: np.ndarray,
    labels: np.ndarray,
    candidates: dict[str, int],
    seed: int,
    draws: int,
) -> tuple:
    """For generators of seed, seed + 1, ..., and of seed again: best, scores, and who saw what.

    Masks (draws + 1, candidates, N): rows trained on, and rows asked about that were not; then how
    many labels did not belong to their rows, and how many of the given candidates were trained.
    """
    rounds = [
        _one_round(attempt, features, labels, candidates, seed + i) for i in [*range(draws), 0]
    ]
    return tuple(np.array(part) for part in zip(*rounds, strict=True))


def _one_round(
    attempt: Callable, features: np.ndarray, labels: np.ndarray, columns: dict, seed: int
) -> tuple:
    notes = Notes()
    given = {name: Candidate(name, column, notes) for name, column in columns.items()}
    result = attempt(features, labels, given, np.random.default_rng(seed))
    if result is None:
        raise Unusable("none", "It returned None: is a return statement missing?")
    if not isinstance(result, (tuple, list)) or len(result) != 2:
        raise Unusable("count", f"It returned one {type(result).__name__}, not name, scores.")
    best, scores = result
    if not isinstance(scores, Mapping):
        raise Unusable("count", f"scores is a {type(scores).__name__}, not a dict.")
    if not isinstance(best, str):
        raise Unusable("count", f"The best one's name is a {type(best).__name__}, not a string.")
    names = list(columns)
    trained, asked = (np.zeros((len(names), len(labels)), dtype=int) for _ in range(2))
    strangers = 0
    for i, name in enumerate(names):
        rows, own_labels, questions = _last_fair([note for note in notes if note[0] == name])
        trained[i, rows] = 1
        asked[i, questions] = 1
        asked[i, rows] = 0
        strangers += len(rows) != len(own_labels) or int(np.sum(labels[rows] != own_labels))
    numbers = [float(plain(scores.get(name, np.nan), name).reshape(-1)[0]) for name in names]
    others = len(set(scores) - set(names))
    fitted = sum(hasattr(candidate, "rows_") for candidate in given.values())
    kept = list(given) == names
    place = names.index(best) if best in names else -1
    return place, numbers, trained, asked, strangers, others, fitted + (not kept)


def _last_fair(notes: list) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows, labels, questions: the last time that a classifier was asked about unseen rows."""
    none = np.zeros(0, dtype=int)
    fair = [note for note in notes if set(note[3]) - set(note[1])]
    _, rows, labels, questions = [("", none, none, none), *notes[-1:], *fair][-1]
    return rows, labels, questions


def measure_classifier(case: Case, arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """How many rows were trained on and held out, and whether scores and best follow from them."""
    features, labels, columns, _, draws = case.args
    trained, held_out = arrays["trained"] == 1, arrays["held_out"] == 1
    guesses = features[:, list(columns.values())].T  # (candidates, N)
    right = (guesses == labels) & held_out
    counts = held_out.sum(axis=2)
    accuracies = right.sum(axis=2) / np.maximum(counts, 1)
    scores = arrays["scores"]
    off = ~(np.abs(scores - accuracies) < 1e-6)
    own = (held_out != held_out[:, :1]).any(axis=2) | (trained != trained[:, :1]).any(axis=2)
    different = len({rows.tobytes() for rows in held_out[:draws, 0]})
    first_best = np.argmax(np.nan_to_num(scores, nan=-1.0), axis=1)
    trained_on = trained.sum(axis=2)
    found = {
        "rows trained on, at least and at most": [trained_on.min(), trained_on.max()],
        "rows held out, at least and at most": [counts.min(), counts.max()],
        "candidates with rows of their own": own.sum(),
        "labels of other rows": arrays["strangers"].sum(),
        "scores that are not the accuracy on the held-out rows": off.sum(),
        "scores of others": arrays["others"].sum(),
        "rounds without the first best": (arrays["best"] != first_best).sum(),
        # one or two draws from few rows may agree by chance
        "generators that differ in the rows held out (at most 2)": min(
            different, 2 if draws > 2 else 1
        ),
        "another result at the same seed": (held_out[0] != held_out[-1]).any() * 1,
        "given candidates changed": arrays["changed"].sum(),
    }
    return {name: np.array(value) for name, value in found.items()}


# --- finetune_groups -------------------------------------------------------------------------


class LayerName(str):
    """The name of a layer. Who takes it for the layer finds the same parameters there."""

    def __new__(cls, name: str, module: Any) -> LayerName:
        new = super().__new__(cls, name)
        layer = module.get_submodule(name)
        new.parameters, new.named_parameters = layer.parameters, layer.named_parameters
        return new


def simple_net(nn: Any) -> Any:
    """Body and head have as many units, so that their biases are equal at first."""
    return chain(nn, body=nn.Linear(3, 4), act=nn.Tanh(), head=nn.Linear(4, 4))


def deep_net(nn: Any) -> Any:
    body = chain(nn, conv=nn.Conv2d(1, 2, 3), norm=nn.BatchNorm2d(2), act=nn.ReLU())
    top = chain(nn, drop=nn.Dropout(), fc=nn.Linear(8, 3))
    return chain(nn, features=body, flat=nn.Flatten(), classifier=top)


def namesakes(nn: Any) -> Any:
    """Other layers' names begin or end like the head's."""
    block = chain(nn, fc=nn.Linear(3, 3), fc2=nn.Linear(3, 3))
    return chain(nn, block=block, fc1=nn.Linear(3, 3), fc=nn.Linear(3, 2))


def shared_body(nn: Any) -> Any:
    first, second = nn.Linear(3, 3), nn.Linear(3, 3)
    second.weight = first.weight
    return chain(nn, first=first, second=second, again=first, head=nn.Linear(3, 2))


def frozen_start(nn: Any) -> Any:
    net = chain(nn, a=nn.Linear(3, 4), b=nn.Linear(4, 4), head=nn.Linear(4, 2))
    net.a.requires_grad_(False)
    return net


def own_parameter(nn: Any) -> Any:
    """A parameter that lies in the model itself, in no layer."""
    import torch

    class Scaled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scale = nn.Parameter(torch.ones(3))
            self.body = nn.Linear(3, 4)
            self.head = nn.Linear(4, 2, bias=False)

    return Scaled()


def groups_cases(rng: np.random.Generator) -> list[Case]:
    def draw(words: str, make: Callable, head: str, factor: float | None = None) -> tuple:
        rate = float(rng.uniform(0.1, 0.5))
        factor = float(rng.uniform(0.1, 0.4)) if factor is None else factor
        return Model(words, make, int(rng.integers(2**31))), head, rate, factor

    simple = "body = Linear(3, 4), act = Tanh, head = Linear(4, 4); all biases are 0"
    deep = "features = (Conv2d, BatchNorm2d, ReLU), flat, classifier = (drop, fc = Linear(8, 3))"
    alike = "block = (fc, fc2), fc1, fc, each a Linear"
    shared = "first and second share a weight, again is first once more, head = Linear(3, 2)"
    frozen = "a (frozen), b, head, each a Linear"
    own = "scale, a parameter of the model itself, body = Linear(3, 4), head = Linear(4, 2)"
    return [
        Case(draw(simple, simple_net, "head"), note="rates of body.weight, body.bias, ..."),
        Case(draw(simple, simple_net, "head")),
        Case(draw(deep, deep_net, "classifier")),
        Case(draw(deep, deep_net, "classifier.fc"), note="the head is a layer in a block"),
        Case(draw(own, own_parameter, "head")),
        Case(draw(simple, simple_net, "body"), note="the first layer is the head"),
        Case(draw(alike, namesakes, "fc"), "edge", "other layers' names begin like the head's"),
        Case(draw(shared, shared_body, "head"), "edge"),
        Case(draw(frozen, frozen_start, "head"), "edge"),
        Case(draw(simple, simple_net, "head", 0.0), "edge", "the body's rate is 0"),
        Case(draw(simple, simple_net, "head", 1.0), "edge", "one rate for all"),
    ]


def run_finetune_groups(
    attempt: Callable, model: Model, head: str, base_lr: float, body_factor: float
) -> tuple:
    """In the model's order, for each parameter that learns: in how many groups, at which rate.

    Then how many tensors in the groups are none of the model's, and how many parameters do not ask
    for gradients as they did. A frozen parameter may be in a group: no optimiser moves it. Biases
    are 0, as in a new net: who compares parameters by value takes one for another.
    """
    module = model.build(np.zeros(1, dtype=np.float32))
    for name, parameter in module.named_parameters():
        if name.endswith("bias"):
            parameter.data.zero_()
    before = [parameter.requires_grad for parameter in module.parameters()]
    learned = [parameter for parameter in module.parameters() if parameter.requires_grad]
    groups = attempt(module, LayerName(head, module), base_lr, body_factor)
    if groups is None:
        raise Unusable("none", "It returned None: is a return statement missing?")
    members = [
        (id(parameter), rate) for group in _dicts(groups) for parameter, rate in _members(group)
    ]
    rates = dict(sorted(members))  # of a parameter in two groups the higher one, in any order
    after = [parameter.requires_grad for parameter in module.parameters()]
    return (
        [sum(number == id(p) for number, _ in members) for p in learned],
        [rates.get(id(p), np.nan) for p in learned],
        len(set(rates) - {id(p) for p in module.parameters()}),
        sum(was != now for was, now in zip(before, after, strict=True)),
    )


def _dicts(groups: Any) -> list[Mapping]:
    groups = [groups] if isinstance(groups, Mapping) else groups
    try:
        groups = list(groups)
    except TypeError:
        raise Unusable("count", f"It returned a {type(groups).__name__}, not a list.") from None
    for group in groups:
        if not isinstance(group, Mapping) or not {"params", "lr"} <= set(group):
            raise Unusable("count", "A group is a dict with the keys 'params' and 'lr'.")
    return groups


def _members(group: Mapping) -> list[tuple[Any, float]]:
    """The tensors of a group, each with the group's rate."""
    params = group["params"]
    params = [params] if hasattr(params, "requires_grad") else list(params)
    params = [param[1] if isinstance(param, tuple) else param for param in params]  # (name, it)
    return [(param, float(group["lr"])) for param in params]


# --- bag_of_words ----------------------------------------------------------------------------


def words_cases(rng: np.random.Generator) -> list[Case]:
    def draw(num: int, words: int, size: int, scale: float = 1.0) -> tuple:
        """Descriptors that are clearly nearest to one word."""
        codebook = rng.standard_normal((words, size))
        drawn = rng.standard_normal((60 * num + 60, size))
        gaps = np.sort(np.linalg.norm(drawn[:, None] - codebook, axis=2), axis=1)
        clear = drawn if words == 1 else drawn[gaps[:, 1] > 1.05 * gaps[:, 0]]
        return scale * clear[:num], scale * codebook

    _, codebook = draw(1, 4, 3)
    one_word = codebook[1] + 0.01 * rng.standard_normal((5, 3))
    single = [a.astype(np.float32) for a in draw(15, 4, 8)]
    return [
        Case(draw(4, 3, 2)),
        Case(draw(30, 5, 4)),
        Case(draw(40, 8, 3)),
        Case(draw(7, 12, 6), note="fewer descriptors than words"),
        Case((one_word, codebook), "edge", "every descriptor is the same word, not the last"),
        Case(draw(1, 6, 4), "edge", "one descriptor"),
        Case(draw(5, 1, 3), "edge", "one word"),
        Case((np.zeros((0, 3)), codebook), "edge", "no descriptors"),
        Case(draw(20, 5, 4, 1e4), "numerical", "large numbers"),
        Case(tuple(single), "numerical", "float32 tensors"),
    ]


def run_bag_of_words(attempt: Callable, descriptors: np.ndarray, codebook: np.ndarray) -> Any:
    """The histogram of tensors."""
    given = tensors(descriptors, codebook)
    hist = attempt(*given)
    require_unchanged({"descriptors": descriptors, "codebook": codebook}, given)
    return hist


EXERCISES = [
    Transfer(
        id="transfer.extract_features",
        inputs=("model", "images", "layer", "mode"),
        outputs=(
            "features",
            "modes_changed",
            "hooks_left",
            "weights_changed",
            "weights_frozen",
            "on_tape",
        ),
        cases=extract_cases,
        run=run_extract_features,
        section="2. Features off the shelf",
    ),
    Transfer(
        id="transfer.best_classifier",
        inputs=("features", "labels", "candidates", "seed", "draws"),
        outputs=("best", "scores", "trained", "held_out", "strangers", "others", "changed"),
        cases=classifier_cases,
        run=run_best_classifier,
        measure=measure_classifier,
        section="3. Which classifier?",
    ),
    Transfer(
        id="transfer.bag_of_words",
        inputs=("descriptors", "codebook"),
        outputs=("hist",),
        cases=words_cases,
        run=run_bag_of_words,
        section="4. The rival: visual words",
    ),
    Transfer(
        id="transfer.finetune_groups",
        inputs=("model", "head", "base_lr", "body_factor"),
        outputs=("groups", "rates", "others", "frozen_or_freed"),
        cases=groups_cases,
        run=run_finetune_groups,
        section="6. Fine-tuning: each layer at its own rate",
    ),
]
