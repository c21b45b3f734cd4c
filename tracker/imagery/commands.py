"""Scenes: add, list, decide, catalogue."""

import json
from datetime import datetime
from pathlib import Path

import click

from geo.scenes.sensors import COVERS, SENSORS
from tracker.accounts.scope import SERVER
from tracker.command_line import Group, json_option, say
from tracker.database import transaction
from tracker.imagery.adding import Added, add_scene, decide, listed, sweep
from tracker.imagery.catalogue import as_catalogue, find_scenes
from tracker.imagery.place import scenes_dir
from tracker.imagery.wish import Wish

DAY = click.DateTime(["%Y-%m-%d"])


class NumberedBand(click.ParamType[tuple[str, int]]):
    """NAME=INDEX."""

    name = "name=index"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, int]:
        name, equals, index = value.rpartition("=")
        if not equals or not name or not index.isdecimal():
            self.fail(f"{value!r} is not NAME=INDEX, such as red=1", param, ctx)
        return name, int(index)


@click.group("scenes", cls=Group)
def scenes() -> None:
    """Satellite scenes: add, list, decide, catalogue."""


@scenes.command("add")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--sensor", type=click.Choice(list(SENSORS)))
@click.option("--date", "day", type=DAY, help="Day on which it was taken.")
@click.option("--band", "bands", multiple=True, type=NumberedBand(), help="Numbered from 1 over the files in order.")
@click.option("--mask", help="A file, or NAME=INDEX of one of the bands.")
@click.option("--scale", type=float, help="Reflectance = DN × scale + offset.")
@click.option("--offset", type=float, help="In reflectance; of Sentinel-2 also as digital number (-1000).")
@click.option("--baseline", help="Processing baseline of Sentinel-2, such as 05.09.")
@click.option("--metadata", type=click.Path(path_type=Path), help="MTD_MSIL2A.xml of the product: offsets by band.")
@click.option("--name", help="Default: that of the first file.")
@json_option
def add_command(
    files: tuple[Path, ...],
    sensor: str | None,
    day: datetime | None,
    bands: tuple[tuple[str, int], ...],
    mask: str | None,
    scale: float | None,
    offset: float | None,
    baseline: str | None,
    metadata: Path | None,
    name: str | None,
    as_json: bool,
) -> None:
    """Take a scene in: GeoTIFF or COG files with what they hold, or a STAC item with local files."""
    if len(files) == 1 and files[0].suffix.casefold() == ".json":
        from tracker.imagery.stac import wish_from_item  # brings pystac, which is needed for nothing else

        wish = wish_from_item(files[0], baseline=baseline)
    else:
        if sensor is None or day is None:
            raise click.UsageError("--sensor and --date are needed, unless a STAC item is given.")
        mask_file, mask_name, mask_band = _mask(mask)
        wish = Wish(files, sensor, day.date(), bands, mask_file, mask_band, mask_name, scale, offset, baseline,
                    metadata, name)  # fmt: skip
    with transaction() as session:
        added = add_scene(session, wish)
    sweep(added)
    _tell(added, as_json)


def _mask(words: str | None) -> tuple[Path | None, str | None, int | None]:
    """A file, or a name and the number of a band."""
    name, equals, index = (words or "").rpartition("=")
    if equals and index.isdecimal() and not Path(words or "").exists():
        return None, name, int(index)
    return (Path(words) if words else None), None, None


def _tell(added: Added, as_json: bool) -> None:
    for note in added.notes:
        click.echo(note, err=True)
    if added.status != "usable":
        click.echo(f"{added.scene} is {added.status}: {added.reason}", err=True)
    facts = {"scene": added.scene, "outcome": added.outcome, "status": added.status, "reason": added.reason}
    say(facts, as_json)


@scenes.command("cover")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--kind", type=click.Choice(list(COVERS)), required=True)
@click.option("--date", "day", type=DAY, required=True, help="Day as of which the map holds.")
@click.option("--name", help="Default: that of the file.")
@json_option
def cover_command(file: Path, kind: str, day: datetime, name: str | None, as_json: bool) -> None:
    """Take a map of land cover in: it tells whether trees stood somewhere before planting."""
    with transaction() as session:
        added = add_scene(session, Wish((file,), kind, day.date(), (("cover", 1),), name=name))
    sweep(added)
    _tell(added, as_json)


@scenes.command("list")
@click.option("--bbox", help="Degrees: west,south,east,north.")
@click.option("--from", "since", type=DAY)
@click.option("--to", "until", type=DAY)
@json_option
def list_command(bbox: str | None, since: datetime | None, until: datetime | None, as_json: bool) -> None:
    """The scenes of a place and time."""
    with transaction() as session:
        rows = listed(
            find_scenes(
                session,
                bounds=_bounds(bbox) if bbox else None,
                since=since.date() if since else None,
                until=until.date() if until else None,
            )
        )
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False))
        return
    for row in rows:
        click.echo(f"{row['date']}  {row['sensor']:<15} {row['status']:<8} {row['scene']}  {row['reason'] or ''}")


def _bounds(words: str) -> tuple[float, float, float, float]:
    try:
        west, south, east, north = map(float, words.split(","))
    except ValueError:
        raise click.UsageError("--bbox is west,south,east,north in degrees.") from None
    return west, south, east, north


@scenes.command("search")
@click.option("--collection", required=True, help="As the STAC API calls it, such as sentinel-2-l2a.")
@click.option("--sensor", type=click.Choice(list(SENSORS)), required=True)
@click.option("--bbox", required=True, help="Degrees: west,south,east,north.")
@click.option("--from", "since", type=DAY, required=True)
@click.option("--to", "until", type=DAY, required=True)
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True)
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), required=True)
def search_command(
    collection: str, sensor: str, bbox: str, since: datetime, until: datetime, limit: int, out: Path
) -> None:
    """Fetch scenes from the STAC API that RASAI_STAC_API names; take each in with `scenes add`."""
    from tracker.imagery.searching import fetch_scenes  # the only part that asks the network

    for item in fetch_scenes(collection, sensor, _bounds(bbox), since.date(), until.date(), limit, out):
        click.echo(item)


@scenes.command("decide")
@click.argument("scene")
@click.option("--use/--show-only", "use", required=True, help="Whether its numbers may be used as they are.")
@click.option("--reason", required=True)
def decide_command(scene: str, use: bool, reason: str) -> None:
    """Decide about a scene that looks as if its offset were wrong."""
    with transaction() as session:
        row = decide(session, SERVER, scene, use, reason)
    click.echo(f"{row.name} is {row.status}")


@scenes.command("catalogue")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), required=True)
def catalogue_command(out: Path) -> None:
    """Write all scenes as a static STAC catalogue."""
    with transaction() as session:
        count = as_catalogue(find_scenes(session), out, scenes_dir())
    click.echo(f"{count} scenes in {out}")
