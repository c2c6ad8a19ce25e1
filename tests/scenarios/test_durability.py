"""What was acknowledged lasts, and nothing is ever half there: kill -9 at random and at each system call, full and broken disks."""
import itertools
import json
import os
import pwd
import random
import re
import shutil
import signal
import subprocess
import threading
import time

import pytest

from lab import names
from lab.process import tail, wait_until
from sip import message
from test_changes import audit, documents
from bare import Bare, Closed, keeper_pid

NUMBERS = itertools.count(1)
ROUNDS = 200 if os.environ.get("PARLEY_LONG") else 20
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root: strace, mounts")


@pytest.fixture
def bare(lab, request):
    daemon = Bare(lab.folder / f"durable-{next(NUMBERS)}").start()
    yield daemon
    for client in daemon.clients:
        client.close()
    daemon.stop()
    assert not re.search(r"AddressSanitizer|LeakSanitizer|runtime error:", daemon.log()), tail(daemon.log_path, 80)
    shutil.rmtree(daemon.root, ignore_errors=True)


def kill_all(daemon):
    """The launcher and all below it, at one instant."""
    os.killpg(daemon.child.pid, signal.SIGKILL)
    daemon.child.wait(10)
    for client in daemon.clients:
        client.close()
    daemon.clients.clear()


class Writer(threading.Thread):
    """Changes without end; keeps what was acknowledged."""

    def __init__(self, daemon, name):
        super().__init__(daemon=True)
        self.client, self.name = daemon.client(), name
        self.acknowledged = {}  # version -> the comment it must have

    def run(self):
        try:
            while True:
                comment = f"{self.name} {next(NUMBERS)}"
                done = self.client.ask("domain.allow", domain=f"{self.name}.example", set={"comment": comment}, comment=comment)
                if "result" in done:
                    self.acknowledged[done["result"]["version"]] = comment
        except (Closed, OSError, ValueError):
            pass


def readable(daemon):
    """The audit's lines; bytes of a line that was torn are none (the next one says how many)."""
    lines = []
    for line in (daemon.root / "var/lib/parley/audit.log").read_text(errors="replace").splitlines():
        try:
            lines.append(json.loads(line))
        except ValueError:
            continue
    return lines


def check_whole(daemon, acknowledged):
    """All that was acknowledged is there, every version is whole, and the audit knows of each."""
    client = daemon.client()
    current = client.result("status")["version"]
    assert current >= max(acknowledged, default=1)
    rows = {row["version"]: row for row in client.result("version.list", limit=1000)["versions"]}
    for number, comment in acknowledged.items():
        assert number not in rows or rows[number]["comment"] == comment
    for number in range(max(1, current - 3), current + 1):
        shown = client.result("version.show", number=str(number))
        assert shown["comment"] == rows[number]["comment"]
        if number in acknowledged:
            assert f"<comment>{acknowledged[number]}</comment>" in documents(client, version=number)["sip-domains.xml"]
    lines = readable(daemon)
    published = {line["version"] for line in lines if line["outcome"] == "published"}
    asked = {line["version"] + 1 for line in lines if line["outcome"] == "asked"}
    assert set(acknowledged) <= published
    assert set(range(2, current + 1)) <= asked  # also what was never acknowledged
    verdict = client.result("audit.verify")
    assert verdict["whole"] and verdict["last"] == lines[-1]["number"], verdict
    client.close()
    return current


def test_kill_9_at_any_instant_loses_nothing_that_was_acknowledged(bare):
    chance = random.Random(4)
    acknowledged, published = {}, 1
    for _ in range(ROUNDS):
        writers = [Writer(bare, name) for name in ("one", "two")]
        for writer in writers:
            writer.start()
        wait_until(lambda: any(writer.acknowledged for writer in writers), 20, "something is acknowledged")
        time.sleep(chance.uniform(0, 0.1))  # the instant of the kill
        kill_all(bare)
        for writer in writers:
            writer.join(20)
            assert not writer.is_alive()
            acknowledged.update(writer.acknowledged)
        bare.start()
        published = check_whole(bare, acknowledged)
    assert published - 1 > len(acknowledged) >= ROUNDS  # some were cut off before they were acknowledged
    print(f"\n{ROUNDS} rounds: {published - 1} versions, {len(acknowledged)} acknowledged, none lost")


# ---- each system call ----

class Strace:
    """strace on the keeper with an injection, for as long as the block lasts; `path`: only where it is about that file."""

    def __init__(self, daemon, injection, path=None):
        self.only = ["-P", str(path)] if path else []
        self.pid, self.injection = keeper_pid(daemon.child.pid), injection
        self.log = daemon.root.parent / f"{daemon.root.name}.strace"

    def __enter__(self):
        calls = self.injection.split(":")[0]
        self.child = subprocess.Popen(["strace", "-p", str(self.pid), "-o", str(self.log), *self.only, "-e", f"trace={calls}",
                                       "-e", f"inject={self.injection}"], stderr=subprocess.PIPE)
        line = self.child.stderr.readline()
        assert b"attached" in line, line
        return self

    def __exit__(self, *_):
        self.child.send_signal(signal.SIGINT)
        self.child.wait(10)
        self.child.stderr.close()

    def injected(self):
        return self.log.read_text(errors="replace").count("(INJECTED)")


CALLS = ["fsync", "fdatasync", "rename,renameat,renameat2", "write", "ftruncate", "unlink,unlinkat"]
AT_MOST = 40  # calls of one kind in one change


def change(daemon, number):
    """(version or None, error or None) of one change that is staged, has a timer, and touches every file there is."""
    client = daemon.client()
    try:
        answer = client.ask("domain.allow", domain="x.example", set={"comment": f"change {number}"}, confirm_within=3600)
    except (Closed, OSError):
        return None, None
    finally:
        client.close()
    return (answer["result"]["version"], None) if "result" in answer else (None, answer["error"])


def settle(daemon):
    """Nothing waits to be confirmed."""
    client = daemon.client()
    if client.result("status")["confirm_version"]:
        client.result("confirm")
    client.close()


@needs_root
@pytest.mark.parametrize("calls", CALLS)
def test_killed_at_each_system_call_of_a_change(bare, calls):
    """The nth call of a kind is the last thing the keeper ever does."""
    acknowledged, kills = {}, 0
    for nth in range(1, AT_MOST):
        keeper, before = keeper_pid(bare.child.pid), bare.status()["version"]
        with Strace(bare, f"{calls}:signal=SIGKILL:when={nth}"):
            number, error = change(bare, f"{calls} {nth}")
            died = error is None and number is None
        if number:
            acknowledged[number] = f"change {calls} {nth}"
        if not died:
            assert error is None, error
            break
        kills += 1
        wait_until(lambda: not os.path.exists(f"/proc/{keeper}"), 10, "the keeper is gone")
        kill_all(bare)
        bare.start()
        client = bare.client()
        status = client.result("status")
        shown = client.result("version.show", number=str(status["version"]))
        assert shown["current"] and status["version"] in (before, before + 1)
        # The new one, whole, has its timer with it; the old one never had.
        assert status["confirm_version"] == (before + 1 if status["version"] > before else 0)
        comment = client.result("domain.show", domain="x.example")["comment"] if status["version"] > 1 else ""
        assert (comment == f"change {calls} {nth}") == (status["version"] > before)
        client.close()
        settle(bare)
    assert kills or calls in ("ftruncate", "unlink,unlinkat"), f"no {calls} in a change?"
    client = bare.client()
    assert set(range(2, client.result("status")["version"] + 1)) <= \
        {line["version"] + 1 for line in audit(bare) if line["outcome"] == "asked"}


@needs_root
@pytest.mark.parametrize("error", ["ENOSPC", "EIO"])
@pytest.mark.parametrize("calls", ["fsync", "fdatasync", "rename,renameat,renameat2", "write"])
def test_each_system_call_of_a_change_may_fail(bare, calls, error):
    """Refused with the reason, or done: never half, and the next change is none the worse for it."""
    refused = 0
    for nth in range(1, AT_MOST):
        before = bare.status()["version"]
        with Strace(bare, f"{calls}:error={error}:when={nth}") as strace:
            number, problem = change(bare, f"{error} {nth}")
            injected = strace.injected()
        bare.start() if bare.child.poll() is not None else None
        wait_until(bare.answers, 30, "the daemon answers")
        after = bare.status()["version"]
        if number:
            assert after == number
        elif problem:
            refused += 1
            assert problem["data"]["code"] in ("unavailable", "internal"), problem
            assert re.search("space|full|Input/output|cannot", problem["message"]), problem
            assert after == before
        settle(bare)
        if not injected:
            break
    assert refused, f"{calls} never refused anything"
    number, problem = change(bare, "last")
    assert problem is None and number, problem


@needs_root
def test_a_publish_whose_end_is_unknown_keeps_its_timer(bare):
    """The journal's line can neither be synced nor taken back: it may be there after all, and then it must still go back by itself."""
    before, keeper = bare.status()["version"], keeper_pid(bare.child.pid)
    with Strace(bare, "fsync,fdatasync,ftruncate:error=EIO", bare.root / "var/lib/parley/store/journal") as strace:
        number, error = change(bare, "unknown")
        assert number is None and "restart the daemon" in error["message"], error
        wait_until(lambda: not os.path.exists(f"/proc/{keeper}"), 15, "the keeper begins anew")
        assert strace.injected() >= 2
    wait_until(bare.answers, 30, "the next keeper answers")
    assert bare.status()["version"] == before + 1  # the line was written
    assert bare.status()["confirm_version"] == before + 1
    client = bare.client()
    client.result("revert")
    assert client.code("domain.show", domain="x.example") == "not-found"
    client.close()


# ---- disks ----

@needs_root
def test_a_full_disk_refuses_the_change_and_traffic_goes_on(lab):
    edge = lab.edge(f"edge-full-{next(NUMBERS)}", allowed=[names.PARTNER_DOMAIN])
    state = edge.root / "var/lib/parley"
    state.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=512k,mode=0700", "none", state], check=True)
    from conftest import Running
    running = Running(lab, edge)
    try:
        owner = pwd.getpwnam("daemon")
        os.chown(state, owner.pw_uid, owner.pw_gid)
        edge.start()
        running.serve_pool()
        partner = running.partner()
        assert partner.ask(message()).status == 200
        with open(state / "filler", "wb", buffering=0) as filler:
            try:
                while True:
                    filler.write(b"x" * 4096)
            except OSError:
                pass
        before = edge.ask("status")["version"]
        for _ in range(3):
            refused = edge.parley("domain", "block", "spam.example")
            assert refused.returncode == 3 and re.search("No space|full", refused.stderr), refused.stderr
        assert partner.ask(message()).status == 200
        assert edge.ask("status")["version"] == before
        assert edge.parley("domain", "show", "spam.example").returncode == 6
        (state / "filler").unlink()
        assert edge.ask("domain", "block", "spam.example")["version"] == before + 1
        assert partner.ask(message()).status == 200
        lines = readable(edge)  # a disk that fills up in the middle of a line tears it, and the next one says so
        assert [line["number"] for line in lines] == list(range(1, len(lines) + 1))
        verdict = edge.ask("audit", "verify")
        assert verdict["whole"] and verdict["last"] == lines[-1]["number"], verdict
        running.disconnect()
        assert edge.stop()
    finally:
        running.disconnect()
        edge.stop()
        subprocess.run(["umount", "-l", state], check=True)
        shutil.rmtree(edge.root, ignore_errors=True)


@needs_root
def test_a_disk_that_turns_read_only_refuses_the_change_and_says_so(bare):
    """As a file system does that has found a fault: whoever has a file open may read it, and no write, sync or new name works."""
    before = bare.status()["version"]
    everything = "write,pwrite64,fsync,fdatasync,ftruncate,rename,renameat,renameat2,unlink,unlinkat"
    with Strace(bare, f"{everything}:error=EROFS"):
        number, problem = change(bare, "read-only")
        assert number is None and "Read-only file system" in problem["message"], problem
        assert bare.status()["version"] == before
    assert change(bare, "writable again")[0] == before + 1
