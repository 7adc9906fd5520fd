"""Lines of text: the same each time, in the fonts and with the symbols that are promised."""

import importlib

import numpy as np
import pytest

from pytools import data

room = importlib.import_module("pytools.data.text_lines")


def test_shapes_types_and_ranges():
    images, texts, fonts = data.text_lines("train", size=60)
    assert len(images) == len(texts) == len(fonts) == 60
    for image, text in zip(images, texts, strict=True):
        assert image.dtype == np.float32 and image.shape[0] == room.HEIGHT
        assert image.min() >= 0 and image.max() <= 1 and np.isfinite(image).all()
        assert image.shape[1] // 2 >= room.frames_needed(text)
        assert np.median(image) < image.mean() + 0.1, "paper is what most pixels are"
    assert len({image.shape[1] for image in images}) > 10


def test_sizes_of_the_splits():
    assert room.SIZES == {"train": 2000, "test": 400}
    assert len(data.text_lines("test").texts) == 400


def test_the_same_seed_gives_the_same_lines_and_another_seed_or_split_others():
    first, again = data.text_lines("train", size=9), data.text_lines("train", size=9)
    assert first.texts == again.texts and first.fonts == again.fonts
    for a, b in zip(first.images, again.images, strict=True):
        np.testing.assert_array_equal(a, b)
    assert first.texts != data.text_lines("train", size=9, seed=1).texts
    assert first.texts != data.text_lines("test", size=9).texts


def test_fonts_and_names_are_held_out():
    assert not set(room.FONTS["train"]) & set(room.FONTS["test"] + room.NEW_FAMILY)
    found = {split: set(data.text_lines(split, size=300).fonts) for split in ("train", "test")}
    assert all(found[split] == set(room.FONTS[split]) for split in found)
    known = {name.capitalize() for name in data.names("train")}
    new = {name.capitalize() for name in data.names("test")}
    texts = " ".join(data.text_lines("test", size=100, words=True).texts).split()
    assert not set(texts) & (known - new) - {"May", "April", "August", "June"}
    assert set(data.text_lines("test", size=20, fonts=("cmr10",)).fonts) == {"cmr10"}


def test_every_symbol_occurs_and_no_other():
    texts = room.sample_texts(3000, np.random.default_rng(0))
    assert set("".join(texts)) == set(room.SYMBOLS)
    assert max(map(len, texts)) < 40


def test_words_have_no_spaces():
    lines = data.text_lines("train", size=50, words=True)
    assert not any(" " in text for text in lines.texts)


def test_symbols_are_numbered_from_one_and_back():
    numbers = room.to_numbers("Zoo 9")
    assert min(room.to_numbers(room.SYMBOLS)) == 1 and room.to_text(numbers) == "Zoo 9"
    with pytest.raises(ValueError, match="'naïve' has the symbol 'ï', which is none of"):
        room.to_numbers("naïve")
    assert room.frames_needed("hello") == 6 and room.frames_needed("") == 0


@pytest.mark.parametrize("font", [*room.FONTS["train"], *room.FONTS["test"], *room.NEW_FAMILY])
def test_every_font_draws_every_symbol(font):
    """Clean, each symbol leaves ink of its own, and no two are the same but l and I of sans."""
    drawn = [data.draw_line(symbol, font) for symbol in room.SYMBOLS if symbol != " "]
    assert all(image.max() > 0.5 for image in drawn)
    assert len({image.tobytes() for image in drawn}) >= len(drawn) - 1
    width = data.draw_line("iiii", font).shape[1], data.draw_line("i", font).shape[1]
    assert width[0] > width[1]


def test_what_cannot_be_drawn_is_said():
    with pytest.raises(ValueError, match="matplotlib has no font 'Comic'; there is DejaVuSans"):
        data.draw_line("a", "Comic")
    with pytest.raises(ValueError, match="split of text_lines must be 'train' or 'test'"):
        data.text_lines("dev")
