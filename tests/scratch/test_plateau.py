"""When training has stalled, by known losses."""

import pytest

from pytools.scratch import is_stalled


@pytest.mark.parametrize(
    "losses, window, tolerance, stalled",
    [
        ([3, 2, 1], 2, 9, False),
        ([4, 4, 3, 3], 2, 1.0, False),
        ([4, 4, 3, 3], 2, 1.01, True),
        ([1, 2], 1, 0.0, True),
        ([9, 9, 2, 2, 2, 2], 2, 0.1, True),
        ([], 1, 1, False),
    ],
)
def test_stalled(losses, window, tolerance, stalled):
    assert is_stalled(losses, window, tolerance) is stalled


def test_a_window_without_losses_is_refused():
    with pytest.raises(ValueError, match="at least 1 loss, but is 0"):
        is_stalled([1.0], 0, 0.1)
