"""The skin: the refined cage, with lips and lids made to meet exactly."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sparse
import scipy.sparse.linalg as sparse_linalg

from tools.head_builder import sculpt
from tools.head_builder.cage import MOUTH, SKIN, SOCKET
from tools.head_builder.cloth import below_neckline
from tools.head_builder.eyes import surface_radius
from tools.head_builder.hair import above_hairline
from tools.head_builder.jaw import jaw_deltas
from tools.head_builder.parameters import Parameters
from tools.head_builder.part import FLIP, mirrored_name, smoothstep, without_small
from tools.head_builder.subdivision import Subdivision, edges_of
from tools.head_builder.unfold import Unfold

CONTACT = 2  # ring of the mouth where the lips meet
MARGIN = (2, 3)  # rings of the eye that bound the lid margin
TONGUE_OUT_OPENS = 0.22  # share of jawOpen that lets the tongue pass
PRESSING = ("jawOpen", "mouthClose", "mouthPressLeft", "mouthRollLower", "mouthShrugLower")  # lips squeeze
SQUEEZE = 0.12  # cm of overlap in the middle of the lips at full jawOpen and mouthClose
CORNER = 0.85  # share of the way from the middle of the mouth at which its corner begins
LID_CLEARANCE = 0.035  # cm over the eyeball


def _hidden_faces(p: Parameters) -> np.ndarray:
    """Cage faces well below hair or shirt."""
    return (np.maximum(above_hairline(p.neutral) - 1.5, below_neckline(p.neutral) - 1.5)[p.faces] > 0).all(
        axis=1
    )


class Spread:
    """Carries displacements of fixed vertices over a region, fading to none at its border (bi-Laplacian)."""

    def __init__(self, faces: np.ndarray, region: np.ndarray, fixed: np.ndarray) -> None:
        self.region, self.fixed = np.flatnonzero(region), fixed
        count = len(region)
        e, _ = edges_of(faces)
        near = sparse.coo_matrix((np.ones(len(e)), e.T), (count, count)).tocsr()
        near = near + near.T
        laplacian = sparse.identity(count) - sparse.diags(1 / np.asarray(near.sum(axis=1)).ravel()) @ near
        free = region.copy()
        free[fixed] = False
        self.free = np.flatnonzero(free)
        energy = (laplacian.T @ laplacian).tocsr()
        self.solver = sparse_linalg.splu(energy[self.free][:, self.free].tocsc())
        self.right = energy[self.free][:, fixed]

    def __call__(self, values: np.ndarray, count: int) -> np.ndarray:
        out = np.zeros((count, 3))
        out[self.fixed] = values
        out[self.free] = -self.solver.solve(self.right @ values)
        return out


class Skin:
    """Refined vertices, faces with their part, mirror permutation, chains at lips and lids, deltas by control."""

    def __init__(self, p: Parameters) -> None:
        self.p = p
        self.sub = Subdivision(p.faces, len(p.mirror), fine=self._fine_faces(p), rough=_hidden_faces(p))
        self.faces = self.sub.faces
        self.part = p.part[self.sub.labels]
        self.mirror = self.sub.mirrored(p.mirror)
        self.vertices = self._symmetric(self.sub.apply(p.neutral))
        self.lip = self.sub.apply(p.lip)
        self.count = len(self.vertices)
        only = np.zeros(self.count, bool)
        only[self.faces[self.part == SKIN]] = True
        self.is_skin = only
        self._chains()
        self._regions()
        self.eye_centre, self.eye_radius = p.eye_sphere[:3], float(p.eye_sphere[3])
        self._settle_neutral()
        self.unfold = Unfold(self.split()[0], self._meeting())
        self.vertices = self._symmetric(self.unfold(self.vertices))
        self.deltas = self._all_deltas()

    @staticmethod
    def _fine_faces(p: Parameters) -> np.ndarray:
        """Lips and lids, whose edges and folds are seen against what lies behind them."""
        rings = np.r_[p.eye[3:5].ravel(), p.mouth[2:6].ravel()]
        return np.isin(p.faces, np.r_[rings, p.mirror[rings]]).any(axis=1)

    def _symmetric(self, v: np.ndarray) -> np.ndarray:
        return (v + v[self.mirror] * FLIP) / 2

    def _chains(self) -> None:
        p = self.p
        contact = self.sub.chain(p.mouth[CONTACT].tolist())
        half = len(contact) // 2
        self.contact = contact
        self.upper_lip, self.lower_lip = contact[: half + 1], contact[half:][::-1]
        self.lids = {k: self.sub.chain(p.eye[k].tolist(), closed=True) for k in (2, 3, 4, 5)}

    def _regions(self) -> None:
        p = self.p
        self.mouth_region = (self.lip < 1.95) & self.is_skin
        ring = np.full(len(p.mirror), 8.0)
        for k, row in enumerate(p.eye):
            ring[row] = k
        ring[p.socket.ravel()] = -1
        ring[p.socket_pole] = -2
        self.lid = self.sub.apply(ring)
        self.both_lids = np.minimum(self.lid, self.lid[self.mirror])
        self.lid_region = (self.lid < 6.6) & (self.lid > -0.5) & (self.vertices[:, 0] > 0)
        both = np.r_[self.contact, self.mirror[self.contact]]
        self.lip_fixed = np.unique(both)
        self.lip_spread = Spread(self.faces, self.mouth_region, self.lip_fixed)
        self.lid_fixed = np.unique(np.r_[self.lids[MARGIN[0]], self.lids[MARGIN[1]]])
        self.lid_spread = Spread(self.faces, self.lid_region, self.lid_fixed)

    def _lip_move(self, moves: dict[int, np.ndarray]) -> np.ndarray:
        values = np.array([moves.get(int(v), np.zeros(3)) for v in self.lip_fixed])
        return self.lip_spread(values, self.count)

    def _meet(self, upper: np.ndarray, lower: np.ndarray, share: float = 0.5) -> dict[int, np.ndarray]:
        """Moves of the lips' contact vertices that add `(lower - upper)` split by `share`, on both sides."""
        moves: dict[int, np.ndarray] = {}
        for side in (False, True):
            for u, w in zip(self.upper_lip, self.lower_lip, strict=True):
                a, b = (self.mirror[u], self.mirror[w]) if side else (u, w)
                if a == b:
                    continue
                gap = lower[b] - upper[a]
                moves[int(a)] = gap * share
                moves[int(b)] = -gap * (1 - share)
        return moves

    def _settle_neutral(self) -> None:
        v = self.vertices
        v = v + self._lip_move(self._meet(v, v))
        self.vertices = self._symmetric(v)
        out = self.vertices.copy()
        near = (self.lid < 7.5) & (self.vertices[:, 0] > 0)
        out[near] = self._outside_eye(out[near], 0.012)
        out[self.mirror[near]] = out[near] * FLIP
        self.vertices = out

    def _meeting(self) -> np.ndarray:
        """Where lips and lids meet; lips may give way at the corners of the mouth [n]."""
        lips = self.contact[self.vertices[self.contact, 0] < CORNER * self.vertices[self.upper_lip[-1], 0]]
        one_side = np.r_[lips, self.lids[MARGIN[0]], self.lids[MARGIN[1]]]
        return np.isin(np.arange(self.count), np.r_[one_side, self.mirror[one_side]])

    def _outside_eye(self, points: np.ndarray, clearance: float) -> np.ndarray:
        arm = points - self.eye_centre
        distance = np.linalg.norm(arm, axis=1)
        wanted = surface_radius(arm, self.eye_radius) + clearance
        return self.eye_centre + arm * (np.maximum(distance, wanted) / distance)[:, None]

    def _all_deltas(self) -> dict[str, np.ndarray]:
        deltas: dict[str, np.ndarray] = {}
        for name, cage in self.p.deltas.items():
            full = name[:-2] + "Left" if name.endswith("_L") else name
            deltas[full] = self.sub.apply(self._with_bag(name, cage))
        deltas["eyeBlinkLeft"] = self._close_lids(deltas["eyeBlinkLeft"])
        for name in ("eyeLookDownLeft", "eyeLookUpLeft", "eyeSquintLeft", "eyeWideLeft", "cheekSquintLeft"):
            deltas[name] = self._clear_eye(deltas[name], 0.012)
        for name in deltas:
            if mirrored_name(name) == name:
                deltas[name] = self._symmetric(deltas[name])
        for name in deltas:
            short = name[:-4] + "_L" if name.endswith("Left") and name not in self.p.aperture else name
            if name.startswith(("mouth", "jaw", "cheek", "nose")) and name != "mouthClose":
                deltas[name] = self._part_lips(deltas[name], self.p.aperture[short])
            if name == "cheekPuff":
                deltas[name] = deltas[name] + self._lip_move(self._meet(deltas[name], deltas[name]))
            deltas[name] = self._sculpted(name, deltas[name])
            if name not in (*PRESSING, *sculpt.SHUT) and not name.startswith(("eye", "brow")):
                deltas[name] = self._uncross(deltas[name])
        deltas["mouthSmileLeft"] += sculpt.SMILING_CHEEK * deltas["cheekSquintLeft"]
        deltas["mouthClose"] = self._seal(deltas["jawOpen"], deltas["mouthClose"])
        deltas["tongueOut"] = TONGUE_OUT_OPENS * deltas["jawOpen"]
        deltas |= sculpt.beyond_arkit(
            deltas, self.vertices, self.vertices[self.contact[len(self.contact) // 2], 0]
        )
        deltas |= sculpt.lids_combined(deltas, self.lid)
        middle = self.vertices[self.contact].mean(axis=0) * (0, 1, 1)
        corner = self.vertices[self.upper_lip[-1]]
        deltas |= sculpt.mouth_combined(deltas, self.vertices, middle, corner, self.unfold.mean)
        for name in list(deltas):
            deltas[name] = without_small(deltas[name], self._exact(name))
            if "*" not in name and name not in ("mouthClose", "mouthStickyLeft"):
                deltas[name] = self.unfold(deltas[name], self.vertices)
            other = mirrored_name(name)
            if other == name:
                deltas[name] = self._symmetric(deltas[name])
            else:
                deltas[other] = deltas[name][self.mirror] * FLIP
        return deltas

    def _exact(self, name: str) -> np.ndarray:
        """1 where a control must stay as it is, so that lips and lids meet, falling to 0 around [n]."""
        lips = smoothstep(1.9, 1.2, self.lip) if not name.startswith(("eye", "brow")) else 0.0
        lids = smoothstep(6.0, 4.0, self.both_lids) if name.startswith(("eye", "cheek")) else 0.0
        return np.maximum(np.zeros(self.count), np.maximum(lips, lids))

    def _with_bag(self, name: str, cage: np.ndarray) -> np.ndarray:
        """Control displacements inside mouth and eye sockets, which are not measured but continue the skin's."""
        p, cage = self.p, cage.copy()
        half = np.arange(len(p.mirror))
        moved = np.zeros_like(cage)
        weight = (1 - np.sin(np.linspace(np.pi / 2, -np.pi / 2, p.mouth.shape[1]))) / 2
        for side in (half, p.mirror):
            for ring, follow, lag in zip(side[p.bag], (0.6, 0.15, 0.0), (1.0, 1.0, 0.8), strict=True):
                moved[ring] = follow * cage[side[p.mouth[0]]]
                if name in ("jawOpen", "jawForward", "jawLeft"):
                    moved[ring] = (weight * lag)[:, None] * jaw_deltas(p.neutral[ring])[name]
            moved[side[p.socket[0]]] = 0.35 * cage[side[p.eye[0]]]
        inner = np.r_[p.bag.ravel(), p.throat, p.socket.ravel(), p.socket_pole]
        inner = np.unique(np.r_[inner, p.mirror[inner]])
        cage[inner] = moved[inner]
        return cage

    def _part_lips(self, delta: np.ndarray, aperture: float) -> np.ndarray:
        """Adds what is missing to the measured `aperture` (parts of the eyes' outer distance) in the middle."""
        width = 2 * self.vertices[self.lids[MARGIN[1]][0], 0]
        missing = aperture * width - delta[self.upper_lip[0], 1] + delta[self.lower_lip[0], 1]
        moves: dict[int, np.ndarray] = {}
        last = len(self.upper_lip) - 1
        for k, (u, w) in enumerate(zip(self.upper_lip[:-1], self.lower_lip[:-1], strict=True)):
            half = np.array([0, missing / 2 * (1 - (k / last) ** 2), 0])
            for a, b in {(u, w), (self.mirror[u], self.mirror[w])}:
                moves[int(a)], moves[int(b)] = half, -half
        return delta + self._lip_move(moves)

    def _sculpted(self, name: str, delta: np.ndarray) -> np.ndarray:
        middle = self.vertices[self.contact].mean(axis=0) * (0, 1, 1)
        delta = sculpt.narrowed(name, self.vertices, delta, middle)
        moves: dict[int, np.ndarray] = {}
        corner = self.vertices[self.upper_lip[-1], 0]
        place = self.vertices[self.upper_lip, 0] / corner
        for side in (False, True):
            upper, lower = (self.mirror[k] if side else k for k in (self.upper_lip, self.lower_lip))
            posed = self.vertices + delta
            towards = sculpt.closing(name, place, posed[upper], posed[lower])
            if towards is None:
                return delta
            for a, b, move in zip(upper, lower, towards, strict=True):
                if a != b:
                    moves[int(a)], moves[int(b)] = move, -move
        return delta + self._lip_move(moves)

    def _uncross(self, delta: np.ndarray) -> np.ndarray:
        """Lips may part but not pass through each other."""
        moves: dict[int, np.ndarray] = {}
        for side in (False, True):
            for u, w in zip(self.upper_lip, self.lower_lip, strict=True):
                a, b = (self.mirror[u], self.mirror[w]) if side else (u, w)
                over = delta[b, 1] - delta[a, 1]
                if a != b and over > 0:
                    moves[int(a)], moves[int(b)] = np.array([0, over / 2, 0]), np.array([0, -over / 2, 0])
        return delta + self._lip_move(moves) if moves else delta

    def _seal(self, opened: np.ndarray, closing: np.ndarray) -> np.ndarray:
        total = opened + closing
        moves = self._meet(total, total)
        last = len(self.upper_lip) - 1
        for k, (u, w) in enumerate(zip(self.upper_lip, self.lower_lip, strict=True)):
            press = np.array([0, SQUEEZE / 2 * (1 - (k / last) ** 2), 0])
            for a, b in {(u, w), (self.mirror[u], self.mirror[w])}:
                if a != b:
                    moves[int(a)] = moves[int(a)] - press
                    moves[int(b)] = moves[int(b)] + press
        return closing + self._lip_move(moves)

    def _close_lids(self, delta: np.ndarray) -> np.ndarray:
        """Upper and lower margin meet on a line, outside the eyeball."""
        posed = self.vertices + delta
        for _ in range(2):
            target = posed.copy()
            for k in MARGIN:
                ring = self.lids[k]
                n = len(ring)
                upper, lower = ring[1 : n // 2], ring[: n // 2 : -1]
                line = 0.3 * posed[upper] + 0.7 * posed[lower]
                target[upper] = target[lower] = self._outside_eye(line, LID_CLEARANCE)
            move = self.lid_spread((target - posed)[self.lid_fixed], self.count)
            posed = posed + move
        return self._clear_eye(posed - self.vertices, LID_CLEARANCE)

    def _clear_eye(self, delta: np.ndarray, clearance: float) -> np.ndarray:
        """Lifts what would dip into the left eyeball at full weight."""
        near = (self.lid < 6.6) & (self.vertices[:, 0] > 0)
        posed = self.vertices + delta
        posed[near] = self._outside_eye(posed[near], clearance)
        return posed - self.vertices

    def head_weight(self, points: np.ndarray) -> np.ndarray:
        """How much points follow the head's rotation: 1 on the head, 0 at the collar."""
        along = points[:, 1] + 0.35 * np.maximum(points[:, 2] - 2, 0)
        return smoothstep(-13.0, -7.3, along)

    def split(self) -> tuple[np.ndarray, np.ndarray]:
        """Faces of the skin with the sockets, and faces of the mouth bag."""
        return self.faces[(self.part == SKIN) | (self.part == SOCKET)], self.faces[self.part == MOUTH]
