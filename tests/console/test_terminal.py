"""The console and its terminal: sizes, kinds, every way out, what is sent, a daemon that stands still."""
import os
import signal
import subprocess
import time

import pytest

from console_lab import Daemon, PARLEY, RELEASE, STAGING, WAIT, console, open_domains, until


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


def test_the_command_is_copied_to_the_terminals_clipboard(daemon, terminal):
    screen = open_domains(terminal, daemon)
    screen.run("set-option", "-g", "set-clipboard", "on")
    screen.keys("j", "C")
    screen.wait("copied, where the terminal takes it")
    until(lambda: "parley domain show blueyonder.example" in screen.run("list-buffers", "-F", "#{buffer_sample}"), "nothing was copied")
