"""A daemon made of answers, a real terminal (tmux), and the real console in it.

Nothing sleeps for luck: every step waits until the screen, the log or the
terminal shows what is expected, and fails with the screen when it does not.
"""
import json
import os
import re
import shlex
import signal
import subprocess
import time
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
BUILD = TOP / os.environ.get("BUILD", "build")
PARLEY = Path(os.environ.get("PARLEY", BUILD / "asan/parley"))
RELEASE = BUILD / "release/parley"  # where the sanitisers' own handlers would come first
WAIT = 15.0
STAGING = ["service.start", "service.stop", "service.drain", "service.restart", "stage.drop", "stage.clear", "stage.rebase", "confirm", "connection.retry",
           "connection.close", "connection.drain"]
CHANGING = ["domain.allow", "domain.block", "domain.remove", "access-edge.set", "config.import", "xmpp.add", "xmpp.set", "xmpp.remove", "xmpp.enable",
            "xmpp.disable", "publish", "undo", "revert", "version.restore", *STAGING]


class Daemon:
    def __init__(self, folder, *options):
        self.socket, self.log, self.options = folder / "s", folder / "log", options
        self.process = None

    def start(self):
        self.process = subprocess.Popen(["/usr/bin/python3", str(TOP / "tests/fakes/daemon.py"), str(self.socket), "--log", str(self.log),
                                         *self.options], stdout=subprocess.PIPE, text=True)
        assert self.process.stdout.readline() == "ready\n"
        return self

    def stop(self):
        if self.process:
            self.process.send_signal(signal.SIGCONT)
            self.process.terminate()
            self.process.wait()
            self.process.stdout.close()
            self.process = None

    def requests(self, *methods):
        if not self.log.exists():
            return []
        lines = [json.loads(line) for line in self.log.read_text().splitlines() if line]
        return [r for r in lines if not methods or r["method"] in methods]

    def changes(self, by_rule=True):
        """
        What would have changed something: dry runs do not.  Every publish of the console (by_rule) lets the daemon
        decide whether it goes back by itself; the command line asks for that only when it is told.
        """
        found = [r for r in self.requests() if r["method"] in CHANGING and not r["params"].get("dry_run")]
        for request in found:
            request["staged"] = request["params"].pop("stage", False)
            if not request["staged"] and request["method"] not in STAGING and by_rule:
                assert request["params"].pop("confirm_within") == "auto", request
        return found


class Terminal:
    """A tmux server of its own with one shell in it.

    No leak check in it: killing the terminal sends SIGCONT, which can eat the stop
    that the check waits for.  The tests with pexpect leave by a key and check leaks.
    """

    def __init__(self, folder, width=80, height=24, environment=""):
        self.tmux = ["tmux", "-S", str(folder / "tmux"), "-f", "/dev/null"]
        self.run("new-session", "-d", "-x", str(width), "-y", str(height), f"env PS1='sh> ' ASAN_OPTIONS=detect_leaks=0 {environment} sh")
        self.run("set-option", "-g", "status", "off")
        self.run("set-option", "-g", "window-size", "manual")
        self.run("resize-window", "-x", str(width), "-y", str(height))
        self.wait("sh>")

    def run(self, *arguments):
        return subprocess.run([*self.tmux, *arguments], check=True, capture_output=True, text=True).stdout

    def screen(self):
        return self.run("capture-pane", "-p")

    def keys(self, *keys):
        self.run("send-keys", *keys)

    def type(self, text):
        self.run("send-keys", "-l", text)

    def wait(self, *wanted, absent=()):
        end = time.monotonic() + WAIT
        while time.monotonic() < end:
            screen = self.screen()
            if all(re.search(w, screen) for w in wanted) and not any(re.search(a, screen) for a in absent):
                return screen
            time.sleep(0.03)
        raise AssertionError(f"waited for {wanted}, without {absent}; the screen is:\n{self.screen()}")

    def cursor_line(self):
        y = int(self.run("display-message", "-p", "#{cursor_y}"))
        return self.screen().splitlines()[y]

    def stop(self):
        subprocess.run([*self.tmux, "kill-server"], capture_output=True)


def until(claim, what):
    end = time.monotonic() + WAIT
    while time.monotonic() < end:
        if claim():
            return
        time.sleep(0.03)
    raise AssertionError(what)


def console(terminal, daemon, *words, program=PARLEY):
    terminal.type(shlex.join([str(program), "--socket", str(daemon.socket), *(words or ("console",))]) + "\n")


def open_overview(terminal, daemon, **how):
    screen = terminal(**how)
    console(screen, daemon)
    screen.wait("NEEDS ATTENTION")
    return screen


def open_domains(terminal, daemon, **how):
    screen = terminal(**how)
    console(screen, daemon, "console", "domains")
    screen.wait(r">  adatum\.example", "wingtip")
    return screen


def go_to_field(screen, label):
    """Down to the field; where it stands depends on the model's rows."""
    start = int(re.search(r"field (\d+) of", screen.screen()).group(1))
    for number in range(start + 1, 80):
        if re.search(rf"(?m)^>[ *] {label}", screen.screen()):
            return
        screen.keys("Down")
        screen.wait(rf"field {number} of")
    raise AssertionError(f"no field {label}")
