"""
docs/guides/, walked through: from the shipped configuration, with the documents and commands of the pages, to messages that cross.

What is run are the lines `sudo parley ...` of their `sh` blocks and the documents in their `xml` blocks; only addresses are the lab's instead of the example's.
"""
import re
import shlex
import shutil
from pathlib import Path

import pytest

from conftest import Running
from lab import names
from lab.edge import ACCESS_USER, GATEWAY_USER, KEEPER_USER, TOP
from lab.ejabberd import Ejabberd
from lab.process import wait_until
from lab.prosody import Prosody
from lab.xmpp_user import XmppUser
from sip import ALICE, BOB, message

JULIET, JULIET_URI = "juliet@northwind.example", "sip:juliet@northwind.example"
GUIDES = TOP / "docs/guides"
ADDRESSES = {"198.51.100.7": names.EDGE_EXTERNAL, "192.0.2.10": names.EDGE_INTERNAL, "192.0.2.20": names.POOL}
ANSWERS_NO = ("why",)  # 1: the answer is no; what a guide asks may be either


def in_the_lab(text):
    for theirs, ours in ADDRESSES.items():
        text = text.replace(theirs, ours)
    return text


def blocks(page, language, before=None):
    """The page's blocks of that language; `before`: those under this comment, else those under none."""
    text = (GUIDES / page).read_text()
    for m in re.finditer(rf"(?:<!-- ([^\n]*) -->\n)?```{language}\n(.*?)```", text, re.S):
        if before is ... or m[1] == before:
            yield m[1], m[2]


def commands(page, under=None):
    for _, block in blocks(page, "sh", under):
        for line in block.splitlines():
            words = shlex.split(line, comments=True)
            if words:
                assert words[:2] == ["sudo", "parley"], f"{page}: {line}"
                yield [in_the_lab(word) for word in words[2:]]


def walk(edge, page, under=None):
    """Runs a page's commands in their order; returns how many."""
    count = 0
    for words in commands(page, under):
        answer = edge.parley("--yes", *words, timeout=60)
        assert answer.returncode == 0 or (words[0] in ANSWERS_NO and answer.returncode == 1), \
            f"{page}: parley {' '.join(words)}: {answer.returncode}\n{answer.stdout}{answer.stderr}"
        count += 1
    return count


def only_in_the_lab(edge):
    """Its authority is none of the system's, and all of it is on loopback."""
    edge.ask("edge", "set", names.EDGE_NAME, "external-trust=certs/external-trust.pem")
    edge.ask("topology", "set", "permitted-targets=127.0.0.0/8 fd00::/8")


def next_message(server, seconds=20):
    """The next that is a message: a pool is also asked whether it lives."""
    return wait_until(lambda: (request := server.next_request(timeout=seconds)).method == "MESSAGE" and request, seconds, "a message arrives")


@pytest.fixture
def machine(lab):
    """A machine on which `make install` has been done, certificates lie where the guide puts them, and the two documents are as it has them."""
    edge = lab.edge(f"guides-{len(list(lab.folder.glob('guides-*')))}", xmpp={})
    shutil.rmtree(edge.etc / "conf.d")
    shutil.copytree(TOP / "conf.d", edge.etc / "conf.d", ignore=shutil.ignore_patterns("systemd", "host.xml"))
    shutil.copy(edge.etc / "certs/internal-trust.pem", edge.etc / "certs/our-ca.pem")
    documents = {comment.removeprefix("file: "): block for comment, block in blocks("2-set-up.md", "xml", ...) if comment}
    assert set(documents) == {"host.xml", "conf.d/topology.xml"}
    users = f"<keeper-user>{KEEPER_USER}</keeper-user><access-user>{ACCESS_USER}</access-user><gateway-user>{GATEWAY_USER}</gateway-user>" \
            f"<admin-group>{KEEPER_USER}</admin-group><xmpp-key>certs/xmpp.key</xmpp-key>"
    for name, text in documents.items():
        (edge.etc / name).write_text(in_the_lab(text).replace("<host>", f"<host>{users}"))
    edge._give_to_keeper()
    checked = lab.ledger.run([edge.parleyd, "--root", edge.root, "--check"])
    assert checked.returncode == 0, checked.stdout + checked.stderr
    edge.start()
    running = Running(lab, edge)
    yield running
    running.disconnect()
    running.assert_healthy()
    assert edge.stop()


def test_the_four_phases_end_in_messages_that_cross(machine):
    pool, partner = machine.serve_pool(), machine.serve_partner()
    assert walk(machine, "2-set-up.md") >= 12
    only_in_the_lab(machine)
    refused = machine.inside().ask(message(ALICE, BOB))
    assert refused.status == 403, "nothing crosses before access has been configured"
    assert walk(machine, "3-configure-access.md") >= 25
    assert machine.ask("topology", "show")["tree"][1]["name"] == "Oslo"

    assert machine.inside().ask(message(ALICE, BOB)).status == 200 and next_message(partner)
    assert machine.partner().ask(message(BOB, ALICE)).status == 200 and next_message(pool)
    assert walk(machine, "4-verify.md") >= 6


def talks(machine, lab, page, before, after):
    """The page's own side: its commands, a message each way, its commands after that."""
    only_in_the_lab(machine)
    assert walk(machine, page) == before
    wait_until(lambda: next(s for s in machine.ask("service", "list")["rows"] if s["name"] == "gateway")["state"] == "running", 30, "the gateway runs")
    pool, juliet = machine.serve_pool(), XmppUser(names.XMPP_SERVER, JULIET, "secret", lab.public.certificate)
    juliet.presence()
    assert machine.inside().ask(message(ALICE, JULIET_URI, body="hello, Juliet"), timeout=40).status == 200
    juliet.wait_message("hello, Juliet", "alice@contoso.example")
    juliet.message("alice@contoso.example", "good morrow")
    assert "good morrow" in next_message(pool).text()
    proved = {(row["direction"], row["auth"]) for row in machine.ask("connection", "list", "--filter", "kind:xmpp")["rows"]}
    assert walk(machine, page, "after the first message") == after
    juliet.close()
    return proved


def test_prosody_as_the_guide_says(machine, lab):
    page = (GUIDES / "xmpp-prosody.md").read_text()
    snippet = re.search(r"```lua\n(.*?)```", page, re.S)[1]
    server = Prosody(lab.ledger, lab.folder, names.XMPP_DOMAIN, names.XMPP_SERVER, lab.xmpp_server, lab.public.certificate)
    assert snippet.strip() in server.configuration.read_text() and "s2s_secure_auth = true" in server.configuration.read_text()
    # The page's commands of theirs, on this server's configuration: the certificate comes from where certbot would have put it.
    live = server.folder / "live"
    shutil.rmtree(server.folder / "certs")
    (server.folder / "certs").mkdir()
    (live / names.XMPP_DOMAIN).mkdir(parents=True)
    shutil.copy(lab.xmpp_server.chain, live / names.XMPP_DOMAIN / "fullchain.pem")
    shutil.copy(lab.xmpp_server.key, live / names.XMPP_DOMAIN / "privkey.pem")
    theirs = re.findall(r"`(prosodyctl [^`]*)`", page)
    assert [words.split()[-1] for words in theirs] == ["/etc/letsencrypt/live", "dns", "certs"]
    told = {words: lab.ledger.run(["prosodyctl", "--config", server.configuration,
                                   *words.replace("/etc/letsencrypt/live", str(live)).split()[1:]]) for words in theirs if not words.endswith("dns")}
    for words, answer in told.items():
        assert answer.returncode == 0, f"{words}\n{answer.stdout}{answer.stderr}"
    server.start()
    try:
        server.add_user("juliet")
        assert ("out", "sasl") in talks(machine, lab, "xmpp-prosody.md", 5, 5)
    finally:
        server.stop()


def test_ejabberd_as_the_guide_says(machine, lab):
    snippet = re.search(r"```yaml\n(.*?)```", (GUIDES / "xmpp-ejabberd.md").read_text(), re.S)[1]
    server = Ejabberd(lab.ledger, lab.folder, names.XMPP_DOMAIN, names.XMPP_SERVER, lab.xmpp_server, lab.public.certificate)
    for part in snippet.replace("/etc/ejabberd/server.pem", f"{server.folder}/server.pem").strip().split("\n\n"):
        assert part in server.configuration.read_text(), part
    server.start()
    try:
        assert talks(machine, lab, "xmpp-ejabberd.md", 5, 3) == {("out", "dialback"), ("in", "sasl")}
    finally:
        server.stop()


def test_the_other_pages_commands(machine):
    assert walk(machine, "beside-skype-for-business.md") >= 8
    assert walk(machine, "remote-users.md") >= 12


def test_the_documents_of_the_other_pages_are_right(machine, tmp_path):
    for page in ("beside-skype-for-business.md",):
        for comment, text in blocks(page, "xml", ...):
            (tmp_path / Path(comment.removeprefix("file: ")).name).write_text(text)
    check = machine.ask("config", "check", str(tmp_path))
    assert check["problems"] == [] and check["documents"] == 1, check


def test_every_page_is_linked_and_says_who():
    setup = (TOP / "docs/SETUP.md").read_text()
    for page in GUIDES.glob("*.md"):
        assert f"guides/{page.name}" in setup and "*Who: " in page.read_text(), page.name
        for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text()):
            assert (GUIDES / link).exists(), f"{page.name}: {link}"
