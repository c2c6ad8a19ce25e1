"""The demo's second half: northwind.example runs a stock Prosody, and its users meet those of contoso.example."""
from lab import names, namespace
from lab.process import LabError, wait_until
from lab.prosody import Prosody
from lab.sipp import header
from lab.xmpp_user import XmppError, XmppUser


class Juliet:
    """To SIPp an address like any other; to Prosody a client that is signed in."""
    user, domain = "juliet", names.XMPP_DOMAIN
    uri, jid = f"sip:juliet@{names.XMPP_DOMAIN}", f"juliet@{names.XMPP_DOMAIN}"

    def __init__(self, lab):
        self.server = Prosody(lab.ledger, lab.folder, names.XMPP_DOMAIN, names.XMPP_SERVER, lab.xmpp_server, lab.public.certificate).start()
        self.server.add_user(self.user)
        self.client = XmppUser(names.XMPP_SERVER, self.jid, "secret", lab.public.certificate,
                               connect=lambda address: namespace.connect(lab.name, address))
        self.client.presence()

    def close(self):
        self.client.close()
        self.server.stop()


def _told(world, line):
    world.tell(f" juliet {line}")


def _try(world, function, *arguments, **more):
    try:
        return function(*arguments, **more)
    except (XmppError, LabError) as error:
        raise world.failed(f"{error}\n{world.logs()}") from None


def contact_added(world):
    """juliet@northwind.example, a user of a stock Prosody (XMPP), adds alice and sees her come and go"""
    juliet, alice = world.juliet.client, f"alice@{names.OWN_DOMAIN}"
    world.expect(world.alice.publish("open", "at her desk"))
    juliet.presence(alice, "subscribe")
    _try(world, juliet.wait_presence, alice, "subscribed", seconds=20)
    _told(world, "<- presence type='subscribed'")
    seen = _try(world, juliet.wait_presence, alice, seconds=20)
    _told(world, f"<- presence: {seen.get('from')} is there: {seen.findtext('{jabber:client}status')}")
    world.expect(world.alice.publish("closed", "gone home"))
    _try(world, juliet.wait_presence, alice, "unavailable", seconds=20)
    _told(world, f"<- presence: {alice} is gone")


def contact_watched(world):
    """alice watches juliet: SUBSCRIBE becomes a request that juliet grants, her presence comes by NOTIFY"""
    juliet, alice = world.juliet.client, f"alice@{names.OWN_DOMAIN}"
    watching = world.alice.start("presence_watch_open", world.juliet, seconds=30)
    _try(world, juliet.wait_presence, alice, "subscribe", seconds=20)
    _told(world, "<- presence type='subscribe'; she grants it")
    juliet.presence(alice, "subscribed")
    watching.finish()
    world.expect(watching)
    world.show(watching)
    open_ = [m for m in watching.received("NOTIFY") if "<basic>open</basic>" in m][0]
    world.tell(f"        juliet is open: {header(open_, 'Subscription-State')}")


def chat(world):
    """alice and juliet chat, SIP on one side, XMPP on the other"""
    juliet, alice = world.juliet.client, f"alice@{names.OWN_DOMAIN}"
    sent = world.alice.run("message_send", world.juliet, text="Hello Juliet, this is alice")
    world.expect(sent)
    heard = _try(world, juliet.wait_message, "Hello Juliet, this is alice", alice)
    world.show(sent, ("MESSAGE", "SIP/2.0 "))
    _told(world, f"<- message from {heard.get('from')}: \"{heard.findtext('{jabber:client}body')}\"")
    waiting = world.alice.start("message_receive", world.juliet)
    wait_until(lambda: waiting.process.is_running(), 5, "alice listens")
    juliet.message(alice, "Good morrow, alice")
    _told(world, '-> message: "Good morrow, alice"')
    got = waiting.finish()
    world.expect(got)
    world.show(got, ("MESSAGE",))
    if "Good morrow, alice" not in got.received("MESSAGE")[0]:
        raise world.failed("another message came")
    world.crossed_the_edge(got.received("MESSAGE")[0], names.EDGE_NAME)


def partner_off_and_on(world):
    """the XMPP partner is turned off and on again by one command each, live"""
    if world.said("xmpp", "disable", names.XMPP_DOMAIN).returncode != 0:
        raise world.failed("the command failed\n" + world.logs())
    refused = world.alice.run("message_refused", world.juliet, text="This must not arrive")
    world.expect(refused)
    world.show(refused)
    world.tell(f"        ms-diagnostics: {header(refused.received('SIP/2.0 403')[0], 'ms-diagnostics')}")
    answer = world.said("why", f"alice@{names.OWN_DOMAIN}", world.juliet.jid)
    if "partner-enabled" not in answer.stdout:
        raise world.failed("`parley why` does not name the step")
    if world.said("xmpp", "enable", names.XMPP_DOMAIN).returncode != 0:
        raise world.failed("the command failed\n" + world.logs())
    sent = world.alice.run("message_send", world.juliet, text="And on again")
    world.expect(sent)
    _try(world, world.juliet.client.wait_message, "And on again")
    _told(world, '<- message: "And on again"')
    world.said("xmpp", "list")


# Last the one after which NOTIFYs come to alice at any time.
XMPP_STEPS = [contact_added, chat, partner_off_and_on, contact_watched]
