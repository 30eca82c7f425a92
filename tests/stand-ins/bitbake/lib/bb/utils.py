"""bb.utils: comparing versions, and the number of processors."""

import os

from standin.recipes import version_key


def vercmp_string(one, other):
    """-1, 0 or 1 as `one` is older than, equal to or newer than `other`."""
    first, second = version_key(one), version_key(other)
    return (first > second) - (first < second)


def cpu_count():
    return os.cpu_count() or 1
