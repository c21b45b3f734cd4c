"""The colours of tokens.css and tokens-dark.css, recomputed: contrast by WCAG, difference by CIEDE2000, as colour-blind
people see them by Machado 2009. A changed colour cannot slip below what the design promises.
"""

import itertools
import re
from pathlib import Path

import numpy as np
import pytest

CSS = Path(__file__).resolve().parent.parent / "tracker" / "static" / "css"
STATUSES = ("missed", "partly", "doubtful", "covered", "not-started")
RAMP = tuple(f"ramp-{step}" for step in range(1, 6))
CHECK = tuple(f"check-{step}" for step in range(1, 6))

# Machado, Oliveira, Fernandes 2009, severity 1.0, in linear RGB
AS_SEEN_WITH = {
    "normal": np.eye(3),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
}
TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
WHITE = np.array([0.95047, 1.0, 1.08883])  # D65


def tokens(theme: str) -> dict[str, str]:
    """Names and hexadecimal colours of a theme; dark overrides light."""
    found: dict[str, str] = {}
    for sheet in ("tokens.css",) if theme == "light" else ("tokens.css", "tokens-dark.css"):
        found |= re.findall(r"--([a-z0-9-]+):\s*(#[0-9A-Fa-f]{6})", (CSS / sheet).read_text())
    return found


def linear(colour: str) -> np.ndarray:
    srgb = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)


def contrast(one: str, other: str) -> float:
    """WCAG 2: (lighter + 0.05) ÷ (darker + 0.05)."""
    lights = sorted(float(linear(c) @ TO_XYZ[1]) for c in (one, other))
    return (lights[1] + 0.05) / (lights[0] + 0.05)


def lab(colour: str, eye: str) -> np.ndarray:
    xyz = TO_XYZ @ np.clip(AS_SEEN_WITH[eye] @ linear(colour), 0, 1) / WHITE
    f = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def difference(one: str, other: str, eye: str) -> float:
    return ciede2000(lab(one, eye), lab(other, eye))


def ciede2000(one: np.ndarray, other: np.ndarray) -> float:
    """Sharma, Wu, Dalal 2005, of two colours in CIELAB."""
    (l1, a1, b1), (l2, a2, b2) = one, other
    c_mean = (np.hypot(a1, b1) + np.hypot(a2, b2)) / 2
    g = 0.5 * (1 - np.sqrt(c_mean**7 / (c_mean**7 + 25**7)))
    a1, a2 = a1 * (1 + g), a2 * (1 + g)
    c1, c2 = np.hypot(a1, b1), np.hypot(a2, b2)
    h1, h2 = np.degrees(np.arctan2(b1, a1)) % 360, np.degrees(np.arctan2(b2, a2)) % 360
    dh = (h2 - h1 + 180) % 360 - 180 if c1 * c2 else 0.0
    d_l, d_c, d_h = l2 - l1, c2 - c1, 2 * np.sqrt(c1 * c2) * np.sin(np.radians(dh) / 2)
    l_mean, c_mean = (l1 + l2) / 2, (c1 + c2) / 2
    h_mean = (h1 + dh / 2) % 360 if c1 * c2 else h1 + h2
    t = (
        1 - 0.17 * np.cos(np.radians(h_mean - 30)) + 0.24 * np.cos(np.radians(2 * h_mean))
        + 0.32 * np.cos(np.radians(3 * h_mean + 6)) - 0.20 * np.cos(np.radians(4 * h_mean - 63))
    )  # fmt: skip
    s_l = 1 + 0.015 * (l_mean - 50) ** 2 / np.sqrt(20 + (l_mean - 50) ** 2)
    s_c, s_h = 1 + 0.045 * c_mean, 1 + 0.015 * c_mean * t
    turn = 60 * np.exp(-(((h_mean - 275) / 25) ** 2))
    r_t = -2 * np.sqrt(c_mean**7 / (c_mean**7 + 25**7)) * np.sin(np.radians(turn))
    return float(np.sqrt((d_l / s_l) ** 2 + (d_c / s_c) ** 2 + (d_h / s_h) ** 2 + r_t * d_c / s_c * d_h / s_h))


def smallest_difference(theme: str, names: tuple[str, ...], eye: str) -> float:
    colours = tokens(theme)
    return min(difference(colours[a], colours[b], eye) for a, b in itertools.combinations(names, 2))


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ((50, 2.6772, -79.7751), (50, 0, -82.7485), 2.0425), ((50, -1.3802, -84.2814), (50, 0, -82.7485), 1.0000),
        ((50, 2.5, 0), (73, 25, -18), 27.1492), ((50, 2.49, -0.001), (50, -2.49, 0.0011), 7.2195),
        ((2.0776, 0.0795, -1.1350), (0.9033, -0.0636, -0.5514), 0.9082),
    ],
)  # fmt: skip
def test_the_difference_is_the_one_that_its_authors_publish(one, other, expected):
    assert ciede2000(np.array(one), np.array(other)) == pytest.approx(expected, abs=5e-5)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("ground", ["page", "card", "land"])
@pytest.mark.parametrize(("text", "at_least"), [("ink", 12.9), ("ink-2", 7.7), ("ink-3", 5.1), ("action", 7.4)])
def test_text_can_be_read_on_every_ground(theme: str, ground: str, text: str, at_least: float):
    colours = tokens(theme)

    assert contrast(colours[text], colours[ground]) >= at_least - 0.05


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("ground", ["hover", "selected", "not-started-tint"])
def test_quiet_text_can_be_read_on_a_row_pointed_at_and_on_a_chosen_one(theme: str, ground: str):
    colours = tokens(theme)

    assert contrast(colours["ink-3"], colours[ground]) >= 4.5


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("ground", ["page", "card", "land"])
def test_borders_of_inputs_stand_out(theme: str, ground: str):
    colours = tokens(theme)

    assert contrast(colours["edge"], colours[ground]) >= 3.0


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_primary_button_can_be_read(theme: str):
    colours = tokens(theme)

    assert contrast(colours["on-action"], colours["action"]) >= 7.4


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("status", STATUSES)
def test_a_status_can_be_read_on_its_tint_and_on_the_card(theme: str, status: str):
    colours = tokens(theme)

    assert contrast(colours[f"{status}-text"], colours[f"{status}-tint"]) >= 5.75
    assert contrast(colours[f"{status}-text"], colours["card"]) >= 5.75


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("status", ["missed", "doubtful", "covered"])
def test_a_filled_symbol_shows_its_glyph_and_its_edge(theme: str, status: str):
    colours = tokens(theme)

    assert contrast(colours["glyph"], colours[status]) >= 3.0
    assert min(contrast(colours[status], colours[ground]) for ground in ("page", "card", "land")) >= 3.0


@pytest.mark.parametrize(
    ("theme", "eye", "at_least"),
    [
        ("light", "normal", 30.1), ("light", "deuteranopia", 22.7), ("light", "protanopia", 24.1),
        ("dark", "normal", 30.5), ("dark", "deuteranopia", 21.2), ("dark", "protanopia", 23.0),
    ],
)  # fmt: skip
def test_no_two_statuses_look_alike(theme: str, eye: str, at_least: float):
    assert smallest_difference(theme, STATUSES, eye) >= at_least - 0.1


@pytest.mark.parametrize(
    ("theme", "eye", "at_least"),
    [
        ("light", "normal", 17.8), ("light", "deuteranopia", 13.6), ("light", "protanopia", 16.4),
        ("dark", "normal", 18.9), ("dark", "deuteranopia", 15.3), ("dark", "protanopia", 15.0),
    ],
)  # fmt: skip
def test_no_two_classes_of_coverage_look_alike(theme: str, eye: str, at_least: float):
    assert smallest_difference(theme, RAMP, eye) >= at_least - 0.1


def test_no_two_classes_of_the_share_to_check_look_alike():
    assert smallest_difference("light", CHECK, "normal") >= 10.8


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("step", range(1, 6))
def test_numbers_can_be_read_on_every_class_of_coverage(theme: str, step: int):
    colours = tokens(theme)

    assert contrast(colours[f"on-ramp-{step}"], colours[f"ramp-{step}"]) >= 4.5


@pytest.mark.parametrize(("theme", "darkest_is_the_gap"), [("light", True), ("dark", False)])
def test_the_gap_is_loudest_on_its_ground(theme: str, darkest_is_the_gap: bool):
    colours = tokens(theme)
    lightness = [lab(colours[name], "normal")[0] for name in RAMP[:4]]

    assert lightness == sorted(lightness, reverse=not darkest_is_the_gap)


def test_dark_overrides_colours_and_nothing_else():
    names = set(re.findall(r"--([a-z0-9-]+):", (CSS / "tokens-dark.css").read_text()))

    assert names - {"shadow"} <= set(tokens("light"))
