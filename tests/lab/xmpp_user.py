"""An XMPP client, by hand: signs in (STARTTLS, SASL PLAIN, RFC 6120), says what it is told to, and keeps what it hears."""
import base64
import itertools
import socket
import ssl
import threading
import time
import xml.etree.ElementTree as Tree
from xml.sax.saxutils import escape, quoteattr

CLIENT, STREAM = "jabber:client", "http://etherx.jabber.org/streams"
TLS, SASL, BIND = "urn:ietf:params:xml:ns:xmpp-tls", "urn:ietf:params:xml:ns:xmpp-sasl", "urn:ietf:params:xml:ns:xmpp-bind"
NUMBERS = itertools.count(1)


class XmppError(Exception):
    pass


class XmppUser:
    def __init__(self, address, jid, password, trust, resource="lab", timeout=15, connect=None):
        self.bare, self.timeout = jid, timeout
        self.name, _, self.domain = jid.partition("@")
        self.heard, self.changed, self.is_over = [], threading.Condition(), False
        self.socket = (connect or socket.create_connection)((address, 5222))
        self.socket.settimeout(timeout)
        self._open()
        self._ask(f"<starttls xmlns='{TLS}'/>", f"{{{TLS}}}proceed")
        context = ssl.create_default_context(cafile=str(trust))
        self.socket = context.wrap_socket(self.socket, server_hostname=self.domain)
        self._open()
        plain = base64.b64encode(f"\0{self.name}\0{password}".encode()).decode()
        self._ask(f"<auth xmlns='{SASL}' mechanism='PLAIN'>{plain}</auth>", f"{{{SASL}}}success")
        self._open()
        answer = self._ask(f"<iq type='set' id='bind'><bind xmlns='{BIND}'><resource>{resource}</resource></bind></iq>", f"{{{CLIENT}}}iq")
        self.jid = answer.find(f".//{{{BIND}}}jid").text
        # Who has asked for the roster is told of answers to its requests (RFC 6121 §2.2).
        self._ask("<iq type='get' id='roster'><query xmlns='jabber:iq:roster'/></iq>", f"{{{CLIENT}}}iq")
        self.socket.settimeout(None)
        threading.Thread(target=self._read, daemon=True).start()

    # ---- the stream ----
    def _open(self):
        self.parser = Tree.XMLPullParser(("start", "end"))
        self.depth, self.root = 0, None
        self._write(f"<?xml version='1.0'?><stream:stream to='{self.domain}' version='1.0' xmlns='{CLIENT}' xmlns:stream='{STREAM}'>")
        self._wait_for(f"{{{STREAM}}}features")

    def _write(self, text):
        self.socket.sendall(text.encode())

    def _next(self):
        """The next whole element of the stream; None at its end."""
        while True:
            for event, element in self.parser.read_events():
                self.depth += 1 if event == "start" else -1
                if event == "start" and self.depth == 1:
                    self.root = element
                elif event == "end" and self.depth == 1:
                    self.root.clear()
                    return element
                elif event == "end" and self.depth == 0:
                    return None
            try:
                data = self.socket.recv(65536)
            except OSError:
                return None
            if not data:
                return None
            self.parser.feed(data)

    def _wait_for(self, tag):
        element = self._next()
        if element is None or element.tag != tag:
            raise XmppError(f"{self.bare}: expected {tag}, got {element is not None and Tree.tostring(element)}")
        return element

    def _ask(self, text, tag):
        self._write(text)
        return self._wait_for(tag)

    def _read(self):
        while True:
            element = self._next()
            with self.changed:
                if element is None:
                    self.is_over = True
                else:
                    self.heard.append(element)
                self.changed.notify_all()
            if element is None:
                return

    # ---- talking ----
    def send(self, text):
        self._write(text)

    def message(self, to, body, kind="chat", more=""):
        """Returns its id."""
        id_ = f"m{next(NUMBERS)}"
        self.send(f"<message to={quoteattr(to)} type='{kind}' id='{id_}'><body>{escape(body)}</body>{more}</message>")
        return id_

    def presence(self, to=None, kind=None, show=None, status=None):
        attributes = (f" to={quoteattr(to)}" if to else "") + (f" type='{kind}'" if kind else "")
        inside = (f"<show>{show}</show>" if show else "") + (f"<status>{escape(status)}</status>" if status else "")
        self.send(f"<presence{attributes}>{inside}</presence>")

    def add(self, contact):
        """Asks to see the contact, and lets it see us."""
        self.presence(contact, "subscribe")
        self.presence(contact, "subscribed")

    # ---- hearing ----
    def wait(self, condition, seconds=15, what="a stanza"):
        """The first stanza heard so far or from now on of which condition(stanza) holds."""
        end, at = time.monotonic() + seconds, 0
        with self.changed:
            while True:
                for stanza in self.heard[at:]:
                    if condition(stanza):
                        return stanza
                at = len(self.heard)
                left = end - time.monotonic()
                if left <= 0 or self.is_over:
                    heard = "\n".join(Tree.tostring(s, encoding="unicode") for s in self.heard)
                    raise XmppError(f"{self.bare}: {what} did not come in {seconds} s{' (the stream is over)' if self.is_over else ''}; heard:\n{heard}")
                self.changed.wait(left)

    def forget(self):
        with self.changed:
            self.heard.clear()

    def wait_message(self, body, sender=None, seconds=15):
        def fits(stanza):
            found = stanza.find(f"{{{CLIENT}}}body")
            return (stanza.tag == f"{{{CLIENT}}}message" and found is not None and found.text == body
                    and (sender is None or stanza.get("from", "").partition("/")[0] == sender))
        return self.wait(fits, seconds, f"message {body[:60]!r}")

    def wait_presence(self, sender, kind=None, show=None, seconds=15):
        def fits(stanza):
            return (stanza.tag == f"{{{CLIENT}}}presence" and stanza.get("from", "").partition("/")[0] == sender
                    and stanza.get("type") == kind and stanza.findtext(f"{{{CLIENT}}}show") == show)
        return self.wait(fits, seconds, f"presence of {sender} (type {kind}, show {show})")

    def wait_error(self, id_, seconds=40):
        def fits(stanza):
            return stanza.get("type") == "error" and stanza.get("id") == id_
        return self.wait(fits, seconds, f"an error for {id_}")

    def close(self):
        try:
            self._write("</stream:stream>")
            self.socket.close()
        except OSError:
            pass
