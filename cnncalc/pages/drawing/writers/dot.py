"""DOT, as Graphviz reads it: the boxes and frames of the style graph, laid out by whoever reads the file."""

from __future__ import annotations

from cnncalc.pages.drawing import Wish
from cnncalc.pages.drawing.colours import FRAME, INK, LINE, PANEL, colours_of
from cnncalc.pages.drawing.graph import place_for
from cnncalc.pages.drawing.graph.nest import Nest, nest
from cnncalc.pages.drawing.styles.graph import fill_of
from cnncalc.pages.drawing.writers.svg import escape
from cnncalc.report import Report, title


def render_network(report: Report, wish: Wish) -> str:
    """The graph as a file, ending with a line break."""
    picture = place_for(report, wish)
    names = {node["id"]: f"n{i}" for i, node in enumerate(picture["nodes"])}
    light = {role: colours_of(role)[0] for role in (FRAME, INK, LINE, PANEL)}
    lines = [
        f"digraph {quote(report.name or 'network')} {{",
        f'  graph [label={quote(title(report))}, labelloc=t, fontname="Helvetica", compound=true];',
        f'  node [shape=box, style="rounded,filled", fontname="Helvetica", fontsize=11, color="{light[LINE]}", '
        f'fontcolor="{light[INK]}"];',
        f'  edge [color="{light[LINE]}", arrowsize=0.7];',
    ]
    counted = iter(range(len(picture["frames"])))

    def write(part: Nest, indent: str) -> None:
        for inner in part.parts:
            if isinstance(inner, Nest):
                write_frame(inner, indent)
                continue
            node = inner
            said = "<br/>".join([f"<b>{escape(node['title'])}</b>", *map(escape, node["lines"])])
            more = ", penwidth=2" if node["output"] else ""
            fill = colours_of(fill_of(node, heated=bool(wish.color)))[0]
            lines.append(f'{indent}{names[node["id"]]} [label=<{said}>, fillcolor="{fill}"{more}];')

    def write_frame(part: Nest, indent: str) -> None:
        assert part.frame is not None
        # Graphviz draws a frame round a subgraph only if its name begins like that.
        lines.append(f"{indent}subgraph cluster_{next(counted)} {{")
        lines.append(
            f'{indent}  label={quote(part.frame["title"])}; style="rounded,filled"; color="{light[FRAME]}"; '
            f'fillcolor="{light[PANEL]}"; labeljust=l;'
        )
        write(part, indent + "  ")
        lines.append(f"{indent}}}")

    write(nest(picture), "  ")
    lines += [f"  {names[edge['source']]} -> {names[edge['target']]};" for edge in picture["edges"]]
    return "\n".join([*lines, "}"]) + "\n"


def quote(text: str) -> str:
    """A text in quotes, in which nothing is a command."""
    from cnncalc.errors import visible

    return '"' + visible(text).replace("\\", "\\\\").replace('"', '\\"') + '"'
