"""From a partner's domain to its edge: SRV, A and AAAA, the next target, and what DNS may not do."""
import socket

import pytest

from lab import names
from lab.dns import federation, host_record, srv
from sip import ALICE, BOB, message

FIRST, SECOND = names.PARTNER_2, names.PARTNER_3


@pytest.fixture(scope="module")
def partners(lab):
    """Domains of the tests below, each with its edge's certificate."""
    found = {}
    for domain in ("two.example", "dead6.example", "six.example", "both.example", "elsewhere.example", "silent.example",
                   "closed.example", "discovered.example", "badname.example", "slow.example", "broken.example"):
        found[domain] = lab.public.issue(f"lookup-{domain}", f"sip.{domain}", dns=[f"sip.{domain}", f"sip2.{domain}"])
    lab.dns.add(
        *federation("two.example", "sip.two.example", FIRST, priority=1),
        *federation("two.example", "sip2.two.example", SECOND, priority=2),
        *federation("dead6.example", "sip.dead6.example", names.DEAD_6, names.PARTNER_2),
        *federation("six.example", "sip.six.example", names.PARTNER_6),
        srv("elsewhere.example", "sip.fabrikam.example"),
        *federation("silent.example", "sip.silent.example", FIRST, priority=1),
        *federation("silent.example", "sip2.silent.example", SECOND, priority=2),
        *federation("closed.example", "sip.closed.example", "127.0.20.99"),
        *federation("discovered.example", "sip.discovered.example", FIRST),
        srv("missing.example", "sip.missing.example"),
        srv("nothing.example", ".", 0))
    return found


def to(domain):
    return message(ALICE, f"sip:carol@{domain}")


def test_the_first_srv_target_is_used_while_it_lives(start_edge, partners):
    edge = start_edge(allowed=["two.example"])
    first = edge.serve_partner(FIRST, certificate=partners["two.example"], require=False)
    second = edge.serve_partner(SECOND, certificate=partners["two.example"], require=False)
    assert [edge.inside().ask(to("two.example")).status for _ in range(3)] == [200] * 3
    assert first.requests.qsize() == 3 and second.accepted == 0


def test_a_refused_connection_leads_to_the_second_target(start_edge, partners):
    edge = start_edge(allowed=["two.example"])
    second = edge.serve_partner(SECOND, certificate=partners["two.example"], require=False)
    assert edge.inside().ask(to("two.example")).status == 200
    assert second.requests.qsize() == 1


def test_a_target_that_cannot_prove_its_name_leads_to_the_second(start_edge, partners, lab):
    edge = start_edge(allowed=["two.example"])
    first = edge.serve_partner(FIRST, certificate=lab.rogue.issue("rogue-two", "sip.two.example"), require=False)
    second = edge.serve_partner(SECOND, certificate=partners["two.example"], require=False)
    assert edge.inside().ask(to("two.example"), timeout=30).status == 200
    assert first.has_no_request() and second.requests.qsize() == 1


def test_a_target_that_accepts_and_says_nothing_leads_to_the_second(start_edge, partners):
    edge = start_edge(allowed=["silent.example"], access_edge={"handshake_timeout": 1, "connect_timeout": 1})
    with socket.create_server((FIRST, 5061)):
        second = edge.serve_partner(SECOND, certificate=partners["silent.example"], require=False)
        assert edge.inside().ask(to("silent.example"), timeout=30).status == 200
        assert second.requests.qsize() == 1


def test_a_dead_ipv6_address_falls_to_ipv4(start_edge, partners):
    edge = start_edge(allowed=["dead6.example"])
    server = edge.serve_partner(names.PARTNER_2, certificate=partners["dead6.example"], require=False)
    assert edge.inside().ask(to("dead6.example"), timeout=30).status == 200
    assert server.requests.qsize() == 1


def test_ipv6_both_ways(start_edge, partners, lab):
    edge = start_edge(allowed=["six.example"],
                      edge={"external_listen": f"{names.EDGE_EXTERNAL}:5061 [{names.EDGE_EXTERNAL_6}]:5061"})
    server = edge.serve_partner(names.PARTNER_6, certificate=partners["six.example"], require=False)
    assert edge.inside().ask(to("six.example"), timeout=30).status == 200
    assert server.requests.qsize() == 1
    pool = edge.serve_pool()
    partner = edge.partner(partners["six.example"], address=names.EDGE_EXTERNAL_6, source=names.PARTNER_6)
    assert partner.ask(message("sip:carol@six.example", ALICE)).status == 200
    assert pool.next_request().method == "MESSAGE"


def test_a_named_edge_needs_no_srv(start_edge, partners, lab):
    lab.dns.add(host_record("sip.badname.example", FIRST))
    edge = start_edge(allowed=[("badname.example", {"proxy_fqdn": "sip.badname.example"})])
    server = edge.serve_partner(FIRST, certificate=partners["badname.example"], require=False)
    assert edge.inside().ask(to("badname.example")).status == 200
    assert server.requests.qsize() == 1


@pytest.mark.parametrize("domain", ["absent.example", "missing.example", "nothing.example"])
def test_a_domain_without_an_edge_in_dns_gets_504(start_edge, partners, domain):
    edge = start_edge(allowed=[domain])
    assert edge.inside().ask(to(domain), timeout=40).status == 504
    edge.wait_event(domain, "504")


def test_a_partner_nobody_answers_for_gets_504(start_edge, partners):
    edge = start_edge(allowed=["closed.example"])
    assert edge.inside().ask(to("closed.example"), timeout=40).status == 504
    edge.wait_event("closed.example", "504")


def test_discovery_finds_a_partner_on_no_list(start_edge, partners):
    edge = start_edge(allowed=[], access_edge={"enable_partner_discovery": "true"})
    server = edge.serve_partner(FIRST, certificate=partners["discovered.example"], require=False)
    assert edge.inside().ask(to("discovered.example")).status == 200
    assert server.requests.qsize() == 1


def test_without_discovery_a_domain_on_no_list_is_refused(start_edge, partners):
    edge = start_edge(allowed=[])
    server = edge.serve_partner(FIRST, certificate=partners["discovered.example"], require=False)
    answer = edge.inside().ask(to("discovered.example"))
    assert answer.status == 403 and server.accepted == 0
    edge.wait_event("discovered.example", "known-domain")


def test_a_discovered_srv_target_outside_the_domain_is_not_believed(start_edge, partners):
    """DNS is a hint: whoever forges it must not get our users' words (security: B3)."""
    edge = start_edge(allowed=[], access_edge={"enable_partner_discovery": "true"})
    server = edge.serve_partner(names.PARTNER)  # has a good certificate, for sip.fabrikam.example
    answer = edge.inside().ask(to("elsewhere.example"))
    assert answer.status == 504 and server.accepted == 0
    edge.wait_event("elsewhere.example", "srv-in-domain")


def test_inward_a_domain_whose_srv_lies_elsewhere_is_refused(start_edge, partners, lab):
    edge = start_edge(allowed=[], access_edge={"enable_partner_discovery": "true"})
    pool = edge.serve_pool()
    answer = edge.partner().ask(message("sip:carol@elsewhere.example", ALICE))
    assert 400 <= answer.status < 600
    assert pool.has_no_request()


def test_targets_in_special_ranges_are_refused_unless_permitted(start_edge, partners):
    """A partner's DNS must not lead the edge into the inside (security: SIP-3, B3)."""
    edge = start_edge(allowed=["two.example"], topology={"permitted_targets": "192.0.2.0/24"})
    first = edge.serve_partner(FIRST, certificate=partners["two.example"], require=False)
    assert edge.inside().ask(to("two.example"), timeout=30).status == 504
    assert first.accepted == 0


def test_slow_dns_holds_up_nobody_else(start_edge, partners, lab):
    """One partner's name server never answers: its message fails in time, others cross meanwhile."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind((names.SLOW_DNS, 53))
        edge = start_edge(allowed=[names.SLOW_DOMAIN, names.PARTNER_DOMAIN])
        partner = edge.serve_partner()
        slow, other = edge.inside(), edge.inside()
        slow.send(to(names.SLOW_DOMAIN))
        for _ in range(20):
            assert other.ask(message(ALICE, f"sip:bob@{names.PARTNER_DOMAIN}")).status == 200
        assert partner.requests.qsize() == 20
        assert slow.final(timeout=60).status in (408, 504)


def test_a_pool_that_is_down_gives_the_partner_an_answer_with_a_reason(start_edge):
    edge = start_edge()
    answer = edge.partner().ask(message(), timeout=40)
    assert answer.status in (503, 504)
    edge.wait_event("alice@contoso.example", str(answer.status))


def test_the_second_pool_member_takes_over(start_edge, lab):
    other = lab.internal.issue("pool2", "pool2.contoso.example", usages=("tls_www_server", "tls_www_client"))
    edge = start_edge(pool={names.POOL_NAME: {"address": f"{names.POOL}:5061", "priority": 1},
                            "pool2.contoso.example": {"address": "127.0.11.2:5061", "priority": 2}})
    second = edge.serve_pool("127.0.11.2", certificate=other)
    assert edge.partner().ask(message(), timeout=30).status == 200
    assert second.requests.qsize() == 1


@pytest.mark.parametrize("name", ["expired", "rogue", "other-name", "client-only", "cn-only", "wildcard"])
def test_we_say_nothing_to_a_server_that_cannot_prove_its_name(start_edge, zoo, name):
    edge = start_edge()
    partner = edge.serve_partner(certificate=zoo[name])
    answer = edge.inside().ask(message(ALICE, BOB), timeout=40)
    assert answer.status == 504
    assert partner.has_no_request()
    edge.wait_event("bob@fabrikam.example", "504")
