"""A take of four phones, and what a format makes of it."""

from __future__ import annotations

from facegen.formats import save
from facegen.motion.take import Take
from facegen.speech.phones import Phone, PhoneTrack

PHONES = PhoneTrack(
    (Phone(0.1, 0.25, "HH"), Phone(0.25, 0.3004, "AH"), Phone(0.5, 0.62, "M"), Phone(0.62, 0.7, "B"))
)
TAKE = Take(30, 30, {"name": "a <b> & c.wav", "seconds": "0.98"}, PHONES)


def written(suffix, tmp_path, take=TAKE):
    save(take, tmp_path / f"a{suffix}")
    return (tmp_path / f"a{suffix}").read_text(encoding="utf-8")
