"""The part of BitBake's Python interface that a script embedding Tinfoil needs, over the stand-in's parser."""

import sys

__version__ = "2.19.0"


class BBHandledException(Exception):
    """An error that has been reported already."""


def note(*arguments):
    print("NOTE: " + "".join(arguments))


def warn(*arguments):
    print("WARNING: " + "".join(arguments))


def error(*arguments):
    print("ERROR: " + "".join(arguments), file=sys.stderr)


def fatal(*arguments):
    error(*arguments)
    raise BBHandledException()


def debug(_level, *_arguments):
    pass


from bb import data, fetch2, providers, utils  # noqa: E402  (as in BitBake, `import bb` brings these)
