"""The Access Edge and the XMPP gateway: what our pool sends to an XMPP partner reaches it, or is answered with the reason."""
import os
import signal

import pytest

from lab import names
from lab.process import wait_until
from sip import ALICE, message

pytestmark = pytest.mark.short
PARTNER = "nowhere.example"
XMPP = {"xmpp_listen": f"{names.EDGE_EXTERNAL}:5269"}


def state(edge):
    return next(s for s in edge.ask("status")["services"] if s["name"] == "gateway")


def to_partner():
    return message(from_=ALICE, to=f"sip:juliet@{PARTNER}")


def test_without_a_gateway_the_pool_hears_so(start_edge):
    edge = start_edge()
    pool = edge.inside()
    assert pool.ask(to_partner()).status == 403, "nobody knows that domain"
    edge.ask("xmpp", "add", PARTNER)
    answer = pool.ask(to_partner())
    assert answer.status == 504 and "XMPP gateway does not run" in answer.get("ms-diagnostics"), answer
    edge.ask("xmpp", "disable", PARTNER)
    answer = pool.ask(to_partner())
    assert answer.status == 403 and "turned off" in answer.get("ms-diagnostics"), answer


@pytest.mark.restarts
def test_the_gateway_answers_and_its_death_is_answered_for(start_edge):
    edge = start_edge(edge=XMPP)
    edge.ask("xmpp", "add", PARTNER)
    wait_until(lambda: state(edge)["state"] == "running", 30, "the gateway runs")
    pool = edge.inside()
    answer = pool.ask(to_partner(), timeout=40)
    assert answer.status in (404, 480, 502, 504) and "XMPP gateway does not run" not in (answer.get("ms-diagnostics") or ""), answer
    pid = state(edge)["pid"]
    os.kill(pid, signal.SIGSTOP)
    pool.send(to_partner())
    pool.send(to_partner())
    os.kill(pid, signal.SIGKILL)
    for _ in range(2):
        assert pool.receive(timeout=40).status == 504
    wait_until(lambda: state(edge)["pid"] not in (0, pid) and state(edge)["state"] == "running", 30, "the gateway is back")
    answer = pool.ask(to_partner(), timeout=40)
    assert "XMPP gateway" not in (answer.get("ms-diagnostics") or ""), answer
