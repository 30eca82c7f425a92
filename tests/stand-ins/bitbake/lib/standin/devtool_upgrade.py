"""What `devtool upgrade` and `devtool finish` do to sources, patches and recipe text."""

import difflib
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile

from standin import bitbake_tool, tasks, upstream
from standin.recipes import version_key

CHANGELOGS = {"changelog", "changelog.md", "changes", "changes.md", "news", "news.md", "history.md", "releases.md"}
LICENSE_NOTICE = """# FIXME: the LIC_FILES_CHKSUM values have been updated by 'devtool upgrade'.
# The following is the difference between the old and the new license text.
# Please update the LICENSE value if needed, and summarize the changes in
# the commit message via 'License-Update:' tag.
# (example: 'License-Update: copyright years updated.')
#
# The changes:
#
"""


class DevtoolError(Exception):
    """What devtool reports as one ERROR and exit status 1."""


def info(text):
    print("INFO: " + text, file=sys.stderr, flush=True)


def warning(text):
    print("WARNING: " + text, file=sys.stderr, flush=True)


def error(text):
    print("ERROR: " + text, file=sys.stderr, flush=True)


def git(folder, *arguments, check=True, text=None):
    """Run git in a folder; a failure becomes a DevtoolError where `check` asks for it."""
    command = ["git", "-c", "commit.gpgsign=false", "-c", "tag.gpgsign=false", "-c", "gc.auto=0", "-C", folder, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, input=text)
    if check and done.returncode != 0:
        raise DevtoolError("Command 'git %s' failed, output:\n%s%s" % (" ".join(arguments), done.stdout, done.stderr))
    return done


def patch_names(data):
    return [name for name, _ in tasks.patches(data)]


class Upgrade:
    """One `devtool upgrade`."""

    def __init__(self, options, workspace, recipes, fn, data):
        self.options, self.workspace, self.recipes = options, workspace, recipes
        self.fn, self.data = fn, data
        self.pn, self.old = data.getVar("PN"), data.getVar("PV")
        self.srctree = os.path.abspath(options.srctree or os.path.join(workspace.path, "sources", self.pn))
        self.folder = os.path.join(workspace.path, "recipes", self.pn)
        self.uri = upstream.remote(data)
        self.is_git = bool(self.uri) and upstream.decode(self.uri)[0] in ("git", "gitsm")
        self.new = self.revision = None
        self.checksum = None

    def choose_version(self):
        """Take version and revision from the command line, else ask upstream."""
        self.new, self.revision = self.options.version, self.options.srcrev
        if not self.uri:
            raise DevtoolError("Unable to find non-local entry in SRC_URI")
        if not self.new and not self.revision:
            self.new, self.revision = upstream.latest(self.data, self.uri)
        if not self.new and not self.revision:
            raise DevtoolError(
                "Automatic discovery of latest version/revision failed - you must provide a version using the --version/-V option, "
                "or for recipes that fetch from an SCM such as git, the --srcrev/-S option."
            )
        old_revision = self.data.getVar("SRCREV") if self.is_git else None
        if old_revision and not self.revision:
            raise DevtoolError("Recipe specifies a SRCREV value; you must specify a new one when upgrading")
        if self.old == self.new and old_revision == self.revision:
            raise DevtoolError("Current and upgrade versions are the same version")
        self.new = self.new or self.old
        if version_key(self.new) < version_key(self.old):
            warning("Upgrade version %s compares as less than the current version %s. If you are using a package feed for on-target upgrades or providing this recipe for general consumption, then you should increment PE in the recipe (or if there is no current PE value set, set it to \"1\")" % (self.new, self.old))

    def run(self):
        """Do it all; the messages come in the real tool's order."""
        info("Extracting current version source...")
        self._extract_old()
        old_licenses = self._licenses()
        info("Extracting upgraded version source...")
        base = self._extract_new()
        self._rebase(base)
        new_licenses = self._licenses()
        recipe, copied, changed = self._write_recipe(old_licenses, new_licenses)
        info("Using source tree as build directory since that would be the default for this recipe")
        self._write_append(recipe, base, copied)
        info("Upgraded source extracted to %s" % self.srctree)
        info("New recipe is %s" % recipe)
        changelog = self._write_changelog()
        if changelog:
            info("Changelog extracted to %s" % changelog)
        if changed:
            info("License checksums have been updated in the new recipe; please refer to it for the difference between the old and the new license texts.")

    def clean_up(self):
        """Leave nothing of a failed upgrade."""
        for path in (self.folder, self.srctree):
            shutil.rmtree(path, ignore_errors=True)

    def _extract_old(self):
        bitbake_tool.print_build_configuration(self.recipes.configuration)
        bitbake_tool.print_sstate(0, 0)
        print("NOTE: No setscene tasks\nNOTE: Executing Tasks", flush=True)
        try:
            tasks.fetch(self.data)
        except upstream.FetchFailure as failure:
            for message in failure.messages:
                error(message)
            raise DevtoolError("Extracting source for %s failed" % self.pn) from failure
        if os.path.isdir(self.srctree) and os.listdir(self.srctree):
            raise DevtoolError("Source tree path %s already exists and is not empty" % self.srctree)
        os.makedirs(os.path.dirname(self.srctree), exist_ok=True)
        self._unpack_old()
        git(self.srctree, "tag", "-f", "devtool-base")
        git(self.srctree, "checkout", "-q", "-b", "devtool-patched")
        for name, path in tasks.patches(self.data):
            commit_patch(self.srctree, name, path)
        git(self.srctree, "tag", "-f", "devtool-patched-tag")
        print("NOTE: Tasks Summary: Attempted 3 tasks of which 0 didn't need to be rerun and all succeeded.", flush=True)

    def _unpack_old(self):
        if self.is_git:
            tasks.clone(self.uri, self.data.getVar("SRCREV"), self.srctree)
            return
        with tempfile.TemporaryDirectory(prefix="devtool") as folder:
            tasks.extract(os.path.join(self.data.getVar("DL_DIR"), os.path.basename(self.uri.split(";")[0])), folder)
            shutil.move(only_folder(folder), self.srctree)
        git(self.srctree, "init", "-q", "-b", "devtool-unpacked")
        git(self.srctree, "add", "-f", "-A", ".")
        git(self.srctree, "commit", "-q", "--allow-empty", "-m", "Initial commit from upstream at version %s" % self.old)

    def _extract_new(self):
        """Bring the new source into the tree; the commit to rebase onto."""
        if self.is_git:
            git(self.srctree, "fetch", "-q")
            git(self.srctree, "-c", "advice.detachedHead=false", "checkout", "-q", self.revision)
            git(self.srctree, "tag", "-f", "devtool-base-new")
            return git(self.srctree, "rev-parse", "HEAD").stdout.strip()
        git(self.srctree, "checkout", "-q", "devtool-base", "-b", "devtool-%s" % self.new)
        archive = self._fetch_new()
        for name in os.listdir(self.srctree):
            path = os.path.join(self.srctree, name)
            if name != ".git":
                shutil.rmtree(path) if os.path.isdir(path) else os.remove(path)
        with tempfile.TemporaryDirectory(prefix="devtool") as folder:
            tasks.extract(archive, folder)
            shutil.copytree(only_folder(folder), self.srctree, symlinks=True, dirs_exist_ok=True)
        git(self.srctree, "add", "-f", "-A", ".")
        git(self.srctree, "commit", "-q", "--allow-empty", "-m", "Commit of upstream changes at version %s" % self.new)
        git(self.srctree, "tag", "-f", "devtool-base-%s" % self.new)
        print("Adding changed files: 100% |####################################| Time: 0:00:00", flush=True)
        return git(self.srctree, "rev-parse", "HEAD").stdout.strip()

    def _fetch_new(self):
        data = self.data.createCopy()
        data.setVar("PV", self.new)
        uri = upstream.remote(data)
        info("Fetching %s..." % uri)
        try:
            archive = upstream.fetch_archive(data, uri)
        except upstream.FetchFailure as failure:
            for message in failure.messages:
                error(message)
            log = os.path.join(data.getVar("TMPDIR"), "work", "recipetool-%d" % os.getpid(), "work", "temp", "log.do_fetch.%d" % os.getpid())
            os.makedirs(os.path.dirname(log), exist_ok=True)
            with open(log, "w", encoding="utf-8") as stream:
                stream.write("".join("ERROR: %s\n" % message for message in failure.messages))
            error("Logfile of failure stored in: %s" % log)
            raise DevtoolError("Failed to fetch URL %s" % uri) from failure
        self.checksum = upstream.sha256_of(archive)
        return archive

    def _rebase(self, base):
        branch = self.options.branch
        if self.options.no_patch:
            git(self.srctree, "checkout", "-q", base, "-b", branch)
            return
        git(self.srctree, "checkout", "-q", "devtool-patched", "-b", branch)
        info("Rebasing %s onto %s" % (branch, base))
        done = git(self.srctree, "rebase", base, check=False)
        if done.returncode == 0:
            return
        said = "Command 'git rebase %s' failed:\n%s" % (base, done.stdout.rstrip())
        if "conflict" in done.stdout.lower():
            warning(said + "\n\nYou will need to resolve conflicts in order to complete the upgrade.")
            git(self.srctree, "rebase", "--abort")
        else:
            warning(said)

    def _licenses(self):
        """[(path, parameters, lines, md5)] of the licence files in the source tree as it is now."""
        found = []
        for url in (self.data.getVar("LIC_FILES_CHKSUM") or "").split():
            _, path, parameters = upstream.decode(url)
            full = os.path.join(self.srctree, path)
            if not os.path.isfile(full):
                raise DevtoolError("[Errno 2] No such file or directory: '%s'" % full)
            found.append((path, parameters, *tasks.license_text(full, parameters)))
        return found

    def _write_recipe(self, old_licenses, new_licenses):
        """(path of the new recipe, files copied, whether a licence text changed)."""
        os.makedirs(self.folder, exist_ok=True)
        copied = self._copy_files()
        name = os.path.basename(self.fn)
        if name.endswith("_%s.bb" % self.old):
            os.rename(os.path.join(self.folder, name), os.path.join(self.folder, "%s_%s.bb" % (self.pn, self.new)))
            name = "%s_%s.bb" % (self.pn, self.new)
        recipe = os.path.join(self.folder, name)
        values = {"PR": None}
        if self.checksum:
            values["SRC_URI[sha256sum]"] = self.checksum
        if self.is_git and self.revision:
            values["SRCREV"] = self.revision
        if re.search(r"^PV\s*=", _read(recipe), re.M):
            values["PV"] = self.new
        changed = any(parameters.get("md5") != digest for _, parameters, _, digest in new_licenses)
        if changed:
            values["LIC_FILES_CHKSUM"] = " ".join(_license_url(*license) for license in new_licenses)
        set_values(recipe, values)
        if changed:
            _prepend_license_diff(recipe, license_diff(old_licenses, new_licenses))
        return recipe, copied, changed

    def _copy_files(self):
        source = os.path.dirname(self.fn)
        paths = [self.fn, *(path for _, path in tasks.local_files(self.data))]
        paths += [path for path in self.data.included if os.path.dirname(path) == source and path.endswith(".inc")]
        copied = [os.path.relpath(path, source) for path in paths]
        for name in copied:
            target = os.path.join(self.folder, name)
            os.makedirs(os.path.dirname(target), exist_ok=True)
            shutil.copy2(os.path.join(source, name), target)
        return copied

    def _write_append(self, recipe, base, copied):
        append = os.path.join(self.workspace.path, "appends", os.path.basename(recipe) + "append")
        lines = ['FILESEXTRAPATHS:prepend := "${THISDIR}/${PN}:"', ""]
        lines += ['FILESPATH:prepend := "%s:"' % os.path.join(self.srctree, "oe-local-files"), "# srctreebase: %s" % self.srctree]
        lines += ["inherit externalsrc", "# NOTE: We use pn- overrides here to avoid affectingmultiple variants in the case where the recipe uses BBCLASSEXTEND"]
        lines += ['EXTERNALSRC:pn-%s = "%s"' % (self.pn, self.srctree), 'EXTERNALSRC_BUILD:pn-%s = "%s"' % (self.pn, self.srctree), ""]
        lines += ["# initial_rev .: %s" % base, "# original_path: %s" % os.path.dirname(self.fn), "# original_files: %s" % " ".join(copied)]
        _write(append, "\n".join(lines) + "\n")
        self._record(append)
        for where, _, names in os.walk(self.folder):
            for name in names:
                self._record(os.path.join(where, name))

    def _record(self, path):
        """Note a file's md5 in .devtool_md5, so that a later change by hand is seen."""
        with open(path, "rb") as stream:
            digest = hashlib.md5(stream.read()).hexdigest()
        with open(os.path.join(self.workspace.path, ".devtool_md5"), "a", encoding="utf-8") as stream:
            stream.write("%s|%s|%s\n" % (self.pn, os.path.relpath(path, self.workspace.path), digest))

    def _write_changelog(self):
        tag = "devtool-base-new" if self.is_git else "devtool-base-%s" % self.new
        name, text = changelog(self.srctree, "devtool-base", tag)
        if not text and self.is_git:
            text = git(self.srctree, "log", "--oneline", "devtool-base..%s" % tag).stdout.strip()
        if not text:
            return None
        path = os.path.join(self.workspace.path, "changelogs", "%s.txt" % self.pn)
        source = "Source: %s\n" % name if name else ""
        _write(path, "Changelog for %s: %s -> %s\n%s\n%s\n" % (self.pn, self.old, self.new, source, text))
        return path


def changelog(srctree, old, new):
    """(name, added text) of the largest changelog file that differs between two tags; (None, "") without one."""
    best = (None, "")
    for name in git(srctree, "diff", "--name-only", old, new).stdout.splitlines():
        if os.path.basename(name).lower() not in CHANGELOGS:
            continue
        lines = git(srctree, "diff", old, new, "--", name).stdout.splitlines()
        text = "\n".join(line[1:] for line in lines if line.startswith("+") and not line.startswith("+++")).strip()
        if len(text) > len(best[1]):
            best = (name, text)
    return best


def only_folder(folder):
    """The single folder that an archive unpacked into."""
    names = os.listdir(folder)
    if len(names) != 1:
        raise DevtoolError("Cannot determine where the source tree is after unpacking in %s: %s" % (folder, names))
    return os.path.join(folder, names[0])


def patch_header(text):
    """(author or None, subject, body) of a patch with mail headers."""
    author = re.search(r"^From: (.+)$", text, re.M)
    subject = re.search(r"^Subject: (?:\[PATCH[^\]]*\] )?(.+)$", text, re.M)
    head = text.split("\n---", 1)[0].split("\ndiff --git", 1)[0]
    body = head.split("\n\n", 1)[1].strip() if "\n\n" in head else ""
    return author.group(1) if author else None, subject.group(1) if subject else None, body


def commit_patch(srctree, name, path):
    """Apply one patch of the recipe and commit it under its own subject and author."""
    done = git(srctree, "apply", "--index", "-p1", path, check=False)
    if done.returncode != 0:
        raise DevtoolError("Applying patch '%s' on target directory '%s'\n%s" % (name, srctree, done.stderr))
    author, subject, body = patch_header(_read(path))
    chosen = ["--author", author] if author else []
    git(srctree, "commit", "-q", *chosen, "-F", "-", text="%s\n\n%s\n" % (subject or name, body))


def refresh_patches(entry, data):
    """Bring the patch files beside the recipe up to what the commits in the tree say; whether any changed."""
    known = dict(tasks.patches(data))
    by_subject = {patch_header(_read(path))[1] or name: name for name, path in known.items()}
    changed = False
    commits = git(entry["srctree"], "rev-list", "--reverse", "%s..HEAD" % entry["initial_rev"]).stdout.split()
    for commit in commits:
        subject = git(entry["srctree"], "log", "-1", "--format=%s", commit).stdout.strip()
        name = by_subject.get(subject)
        if name is None:
            continue
        flags = ["--stdout", "-1", "-N", "--no-signature", "--zero-commit"]
        text = git(entry["srctree"], "format-patch", *flags, commit).stdout
        if text != _read(known[name]):
            info("Updating patch %s" % name)
            _write(known[name], text)
            changed = True
    return changed


def _license_url(path, parameters, _lines, digest):
    limits = "".join(";%s=%s" % (key, parameters[key]) for key in ("beginline", "endline") if key in parameters)
    return "file://%s%s;md5=%s" % (path, limits, digest)


def license_diff(old, new):
    """The unified difference of the licence texts, one file after another."""
    parts = []
    for before, after in zip(old, new):
        parts.extend(difflib.unified_diff(before[2], after[2], before[0], after[0]))
    return "".join(parts)


def _prepend_license_diff(recipe, diff):
    commented = "\n".join("# " + line for line in diff.split("\n"))
    _write(recipe, LICENSE_NOTICE + commented + "\n#\n\n" + _read(recipe))


def set_values(recipe, values):
    """Replace `NAME = "..."` lines of a recipe; None drops the line; a name that is missing is added."""
    text = _read(recipe)
    for name, value in values.items():
        pattern = re.compile(r'^%s\s*[?:]?=\s*"[^"]*"[ \t]*\n' % re.escape(name), re.M)
        line = '%s = "%s"\n' % (name, value)
        if value is None:
            text = pattern.sub("", text)
        elif pattern.search(text):
            text = pattern.sub(lambda _match, line=line: line, text)
        else:
            text += line
    _write(recipe, text)


def _read(path):
    with open(path, encoding="utf-8") as stream:
        return stream.read()


def _write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as stream:
        stream.write(text)
