"""Starts the lab's programs, remembers exactly which they are, and stops only those.

Each program is remembered by its pid *and* the time the kernel started it, in a
file, so that another run (`make demo-down`) can stop what this one started and
never a stranger that was given the same pid since.
"""
import os
import signal
import subprocess
import time
from pathlib import Path


class LabError(Exception):
    """Something in the lab did not come up; the text says what and shows its log."""


def wait_until(condition, seconds, what, alive=None):
    """Waits for condition() to be true and returns its value; bounded by `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if alive is not None and not alive():
            raise LabError(f"{what}: the program ended before that")
        if time.monotonic() > deadline:
            raise LabError(f"{what}: not within {seconds} s")
        time.sleep(0.02)


def tail(path, lines=25):
    try:
        text = Path(path).read_text(errors="replace").splitlines()
    except OSError:
        return f"(no log {path})"
    return "\n".join(text[-lines:])


def start_time(pid):
    """The kernel's start time of a process in clock ticks; None if it is gone."""
    for _ in range(10):
        try:
            stat = Path(f"/proc/{pid}/stat").read_text()
        except OSError:
            return None
        fields = stat.rpartition(")")[2].split()
        if len(fields) > 19:
            return None if fields[0] == "Z" else int(fields[19])
        time.sleep(0.01)  # some kernels give an empty file while the process changes
    return None


class Process:
    def __init__(self, name, pid, started, log=None, child=None):
        self.name, self.pid, self.started, self.log, self.child = name, pid, started, log, child

    def is_running(self):
        if self.child is not None and self.child.poll() is not None:
            return False
        return self.started is not None and start_time(self.pid) == self.started

    def signal(self, number):
        if self.is_running():
            os.kill(self.pid, number)

    def wait(self, seconds):
        """Waits for the end; the exit status, or None when it is not our child."""
        wait_until(lambda: not self.is_running(), seconds, f"{self.name} ends")
        return self.child.wait() if self.child is not None else None

    def stop(self, seconds=10):
        """SIGTERM, then SIGKILL when it does not end in time.  True: it went by itself."""
        self.signal(signal.SIGTERM)
        try:
            self.wait(seconds)
            return True
        except LabError:
            self.signal(signal.SIGKILL)
            self.wait(5)
            return False


class Ledger:
    """What was started, in order, in a file that outlives us."""

    def __init__(self, folder, namespace=None):
        self.folder = Path(folder)
        self.namespace = namespace
        self.path = self.folder / "started"
        self.processes = []

    def start(self, name, argv, env=None, cwd=None):
        log = self.folder / f"{name}.log"
        argv = [str(word) for word in argv]
        if self.namespace:
            argv = ["ip", "netns", "exec", self.namespace] + argv
        with open(log, "ab") as out:
            child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd=cwd,
                                     env={**os.environ, **(env or {})}, start_new_session=True)
        process = Process(name, child.pid, start_time(child.pid), log, child)
        self.processes.append(process)
        with open(self.path, "a") as ledger:
            ledger.write(f"{child.pid} {process.started} {name}\n")
        return process

    def run(self, argv, timeout=30, env=None):
        """Runs a short command in the lab and returns it with its output."""
        argv = [str(word) for word in argv]
        if self.namespace:
            argv = ["ip", "netns", "exec", self.namespace] + argv
        return subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace",
                              timeout=timeout, env={**os.environ, **(env or {})})

    def load(self):
        """Reads what an earlier run started."""
        try:
            lines = self.path.read_text().splitlines()
        except OSError:
            return self
        for line in lines:
            pid, started, name = line.split(" ", 2)
            started = int(started) if started.isdigit() else None
            self.processes.append(Process(name, int(pid), started, self.folder / f"{name}.log"))
        return self

    def stop_all(self):
        """Stops what still runs, last started first.  Returns the names of those that did."""
        stopped = []
        for process in reversed(self.processes):
            if process.is_running():
                process.stop()
                stopped.append(process.name)
        self.processes.clear()
        self.path.unlink(missing_ok=True)
        return stopped
