"""A picture's boxes inside their frames, for writers of formats that lay them out by themselves."""

from cnncalc.pages.drawing.graph.picture import Frame, Node, Picture


class Nest:
    """A frame (None: the whole picture) with the nodes and frames inside it, in the order in which they run."""

    def __init__(self, frame: Frame | None = None) -> None:
        self.frame = frame
        self.parts: list[Node | Nest] = []


def nest(picture: Picture) -> Nest:
    """The whole picture, from outside in."""
    frames = {frame["id"]: frame for frame in picture["frames"]}
    found = {"": Nest()}

    def part_of(id: str) -> Nest:
        if id not in found:
            found[id] = Nest(frames[id])
            part_of(frames[id]["frame"]).parts.append(found[id])
        return found[id]

    for node in picture["nodes"]:
        part_of(node["frame"]).parts.append(node)
    return found[""]
