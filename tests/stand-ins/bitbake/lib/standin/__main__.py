"""Entry point of every stand-in tool: `python3 lib/standin TOOL ARGUMENT...`."""

import importlib
import json
import os
import sys

sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

TOOLS = {
    "bitbake": "bitbake_tool",
    "devtool": "devtool_tool",
    "bitbake-config-build": "config_build_tool",
    "bitbake-getvar": "getvar_tool",
    "bitbake-layers": "layers_tool",
    "buildhistory-diff": "buildhistory",
}


def record_call(tool, arguments):
    """Append one JSON line about this call to STANDIN_LOG; one write, so that parallel calls do not mix."""
    log = os.environ.get("STANDIN_LOG")
    if not log:
        return
    entry = {"argv": [tool, *arguments], "cwd": os.getcwd()}
    entry.update({name: os.environ.get(name) for name in ("BUILDDIR", "MACHINE", "TCLIBC", "BBPATH")})
    with open(log, "a", encoding="utf-8") as stream:
        stream.write(json.dumps(entry) + "\n")


def main():
    tool, arguments = sys.argv[1], sys.argv[2:]
    record_call(tool, arguments)
    if os.environ.get("STANDIN_INSTANT") == "1":
        return 0
    # A person's terminal and a pipe get the lines in the same order.
    sys.stdout.reconfigure(line_buffering=True)
    return importlib.import_module("standin." + TOOLS[tool]).main(arguments)


sys.exit(main())
