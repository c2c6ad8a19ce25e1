"""The real console in a real terminal (tmux) against a daemon made of answers.

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

import pytest

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


@pytest.fixture
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("c")


@pytest.fixture
def daemon(folder, request):
    daemon = Daemon(folder, *getattr(request, "param", ()))
    yield daemon.start()
    daemon.stop()


@pytest.fixture
def terminal(folder):
    terminals = []

    def make(**how):
        terminals.append(Terminal(folder, **how))
        return terminals[-1]

    yield make
    for terminal in terminals:
        terminal.stop()


def console(terminal, daemon, *words, program=PARLEY):
    terminal.type(shlex.join([str(program), "--socket", str(daemon.socket), *(words or ("console",))]) + "\n")


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


def test_starts_moves_and_explains(daemon, terminal):
    screen = terminal()
    console(screen, daemon)
    screen.wait("Overview", r"access +running", r"msgs in +/s +12\.0", "NEEDS ATTENTION", "q quit")
    screen.keys("g", "d")
    screen.wait("SIP domains +7 of 7", r">  adatum\.example")
    screen.keys("Down", "j")
    screen.wait(r">  fabrikam\.example", r"\$ parley domain show fabrikam\.example")
    assert screen.cursor_line().startswith(">  fabrikam")
    screen.keys("?")
    screen.wait("Keys of this screen", r"b +block")
    screen.keys("q")
    screen.wait(r">  fabrikam\.example")
    screen.keys("o")
    screen.wait(r"counts +in=152301", "c-12")
    screen.keys("Escape")
    screen.wait(r">  fabrikam\.example")
    screen.keys("G")
    screen.wait(r">  wingtip\.example")
    screen.keys("g", "g")
    screen.wait(r">  adatum\.example")
    screen.keys("g", "o")
    screen.wait("NEEDS ATTENTION")
    assert daemon.changes() == []


def test_filters_sorts_and_marks(daemon, terminal):
    screen = open_domains(terminal, daemon)
    screen.keys("/")
    screen.type("rule:block")
    screen.wait("2 of 7", "blueyonder", absent=("fabrikam",))
    screen.keys("Enter")
    screen.wait("filter: rule:block", "n new")
    screen.keys("Escape")
    screen.wait("7 of 7", "fabrikam")
    screen.keys("<", "<", "<", "~")  # from the name backwards to msg/s
    screen.wait("sort: MSG/S v", r"fabrikam.*\n.*litware")
    screen.keys("g", "g", "Space", "Space")
    screen.wait("2 marked", r"\* {1,2}fabrikam", r"\* {1,2}litware")
    screen.keys("Escape")
    screen.wait("7 of 7", absent=("marked",))


def test_allows_a_domain_only_after_confirmation(daemon, terminal):
    screen = open_domains(terminal, daemon)
    screen.keys("n")
    screen.wait("New: Allowed domain", r"> +Domain", r"\$ parley domain allow DOMAIN")
    screen.keys("Enter")
    screen.wait("domain is needed")
    screen.type("woodgrove.example")
    screen.keys("Enter")
    screen.wait("New: Allowed domain woodgrove.example", r"Publish now\? y/N", r"\$ parley domain allow woodgrove\.example")
    assert daemon.changes() == []
    screen.keys("Enter")  # Enter alone is no
    screen.wait("nothing was changed")
    assert daemon.changes() == []
    screen.keys("Enter")
    screen.wait("Publish now")
    screen.keys("y")
    screen.wait("v119 published: domain allow woodgrove.example", "8 of 8")
    assert [(r["method"], r["params"]) for r in daemon.changes()] == [
        ("domain.allow", {"domain": "woodgrove.example", "if_version": 118})]
    screen.keys("n")
    screen.type("fabrikam.example")
    screen.keys("Enter")
    screen.wait("fabrikam.example is allowed already", r">  fabrikam\.example")


def test_blocking_live_connections_wants_their_number(daemon, terminal):
    screen = open_domains(terminal, daemon)
    screen.keys("j", "j", "b")
    screen.wait("Block fabrikam.example", "3 connections; they close", "Type 3")
    screen.keys("y", "Enter")
    screen.wait("nothing was changed")
    assert daemon.changes() == []
    screen.keys("b")
    screen.wait("Type 3")
    screen.keys("3", "Enter")
    screen.wait(r"v119 published: domain block fabrikam\.example", r">  fabrikam\.example +block")
    assert [r["method"] for r in daemon.changes()] == ["domain.block"]


def test_acts_on_all_marked_as_one_change(daemon, terminal):
    screen = open_domains(terminal, daemon)
    screen.keys("/")
    screen.type("rule:block")
    screen.keys("Enter")
    screen.wait("2 of 7")
    screen.keys("#")
    screen.wait("2 marked", r"\* +blueyonder", r"\* +wingtip")
    screen.keys("#")
    screen.wait("2 of 7", absent=("marked",))
    screen.keys("g", "g", "Space", "Space", "a")
    screen.wait("Allow blueyonder.example, wingtip.example", "domain allow 'blueyonder.example,wingtip.example'|domain allow blueyonder.example,wingtip.example", "y/N")
    screen.keys("y")
    screen.wait("v119 published")
    assert [(r["params"]["domain"], r["params"]["if_version"]) for r in daemon.changes()] == [
        (["blueyonder.example", "wingtip.example"], 118)]


def test_writes_a_note_and_pins_an_edge(daemon, terminal):
    screen = open_domains(terminal, daemon)
    screen.keys("c")
    screen.wait(r">  Comment +contract 2291")
    screen.keys("C-u")
    screen.type("it's theirs")
    screen.keys("Enter")  # a note moves nobody's messages: no question
    screen.wait("v119 published", "note: it's theirs")
    screen.keys("p")
    screen.wait(r">  Proxy FQDN", r"Proxy port +5061")
    screen.type("sip..adatum.example")
    screen.wait("has an empty label", "1 problem")
    screen.keys("Enter")
    screen.wait("Cannot save: 1 problem")
    screen.keys("C-u")
    screen.type("sip.adatum.example")
    screen.wait("A pinned name is trusted more", absent=("empty label",))
    screen.keys("Enter")
    screen.wait("Publish now", "proxy-fqdn: - -> sip.adatum.example", r"proxy-fqdn=sip\.adatum\.example")
    screen.keys("y")
    screen.wait("v120 published", r"edge pinned to sip\.adatum\.example:5061")
    assert [r["params"]["set"] for r in daemon.changes()] == [{"comment": "it's theirs"}, {"proxy-fqdn": "sip.adatum.example"}]


def test_refusals_of_the_daemon_stand_at_their_field(daemon, terminal):
    screen = open_domains(terminal, daemon)
    screen.keys("n")
    screen.type("refused.example")
    screen.keys("Enter")
    screen.wait("not saved: the daemon refuses a field", "domain: not today; allowed: another name", r">\* Domain", absent=["y/N"])
    assert daemon.changes() == []


def test_somebody_else_published_meanwhile(daemon, terminal):
    screen = open_domains(terminal, daemon)
    screen.keys("b")
    screen.wait("Type 2")
    subprocess.run([PARLEY, "--socket", daemon.socket, "domain", "remove", "wingtip.example", "--confirm-within=auto"], check=True, capture_output=True)
    screen.keys("2", "Enter")
    screen.wait("somebody published meanwhile")
    assert [r["method"] for r in daemon.changes()] == ["domain.remove", "domain.block"]
    screen.wait("6 of 6", r"adatum\.example +allow")


def test_the_command_line_looks_at_once_and_asks_before_changes(daemon, terminal):
    screen = open_domains(terminal, daemon)
    screen.keys(":")
    screen.type("why dan@wingtip.example eve@contoso.example")
    screen.keys("Enter")
    screen.wait("REFUSE at step 2", "wingtip.example is on the block list")
    screen.keys("q")
    screen.keys(":")
    screen.type("access-edge set allow-federated-users=false")
    screen.keys("Enter")
    screen.wait("Run this command", "y/N")
    assert daemon.changes() == []
    screen.keys("y")
    screen.wait("v119 published: access-edge set")
    assert daemon.changes()[0]["params"] == {"set": {"allow-federated-users": False}}
    screen.keys(":")
    screen.type("domian list")
    screen.keys("Enter")
    screen.wait("did you mean domain")
    screen.keys(":")
    screen.type("config import /tmp")
    screen.keys("Enter")
    screen.wait("need the shell")
    screen.keys(":")
    screen.type("quit")
    screen.keys("Enter")
    screen.wait("sh>", absent=("SIP domains",))


def test_wrong_keys_change_nothing(daemon, terminal):
    screen = open_domains(terminal, daemon)
    for key in ["x", "D", "B", "L", "C-b", "C-d", "C-a", "C-r", "C-x", "F3", "F12", "F2", "F8", "Tab", "BSpace", "DC", "IC", "!", "1", "é", "網"]:
        screen.keys(key)
    screen.wait("that key does nothing here")
    screen.keys("C-l")
    screen.wait(r">  adatum\.example")
    screen.keys("b")
    screen.wait("Type 2")
    for key in ["x", "b", "a", "d", "s", "C-c"]:
        screen.keys(key)
    screen.wait("nothing was changed")
    screen.keys("g", "j")
    screen.wait("g is followed by")
    assert daemon.changes() == []


def test_a_paste_is_text_or_nothing(daemon, terminal):
    screen = open_domains(terminal, daemon)
    screen.run("set-buffer", "nb\ry3\rqy")
    screen.run("paste-buffer", "-p")
    screen.keys("j")
    screen.wait(r">  blueyonder\.example")
    screen.keys("n")
    screen.wait("New: Allowed domain")
    screen.run("set-buffer", "pasted.example\r")
    screen.run("paste-buffer", "-p")
    screen.wait("Domain +pasted.example")
    screen.keys("Escape")
    screen.wait("1 change has not been saved", r"Discard it\? y/N")
    screen.keys("n")
    screen.wait("Domain +pasted.example")
    screen.keys("Escape", "y")
    screen.wait("n new", r">  blueyonder\.example")
    assert daemon.changes() == []


def test_resizes_down_to_60x16_and_back(daemon, terminal):
    screen = open_domains(terminal, daemon)
    screen.keys("j", "j")
    screen.wait(r">  fabrikam\.example")
    screen.run("resize-window", "-x", "60", "-y", "16")
    shown = screen.wait(r"(?m)^>  fabrikam\.example +allow up +14\.2", "q quit", absent=("PROXY",))
    assert max(map(len, shown.splitlines())) <= 60
    screen.run("resize-window", "-x", "30", "-y", "8")
    screen.wait("60x16 shows more", "access running")
    screen.run("resize-window", "-x", "120", "-y", "40")
    screen.wait("STATUS", "EXTERNAL ACCESS", "LAST ERROR", r">  fabrikam\.example")
    for width in range(20, 140, 7):  # a storm
        screen.run("resize-window", "-x", str(width), "-y", str(5 + width // 4))
    screen.run("resize-window", "-x", "80", "-y", "24")
    screen.wait("PROXY FQDN", r">  fabrikam\.example", "q quit")


def test_no_key_waits_for_a_daemon_that_stands_still(daemon, terminal):
    screen = open_domains(terminal, daemon)
    daemon.process.send_signal(signal.SIGSTOP)
    screen.keys("j")
    screen.wait(r">  blueyonder\.example")
    screen.wait(r"no answer for \d+s")
    screen.keys("j", "?")
    screen.wait("Keys of this screen")
    screen.keys("q", "d")
    screen.wait("Remove fabrikam.example")
    screen.keys("3", "Enter")
    screen.wait(r"saving.*domain remove fabrikam\.example")
    screen.keys("G")
    screen.wait(r">  wingtip\.example", "saving")
    screen.keys("/")
    screen.type("lit")
    screen.wait("1 of 7", r">  litware\.example")
    screen.keys("Escape")
    daemon.process.send_signal(signal.SIGCONT)
    screen.wait(r"v119 published: domain remove fabrikam\.example", "6 of 6", absent=("no answer",))
    assert [r["method"] for r in daemon.changes()] == ["domain.remove"]


def test_a_lost_link_shows_its_age_and_comes_back(daemon, terminal):
    screen = open_domains(terminal, daemon)
    daemon.stop()
    screen.wait(r"control link lost \d+s, retry in \d+s", r">  adatum\.example")
    screen.keys("j", "b")
    screen.wait("Block blueyonder.example")
    screen.keys("y")
    screen.wait("not done: not connected")
    daemon.start()
    screen.keys("R")
    screen.wait(": command", absent=("link lost",))
    screen.keys("j")
    screen.wait(r">  fabrikam\.example")
    assert daemon.changes() == []


def test_waits_for_a_daemon_that_is_not_there_yet(folder, terminal):
    daemon = Daemon(folder)
    screen = terminal()
    console(screen, daemon)
    screen.wait("not connected, retry in", "parleyd does not answer at")
    daemon.start()
    try:
        screen.wait(r"access +running", r"chen \(administrator\) RW")
    finally:
        daemon.stop()


@pytest.mark.parametrize("daemon", [("--role", "viewer")], indirect=True)
def test_a_viewer_sees_no_keys_that_are_not_his(daemon, terminal):
    screen = open_domains(terminal, daemon)
    screen.wait(r"Enter edit +/ filter", absent=("b block", "n new"))
    screen.keys("b")
    screen.wait("domain block needs the role policy; you are viewer")
    screen.keys(":")
    screen.type("domain block x.example")
    screen.keys("Enter")
    screen.wait("not permitted in this session; it needs the role policy")
    screen.keys("?")
    screen.wait("Keys of this screen", absent=("block the selected",))
    assert daemon.changes() == []


def test_read_only_is_asked_of_the_daemon(daemon, terminal):
    screen = terminal()
    console(screen, daemon, "console", "domains", "--read-only")
    screen.wait(r"chen \(administrator\) RO", "adatum", absent=("b block",))
    screen.keys("b")
    screen.wait("this session is read-only")
    assert daemon.requests("hello")[0]["params"]["mode"] == "ro"


@pytest.mark.parametrize("daemon", [("--rows", "3000")], indirect=True)
def test_a_long_list_is_fetched_in_pages(daemon, terminal):
    screen = terminal()
    console(screen, daemon, "console", "domains")
    screen.wait("3007 of 3007")
    screen.keys("G")
    screen.wait(r">  wingtip\.example", r"tailspin")
    screen.keys("/")
    screen.type("partner02999")
    screen.wait("1 of 3007", r">  partner02999\.example")
    screen.keys("Enter", "PPage", "NPage")
    screen.wait(r">  partner02999\.example")


@pytest.mark.parametrize("daemon", [("--hostile",)], indirect=True)
def test_names_from_outside_cannot_move_the_cursor(daemon, terminal):
    screen = terminal(environment="LC_ALL=C.UTF-8")
    screen.run("set-option", "-g", "set-titles", "on")
    console(screen, daemon, "console", "domains")
    screen.wait("SIP domains", r"evil\\x1b\[2J", "wide-網域", r"c1-\\xc2\\x9b31m", "combining-e\u0301")
    assert "title" not in screen.run("display-message", "-p", "#{pane_title}")
    screen.keys("q")
    screen.wait("sh>")


@pytest.mark.parametrize("ending", ["q", "C-c", "TERM", "HUP", "ABRT", "SEGV"])
def test_the_terminal_is_given_back_on_every_way_out(daemon, terminal, ending, folder):
    screen = terminal()
    screen.type(f"echo mine; stty -g > {folder}/before\n")
    screen.wait("mine")
    screen.type(f"echo $$ > {folder}/shell; ulimit -c 0; ")
    console(screen, daemon, "console", "domains", program=RELEASE if ending == "SEGV" else PARLEY)
    screen.wait(r">  adatum\.example")
    if len(ending) == 1 or ending == "C-c":
        screen.keys(ending)
    else:
        shell = (folder / "shell").read_text().strip()
        child = subprocess.run(["pgrep", "-P", shell, "parley"], check=True, capture_output=True, text=True).stdout.split()
        assert len(child) == 1
        os.kill(int(child[0]), getattr(signal, "SIG" + ending))
    screen.wait("mine", "sh>", absent=("SIP domains",))  # the alternate screen was left
    screen.type(f"stty -g > {folder}/after; echo done\n")
    screen.wait(r"(?m)^(sh> )?done$")
    assert (folder / "before").read_text() == (folder / "after").read_text()
    assert screen.run("display-message", "-p", "#{cursor_flag} #{mouse_any_flag} #{alternate_on}").split() == ["1", "0", "0"]


def test_suspends_and_comes_back(daemon, terminal, folder):
    screen = open_domains(terminal, daemon)
    screen.keys("j", "C-z")
    screen.wait("Stopped|Suspended", "sh>", absent=("SIP domains",))
    screen.type("stty -a | grep -c -- ' icanon'; echo back\n")
    screen.wait(r"\n1\n", r"\nback")
    screen.type("fg\n")
    screen.wait(r">  blueyonder\.example", "q quit")
    screen.keys("j")
    screen.wait(r">  fabrikam\.example")


@pytest.mark.parametrize("term", ["vt100", "xterm-ghostty-of-tomorrow", "linux"])
def test_old_and_unknown_terminals(daemon, terminal, term):
    screen = terminal(environment=f"TERM={term} NO_COLOR=1")
    console(screen, daemon, "console", "domains")
    screen.wait("SIP domains", r">  adatum\.example", "q quit")
    screen.keys("j")
    screen.wait(r">  blueyonder\.example")
    screen.keys("q")
    screen.wait("sh>")


def test_a_terminal_that_cannot_place_its_cursor_is_told_what_works(daemon, terminal):
    screen = terminal(width=160, environment="TERM=dumb")
    console(screen, daemon)
    screen.wait("cannot place its cursor", "parley status")


def test_c_locale_shows_ascii_only(daemon, terminal):
    screen = open_domains(terminal, daemon, environment="LC_ALL=C")
    assert screen.screen().isascii()


def test_nothing_is_sent_when_nothing_changes_and_little_when_the_cursor_moves(daemon, folder):
    """Bytes are a budget: 0 for nothing, 120 for a step, 2000 for another screen."""
    import pexpect
    child = pexpect.spawn(str(PARLEY), ["--socket", str(daemon.socket), "console", "domains"], dimensions=(24, 80), timeout=WAIT,
                          env={**os.environ, "TERM": "xterm-256color", "LC_ALL": "C"})

    def settle(quiet):
        got = b""
        while True:
            try:
                got += child.read_nonblocking(65536, timeout=quiet)
            except pexpect.TIMEOUT:
                return got

    child.expect(b"wingtip")
    child.expect(b"quit")
    settle(1.0)
    # Two fetches of the list and of the status come and say nothing new.  The clock's minute may turn once.
    assert settle(5.0) == b"" or settle(5.0) == b""
    for _ in range(3):
        child.send(b"\x1bOB")
        step = child.read_nonblocking(65536, timeout=2)
        time.sleep(0.08)  # what belongs to the step has come; the words about the row wait until the cursor rests
        try:
            step += child.read_nonblocking(65536, timeout=0)
        except pexpect.TIMEOUT:
            pass
        assert 0 < len(step) <= 120, step
    rested = settle(0.6)
    assert 0 < len(rested) <= 700 and b"litware" in rested  # the detail pane's five lines and the command, once
    child.send(b"go")
    assert 0 < len(settle(0.8)) <= 2400
    child.send(b"q")
    child.expect(pexpect.EOF)


def test_random_keys_and_torn_sequences_change_nothing_and_break_nothing(daemon):
    """Everything but the keys that agree (y, digits, Enter after c): the program lives and nothing reaches the configuration."""
    import pexpect
    import random
    rng = random.Random(20260101)
    pool = [bytes([b]) for b in range(1, 127) if chr(b) not in "yYqc0123456789:\r\n\x03\x1a"]
    pool += [b"\x1bOA", b"\x1bOB", b"\x1b[5~", b"\x1b[6~", b"\x1b", b"\x1b[", b"\x1bO", b"\x1b[1;5", b"\xe7\xb6\xb2", b"\xff", b"\x1b[200~", b"\x1b[201~",
             b"\r", b"gd", b"go", b"ga", b"gx", b"gS", b"gw", b"gk", b"gp", b"gA", b"\x1bOQ", b"\x1b[19~", b"\t", b"\x7f"] * 4
    child = pexpect.spawn(str(PARLEY), ["--socket", str(daemon.socket), "console", "domains"], dimensions=(24, 80), timeout=WAIT,
                          env={**os.environ, "TERM": "xterm-256color", "LC_ALL": "C.UTF-8"})
    child.delaybeforesend = None
    child.expect(b"wingtip")
    for i in range(3000):
        child.send(rng.choice(pool))
        if i % 97 == 0:
            child.setwinsize(rng.randrange(1, 60), rng.randrange(1, 150))
        try:
            child.read_nonblocking(65536, timeout=0)
        except pexpect.TIMEOUT:
            pass
        assert child.isalive()
    child.setwinsize(24, 80)
    for _ in range(20):  # a paste may be open, a question, a sequence without its end
        child.send(b"\x03")
        if child.expect([pexpect.EOF, pexpect.TIMEOUT], timeout=0.8) == 0:
            break
    child.wait()
    assert child.exitstatus == 0
    # What is staged or tried again is not live; a note is published by Enter alone, for it moves nobody's messages.
    assert [r for r in daemon.changes() if r["method"] not in STAGING and not r["staged"] and set(r["params"].get("set", {})) - {"comment", "description"}] == []
    assert [r for r in daemon.changes() if r["method"] in ("publish", "undo", "revert", "version.restore", "domain.block", "domain.remove")
            and not r["staged"] and not r["params"].get("set")] == []


def test_shows_connections_and_blocks_a_partner_only_when_their_number_is_typed(daemon, terminal):
    screen = terminal()
    console(screen, daemon)
    screen.wait("NEEDS ATTENTION")
    screen.keys("g", "n")
    screen.wait("Connections +4 of 4", r">  edge\.proseware\.example +out failed", r"sip\.adatum.* up", r"\$ parley connection list edge\.proseware\.example")
    screen.keys("/")
    screen.type("state:failed")
    screen.wait("1 of 4", absent=("fabrikam",))
    screen.keys("Enter")
    screen.wait("last error: certificate names sip.proseware-old.example")
    screen.keys("Escape")
    screen.wait("4 of 4")
    screen.keys("Down", "Enter")
    screen.wait("Connection", r"messages_in +152301")
    screen.keys("q", "W")
    screen.wait(r"From +someone@adatum.example", r">  To")
    screen.keys("Escape")
    screen.wait(r"\$ parley connection")
    screen.keys("g", "g", "b")
    screen.wait(r"Block proseware\.example", r"Publish now\? y/N", r"\$ parley domain block proseware\.example")
    screen.keys("Escape")
    screen.wait("nothing was changed")
    assert daemon.changes() == []
    screen.keys("Down", "b")
    screen.wait("Block adatum.example", "Type 1, the number of connections that will close")
    screen.keys("1", "Enter")
    screen.wait("v119 published", absent=("sip.adatum",))
    assert [(r["method"], r["params"]["domain"], r["params"]["if_version"]) for r in daemon.changes()] == [("domain.block", "adatum.example", 118)]


def test_events_follow_pause_and_show_all_fields(daemon, terminal):
    screen = terminal()
    console(screen, daemon, "console", "events")
    screen.wait("Events +.*following", "access runs as process 4711", "connection with fabrikam.example", r">.*connection-up")
    screen.keys("Space")
    screen.wait(r"paused, \+[1-9][0-9]* new")
    screen.keys("Space", "g", "g")
    screen.wait(r">.*service-started", absent=("following",))
    screen.keys("/")
    screen.type("event:request-refused")
    screen.wait(r">.*request-refused", absent=("service-started",))
    screen.keys("Enter", "Enter")
    screen.wait("Event", r"step +blocked-domain", r"to +eve@contoso\.example")
    screen.keys("q", "W")  # both ends are known: the answer comes at once
    screen.wait(r"From +dan@wingtip.example", r"To +eve@contoso.example", "BLOCKED at check 2")
    screen.keys("Escape", "Escape", "f")
    screen.wait("following", r">.*connection-up")
    assert len(daemon.requests("event.tail")) == 1


def test_a_discovered_partner_is_allowed_from_its_row(daemon, terminal):
    screen = terminal()
    console(screen, daemon)
    screen.wait("NEEDS ATTENTION")
    screen.keys("g", "v")
    screen.wait("Discovered +2 of 2", r">  humongous\.example +limited +120 +31", "limited now: rate", r"\$ parley discovered list")
    screen.keys("a")
    screen.wait("Allow humongous.example", r"\$ parley domain allow humongous\.example")
    assert daemon.changes() == []
    screen.keys("y")
    screen.wait("v119 published", "1 of 1", absent=(">  humongous",))
    screen.keys("b")
    screen.wait("Block woodgrove.example")
    screen.keys("y")
    screen.wait("v120 published", "0 of 0")
    assert [(r["method"], r["params"]["domain"], r["params"]["if_version"]) for r in daemon.changes()] == [
        ("domain.allow", "humongous.example", 118), ("domain.block", "woodgrove.example", 119)]


def test_the_access_edge_is_switched_off_only_when_the_number_is_typed(daemon, terminal):
    screen = terminal()
    console(screen, daemon)
    screen.wait("NEEDS ATTENTION")
    screen.keys("g", "a")
    screen.wait("Access Edge +field 1 of", r"> +Allow federated users +\[x\] on", r"\(partners up now: 4\)", r"\$ parley access-edge show")
    screen.keys("Space")
    screen.wait(r">\* Allow federated users +\[ \] off", "1 change", r"\$ parley access-edge set allow-federated-users=false", "CHANGES")
    screen.keys("Enter")
    screen.wait("allow-federated-users: true -> false", "Type 4 to publish this")
    screen.keys("y", "Enter")
    screen.wait("nothing was changed")
    assert daemon.changes() == []
    screen.keys("Escape")
    screen.wait(r"1 change has not been saved")
    screen.keys("n", "F2")
    screen.wait("Type 4")
    screen.keys("4", "Enter")
    screen.wait("v119 published: access-edge set allow-federated-users=false", r"> +Allow federated users +\[ \] off")
    assert [(r["method"], r["params"]) for r in daemon.changes()] == [
        ("access-edge.set", {"set": {"allow-federated-users": False}, "if_version": 118})]
    screen.keys("Down")
    screen.wait(r">  Allow outside users", absent=("1 change",))


def test_fields_are_checked_as_they_are_typed_and_say_when_they_have_no_effect(daemon, terminal):
    screen = terminal()
    console(screen, daemon, "console", "access-edge")
    screen.wait("Access Edge +field 1")
    go_to_field(screen, "Discovered partner standard rate")
    screen.wait(r">  Discovered partner standard rate +20", "No effect now: partner discovery is off", "1 to 100000")
    screen.keys("C-u")
    screen.type("x7")
    screen.wait("'x7' is not a whole number", "1 problem")
    screen.keys("Enter")
    screen.wait("Cannot save: 1 problem")
    screen.keys("Up", "Up", "F8")
    screen.wait(r">\* Discovered partner standard rate")
    screen.keys("C-r")
    screen.wait(r">  Discovered partner standard rate +20", absent=("1 problem",))
    screen.keys("g")  # a letter in a text is text
    screen.wait("'20g' is not a whole number")
    screen.keys("C-r", "Escape")
    screen.wait("NEEDS ATTENTION")
    assert daemon.changes() == []


def test_what_others_publish_meanwhile_is_put_beside_what_is_edited(daemon, terminal):
    screen = terminal()
    console(screen, daemon, "console", "access-edge")
    screen.wait("Access Edge +field 1")
    screen.keys("Space")
    screen.wait(r">\* Allow federated users +\[ \] off")
    parley = [PARLEY, "--socket", daemon.socket]
    subprocess.run([*parley, "access-edge", "set", "allow-anonymous-users=true", "--yes"], check=True, capture_output=True)
    screen.wait(r"Allow anonymous users +\[x\] on", r">\* Allow federated users +\[ \] off")  # theirs is taken, ours is kept
    go_to_field(screen, "Discovered partner standard rate")
    screen.keys("C-u", "7")
    screen.wait(r">\* Discovered partner standard rate +7", "2 changes")
    subprocess.run([*parley, "access-edge", "set", "discovered-partner-standard-rate=55", "--yes"], check=True, capture_output=True)
    screen.wait("Meanwhile published by somebody else: 55", "55 -> 7", "v120 was published meanwhile")
    screen.keys("C-r")
    screen.wait(r">  Discovered partner standard rate +55", "1 change ", absent=("Meanwhile published",))
    screen.keys("Escape")
    screen.wait("has not been saved")
    screen.keys("y")
    screen.wait("NEEDS ATTENTION")


def test_why_asks_shows_every_check_opens_the_rule_and_applies_the_change(daemon, terminal):
    screen = terminal()
    console(screen, daemon)
    screen.wait("NEEDS ATTENTION")
    screen.keys("g", "w")
    screen.wait("Why blocked", r">  From", r"\$ parley why FROM TO")
    screen.type("dan@wingtip.example")
    screen.keys("Enter")
    screen.wait("both ends are needed", r">  To")
    screen.type("eve@contoso.example")
    screen.keys("Enter")
    screen.wait("BLOCKED at check 2 of 2", r"> +2 blocked-domain +BLOCK", "smallest change: domain allow wingtip.example", r"1 federation-switch +pass")
    screen.keys("Enter")
    screen.wait("Blocked domain  wingtip.example", r"Domain +wingtip.example +\(fixed after creation\)")
    screen.keys("Escape")
    screen.wait("BLOCKED at check 2")
    screen.keys("a")
    screen.wait("Let it pass", "parley domain allow wingtip.example", "y/N")
    assert daemon.changes() == []
    screen.keys("y")
    screen.wait("v119 published: domain allow wingtip.example", "it would pass, if certificate matches")
    assert [(r["method"], r["params"]) for r in daemon.changes()] == [("domain.allow", {"domain": "wingtip.example", "if_version": 118})]
    screen.keys("a")
    screen.wait("it passes already")
    screen.keys("Tab", "Tab", "Escape")
    screen.wait("NEEDS ATTENTION")


def test_why_is_filled_from_the_row(daemon, terminal):
    screen = open_domains(terminal, daemon)
    screen.keys("G", "W")
    screen.wait(r"From +someone@wingtip.example", r">  To")
    screen.type("eve@contoso.example")
    screen.keys("Tab", "Right", "Enter")
    screen.wait("BLOCKED at check 2", r"\$ parley why someone@wingtip.example eve@contoso.example presence")
    screen.keys("q")
    screen.wait(r">  wingtip")
    assert daemon.requests("why")[0]["params"] == {"from": "someone@wingtip.example", "to": "eve@contoso.example", "what": "presence"}


@pytest.mark.parametrize("daemon", [("--role", "viewer")], indirect=True)
def test_a_viewer_reads_forms_and_changes_nothing(daemon, terminal):
    screen = open_domains(terminal, daemon)
    screen.keys("Enter")
    screen.wait("Allowed domain  adatum.example", "your role may not change it")
    screen.type("x y")
    screen.keys("Enter")
    screen.wait("saving this needs the role policy")
    screen.keys("Escape", "g", "a")
    screen.wait(r"Access Edge +field 1", "your role may not")
    screen.keys("Space", "Enter")
    screen.wait("needs the role policy")
    screen.keys("q")
    screen.wait("NEEDS ATTENTION")
    assert daemon.changes() == []


def test_a_form_waits_for_no_daemon(daemon, terminal):
    screen = terminal()
    console(screen, daemon, "console", "access-edge")
    screen.wait("Access Edge +field 1")
    daemon.process.send_signal(signal.SIGSTOP)
    screen.keys("Down", "Space")
    screen.wait(r">\* Allow outside users +\[ \] off")
    screen.keys("Enter")
    screen.wait("Type off to publish this")
    screen.type("off")
    screen.keys("Enter")
    screen.wait("saving")
    screen.keys("Down", "Down")
    screen.wait("field 4 of")
    daemon.process.send_signal(signal.SIGCONT)
    screen.wait("v119 published: access-edge set allow-outside-users=false")
    assert [r["params"]["set"] for r in daemon.changes()] == [{"allow-outside-users": False}]


def test_the_daemon_tries_what_is_asked_about_before_anybody_agrees(daemon, terminal):
    screen = open_domains(terminal, daemon)
    screen.keys("j", "a")
    screen.wait("Allow blueyonder.example", "Dry run: 2 domains and 14 users would lose federation")
    screen.keys("Escape")
    assert [r["params"].get("dry_run") for r in daemon.requests("domain.allow")] == [True]
    assert daemon.changes() == []


def test_changes_are_staged_looked_at_and_published_as_one_version(daemon, terminal):
    screen = open_domains(terminal, daemon)
    screen.keys("j", "a")
    screen.wait("Allow blueyonder.example", "s stage instead")
    screen.keys("s")
    screen.wait("staged: domain allow blueyonder.example", r"RW  staged 1")
    screen.keys("g", "a")
    screen.wait("Access Edge +field 1")
    screen.keys("Down", "Space", "Enter")
    screen.wait("Type off", "s stage instead")
    screen.keys("s")
    screen.wait("staged: access-edge set allow-outside-users=false", "staged 2")
    screen.keys("Down", "S")
    screen.wait("Staged changes +2 of 2", r"added|changed +allowed-domain +blueyonder", "allow-outside-users", "EFFECT IF PUBLISHED",
                "2 connections would close", "staged by others, too: wang", r"\$ parley plan")
    screen.keys("u")
    screen.wait("Staged changes +1 of 1", "staged 1")
    screen.keys("P")
    screen.wait(r"Comment \(why\?\)")
    screen.keys("Enter")
    screen.wait("a comment is needed")
    screen.keys("P")
    screen.type("trial ended, ticket 8812")
    screen.keys("Enter")
    screen.wait("Publish 1 staged changes", "Dry run: 2 connections would close", "Type 2", r"\$ parley publish --comment 'trial ended, ticket 8812'")
    screen.keys("2", "Enter")
    screen.wait("v119 published", "Nothing is staged", absent=("staged 1",))
    assert [(r["method"], r["params"].get("comment")) for r in daemon.changes()][-1] == ("publish", "trial ended, ticket 8812")


def test_a_switch_that_goes_back_by_itself_counts_down_and_is_kept(daemon, terminal):
    screen = terminal()
    console(screen, daemon, "console", "access-edge")
    screen.wait("Access Edge +field 1")
    screen.keys("Down", "Space", "Enter")
    screen.wait("Type off")
    screen.type("off")
    screen.keys("Enter")
    screen.wait(r"v119 goes back in 4m\d\ds: Y keeps")
    screen.keys("Escape")
    screen.wait("NEEDS ATTENTION")
    screen.keys("U")
    screen.wait("Take v119 back", r"\$ parley revert")
    screen.keys("n", "Y")
    screen.wait("done: confirm", absent=("goes back in",))
    assert [r["method"] for r in daemon.changes()] == ["access-edge.set", "confirm"]
    screen.keys("Y")
    screen.wait("no version waits")
    screen.keys("U")
    screen.wait("Undo", r"\$ parley undo", "Dry run: 0 connections")
    screen.keys("y")
    screen.wait("v120 published: undo")


def test_versions_are_compared_gone_back_to_and_travelled_to(daemon, terminal):
    screen = terminal()
    console(screen, daemon)
    screen.wait("NEEDS ATTENTION")
    screen.keys("g", "k")
    screen.wait("Versions +5 of 5", r"> +118 ", r"117 .*change 117", r"\$ parley version show 118")
    screen.keys("Enter")
    screen.wait("version show 118", "woodgrove.example")
    screen.keys("q", "=")
    screen.wait("v118 is marked")
    screen.keys("Down", "Down", "=")
    screen.wait("version diff 116 118")
    screen.keys("q", "B")
    screen.wait("Back to v116", r"\$ parley version restore 116", "Dry run")
    screen.keys("n", "V")
    screen.wait("AS OF v116")
    screen.keys("g", "d")
    screen.wait("AS OF v116", "adatum")
    until(lambda: any(r["params"].get("version") == 116 for r in daemon.requests("domain.list")), "the list was not asked for as of v116")
    screen.keys("g", "a")
    screen.wait("AS OF v116", "as it was then")
    assert daemon.requests("access-edge.show")[-1]["params"] == {"version": 116}
    screen.keys("V")
    screen.wait("the current version is shown again", absent=("AS OF",))
    screen.keys("g", "A")
    screen.wait("Audit +2 of 8", "domain allow woodgrove.example")
    screen.keys("Enter")
    screen.wait("Audit line", r"address +192.0.2.4")
    assert daemon.changes() == []


def test_xmpp_partners_are_listed_edited_and_turned_off(daemon, terminal):
    screen = terminal()
    console(screen, daemon, "console", "xmpp")
    screen.wait("XMPP partners +2 of 2", "DOMAIN +ENABLED +STATE +STREAMS +LAST ERROR", r">  chat.woodgrove.example +off ",
                "enabled=false +partner-type=federated", r"\$ parley xmpp show chat.woodgrove")
    screen.keys("Down", "Enter")
    screen.wait("Xmpp|XMPP partner  jabber.adatum.example", r"TLS negotiation +\(\*\) required")
    go_to_field(screen, "TLS negotiation")
    screen.keys("Right", "Enter")
    screen.wait(r"tls-negotiation: required -> optional", r"\$ parley xmpp set jabber.adatum.example tls-negotiation=optional")
    screen.keys("y")
    screen.wait("v119 published", r">  jabber.adatum.example +on ", "tls-negotiation=optional")
    screen.keys("e")
    screen.wait("parley xmpp disable jabber.adatum.example", "Dry run")
    screen.keys("y")
    screen.wait("v120 published", r">  jabber.adatum.example +off")
    screen.keys("n")
    screen.wait("New: XMPP partner")
    screen.type("im.contoso-partner.example")
    screen.keys("Enter")
    screen.wait(r"\$ parley xmpp add im.contoso-partner.example")
    screen.keys("y")
    screen.wait("v121 published", "3 of 3")
    assert [r["method"] for r in daemon.changes()] == ["xmpp.set", "xmpp.disable", "xmpp.add"]


def test_a_partner_is_tried_again_at_once(daemon, terminal):
    screen = terminal()
    console(screen, daemon, "console", "connections")
    screen.wait(r">  edge\.proseware\.example +out failed")
    screen.keys("K")
    screen.wait("done: connection retry edge.proseware.example")
    assert daemon.requests("connection.retry")[0]["params"] == {"partner": "edge.proseware.example"}


def test_one_connection_is_closed_or_drained_after_a_question(daemon, terminal):
    screen = terminal()
    console(screen, daemon, "console", "connections")
    screen.wait(r">  edge\.proseware\.example +out failed")
    screen.keys("x")
    screen.wait("it is no connection")  # what is told of a failed one cannot be closed
    screen.keys("Down", "Down", "x")
    screen.wait("Close c-13: sip.fabrikam.example", "b blocks its domain instead", r"\$ parley connection close c-13")
    screen.keys("n")
    screen.wait("nothing was changed")
    assert not daemon.requests("connection.close")
    screen.keys("x", "y")
    screen.wait("done: connection close c-13")
    screen.keys("D")
    screen.wait("Drain c-13", r"\$ parley connection drain c-13")
    screen.keys("y")
    screen.wait("done: connection drain c-13")
    assert [r["params"] for r in daemon.changes()] == [{"connection": "c-13"}] * 2


def test_the_menu_lists_every_screen_and_goes_there(daemon, terminal):
    screen = terminal()
    console(screen, daemon)
    screen.wait("NEEDS ATTENTION", "m menu")
    screen.keys("m")
    screen.wait("Menu", ">o Overview", r"\$ parley console overview")
    screen.keys("End")
    screen.wait(">w Why blocked", r"\$ parley console why")
    screen.keys("Home")
    screen.wait(">o Overview")
    screen.keys("b")
    screen.wait("that key does nothing here")
    screen.keys("Down", "Enter")
    screen.wait("Connections  ", r">  edge\.proseware")
    screen.keys("m", "d")
    screen.wait("SIP domains")
    screen.keys("m", "q")
    screen.wait("SIP domains  ")


def test_the_command_is_copied_to_the_terminals_clipboard(daemon, terminal):
    screen = open_domains(terminal, daemon)
    screen.run("set-option", "-g", "set-clipboard", "on")
    screen.keys("j", "C")
    screen.wait("copied, where the terminal takes it")
    until(lambda: "parley domain show blueyonder.example" in screen.run("list-buffers", "-F", "#{buffer_sample}"), "nothing was copied")


def test_a_service_is_drained_with_progress_stopped_by_its_name_and_started(daemon, terminal):
    screen = terminal()
    console(screen, daemon)
    screen.wait("NEEDS ATTENTION")
    screen.keys("g", "y")
    screen.wait("Services +2 of 2", r">  access +running", "listens for external on 0.0.0.0:5061: listening", r"\$ parley service show access")
    screen.keys("D")
    screen.wait("Drain access", "Now connected: 7; under way: 20", r"\$ parley service drain access")
    screen.keys("n", "D", "y")
    screen.wait(r"\[#*\.+\] \d+ under way, 7 connections; 2\ds at most, then it stops", r">  access +draining")
    screen.wait(r">  access +stopped")
    screen.keys("+")
    screen.wait("done: service start access", r">  access +running")
    screen.keys("-")
    screen.wait("Stop access", "Type access to end it")
    screen.keys("y", "Enter")
    screen.wait("nothing was changed")
    screen.keys("-")
    screen.type("access")
    screen.keys("Enter")
    screen.wait("done: service stop access", r">  access +stopped")
    screen.keys("Down", "D")
    screen.wait("Drain keeper")
    screen.keys("y")
    screen.wait("keeper carries this session")


def test_the_command_line_completes_nouns_verbs_and_fields(daemon, terminal):
    screen = open_domains(terminal, daemon)
    screen.keys(":")
    screen.type("access-e")
    screen.keys("Tab")
    screen.wait(r":access-edge\b", absent=("access-e$",))
    screen.type("s")
    screen.keys("Tab")
    screen.wait(r":access-edge s", "show set|set show")
    screen.type("et allow-f")
    screen.keys("Tab")
    screen.wait(r":access-edge set allow-federated-users=")
    screen.type("false")
    screen.keys("Enter")
    screen.wait("Run this command", "parley access-edge set allow-federated-users=false")
    screen.keys("n")
    assert daemon.changes() == []
