"""What the report says of faults of the sound."""

from __future__ import annotations

import numpy as np
import pytest

from facegen.evaluation.report import CheckReport, check
from facegen.evaluation.report.thresholds import FAIL, PASS, WARN
from facegen.speech.audio import Audio, read_audio, resample

RATE = 16_000


@pytest.fixture(scope="module")
def speech(sample) -> np.ndarray:
    return read_audio(sample).samples


def faults(card: CheckReport, *verdicts: str) -> set[str]:
    return {line.name for line in card.lines if line.verdict in (verdicts or (FAIL, WARN))}


def tuned(count: int) -> np.ndarray:
    """Chords with a beat under them, [count]."""
    t = np.arange(count) / RATE
    rng = np.random.default_rng(3)
    music = np.zeros(count)
    for start in np.arange(0, count / RATE, 0.25):
        sounding = np.exp(-1.5 * np.maximum(t - start, 0)) * ((t >= start) & (t < start + 1))
        for pitch in rng.choice([220, 261.6, 329.6, 392, 440, 523], 3):
            music += sounding * sum(np.sin(2 * np.pi * pitch * k * t) / k for k in range(1, 6))
    beat = np.exp(-40 * (t % 0.5)) * rng.standard_normal(count)
    return 0.3 * (music / np.abs(music).max() + 0.5 * beat)


def through(samples: np.ndarray, rate: int) -> np.ndarray:
    """As if recorded at ``rate`` and resampled."""
    low = np.concatenate(list(resample([samples], RATE, rate)))
    return np.concatenate(list(resample([low], rate, RATE)))


def with_gaps(samples: np.ndarray) -> np.ndarray:
    cut = samples.copy()
    for start in (1.9, 4.0, 4.35, 5.05):
        cut[round(start * RATE) :][:640] = 0
    return cut


BROKEN_SOUNDS = {
    "clipping": lambda x: np.clip(3 * x, -1, 1),
    "clipping, then turned down": lambda x: 0.5 * np.clip(3 * x, -1, 1),
    "sound_level": lambda x: 0.003 * x,
    "speech_share": lambda x: 0 * x,
    "not_speech": lambda x: tuned(len(x)),
    "not_speech, half of it": lambda x: np.concatenate([x[: len(x) // 2], tuned(len(x) // 2)]),
    "not_speech, noise": lambda x: 0.1 * np.random.default_rng(1).standard_normal(len(x)),
    "speech_over_noise": lambda x: (
        x + 0.15 * np.random.default_rng(1).standard_normal(len(x)).astype(np.float32)
    ),
    "bandwidth": lambda x: through(x, 8000),
    "dc_offset": lambda x: 0.5 * x + 0.2,
    "dropouts": with_gaps,
}


@pytest.mark.parametrize("fault", BROKEN_SOUNDS)
def test_broken_sound(fault, speech):
    samples = BROKEN_SOUNDS[fault](speech).astype(np.float32)
    line = check(Audio(np.clip(samples, -1, 1), RATE)).line(fault.split(",")[0])
    assert line.verdict == (WARN if fault == "bandwidth" else line.verdict) and line.verdict in (FAIL, WARN)


def test_good_recordings_have_no_fault(data_folder, speech):
    files = sorted((data_folder / "emodb" / "audio").glob("*.opus"))[::90]
    files += sorted((data_folder / "grid-s1" / "clips").glob("*.mp4"))[::300]
    files += sorted(data_folder.glob("speechocean762/**/*.opus"))[::600]
    assert len(files) >= 8
    for file in files:
        assert not faults(check(file), FAIL, WARN), file
    assert not faults(check(Audio(speech, RATE)), FAIL, WARN)


@pytest.mark.parametrize("rate", [8000, 32000])
def test_a_wrong_rate_of_playback(rate, speech):
    assert check(Audio(speech, rate)).line("phone_clarity").verdict == WARN
    assert check(Audio(speech, RATE)).line("phone_clarity").verdict == PASS


def test_where_the_sound_is_missing(speech):
    spans = check(Audio(with_gaps(speech), RATE)).line("dropouts").spans
    assert spans and all(s.end - s.start == pytest.approx(0.04, abs=0.003) for s in spans)
    assert {round(s.start, 2) for s in spans} <= {1.9, 4.0, 4.35, 5.05}


def test_clipping_that_a_codec_has_rounded(speech, tmp_path):
    from tests.corpus.make_audio import encode

    path = encode(tmp_path / "clipped.m4a", np.clip(3 * speech, -1, 1)[:, None], RATE)
    assert check(path).line("near_peak").verdict == WARN


@pytest.mark.parametrize("rate", [8000, 11025, 22050, 44100])
def test_levels_at_any_rate(rate, speech):
    samples = np.concatenate(list(resample([speech], RATE, rate)))
    card = check(Audio(np.clip(2.5 * samples, -1, 1), rate))
    assert card.line("clipping").verdict == FAIL
    assert card.line("sample_rate").verdict == (PASS if rate >= 16000 else WARN)
    quiet = check(Audio(0.5 * samples, rate))
    assert quiet.line("clipping").verdict == PASS and quiet.line("dropouts").verdict == PASS
