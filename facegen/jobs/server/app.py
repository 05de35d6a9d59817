"""The HTTP side of the service: requests to the desk, its answers back."""

from __future__ import annotations

import asyncio
import hmac
import json
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from facegen.config import ServeConfig
from facegen.core.errors import FacegenError, MissingExtraError
from facegen.core.files import remove_tree
from facegen.jobs.server.job_queue import Entry, JobQueue, QueueFull
from facegen.jobs.server.openapi import description
from facegen.jobs.server.uploads import RequestError, Uploads

LOCAL = ("127.0.0.1", "localhost", "::1", "[::1]")
STATUS = {2: 400, 3: 422, 4: 507, 6: 501}
"""Of the exit codes that a command would end with."""
WAIT_SECONDS = 3600.0


def make_app(desk: JobQueue, config: ServeConfig) -> Any:
    """The Starlette application over ``desk``. Raises MissingExtraError without the extra ``serve``."""
    try:
        from starlette.applications import Starlette
        from starlette.middleware import Middleware
        from starlette.middleware.trustedhost import TrustedHostMiddleware
        from starlette.routing import Route
    except ImportError as error:
        raise MissingExtraError("starlette", "serve", "facegen serve") from error

    service = _Service(desk, config)
    routes = [
        Route("/v1/animate", service.animate, methods=["POST"]),
        Route("/v1/jobs/{command}", service.start, methods=["POST"]),
        Route("/v1/jobs/{name}", service.job, methods=["GET"]),
        Route("/v1/jobs/{name}", service.forget, methods=["DELETE"]),
        Route("/v1/jobs/{name}/{file:path}", service.file, methods=["GET"]),
        Route("/openapi.json", service.openapi),
        Route("/metrics", service.metrics),
        Route("/health", service.health),
    ]

    @asynccontextmanager
    async def lifespan(_: Any) -> AsyncIterator[None]:
        yield
        desk.close()

    # A page on the web must not reach a service on its reader's machine by a name of its own.
    hosts = list(LOCAL) if config.host in LOCAL else ["*"]
    guard = [Middleware(TrustedHostMiddleware, allowed_hosts=hosts)]
    return Starlette(
        routes=routes, middleware=guard, lifespan=lifespan, exception_handlers={FacegenError: _answer_error}
    )


async def _answer_error(request: Any, error: Any) -> Any:
    from starlette.responses import JSONResponse

    status = 503 if isinstance(error, QueueFull) else STATUS.get(error.exit_code, 500)
    if getattr(error, "status", None):
        status = error.status
    headers = (
        {"Retry-After": "5"} if status == 503 else {"WWW-Authenticate": "Bearer"} if status == 401 else {}
    )
    return JSONResponse(_told(error), status, headers)


def _told(error: FacegenError) -> dict[str, Any]:
    path = Path(error.path).name if error.path else None  # where it lies here is nobody's business
    return {"error": error.reason, "about": path, "remedy": error.remedy}


class _Service:
    def __init__(self, desk: JobQueue, config: ServeConfig) -> None:
        self.desk, self.config, self.started = desk, config, time.time()

    def _let_in(self, request: Any) -> None:
        if self.config.token is not None:
            given = request.headers.get("authorization", "")
            if not hmac.compare_digest(given.encode(), f"Bearer {self.config.token}".encode()):
                raise RequestError(401, "the token is missing or wrong", "send Authorization: Bearer TOKEN")
        origin = request.headers.get("origin")
        if origin and origin.partition("://")[2] != request.headers.get("host"):
            raise RequestError(403, "comes from another site's page", "call it from a program")

    async def animate(self, request: Any) -> Any:
        return await self._start(request, "animate")

    async def start(self, request: Any) -> Any:
        """Any job: its source is the body (``filename`` tells its format), or the files of a form by their names."""
        return await self._start(request, request.path_params["command"])

    async def _start(self, request: Any, command: str) -> Any:
        from starlette.responses import FileResponse, JSONResponse

        self._let_in(request)
        asked = dict(request.query_params)
        wait = asked.pop("wait", "true").lower() not in ("false", "0", "no")
        uploads = Uploads(command, asked.pop("filename", ""), self.config.largest)
        name, place = self.desk.new_upload()
        try:
            asked |= await uploads.receive(request, place)
            entry = await asyncio.to_thread(self.desk.take, name, command, asked)
        except BaseException:
            remove_tree(place.parent)
            raise
        if wait:
            await self._done(entry)
        if not wait or entry.result is None:
            return JSONResponse(self._shown(name, entry), 202, {"Location": f"/v1/jobs/{name}"})
        if entry.result.fault:
            raise entry.result.fault.error()
        files = list(self.desk.outputs(entry))
        if len(files) > 1:
            return JSONResponse(self._shown(name, entry))
        return FileResponse(files[0][1], filename=files[0][0], headers={"X-Job": name})

    async def _done(self, entry: Entry) -> None:
        """Wait for the end of a job."""
        loop, told = asyncio.get_running_loop(), asyncio.Event()

        def tell() -> None:
            loop.call_soon_threadsafe(told.set)

        entry.tell.append(tell)
        if entry.result is None:
            try:
                await asyncio.wait_for(told.wait(), WAIT_SECONDS)
            except asyncio.TimeoutError:
                return

    def _entry(self, request: Any) -> tuple[str, Entry]:
        self._let_in(request)
        name = request.path_params["name"]
        if name not in self.desk.entries:
            raise RequestError(404, "there is no such job", "it may have been removed")
        return name, self.desk.entries[name]

    async def job(self, request: Any) -> Any:
        from starlette.responses import JSONResponse

        return JSONResponse(self._shown(*self._entry(request)))

    async def file(self, request: Any) -> Any:
        from starlette.responses import FileResponse

        _, entry = self._entry(request)
        files = dict(self.desk.outputs(entry))
        wanted = request.path_params["file"]
        if wanted not in files:
            raise RequestError(404, "the job has no such file", "see its outputs")
        return FileResponse(files[wanted], filename=wanted)

    async def forget(self, request: Any) -> Any:
        from starlette.responses import Response

        name, entry = self._entry(request)
        if entry.result is None:
            raise RequestError(409, "the job has not ended", "try again when it has")
        await asyncio.to_thread(self.desk.forget, name)
        return Response(status_code=204)

    def _shown(self, name: str, entry: Entry) -> dict[str, Any]:
        result = entry.result
        shown: dict[str, Any] = {"id": name, "state": "waiting" if result is None else result.state}
        if result is not None:
            shown |= {
                "outputs": [f"/v1/jobs/{name}/{file}" for file in result.outputs],
                "seconds": result.seconds,
                "frames": result.frames,
                "elapsed": result.elapsed,
                "notes": list(result.notes),
                "error": _told(result.fault.error()) if result.fault else None,
            }
        return shown

    async def openapi(self, request: Any) -> Any:
        from starlette.responses import JSONResponse

        return JSONResponse(description())

    async def health(self, request: Any) -> Any:
        from starlette.responses import JSONResponse

        trouble = self.desk.trouble
        return JSONResponse(
            {"ok": not trouble, **({"error": "can't write"} if trouble else {})}, 503 if trouble else 200
        )

    async def metrics(self, request: Any) -> Any:
        from starlette.responses import PlainTextResponse

        self._let_in(request)
        return PlainTextResponse(_exposition(self._measured()), media_type="text/plain; version=0.0.4")

    def _measured(self) -> dict[str, tuple[str, float]]:
        desk = self.desk
        return {
            **{f"facegen_jobs_{k}_total": ("counter", v) for k, v in desk.counts.items()},
            "facegen_jobs_waiting": ("gauge", desk.waiting),
            "facegen_animation_seconds_total": ("counter", desk.seconds_made),
            "facegen_work_seconds_total": ("counter", desk.seconds_worked),
            "facegen_up_seconds": ("gauge", time.time() - self.started),
        }


def _exposition(values: Mapping[str, tuple[str, float]]) -> str:
    """Prometheus' text format."""
    return "".join(
        f"# TYPE {name} {kind}\n{name} {json.dumps(value)}\n" for name, (kind, value) in values.items()
    )
