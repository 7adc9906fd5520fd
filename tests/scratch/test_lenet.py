"""LeNet: its gradients, its sizes, its twin in torch, and that it learns."""

import numpy as np
import pytest
import torch

from pytools.data import digits
from pytools.scratch import Linear, Net, lenet5, numerical_gradient, small_lenet, train_net

SMALL_SHAPES = {
    "c1": (16, 8, 8),
    "s2": (16, 4, 4),
    "c3": (32, 4, 4),
    "s4": (32, 2, 2),
    "f5": (64,),
    "out": (10,),
}


def in_torch(net: Net) -> torch.nn.Sequential:
    """The same layers with the same weights."""
    modules = []
    for layer in net.layers.values():
        if not layer.params:
            modules += [torch.nn.MaxPool2d(2), torch.nn.ReLU()]
            continue
        w, b = (torch.tensor(layer.params[name]) for name in "wb")
        if isinstance(layer, Linear):
            module = torch.nn.Linear(*w.shape)
            module.weight.data, module.bias.data = w.T.contiguous(), b
            modules += [torch.nn.Flatten(), module] + [torch.nn.ReLU()] * layer.relu
        else:
            module = torch.nn.Conv2d(w.shape[1], w.shape[0], w.shape[2], padding=layer.pad)
            module.weight.data, module.bias.data = w, b
            modules.append(module)
    return torch.nn.Sequential(*modules)


@pytest.mark.parametrize("make, side", [(lenet5, 28), (small_lenet, 8)])
def test_loss_and_gradients_against_torch(make, side):
    rng = np.random.default_rng(0)
    net = make(rng)
    x, labels = rng.random((20, 1, side, side), dtype=np.float32), rng.integers(0, 10, 20)
    twin = in_torch(net)
    loss = net.loss(x, labels)
    expected = torch.nn.functional.cross_entropy(twin(torch.tensor(x)), torch.tensor(labels))
    expected.backward()
    assert loss == pytest.approx(expected.item(), rel=1e-5)
    theirs = iter(twin.parameters())
    for layer in net.layers.values():
        for name in layer.params:
            grad = next(theirs).grad.numpy()
            grad = grad.T if name == "w" and isinstance(layer, Linear) else grad
            assert layer.grads[name].dtype == np.float32
            np.testing.assert_allclose(layer.grads[name], grad, atol=1e-5 * np.abs(grad).max())


def test_gradients_against_central_differences():
    """In float64, the first filters and the last weights of a net, all other layers between."""
    rng = np.random.default_rng(0)
    net = small_lenet(rng)
    for layer in net.layers.values():
        layer.params = {name: value.astype(np.float64) for name, value in layer.params.items()}
    x, labels = rng.random((3, 1, 8, 8)), np.array([3, 0, 9])
    net.loss(x, labels)
    grads = {name: net.layers[name].grads["w"] for name in ("c1", "out")}
    for name, ours in grads.items():
        layer = net.layers[name]
        kept = layer.params["w"]

        def loss(w, layer=layer):
            layer.params["w"] = w
            return net.loss(x, labels)

        numeric = numerical_gradient(loss, kept, h=1e-6)
        layer.params["w"] = kept
        np.testing.assert_allclose(ours, numeric, atol=1e-7)


def test_sizes_as_in_the_paper():
    net = lenet5(np.random.default_rng(0))
    shapes = [out.shape[1:] for out in net.outputs(np.zeros((1, 1, 28, 28), np.float32)).values()]
    assert shapes == [(6, 28, 28), (6, 14, 14), (16, 10, 10), (16, 5, 5), (120,), (84,), (10,)]
    assert net.num_params() == 61_706


def test_any_layer_can_be_fetched():
    net = small_lenet(np.random.default_rng(0))
    x = np.random.default_rng(1).random((4, 1, 8, 8), dtype=np.float32)
    outputs = net.outputs(x)
    assert {name: out.shape[1:] for name, out in outputs.items()} == SMALL_SHAPES
    np.testing.assert_array_equal(outputs["out"], net.scores(x))
    np.testing.assert_array_equal(net.predict(x), outputs["out"].argmax(axis=1))


@pytest.mark.parametrize("seed", range(5))
def test_the_small_net_learns_digits(seed):
    (x, y), (test_x, test_y) = digits("train"), digits("test")
    rng = np.random.default_rng(seed)
    net = small_lenet(rng)
    losses = list(train_net(net, x, y, 20, rng, lr=0.05, batch=32))
    assert len(losses) == 20 and losses[-1] < 0.02 < losses[0]
    assert np.mean(net.predict(test_x) == test_y) >= 0.97


def test_training_takes_the_steps_that_torch_takes():
    """Momentum, decay of the weights, a rate that rises and falls, batches in the rng's order."""
    x, y = (part[:300] for part in digits("train"))
    net = small_lenet(np.random.default_rng(0))
    twin = in_torch(net)
    list(train_net(net, x, y, 2, np.random.default_rng(7), lr=0.05, batch=32))

    weights = [p for p in twin.parameters() if p.ndim > 1]
    biases = [p for p in twin.parameters() if p.ndim == 1]
    groups = [{"params": weights, "weight_decay": 1e-3}, {"params": biases}]
    optimizer = torch.optim.SGD(groups, lr=0.05, momentum=0.9)
    order = np.random.default_rng(7)
    batches = [b for _ in range(2) for b in np.array_split(order.permutation(300), 10)]
    for step, rows in enumerate(batches):
        for group in optimizer.param_groups:
            group["lr"] = 0.05 * min(step / 20 / 0.1, (1 - step / 20) / 0.9)
        scores = twin(torch.tensor(x[rows]))
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(scores, torch.tensor(y[rows])).backward()
        optimizer.step()
    with torch.no_grad():
        theirs = twin(torch.tensor(x)).numpy()
    np.testing.assert_allclose(net.scores(x), theirs, atol=1e-3 * np.abs(theirs).max())


def test_the_same_seed_gives_the_same_net():
    x, y = digits("train")
    nets = []
    for _ in range(2):
        rng = np.random.default_rng(3)
        nets.append(small_lenet(rng))
        list(train_net(nets[-1], x[:200], y[:200], 2, rng))
    weights = [net.layers["c3"].params["w"] for net in nets]
    np.testing.assert_array_equal(*weights)


IMAGES, LABELS = np.zeros((4, 1, 8, 8), np.float32), np.array([0, 1, 2, 9])
SPOILT = {
    "labels out of range": (IMAGES, LABELS + 1, "labels must be 0 to 9.*10"),
    "too few labels": (IMAGES, LABELS[:3], "labels must be 4 integers"),
    "fractions as labels": (IMAGES, LABELS / 2, "labels must be 4 integers.*float64"),
    "no images": (IMAGES[:0], LABELS[:0], "x must have at least one"),
    "NaN": (IMAGES + np.nan, LABELS, "x must be finite"),
    "too large": (np.zeros((4, 1, 16, 16)), LABELS, r"x must bring 128 numbers.*\(4, 32, 4, 4\)"),
    "an odd size": (np.zeros((4, 1, 7, 7)), LABELS, "stride must divide"),
    "colour": (np.zeros((4, 3, 8, 8)), LABELS, "w must have a channel for each of x's 3"),
}


@pytest.mark.parametrize("name", SPOILT)
def test_bad_input_is_named(name):
    x, labels, message = SPOILT[name]
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match=message):
        list(train_net(small_lenet(rng), x, labels, 1, rng))


def test_no_epochs():
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="epochs and batch must be at least 1, but are 0 and 64"):
        list(train_net(small_lenet(rng), IMAGES, LABELS, 0, rng))
