"""Sites, pools, edge pools and routes: set by command, shown as a tree with what is live, and obeyed."""
import pytest

from lab import names
from lab.process import wait_until
from sip import ALICE, BOB, message

pytestmark = pytest.mark.short
POOL_2, POOL_2_ADDRESS = "pool2.contoso.example", "127.0.11.2"
OSLO, EDGES, OTHERS = "oslo.contoso.example", "edges.contoso.example", "others.contoso.example"


def tree(edge):
    return {(row["kind"], row["name"]): row for row in edge.ask("topology", "show")["tree"]}


def service_state(edge, name):
    return next(row for row in edge.ask("service", "list")["rows"] if row["name"] == name)


def test_the_topology_is_built_shown_and_obeyed(start_edge):
    edge = start_edge(xmpp={"northwind.example": {"partner_type": "federated"}},
                      pool={names.POOL_NAME: {"address": f"{names.POOL}:5061", "priority": 20},
                            POOL_2: {"address": f"{POOL_2_ADDRESS}:5061", "priority": 10}})
    first = edge.serve_pool()
    second = edge.serve_pool(POOL_2_ADDRESS, certificate=edge.lab.internal.issue("pool2-topology", POOL_2))
    partner = edge.partner()

    # Documents that know nothing of sites and pools: one machine, everything at no site.
    rows = tree(edge)
    assert rows["edge", names.EDGE_NAME]["state"] == "here" and rows["edge", names.EDGE_NAME]["depth"] == 1
    assert rows["service", "access"]["state"] == "running" and rows["pool-member", POOL_2]["depth"] == 1
    assert partner.ask(message(BOB, ALICE)).status == 200 and (first.requests.qsize(), second.requests.qsize()) == (0, 1)

    # What is near comes before what has priority.
    edge.ask("site", "new", "Oslo", f"sip-domains={names.OWN_DOMAIN}")
    lonely = edge.ask("pool", "new", OSLO, "site=Oslo")
    assert "has no member" in lonely["warnings"][0]["why"]
    assert edge.parley("pool-member", "set", names.POOL_NAME, "pool=nowhere.contoso.example").returncode == 6
    edge.ask("pool-member", "set", names.POOL_NAME, f"pool={OSLO}")
    assert partner.ask(message(BOB, ALICE)).status == 200 and (first.requests.qsize(), second.requests.qsize()) == (1, 1)
    refused = edge.parley("pool", "remove", OSLO)
    assert refused.returncode == 6 and f"there is no pool {OSLO}" in refused.stderr, refused.stderr

    # A route has to lead over an edge that carries it; what takes another way is refused and named.
    edge.ask("edge-pool", "new", EDGES, "site=Oslo")
    empty = edge.parley("topology", "set", f"sip-federation-route={EDGES}")
    assert empty.returncode == 6 and f"no edge belongs to the edge pool {EDGES}" in empty.stderr, empty.stderr
    edge.ask("edge", "set", names.EDGE_NAME, f"edge-pool={EDGES}")
    edge.ask("topology", "set", f"sip-federation-route={EDGES}", f"xmpp-federation-route={EDGES}")
    assert partner.ask(message(BOB, ALICE)).status == 200 and first.requests.qsize() == 2
    rows = tree(edge)
    assert rows["edge-pool", EDGES]["note"] == "SIP federation route; XMPP federation route"
    assert [rows[key]["depth"] for key in (("site", "Oslo"), ("edge-pool", EDGES), ("edge", names.EDGE_NAME), ("service", "gateway"))] == [1, 2, 3, 4]
    assert rows["pool-member", names.POOL_NAME]["state"] == "up" and rows["pool-member", names.POOL_NAME]["connections"] >= 1
    text = edge.parley("topology", "show").stdout
    assert f"    {EDGES}\tedge-pool" in text and f"      {names.EDGE_NAME}\tedge\there" in text, text

    edge.ask("edge-pool", "new", OTHERS)
    alone = edge.ask("--dry-run", "edge", "new", "edge2.contoso.example", f"edge-pool={OTHERS}", "external-listen=192.0.2.9",
                     "external-fqdn=sip2.contoso.example", "internal-listen=10.0.0.9")
    assert [w["why"] for w in alone["warnings"] if w["kind"] == "host"] == ["does not say which of the edges is this one: its services stop"]


def test_other_ways_are_refused_and_services_follow_the_topology(start_edge):
    edge = start_edge(xmpp={"northwind.example": {"partner_type": "federated"}})
    edge.serve_pool()
    partner = edge.partner()
    wait_until(lambda: service_state(edge, "gateway")["state"] == "running", 20, "the gateway runs")
    edge.ask("edge-pool", "new", EDGES)
    edge.ask("edge", "set", names.EDGE_NAME, f"edge-pool={EDGES}")
    edge.ask("site", "new", "Oslo", f"sip-domains={names.OWN_DOMAIN}")

    # A dry run says who would lose; then it is so, with a reason.
    assert partner.ask(message(BOB, ALICE)).status == 200
    edge.ask("edge", "set", names.EDGE_NAME, "services=access")
    stopped = wait_until(lambda: (row := service_state(edge, "gateway"))["state"] == "stopped" and row, 20, "the gateway has stopped")
    assert stopped["why"] == "not in the topology" and stopped["unused"] and "services does not name gateway" in stopped["detail"]
    assert not [row for row in edge.ask("status")["attention"] if row["source"] == "gateway"]
    edge.ask("edge", "set", names.EDGE_NAME, "services=access gateway")
    wait_until(lambda: service_state(edge, "gateway")["state"] == "running", 20, "the gateway runs again")
    nothing = edge.parley("--yes", "edge", "set", names.EDGE_NAME, "services=gateway")
    assert nothing.returncode == 6 and "without access" in nothing.stderr, nothing.stderr
    assert partner.ask(message(BOB, ALICE)).status == 200

    # The machine's own name, as on every edge of a deployment with several.
    edge.edge.write_file("host.xml", (edge.edge.etc / "host.xml").read_text().replace("<external-key>", f"<node>{names.EDGE_NAME}</node><external-key>"))
    edge.edge.process.child.send_signal(1)
    edge.ask("edge-pool", "new", OTHERS)
    wait_until(lambda: edge.ask("status")["node"] == names.EDGE_NAME, 10, "host.xml is read")
    edge.ask("edge", "new", "edge2.contoso.example", f"edge-pool={OTHERS}", "external-listen=192.0.2.9", "external-fqdn=sip2.contoso.example",
             "internal-listen=10.0.0.9", "xmpp-listen=192.0.2.9")
    assert partner.ask(message(BOB, ALICE)).status == 200
    edge.ask("topology", "set", f"sip-federation-route={OTHERS}", f"xmpp-federation-route={OTHERS}")
    answer = edge.inside().ask(message(ALICE, BOB))
    assert answer.status == 403 and "30045" in answer.get("ms-diagnostics"), answer
    edge.wait_event("request-refused", "federation-route", OTHERS)
    why = edge.parley("why", ALICE, BOB)
    assert why.returncode == 1 and f"the route is the edge pool {OTHERS}" in why.stdout and "none: it does not cross here" in why.stdout, why.stdout
    off = wait_until(lambda: (row := service_state(edge, "gateway"))["state"] == "stopped" and row, 20, "the gateway has stopped")
    assert off["why"] == "not the XMPP route"
    rows = tree(edge)
    assert rows["edge", "edge2.contoso.example"]["state"] == "" and "another machine" in rows["edge", "edge2.contoso.example"]["note"]

    # A site's own way out; its users still hear from partners by neither.
    edge.ask("site", "set", "Oslo", f"sip-federation-route={EDGES}")
    assert edge.parley("why", ALICE, BOB).returncode == 0
    edge.ask("topology", "set", "sip-federation-route=", "xmpp-federation-route=")
    wait_until(lambda: service_state(edge, "gateway")["state"] == "running", 20, "the gateway runs")
