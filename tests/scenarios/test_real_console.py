"""The console on a terminal against the real daemon: what a screen shows is what the daemon says, what a key does is published."""
import json
import os
import re
import shlex
import subprocess

import pytest

from lab.process import wait_until
from test_changes import bare  # noqa: F401  (a daemon alone)

pytestmark = pytest.mark.short


class Screen:
    """The console in a tmux of its own."""

    def __init__(self, daemon, folder, *words):
        self.tmux = ["tmux", "-S", str(folder / "tmux"), "-f", "/dev/null"]
        command = shlex.join([os.environ["PARLEY"], "--root", str(daemon.root), "console", *words])
        self.run("new-session", "-d", "-x", "100", "-y", "30", f"env ASAN_OPTIONS=detect_leaks=0 LC_ALL=C.UTF-8 {command}; sleep 60")
        self.run("set-option", "-g", "status", "off")

    def run(self, *arguments):
        return subprocess.run([*self.tmux, *arguments], check=True, capture_output=True, text=True).stdout

    def keys(self, *keys):
        self.run("send-keys", *keys)

    def type(self, text):
        self.run("send-keys", "-l", text)

    def wait(self, *wanted):
        shown = [""]

        def is_there():
            shown[0] = self.run("capture-pane", "-p")
            return all(re.search(w, shown[0]) for w in wanted)

        try:
            wait_until(is_there, 20, f"the screen shows {wanted}")
        except Exception as error:
            raise AssertionError(f"waited for {wanted}; the screen is:\n{shown[0]}") from error
        return shown[0]

    def close(self):
        subprocess.run([*self.tmux, "kill-server"], capture_output=True)


@pytest.fixture
def screen(bare, tmp_path):  # noqa: F811
    opened = Screen(bare, tmp_path)
    yield opened
    opened.close()


def ask(daemon, *words):
    answer = subprocess.run([os.environ["PARLEY"], "--root", str(daemon.root), "--json", *words], capture_output=True, text=True)
    assert answer.returncode in (0, 1, 8), answer.stdout + answer.stderr
    return json.loads(answer.stdout)


def test_a_domain_is_allowed_edited_staged_and_undone_from_the_screens(bare, screen):  # noqa: F811
    screen.wait("NEEDS ATTENTION")
    screen.keys("g", "d")
    screen.wait("SIP domains")
    screen.keys("n")
    screen.wait("New: Allowed domain")
    screen.type("fabrikam.example")
    screen.keys("Enter")
    screen.wait("Publish now", "Dry run: ")
    screen.keys("y")
    screen.wait(r"v\d+ published: domain allow fabrikam.example", r">  fabrikam.example +allow")
    screen.keys("p")
    screen.wait(r">  Proxy FQDN")
    screen.type("sip.fabrikam.example")
    screen.keys("Enter")
    screen.wait("proxy-fqdn: - -> sip.fabrikam.example", "s stage instead")
    screen.keys("s")
    screen.wait("staged: domain allow fabrikam.example", "staged 1")
    assert ask(bare, "domain", "show", "fabrikam.example")["proxy-fqdn"] == ""
    screen.keys("S")
    screen.wait(r"changed +allowed-domain +fabrikam.example +proxy-fqdn", "EFFECT IF PUBLISHED", "would close|would be decided")
    screen.keys("P")
    screen.type("they pinned it")
    screen.keys("Enter")
    screen.wait("Publish 1 staged")
    screen.keys("y")
    screen.wait(r"v\d+ published: publish", "Nothing is staged")
    assert ask(bare, "domain", "show", "fabrikam.example")["proxy-fqdn"] == "sip.fabrikam.example"
    screen.keys("g", "k")
    screen.wait("Versions", "they pinned it", r"\$ parley version show")
    screen.keys("U")
    screen.wait("Undo", "parley undo", "Dry run: ")
    screen.keys("y")
    screen.wait(r"v\d+ published: undo")
    assert ask(bare, "domain", "show", "fabrikam.example")["proxy-fqdn"] == ""
    screen.keys("g", "A")
    screen.wait("Audit", r"domain allow fabrikam", "publish", "undo")


def test_a_switch_is_turned_off_counted_down_and_kept_and_why_says_so(bare, screen):  # noqa: F811
    ask(bare, "access-edge", "set", "allow-federated-users=true")
    ask(bare, "domain", "allow", "fabrikam.example")
    screen.wait("NEEDS ATTENTION")
    screen.keys("g", "a")
    screen.wait(r">  Allow federated users +\[x\] on", "SIP federation off: ")
    screen.keys("Space", "Enter")
    screen.wait("allow-federated-users: true -> false", "Type off to publish this", "Dry run: ")
    screen.type("off")
    screen.keys("Enter")
    screen.wait(r"v\d+ goes back in \dm\d\ds: Y keeps", r">  Allow federated users +\[ \] off")
    screen.keys("Y")
    screen.wait("done: confirm")
    assert ask(bare, "access-edge", "show")["fields"]["allow-federated-users"] is False
    screen.keys("g", "w")
    screen.type("dan@fabrikam.example")
    screen.keys("Tab")
    screen.type("eve@contoso.example")
    screen.keys("Enter")
    shown = screen.wait("BLOCKED at check", "smallest change: ", r"federation-switch +BLOCK")
    assert "access-edge set allow-federated-users=true" in shown
    screen.keys("Enter")
    screen.wait("Access edge|Access Edge", r">  Allow federated users +\[ \] off")


def test_every_screen_of_the_navigation_opens_against_the_real_daemon(bare, screen):  # noqa: F811
    screen.wait("NEEDS ATTENTION")
    for key, title in [("n", "Connections"), ("e", "Events"), ("y", "Services"), ("d", "SIP domains"), ("v", "Discovered"), ("x", "XMPP partners"),
                       ("S", "Staged changes"), ("k", "Versions"), ("A", "Audit"), ("a", "Access Edge"), ("p", "Access policy"), ("X", "XMPP gateway"),
                       ("w", "Why blocked"), ("o", "Overview")]:
        screen.keys("g", key)
        screen.wait(rf"(?m)^ {title}")
        if key in "apX":
            screen.wait(r"field \d+ of \d+")
        elif key in "neydvxkA":
            screen.wait(r"\d+ of \d+")
        if key in "apXw":
            screen.keys("Escape")
            screen.wait("NEEDS ATTENTION")
