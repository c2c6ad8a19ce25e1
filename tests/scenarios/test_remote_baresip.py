"""
A real program of a remote user (baresip) behind NAT, signed in at a real pool (Kamailio, digest, Path, Outbound)
through the edge: writes and is written to, by one inside and by a federated partner, is called, keeps alive while idle,
and is cut off when its policy is withdrawn.
"""
import os
import time

import pytest

from conftest import Running
from lab import kamailio, names
from lab.baresip import Baresip
from lab.dns import Dns, host_record
from lab.home import Home
from lab.process import wait_until
from lab.sipp import User as Sipp

IDLE_SECONDS = 600 if os.environ.get("PARLEY_LONG") else 5


class World:
    def __init__(self, lab):
        self.lab, self.home = lab, Home(lab.ledger)
        folder = lab.folder / "outside"
        folder.mkdir()
        self.dns = Dns(lab.ledger, folder, names.REMOTE_DNS)
        self.dns.start([host_record(names.REMOTE_NAME, names.REMOTE_EDGE)])
        self.edge = lab.edge("edge-remote", allowed=[names.PARTNER_DOMAIN], remote=True,
                             remote_certificate=lab.public.issue("remote", names.REMOTE_NAME),
                             topology={"media": "direct"}, access_edge={"remote_keep_alive": 20},
                             edge={"remote_listen": f"{names.REMOTE_EDGE}:443", "remote_fqdn": names.REMOTE_NAME,
                                   "remote_certificate": "certs/remote.pem"})
        self.edge.start()
        self.running = Running(lab, self.edge)
        self.pool = kamailio.start(lab.ledger, lab.folder, "pool", names.OWN_DOMAIN, names.POOL, names.EDGE_NAME,
                                   lab.pool, lab.internal.certificate, remote=True)
        self.partner = kamailio.start(lab.ledger, lab.folder, "partner", names.PARTNER_DOMAIN, names.PARTNER,
                                      names.EDGE_EXTERNAL_NAME, lab.partner, lab.public.certificate)
        self.dora = Sipp(lab.ledger, lab.folder, "dora", names.OWN_DOMAIN, names.ALICE, names.POOL)
        self.bob = Sipp(lab.ledger, lab.folder, "bob", names.PARTNER_DOMAIN, names.BOB, names.PARTNER)
        for user in (self.dora, self.bob):
            self.succeeds(user.run("register"))
        self.alice = Baresip(lab, self.home, "alice", "wonderland", [("dora", names.OWN_DOMAIN), ("bob", names.PARTNER_DOMAIN)])

    def succeeds(self, run):
        assert run.succeeded, f"{run.why_it_failed()}\n{self.alice.said()[-6000:] if hasattr(self, 'alice') else ''}\n{self.pool.log.read_text()[-2000:]}"

    def row(self):
        rows = [row for row in self.edge.ask("remote", "list")["rows"] if row["user"] == "alice@contoso.example"]
        return rows[0] if rows else None

    def close(self):
        self.alice.stop()
        self.pool.stop()
        self.partner.stop()
        self.home.close()


@pytest.fixture(scope="module")
def world(lab):
    world = World(lab)
    yield world
    world.close()
    world.running.assert_healthy()
    assert world.edge.stop()


def test_signs_in_from_behind_nat(world):
    row = wait_until(lambda: (world.row() or {}).get("state") == "signed in" and world.row(), 20, "alice is signed in",
                     world.alice.process.is_running)
    assert row["address"].startswith(f"{names.NAT_OUTSIDE}:") and "baresip" in row["agent"].lower()
    assert row["outbound"] is True  # and so it has been told a Flow-Timer
    world.alice.wait_said("200 OK|registered successfully")


@pytest.mark.parametrize("who", ["dora", "bob"])
def test_writes_and_is_written_to(world, who):
    other = getattr(world, who)
    waiting = other.start("message_receive", Named("alice"))
    time.sleep(0.2)
    world.alice.write_to(other.uri, f"Hello {who} from outside")
    world.succeeds(waiting.finish())
    assert f"Hello {who} from outside" in waiting.received("MESSAGE")[0]
    world.succeeds(other.run("message_send", Named("alice"), text=f"Hello alice this is {who}"))
    world.alice.wait_said(f"Hello alice this is {who}")


class Named:
    def __init__(self, user):
        self.uri = f"sip:{user}@{names.OWN_DOMAIN}"


@pytest.mark.parametrize("who", ["dora", "bob"])
def test_is_called(world, who):
    before = world.alice.said().count("Call established")
    world.succeeds(getattr(world, who).run("call_invite", Named("alice")))
    wait_until(lambda: world.alice.said().count("Call established") > before, 10, "the call at baresip")


def test_idles_and_is_there_still(world):
    first = world.row()
    time.sleep(IDLE_SECONDS)
    row = world.row()
    assert row and row["connection"] == first["connection"] and row["state"] == "signed in"
    world.succeeds(world.dora.run("message_send", Named("alice"), text="Still there?"))
    world.alice.wait_said("Still there?")


def test_is_cut_off_when_its_policy_is_withdrawn(world):
    world.edge.ask("policy", "new", "Inside", "--yes")
    world.edge.ask("user", "add", "alice@contoso.example", "policy=Inside", "--yes")
    event = world.running.wait_event("remote-signed-out", "alice@contoso.example")
    assert "does not permit remote access" in event
    wait_until(lambda: world.row() is None, 5, "alice is gone")
    # The pool learns it with the next request: 430 from the edge, and it keeps the contact no longer.
    run = world.dora.run("message_send", Named("alice"), text="Gone?")
    assert not run.succeeded and run.received("SIP/2.0 480"), run.why_it_failed()
    world.running.wait_event("request-refused", "flow-failed")
    if not os.environ.get("PARLEY_LONG"):
        return
    # It comes back by itself, in its own time (RFC 5626 §4.5), is refused, and let in again when the policy is given back.
    world.running.wait_event("request-refused", "outside-access", seconds=300)
    world.edge.ask("user", "remove", "alice@contoso.example", "--yes")
    wait_until(lambda: world.row(), 900, "alice is back", world.alice.process.is_running)
