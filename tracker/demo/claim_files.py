"""The demonstration's claims as files, such as a forest department would send them, and their truth apart."""

import csv
import json
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyproj
import shapely

from tracker.demo.claims import FAULTS, MadeClaim, make_campaign


@dataclass(frozen=True)
class ClaimFiles:
    """What was written: claims in three formats, the ponds, the truth."""

    folder: Path
    as_of: date

    @property
    def claims(self) -> list[Path]:
        return [self.folder / "claims.geojson", self.folder / "claims.csv", self.folder / "claims.kml"]

    @property
    def water(self) -> Path:
        return self.folder / "water.geojson"

    @property
    def truth(self) -> Path:
        return self.folder / "claims-truth.csv"

    @property
    def starts_on(self) -> date:
        return date(self.as_of.year - 8, 1, 1)

    @property
    def ends_on(self) -> date:
        return self.as_of + timedelta(days=365)


def write_claims(district: shapely.Geometry, folder: Path, *, as_of: date, seed: int) -> ClaimFiles:
    """Write the campaign's claims and their truth; `district`: outline in EPSG:4326."""
    folder.mkdir(parents=True, exist_ok=True)
    made, files = make_campaign(district, as_of, seed), ClaimFiles(folder, as_of)
    back = pyproj.Transformer.from_crs(made.country.epsg, 4326, always_xy=True)

    def degrees(shape: shapely.Geometry, decimals: int = 7) -> shapely.Geometry:
        there = shapely.transform(shape, back.transform, interleaved=False)
        return shapely.transform(there, lambda xy: np.round(xy, decimals))

    thirds = [made.claims[k::3] for k in range(3)]
    outlines = {c.code: degrees(c.outline, c.decimals) for c in made.claims}
    _collection(files.claims[0], [(_facts(c), outlines[c.code]) for c in thirds[0]])
    _table(files.claims[1], [{**_facts(c), "wkt": _wkt(outlines[c.code])} for c in thirds[1]])
    files.claims[2].write_text(_kml([(_facts(c), outlines[c.code]) for c in thirds[2]]), encoding="utf-8")
    _collection(files.water, [({"kind": "water"}, degrees(pond)) for pond in made.water])
    _table(files.truth, [_truth(c, as_of) for c in made.claims])
    return files


def _facts(claim: MadeClaim) -> dict[str, Any]:
    return {
        "claim": claim.code,
        "claimed_ha": claim.claimed_ha,
        "kind": claim.kind,
        "species": claim.species,
        "stems": claim.stems,
        "planted_on": claim.planted_on.isoformat() if claim.planted_on else None,
        "implementer": claim.implementer,
        "tenure": "community",
    }


def _truth(claim: MadeClaim, as_of: date) -> dict[str, Any]:
    return {
        "claim": claim.code,
        "fault": claim.fault,
        "finder": FAULTS[claim.fault][1] if claim.fault else "",
        "stands": claim.stands,
        "hectares": round(claim.outline.area / 1e4, 4),
        "age_years": round((as_of - claim.truly_on).days / 365.25, 2),
    }


def _collection(path: Path, rows: list[tuple[dict[str, Any], shapely.Geometry]]) -> None:
    features = [
        {"type": "Feature", "properties": facts, "geometry": json.loads(shapely.to_geojson(shape))}
        for facts, shape in rows
    ]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}), encoding="utf-8")


def _table(path: Path, rows: list[dict[str, Any]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def _wkt(shape: shapely.Geometry) -> str:
    return str(shapely.to_wkt(shape, rounding_precision=9))


def _kml(rows: list[tuple[dict[str, Any], shapely.Geometry]]) -> str:
    marks = []
    for facts, shape in rows:
        data = "".join(f'<Data name="{k}"><value>{v}</value></Data>' for k, v in facts.items() if v is not None)
        ring = " ".join(f"{x!r},{y!r},0" for x, y in shapely.get_coordinates(shape).tolist())
        marks.append(
            f"<Placemark><name>{facts['claim']}</name><ExtendedData>{data}</ExtendedData><Polygon><outerBoundaryIs>"
            f"<LinearRing><coordinates>{ring}</coordinates></LinearRing></outerBoundaryIs></Polygon></Placemark>"
        )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<kml xmlns="http://www.opengis.net/kml/2.2"><Document>'
        f"{''.join(marks)}</Document></kml>\n"
    )
