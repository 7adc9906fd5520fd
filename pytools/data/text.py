"""Names and texts to read letter by letter: two sets that are shipped, two in files of your own."""

import hashlib
import importlib.util
import os
from pathlib import Path

from pytools.data.registry import DataSet, data_root, register

NAMES = register(
    DataSet(
        name="names",
        what="5,163 different first names of the United States in 1990",
        shape="a list of strings of the letters a to z; 4131 and 1032 of them",
        licence="public domain",
        source="1990 census of the United States, as shipped by the package names (T. Hunner)",
        shipped=True,
    )
)
PYTHON_TEXT = register(
    DataSet(
        name="python_text",
        what="the Python language reference, as help() shows it",
        shape="a string of plain ASCII; the first 90 % and the rest, some 460,000 characters",
        licence="PSF License Version 2",
        source="Python Software Foundation; pydoc_data.topics of the Python that runs, so it "
        "differs from one version of Python to the next",
        shipped=True,
    )
)
TINY_SHAKESPEARE = register(
    DataSet(
        name="tiny_shakespeare",
        what="scenes from Shakespeare's plays",
        shape="a string of 65 different characters; 1,003,854 of them and 111,540",
        licence="public domain",
        source="Karpathy (2015), The unreasonable effectiveness of recurrent neural networks; "
        "input.txt of the GitHub repository karpathy/char-rnn, data/tinyshakespeare",
    )
)
MAKEMORE_NAMES = register(
    DataSet(
        name="makemore_names",
        what="29,494 different first names given to children in the United States in 2018",
        shape="a list of strings of the letters a to z; 23596 and 5898 of them",
        licence="MIT; data of the United States government",
        source="Social Security Administration; names.txt of the GitHub repository "
        "karpathy/makemore (2022)",
    )
)

# File below the data folder -> SHA-256: the figures on the page speak of these very files.
SHAKESPEARE_FILE = "tinyshakespeare/input.txt"
MAKEMORE_FILE = "makemore/names.txt"
SHA256 = {
    SHAKESPEARE_FILE: "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed",
    MAKEMORE_FILE: "0a30b5557f192f32ab962680889aac5f6fda0f4cecf40a6d0b5694f58ea8cc4d",
}


def names(split: str, root: str | os.PathLike | None = None) -> list[str]:
    """First names in lower-case letters, in alphabetical order.

    split: 'train' or 'test'; every fifth name is for testing. root: not used, since the set is
    shipped. Raises ValueError for any other split, ModuleNotFoundError where the package names is
    missing. Source: 1990 census of the United States.
    """
    NAMES.check_split(split)
    spec = importlib.util.find_spec("names")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("the package names is missing: pip install names")
    folder = Path(spec.origin).parent
    lines = [
        line
        for file in ("dist.female.first", "dist.male.first")
        for line in (folder / file).read_text(encoding="ascii").splitlines()
    ]
    return _every_fifth({line.split()[0].lower() for line in lines}, split)


def python_text(split: str, root: str | os.PathLike | None = None) -> str:
    """The text of Python's own reference: what help('if') and its like print.

    split: 'train', the first 90 %, or 'test', the rest. root: not used. Characters outside ASCII
    are left out. Raises ValueError for any other split, ModuleNotFoundError where the interpreter
    came without pydoc's topics.
    """
    PYTHON_TEXT.check_split(split)
    try:
        from pydoc_data.topics import topics
    except ImportError as error:
        raise ModuleNotFoundError(
            "this Python came without pydoc_data.topics: install Python's standard library in full"
        ) from error
    text = "\n\n".join(topics[name].strip() for name in sorted(topics))
    return _cut(text.encode("ascii", "ignore").decode("ascii"), split)


def tiny_shakespeare(split: str, root: str | os.PathLike | None = None) -> str:
    """Forty thousand lines from Shakespeare's plays.

    split: 'train', the first 90 %, or 'test', the rest. root: the folder that holds
    tinyshakespeare/input.txt, see data_root. Raises ValueError for any other split or another
    file, FileNotFoundError, with its place, where there is none. Source: Karpathy (2015).
    """
    TINY_SHAKESPEARE.check_split(split)
    return _cut(_read(TINY_SHAKESPEARE, SHAKESPEARE_FILE, root), split)


def makemore_names(split: str, root: str | os.PathLike | None = None) -> list[str]:
    """First names in lower-case letters, in alphabetical order; more of them than `names` has.

    split: 'train' or 'test'; every fifth is for testing. root: the folder that holds
    makemore/names.txt. Errors as for tiny_shakespeare. Source: Karpathy (2022), makemore.
    """
    MAKEMORE_NAMES.check_split(split)
    return _every_fifth(set(_read(MAKEMORE_NAMES, MAKEMORE_FILE, root).split()), split)


def _read(entry: DataSet, file: str, root: str | os.PathLike | None) -> str:
    path = data_root(root) / file
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise FileNotFoundError(
            f"{entry.name} is not here: put the file ({entry.source.split('; ')[-1]}) at {path}"
        ) from None
    if hashlib.sha256(content).hexdigest() != SHA256[file]:
        raise ValueError(
            f"{path} is not the file that {entry.name} stands for: {len(content)} bytes with "
            f"another checksum; take it anew ({entry.source.split('; ')[-1]})"
        )
    return content.decode("ascii")


def _every_fifth(found: set[str], split: str) -> list[str]:
    ordered = sorted(found)
    return ordered[4::5] if split == "test" else [x for i, x in enumerate(ordered) if i % 5 != 4]


def _cut(text: str, split: str) -> str:
    border = len(text) * 9 // 10
    return text[:border] if split == "train" else text[border:]
