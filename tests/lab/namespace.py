"""One network namespace for a lab: loopback only, a DNS of its own, nothing on the host's network."""
import ctypes
import os
import shutil
import signal
import socket
import subprocess
from pathlib import Path

DNS_ADDRESS = "127.0.0.53"
# One address a host.  127.0.0.0/8 is all on the loopback; IPv6 has to be added.
IPV6_ADDRESSES = ["fd00:10::1", "fd00:10::2", "fd00:11::1", "fd00:20::1", "fd00:21::1"]


def _ip(*words):
    return subprocess.run(["ip", *words], capture_output=True, text=True)


def exists(name):
    return Path("/run/netns", name).exists()


def make(name):
    answer = _ip("netns", "add", name)
    if answer.returncode != 0:
        raise RuntimeError(f"cannot make the network namespace {name}: {answer.stderr.strip()} (root is needed)")
    _ip("-n", name, "link", "set", "lo", "up")
    for address in IPV6_ADDRESSES:
        _ip("-n", name, "-6", "address", "add", f"{address}/128", "dev", "lo", "nodad")
    # `ip netns exec` binds this over /etc/resolv.conf for what it starts.
    folder = Path("/etc/netns", name)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "resolv.conf").write_text(f"nameserver {DNS_ADDRESS}\noptions timeout:1 attempts:2\n")


def connect(name, address, timeout=15):
    """A TCP connection made inside the namespace (None: where we are), for a program that itself is outside."""
    if not name:
        return socket.create_connection(address, timeout=timeout)
    libc, network = ctypes.CDLL(None, use_errno=True), 0x40000000  # CLONE_NEWNET: of this thread alone
    with open("/proc/thread-self/ns/net") as own, open(f"/run/netns/{name}") as theirs:
        if libc.setns(theirs.fileno(), network) != 0:
            raise RuntimeError(f"cannot enter the network namespace {name}")
        try:
            return socket.create_connection(address, timeout=timeout)
        finally:
            libc.setns(own.fileno(), network)


def pids(name):
    answer = _ip("netns", "pids", name)
    return [int(word) for word in answer.stdout.split()] if answer.returncode == 0 else []


def kill_all(name):
    """Ends whatever is still in a namespace of ours, such as the children of a server that was killed."""
    for pid in pids(name):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass


def remove(name):
    _ip("netns", "del", name)
    folder = Path("/etc/netns", name)
    shutil.rmtree(folder, ignore_errors=True)
    try:
        folder.parent.rmdir()  # only if nobody else keeps one there
    except OSError:
        pass
