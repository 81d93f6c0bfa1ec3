"""The quantities that a report speaks of: one row each, which everything that lists them reads.

To add one: a row here, and a field or a property of `Facts` (layers/base.py) under the name that the row gives as
`fact`; a number that is no such fact has its fold in analysis/. Columns, JSON, CSV, expectations, answers,
differences, evidence and docs/quantities.md follow from the row.

The table is in the order of the totals of JSON. Rows of layers go by subject (OF_A_LAYER): shape, counts, fields,
memory; both orders are a contract, so that a new quantity stands behind the others of its subject.
"""

import re
from typing import NamedTuple

from cnncalc.language import n_

# What a quantity is about. Shapes and fields are tuples, an entry per axis; counts and memory are exact integers; a
# ratio is the number nearest to the quotient of two of them.
SHAPE, COUNT, FIELD, MEMORY, RATIO = "shape", "count", "field", "memory", "ratio"
SUBJECTS = (SHAPE, COUNT, FIELD, MEMORY, RATIO)
# How the network's number comes about: the sum over its layers, that of its output, or one that layers have not.
SUM, RESULT, OWN = "sum", "result", "own"
# The lists that are choices; JSON, CSV, expectations and answers have every quantity.
(
    USUAL,  # a column of the table unless others are asked for
    USUAL_SHARE,  # and one more with its share of the total
    ALWAYS,  # said of every layer that is new, gone or explained in short
    EXPLAINED,  # has a derivation
    ASKED,  # has one that is shown where it is asked for by name
    DIFFERS,  # a layer changed if this did
    LOCKED,  # of a layer, in cnncalc.lock
    LOCKED_TOTAL,  # of the network, in cnncalc.lock
    COMPARED,  # a column of `compare` and `networks`
    COUNTED,  # what the number of a convention may be
    DRAWN,  # bars of its own in a drawing of costs
) = (
    "usual", "usual share", "always", "explained", "asked", "differs", "locked", "locked total", "compared", "counted",
    "drawn",
)  # fmt: skip


class Quantity(NamedTuple):
    """One quantity, with all that is said of it in more than one place.

    heading   of its column; sign: how formulas write it, `MACs`; share: heading of the column with its share
    remark    its row in docs/quantities.md; meaning: what it counts in a few words, where rules can speak of it
    fact      the field of `Facts` that a layer's number comes from; empty: it has a fold of its own
    of        the two quantities that a ratio divides, the first by the second
    total     SUM, RESULT or OWN; empty: a network has none
    stored    belongs to the weights: a layer that uses those of another has 0
    batch     times the samples; bytes: times the bytes per value
    lists     where it stands by choice
    leaves    rank among the columns that go where they do not all fit, the first to go first; None: it stays
    words     other words for it in answers, in English and Chinese
    """

    name: str
    subject: str
    heading: str
    remark: str
    meaning: str = ""
    sign: str = ""
    share: str = ""
    fact: str = ""
    of: tuple[str, ...] = ()
    total: str = ""
    of_layer: bool = True
    stored: bool = False
    batch: bool = False
    bytes: bool = False
    lists: tuple[str, ...] = ()
    leaves: int | None = None
    words: str = ""

    @property
    def symbol(self) -> str:
        """How formulas write it."""
        return self.sign or self.name

    @property
    def tuples(self) -> bool:
        """Whether it is one number per axis."""
        return self.subject in (SHAPE, FIELD)

    def value(self, facts: object, batch: int = 1, size: int = 1, *, stored_here: bool = True) -> int | None:
        """A layer's number from its facts, for so many samples and bytes per value. None: not known."""
        if self.stored and not stored_here:
            return 0
        value: int | None = getattr(facts, self.fact)
        if value is None:
            return None
        return value * (batch if self.batch else 1) * (size if self.bytes else 1)


QUANTITIES: dict[str, Quantity] = {
    row.name: row
    for row in [
        Quantity(
            "output", SHAPE, n_("output"),
            "shape, channels first: `[C, H, W]`, `[C, L]`, `[F]`",
            fact="output", total=RESULT, leaves=8,
            lists=(USUAL, ALWAYS, EXPLAINED, DIFFERS, LOCKED),
            words="outputshape shape outputsize outputvolume size dims out 输出 输出形状 输出尺寸 输出大小 形状 尺寸 "
            "输出维度 特征图 特征图大小 特征图尺寸",
        ),
        Quantity(
            "params", COUNT, n_("params"),
            "trained numbers",
            meaning=n_("trained parameters"),
            share=n_("params %"), fact="params", total=SUM, stored=True,
            lists=(USUAL, USUAL_SHARE, ALWAYS, EXPLAINED, DIFFERS, LOCKED, LOCKED_TOTAL, COMPARED, COUNTED, DRAWN),
            words="parameters param parameter weights numparams 参数 参数量 参数数 参数数量 参数个数 总参数 参量",
        ),
        Quantity(
            "fixed_params", COUNT, n_("fixed"),
            "stored weights that are not trained (the RBF centres of LeNet-5: 840)",
            meaning=n_("stored weights that are not trained"),
            fact="fixed_params", total=SUM, stored=True,
            lists=(EXPLAINED, LOCKED_TOTAL),
            words="fixedparameters nontrainable nontrainableparams 固定参数 不可训练参数",
        ),
        Quantity(
            "buffers", COUNT, n_("buffers"),
            "stored statistics (batch norm: mean and variance, 2 per channel)",
            meaning=n_("stored statistics"),
            fact="buffers", total=SUM, stored=True, leaves=2,
            lists=(EXPLAINED, DIFFERS, LOCKED_TOTAL, COMPARED),
            words="buffer 缓冲 缓冲区 统计量",
        ),
        Quantity(
            "connections", COUNT, n_("connections"),
            "LeCun's count: over all output units, the values that the unit reads through a weight, and 1 for its "
            "bias. 0 for layers without weights, and for the scale of a norm",
            meaning=n_("connections"),
            fact="connections", total=SUM, leaves=5,
            lists=(USUAL, ALWAYS, EXPLAINED, DIFFERS, LOCKED, LOCKED_TOTAL, COMPARED, COUNTED),
            words="connection conn links 连接 连接数 连接数量 连接个数 连接量",
        ),
        Quantity(
            "macs", COUNT, n_("MACs"),
            "multiply-accumulates of weights with data; a bias is none. `transposed_conv`: input positions x fan-out; "
            "`subsample`: 1 per unit; `rbf`: fan-in per unit",
            meaning=n_("multiply-accumulates"),
            sign="MACs", share=n_("MACs %"), fact="macs", total=SUM, batch=True, leaves=7,
            lists=(USUAL, USUAL_SHARE, ALWAYS, EXPLAINED, DIFFERS, LOCKED, LOCKED_TOTAL, COMPARED, COUNTED, DRAWN),
            words="mac madds multadds multiplyadds multiplyaccumulates multiplications 乘加 乘加数 乘加次数 乘加运算 "
            "乘法次数 乘法 乘加量",
        ),
        Quantity(
            "flops", COUNT, n_("FLOPs"),
            "scalar operations: 2 per MAC, 1 per bias addition, and the element-wise work that `cnncalc kinds KIND` "
            "shows",
            meaning=n_("scalar operations, as cnncalc counts them"),
            sign="FLOPs", share=n_("FLOPs %"), fact="flops", total=SUM, batch=True, leaves=3,
            lists=(USUAL, EXPLAINED, DIFFERS, LOCKED_TOTAL, COMPARED, COUNTED),
            words="flop operations ops 浮点运算 浮点运算数 浮点运算量 浮点数运算 运算量 计算量 浮点运算次数",
        ),
        Quantity(
            "trainable_params", COUNT, n_("trainable"),
            "parameters that training changes: `params` less those of layers that are `frozen`",
            meaning=n_("parameters that training changes"),
            fact="trainable_params", total=SUM, stored=True,
            words="trainable trainableparams trainableparameters trainableweights 可训练参数 训练参数 可训练参数量 "
            "可训练参数个数 可训练的参数",
        ),
        Quantity(
            "activation_bytes", MEMORY, n_("activation bytes"),
            "elements of the output x bytes of the dtype",
            fact="elements", total=SUM, batch=True, bytes=True,
            lists=(EXPLAINED, DIFFERS, DRAWN),
            words="activationmemory 激活内存 激活字节 激活显存",
        ),
        Quantity(
            "receptive_field", FIELD, n_("RF"),
            "pixels of the network's input, per axis, that one interior unit depends on: the hull, of the largest "
            "phase behind upsampling; the input's own size behind a layer that sees everything",
            total=RESULT, leaves=6,
            lists=(USUAL, EXPLAINED, DIFFERS, LOCKED),
            words="rf field receptivefieldsize 感受野 感受野大小 感受域",
        ),
        Quantity(
            "jump", FIELD, n_("jump"),
            "input pixels between the fields of neighbouring units, per axis; a fraction behind upsampling",
            words="effectivestride totalstride 跳距 累积步幅 累积步长 等效步长 等效步幅 总步幅 总步长 有效步幅",
        ),
        Quantity(
            "rf_start", FIELD, n_("RF start"),
            "input index of the first pixel that unit 0 would see, per axis; negative inside padding",
            words="start 感受野起点 起点",
        ),
        Quantity(
            "peak_activation_bytes", MEMORY, n_("peak activation bytes"),
            "the most that is alive at once: each operation writes a new tensor, which lives until its last reader "
            "has run; inputs live from the start, outputs to the end; nothing is done in place",
            total=OWN, of_layer=False, batch=True, bytes=True, leaves=1,
            lists=(LOCKED_TOTAL, COMPARED),
            words="peak peakmemory peakactivation 峰值内存 峰值激活 峰值",
        ),
        Quantity(
            "parameter_bytes", MEMORY, n_("parameter bytes"),
            "trained and fixed parameters x bytes of the dtype; buffers are not among them",
            fact="weights", total=SUM, stored=True, bytes=True,
            lists=(EXPLAINED,),
            words="parammemory parametermemory weightmemory memory 参数内存 参数字节 内存 模型大小",
        ),
        Quantity(
            "activations", COUNT, n_("activations"),
            "elements of the outputs of convolutions and dense layers, the projections of attention and the gates of "
            "recurrent layers among them: the count of Radosavovic et al. 2020 (RegNet)",
            meaning=n_("outputs of convolutions and dense layers"),
            fact="activations", total=SUM, batch=True,
            lists=(ASKED,),
            words="acts activationcount numactivations 激活数 激活数量 激活量",
        ),
        Quantity(
            "backward_flops", COUNT, n_("backward FLOPs"),
            "scalar operations of the products in the backward pass: 2 per MAC for the gradient of the weights, 2 for "
            "that of what enters; none for weights that are frozen, and for what depends on nothing that is trained",
            sign="backward FLOPs", total=SUM, batch=True,
            lists=(ASKED,),
            words="backwardflop backwardoperations 反向运算量 反向浮点运算 反向计算量",
        ),
        Quantity(
            "moved_bytes", MEMORY, n_("moved bytes"),
            "what a layer reads and writes: its weights, inputs and outputs, each once",
            total=SUM, batch=True, bytes=True,
            lists=(ASKED,),
            words="memoryaccess memorytraffic 访存 访存量 内存访问量",
        ),
        Quantity(
            "saved_bytes", MEMORY, n_("saved bytes"),
            "what a layer keeps for its backward pass, and no layer before it keeps: values that enter or come out, "
            "and what it works out besides; weights and statistics that are stored are not among them "
            "([memory.md](memory.md))",
            total=SUM, batch=True, bytes=True,
            lists=(ASKED,),
            words="savedmemory savedactivations 保存内存 反向保存 反向所需内存",
        ),
        Quantity(
            "arithmetic_intensity", RATIO, n_("FLOPs per byte"),
            "`flops` / `moved_bytes`, the nearest number that a computer holds",
            of=("flops", "moved_bytes"), total=OWN,
            lists=(ASKED,),
        ),
    ]
}  # fmt: skip

# The sort is stable: within a subject rows stay in the order of the table.
OF_A_LAYER: tuple[Quantity, ...] = tuple(
    sorted((q for q in QUANTITIES.values() if q.of_layer), key=lambda q: SUBJECTS.index(q.subject))
)
OF_THE_NETWORK: tuple[Quantity, ...] = tuple(q for q in QUANTITIES.values() if q.total)
LAYER_NAMES: tuple[str, ...] = tuple(q.name for q in OF_A_LAYER)
SUMMED: tuple[str, ...] = tuple(q.name for q in OF_THE_NETWORK if q.total == SUM)
OWNED: tuple[str, ...] = tuple(q.name for q in OF_THE_NETWORK if q.total == OWN)
OF_RESULT: tuple[str, ...] = tuple(q.name for q in OF_THE_NETWORK if q.total == RESULT)
RATIOS: tuple[Quantity, ...] = tuple(q for q in QUANTITIES.values() if q.of)
# Those of a layer that neither it nor its field says: analysis/costs.py works them out
COSTS: tuple[str, ...] = tuple(q.name for q in OF_A_LAYER if not q.fact and q.subject != FIELD)
NETWORK_NAMES: tuple[str, ...] = (*SUMMED, *OWNED, *OF_RESULT)


def of_subject(*subjects: str) -> tuple[str, ...]:
    """Names of a layer's quantities about these subjects, in the order of rows."""
    return tuple(q.name for q in OF_A_LAYER if q.subject in subjects)


def quantity_called(word: str) -> str:
    """The quantity that people call so in one word, in any case: `params`, `RF`, `感受野`; empty where it is none."""
    # `Receptive Field`, `receptive_field` and `receptive-field` are one word.
    plain = re.sub(r"[\s_-]", "", word).casefold()
    return next((q.name for q in QUANTITIES.values() if plain in (q.name.replace("_", ""), *q.words.split())), "")


def listed_in(choice: str) -> tuple[str, ...]:
    """Names of the quantities of a list, in the order of rows, those of the network alone behind them."""
    rows = (*OF_A_LAYER, *(q for q in OF_THE_NETWORK if not q.of_layer))
    return tuple(q.name for q in rows if choice in q.lists)
