"""Completion as bash does it, with a daemon behind."""
import os
import signal
import subprocess
from pathlib import Path

import pytest

from bare import keeper_pid
from lab.edge import programs

pytestmark = pytest.mark.short
SCRIPT = Path(__file__).resolve().parents[2] / "tui/completion.bash"


def complete(bare, line):
    """What bash would offer behind `line`."""
    program = programs()[1]
    ran = subprocess.run(["bash", "--norc", "-c", f"""
        source {SCRIPT}
        compopt() {{ :; }}
        COMP_LINE="$1" COMP_POINT=${{#1}} COMPREPLY=()
        _parley
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """, "bash", f"parley {line}"], capture_output=True, text=True, timeout=20,
        env={"PATH": f"{program.parent}:{os.environ['PATH']}", "PARLEY_SOCKET": str(bare.socket),
             "LSAN_OPTIONS": os.environ.get("LSAN_OPTIONS", "")})
    assert ran.stderr == "", ran.stderr
    return ran.stdout.split()


def test_words_come_from_the_rows_and_names_from_the_daemon(bare):
    client = bare.client()
    for domain in "fabrikam.example", "litware.example":
        client.result("domain.allow", domain=domain)
    assert complete(bare, "doma") == ["domain", "domains"]
    assert complete(bare, "domain sh") == ["show"]
    assert complete(bare, "domain show fab") == ["fabrikam.example"]
    assert complete(bare, "domain remove ") == ["fabrikam.example", "litware.example"]
    assert complete(bare, "service drain ac") == ["access"]
    assert complete(bare, "domain allow x.example proxy-p") == ["proxy-port="]
    # behind the = readline replaces only the value
    assert complete(bare, "domain allow x.example identity=e") == ["edge-fqdn"]
    assert complete(bare, "domain allow x.example --unset=comment,proxy-p") == ["comment,proxy-port"]


def test_a_daemon_that_hangs_or_is_not_there_holds_nobody_up(bare):
    keeper = keeper_pid(bare.child.pid)
    os.kill(keeper, signal.SIGSTOP)
    try:
        assert complete(bare, "domain show fab") == []
        assert complete(bare, "domain sh") == ["show"]
    finally:
        os.kill(keeper, signal.SIGCONT)
    bare.stop()
    assert complete(bare, "domain show fab") == []
    bare.start()
