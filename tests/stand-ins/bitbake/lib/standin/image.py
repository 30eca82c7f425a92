"""Images: a root file system that is a list of packages, and the task testimage over it.

A test image fails where the layers hold what STANDIN_TESTIMAGE_FAILS names: words such as `hello@2.0`, or
`hello@2.0+ghello@2.0` for what fails only together; `always` fails whatever is there.
"""

import os

from standin import files
from standin.tasks import TaskFailed, Work

BUILD = ["do_rootfs", "do_image_complete"]


def is_image(data):
    return "image" in (data.getVar("INHERITED") or "").split()


class ImageWork(Work):
    """One image's work folder; `recipes` are all recipes of the configuration."""

    def __init__(self, data, recipes):
        super().__init__(data)
        self.recipes = recipes
        packages = (data.getVar("IMAGE_INSTALL") or "").split()
        self.installed = {package: recipes.file_of(_recipe_of(package)) for package in packages}

    def tasks(self):
        tested = self._can_be_tested() and self.data.getVar("TESTIMAGE_AUTO") == "1"
        return BUILD + (["do_testimage"] if tested else []) + ["do_build"]

    def tasks_up_to(self, task):
        """As in OE, testing an image does not build it, unless TESTIMAGE_AUTO is set."""
        if task == "do_testimage" and task not in self.tasks() and self._can_be_tested():
            return [task]
        return super().tasks_up_to(task)

    def _can_be_tested(self):
        return "testimage" in (self.data.getVar("IMAGE_CLASSES") or "").split()

    def needs(self):
        """The recipes whose packages are in it."""
        return [Work(self.recipes.parse(fn)) for fn in dict.fromkeys(self.installed.values())]

    def signature(self):
        if self._signature is None:
            versions = "".join(sorted("%s@%s " % (entry.pn, entry.pv) for entry in self._present()))
            parts = [super().signature(), versions, *(work.signature() for work in self.needs()), *sorted(self.installed)]
            self._signature = files.digest_of("\n".join(parts))
        return self._signature

    def done(self, task):
        return task != "do_testimage" and super().done(task)

    def _present(self):
        best = {self.recipes.find(entry.pn)[0] for entry in self.recipes.entries.values()}
        return [entry for fn, entry in self.recipes.entries.items() if fn in best]

    def _manifest(self):
        return os.path.join(self.data.getVar("DEPLOY_DIR_IMAGE"), self.data.getVar("PN") + ".manifest")

    def _do_rootfs(self, log):
        for package, fn in self.installed.items():
            if package not in self.recipes.parse(fn).getVar("PACKAGES").split():
                text = "Unable to install packages: nothing provides %s" % package
                log.write("ERROR: %s\n" % text)
                raise TaskFailed(["%s do_rootfs: %s" % (self.name, text)])
        rows = ["%s@%s\n" % (entry.pn, entry.pv) for entry in self._present()]
        files.write(self._manifest(), "".join(sorted(rows)))

    def _do_image_complete(self, log):
        pass

    def _do_testimage(self, log):
        name = self.data.getVar("PN")
        if not os.path.exists(self._manifest()):
            raise TaskFailed(["%s do_testimage: File %s not found" % (self.name, self._manifest())])
        folder = self.data.getVar("TEST_LOG_DIR")
        bad = _broken(self.data.getVar("STANDIN_TESTIMAGE_FAILS") or "", set(files.read(self._manifest()).split()))
        result = "FAIL: test_ptestrunner (%s)" % bad if bad else "PASS: test_ptestrunner"
        files.write(os.path.join(folder, "ptest-runner.log"), "".join("%s\n" % p for p in sorted(self.installed)) + result + "\n")
        log.write("RESULTS:\n%s\n" % result)
        if bad:
            raise TaskFailed(["%s do_testimage: %s - FAILED - also check the logs in %s" % (self.name, name, folder)])


def _recipe_of(package):
    return package[: -len("-ptest")] if package.endswith("-ptest") else package


def _broken(conditions, present):
    """The first condition that holds; nothing where none does."""
    for condition in conditions.split():
        if condition == "always" or all(part in present for part in condition.split("+")):
            return condition
    return ""
