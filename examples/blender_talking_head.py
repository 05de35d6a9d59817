"""From a sound to a talking head drawn by Blender, all by the add-on's operators.

    python examples/blender_talking_head.py examples/hello.flac -o out --emotion happy:0.6

Run by the Python that has facegen; FACEGEN_BLENDER names a Blender, or a Python with the bpy wheel. Leaves the scene
(``head.blend``), the frames and a video with the sound (``head.mp4``) in the folder ``-o``.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from fractions import Fraction
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("sound")
    parser.add_argument(
        "-o", "--out", type=Path, required=True, help="folder for the scene, frames and video"
    )
    parser.add_argument("--emotion", default="auto")
    parser.add_argument("--head", default="aria")
    parser.add_argument("--size", type=picture_size, default="480x540", help="WIDTHxHEIGHT, both even")
    parser.add_argument("--samples", type=int, default=16, help="Cycles samples a pixel")
    parser.add_argument("--frames", type=int, default=0, help="draw only so many frames")
    asked = parser.parse_args()
    sys.path.insert(0, str(ROOT))
    from facegen.renderers.blender_cycles import find_blender
    from tools.build_addon import build

    asked.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        job = {**vars(asked), "out": str(asked.out.resolve()), "sound": str(Path(asked.sound).resolve()),
               "zip": str(build(Path(folder))), "python": sys.executable}  # fmt: skip
        path = Path(folder) / "job.json"
        path.write_text(json.dumps(job))
        # Settings of its own, so that the user's Blender stays as it is.
        own = {f"BLENDER_USER_{kind}": folder for kind in ("RESOURCES", "CONFIG", "SCRIPTS", "DATAFILES")}
        command = [*find_blender(), __file__]
        words = command if len(command) == 2 else [*command, "--"]
        subprocess.run([*words, "--inside", str(path)], check=True, env={**os.environ, **own})
    video(asked)
    return 0


def picture_size(text: str) -> str:
    """``text`` where it says an even width and height."""
    width, _, height = text.partition("x")
    if not (width.isdecimal() and height.isdecimal()) or int(width) < 16 or int(height) < 16:
        raise argparse.ArgumentTypeError(f"{text} is no size such as 480x540")
    if int(width) % 2 or int(height) % 2:
        raise argparse.ArgumentTypeError(f"{text} has an odd side, which no video may have")
    return text


def video(asked: argparse.Namespace) -> None:
    """Join the frames and the sound."""
    from facegen.renderers.clip import Clip
    from facegen.renderers.images import read_image
    from facegen.renderers.video import Mp4

    frames = sorted((asked.out / "frames").glob("*.png"))
    size = tuple(int(n) for n in asked.size.split("x"))
    clip = Clip(Fraction(30), size, len(frames), asked.sound)  # type: ignore[arg-type]
    Mp4().write(asked.out / "head.mp4", (read_image(f) for f in frames), clip)


def inside(job: dict) -> None:
    """What Blender does: install the add-on, import a head, animate it, draw it."""
    import bpy

    bpy.ops.wm.read_factory_settings(use_empty=True)
    if bpy.app.version >= (4, 2):
        bpy.ops.extensions.package_install_files(
            filepath=job["zip"], repo="user_default", enable_on_install=True
        )
        addon = "bl_ext.user_default.facegen"
    else:
        bpy.ops.preferences.addon_install(filepath=job["zip"])
        bpy.ops.preferences.addon_enable(module="facegen_addon")
        addon = "facegen_addon"
    chosen = bpy.context.preferences.addons[addon].preferences
    chosen.python, chosen.folder = job["python"], job["out"]

    scene = bpy.context.scene
    scene.render.fps = 30
    bpy.ops.facegen.import_rig(name=job["head"])
    head = bpy.context.view_layer.objects.active
    bpy.ops.facegen.animate(
        filepath=job["sound"], targets=head.name, emotion=job["emotion"], reduce=0.003, add_sound=True
    )
    scene.frame_end = int(head.data.shape_keys.animation_data.action.frame_range[1])
    light(scene)
    bpy.ops.wm.save_as_mainfile(filepath=str(Path(job["out"]) / "head.blend"))
    if job["frames"]:
        scene.frame_end = min(scene.frame_end, job["frames"])
    render = scene.render
    render.resolution_x, render.resolution_y = (int(n) for n in job["size"].split("x"))
    render.engine, scene.cycles.samples, scene.cycles.device = "CYCLES", job["samples"], "CPU"
    scene.cycles.use_denoising = False
    render.image_settings.file_format = "PNG"
    render.filepath = str(Path(job["out"]) / "frames" / "frame")
    bpy.ops.render.render(animation=True)


def light(scene) -> None:
    """A camera before the face, a key light, a fill and a grey world."""
    import bpy

    def put(name: str, data, place, turn):
        thing = bpy.data.objects.new(name, data)
        thing.location, thing.rotation_euler = place, turn
        scene.collection.objects.link(thing)
        return thing

    camera = bpy.data.cameras.new("Camera")
    camera.lens = 85
    scene.camera = put("Camera", camera, (0, -1.05, 0.02), (1.5708, 0, 0))
    for name, power, place, turn in (
        ("Key", 9, (-0.5, -0.7, 0.5), (1.0, 0, -0.6)),
        ("Fill", 3, (0.7, -0.6, 0.1), (1.4, 0, 0.85)),
    ):
        lamp = bpy.data.lights.new(name, "AREA")
        lamp.energy, lamp.size = power, 0.5
        put(name, lamp, place, turn)
    scene.world = scene.world or bpy.data.worlds.new("World")
    scene.world.color = (0.05, 0.05, 0.06)


if __name__ == "__main__":
    if "--inside" in sys.argv:
        inside(json.loads(Path(sys.argv[-1]).read_text()))
    else:
        raise SystemExit(main())
