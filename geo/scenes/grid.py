"""Where is a pixel? Grids of square pixels, north up, in a projected coordinate system in metres."""

import math
from dataclasses import dataclass

Window = tuple[slice, slice]  # rows, columns of a grid


@dataclass(frozen=True)
class Grid:
    """`rows` × `columns` pixels of `size_m`, from the upper left corner (left_m, top_m) of EPSG:`epsg`."""

    epsg: int
    left_m: float
    top_m: float
    size_m: float
    rows: int
    columns: int

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """West, south, east, north in metres."""
        east, south = self.left_m + self.columns * self.size_m, self.top_m - self.rows * self.size_m
        return self.left_m, south, east, self.top_m

    @property
    def lattice(self) -> tuple[int, float, float, float]:
        """What two grids share when their pixels lie on each other wherever both have some."""
        size = self.size_m
        return self.epsg, round(size, 6), _phase(self.left_m, size), _phase(self.top_m, size)

    def column_at(self, x_m: float) -> int:
        """Of the pixel edge nearest to x."""
        return round((x_m - self.left_m) / self.size_m)

    def row_at(self, y_m: float) -> int:
        return round((self.top_m - y_m) / self.size_m)

    def part(self, rows: tuple[int, int], columns: tuple[int, int]) -> "Grid":
        """Rows and columns from … to, which may lie outside."""
        left, top = self.left_m + columns[0] * self.size_m, self.top_m - rows[0] * self.size_m
        return Grid(self.epsg, left, top, self.size_m, rows[1] - rows[0], columns[1] - columns[0])

    def within(self, bounds: tuple[float, float, float, float], margin_m: float = 0.0) -> "Grid | None":
        """The part whose pixels touch these bounds, grown by a margin; None: none does."""
        west, south, east, north = bounds
        edge = 1e-9  # a bound that lies on an edge touches no pixel beyond it
        columns = _clip(
            math.floor((west - margin_m - self.left_m) / self.size_m + edge),
            math.ceil((east + margin_m - self.left_m) / self.size_m - edge),
            self.columns,
        )
        rows = _clip(
            math.floor((self.top_m - north - margin_m) / self.size_m + edge),
            math.ceil((self.top_m - south + margin_m) / self.size_m - edge),
            self.rows,
        )
        return self.part(rows, columns) if columns[0] < columns[1] and rows[0] < rows[1] else None

    def coarser(self, factor: int) -> "Grid":
        """Pixels `factor` times as long, on whole multiples of their length (beside the lattice's own phase), so that
        scenes of one lattice share them; what is left over at the edges is dropped."""
        size = self.size_m * factor
        west, south, east, north = self.bounds
        phase_x, phase_y = _phase(self.left_m, self.size_m), _phase(self.top_m, self.size_m)
        first, last = math.ceil((west - phase_x) / size - 1e-6), math.floor((east - phase_x) / size + 1e-6)
        lowest, highest = math.ceil((south - phase_y) / size - 1e-6), math.floor((north - phase_y) / size + 1e-6)
        rows, columns = max(0, highest - lowest), max(0, last - first)
        return Grid(self.epsg, first * size + phase_x, highest * size + phase_y, size, rows, columns)

    def window_of(self, part: "Grid") -> tuple[int, int]:
        """Row and column of the upper left pixel of a part on the same lattice."""
        return self.row_at(part.top_m), self.column_at(part.left_m)


def _phase(at_m: float, size_m: float) -> float:
    """Where between two multiples of the pixel's length an edge lies, to the millimetre."""
    phase = round(at_m % size_m, 3)
    return 0.0 if phase >= round(size_m, 3) else phase


def _clip(first: int, last: int, count: int) -> tuple[int, int]:
    return max(0, first), min(count, last)
