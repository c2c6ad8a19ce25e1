"""External access policies by scope: made, granted to one and to many, taken from a file with bad lines, removed; what holds and why."""
import itertools
import os
import re

import pytest

from lab.process import tail
from test_control import Bare

NUMBERS = itertools.count(1)
OURS = "contoso.example"
pytestmark = pytest.mark.short


@pytest.fixture
def bare(lab, request):
    daemon = Bare(lab.folder / f"users-{next(NUMBERS)}")
    daemon.conf.mkdir(parents=True)
    (daemon.conf / "topology.xml").write_text(
        f'<parley document="topology" schema="1"><topology><sip-domains>{OURS}</sip-domains></topology><site name="Oslo"/></parley>')
    for path in [daemon.root, *daemon.root.rglob("*")]:
        if daemon.as_user:
            os.chown(path, daemon.as_user["user"], daemon.as_user["group"])
    daemon.start()
    yield daemon
    for client in daemon.clients:
        client.close()
    assert daemon.stop() == 0, tail(daemon.log_path, 60)
    assert not re.search(r"AddressSanitizer|LeakSanitizer|runtime error:", daemon.log()), tail(daemon.log_path, 80)


def why(client, user, **more):
    answer = client.result("why", **{"from": f"sip:{user}@{OURS}", "to": "sip:bob@fabrikam.example"}, **more)
    step = next(step for step in answer["steps"] if step["name"] == "user-policy")
    return step["result"].removeprefix("would-"), step["words"]  # the master switch is asked first


def shown(client, user):
    row = client.result("user.show", user=f"{user}@{OURS}")
    return row["effective"], row["scope"], row["listed"]


def send_list(client, text):
    client.result("config.upload", name="users.csv", text=text, last=True)


def test_the_nearest_policy_holds_and_says_so(bare):
    client = bare.client()
    client.result("policy.new", identity="Closed", set={"enable-federation-access": False})
    client.result("policy.new", identity="site:Oslo", set={"enable-outside-access": True})
    assert client.code("policy.new", identity="site:Rome") == "invalid"
    assert shown(client, "alice") == ("Global", "global", False)
    client.result("user.add", user=f"Alice@{OURS}", set={"site": "Oslo"})
    assert shown(client, "alice") == ("site:Oslo", "site", True)
    client.result("user.grant", policy="Closed", users=f"alice@{OURS}, sip:carol@{OURS}")
    assert shown(client, "ALICE") == ("Closed", "user", True) and shown(client, "carol") == ("Closed", "user", True)
    assert why(client, "alice") == ("refuse", "external access policy Closed (scope user) does not permit federation")
    flags = {f["flag"]: f for f in client.result("user.show", user=f"alice@{OURS}")["flags"]}
    assert (flags["enable-federation-access"]["on"], flags["enable-federation-access"]["policy"]) == (False, "Closed")
    assert flags["enable-xmpp-access"]["hindered"]  # the master switch is off
    assert {r["identity"]: (r["scope"], r["users"]) for r in client.result("policy.list")["rows"]} == {
        "Global": ("global", 0), "site:Oslo": ("site", 0), "Closed": ("user", 2)}

    client.result("user.ungrant", users=f"alice@{OURS}")
    assert shown(client, "alice") == ("site:Oslo", "site", True)
    before = client.result("status")["version"]
    client.result("policy.remove", identity="Closed")
    assert client.result("status")["version"] == before + 1 and shown(client, "carol") == ("Global", "global", True)
    client.result("policy.set", identity="Global", set={"enable-federation-access": False})
    assert why(client, "carol")[0] == "refuse"
    client.result("policy.remove", identity="Global")
    assert why(client, "carol")[0] == "pass"
    client.result("site.remove", name="Oslo")
    assert shown(client, "alice") == ("Global", "global", True)


def test_many_are_granted_at_once_and_tried_first(bare):
    client = bare.client()
    client.result("policy.new", identity="Closed", set={"enable-federation-access": False})
    send_list(client, "sip-address,site\n" + "".join(f"user{i:04}@{OURS},{'Oslo' if i % 2 else ''}\n" for i in range(1000)))
    assert client.result("user.import")["total"] == 1000
    version = client.result("status")["version"]
    tried = client.result("user.grant", policy="Closed", filter="site:Oslo", dry_run=True)
    assert tried["total"] == 500 and client.result("status")["version"] == version
    client.result("user.grant", policy="Closed", filter="site:Oslo", stage=True)
    assert shown(client, "user0001") == ("Global", "global", True) and client.result("plan")["total"] == 500
    client.result("publish", comment="Oslo is closed")
    rows, after = [], None
    while True:
        page = client.result("user.list", filter="policy:Closed", limit=200, **({"after": after} if after else {}))
        rows, after = rows + page["rows"], page["next"]
        assert page["total"] == 500
        if after is None:
            break
    assert len({r["sip-address"] for r in rows}) == 500 and all(r["scope"] == "user" for r in rows)
    assert client.code("user.grant", policy="Closed") == "usage"
    assert client.code("user.grant", policy="Open", filter="site:Oslo") == "not-found"
    assert client.code("user.grant", policy="Global", users=f"alice@{OURS}") == "invalid"
    assert client.code("user.grant", policy="Closed", users="alice") == "invalid"


def test_a_bad_line_is_told_and_nothing_is_taken(bare):
    client = bare.client()
    version = client.result("status")["version"]
    send_list(client, f"sip-address,policy\nbob@{OURS},\nnobody,\neve@fabrikam.example,\nbob@{OURS},\n")
    error = client.ask("user.import")["error"]
    assert [(p["line"], p["field"]) for p in error["data"]["problems"]] == [(3, "sip-address"), (5, "")]
    send_list(client, f"sip-address,policy\nbob@{OURS},\neve@fabrikam.example,\ncarol@{OURS},Sales\n")
    error = client.ask("user.import")["error"]
    assert [(p["line"], p["field"]) for p in error["data"]["problems"]] == [(4, "policy"), (3, "sip-address")]
    assert client.result("status")["version"] == version
    assert client.code("user.import") == "usage"  # a list that was refused has to be sent again
    text = f'sip-address,display-name,site,policy\nbob@{OURS},"Smith, Bob",Oslo,\n'
    send_list(client, text)
    client.result("user.import")
    assert client.result("user.export")["text"] == text
