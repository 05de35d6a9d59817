"""What the tests share: the data folder, and examples kept small so that the fast tests stay fast."""

from __future__ import annotations

import os

# As in facegen's own processes, and before NumPy is loaded: products have the same bits.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).resolve().parents[1]

settings.register_profile(
    "fast",
    max_examples=40,
    deadline=None,
    derandomize="CI" in os.environ,  # so that what passes there passes again
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("fast")


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The folder of shared recordings (FACEGEN_DATA); the test is skipped where there is none."""
    folder = Path(os.environ.get("FACEGEN_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip("no recordings: set FACEGEN_DATA to the data folder")
    return folder


@pytest.fixture(scope="session")
def sample() -> Path:
    """The recording that ships with the project."""
    return ROOT / "examples" / "hello.flac"
