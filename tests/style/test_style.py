"""The rules of the house that a script can hold: who may include whom, which
library is touched where, banned functions, the top level.  The table of arrows
is the one in docs/ARCHITECTURE.md, read from there."""
import re
import subprocess
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[2]


def tracked(pattern):
    out = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", pattern], cwd=TOP, check=True,
                         capture_output=True, text=True).stdout
    return [TOP / line for line in out.splitlines() if (TOP / line).is_file()]


SOURCES = [p for p in tracked("*.c") + tracked("*.h") + tracked("*.def")
           if p.relative_to(TOP).parts[0] in ("daemon", "shared", "tui")]


def room_of(path):
    parts = path.relative_to(TOP).parts
    return "/".join(parts[:2]) if len(parts) > 2 else parts[0]


def arrows():
    """Rows of the table between the markers: | room | may include | libraries |"""
    text = (TOP / "docs/ARCHITECTURE.md").read_text()
    table = text.split("<!-- arrows -->")[1].split("<!-- end arrows -->")[0]
    rows = {}
    for line in table.splitlines():
        cells = [c.strip() for c in line.strip().strip("|").split("|")]
        if len(cells) != 3 or cells[0] in ("room", "") or set(cells[0]) <= set("-: "):
            continue
        rooms = re.findall(r"`([^`]+)`", cells[1])
        libraries = re.findall(r"`([^`]+)`", cells[2])
        rows[re.search(r"`([^`]+)`", cells[0]).group(1)] = (set(rooms), set(libraries))
    return rows


ARROWS = arrows()

LIBRARIES = {  # header prefix -> library's name in the table
    "ev.h": "libev", "gnutls/": "GnuTLS", "ares": "c-ares", "libxml/": "libxml2", "jansson.h": "jansson",
    "idn2.h": "libidn2", "idna.h": "libidn", "stringprep.h": "libidn", "nettle/": "nettle", "ncurses": "ncurses",
    "curses.h": "ncurses", "panel.h": "ncurses", "sqlite3.h": "SQLite", "curl/": "libcurl", "srtp2/": "libsrtp2",
    "libintl.h": "gettext",
}


def includes(path):
    for number, line in enumerate(path.read_text().splitlines(), 1):
        m = re.match(r'\s*#\s*include\s+([<"])([^>"]+)[>"]', line)
        if m:
            yield number, m.group(1), m.group(2)


def test_there_are_sources():
    assert len(SOURCES) > 50


def test_every_room_has_its_row():
    missing = sorted({room_of(p) for p in SOURCES} - set(ARROWS))
    assert not missing, f"rooms without a row in docs/ARCHITECTURE.md: {missing}"


def test_includes_follow_the_table():
    wrong = []
    for path in SOURCES:
        room = room_of(path)
        allowed, _ = ARROWS.get(room, (set(), set()))
        for number, kind, name in includes(path):
            if kind != '"':
                continue
            where = f"{path.relative_to(TOP)}:{number}"
            if not (TOP / name).exists():
                wrong.append(f"{where}: \"{name}\" is not a path from the top")
                continue
            target = room_of(TOP / name)
            if target != room and target not in allowed:
                wrong.append(f"{where}: {room} may not include {target}")
    assert not wrong, "\n".join(wrong)


def test_libraries_are_touched_in_their_room_only():
    wrong = []
    for path in SOURCES:
        _, allowed = ARROWS.get(room_of(path), (set(), set()))
        for number, kind, name in includes(path):
            if kind != "<":
                continue
            for prefix, library in LIBRARIES.items():
                if name.startswith(prefix) and library not in allowed:
                    wrong.append(f"{path.relative_to(TOP)}:{number}: {room_of(path)} may not touch {library}")
    assert not wrong, "\n".join(wrong)


BANNED = {
    r"\b(sprintf|vsprintf|strcpy|strcat|strncpy|strncat|strtok|strtok_r|atoi|atol|gets|alloca|localtime|asctime|ctime)\s*\(": None,
    r"\b(sscanf|system|popen|tmpnam|mktemp)\s*\(": None,
    r"\b(malloc|calloc|realloc|free|strdup|strndup|asprintf)\s*\(": "shared/base",
    r"(?<![\w>.])(time|rand|random|srand)\s*\(": "shared/base",
    r"\bclock_gettime\s*\(": "shared/base",
}


def code_lines(path):
    """Lines without comments and string contents, numbers kept."""
    text = path.read_text()
    text = re.sub(r"/\*.*?\*/", lambda m: re.sub(r"[^\n]", " ", m.group(0)), text, flags=re.S)
    for number, line in enumerate(text.splitlines(), 1):
        line = re.sub(r'"(\\.|[^"\\])*"', '""', line)
        line = re.sub(r"//.*", "", line)
        yield number, line


def test_banned_functions():
    """An exception is a comment `style: NAME, because ...` on the line."""
    wrong = []
    for path in SOURCES:
        raw = path.read_text().splitlines()
        for number, line in code_lines(path):
            for pattern, room in BANNED.items():
                m = re.search(pattern, line)
                if m and not (room and room_of(path) == room) and "style: " not in raw[number - 1]:
                    wrong.append(f"{path.relative_to(TOP)}:{number}: {m.group(0)}")
    assert not wrong, "\n".join(wrong)


def test_no_mutable_globals():
    """File-scope variables are const; the one exception is behind PARLEY_FAULTS."""
    wrong = []
    for path in SOURCES:
        if path.suffix != ".c":
            continue
        depth = 0
        raw = path.read_text().splitlines()
        for number, line in code_lines(path):
            if depth == 0 and re.match(r"^(static\s+)?(?!.*\bconst\b)[a-z_][\w\s\*]*\s\**\w+(\[[^\]]*\])*\s*(=.*)?;\s*$", line) \
                    and not re.match(r"^\s*(typedef|struct\s+\w+\s*;|enum|extern|return|union\s+\w+\s*;)", line) \
                    and "(" not in line.split("=")[0] and "style: " not in raw[number - 1]:
                wrong.append(f"{path.relative_to(TOP)}:{number}: {line.strip()}")
            depth += line.count("{") - line.count("}")
    wrong = [w for w in wrong if not w.startswith("shared/base/memory.c")]
    assert not wrong, "\n".join(wrong)


def test_departures_name_their_specification():
    wrong = []
    for path in SOURCES:
        text = path.read_text()
        for m in re.finditer(r"DEPARTS:([^\n]*(?:\n[^\n]*){0,2})", text):
            if not re.search(r"(RFC \d+|XEP-\d+|Lync|decision)", m.group(1)):
                wrong.append(f"{path.relative_to(TOP)}: {m.group(0)[:80]}")
    assert not wrong, "\n".join(wrong)


def test_files_begin_by_saying_what_they_are():
    wrong = [str(p.relative_to(TOP)) for p in SOURCES if p.suffix in (".h", ".def")
             and not p.read_text().lstrip().startswith(("/*", "#ifndef"))]
    assert not wrong, "\n".join(wrong)


def test_top_level_is_exactly_this():
    out = subprocess.run(["git", "ls-files"], cwd=TOP, check=True, capture_output=True, text=True).stdout
    top = {line.split("/")[0] for line in out.splitlines()}
    assert top == {"Makefile", "README.md", "LICENSE", "conf.d", "daemon", "docs", "shared", "tests", "tui", ".ci",
                   ".gitignore", ".clang-format"}


def test_each_field_of_the_model_is_obeyed_or_says_that_it_is_not():
    code = "\n".join(p.read_text() for p in SOURCES if p.relative_to(TOP).parts[0] == "daemon" and p.suffix != ".def")
    fields = re.findall(r'^FIELD\((\w+), (\w+), .*"([^"]*)"\)$', (TOP / "shared/model/kinds.def").read_text(), re.M)
    assert len(fields) > 150
    for kind, field, sentence in fields:
        is_used = re.search(rf"\b{field}\b", code) is not None
        is_kept = "the edge does not use it" in sentence or "or administrators" in sentence or "or other administrators" in sentence
        assert is_used or is_kept, f"{kind} {field}: nothing in daemon/ goes by it and its sentence does not say so"
        assert not ("the edge does not use it" in sentence and is_used), f"{kind} {field}: the daemon uses it"


def test_no_words_of_a_workplace():
    out = subprocess.run(["git", "grep", "-nIE", r"/w[o]rk/[a-z.]|\.\./(shared/(design|reference)|\.library)"],
                         cwd=TOP, capture_output=True, text=True).stdout
    assert out == ""


def test_no_conflict_or_todo_is_left():
    wrong = []
    for path in SOURCES:
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if re.search(r"\b(TODO|FIXME|XXX)\b|^(<<<<<<<|>>>>>>>) ", line):
                wrong.append(f"{path.relative_to(TOP)}:{number}: {line.strip()}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("name", ["all", "deps", "demo", "demo-down", "check", "check-long", "bench", "fuzz", "install", "clean"])
def test_makefile_has_the_target(name):
    assert re.search(rf"^{name}:", (TOP / "Makefile").read_text(), re.M)
