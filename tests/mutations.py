"""Files that are nearly right: texts, bytes and JSON with something taken out, put in, doubled or changed.

Each takes a random.Random, so that a seed says which mutation it is. Used by test_mutations.py.
"""

from __future__ import annotations

import copy
import io
import json
import zipfile
from random import Random
from typing import Any

# What stands in files and was not meant to: signs of YAML and other languages, escapes, numbers without measure.
WORDS = (
    "", " ", "\t", ":", ": ", "- ", "[", "]", "{", "}", "'", '"', "#", "&a ", "*a", "!!python/object:os.system ",
    "|", ">",
    "%", "@", "`", "$", "$x", "$(", "$(1/0)", "$(9*9)", "x0", "x999999", "k0", "k-1", "s0", "0", "-1", "1e9", "nan",
    "inf",
    "0x10", "1_000", "10000000000000000000000", "999999999", "3x", "x3", "3x0x3", "null", "~", "true", "relu",
    "conv", "add",
    "from: in", "residual: ", "repeat: ", "if: $(in.c > 3)", "weights: ", "then: ", "outputs: ", "::error::x",
    "=1+1", "\x1b[31m",
    "\x00", "\x85", "\u2028", "\u202e", "\ufeff", "\uff1a", "\uff0c", "\u00d7", "\U0001f600", "<<<<<<< HEAD\n",
    "---\n", "...\n", "\r",
    "\n", "\n\n  ", "\\", "\\x", "../", "NaN", "-", "--", "=", ",", ";", "|---|",
)  # fmt: skip
VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2**31, 2**63, 10**30, 0.5, -0.0, 1e308, float("nan"), float("inf"), "", "x",
    "relu", "\x1b[31m",
    "9" * 50, [], [[]], [0], [-1, None], [1, 2, 3, 4, 5, 6], {}, {"class_name": "Dense", "config": {}}, {"": None},
)  # fmt: skip


def mutate_text(text: str, random: Random) -> str:
    """A text with one to three mutations."""
    for _turn in range(random.randint(1, 3)):
        at = random.randrange(len(text) + 1)
        to = min(len(text), at + random.choice((1, 1, 2, 5, 20)))
        lines = text.splitlines(keepends=True) or [""]
        i, j = random.randrange(len(lines)), random.randrange(len(lines))
        match random.randrange(8):
            case 0:
                text = text[:at] + text[to:]
            case 1:
                text = text[:at] + random.choice(WORDS) + text[at:]
            case 2:
                text = text[:at] + random.choice(WORDS) + text[to:]
            case 3:
                text = "".join(lines[:i] + lines[i + 1 :])
            case 4:
                text = "".join([*lines[:i], lines[j], *lines[i:]])
            case 5:
                lines[i], lines[j] = lines[j], lines[i]
                text = "".join(lines)
            case 6:
                lines[i] = "  " * random.randint(0, 3) + lines[i].lstrip(" ")
                text = "".join(lines)
            case _:
                words = lines[i].split(" ")
                words[random.randrange(len(words))] = random.choice(WORDS)
                lines[i] = " ".join(words)
                text = "".join(lines)
    return text


def mutate_bytes(data: bytes, random: Random) -> bytes:
    """Bytes with one to four mutations."""
    found = bytearray(data)
    for _turn in range(random.randint(1, 4)):
        at = random.randrange(len(found) + 1)
        to = min(len(found), at + random.choice((1, 1, 2, 4, 16, 64)))
        match random.randrange(7):
            case 0:
                del found[at:to]
            case 1:
                found[at:at] = random.randbytes(random.choice((1, 2, 8)))
            case 2:
                found[at:to] = random.randbytes(to - at)
            case 3 if at < len(found):
                found[at] ^= 1 << random.randrange(8)
            case 4:
                found[at:to] = b"\xff" * (to - at)
            case 5:
                found[at:at] = found[at:to]
            case _ if random.random() < 0.3:
                del found[at:]
            case _:
                found[at:to] = bytes(to - at)
    return bytes(found)


def mutate_tree(tree: Any, random: Random) -> Any:
    """JSON with one to three values changed, keys taken out, or entries doubled."""
    tree = copy.deepcopy(tree)
    for _turn in range(random.randint(1, 3)):
        places = list(walk(tree))
        if not places:
            return random.choice(VALUES)
        holder, key = random.choice(places)
        match random.randrange(5):
            case 0:
                del holder[key]
            case 1 if isinstance(holder, list):
                holder.insert(key, copy.deepcopy(holder[key]))
            case 2:
                other, name = random.choice(places)
                holder[key] = copy.deepcopy(other[name])
            case 3 if isinstance(holder, dict):
                holder[str(key) + random.choice(("", "s", " "))] = random.choice(VALUES)
            case _:
                holder[key] = copy.deepcopy(random.choice(VALUES))
    return tree


def walk(tree: Any) -> Any:
    """Every place in a tree: what holds it, and its key or index."""
    for key in list(tree) if isinstance(tree, dict) else range(len(tree)) if isinstance(tree, list) else ():
        yield tree, key
        yield from walk(tree[key])


def mutate_archive(data: bytes, random: Random) -> bytes:
    """An archive with a mutation in one of its files, or in its own bytes."""
    if random.random() < 0.3:
        return mutate_bytes(data, random)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    name = random.choice(list(files))
    if name.endswith(".json") and random.random() < 0.8:
        files[name] = json.dumps(mutate_tree(json.loads(files[name]), random)).encode()
    elif random.random() < 0.7:
        files[name] = mutate_text(files[name].decode("utf-8", "replace"), random).encode("utf-8", "replace")
    else:
        files[name] = mutate_bytes(files[name], random)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()
