"""What stands for what: each thing in a drawing has a role, and a role has a colour on light and one on dark paper.

Styles name roles; only writers ask for colours. Ink reads on every fill: those of kinds are pale on light paper and
deep on dark paper, and so are those of heat. The hues are told apart by people who see fewer of them too, since
lightness and place differ as well, and no drawing says anything by colour alone.
"""

from __future__ import annotations

from zlib import crc32

from cnncalc.layers import KINDS

NONE = "none"
INK, MUTED, FRAME, PAPER, LINE, ACCENT, PEAK = "ink", "muted", "frame", "paper", "line", "accent", "peak"
PANEL = "panel"  # the inside of a frame

COLOURS = {
    INK: ("#1f2328", "#e6e8eb"),
    MUTED: ("#57606a", "#a3abb5"),
    FRAME: ("#c3cad2", "#4a525c"),
    PANEL: ("#f5f7f9", "#1d2127"),
    PAPER: ("#ffffff", "#14171b"),
    LINE: ("#6a737d", "#8f98a2"),
    ACCENT: ("#0b62b8", "#6cb0f5"),
    PEAK: ("#b93a0c", "#ff9163"),
}
# By the family of a kind (layers/__init__.py), and for what is none.
FAMILIES = {
    "conv": ("#a8caee", "#2a5285"),
    "pooling": ("#f5b5a6", "#8b3b2b"),
    "dense": ("#b5dfad", "#2e6a35"),
    "normalisation": ("#dfd0ef", "#553f7c"),
    "activation": ("#fae09a", "#775a12"),
    "merge": ("#ccd2d9", "#4c535d"),
    "attention": ("#f3bbd9", "#7d2e5c"),
    "recurrent": ("#9bdad3", "#1d6863"),
    "shape": ("#e7e8ea", "#3c3f44"),
    "resampling": ("#ffcf9c", "#82511a"),
    "reduction": ("#f0c7be", "#774537"),
    "learned": ("#d5e5a1", "#52621d"),
    "input": ("#f2f4f6", "#2a2f36"),
    "other": ("#dcdfe3", "#474b51"),
}
# From cold to hot on light paper and on dark paper.
HEAT = (
    ("#fffaf0", "#fee6c2", "#fdcf93", "#fdb166", "#f68f4d", "#ea7147"),
    ("#23211f", "#45301f", "#66391a", "#874016", "#a74415", "#c24a1a"),
)
STEPS = 40  # of heat that are told apart
# Of blocks, by their names: the same block has the same colour in every drawing.
BLOCKS = (
    ("#c7d49b", "#56662a"), ("#9fd0e2", "#1c5b73"), ("#e8c4a6", "#774922"), ("#c3c0ec", "#48448f"),
    ("#eab4bf", "#82303f"), ("#b0dbc8", "#276850"),
)  # fmt: skip
SHADES = {"-lit": ("#ffffff", 0.45), "-dim": ("#000000", 0.16)}  # the faces of boxes


def of_kind(kind: str) -> str:
    """The role of a layer of this kind, by its family; that of the first where several stand in one row; of a block."""
    word = kind.split(" ")[0]
    known = KINDS.get(word)
    family = known.family if known is not None else word
    # A word that is neither a kind nor a family is the name of a block.
    if known is None and word not in FAMILIES and word:
        return f"block-{crc32(word.encode()) % len(BLOCKS)}"
    return f"kind-{family if family in FAMILIES else 'other'}"


def of_heat(share: float) -> str:
    """The role of what is this hot, 0 to 1."""
    return f"heat-{round(min(max(share, 0.0), 1.0) * STEPS)}"


def colours_of(role: str) -> tuple[str, str]:
    """The colour of a role on light paper and on dark paper, as #rrggbb; a role may end in -lit or -dim, for faces."""
    for ending, (towards, share) in SHADES.items():
        if role.endswith(ending):
            light, dark = colours_of(role.removesuffix(ending))
            # On dark paper by half as much: faces would shine there.
            return mix(light, towards, share), mix(dark, towards, share / 2)
    if role in COLOURS:
        return COLOURS[role]
    what, _dash, which = role.partition("-")
    if what == "kind":
        return FAMILIES[which]
    if what == "block":
        return BLOCKS[int(which)]
    if what == "heat":
        light, dark = (mix_colours(scale, int(which) / STEPS) for scale in HEAT)
        return light, dark
    raise KeyError(role)


def mix_colours(scale: tuple[str, ...], share: float) -> str:
    """The colour at a share of the way along a scale."""
    place = share * (len(scale) - 1)
    # The last colour ends the last piece, and begins none.
    i = min(int(place), len(scale) - 2)
    return mix(scale[i], scale[i + 1], place - i)


def mix(one: str, other: str, share: float) -> str:
    """A colour that is this share of the way from one to the other."""
    pairs = [(int(one[i : i + 2], 16), int(other[i : i + 2], 16)) for i in (1, 3, 5)]
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in pairs)
