#!/usr/bin/env python3
"""How often BitBake parsed recipes, by build directory, from the event logs that OE has it write.

    parses.py FOLDER    of every build directory (build, build-*) in FOLDER

BitBake appends each event to TMPDIR/log/eventlog/TIME.json as a JSON line with its class and, pickled,
itself. Prints {"build": {"full": 2, "partial": 7}}: full is a parse that took nothing from the cache.
"""

import base64
import glob
import io
import json
import os
import pickle
import sys


class Event:
    """Stands in for every class in a pickle: only the attributes matter, and no code shall run."""


class Reader(pickle.Unpickler):
    def find_class(self, module, name):
        return Event


def parses(file):
    """(cached, parsed) of each parse that came to its end."""
    with open(file, encoding="utf-8", errors="replace") as lines:
        for line in lines:
            # A look at the text first: most lines are other events, and there are many.
            if '"bb.event.ParseCompleted"' not in line:
                continue
            record = json.loads(line)
            if record.get("class") == "bb.event.ParseCompleted":
                event = Reader(io.BytesIO(base64.b64decode(record["vars"]))).load()
                yield event.cached, event.parsed


def main():
    folder = sys.argv[1]
    counts = {}
    for file in sorted(glob.glob(glob.escape(folder) + "/build*/tmp/log/eventlog/*.json")):
        build = os.path.relpath(file, folder).split(os.sep)[0]
        count = counts.setdefault(build, {"full": 0, "partial": 0})
        for cached, parsed in parses(file):
            count["full" if cached == 0 and parsed > 0 else "partial"] += 1
    json.dump(counts, sys.stdout)


main()
