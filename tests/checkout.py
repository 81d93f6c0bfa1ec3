"""The checkout that this file stands in, put before any cnncalc that is installed: what is written is written of it.

To be imported before cnncalc.
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
