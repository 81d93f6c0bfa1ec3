"""Puts this folder on the path, so that tests share `cases.py`; and English in force, whatever the locale here is."""

from __future__ import annotations

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
os.environ["LANGUAGE"] = "en"  # for the commands that tests run
