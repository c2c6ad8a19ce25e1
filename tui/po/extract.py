#!/usr/bin/env python3
"""Every text that a person may read in the console or on the command line, as a template for translators.

    extract.py POT          writes the template: what tui/ marks with _(), N_() and ngettext(), the
                            sentences that stand in the tables (rows below), and those the daemon says
    extract.py --said FILE  writes the latter as rows for tui/client/said.def

`make po` runs it and merges the result into each tui/po/LANGUAGE.po; `make po-check` says what is missing.
"""
import re
import subprocess
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]

# table -> row -> which of its texts are shown, counted from 0 among the row's arguments
TABLES = {
    "shared/model/kinds.def": {"KIND": [6], "FIELD": [10]},
    "shared/model/needs.def": {"NEED": [4]},
    "shared/model/notices.def": {"NOTICE": [2]},
    "shared/control/verbs.def": {"VERB": [6]},
    "shared/control/roles.def": {"ROLE": [-1]},
    "daemon/policy/steps.def": {"STEP": [4, 6]},
    "daemon/policy/refusals.def": {"REFUSAL": [5]},
}

# What the daemon says: English on the wire, with its parts put in.  The console knows it again by these patterns.
SAYING_ROOMS = sorted(str(p.relative_to(TOP)) for side in ("shared", "daemon") for p in (TOP / side).iterdir() if p.is_dir())
# Files that write other languages: documents, bodies, tables of a database.
SILENT = {"daemon/gateway/notify.c", "daemon/gateway/sdp.c", "daemon/config/print.c", "daemon/store/journal.c",
          "daemon/link/link_frame.c", "daemon/link/sip_frame.c", "daemon/link/process.c"}  # the last: before anybody listens
# Functions whose texts go to standard error or to a file, and no further.
SILENT_CALLS = {"fprintf", "printf", "say", "_Static_assert"}
# No sentences: lists of words, pieces of other languages.
NO_SENTENCE = re.compile(r"^parley (route|parties)|^second seed$|^old server$|^of users outside$|^one member of eight|^the head has no gaps|^free for chat$|^text/plain, |^ms-diagnostics|is_attribute|<parley |^policy set |^room for |^a class of askers|^the file's size is that|^Sends a |^sealing a |^JSON: |^an element of eight|\\r|\\n|<\?|^(SELECT|INSERT|CREATE|UPDATE|DELETE|PRAGMA|BEGIN)\b|%s=|%s\+=|=direct|xmlns|^a=|^m=|"
                         r"^(if_version|protocol client|after limit|document offset|text last|version staged)|^keeper: |"
                         r"^[a-z_]+( [a-z_]+)* (state|roles|domains|local|address)( [a-z_]+){3,}$|^user address |^access-edge set$")
# Put together from pieces, or made where no pattern stands.
PUT_TOGETHER = ["one of: {1}", "{#1} to {#2} items, separated by blanks, each {3}", "{1}, or nothing", "none: {1}",
                "{#1} to {#2} of these, separated by blanks: {3}", "{1} is stopped: {2}", "{1}: not taken yet; it will be",
                "{1} would lose federation", "{1} would gain federation", "{1} and {2} would lose federation",
                "{1} and {2} would gain federation", "{1} may lose or gain it: only DNS can tell",
                "{1} and {2} may lose or gain it: only DNS can tell", "the policy named {1}", "looks like {1} and is not it",
                "{1}, site:NAME, or a name without a colon", "{#1} to {#2} {3}", "{#1} to {#2}", "'{1}' {2}", "at step {#1} {2}: {3}",
                "line {#1}: {2}", "outside {1}", "it takes: {1}", "allowed: {1}", "has no {1} policy", "{1} (scope {2})", "topology.xml: field {1} is empty",
                "topology.xml, edge {1}: field {2} is empty", "{1} is met person to person only", "{1} hosts no SIP accounts of ours", "{1} is a public provider",
                "none: only users of our own domains are served, which this is not: {1}",
                "letters, digits, '.', '_' and '-', ending in .xml; or {1}"]
# The pieces of those, and of texts that are no sentences: what begins or ends with a blank is one.  A new piece is
# best made a whole sentence; else its sentences belong above, and it belongs here.
PIECES = {"it takes: ", " and internal-transport is tls", ", edge ", ": not taken yet; it will be", " is stopped: ", " at step %d %s: %s",
          "letters, digits, '.', '_' and '-', ending in .xml; or ", " hosts no SIP accounts of ours", " is met person to person only", " is a public provider",
          "none: only users of our own domains are served, which this is not: ", " (scope site)", " (scope user)", " policy", "has no ",
          "the policy named ", " and is not it", "looks like ", ", site:NAME, or a name without a colon", "one of: ", ", or nothing",
          "%llu to %llu items, separated by blanks, each ", "%llu to %llu of these, separated by blanks: ", "line %u: ", "; allowed: ",
          "; allowed: %s", "refused: ", ", dns ", ", sip ",
          # commands, names and lines of protocols: the same in every language
          "conference add ", "domain allow ", "domain remove ", "provider enable ", "provider set ", "xmpp add ", "xmpp enable ", "xmpp set ",
          " proxy-fqdn=", " identity=%s", " (version %llu)", "topology.xml: ", "conf.d: ", ":memory:", "Allow: ", "Retry-After: ", ";alias",
          ";received=", ";received=;rport=65535", ";rport=%u", ";rport=65535", ";tag=", "Content-Length: ", "  <document", ' author=\\"',
          ", display", " version='1.0' xml:lang='en'>"}
# Words that stand alone in a cell: states, sides, directions, outcomes.
WORDS = """up down idle connecting handshake closing closed draining failed refused waiting back-off off on dns
 running stopped stopping starting backoff unused held
 external internal in out incoming outgoing sip xmpp
 error warning notice info debug allow block
 added changed removed renamed done denied asked conflict invalid unknown
 message presence session call other global site user limited
 us partner pool network inviting leaving ended pending active terminated ok
 watched watching suspicious rate contacts certificate connection config service audit listener dns
 pass refuse would-pass would-refuse assumed not-applicable good doubtful wanted
 pool-member discovered unidentified allowed handshaking expired none published here""".split()
# Words that stand in a sentence: which way, which side, what came of it.
PARTS = "incoming outgoing in out external internal xmpp published refused denied unknown done".split()
COUNTED = ["domain", "user", "connection"]

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
        if text_of(arguments[7]):
            yield "unit", text_of(arguments[7])
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
    for word in WORDS:
        yield "word", word
    for word in PARTS:
        yield "part", word
    for text in sayings():
        yield None, text


def pattern_of(literal):
    """A format's text with its places numbered: {1} for a text, {#2} for a number; side by side they are one."""
    count, out = 0, ""
    for piece in re.split(r"(%[-+ #0-9.*]*(?:hh|h|ll|l|z|j|t)?[a-zA-Z%]|\{PRI\}|\{[a-z_]+(?::[a-z]+)?\})", literal):
        if piece == "%%":
            out += "%"
        elif re.fullmatch(r"%.*[a-zA-Z]|\{.*\}", piece, re.S):
            is_number = piece[-1] in "dioux" and piece[0] == "%" or piece == "{PRI}"
            if out.endswith("}"):
                out = re.sub(r"\{#?(\d+)\}$", r"{\1}", out)
                continue
            count += 1
            out += f"{{{'#' if is_number else ''}{count}}}"
        else:
            out += piece
    return out


def is_sentence(literal):
    return (re.search(r"[a-z]{2,}[,;:]? [a-z(%\"\\]", literal) and not NO_SENTENCE.search(literal)
            and literal.strip() == literal and literal[0] not in ",;:")


def literals():
    """(file, text) of what the daemon's rooms may say: literals with words, in C's escapes."""
    for room in SAYING_ROOMS:
        for path in sorted((TOP / room).glob("*.c")):
            name = str(path.relative_to(TOP))
            if name in SILENT:
                continue
            text = re.sub(r"^\s*#(?!define \w+\s+\").*$", "", without_comments(path.read_text()), flags=re.M)
            text = re.sub(r"\bPRI[diux]64\b", '"{PRI}"', text).replace('%"{PRI}"', '"{PRI}"')
            text = re.sub(r'%("\s*"\{PRI\})', r"\1", text)
            for m in re.finditer(r'"(?:\\.|[^"\\\n])*"(?:\s*"(?:\\.|[^"\\\n])*")*', text):
                call = re.findall(r"(\w+)\([^()]*$", text[max(0, m.start() - 200):m.start()])
                if not (call and call[-1] in SILENT_CALLS):
                    yield name, text_of(m.group(0))


def pieces():
    """(file, text) of what is no whole sentence: it begins or ends where another text is put beside it."""
    for name, literal in literals():
        is_cut = literal.strip() != literal or literal[:1] in tuple(",;:")
        if is_cut and re.search(r"[a-z]{3,}", re.sub(r"%[a-z.*]*", "", literal)) and not NO_SENTENCE.search(literal):
            yield name, literal


def sayings():
    """Patterns of what the daemon says, those with most letters first."""
    found = set(PUT_TOGETHER) | {pattern_of(literal) for _, literal in literals() if is_sentence(literal)}
    for name, arguments in rows((TOP / "shared/control/events.def").read_text()):
        sentence = text_of(arguments[4])
        found.add(pattern_of(sentence))
        COUNTED.extend(re.findall(r"\{[a-z_]+:([a-z]+)\}", sentence))
    for noun in COUNTED:
        found |= {f"{{#1}} {noun}", f"{{#1}} {noun}s"}
    for name, arguments in rows((TOP / "daemon/policy/refusals.def").read_text()):
        found.add(text_of(arguments[4]))
    for name, arguments in rows((TOP / "shared/model/retired.def").read_text()):
        found.add(text_of(arguments[2]))
    letters = {text: len(re.sub(r"\{#?\d\}|[^A-Za-z]", "", text)) for text in found}
    return sorted((t for t in found if letters[t] >= 4 or t in PUT_TOGETHER), key=lambda t: (-letters[t], t))


def write_said(path):
    lines = ["/*", " * What the daemon says, as patterns, those with most letters first.  Written by `make po`; said.h says how they",
             " * are used: {1} stands for any text, {#1} for a number.", " */"]
    path.write_text("\n".join(lines + [f'SAID("{text}")' for text in sayings()]) + "\n")


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
    if sys.argv[1:] in (["--help"], ["-h"]):
        print(__doc__)
        sys.exit(0)
    if len(sys.argv) == 3 and sys.argv[1] == "--said" and sys.argv[2][:1] != "-":
        write_said(Path(sys.argv[2]))
        sys.exit(0)
    if len(sys.argv) != 2 or sys.argv[1][:1] in ("", "-"):
        sys.exit(__doc__)
    target = Path(sys.argv[1]).resolve()
    target.parent.mkdir(parents=True, exist_ok=True)
    write(target)
