"""The service: sounds in, takes out, and what it says to those who ask for too much or come from elsewhere."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from facegen.cli.app import run
from facegen.config import ServeConfig
from facegen.core.errors import OutputError
from facegen.formats import load_take
from tests.helpers.inline_batch import short_sounds
from tests.helpers.processes import INTERRUPTIBLE

pytest.importorskip("starlette")
HERE = "http://127.0.0.1"


@contextmanager
def service(folder: Path, **settings):
    from starlette.testclient import TestClient

    from facegen.jobs.server.app import make_app
    from facegen.jobs.server.job_queue import JobQueue

    config = ServeConfig(**{"workers": 1, **settings})
    desk = JobQueue(str(folder), config)
    try:
        with TestClient(make_app(desk, config), base_url=HERE) as client:
            yield client, desk
    finally:
        desk.close()


@pytest.fixture(scope="module")
def sound(tmp_path_factory) -> bytes:
    return (short_sounds(tmp_path_factory.mktemp("sound"), 1) / "clip000.wav").read_bytes()


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    with service(tmp_path_factory.mktemp("served"), largest=1) as both:
        yield both


def test_a_sound_becomes_a_take(running, sound, tmp_path):
    client, _ = running
    answer = client.post("/v1/animate", params={"emotion": "happy", "no-blink": "1"}, content=sound)
    assert answer.status_code == 200
    (tmp_path / "a.take").write_bytes(answer.content)
    take = load_take(tmp_path / "a.take")
    assert take.frames == 9 and take.config["emotion"] == "happy" and take.config["blink"] is False
    name = answer.headers["x-job"]
    shown = client.get(f"/v1/jobs/{name}").json()
    assert shown["state"] == "done" and client.get(shown["outputs"][0]).content == answer.content
    assert client.delete(f"/v1/jobs/{name}").status_code == 204
    assert client.get(f"/v1/jobs/{name}").status_code == client.get(shown["outputs"][0]).status_code == 404


def test_forms_and_several_formats(running, sound):
    client, _ = running
    files = {"audio": ("a.wav", sound)}
    answer = client.post("/v1/animate?wait=false", files=files, data={"format": "csv,json", "fps": "60"})
    assert answer.status_code == 202
    place = answer.headers["location"]
    for _ in range(200):
        shown = client.get(place).json()
        if shown["state"] != "waiting":
            break
        time.sleep(0.05)
    assert [o.rpartition(".")[2] for o in shown["outputs"]] == ["csv", "json"]
    assert client.get(shown["outputs"][1]).json()["fps"] in (60, "60")


@pytest.mark.parametrize(
    ("query", "body", "status", "says"),
    [
        ("", b"", 400, "no sound"),
        ("", b"no sound at all" * 9, 422, "text"),
        ("emotoin=sad", None, 400, "emotoin"),
        ("emotion=zzz", None, 400, "zzz"),
        ("format=exe", None, 400, "exe"),
        ("seed=x", None, 400, "seed"),
        ("rig=/etc", None, 422, "outside"),
        ("text=/etc/passwd", None, 422, "outside"),
        ("encoder=../../../../etc/passwd", None, 422, "outside"),
        ("", bytes(1200 << 10), 413, "larger"),
        ("output=../../x.csv", None, 200, ""),
    ],
)
def test_what_is_refused(running, sound, query, body, status, says):
    client, desk = running
    before = {p.name for p in desk.uploads.iterdir()}
    answer = client.post(f"/v1/animate?{query}", content=sound if body is None else body)
    assert answer.status_code == status, answer.text
    if status != 200:
        told = answer.json()
        assert says in told["error"] and told["remedy"] and str(desk.folder) not in answer.text
    if says not in ("zzz", "text", ""):  # those are found out by the worker
        assert {p.name for p in desk.uploads.iterdir()} == before


def test_who_is_let_in(tmp_path, sound):
    with service(tmp_path, token="secret") as (client, _):
        assert client.post("/v1/animate", content=sound).status_code == 401
        assert client.get("/metrics", headers={"Authorization": "Bearer wrong"}).status_code == 401
        good = {"Authorization": "Bearer secret"}
        assert client.get("/metrics", headers=good).status_code == 200
        assert client.get("/metrics", headers={**good, "Origin": "http://elsewhere"}).status_code == 403
        assert client.get("/health", headers={"Host": "elsewhere"}).status_code == 400
    assert run(["serve", "-o", str(tmp_path / "x"), "--host", "0.0.0.0"]) == 2


def test_metrics_health_and_description(running):
    client, _ = running
    lines = client.get("/metrics").text.splitlines()
    counters = dict(line.split() for line in lines if not line.startswith("#"))
    assert float(counters["facegen_jobs_done_total"]) >= 1 and client.get("/health").json() == {"ok": True}
    told = client.get("/openapi.json").json()
    names = {p["name"] for p in told["paths"]["/v1/animate"]["post"]["parameters"]}
    assert {"emotion", "fps", "format", "wait", "size"} <= names


def test_jobs_that_wait_are_bounded_and_outlive_a_restart(tmp_path, sound, monkeypatch):
    from facegen.jobs.server.job_queue import JobQueue

    with monkeypatch.context() as patch:
        patch.setattr(JobQueue, "_work", lambda self: None)  # one that never gets to work
        with service(tmp_path, waiting=2) as (client, desk):
            codes = [client.post("/v1/animate?wait=false", content=sound).status_code for _ in range(3)]
            assert codes == [202, 202, 503] and desk.waiting == 2
            with pytest.raises(OutputError, match="in use"):
                JobQueue(str(tmp_path), ServeConfig())
    (tmp_path / ".facegen" / "uploads" / "torn").mkdir()
    with service(tmp_path) as (client, desk):
        for _ in range(400):
            if desk.counts["done"] == 2:
                break
            time.sleep(0.05)
        assert desk.counts["done"] == 2 and len(list(tmp_path.glob("*.take"))) == 2
    with service(tmp_path, keep=0.001) as (client, desk):
        assert len(desk.entries) == 2
        for entry in desk.entries.values():
            entry.since -= 3600
        desk.sweep()
        assert not desk.entries and not list(tmp_path.glob("*.take")) and not list(desk.uploads.iterdir())


@pytest.mark.slow
def test_fifty_clients_at_once(tmp_path, sound):
    """A real server: 50 clients, three sounds each; none fails, its memory stays bounded, Ctrl-C ends it."""
    import httpx
    import psutil

    line = [sys.executable, "-m", "facegen", "serve", "-o", str(tmp_path), "--port", "0", "--waiting", "200"]
    process = subprocess.Popen(
        line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=INTERRUPTIBLE
    )
    assert process.stdout is not None
    address = process.stdout.readline().split()[2]
    codes: list[int] = []

    def client():
        with httpx.Client(timeout=120) as web:
            for _ in range(3):
                codes.append(web.post(f"{address}/v1/animate?format=csv", content=sound).status_code)

    threads = [threading.Thread(target=client) for _ in range(50)]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    memory = psutil.Process(process.pid).memory_info().rss / 2**20
    print(
        json.dumps(
            {"requests": len(codes), "seconds": round(time.monotonic() - began, 1), "mb": round(memory)}
        )
    )
    process.send_signal(signal.SIGINT)
    assert process.wait(10) in (0, 130)
    assert codes == [200] * 150 and memory < 300
