"""Families: one spec for many values of its parameters and many sizes of its input, answered in columns.

    family = Family(source)
    found = family.evaluate({"width": np.arange(16, 129), "input": [(3, 224, 224)] * 113}, ["macs", "C3.output"])
    found["macs"].values        # int64 or Python integers, a number per member
    found.reasons[0]            # None, or why the first member is no network

Every number comes from the functions that analyze a single network; nothing here knows how one is counted. They run
on numbers that remember how they were made (`numbers.py`), once for all members that come to the same decisions
(`tracing.py`); what is remembered (`tape.py`) is evaluated on columns (`evaluation.py`). `singly.py` analyzes member by
member: what a run gives must be the same for its own member, or nothing of it is used.
"""

from cnncalc.families.columns import Column, Evaluated
from cnncalc.families.family import INPUT, Family

__all__ = ["INPUT", "Column", "Evaluated", "Family"]
