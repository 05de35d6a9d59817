"""Sinks of live frames, each heard by a receiver that knows only the format."""

import json
import socket
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from facegen.core.errors import OutputError, UsageError
from facegen.live.sinks import open_sink
from facegen.rig import ARKIT
from tests.helpers.live_frames import HEAD, VALUES, frame
from tests.helpers.receivers import CSV_ORDER, Datagrams, read_ifacialmocap, read_live_link, read_osc

GOLDENS = Path(__file__).parents[1] / "goldens"


def named(values=VALUES):
    return dict(zip(ARKIT, values.tolist(), strict=True))


def arkit(name):
    return name[0].lower() + name[1:]


def test_live_link_packets_read_back():
    with Datagrams() as receiver:
        sink = open_sink(f"livelink://127.0.0.1:{receiver.port}?subject=Zoë")
        sink.send(frame())
        packet = read_live_link(receiver.get())
        sink.close()
    assert packet.subject == "Zoë" and len(packet.device) == 36
    assert (packet.frame, packet.sub_frame, packet.rate) == (7, 0.0, (30000, 1001))
    for name in CSV_ORDER[:52]:
        assert packet.values[name] == named()[arkit(name)], name
    assert [packet.values[n] for n in ("HeadYaw", "HeadPitch", "HeadRoll")] == HEAD[:3].tolist()
    inward = named()["eyeLookInLeft"] - named()["eyeLookOutLeft"]
    assert packet.values["LeftEyeYaw"] == pytest.approx(0.6 * inward, abs=1e-6)


def test_live_link_can_give_angles_as_unreal_does():
    with Datagrams() as receiver:
        sink = open_sink(f"livelink://127.0.0.1:{receiver.port}?angles=half-turns")
        sink.send(frame())
        packet = read_live_link(receiver.get())
        sink.close()
    assert packet.values["HeadYaw"] == pytest.approx(np.degrees(0.25) / 180, abs=1e-6)


def sent_by(scheme, count=1):
    with Datagrams() as receiver:
        sink = open_sink(f"{scheme}://127.0.0.1:{receiver.port}")
        for index in range(count):
            sink.send(frame(7 + index))
        sink.close()
        return receiver.all()


@pytest.mark.parametrize("scheme", ["livelink", "vmc"])
def test_packets_are_the_goldens(scheme):
    if scheme == "vmc":
        pytest.importorskip("pythonosc")
    assert b"".join(sent_by(scheme)).hex() == (GOLDENS / f"{scheme}.hex").read_text().strip()


def test_vmc_bundles_fit_one_ethernet_frame_and_end_with_apply():
    pytest.importorskip("pythonosc")
    packets = sent_by("vmc")
    assert len(packets) >= 2 and max(map(len, packets)) <= 1472
    messages = [message for packet in packets for message in read_osc(packet)]
    assert messages[-1] == ("/VMC/Ext/Blend/Apply", [])
    assert [m[0] for m in messages].count("/VMC/Ext/Blend/Apply") == 1
    shapes = {v[0]: v[1] for a, v in messages if a == "/VMC/Ext/Blend/Val"}
    assert {arkit(n): v for n, v in shapes.items()} == named() and "JawOpen" in shapes
    bones = {v[0]: v[1:] for a, v in messages if a == "/VMC/Ext/Bone/Pos"}
    assert set(bones) == {"Head", "LeftEye", "RightEye"}
    assert bones["Head"][:3] == pytest.approx([-0.01, -0.02, 0.04])  # Unity's x is mirrored
    x, y, z, w = bones["Head"][3:]
    assert x * x + y * y + z * z + w * w == pytest.approx(1, abs=1e-6)
    assert y < 0  # a turn to the character's own left is one about Unity's -y


def test_vmc_is_heard_by_python_osc():
    pytest.importorskip("pythonosc")
    from pythonosc.dispatcher import Dispatcher
    from pythonosc.osc_server import ThreadingOSCUDPServer

    heard, applied = {}, threading.Event()
    dispatcher = Dispatcher()
    dispatcher.map("/VMC/Ext/Blend/Val", lambda _, name, value: heard.__setitem__(name, value))
    dispatcher.map("/VMC/Ext/Blend/Apply", lambda *_: applied.set())
    server = ThreadingOSCUDPServer(("127.0.0.1", 0), dispatcher)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    sink = open_sink(f"vmc://127.0.0.1:{server.server_address[1]}?shapes=vrm0")
    values = VALUES * 0
    values[ARKIT.index("jawOpen")] = 0.8
    values[ARKIT.index("eyeBlinkLeft")] = values[ARKIT.index("eyeBlinkRight")] = 1
    sink.send(frame(values=values))
    assert applied.wait(5)
    time.sleep(0.1)  # each message has a thread of its own
    server.shutdown()
    server.server_close()
    sink.close()
    assert {"A", "I", "U", "E", "O", "Joy", "Blink_L", "Blink_R"} <= set(heard)
    assert heard["A"] > 0.3 and max(heard["Blink"], heard["Blink_L"]) > 0.5


@pytest.mark.parametrize(("more", "separator"), [("", "-"), ("|sendDataVersion=v2", "&")])
def test_ifacialmocap_sends_once_it_is_asked(more, separator):
    with Datagrams() as receiver:
        free = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        sink = open_sink(f"ifacialmocap://127.0.0.1:{port}")
        sink.send(frame())
        receiver.socket.sendto(b"hello?", ("127.0.0.1", port))
        sink.send(frame())
        assert receiver.all(0.1) == []
        hello = "iFacialMocap_sahuasouryya9218sauhuiayeta91555dy3719" + more
        receiver.socket.sendto(hello.encode(), ("127.0.0.1", port))
        receiver.socket.settimeout(5)
        for _ in range(50):
            sink.send(frame())
            time.sleep(0.002)
        shapes, bones = read_ifacialmocap(receiver.get().decode(), separator)
        sink.close()
    assert len(shapes) == 52 and shapes["mouthSmile_R"] == round(100 * named()["mouthSmileRight"])
    assert {"jawLeft", "mouthRight", "browInnerUp", "eyeBlink_L"} <= set(shapes)
    assert set(bones) == {"head", "rightEye", "leftEye"} and len(bones["head"]) == 6
    assert bones["head"][:3] == pytest.approx(np.degrees([-0.125, 0.25, 0.0625]), abs=1e-3)


def test_lines_are_json(tmp_path, capsys):
    path = tmp_path / "a.jsonl"
    for address in (f"jsonl:{path}", "jsonl:-"):
        sink = open_sink(address)
        sink.send(frame())
        sink.send(frame(8, head=None))
        sink.close()
    lines = path.read_text("utf-8").splitlines()
    assert lines == capsys.readouterr().out.splitlines()
    first, second = map(json.loads, lines)
    assert first["controls"] == pytest.approx(named(), abs=1e-6) and first["head"] == HEAD.tolist()
    assert first["time"] == pytest.approx(7 * 1001 / 30000, abs=1e-6) and second["head"] is None


def test_websocket_sends_frames_hears_wishes_and_answers_nonsense():
    pytest.importorskip("websockets")
    from websockets.sync.client import connect

    sink = open_sink("ws://127.0.0.1:0")
    sink.send(frame())  # nobody listens yet
    with connect(f"ws://127.0.0.1:{sink.port}") as client:
        for text in ("{not json", "[1]", '{"shoe": 1}', '{"emotion": "happy:0.6"}'):
            client.send(text)
        faults = [json.loads(client.recv(timeout=5))["error"] for _ in range(3)]
        assert "no JSON" in faults[0] and "emotion" in faults[1]
        wishes = []
        for _ in range(100):
            wishes += sink.messages()
            time.sleep(0.01)
            if wishes:
                break
        assert wishes == [{"emotion": "happy:0.6"}]
        sink.send(frame())
        assert json.loads(client.recv(timeout=5))["controls"] == pytest.approx(named(), abs=1e-6)
        began = time.monotonic()
        sink.close()
        assert time.monotonic() - began < 2
    assert not sink.notes()


def test_a_client_that_does_not_read_holds_nothing_up():
    pytest.importorskip("websockets")
    sink = open_sink("ws://127.0.0.1:0")
    slow = socket.create_connection(("127.0.0.1", sink.port))
    slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    slow.sendall(
        b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    assert b"101" in slow.recv(1024)
    while not sink.met:  # the server counts a client after it has answered it
        time.sleep(0.01)
    began = time.monotonic()
    for index in range(6000):
        sink.send(frame(index))
    sent = time.monotonic() - began
    deadline = time.monotonic() + 30
    while not sink.missed and time.monotonic() < deadline:
        time.sleep(0.01)
    assert sink.missed > 100 and sent < 30
    slow.close()
    sink.close()
    assert "slow clients" in sink.notes()[0]


@pytest.mark.parametrize("scheme", ["ws", "ifacialmocap"])
def test_a_port_in_use_is_named(scheme):
    if scheme == "ws":
        pytest.importorskip("websockets")
    kind = socket.SOCK_STREAM if scheme == "ws" else socket.SOCK_DGRAM
    with socket.socket(socket.AF_INET, kind) as taken:
        taken.bind(("127.0.0.1", 0))
        if scheme == "ws":
            taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(OutputError, match=f"port {port} is in use") as caught:
            open_sink(f"{scheme}://127.0.0.1:{port}")
    assert caught.value.exit_code == 4


def test_a_receiver_may_come_and_go():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    sink = open_sink(f"livelink://127.0.0.1:{port}")
    for index in range(20):
        sink.send(frame(index))
        time.sleep(0.001)
    assert "nobody was listening" in sink.notes()[0]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as late:
        late.bind(("127.0.0.1", port))
        late.settimeout(5)
        sink.send(frame(20))
        sink.send(frame(21))
        assert read_live_link(late.recv(2048)).frame in (20, 21)
    sink.close()


@pytest.mark.parametrize(
    "address",
    ["", "livelink", "udp://a:1", "livelink://a:99999", "vmc://a?shape=x", "vmc://a?bones=maybe", "jsonl"],
)
def test_addresses_that_are_none(address):
    with pytest.raises(UsageError) as caught:
        open_sink(address)
    assert caught.value.remedy


def test_hosts_and_subjects_that_are_none():
    with pytest.raises(OutputError, match="is not known"):
        open_sink("livelink://no.such.host.invalid")
    with pytest.raises(UsageError, match="subject"):
        open_sink("livelink://127.0.0.1?subject=" + "x" * 300)
