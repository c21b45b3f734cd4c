"""The one place where rasters are opened: what may open them, how large they may be, what they may touch.

GDAL decides by content which driver opens a file, and some drivers fetch other files or addresses (VRT, web services).
Only GeoTIFF and COG are ever registered, files beside a raster are not looked for, addresses are not understood, and
what others give us is opened in a process of its own (`apart.py`), never in one that serves.
"""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from geo.scenes.grid import Grid
from geo.scenes.scene import Band
from tracker.imagery.place import scenes_dir
from tracker.imagery.refusals import SceneRefused

ALLOWED = {"GTiff", "COG", "MEM"}
SKIPPED = (  # every other driver of rasterio's GDAL; a test compares the lists with what is registered
    "VRT,DERIVED,GTI,SNAP_TIFF,NITF,RPFTOC,ECRGTOC,HFA,SAR_CEOS,CEOS,JAXAPALSAR,GFF,ELAS,ESRIC,AIG,AAIGrid,"
    "GRASSASCIIGrid,ISG,SDTS,DTED,PNG,JPEG,JDEM,GIF,BIGGIF,ESAT,BSB,XPM,BMP,DIMAP,AirSAR,RS2,SAFE,PCIDSK,PCRaster,"
    "ILWIS,SGI,SRTMHGT,Leveller,Terragen,netCDF,ISIS3,ISIS2,PDS,PDS4,VICAR,TIL,ERS,JP2OpenJPEG,L1B,FIT,GRIB,RMF,WCS,"
    "WMS,MSGN,RST,GSAG,GSBG,GS7BG,COSAR,TSX,COASP,R,MAP,KMLSUPEROVERLAY,WEBP,PDF,Rasterlite,MBTiles,PLMOSAIC,CALS,"
    "WMTS,SENTINEL2,MRF,PNM,DOQ1,DOQ2,PAux,MFF,MFF2,GSC,FAST,BT,LAN,CPG,NDF,EIR,DIPEx,LCP,GTX,LOSLAS,NTv2,CTable2,"
    "ACE2,SNODAS,KRO,ROI_PAC,RRASTER,BYN,NOAA_B,NSIDCbin,RIK,USGSDEM,GXF,BAG,S102,S104,S111,HDF5,HDF5Image,NWT_GRD,"
    "NWT_GRC,ADRG,SRP,BLX,SAGA,XYZ,HF2,OZI,CTG,ZMap,NGSGEOID,IRIS,PRF,EEDAI,EEDA,DAAS,SIGDEM,TGA,STACTA,STACIT,"
    "GNMFile,GNMDatabase,ESRI Shapefile,Memory,GeoJSON,GeoJSONSeq,ESRIJSON,TopoJSON,GPKG,SQLite,OSM,MVT,AVCBin,"
    "AVCE00,GenBin,ENVI,EHdr,ISCE,Zarr,HTTP"
)
OPTIONS = {
    "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",  # no .aux.xml, .ovr, .msk or world file of a stranger
    "GDAL_PAM_ENABLED": "NO",
    "CPL_VSIL_CURL_ALLOWED_EXTENSIONS": ".none",
    "GDAL_CACHEMAX": 64,  # MB
    "GDAL_NUM_THREADS": 1,
    "GTIFF_IGNORE_READ_ERRORS": "NO",
}

os.environ["GDAL_SKIP"] = SKIPPED  # read once, when rasterio registers its drivers
import rasterio  # noqa: E402
from rasterio._err import CPLE_BaseError  # noqa: E402

with rasterio.Env(**OPTIONS) as _registering:
    REGISTERED = frozenset(_registering.drivers())
del os.environ["GDAL_SKIP"]  # other users of GDAL in this process bring their own copy and need their drivers

BROKEN = (rasterio.errors.RasterioError, CPLE_BaseError)  # what GDAL says of a file that is not as it should be
MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")  # TIFF and BigTIFF, in either byte order
MOST_PIXELS = 160_000_000  # of one band: a Sentinel-2 tile at 10 m has 120 million
MOST_VALUES = 2_400_000_000  # over all bands
MOST_BANDS = 256
MOST_BLOCK_BYTES = 256_000_000  # one strip or tile, unpacked

Numbers = npt.NDArray[np.generic]


@contextmanager
def opened(path: Path) -> Iterator[Any]:
    """A GeoTIFF of this machine as rasterio's dataset, within the limits. Raises SceneRefused."""
    if other := REGISTERED - ALLOWED:
        raise RuntimeError(f"rasterio was imported before tracker.imagery.opening and may read {', '.join(other)}")
    if not path.is_file():
        raise SceneRefused("no_file", file=str(path))
    with path.open("rb") as file:
        if file.read(4) not in MAGIC:
            raise SceneRefused("not_tiff", file=path.name)
    with rasterio.Env(**OPTIONS):
        try:
            dataset = rasterio.open(path.absolute(), driver="GTiff", sharing=False)
        except BROKEN as error:
            raise SceneRefused("unreadable", file=path.name, why=first_words(error)) from None
        with dataset:
            _check_size(dataset, path.name)
            yield dataset


def _check_size(dataset: Any, name: str) -> None:
    pixels = dataset.width * dataset.height
    if pixels > MOST_PIXELS or pixels * dataset.count > MOST_VALUES or dataset.count > MOST_BANDS:
        size = f"{dataset.width:,} × {dataset.height:,} × {dataset.count}"
        raise SceneRefused("too_large", file=name, size=size, most=f"{MOST_PIXELS:,}")
    for (rows, columns), dtype in zip(dataset.block_shapes, dataset.dtypes, strict=True):
        if rows * columns * np.dtype(dtype).itemsize * dataset.count > MOST_BLOCK_BYTES:
            raise SceneRefused("large_blocks", file=name)


def first_words(error: Exception) -> str:
    """What GDAL said, without the path."""
    return str(error).strip().splitlines()[0].rpartition("/")[2][:160]


class Reader:
    """Digital numbers of scenes that were taken in; files stay open until the block ends."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or scenes_dir()
        self._open: dict[str, Any] = {}
        self._until_the_end = ExitStack()

    def __enter__(self) -> "Reader":
        return self

    def __exit__(self, *_error: object) -> None:
        self._until_the_end.close()

    def __call__(self, band: Band, part: Grid) -> Numbers:
        """The part of a band, which lies within its grid and on its pixels."""
        row, column = band.grid.window_of(part)
        window = rasterio.windows.Window(column, row, part.columns, part.rows)
        values: Numbers = self._dataset(band.file).read(band.index, window=window)
        return values

    def _dataset(self, file: str) -> Any:
        if file not in self._open:
            self._open[file] = self._until_the_end.enter_context(opened(self.folder / file))
        return self._open[file]
