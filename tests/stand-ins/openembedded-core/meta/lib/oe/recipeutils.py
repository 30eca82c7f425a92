"""The upstream check with OE-core's names, arguments and result shapes, over the stand-in's upstream."""

import os
from datetime import datetime

import bb
import bb.fetch2
import bb.providers
import bb.tinfoil
import bb.utils
from standin import upstream

REMOTE = {"http", "https", "ftp", "git", "gitsm"}
# By how our version compares with upstream's: the word for it, and the one where the recipe says that its
# upstream cannot be told.
WORDS = {-1: ("UPDATE", "KNOWN_BROKEN"), 0: ("MATCH", "KNOWN_BROKEN"), 1: ("UNKNOWN_BROKEN", "UNKNOWN")}


def get_recipe_upstream_version(rd, stable_upgrade=False):
    """A dict of current_version, version ("" if unknown), revision, type (A asked, M by hand, U unknown), datetime.

    Raises bb.fetch2.FetchError where upstream cannot be reached.
    """
    pv = rd.getVar("PV")
    series = rd.getVar("UPSTREAM_STABLE_RELEASE_REGEX")
    if stable_upgrade and not series:
        kind, version, revision = "A", pv, ""
    else:
        kind, version, revision = _newest(rd, pv, rd.getVar("RECIPE_UPSTREAM_VERSION"), series if stable_upgrade else None)
    return {"current_version": pv, "version": version, "revision": revision, "type": kind, "datetime": datetime.now()}


def _newest(rd, pv, by_hand, series):
    """(type, version, revision) of what the first entry of SRC_URI offers; `series` is a regex for versions."""
    uri = next(iter((rd.getVar("SRC_URI") or "").split()), None)
    if by_hand or uri is None:
        return "M", by_hand or pv, ""
    scheme = bb.fetch2.decodeurl(uri)[0]
    if scheme == "file":
        return "A", pv, ""
    if scheme not in REMOTE:
        raise bb.fetch2.NoMethodError(uri)
    try:
        version, revision = _newest_commit(rd, uri, pv) if rd.getVar("UPSTREAM_CHECK_COMMITS") == "1" else upstream.latest(rd, uri, series)
    except upstream.FetchFailure as failure:
        raise bb.fetch2.FetchError(str(failure), failure.url) from failure
    return "A" if version else "U", version, revision or ""


def _newest_commit(rd, uri, pv):
    revision = upstream.latest_commit(rd, uri)
    return (pv if revision == rd.getVar("SRCREV") else pv + "-new-commits-available"), revision


def _get_recipe_upgrade_status(data, stable_upgrade):
    """One recipe's row of the table; what is not known is N/A."""
    found = get_recipe_upstream_version(data, stable_upgrade)
    current, latest = found["current_version"], found["version"]
    # A version that we do not know of is none to upgrade to, like an older one.
    order = bb.utils.vercmp_string(current, latest) if latest else 1
    words = WORDS[order]
    return {
        "pn": data.getVar("PN"),
        "status": words[1] if data.getVar("UPSTREAM_VERSION_UNKNOWN") else words[0],
        "cur_ver": current,
        "next_ver": latest or "N/A",
        "maintainer": data.getVar("RECIPE_MAINTAINER"),
        "revision": found["revision"] or "N/A",
        "no_upgrade_reason": data.getVar("RECIPE_NO_UPDATE_REASON"),
    }


def get_recipe_upgrade_status(recipes=None, stable_upgrade=False):
    """The rows of the given recipes, names or files (without: of all), in groups that move together."""
    with bb.tinfoil.Tinfoil() as session:
        session.prepare()
        wanted = recipes or session.all_recipe_files(variants=False)
        checkable = [data for data in (_checkable(session, name) for name in list(wanted)) if data]
        rows = [_get_recipe_upgrade_status(data, stable_upgrade) for data in checkable]
    includes = {data.getVar("FILE"): {"pn": data.getVar("PN"), "bbincluded": data.getVar("BBINCLUDED").split()} for data in checkable}
    return _group_recipes(rows, _get_common_include_recipes(includes))


def _checkable(session, name):
    """The data of a recipe, or None with a note where its upstream is not asked."""
    read = session.parse_recipe_file if os.path.isabs(name) else session.parse_recipe
    try:
        data = read(name)
    except bb.providers.NoProvider:
        bb.note(" No provider for %s" % name)
        return None
    if data.getVar("UPSTREAM_CHECK_UNRELIABLE") == "1":
        bb.note(" Skip package %s as upstream check unreliable" % data.getVar("PN"))
        return None
    return data


def _get_common_include_recipes(recipeincludes_all):
    """Sets of recipe names that share, even through others, an include file of their own folder."""
    waiting = {}
    for fn, entry in recipeincludes_all.items():
        own = {path for path in entry["bbincluded"] if os.path.dirname(path) == os.path.dirname(fn)} - {fn}
        waiting[entry["pn"]] = waiting.get(entry["pn"], set()) | own
    groups = []
    while waiting:
        name = next(iter(waiting))
        group, reached = {name}, waiting.pop(name)
        while joining := {other for other, own in waiting.items() if own & reached}:
            group |= joining
            reached = reached.union(*(waiting.pop(other) for other in joining))
        groups.append(group)
    return [group for group in groups if len(group) > 1]


def _group_recipes(recipes, groups):
    """The rows as lists: one list per group, then each remaining row alone."""
    placed = set().union(*groups)
    together = [[row for row in recipes if row["pn"] in group] for group in groups]
    return together + [[row] for row in recipes if row["pn"] not in placed]
