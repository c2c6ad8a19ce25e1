"""The command line, whole: every field of every kind set, shown and unset; lists as they are wished for; commands and edited documents end alike."""
import csv
import hashlib
import io
import itertools
import json
import os
import re
import subprocess
import sys

import pytest

from lab.process import tail, wait_until
from bare import Bare

sys.path.insert(0, str(__import__("pathlib").Path(__file__).resolve().parents[1] / "style"))
import docs_control  # noqa: E402

NUMBERS = itertools.count(1)
OURS = "contoso.example"
ON_THIS_MACHINE_ALONE = {"host", "certificate"}  # host.xml names keys and users; it is edited there and never published
KEYS = {"sip-user": f"alice@{OURS}", "domain": "some.example", "fqdn": "some.contoso.example", "text": "some"}
KEYS_OF = {"role-grant": "daemon", "xmpp-name": OURS}


@pytest.fixture
def daemons(lab, request):
    """daemons(): one more daemon on a root of its own."""
    started = []

    def start(documents=None):
        daemon = Bare(lab.folder / f"command-line-{next(NUMBERS)}")
        daemon.conf.mkdir(parents=True)
        write(daemon, {"topology.xml": f'<parley document="topology" schema="1"><topology><sip-domains>{OURS}</sip-domains></topology></parley>',
                       **(documents or {})})
        started.append(daemon.start())
        return daemon

    yield start
    for daemon in started:
        for client in daemon.clients:
            client.close()
        assert daemon.stop() == 0, tail(daemon.log_path, 60)
        assert not re.search(r"AddressSanitizer|LeakSanitizer|runtime error:", daemon.log()), tail(daemon.log_path, 80)


def write(daemon, documents):
    for name, text in documents.items():
        (daemon.conf / name).write_text(text)
    for path in [daemon.root, *daemon.root.rglob("*")]:
        if daemon.as_user and path.exists() and not path.is_socket():
            os.chown(path, daemon.as_user["user"], daemon.as_user["group"])


def run(daemon, *words):
    return subprocess.run([os.environ["PARLEY"], "--root", str(daemon.root), *words], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)


def done(daemon, *words):
    answer = run(daemon, *words)
    assert answer.returncode == 0, f"parley {' '.join(words)}: {answer.returncode}: {answer.stderr}"
    return answer.stdout


def ask(daemon, *words):
    return json.loads(done(daemon, "--json", *words))


# ---- every field ----

def changing_verbs():
    """{kind: [(noun, verb, words before the fields)]} of verbs that set fields."""
    out = {}
    for cells in docs_control.rows("verbs.def", "VERB"):
        _, noun, verb, _, effect, arguments, _ = docs_control.flat(cells)[:7]
        words = arguments.split()
        for word in words:
            if effect == "CHANGES" and word.startswith("@"):
                out.setdefault(word[1:], []).append((noun, verb, words[:words.index(word)]))
    return out


def another_value(field):
    """A value of the field that is not its default, as it is typed."""
    kind, default, choices = field["type"], field["default"], field["choices"]
    low, high = field["min"], field["max"]
    if kind == "bool":
        return "false" if default == "true" else "true"
    if kind == "number":
        number = int(default or low)
        return str(number + 1 if number < high else number - 1)
    if kind == "enum":
        return next(choice for choice in choices if choice != default)
    if kind == "choices":
        return next(choice for choice in choices if choice != default)
    return {"text": "some words"[:high], "domain": "other.example", "fqdn": "other.contoso.example", "address": "192.0.2.77:5077", "prefix": "198.51.100.0/24",
            "path": "certs/other.pem", "sip-user": f"carol@{OURS}", "domains": "other.example third.example", "fqdns": "other.contoso.example",
            "addresses": "192.0.2.77:5077", "prefixes": "198.51.100.0/24"}[kind]


def as_shown(field, typed):
    kind = field["type"]
    if kind == "bool":
        return typed == "true"
    if kind == "number":
        return int(typed or 0)
    return typed.split() if kind in ("domains", "fqdns", "addresses", "prefixes", "choices") else typed


def test_every_field_of_every_kind_is_set_shown_and_unset(daemons):
    """Staged, because a draft may break rules between objects: here each field stands for itself."""
    daemon, verbs = daemons(), changing_verbs()
    kinds = ask(daemon, "model", "kinds")["kinds"]
    assert {kind["name"] for kind in kinds} - ON_THIS_MACHINE_ALONE == set(verbs), "a kind without a verb that sets its fields"
    reached = 0
    for kind in kinds:
        if kind["name"] in ON_THIS_MACHINE_ALONE:
            continue
        fields = [f for f in kind["fields"] if "key" not in f["flags"]]
        key = next((f for f in kind["fields"] if "key" in f["flags"]), None)
        name = KEYS_OF.get(kind["name"]) or (KEYS[key["type"]] if key else "")
        done(daemon, "domain", "block", "keeps-the-draft.example", "--stage")  # a draft that is as what is published is none
        noun, verb, words = next((row for row in verbs[kind["name"]] if row[1] != "set"), verbs[kind["name"]][0])
        positional = [word.strip("[]").lower() for word in words[1:]]
        given = {f["name"]: another_value(f) for f in fields}
        values = [given[word] if word in given else pytest.fail(f"{noun} {verb}: {word}") for word in positional]
        free = [f for f in fields if f["name"] not in positional]
        before = [noun, verb, *([name] if key else []), *values]
        done(daemon, *before, *(f"{f['name']}={given[f['name']]}" for f in free), "--stage")
        again = next((row for row in verbs[kind["name"]] if row[1] == "set"), (noun, verb, words))
        repeat = before if again[1] == verb else [noun, "set", *([name] if key else [])]

        def shown():
            # A grant has no verb that shows it alone.
            if noun == "role":
                row = next(row for row in ask(daemon, "role", "list", "--staged")["rows"] if row["member"] == name)
                return {**row, "roles": row["roles"].split(",")}
            answer = ask(daemon, noun, "show", *([name] if key else []), "--staged")
            if noun == "topology":
                answer = next(o for o in answer["objects"] if o["kind"] == "topology")
            return answer.get("fields", answer)

        now = shown()
        for f in fields:
            assert now[f["name"]] == as_shown(f, given[f["name"]]), f"{kind['name']} {f['name']}: {now[f['name']]}"
        optional = [f for f in free if not {"required", "fixed"} & set(f["flags"])]
        if optional:
            done(daemon, *repeat, "--unset", ",".join(f["name"] for f in optional), "--stage")
            now = shown()
            for f in optional:
                assert now[f["name"]] == as_shown(f, f["default"]), f"{kind['name']} {f['name']}: {now[f['name']]} is not the default"
        reached += len(fields)
        if key and any(row for row in docs_control.rows("verbs.def", "VERB") if docs_control.flat(row)[1:3] == [noun, "remove"]):
            done(daemon, noun, "remove", name, "--stage")
        done(daemon, "stage", "clear")
    assert reached >= 140, reached


# ---- lists ----

def test_lists_as_they_are_wished_for(daemons):
    daemon = daemons()
    for name, more in (("beta.example", ["comment=second, of \"two\""]), ("alpha.example", ["proxy-fqdn=edge.alpha.example", "proxy-port=5099"]), ("Gamma.example", [])):
        done(daemon, "domain", "allow", name, *more)
    assert done(daemon, "domain", "list", "--columns", "domain,proxy-port", "--sort", "-proxy-port").splitlines()[0] == "alpha.example\t5099"
    assert [line.split("\t")[0] for line in done(daemon, "domain", "list", "--sort=-DOMAIN").splitlines()] == ["gamma.example", "beta.example", "alpha.example"]
    rows = list(csv.DictReader(io.StringIO(done(daemon, "domain", "list", "--output", "csv"))))
    assert [(row["domain"], row["comment"]) for row in rows] == [("alpha.example", ""), ("beta.example", 'second, of "two"'), ("gamma.example", "")]
    assert done(daemon, "domain", "list", "--output=csv", "--columns=verification-level", "--filter", "proxy-port:5099").splitlines() == ["verification-level", "always-verifiable"]
    assert json.loads(done(daemon, "domain", "list", "--output", "json"))["total"] == 3
    # What a spreadsheet would calculate is text there; a number stays one.
    for comment, cell in (("=1+1", "'=1+1"), ("@SUM(A1)", "'@SUM(A1)"), ("-2+3,4", "'-2+3,4"), ("+886.2", "+886.2"), ("a=b", "a=b")):
        done(daemon, "domain", "allow", "beta.example", f"comment={comment}")
        rows = csv.DictReader(io.StringIO(done(daemon, "domain", "list", "--output", "csv", "--filter", "domain:beta.example")))
        assert [row["comment"] for row in rows] == [cell]

    # Every list can be filtered, also those that the daemon gives whole.
    done(daemon, "role", "grant", "daemon", "viewer")
    assert [line.split("\t")[0] for line in done(daemon, "version", "list", "--filter", "version>8", "--sort", "version").splitlines()] == ["9", "10"]
    assert done(daemon, "service", "list", "--filter", "name:keeper", "--columns", "name,state") == "keeper\trunning\n"
    assert done(daemon, "role", "list", "--filter", "member:daemon", "--columns", "member") == "daemon\n"
    assert "config-published" in done(daemon, "event", "tail", "50", "--filter", "event:config-published", "--output", "csv")
    lists = [docs_control.flat(row)[1:3] for row in docs_control.rows("verbs.def", "VERB") if docs_control.flat(row)[2] in ("list", "tail")]
    assert len(lists) >= 15
    for noun, verb in lists:
        done(daemon, noun, verb, "--filter", "!nothing-is-called-so", "--output", "csv")

    for words, said in ((["domain", "list", "--columns", "colour"], 'there is no column "colour"; there are: domain'),
                        (["domain", "list", "--sort", ""], 'there is no column ""'),
                        (["status", "--columns", "a"], "status is no list"),
                        (["domain", "list", "--json", "--sort", "domain"], "JSON"),
                        (["domain", "list", "--output", "yaml"], '--output is text, json or csv, not "yaml"'),
                        (["status", "--unset", "x"], "takes no --unset"),
                        (["domain", "allow", "x.example", "comment=a", "--unset", "comment"], "given twice"),
                        (["domain", "allow", "x.example", "--unset", "colour"], 'has no field "colour"')):
        answer = run(daemon, *words)
        assert answer.returncode == 2 and said in answer.stderr, f"{words}: {answer.returncode} {answer.stderr}"


# ---- the same by command and by document ----

TASKS = {
    "External access policy": [["policy", "new", "Sales", "enable-public-cloud-access=true", "description=who sells"], ["policy", "set", "Global", "enable-xmpp-access=false"],
                               ["site", "new", "Oslo", f"sip-domains={OURS}"], ["policy", "new", "site:Oslo", "enable-outside-access=true"],
                               ["user", "add", f"alice@{OURS}", "display-name=Alice"], ["user", "grant", "Sales", f"alice@{OURS}"]],
    "Access Edge configuration": [["access-edge", "set", "allow-federated-users=true", "enable-partner-discovery=true", "discovered-partner-standard-rate=30"]],
    "SIP federated domains": [["domain", "allow", "fabrikam.example", "proxy-fqdn=sip.fabrikam.example", "comment=contract 2291"], ["domain", "block", "spam.example"],
                              ["domain", "allow", "mistake.example"], ["domain", "remove", "mistake.example"]],
    "SIP federated providers": [["provider", "add", "Contoso Cloud", "type=hosting", "proxy-fqdn=sip.hoster.example", "domains=hosted.example"],
                                ["provider", "set", "Contoso Cloud", "comment=for the branch"], ["provider", "enable", "Contoso Cloud"]],
    "XMPP federated partners": [["xmpp", "add", "northwind.example", "partner-type=federated", "additional-domains=chat.northwind.example"],
                                ["xmpp", "set", "northwind.example", "connection-limit=4"], ["xmpp", "disable", "northwind.example"]],
}
DOCUMENTS = {
    "topology.xml": f'<parley document="topology" schema="1"><topology><sip-domains>{OURS}</sip-domains></topology><site name="Oslo"><sip-domains>{OURS}</sip-domains></site></parley>',
    "access-policies.xml": '<parley document="access-policies" schema="1"><access-policy identity="site:Oslo"><enable-outside-access>true</enable-outside-access></access-policy>'
                           '<access-policy identity="Sales"><description>who sells</description><enable-public-cloud-access>true</enable-public-cloud-access></access-policy>'
                           '<access-policy identity="Global"><enable-xmpp-access>false</enable-xmpp-access></access-policy></parley>',
    "users.xml": f'<parley document="users" schema="1"><user sip-address="Alice@{OURS}"><policy>Sales</policy><display-name>Alice</display-name></user></parley>',
    "access-edge.xml": '<parley document="access-edge" schema="1"><access-edge><discovered-partner-standard-rate>30</discovered-partner-standard-rate>'
                       '<enable-partner-discovery>true</enable-partner-discovery><allow-federated-users>true</allow-federated-users></access-edge></parley>',
    "sip-domains.xml": '<parley document="sip-domains" schema="1"><blocked-domain domain="spam.example"/><allowed-domain domain="FABRIKAM.example">'
                       '<comment>contract 2291</comment><proxy-fqdn>sip.fabrikam.example</proxy-fqdn></allowed-domain></parley>',
    "sip-providers.xml": '<parley document="sip-providers" schema="1"><sip-provider identity="Contoso Cloud"><comment>for the branch</comment><enabled>true</enabled>'
                         '<domains>hosted.example</domains><proxy-fqdn>sip.hoster.example</proxy-fqdn><type>hosting</type></sip-provider></parley>',
    "xmpp-partners.xml": '<parley document="xmpp-partners" schema="1"><xmpp-partner domain="northwind.example"><enabled>false</enabled><connection-limit>4</connection-limit>'
                         '<additional-domains>chat.northwind.example</additional-domains><partner-type>federated</partner-type></xmpp-partner></parley>',
}


def digests(daemon, folder):
    """Of each document of the current version; its number is no part of what it says."""
    done(daemon, "config", "export", str(folder))
    return {path.name: hashlib.sha256(re.sub(r' version="\d+"', "", path.read_text()).encode()).hexdigest() for path in folder.glob("*.xml")}


@pytest.mark.short
def test_the_tabs_tasks_end_in_identical_versions_by_command_and_by_document(daemons, tmp_path):
    by_command, by_document, by_draft = daemons(), daemons(), daemons()
    for tab, commands in TASKS.items():
        for words in commands:
            done(by_command, *words)
            done(by_draft, *words, "--stage")
    done(by_draft, "publish", "-c", "all of it at once")
    before = ask(by_document, "status")["version"]
    write(by_document, DOCUMENTS)
    by_document.child.send_signal(1)
    wait_until(lambda: ask(by_document, "status")["version"] > before, 20, "the documents are taken in")
    command, document, draft = (digests(daemon, tmp_path / name) for daemon, name in ((by_command, "command"), (by_document, "document"), (by_draft, "draft")))
    assert len(command) >= 7 and command == document == draft
    # Nor does the daemon see a difference between one's documents and the other's version.
    check = ask(by_command, "config", "check", str(tmp_path / "document"))
    assert check["problems"] == [] and check["changes"] == 0, check
