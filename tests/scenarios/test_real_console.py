"""The console on a terminal against the real daemon: what a screen shows is what the daemon says, what a key does is published."""
import itertools
import json
import os
import re
import shlex
import signal
import subprocess
from pathlib import Path

import pytest

from lab.process import tail, wait_until
from test_changes import audit, bare, documents  # noqa: F401  (bare: a daemon alone)
from bare import Bare, NOBODY

NUMBERS = itertools.count(1)

pytestmark = pytest.mark.short


class Screen:
    """The console in a tmux of its own."""

    def __init__(self, daemon, folder, *words, language=""):
        self.tmux = ["tmux", "-S", str(folder / "tmux"), "-f", "/dev/null"]
        command = shlex.join([os.environ["PARLEY"], "--root", str(daemon.root), "console", *words])
        self.run("new-session", "-d", "-x", "100", "-y", "30", f"env ASAN_OPTIONS=detect_leaks=0 LC_ALL=C.UTF-8 LANGUAGE={language} {command}; sleep 60")
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

    def go_to_field(self, label):
        """Down to the field; where it stands depends on the model's rows."""
        start = int(re.search(r"field (\d+) of", self.wait(r"field \d+ of")).group(1))
        for number in range(start + 1, 80):
            if re.search(rf"(?m)^>[ *] {label}", self.run("capture-pane", "-p")):
                return
            self.keys("Down")
            self.wait(rf"field {number} of")
        raise AssertionError(f"no field {label}")

    def pid(self):
        """Of the console itself: the only child of the pane's shell."""
        shell = self.run("display-message", "-p", "#{pane_pid}").strip()
        child, = Path(f"/proc/{shell}/task/{shell}/children").read_text().split()
        assert Path(f"/proc/{child}/comm").read_text().strip() == "parley"
        return int(child)

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
                       ("s", "Sessions"), ("r", "Remote users"), ("T", "Topology"), ("i", "SIP providers"), ("u", "Users, grants"), ("z", "Sites"),
                       ("h", "Open meetings"), ("p", "Access policies"), ("S", "Staged changes"), ("k", "Versions"), ("A", "Audit"), ("a", "Access Edge"),
                       ("X", "XMPP gateway"), ("w", "Why blocked"), ("o", "Overview")]:
        screen.keys("g", key)
        screen.wait(rf"(?m)^ {title}")
        if key in "aX":
            screen.wait(r"field \d+ of \d+")
        elif key in "neydvxkAsrTiuzhp":
            screen.wait(r"\d+ of \d+")
        if key in "aXw":
            screen.keys("Escape")
            screen.wait("NEEDS ATTENTION")


def test_federation_switched_off_by_a_console_that_is_killed_comes_back_by_itself(bare, screen):  # noqa: F811
    """The wrong switch, and then nobody is there to undo it: the timer is the daemon's, not the console's."""
    ask(bare, "access-edge", "set", "allow-federated-users=true")
    screen.wait("NEEDS ATTENTION")
    screen.keys(":")
    screen.type("access-edge set allow-federated-users=false --confirm-within 5")
    screen.keys("Enter")
    screen.wait("Run this command", "y/N")
    screen.keys("y")
    wait_until(lambda: ask(bare, "status")["confirm_version"] == 3, 10, "version 3 waits")
    os.kill(screen.pid(), signal.SIGKILL)
    bare.wait_event("config-reverted", reverted=3)
    assert ask(bare, "access-edge", "show")["fields"]["allow-federated-users"] is True
    said = [(line["who"], line["verb"], line["outcome"], line["version"]) for line in audit(bare)]
    assert [line for line in said if line[1] == "revert"] == [("parleyd", "revert", "asked", 3), ("parleyd", "revert", "published", 4)]
    assert "confirm" not in [line[1] for line in said]


def test_a_switch_of_a_killed_console_waits_as_long_as_the_rule_says(bare, screen):  # noqa: F811
    ask(bare, "access-edge", "set", "allow-federated-users=true")
    screen.wait("NEEDS ATTENTION")
    screen.keys("g", "a")
    screen.wait(r">  Allow federated users +\[x\] on", "SIP federation off: ")
    screen.keys("Space", "Enter")
    screen.wait("Type off to publish this", "Dry run: ")
    screen.type("off")
    screen.keys("Enter")
    screen.wait(r"v\d+ goes back in \dm\d\ds: Y keeps")
    os.kill(screen.pid(), signal.SIGKILL)
    waits = json.loads((bare.root / "var/lib/parley/pending").read_text())
    assert (waits["version"], waits["seconds"]) == (3, 300)
    assert ask(bare, "status")["confirm_version"] == 3
    ask(bare, "revert")
    assert ask(bare, "access-edge", "show")["fields"]["allow-federated-users"] is True


# ---- one way to change anything ----

def by_words(daemon, screen):
    for words in (("domain", "allow", "x.example", "proxy-fqdn=edge.x.example", "comment=a & b", "--stage"),
                  ("domain", "block", "spam.example", "--stage"), ("access-edge", "set", "allow-federated-users=true", "--stage"),
                  ("publish", "-c", "by words")):
        ask(daemon, *words)


def by_xml(daemon, screen):
    (daemon.conf / "sip-domains.xml").write_text(
        '<parley document="sip-domains" schema="1" version="1">\n<blocked-domain domain="spam.example"/>\n'
        '<allowed-domain domain="X.example"><comment>a &amp; b</comment>'
        "<proxy-fqdn>edge.x.example</proxy-fqdn></allowed-domain>\n</parley>\n")
    (daemon.conf / "access-edge.xml").write_text(
        '<parley document="access-edge" schema="1" version="1"><access-edge>'
        "<allow-federated-users>true</allow-federated-users></access-edge></parley>\n")
    for name in ("sip-domains.xml", "access-edge.xml"):
        if os.geteuid() == 0:
            os.chown(daemon.conf / name, NOBODY.pw_uid, NOBODY.pw_gid)
    daemon.child.send_signal(signal.SIGHUP)


def by_console(daemon, screen):
    screen.wait("NEEDS ATTENTION")
    screen.keys("g", "d")
    screen.wait("SIP domains")
    screen.keys("n")
    screen.wait("New: Allowed domain")
    screen.type("X.example")
    for label, text in (("Proxy FQDN", "edge.x.example"), ("Comment", "a & b")):
        screen.go_to_field(label)
        screen.type(text)
    screen.keys("Enter")
    screen.wait("s stage instead")
    screen.keys("s")
    screen.wait("staged: domain allow", "staged 1")
    screen.keys(":")
    screen.type("domain block spam.example --stage")
    screen.keys("Enter")
    screen.wait("Run this command", "y/N")
    screen.keys("y")
    screen.wait("staged: domain block spam.example", "staged 2")
    screen.keys("g", "a")
    screen.wait(r">  Allow federated users +\[ \] off")
    screen.keys("Space", "Enter")
    screen.wait("s stage instead")
    screen.keys("s")
    screen.wait("staged 3")
    screen.keys("g", "S")
    screen.wait("Staged changes +3 of 3|Staged changes")
    screen.keys("P")
    screen.wait(r"Comment \(why\?\)")
    screen.type("by console")
    screen.keys("Enter")
    screen.wait("Publish 3 staged")
    screen.keys("y")
    screen.wait(r"v2 published: publish", "Nothing is staged")


def test_the_same_task_by_console_by_words_and_by_hand_ends_in_the_same_version(lab, tmp_path):
    """Every document of the version, byte by byte."""
    versions = {}
    for way in (by_words, by_xml, by_console):
        daemon = Bare(lab.folder / f"ways-{way.__name__}-{next(NUMBERS)}").start()
        folder = tmp_path / way.__name__
        folder.mkdir()
        opened = Screen(daemon, folder)
        client = daemon.client()
        try:
            way(daemon, opened)
            wait_until(lambda: client.result("status")["version"] == 2, 10, f"{way.__name__} has published")  # noqa: B023
            versions[way.__name__] = documents(client, version=2)
        finally:
            opened.close()
            client.close()
            assert daemon.stop() == 0, tail(daemon.log_path)
    assert "edge.x.example" in versions["by_words"]["sip-domains.xml"] and "spam.example" in versions["by_words"]["sip-domains.xml"]
    assert versions["by_words"] == versions["by_xml"] == versions["by_console"]


def test_a_filter_finds_users_far_apart_and_one_that_is_refused_shows_why(bare, screen):  # noqa: F811
    client, ours = bare.client(), "contoso.example"
    names = [f"u{i:05}" for i in range(10500)]  # more than a filter looks at in one call
    client.result("config.upload", name="topology.xml", last=True,
                  text=f'<parley document="topology" schema="1"><topology><sip-domains>{ours}</sip-domains></topology><site name="Oslo"/></parley>')
    client.result("config.import", uploaded=True)
    text = "sip-address,site\n" + "".join(f"{n}@{ours},{'Oslo' if n in (names[1], names[-1]) else ''}\n" for n in names)
    for at in range(0, len(text), 30000):
        client.result("config.upload", name="users.csv", text=text[at:at + 30000], last=at + 30000 >= len(text))
    client.result("user.import")
    screen.wait("NEEDS ATTENTION")
    screen.keys("g", "u")
    screen.wait(r"1 to 200 of 10500", names[0])
    screen.type("/site:Oslo")
    screen.keys("Enter")
    assert names[0] not in screen.wait(r"1 to 2 of 2 ", names[1], names[-1])
    screen.keys("Escape")
    screen.wait(r"of 10500", names[0])
    screen.type("/scope:global")
    screen.keys("Enter")
    screen.wait("200 of those the filter lets through", names[0])
    screen.keys("Escape")
    screen.wait(r"of 10500")
    screen.type("/nonsense:on")
    screen.keys("Enter")
    shown = screen.wait("nothing to filter by in nonsense:on; there are: ")
    assert names[0] not in shown
    screen.keys("s")  # another order brings the rows of before not back
    assert names[0] not in screen.wait("nothing to filter by in nonsense:on; there are: ")
    screen.keys("Escape")
    screen.wait(r"of 10500", names[0])
