#!/usr/bin/python3
"""inside.py COMMAND...: runs a command in a network namespace made for it and removed after it."""
import os
import signal
import subprocess
import sys
from pathlib import Path

sys.dont_write_bytecode = True
sys.path[0] = str(Path(__file__).resolve().parents[1])

from lab import namespace  # noqa: E402


def main(command):
    name = f"parley-lab-{os.getpid()}"
    namespace.make(name)
    try:
        child = subprocess.Popen(["ip", "netns", "exec", name, *command])
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda number, _: child.send_signal(number))
        return child.wait()
    finally:
        namespace.kill_all(name)
        namespace.remove(name)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
