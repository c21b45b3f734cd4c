"""Test the claims of a campaign, and report what is known of them."""

import csv
import io
import json
import threading
import time
from datetime import datetime
from typing import Any

import click

from tracker import jobs
from tracker.accounts.scope import SERVER
from tracker.campaigns.planning import find_campaign
from tracker.command_line import json_option, say
from tracker.database import transaction
from tracker.jobs import Job
from tracker.plantations.check_queue import enqueue_check, today
from tracker.plantations.reading import campaign_report

LOOK_AGAIN_S = 1.0
COLUMNS = ("claim", "kind", "claimed_ha", "measured_ha", "findings", "gain", "open_before", "prepared", "kept",
           "plantable", "risk", "decision")  # fmt: skip
campaign_option = click.option("--campaign", "code", required=True)


@click.command("check")
@campaign_option
@click.option("--as-of", type=click.DateTime(["%Y-%m-%d"]), help="Day up to which scenes count; default: today.")
@click.option("--scheduler", help="Address of a dask scheduler, or “local” for worker processes of this machine.")
@json_option
def check_command(code: str, as_of: datetime | None, scheduler: str | None, as_json: bool) -> None:
    """Ask every rule and the satellite scenes about all claims of a campaign; ends when that is done.

    The work is a job: a running worker does it, else this command. After a crash it goes on where it stopped.
    """
    started = time.monotonic()
    with transaction() as session:
        campaign = find_campaign(session, code)
        job_id = enqueue_check(session, campaign, as_of.date() if as_of else today(), scheduler).id
    job = _until_done(job_id)
    if job.error:
        raise click.ClickException(job.error)
    say({**(job.result or {}), "seconds": round(time.monotonic() - started, 3)}, as_json)


def _until_done(job_id: int) -> Job:
    """Do the job here unless a worker has it, and tell how far it is."""
    ended = threading.Event()
    telling = threading.Thread(target=_tell_progress, args=(job_id, ended), daemon=True)
    telling.start()
    try:
        while (job := _job(job_id)).ended_at is None:
            jobs.work()
            if _job(job_id).ended_at is None:  # a worker is at it
                time.sleep(LOOK_AGAIN_S)
    finally:
        ended.set()
        telling.join()
    return job


def _job(job_id: int) -> Job:
    with transaction() as session:
        return session.get_one(Job, job_id)


def _tell_progress(job_id: int, ended: threading.Event) -> None:
    told = ""
    while not ended.wait(LOOK_AGAIN_S):
        job = _job(job_id)
        words = f"{job.done:,} of {job.total:,} steps" if job.total else ""
        if words and words != told:
            click.echo(words, err=True)
        told = words


@click.command("report")
@campaign_option
@click.option("--format", "how", type=click.Choice(("table", "csv", "json", "geojson")), default="table")
def report_command(code: str, how: str) -> None:
    """Every claim with its findings, verdicts, risk and decision."""
    with transaction() as session:
        report = campaign_report(session, find_campaign(session, code), SERVER)
    click.echo(WRITTEN[how](report), nl=how != "csv")


def _as_json(report: dict[str, Any]) -> str:
    claims = [{k: v for k, v in claim.items() if k != "geometry"} for claim in report["claims"]]
    return json.dumps({**report, "claims": claims}, ensure_ascii=False)


def _as_geojson(report: dict[str, Any]) -> str:
    features = [
        {
            "type": "Feature",
            "geometry": json.loads(claim["geometry"]),
            "properties": {k: v for k, v in claim.items() if k != "geometry"},
        }
        for claim in report["claims"]
    ]
    return json.dumps({"type": "FeatureCollection", "features": features}, ensure_ascii=False)


def _flat(claim: dict[str, Any]) -> dict[str, Any]:
    found = sorted({f"{f['rule']} ({f['severity']})" for f in claim["findings"]})
    verdicts = {question: answer["verdict"] for question, answer in claim["verdicts"].items()}
    return {**claim, "findings": "; ".join(found), **verdicts}


def _as_csv(report: dict[str, Any]) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, extrasaction="ignore", restval="")
    writer.writeheader()
    writer.writerows(map(_flat, report["claims"]))
    return out.getvalue()


def _as_table(report: dict[str, Any]) -> str:
    lines = [f"{'claim':<20} {'kind':<14} {'claimed ha':>11} {'measured ha':>11} {'risk':>4}  gain          findings"]
    for claim in map(_flat, report["claims"]):
        claimed = "–" if claim["claimed_ha"] is None else f"{claim['claimed_ha']:,.2f}"
        risk = "–" if claim["risk"] is None else claim["risk"]
        lines.append(
            f"{claim['claim']:<20} {claim['kind'] or '–':<14} {claimed:>11} {claim['measured_ha']:>11,.2f} {risk:>4}"
            f"  {claim.get('gain', '–'):<12}  {claim['findings']}"
        )
    for group, sums in report["groups"].items():
        if sums["claims"]:
            lines.append(
                f"{group}: {sums['claims']:,} claims · {sums['claimed_ha']:,.2f} ha claimed · "
                f"{sums['measured_ha']:,.2f} ha measured · {sums['accepted_ha']:,.2f} ha accepted"
            )
    return "\n".join(lines)


WRITTEN = {"json": _as_json, "geojson": _as_geojson, "csv": _as_csv, "table": _as_table}
