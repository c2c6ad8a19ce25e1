"""Partners' edges and members of our pool: several of them, several connections, failing and coming back."""
import collections
import subprocess
import threading
import time

import pytest

from lab import names
from lab.dns import federation, host_record, srv
from lab.process import wait_until
from lab.sip_peer import answer_ok, response
from sip import ALICE, BOB, message, unique

POOL_2, POOL_2_ADDRESS = "pool2.contoso.example", "127.0.11.2"


# ---- several connections to one edge ----

class Holding:
    """A partner that answers nothing until it is told to, and remembers on which connection each call came."""

    def __init__(self):
        self.held, self.calls, self.lock, self.is_open = [], collections.defaultdict(set), threading.Lock(), False

    def __call__(self, connection, request):
        if not request.is_request:
            return
        with self.lock:
            self.calls[request.get("Call-ID")].add(id(connection))
            if not self.is_open:
                self.held.append((connection, request))
                return
        answer_ok(connection, request)

    def release(self):
        with self.lock:
            self.is_open = True
            for connection, request in self.held:
                answer_ok(connection, request)


@pytest.mark.parametrize("most", [1, 3, 4])
def test_load_opens_more_connections_and_never_too_many(start_edge, most):
    edge = start_edge(access_edge={"outgoing_tls_count_for_federated_partners": most})
    holding, inside = Holding(), edge.inside()
    partner = edge.serve_partner(handler=holding)
    calls = [unique() for _ in range(200)]
    sent = 0
    while sent == 0 or (len(partner.connections) < most and sent < 4000):
        inside.send(b"".join(message(ALICE, BOB, call_id=call) for call in calls))
        sent += len(calls)
        wait_until(lambda: len(holding.held) == sent, 20, "all have arrived")
    assert len(partner.connections) == most
    holding.release()
    assert [inside.final(timeout=20).status for _ in range(sent)] == [200] * sent
    assert partner.accepted == most
    # What belongs together stays together.
    holding.calls.clear()
    for number in (1, 2, 3):
        for call in calls[:50]:
            assert inside.ask(message(ALICE, BOB, call_id=call, cseq=number)).status == 200
    assert all(len(used) == 1 for used in holding.calls.values())
    assert len(set().union(*holding.calls.values())) == most


# ---- back-off ----

def test_a_failing_edge_is_left_alone_visibly_until_it_is_retried(start_edge, lab):
    lab.dns.add(*federation("resting.example", "sip.resting.example", names.PARTNER_3))
    certificate = lab.public.issue("resting", "sip.resting.example")
    edge = start_edge(allowed=["resting.example"])
    inside = edge.inside()

    def resting():
        return next((row for row in edge.ask("connection", "list")["rows"]
                     if row["state"] == "back-off" and row["partner"] == "sip.resting.example"), None)

    row = None
    while row is None:  # each failure doubles the back-off, so that it can be seen
        assert inside.ask(message(ALICE, "sip:carol@resting.example")).status == 504
        row = resting()
    assert row["next_retry"] > row["since"] > 0 and row["last_error"] and row["direction"] == "out"
    shown = edge.ask("domain", "show", "resting.example")
    assert "sip.resting.example" in shown["last_error_out"]["text"]
    server = edge.serve_partner(names.PARTNER_3, certificate=certificate, require=False)
    assert edge.ask("connection", "retry", "resting.example")["count"] == 1
    wait_until(lambda: server.connections, 10, "the edge connects without a message")
    assert resting() is None
    assert inside.ask(message(ALICE, "sip:carol@resting.example")).status == 200 and server.accepted == 1


def test_retry_says_when_there_is_nothing_to_retry(start_edge):
    answer = start_edge().parley("connection", "retry", "unheard-of.example")
    assert answer.returncode != 0 and "unheard-of.example" in answer.stdout + answer.stderr


# ---- DNS ----

def test_dns_is_asked_anew_after_a_flush(start_edge, lab):
    """Its answer would be good for a minute; the partner has moved and tells us on the telephone."""
    def move(host, address):
        lab.dns.remove("_sipfederationtls._tcp.moving.example")
        lab.dns.add(srv("moving.example", host).replace(" 5 IN ", " 60 IN "), host_record(host, address))

    certificate = lab.public.issue("moving", "sip.moving.example", dns=["sip.moving.example", "sip2.moving.example"])
    move("sip.moving.example", names.PARTNER_2)
    edge = start_edge(allowed=["moving.example"])
    inside = edge.inside()
    old = edge.serve_partner(names.PARTNER_2, certificate=certificate, require=False)
    new = edge.serve_partner(names.PARTNER_3, certificate=certificate, require=False)
    assert inside.ask(message(ALICE, "sip:carol@moving.example")).status == 200
    move("sip2.moving.example", names.PARTNER_3)
    assert inside.ask(message(ALICE, "sip:carol@moving.example")).status == 200
    assert old.requests.qsize() == 2 and new.accepted == 0
    assert edge.ask("dns", "flush")["count"] >= 2
    assert inside.ask(message(ALICE, "sip:carol@moving.example")).status == 200
    assert new.requests.qsize() == 1


# ---- one of our own users ----

def test_one_user_of_ours_may_not_flood_partners(start_edge):
    edge = start_edge(access_edge={"local_user_rate": 5})
    partner, inside = edge.serve_partner(), edge.inside()
    inside.send(b"".join(message(ALICE, BOB) for _ in range(40)))
    answers = [inside.final() for _ in range(40)]
    limited = [answer for answer in answers if answer.status == 480]
    assert limited and len([a for a in answers if a.status == 200]) >= 5 and len(limited) + partner.requests.qsize() == 40
    assert all(answer.get("Retry-After") and answer.get("ms-diagnostics").startswith("30011;") for answer in limited)
    assert inside.ask(message("sip:anna@contoso.example", BOB)).status == 200
    edge.wait_event("local-user-rate", "alice@contoso.example")
    wait_until(lambda: edge.ask("status")["steps"].get("local-user-rate") == len(limited), 10, "each refusal is counted")
    assert "local-user-rate" in edge.ask("domain", "show", names.PARTNER_DOMAIN)["last_error_out"]["text"]


# ---- members of our pool ----

class Member:
    """A pool server whose answer to OPTIONS a test sets; 0: none."""

    def __init__(self):
        self.health = 200
        self.asked = 0

    def __call__(self, connection, request):
        if not request.is_request:
            return
        if request.method != "OPTIONS":
            answer_ok(connection, request)
            return
        self.asked += 1
        if self.health:
            connection.send(response(request, self.health))

    def messages(self, server):
        count = 0
        while not server.has_no_request():
            count += server.next_request().method == "MESSAGE"
        return count


@pytest.fixture
def two_members(start_edge, lab):
    """(edge, first, its server, second, its server): the first has the better priority."""
    def start(**fields):
        other = lab.internal.issue("pool2", POOL_2, usages=("tls_www_server", "tls_www_client"))
        edge = start_edge(topology={"pool_ping_interval": 1, "pool_ping_failures": 2, "pool_ping_successes": 2},
                          pool={names.POOL_NAME: {"address": f"{names.POOL}:5061", "priority": 1, **fields},
                                POOL_2: {"address": f"{POOL_2_ADDRESS}:5061", "priority": 2, **fields}})
        first, second = Member(), Member()
        return edge, first, edge.serve_pool(handler=first), second, edge.serve_pool(POOL_2_ADDRESS, handler=second, certificate=other)
    return start


@pytest.mark.parametrize("sick", [503, 0])
def test_a_member_that_does_not_live_is_ejected_and_comes_back(two_members, sick):
    edge, first, first_server, second, second_server = two_members()
    partner = edge.partner()
    assert partner.ask(message()).status == 200 and first.messages(first_server) == 1
    first.health = sick
    edge.wait_event("pool-member-ejected", names.POOL_NAME, seconds=40)
    assert partner.ask(message()).status == 200
    assert first.messages(first_server) == 0 and second.messages(second_server) == 1
    row = next(row for row in edge.ask("connection", "list")["rows"] if row["state"] == "ejected")
    assert row["partner"] == names.POOL_NAME and row["side"] == "internal"
    first.health = 404  # any answer of its own shows that it lives
    edge.wait_event("pool-member-returned", names.POOL_NAME, seconds=40)
    assert partner.ask(message()).status == 200 and first.messages(first_server) == 1
    assert second.messages(second_server) == 0


def test_a_member_that_cannot_be_reached_is_ejected_without_any_message(two_members):
    edge, _, first_server, second, second_server = two_members()
    first_server.close()
    edge.wait_event("pool-member-ejected", names.POOL_NAME, seconds=40)
    assert edge.partner().ask(message()).status == 200 and second.messages(second_server) == 1


def test_when_all_are_ejected_they_are_tried_all_the_same(two_members):
    edge, first, first_server, second, _ = two_members()
    first.health = second.health = 503
    edge.wait_event("pool-member-ejected", names.POOL_NAME, seconds=40)
    edge.wait_event("pool-member-ejected", POOL_2, seconds=40)
    assert edge.partner().ask(message()).status == 200 and first.messages(first_server) == 1


def test_members_of_one_priority_share_by_weight(start_edge, lab):
    other = lab.internal.issue("pool2", POOL_2, usages=("tls_www_server", "tls_www_client"))
    edge = start_edge(pool={names.POOL_NAME: {"address": f"{names.POOL}:5061", "weight": 10},
                            POOL_2: {"address": f"{POOL_2_ADDRESS}:5061", "weight": 40}})
    light, heavy = edge.serve_pool(), edge.serve_pool(POOL_2_ADDRESS, certificate=other)
    partner = edge.partner()
    assert [partner.ask(message()).status for _ in range(200)] == [200] * 200
    assert 0 < light.requests.qsize() < heavy.requests.qsize()


def test_nobody_is_asked_when_the_interval_is_0(start_edge):
    edge, member = start_edge(), Member()
    edge.serve_pool(handler=member)
    assert edge.partner().ask(message()).status == 200
    time.sleep(2.5)  # longer than an interval of 1: a ping would have come
    assert member.asked == 0


# ---- a peer that is gone without a word ----

@pytest.fixture
def vanishing(lab):
    """(address, certificate, vanish): a host whose address can be taken away under its connections, as a pulled plug does."""
    address = "10.77.0.1"
    subprocess.run(["ip", "address", "add", f"{address}/32", "dev", "lo"], check=True)
    lab.dns.add(*federation("vanishing.example", "sip.vanishing.example", address))

    def vanish():
        subprocess.run(["ip", "address", "delete", f"{address}/32", "dev", "lo"], check=False, capture_output=True)

    yield address, lab.public.issue("vanishing", "sip.vanishing.example"), vanish
    vanish()


def test_who_waits_for_a_dead_peer_is_answered_and_the_connection_ends(start_edge, vanishing):
    address, certificate, vanish = vanishing
    edge = start_edge(allowed=["vanishing.example", names.PARTNER_DOMAIN], access_edge={"dead_peer_timeout": 5},
                      topology={"permitted_targets": "127.0.0.0/8 10.77.0.0/16"})
    server = edge.serve_partner(address, certificate=certificate, require=False)
    partner, inside, other = edge.serve_partner(), edge.inside(), edge.inside()
    assert inside.ask(message(ALICE, "sip:carol@vanishing.example")).status == 200
    vanish()
    inside.send(message(ALICE, "sip:carol@vanishing.example"))
    assert other.ask(message(ALICE, BOB)).status == 200 and partner.requests.qsize() == 1
    answer = inside.final(timeout=60)
    assert answer.status == 504 and server.requests.qsize() == 1
    edge.wait_event("connection-closed", "vanishing.example", "timeout")
    assert edge.ask("domain", "show", "vanishing.example")["last_error_out"]["by"] == "network"
