"""Whether training still gains anything.

Source: Prechelt (1998), Early stopping, but when? (means over strips of training).
"""

from collections.abc import Sequence

import numpy as np


def is_stalled(losses: Sequence[float], window: int, tolerance: float) -> bool:
    """Whether the mean of the last window of losses is less than tolerance below the one before.

    losses: one for each step, the latest last; window >= 1. False where there are fewer than
    2 * window losses: too early to tell.
    """
    if window < 1:
        raise ValueError(f"window must be at least 1 loss, but is {window}")
    if len(losses) < 2 * window:
        return False
    before, last = losses[-2 * window : -window], losses[-window:]
    return bool(np.mean(before) - np.mean(last) < tolerance)
