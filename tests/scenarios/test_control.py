"""The control socket and the keeper behind it: hostile clients, versions that last, documents by hand, a keeper that dies."""
import array
import grp
import itertools
import json
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from lab import names
from lab.edge import programs
from lab.process import LabError, tail, wait_until
from sip import message

pytestmark = pytest.mark.short
NOBODY = pwd.getpwnam("nobody")
LINE_MAX = 64 * 1024
NUMBERS = itertools.count(1)


class Closed(Exception):
    """The daemon ended the session."""


class Client:
    """One session, by hand: lines in, lines out."""

    def __init__(self, path, mode="rw", greets=True):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(10)
        self.socket.connect(str(path))
        self.left, self.number = b"", 0
        if greets:
            self.hello = self.ask("hello", protocol=1, client="test", mode=mode)["result"]

    def send(self, text):
        self.socket.sendall(text.encode() if isinstance(text, str) else text)

    def hear(self):
        while b"\n" not in self.left:
            try:
                more = self.socket.recv(65536)
            except ConnectionResetError:
                more = b""
            if not more:
                raise Closed
            self.left += more
        line, self.left = self.left.split(b"\n", 1)
        assert len(line) < LINE_MAX
        return json.loads(line)

    def ask(self, method, **params):
        self.number += 1
        self.send(json.dumps({"jsonrpc": "2.0", "id": self.number, "method": method, "params": params}) + "\n")
        while True:
            answer = self.hear()
            if answer.get("id") == self.number:
                return answer

    def result(self, method, **params):
        answer = self.ask(method, **params)
        assert "result" in answer, answer
        return answer["result"]

    def code(self, method, **params):
        return self.ask(method, **params)["error"]["data"]["code"]

    def close(self):
        self.socket.close()


class Bare:
    """A daemon of an ordinary user on a root that holds nothing."""

    def __init__(self, root):
        self.root = root
        self.socket = root / "run/parley/control.sock"
        self.conf = root / "etc/parley/conf.d"
        self.log_path = root.parent / f"{root.name}.log"
        self.child = None
        self.clients = []
        root.mkdir()
        self.as_user = {}
        if os.geteuid() == 0:
            os.chown(root, NOBODY.pw_uid, NOBODY.pw_gid)
            self.as_user = {"user": NOBODY.pw_uid, "group": NOBODY.pw_gid, "extra_groups": []}

    def command(self):
        return [str(programs()[0]), "--root", str(self.root)]

    def start(self):
        with open(self.log_path, "ab") as log:
            self.child = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                          start_new_session=True, **self.as_user)
        wait_until(self.answers, 30, "the daemon answers", lambda: self.child.poll() is None)
        return self

    def answers(self):
        try:
            self.client().close()
            return True
        except (OSError, Closed):
            return False

    def client(self, **more):
        client = Client(self.socket, **more)
        self.clients.append(client)
        return client

    def status(self):
        client = self.client()
        status = client.result("status")
        client.close()
        return status

    def events(self):
        client = self.client()
        events = client.result("event.tail", count=500)["events"]
        client.close()
        return events

    def wait_event(self, name, **fields):
        def find():
            return next((e for e in self.events() if e["event"] == name
                         and all(str(value) in str(e.get(field)) for field, value in fields.items())), None)
        try:
            return wait_until(find, 15, f"{name} {fields}")
        except LabError as error:
            raise AssertionError(f"{error}\n{tail(self.log_path)}") from None

    def stop(self, number=signal.SIGTERM, seconds=30):
        if self.child is None or self.child.poll() is not None:
            return self.child and self.child.returncode
        self.child.send_signal(number)
        return self.child.wait(seconds)

    def log(self):
        return self.log_path.read_text(errors="replace")


@pytest.fixture
def bare(lab, request):
    daemon = Bare(lab.folder / f"bare-{next(NUMBERS)}").start()
    yield daemon
    for client in daemon.clients:
        client.close()
    assert "restarts in" not in daemon.log() or "SIGKILL" in request.function.__code__.co_names, tail(daemon.log_path)
    status = daemon.stop()
    assert status == 0, tail(daemon.log_path, 60)
    assert not re.search(r"AddressSanitizer|LeakSanitizer|runtime error:", daemon.log()), tail(daemon.log_path, 80)


def children(pid, process):
    """Pids of `--process NAME` below a launcher."""
    listed = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(child) for child in listed
            if f"--process\0{process}\0".encode() in Path(f"/proc/{child}/cmdline").read_bytes()]


def launcher_of(edge):
    """The launcher's pid: our child is it, or the `ip netns exec` that became it."""
    return edge.process.pid


def keeper_pid(launcher):
    found = wait_until(lambda: children(launcher, "keeper"), 30, "a keeper runs")
    return found[0]


def proc_status(pid):
    return dict(line.split(":\t", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines() if ":\t" in line)


# ---- a daemon of its own ----

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


# ---- hostile clients ----

def is_gone(client):
    try:
        while True:
            client.hear()
    except (Closed, ValueError, BrokenPipeError):
        return True


HOSTILE = {
    "not_json": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    "torn_json": b'{"jsonrpc":"2.0","id":1,"method":\n',
    "bare_line_feeds": b"\n" * 5000,
    "zero_bytes": b"\0" * 5000 + b"\n",
    "no_utf8": b'{"jsonrpc":"2.0","id":1,"method":"\xff\xfe"}\n',
    "deep_json": b"[" * 30000 + b"\n",
    "twice_the_same_key": b'{"jsonrpc":"2.0","id":1,"id":2,"method":"status"}\n',
    "a_line_without_end": b"x" * (3 * LINE_MAX),
    "a_line_just_too_long": b"x" * LINE_MAX + b"\n",
    "half_a_line_and_gone": b'{"jsonrpc":"2.0"',
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_client_harms_nobody(bare, name):
    other = bare.client()
    hostile = bare.client(greets=False)
    try:
        hostile.send(HOSTILE[name])
    except (BrokenPipeError, ConnectionResetError):
        pass  # closed while we still wrote
    hostile.close()
    assert other.result("status")["version"] == 1
    assert bare.client(greets=False).ask("hello", protocol=1)["result"]["role"] == "administrator"


def test_a_line_that_is_too_long_is_answered_and_closed(bare):
    client = bare.client()
    client.send(b"x" * LINE_MAX)
    assert client.hear()["error"]["data"]["code"] == "too-large"
    assert is_gone(client)


def test_a_client_that_never_reads_is_closed(bare):
    client = bare.client()
    line = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "model.kinds"}).encode() + b"\n"
    client.socket.settimeout(5)
    with pytest.raises((BrokenPipeError, ConnectionResetError)):
        for _ in range(100000):
            client.socket.sendall(line)
    assert bare.status()["version"] == 1


def test_a_client_that_sends_descriptors_is_closed_and_they_with_it(bare):
    keeper = keeper_pid(bare.child.pid)
    bare.status()

    def open_files():
        return len(os.listdir(f"/proc/{keeper}/fd"))

    before = open_files()
    inside, outside = os.pipe()
    for _ in range(4):
        client = bare.client(greets=False)
        rights = array.array("i", [outside] * 100)
        client.socket.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)])
        assert is_gone(client)
        client.close()
    os.close(outside)
    assert os.read(inside, 1) == b""  # nobody holds the other end
    os.close(inside)
    wait_until(lambda: open_files() <= before, 5, "no descriptor stays")


def resident_kib(pid):
    return int(proc_status(pid)["VmRSS"].split()[0])


def test_a_crowd_that_never_reads_costs_bounded_memory_and_nobody_else(bare):
    keeper = keeper_pid(bare.child.pid)
    other = bare.client()
    before = resident_kib(keeper)
    line = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "model.kinds"}).encode() + b"\n"
    crowd = [bare.client() for _ in range(14)]
    for hostile in crowd:
        hostile.socket.setblocking(False)
    peak = before
    for _ in range(200):
        for hostile in crowd:
            try:
                hostile.socket.send(line * 50)
            except OSError:
                pass  # full, or closed already
        peak = max(peak, resident_kib(keeper))
        assert other.result("version.list")["versions"]
    # 1 MiB unread and a line a client; sanitizers keep what was freed for a while.
    if "asan" not in str(programs()[0]):
        assert peak - before < 14 * 3 * 1024, (before, peak)
    for hostile in crowd:
        hostile.close()
    wait_until(bare.answers, 10, "there is room again")


def test_a_thousand_requests_in_one_write_are_answered_in_order(bare):
    client, other = bare.client(), bare.client()
    client.send("".join(json.dumps({"jsonrpc": "2.0", "id": n, "method": "version.list", "params": {"limit": 1}}) + "\n"
                        for n in range(1000, 2000)))
    assert other.result("status")["version"] == 1  # served between the others
    assert [client.hear()["id"] for _ in range(1000)] == list(range(1000, 2000))


def test_the_longest_line_is_a_line(bare):
    client = bare.client()
    text = json.dumps({"jsonrpc": "2.0", "id": 7, "method": "domain.list", "params": {"filter": ""}})
    client.send(text[:-3] + "x" * (LINE_MAX - 1 - len(text)) + text[-3:] + "\n")
    assert client.hear()["id"] == 7
    assert client.result("status")["version"] == 1


def test_half_closed_connections_end(bare):
    """One that says no more ends with what it has asked; one that hears no more ends with the first answer."""
    other = bare.client()
    half = bare.client()
    half.send(b'{"jsonrpc":"2.0",')
    half.socket.shutdown(socket.SHUT_WR)
    assert is_gone(half)
    deaf = bare.client()
    deaf.socket.shutdown(socket.SHUT_RD)
    deaf.send('{"jsonrpc":"2.0","id":1,"method":"status"}\n')
    assert other.result("status")["version"] == 1
    deaf.close()


def test_a_flood_of_connections_leaves_nothing_behind(bare):
    keeper = keeper_pid(bare.child.pid)
    other = bare.client()
    before = len(os.listdir(f"/proc/{keeper}/fd"))
    for n in range(600):
        client = socket.socket(socket.AF_UNIX)
        client.connect(str(bare.socket))
        if n % 3:
            client.send(b'{"jsonrpc":"2.0","id":1,"method":"hello","params":{"protocol":1}}\n')
        client.close()
    assert other.result("status")["version"] == 1
    wait_until(lambda: len(os.listdir(f"/proc/{keeper}/fd")) <= before, 10, "no descriptor stays")


def test_there_is_room_for_sixteen_clients(bare):
    clients = [bare.client() for _ in range(16)]
    late = bare.client(greets=False)
    assert late.hear()["error"]["data"]["code"] == "busy"
    clients.pop().close()
    wait_until(bare.answers, 5, "a place is free again")


def test_a_session_for_reading_changes_nothing(bare):
    client = bare.client(mode="ro")
    assert "domain.block" not in client.hello["verbs"] and "domain.list" in client.hello["verbs"]
    assert client.code("domain.block", domain="x.example") == "denied"
    client.ask("hello", protocol=1, mode="rw")  # not widened again
    assert client.code("domain.block", domain="x.example") == "denied"
    assert client.result("domain.list")["total"] == 0


def run_as(user, groups, script):
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=30,
                          user=user, group=user, extra_groups=groups)


CALLS = """
import json, socket, sys
s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); f = s.makefile("rw")
for i, (m, p) in enumerate([("hello", {"protocol": 1})] + json.loads(sys.argv[2]), 1):
    try:
        f.write(json.dumps({"jsonrpc": "2.0", "id": i, "method": m, "params": p}) + "\\n"); f.flush()
    except BrokenPipeError:
        pass
    print(f.readline(), end="", flush=True)
"""


def calls_as(bare, user, groups, *calls):
    """The answers to hello and each (method, params) of another Unix user: result, or the error's code."""
    ran = subprocess.run([sys.executable, "-c", CALLS, str(bare.socket), json.dumps(calls)], capture_output=True,
                         text=True, timeout=30, user=user, group=user, extra_groups=groups)
    if "PermissionError" in ran.stderr:
        return "no way in"
    answers = [json.loads(line) for line in ran.stdout.splitlines()]
    return [answer.get("result") or answer["error"]["data"]["code"] for answer in answers]


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become other users")
def test_roles_are_granted_and_taken_away_while_people_are_connected(bare):
    """bin and sys are people here, games a group of operators."""
    bin_, sys_, games = pwd.getpwnam("bin").pw_uid, pwd.getpwnam("sys").pw_uid, grp.getgrnam("games").gr_gid
    admin = bare.client()
    assert calls_as(bare, bin_, []) == "no way in"
    assert admin.code("role.grant", member="bin", roles="king") == "invalid"
    assert admin.code("role.grant", member="group:", roles="viewer") == "invalid"
    granted = admin.result("role.grant", member="bin", roles="policy")
    assert "no such Unix user" not in granted["note"]
    assert "no such Unix user" in admin.result("role.grant", member="nobody-at-all", roles="viewer")["note"]
    admin.result("role.grant", member="group:games", roles="operator,viewer", set={"comment": "on duty"})

    block = ("domain.block", {"domain": "bad.example"})
    hello, blocked, granting = calls_as(bare, bin_, [], block, ("role.grant", {"member": "bin", "roles": "administrator"}))
    assert hello["role"] == "policy" and blocked["version"] > granted["version"] and granting == "denied"
    assert "domain.block" in hello["verbs"] and "role.grant" not in hello["verbs"]
    admin.result("role.grant", member="sys", roles="editor")
    only = {"domain": "staged.example"}
    hello, blocked, staged, granting, published = calls_as(
        bare, sys_, [], block, ("domain.block", {**only, "stage": True}),
        ("role.grant", {"member": "daemon", "roles": "administrator", "stage": True}), ("publish", {"comment": "mine"}))
    assert hello["role"] == "editor" and (blocked, published) == ("denied", "denied")
    assert "domain.block" in hello["stages"] and "domain.block" not in hello["verbs"] and "stage.drop" in hello["verbs"]
    assert not {"publish", "revert", "confirm", "service.stop"} & {*hello["stages"], *hello["verbs"]}
    assert staged["staged"] and granting["staged"] and not admin.result("domain.list", filter="staged.example")["rows"]
    admin.result("role.grant", member="sys", roles="editor,policy")  # he may publish now, but not what only an administrator may
    hello, rebased, published = calls_as(bare, sys_, [], ("stage.rebase", {}), ("publish", {"comment": "mine"}))
    assert rebased["staged"] and published == "denied"
    admin.result("role.revoke", member="sys")

    hello, blocked, listed = calls_as(bare, sys_, [games], block, ("role.list", {}))
    assert hello["role"] == "operator" and blocked == "denied"
    assert {"member": "group:games", "roles": "operator", "comment": "on duty", "note": ""} in listed["rows"]
    assert calls_as(bare, sys_, [], block) == ["denied"]  # closed: nothing it sends is read

    waiting = subprocess.Popen([sys.executable, "-c", CALLS.replace("    try:", "    if i == 2: sys.stdin.readline()\n    try:"),
                                str(bare.socket), json.dumps([block, ("domain.list", {})])],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, user=bin_, group=bin_, extra_groups=[])
    assert json.loads(waiting.stdout.readline())["result"]["role"] == "policy"
    admin.result("role.revoke", member="bin")
    said = waiting.communicate("\n", 30)[0]
    assert "taken away" in said, said
    assert admin.code("role.revoke", member="bin") == "not-found"
    for member in ("nobody-at-all", "group:games"):
        admin.result("role.revoke", member=member)
    assert calls_as(bare, bin_, []) == "no way in"  # without a row the door is shut again


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become other users")
def test_who_may_not_make_a_change_may_not_keep_it_either(bare):
    """confirm makes a change last: what only an administrator may grant, only he keeps."""
    admin, bin_ = bare.client(), pwd.getpwnam("bin").pw_uid
    admin.result("role.grant", member="bin", roles="policy")
    waits = admin.result("role.grant", member="sys", roles="viewer", confirm_within=60)["version"]
    assert calls_as(bare, bin_, [], ("confirm", {}))[1] == "denied"
    assert calls_as(bare, bin_, [], ("revert", {}))[1] == "denied"
    assert admin.result("status")["confirm_version"] == waits
    assert admin.result("confirm")["version"] == waits
    own = calls_as(bare, bin_, [], ("domain.block", {"domain": "x.example", "confirm_within": 60}), ("confirm", {}))
    assert own[2]["version"] == own[1]["version"] == waits + 1
    admin.result("role.revoke", member="bin")


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become other users")
def test_a_member_of_the_sockets_group_may_look_and_a_stranger_may_not_come_in(bare):
    script = f"""
import json, socket
s = socket.socket(socket.AF_UNIX); s.connect({str(bare.socket)!r}); f = s.makefile("rw")
for i, (m, p) in enumerate([("hello", {{"protocol": 1}}), ("domain.list", {{}}), ("domain.block", {{"domain": "x.example"}})], 1):
    f.write(json.dumps({{"jsonrpc": "2.0", "id": i, "method": m, "params": p}}) + "\\n"); f.flush()
    print(f.readline(), end="")
"""
    member = run_as(1, [NOBODY.pw_gid], script)
    hello, listed, blocked = map(json.loads, member.stdout.splitlines())
    assert hello["result"]["role"] == "viewer"
    assert listed["result"]["rows"] == []
    assert blocked["error"]["data"]["code"] == "denied"
    stranger = run_as(1, [], script)
    assert "PermissionError" in stranger.stderr


# ---- versions ----

def test_versions_rise_and_last_and_conf_d_shows_them(bare):
    client = bare.client()
    first = client.result("domain.allow", domain="Fabrikam.Example", set={"proxy-fqdn": "sip.fabrikam.example"},
                          comment="contract 2291")
    assert first["version"] == 2 and first["applied"] is True
    assert first["changes"][0]["what"] == "added" and first["changes"][0]["key"] == "fabrikam.example"
    again = client.result("domain.allow", domain="fabrikam.example", set={"proxy-fqdn": "sip.fabrikam.example"})
    assert again["version"] == 2 and again["changes"] == []
    assert client.code("domain.block", domain="fabrikam.example", if_version=1) == "conflict"
    blocked = client.result("domain.block", domain="fabrikam.example", if_version=2)
    assert blocked["version"] == 3
    assert sorted(c["kind"] for c in blocked["changes"]) == ["allowed-domain", "blocked-domain"]
    mirror = (bare.conf / "sip-domains.xml").read_text()
    assert 'version="3"' in mirror and '<blocked-domain domain="fabrikam.example"/>' in mirror

    os.kill(keeper_pid(bare.child.pid), signal.SIGKILL)
    wait_until(bare.answers, 15, "a new keeper answers")
    client = bare.client()
    assert [row["rule"] for row in client.result("domain.list")["rows"]] == ["block"]
    history = client.result("version.list")["versions"]
    assert [v["version"] for v in history] == [3, 2, 1] and history[1]["comment"] == "contract 2291"
    assert history[0]["comment"] == "domain.block fabrikam.example"
    assert client.result("domain.remove", domain="fabrikam.example")["version"] == 4
    assert client.code("domain.remove", domain="fabrikam.example") == "not-found"

    assert bare.stop() == 0
    bare.start()
    assert bare.status()["version"] == 4
    client = bare.client()
    old = client.result("config.export", version=2)
    assert "sip-domains.xml" in [d["name"] for d in old["documents"]]
    text = client.result("config.export", version=2, document="sip-domains.xml")["text"]
    assert 'domain="fabrikam.example"' in text
    back = [client.result("config.upload", name="sip-domains.xml", text=piece, last=last)
            for piece, last in ((text[:40], False), (text[40:], True))]
    assert back[-1]["bytes"] == len(text.encode())
    assert client.result("config.check", uploaded=True)["changes"] == 1
    assert client.result("config.import", uploaded=True, comment="back to 2")["version"] == 5
    assert client.result("domain.show", domain="fabrikam.example")["proxy-fqdn"] == "sip.fabrikam.example"

    audit = [json.loads(line) for line in (bare.root / "var/lib/parley/audit.log").read_text().splitlines()]
    assert [line["number"] for line in audit] == list(range(1, len(audit) + 1))
    assert [(a["verb"], a["outcome"]) for a in audit[:2]] == [("domain.allow", "asked"), ("domain.allow", "published")]
    assert audit[-1]["version"] == 5


def test_fields_are_checked_by_their_rows(bare):
    client = bare.client()
    error = client.ask("access-edge.set", set={"idle-timeout": 1})["error"]
    assert error["data"]["problems"] == [{"path": "idle-timeout", "why": error["message"], "allowed": "10 to 86400 s"}]
    assert client.code("access-edge.set", set={"alow-federated-users": True}) == "invalid"
    assert client.code("policy.set", identity="Nobody", set={}) == "not-found"
    changed = client.result("policy.set", identity="Global", set={"enable-federation-access": False})
    assert changed["changes"][0]["before"] == "true" and changed["changes"][0]["after"] == "false"
    assert client.result("policy.show")["fields"]["enable-federation-access"] is False
    reset = client.result("policy.set", identity="Global", set={"enable-federation-access": None})
    assert reset["version"] == 3 and client.result("policy.show")["fields"]["enable-federation-access"] is True
    client.result("access-edge.set", set={"idle-timeout": 901})
    assert client.result("version.list")["versions"][0]["comment"] == "access-edge.set idle-timeout"


def test_names_in_their_own_script_are_kept_as_a_labels(bare):
    client = bare.client()
    client.result("domain.allow", domain="b\u00fccher.example", set={"proxy-fqdn": "sip.b\u00fccher.example"})
    row = client.result("domain.show", domain="B\u00dcCHER.example")
    assert (row["domain"], row["proxy-fqdn"]) == ("xn--bcher-kva.example", "sip.xn--bcher-kva.example")
    client.result("domain.block", domain="b\u00fccher.example")
    [row] = client.result("domain.list")["rows"]
    assert (row["domain"], row["rule"], row["proxy-port"]) == ("xn--bcher-kva.example", "block", None)
    assert client.code("domain.allow", domain="b\u00fc\u200dcher.example") == "invalid"
    client.result("domain.remove", domain="b\u00fccher.example")
    assert client.result("domain.list")["total"] == 0


def test_a_long_list_comes_in_pages(bare):
    rows = "".join(f'  <allowed-domain domain="d{i:04}.example"/>\n' for i in range(1200))
    text = f'<?xml version="1.0"?>\n<parley document="sip-domains" schema="1">\n{rows}</parley>\n'
    client = bare.client()
    for start in range(0, len(text), 30000):
        client.result("config.upload", name="sip-domains.xml", text=text[start:start + 30000],
                      last=start + 30000 >= len(text))
    imported = client.result("config.import", uploaded=True)
    assert imported["version"] == 2
    seen, after = [], None
    while True:
        page = client.result("domain.list", limit=500, **({"after": after} if after else {}))
        assert page["total"] == 1200
        seen += [row["domain"] for row in page["rows"]]
        after = page["next"]
        if after is None:
            break
    assert seen == [f"d{i:04}.example" for i in range(1200)]
    assert client.result("domain.list", filter="d000 rule:allow !d0007")["total"] == 9
    assert client.result("domain.list", filter="domain:d000*,d0011.example connections<1 peer:example")["total"] == 11
    refused = client.ask("domain.list", filter="colour:red")["error"]
    assert refused["data"]["code"] == "invalid" and "colour:red; there are: domain," in refused["data"]["problems"][0]["why"]


def test_several_objects_are_changed_as_one_version(bare):
    client = bare.client()
    names = [f"d{i}.example" for i in range(3)]
    assert client.result("domain.allow", domain=names, set={"comment": "together"})["version"] == 2
    assert [(r["domain"], r["comment"]) for r in client.result("domain.list")["rows"]] == [(name, "together") for name in names]
    tried = client.result("domain.block", domain=names[:2], dry_run=True)
    assert tried["dry_run"] and len(tried["changes"]) >= 2 and client.result("status")["version"] == 2
    for wrong, code in (([*names, "bad..name"], "invalid"), ([*names, "nobody.example"], "not-found"), ([], "invalid"), ([names[0], 3], "invalid")):
        assert client.code("domain.remove", domain=wrong) == code
    assert client.result("domain.list")["total"] == 3
    client.result("domain.remove", domain=["d0.example", "d2.example"], comment="apart")
    assert [r["domain"] for r in client.result("domain.list")["rows"]] == ["d1.example"] and client.result("status")["version"] == 3
    audited = client.result("audit.list", filter="outcome:published", limit=1)["rows"][0]
    assert audited["command"].startswith("domain remove d0.example,d2.example") and audited["object"] == "d0.example,d2.example"


def test_those_who_follow_hear_of_changes(bare):
    follower, client = bare.client(), bare.client()
    follower.result("event.tail", count=0, follow=True)
    client.result("domain.allow", domain="fabrikam.example")
    heard = [follower.hear()["params"] for _ in range(2)]
    assert [e["event"] for e in heard] == ["config-published", "audit"]
    assert heard[0]["version"] == 2 and "sentence" in heard[0]


# ---- documents by hand ----

def edit(path, before, after):
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after))


def test_a_document_edited_by_hand_is_published_on_sighup(bare):
    path = bare.conf / "sip-domains.xml"
    edit(path, "</parley>", '<!-- by phone -->\n<allowed-domain domain="litware.example"/>\n</parley>')
    bare.child.send_signal(signal.SIGHUP)
    event = bare.wait_event("config-published", version=2)
    assert event["author"] == pwd.getpwuid(path.stat().st_uid).pw_name
    assert "sip-domains.xml" in event["comment"]
    wait_until(lambda: 'version="2"' in path.read_text(), 5, "the mirror is written")
    assert "<!-- by phone -->" in path.read_text()
    bare.child.send_signal(signal.SIGHUP)  # nothing new
    time.sleep(0.2)
    assert bare.status()["version"] == 2


def test_a_bad_edit_is_refused_with_file_line_and_field_and_nobody_writes_over_it(bare):
    path = bare.conf / "access-edge.xml"
    edit(path, "<access-edge/>", "<access-edge>\n    <idle-timeout>often</idle-timeout>\n  </access-edge>")
    bad = path.read_text()
    line = bad[:bad.index("<idle-timeout>")].count("\n") + 1
    bare.child.send_signal(signal.SIGHUP)
    event = bare.wait_event("config-refused", file="access-edge.xml")
    assert (event["line"], event["field"]) == (line, "idle-timeout") and "10 to 86400" in event["why"]
    status = bare.status()
    assert status["version"] == 1
    assert any("access-edge.xml" in item["text"] for item in status["attention"])

    client = bare.client()
    problems = client.result("config.check")["problems"]
    assert [(p["file"], p["line"], p["field"]) for p in problems] == [("access-edge.xml", line, "idle-timeout")]
    assert client.code("config.import") == "invalid"
    changed = client.result("domain.allow", domain="fabrikam.example")
    assert changed["version"] == 2 and "conf.d holds an edit" in changed["note"]
    assert path.read_text() == bad

    path.unlink()
    bare.child.send_signal(signal.SIGHUP)
    wait_until(path.exists, 10, "the mirror brings the document back")
    wait_until(lambda: not any("access-edge.xml" in item["text"] for item in bare.status()["attention"]), 5,
               "nothing is wrong any more")
    assert 'version="2"' in (bare.conf / "sip-domains.xml").read_text()


def test_an_old_document_laid_back_is_a_conflict(bare):
    path = bare.conf / "sip-domains.xml"
    client = bare.client()
    client.result("domain.allow", domain="fabrikam.example")
    old = path.read_text()
    client.result("domain.allow", domain="litware.example")
    path.write_text(old)
    bare.child.send_signal(signal.SIGHUP)
    bare.wait_event("config-refused", file="sip-domains.xml")
    assert client.result("domain.list")["total"] == 2


# ---- with the Access Edge ----

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


def access(edge):
    return next(s for s in edge.ask("status")["services"] if s["name"] == "access")


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
