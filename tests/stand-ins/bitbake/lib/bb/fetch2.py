"""bb.fetch2: URI decoding and the errors of fetching; the fetching itself is standin.upstream."""

import os
import urllib.parse

from standin import configuration, upstream


class BBFetchException(Exception):
    """Base of the fetch errors."""

    def __init__(self, message):
        self.msg = message
        super().__init__(message)


class FetchError(BBFetchException):
    """Upstream could not be reached or did not have what was asked for."""

    def __init__(self, message, url=None):
        self.url = url
        where = "Fetcher failure for URL: '%s'. " % url if url else "Fetcher failure: "
        super().__init__(where + message)


class NoMethodError(BBFetchException):
    """A URI scheme that cannot be fetched."""

    def __init__(self, url):
        self.url = url
        super().__init__("Could not find a fetcher which supports the URL: '%s'" % url)


class MalformedUrl(BBFetchException):
    """A URI that cannot be decoded."""


def decodeurl(url):
    """(scheme, host, path, user, password, parameters)."""
    address, *parameters = url.split(";")
    if "://" not in address:
        raise MalformedUrl("The URL: '%s' is invalid and cannot be interpreted" % url)
    place = urllib.parse.urlsplit(address)
    path = address.split("://", 1)[1] if place.scheme == "file" else place.path
    host = "" if place.scheme == "file" else place.netloc
    pairs = dict(part.split("=", 1) for part in parameters if "=" in part)
    return place.scheme, host, path, place.username or "", place.password or "", pairs


class Fetch:
    """Sources to bring into DL_DIR: archives of upstream.example, and nothing else."""

    def __init__(self, urls, d, cache=True):
        self.urls, self.data = urls, d

    def download(self):
        os.environ["STANDIN_UPSTREAM"] = configuration.load().data.getVar("STANDIN_UPSTREAM") or ""
        for url in self.urls:
            if url.startswith("git"):
                continue
            try:
                upstream.fetch_archive(self.data, url)
            except upstream.FetchFailure as failure:
                raise FetchError(str(failure), url) from failure
