"""Why a raster is not taken, in words that say what to do."""

from typing import Any

from flask_babel import lazy_gettext as _l

from tracker.errors import RasaiError

WHY = {
    "no_file": _l("{file}: no such file on this machine. Give a local file; addresses are not opened."),
    "not_tiff": _l("{file} is not a GeoTIFF. Give GeoTIFF or COG files."),
    "unreadable": _l("{file} cannot be read as a GeoTIFF ({why})."),
    "truncated": _l("{file} cannot be read to its end ({why}). Copy it again."),
    "too_large": _l("{file} has {size} pixels and bands; a band may have at most {most} pixels."),
    "large_blocks": _l("{file} keeps too many pixels in one block. Save it tiled."),
    "memory": _l("{file} needs more memory or time than one scene may take."),
    "crashed": _l("{file} broke the process that read it, and was not taken."),
    "no_crs": _l("{file} does not say its coordinate system (CRS). Save it with one."),
    "rotated": _l("{file} is rotated or sheared. Save it north up (gdalwarp)."),
    "not_projected": _l("{file}: {crs} is not a projected coordinate system in metres. Save it in UTM."),
    "not_square": _l("{file}: its pixels are not square ({width} × {height} m). Save it with square pixels."),
    "coarse": _l("{file}: pixels of {size} m; a pixel may be at most 30 m long."),
    "no_nodata": _l("{file} names no nodata value and comes without a mask: empty pixels could not be told apart."),
    "other_grid": _l("{file} lies on another grid than {first}: bands of one resolution must share it."),
    "mask_elsewhere": _l("{file}: the mask does not cover the scene. Give the mask of the same place and grid."),
    "few_bands": _l("{name}={index}: the files have {count} bands."),
    "unknown_band": _l("Band {name} is not known of {sensor}. Known: {known}."),
    "unknown_mask": _l("Mask {name} is not known of {sensor}. Known: {known}."),
    "no_bands": _l("Name at least one band, such as --band red=1."),
    "twice": _l("Band {name} is named twice."),
    "future": _l("The date {day} lies in the future."),
    "ancient": _l("The date {day} lies before the first Landsat (1972)."),
    "offset_unknown": _l(
        "From {since} on, digital numbers may carry an offset. Tell the processing baseline (--baseline) or --offset."
    ),
    "bad_baseline": _l("{words} is no processing baseline such as 05.09."),
    "no_scale": _l("Reflectance = DN × scale + offset: tell --scale for a plain raster."),
    "not_finite": _l("{name} must be a number other than 0, not {value}."),
    "bad_item": _l("{file} is not a STAC item ({why})."),
    "no_asset": _l("{file}: the STAC item names no file for a band that we know."),
    "remote": _l("{file}: {href} is an address. Only local files are read; fetch it first."),
    "outside": _l("{file}: {href} lies outside the folder of the STAC item."),
    "bad_metadata": _l("{file} holds no BOA_ADD_OFFSET and no PROCESSING_BASELINE."),
}


class SceneRefused(RasaiError):
    """Not taken, and nothing written. `why` is one of WHY."""

    message = _l("The scene was not taken.")
    status = 422

    def __init__(self, rule: str, **facts: Any) -> None:
        self.rule = rule
        super().__init__(**facts)

    def __str__(self) -> str:
        return str(WHY[self.rule]).format(**self.facts)
