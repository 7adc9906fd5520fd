"""A folder of line images: what is read, what is skipped with one line each, what is refused."""

import warnings

import numpy as np
import pytest
from PIL import Image

from pytools import data
from pytools.errors import CourseError


@pytest.fixture
def folder(tmp_path):
    """Three lines (dark on light, light on dark, transparent) and a file that is no image."""
    ink = (data.draw_line("Anna 14", "DejaVuSans", height=48, capital=24) * 255).astype(np.uint8)
    Image.fromarray(255 - ink).save(tmp_path / "dark.png")
    Image.fromarray(ink).save(tmp_path / "light.png")
    clear = Image.new("RGBA", ink.shape[::-1], (0, 0, 0, 0))
    clear.putalpha(Image.fromarray(ink))
    clear.save(tmp_path / "clear.png")
    (tmp_path / "broken.png").write_bytes(b"\x89PNG no image")
    return tmp_path


def write(folder, *lines, header="file,text", encoding="utf-8"):
    (folder / "lines.csv").write_text("\n".join([header, *lines]) + "\n", encoding=encoding)


def test_lines_are_as_high_as_asked_for_and_ink_is_one(folder):
    write(folder, "dark.png,Anna 14", 'light.png," Anna  14 "', "", "clear.png,Anna 14")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        images, texts, skipped = data.line_images(folder)
    assert texts == ["Anna 14"] * 3 and skipped == []
    for image in images:
        assert image.shape[0] == 24 and image.dtype == np.float32
        np.testing.assert_allclose(image, images[0], atol=0.02)
    assert images[0].mean() < 0.3 and images[0].max() > 0.8


def test_a_table_from_a_spreadsheet_with_a_byte_order_mark(folder):
    write(folder, "dark.png,Anna 14", encoding="utf-8-sig")
    assert data.line_images(folder).texts == ["Anna 14"]


def test_what_is_of_no_use_is_skipped_with_one_line_each(folder):
    write(
        folder,
        "dark.png,Anna 14",
        "gone.png,a",
        "broken.png,b",
        "dark.png,",
        "dark.png,Ölpreis",
        f"dark.png,{'l' * 60}",
        "dark.png,a, b",
    )
    with pytest.warns(UserWarning, match="lines that can be used: 1; skipped: 6") as told:
        lines = data.line_images(folder)
    assert len(lines.images) == 1 and len(lines.skipped) == 6
    assert lines.skipped[0] == "line 3: gone.png: not there"
    assert lines.skipped[1] == "line 4: broken.png: not a readable image"
    assert lines.skipped[2] == "line 5: dark.png: the text is empty"
    assert lines.skipped[3].startswith("line 6: dark.png: 'Ölpreis' has the symbol 'Ö'")
    assert f"'{'l' * 60}' needs 119 frames, the image has" in lines.skipped[4]
    assert "has 3 columns (put a text with a comma in double quotes)" in lines.skipped[5]
    (warning,) = told
    assert str(warning.message).endswith("and 1 more)")


def test_a_folder_without_a_table_or_with_another_one(folder):
    with pytest.raises(CourseError, match=r"lines\.csv is not there: write a CSV file with"):
        data.line_images(folder)
    write(folder, "dark.png,a", header="image;text")
    with pytest.raises(CourseError, match="must begin with the header file,text, but begins with"):
        data.line_images(folder)
    write(folder, "dark.png,Ä", encoding="latin-1")
    with pytest.raises(CourseError, match="no CSV file in UTF-8"):
        data.line_images(folder)


def test_too_few_lines_are_told_with_numbers_and_reasons(folder, recwarn):
    write(folder)
    with pytest.raises(CourseError, match="has too few lines that can be used, 0 where 1 are"):
        data.line_images(folder)
    write(folder, "dark.png,Anna 14", "gone.png,a", '"go\nne.png",a')
    with pytest.raises(CourseError) as caught:
        data.line_images(folder, least=10)
    assert str(caught.value) == (
        f"{folder / 'lines.csv'} has too few lines that can be used, 1 where 10 are needed: add "
        "more; skipped: line 3: gone.png: not there; line 5: go ne.png: not there"
    )
    assert not recwarn
