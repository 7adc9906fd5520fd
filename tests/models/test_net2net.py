"""Grown nets compute what they did, whatever their kind; their optimisers remember rightly."""

import copy
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from pytools import data
from pytools.models import EluNet, LeNet5, Shift, deepen, grow, share_weights, widen

seeds = st.integers(0, 2**32 - 1)
widths = st.integers(1, 6)
dtypes = st.sampled_from([torch.float32, torch.float64])
activations = st.sampled_from([nn.ReLU, nn.ELU, lambda: nn.ELU(0.6)])
properties = settings(max_examples=30, deadline=None)
TOLERANCE = {torch.float32: 1e-5, torch.float64: 1e-12}


class Branches(nn.Module):
    """Two layers see the first one; functions instead of modules."""

    def __init__(self, width, act):
        super().__init__()
        self.first, self.act = nn.Linear(5, width), act
        self.left, self.right = nn.Linear(width, 3), nn.Linear(width, 3)

    def forward(self, x):
        hidden = self.act(self.first(x))
        return torch.tanh(self.left(torch.relu(hidden))) + self.right(hidden)


def mlp(width, act, norm):
    return nn.Sequential(
        *(nn.Linear(5, width), *([nn.BatchNorm1d(width)] if norm else []), act()),
        *(nn.Linear(width, 3), act(), nn.Linear(3, 2)),
    )


def conv_net(width, act, norm):
    """conv → conv → flatten → linear → linear, with pooling and a norm after the flattening."""
    return nn.Sequential(
        *(nn.Conv2d(2, width, 3, padding=1), *([nn.BatchNorm2d(width)] if norm else []), act()),
        *(nn.Conv2d(width, width + 1, 3), act(), nn.MaxPool2d(2), nn.Flatten()),
        *([nn.BatchNorm1d(4 * (width + 1))] if norm else []),
        *(nn.Linear(4 * (width + 1), 3), act(), nn.Linear(3, 2)),
    )


def elu_net(width, act, norm):
    return EluNet(channels=2, outputs=2, widths=(width, width + 1))


def branches(width, act, norm):
    return Branches(width, act())


KINDS = {mlp: (5,), conv_net: (2, 6, 6), elu_net: (2, 6, 6), branches: (5,)}
kinds = st.sampled_from(list(KINDS))


def made(kind, width, act, norm, dtype, seed):
    """A net of a kind with weights, and statistics of its norms, drawn from seed; and inputs."""
    torch.manual_seed(seed)
    model = kind(width, act, norm).to(dtype)
    x = torch.randn(4, *KINDS[kind], dtype=dtype)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn_like(parameter) / max(parameter[0].numel(), 1) ** 0.5)
    for _ in range(3):
        model(x + torch.randn_like(x))
    return model.eval(), x


def layers(model):
    return [n for n, m in model.named_modules() if isinstance(m, (nn.Linear, nn.Conv2d))]


def last(model):
    return {"right", "left", "head"} & set(layers(model)) or {layers(model)[-1]}


def assert_equal_outputs(after, before, dtype):
    scale = max(1.0, before.abs().max().item())
    assert (after - before).abs().max().item() <= TOLERANCE[dtype] * scale


# --- the function stays ----------------------------------------------------------------------


nets = st.tuples(kinds, widths, activations, st.booleans(), dtypes, seeds)


@given(net=nets, draw=st.data())
@properties
def test_grown_nets_compute_what_they_did(net, draw):
    """Up to four steps, wider or deeper, at layers drawn from those that the net then has."""
    model, x = made(*net)
    *_, dtype, seed = net
    rng = np.random.default_rng(seed)
    before = model(x).detach()
    for _ in range(draw.draw(st.integers(1, 4))):
        name = draw.draw(st.sampled_from(sorted(set(layers(model)) - last(model))))
        if draw.draw(st.booleans()):
            width = len(model.get_submodule(name).weight)
            widen(model, name, width + draw.draw(st.integers(0, 5)), rng)
        else:
            new = deepen(model, name, kernel_size=draw.draw(st.sampled_from([1, 3, 5])))
            assert new in layers(model)
        assert_equal_outputs(model(x), before, dtype)
    model.train()(x).sum().backward()  # it can learn, everywhere
    assert all(p.grad is not None and p.grad.shape == p.shape for p in model.parameters())


@given(width=widths, act=activations, dtype=dtypes, seed=seeds)
@properties
def test_batch_statistics_stay_as_well(width, act, dtype, seed):
    """In training, a norm takes mean and spread from the batch: copies have equal ones."""
    model, x = made(conv_net, width, act, True, dtype, seed)
    grown = copy.deepcopy(model)
    widen(grown, "0", width + 3, np.random.default_rng(seed))
    deepen(grown, "0")
    x = torch.randn(64, 2, 6, 6, dtype=dtype)
    with torch.no_grad():
        after, before = grown.train()(x), model.train()(x)
    # Near-constant channels divide rounding by a small spread.
    assert (after - before).abs().max() < 1e3 * TOLERANCE[dtype]


@given(width=widths, alpha=st.sampled_from([0.5, 1.0, 2.0]), seed=seeds)
@properties
def test_a_plain_identity_is_not_enough_under_elu(width, alpha, seed):
    model, x = made(mlp, width, lambda: nn.ELU(alpha), False, torch.float64, seed)
    before = model(x).detach()
    plain, exact = copy.deepcopy(model), copy.deepcopy(model)
    negative = model[1](model[0](x)) < -0.1
    new = deepen(plain, "0")
    nn.init.zeros_(plain.get_submodule(new).bias)
    plain[1][3].by = 0.0
    deepen(exact, "0")
    assert_equal_outputs(exact(x), before, torch.float64)
    if negative.any():
        assert (plain(x) - before).abs().max() > 1e-6


def test_a_trained_lenet_reads_every_digit_as_before():
    images, labels = (torch.tensor(array) for array in data.digits("train"))
    images = nn.functional.pad(images, (2, 2, 2, 2))  # 12×12
    torch.manual_seed(0)
    model = LeNet5(size=12)
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for rows in torch.randperm(len(images)).split(32):
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(images[rows]), labels[rows]).backward()
        optimizer.step()
    before = model(images).argmax(dim=1)
    assert (before == labels).float().mean() > 0.5
    rng = np.random.default_rng(0)
    for name, width in [("features.0", 12), ("features.3", 24), ("classifier.1", 200)]:
        widen(model, name, width, rng, optimizer=optimizer)
        deepen(model, name, optimizer=optimizer)
    assert torch.equal(model(images).argmax(dim=1), before)


# --- what the copies are ---------------------------------------------------------------------


def test_noise_is_on_the_incoming_weights_of_the_clones_alone():
    model, _ = made(conv_net, 3, nn.ReLU, True, torch.float64, 0)
    quiet, noisy = copy.deepcopy(model), copy.deepcopy(model)
    widen(quiet, "0", 200, np.random.default_rng(1))
    widen(noisy, "0", 200, np.random.default_rng(1), noise=0.1)
    for (name, a), b in zip(quiet.state_dict().items(), noisy.state_dict().values(), strict=True):
        if name == "0.weight":
            assert torch.equal(a[:3], b[:3])
            assert (b - a)[3:].std().item() == pytest.approx(0.1, rel=0.05)
        else:
            assert torch.equal(a, b)


def test_names_and_sizes_follow():
    model = LeNet5()
    rng = np.random.default_rng(0)
    widen(model, "features.3", 20, rng)
    assert model.features[3].out_channels == 20 and model.classifier[1].in_features == 500
    assert deepen(model, "features.3") == "features.4.1"
    assert deepen(model, "features.4.1", kernel_size=1) == "features.4.2.1"
    widen(model, "features.4.1", 22, rng)
    assert model.features[4][2][1].in_channels == 22
    assert model.classifier[1].in_features == 500
    assert "Shift(-1)" in str(nn.Sequential(Shift(-1.0)))


def test_devices_dtypes_frozen_layers_and_torchs_random_state_stay():
    model = mlp(4, nn.ELU, True).double()
    model[0].requires_grad_(False)
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    widen(model, "0", 6, np.random.default_rng(0))
    deepen(model, "0")
    assert torch.equal(torch.rand(2), expected)
    assert {p.dtype for p in model.parameters()} == {torch.float64}
    assert not model[0].weight.requires_grad and model[2][1].weight.requires_grad


# --- the optimiser ---------------------------------------------------------------------------

OPTIMIZERS = {
    "momentum": lambda p, lr: torch.optim.SGD(p, lr=lr, momentum=0.9, nesterov=True),
    "adam": lambda p, lr: torch.optim.Adam(p, lr=lr, amsgrad=True),
    "adamw": lambda p, lr: torch.optim.AdamW(p, lr=lr),
    "sgd": lambda p, lr: torch.optim.SGD(p, lr=lr),
}


def practise(model, optimizer, x, steps=3):
    for _ in range(steps):
        optimizer.zero_grad()
        (model(x) ** 2).sum().backward()
        optimizer.step()


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("kind", [mlp, conv_net, branches])
def test_the_memory_is_that_of_a_net_that_was_wide_all_along(kind, name):
    """At a learning rate of 0 memories grow and weights stay: widening may come last or first."""
    model, x = made(kind, 3, nn.ELU, kind is not branches, torch.float64, 5)
    late, early = copy.deepcopy(model), copy.deepcopy(model)
    optimizers = [OPTIMIZERS[name](net.parameters(), lr=0.0) for net in (late, early)]
    target = layers(model)[0]
    practise(late, optimizers[0], x)
    widen(late, target, 7, np.random.default_rng(2), optimizer=optimizers[0])
    widen(early, target, 7, np.random.default_rng(2), optimizer=optimizers[1])
    practise(early, optimizers[1], x)
    for a, b in zip(late.parameters(), early.parameters(), strict=True):
        kept, wanted = (o.state[p] for o, p in zip(optimizers, (a, b), strict=True))
        assert kept.keys() == wanted.keys()
        for key, memory in wanted.items():
            if memory is not None:
                torch.testing.assert_close(kept[key], memory, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_training_goes_on_with_every_parameter(name):
    model, x = made(conv_net, 3, nn.ELU, True, torch.float32, 1)
    optimizer = OPTIMIZERS[name](
        [{"params": model[:4].parameters(), "lr": 0.01}, {"params": model[4:].parameters()}], 0.02
    )
    practise(model, optimizer, x)
    old = model.get_parameter("0.weight")
    widen(model, "0", 5, np.random.default_rng(0), noise=0.1, optimizer=optimizer)
    new = deepen(model, "0", optimizer=optimizer)
    held = [p for group in optimizer.param_groups for p in group["params"]]
    assert {*map(id, held)} == {*map(id, model.parameters())} and len(held) == len({*map(id, held)})
    assert id(old) not in {*map(id, optimizer.state)}
    first = {*map(id, optimizer.param_groups[0]["params"])}
    assert {*map(id, model.get_submodule(new).parameters())} <= first
    before = copy.deepcopy(model.state_dict())
    practise(model, optimizer, x)
    moved = [not torch.equal(before[n], p) for n, p in model.named_parameters()]
    assert all(moved)
    fresh = OPTIMIZERS[name](model.parameters(), 0.02)
    fresh.load_state_dict(fresh.state_dict())


# --- grow ------------------------------------------------------------------------------------


@given(seed=seeds, sizes=st.lists(widths, min_size=3, max_size=5), draw=st.data())
@properties
def test_grow_makes_a_new_plain_model(seed, sizes, draw):
    torch.manual_seed(seed)
    rows = [m for pair in pairwise(sizes) for m in (nn.Linear(*pair), nn.ReLU())]
    model = nn.Sequential(*rows[:-1]).double()
    before = copy.deepcopy(model.state_dict())
    x = torch.randn(6, sizes[0], dtype=torch.float64)
    hidden = st.integers(0, len(sizes) - 3)
    steps = st.one_of(
        st.tuples(st.just("wide"), hidden, st.integers(6, 9)), st.tuples(st.just("deep"), hidden)
    )
    plan = draw.draw(st.lists(steps, max_size=2, unique_by=lambda step: step[:2]))
    grown = grow(model, plan, np.random.default_rng(seed))
    assert_equal_outputs(grown(x), model(x), torch.float64)
    kinds = [type(layer) for layer in grown]
    deeper = sum(step[0] == "deep" for step in plan)
    assert kinds == ([nn.Linear, nn.ReLU] * (len(sizes) - 1 + deeper))[:-1]
    for parameter in grown.parameters():
        parameter.data += 1
    assert all(torch.equal(before[key], value) for key, value in model.state_dict().items())


# --- bad input -------------------------------------------------------------------------------


def refuses(message, call, model, *args, **kwargs):
    """It raises with one line, and the model stays what it is."""
    before = copy.deepcopy(model.state_dict())
    with pytest.raises(ValueError, match=message) as caught:
        call(model, *args, **kwargs)
    assert "\n" not in str(caught.value)
    after = model.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(before[key], after[key]) for key in before)


RNG = np.random.default_rng(0)


def test_widths_and_names_that_do_not_fit():
    net = LeNet5()
    small = "new_width must be at least the old width, 120, but is 84"
    refuses(small, widen, net, "classifier.1", 84, RNG)
    refuses("one of 'features.0', .*, but 'fc' is not there", widen, net, "fc", 84, RNG)
    refuses("but 'features.1' is a ReLU", widen, net, "features.1", 9, RNG)
    refuses("'classifier.5' is the last layer", widen, net, "classifier.5", 20, RNG)
    refuses("must feed an nn.ReLU or nn.ELU, but feeds the output", deepen, net, "classifier.5")
    refuses("kernel_size must be odd, to have a middle, but is 2", deepen, net, "features.0", 2)


class Residual(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(3, 3), nn.Linear(3, 3)

    def forward(self, x):
        return self.b(x + torch.relu(self.a(x)))


class Asks(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(3, 3), nn.Linear(3, 3)

    def forward(self, x):
        return self.b(self.a(x)) if x.sum() > 0 else self.a(x)


def test_modules_that_cannot_be_grown():
    def refuses_widening(message, model, name="0"):
        refuses(message, widen, model, name, 5, RNG)

    norm = nn.Sequential(nn.Linear(3, 4), nn.LayerNorm(4), nn.Linear(4, 2))
    refuses_widening("'0' feeds LayerNorm, through which widening can't be followed", norm)
    refuses_widening("'a' feeds call_function add", Residual(), "a")
    refuses_widening("forward can't be followed: symbolically traced", Asks(), "a")
    grouped = nn.Sequential(nn.Conv2d(2, 2, 3), nn.ReLU(), nn.Conv2d(2, 2, 3, groups=2))
    refuses_widening("'0' feeds Conv2d, through which", grouped)
    refuses_widening("but '2' is a Conv2d", grouped, "2")
    rows = nn.Sequential(nn.Conv2d(2, 4, 3), nn.ReLU(), nn.Linear(4, 2))  # along the last axis
    refuses_widening("'0' feeds Linear, through which", rows)
    turned = nn.Sequential(nn.Linear(3, 4), nn.Flatten(), nn.Linear(8, 2))  # of (N, 2, 3)
    refuses_widening("'0' feeds Flatten, through which", turned)
    tied = nn.Sequential(nn.Linear(3, 3), nn.ReLU(), nn.Linear(3, 3), nn.ReLU(), nn.Linear(3, 2))
    share_weights(tied, ["0", "2"])
    refuses_widening("'0' must be used once in the model, but 2 calls do", tied)
    tanh = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
    refuses("'0' must feed an nn.ReLU or nn.ELU, but feeds Tanh", deepen, tanh, "0")


def test_optimisers_that_cannot_follow():
    model = mlp(3, nn.ReLU, False)
    foreign = torch.optim.SGD(mlp(3, nn.ReLU, False).parameters(), lr=0.1)
    lacks = r"optimizer must hold the model's parameters, but lacks one of shape \(3, 5\)"
    refuses(lacks, widen, model, "0", 5, RNG, optimizer=foreign)
    refuses(lacks, deepen, model, "0", optimizer=foreign)
    adagrad = torch.optim.Adagrad(model.parameters())
    unknown = r"optimizer must be SGD, Adam or AdamW; Adagrad keeps \['sum'\]"
    refuses(unknown, widen, model, "0", 5, RNG, optimizer=adagrad)


@pytest.mark.parametrize(
    "step", [("wide", 2, 9), ("deep", 2), ("wide", -1, 9), ("deep", 5), ("high", 0), ("deep", 0, 1)]
)
def test_plans_that_name_no_layer_or_the_last_one(step):
    model = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 2))
    message = "with i below 2, the number of the last Linear layer, but is"
    refuses(message, grow, model, [("wide", 0, 5), step], RNG)


def test_models_and_widths_that_grow_cannot_take():
    small = "new_width must be at least the old width, 4, but is 3"
    linear = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2))
    refuses(small, grow, linear, [("wide", 0, 3)], RNG)
    refuses("Linear layer 0 has no ReLU after it", grow, linear, [("deep", 0)], RNG)
    plain = "model must be an nn.Sequential of Linear and ReLU"
    refuses(plain, grow, mlp(3, nn.ELU, False), [], RNG)
