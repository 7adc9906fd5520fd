"""Net2Net written in any right way passes; wrong ways that nobody listed do not."""

import copy
import random

import numpy as np
import pytest
import torch
from torch import nn

from pytools import check

# --- widen_linear ----------------------------------------------------------------------------


def unit_by_unit(w1, b1, w2, new_width, rng, noise=0.0):
    rows, biases, columns = list(w1), list(b1), [column.copy() for column in w2.T]
    copies = [[u] for u in range(len(w1))]
    for j in range(len(w1), new_width):
        u = int(rng.random() * len(w1))
        copies[u].append(j)
        rows.append([entry + rng.normal(0, noise) for entry in w1[u]])
        biases.append(b1[u])
        columns.append(w2[:, u])
    for group in copies:
        for j in group:
            columns[j] = columns[j] / len(group)
    return np.array(rows), biases, np.stack(columns, axis=1)


def single_precision(w1, b1, w2, new_width, rng, noise=0.0):
    w1, b1, w2 = (a.astype(np.float32) for a in (w1, b1, w2))
    extra = rng.choice(len(w1), size=new_width - len(w1))
    times = np.ones(len(w1), np.float32)
    np.add.at(times, extra, 1)
    w2 = w2 / times
    clones = w1[extra] + rng.normal(scale=noise, size=w1[extra].shape).astype(np.float32)
    return np.vstack([w1, clones]), np.append(b1, b1[extra]), np.hstack([w2, w2[:, extra]])


def by_a_matrix(w1, b1, w2, new_width, rng, noise=0.0):
    """A matrix of zeros and ones says who copies whom; torch does the rest."""
    width = len(w1)
    noise_of_clones = rng.standard_normal((new_width, *w1.shape[1:])) * noise
    noise_of_clones[:width] = 0
    who = np.r_[np.arange(width), rng.permuted(rng.integers(0, width, new_width - width))]
    copy_of = torch.nn.functional.one_hot(torch.tensor(who), width).double()
    wide1 = torch.einsum("nh,h...->n...", copy_of, torch.tensor(w1, dtype=torch.float64))
    share = copy_of / copy_of.sum(dim=0)
    wide2 = torch.tensor(w2, dtype=torch.float64) @ share.T
    bias = copy_of @ torch.tensor(b1, dtype=torch.float64)
    return [wide1 + torch.tensor(noise_of_clones), bias, wide2]


def one_after_the_other_halved(w1, b1, w2, new_width, rng, noise=0.0):
    """Each clone takes half of what the unit it copies still has: shares are not equal."""
    for _ in range(new_width - len(w1)):
        u = rng.integers(len(w1))
        w1 = np.vstack([w1, w1[u] + noise * rng.standard_normal(w1.shape[1])])
        b1 = np.append(b1, b1[u])
        w2 = np.hstack([w2, w2[:, [u]]])
        w2[:, [u, -1]] /= 2
    return w1, b1, w2


def from_another_generator(w1, b1, w2, new_width, rng, noise=0.0):
    rng = np.random.default_rng(random.randrange(2**32))
    return single_precision(w1, b1, w2, new_width, rng, noise)


def in_place(w1, b1, w2, new_width, rng, noise=0.0):
    extra = rng.integers(len(w1), size=new_width - len(w1))
    w2 /= 1 + np.bincount(extra, minlength=len(w1))
    clones = w1[extra] + noise * rng.standard_normal(w1[extra].shape)
    return np.vstack([w1, clones]), np.append(b1, b1[extra]), np.hstack([w2, w2[:, extra]])


def noise_on_biases_too(w1, b1, w2, new_width, rng, noise=0.0):
    wide1, wide_b1, wide2 = single_precision(w1, b1, w2, new_width, rng, noise)
    wide_b1[len(b1) :] += noise * rng.standard_normal(new_width - len(b1))
    return wide1, wide_b1, wide2


def noise_on_what_is_sent(w1, b1, w2, new_width, rng, noise=0.0):
    wide1, wide_b1, wide2 = single_precision(w1, b1, w2, new_width, rng)
    return wide1, wide_b1, wide2 + noise * rng.standard_normal(wide2.shape)


def noise_relative_to_the_weights(w1, b1, w2, new_width, rng, noise=0.0):
    return single_precision(w1, b1, w2, new_width, rng, noise * np.std(w1))


def only_the_first_copied(w1, b1, w2, new_width, rng, noise=0.0):
    rng.random()
    extra = np.zeros(new_width - len(w1), int)
    w2 = w2 / (1 + np.bincount(extra, minlength=len(w1)))
    clones = w1[extra] + noise * rng.standard_normal(w1[extra].shape)
    return np.vstack([w1, clones]), np.append(b1, b1[extra]), np.hstack([w2, w2[:, extra]])


def incoming_divided_instead(w1, b1, w2, new_width, rng, noise=0.0):
    source = np.r_[np.arange(len(w1)), rng.integers(len(w1), size=new_width - len(w1))]
    count = np.bincount(source)[source]
    return w1[source] / count[:, None], b1[source] / count, w2[:, source]


def at_most_twice(w1, b1, w2, new_width, rng, noise=0.0):
    extra = rng.choice(len(w1), size=new_width - len(w1), replace=False)
    w2 = w2 / (1 + np.bincount(extra, minlength=len(w1)))
    clones = w1[extra] + noise * rng.standard_normal(w1[extra].shape)
    return np.vstack([w1, clones]), np.append(b1, b1[extra]), np.hstack([w2, w2[:, extra]])


def clones_first(w1, b1, w2, new_width, rng, noise=0.0):
    parts = single_precision(w1, b1, w2, new_width, rng, noise)
    back = np.arange(new_width)[::-1]
    return parts[0][back], parts[1][back], parts[2][:, back]


def copies_of_copies(w1, b1, w2, new_width, rng, noise=0.0):
    """Clones are drawn from all units so far, so that what was copied often is copied more."""
    source = list(range(len(w1)))
    while len(source) < new_width:
        source.append(source[rng.integers(len(source))])
    wide1 = w1[source]
    wide1[len(w1) :] += noise * rng.standard_normal(wide1[len(w1) :].shape)
    return wide1, b1[source], w2[:, source] / np.bincount(source)[source]


# --- widen_conv ------------------------------------------------------------------------------


def channel_by_channel(w1, b1, w2, new_width, rng, noise=0.0):
    width, places = len(w1), w2.shape[1] // len(w1)
    extra = [int(u) for u in rng.integers(0, width, new_width - width)]
    filters, biases = list(w1.copy()), list(b1)
    sent = [w2[:, u * places : (u + 1) * places].copy() for u in range(width)]
    for u in extra:
        filters.append(w1[u] + noise * rng.standard_normal(w1[u].shape))
        biases.append(b1[u])
        sent.append(sent[u])
    source = [*range(width), *extra]
    sent = [columns / source.count(u) for columns, u in zip(sent, source, strict=True)]
    return np.asarray(filters), np.asarray(biases), np.concatenate(sent, axis=1)


def columns_by_repeat(w1, b1, w2, new_width, rng, noise=0.0):
    width = len(w1)
    source = np.append(np.arange(width), rng.integers(width, size=new_width - width))
    share = 1 / np.bincount(source)[source]
    disturbed = np.zeros_like(w1[source])
    disturbed[width:] = rng.normal(0, noise, disturbed[width:].shape)
    if w2.ndim == 4:
        wide2 = np.einsum("okfg,k->okfg", w2[:, source], share)
    else:
        places = w2.shape[1] // width
        columns = np.repeat(source * places, places) + np.tile(np.arange(places), new_width)
        wide2 = np.asfortranarray(w2[:, columns] * np.repeat(share, places))
    return w1[source] + disturbed, b1[source], wide2


def only_convolutions(w1, b1, w2, new_width, rng, noise=0.0):
    source = np.append(np.arange(len(w1)), rng.integers(len(w1), size=new_width - len(w1)))
    share = (1 / np.bincount(source)[source])[:, None, None]
    clones = w1[source]
    clones[len(w1) :] += noise * rng.standard_normal(clones[len(w1) :].shape)
    return clones, b1[source], w2[:, source] * share


def divided_by_places_too(w1, b1, w2, new_width, rng, noise=0.0):
    wide1, wide_b1, wide2 = columns_by_repeat(w1, b1, w2, new_width, rng, noise)
    return wide1, wide_b1, wide2 / (w2[0].size // len(w1))


# --- deepen_linear, deepen_conv --------------------------------------------------------------


def as_lists(width):
    return [[int(i == j) for j in range(width)] for i in range(width)], [0] * width


def of_torch(channels, k):
    layer = nn.Conv2d(channels, channels, k, padding=k // 2)
    nn.init.dirac_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer.weight, layer.bias


def by_outer_product(channels, k):
    point = np.zeros(k, np.float32)
    point[(k - 1) // 2] = 1
    eye = np.identity(channels, np.float32)
    return np.einsum("ij,a,b->ijab", eye, point, point), np.zeros((channels,), int)


def nearly_the_identity(width):
    return np.eye(width) + 1e-3, np.zeros(width)


def a_row_for_the_bias(width):
    return np.eye(width), np.zeros((1, width))


def depthwise(channels, k):
    w = np.zeros((channels, 1, k, k))
    w[:, 0, k // 2, k // 2] = 1
    return w, np.zeros(channels)


def first_place(channels, k):
    w = np.zeros((channels, channels, k, k))
    w[range(channels), range(channels), 0, 0] = 1
    return w, np.zeros(channels)


# --- grow ------------------------------------------------------------------------------------


def module_surgery(model, plan, rng):
    """On a deep copy; new layers are made of the old ones' parameters."""
    model = copy.deepcopy(model)
    for kind, i, *rest in plan:
        places = [k for k, layer in enumerate(model) if isinstance(layer, nn.Linear)]
        layer, following = model[places[i]], model[places[i + 1]]
        if kind == "deep":
            size = layer.out_features
            new = nn.Linear(size, size, dtype=layer.weight.dtype)
            nn.init.eye_(new.weight)
            nn.init.zeros_(new.bias)
            model.insert(places[i] + 2, new)
            model.insert(places[i] + 3, nn.ReLU(inplace=True))
            continue
        old = layer.out_features
        source = torch.tensor([*range(old), *rng.integers(old, size=rest[0] - old)])
        share = 1 / torch.bincount(source)[source].to(layer.weight.dtype)
        layer.weight.data = layer.weight.data[source]
        layer.bias.data = layer.bias.data[source]
        following.weight.data = following.weight.data[:, source] * share
        layer.out_features = following.in_features = rest[0]
    return model


def nested_and_single(model, plan, rng):
    """Sequentials in Sequentials, float32 throughout."""
    grown = module_surgery(copy.deepcopy(model).float(), plan, rng)
    return nn.Sequential(nn.Sequential(*list(grown)[:2]), nn.Identity(), *list(grown)[2:])


def kept_layers_shared(model, plan, rng):
    """Layers that no step touches are the old model's own."""
    grown = list(module_surgery(model, plan, rng))
    grown[-1] = model[-1] if grown[-1].in_features == model[-1].in_features else grown[-1]
    same = torch.equal(grown[-1].weight, model[-1].weight)
    return nn.Sequential(*grown) if same else module_surgery(model, plan, rng)


def a_plain_module(model, plan, rng):
    grown = module_surgery(model, plan, rng)

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = grown

    return Net()


def plan_emptied(model, plan, rng):
    return module_surgery(model, [plan.pop(0) for _ in range(len(plan))], rng)


def torchs_own_numbers(model, plan, rng):
    return module_surgery(model, plan, np.random.default_rng(torch.seed() % 2**32))


def old_one_scaled(model, plan, rng):
    grown = module_surgery(model, plan, rng)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter *= 0.5
    return grown


def biases_left_behind(model, plan, rng):
    grown = module_surgery(model, plan, rng)
    for layer in list(grown)[:-1]:
        if isinstance(layer, nn.Linear):
            nn.init.zeros_(layer.bias)
    return grown


def deeper_at_the_end(model, plan, rng):
    last = sum(isinstance(layer, nn.Linear) for layer in model) - 2
    plan = [("deep", last) if step[0] == "deep" else step for step in plan]
    return module_surgery(model, plan, rng)


def double_precision(model, plan, rng):
    """It does not take the old model's inputs any more."""
    return module_surgery(model, plan, rng).double()


def new_layers_of_another_dtype(model, plan, rng):
    """A model that can't be run."""
    grown = module_surgery(model, plan, rng)
    kept = model[0].weight.dtype
    for layer in list(grown)[2:-1]:
        layer.to(torch.float32 if kept == torch.float64 else torch.float64)
    return grown


RIGHT = [
    ("widen_linear", unit_by_unit),
    ("widen_linear", single_precision),
    ("widen_linear", by_a_matrix),
    ("widen_linear", channel_by_channel),
    ("widen_conv", channel_by_channel),
    ("widen_conv", columns_by_repeat),
    ("deepen_linear", as_lists),
    ("deepen_conv", of_torch),
    ("deepen_conv", by_outer_product),
    ("grow", module_surgery),
    ("grow", nested_and_single),
    ("grow", kept_layers_shared),
]

WRONG = [
    ("widen_linear", one_after_the_other_halved),
    ("widen_linear", from_another_generator),
    ("widen_linear", in_place),
    ("widen_linear", noise_on_biases_too),
    ("widen_linear", noise_on_what_is_sent),
    ("widen_linear", noise_relative_to_the_weights),
    ("widen_linear", only_the_first_copied),
    ("widen_linear", incoming_divided_instead),
    ("widen_linear", at_most_twice),
    ("widen_linear", clones_first),
    ("widen_linear", copies_of_copies),
    ("widen_conv", only_convolutions),
    ("widen_conv", divided_by_places_too),
    ("deepen_linear", nearly_the_identity),
    ("deepen_linear", a_row_for_the_bias),
    ("deepen_conv", depthwise),
    ("deepen_conv", first_place),
    ("grow", a_plain_module),
    ("grow", plan_emptied),
    ("grow", torchs_own_numbers),
    ("grow", old_one_scaled),
    ("grow", biases_left_behind),
    ("grow", deeper_at_the_end),
    ("grow", double_precision),
    ("grow", new_layers_of_another_dtype),
]


def named(pairs):
    return [f"{function}-{attempt.__name__}" for function, attempt in pairs]


@pytest.mark.parametrize("function, attempt", RIGHT, ids=named(RIGHT))
def test_right_style_passes(function, attempt):
    for seed in range(5):
        assert check(f"net2net.{function}", attempt, points=4, seed=seed) == 4.0


@pytest.mark.parametrize("function, attempt", WRONG, ids=named(WRONG))
def test_other_wrong_solutions_fail(function, attempt):
    for seed in range(3):
        assert check(f"net2net.{function}", attempt, points=4, seed=seed) < 4.0
