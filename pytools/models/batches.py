"""Batches of images whose order can be stopped at any point and gone on with."""

from __future__ import annotations

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Generator, Tensor
from torch.utils.data import DataLoader, Sampler, TensorDataset


def seeded(seed: int) -> Generator:
    """A generator of one's own."""
    return Generator().manual_seed(seed)


class ShuffledBatches(Sampler):
    """Rows of 0 to size - 1 in batches, without end; each epoch in a new order.

    What it needs to go on: the order of this epoch, the place in it, and the generator.
    """

    def __init__(self, size: int, batch_size: int, generator: Generator) -> None:
        self.size, self.batch_size, self.generator = size, batch_size, generator
        self.order, self.position = torch.arange(size), size

    def __iter__(self) -> Iterator[Tensor]:
        while True:
            if self.position >= self.size:
                self.order = torch.randperm(self.size, generator=self.generator)
                self.position = 0
            rows = self.order[self.position : self.position + self.batch_size]
            self.position += len(rows)
            yield rows

    def state_dict(self) -> dict:
        state = {"order": self.order, "position": self.position}
        return state | {"generator": self.generator.get_state()}

    def load_state_dict(self, state: dict) -> None:
        """ValueError where the state is that of another number of images."""
        if len(state["order"]) != self.size:
            raise ValueError(f"it is of {len(state['order'])} training images, not {self.size}")
        self.order, self.position = state["order"], state["position"]
        self.generator.set_state(state["generator"])


def loader(images: TensorDataset, batches: ShuffledBatches) -> DataLoader:
    """A DataLoader that takes whole batches of rows at once.

    Each iterator of a DataLoader draws a seed for its workers, from torch's global generator if
    none is given: then a run that was resumed would drop out other units than one that was not.
    """
    return DataLoader(images, batch_size=None, sampler=batches, generator=Generator())


def augment(images: Tensor, generator: Generator, shift: int = 0, flip: bool = False) -> Tensor:
    """Images (N, C, H, W), each moved and mirrored by chance.

    shift: up to so many pixels along each axis, the border repeated. flip: left for right with
    probability 1/2. What a label means must survive it: no flips for digits.
    """
    if shift:
        n, c, h, w = images.shape
        moves = torch.randint(2 * shift + 1, (2, n, 1), generator=generator)
        rows, columns = moves[0] + torch.arange(h), moves[1] + torch.arange(w)
        padded = F.pad(images, [shift] * 4, mode="replicate")
        n, c = torch.arange(n).reshape(-1, 1, 1, 1), torch.arange(c).reshape(1, -1, 1, 1)
        images = padded[n, c, rows[:, None, :, None], columns[:, None, None, :]]
    if flip:
        mirrored = torch.rand(len(images), generator=generator) < 0.5
        images = torch.where(mirrored[:, None, None, None], images.flip(3), images)
    return images
