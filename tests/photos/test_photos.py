"""Photos come with visits: kept once, drawn anew without metadata, seen only by those of the area and on record."""

import io
import json
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image
from sqlalchemy import text

from tests.read_only_round import a_told_round
from tracker.database import transaction
from tracker.photos.attaching import ONE_THREAD, PICTURING, NotAPhoto, look_at


@pytest.fixture(scope="module")
def told(cluster, template):
    with a_told_round(cluster, template) as round_:
        yield round_


def a_photo(seed: int = 1, size: tuple[int, int] = (640, 480), **save) -> bytes:
    """A smooth picture of its own, as JPEG unless told."""
    noise = np.random.default_rng(seed).integers(0, 255, (6, 8, 3), dtype=np.uint8)
    out = io.BytesIO()
    Image.fromarray(noise).resize(size, Image.Resampling.BICUBIC).save(out, save.pop("format", "JPEG"), **save)
    return out.getvalue()


def visit_of(team: str) -> str:
    statement = text("SELECT v.instance_id FROM visit v JOIN team t ON t.id = v.team_id WHERE t.code = :team LIMIT 1")
    with transaction() as session:
        return str(session.scalar(statement, {"team": team}))


def send(told, who: str, data: bytes, team: str = "T1", campaign: str = "BOTH", media: str = "image/jpeg"):
    path = f"/api/v1/campaigns/{campaign}/visits/{visit_of(team)}/photos"
    return told.client.post(path, data=data, content_type=media, headers=told.headers[who])


def test_dawar_neither_sends_nor_sees_a_photo_of_peshawar(told):
    sha256 = send(told, "Amina", a_photo(10)).json["photo"]
    path = f"/api/v1/campaigns/BOTH/visits/{visit_of('T1')}/photos"

    assert send(told, "Dawar", a_photo(11)).status_code == 404
    assert told.client.get(path, headers=told.headers["Dawar"]).status_code == 404
    assert told.client.get(f"{path}/{sha256}.jpg", headers=told.headers["Dawar"]).status_code == 404
    assert told.client.get(path, headers=told.headers["Farid"]).status_code == 403
    other = path.replace(visit_of("T1"), visit_of("T2"))
    assert told.client.get(f"{other}/{sha256}.jpg", headers=told.headers["Dawar"]).status_code == 404


def test_a_team_sends_a_photo_of_its_own_visit_once(told):
    first, again = (send(told, "Bilal", a_photo(20)) for _ in range(2))

    assert (first.status_code, first.json["status"]) == (201, "accepted")
    assert (again.status_code, again.json["status"]) == (200, "duplicate")
    assert send(told, "Bilal", a_photo(21), team="T2").status_code == 404


def test_what_is_served_holds_no_metadata_and_looking_is_on_record(told, shared_data):
    data = (shared_data / "photos" / "DSCN0010.jpg").read_bytes()
    path = f"/api/v1/campaigns/BOTH/visits/{visit_of('T1')}/photos"
    sha256 = send(told, "Amina", data).json["photo"]

    served = told.client.get(f"{path}/{sha256}.jpg", headers=told.headers["Amina"])
    listed = next(r for r in told.client.get(path, headers=told.headers["Amina"]).json["rows"] if r["sha256"] == sha256)

    assert served.mimetype == "image/jpeg"
    picture = Image.open(io.BytesIO(served.data))
    assert not picture.getexif()
    assert b"Exif" not in served.data
    assert b"NIKON" not in served.data
    assert (round(listed["lon"], 3), round(listed["lat"], 3)) == (11.885, 43.467)  # Arezzo
    assert listed["camera"].startswith("NIKON")
    with transaction() as session:
        looked = session.execute(
            text("SELECT thing, facts FROM audit_entry WHERE action = 'look at photo' ORDER BY id DESC LIMIT 1")
        ).one()
    assert looked == (visit_of("T1"), {"photo": sha256[:16]})


@pytest.mark.parametrize(
    ("data", "media"),
    [
        (b"", "image/jpeg"), (b"no photo", "image/jpeg"), (a_photo()[:500], "image/jpeg"),
        (a_photo(format="GIF"), "image/gif"), (a_photo(format="TIFF"), "image/tiff"), (b"{}", "application/json"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "image/svg+xml"),
    ],
    ids=["empty", "text", "cut", "gif", "tiff", "json", "svg"],
)  # fmt: skip
def test_what_is_no_photo_is_refused_and_nothing_is_kept_of_it(told, data, media):
    with transaction() as session:
        before = session.scalar(text("SELECT count(*) FROM photo"))

    answer = send(told, "Amina", data, media=media)

    assert answer.status_code == 422
    with transaction() as session:
        assert session.scalar(text("SELECT count(*) FROM photo")) == before


def test_a_picture_that_unpacks_to_too_much_is_refused():
    out = io.BytesIO()
    Image.new("1", (20_000, 20_000)).save(out, "PNG")

    with pytest.raises(NotAPhoto):
        look_at(out.getvalue())


def test_the_process_that_decodes_can_write_no_file(tmp_path):
    code = (
        f"import sys; sys.path.insert(0, {str(PICTURING.parent)!r})\nfrom picturing import limit\nlimit()\n"
        f"open({str(tmp_path / 'x')!r}, 'w').write('x' * 10)"
    )

    subprocess.run([sys.executable, "-c", code], capture_output=True, env=ONE_THREAD)

    assert not (tmp_path / "x").exists() or (tmp_path / "x").stat().st_size == 0


def distance(one: int, other: int) -> int:
    return ((one ^ other) & (2**64 - 1)).bit_count()


def nearest(new: dict, kept: dict, which: str) -> int:
    """The new photo in 8 orientations against the whole of the other and its 10 windows."""
    windows = [kept[which][0], *kept[which][8:]]
    return min(distance(a, b) for a in new[which][:8] for b in windows)


def test_hashes_know_a_photo_again_and_tell_others_apart(shared_data):
    files = sorted((shared_data / "photos").glob("*.jpg"))
    facts = {file.name: look_at(file.read_bytes())[0] for file in files}
    first = Image.open(files[0]).convert("RGB")

    def again(picture: Image.Image, quality: int) -> dict:
        out = io.BytesIO()
        picture.save(out, "JPEG", quality=quality)
        return look_at(out.getvalue())[0]

    recompressed = again(first.resize((800, 600)), 40)
    mirrored = again(first.transpose(Image.Transpose.FLIP_LEFT_RIGHT), 75)
    kept = facts[files[0].name]
    assert nearest(recompressed, kept, "phash") <= 2
    assert nearest(mirrored, kept, "phash") <= 6
    assert nearest(mirrored, kept, "dhash") <= 10
    for file in files[1:]:
        assert nearest(facts[file.name], kept, "phash") >= 11  # beyond even a warning


def test_the_conflict_of_clocks_in_a_real_photo_is_kept(shared_data):
    facts, _drawn = look_at((shared_data / "photos" / "DSCN0010.jpg").read_bytes())

    assert facts["taken"].startswith("2008-10-22")
    assert facts["gps_at"].startswith("2008-10-23")
    assert len(facts["phash"]) == len(facts["dhash"]) == 18
    json.dumps(facts)
