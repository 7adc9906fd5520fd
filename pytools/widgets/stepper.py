"""A figure to step through: the widget that interactive figures share."""

from collections.abc import Callable
from typing import Any

import ipywidgets
from matplotlib.figure import Figure

from pytools.widgets.figures import mimebundle


class Stepper(ipywidgets.VBox):
    """A picture of step 0 to `last`, with Back and Next buttons and a slider.

    draw(step) returns the figure of a step, not pyplot's own but a matplotlib.figure.Figure(),
    best of one size for all steps; describe(step) returns its alt text, one line.
    """

    def __init__(self, draw: Callable[[int], Figure], describe: Callable[[int], str], last: int):
        self.picture = ipywidgets.HTML()
        self.back = ipywidgets.Button(description="Back", icon="arrow-left")
        self.next = ipywidgets.Button(description="Next", icon="arrow-right")
        self.slider = ipywidgets.IntSlider(description="Step", max=last)
        super().__init__([self.picture, ipywidgets.HBox([self.back, self.next, self.slider])])

        def show_step(step: int) -> None:
            data, _ = mimebundle(draw(step), describe(step))
            self.picture.value = data["text/html"]
            self.back.disabled, self.next.disabled = step == 0, step == last

        def move(by: int) -> None:
            self.slider.value += by

        self.slider.observe(lambda change: show_step(change.new), names="value")
        self.back.on_click(lambda _: move(-1))
        self.next.on_click(lambda _: move(1))
        show_step(0)

    def _repr_mimebundle_(self, **kwargs: Any) -> dict:
        """With the picture as HTML, for readers without a kernel."""
        return {**super()._repr_mimebundle_(**kwargs), "text/html": self.picture.value}
