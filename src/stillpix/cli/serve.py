"""`stillpix serve`: runs the local page, in a browser on this computer.

Never listens for another computer.
"""

from __future__ import annotations

import os
from typing import Annotated

import typer

from .options import Camera
from .output import complain, printable, say
from .statuses import SOME_FAILED

Folders = Annotated[
    list[str] | None,
    typer.Argument(metavar="[FOLDER...]", help="Folders of photos to open from the start."),
]
Port = Annotated[
    int,
    typer.Option(
        min=0, max=65535, metavar="N", help="Port to listen on: 0 to 65535. 0 takes a free one."
    ),
]
NoBrowser = Annotated[
    bool, typer.Option("--no-browser", help="Print the address, but do not open a browser.")
]


def serve(
    folders: Folders = None,
    *,
    port: Port = 0,
    no_browser: NoBrowser = False,
    camera: Camera = None,
) -> None:
    """Find, judge and repair on a page in your browser."""
    from ..web.refusal import Refused
    from ..web.serving import serve as served

    def ready(address: str) -> None:
        say(address)
        complain("only this computer can open it; press Ctrl-C to end it")
        if not folders:
            complain("next: open a folder of photos on the page, or run `stillpix serve PHOTOS`")
        if not no_browser:
            import webbrowser

            webbrowser.open(address)

    try:
        opened = [_in_full(folder) for folder in folders or ()]
        served(opened, port=port, camera=camera, ready=ready)
    except Refused as error:
        raise typer.BadParameter(printable(str(error)), param_hint="FOLDER") from error
    except OSError as error:
        complain(f"port {port} cannot be used ({error.strerror}); give another with --port")
        raise typer.Exit(SOME_FAILED) from error


def _in_full(folder: str) -> str:
    """Return a folder's whole path: here, other than on the page, one can be told from."""
    return os.path.abspath(os.path.expanduser(folder))  # noqa: PTH100, PTH111 - "~nobody" as it is
