"""What comes too late or finds no room: a 200 to an invitation that was taken back, and a disk that takes nothing."""
import os
import pwd
import shutil
import signal
import subprocess
import xml.etree.ElementTree as Tree

import pytest

from lab import names, sip_peer
from lab.process import wait_until
from lab.prosody import Prosody
from lab.sipp import User
from lab.xmpp_user import XmppUser
from sip import ALICE, Dialog, invite, message, request, tag_of
from test_xmpp_streams import MESSAGE, Peer

JULIET, JULIET_URI = "juliet@northwind.example", "sip:juliet@northwind.example"
XMPP = {names.XMPP_DOMAIN: {"partner_type": "federated"}}
SDP = "v=0\r\no=- 0 0 IN IP4 192.0.2.1\r\ns=s\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=message 5060 sip null\r\n"


def gateway(edge):
    return next(s for s in edge.ask("status")["services"] if s["name"] == "gateway")


def runs(edge):
    return wait_until(lambda: gateway(edge)["state"] == "running", 30, "the gateway runs")


def in_sessions(start_edge, **more):
    edge = start_edge(xmpp={names.XMPP_DOMAIN: {"partner_type": "federated", "im_mode": "session"}}, **more)
    runs(edge)
    return edge


def sessions(edge):
    return [row for row in edge.ask("session", "list")["rows"] if row["kind"] == "session"]


def test_a_200_that_comes_when_the_partner_is_off_is_acknowledged_and_ended(lab, start_edge):
    """The pool is SIPp over TCP: it counts on ACK and BYE, and on nothing else."""
    edge = in_sessions(start_edge, edge={"internal_transport": "tcp"})
    sipp = User(lab.ledger, edge.edge.root, "alice", names.OWN_DOMAIN, names.POOL, names.EDGE_INTERNAL)
    answering = sipp.start("session_late_answer", seconds=20, over=("-t", "t1", "-p", "5061"))
    peer = Peer().prove(lab.xmpp_server)
    peer.say(MESSAGE.format(JULIET, "are you there?"), "")
    wait_until(lambda: answering.received("INVITE"), 10, "the invitation has come")
    edge.ask("xmpp", "disable", names.XMPP_DOMAIN)
    assert "</stream:stream>" in peer.hear("</stream:stream>")
    edge.wait_event("message-returned", "turned off")
    answering.finish()
    assert answering.succeeded, answering.why_it_failed()
    assert not sessions(edge)


def test_an_invitation_of_a_partner_that_is_cut_is_taken_back_and_a_session_ended(lab, start_edge):
    edge = in_sessions(start_edge)
    held = []

    def pool_says(connection, asked):
        if asked.method == "INVITE" and b"m=message" in asked.body:
            held.append((connection, asked))
            connection.send(sip_peer.response(asked, 180, "Ringing", tag="pool"))
        elif asked.method != "ACK":
            connection.send(sip_peer.response(asked, 200))

    pool, inside = edge.serve_pool(handler=pool_says), edge.inside()
    talk = edge.inside().ask(request("INVITE", JULIET_URI, ALICE, JULIET_URI, body=SDP, content_type="application/sdp",
                                     contact=f"<{ALICE};opaque=user:epid:abc;gruu>", via_host=names.POOL_NAME, call_id="up"))
    assert talk.status == 200, talk.text()
    up = Dialog.of_caller("up", ALICE, tag_of(talk.get("From")), talk, JULIET_URI)
    inside.send(up.request("ACK"))
    wait_until(lambda: sessions(edge), 5, "the session is up")
    peer = Peer().prove(lab.xmpp_server)
    peer.say(MESSAGE.format("nurse@northwind.example", "are you there?"), "")
    invitation = pool.next_request(timeout=20)
    assert invitation.method == "INVITE", invitation.text()
    edge.ask("xmpp", "disable", names.XMPP_DOMAIN)
    heard = {}
    while set(heard) != {"CANCEL", "BYE"}:
        one = pool.next_request(timeout=20)
        heard[one.method] = one.get("Call-ID")
    assert heard == {"CANCEL": invitation.get("Call-ID"), "BYE": "up"}
    # The two had crossed: they have accepted what was taken back.
    connection, asked = held[0]
    connection.send(sip_peer.response(asked, 200, headers=[f"Contact: <{ALICE};opaque=user:epid:x;gruu>"], tag="pool", body=SDP))
    said = [pool.next_request(timeout=20) for _ in range(2)]
    assert [one.method for one in said] == ["ACK", "BYE"], [one.text() for one in said]
    assert all(tag_of(one.get("To")) == "pool" for one in said)
    assert not sessions(edge)


# ---- a disk that takes nothing ----

def subscribe(call_id):
    return request("SUBSCRIBE", JULIET_URI, ALICE, JULIET_URI, call_id=call_id, via_host=names.POOL_NAME,
                   headers=[f"Contact: <{ALICE};opaque=user:epid:x;gruu>", "Event: presence", "Expires: 3600"])


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root: mounts")
@pytest.mark.restarts
def test_what_a_full_disk_did_not_take_is_neither_promised_nor_lost(lab):
    from conftest import Running
    edge = Running(lab, lab.edge("edge-full-gateway", allowed=[], xmpp=XMPP))
    state = edge.edge.root / "var/lib/parley-gateway/state"
    state.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k,mode=0700", "none", state], check=True)
    owner = pwd.getpwnam("games")
    os.chown(state, owner.pw_uid, owner.pw_gid)
    for folder in (state.parent, state.parent.parent):
        os.chown(folder, 0, 0)
    try:
        edge.edge.start()
        runs(edge)
        edge.serve_pool()
        inside = edge.inside()
        assert inside.ask(subscribe("before"), timeout=20).status == 200
        with open(state / "filler", "wb", buffering=0) as filler:
            try:
                while True:
                    filler.write(b"x" * 4096)
            except OSError:
                pass
        peer = Peer().prove(lab.xmpp_server)
        peer.say("<enable xmlns='urn:xmpp:sm:3'/>", "<enabled")
        # The journal may still have room for a row or two.
        refused = next(number for number in range(20) if inside.ask(subscribe(f"full{number}"), timeout=20).status == 500)
        peer.say(f"<presence from='{JULIET}' to='bob@contoso.example' type='subscribe'/>", "")
        assert "h='0'" in peer.say("<r xmlns='urn:xmpp:sm:3'/>", "h='")
        edge.wait_event("state-not-kept", "gateway")
        assert inside.ask(subscribe("still"), timeout=20).status == 500

        (state / "filler").unlink()
        edge.wait_event("state-kept", seconds=20)
        assert "h='1'" in peer.hear("h='1'")
        assert inside.ask(subscribe("after"), timeout=20).status == 200
        before = [(row["kind"], row["local"], row["remote"], row.get("devices")) for row in edge.ask("session", "list")["rows"]]
        assert ("watched", ALICE, JULIET_URI, refused + 2) in before, before
        os.kill(gateway(edge)["pid"], signal.SIGKILL)
        wait_until(lambda: gateway(edge)["restarts"] > 0 and gateway(edge)["state"] == "running", 20, "the gateway is back")
        after = [(row["kind"], row["local"], row["remote"], row.get("devices")) for row in edge.ask("session", "list")["rows"]]
        assert sorted(after, key=str) == sorted(before, key=str)
        edge.disconnect()
        assert edge.edge.stop()
    finally:
        edge.disconnect()
        edge.edge.stop()
        subprocess.run(["umount", "-l", state], check=True)
        shutil.rmtree(edge.edge.root, ignore_errors=True)


# ---- a gateway that is to stop ----

def test_a_gateway_that_drains_ends_what_is_under_way_and_keeps_what_lasts(lab, start_edge, tmp_path):
    edge = start_edge(xmpp=XMPP)
    runs(edge)
    server = Prosody(lab.ledger, tmp_path, names.XMPP_DOMAIN, names.XMPP_SERVER, lab.xmpp_server, lab.public.certificate).start()
    held = []

    def pool_says(connection, asked):
        if b"held" in asked.body:
            held.append((connection, asked))
        elif asked.method != "ACK":
            connection.send(sip_peer.response(asked, 200))

    try:
        server.add_user("juliet")
        pool, inside = edge.serve_pool(handler=pool_says), edge.inside()
        juliet = XmppUser(names.XMPP_SERVER, JULIET, "secret", lab.public.certificate)
        juliet.presence()
        assert inside.ask(subscribe("watch"), timeout=20).status == 200
        talk = inside.ask(invite(ALICE, JULIET_URI, call_id="talk"))
        inside.send(Dialog.of_caller("talk", ALICE, tag_of(talk.get("From")), talk, JULIET_URI).request("ACK"))
        peer = Peer().prove(lab.xmpp_server)
        before = edge.ask("session", "list")["rows"]
        assert {row["kind"] for row in before} == {"session", "watched"}, before

        held_id = juliet.message("bob@contoso.example", "held")
        wait_until(lambda: held, 20, "the pool has it, and says nothing")
        edge.ask("service", "drain", "gateway", "25")
        assert gateway(edge)["state"] == "draining"
        while pool.next_request(timeout=20).method != "BYE":
            pass
        # Nothing new: our user and theirs hear why.
        refused = inside.ask(message(ALICE, JULIET_URI, body="new"), timeout=20)
        assert refused.status == 504 and 'northwind.example (XMPP): the XMPP gateway stops"' in refused.get("ms-diagnostics"), refused.text()
        answer = Tree.tostring(juliet.wait_error(juliet.message("bob@contoso.example", "new")), "unicode")
        assert "resource-constraint" in answer and "the XMPP gateway stops" in answer, answer
        edge.wait_event("service-draining", "gateway")
        connection, asked = held[0]
        connection.send(sip_peer.response(asked, 200))
        goodbye = peer.hear("</stream:stream>")
        assert "system-shutdown" in goodbye and goodbye.endswith("</stream:stream>"), goodbye
        wait_until(lambda: gateway(edge)["state"] == "stopped", 20, "it has stopped")
        assert not [stanza for stanza in juliet.heard if stanza.get("id") == held_id], "what was under way arrived, and nobody says otherwise"

        edge.ask("service", "start", "gateway")
        runs(edge)
        after = edge.ask("session", "list")["rows"]
        assert [row["kind"] for row in after] == ["watched"], after
        assert inside.ask(message(ALICE, JULIET_URI, body="again"), timeout=40).status == 200
        juliet.wait_message("again")
        juliet.close()
    finally:
        server.stop()
