"""What administrators ask of any console, where no other test is about it (tests/tables/asks.txt says which is about what)."""
import re

from console_lab import console, open_domains


def test_every_column_sorts_and_is_reversed(daemon, terminal):
    screen = open_domains(terminal, daemon, width=160)
    heading = next(line for line in screen.screen().splitlines() if "PROXY FQDN" in line)
    seen = []
    label = re.search(r"sort: (.+?) [\^v]", screen.screen()).group(1)
    while label not in seen:
        seen.append(label)
        screen.keys("~")
        screen.wait(rf"sort: {re.escape(label)} v")
        screen.keys("~")
        screen.wait(rf"sort: {re.escape(label)} \^")
        screen.keys(">")
        label = re.search(r"sort: (.+?) [\^v]", screen.wait(rf"sort: (?!{re.escape(label)} )")).group(1)
    assert seen[0] == label and len(seen) >= 6
    assert all(column in heading for column in seen), (seen, heading)


def test_begins_on_a_screen_with_a_filter(daemon, terminal):
    screen = terminal()
    console(screen, daemon, "console", "connections", "--filter", "state:failed")
    screen.wait("Connections +1 of 4", "filter: state:failed", r">  edge\.proseware")
    screen.keys("Escape")
    screen.wait("4 of 4")


def test_a_filter_takes_any_letter_and_any_length(daemon, terminal):
    screen = open_domains(terminal, daemon)
    screen.keys("/")
    screen.type("quit:dbn?")  # letters that are keys elsewhere are text here
    screen.wait(r"/quit:dbn\?", absent=("sh>",))
    screen.keys("C-u")
    screen.type("fabrikam" + "x" * 3000)
    screen.wait("0 of 7")
    screen.keys("C-u")
    screen.type(" fabrikam  ")  # what stands around it is no part of it
    screen.wait("1 of 7", r">  fabrikam\.example")
    assert daemon.changes() == []


def test_a_command_with_an_open_quote_is_refused_and_ends_nothing(daemon, terminal):
    screen = open_domains(terminal, daemon)
    for _ in range(3):
        screen.keys(":")
        screen.wait("complete")
        screen.type("domain allow 'x.example")
        screen.keys("Enter")
        screen.wait("quote")
    screen.keys("j")
    screen.wait(r">  blueyonder\.example")
    assert daemon.changes() == []


def test_nothing_chosen_is_kept_and_no_mouse_is_asked_for(daemon, terminal, folder):
    home = folder / "home"
    home.mkdir()
    screen = terminal(environment=f"HOME={home} XDG_CONFIG_HOME={home}/.config XDG_STATE_HOME={home}/.state TERM=xterm-256color LC_ALL=C.UTF-8")
    console(screen, daemon, "console", "domains", "--theme=high-contrast")
    screen.wait(r">  adatum\.example")
    assert screen.run("display-message", "-p", "#{mouse_any_flag}").strip() == "0"  # a selection stays the terminal's
    for command in ("theme blue-orange", "frames ascii"):
        screen.keys(":")
        screen.wait("complete")
        screen.type(command)
        screen.keys("Enter")
        screen.wait(command)
    screen.keys("<", "~", "q")
    screen.wait("sh>")
    assert list(home.rglob("*")) == []
