"""Our users and those of a stock Prosody: messages, presence, contacts, and what the administrator does to them."""
import os
import re
import signal

import pytest

from lab import names
from lab.process import wait_until
from lab.prosody import Prosody
from lab.xmpp_user import XmppUser
from sip import ALICE, message

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


def start(start_edge, **more):
    edge = start_edge(**{"xmpp": FEDERATED, **more})
    wait_until(lambda: next(s for s in edge.ask("status")["services"] if s["name"] == "gateway")["state"] == "running", 30,
               "the gateway runs")
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
