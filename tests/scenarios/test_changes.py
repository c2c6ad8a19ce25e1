"""One way to change anything: staged, tried, published, taken back; two administrators at once; versions looked at again."""
import itertools
import json
import os
import re
import signal

import pytest

from lab import names
from lab.process import tail, wait_until
from sip import message
from bare import Bare, NOBODY, keeper_pid

NUMBERS = itertools.count(1)
pytestmark = pytest.mark.short


@pytest.fixture
def bare(lab, request):
    daemon = Bare(lab.folder / f"changes-{next(NUMBERS)}").start()
    yield daemon
    for client in daemon.clients:
        client.close()
    assert daemon.stop() == 0, tail(daemon.log_path, 60)
    assert not re.search(r"AddressSanitizer|LeakSanitizer|runtime error:", daemon.log()), tail(daemon.log_path, 80)


def other_administrator(daemon):
    """A session of the daemon's own user: another person than root."""
    if os.geteuid() != 0:
        pytest.skip("another administrator needs root")
    os.seteuid(NOBODY.pw_uid)
    try:
        return daemon.client()
    finally:
        os.seteuid(0)


def audit(daemon):
    lines = (daemon.root / "var/lib/parley/audit.log").read_text().splitlines()
    return [json.loads(line) for line in lines if line]


def documents(client, **more):
    """Every document of a version, by name."""
    out = {}
    for row in client.result("config.export", **more)["documents"]:
        text, offset = "", 0
        while offset is not None:
            piece = client.result("config.export", document=row["name"], offset=offset, **more)
            text, offset = text + piece["text"], piece["next"]
        out[row["name"]] = text
    return out


def version(client):
    return client.result("status")["version"]


def paths(result):
    return sorted("/".join(filter(None, (c["kind"], c["key"], c["field"]))) for c in result["changes"])


# ---- staged ----

def test_what_is_staged_is_not_live_and_outlives_its_connection(bare):
    first = bare.client()
    assert first.result("domain.allow", domain="x.example", stage=True)["staged"] is True
    first.close()
    again = bare.client()
    assert paths(again.result("stage.list")) == ["allowed-domain/x.example"]
    assert again.result("domain.list")["total"] == 0 and version(again) == 1
    assert again.result("domain.list", staged=True)["total"] == 1
    again.result("domain.block", domain="y.example", stage=True)
    done = again.result("publish", comment="both")
    assert done["version"] == 2 and len(done["changes"]) == 2
    assert again.result("domain.list")["total"] == 2
    assert again.result("stage.list")["changes"] == []
    shown = again.result("version.show", number="2")
    assert (shown["comment"], shown["total"], shown["parent"]) == ("both", 2, 1)


def test_publish_needs_a_reason_and_something_staged(bare):
    client = bare.client()
    assert client.code("publish", comment="x") == "not-found"
    client.result("domain.allow", domain="x.example", stage=True)
    assert client.code("publish") == "invalid"
    assert version(client) == 1


def test_a_draft_that_breaks_a_rule_between_objects_is_not_published(bare):
    client = bare.client()
    client.result("domain.allow", domain="x.example", stage=True)
    client.result("domain.allow", domain="y.example", stage=True)
    own = (bare.conf / "topology.xml").read_text().replace(
        "<topology/>", "<topology>\n<sip-domains>x.example</sip-domains>\n</topology>")
    assert "x.example" in own
    client.result("config.upload", name="topology.xml", text=own, last=True)
    assert client.result("config.import", uploaded=True)["version"] == 2  # by somebody else, say: x.example is our own
    staged = client.result("stage.rebase")
    assert [(p["kind"], p["key"]) for p in staged["problems"]] == [("allowed-domain", "x.example")]
    assert client.code("plan") == "invalid"
    refused = client.ask("publish", comment="x")["error"]["data"]
    assert refused["code"] == "invalid" and "own domains" in refused["problems"][0]["why"]
    left = client.result("stage.drop", change="allowed-domain/x.example")
    assert left["problems"] == [] and client.result("publish", comment="x")["version"] == 3


def test_changes_are_dropped_by_number_and_by_path_and_a_draft_that_is_empty_is_none(bare):
    client = bare.client()
    for domain in ("a.example", "b.example"):
        client.result("domain.allow", domain=domain, stage=True)
    assert client.code("stage.drop", change="3") == "not-found"
    assert paths(client.result("stage.drop", change="1")) == ["allowed-domain/b.example"]
    assert client.result("stage.drop", change="allowed-domain/b.example")["staged"] is False
    assert client.code("stage.diff") == "not-found"


# ---- two administrators ----

def test_two_administrators_edit_at_once_and_neither_overwrites_the_other(bare):
    one, two = bare.client(), other_administrator(bare)
    one.result("domain.allow", domain="x.example", set={"comment": "base", "proxy-port": 5061}, comment="start")
    one.result("domain.allow", domain="x.example", set={"comment": "mine", "proxy-port": 7000}, stage=True)
    one.result("domain.block", domain="mine.example", stage=True)
    assert two.result("stage.list")["changes"] == []  # a draft of one's own
    assert [o["who"] for o in two.result("stage.list")["others"]] == [one.result("stage.list") and "root(0)"]
    two.result("domain.allow", domain="x.example", set={"comment": "theirs"})
    two.result("domain.block", domain="theirs.example")
    refused = one.ask("publish", comment="late")["error"]["data"]
    assert refused["code"] == "conflict"
    assert [(p["field"], p["base"], p["mine"], p["theirs"]) for p in refused["problems"]] == \
        [("comment", "base", "mine", "theirs")]
    assert one.code("stage.rebase") == "conflict"
    assert one.result("stage.diff")["conflicts"][0]["theirs"] == "theirs"
    assert paths(one.result("stage.rebase", prefer="theirs")) == \
        ["allowed-domain/x.example/proxy-port", "blocked-domain/mine.example"]
    assert one.result("publish", comment="rebased")["version"] == 5
    rows = {r["domain"]: r for r in one.result("domain.list")["rows"]}
    assert (rows["x.example"]["comment"], rows["x.example"]["proxy-port"]) == ("theirs", 7000)
    assert set(rows) == {"x.example", "mine.example", "theirs.example"}


def test_what_does_not_meet_is_rebased_on_request_only(bare):
    one, two = bare.client(), other_administrator(bare)
    one.result("domain.allow", domain="x.example", stage=True)
    two.result("domain.allow", domain="y.example")
    refused = one.ask("publish", comment="x")["error"]
    assert refused["data"]["code"] == "conflict" and refused["data"].get("problems", []) == []
    assert "stage rebase" in refused["message"]
    one.result("stage.rebase")
    assert one.result("publish", comment="x")["version"] == 3
    assert one.result("domain.list")["total"] == 2


def test_a_guard_shows_both_values(bare):
    client = bare.client()
    client.result("domain.allow", domain="x.example", set={"comment": "one"})
    client.result("domain.allow", domain="x.example", set={"comment": "two"})
    refused = client.ask("domain.allow", domain="x.example", set={"comment": "three"}, if_version=2)["error"]["data"]
    assert refused["code"] == "conflict"
    assert [(p["base"], p["mine"], p["theirs"]) for p in refused["problems"]] == [("one", "three", "two")]
    assert version(client) == 3
    apart = client.ask("domain.block", domain="y.example", if_version=2)["error"]["data"]
    assert apart["code"] == "conflict" and not apart.get("problems")


def test_the_command_lines_exit_codes_say_how_it_ended(lab, bare, tmp_path):
    def run(*words):
        answer = lab.ledger.run([os.environ["PARLEY"], "--root", bare.root, *words], timeout=30)
        return answer.returncode, answer.stdout + answer.stderr
    (tmp_path / "sip-domains.xml").write_text(
        '<parley document="sip-domains" schema="1"><blocked-domain domain="z.example"/></parley>')
    for words, code, says in (
            (("plan",), 6, "staged nothing"), (("publish", "-c", "x"), 6, "staged nothing"), (("confirm",), 6, "no version waits"),
            (("domain", "allow", "x.example", "-n"), 0, "nothing was changed"),
            (("config", "import", str(tmp_path), "--stage"), 0, "blocked-domain z.example"),
            (("domain", "allow", "x.example", "--stage"), 0, "nothing is live yet"),
            (("stage", "list"), 0, "2 + blocked-domain z.example"), (("domain", "list", "--staged"), 0, "z.example"),
            (("publish",), 6, "say why"), (("publish", "-c", "both", "--if-version", "7"), 5, "version 1 is current"),
            (("publish", "-c", "both", "--confirm-within", "1"), 6, "5 to 86400"),
            (("publish", "-c", "both", "--confirm-within", "60"), 0, "goes back by itself in 60 s"),
            (("confirm",), 0, ""), (("undo", "-n"), 0, "- blocked-domain z.example"), (("undo",), 0, "version 3 published"),
            (("version", "show", "2"), 0, "both"), (("version", "diff", "2"), 0, "- allowed-domain x.example"),
            (("version", "show", "x"), 6, "no number"), (("domain", "list", "--as-of", "2"), 0, "x.example"),
            (("domain", "list", "--as-of", "9"), 6, "no version 9"), (("domain", "list", "--stage"), 2, "takes no --stage")):
        found = run(*words)
        assert found[0] == code and says in found[1], (words, found)


# ---- as it was ----

def test_old_versions_are_shown_asked_and_compared(bare):
    client = bare.client()
    client.result("access-edge.set", set={"allow-federated-users": True})
    client.result("domain.allow", domain="x.example", set={"comment": "then"})
    client.result("domain.block", domain="x.example")
    assert client.result("domain.show", domain="x.example", version=3)["rule"] == "allow"
    assert client.result("domain.show", domain="x.example")["rule"] == "block"
    assert client.result("domain.list", version=2)["total"] == 0
    assert client.result("access-edge.show", version=1)["fields"]["allow-federated-users"] is False
    assert client.result("policy.show", version=1)["version"] == 1
    assert client.result("topology.show", version=1)["version"] == 1
    ask = {"from": "bob@x.example", "to": "alice@contoso.example"}
    was, now = client.result("why", **ask, version=3), client.result("why", **ask)
    assert (was["version"], now["version"]) == (3, 4)
    assert now["name"] == "blocked-domain" and was["name"] != "blocked-domain"
    assert client.code("domain.list", version=9) == "not-found"
    assert client.code("domain.list", version=-1) == "usage"
    diff = client.result("version.diff", **{"from": "2", "to": "4"})
    assert paths(diff) == ["blocked-domain/x.example"] and diff["total"] == 1
    assert paths(client.result("version.diff", **{"from": "4", "to": "3"})) == \
        ["allowed-domain/x.example", "blocked-domain/x.example"]


def test_undo_and_restore_are_versions_of_their_own(bare):
    one = bare.client()
    one.result("domain.allow", domain="x.example", set={"comment": "a"})
    one.result("domain.allow", domain="y.example")
    assert one.result("undo")["version"] == 4  # the newest of mine
    assert [r["domain"] for r in one.result("domain.list")["rows"]] == ["x.example"]
    one.result("domain.allow", domain="x.example", set={"comment": "b"})
    met = one.ask("undo", number="2")["error"]["data"]
    assert met["code"] == "conflict" and met["problems"][0]["key"] == "x.example"
    assert one.code("undo", number="1") == "invalid"
    assert one.code("undo", number="99") == "not-found"
    assert one.result("version.restore", number="3")["version"] == 6
    rows = one.result("version.list")["versions"]
    assert rows[0]["comment"] == "restore of version 3" and len(rows) == 6
    assert documents(one, version=3) == documents(one, version=6)


def test_a_dry_run_changes_nothing_whatever_it_is_asked_of(bare):
    client = bare.client(mode="ro")
    for method, params in (("domain.allow", {"domain": "x.example"}), ("version.restore", {"number": "1"}),
                           ("access-edge.set", {"set": {"allow-federated-users": True}})):
        answer = client.ask(method, **params, dry_run=True)
        assert "result" in answer, answer
    assert client.code("domain.allow", domain="x.example") == "denied"
    assert version(client) == 1 and [line["outcome"][:6] for line in audit(bare)] == ["denied"]


def test_where_it_is_required_a_change_says_why(bare):
    client = bare.client()
    client.result("config.upload", name="topology.xml", last=True, text=(bare.conf / "topology.xml").read_text().replace(
        "<topology/>", "<topology>\n<require-comment>true</require-comment>\n</topology>"))
    assert client.result("status")["require_comment"] is False
    client.result("config.import", uploaded=True)
    assert client.result("status")["require_comment"] is True
    assert client.code("domain.allow", domain="x.example") == "invalid"
    assert client.result("domain.allow", domain="x.example", stage=True)["staged"]
    assert client.result("domain.allow", domain="x.example", dry_run=True)["dry_run"]
    assert client.result("domain.allow", domain="x.example", comment="contract 7")["version"] == 3
    for method, params in (("undo", {}), ("version.restore", {"number": "2"})):  # "undo of version 3" says what, not why
        assert client.code(method, **params) == "invalid"
    assert client.result("undo", comment="contract ended", confirm_within=60)["version"] == 4
    assert client.result("revert")["version"] == 5  # what nobody has confirmed goes back without many words
    for _ in range(2):  # also the document that turns it off; the error says so
        client.result("config.upload", name="topology.xml", last=True, text=(bare.conf / "topology.xml").read_text().replace(">true<", ">false<"))
        error = client.ask("config.import", uploaded=True)["error"]
        assert "also the one that turns this off" in error["message"] and error["data"]["code"] == "invalid"
    client.result("config.upload", name="topology.xml", last=True, text=(bare.conf / "topology.xml").read_text().replace(">true<", ">false<"))
    client.result("config.import", uploaded=True, comment="enough said")
    assert client.result("status")["require_comment"] is False


# ---- a change that goes back by itself ----

def test_federation_switched_off_by_a_client_that_dies_comes_back_by_itself(bare):
    client = bare.client()
    client.result("access-edge.set", set={"allow-federated-users": True})
    assert client.result("access-edge.set", set={"allow-federated-users": False},
                         confirm_within=5)["confirm_within"] == 5
    client.close()  # and never comes back
    bare.wait_event("config-reverted", reverted=3)
    look = bare.client()
    assert look.result("access-edge.show")["fields"]["allow-federated-users"] is True
    assert version(look) == 4
    said = [(line["who"], line["verb"], line["outcome"], line["version"]) for line in audit(bare)]
    assert ("parleyd", "revert", "published", 4) in said
    assert look.result("version.list")["versions"][0]["author"] == "parleyd"


def test_the_rule_asks_for_confirmation_of_a_switch_only(bare):
    client = bare.client()
    on = client.result("access-edge.set", set={"allow-federated-users": True}, confirm_within="auto")
    assert "confirm_within" not in on
    off = client.result("access-edge.set", set={"allow-federated-users": False}, confirm_within="auto")
    assert off["confirm_within"] == 300
    assert client.result("status")["confirm_version"] == 3
    assert client.result("status")["staged"] == {"mine": 0, "others": 0}
    assert client.code("domain.allow", domain="x.example", confirm_within=60) == "conflict"  # one waits at a time
    assert client.result("domain.allow", domain="x.example")["version"] == 4
    assert client.result("revert", dry_run=True)["dry_run"] and client.code("revert", stage=True) == "usage"
    assert client.result("revert")["version"] == 5  # without what was done since
    assert client.result("domain.list")["total"] == 1
    assert client.result("access-edge.show")["fields"]["allow-federated-users"] is True
    assert client.code("confirm") == "not-found"


def test_what_is_confirmed_stays(bare):
    client = bare.client()
    client.result("domain.allow", domain="x.example", confirm_within=5)
    assert client.result("confirm")["version"] == 2
    bare.wait_event("config-confirmed", version=2)
    assert not (bare.root / "var/lib/parley/pending").exists()
    assert ("confirm", "done") in [(line["verb"], line["outcome"]) for line in audit(bare)]
    assert client.result("status")["confirm_version"] == 0


def test_what_was_undone_is_not_taken_back_once_more(bare):
    client = bare.client()
    client.result("domain.allow", domain="x.example", confirm_within=60)
    assert client.result("undo", dry_run=True)["dry_run"] and client.result("status")["confirm_version"] == 2
    assert client.result("undo")["version"] == 3
    assert client.result("status")["confirm_version"] == 0
    assert client.code("revert") == "not-found"


def test_that_nothing_was_left_to_take_back_is_on_record(bare):
    client = bare.client()
    client.result("domain.allow", domain="x.example", confirm_within=60)
    client.result("domain.remove", domain="x.example")
    before = len(audit(bare))
    done = client.result("revert")
    assert done["changes"] == [] and client.result("status")["confirm_version"] == 0 and version(client) == 3
    said = [(line["verb"], line["outcome"]) for line in audit(bare)[before:]]
    assert said == [("revert", "asked"), ("revert", "nothing was left to take back")]


def test_a_killed_keeper_takes_back_what_is_due_when_it_comes_again(bare):
    client = bare.client()
    client.result("access-edge.set", set={"allow-federated-users": True})
    client.result("access-edge.set", set={"allow-federated-users": False}, confirm_within=5)
    client.close()
    killed = keeper_pid(bare.child.pid)
    os.kill(killed, signal.SIGKILL)
    wait_until(lambda: keeper_pid(bare.child.pid) != killed and bare.answers(), 30, "another keeper answers")
    bare.wait_event("config-reverted", reverted=3)
    assert bare.client().result("access-edge.show")["fields"]["allow-federated-users"] is True


def test_what_was_written_down_of_a_version_that_never_was_is_forgotten(bare):
    client = bare.client()
    client.result("domain.allow", domain="x.example")
    client.close()
    assert bare.stop() == 0
    pending = bare.root / "var/lib/parley/pending"
    for text in ('{"version":3,"time":1,"until":1,"seconds":5,"who":"x"}', '{"version":2,"time":1,"until":1,"seconds":5,"who":"x"}',
                 "{", ""):
        pending.write_text(text)
        bare.start()
        assert bare.status()["version"] == 2 and bare.status()["confirm_version"] == 0
        assert bare.stop() == 0
    bare.start()


# ---- against what is live ----

def test_a_dry_run_says_who_would_lose_what_and_which_connections_would_close(start_edge):
    edge = start_edge()
    edge.serve_pool()
    partner = edge.partner()
    for _ in range(3):
        assert partner.ask(message()).status == 200
    assert partner.ask(message(to="sip:carol@contoso.example")).status == 200
    plan = edge.ask("domain", "block", names.PARTNER_DOMAIN, "--dry-run")
    assert plan["closing"] == 1 and plan["connections"][0]["partner"] == names.PARTNER_DOMAIN
    assert plan["lose"]["domains"] == [names.PARTNER_DOMAIN]
    assert sorted(plan["lose"]["users"]) == ["alice@contoso.example", "carol@contoso.example"]
    assert plan["decisions"] == 2 and plan["gain"]["domain_count"] == 0
    assert partner.ask(message()).status == 200  # nothing has happened
    off = edge.ask("access-edge", "set", "allow-federated-users=false", "-n")
    assert (off["closing"], off["lose"]["user_count"]) == (1, 2)
    none = edge.ask("domain", "allow", "other.example", "-n")
    assert (none["closing"], none["lose"]["user_count"], none["gain"]["user_count"]) == (0, 0, 0)
    assert edge.parley("domain", "block", names.PARTNER_DOMAIN, "-y").returncode == 0
    partner.wait_closed()
    assert edge.partner().ask(message()).status == 403
    gain = edge.ask("domain", "allow", names.PARTNER_DOMAIN, "-n")
    assert gain["gain"]["domains"] == [names.PARTNER_DOMAIN] and gain["lose"]["domain_count"] == 0
    said = edge.parley("domain", "allow", names.PARTNER_DOMAIN, "-n").stdout
    assert "would gain federation" in said and "nothing was changed" in said
