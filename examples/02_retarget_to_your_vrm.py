"""Your own avatar speaks: a VRM or GLB with morph targets.

    python examples/02_retarget_to_your_vrm.py [AVATAR.vrm|AVATAR.glb] [SPEECH]

Without an avatar it makes one: the built-in head with its shapes renamed as another tool might spell them. Writes a copy of
the avatar with the animation, a VRM animation for any VRM 1.0 avatar, and curves for the presets of VRM 1.0.
"""

import sys
from pathlib import Path

import pygltflib

import facegen

SPEECH = sys.argv[2] if len(sys.argv) > 2 else str(Path(__file__).with_name("hello.flac"))
OUT = Path("out")


def stand_in() -> Path:
    """An avatar to try this with: a head whose 52 shapes are called Head_jaw_open and the like."""
    path = OUT / "avatar.glb"
    facegen.animate(SPEECH, duration=0.1).save(path)
    model = pygltflib.GLTF2().load(str(path))
    model.animations = []
    for mesh in model.meshes:
        names = (mesh.extras or {}).get("targetNames", [])
        if names:
            mesh.extras["targetNames"] = [spelt(name) for name in names]
    model.save(str(path))
    return path


def spelt(name: str) -> str:
    """jawOpen as Head_jaw_open; the names of corrective shapes (jawOpen_mouthClose) stay."""
    if "_" in name:
        return name
    return "Head_" + "".join("_" + letter.lower() if letter.isupper() else letter for letter in name)


def main() -> None:
    OUT.mkdir(exist_ok=True)
    avatar = Path(sys.argv[1]) if len(sys.argv) > 1 else stand_in()

    # Solved for the avatar's own controls, and written onto a copy of it: its bones and materials stay.
    take = facegen.animate(SPEECH, rig=str(avatar), emotion="happy:0.5")
    talking = OUT / f"talking{avatar.suffix}"
    take.save(talking, rig=str(avatar), audio=SPEECH)
    print(f"{talking}: {len(take)} frames of {len(take.controls)} controls")

    # The same motion for any VRM 1.0 avatar with the 52 "perfect sync" expressions, and for its presets alone.
    curves = facegen.animate(SPEECH, emotion="happy:0.5")
    curves.save(OUT / "hello.vrma")
    presets = facegen.retarget(curves, "vrm1")
    presets.save(OUT / "hello_vrm1.json")
    print("presets of VRM 1.0:", ", ".join(presets.controls))


if __name__ == "__main__":
    main()
