"""What the checks of 13_net2net know: the references, and the wrong solutions people write."""

from __future__ import annotations

import copy

import numpy as np
import torch
from torch import nn

from pytools import models, scratch
from pytools.exercise import Answer, Misconception

# --- widen_linear, widen_conv ----------------------------------------------------------------


def _drawn(width, new_width, rng):
    return np.concatenate([np.arange(width), rng.integers(width, size=new_width - width)])


def _counted(source, width):
    """1 over the number of copies."""
    return 1 / np.bincount(source)[source]


def _noise_on_clones(w1, width, noise, rng):
    w1[width:] += noise * rng.standard_normal(w1[width:].shape)


def _by_parts(
    draw=_drawn,
    share=_counted,
    disturb=_noise_on_clones,
    bias=lambda b1, source: b1[source],
    after=lambda w1, b1, w2, width: None,
):
    """The right widening, for linear layers and convolutions, with one of its parts replaced."""

    def widen(w1, b1, w2, new_width, rng, noise=0.0):
        width = len(w1)
        source = draw(width, new_width, rng)
        wide1, wide_b1 = w1[source], bias(b1, source)
        if noise:
            disturb(wide1, width, noise, rng)
        by_unit = w2.reshape(len(w2), width, -1)
        wide2 = by_unit[:, source] * share(source, width)[:, None]
        after(wide1, wide_b1, wide2, width)
        return wide1, wide_b1, wide2.reshape(len(w2), -1, *w2.shape[2:])

    return widen


def _only_clones_share(source, width):
    share = _counted(source, width)
    share[:width] = 1
    return share


def _half_where_copied(source, width):
    return 1 / np.minimum(np.bincount(source), 2)[source]


def _clones_counted(source, width):
    clones = np.bincount(source, minlength=width) - 1
    return 1 / np.maximum(clones, 1)[source]


def _noise_everywhere(w1, width, noise, rng):
    w1 += noise * rng.standard_normal(w1.shape)


def _noise_of_variance(w1, width, noise, rng):
    w1[width:] += np.sqrt(noise) * rng.standard_normal(w1[width:].shape)


def _one_noise_for_all(w1, width, noise, rng):
    w1[width:] += noise * rng.standard_normal(w1[0].shape)


def _uniform_noise(w1, width, noise, rng):
    w1[width:] += rng.uniform(-noise, noise, w1[width:].shape)


def _zeros(w1, b1, w2, width):
    w1[width:], b1[width:], w2[:, width:] = 0, 0, 0


def _zero_rows(w1, b1, w2, width):
    w1[width:], b1[width:] = 0, 0


def _old_order_lost(width, new_width, rng):
    return rng.permutation(_drawn(width, new_width, rng))


def _bias_of_zeros(b1, source):
    return np.concatenate([b1, np.zeros(len(source) - len(b1))])


not_divided = _by_parts(share=lambda source, width: np.ones(len(source)))
only_clones_divided = _by_parts(share=_only_clones_share)
divided_by_the_growth = _by_parts(
    share=lambda source, width: np.full(len(source), width / len(source))
)
always_halved = _by_parts(share=lambda source, width: np.full(len(source), 0.5))
halved_where_copied = _by_parts(share=_half_where_copied)
silent_clones = _by_parts(share=lambda source, width: 1.0 * (np.arange(len(source)) < width))
original_not_counted = _by_parts(share=_clones_counted)
noise_everywhere = _by_parts(disturb=_noise_everywhere)
noise_is_the_variance = _by_parts(disturb=_noise_of_variance)
noise_left_out = _by_parts(disturb=lambda w1, width, noise, rng: None)
one_noise_for_all = _by_parts(disturb=_one_noise_for_all)
uniform_noise = _by_parts(disturb=_uniform_noise)
bias_not_copied = _by_parts(bias=_bias_of_zeros)
copied_in_turn = _by_parts(draw=lambda width, new, rng: np.arange(new) % width)
last_unit_never = _by_parts(
    draw=lambda width, new, rng: np.concatenate(
        [np.arange(width), rng.integers(max(width - 1, 1), size=new - width)]
    )
)
old_order_lost = _by_parts(draw=_old_order_lost)


def zeros_added(w1, b1, w2, new_width, rng, noise=0.0):
    widen = _by_parts(share=lambda source, width: np.ones(len(source)), after=_zeros)
    return widen(w1, b1, w2, new_width, rng, noise)


def fresh_units(w1, b1, w2, new_width, rng, noise=0.0):
    """New units as at the start of a training, sending nothing on: outputs stay."""
    width, extra = len(w1), new_width - len(w1)
    wide1 = np.concatenate([w1, rng.standard_normal((extra, *w1.shape[1:]))])
    by_unit = w2.reshape(len(w2), width, -1)
    silent = np.zeros((len(w2), extra, by_unit.shape[2]))
    wide2 = np.concatenate([by_unit, silent], axis=1)
    return wide1, _bias_of_zeros(b1, range(new_width)), wide2.reshape(len(w2), -1, *w2.shape[2:])


def places_first(w1, b1, w2, new_width, rng, noise=0.0):
    """The flattened columns read as place after place."""
    if w2.ndim == 4:
        return scratch.widen_conv(w1, b1, w2, new_width, rng, noise)
    width = len(w1)
    turned = w2.reshape(len(w2), -1, width).swapaxes(1, 2).reshape(w2.shape)
    wide1, wide_b1, wide2 = scratch.widen_conv(w1, b1, turned, new_width, rng, noise)
    wide2 = wide2.reshape(len(w2), new_width, -1).swapaxes(1, 2)
    return wide1, wide_b1, wide2.reshape(len(w2), -1)


def one_column_a_channel(w1, b1, w2, new_width, rng, noise=0.0):
    """Takes the columns of a flattened w2 for channels."""
    source = _drawn(len(w1), new_width, rng)
    wide1 = w1[source]
    _noise_on_clones(wide1, len(w1), noise, rng)
    share = _counted(source, len(w1)).reshape(-1, *[1] * (w2.ndim - 2))
    return wide1, b1[source], w2[:, source] * share


# --- deepen_linear, deepen_conv --------------------------------------------------------------


def _changed(reference, w=lambda w: w, b=lambda b: b):
    """The right weights, with one of the two replaced."""

    def deepen(*args):
        right_w, right_b = reference(*args)
        return w(right_w), b(right_b)

    return deepen


def _all_pairs(w):
    """1 in the middle of every filter: each channel becomes the sum of all."""
    w = np.zeros_like(w)
    w[:, :, w.shape[2] // 2, w.shape[3] // 2] = 1
    return w


def _corner(w):
    k = w.shape[2] // 2
    return np.roll(w, (-k, -k), axis=(2, 3))


def _identity_filters(w):
    """An identity matrix for a filter, from each channel to itself."""
    eye = np.eye(w.shape[2])
    return np.eye(len(w))[:, :, None, None] * eye


def _random_layer(w):
    """He's start, as for any new layer, with a generator of its own."""
    return np.random.default_rng(0).standard_normal(w.shape) * np.sqrt(2 / w[0].size)


# --- grow ------------------------------------------------------------------------------------


def _linear(w, b):
    """nn.Linear with these weights."""
    w, b = torch.as_tensor(w), torch.as_tensor(b)
    with torch.random.fork_rng(devices=[]):
        layer = nn.Linear(w.shape[1], w.shape[0])
    layer.weight, layer.bias = nn.Parameter(w.detach()), nn.Parameter(b.detach())
    return layer


def _arrays(layer):
    return layer.weight.detach().numpy(), layer.bias.detach().numpy()


def _grown(
    widen=scratch.widen_linear,
    identity=lambda width, like: [
        nn.ReLU(),
        _linear(torch.eye(width).to(like), like.new_zeros(width)),
    ],
    start=copy.deepcopy,
    steps=lambda plan: plan,
):
    """The right growth of a model, step by step, with one of its parts replaced."""

    def grow(model, plan, rng):
        model = start(model)
        for kind, i, *width in steps(plan):
            layers = list(model)
            linear = [k for k, layer in enumerate(layers) if isinstance(layer, nn.Linear)]
            at, following = linear[i], linear[i + 1]
            if kind == "wide":
                w1, b1 = _arrays(layers[at])
                w2, b2 = _arrays(layers[following])
                w1, b1, w2 = (np.asarray(a, w1.dtype) for a in widen(w1, b1, w2, width[0], rng))
                layers[at], layers[following] = _linear(w1, b1), _linear(w2, b2)
            else:
                weight = layers[at].weight
                layers[at + 1 : at + 1] = identity(len(weight), weight.detach())
            model = nn.Sequential(*layers)
        return model

    return grow


def grown_in_place(model, plan, rng):
    layers = list(_grown()(model, plan, rng))
    del model[:]
    model.extend(layers)
    return model


def _fresh(width, like):
    """A layer with torch's own start, on top of the old ones."""
    layer = nn.Linear(width, width).to(like)
    nn.init.orthogonal_(layer.weight, generator=torch.Generator().manual_seed(0))
    nn.init.zeros_(layer.bias)
    return [nn.ReLU(), layer]


no_activation_between = _grown(
    identity=lambda width, like: [_linear(torch.eye(width).to(like), like.new_zeros(width))]
)
new_layer_random = _grown(identity=_fresh)
next_layer_not_divided = _grown(widen=not_divided)
grown_with_zeros = _grown(widen=zeros_added)
grown_in_turn = _grown(widen=copied_in_turn)
order_lost = _grown(widen=old_order_lost)
first_step_only = _grown(steps=lambda plan: plan[:1])
last_step_only = _grown(steps=lambda plan: plan[-1:])
wide_steps_only = _grown(steps=lambda plan: [step for step in plan if step[0] == "wide"])


COUNTED = "Two equal units do the work of one. How much of it is left for each?"
ORIGINAL = "Is the original not one of those that send the same on?"
HALVED = "How many share the work where a unit is copied twice?"
DEAD = "Outputs stay, but what gradient does a unit get that is 0 on both sides?"
FRESH = (
    "Outputs stay, since the new units send nothing. But what is kept of what the old ones know?"
)
DRAWN = "Draw again from the same generator: should the same units be copied?"
PLACE = "Whoever knows unit 3 by its number: finds it unit 3 after your function?"

UNITS = [
    ("not_divided", COUNTED, not_divided),
    (
        "only_clones_divided",
        "The clones send their share on. And the originals: as much as before?",
        only_clones_divided,
    ),
    (
        "divided_by_the_growth",
        "Is every old unit copied equally often? Some have three copies, some none.",
        divided_by_the_growth,
    ),
    ("always_halved", HALVED, always_halved),
    ("halved_where_copied", HALVED, halved_where_copied),
    (
        "silent_clones",
        "Outputs stay, but the originals do all the work. What are the clones there for?",
        silent_clones,
    ),
    ("original_not_counted", ORIGINAL, original_not_counted),
    ("zeros_added", DEAD, zeros_added),
    ("fresh_units", FRESH, fresh_units),
    (
        "bias_not_copied",
        "A unit is its row of weights and one number more.",
        bias_not_copied,
    ),
    ("copied_in_turn", DRAWN, copied_in_turn),
    (
        "last_unit_never",
        "May every old unit be copied? Look at the end of the range that you draw from.",
        last_unit_never,
    ),
    ("old_order_lost", PLACE, old_order_lost),
    (
        "noise_everywhere",
        "Noise is to tell a clone from its original. Which of the two keeps its weights?",
        noise_everywhere,
    ),
    (
        "noise_is_the_variance",
        "Is the number that your caller gives the spread of the noise, or its square?",
        noise_is_the_variance,
    ),
    ("noise_left_out", "What becomes of your argument noise?", noise_left_out),
    (
        "one_noise_for_all",
        "How many random numbers does a layer of many clones need?",
        one_noise_for_all,
    ),
    (
        "uniform_noise",
        "Draw the histogram of your noise: has it the shape of a bell?",
        uniform_noise,
    ),
]


def _misconceptions(rows):
    return [Misconception(*row) for row in rows]


BIAS_ONE = "What is added to every unit that should stay what it is?"

ANSWERS = {
    "widen_linear": Answer(scratch.widen_linear, _misconceptions(UNITS)),
    "widen_conv": Answer(
        scratch.widen_conv,
        [
            *_misconceptions(UNITS),
            Misconception(
                "places_first",
                "Flatten a small stack of maps yourself: which entries lie side by side, those of "
                "one channel or those of one place?",
                places_first,
            ),
            Misconception(
                "one_column_a_channel",
                "How many columns of the flattened layer belong to one channel?",
                one_column_a_channel,
            ),
        ],
    ),
    "deepen_linear": Answer(
        scratch.deepen_linear,
        [
            Misconception(
                "all_ones",
                "Multiply a row by your matrix: is each unit itself, or the sum of all?",
                _changed(scratch.deepen_linear, w=np.ones_like),
            ),
            Misconception(
                "all_zeros",
                "What does a layer of zeros let through?",
                _changed(scratch.deepen_linear, w=np.zeros_like),
            ),
            Misconception(
                "bias_of_ones", BIAS_ONE, _changed(scratch.deepen_linear, b=np.ones_like)
            ),
            Misconception(
                "shared_among_units",
                "Nothing is copied here. By what do you divide?",
                _changed(scratch.deepen_linear, w=lambda w: w / len(w)),
            ),
            Misconception(
                "diagonal_the_other_way",
                "Which unit does the first row read?",
                _changed(scratch.deepen_linear, w=np.fliplr),
            ),
            Misconception(
                "random_layer",
                "A good start for a new net. Is it one that changes nothing?",
                _changed(scratch.deepen_linear, w=_random_layer),
            ),
        ],
    ),
    "deepen_conv": Answer(
        scratch.deepen_conv,
        [
            Misconception(
                "every_channel_from_all",
                "Which channels does the filter of channel 0 see, and which should count?",
                _changed(scratch.deepen_conv, w=_all_pairs),
            ),
            Misconception(
                "in_the_corner",
                "A 1 in the corner of the filter moves the picture. Where does it stay?",
                _changed(scratch.deepen_conv, w=_corner),
            ),
            Misconception(
                "filter_of_ones",
                "What does a filter do that has a 1 at every place?",
                _changed(
                    scratch.deepen_conv, w=lambda w: w.max(axis=(2, 3), keepdims=True) + 0 * w
                ),
            ),
            Misconception(
                "identity_as_filter",
                "A filter is no matrix that multiplies: it is laid on the picture. What does a "
                "diagonal of ones do there?",
                _changed(scratch.deepen_conv, w=_identity_filters),
            ),
            Misconception(
                "blurred",
                "A mean keeps the brightness, but not the picture. What keeps each pixel?",
                _changed(
                    scratch.deepen_conv,
                    w=lambda w: (w.max(axis=(2, 3), keepdims=True) + 0 * w) / w.shape[2] ** 2,
                ),
            ),
            Misconception("bias_of_ones", BIAS_ONE, _changed(scratch.deepen_conv, b=np.ones_like)),
            Misconception(
                "one_filter_a_channel",
                "How many channels does each filter see? Write the shape of the weights down.",
                lambda channels, k: (
                    scratch.deepen_conv(1, k)[0].repeat(channels, axis=0),
                    np.zeros(channels),
                ),
            ),
        ],
    ),
    "grow": Answer(
        models.grow,
        [
            Misconception(
                "grown_in_place",
                "Your caller goes on with both models. What does the old one look like now?",
                grown_in_place,
            ),
            Misconception(
                "no_activation_between",
                "Two linear layers with nothing between them are one. Is your net deeper?",
                no_activation_between,
            ),
            Misconception(
                "new_layer_random",
                "Should the new layer begin as in a new net, or change nothing at first?",
                new_layer_random,
            ),
            Misconception("next_layer_not_divided", COUNTED, next_layer_not_divided),
            Misconception("grown_with_zeros", DEAD, grown_with_zeros),
            Misconception("copied_in_turn", DRAWN, grown_in_turn),
            Misconception("old_order_lost", PLACE, order_lost),
            Misconception("first_step_only", "How many steps may a plan have?", first_step_only),
            Misconception(
                "last_step_only",
                "Each step starts from what the step before it made. Where do yours start?",
                last_step_only,
            ),
            Misconception("wide_steps_only", "Which kinds of step are there?", wide_steps_only),
        ],
    ),
}
