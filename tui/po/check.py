#!/usr/bin/env python3
"""What is wrong with the translations: `make po-check`.

    check.py            every fault, one a line; exit 1 when there is one

Texts that are not translated, or translated no more; entries that are fuzzy or obsolete; places ("%s", "{who}")
that the translation does not have; blanks at the ends, where texts are put together; texts wider than their place.
"""
import re
import subprocess
import sys
import tempfile
import unicodedata
from pathlib import Path

HEADING_CELLS = 10  # columns are made as wide as their headings: wider ones would push others out
TOP = Path(__file__).resolve().parents[2]


def unquote(text):
    return re.sub(r"\\(.)", lambda m: {"n": "\n", "t": "\t"}.get(m.group(1), m.group(1)), text)


def read(path):
    """[{context, id, plural, texts, flags, obsolete}] of a .po or .pot file, without its header."""
    entries, entry, into = [], None, None
    for line in path.read_text().splitlines() + [""]:
        obsolete = line.startswith("#~")
        line = line[2:].strip() if obsolete else line
        if not line or line.startswith("#") and entry and entry["id"] is not None:
            if entry and entry["id"] is not None:
                entries.append(entry)
            entry = None
        if entry is None and line:
            entry = {"context": None, "id": None, "plural": None, "texts": {}, "flags": "", "obsolete": obsolete}
        if line.startswith("#,"):
            entry["flags"] += line[2:]
        m = re.match(r'(msgctxt|msgid_plural|msgid|msgstr(?:\[(\d+)\])?)?\s*"(.*)"$', line)
        if not m:
            continue
        into = (m.group(1) or into)
        value = unquote(m.group(3))
        if into.startswith("msgstr"):
            entry["texts"][into] = entry["texts"].get(into, "") + value
        else:
            key = {"msgctxt": "context", "msgid": "id", "msgid_plural": "plural"}[into]
            entry[key] = (entry[key] or "") + value
    return [e for e in entries if e["id"]]


def name_of(entry):
    return (f"[{entry['context']}] " if entry["context"] else "") + repr(entry["id"][:70])


def cells(text):
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 0 if unicodedata.combining(c) else 1 for c in text)


def places(text):
    return sorted(re.findall(r"\{(#?\w+)\}", text))


def is_heading(entry):
    """A column's heading: a word or two in capitals."""
    return re.fullmatch(r"[A-Z][A-Z /?-]*", entry["id"]) is not None


def faults_of(entry):
    shown = list(entry["texts"].values())
    if entry["obsolete"]:
        yield "obsolete"
        return
    if "fuzzy" in entry["flags"]:
        yield "fuzzy"
    if not all(shown):
        yield "not translated"
        return
    for text in shown:
        if places(text) != places(entry["id"]):
            yield f"its places differ: {places(entry['id'])}, {places(text)}"
        for side, one, other in (("begins", entry["id"][:1], text[:1]), ("ends", entry["id"][-1:], text[-1:])):
            if (one == "\n") != (other == "\n"):
                yield f"one of the two {side} with a line's end"
        if re.search(r"[\u4e00-\u9fff]", text) and re.search(r"[\u2026\u2014\uff5e]", text):
            yield "has characters whose width terminals do not agree on"
        if is_heading(entry) and cells(text) > max(cells(entry["id"]), HEADING_CELLS):
            yield f"a heading of {cells(text)} cells where there is room for {max(cells(entry['id']), HEADING_CELLS)}"


def key_of(entry):
    return entry["context"], entry["id"], entry["plural"]


def template():
    with tempfile.TemporaryDirectory() as folder:
        pot = Path(folder) / "parley.pot"
        subprocess.run([sys.executable, "-B", str(TOP / "tui/po/extract.py"), str(pot)], check=True)
        return read(pot)


def languages():
    return sorted((TOP / "tui/po").glob("*.po"))


def faults(path, wanted=None):
    """Sentences about one language; `wanted`: the template's entries, when what is missing is to be told, too."""
    entries = read(path)
    for entry in entries:
        for fault in faults_of(entry):
            yield f"{path.name}: {name_of(entry)}: {fault}"
    if wanted is not None:
        have = {key_of(e) for e in entries}
        for entry in wanted:
            if key_of(entry) not in have:
                yield f"{path.name}: {name_of(entry)}: not there; make po adds it"
        asked = {key_of(e) for e in wanted}
        for entry in entries:
            if key_of(entry) not in asked:
                yield f"{path.name}: {name_of(entry)}: nothing says this any more; make po takes it out"


if __name__ == "__main__":
    found = [fault for path in languages() for fault in faults(path, template())]
    print("\n".join(found))
    sys.exit(1 if found else 0)
