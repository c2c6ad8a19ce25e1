"""Who did what: the audit as an administrator meets it."""
import hashlib
import json
import os
import signal

import pytest

from bare import calls_as, keeper_pid
from lab.edge import programs
from lab.process import wait_until
import subprocess

pytestmark = pytest.mark.short


def lines_of(bare):
    return (bare.root / "var/lib/parley/audit.log").read_text().splitlines()


def parley(bare, *words, **environment):
    return subprocess.run([str(programs()[1]), "--root", str(bare.root), *words], capture_output=True, text=True, timeout=30,
                          env={**os.environ, **environment})


def test_every_deed_is_written_with_who_and_from_where_what_and_what_came_of_it(bare):
    client = bare.client()
    client.result("domain.allow", domain="fabrikam.example", set={"comment": "contract"}, comment="as agreed")
    client.result("domain.allow", domain="fabrikam.example", set={"comment": "ended"})
    rows = client.result("audit.list")["rows"]
    newest, asked = rows[0], rows[1]
    assert (newest["verb"], newest["object"], newest["outcome"], newest["asked"]) == (
        "domain.allow", "fabrikam.example", "published", asked["number"])
    assert newest["command"] == "domain allow fabrikam.example comment=ended"
    [change] = newest["changes"]
    assert (change["field"], change["before"], change["after"]) == ("comment", "contract", "ended")
    assert asked["outcome"] == "asked" and newest["version"] == asked["version"] + 1
    assert newest["uid"] == os.geteuid() and newest["roles"] == "administrator"

    assert parley(bare, "domain", "remove", "fabrikam.example", SSH_CONNECTION="203.0.113.7 5 192.0.2.1 22").returncode == 0
    assert "203.0.113.7" in client.result("audit.list", limit=1)["rows"][0]["address"]
    assert [row["object"] for row in client.result("audit.list", filter="verb:domain.remove outcome:published")["rows"]] == [
        "fabrikam.example"]
    assert client.result("audit.list", since="2100-01-01")["rows"] == []

    first = client.result("audit.list", limit=2)
    second = client.result("audit.list", limit=2, after=first["next"])
    numbers = [row["number"] for row in first["rows"] + second["rows"]]
    assert numbers == list(range(numbers[0], numbers[0] - 4, -1))

    verdict = parley(bare, "audit", "verify")
    assert verdict.returncode == 0 and "the audit is whole" in verdict.stdout
    shown = parley(bare, "audit", "list", "--filter", "fabrikam")
    assert shown.returncode == 0 and "domain remove fabrikam.example" in shown.stdout, shown.stdout + shown.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become other users")
def test_who_is_refused_is_written_and_cannot_fill_the_disk(bare):
    admin = bare.client()
    admin.result("role.grant", member="bin", roles="viewer")
    block = ("domain.block", {"domain": "bad.example"})
    assert calls_as(bare, 2, [], *[block] * 60)[1:] == ["denied"] * 60
    assert calls_as(bare, 3, []) == ["denied"]
    denied = [row for row in admin.result("audit.list", filter="denied", limit=500)["rows"]]
    assert 20 <= len(denied) < 60
    assert {row["who"].split("(")[0] for row in denied} <= {"bin", "sys"}
    assert denied[-1]["command"] == "domain block bad.example" and "needs the role policy" in denied[-1]["outcome"]
    assert admin.result("domain.list")["total"] == 0
    assert admin.result("audit.verify")["whole"]


def test_what_was_tampered_with_is_found_and_stays_found(bare):
    client = bare.client()
    for domain in "abc":
        client.result("domain.block", domain=f"{domain}.example")
    bare.stop()
    path = bare.root / "var/lib/parley/audit.log"
    lines = path.read_text().splitlines(keepends=True)
    lines[3] = lines[3].replace("b.example", "x.example")
    path.write_text("".join(lines))
    bare.start()
    verdict = bare.client().result("audit.verify")
    assert not verdict["whole"] and verdict["line"] == 4
    said = parley(bare, "audit", "verify")
    assert said.returncode == 1 and "BROKEN: audit.log, line 4" in said.stdout
    path.write_text("".join(lines[:4]))
    os.kill(keeper_pid(bare.child.pid), signal.SIGKILL)
    wait_until(bare.answers, 30, "a new keeper answers")
    bare.wait_event("audit-broken", line="6", lines="2")


def test_an_edited_document_is_a_deed_of_its_owner(bare):
    path = bare.conf / "sip-domains.xml"
    path.write_text(path.read_text().replace("</parley>", '<blocked-domain domain="bad.example"/></parley>'))
    bare.child.send_signal(signal.SIGHUP)
    bare.wait_event("config-published", version=2)
    client = bare.client()
    ended, asked = client.result("audit.list", filter="config.import")["rows"]
    assert (asked["outcome"], ended["outcome"], ended["asked"]) == ("asked", "published", asked["number"])
    assert "sip-domains.xml" in ended["object"] and ended["changes"][0]["key"] == "bad.example"


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become other users")
def test_what_an_old_version_would_give_back_is_asked_for_by_kind(bare):
    """Who sets policy may undo policy, and not what an administrator has taken away."""
    admin = bare.client()
    admin.result("role.grant", member="bin", roles="policy")
    admin.result("role.grant", member="sys", roles="administrator")
    version = admin.result("role.revoke", member="sys")["version"]
    hello, undone = calls_as(bare, 2, [], ("undo", {"number": str(version)}))
    assert undone == "denied", undone
    assert "sys" not in [row["member"] for row in admin.result("role.list")["rows"]]
    assert "changing role-grant needs the role administrator" in admin.result("audit.list", filter="denied")["rows"][0]["outcome"]


def test_a_deed_without_outcome_is_ended_by_the_next_daemon(bare):
    """As a keeper leaves it that is killed between the line that asks and the publish."""
    client = bare.client()
    client.result("domain.block", domain="a.example")
    bare.stop()
    path = bare.root / "var/lib/parley/audit.log"
    last = lines_of(bare)[-1]
    asked = json.loads(last)
    asked.update(number=asked["number"] + 1, outcome="asked", object="b.example",
                 previous=hashlib.sha256(last.encode()).hexdigest())
    with open(path, "a") as log:
        log.write(json.dumps(asked) + "\n")
    bare.start()
    client = bare.client()
    ended = client.result("audit.list", limit=1)["rows"][0]
    assert (ended["asked"], ended["who"]) == (asked["number"], "parleyd")
    assert ended["outcome"].startswith("not published")
    assert client.result("audit.verify")["whole"]


@pytest.fixture
def on_a_small_disk(bare):
    """The daemon again, its state on a file system of 1 MiB that can be filled."""
    state = bare.root / "var/lib/parley"
    bare.stop()
    owner = state.stat()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size=1m,mode=0750,uid={owner.st_uid},gid={owner.st_gid}", "tmpfs",
                    str(state)], check=True)
    yield bare.start()
    bare.stop()
    subprocess.run(["umount", str(state)], check=True)
    bare.start()


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to mount")
def test_what_cannot_be_written_down_is_not_done(on_a_small_disk):
    bare = on_a_small_disk
    client = bare.client()
    client.result("domain.block", domain="a.example")
    filler = bare.root / "var/lib/parley/filler"
    with open(filler, "wb", buffering=0) as file:
        try:
            while file.write(b"x" * 4096):
                pass
        except OSError:
            pass
    # What is left of the last page takes a line or two, as a disk would.
    errors = [client.ask("domain.block", domain=f"b{i}.example").get("error") for i in range(8)]
    assert errors[-1]["data"]["code"] == "unavailable" and "nothing was changed" in errors[-1]["message"], errors
    kept = client.result("domain.list")["total"]
    assert kept == 1 + errors.count(None)
    assert [e["event"] for e in bare.events()][-1] != "config-published"
    filler.unlink()
    client.result("domain.block", domain="c.example")
    assert client.result("audit.verify")["whole"]
    bare.stop()
    bare.start()
    client = bare.client()
    assert client.result("domain.list")["total"] == kept + 1
    assert client.result("audit.verify")["whole"]
