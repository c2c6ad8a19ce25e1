"""What every test of the console gets: a folder, a daemon made of answers, terminals."""
import pytest

from console_lab import Daemon, Terminal


@pytest.fixture
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("c")


@pytest.fixture
def daemon(folder, request):
    daemon = Daemon(folder, *getattr(request, "param", ()))
    yield daemon.start()
    daemon.stop()


@pytest.fixture
def terminal(folder):
    terminals = []

    def make(**how):
        terminals.append(Terminal(folder, **how))
        return terminals[-1]

    yield make
    for terminal in terminals:
        terminal.stop()
