"""What is watched and acted on while it runs: connections, events, partners, services."""

from console_lab import console, open_overview


def test_shows_connections_and_blocks_a_partner_only_when_their_number_is_typed(daemon, terminal):
    screen = open_overview(terminal, daemon)
    screen.keys("g", "n")
    screen.wait("Connections +4 of 4", r">  edge\.proseware\.example +out failed", r"sip\.adatum.* up", r"\$ parley connection list edge\.proseware\.example")
    screen.keys("/")
    screen.type("state:failed")
    screen.wait("1 of 4", absent=("fabrikam",))
    screen.keys("Enter")
    screen.wait("last error: certificate names sip.proseware-old.example")
    screen.keys("Escape")
    screen.wait("4 of 4")
    screen.keys("Down", "Enter")
    screen.wait("Connection", r"messages_in +152301")
    screen.keys("q", "W")
    screen.wait(r"From +someone@adatum.example", r">  To")
    screen.keys("Escape")
    screen.wait(r"\$ parley connection")
    screen.keys("g", "g", "b")
    screen.wait(r"Block proseware\.example", r"Publish now\? y/N", r"\$ parley domain block proseware\.example")
    screen.keys("Escape")
    screen.wait("nothing was changed")
    assert daemon.changes() == []
    screen.keys("Down", "b")
    screen.wait("Block adatum.example", "Type 1, the number of connections that will close")
    screen.keys("1", "Enter")
    screen.wait("v119 published", absent=("sip.adatum",))
    assert [(r["method"], r["params"]["domain"], r["params"]["if_version"]) for r in daemon.changes()] == [("domain.block", "adatum.example", 118)]


def test_events_follow_pause_and_show_all_fields(daemon, terminal):
    screen = terminal()
    console(screen, daemon, "console", "events")
    screen.wait("Events +.*following", "access runs as process 4711", "connection with fabrikam.example", r">.*connection-up")
    screen.keys("Space")
    screen.wait(r"paused, \+[1-9][0-9]* new")
    screen.keys("Space", "g", "g")
    screen.wait(r">.*service-started", absent=("following",))
    screen.keys("/")
    screen.type("event:request-refused")
    screen.wait(r">.*request-refused", absent=("service-started",))
    screen.keys("Enter", "Enter")
    screen.wait("Event", r"step +blocked-domain", r"to +eve@contoso\.example")
    screen.keys("q", "W")  # both ends are known: the answer comes at once
    screen.wait(r"From +dan@wingtip.example", r"To +eve@contoso.example", "BLOCKED at check 2")
    screen.keys("Escape", "Escape", "f")
    screen.wait("following", r">.*connection-up")
    assert len(daemon.requests("event.tail")) == 1


def test_a_discovered_partner_is_allowed_from_its_row(daemon, terminal):
    screen = open_overview(terminal, daemon)
    screen.keys("g", "v")
    screen.wait("Discovered +2 of 2", r">  humongous\.example +limited +120 +31", "limited now: rate", r"\$ parley discovered list")
    screen.keys("a")
    screen.wait("Allow humongous.example", r"\$ parley domain allow humongous\.example")
    assert daemon.changes() == []
    screen.keys("y")
    screen.wait("v119 published", "1 of 1", absent=(">  humongous",))
    screen.keys("b")
    screen.wait("Block woodgrove.example")
    screen.keys("y")
    screen.wait("v120 published", "0 of 0")
    assert [(r["method"], r["params"]["domain"], r["params"]["if_version"]) for r in daemon.changes()] == [
        ("domain.allow", "humongous.example", 118), ("domain.block", "woodgrove.example", 119)]


def test_a_partner_is_tried_again_at_once(daemon, terminal):
    screen = terminal()
    console(screen, daemon, "console", "connections")
    screen.wait(r">  edge\.proseware\.example +out failed")
    screen.keys("K")
    screen.wait("done: connection retry edge.proseware.example")
    assert daemon.requests("connection.retry")[0]["params"] == {"partner": "edge.proseware.example"}


def test_one_connection_is_closed_or_drained_after_a_question(daemon, terminal):
    screen = terminal()
    console(screen, daemon, "console", "connections")
    screen.wait(r">  edge\.proseware\.example +out failed")
    screen.keys("x")
    screen.wait("it is no connection")  # what is told of a failed one cannot be closed
    screen.keys("Down", "Down", "x")
    screen.wait("Close c-13: sip.fabrikam.example", "b blocks its domain instead", r"\$ parley connection close c-13")
    screen.keys("n")
    screen.wait("nothing was changed")
    assert not daemon.requests("connection.close")
    screen.keys("x", "y")
    screen.wait("done: connection close c-13")
    screen.keys("D")
    screen.wait("Drain c-13", r"\$ parley connection drain c-13")
    screen.keys("y")
    screen.wait("done: connection drain c-13")
    assert [r["params"] for r in daemon.changes()] == [{"connection": "c-13"}] * 2


def test_a_service_is_drained_with_progress_stopped_by_its_name_and_started(daemon, terminal):
    screen = open_overview(terminal, daemon)
    screen.keys("g", "y")
    screen.wait("Services +2 of 2", r">  access +running", "listens for external on 0.0.0.0:5061: listening", r"\$ parley service show access")
    screen.keys("D")
    screen.wait("Drain access", "Now connected: 7; under way: 20", r"\$ parley service drain access")
    screen.keys("n", "D", "y")
    screen.wait(r"\[#*\.+\] \d+ under way, 7 connections; 2\ds at most, then it stops", r">  access +draining")
    screen.wait(r">  access +stopped")
    screen.keys("+")
    screen.wait("done: service start access", r">  access +running")
    screen.keys("-")
    screen.wait("Stop access", "Type access to end it")
    screen.keys("y", "Enter")
    screen.wait("nothing was changed")
    screen.keys("-")
    screen.type("access")
    screen.keys("Enter")
    screen.wait("done: service stop access", r">  access +stopped")
    screen.keys("Down", "D")
    screen.wait("Drain keeper")
    screen.keys("y")
    screen.wait("keeper carries this session")
