"""Words and their ids: how a caption becomes numbers, and numbers a caption.

Four ids are set aside: <pad> 0 fills short rows up, <start> 1 comes before the first word, <end> 2
after the last, <unk> 3 stands for every word that was too rare to be learned.
"""

from collections import Counter
from collections.abc import Iterable, Mapping

PAD, START, END, UNK = SPECIAL = ("<pad>", "<start>", "<end>", "<unk>")


def build_vocab(captions: Iterable[str], min_count: int) -> dict[str, int]:
    """Each word that occurs min_count times or more, with its id.

    Words are lower-cased and split at white space. The four special ones come first, 0 to 3, then
    the frequent before the rare, equally frequent ones in alphabetical order. Raises ValueError
    where captions is one string.
    """
    if isinstance(captions, str):
        raise ValueError(f"captions must be a list of strings, but is one string: {captions!r}")
    counts = Counter(word for caption in captions for word in caption.lower().split())
    kept = [word for word, count in counts.items() if count >= min_count and word not in SPECIAL]
    kept.sort(key=lambda word: (-counts[word], word))
    return {word: i for i, word in enumerate([*SPECIAL, *kept])}


def encode(caption: str, vocab: Mapping[str, int]) -> list[int]:
    """<start>, the id of each word, <end>. A word that vocab does not hold becomes <unk>."""
    ids = [vocab.get(word, vocab[UNK]) for word in caption.lower().split()]
    return [vocab[START], *ids, vocab[END]]


def decode(ids: Iterable[int], vocab: Mapping[str, int]) -> str:
    """The words of some ids, up to the first <end>, with a space between; no <pad>, no <start>.

    Raises ValueError for an id that vocab does not hold.
    """
    words = {i: word for word, i in vocab.items()}
    found = []
    for i in map(int, ids):
        if i not in words:
            raise ValueError(f"ids must be 0 to {len(words) - 1}, as vocab has them, but hold {i}")
        if words[i] == END:
            break
        if words[i] not in (PAD, START):
            found.append(words[i])
    return " ".join(found)
