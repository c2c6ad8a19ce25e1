"""Users of the two organisations: SIPp over UDP to their own server, and what crossed the wire."""
import re
from pathlib import Path

from lab.process import tail

HERE = Path(__file__).parent / "sipp"


class User:
    """One user agent at its own address; each scenario run is one process."""

    def __init__(self, ledger, folder, user, domain, address, server):
        self.ledger, self.folder = ledger, Path(folder)
        self.user, self.domain, self.address, self.server = user, domain, address, server
        self.runs = 0
        self.etag = None

    @property
    def uri(self):
        return f"sip:{self.user}@{self.domain}"

    def start(self, scenario, to=None, seconds=15, sender=None, over=("-p", "5060"), **keys):
        """Starts tests/lab/sipp/SCENARIO.xml; returns a Run to wait for.  `over`: SIPp's words for transport and port."""
        self.runs += 1
        name = f"{self.user}-{self.runs}-{scenario}"
        keys = {"me": sender or self.uri, "them": to.uri if to else self.uri, "user": self.user, "domain": self.domain,
                **keys}
        words = [w for key, value in keys.items() for w in ("-key", key, value)]
        argv = ["sipp", f"{self.server}:5060", "-sf", HERE / f"{scenario}.xml", "-i", self.address, *over,
                "-m", "1", "-nostdin", "-timeout", f"{seconds}s", "-timeout_error", "-trace_msg",
                "-message_file", self.folder / f"{name}.messages", "-message_overwrite", "true", "-trace_err",
                "-error_file", self.folder / f"{name}.errors", *words]
        return Run(self, name, self.ledger.start(name, argv), seconds)

    def run(self, scenario, to=None, **more):
        return self.start(scenario, to, **more).finish()

    def publish(self, basic, note):
        """PUBLISHes a state; a later one replaces the earlier (RFC 3903 §4.1)."""
        condition = f"SIP-If-Match: {self.etag}" if self.etag else "Subject: first state"
        run = self.run("presence_publish", basic=basic, note=note, condition=condition)
        answers = run.received("SIP/2.0 200")
        self.etag = header(answers[0], "SIP-ETag") if answers else None
        return run


class Run:
    def __init__(self, user, name, process, seconds):
        self.user, self.name, self.process, self.seconds = user, name, process, seconds
        self.messages_file = user.folder / f"{name}.messages"
        self.errors_file = user.folder / f"{name}.errors"
        self.status = None

    def finish(self):
        self.status = self.process.wait(self.seconds + 10)
        return self

    @property
    def succeeded(self):
        return self.status == 0

    def messages(self):
        """[(received?, text)] in order."""
        try:
            text = self.messages_file.read_text(errors="replace")
        except OSError:
            return []
        found = []
        for part in re.split(r"^-{20,}.*$", text, flags=re.M)[1:]:
            match = re.match(r"\s*\w+ message (sent|received)[^\n]*\n\n?(.*)", part, flags=re.S)
            if match:
                found.append((match.group(1) == "received", match.group(2).strip("\n")))
        return found

    def received(self, start):
        """The messages received whose first line begins with `start`."""
        return [text for inward, text in self.messages() if inward and text.startswith(start)]

    def why_it_failed(self):
        # SIPp says what it did not expect first, and then the whole message.
        errors = "\n".join(self.errors_file.read_text(errors="replace").splitlines()[:40]) if self.errors_file.exists() else ""
        return f"{self.name}: SIPp ended with {self.status}\n{errors or tail(self.process.log, 12)}"


def header(message, name):
    """The value of a header in a message as text; None if it is not there."""
    match = re.search(rf"^{re.escape(name)}\s*:\s*(.*?)\s*$", message.split("\n\n")[0].replace("\r", ""), re.M | re.I)
    return match.group(1) if match else None
