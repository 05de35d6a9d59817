"""The bench's own parts: stages are named and timed, rows are kept for JSON."""

from __future__ import annotations

import math

import pytest


def test_stages_add_up(tmp_path, monkeypatch):
    monkeypatch.setenv("FACEGEN_THREADS", "1")
    from tests.helpers.inline_batch import short_sounds
    from tools.benchmarks.stages import stage_times

    clip = short_sounds(tmp_path, 1, seconds=2.0) / "clip000.wav"
    times = stage_times(clip, tmp_path)
    parts = ("log-mel", "pitch and loudness", "phone network")
    assert 0 < sum(times[name] for name in parts) < 1.5 * times["sound to take, all of it"] + 0.1
    assert {"write .csv", "write .glb", "compose"} <= set(times)


def test_rows_are_kept(capsys):
    from tools.benchmarks import bench

    bench.row("speed", "2 x", ">= 1 x")
    assert bench.ROWS[-1] == {"what": "speed", "measured": "2 x", "goal": ">= 1 x"}
    assert "| speed | 2 x | >= 1 x |" in capsys.readouterr().out


def test_a_cluster_is_simulated():
    from argparse import Namespace

    from tools.benchmarks import simulate_cluster

    options = Namespace(cores=4, disk=1000.0, hours_between_failures=1e9)
    service = simulate_cluster.Service(work=1.0, driver=0.0001, start=1.0, megabytes=0.1)
    one, ten = (simulate_cluster.simulate(service, 4000, nodes, options) for nodes in (1, 10))
    assert 1000 < one.seconds < 1100 and 8 < one.seconds / ten.seconds < 11  # bound by cores
    service = simulate_cluster.Service(work=1.0, driver=0.0001, start=1.0, megabytes=500.0)
    assert 2000 < simulate_cluster.simulate(service, 4000, 10, options).seconds < 2100  # bound by the store
    service = simulate_cluster.Service(work=0.1, driver=0.5, start=1.0, megabytes=0.1)
    assert 2000 < simulate_cluster.simulate(service, 4000, 10, options).seconds < 2100  # bound by the driver


def test_a_stream_is_measured_from_the_last_block_that_a_frame_covers():
    """Blocks each 20 ms; frames of 30 fps that come 7 ms beyond the latency, but for one that is 90 ms late and one lost."""
    from argparse import Namespace

    from tools.benchmarks.stream_latency import BLOCK_S, summary

    written = [10 + BLOCK_S * (n + 1) for n in range(1000)]
    came = []
    for frame in range(600):
        block = math.ceil((frame + 1) / 30 / BLOCK_S - 1e-9) - 1
        late = 0.097 if frame == 300 else 0.007
        if frame != 400:
            came.append((frame, written[block] + 0.2 + late))
    options = Namespace(fps=30, latency=200.0, minutes=1 / 3)
    found = summary(came, written, [100.0, 101.0], options, 20.0, 3.0)
    assert (found["lost"], found["frames"]) == (1, 599)
    assert found["p50_ms"] == 7.0 and found["max_ms"] == 97.0 and found["drift_ms"] == 0.0
    assert found["cpu_s_per_s"] == 0.15
    assert found["histogram"]["5..10"] == 448 and found["histogram"]["95..100"] == 1


def test_trees_take_turns_and_medians_are_compared(tmp_path):
    """Of five runs, one of which was disturbed: the median; the tree that begins changes."""
    from tools.benchmarks.against import MEASURES, turn_about

    walls = {"other": iter([2.0, 2.0, 9.0, 2.0, 2.0]), "this": iter([1.0, 1.0, 1.0, 7.0, 1.0])}
    ran = []

    def timed(name, at):
        ran.append((name, at))
        return {"wall": next(walls[name]), "cpu": 1.0, "peak_mb": 100.0}

    trees = {"other": tmp_path / "a", "this": tmp_path / "b"}
    found = turn_about(lambda tree: (tree,), trees, timed, 5)
    assert [found[name]["wall"] for name in trees] == [2.0, 1.0] and set(found["this"]) == set(MEASURES)
    assert [name for name, _ in ran[:4]] == ["other", "this", "this", "other"]
    assert all(at == trees[name] for name, at in ran)


def test_a_commit_is_checked_out_and_removed(tmp_path):
    import subprocess

    from tools.benchmarks.against import checkout

    def git(*words):
        return subprocess.run(
            ["git", *words], cwd=tmp_path / "repo", check=True, capture_output=True, text=True
        )

    (tmp_path / "repo").mkdir()
    git("init", "-q")
    (tmp_path / "repo" / "a.txt").write_text("first")
    git("add", "-A")
    git("-c", "user.name=a", "-c", "user.email=a@example.org", "commit", "-qm", "first")
    (tmp_path / "repo" / "a.txt").write_text("second")
    with checkout("HEAD", tmp_path, tmp_path / "repo") as place:
        assert (place / "a.txt").read_text() == "first"
    assert not place.exists() and git("worktree", "list").stdout.count("\n") == 1
    with (
        pytest.raises(SystemExit, match="no-such-commit"),
        checkout("no-such-commit", tmp_path, tmp_path / "repo"),
    ):
        pass


def test_every_task_names_its_own_output(tmp_path):
    from tools.benchmarks.against import tasks

    made = tasks({seconds: tmp_path / f"{seconds}.wav" for seconds in (5, 60, 600)}, tmp_path)
    assert len(made) == 7
    for command in list(made.values())[2:]:
        assert command("other")[-1] != command("this")[-1]
