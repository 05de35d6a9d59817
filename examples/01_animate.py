"""Speech to curves, an editable take, a glTF head and a picture.

    python examples/01_animate.py [SPEECH]

Writes into out/: Live Link Face CSV, the layered take, a head that three.js, Blender or Godot open, and one frame as PNG
(the picture needs the extra render).
"""

import sys
from pathlib import Path

import facegen

SPEECH = sys.argv[1] if len(sys.argv) > 1 else str(Path(__file__).with_name("hello.flac"))
OUT = Path("out")


def main() -> None:
    OUT.mkdir(exist_ok=True)

    # A take keeps its layers (lips, expression, blink, gaze, head ...) for later edits.
    take = facegen.solve(SPEECH, emotion="happy:0.6", fps=60, seed=1)
    print("layers:", ", ".join(layer.name for layer in take.layers))

    # Composed, it is 52 ARKit curves and the pose of the head.
    curves = facegen.compose(take)
    print(f"{len(curves)} frames of {len(curves.controls)} controls at {float(curves.fps):g} frames a second")
    print(f"the jaw opens by {curves.channel('jawOpen').max():.2f} at most")

    # One span again, sadder; every other frame stays as it was, to the bit.
    changed = facegen.edit(take, (1.0, 2.0), emotion="sad:0.7", audio=SPEECH)

    curves.save(OUT / "hello.csv")
    curves.save(OUT / "hello.glb")
    facegen.compose(changed).save(OUT / "hello_edited.csv")

    emotion = facegen.emotion(SPEECH).summary()
    print(f"heard: valence {emotion['valence']:+.2f}, arousal {emotion['arousal']:+.2f}")
    try:
        facegen.render(curves.slice(1.2, 1.3), OUT / "hello.png", rig="aria", size="640x640")
    except facegen.FacegenError as error:
        if error.exit_code != 6:  # 6: an extra is missing
            raise
        print(f"no picture: {error}")
    print("wrote", ", ".join(sorted(path.name for path in OUT.glob("hello*"))))


if __name__ == "__main__":
    main()
