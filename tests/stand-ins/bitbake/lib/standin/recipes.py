"""Finding and parsing recipes, and the parse cache that decides how many are `cached` and how many `parsed`."""

import json
import os
import re
import sys

from standin.metadata import ParseError, parse_file


class Entry:
    """What the cache keeps of one recipe: enough to find providers without parsing again."""

    def __init__(self, fn, pn, pv, provides, skipped, stamps):
        self.fn, self.pn, self.pv = fn, pn, pv
        self.provides, self.skipped, self.stamps = provides, skipped, stamps

    def fresh(self, appends):
        """Whether no file that the parse read has changed since, and the same appends apply."""
        return self.stamps == {path: stamp(path) for path in [*self.stamps, *appends]}


class Unavailable(Exception):
    """No usable recipe of a name; the text is the real tools'."""


class Counts:
    """How the last look at all recipes went."""

    def __init__(self, loaded, cached, parsed, targets, skipped):
        self.loaded, self.cached, self.parsed = loaded, cached, parsed
        self.targets, self.skipped = targets, skipped

    @property
    def total(self):
        return self.cached + self.parsed


def stamp(path):
    """What tells that a file has changed; None for a file that is gone."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return [status.st_mtime_ns, status.st_size, status.st_ino]


def name_and_version(fn):
    """(PN, PV) from `PN_PV.bb`; PV is 1.0 where the file name has none."""
    stem = os.path.basename(fn).rsplit(".", 1)[0]
    pn, _, pv = stem.partition("_")
    return pn, pv or "1.0"


def version_key(version):
    """Sorts versions the way people expect: numbers as numbers, `rc`, `beta` and the like before the release."""
    key = []
    for number, word in re.findall(r"(\d+)|([A-Za-z]+|~)", version):
        early = word.lower() in ("rc", "beta", "alpha", "pre", "dev", "~")
        key.append((2, int(number), "") if number else (0 if early else 1, 0, word))
    return [*key, (1, -1, "")]


def appends_for(fn, appends):
    """The bbappends that apply to a recipe file: same name, or `%` as its end."""
    stem = os.path.basename(fn)[: -len(".bb")]
    chosen = []
    for append in appends:
        name = os.path.basename(append)[: -len(".bbappend")]
        if name == stem or ("%" in name and stem.startswith(name.split("%", 1)[0])):
            chosen.append(append)
    return chosen


def parse_recipe_file(configuration, fn, appends=()):
    """The recipe's variables on top of the configuration's."""
    data = configuration.data.createCopy()
    pn, pv = name_and_version(fn)
    data.values.update({"PN": pn, "PV": pv, "FILE": fn, "FILE_DIRNAME": os.path.dirname(fn)})
    data.values["THISDIR"] = os.path.dirname(fn)
    bbpath = configuration.bbpath()
    parse_file(data, fn, bbpath)
    for append in appends:
        data.values["THISDIR"] = os.path.dirname(append)
        parse_file(data, append, bbpath)
    if "allarch" in (data.values.get("INHERITED") or "").split():
        data.values["MULTIMACH_TARGET_SYS"] = "all-oe-linux"
    else:
        arch = re.sub("-", "_", data.getVar("MACHINE"))
        data.values["MULTIMACH_TARGET_SYS"] = "%s-oe-linux" % arch
    _use_external_source(data)
    data.values["BBINCLUDED"] = " ".join(data.included)
    return data


def _use_external_source(data):
    if "externalsrc" in (data.values.get("INHERITED") or "").split() and data.getVar("EXTERNALSRC"):
        data.values["S"] = data.getVar("EXTERNALSRC")
        data.values["B"] = data.getVar("EXTERNALSRC_BUILD") or data.getVar("S")


def skip_reason(data):
    """Why BitBake would leave the recipe out for this machine; None where it would not."""
    wanted = data.getVar("COMPATIBLE_MACHINE")
    names = (data.getVar("MACHINEOVERRIDES") or "").split(":")
    if wanted and not any(re.match(wanted, name) for name in names):
        return "incompatible with machine %s (not in COMPATIBLE_MACHINE)" % data.getVar("MACHINE")
    return data.getVarFlag("SKIP_RECIPE", data.getVar("PN"))


class Recipes:
    """All recipes of a configuration, from the cache where it is still true."""

    def __init__(self, configuration):
        self.configuration = configuration
        self.files, self.appends = configuration.recipe_files()
        self._appends_by_stem = {}
        for append in self.appends:
            stem = os.path.basename(append)[: -len(".bbappend")].split("%", 1)[0].split("_", 1)[0]
            self._appends_by_stem.setdefault(stem, []).append(append)
        self.entries = {}
        self.counts = None

    def appends_of(self, fn):
        return appends_for(fn, self._appends_by_stem.get(name_and_version(fn)[0], []))

    def parse(self, fn):
        return parse_recipe_file(self.configuration, fn, self.appends_of(fn))

    def load(self):
        """Look at every recipe; parse those that the cache does not know; write the cache back."""
        known, parsed = self._read_cache(), 0
        loaded = len(known)
        for fn in self.files:
            entry = known.get(fn)
            if entry is None or not entry.fresh(self.appends_of(fn)):
                entry = self._entry(fn)
                parsed += 1
            self.entries[fn] = entry
        if parsed or loaded != len(self.files):
            self._write_cache()
        skipped = sum(1 for entry in self.entries.values() if entry.skipped)
        self.counts = Counts(loaded, len(self.files) - parsed, parsed, len(self.files) - skipped, skipped)
        return self.counts

    def _entry(self, fn):
        try:
            data = self.parse(fn)
        except ParseError as error:
            print("ERROR: %s" % error, file=sys.stderr)
            print("\nSummary: There was 1 ERROR message, returning a non-zero exit code.")
            sys.exit(1)
        own = [path for path in data.included if path not in self.configuration.data.included]
        pn = data.getVar("PN")
        provides = [pn, *(data.getVar("PROVIDES") or "").split()]
        return Entry(fn, pn, data.getVar("PV"), provides, skip_reason(data), {path: stamp(path) for path in own})

    def _cache_file(self):
        folder = self.configuration.data.getVar("PERSISTENT_DIR")
        return os.path.join(folder, "bb_cache.dat." + self.configuration.hash)

    def _read_cache(self):
        try:
            with open(self._cache_file(), encoding="utf-8") as stream:
                return {row[0]: Entry(*row) for row in json.load(stream)}
        except (OSError, ValueError, TypeError):
            return {}

    def _write_cache(self):
        path = self._cache_file()
        os.makedirs(os.path.dirname(path), exist_ok=True)
        rows = [[e.fn, e.pn, e.pv, e.provides, e.skipped, e.stamps] for e in self.entries.values()]
        with open(path + ".new", "w", encoding="utf-8") as stream:
            json.dump(rows, stream)
        os.replace(path + ".new", path)

    def find(self, target):
        """(best recipe file for a target or None, reasons why others were skipped)."""
        named = [entry for entry in self.entries.values() if target in entry.provides]
        usable = [entry for entry in named if not entry.skipped]
        return (max(usable, key=self._rank).fn if usable else None), [e.skipped for e in named if e.skipped]

    def file_of(self, target):
        """The best recipe file for a target; Unavailable says why there is none."""
        fn, reasons = self.find(target)
        if fn is None and reasons:
            raise Unavailable("%s is unavailable:\n  %s" % (target, "  \n".join(reasons)))
        if fn is None:
            raise Unavailable('Unable to find any recipe file matching "%s"' % target)
        return fn

    def _rank(self, entry):
        layer = self.configuration.layer_of(entry.fn)
        pinned = self.configuration.data.getVar("PREFERRED_VERSION_" + entry.pn)
        return (pinned == entry.pv, layer.priority if layer else 0, version_key(entry.pv))
