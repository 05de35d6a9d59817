"""Sound: every kind of file, exact timing, bounded memory, and one clear line for what can't be read."""

import subprocess
import sys
import time
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import soundfile

from facegen.core.errors import AudioError, FacegenError, UsageError
from facegen.core.units import SAMPLE_RATE_HZ
from facegen.speech.audio import Audio, open_audio, read_audio
from tests.corpus import make_audio


def whole(sound) -> np.ndarray:
    return np.concatenate(list(sound.blocks()))


def lag_seconds(heard: np.ndarray, reference: np.ndarray) -> float:
    """How much later than ``reference`` the same sound comes in ``heard``, both at SAMPLE_RATE_HZ."""
    size = 1 << (len(heard) + len(reference)).bit_length()
    product = np.fft.rfft(heard, size) * np.fft.rfft(reference, size).conj()
    lag = int(np.argmax(np.fft.irfft(product, size)))
    return (lag - size if lag > size // 2 else lag) / SAMPLE_RATE_HZ


@pytest.fixture(scope="module")
def broken(tmp_path_factory):
    return make_audio.build(tmp_path_factory.mktemp("broken"))


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    return make_audio.build_good(tmp_path_factory.mktemp("good"))


def test_broken_files_say_what_is_wrong_and_what_to_do(broken):
    assert len(broken) >= 35
    for case in broken:
        start = float(case.options[1]) if case.options else 0.0
        began = time.perf_counter()
        with pytest.raises(AudioError) as caught:
            whole(open_audio(case.path, start=start))
        error = caught.value
        assert case.says in str(error), (case.name, str(error))
        assert error.exit_code == case.exit_code, case.name
        assert error.path == str(case.path) and error.remedy, case.name
        assert "\n" not in str(error), case.name
        assert time.perf_counter() - began < 5, case.name


def test_odd_files_are_read_with_their_length(good):
    for name, path, seconds, slack in good:
        sound = open_audio(path)
        samples = whole(sound)
        assert abs(sound.duration - seconds) <= slack, name
        assert len(samples) == max(1, round(sound.duration * SAMPLE_RATE_HZ)), name
        assert samples.dtype == np.float32 and np.isfinite(samples).all(), name
        assert sound.name == path.name
        assert sound.estimate == pytest.approx(float(seconds), abs=0.05), name
        if name not in ("silence.flac", "one sample.wav"):
            assert np.abs(samples).max() > 0.02, name


def test_a_sound_can_be_read_again(good):
    for name, path, _, _ in good:
        sound = open_audio(path)
        assert np.array_equal(whole(sound), whole(sound)), name


_KINDS = [(kind, False) for kind in ("wav", "flac", "aiff", "ogg", *make_audio.AV_CODECS)]
_KINDS += [(kind, True) for kind in ("mp4", "mov", "mkv", "webm")]


@pytest.mark.parametrize(("kind", "video"), _KINDS)
def test_sound_is_where_it_was(tmp_path, kind, video):
    samples = make_audio.clicks(48_000, 2.0, (0.05, 0.5, 1.2, 1.9))
    path = tmp_path / f"clicks.{kind}"
    if kind in ("wav", "flac", "aiff", "ogg"):
        soundfile.write(path, samples, 48_000)
    else:
        make_audio.encode(path, samples, 48_000, video=video, seconds=2)
    reference = whole(open_audio(samples, rate=48_000))
    assert abs(lag_seconds(whole(open_audio(path)), reference)) <= 0.002


def test_time_runs_with_the_picture_where_the_sound_starts_late(tmp_path):
    """In a film whose sound starts 0.4 s after the picture, time is the picture's."""
    import av

    samples = make_audio.clicks(48_000, 1.0, (0.2,))
    path = make_audio.encode(tmp_path / "whole.mkv", samples, 48_000, video=True, seconds=2)
    late = tmp_path / "late.mkv"
    with av.open(str(path)) as source, av.open(str(late), "w") as out:
        streams = {s.index: out.add_stream_from_template(s) for s in source.streams}
        for packet in source.demux():
            if packet.dts is None:
                continue
            if packet.stream.type == "audio":
                packet.pts += 400
                packet.dts += 400
            packet.stream = streams[packet.stream.index]
            out.mux(packet)
    heard = whole(open_audio(late))
    reference = whole(open_audio(samples, rate=48_000))
    assert lag_seconds(heard, reference) == pytest.approx(0.4, abs=0.003)
    assert np.abs(heard[: int(0.3 * SAMPLE_RATE_HZ)]).max() == 0


@pytest.mark.parametrize("kind", ["wav", "flac", "ogg", "mp3", "m4a", "opus"])
def test_a_span_is_the_same_part_of_the_whole(tmp_path, kind):
    samples = make_audio.hum(48_000, 4.0)
    path = tmp_path / f"voice.{kind}"
    if kind in ("wav", "flac", "ogg"):
        soundfile.write(path, samples, 48_000)
    else:
        make_audio.encode(path, samples, 48_000)
    part = open_audio(path, start=1.25, duration=1.5)
    heard = whole(part)
    assert part.duration == Fraction(3, 2)
    assert part.estimate == pytest.approx(1.5)
    expected = whole(open_audio(path))[20_000:44_000]
    inside = slice(500, -500)  # the resampler knows nothing beyond the span's ends
    assert np.abs(heard[inside] - expected[inside]).max() < 1e-4


def test_a_span_beyond_the_end_is_cut_there_and_one_after_it_refused(tmp_path):
    path = tmp_path / "voice.mp3"
    make_audio.encode(path, make_audio.hum(48_000, 2.0), 48_000)
    part = open_audio(path, start=1.5, duration=10)
    whole(part)
    assert part.duration == Fraction(1, 2)
    with pytest.raises(AudioError, match=r"start at 3 s is beyond its end at 2\.00 s"):
        whole(open_audio(path, start=3))


@pytest.mark.parametrize("span", [{"start": -1}, {"start": float("nan")}, {"duration": 0}, {"duration": -2}])
def test_a_span_that_is_none_is_a_usage_error(span):
    with pytest.raises(UsageError):
        open_audio(np.zeros(16_000), rate=16_000, **span)


def test_length_is_known_only_after_reading():
    sound = open_audio(np.zeros(44_101, np.int16), rate=44_100)
    with pytest.raises(FacegenError, match="once its blocks have been read"):
        _ = sound.duration
    assert sum(map(len, sound.blocks())) == 16_000
    assert sound.duration == Fraction(44_101, 44_100)


def test_blocks_are_ten_seconds_long():
    lengths = [len(block) for block in open_audio(np.zeros(25 * 44_100, np.int16), rate=44_100).blocks()]
    assert lengths == [160_000, 160_000, 80_000]


@pytest.mark.parametrize(("kind", "low"), [("int8", -128), ("int16", -32768), ("int32", -(2**31))])
def test_integers_are_scaled_exactly(kind, low):
    codes = np.array([0, low // 2, -low // 4, 0], kind)
    assert whole(open_audio(codes, rate=16_000)).tolist() == [0.0, -0.5, 0.25, 0.0]


def test_channels_are_averaged():
    left, right = np.array([0.5, 0.25]), np.array([0.0, 0.75])
    heard = whole(open_audio(np.stack([left, right], axis=1), rate=16_000))
    assert heard.tolist() == [0.25, 0.5]


@pytest.mark.parametrize(
    ("samples", "rate", "error"),
    [
        (np.zeros(100), None, UsageError),
        (np.zeros(100), 16_000.5, UsageError),
        (np.zeros(100), "16000", UsageError),
        (np.zeros(0), 16_000, AudioError),
        (np.zeros((4, 4, 4)), 16_000, AudioError),
        (np.zeros((2, 16_000)), 16_000, AudioError),
        (np.array([0.0, np.nan]), 16_000, AudioError),
        (np.array([0.0, 1e300]), 16_000, AudioError),
        (np.zeros(100, complex), 16_000, AudioError),
        (np.zeros(100, bool), 16_000, AudioError),
        (np.array(["a"]), 16_000, AudioError),
        (np.zeros(100, np.int64), 16_000, AudioError),
        (np.zeros(100), 0, AudioError),
        (np.zeros(100), 400_000, AudioError),
    ],
)
def test_arrays_that_are_no_sound(samples, rate, error):
    with pytest.raises(error) as caught:
        whole(open_audio(samples, rate=rate))
    assert caught.value.remedy


def test_odd_levels_are_noted():
    voice = make_audio.hum(16_000, 2.0)[:, 0]
    loud = voice.copy()
    loud[1000:1200] = 1.0
    pairs = {
        "clipped": loud,
        "silent": np.zeros(16_000),
        "cancel": np.stack([voice, -voice], axis=1),
    }
    for word, samples in pairs.items():
        sound = open_audio(samples, rate=16_000)
        whole(sound)
        assert len(sound.notes) == 1 and word in sound.notes[0]
    clean = open_audio(voice, rate=16_000)
    whole(clean)
    assert clean.notes == ()


def test_a_whole_short_sound(tmp_path):
    path = tmp_path / "voice.flac"
    soundfile.write(path, make_audio.hum(44_100, 1.5), 44_100)
    assert len(read_audio(path).samples) == 24_000
    audio = read_audio(path, 8_000)
    assert (audio.rate, len(audio.samples), audio.seconds) == (8_000, 12_000, 1.5)
    assert np.array_equal(whole(open_audio(read_audio(path))), read_audio(path).samples)


def test_values_check_themselves():
    for bad in (np.zeros((2, 2)), [np.inf], ["a"]):
        with pytest.raises(AudioError):
            Audio(bad, 16_000)
    with pytest.raises(ValueError):
        Audio([0.0], 16_000).samples[0] = 1


def test_a_playlist_with_the_suffix_of_a_film_opens_nothing(tmp_path):
    """FFmpeg would follow a playlist wherever it points; it must not come to that."""
    target = tmp_path / "target.mp3"
    make_audio.encode(target, make_audio.hum(48_000), 48_000)
    for name, text in (
        ("list.mp4", f"ffconcat version 1.0\nfile {target}\n"),
        ("l.mp3", f"#EXTM3U\n{target}\n"),
    ):
        path = tmp_path / name
        path.write_bytes(text.encode() + b"\xff\x00" * 40)
        with pytest.raises(AudioError):
            open_audio(path)


def test_spoilt_headers_never_end_in_a_crash(good, tmp_path, capfd):
    """Whatever bytes are changed: the sound is read, or an AudioError says why not, and nothing is printed."""
    rng = np.random.default_rng(7)
    path = tmp_path / "spoilt"
    for number in range(400):
        content = bytearray(good[number % len(good)].path.read_bytes())
        reach = min(len(content), 400)
        for place in rng.integers(0, reach, rng.integers(1, 12)):
            content[place] = rng.integers(256)
        path.write_bytes(content)
        try:
            whole(open_audio(path))
        except AudioError as error:
            assert error.path == str(path)
    assert capfd.readouterr() == ("", "")


def test_importing_is_cheap():
    code = (
        "import sys, facegen.speech.audio\n"
        "print([m for m in ('av', 'soundfile', 'soxr', 'scipy', 'torch') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# The peak of this process alone: getrusage would count that of the process it was forked from.
_PEAK = """
import re, sys
from facegen.speech.audio import open_audio
sound = open_audio(sys.argv[1])
count = sum(len(block) for block in sound.blocks())
status = open("/proc/self/status").read()
print(count, int(re.search(r"VmHWM:\\s+(\\d+)", status)[1]) // 1024)
"""


def _long_wav(path, seconds: int):
    minute = (make_audio.hum(16_000, 60.0, 2) * 32_767).astype("<i2")
    with soundfile.SoundFile(path, "w", 16_000, 2, "PCM_16") as out:
        for _ in range(seconds // 60):
            out.write(minute)
    return path


@pytest.mark.slow
def test_two_hours_stay_under_200_mb(tmp_path):
    if not Path("/proc/self/status").exists():
        pytest.skip("the peak memory of a process is read from Linux's /proc")
    path = _long_wav(tmp_path / "long.wav", 7200)
    done = subprocess.run(
        [sys.executable, "-c", _PEAK, str(path)], capture_output=True, text=True, check=True
    )
    count, peak_mb = map(int, done.stdout.split())
    assert count == 7200 * SAMPLE_RATE_HZ
    assert peak_mb < 200
