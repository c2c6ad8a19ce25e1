"""Lists, keys, the menu and the command line of the console, in a real terminal (tmux)."""
import re
import subprocess

import pytest

from console_lab import PARLEY, console, go_to_field, open_domains, until


def test_starts_moves_and_explains(daemon, terminal):
    screen = terminal()
    console(screen, daemon)
    screen.wait("Overview", r"access +running", r"msgs in +/s +12\.0", "NEEDS ATTENTION", "q quit")
    screen.keys("g", "d")
    screen.wait("SIP domains +7 of 7", r">  adatum\.example")
    screen.keys("Down", "j")
    screen.wait(r">  fabrikam\.example", r"\$ parley domain show fabrikam\.example")
    assert screen.cursor_line().startswith(">  fabrikam")
    screen.keys("?")
    screen.wait("Keys of this screen", r"b +block")
    screen.keys("q")
    screen.wait(r">  fabrikam\.example")
    screen.keys("o")
    screen.wait(r"messages in +152301", "c-12")
    screen.keys("Escape")
    screen.wait(r">  fabrikam\.example")
    screen.keys("G")
    screen.wait(r">  wingtip\.example")
    screen.keys("g", "g")
    screen.wait(r">  adatum\.example")
    screen.keys("g", "o")
    screen.wait("NEEDS ATTENTION")
    assert daemon.changes() == []


def test_filters_sorts_and_marks(daemon, terminal):
    screen = open_domains(terminal, daemon)
    screen.keys("/")
    screen.type("rule:block")
    screen.wait("2 of 7", "blueyonder", absent=("fabrikam",))
    screen.keys("Enter")
    screen.wait("filter: rule:block", "n new")
    screen.keys("Escape")
    screen.wait("7 of 7", "fabrikam")
    screen.keys("<", "<", "<", "~")  # from the name backwards to msg/s
    screen.wait("sort: MSG/S v", r"fabrikam.*\n.*litware")
    screen.keys("g", "g", "Space", "Space")
    screen.wait("2 marked", r"\* {1,2}fabrikam", r"\* {1,2}litware")
    screen.keys("Escape")
    screen.wait("7 of 7", absent=("marked",))


def test_allows_a_domain_only_after_confirmation(daemon, terminal):
    screen = open_domains(terminal, daemon)
    screen.keys("n")
    screen.wait("New: Allowed domain", r"> +Domain", r"\$ parley domain allow DOMAIN")
    screen.keys("Enter")
    screen.wait("domain is needed")
    screen.type("woodgrove.example")
    screen.keys("Enter")
    screen.wait("New: Allowed domain woodgrove.example", r"Publish now\? y/N", r"\$ parley domain allow woodgrove\.example")
    assert daemon.changes() == []
    screen.keys("Enter")  # Enter alone is no
    screen.wait("nothing was changed")
    assert daemon.changes() == []
    screen.keys("Enter")
    screen.wait("Publish now")
    screen.keys("y")
    screen.wait("v119 published: domain allow woodgrove.example", "8 of 8")
    assert [(r["method"], r["params"]) for r in daemon.changes()] == [
        ("domain.allow", {"domain": "woodgrove.example", "if_version": 118})]
    screen.keys("n")
    screen.type("fabrikam.example")
    screen.keys("Enter")
    screen.wait("fabrikam.example is allowed already", r">  fabrikam\.example")
    screen.keys("N")  # to the row whose question says what would close
    screen.wait("New: Blocked domain")
    screen.type("litware.example")
    screen.keys("Enter")
    screen.wait("litware.example is allowed; b blocks it", r">  litware\.example")


def test_blocking_live_connections_wants_their_number(daemon, terminal):
    screen = open_domains(terminal, daemon)
    screen.keys("j", "j", "b")
    screen.wait("Block fabrikam.example", "3 connections; they close", "Type 3")
    screen.keys("y", "Enter")
    screen.wait("nothing was changed")
    assert daemon.changes() == []
    screen.keys("b")
    screen.wait("Type 3")
    screen.keys("3", "Enter")
    screen.wait(r"v119 published: domain block fabrikam\.example", r">  fabrikam\.example +block")
    assert [r["method"] for r in daemon.changes()] == ["domain.block"]


def test_acts_on_all_marked_as_one_change(daemon, terminal):
    screen = open_domains(terminal, daemon)
    screen.keys("/")
    screen.type("rule:block")
    screen.keys("Enter")
    screen.wait("2 of 7")
    screen.keys("#")
    screen.wait("2 marked", r"\* +blueyonder", r"\* +wingtip")
    screen.keys("#")
    screen.wait("2 of 7", absent=("marked",))
    screen.keys("g", "g", "Space", "Space", "a")
    screen.wait("Allow blueyonder.example, wingtip.example", "domain allow 'blueyonder.example,wingtip.example'|domain allow blueyonder.example,wingtip.example", "y/N")
    screen.keys("y")
    screen.wait("v119 published")
    assert [(r["params"]["domain"], r["params"]["if_version"]) for r in daemon.changes()] == [
        (["blueyonder.example", "wingtip.example"], 118)]


def test_writes_a_note_and_pins_an_edge(daemon, terminal):
    screen = open_domains(terminal, daemon)
    screen.keys("c")
    screen.wait(r">  Comment +contract 2291")
    screen.keys("C-u")
    screen.type("it's theirs")
    screen.keys("Enter")  # a note moves nobody's messages: no question
    screen.wait("v119 published", "note: it's theirs")
    screen.keys("p")
    screen.wait(r">  Proxy FQDN", r"Proxy port +5061")
    screen.type("sip..adatum.example")
    screen.wait("has an empty label", "1 problem")
    screen.keys("Enter")
    screen.wait("Cannot save: 1 problem")
    screen.keys("C-u")
    screen.type("sip.adatum.example")
    screen.wait("A pinned name is trusted more", absent=("empty label",))
    screen.keys("Enter")
    screen.wait("Publish now", "proxy-fqdn: - -> sip.adatum.example", r"proxy-fqdn=sip\.adatum\.example")
    screen.keys("y")
    screen.wait("v120 published", r"edge pinned to sip\.adatum\.example:5061")
    assert [r["params"]["set"] for r in daemon.changes()] == [{"comment": "it's theirs"}, {"proxy-fqdn": "sip.adatum.example"}]


def test_refusals_of_the_daemon_stand_at_their_field(daemon, terminal):
    screen = open_domains(terminal, daemon)
    screen.keys("n")
    screen.type("refused.example")
    screen.keys("Enter")
    screen.wait("not saved: the daemon refuses a field", "domain: not today; allowed: another name", r">\* Domain", absent=["y/N"])
    assert daemon.changes() == []


def test_somebody_else_published_meanwhile(daemon, terminal):
    screen = open_domains(terminal, daemon)
    screen.keys("b")
    screen.wait("Type 2")
    subprocess.run([PARLEY, "--socket", daemon.socket, "domain", "remove", "wingtip.example", "--confirm-within=auto"], check=True, capture_output=True)
    screen.keys("2", "Enter")
    screen.wait("somebody published meanwhile")
    assert [r["method"] for r in daemon.changes()] == ["domain.remove", "domain.block"]
    screen.wait("6 of 6", r"adatum\.example +allow")


def test_the_command_line_looks_at_once_and_asks_before_changes(daemon, terminal):
    screen = open_domains(terminal, daemon)
    screen.keys(":")
    screen.type("why dan@wingtip.example eve@contoso.example")
    screen.keys("Enter")
    screen.wait("REFUSE at step 2", "wingtip.example is on the block list")
    screen.keys("q")
    screen.keys(":")
    screen.type("access-edge set allow-federated-users=false")
    screen.keys("Enter")
    screen.wait("Run this command", "y/N")
    assert daemon.changes() == []
    screen.keys("y")
    screen.wait("v119 published: access-edge set")
    assert daemon.changes()[0]["params"] == {"set": {"allow-federated-users": False}}
    screen.keys(":")
    screen.type("domian list")
    screen.keys("Enter")
    screen.wait("did you mean domain")
    screen.keys(":")
    screen.type("config import /tmp")
    screen.keys("Enter")
    screen.wait("need the shell")
    screen.keys(":")
    screen.type("quit")
    screen.keys("Enter")
    screen.wait("sh>", absent=("SIP domains",))


def test_wrong_keys_change_nothing(daemon, terminal):
    screen = open_domains(terminal, daemon)
    for key in ["x", "D", "B", "L", "C-b", "C-d", "C-a", "C-r", "C-x", "F3", "F12", "F2", "F8", "Tab", "BSpace", "DC", "IC", "!", "1", "é", "網"]:
        screen.keys(key)
    screen.wait("that key does nothing here")
    screen.keys("C-l")
    screen.wait(r">  adatum\.example")
    screen.keys("b")
    screen.wait("Type 2")
    for key in ["x", "b", "a", "d", "s", "C-c"]:
        screen.keys(key)
    screen.wait("nothing was changed")
    screen.keys("g", "j")
    screen.wait("g is followed by")
    assert daemon.changes() == []


@pytest.mark.parametrize("daemon", [("--role", "viewer")], indirect=True)
def test_a_viewer_sees_no_keys_that_are_not_his(daemon, terminal):
    screen = open_domains(terminal, daemon)
    screen.wait(r"Enter edit +/ filter", absent=("b block", "n new"))
    screen.keys("b")
    screen.wait("domain block needs the role policy; you are viewer")
    screen.keys(":")
    screen.type("domain block x.example")
    screen.keys("Enter")
    screen.wait("not permitted in this session; it needs the role policy")
    screen.keys("?")
    screen.wait("Keys of this screen", absent=("block the selected",))
    assert daemon.changes() == []


def test_read_only_is_asked_of_the_daemon(daemon, terminal):
    screen = terminal()
    console(screen, daemon, "console", "domains", "--read-only")
    screen.wait(r"chen \(administrator\) RO", "adatum", absent=("b block",))
    screen.keys("b")
    screen.wait("this session is read-only")
    assert daemon.requests("hello")[0]["params"]["mode"] == "ro"


@pytest.mark.parametrize("daemon", [("--rows", "3000")], indirect=True)
def test_a_long_list_is_fetched_in_pages(daemon, terminal):
    screen = terminal()
    console(screen, daemon, "console", "domains")
    screen.wait("3007 of 3007")
    screen.keys("G")
    screen.wait(r">  wingtip\.example", r"tailspin")
    screen.keys("/")
    screen.type("partner02999")
    screen.wait("1 of 3007", r">  partner02999\.example")
    screen.keys("Enter", "PPage", "NPage")
    screen.wait(r">  partner02999\.example")


def test_xmpp_partners_are_listed_edited_and_turned_off(daemon, terminal):
    screen = terminal()
    console(screen, daemon, "console", "xmpp")
    screen.wait("XMPP partners +2 of 2", "DOMAIN +ENABLED +STATE +STREAMS +LAST ERROR", r">  chat.woodgrove.example +off ",
                "enabled=false +partner-type=federated", r"\$ parley xmpp show chat.woodgrove")
    screen.keys("Down", "Enter")
    screen.wait("Xmpp|XMPP partner  jabber.adatum.example", r"TLS negotiation +\(\*\) required")
    go_to_field(screen, "TLS negotiation")
    screen.keys("Right", "Enter")
    screen.wait(r"tls-negotiation: required -> optional", r"\$ parley xmpp set jabber.adatum.example tls-negotiation=optional")
    screen.keys("y")
    screen.wait("v119 published", r">  jabber.adatum.example +on ", "tls-negotiation=optional")
    screen.keys("e")
    screen.wait("parley xmpp disable jabber.adatum.example", "Dry run")
    screen.keys("y")
    screen.wait("v120 published", r">  jabber.adatum.example +off")
    screen.keys("n")
    screen.wait("New: XMPP partner")
    screen.type("im.contoso-partner.example")
    screen.keys("Enter")
    screen.wait(r"\$ parley xmpp add im.contoso-partner.example")
    screen.keys("y")
    screen.wait("v121 published", "3 of 3")
    assert [r["method"] for r in daemon.changes()] == ["xmpp.set", "xmpp.disable", "xmpp.add"]


def test_the_menu_lists_every_screen_and_goes_there(daemon, terminal):
    screen = terminal()
    console(screen, daemon)
    screen.wait("NEEDS ATTENTION", "m menu")
    screen.keys("m")
    screen.wait("Menu", ">o Overview", r"\$ parley console overview")
    screen.keys("End")
    screen.wait(">w Why blocked", r"\$ parley console why")
    screen.keys("Home")
    screen.wait(">o Overview")
    screen.keys("b")
    screen.wait("that key does nothing here")
    screen.keys("Down", "Enter")
    screen.wait("Connections  ", r">  edge\.proseware")
    screen.keys("m", "d")
    screen.wait("SIP domains")
    screen.keys("m", "q")
    screen.wait("SIP domains  ")


def complete(screen, typed, *wanted, absent=()):
    """Types after `:`, completes, and clears the line again."""
    screen.keys(":")
    screen.type(typed)
    screen.keys("Tab")
    screen.wait(*wanted, absent=absent)
    screen.keys("Escape")
    screen.wait("filter", absent=(f":{re.escape(typed)}",))


def test_the_command_line_completes_names_by_the_daemon_and_columns(daemon, terminal):
    screen = open_domains(terminal, daemon)
    complete(screen, "domain show fab", r"(?m)^ *:domain show fabrikam\.example *$")
    asked = [r["params"] for r in daemon.requests("domain.list") if r["params"].get("filter")]
    assert asked == [{"filter": "domain:fab*", "limit": 100}]
    complete(screen, "domain block ", r"(?m)^ adatum\.example blueyonder\.example fabrikam")
    complete(screen, "domain show zz", 'nothing begins with "zz" here')
    complete(screen, "columns domain,proxy-p", r":columns domain,proxy-port\b")
    complete(screen, "topolgy", 'unknown word "topolgy"; did you mean topology?')
    screen.keys(":")
    screen.type("overveiw")
    screen.keys("Enter")
    screen.wait('unknown word "overveiw"; did you mean overview?')


@pytest.mark.parametrize("daemon", [("--slow", "domain.list=0.5")], indirect=True)
def test_names_that_come_late_do_not_touch_another_line(daemon, terminal):
    screen = terminal()
    console(screen, daemon, "console", "overview")
    screen.wait("NEEDS ATTENTION")
    screen.keys(":")
    screen.type("domain show fab")
    screen.keys("Tab")
    screen.type("x")  # goes on at once
    screen.wait(":domain show fabx")
    screen.keys("C-u")
    screen.type("domain show li")
    screen.keys("Tab")
    until(lambda: [r["params"]["filter"] for r in daemon.requests("domain.list") if "filter" in r["params"]] == ["domain:fab*", "domain:li*"], "asked twice")
    screen.wait(r":domain show litware\.example", absent=("fabrikam",))  # answers come in order: the first was of another line


def test_new_objects_of_the_topology_by_kind(daemon, terminal):
    screen = terminal()
    console(screen, daemon, "console", "topology")
    screen.wait(r">  contoso\.example|>  topology", "fe1")
    screen.keys("n")  # of the whole: it has an edge and a server
    screen.wait("New site|site new|new site")
    screen.keys("Escape")
    screen.wait("fe1")
    screen.keys("N")
    screen.wait("New, of which kind:", "edge-pool  edge  .*pool  pool-member  .*site")
    screen.type("pol")
    screen.keys("Enter")
    screen.wait('there is no kind "pol" in the topology; did you mean pool')
    screen.keys("N")
    screen.type("edge-pool")
    screen.keys("Enter")
    screen.wait("edge-pool new|New edge-pool|new edge-pool")


def test_the_command_line_completes_nouns_verbs_and_fields(daemon, terminal):
    screen = open_domains(terminal, daemon)
    screen.keys(":")
    screen.type("access-e")
    screen.keys("Tab")
    screen.wait(r":access-edge\b", absent=("access-e$",))
    screen.type("s")
    screen.keys("Tab")
    screen.wait(r":access-edge s", "show set|set show")
    screen.type("et allow-f")
    screen.keys("Tab")
    screen.wait(r":access-edge set allow-federated-users=")
    screen.type("false")
    screen.keys("Enter")
    screen.wait("Run this command", "parley access-edge set allow-federated-users=false")
    screen.keys("n")
    assert daemon.changes() == []
