"""The optimiser race: right slopes, right ways, a picture for every choice, menus that work."""

import re

import numpy as np
import pytest

from pytools.scratch import check_gradient, momentum
from pytools.widgets import LANDSCAPES, describe_race, draw_race, race
from pytools.widgets.figures import check_labels, mimebundle
from pytools.widgets.landscapes import OPTIMIZERS, heights
from pytools.widgets.optimizer_race import RATES, STEPS, run

by_landscape = pytest.mark.parametrize("name", LANDSCAPES)


@by_landscape
def test_slopes_agree_with_central_differences(name):
    landscape = LANDSCAPES[name]()
    low, high = np.transpose([landscape.xlim, landscape.ylim])
    for w in np.random.default_rng(0).uniform(low, high, (5, 2)):
        _, grad = landscape.feval(w)
        # The slice of a net has kinks where a hidden unit falls silent: a small step.
        assert check_gradient(lambda w: landscape.feval(w)[0], w, grad, h=1e-7) < 1e-4


@by_landscape
def test_a_landscape_shows_its_start_and_its_lowest_place(name):
    landscape = LANDSCAPES[name]()
    assert landscape is LANDSCAPES[name]()
    assert landscape.name == name
    assert landscape.xlim[0] < landscape.start[0] < landscape.xlim[1]
    assert landscape.ylim[0] < landscape.start[1] < landscape.ylim[1]
    assert landscape.rates.keys() == set(OPTIMIZERS)
    assert set(landscape.rates.values()) <= set(RATES)
    _, _, loss = heights(landscape)
    row, column = np.unravel_index(np.argmin(loss), loss.shape)
    assert 0 < row < len(loss) - 1 and 0 < column < len(loss) - 1


@pytest.mark.parametrize(("name", "place"), [("ravine", (0, 0)), ("Rosenbrock", (1, 1))])
def test_lowest_place(name, place):
    loss, grad = LANDSCAPES[name]().feval(np.array(place, float))
    assert loss == 0
    np.testing.assert_array_equal(grad, 0)


def test_the_turned_ravine_is_the_ravine_turned():
    straight, turned = LANDSCAPES["ravine"](), LANDSCAPES["ravine, turned"]()
    axes = np.array([[1, 1], [-1, 1]]) / np.sqrt(2)
    for name in ("sgd", "momentum", "nesterov"):
        path, losses = run(straight, name, straight.rates[name])
        path_turned, losses_turned = run(turned, name, straight.rates[name])
        np.testing.assert_allclose(path_turned, path @ axes, atol=1e-9)
        np.testing.assert_allclose(losses_turned, losses, atol=1e-9)


def test_the_digits_have_two_valleys():
    feval = LANDSCAPES["digits"]().feval
    loss = {place: feval(np.array(place, float))[0] for place in [(1, 0), (0, 1), (1, 1), (0, 0)]}
    assert max(loss[1, 0], loss[0, 1]) < 0.05
    assert min(loss[1, 1], loss[0, 0]) > 1


def test_a_way_is_made_of_steps():
    landscape = LANDSCAPES["Rosenbrock"]()
    path, losses = run(landscape, "momentum", 0.001)
    w, state = np.array(landscape.start), {}
    for t in range(STEPS + 1):
        loss, grad = landscape.feval(w)
        assert losses[t] == loss
        np.testing.assert_array_equal(path[t], w)
        w, state = momentum(w, grad, state, 0.001)


@by_landscape
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_at_the_rate_that_suits_it_an_optimizer_gets_down(name, optimizer):
    landscape = LANDSCAPES[name]()
    _, losses = run(landscape, optimizer, landscape.rates[optimizer])
    assert losses[-1] < losses[0] / 4


def test_a_runaway_is_lost_and_called_so():
    landscape = LANDSCAPES["ravine"]()
    path, losses = run(landscape, "sgd", 10.0)
    assert np.isnan(losses[-1]) and np.isnan(path[-1]).all()
    assert np.nanmax(losses) < 1e6
    assert "sgd at rate 10 is lost" in describe_race(landscape, "sgd", 10.0, STEPS)
    labels = [text.get_text() for text in draw_race(landscape, "sgd", 10.0, STEPS).axes[1].texts]
    legend = draw_race(landscape, "sgd", 10.0, STEPS).axes[1].get_legend().get_texts()
    assert "sgd (lost)" in labels + [text.get_text() for text in legend]


@by_landscape
@pytest.mark.parametrize("step", [0, 20, STEPS])
def test_a_picture_shows_the_ways_so_far(name, step):
    landscape = LANDSCAPES[name]()
    fig = draw_race(landscape, "adam", 0.1, step)
    check_labels(fig)
    chart, curves = fig.axes
    path, losses = run(landscape, "adam", 0.1)
    np.testing.assert_array_equal(chart.lines[-1].get_xydata(), path[: step + 1])
    shown = curves.lines[-1].get_ydata()
    np.testing.assert_allclose(shown, np.maximum(losses[: step + 1], landscape.floor))
    assert len(curves.lines) == len(OPTIMIZERS)
    order = [text.get_text() for text in curves.get_legend().get_texts()]
    assert order == list(OPTIMIZERS)
    assert len({line.get_color() for line in curves.lines}) == len(OPTIMIZERS)
    assert tuple(fig.get_size_inches()) == (9.6, 4.6)


def test_alt_text_says_where_everyone_is():
    landscape = LANDSCAPES["ravine"]()
    text = describe_race(landscape, "adam", 0.5, 20)
    assert "\n" not in text
    assert text.startswith("Optimiser race on ravine, step 20 of 100. adam at rate 0.5 is at (")
    assert re.findall(r"(\w+) [\d.e-]+[,.]", text.split("others:")[1]) == [
        name for name in OPTIMIZERS if name != "adam"
    ]


def test_menus_choose_and_keep_the_step():
    widget = race("ravine", "momentum", step=7)
    assert (widget.rate.value, widget.stepper.slider.value) == (0.01, 7)
    widget.optimizer.value = "adam"
    assert (widget.rate.value, widget.stepper.slider.value) == (0.5, 7)
    widget.rate.value = 0.1
    widget.stepper.next.click()
    assert "step 8 of 100. adam at rate 0.1" in widget.stepper.picture.value
    widget.landscape.value = "Rosenbrock"
    assert (widget.rate.value, widget.optimizer.value) == (0.2, "adam")
    widget.optimizer.value = "rmsprop"
    assert "Rosenbrock, step 8 of 100. rmsprop at rate 0.05" in widget.stepper.picture.value


def test_another_optimizer_with_the_same_rate_is_drawn_too():
    widget = race("ravine", "momentum")
    widget.optimizer.value = "nesterov"
    assert "nesterov at rate 0.01" in widget.stepper.picture.value


def test_readers_without_a_kernel_see_the_picture():
    bundle = race()._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in bundle
    landscape = LANDSCAPES["ravine"]()
    choice = (landscape, "momentum", 0.01, 20)
    assert (
        bundle["text/html"]
        == mimebundle(draw_race(*choice), describe_race(*choice))[0]["text/html"]
    )


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"landscape": "hill"}, r"landscape must be one of ravine, .*digits, but is 'hill'"),
        ({"optimizer": "lbfgs"}, r"optimizer must be one of sgd, .*adam, but is 'lbfgs'"),
        ({"step": 101}, r"step must be a whole number from 0 to 100, but is 101"),
    ],
)
def test_a_race_that_is_not_there(given, message):
    with pytest.raises(ValueError, match=message):
        race(**given)
