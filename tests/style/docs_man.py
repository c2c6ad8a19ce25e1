"""The manual pages from the tables: parley.1, parleyd.8, parley.conf.5.

`/usr/bin/python3 tests/style/docs_man.py FOLDER` writes them (the Makefile does, below build/man); nothing of
them is kept in the tree, so none can be out of date."""
import os
import re
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import docs_config  # noqa: E402
import docs_control  # noqa: E402

TOP = Path(__file__).resolve().parents[2]


def escaped(text):
    """Text as roff takes it: nothing of it is a request or an escape."""
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("`", "")
    return re.sub(r"^([.'])", r"\\&\1", text, flags=re.M)


def bold(text):
    return f"\\fB{escaped(text)}\\fR"


def head(name, section, about):
    day = time.strftime("%Y-%m-%d", time.gmtime(int(os.environ.get("SOURCE_DATE_EPOCH", time.time()))))
    return [f'.TH {name.upper()} {section} "{day}" "Parley" "Parley"', ".SH NAME", f"{escaped(name)} \\- {escaped(about)}"]


def paragraph(title, *texts):
    out = [f".SH {title}"]
    for i, text in enumerate(texts):
        out += ([".PP"] if i else []) + [escaped(text)]
    return out


def entries(rows):
    """(term already in roff, text) pairs as a list with hanging terms."""
    out = []
    for term, text in rows:
        out += [".TP", term, escaped(text) or "\\&"]
    return out


# ---- what the sources say ----

def options():
    """(letter, name, value, sentence) of the rows in tui/cli/options.c."""
    text = (TOP / "tui/cli/options.c").read_text()
    table = text[text.index("cli_option_row options[]"):]
    table = table[:table.index("\n};")]
    row = re.compile(r"\[\w+\] = \{\s*\"([\w-]+)\",\s*(0|'(\w)'),\s*(NULL|\"(\w+)\"),\s*N_\(((?:\s*\"(?:\\.|[^\"\\])*\")+)\)", re.S)
    return [(m[3], m[1], m[5], "".join(re.findall(r'"((?:\\.|[^"\\])*)"', m[6]))) for m in row.finditer(table)]


def aliases():
    text = (TOP / "tui/cli/options.c").read_text()
    table = text[text.index("cli_alias_row aliases[]"):]
    return re.findall(r'\{ "(\w+)", "(\w+)", "(\w+)" \}', table[:table.index("\n};")])


def daemon_options():
    text = (TOP / "daemon/main.c").read_text()
    usage = re.search(r"fputs\((.*?),\s*to\);", text, re.S)[1]
    lines = "".join(re.findall(r'"((?:\\.|[^"\\])*)"', usage)).replace("\\n", "\n").splitlines()
    return [re.match(r"\s+(--\S+(?: [A-Z]+)?)\s+(.*)", line).groups() for line in lines[1:]]


def usage(noun, verb, arguments):
    words = []
    for word in arguments.split():
        if word.startswith("@"):
            words.append("FIELD=VALUE..." if verb == "set" else "[FIELD=VALUE...]")
        else:
            words.append(word)
    return " ".join([bold(" ".join(filter(None, (noun, verb))))] + [escaped(word) for word in words])


# ---- pages ----

def parley_1():
    out = head("parley", 1, "console and command line of a Parley federation edge")
    out += [".SH SYNOPSIS", ".B parley", "[\\fBconsole\\fR [\\fISCREEN\\fR]]", ".br", ".B parley",
            "\\fINOUN\\fR \\fIVERB\\fR [\\fIARGUMENT\\fR...] [\\fIFIELD\\fR=\\fIVALUE\\fR...] [\\fIOPTION\\fR...]", ".br",
            ".B parley help", "[\\fINOUN\\fR [\\fIVERB\\fR]]"]
    out += paragraph("DESCRIPTION", "Alone, parley opens the console of the edge that runs on this machine. With words it does one thing and ends: "
                     "every command is a verb of the control protocol, every field a row of the configuration described in parley.conf(5).",
                     "What a command may do is decided by parleyd(8) from the Unix user and groups of who runs it; parley role list shows who may do what.")
    out += paragraph("ANOTHER MACHINE", "With --ssh HOST all of this is done on the edge HOST, the console too: ssh runs parley --stdio there, which joins its control "
                     "socket to the link. Users, ports, keys and jump hosts are those of ssh_config(5). The Unix user that ssh signs in as needs parley in its PATH and the "
                     "right to open the socket; the audit there has that user and the address he came from. A key that may do nothing else: restrict,command=\"parley --stdio\" in "
                     "authorized_keys.")
    out.append(".SH COMMANDS")
    rows = []
    for cells in docs_control.rows("verbs.def", "VERB"):
        _, noun, verb, role, _, arguments, sentence = docs_control.flat(cells)[:7]
        if verb != "hello":
            rows.append((usage(noun, verb, arguments), f"{sentence} Role: {role.lower().replace('_', '-')}."))
    out += entries(rows)
    out += [".SH OPTIONS"] + entries(
        ((bold(f"-{letter}") + ", " if letter else "") + bold(f"--{name}") + (f" \\fI{value}\\fR" if value else ""), sentence)
        for letter, name, value, sentence in options())
    out.append(".SH EXAMPLES")
    out += entries((bold(command), text) for command, text in (
        ("parley domain allow fabrikam.example comment='contract 2291'", "federate with a domain, found by DNS"),
        ("parley domain block spam.example --dry-run", "what that would do, without doing it"),
        ("parley domain allow fabrikam.example --unset proxy-fqdn,comment", "put two fields back to their defaults"),
        ("parley why alice@fabrikam.example bob@contoso.example", "would a message cross, and which step decides"),
        ("parley connection list --filter 'state:up rate>5' --sort=-rate --columns partner,rate,tls", "the busiest connections"),
        ("parley user list --output csv > users.csv", "every listed user, for a spreadsheet"),
        ("parley --json status | jq .services", "for a script"),
        ("parley --ssh edge1.contoso.example event tail --follow", "another machine's events as they come"),
        ("parley domain block spam.example --stage; parley plan; parley publish -c 'ticket 8812' --confirm-within 300",
         "several changes as one version, that goes back by itself unless parley confirm comes in time")))
    out += [".SH SHORT WORDS"] + entries((bold(alias), f"is {noun} {verb}") for alias, noun, verb in aliases())
    out += [".SH EXIT STATUS"] + entries((bold(code), text) for code, text in (
        ("0", "done, or yes"), ("1", "the answer is no (why: refused; check and verify: something is wrong)"), ("2", "usage"),
        ("3", "the daemon is not reachable, or busy"), ("4", "not permitted"), ("5", "conflict: somebody else has changed it"),
        ("6", "invalid, or not found"), ("7", "timed out"), ("8", "published but not applied"), ("70", "internal error")))
    out += [".SH ENVIRONMENT"] + entries([(bold("PARLEY_SOCKET"), "path of the control socket"),
                                          (bold("PARLEY_SSH"), "the program that --ssh starts instead of ssh"),
                                          (bold("NO_COLOR"), "no colours in the console"),
                                          (bold("SSH_CONNECTION"), "its address is told to the daemon for the audit")])
    out += [".SH FILES"] + entries([("\\fI/run/parley/control.sock\\fR", "the control socket")])
    out += [".SH SEE ALSO", ".BR parleyd (8),", ".BR parley.conf (5)"]
    return out


def parleyd_8():
    out = head("parleyd", 8, "the Parley federation edge")
    out += [".SH SYNOPSIS", ".B parleyd"] + [f"[\\fB{escaped(term)}\\fR]" for term, _ in daemon_options()]
    out += paragraph("DESCRIPTION", "parleyd stands between one organisation's SIP servers and its partners, lets the right people talk, and tells who is "
                     "connected, who was refused and why. Started as root it binds its addresses and gives every process that does more a user of its own.",
                     "It is administered by parley(1). Configuration is published in numbered versions; the documents that parley.conf(5) describes are "
                     "their mirror, and are taken in when they have been edited.")
    out += [".SH OPTIONS"] + entries((bold(term.split(" ")[0]) + (f" \\fI{term.split(' ')[1]}\\fR" if " " in term else ""), text)
                                     for term, text in daemon_options())
    out += [".SH SIGNALS"] + entries([
        (bold("SIGTERM") + ", " + bold("SIGINT"), "drain: refuse new work, finish what is under way, end; a second one ends at once"),
        (bold("SIGHUP"), "read host.xml, edited documents and certificates again")])
    out += [".SH ROLES", escaped("root, the daemon's own user and the group admin-group of host.xml may do everything; others have the roles that "
                                 "role-grant objects give them or their groups.")]
    out += entries((bold(docs_control.flat(cells)[1]), docs_control.flat(cells)[4]) for cells in docs_control.rows("roles.def", "ROLE"))
    out += [".SH FILES"] + entries([
        ("\\fI/etc/parley/host.xml\\fR", "what belongs to this machine only"),
        ("\\fI/etc/parley/conf.d\\fR", "the configuration, one document a concern"),
        ("\\fI/var/lib/parley/store\\fR", "published versions"),
        ("\\fI/var/lib/parley/audit.log\\fR", "who did what, as a chain of digests: parley audit verify walks it; full files are kept as audit-NUMBER.log"),
        ("\\fI/run/parley/control.sock\\fR", "the control socket")])
    out += [".SH SEE ALSO", ".BR parley (1),", ".BR parley.conf (5)"]
    return out


def conf_5():
    out = head("parley.conf", 5, "kinds and fields of a Parley edge's configuration")
    out += paragraph("DESCRIPTION", "The configuration is XML, one document a concern, below /etc/parley. An object is an element named like its kind; its key is "
                     "an attribute, every other field an element. What is at its default may be left out.",
                     "The same names are the fields of commands: parley domain allow fabrikam.example comment=contract. The names that Lync has for them work, too.")
    out += [".SH EXAMPLE", "topology.xml of one machine before one server:", ".PP", ".nf"]
    out += [escaped(line) for line in (
        '<?xml version="1.0" encoding="UTF-8"?>', '<parley document="topology" schema="1">', "  <topology>",
        "    <sip-domains>contoso.example</sip-domains>", "  </topology>", '  <edge fqdn="edge1.contoso.example">',
        "    <external-listen>198.51.100.7</external-listen>", "    <external-fqdn>sip.contoso.example</external-fqdn>",
        "    <internal-listen>192.0.2.10</internal-listen>", "    <external-certificate>certs/external.pem</external-certificate>",
        "    <internal-certificate>certs/internal.pem</internal-certificate>", "    <internal-trust>certs/our-ca.pem</internal-trust>", "  </edge>",
        '  <pool-member fqdn="pool1.contoso.example">', "    <address>192.0.2.20</address>", "  </pool-member>", "</parley>")] + [".fi"]
    document = None
    for kind in docs_config.kinds():
        if kind["document"] != document:
            document = kind["document"]
            out.append(f".SH {escaped(document.upper())}")
        out += [f'.SS "{escaped(kind["name"])}"', escaped(kind["sentence"])]
        rows = []
        for field in kind["fields"]:
            value = re.sub(r"`", "", docs_config.value(field))
            preset = re.sub(r"`", "", docs_config.default(field))
            lync = f" Lync: {field['lync']}." if field["lync"] else ""
            rows.append((bold(field["name"]), f"{field['sentence']} Value: {value}. Default: {preset}.{lync}"))
        out += entries(rows)
    out += [".SH SEE ALSO", ".BR parley (1),", ".BR parleyd (8)"]
    return out


PAGES = {"parley.1": parley_1, "parleyd.8": parleyd_8, "parley.conf.5": conf_5}


def write(folder):
    folder.mkdir(parents=True, exist_ok=True)
    for name, page in PAGES.items():
        (folder / name).write_text("\n".join(page()) + "\n")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
