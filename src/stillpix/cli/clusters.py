"""The clusters that `--cluster` names: a scheduler's address, this computer, Slurm, or Kubernetes.

Never gives any work: it finds the workers, and hands them on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .naming import wrong

if TYPE_CHECKING:
    from ..scan.shards.cluster import Cluster

ClusterName = Annotated[
    str | None,
    typer.Option(
        "--cluster",
        metavar="ADDRESS|local|slurm|kubernetes",
        help="Let the workers of a Dask cluster do the work: those of the scheduler at an address "
        "such as tcp://head:8786, processes of this computer, or jobs that are started for it.",
    ),
]
Store = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        help="With --cluster, keep the sums of photos in this folder, which all workers must see "
        "under this name. Without it, they are in your library.",
    ),
]
ANSWER_S = 10.0
NEEDED = {"slurm": ("dask_jobqueue", "dask-jobqueue"), "kubernetes": ("dask_kubernetes",) * 2}
MISSING = "needs a package that is not installed; pip install {}"
FORMS = ("tcp://", "tls://", "ucx://", "ws://", "wss://")
NO_FORM = "'{}' is no cluster; give tcp://HOST:PORT, local, slurm or kubernetes"


def require_cluster(name: str | None) -> None:
    """Refuse what names no cluster, or one for which a package is missing; None is as good."""
    if name is None:
        return
    package, install = NEEDED.get(name, ("distributed", "'stillpix[dask]'"))
    if name not in {*NEEDED, "local"} and not name.startswith(FORMS):
        raise wrong(NO_FORM.format(name), "--cluster")
    for needed, how in (("distributed", "'stillpix[dask]'"), (package, install)):
        if find_spec(needed) is None:
            raise wrong(MISSING.format(how), "--cluster")


@contextmanager
def cluster_named(name: str, workers: int | None) -> Iterator[Cluster]:
    """Give the workers of a cluster until the block ends; at most so many, if they are started."""
    from distributed import Client

    from ..scan.shards.cluster import Cluster

    with _started(name, workers) as connect_to:
        crew = Cluster(name, partial(Client, connect_to, timeout=ANSWER_S, set_as_default=False))
        try:
            yield crew
        finally:
            crew.close()


@contextmanager
def _started(name: str, workers: int | None) -> Iterator[Any]:
    """Give an address, or a cluster that is started for the block."""
    if name.startswith(FORMS):
        yield name
        return
    with STARTING[name](workers) as cluster:
        yield cluster


def _local(workers: int | None) -> Any:
    import distributed

    from ..images.cores import usable_cores

    cluster: Any = distributed.LocalCluster  # it has no types
    return cluster(
        n_workers=workers or usable_cores(), threads_per_worker=1, dashboard_address=None
    )


def _slurm(workers: int | None) -> Any:
    """Start jobs as the person's own settings of dask-jobqueue say: queue, cores, memory."""
    from dask_jobqueue import SLURMCluster

    cluster = SLURMCluster()
    cluster.adapt(maximum_jobs=workers or MOST_JOBS)
    return cluster


def _kubernetes(workers: int | None) -> Any:
    """Start pods of the image `stillpix`, as the person's own settings of Kubernetes say."""
    from dask_kubernetes.operator import KubeCluster

    cluster = KubeCluster(name="stillpix", image="stillpix")
    cluster.adapt(minimum=1, maximum=workers or MOST_JOBS)
    return cluster


MOST_JOBS = 100
STARTING: dict[str, Callable[[int | None], Any]] = {
    "local": _local, "slurm": _slurm, "kubernetes": _kubernetes
}  # fmt: skip
