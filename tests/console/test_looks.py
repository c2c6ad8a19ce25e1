"""Themes, frames and the bare display, as a real terminal (tmux) shows them."""
import re

import pytest

from console_lab import console, open_domains

COLOUR = re.compile(r"\x1b\[[0-9;]*\b(3[0-7]|9[0-7]|4[0-7]|10[0-7]|[34]8;[25])")


def painted(screen):
    return screen.run("capture-pane", "-e", "-p")


def say(screen, command, *wanted):
    screen.keys(":")
    screen.wait("complete")
    screen.type(command)
    screen.keys("Enter")
    return screen.wait(*wanted)


@pytest.mark.parametrize("term, environment, options, wanted", [
    ("xterm-256color", "PARLEY_THEME=mono", ("--theme", "high-contrast"), "\x1b[48;5;226m"),
    ("screen", "", ("--theme=blue-orange",), "\x1b[36m"),
    ("vt100", "", ("--theme=blue-orange",), None),
    ("xterm-256color", "", ("--theme=blue-orange", "--color=never"), None),
    ("xterm-256color", "NO_COLOR=1 PARLEY_THEME=blue-orange", ("--color=always",), "\x1b[38;5;33m"),
])
def test_a_theme_in_the_colours_that_the_terminal_has(daemon, terminal, term, environment, options, wanted):
    screen = terminal(environment=f"TERM={term} {environment}")
    console(screen, daemon, "console", "overview", *options)
    text = screen.wait("Overview", r"access +running", r"2 warn", "q quit")  # the words stand in every theme
    assert text.count("running") >= 1
    if wanted:
        assert wanted in painted(screen)
    else:
        assert not COLOUR.search(painted(screen))
        assert "\x1b[7m" in painted(screen)


def test_theme_and_frames_change_at_run_time(daemon, terminal):
    screen = open_domains(terminal, daemon, environment="TERM=xterm-256color LC_ALL=C.UTF-8")
    assert "─" in screen.screen()
    say(screen, "frames ascii", "frames ascii", "-{20}")
    assert screen.screen().isascii()
    say(screen, "frames utf8", "frames utf8", "─{20}")
    say(screen, "theme blue-orange", "theme blue-orange")
    assert "38;5;33" in painted(screen)
    say(screen, "theme mono", "theme mono")
    assert not COLOUR.search(painted(screen))
    say(screen, "theme pink", "theme mono; there are default, mono, high-contrast, blue-orange")
    say(screen, "frames", "frames utf8; there are ascii, utf8")


def test_what_the_terminal_has_not_is_said(daemon, terminal):
    screen = open_domains(terminal, daemon, environment="TERM=xterm-256color LC_ALL=C NO_COLOR=1")
    say(screen, "frames utf8", "not UTF-8")
    say(screen, "theme default", "stays mono")
    screen.keys("q")
    screen.wait("sh>")
    console(screen, daemon, "console", "--theme", "pink")
    screen.wait('unknown theme "pink"; there are default, mono')


@pytest.mark.parametrize("term, locale, option, has_lines", [
    ("vt100", "C.UTF-8", "--frames=auto", False), ("vt100", "C.UTF-8", "--frames=utf8", True), ("xterm-256color", "C.UTF-8", "--ascii", False)])
def test_lines_are_ascii_unless_utf8_is_sure(daemon, terminal, term, locale, option, has_lines):
    screen = terminal(environment=f"TERM={term} LC_ALL={locale}")
    console(screen, daemon, "console", "domains", option)
    text = screen.wait(r">  adatum\.example", "wingtip", "─{20}" if has_lines else "-{20}")
    assert has_lines or text.isascii()


def test_the_bare_display_is_text_alone_until_a_key(daemon, terminal):
    screen = open_domains(terminal, daemon, environment="TERM=xterm-256color LC_ALL=C.UTF-8")
    screen.keys("Z")
    text = screen.wait(r"(?m)^adatum\.example  allow", absent=("SIP domains", "UTC", "─"))
    assert not re.search(r"(?m)^ | {3}", text)
    assert not COLOUR.search(painted(screen))
    screen.keys("d")  # any key, and it does nothing else
    screen.wait("SIP domains", r">  adatum\.example", "q quit", absent=("Remove",))
