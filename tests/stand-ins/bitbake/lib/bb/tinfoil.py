"""bb.tinfoil: a session that parses the configuration and, if asked, all recipes."""

import os
import sys

import bb.providers
from standin import bitbake_tool, configuration
from standin.recipes import Unavailable, parse_recipe_file


class TinfoilException(Exception):
    """Base of the session's errors."""


class TinfoilUIException(TinfoilException):
    """The session could not be set up."""


class TinfoilCommandFailed(TinfoilException):
    """A command of the session failed."""


class TinfoilRecipeInfo:
    """One recipe as all_recipes() lists it."""

    def __init__(self, entry):
        self.fn, self.pn, self.pv = entry.fn, entry.pn, entry.pv
        self.provides, self.skipreason = entry.provides, entry.skipped


class Tinfoil:
    """One session; it holds the build directory's lock from prepare() to shutdown()."""

    def __init__(self, output=sys.stdout, tracking=False, setup_logging=True):
        self._configuration = self._recipes = self._lock = None
        self.config_data, self.recipes_parsed = None, False

    def __enter__(self):
        return self

    def __exit__(self, *_exception):
        self.shutdown()

    def prepare(self, config_only=False, config_params=None, quiet=0, extra_features=None):
        """Read the configuration; unless `config_only`, look at all recipes too."""
        self._configuration = configuration.load()
        self._lock = _lock_unless_held(self._configuration.builddir)
        self.config_data = self._configuration.data
        os.environ["STANDIN_UPSTREAM"] = self.config_data.getVar("STANDIN_UPSTREAM") or ""
        if not config_only:
            self._parse(quiet)

    def parse_recipes(self):
        self._parse(0)

    def _parse(self, quiet):
        try:
            self._recipes = bitbake_tool.load_recipes(self._configuration, bool(quiet))
        except SystemExit:
            # A command ends here; a session goes on without the recipes.
            raise TinfoilUIException("recipes cannot be parsed") from None
        self.recipes_parsed = True

    def _loaded(self):
        if self._recipes is None:
            self._parse(1)
        return self._recipes

    def parse_recipe(self, pn):
        """The data of the best recipe for a name; NoProvider where there is none or it is skipped."""
        return self._loaded().parse(self.get_recipe_file(pn))

    def get_recipe_file(self, pn):
        try:
            return self._loaded().file_of(pn)
        except Unavailable as reason:
            raise bb.providers.NoProvider(str(reason)) from None

    def parse_recipe_file(self, fn, appends=True, appendlist=None, layername=None):
        if appends and self._recipes is not None:
            return self._recipes.parse(fn)
        return parse_recipe_file(self._configuration, fn, appendlist or ())

    def all_recipe_files(self, mc="", variants=True, include_skipped=True):
        """Every recipe file, each version of it."""
        for entry in self._loaded().entries.values():
            if include_skipped or not entry.skipped:
                yield entry.fn

    def all_recipes(self, mc="", sort=True):
        """Every recipe that is not skipped."""
        usable = [entry for entry in self._loaded().entries.values() if not entry.skipped]
        for entry in sorted(usable, key=lambda entry: entry.pn) if sort else usable:
            yield TinfoilRecipeInfo(entry)

    def get_skipped_recipes(self):
        return {entry.fn: TinfoilRecipeInfo(entry) for entry in self._loaded().entries.values() if entry.skipped}

    def modified_files(self):
        self._recipes = None

    def shutdown(self):
        if self._lock:
            self._lock.__exit__()
            self._lock = None


def _lock_unless_held(builddir):
    """The lock, or None where this very process has it already (devtool does)."""
    if bitbake_tool.BuildLock.held:
        return None
    return bitbake_tool.BuildLock(builddir).__enter__()
