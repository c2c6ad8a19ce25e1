#!/usr/bin/env python3
"""Every text that a person may read in the console or on the command line, as a template for translators.

    extract.py POT          writes the template: what tui/ marks with _(), N_() and ngettext(), and
                            the sentences that stand in the tables (rows below)

`make po` runs it and merges the result into each tui/po/LANGUAGE.po; `make po-check` says what is missing.
"""
import re
import subprocess
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]

# table -> row -> which of its texts are shown, counted from 0 among the row's arguments
TABLES = {
    "shared/model/kinds.def": {"KIND": [6], "FIELD": [7, 10]},
    "shared/model/needs.def": {"NEED": [4]},
    "shared/control/verbs.def": {"VERB": [6]},
    "shared/control/roles.def": {"ROLE": [-1]},
    "shared/control/events.def": {"EVENT": [4]},
    "daemon/policy/steps.def": {"STEP": [4, 6]},
    "daemon/policy/refusals.def": {"REFUSAL": [5]},
}

TOKEN = re.compile(r'"(?:\\.|[^"\\])*"|[(),]|[^"(),]+', re.S)


def without_comments(text):
    """The same text, comments blank, so that line numbers stay."""
    return re.sub(r'"(?:\\.|[^"\\\n])*"|/\*.*?\*/',
                  lambda m: m.group(0) if m.group(0)[0] == '"' else re.sub(r"[^\n]", " ", m.group(0)), text, flags=re.S)


def text_of(argument):
    """A C string literal, or several side by side; None for anything else."""
    pieces = re.findall(r'"((?:\\.|[^"\\])*)"', argument)
    return "".join(pieces) if pieces and not re.sub(r'"(?:\\.|[^"\\])*"', "", argument).strip() else None


def rows(text):
    """(row name, its arguments) of each row of a table."""
    text = without_comments(text)
    for start in re.finditer(r"^([A-Z_]+)\(", text, re.M):
        depth, arguments, at = 1, [""], start.end()
        while depth and at < len(text):
            token = TOKEN.match(text, at).group(0)
            at += len(token)
            depth += (token == "(") - (token == ")")
            if token == "," and depth == 1:
                arguments.append("")
            elif depth:
                arguments[-1] += token
        yield start.group(1), arguments


def names(row, arguments):
    """(context, name) of what a row of kinds.def calls things on the wire: words_of() shows them."""
    if row == "KIND":
        yield "kind", text_of(arguments[2])
    elif row == "FIELD":
        yield "field", arguments[1].strip().replace("_", "-")
        for choice in (text_of(arguments[8]) or "").split("|"):
            if choice:
                yield "word", choice


def entries():
    """(context or None, text in C's escapes) of what the tables hold, in their order."""
    for path, shown in TABLES.items():
        for name, arguments in rows((TOP / path).read_text()):
            for index in shown.get(name, []):
                text = text_of(arguments[index]) if index < len(arguments) else None
                if text and re.search(r"[a-z]", text):
                    yield None, text
            yield from names(name, arguments)


def write(pot):
    sources = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "tui"], cwd=TOP, check=True,
                             capture_output=True, text=True).stdout.split()
    sources = sorted(p for p in sources if p.endswith((".c", ".h", ".def")) and (TOP / p).is_file())
    # The tables' texts become C for xgettext, which then writes all entries alike.
    made = pot.with_suffix(".tables")
    lines = {}
    for context, text in entries():
        mark = f'NC_("{context}", "{text}")' if context else f'N_("{text}")'
        lines[f"/* xgettext:no-c-format */ {mark}"] = None
    made.write_text("\n".join(lines) + "\n")
    subprocess.run(["xgettext", "--language=C", "--from-code=UTF-8", "--keyword=_", "--keyword=N_", "--keyword=gettext", "--keyword=C_:1c,2",
                    "--keyword=NC_:1c,2", "--keyword=ngettext:1,2", "--package-name=parley", "--no-wrap",
                    "--no-location", "-o", str(pot)] + sources + [str(made)], cwd=TOP, check=True)
    text = pot.read_text().replace("charset=CHARSET", "charset=UTF-8")
    pot.write_text(re.sub(r"POT-Creation-Date: [^\\]*", "POT-Creation-Date: ", text))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    target = Path(sys.argv[1]).resolve()
    target.parent.mkdir(parents=True, exist_ok=True)
    write(target)
