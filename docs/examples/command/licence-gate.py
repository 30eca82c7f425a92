#!/usr/bin/env python3
"""Fails the recipes whose licence text changed, so that somebody looks at each of them.

For auh's step `command`: reads the request from standard input, writes the outcome to standard output.
"""

import json
import sys

request = json.load(sys.stdin)
recipes = []
for work in request["groups"]:
    for change in work["state"]["licences"]:
        recipes.append({
            "recipe": change["recipe"],
            "status": "failed",
            "class": "licence",
            "message": "the licence text changed",
            "log": change["file"],
        })
json.dump({"recipes": recipes}, sys.stdout)
