#!/usr/bin/python3
"""demo_steps.py up|down: the lab of `make demo`, once everything is installed and built (see demo)."""
import sys
from pathlib import Path

sys.dont_write_bytecode = True
sys.path[0] = str(Path(__file__).resolve().parents[1])

from lab.laboratory import Lab  # noqa: E402
from lab.process import LabError  # noqa: E402
from lab.steps import STEPS, StepFailed, World  # noqa: E402

# Below /run: a socket's path has at most 107 bytes, wherever the tree was cloned.
FOLDER, NAMESPACE = "/run/parley-demo", "parley-lab-demo"


def say(text=""):
    print(text, flush=True)


def down(is_quiet=False):
    stopped = Lab(FOLDER, NAMESPACE).close()
    if stopped:
        say(("a demo was running already; it ends now: " if is_quiet else "stopped: ") + ", ".join(stopped))
    elif not is_quiet:
        say("the demo is not running")


def up():
    down(is_quiet=True)  # one demo at a time: whoever looks at the other one's console sees its link lost
    lab = Lab(FOLDER, NAMESPACE)
    say(f"opening network namespace {NAMESPACE}: authorities, DNS ...")
    lab.open()
    world = World(lab, lambda line: say(f"    {line}"))
    say("starting the edge, contoso.example's pool (Kamailio), the partner fabrikam.example (Kamailio);")
    say("and northwind.example (Prosody, XMPP); signing in alice@contoso.example and bob@fabrikam.example (SIPp),")
    say("juliet@northwind.example (XMPP) ...")
    world.start()
    passed = 0
    for number, step in enumerate(STEPS, 1):
        say(f"\n[{number}/{len(STEPS)}] {step.__doc__}")
        try:
            step(world)
        except (StepFailed, LabError) as error:
            say(str(error))
            say("    FAILED")
        else:
            passed += 1
            say("    passed")
    say(f"\ndemo: {passed} passed, {len(STEPS) - passed} failed")
    return 0 if passed == len(STEPS) else 1


def main(words):
    if words == ["down"]:
        down()
        return 0
    try:
        return up()
    except (LabError, StepFailed, RuntimeError) as error:
        say(f"the lab did not come up: {error}")
        say(f"\ndemo: 0 passed, {len(STEPS)} failed")
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
