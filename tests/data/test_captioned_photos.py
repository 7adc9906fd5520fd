"""A folder in COCO's caption format: what is read, what is left out, and what is refused."""

import json

import numpy as np
import pytest
from PIL import Image

from pytools.data import captioned_photos
from pytools.errors import CourseError


@pytest.fixture
def folder(tmp_path):
    """Two photos, red and blue, and a file that is no photo."""
    Image.new("RGB", (40, 40), (255, 0, 0)).save(tmp_path / "red.png")
    (tmp_path / "more").mkdir()
    Image.new("RGB", (30, 60), (0, 0, 255)).save(tmp_path / "more" / "blue.jpg")
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8\xff no photo")
    return tmp_path


def write(folder, images, annotations, **more):
    """images: name by id; annotations: pairs of an id and a caption."""
    content = {
        "images": [{"id": i, "file_name": name} for i, name in images.items()],
        "annotations": [{"image_id": i, "caption": text} for i, text in annotations],
        **more,
    }
    (folder / "captions.json").write_text(json.dumps(content), encoding="utf-8")


def test_photos_with_all_their_captions_in_the_order_of_the_table(folder):
    captions = [(7, "Blue  sky\n"), (3, "a red wall"), (7, "nothing but blue")]
    write(folder, {7: "more/blue.jpg", 3: "red.png"}, captions, info={"year": 2026})
    photos = captioned_photos(folder, side=16)
    assert photos.images.shape == (2, 3, 16, 16) and photos.images.dtype == np.float32
    assert photos.captions == [["Blue sky", "nothing but blue"], ["a red wall"]]
    np.testing.assert_allclose(photos.images[1].mean(axis=(1, 2)), [1, 0, 0], atol=0.01)
    assert photos.skipped == []


@pytest.mark.parametrize(
    "images, annotations, line",
    [
        ({2: "gone.png"}, [(2, "x")], "gone.png: not there"),
        ({2: "broken.jpg"}, [(2, "x")], "broken.jpg: not a readable photo"),
        ({2: "more"}, [(2, "x")], "more: not a readable photo"),
        ({2: "more/blue.jpg"}, [], "more/blue.jpg: has no caption"),
        ({}, [(9, "x")], "annotations[1]: there is no image with the id 9"),
        ({}, [(1, " \n")], "annotations[1]: the caption of red.png is empty"),
        ({}, [(1, None)], "annotations[1]: the caption of red.png is empty"),
        ({}, [([1], "x")], "annotations[1]: there is no image with the id [1]"),
        ({2: ""}, [], "images[1]: lacks an id or a file_name"),
        ({2: 5}, [], "images[1]: lacks an id or a file_name"),
    ],
)
def test_what_is_left_out_gets_one_line_and_the_rest_is_used(folder, images, annotations, line):
    write(folder, {1: "red.png"} | images, [(1, "a red wall"), *annotations])
    told = r"photos with captions that can be used: 1; skipped: 1 \("
    with pytest.warns(UserWarning, match=told) as caught:
        photos = captioned_photos(folder)
    assert len(caught) == 1
    assert photos.skipped == [line] and photos.captions == [["a red wall"]]


def test_an_id_that_is_taken_and_an_entry_that_is_no_object(folder):
    entries = [{"id": 1, "file_name": "red.png"}, {"id": 1, "file_name": "b.png"}, "c.png"]
    content = {"images": entries, "annotations": [{"image_id": 1, "caption": "red"}]}
    (folder / "captions.json").write_text(json.dumps(content))
    with pytest.warns(UserWarning, match="skipped: 2"):
        skipped = captioned_photos(folder).skipped
    assert skipped == [
        "b.png: its id 1 is taken by red.png",
        "images[2]: lacks an id or a file_name",
    ]


def test_a_long_list_is_cut_in_the_warning_but_not_in_the_result(folder):
    write(folder, {1: "red.png"}, [(1, "red"), *[(1, "")] * 8])
    with pytest.warns(UserWarning, match=r"used: 1; skipped: 8 \(.*; and 3 more\)$"):
        assert len(captioned_photos(folder).skipped) == 8


@pytest.mark.parametrize(
    "text, message",
    [
        ("{", "no JSON file in UTF-8"),
        ("", "no JSON file in UTF-8"),
        ("[" * 100_000, "no JSON file in UTF-8"),
        ("[]", "images is missing"),
        ('{"images": []}', "annotations is missing"),
        ('{"images": {}, "annotations": []}', "images is no list"),
        ('{"images": [], "annotations": []}', "has too few photos with captions that can be used"),
    ],
)
def test_another_table_is_refused_in_one_line(folder, text, message):
    (folder / "captions.json").write_text(text)
    with pytest.raises(CourseError, match=message) as caught:
        captioned_photos(folder)
    assert str(folder / "captions.json") in str(caught.value) and "\n" not in str(caught.value)


def test_bytes_that_are_no_text_are_refused(folder):
    (folder / "captions.json").write_bytes(b'{"images": "r\xe9d"}')
    with pytest.raises(CourseError, match="no JSON file in UTF-8"):
        captioned_photos(folder)


def test_a_missing_table_says_what_to_write(folder):
    with pytest.raises(CourseError, match="is not there: write a JSON file with images and"):
        captioned_photos(folder)


def test_too_few_photos_are_told_with_numbers_and_reasons(folder, recwarn):
    write(folder, {1: "red.png", 2: "gone.png"}, [(1, "red"), (2, "x")])
    with pytest.raises(CourseError) as caught:
        captioned_photos(folder, least=2)
    assert str(caught.value) == (
        f"{folder / 'captions.json'} has too few photos with captions that can be used, 1 where "
        "2 are needed: add more; skipped: gone.png: not there"
    )
    assert not recwarn
