"""What a layer kind is: options that it takes, and the facts that it claims.

A kind is a class of frozen options with one function, `facts(*shapes)`, written as a textbook prints it.
Shapes are channels first, without a batch: (C, H, W), (C, L), (F,). Imported by every family.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import TYPE_CHECKING, Any, ClassVar, Self, dataclass_transform

from cnncalc.errors import ShapeError
from cnncalc.language import _
from cnncalc.layers.gradients import Kept, Products
from cnncalc.layers.reach import (
    FLATTENED as FLATTENED,
)
from cnncalc.layers.reach import (
    KEPT as KEPT,
)
from cnncalc.layers.reach import (
    LINKED as LINKED,
)
from cnncalc.layers.reach import (
    MIXED as MIXED,
)
from cnncalc.layers.reach import (
    PARTED as PARTED,
)
from cnncalc.layers.reach import (
    POINTWISE as POINTWISE,
)
from cnncalc.layers.reach import (
    STACKED as STACKED,
)
from cnncalc.layers.reach import (
    WHOLE as WHOLE,
)
from cnncalc.layers.reach import (
    Axes as Axes,
)
from cnncalc.layers.reach import (
    Reach as Reach,
)
from cnncalc.layers.reach import (
    Shape as Shape,
)
from cnncalc.layers.reach import (
    Step as Step,
)

if TYPE_CHECKING:
    from cnncalc.layers.elements import Reads
    from cnncalc.layers.links import Link


class Option:
    """One option of a kind: how its text is read, and every way in which people write it."""

    __slots__ = ("aliases", "default", "doc", "flag", "main", "name", "read", "required", "words")

    def __init__(
        self,
        read: Callable[[Any], Any],
        doc: str,
        *,
        default: Any = None,
        required: bool = False,
        main: bool = False,
        flag: str = "",
        aliases: Sequence[str] = (),
        words: Mapping[str, str] | None = None,
    ) -> None:
        self.name = ""
        self.read = read
        self.doc = doc
        self.default = default
        self.required = required
        self.main = main  # may stand right behind the kind: `conv 6`
        self.flag = flag  # the letter of the flag: k5
        self.aliases = tuple(aliases)
        self.words = words or {}  # flags that are whole words: {"nobias": "false"}

    def named(self, name: str, **changes: Any) -> Option:
        """The same option under a name of its own, with some of its particulars changed."""
        copy = Option(
            self.read,
            self.doc,
            default=self.default,
            required=self.required,
            main=self.main,
            flag=self.flag,
            aliases=self.aliases,
            words=self.words,
        )
        copy.name = name
        for key, value in changes.items():
            setattr(copy, key, value)
        return copy


def option(base: Option, **changes: Any) -> Any:
    """Declare an option of a kind: a shared one, perhaps with another default."""
    return base.named("", **changes)


class Facts:
    """What a layer claims about itself on given input shapes. None says: not known.

    output        shape, channels first
    params        trained numbers; fixed_params: stored but not trained; buffers: stored statistics
    connections   over all output units, values read through a weight, plus 1 for a bias
    macs          multiply-accumulates of weights with data
    work          scalar operations besides the MACs, by kind: {"add": 4704, "tanh": 4704}
    reach         what each axis does to the receptive field
    local         what is left of it without the statistics of the whole map; None: all of it
    activations   elements of the outputs of convolutions and dense layers: its own, or of those inside it
    kept          what it keeps for its backward pass
    products      multiply-accumulates of its gradients; None: each MAC is of a weight with what enters
    """

    __slots__ = (
        "activations", "buffers", "connections", "fixed_params", "frozen", "kept", "local", "macs", "output", "params",
        "products", "reach", "work",
    )  # fmt: skip

    def __init__(
        self,
        *,
        output: Shape,
        params: int | None = None,
        fixed_params: int | None = 0,
        buffers: int | None = 0,
        connections: int | None = None,
        macs: int | None = None,
        work: Mapping[str, int] | None = None,
        reach: Reach | None = None,
        local: Reach | None = None,
        activations: int | None = None,
        kept: Kept | None = None,
        products: Products | None = None,
    ) -> None:
        self.output = output
        self.params = params
        self.fixed_params = fixed_params
        self.buffers = buffers
        self.connections = connections
        self.macs = macs
        self.work = work
        self.reach = reach
        self.local = local
        self.activations = activations
        self.kept = kept
        self.products = products
        self.frozen = 0  # of the params, how many are kept as they are: see `freeze`

    def freeze(self, frozen: bool | int) -> Facts:
        """The same with parameters that are stored and not trained: all of them, or so many."""
        # `frozen` is said of one layer of a spec, never of a kind: the constructor, which kinds call, does not know it.
        facts = Facts(**{name: getattr(self, name) for name in self.__slots__ if name != "frozen"})
        most = facts.params or 0
        facts.frozen = most if frozen is True else min(int(frozen), most)
        return facts

    @property
    def trainable_params(self) -> int | None:
        """Parameters that training changes."""
        return None if self.params is None else self.params - self.frozen

    @property
    def elements(self) -> int | None:
        """Numbers of the output."""
        return prod(self.output) if self.output else None

    @property
    def weights(self) -> int | None:
        """Stored weights, trained or fixed; statistics are none."""
        return None if self.params is None or self.fixed_params is None else self.params + self.fixed_params

    @property
    def flops(self) -> int | None:
        """Scalar operations: 2 per MAC, and the rest of the work."""
        if self.macs is None or self.work is None:
            return None
        return 2 * self.macs + sum(self.work.values())

    @property
    def backward(self) -> Products | None:
        """Multiply-accumulates of the gradients: of each MAC one for its weight, one for what the weight meets."""
        if self.products is not None or self.macs is None:
            return self.products
        # Backpropagation (Rumelhart et al. 1986): dL/dw and dL/dx, so that training costs about three forward passes.
        return Products(weights=self.macs, inputs=(self.macs,))


def weightless(output: Shape, work: Mapping[str, int], reach: Reach | None, kept: Kept) -> Facts:
    """The facts of a layer without weights: nothing stored, no connections, no MACs."""
    return Facts(output=output, params=0, connections=0, macs=0, work=work, reach=reach, activations=0, kept=kept)


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(option,))
class Layer:
    """A kind of layer with its options; a subclass declares the options and says the facts.

    Frozen, compared and hashed by kind and options. Not a standard dataclass: defining one of those
    takes a millisecond, and a spec needs dozens before its first number.
    """

    kind: str
    built: str = ""  # how a framework would build it, where the spec says so: see layers/options.py, CONSTRUCTION
    inplace: bool = False
    frozen: bool | int = False  # whether its parameters stay as they are, or how many of them
    options: ClassVar[Mapping[str, Option]] = {}
    flattens: ClassVar[bool] = False  # a map that meets this layer is flattened first
    reads_nothing: ClassVar[bool] = False  # what enters its step goes no further
    asks_shapes: ClassVar[bool] = True  # what it claims depends on the shapes that enter
    channels: ClassVar[str] = MIXED  # MIXED, KEPT, STACKED, LINKED or PARTED

    def __init_subclass__(cls) -> None:
        # Inherited options come first, and one that is declared again keeps its place among them.
        declared = dict(cls.options)
        for name, value in vars(cls).items():
            if isinstance(value, Option):
                # `option` has made a copy for this class alone, so no other kind is renamed.
                value.name = name
                declared[name] = value
        cls.options = declared

    def __init__(
        self, *, kind: str = "", built: str = "", inplace: bool = False, frozen: bool | int = False, **given: Any
    ) -> None:
        values = {name: option.default for name, option in self.options.items()}
        unknown = given.keys() - values.keys()
        missing = [n for n, o in self.options.items() if o.required and given.get(n) is None]
        # A program's mistake: whoever reads a spec has looked before.
        if unknown or missing:
            raise TypeError(f"{type(self).__name__}: {'unknown' if unknown else 'missing'} option {unknown or missing}")
        values.update(given)
        vars(self).update(values, kind=kind or type(self).__name__.lower())
        # Stored only where given: a plain layer is equal to, and hashes like, one that says these defaults out loud.
        if built:
            vars(self)["built"] = built
        if inplace:
            vars(self)["inplace"] = inplace
        if frozen:
            vars(self)["frozen"] = frozen

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"{type(self).__name__} is frozen: make a new one with replace({name}=...)")

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and vars(self) == vars(other)

    def __hash__(self) -> int:
        # Values stand in the order of the options, so that equal layers have one hash.
        return hash((type(self), *vars(self).values()))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{k}={v!r}' for k, v in vars(self).items())})"

    def replace(self, **changes: Any) -> Self:
        """The same layer with some options changed."""
        return type(self)(**{**vars(self), **changes})

    # (*args, **kwargs) lets a kind name its inputs: facts(self, x), facts(self, *shapes).

    def facts(self, *args: Any, **kwargs: Any) -> Facts:
        """What this layer claims on inputs of the given shapes. Raises ShapeError if it cannot be applied."""
        raise TypeError(f"{type(self).__name__} does not say its facts")

    def on_padding(self, *args: Any, **kwargs: Any) -> tuple[int | None, int | None]:
        """(connections, macs) among those claimed that read padding: what --exact-padding leaves out. None: unknown."""
        return 0, 0

    def links(self, *args: Any, **kwargs: Any) -> Sequence[Link]:
        """Which channels of the output read which of the input: where `channels` is LINKED or PARTED."""
        raise TypeError(f"{type(self).__name__} does not say its links")

    def elements(self, *args: Any, **kwargs: Any) -> Reads | None:
        """Which elements single units read, where `reach` and `links` do not say it all. None: they do."""
        return None


def shape_text(shape: Sequence[int]) -> str:
    """`6x28x28`."""
    return "x".join(map(str, shape))


def spatial(kind: str, shape: Shape) -> tuple[int, ...]:
    """The axes behind the channels; ShapeError for a vector."""
    if not 2 <= len(shape) <= 4:
        raise ShapeError(
            _(
                "{kind} needs a map (channels and 1 to 3 axes); what enters is {shape}",
                kind=kind,
                shape=describe(shape),
            ),
            _("put it before the first flatten or dense layer"),
        )
    return shape[1:]


def describe(shape: Shape) -> str:
    """A shape in words: `a vector of 84` or `16x5x5`."""
    return _("a vector of {shape}", shape=shape[0]) if len(shape) == 1 else shape_text(shape)


def per_axis(values: Axes, size: Sequence[int], option: str) -> Axes:
    """One value for each axis: a single one is used for all. ShapeError if their number differs."""
    # Compared before a single value is spread, so that 1-d maps take the same way as all others.
    if len(values) == len(size):
        return values
    if len(values) == 1:
        return values * len(size)
    raise ShapeError(
        _(
            "{option} {shape} has {count} axes; the input has {axes} ({other})",
            option=option,
            shape=shape_text(values),
            count=len(values),
            axes=len(size),
            other=shape_text(size),
        ),
        _("give one number for all axes, or {count}", count=len(size)),
        option,
    )
