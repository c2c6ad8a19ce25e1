"""
The tasks of docs/CONSOLE.md, with the very keys that stand there, against a real edge; then the same by command and by XML
document.  All three must end in the same version, byte for byte.
"""
import re
from pathlib import Path
from typing import NamedTuple

import pytest

from bare import Bare
from lab.process import tail, wait_until
from test_changes import documents
from test_real_console import Screen, ask

TOP = Path(__file__).resolve().parents[2]
OURS = "contoso.example"
CHANGED = re.compile(r"v\d+ published")


def xml(name, *objects, head=""):
    return {f"{name}.xml": f'<parley document="{name}" schema="1">{head}{"".join(objects)}</parley>'}


def topology(*sites):
    return xml("topology", *(f'<site name="{site}"/>' for site in sites), head=f"<topology><sip-domains>{OURS}</sip-domains></topology>")


# With an edge and a server there, what comes next below the whole is a site.
BUILT = (("edge", "new", "edge1.contoso.example", "external-listen=192.0.2.1", "external-fqdn=sip.contoso.example", "internal-listen=10.0.0.1"),
         ("pool-member", "new", "fe1.contoso.example", "address=10.0.0.2"))


def built(*sites):
    return xml("topology", '<edge fqdn="edge1.contoso.example"><external-listen>192.0.2.1</external-listen>'
               '<external-fqdn>sip.contoso.example</external-fqdn><internal-listen>10.0.0.1</internal-listen></edge>',
               '<pool-member fqdn="fe1.contoso.example"><address>10.0.0.2</address></pool-member>',
               *(f'<site name="{site}"/>' for site in sites), head=f"<topology><sip-domains>{OURS}</sip-domains></topology>")


class Task(NamedTuple):
    """One row of the table."""
    row: str                # how it begins
    typed: tuple = ()       # what is typed for its words, in order
    prepared: tuple = ()    # commands before it
    words: tuple = ()       # the same by command; (): it changes nothing
    document: dict = {}     # the same by XML
    shows: dict = {}        # how often a key has been pressed -> what the screen must show before the next


AMONG_OTHERS = (("domain", "allow", "first.example"),)  # so that the one that is meant is not simply the first
NORTHWIND = ("xmpp", "add", "northwind.example")
FIRST = '<allowed-domain domain="first.example"/>'
TASKS = [
    Task("allow users of XMPP", (), (("policy", "set", "Global", "enable-xmpp-access=false"),), ("policy", "set", "Global", "enable-xmpp-access=true"),
         xml("access-policies", '<access-policy identity="Global"/>'), {3: r">  Description", 5: r">  Enable XMPP access +\[ \] off", 6: r">\* Enable XMPP access +\[x\] on"}),
    Task("a policy for a site", ("site:Oslo",), (("site", "new", "Oslo"),), ("policy", "new", "site:Oslo"), xml("access-policies", '<access-policy identity="site:Oslo"/>')),
    Task("a policy to be granted", ("Sales",), (), ("policy", "new", "Sales"), xml("access-policies", '<access-policy identity="Sales"/>')),
    Task("remove a policy", ("Old",), (("policy", "new", "Old"), ("policy", "new", "Young")), ("policy", "remove", "Old"), xml("access-policies", '<access-policy identity="Young"/>')),
    Task("grant a policy", ("ann",), (("policy", "new", "Sales"), ("user", "add", f"aa@{OURS}"), ("user", "add", f"ann@{OURS}")), ("user", "grant", "Sales", f"ann@{OURS}"),
         xml("users", f'<user sip-address="aa@{OURS}"/><user sip-address="ann@{OURS}"><policy>Sales</policy></user>'), {6: ">  Sales"}),
    Task("who may do what", ("ann",), (("user", "add", f"ann@{OURS}"),), (), {}, {6: r"(?s)enable-federation-access.*Global"}),
    Task("turn SIP federation on", (), (), ("access-edge", "set", "allow-federated-users=true"),
         xml("access-edge", "<access-edge><allow-federated-users>true</allow-federated-users></access-edge>"), {2: r">  Allow federated users +\[ \] off"}),
    Task("let partners be discovered", (), (), ("access-edge", "set", "enable-partner-discovery=true"),
         xml("access-edge", "<access-edge><enable-partner-discovery>true</enable-partner-discovery></access-edge>"), {5: r">  Enable partner discovery +\[ \] off"}),
    Task("allow a domain", ("fabrikam.example",), AMONG_OTHERS, ("domain", "allow", "fabrikam.example"), xml("sip-domains", FIRST, '<allowed-domain domain="Fabrikam.example"/>')),
    Task("block a new domain", ("spam.example",), AMONG_OTHERS, ("domain", "block", "spam.example"), xml("sip-domains", '<blocked-domain domain="spam.example"/>', FIRST)),
    Task("block an allowed domain", ("litware.example",), (*AMONG_OTHERS, ("domain", "allow", "litware.example")), ("domain", "block", "litware.example"),
         xml("sip-domains", FIRST, '<blocked-domain domain="litware.example"/>')),
    Task("name a domain's edge", ("wingtip.example", "sip.wingtip.example"), (*AMONG_OTHERS, ("domain", "allow", "wingtip.example")),
         ("domain", "allow", "wingtip.example", "proxy-fqdn=sip.wingtip.example"),
         xml("sip-domains", FIRST, '<allowed-domain domain="wingtip.example"><proxy-fqdn>SIP.wingtip.example</proxy-fqdn></allowed-domain>'), {6: ">  Proxy FQDN"}),
    Task("remove a domain", ("mistake.example",), (*AMONG_OTHERS, ("domain", "allow", "mistake.example")), ("domain", "remove", "mistake.example"), xml("sip-domains", FIRST)),
    Task("a hosting provider", ("Cloud", "sip.hoster.example"), (), ("provider", "add", "Cloud", "type=hosting", "proxy-fqdn=sip.hoster.example"),
         xml("sip-providers", '<sip-provider identity="Cloud"><proxy-fqdn>sip.hoster.example</proxy-fqdn><type>hosting</type></sip-provider>'),
         {6: r">\* Type +\( \) public  \(\*\) hosting", 8: ">  Proxy FQDN"}),
    Task("switch a provider on", ("Net",), (("provider", "add", "Inter", "proxy-fqdn=sip.inter.example"), ("provider", "add", "Net", "proxy-fqdn=sip.net.example")),
         ("provider", "enable", "Net"),
         xml("sip-providers", '<sip-provider identity="Inter"><proxy-fqdn>sip.inter.example</proxy-fqdn></sip-provider>',
             '<sip-provider identity="Net"><enabled>true</enabled><proxy-fqdn>sip.net.example</proxy-fqdn></sip-provider>')),
    Task("allow an XMPP partner", ("southridge.example",), (NORTHWIND,), ("xmpp", "add", "southridge.example"),
         xml("xmpp-partners", '<xmpp-partner domain="northwind.example"/>', '<xmpp-partner domain="southridge.example"/>')),
    Task("switch an XMPP partner off", ("tailspin.example",), (NORTHWIND, ("xmpp", "add", "tailspin.example")), ("xmpp", "disable", "tailspin.example"),
         xml("xmpp-partners", '<xmpp-partner domain="northwind.example"/>', '<xmpp-partner domain="tailspin.example"><enabled>false</enabled></xmpp-partner>')),
    Task("remove an XMPP partner", ("treyresearch.example",), (NORTHWIND, ("xmpp", "add", "treyresearch.example")), ("xmpp", "remove", "treyresearch.example"),
         xml("xmpp-partners", '<xmpp-partner domain="northwind.example"/>')),
    Task("add a site", ("Turku",), BUILT, ("site", "new", "Turku"), built("Turku")),
    Task("remove a site", ("Bergen",), (("site", "new", "Aachen"), ("site", "new", "Bergen")), ("site", "remove", "Bergen"), topology("Aachen")),
]


def table():
    """{task: (its page in the panel, the keys as they stand there, how many)}"""
    section = (TOP / "docs/CONSOLE.md").read_text().split("## Keys per task")[1].split("\n## ")[0]
    rows = re.findall(r"^\| (?!task)([^|-][^|(]*) \(([^|)]+)\) \| ([^|]+) \| (\d+) \|$", section, re.M)
    return {name: (page, keys, int(count)) for name, page, keys, count in rows}


def pressed(keys):
    """[(is it typed text?, key)] of "`g` `p`, Enter, Down (2), site:NAME"."""
    out = []
    for part in re.split(r", | (?=`)", keys):
        key, times = re.fullmatch(r"(.+?)(?: \((\d+)\))?", part.strip()).groups()
        is_key = key[0] == "`" or key in ("Enter", "Down", "Up", "Space", "Tab", "Escape", "F8")
        out += [(not is_key, key.strip("`"))] * int(times or 1)
    return out


def titles():
    rows = re.findall(r"^SCREEN\(\w+, \w+, \"[^\"]*\", '(.)', \w+, N_\(\"([^\"]+)\"\)", (TOP / "tui/screens/screens.def").read_text(), re.M)
    return dict(rows)


class Edge:
    """A daemon, what its current version is made of, and the way back."""

    def __init__(self, daemon, folder):
        self.daemon, self.folder, self.client = daemon, folder, daemon.client()

    def version(self):
        return self.client.result("status")["version"]

    def documents(self):
        return {name: re.sub(r' version="\d+"', "", text, count=1) for name, text in documents(self.client, version=self.version()).items()}

    def restore(self, version):
        if self.client.result("version.diff", **{"from": str(version), "to": str(self.version())})["changes"]:
            ask(self.daemon, "version", "restore", str(version))

    def take_in(self, documents_):
        self.folder.mkdir(exist_ok=True)
        for name, text in documents_.items():
            (self.folder / name).write_text(text)
        ask(self.daemon, "config", "import", str(self.folder))
        for name in documents_:
            (self.folder / name).unlink()


@pytest.fixture(scope="module")
def edge(lab, tmp_path_factory):
    daemon = Bare(lab.folder / "tasks")
    daemon.conf.mkdir(parents=True)
    daemon.start()
    edge = Edge(daemon, tmp_path_factory.mktemp("documents"))
    edge.take_in(topology())
    edge.empty = edge.version()
    yield edge
    for client in daemon.clients:
        client.close()
    assert daemon.stop() == 0, tail(daemon.log_path, 60)
    assert not re.search(r"AddressSanitizer|LeakSanitizer|runtime error:", daemon.log()), tail(daemon.log_path, 80)


@pytest.fixture(scope="module")
def screen(edge, tmp_path_factory):
    opened = Screen(edge.daemon, tmp_path_factory.mktemp("tmux"))
    opened.wait("NEEDS ATTENTION")
    yield opened
    opened.close()


def by_console(screen, keys, task):
    """Presses the keys that the table names, each when the screen is ready for it; returns how many."""
    typed, filters, text = list(task.typed), False, ""
    for number, (is_text, key) in enumerate(keys, 1):
        before = keys[number - 2][1] if number > 1 else ""
        if key == "y":
            screen.wait("y/N", "Dry run: ")
        if is_text:
            text = typed.pop(0)
            assert key in ("name", "domain", "FQDN") or re.fullmatch(key.replace("NAME", ".+"), text), f"{key} is not typed as {text}"
            screen.type(text)
        else:
            screen.keys(key)
        if before == "g":
            screen.wait(rf"(?m)^ {titles()[key]} ")
        elif key == "/":
            filters = True
        elif key == "Enter" and filters:
            filters = False
            screen.wait(rf"(?m)^> .*\b{re.escape(text)}\b", rf"\b1 of \d")
        if number in task.shows:
            screen.wait(task.shows[number])
    assert not typed
    return len(keys)


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.row)
def test_a_task_by_console_by_command_and_by_document_ends_in_the_same_version(edge, screen, task):
    (_, keys, count), = [row for name, row in table().items() if name.startswith(task.row)]
    edge.restore(edge.empty)
    for words in task.prepared:
        ask(edge.daemon, *words)
    before = edge.version()
    screen.keys("g", "o", "R")
    screen.wait(r"(?m)^ Overview", "NEEDS ATTENTION", rf"\bv{before}\b")
    assert by_console(screen, pressed(keys), task) == count
    if not task.words:
        assert edge.version() == before
        screen.keys("q", "Escape")
        return
    screen.wait(CHANGED)
    if "`/`" in keys:
        screen.keys("Escape")  # a filter stays with its screen
    assert edge.version() == before + 1
    assert edge.client.result("status")["confirm_version"] == 0, "the task is not done: it would go back by itself"
    console = edge.documents()
    ways = {}
    for way, act in (("command", lambda: ask(edge.daemon, *task.words)), ("document", lambda: edge.take_in(task.document))):
        edge.restore(before)
        assert edge.documents() != console, "the task changes nothing"
        act()
        ways[way] = edge.documents()
    assert console == ways["command"]
    assert console == ways["document"]


def test_every_row_of_the_table_is_such_a_task():
    assert sorted(table()) == sorted(name for name in table() for task in TASKS if name.startswith(task.row))
    assert len(TASKS) == len(table())
    pages = {page for page, _, _ in table().values()}
    assert pages >= {"External Access Policy", "Access Edge Configuration", "SIP Federated Domains", "SIP Federated Providers", "XMPP Federated Partners"}
