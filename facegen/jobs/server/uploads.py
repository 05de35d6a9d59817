"""Files that come with a request: written as they arrive, held to a size, under names of ours."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from facegen.core.errors import FacegenError
from facegen.core.files import atomic_path
from facegen.jobs import load_job
from facegen.jobs.settings import known_fields

MOST_FILES = 8
CHUNK_BYTES = 1 << 16


class RequestError(FacegenError):
    """A request that is not let in, with its HTTP status."""

    def __init__(self, status: int, reason: str, remedy: str) -> None:
        super().__init__(reason, remedy=remedy)
        self.status = status


class Uploads:
    """The files that a request for ``command`` may bring, each of ``largest`` MB at most.

    ``filename`` is what the client calls the file in the body; its suffix says which format that is. Raises
    UsageError for a command that is no job.
    """

    def __init__(self, command: str, filename: str, largest: int) -> None:
        job = load_job(command)
        self._sources, self._filename, self._largest = job.sources, filename, largest
        options = known_fields(job.settings)
        self._names = {*job.sources, *(n for n, option in options.items() if option.metadata["file"])}
        self._sound = command == "animate"

    async def receive(self, request: Any, place: Path) -> dict[str, Any]:
        """Write the request's files beside ``place``; returns the options that name them and those that a form brings.

        Raises RequestError for a request without its file, or with one that is too large.
        """
        if int(request.headers.get("content-length") or 0) > (self._largest << 20) + 65536:
            raise self._too_large()
        if request.headers.get("content-type", "").startswith("multipart/form-data"):
            return await self._receive_form(request, place)
        (source, *more) = self._sources
        if more:
            raise RequestError(400, f"needs {' and '.join(self._sources)}", "send both as files of a form")
        file = self._place(place, source, self._filename)
        if not await self._write(file, request.stream()):
            what = "sound" if self._sound else source
            raise RequestError(400, f"the request holds no {what}", f"send a {what} file as the body")
        return {source: file.name}

    async def _receive_form(self, request: Any, place: Path) -> dict[str, Any]:
        from starlette.datastructures import UploadFile

        most = 1 if self._sound else MOST_FILES
        async with request.form(max_files=most, max_fields=100) as form:
            for source in self._sources:
                if not isinstance(form.get(source), UploadFile):
                    what = "the sound" if self._sound else "it"
                    raise RequestError(
                        400, f"the form has no file called {source}", f"send {what} as {source}"
                    )
            values: dict[str, Any] = {}
            for key, value in form.items():
                if isinstance(value, str):
                    values[key] = value
                elif key not in self._names:
                    raise RequestError(400, f"{key!r} is no option that is a file", "see /openapi.json")
                else:
                    file = self._place(place, key, value.filename or "")
                    await self._write(file, _chunks(value))
                    values[key] = file.name
            return values

    def _place(self, place: Path, name: str, filename: str) -> Path:
        """Where the file called ``name`` goes: only the suffix is the client's."""
        if self._sound:
            return place
        suffix = re.search(r"(\.[A-Za-z0-9]{1,12}){0,2}$", filename)
        return place.with_name(f"{name}{suffix[0] if suffix else ''}")

    async def _write(self, file: Path, chunks: AsyncIterator[bytes]) -> int:
        count = 0
        with atomic_path(file) as temporary, open(temporary, "wb") as out:
            async for chunk in chunks:
                count += len(chunk)
                if count > self._largest << 20:
                    raise self._too_large()
                out.write(chunk)
        return count

    def _too_large(self) -> RequestError:
        return RequestError(413, f"the sound is larger than {self._largest} MB", "send it in parts")


async def _chunks(upload: Any) -> AsyncIterator[bytes]:
    while chunk := await upload.read(CHUNK_BYTES):
        yield chunk
