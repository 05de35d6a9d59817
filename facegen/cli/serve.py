"""``facegen serve``: the jobs of this program over HTTP."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any

import click

from facegen.cli.options import config_options, example, pick
from facegen.config import ServeConfig
from facegen.core.errors import MissingExtraError, OutputError, UsageError

LOCAL = ("127.0.0.1", "localhost", "::1")


@click.command(
    help="""Take sounds by HTTP and give takes or files back: POST a sound to /v1/animate, options as parameters.
    /openapi.json tells the rest. It listens to this machine alone unless --host says otherwise, which needs a token.
    DIR holds uploads, results and the journal; jobs that were not done are done at the next start.""",
    epilog=example(
        "facegen serve -o served    then: curl -F audio=@a.wav localhost:8420/v1/animate -o a.take"
    ),
)
@click.option("-o", "--output", "folder", required=True, metavar="DIR", help="folder for uploads and results")
@click.option("--quiet", is_flag=True, help="print nothing but errors")
def serve(folder: str, quiet: bool, **values: Any) -> None:
    config = pick(ServeConfig, values)
    config = replace(config, token=config.token or os.environ.get("FACEGEN_TOKEN") or None)
    if config.host not in LOCAL and config.token is None:
        raise UsageError(
            f"{config.host} is open to other machines",
            path="--host",
            remedy="set a token: --token or FACEGEN_TOKEN",
        )
    try:
        import uvicorn
    except ImportError as error:
        raise MissingExtraError("uvicorn", "serve", "facegen serve") from error
    from facegen.jobs.server.app import make_app
    from facegen.jobs.server.job_queue import JobQueue

    desk = JobQueue(folder, config)
    try:
        app = make_app(desk, config)
        settings = uvicorn.Config(
            app,
            host=config.host,
            port=config.port,
            log_level="error",
            access_log=False,
            timeout_graceful_shutdown=1,
        )
        _run(_server(uvicorn, settings, quiet), config)
    finally:
        desk.close()


for _add in (config_options(ServeConfig),):
    serve = _add(serve)


def _server(uvicorn: Any, settings: Any, quiet: bool) -> Any:
    class Server(uvicorn.Server):
        """Says where it listens once it does."""

        async def startup(self, sockets: Any = None) -> None:
            await super().startup(sockets=sockets)
            if self.started and not quiet:
                host, port = self.servers[0].sockets[0].getsockname()[:2]
                click.echo(f"listening at http://{host}:{port} (stop with Ctrl-C)")

    return Server(settings)


def _run(server: Any, config: ServeConfig) -> None:
    try:
        server.run()
    except SystemExit as error:  # what uvicorn does where it can't listen
        raise OutputError(
            "can't listen there", path=f"{config.host}:{config.port}", remedy="choose another --port"
        ) from error
