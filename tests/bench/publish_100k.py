#!/usr/bin/python3
"""What publishing costs a daemon that holds RULES domain rules and as many users with grants (100,000 of each unless given).

    tests/bench/publish_100k.py [RULES]

A real parleyd takes the documents at its start; then one grant after the other is published over the control socket, each
answered once it is durable, and the whole list of users is imported and exported once.  Prints one figure a line, as the
programs beside it do.
"""
import json
import os
import pwd
import shutil
import socket
import statistics
import subprocess
import sys
import time
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
PARLEYD, PARLEY = TOP / "build/release/parleyd", TOP / "build/release/parley"
FOLDER = Path("/run/parley-bench-publish")
ROUNDS, LIMIT_S, START_S = 7, 2, 120


class Client:
    def __init__(self, path):
        self.socket, self.left, self.number = socket.socket(socket.AF_UNIX), b"", 0
        self.socket.settimeout(START_S)
        self.socket.connect(str(path))
        self.ask("hello", protocol=1, client="bench", mode="rw")

    def ask(self, method, **params):
        self.number += 1
        self.socket.sendall((json.dumps({"jsonrpc": "2.0", "id": self.number, "method": method, "params": params}) + "\n").encode())
        while True:
            while b"\n" not in self.left:
                more = self.socket.recv(1 << 16)
                if not more:
                    raise SystemExit("publish_100k: the daemon closed the session")
                self.left += more
            line, self.left = self.left.split(b"\n", 1)
            answer = json.loads(line)
            if answer.get("id") == self.number:
                if "result" not in answer:
                    raise SystemExit(f"publish_100k: {method}: {answer}")
                return answer["result"]


def write_documents(conf, rules):
    def document(name, lines):
        (conf / f"{name}.xml").write_text(f'<?xml version="1.0" encoding="UTF-8"?>\n<parley document="{name}" schema="1">\n' + "".join(lines) + "</parley>\n")

    document("topology", ["  <topology>\n    <sip-domains>contoso.example</sip-domains>\n  </topology>\n", '  <site name="Oslo"/>\n'])
    document("access-policies", ['  <access-policy identity="Global"/>\n', '  <access-policy identity="Sales"/>\n', '  <access-policy identity="Support"/>\n',
                                 '  <access-policy identity="site:Oslo"/>\n'])
    document("sip-domains", [f'  <allowed-domain domain="partner-{i:07}.example"/>\n' for i in range(rules)])
    document("users", [f'  <user sip-address="user-{i:07}@contoso.example">\n    <display-name>User Number {i}</display-name>\n    <site>Oslo</site>\n'
                       f"    <policy>Sales</policy>\n  </user>\n" for i in range(rules)])


def start(rules):
    shutil.rmtree(FOLDER, ignore_errors=True)
    conf = FOLDER / "root/etc/parley/conf.d"
    conf.mkdir(parents=True)
    write_documents(conf, rules)
    nobody, as_user = pwd.getpwnam("nobody"), {}
    if os.geteuid() == 0:
        for path in [FOLDER, *FOLDER.rglob("*")]:
            os.chown(path, nobody.pw_uid, nobody.pw_gid)
        as_user = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
    log = open(FOLDER / "log", "wb")
    began = time.monotonic()
    child = subprocess.Popen([PARLEYD, "--root", FOLDER / "root"], stdin=subprocess.DEVNULL, stdout=log, stderr=log, **as_user)
    while True:
        try:
            return child, Client(FOLDER / "root/run/parley/control.sock"), time.monotonic() - began
        except OSError:
            if child.poll() is not None or time.monotonic() - began > START_S:
                child.terminate()
                raise SystemExit(f"publish_100k: the daemon does not answer: {(FOLDER / 'log').read_text()[-2000:]}") from None
            time.sleep(0.02)


def family(pid):
    """A process and all that descend from it."""
    pids = [pid]
    for parent in pids:
        for task in Path(f"/proc/{parent}/task").iterdir():
            pids += [int(p) for p in (task / "children").read_text().split()]
    return pids


def stop(child):
    child.terminate()
    child.wait(60)
    shutil.rmtree(FOLDER)


def memory_mib(pid):
    """Proportional share of all processes."""
    total = 0
    for one in family(pid):
        for line in Path(f"/proc/{one}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                total += int(line.split()[1])
    return total / 1024


def timed(act):
    began = time.monotonic()
    act()
    return time.monotonic() - began


def figure(name, value, limit, unit):
    print(json.dumps({"name": name, "ours": round(value, 3), "limit": limit, "unit": unit}), flush=True)


def parley(*words):
    subprocess.run([PARLEY, "--root", FOLDER / "root", "--yes", "--timeout", "120", *words], check=True, stdout=subprocess.DEVNULL)


def main():
    rules = int(sys.argv[1]) if len(sys.argv) > 1 else 100000
    held = f"{rules} domain rules and {rules} grants"
    child, client, started = start(rules)
    try:
        if client.ask("user.list", limit=1)["total"] != rules or client.ask("domain.list", limit=1)["total"] != rules:
            raise SystemExit("publish_100k: the daemon does not hold what was written")
        figure("config.start_100k_s", started, None, f"s from nothing to the first answer, {held}")
        one = [timed(lambda i=i: client.ask("user.grant", policy=("Support", "Sales")[i % 2], users=f"user-{rules // 2:07}@contoso.example"))
               for i in range(ROUNDS)]
        figure("config.publish_100k_s", statistics.median(one), LIMIT_S, f"s, one grant published and durable, {held}")
        trial = [timed(lambda: client.ask("user.grant", policy="Support", filter="site:Oslo", dry_run=True)) for _ in range(3)]
        figure("config.dry_run_all_100k_s", statistics.median(trial), LIMIT_S, f"s, a grant to all of {held} tried")
        all_of = [timed(lambda i=i: client.ask("user.grant", policy=("Support", "Sales")[i % 2], filter="site:Oslo")) for i in range(3)]
        figure("config.grant_all_100k_s", statistics.median(all_of), LIMIT_S, f"s, a grant to all published, {held}")
        page = [timed(lambda: client.ask("user.list", filter=f"user-{rules - 1:07}")) for _ in range(3)]
        figure("config.user_filter_100k_ms", statistics.median(page) * 1000, None, f"ms, a page of users by filter, {held}")
        page = [timed(lambda: client.ask("domain.list", limit=500, after=f"partner-{rules - 600:07}.example")) for _ in range(5)]
        figure("config.domain_page_100k_ms", statistics.median(page) * 1000, None, f"ms, one of the last pages of domains, {held}")
        listed = timed(lambda: parley("domain", "list"))
        figure("config.domain_list_all_100k_s", listed, None, f"s, all domains listed by the command line, {held}")
        listed = timed(lambda: parley("user", "list"))
        figure("config.user_list_all_100k_s", listed, None, f"s, all users listed by the command line, {held}")
        figure("config.export_100k_s", timed(lambda: parley("user", "export", str(FOLDER / "users.csv"))), None, f"s, users to a file, {held}")
        lines = (FOLDER / "users.csv").read_text().splitlines()
        if len(lines) != rules + 1:
            raise SystemExit(f"publish_100k: {len(lines)} lines were exported")
        (FOLDER / "users.csv").write_text("\n".join([lines[0], *[line.replace("Number", "No.") for line in lines[1:]]]) + "\n")
        figure("config.import_100k_s", timed(lambda: parley("user", "import", str(FOLDER / "users.csv"))), None, f"s, users changed from a file, {held}")
        figure("config.memory_100k_mib", memory_mib(child.pid), None, f"MiB, proportional share of all processes, {held}")
    finally:
        stop(child)


if __name__ == "__main__":
    main()
