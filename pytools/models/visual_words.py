"""Descriptors of small squares, and the vocabulary that k-means makes of them.

Source: Sivic & Zisserman (2003), Video Google; small normalised patches as descriptors: Varma &
Zisserman (2003), Texture classification: are filter banks necessary?
"""

import numpy as np


def dense_descriptors(images: np.ndarray, size: int = 8, stride: int = 4) -> np.ndarray:
    """Squares of size × size pixels at every stride-th place: float32 (N, M, C * size²).

    images (N, C, H, W), in [0, 1]. Each descriptor has mean 0 and a length below 1, near 1 where
    there is contrast: what the light does is taken out, what the surface does stays. Raises
    ValueError where no square fits.
    """
    images = np.asarray(images, dtype=np.float32)
    if images.ndim != 4 or min(images.shape[2:]) < size:
        raise ValueError(
            f"images must be (N, C, H, W) of at least {size} × {size} pixels, but have shape "
            f"{images.shape}"
        )
    squares = np.lib.stride_tricks.sliding_window_view(images, (size, size), axis=(2, 3))
    squares = squares[:, :, ::stride, ::stride].transpose(0, 2, 3, 1, 4, 5)
    found = squares.reshape(len(images), -1, images.shape[1] * size**2)
    found = found - found.mean(axis=2, keepdims=True)
    return found / (np.linalg.norm(found, axis=2, keepdims=True) + 0.5)


def learn_codebook(
    descriptors: np.ndarray, num_words: int, rng: np.random.Generator, sample: int = 10_000
) -> np.ndarray:
    """The visual words: centres (num_words, D) of k-means on descriptors (..., D).

    At most `sample` of them are used, drawn at random. Raises ValueError where there are fewer
    descriptors than words.
    """
    from sklearn.cluster import KMeans  # here, since it takes a second to import

    rows = descriptors.reshape(-1, descriptors.shape[-1])
    if len(rows) < num_words:
        raise ValueError(f"num_words is {num_words}, but there are only {len(rows)} descriptors")
    rows = rows[rng.choice(len(rows), min(sample, len(rows)), replace=False)]
    means = KMeans(num_words, n_init=1, max_iter=30, random_state=int(rng.integers(2**31)))
    return means.fit(rows).cluster_centers_
