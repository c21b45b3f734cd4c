"""Which units are neighbours? The Gabriel graph: two are, when no third lies in the circle over the line between them.

It is a part of the Delaunay triangulation and always in one piece; barriers (rivers without a bridge) cut edges.
"""

from dataclasses import dataclass

import numpy as np
import shapely
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import Delaunay, QhullError, cKDTree

from geo.targets.walking import Floats, Ints

CLOSER = 1e-9  # of a length: a point on the circle itself is not inside


@dataclass(frozen=True)
class Neighbours:
    """Undirected edges between units, each once, and the piece of the graph that every unit lies in."""

    edges: Ints  # (m, 2), smaller index first
    piece: Ints  # (n,), 0 for the piece of the first unit

    def lists(self) -> list[list[int]]:
        """For each unit its neighbours, in order."""
        near: list[list[int]] = [[] for _ in self.piece]
        for one, other in self.edges.tolist():
            near[one].append(other)
            near[other].append(one)
        return [sorted(found) for found in near]


def neighbours(xy: Floats, barriers: shapely.Geometry | None = None) -> Neighbours:
    """The Gabriel graph of points.

    xy : (n, 2) metres in one plane.   barriers : lines or polygons in the same plane that nobody crosses; None: none
    Points at one spot are neighbours of each other in a chain, and the first of them of the spots around.
    """
    spots, first, spot_of = np.unique(np.round(xy, 3), axis=0, return_index=True, return_inverse=True)
    between = first[_gabriel(spots)] if len(spots) > 1 else np.empty((0, 2), int)
    edges = _in_order(np.vstack([between, _chains(spot_of.ravel())]))
    if barriers is not None and len(edges):
        edges = edges[~_crosses(xy, edges, barriers)]
    return Neighbours(edges, _pieces(len(xy), edges))


def _gabriel(spots: Floats) -> Ints:
    """(m, 2) edges between different spots."""
    candidates = _delaunay_edges(spots)
    one, other = spots[candidates[:, 0]], spots[candidates[:, 1]]
    radius = np.hypot(*(one - other).T) / 2
    nearest, _ = cKDTree(spots).query((one + other) / 2)
    kept = candidates[nearest >= radius * (1 - CLOSER)]
    return _made_whole(spots, kept, candidates)


def _delaunay_edges(spots: Floats) -> Ints:
    """Edges of the triangulation; of points on one line, from each to the next."""
    spread = spots - spots.mean(axis=0)
    axes = np.linalg.svd(spread, full_matrices=False)[1:]
    on_a_line = len(spots) < 4 or axes[0][1] <= 1e-6 * max(axes[0][0], 1e-9)
    if not on_a_line:
        try:
            triangles = Delaunay(spread)
        except QhullError:
            on_a_line = True
    if on_a_line and len(spots) != 3:
        along = np.argsort(spread @ axes[1][0], kind="stable")
        return np.column_stack([along[:-1], along[1:]])
    if on_a_line:
        return np.array([[0, 1], [0, 2], [1, 2]])
    corners = triangles.simplices
    left_out = triangles.coplanar[:, [0, 2]] if len(triangles.coplanar) else np.empty((0, 2), int)
    return np.unique(
        _in_order(np.vstack([corners[:, [0, 1]], corners[:, [1, 2]], corners[:, [0, 2]], left_out])), axis=0
    )


def _made_whole(spots: Floats, kept: Ints, candidates: Ints) -> Ints:
    """Rounding may lose an edge: pieces are joined by the shortest candidates."""
    count, piece = _components(len(spots), kept)
    if count == 1:
        return kept
    length = np.hypot(*(spots[candidates[:, 0]] - spots[candidates[:, 1]]).T)
    more = []
    for k in np.argsort(length, kind="stable"):
        one, other = piece[candidates[k]]
        if one != other:
            more.append(candidates[k])
            piece[piece == other] = one
    return np.vstack([kept, *more])


def _chains(spot_of: Ints) -> Ints:
    """Edges between points at one spot, from each to the next."""
    order = np.argsort(spot_of, kind="stable")
    same = np.flatnonzero(spot_of[order[:-1]] == spot_of[order[1:]])
    return np.column_stack([order[same], order[same + 1]])


def _in_order(edges: Ints) -> Ints:
    edges = np.sort(edges, axis=1)
    return np.asarray(edges[np.lexsort((edges[:, 1], edges[:, 0]))], int)


def _crosses(xy: Floats, edges: Ints, barriers: shapely.Geometry) -> np.ndarray:
    lines = shapely.linestrings(xy[edges])
    tree = shapely.STRtree(shapely.get_parts(barriers))
    crossed = np.zeros(len(edges), bool)
    crossed[tree.query(lines, predicate="intersects")[0]] = True
    return crossed


def _components(n: int, edges: Ints) -> tuple[int, Ints]:
    matrix = coo_matrix((np.ones(len(edges)), (edges[:, 0], edges[:, 1])), shape=(n, n))
    count, label = connected_components(matrix, directed=False)
    return int(count), np.asarray(label, int)


def _pieces(n: int, edges: Ints) -> Ints:
    return _components(n, edges)[1] if n else np.empty(0, int)
