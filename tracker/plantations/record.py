"""One claim's evidence as a document of plain values: what `flask plantations evidence` prints."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt

from geo.evidence.looking import BLOCK_INDICES, ClaimFrames, Look, series_of
from geo.evidence.parameters import Parameters
from geo.evidence.questions import NO_DATE, NO_SCENES, Answers, Layers, ask_all, ask_without_scenes, control_of
from geo.evidence.series import Claimed, Series
from geo.evidence.verdict import QUESTIONS, rounded
from geo.scenes.scene import Scene
from tracker.plantations.ground import ClaimGround

Floats = npt.NDArray[np.float64]
SeriesKey = tuple[str, str, tuple[int, float, float, float]]
Seen = Sequence[tuple[Scene, Look]]  # all scenes that hold the whole claim, in order of (day, name)


@dataclass(frozen=True)
class Heard:
    """The series that was asked, and what it answered."""

    key: SeriesKey
    frames: ClaimFrames
    series: Series
    answers: Answers
    controls: dict[str, Floats]  # (t,) what the control land showed, by index; empty where there is none


def document(
    claim: ClaimGround,
    as_of: date,
    seen: Seen,
    frames: Mapping[SeriesKey, ClaimFrames],
    layers: Layers,
    parameters: Parameters,
    code_version: str,
) -> dict[str, Any]:
    """Everything that is said of one claim; rounded, so that the same inputs give the same bytes."""
    heard = _ask(claim, as_of, seen, frames, layers, parameters)
    why_not = NO_SCENES if claim.planted_on else NO_DATE
    verdicts = heard.answers.verdicts if heard else ask_without_scenes(why_not, layers, parameters)
    found: dict[str, Any] = rounded(
        {
            "claim": claim.code,
            "version": claim.version,
            "as_of": as_of.isoformat(),
            "inputs": [_input(scene) for scene, _look in seen],
            "scenes": [_scene_told(scene, look, heard) for scene, look in seen],
            "questions": {question: verdicts[question].as_dict() for question in QUESTIONS},
            "control": _control_told(heard) if heard else None,
            "land_cover": layers.tree_layer,
            "parameters": parameters.as_dict(),
            "code_version": code_version,
        }
    )
    return found


def _ask(
    claim: ClaimGround,
    as_of: date,
    seen: Seen,
    frames: Mapping[SeriesKey, ClaimFrames],
    layers: Layers,
    parameters: Parameters,
) -> Heard | None:
    """All questions, of the best series; None without scenes, or without a planting date."""
    key = best_series(claim, [scene for scene, _look in seen], parameters)
    if key is None or claim.planted_on is None:
        return None
    used = [(scene.day.toordinal(), look) for scene, look in seen if scene.series == key]
    series = series_of(frames[key], [day for day, _look in used], [look for _day, look in used])
    claimed = Claimed(claim.planted_on, claim.kind, claim.species, claim.stems, claim.measured_ha)
    answers = ask_all(series, frames[key], claimed, as_of, layers, parameters)
    controls = {
        name: control_of(series, name, answers.kept_blocks, parameters)
        for name in BLOCK_INDICES
        if name in series.means and len(answers.kept_blocks)
    }
    return Heard(key, frames[key], series, answers, controls)


def best_series(claim: ClaimGround, scenes: Sequence[Scene], parameters: Parameters) -> SeriesKey | None:
    """That with the most scenes since the years before planting; of two the finer one."""
    since = claim.planted_on.toordinal() - parameters.pre_days if claim.planted_on else 0
    counts: dict[SeriesKey, int] = {}
    for scene in scenes:
        counts[scene.series] = counts.get(scene.series, 0) + (scene.day.toordinal() >= since)
    return min(counts, key=lambda key: (-counts[key], key[2][1], key), default=None)


def _input(scene: Scene) -> dict[str, Any]:
    return {
        "scene": scene.name,
        "sha256": list(scene.sha256),
        "sensor": scene.sensor,
        "date": scene.day.isoformat(),
    }


def _scene_told(scene: Scene, look: Look, heard: Heard | None) -> dict[str, Any]:
    """One scene's line: the claim's numbers, and those of its control land on that day."""
    told: dict[str, Any] = {
        "scene": scene.name,
        "date": scene.day.isoformat(),
        "sensor": scene.sensor,
        "clear_share": look.clear.get("ndvi"),
        "ndvi_mean": look.means.get("ndvi"),
        **{f"{name}_mean": look.means[name] for name in sorted(look.means) if name != "ndvi"},
        "surroundings_clear_share": look.box_clear,
        "snow_share": look.snow,
        "period": None,
        "control": None,
    }
    if heard is None or heard.key != scene.series or not heard.controls:
        return told
    at = int(np.searchsorted(heard.series.days, scene.day.toordinal()))
    when, blocks = heard.answers.when, heard.series.means["ndvi"].blocks[at, heard.answers.kept_blocks]
    told["period"] = "pre" if when.pre[at] else "post" if when.post[at] else None
    medians = {f"{name}_median": float(values[at]) for name, values in heard.controls.items()}
    told["control"] = medians | {"blocks": int(np.isfinite(blocks).sum())}
    return told


def _control_told(heard: Heard) -> dict[str, Any] | None:
    """Where the control blocks lie: copies of the outline, shifted by steps east and north (metres, in `epsg`)."""
    if not len(heard.answers.kept_blocks):
        return None
    return {
        "epsg": heard.key[2][0],
        "step_m": list(heard.frames.steps),
        "shifts": heard.series.shifts[heard.answers.kept_blocks].tolist(),
        "candidates": len(heard.series.shifts),
        "sensor_family": heard.key[0],
    }
