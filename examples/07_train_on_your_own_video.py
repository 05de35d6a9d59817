"""Learn from your own video how your mouth moves, and use it on other speech.

    python examples/07_train_on_your_own_video.py [YOU_TALKING.mp4] [OTHER_SPEECH]

Tracks the face in the video (extra track), solves its sound, and fits a ridge regression from the solved mouth to the
tracked one: which of your controls move, how far and how early. The last third of the video is kept aside to measure the
gain. Without a video it draws one of the built-in head bruno (extra render), so that the lesson learned is bruno's style.
To train the networks that ship instead, with corpora and hours of time, see Training in the documentation.
"""

import subprocess
import sys
from pathlib import Path
from typing import NoReturn

import numpy as np

import facegen

HERE = Path(__file__).resolve().parent
SPEECH = sys.argv[2] if len(sys.argv) > 2 else str(HERE / "hello.flac")
OUT = Path("out")
FPS, MISSING_EXTRA = 25, 6
DELAYS = range(-2, 3)  # frames before and after the one that is predicted
RIDGE = 2.0


def skip(reason: str) -> NoReturn:
    """End without a fault where an extra is missing."""
    print(f"skipped: {reason}")
    sys.exit(0)


def drawn_video() -> Path:
    """A video to try this with: bruno says the sample, with a mouth that moves more than usual."""
    path, speech = OUT / "actor.mp4", HERE / "hello.flac"
    take = facegen.animate(speech, fps=FPS, style="theatrical", emotion="happy:0.4", seed=3)
    facegen.render(take, path, rig="bruno", audio=str(speech), size="480x480")
    return path


def inputs(mouth: np.ndarray) -> np.ndarray:
    """The solved mouth [T, C] with its neighbours in time and a constant, [T, 5 C + 1]."""
    last = len(mouth) - 1
    rows = [mouth[np.clip(np.arange(len(mouth)) + delay, 0, last)] for delay in DELAYS]
    return np.hstack([*rows, np.ones((len(mouth), 1), np.float32)])


def correlation(one: np.ndarray, other: np.ndarray) -> float:
    """The mean over controls that move of their correlation."""
    moving = (one.std(axis=0) > 0.01) & (other.std(axis=0) > 0.01)
    pairs = zip(one.T[moving], other.T[moving], strict=True)
    return float(np.mean([np.corrcoef(a, b)[0, 1] for a, b in pairs]))


def track(video: Path) -> facegen.Animation:
    """The 52 controls of the face in ``video``, by the command of that name."""
    done = subprocess.run(
        [sys.executable, "-m", "facegen", "track", str(video), "-o", str(OUT / "tracked.csv"), "--quiet"],
        stderr=subprocess.PIPE,
        text=True,
    )
    if done.returncode == MISSING_EXTRA:
        skip(done.stderr.strip().splitlines()[-1])
    if done.returncode:
        raise SystemExit(done.stderr)
    return facegen.load(OUT / "tracked.csv")


def main() -> None:
    OUT.mkdir(exist_ok=True)
    try:
        video = Path(sys.argv[1]) if len(sys.argv) > 1 else drawn_video()
    except facegen.FacegenError as error:
        if error.exit_code != MISSING_EXTRA:
            raise
        skip(str(error))
    tracked = track(video).resample(FPS)
    solved = facegen.animate(video, fps=FPS, blink=False, gaze=False, head=False)
    names = [name for name in solved.controls if name.startswith(("jaw", "mouth"))]
    known, true = solved.select(names).values, tracked.select(names).values
    count = min(len(known), len(true))
    known, true, lesson = known[:count], true[:count], count * 2 // 3

    rows = inputs(known)
    square = rows[:lesson].T @ rows[:lesson] + RIDGE * np.eye(rows.shape[1], dtype=np.float32)
    weights = np.linalg.solve(square, rows[:lesson].T @ true[:lesson])
    np.savez(OUT / "my_mouth.npz", names=names, weights=weights)
    before, after = (correlation(x[lesson:], true[lesson:]) for x in (known, rows @ weights))
    print(
        f"{count - lesson} frames kept aside: correlation with the tracked mouth {before:.2f} before, {after:.2f} after"
    )

    speech = facegen.animate(SPEECH, fps=FPS, emotion="neutral")
    values = speech.values.copy()
    at = [speech.controls.index(name) for name in names]
    values[:, at] = np.clip(inputs(values[:, at]) @ weights, 0, 1)
    facegen.Animation(speech.fps, speech.controls, values, speech.head).save(OUT / "my_mouth.csv")
    print(f"wrote {OUT / 'my_mouth.npz'} and {OUT / 'my_mouth.csv'}")


if __name__ == "__main__":
    main()
