"""Silence, slowness and not reading: each ends by a limit of ours, and costs no other partner anything."""
import socket
import time

import pytest

from lab import names, sip_peer
from lab.laboratory import BOTH
from lab.process import wait_until
from lab.sip_peer import PeerClosed, Timeout, response
from sip import ALICE, BOB, message, unique


def connect():
    raw = socket.create_connection((names.EDGE_EXTERNAL, 5061), 10)
    raw.settimeout(30)
    return raw


def ends(raw):
    """The other side ends it, one way or the other."""
    try:
        while raw.recv(4096):
            pass
    except ConnectionResetError:
        pass
    return True


def test_a_handshake_that_never_begins_is_ended(start_edge):
    edge = start_edge(access_edge={"handshake_timeout": 1})
    silent = [connect() for _ in range(10)]
    assert all(ends(raw) for raw in silent)
    pool = edge.serve_pool()
    assert edge.partner().ask(message()).status == 200
    assert pool.next_request().method == "MESSAGE"


def test_a_handshake_a_byte_at_a_time_is_ended_by_the_absolute_deadline(start_edge):
    """The deadline is for the handshake, not for each read: slow bytes do not extend it."""
    start_edge(access_edge={"handshake_timeout": 1})
    raw = connect()
    # A ClientHello's beginning: a record of 512 bytes is announced, and comes slowly.
    raw.send(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
    was_ended = False
    for _ in range(500):
        time.sleep(0.05)
        try:
            raw.send(b"\x00")
        except OSError:
            was_ended = True
            break
    assert was_ended


def test_a_stranger_that_says_nothing_is_closed_and_a_partner_is_not(start_edge, lab):
    edge = start_edge(access_edge={"idle_timeout": 10})
    edge.serve_pool()
    stranger = edge.partner(lab.public.issue("stranger", "sip.stranger.example", usages=BOTH))
    partner = edge.partner()
    assert partner.ask(message()).status == 200
    how, messages = stranger.wait_closed(40)
    assert messages == []
    assert partner.ask(message()).status == 200


def test_a_message_that_never_ends_is_ended(start_edge):
    edge = start_edge()
    pool = edge.serve_pool()
    partner = edge.partner()
    partner.send(message(body="x" * 100)[:-50])
    how, messages = partner.wait_closed(60)
    assert all(m.status >= 400 for m in messages)
    assert pool.has_no_request()


def memory_kib(process_id):
    with open(f"/proc/{process_id}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))


def access_pid(edge):
    return next(s["pid"] for s in edge.ask("status")["services"] if s["name"] == "access")


def test_a_partner_that_does_not_read_stops_nobody(start_edge, lab):
    """Its queue is bounded, its senders get answers, other partners' messages cross meanwhile."""
    lab.dns.add(*sip_records())
    certificate = lab.public.issue("deaf", "sip.deaf.example", usages=BOTH)
    edge = start_edge(allowed=["deaf.example", names.PARTNER_DOMAIN])
    good = edge.serve_partner()
    context = sip_peer.server_context(certificate, lab.public.certificate)
    deaf = socket.create_server((names.PARTNER_2, 5061))
    sender, other = edge.inside(timeout=120), edge.inside()
    sender.send(message(ALICE, "sip:dora@deaf.example", body="x" * 60000))
    raw, _ = deaf.accept()
    kept = context.wrap_socket(raw, server_side=True)  # and never reads again
    before = memory_kib(access_pid(edge))
    count = 1
    for _ in range(1000):  # 60 MB, far more than any socket's buffers
        sender.send(message(ALICE, "sip:dora@deaf.example", body="x" * 60000))
        count += 1
        if count % 50 == 0:
            assert other.ask(message(ALICE, BOB)).status == 200
    answers = [sender.final(timeout=90) for _ in range(count)]
    assert len(answers) == count and {a.status for a in answers} <= {408, 504}
    edge.wait_event("does not read")
    assert good.requests.qsize() == count // 50
    assert memory_kib(access_pid(edge)) - before < 96 * 1024
    kept.close()
    deaf.close()
    assert other.ask(message(ALICE, BOB)).status == 200


def sip_records():
    from lab.dns import federation
    return federation("deaf.example", "sip.deaf.example", names.PARTNER_2)


def test_a_sender_that_does_not_read_its_answers_stops_nobody(start_edge):
    edge = start_edge()
    pool = edge.serve_pool()
    deaf, other = edge.partner(), edge.partner()
    sent = 0
    try:
        for _ in range(20000):
            deaf.send(message(), timeout=2)
            sent += 1
    except (sip_peer.Timeout, sip_peer.PeerClosed):
        pass
    assert other.ask(message(), timeout=30).status == 200
    wait_until(lambda: pool.requests.qsize() > 0, 10, "the pool got some")


def test_over_the_transaction_limit_the_answer_is_503_with_retry_after(start_edge):
    edge = start_edge(access_edge={"max_transactions": 64})
    asked = []
    edge.serve_pool(handler=lambda c, m: asked.append((c, m)) if m.body != b"first" else c.send(response(m, 200)))
    partner = edge.partner(timeout=60)
    assert partner.ask(message(body="first")).status == 200  # the look-up of its domain is done
    calls = [unique("call") for _ in range(200)]
    partner.send(b"".join(message(call_id=call) for call in calls))
    refused = [partner.final() for _ in range(200 - 64)]  # at least; each that crosses is two transactions
    try:
        while len(refused) + len(asked) < 200:
            refused.append(partner.final(timeout=2))
    except Timeout:
        pass
    wait_until(lambda: len(refused) + len(asked) == 200, 10, "the others reached the pool")
    assert asked and {a.status for a in refused} == {503} and all(a.get("Retry-After") for a in refused)
    for connection, m in asked:
        connection.send(response(m, 200))
    answered = [partner.final() for _ in asked]
    assert {a.status for a in answered} == {200}
    assert sorted(a.get("Call-ID") for a in refused + answered) == sorted(calls)


def test_over_the_connection_limit_those_who_are_in_stay_in(start_edge):
    edge = start_edge(access_edge={"max_connections": 16})
    edge.serve_pool()
    partner = edge.partner()
    assert partner.ask(message()).status == 200
    crowd = [connect() for _ in range(60)]
    assert partner.ask(message()).status == 200
    for raw in crowd:
        raw.close()

    def is_let_in():
        try:
            return edge.partner().ask(message()).status == 200
        except (PeerClosed, OSError):
            return False
    wait_until(is_let_in, 20, "there is room again")


def test_many_strangers_leave_room_for_partners(start_edge):
    """Unidentified connections have a share of their own."""
    edge = start_edge(access_edge={"handshake_timeout": 2})
    pool = edge.serve_pool()
    partner = edge.partner()
    assert partner.ask(message()).status == 200
    strangers = []
    for _ in range(300):
        strangers.append(connect())
    assert partner.ask(message()).status == 200
    assert all(ends(raw) for raw in strangers)
    assert edge.partner().ask(message()).status == 200
    assert pool.requests.qsize() == 3


pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")
