"""`devtool upgrade`: the two releases as commits, the patches moved onto the new one, the new recipe."""

import difflib
import os
import re
import shutil
import tempfile

from standin import bitbake_tool, devtool_text as words, files, tasks, upstream
from standin.devtool_text import DevtoolError, error, info, warning
from standin.recipes import version_key
from standin.source_tree import SourceTree, conflicts

CHANGELOG = re.compile(r"(change(s|log)|news|history|releases)(\.md)?$", re.I)


class Licence:
    """One entry of LIC_FILES_CHKSUM and what it covers of a source tree at this moment."""

    def __init__(self, url, tree):
        _, self.path, self.parameters = upstream.decode(url)
        full = os.path.join(tree, self.path)
        if not os.path.isfile(full):
            raise DevtoolError("[Errno 2] No such file or directory: '%s'" % full)
        self.lines, self.md5 = tasks.license_text(full, self.parameters)

    @property
    def changed(self):
        return self.parameters.get("md5") != self.md5

    def url(self):
        """The entry with the checksum that the text has now."""
        limits = [(key, self.parameters[key]) for key in ("beginline", "endline") if key in self.parameters]
        return "file://" + self.path + "".join(";%s=%s" % pair for pair in [*limits, ("md5", self.md5)])


class Upgrade:
    """One `devtool upgrade`."""

    def __init__(self, options, workspace, recipes, fn, data):
        self.options, self.workspace, self.recipes = options, workspace, recipes
        self.fn, self.data = fn, data
        self.pn, self.old = data.getVar("PN"), data.getVar("PV")
        self.tree = SourceTree(os.path.abspath(options.srctree or os.path.join(workspace.path, "sources", self.pn)))
        self.folder = os.path.join(workspace.path, "recipes", self.pn)
        self.uri = upstream.remote(data)
        self.is_git = bool(self.uri) and upstream.decode(self.uri)[0] in ("git", "gitsm")
        self.new = self.revision = self.checksum = None

    def choose_version(self):
        """Take version and revision from the command line, else ask upstream."""
        if not self.uri:
            raise DevtoolError(words.NOTHING_REMOTE)
        asked = (self.options.version, self.options.srcrev)
        version, self.revision = asked if any(asked) else upstream.latest(self.data, self.uri)
        pinned = self.data.getVar("SRCREV") if self.is_git else None
        objections = {
            words.NOTHING_FOUND: not (version or self.revision),
            words.NEEDS_REVISION: pinned and not self.revision,
            words.SAME_VERSION: (version, self.revision) == (self.old, pinned),
        }
        for text, applies in objections.items():
            if applies:
                raise DevtoolError(text)
        self.new = version or self.old
        if version_key(self.new) < version_key(self.old):
            warning(words.OLDER_VERSION % (self.new, self.old))

    def run(self):
        """Do it all; the messages come in the real tool's order."""
        info(words.EXTRACTING_OLD)
        self._bring_old()
        before = self._licences()
        info(words.EXTRACTING_NEW)
        base = self._bring_new()
        self._move_patches(base)
        after = self._licences()
        self._write_workspace(base, before, after)
        if any(licence.changed for licence in after):
            info(words.LICENCE_CHANGED)

    def clean_up(self):
        """Leave nothing of a failed upgrade."""
        for path in (self.folder, self.tree.path):
            shutil.rmtree(path, ignore_errors=True)

    def _licences(self):
        return [Licence(url, self.tree.path) for url in (self.data.getVar("LIC_FILES_CHKSUM") or "").split()]

    def _bring_old(self):
        """The current release as tag devtool-base, with the recipe's patches on branch devtool-patched."""
        # The real tool runs BitBake for this, whose lines are on the console too.
        bitbake_tool.print_build_configuration(self.recipes.configuration)
        bitbake_tool.print_sstate(0, 0)
        print("NOTE: No setscene tasks\nNOTE: Executing Tasks", flush=True)
        try:
            tasks.fetch(self.data)
        except upstream.FetchFailure as failure:
            _report(failure)
            raise DevtoolError(words.OLD_NOT_EXTRACTED % self.pn) from failure
        if os.path.isdir(self.tree.path) and os.listdir(self.tree.path):
            raise DevtoolError(words.TREE_IN_USE % self.tree.path)
        self.tree.mark(self._old_commit(), "devtool-base")
        self.tree.start_branch("devtool-patched", "devtool-base")
        for name, path in tasks.patches(self.data):
            self.tree.apply(name, path)
        self.tree.mark("HEAD", "devtool-patched-tag")
        print("NOTE: Tasks Summary: Attempted 3 tasks of which 0 didn't need to be rerun and all succeeded.", flush=True)

    def _old_commit(self):
        if self.is_git:
            os.makedirs(os.path.dirname(self.tree.path), exist_ok=True)
            tasks.clone(self.uri, self.data.getVar("SRCREV"), self.tree.path)
            return "HEAD"
        self.tree.create()
        archive = os.path.join(self.data.getVar("DL_DIR"), os.path.basename(self.uri.split(";")[0]))
        commit = self._store(archive, "Initial commit from upstream at version %s" % self.old)
        self.tree.git("branch", "devtool-unpacked", commit)
        return commit

    def _bring_new(self):
        """The new release as a commit beside the patched one; its id."""
        if self.is_git:
            self.tree.git("checkout", "-q", self.revision)
            self.tree.mark("HEAD", "devtool-base-new")
            return self.tree.commit_of("HEAD")
        commit = self._store(self._fetch_new(), "Commit of upstream changes at version %s" % self.new, "devtool-base")
        self.tree.mark(commit, "devtool-base-%s" % self.new, "devtool-%s" % self.new)
        print(words.ADDING_FILES, flush=True)
        return commit

    def _store(self, archive, message, parent=None):
        with tempfile.TemporaryDirectory(prefix="devtool") as folder:
            tasks.extract(archive, folder)
            names = os.listdir(folder)
            if len(names) != 1:
                raise DevtoolError(words.NO_SINGLE_FOLDER % (folder, names))
            return self.tree.store(os.path.join(folder, names[0]), message, parent)

    def _fetch_new(self):
        """The new release's archive in DL_DIR; its checksum is what the new recipe will say."""
        data = self.data.createCopy()
        data.setVar("PV", self.new)
        uri = upstream.remote(data)
        info("Fetching %s..." % uri)
        try:
            archive = upstream.fetch_archive(data, uri)
        except upstream.FetchFailure as failure:
            _report(failure)
            error("Logfile of failure stored in: %s" % self._fetch_log(failure))
            raise DevtoolError("Failed to fetch URL %s" % uri) from failure
        self.checksum = files.digest(archive, "sha256")
        return archive

    def _fetch_log(self, failure):
        """The log of a failed fetch, where the real one has it: in the work folder of a recipe made for the purpose."""
        work = os.path.join(self.data.getVar("TMPDIR"), "work", "recipetool-%d" % os.getpid(), "work")
        log = os.path.join(work, "temp", "log.do_fetch.%d" % os.getpid())
        files.write(log, "".join("ERROR: %s\n" % message for message in failure.messages))
        return log

    def _move_patches(self, base):
        branch = self.options.branch
        if self.options.no_patch:
            self.tree.start_branch(branch, base)
            return
        self.tree.start_branch(branch, "devtool-patched")
        info("Rebasing %s onto %s" % (branch, base))
        said = self.tree.rebase(base)
        if said is not None:
            warning(words.REBASE_FAILED % (base, said) + (words.RESOLVE if conflicts(said) else ""))

    def _write_workspace(self, base, before, after):
        """Write recipe, bbappend and changelog, and say where they are."""
        originals = self._originals()
        recipe = self._write_recipe(originals, before, after)
        info(words.BUILD_IN_SOURCE)
        append = os.path.join(self.workspace.path, "appends", os.path.basename(recipe) + "append")
        origin = os.path.dirname(self.fn)
        values = {"pn": self.pn, "tree": self.tree.path, "base": base, "origin": origin, "files": " ".join(originals)}
        files.write(append, words.APPEND % values)
        self.workspace.remember(self.pn, [append, *files.below(self.folder)])
        info("Upgraded source extracted to %s" % self.tree.path)
        info("New recipe is %s" % recipe)
        changelog = self._write_changelog()
        if changelog:
            info("Changelog extracted to %s" % changelog)

    def _originals(self):
        """The recipe and the files beside it that belong to it, relative to its folder, the recipe first."""
        origin = os.path.dirname(self.fn)
        included = [path for path in self.data.included if os.path.dirname(path) == origin and path.endswith(".inc")]
        local = [path for _, path in tasks.local_files(self.data)]
        return [os.path.relpath(path, origin) for path in [self.fn, *local, *included]]

    def _write_recipe(self, originals, before, after):
        """Copy the files, the recipe under its new name and with its new values; the path of the new recipe."""
        name, *others = originals
        for other in others:
            target = os.path.join(self.folder, other)
            os.makedirs(os.path.dirname(target), exist_ok=True)
            shutil.copy2(os.path.join(os.path.dirname(self.fn), other), target)
        if name.endswith("_%s.bb" % self.old):
            name = "%s_%s.bb" % (self.pn, self.new)
        text = files.read(self.fn)
        text = with_values(text, self._values(text, after))
        if any(licence.changed for licence in after):
            text = words.LICENCE_NOTICE + re.sub(r"(?m)^", "# ", licence_difference(before, after)) + "\n#\n\n" + text
        files.write(os.path.join(self.folder, name), text)
        return os.path.join(self.folder, name)

    def _values(self, text, licences):
        """What the new recipe says differently: {variable: value, or None to drop it}."""
        changes = {
            "PR": (True, None),
            "SRC_URI[sha256sum]": (self.checksum, self.checksum),
            "SRCREV": (self.is_git and self.revision, self.revision),
            "PV": (re.search(r"^PV\s*=", text, re.M), self.new),
            "LIC_FILES_CHKSUM": (any(one.changed for one in licences), " ".join(one.url() for one in licences)),
        }
        return {name: value for name, (applies, value) in changes.items() if applies}

    def _write_changelog(self):
        """Write down what upstream says of the changes; the path, or None where it says nothing."""
        old, new = "devtool-base", "devtool-base-new" if self.is_git else "devtool-base-%s" % self.new
        name, text = changelog(self.tree, old, new)
        if self.is_git and not text:
            text = self.tree.git("log", "--oneline", "%s..%s" % (old, new)).stdout.strip()
        if not text:
            return None
        path = os.path.join(self.workspace.path, "changelogs", "%s.txt" % self.pn)
        heading = "Changelog for %s: %s -> %s\n" % (self.pn, self.old, self.new)
        files.write(path, heading + ("Source: %s\n" % name if name else "") + "\n" + text + "\n")
        return path


def _report(failure):
    for message in failure.messages:
        error(message)


def changelog(tree, old, new):
    """(name, added text) of the changelog that gained most between two tags; (None, "") without one."""
    gained = {
        name: tree.added_text(old, new, name)
        for name in tree.changed_files(old, new)
        if CHANGELOG.match(os.path.basename(name))
    }
    name = max(gained, key=lambda name: len(gained[name]), default=None)
    return (name, gained[name]) if name and gained[name] else (None, "")


def licence_difference(before, after):
    """The unified difference of the licence texts, one file after another."""
    pairs = zip(before, after)
    return "".join("".join(difflib.unified_diff(old.lines, new.lines, old.path, new.path)) for old, new in pairs)


def with_values(text, values):
    """A recipe's text with other `NAME = "..."` lines; None drops the line; a name that is missing is added."""
    for name, value in values.items():
        pattern = re.compile(r'^%s\s*[?:]?=\s*"[^"]*"[ \t]*\n' % re.escape(name), re.M)
        line = "" if value is None else '%s = "%s"\n' % (name, value)
        text, found = pattern.subn(lambda _match, line=line: line, text)
        if not found:
            text += line
    return text
