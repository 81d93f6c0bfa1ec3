"""JSON: the contract of docs/quantities.md. A line per layer, so that differences stay small."""

from __future__ import annotations

import json
from typing import Any

from cnncalc.pages.view import View
from cnncalc.report import Report


def render(report: Report, view: View | None = None) -> str:
    """Every operation and every key, whatever the view; the same report gives the same bytes."""
    lines = ["{"]
    content = report.to_dict()
    for key, value in content.items():
        comma = "" if key == list(content)[-1] else ","
        if key in ("layers", "expectations") and value:
            rows = ",\n".join(f"    {_compact(row)}" for row in value)
            lines.append(f"  {_compact(key)}: [\n{rows}\n  ]{comma}")
        else:
            lines.append(f"  {_compact(key)}: {_compact(value)}{comma}")
    return "\n".join([*lines, "}", ""])


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)
