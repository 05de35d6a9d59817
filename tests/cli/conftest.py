"""What the tests of the commands share."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def clip(tmp_path) -> Path:
    """A second of the recording that ships with the project."""
    import soundfile

    samples, rate = soundfile.read(ROOT / "examples" / "hello.flac")
    soundfile.write(tmp_path / "clip.wav", samples[:rate], rate)
    return tmp_path / "clip.wav"
