"""The `devtool` command: workspace, upgrade, finish, reset, status, check-upgrade-status."""

import argparse
import glob
import os
import re
import shutil
import sys
import time

from standin import bitbake_tool, configuration, devtool_text as words, files, tasks, upstream
from standin.devtool_text import DevtoolError, error, info, warning
from standin.devtool_upgrade import Upgrade, with_values
from standin.recipes import Unavailable
from standin.source_tree import SourceTree, git, patch_header


class Workspace:
    """The workspace layer of a build directory."""

    def __init__(self, builddir):
        self.builddir = builddir
        self.path = os.path.join(builddir, "workspace")

    @property
    def exists(self):
        return os.path.exists(os.path.join(self.path, "conf", "layer.conf"))

    def create(self, layerseries=None):
        """Write the layer's own files; without a series it is compatible with those of the core layer."""
        series = layerseries or configuration.load().data.getVar("LAYERSERIES_CORENAMES") or ""
        files.write(os.path.join(self.path, "conf", "layer.conf"), words.LAYER_CONF % series)
        files.write(os.path.join(self.path, "README"), words.README)

    def enable(self):
        """Put the layer into bblayers.conf where it is not yet."""
        conf = os.path.join(self.builddir, "conf", "bblayers.conf")
        try:
            text = files.read(conf)
        except FileNotFoundError:
            error("Unable to find bblayers.conf")
            return
        found = list(re.finditer(r'^BBLAYERS\s*[?+]*=\s*"([^"]*)"', text, re.M))
        if any(self.path in _entries(match) for match in found):
            return
        if not found:
            raise DevtoolError("Unable to find BBLAYERS in %s" % conf)
        files.write(conf, _with_layer(text, found[0], self.path))
        info("Enabling workspace layer in bblayers.conf")

    def recipes(self):
        """name -> what the bbappend of each recipe in the workspace says."""
        found = {}
        for append in sorted(glob.glob(os.path.join(self.path, "appends", "*.bbappend"))):
            text = files.read(append)
            match = re.search(r'^EXTERNALSRC:pn-(\S+) = "([^"]*)"', text, re.M)
            if match:
                found[match.group(1)] = _workspace_recipe(self.path, append, text, match)
        return found

    def recipe(self, name):
        """The same of one recipe, which must be there."""
        try:
            return self.recipes()[name]
        except KeyError:
            raise DevtoolError("No recipe named '%s' in your workspace" % name) from None

    def remember(self, name, paths):
        """Note the md5 of a recipe's files in .devtool_md5, so that a later change by hand is seen."""
        lines = ["%s|%s|%s\n" % (name, os.path.relpath(path, self.path), files.digest(path, "md5")) for path in paths]
        with open(self._record, "a", encoding="utf-8") as stream:
            stream.writelines(lines)

    def forget(self, name):
        """Drop a recipe's lines from .devtool_md5; a file changed since goes to the attic."""
        if not os.path.exists(self._record):
            return
        rows = [line.split("|") for line in files.read(self._record).splitlines()]
        for _, path, digest in (row for row in rows if row[0] == name):
            self._keep_if_changed(name, os.path.join(self.path, path), digest)
        files.write(self._record, "".join("|".join(row) + "\n" for row in rows if row[0] != name))

    def _keep_if_changed(self, name, path, digest):
        if os.path.exists(path) and files.digest(path, "md5") != digest:
            attic = os.path.join(self.path, "attic", name)
            warning(words.FILE_KEPT % (os.path.basename(path), attic))
            os.makedirs(attic, exist_ok=True)
            shutil.move(path, os.path.join(attic, os.path.basename(path)))

    @property
    def _record(self):
        return os.path.join(self.path, ".devtool_md5")


def _workspace_recipe(workspace, append, text, match):
    stem = os.path.basename(append)[: -len(".bbappend")]
    recipe = os.path.join(workspace, "recipes", match.group(1), stem + ".bb")

    def comment(name):
        line = re.search(r"^# %s: (.*)$" % re.escape(name), text, re.M)
        return line.group(1).strip() if line else None

    return {
        "srctree": match.group(2),
        "bbappend": append,
        "recipefile": recipe if os.path.exists(recipe) else None,
        "original_path": comment("original_path"),
        "original_files": (comment("original_files") or "").split(),
        "initial_rev": comment("initial_rev ."),
    }


def _entries(match):
    return match.group(1).replace("\\", " ").split()


def _with_layer(text, match, path):
    """bblayers.conf with the layer as the last entry, in the form that the real tool writes."""
    value = "".join("  %s \\\n" % layer for layer in [*_entries(match), path])
    start = match.group(0).split('"', 1)[0].rstrip()
    return text[: match.start()] + '%s " \\\n%s  "' % (start, value) + text[match.end() :]


def main(arguments):
    options = _parser().parse_args(arguments)
    if not os.environ.get("BUILDDIR"):
        error(words.NO_ENVIRONMENT)
        return 1
    workspace = Workspace(configuration.build_directory())
    try:
        with bitbake_tool.BuildLock(workspace.builddir):
            if options.subcommand != "create-workspace":
                _prepare(workspace)
            return options.function(options, workspace) or 0
    except DevtoolError as failure:
        error(str(failure))
        return 1


def _prepare(workspace):
    """What every subcommand does first: have a workspace layer and have it enabled."""
    if not workspace.exists:
        info("Creating workspace layer in %s" % workspace.path)
        workspace.create()
    workspace.enable()


def _parser():
    parser = argparse.ArgumentParser(prog="devtool", description="stand-in for devtool: upgrades and what belongs to them")
    _flags(parser, "-d --debug", "-q --quiet")
    _values(parser, "--basepath", "--bbpath")
    parser.add_argument("--color", choices=["auto", "always", "never"], default="auto")
    commands = parser.add_subparsers(title="subcommands", metavar="<subcommand>", dest="subcommand", required=True)

    def command(name, function, *positional):
        """A subcommand; a positional argument may have argparse's ? or * as its last character."""
        added = commands.add_parser(name, help=name)
        added.set_defaults(function=function)
        for word in positional:
            added.add_argument(word.rstrip("?*"), nargs=word[-1] if word[-1] in "?*" else None)
        return added

    upgrade = command("upgrade", _upgrade, "recipename", "srctree?")
    _values(upgrade, "--version -V", "--srcrev -S", "--srcbranch -B")
    _flags(upgrade, "--no-patch", "--keep-temp", "--keep-failure", "--stable", "--no-same-dir", "--same-dir -s", "--no-overrides -O")
    upgrade.add_argument("--branch", "-b", default="devtool")
    finish = command("finish", _finish, "recipename", "destination")
    finish.add_argument("--mode", "-m", choices=["patch", "srcrev", "auto"], default="auto")
    _values(finish, "--initial-rev")
    _flags(finish, "--force -f", "--remove-work -r", "--no-clean -n", "--no-overrides -O", "--dry-run -N", "--force-patch-refresh")
    _flags(command("reset", _reset, "recipename*"), "--all -a", "--no-clean -n", "--remove-work -r")
    command("status", _status)
    create = command("create-workspace", _create_workspace, "layerpath?")
    _values(create, "--layerseries")
    _flags(create, "--create-only")
    _flags(command("check-upgrade-status", _check_upgrade_status, "recipe*"), "--stable", "--all -a")
    _flags(command("latest-version", _latest_version, "recipename"), "--stable")
    if os.environ.get("STANDIN_TEST_IMAGE") == "1":
        _values(command("test-image", _test_image, "imagename"), "--package -p", "--test-suites")
    return parser


def _flags(parser, *spellings):
    for spelling in spellings:
        parser.add_argument(*spelling.split(), action="store_true")


def _values(parser, *spellings):
    for spelling in spellings:
        parser.add_argument(*spelling.split())


def _create_workspace(options, workspace):
    if options.layerpath:
        workspace.path = os.path.abspath(options.layerpath)
    if workspace.exists:
        info("Specified workspace already set up, leaving as-is")
    else:
        workspace.create(options.layerseries)
    if not options.create_only:
        workspace.enable()


def _status(_options, workspace):
    recipes = workspace.recipes()
    for name in sorted(recipes):
        source, file = recipes[name]["srctree"], recipes[name]["recipefile"]
        print("%s: %s" % (name, source) + (" (%s)" % file if file else ""))
    if not recipes:
        info(words.NO_RECIPES)


def _recipe(name):
    """(the recipes, the recipe file of a name, its data); prints BitBake's lines about the parsing."""
    recipes = bitbake_tool.load_recipes(configuration.load())
    try:
        fn = recipes.file_of(name)
    except Unavailable as reason:
        raise DevtoolError(str(reason)) from None
    return recipes, fn, recipes.parse(fn)


def _upgrade(options, workspace):
    if options.recipename in workspace.recipes():
        raise DevtoolError("recipe %s is already in your workspace" % options.recipename)
    _require_identity()
    upgrade = Upgrade(options, workspace, *_recipe(options.recipename))
    upgrade.choose_version()
    try:
        upgrade.run()
    except (DevtoolError, upstream.FetchFailure):
        if not options.keep_failure:
            upgrade.clean_up()
        raise


def _require_identity():
    """Git needs to know who commits, as an upgrade makes commits."""
    missing = [what for what in ("name", "email") if git(".", "config", "user." + what, check=False).returncode != 0]
    if missing:
        advice = ["Please set your %s using:\n  git config --global user.%s" % (what, what) for what in missing]
        raise DevtoolError("\n".join([words.GIT_UNCONFIGURED, *advice]))


def _finish(options, workspace):
    entry = workspace.recipe(options.recipename)
    tree = SourceTree(entry["srctree"])
    _require_clean(tree, options.force)
    _, fn, data = _recipe(options.recipename)
    destination = _destination(options.destination, workspace, entry)
    _write_back(tree, entry["initial_rev"], fn, data)
    _remove_originals(entry, os.path.dirname(fn))
    _move(os.path.dirname(fn), destination)
    _take_out([options.recipename], workspace, options.remove_work)


def _require_clean(tree, force):
    uncommitted = tree.git("status", "--porcelain").stdout
    if uncommitted and not force:
        raise DevtoolError(words.DIRTY % uncommitted)
    if uncommitted:
        warning(words.DIRTY_FORCED)


def _destination(asked, workspace, entry):
    """The folder that the recipe goes to: the one asked for, or in the layer asked for the one it came from."""
    path = os.path.abspath(asked)
    if path == workspace.path:
        raise DevtoolError(words.WORKSPACE_AS_DESTINATION % asked)
    if not os.path.isdir(path):
        raise DevtoolError('Unable to find layer or directory matching "%s"' % asked)
    if not os.path.isfile(os.path.join(path, "conf", "layer.conf")):
        return path
    original = entry["original_path"] or ""
    if original.startswith(path + os.sep):
        return original
    return os.path.join(path, *original.split(os.sep)[-2:])


def _write_back(tree, base, fn, data):
    """Write the commits of the source tree back: as SRCREV or as patches."""
    patches = dict(tasks.patches(data))
    if upstream.decode(upstream.remote(data) or "")[0] in ("git", "gitsm") and not patches:
        info("Updating SRCREV in recipe %s" % os.path.basename(fn))
        files.write(fn, with_values(files.read(fn), {"SRCREV": tree.commit_of("HEAD")}))
        return
    changed = _changed_patches(tree, base, patches)
    for name, text in changed.items():
        info("Updating patch %s" % name)
        files.write(patches[name], text)
    if not changed:
        info("No patches or files need updating")


def _changed_patches(tree, base, patches):
    """{name: new text} of the patch files that say another thing than the commits with their subjects."""
    texts = {name: files.read(path) for name, path in patches.items()}
    names = {patch_header(text)[1] or name: name for name, text in texts.items()}
    renewed = {names[subject]: tree.as_patch(commit) for commit, subject in tree.commits_after(base) if subject in names}
    return {name: text for name, text in renewed.items() if text != texts[name]}


def _remove_originals(entry, folder):
    """Remove what the recipe consisted of before; named are the files that do not come back under the same name."""
    for name in entry["original_files"]:
        path = os.path.join(entry["original_path"], name)
        if not os.path.exists(os.path.join(folder, name)):
            info("Removing file %s" % path)
        files.remove(path)


def _move(folder, destination):
    info("Moving recipe file to %s" % destination)
    for path in files.below(folder):
        target = os.path.join(destination, os.path.relpath(path, folder))
        os.makedirs(os.path.dirname(target), exist_ok=True)
        shutil.move(path, target)


def _reset(options, workspace):
    if options.all == bool(options.recipename):
        raise DevtoolError(
            "Recipe cannot be specified if -a/--all is used"
            if options.all
            else "Recipe must be specified, or specify -a/--all to reset all recipes"
        )
    names = options.recipename or list(workspace.recipes())
    for name in names:
        workspace.recipe(name)
    if names and not options.no_clean:
        info("Cleaning sysroot for recipe%s %s..." % ("s" if len(names) > 1 else "", ", ".join(names)))
    _take_out(names, workspace, options.remove_work)


def _take_out(names, workspace, remove_work):
    """Take recipes out of the workspace, with all that was written for them."""
    for name in names:
        entry = workspace.recipe(name)
        workspace.forget(name)
        files.remove(entry["bbappend"])
        shutil.rmtree(os.path.join(workspace.path, "recipes", name), ignore_errors=True)
        _put_away(name, entry["srctree"], workspace, remove_work)
        changelogs = os.path.join(workspace.path, "changelogs")
        if files.remove(os.path.join(changelogs, name + ".txt")) and not os.listdir(changelogs):
            os.rmdir(changelogs)


def _put_away(name, srctree, workspace, remove_work):
    """Remove a source tree, or keep it in the attic; one outside the workspace stays where it is."""
    if not os.path.isdir(srctree):
        return
    ours = srctree.startswith(os.path.join(workspace.path, "sources"))
    attic = os.path.join(workspace.path, "attic", "sources", name + time.strftime(".%Y%m%d%H%M%S"))
    if remove_work:
        info(words.SOURCE_REMOVED % name)
        shutil.rmtree(srctree)
    elif ours:
        info(words.SOURCE_KEPT % attic)
        os.makedirs(os.path.dirname(attic), exist_ok=True)
        shutil.move(srctree, attic)
    else:
        info(words.SOURCE_LEFT % srctree)


def _test_image(options, workspace):
    if not options.package:
        raise DevtoolError("Package(s) to install must be specified via -p/--package")
    packages = ["%s-ptest" % name for name in options.package.split(",")]
    logs = os.path.join(workspace.path, "testimage-logs")
    files.write(os.path.join(workspace.builddir, "conf", "devtool.conf"), "[SDK]\ntarget_basename = %s\n\n" % options.imagename)
    append = os.path.join(workspace.path, "appends", options.imagename + ".conf")
    values = {"IMAGE_CLASSES": "testimage", "IMAGE_INSTALL:append": " " + " ".join(packages), "TEST_LOG_DIR": logs}
    values.update({"TEST_SUITES": options.test_suites or "", "TESTIMAGE_AUTO": "1"})
    files.write(append, "".join('%s = "%s"\n' % pair for pair in values.items()))
    try:
        result = bitbake_tool.Build(bitbake_tool.parse_options(["-R", append, "-c", "testimage", options.imagename])).run()
    finally:
        files.remove(append)
    if result == 0:
        info("Testimage completed. Logs are in %s" % logs)
    return result


def _oe_recipeutils():
    """The check that OE-core offers; here it is the stand-in's, found as everybody finds it, in COREBASE."""
    core = configuration.load().data.getVar("COREBASE")
    sys.path.insert(0, os.path.join(core, "meta", "lib"))
    import oe.recipeutils

    return oe.recipeutils


def _check_upgrade_status(options, _workspace):
    if not options.recipe:
        info("Checking the upstream status for all recipes may take a few minutes")
    for group in _oe_recipeutils().get_recipe_upgrade_status(options.recipe, options.stable):
        for line in _status_lines(group, options.all):
            print(line)


def _status_lines(group, everything):
    """The table's lines for recipes that move together: those with news, by name, then the others if asked for."""
    news = sorted(_status_line(row) for row in group if row["status"] != "MATCH")
    framed = ["These recipes need to be upgraded together {", *news, "}"]
    current = [_status_line(row) for row in group if row["status"] == "MATCH"]
    return (framed if len(news) > 1 else news) + (current if everything else [])


def _status_line(row):
    news = row["status"]
    if news == "UPDATE":
        news = re.sub(r".*new-commits-available$", "new commits", row["next_ver"])
    reason = row["no_upgrade_reason"]
    ending = (row["maintainer"], row["revision"].replace("N/A", ""), "cannot be updated due to: " + reason if reason else "")
    return " ".join(["%-25s %-15s %-15s" % (row["pn"], row["cur_ver"], news), *ending])


def _latest_version(options, _workspace):
    _, _, data = _recipe(options.recipename)
    found = _oe_recipeutils().get_recipe_upstream_version(data, options.stable)
    titles = {"Current version": "current_version", "Latest version": "version", "Latest version's commit": "revision"}
    for title, key in titles.items():
        if found[key] or key != "revision":
            info("%s: %s" % (title, found[key]))
