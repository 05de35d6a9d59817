"""Videos: exact rates, as many frames as drawn, sound in step, the same bytes twice."""

import wave
from fractions import Fraction

import av
import numpy as np
import pytest

from facegen.core.errors import AudioError, OutputError, UsageError
from facegen.renderers.clip import Clip
from facegen.renderers.soundtrack import SOUND_HZ, sound_frames
from facegen.renderers.video import Mov, Mp4, Webm

SIZE = (64, 48)
RATES = [Fraction(24000, 1001), Fraction(25), Fraction(30000, 1001), Fraction(30), Fraction(60)]


def flashes(count: int, at: tuple[int, ...] = ()):
    for number in range(count):
        yield np.full((SIZE[1], SIZE[0], 3), 255 if number in at else 30, np.uint8)


def write_clicks(path, times, seconds=3.0, rate=16_000):
    """A WAV with a short click at each of ``times``, seconds."""
    samples = np.zeros(round(seconds * rate))
    for time in times:
        start = round(time * rate)
        samples[start : start + 80] = 0.9 * np.sin(np.arange(80) * 2 * np.pi * 2000 / rate)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((samples * 32767).astype("<i2").tobytes())
    return path


def heard(path) -> tuple[np.ndarray, float]:
    """Loudness [N] at SOUND_HZ of a video's sound, and the time of its first sample."""
    with av.open(str(path)) as video:
        frames = list(video.decode(audio=0))
    start = float(frames[0].pts * frames[0].time_base)
    return np.abs(np.concatenate([f.to_ndarray() for f in frames], axis=1)).max(axis=0), start


@pytest.mark.parametrize("fps", RATES, ids=str)
@pytest.mark.parametrize("kind", [Mp4, Webm, Mov])
def test_sound_and_picture_stay_in_step(tmp_path, fps, kind):
    count = round(2.5 * fps)
    at = (round(0.5 * fps), round(1.2 * fps), round(2.1 * fps))
    sound = write_clicks(tmp_path / "clicks.wav", [float(n / fps) for n in at])
    path = tmp_path / f"out{kind.suffix}"
    kind().write(path, flashes(count, at), Clip(fps, SIZE, count, str(sound)))

    with av.open(str(path)) as video:
        stream = video.streams.video[0]
        assert abs(float(stream.average_rate / fps) - 1) < 1e-4
        pictures = [(float(f.time), f.to_ndarray(format="gray").mean()) for f in video.decode(video=0)]
    assert len(pictures) == count and pictures[0][0] == pytest.approx(0, abs=1e-3)
    loud, start = heard(path)
    assert len(loud) / SOUND_HZ + start == pytest.approx(float(count / fps), abs=0.025)
    for number in at:
        assert pictures[number][1] > 150
        time = pictures[number][0]
        first = max(0, round((time - 0.1 - start) * SOUND_HZ))
        near = loud[first : first + round(0.2 * SOUND_HZ)]
        click = (first + np.flatnonzero(near > 0.3 * near.max())[0]) / SOUND_HZ + start
        assert near.max() > 0.3 and abs(click - time) < 1 / float(fps)


def test_the_rate_is_exact_in_mp4(tmp_path):
    for fps in RATES:
        path = tmp_path / "rate.mp4"
        Mp4().write(path, flashes(10), Clip(fps, SIZE, 10))
        with av.open(str(path)) as video:
            stream = video.streams.video[0]
            assert stream.average_rate == fps and stream.frames == 10
            assert stream.duration * stream.time_base == 10 / fps
            assert not video.streams.audio


def test_the_same_input_gives_the_same_bytes(tmp_path):
    sound = write_clicks(tmp_path / "clicks.wav", [0.5])
    for kind in (Mp4, Webm, Mov):
        both = []
        for name in ("one", "two"):
            path = tmp_path / f"{name}{kind.suffix}"
            kind().write(path, flashes(20, (3,)), Clip(Fraction(30), SIZE, 20, str(sound)))
            both.append(path.read_bytes())
        assert both[0] == both[1]


def test_sound_has_exactly_the_length_asked_for(tmp_path):
    sound = write_clicks(tmp_path / "clicks.wav", [0.25], seconds=0.5)
    for seconds in (Fraction(1, 10), Fraction(1), Fraction(1001, 3000)):
        blocks = [f.to_ndarray() for f in sound_frames(sound, 0.0, seconds)]
        assert sum(b.shape[1] for b in blocks) == round(seconds * SOUND_HZ)
    tail = np.concatenate([f.to_ndarray() for f in sound_frames(sound, 0.0, Fraction(1))], axis=1)[:, 26_000:]
    assert not tail.any()


def test_sound_may_start_later(tmp_path):
    sound = write_clicks(tmp_path / "clicks.wav", [1.5])
    loud = np.abs(np.concatenate([f.to_ndarray() for f in sound_frames(sound, 1.25, Fraction(1))], axis=1))
    assert np.flatnonzero(loud.max(axis=0) > 0.3)[0] / SOUND_HZ == pytest.approx(0.25, abs=0.005)


@pytest.mark.parametrize("content", [None, b"", b"RIFF no sound at all"])
def test_broken_sound_leaves_no_video(tmp_path, content):
    sound, path = tmp_path / "sound.wav", tmp_path / "out.mp4"
    if content is not None:
        sound.write_bytes(content)
    with pytest.raises(AudioError) as caught:
        Mp4().write(path, flashes(10), Clip(Fraction(30), SIZE, 10, str(sound)))
    assert str(sound) in str(caught.value) and caught.value.remedy
    assert not list(tmp_path.glob("*.mp4")) and not list(tmp_path.glob(".out*"))


def test_a_failing_renderer_leaves_no_video(tmp_path):
    def frames():
        yield from flashes(3)
        raise ValueError("no more")

    with pytest.raises(ValueError, match="no more"):
        Mp4().write(tmp_path / "out.mp4", frames(), Clip(Fraction(30), SIZE, 10))
    assert not list(tmp_path.iterdir())


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(OutputError):
        Mp4().write(tmp_path / "none" / "out.mp4", flashes(3), Clip(Fraction(30), SIZE, 3))


def test_odd_sizes_are_refused(tmp_path):
    with pytest.raises(UsageError, match="even"):
        Mp4().write(tmp_path / "out.mp4", flashes(3), Clip(Fraction(30), (65, 48), 3))


def test_progress_counts_seconds(tmp_path):
    said = []
    clip = Clip(Fraction(25), SIZE, 5, progress=lambda step, seconds, total: said.append((step, seconds)))
    Mp4().write(tmp_path / "out.mp4", flashes(5), clip)
    assert said == [("render", pytest.approx(n / 25)) for n in range(1, 6)]


def test_mov_keeps_transparency(tmp_path):
    pixels = np.zeros((48, 64, 4), np.uint8)
    pixels[:, 32:] = (200, 40, 40, 255)
    path = tmp_path / "out.mov"
    Mov().write(path, iter_of(pixels, 3), Clip(Fraction(30), SIZE, 3, alpha=True))
    with av.open(str(path)) as video:
        frame = next(video.decode(video=0)).to_ndarray(format="rgba")
    assert frame[:, :24, 3].max() < 8 and frame[:, 40:, 3].min() > 247
    assert np.abs(frame[24, 50, :3].astype(int) - (200, 40, 40)).max() < 12


def iter_of(pixels, count):
    for _ in range(count):
        yield pixels


def test_the_layout_of_the_pixels_in_memory_does_not_matter(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (48, 64, 4), np.uint8)
    shown = (pixels[..., :3], pixels[..., :3].copy(), np.asfortranarray(pixels[..., :3]))
    both = []
    for number, array in enumerate((*shown, pixels[:, ::-1][:, ::-1][..., :3])):
        path = tmp_path / f"{number}.mp4"
        Mp4().write(path, iter_of(array, 2), Clip(Fraction(30), SIZE, 2))
        with av.open(str(path)) as video:
            both.append(next(video.decode(video=0)).to_ndarray(format="rgb24"))
    assert all(np.array_equal(both[0], other) for other in both[1:])
