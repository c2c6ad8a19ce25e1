"""Crowds at the door: strangers have a share, and whoever is allowed keeps its own (daemon/access/door.h)."""
import os
import select
import socket
import time

import pytest

from lab import names
from lab.dns import federation
from lab.laboratory import BOTH
from lab.process import wait_until
from lab.sip_peer import PeerClosed, Timeout, response
from sip import message
from test_limits import access_pid, memory_kib

STRANGERS = 5000
PER_SOURCE = 10  # fewer than one source may have, so that the shares decide


def crowd(count, first_bytes=b"", per_source=PER_SOURCE):
    """So many connections that say no more than that, from as many sources as it takes."""
    poll, sockets = select.epoll(), []
    for n in range(count):
        source = n // per_source
        raw = socket.socket()
        raw.setblocking(False)
        raw.bind((f"127.1.{source // 250}.{source % 250 + 1}", 0))
        raw.connect_ex((names.EDGE_EXTERNAL, 5061))
        poll.register(raw, select.EPOLLOUT)
        sockets.append(raw)
    if first_bytes:
        waiting = {raw.fileno(): raw for raw in sockets}
        deadline = time.monotonic() + 30
        while waiting and time.monotonic() < deadline:
            for fd, _ in poll.poll(1):
                raw = waiting.pop(fd, None)
                poll.unregister(fd)
                try:
                    raw.send(first_bytes)
                except OSError:
                    pass
    poll.close()
    return sockets


def close_all(sockets):
    for raw in sockets:
        raw.close()


def limits_told(edge, name):
    return [line for line in edge.events() if "limit-reached" in line and name in line]


def test_5000_silent_strangers_cost_an_allowed_partner_no_answer(start_edge):
    edge = start_edge()
    pool = edge.serve_pool()
    partner = edge.partner()
    assert partner.ask(message()).status == 200
    pid = access_pid(edge)
    before = memory_kib(pid)
    strangers = crowd(STRANGERS)
    try:
        assert [partner.ask(message()).status for _ in range(300)] == [200] * 300
        # One that comes back is known by its address: it does not stand in the strangers' queue.
        again = edge.partner()
        assert again.ask(message()).status == 200
        edge.wait_event("limit-reached", "unidentified-share of max-connections", "1800")
        assert len(limits_told(edge, "unidentified-share of max-connections")) == 1
        # And one that nobody has seen before gets in, too: who has kept silent for a second makes room.
        wait_until(lambda: is_let_in(edge, source="127.9.9.8"), 20, "a newcomer is let in")
        # A connection that has said nothing has no TLS session: a few hundred strangers' sessions would not fit in here.
        assert memory_kib(pid) - before < 12 * 1024
    finally:
        close_all(strangers)
    assert partner.ask(message()).status == 200
    refused = [line for line in edge.events() if '"connection-refused"' in line]
    assert len(refused) < 300, "an event each"
    wait_until(lambda: is_let_in(edge, source="127.9.9.9"), 20, "strangers' share is free again")
    assert pool.requests.qsize() == 305


@pytest.mark.short
def test_strangers_of_one_source_are_turned_away_after_sixteen(start_edge):
    edge = start_edge(access_edge={"handshake_timeout": 60})
    strangers = crowd(17, per_source=17)
    try:
        poll = select.poll()
        for raw in strangers:
            poll.register(raw, select.POLLIN)
        closed = wait_until(lambda: [fd for fd, _ in poll.poll(0)], 10, "the seventeenth is turned away")
        assert closed == [strangers[16].fileno()]
        edge.wait_event("limit-reached", "unidentified connections of one source", "127.1.0.1")
    finally:
        close_all(strangers)


@pytest.mark.short
def test_a_newcomer_takes_the_place_of_the_last_silent_one_of_its_own_source(start_edge):
    """One place for strangers: each newcomer ends the one before, of the same address, and the process lives on."""
    edge = start_edge(access_edge={"max_connections": 16, "unidentified_share": 10, "handshake_timeout": 60})
    edge.serve_pool()
    pid = access_pid(edge)
    silent = []
    try:
        for _ in range(3):
            silent += crowd(1)
            time.sleep(1.2)  # DOOR_SILENT_GRACE_MS
        silent += crowd(1)
        for raw in silent[:3]:
            assert is_closed(raw), "the one before makes room"
        assert not is_closed(silent[3], within=0.5)
        wait_until(lambda: is_let_in(edge), 20, "a partner is let in")
    finally:
        close_all(silent)
    assert access_pid(edge) == pid


def is_closed(raw, within=10):
    poll = select.poll()
    poll.register(raw, select.POLLIN)
    return bool(poll.poll(within * 1000))


@pytest.mark.short
def test_handshakes_wait_for_their_turn_and_a_known_partner_does_not(start_edge):
    """A flood of ClientHellos has the rate of strangers; partners' tokens are kept for them."""
    edge = start_edge(access_edge={"max_handshake_rate": 20})
    edge.serve_pool()
    assert edge.partner().ask(message()).status == 200  # its address is known from here on
    # The beginning of a ClientHello: a handshake begins, and never ends.
    loud = crowd(300, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
    try:
        edge.wait_event("limit-reached", "max-handshake-rate", "20")
        assert [edge.partner().ask(message()).status for _ in range(3)] == [200] * 3
        assert len(limits_told(edge, "max-handshake-rate")) == 1
    finally:
        close_all(loud)


def test_at_the_whole_limit_listeners_sleep_and_wake(start_edge):
    edge = start_edge(access_edge={"max_connections": 16, "unidentified_share": 45, "discovered_share": 45})
    edge.serve_pool()
    partner = edge.partner()
    assert partner.ask(message()).status == 200
    inside = [edge.partner() for _ in range(13)]  # with the one above and the pool's, fifteen
    assert all(c.ask(message()).status == 200 for c in inside)
    last = edge.partner()
    assert last.ask(message()).status == 200
    # The seventeenth waits in the kernel's queue, where it costs nothing
    waiting = socket.create_connection((names.EDGE_EXTERNAL, 5061), 10, (names.PARTNER, 0))
    edge.wait_event("limit-reached", '"max-connections"', "16")
    spent = cpu_ticks(access_pid(edge))
    time.sleep(1)
    assert cpu_ticks(access_pid(edge)) - spent < os.sysconf("SC_CLK_TCK") * 0.5, "it spins"
    assert partner.ask(message()).status == 200
    waiting.close()
    last.close()
    wait_until(lambda: is_let_in(edge), 20, "there is room again")


def is_let_in(edge, **more):
    try:
        return edge.partner(timeout=3, **more).ask(message()).status == 200
    except (PeerClosed, Timeout, OSError):
        return False


def cpu_ticks(pid):
    with open(f"/proc/{pid}/stat") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return int(fields[11]) + int(fields[12])


def test_without_descriptors_listeners_sleep_partners_stay_and_it_is_told_once(start_edge):
    edge = start_edge(descriptors=64)
    edge.serve_pool()
    partner = edge.partner()
    assert partner.ask(message()).status == 200
    pid = access_pid(edge)
    crowd_of_its_own, turned_away = [], 0
    while turned_away < 3:  # the process's last descriptors go; who comes then is let go again
        assert len(crowd_of_its_own) < 64
        try:
            crowd_of_its_own.append(edge.partner())
        except (PeerClosed, OSError):
            turned_away += 1
    edge.wait_event("limit-reached", "descriptors of the process")
    waiting = [socket.create_connection((names.EDGE_EXTERNAL, 5061), 10) for _ in range(20)]
    spent = cpu_ticks(pid)
    assert [partner.ask(message()).status for _ in range(50)] == [200] * 50
    time.sleep(2)
    assert cpu_ticks(pid) - spent < os.sysconf("SC_CLK_TCK"), "it spins"
    assert len(limits_told(edge, "descriptors of the process")) == 1
    close_all(waiting + crowd_of_its_own)
    wait_until(lambda: is_let_in(edge), 20, "there are descriptors again")


@pytest.mark.short
@pytest.mark.parametrize("share", [10, 20])
def test_transactions_of_strangers_end_at_their_share_exactly(start_edge, lab, share):
    """Requests that wait for a look-up are under way; one more than the share gets 503, and a partner's all pass."""
    slow = lab.public.issue("slow", f"sip.{names.SLOW_DOMAIN}", usages=BOTH)
    edge = start_edge(access_edge={"enable_partner_discovery": "true", "max_transactions": 400,
                                   "unidentified_share": share, "discovered_partner_standard_rate": 1000})
    pool = edge.serve_pool()
    partner = edge.partner()
    assert partner.ask(message()).status == 200
    most = 400 * share // 100
    stranger = edge.partner(slow, source=names.PARTNER_3, timeout=30)
    stranger.send(b"".join(message(f"sip:zoe@{names.SLOW_DOMAIN}") for _ in range(most + 25)))
    refused = [stranger.final() for _ in range(25)]
    assert {a.status for a in refused} == {503} and all(a.get("Retry-After") for a in refused)
    assert [partner.ask(message()).status for _ in range(20)] == [200] * 20
    edge.wait_event("limit-reached", "unidentified-share of max-transactions", f'"value": {most}')
    assert pool.requests.qsize() == 21
    # Every one that waited is answered, too.
    assert 503 not in {stranger.final().status for _ in range(most)}


@pytest.mark.short
def test_one_partner_leaves_room_for_others_with_all_its_connections(start_edge, lab):
    lab.dns.add(*federation("wingtip.example", "sip.wingtip.example", names.PARTNER_3))
    edge = start_edge(access_edge={"max_transactions": 256}, allowed=[names.PARTNER_DOMAIN, "wingtip.example"])
    held = []
    edge.serve_pool(handler=lambda c, m: c.send(response(m, 200)) if m.body == b"quick" else held.append((c, m)))
    connections = [edge.partner(timeout=60) for _ in range(4)]
    assert connections[0].ask(message(body="quick")).status == 200
    for c in connections:
        c.send(b"".join(message() for _ in range(40)))
    wait_until(lambda: len(held) == 64, 10, "a quarter of the transactions waits for the pool")
    edge.wait_event("limit-reached", "transactions of one partner", '"value": 64')
    other = edge.partner(lab.public.issue("wingtip", "sip.wingtip.example", usages=BOTH), source=names.PARTNER_3)
    assert [other.ask(message("sip:zoe@wingtip.example", body="quick")).status for _ in range(10)] == [200] * 10
    for c, m in held:
        c.send(response(m, 200))
    answers = [c.final().status for c in connections for _ in range(40)]
    assert sorted(answers) == [200] * 64 + [503] * 96


@pytest.mark.short
def test_limits_change_while_connections_live(start_edge):
    edge = start_edge()
    held = []
    edge.serve_pool(handler=lambda c, m: held.append((c, m)) if m.body == b"hold" else c.send(response(m, 200)))
    partner, other = edge.partner(timeout=30), edge.partner(timeout=30)
    assert partner.ask(message(body="x" * 60000)).status == 200
    edge.ask("access-edge", "set", "max-message-body=100000")
    assert partner.ask(message(body="x" * 99000)).status == 200
    edge.ask("access-edge", "set", "max-message-body=2000", "max-transactions=64")
    assert other.ask(message(body="x" * 2001)).status == 513
    partner.send(b"".join(message(body="hold") for _ in range(17)))
    assert partner.final().status == 503  # a quarter of 64 may be one connection's
    wait_until(lambda: len(held) == 16, 10, "the others wait for the pool")
    edge.ask("access-edge", "set", "max-transactions=1000")
    assert partner.ask(message()).status == 200
    for c, m in held:
        c.send(response(m, 200))
    assert [partner.final().status for _ in range(16)] == [200] * 16
