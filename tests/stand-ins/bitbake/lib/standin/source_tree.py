"""A recipe's source as a git repository: releases come in as commits, the recipe's patches on top of them."""

import os
import re
import subprocess
import tempfile

from standin import files
from standin.devtool_text import DevtoolError

SETTINGS = ["-c", "commit.gpgsign=false", "-c", "tag.gpgsign=false", "-c", "gc.auto=0", "-c", "advice.detachedHead=false"]


def git(folder, *arguments, check=True, text=None, **variables):
    """Run git in a folder; a failure becomes a DevtoolError where `check` asks for it."""
    command = ["git", *SETTINGS, "-C", folder, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, input=text, env=dict(os.environ, **variables))
    if check and done.returncode != 0:
        raise DevtoolError("Command 'git %s' failed, output:\n%s%s" % (" ".join(arguments), done.stdout, done.stderr))
    return done


class SourceTree:
    """The repository at `path`."""

    def __init__(self, path):
        self.path = path

    def git(self, *arguments, **more):
        return git(self.path, *arguments, **more)

    def create(self):
        os.makedirs(self.path, exist_ok=True)
        self.git("init", "-q", "--template=", "-b", "devtool-unpacked")

    def store(self, folder, message, parent=None):
        """Make a commit of what `folder` holds, without touching the files of the tree; its id.

        An index of its own, as git takes a file for unchanged that has the size and the times of another.
        """
        with tempfile.TemporaryDirectory(prefix="devtool") as scratch:
            places = {"GIT_DIR": os.path.join(self.path, ".git"), "GIT_WORK_TREE": folder, "GIT_INDEX_FILE": scratch + "/index"}
            git(folder, "add", "-f", "-A", ".", **places)
            tree = git(folder, "write-tree", **places).stdout.strip()
        ancestry = ["-p", parent] if parent else []
        return self.git("commit-tree", *ancestry, "-m", message, tree).stdout.strip()

    def mark(self, commit, tag, branch=None):
        self.git("tag", "-f", tag, commit)
        if branch:
            self.git("branch", "-f", branch, commit)

    def start_branch(self, name, commit):
        self.git("checkout", "-q", "-B", name, commit)

    def commit_of(self, name):
        return self.git("rev-parse", name + "^{commit}").stdout.strip()

    def apply(self, name, path):
        """Apply one patch of the recipe and commit it under its own subject and author."""
        done = self.git("apply", "--index", "-p1", path, check=False)
        if done.returncode != 0:
            raise DevtoolError("Applying patch '%s' on target directory '%s'\n%s" % (name, self.path, done.stderr))
        author, subject, body = patch_header(files.read(path))
        chosen = ["--author", author] if author else []
        self.git("commit", "-q", *chosen, "-F", "-", text="%s\n\n%s\n" % (subject or name, body))

    def rebase(self, onto):
        """None, or what git said where it could not; a conflict is undone."""
        done = self.git("rebase", onto, check=False)
        if done.returncode == 0:
            return None
        if conflicts(done.stdout):
            self.git("rebase", "--abort")
        return done.stdout.rstrip()

    def commits_after(self, base):
        """(commit, subject) of each commit since `base`, oldest first."""
        listed = self.git("log", "--reverse", "--format=%H %s", base + "..HEAD").stdout
        return [line.split(" ", 1) for line in listed.splitlines()]

    def as_patch(self, commit):
        return self.git("format-patch", "--stdout", "-1", "-N", "--no-signature", "--zero-commit", commit).stdout

    def changed_files(self, old, new):
        return self.git("diff", "--name-only", old, new).stdout.splitlines()

    def added_text(self, old, new, name):
        """The lines that a file gained between two commits."""
        shown = self.git("diff", old, new, "--", name).stdout
        return "\n".join(re.findall(r"^\+(?!\+\+)(.*)$", shown, re.M)).strip()


def conflicts(said):
    """Whether git's words are about a conflict."""
    return "conflict" in said.lower()


def patch_header(text):
    """(author or None, subject, body) of a patch with mail headers."""
    author = re.search(r"^From: (.+)$", text, re.M)
    subject = re.search(r"^Subject: (?:\[PATCH[^\]]*\] )?(.+)$", text, re.M)
    head = text.split("\n---", 1)[0].split("\ndiff --git", 1)[0]
    body = head.split("\n\n", 1)[1].strip() if "\n\n" in head else ""
    return author.group(1) if author else None, subject.group(1) if subject else None, body
