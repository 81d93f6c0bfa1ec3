"""The language in which people are spoken to: English, or Chinese by the catalogue in locale/.

`_` marks a text for the catalogue and translates it; what varies is named: _("{count} rows", count=3). Names of
kinds, options, quantities and commands are words of the spec language and stay as they are.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

LANGUAGES = ("en", "zh")

_translate: Callable[[str], str] | None = None  # None: English, as it stands in the code
_language = "en"


def _(message: str, /, **values: Any) -> str:
    """The message in the language in use, its {names} filled in."""
    text = _translate(message) if _translate else message
    # Without values a text stays as it is, for it may have braces of its own.
    return text.format(**values) if values else text


def n_(message: str) -> str:
    """Marks a text for the catalogue that is translated later, where it is used: _(TEXT)."""
    return message


def enumerate_words(words: Iterable[object]) -> str:
    """Words for people, one after the other: a, b, c; in Chinese with its own comma."""
    return _(", ").join(map(str, words))


# What a system says about a file that it cannot use.
OF_SYSTEM = (
    n_("Permission denied"), n_("No such file or directory"), n_("Is a directory"), n_("Not a directory"),
    n_("File name too long"), n_("File exists"), n_("No space left on device"), n_("Read-only file system"),
    n_("Input/output error"), n_("Too many open files"), n_("Too many levels of symbolic links"),
)  # fmt: skip


def reason_of(error: Exception) -> str:
    """Why a file could not be used, as the system says it, or as the error does."""
    # Without the error's number and path; errors that are not the system's have no such text.
    return _(getattr(error, "strerror", None) or str(error) or type(error).__name__)


def use(language: str) -> None:
    """Speak this language from now on, one of LANGUAGES."""
    global _translate, _language
    _language = language
    if language == "en":
        _translate = None
        return
    # English is spoken without it.
    from gettext import translation

    _translate = translation("cnncalc", folder(), [language]).gettext


@contextmanager
def speaking(language: str | None) -> Iterator[None]:
    """Speak another language for a while; None: the one in use."""
    global _translate, _language
    before = _translate, _language
    try:
        if language is not None:
            use(language)
        yield
    finally:
        _translate, _language = before


def in_use() -> str:
    """The language that is spoken now, one of LANGUAGES."""
    return _language


def folder() -> str:
    """Where the catalogues are: LANGUAGE/LC_MESSAGES/cnncalc.mo."""
    return os.path.join(os.path.dirname(os.path.abspath(__file__)), "locale")


def of_environment() -> str:
    """The language that the user's locale asks for; English where it asks for none that is known."""
    # In the order in which gettext looks at them.
    for variable in ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"):
        for name in os.environ.get(variable, "").split(":"):
            if name:
                return "zh" if name.lower().startswith("zh") else "en"
    return "en"
