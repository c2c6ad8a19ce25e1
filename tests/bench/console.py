#!/usr/bin/python3
"""What the console costs the line it is looked at over, and how soon a key is seen: a real one on a pseudo-terminal of
80x24, with a real parleyd of RULES allowed domains (1000 unless given).

    tests/bench/console.py [RULES]

Prints one figure a line, as the programs beside it do.  `make bench` also asks `live_bytes` while the edge is under load.
"""
import fcntl
import json
import os
import pty
import select
import signal
import struct
import sys
import termios
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import publish_100k  # noqa: E402

PARLEY = HERE.parents[1] / "build/release/parley"
KEYS, STRIDE, START_S, IDLE_S, QUIET_S, WAIT_S = 400, 8, 4, 10, 0.08, 15  # a stride stays on one screenful
DOWN, UP = b"\x1bOB", b"\x1bOA"
LIMIT_PAINT_IDLE_MS, LIMIT_PAINT_STOPPED_MS, LIMIT_STEP, LIMIT_LIVE = 10, 30, 120, 1000


class Console:
    """One on a terminal of its own; what it writes is read as it comes."""

    def __init__(self, socket, *words):
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            os.environ.update(TERM="xterm-256color", LC_ALL="C.UTF-8")
            os.execv(PARLEY, [str(PARLEY), "--socket", str(socket), *words])
        fcntl.ioctl(self.terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        self.read(START_S)

    def read(self, seconds):
        """Everything written within that time."""
        got, end = b"", time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if select.select([self.terminal], [], [], left)[0]:
                got += os.read(self.terminal, 65536)
        return got

    def read_until(self, quiet):
        """Everything until nothing came for so long."""
        got = b""
        while select.select([self.terminal], [], [], quiet)[0]:
            got += os.read(self.terminal, 65536)
        return got

    def key(self, key):
        """Milliseconds until the first byte of the answer, and how many bytes the whole answer has."""
        began = time.monotonic()
        os.write(self.terminal, key)
        if not select.select([self.terminal], [], [], WAIT_S)[0]:
            raise SystemExit(f"console: no answer to {key} in {WAIT_S} s")
        first = (time.monotonic() - began) * 1000
        return first, len(self.read_until(QUIET_S))

    def close(self):
        os.kill(self.pid, signal.SIGTERM)
        try:
            while os.read(self.terminal, 65536):
                pass
        except OSError:
            pass
        os.waitpid(self.pid, 0)
        os.close(self.terminal)


def live_bytes(socket, screen, seconds):
    """Bytes a second of a screen whose figures move."""
    console = Console(socket, "console", screen)
    try:
        return len(console.read(seconds)) / seconds
    finally:
        console.close()


def p99(figures):
    return sorted(figures)[int(len(figures) * 0.99)]


def figure(name, value, limit, unit):
    print(json.dumps({"name": name, "ours": round(value, 3), "limit": limit, "unit": unit}), flush=True)


def steps(console, count):
    """A walk down and up the list: each step repaints two rows."""
    return [console.key(DOWN if (number // STRIDE) % 2 == 0 else UP) for number in range(count)]


def main():
    rules = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    child, client, _ = publish_100k.start(rules)
    console = Console(publish_100k.FOLDER / "root/run/parley/control.sock", "console", "domains")
    try:
        idle = min(len(console.read(IDLE_S)) for _ in range(2))  # the clock's minute may turn in one of them
        figure("console.idle_bytes", idle, None, f"bytes written in {IDLE_S} s in which nothing changed; none are allowed")
        if idle:
            raise SystemExit(f"console: {idle} bytes were written though nothing changed")
        walked = steps(console, KEYS)
        figure("console.key_paint_p99_ms", p99([ms for ms, _ in walked]), LIMIT_PAINT_IDLE_MS, f"ms from a key to its paint, {KEYS} keys, {rules} domains")
        figure("console.cursor_step_bytes", max(length for _, length in walked), LIMIT_STEP, "bytes, the largest step of the cursor")
        pids = publish_100k.family(child.pid)
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        try:
            figure("console.key_paint_stopped_p99_ms", p99([ms for ms, _ in steps(console, KEYS)]), LIMIT_PAINT_STOPPED_MS,
                   "ms from a key to its paint, the daemon stopped")
        finally:
            for pid in pids:
                os.kill(pid, signal.SIGCONT)
    finally:
        console.close()
        publish_100k.stop(child)


if __name__ == "__main__":
    main()
