"""The references of 08's exercises, against NumPy, central differences and torch's own."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from pytools.models import (
    GatedSum,
    HuberFunction,
    StaticGraph,
    autograd_step,
    huber_loss,
    layer_outputs,
    module_step,
    share_weights,
    tensor_step,
)
from pytools.scratch import train_two_layer

seeds = st.integers(0, 2**32 - 1)
sizes = st.tuples(*[st.integers(1, 5)] * 4)
properties = settings(max_examples=25, deadline=None)


def drawn(seed, n, d, h, o):
    rng = np.random.default_rng(seed)
    return [rng.standard_normal(shape) for shape in [(n, d), (n, o), (d, h), (h, o)]]


# --- one step, three levels ------------------------------------------------------------------


@given(seed=seeds, size=sizes)
@properties
def test_three_levels_walk_as_numpy_does(seed, size):
    arrays = drawn(seed, *size)
    expected, w1, w2 = train_two_layer(*arrays, lr=0.01, steps=3)

    for step in (tensor_step, autograd_step):
        x, y, *weights = map(torch.tensor, arrays)
        for weight in weights:
            weight.requires_grad_(step is autograd_step)
        losses = [step(x, y, *weights, 0.01) for _ in range(3)]
        np.testing.assert_allclose(losses, expected, rtol=1e-9)
        for ours, theirs in zip(weights, (w1, w2), strict=True):
            np.testing.assert_allclose(ours.detach(), theirs, rtol=1e-9, atol=1e-12)

    _, d, h, o = size
    net = nn.Sequential(nn.Linear(d, h, bias=False), nn.ReLU(), nn.Linear(h, o, bias=False))
    net.double()
    with torch.no_grad():
        net[0].weight.copy_(torch.tensor(arrays[2].T))
        net[2].weight.copy_(torch.tensor(arrays[3].T))
    x, y = map(torch.tensor, arrays[:2])
    losses = [module_step(net, x, y, 0.01) for _ in range(3)]
    np.testing.assert_allclose(losses, expected, rtol=1e-9)
    np.testing.assert_allclose(net[2].weight.detach().T, w2, rtol=1e-9, atol=1e-12)


def test_a_parameter_without_a_gradient_stays():
    net = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2))
    net[0].requires_grad_(False)
    net.idle = nn.Linear(2, 2)
    net.forward = lambda x: net[1](net[0](x))
    before = [p.clone() for p in net.parameters()]
    module_step(net, torch.randn(5, 3), torch.randn(5, 2), 0.1)
    moved = [not torch.equal(a, b) for a, b in zip(before, net.parameters(), strict=True)]
    assert moved == [False, False, True, True, False, False]


# --- modules beyond the chain ----------------------------------------------------------------


def test_gated_sum_is_its_formula_and_its_gradient_is_right():
    gate = GatedSum().double()
    inputs = [torch.randn(4, n, dtype=torch.float64, requires_grad=True) for n in (10, 10, 20)]
    x1, x2, x3 = inputs
    expected = x1 + x2 * F.linear(x3, gate.gate.weight, gate.gate.bias)
    torch.testing.assert_close(gate(*inputs), expected)
    assert torch.autograd.gradcheck(gate, inputs)


def test_shared_layers_are_one_and_gradients_add_up():
    net = nn.Sequential(nn.Linear(3, 3), nn.Tanh(), nn.Linear(3, 3)).double()
    single = nn.Linear(3, 3).double()
    single.load_state_dict(net[0].state_dict())
    share_weights(net, ["0", "2"])
    assert net[2].weight is net[0].weight and net[2].bias is net[0].bias
    assert sum(p.numel() for p in net.parameters()) == 12

    x = torch.randn(4, 3, dtype=torch.float64)
    net(x).sum().backward()
    single(torch.tanh(single(x))).sum().backward()
    torch.testing.assert_close(net[0].weight.grad, single.weight.grad)


def test_a_layer_that_is_not_there_is_named():
    with pytest.raises(AttributeError, match="other"):
        share_weights(nn.Sequential(nn.Linear(1, 1)), ["0", "other"])


def test_layer_outputs_leave_no_hook_also_after_an_error():
    net = nn.Sequential(nn.Linear(3, 4), nn.ReLU(inplace=True), nn.Linear(4, 2))
    own = net[0].register_forward_hook(lambda *args: None)
    x = torch.randn(5, 3)
    outputs = layer_outputs(net, ["0", "2"], x)
    assert list(outputs) == ["0", "2"]
    torch.testing.assert_close(outputs["0"], F.linear(x, net[0].weight, net[0].bias))
    torch.testing.assert_close(outputs["2"], net(x))
    with pytest.raises(RuntimeError):
        layer_outputs(net, ["0", "2"], torch.randn(5, 7))
    with pytest.raises(AttributeError, match="other"):
        layer_outputs(net, ["2", "other"], x)
    assert [len(layer._forward_hooks) for layer in net] == [1, 0, 0]
    own.remove()


# --- the Huber loss --------------------------------------------------------------------------


@pytest.mark.parametrize("huber", [HuberFunction.apply, huber_loss])
@given(seed=seeds, n=st.integers(1, 9), delta=st.floats(0.1, 3))
@properties
def test_huber_is_torchs_and_its_gradient_too(huber, seed, n, delta):
    generator = torch.Generator().manual_seed(seed)
    pairs = []
    for loss_of in (huber, lambda p, t, d: F.huber_loss(p, t, delta=d)):
        generator.manual_seed(seed)
        inputs = [
            (2 * torch.randn(n, dtype=torch.float64, generator=generator)).requires_grad_()
            for _ in range(2)
        ]
        loss = loss_of(*inputs, delta)
        (3 * loss).backward()
        pairs.append((loss.detach(), *(tensor.grad for tensor in inputs)))
    for ours, theirs in zip(*pairs, strict=True):
        torch.testing.assert_close(ours, theirs)


def test_huber_refuses_shapes_that_would_be_broadcast():
    with pytest.raises(ValueError, match=r"one shape, but have \(4, 1\) and \(4,\)"):
        huber_loss(torch.zeros(4, 1), torch.zeros(4), 1.0)


def test_huber_passes_the_gradient_check():
    inputs = [torch.randn(6, dtype=torch.float64, requires_grad=True) for _ in range(2)]
    assert torch.autograd.gradcheck(HuberFunction.apply, (*inputs, 0.7))


# --- StaticGraph -----------------------------------------------------------------------------


@given(seed=seeds, size=sizes)
@properties
def test_a_graph_trains_as_numpy_does(seed, size):
    arrays = drawn(seed, *size)
    expected, w1, w2 = train_two_layer(*arrays, lr=0.01, steps=3)
    graph = StaticGraph()
    x, y = graph.placeholder("x"), graph.placeholder("y")
    weights = [graph.shared(torch.tensor(array)) for array in arrays[2:]]
    error = (x @ weights[0]).relu() @ weights[1] - y
    loss = (error * error).sum() * (1 / size[0])
    grads = graph.gradient(loss, weights)
    updates = {w: w - 0.01 * grad for w, grad in zip(weights, grads, strict=True)}
    step = graph.function([x, y], [loss], updates)
    losses = [step(*map(torch.tensor, arrays[:2]))[0].item() for _ in range(3)]
    np.testing.assert_allclose(losses, expected, rtol=1e-9)
    for ours, theirs in zip(weights, (w1, w2), strict=True):
        np.testing.assert_allclose(ours.value, theirs, rtol=1e-9, atol=1e-12)


def test_a_node_used_twice_collects_both_gradients():
    graph = StaticGraph()
    x = graph.shared(torch.tensor([1.0, -2.0]))
    loss = (x * x + x).sum()
    (grad,) = graph.gradient(loss, [x])
    [value] = graph.function([], [grad], {})()
    assert value.tolist() == [3.0, -3.0]


def test_updates_see_old_values_and_only_what_is_needed_is_computed():
    graph, computed = StaticGraph(), []
    a, b = graph.shared(1.0), graph.shared(2.0)
    noted = graph.apply(lambda value: computed.append(value) or value, (a,))
    swap = graph.function([], [a, b], {a: b, b: a})
    assert swap() == [1.0, 2.0] and (a.value, b.value) == (2.0, 1.0)
    assert computed == []
    assert graph.function([], [noted + noted], {})() == [4.0]
    assert computed == [2.0]


def test_inputs_that_are_missing_are_named():
    graph = StaticGraph()
    x, y = graph.placeholder("pixels"), graph.placeholder("labels")
    with pytest.raises(ValueError, match="needed but not among the inputs: labels"):
        graph.function([x], [x + y], {})
    add = graph.function([x, y], [x + y], {})
    with pytest.raises(ValueError, match="no value for labels; the function takes 2"):
        add(1.0)
    with pytest.raises(ValueError, match="got 3 values; the function takes 2"):
        add(1.0, 2.0, 3.0)
