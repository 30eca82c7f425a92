"""The configuration of a build directory: bblayers.conf, the layers, auto/toolcfg/local.conf, the machine."""

import glob
import hashlib
import os
import sys

from standin.metadata import Data, ParseError, parse_file

# What BitBake lets through from the environment, as far as anything here looks at it.
PASSED_THROUGH = ("MACHINE", "DISTRO", "TCLIBC", "HOME", "BB_NUMBER_THREADS", "PARALLEL_MAKE", "DL_DIR", "SSTATE_DIR", "TMPDIR")
CONFIGURATION_FILES = ("conf/site.conf", "conf/auto.conf", "conf/toolcfg.conf", "conf/local.conf")


class ConfigurationError(Exception):
    """The configuration cannot be used; the text is what BitBake prints after `ERROR: `."""


class Layer:
    """One layer of BBLAYERS with its collection name and its priority."""

    def __init__(self, path, name, priority):
        self.path, self.name, self.priority = path, name, priority

    @property
    def title(self):
        return os.path.basename(self.path)


class Configuration:
    """The parsed base configuration; `data` holds the variables, `layers` the layers in BBLAYERS order."""

    def __init__(self, builddir, postfiles=()):
        self.builddir = builddir
        self.layers = []
        self.data = Data()
        self._seed()
        self._read_layers()
        self._read_files(postfiles)
        self.hash = self._hash()

    def _seed(self):
        for name in PASSED_THROUGH:
            if os.environ.get(name):
                self.data.values[name] = os.environ[name]
        for name in (os.environ.get("BB_ENV_PASSTHROUGH_ADDITIONS") or "").split():
            if name in os.environ:
                self.data.values[name] = os.environ[name]
        self.data.values["TOPDIR"] = self.builddir

    def _read_layers(self):
        bblayers = os.path.join(self.builddir, "conf", "bblayers.conf")
        if not os.path.isfile(bblayers):
            raise ConfigurationError(
                "Unable to find conf/bblayers.conf or conf/bitbake.conf. BBPATH is unset and/or not in a build directory?"
            )
        parse_file(self.data, bblayers)
        for path in (self.data.getVar("BBLAYERS") or "").split():
            self._read_layer(os.path.normpath(path))
        self.data.values["COREBASE"] = os.path.normpath(self.data.getVar("COREBASE") or self.builddir)

    def _read_layer(self, path):
        conf = os.path.join(path, "conf", "layer.conf")
        if not os.path.isdir(path):
            raise ConfigurationError("The following layer directories do not exist: %s" % path)
        if not os.path.isfile(conf):
            raise ConfigurationError("Layer '%s' has no conf/layer.conf file" % path)
        before = set((self.data.getVar("BBFILE_COLLECTIONS") or "").split())
        parse_file(self.data, conf, immediate={"LAYERDIR": path})
        added = [name for name in (self.data.getVar("BBFILE_COLLECTIONS") or "").split() if name not in before]
        name = added[0] if added else os.path.basename(path)
        priority = int(self.data.getVar("BBFILE_PRIORITY_" + name) or 0)
        self.layers.append(Layer(path, name, priority))

    def bbpath(self):
        return [folder for folder in (self.data.getVar("BBPATH") or "").split(":") if folder]

    def _find(self, name):
        for folder in self.bbpath():
            if os.path.isfile(os.path.join(folder, name)):
                return os.path.join(folder, name)
        return None

    def _read_files(self, postfiles):
        bbpath = self.bbpath()
        core = self._find("conf/bitbake.conf")
        if not core:
            raise ConfigurationError("Unable to parse conf/bitbake.conf: file conf/bitbake.conf not found")
        for name in CONFIGURATION_FILES:
            path = self._find(name)
            if path:
                parse_file(self.data, path, bbpath)
        # bitbake.conf gives defaults (?=) only, so reading it after the user's files keeps them in front.
        parse_file(self.data, core, bbpath)
        self._apply_fragments()
        machine = self.data.getVar("MACHINE")
        machine_conf = self._find("conf/machine/%s.conf" % machine)
        if not machine_conf:
            raise ConfigurationError(
                " OE-core's config sanity checker detected a potential misconfiguration.\n"
                "    Either fix the cause of this error or at your own risk disable the checker (see sanity.conf).\n"
                "    Following is the list of potential problems / advisories:\n\n"
                "    MACHINE=%s is invalid. Please set a valid MACHINE in your local.conf, environment or other configuration file." % machine
            )
        parse_file(self.data, machine_conf, bbpath)
        for path in postfiles:
            parse_file(self.data, path, bbpath)

    def _apply_fragments(self):
        builtin = dict(pair.split(":") for pair in (self.data.getVar("OE_FRAGMENTS_BUILTIN") or "").split())
        enabled = (self.data.getVar("OE_FRAGMENTS") or "").split()
        for prefix, variable in builtin.items():
            chosen = [fragment for fragment in enabled if fragment.startswith(prefix + "/")]
            if len(chosen) > 1:
                raise ConfigurationError(
                    "Multiple builtin fragments are enabled for %s via variable OE_FRAGMENTS: %s." % (variable, " ".join(chosen))
                )
            if not chosen:
                continue
            if self.data.getVar(variable, noweakdefault=True) is not None:
                raise ConfigurationError(
                    "A builtin fragment '%s' is used while %s has already got an assignment.\n"
                    "Please either disable the fragment or remove the value assignment.\n"
                    "To disable the fragment, use 'bitbake-config-build disable-fragment %s'." % (chosen[0], variable, chosen[0])
                )
            self.data.values[variable] = chosen[0].split("/", 1)[1]

    def _hash(self):
        """A digest of every variable but those that BB_HASHCONFIG_IGNORE_VARS names: the parse cache's key."""
        ignored = set((self.data.getVar("BB_HASHCONFIG_IGNORE_VARS") or "").split())
        digest = hashlib.sha256()
        for name in sorted(self.data.keys() - ignored - {"BB_HASHCONFIG_IGNORE_VARS"}):
            digest.update(("%s=%s\n" % (name, self.data.getVar(name))).encode())
        return digest.hexdigest()

    def recipe_files(self):
        """(recipes, appends): every path that BBFILES matches, each once."""
        found = []
        for pattern in (self.data.getVar("BBFILES") or "").split():
            found.extend(sorted(glob.glob(pattern)))
        unique = list(dict.fromkeys(found))
        return [f for f in unique if f.endswith(".bb")], [f for f in unique if f.endswith(".bbappend")]

    def layer_of(self, path):
        """The layer that holds `path`: the longest matching folder."""
        holders = [layer for layer in self.layers if path.startswith(layer.path + os.sep)]
        return max(holders, key=lambda layer: len(layer.path), default=None)


def build_directory():
    """The build directory of this call: BUILDDIR, or the working directory as BitBake would take it."""
    return os.path.abspath(os.environ.get("BUILDDIR") or os.getcwd())


def load(postfiles=()):
    """The configuration, or exit status 1 with BitBake's kind of message."""
    try:
        return Configuration(build_directory(), postfiles)
    except (ConfigurationError, ParseError) as error:
        print("ERROR: %s" % error, file=sys.stderr)
        print("\nSummary: There was 1 ERROR message, returning a non-zero exit code.")
        sys.exit(1)


def revision_of(path):
    """`branch:commit` of the git repository at a layer or just above it, read without running git."""
    for top in (path, os.path.dirname(path)):
        head = os.path.join(top, ".git", "HEAD")
        if os.path.isfile(head):
            return _read_head(os.path.join(top, ".git"))
    return "<unknown>:<unknown>"


def _read_head(gitdir):
    with open(os.path.join(gitdir, "HEAD"), encoding="utf-8") as stream:
        head = stream.read().strip()
    if not head.startswith("ref: "):
        return "HEAD:" + head
    reference = head[len("ref: ") :]
    branch = reference.rsplit("/", 1)[-1]
    loose = os.path.join(gitdir, reference)
    if os.path.isfile(loose):
        with open(loose, encoding="utf-8") as stream:
            return "%s:%s" % (branch, stream.read().strip())
    return branch + ":<unknown>"
