#!/usr/bin/env python3
"""How long BitBake's own code takes for a task-depends.dot, and a plain reader to read it.

Argument: the file. Prints one line of JSON with milliseconds: the reader, the best of several runs;
the weights, the order of BitBake's scheduler "completion" (rm-work here), and the reverse map as its
next_buildable_task makes it. Needs a Python with BitBake: see tests/bitbake-oracle.
"""

import json
import pathlib
import sys
import time
import types

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[1] / "tests/bitbake-oracle")]

import plain_reader
import oracle
from oracle import bb

RUNS = 5


def milliseconds(work, runs=1):
    """The best time, and the last result."""
    best = float("inf")
    for _ in range(runs):
        start = time.perf_counter()
        result = work()
        best = min(best, time.perf_counter() - start)
    return best * 1e3, result


def main():
    bb.parse.siggen = oracle.NoStamps()
    path = pathlib.Path(sys.argv[1])
    read, (tids, depends) = milliseconds(lambda: plain_reader.read(path.read_text()), RUNS)
    data = oracle.run_queue_data(tids, depends)
    ends = [tid for tid in tids if not data.runtaskentries[tid].revdeps]
    weights, _ = milliseconds(lambda: data.calculate_task_weights(ends))
    queue = types.SimpleNamespace(
        runq_buildable=set(), max_cpu_pressure=None, max_io_pressure=None, max_memory_pressure=None
    )
    order, scheduler = milliseconds(lambda: bb.runqueue.RunQueueSchedulerCompletion(queue, data))
    reverse, _ = milliseconds(lambda: {tid: scheduler.prio_map.index(tid) for tid in tids})
    print(json.dumps({
        "tasks": len(tids), "edges": sum(map(len, depends)), "read_ms": read,
        "weights_ms": weights, "order_ms": order, "reverse_ms": reverse,
    }))


if __name__ == "__main__":
    main()
