"""Image folders are read by the ImageFolder convention, completely or not at all."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from autophagy.core.errors import DataError
from autophagy.core.parts import Split
from autophagy.sources import _listing
from autophagy.sources.image_folder import ImageFolder

SPLITS: tuple[Split, ...] = ("train", "heldout")


def source(tmp_path: Path, **options: object) -> ImageFolder:
    return ImageFolder(str(tmp_path / "images"), **{"side": 8, **options})  # type: ignore[arg-type]


def describe(tmp_path: Path, *lines: Mapping[str, object], name: str = "metadata.jsonl") -> None:
    path = tmp_path / "images" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")


def everything(found: ImageFolder) -> list[tuple[bytes, object]]:
    """Each image with its condition, over both splits."""
    pairs: list[tuple[bytes, object]] = []
    for split in SPLITS:
        known = found.conditions(split)
        images = found.load(split)
        assert found.size(split) == len(images)
        pairs += zip((i.tobytes() for i in images), [None] * len(images) if known is None else known, strict=True)
    return pairs


def test_split_folders_and_class_folders(tmp_path: Path, picture) -> None:
    for name in ("train/dog/1.png", "train/cat/2.png", "test/dog/3.png", "train/dog/0.jpg", "validation/cat/9.png"):
        picture(name)
    found = source(tmp_path, caption="a {name}, number {label}")
    assert found.size("train") == 3
    assert found.conditions("train").tolist() == ["a cat, number 0", "a dog, number 1", "a dog, number 1"]
    assert found.conditions("heldout").tolist() == ["a dog, number 1", "a cat, number 0"]
    assert source(tmp_path).conditions("train").tolist() == [0, 1, 1]


def test_split_folders_may_be_capitalised(tmp_path: Path, picture) -> None:
    for name in ("Train/dog/1.png", "Train/cat/2.png", "TEST/dog/3.png"):
        picture(name)
    assert (source(tmp_path).size("train"), source(tmp_path).size("heldout")) == (2, 1)
    assert source(tmp_path).conditions("train").tolist() == [0, 1]


def test_pixels_are_the_central_square(tmp_path: Path, picture) -> None:
    path = picture("train/a.png", size=(12, 8))
    picture("test/b.png")
    whole = np.asarray(Image.open(path))  # (8, 12, 3)
    images = source(tmp_path).load("train")
    assert images.dtype == np.uint8
    assert np.array_equal(images, whole[None, :, 2:10].transpose(0, 3, 1, 2))
    assert source(tmp_path, mode="L").load("train").shape == (1, 1, 8, 8)
    assert source(tmp_path, side=5).load("train").shape == (1, 3, 5, 5)
    assert not images.flags.writeable


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB"])
def test_plain_modes_are_taken_as_they_look(tmp_path: Path, picture, mode: str) -> None:
    path = picture("train/a.png", (8, 8), mode)
    picture("test/b.png")
    seen = np.asarray(Image.open(path).convert("RGB")).transpose(2, 0, 1)
    assert np.array_equal(source(tmp_path).load("train")[0], seen)


def test_a_camera_held_upright_gives_an_upright_image(tmp_path: Path, picture) -> None:
    plain = np.asarray(Image.open(picture("train/a.png", (8, 8))))
    turned = Image.Exif()
    turned[0x0112] = 6  # the camera was turned a quarter to the right
    Image.fromarray(np.rot90(plain).copy()).save(tmp_path / "images/train/b.png", exif=turned)
    picture("test/c.png")
    images = source(tmp_path).load("train")
    assert np.array_equal(images[1], images[0])


def test_captions_come_from_metadata_in_the_order_of_names(tmp_path: Path, picture) -> None:
    for i in range(3):
        picture(f"train/{i}.png")
    picture("test/x/3.png")
    lines = [{"file_name": f"train/{i}.png", "text": f"an image, number {i} — “été”"} for i in (2, 0, 1)]
    describe(tmp_path, *lines, {"file_name": "./test/x/3.png", "text": "another"})
    assert source(tmp_path).conditions("train").tolist() == [f"an image, number {i} — “été”" for i in range(3)]
    assert source(tmp_path).conditions("heldout").tolist() == ["another"]


def test_metadata_may_lie_in_each_split_and_be_csv(tmp_path: Path, picture) -> None:
    for split in ("train", "test"):
        picture(f"{split}/a.png")
        (tmp_path / "images" / split / "metadata.csv").write_text(f'file_name,caption\na.png,"in {split}, quoted"\n')
    assert source(tmp_path).conditions("train").tolist() == ["in train, quoted"]
    assert source(tmp_path).conditions("heldout").tolist() == ["in test, quoted"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("file_name,text\na.png,red, and blue\n", "more values than there are columns; quote those that hold a comma"),
        ("file_name,text,text\na.png,red,blue\n", "has the column 'text' twice"),
    ],
)
def test_captions_that_a_comma_would_cut_are_refused(tmp_path: Path, picture, text: str, words: str) -> None:
    picture("a.png")
    (tmp_path / "images" / "metadata.csv").write_text(text)
    with pytest.raises(DataError, match=words):
        source(tmp_path).conditions("train")


@pytest.mark.parametrize(
    ("values", "expected"),
    [([3, 0], [3, 0]), (["3", "0"], [3, 0]), (["pear", "apple"], [1, 0])],
    ids=["numbers", "numbers as text", "names"],
)
def test_labels_in_metadata_are_classes(tmp_path: Path, picture, values: list[object], expected: list[int]) -> None:
    for name in ("a.png", "b.png"):
        picture(name)
    describe(tmp_path, *({"file_name": n, "label": v} for n, v in zip(("a.png", "b.png"), values, strict=True)))
    assert source(tmp_path, heldout=0).conditions("train").tolist() == expected
    names = [str(v) for v in values]
    assert source(tmp_path, heldout=0, caption="{name}").conditions("train").tolist() == names


def test_another_column_can_be_named(tmp_path: Path, picture) -> None:
    picture("a.png")
    describe(tmp_path, {"file_name": "a.png", "text": "no", "alt": "yes"})
    assert source(tmp_path, heldout=0, caption_column="alt").conditions("train").tolist() == ["yes"]


def test_loose_images_have_no_conditions(tmp_path: Path, picture) -> None:
    picture("a.png")
    (tmp_path / "images" / "README.md").write_text("not an image")
    (tmp_path / "images" / ".hidden.png").write_text("not an image either")
    assert source(tmp_path, heldout=0).conditions("train") is None
    assert source(tmp_path, heldout=0).size("train") == 1


def test_membership_by_name_is_fixed_and_near_the_share(tmp_path: Path, picture) -> None:
    first = picture("0.png", (4, 4))
    for i in range(1, 400):
        shutil.copy(first, first.with_name(f"{i}.png"))
    found = source(tmp_path, heldout=0.3)
    sizes = [found.size(split) for split in SPLITS]
    assert sum(sizes) == 400
    assert abs(sizes[1] - 120) < 4 * np.sqrt(400 * 0.3 * 0.7)
    before = set(found.listing().names["heldout"])
    shutil.copy(first, first.with_name("400.png"))
    assert set(found.listing().names["heldout"]) - {"400.png"} == before


def test_the_digest_follows_bytes_and_conditions_but_not_the_place(tmp_path: Path, picture) -> None:
    for name in ("train/a.png", "test/b.png"):
        picture(name)
    describe(tmp_path, {"file_name": "train/a.png", "text": "a"}, {"file_name": "test/b.png", "text": "b"})
    before = source(tmp_path).content()
    moved = shutil.copytree(tmp_path / "images", tmp_path / "moved")
    assert ImageFolder(str(moved), side=8).content() == before
    describe(tmp_path, {"file_name": "train/a.png", "text": "c"}, {"file_name": "test/b.png", "text": "b"})
    worded = source(tmp_path).content()
    picture("train/a.png", (13, 8))
    assert len({before, worded, source(tmp_path).content()}) == 3


def test_a_changed_image_is_read_again(tmp_path: Path, picture) -> None:
    picture("a.png", (8, 8))
    before = source(tmp_path, heldout=0).load("train")
    picture("a.png", (9, 9))
    assert not np.array_equal(source(tmp_path, heldout=0).load("train"), before)


def test_every_bad_image_is_named_at_once(tmp_path: Path, picture) -> None:
    picture("good.png")
    picture("alpha.png", mode="RGBA")
    picture("print.jpg", mode="CMYK")
    picture("deep.png", mode="I;16")
    picture("big.png", size=(200, 200))
    picture("moving.gif")
    path = picture("anim.png")
    Image.open(path).save(path, save_all=True, append_images=[Image.new("RGB", (12, 8))])
    (tmp_path / "images" / "text.png").write_text("<?php system($_GET['c']); ?>")
    (tmp_path / "images" / "empty.jpg").touch()
    os.mkfifo(tmp_path / "images" / "pipe.png")
    (tmp_path / "secret.png").write_bytes((tmp_path / "images" / "good.png").read_bytes())
    (tmp_path / "images" / "link.png").symlink_to(tmp_path / "secret.png")
    (tmp_path / "images" / "broken.png").symlink_to(tmp_path / "images" / "absent")
    (tmp_path / "images" / "outside").symlink_to(tmp_path)
    found = source(tmp_path, max_pixels=10_000)
    for ask in (found.content, lambda: found.size("train"), lambda: found.load("train")):
        with pytest.raises(DataError) as error:
            ask()
        said = str(error.value)
        assert "12 problems" in said
        for name, why in {
            "alpha.png": "is transparent",
            "print.jpg": "is of mode CMYK",
            "deep.png": "is of mode I;16",
            "big.png": "is 200 × 200 pixels, over max_pixels = 10,000",
            "moving.gif": "has a format that is not read here",
            "anim.png": "is animated",
            "text.png": "is not a PNG, JPEG, WebP or BMP image",
            "empty.jpg": "is not a PNG, JPEG, WebP or BMP image",
            "pipe.png": "is not a file",
            "link.png": "is a link that leaves the folder",
            "broken.png": "is not a file",
            "outside": "is a link to a folder",
        }.items():
            assert f"'{name}' {why}" in said
        assert "good.png" not in said


def test_pixels_that_cannot_be_decoded_are_named_for_both_splits(tmp_path: Path, picture) -> None:
    picture("train/good.png", (64, 64))
    for name in ("train/cut.png", "train/cut.jpg", "test/cut.webp"):
        path = picture(name, (64, 64))
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(DataError, match=r"3 problems.*'train/cut\.jpg' cannot be.*'train/cut\.png'.*'test/cut\.webp'"):
        source(tmp_path).load("train")


def test_a_missing_end_is_found_before_anything_is_loaded(tmp_path: Path, picture) -> None:
    picture("good.png", (64, 64))
    assert source(tmp_path).content()
    for name in ("cut.png", "cut.jpg", "cut.webp", "cut.bmp"):
        path = picture(name, (64, 64))
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    path = picture("broken.png", (64, 64))  # which only decoding can tell
    content = bytearray(path.read_bytes())
    content[45:60] = bytes(15)
    path.write_bytes(bytes(content))
    with pytest.raises(DataError, match=r"5 problems.*'broken\.png'.*'cut\.bmp'.*'cut\.jpg'.*'cut\.png'.*'cut\.webp'"):
        source(tmp_path).content()


def test_what_follows_an_image_in_its_file_is_no_damage(tmp_path: Path, picture) -> None:
    for name in ("a.png", "a.jpg", "a.webp", "a.bmp"):
        path = picture(name, (64, 64))
        path.write_bytes(path.read_bytes() + bytes(5000))
    assert source(tmp_path).content()


def test_a_bomb_is_refused_by_its_header(tmp_path: Path, picture) -> None:
    path = picture("a.png", (1, 1), "L")
    content = bytearray(path.read_bytes())
    content[16:24] = (60_000).to_bytes(4, "big") * 2
    import zlib

    content[29:33] = zlib.crc32(content[12:29]).to_bytes(4, "big")
    path.write_bytes(bytes(content))
    with pytest.raises(DataError, match=r"'a\.png' has far more than 50,000,000 pixels"):
        source(tmp_path).content()


def test_a_long_list_is_cut_but_counted(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    for i in range(45):
        (tmp_path / "images" / f"{i:02d}.png").touch()
    with pytest.raises(DataError, match=r"has 45 problems .*'19\.png' [^;]*; and 25 more\.$"):
        source(tmp_path).content()


@pytest.mark.parametrize(
    "lines",
    [
        [{"file_name": "a.png", "text": "x"}, {"file_name": "./a.png", "text": "y"}],
        [{"file_name": "a.png", "text": 7}, {"file_name": "b.png", "text": "y"}],
        [{"file_name": "a.png", "text": "x"}],
        [{"file_name": "a.png", "text": "\ud800"}, {"file_name": "b.png", "text": "y"}],
        [{"file_name": "a.png", "text": "x" * 1001}, {"file_name": "b.png", "text": "y"}],
        [{"file_name": "a.png", "text": "x"}, {"file_name": "c.png", "text": "y"}],
        [{"text": "x"}],
        [{"file_name": "a.png", "label": -1}, {"file_name": "b.png", "label": True}],
    ],
    ids=["twice", "mixed", "undescribed", "surrogate", "long", "missing", "nameless", "labels"],
)
def test_metadata_that_does_not_fit_is_refused(tmp_path: Path, picture, lines: list[dict[str, object]]) -> None:
    for name in ("a.png", "b.png"):
        picture(name)
    describe(tmp_path, *lines)
    with pytest.raises(DataError, match=r"has \d+ problem") as error:
        source(tmp_path).conditions("train")
    str(error.value).encode()  # can be printed


@pytest.mark.parametrize("text", ["{", "[1, 2]\n", '"a"\n', "[" * 100_000, '{"file_name": "a.png"} x', "\udcff\udcfe"])
def test_metadata_that_is_not_json_lines_is_refused(tmp_path: Path, picture, text: str) -> None:
    picture("a.png")
    (tmp_path / "images" / "metadata.jsonl").write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(DataError, match=r"metadata\.jsonl"):
        source(tmp_path).size("train")


PIECES = ["..", ".", "inner", "link", "images", "secret.png", "a.png", "b.png", "~", "%2e%2e", ""]
PAYLOADS = [
    "../secret.png",
    "/etc/passwd",
    "..\\secret.png",
    "C:\\secret.png",
    "C:secret.png",
    "link.png",
    "\0",
    ".",
    "",
]
TRAVERSALS = st.one_of(
    st.sampled_from(PAYLOADS),
    st.lists(st.sampled_from(PIECES), min_size=1).map("/".join),
    st.text(max_size=20),
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=TRAVERSALS)
def test_no_file_name_leads_out_of_the_folder(tmp_path: Path, picture, name: str) -> None:
    root = tmp_path / "images"
    if not root.exists():
        picture("a.png")
        picture("inner/b.png")
        picture("../secret.png")
        (root / "link").symlink_to(tmp_path)
        (root / "link.png").symlink_to(tmp_path / "secret.png")
    describe(tmp_path, {"file_name": name, "text": "x"}, {"file_name": "a.png", "text": "y"})
    found = _listing.read(root, None, 0)
    assert {os.path.realpath(root / listed) for listed in found.names["train"]} <= {
        str((root / inside).resolve()) for inside in ("a.png", "inner/b.png")
    }
    assert not any("\n" in problem for problem in found.problems)


@pytest.mark.parametrize("name", ["../secret.png", "inner/../../secret.png", "/etc/passwd", "..\\a.png", "C:a.png"])
def test_names_that_would_leave_say_so(tmp_path: Path, picture, name: str) -> None:
    picture("a.png")
    describe(tmp_path, {"file_name": "a.png"}, {"file_name": name})
    with pytest.raises(DataError, match=r"line 2 names .*, which may leave the folder; use a relative path"):
        source(tmp_path).size("train")


def test_an_empty_or_absent_folder_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"there is no folder .*; give one that holds images"):
        source(tmp_path).size("train")
    (tmp_path / "images").mkdir()
    with pytest.raises(DataError, match="holds no images to train on"):
        source(tmp_path).content()


def test_listing_decodes_nothing(tmp_path: Path, picture, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("train/cat/a.png", "test/cat/b.png"):
        picture(name)
    monkeypatch.setattr(Image, "open", lambda *_, **__: pytest.fail("an image was opened"))
    assert source(tmp_path).size("train") == 1
    assert source(tmp_path).conditions("heldout").tolist() == [0]


def test_a_caption_template_needs_classes(tmp_path: Path, picture) -> None:
    picture("a.png")
    with pytest.raises(DataError, match="has nothing; leave caption out"):
        source(tmp_path, heldout=0, caption="a {name}").conditions("train")


def test_classes_and_loose_images_do_not_mix(tmp_path: Path, picture) -> None:
    picture("cat/a.png")
    picture("b.png")
    with pytest.raises(DataError, match=r"'b\.png' lies beside the class folders"):
        source(tmp_path).conditions("train")


def test_images_beside_the_split_folders_are_named(tmp_path: Path, picture) -> None:
    for name in ("train/a.png", "test/b.png", "extra/c.png"):
        picture(name)
    with pytest.raises(DataError, match=r"'extra/c\.png' lies in neither split"):
        source(tmp_path).size("train")
