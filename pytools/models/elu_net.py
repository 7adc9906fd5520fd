"""A small convolutional net with ELU and without batch normalisation.

Source: Clevert, Unterthiner & Hochreiter (2016), Fast and accurate deep network learning by
exponential linear units; blocks of 3×3 convolutions halved by pooling, as in Simonyan & Zisserman
(2015), Very deep convolutional networks.
"""

from collections.abc import Sequence

from torch import Tensor, nn


class EluNet(nn.Module):
    """Images (N, channels, H, W), floats -> (N, outputs); H and W of at least 2 ** len(widths).

    Each width is a block: two 3×3 convolutions with ELU, then a max-pooling that halves the side.
    The mean over all places makes the net indifferent to the size of the picture.
    """

    def __init__(self, channels: int = 3, outputs: int = 10, widths: Sequence[int] = (32, 64, 128)):
        super().__init__()
        blocks = []
        for width in widths:
            blocks += [nn.Conv2d(channels, width, 3, padding=1), nn.ELU()]
            blocks += [nn.Conv2d(width, width, 3, padding=1), nn.ELU(), nn.MaxPool2d(2)]
            channels = width
        self.features = nn.Sequential(*blocks)
        self.head = nn.Linear(channels, outputs)

    def forward(self, images: Tensor) -> Tensor:
        return self.head(self.features(images).mean(dim=(2, 3)))
