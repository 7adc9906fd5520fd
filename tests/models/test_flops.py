"""Operations counted: by hand for each kind of layer, and for known nets."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from pytools.models import LeNet5, forward_flops, training_flops

sizes = st.integers(1, 6)


@given(batch=sizes, a=sizes, b=sizes, c=sizes)
@settings(max_examples=20, deadline=None)
def test_a_chain_of_linear_layers(batch, a, b, c):
    net = nn.Sequential(nn.Linear(a, b), nn.ReLU(), nn.Linear(b, c))
    assert forward_flops(net, (a,)) == 2 * (a * b + b * c)
    assert training_flops(net, (a,), batch) == 6 * batch * (a * b + b * c)


@given(channels=sizes, filters=sizes, k=st.sampled_from([1, 3, 5]), stride=st.integers(1, 2))
@settings(max_examples=20, deadline=None)
def test_a_convolution_at_every_place(channels, filters, k, stride):
    conv = nn.Conv2d(channels, filters, k, stride, padding=k // 2)
    places = (-(-7 // stride)) ** 2
    assert forward_flops(conv, (channels, 7, 7)) == 2 * channels * filters * k * k * places


def test_lenet_5():
    by_hand = 6 * 25 * 28**2 + 16 * 6 * 25 * 10**2 + 400 * 120 + 120 * 84 + 84 * 10
    assert forward_flops(LeNet5(), (1, 28, 28)) == 2 * by_hand == 833_040


def test_the_model_is_left_as_it_was():
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2).eval(), nn.BatchNorm2d(2)).double()
    before = {key: value.clone() for key, value in net.state_dict().items()}
    forward_flops(net, (1, 4, 4))
    assert [layer.training for layer in net] == [True, False, True] and net.training
    assert all(torch.equal(before[key], value) for key, value in net.state_dict().items())


def test_a_shape_that_does_not_fit_is_torchs_own_error_and_the_mode_stays():
    net = nn.Linear(3, 2)
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        forward_flops(net, (4,))
    assert net.training
