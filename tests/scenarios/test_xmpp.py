"""Our users and those of a stock Prosody: messages, presence, contacts, and what the administrator does to them."""
import contextlib
import json
import os
import signal
import sqlite3

import pytest

from lab import names
from lab.process import wait_until
from lab.prosody import Prosody
from lab.xmpp_user import XmppUser
from sip import ALICE, message
from bare import Client, keeper_pid, launcher_of

pytestmark = pytest.mark.short
ALICE_JID, JULIET, JULIET_URI = "alice@contoso.example", "juliet@northwind.example", "sip:juliet@northwind.example"
FEDERATED = {names.XMPP_DOMAIN: {"partner_type": "federated"}}


@pytest.fixture(scope="module")
def northwind(lab):
    server = Prosody(lab.ledger, lab.folder, names.XMPP_DOMAIN, names.XMPP_SERVER, lab.xmpp_server, lab.public.certificate).start()
    for user in ("juliet", "romeo"):
        server.add_user(user)
    yield server
    server.stop()


@pytest.fixture
def juliet(lab, northwind):
    user = XmppUser(names.XMPP_SERVER, JULIET, "secret", lab.public.certificate)
    user.presence()
    yield user
    user.close()


def gateway(edge):
    return next(s for s in edge.ask("status")["services"] if s["name"] == "gateway")


def streams(edge):
    return [row for row in edge.ask("connection", "list")["rows"] if row["side"] == "xmpp" and row["state"] == "up"]


def start(start_edge, **more):
    edge = start_edge(**{"xmpp": FEDERATED, **more})
    wait_until(lambda: gateway(edge)["state"] == "running", 30, "the gateway runs")
    return edge


def test_messages_cross_both_ways(start_edge, juliet):
    edge = start(start_edge)
    pool = edge.serve_pool()
    inside = edge.inside()
    answer = inside.ask(message(from_=ALICE, to=JULIET_URI, body="hello, Juliet"), timeout=40)
    assert answer.status == 200, answer
    heard = juliet.wait_message("hello, Juliet", ALICE_JID)
    assert heard.get("to") == JULIET
    juliet.message(ALICE_JID, "good morrow, Alice & all <here>")
    request = pool.next_request(timeout=20)
    assert request.method == "MESSAGE" and "good morrow, Alice & all <here>" in request.text(), request
    assert JULIET_URI in request.get("From") and ALICE in request.uri


def test_a_partner_turned_off_and_on_again_live(start_edge, juliet):
    edge = start(start_edge)
    edge.serve_pool()
    inside = edge.inside()
    assert inside.ask(message(from_=ALICE, to=JULIET_URI, body="before"), timeout=40).status == 200
    juliet.wait_message("before")
    wait_until(lambda: streams(edge), 20, "a stream is shown")
    plan = edge.ask("xmpp", "disable", names.XMPP_DOMAIN, "--dry-run")  # the gateway's streams count, too
    assert plan["closing"] == len(streams(edge)) == len(plan["connections"]) and plan["live"] == "", plan
    assert {(row["side"], row["partner"]) for row in plan["connections"]} == {("xmpp", names.XMPP_DOMAIN)}
    assert edge.ask("xmpp", "set", names.XMPP_DOMAIN, "description=x", "--dry-run")["closing"] == 0
    edge.ask("xmpp", "disable", names.XMPP_DOMAIN)
    answer = inside.ask(message(from_=ALICE, to=JULIET_URI, body="while off"), timeout=40)
    assert answer.status == 403 and "turned off" in answer.get("ms-diagnostics"), answer
    wait_until(lambda: not streams(edge), 20, "the streams close")
    returned = juliet.message(ALICE_JID, "are you there?")
    juliet.wait_error(returned)
    edge.ask("xmpp", "enable", names.XMPP_DOMAIN)
    assert inside.ask(message(from_=ALICE, to=JULIET_URI, body="after"), timeout=40).status == 200
    juliet.wait_message("after")
    assert not [stanza for stanza in juliet.heard if stanza.findtext("{jabber:client}body") == "while off"]


def service(edge, name):
    return next(s for s in edge.ask("status")["services"] if s["name"] == name)


@pytest.mark.restarts
def test_who_is_unverified_is_heard_once_our_user_has_written(start_edge, juliet):
    edge = start(start_edge, xmpp={names.XMPP_DOMAIN: {}})
    pool = edge.serve_pool()
    refused = juliet.message(ALICE_JID, "may I?")
    juliet.wait_error(refused)
    assert pool.has_no_request()
    edge.wait_event("request-refused", "may-start")
    assert edge.parley("why", JULIET, ALICE_JID).returncode == 1
    assert edge.inside().ask(message(from_=ALICE, to=JULIET_URI, body="you may"), timeout=40).status == 200
    juliet.wait_message("you may")
    assert edge.parley("why", JULIET, ALICE_JID).returncode == 0
    juliet.message(ALICE_JID, "thank you")
    assert "thank you" in pool.next_request(timeout=20).text()

    # Whoever decides has it on the disk, and whoever translates need not know it.
    for name in ("gateway", "access"):
        pid = service(edge, name)["pid"]
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: service(edge, name)["pid"] not in (0, pid) and service(edge, name)["state"] == "running", 30, f"{name} is back")
    juliet.message(ALICE_JID, "still there")
    assert "still there" in pool.next_request(timeout=30).text()
    assert edge.parley("why", JULIET, "bob@contoso.example").returncode == 1

    # A gateway of before kept it itself: what its file has goes where it is decided, and leaves the file.
    edge.disconnect()
    assert edge.edge.stop()
    state = edge.edge.root / "var/lib/parley-gateway/state/gateway.db"
    with contextlib.closing(sqlite3.connect(state)) as database, database:
        database.executescript("ALTER TABLE row DROP COLUMN event; PRAGMA user_version = 1")
        database.executemany("INSERT INTO row VALUES(3, ?, x'', 0, x'', x'', x'', x'', x'', 0, 0, ?)",
                             [(f"sip:{user}@contoso.example {JULIET_URI}".encode(), number) for number, user in enumerate(["bob", *map(str, range(250))])])
    edge.edge.start()
    wait_until(lambda: edge.parley("why", JULIET, "249@contoso.example").returncode == 0, 30, "the last pair is known")
    assert edge.parley("why", JULIET, "bob@contoso.example").returncode == 0
    assert edge.edge.stop()
    with contextlib.closing(sqlite3.connect(state)) as database:
        assert database.execute("PRAGMA user_version").fetchone() == (2,)
        assert database.execute("SELECT count(*) FROM row WHERE kind = 3").fetchone() == (0,)
    edge.edge.start()


def test_the_block_list_holds_for_xmpp_too(start_edge, juliet):
    edge = start(start_edge)
    pool = edge.serve_pool()
    edge.ask("domain", "block", names.XMPP_DOMAIN)
    assert edge.inside().ask(message(from_=ALICE, to=JULIET_URI), timeout=40).status == 403
    juliet.wait_error(juliet.message(ALICE_JID, "hello?"))
    assert pool.has_no_request()
    edge.ask("domain", "remove", names.XMPP_DOMAIN)
    juliet.message(ALICE_JID, "hello again")
    assert "hello again" in pool.next_request(timeout=30).text()


def test_our_domain_may_have_another_name_in_xmpp(start_edge, juliet):
    edge = start(start_edge, xmpp_names={names.OWN_DOMAIN: names.OWN_XMPP_NAME})
    pool = edge.serve_pool()
    assert edge.inside().ask(message(from_=ALICE, to=JULIET_URI, body="by my other name"), timeout=40).status == 200
    juliet.wait_message("by my other name", f"alice@{names.OWN_XMPP_NAME}")
    juliet.message(f"alice@{names.OWN_XMPP_NAME}", "found you")
    request = pool.next_request(timeout=20)
    assert "found you" in request.text() and ALICE in request.uri
    juliet.wait_error(juliet.message(ALICE_JID, "not by that one"))


def test_why_outlives_a_publish_while_the_gateway_is_asked(start_edge):
    """Our domain by its other name, and the version it was found in goes before the answer comes."""
    edge = start(start_edge, xmpp_names={names.OWN_DOMAIN: names.OWN_XMPP_NAME})
    keeper, pid = keeper_pid(launcher_of(edge.edge)), gateway(edge)["pid"]
    asking = Client(edge.edge.root / "run/parley/control.sock")
    os.kill(pid, signal.SIGSTOP)
    try:
        asking.send(json.dumps({"jsonrpc": "2.0", "id": 77, "method": "why",
                                "params": {"from": JULIET, "to": f"alice@{names.OWN_XMPP_NAME}"}}) + "\n")
        edge.parley("domain", "block", "meanwhile.example")  # published; the stopped gateway has not taken it
        answer = asking.hear()
    finally:
        os.kill(pid, signal.SIGCONT)
        asking.close()
    assert answer["result"]["direction"] == "in" and answer["result"]["steps"][3]["result"] == "pass", answer
    assert keeper_pid(launcher_of(edge.edge)) == keeper


@pytest.mark.parametrize("text", ["\U0001F600 four bytes \U00020000", "x" * 60000, "a\nb\tc & <d> \"e\""], ids=["utf8", "60 KB", "lines"])
def test_words_arrive_as_they_were_written(start_edge, juliet, text):
    edge = start(start_edge)
    pool = edge.serve_pool()
    assert edge.inside().ask(message(from_=ALICE, to=JULIET_URI, body=text), timeout=40).status == 200
    juliet.wait_message(text, seconds=30)
    if len(text) < 10000:  # Prosody's shipped limit for clients
        juliet.message(ALICE_JID, text)
        assert pool.next_request(timeout=30).body.decode().replace("\r\n", "\n") == text


def test_300_kb_are_refused_to_their_sender(start_edge, juliet):
    edge = start(start_edge)
    edge.serve_pool()
    answer = edge.inside().ask(message(from_=ALICE, to=JULIET_URI, body="y" * 66000), timeout=40)
    assert answer.status in (413, 513), answer


@pytest.mark.restarts
def test_a_killed_gateway_answers_for_what_was_under_way_and_goes_on(start_edge, juliet):
    edge = start(start_edge)
    pool = edge.serve_pool()
    inside = edge.inside()
    assert inside.ask(message(from_=ALICE, to=JULIET_URI, body="one"), timeout=40).status == 200
    pid = gateway(edge)["pid"]
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: gateway(edge)["pid"] not in (0, pid) and gateway(edge)["state"] == "running", 30, "the gateway is back")
    assert inside.ask(message(from_=ALICE, to=JULIET_URI, body="two"), timeout=40).status == 200
    juliet.wait_message("two")
    juliet.message(ALICE_JID, "three")
    assert "three" in pool.next_request(timeout=30).text()


def test_prosody_restarted_is_found_again(start_edge, lab, northwind):
    edge = start(start_edge)
    edge.serve_pool()
    inside = edge.inside()
    assert inside.ask(message(from_=ALICE, to=JULIET_URI, body="one"), timeout=40).status in (200, 404, 480, 503)
    northwind.stop()
    answer = inside.ask(message(from_=ALICE, to=JULIET_URI, body="two"), timeout=60)
    assert answer.status in (480, 502, 504), answer
    northwind.start()
    user = XmppUser(names.XMPP_SERVER, JULIET, "secret", lab.public.certificate)
    user.presence()
    edge.ask("connection", "retry", names.XMPP_DOMAIN)
    assert inside.ask(message(from_=ALICE, to=JULIET_URI, body="three"), timeout=60).status == 200
    user.wait_message("three")
    user.close()
