"""What a network adds up to: a row per operation, the totals, and which expectations hold. No formatting.

Counts are exact integers; None says that a number is not known. Field names are those of the JSON output.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from cnncalc.arithmetic import quotient
from cnncalc.errors import suggest_layer
from cnncalc.graph import Expectation, Graph, Group, UnknownLayerError
from cnncalc.language import _
from cnncalc.layers.base import Shape
from cnncalc.quantities import (
    COSTS,
    FIELD,
    LAYER_NAMES,
    NETWORK_NAMES,
    OF_THE_NETWORK,
    QUANTITIES,
    RATIOS,
    SHAPE,
    SUMMED,
    Quantity,
    of_subject,
)

if TYPE_CHECKING:
    from fractions import Fraction

    Jump = int | Fraction
else:
    Jump = int  # fractions is imported when the first fraction turns up

SCHEMA_VERSION = 1
# Other names that people write, of PyTorch's and of papers.
SAME_TYPES = {
    "fp64": "float64", "double": "float64", "f64": "float64", "fp32": "float32", "float": "float32", "f32": "float32",
    "single": "float32", "fp16": "float16", "half": "float16", "f16": "float16", "bf16": "bfloat16", "fp8": "float8",
}  # fmt: skip
BYTES = {"float64": 8, "float32": 4, "float16": 2, "bfloat16": 2, "float8": 1, "int32": 4, "int16": 2, "int8": 1}

ADDED = tuple(name for name in SUMMED if name not in COSTS)  # what is summed up when rows are put together
ADDENDS = attrgetter(*ADDED)  # these of a row
TAKEN = (*(name for name in LAYER_NAMES if name not in SUMMED and name not in COSTS), "fields", "place")
FIELDS = of_subject(FIELD)  # size, jump and start
SEEN = frozenset({"fields", *FIELDS})
RATIO_NAMES = tuple(ratio.name for ratio in RATIOS)

Sizes = tuple[int | None, ...]


class Settings(NamedTuple):
    """How numbers are counted: bytes per value, samples at once, taps on padding counted or not."""

    dtype: str = "float32"
    batch: int = 1
    exact_padding: bool = False


class Labels(NamedTuple):
    """The convention of another tool under which a report counts.

    number  the field that its number stands in; calls: what the tool calls it; unit: what it counts, in words
    unknown layers without a number, and why
    """

    name: str
    title: str
    number: str
    calls: str
    unit: str
    unknown: Mapping[str, str]

    @property
    def replaced(self) -> tuple[str, ...]:
        """The fields of a report that are the tool's, and not ours."""
        return tuple(dict.fromkeys(("params", "macs", "flops", *RATIO_NAMES, self.number)))

    def to_dict(self) -> dict[str, Any]:
        """The convention as JSON has it."""
        return {**self._asdict(), "unknown": dict(self.unknown)}


class Row:
    """One operation, or several that are shown as one. Units: see docs/quantities.md.

    later  gives what a row costs (`quantities.COSTS`) when one of these is first asked for: most reports show none.
           Ratios may be left out of it, where they are those of the row's own numbers.
    look   gives what its units see (`SEEN`), likewise
    place  of the operation among those of the network, 0 for the first; of several, that of the last
    """

    # Slots, which may stay empty: what a row costs and sees is put in when somebody asks for it.
    __slots__ = ("name", "kind", "inputs", *LAYER_NAMES, "fields", "shown_with", "weights_of", "later", "look", "place")

    name: str
    kind: str
    inputs: tuple[str, ...]
    output: Shape
    params: int | None
    fixed_params: int | None
    buffers: int | None
    connections: int | None
    macs: int | None
    flops: int | None
    trainable_params: int | None
    receptive_field: Sizes | None
    jump: tuple[Jump | None, ...] | None
    rf_start: Sizes | None
    activation_bytes: int | None
    parameter_bytes: int | None
    activations: int | None
    backward_flops: int | None
    moved_bytes: int | None
    saved_bytes: int | None
    arithmetic_intensity: float | None
    shown_with: int | None
    weights_of: str | None  # the layer whose weights this one uses; they are counted there
    fields: Mapping[str, Any]
    later: Callable[["Row"], Mapping[str, Any]]
    look: Callable[["Row"], Mapping[str, Any]]
    place: int

    if not TYPE_CHECKING:  # to mypy any name would be an attribute

        def __getattr__(self, name: str) -> Any:
            """A cost or a field that is not there yet; Python asks here for nothing else that a row has."""
            # Python asks here only while the slot is empty.
            if name not in COSTS and name not in SEEN:
                raise AttributeError(f"a row has no {name}")
            found = (self.look if name in SEEN else self.later)(self)
            for each, value in found.items():
                setattr(self, each, value)
            for ratio in RATIOS if name in COSTS else ():
                if ratio.name not in found:
                    setattr(self, ratio.name, divide(*(getattr(self, each) for each in ratio.of)))
            # Not `getattr`, which would come back here without an end.
            return object.__getattribute__(self, name)

    def __repr__(self) -> str:
        return f"Row({self.name!r}, {self.kind!r}, output={self.output}, params={self.params}, macs={self.macs})"

    def to_dict(self) -> dict[str, Any]:
        """The row as JSON has it: keys and their order are fixed."""
        return {
            "name": self.name,
            "kind": self.kind,
            "inputs": list(self.inputs),
            # A shape that is not known is an empty tuple.
            **{name: as_json(value) if (value := getattr(self, name)) != () else None for name in LAYER_NAMES},
        }


class Totals:
    """Sums over rows, each added up when it is asked for, and what only the whole network has.

    rows     None: there are none, and no number but those that are put in
    unknown  how many rows a sum that is there does not know
    result   the row whose field is the network's, unless that is put in
    """

    __slots__ = (*NETWORK_NAMES, "result", "rows", "unknown")

    params: int
    fixed_params: int
    buffers: int
    connections: int
    macs: int
    flops: int
    trainable_params: int
    activation_bytes: int
    parameter_bytes: int
    activations: int
    backward_flops: int
    moved_bytes: int
    saved_bytes: int
    arithmetic_intensity: float | None
    peak_activation_bytes: int | None
    receptive_field: Sizes | None
    output: Shape

    def __init__(self, rows: Sequence[Row] | None) -> None:
        self.rows = rows
        self.result: Row | None = None
        self.unknown: dict[str, int] = {}

    if not TYPE_CHECKING:  # to mypy any name would be an attribute

        def __getattr__(self, name: str) -> Any:
            """A sum of what is known of it, or a ratio of two sums, which is kept."""
            # Python asks here only while the slot is empty: a sum is worked out once.
            if name == "receptive_field" and self.result is not None:
                return self.result.receptive_field
            if name not in (*SUMMED, *RATIO_NAMES) or self.rows is None:
                raise AttributeError(f"totals without {name}")
            if name in SUMMED:
                values = [value for row in self.rows if (value := getattr(row, name)) is not None]
                found, self.unknown[name] = sum(values), len(self.rows) - len(values)
            else:
                found = divide_sums(self.rows, QUANTITIES[name])
            setattr(self, name, found)
            return found

    def __repr__(self) -> str:
        return f"Totals(params={self.params}, connections={self.connections}, macs={self.macs}, flops={self.flops})"

    def count_left_out(self, quantity: str) -> int:
        """The rows that a sum does not know; 0 for what is no sum."""
        if quantity not in SUMMED:
            return 0
        getattr(self, quantity)
        return self.unknown.get(quantity, 0)

    def is_partial(self, quantity: str) -> bool:
        """Whether a sum leaves out rows, of which it is not known."""
        return self.count_left_out(quantity) > 0

    @property
    def left_out(self) -> dict[str, int]:
        """The sums that are not of all rows, with the number of rows that they do not know."""
        return {quantity: rows for quantity in SUMMED if (rows := self.count_left_out(quantity))}

    def known(self, quantity: str) -> Any:
        """A sum as far as it is known; None where nothing of it is: that is no 0."""
        value = getattr(self, quantity)
        # A 0 to which nothing known has come is no number; any other partial sum is one, with what it leaves out.
        return None if not value and self.is_partial(quantity) else value

    def to_dict(self) -> dict[str, Any]:
        """The totals as JSON has them."""
        return {
            # The output's shape is that of the last row.
            **{q.name: as_json(self.known(q.name)) for q in OF_THE_NETWORK if q.subject != SHAPE},
            "left_out": self.left_out,
        }


class Verdict(NamedTuple):
    """An expectation of the spec, the number that came out, and whether it meets it."""

    expectation: Expectation
    actual: Any
    holds: bool

    @property
    def name(self) -> str:
        """`C3.params`, or `params` for a total."""
        layer, quantity = self.expectation.layer, self.expectation.quantity
        return f"{layer}.{quantity}" if layer else quantity


class Report:
    """The analysis of one network. Rows are in the order in which the operations run."""

    def __init__(
        self,
        *,
        name: str,
        source: str,
        inputs: Mapping[str, Shape],
        layers: tuple[Row, ...],
        totals: Totals,
        groups: Mapping[str, Group],
        settings: Settings,
        expectations: Sequence[Expectation] = (),
        as_written: bool = True,
        graph: Graph | None = None,
        convention: Labels | None = None,
    ) -> None:
        self.convention = convention
        self.graph = graph  # the network that was analyzed: what explains the numbers starts from it
        self.name = name
        self.source = source
        self.inputs = dict(inputs)
        self.layers = layers
        self.totals = totals
        self.groups = dict(groups)
        self.settings = settings
        self.as_written = as_written  # the spec's expectations are about this very network
        self.remarks = () if graph is None else graph.remarks  # what is to be said of the network as a whole
        # By name only when the first layer is asked for: a report that is printed needs no index.
        self._index: dict[str, Row] | None = None
        # Last, for a verdict asks this report for its numbers.
        self.expectations = tuple(self.verdict(expectation) for expectation in expectations)

    def __iter__(self) -> Iterator[Row]:
        return iter(self.layers)

    def __len__(self) -> int:
        return len(self.layers)

    def __contains__(self, name: object) -> bool:
        """Whether a layer, a block call or a repeat has this name."""
        return name in self.groups or any(row.name == name for row in self.layers)

    def __repr__(self) -> str:
        return f"<Report {self.name or 'unnamed'}: {len(self.layers)} layers, {self.totals!r}>"

    def __getitem__(self, name: str) -> Row:
        """The row of a layer; of a block or repeat, its rows added up. Raises UnknownLayerError, a KeyError."""
        if not isinstance(name, str):
            raise UnknownLayerError(
                _("layers are found by name, not by {name!r}; report.layers is a sequence", name=name)
            )
        if self._index is None:
            self._index = {row.name: row for row in self.layers}
        row = self._index.get(name)
        if row is not None:
            return row
        if name in self.groups:
            return self.group_row(name)
        shown = [row.name for row in self.layers if row.shown_with is None]
        hint = suggest_layer(name, [*self._index, *self.groups], shown)
        raise UnknownLayerError(_("there is no layer '{name}': {hint}", name=name[:40], hint=hint))

    def group_row(self, name: str) -> Row:
        """What the layers of a block or a repeat add up to; shape and field are those of its result."""
        group = self.groups[name]
        rows = self.layers[group.first : group.last]
        # A block may hand on an input as it is, which has no row.
        last = self.layers[group.result - len(self.inputs)] if group.result >= len(self.inputs) else rows[-1]
        return add_rows(rows, last, name=name, kind=group.kind)

    def share(self, row: Row, quantity: str) -> float | None:
        """What part of the total of a quantity a row has: 0 to 1; None if it is not known."""
        return self.shares([getattr(row, quantity)], quantity)[0]

    def shares(self, parts: Sequence[int | None], quantity: str) -> list[float | None]:
        """What part each of several numbers is of the total of a quantity."""
        whole = getattr(self.totals, quantity)
        # Of a sum that leaves rows out no row has a share that is known.
        if self.totals.is_partial(quantity):
            return [None] * len(parts)
        return [None if part is None else part / whole if whole else 0.0 for part in parts]

    def to_dict(self) -> dict[str, Any]:
        """The report as JSON has it: the same spec gives the same keys in the same order."""
        several = len(self.inputs) > 1
        layers = []
        for row in self.layers:
            entry = row.to_dict()
            # With one input the field of the row says it all.
            if several:
                entry["fields"] = {
                    name: dict(zip(FIELDS, map(as_json, (seen.size, seen.jump, seen.start)), strict=True))
                    for name, seen in row.fields.items()
                }
            if row.weights_of is not None:
                entry["weights_of"] = row.weights_of
            layers.append(entry)
        return {
            "schema_version": SCHEMA_VERSION,
            "name": self.name,
            "inputs": {name: list(shape) for name, shape in self.inputs.items()},
            "layers": layers,
            "totals": self.totals.to_dict(),
            "settings": self.settings._asdict(),
            # What hardly a network has is left out where there is none of it: the JSON of all others stays as it was.
            **({} if self.convention is None else {"convention": self.convention.to_dict()}),
            **({"remarks": list(self.remarks)} if self.remarks else {}),
            "expectations": [
                {"name": v.name, "expected": v.expectation.text, "actual": as_json(v.actual), "holds": v.holds}
                for v in self.expectations
            ],
        }

    def to_json(self) -> str:
        """The report as JSON text."""
        from cnncalc.formats.json import object_text

        return object_text(self.to_dict())

    def to_rows(self) -> list[dict[str, Any]]:
        """A dictionary per layer, ready for pandas.DataFrame."""
        return [row.to_dict() for row in self.layers]

    def __str__(self) -> str:
        """The table that `cnncalc SPEC` prints."""
        from cnncalc.display import text_of

        return text_of(self)

    def _repr_html_(self) -> str:
        from cnncalc.display import html_of

        return html_of(self)

    def verdict(self, expectation: Expectation) -> Verdict:
        """Whether a number of the report is as expected. Raises UnknownLayerError."""
        subject: Row | Totals = self.totals if expectation.layer is None else self[expectation.layer]
        actual = getattr(subject, expectation.quantity)
        if isinstance(subject, Totals) and subject.is_partial(expectation.quantity):
            # A sum that leaves rows out is no number to hold anything against.
            actual = None
        values = actual if isinstance(actual, tuple) else (actual,)
        return Verdict(expectation, actual, meets(values, expectation))


def meets(values: tuple[Any, ...], expectation: Expectation) -> bool:
    """Whether every value stands in the expected relation; what is not known meets nothing."""
    wanted, upper = expectation.value, expectation.upper or expectation.value
    if len(wanted) == 1:  # one number for all axes
        wanted = wanted * len(values)
    if len(upper) == 1:
        upper = upper * len(values)
    # More axes or fewer than were expected are no error of whoever wrote the expectation: it does not hold.
    if None in values or not len(values) == len(wanted) == len(upper):
        return False
    holds = _RELATIONS[expectation.relation]
    return all(holds(v, low, high) for v, low, high in zip(values, wanted, upper, strict=True))


_RELATIONS: dict[str, Callable[[Any, Any, Any], bool]] = {
    "=": lambda value, low, high: value == low,
    "<=": lambda value, low, high: value <= low,
    ">=": lambda value, low, high: value >= low,
    "<": lambda value, low, high: value < low,
    ">": lambda value, low, high: value > low,
    "..": lambda value, low, high: low <= value <= high,
}


def add_rows(rows: Sequence[Row], result: Row, *, name: str, kind: str) -> Row:
    """Several rows as one: counts are sums, unknown if one is; the shape and field are those of `result`."""
    row = Row()
    made = {r.name for r in rows}
    row.name, row.kind = name, kind
    # What its own layers make does not enter it.
    row.inputs = tuple(dict.fromkeys(i for r in rows for i in r.inputs if i not in made))
    for taken in TAKEN:
        setattr(row, taken, getattr(result, taken))
    row.shown_with, row.weights_of = None, None
    # All of a row at once, for a network has a row of this kind behind nearly every layer.
    for quantity, values in zip(ADDED, zip(*map(ADDENDS, rows), strict=True), strict=True):
        setattr(row, quantity, None if None in values else sum(values))
    row.later = partial(sum_costs, rows)
    return row


def sum_costs(rows: Sequence[Row], _sum: Row) -> dict[str, Any]:
    """What several rows cost, by name, for the one that stands for them."""
    return {name: divide_sums(rows, of) if (of := QUANTITIES[name]).of else add_known(rows, name) for name in COSTS}


def add_known(rows: Sequence[Row], quantity: str) -> int | None:
    """The sum over rows; None where one of them is not known."""
    values = [getattr(row, quantity) for row in rows]
    return None if None in values else sum(values)


def divide_sums(rows: Sequence[Row], ratio: Quantity) -> float | None:
    """A ratio over several rows: that of their sums; None where it is not known of one of them."""
    if any(getattr(row, ratio.name) is None for row in rows):
        return None
    # The ratio of the sums: ratios of layers do not add up.
    above, below = (sum(getattr(row, name) for row in rows) for name in ratio.of)
    return divide(above, below)


def divide(above: int | None, below: int | None) -> float | None:
    """A quotient of two counts; None where one of them is not known, or there is nothing to divide by."""
    found: float | None = quotient(above, below) if below and above is not None else None
    return found


def name_of(report: Report) -> str:
    """A network's name for people: what was changed of its spec is said in their language."""
    name, _with, changed = report.name.rpartition(" with ")  # as spec/build/network.py puts them together
    if not name or ("=" not in changed and changed != "other parameters"):
        return report.name
    return _("{name} with {changed}", name=name, changed=_(changed))


def title(report: Report) -> str:
    """`LeNet-5, input 1x32x32`."""
    from cnncalc.formats.numbers import sizes

    inputs = ", ".join(
        _("input {shape}", shape=sizes(shape))
        if name == "input"
        else _("input {name} {shape}", name=name, shape=sizes(shape))
        for name, shape in report.inputs.items()
    )
    return _("{name}, {inputs}", name=name_of(report), inputs=inputs) if report.name else inputs


def as_json(value: Any) -> Any:
    """A tuple as JSON has it: a fraction as a number where that is exact, else as text like 1/3."""
    if isinstance(value, tuple):
        return [as_json(v) for v in value]
    if value is None or isinstance(value, (int, float)):
        return value
    denominator = value.denominator
    # Halves and quarters are exact as decimals; a third is written as 1/3.
    return float(value) if denominator & (denominator - 1) == 0 else str(value)
