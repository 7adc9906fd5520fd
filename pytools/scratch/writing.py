"""A net that reads and writes ids one by one, and what it takes to train it and to let it write.

Ids are whole numbers that stand for characters, or for any other symbols: see `Alphabet`.

Sources: Elman (1990), Finding structure in time; Williams & Peng (1990), truncated backpropagation
through time; Pascanu, Mikolov & Bengio (2013), clipping; Graves (2013), Generating sequences with
recurrent neural networks; Karpathy (2015), The unreasonable effectiveness of recurrent neural
networks.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from pytools.scratch.linear import softmax_cross_entropy
from pytools.scratch.lstm_sequence import lstm_backward, lstm_forward
from pytools.scratch.optimizers import adam
from pytools.scratch.rnn import rnn_backward, rnn_forward

NO_TARGET = -1  # a target that asks for nothing: the net's answer there does not count
State = tuple[np.ndarray, ...]  # h, and c for an LSTM


def clip_gradients(grads: Sequence[np.ndarray], max_norm: float) -> list[np.ndarray]:
    """Gradients scaled down together where their norm, over all entries of all, exceeds max_norm.

    grads: arrays of any shapes. Returns new arrays in the same order; the direction of the whole
    stays. Raises ValueError for max_norm not above 0. Source: Pascanu, Mikolov & Bengio (2013).
    """
    if not max_norm > 0:
        raise ValueError(f"max_norm must be above 0, but is {max_norm}")
    norm = np.sqrt(sum(np.sum(np.square(g)) for g in grads))
    scale = max_norm / norm if norm > max_norm else 1.0
    return [g * np.asarray(g).dtype.type(scale) for g in grads]


def sample(
    step: Callable[[int, Any], tuple[np.ndarray, Any]],
    state: Any,
    seed_ids: Sequence[int],
    length: int,
    temperature: float,
    rng: np.random.Generator,
) -> list[int]:
    """Let a net write: draw an id from its scores, feed it back, and again.

    step(id, state) -> logits (V,), state. All of seed_ids are fed first, from the given state; each
    new id is drawn from softmax(logits / temperature), with rng. Returns the `length` new ids.
    Raises ValueError for no seeds, a negative length, or a temperature that is not above 0.
    """
    if len(seed_ids) == 0:
        raise ValueError("seed_ids must hold at least one id: without it there are no scores yet")
    if length < 0:
        raise ValueError(f"length must be at least 0, but is {length}")
    if not temperature > 0:
        raise ValueError(f"temperature must be above 0, but is {temperature}")
    for i in seed_ids:
        logits, state = step(i, state)
    ids: list[int] = []
    while len(ids) < length:
        scaled = np.asarray(logits, np.float64) / temperature
        exp = np.exp(scaled - scaled.max())
        ids.append(int(rng.choice(len(exp), p=exp / exp.sum())))
        logits, state = step(ids[-1], state)
    return ids


class Alphabet:
    """Characters and their ids: 0 for the first character, and so on."""

    def __init__(self, characters: Iterable[str]) -> None:
        self.characters = "".join(characters)
        self.ids = {character: i for i, character in enumerate(self.characters)}
        if not self.ids or len(self.ids) != len(self.characters):
            raise ValueError(f"characters must be different ones, but are {self.characters!r}")

    def __len__(self) -> int:
        return len(self.characters)

    def encode(self, text: str) -> np.ndarray:
        """The ids of a text, int64 (len(text),). ValueError names a character it does not know."""
        for position, character in enumerate(text):
            if character not in self.ids:
                raise ValueError(
                    f"text must be written with {self.characters!r}, "
                    f"but has {character!r} at position {position}"
                )
        return np.array([self.ids[character] for character in text], np.int64)

    def decode(self, ids: Iterable[int]) -> str:
        """The text of some ids."""
        return "".join(self.characters[i] for i in ids)


class Writer:
    """Ids in, the scores of what comes next out: an RNN or LSTM, and a linear layer on its h.

    kind: 'rnn' or 'lstm'; vocab: number of different ids; hidden: units H. Weights begin
    uniform in ±1 / √H, float32, as torch.nn has it; biases 0, but for that of the forget gate
    (Jozefowicz, Zaremba & Sutskever, 2015, on why it should not be 0); peepholes 0.
    """

    def __init__(
        self,
        kind: str,
        vocab: int,
        hidden: int,
        rng: np.random.Generator,
        forget_bias: float = 1.0,
        peepholes: bool = True,
    ) -> None:
        if kind not in ("rnn", "lstm"):
            raise ValueError(f"kind must be 'rnn' or 'lstm', but is {kind!r}")
        if vocab < 1 or hidden < 1:
            raise ValueError(f"vocab and hidden must be at least 1, but are {vocab} and {hidden}")
        self.kind, self.hidden = kind, hidden
        wide = hidden if kind == "rnn" else 4 * hidden
        shapes = {"wx": (vocab, wide), "wh": (hidden, wide), "wo": (hidden, vocab)}
        self.params = {
            name: rng.uniform(-1, 1, shape).astype(np.float32) / np.float32(np.sqrt(hidden))
            for name, shape in shapes.items()
        }
        self.params |= {"b": np.zeros(wide, np.float32), "bo": np.zeros(vocab, np.float32)}
        if kind == "lstm":
            self.params["b"][hidden : 2 * hidden] = forget_bias
            if peepholes:
                self.params["peep"] = np.zeros((3, hidden), np.float32)

    def start(self, batch: int) -> State:
        """The state before anything was read: zeros."""
        zeros = np.zeros((batch, self.hidden), np.float32)
        return (zeros,) if self.kind == "rnn" else (zeros, zeros)

    def scores(self, ids: np.ndarray, state: State | None = None) -> tuple[np.ndarray, State]:
        """Read ids (T, N). Returns the scores (T, N, V) of each next id, and the state after."""
        hs, state, _ = self._read(ids, state)
        return hs @ self.params["wo"] + self.params["bo"], state

    def step(self, i: int, state: State) -> tuple[np.ndarray, State]:
        """Read one id. Returns the scores (V,) of the next one, and the state, as sample wants."""
        scores, state = self.scores(np.array([[i]]), state)
        return scores[0, 0], state

    def loss(
        self, ids: np.ndarray, targets: np.ndarray, state: State | None = None
    ) -> tuple[float, dict[str, np.ndarray], State]:
        """Cross-entropy in nats, mean over the targets; its gradients; the state after.

        ids, targets (T, N): what is read, and what should come next; where the target is -1
        nothing is asked. The state that is given counts as a constant, so that a long text may be
        read piece by piece (truncated backpropagation).
        """
        targets = np.asarray(targets)
        if targets.shape != np.shape(ids) or not np.any(targets != NO_TARGET):
            raise ValueError(
                f"targets must have the shape {np.shape(ids)} of ids and one that is not -1, "
                f"but have shape {targets.shape}"
            )
        hs, state, cache = self._read(ids, state)
        asked = targets != NO_TARGET
        seen = hs[asked]
        logits = seen @ self.params["wo"] + self.params["bo"]
        loss, grad = softmax_cross_entropy(logits, targets[asked])
        grad_hs = np.zeros_like(hs)
        grad_hs[asked] = grad @ self.params["wo"].T
        if self.kind == "rnn":
            *_, grads = rnn_backward(grad_hs, cache)
        else:
            *_, grads = lstm_backward(grad_hs, np.zeros_like(state[1]), cache)
        return loss, grads | {"wo": seen.T @ grad, "bo": grad.sum(axis=0)}, state

    def _read(self, ids: np.ndarray, state: State | None) -> tuple[np.ndarray, State, Any]:
        ids = np.asarray(ids)
        if ids.ndim != 2 or ids.dtype.kind not in "iu":
            raise ValueError(
                f"ids must be whole numbers (T, N), but have shape {ids.shape} and "
                f"dtype {ids.dtype}"
            )
        state = self.start(ids.shape[1]) if state is None else state
        layer = {name: w for name, w in self.params.items() if name not in ("wo", "bo")}
        if self.kind == "rnn":
            hs, cache = rnn_forward(ids, *state, layer)
            return hs, (hs[-1],), cache
        hs, c, cache = lstm_forward(ids, *state, layer)
        return hs, (hs[-1], c), cache


def train_writer(
    net: Writer,
    batches: Iterable[tuple[np.ndarray, np.ndarray]],
    lr: float,
    max_norm: float = 1.0,
    carry: bool = False,
) -> Iterator[float]:
    """Train a net in place with Adam; yield the loss of each batch, in nats.

    batches: pairs ids, targets, both (T, N), see Writer.loss. carry: each batch goes on where the
    one before it ended, so the state is handed on. Gradients are clipped to max_norm.
    """
    memory: dict[str, dict] = {name: {} for name in net.params}
    state = None
    for ids, targets in batches:
        loss, grads, after = net.loss(ids, targets, state)
        state = after if carry else None
        clipped = clip_gradients([grads[name] for name in net.params], max_norm)
        for name, grad in zip(net.params, clipped, strict=True):
            net.params[name], memory[name] = adam(net.params[name], grad, memory[name], lr)
        yield loss


def text_batches(
    ids: np.ndarray, batch: int, steps: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """A long text, cut into `batch` strands, and all strands read `steps` ids at a time.

    ids (L,). Yields ids and targets (steps, batch), the next ids; each strand goes on where it
    ended in the pair before, as train_writer's carry wants it. What is left over at the end is
    dropped. Raises ValueError where the text is too short for one pair.
    """
    ids = np.asarray(ids)
    strand = (len(ids) - 1) // batch
    if strand < steps:
        raise ValueError(
            f"ids must be at least {batch * steps + 1} for {batch} strands of {steps}, "
            f"but are {len(ids)}"
        )
    now = ids[: strand * batch].reshape(batch, strand).T
    then = ids[1 : strand * batch + 1].reshape(batch, strand).T
    for start in range(0, strand - steps + 1, steps):
        yield now[start : start + steps], then[start : start + steps]


def bits_per_id(net: Writer, ids: np.ndarray, batch: int = 32, steps: int = 100) -> float:
    """Mean surprise of a net by a text, in bits an id, the state carried along; ids as above."""
    state, total, count = None, 0.0, 0
    for read, targets in text_batches(ids, batch, steps):
        scores, state = net.scores(read, state)
        loss, _ = softmax_cross_entropy(scores.reshape(targets.size, -1), targets.ravel())
        total, count = total + loss * targets.size, count + targets.size
    return total / count / np.log(2)
