"""The ``raster`` renderer: OpenGL 3.3, on a GPU or in software (Mesa), without a window."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from facegen.core.animation import Animation
from facegen.core.errors import MissingExtraError, MissingSystemError
from facegen.renderers.ambient_occlusion import bake_light
from facegen.renderers.camera import Camera
from facegen.renderers.gpu_blendshapes import Bounds, GpuBlendshapes
from facegen.renderers.hair_texture import SIZE, make_streaks
from facegen.renderers.lights import GROUND, LIGHTS, SKY, Environment, light_directions
from facegen.renderers.scene import MAX_MATERIALS, Textured, make_render_scene
from facegen.renderers.shaders import shader
from facegen.renderers.textures import texture_pixels
from facegen.rig import Rig, head_poses

MOUTH_LIGHT = {
    "jawOpen": 1.0,
    "mouthClose": -1.0,
    "mouthFunnel": 0.2,
    "mouthLowerDownLeft": 0.15,
    "mouthLowerDownRight": 0.15,
    "mouthUpperUpLeft": 0.15,
    "mouthUpperUpRight": 0.15,
    "mouthSmileLeft": 0.08,
    "mouthSmileRight": 0.08,
}
"""How much each control lets light into the mouth, as a share of what the open jaw does."""
STREAK_UNIT, TEXTURE_UNIT = 15, 14
FIRST_PASS = ("surface", "textured", "strands")


def open_context() -> Any:
    """A windowless OpenGL 3.3 context: EGL where there is one, else what the platform offers."""
    try:
        import moderngl
    except ImportError as error:
        raise MissingExtraError("moderngl", "render", "rendering") from error
    faults = []
    choices: list[dict[str, Any]] = [{"backend": "egl"}, {}]
    for options in choices:
        try:
            return moderngl.create_context(require=330, standalone=True, **options)
        except Exception as error:
            faults.append(str(error))
    raise MissingSystemError(
        f"no OpenGL 3.3 is available here ({faults[0]})",
        remedy="on Debian or Ubuntu: apt-get install libegl1 libgl1-mesa-dri; on Fedora: dnf install "
        "mesa-libEGL mesa-dri-drivers; elsewhere install the graphics driver",
    )


class OpenGLRenderer:
    """Draws heads with OpenGL, in the studio's light or that of ``surroundings``. Frames depend on the arguments and the
    OpenGL driver alone."""

    takes_surroundings = True

    def __init__(self, surroundings: Environment | None = None) -> None:
        self._light = surroundings

    def frames(
        self,
        rig: Rig,
        animation: Animation,
        camera: Camera,
        size: tuple[int, int],
        background: np.ndarray | None = None,
        fine: bool = False,
    ) -> Iterator[np.ndarray]:
        """Each frame as [H, W, 3] uint8 over ``background`` [H, W, 3] uint8, top row first.

        Without a background: [H, W, 4] with straight alpha. ``fine`` averages four pixels into one, which is
        the rule on a GPU and too slow for videos without one. Raises RigError for a rig without a mesh,
        MissingExtraError and MissingSystemError where OpenGL is missing.
        """
        rig._need_mesh()
        if not len(animation):
            return
        context = open_context()
        try:
            with context:
                times = 2 if fine or not _in_software(context) else 1
                stage = _Stage(context, rig, camera, size, background, times, self._light)
            weights = rig.shape_weights(animation)
            previous = False
            for number, (row, weight, pose) in enumerate(
                zip(_openness(animation), weights, head_poses(rig, animation), strict=True)
            ):
                with context:
                    stage.move(weight, pose)
                # The frame before is fetched only now, so that OpenGL always has work.
                if previous:
                    yield self._fetch(context, stage, background)
                with context:
                    stage.look(camera.at(float(number / animation.fps)))
                    stage.draw(row)
                previous = True
            yield self._fetch(context, stage, background)
        finally:
            context.release()

    def depths(
        self, rig: Rig, animation: Animation, camera: Camera, size: tuple[int, int]
    ) -> Iterator[np.ndarray]:
        """How far in front of the camera what each pixel shows lies, [H, W] float32 cm a frame; infinite where nothing
        is. Raises as ``frames`` does."""
        rig._need_mesh()
        context = open_context()
        try:
            with context:
                stage = _Stage(context, rig, camera, size, None, 1)
            moves = zip(rig.shape_weights(animation), head_poses(rig, animation), strict=True)
            for number, (weight, pose) in enumerate(moves):
                with context:
                    stage.move(weight, pose)
                    stage.look(camera.at(float(number / animation.fps)))
                    depth = stage.depth()
                yield camera.distances(depth)
        finally:
            context.release()

    def _fetch(self, context: Any, stage: _Stage, background: np.ndarray | None) -> np.ndarray:
        with context:
            pixels = stage.read()
        return pixels[..., :3] if background is not None else _straight(pixels)


def _straight(pixels: np.ndarray) -> np.ndarray:
    """Colours divided by the alpha that multiplies them."""
    alpha = pixels[..., 3:].astype(np.float32)
    color = np.divide(
        255.0 * pixels[..., :3], alpha, out=np.zeros(pixels[..., :3].shape, np.float32), where=alpha > 0
    )
    return np.concatenate([np.round(color).astype(np.uint8), pixels[..., 3:]], axis=-1)


def _openness(animation: Animation) -> np.ndarray:
    """How far each frame goes towards the poses of the baked light, [T, 2]: mouth open, lids closed."""
    mouth = animation.select(tuple(MOUTH_LIGHT)).values @ np.array(list(MOUTH_LIGHT.values()), np.float32)
    lids = animation.select(("eyeBlinkLeft", "eyeBlinkRight")).values.mean(axis=1)
    # A narrow gap already lets in much of the light that a wide one does.
    return np.stack([np.sqrt(np.clip(mouth, 0.0, 1.0)), np.clip(lids, 0.0, 1.0)], axis=1).astype(np.float32)


class _Stage:
    """Buffers, programs and render targets of one rendering: surface pass, light pass, edge pass."""

    def __init__(
        self,
        context: Any,
        rig: Rig,
        camera: Camera,
        size: tuple[int, int],
        background: np.ndarray | None,
        times: int,
        light: Environment | None = None,
    ) -> None:
        self._context, self._size, self._times = context, size, times
        self._scene = make_render_scene(rig)
        self._morphs, self._bounds = GpuBlendshapes(context, rig), Bounds(rig)
        self._programs = {}
        for name in FIRST_PASS:
            program = context.program(shader("surface.vert"), fragment_shader=shader(f"{name}.frag"))
            self._programs[name] = program
            self._morphs.connect(program)
        self._screens = {}
        for name in ("light", "mean") if self._times > 1 else ("light", "edges", "smooth"):
            flags = ("SURROUNDINGS",) if light and name == "light" else ()
            program = context.program(shader("screen.vert"), fragment_shader=shader(f"{name}.frag", flags))
            self._programs[name] = program
            self._screens[name] = context.vertex_array(program, [])
        self._programs["textured"]["texture_map"] = TEXTURE_UNIT
        lights = light_directions(camera)
        if light is not None:
            lights[0] = light.key
        self._make_arrays(*bake_light(context, rig, self._scene, lights[0], lights[2]), rig)
        self._make_targets(background)
        self._set_light(lights, light)
        self._set_camera(camera)

    def _make_arrays(self, sky: np.ndarray, lamps: np.ndarray, rig: Rig) -> None:
        context, scene = self._context, self._scene
        attributes = [
            (context.buffer(scene.colors), "4f1", "color"),
            (context.buffer(sky), "4f1", "sky"),
            (context.buffer(lamps), "4f1", "lamps"),
        ]
        self._arrays: dict[str, Any] = {}
        self._textures: list[tuple[Textured, Any]] = []
        textured = [own.number for own in scene.textured]
        for kind in ("solid", "thin", "clear"):
            faces = getattr(scene, kind)
            plain = faces[~np.isin(scene.colors[faces[:, 0], 3], textured)]
            self._add_array(kind, "surface", attributes, plain)
        uvs = rig.mesh.uvs  # type: ignore[union-attr]
        if uvs is None:
            return
        strand = np.column_stack([uvs, scene.strands[scene.colors[:, 3]]]).astype(np.float32)
        attributes.append((context.buffer(strand), "3f", "strand"))
        textures = {name: self._texture(rig, name) for name in {own.texture for own in scene.textured}}
        for own in scene.textured:
            self._textures.append((own, textures[own.texture]))
            for kind in ("solid", "thin"):
                faces = getattr(scene, kind)
                mine = faces[scene.colors[faces[:, 0], 3] == own.number]
                self._add_array(f"{kind}{own.number}", "textured", attributes, mine)
        if len(scene.hair):
            self._add_array("hair", "strands", attributes, scene.hair)
            self._make_streaks()

    def _add_array(self, kind: str, program: str, attributes: list[tuple], faces: np.ndarray) -> None:
        if len(faces):
            index = self._context.buffer(np.ascontiguousarray(faces, np.int32).tobytes())
            self._arrays[kind] = self._context.vertex_array(self._programs[program], attributes, index)

    def _texture(self, rig: Rig, name: str) -> Any:
        pixels = texture_pixels(rig, name)[::-1]
        texture = self._context.texture(pixels.shape[1::-1], 4, np.ascontiguousarray(pixels).tobytes())
        texture.build_mipmaps()
        texture.filter = (self._context.LINEAR_MIPMAP_LINEAR, self._context.LINEAR)
        return texture

    def _make_streaks(self) -> None:
        context, program = self._context, self._programs["strands"]
        streaks = context.texture(SIZE, 1, make_streaks().tobytes())
        streaks.build_mipmaps()
        streaks.filter = (context.LINEAR_MIPMAP_NEAREST, context.LINEAR)
        streaks.use(STREAK_UNIT)
        program["streaks"] = STREAK_UNIT

    def _make_targets(self, background: np.ndarray | None) -> None:
        context, (width, height) = self._context, self._size
        large = (self._times * width, self._times * height)
        behind = np.zeros((height, width, 4), np.uint8)
        if background is not None:
            behind[:] = np.dstack([background, np.full((height, width), 255, np.uint8)])
        surface, shape, picture = (context.texture(large, 4, dtype=d) for d in ("f1", "nu2", "f1"))
        self._depth = depth = context.depth_texture(large)
        self._seen = context.framebuffer([surface, shape], depth)
        self._lit = context.framebuffer([picture], depth)
        self._lit.depth_mask = False
        self._done = context.framebuffer(
            [context.renderbuffer(self._size, 4)], context.depth_renderbuffer(self._size)
        )
        wide = behind.repeat(self._times, axis=0).repeat(self._times, axis=1)
        self._backdrop = context.framebuffer([context.texture(large, 4, wide.tobytes())])
        for unit, texture in enumerate((surface, shape, picture)):
            texture.use(unit)
        for program in self._programs.values():
            for unit, name in enumerate(("surface", "shape", "picture")):
                if name in program:
                    program[name] = unit
        if "mean" in self._programs:
            self._programs["mean"]["times"] = self._times

    def _set_light(self, directions: np.ndarray, light: Environment | None) -> None:
        program = self._programs["light"]
        program["lights"].write(directions.astype("f4").tobytes())
        for name, (_, color) in LIGHTS.items():
            program[f"{name}_color"] = color if light is None else (0.0, 0.0, 0.0)
        if light is None:
            program["sky_color"], program["ground_color"] = SKY, GROUND
            return
        program["key_color"] = tuple(light.color)
        for name in ("soft", "sharp"):
            program[name].write(getattr(light, name).astype("f4").tobytes())

    def _set_camera(self, camera: Camera) -> None:
        aspect = self._size[0] / self._size[1]
        light = self._programs["light"]
        light["layer"] = 1.0
        half = math.tan(math.radians(camera.fov) / 2)
        light["extent"] = (half * aspect, half)
        table = np.zeros((MAX_MATERIALS, 4), np.float32)
        table[: len(self._scene.materials)] = self._scene.materials
        light["materials"].write(table.tobytes())
        self._camera: Camera | None = None
        self.look(camera)

    def look(self, camera: Camera) -> None:
        """Take the next picture from ``camera``; the lamps stay where they are."""
        if camera is self._camera:
            return
        self._camera = camera
        projection = np.diag([1.0, -1.0, 1.0, 1.0]) @ camera.projection(self._size[0] / self._size[1])
        self._projection = projection
        for name in FIRST_PASS:
            self._programs[name]["projection"].write(projection.T.astype("f4").tobytes())
        self._programs["light"]["axes"].write(camera.axes.astype("f4").tobytes())

    def move(self, weights: np.ndarray, pose: np.ndarray) -> None:
        """Bring the head to ``weights`` [C] and the head motion ``pose`` [4, 4]; ``draw`` shows it."""
        self._morphs.move(weights, pose)
        self._corners = self._bounds.corners(weights, pose)

    def draw(self, openness: np.ndarray) -> None:
        for name in FIRST_PASS:
            self._programs[name]["openness"].write(openness.tobytes())
        self._draw_surface()
        context, box = self._context, self._box_around(self._corners)
        context.enable_only(context.DEPTH_TEST)
        context.copy_framebuffer(self._lit, self._backdrop)
        self._lit.use()
        self._lit.scissor = tuple(self._times * n for n in box)
        context.depth_func = ">"  # only where the first pass drew something nearer than the far plane
        self._screens["light"].render(vertices=3)
        self._finish(box)

    def _finish(self, box: tuple[int, int, int, int]) -> None:
        """The lit picture with smooth edges, in the target that ``read`` fetches."""
        context = self._context
        self._done.color_mask, self._done.scissor = (True,) * 4, None
        self._done.use()
        self._done.clear()
        context.depth_func = "<="
        if "mean" in self._screens:
            self._screens["mean"].render(vertices=3)
            return
        context.copy_framebuffer(self._done, self._lit)
        self._done.use()
        self._done.color_mask, self._done.scissor = (False,) * 4, box
        self._screens["edges"].render(vertices=3)
        self._done.color_mask = (True,) * 4
        context.depth_func = "=="  # only where the edge pass left its depth
        self._screens["smooth"].render(vertices=3)

    def _box_around(self, points: np.ndarray) -> tuple[int, int, int, int]:
        """Left, top, width and height in pixels of what the points' hull may cover, and a little more."""
        corners = np.column_stack([points, np.ones(len(points))]) @ self._projection.T
        if (corners[:, 3] <= 0).any():
            return 0, 0, *self._size
        place = (corners[:, :2] / corners[:, 3:] + 1) / 2 * self._size
        first = np.clip(np.floor(place.min(axis=0)) - 2, 0, self._size).astype(int)
        last = np.clip(np.ceil(place.max(axis=0)) + 2, 0, self._size).astype(int)
        return (*first.tolist(), *(last - first).tolist())

    def _draw_surface(self) -> None:
        context = self._context
        self._seen.use()
        self._seen.color_mask = ((True,) * 4, (True,) * 4)
        self._seen.clear(0.0, 0.0, 0.0, 0.0, depth=1.0)
        context.depth_func = "<"
        # The picture is upside down here, which turns the triangles the other way round.
        context.front_face = "cw"
        both, outside = context.DEPTH_TEST, context.DEPTH_TEST | context.CULL_FACE
        for kind, flags in (("thin", both), ("solid", outside), ("hair", both)):
            if kind in self._arrays:
                context.enable_only(flags)
                self._arrays[kind].render()
        self._draw_textured(both, outside)
        if "clear" in self._arrays:
            self._seen.color_mask = ((False,) * 4, (True,) * 4)
            context.enable_only(context.DEPTH_TEST | context.CULL_FACE)
            self._arrays["clear"].render()

    def _draw_textured(self, both: int, outside: int) -> None:
        """Cut-out surfaces last, over what lies just behind them."""
        program = self._programs["textured"]
        for own, texture in sorted(self._textures, key=lambda t: t[0].cutoff > 0):
            texture.use(TEXTURE_UNIT)
            program["tint"], program["cutoff"] = tuple(own.tint / 255.0), own.cutoff
            self._context.depth_func = "<=" if own.cutoff else "<"
            for kind, flags in (("thin", both), ("solid", both if own.cutoff else outside)):
                if array := self._arrays.get(f"{kind}{own.number}"):
                    self._context.enable_only(flags)
                    array.render()
        self._context.depth_func = "<"

    def depth(self) -> np.ndarray:
        """The depth buffer [H, W] of the head as it stands, 0 to 1."""
        self._draw_surface()
        width, height = self._size
        return np.frombuffer(self._depth.read(), np.float32).reshape(height, width)

    def read(self) -> np.ndarray:
        """The picture drawn last, [H, W, 4] uint8, alpha multiplied into the colours."""
        width, height = self._size
        data = self._done.read(components=4)
        return np.frombuffer(data, np.uint8).reshape(height, width, 4)


def _in_software(context: Any) -> bool:
    name = context.info["GL_RENDERER"].lower()
    return any(word in name for word in ("llvmpipe", "softpipe", "swiftshader", "software"))
