"""A change of policy ends the connections it is about, with its reason, and touches nobody else's."""
import pytest

from lab import names
from lab.dns import federation
from lab.process import wait_until
from lab.sip_peer import Timeout, answer_ok
from sip import ALICE, BOB, message

SECOND = "second.live.example"
CAROL = f"sip:carol@{SECOND}"


@pytest.fixture(scope="module")
def second(lab):
    lab.dns.add(*federation(SECOND, f"sip.{SECOND}", names.PARTNER_2))
    return lab.public.issue("second-live", f"sip.{SECOND}")


class World:
    """Two partners, each with a connection of its own and one that we made, and our pool."""

    def __init__(self, edge, second):
        self.edge = edge
        self.pool, self.inside = edge.serve_pool(), edge.inside()
        self.servers = [edge.serve_partner(), edge.serve_partner(names.PARTNER_2, certificate=second, require=False)]
        self.partners = [edge.partner(), edge.partner(second, source=names.PARTNER_2)]
        for at in (0, 1):
            assert self.talks(at) == (200, 200)
        self.count = {(row["id"], row["partner"]) for row in self.rows()}

    def talks(self, at):
        """(inwards, outwards) with that partner."""
        who = (BOB, CAROL)[at]
        return self.partners[at].ask(message(who, ALICE)).status, self.inside.ask(message(ALICE, who)).status

    def rows(self):
        return [row for row in self.edge.ask("connection", "list")["rows"] if row["id"] != "-"]

    def change(self, *words):
        answer = self.edge.parley("--yes", *words)
        assert answer.returncode == 0, answer.stdout + answer.stderr

    def is_silent(self, at):
        """Its connection is there and nothing has come on it."""
        try:
            self.partners[at].receive(0.2)
        except Timeout:
            return True
        return False

    def closed(self, at):
        self.partners[at].wait_closed(10)
        wait_until(lambda: not self.servers[at].connections, 10, "the one we made is closed, too")

    def lives(self, at):
        accepted = self.servers[at].accepted
        assert self.talks(at) == (200, 200) and self.servers[at].accepted == accepted


@pytest.fixture
def world(start_edge, second):
    return lambda **more: World(start_edge(**{"allowed": [names.PARTNER_DOMAIN, SECOND], **more}), second)


def test_blocking_a_domain_ends_its_connections_both_ways_and_no_other(world):
    w = world()
    w.change("domain", "block", names.PARTNER_DOMAIN)
    w.closed(0)
    w.edge.wait_event("connection-closed", "incoming", names.PARTNER_DOMAIN, "is on the block list")
    w.edge.wait_event("connection-closed", "outgoing", names.PARTNER_DOMAIN, "is on the block list")
    w.lives(1)
    w.change("domain", "allow", names.PARTNER_DOMAIN)
    w.partners[0] = w.edge.partner()
    assert w.talks(0) == (200, 200)


def test_taking_a_domain_off_the_list_does_the_same_and_leaves_the_other(world):
    w = world()
    w.change("domain", "remove", SECOND)
    w.closed(1)
    w.edge.wait_event("connection-closed", SECOND, "not on the list of allowed domains")
    w.lives(0)


def test_federation_switched_off_ends_all_partners_and_leaves_the_pool(world):
    w = world()
    w.change("access-edge", "set", "allow-federated-users=false")
    w.closed(0)
    w.closed(1)
    w.edge.wait_event("connection-closed", names.PARTNER_DOMAIN, "federation is switched off")
    assert w.inside.ask(message(ALICE, BOB)).status == 403  # on the connection it had
    assert {row["side"] for row in w.rows() if row["state"] == "up"} == {"internal"}
    w.change("access-edge", "set", "allow-federated-users=true")
    w.partners = [w.edge.partner(), w.partners[1]]
    assert w.talks(0) == (200, 200)


def test_a_user_policy_refuses_and_a_change_elsewhere_ends_nothing(world):
    w = world()
    w.change("access-edge", "set", "idle-timeout=700")
    w.change("domain", "block", "somebody.else.example")
    assert w.is_silent(0) and w.is_silent(1)
    w.lives(0)
    w.lives(1)


def test_what_is_under_way_is_answered_before_the_connection_goes(world):
    """Blocked between request and answer: the answer still comes, then the end, with its reason."""
    w = world()
    held = []
    w.pool.handler = lambda connection, request: held.append((connection, request))
    w.partners[0].send(message(BOB, ALICE))
    wait_until(lambda: held, 10, "the request is at the pool")
    w.change("domain", "block", names.PARTNER_DOMAIN)
    answer_ok(*held[0])
    assert w.partners[0].final().status == 200
    w.partners[0].wait_closed(10)
