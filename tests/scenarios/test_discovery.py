"""Partners on no list: found by DNS, let in, watched, limited; all of it lifted when they are allowed."""
import pytest

from lab import names
from lab.dns import federation
from lab.laboratory import BOTH
from sip import ALICE, message

DOMAIN, EDGE_NAME = "wingtip.example", "sip.wingtip.example"
ZOE = f"sip:zoe@{DOMAIN}"


@pytest.fixture
def stranger(lab, start_edge):
    """An edge with discovery on, our pool behind it, and how to reach it as wingtip.example."""
    lab.dns.add(*federation(DOMAIN, EDGE_NAME, names.PARTNER_3))
    certificate = lab.public.issue("wingtip", EDGE_NAME, usages=BOTH)

    def start(handler=None, **access_edge):
        edge = start_edge(access_edge={"enable_partner_discovery": "true", **access_edge})
        pool = edge.serve_pool(**({"handler": handler} if handler else {}))
        return edge, pool, lambda: edge.partner(certificate, source=names.PARTNER_3)
    return start


def row(edge):
    rows = [r for r in edge.ask("discovered", "list")["rows"] if r["domain"] == DOMAIN]
    return rows[0] if rows else None


def test_a_partner_on_no_list_is_let_in_by_dns_and_shown(stranger):
    edge, pool, connect = stranger()
    assert connect().ask(message(ZOE, ALICE)).status == 200
    assert pool.next_request().method == "MESSAGE"
    edge.wait_event("discovered-partner", DOMAIN)
    seen = row(edge)
    assert seen["state"] == "ok" and seen["contacts"] == 1 and seen["certificate"] == EDGE_NAME


def test_without_discovery_nobody_is_let_in_or_watched(lab, start_edge):
    lab.dns.add(*federation(DOMAIN, EDGE_NAME, names.PARTNER_3))
    edge = start_edge()
    edge.serve_pool()
    partner = edge.partner(lab.public.issue("wingtip-off", EDGE_NAME, usages=BOTH), source=names.PARTNER_3)
    assert partner.ask(message(ZOE, ALICE)).status == 403
    assert edge.ask("discovered", "list")["rows"] == []


def test_the_user_after_the_last_is_refused_and_those_met_go_on(stranger):
    edge, pool, connect = stranger(max_contacts_per_discovered_partner=3, discovered_partner_standard_rate=1000)
    partner = connect()
    for user in ("a", "b", "c"):
        assert partner.ask(message(ZOE, f"sip:{user}@{names.OWN_DOMAIN}")).status == 200
    answer = partner.ask(message(ZOE, f"sip:d@{names.OWN_DOMAIN}"))
    assert answer.status == 480 and answer.get("Retry-After")
    assert partner.ask(message(ZOE, f"sip:b@{names.OWN_DOMAIN}")).status == 200
    # Hanging up gives nobody a fresh start: the watch belongs to the certificate.
    partner.close()
    assert connect().ask(message(ZOE, f"sip:d@{names.OWN_DOMAIN}")).status == 480
    edge.wait_event("limit-reached", "max-contacts-per-discovered-partner", DOMAIN)
    assert row(edge)["state"] == "limited" and row(edge)["limited"] == 2


def test_being_allowed_lifts_the_limits_at_once_and_touches_no_connection(stranger):
    edge, pool, connect = stranger(max_contacts_per_discovered_partner=1, discovered_partner_standard_rate=1000)
    partner = connect()
    assert partner.ask(message(ZOE, ALICE)).status == 200
    assert partner.ask(message(ZOE, f"sip:d@{names.OWN_DOMAIN}")).status == 480
    assert edge.parley("domain", "allow", DOMAIN).returncode == 0
    assert partner.ask(message(ZOE, f"sip:d@{names.OWN_DOMAIN}")).status == 200
    assert partner.ask(message(ZOE, f"sip:e@{names.OWN_DOMAIN}")).status == 200


def test_more_than_the_rate_is_refused_and_the_partner_next_door_is_not(stranger):
    edge, pool, connect = stranger(discovered_partner_standard_rate=1)
    partner = connect()
    answers = [partner.ask(message(ZOE, ALICE)).status for _ in range(4)]
    assert answers[0] == 200 and 480 in answers
    assert [edge.partner().ask(message()).status for _ in range(10)] == [200] * 10
    edge.wait_event("limit-reached", "discovered-partner-standard-rate", DOMAIN)


def test_mostly_failures_make_a_partner_suspicious(stranger):
    from lab.sip_peer import response

    def unknown_user(connection, request):
        connection.send(response(request, 404, "Not Found"))

    edge, pool, connect = stranger(handler=unknown_user, discovered_partner_standard_rate=1000,
                                   discovered_partner_suspicious_answers=5)
    partner = connect()
    answers = [partner.ask(message(ZOE, ALICE)).status for _ in range(8)]
    assert answers[:5] == [404] * 5 and 480 in answers[5:]
    assert row(edge)["state"] == "suspicious"
    edge.wait_event("limit-reached", "discovered-partner-suspicious-rate", DOMAIN)
