"""Networks of the size that audio-driven faces usually run on, beside ours: a wav2vec 2.0 encoder with a transformer
decoder of FaceFormer's shape, random weights (time does not depend on them), built from ``transformers`` configurations.

Each runs in a process of its own over the same seconds of sound, with so many threads; times are of one pass after a
first one. Theirs is the networks' time alone, ours all from sound to curves.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SIZES = {
    "wav2vec2-base": {
        "hidden_size": 768,
        "num_hidden_layers": 12,
        "num_attention_heads": 12,
        "intermediate_size": 3072,
    },
    "wav2vec2-large": {
        "hidden_size": 1024,
        "num_hidden_layers": 24,
        "num_attention_heads": 16,
        "intermediate_size": 4096,
    },
}
PEER = """
import json, resource, sys, time, torch
from transformers import Wav2Vec2Config, Wav2Vec2Model
size, seconds, threads = json.loads(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])
torch.set_num_threads(threads); torch.manual_seed(0)
encoder = Wav2Vec2Model(Wav2Vec2Config(**size)).eval()
layer = torch.nn.TransformerDecoderLayer(64, 4, 128, batch_first=True)
decoder = torch.nn.TransformerDecoder(layer, 1).eval()
to, out = torch.nn.Linear(size["hidden_size"], 64), torch.nn.Linear(64, 52)
sound = torch.randn(1, int(16000 * seconds))
def once():
    with torch.inference_mode():
        memory = to(encoder(sound).last_hidden_state)
        return out(decoder(memory, memory))
once()
wall, cpu = time.perf_counter(), time.process_time()
once()
print(json.dumps({
    "wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu,
    "parameters": sum(p.numel() for m in (encoder, decoder, to, out) for p in m.parameters()),
    "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))
"""
OURS = """
import json, resource, sys, time
sys.path.insert(0, sys.argv[3])
import facegen
facegen.animate(sys.argv[1])
wall, cpu = time.perf_counter(), time.process_time()
facegen.animate(sys.argv[1])
print(json.dumps({"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu,
    "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))
"""


def against(clip: Path, seconds: float, threads: int = 2) -> dict[str, dict[str, float]]:
    """Wall and processor seconds, peak memory (MB) and parameters, by name; ours first."""
    found = {"facegen": _child(OURS, str(clip), str(threads), str(ROOT))}
    for name, size in SIZES.items():
        found[name] = _child(PEER, json.dumps(size), str(seconds), str(threads))
    return found


def _child(code: str, *arguments: str) -> dict[str, float]:
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stderr[-1000:])
    return json.loads(done.stdout.splitlines()[-1])
