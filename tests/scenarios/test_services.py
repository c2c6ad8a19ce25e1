"""Services as an administrator stops, drains and starts them, under traffic."""
import json
import os
import signal
import threading
import time

import pytest

from bare import access, children, keeper_pid, launcher_of
from lab import sip_peer
from lab.process import wait_until
from sip import message

pytestmark = pytest.mark.short


class SlowPool:
    """Answers when it is told to."""

    def __init__(self):
        self.asked, self.may_answer = [], threading.Event()

    def __call__(self, connection, asked):
        if asked.is_request and asked.method == "MESSAGE":
            self.asked.append(asked)
            self.may_answer.wait(30)
        sip_peer.answer_ok(connection, asked)


def service(edge, *words):
    found = edge.parley("--json", "service", *words)
    return found.returncode, json.loads(found.stdout) if found.stdout else found.stderr


def test_a_drain_finishes_what_is_under_way_refuses_what_is_new_and_stays(start_edge):
    edge = start_edge()
    pool = SlowPool()
    edge.serve_pool(handler=pool)
    first, second = edge.partner(), edge.partner()
    first.send(message(body="under way"))
    wait_until(lambda: pool.asked, 10, "the pool has been asked")

    code, begun = service(edge, "drain", "access", "25", "--yes")
    assert (code, begun["state"]) == (0, "draining") and begun["drain_ends"]
    edge.wait_event("service-held", "drain")
    refused = second.ask(message(body="new"))
    assert refused.status == 503 and int(refused.get("Retry-After")) > 0
    with pytest.raises(OSError):
        edge.partner()
    progress = edge.wait_event("service-draining")  # as the service counts, once a second
    assert json.loads(progress)["transactions"] >= 1
    assert service(edge, "show", "access")[1]["state"] == "draining"

    pool.may_answer.set()
    assert first.final().status == 200
    wait_until(lambda: access(edge)["state"] == "stopped", 20, "access has stopped")
    assert len(pool.asked) == 1
    stopped = access(edge)
    assert stopped["detail"].startswith("stopped by ") and stopped["restarts"] == 0

    # Neither a change nor a reload nor a new keeper starts it again.
    assert edge.parley("domain", "block", "bad.example", "--yes").returncode == 0
    edge.edge.process.signal(signal.SIGHUP)
    os.kill(keeper_pid(launcher_of(edge.edge)), signal.SIGKILL)
    wait_until(edge.edge.answers, 30, "a new keeper answers")
    wait_until(lambda: access(edge)["why"] == "stopped by an administrator", 10, "it knows")
    assert access(edge)["state"] == "stopped" and not children(launcher_of(edge.edge), "access")
    assert any("stopped" in item["text"] for item in edge.ask("status")["attention"])

    code, started = service(edge, "start", "access")
    assert code == 0
    wait_until(edge.edge.is_ready, 30, "access runs again")
    assert edge.partner().ask(message()).status == 200
    outcomes = [(row["verb"], row["outcome"]) for row in edge.ask("audit", "list", "--filter", "service")["rows"]]
    assert outcomes == [("service.start", "done"), ("service.start", "asked"), ("service.drain", "done"), ("service.drain", "asked")]


def test_a_drain_ends_at_its_deadline_and_a_stop_at_once(start_edge):
    edge = start_edge()
    pool = SlowPool()
    edge.serve_pool(handler=pool)
    partner = edge.partner()
    partner.send(message(body="never answered"))
    wait_until(lambda: pool.asked, 10, "the pool has been asked")
    assert service(edge, "drain", "access", "1", "--yes")[0] == 0
    wait_until(lambda: access(edge)["state"] == "stopped", 20, "the deadline has ended it")
    pool.may_answer.set()
    assert service(edge, "start", "access")[0] == 0
    wait_until(edge.edge.is_ready, 30, "access runs")
    assert service(edge, "stop", "access", "--yes")[0] == 0
    wait_until(lambda: access(edge)["state"] == "stopped", 20, "access is stopped")


def test_a_restart_is_a_drain_and_a_start(start_edge):
    edge = start_edge()
    edge.serve_pool()
    assert edge.partner().ask(message()).status == 200
    before = access(edge)
    assert service(edge, "restart", "access", "--yes")[0] == 0
    wait_until(lambda: access(edge)["pid"] not in (0, before["pid"]) and edge.edge.is_ready(), 30, "another process runs")
    assert access(edge)["restarts"] == 0  # nobody crashed
    assert edge.partner().ask(message()).status == 200
    # One that drains is told to start: it does when it has ended.
    assert service(edge, "drain", "access", "--yes")[0] == 0
    assert service(edge, "start", "access")[0] == 0
    wait_until(edge.edge.is_ready, 30, "it runs")
    assert edge.partner().ask(message()).status == 200


def test_what_carries_the_session_is_not_stopped(start_edge):
    edge = start_edge()
    for verb in "stop", "drain", "restart":
        refused = edge.parley("service", verb, "keeper", "--yes")
        assert refused.returncode == 6 and "carries this very session" in refused.stderr
    assert edge.parley("service", "stop", "media", "--yes").returncode == 6
    assert edge.parley("service", "drain", "access", "4000", "--yes").returncode == 6
    rows = edge.ask("service", "list")["rows"]
    assert [(row["name"], row["state"]) for row in rows if row["state"] == "running"] == [("access", "running"), ("keeper", "running")]
    shown = edge.parley("service", "list").stdout
    assert "access" in shown and "keeper" in shown


def test_nothing_is_lost_while_an_edge_drains_under_load(start_edge):
    """Every request of a stream either gets its 200 and was seen by the pool once, or a 503, or was never taken."""
    edge = start_edge()
    seen = []

    def answer(connection, asked):
        if asked.is_request and asked.method == "MESSAGE":
            seen.append(asked.body)
            time.sleep(0.01)  # a pool at work: there is always something under way
        sip_peer.answer_ok(connection, asked)
    edge.serve_pool(handler=answer)
    partner = edge.partner()
    answers = {}

    def hear_all():
        try:
            while True:
                heard = partner.final(timeout=15)
                answers[heard.get("Call-ID")] = heard.status
        except (sip_peer.PeerClosed, sip_peer.Timeout):
            pass
    reader = threading.Thread(target=hear_all)
    reader.start()
    bodies = {}
    try:
        for sent in range(400):
            call = sip_peer.unique()
            bodies[call] = f"n{sent}".encode()
            partner.send(message(body=f"n{sent}", call_id=call))
            if sent == 60:
                assert edge.parley("service", "drain", "access", "--yes").returncode == 0
    except sip_peer.PeerClosed:
        pass
    reader.join(30)
    wait_until(lambda: access(edge)["state"] == "stopped", 30, "access has stopped")
    assert set(answers.values()) <= {200, 503}, set(answers.values())
    passed = {bodies[call] for call, status in answers.items() if status == 200}
    assert len(seen) == len(set(seen)) and passed == set(seen), "what the pool took was answered, once"
    assert len(passed) >= 60 and 503 in answers.values()
