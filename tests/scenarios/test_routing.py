"""The default route, and what each side is told of the other's senders."""
import pytest

from lab import names
from lab.dns import host_record
from sip import ALICE, BOB, message, request

HUB, HUB_ADDRESS = "hub.clearing.example", names.PARTNER_2
CAROL = "sip:carol@anywhere.example"
TRUST, LEVEL, DISCLAIMER = "ms-edge-proxy-message-trust", "ms-asserted-verification-level", "ms-archiving-disclaimer"
VERIFIED, UNVERIFIED = "ms-source-verified-user=verified", "ms-source-verified-user=unverified"


@pytest.fixture(scope="module")
def hub(lab):
    lab.dns.add(host_record(HUB, HUB_ADDRESS))
    return lab.public.issue("hub", HUB)


def by_hub(start_edge, allowed=(), **settings):
    return start_edge(allowed=list(allowed), access_edge={"routing_method": "default-route", "default_route_fqdn": HUB, **settings})


def serve_hub(edge, hub):
    return edge.serve_partner(HUB_ADDRESS, certificate=hub, require=False)


def trust_of(edge, certificate, sender, headers=(), **more):
    """What the pool is told of a sender."""
    pool = edge.serve_pool()
    answer = edge.partner(certificate, **more).ask(message(sender, ALICE, headers=list(headers)))
    assert answer.status == 200, answer.text()
    got = pool.next_request()
    assert got.get(LEVEL) is None
    pool.close()
    return dict(part.split("=", 1) for part in got.get(TRUST).split(";"))


def test_everything_goes_to_the_default_route_and_comes_from_it(start_edge, hub):
    edge = by_hub(start_edge)
    server = serve_hub(edge, hub)
    assert edge.inside().ask(message(ALICE, CAROL)).status == 200
    assert server.next_request().start.startswith(f"MESSAGE {CAROL} ")
    told = trust_of(edge, hub, CAROL, source=HUB_ADDRESS)
    assert told["ms-source-type"] == "AuthorizedServer" and told["ms-source-network"] == "federation"
    assert told["ms-source-verified-user"] == "unverified"


def test_nobody_else_speaks_for_who_comes_by_the_default_route(start_edge, hub):
    edge = by_hub(start_edge)
    pool = edge.serve_pool()
    assert edge.partner().ask(message(BOB, ALICE)).status == 403
    edge.wait_event("fabrikam.example", "peer-identity")
    assert pool.has_no_request()


def test_an_entry_that_names_its_edge_goes_before_the_default_route(start_edge, hub):
    edge = by_hub(start_edge, allowed=[(names.PARTNER_DOMAIN, {"proxy_fqdn": names.PARTNER_NAME})])
    server, partner = serve_hub(edge, hub), edge.serve_partner()
    assert edge.inside().ask(message(ALICE, BOB)).status == 200
    assert partner.requests.qsize() == 1 and server.accepted == 0
    pool = edge.serve_pool()
    assert edge.partner(hub, source=HUB_ADDRESS).ask(message(BOB, ALICE)).status == 403
    assert edge.partner().ask(message(BOB, ALICE)).status == 200
    assert pool.requests.qsize() == 1


@pytest.mark.parametrize("said, level, told", [
    (None, "use-source-verification", "unverified"), (VERIFIED, "use-source-verification", "verified"),
    (UNVERIFIED, "use-source-verification", "unverified"), ("ms-source-verified-user=verified-not", "use-source-verification", "unverified"),
    (VERIFIED, "always-unverifiable", "unverified"), (UNVERIFIED, "always-verifiable", "verified"), (None, "always-verifiable", "verified")])
def test_the_default_routes_verification_level(start_edge, hub, said, level, told):
    edge = by_hub(start_edge, verification_level=level)
    headers = [f"{LEVEL}: {said}"] if said else []
    assert trust_of(edge, hub, CAROL, headers, source=HUB_ADDRESS)["ms-source-verified-user"] == told


@pytest.mark.parametrize("level, told", [("always-verifiable", "verified"), ("always-unverifiable", "unverified"),
                                         ("use-source-verification", "unverified")])
def test_an_entrys_verification_level(start_edge, level, told):
    edge = start_edge(allowed=[(names.PARTNER_DOMAIN, {"verification_level": level})])
    assert trust_of(edge, None, BOB)["ms-source-verified-user"] == told


@pytest.mark.parametrize("level, said, told", [("always-verifiable", None, "verified"), ("use-source-verification", None, "unverified"),
                                               ("use-source-verification", VERIFIED, "verified")])
def test_a_discovered_partners_verification_level(start_edge, level, said, told):
    edge = start_edge(allowed=[], access_edge={"enable_partner_discovery": "true", "discovered_partner_verification_level": level})
    assert trust_of(edge, None, BOB, [f"{LEVEL}: {said}"] if said else [])["ms-source-verified-user"] == told


def test_a_public_default_route_needs_public_access(start_edge, hub):
    edge = by_hub(start_edge, is_public_provider="true")
    server = serve_hub(edge, hub)
    assert edge.inside().ask(message(ALICE, CAROL)).status == 403 and server.accepted == 0
    edge.wait_event("user-policy", "public providers")
    assert edge.parley("policy", "set", "Global", "enable-public-cloud-access=true").returncode == 0
    assert edge.inside().ask(message(ALICE, CAROL)).status == 200
    assert trust_of(edge, hub, CAROL, source=HUB_ADDRESS)["ms-source-network"] == "publiccloud"


@pytest.mark.parametrize("settings, level, disclaimer", [({}, VERIFIED, None), ({"enable_archiving_disclaimer": "true"}, VERIFIED, "true"),
                                                         ({"mark_source_verifiable_on_outgoing_messages": "false"}, UNVERIFIED, None)])
def test_what_partners_are_told_of_us(start_edge, settings, level, disclaimer):
    edge = start_edge(access_edge=settings)
    partner = edge.serve_partner()
    headers = [f"{LEVEL}: ms-source-verified-user=whatever", f"{DISCLAIMER}: of-the-pool"]
    assert edge.inside().ask(message(ALICE, BOB, headers=headers)).status == 200
    got = partner.next_request()
    assert got.all(LEVEL) == [level] and got.all(DISCLAIMER) == ([disclaimer] if disclaimer else [])


@pytest.mark.parametrize("words, why", [
    (["routing-method=default-route"], "default-route-fqdn"),
    (["routing-method=default-route", f"default-route-fqdn={HUB}", "enable-partner-discovery=true"], "enable-partner-discovery"),
    (["routing-method=by-pigeon"], "dns-srv"), (["outgoing-tls-count-for-federated-partners=5"], "4")])
def test_what_does_not_fit_together_is_not_published(start_edge, words, why):
    answer = start_edge().parley("access-edge", "set", *words)
    assert answer.returncode != 0 and why in answer.stdout + answer.stderr


def test_the_route_is_changed_live(start_edge, hub):
    edge = start_edge()
    server, partner = serve_hub(edge, hub), edge.serve_partner()
    inside = edge.inside()
    assert inside.ask(message(ALICE, BOB)).status == 200 and partner.requests.qsize() == 1
    assert edge.parley("access-edge", "set", "routing-method=default-route", f"default-route-fqdn={HUB}").returncode == 0
    assert inside.ask(message(ALICE, BOB)).status == 200 and server.requests.qsize() == 1
    assert edge.parley("access-edge", "set", "routing-method=dns-srv").returncode == 0
    assert inside.ask(request("MESSAGE", BOB, ALICE, BOB, body="x")).status == 200 and partner.requests.qsize() == 2
