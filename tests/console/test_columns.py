"""Columns by name and export of a list, as a real terminal (tmux) shows them."""
import csv
import json
import re

from console_lab import console


def say(screen, command, *wanted, absent=()):
    screen.keys(":")
    screen.wait("complete")
    screen.type(command)
    screen.keys("Enter")
    return screen.wait(*wanted, absent=absent)


def open_connections(terminal, daemon, **how):
    screen = terminal(**how)
    screen.type(f"cd {daemon.socket.parent}\n")
    console(screen, daemon, "console", "connections")
    screen.wait("Connections +4 of 4", r">  edge\.proseware")
    return screen


def test_columns_by_name(daemon, terminal):
    screen = open_connections(terminal, daemon)
    say(screen, "columns partner,TLS,last error", r"PARTNER +TLS +LAST ERROR", ":columns default ends that", absent=("DIR", "MSG/S"))
    screen.keys(">")  # the order is that of the columns there are
    screen.wait(r"sort: TLS")
    screen.keys("|")
    screen.wait(r":columns partner,tls,last_error")
    screen.type(",colour")
    screen.keys("Enter")
    screen.wait('there is no column "colour"', r"\* tls +TLS", r"(?m)^     bytes_in$|^     direction +DIR", "connection list --columns partner,tls,last_error")
    screen.keys("q")
    screen.wait(r"PARTNER +TLS +LAST ERROR")  # nothing was changed
    say(screen, "columns default", r"PARTNER +DIR +STATE +AUTH", absent=("TLS ",))
    say(screen, "overview", "NEEDS ATTENTION")
    say(screen, "columns partner", "this screen is no list")


def test_chosen_columns_have_little_room(daemon, terminal):
    screen = open_connections(terminal, daemon, width=60, height=16)
    say(screen, "columns state,partner,address,last_error,since,tls", r"STATE +PARTNER +ADDRESS +>")
    screen.run("resize-window", "-x", "120", "-y", "40")
    screen.wait(r"STATE +PARTNER +ADDRESS +LAST ERROR +AGE +TLS")


def export(screen, name, *wanted):
    screen.keys("E")
    screen.wait("Write this list to the file")
    screen.keys("C-u")
    screen.type(name)
    screen.keys("Enter")
    return screen.wait(*wanted)


def test_export_writes_what_is_shown_and_never_over_a_file_unasked(daemon, terminal, folder):
    screen = open_connections(terminal, daemon)
    say(screen, "columns state,partner", r"STATE +PARTNER")
    screen.keys("/")
    screen.type("state:up")
    screen.keys("Enter", "~")
    screen.wait("3 of 4", "filter: state:up")
    shown = re.findall(r"(?m)^[> ]  up +(\S+)", screen.screen())
    assert len(shown) == 3
    export(screen, "up.csv", "up.csv: 3 rows written")
    rows = list(csv.reader((folder / "up.csv").open()))
    assert rows == [["state", "partner"], *(["up", partner] for partner in shown)]
    assert (folder / "up.csv").stat().st_mode & 0o777 == 0o600
    export(screen, "up.json", "up.json: 3 rows written")
    assert json.loads((folder / "up.json").read_text()) == [{"state": "up", "partner": partner} for partner in shown]
    export(screen, "up.txt", "up.txt: 3 rows written")
    assert (folder / "up.txt").read_text().splitlines()[0].split() == ["STATE", "PARTNER"]

    (folder / "up.csv").write_text("precious")
    export(screen, "up.csv", "There is a file of that name", "Replace it")
    screen.keys("n")
    screen.wait("nothing was written")
    assert (folder / "up.csv").read_text() == "precious"
    export(screen, "up.csv", "Replace it")
    screen.keys("y")
    screen.wait("up.csv: 3 rows written")
    assert list(csv.reader((folder / "up.csv").open())) == rows and not (folder / "up.csv.new").exists()

    export(screen, "up", "has to end in .csv, .json or .txt")
    export(screen, "/nowhere/up.csv", "not written: /nowhere/up.csv: No such file or directory")
    screen.keys("/")
    screen.type("nobody")
    screen.keys("Enter")
    screen.wait("Nothing matches")
    export(screen, "none.csv", "the list shows no row")
    assert not (folder / "none.csv").exists() and not daemon.changes()
