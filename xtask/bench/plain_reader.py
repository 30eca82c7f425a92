"""A plain reader of task-depends.dot: two regular expressions, a list of tasks, a list of edges."""

import re

TASK = re.compile(r'^"([^"]+)" \[label="([^"]*)"\]$', re.MULTILINE)
EDGE = re.compile(r'^"([^"]+)" -> "([^"]+)"$', re.MULTILINE)


def read(text):
    """The ids FILE:TASK in the file's order, and for each task the indices of what it waits for."""
    tids = []
    places = {}
    for name, label in TASK.findall(text):
        places[name] = len(tids)
        tids.append(label.rsplit("\\n", 1)[1] + ":" + name.rsplit(".", 1)[1])
    depends = [[] for _ in tids]
    for name, on in EDGE.findall(text):
        depends[places[name]].append(places[on])
    return tids, depends
