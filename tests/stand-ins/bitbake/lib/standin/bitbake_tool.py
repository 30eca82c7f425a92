"""The `bitbake` command: options, the console's lines, the run over the targets' tasks."""

import fcntl
import os
import sys
import time

from standin import VERSION, buildhistory, configuration
from standin.image import ImageWork, is_image
from standin.recipes import Recipes
from standin.tasks import TaskFailed, Work, chain
from standin.upstream import FetchFailure

CLEANING = {"clean", "cleansstate", "cleanall"}
LOCK_SECONDS = 10


class Options:
    """What the command line asked for."""

    def __init__(self):
        self.targets, self.postfiles = [], []
        self.task = "build"
        self.keep_going = self.environment = self.parse_only = self.graph = self.quiet = self.force = False


def parse_options(arguments):
    """The options, or an exit status for calls that end at once (-m, --version and the like)."""
    options, rest = Options(), list(arguments)
    flags = {"-k": "keep_going", "--continue": "keep_going", "-e": "environment", "--environment": "environment"}
    flags.update({"-p": "parse_only", "--parse-only": "parse_only", "-g": "graph", "--graphviz": "graph"})
    flags.update({"-q": "quiet", "--quiet": "quiet", "-f": "force", "--force": "force"})
    while rest:
        word = rest.pop(0)
        name, equals, value = word.partition("=")
        if word in ("-m", "--kill-server", "--server-only", "--status-only"):
            return 0
        if word == "--version":
            print("BitBake Build Tool Core version " + VERSION)
            return 0
        if name in ("-c", "--cmd"):
            options.task = _value(name, equals, value, rest)
        elif name in ("-r", "--read", "-R", "--postread"):
            options.postfiles.append(_value(name, equals, value, rest))
        elif word in flags:
            setattr(options, flags[word], True)
        elif word.startswith("-"):
            print("usage: bitbake [-h] [options] [target ...]\nbitbake: error: unrecognized arguments: %s" % word, file=sys.stderr)
            return 2
        else:
            options.targets.append(word)
    return options


def _value(name, equals, value, rest):
    if equals:
        return value
    if not rest:
        print("bitbake: error: argument %s: expected one argument" % name, file=sys.stderr)
        sys.exit(2)
    return rest.pop(0)


def main(arguments):
    options = parse_options(arguments)
    if isinstance(options, int):
        return options
    if not options.targets and not (options.environment or options.parse_only):
        print("Nothing to do.  Use 'bitbake world' to build everything, or run 'bitbake --help' for usage information.")
        return 1
    with BuildLock(configuration.build_directory()):
        return Build(options).run()


class BuildLock:
    """BitBake's one lock per build directory; `held` says whether this process has it."""

    held = False

    def __init__(self, builddir):
        self.path = os.path.join(builddir, "bitbake.lock")

    def __enter__(self):
        try:
            self.stream = open(self.path, "a", encoding="utf-8")
        except OSError:
            print("ERROR: Unable to lock %s: is this a build directory?" % self.path, file=sys.stderr)
            sys.exit(1)
        deadline = time.monotonic() + float(os.environ.get("STANDIN_LOCK_SECONDS") or LOCK_SECONDS)
        while not self._locked():
            if time.monotonic() > deadline:
                print("ERROR: Unable to connect to bitbake server, or start one (server startup failures would be in bitbake-cookerdaemon.log).", file=sys.stderr)
                sys.exit(1)
            time.sleep(0.05)
        BuildLock.held = True
        return self

    def _locked(self):
        try:
            fcntl.flock(self.stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True

    def __exit__(self, *_exception):
        BuildLock.held = False
        self.stream.close()


def load_recipes(config, quiet=False):
    """All recipes of a configuration, with the console's lines about the cache and the parsing."""
    recipes = Recipes(config)
    counts = recipes.load()
    if not quiet:
        print("Loading cache...done.\nLoaded %d entries from dependency cache." % counts.loaded)
        if counts.parsed:
            print("Parsing recipes...done.")
        print(
            "Parsing of %d .bb files complete (%d cached, %d parsed). %d targets, %d skipped, 0 masked, 0 errors."
            % (counts.total, counts.cached, counts.parsed, counts.targets, counts.skipped)
        )
    return recipes


def print_build_configuration(config):
    """The block that names the machine and the layers' revisions."""
    data = config.data
    print("NOTE: Resolving any missing task queue dependencies\n\nBuild Configuration:")
    rows = [("BB_VERSION", VERSION), ("BUILD_SYS", "%s-linux" % os.uname().machine), ("NATIVELSBSTRING", "universal")]
    rows += [(name, data.getVar(name)) for name in ("TARGET_SYS", "MACHINE", "SDKMACHINE", "DISTRO", "DISTRO_VERSION", "TUNE_FEATURES")]
    rows += [(layer.title, configuration.revision_of(layer.path)) for layer in config.layers]
    for name, value in rows:
        print('%-20s = "%s"' % (name, value))
    print()


def print_sstate(wanted, current):
    total = wanted + current
    complete = 100 * current // total if total else 0
    print("Initialising tasks...Sstate summary: Wanted %d Local 0 Mirrors 0 Missed %d Current %d (0%% match, %d%% complete)" % (wanted, wanted, current, complete))
    print("done.")


class Build:
    """One call of bitbake."""

    def __init__(self, options):
        self.options = options
        self.errors = 0
        self.failed = []
        self.attempted = self.skipped = 0

    def run(self):
        self.config = configuration.load(self.options.postfiles)
        self.recipes = load_recipes(self.config, self.options.quiet)
        if self.options.parse_only:
            return 0
        chosen = self._choose()
        if chosen is None or (not chosen and self.options.targets):
            return self._finish()
        if self.options.environment:
            data = self.recipes.parse(chosen[0]) if chosen else self.config.data
            print_environment(data)
            return self._finish()
        if self.options.graph:
            self._write_graph(chosen)
            return self._finish()
        return self._build([self._work(fn) for fn in chosen])

    def _work(self, fn):
        data = self.recipes.parse(fn)
        return ImageWork(data, self.recipes) if is_image(data) else Work(data)

    def _choose(self):
        """The recipe files of the targets; None where a missing provider ends the call."""
        chosen = []
        for target in self.options.targets:
            fn, reasons = self.recipes.find(target)
            if fn:
                chosen.append(fn)
                continue
            self.errors += 1
            lines = ["%s was skipped: %s" % (target, reason) for reason in reasons]
            print("\n".join(["ERROR: Nothing PROVIDES '%s'" % target, *lines]), file=sys.stderr, flush=True)
            if not self.options.keep_going:
                return None
        return list(dict.fromkeys(chosen))

    def _build(self, works):
        print_build_configuration(self.config)
        if self.options.task in CLEANING:
            return self._clean(works)
        try:
            plan = self._plan(works)
        except FetchFailure as failure:
            self._error(failure.messages)
            return self._finish()
        total = sum(len(tasks) for _, tasks in plan)
        current = sum(1 for work, tasks in plan for task in tasks if work.done(task))
        print_sstate(total - current, current)
        print("NOTE: Executing Tasks")
        built = self._execute(plan, total)
        self._summarise()
        if buildhistory.enabled(self.config.data):
            print("NOTE: Writing buildhistory")
            buildhistory.write(self.config, built, self.options.targets, not self.failed)
            print("NOTE: Writing buildhistory took: 1 seconds")
        return self._finish()

    def _clean(self, works):
        print_sstate(0, 0)
        print("NOTE: No setscene tasks\nNOTE: Executing Tasks")
        name = "do_" + self.options.task
        for position, work in enumerate(works, 1):
            self._announce(position, len(works), work, name)
            print("NOTE: recipe %s: task %s: Started" % (work.name, name))
            work.clean()
            print("NOTE: recipe %s: task %s: Succeeded" % (work.name, name))
            self.attempted += 1
        self._summarise()
        return self._finish()

    def _plan(self, works):
        task = self.options.task if self.options.task.startswith("do_") else "do_" + self.options.task
        plan = []
        for work in works:
            tasks = work.tasks_up_to(task)
            if not tasks:
                raise FetchFailure(["Task %s does not exist for target %s (%s:%s)." % (task, work.data.getVar("PN"), work.data.getVar("FILE"), task)], "")
            work.signature()
            if is_image(work.data) and "do_rootfs" in tasks:
                plan.extend((needed, needed.tasks()) for needed in work.needs())
            plan.append((work, tasks))
        return plan

    def _execute(self, plan, total):
        """Run the plan; the recipes that got through."""
        built, position = [], 0
        for work, tasks in plan:
            ok = True
            for task in tasks:
                position += 1
                self.attempted += 1
                if work.done(task) and not (self.options.force and task == tasks[-1]):
                    self.skipped += 1
                elif not self._task(work, task, position, total):
                    ok = False
                    break
            if ok:
                built.append(work)
            elif not self.options.keep_going:
                break
        return built

    def _announce(self, position, total, work, task, kind="task"):
        print("NOTE: Running %s %d of %d (%s:%s)" % (kind, position, total, work.data.getVar("FILE"), task))

    def _task(self, work, task, position, total):
        if work.noexec(task):
            self._announce(position, total, work, task, "noexec task")
            work.mark_done(task)
            return True
        self._announce(position, total, work, task)
        print("NOTE: recipe %s: task %s: Started" % (work.name, task), flush=True)
        try:
            work.run(task)
        except TaskFailed as failure:
            self._report(work, task, failure)
            return False
        print("NOTE: recipe %s: task %s: Succeeded" % (work.name, task))
        return True

    def _report(self, work, task, failure):
        log = work.log_file(task)
        self._error(failure.messages)
        print("ERROR: Logfile of failure stored in: %s" % log, file=sys.stderr, flush=True)
        print("Log data follows:")
        with open(log, encoding="utf-8", errors="replace") as stream:
            print("".join("| %s\n" % line.rstrip("\n") for line in stream), end="")
        print("NOTE: recipe %s: task %s: Failed" % (work.name, task), flush=True)
        where = "%s:%s" % (work.data.getVar("FILE"), task)
        print("ERROR: Task (%s) failed with exit code '1'" % where, file=sys.stderr, flush=True)
        self.failed.append((where, log))

    def _error(self, messages):
        for message in messages:
            self.errors += 1
            print("ERROR: %s" % message, file=sys.stderr, flush=True)

    def _summarise(self):
        outcome = "%d failed" % len(self.failed) if self.failed else "all succeeded"
        print("NOTE: Tasks Summary: Attempted %d tasks of which %d didn't need to be rerun and %s." % (self.attempted, self.skipped, outcome))

    def _finish(self):
        if self.failed:
            count = len(self.failed)
            print("\nSummary: %d task%s failed:" % (count, "" if count == 1 else "s"))
            for where, log in self.failed:
                print("  %s\n    log: %s" % (where, log))
        elif self.errors:
            print()
        if self.errors == 1:
            print("Summary: There was 1 ERROR message, returning a non-zero exit code.")
        elif self.errors:
            print("Summary: There were %d ERROR messages, returning a non-zero exit code." % self.errors)
        return 1 if self.errors else 0

    def _write_graph(self, chosen):
        lines, names = ["digraph depends {"], []
        for fn in chosen:
            data = self.recipes.parse(fn)
            pn, tasks = data.getVar("PN"), chain(data)
            names.append(pn)
            for task in tasks:
                label = r"%s %s\n%s:%s\n%s" % (pn, task, data.getVar("PV"), data.getVar("PR"), fn)
                lines.append('"%s.%s" [label="%s"]' % (pn, task, label))
            lines += ['"%s.%s" -> "%s.%s"' % (pn, later, pn, earlier) for earlier, later in zip(tasks, tasks[1:])]
        _write("task-depends.dot", "\n".join([*lines, "}"]) + "\n")
        _write("pn-buildlist", "".join(name + "\n" for name in names))
        print("NOTE: PN build list saved to 'pn-buildlist'\nNOTE: Task dependencies saved to 'task-depends.dot'")


def _write(path, text):
    with open(path, "w", encoding="utf-8") as stream:
        stream.write(text)


def print_environment(data):
    """Every variable and function in the form of `bitbake -e`."""
    print("#\n# INCLUDE HISTORY:\n#")
    for path in data.included:
        print("# " + path)
    print("#")
    for name in sorted(set(data.values) | set(data.weak) | set(data.edits)):
        value = data.getVar(name)
        if value is not None and ":" not in name:
            print('#\n# $%s\n%s="%s"' % (name, name, value.replace("\\", "\\\\").replace('"', '\\"')))
    for name, body in sorted(data.functions.items()):
        print("%s() {\n%s}\n" % (name, data.expand(body)))
