"""How loud the talker is and whether somebody speaks: what both decoders scale and gate the mouth by."""

from __future__ import annotations

import numpy as np

GATE_REACH = 4  # frames on either side over which the speech gate is smoothed
LEVEL_BEHIND = 300  # frames of past speech that set the talker's level
LEVEL_AHEAD = 15  # and frames of coming speech

SPEECH_LOW, SPEECH_HIGH = 0.15, 0.5  # speech probability at which the gate begins to open and is open
SURE_LOW, SURE_HIGH = 0.8, 0.95  # where a frame begins to count as surely speech, and counts whole
CLEAR_LOW, CLEAR_HIGH = (
    0.35,
    0.5,
)  # likewise of its likeliest phone: music passes for speech, but for no one phone
SURE_BEHIND = 35  # frames of past speech in which some must be sure: music and noise seldom are
SURE_LEAST = 0.05  # part of those frames from which the gate begins to open; at twice that it is open
TALK_BEHIND = 200  # frames of the past by which a talker is known: then single words need none of their own
TALK_LEAST = 8  # sure frames among them from which the gate begins to open; at twice as many it is open
FLOOR_DB = -70.0  # quieter than this is silence
BELOW_LEVEL_DB = 40.0  # so much under the talker's level is silence too
BELOW_LEVEL_FADE_DB = 4.0


def level_and_gate(
    posteriors: np.ndarray, energy: np.ndarray, ahead: int = LEVEL_AHEAD
) -> tuple[np.ndarray, np.ndarray]:
    """The talker's level [F] dB, a mean over the past and ``ahead`` coming frames that counts loud speech most, and
    how far the speech gate is open [F] in 0..1, which sees GATE_REACH frames ahead."""
    speech = 1.0 - posteriors[:, 0].astype(np.float64)
    speech[energy < FLOOR_DB] = 0.0
    loud = speech * 10.0 ** (np.maximum(energy, FLOOR_DB).astype(np.float64) / 20)
    before, level = (_mean_level(loud, energy, reach) for reach in (0, ahead))
    open_ = np.clip((speech - SPEECH_LOW) / (SPEECH_HIGH - SPEECH_LOW), 0, 1)
    open_ *= np.clip((energy - before + BELOW_LEVEL_DB) / BELOW_LEVEL_FADE_DB, 0, 1)
    near = windowed(open_, GATE_REACH, GATE_REACH) / (2 * GATE_REACH + 1)
    clear = posteriors[:, 1:].max(axis=1).astype(np.float32)
    sure = np.clip((speech - SURE_LOW) / (SURE_HIGH - SURE_LOW), 0, 1)
    sure *= np.clip((clear - CLEAR_LOW) / (CLEAR_HIGH - CLEAR_LOW), 0, 1)
    now = windowed(sure, SURE_BEHIND, GATE_REACH) / (SURE_BEHIND + GATE_REACH + 1)
    lately = windowed(sure, TALK_BEHIND, GATE_REACH)
    talks = np.maximum((now - SURE_LEAST) / SURE_LEAST, (lately - TALK_LEAST) / TALK_LEAST)
    gate = np.clip(2 * near, 0, 1) * np.clip(talks, 0, 1)
    return level, (gate * gate * (3 - 2 * gate)).astype(np.float32)


def _mean_level(loud: np.ndarray, energy: np.ndarray, ahead: int) -> np.ndarray:
    """Mean of ``energy`` [F] weighed by ``loud`` [F] over the past and ``ahead`` frames, 0 where nothing is loud."""
    weight = windowed(loud, LEVEL_BEHIND - 1, ahead)
    total = windowed(loud * energy, LEVEL_BEHIND - 1, ahead)
    return np.where(weight > 1e-9, total / np.maximum(weight, 1e-9), 0.0)


def windowed(rows: np.ndarray, behind: int, ahead: int) -> np.ndarray:
    """Sums of ``rows`` [F] over the ``behind`` frames before each frame, it, and the ``ahead`` frames after it."""
    padded = np.pad(rows, (behind, ahead))
    return np.convolve(padded, np.ones(behind + ahead + 1), mode="valid")
