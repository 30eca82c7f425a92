"""Scheduler plugins of auh as scheduler classes of BitBake.

BitBake's BB_SCHEDULERS lists auhsched.auh_NAME for each plugin, BB_SCHEDULER chooses "auh-NAME".
Such a class hands the run queue to the plugin once and takes the order that comes back; all of
BitBake's own limits (threads, number_threads of a task, load, pressure) stay BitBake's.

Variables, from the configuration or from the environment of the bitbake call (which needs no
BB_ENV_PASSTHROUGH_ADDITIONS):
  AUH_SCHEDULER_OPTIONS        the plugin's settings, a JSON object
  AUH_SCHEDULER_WORK_SIZES     a file with lines PN<TAB>bytes, how large work folders become, or
                               PN:TASK<TAB>bytes, what one task adds
  AUH_SCHEDULER_BUILDSTATS     what OE's buildstats class wrote of one build: how long tasks took
  AUH_ALLOW_UNTRUSTED_PLUGINS  "1" also loads plugin files that others can write to
  AUH_RUNQUEUE_DUMP            file that gets the run queue and the order, as JSON
  AUH_RUNQUEUE_COUNT           file that gets a line for each run queue that was ordered
"""

import array
import collections
import ctypes
import itertools
import json
import os
import time

import bb
from bb.runqueue import RunQueueScheduler

# Of the library's C interface; another number means another release of auh.
INTERFACE = 1
PREFIX = "auh-"
FOLDER = os.path.dirname(os.path.abspath(__file__))
LIBRARY = "libauh_bitbake.so"
UNKNOWN = 2**64 - 1
START_NONE = 2**32 - 1


class Trouble(Exception):
    """Why there is no order; the text is for people."""


class BitBake:
    """All that is asked of BitBake's run queue, from 2.8 to 2.19.

    Beside this: bb.runqueue.RunQueueScheduler with its prio_map (task ids, most important first),
    rev_prio_map (their places), buildable (set of task ids), next_buildable_task() and
    exceeds_max_pressure(); bb.runqueue.split_tid_mcfn; bb.fatal, which ends the build with one
    message; bb.note, bb.warn and bb.debug.
    """

    QUEUE = ("cfgData", "runq_complete", "failed_tids", "holdoff_tasks", "tasks_covered",
             "tasks_notcovered", "stats", "sq_live")
    DATA = ("runtaskentries", "dataCaches")

    def __init__(self, rq, rqdata):
        self.rq = rq
        self.rqdata = rqdata
        lacking = [name for name in self.QUEUE if not hasattr(rq, name)]
        lacking += [name for name in self.DATA if not hasattr(rqdata, name)]
        if lacking:
            raise Trouble("BitBake %s is none that this layer knows; its run queue lacks %s"
                          % (bb.__version__, ", ".join(lacking)))

    def variable(self, name):
        """From the configuration, else from the environment of the call that started the build."""
        value = self.rq.cfgData.getVar(name)
        if value is None:
            environment = self.rq.cfgData.getVar("BB_ORIGENV", False)
            value = environment.getVar(name, False) if environment else None
        return value

    def entries(self):
        """The queue: task id to what has `depends` (a set of ids) and `weight`."""
        return self.rqdata.runtaskentries

    def recipe(self, tid):
        """The recipe of a task: PN, and the name of its folder in buildstats."""
        mc, fn = bb.runqueue.split_tid_mcfn(tid)[0::3]
        cache = self.rqdata.dataCaches[mc]
        pe, pv, pr = cache.pkg_pepvpr[fn]
        pn = cache.pkg_fn[fn]
        return pn, "%s-%s%s-%s" % (pn, pe + "_" if pe and pe != "0" else "", pv, pr)

    def held(self, tid):
        """Whether BitBake does not know yet if the task must run."""
        return tid in self.rq.holdoff_tasks or not (
            tid in self.rq.tasks_covered or tid in self.rq.tasks_notcovered)

    def covered(self, tid):
        """Whether shared state has the task's result, so that it will not run."""
        return tid in self.rq.tasks_covered

    def ended(self, tid):
        """Whether a task that was started has ended, well or not."""
        return tid in self.rq.runq_complete or tid in self.rq.failed_tids

    def idle(self):
        """Whether no task runs, not even one that fetches from shared state."""
        return not self.rq.stats.active and not self.rq.sq_live


class Library:
    """The C interface: see the library's own description of its functions."""

    _loaded = None

    @classmethod
    def load(cls):
        if cls._loaded is None:
            cls._loaded = cls(os.path.join(FOLDER, LIBRARY))
        return cls._loaded

    def __init__(self, path):
        remedy = "write the layer again with `auh bitbake-layer`"
        try:
            self.c = ctypes.CDLL(path)
        except OSError as error:
            raise Trouble("cannot load the library: %s; %s" % (error, remedy)) from None
        try:
            number = self.c.auh_bitbake_abi()
        except AttributeError:
            raise Trouble("%s is no library of auh; %s" % (path, remedy)) from None
        if number != INTERFACE:
            raise Trouble("%s has interface %d, and this layer's module needs %d; %s"
                          % (path, number, INTERFACE, remedy))
        pointer, u32 = ctypes.c_void_p, ctypes.c_uint32
        text = ctypes.c_char_p
        self._declare("load", pointer, [text, text, text, u32, ctypes.POINTER(pointer)])
        self._declare("order", pointer,
                      [pointer, text, ctypes.c_size_t, u32] + [pointer] * 5)
        self._declare("restricts", u32, [pointer])
        self._declare("pick", pointer, [pointer] + [pointer, u32] * 3 + [ctypes.POINTER(u32)])
        self._declare("log", pointer, [pointer])
        self._declare("free", None, [pointer])
        self._declare("free_text", None, [pointer])

    def _declare(self, name, answer, arguments):
        function = getattr(self.c, "auh_bitbake_" + name)
        function.restype = answer
        function.argtypes = arguments

    def text(self, pointer):
        """Takes over a text of the library; None for a null pointer."""
        if not pointer:
            return None
        text = ctypes.string_at(pointer).decode("utf-8", "replace")
        self.c.auh_bitbake_free_text(pointer)
        return text

    def check(self, pointer):
        """Raises what a function of the library answered, unless it is null."""
        error = self.text(pointer)
        if error is not None:
            raise Trouble(error)


class Plugin:
    """One scheduler object, for one run queue."""

    def __init__(self, library, name, options, any_file):
        self.library = library
        self.handle = ctypes.c_void_p()
        library.check(library.c.auh_bitbake_load(
            name.encode(), FOLDER.encode(), options.encode() if options else None, any_file,
            ctypes.byref(self.handle)))

    def __del__(self):
        if getattr(self, "handle", None):
            self.library.c.auh_bitbake_free(self.handle)

    def order(self, tids, depends, durations, folders):
        """The numbers of all tasks, most important first."""
        ids = b"".join(tid.encode() + b"\0" for tid in tids)
        offsets = numbers("I", itertools.accumulate(map(len, depends), initial=0))
        edges = numbers("I", itertools.chain.from_iterable(depends))
        order = numbers("I", itertools.repeat(0, len(tids)))
        self.library.check(self.library.c.auh_bitbake_order(
            self.handle, ids, len(ids), len(tids), address(offsets), address(edges),
            address(durations), address(folders), address(order)))
        if sorted(order) != list(range(len(tids))):
            raise Trouble("the library's answer is no order of the %d tasks" % len(tids))
        return list(order)

    def restricts(self):
        """Whether it wants to be asked before each start."""
        return bool(self.library.c.auh_bitbake_restricts(self.handle))

    def pick(self, ready, running, ended):
        """The number of the task to start now, or None."""
        picked = ctypes.c_uint32(START_NONE)
        lists = [numbers("I", tasks) for tasks in (ready, running, ended)]
        arguments = [part for tasks in lists for part in (address(tasks), len(tasks))]
        self.library.check(self.library.c.auh_bitbake_pick(
            self.handle, *arguments, ctypes.byref(picked)))
        return None if picked.value == START_NONE else picked.value

    def log(self):
        """What it has logged since the last call: pairs of level and message."""
        text = self.library.text(self.library.c.auh_bitbake_log(self.handle))
        return [(line["level"], line["message"]) for line in json.loads(text or "[]")]


class AuhScheduler(RunQueueScheduler):
    """BitBake's scheduler with the order of a plugin. Subclasses have a `name`."""

    name = PREFIX
    # True while BitBake's limits are asked about one task.
    _probing = False

    def __init__(self, runqueue, rqdata):
        super().__init__(runqueue, rqdata)
        try:
            self._order(BitBake(runqueue, rqdata))
        except Trouble as trouble:
            self._fatal(trouble)

    def _order(self, bitbake):
        began = time.monotonic()
        self._bitbake = bitbake
        entries = bitbake.entries()
        tids = list(entries)
        numbered = {tid: number for number, tid in enumerate(tids)}
        depends = [sorted(numbered[tid] for tid in entries[of].depends) for of in tids]
        self._plugin = Plugin(
            Library.load(), self.name[len(PREFIX):], options(bitbake),
            bitbake.variable("AUH_ALLOW_UNTRUSTED_PLUGINS") == "1")
        try:
            order = self._plugin.order(tids, depends, durations(bitbake, tids),
                                       work_folders(bitbake, tids))
        finally:
            self._log()
        self.prio_map = [tids[number] for number in order]
        self.rev_prio_map = {tid: place for place, tid in enumerate(self.prio_map)}
        self._tids, self._numbered = tids, numbered
        self._restricts = self._plugin.restricts()
        self._handed_out = {}
        write_dump(bitbake, self.name, tids, depends, order)
        bb.note("%s ordered %d tasks" % (self.name, len(tids)))
        count(bitbake, "%s %d tasks in %.3f s" % (self.name, len(tids), time.monotonic() - began))

    def next_buildable_task(self):
        first = super().next_buildable_task()
        # None: a limit of BitBake's own forbids any start.
        if first is None or not self._restricts:
            return first
        try:
            tid = self._pick()
        except Trouble as trouble:
            self._fatal(trouble)
        if tid is not None:
            self._handed_out[tid] = None
        return tid

    def exceeds_max_pressure(self):
        # Asked twice within microseconds, BitBake would divide by next to nothing.
        return not self._probing and super().exceeds_max_pressure()

    def _pick(self):
        """The task that the plugin wants and that BitBake's limits allow; None to wait."""
        ready = [tid for tid in self.buildable if not self._bitbake.held(tid)]
        ready.sort(key=self.rev_prio_map.get)
        # These will do no work, so there is nothing to weigh.
        for tid in filter(self._bitbake.covered, ready):
            if self._allowed(tid):
                return tid
        ended = [tid for tid in self._handed_out if self._bitbake.ended(tid)]
        for tid in ended:
            del self._handed_out[tid]
        while ready:
            picked = self._plugin.pick(self._numbers(ready), self._numbers(self._handed_out),
                                       self._numbers(ended))
            self._log()
            if picked is None:
                break
            tid = self._tids[picked]
            if self._allowed(tid):
                return tid
            ready.remove(tid)
            ended = []
        if ready and self._bitbake.idle():
            raise Trouble("it starts none of %d tasks although none runs, %s among them"
                          % (len(ready), ready[0]))
        return None

    def _allowed(self, tid):
        """Whether BitBake's limits let this task start now, which only BitBake's code knows."""
        buildable, self.buildable, self._probing = self.buildable, {tid}, True
        try:
            return super().next_buildable_task() == tid
        finally:
            self.buildable, self._probing = buildable, False

    def _numbers(self, tids):
        return [self._numbered[tid] for tid in tids]

    def _log(self):
        for level, message in self._plugin.log():
            if level == "debug":
                bb.debug(3, "%s: %s" % (self.name, message))
            else:
                {"info": bb.note}.get(level, bb.warn)("%s: %s" % (self.name, message))

    def _fatal(self, trouble):
        bb.fatal("%s: %s" % (self.name, trouble))


def __getattr__(attribute):
    """The class auh_NAME for the scheduler auh-NAME: a dash is written `_`, and `_` is `__`."""
    if not attribute.startswith("auh_"):
        raise AttributeError("module %r has no attribute %r" % (__name__, attribute))
    parts = attribute.split("__")
    scheduler = type(attribute, (AuhScheduler,),
                     {"name": "_".join(part.replace("_", "-") for part in parts)})
    globals()[attribute] = scheduler
    return scheduler


def options(bitbake):
    """The plugin's settings, with the number of threads where they do not have it."""
    text = bitbake.variable("AUH_SCHEDULER_OPTIONS")
    threads = bitbake.variable("BB_NUMBER_THREADS") or ""
    try:
        settings = json.loads(text or "{}")
    except ValueError:
        # Whoever reads them next says what is wrong.
        return text
    if isinstance(settings, dict) and threads.isdecimal():
        return json.dumps({"threads": int(threads), **settings})
    return text


def numbers(kind, values):
    """An array of the C type with 4 (I) or 8 (Q) bytes."""
    return array.array(kind, values)


def address(values):
    """Where an array begins; None for none."""
    return None if values is None else values.buffer_info()[0]


def work_folders(bitbake, tids):
    """How large each task's recipe's work folder becomes, in bytes; None when nothing is known."""
    path = bitbake.variable("AUH_SCHEDULER_WORK_SIZES")
    if not path:
        return None
    sizes, of_tasks = {}, collections.Counter()
    try:
        with open(path, encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                name, tab, size = line.strip().partition("\t")
                if name and not size.isdecimal():
                    raise Trouble("%s, line %d: this is not PN<TAB>bytes" % (path, number))
                recipe, colon, task = name.partition(":do_")
                if colon:
                    of_tasks[recipe] += int(size)
                else:
                    sizes[name] = int(size or 0)
    except OSError as error:
        raise Trouble("cannot read the sizes of work folders: %s" % error) from None
    sizes = {**of_tasks, **sizes}
    return numbers("Q", (sizes.get(bitbake.recipe(tid)[0], UNKNOWN) for tid in tids))


def durations(bitbake, tids):
    """How long each task took, in microseconds; None when nothing is known."""
    folder = bitbake.variable("AUH_SCHEDULER_BUILDSTATS")
    if not folder:
        return None
    if not os.path.isdir(folder):
        raise Trouble("there is no buildstats folder %s" % folder)
    return numbers("Q", (elapsed(os.path.join(folder, bitbake.recipe(tid)[1],
                                              tid.rpartition(":")[2])) for tid in tids))


def elapsed(path):
    """The microseconds that a file of buildstats names."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            for line in file:
                if line.startswith("Elapsed time:"):
                    return round(float(line.split()[2]) * 1_000_000)
    except (OSError, ValueError, IndexError):
        pass
    return UNKNOWN


def write_dump(bitbake, name, tids, depends, order):
    """Writes the run queue where AUH_RUNQUEUE_DUMP says."""
    path = bitbake.variable("AUH_RUNQUEUE_DUMP")
    if not path:
        return
    entries = bitbake.entries()
    dump = {"tids": tids, "depends": depends, "weights": [entries[tid].weight for tid in tids],
            "scheduler": name, "order": order}
    try:
        with open(path + ".new", "w", encoding="utf-8") as file:
            json.dump(dump, file)
        os.replace(path + ".new", path)
    except OSError as error:
        raise Trouble("cannot write the run queue: %s" % error) from None


def count(bitbake, line):
    """Appends a line to what AUH_RUNQUEUE_COUNT names."""
    path = bitbake.variable("AUH_RUNQUEUE_COUNT")
    if not path:
        return
    try:
        with open(path, "a", encoding="utf-8") as file:
            file.write(line + "\n")
    except OSError as error:
        raise Trouble("cannot count the run queue: %s" % error) from None
