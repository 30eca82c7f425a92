"""Reading and writing small text files."""

import hashlib
import os


def read(path):
    with open(path, encoding="utf-8") as stream:
        return stream.read()


def write(path, text):
    """Write a file, with the folders above it where they are missing."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as stream:
        stream.write(text)


def remove(path):
    """Remove a file where it is there; whether it was."""
    try:
        os.remove(path)
    except FileNotFoundError:
        return False
    return True


def below(folder):
    """Every file in a folder and the folders in it."""
    return [os.path.join(where, name) for where, _, names in os.walk(folder) for name in names]


def digest_of(text):
    """A short name for a text."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def digest(path, algorithm):
    with open(path, "rb") as stream:
        return hashlib.new(algorithm, stream.read()).hexdigest()
