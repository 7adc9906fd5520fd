"""Pictures shown as they might have been taken as well.

Source: Simard, Steinkraus & Platt (2003), Best practices for convolutional neural networks applied
to visual document analysis.
"""

import numpy as np
from scipy.ndimage import affine_transform

ANGLE, ZOOM = np.pi / 15, 0.1  # the largest rotation, in radians, and change of scale
GAIN, OFFSET = 0.15, 0.08  # the largest change of a colour: of contrast and of brightness


def augment(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The picture as it might have been taken as well, (H, W, 3) in [0, 1] to the same.

    Turned by up to 12 degrees, up to a tenth larger or smaller, mirrored half the time, each colour
    a little brighter or darker. What comes in from outside repeats the border.
    """
    angle, zoom = rng.uniform(-ANGLE, ANGLE), 1 + rng.uniform(-ZOOM, ZOOM)
    cos, sin = np.cos(angle) / zoom, np.sin(angle) / zoom
    matrix = np.array([[cos, sin], [-sin, cos]])
    middle = (np.array(image.shape[:2]) - 1) / 2
    offset = middle - matrix @ middle
    gains, offsets = 1 + rng.uniform(-GAIN, GAIN, 3), rng.uniform(-OFFSET, OFFSET, 3)
    turned = np.empty(image.shape, image.dtype)
    for channel in range(3):
        affine_transform(
            image[..., channel],
            matrix,
            offset,
            output=turned[..., channel],
            order=1,
            mode="nearest",
        )
    if rng.random() < 0.5:
        turned = turned[:, ::-1]
    return np.clip(turned * gains + offsets, 0, 1).astype(image.dtype)
