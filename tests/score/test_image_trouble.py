"""Folders as they are found: the good images are counted and used, the others named."""

import os
import shutil
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from autophagy.core.errors import DataError
from autophagy.scoring.score import score

QUICK = {"metrics": ["moments"], "intervals": False}


@pytest.fixture
def odd(folders, tmp_path):
    """The fake digits, to be spoilt."""
    return shutil.copytree(folders[1], tmp_path / "odd")


def test_one_corrupt_image_among_many(folders, odd):
    whole = score(*folders, **QUICK)
    for name, share in (("cut", 0.5), ("stub", 0.05)):
        content = (odd / "0000.png").read_bytes()
        (odd / f"{name}.png").write_bytes(content[: int(len(content) * share)])
    (odd / "text.png").write_text("not an image")
    found = score(folders[0], odd, **QUICK)
    assert found.fake.n == 100
    assert [s.value for s in found.scores] == [s.value for s in whole.scores]
    said = " ".join(found.fake.left_out)
    assert all(f"'{name}.png' " in said for name in ("cut", "stub", "text"))
    assert found.warnings[0] == f"3 in {odd} could not be used and were left out."
    with pytest.raises(DataError, match=r"odd has \d problems? to mend or remove"):
        score(folders[0], odd, strict=True, **QUICK)


def test_what_only_decoding_shows_is_refused_when_strict(folders, odd):
    content = (odd / "0000.png").read_bytes()
    (odd / "cut.png").write_bytes(content[: len(content) // 2])
    with pytest.raises(DataError, match=r"odd has 1 problem to mend or remove: 'cut\.png' cannot be read"):
        score(folders[0], odd, strict=True, **QUICK)


def test_kinds_of_images_that_are_not_taken(folders, odd, tmp_path):
    Image.new("RGBA", (28, 28)).save(odd / "alpha.png")
    Image.new("L", (9000, 6000)).save(odd / "huge.png")
    Image.new("L", (28, 28)).save(odd / "old.gif")
    (tmp_path / "secret.png").write_bytes((odd / "0000.png").read_bytes())
    (odd / "link.png").symlink_to(tmp_path / "secret.png")
    (odd / "up").symlink_to(tmp_path)
    left_out = " ".join(score(folders[0], odd, **QUICK).fake.left_out)
    for name, why in {
        "alpha.png": "is transparent",
        "huge.png": "is 9000 × 6000 pixels",
        "old.gif": "has a format that is not read here",
        "link.png": "is a link that leaves the folder",
        "up": "is a link to a folder",
    }.items():
        assert f"'{name}' {why}" in left_out


def test_alpha_that_hides_nothing_is_dropped(folders, tmp_path):
    for path in folders[1].iterdir():
        (tmp_path / "fake").mkdir(exist_ok=True)
        Image.open(path).convert("LA").save(tmp_path / "fake" / path.name)
    plain, found = score(*folders, **QUICK), score(folders[0], tmp_path / "fake", **QUICK)
    assert [s.value for s in found.scores] == [s.value for s in plain.scores]
    assert f"100 images of {tmp_path / 'fake'} had an opaque alpha channel, which was dropped." in found.warnings
    assert not any("differ in mode" in text for text in found.warnings)
    seen = Image.open(folders[1] / "0000.png").convert("RGBA")
    seen.putpixel((3, 3), (0, 0, 0, 254))
    seen.save(tmp_path / "fake" / "0000.png")
    left_out = score(folders[0], tmp_path / "fake", **QUICK).fake.left_out
    assert left_out == ("'0000.png' is transparent; save it as plain RGB or grey",)


def test_the_limit_is_of_images_that_can_be_used(folders, odd):
    for i in range(300):
        (odd / f"bad{i}.png").write_text("not an image")
    found = score(folders[0], odd, limit=100, **QUICK)
    assert (found.real.n, found.fake.n) == (100, 100)
    assert not any("--limit" in text for text in found.warnings)


def test_hostile_names_are_harmless_everywhere(folders, odd):
    (odd / "evil\x1b[31m\u202egnp.png").write_bytes(b"nothing")
    shutil.copy(odd / "0000.png", odd / "copy\x1b]0;owned\x07<b>.png")
    found = score(folders[0], odd, **QUICK)
    for text in (*found.fake.left_out, *found.warnings, found.to_json(), found._repr_html_()):
        assert not any(c in text for c in "\x1b\x07\u202e")
    assert "<b>" not in found._repr_html_()
    assert "evil" in found.fake.left_out[0]


def test_folders_without_a_usable_image(folders, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"empty holds no PNG, JPEG, WebP or BMP image; name a folder that does"):
        score(folders[0], tmp_path / "empty")
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "a.png").touch()
    with pytest.raises(DataError, match=r"none of the 1 rows or images of .*bad can be used: 'a\.png' is not a PNG"):
        score(folders[0], tmp_path / "bad")
    shutil.copy(folders[0] / "0000.png", tmp_path / "bad" / "b.png")
    with pytest.raises(DataError, match=r"bad holds one image or row that can be used; a distribution needs"):
        score(folders[0], tmp_path / "bad")


def test_images_below_folders_are_found(folders, tmp_path):
    for i in range(3):
        shutil.copytree(folders[1], tmp_path / "deep" / f"class {i}" / "inner")
    assert score(folders[0], tmp_path / "deep", **QUICK).fake.n == 300


def test_mixed_sizes_need_a_size_or_an_encoder_that_resizes(folders, odd):
    Image.open(odd / "0000.png").resize((40, 30)).save(odd / "wide.png")
    with pytest.raises(DataError, match=r"differ in size \(28 × 28: 220, 40 × 30: 1\).* say --size 28, or choose"):
        score(folders[0], odd, encoder="pixels", **QUICK)
    Image.open(odd / "0000.png").resize((1, 1)).save(odd / "dot.png")
    with pytest.raises(DataError, match=r"say --size 28 \(smaller images are enlarged\), or choose"):
        score(folders[0], odd, encoder="pixels", **QUICK)
    (odd / "dot.png").unlink()
    found = score(folders[0], odd, encoder="pixels", size=28, **QUICK)
    assert any("1 of 101 in" in text and "resized to 28 × 28 pixels (Lanczos)" in text for text in found.warnings)
    own = score(folders[0], odd, encoder="lenet", **QUICK)
    assert any("has 2 sizes of images, which encoder 'lenet' makes alike in its own way" in t for t in own.warnings)


def test_sizes_with_as_many_pixels_are_still_different(folders, tmp_path, write):
    tall, wide = (np.zeros((5, 1, *shape), np.uint8) for shape in ((14, 28), (28, 14)))
    with pytest.raises(DataError, match="the images differ in size"):
        score(write(tmp_path / "a", tall), write(tmp_path / "b", wide), encoder="pixels", **QUICK)


def test_an_image_on_its_side_has_the_size_it_is_looked_at_in(folders, odd):
    wide = Image.open(odd / "0000.png").resize((40, 30))
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by a quarter
    for suffix in ("png", "jpg", "webp"):
        wide.save(odd / f"side.{suffix}", exif=exif)
    with pytest.raises(DataError, match=r"differ in size \(28 × 28: 220, 30 × 40: 3\)"):
        score(folders[0], odd, encoder="pixels", **QUICK)
    assert score(folders[0], odd, size=28, **QUICK).fake.looks["size"] == {"28 × 28": 100, "30 × 40": 3}


def test_a_png_may_say_so_in_xmp(folders, odd):
    xmp = '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description tiff:Orientation="6"/></x:xmpmeta>'
    said = PngImagePlugin.PngInfo()
    said.add_itxt("XML:com.adobe.xmp", xmp)
    Image.open(odd / "0000.png").resize((40, 30)).save(odd / "side.png", pnginfo=said)
    assert score(folders[0], odd, size=28, **QUICK).fake.looks["size"] == {"28 × 28": 100, "30 × 40": 1}
    assert score(folders[0], odd, **QUICK).fake.n == 101


def test_an_image_that_says_so_after_its_pixels_is_left_out(folders, odd):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("L", (30, 28)).save(odd / "late.png", exif=exif)
    late = (odd / "late.png").read_bytes()
    at = late.index(b"eXIf") - 4
    chunk = late[at : at + 12 + int.from_bytes(late[at : at + 4], "big")]
    end = late.index(b"IEND") - 4
    (odd / "late.png").write_bytes(late[:at] + late[at + len(chunk) : end] + chunk + late[end:])
    with pytest.raises(DataError, match=r"differ in size"):
        score(folders[0], odd, encoder="pixels", **QUICK)
    found = score(folders[0], odd, encoder="lenet", **QUICK)
    assert found.fake.left_out == ("'late.png' lies on its side, and says so after its pixels; save it upright",)


def test_images_without_an_images_suffix_are_named(folders, odd):
    for name, kind in (("a", "PNG"), ("b.jfif", "JPEG"), ("c.txt", "WEBP"), ("d", "GIF"), ("e.dat", "TIFF")):
        Image.new("L", (28, 28)).save(odd / name, format=kind)
    (odd / "notes.txt").write_text("II am no image")
    (odd / "sound").write_bytes(b"RIFF    WAVE")
    found = score(folders[0], odd, **QUICK)
    assert found.fake.n == 100
    assert [text.split(" ")[0] for text in found.fake.left_out] == ["'a'", "'b.jfif'", "'c.txt'", "'d'", "'e.dat'"]
    assert all(text.endswith("is an image without an image's suffix; rename it") for text in found.fake.left_out)


def test_features_that_would_not_fit_are_refused_at_once(folders, monkeypatch):
    monkeypatch.setattr("autophagy.scoring.encode.LARGEST_FEATURES", 120 * 784 * 4 - 1)
    with pytest.raises(DataError, match=r"the 784 features of each of the 120 images .* would take .* GiB; choose"):
        score(*folders, encoder="pixels", **QUICK)


def test_grey_and_colour_meet_in_colour(folders, tmp_path, write, digits):
    colour = write(tmp_path / "colour", digits[:20].repeat(3, 1))
    found = score(folders[0], colour, encoder="pixels", **QUICK)
    assert "2,352 features" in found.encoder
    assert f"120 grey images of {folders[0]} were made RGB, since others have colour." in found.warnings
    Image.fromarray(digits[0, 0]).save(colour / "grey.png")
    found = score(colour, colour, encoder="pixels", **QUICK)
    assert f"1 grey image of {colour} was made RGB, since others have colour." in found.warnings


def test_a_folder_within_that_cannot_be_read_is_told(folders, tmp_path, write, digits, monkeypatch):
    write(tmp_path / "real" / "a", digits[:20])
    hidden = write(tmp_path / "real" / "b", digits[20:40])
    scandir = os.scandir

    def guarded(path):
        if Path(path) == hidden:
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", guarded)
    found = score(tmp_path / "real", folders[1], metrics="frechet", intervals=False)
    assert [str(one) for one in found.real.left_out] == ["'b' cannot be read: Permission denied"]
    with pytest.raises(DataError, match="'b' cannot be read: Permission denied"):
        score(tmp_path / "real", folders[1], metrics="frechet", intervals=False, strict=True)


def test_a_corrupt_image_is_left_out_of_what_an_encoder_is_fitted_on(folders, tmp_path, write, digits):
    real = write(tmp_path / "real", digits[:120])
    (real / "0007.png").write_bytes((real / "0007.png").read_bytes()[:120])
    found = score(real, folders[1], encoder="pca", metrics="frechet", intervals=False)
    assert found.real.n == 119
    (real / "0007.png").unlink()
    assert found.value("frechet.distance") == score(
        real, folders[1], encoder="pca", metrics="frechet", intervals=False
    ).value("frechet.distance")


def test_sixteen_bits_a_colour_are_refused_and_not_cut_to_eight(folders, tmp_path, write, digits):
    real = write(tmp_path / "real", digits[:60])
    rows = b"".join(b"\0" + bytes(28 * 6) for _ in range(28))
    parts = [(b"IHDR", struct.pack(">IIBBBBB", 28, 28, 16, 2, 0, 0, 0)), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    chunks = (struct.pack(">I", len(d)) + n + d + struct.pack(">I", zlib.crc32(n + d)) for n, d in parts)
    (real / "deep.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(chunks))
    found = score(real, folders[1], metrics="frechet", intervals=False)
    assert [str(one) for one in found.real.left_out] == ["'deep.png' has 16 bits a colour; save it with 8"]
