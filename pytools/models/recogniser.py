"""A reader of whole lines: columns of pixels in, symbols out, letters never cut apart.

An LSTM goes over the columns of the image and names a symbol, or the blank, for each frame; CTC
trains it without being told where a letter stands. Sources: Graves, Fernández, Gomez & Schmidhuber
(2006), Connectionist temporal classification; Breuel et al. (2013), High-performance OCR for
printed English and Fraktur using LSTM networks; Shi, Bai & Yao (2017), An end-to-end trainable
neural network for image-based sequence recognition.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pytools.data.text_lines import (
    HEIGHT,
    SYMBOLS,
    TextLines,
    frames_needed,
    text_lines,
    to_numbers,
    to_text,
)
from pytools.models.flops import parameters_of
from pytools.scratch import ctc_align, greedy_decode

STRIDE = 2  # columns of a frame
HIDDEN, CHANNELS = 80, 16  # of each direction; of the first convolution
BATCH, CHUNK = 8, 256  # lines of a step; lines that are drawn at a time
WIDER = 4.0  # times torch's own range, for the weights of LSTMs and head
RATE, CLIP = 5e-3, 5.0  # Adam's for a new net, at its highest; the longest gradient
WARM, FALL, WORDS = 0.02, 0.5, 0.25  # shares of the steps: rate rises, rate falls, words only
EVERY = 4  # of the chunks after that, one is words again


class Recogniser(nn.Module):
    """Lines (N, 1, H, W) -> log probabilities (T, N, C) of the blank and the symbols; T = W // 2.

    Three small convolutions look at strokes, each with half the rows of the one before; the stride
    of the first makes 2 columns a frame. (With pooling, or with two convolutions, the net reads
    worse after as much time on a CPU.) An LSTM of one layer reads the frames from left to right
    and, where the net is bidirectional, another one from right to left. Weights are drawn from a
    wider range than torch's: the net is sooner past the stage at which it only says blanks.
    """

    def __init__(
        self,
        hidden: int = HIDDEN,
        bidirectional: bool = True,
        channels: int = CHANNELS,
        symbols: str = SYMBOLS,
        height: int = HEIGHT,
    ):
        super().__init__()
        self.symbols, self.channels, self.height = symbols, channels, height
        size = 3 * channels * (height // 8)
        self.strokes = nn.ModuleList(
            [
                _convolution(1, channels, (4, 4), stride=(2, 2)),
                _convolution(channels, 2 * channels, (4, 3), stride=(2, 1)),
                _convolution(2 * channels, 3 * channels, (4, 3), stride=(2, 1)),
            ]
        )
        self.rightward = nn.LSTM(size, hidden)
        self.leftward = nn.LSTM(size, hidden) if bidirectional else None
        self.head = nn.Linear(hidden * (1 + bidirectional), len(symbols) + 1)
        with torch.no_grad():
            for name, weight in self.named_parameters():
                if "ward.weight" in name or name == "head.weight":
                    weight *= WIDER

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        """lengths (N,): the frames of each line; what stands behind them is padding."""
        inside = torch.arange(x.shape[3] // STRIDE) < lengths[:, None]  # (N, T)
        for convolution in self.strokes:
            x = convolution(x) * inside[:, None, None]
        frames = x.flatten(1, 2).permute(2, 0, 1)
        out, _ = self.rightward(frames)
        if self.leftward is not None:
            back, _ = self.leftward(turned_round(frames, lengths))
            out = torch.cat([out, turned_round(back, lengths)], dim=2)
        return F.log_softmax(self.head(out), dim=2)


def _convolution(
    channels: int, width: int, kernel: tuple[int, int], stride: tuple[int, int]
) -> nn.Sequential:
    conv = nn.Conv2d(channels, width, kernel, stride, padding=1, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(width), nn.ReLU())


def turned_round(x: Tensor, lengths: Tensor) -> Tensor:
    """x (T, N, D), each sequence reversed within its own length: `reverse_padded` for tensors.

    Torch's packed sequences do the same, but on a CPU they take an LSTM several times as long.
    """
    steps = torch.arange(len(x))[:, None]
    order = torch.where(steps < lengths, lengths - 1 - steps, steps)
    return x.gather(0, order[..., None].expand(x.shape))


def forward_only(like: Recogniser) -> Recogniser:
    """A net without the second LSTM, as wide as makes up for its parameters, within 1 %."""
    hidden, rest = like.rightward.hidden_size, (like.channels, like.symbols, like.height)
    while parameters_of(Recogniser(hidden, False, *rest)) < parameters_of(like):
        hidden += 1
    return Recogniser(hidden, False, *rest)


def pad_lines(images: Sequence[np.ndarray]) -> tuple[Tensor, Tensor]:
    """Images (H, W), W differs, as one batch float32 (N, 1, H, Wmax), and their frames (N,).

    Each is normalised: its median, the paper, becomes 0, its standard deviation 1.
    """
    widths = [image.shape[1] // STRIDE * STRIDE for image in images]
    x = np.zeros((len(images), 1, len(images[0]), max(widths)), np.float32)
    for row, image, width in zip(x, images, widths, strict=True):
        row[0, :, :width] = (image[:, :width] - np.median(image)) / (image.std() + 1e-3)
    return torch.from_numpy(x), torch.tensor(widths) // STRIDE


def line_loss(net: Recogniser, images: Sequence[np.ndarray], texts: Sequence[str]) -> Tensor:
    """The mean CTC loss of a symbol. ValueError names a text that has more symbols than frames."""
    x, frames = pad_lines(images)
    for text, count in zip(texts, frames.tolist(), strict=True):
        if frames_needed(text) > count:
            raise ValueError(
                f"the text {text!r} needs {frames_needed(text)} frames, but its image of "
                f"{count * STRIDE} columns has {count}: leave it out, or make the image wider"
            )
    numbers = [to_numbers(text, net.symbols) for text in texts]
    return F.ctc_loss(
        net(x, frames),
        torch.tensor([n for row in numbers for n in row]),
        frames,
        torch.tensor([*map(len, numbers)]),
    )


def train_recogniser(
    net: Recogniser,
    steps: int,
    seed: int = 0,
    draw: Callable[[int, bool], tuple] | None = None,
    say: Callable[[str], object] | None = print,
    rate: float = RATE,
) -> list[float]:
    """Train in place with Adam on lines that are drawn as they are needed; the loss of each step.

    The first quarter of the steps are single words: CTC finds out on short ones what a symbol looks
    like. Later one chunk in four is words, so that they are not forgotten. The rate rises, stays,
    and falls to 0. draw(number, words) returns the images and texts of a chunk, `text_lines` where
    it is not given; say gets eight lines of progress. To train a net further, take a smaller rate.
    """
    draw = draw or fresh_lines
    optimizer = torch.optim.Adam(net.parameters(), lr=rate, fused=True)
    words, losses, start = int(WORDS * steps), [], time.perf_counter()
    batches = _batches(draw, seed, lambda: len(losses) < words)
    net.train()
    for step in range(steps):
        share = (step + 1) / steps
        optimizer.param_groups[0]["lr"] = rate * min(1, share / WARM, (1 - share) / FALL)
        optimizer.zero_grad()
        loss = line_loss(net, *next(batches))
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), CLIP)
        optimizer.step()
        losses.append(loss.item())
        if say and (step + 1) % max(steps // 8, 1) == 0:
            took = time.perf_counter() - start
            say(f"step {step + 1:5}: loss {np.mean(losses[-50:]):.3f}, {took:.0f} s")
    return losses


def fresh_lines(number: int, words: bool) -> TextLines:
    """A chunk of training lines that no other number has."""
    return text_lines("train", size=CHUNK, seed=number, words=words)


def _batches(
    draw: Callable[[int, bool], tuple], seed: int, words: Callable[[], bool]
) -> Iterator[tuple[list, list]]:
    """Batches of lines of about the same width, in random order, without end."""
    rng = np.random.default_rng(seed)
    for chunk in itertools.count():
        at_first = words()
        images, texts = draw(int(rng.integers(2**31)), at_first or chunk % EVERY == 0)[:2]
        if not len(images):
            raise ValueError("draw gave no lines to train on: at least one is needed")
        order = np.argsort([image.shape[1] for image in images], kind="stable")
        for start in rng.permutation(np.arange(0, len(images), BATCH)):
            rows = order[start : start + BATCH]
            yield [images[row] for row in rows], [texts[row] for row in rows]
            if at_first and not words():
                break


def line_log_probs(net: Recogniser, images: Sequence[np.ndarray]) -> list[np.ndarray]:
    """The log probabilities (T, C) of each line, float64."""
    order, found = np.argsort([image.shape[1] for image in images]), {}
    net.eval()
    with torch.no_grad():
        for rows in np.array_split(order, -(-len(order) // 50)):
            x, frames = pad_lines([images[row] for row in rows])
            out = net(x, frames).double().numpy()
            found |= {row: out[:t, n] for n, (row, t) in enumerate(zip(rows, frames, strict=True))}
    return [found[row] for row in range(len(images))]


def read_lines(
    net: Recogniser,
    images: Sequence[np.ndarray],
    decode: Callable[[np.ndarray], list[int]] = greedy_decode,
) -> list[str]:
    """What the net reads on each line; decode: log probabilities (T, C) -> numbers."""
    return [to_text(decode(scores), net.symbols) for scores in line_log_probs(net, images)]


def letter_sensitivity(net: Recogniser, image: np.ndarray, text: str) -> np.ndarray:
    """How each letter's log probability moves with each pixel of its normalised line: (L, H, W).

    Of letter i it is the gradient of log p at the frame, among those of the best path of `text`,
    that is surest of it. ValueError where the text does not fit into the frames.
    """
    x, frames = pad_lines([image])
    x.requires_grad_(True)
    scores = net.eval()(x, frames)[:, 0]
    labels = to_numbers(text, net.symbols)
    path = ctc_align(scores.detach().double().numpy(), labels)
    found = []
    for number, label in enumerate(labels):
        surest = scores[np.flatnonzero(path == 2 * number + 1), label].max()
        (grad,) = torch.autograd.grad(surest, x, retain_graph=True)
        # the columns of a frame that the image fills in part only are not read
        found.append(F.pad(grad[0, 0], (0, image.shape[1] - grad.shape[3])).numpy())
    return np.stack(found)
