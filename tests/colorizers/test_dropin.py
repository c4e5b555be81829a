"""Tests of compatibility with scripts for the authors' package: names, arguments, shapes, dtypes and results."""

import os
import socket
import subprocess
import sys
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image
from skimage import color

from benchmarks.support.standin_weights import reference, standin_state_dict
from colorizers.errors import DownloadError, WeightsCorruptError, WeightsMissingError
from colorizers.siggraph17 import siggraph17
from colorizers.util import (
    Lab2rgb_numpy,
    load_img,
    postprocess_tens,
    preprocess_img,
    resize_img,
    rgb2L_tensor,
)
from colorizers.weights.registry import write_manifest
from tests.support.specs import spec_for
from tests.support.weights_server import serving

SCRIPT = """
from colorizers import *

nets = [eccv16(pretrained=False).eval(), siggraph17(pretrained=False).eval()]
img = load_img("photo.png")
(tens_l_orig, tens_l_rs) = preprocess_img(img, HW=(64, 64))
img_bw = postprocess_tens(tens_l_orig, torch.cat((0 * tens_l_orig, 0 * tens_l_orig), dim=1))
for net in nets:
    with torch.no_grad():
        out = postprocess_tens(tens_l_orig, net(tens_l_rs).cpu())
    assert isinstance(net, BaseColor) and isinstance(net, nn.Module)
    print(out.shape, img_bw.shape, 0 <= out.min() <= out.max() <= 1, np.abs(out - img_bw).max() < 1)
    Image.fromarray((out * 255).astype(np.uint8)).save("out.png")
"""


def photograph() -> NDArray[np.uint8]:
    """Return a colourful RGB picture (60, 90, 3)."""
    y, x = np.mgrid[0:60, 0:90]
    return np.stack([x * 2.5, y * 4, 255 - x - y], axis=2).astype(np.uint8)


def saved(image: Image.Image, kind: str, **options: object) -> BytesIO:
    file = BytesIO()
    image.save(file, kind, **options)
    file.seek(0)
    return file


def test_a_script_in_the_authors_style(tmp_path: Path) -> None:
    Image.fromarray(photograph()).save(tmp_path / "photo.png")
    (tmp_path / "script.py").write_text(SCRIPT)
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent.parent)}
    command = [sys.executable, "script.py"]
    answer = subprocess.run(command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    assert answer.stdout.splitlines() == ["(60, 90, 3) (60, 90, 3) True True"] * 2
    assert (tmp_path / "out.png").exists()


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_load_img_gives_the_pixels_of_plain_files(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "photo"
    Image.fromarray(photograph()).save(path, kind)
    with Image.open(path) as image:
        expected = np.asarray(image)
    for source in (path, str(path)):
        pixels = load_img(source)
        assert pixels.dtype == np.uint8
        assert np.array_equal(pixels, expected)
    with path.open("rb") as file:
        assert np.array_equal(load_img(file), expected)


@pytest.mark.parametrize(
    ("mode", "kind"),
    [
        ("L", "PNG"),
        ("LA", "PNG"),
        ("RGBA", "PNG"),
        ("CMYK", "JPEG"),
        ("CMYK", "TIFF"),
        ("P", "PNG"),
        ("1", "PNG"),
        ("I;16", "TIFF"),
    ],
)
def test_load_img_survives_other_kinds(mode: str, kind: str) -> None:
    rgb = Image.fromarray(photograph())
    if mode == "I;16":
        image = Image.fromarray(photograph()[:, :, 0].astype(np.uint16) * 257)
        expected = np.tile(photograph()[:, :, :1], 3)
    else:
        image = rgb.convert(mode)
        expected = np.asarray(rgb.convert("1" if mode == "1" else "L" if mode in ("L", "LA") else "RGB").convert("RGB"))
    pixels = load_img(saved(image, kind))
    assert pixels.dtype == np.uint8
    assert pixels.shape == (60, 90, 3)
    tolerance = {"P": 40, "CMYK": 16}.get(mode, 0)
    assert np.abs(pixels.astype(int) - expected).mean() <= tolerance


@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA"])
def test_load_img_applies_the_orientation(mode: str) -> None:
    image = Image.fromarray(photograph()).convert(mode)
    exif = Image.Exif()
    exif[0x0112] = 6
    upright = load_img(saved(image, "PNG", exif=exif))
    assert np.array_equal(upright, np.rot90(load_img(saved(image, "PNG")), k=-1))


def test_resize_img_is_pillows() -> None:
    img = photograph()
    for resample in (0, 2, 3):
        expected = np.asarray(Image.fromarray(img).resize((40, 30), resample=Image.Resampling(resample)))
        assert np.array_equal(resize_img(img, HW=(30, 40), resample=resample), expected)
    assert resize_img(img).shape == (256, 256, 3)


def test_preprocess_img_gives_both_l() -> None:
    img = photograph()
    for of in (preprocess_img, rgb2L_tensor):
        original, small = of(img, HW=(32, 48), resample=3)
        assert (original.shape, small.shape) == ((1, 1, 60, 90), (1, 1, 32, 48))
        assert original.dtype == small.dtype == torch.float32
        assert np.allclose(original[0, 0], color.rgb2lab(img)[:, :, 0], atol=1e-4)
        assert np.allclose(small[0, 0], color.rgb2lab(resize_img(img, (32, 48)))[:, :, 0], atol=1e-4)


def test_postprocess_tens_joins_l_and_upsampled_ab() -> None:
    original, _ = preprocess_img(photograph())
    ab = torch.linspace(-20, 20, 2 * 8 * 12).view(1, 2, 8, 12).requires_grad_()
    upsampled = F.interpolate(ab, size=(60, 90), mode="bilinear")
    expected = color.lab2rgb(torch.cat((original, upsampled), dim=1)[0].detach().numpy().transpose(1, 2, 0))
    for rgb in (postprocess_tens(original, ab), Lab2rgb_numpy(original, ab), postprocess_tens(original, upsampled)):
        assert rgb.shape == (60, 90, 3)
        assert rgb.dtype == expected.dtype
        assert np.array_equal(rgb, expected)
    assert not np.array_equal(postprocess_tens(original, ab, mode="nearest"), expected)
    own_ab = torch.from_numpy(color.rgb2lab(photograph())[:, :, 1:].transpose(2, 0, 1)[None]).float()
    assert np.abs(postprocess_tens(original, own_ab) * 255 - photograph()).max() < 0.5


@pytest.fixture
def standin_bytes() -> bytes:
    file = BytesIO()
    torch.save(standin_state_dict("siggraph17"), file)
    return file.getvalue()


@pytest.fixture
def register(tmp_path: Path) -> Callable[[bytes, str], None]:
    """Return a function that makes given contents the registered weights of `siggraph17` in `tmp_path`."""

    def register_as(content: bytes, url: str) -> None:
        write_manifest(tmp_path, (spec_for("siggraph17", content, urls=(url,)),))

    return register_as


@torch.inference_mode()
def test_pretrained_downloads_once_and_works(
    standin_bytes: bytes, register: Callable[[bytes, str], None], tmp_path: Path
) -> None:
    with serving(standin_bytes) as server:
        register(standin_bytes, f"{server.base}/good")
        network = siggraph17(pretrained=True, model_dir=tmp_path).eval()
        assert siggraph17(pretrained=True, model_dir=tmp_path, offline=True).training
        assert server.requests == ["good"]
    stored = reference("siggraph17")
    assert float((network(stored["l"]) - stored["ab"]).abs().max()) < 2e-3


def test_pretrained_raises_without_weights_and_network(register: Callable[[bytes, str], None], tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    register(b"content", f"http://127.0.0.1:{port}/siggraph17.pth")
    with pytest.raises(DownloadError, match="weights import siggraph17 FILE"):
        siggraph17(pretrained=True, model_dir=tmp_path)
    with pytest.raises(WeightsMissingError, match="weights import siggraph17 FILE"):
        siggraph17(pretrained=True, model_dir=tmp_path, offline=True)


def test_pretrained_takes_no_other_weights(register: Callable[[bytes, str], None], tmp_path: Path) -> None:
    register(b"content", "http://127.0.0.1:9/siggraph17.pth")
    (tmp_path / "siggraph17.pth").write_bytes(b"another")
    with pytest.raises(WeightsCorruptError, match="SHA-256"):
        siggraph17(pretrained=True, model_dir=tmp_path)
