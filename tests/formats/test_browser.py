"""A real browser: three.js plays the models that are written, a page hears the WebSocket stream."""

import threading

import numpy as np
import pytest

from facegen.core.animation import Animation
from facegen.formats import save
from facegen.live.sinks import open_sink
from facegen.rig import ARKIT, load_rig
from tests.helpers.avatars import write_avatar
from tests.helpers.browser import CHROMIUM, MODULES, run_page
from tests.helpers.live_frames import frame

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium: apt-get install chromium")
needs_three = pytest.mark.skipif(
    not (MODULES / "three").is_dir(), reason="no three.js: npm install three, or set FACEGEN_NODE_MODULES"
)


def opening(controls, fps=30, frames=31):
    """The jaw opens and the lids shut in the second half; a little of everything is there all the time."""
    values = np.full((frames, len(controls)), 0.02, np.float32)
    ramp = np.linspace(0, 1, frames) ** 2
    for name in ("jawOpen", "eyeBlinkLeft", "eyeBlinkRight", "aa", "A", "happy", "Joy", "blink", "Blink"):
        if name in controls:
            values[:, controls.index(name)] = ramp
    return Animation(fps, controls, values)


def played(path, animation, **more):
    frames = (0, 11, len(animation) - 1)
    times = ",".join(str(i / float(animation.fps)) for i in frames)
    found = run_page("three.html", {path.name: path}, model=path.name, times=times, **more)
    assert "fault" not in found, found["fault"]
    assert found["seconds"] == pytest.approx((len(animation) - 1) / float(animation.fps), abs=1e-5)
    assert min(found["drawn"]) > 2000
    return found, frames


@needs_three
@pytest.mark.parametrize("suffix", [".glb", ".gltf"])
def test_three_plays_the_head(suffix, tmp_path):
    animation = opening(ARKIT)
    path = tmp_path / f"head{suffix}"
    save(animation, path, rig="aria")
    found, frames = played(path, animation)
    for weights, index in zip(found["weights"], frames, strict=True):
        assert set(ARKIT) <= set(weights)
        for name in ARKIT:
            assert weights[name] == pytest.approx(animation.channel(name)[index], abs=1e-5), name
    assert found["changed"][2] > 300 > 3 * found["changed"][0]


@needs_three
@pytest.mark.parametrize("version", [0, 1])
def test_three_plays_a_vrm(version, tmp_path):
    model = write_avatar(tmp_path / f"model{version}.vrm", load_rig("aria"), version)
    controls = load_rig(model).control_names
    animation = opening(tuple(controls))
    path = tmp_path / "talking.vrm"
    save(animation, path, rig=model)
    found, _ = played(path, animation, side=-1 if version == 0 else 1)
    moved = [n for n in found["weights"][0] if found["weights"][2][n] > found["weights"][0][n] + 0.5]
    assert moved and found["changed"][2] > 100 > found["changed"][0]


def test_a_page_hears_the_stream():
    pytest.importorskip("websockets")
    sink = open_sink("ws://127.0.0.1:0")
    stop = threading.Event()

    def feed():
        index = 0
        while not stop.wait(0.02):
            sink.send(frame(index, "50"))
            index += 1

    threading.Thread(target=feed, daemon=True).start()
    try:
        found = run_page("socket.html", port=sink.port, count=25)
    finally:
        stop.set()
        wishes = sink.messages()
        sink.close()
    assert "fault" not in found
    numbers = [row["frame"] for row in found["frames"]]
    assert numbers == list(range(numbers[0], numbers[0] + 25))
    assert len(found["frames"][0]["controls"]) == 52 and len(found["faults"]) == 1
    assert wishes == [{"emotion": "happy"}]
