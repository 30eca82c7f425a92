"""A data store and a parser for the part of the recipe language that small layers use.

Known: assignments (= := ?= ??= += =+ .= =.), :append :prepend :remove, overrides, flags, ${NAME},
include, require, inherit, shell functions. Not known: Python, anonymous functions, classes of one's own.
"""

import os
import re

ASSIGNMENT = re.compile(
    r"^(?:export\s+)?(?P<name>[\w\-+.${}/]+(?::[\w\-+.${}/]+)*)(?:\[(?P<flag>[\w\-+.@]+)\])?"
    r"\s*(?P<op>\?\?=|\?=|:=|\+=|=\+|\.=|=\.|=)\s*(?P<quote>[\"'])(?P<value>.*)(?P=quote)\s*$",
    re.S,
)
FUNCTION = re.compile(r"^(?:fakeroot\s+)?(?P<name>[\w\-+.:]+)\s*\(\s*\)\s*\{\s*$")
DIRECTIVE = re.compile(r"^(?P<word>include|require|inherit|addtask|deltask|unset|addpylib|EXPORT_FUNCTIONS)\s+(?P<rest>.+)$")
REFERENCE = re.compile(r"\$\{([\w\-+.:/]+)\}")
EDITS = ("append", "prepend", "remove")


class ParseError(Exception):
    """A line that the small parser does not understand, or a required file that is missing."""


class Data:
    """Variables with their flags; values are kept unexpanded, like BitBake's store does."""

    def __init__(self):
        self.values = {}
        self.weak = {}
        self.flags = {}
        self.edits = {}
        self.functions = {}
        self.included = []

    def createCopy(self):
        copy = Data()
        copy.values, copy.weak = dict(self.values), dict(self.weak)
        copy.flags = {name: dict(flags) for name, flags in self.flags.items()}
        copy.edits = {name: list(edits) for name, edits in self.edits.items()}
        copy.functions, copy.included = dict(self.functions), list(self.included)
        return copy

    def setVar(self, name, value, **_loginfo):
        base, edit, overrides = split_edit(name)
        if edit:
            self.edits.setdefault(base, []).append((edit, overrides, value))
        else:
            self.values[name] = value

    def delVar(self, name, **_loginfo):
        for store in (self.values, self.weak, self.edits):
            store.pop(name, None)

    def appendVar(self, name, value, **_loginfo):
        self.setVar(name, (self.getVar(name, False) or "") + value)

    def setVarFlag(self, name, flag, value, **_loginfo):
        self.flags.setdefault(name, {})[flag] = value

    def getVarFlag(self, name, flag, expand=True):
        value = self.flags.get(name, {}).get(flag)
        return self.expand(value) if expand and value is not None else value

    def getVarFlags(self, name, expand=False):
        flags = self.flags.get(name)
        return dict(flags) if flags else None

    def getVar(self, name, expand=True, noweakdefault=False):
        value = self._base_value(name, noweakdefault)
        value = self._edited(name, value)
        if value is None or not expand or not isinstance(value, str):
            return value
        return self.expand(value)

    def expand(self, text, varname=None):
        return self._expand(text, 0)

    def keys(self):
        return set(self.values) | set(self.weak) | set(self.edits) | set(self.functions)

    def __iter__(self):
        return iter(self.keys())

    def __contains__(self, name):
        return name in self.keys()

    def overrides(self):
        """The active overrides, least important first."""
        raw = self.values.get("OVERRIDES") or self.weak.get("OVERRIDES") or ""
        return self._expand(raw, 0).split(":")

    def _base_value(self, name, noweakdefault):
        if ":" not in name and name != "OVERRIDES":
            variants = [key for key in self.values if key.startswith(name + ":")]
            if variants:
                for override in reversed(self.overrides()):
                    if override and name + ":" + override in self.values:
                        return self.values[name + ":" + override]
        if name in self.values:
            return self.values[name]
        return None if noweakdefault else self.weak.get(name)

    def _edited(self, name, value):
        edits = self.edits.get(name)
        if not edits:
            return value
        active = set(self.overrides())
        chosen = [(edit, text) for edit, wanted, text in edits if all(self.expand(o) in active for o in wanted)]
        for edit, text in chosen:
            if edit == "append":
                value = (value or "") + text
            elif edit == "prepend":
                value = text + (value or "")
        removed = {word for edit, text in chosen if edit == "remove" for word in self.expand(text).split()}
        if removed and value:
            kept = (part for part in re.split(r"(\s+)", self.expand(value)) if part not in removed)
            value = "".join(kept)
        return value

    def _expand(self, text, depth):
        if depth > 40 or not isinstance(text, str) or "${" not in text:
            return text

        def replace(match):
            value = self.getVar(match.group(1), False)
            return match.group(0) if value is None else self._expand(value, depth + 1)

        return REFERENCE.sub(replace, text)


def split_edit(name):
    """`A:append:x` becomes ("A", "append", ["x"]); a name without an edit ("A:x", None, [])."""
    parts = name.split(":")
    for position, part in enumerate(parts[1:], 1):
        if part in EDITS:
            return ":".join(parts[:position]), part, parts[position + 1 :]
    return name, None, []


def parse_file(data, path, bbpath=(), immediate=None):
    """Read one file into `data`; `immediate` names variables expanded at once (LAYERDIR in layer.conf)."""
    with open(path, encoding="utf-8") as stream:
        lines = stream.read().split("\n")
    data.included.append(path)
    number = 0
    while number < len(lines):
        line, first = lines[number].rstrip(), number + 1
        number += 1
        if not line.strip() or line.startswith("#"):
            continue
        while line.endswith("\\") and number < len(lines):
            line = line[:-1] + lines[number].rstrip()
            number += 1
        function = FUNCTION.match(line)
        if function:
            number = _function(data, function.group("name"), lines, number)
        else:
            _statement(data, line, path, first, bbpath, immediate or {})


def _function(data, name, lines, number):
    body = []
    while number < len(lines) and lines[number].rstrip() != "}":
        body.append(lines[number])
        number += 1
    base, edit, _ = split_edit(name)
    text = "\n".join(body) + "\n"
    if edit == "append":
        text = data.functions.get(base, "") + text
    elif edit == "prepend":
        text += data.functions.get(base, "")
    data.functions[base] = text
    return number + 1


def _statement(data, line, path, number, bbpath, immediate):
    match = ASSIGNMENT.match(line)
    if match:
        _assign(data, match, immediate)
        return
    match = DIRECTIVE.match(line)
    if not match:
        raise ParseError("ParseError at %s:%d: unparsed line: '%s'" % (path, number, line))
    word, rest = match.group("word"), data.expand(match.group("rest").strip())
    if word == "inherit":
        _inherit(data, rest.split())
    elif word in ("include", "require"):
        _include(data, rest, path, bbpath, word == "require", number)
    elif word == "unset":
        data.delVar(rest)


def _assign(data, match, immediate):
    name, flag, op, value = match.group("name", "flag", "op", "value")
    for variable, text in immediate.items():
        value = value.replace("${%s}" % variable, text)
    name = data.expand(name)
    if flag:
        old = data.flags.setdefault(name, {}).get(flag)
        data.flags[name][flag] = _combined(data, old, op, value)
        return
    base, edit, overrides = split_edit(name)
    if edit:
        data.edits.setdefault(base, []).append((edit, overrides, value))
    elif op == "??=":
        data.weak[name] = value
    else:
        # `+=` and its kin start from nothing where only a `??=` value is there, as in BitBake.
        data.values[name] = _combined(data, data.values.get(name), op, value)


def _combined(data, old, op, value):
    if op in ("?=", "??="):
        return value if old is None else old
    if op == ":=":
        return data.expand(value)
    before = old or ""
    joined = {"+=": before + " " + value, "=+": value + " " + before, ".=": before + value, "=.": value + before}
    return joined.get(op, value)


def _inherit(data, classes):
    known = (data.values.get("INHERITED") or "").split()
    data.values["INHERITED"] = " ".join(known + [name for name in classes if name not in known])


def _include(data, name, path, bbpath, required, number):
    folders = [os.path.dirname(path), *bbpath]
    candidates = [name] if os.path.isabs(name) else [os.path.join(folder, name) for folder in folders]
    for candidate in candidates:
        if os.path.isfile(candidate):
            parse_file(data, candidate, bbpath)
            return
    if required:
        raise ParseError("ParseError at %s:%d: Could not include required file %s" % (path, number, name))
