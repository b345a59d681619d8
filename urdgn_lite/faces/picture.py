"""One image file becomes one face: formats, ranges and sizes, and the frame of the eyes."""

import io
from collections.abc import Sequence
from contextlib import nullcontext
from threading import Lock

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageOps, PngImagePlugin

from urdgn_lite.degrade import SIZE

EYES = ((44.0, 56.0), (84.0, 56.0))  # where the default crop puts the two eyes (x, y)
SMALLEST = 64  # px: enlarging smaller files would teach the network blur
MOST_PIXELS = 89_000_000  # no single face needs more; Pillow itself warns from about here on
LARGE = 4_000_000  # pixels: files of more are decoded one at a time, whatever threads there are
Image.init()
KINDS = "PNG JPEG JPEG2000 WEBP AVIF GIF BMP DIB TIFF PPM TGA ICO"
FORMATS = [kind for kind in KINDS.split() if kind in Image.OPEN]  # no EPS: it starts Ghostscript
PngImagePlugin.MAX_TEXT_CHUNK = 16 * 2**20  # of Pillow's 1 MiB, colour profiles take more

_one_at_a_time = Lock()
_OTHERS = {  # first bytes, from the offset on: what the file is
    (0, b"PK\x03\x04"): "a .zip archive (or a .pth): unpack it, or give the archive itself",
    (0, b"\x1f\x8b"): "a gzip archive: unpack it, or give the archive itself",
    (257, b"ustar"): "a tar archive: give it itself (shards are called train-0.tar, val-0.tar …)",
    (0, b"%PDF"): "a PDF: export the picture as PNG or JPEG",
    (0, b"%!PS"): "PostScript: export the picture as PNG or JPEG",
    **{
        (4, b"ftyp" + brand): "HEIC, as phones write it: convert it to JPEG or PNG"
        for brand in (b"heic", b"heix", b"hevc", b"mif1", b"msf1")
    },
}


class FacesError(ValueError):
    """A source of faces cannot be used; the message names the file and says what to do."""


def decode_image(name: str, data: bytes) -> UInt8[np.ndarray, "128 128 3"]:
    """One file as a 128 × 128 face: upright, RGB, 8 bits, centre-cropped to a square.

    Raises
    ------
    FacesError : naming the file, if it is not an image, is damaged, or too small.
    """
    image = to_rgb(name, data)
    if min(image.size) < SMALLEST:
        raise FacesError(f"{name}: {image.width} × {image.height} px, at least {SMALLEST} needed")
    if image.size != (SIZE, SIZE):
        image = ImageOps.fit(image, (SIZE, SIZE), Image.Resampling.BICUBIC)
    return np.asarray(image)


def to_rgb(name: str, data: bytes) -> Image.Image:
    """Any image file as upright 8-bit RGB: palette, grey, alpha, 16-bit, CMYK, EXIF-rotated.

    Raises
    ------
    FacesError : naming the file: no image, a damaged one, one with too many pixels, or one whose
        numbers have a range that nothing in the file tells.
    """
    if not data:
        raise FacesError(f"{name}: empty file")
    try:
        image: Image.Image = Image.open(io.BytesIO(data), formats=FORMATS)
        pixels = image.width * image.height
        if pixels > MOST_PIXELS:
            raise Image.DecompressionBombError
        with _one_at_a_time if pixels > LARGE else nullcontext():
            return _upright_rgb(image)
    except FacesError as error:
        raise FacesError(f"{name}: {error}") from None
    except Image.UnidentifiedImageError:
        known = (what for (at, magic), what in _OTHERS.items() if data[at:].startswith(magic))
        raise FacesError(f"{name}: not an image{next((f' but {k}' for k in known), '')}") from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise FacesError(f"{name}: too many pixels to be a face") from None
    except Exception as error:  # Pillow's decoders raise nearly anything on a damaged file
        raise FacesError(f"{name}: damaged image ({error})") from error


def _upright_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith(("I", "F")):
        image = Image.fromarray(_eight_bits(image))
    image = ImageOps.exif_transpose(image)
    if "A" in image.getbands() or "transparency" in image.info:
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image.convert("RGBA"))
    return image.convert("RGB")


def _eight_bits(image: Image.Image) -> UInt8[np.ndarray, "h w"]:
    """The upper eight of 16 bits, row by row, as the whole would take ten times its size."""
    values = np.asarray(image)
    if values.dtype.kind == "f" or values.min() < 0 or values.max() > 65535:
        raise FacesError("32-bit numbers, whose range the file does not tell: save it with 8 bits")
    if 0 < values.max() < 4096:
        raise FacesError(
            f"16-bit numbers that end at {values.max()} of 65535, as a camera's 10 or "
            "12 bits do: save it with 8 bits"
        )
    upper = np.empty(values.shape, np.uint8)
    for row, value in zip(upper, values, strict=True):
        row[:] = (value.astype(np.int64) + 128) // 257
    return upper


def align(image: Image.Image, eyes: Sequence[Sequence[float]] | np.ndarray) -> Image.Image:
    """Turn, scale and crop a photo so that its two eyes fall on `EYES`.

    Parameters
    ----------
    image : any size, RGB.
    eyes : ((x, y), (x, y)) in the image's pixels; the eye further left in the picture first.

    Returns
    -------
    128 × 128 image; what lies outside the photo is black.
    """
    points = np.asarray(eyes, dtype=float)
    if points.shape != (2, 2) or not np.isfinite(points).all():
        raise FacesError(f"eyes must be two (x, y) points, not {eyes!r}")
    distance = float(np.hypot(*(points[1] - points[0])))
    if distance < 4:
        raise FacesError(f"the eyes are {distance:.1f} px apart: too small to align")
    target = np.asarray(EYES)
    shrink = distance / np.hypot(*(target[1] - target[0]))
    if shrink > 1:  # anti-alias first: a transform alone would skip pixels
        size = (max(1, round(image.width / shrink)), max(1, round(image.height / shrink)))
        points = points * (size[0] / image.width, size[1] / image.height)
        image = image.resize(size, Image.Resampling.BICUBIC)
    # as complex numbers a similarity is z -> a z + b; PIL wants the map from target to source
    (s0, s1), (t0, t1) = (points @ (1, 1j)), (target @ (1, 1j))
    a = (s1 - s0) / (t1 - t0)
    b = s0 - a * t0
    matrix = (a.real, -a.imag, b.real, a.imag, a.real, b.imag)
    return image.transform((SIZE, SIZE), Image.Transform.AFFINE, matrix, Image.Resampling.BICUBIC)
