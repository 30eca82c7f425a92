"""The stand-ins against what the real tools print: lines, streams, exit codes and files.

Run with: python3 -m unittest discover -s tests/stand-ins -p 'test_*.py'
"""

import fcntl
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import textwrap
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
CONFIGURATION_ROWS = ["BB_VERSION", "BUILD_SYS", "NATIVELSBSTRING", "TARGET_SYS", "MACHINE", "SDKMACHINE", "DISTRO", "DISTRO_VERSION", "TUNE_FEATURES"]


class Environment:
    """One made environment in a temporary folder, with a git configuration of its own."""

    def __init__(self, *options):
        self.folder = tempfile.TemporaryDirectory(prefix="standin")
        place = os.path.realpath(self.folder.name)
        self.top, self._untouched = os.path.join(place, "env"), os.path.join(place, "untouched")
        home = os.path.join(place, "gitconfig")
        with open(home, "w", encoding="utf-8") as stream:
            stream.write("[user]\n\tname = Tester\n\temail = tester@example.com\n")
        kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        self.variables = dict(kept, GIT_CONFIG_GLOBAL=home, GIT_CONFIG_NOSYSTEM="1", LC_ALL="C.UTF-8")
        # Compiled once, and not into the folders of the sources.
        self.variables["PYTHONPYCACHEPREFIX"] = os.path.join(place, "compiled")
        # -S: the tools need nothing but the standard library.
        subprocess.run([sys.executable, "-S", os.path.join(HERE, "make-layer"), self.top, *options], check=True, env=self.variables)
        os.rename(self.top, self._untouched)

    def renew(self):
        """Put it back, at the same place, to what it was when it was made."""
        shutil.rmtree(self.top, ignore_errors=True)
        shutil.copytree(self._untouched, self.top, symlinks=True)

    def run(self, *command, **variables):
        return subprocess.run([self.top + "/run", *command], capture_output=True, text=True, env=dict(self.variables, **variables))

    def layer(self, *parts):
        return os.path.join(self.top, "meta-tiny", "recipes-hello", *parts)

    def build(self, *parts):
        return os.path.join(self.top, "build", *parts)

    def read(self, path):
        with open(path, encoding="utf-8") as stream:
            return stream.read()

    def git(self, folder, *arguments):
        done = subprocess.run(["git", "-C", os.path.join(self.top, folder), *arguments], capture_output=True, text=True, env=self.variables)
        return done.stdout.strip()

    def upgrade(self, pn, version="2.0", *more):
        return self.run("devtool", "upgrade", pn, "-V", version, *more)

    def finish(self, pn, *flags):
        return self.run("devtool", "finish", *flags, "-f", pn, self.layer(pn))


class StandinTest(unittest.TestCase):
    """Each test has a fresh environment; it is made once and copied, as making it takes longer than most tests."""

    options = ()
    made = {}

    def setUp(self):
        if self.options not in self.made:
            self.made[self.options] = Environment(*self.options)
            unittest.addModuleCleanup(self.made[self.options].folder.cleanup)
            unittest.addModuleCleanup(self.made.pop, self.options)
        self.env = self.made[self.options]
        self.env.renew()

    def assert_lines(self, text, patterns):
        """The text's lines match the patterns, one for one."""
        lines = text.splitlines()
        self.assertEqual(len(lines), len(patterns), text)
        for line, pattern in zip(lines, patterns):
            self.assertRegex(line, "^%s$" % pattern)

    def upgraded(self, pn, new_source, warned=()):
        """The stderr of a successful upgrade, as recorded from the real tool."""
        places = [r"INFO: Upgraded source extracted to .*/workspace/sources/%s" % pn, r"INFO: New recipe is .*/workspace/recipes/%s/%s_2\.0\.bb" % (pn, pn)]
        lines = [r"INFO: Extracting current version source\.\.\.", r"INFO: Extracting upgraded version source\.\.\.", *new_source]
        lines += [r"INFO: Rebasing devtool onto [0-9a-f]{40}", *warned]
        lines += ["INFO: Using source tree as build directory since that would be the default for this recipe", *places]
        return [*lines, r"INFO: Changelog extracted to .*/workspace/changelogs/%s\.txt" % pn]


FETCHING = [r"INFO: Fetching http://upstream\.example/hello-2\.0\.tar\.gz\.\.\."]
LICENCE = [r"INFO: License checksums have been updated in the new recipe; please refer to it for the difference between the old and the new license texts\."]
PRESERVED = [r"INFO: Preserving source tree in .*/attic/sources/\w+\.\d{14}", r"If you no longer need it then please delete it manually\."]
PRESERVED += [r"It is also possible to reuse it via devtool source tree argument\."]


class Upgrades(StandinTest):
    def test_plain_upgrade_prints_the_recorded_lines(self):
        self.env.run("devtool", "create-workspace")
        done = self.env.upgrade("bhello")
        self.assertEqual(done.returncode, 0)
        self.assert_lines(done.stderr, self.upgraded("bhello", FETCHING) + LICENCE)
        self.assertIn("Attempted 3 tasks of which 0 didn't need to be rerun and all succeeded.", done.stdout)

    def test_first_use_makes_the_workspace_and_enables_it(self):
        done = self.env.upgrade("hello")
        self.assert_lines("\n".join(done.stderr.splitlines()[:2]), ["INFO: Creating workspace layer in .*/build/workspace", "INFO: Enabling workspace layer in bblayers.conf"])
        self.assertIn("/build/workspace \\\n", self.env.read(self.env.build("conf", "bblayers.conf")))

    def test_git_upgrade_takes_the_revision(self):
        self.env.run("devtool", "create-workspace")
        revision = self.env.git("upstream/git", "rev-parse", "v2.0^{commit}")
        done = self.env.upgrade("ghello", "2.0", "-S", revision)
        self.assertEqual(done.returncode, 0)
        self.assert_lines(done.stderr, self.upgraded("ghello", []) + LICENCE)
        self.assertIn('SRCREV = "%s"' % revision, self.env.read(self.env.build("workspace/recipes/ghello/ghello_2.0.bb")))

    def test_conflict_warns_and_exits_zero_without_a_licence_change(self):
        self.env.run("devtool", "create-workspace")
        done = self.env.upgrade("chello")
        warned = ["WARNING: Command 'git rebase [0-9a-f]{40}' failed:", "Auto-merging hello.sh", r"CONFLICT \(content\): Merge conflict in hello\.sh", ""]
        warned.append(r"You will need to resolve conflicts in order to complete the upgrade\.")
        self.assertEqual(done.returncode, 0)
        self.assert_lines(done.stderr, self.upgraded("chello", FETCHING, warned))
        self.assertFalse(os.path.exists(self.env.build("workspace/sources/chello/.git/rebase-merge")))

    def test_unknown_recipe(self):
        self.env.run("devtool", "create-workspace")
        done = self.env.upgrade("nosuchrecipe")
        self.assertEqual((done.returncode, done.stderr), (1, 'ERROR: Unable to find any recipe file matching "nosuchrecipe"\n'))

    def test_recipe_already_in_the_workspace(self):
        self.env.upgrade("hello")
        done = self.env.upgrade("hello")
        self.assertEqual((done.returncode, done.stderr), (1, "ERROR: recipe hello is already in your workspace\n"))

    def test_missing_version_leaves_nothing_behind(self):
        done = self.env.upgrade("hello", "9.9")
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, r"ERROR: Fetcher failure: Fetch command \['wget', .*\] failed with exit code 8, see logfile for output\n")
        self.assertRegex(done.stderr, r"ERROR: Logfile of failure stored in: .*/temp/log\.do_fetch\.\d+\n")
        self.assertTrue(done.stderr.endswith("ERROR: Failed to fetch URL http://upstream.example/hello-9.9.tar.gz\n"))
        self.assertFalse(os.path.exists(self.env.build("workspace/sources/hello")))
        self.assertEqual(self.env.run("devtool", "status").stdout, "")

    def test_licence_block_is_the_one_that_the_real_tool_writes(self):
        self.env.upgrade("hello")
        text = self.env.read(self.env.build("workspace/recipes/hello/hello_2.0.bb"))
        expected = """\
            # FIXME: the LIC_FILES_CHKSUM values have been updated by 'devtool upgrade'.
            # The following is the difference between the old and the new license text.
            # Please update the LICENSE value if needed, and summarize the changes in
            # the commit message via 'License-Update:' tag.
            # (example: 'License-Update: copyright years updated.')
            #
            # The changes:
            #
            # --- LICENSE
            # +++ LICENSE
            # @@ -1,2 +1,2 @@
            #  Permission is granted to everyone.
            # -Copyright v1
            # +Copyright v2
            #%s
            #

            SUMMARY = "tiny hello"
            """
        self.assertTrue(text.startswith(textwrap.dedent(expected) % " "), text)

    def test_a_file_of_the_same_size_and_time_is_the_new_one(self):
        self.env.upgrade("phello")
        for name in ("hello.sh", "LICENSE"):
            released = self.env.git("upstream/git", "show", "v2.0:" + name)
            self.assertEqual(self.env.git("build/workspace/sources/phello", "show", "devtool-base-2.0:" + name), released)
        self.assertEqual(self.env.git("build/workspace/sources/phello", "status", "--porcelain"), "")

    def test_changelog_holds_the_news(self):
        self.env.upgrade("hello")
        text = self.env.read(self.env.build("workspace/changelogs/hello.txt"))
        self.assertEqual(text, "Changelog for hello: 1.0 -> 2.0\nSource: NEWS\n\nNews for 2.0\n\n- says hello louder\n")


class Finishing(StandinTest):
    def moved(self, pn, first):
        return [first, r"INFO: Removing file .*/%s/%s_1\.0\.bb" % (pn, pn), r"INFO: Moving recipe file to .*/recipes-hello/%s" % pn]

    def test_patch_is_refreshed_and_the_recipe_moved(self):
        self.env.upgrade("hello")
        done = self.env.finish("hello")
        self.assertEqual(done.returncode, 0)
        self.assert_lines(done.stderr, self.moved("hello", "INFO: Updating patch 0001-greet.patch") + PRESERVED)
        status = self.env.git("meta-tiny", "status", "--porcelain", "-uall").splitlines()
        self.assertEqual([line.split()[-1].rsplit("/", 1)[-1] for line in status], ["0001-greet.patch", "hello_1.0.bb", "hello_2.0.bb"])
        self.assertEqual(self.env.run("devtool", "status").stdout, "")

    def test_plain_recipe_has_nothing_to_refresh(self):
        self.env.upgrade("bhello")
        self.assert_lines(self.env.finish("bhello").stderr, self.moved("bhello", "INFO: No patches or files need updating") + PRESERVED)

    def test_git_recipe_updates_its_revision(self):
        self.env.upgrade("ghello", "2.0", "-S", self.env.git("upstream/git", "rev-parse", "v2.0^{commit}"))
        self.assert_lines(self.env.finish("ghello").stderr, self.moved("ghello", r"INFO: Updating SRCREV in recipe ghello_2\.0\.bb") + PRESERVED)

    def test_remove_work_leaves_no_attic(self):
        self.env.upgrade("phello")
        removed = [r"INFO: -r argument used on phello, removing source tree\. You will lose any unsaved work"]
        self.assert_lines(self.env.finish("phello", "-r").stderr, self.moved("phello", "INFO: No patches or files need updating") + removed)
        self.assertFalse(os.path.exists(self.env.build("workspace/attic")))

    def test_status_and_reset(self):
        self.env.upgrade("chello")
        self.env.upgrade("hello")
        status = self.env.run("devtool", "status")
        self.assert_lines(status.stdout, [r"(\w+): .*/workspace/sources/\1 \(.*/workspace/recipes/\1/\1_2\.0\.bb\)"] * 2)
        done = self.env.run("devtool", "reset", "-n", "chello")
        self.assertEqual((done.returncode, done.stdout), (0, ""))
        self.assert_lines(done.stderr, PRESERVED)
        self.assertIn("hello:", self.env.run("devtool", "status").stdout)
        self.assertEqual(self.env.git("meta-tiny", "status", "--porcelain"), "")

    def test_every_recipe_on_two_machines(self):
        revision = self.env.git("upstream/git", "rev-parse", "v2.0^{commit}")
        for pn in ("hello", "ghello", "phello", "mhello", "bhello"):
            more = ["-S", revision] if pn == "ghello" else []
            self.assertEqual(self.env.upgrade(pn, "2.0", *more).returncode, 0)
            self.assertEqual(self.env.finish(pn).returncode, 0)
        self.env.upgrade("chello")
        self.env.run("devtool", "reset", "-n", "chello")
        expected = {"qemux86-64": {"bhello"}, "qemuarm64": {"bhello", "mhello"}}
        for machine, failing in expected.items():
            failed = {pn for pn in ("hello", "ghello", "phello", "mhello", "chello", "bhello") if self.env.run("bitbake", pn, MACHINE=machine).returncode}
            self.assertEqual(failed, failing, machine)


class Builds(StandinTest):
    def test_good_build_prints_the_recorded_kinds_of_lines(self):
        done = self.env.run("bitbake", "hello")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        rows = re.findall(r'^(\w+) +=', done.stdout, re.M)
        self.assertEqual(rows[: len(CONFIGURATION_ROWS)], CONFIGURATION_ROWS)
        self.assertRegex(done.stdout, r"(?m)^NOTE: Running task 1 of 10 \(.*/hello/hello_1\.0\.bb:do_fetch\)$")
        self.assertRegex(done.stdout, r"(?m)^NOTE: recipe hello-1\.0-r0: task do_compile: Succeeded$")
        self.assertRegex(done.stdout, r"(?m)^NOTE: Running noexec task 10 of 10 \(.*:do_build\)$")
        self.assertIn("NOTE: Tasks Summary: Attempted 10 tasks of which 0 didn't need to be rerun and all succeeded.\n", done.stdout)

    def test_built_program_is_the_patched_source(self):
        self.env.run("bitbake", "hello")
        program = self.env.build("tmp/work/all-oe-linux/hello/1.0/image/usr/bin/hello")
        self.assertEqual(subprocess.run(["sh", program], capture_output=True, text=True).stdout, "hello 1.0\n")
        self.assertIn("# greet politely", self.env.read(self.env.build("tmp/work/all-oe-linux/hello/1.0/sources/hello-1.0/build.sh")))

    def test_second_build_runs_no_task(self):
        self.env.run("bitbake", "hello")
        self.assertIn("Attempted 10 tasks of which 10 didn't need to be rerun", self.env.run("bitbake", "hello").stdout)

    def fail_bhello(self, *targets):
        self.env.upgrade("bhello")
        self.env.finish("bhello")
        return self.env.run("bitbake", *targets)

    def test_compile_error(self):
        done = self.fail_bhello("bhello")
        self.assertEqual(done.returncode, 1)
        log = r".*/work/all-oe-linux/bhello/2\.0/temp/log\.do_compile\.\d+"
        failing = r".*/bhello/bhello_2\.0\.bb:do_compile"
        first = r"ERROR: bhello-2\.0-r0 do_compile: Execution of '.*/temp/run\.do_compile\.\d+' failed with exit code 1"
        self.assert_lines(done.stderr, [first, "ERROR: Logfile of failure stored in: " + log, r"ERROR: Task \(%s\) failed with exit code '1'" % failing])
        data = ["Log data follows:", r"\| DEBUG: Executing shell function do_compile", r"\| bhello\.c:1:10: fatal error: gone\.h: No such file or directory"]
        data += [r"\| WARNING: exit code 1 from a shell command\.", "NOTE: recipe bhello-2.0-r0: task do_compile: Failed"]
        data += [r"NOTE: Tasks Summary: Attempted 7 tasks of which 0 didn't need to be rerun and 1 failed\."]
        data += ["NOTE: Writing buildhistory", "NOTE: Writing buildhistory took: 1 seconds", "", "Summary: 1 task failed:", "  " + failing, "    log: " + log]
        data += [r"Summary: There was 1 ERROR message, returning a non-zero exit code\."]
        self.assert_lines(done.stdout[done.stdout.index("Log data follows:") :], data)
        self.assertIn("gone.h", self.env.read(done.stdout.splitlines()[-2].split("log: ")[1]))

    def test_keep_going_builds_the_others(self):
        done = self.fail_bhello("-k", "bhello", "ghello")
        self.assertEqual(done.returncode, 1)
        self.assertIn("NOTE: recipe ghello-1.0-r0: task do_compile: Succeeded", done.stdout)

    def test_incompatible_machine(self):
        done = self.env.run("bitbake", "mhello", MACHINE="qemuarm64")
        skipped = "mhello was skipped: incompatible with machine qemuarm64 (not in COMPATIBLE_MACHINE)\n"
        self.assertEqual((done.returncode, done.stderr), (1, "ERROR: Nothing PROVIDES 'mhello'\n" + skipped))
        self.assertTrue(done.stdout.endswith("\n\nSummary: There was 1 ERROR message, returning a non-zero exit code.\n"))

    def test_no_provider(self):
        done = self.env.run("bitbake", "nosuchrecipe")
        self.assertEqual((done.returncode, done.stderr), (1, "ERROR: Nothing PROVIDES 'nosuchrecipe'\n"))

    def test_wrong_checksum_fails_the_fetch(self):
        path = self.env.layer("bhello", "bhello_1.0.bb")
        text = self.env.read(path)
        with open(path, "w", encoding="utf-8") as stream:
            stream.write(re.sub(r'(sha256sum\] = ")\w{4}', r"\g<1>0000", text))
        done = self.env.run("bitbake", "bhello")
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, r"^ERROR: bhello-1\.0-r0 do_fetch: Bitbake Fetcher Error: ChecksumError\(")

    def test_environment_has_the_variables(self):
        text = self.env.run("bitbake", "-e", "hello").stdout
        for line in ('PN="hello"', 'PV="1.0"', 'MACHINE="qemux86-64"', 'FILE="%s"' % self.env.layer("hello", "hello_1.0.bb"), 'INHERIT=" buildhistory"'):
            self.assertIn("\n%s\n" % line, text)

    def test_buildhistory_reports_the_version_only_when_asked_for_all(self):
        self.env.run("bitbake", "phello")
        self.env.upgrade("phello")
        self.env.finish("phello")
        self.env.run("bitbake", "phello")
        short, full = self.env.run("buildhistory-diff"), self.env.run("buildhistory-diff", "-a")
        self.assertEqual((short.returncode, short.stdout), (0, ""))
        version = [r"%s: PKGV changed from 1\.0 \[default\] to 2\.0 \[default\]", r'%s: PV changed from "1\.0" to "2\.0"']
        recipe, packages = "packages/all-oe-linux/phello", ["-dbg", "-dev", "-doc", "-locale", "-src", "-staticdev", ""]
        source = r'%s: SRC_URI changed from "http://upstream\.example/hello-1\.0\.tar\.gz" to "http://upstream\.example/hello-2\.0\.tar\.gz"' % recipe
        expected = [version[0] % recipe, source, version[1] % recipe]
        expected += [line % (recipe + "/phello" + package) for package in packages for line in version]
        self.assert_lines(full.stdout, expected)


class Parsing(StandinTest):
    def counts(self, **variables):
        text = self.env.run("bitbake", "-p", **variables).stdout
        return tuple(map(int, re.search(r"\((\d+) cached, (\d+) parsed\)", text).groups()))

    def test_a_changed_configuration_parses_in_full_and_a_known_one_does_not(self):
        self.assertEqual(self.counts(), (0, 6))
        self.assertEqual(self.counts(), (6, 0))
        self.assertEqual(self.counts(MACHINE="qemuarm64"), (0, 6))
        self.assertEqual(self.counts(), (6, 0))

    def test_a_changed_recipe_parses_alone(self):
        self.counts()
        with open(self.env.layer("hello", "hello_1.0.bb"), "a", encoding="utf-8") as stream:
            stream.write("# edited\n")
        self.assertEqual(self.counts(), (5, 1))

    def test_ignored_variables_do_not_change_the_key(self):
        self.counts()
        with open(self.env.build("conf", "auto.conf"), "w", encoding="utf-8") as stream:
            stream.write('BB_HASHCONFIG_IGNORE_VARS:append = " NOISE"\nNOISE = "1"\nBB_NUMBER_THREADS = "2"\n')
        self.assertEqual(self.counts(), (6, 0))

    def test_a_build_directory_in_use_is_refused_after_the_wait(self):
        with open(self.env.build("bitbake.lock"), "a", encoding="utf-8") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX)
            done = self.env.run("bitbake", "hello", STANDIN_LOCK_SECONDS="0.01")
        self.assertEqual((done.returncode, done.stderr), (1, "ERROR: Unable to connect to bitbake server, or start one (server startup failures would be in bitbake-cookerdaemon.log).\n"))
        self.assertEqual(self.env.run("bitbake", "hello").returncode, 0)


class Fragments(StandinTest):
    def test_file_and_messages_are_the_real_ones(self):
        conf = self.env.build("conf", "toolcfg.conf")
        done = self.env.run("bitbake-config-build", "enable-fragment", "machine/qemuarm64")
        self.assertEqual((done.returncode, done.stdout), (0, "Fragment machine/qemuarm64 added to %s.\n" % conf))
        header = "# Automated config file controlled by tools\n#\n# Run 'bitbake-config-build enable-fragment <fragment-name>' to enable additional fragments\n"
        header += "# or replace built-in ones (e.g. machine/<name> or distro/<name> to change MACHINE or DISTRO).\n"
        self.assertEqual(self.env.read(conf), header + '\nOE_FRAGMENTS += "machine/qemuarm64"\n')
        self.assertIn('MACHINE              = "qemuarm64"', self.env.run("bitbake", "hello").stdout)

    def test_a_machine_replaces_the_one_before_and_can_be_disabled(self):
        conf = self.env.build("conf", "toolcfg.conf")
        for machine in ("qemuarm64", "qemuarm"):
            self.env.run("bitbake-config-build", "enable-fragment", "machine/" + machine)
        self.assertIn('\nOE_FRAGMENTS += "machine/qemuarm"\n', self.env.read(conf))
        self.assertIn('machine/qemuarm\tSets MACHINE = "qemuarm"\n', self.env.run("bitbake-config-build", "list-fragments").stdout)
        done = self.env.run("bitbake-config-build", "disable-fragment", "machine/")
        self.assertEqual(done.stdout, "Removing fragment machine/qemuarm from %s\n" % conf)
        self.assertIn('\nOE_FRAGMENTS += ""\n', self.env.read(conf))

    def test_unknown_fragment_and_a_machine_assigned_twice(self):
        unknown = self.env.run("bitbake-config-build", "enable-fragment", "nosuch/thing")
        self.assertEqual(unknown.returncode, 1)
        self.assertIn("Fragment nosuch/thing does not exist", unknown.stderr)
        self.env.run("bitbake-config-build", "enable-fragment", "machine/qemuarm64")
        twice = self.env.run("bitbake", "hello", MACHINE="qemux86-64")
        self.assertEqual(twice.returncode, 1)
        self.assertIn("A builtin fragment 'machine/qemuarm64' is used while MACHINE has already got an assignment.", twice.stderr)


class UpstreamCheck(StandinTest):
    def test_status_table(self):
        done = self.env.run("devtool", "check-upgrade-status", "hello", "ghello")
        revision = self.env.git("upstream/git", "rev-parse", "v2.0^{commit}")
        rows = done.stdout.splitlines()[-2:]
        self.assertEqual(rows[0], "%-25s %-15s %-15s Jane Doe <jane@example.com>  " % ("hello", "1.0", "2.0"))
        self.assertEqual(rows[1], "%-25s %-15s %-15s Joe Roe <joe@example.com> %s " % ("ghello", "1.0", "2.0", revision))

    def test_a_script_finds_tinfoil_beside_bitbake_and_the_check_in_corebase(self):
        script = """
            import json, os, shutil, sys
            sys.path.insert(0, os.path.join(os.path.dirname(shutil.which("bitbake")), "..", "lib"))
            import bb.tinfoil
            with bb.tinfoil.Tinfoil() as tinfoil:
                tinfoil.prepare(config_only=False, quiet=2)
                sys.path.insert(0, os.path.join(tinfoil.config_data.getVar("COREBASE"), "meta", "lib"))
                import oe.recipeutils as check
                rows, included = [], {}
                for fn in tinfoil.all_recipe_files(variants=False):
                    data = tinfoil.parse_recipe_file(fn)
                    rows.append(check._get_recipe_upgrade_status(data, False))
                    included[fn] = {"bbincluded": data.getVar("BBINCLUDED").split(), "pn": data.getVar("PN")}
                try:
                    tinfoil.parse_recipe("nosuchrecipe")
                    missing = None
                except bb.providers.NoProvider as error:
                    missing = str(error)
                print(json.dumps([check._group_recipes(rows, check._get_common_include_recipes(included)), missing]))
            """
        for pn in ("hello", "bhello"):
            os.makedirs(self.env.layer("pair"), exist_ok=True)
            os.rename(self.env.layer(pn, pn + "_1.0.bb"), self.env.layer("pair", pn + "_1.0.bb"))
            with open(self.env.layer("pair", pn + "_1.0.bb"), "a", encoding="utf-8") as stream:
                stream.write("require pair.inc\n")
        with open(self.env.layer("pair", "pair.inc"), "w", encoding="utf-8") as stream:
            stream.write('SECTION = "pairs"\n')
        done = self.env.run(sys.executable, "-c", textwrap.dedent(script))
        groups, missing = json.loads(done.stdout)
        names = sorted(sorted(row["pn"] for row in group) for group in groups)
        self.assertEqual(names, [["bhello", "hello"], ["chello"], ["ghello"], ["mhello"], ["phello"]])
        row = next(row for group in groups for row in group if row["pn"] == "hello")
        expected = {"pn": "hello", "status": "UPDATE", "cur_ver": "1.0", "next_ver": "2.0", "revision": "N/A", "no_upgrade_reason": None}
        self.assertEqual(row, dict(expected, maintainer="Jane Doe <jane@example.com>"))
        self.assertEqual(missing, 'Unable to find any recipe file matching "nosuchrecipe"')


class Switches(StandinTest):
    def test_instant_does_nothing_and_log_notes_each_call(self):
        log = os.path.join(self.env.folder.name, "calls")
        self.assertEqual(self.env.run("devtool", "upgrade", "hello", STANDIN_INSTANT="1").returncode, 0)
        self.env.run("bitbake", "-k", "two words", STANDIN_INSTANT="1", STANDIN_LOG=log, MACHINE="m")
        entry = json.loads(self.env.read(log))
        self.assertEqual(entry["argv"], ["bitbake", "-k", "two words"])
        self.assertEqual((entry["MACHINE"], entry["BUILDDIR"], entry["BBPATH"]), ("m", self.env.build(), self.env.build()))
        self.assertFalse(os.path.exists(self.env.build("workspace")))


class TestImage(StandinTest):
    options = ("--test-image", "--devtool-test-image")

    def lines(self, fails, *more):
        """A file with what a call for the image's tests needs."""
        lines = ['IMAGE_CLASSES += "testimage"', 'IMAGE_INSTALL:append:pn-tiny-image = " hello-ptest"']
        lines += ['STANDIN_TESTIMAGE_FAILS = "%s"' % fails, *more, ""]
        with open(self.env.build("x.conf"), "w", encoding="utf-8") as stream:
            stream.write("\n".join(lines))
        return self.env.build("x.conf")

    def test_only_with_testimage_auto_the_image_is_built_for_its_tests(self):
        call = ("bitbake", "-R", self.lines("hello@2.0"), "tiny-image", "-c", "testimage")
        self.assertIn("tiny-image.manifest not found", self.env.run(*call).stderr)
        self.lines("hello@2.0", 'TESTIMAGE_AUTO:pn-tiny-image = "1"')
        self.assertEqual(self.env.run(*call).returncode, 0)

    def test_it_fails_for_what_was_named_and_is_run_every_time(self):
        auto = 'TESTIMAGE_AUTO = "1"'
        for fails, code in (("hello@1.0", 1), ("hello@1.0+phello@2.0", 0), ("always", 1)):
            call = self.env.run("bitbake", "-R", self.lines(fails, auto), "tiny-image", "-c", "testimage")
            self.assertEqual(call.returncode, code, fails)
        self.assertIn("ERROR: tiny-image-1.0-r0 do_testimage: tiny-image - FAILED", call.stderr)

    def test_devtool_has_it_and_leaves_its_logs_and_its_setting(self):
        self.assertIn("test-image", self.env.run("devtool", "--help").stdout)
        call = self.env.run("devtool", "test-image", "tiny-image", "-p", "hello,phello", "--test-suites", "ping")
        self.assertEqual(call.returncode, 0, call.stderr)
        log = self.env.read(self.env.build("workspace", "testimage-logs", "ptest-runner.log"))
        self.assertEqual(log.splitlines()[:2], ["hello-ptest", "phello-ptest"])
        self.assertIn("target_basename = tiny-image", self.env.read(self.env.build("conf", "devtool.conf")))

    def test_a_variable_is_shown(self):
        call = self.env.run("bitbake-getvar", "--value", "BUILDHISTORY_DIR")
        self.assertEqual(call.stdout.strip(), self.env.build("buildhistory"))


class GeneratedLayer(StandinTest):
    options = ("--recipes", "7", "--fail-every", "1", "--no-fragments")

    def test_each_way_to_fail_is_the_one_that_was_asked_for(self):
        said = {}
        for number in range(1, 8):
            pn = "r%04d" % number
            upgraded = self.env.upgrade(pn)
            finished = self.env.finish(pn) if not upgraded.returncode else None
            said[pn] = upgraded.stderr + (self.env.run("bitbake", pn, MACHINE="qemuarm64").stderr if finished else "")
        self.assertIn("CONFLICT (content)", said["r0001"])
        self.assertIn("do_compile: Execution of", said["r0002"])
        self.assertIn("ERROR: Failed to fetch URL http://upstream.example/r0003-2.0.tar.gz", said["r0003"])
        self.assertIn("License checksums have been updated", said["r0004"])
        self.assertNotIn("ERROR", said["r0004"])
        self.assertIn("r0005 was skipped: incompatible with machine qemuarm64", said["r0005"])
        self.assertIn("do_configure: Execution of", said["r0006"])
        self.assertIn("do_package: QA Issue: r0007: Files/directories were installed but not shipped", said["r0007"])

    def test_no_fragments_leaves_the_tool_out(self):
        self.assertFalse(os.path.lexists(self.env.top + "/bitbake/bin/bitbake-config-build"))


if __name__ == "__main__":
    unittest.main()
