"""The control socket and who calls at it: hostile clients, crowds, floods, long lines."""
import array
import json
import os
import socket

import pytest

from bare import Closed, LINE_MAX, keeper_pid, proc_status
from lab.edge import programs
from lab.process import wait_until

pytestmark = pytest.mark.short


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
