"""The image over which fields are drawn: where its pixels lie, and a file that is shown behind them."""

from __future__ import annotations

from typing import NamedTuple

from cnncalc.errors import CnncalcError, open_file, visible
from cnncalc.language import _, reason_of
from cnncalc.pages.drawing.colours import LINE, PANEL
from cnncalc.pages.drawing.scene import Box, Image, Item

SIDE = 480.0  # of the larger side of an image
LARGEST_PIXEL = 24.0
RIBBON = 24.0  # height of a line of pixels
MOST_BYTES = 30 * 2**20
# How files of pictures begin.
TYPES = {b"\x89PNG\r\n\x1a\n": "image/png", b"\xff\xd8\xff": "image/jpeg", b"GIF8": "image/gif"}

Span = tuple[int, int]  # (first, last)


class Picture(NamedTuple):
    """The contents of a file, and what kind of file it is."""

    data: bytes
    media_type: str


class Panel(NamedTuple):
    """Pixels on paper: pixel (0, 0) has its corner at (left, up), a pixel is `scale` wide and `scale * tall` high."""

    left: float
    up: float
    scale: float
    tall: float = 1

    def box(self, rows: Span, columns: Span) -> tuple[float, float, float, float]:
        """(x, y, width, height) of what lies between these rows and columns, both included."""
        return (
            self.left + columns[0] * self.scale,
            self.up + rows[0] * self.scale * self.tall,
            (columns[1] - columns[0] + 1) * self.scale,
            (rows[1] - rows[0] + 1) * self.scale * self.tall,
        )


def read_picture(path: str) -> Picture:
    """A file that holds a PNG, a JPEG or a GIF. Raises CnncalcError for what is none."""
    try:
        # A byte more than is allowed: so a file that is too large is told from one that just fits.
        with open_file(path) as file:
            data = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise CnncalcError(_("{path}: cannot be read: {reason}", path=visible(path), reason=reason_of(error))) from None
    kind = next((kind for start, kind in TYPES.items() if data.startswith(start)), None)
    if kind is None:
        raise CnncalcError(_("{path}: no picture that can be shown: give a PNG, a JPEG or a GIF", path=visible(path)))
    if len(data) > MOST_BYTES:
        raise CnncalcError(_("{path}: more than {most} MiB for a picture", path=visible(path), most=MOST_BYTES >> 20))
    return Picture(data, kind)


def draw_backdrop(panel: Panel, sizes: tuple[int, int], picture: Picture | None) -> list[Item]:
    """The image of so many rows and columns: the file, stretched over it, or an empty field."""
    place = panel.box((0, sizes[0] - 1), (0, sizes[1] - 1))
    if picture is None:
        return [Box(*place, fill=PANEL, stroke=LINE)]
    return [Image(*place, picture.data, picture.media_type), Box(*place, stroke=LINE)]
