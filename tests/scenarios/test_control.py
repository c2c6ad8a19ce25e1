"""The keeper behind the control socket: roles, versions that last, documents by hand."""
import grp
import json
import os
import pwd
import signal
import subprocess
import sys
import time

import pytest

from bare import CALLS, NOBODY, calls_as, edit, keeper_pid, run_as
from lab.process import wait_until

pytestmark = pytest.mark.short


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become other users")
def test_roles_are_granted_and_taken_away_while_people_are_connected(bare):
    """bin and sys are people here, games a group of operators."""
    bin_, sys_, games = pwd.getpwnam("bin").pw_uid, pwd.getpwnam("sys").pw_uid, grp.getgrnam("games").gr_gid
    admin = bare.client()
    assert calls_as(bare, bin_, []) == "no way in"
    assert admin.code("role.grant", member="bin", roles="king") == "invalid"
    assert admin.code("role.grant", member="group:", roles="viewer") == "invalid"
    granted = admin.result("role.grant", member="bin", roles="policy")
    assert "no such Unix user" not in granted["note"]
    assert "no such Unix user" in admin.result("role.grant", member="nobody-at-all", roles="viewer")["note"]
    admin.result("role.grant", member="group:games", roles="operator,viewer", set={"comment": "on duty"})

    block = ("domain.block", {"domain": "bad.example"})
    hello, blocked, granting = calls_as(bare, bin_, [], block, ("role.grant", {"member": "bin", "roles": "administrator"}))
    assert hello["role"] == "policy" and blocked["version"] > granted["version"] and granting == "denied"
    assert "domain.block" in hello["verbs"] and "role.grant" not in hello["verbs"]
    admin.result("role.grant", member="sys", roles="editor")
    only = {"domain": "staged.example"}
    hello, blocked, staged, granting, published = calls_as(
        bare, sys_, [], block, ("domain.block", {**only, "stage": True}),
        ("role.grant", {"member": "daemon", "roles": "administrator", "stage": True}), ("publish", {"comment": "mine"}))
    assert hello["role"] == "editor" and (blocked, published) == ("denied", "denied")
    assert "domain.block" in hello["stages"] and "domain.block" not in hello["verbs"] and "stage.drop" in hello["verbs"]
    assert not {"publish", "revert", "confirm", "service.stop"} & {*hello["stages"], *hello["verbs"]}
    assert staged["staged"] and granting["staged"] and not admin.result("domain.list", filter="staged.example")["rows"]
    admin.result("role.grant", member="sys", roles="editor,policy")  # he may publish now, but not what only an administrator may
    hello, rebased, published = calls_as(bare, sys_, [], ("stage.rebase", {}), ("publish", {"comment": "mine"}))
    assert rebased["staged"] and published == "denied"
    admin.result("role.revoke", member="sys")

    hello, blocked, listed = calls_as(bare, sys_, [games], block, ("role.list", {}))
    assert hello["role"] == "operator" and blocked == "denied"
    assert {"member": "group:games", "roles": "operator", "comment": "on duty", "note": ""} in listed["rows"]
    assert calls_as(bare, sys_, [], block) == ["denied"]  # closed: nothing it sends is read

    waiting = subprocess.Popen([sys.executable, "-c", CALLS.replace("    try:", "    if i == 2: sys.stdin.readline()\n    try:"),
                                str(bare.socket), json.dumps([block, ("domain.list", {})])],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, user=bin_, group=bin_, extra_groups=[])
    assert json.loads(waiting.stdout.readline())["result"]["role"] == "policy"
    admin.result("role.revoke", member="bin")
    said = waiting.communicate("\n", 30)[0]
    assert "taken away" in said, said
    assert admin.code("role.revoke", member="bin") == "not-found"
    for member in ("nobody-at-all", "group:games"):
        admin.result("role.revoke", member=member)
    assert calls_as(bare, bin_, []) == "no way in"  # without a row the door is shut again


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become other users")
def test_who_may_not_make_a_change_may_not_keep_it_either(bare):
    """confirm makes a change last: what only an administrator may grant, only he keeps."""
    admin, bin_ = bare.client(), pwd.getpwnam("bin").pw_uid
    admin.result("role.grant", member="bin", roles="policy")
    waits = admin.result("role.grant", member="sys", roles="viewer", confirm_within=60)["version"]
    assert calls_as(bare, bin_, [], ("confirm", {}))[1] == "denied"
    assert calls_as(bare, bin_, [], ("revert", {}))[1] == "denied"
    assert admin.result("status")["confirm_version"] == waits
    assert admin.result("confirm")["version"] == waits
    own = calls_as(bare, bin_, [], ("domain.block", {"domain": "x.example", "confirm_within": 60}), ("confirm", {}))
    assert own[2]["version"] == own[1]["version"] == waits + 1
    admin.result("role.revoke", member="bin")


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become other users")
def test_a_member_of_the_sockets_group_may_look_and_a_stranger_may_not_come_in(bare):
    script = f"""
import json, socket
s = socket.socket(socket.AF_UNIX); s.connect({str(bare.socket)!r}); f = s.makefile("rw")
for i, (m, p) in enumerate([("hello", {{"protocol": 1}}), ("domain.list", {{}}), ("domain.block", {{"domain": "x.example"}})], 1):
    f.write(json.dumps({{"jsonrpc": "2.0", "id": i, "method": m, "params": p}}) + "\\n"); f.flush()
    print(f.readline(), end="")
"""
    member = run_as(1, [NOBODY.pw_gid], script)
    hello, listed, blocked = map(json.loads, member.stdout.splitlines())
    assert hello["result"]["role"] == "viewer"
    assert listed["result"]["rows"] == []
    assert blocked["error"]["data"]["code"] == "denied"
    stranger = run_as(1, [], script)
    assert "PermissionError" in stranger.stderr


def test_versions_rise_and_last_and_conf_d_shows_them(bare):
    client = bare.client()
    first = client.result("domain.allow", domain="Fabrikam.Example", set={"proxy-fqdn": "sip.fabrikam.example"},
                          comment="contract 2291")
    assert first["version"] == 2 and first["applied"] is True
    assert first["changes"][0]["what"] == "added" and first["changes"][0]["key"] == "fabrikam.example"
    again = client.result("domain.allow", domain="fabrikam.example", set={"proxy-fqdn": "sip.fabrikam.example"})
    assert again["version"] == 2 and again["changes"] == []
    assert client.code("domain.block", domain="fabrikam.example", if_version=1) == "conflict"
    blocked = client.result("domain.block", domain="fabrikam.example", if_version=2)
    assert blocked["version"] == 3
    assert sorted(c["kind"] for c in blocked["changes"]) == ["allowed-domain", "blocked-domain"]
    mirror = (bare.conf / "sip-domains.xml").read_text()
    assert 'version="3"' in mirror and '<blocked-domain domain="fabrikam.example"/>' in mirror

    os.kill(keeper_pid(bare.child.pid), signal.SIGKILL)
    wait_until(bare.answers, 15, "a new keeper answers")
    client = bare.client()
    assert [row["rule"] for row in client.result("domain.list")["rows"]] == ["block"]
    history = client.result("version.list")["versions"]
    assert [v["version"] for v in history] == [3, 2, 1] and history[1]["comment"] == "contract 2291"
    assert history[0]["comment"] == "domain.block fabrikam.example"
    assert client.result("domain.remove", domain="fabrikam.example")["version"] == 4
    assert client.code("domain.remove", domain="fabrikam.example") == "not-found"

    assert bare.stop() == 0
    bare.start()
    assert bare.status()["version"] == 4
    client = bare.client()
    old = client.result("config.export", version=2)
    assert "sip-domains.xml" in [d["name"] for d in old["documents"]]
    text = client.result("config.export", version=2, document="sip-domains.xml")["text"]
    assert 'domain="fabrikam.example"' in text
    back = [client.result("config.upload", name="sip-domains.xml", text=piece, last=last)
            for piece, last in ((text[:40], False), (text[40:], True))]
    assert back[-1]["bytes"] == len(text.encode())
    assert client.result("config.check", uploaded=True)["changes"] == 1
    assert client.result("config.import", uploaded=True, comment="back to 2")["version"] == 5
    assert client.result("domain.show", domain="fabrikam.example")["proxy-fqdn"] == "sip.fabrikam.example"

    audit = [json.loads(line) for line in (bare.root / "var/lib/parley/audit.log").read_text().splitlines()]
    assert [line["number"] for line in audit] == list(range(1, len(audit) + 1))
    assert [(a["verb"], a["outcome"]) for a in audit[:2]] == [("domain.allow", "asked"), ("domain.allow", "published")]
    assert audit[-1]["version"] == 5


def test_fields_are_checked_by_their_rows(bare):
    client = bare.client()
    error = client.ask("access-edge.set", set={"idle-timeout": 1})["error"]
    assert error["data"]["problems"] == [{"path": "idle-timeout", "why": error["message"], "allowed": "10 to 86400 s"}]
    assert client.code("access-edge.set", set={"alow-federated-users": True}) == "invalid"
    assert client.code("policy.set", identity="Nobody", set={}) == "not-found"
    changed = client.result("policy.set", identity="Global", set={"enable-federation-access": False})
    assert changed["changes"][0]["before"] == "true" and changed["changes"][0]["after"] == "false"
    assert client.result("policy.show")["fields"]["enable-federation-access"] is False
    reset = client.result("policy.set", identity="Global", set={"enable-federation-access": None})
    assert reset["version"] == 3 and client.result("policy.show")["fields"]["enable-federation-access"] is True
    client.result("access-edge.set", set={"idle-timeout": 901})
    assert client.result("version.list")["versions"][0]["comment"] == "access-edge.set idle-timeout"


def test_names_in_their_own_script_are_kept_as_a_labels(bare):
    client = bare.client()
    client.result("domain.allow", domain="b\u00fccher.example", set={"proxy-fqdn": "sip.b\u00fccher.example"})
    row = client.result("domain.show", domain="B\u00dcCHER.example")
    assert (row["domain"], row["proxy-fqdn"]) == ("xn--bcher-kva.example", "sip.xn--bcher-kva.example")
    client.result("domain.block", domain="b\u00fccher.example")
    [row] = client.result("domain.list")["rows"]
    assert (row["domain"], row["rule"], row["proxy-port"]) == ("xn--bcher-kva.example", "block", None)
    assert client.code("domain.allow", domain="b\u00fc\u200dcher.example") == "invalid"
    client.result("domain.remove", domain="b\u00fccher.example")
    assert client.result("domain.list")["total"] == 0


def test_a_long_list_comes_in_pages(bare):
    rows = "".join(f'  <allowed-domain domain="d{i:04}.example"/>\n' for i in range(1200))
    text = f'<?xml version="1.0"?>\n<parley document="sip-domains" schema="1">\n{rows}</parley>\n'
    client = bare.client()
    for start in range(0, len(text), 30000):
        client.result("config.upload", name="sip-domains.xml", text=text[start:start + 30000],
                      last=start + 30000 >= len(text))
    imported = client.result("config.import", uploaded=True)
    assert imported["version"] == 2
    seen, after = [], None
    while True:
        page = client.result("domain.list", limit=500, **({"after": after} if after else {}))
        assert page["total"] == 1200
        seen += [row["domain"] for row in page["rows"]]
        after = page["next"]
        if after is None:
            break
    assert seen == [f"d{i:04}.example" for i in range(1200)]
    assert client.result("domain.list", filter="d000 rule:allow !d0007")["total"] == 9
    assert client.result("domain.list", filter="domain:d000*,d0011.example connections<1 peer:example")["total"] == 11
    refused = client.ask("domain.list", filter="colour:red")["error"]
    assert refused["data"]["code"] == "invalid" and "colour:red; there are: domain," in refused["data"]["problems"][0]["why"]


def test_several_objects_are_changed_as_one_version(bare):
    client = bare.client()
    names = [f"d{i}.example" for i in range(3)]
    assert client.result("domain.allow", domain=names, set={"comment": "together"})["version"] == 2
    assert [(r["domain"], r["comment"]) for r in client.result("domain.list")["rows"]] == [(name, "together") for name in names]
    tried = client.result("domain.block", domain=names[:2], dry_run=True)
    assert tried["dry_run"] and len(tried["changes"]) >= 2 and client.result("status")["version"] == 2
    for wrong, code in (([*names, "bad..name"], "invalid"), ([*names, "nobody.example"], "not-found"), ([], "invalid"), ([names[0], 3], "invalid")):
        assert client.code("domain.remove", domain=wrong) == code
    assert client.result("domain.list")["total"] == 3
    client.result("domain.remove", domain=["d0.example", "d2.example"], comment="apart")
    assert [r["domain"] for r in client.result("domain.list")["rows"]] == ["d1.example"] and client.result("status")["version"] == 3
    audited = client.result("audit.list", filter="outcome:published", limit=1)["rows"][0]
    assert audited["command"].startswith("domain remove d0.example,d2.example") and audited["object"] == "d0.example,d2.example"


def test_those_who_follow_hear_of_changes(bare):
    follower, client = bare.client(), bare.client()
    follower.result("event.tail", count=0, follow=True)
    client.result("domain.allow", domain="fabrikam.example")
    heard = [follower.hear()["params"] for _ in range(2)]
    assert [e["event"] for e in heard] == ["config-published", "audit"]
    assert heard[0]["version"] == 2 and "sentence" in heard[0]


def test_a_document_edited_by_hand_is_published_on_sighup(bare):
    path = bare.conf / "sip-domains.xml"
    edit(path, "</parley>", '<!-- by phone -->\n<allowed-domain domain="litware.example"/>\n</parley>')
    bare.child.send_signal(signal.SIGHUP)
    event = bare.wait_event("config-published", version=2)
    assert event["author"] == pwd.getpwuid(path.stat().st_uid).pw_name
    assert "sip-domains.xml" in event["comment"]
    wait_until(lambda: 'version="2"' in path.read_text(), 5, "the mirror is written")
    assert "<!-- by phone -->" in path.read_text()
    bare.child.send_signal(signal.SIGHUP)  # nothing new
    time.sleep(0.2)
    assert bare.status()["version"] == 2


def test_a_bad_edit_is_refused_with_file_line_and_field_and_nobody_writes_over_it(bare):
    path = bare.conf / "access-edge.xml"
    edit(path, "<access-edge/>", "<access-edge>\n    <idle-timeout>often</idle-timeout>\n  </access-edge>")
    bad = path.read_text()
    line = bad[:bad.index("<idle-timeout>")].count("\n") + 1
    bare.child.send_signal(signal.SIGHUP)
    event = bare.wait_event("config-refused", file="access-edge.xml")
    assert (event["line"], event["field"]) == (line, "idle-timeout") and "10 to 86400" in event["why"]
    status = bare.status()
    assert status["version"] == 1
    assert any("access-edge.xml" in item["text"] for item in status["attention"])

    client = bare.client()
    problems = client.result("config.check")["problems"]
    assert [(p["file"], p["line"], p["field"]) for p in problems] == [("access-edge.xml", line, "idle-timeout")]
    assert client.code("config.import") == "invalid"
    changed = client.result("domain.allow", domain="fabrikam.example")
    assert changed["version"] == 2 and "conf.d holds an edit" in changed["note"]
    assert path.read_text() == bad

    path.unlink()
    bare.child.send_signal(signal.SIGHUP)
    wait_until(path.exists, 10, "the mirror brings the document back")
    wait_until(lambda: not any("access-edge.xml" in item["text"] for item in bare.status()["attention"]), 5,
               "nothing is wrong any more")
    assert 'version="2"' in (bare.conf / "sip-domains.xml").read_text()


def test_an_old_document_laid_back_is_a_conflict(bare):
    path = bare.conf / "sip-domains.xml"
    client = bare.client()
    client.result("domain.allow", domain="fabrikam.example")
    old = path.read_text()
    client.result("domain.allow", domain="litware.example")
    path.write_text(old)
    bare.child.send_signal(signal.SIGHUP)
    bare.wait_event("config-refused", file="sip-domains.xml")
    assert client.result("domain.list")["total"] == 2
