"""The edge's own life: a process that dies, a stop that drains, documents that change, no certificate yet."""
import os
import re
import signal
import threading
import time

import pytest

from lab import names, sip_peer
from lab.edge import access_state
from lab.process import wait_until
from lab.sip_peer import PeerClosed, Timeout, response
from sip import message


def service(edge, name="access"):
    return next(s for s in edge.ask("status")["services"] if s["name"] == name)


def wait_running(edge, other_than=None):
    def is_back():
        found = service(edge)
        return found["state"] == "running" and found["pid"] != other_than
    wait_until(is_back, 30, "the Access Edge runs")


@pytest.mark.restarts
def test_a_killed_access_process_comes_back_and_says_so(start_edge):
    edge = start_edge()
    edge.serve_pool()
    partner = edge.partner()
    assert partner.ask(message()).status == 200
    pid = service(edge)["pid"]
    os.kill(pid, signal.SIGKILL)
    how, _ = partner.wait_closed()
    wait_running(edge, pid)
    assert edge.partner().ask(message(), timeout=30).status == 200
    edge.wait_event("service-exited", "access")


@pytest.mark.restarts
def test_access_killed_three_times_under_traffic_loses_only_what_was_under_way(start_edge):
    """Each request has at most one final answer, and after each return messages cross again."""
    edge = start_edge()
    edge.serve_pool()
    answered, stop = {}, threading.Event()

    def write():
        while not stop.is_set():
            try:
                partner = edge.partner(timeout=5)
                while not stop.is_set():
                    answer = partner.ask(message())
                    call = answer.get("Call-ID")
                    answered[call] = answered.get(call, 0) + 1
            except (PeerClosed, Timeout, OSError):
                time.sleep(0.05)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(3):  # the back-off doubles
            before = len(answered)
            wait_until(lambda: len(answered) > before + 20, 60, "messages cross")
            pid = service(edge)["pid"]
            os.kill(pid, signal.SIGKILL)
            wait_running(edge, pid)
        before = len(answered)
        wait_until(lambda: len(answered) > before + 20, 60, "messages cross again")
    finally:
        stop.set()
        writer.join(30)
    assert set(answered.values()) == {1}


def test_the_keeper_answers_while_access_works(start_edge):
    edge = start_edge()
    status = edge.ask("status")
    assert access_state(status) == "running"


def test_sigterm_lets_what_is_under_way_end(start_edge):
    edge = start_edge()
    asked = []
    edge.serve_pool(handler=lambda c, m: asked.append((c, m)))
    partner = edge.partner(timeout=30)
    partner.send(message(call_id="under-way"))
    wait_until(lambda: asked, 10, "the message reached the pool")
    edge.edge.process.signal(signal.SIGTERM)
    edge_is_draining(partner)
    connection, under_way = asked[0]
    connection.send(response(under_way, 200))
    answer = partner.final("under-way")
    assert answer.status == 200
    assert edge.edge.process.wait(40) == 0
    start_again(edge)


def edge_is_draining(partner):
    """New work is refused while the old ends: 503, or the listener is closed already."""
    def is_refused():
        partner.send(message(call_id=sip_peer.unique()))
        while True:
            try:
                answer = partner.receive(0.5)
            except Timeout:
                return False
            if not answer.is_request and answer.status >= 200:
                # RFC 3261 §20.33: the header has one value
                return answer.status == 503 and len(answer.all("Retry-After")) == 1
    wait_until(is_refused, 20, "new requests are refused")


def start_again(running):
    """So that the fixture finds it running: also shows that a stopped edge starts again on its store."""
    running.disconnect()
    running.edge.start()


def test_a_drain_ends_at_its_deadline(start_edge):
    edge = start_edge(access_edge={"drain_timeout": 1})
    asked = []
    edge.serve_pool(handler=lambda c, m: asked.append(m))  # and never answers
    partner = edge.partner(timeout=30)
    partner.send(message())
    wait_until(lambda: asked, 10, "the message reached the pool")
    edge.edge.process.signal(signal.SIGTERM)
    assert edge.edge.process.wait(40) == 0
    start_again(edge)


def test_sighup_takes_a_changed_document(start_edge):
    edge = start_edge()
    pool = edge.serve_pool()
    assert edge.partner().ask(message()).status == 200
    path = edge.edge.etc / "conf.d/sip-domains.xml"
    text = path.read_text()
    assert names.PARTNER_DOMAIN in text
    path.write_text(re.sub(r"allowed-domain(\s+domain=|>)", r"blocked-domain\1", text))
    edge.edge.process.signal(signal.SIGHUP)

    def is_blocked():
        rows = edge.parley("domain", "list").stdout
        return "block" in rows
    wait_until(is_blocked, 20, "the changed document is taken")
    assert edge.partner().ask(message()).status == 403
    assert pool.requests.qsize() == 1


def test_sighup_with_a_broken_document_keeps_what_runs(start_edge):
    edge = start_edge()
    edge.serve_pool()
    path = edge.edge.etc / "conf.d/access-edge.xml"
    path.write_text(path.read_text().replace("allow-federated-users", "alow-federated-users"))
    edge.edge.process.signal(signal.SIGHUP)
    edge.wait_event("access-edge.xml", "alow-federated-users")
    assert edge.partner().ask(message()).status == 200


def test_many_sighups_harm_nothing(start_edge):
    edge = start_edge()
    edge.serve_pool()
    partner = edge.partner()
    for _ in range(200):
        edge.edge.process.signal(signal.SIGHUP)
    assert partner.ask(message(), timeout=30).status == 200
    assert edge.parley("status").returncode == 0


def test_without_a_certificate_the_daemon_runs_and_says_what_is_missing(lab):
    edge = lab.edge("edge-bare", allowed=[names.PARTNER_DOMAIN],
                    edge={"external_certificate": "", "internal_certificate": ""})
    edge.start(ready=False)
    try:
        wait_until(lambda: access_state(edge.ask("status")) == "stopped", 20, "the Access Edge is stopped")
        assert "no certificate" in edge.parley("status").stdout
        assert edge.process.is_running()
        assert edge.parley("domain", "list").returncode == 0
    finally:
        assert edge.stop()


def test_the_master_switch_refuses_everybody_and_lets_them_in_again(start_edge):
    edge = start_edge()
    edge.serve_pool()
    assert edge.partner().ask(message()).status == 200
    assert edge.parley("--yes", "access-edge", "set", "allow-federated-users=false").returncode == 0
    assert edge.partner().ask(message()).status == 403
    edge.wait_event("federation-switch")
    assert edge.parley("access-edge", "set", "allow-federated-users=true").returncode == 0
    assert edge.partner().ask(message()).status == 200


# ---- the gateway beside it ----

XMPP = {"xmpp_listen": f"{names.EDGE_EXTERNAL}:5269"}


def test_the_gateway_runs_only_where_the_edge_has_an_xmpp_address(start_edge):
    edge = start_edge()
    found = service(edge, "gateway")
    assert (found["state"], found["why"]) == ("stopped", "no XMPP address")
    assert not [a for a in edge.ask("status")["attention"] if a["source"] == "gateway"]
    assert edge.ask("access-edge", "set", "idle-timeout=601")["note"] == "", "nothing is missing"


@pytest.mark.restarts
def test_a_killed_gateway_comes_back_and_access_goes_on(start_edge):
    edge = start_edge(edge=XMPP)
    edge.serve_pool()
    partner = edge.partner()
    wait_until(lambda: service(edge, "gateway")["state"] == "running", 30, "the gateway runs")
    found = service(edge, "gateway")
    assert [listener["state"] for listener in found["listeners"]] == ["up"]
    if os.geteuid() == 0:
        status = open(f"/proc/{found['pid']}/status").read()
        uid = re.search(r"^Uid:\s+(\d+)", status, re.M).group(1)
        assert uid not in ("0", re.search(r"^Uid:\s+(\d+)", open(f"/proc/{service(edge)['pid']}/status").read(), re.M).group(1))
    os.kill(found["pid"], signal.SIGKILL)
    edge.wait_event("service-exited", "gateway")
    wait_until(lambda: service(edge, "gateway")["pid"] not in (0, found["pid"]) and service(edge, "gateway")["state"] == "running",
               30, "the gateway is back")
    assert [listener["state"] for listener in service(edge, "gateway")["listeners"]] == ["up"]
    assert partner.ask(message()).status == 200, "the Access Edge has felt nothing"
    assert edge.ask("access-edge", "set", "idle-timeout=601")["applied"] is True
