"""A headless Chromium that runs a page of ours and tells what it found."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlencode

HERE = Path(__file__).resolve().parent
MODULES = Path(os.environ.get("FACEGEN_NODE_MODULES", HERE.parents[1] / "node_modules"))
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--use-gl=angle", "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader", "--no-first-run", "--disable-extensions", "--disable-background-networking",
)  # fmt: skip


def run_page(page: str, files: dict[str, Path] | None = None, timeout: float = 120, **query: object) -> dict:
    """What the page ``tests/pages/<page>`` posts to /result. It may fetch ``files`` by name and /modules/…."""
    served = {"page.html": HERE / "pages" / page, **(files or {})}
    found: dict = {}
    done = threading.Event()

    class Handler(SimpleHTTPRequestHandler):
        def translate_path(self, path: str) -> str:
            name = path.split("?")[0].lstrip("/")
            if name.startswith("modules/"):
                return str(MODULES / name.removeprefix("modules/"))
            return str(served.get(name, HERE / "none"))

        def do_POST(self) -> None:
            found.update(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()
            done.set()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(HERE)))
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    address = f"http://127.0.0.1:{server.server_address[1]}/page.html?{urlencode(query)}"
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        command = [str(CHROMIUM), *FLAGS, f"--user-data-dir={profile}", address]
        child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            answered = done.wait(timeout)
        finally:
            child.terminate()
            try:
                child.wait(10)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
            server.shutdown()
            server.server_close()
    assert answered, f"the page {page} did not answer within {timeout} s"
    return found
