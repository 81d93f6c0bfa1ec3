"""cnncalc playground"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import click

from cnncalc.cli.help_option import OwnHelp
from cnncalc.cli.options import lang_option
from cnncalc.language import _, reason_of

if TYPE_CHECKING:
    from http.server import ThreadingHTTPServer

BUILT = os.path.join("playground", "site")  # where playground/build.py puts it, from the top of the project
# What the system's own table of types lacks on some machines; a browser runs nothing that is called otherwise
TYPES = {".js": "text/javascript", ".mjs": "text/javascript", ".wasm": "application/wasm"}


@click.command("playground", cls=OwnHelp)
@click.argument("folder", required=False)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8000,
    show_default=True,
    help=_("The port on 127.0.0.1; 0 takes a free one."),
)
@lang_option
def command(folder: str | None, port: int) -> None:
    """Serve the page that runs cnncalc in a browser, on this machine alone.

    FOLDER is what `python playground/build.py` wrote, or what a release has attached; without it playground/site
    here, or beside the package.
    """
    site = find_site(folder)
    try:
        server = serve(site, port)
    except OSError as error:
        raise click.UsageError(
            _("port {port} cannot be used: {reason}; name another with --port", port=port, reason=reason_of(error))
        ) from None
    click.echo(
        _("{folder} is served at {url}; Ctrl-C ends it", folder=site, url=f"http://127.0.0.1:{port_of(server)}/")
    )
    with server:
        server.serve_forever()


def find_site(folder: str | None) -> str:
    """The folder to serve. Raises UsageError where the page was not built."""
    package = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    # From a checkout it lies beside the package; where somebody unpacked a release, in the working folder.
    places = [folder] if folder else [BUILT, os.path.join(os.path.dirname(package), BUILT)]
    for place in places:
        if os.path.isfile(os.path.join(place, "python.zip")) and os.path.isfile(os.path.join(place, "index.html")):
            return place
    raise click.UsageError(
        _(
            "{folder} does not hold the page: build it with `python playground/build.py`, or unpack the one that a "
            "release has",
            folder=places[0],
        )
    )


def serve(folder: str, port: int) -> ThreadingHTTPServer:
    """A server of the folder on 127.0.0.1, not yet running. Raises OSError where the port is taken."""
    from functools import partial
    from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

    class Handler(SimpleHTTPRequestHandler):
        extensions_map = SimpleHTTPRequestHandler.extensions_map | TYPES

        def log_message(self, format: str, *args: Any) -> None:
            pass  # a line per file would bury the address

    # For this machine alone: nobody else in the network sees it.
    return ThreadingHTTPServer(("127.0.0.1", port), partial(Handler, directory=folder))


def port_of(server: ThreadingHTTPServer) -> int:
    return int(server.server_address[1])
