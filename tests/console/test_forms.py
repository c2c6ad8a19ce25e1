"""Forms, questions before a change, staged changes and versions, in a real terminal (tmux)."""
import signal
import subprocess

import pytest

from console_lab import PARLEY, console, go_to_field, open_domains, open_overview, until


def test_the_access_edge_is_switched_off_only_when_the_number_is_typed(daemon, terminal):
    screen = open_overview(terminal, daemon)
    screen.keys("g", "a")
    screen.wait("Access Edge +field 1 of", r"> +Allow federated users +\[x\] on", r"\(partners up\s+now: 4\)", r"\$ parley access-edge show")
    screen.keys("Space")
    screen.wait(r">\* Allow federated users +\[ \] off", "1 change", r"\$ parley access-edge set allow-federated-users=false", "CHANGES")
    screen.keys("Enter")
    screen.wait("allow-federated-users: true -> false", "Type 4 to publish this")
    screen.keys("y", "Enter")
    screen.wait("nothing was changed")
    assert daemon.changes() == []
    screen.keys("Escape")
    screen.wait(r"1 change has not been saved")
    screen.keys("n", "F2")
    screen.wait("Type 4")
    screen.keys("4", "Enter")
    screen.wait("v119 published: access-edge set allow-federated-users=false", r"> +Allow federated users +\[ \] off")
    assert [(r["method"], r["params"]) for r in daemon.changes()] == [
        ("access-edge.set", {"set": {"allow-federated-users": False}, "if_version": 118})]
    screen.keys("Down")
    screen.wait(r">  Allow outside users", absent=("1 change",))


def test_fields_are_checked_as_they_are_typed_and_say_when_they_have_no_effect(daemon, terminal):
    screen = terminal()
    console(screen, daemon, "console", "access-edge")
    screen.wait("Access Edge +field 1")
    go_to_field(screen, "Discovered partner standard rate")
    screen.wait(r">  Discovered partner standard rate +20", "No effect now: partner discovery is off", "1 to 100000")
    screen.keys("C-u")
    screen.type("x7")
    screen.wait("'x7' is not a whole number", "1 problem")
    screen.keys("Enter")
    screen.wait("Cannot save: 1 problem")
    screen.keys("Up", "Up", "F8")
    screen.wait(r">\* Discovered partner standard rate")
    screen.keys("C-r")
    screen.wait(r">  Discovered partner standard rate +20", absent=("1 problem",))
    screen.keys("g")  # a letter in a text is text
    screen.wait("'20g' is not a whole number")
    screen.keys("C-r", "Escape")
    screen.wait("NEEDS ATTENTION")
    assert daemon.changes() == []


def test_what_others_publish_meanwhile_is_put_beside_what_is_edited(daemon, terminal):
    screen = terminal()
    console(screen, daemon, "console", "access-edge")
    screen.wait("Access Edge +field 1")
    screen.keys("Space")
    screen.wait(r">\* Allow federated users +\[ \] off")
    parley = [PARLEY, "--socket", daemon.socket]
    subprocess.run([*parley, "access-edge", "set", "allow-anonymous-users=true", "--yes"], check=True, capture_output=True)
    screen.wait(r"Allow anonymous users +\[x\] on", r">\* Allow federated users +\[ \] off")  # theirs is taken, ours is kept
    go_to_field(screen, "Discovered partner standard rate")
    screen.keys("C-u", "7")
    screen.wait(r">\* Discovered partner standard rate +7", "2 changes")
    subprocess.run([*parley, "access-edge", "set", "discovered-partner-standard-rate=55", "--yes"], check=True, capture_output=True)
    screen.wait("Meanwhile published by somebody else: 55", "55 -> 7", "v120 was published meanwhile")
    screen.keys("C-r")
    screen.wait(r">  Discovered partner standard rate +55", "1 change ", absent=("Meanwhile published",))
    screen.keys("Escape")
    screen.wait("has not been saved")
    screen.keys("y")
    screen.wait("NEEDS ATTENTION")


def test_why_asks_shows_every_check_opens_the_rule_and_applies_the_change(daemon, terminal):
    screen = open_overview(terminal, daemon)
    screen.keys("g", "w")
    screen.wait("Why blocked", r">  From", r"\$ parley why FROM TO")
    screen.type("dan@wingtip.example")
    screen.keys("Enter")
    screen.wait("both ends are needed", r">  To")
    screen.type("eve@contoso.example")
    screen.keys("Enter")
    screen.wait("BLOCKED at check 2 of 2", r"> +2 blocked-domain +BLOCK", "smallest change: domain allow wingtip.example", r"1 federation-switch +pass")
    screen.keys("Enter")
    screen.wait("Blocked domain  wingtip.example", r"Domain +wingtip.example +\(fixed after creation\)")
    screen.keys("Escape")
    screen.wait("BLOCKED at check 2")
    screen.keys("a")
    screen.wait("Let it pass", "parley domain allow wingtip.example", "y/N")
    assert daemon.changes() == []
    screen.keys("y")
    screen.wait("v119 published: domain allow wingtip.example", "it would pass, if certificate matches")
    assert [(r["method"], r["params"]) for r in daemon.changes()] == [("domain.allow", {"domain": "wingtip.example", "if_version": 118})]
    screen.keys("a")
    screen.wait("it passes already")
    screen.keys("Tab", "Tab", "Escape")
    screen.wait("NEEDS ATTENTION")


def test_why_is_filled_from_the_row(daemon, terminal):
    screen = open_domains(terminal, daemon)
    screen.keys("G", "W")
    screen.wait(r"From +someone@wingtip.example", r">  To")
    screen.type("eve@contoso.example")
    screen.keys("Tab", "Right", "Enter")
    screen.wait("BLOCKED at check 2", r"\$ parley why someone@wingtip.example eve@contoso.example presence")
    screen.keys("q")
    screen.wait(r">  wingtip")
    assert daemon.requests("why")[0]["params"] == {"from": "someone@wingtip.example", "to": "eve@contoso.example", "what": "presence"}


@pytest.mark.parametrize("daemon", [("--role", "viewer")], indirect=True)
def test_a_viewer_reads_forms_and_changes_nothing(daemon, terminal):
    screen = open_domains(terminal, daemon)
    screen.keys("Enter")
    screen.wait("Allowed domain  adatum.example", "your role may not change it")
    screen.type("x y")
    screen.keys("Enter")
    screen.wait("saving this needs the role policy")
    screen.keys("Escape", "g", "a")
    screen.wait(r"Access Edge +field 1", "your role may not")
    screen.keys("Space", "Enter")
    screen.wait("needs the role policy")
    screen.keys("q")
    screen.wait("NEEDS ATTENTION")
    assert daemon.changes() == []


def test_a_form_waits_for_no_daemon(daemon, terminal):
    screen = terminal()
    console(screen, daemon, "console", "access-edge")
    screen.wait("Access Edge +field 1")
    daemon.process.send_signal(signal.SIGSTOP)
    screen.keys("Down", "Space")
    screen.wait(r">\* Allow outside users +\[ \] off")
    screen.keys("Enter")
    screen.wait("Type off to publish this")
    screen.type("off")
    screen.keys("Enter")
    screen.wait("saving")
    screen.keys("Down", "Down")
    screen.wait("field 4 of")
    daemon.process.send_signal(signal.SIGCONT)
    screen.wait("v119 published: access-edge set allow-outside-users=false")
    assert [r["params"]["set"] for r in daemon.changes()] == [{"allow-outside-users": False}]


def test_the_daemon_tries_what_is_asked_about_before_anybody_agrees(daemon, terminal):
    screen = open_domains(terminal, daemon)
    screen.keys("j", "a")
    screen.wait("Allow blueyonder.example", "Dry run: 2 domains and 14 users would lose federation")
    screen.keys("Escape")
    assert [r["params"].get("dry_run") for r in daemon.requests("domain.allow")] == [True]
    assert daemon.changes() == []


def test_changes_are_staged_looked_at_and_published_as_one_version(daemon, terminal):
    screen = open_domains(terminal, daemon)
    screen.keys("j", "a")
    screen.wait("Allow blueyonder.example", "s stage instead")
    screen.keys("s")
    screen.wait("staged: domain allow blueyonder.example", r"RW  staged 1")
    screen.keys("g", "a")
    screen.wait("Access Edge +field 1")
    screen.keys("Down", "Space", "Enter")
    screen.wait("Type off", "s stage instead")
    screen.keys("s")
    screen.wait("staged: access-edge set allow-outside-users=false", "staged 2")
    screen.keys("Down", "S")
    screen.wait("Staged changes +2 of 2", r"added|changed +allowed-domain +blueyonder", "allow-outside-users", "EFFECT IF PUBLISHED",
                "2 connections would close", "staged by others, too: wang", r"\$ parley plan")
    screen.keys("u")
    screen.wait("Staged changes +1 of 1", "staged 1")
    screen.keys("P")
    screen.wait(r"Comment \(why\?\)")
    screen.keys("Enter")
    screen.wait("a comment is needed")
    screen.keys("P")
    screen.type("trial ended, ticket 8812")
    screen.keys("Enter")
    screen.wait("Publish 1 staged changes", "Dry run: 2 connections would close", "Type 2", r"\$ parley publish --comment 'trial ended, ticket 8812'")
    screen.keys("2", "Enter")
    screen.wait("v119 published", "Nothing is staged", absent=("staged 1",))
    assert [(r["method"], r["params"].get("comment")) for r in daemon.changes()][-1] == ("publish", "trial ended, ticket 8812")


def test_a_switch_that_goes_back_by_itself_counts_down_and_is_kept(daemon, terminal):
    screen = terminal()
    console(screen, daemon, "console", "access-edge")
    screen.wait("Access Edge +field 1")
    screen.keys("Down", "Space", "Enter")
    screen.wait("Type off")
    screen.type("off")
    screen.keys("Enter")
    screen.wait(r"v119 goes back in 4m\d\ds: Y keeps")
    screen.keys("Escape")
    screen.wait("NEEDS ATTENTION")
    screen.keys("U")
    screen.wait("Take v119 back", r"\$ parley revert")
    screen.keys("n", "Y")
    screen.wait("done: confirm", absent=("goes back in",))
    assert [r["method"] for r in daemon.changes()] == ["access-edge.set", "confirm"]
    screen.keys("Y")
    screen.wait("no version waits")
    screen.keys("U")
    screen.wait("Undo", r"\$ parley undo", "Dry run: 0 connections")
    screen.keys("y")
    screen.wait("v120 published: undo")


def test_versions_are_compared_gone_back_to_and_travelled_to(daemon, terminal):
    screen = open_overview(terminal, daemon)
    screen.keys("g", "k")
    screen.wait("Versions +5 of 5", r"> +118 ", r"117 .*change 117", r"\$ parley version show 118")
    screen.keys("Enter")
    screen.wait("version show 118", "woodgrove.example")
    screen.keys("q", "=")
    screen.wait("v118 is marked")
    screen.keys("Down", "Down", "=")
    screen.wait("version diff 116 118")
    screen.keys("q", "B")
    screen.wait("Back to v116", r"\$ parley version restore 116", "Dry run")
    screen.keys("n", "V")
    screen.wait("AS OF v116")
    screen.keys("g", "d")
    screen.wait("AS OF v116", "adatum")
    until(lambda: any(r["params"].get("version") == 116 for r in daemon.requests("domain.list")), "the list was not asked for as of v116")
    screen.keys("g", "a")
    screen.wait("AS OF v116", "as it was then")
    assert daemon.requests("access-edge.show")[-1]["params"] == {"version": 116}
    screen.keys("V")
    screen.wait("the current version is shown again", absent=("AS OF",))
    screen.keys("g", "A")
    screen.wait("Audit +2 of 8", "domain allow woodgrove.example")
    screen.keys("Enter")
    screen.wait("Audit line", r"address +192.0.2.4")
    assert daemon.changes() == []
