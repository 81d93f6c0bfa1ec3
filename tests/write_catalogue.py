"""Collects the texts of the program for the catalogue and compiles it: python tests/write_catalogue.py.

New texts come out untranslated, at their place in cnncalc.po: translate them and run this once more. Texts that are
no longer used are dropped. Needs Babel.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from catalogue import CATALOGUE, CLICK, MARKS, PACKAGE, shown_docstrings

WRITTEN = datetime(2000, 1, 1, tzinfo=UTC)  # the same texts give the same files


def collected() -> Catalog:
    """Every text, in the order of the code."""
    texts = Catalog()
    found = extract_from_dir(PACKAGE, method_map=[("**.py", "python")], keywords=dict.fromkeys(MARKS))
    for _path, _line, message, _comments, _context in sorted(found, key=lambda entry: entry[:2]):
        texts.add(message)
    for text in (*shown_docstrings(), *CLICK):
        texts.add(text)
    return texts


def main() -> None:
    with CATALOGUE.open("rb") as file:
        catalogue = read_po(file, locale="zh", domain="cnncalc")
    catalogue.update(collected(), no_fuzzy_matching=True)
    catalogue.obsolete.clear()
    catalogue.project, catalogue.version, catalogue.fuzzy = "cnncalc", "", False
    catalogue.creation_date = catalogue.revision_date = WRITTEN
    with CATALOGUE.open("wb") as file:
        write_po(file, catalogue, no_location=True, width=120, omit_header=False)
    with CATALOGUE.with_suffix(".mo").open("wb") as file:
        write_mo(file, catalogue)
    missing = [message.id for message in catalogue if (message.id and not message.string) or not all(message.string)]
    print(f"{len(catalogue)} texts, {len(missing)} without a translation")
    sys.exit(1 if missing else 0)


if __name__ == "__main__":
    main()
