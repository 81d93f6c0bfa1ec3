"""Answers of people held against a report: right, right by another convention, or which mistake it was.

cnncalc.check("lenet5", {"C3.connections": "151,600", "params": "60k"}).score
"""

from __future__ import annotations

from cnncalc.answers.grading import Grader, Item, Result
from cnncalc.answers.mistakes.diagnosis import Mistake, diagnose
from cnncalc.answers.sheets.reading import from_words, read_key, read_sheet
from cnncalc.answers.sheets.sheet import Answer, Sheet
from cnncalc.answers.sheets.trees import from_mapping

__all__ = [
    "Answer",
    "Grader",
    "Item",
    "Mistake",
    "Result",
    "Sheet",
    "diagnose",
    "from_mapping",
    "from_words",
    "read_key",
    "read_sheet",
]
