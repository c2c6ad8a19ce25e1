"""The command line as scripts use it: output, exit codes, documents, following."""
import json
import os
import signal
import subprocess

import pytest

from console_lab import PARLEY, Daemon


def parley(daemon, *words, **how):
    return subprocess.run([PARLEY, "--socket", daemon.socket, *words], capture_output=True, text=True, timeout=60, **how)


def test_exit_codes(daemon, folder):
    for code, words in [(0, ["status"]), (0, ["domain", "allow", "new.example"]), (0, ["why", "a@fabrikam.example", "b@contoso.example"]),
                        (1, ["why", "a@wingtip.example", "b@contoso.example"]), (2, ["domain", "fly"]), (2, ["status", "--nothing"]),
                        (2, ["why", "a@x.example"]), (5, ["domain", "block", "x.example", "--if-version", "1"]),
                        (6, ["domain", "allow", "bad..name"]), (6, ["domain", "show", "nobody.example"]), (0, ["--version"]), (0, ["help"])]:
        done = parley(daemon, *words)
        assert done.returncode == code, (words, done)
        assert bool(done.stderr) == (code > 1), (words, done)
    assert parley(Daemon(folder / "none"), "status").returncode == 3
    assert parley(daemon, "status", "--timeout", "0").returncode in (0, 7)


def test_one_refusal_is_told_once(daemon):
    assert parley(daemon, "domain", "allow", "refused.example").stderr.splitlines() == \
        ["parley: allowed-domain refused.example: domain not today; allowed: another name"]
    assert parley(daemon, "domain", "allow", "bad..name").stderr.splitlines() == \
        ["parley: 1 problem", "parley: domain: empty label (allowed: a domain name)"]


@pytest.mark.parametrize("daemon", [("--role", "viewer", "--slow", "version.list=5", "--unapplied")], indirect=True)
def test_exit_codes_of_refusal_and_waiting(daemon):
    denied = parley(daemon, "domain", "allow", "x.example")
    assert denied.returncode == 4 and "not permitted to viewer" in denied.stderr
    slow = parley(daemon, "version", "list", "--timeout", "1")
    assert slow.returncode == 7 and "did not answer in time" in slow.stderr


@pytest.mark.parametrize("daemon", [("--unapplied",)], indirect=True)
def test_published_but_not_applied_is_partial(daemon):
    done = parley(daemon, "access-edge", "set", "allow-anonymous-users=true")
    assert done.returncode == 8 and "not applied" in done.stdout


def test_a_socket_one_may_not_open_is_not_permitted(daemon):
    daemon.socket.chmod(0o600)
    words = [PARLEY, "--socket", daemon.socket, "status"]
    if os.geteuid() == 0:  # root may open every socket: be nobody
        words = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", *words]
    else:
        daemon.socket.chmod(0)
    done = subprocess.run(words, capture_output=True, text=True, timeout=30, env={**os.environ, "ASAN_OPTIONS": "detect_leaks=0"})
    assert done.returncode == 4 and "you may not open" in done.stderr, done


def test_json_is_the_result_unchanged(daemon):
    printed = json.loads(parley(daemon, "domain", "show", "fabrikam.example", "--json").stdout)
    assert printed["rate"] == 14.2 and printed["connections_list"][0]["id"] == "c-12"
    assert list(printed)[:3] == ["domain", "rule", "proxy-fqdn"]


def test_tab_separated_when_it_is_no_terminal(daemon):
    lines = parley(daemon, "domains").stdout.splitlines()
    assert len(lines) == 7
    assert lines[2].split("\t")[:4] == ["fabrikam.example", "allow", "sip.fabrikam.example", "5061"]
    assert parley(daemon, "domain", "list", "--filter", "rule:block").stdout.count("\n") == 2


@pytest.mark.parametrize("daemon", [("--rows", "1000")], indirect=True)
def test_a_long_list_is_fetched_to_its_end(daemon):
    assert parley(daemon, "domains").stdout.count("\n") == 1007
    assert len(daemon.requests("domain.list")) == 6
    assert parley(daemon, "domains", "--limit", "10").stdout.count("\n") == 10
    pages = parley(daemon, "domains", "--json").stdout.splitlines()
    assert sum(len(json.loads(page)["rows"]) for page in pages) == 1007


@pytest.mark.parametrize("daemon", [("--hostile",)], indirect=True)
def test_hostile_text_is_escaped(daemon):
    for words in [["domains"], ["domains", "--json"]]:
        printed = parley(daemon, *words, env={**os.environ, "LC_ALL": "C.UTF-8"}).stdout
        assert not any(ord(c) < 0x20 and c not in "\t\n" or 0x7f <= ord(c) < 0xa0 or c == "\u202e" for c in printed)
    assert parley(daemon, "domains", env={**os.environ, "LC_ALL": "C"}).stdout.isascii()


def test_what_a_command_sends(daemon):
    parley(daemon, "domain", "allow", "x.example", "ProxyFqdn=y.example", "-c", "ticket 7")
    assert daemon.changes(by_rule=False)[0]["params"] == {"domain": "x.example", "set": {"proxy-fqdn": "y.example"}, "comment": "ticket 7"}
    assert daemon.requests("hello")[0]["params"] == {"protocol": 1, "client": "parley 0.1", "mode": "rw"}


def test_documents_go_up_in_pieces(daemon, folder):
    documents = folder / "conf.d"
    documents.mkdir()
    text = "<sip-domains>\n" + "\t<allowed-domain domain=\"網域.example\"/>\n" * 4000 + "</sip-domains>\n"
    (documents / "sip-domains.xml").write_text(text)
    (documents / "other.txt").write_text("no document")
    done = parley(daemon, "config", "check", documents)
    assert done.returncode == 0, done
    pieces = daemon.requests("config.upload")
    assert len(pieces) > 3 and "".join(p["params"]["text"] for p in pieces) == text
    assert [p["params"]["last"] for p in pieces] == [False] * (len(pieces) - 1) + [True]
    assert {p["params"]["name"] for p in pieces} == {"sip-domains.xml"}
    assert daemon.requests("config.check")[0]["params"] == {"uploaded": True}
    (documents / "bad.xml").write_text("BAD")
    bad = parley(daemon, "config", "check", documents)
    assert bad.returncode == 1 and bad.stdout.startswith("bad.xml\t3\tproxy-port\t")
    done = parley(daemon, "config", "import", documents, "-c", "all anew", "--yes")
    assert done.returncode == 0 and daemon.changes(by_rule=False)[0]["params"] == {"comment": "all anew", "uploaded": True}


def test_documents_that_cannot_be_read(daemon, folder):
    (folder / "empty").mkdir()
    assert parley(daemon, "config", "check", folder / "empty").returncode == 6
    assert parley(daemon, "config", "check", folder / "nowhere").returncode == 6
    (folder / "empty/x.xml").write_bytes(b"\xff\xfe")
    done = parley(daemon, "config", "check", folder / "empty")
    assert done.returncode == 6 and "not UTF-8" in done.stderr
    assert daemon.requests("config.check", "config.upload") == []


def test_documents_come_down_whole(daemon, folder):
    done = parley(daemon, "config", "export", folder / "out")
    assert done.returncode == 0, done
    text = (folder / "out/sip-domains.xml").read_text()
    assert text.startswith("<sip-domains") and text.endswith("</sip-domains>\n") and text.count("\n") == 3002
    assert [p.name for p in (folder / "out").iterdir()] == ["sip-domains.xml"]
    assert parley(daemon, "config", "export", "-").stdout == text


def test_follows_until_interrupted(daemon):
    with subprocess.Popen([PARLEY, "--socket", daemon.socket, "event", "tail", "--follow"], stdout=subprocess.PIPE, text=True) as process:
        assert "access runs as process 4711" in process.stdout.readline()
        assert "refused at blocked-domain" in process.stdout.readline()
        assert "in external connection with fabrikam.example" in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0


def test_following_ends_with_the_link(daemon):
    with subprocess.Popen([PARLEY, "--socket", daemon.socket, "event", "tail", "--follow"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True) as process:
        process.stdout.readline()
        daemon.stop()
        assert process.wait(10) == 3


def test_the_console_needs_a_terminal(daemon):
    done = parley(daemon, stdin=subprocess.DEVNULL)
    assert done.returncode == 2 and "needs a terminal" in done.stderr


def test_what_is_no_daemon_is_hung_up_on(folder):
    import socket
    import threading
    path = folder / "s"
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen()

    def answer():
        for reply in (b"HTTP/1.1 400 Bad Request\r\n\r\n", b"x" * 200_000, b'{"jsonrpc":"2.0","id":1,"result":{"protocol":99}}\n', b""):
            connection, _ = listener.accept()
            try:
                connection.sendall(reply)
            except OSError:
                pass
            connection.close()

    thread = threading.Thread(target=answer)
    thread.start()
    for says in ("JSON", "more than 64 KiB", "protocol 99", "closed the link"):
        done = subprocess.run([PARLEY, "--socket", path, "status"], capture_output=True, text=True, timeout=30)
        assert done.returncode == 3 and says in done.stderr, (says, done)
    thread.join()
    listener.close()
