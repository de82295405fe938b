"""Engines: what spreads files over processes and machines. A new one is a function and a line at the end."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from kdeviz.batch.scoring import OnRows
from kdeviz.errors import OptionError
from kdeviz.wording import one_line

_RETRIES = 3
_WORKERS_COME = 60.0  # seconds: a cluster that grows when there is work needs some


class Plan(NamedTuple):
    """Where the work is done.

    Attributes:
        workers: processes on this machine; None for as many as the engine finds right.
        address: of a scheduler or cluster that is there; None for one of our own on this machine.
        on_rows: told of the rows of the file at work, by engines that work in this process.
    """

    workers: int | None = None
    address: str | None = None
    on_rows: OnRows | None = None


Work = Callable[..., Any]
"""What is done with each job: it takes (job) or (job, on_rows), can be pickled, and returns the outcome."""
Engine = Callable[[Work, Sequence[Any], Plan], Iterator[Any]]
"""Does work for every job, and gives what came of each, in whatever order they end."""


def in_turn(work: Work, jobs: Sequence[Any], plan: Plan) -> Iterator[Any]:
    """One file after the other in this process, each with all its cores."""
    if plan.workers not in (None, 1) or plan.address is not None:
        raise OptionError("--workers and --address need an engine: --engine dask or --engine ray")
    for job in jobs:
        yield work(job, plan.on_rows)


def with_dask(work: Work, jobs: Sequence[Any], plan: Plan) -> Iterator[Any]:
    """Files spread by Dask over processes here, or over the cluster of a scheduler.

    A job whose worker dies is done again by another.
    """
    distributed = _engine("distributed", "dask")
    with _dask_client(distributed, plan) as client:
        pending = client.map(work, jobs, pure=False, retries=_RETRIES)
        try:
            client.wait_for_workers(1, timeout=_WORKERS_COME)
        except TimeoutError:  # Dask would wait for ever
            raise OptionError(
                f"the Dask scheduler at {plan.address} has no workers: start one there with dask worker"
            ) from None
        for _, outcome in distributed.as_completed(pending, with_results=True):
            yield outcome


def with_ray(work: Work, jobs: Sequence[Any], plan: Plan) -> Iterator[Any]:
    """Files spread by Ray over actors here, or on the cluster at an address; with a GPU each where there are.

    An actor that dies is started again, and its job is done again.
    """
    ray = _engine("ray", "ray")
    ours = not ray.is_initialized()
    if ours:
        with _answering("Ray cluster", plan.address):
            ray.init(plan.address, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    try:
        yield from _by_actors(ray, work, jobs, plan)
    finally:
        if ours:
            ray.shutdown()


def _dask_client(distributed: Any, plan: Plan) -> Any:
    if plan.address is not None:
        if plan.workers is not None:
            raise OptionError("a scheduler has its own workers: leave out --workers or --address")
        with _answering("Dask scheduler", plan.address):
            return distributed.Client(plan.address)
    workers = plan.workers or 1
    import dask

    threads = str(max((os.cpu_count() or 1) // workers, 1))
    names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
    with dask.config.set({"distributed.nanny.pre-spawn-environ": dict.fromkeys(names, threads)}):
        return distributed.Client(
            n_workers=workers,
            threads_per_worker=1,
            processes=True,
            host="127.0.0.1",
            dashboard_address=None,
            scheduler_kwargs={"dashboard_address": "127.0.0.1:0"},  # or it warns where another is at work
        )


@contextmanager
def _answering(what: str, address: str | None) -> Iterator[None]:
    """What is raised where nothing answers at an address, in one line."""
    try:
        yield
    except (OSError, ValueError, RuntimeError) as error:  # Ray raises all three
        if address is None:
            raise
        raise OptionError(f"no {what} answers at {address} ({one_line(error, 200)})") from None


def _by_actors(ray: Any, work: Work, jobs: Sequence[Any], plan: Plan) -> Iterator[Any]:
    there = ray.cluster_resources()
    gpus = int(there.get("GPU", 0))
    workers = min(plan.workers or gpus or 1, len(jobs))
    if workers > there.get("CPU", 0):  # Ray would wait for them for ever
        raise OptionError(
            f"the cluster has {there.get('CPU', 0):g} CPUs, and {workers} workers need one each: ask for "
            "fewer with --workers"
        )
    threads = max(int(there["CPU"]) // workers, 1)
    actor = ray.remote(
        num_cpus=1,
        num_gpus=1 if gpus >= workers else 0,
        max_restarts=-1,
        max_task_retries=_RETRIES,
        runtime_env={"env_vars": {"OMP_NUM_THREADS": str(threads)}},
    )(_Actor)
    pool = ray.util.ActorPool([actor.remote(work) for _ in range(workers)])
    yield from pool.map_unordered(lambda one, job: one.do.remote(job), list(jobs))


class _Actor:
    """A process of Ray's that keeps the model."""

    def __init__(self, work: Work) -> None:
        self._work = work

    def do(self, job: Any) -> Any:
        return self._work(job)


def _engine(module: str, extra: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError:
        raise OptionError(f"--engine {extra} takes pip install 'kdeviz[{extra}]'") from None


ENGINES: dict[str, Engine] = {"none": in_turn, "dask": with_dask, "ray": with_ray}
"""Every engine by the name it is asked for."""
