"""docs/CONTROL.md from shared/control/verbs.def and events.def.

`/usr/bin/python3 tests/style/docs_control.py` writes it; test_docs_control.py
fails when the page and the rows differ."""
import re
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
PAGE = TOP / "docs/CONTROL.md"


def rows(name, macro):
    text = (TOP / "shared/control" / name).read_text()
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
    for m in re.finditer(rf"{macro}\((.*)\)\s*$", text, re.M):
        yield re.findall(r'"((?:\\.|[^"\\])*)"|([A-Z_]+)', m.group(1))


def flat(cells):
    return [a if a or not b else b for a, b in cells]


HEAD = """# The control protocol

Written from `shared/control/verbs.def` and `events.def` by `tests/style/docs_control.py`.

JSON-RPC 2.0 over the Unix socket `/run/parley/control.sock` (mode 0660, group `parley-admin`): one object a line, UTF-8, at most 64 KiB a line, no
batches. The first call is `hello` with `{"protocol":1,"client":"...","mode":"rw"|"ro"}`; its answer says who you are, your role, the `verbs` you may
call and those that you may only call to stage what they do (`stages`). `mode` `ro` binds the session: nothing it sends can change anything.

    {"jsonrpc":"2.0","id":1,"method":"hello","params":{"protocol":1,"client":"example","mode":"rw"}}
    {"jsonrpc":"2.0","id":2,"method":"domain.allow","params":{"domain":"fabrikam.example","set":{"comment":"contract 2291"},"if_version":12}}

**Changes** (effect *changes*) may carry `if_version` (refused with `conflict` when another version is current) and `comment`. They are answered when the
version is durable and the running services have taken it (`"applied":true`), or did not within three seconds (`false`). Each also takes

- `stage`: the change goes into the caller's draft and nothing is live until `publish`. A draft belongs to a login user, outlives his connections and is
  forgotten after eight hours untouched. It may break rules between objects (`problems`); such a draft is not published.
- `dry_run`: nothing is changed; the answer has `changes`, `closing` and `connections` (that would close), `lose`, `gain`, `unsure` (domains and users,
  by the decisions of the last 24 hours) and `sentences`. Whoever may look may ask.
- `confirm_within`: seconds, or `"auto"` (300 for a switch of the Access Edge turned off and for more than ten connections that would close, else none).
  Unless `confirm` comes in time the version's changes are taken back as a new version, whoever is connected and whatever has restarted.

Verbs that show the configuration (effect *shows*) take `version`, as it was then, or `staged`, as it would be; *stages* touches the caller's draft alone.
A `conflict` names each place that was changed here and, meanwhile, by somebody else as `{path, kind, key, field, base, mine, theirs}`; nothing is
overwritten: `stage.rebase` carries a draft over to the current version, and says so where the caller must choose.

A list of the configuration (`domain.list`, `user.list`, ...) comes in pages, in the order of its keys: `limit` rows (100 unless said, 500 at most, fewer
where the line is full), `next` to be given as `after` for the page behind it (null: this was the last), `total` rows that the filter lets through, `before`
of them on the pages before. A page is a bounded amount of work: of more than 10,000 objects a filter looks at 10,000 a call. Then `total` and `before` are
null, because nobody has counted, and a page may have few rows or none and a `next` all the same: go on until `next` is null, as `parley ... list` does.
`user.import` takes the list that was uploaded as `users.csv`; wrong lines are told under the name that `file` gives, else as `users.csv`.

Errors carry `data.code`, one of: usage, unknown-verb, denied, invalid, not-found, exists, conflict, busy, timeout, unavailable, too-large, internal; `invalid` names
each problem as `{path, why, allowed}`. Field names are those of [CONFIG.md](CONFIG.md); times are milliseconds since 1970 UTC.

The command line prints the same results: `parley NOUN VERB ARGUMENT... [field=value...]`, `--json` unchanged; `--stage`, `--dry-run`,
`--confirm-within`, `--if-version`, `-c COMMENT`, `--as-of N` and `--staged` become the params above.
Exit codes: 0 done or yes; 1 the answer is no; 2 usage; 3 daemon not reachable or busy; 4 not permitted; 5 conflict; 6 invalid or not found; 7 timed out;
8 published but not yet applied; 70 internal.
"""


def page():
    out = [HEAD, "\n## Verbs\n", "| command | method | role | effect | arguments | |", "|---|---|---|---|---|---|"]
    for cells in rows("verbs.def", "VERB"):
        _, noun, verb, role, effect, arguments, sentence = flat(cells)[:7]
        name = f"{noun} {verb}".strip()
        arguments = arguments.replace("|", "\\|")
        command = "(method only)" if name == "hello" else f"`parley {name}`"
        out.append(f"| {command} | `{'.'.join(filter(None, (noun, verb)))}` | {role.lower()} | {effect.lower()} |"
                   f" {('`' + arguments + '`') if arguments else ''} | {sentence} |")
    out += ["\nUPPER arguments are required, `[UPPER]` optional, `@kind` takes `field=value` of that kind.\n", "## Roles\n",
            "A person has a set of roles; a verb may be called by whoever has its role, or one that includes it. root, the daemon's own user and the admin",
            "group of host.xml are administrators; others have what `role-grant` rows give them and their groups ([CONFIG.md](CONFIG.md)). While there is no such",
            "row the socket has mode 0660; with rows everybody may connect, and whoever has no role is refused with `denied` before anything is read.\n",
            "| role | includes | may | Lync |", "|---|---|---|---|"]
    for cells in rows("roles.def", "ROLE"):
        _, name, includes, lync, sentence = flat(cells)[:5]
        out.append(f"| {name} | {includes} | {sentence} | {lync} |")
    out += ["\n## Events\n",
            "| event | severity | fields | sentence |", "|---|---|---|---|"]
    for cells in rows("events.def", "EVENT"):
        _, name, severity, fields, sentence = flat(cells)[:5]
        sentence = re.sub(r"\{(\w+):(\w+)\}", r"{\1} \2s", sentence)
        out.append(f"| `{name}` | {severity.lower()} | {fields} | {sentence} |")
    return "\n".join(out) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page())
    sys.exit(0)
