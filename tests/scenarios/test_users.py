"""External access policies by scope: made, granted to one and to many, taken from a file with bad lines, removed; what holds and why."""
import itertools
import os
import re
import subprocess

import pytest

from lab.process import tail
from bare import Bare

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
    assert all(p["path"].startswith(f"users.csv:{p['line']}") for p in error["data"]["problems"])
    send_list(client, f"sip-address,policy\nbob@{OURS},Sales\n")
    error = client.ask("user.import", file="/home/ann/new hires\u001b[2J.txt")["error"]  # told as it is called there
    assert [p["path"] for p in error["data"]["problems"]] == ["/home/ann/new hires\\x1b[2J.txt:2 policy"]
    mine = bare.root / "staff of Oslo.csv"
    mine.write_text(f"sip-address,policy\nbob@{OURS},\neve@{OURS},Sales\n")
    told = subprocess.run([os.environ["PARLEY"], "--socket", str(bare.socket), "--yes", "user", "import", str(mine)], capture_output=True, text=True)
    assert told.returncode and f"{mine}:3" in told.stderr, told.stderr
    assert client.result("status")["version"] == version
    assert client.code("user.import") == "usage"  # a list that was refused has to be sent again
    text = f'sip-address,display-name,site,policy\nbob@{OURS},"Smith, Bob",Oslo,\n'
    send_list(client, text)
    client.result("user.import")
    assert client.result("user.export")["text"] == text


LOOKED_MAX = 10000  # daemon/keeper/filtering.h: of a longer list a filter looks at so many in one call


def walk(client, method="user.list", key="sip-address", **params):
    """All pages: their rows, and what each page said of the whole."""
    rows, counts, after = [], [], None
    while True:
        page = client.result(method, **params, **({"after": after} if after else {}))
        rows, after = rows + [row[key].split("@")[0] for row in page["rows"]], page["next"]
        counts.append((page["total"], page["before"], len(page["rows"])))
        if after is None:
            return rows, counts


def test_pages_of_a_list_and_what_holds_as_a_filter(bare):
    client = bare.client()
    client.result("policy.new", identity="Closed", set={"enable-federation-access": False})
    client.result("policy.new", identity="Idle")
    client.result("policy.new", identity="site:Oslo", set={"enable-outside-access": True, "enable-xmpp-access": False})
    client.result("site.new", name="Rome")
    names = [f"u{i:02}" for i in range(20)]
    send_list(client, "sip-address,site,policy\n" + "".join(f"{n}@{OURS},{'Oslo' if i % 2 else ''},{'Closed' if i % 5 == 0 else ''}\n"
                                                          for i, n in enumerate(names)))
    client.result("user.import")
    closed = [n for i, n in enumerate(names) if i % 5 == 0]
    oslo = [n for i, n in enumerate(names) if i % 2 and i % 5]
    rest = [n for n in names if n not in closed + oslo]
    for text, expected in (("effective:Closed", closed), ("effective:site:Oslo", oslo), ("effective:Global", rest), ("scope:user", closed),
                           ("scope:site", oslo), ("scope:global", rest), ("xmpp:off", oslo), ("remote:on", oslo), ("federation:off", closed),
                           ("!scope:user federation:on", sorted(oslo + rest)), ("public:on", []), ("effective:Idle", [])):
        assert walk(client, filter=text) == (expected, [(len(expected), 0, len(expected))]), text
    assert walk(client, limit=8) == (names, [(20, 0, 8), (20, 8, 8), (20, 16, 4)])
    assert walk(client, limit=10) == (names, [(20, 0, 10), (20, 10, 10)])  # no empty page at the end
    assert walk(client, limit=3, filter="scope:site") == (oslo, [(8, 0, 3), (8, 3, 3), (8, 6, 2)])
    page = client.result("user.list", after=f"u09x@{OURS}", limit=1)  # nobody's own address, between two
    assert (page["rows"][0]["sip-address"], page["before"]) == (f"u10@{OURS}", 10)
    page = client.result("user.list", after=f"z@{OURS}")
    assert (page["rows"], page["before"], page["total"], page["next"]) == ([], 20, 20, None)
    assert {r["identity"]: (r["users"], r["sites"]) for r in client.result("policy.list")["rows"]} == {
        "Global": (len(rest), 1), "site:Oslo": (len(oslo), 1), "Closed": (len(closed), 0), "Idle": (0, 0)}
    assert client.result("policy.show", identity="Closed")["users"] == len(closed)
    assert client.code("user.list", filter="nonsense:on") == "invalid"


def test_a_filter_looks_at_so_many_and_says_where_to_go_on(bare):
    client = bare.client()
    names = [f"u{i:05}" for i in range(LOOKED_MAX + 500)]
    lines = "".join(f"{n}@{OURS}{',Oslo' if n in (names[1], names[-1]) else ','}\n" for n in names)
    text = "sip-address,site\n" + lines
    for at in range(0, len(text), 30000):
        client.result("config.upload", name="users.csv", text=text[at:at + 30000], last=at + 30000 >= len(text))
    client.result("user.import")
    assert walk(client, filter="site:Oslo") == ([names[1], names[-1]], [(None, None, 1), (None, None, 1)])
    assert walk(client, filter="site:Oslo", limit=1) == ([names[1], names[-1]], [(None, None, 1), (None, None, 1)])
    page = client.result("user.list", filter="display-name:nobody")
    assert (page["rows"], page["next"]) == ([], f"{names[LOOKED_MAX - 1]}@{OURS}")
    page = client.result("user.list", after=f"{names[-2]}@{OURS}")  # without a filter it is counted as ever
    assert (len(page["rows"]), page["before"], page["total"], page["next"]) == (1, len(names) - 1, len(names), None)
    exported, after = "", None
    while True:
        piece = client.result("user.export", filter="site:Oslo", **({"after": after} if after else {}))
        exported, after = exported + piece["text"], piece["next"]
        if after is None:
            break
    assert [line.split("@")[0] for line in exported.splitlines()[1:]] == [names[1], names[-1]]


def test_the_same_of_domains_allowed_and_blocked_in_one_order(bare):
    client = bare.client()
    names = [f"d{i:05}.example" for i in range(LOOKED_MAX + 500)]
    text = '<parley document="sip-domains" schema="1">\n' + "".join(
        f'  <{("allowed", "blocked")[i % 2]}-domain domain="{n}"/>\n' for i, n in enumerate(names)) + "</parley>\n"
    for at in range(0, len(text), 30000):
        client.result("config.upload", name="sip-domains.xml", text=text[at:at + 30000], last=at + 30000 >= len(text))
    client.result("config.import", uploaded=True)
    few = dict(method="domain.list", key="domain", filter="domain:d00001.example,d00002.example,d10499.example")
    wanted = [names[1], names[2], names[-1]]
    assert walk(client, **few) == (wanted, [(None, None, 2), (None, None, 1)])
    assert walk(client, **few, limit=1) == (wanted, [(None, None, 1), (None, None, 1), (None, None, 1)])
    page = client.result("domain.list", filter="comment:nobody")
    assert (page["rows"], page["next"]) == ([], names[LOOKED_MAX - 1])
    rows, counts = walk(client, "domain.list", "domain", limit=500)
    assert rows == names and all(total == len(names) for total, _, _ in counts)
    assert [before for _, before, _ in counts] == [sum(n for _, _, n in counts[:i]) for i in range(len(counts))]
    page = client.result("domain.list", after="d00002x", filter="")  # no domain of the list, between two
    assert (page["rows"][0]["domain"], page["before"]) == (names[3], 3)
    page = client.result("domain.list", after=names[-2])
    assert (len(page["rows"]), page["before"], page["total"], page["next"]) == (1, len(names) - 1, len(names), None)
