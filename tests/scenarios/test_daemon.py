"""The daemon's own life: start, check, stop, what its processes may, a keeper that dies."""
import json
import os
import pwd
import re
import shutil
import signal
import subprocess
import threading
from pathlib import Path

import pytest

from bare import access, children, edit, keeper_pid, launcher_of, proc_status
from lab import names
from lab.edge import programs
from lab.process import wait_until
from sip import message

pytestmark = pytest.mark.short


def test_without_configuration_it_runs_and_says_what_is_missing(bare):
    status = bare.status()
    access = status["services"][0]
    assert (access["name"], access["state"], access["why"], access["pid"]) == ("access", "stopped", "no certificate", 0)
    assert "topology.xml has no edge" in access["detail"]
    assert status["version"] == 1
    assert any("no certificate" in item["text"] for item in status["attention"])
    bare.wait_event("service-stopped", why="topology.xml has no edge")


def test_a_second_daemon_on_the_same_root_is_refused(bare):
    second = subprocess.run(bare.command(), capture_output=True, text=True, timeout=30, **bare.as_user)
    assert second.returncode == 1
    assert "another parleyd runs on this root" in second.stderr
    assert bare.status()["version"] == 1


def test_sigterm_ends_everything_and_removes_the_socket(bare):
    launcher = bare.child.pid
    keeper = keeper_pid(launcher)
    assert bare.stop() == 0
    assert not bare.socket.exists()
    wait_until(lambda: not Path(f"/proc/{keeper}").exists(), 5, "the keeper is gone")


def test_sigint_twice_ends_at_once(bare):
    bare.child.send_signal(signal.SIGINT)
    assert bare.stop(signal.SIGINT) == 0


def test_nothing_is_left_when_the_launcher_is_killed(bare):
    keeper = keeper_pid(bare.child.pid)
    bare.child.kill()
    bare.child.wait(10)
    wait_until(lambda: not Path(f"/proc/{keeper}").exists(), 10, "the keeper ends, too")
    bare.start()
    assert bare.status()["version"] == 1


def check(daemon):
    return subprocess.run(daemon.command() + ["--check"], capture_output=True, text=True, timeout=30, **daemon.as_user)


def test_check_says_what_is_wrong_without_a_daemon(bare):
    unready = check(bare)
    assert unready.returncode == 1 and "no problem" in unready.stdout
    assert "the Access Edge would be stopped: topology.xml has no edge" in unready.stdout
    path = bare.conf / "access-edge.xml"
    path.write_text(path.read_text().replace("<access-edge/>",
                                             "<access-edge>\n<idle-timeout>1</idle-timeout>\n</access-edge>"))
    bad = check(bare)
    assert bad.returncode == 1
    assert re.search(r"access-edge\.xml:\d+: .*idle-timeout.*10 to 86400", bad.stdout), bad.stdout
    assert bare.status()["version"] == 1
    path.unlink()  # the mirror brings it back
    bare.child.send_signal(signal.SIGHUP)
    wait_until(path.exists, 10, "the document is there again")


def test_check_of_a_root_with_nothing_in_it_is_no_success(tmp_path):
    found = subprocess.run([str(programs()[0]), "--root", str(tmp_path), "--check"], capture_output=True, text=True)
    assert found.returncode == 1 and "there is no configuration here" in found.stdout, found.stdout


def test_check_holds_what_a_start_needs_against_the_files(lab):
    edge = lab.edge("edge-check", allowed=[names.PARTNER_DOMAIN])

    def run():
        found = subprocess.run([str(edge.parleyd), "--root", str(edge.root), "--check"], capture_output=True, text=True)
        return found.returncode, found.stdout
    status, said = run()
    assert status == 0, said
    key, text = edge.etc / "certs/external.key", (edge.etc / "certs/external.key").read_text()
    for broken, words in ((edge.etc / "certs/internal.key").read_text(), "external certificate"), ("", "external"):
        key.write_text(broken)
        status, said = run()
        assert status == 1 and "the Access Edge would be stopped" in said and words in said, said
    key.unlink()
    assert run()[0] == 1 and "external-key" in run()[1]
    key.write_text(text)
    if os.geteuid() == 0:
        key.chmod(0o600)
        os.chown(key, 0, 0)
        status, said = run()
        assert status == 1 and re.search(r"external-key: .*permission denied.*chgrp daemon ", said), said
        os.chown(key, pwd.getpwnam("daemon").pw_uid, -1)
        assert run()[0] == 0
        edit(edge.etc / "host.xml", "<access-user>nobody<", "<access-user>no-such-user<")
        status, said = run()
        assert status == 1 and "access-user" in said and "no-such-user" in said
    shutil.rmtree(edge.root)


def test_what_is_installed_for_root_alone_is_lent_to_the_keeper(lab):
    if os.geteuid() != 0:
        pytest.skip("owners are changed by root only")
    edge = lab.edge("edge-lent", allowed=[names.PARTNER_DOMAIN])
    for path in [edge.etc, *edge.etc.rglob("*")]:
        os.chown(path, 0, 0)
        path.chmod(0o750 if path.is_dir() else 0o640)
    for path in (edge.etc / "certs").iterdir():  # keys are the administrator's to give
        os.chown(path, 0, pwd.getpwnam("daemon").pw_gid)
    edge.start()
    try:
        for folder in (edge.etc, edge.etc / "certs"):
            assert (folder.stat().st_uid, folder.stat().st_mode & 0o777) == (0, 0o710)
        [keeper] = children(edge.process.pid, "keeper")
        words = Path(f"/proc/{keeper}/cmdline").read_bytes().split(b"\0")
        assert b"" not in words[:-1]
    finally:
        assert edge.stop()
    shutil.rmtree(edge.root)


def test_it_waits_for_the_keeper_of_a_killed_launcher(bare):
    """Started at once: the old keeper still has the store and the socket."""
    keeper = keeper_pid(bare.child.pid)
    os.kill(keeper, signal.SIGSTOP)
    bare.child.kill()
    bare.child.wait(10)
    threading.Timer(1.0, os.kill, (keeper, signal.SIGCONT)).start()
    bare.start()
    assert bare.status()["version"] == 1
    assert keeper_pid(bare.child.pid) != keeper


def test_a_new_keeper_drains_what_may_not_run_any_more(start_edge):
    """The certificate was taken away while there was no keeper."""
    edge = start_edge()
    launcher = launcher_of(edge.edge)
    keeper = keeper_pid(launcher)
    topology = edge.edge.etc / "conf.d/topology.xml"
    line = re.search(r".*<external-certificate>.*\n", topology.read_text()).group(0)
    os.kill(keeper, signal.SIGKILL)
    edit(topology, line, "")
    wait_until(lambda: edge.edge.answers() and access(edge)["state"] == "stopped", 40, "access is stopped")
    assert access(edge)["why"] == "no certificate"


def test_a_user_that_does_not_exist_is_said(lab):
    if os.geteuid() != 0:
        pytest.skip("users are changed by root only")
    edge = lab.edge("edge-no-user", allowed=[names.PARTNER_DOMAIN])
    edit(edge.etc / "host.xml", "<access-user>nobody<", "<access-user>no-such-user<")
    edge.start(ready=False)
    try:
        wait_until(lambda: access(edge)["why"] == "no user", 20, "the reason is shown")
        assert "no-such-user" in access(edge)["detail"]
    finally:
        assert edge.stop()


def test_why_knows_what_dns_has_said(start_edge):
    edge = start_edge(allowed=["unheard-of.example"])
    words = ["--json", "why", "alice@contoso.example", "bob@unheard-of.example"]
    before = json.loads(edge.parley(*words).stdout)
    assert (before["answer"], len(before["assumed"])) == ("pass", 2)
    assert [s["name"] for s in before["steps"] if s["result"] == "assumed"] == ["route", "srv-in-domain", "peer-identity"]
    assert edge.parley(*words[1:]).stdout.startswith("WOULD PASS, if DNS names an edge in unheard-of.example")
    assert edge.inside().ask(message("sip:alice@contoso.example", "sip:bob@unheard-of.example")).status >= 400
    after = json.loads(edge.parley(*words).stdout)
    assert (after["answer"], after["name"], after["assumed"]) == ("refuse", "route", [])
    assert "no DNS SRV record" in after["words"]
    assert after["last_error"]["direction"] == "out" and after["last_error"]["time"] > 0
    assert edge.parley(*words[1:]).stdout.startswith(f"REFUSE at step {after['step']}, route")


def test_a_killed_keeper_comes_back_and_traffic_never_knew(start_edge):
    edge = start_edge()
    edge.serve_pool()
    partner = edge.partner()
    assert partner.ask(message()).status == 200
    before = access(edge)
    os.kill(keeper_pid(launcher_of(edge.edge)), signal.SIGKILL)
    assert partner.ask(message()).status == 200  # while there is none
    wait_until(edge.edge.is_ready, 30, "a new keeper answers and access has greeted it")
    after = access(edge)
    assert (after["pid"], after["restarts"]) == (before["pid"], 0)
    assert all(listener["state"] == "up" for listener in after["listeners"])
    assert partner.ask(message()).status == 200
    assert edge.parley("domain", "block", names.PARTNER_DOMAIN, "--yes").returncode == 0
    assert edge.partner().ask(message()).status == 403  # the new keeper's word counts


@pytest.mark.skipif(os.geteuid() != 0, reason="rights can be given up by root only")
def test_every_process_has_given_up_its_rights(start_edge):
    edge = start_edge()
    launcher = launcher_of(edge.edge)
    for process, user in (("keeper", "daemon"), ("access", "nobody")):
        [pid] = children(launcher, process)
        status = proc_status(pid)
        assert status["Uid"].split() == [str(pwd.getpwnam(user).pw_uid)] * 4
        assert "0" not in status["Groups"].split()
        assert [int(status[name], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")] == [0] * 5
        assert status["NoNewPrivs"].strip() == "1"
        if "asan" not in str(programs()[0]):  # the leak check needs /proc
            root = os.readlink(f"/proc/{pid}/root")
            assert root == ("/" if process == "keeper" else str(edge.edge.root / "run/parley/empty"))


def test_a_lost_certificate_file_stops_nothing_that_runs(start_edge):
    edge = start_edge()
    edge.serve_pool()
    certificate = edge.edge.etc / "certs/external.pem"
    text = certificate.read_text()
    certificate.unlink()
    edge.edge.process.signal(signal.SIGHUP)
    edge.wait_event("config-refused", "external-certificate", "external.pem")
    assert edge.partner().ask(message()).status == 200
    assert access(edge)["state"] == "running"
    certificate.write_text(text)
    edge.edge.process.signal(signal.SIGHUP)
    wait_until(lambda: not edge.ask("status")["attention"], 10, "nothing needs attention")


def test_taking_the_certificate_away_stops_access_and_giving_it_back_starts_it(start_edge):
    edge = start_edge()
    topology = edge.edge.etc / "conf.d/topology.xml"
    line = re.search(r".*<external-certificate>.*\n", topology.read_text()).group(0)
    edit(topology, line, "")
    edge.edge.process.signal(signal.SIGHUP)
    wait_until(lambda: access(edge)["state"] == "stopped", 40, "access is stopped")
    assert access(edge)["why"] == "no certificate"
    trust = re.search(r".*<external-trust>", topology.read_text()).group(0)
    edit(topology, trust, line + trust)
    edge.edge.process.signal(signal.SIGHUP)
    wait_until(edge.edge.is_ready, 40, "access runs again")
    edge.serve_pool()
    wait_until(lambda: all(l["state"] == "up" for l in access(edge)["listeners"]), 10, "it listens")
    assert edge.partner().ask(message()).status == 200
