"""
How Lync speaks across federation: what its clients, front ends and Access Edges
write into a message that a proxy between them must carry unharmed ([MS-SIP],
[MS-SIPRE], [MS-PRES], [MS-CONFIM]; the shapes are those of traces).

An Endpoint writes messages; a Lync is a whole deployment on one side of the edge
under test: a connection it opened, and a server for those the edge opens, since
Lync never counts on one connection for both directions.
"""
import base64
import os

from lab.sip_peer import Message, Timeout, unique
from sip import split, uri_of

AGENT = "User-Agent: UCCAPI/15.0.4420.1017 OC/15.0.4420.1017 (Microsoft Lync)"
ALLOW = "Allow: INVITE, BYE, ACK, CANCEL, INFO, UPDATE, REFER, NOTIFY, BENOTIFY, OPTIONS"
PLAIN = "text/plain;charset=UTF-8;msgr=WAAtAE0ATQBTAC0ASQBNAC0ARgBvAHIAbQBhAHQAOgAgAEYATgA9AFMAZQBnAG8AZQAlADIAMABVAEkA"

ACCEPTED = "text/plain multipart/alternative image/gif text/rtf text/html application/x-ms-ink application/ms-imdn+xml " \
           "text/x-msmsgsinvite"
_SDP = "v=0\r\no=- 0 0 IN IP4 192.0.2.77\r\ns=session\r\nc=IN IP4 192.0.2.77\r\nt=0 0\r\n"
OFFERS = {
    "several-accept-types": _SDP + "m=message 5060 sip sip:{user}\r\na=accept-types:" + ACCEPTED + "\r\n",
    "one-accept-type": _SDP + "m=message 5060 sip sip:{user}\r\na=accept-types:text/plain\r\n",
    "old-form": _SDP + "m=x-ms-message 5060 sip null\r\na=accept-types:" + ACCEPTED + "\r\n",
    "old-null-uri": _SDP + "m=message 5060 sip null\r\n",
}
IM = OFFERS["several-accept-types"]

_AUDIO = _SDP + "b=CT:99980\r\na=x-devicecaps:audio:send,recv;video:recv\r\nm=audio 50012 RTP/AVP 114 9 111 0 8 101\r\n" \
                "a=x-ssrc-range:1447107584-1447107584\r\na=rtcp:50013\r\na=ice-ufrag:pQ6n\r\n" \
                "a=crypto:2 AES_CM_128_HMAC_SHA1_80 inline:kkP2A9dJzIHS1e9Vf8T4jKXmN6E3yYtX0Zr1w0hQ|2^31|1:1\r\n"
_PART = "--{b}\r\nContent-Type: application/sdp\r\nContent-Transfer-Encoding: 7bit\r\n" \
        "Content-Disposition: session; handling=optional{more}\r\n\r\n{sdp}\r\n"
BOUNDARY = "----=_NextPart_000_0015_01CD2A5B.7F3C1AD0"
# A call as Lync 2010 and later offer it: the old and the new form of the same session.
CALL_TYPE = f'multipart/alternative;boundary="{BOUNDARY}"'
CALL = _PART.format(b=BOUNDARY, more="; ms-proxy-2007fallback", sdp=_AUDIO) + _PART.format(b=BOUNDARY, more="", sdp=_AUDIO) \
       + f"--{BOUNDARY}--\r\n"
AUDIO = _AUDIO

TYPING = '<?xml version="1.0"?>\r\n<KeyboardActivity>\r\n  <status status="type" />\r\n</KeyboardActivity>\r\n'
TYPING_TYPE = "application/xml"

WATCHER = ["Event: presence",
           "Accept: application/msrtc-event-categories+xml, text/xml+msrtc.pidf, application/pidf+xml, "
           "application/xpidf+xml, application/rlmi+xml, multipart/related",
           "Supported: com.microsoft.autoextend", "Supported: ms-piggyback-first-notify"]
PIDF = '<?xml version="1.0" encoding="utf-8"?>\r\n<presence xmlns="urn:ietf:params:xml:ns:pidf" entity="{0}">' \
       '<tuple id="0"><status><basic>{1}</basic></status></tuple></presence>\r\n'


def signature():
    """44 characters as Lync signs with them: they hold what a careless proxy decodes or cuts off."""
    return "aa" + base64.b64encode(os.urandom(30), b"-_").decode() + "AA"


def first_text(text):
    """A first message inside an INVITE: base64 in a parameter, with its '='."""
    return f"Ms-Text-Format: {PLAIN};ms-body={base64.b64encode(text.encode()).decode()}"


def conversation(inviter, invited):
    """What else stands in the INVITE of a conversation."""
    return ["Supported: ms-delayed-accept", "Supported: Replaces", "Supported: ms-early-media", "Supported: histinfo",
            "Supported: ms-safe-transfer", "Supported: ms-sender", "Supported: timer", "Supported: gruu-10",
            f"Roster-Manager: {inviter}", f'EndPoints: "{inviter}" <{inviter}>, <{invited}>',
            "ms-keep-alive: UAC;hop-hop=yes", "Ms-Conversation-ID: Ac0qW3A/cVzRQ1yKTlWmnPpTLt7ySw==",
            "ms-subnet: 192.0.2.0", "Accept-Language: en-US"]


class Endpoint:
    """A user at a client; `hops`: the servers his requests go through before our edge, nearest to it first."""

    def __init__(self, uri, name, *hops):
        self.uri, self.name, self.hops = uri, name, hops
        self.epid = os.urandom(5).hex()
        self.gruu = f"{uri};opaque=user:epid:{base64.urlsafe_b64encode(os.urandom(14)).decode().rstrip('=')}AA;gruu"
        self.contact = f"<{self.gruu}>"

    def from_(self, tag):
        return f'"{self.name}"<{self.uri}>;tag={tag};epid={self.epid}'

    def vias(self):
        """Of his servers and his client, with what Microsoft's add to each: quoted strings, numbers, received."""
        server = [f'SIP/2.0/TLS {hop}:{50221 + at if at else 5061};branch={unique("z9hG4bK")}.{unique().upper()};branched=FALSE'
                  f';ms-internal-info="cs{signature()}"' + (f";ms-received-port={50221 + at};ms-received-cid=31D{at}0" if at else "")
                  for at, hop in enumerate(self.hops)]
        return server + ["SIP/2.0/TLS 192.0.2.77:49501;received=172.16.0.5;ms-received-port=49501;ms-received-cid=2C1A00"]

    def record_routes(self):
        """What his servers write into a request of his, the one nearest to our edge on top."""
        return [f"<sip:{hop}:5061;transport=tls;opaque=state:F:Ci.R{at}1600;lr;ms-key-info=AAEAA{signature()}+/=;"
                f"ms-route-sig={signature()}>;tag={unique().upper()}" for at, hop in enumerate(self.hops)]

    def request(self, method, to, *, uri=None, to_value=None, from_value=None, call_id=None, cseq=1, routes=(), headers=(),
                body="", content_type=PLAIN, records=True, contact=True, vias=None):
        """A request as bytes, as it reaches our edge.  `to`: whom; `records`: its servers want to stay in the path."""
        body = body.encode() if isinstance(body, str) else body
        lines = [f"{method} {uri or to} SIP/2.0"]
        lines += [f"Via: {via}" for via in vias or self.vias()]
        lines += [f"Record-Route: {record}" for record in (self.record_routes() if records else ())]
        lines += [f"Route: {route}" for route in routes]
        lines += ["Max-Forwards: 68", f"From: {from_value or self.from_(unique())}", f"To: {to_value or f'<{to}>'}",
                  f"Call-ID: {call_id or unique()}", f"CSeq: {cseq} {method}"]
        lines += [f"Contact: {self.contact}"] if contact else []
        lines += [AGENT, *headers]
        lines += [f"Content-Type: {content_type}"] if body else []
        return ("\r\n".join([*lines, f"Content-Length: {len(body)}"]) + "\r\n\r\n").encode() + body

    def invite(self, to, offer=IM, headers=(), content_type="application/sdp", **more):
        return self.request("INVITE", to, headers=[ALLOW, *conversation(self.uri, to), *headers],
                            body=offer.replace("{user}", self.uri.partition(":")[2]), content_type=content_type, **more)

    def answer(self, to, status, reason="OK", headers=(), body="", content_type="application/sdp", records=None):
        """An answer to a request (a Message), as bytes: in what makes a dialog, his servers have put themselves in the path."""
        lines = [f"SIP/2.0 {status} {reason}"]
        lines += [f"Via: {via}" for via in to.all("Via")]
        lines += [f"From: {to.get('From')}", f"To: {self.to_value(to)}"]
        lines += [f"Call-ID: {to.get('Call-ID')}", f"CSeq: {to.get('CSeq')}"]
        lines += [f"Record-Route: {record}" for record in (records or [])]
        lines += [f"Record-Route: {record}" for record in to.all("Record-Route")]
        lines += [AGENT.replace("User-Agent", "Server") if status >= 300 else AGENT, *headers]
        lines += [f"Content-Type: {content_type}"] if body else []
        body = body.encode()
        return ("\r\n".join([*lines, f"Content-Length: {len(body)}"]) + "\r\n\r\n").encode() + body

    def to_value(self, request):
        value = request.get("To")
        return value if ";tag=" in value else f"{value};epid={self.epid};tag={self.epid}{request.get('Call-ID')[-4:]}"


class Dialog:
    """One side's half of a dialog: both ends' From and To are kept as they were written (RFC 3261 §12.1, [MS-SIPRE] epid)."""

    def __init__(self, endpoint, local, remote, call_id, target, routes, cseq=100):
        self.endpoint, self.local, self.remote, self.call_id = endpoint, local, remote, call_id
        self.target, self.routes, self.cseq = target, list(routes), cseq

    @classmethod
    def of_caller(cls, endpoint, answer):
        """The route set is Record-Route reversed (RFC 3261 §12.1.2); his own servers' part is used up before our edge."""
        routes = list(reversed(split(answer.all("Record-Route"))))[len(endpoint.hops):]
        return cls(endpoint, answer.get("From"), answer.get("To"), answer.get("Call-ID"), uri_of(answer.get("Contact")),
                   routes, int(answer.get("CSeq").split()[0]))

    @classmethod
    def of_called(cls, endpoint, request):
        """From a request as it left our edge, before the called side's servers put themselves on top."""
        return cls(endpoint, endpoint.to_value(request), request.get("From"), request.get("Call-ID"),
                   uri_of(request.get("Contact")), split(request.all("Record-Route")))

    def request(self, method, **more):
        if method != "ACK" and "cseq" not in more:
            self.cseq += 1
        more.setdefault("cseq", self.cseq)
        more.setdefault("records", False)
        return self.endpoint.request(method, uri_of(self.remote), uri=self.target, to_value=self.remote, from_value=self.local,
                                     call_id=self.call_id, routes=self.routes, **more)


class Lync:
    """`answers`: method -> function(self, connection, request), where a test wants something else than the usual."""

    def __init__(self, endpoint, connection, serve):
        self.endpoint, self.connection = endpoint, connection
        self.answers, self.sent = {}, []
        # In an answer the server nearest to the client is on top.
        self.records = list(reversed(endpoint.record_routes()))
        self._serve = serve
        self.open()

    def open(self):
        self.server = self._serve(handler=self._handle)

    def forget(self):
        """Between two tests: nothing of the one is found by the other."""
        self.answers.clear()
        self.sent.clear()
        while not self.server.has_no_request():
            self.server.next_request()
        try:
            while True:
                self.connection.receive(0)
        except Timeout:
            pass

    def _handle(self, connection, message):
        if message.is_request:
            self.answers.get(message.method, Lync.accept)(self, connection, message)

    def reply(self, connection, request, status, reason="OK", **more):
        """What is sent is kept in `sent`, to be compared with what the other side got."""
        data = self.endpoint.answer(request, status, reason, **more)
        self.sent.append(parse(data))
        connection.send(data)
        return data

    def accept(self, connection, request):
        """A client that takes what comes: rings and answers, says 200 to the rest."""
        contact = [f"Contact: {self.endpoint.contact}"]
        if request.method == "INVITE":
            self.reply(connection, request, 180, "Ringing", headers=contact, records=self.records)
            self.reply(connection, request, 200, headers=[*contact, ALLOW, "Supported: timer", "Session-Expires: 720;refresher=uac"],
                       body=IM.replace("{user}", self.endpoint.uri.partition(":")[2]), records=self.records)
        elif request.method == "SUBSCRIBE":
            self.reply(connection, request, 200, headers=[*contact, f"Expires: {request.get('Expires')}"], records=self.records)
        elif request.method != "ACK":
            self.reply(connection, request, 200)

    # ---- as client ----
    def send(self, data):
        self.connection.send(data)
        return parse(data)

    def ask(self, data):
        """(what was sent, its final answer)."""
        return parse(data), self.connection.ask(data)

    def next_request(self):
        return self.server.next_request()


def parse(data):
    head, _, body = data.partition(b"\r\n\r\n")
    return Message(head, body)


# ---- what must have survived ----

# What each hop writes; the headers about the sender are for the edge to write, and have tests of their own.
_OF_HOPS = ("via", "record-route", "route", "max-forwards", "content-length", "ms-edge-proxy-message-trust",
            "ms-asserted-verification-level")


def end_to_end(message, without=()):
    return [(name.lower(), value) for name, value in message.headers
            if name.lower() not in _OF_HOPS and name.lower() not in without]


def assert_crossed(sent, got, without=()):
    """Between the ends nothing has changed: each header byte for byte and in its place, and the body."""
    assert got.is_request == sent.is_request and (sent.is_request or got.start == sent.start), f"{sent.start}\n{got.text()}"
    assert end_to_end(got) == end_to_end(sent, without)
    assert got.body == sent.body
    assert not sent.is_request or got.method == sent.method
    assert got.get("Content-Length") == str(len(sent.body))


