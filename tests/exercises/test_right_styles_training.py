"""Training written in any right way passes; wrong ways that nobody listed do not."""

import copy
import difflib
import math
import os
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from pytools import check
from pytools.models import LAYERS, build_net

# --- accuracy --------------------------------------------------------------------------------


def by_sklearn(logits, labels):
    from sklearn.metrics import accuracy_score

    return accuracy_score(labels.numpy(), logits.numpy().argmax(axis=1))


def row_by_row(logits, labels):
    right = 0
    for row, label in zip(logits.tolist(), labels.tolist(), strict=True):
        right += row.index(max(row)) == label
    return torch.tensor(right / len(labels))


def by_top_k(logits, labels):
    return (logits.topk(1).indices.squeeze(1) == labels).float().mean()


def by_softmax(logits, labels):
    return np.mean(F.softmax(logits, dim=1).max(dim=1)[1].numpy() == labels.numpy())


def of_the_first_eight(logits, labels):
    return (logits.argmax(dim=1) == labels)[:8].float().mean()


def naive_softmax(logits, labels):
    exps = logits.exp()
    return ((exps / exps.sum(dim=1, keepdim=True)).argmax(dim=1) == labels).float().mean()


def sorts_in_place(logits, labels):
    accuracy = by_top_k(logits, labels)
    logits -= logits.max()
    return accuracy


# --- confusion_matrix ------------------------------------------------------------------------


def nested_lists(pred, true, num_classes):
    counts = [[0] * num_classes for _ in range(num_classes)]
    for p, t in zip(pred, true, strict=True):
        counts[t][p] += 1
    return counts


def by_add_at(pred, true, num_classes):
    counts = np.zeros((num_classes, num_classes), dtype=np.int32)
    np.add.at(counts, (true.numpy(), pred.numpy()), 1)
    return counts


def by_one_hot(pred, true, num_classes):
    return F.one_hot(true, num_classes).T @ F.one_hot(pred, num_classes)


def by_index_put(pred, true, num_classes):
    counts = torch.zeros(num_classes, num_classes, dtype=torch.long)
    return counts.index_put_((true, pred), torch.ones(len(true), dtype=torch.long), accumulate=True)


def by_sklearns_own(pred, true, num_classes):
    from sklearn.metrics import confusion_matrix

    return confusion_matrix(true.numpy(), pred.numpy(), labels=range(num_classes))


def of_ten_classes(pred, true, num_classes):
    return by_one_hot(pred, true, 10)


def symmetric(pred, true, num_classes):
    counts = by_one_hot(pred, true, num_classes)
    return (counts + counts.T) // 2


# --- step_lr ---------------------------------------------------------------------------------


def by_math_floor(base_lr, gamma, stepsize, it):
    return base_lr * math.pow(gamma, math.floor(it / stepsize))


def by_a_loop(base_lr, gamma, stepsize, it):
    for _ in range(stepsize, it + 1, stepsize):
        base_lr *= gamma
    return base_lr


def by_torchs_scheduler(base_lr, gamma, stepsize, it):
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=base_lr)
    return optimizer.param_groups[0]["lr"] * torch.tensor(gamma, dtype=torch.float64) ** int(
        it / stepsize
    )


def at_most_ten_steps(base_lr, gamma, stepsize, it):
    return base_lr * gamma ** min(it // stepsize, 10)


def never_below_a_thousandth(base_lr, gamma, stepsize, it):
    return max(base_lr * gamma ** (it // stepsize), base_lr * 1e-3)


# --- EarlyStopping ---------------------------------------------------------------------------


class ByHistory:
    def __init__(self, patience):
        self.patience, self.values = patience, []

    def update(self, value):
        self.values.append(value)
        best = int(np.argmin(self.values))
        return np.bool_(len(self.values) - 1 - best >= self.patience)


class CountingDown:
    def __init__(self, patience):
        self.patience = self.left = patience
        self.best = None

    def update(self, value):
        if self.best is None or value < self.best:
            self.best, self.left = value, self.patience
            return False
        self.left -= 1
        return self.left == 0


class WithTensors:
    def __init__(self, patience):
        self.patience = patience
        self.best = torch.tensor(math.inf, dtype=torch.float64)
        self.bad = torch.zeros(())

    def update(self, value):
        gained = torch.tensor(value, dtype=torch.float64) < self.best
        self.best = torch.minimum(self.best, torch.tensor(value, dtype=torch.float64))
        self.bad = torch.where(gained, torch.zeros(()), self.bad + 1)
        return self.bad >= self.patience


class ComparedWithTheFirst(CountingDown):
    def update(self, value):
        if self.best is None or value < self.best:
            self.best, self.left = self.best or value, self.patience
            return False
        self.left -= 1
        return self.left == 0


class WithAGenerator:
    def __init__(self, patience):
        self.answers = self.watch(patience)
        next(self.answers)

    def watch(self, patience):
        best, waited, stop = math.inf, 0, None
        while True:
            value = yield stop
            waited = 0 if value < best else waited + 1
            best, stop = min(best, value), waited + 1 > patience

    def update(self, value):
        return self.answers.send(value)


def made_by_a_function(patience):
    values = []

    def update(value):
        values.append(value)
        return len(values) > patience and min(values[-patience:]) >= min(values[:-patience])

    return SimpleNamespace(update=update)


class SaysNothingBefore(CountingDown):
    def update(self, value):
        if super().update(value):
            return True


class WindowOfTwo(ByHistory):
    def update(self, value):
        self.values.append(value)
        return (
            len(self.values) > self.patience and self.values[-1] > self.values[-1 - self.patience]
        )


# --- resume ----------------------------------------------------------------------------------


def with_try(path, model, optimizer):
    try:
        with open(path, "rb") as file:
            checkpoint = torch.load(file)  # weights_only is the default since PyTorch 2.6
    except FileNotFoundError:
        return 0
    optimizer.load_state_dict(checkpoint["optimizer"])
    model.load_state_dict(checkpoint["model"], strict=True)
    return int(checkpoint["step"])


def with_safe_globals_off(path, model, optimizer):
    if not os.path.isfile(str(path)):
        return torch.tensor(0)
    step = 0
    for key, value in torch.load(str(path), weights_only=True, map_location="cpu").items():
        if key == "step":
            step = value
        elif key in ("model", "optimizer"):
            {"model": model, "optimizer": optimizer}[key].load_state_dict(value)
    return step


def parameters_copied(path, model, optimizer):
    if not path.exists():
        return 0
    checkpoint = torch.load(path, weights_only=True)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.copy_(checkpoint["model"][name])
    optimizer.load_state_dict(checkpoint["optimizer"])
    return checkpoint["step"]


def removed_after_reading(path, model, optimizer):
    step = with_try(path, model, optimizer)
    path.unlink(missing_ok=True)
    return step


def saved_at_the_start(path, model, optimizer):
    if not path.exists():
        torch.save({"step": 0}, path)
        return 0
    return with_try(path, model, optimizer)


def own_learning_rate_kept(path, model, optimizer):
    rates = [group["lr"] for group in optimizer.param_groups]
    step = with_try(path, model, optimizer)
    for group, rate in zip(optimizer.param_groups, rates, strict=True):
        group["lr"] = rate
    return step


def frozen_afterwards(path, model, optimizer):
    step = with_try(path, model, optimizer)
    if step:
        model[0].requires_grad_(False)
    return step


def nothing_for_no_file(path, model, optimizer):
    return with_try(path, model, optimizer) if path.exists() else None


# --- build_net -------------------------------------------------------------------------------


def words(word, known):
    best = max(known, key=lambda other: difflib.SequenceMatcher(None, word, other).ratio())
    return f"I do not know {word!r}. Perhaps you mean {best!r}? I know {', '.join(known)}."


def lazy(config):
    layers = []
    for layer in config["layers"]:
        rest = {**layer}
        kind = rest.pop("type")
        if kind not in LAYERS:
            raise ValueError(words(kind, LAYERS))
        name = rest.pop("name", str(len(layers)))
        rest.pop("lr_mult", None), rest.pop("decay_mult", None)
        for key in rest:
            if key not in LAYERS[kind]:
                raise ValueError(words(key, LAYERS[kind]))
        known = {"Conv2d": nn.LazyConv2d, "Linear": nn.LazyLinear}
        layers.append((name, known.get(kind, getattr(nn, kind))(**rest)))
    net = nn.Sequential()
    for name, module in layers:
        net.add_module(name, module)
    net(torch.zeros(1, *config["input"]))
    return net


class Chain(nn.Module):
    def __init__(self, config):
        super().__init__()
        config = copy.deepcopy(config)
        shape, self.names = config["input"], []
        for number, layer in enumerate(config["layers"]):
            kind, name = layer.pop("type"), layer.pop("name", str(number))
            self.names.append(name)
            setattr(self, name, module := self.made(kind, layer, shape))
            with torch.no_grad():
                shape = module.eval()(torch.rand(2, *shape)).shape[1:]

    def made(self, kind, layer, shape):
        if kind not in LAYERS:
            raise ValueError(words(kind, LAYERS))
        arguments = {k: v for k, v in layer.items() if k not in ("lr_mult", "decay_mult")}
        odd = sorted(set(arguments) - set(LAYERS[kind]))
        if odd:
            raise ValueError(words(odd[0], LAYERS[kind]))
        first = {"Conv2d": [shape[0]], "Linear": [shape[-1]]}.get(kind, [])
        return getattr(nn, kind)(*first, **arguments)

    def forward(self, x):
        for name in self.names:
            x = getattr(self, name)(x)
        return x


def as_a_module_dict(config):
    class Layers(nn.ModuleDict):
        def forward(self, x):
            for layer in self.values():
                x = layer(x)
            return x

    return Layers(build_net(config).named_children())


def on_meta(config):
    net, x = nn.Sequential(), torch.zeros(1, *config["input"], device="meta")
    for number, layer in enumerate(config["layers"]):
        match layer["type"]:
            case kind if kind not in LAYERS:
                raise ValueError(words(kind, LAYERS))
            case "Conv2d":
                taken = {"in_channels": x.shape[-3]}
            case "Linear":
                taken = {"in_features": x.shape[-1]}
            case _:
                taken = {}
        for key in layer.keys() - {"type", "name", "lr_mult", "decay_mult", *LAYERS[kind]}:
            raise ValueError(words(key, LAYERS[kind]))
        sizes = {key: value for key, value in layer.items() if key in LAYERS[kind]}
        module = vars(nn)[kind](**taken, **sizes)
        net.add_module(layer.get("name", f"{number}"), module)
        x = copy.deepcopy(module).to("meta")(x)
    return net


def linear_on_the_second_axis(config):
    net, x = nn.Sequential(), torch.zeros(1, *config["input"])
    for (name, layer), given in zip(
        build_net(config).named_children(), config["layers"], strict=True
    ):
        if isinstance(layer, nn.Linear):
            layer = nn.Linear(x.shape[1], given["out_features"])
        net.add_module(name, layer)
        x = layer(x)
    return net


def all_that_torch_knows(config):
    layers = [{k: v for k, v in layer.items() if k != "in_features"} for layer in config["layers"]]
    return build_net({**config, "layers": layers})


def without_the_last(config):
    return build_net({**config, "layers": config["layers"][:-1]})


def without_biases(config):
    net = build_net(config)
    for layer in net:
        if isinstance(layer, nn.Linear):
            layer.bias = None
    return net


def dropout_that_stays_on(config):
    net = build_net(config)
    for layer in net:
        if isinstance(layer, nn.Dropout):
            layer.forward = lambda x: F.dropout(x, 0.3, training=True)
    return net


def lower_case_names(config):
    net = nn.Sequential()
    for name, layer in build_net(config).named_children():
        net.add_module(f"layer_{name}", layer)
    return net


def a_list_of_layers(config):
    return list(build_net(config))


def any_error_at_all(config):
    try:
        return build_net(config)
    except ValueError:
        raise ValueError("there is a mistake in this config") from None


RIGHT = [
    ("accuracy", by_sklearn),
    ("accuracy", row_by_row),
    ("accuracy", by_top_k),
    ("accuracy", by_softmax),
    ("confusion_matrix", nested_lists),
    ("confusion_matrix", by_add_at),
    ("confusion_matrix", by_one_hot),
    ("confusion_matrix", by_index_put),
    ("confusion_matrix", by_sklearns_own),
    ("step_lr", by_math_floor),
    ("step_lr", by_a_loop),
    ("step_lr", by_torchs_scheduler),
    ("EarlyStopping", ByHistory),
    ("EarlyStopping", CountingDown),
    ("EarlyStopping", WithTensors),
    ("EarlyStopping", WithAGenerator),
    ("EarlyStopping", made_by_a_function),
    ("resume", with_try),
    ("resume", with_safe_globals_off),
    ("resume", parameters_copied),
    ("build_net", lazy),
    ("build_net", Chain),
    ("build_net", as_a_module_dict),
    ("build_net", on_meta),
]

WRONG = [
    ("accuracy", of_the_first_eight),
    ("accuracy", naive_softmax),
    ("accuracy", sorts_in_place),
    ("confusion_matrix", of_ten_classes),
    ("confusion_matrix", symmetric),
    ("step_lr", at_most_ten_steps),
    ("step_lr", never_below_a_thousandth),
    ("EarlyStopping", ComparedWithTheFirst),
    ("EarlyStopping", SaysNothingBefore),
    ("EarlyStopping", WindowOfTwo),
    ("EarlyStopping", CountingDown(2)),
    ("resume", removed_after_reading),
    ("resume", saved_at_the_start),
    ("resume", own_learning_rate_kept),
    ("resume", frozen_afterwards),
    ("resume", nothing_for_no_file),
    ("build_net", linear_on_the_second_axis),
    ("build_net", all_that_torch_knows),
    ("build_net", without_the_last),
    ("build_net", without_biases),
    ("build_net", dropout_that_stays_on),
    ("build_net", lower_case_names),
    ("build_net", a_list_of_layers),
    ("build_net", any_error_at_all),
]


def named(pairs):
    return [getattr(attempt, "__name__", "an object") for _, attempt in pairs]


@pytest.mark.parametrize("function, attempt", RIGHT, ids=named(RIGHT))
def test_right_style_passes(function, attempt):
    for seed in range(5):
        assert check(f"training.{function}", attempt, points=4, seed=seed) == 4.0


@pytest.mark.parametrize("function, attempt", WRONG, ids=named(WRONG))
def test_other_wrong_solutions_fail(function, attempt):
    for seed in range(5):
        assert check(f"training.{function}", attempt, points=4, seed=seed) < 4.0


def test_checks_leave_torchs_random_state():
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    check("training.build_net", build_net)
    check("training.resume", with_try)
    assert torch.equal(torch.rand(3), expected)
