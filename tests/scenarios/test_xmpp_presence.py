"""Our users and those of a stock Prosody see each other: subscriptions both ways, and what kills, switches and restarts leave of them."""
import os
import queue
import re
import signal

import pytest

from lab import names, sip_peer
from lab.process import wait_until
from lab.prosody import Prosody
from lab.xmpp_user import XmppUser
from sip import ALICE, Dialog, request, tag_of

ALICE_JID, JULIET_URI = "alice@contoso.example", "sip:juliet@northwind.example"
CONTACT = "Contact: <sip:alice@pool1.contoso.example;opaque=user:epid:x;gruu>"
FEDERATED = {names.XMPP_DOMAIN: {"partner_type": "federated"}}


def pidf(show=None, activity=None, basic="open"):
    return ("<?xml version='1.0'?><presence xmlns='urn:ietf:params:xml:ns:pidf' entity='pres:alice@contoso.example'>"
            f"<tuple id='ID-pc'><status><basic>{basic}</basic>" + (f"<show xmlns='jabber:client'>{show}</show>" if show else "")
            + "</status></tuple>"
            + (f"<person xmlns='urn:ietf:params:xml:ns:pidf:data-model' id='p'><activities xmlns='urn:ietf:params:xml:ns:pidf:rpid'>"
               f"<{activity}/></activities></person>" if activity else "") + "</presence>")


class Pool:
    """contoso.example's pool: answers what comes, keeps it, and speaks in the dialogs that came."""

    def __init__(self, edge):
        self.subscribes, self.notifies, self.status = queue.Queue(), queue.Queue(), 200
        self.server, self.inside = edge.serve_pool(handler=self.came), edge.inside()

    def came(self, connection, message):
        if message.method == "SUBSCRIBE":
            connection.send(sip_peer.response(message, self.status, headers=[CONTACT, f"Expires: {message.get('Expires', '3600')}"], tag="pool"))
            self.subscribes.put(message)
        else:
            connection.send(sip_peer.response(message, 200, headers=[CONTACT]))
            if message.method == "NOTIFY":
                self.notifies.put(message)

    def notify(self, subscribe, state, body=""):
        """In the dialog that the SUBSCRIBE began."""
        self.dialog = getattr(self, "dialog", None) or Dialog.of_called(subscribe, ALICE, "pool", JULIET_URI)
        return self.inside.ask(self.dialog.request("NOTIFY", headers=["Event: presence", f"Subscription-State: {state}", CONTACT],
                                                   body=body, content_type="application/pidf+xml"))

    def next_notify(self, *words, seconds=20):
        """The next NOTIFY that says all of the words; those before it are of the way there."""
        seen = []

        def look():
            while not self.notifies.empty():
                seen.append(self.notifies.get())
                if all(word in seen[-1].text() for word in words):
                    return seen[-1]
            return None
        try:
            return wait_until(look, seconds, f"a NOTIFY with {words}")
        except Exception as error:
            raise AssertionError(f"{error}\n" + "\n".join(m.text() for m in seen)) from None

    def watch_juliet(self, expires=3600):
        answer = self.inside.ask(request("SUBSCRIBE", JULIET_URI, ALICE, JULIET_URI, via_host=names.POOL_NAME,
                                         headers=[CONTACT, "Event: presence", "Accept: application/pidf+xml", f"Expires: {expires}"]))
        assert answer.status == 200, answer.text()
        return Dialog.of_caller(answer.get("Call-ID"), ALICE, tag_of(answer.get("From")), answer, JULIET_URI)


@pytest.fixture
def northwind(lab, number=[0]):
    """One a test: rosters outlive sessions."""
    number[0] += 1
    server = Prosody(lab.ledger, lab.folder / f"presence-{number[0]}", names.XMPP_DOMAIN, names.XMPP_SERVER, lab.xmpp_server, lab.public.certificate).start()
    server.add_user("juliet")
    yield server
    server.stop()


@pytest.fixture
def juliet(lab, northwind):
    user = XmppUser(names.XMPP_SERVER, "juliet@northwind.example", "secret", lab.public.certificate)
    user.send("<iq type='get' id='roster'><query xmlns='jabber:iq:roster'/></iq>")
    user.presence()
    yield user
    user.close()


def service(edge):
    return next(s for s in edge.ask("status")["services"] if s["name"] == "gateway")


@pytest.fixture
def edge(start_edge):
    running = start_edge(xmpp=FEDERATED)
    wait_until(lambda: service(running)["state"] == "running", 30, "the gateway runs")
    return running


@pytest.fixture
def pool(edge):
    return Pool(edge)


def kill_gateway(edge):
    before = service(edge)["pid"]
    os.kill(before, signal.SIGKILL)
    wait_until(lambda: service(edge)["state"] == "running" and service(edge)["pid"] not in (0, before), 30, "the gateway is back")


@pytest.mark.short
@pytest.mark.restarts
def test_an_xmpp_user_watches_one_of_ours(edge, pool, juliet):
    juliet.presence(ALICE_JID, "subscribe")
    subscribe = pool.subscribes.get(timeout=30)
    assert subscribe.get("Event") == "presence" and "application/pidf+xml" in subscribe.get("Accept"), subscribe.text()
    assert JULIET_URI in subscribe.get("From") and ALICE in subscribe.uri
    assert pool.notify(subscribe, "pending;expires=3600").status == 200
    assert pool.notify(subscribe, "active;expires=3600", pidf(activity="away")).status == 200
    juliet.wait_presence(ALICE_JID, "subscribed", seconds=20)
    juliet.wait_presence(ALICE_JID, show="away", seconds=20)
    assert pool.notify(subscribe, "active;expires=3600", pidf(activity="on-the-phone")).status == 200
    juliet.wait_presence(ALICE_JID, show="dnd", seconds=20)

    juliet.forget()
    kill_gateway(edge)
    refresh = pool.subscribes.get(timeout=30)
    assert refresh.get("Call-ID") == subscribe.get("Call-ID") and tag_of(refresh.get("To")) == "pool", "refreshed, not made anew\n" + refresh.text()
    assert pool.notify(subscribe, "active;expires=3600", pidf()).status == 200
    juliet.wait_presence(ALICE_JID, seconds=20)
    assert not [s for s in juliet.heard if s.get("type") == "subscribed"], "she was told before"

    assert pool.notify(subscribe, "terminated;reason=rejected").status == 200
    juliet.wait_presence(ALICE_JID, "unsubscribed", seconds=20)


@pytest.mark.restarts
def test_one_of_ours_watches_an_xmpp_user(edge, pool, juliet):
    pool.watch_juliet()
    pool.next_notify("Subscription-State: pending")
    juliet.wait_presence(ALICE_JID, "subscribe", seconds=30)
    juliet.presence(ALICE_JID, "subscribed")
    pool.next_notify("Subscription-State: active")
    juliet.presence(show="dnd", status="talking to the moon")
    said = pool.next_notify("<basic>open</basic>", "dnd", "talking to the moon")
    assert "ID-lab" in said.text() and "entity='pres:juliet@northwind.example'" in said.text(), said.text()

    # The administrator switches the partner off and on: the contact goes and comes, and nobody subscribes again.
    juliet.forget()
    edge.ask("xmpp", "disable", names.XMPP_DOMAIN)
    pool.next_notify("Subscription-State: active", "<basic>closed</basic>")
    edge.ask("xmpp", "enable", names.XMPP_DOMAIN)
    pool.next_notify("<basic>open</basic>", "dnd", seconds=40)

    kill_gateway(edge)
    again = pool.next_notify("<basic>open</basic>", "dnd", seconds=40)
    assert int(again.get("CSeq").split()[0]) > 1000, again.text()
    juliet.presence(show="away")
    pool.next_notify("<show xmlns='jabber:client'>away</show>", "<away")
    assert not [s for s in juliet.heard if s.get("type") == "subscribe"], "nobody subscribes again"

    juliet.presence(ALICE_JID, "unsubscribed")
    pool.next_notify("Subscription-State: terminated;reason=rejected")


@pytest.mark.short
def test_a_pool_without_presence_leaves_the_contact_unknown(edge, pool, juliet):
    pool.status = 489
    juliet.presence(ALICE_JID, "subscribe")
    pool.subscribes.get(timeout=30)
    for _ in range(3):
        juliet.presence(ALICE_JID, "probe")
    edge.ask("status")
    with pytest.raises(queue.Empty):
        pool.subscribes.get(timeout=5)
    assert not [s for s in juliet.heard if s.get("type") in ("subscribed", "unsubscribed")]


@pytest.mark.short
def test_a_question_is_answered_once(edge, pool, juliet):
    pool.watch_juliet(expires=0)
    said = pool.next_notify("Subscription-State: terminated;reason=timeout")
    assert said.body == b"", "she has not let anybody see her"
    assert not re.search("subscribe", " ".join(s.get("type") or "" for s in juliet.heard))
