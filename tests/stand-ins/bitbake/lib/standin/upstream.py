"""Upstream without a network: the host upstream.example is the folder that STANDIN_UPSTREAM names."""

import os
import re
import shutil
import subprocess
import time
import urllib.parse

from standin import files
from standin.recipes import version_key

HOST = "upstream.example"
# Takes connections and never answers.
SILENT_HOST = "silent.example"


class FetchFailure(Exception):
    """A source that could not be had; `messages` are the lines that BitBake prints for it."""

    def __init__(self, messages, url):
        super().__init__(messages[0])
        self.messages, self.url = messages, url


def decode(uri):
    """(scheme, host and path, parameters) of one SRC_URI entry."""
    address, *parameters = uri.split(";")
    scheme, _, rest = address.partition("://")
    return scheme, rest, dict(part.split("=", 1) for part in parameters if "=" in part)


def remote(data):
    """The first SRC_URI entry that is not a local file; None where all are."""
    for uri in (data.getVar("SRC_URI") or "").split():
        if decode(uri)[0] != "file":
            return uri
    return None


def folder(data):
    """The folder that stands for upstream.example, or None."""
    # A check runs on a few copied variables, as the real one does; a session leaves the folder in the
    # environment for it.
    return data.getVar("STANDIN_UPSTREAM") or os.environ.get("STANDIN_UPSTREAM")


def local_copy(data, uri):
    """The file that a URI of upstream.example names; None for another host or a file that is not there."""
    place = urllib.parse.urlsplit(uri.split(";")[0])
    if place.hostname != HOST or not folder(data):
        return None
    path = os.path.join(folder(data), place.path.lstrip("/"))
    return path if os.path.isfile(path) else None


def fetch_archive(data, uri):
    """Bring the archive into DL_DIR and return its path; not verified yet."""
    source = local_copy(data, uri)
    downloads = data.getVar("DL_DIR")
    target = os.path.join(downloads, os.path.basename(uri.split(";")[0]))
    if source is None:
        raise FetchFailure(_not_found(downloads, target, uri), uri)
    os.makedirs(downloads, exist_ok=True)
    partial = "%s.%d.tmp" % (target, os.getpid())
    shutil.copyfile(source, partial)
    os.replace(partial, target)
    return target


def _not_found(downloads, target, uri):
    command = ["wget", "--tries=2", "--timeout=100", "--output-document=%s.tmp" % target, "--continue"]
    command += ["--directory-prefix=%s" % downloads, uri, "--progress=dot", "--verbose"]
    return [
        "Fetcher failure: Fetch command %s failed with exit code 8, see logfile for output" % command,
        "Bitbake Fetcher Error: FetchError('Unable to fetch URL from any source.', '%s')" % uri,
    ]


def verify(data, uri, path):
    """Compare the archive with the recipe's sha256sum."""
    name = decode(uri)[2].get("name")
    flag = name + ".sha256sum" if name else "sha256sum"
    wanted, actual = data.getVarFlag("SRC_URI", flag), files.digest(path, "sha256")
    if wanted == actual:
        return
    if wanted is None:
        text = "Checksum Error: No checksum specified for '%s', please add at least one to the recipe" % path
        raise FetchFailure(["Bitbake Fetcher Error: NoChecksumError(%r, '%s')" % (text, uri)], uri)
    text = "Checksum mismatch!\nFile: '%s' has sha256 checksum '%s' when '%s' was expected" % (path, actual, wanted)
    raise FetchFailure(["Bitbake Fetcher Error: ChecksumError(%r, '%s', '%s')" % (text, uri, actual)], uri)


def git_address(uri):
    """What git can clone for a git:// entry; protocol=file is a folder."""
    scheme_path, parameters = decode(uri)[1], decode(uri)[2]
    if parameters.get("protocol", "git") == "file":
        return scheme_path
    raise FetchFailure(["Bitbake Fetcher Error: FetchError('Unable to fetch URL from any source.', '%s')" % uri], uri)


def latest(data, uri, series=None):
    """(newest version, its revision or None) that upstream has; ("", None) where nothing matches.

    With `series` only versions that match this regex count.
    """
    if decode(uri)[0] in ("git", "gitsm"):
        return _latest_tag(data, uri, series)
    return _latest_archive(data, uri, series), None


def latest_commit(data, uri):
    """The commit at the tip of the entry's branch."""
    branch = decode(uri)[2].get("branch", "master")
    listed = _ls_remote(uri, "--heads", branch)
    if not listed:
        raise FetchFailure(["Bitbake Fetcher Error: FetchError('Unable to resolve branch %s', '%s')" % (branch, uri)], uri)
    return listed[0][0]


def _latest_archive(data, uri, series):
    place = urllib.parse.urlsplit(uri.split(";")[0])
    if place.hostname == SILENT_HOST:
        time.sleep(3600)
    if place.hostname != HOST or not folder(data) or not os.path.isdir(folder(data)):
        raise FetchFailure(["Fetcher failure: Fetch command ['wget', '%s'] failed with exit code 4" % uri], uri)
    stem = os.path.basename(place.path).split(data.getVar("PV"))[0]
    pattern = data.getVar("UPSTREAM_CHECK_REGEX") or re.escape(stem) + r"(?P<pver>\d+(\.\d+)+)\.tar"
    names = os.listdir(os.path.join(folder(data), os.path.dirname(place.path).lstrip("/")))
    found = [match.group("pver") for match in (re.search(pattern, name) for name in names) if match]
    return max((version for version in found if _is_of(series, version)), key=version_key, default="")


def _is_of(series, version):
    return not series or re.match(series, version)


def _latest_tag(data, uri, series):
    pattern = data.getVar("UPSTREAM_CHECK_GITTAGREGEX") or r"(?P<pver>\d+(\.\d+)+)$"
    commits = {}
    for commit, reference in _ls_remote(uri, "--tags"):
        match = re.search(pattern, reference.rsplit("/", 1)[-1].replace("^{}", ""))
        # The peeled line (^{}) of an annotated tag comes second and names the commit.
        if match and _is_of(series, match.group("pver")):
            commits[match.group("pver")] = commit
    if not commits:
        return "", None
    newest = max(commits, key=version_key)
    return newest, commits[newest]


def _ls_remote(uri, *arguments):
    address = git_address(uri)
    done = subprocess.run(["git", "ls-remote", arguments[0], address, *arguments[1:]], capture_output=True, text=True)
    if done.returncode != 0:
        raise FetchFailure(["Fetcher failure: Fetch command git ls-remote %s failed with exit code 128" % address], uri)
    return [line.split("\t", 1) for line in done.stdout.splitlines()]
