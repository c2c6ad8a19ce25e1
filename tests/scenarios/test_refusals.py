"""
The tables of refusals (daemon/policy/steps.def, refusals.def) over the wire: status, diagnostics inside and outside, the step's event
and counter, and the partner's last error, with who refused whom.
"""
import pytest

from lab import names, sip_peer
from lab.dns import srv
from lab.process import wait_until
from sip import ALICE, AUDIO_SDP, BOB, invite, message

OWN = {"topology": {"sip_domains": "contoso.example contoso-sales.example"}}
ELSEWHERE, NOWHERE = "sip:carol@elsewhere.refused.example", "sip:carol@nowhere.refused.example"
WRONG = "sip:carol@wrong.refused.example"

# step, status, diagnostic, configuration, the request, the partner's domain
INWARD = [
    ("federation-switch", 403, 1027, {"access_edge": {"allow_federated_users": "false"}}, message(), names.PARTNER_DOMAIN),
    ("blocked-domain", 403, 30001, {"blocked": [names.PARTNER_DOMAIN], "allowed": []}, message(), names.PARTNER_DOMAIN),
    ("sender-domain", 403, 1017, {}, message("sip:eve@contoso.example"), names.OWN_DOMAIN),
    ("own-domain", 404, 1005, {}, message(to="sip:x@northwind.example"), names.PARTNER_DOMAIN),
    ("known-domain", 403, 30002, {"allowed": []}, message(), names.PARTNER_DOMAIN),
    ("user-policy", 403, 1002, {"no_federation": True}, message(), names.PARTNER_DOMAIN),
    ("service", 488, 30003, {}, invite(sdp=AUDIO_SDP), names.PARTNER_DOMAIN),
    ("route", 504, 1008, {"allowed": ["nowhere.refused.example"]}, message(NOWHERE), "nowhere.refused.example"),
    ("srv-in-domain", 504, 1009, {"allowed": ["elsewhere.refused.example"]}, message(ELSEWHERE), "elsewhere.refused.example"),
    ("peer-identity", 403, 1010, {"allowed": ["wrong.refused.example"]}, message(WRONG), "wrong.refused.example"),
]
OUTWARD = [
    ("federation-switch", 403, 1027, {"access_edge": {"allow_federated_users": "false"}}, message(ALICE, BOB), names.PARTNER_DOMAIN),
    ("blocked-domain", 403, 30001, {"blocked": [names.PARTNER_DOMAIN], "allowed": []}, message(ALICE, BOB), names.PARTNER_DOMAIN),
    ("sender-domain", 403, 1017, {}, message("sip:eve@evil.example", BOB), names.PARTNER_DOMAIN),
    ("own-domain", 404, 1005, OWN, message(ALICE, "sip:x@contoso-sales.example"), "contoso-sales.example"),
    ("known-domain", 403, 30002, {"allowed": []}, message(ALICE, BOB), names.PARTNER_DOMAIN),
    ("user-policy", 403, 1002, {"no_federation": True}, message(ALICE, BOB), names.PARTNER_DOMAIN),
    ("service", 488, 30003, {}, invite(ALICE, BOB, sdp=AUDIO_SDP), names.PARTNER_DOMAIN),
    ("route", 504, 1008, {"allowed": ["nowhere.refused.example"]}, message(ALICE, NOWHERE), "nowhere.refused.example"),
    ("srv-in-domain", 504, 1009, {"allowed": ["elsewhere.refused.example"]}, message(ALICE, ELSEWHERE), "elsewhere.refused.example"),
]
ROWS = [("inward", *row) for row in INWARD] + [("outward", *row) for row in OUTWARD]


@pytest.fixture(scope="module", autouse=True)
def records(lab):
    lab.dns.add(srv("elsewhere.refused.example", names.PARTNER_NAME), srv("wrong.refused.example", "sip.wrong.refused.example"))


def start(start_edge, blocked=(), no_federation=False, **documents):
    edge = start_edge(**documents)
    for domain in blocked:
        assert edge.parley("--yes", "domain", "block", domain).returncode == 0
    if no_federation:
        assert edge.parley("--yes", "policy", "set", "Global", "enable-federation-access=false").returncode == 0
    return edge


def last_error(edge, domain, direction):
    if edge.parley("domain", "show", domain).returncode != 0:
        return None  # on neither list: it has no entry to be shown in
    return edge.ask("domain", "show", domain)[f"last_error_{direction}"]


@pytest.mark.parametrize("way, step, status, number, documents, request_, domain", ROWS, ids=[f"{row[0]}-{row[1]}" for row in ROWS])
def test_each_refusal_says_what_it_is(start_edge, way, step, status, number, documents, request_, domain):
    edge = start(start_edge, **documents)
    connection = edge.partner() if way == "inward" else edge.inside()
    answer = connection.ask(request_, timeout=40)
    assert answer.status == status, answer.text()
    ours, theirs = ("ms-diagnostics-public", "ms-diagnostics") if way == "inward" else ("ms-diagnostics", "ms-diagnostics-public")
    assert answer.get(ours).startswith(f"{number};reason=") and answer.get(theirs) is None
    source = names.EDGE_EXTERNAL_NAME if way == "inward" else names.EDGE_NAME
    assert f'source="{source}"' in answer.get(ours)
    if way == "inward":  # a partner learns nothing of the inside
        assert names.EDGE_NAME not in answer.text() and "Global" not in answer.text()
    edge.wait_event("request-refused", f'"{step}"', f'"domain": "{domain}"')
    wait_until(lambda: edge.ask("status")["steps"].get(step) == 1, 10, "the step is counted")  # once a second
    error = last_error(edge, domain, "in" if way == "inward" else "out")
    if error is not None:
        assert error["by"] == "us" and error["text"].startswith(step)


def test_a_refusal_that_the_rules_would_no_longer_give_is_the_past(start_edge):
    """What to do stands beside it while it holds; once allowed again only the partner's history still has it."""
    edge = start(start_edge, blocked=[names.PARTNER_DOMAIN], allowed=[])
    edge.serve_pool()
    assert edge.partner().ask(message()).status == 403
    blocked = edge.ask("domain", "show", names.PARTNER_DOMAIN)
    assert blocked["last_error"].startswith("blocked-domain: ") and blocked["last_error_at"] > 0
    assert "domain allow" in blocked["advice"] and blocked["last_error_in"]["step"] == "blocked-domain"
    assert edge.parley("domain", "allow", names.PARTNER_DOMAIN).returncode == 0
    row = edge.ask("domain", "show", names.PARTNER_DOMAIN)
    assert (row["rule"], row["last_error"], row["last_error_at"], row["advice"]) == ("allow", "", None, "")
    assert row["last_error_in"]["step"] == "blocked-domain"


# ---- refusals outside a decision (daemon/policy/refusals.def) ----

OUTSIDE_DECISIONS = [
    ("method", 405, 1027, {"method": "PUBLISH"}),
    ("event-package", 489, 30031, {"method": "SUBSCRIBE", "headers": ["Event: dialog"]}),
    ("dialog", 481, 30032, {"method": "BYE", "to_tag": "nobodys"}),
    ("foreign-route", 403, 1004, {"method": "MESSAGE", "routes": [f"<sip:forged@{names.EDGE_EXTERNAL_NAME}:5061;transport=tls;lr>"]}),
]


@pytest.mark.short
def test_what_does_not_cross_has_its_number_its_event_and_its_counter(start_edge):
    edge = start_edge()
    edge.serve_pool()
    partner = edge.partner()
    for n, (name, status, number, words) in enumerate(OUTSIDE_DECISIONS):
        words = dict(words)
        answer = partner.ask(sip_peer.request(words.pop("method"), ALICE, BOB, ALICE, via_host=names.PARTNER_NAME, **words))
        assert answer.status == status, f"{name}: {answer.text()}"
        assert answer.get("ms-diagnostics-public").startswith(f"{number};reason="), name
        edge.wait_event("request-refused", f'"{name}"', f'"status": {status}')
        wait_until(lambda: edge.ask("status")["steps"].get(name) == 1, 10, f"{name} is counted")
        assert edge.ask("status")["traffic"]["refused_total"] == n + 1
    # What cannot be understood is counted as malformed, and its sender hears why all the same.
    answer = partner.ask(message(max_forwards=0))
    assert answer.status == 483 and answer.get("ms-diagnostics-public").startswith("30030;reason=\"Max-Forwards is 0\"")
    assert "foreign-route" in edge.parley("status").stdout, "the command line shows them, too"


# ---- who refused whom ----

def refusing(status):
    def handler(connection, request):
        if request.is_request and request.method != "ACK":
            connection.send(sip_peer.response(request, status))
    return handler


@pytest.mark.parametrize("status, seen", [(403, 403), (404, 404), (486, 486), (503, 504)])
def test_a_partners_refusal_is_kept_as_theirs(start_edge, status, seen):
    edge = start_edge()
    edge.serve_partner(handler=refusing(status))
    assert edge.inside().ask(message(ALICE, BOB)).status == seen
    error = last_error(edge, names.PARTNER_DOMAIN, "out")
    assert error["by"] == "partner" and str(status) in error["text"]
    assert last_error(edge, names.PARTNER_DOMAIN, "in") is None


def test_our_pools_refusal_is_kept_as_the_pools(start_edge):
    edge = start_edge()
    edge.serve_pool(handler=refusing(404))
    assert edge.partner().ask(message()).status == 404
    error = last_error(edge, names.PARTNER_DOMAIN, "in")
    assert error["by"] == "pool" and "404" in error["text"]


def test_a_certificate_that_we_refuse_is_our_refusal(start_edge, zoo):
    edge = start_edge()
    edge.serve_partner(certificate=zoo["rogue"])
    answer = edge.inside().ask(message(ALICE, BOB), timeout=40)
    assert answer.status == 504 and answer.get("ms-diagnostics").startswith("1047;")
    error = last_error(edge, names.PARTNER_DOMAIN, "out")
    assert error["by"] == "us" and "refused by us" in error["text"]


def test_a_partner_that_does_not_trust_our_authority_has_refused_us(start_edge, lab):
    """What Lync shows as 1047 and leaves its administrator to find: only they can mend it."""
    edge = start_edge()
    context = sip_peer.server_context(lab.partner, lab.rogue.certificate, True)
    edge.opened.append(sip_peer.Server(names.PARTNER, context))
    answer = edge.inside().ask(message(ALICE, BOB), timeout=40)
    assert answer.status == 504
    error = last_error(edge, names.PARTNER_DOMAIN, "out")
    assert error["by"] == "partner", error
    # It is not asked again with each message: back-off, and its reason is seen.
    row = wait_until(lambda: next((row for row in edge.ask("connection", "list")["rows"] if row["state"] == "back-off"), None)
                     or edge.inside().ask(message(ALICE, BOB), timeout=40) and None, 20, "a back-off is shown")
    assert row["partner"] == names.PARTNER_NAME and "refused our TLS" in row["last_error"]


def test_nobody_there_is_nobodys_refusal(start_edge):
    edge = start_edge()
    assert edge.inside().ask(message(ALICE, BOB), timeout=40).status == 504
    assert last_error(edge, names.PARTNER_DOMAIN, "out")["by"] == "network"
