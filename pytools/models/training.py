"""A training loop that can be stopped at any step and gone on with as if nothing had happened."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import TensorDataset
from tqdm.auto import tqdm

from pytools.errors import CourseError
from pytools.models.batches import ShuffledBatches, augment, loader, seeded
from pytools.models.checkpoints import Snapshots, require_same_layers
from pytools.models.devices import best_device, out_of_memory
from pytools.models.metrics import accuracy
from pytools.models.schedules import EarlyStopping, learning_rate
from pytools.models.solver_config import Solver

CHUNK = 500  # images at a time where nothing is learned
PARTS = ("model", "optimizer", "step", "batches", "augment", "chance", "stopping", "history")


class Trainer:
    """One training run of a classifier.

    model: images (N, C, H, W) -> logits (N, K). train, valid: TensorDatasets of images, floats,
    and labels, int64. multipliers: layer name -> (lr_mult, decay_mult), 1 for all others. After
    `run`, `history` has "train", rows of iteration, loss, learning rate, and "valid", rows of
    iteration, loss, accuracy. Chance comes from solver.random_seed alone: the order of images,
    augmentation, dropout. torch's global generator is left as it was.
    """

    def __init__(
        self,
        model: nn.Module,
        solver: Solver,
        train: TensorDataset,
        valid: TensorDataset,
        multipliers: Mapping[str, tuple[float, float]] | None = None,
        say: Callable[[str], None] = print,
    ) -> None:
        self.solver, self.train, self.valid, self.say = solver, train, valid, say
        self.device = pick_device(solver.device)
        self.model = model.to(self.device)
        groups = parameter_groups(model, solver, multipliers or {})
        self.optimizer = torch.optim.SGD(groups, lr=solver.base_lr, momentum=solver.momentum)
        seed = solver.random_seed
        self.batches = ShuffledBatches(len(train), solver.batch_size, seeded(seed))
        self.augmenting = seeded(seed + 1)
        self.chance = [seeded(seed + 2).get_state()]  # torch's own generators, for dropout
        if self.device.type == "cuda":
            self.chance.append(torch.Generator("cuda").manual_seed(seed + 2).get_state())
        self.stopping = EarlyStopping(solver.patience or math.inf)
        self.stopped = False
        self.step = 0
        self.pieces = 1  # that a batch is cut into, where memory is short
        self.history: dict[str, list] = {"train": [], "valid": []}

    @property
    def done(self) -> bool:
        return self.stopped or self.step >= self.solver.max_iter

    def run(
        self, until: int | None = None, snapshots: Snapshots | None = None, progress: bool = True
    ) -> dict[str, list]:
        """Train to the end, or to iteration `until`; returns the history.

        snapshots: where checkpoints go, every solver.snapshot iterations and at the end.
        CourseError where the loss is no longer a number.
        """
        end = min(until or self.solver.max_iter, self.solver.max_iter)
        rows = iter(loader(self.train, self.batches))
        cuda = [self.device] if self.device.type == "cuda" else []
        with (
            torch.random.fork_rng(devices=cuda),
            tqdm(total=end, initial=self.step, disable=not progress, unit="it") as bar,
        ):
            self._restore_chance()
            self.model.train()
            while self.step < end and not self.done:
                loss = self._one_step(*next(rows))
                bar.update()
                bar.set_postfix(loss=f"{loss:.3f}", refresh=False)
                every = self.solver.snapshot
                if snapshots and (self.done or (every and self.step % every == 0)):
                    snapshots.save(self.state_dict())
        return self.history

    def predict(self, images: Tensor) -> Tensor:
        """Logits (N, K) of images (N, C, H, W), on the CPU; dropout is off."""
        self.model.eval()
        with torch.no_grad():
            logits = [self.model(part.to(self.device)).cpu() for part in images.split(CHUNK)]
        self.model.train()
        return torch.cat(logits)

    def state_dict(self) -> dict[str, Any]:
        """All that `run` needs to go on: numbers, tensors and words."""
        return {
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "step": self.step,
            "batches": self.batches.state_dict(),
            "augment": self.augmenting.get_state(),
            "chance": self.chance,
            "stopping": [self.stopping.best, self.stopping.waited, self.stopped, self.pieces],
            "history": self.history,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a state; ValueError, and nothing is changed, where it is of another run."""
        missing = [part for part in PARTS if part not in state]
        if missing:
            raise ValueError(f"it is of no training run: {missing[0]!r} is missing")
        require_same_layers(state["model"], self.model)
        if len(state["chance"]) != len(self.chance):
            raise ValueError("it is of a run on another device")
        sizes, own = (
            [len(group["params"]) for group in optimizer["param_groups"]]
            for optimizer in (state["optimizer"], self.optimizer.state_dict())
        )
        if sizes != own:
            raise ValueError("it is of another optimiser")
        try:
            for part in (state["augment"], state["chance"][0], state["batches"]["generator"]):
                torch.Generator().set_state(part)
        except (RuntimeError, TypeError):
            raise ValueError("it holds a generator's state that is no state") from None
        self.batches.load_state_dict(state["batches"])
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.augmenting.set_state(state["augment"])
        self.stopping.best, self.stopping.waited, self.stopped, self.pieces = state["stopping"]
        self.step, self.chance = state["step"], state["chance"]
        self.history = {name: list(rows) for name, rows in state["history"].items()}

    def _one_step(self, images: Tensor, labels: Tensor) -> float:
        rate = learning_rate(self.solver, self.step)
        for group in self.optimizer.param_groups:
            group["lr"] = rate * group["lr_mult"]
        images = augment(images, self.augmenting, self.solver.shift, self.solver.flip)
        loss = self._gradients(images, labels)
        if not math.isfinite(loss):
            raise CourseError(
                f"the loss is {loss} at iteration {self.step}: a smaller base_lr may help "
                f"(it is {self.solver.base_lr:g})"
            )
        self.optimizer.step()
        self.step += 1
        self.history["train"].append([self.step, loss, rate])
        if self.step % self.solver.test_interval == 0 or self.step == self.solver.max_iter:
            self._look()
        self._keep_chance()
        return loss

    def _gradients(self, images: Tensor, labels: Tensor) -> float:
        """The mean loss of a batch, its gradient left in the parameters.

        Where memory runs out the batch is cut into halves, whose gradients add up to the same.
        """
        while True:
            try:
                self.optimizer.zero_grad()
                total = 0.0
                pieces = (images.chunk(self.pieces), labels.chunk(self.pieces))
                for x, y in zip(*pieces, strict=True):
                    logits = self.model(x.to(self.device))
                    loss = F.cross_entropy(logits, y.to(self.device), reduction="sum")
                    loss = loss / len(images)
                    loss.backward()
                    total += loss.item()
                return total
            except (RuntimeError, MemoryError) as error:
                if not out_of_memory(error):
                    raise
                if self.pieces >= len(images):
                    raise CourseError("out of memory with one image at a time") from None
            self.pieces *= 2
            self.say(f"out of memory: batches go in {self.pieces} pieces from now on")

    def _look(self) -> None:
        """Loss and accuracy on the validation images, and whether to stop."""
        images, labels = self.valid.tensors
        logits = self.predict(images)
        loss = F.cross_entropy(logits, labels).item()
        self.history["valid"].append([self.step, loss, accuracy(logits, labels)])
        self.stopped = self.stopping.update(loss)

    def _keep_chance(self) -> None:
        self.chance = [torch.get_rng_state()]
        if self.device.type == "cuda":
            self.chance.append(torch.cuda.get_rng_state(self.device))

    def _restore_chance(self) -> None:
        torch.set_rng_state(self.chance[0])
        if self.device.type == "cuda":
            torch.cuda.set_rng_state(self.chance[1], self.device)


def parameter_groups(
    model: nn.Module, solver: Solver, multipliers: Mapping[str, tuple[float, float]]
) -> list[dict]:
    """A group for each layer with parameters, with its own rate and weight decay."""
    groups = []
    for name, layer in model.named_modules():
        parameters = list(layer.parameters(recurse=False))
        if parameters:
            lr_mult, decay_mult = multipliers.get(name, (1.0, 1.0))
            decay = solver.weight_decay * decay_mult
            groups.append({"params": parameters, "lr_mult": lr_mult, "weight_decay": decay})
    return groups


def pick_device(name: str) -> torch.device:
    """The device of this name; 'auto' is the best one. CourseError where it is not here."""
    here = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    if name == "auto":
        return best_device()
    if not here[name]:
        found = ", ".join(device for device, there in here.items() if there)
        raise CourseError(
            f"device: {name} is asked for, but PyTorch finds none on this computer (there is: "
            f"{found}); write device: auto, or see `course doctor`"
        )
    return torch.device(name)
