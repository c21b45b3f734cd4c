"""What do the numbers of a sensor's files mean? Scales, bands, masks, as their makers publish them.

Sources: Sentinel-2 Products Specification Document (S2-PDGS-TAS-DI-PSD, issue 15); Landsat Collection 2 Level 2 Science
Product Guides (LSDS-1618, LSDS-1619); Landsat Collection 1 Quality Assessment Band; LASRC/LEDAPS product guides.
"""

from dataclasses import dataclass

COMMON = ("blue", "green", "red", "nir", "swir1", "swir2")  # 0.48, 0.56, 0.66, 0.84, 1.6, 2.2 µm
SENTINEL_2 = {
    "B02": "blue",
    "B03": "green",
    "B04": "red",
    "B08": "nir",
    "B8A": "nir_narrow",  # 0.865 µm at 20 m, beside the short-wave bands
    "B11": "swir1",
    "B12": "swir2",
}
SENTINEL_2_OTHERS = ("B01", "B05", "B06", "B07", "B09", "B10")  # may be named; no index reads them


@dataclass(frozen=True)
class Sensor:
    """How digital numbers (DN) become reflectance, and which pixels may be used."""

    name: str
    family: str  # scenes of two families never stand in one series
    level: str  # nor those of two levels
    scale: float | None  # reflectance = DN × scale + offset; None: it must be told
    offset: float
    zero_is_nodata: bool  # beside the nodata that the file names
    masks: tuple[str, ...]  # names that --mask NAME=INDEX may have; the first is meant by a file alone
    has_baseline: bool = False  # from processing baseline 04.00 on, DN carry an offset of -1,000
    swir_m: float | None = None  # its short-wave bands are that coarse: indices of them are made at this length
    own_names: tuple[tuple[str, str], ...] = ()
    trees: tuple[tuple[float, float], ...] = ()  # of a land-cover map: which values mean trees, from … to

    def common_name(self, band: str) -> str | None:
        """Our name of a band as somebody names it; None: it is not known."""
        own = {name.casefold(): common for name, common in self.own_names}
        folded = band.casefold()
        return folded if folded in COMMON or folded == "nir_narrow" else own.get(folded)


_S2 = (*SENTINEL_2.items(), *((name, name.lower()) for name in SENTINEL_2_OTHERS))
_RADSAT = (("QA_RADSAT", "radsat"),)
SENSORS = {
    sensor.name: sensor
    for sensor in (
        Sensor("sentinel-2-l2a", "sentinel-2", "surface", 1e-4, 0.0, True, ("SCL", "PLAIN"), True, 20.0, _S2),
        Sensor("sentinel-2-l1c", "sentinel-2", "top", 1e-4, 0.0, True, ("PLAIN",), True, 20.0, _S2),
        Sensor("landsat-c2-l2", "landsat", "surface", 2.75e-5, -0.2, True, ("QA_PIXEL", "PLAIN"), own_names=_RADSAT),
        Sensor("landsat-c1", "landsat", "collection-1", 1e-4, 0.0, True, ("BQA", "PIXEL_QA", "PLAIN")),
        Sensor("plain", "plain", "declared", None, 0.0, False, ("PLAIN",)),
    )
}
# maps of land cover, which tell whether trees stood somewhere; they are no scenes, and give no index
COVERS = {
    name: Sensor(name, "cover", "map", 1.0, 0.0, False, ("PLAIN",), own_names=(("cover", "cover"),), trees=trees)
    for name, trees in (
        ("worldcover", ((10.0, 10.0), (95.0, 95.0))),  # ESA WorldCover: trees, mangroves
        ("lc100", ((111.0, 126.0),)),  # Copernicus Global Land Cover 100 m: closed and open forest
        ("tree-cover", ((30.0, 100.0),)),  # per cent under crowns, as in Hansen et al. 2013
    )
}
BASELINE_OFFSET_DN = -1000.0
BASELINE_WITH_OFFSET = (4, 0)
