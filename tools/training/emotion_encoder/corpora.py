"""The windows of every corpus that the emotion encoder learns from."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tools.training.emotion_encoder import window_statistics
from tools.training.emotion_encoder.cache import Clips, build


class Corpora:
    """Windows of every corpus."""

    def __init__(self, cache: Path, seed: int) -> None:
        rng = np.random.default_rng(seed)
        clips = {
            name: Clips(build(name, cache, seed))
            for name in (
                "emodb",
                "thorsten-emotional",
                "speechocean762",
                "grid",
                "emogator",
                "noise",
                "prosody",
            )
        }
        self.clips, self.seed = clips, seed
        self.acted = window_statistics.without_level(
            window_statistics.windows(clips["emodb"], window_statistics.EMODB, rng, 1), rng
        )
        self.read = [
            window_statistics.windows(clips[name], None, rng, 0) for name in ("speechocean762", "grid")
        ]
        self.other = window_statistics.windows(clips["thorsten-emotional"], None, rng, 0)
        self.usual = window_statistics.usual_means([self.acted, *self.read])
        self.near = self._near()
        self.resynthesized = window_statistics.windows(
            clips["prosody"], {name: name for name in window_statistics.CLASSES}, rng, 1
        )

    def neutral(self, without: Sequence[str] = ()) -> list[window_statistics.Rows]:
        """Neutral voices of each corpus, acted ones without those talkers."""
        acted = self.acted.take((self.acted.label == "neutral") & ~np.isin(self.acted.speaker, without))
        return [acted, *self.read]

    def _near(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        found = [
            window_statistics.near_windows(self.clips["emogator"], window_statistics.SOUND_OF, False),
            window_statistics.near_windows(self.clips["noise"], window_statistics.SOUND_OF, True),
            *(
                window_statistics.near_windows(self.clips[name], {}, True)
                for name in ("emodb", "speechocean762", "grid")
            ),
        ]
        return tuple(np.concatenate(column) for column in zip(*found, strict=True))  # type: ignore[return-value]
