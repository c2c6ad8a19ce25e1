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


def own(w, at):
    """The id of the connection that this partner made."""
    return next(row["id"] for row in w.rows() if row["direction"] == "in" and row["side"] == "external"
                and row["partner"] == (names.PARTNER_DOMAIN, SECOND)[at])


def hold_one(w):
    """A request of the first partner is at the pool, unanswered: what will answer it."""
    held = []
    w.pool.handler = lambda connection, request: held.append((connection, request))
    w.partners[0].send(message(BOB, ALICE, body="under way"))
    wait_until(lambda: held, 10, "the request is at the pool")

    def answer():
        w.pool.handler = answer_ok
        answer_ok(*held[0])
    return answer


def test_an_administrator_closes_one_connection_and_no_other(world):
    w = world()
    answer = hold_one(w)
    w.change("connection", "close", own(w, 0))
    answer()
    assert w.partners[0].final().status == 200  # what was under way
    w.partners[0].wait_closed(10)
    w.edge.wait_event("connection-closed", "incoming", names.PARTNER_DOMAIN, "closed by administrator ")
    w.lives(1)
    assert w.servers[0].connections  # the one we made to the same partner
    w.partners[0] = w.edge.partner()  # it may come again
    assert w.talks(0) == (200, 200)
    lines = w.edge.ask("audit", "list")["rows"]
    assert any(line["verb"] == "connection.close" and line["outcome"] == "done" for line in lines)


def test_a_drained_connection_takes_nothing_new_and_ends_when_it_is_quiet(world):
    w = world()
    answer = hold_one(w)
    which = own(w, 0)
    w.change("connection", "drain", which, "600")
    assert next(row["state"] for row in w.rows() if row["id"] == which) == "draining"
    refused = w.partners[0].ask(message(BOB, ALICE, body="new"))
    assert refused.status == 503
    w.edge.parley("--yes", "domain", "allow", "somebody.else.example")  # a new version keeps it no longer
    assert any(row["id"] == which for row in w.rows())
    answer()
    assert w.partners[0].final().status == 200
    w.partners[0].wait_closed(10)
    w.edge.wait_event("connection-closed", names.PARTNER_DOMAIN, "drained by administrator ")
    w.lives(1)


def test_a_drain_ends_at_its_deadline(world):
    w = world()
    hold_one(w)
    w.change("connection", "drain", own(w, 0), "0")
    w.partners[0].wait_closed(10)
    w.edge.wait_event("connection-closed", names.PARTNER_DOMAIN, "drained by administrator ")


@pytest.mark.parametrize("verb", ["close", "drain"])
@pytest.mark.parametrize("which, exit_code, says", [
    ("c-999999", 1, "there is no connection c-999999"), ("x-999999", 1, ""), ("c-", 1, "no connection's id"),
    ("fabrikam.example", 1, "no connection's id"), ("c-1x", 1, "no connection's id"), ("-", 1, "no connection's id")])
def test_what_is_no_connection_is_said(world, verb, which, exit_code, says):
    w = world()
    answer = w.edge.parley("--yes", "connection", verb, "--", which) if which == "-" else w.edge.parley("--yes", "connection", verb, which)
    assert answer.returncode != 0 and says in answer.stdout + answer.stderr
    w.lives(0)
    w.lives(1)
