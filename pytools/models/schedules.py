"""When to take smaller steps, and when to stop.

Source of the policies: Jia et al. (2014), Caffe: convolutional architecture for fast feature
embedding; of early stopping: Prechelt (1998), Early stopping - but when?
"""

from __future__ import annotations

import math

from pytools.models.solver_config import Solver


def step_lr(base_lr: float, gamma: float, stepsize: int, it: int) -> float:
    """base_lr · gamma^⌊it / stepsize⌋: after every stepsize iterations, gamma times as large."""
    return base_lr * gamma ** (it // stepsize)


def learning_rate(solver: Solver, it: int) -> float:
    """The learning rate of iteration it = 0, 1, 2, … under the solver's lr_policy.

    fixed: base_lr. step: see step_lr. multistep: times gamma at each entry of stepvalue.
    inv: base_lr · (1 + gamma · it)^(-power).
    """
    if solver.lr_policy == "step":
        return step_lr(solver.base_lr, solver.gamma, solver.stepsize, it)
    if solver.lr_policy == "multistep":
        return solver.base_lr * solver.gamma ** sum(it >= value for value in solver.stepvalue)
    if solver.lr_policy == "inv":
        return solver.base_lr * (1 + solver.gamma * it) ** -solver.power
    return solver.base_lr


class EarlyStopping:
    """Stops a run that has not improved for `patience` looks in a row."""

    def __init__(self, patience: int) -> None:
        self.patience = patience
        self.best = math.inf
        self.waited = 0

    def update(self, value: float) -> bool:
        """Take in a new value, lower is better; True when it is time to stop."""
        if value < self.best:
            self.best, self.waited = value, 0
        else:
            self.waited += 1
        return self.waited >= self.patience
