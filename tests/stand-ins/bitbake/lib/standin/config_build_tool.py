"""The `bitbake-config-build` command: fragments in conf/toolcfg.conf of the first BBPATH folder."""

import argparse
import os
import re
import sys

from standin import configuration, files

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
    options = _parser().parse_args(arguments)
    return options.function(options) or 0


def _parser():
    parser = argparse.ArgumentParser(prog="bitbake-config-build", description="stand-in for bitbake-config-build: built-in fragments")
    parser.add_argument("-q", "--quiet", action="store_true")
    parser.add_argument("-d", "--debug", action="store_true")
    commands = parser.add_subparsers(title="subcommands", metavar="<subcommand>", required=True)
    default = os.path.join(os.environ["BBPATH"].split(":")[0], "conf/toolcfg.conf")
    functions = {"list-fragments": _list, "enable-fragment": _enable, "disable-fragment": _disable, "disable-all-fragments": _disable_all}
    for name, function in functions.items():
        command = commands.add_parser(name)
        command.add_argument("--confpath", default=default)
        command.add_argument("--verbose", "-v", action="store_true")
        if name.endswith("-fragment"):
            command.add_argument("fragmentname", nargs="+")
        command.set_defaults(function=function)
    return parser


def _change(path, change):
    """Put each list of fragments in the file through `change`; whether that made a difference.

    The file and its OE_FRAGMENTS line are made where they are missing, whatever the change does.
    """
    stored = files.read(path) if os.path.exists(path) else None
    text = HEADER if stored is None else stored
    if not re.search(r"OE_FRAGMENTS \+= ", text):
        text += '\nOE_FRAGMENTS += ""\n'
    changed = VALUE.sub(lambda match: '%s"%s"' % (match.group(1), " ".join(change(match.group(2).split()))), text)
    if changed != stored:
        files.write(path, changed)
    return changed != text


def _builtin(fragment):
    """The variable that a built-in fragment sets, by what is before its slash; None for another one."""
    prefix, slash, _ = fragment.partition("/")
    return BUILTIN.get(prefix) if slash else None


def _enable(options):
    unknown = [fragment for fragment in options.fragmentname if _builtin(fragment) is None]
    if unknown:
        print("ERROR: Fragment %s does not exist; use 'list-fragments' to see the full list." % unknown[0], file=sys.stderr)
        return 1

    def with_the_new(enabled):
        for fragment in options.fragmentname:
            if fragment in enabled:
                print("Fragment %s already included in %s" % (fragment, options.confpath))
            else:
                # Two machines cannot be: the new one takes the place of the other.
                enabled = [*(other for other in enabled if _builtin(other) != _builtin(fragment)), fragment]
        return enabled

    if _change(options.confpath, with_the_new):
        print("\n".join("Fragment %s added to %s." % (fragment, options.confpath) for fragment in options.fragmentname))
    return 0


def _disable(options):
    folders = tuple(wanted for wanted in options.fragmentname if wanted.endswith("/"))

    def without(enabled):
        gone = [fragment for fragment in enabled if fragment in options.fragmentname or fragment.startswith(folders)]
        for fragment in gone:
            print("Removing fragment %s from %s" % (fragment, options.confpath))
        return [fragment for fragment in enabled if fragment not in gone]

    if not _change(options.confpath, without):
        print("Fragment names or prefixes %s matched nothing in %s." % (", ".join(options.fragmentname), options.confpath))
    return 0


def _disable_all(options):
    if _change(options.confpath, lambda _enabled: []):
        print("All fragments removed from %s." % options.confpath)


def _list(_options):
    available = ["%s/...\tSets %s = ..." % pair for pair in BUILTIN.items()]
    fragments = (configuration.load().data.getVar("OE_FRAGMENTS") or "").split()
    known = [(fragment, _builtin(fragment)) for fragment in fragments if _builtin(fragment)]
    enabled = ['%s\tSets %s = "%s"' % (fragment, variable, fragment.split("/", 1)[1]) for fragment, variable in known]
    print("\n".join(["Available built-in fragments:", *available, "", "Enabled built-in fragments:", *enabled, ""]))
