"""`parley --ssh HOST`: verbs, what is followed and the console through a real sshd; who it was; and every way in which it can fail."""
import os
import re
import signal
import subprocess
import threading
import time

import pytest

from lab.process import tail, wait_until
from lab.sshd import ADDRESS, FROM, Sshd, wrapper
from test_changes import audit
from bare import Bare
from test_real_console import Screen

HERE, MISSING, OLD, STRANGER, CHATTY, OTHER = range(2201, 2207)


@pytest.fixture(scope="module")
def far(lab):
    """A daemon, and an sshd that leads to it."""
    daemon = Bare(lab.folder / "far").start()
    parley = os.environ["PARLEY"]
    folder = lab.folder / "far-programs"
    at = f'"{parley}" --root "{daemon.root}"'
    sshd = Sshd(lab.ledger, lab.folder / "sshd", {
        HERE: wrapper(folder / "here", f'exec {at} "$@"'),
        MISSING: folder / "none",
        OLD: wrapper(folder / "old", 'echo "parley: unknown option --stdio; see parley help" >&2; exit 2'),
        STRANGER: wrapper(folder / "stranger", f'exec setpriv --reuid=65533 --regid=65533 --clear-groups {at} "$@"'),
        CHATTY: wrapper(folder / "chatty", f'echo "Welcome to edge9!"; echo "parley is a fine word"; exec {at} "$@"'),
        OTHER: wrapper(folder / "other", 'echo "parley-stdio 7 ok"; exec sleep 60')})
    sshd.write_client_configuration({
        "edge9": {"Port": HERE}, "missing": {"Port": MISSING}, "old": {"Port": OLD}, "stranger": {"Port": STRANGER}, "chatty": {"Port": CHATTY},
        "other": {"Port": OTHER}, "closed": {"Port": 2299}, "jumped": {"Port": HERE, "ProxyJump": "edge9"},
        "forwarding": {"Port": HERE, "LocalForward": "127.0.60.1:2201 127.0.0.1:9", "RemoteCommand": "true", "RequestTTY": "yes", "ExitOnForwardFailure": "yes"}})
    yield daemon, sshd
    sshd.stop()
    for client in daemon.clients:
        client.close()
    assert daemon.stop() == 0, tail(daemon.log_path, 60)
    assert not re.search(r"AddressSanitizer|LeakSanitizer|runtime error:", daemon.log()), tail(daemon.log_path, 80)


def run(far, *words, **environment):
    return subprocess.run([os.environ["PARLEY"], *words], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60,
                          env={**os.environ, "PARLEY_SSH": str(far[1].program), **environment})



def test_verbs_documents_and_who_it_was(far, tmp_path):
    answer = run(far, "--ssh", "edge9", "status")
    assert answer.returncode == 0 and "configuration version 1" in answer.stdout, answer.stderr
    allowed = run(far, "--ssh", "edge9", "domain", "allow", "fabrikam.example", "-c", "from afar")
    assert allowed.returncode == 0, allowed.stderr
    assert "fabrikam.example" in run(far, "domain", "list", "--ssh=edge9", "--json").stdout
    line = next(line for line in reversed(audit(far[0])) if "fabrikam.example" in str(line))
    assert line["address"] == f"{FROM}, it says" and line["who"].startswith("root"), line

    # The daemon's own documents go and come through it.
    folder = tmp_path / "conf"
    assert run(far, "--ssh", "edge9", "config", "export", str(folder)).returncode == 0
    assert "fabrikam.example" in (folder / "sip-domains.xml").read_text()
    assert run(far, "--ssh", "edge9", "config", "check", str(folder)).returncode == 0
    # Exit codes are those of the command.
    assert run(far, "--ssh", "edge9", "why", "alice@fabrikam.example", "bob@contoso.example").returncode == 1
    assert run(far, "--ssh", "edge9", "domain", "show", "nobody.example").returncode == 6
    assert run(far, "--ssh", "edge9", "--read-only", "domain", "block", "x.example").returncode == 4


def test_what_ssh_is_told_by_its_own_configuration(far):
    for host in ("jumped", f"ssh://root@{ADDRESS}:{HERE}", "forwarding", "chatty"):
        answer = run(far, "--ssh", host, "status")
        assert answer.returncode == 0 and answer.stdout.startswith("parley"), f"{host}: {answer.stderr}"
        assert "Welcome" not in answer.stdout


@pytest.mark.parametrize("host, code, words", [
    ("closed", 3, "ssh does not reach closed: ssh: connect to host 127.0.60.1 port 2299: Connection refused"),
    ("missing", 3, "missing has no parley that its shell finds"),
    ("old", 3, "the parley of old is too old for --ssh"),
    ("stranger", 4, "stranger: you may not open "),
    ("other", 3, "the parley of other speaks another language over ssh"),
    ("unknown@edge9", 3, "ssh does not reach unknown@edge9: "),
    ("-oProxyCommand=touch /run/pwned", 2, "--ssh: "),
    ("edge9;touch", 2, "--ssh: "),
    ("root@-oProxyCommand", 2, "neither begins with -"),
    ("", 2, "--ssh needs the name of a host"),
])
def test_each_failure_says_what_it_is(far, host, code, words):
    answer = run(far, "--ssh", host, "status")
    assert (answer.returncode, answer.stdout) == (code, ""), answer.stderr
    assert words in answer.stderr and answer.stderr.count("\n") == 1, answer.stderr


@pytest.mark.short
def test_no_ssh_no_daemon_and_nothing_reaches_a_shell(far, tmp_path):
    assert "is ssh installed here?" in run(far, "--ssh", "edge9", "status", PARLEY_SSH=str(tmp_path / "none")).stderr
    evil = tmp_path / "it's; touch pwned #"
    answer = run(far, "--ssh", "edge9", "--socket", str(evil), "status")
    assert answer.returncode == 3 and f"parleyd does not answer at {evil} there" in answer.stderr, answer.stderr
    assert not (tmp_path / "pwned").exists() and not os.path.exists("/root/pwned")
    beside = run(far, "--stdio", "status")
    assert beside.returncode == 2 and "stands alone" in beside.stderr


def test_events_are_followed_until_it_is_interrupted(far):
    child = subprocess.Popen([os.environ["PARLEY"], "--ssh", "edge9", "event", "tail", "1", "--follow"], stdout=subprocess.PIPE, text=True,
                             env={**os.environ, "PARLEY_SSH": str(far[1].program)}, start_new_session=True)
    lines = []
    reader = threading.Thread(target=lambda: lines.extend(iter(child.stdout.readline, "")), daemon=True)
    reader.start()
    wait_until(lambda: lines, 20, "what was is shown")
    assert run(far, "--ssh", "edge9", "domain", "block", "followed.example").returncode == 0
    wait_until(lambda: any("followed.example" in line for line in lines), 20, "what comes is shown")
    os.killpg(child.pid, signal.SIGINT)  # as a terminal does: ssh gets it, too
    assert child.wait(10) == 0
    reader.join(5)


@pytest.mark.short
def test_the_console_works_there_and_finds_back(far, tmp_path):
    daemon, sshd = far

    class Far(Screen):
        def __init__(self, folder):
            self.tmux = ["tmux", "-S", str(folder / "tmux"), "-f", "/dev/null"]
            self.run("new-session", "-d", "-x", "100", "-y", "30",
                     f"env ASAN_OPTIONS=detect_leaks=0 LC_ALL=C.UTF-8 PARLEY_SSH={sshd.program} {os.environ['PARLEY']} --ssh edge9 console domains; sleep 60")
            self.run("set-option", "-g", "status", "off")

    screen = Far(tmp_path)
    try:
        screen.wait(r"SIP domains", r"0 of 0|fabrikam\.example")
        # The link is cut: it says so, and dials again without asking anybody.
        sessions = subprocess.run(["pgrep", "-P", str(sshd.process.pid)], capture_output=True, text=True).stdout.split()
        assert sessions
        for pid in sessions:
            os.kill(int(pid), signal.SIGKILL)
        assert run(far, "--ssh", "edge9", "domain", "allow", "afterwards.example").returncode == 0
        screen.wait(r"afterwards\.example")
        screen.keys("g", "g")  # the first row
        screen.wait(r"(?m)^> +afterwards\.example")
        screen.keys("b")
        screen.wait(r"Publish now\? y/N")
        screen.keys("y")
        screen.wait(r"v\d+ published: domain block afterwards\.example")
    finally:
        screen.close()


def test_nothing_is_left_behind(far):
    deadline = time.monotonic() + 10
    left = None
    while time.monotonic() < deadline and (left := subprocess.run(["pgrep", "-fa", "parley --stdio|--root .*far --stdio"], capture_output=True, text=True).stdout):
        time.sleep(0.1)
    assert not left, left
