"""Partners on no list: found by DNS, let in, watched, limited; all of it lifted when they are allowed."""
import time

import pytest

from lab import names
from lab.dns import federation
from lab.laboratory import BOTH
from lab.process import wait_until
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
    wait_until(lambda: edge.ask("status")["steps"].get("discovered-limit") == 2, 10, "each refusal is counted")


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


def answers(partner, requests):
    """All written at once, so that the edge reads them in one turn of its loop: no refill in between."""
    partner.send(b"".join(requests))
    return [partner.final().status for _ in requests]


def test_the_shipped_rate_is_twenty_a_second_and_gone_when_allowed(stranger):
    """n-1, n and n+1 of the setting's default."""
    edge, pool, connect = stranger()
    partner = connect()
    assert partner.ask(message(ZOE, ALICE)).status == 200  # found in DNS
    for count, refused in ((19, 0), (20, 0), (21, 1)):
        time.sleep(1.2)  # a second's worth is there again
        statuses = answers(partner, [message(ZOE, ALICE) for _ in range(count)])
        assert statuses.count(480) == refused and statuses.count(200) == count - refused
    edge.wait_event("limit-reached", "discovered-partner-standard-rate", '"value": 20', DOMAIN)
    assert row(edge)["state"] == "limited"
    assert edge.parley("domain", "allow", DOMAIN).returncode == 0
    assert answers(partner, [message(ZOE, ALICE) for _ in range(40)]) == [200] * 40


def test_the_shipped_number_of_users_is_a_thousand_and_gone_when_allowed(stranger):
    edge, pool, connect = stranger(discovered_partner_standard_rate=100000)
    partner = connect()
    assert partner.ask(message(ZOE, f"sip:u0@{names.OWN_DOMAIN}")).status == 200
    for first in range(1, 1000, 37):
        batch = [message(ZOE, f"sip:u{n}@{names.OWN_DOMAIN}") for n in range(first, min(first + 37, 1000))]
        assert answers(partner, batch) == [200] * len(batch)
    assert row(edge)["contacts"] == 1000 and row(edge)["contacts_limit"] == 1000
    assert partner.ask(message(ZOE, f"sip:u1000@{names.OWN_DOMAIN}")).status == 480
    assert partner.ask(message(ZOE, f"sip:u999@{names.OWN_DOMAIN}")).status == 200
    edge.wait_event("limit-reached", "max-contacts-per-discovered-partner", '"value": 1000', DOMAIN)
    assert edge.parley("domain", "allow", DOMAIN).returncode == 0
    assert partner.ask(message(ZOE, f"sip:u1000@{names.OWN_DOMAIN}")).status == 200


def test_the_fiftieth_answer_makes_suspicious_when_most_failed_and_gone_when_allowed(stranger):
    from lab.sip_peer import response

    def half(connection, request):
        good = request.body == b"good"
        connection.send(response(request, 200 if good else 404, "OK" if good else "Not Found"))

    edge, pool, connect = stranger(handler=half, discovered_partner_standard_rate=100000)
    partner = connect()
    # 24 good and 25 bad: mostly failures, but only 49 answers.
    assert [partner.ask(message(ZOE, ALICE, body="good")).status for _ in range(24)] == [200] * 24
    assert [partner.ask(message(ZOE, ALICE)).status for _ in range(25)] == [404] * 25
    assert row(edge)["state"] == "ok"
    # 25 and 25: fifty answers, but not more than half of them bad.
    assert partner.ask(message(ZOE, ALICE, body="good")).status == 200
    assert row(edge)["state"] == "ok"
    # The next bad one does it; from then on one a second.
    assert partner.ask(message(ZOE, ALICE)).status == 404
    assert row(edge)["state"] == "suspicious"
    assert sorted(answers(partner, [message(ZOE, ALICE) for _ in range(10)])) == [404] + [480] * 9
    edge.wait_event("limit-reached", "discovered-partner-suspicious-rate", '"value": 1', DOMAIN)
    assert edge.parley("domain", "allow", DOMAIN).returncode == 0
    assert answers(partner, [message(ZOE, ALICE) for _ in range(10)]) == [404] * 10
