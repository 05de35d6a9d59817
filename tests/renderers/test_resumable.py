"""Long videos drawn in parts: the same whether stopped or not, without a seam, with the sound of the whole."""

from __future__ import annotations

import numpy as np
import pytest

import facegen.renderers as renderers
from facegen.config import RenderConfig
from facegen.core.animation import Animation
from facegen.renderers import render_file
from facegen.rig import ARKIT
from tests.helpers.inline_batch import short_sounds


class Counted:
    """Draws plain frames that tell their jaw, and counts them; stops after ``most``."""

    drawn = 0
    most = 10**9

    def frames(self, rig, animation, camera, size, background=None, fine=False):
        for value in animation.values[:, 0]:
            if Counted.drawn >= Counted.most:
                raise KeyboardInterrupt
            Counted.drawn += 1
            yield np.full((size[1], size[0], 3), round(255 * float(value)), np.uint8)


@pytest.fixture
def ramp(monkeypatch):
    class Table:
        def __init__(self, kind):
            self.kind = kind

        def get(self, name):
            return Counted if self.kind == "renderers" else REAL(self.kind).get(name)

        def names(self):
            return REAL(self.kind).names()

    REAL = renderers.Registry
    monkeypatch.setattr(renderers, "Registry", Table)
    monkeypatch.setattr(renderers, "LONG_S", 1.0)
    monkeypatch.setattr(renderers, "PART_S", 0.8)
    monkeypatch.setattr(Counted, "drawn", 0)
    monkeypatch.setattr(Counted, "most", 10**9)
    values = np.zeros((75, 52), np.float32)
    values[:, 0] = np.linspace(0, 1, 75)
    return Animation(25, ARKIT, values, np.zeros((75, 6), np.float32))


def levels(path) -> list[int]:
    import av

    with av.open(str(path)) as video:
        assert [frame.pts * frame.time_base * 25 for frame in video.decode(video=0)] == list(range(75))
        video.seek(0)
        return [int(frame.to_ndarray(format="rgb24").mean()) for frame in video.decode(video=0)]


def test_a_stopped_render_goes_on_and_ends_the_same(ramp, tmp_path, monkeypatch):
    sound = short_sounds(tmp_path, 1, seconds=3.0) / "clip000.wav"
    look = {"size": "64x64", "audio": str(sound)}
    render_file(ramp, tmp_path / "whole.mp4", RenderConfig(**look))
    assert Counted.drawn == 75 and not (tmp_path / "whole.mp4.parts").exists()
    whole = levels(tmp_path / "whole.mp4")
    assert np.abs(np.array(whole) - np.round(255 * ramp.values[:, 0])).max() <= 6  # no frame lost, none twice
    Counted.drawn, Counted.most = 0, 50
    with pytest.raises(KeyboardInterrupt):
        render_file(ramp, tmp_path / "again.mp4", RenderConfig(**look))
    assert not (tmp_path / "again.mp4").exists() and (tmp_path / "again.mp4.parts").is_dir()
    Counted.drawn, Counted.most = 0, 10**9
    render_file(ramp, tmp_path / "again.mp4", RenderConfig(**look, resume=True))
    assert Counted.drawn == 75 - 40  # two parts of 20 were there
    assert (tmp_path / "again.mp4").read_bytes() == (tmp_path / "whole.mp4").read_bytes()
    assert not (tmp_path / "again.mp4.parts").exists()


def test_parts_of_another_render_are_not_used(ramp, tmp_path):
    Counted.most = 50
    with pytest.raises(KeyboardInterrupt):
        render_file(ramp, tmp_path / "a.mp4", RenderConfig(size="64x64"))
    Counted.drawn, Counted.most = 0, 10**9
    render_file(ramp, tmp_path / "a.mp4", RenderConfig(size="64x64", camera="side", resume=True))
    assert Counted.drawn == 75
