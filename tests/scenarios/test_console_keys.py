"""
Random keys, torn sequences and sizes of one cell and more, on every screen of the console, against a real edge.

The console must live, or leave as asked; a session for reading must change nothing whatever is pressed.  PARLEY_LONG=1 presses
more.  What was pressed is printed when it fails.
"""
import fcntl
import itertools
import os
import pty
import random
import re
import select
import signal
import struct
import termios
import time
from pathlib import Path

import pytest

from bare import NOBODY
from lab.process import tail
from test_command_line import DOCUMENTS

NUMBERS = itertools.count(1)
pytestmark = pytest.mark.short
ROUNDS = 40 if os.environ.get("PARLEY_LONG") else 1
IS_ASAN = "/asan/" in os.environ["PARLEY"]  # where a wrong byte is found; the release build is tried for what only it does
BURSTS, KEYS = 30 if IS_ASAN or ROUNDS > 1 else 8, 25
SIZES = [(1, 1), (1, 200), (60, 1), (2, 2), (3, 10), (5, 40), (16, 60), (24, 79), (24, 80), (24, 80), (40, 120), (50, 200), (500, 900)]
SCREENS = re.findall(r"^SCREEN\(\w+, \w+, \"([^\"]*)\", '(.)'", (Path(__file__).resolve().parents[2] / "tui/screens/screens.def").read_text(), re.M)

SINGLE = [bytes([b]) for b in range(1, 128) if b not in (3, 26)]  # without Ctrl-C and Ctrl-Z
CONTROLS = [b"\x1bOA", b"\x1bOB", b"\x1bOC", b"\x1bOD", b"\x1b[H", b"\x1b[F", b"\x1b[5~", b"\x1b[6~", b"\x1bOP", b"\x1bOQ", b"\x1b[15~", b"\x1b[19~", b"\x1b[Z", b"\x7f",
            b"\x1b", b"\x1b[", b"\x1bO", b"\x1b[1;5", b"\x1b[<0;3;4M", b"\xe7\xb6\xb2", b"\xe7\xb6", b"\xff", "é".encode(), "e\u0301".encode(), b"\x1b[200~", b"\x1b[201~"]
AGREES = [b"y", b"\r", b" ", b"s", b"t", b"Y", b"\t", b"n", b"1\r", b"off\r"]
LINES = [b"/al\r", b"/enabled:true !x\r", b"/" + b"\xe7\xb6\xb2" * 90 + b"\r", b"/" + b"w" * 700, b"/rate>5 (\r", b":theme mono\r", b":theme high-contrast\r", b":frames utf8\r", b":frames ascii\r",
         b":user list\r", b":model kinds\r", b":why dan@fabrikam.example alice@contoso.example\r", b":domain allow x.example\r", b":site new 'a b'\r", b":" + b"x " * 600,
         b":help\r", b":acc\t\t s\t al\t", b"I/etc/passwd\r", b"I\x15people.csv\r", b"E\x15out.csv\r", b"n" + "網路".encode() + b".example\r", b"c" + b"note \xe2\x80\xae" * 40]

TASKS = [b"gdnnew%d.example\ry", b"gdb3\r", b"gpnP%d\ry", b"gp\r\x1bOB\x1bOB \ry", b"gxey", b"gie", b"ga \ry", b"gu+\ry", b"gu*\r", b"gd##bs", b"SPwhy\ry",
         b"U", b"gkB", b"gk==", b"gkV", b"gTnsite%d\ry", b"gu I\x15people.csv\ry", b"gz#d", b"gh", b"gX", b"gw"]


@pytest.fixture
def furnished(lab):
    """A daemon with something on every screen that shows configuration."""
    from bare import Bare
    daemon = Bare(lab.folder / f"keys-{next(NUMBERS)}").start()
    client = daemon.client()
    more = {"users.xml": '<parley document="users" schema="1">' + "".join(f'<user sip-address="u{i:03}@contoso.example"><display-name>{"王小明" * (i % 9)}</display-name></user>'
                                                                       for i in range(300)) + "</parley>"}
    for name, text in {**DOCUMENTS, **more}.items():
        if name == "access-policies.xml":
            text = text.replace("</parley>", '<access-policy identity="網域"/></parley>')
        client.result("config.upload", name=name, text=text, last=True)
    client.result("config.import", uploaded=True)
    for words in (dict(domain="alpha.example"), dict(domain="beta.example", set={"comment": "註" * 60})):
        client.result("domain.allow", **words)
    yield daemon
    for client in daemon.clients:
        client.close()
    assert daemon.stop() == 0, tail(daemon.log_path, 60)
    assert not re.search(r"AddressSanitizer|LeakSanitizer|runtime error:", daemon.log()), tail(daemon.log_path, 80)


class Pressed:
    """A console on a terminal of its own, as an ordinary user in a folder where he may write."""

    def __init__(self, daemon, folder, screen, language, *options):
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            try:
                os.chdir(folder)
                os.setgroups([])
                os.setgid(NOBODY.pw_gid)
                os.setuid(NOBODY.pw_uid)
                os.execve(os.environ["PARLEY"], ["parley", "--root", str(daemon.root), "console", screen, *options],
                          {"TERM": "xterm-256color", "LC_ALL": "C.UTF-8", "LANGUAGE": language, "HOME": str(folder), "ESCDELAY": "1",
                           "ASAN_OPTIONS": f"log_path={folder}/asan", "UBSAN_OPTIONS": f"print_stacktrace=1:log_path={folder}/asan"})
            finally:
                os._exit(99)
        os.set_blocking(self.terminal, False)
        self.shown = b""
        self.resize(24, 80)
        until = time.monotonic() + 30
        while b"\x1b[?2004h" not in self.shown:  # before that its keys are the terminal's
            assert self.take(0.05) and time.monotonic() < until, self.shown

    def resize(self, height, width):
        fcntl.ioctl(self.terminal, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))

    def take(self, seconds):
        """What is painted, until nothing comes for so long; False: it has left."""
        while select.select([self.terminal], [], [], seconds)[0]:
            try:
                piece = os.read(self.terminal, 65536)
            except OSError:  # Linux says EIO when the other side is closed
                return False
            if not piece:
                return False
            self.shown = (self.shown + piece)[-4000:]
        return True

    def press(self, keys):
        """False: it has left."""
        while keys:
            try:
                keys = keys[os.write(self.terminal, keys):]
            except BlockingIOError:
                pass
            except OSError:
                return False
            if not self.take(0):
                return False
        return self.take(0.01)

    def end(self):
        """Its exit status, when it has left by itself."""
        os.close(self.terminal)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])

    def leave(self, seconds=30):
        """Ctrl-C leaves from anywhere; from a question, a paste or a form it goes back first."""
        until = time.monotonic() + seconds
        self.resize(24, 80)
        while self.press(b"\x1b[201~\x03") and self.take(0.2) and self.press(b"y") and self.take(0.2):
            if time.monotonic() > until:
                os.kill(self.pid, signal.SIGABRT)
                return f"it does not leave: {self.end()}"
        return self.end()


def keys(rng, screen_keys):
    """A burst: mostly single keys, often to another screen, sometimes what agrees and whole lines."""
    out = []
    for _ in range(KEYS):
        key = rng.choice(rng.choices([SINGLE, CONTROLS, AGREES, screen_keys, LINES, TASKS], [16, 10, 10, 6, 2, 1])[0])
        out.append(key % rng.randrange(1000) if b"%d" in key else key)
        if key in TASKS:
            out[-1:] = [b"\x1b\x1by\x1b", out[-1]]  # from where it may be done
    return out


def tried(daemon, folder, seed, language, options=()):
    rng, pressed = random.Random(seed), []
    screen_keys = [b"g" + key.encode() for _, key in SCREENS] + [b"m", b"?", b"S", b"Z", b"W", b"o", b"#", b"+", b"*", b"d", b"e"]
    names = [word for word, _ in SCREENS]
    console = Pressed(daemon, folder, rng.choice(names), language, *options)
    lives = True
    for _ in range(BURSTS):
        if not lives:  # it was asked to, by q or :quit
            status = console.end()
            assert status == 0, story(folder, seed, pressed, status, console)
            console = Pressed(daemon, folder, rng.choice(names), language, *options)
            pressed.clear()
        burst = keys(rng, screen_keys)
        size = rng.choice(SIZES)
        pressed.append((size, burst))
        console.resize(*size)
        for at in range(0, len(burst), 5):
            lives = lives and console.press(b"".join(burst[at:at + 5]))
        if lives and rng.random() < 0.5:
            console.resize(*rng.choice(SIZES))
            lives = console.take(0.01)
    status = console.leave() if lives else console.end()
    assert status == 0, story(folder, seed, pressed, status, console)
    assert not list(folder.glob("asan*")), story(folder, seed, pressed, status, console)


def story(folder, seed, pressed, status, console):
    said = "\n".join(path.read_text(errors="replace")[:6000] for path in folder.glob("asan*"))
    return f"seed {seed}: ended with {status}\n{said}\nlast painted: {console.shown[-600:]!r}\nthe last keys: {[(size, [key[:40] for key in burst]) for size, burst in pressed[-3:]]}"


@pytest.fixture
def writable(lab):
    folder = lab.folder / f"keys-home-{next(NUMBERS)}"
    folder.mkdir()
    os.chown(folder, NOBODY.pw_uid, NOBODY.pw_gid)
    (folder / "people.csv").write_text("sip-address,display-name,site,policy\nbob@contoso.example,Bob,Oslo,\nx,,,\n")
    return folder


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become another user")
@pytest.mark.parametrize("language", ["", "zh_TW"])
def test_no_key_and_no_size_breaks_a_screen(furnished, writable, language):
    for seed in range(ROUNDS):
        tried(furnished, writable, f"{language}-{seed}", language)
    assert ROUNDS == 1 or furnished.status()["version"] > 4, "nothing was ever agreed to: the keys reach nothing"


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become another user")
def test_no_key_changes_anything_in_a_session_for_reading(furnished, writable):
    before = furnished.status()["version"]
    for seed in range(ROUNDS):
        tried(furnished, writable, f"reading-{seed}", "", ("--read-only",))
    client = furnished.client()
    assert client.result("status")["version"] == before
    assert client.result("stage.list")["changes"] == [] and client.result("stage.list")["others"] == []
