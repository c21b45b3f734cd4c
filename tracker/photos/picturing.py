"""One photo: is it a picture, what does it say of place and time, what does it look like? Run in a process of its own.

Reads a picture from standard input and writes JSON and the picture drawn anew to standard output: decoding bytes of
strangers is the riskiest thing that the server does, so it happens where memory, time, files and processes are limited
and nothing is known. Only JPEG, PNG and WebP; nothing of the sender's metadata survives.
"""

import io
import json
import resource
import struct
import sys
from typing import Any

import numpy as np
from PIL import Image, ImageOps

FORMATS = ("JPEG", "PNG", "WEBP")
MOST_PIXELS = 60_000_000
MEMORY_BYTES, CPU_S = 2_000_000_000, 20
LONGEST_SIDE = 1600  # pixels, of the picture that is served
QUALITY = 82
WINDOWS = (0.9, 0.8)  # of the sides; centre and four corners each
IFD_EXIF, IFD_GPS = 0x8769, 0x8825
MAKE, MODEL, TAKEN, OFFSET = 0x010F, 0x0110, 0x9003, 0x9011


def limit() -> None:
    """From here on: no other file, no other process, so much memory and so many seconds."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (16, 16))


def main() -> None:
    data = sys.stdin.buffer.read()
    Image.MAX_IMAGE_PIXELS = MOST_PIXELS
    Image.init()
    limit()
    with Image.open(io.BytesIO(data), formats=FORMATS) as opened:
        if opened.width * opened.height > MOST_PIXELS:
            raise SystemExit("too many pixels")
        said = metadata(opened)
        upright = ImageOps.exif_transpose(opened).convert("RGB")
    drawn = drawn_anew(upright)
    facts = {**said, "width": upright.width, "height": upright.height, **hashes(upright)}
    head = json.dumps(facts).encode()
    sys.stdout.buffer.write(struct.pack(">I", len(head)) + head + drawn)


def drawn_anew(picture: Image.Image) -> bytes:
    """JPEG of the pixels alone, at most 1,600 wide or high."""
    small = picture.copy()
    small.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Image.Resampling.LANCZOS)
    plain = Image.new("RGB", small.size)
    plain.paste(small)
    out = io.BytesIO()
    plain.save(out, "JPEG", quality=QUALITY, optimize=True)
    return out.getvalue()


def metadata(picture: Image.Image) -> dict[str, Any]:
    """camera, taken (by the camera's clock, with zone where it names one), gps_at (UTC), lon, lat; null: not told."""
    try:
        exif = picture.getexif()
        inner, gps = exif.get_ifd(IFD_EXIF), exif.get_ifd(IFD_GPS)
    except Exception:  # metadata of strangers may be anything; the picture is what counts
        exif, inner, gps = {}, {}, {}
    lon, lat = _degrees(gps, 3, 4, "W"), _degrees(gps, 1, 2, "S")
    placed = lon is not None and lat is not None and abs(lon) <= 180 and abs(lat) <= 90 and (lon, lat) != (0, 0)
    camera = " ".join(filter(None, (_words(exif.get(MAKE)), _words(exif.get(MODEL)))))
    return {
        "camera": camera[:100] or None, "taken": _moment(inner.get(TAKEN), inner.get(OFFSET)), "gps_at": _gps_at(gps),
        "lon": lon if placed else None, "lat": lat if placed else None,
    }  # fmt: skip


def _words(value: Any) -> str:
    return "".join(c for c in str(value or "") if c.isprintable()).strip()


def _degrees(gps: Any, ref: int, value: int, negative: str) -> float | None:
    try:
        degrees, minutes, seconds = (float(part) for part in gps[value])
        whole = degrees + minutes / 60 + seconds / 3600
        return -whole if _words(gps[ref]).upper().startswith(negative) else whole
    except (KeyError, TypeError, ValueError, ZeroDivisionError, OverflowError):
        return None


def _moment(words: Any, offset: Any) -> str | None:
    """2008:10-22 16:28:39 of EXIF as 2008-10-22T16:28:39, with the zone where there is one."""
    from datetime import datetime

    try:
        at = datetime.strptime(_words(words), "%Y:%m:%d %H:%M:%S")  # noqa: DTZ007  the camera's own clock
        zone = _words(offset)
        return datetime.fromisoformat(at.isoformat() + zone).isoformat()
    except ValueError:
        return None


def _gps_at(gps: Any) -> str | None:
    from datetime import UTC, datetime, timedelta

    try:
        day = datetime.strptime(_words(gps[29]), "%Y:%m:%d").replace(tzinfo=UTC)
        hours, minutes, seconds = (float(part) for part in gps[7])
        return (day + timedelta(hours=hours, minutes=minutes, seconds=seconds)).isoformat()
    except (KeyError, TypeError, ValueError, ZeroDivisionError, OverflowError):
        return None


# what it looks like


def hashes(picture: Image.Image) -> dict[str, list[int]]:
    """64-bit pHash and dHash, each of the whole in 8 orientations and then of 10 windows of it."""
    grey = picture.convert("L")
    grey.thumbnail((512, 512), Image.Resampling.LANCZOS)
    views = [*_orientations(grey), *_windows(grey)]
    return {"phash": [phash(view) for view in views], "dhash": [dhash(view) for view in views]}


def _orientations(grey: Image.Image) -> list[Image.Image]:
    """Four turns, and the same mirrored."""
    turns = [grey.rotate(90 * n, expand=True) for n in range(4)]
    return [*turns, *(ImageOps.mirror(turn) for turn in turns)]


def _windows(grey: Image.Image) -> list[Image.Image]:
    width, height = grey.size
    found = []
    for share in WINDOWS:
        w, h = max(1, round(width * share)), max(1, round(height * share))
        right, low = width - w, height - h
        corners = [(right // 2, low // 2), (0, 0), (right, 0), (0, low), (right, low)]
        found += [grey.crop((x, y, x + w, y + h)) for x, y in corners]
    return found


def _dct(n: int) -> np.ndarray:
    k, x = np.arange(n)[:, None], np.arange(n)[None, :]
    return np.asarray(np.cos(np.pi * k * (2 * x + 1) / (2 * n)))


DCT_32 = _dct(32)


def phash(grey: Image.Image) -> int:
    """32 × 32, the 8 × 8 lowest terms of the cosine transform against their median."""
    pixels = np.asarray(grey.resize((32, 32), Image.Resampling.LANCZOS), float)
    low = (DCT_32 @ pixels @ DCT_32.T)[:8, :8]
    return _packed(low > np.median(low))


def dhash(grey: Image.Image) -> int:
    """9 × 8: is each pixel brighter than the one to its left?"""
    pixels = np.asarray(grey.resize((9, 8), Image.Resampling.LANCZOS), float)
    return _packed(pixels[:, 1:] > pixels[:, :-1])


def _packed(bits: np.ndarray) -> int:
    """64 bits as the signed number that the database keeps."""
    return int(np.packbits(bits.ravel()).view(">i8")[0])


if __name__ == "__main__":
    main()
