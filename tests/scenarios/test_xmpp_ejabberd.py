"""
Our users and those of ejabberd, as Debian ships it: the same that a stock Prosody is held to.

What its administrator must know is what these lean on: host, certificate and authorities are named, and nothing else.  Debian's ejabberd
takes SASL EXTERNAL only from certificates that may also be a client's, which public authorities no longer issue; it then takes dialback.
"""
import pytest

from lab import names
from lab.dns import srv
from lab.ejabberd import Ejabberd
from lab.laboratory import BOTH
from lab.process import wait_until
from lab.xmpp_user import XmppUser
from sip import ALICE, message
from test_xmpp_presence import FEDERATED, JULIET_URI, Pool, pidf, service
from test_xmpp_streams import auth, both_ways, streams

ALICE_JID, JULIET = "alice@contoso.example", "juliet@northwind.example"


@pytest.fixture(scope="module")
def northwind(lab):
    server = Ejabberd(lab.ledger, lab.folder, names.XMPP_DOMAIN, names.XMPP_SERVER, lab.xmpp_server, lab.public.certificate)
    yield server.start()
    server.stop()


@pytest.fixture
def juliet(lab, northwind):
    user = XmppUser(names.XMPP_SERVER, JULIET, "secret", lab.public.certificate, resource="at-home")
    user.presence()
    yield user
    user.close()


def start(start_edge, **more):
    # ejabberd acknowledges nothing between servers; what it delivers is seen at its user, so nobody waits for its silence.
    edge = start_edge(**{"xmpp": FEDERATED, "xmpp_gateway": {"quiet_time": 0}, **more})
    wait_until(lambda: service(edge)["state"] == "running", 30, "the gateway runs")
    return edge


def test_a_certificate_that_may_be_a_clients_is_taken_by_external(lab, start_edge, northwind, monkeypatch):
    both = lab.public.issue("edge-both", names.OWN_DOMAIN, dns=[names.OWN_DOMAIN, names.EDGE_EXTERNAL_NAME], usages=BOTH)
    monkeypatch.setattr(lab, "edge_xmpp", both)
    # It comes by direct TLS: nothing else is served, and DNS offers it.
    edge = start(start_edge, edge={"xmpp_listen": "", "xmpp_tls_listen": names.EDGE_EXTERNAL})
    lab.dns.add(srv(names.OWN_DOMAIN, names.EDGE_EXTERNAL_NAME, 5270, service="_xmpps-server._tcp"))
    try:
        rows = both_ways(lab, edge)
    finally:
        lab.dns.remove(f"_xmpps-server._tcp.{names.OWN_DOMAIN}")
    assert auth(rows, "out") == {"sasl"} and auth(rows, "in") == {"sasl"}, rows


def messages(edge, pool, juliet):
    """One each way, proved as the two certificates allow."""
    assert pool.inside.ask(message(from_=ALICE, to=JULIET_URI, body="out"), timeout=40).status == 200
    juliet.wait_message("out", ALICE_JID)
    juliet.message(ALICE_JID, "in")
    arrived = pool.server.next_request(timeout=30)
    assert arrived.method == "MESSAGE" and "in" in arrived.text(), arrived
    rows = streams(edge)
    assert auth(rows, "out") == {"dialback"} and auth(rows, "in") == {"sasl"}, rows


def presence(pool, juliet):
    """Each watches the other."""
    juliet.presence(ALICE_JID, "subscribe")
    subscribe = pool.subscribes.get(timeout=30)
    assert JULIET_URI in subscribe.get("From") and ALICE in subscribe.uri
    assert pool.notify(subscribe, "active;expires=3600", pidf(activity="away")).status == 200
    juliet.wait_presence(ALICE_JID, "subscribed", seconds=20)
    juliet.wait_presence(ALICE_JID, show="away", seconds=20)
    pool.watch_juliet()
    juliet.wait_presence(ALICE_JID, "subscribe", seconds=20)
    juliet.presence(ALICE_JID, "subscribed")
    pool.next_notify("Subscription-State: active", "<basic>open</basic>")
    juliet.presence(show="dnd")
    pool.next_notify("<basic>open</basic>", "dnd")


def off_and_on(edge, pool, juliet):
    """Whom ejabberd could not reach it tries again after up to s2s_max_retry_delay, 300 s as shipped: so she asks once more, and last."""
    for asks in (False, True):
        juliet.forget()
        edge.ask("xmpp", "disable", names.XMPP_DOMAIN)
        pool.next_notify("<basic>closed</basic>")
        wait_until(lambda: not streams(edge), 30, "the streams are closed")
        assert pool.inside.ask(message(from_=ALICE, to=JULIET_URI, body="while off"), timeout=40).status == 403
        if asks:
            juliet.wait_error(juliet.message(ALICE_JID, "are you there?"))
        edge.ask("xmpp", "enable", names.XMPP_DOMAIN)
        assert pool.inside.ask(message(from_=ALICE, to=JULIET_URI, body="on again"), timeout=40).status == 200
        juliet.wait_message("on again", ALICE_JID)
        if not asks:
            pool.next_notify("<basic>open</basic>", "dnd", seconds=40)
        assert not [s for s in juliet.heard if s.get("type") in ("subscribe", "unsubscribed")], "nobody subscribes again"


@pytest.mark.short
def test_as_shipped_though_it_refuses_external_to_us(start_edge, northwind, juliet):
    edge = start(start_edge)
    pool = Pool(edge)
    messages(edge, pool, juliet)
    assert "Failed inbound s2s EXTERNAL authentication contoso.example" in northwind.log.read_text(), "unsupported certificate purpose"
    presence(pool, juliet)
    off_and_on(edge, pool, juliet)
