"""A daemon that holds nothing yet, a client of its control socket by hand, and its processes."""
import itertools
import json
import os
import pwd
import signal
import socket
import subprocess
import sys
from pathlib import Path

from lab.edge import programs
from lab.process import LabError, tail, wait_until

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


def edit(path, before, after):
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after))


def access(edge):
    return next(s for s in edge.ask("status")["services"] if s["name"] == "access")
