"""Completion for the shell: layers and quantities of the network that is named, and scripts for bash and fish.

That of click for bash empties its list where files may follow; that for fish ends a name at its first comma.
"""

from __future__ import annotations

from typing import Any

import click
from click.shell_completion import BashComplete, CompletionItem, FishComplete, add_completion_class

from cnncalc.cli.options import Asked
from cnncalc.errors import CnncalcError
from cnncalc.quantities import LAYER_NAMES, NETWORK_NAMES, quantity_called

# A name that is offered among others gets its slash or its escapes here: bash does that for files alone, and then for
# all that is offered.
BASH = """\
%(complete_func)s() {
    local IFS=$'\\n'
    local response completion type value file

    response=$(env COMP_WORDS="${COMP_WORDS[*]}" COMP_CWORD=$COMP_CWORD %(complete_var)s=bash_complete $1)
    COMPREPLY=()
    for completion in $response; do
        IFS=',' read -r type value <<< "$completion"
        if [[ $type == 'plain' ]]; then
            COMPREPLY+=("$value")
        elif [[ $type == 'file' || $type == 'dir' ]]; then
            for file in $(compgen -f -- "$value"); do
                if [[ -d $file ]]; then
                    printf -v file '%%q/' "$file"
                else
                    printf -v file '%%q' "$file"
                fi
                COMPREPLY+=("$file")
            done
        fi
    done
    if [[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} == */ ]]; then
        compopt -o nospace
    fi
    return 0
}

complete -o nosort -F %(complete_func)s %(prog_name)s
"""


FISH = """\
function %(complete_func)s
    for completion in (env %(complete_var)s=fish_complete COMP_WORDS=(commandline -cp) \
COMP_CWORD=(commandline -t) %(prog_name)s)
        set -l parts (string split --max 1 "," $completion)
        if test $parts[1] = "plain"
            echo $parts[2]
        else
            __fish_complete_path $parts[2]
        end
    end
end

complete --no-files --command %(prog_name)s --arguments "(%(complete_func)s)"
"""


class NamesAndFiles(BashComplete):
    """Names and files side by side."""

    source_template = BASH


class WholeNames(FishComplete):
    """Names with commas in them, as lists of columns have."""

    source_template = FISH


def prepare() -> None:
    """Make click's completion use what is here."""
    add_completion_class(NamesAndFiles, "bash")
    add_completion_class(WholeNames, "fish")


class LayerType(click.ParamType):  # type: ignore[type-arg]  # generic in new versions of click only
    """The name of a layer or a block of the network that stands before it."""

    name = "layer"

    def __init__(self, *others: str) -> None:
        self.others = others

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        names = [*names_in(ctx), *self.others]
        return [CompletionItem(name) for name in dict.fromkeys(names) if name.startswith(incomplete)]


class QuantityType(click.ParamType):  # type: ignore[type-arg]  # generic in new versions of click only
    """The name of a quantity, or another word for it: of the network behind `total`, else of a layer."""

    name = "quantity"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        return quantity_called(value) or value

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        # With -e the words move up by one: what click takes for the spec is the layer.
        of_network = "total" in (ctx.params.get("layer"), ctx.params.get("spec"))
        names = NETWORK_NAMES if of_network else LAYER_NAMES
        return [CompletionItem(name) for name in names if name.startswith(incomplete)]


def names_in(ctx: click.Context) -> list[str]:
    """The layers and blocks of the network that a command line names so far; none where it cannot be read."""
    given: dict[str, Any] = ctx.params
    # Behind an option without its value, as `rf lenet5 --to`, click leaves the words before it unread
    spec = None if given.get("expression") else given.get("spec") or next(iter(ctx.args), None)
    try:
        asked = Asked(spec, given.get("expression"), given.get("params") or (), given.get("inputs") or ())
        graph = asked.graph()
    except (CnncalcError, click.UsageError, OSError):
        return []
    return [*(node.name for node in graph.nodes), *graph.groups]
