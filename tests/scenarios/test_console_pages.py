"""The main task of each page of the console, on a terminal, against one edge that serves remote users."""

import pytest

from lab import names
from lab.process import wait_until
from remote import Registrar, User
from sip import ALICE, message, request
from test_gateway_sip import CONTACT, JULIET
from test_providers import providers
from test_real_console import Screen

pytestmark = pytest.mark.short


@pytest.fixture
def edge(start_edge):
    running = start_edge(remote=True, xmpp={names.XMPP_DOMAIN: {"partner_type": "federated"}},
                         files={"conf.d/sip-providers.xml": providers(proxy_fqdn="sip.oscar.aol.com", enabled="false",
                                                                      domains="aol.example")["conf.d/sip-providers.xml"]})
    running.pool = running.serve_pool(handler=Registrar())
    for words in (("policy", "new", "Sales", "enable-outside-access=true"), ("user", "add", "ann@contoso.example", "display-name=Ann"),
                  ("site", "new", "Oslo")):
        running.ask(*words)
    return running


@pytest.fixture
def screen(edge, tmp_path):
    opened = Screen(edge.edge, tmp_path)
    opened.wait("NEEDS ATTENTION")
    yield opened
    opened.close()


def holds(edge, user):
    shown = edge.ask("user", "show", user)
    return shown["effective"], shown["scope"]


def test_policies_users_and_sites(edge, screen, tmp_path):
    # A policy for a site holds for the site's users at once.
    screen.keys("g", "p")
    screen.wait(r"Access policies +2 of 2", r">  Global")
    screen.keys("n")
    screen.wait("New: ")
    screen.type("site:Oslo")
    screen.keys("Enter")
    screen.wait(r"\$ parley policy new site:Oslo", "Publish now", "Dry run: ")
    screen.keys("y")
    screen.wait(r"v\d+ published: policy new site:Oslo", r"  site:Oslo +site")

    # Granted to one user: which, the dry run, the question, done.
    screen.keys("g", "u", "/")
    screen.type("ann")
    screen.keys("Enter")
    screen.wait(r">  ann@contoso.example +Global")
    screen.keys("+")
    screen.wait("Grant a policy", "to ann@contoso.example", r">  Sales")
    screen.keys("Enter")
    screen.wait("Grant Sales", "Dry run: ", r"\$ parley user grant Sales ann@contoso.example")
    assert holds(edge, "ann@contoso.example") == ("Global", "global")
    screen.keys("y")
    screen.wait(r"v\d+ published: user grant Sales", r">  ann@contoso.example +Sales +user")
    assert holds(edge, "ann@contoso.example") == ("Sales", "user")
    screen.keys("Escape")

    # A file with a wrong line takes nobody; a right one asks first.
    people = tmp_path / "people.csv"
    people.write_text("sip-address,display-name,site,policy\nbob@contoso.example,Bob,Oslo,\ncarl@contoso.example,Carl,Bergen,Sales\n")
    screen.keys("I")
    screen.type(str(people))
    screen.keys("Enter")
    screen.wait(r":3\b", "Bergen")
    assert len(edge.ask("user", "list")["rows"]) == 1
    people.write_text(people.read_text().replace("Bergen", "Oslo"))
    screen.keys("q", "I", "C-u")
    screen.type(str(people))
    screen.keys("Enter")
    screen.wait("y/N", r"2 users|users: 2")
    assert len(edge.ask("user", "list")["rows"]) == 1
    screen.keys("y")
    screen.wait(r"bob@contoso.example +site:Oslo +site", r"carl@contoso.example +Sales +user")
    assert holds(edge, "bob@contoso.example") == ("site:Oslo", "site")

    # Marked ones together, as one version: a policy, and none again.
    screen.keys("g", "u", "#", "+")
    screen.wait("Grant a policy", r">  Sales")
    screen.keys("Enter")
    screen.wait(r"\$ parley user grant Sales ann@contoso.example,bob@contoso.example,carl@contoso.example|\$ parley user grant Sales", "y/N")
    before = edge.ask("status")["version"]
    screen.keys("y")
    screen.wait(r"bob@contoso.example +Sales +user", r"ann@contoso.example +Sales +user")
    assert edge.ask("status")["version"] == before + 1
    screen.keys("-")
    screen.wait(r"\$ parley user ungrant", "y/N")
    screen.keys("y")
    screen.wait(r"ann@contoso.example +Global +global", r"bob@contoso.example +site:Oslo +site")
    assert edge.ask("status")["version"] == before + 2


def test_providers_and_partners_on_and_off(edge, screen):
    # What is known of a service that has ended stands in the question, too.
    screen.keys("g", "i")
    screen.wait(r">  Cloud +off", "AOL ended this service")
    screen.keys("e")
    screen.wait(r"\$ parley provider enable Cloud", "y/N", r"(?s)Warning: AOL ended this service.*Dry run: .*Publish now")
    screen.keys("y")
    screen.wait(r"v\d+ published: provider enable Cloud", r">  Cloud +on")
    assert edge.ask("provider", "list")["rows"][0]["enabled"] is True
    screen.keys("e")
    screen.wait(r"\$ parley provider disable Cloud", "Dry run: ")
    screen.keys("y")
    screen.wait(r"v\d+ published: provider disable Cloud", r">  Cloud +off")
    assert edge.ask("provider", "list")["rows"][0]["enabled"] is False

    screen.keys("g", "x")
    screen.wait(rf">  {names.XMPP_DOMAIN} +on")
    for verb, state, is_on in (("disable", "off", False), ("enable", "on", True)):
        screen.keys("e")
        screen.wait(rf"\$ parley xmpp {verb} {names.XMPP_DOMAIN}", "Dry run: ")
        screen.keys("y")
        screen.wait(rf"v\d+ published: xmpp {verb}", rf">  {names.XMPP_DOMAIN} +{state} ")
        assert edge.ask("xmpp", "list")["rows"][0]["enabled"] is is_on


def test_topology_sessions_and_remote_users(edge, screen):
    # The selected object is edited, another of its kind made and removed.
    screen.keys("g", "T")
    screen.wait(r">  \S+ +topology")
    screen.keys("n")
    screen.wait("New: Site")
    screen.type("Turku")
    screen.keys("Enter")
    screen.wait(r"\$ parley site new Turku", "Publish now")
    screen.keys("y")
    screen.wait(r"v\d+ published: site new Turku", r"Turku +site")
    screen.keys("/")
    screen.type("Turku")
    screen.keys("Enter")
    screen.wait(r">\s+Turku +site")
    screen.keys("Enter")
    screen.wait("Site  Turku")
    screen.go_to_field("Description")
    screen.type("by the sea")
    screen.keys("Enter")
    screen.wait("description: - -> by the sea|description=by the sea|y/N|published")
    screen.keys("y")
    screen.wait(r"v\d+ published: site set Turku")
    assert edge.ask("site", "show", "Turku")["fields"]["description"] == "by the sea"
    screen.keys("d")
    screen.wait(r"\$ parley site remove Turku", "y/N")
    screen.keys("y")
    screen.wait(r"v\d+ published: site remove Turku")

    # What the gateway keeps for a subscription of ours to a partner whom it cannot reach.
    screen.keys("g", "s")
    screen.wait(r"(?m)^ Sessions", "Nobody talks with or watches")
    assert edge.inside().ask(request("SUBSCRIBE", JULIET, ALICE, JULIET, headers=[CONTACT, "Event: presence", "Expires: 3600"],
                                     via_host=names.POOL_NAME)).status == 200
    screen.wait(r"Sessions +1 of 1", rf"alice@contoso.example .*juliet@{names.XMPP_DOMAIN}", "alice@contoso.example watches the presence of ")

    # Who is signed in from outside, and cut off.
    screen.keys("g", "r")
    screen.wait(r"(?m)^ Remote users")
    alice = User(edge, "alice")
    assert alice.sign_in().status == 200
    screen.wait(r">  alice@contoso.example +signed in +127.0.40.1", "Lab/1")
    screen.keys("x")
    screen.wait(r"\$ parley remote disconnect alice@contoso.example", "y/N")
    assert len(edge.ask("remote", "list")["rows"]) == 1
    screen.keys("y")
    screen.wait("done: remote disconnect", r"Remote users +0 of 0|nobody")
    assert edge.ask("remote", "list")["rows"] == []


def test_a_number_is_the_same_wherever_it_is_read(edge, screen):
    """What a partner's messages counted up: in the list, in all that is known of it, by command, over the wire's own connection."""
    partner = edge.partner()
    for _ in range(3):
        assert partner.ask(message()).status == 200
    counts = wait_until(lambda: (lambda shown: shown["counts"]["in"] == 3 and shown["counts"])(edge.ask("domain", "show", names.PARTNER_DOMAIN)), 10, "three have come in")
    row, = [row for row in edge.ask("connection", "list")["rows"] if names.PARTNER_DOMAIN in row["domains"]]
    assert row["messages_in"] == counts["in"]
    traffic = wait_until(lambda: (lambda t: t["in_total"] == 3 and t)(edge.ask("status")["traffic"]), 10, "the daemon's own count")
    assert f"\nin\t{counts['in']}\n" in edge.parley("domain", "show", names.PARTNER_DOMAIN).stdout
    screen.keys("g", "d", "/")
    screen.type(names.PARTNER_DOMAIN)
    screen.keys("Enter")
    screen.wait(rf">  {names.PARTNER_DOMAIN}", r"\b1 of \d")
    screen.keys("o")
    screen.wait(*(rf"messages {what} +{counts[what]}" for what in ("in", "out", "refused")))
    screen.keys("q", "Escape", "g", "n")
    screen.wait(rf"(?m)^.  {names.PARTNER_DOMAIN} +external in +up .* {traffic['in_total']} +{row['messages_out']} ")
