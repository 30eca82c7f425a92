"""The tasks of one recipe, really done: fetch, unpack, patch, configure, compile, install, package."""

import hashlib
import os
import shutil
import subprocess
import tarfile
import time

from standin import upstream

ALWAYS = ["do_fetch", "do_unpack", "do_prepare_recipe_sysroot", "do_patch", "do_populate_lic", "do_configure", "do_compile", "do_install"]
PACKAGING = ["do_package", "do_packagedata", "do_package_qa", "do_package_write_deb"]
LAST = ["do_populate_sysroot", "do_build"]
# What a package may hold by default; anything else that do_install leaves is "not shipped".
SHIPPED = {"usr", "etc", "var", "bin", "sbin", "lib", "lib64", "com", "srv"}
PRELUDE = """#!/bin/sh
bbnote() { echo "NOTE: $*"; }
bbwarn() { echo "WARNING: $*"; }
bbfatal() { echo "ERROR: $*"; exit 1; }
die() { bbfatal "$*"; }
oe_runmake() {
    command -v make >/dev/null || bbfatal "make is not installed"
    echo "NOTE: make -j 1 $*"
    make -j 1 "$@" || die "oe_runmake failed"
}
"""


class TaskFailed(Exception):
    """A task that failed; `messages` go to stderr, the log file holds the rest."""

    def __init__(self, messages):
        super().__init__(messages[0])
        self.messages = messages


def chain(data):
    """The recipe's tasks in the order they run."""
    packages = "nopackages" not in (data.getVar("INHERITED") or "").split()
    return ALWAYS + (PACKAGING if packages else []) + LAST


class Work:
    """One recipe's work folder, stamps and logs."""

    def __init__(self, data):
        self.data = data
        self.name = data.getVar("PF")
        self.external = bool(data.getVar("EXTERNALSRC"))
        self.temp = data.getVar("T")
        self._signature = None

    def signature(self):
        """A digest of everything the recipe says and of its local files; it names the stamps."""
        if self._signature is None:
            digest = hashlib.sha256()
            for name in ("MULTIMACH_TARGET_SYS", "SRC_URI", "SRCREV", "LIC_FILES_CHKSUM", "INHERITED", "EXTERNALSRC"):
                digest.update(("%s=%s\n" % (name, self.data.getVar(name))).encode())
            for name in sorted(self.data.functions):
                digest.update(("%s(){%s}\n" % (name, self.data.expand(self.data.functions[name]))).encode())
            digest.update(repr(sorted((self.data.getVarFlags("SRC_URI") or {}).items())).encode())
            for _, path in local_files(self.data):
                with open(path, "rb") as stream:
                    digest.update(stream.read())
            self._signature = digest.hexdigest()[:16]
        return self._signature

    def _stamp(self, task):
        folder = os.path.join(self.data.getVar("TMPDIR"), "stamps", self.data.getVar("MULTIMACH_TARGET_SYS"), self.data.getVar("PN"))
        return os.path.join(folder, "%s.%s.%s" % (self.data.getVar("PV"), task, self.signature()))

    def tasks(self):
        return chain(self.data)

    def tasks_up_to(self, task):
        """The tasks that come before one, and that one; none where there is no such task."""
        tasks = self.tasks()
        return tasks[: tasks.index(task) + 1] if task in tasks else []

    def done(self, task):
        """Whether the task need not run again; work on an external source tree always runs."""
        return not self.external and os.path.exists(self._stamp(task))

    def noexec(self, task):
        return task == "do_build" or self.data.getVarFlag(task, "noexec") == "1"

    def log_file(self, task):
        return os.path.join(self.temp, "log.%s.%d" % (task, os.getpid()))

    def run(self, task):
        """Run one task and leave its stamp; raises TaskFailed with the log written."""
        time.sleep(float(os.environ.get("STANDIN_SLEEP") or 0))
        os.makedirs(self.temp, exist_ok=True)
        method = getattr(self, "_" + task, None)
        kind = "python" if method else "shell"
        with open(self.log_file(task), "w", encoding="utf-8") as log:
            log.write("DEBUG: Executing %s function %s\n" % (kind, task))
            log.flush()
            try:
                if method:
                    method(log)
                else:
                    self._shell(task, log)
            except upstream.FetchFailure as failure:
                messages = ["%s %s: %s" % (self.name, task, message) for message in failure.messages]
                log.write("".join("ERROR: %s\n" % message for message in failure.messages))
                raise TaskFailed(messages) from failure
            log.write("DEBUG: %s function %s finished\n" % (kind.capitalize(), task))
        self._leave_stamp(task)

    def mark_done(self, task):
        """Leave the stamp of a task that has nothing to run."""
        self._leave_stamp(task)

    def _leave_stamp(self, task):
        stamp = self._stamp(task)
        os.makedirs(os.path.dirname(stamp), exist_ok=True)
        with open(stamp, "w", encoding="utf-8"):
            pass

    def clean(self):
        """Remove the work folder and every stamp of the recipe."""
        shutil.rmtree(self.data.getVar("WORKDIR"), ignore_errors=True)
        shutil.rmtree(os.path.dirname(self._stamp("do_build")), ignore_errors=True)

    def _do_fetch(self, log):
        if not self.external:
            fetch(self.data)

    def _do_unpack(self, log):
        if not self.external:
            shutil.rmtree(self.data.getVar("UNPACKDIR"), ignore_errors=True)
            unpack(self.data, self.data.getVar("UNPACKDIR"), self.data.getVar("S"))

    def _do_prepare_recipe_sysroot(self, log):
        os.makedirs(os.path.join(self.data.getVar("WORKDIR"), "recipe-sysroot"), exist_ok=True)

    def _do_patch(self, log):
        if self.external:
            return
        source = self.data.getVar("S")
        for name, path in patches(self.data):
            log.write("NOTE: Applying patch '%s' (%s)\n" % (name, path))
            done = subprocess.run(["git", "apply", path], cwd=source, capture_output=True, text=True, env=no_repository(source))
            if done.returncode != 0:
                command = "git apply %s" % path
                text = "Applying patch '%s' on target directory '%s'\nCmdError('%s', 0, 'stdout: %s\nstderr: %s')"
                message = text % (name, source, command, done.stdout, done.stderr)
                log.write("ERROR: %s\n" % message)
                raise TaskFailed(["%s do_patch: %s" % (self.name, message)])

    def _do_populate_lic(self, log):
        for url in (self.data.getVar("LIC_FILES_CHKSUM") or "").split():
            _, path, parameters = upstream.decode(url)
            full = os.path.join(self.data.getVar("S"), path)
            actual = license_text(full, parameters)[1] if os.path.isfile(full) else None
            if actual != parameters.get("md5"):
                self._license_error(log, url, actual)

    def _license_error(self, log, url, actual):
        pn = self.data.getVar("PN")
        if actual is None:
            first = "QA Issue: %s: LIC_FILES_CHKSUM points to an invalid file: %s [license-checksum]" % (pn, url)
        else:
            first = "QA Issue: %s: The LIC_FILES_CHKSUM does not match for %s\n%s: The new md5 checksum is %s [license-checksum]" % (pn, url, pn, actual)
        self._fail_qa(log, "do_populate_lic", first)

    def _fail_qa(self, log, task, first):
        messages = [first, "Fatal QA errors were found, failing task."]
        log.write("".join("ERROR: %s\n" % message for message in messages))
        raise TaskFailed(["%s %s: %s" % (self.name, task, message) for message in messages])

    def _do_package(self, log):
        image = self.data.getVar("D")
        stray = sorted(set(os.listdir(image)) - SHIPPED) if os.path.isdir(image) else []
        if stray:
            listed = "".join("\n  /%s" % path for path in stray)
            text = "QA Issue: %s: Files/directories were installed but not shipped in any package:%s\n" % (self.data.getVar("PN"), listed)
            text += "Please set FILES such that these items are packaged. Alternatively if they are unneeded, avoid installing them or delete them within do_install.\n"
            text += "%s: %d installed and not shipped files. [installed-vs-shipped]" % (self.data.getVar("PN"), len(stray))
            self._fail_qa(log, "do_package", text)

    def _do_packagedata(self, log):
        pass

    def _do_package_qa(self, log):
        pass

    def _do_package_write_deb(self, log):
        pass

    def _do_populate_sysroot(self, log):
        pass

    def _shell(self, task, log):
        if task == "do_install":
            shutil.rmtree(self.data.getVar("D"), ignore_errors=True)
            os.makedirs(self.data.getVar("D"))
        script = os.path.join(self.temp, "run.%s.%d" % (task, os.getpid()))
        with open(script, "w", encoding="utf-8") as stream:
            stream.write(self._script(task))
        os.chmod(script, 0o755)
        code = subprocess.run(["sh", script], stdin=subprocess.DEVNULL, stdout=log, stderr=log).returncode
        if code != 0:
            log.write("WARNING: exit code %d from a shell command.\n" % code)
            raise TaskFailed(["%s %s: Execution of '%s' failed with exit code %d" % (self.name, task, script, code)])

    def _script(self, task):
        lines = [PRELUDE]
        for name, body in sorted(self.data.functions.items()):
            lines.append("%s() {\n%s:\n}\n" % (name, self.data.expand(body)))
        if task not in self.data.functions:
            lines.append("%s() {\n    :\n}\n" % task)
        lines.append("set -e\nmkdir -p '%s'\ncd '%s'\n%s\n" % (self.data.getVar("B"), self.data.getVar("B"), task))
        return "".join(lines)


def no_repository(source):
    """An environment in which git does not look for a repository above the source tree."""
    return dict(os.environ, GIT_CEILING_DIRECTORIES=os.path.dirname(os.path.abspath(source)))


def local_files(data):
    """(name, path) of each file:// entry, found beside the recipe: PN-PV, PN and files, as in FILESPATH."""
    base, found = os.path.dirname(data.getVar("FILE")), []
    folders = [data.getVar("BP"), data.getVar("PN"), "files", ""]
    for uri in (data.getVar("SRC_URI") or "").split():
        scheme, name, _ = upstream.decode(uri)
        if scheme != "file":
            continue
        places = [os.path.join(base, folder, name) for folder in folders]
        path = next((place for place in places if os.path.isfile(place)), None)
        if path is None:
            text = "Unable to get checksum for %s SRC_URI entry %s: file could not be found" % (data.getVar("PN"), name)
            raise upstream.FetchFailure([text], uri)
        found.append((name, path))
    return found


def patches(data):
    """(name, path) of the local files that are patches."""
    return [(name, path) for name, path in local_files(data) if name.endswith((".patch", ".diff"))]


def license_text(path, parameters):
    """(lines, md5) of a licence file, or of the lines that beginline and endline name."""
    begin, end = int(parameters.get("beginline", 0)), int(parameters.get("endline", 0))
    with open(path, "rb") as stream:
        lines = [line for number, line in enumerate(stream, 1) if number >= begin and (number <= end or not end)]
    return [line.decode(errors="ignore") for line in lines], hashlib.md5(b"".join(lines)).hexdigest()


def fetch(data):
    """Fetch and verify every remote entry; raises FetchFailure."""
    for uri in (data.getVar("SRC_URI") or "").split():
        scheme = upstream.decode(uri)[0]
        if scheme in ("git", "gitsm"):
            _check_commit(data, uri)
        elif scheme != "file":
            upstream.verify(data, uri, upstream.fetch_archive(data, uri))


def _check_commit(data, uri):
    address, revision = upstream.git_address(uri), data.getVar("SRCREV")
    done = subprocess.run(["git", "-C", address, "cat-file", "-e", revision + "^{commit}"], capture_output=True)
    if done.returncode != 0:
        text = "Unable to find revision %s in branch %s even from upstream" % (revision, upstream.decode(uri)[2].get("branch"))
        raise upstream.FetchFailure(["Bitbake Fetcher Error: FetchError('%s', '%s')" % (text, uri)], uri)


def unpack(data, folder, source):
    """Unpack the remote entries into `folder`; a git entry becomes a clone at `source`."""
    os.makedirs(folder, exist_ok=True)
    for uri in (data.getVar("SRC_URI") or "").split():
        scheme = upstream.decode(uri)[0]
        if scheme in ("git", "gitsm"):
            clone(uri, data.getVar("SRCREV"), source)
        elif scheme != "file":
            extract(os.path.join(data.getVar("DL_DIR"), os.path.basename(uri.split(";")[0])), folder)
    os.makedirs(source, exist_ok=True)


def clone(uri, revision, target):
    """A clone of a git entry with `revision` checked out."""
    shutil.rmtree(target, ignore_errors=True)
    subprocess.run(["git", "clone", "-q", "--no-checkout", upstream.git_address(uri), target], check=True)
    subprocess.run(["git", "-C", target, "-c", "advice.detachedHead=false", "checkout", "-q", revision], check=True)


def extract(archive, folder):
    """Unpack a tar archive that this machine made itself."""
    with tarfile.open(archive) as tar:
        safe = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
        tar.extractall(folder, **safe)
