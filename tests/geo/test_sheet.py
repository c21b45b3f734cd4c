"""Places on a sheet of paper."""

import pytest

from geo.boundaries import WGS84
from geo.sheet import sheet_for


def test_north_is_up_and_a_kilometre_is_as_long_in_every_direction():
    sheet = sheet_for((71.4, 33.9, 71.6, 34.1), 720, 520, 30)
    east = WGS84.fwd(71.5, 34.0, 90, 1000)[0]
    north = WGS84.fwd(71.5, 34.0, 0, 1000)[1]

    assert sheet.y(34.1) < sheet.y(33.9)
    assert sheet.x(east) - sheet.x(71.5) == pytest.approx(sheet.length(1000), rel=0.01)
    assert sheet.y(34.0) - sheet.y(north) == pytest.approx(sheet.length(1000), rel=0.01)


@pytest.mark.parametrize("box", [(71.5, 34.0, 71.5, 34.0), (71.0, 33.0, 73.0, 33.01), (71.0, 33.0, 71.01, 35.0)])
def test_all_of_the_box_is_on_the_sheet_and_the_scale_bar_fits(box):
    sheet = sheet_for(box, 720, 520, 30)

    assert 29 <= sheet.x(box[0]) <= sheet.x(box[2]) <= 691
    assert 29 <= sheet.y(box[3]) <= sheet.y(box[1]) <= 491
    assert 0 < sheet.length(sheet.scale_bar_m) <= 180
