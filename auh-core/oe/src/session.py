#!/usr/bin/env python3
"""Ask an OpenEmbedded build environment about recipes and their upstreams.

    python3 session.py REQUEST.json RESPONSE.json      (or: python3 - REQUEST.json RESPONSE.json <session.py)
    python3 session.py --fetch REQUEST.json

Runs inside an initialised build environment, opens one tinfoil session, reads the variables of every
requested recipe, closes the session, and then checks the upstreams, in processes apart.
A recipe that fails, at any of these points, costs its own answer only.

Request (all keys but `recipes` are optional):
    recipes          list of names, or "all"; with none at all only the configuration is read
    layers           with "all": only recipes of these layers, in this order (collections, folder names as the
                     tools show them, or paths); empty means every layer
    check            ask the upstreams (default true)
    stable           only releases of the series that a recipe is in, which its UPSTREAM_STABLE_RELEASE_REGEX
                     describes; recipes without one are not checked (default false)
    jobs             upstream checks at a time (default: number of processors)
    check_timeout_s  seconds that one upstream check may take (default 120)
    sources          say how the sources of other versions are named (default false)

Response (written in one piece; what the tools print stays on stdout and stderr):
    api      1
    failure  null, or {kind, message, detail} when there was no session at all; kind is "session", or
             "no-stable-check" where this OE-core cannot do what `stable` asks for
    bitbake  version
    base     expanded values of the build configuration, or null each; BBLAYERS is a list
    layers   [{path, name}]
    recipes  one record per request, in the order asked for; see `blank_record`
    groups   [[pn, ...]]: recipes that share an include file, as OE groups them; every recipe that
             could be read is in exactly one group
    log      lines worth showing to a person who looks for the reason of something
    removes_work  whether the builds remove a recipe's work folders themselves
    fetch    with `sources`: variables of the build configuration that BitBake's fetcher reads

With --fetch no session is opened and nothing is answered: the sources of one version of a recipe are brought
into DL_DIR by BitBake's fetcher, which holds its own lock for each of them. Exit status 1 if that failed. The
request has `source` (from a record), `version`, `revision` (or null), and `variables` (`fetch` of a response).

The `error` of a record is null or {kind, message (one line), detail}, of kind
    no-provider  nothing of that name
    skipped      BitBake leaves it out of this configuration; the message is its reason
    parse        the recipe, or a variable of it, cannot be evaluated
    unreliable   the recipe forbids upstream checks (UPSTREAM_CHECK_UNRELIABLE)
    no-series    with `stable`: the recipe does not say what its series is
    check        the check raised an error
    crashed      the process of the check died
    timeout      the check took longer than check_timeout_s

Exit status: 0 answered, 1 no session (the response says why), 2 bad usage or request.
"""

import contextlib
import glob
import importlib
import inspect
import json
import logging
import multiprocessing
import multiprocessing.connection
import os
import re
import shutil
import signal
import sys
import tempfile
import time
import traceback

API = 1

BASE_VARIABLES = (
    "BBLAYERS", "COREBASE", "TOPDIR", "TMPDIR", "DL_DIR", "SSTATE_DIR", "PERSISTENT_DIR", "CACHE", "BB_CACHEDIR",
    "BB_HASHSERVE", "BB_HASHSERVE_DB_DIR", "BB_SIGNATURE_HANDLER", "MACHINE", "DISTRO", "DISTRO_VERSION", "TCLIBC",
    "INHERIT", "USER_CLASSES", "OE_FRAGMENTS", "BUILDHISTORY_COMMIT", "BUILDHISTORY_DIR", "BB_NUMBER_THREADS",
    "PARALLEL_MAKE", "BB_SERVER_TIMEOUT", "BB_HASHCONFIG_IGNORE_VARS", "LAYERSERIES_CORENAMES",
)

# What a check reads of a recipe: these, and whatever begins with one of the prefixes (SRCREV_name,
# UPSTREAM_CHECK_URI, FETCHCMD_git, ...).
CHECK_VARIABLES = {"PN", "PV", "SRC_URI", "DL_DIR", "CACHE", "PERSISTENT_DIR", "BB_URI_HEADREVS", "CHECK_DATE"}
CHECK_PREFIXES = ("UPSTREAM_", "RECIPE_", "FETCHCMD_", "SRCREV")

# OE's word for what upstream has, by its age beside the recipe's version, and its word where the recipe says
# that its upstream cannot be tracked (UPSTREAM_VERSION_UNKNOWN).
STATUS_WORDS = {
    "newer": ("UPDATE", "KNOWN_BROKEN"),
    "same": ("MATCH", "KNOWN_BROKEN"),
    "older": ("UNKNOWN_BROKEN", "UNKNOWN"),
}

INCLUDE_SUFFIXES = (".bb", ".bbappend", ".inc")


# What of the build configuration the fetcher reads: these, and whatever begins with one of the prefixes.
FETCH_VARIABLES = {
    "DL_DIR", "GITDIR", "CACHE", "PERSISTENT_DIR", "BB_NO_NETWORK", "BB_ALLOWED_NETWORKS", "BB_FETCH_PREMIRRORONLY",
}
FETCH_PREFIXES = ("FETCHCMD_", "BB_GIT_", "BB_GENERATE_")
FETCHED_AHEAD = ("http", "https", "ftp", "git", "gitsm")

# A process that checks upstreams is replaced after so many: whatever the checks leave in it is gone then.
CHECKS_PER_PROCESS = 100

# A version that no recipe has, and its beginnings, by the places that stand for them in a source's name.
NO_VERSION = "7193.4057.8329"


def main(argv):
    """Answer the request; the exit status."""
    if len(argv) == 3 and argv[1] == "--fetch":
        return fetch(argv[2])
    if len(argv) != 3:
        print("usage: session.py REQUEST.json RESPONSE.json", file=sys.stderr)
        return 2
    try:
        with open(argv[1], encoding="utf-8") as stream:
            request = Request(json.load(stream))
    except (OSError, ValueError) as error:
        print(f"session.py: request {argv[1]}: {error}", file=sys.stderr)
        return 2
    # A plain SIGTERM would leave checks and a connected server behind.
    signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))
    response = answer(request)
    write_atomically(argv[2], response)
    return 1 if response["failure"] else 0


class Request:
    """The validated request; ValueError says what is wrong with it."""

    def __init__(self, raw):
        if not isinstance(raw, dict):
            raise ValueError("not an object")
        recipes = raw.get("recipes")
        if recipes != "all" and not (isinstance(recipes, list) and all(isinstance(name, str) for name in recipes)):
            raise ValueError('recipes: expected a list of names or "all"')
        self.all = recipes == "all"
        self.names = [] if self.all else list(dict.fromkeys(recipes))
        self.layers = [str(layer) for layer in raw.get("layers") or []]
        self.check = bool(raw.get("check", True))
        self.stable = bool(raw.get("stable", False))
        self.sources = bool(raw.get("sources", False))
        self.variables = [str(name) for name in raw.get("variables") or []]
        self.jobs = max(1, int(raw.get("jobs") or os.cpu_count() or 1))
        self.check_timeout_s = float(raw.get("check_timeout_s") or 120)


def answer(request):
    """The response to a request. Raises nothing but SystemExit and KeyboardInterrupt."""
    log = Log()
    response = {
        "api": API, "failure": None, "bitbake": None, "base": {}, "layers": [], "recipes": [], "groups": [],
        "log": log.lines,
    }
    try:
        bb = import_bitbake()
        response["bitbake"] = getattr(bb, "__version__", None)
        with log.recording():
            records, checks, recipeutils = read_recipes(bb, request, response, log)
            response["recipes"] = records
            response["groups"] = group(records, recipeutils, log)
            if request.check:
                if request.stable:
                    checks = with_series(checks, recipeutils)
                run_checks(request, checks, recipeutils, log)
    except NoStableCheck as error:
        response["failure"] = error_of("no-stable-check", str(error))
    except Exception as error:  # whatever BitBake and OE raise must reach the reader of the response
        response["failure"] = failure("session", error, log)
    return response


# --- the session ------------------------------------------------------------------------------------


def import_bitbake():
    """The `bb` package that belongs to the `bitbake` on PATH."""
    program = shutil.which("bitbake")
    if program is None:
        raise RuntimeError("no bitbake on PATH: the build environment is not initialised")
    sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.realpath(program))), "lib"))
    importlib.import_module("bb.tinfoil")
    for name in ("bb.data", "bb.utils", "bb.fetch2", "bb.providers"):
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    return sys.modules["bb"]


def import_recipeutils(corebase, log):
    """`oe.recipeutils` of the OE-core in use, or None."""
    sys.path.insert(0, os.path.join(corebase or "", "meta", "lib"))
    try:
        return importlib.import_module("oe.recipeutils")
    except Exception as error:
        log.add(f"cannot import oe.recipeutils: {one_line(error)}")
        return None


def read_recipes(bb, request, response, log):
    """Everything that needs the session: (records, [(record, variables)] to check, oe.recipeutils)."""
    with session(bb, log, request.all or request.names) as (tinfoil, parsed):
        config = tinfoil.config_data
        base = response["base"] = read_base(config, request.variables)
        layers = response["layers"] = read_layers(config, base["BBLAYERS"])
        recipeutils = import_recipeutils(base["COREBASE"], log)
        inherited = f"{base['INHERIT'] or ''} {base['USER_CLASSES'] or ''}".split()
        response["removes_work"] = "rm_work" in inherited
        if request.sources:
            response["fetch"] = named(config, FETCH_VARIABLES, FETCH_PREFIXES)
        finder = Finder(tinfoil) if parsed else FileFinder(config)
        reader = Reader(tinfoil, finder, layers, log, request.sources)
        if request.all:
            pairs = reader.read_all(wanted_layers(request.layers, layers, log))
        else:
            pairs = [reader.read_name(name) for name in request.names]
    records = [record for record, _ in pairs]
    checks = [(record, variables) for record, variables in pairs if variables is not None and record["error"] is None]
    return records, checks, recipeutils


@contextlib.contextmanager
def session(bb, log, recipes):
    """An open tinfoil: (tinfoil, True), or (tinfoil, False) where only the configuration could be read,
    or no `recipes` are wanted.

    One recipe that cannot be parsed makes BitBake give up the parse as a whole, so the second form is
    what keeps the others going; recipes are then looked up by file name.
    """
    with contextlib.ExitStack() as stack:
        try:
            parsed = bool(recipes)
            tinfoil = open_tinfoil(bb, stack, log, config_only=not parsed)
        except Exception as error:
            log.add(f"parsing failed, recipes are read one by one: {log.error_since(0) or one_line(error)}")
            stack.close()
            tinfoil = open_tinfoil(bb, stack, log, config_only=True)
            parsed = False
        yield tinfoil, parsed


def open_tinfoil(bb, stack, log, config_only):
    """A prepared tinfoil, which `stack` shuts down."""
    tinfoil = bb.tinfoil.Tinfoil()
    stack.callback(close_tinfoil, tinfoil, log)
    tinfoil.prepare(config_only=config_only)
    return tinfoil


def close_tinfoil(tinfoil, log):
    """Shut down; a server that is gone already must not cost the answers that it gave."""
    try:
        tinfoil.shutdown()
    except Exception as error:
        log.add(f"closing the session: {one_line(error)}")


def read_base(config, further):
    """The build configuration's variables, expanded."""
    base = {name: expanded_or_none(config, name) for name in (*BASE_VARIABLES, *further)}
    base["BBLAYERS"] = [os.path.normpath(path) for path in (base["BBLAYERS"] or "").split()]
    return base


def read_layers(config, paths):
    """Each layer with the collection whose BBFILE_PATTERN covers it, else with its folder's name."""
    names = (expanded_or_none(config, "BBFILE_COLLECTIONS") or "").split()
    patterns = {name: expanded_or_none(config, f"BBFILE_PATTERN_{name}") or "" for name in names}
    return [{"path": path, "name": collection_of(path, patterns)} for path in paths]


def collection_of(path, patterns):
    """The collection with the pattern for just this folder: patterns of outer layers match as well."""
    matching = {}
    for name, pattern in patterns.items():
        with contextlib.suppress(re.error):
            found = re.match(pattern, path + "/") if pattern else None
            if found:
                matching[name] = found.end()
    return max(matching, key=matching.get) if matching else os.path.basename(path)


def wanted_layers(asked, layers, log):
    """The paths of the layers asked for, in that order; None for no restriction."""
    if not asked:
        return None
    paths = []
    for name in asked:
        found = [layer["path"] for layer in layers if name in names_of(layer)]
        if not found:
            log.add(f"no layer {name} in BBLAYERS")
        paths.extend(path for path in found if path not in paths)
    return paths


def names_of(layer):
    """What a layer goes by: its collection, its folder's name (as `bitbake-layers` shows it), its path."""
    return layer["name"], os.path.basename(layer["path"]), layer["path"]


def layer_of(path, layers):
    """The layer that a file lies in: the innermost, compared on path boundaries."""
    holding = [layer for layer in layers if path.startswith(layer["path"].rstrip("/") + "/")]
    return max(holding, key=lambda layer: len(layer["path"])) if holding else None


# --- finding recipe files -----------------------------------------------------------------------------


class NotFound(Exception):
    """Why a name leads to no recipe file; `kind` as in the response."""

    def __init__(self, kind, message, detail=None, file=None):
        super().__init__(message)
        self.kind, self.detail, self.file = kind, detail, file


class Finder:
    """Looks recipes up in a session that has parsed everything."""

    def __init__(self, tinfoil):
        self.tinfoil = tinfoil
        self.skipped = self._skipped()

    def file(self, name):
        if name in self.skipped:
            reason, file = self.skipped[name]
            # Another version of it may be usable all the same.
            with contextlib.suppress(Exception):
                return self.tinfoil.get_recipe_file(name)
            raise NotFound("skipped", reason, f"{name} was skipped: {reason}", file)
        try:
            file = self.tinfoil.get_recipe_file(name)
        except Exception as error:
            raise self._explain(name, error) from error
        if not file:
            raise NotFound("no-provider", f"no recipe provides {name}")
        return file

    def all_files(self):
        """Recipe files without their native, SDK and multilib variants, which have no upstream of their own."""
        return [file for file in self.tinfoil.all_recipe_files(variants=False) if not file.startswith("virtual:")]

    def _skipped(self):
        """{pn: (reason, file)} of the recipes that BitBake leaves out of this configuration."""
        found = {}
        with contextlib.suppress(Exception):
            for file, item in self.tinfoil.get_skipped_recipes().items():
                pn, reason = getattr(item, "pn", None), getattr(item, "skipreason", None)
                if pn and pn not in found:
                    found[pn] = (one_line(reason) or "skipped by BitBake", file)
        return found

    @staticmethod
    def _explain(name, error):
        text = str(error).strip()
        reason = re.search(re.escape(name) + r"\b.* was skipped: (.+)", text)
        if reason:
            return NotFound("skipped", reason.group(1).strip(), text)
        if type(error).__name__ == "NoProvider":
            return NotFound("no-provider", " ".join(text.split()) or f"no recipe provides {name}", text)
        return NotFound("parse", one_line(error), describe(error))


class FileFinder:
    """Looks recipes up by file name, for want of a parse: the highest version of NAME_VERSION.bb."""

    def __init__(self, config):
        self.files = {}
        for pattern in (expanded_or_none(config, "BBFILES") or "").split():
            for file in sorted(glob.glob(pattern)):
                if file.endswith(".bb"):
                    self.files.setdefault(os.path.basename(file)[:-3].split("_")[0], []).append(file)

    def file(self, name):
        files = self.files.get(name)
        if not files:
            raise NotFound("no-provider", f"no recipe file {name}_*.bb (looked up by file name, as parsing failed)")
        return max(files, key=version_key)

    def all_files(self):
        return sorted(max(files, key=version_key) for files in self.files.values())


def version_key(file):
    """Orders versions in file names: numbers as numbers, and `_git` and the like below them."""
    version = os.path.basename(file)[:-3].partition("_")[2]
    return [(1, int(part), "") if part.isdigit() else (0, 0, part) for part in re.findall(r"\d+|[a-z]+", version)]


# --- reading recipes ----------------------------------------------------------------------------------


def blank_record(name):
    """A record about the request for `name`, before anything is known."""
    return {
        "asked": name, "pn": name, "file": None, "layer": None, "pv": None, "packages": [], "src_uri_first": None,
        "srcrev": None, "maintainer": None, "no_upgrade_reason": None, "bbincluded": [], "compatible_machine": None,
        "workdir": None, "stamp": None, "source": None, "check": None, "error": None,
    }


class Reader:
    """Fills records from recipes; each answer is (record, variables for the check or None)."""

    def __init__(self, tinfoil, finder, layers, log, sources):
        self.tinfoil, self.finder, self.layers, self.log, self.sources = tinfoil, finder, layers, log, sources

    def read_name(self, name):
        """The recipe that `name` stands for."""
        record = blank_record(name)
        try:
            return self._read(record, self.finder.file(name))
        except NotFound as missing:
            self._place(record, missing.file)
            record["error"] = error_of(missing.kind, str(missing), missing.detail)
            return record, None

    def read_all(self, layer_paths):
        """Every recipe of the layers (None: of all), one version of each; by layer, then by name."""
        chosen, places = {}, {}
        for file in self.finder.all_files():
            layer = layer_of(file, self.layers)
            if layer_paths is not None and (layer is None or layer["path"] not in layer_paths):
                continue
            record, variables = self._read(blank_record(os.path.basename(file)[:-3].split("_")[0]), file)
            record["asked"] = pn = record["pn"]
            if pn not in chosen or self._prefers(pn, file):
                chosen[pn] = (record, variables)
                places[pn] = layer_paths.index(layer["path"]) if layer_paths is not None else 0
        return [chosen[pn] for pn in sorted(chosen, key=lambda pn: (places[pn], pn))]

    def _prefers(self, pn, file):
        """Whether BitBake takes this one of several versions."""
        try:
            return self.finder.file(pn) == file
        except NotFound:
            return False

    def _read(self, record, file):
        self._place(record, file)
        marker = self.log.mark()
        try:
            data = self.tinfoil.parse_recipe_file(file)
            if data is None:
                raise RuntimeError("BitBake returned nothing for it")
            fill(record, data)
            variables = check_variables(data)
            if self.sources:
                record["source"] = source_by_version(data)
        except Exception as error:
            record["error"] = error_of("parse", self.log.error_since(marker) or one_line(error), describe(error))
            return record, None
        skipped = expanded_or_none(data, "__SKIPPED")  # what the finder does not know where it had no parse
        if skipped:
            record["error"] = error_of("skipped", skipped)
        elif data.getVar("UPSTREAM_CHECK_UNRELIABLE") == "1":
            record["error"] = error_of("unreliable", "UPSTREAM_CHECK_UNRELIABLE is set: its upstream cannot be checked")
        return record, variables

    def _place(self, record, file):
        if file:
            real = file.split(":")[-1] if file.startswith(("virtual:", "mc:")) else file
            layer = layer_of(real, self.layers)
            record["file"], record["layer"] = real, layer["name"] if layer else None


def fill(record, data):
    """What the record tells of the recipe's variables."""
    record["pn"] = data.getVar("PN") or record["pn"]
    record["pv"] = data.getVar("PV")
    record["packages"] = (data.getVar("PACKAGES") or "").split()
    record["src_uri_first"] = next(iter((data.getVar("SRC_URI") or "").split()), None)
    record["srcrev"] = source_revision(data)
    record["maintainer"] = data.getVar("RECIPE_MAINTAINER") or None
    record["no_upgrade_reason"] = data.getVar("RECIPE_NO_UPDATE_REASON")
    record["compatible_machine"] = data.getVar("COMPATIBLE_MACHINE")
    record["bbincluded"] = recipe_files(data.getVar("BBINCLUDED") or "")
    record["workdir"] = expanded_or_none(data, "WORKDIR")
    record["stamp"] = expanded_or_none(data, "STAMP")


def recipe_files(included):
    """Of all that was included, in order, what belongs to recipes: BBINCLUDED also names every class, every
    configuration file, and the places where those were looked for in vain."""
    paths = dict.fromkeys(included.split())
    return [p for p in paths if p.endswith(INCLUDE_SUFFIXES) and "/conf/" not in p and os.path.exists(p)]


def source_revision(data):
    """SRCREV; "AUTOINC" where evaluating it would ask the upstream; None where the source has no revisions."""
    if "AUTOREV" in (data.getVar("SRCREV", False) or ""):
        return "AUTOINC"
    revision = data.getVar("SRCREV")
    return None if revision == "INVALID" else revision


def check_variables(data):
    """The variables that a check reads, as plain values: the session is closed when it runs."""
    return named(data, CHECK_VARIABLES, CHECK_PREFIXES)


def named(data, variables, prefixes):
    """The values of these variables, and of those that begin with one of the prefixes, where they have any."""
    names = set(variables)
    with contextlib.suppress(TypeError):  # a data store that cannot be iterated
        names.update(name for name in data if isinstance(name, str) and name.startswith(prefixes))
    values = {name: data.getVar(name) for name in sorted(names)}
    return {name: value for name, value in values.items() if value is not None}


# --- sources of other versions ----------------------------------------------------------------------------


def source_by_version(data):
    """How the sources of any version of a recipe are named: SRC_URI's first remote entry, as devtool takes it, with
    `{3.}` for the version, `{2.}` and `{1.}` for its first two parts and its first, and `_` or `-` instead of the
    dot where they join the parts. None where that cannot be said.

    The recipe is asked for a version that it never had. The answer counts if it leads back to the recipe's own.
    """
    try:
        own = first_remote(data)
        if not own or not own.startswith(tuple(f"{scheme}://" for scheme in FETCHED_AHEAD)) or set("{}") & set(own):
            return None
        copy = data.createCopy()
        copy.setVar("PV", NO_VERSION)
        source = first_remote(copy)
        for count in (3, 2, 1):
            for joint in "._-":
                source = source.replace(joint.join(NO_VERSION.split(".")[:count]), "{%d%s}" % (count, joint))
        known = not any(part in source for part in NO_VERSION.split("."))
        return source if known and source_of(source, data.getVar("PV")) == own else None
    except Exception:  # whatever the recipe's own Python makes of such a version
        return None


def first_remote(data):
    """The first entry of SRC_URI that is no local file; None where there is none."""
    entries = (data.getVar("SRC_URI") or "").split()
    return next((entry for entry in entries if not entry.startswith("file://")), None)


def source_of(source, version):
    """The source of one version."""
    parts = version.split(".")
    for count in (1, 2, 3):
        for joint in "._-":
            wanted = parts if count == 3 else parts[:count]
            source = source.replace("{%d%s}" % (count, joint), joint.join(wanted))
    return source


def fetch(path):
    """Bring the sources that a request names into DL_DIR; the exit status."""
    with open(path, encoding="utf-8") as stream:
        request = json.load(stream)
    bb = import_bitbake()
    data = as_data(request["variables"])
    # As devtool fetches what is new: without mirrors, and before there are any checksums.
    for name, value in {"PREMIRRORS": "", "MIRRORS": "", "BB_STRICT_CHECKSUM": "ignore"}.items():
        data.setVar(name, value)
    data.setVar("PV", request["version"])
    data.setVar("SRCREV", request["revision"] or "INVALID")
    source = source_of(request["source"], request["version"])
    name = re.search(r";name=([^;,]+)", source)
    if name and request["revision"]:
        data.setVar(f"SRCREV_{name[1]}", request["revision"])
    data.setVar("SRC_URI", source)
    try:
        bb.fetch2.Fetch([source], data, cache=False).download()
    except Exception as error:
        print(f"{source}: {one_line(error)}", file=sys.stderr)
        return 1
    return 0


def expanded_or_none(data, name):
    """A variable's expanded value as text; None where it is unset or cannot be expanded."""
    try:
        value = data.getVar(name)
    except Exception:
        return None
    return None if value is None else str(value)


# --- groups -------------------------------------------------------------------------------------------


def group(records, recipeutils, log):
    """Names of the recipes that were read, those that share an include file together."""
    readable = {r["pn"]: r for r in records if r["pv"] is not None and (r["error"] or {}).get("kind") != "skipped"}
    try:
        sets = shared_includes(readable.values(), recipeutils)
    except Exception as error:
        log.add(f"cannot group recipes by shared includes: {one_line(error)}")
        sets = []
    groups, placed = [], set()
    places = {pn: place for place, pn in enumerate(readable)}
    for pn in readable:
        if pn not in placed:
            # A set of OE's is in no order, and two of them may overlap.
            together = {pn}.union(*(s for s in sets if pn in s)) - placed
            members = sorted((name for name in together if name in places), key=places.get)
            placed.update(members)
            groups.append(members)
    return groups


def shared_includes(records, recipeutils):
    """OE's sets of recipes with a common include file beside them."""
    includes = {r["file"]: {"bbincluded": r["bbincluded"], "pn": r["pn"]} for r in records}
    common = getattr(recipeutils, "_get_common_include_recipes", None)
    return common(includes) if common else same_folder_includes(includes)


def same_folder_includes(includes):
    """The same for trees whose OE has no such function: by each included file of the recipe's folder."""
    beside = [
        (entry["pn"], {path for path in entry["bbincluded"] if os.path.dirname(path) == os.path.dirname(file)} - {file})
        for file, entry in includes.items()
    ]
    shared = sorted(set().union(*(paths for _, paths in beside)))
    sets = [{pn for pn, paths in beside if path in paths} for path in shared]
    return [names for names in sets if len(names) > 1]


# --- upstream checks ----------------------------------------------------------------------------------


class NoStableCheck(Exception):
    """This OE-core cannot restrict its checks to stable releases."""


def with_series(checks, recipeutils):
    """The checks of recipes that say what their series is; the other records say that they do not.

    OE takes a recipe without UPSTREAM_STABLE_RELEASE_REGEX for up to date, whatever its upstream has.
    """
    function = getattr(recipeutils, "_get_recipe_upgrade_status", None) or getattr(recipeutils, "get_recipe_upstream_version", None)
    if recipeutils is not None and not knows_stable(function):
        raise NoStableCheck("this OE-core cannot tell the stable releases of an upstream from the others")
    kept = []
    for record, variables in checks:
        if variables.get("UPSTREAM_STABLE_RELEASE_REGEX"):
            kept.append((record, variables))
        else:
            record["error"] = error_of("no-series", "its recipe does not say which releases are stable (UPSTREAM_STABLE_RELEASE_REGEX)")
    return kept


def knows_stable(function):
    """Whether an OE function can be asked for stable releases."""
    return function is not None and len(inspect.signature(function).parameters) > 1


def run_checks(request, checks, recipeutils, log):
    """Check each upstream, `jobs` at a time in processes apart, and put the results into the records.

    A process checks one upstream after another, since a fork of one that holds so many recipes costs more than a
    check. One that dies or hangs costs the recipe that it was at, and the next one gets a new process.
    """
    waiting, busy, idle = list(reversed(checks)), {}, []
    try:
        while waiting or busy:
            while waiting and len(busy) < request.jobs:
                checker = idle.pop() if idle else Checker(recipeutils, request, log)
                checker.begin(*waiting.pop())
                busy[checker.pipe] = checker
            timeout = max(0.0, min(checker.deadline for checker in busy.values()) - time.monotonic())
            ready = set(multiprocessing.connection.wait(list(busy), timeout))
            for checker in [c for c in busy.values() if c.pipe in ready or c.overdue()]:
                del busy[checker.pipe]
                if checker.finish():
                    idle.append(checker)
    finally:
        for checker in [*busy.values(), *idle]:
            checker.kill()


class Checker:
    """A process that checks upstreams."""

    def __init__(self, recipeutils, request, log):
        self.log, self.limit, self.left = log, request.check_timeout_s, CHECKS_PER_PROCESS
        # fork: the modules of BitBake and OE are there already.
        context = multiprocessing.get_context("fork")
        self.pipe, theirs = context.Pipe()
        arguments = (theirs, recipeutils, request.stable, self.limit, log)
        self.process = context.Process(target=check_in_child, args=arguments)
        sys.stdout.flush()
        self.process.start()
        theirs.close()

    def begin(self, record, variables):
        """Start on an upstream."""
        self.record, self.left = record, self.left - 1
        self.deadline = time.monotonic() + self.limit
        with contextlib.suppress(OSError):  # one that died shows when its answer is due
            self.pipe.send(variables)

    def overdue(self):
        return time.monotonic() >= self.deadline

    def finish(self):
        """Take the result, or find out why there is none. Whether the process is of further use."""
        try:
            result = self.pipe.recv() if self.pipe.poll() else None
        except (EOFError, OSError):
            result = {"died": True}
        if result is not None and "died" not in result:
            self.record["check"], self.record["error"] = result["check"], result["error"]
            self.log.lines.extend(f"{self.record['pn']}: {line}" for line in result["log"])
            if self.left > 0:
                return True
        self.kill()
        if result is None:
            self.record["error"] = error_of("timeout", f"the upstream check took longer than {self.limit:g} s")
        elif "died" in result:
            how = ended(self.process.exitcode)
            self.record["error"] = error_of("crashed", f"the process of the upstream check {how}")
        return False

    def kill(self):
        """End what is left of it, with the fetch commands that it started."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.kill()  # should it not have got as far as a group of its own
        self.process.join()
        self.pipe.close()


def ended(exitcode):
    """How a process ended, in words."""
    if exitcode is not None and exitcode < 0:
        with contextlib.suppress(ValueError):
            return f"was ended by {signal.Signals(-exitcode).name}"
    return f"exited with status {exitcode}"


def check_in_child(pipe, recipeutils, stable, limit, log):
    """The whole life of a process that checks upstreams."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    with contextlib.suppress(OSError):
        os.setpgid(0, 0)
    # Its own guard, in case nobody is left to stop it.
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    parent = os.getppid()
    while True:
        # The pipe's other end may have copies in processes like this one, so that it need not close.
        while not pipe.poll(1.0):
            if os.getppid() != parent:
                return
        variables = pipe.recv()
        signal.alarm(int(limit) + 5)
        pipe.send(checked(variables, recipeutils, stable, log))
        signal.alarm(0)


def checked(variables, recipeutils, stable, log):
    """The result of one check: {check, error, log}."""
    del log.lines[:]
    result = {"check": None, "error": None, "log": log.lines}
    try:
        result["check"] = upstream_status(as_data(variables), recipeutils, stable)
    except BaseException as error:  # bb.fatal and sys.exit are no more than failed checks here
        result["error"] = error_of("check", log.error_since(0) or one_line(error), describe(error))
    sys.stdout.flush()
    return result


def as_data(values):
    """A data store of BitBake's with these values."""
    data = sys.modules["bb"].data.init()
    for name, value in values.items():
        data.setVar(name, value)
    return data


def upstream_status(data, recipeutils, stable):
    """{status, cur_ver, next_ver, revision}; absent versions and revisions are null."""
    if recipeutils is None:
        raise RuntimeError("oe.recipeutils cannot be imported")
    function = getattr(recipeutils, "_get_recipe_upgrade_status", None)
    if function is None:
        return status_by_version(data, recipeutils, stable)
    result = call_with_stable(function, data, stable)
    if not isinstance(result, dict):  # a tuple, in older trees
        result = dict(zip(("pn", "status", "cur_ver", "next_ver", "maintainer", "revision"), result))
    return {
        "status": result["status"], "cur_ver": result["cur_ver"],
        "next_ver": known(result["next_ver"]), "revision": known(result.get("revision")),
    }


def call_with_stable(function, data, stable):
    """Calls an OE function that may or may not know about stable releases."""
    return function(data, stable) if knows_stable(function) else function(data)


def status_by_version(data, recipeutils, stable):
    """The status from the versions alone, with the meaning that OE gives to its status words."""
    found = call_with_stable(recipeutils.get_recipe_upstream_version, data, stable)
    current, latest = found["current_version"], found["version"]
    # A version that is not known is none to upgrade to, like one older than the recipe's.
    order = sys.modules["bb"].utils.vercmp_string(current, latest) if latest else 1
    words = STATUS_WORDS["older" if order > 0 else "newer" if order < 0 else "same"]
    status = words[1] if data.getVar("UPSTREAM_VERSION_UNKNOWN") else words[0]
    return {"status": status, "cur_ver": current, "next_ver": known(latest), "revision": known(found.get("revision"))}


def known(value):
    """None for the ways in which OE says that there is no value."""
    return None if value in (None, "", "N/A") else value


# --- errors, log, files ---------------------------------------------------------------------------------


class Log:
    """Lines for the response: our own, and BitBake's warnings and errors while `recording`."""

    def __init__(self):
        self.lines = []

    def add(self, line):
        self.lines.append(line)

    def mark(self):
        return len(self.lines)

    def error_since(self, marker):
        """The first error that BitBake reported after `marker`, on one line; None if it reported none."""
        errors = [line[len("ERROR: "):] for line in self.lines[marker:] if line.startswith("ERROR: ")]
        return one_line(errors[0]) if errors else None

    def filter(self, record):
        """As a logging filter that lets everything pass: unlike a handler, BitBake's user interface leaves it alone."""
        if record.levelno >= logging.WARNING:
            with contextlib.suppress(Exception):
                level = "ERROR" if record.levelno >= logging.ERROR else "WARNING"
                self.lines.append(f"{level}: {record.getMessage().strip()}")
        return True

    @contextlib.contextmanager
    def recording(self):
        logger = logging.getLogger("BitBake")
        logger.addFilter(self)
        try:
            yield
        finally:
            logger.removeFilter(self)


def error_of(kind, message, detail=None):
    return {"kind": kind, "message": message, "detail": detail or message}


def failure(kind, error, log):
    """Why there was no session: BitBake's first error says more than the exception."""
    return error_of(kind, log.error_since(0) or one_line(error), describe(error))


def one_line(text):
    """The line of an error that says what is wrong: of a traceback, its last without the exception's name."""
    if isinstance(text, SystemExit):
        return f"exited with status {text.code}"
    if isinstance(text, BaseException):
        text = str(text) or type(text).__name__
    lines = [line.strip() for line in (text or "").splitlines() if line.strip()]
    if not lines:
        return ""
    if not any(line.startswith("Traceback") for line in lines):
        return lines[0]
    return re.sub(r"^[A-Za-z_][\w.]*: (?=\S)", "", lines[-1])


def describe(error):
    """The whole of an error, with the place it was raised at."""
    return "".join(traceback.format_exception(type(error), error, error.__traceback__))


def write_atomically(path, response):
    """Write the response so that a reader sees all of it or nothing."""
    folder = os.path.dirname(os.path.abspath(path))
    handle, temporary = tempfile.mkstemp(prefix=".session-", dir=folder)
    try:
        # A name that is no UTF-8 has surrogates in it, which no other program reads; it must not cost the others.
        with os.fdopen(handle, "w", encoding="utf-8", errors="replace") as stream:
            json.dump(response, stream, indent=1, ensure_ascii=False)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise


if __name__ == "__main__":
    sys.exit(main(sys.argv))
