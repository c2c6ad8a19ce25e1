"""
What the demo shows and the scenario tests repeat: two organisations with real
servers (Kamailio) talk through a real edge.

Each step is a function of the world; it tells what it saw on the wire, and
raises StepFailed with what it expected and the logs that explain it.
"""
from lab import kamailio, names
from lab.process import LabError, tail, wait_until
from lab.sipp import User, header
from lab.xmpp_steps import Juliet, XMPP_STEPS


class StepFailed(Exception):
    pass


class World:
    """Both organisations, the edge between them, and somebody to tell."""

    def __init__(self, lab, tell):
        self.lab, self.tell = lab, tell
        self.alice = User(lab.ledger, lab.folder, "alice", names.OWN_DOMAIN, names.ALICE, names.POOL)
        self.bob = User(lab.ledger, lab.folder, "bob", names.PARTNER_DOMAIN, names.BOB, names.PARTNER)
        self.edge = lab.edge(allowed=[names.PARTNER_DOMAIN], topology={"pool_ping_interval": 1},
                             xmpp={names.XMPP_DOMAIN: {"partner_type": "federated"}})
        self.failed = StepFailed

    def start(self):
        lab = self.lab
        self.edge.start()
        self.pool = kamailio.start(lab.ledger, lab.folder, "pool", names.OWN_DOMAIN, names.POOL, names.EDGE_NAME,
                                   lab.pool, lab.internal.certificate)
        self.partner = kamailio.start(lab.ledger, lab.folder, "partner", names.PARTNER_DOMAIN, names.PARTNER,
                                      names.EDGE_EXTERNAL_NAME, lab.partner, lab.public.certificate)
        for user in (self.alice, self.bob):
            self.expect(user.run("register"))
        self.juliet = Juliet(lab)

    # ---- telling and expecting ----
    def show(self, run, first_lines=("MESSAGE", "INVITE", "BYE", "SUBSCRIBE", "NOTIFY", "SIP/2.0 ")):
        """Tells the messages of a run that matter, as they crossed the wire."""
        for is_inward, text in run.messages():
            line = text.splitlines()[0].strip()
            if line.startswith(first_lines) and not line.startswith("SIP/2.0 100"):
                body = text.partition("\n\n")[2].strip().splitlines()
                said = f'   "{body[0]}"' if body and line.startswith("MESSAGE") else ""
                self.tell(f"{run.user.user:>7} {'<-' if is_inward else '->'} {line}{said}")

    def logs(self):
        edge = self.edge.process.log if self.edge.process else ""
        return "\n".join(f"--- {name}\n{tail(log, 15)}" for name, log in
                         (("edge", edge), ("contoso's pool", self.pool.log), ("fabrikam", self.partner.log),
                          ("northwind", self.juliet.server.log)))

    def expect(self, *runs):
        for run in runs:
            if not run.succeeded:
                raise StepFailed(f"{run.why_it_failed()}\n{self.logs()}")

    def crossed_the_edge(self, message, edge_name):
        """The message carries the edge's Via, so it did not go around it."""
        vias = [line for line in message.splitlines() if line.lower().startswith("via:") and edge_name in line]
        if not vias:
            raise StepFailed(f"the message did not come through the edge ({edge_name} is in no Via):\n{message}")
        self.tell(f"        through the edge: {vias[0].split(';')[0]}")

    def said(self, *words):
        """Runs the command line on the edge, tells command and answer."""
        self.tell(f"        $ parley {' '.join(words)}")
        answer = self.edge.parley(*words)
        for line in (answer.stdout + answer.stderr).splitlines():
            self.tell(f"          {line}")
        return answer


def _message(world, sender, receiver, via):
    waiting = receiver.start("message_receive", sender)
    sent = sender.run("message_send", receiver, text=f"Hello {receiver.user}, this is {sender.user}")
    got = waiting.finish()
    world.expect(sent, got)
    world.show(got, ("MESSAGE",))
    world.crossed_the_edge(got.received("MESSAGE")[0], via)
    world.show(sent, ("SIP/2.0 ",))


def message_inward(world):
    """bob@fabrikam.example writes to alice@contoso.example"""
    _message(world, world.bob, world.alice, names.EDGE_NAME)


def message_outward(world):
    """alice@contoso.example writes to bob@fabrikam.example"""
    _message(world, world.alice, world.bob, names.EDGE_EXTERNAL_NAME)


def _session(world, caller, called, via):
    waiting = called.start("session_answer", caller)
    invited = caller.run("session_invite", called)
    answered = waiting.finish()
    world.expect(invited, answered)
    for run in (invited, answered):
        if not [m for m in run.received("SIP/2.0 200") if header(m, "CSeq").endswith("MESSAGE")]:
            raise StepFailed(f"{run.name}: what was said in the session got no answer\n{world.logs()}")
    if not answered.received("ACK"):
        raise StepFailed(f"the ACK did not arrive\n{world.logs()}")
    world.show(invited)
    world.crossed_the_edge(answered.received("INVITE")[0], via)
    world.crossed_the_edge(answered.received("MESSAGE")[0], via)


def session_inward(world):
    """bob holds an IM session with alice: INVITE with m=message, MESSAGE both ways in its dialog, BYE"""
    _session(world, world.bob, world.alice, names.EDGE_NAME)


def session_outward(world):
    """alice holds an IM session with bob"""
    _session(world, world.alice, world.bob, names.EDGE_EXTERNAL_NAME)


def _presence(world, watcher, watched, via):
    world.expect(watched.publish("open", "in the office"))
    watching = watcher.start("presence_watch", watched)
    try:
        wait_until(lambda: watching.received("NOTIFY"), 10, "the first NOTIFY", watching.process.is_running)
        published = watched.publish("closed", "gone home")
        world.expect(published)
        watching.finish()
    except LabError as error:
        watching.finish()
        raise StepFailed(f"{error}\n{watching.why_it_failed()}\n{world.logs()}") from None
    world.expect(watching)
    world.show(watching)
    if not [m for m in watching.received("SIP/2.0 2") if header(m, "CSeq").endswith("SUBSCRIBE")]:
        raise StepFailed("the SUBSCRIBE got no answer\n" + world.logs())
    notifies = list({header(m, "CSeq"): m for m in watching.received("NOTIFY")}.values())  # not retransmissions
    for notify, state in zip(notifies, ("open", "closed")):
        if f"<basic>{state}</basic>" not in notify:
            raise StepFailed(f"a NOTIFY says something else than {state}:\n{notify}")
        world.tell(f"        {watched.user} is {state}: {header(notify, 'Subscription-State')}")
    world.crossed_the_edge(notifies[0], via)


def presence_inward(world):
    """bob watches alice's presence: SUBSCRIBE, the state by NOTIFY, she changes it, the next NOTIFY"""
    _presence(world, world.bob, world.alice, names.EDGE_EXTERNAL_NAME)


def presence_outward(world):
    """alice watches bob's presence"""
    _presence(world, world.alice, world.bob, names.EDGE_NAME)


def _refused(world, user, receiver, step, **more):
    """A message that must get 403, and an event that names the step which refused it."""
    run = user.run("message_refused", receiver, text="This must not arrive", **more)
    world.expect(run)
    answer = run.received("SIP/2.0 403")[0]
    world.show(run)
    for name in ("ms-diagnostics", "Warning", "Reason"):
        if header(answer, name):
            world.tell(f"        {name}: {header(answer, name)}")
    try:
        wait_until(lambda: step in world.edge.parley("event", "tail").stdout, 10, f"an event that names {step}")
    except LabError as error:
        raise StepFailed(f"{error}\n{world.edge.parley('event', 'tail').stdout}\n{world.logs()}") from None


def spoofed_sender(world):
    """bob's server sends a message whose From says evil.example: refused"""
    _refused(world, world.bob, world.alice, "mallory@evil.example", sender="sip:mallory@evil.example")
    last = [line for line in world.edge.parley("event", "tail").stdout.splitlines() if "evil.example" in line]
    world.tell(f"        event: {last[-1].strip()}")


def domain_blocked(world):
    """fabrikam.example is blocked by one command: the next message is refused, both ways, with its reason"""
    if world.said("domain", "block", names.PARTNER_DOMAIN).returncode != 0:
        raise StepFailed("the command failed\n" + world.logs())
    _refused(world, world.bob, world.alice, "blocked-domain")
    _refused(world, world.alice, world.bob, "blocked-domain")
    answer = world.said("why", f"bob@{names.PARTNER_DOMAIN}", f"alice@{names.OWN_DOMAIN}")
    if "blocked-domain" not in answer.stdout or names.PARTNER_DOMAIN not in answer.stdout:
        raise StepFailed("`parley why` does not name the step and the domain")
    last = [line for line in world.edge.parley("event", "tail").stdout.splitlines() if "blocked-domain" in line]
    world.tell(f"        event: {last[-1].strip()}")


def domain_allowed_again(world):
    """fabrikam.example is allowed again: messages cross, both ways"""
    if world.said("domain", "allow", names.PARTNER_DOMAIN).returncode != 0:
        raise StepFailed("the command failed\n" + world.logs())
    _message(world, world.bob, world.alice, names.EDGE_NAME)
    _message(world, world.alice, world.bob, names.EDGE_EXTERNAL_NAME)


def edge_lives(world):
    """after all this the edge is the process that was started, and says so"""
    if not world.edge.process.is_running():
        raise StepFailed("parleyd has ended\n" + world.logs())
    if world.said("status").returncode != 0 or world.said("connection", "list").returncode != 0:
        raise StepFailed("the edge does not answer\n" + world.logs())


STEPS = [message_inward, message_outward, session_inward, session_outward, presence_outward, presence_inward,
         spoofed_sender, domain_blocked, domain_allowed_again, *XMPP_STEPS, edge_lives]
