"""`likewise serve`: serve a gallery over HTTP."""

# ruff: noqa: D301 - click wants a real backspace before lines that must not be wrapped

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from likewise.commands.clusters import holding_options, require_holding, require_no_password
from likewise.commands.console import log_line
from likewise.commands.galleries import gallery_argument
from likewise.commands.options import Number

SERVING = ("fastapi", "prometheus_client", "pydantic", "starlette", "uvicorn")  # the extra `serve`

if TYPE_CHECKING:
    from index.address import Place


@click.command()
@gallery_argument
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8000,
    show_default=True,
    help="Port to listen on; 0 picks a free one.",
)
@click.option(
    "--keys",
    type=click.Path(path_type=Path),
    help="File of access keys: lines `read KEY` or `write KEY`.",
)
@click.option("--read-only", is_flag=True, help="Refuse all changes to the gallery.")
@click.option(
    "--jobs",
    type=click.Path(path_type=Path, file_okay=False),
    help="Directory for the uploads and results of jobs.  [default: GALLERY.jobs]",
)
@click.option(
    "--max-bytes",
    type=click.IntRange(min=1),
    help="Maximum size of a request body, in bytes.  [default: 64 MiB]",
)
@click.option(
    "--max-pixels",
    type=click.IntRange(1, 89_478_485),
    help="Maximum width times height of a picture.  [default: 40 million]",
)
@click.option(
    "--max-images",
    type=click.IntRange(min=1),
    help="Maximum number of pictures in a request.  [default: 2000]",
)
@click.option(
    "--max-in-flight",
    type=click.IntRange(min=1),
    help="Maximum number of concurrent requests.  [default: 256]",
)
@click.option(
    "--timeout",
    type=Number(0, min_open=True),
    help="Maximum duration of a request, in seconds.  [default: 30]",
)
@click.option(
    "--decode-timeout",
    type=Number(0, min_open=True),
    help="Maximum processor time to decode one picture, in seconds.  [default: 5]",
)
@click.option(
    "--max-upload",
    type=click.IntRange(min=1),
    help="Maximum size of a job's upload, in bytes.  [default: 1 GiB]",
)
@click.option(
    "--max-transfers",
    type=click.IntRange(min=1),
    help="Maximum number of uploads and results of jobs at a time.  [default: 32]",
)
@click.option(
    "--min-rate",
    type=click.IntRange(min=0),
    help="Minimum rate of such an upload or result, in bytes per second.  [default: 10000]",
)
@click.option(
    "--max-jobs", type=click.IntRange(min=1), help="Maximum number of waiting jobs.  [default: 32]"
)
@click.option(
    "--keep-jobs",
    type=Number(min=0),
    help="How long a finished job is kept, in seconds.  [default: a week]",
)
@holding_options
@click.option(
    "--log-all",
    is_flag=True,
    help="Log every request, not only changes, refusals, failures and slow requests.",
)
def serve(gallery: Place, host: str, port: int, keys: Path | None, **options: Any) -> None:
    """Serve a GALLERY over HTTP: an API for programs, a web page for people.

    Use it to let other programs, or people with a browser, use a gallery. Without keys the server
    answers this machine only. Keys come from the file --keys or, separated by commas, from the
    environment variables LIKEWISE_READ_KEYS and LIKEWISE_WRITE_KEYS.

    Needs a web server: pip install 'likewise[serve]'

    \b
    likewise serve digits.gallery
    likewise serve digits.gallery --host 0.0.0.0 --keys keys.txt
    """
    require_holding(options["ray"], options["parts"])
    if options["parts"] is not None:
        from likewise.bulk.shard import require_local

        require_no_password(gallery)
        require_local(gallery)
    try:
        from likewise.server.auth import read_keys
        from likewise.server.run import serve as run
        from likewise.server.settings import Settings
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in SERVING:
            raise
        raise click.ClickException(
            "Serving needs a web server, which is not installed: pip install 'likewise[serve]'"
        ) from error
    limits = {name: value for name, value in options.items() if value is not None}
    settings = Settings(keys=read_keys(keys, os.environ), **limits)
    run(gallery, settings, host=host, port=port, tell=log_line)
