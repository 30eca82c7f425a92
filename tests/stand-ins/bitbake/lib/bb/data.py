"""bb.data: making and copying data stores."""

from standin.metadata import Data


def init():
    """An empty store."""
    return Data()


def createCopy(source):
    return source.createCopy()
