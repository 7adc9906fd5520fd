"""LeNet-5 in PyTorch: the net that 04 builds in NumPy, layer for layer.

Source: LeCun, Bottou, Bengio & Haffner (1998), Gradient-based learning applied to document
recognition; with ReLU and max-pooling as in 04, and all feature maps joined to all.
"""

from torch import Tensor, nn


class LeNet5(nn.Module):
    """Images (N, channels, 28, 28), floats -> logits (N, classes).

    28 -> conv 5×5, pad 2, 6 maps -> pool 14 -> conv 5×5, 16 maps -> pool 5 -> 120 -> 84 -> classes.
    For one channel and ten classes 61,706 parameters. `size`: the side of the square images, a
    multiple of 4, at least 12.
    """

    def __init__(self, channels: int = 1, classes: int = 10, size: int = 28):
        super().__init__()
        if size % 4 or size < 12:
            raise ValueError(f"size must be a multiple of 4 and at least 12, but is {size}")
        side = size // 4 - 2  # two poolings halve it, the second convolution takes 4 of the half
        self.features = nn.Sequential(
            nn.Conv2d(channels, 6, 5, padding=2),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(6, 16, 5),
            nn.ReLU(),
            nn.MaxPool2d(2),
        )
        self.classifier = nn.Sequential(
            nn.Flatten(),
            nn.Linear(16 * side**2, 120),
            nn.ReLU(),
            nn.Linear(120, 84),
            nn.ReLU(),
            nn.Linear(84, classes),
        )

    def forward(self, images: Tensor) -> Tensor:
        return self.classifier(self.features(images))
