"""Tests of auhsched.py with a pretended BitBake.

AUH_TEST_PLUGINS names the folder with the built library and plugins; tests that need them are
skipped without it.
"""

import importlib.util
import json
import os
import pathlib
import shutil
import sys
import tempfile
import types
import unittest

HERE = pathlib.Path(__file__).resolve().parent
PLUGINS = os.environ.get("AUH_TEST_PLUGINS")


class Fatal(Exception):
    """What the pretended bb.fatal raises."""


class PretendedScheduler:
    """The part of BitBake's scheduler that is built upon, in its simplest form."""

    def __init__(self, runqueue, rqdata):
        self.rq = runqueue
        self.buildable = set()
        self.rev_prio_map = None

    def exceeds_max_pressure(self):
        self.rq.pressure_asked += 1
        return False

    def next_buildable_task(self):
        self.buildable -= self.rq.running
        tids = self.buildable & (self.rq.tasks_covered | self.rq.tasks_notcovered)
        tids -= self.rq.over_limit
        if not tids or self.exceeds_max_pressure():
            return None
        return min(tids, key=self.rev_prio_map.get)


def pretended_bitbake(said):
    def fatal(text):
        said.append(("fatal", text))
        raise Fatal(text)

    bb = types.ModuleType("bb")
    bb.__version__ = "2.99"
    bb.fatal = fatal
    bb.note = lambda text: said.append(("note", text))
    bb.warn = lambda text: said.append(("warn", text))
    bb.debug = lambda level, text: said.append(("debug%d" % level, text))
    bb.runqueue = types.ModuleType("bb.runqueue")
    bb.runqueue.RunQueueScheduler = PretendedScheduler

    def split_tid_mcfn(tid):
        fn, task = tid.rsplit(":", 1)
        mc = fn.split(":")[1] if fn.startswith("mc:") else ""
        return mc, fn.split(":")[-1], task, fn

    bb.runqueue.split_tid_mcfn = split_tid_mcfn
    return bb


class Variables(dict):
    def getVar(self, name, expand=True):
        return self.get(name)


class Queue(types.SimpleNamespace):
    """A run queue: tasks with what they wait for."""

    def __init__(self, tasks, variables=None, environment=None):
        super().__init__(
            cfgData=Variables(variables or {}, BB_ORIGENV=Variables(environment or {})),
            runq_complete=set(), failed_tids=[], holdoff_tasks=set(), tasks_covered=set(),
            tasks_notcovered=set(tasks), sq_live=set(), stats=types.SimpleNamespace(active=0),
            running=set(), over_limit=set(), pressure_asked=0)
        entries = {tid: types.SimpleNamespace(depends=set(depends), weight=10 ** 30)
                   for tid, depends in tasks.items()}
        cache = types.SimpleNamespace(
            pkg_fn={"/a.bb": "a", "mc:x:/b.bb": "b"},
            pkg_pepvpr={"/a.bb": ("", "1.0", "r0"), "mc:x:/b.bb": ("2", "1.0", "r1")})
        self.data = types.SimpleNamespace(runtaskentries=entries, dataCaches={"": cache, "x": cache})


class PretendedLibrary:
    """Answers as a library does that was told what to pick."""

    def __init__(self, answers=(), restricts=True, interface=None, order=True):
        self.answers = list(answers)
        self.moments = []
        self.restricting = restricts
        self.interface = interface
        self.orders = order

    def __getattr__(self, name):
        if not name.startswith("auh_bitbake_") or (name == "auh_bitbake_abi" and self.interface is None):
            raise AttributeError(name)
        method = getattr(type(self), name[len("auh_bitbake_"):], lambda self, *arguments: None)
        function = lambda *arguments: method(self, *arguments)
        self.__dict__[name] = function
        return function

    def abi(self):
        return self.interface

    def restricts(self, handle):
        return self.restricting

    def order(self, handle, ids, length, tasks, offsets, edges, durations, folders, order):
        import ctypes
        if self.orders:
            for place in range(tasks):
                ctypes.c_uint32.from_address(order + 4 * place).value = place

    def pick(self, handle, ready, n_ready, running, n_running, ended, n_ended, picked):
        import ctypes
        read = lambda at, n: [ctypes.c_uint32.from_address(at + 4 * i).value for i in range(n)]
        self.moments.append((read(ready, n_ready), read(running, n_running), read(ended, n_ended)))
        answer = self.answers.pop(0)
        picked._obj.value = 2 ** 32 - 1 if answer is None else answer


class TestCase(unittest.TestCase):
    def setUp(self):
        self.said = []
        self.folder = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)
        place = self.folder / "auhsched"
        place.mkdir()
        shutil.copy(HERE.parent / "auhsched.py", place / "__init__.py")
        bb = pretended_bitbake(self.said)
        sys.modules.update({"bb": bb, "bb.runqueue": bb.runqueue})
        spec = importlib.util.spec_from_file_location("auhsched", place / "__init__.py")
        self.module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(self.module)

    def with_library(self, library):
        library.interface = library.interface or self.module.INTERFACE
        self.module.Library._loaded = None
        self.module.ctypes = types.SimpleNamespace(
            **{**vars(self.module.ctypes), "CDLL": lambda path: library})
        return library

    def scheduler(self, queue, name="auh_some_name"):
        return getattr(self.module, name)(queue, queue.data)

    def fatal(self, queue):
        with self.assertRaises(Fatal) as raised:
            self.scheduler(queue)
        self.assertEqual([kind for kind, _ in self.said], ["fatal"])
        return str(raised.exception)


class Troubles(TestCase):
    QUEUE = {"/a.bb:do_x": [], "/a.bb:do_y": ["/a.bb:do_x"]}

    def test_a_missing_library(self):
        text = self.fatal(Queue(self.QUEUE))
        self.assertTrue(text.startswith("auh-some-name: cannot load the library: "), text)
        self.assertIn("libauh_bitbake.so", text)
        self.assertTrue(text.endswith("write the layer again with `auh bitbake-layer`"), text)

    def test_a_library_that_is_too_old(self):
        self.with_library(PretendedLibrary(interface=self.module.INTERFACE + 1))
        self.assertIn("has interface 2, and this layer's module needs 1", self.fatal(Queue(self.QUEUE)))

    def test_a_library_of_somebody_else(self):
        library = self.with_library(PretendedLibrary())
        library.interface = None
        self.assertIn("is no library of auh", self.fatal(Queue(self.QUEUE)))

    def test_an_answer_that_is_no_permutation(self):
        self.with_library(PretendedLibrary(order=False))
        self.assertEqual(self.fatal(Queue(self.QUEUE)),
                         "auh-some-name: the library's answer is no order of the 2 tasks")

    def test_a_bitbake_that_is_too_different(self):
        self.with_library(PretendedLibrary())
        queue = Queue(self.QUEUE)
        del queue.holdoff_tasks
        del queue.data.dataCaches
        self.assertEqual(self.fatal(queue), "auh-some-name: BitBake 2.99 is none that this layer "
                         "knows; its run queue lacks holdoff_tasks, dataCaches")

    def test_files_that_cannot_be_read_or_written(self):
        self.with_library(PretendedLibrary())
        nowhere = str(self.folder / "nowhere" / "x")
        for name, expect in [
                ("AUH_RUNQUEUE_DUMP", "cannot write the run queue: "),
                ("AUH_SCHEDULER_WORK_SIZES", "cannot read the sizes of work folders: "),
                ("AUH_SCHEDULER_BUILDSTATS", "there is no buildstats folder ")]:
            self.said.clear()
            self.assertIn(expect, self.fatal(Queue(self.QUEUE, {name: nowhere})))
        sizes = self.folder / "sizes"
        sizes.write_text("a\t10\nb 20\n")
        self.said.clear()
        self.assertIn("sizes, line 2: this is not PN<TAB>bytes",
                      self.fatal(Queue(self.QUEUE, {"AUH_SCHEDULER_WORK_SIZES": str(sizes)})))


class Names(TestCase):
    def test_a_class_for_each_name(self):
        self.assertEqual(self.module.auh_rm_work.name, "auh-rm-work")
        self.assertEqual(self.module.auh_rm__work.name, "auh-rm_work")
        self.assertIs(self.module.auh_rm_work, self.module.auh_rm_work)
        self.assertFalse(hasattr(self.module, "other"))


class Facts(TestCase):
    def setUp(self):
        super().setUp()
        self.tids = ["/a.bb:do_x", "mc:x:/b.bb:do_y"]

    def bitbake(self, **variables):
        queue = Queue({tid: [] for tid in self.tids}, variables)
        return self.module.BitBake(queue, queue.data)

    def test_sizes_of_work_folders_go_by_recipe(self):
        sizes = self.folder / "sizes"
        sizes.write_text("b\t20\n\nother\t1\n")
        bitbake = self.bitbake(AUH_SCHEDULER_WORK_SIZES=str(sizes))
        self.assertEqual(list(self.module.work_folders(bitbake, self.tids)), [2 ** 64 - 1, 20])
        self.assertIsNone(self.module.work_folders(self.bitbake(), self.tids))
        sizes.write_text("b:do_y\t3\nb:do_z\t4\na\t9\na:do_x\t9\n")
        self.assertEqual(list(self.module.work_folders(bitbake, self.tids)), [9, 7])

    def test_the_number_of_threads_is_among_the_options(self):
        def options(**variables):
            return self.module.options(self.bitbake(**variables))
        self.assertEqual(options(BB_NUMBER_THREADS="4"), '{"threads": 4}')
        self.assertEqual(options(BB_NUMBER_THREADS="4", AUH_SCHEDULER_OPTIONS='{"threads": 2}'),
                         '{"threads": 2}')
        self.assertIsNone(options())
        self.assertEqual(options(BB_NUMBER_THREADS="4", AUH_SCHEDULER_OPTIONS="{"), "{")

    def test_durations_come_from_buildstats(self):
        for folder, task, text in [("a-1.0-r0", "do_x", "a: do_x\nElapsed time: 1.25 seconds\n"),
                                   ("b-2_1.0-r1", "do_y", "Elapsed time: what\n")]:
            (self.folder / folder).mkdir()
            (self.folder / folder / task).write_text(text)
        bitbake = self.bitbake(AUH_SCHEDULER_BUILDSTATS=str(self.folder))
        self.assertEqual(list(self.module.durations(bitbake, self.tids)), [1_250_000, 2 ** 64 - 1])

    def test_the_configuration_beats_the_environment(self):
        queue = Queue({}, {"A": "conf"}, {"A": "env", "B": "env"})
        bitbake = self.module.BitBake(queue, queue.data)
        self.assertEqual([bitbake.variable(name) for name in "ABC"], ["conf", "env", None])


class Picking(TestCase):
    """Tasks 0 to 3 do not wait for one another; the order is that of the numbers."""

    TIDS = ["/a.bb:do_%d" % number for number in range(4)]

    def begin(self, answers, **options):
        self.library = self.with_library(PretendedLibrary(answers, **options))
        queue = Queue({tid: [] for tid in self.TIDS})
        scheduler = self.scheduler(queue)
        scheduler.buildable = set(self.TIDS)
        return queue, scheduler

    def next(self, queue, scheduler):
        tid = scheduler.next_buildable_task()
        if tid is None:
            return None
        queue.running.add(tid)
        queue.stats.active += 1
        return self.TIDS.index(tid)

    def end(self, queue, number):
        queue.runq_complete.add(self.TIDS[number])
        queue.stats.active -= 1

    def test_a_scheduler_that_does_not_restrict_is_not_asked(self):
        queue, scheduler = self.begin([], restricts=False)
        self.assertEqual([self.next(queue, scheduler) for _ in range(5)], [0, 1, 2, 3, None])
        self.assertEqual(self.library.moments, [])

    def test_what_is_picked_starts(self):
        queue, scheduler = self.begin([2, None, 0])
        self.assertEqual(self.next(queue, scheduler), 2)
        self.assertIsNone(self.next(queue, scheduler))
        self.end(queue, 2)
        self.assertEqual(self.next(queue, scheduler), 0)
        self.assertEqual(self.library.moments,
                         [([0, 1, 2, 3], [], []), ([0, 1, 3], [2], []), ([0, 1, 3], [], [2])])

    def test_a_task_that_failed_has_ended(self):
        queue, scheduler = self.begin([0, 1])
        self.next(queue, scheduler)
        queue.failed_tids.append(self.TIDS[0])
        self.next(queue, scheduler)
        self.assertEqual(self.library.moments[1], ([1, 2, 3], [], [0]))

    def test_bitbakes_limits_stay(self):
        queue, scheduler = self.begin([1, 0])
        queue.over_limit = {self.TIDS[1]}
        self.assertEqual(self.next(queue, scheduler), 0)
        self.assertEqual([moment[0] for moment in self.library.moments], [[0, 1, 2, 3], [0, 2, 3]])
        self.assertEqual(queue.pressure_asked, 1)
        queue.over_limit = set(self.TIDS)
        self.assertIsNone(self.next(queue, scheduler))
        self.assertEqual(len(self.library.moments), 2)
        self.assertEqual(scheduler.buildable, set(self.TIDS[1:]))

    def test_held_tasks_are_not_offered(self):
        queue, scheduler = self.begin([3])
        queue.holdoff_tasks = {self.TIDS[0]}
        queue.tasks_notcovered.remove(self.TIDS[1])
        self.next(queue, scheduler)
        self.assertEqual(self.library.moments, [([2, 3], [], [])])

    def test_covered_tasks_pass_unasked(self):
        queue, scheduler = self.begin([0])
        queue.tasks_covered = {self.TIDS[3]}
        self.assertEqual(self.next(queue, scheduler), 3)
        self.end(queue, 3)
        self.assertEqual(self.next(queue, scheduler), 0)
        self.assertEqual(self.library.moments, [([0, 1, 2], [], [3])])

    def test_starting_nothing_while_nothing_runs_is_the_end(self):
        queue, scheduler = self.begin([None])
        self.said.clear()
        with self.assertRaises(Fatal):
            self.next(queue, scheduler)
        self.assertEqual(self.said, [("fatal", "auh-some-name: it starts none of 4 tasks although "
                                      "none runs, /a.bb:do_0 among them")])
        queue, scheduler = self.begin([None])
        queue.sq_live = {"/a.bb:do_x_setscene"}
        self.assertIsNone(self.next(queue, scheduler))


@unittest.skipUnless(PLUGINS, "AUH_TEST_PLUGINS names no folder with the built library")
class RealLibrary(TestCase):
    QUEUE = {"mc:x:/b.bb:do_x": [], "/a.bb:do_y": ["mc:x:/b.bb:do_x"], "/a.bb:do_z": []}

    def setUp(self):
        super().setUp()
        for file in ("libauh_bitbake.so", "libauh_scheduler_basic.so"):
            shutil.copy(pathlib.Path(PLUGINS) / file, self.folder / "auhsched" / file)
        os.chmod(self.folder / "auhsched", 0o755)

    def test_order_map_dump_and_count(self):
        dump, count = self.folder / "dump", self.folder / "count"
        queue = Queue(self.QUEUE, {"AUH_RUNQUEUE_DUMP": str(dump)}, {"AUH_RUNQUEUE_COUNT": str(count)})
        scheduler = self.scheduler(queue, "auh_basic")
        tids = list(self.QUEUE)
        self.assertEqual(scheduler.prio_map, tids)
        self.assertEqual(scheduler.rev_prio_map, {tid: place for place, tid in enumerate(tids)})
        self.assertEqual(json.loads(dump.read_text()), {
            "tids": tids, "depends": [[], [0], []], "weights": [10 ** 30] * 3,
            "scheduler": "auh-basic", "order": [0, 1, 2]})
        self.scheduler(Queue(self.QUEUE, {"AUH_RUNQUEUE_COUNT": str(count)}), "auh_basic")
        lines = count.read_text().splitlines()
        self.assertEqual([line.split(" in ")[0] for line in lines], ["auh-basic 3 tasks"] * 2)
        self.assertEqual(self.said, [("note", "auh-basic ordered 3 tasks")] * 2)

    def test_an_empty_queue(self):
        self.assertEqual(self.scheduler(Queue({}), "auh_basic").prio_map, [])

    def test_a_scheduler_that_is_not_there(self):
        self.assertEqual(self.fatal(Queue(self.QUEUE)), "auh-some-name: there is no scheduler plugin "
                         '"some-name"; there are: basic')

    def test_a_file_that_others_can_write_to(self):
        os.chmod(self.folder / "auhsched" / "libauh_scheduler_basic.so", 0o666)
        with self.assertRaises(Fatal) as raised:
            self.scheduler(Queue(self.QUEUE), "auh_basic")
        self.assertIn('AUH_ALLOW_UNTRUSTED_PLUGINS = "1" loads it', str(raised.exception))
        queue = Queue(self.QUEUE, {"AUH_ALLOW_UNTRUSTED_PLUGINS": "1"})
        self.assertEqual(len(self.scheduler(queue, "auh_basic").prio_map), 3)

    def test_a_loop(self):
        loop = {"/a.bb:do_x": ["/a.bb:do_y"], "/a.bb:do_y": ["/a.bb:do_x"]}
        with self.assertRaises(Fatal) as raised:
            self.scheduler(Queue(loop), "auh_basic")
        self.assertIn("/a.bb:do_x", str(raised.exception))


if __name__ == "__main__":
    unittest.main()
