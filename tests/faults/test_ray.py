"""Batches in a Ray cluster on this machine: a worker and a whole node are killed, and every job is done once."""

from __future__ import annotations

import pytest

from facegen.config import BatchConfig
from facegen.jobs.batch.run import plan, run_batch
from tests.helpers.inline_batch import contents, run_inline, short_sounds

ray = pytest.importorskip("ray")


@pytest.fixture
def cluster():
    from ray.cluster_utils import Cluster

    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    yield made
    ray.shutdown()
    made.shutdown()


def kill_a_worker() -> bool:
    import psutil

    for process in psutil.process_iter(["cmdline"]):
        if any("ray::_work" in word for word in process.info["cmdline"] or ()):
            process.kill()
            return True
    return False


@pytest.mark.slow
def test_a_killed_worker_and_a_killed_node(cluster, tmp_path, monkeypatch):
    sounds = short_sounds(tmp_path / "in", 12)
    run_inline(monkeypatch, sounds, tmp_path / "wanted")
    monkeypatch.undo()
    node = cluster.add_node(num_cpus=1)
    cluster.wait_for_nodes()
    killed = []

    def disturb(task, result, tally):
        if len(tally.results) >= 2 and not killed and kill_a_worker():
            killed.append("worker")
        if len(tally.results) >= 5 and "node" not in killed:
            killed.append("node")
            cluster.remove_node(node, allow_graceful=False)

    config = BatchConfig(engine="ray", address=cluster.address, retries=5, check=False)
    tally = run_batch(
        plan(str(sounds), str(tmp_path / "out"), config), str(tmp_path / "out"), config, disturb
    )
    assert "node" in killed
    assert tally.count("done") == 12, [r.fault for r in tally.results.values() if r.fault]
    assert contents(tmp_path / "out") == contents(tmp_path / "wanted")


@pytest.mark.slow
def test_outputs_in_a_store(cluster, tmp_path, monkeypatch):
    """What fsspec reaches by a URL, with the journal in a folder of its own."""
    sounds = short_sounds(tmp_path / "in", 2)
    target, settings = f"file://{tmp_path}/store", {"state": str(tmp_path / "state"), "check": False}
    config = BatchConfig(engine="ray", address=cluster.address, **settings)
    assert run_batch(plan(str(sounds), target, config), target, config).count("done") == 2
    assert sorted(contents(tmp_path / "store")) == ["clip000.csv", "clip001.csv"]
    (tmp_path / "store" / "clip001.csv").write_text("edited")
    again = BatchConfig(**settings, resume=True, workers=1)
    tally = run_batch(plan(str(sounds), target, again), target, again)
    assert (tally.count("kept"), tally.count("done")) == (1, 1)
