"""What people call quantities, columns and the whole network, in English and Chinese."""

from __future__ import annotations

import re
from unicodedata import normalize

# Each quantity with other words for it; case, spaces, hyphens and underscores never matter.
QUANTITIES = {
    "params": "parameters param parameter trainable trainableparams trainableparameters weights numparams "
    "参数 参数量 参数数 参数数量 参数个数 可训练参数 训练参数 可训练参数量 总参数 参量",
    "fixed_params": "fixedparameters nontrainable nontrainableparams 固定参数 不可训练参数",
    "buffers": "buffer 缓冲 缓冲区 统计量",
    "connections": "connection conn links 连接 连接数 连接数量 连接个数 连接量",
    "macs": "mac madds multadds multiplyadds multiplyaccumulates multiplications 乘加 乘加数 乘加次数 乘加运算 "
    "乘法次数 乘法 乘加量",
    "flops": "flop operations ops 浮点运算 浮点运算数 浮点运算量 浮点数运算 运算量 计算量 浮点运算次数",
    "output": "outputshape shape outputsize outputvolume size dims out 输出 输出形状 输出尺寸 输出大小 形状 尺寸 "
    "输出维度 特征图 特征图大小 特征图尺寸",
    "receptive_field": "rf field receptivefieldsize 感受野 感受野大小 感受域",
    "jump": "effectivestride 跳距 累积步幅 等效步长",
    "rf_start": "start 感受野起点 起点",
    "activation_bytes": "activations activationmemory 激活内存 激活字节 激活显存",
    "parameter_bytes": "parammemory parametermemory weightmemory memory 参数内存 参数字节 内存 模型大小",
    "peak_activation_bytes": "peak peakmemory peakactivation 峰值内存 峰值激活 峰值",
}
COLUMNS = {
    "layer": "layers name layername 层 层名 层次 网络层 名称",
    "quantity": "quantities question what 量 项目 问题 类型 指标 题目",
    "answer": "answers value number result 答案 回答 值 数值 结果",
    "points": "point marks weight 分 分值 分数 得分",
    "accept": "accepted alternatives alsoaccept 可接受 也接受",
}
TOTAL = {"total", "totals", "sum", "all", "network", "net", "whole", "总计", "合计", "总", "总和", "网络", "全网",
         "整个网络", "总数", "*"}  # fmt: skip
SHAPED = frozenset({"output", "receptive_field", "jump", "rf_start"})
IN_BYTES = frozenset({"activation_bytes", "parameter_bytes", "peak_activation_bytes"})


def plain(word: str) -> str:
    """A word without case, width, brackets behind it, spaces and joints."""
    text = normalize("NFKC", word).casefold().strip().strip("*`# ")
    return re.sub(r"[\s_\-.#]|\(.*\)$", "", text)


def _index(table: dict[str, str]) -> dict[str, str]:
    return {plain(word): name for name, words in table.items() for word in (name, *words.split())}


QUANTITY_OF = _index(QUANTITIES)
COLUMN_OF = _index(COLUMNS)


def quantity_of(word: str) -> str | None:
    """The quantity that a word stands for; None for an unknown word."""
    return QUANTITY_OF.get(plain(word))


def is_total(word: str | None) -> bool:
    """Whether this stands for the whole network."""
    return word is None or plain(word) in TOTAL or word == "*"
