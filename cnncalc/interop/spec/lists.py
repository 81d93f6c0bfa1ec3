"""Steps whose names begin alike as named lists: `layer1/0/conv1` and `layer1/0/conv2` stand in `layer1`, and in `0`."""

from __future__ import annotations

from cnncalc.interop.spec.steps import From, Line, Merge, Named, Step, lines_of


def named_lists(steps: list[Step], prefix: str, taken: set[str]) -> list[Step]:
    """Steps whose names go on with the same part, one behind the other, as a list of that name; each name once.

    taken  names that no list can have: those of the layers, to begin with
    """
    found: list[Step] = []
    # A name that was left stands for that list alone: one that comes back to it later stays `layer1/9`, in full.
    for step in [part for whole in steps for part in parts_of(whole, prefix)]:
        part = common_part(step, prefix)
        last = found[-1] if found else None
        if part is not None and isinstance(last, Named) and last.name == part:
            last.steps.append(step)
        elif part is not None and prefix + part not in taken:
            taken.add(prefix + part)
            found.append(Named(part, [step]))
        else:
            found.append(step)
    for i, step in enumerate(found):
        if isinstance(step, Named):
            step.steps = named_lists(step.steps, f"{prefix}{step.name}/", taken)
            found[i] = without_list(step, prefix)
        elif isinstance(step, Merge):
            inner = f"{step.name}/"
            below = all(line.name.startswith(inner) for branch in step.branches for line in lines_of(branch))
            around = inner if not is_numbered(step) and below else prefix  # its branches stand below its name
            step.branches = [named_lists(branch, around, taken) for branch in step.branches]
        elif isinstance(step, From):
            step.steps = named_lists(step.steps, prefix, taken)
    return found


def parts_of(step: Step, prefix: str) -> list[Step]:
    """Steps from elsewhere that belong to several lists, those of each by themselves; any other step as it is."""
    if not isinstance(step, From) or len(step.steps) < 2 or common_part(step, prefix) is not None:
        return [step]
    parts = [common_part(inner, prefix) for inner in step.steps]
    if not any(parts):
        return [step]
    # The first of them start elsewhere; those behind go on from these, in lists of their own.
    same = next((i for i, part in enumerate(parts) if part != parts[0]), len(parts))
    return [From(step.origin, step.steps[:same]), *step.steps[same:]]


def without_list(named: Named, prefix: str) -> Step:
    """What stands alone in a list, called like it: another list, or a layer of which nobody chose the name."""
    line = named.steps[0]
    if len(named.steps) == 1 and isinstance(line, Named):
        path = f"{prefix}{named.name}/"
        for inner in lines_of(line.steps):
            inner.name = path + inner.name.removeprefix(f"{path}{line.name}/")
        return Named(named.name, line.steps)
    if len(named.steps) > 1 or not isinstance(line, Line):
        return named
    if not is_numbered(line) and not line.name.rpartition("/")[2].isdigit():
        return named
    line.name = prefix + named.name
    return line


def is_numbered(line: Line | Merge) -> bool:
    """Whether a layer is called as a step without a name would be: by its kind and a number."""
    last = line.name.rpartition("/")[2]
    return last.startswith(line.layer.kind) and last[len(line.layer.kind) :].isdigit()


def common_part(step: Step, prefix: str) -> str | None:
    """The part behind the prefix with which the names of all layers of a step go on; None if that is all of a name."""
    parts = set()
    if isinstance(step, From) and not step.steps:
        return None
    lines = list(lines_of([step]))
    for line in lines:
        if isinstance(line, Merge) and is_numbered(line) and len(lines) > 1:
            continue  # nobody chose its name
        if not line.name.startswith(prefix):
            return None
        part, stroke, _rest = line.name[len(prefix) :].partition("/")
        if not stroke:
            return None
        parts.add(part)
    return parts.pop() if len(parts) == 1 else None
