"""Live speech to a web page: frames over a WebSocket, drawn by 40 lines of JavaScript.

    python examples/04_live_to_a_browser.py [SPEECH|mic] [--open]

Streams at the pace of the sound to ws://127.0.0.1:PORT, serves examples/face.html which draws the frames (--open shows it
in a browser), and keeps them in out/live.jsonl. The page's buttons send {"emotion": "happy"} back, which changes the face
at once. Needs the extra stream.
"""

import functools
import http.server
import importlib.util
import socket
import subprocess
import sys
import threading
import webbrowser
from pathlib import Path

HERE = Path(__file__).resolve().parent
OUT = Path("out")
WORDS = [word for word in sys.argv[1:] if word != "--open"]
SPEECH = WORDS[0] if WORDS else str(HERE / "hello.flac")


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def main() -> int:
    if importlib.util.find_spec("websockets") is None:
        print('skipped: the extra stream is missing; run: pip install "facegen[stream]"')
        return 0
    OUT.mkdir(exist_ok=True)
    handler = functools.partial(Quiet, directory=str(HERE))
    pages = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=pages.serve_forever, daemon=True).start()

    port = free_port()
    page = f"http://127.0.0.1:{pages.server_port}/face.html?port={port}"
    print(f"open {page}", flush=True)
    if "--open" in sys.argv:
        webbrowser.open(page)

    command = [sys.executable, "-m", "facegen", "stream", SPEECH, "--to", f"ws://127.0.0.1:{port}"]
    command += ["--to", f"jsonl:{OUT / 'live.jsonl'}", "--latency", "250", "--fps", "60", "--realtime"]
    code = subprocess.run(command).returncode
    frames = len((OUT / "live.jsonl").read_text().splitlines())
    print(f"{frames} frames in {OUT / 'live.jsonl'}")
    return code


if __name__ == "__main__":
    sys.exit(main())
