"""What people call quantities, columns and the whole network, in English and Chinese."""

from __future__ import annotations

import re
from unicodedata import normalize

from cnncalc.quantities import COUNT, FIELD, MEMORY, OWNED, SHAPE, of_subject
from cnncalc.quantities import QUANTITIES as QUANTITIES_SAID

# Each quantity with other words for it; case, spaces, hyphens and underscores never matter.
QUANTITIES = {name: QUANTITIES_SAID[name].words for name in (*of_subject(COUNT, SHAPE, FIELD, MEMORY), *OWNED)}
COLUMNS = {
    "layer": "layers name layername 层 层名 层次 网络层 名称",
    "quantity": "quantities question what 量 项目 问题 类型 指标 题目",
    "answer": "answers value number result 答案 回答 值 数值 结果",
    "points": "point marks weight 分 分值 分数 得分",
    "accept": "accepted alternatives alsoaccept 可接受 也接受",
}
TOTAL = {"total", "totals", "sum", "all", "network", "net", "whole", "总计", "合计", "总", "总和", "网络", "全网",
         "整个网络", "总数", "整个模型", "模型", "全模型", "model", "themodel", "wholemodel", "thewholemodel",
         "thenetwork",         "wholenetwork", "thewholenetwork", "entirenetwork", "theentirenetwork", "*"}  # fmt: skip
SHAPED = frozenset(of_subject(SHAPE, FIELD))
IN_BYTES = frozenset((*of_subject(MEMORY), *OWNED))


def plain(word: str) -> str:
    """A word without case, width, brackets behind it, spaces and joints."""
    text = normalize("NFKC", word).casefold().strip().strip("*`# ")
    return re.sub(r"[\s_\-.#]|\(.*\)$", "", text)


def _index(table: dict[str, str]) -> dict[str, str]:
    return {plain(word): name for name, words in table.items() for word in (name, *words.split())}


QUANTITY_OF = _index(QUANTITIES)
COLUMN_OF = _index(COLUMNS)


# What may stand around the word for a quantity and changes nothing: `number of parameters`, 可训练参数个数.
AROUND = re.compile(
    r"^(?:the|whatis|whatare|compute|calculate|give|find|state|howmany|total|overall|numberof|noof|num|countof|amountof|learnable|trainable|all|of"
    r"|请计算|计算|请写出|写出|试求|求|总的|总|全部|全网|整个网络|网络|输出的?|可训练的?|可学习的?|需要?训练的?|待训练的?|模型)+(?=.)"
    r"|(?:count|number|total|intotal|needed|featuremaps?|featuremaps?|的?数量|的?个数|的?数目|总数|总量|次数|的?大小|的?尺寸|是多少|为多少|多少)+$"
)


def quantity_of(word: str) -> str | None:
    """The quantity that a word stands for; None for an unknown word."""
    text = plain(word)
    while text not in QUANTITY_OF:
        shorter = AROUND.sub("", text, count=1)
        if shorter == text:
            return None
        text = shorter
    return QUANTITY_OF[text]


ENDS_OF_QUANTITIES = tuple(QUANTITY_OF)


def may_end_in_quantity(text: str) -> bool:
    """Whether the end of a text can be the word for a quantity: far cheaper than to try every part of it."""
    word = plain(text)
    while not word.endswith(ENDS_OF_QUANTITIES):
        shorter = AROUND.sub("", word, count=1)
        if shorter == word:
            return False
        word = shorter
    return True


def is_total(word: str | None) -> bool:
    """Whether this stands for the whole network."""
    return word is None or plain(word) in TOTAL or word == "*"
