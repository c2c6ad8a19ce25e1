"""Small things that every list does, as a real terminal (tmux) shows them."""
from console_lab import console


def test_what_was_added_is_selected(daemon, terminal):
    screen = terminal()
    console(screen, daemon, "console", "xmpp")
    before = screen.wait("XMPP partners", r"(?m)^>  \S")
    screen.keys("n")
    screen.wait("Domain")
    screen.type("zzz.example")
    screen.keys("Enter")
    screen.wait("y/N")
    screen.keys("y")
    screen.wait(r">  zzz\.example")
    assert "zzz" not in before
    screen.keys("Home")
    screen.wait(r">  (?!zzz)")


def test_why_is_asked_from_an_xmpp_partner(daemon, terminal):
    screen = terminal()
    console(screen, daemon, "console", "xmpp")
    domain = screen.wait("XMPP partners", r"(?m)^>  \S").split("\n>  ")[1].split()[0]
    screen.keys("W")
    screen.wait("Why blocked", f"someone@{domain}")


def test_a_new_filter_begins_empty_and_the_old_one_can_be_had(daemon, terminal):
    screen = terminal()
    console(screen, daemon, "console", "connections")
    screen.wait("Connections +4 of 4")
    screen.keys("/")
    screen.type("state:up")
    screen.keys("Enter")
    screen.wait("3 of 4 +filter: state:up")
    screen.keys("/")
    screen.wait(r"(?m)^ /$", "Up the present one", "3 of 4 +filter: state:up")  # it holds until something is typed
    screen.keys("Enter")
    screen.wait("3 of 4 +filter: state:up", "q quit")
    screen.keys("/")
    screen.type("state:failed")
    screen.wait("1 of 4 +filter: state:failed")
    screen.keys("Enter", "/", "Up")
    screen.wait(r"(?m)^ /state:failed$")
    screen.keys("BSpace", "BSpace", "BSpace", "BSpace", "BSpace", "BSpace")
    screen.type("up")
    screen.wait("3 of 4 +filter: state:up")
    screen.keys("Escape")
    screen.wait("Connections +4 of 4", absent=("filter:",))


def test_the_menu_says_that_there_is_more(daemon, terminal):
    screen = terminal(width=60, height=16)
    console(screen, daemon, "console", "overview")
    screen.wait("Overview")
    screen.keys("m")
    screen.wait("0 more above, 10 more below")
    screen.keys("End")
    screen.wait("10 more above, 0 more below", ">A Audit|>w Why")
