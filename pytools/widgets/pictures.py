"""Many small pictures in one: digits, filters, samples."""

import numpy as np
from matplotlib.axes import Axes


def mosaic(pictures: np.ndarray, columns: int) -> np.ndarray:
    """Pictures side by side, row by row, one pixel apart (NaN): a matrix for imshow.

    pictures (K, S, S), or (K, S²) with the rows of each one after the other. Places that are left
    over stay NaN. Raises ValueError for other shapes, no pictures, or columns below 1.
    """
    pictures = np.asarray(pictures, dtype=float)
    side = round(np.sqrt(pictures[0].size)) if pictures.ndim in (2, 3) and pictures.size else 0
    if pictures.shape[1:] not in [(side, side), (side * side,)] or not side:
        raise ValueError(f"pictures must be (K, S, S) or (K, S²), but have shape {pictures.shape}")
    if columns < 1:
        raise ValueError(f"columns must be at least 1, but is {columns}")
    rows = -(-len(pictures) // columns)
    sheet = np.full((rows, columns, side + 1, side + 1), np.nan)
    for number, picture in enumerate(pictures):
        sheet[divmod(number, columns)][:side, :side] = picture.reshape(side, side)
    return sheet.transpose(0, 2, 1, 3).reshape(rows * (side + 1), -1)[:-1, :-1]


def draw_pictures(
    ax: Axes,
    pictures: np.ndarray,
    columns: int,
    title: str = "",
    low: float | None = 0.0,
    high: float | None = 1.0,
    cmap: str = "gray_r",
) -> None:
    """Draw a mosaic; low is white and high is black, with the colours of cmap between them.

    Where low and high are None, as for weights, they are the largest entry on either side of 0:
    blue is below 0, red above.
    """
    sheet = mosaic(pictures, columns)
    if low is None or high is None:
        high = max(float(np.nanmax(np.abs(sheet))), 1e-9)
        low, cmap = -high, "RdBu_r"
    ax.imshow(sheet, vmin=low, vmax=high, cmap=cmap, interpolation="nearest")
    ax.set_title(title, fontsize=11)
    ax.axis("off")
