"""Which layer people mean: by its name, in whatever case, within a phrase, or counted: `conv 2`, 第二个卷积层."""

from __future__ import annotations

import re
from collections.abc import Iterable

from cnncalc.answers.words import plain

LONGEST_PHRASE = 200  # characters of a question in which a layer is looked for

# What people call the kinds that they count, with the kinds that are meant.
COUNTED = {
    "conv convolution convolutional conv2d conv1d 卷积": {"conv", "depthwise"},
    "maxpool maxpooling maxpool2d 最大池化 最大汇聚": {"maxpool"},
    "avgpool averagepool averagepooling avgpooling 平均池化 平均汇聚": {"avgpool"},
    "pool pooling 池化 汇聚": {"maxpool", "avgpool", "lppool", "subsample"},
    "fc dense linear fullyconnected fullyconnect 全连接 稠密 线性": {"dense"},
}
KINDS_OF = {word: kinds for words, kinds in COUNTED.items() for word in words.split()}
ORDINALS = {
    word: number
    for words in (
        "first second third fourth fifth sixth seventh eighth ninth tenth",
        "一 二 三 四 五 六 七 八 九 十",
    )
    for number, word in enumerate(words.split(), 1)
}
_ORDINAL = r"(?P<number>\d{1,4}|" + "|".join(ORDINALS) + ")"
# Longest first, or nothing but `conv` would be found of `conv2d`.
_WORD = "(?P<word>" + "|".join(sorted(KINDS_OF, key=len, reverse=True)) + ")"
PHRASES = [  # of texts as `plain` leaves them
    re.compile(rf"(?:the|第)?{_ORDINAL}(?:st|nd|rd|th)?[个層层]?的?{_WORD}(?:layer|[層层])?"),
    re.compile(rf"{_WORD}(?:layer|[層层])?(?:no|number|第)?{_ORDINAL}[層层]?"),
]
ALONE = re.compile(rf"(?:the)?{_WORD}(?:layer|[层层])?")


class LayerNames:
    """The names of a network's layers and blocks, for texts of people."""

    def __init__(self, kinds: Iterable[tuple[str, str]], groups: Iterable[str]) -> None:
        """kinds: (name, kind) of each layer in order; groups: names of blocks."""
        self.kinds = list(kinds)
        self.names = [*(name for name, _kind in self.kinds), *groups]
        # Of names that differ in case alone the first wins.
        self.by_case = {name.casefold(): name for name in reversed(self.names)}
        self.known = set(self.names)

    def find(self, text: str) -> str | None:
        """The layer or block that a text means; None where it means none, or may mean several."""
        if text in self.known:
            return text
        return self.by_case.get(text.strip().casefold()) or self.within(text) or self.find_counted(text)

    def within(self, text: str) -> str | None:
        """The one layer that a phrase names, such as 请计算C1层 or `the first convolution, C1`."""
        phrase = text.casefold()[:LONGEST_PHRASE]
        words = re.findall(r"[a-z0-9_]+(?:[/.-][a-z0-9_]+)*", phrase)
        found = {self.by_case[word] for word in words if word in self.by_case}
        # A phrase that names two layers means neither for sure.
        return found.pop() if len(found) == 1 and phrase.strip() not in words else None

    def find_counted(self, text: str) -> str | None:
        """The layer that is said by its kind and its place among those: fc1, `second pooling layer`, 第三个卷积层."""
        word = plain(text[:LONGEST_PHRASE])
        alike = [name for name in self.names if plain(name).startswith(word)]
        if alike:  # conv2 is a part of a network that has a conv2_1
            return next((name for name in alike if plain(name) == word), None)
        found = next(filter(None, (phrase.fullmatch(word) for phrase in PHRASES)), None)
        if found is None:
            return self.find_only(word)
        number = ORDINALS.get(found["number"]) or int(found["number"])
        layers = [name for name, kind in self.kinds if kind in KINDS_OF[found["word"]]]
        return layers[number - 1] if 0 < number <= len(layers) else None

    def find_only(self, word: str) -> str | None:
        """The one layer of the kind that a word is: `the pooling layer` of a network with one."""
        found = ALONE.fullmatch(word)
        layers = [name for name, kind in self.kinds if kind in KINDS_OF[found["word"]]] if found else []
        return layers[0] if len(layers) == 1 else None
