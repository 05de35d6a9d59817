"""A photo that speaks.

    python examples/05_portrait.py [PHOTO.jpg] [SPEECH]

Without a photo it takes a picture of the built-in head edith (extra render). Draws a quick draft; leave draft=True out for
the full size with painted lips and lids. Needs the extra portrait.
"""

import sys
from pathlib import Path

import facegen
from facegen.config import PortraitConfig

SPEECH = sys.argv[2] if len(sys.argv) > 2 else str(Path(__file__).with_name("hello.flac"))
OUT = Path("out")
MISSING_EXTRA = 6


def picture() -> str:
    """A face to try this with."""
    rest = facegen.Animation(30, ("jawOpen",), [[0.0]])
    path = OUT / "face.png"
    facegen.render(rest, path, rig="edith", size="512x512", background="#8896a8")
    return str(path)


def main() -> int:
    OUT.mkdir(exist_ok=True)
    try:
        photo = sys.argv[1] if len(sys.argv) > 1 else picture()
        look = PortraitConfig(draft=True)
        facegen.make_portrait(
            SPEECH, photo, OUT / "portrait.mp4", portrait=look, emotion="happy:0.6", duration=2.0
        )
    except facegen.FacegenError as error:
        if error.exit_code != MISSING_EXTRA:
            raise
        print(f"skipped: {error}")
        return 0
    print(f"{OUT / 'portrait.mp4'}: {(OUT / 'portrait.mp4').stat().st_size / 1e3:.0f} kB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
