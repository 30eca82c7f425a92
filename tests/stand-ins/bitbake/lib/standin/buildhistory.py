"""The buildhistory repository, and the `buildhistory-diff` command that compares its last two builds."""

import argparse
import os
import subprocess
import sys
import time

from standin import configuration, files
from standin.image import is_image

IDENTITY = ["-c", "user.name=buildhistory", "-c", "user.email=buildhistory@nodistro", "-c", "commit.gpgsign=false"]
# What the real tool reports without -a, besides large changes of PKGSIZE.
SIGNIFICANT = {"FILELIST", "RDEPENDS", "RPROVIDES", "PACKAGES"}
SIZE_PERCENT = 10


def enabled(data):
    return "buildhistory" in (data.getVar("INHERIT") or "").split()


def write(config, works, targets, succeeded):
    """Record what was built; a commit per build where BUILDHISTORY_COMMIT is 1."""
    top = config.data.getVar("BUILDHISTORY_DIR")
    os.makedirs(top, exist_ok=True)
    for work in works:
        if not is_image(work.data):
            _write_recipe(config, top, work.data)
    rows = ["%-17s = %s\n" % (layer.title, configuration.revision_of(layer.path)) for layer in config.layers]
    files.write(os.path.join(top, "metadata-revs"), "".join(rows))
    if config.data.getVar("BUILDHISTORY_COMMIT") == "1":
        _commit(config, top, "".join(rows), targets, succeeded)


def _write_recipe(config, top, data):
    folder = os.path.join(top, "packages", data.getVar("MULTIMACH_TARGET_SYS"), data.getVar("PN"))
    image = data.getVar("D")
    installed = sorted(path[len(image) :] for path in files.below(image))
    if "nopackages" in (data.getVar("INHERITED") or "").split():
        files.write(os.path.join(folder, "sysroot"), "".join(path + "\n" for path in installed))
        return
    layer = config.layer_of(data.getVar("FILE"))
    fields = [("PV", data.getVar("PV")), ("PR", data.getVar("PR")), ("DEPENDS", data.getVar("DEPENDS") or "")]
    fields += [("PACKAGES", data.getVar("PACKAGES")), ("LAYER", layer.title if layer else "")]
    fields += [("SRC_URI", data.getVar("SRC_URI")), ("CONFIG", "")]
    files.write(os.path.join(folder, "latest"), _fields(fields))
    for package in data.getVar("PACKAGES").split():
        owned = installed if package == data.getVar("PN") else []
        size = sum(os.path.getsize(image + path) for path in owned)
        fields = [("PV", data.getVar("PV")), ("PR", data.getVar("PR")), ("RPROVIDES", ""), ("RDEPENDS", data.getVar("RDEPENDS:" + package) or "")]
        fields += [("FILELIST", " ".join(owned)), ("PKGSIZE", str(size))]
        files.write(os.path.join(folder, package, "latest"), _fields(fields))


def _fields(fields):
    return "".join("%s = %s\n" % (name, value) if value else "%s =\n" % name for name, value in fields)


def _git(top, *arguments):
    return subprocess.run(["git", "-C", top, *IDENTITY, *arguments], capture_output=True, text=True)


def _commit(config, top, revisions, targets, succeeded):
    if not os.path.isdir(os.path.join(top, ".git")):
        _git(top, "init", "-q", "--template=")
    _git(top, "tag", "-f", "build-minus-1")
    _git(top, "add", "-A", ".")
    data = config.data
    stamp = time.strftime("%Y%m%d%H%M%S")
    title = "Build %s of %s %s for machine %s on %s" % (stamp, data.getVar("DISTRO"), data.getVar("DISTRO_VERSION"), data.getVar("MACHINE"), os.uname().nodename)
    result = "succeeded" if succeeded else "failed"
    text = "%s\n\ncmd: bitbake %s\n\nresult: %s\n\nmetadata revisions:\n%s" % (title, " ".join(targets), result, revisions)
    _git(top, "commit", "-q", "--allow-empty", "-m", text)


def main(arguments):
    default = os.path.join(os.environ.get("BUILDDIR", "."), "buildhistory")
    parser = argparse.ArgumentParser(prog="buildhistory-diff", description="stand-in for buildhistory-diff: what two builds differ in")
    parser.add_argument("-p", "--buildhistory-dir", default=default)
    parser.add_argument("-v", "--report-version", action="store_true")
    parser.add_argument("-a", "--report-all", action="store_true")
    parser.add_argument("revisions", nargs="*", default=["build-minus-1", "HEAD"])
    options = parser.parse_args(arguments)
    top = options.buildhistory_dir
    if not os.path.exists(top):
        sys.stderr.write('Buildhistory directory "%s" does not exist\n\n' % top)
        parser.print_help()
        return 1
    before, after = [*options.revisions, "HEAD"][:2]
    changed = _git(top, "diff", "--name-only", "--diff-filter=M", before, after, "--")
    if changed.returncode != 0:
        sys.stderr.write('Specified git revision "%s" is not valid\n' % before)
        return 1
    for path in sorted(changed.stdout.splitlines()):
        if os.path.basename(path) == "latest":
            for line in _differences(top, path, before, after, options.report_all):
                print(line)
    return 0


def _read(top, revision, path):
    text = _git(top, "show", "%s:%s" % (revision, path)).stdout
    pairs = (line.partition(" =") for line in text.splitlines())
    return {name: value.strip() for name, _, value in pairs}


def _differences(top, path, before, after, everything):
    """The lines for one `latest` file, the version first, as the real tool has them."""
    old, new = _read(top, before, path), _read(top, after, path)
    place = os.path.dirname(path)
    if everything and old.get("PV") != new.get("PV"):
        yield "%s: PKGV changed from %s [default] to %s [default]" % (place, old.get("PV"), new.get("PV"))
    names = [name for name in new if name != "PV"] + ["PV"]
    for name in names:
        if old.get(name) != new.get(name) and (everything or _significant(name, old.get(name), new.get(name))):
            yield "%s: %s" % (place, _change(name, old.get(name, ""), new.get(name, "")))


def _significant(name, old, new):
    if name == "PKGSIZE":
        size = int(old or 0)
        return not size or abs(int(new or 0) - size) * 100 >= SIZE_PERCENT * size
    return name in SIGNIFICANT


def _change(name, old, new):
    if name == "FILELIST":
        added = sorted(set(new.split()) - set(old.split()))
        removed = sorted(set(old.split()) - set(new.split()))
        parts = ['removed "%s"' % " ".join(removed)] * bool(removed) + ['added "%s"' % " ".join(added)] * bool(added)
        return "FILELIST: " + ", ".join(parts)
    if name == "PKGSIZE":
        size = int(old or 0)
        percent = "%+d%%" % ((int(new or 0) - size) * 100 // size) if size else "+100%"
        return "PKGSIZE changed from %s to %s (%s)" % (old, new, percent)
    return '%s changed from "%s" to "%s"' % (name, old, new)
