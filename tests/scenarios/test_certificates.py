"""Who the other side is comes from its certificate, and from nothing else (RFC 5922)."""
import ssl

import pytest

from lab import names, sip_peer
from lab.laboratory import BOTH
from lab.process import wait_until
from lab.sip_peer import PeerClosed, Timeout
from sip import ALICE, BOB, message

pytestmark = pytest.mark.short


def outcome(edge, certificate):
    """What a partner with that certificate experiences: a status, or None when it is cut off."""
    try:
        return edge.partner(certificate).ask(message()).status
    except (PeerClosed, ssl.SSLError, OSError):
        return None


@pytest.mark.parametrize("name", ["server-only", "both-usages", "no-usage"])
def test_a_partner_with_a_good_certificate_is_admitted(edge, pool, zoo, name):
    assert outcome(edge, zoo[name]) == 200


@pytest.mark.parametrize("name", ["client-only", "expired", "rogue", "self-made-internal"])
def test_a_certificate_that_does_not_verify_ends_the_handshake(edge, pool, zoo, name):
    assert outcome(edge, zoo[name]) is None
    assert pool.has_no_request()
    edge.wait_event("connection-refused")


def test_a_partner_whose_certificate_we_refuse_is_named_and_sees_it_among_its_errors(edge, pool, zoo):
    """Seen from the list of connections and from the partner alone, without a look at the log."""
    assert outcome(edge, zoo["expired"]) is None
    edge.wait_event("connection-refused", f'"partner": "{names.PARTNER_NAME}"', "expired on", f"dns {names.PARTNER_NAME}")

    def expired():  # others of this file have left their errors there before
        error = edge.ask("domain", "show", names.PARTNER_DOMAIN)["last_error_in"]
        return error if error and "expired on" in error["text"] else None
    error = wait_until(expired, 10, "the partner's last error is this one")
    assert error["by"] == "us" and "claims to be" in error["text"]
    rows = [row for row in edge.ask("connection", "list")["rows"] if row["state"] == "refused" and row["direction"] == "in"]
    assert names.PARTNER_NAME in {row["partner"] for row in rows if "expired on" in row["last_error"]}


@pytest.mark.parametrize("name", ["other-name", "cn-only", "wildcard", "suffix"])
def test_a_certificate_for_another_name_admits_nobody(edge, pool, zoo, name):
    assert outcome(edge, zoo[name]) in (403, None)
    assert pool.has_no_request()


def test_without_a_certificate_nothing_is_heard(edge, pool):
    context = sip_peer.client_context(edge.lab.public.certificate)
    try:
        connection = edge._open(names.EDGE_EXTERNAL, context, names.EDGE_EXTERNAL_NAME)
        connection.send(message())
        how, messages = connection.wait_closed()
        assert messages == []
    except (PeerClosed, ssl.SSLError):
        pass
    assert pool.has_no_request()


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_tls_1_2_and_1_3_are_spoken(edge, pool, version):
    context = sip_peer.client_context(edge.lab.public.certificate, edge.lab.partner)
    context.minimum_version = context.maximum_version = version
    connection = edge._open(names.EDGE_EXTERNAL, context, names.EDGE_EXTERNAL_NAME)
    assert connection.ask(message()).status == 200


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
def test_older_tls_is_not(edge, version):
    context = sip_peer.client_context(edge.lab.public.certificate, edge.lab.partner)
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = version
    with pytest.raises((ssl.SSLError, OSError)):
        sip_peer.Connection.open(names.EDGE_EXTERNAL, context, names.EDGE_EXTERNAL_NAME)


@pytest.mark.parametrize("ciphers", ["AES256-GCM-SHA384", "DHE-RSA-AES256-GCM-SHA384", "ECDHE-ECDSA-AES256-SHA384"])
def test_suites_without_forward_secrecy_or_aead_are_not_spoken(edge, ciphers):
    context = sip_peer.client_context(edge.lab.public.certificate, edge.lab.partner)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(ciphers)
    with pytest.raises((ssl.SSLError, OSError)):
        sip_peer.Connection.open(names.EDGE_EXTERNAL, context, names.EDGE_EXTERNAL_NAME)


def test_on_the_inside_only_our_own_authority_counts(edge, pool, zoo):
    with pytest.raises((ssl.SSLError, PeerClosed, OSError)):
        edge.inside(zoo["both-usages"]).ask(message(ALICE, BOB))


def test_on_the_inside_only_a_pool_member_is_believed(edge, lab):
    """A certificate of our authority for another machine is no pool member."""
    partner = edge.serve_partner()
    printer = lab.internal.issue("zoo-printer", "printer.contoso.example", usages=BOTH)
    try:
        assert edge.inside(printer).ask(message(ALICE, BOB)).status >= 400
    except (PeerClosed, Timeout, ssl.SSLError):
        pass
    assert partner.has_no_request()
