"""The `bitbake-config-build` command: fragments in conf/toolcfg.conf of the first BBPATH folder."""

import argparse
import os
import re
import sys

from standin import configuration

HEADER = """# Automated config file controlled by tools
#
# Run 'bitbake-config-build enable-fragment <fragment-name>' to enable additional fragments
# or replace built-in ones (e.g. machine/<name> or distro/<name> to change MACHINE or DISTRO).
"""
VALUE = re.compile(r'^(OE_FRAGMENTS \+= )"([^"\n]*)"', re.M)
BUILTIN = {"machine": "MACHINE", "distro": "DISTRO"}


def main(arguments):
    if "BBPATH" not in os.environ:
        print("KeyError: 'BBPATH'", file=sys.stderr)
        return 1
    parser = argparse.ArgumentParser(prog="bitbake-config-build", description="BitBake build configuration utility")
    parser.add_argument("-q", "--quiet", action="store_true")
    parser.add_argument("-d", "--debug", action="store_true")
    commands = parser.add_subparsers(title="subcommands", metavar="<subcommand>", required=True)
    default = os.path.join(os.environ["BBPATH"].split(":")[0], "conf/toolcfg.conf")
    for name, function, names in (
        ("list-fragments", _list, None),
        ("enable-fragment", _enable, "+"),
        ("disable-fragment", _disable, "+"),
        ("disable-all-fragments", _disable_all, None),
    ):
        command = commands.add_parser(name)
        command.add_argument("--confpath", default=default)
        command.add_argument("--verbose", "-v", action="store_true")
        if names:
            command.add_argument("fragmentname", nargs=names)
        command.set_defaults(function=function)
    options = parser.parse_args(arguments)
    return options.function(options) or 0


def _read(path):
    """The file's text with a header and an OE_FRAGMENTS line, written back where it lacked them."""
    text = HEADER
    if os.path.exists(path):
        with open(path, encoding="utf-8") as stream:
            text = stream.read()
    if "OE_FRAGMENTS += " not in text:
        text += '\nOE_FRAGMENTS += ""\n'
        _write(path, text)
    return text


def _write(path, text):
    with open(path, "w", encoding="utf-8") as stream:
        stream.write(text)


def _edit(path, change):
    """Apply `change` to each list of fragments in the file; whether the text is another one now."""
    before = _read(path)
    after = VALUE.sub(lambda match: '%s"%s"' % (match.group(1), " ".join(change(match.group(2).split()))), before)
    if after != before:
        _write(path, after)
    return after != before


def _prefix(fragment):
    return fragment.split("/", 1)[0]


def _enable(options):
    for fragment in options.fragmentname:
        if _prefix(fragment) not in BUILTIN or "/" not in fragment:
            print("ERROR: Fragment %s does not exist; use 'list-fragments' to see the full list." % fragment, file=sys.stderr)
            return 1

    def change(enabled):
        for fragment in options.fragmentname:
            if fragment in enabled:
                print("Fragment %s already included in %s" % (fragment, options.confpath))
                continue
            enabled = [one for one in enabled if _prefix(one) != _prefix(fragment) or _prefix(one) not in BUILTIN]
            enabled.append(fragment)
        return enabled

    if _edit(options.confpath, change):
        for fragment in options.fragmentname:
            print("Fragment %s added to %s." % (fragment, options.confpath))
    return 0


def _disable(options):
    def change(enabled):
        for wanted in options.fragmentname:
            for fragment in list(enabled):
                if fragment == wanted or (wanted.endswith("/") and fragment.startswith(wanted)):
                    print("Removing fragment %s from %s" % (fragment, options.confpath))
                    enabled.remove(fragment)
        return enabled

    if not _edit(options.confpath, change):
        print("Fragment names or prefixes %s matched nothing in %s." % (", ".join(options.fragmentname), options.confpath))
    return 0


def _disable_all(options):
    if _edit(options.confpath, lambda _enabled: []):
        print("All fragments removed from %s." % options.confpath)


def _list(options):
    enabled = (configuration.load().data.getVar("OE_FRAGMENTS") or "").split()
    print("Available built-in fragments:")
    for prefix, variable in BUILTIN.items():
        print("%s/...\tSets %s = ..." % (prefix, variable))
    print("\nEnabled built-in fragments:")
    for fragment in enabled:
        if _prefix(fragment) in BUILTIN:
            prefix, value = fragment.split("/", 1)
            print('%s\tSets %s = "%s"' % (fragment, BUILTIN[prefix], value))
    print()
