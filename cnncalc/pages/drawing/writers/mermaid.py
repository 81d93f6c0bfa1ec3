"""Mermaid, as code hosts and notes show it: the boxes and frames of the style graph as a flowchart."""

from __future__ import annotations

from cnncalc.pages.drawing import Wish
from cnncalc.pages.drawing.colours import INK, LINE, colours_of
from cnncalc.pages.drawing.graph import place_for
from cnncalc.pages.drawing.graph.nest import Nest, nest
from cnncalc.pages.drawing.styles.graph import fill_of
from cnncalc.report import Report, title


def render_network(report: Report, wish: Wish) -> str:
    """The flowchart as a file, ending with a line break."""
    picture = place_for(report, wish)
    names = {node["id"]: f"n{i}" for i, node in enumerate(picture["nodes"])}
    lines = ["---", f"title: {quote(title(report))}", "---", "flowchart TD"]
    counted = iter(range(len(picture["frames"])))
    classes: dict[str, list[str]] = {}

    def write(part: Nest, indent: str) -> None:
        for node in part.parts:
            if isinstance(node, Nest):
                assert node.frame is not None
                lines.append(f'{indent}subgraph f{next(counted)}["{escape(node.frame["title"])}"]')
                write(node, indent + "  ")
                lines.append(f"{indent}end")
                continue
            name = names[node["id"]]
            said = "<br/>".join([f"<b>{escape(node['title'])}</b>", *map(escape, node["lines"])])
            # An input has round ends, as in the drawings.
            start, end = ("([", "])") if node["role"] == "input" else ("[", "]")
            lines.append(f'{indent}{name}{start}"{said}"{end}')
            classes.setdefault(fill_of(node, heated=bool(wish.color)), []).append(name)

    write(nest(picture), "  ")
    lines += [f"  {names[edge['source']]} --> {names[edge['target']]}" for edge in picture["edges"]]
    line, ink = colours_of(LINE)[0], colours_of(INK)[0]
    for role, members in classes.items():
        lines.append(f"  classDef {role} fill:{colours_of(role)[0]},stroke:{line},color:{ink}")
        lines.append(f"  class {','.join(members)} {role}")
    return "\n".join(lines) + "\n"


def escape(text: str) -> str:
    """Text in a label, in which nothing is a tag, a mark-up or an end of the label."""
    from cnncalc.errors import visible

    return "".join(c if c.isalnum() or c in " .,+-/…·" else f"#{ord(c)};" for c in visible(text))


def quote(text: str) -> str:
    """A text as a scalar of YAML."""
    from cnncalc.errors import visible

    return '"' + visible(text).replace("\\", "\\\\").replace('"', '\\"') + '"'
