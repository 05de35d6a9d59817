"""ICT-FaceKit (USC Institute for Creative Technologies, MIT): as arrays, and as its original folder of OBJ files."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from facegen.core.errors import RigError
from facegen.core.files import read_bytes, read_json
from facegen.formats.rigs.obj import read_model, read_shapes
from facegen.rig.builder import MeshPart, RigBuilder, Shape, build_rig, moved
from facegen.rig.importing import Imported
from facegen.rig.model import head_matrices

LICENCE = "MIT"
CREDIT = "ICT-FaceKit, USC Institute for Creative Technologies"
MAX_BYTES = 512 * 2**20
ARRAYS, LAYOUT, NEUTRAL = "ict_facekit.npz", "layout.json", "generic_neutral_mesh.obj"
PARTS = (
    ("Face", 9409), ("Head and Neck", 11248), ("Mouth socket", 13294), ("Eye socket left", 13678),
    ("Eye socket right", 14062), ("Gums and tongue", 17039), ("Teeth", 21451), ("Eyeball left", 23021),
    ("Eyeball right", 24591), ("Lacrimal fluid left", 24795), ("Lacrimal fluid right", 24999),
    ("Eye blend left", 25023), ("Eye blend right", 25047), ("Eye occlusion left", 25199),
    ("Eye occlusion right", 25351), ("Eyelashes left", 26035), ("Eyelashes right", 26719),
)  # fmt: skip
"""Parts and the vertex that each ends before, as ICT-FaceKit's documentation has them."""
LANDMARKS = {
    "lipUpperInner": 62, "lipLowerInner": 66, "mouthCornerLeft": 54, "mouthCornerRight": 48, "eyeOuterLeft": 45,
    "eyeInnerLeft": 42, "eyeOuterRight": 36, "eyeInnerRight": 39, "noseTip": 30, "noseBase": 33, "chin": 8,
    "lipUpperOuter": 51, "lipLowerOuter": 57,
}  # fmt: skip
"""Our names for some of the 68 facial landmarks (iBUG 300-W)."""
MARKS_68 = (
    1225, 1888, 1052, 367, 1719, 1722, 2199, 1447, 966, 3661, 4390, 3927, 3924, 2608, 3272, 4088, 3443, 268, 493,
    1914, 2044, 1401, 3615, 4240, 4114, 2734, 2509, 978, 4527, 4942, 4857, 1140, 2075, 1147, 4269, 3360, 1507, 1542,
    1537, 1528, 1518, 1511, 3742, 3751, 3756, 3721, 3725, 3732, 5708, 5695, 2081, 0, 4275, 6200, 6213, 6346, 6461,
    5518, 5957, 5841, 5702, 5711, 5533, 6216, 6207, 6470, 5517, 5966,
)  # fmt: skip
GAZE = {"Up": (0.0, -25.0), "Down": (0.0, 30.0), "In": (-30.0, 0.0), "Out": (30.0, 0.0)}
"""Yaw and pitch of the left eye at the end of its looks, degrees."""
EYEBALLS = ("Eyeball left", "Eyeball right")
IRIS, PUPIL = 0.44, 0.17
"""Sines of the angles from the eye's axis at which iris and pupil end."""
SOFT = 0.03
EYE_COLORS = ((222, 216, 210), (86, 62, 44), (8, 8, 8))


def read_arrays(folder: Path, shapes_needed: bool = True) -> Imported:
    """A folder with ``ict_facekit.npz`` and ``layout.json``; lengths are cm."""
    data = _load(folder / ARRAYS)
    layout = read_json(folder / LAYOUT, error=RigError) if (folder / LAYOUT).exists() else {}
    names = [str(n) for n in data["expression_names"]]
    deltas = data["expression_deltas"]
    vertices = np.asarray(data["vertices"], np.float64)
    if deltas.shape != (len(names), *vertices.shape):
        raise RigError(f"has {len(names)} names for displacements of shape {deltas.shape}")
    shapes = {n: moved(d.astype(np.float32)) for n, d in zip(names, deltas, strict=True)}
    spans = [(n, int(r["vertices"][1])) for n, r in layout.get("geometries", {}).items()] or list(PARTS)
    quads, corners = np.asarray(data["faces"], np.int64), np.asarray(data["face_uvs"], np.int64)
    uvs = np.zeros((len(vertices), 2))
    known = quads >= 0
    uvs[quads[known]] = np.asarray(data["uvs"])[corners[known]]
    return _assembled(vertices, _triangles(quads), shapes, spans, uvs, shapes_needed)


def read_folder(folder: Path, shapes_needed: bool = True) -> Imported:
    """The original ``FaceXModel`` folder: ``generic_neutral_mesh.obj`` and an OBJ for each expression; those of
    identities are passed over."""
    model = read_model(folder / NEUTRAL)
    files = [
        f for f in sorted(folder.glob("*.obj")) if f.name != NEUTRAL and not f.stem.startswith("identity")
    ]
    shapes = read_shapes(files, model, 1.0)
    return _assembled(model.vertices, model.faces, shapes, list(PARTS), model.uvs, shapes_needed)


def _load(path: Path) -> dict[str, np.ndarray]:
    """The arrays of an ``.npz`` file, member by member, none of them pickled."""
    import io
    import zipfile

    try:
        with zipfile.ZipFile(io.BytesIO(read_bytes(path, limit=MAX_BYTES, error=RigError))) as packed:
            members = [m for m in packed.infolist() if m.filename.endswith(".npy")]
            if sum(member.file_size for member in members) > MAX_BYTES:
                raise RigError(f"unpacks to more than {MAX_BYTES} bytes", path=path)
            return {
                m.filename.removesuffix(".npy"): np.lib.format.read_array(
                    io.BytesIO(packed.read(m)), allow_pickle=False
                )
                for m in members
            }
    except (zipfile.BadZipFile, ValueError, OSError, EOFError) as error:
        raise RigError(f"is no file of arrays ({error})", path=path, remedy="copy it again") from error


def _triangles(quads: np.ndarray) -> np.ndarray:
    """Faces [F, 4], -1 in the fourth place of a triangle, as triangles."""
    whole = quads[quads[:, 3] >= 0]
    return np.concatenate([quads[:, :3], whole[:, [0, 2, 3]]])


def _assembled(
    vertices: np.ndarray,
    faces: np.ndarray,
    shapes: dict[str, Shape],
    spans: list[tuple[str, int]],
    uvs: np.ndarray | None,
    shapes_needed: bool,
) -> Imported:
    if spans[-1][1] != len(vertices):
        spans = [("Face", len(vertices))]
    pieces, pivots, start = [], {}, 0
    last = faces.max(axis=1)  # a face across a border belongs to the later part, and points back out of it
    for name, end in spans:
        rows = []
        for shape, (index, value) in shapes.items():
            mine = (index >= start) & (index < end)
            rows.append((shape, (index[mine] - start, value[mine])))
        piece = MeshPart(name, vertices[start:end], faces[(last >= start) & (last < end)] - start, rows)
        piece.uvs = None if uvs is None else uvs[start:end]
        if name in EYEBALLS:
            middle, piece.colors = _eye(piece.vertices)
            side = "Left" if "left" in name else "Right"
            pivots["eye" + side] = middle
            _add_turns(piece, middle, side)
        pieces.append(piece)
        start = end
    landmarks = {n: MARKS_68[i] for n, i in LANDMARKS.items()} if len(vertices) == PARTS[-1][1] else {}
    draft = RigBuilder("ict", pieces, pivots=pivots, landmarks=landmarks, licence=LICENCE, credit=CREDIT)
    return build_rig(draft, shapes_needed)


def _add_turns(piece: MeshPart, middle: tuple[float, float, float], side: str) -> None:
    """Gives an eyeball, which ICT-FaceKit turns by code and not by its shapes, the turns of the eyeLook shapes."""
    away = piece.vertices - middle
    own = {f"eyeLook{d}_{side[0]}" for d in GAZE}
    present = {name for name, (index, _) in piece.shapes if len(index)}
    for number, (name, _) in enumerate(piece.shapes):
        if name in own - present:
            yaw, pitch = np.radians(GAZE[name[len("eyeLook") : -len("_L")]])
            turn = head_matrices(np.array([[yaw if side == "Left" else -yaw, pitch, 0.0, 0.0, 0.0, 0.0]]))[0]
            piece.shapes[number] = (name, moved(away @ turn.T - away))


def _eye(vertices: np.ndarray) -> tuple[tuple[float, float, float], np.ndarray]:
    """The middle of an eyeball and its colours: pupil, iris and white, by the angle from its axis."""
    low, high = vertices.min(axis=0), vertices.max(axis=0)
    middle = np.array([(low[0] + high[0]) / 2, (low[1] + high[1]) / 2, low[2] + (high[0] - low[0]) / 2])
    away = vertices - middle
    sine = np.linalg.norm(away[:, :2], axis=1) / (high[0] - low[0]) * 2
    sine[away[:, 2] <= 0] = 1.0
    rings = (PUPIL - SOFT, PUPIL + SOFT, IRIS - SOFT, IRIS + SOFT)
    tones = np.array(EYE_COLORS, float)[[2, 1, 1, 0]]
    colors = np.column_stack([np.interp(sine, rings, tone) for tone in tones.T])
    return tuple(middle.tolist()), np.round(colors).astype(np.uint8)  # type: ignore[return-value]
