#!/usr/bin/env python3
"""Answers with what BitBake's own scheduler classes say about task graphs.

Standard input: one graph per line, {"tids": [id, ...], "depends": [[index, ...], ...]}.
Standard output: one answer per line, {"weights": [decimal text, ...], "speed": [index, ...],
"completion": [index, ...]}. How to get a Python that has BitBake: see README.md here.
"""

import json
import sys
import types

# The package has BitBake without its hash server, which nothing here needs.
try:
    import hashserv.client  # noqa: F401
except ImportError:
    sys.modules["hashserv"] = types.ModuleType("hashserv")
    sys.modules["hashserv"].client = types.ModuleType("hashserv.client")
    sys.modules["hashserv.client"] = sys.modules["hashserv"].client

import bb
import bb.parse
import bb.runqueue


class NoStamps:
    """Stands in for the signature generator: schedulers ask it for a stamp file of each task."""

    def stampfile_mcfn(self, taskname, taskfn, extrainfo=True):
        return "%s.%s" % (taskfn, taskname)


def run_queue_data(tids, depends):
    """BitBake's own class, filled as its prepare() does before it weighs the tasks."""
    data = bb.runqueue.RunQueueData.__new__(bb.runqueue.RunQueueData)
    data.runtaskentries = {tid: bb.runqueue.RunTaskEntry() for tid in tids}
    for tid, dependencies in zip(tids, depends, strict=True):
        for dependency in dependencies:
            data.runtaskentries[tid].depends.add(tids[dependency])
            data.runtaskentries[tids[dependency]].revdeps.add(tid)
    return data


def answer(graph):
    tids = graph["tids"]
    data = run_queue_data(tids, graph["depends"])
    endpoints = [tid for tid in tids if not data.runtaskentries[tid].revdeps]
    weights = data.calculate_task_weights(endpoints)
    queue = types.SimpleNamespace(
        runq_buildable=set(),
        max_cpu_pressure=None,
        max_io_pressure=None,
        max_memory_pressure=None,
    )
    places = {tid: place for place, tid in enumerate(tids)}

    def order(scheduler):
        return [places[tid] for tid in scheduler(queue, data).prio_map]

    return {
        "weights": [str(weights[tid]) for tid in tids],
        "speed": order(bb.runqueue.RunQueueSchedulerSpeed),
        "completion": order(bb.runqueue.RunQueueSchedulerCompletion),
    }


def main():
    bb.parse.siggen = NoStamps()
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line))))


if __name__ == "__main__":
    main()
