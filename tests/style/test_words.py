"""What people read is wrapped for gettext, and the translations are whole."""
import importlib.util
import re
import subprocess
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]


def load(name):
    spec = importlib.util.spec_from_file_location(name, TOP / f"tui/po/{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


CHECK = load("check")


def test_there_is_a_translation():
    assert [p.name for p in CHECK.languages()] == ["zh_TW.po"]


def test_gettext_accepts_each_translation(tmp_path):
    for path in CHECK.languages():
        ran = subprocess.run(["msgfmt", "--check", "-o", str(tmp_path / "x.mo"), str(path)], capture_output=True, text=True)
        assert ran.returncode == 0, ran.stderr


def test_what_is_translated_is_right():
    wrong = [fault for path in CHECK.languages() for fault in CHECK.faults(path)]
    assert not wrong, "\n".join(wrong)


def test_every_text_is_in_the_translations():
    """`make po` gathers; then the new entries of tui/po/*.po want their translation."""
    wanted = CHECK.template()
    wrong = [fault for path in CHECK.languages() for fault in CHECK.faults(path, wanted)]
    assert not wrong, "\n".join(wrong)


def test_what_the_daemon_says_is_gathered(tmp_path):
    CHECK_EXTRACT.write_said(tmp_path / "said.def")
    assert (tmp_path / "said.def").read_text() == (TOP / "tui/client/said.def").read_text(), "make po writes it anew"


def test_what_the_daemon_says_is_whole():
    """A sentence put together from pieces is known to nobody: write it whole, or name its patterns in extract.py."""
    wrong = [f'{name}: "{piece}" is a piece of a sentence' for name, piece in CHECK_EXTRACT.pieces() if piece not in CHECK_EXTRACT.PIECES]
    assert not wrong, "\n".join(wrong)
    unused = CHECK_EXTRACT.PIECES - {piece for _, piece in CHECK_EXTRACT.pieces()}
    assert not unused, f"no longer said: {unused}"


# What reaches a person: the drawing and saying functions, with the number of the argument that is the text.
SAYS = {
    "grid_put_text": 4, "grid_printf": 5, "fail": 2, "fail_errno": 2, "scene_say": 2, "cli_complain": 1, "form_add": 2,
    "dialog_open": 1, "dialog_add_line": 1, "dialog_refuse": 1, "snprintf": 2, "buffer_printf": 1,
}
# Texts without a word of a language in them, or with names that are the same in each.
SAME_EVERYWHERE = {"off",  # typed as an answer: words that are typed stay as they are
                   "parley", "%s UTC", "v%lld", "v%lld%s"}


CHECK_EXTRACT = load("extract")
NOUNS = {word for name, row in CHECK_EXTRACT.rows((TOP / "shared/control/verbs.def").read_text()) if name == "VERB"
         for word in (row[1].strip().strip('"'), row[2].strip().strip('"')) if word}


def is_command(literal):
    """What is typed, a path or an option: the same in every language."""
    return re.match(r"(parley|console|help) |\s*--|[/.]|%s[./]|\w+@", literal) or literal.split(" ")[0] in NOUNS


def arguments_of(text, start):
    depth, parts, at = 1, [""], start
    while depth and at < len(text):
        m = re.compile(r'"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])*\'|.', re.S).match(text, at)
        token = m.group(0)
        at = m.end()
        depth += (token in "([{") - (token in ")]}") if len(token) == 1 else 0
        if token == "," and depth == 1:
            parts.append("")
        elif depth:
            parts[-1] += token
    return [p.strip() for p in parts]


def has_words(literal):
    """A word of two letters outside formats."""
    plain = re.sub(r"%[-+ #0-9.*]*(?:hh|h|ll|l|z|j|t)?[a-zA-Z]|\\x?[0-9a-fnt]+", " ", literal)
    return re.search(r"[A-Za-z]{2}", plain) is not None


def bare_literals(argument):
    """Literals of an argument that no _(), N_() or ngettext() holds."""
    inner = re.sub(r"\b(?:N?C?_|n?gettext)\((?:[^()\"]|\"(?:\\.|[^\"\\])*\"|\([^()]*\))*\)", "", argument)
    inner = re.sub(r"\b(?:scene_(?:text|number|flag)|json_get)\([^()]*\)", "", inner)
    return [x for x in re.findall(r'"((?:\\.|[^"\\])*)"', inner) if has_words(x) and x not in SAME_EVERYWHERE and not is_command(x)]


def test_numbers_of_things_have_their_singular():
    """A number before a plural goes through ngettext(): "1 changes" is said nowhere."""
    wrong = []
    for path in sorted((TOP / "tui").rglob("*.c")):
        text = CHECK_EXTRACT.without_comments(path.read_text())
        for m in re.finditer(r'(\w+)\(\s*((?:"(?:\\.|[^"\\])*"\s*)+)\)', text):
            literal = CHECK_EXTRACT.text_of(m.group(2)) or ""
            # A "%d" is a limit of ours, always more than one.
            if m.group(1) == "_" and re.search(r"(?<!v)(?<!of )(?<!version )(?<!the )%(?:z|ll|l)[du] (?!of )[a-z]+s\b", literal):
                wrong.append(f'{path.relative_to(TOP)}: "{literal}"')
        wrong += [f"{path.relative_to(TOP)}: == 1 ? _(...): use ngettext()" for _ in re.finditer(r'== 1\s*\?\s*_\("[^"]*%', text)]
    assert not wrong, "\n".join(wrong)


def test_nothing_is_said_unwrapped():
    wrong = []
    for path in sorted((TOP / "tui").rglob("*.c")):
        text = CHECK_EXTRACT.without_comments(path.read_text())
        for m in re.finditer(r"\b(" + "|".join(SAYS) + r")\(", text):
            parts = arguments_of(text, m.end())
            index = SAYS[m.group(1)]
            if m.group(1) in text[max(0, m.start() - 40):m.start()] or index >= len(parts):
                continue
            for literal in bare_literals(parts[index]):
                line = text.count("\n", 0, m.start()) + 1
                wrong.append(f"{path.relative_to(TOP)}:{line}: {m.group(1)}: \"{literal}\" is not wrapped in _()")
    assert not wrong, "\n".join(wrong)

