"""Streams with a stock Prosody, seen from the streams: how they are proved, refused, found, lost and brought back."""
import os
import queue
import signal
import socket
import ssl

import pytest

from lab import names, sip_peer
from lab.certificates import Authority
from lab.dns import host_record, srv, xmpp
from lab.process import wait_until
from lab.prosody import Prosody
from lab.sip_peer import unique
from lab.xmpp_user import XmppUser
from sip import ALICE, message

pytestmark = pytest.mark.short
JULIET, JULIET_URI, ALICE_JID = "juliet@northwind.example", "sip:juliet@northwind.example", ALICE.removeprefix("sip:")
FEDERATED = {"partner_type": "federated"}


@pytest.fixture
def prosody(lab, tmp_path):
    """prosody(certificate, **more): a server for the partner's domain, with one user."""
    started = []

    def start(certificate=None, **more):
        server = Prosody(lab.ledger, tmp_path, names.XMPP_DOMAIN, names.XMPP_SERVER, certificate or lab.xmpp_server,
                         lab.public.certificate, **more)
        started.append(server.start())
        server.add_user("juliet")
        return server

    yield start
    for server in started:
        server.stop()


@pytest.fixture
def northwind(prosody):
    return prosody()


def start(start_edge, partner=None, **more):
    edge = start_edge(**{"xmpp": {names.XMPP_DOMAIN: {**FEDERATED, **(partner or {})}}, **more})
    wait_until(lambda: next(s for s in edge.ask("status")["services"] if s["name"] == "gateway")["state"] == "running", 30,
               "the gateway runs")
    return edge


def signed_in(lab, trust=None):
    user = XmppUser(names.XMPP_SERVER, JULIET, "secret", trust or lab.public.certificate)
    user.presence()
    return user


def streams(edge):
    return [row for row in edge.ask("connection", "list")["rows"] if row["side"] == "xmpp"]


def both_ways(lab, edge, pool=None):
    """A message each way; the streams that carried them."""
    juliet, pool = signed_in(lab), pool or edge.serve_pool()
    answer = edge.inside().ask(message(from_=ALICE, to=JULIET_URI, body="out"), timeout=40)
    assert answer.status == 200, f"{answer}\n{streams(edge)}"
    juliet.wait_message("out", ALICE_JID)
    juliet.message(ALICE_JID, "in")
    assert "in" in pool.next_request(timeout=30).text()
    juliet.close()
    return streams(edge)


def test_a_stream_is_proved_by_certificates_both_ways(lab, start_edge, northwind):
    edge = start(start_edge)
    rows = both_ways(lab, edge)
    print(rows)
    assert {row["auth"] for row in rows} == {"sasl"}, rows


def auth(rows, direction):
    return {row["auth"] for row in rows if row["direction"] == direction and row["auth"] not in ("asking", "none")}


OTHERS_MAY = [("s2s_secure_auth = true", "s2s_secure_auth = false")]


def test_without_a_certificate_for_our_domain_we_are_proved_by_dialback(lab, start_edge, prosody):
    prosody(changes=OTHERS_MAY)
    # The external certificate names the edge's host and not our domain.
    edge = start(start_edge, edge={"xmpp_certificate": ""})
    rows = both_ways(lab, edge)
    assert auth(rows, "out") == {"dialback"} and auth(rows, "in") == {"sasl"}, rows


def test_a_partner_whose_certificate_nobody_trusts_is_proved_by_dialback(lab, start_edge, prosody, tmp_path):
    rogue = Authority(tmp_path / "rogue", "Rogue Authority")
    prosody(rogue.issue("northwind", names.XMPP_DOMAIN))
    edge = start(start_edge)
    pool, juliet = edge.serve_pool(), signed_in(lab, rogue.certificate)
    juliet.message(ALICE_JID, "by dialback")
    assert "by dialback" in pool.next_request(timeout=30).text()
    assert auth(streams(edge), "in") == {"dialback"}, streams(edge)
    juliet.close()


def test_a_wrong_certificate_is_refused_where_dialback_is_off(lab, start_edge, prosody):
    prosody(lab.public.issue("xmpp-wrong", "other.example", dns=["other.example"]))
    edge = start(start_edge, {"sasl_negotiation": "required", "support_dialback_negotiation": "false"})
    answer = edge.inside().ask(message(from_=ALICE, to=JULIET_URI, body="never"), timeout=40)
    assert answer.status == 504, answer
    edge.wait_event("connection-refused", "certificate does not name its domain")


def test_tls_that_a_row_requires_is_not_done_without(start_edge, prosody):
    prosody(changes=[('\t"tls";', '\t--"tls";'), *OTHERS_MAY], more="s2s_require_encryption = false\n")
    edge = start(start_edge)
    answer = edge.inside().ask(message(from_=ALICE, to=JULIET_URI, body="never"), timeout=40)
    assert answer.status == 504, answer
    edge.wait_event("connection-refused", "offers no TLS")


def test_a_partner_that_is_down_is_told_of_and_tried_again(lab, start_edge, northwind):
    edge = start(start_edge)
    both_ways(lab, edge)
    northwind.stop()
    wait_until(lambda: not streams(edge) or all(row["state"] != "open" for row in streams(edge)), 30, "the streams end")
    inside = edge.inside()
    for _ in range(3):
        answer = inside.ask(message(from_=ALICE, to=JULIET_URI, body="nobody there"), timeout=40)
        assert answer.status in (480, 504), answer
    northwind.start()
    edge.ask("connection", "retry", names.XMPP_DOMAIN)
    answer = inside.ask(message(from_=ALICE, to=JULIET_URI, body="back again"), timeout=40)
    assert answer.status == 200, f"{answer}\n{streams(edge)}"


def test_a_partner_switched_off_loses_its_streams_and_gets_them_back(lab, start_edge, northwind):
    edge = start(start_edge)
    pool = edge.serve_pool()
    both_ways(lab, edge, pool)
    edge.ask("xmpp", "disable", names.XMPP_DOMAIN)
    wait_until(lambda: not streams(edge), 30, "the streams are closed")
    edge.wait_event("connection-closed", "switched off")
    edge.ask("xmpp", "enable", names.XMPP_DOMAIN)
    both_ways(lab, edge, pool)


def test_a_dead_target_is_passed_over(lab, start_edge, northwind):
    edge = start(start_edge)
    lab.dns.add(host_record("dead.northwind.example", names.XMPP_SERVER_2))
    lab.dns.remove(f"_xmpp-server._tcp.{names.XMPP_DOMAIN}")
    try:
        lab.dns.add(xmpp(names.XMPP_DOMAIN, "dead.northwind.example", priority=1), xmpp(names.XMPP_DOMAIN, names.XMPP_NAME, priority=2))
        rows = both_ways(lab, edge)
    finally:
        lab.dns.remove(f"_xmpp-server._tcp.{names.XMPP_DOMAIN}")
        lab.dns.add(xmpp(names.XMPP_DOMAIN, names.XMPP_NAME))
    assert {row["address"] for row in rows if row["direction"] == "out"} == {f"{names.XMPP_SERVER}:5269"}, rows
    edge.wait_event("connection-refused", f"{names.XMPP_SERVER_2}:5269")


def test_direct_tls_is_taken_where_dns_offers_it(lab, start_edge, prosody):
    prosody(more="s2s_direct_tls_ports = { 5270 }\n")
    edge = start(start_edge)
    lab.dns.add(srv(names.XMPP_DOMAIN, names.XMPP_NAME, 5270, service="_xmpps-server._tcp"))
    try:
        rows = both_ways(lab, edge)
    finally:
        lab.dns.remove(f"_xmpps-server._tcp.{names.XMPP_DOMAIN}")
    assert [row["address"] for row in rows if row["direction"] == "out"] == [f"{names.XMPP_SERVER}:5270"], rows
    assert auth(rows, "out") == {"sasl"}, rows


def test_direct_tls_is_served_beside_starttls(lab, start_edge, northwind):
    """The edge listens for direct TLS alone, so what Prosody brings came by it; ALPN may be missing, not another."""
    edge = start(start_edge, edge={"xmpp_listen": "", "xmpp_tls_listen": names.EDGE_EXTERNAL})
    lab.dns.add(srv(names.OWN_DOMAIN, names.EDGE_EXTERNAL_NAME, 5270, service="_xmpps-server._tcp"))
    try:
        rows = both_ways(lab, edge)
    finally:
        lab.dns.remove(f"_xmpps-server._tcp.{names.OWN_DOMAIN}")
    assert auth(rows, "in") == {"sasl"} and [row["tls"] for row in rows if row["direction"] == "in"] != [""], rows
    listeners = [row["listeners"] for row in edge.ask("service", "list")["rows"] if row["name"] == "gateway"]
    assert "xmpp-tls" in str(listeners), listeners
    features = Peer(port=5270).wrap(lab.xmpp_server).greet()
    assert "EXTERNAL" in features and "starttls" not in features, features
    with pytest.raises(OSError):
        Peer(port=5270).wrap(lab.xmpp_server, ["imap"]).greet()
    edge.wait_event("connection-refused", "ALPN")


def test_a_revoked_certificate_ends_the_stream_that_rests_on_it(lab, start_edge, northwind):
    """By the file's change alone; then its bearer is believed only as far as DNS and dialback go."""
    edge = start(start_edge, edge={"xmpp_trust": "certs/external-trust.pem", "xmpp_crls": "certs/xmpp-crls.pem"},
                 files={"certs/xmpp-crls.pem": lab.public.revoke()})
    pool = edge.serve_pool()
    before = both_ways(lab, edge, pool)
    edge.edge.write_file("certs/xmpp-crls.pem", lab.public.revoke(lab.xmpp_server))
    wait_until(lambda: not {row["id"] for row in before} & {row["id"] for row in streams(edge)}, 30, "the streams end")
    edge.wait_event("connection-closed", "no longer good", "revoked")
    rows = both_ways(lab, edge, pool)
    assert auth(rows, "out") == {"dns"} and auth(rows, "in") == {"dialback"}, rows


def test_one_stream_goes_both_ways_where_both_know_how(lab, start_edge, prosody):
    prosody(changes=[('--"s2s_bidi"', '"s2s_bidi"')])
    edge = start(start_edge)
    rows = both_ways(lab, edge)
    assert len(rows) == 1 and rows[0]["messages_in"] == 1 and rows[0]["messages_out"] == 1, rows


def test_a_silent_partner_is_asked_before_its_stream_is_closed(lab, start_edge, prosody):
    """Without stream management nothing asks by itself: the ping goes on our stream, and the answer keeps Prosody's."""
    server = prosody(more="smacks_enabled_s2s = false\n")
    edge = start(start_edge)
    edge.ask("xmpp-gateway", "set", "keep-alive-interval=10")
    before, = (row for row in both_ways(lab, edge) if row["direction"] == "in")
    wait_until(lambda: "='ping-" in server.log.read_text(), 60, "Prosody is asked")

    def answered():
        return any(row["id"] == before["id"] and row["messages_in"] > before["messages_in"] for row in streams(edge))

    wait_until(answered, 20, "its answer came on the stream that was silent")


@pytest.mark.restarts
def test_what_the_pool_has_not_taken_is_not_acknowledged(lab, start_edge, northwind):
    """The gateway is killed while the pool holds its answer: Prosody tells the sender what was not acknowledged, and nothing else."""
    edge = start(start_edge)
    juliet, arrived = signed_in(lab), queue.Queue()

    def came(connection, request):
        if "held" not in request.text():
            connection.send(sip_peer.response(request, 200))
        arrived.put(request.text())

    def send(word):
        id_ = juliet.message(ALICE_JID, word)
        assert word in arrived.get(timeout=30)
        return id_

    edge.serve_pool(handler=came)
    send("first")
    wait_until(lambda: "Enabling stream management" in northwind.log.read_text(), 20, "Prosody's stream is counted")
    before = len(northwind.log.read_text())
    taken = send("taken")
    wait_until(lambda: "#queue = 0 (acked: " in northwind.log.read_text()[before:], 20, "what the pool took is acknowledged")
    lost = send("held")
    os.kill(next(s for s in edge.ask("status")["services"] if s["name"] == "gateway")["pid"], signal.SIGKILL)
    juliet.wait_error(lost)
    assert not [s for s in juliet.heard if s.get("id") == taken and s.get("type") == "error"]
    juliet.close()


def test_each_message_is_answered_once_though_the_server_dies(lab, start_edge, northwind):
    """200 on their way when Prosody is killed: delivered, unknown or never sent, but one final answer each."""
    edge = start(start_edge)
    inside, calls, answers = edge.inside(), [], {}
    juliet = signed_in(lab)

    def send(count):
        for _ in range(count):
            calls.append(unique("burst"))
            inside.send(message(from_=ALICE, to=JULIET_URI, body=calls[-1], call_id=calls[-1]))

    def hear(count):
        while len(answers) < count:
            answer = inside.receive(timeout=60)
            if answer.status >= 200:
                assert answer.get("Call-ID") not in answers, f"answered twice: {answer}"
                answers[answer.get("Call-ID")] = answer.status

    send(1)
    hear(1)
    send(100)
    hear(21)
    os.kill(northwind.process.pid, signal.SIGSTOP)  # nobody acknowledges any more
    send(50)
    wait_until(lambda: any(row["queued"] or row["messages_out"] > 100 for row in streams(edge)), 20, "some are on their way")
    os.kill(northwind.process.pid, signal.SIGKILL)
    send(49)
    hear(200)
    assert sorted(answers) == sorted(calls) and set(answers.values()) <= {200, 480, 504}, answers
    assert {200, 504} <= set(answers.values()), answers
    # What was answered 200 had arrived.
    heard = {stanza.findtext("{jabber:client}body") for stanza in juliet.heard}
    missing = [call for call, status in answers.items() if status == 200 and call not in heard]
    juliet.close()
    assert not missing, f"{len(missing)} were acknowledged by a server that did not deliver them: {missing[:5]}"


# ---- those who should not be believed ----

class Peer:
    """A server of its own: TCP, then TLS with a certificate, and whatever a test wants to say."""

    HEAD = ("<?xml version='1.0'?><stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams' "
            "xmlns:db='jabber:server:dialback' from='{}' to='contoso.example' version='1.0'>")

    def __init__(self, domain=names.XMPP_DOMAIN, port=names.XMPP_PORT):
        self.domain = domain
        self.socket = socket.create_connection((names.EDGE_EXTERNAL, port), timeout=20)
        self.text = ""

    def say(self, text, until):
        self.socket.sendall(text.encode())
        return self.hear(until)

    def hear(self, until):
        """All that came up to here; the connection's end ends it too."""
        while until not in self.text:
            data = self.socket.recv(65536)
            if not data:
                break
            self.text += data.decode()
        text, self.text = self.text, ""
        return text

    def greet(self, until="</stream:features>"):
        return self.say(self.HEAD.format(self.domain), until)

    def secure(self, certificate):
        self.greet()
        assert "<proceed" in self.say("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>", "/>")
        return self.wrap(certificate).greet()

    def wrap(self, certificate, alpn=()):
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.load_cert_chain(certificate.chain, certificate.key)
        if alpn:
            context.set_alpn_protocols(alpn)
        self.socket = context.wrap_socket(self.socket, server_hostname="contoso.example")
        return self

    def prove(self, certificate):
        assert "EXTERNAL" in self.secure(certificate)
        assert "<success" in self.say("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='EXTERNAL'>=</auth>", "/>")
        self.greet()
        return self


MESSAGE = "<message from='{}' to='alice@contoso.example' type='chat' id='1'><body>{}</body></message>"


@pytest.mark.parametrize("said, answered", [
    ("GET / HTTP/1.1\r\n\r\n", "bad-format"),
    ("<!DOCTYPE x [<!ENTITY a 'b'>]>", "restricted-xml"),
    ("\xff\xfe", "unsupported-encoding"),
    (Peer.HEAD.format("nobody.example"), "policy-violation"),
    (Peer.HEAD.format(names.XMPP_DOMAIN).replace("contoso", "fabrikam"), "host-unknown"),
    (Peer.HEAD.format(names.XMPP_DOMAIN) + MESSAGE.format(JULIET, "x"), "not-authorized"),
    (Peer.HEAD.format(names.XMPP_DOMAIN) + "<db:result from='northwind.example' to='contoso.example' type='valid'/>"
     + MESSAGE.format(JULIET, "x"), "not-authorized"),
    (Peer.HEAD.format(names.XMPP_DOMAIN) + "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/><message/>", "policy-violation"),
])
def test_strangers_hear_what_is_wrong_and_are_shown_out(start_edge, said, answered):
    start(start_edge)
    assert answered in Peer().say(said, "</stream:stream>")


def test_a_partner_speaks_for_its_own_domain_only(lab, start_edge, northwind):
    edge = start(start_edge)
    pool = edge.serve_pool()
    peer = Peer().prove(lab.xmpp_server)
    peer.say(MESSAGE.format(JULIET, "mine") + "<r xmlns='urn:xmpp:sm:3'/> ", "")
    assert "mine" in pool.next_request(timeout=20).text()
    assert "invalid-from" in peer.say(MESSAGE.format("bob@fabrikam.example", "not mine"), "</stream:stream>")
    edge.wait_event("connection-closed", "not proved on this stream")
    # A good certificate of another domain proves nothing: no EXTERNAL, and its key is asked about where the domain is.
    peer = Peer()
    assert "EXTERNAL" not in peer.secure(lab.edge_xmpp)
    answer = peer.say("<db:result from='northwind.example' to='contoso.example'>0123</db:result>", "</stream:stream>")
    assert "type='invalid'" in answer, answer
