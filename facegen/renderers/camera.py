"""Cameras: presets framed on a rig's head, or a file with position, target, up and field of view."""

from __future__ import annotations

import math
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

import numpy as np

from facegen.core.errors import ConfigError, UsageError, nearest
from facegen.core.files import read_json
from facegen.rig import Rig

PRESETS = {
    "front": (0.0, 2.0, 0.8),
    "threequarter": (35.0, 4.0, 0.8),
    "side": (90.0, 2.0, 0.8),
    "closeup": (8.0, 1.0, 1.3),
    "below": (0.0, -18.0, 0.8),
    "turntable": (0.0, 4.0, 0.7),
}
"""Name to azimuth and elevation in degrees, and the share of the picture's height that the head fills; the azimuth
turns towards the character's left, that of the turntable all the time."""
TURN_SECONDS = 8.0
PORTRAIT_FOV = math.degrees(2 * math.atan(12 / 85))
"""Field of view in height of an 85 mm lens on 24 mm film, the usual one for portraits."""

Point = tuple[float, float, float]


@dataclass(frozen=True)
class Camera:
    """Where the picture is taken from: points in cm, ``fov`` the full angle in height, degrees.

    Raises UsageError for what is not finite, looks nowhere or has no angle in 1..170.
    """

    position: Point
    target: Point
    up: Point = (0.0, 1.0, 0.0)
    fov: float = PORTRAIT_FOV

    def __post_init__(self) -> None:
        for name in ("position", "target", "up"):
            point = tuple(float(x) for x in getattr(self, name))
            object.__setattr__(self, name, point)
            if len(point) != 3 or not np.isfinite(point).all():
                raise UsageError(f"the camera's {name} is not three numbers", remedy="give [x, y, z] in cm")
        if not 1.0 <= self.fov <= 170.0:
            raise UsageError(f"the camera's fov {self.fov} is not in 1..170 degrees", remedy="use e.g. 16")
        if np.linalg.norm(np.cross(self._forward, self.up)) < 1e-6:
            raise UsageError(
                "the camera looks along its up direction or nowhere", remedy="move position or up"
            )

    def at(self, seconds: float) -> Camera:
        """The camera so long after the first frame."""
        return self

    def as_seen(self, vertices: np.ndarray, seconds: float) -> np.ndarray:
        """``vertices`` [V, 3] turned so that this camera, standing still, sees what ``at(seconds)`` sees of them."""
        return vertices

    @property
    def _forward(self) -> np.ndarray:
        return np.subtract(self.target, self.position)

    @property
    def axes(self) -> np.ndarray:
        """Rows: unit vectors to the picture's right, its top, and back towards the camera, [3, 3]."""
        back = -self._forward / np.linalg.norm(self._forward)
        right = np.cross(self.up, back)
        right /= np.linalg.norm(right)
        return np.stack([right, np.cross(back, right), back])

    @property
    def reach(self) -> tuple[float, float]:
        """Distances of the near and the far plane in cm."""
        distance = float(np.linalg.norm(self._forward))
        return distance * 0.05, distance * 20.0

    def distances(self, depth: np.ndarray) -> np.ndarray:
        """Distances in cm, float32, that values 0 to 1 of ``projection``'s depth stand for; infinite at the far plane."""
        near, far = self.reach
        found = near * far / (far - depth.astype(np.float64) * (far - near))
        return np.where(depth < 1.0, found, np.inf).astype(np.float32)

    def projection(self, aspect: float) -> np.ndarray:
        """World to clip space [4, 4] for a picture of width/height ``aspect``, +y upwards."""
        view = np.eye(4)
        view[:3, :3] = self.axes
        view[:3, 3] = -self.axes @ np.array(self.position)
        near, far = self.reach
        scale = 1.0 / math.tan(math.radians(self.fov) / 2)
        lens = np.zeros((4, 4))
        lens[0, 0], lens[1, 1] = scale / aspect, scale
        lens[2, 2], lens[2, 3] = (far + near) / (near - far), 2 * far * near / (near - far)
        lens[3, 2] = -1.0
        return lens @ view


@dataclass(frozen=True)
class Turntable(Camera):
    """A camera that goes round its target, ``seconds`` a turn, towards the character's left at first."""

    seconds: float = TURN_SECONDS

    def at(self, seconds: float) -> Camera:
        position = self._turn(seconds) @ np.subtract(self.position, self.target) + self.target
        return Camera(tuple(position.tolist()), self.target, self.up, self.fov)

    def as_seen(self, vertices: np.ndarray, seconds: float) -> np.ndarray:
        return ((vertices - self.target) @ self._turn(seconds) + self.target).astype(np.float32)

    def _turn(self, seconds: float) -> np.ndarray:
        angle = 2 * math.pi * seconds / self.seconds
        c, s = math.cos(angle), math.sin(angle)
        return np.array([[c, 0.0, s], [0.0, 1.0, 0.0], [-s, 0.0, c]])


def camera_for(rig: Rig, name: str | PathLike, size: tuple[int, int]) -> Camera:
    """The preset ``name`` framed on the head of ``rig`` for a picture of ``size``, or the camera in that file.

    Raises UsageError for a name that is neither, ConfigError for a file that holds no camera.
    """
    text = str(name)
    if text in PRESETS:
        camera = _framed(rig, *PRESETS[text], size[0] / size[1])
        return Turntable(camera.position, camera.target) if text == "turntable" else camera
    if not text.lower().endswith(".json") and not Path(text).is_file():
        raise UsageError(f"no camera is called {text!r}", remedy=nearest(text, list(PRESETS)))
    return read_camera(text)


def read_camera(path: str | PathLike) -> Camera:
    """The camera in a JSON file: position, target, and optionally up and fov."""
    try:
        data = read_json(path, limit=2**20, error=ConfigError)
        known = {"position", "target", "up", "fov"}
        if unknown := set(data) - known:
            raise UsageError(f"no camera setting is called {sorted(unknown)[0]!r}")
        places = {k: tuple(map(float, data[k])) for k in ("position", "target", "up") if k in data}
        return Camera(**places, **({"fov": float(data["fov"])} if "fov" in data else {}))  # type: ignore[arg-type]
    except ConfigError:
        raise
    except (ValueError, OverflowError, TypeError, UsageError) as error:
        reason = error.reason if isinstance(error, UsageError) else "is not a camera"
        remedy = 'write {"position": [0, 0, 110], "target": [0, 0, 0], "up": [0, 1, 0], "fov": 16}'
        raise ConfigError(reason, path=path, remedy=remedy) from error


def _framed(rig: Rig, azimuth: float, elevation: float, share: float, aspect: float) -> Camera:
    turn, rise = math.radians(azimuth), math.radians(elevation)
    direction = (math.sin(turn) * math.cos(rise), math.sin(rise), math.cos(turn) * math.cos(rise))
    axes = Camera(direction, (0.0, 0.0, 0.0)).axes
    head = _head(rig) @ axes.T
    low, high = head.min(axis=0), head.max(axis=0)
    width, height, depth = high - low
    wanted = max(height, width / aspect) / share
    # The nearer half of the head looks larger, so a quarter of its depth is added to the distance.
    distance = wanted / 2 / math.tan(math.radians(PORTRAIT_FOV) / 2) + depth / 4
    centre = (low + high) / 2 @ axes
    place = centre + distance * axes[2]
    return Camera(tuple(place.tolist()), tuple(centre.tolist()))  # type: ignore[arg-type]


def _head(rig: Rig) -> np.ndarray:
    """The vertices [N, 3] cm of what turns with the head."""
    rig._need_mesh()
    vertices = rig.mesh.vertices.astype(np.float64)  # type: ignore[union-attr]
    if rig.head_weight is not None and (rig.head_weight > 0.5).any():
        return vertices[rig.head_weight > 0.5]
    return vertices
