"""XMPP partners in the configuration: what may be published, what is doubtful, and that the verbs do the same for them as for others."""
import json

import pytest

pytestmark = pytest.mark.short
PARTNER = "northwind.example"


@pytest.fixture(autouse=True)
def no_partner_left(edge):
    yield
    for row in edge.ask("xmpp", "list")["rows"]:
        edge.ask("xmpp", "remove", row["domain"])


def test_add_set_turn_and_remove(edge):
    added = edge.ask("xmpp", "add", PARTNER, "partner-type=federated", "additional-domains=chat.northwind.example")
    assert added["warnings"] == [] and [c["what"] for c in added["changes"]] == ["added"]
    row, = edge.ask("xmpp", "list")["rows"]
    assert (row["domain"], row["enabled"], row["verdict"]) == (PARTNER, True, "good")
    assert row["authentication"] == "SASL over TLS, else dialback over TLS"
    assert edge.parley("xmpp", "add", PARTNER).returncode == 5, "exists"
    edge.ask("xmpp", "disable", PARTNER)
    shown = edge.ask("xmpp", "show", PARTNER)
    assert shown["fields"]["enabled"] is False and shown["fields"]["additional-domains"] == ["chat.northwind.example"]
    assert "northwind.example" in edge.parley("xmpp", "list", "enabled:false").stdout
    assert edge.ask("xmpp", "list", "enabled:true")["rows"] == []
    edge.ask("xmpp", "enable", PARTNER)
    edge.ask("xmpp", "set", PARTNER, "connection-limit=3")
    assert edge.ask("xmpp", "show", PARTNER)["fields"]["connection-limit"] == 3
    edge.ask("xmpp", "remove", PARTNER)
    for verb in ("show", "set", "remove", "enable", "disable"):
        more = ["connection-limit=3"] if verb == "set" else []
        assert edge.parley("xmpp", verb, PARTNER, *more).returncode == 6, f"{verb}: not found"


def test_what_nothing_authenticates_is_refused_and_what_is_doubtful_is_told(edge):
    refused = edge.parley("xmpp", "add", PARTNER, "tls-negotiation=not-supported", "support-dialback-negotiation=false")
    assert refused.returncode == 6 and "no stream could be authenticated" in refused.stderr, refused.stderr
    doubtful = edge.parley("xmpp", "add", PARTNER, "tls-negotiation=optional")
    assert doubtful.returncode == 0 and "SASL needs TLS" in doubtful.stdout, doubtful.stdout
    edge.wait_event("config-doubtful", PARTNER, "SASL needs TLS")
    again = edge.ask("xmpp", "set", PARTNER, "description=as before")
    assert [w["path"] for w in again["warnings"]] == ["sasl-negotiation"]
    good = edge.ask("xmpp", "set", PARTNER, "tls-negotiation=required")
    assert good["warnings"] == []
    other = edge.ask("access-edge", "set", "idle-timeout=601")
    assert other["warnings"] == []
    edge.ask("access-edge", "set", "idle-timeout=600")


def test_a_domain_is_of_one_partner_and_of_one_protocol(edge):
    assert edge.parley("xmpp", "add", "fabrikam.example").returncode == 6, "it is an allowed SIP domain"
    edge.ask("xmpp", "add", PARTNER, "additional-domains=chat.northwind.example")
    assert edge.parley("xmpp", "add", "chat.northwind.example").returncode == 6
    refused = edge.parley("domain", "allow", "chat.northwind.example")
    assert refused.returncode == 6 and "never both" in refused.stderr, refused.stderr
    assert edge.parley("xmpp", "add", "contoso.example").returncode == 6, "our own"
    blocked = edge.ask("domain", "block", PARTNER)
    assert "nobody can talk with it" in json.dumps(blocked)
    edge.ask("domain", "remove", PARTNER)


def test_settings_of_the_gateway(edge):
    assert edge.ask("xmpp-gateway", "show")["fields"]["keep-alive-interval"] == 300
    edge.ask("xmpp-gateway", "set", "keep-alive-interval=120")
    assert edge.ask("xmpp-gateway", "show")["fields"]["keep-alive-interval"] == 120
    assert edge.parley("xmpp-gateway", "set", "keep-alive-interval=1").returncode == 6
    edge.ask("xmpp-gateway", "set", "keep-alive-interval=300")
    assert "xmpp-gateway" in (edge.edge.etc / "conf.d/xmpp-partners.xml").read_text()


def test_why_covers_xmpp_both_ways(edge):
    ours, theirs = "alice@contoso.example", f"juliet@{PARTNER}"

    def why(*words):
        return json.loads(edge.parley("--json", "why", *words).stdout)

    assert why(theirs, ours)["answer"] == "refuse"
    edge.ask("xmpp", "add", PARTNER)
    out = why(ours, theirs)
    assert (out["answer"], out["protocol"], out["direction"]) == ("pass", "xmpp", "out"), out
    assert [s["result"] for s in out["steps"] if s["name"] == "route"] == ["not-applicable"]
    inward = why(theirs, ours)
    assert (inward["answer"], inward["name"], inward["assumed"]) == ("refuse", "may-start", []), "the Access Edge knows that nobody has, though no gateway runs here"
    call = why(ours, theirs, "call")
    assert (call["answer"], call["name"], call["status"]) == ("refuse", "kind-service", 488)
    edge.ask("xmpp", "disable", PARTNER)
    off = why(f"xmpp:{theirs}", f"sip:{ours}")
    assert (off["answer"], off["name"], off["change"]) == ("refuse", "partner-enabled", f"xmpp enable {PARTNER}; xmpp set {PARTNER} partner-type=federated")
    edge.ask("policy", "set", "Global", "enable-xmpp-access=false")
    edge.ask("xmpp", "enable", PARTNER)
    assert why(ours, theirs)["name"] == "user-policy"
    edge.ask("policy", "set", "Global", "enable-xmpp-access=true")
