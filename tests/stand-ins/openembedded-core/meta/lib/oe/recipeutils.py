"""The upstream check with OE-core's names, arguments and result shapes, over the stand-in's upstream."""

import os
from datetime import datetime

import bb
import bb.fetch2
import bb.providers
import bb.tinfoil
import bb.utils
from standin import upstream


def get_recipe_upstream_version(rd, stable_upgrade=False):
    """What upstream has: a dict of version, revision, current_version, type (A, M, U) and datetime.

    Raises bb.fetch2.FetchError where upstream cannot be reached.
    """
    found = {"current_version": rd.getVar("PV"), "version": "", "type": "U", "datetime": "", "revision": ""}
    uris = (rd.getVar("SRC_URI") or "").split()
    manual = rd.getVar("RECIPE_UPSTREAM_VERSION")
    if not uris or manual:
        found.update(version=manual or found["current_version"], type="M", datetime=datetime.now())
        return found
    scheme = bb.fetch2.decodeurl(uris[0])[0]
    if scheme == "file":
        found.update(version=found["current_version"], type="A", datetime=datetime.now())
        return found
    if scheme not in ("http", "https", "ftp", "git", "gitsm"):
        raise bb.fetch2.NoMethodError(uris[0])
    version, revision = _ask_upstream(rd, uris[0], found["current_version"])
    if version:
        found.update(version=version, type="A")
    found.update(revision=revision or "", datetime=datetime.now())
    return found


def _ask_upstream(rd, uri, current):
    try:
        if rd.getVar("UPSTREAM_CHECK_COMMITS") == "1":
            revision = upstream.latest_commit(rd, uri)
            suffix = "" if revision == rd.getVar("SRCREV") else "-new-commits-available"
            return current + suffix, revision
        return upstream.latest(rd, uri)
    except upstream.FetchFailure as failure:
        raise bb.fetch2.FetchError(str(failure), failure.url) from failure


def _get_recipe_upgrade_status(data, stable_upgrade):
    """The row of one recipe: pn, status, cur_ver, next_ver, maintainer, revision, no_upgrade_reason."""
    found = get_recipe_upstream_version(data, stable_upgrade)
    return {
        "pn": data.getVar("PN"),
        "status": _status(found, data.getVar("UPSTREAM_VERSION_UNKNOWN")),
        "cur_ver": found["current_version"],
        "next_ver": found["version"] or "N/A",
        "maintainer": data.getVar("RECIPE_MAINTAINER"),
        "revision": found["revision"] or "N/A",
        "no_upgrade_reason": data.getVar("RECIPE_NO_UPDATE_REASON"),
    }


def _status(found, declared_unknown):
    unknown = "UNKNOWN" if declared_unknown else "UNKNOWN_BROKEN"
    if not found["version"]:
        return unknown
    order = bb.utils.vercmp_string(found["current_version"], found["version"])
    if order > 0:
        return unknown
    if declared_unknown:
        return "KNOWN_BROKEN"
    return "UPDATE" if order < 0 else "MATCH"


def get_recipe_upgrade_status(recipes=None, stable_upgrade=False):
    """The rows of the given recipes (all without), in groups that move together."""
    rows, included = [], {}
    with bb.tinfoil.Tinfoil() as tinfoil:
        tinfoil.prepare(config_only=False)
        for name in recipes or list(tinfoil.all_recipe_files(variants=False)):
            try:
                data = tinfoil.parse_recipe_file(name) if name.startswith("/") else tinfoil.parse_recipe(name)
            except bb.providers.NoProvider:
                bb.note(" No provider for %s" % name)
                continue
            if data.getVar("UPSTREAM_CHECK_UNRELIABLE") == "1":
                bb.note(" Skip package %s as upstream check unreliable" % data.getVar("PN"))
                continue
            rows.append(_get_recipe_upgrade_status(data, stable_upgrade))
            included[data.getVar("FILE")] = {"bbincluded": data.getVar("BBINCLUDED").split(), "pn": data.getVar("PN")}
    return _group_recipes(rows, _get_common_include_recipes(included))


def _get_common_include_recipes(recipeincludes_all):
    """Sets of recipe names that share, even through others, an include file of their own folder."""
    users = {}
    for fn, entry in recipeincludes_all.items():
        for path in entry["bbincluded"]:
            if path != fn and os.path.dirname(path) == os.path.dirname(fn):
                users.setdefault(path, set()).add(entry["pn"])
    groups = []
    for names in users.values():
        if len(names) < 2:
            continue
        joined = set(names)
        for group in [group for group in groups if group & joined]:
            joined |= group
            groups.remove(group)
        groups.append(joined)
    return groups


def _group_recipes(recipes, groups):
    """The rows as lists: one list per group, then each remaining row alone."""
    rows = {row["pn"]: row for row in recipes}
    grouped = [[rows.pop(name) for name in group if name in rows] for group in groups]
    return grouped + [[row] for row in rows.values()]
