"""A sweep written into a folder in partitions: Parquet files, and a manifest that says which are finished.

A run that ends early, by a kill too, leaves finished partitions behind, and the same run goes on behind them. Where
they are worked out does not matter: here, or by Dask in other processes and on other machines that see the folder.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import lru_cache
from hashlib import sha256
from itertools import islice
from typing import Any, NamedTuple

from cnncalc.errors import CnncalcError
from cnncalc.families.columns import np
from cnncalc.families.family import Family
from cnncalc.families.settings import Setting
from cnncalc.families.space import Space
from cnncalc.families.sweeping import Sweeping, Wish, empty_part, join_parts
from cnncalc.families.writing import REASON, table_of
from cnncalc.language import _

# The run in its first line, then a line for each finished partition. Readers of Parquet pass over names in _.
MANIFEST = "_manifest.jsonl"
MEMBERS = 262_144  # of a partition, unless it is said otherwise
PATIENCE = 10  # seconds until a scheduler that does not answer is given up
WAITING = 4  # partitions for each worker that are handed out before they are asked for


class Job(NamedTuple):
    """A sweep and the folder that it is written to.

    members  of each partition
    """

    setting: Setting
    space: Space
    wish: Wish
    folder: str
    members: int = MEMBERS

    @property
    def partitions(self) -> int:
        return -(-self.space.size // self.members)

    @property
    def header(self) -> dict[str, Any]:
        """What the manifest says of the run: another one does not go on with its partitions."""
        space = [{name: values_as_data(values) for name, values in factor.items()} for factor in self.space.factors]
        # Everything that numbers depend on: where and by how many they are worked out is left out, and may change.
        text = repr((self.setting, space, self.wish))
        return {
            "spec": self.setting.source.name,
            "members": self.space.size,
            "partition": self.members,
            "run": sha256(text.encode()).hexdigest(),
        }


class Finished(NamedTuple):
    """A partition that has been written: its number, its members, rows, and members that are no networks."""

    partition: int
    members: int
    rows: int
    infeasible: int


def values_as_data(values: Any) -> Any:
    return values.tolist() if isinstance(values, np.ndarray) else list(values)


def write_partitions(job: Job, told: Callable[[int], None] | None = None, workers: str | None = None) -> list[Finished]:
    """Write those partitions that are not there yet, and say of all what is in them.

    told     hears how many members each has dealt with, those of earlier runs first
    workers  None: this process; "local", "local:4": processes of this machine; or the address of a scheduler of Dask

    Raises CnncalcError where the folder holds another run, or where a library is missing.
    """
    os.makedirs(job.folder, exist_ok=True)
    with alone_in(job.folder):
        return write_what_is_left(job, told, workers)


@contextmanager
def alone_in(folder: str) -> Iterator[None]:
    """Nobody else writes partitions there meanwhile. A lock of the system, which a run that is killed leaves at once.

    Raises CnncalcError where another run writes.
    """
    try:
        import fcntl
    except ImportError:  # there is none on Windows
        yield
        return
    place = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(place, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CnncalcError(_("another run is writing to {folder}: wait for it", folder=folder)) from None
        except OSError:
            pass  # a file system without locks
        yield
    finally:
        os.close(place)


def write_what_is_left(job: Job, told: Callable[[int], None] | None, workers: str | None) -> list[Finished]:
    """What `write_partitions` gives, where nobody else writes."""
    found = {entry.partition: entry for entry in read_manifest(job)}
    if told is not None:
        told(sum(entry.members for entry in found.values()))
    for name in os.listdir(job.folder):  # what a kill cut off
        if name.startswith(".part-"):
            os.unlink(os.path.join(job.folder, name))
    left = [i for i in range(job.partitions) if i not in found]
    results = work_here(job, left) if workers is None else work_with_dask(job, left, workers)
    with open(os.path.join(job.folder, MANIFEST), "a", encoding="utf-8") as manifest:
        for entry in results:
            manifest.write(json.dumps(entry._asdict()) + "\n")
            manifest.flush()
            found[entry.partition] = entry
            if told is not None:
                told(entry.members)
    return [found[i] for i in sorted(found)]


def read_manifest(job: Job) -> list[Finished]:
    """The partitions that are finished; of a new folder none, and its manifest is begun. Raises CnncalcError."""
    path = os.path.join(job.folder, MANIFEST)
    if not os.path.exists(path):
        if any(name.endswith(".parquet") for name in os.listdir(job.folder)):
            raise CnncalcError(_("{folder} holds Parquet files and no manifest of a sweep", folder=job.folder))
        # Renamed when complete: a kill leaves no manifest without its first line.
        with open(path + ".new", "w", encoding="utf-8") as file:
            file.write(json.dumps(job.header) + "\n")
        os.replace(path + ".new", path)
        return []
    with open(path, encoding="utf-8") as file:
        first, *lines = file.read().split("\n")
    if json.loads(first) != job.header:
        raise CnncalcError(_("{folder} holds another sweep: choose an empty folder", folder=job.folder))
    found = []
    for line in lines:
        try:
            found.append(Finished(**json.loads(line)))
        except (ValueError, TypeError):
            continue  # the end of a line that a kill cut off: its partition is written again
    if lines and lines[-1]:  # so that the next line begins anew
        with open(path, "a", encoding="utf-8") as file:
            file.write("\n")
    # A line may outlive its file: what somebody has deleted is written again.
    return [entry for entry in found if os.path.exists(path_of(job, entry.partition))]


def path_of(job: Job, partition: int) -> str:
    return os.path.join(job.folder, f"part-{partition:06}.parquet")


@lru_cache(1)
def find_family(setting_text: str, setting: Setting) -> Family:
    """The family of a run, once for each process: its formulas are those of all partitions."""
    # The text is part of the key alone: to a cache `1`, `1.0` and `true` are one value, to a spec three.
    return Family(
        setting.source,
        inline=setting.inline,
        params=dict(setting.params),
        inputs=dict(setting.inputs),
        settings=setting.settings,
        max_operations=setting.max_operations,
    )


def write_partition(job: Job, partition: int) -> Finished:
    """Write one partition: the file is there when all of it has been written."""
    from pyarrow import parquet

    setting = job.setting._replace(params=FrozenMapping(job.setting.params), inputs=FrozenMapping(job.setting.inputs))
    family = find_family(repr(setting), setting)
    first = partition * job.members
    members = range(first, min(first + job.members, job.space.size))
    sweeping = Sweeping(family, job.space, job.wish)
    parts = list(sweeping.parts(members=members))
    part = join_parts(parts) if parts else empty_part(sweeping)
    path = path_of(job, partition)
    # Readers of Parquet pass over names that begin with a dot, should a kill leave this one.
    new = os.path.join(job.folder, f".{os.path.basename(path)}.{os.getpid()}")
    try:
        table = table_of(part, job.wish.quantities)
        repeated = [*part.params, REASON]  # hardly a number of a member is that of another
        parquet.write_table(table, new, use_dictionary=repeated)
        os.replace(new, path)
    except BaseException:
        if os.path.exists(new):
            os.unlink(new)
        raise
    return Finished(partition, len(members), len(part), sweeping.infeasible)


class FrozenMapping(dict[str, Any]):
    """A mapping that can be a key: what a run fixes does not change."""

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(repr(self))


def work_here(job: Job, partitions: list[int]) -> Iterator[Finished]:
    """The partitions, one after the other."""
    for partition in partitions:
        yield write_partition(job, partition)


def work_with_dask(job: Job, partitions: list[int], workers: str) -> Iterator[Finished]:
    """The partitions as they come from the workers of Dask; a few are handed out at a time."""
    local = re.fullmatch("local(?::([1-9][0-9]{0,3}))?", workers)
    if local is None and not re.fullmatch(r"[a-z]+://\S+:[0-9]{1,5}", workers):
        raise CnncalcError(
            _(
                "--dask is local, local:4 or a scheduler's address, tcp://HOST:8786, not '{text}'",
                text=workers[:60],
            )
        )
    try:
        from distributed import Client, KilledWorker, LocalCluster, as_completed
    except ImportError:
        raise CnncalcError(_("--dask needs Dask: pip install 'cnncalc[dask]'")) from None
    with ExitStack() as stack:
        try:
            where: Any = workers
            if local is not None:
                count = int(local[1]) if local[1] else None
                where = stack.enter_context(LocalCluster(n_workers=count, threads_per_worker=1, dashboard_address=None))
            client = stack.enter_context(Client(where, timeout=PATIENCE))
        except OSError as error:
            reason = str(error)
            raise CnncalcError(
                _("the workers at {address} cannot be reached: {reason}", address=workers, reason=reason)
            ) from None
        # The job is sent once; each task then names it.
        shared = client.scatter(job, broadcast=True)
        waiting = iter(partitions)
        at_once = WAITING * max(1, len(client.scheduler_info()["workers"]))
        futures = [client.submit(write_partition, shared, i, pure=False) for i in islice(waiting, at_once)]
        running = as_completed(futures)
        try:
            for future in running:
                yield future.result()
                # One more for each that has ended: a queue of all partitions would not fit the scheduler's memory.
                for i in islice(waiting, 1):
                    running.add(client.submit(write_partition, shared, i, pure=False))
        except KilledWorker:
            raise CnncalcError(
                _("workers of Dask ended over a partition, perhaps for want of memory: --partition makes it smaller")
            ) from None
