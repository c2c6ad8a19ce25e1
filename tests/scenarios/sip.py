"""Short words for the requests of the scenarios."""
from lab import names
from lab.sip_peer import request, unique

ALICE = f"sip:alice@{names.OWN_DOMAIN}"
BOB = f"sip:bob@{names.PARTNER_DOMAIN}"

SESSION_SDP = "v=0\r\no=- 0 0 IN IP4 192.0.2.1\r\ns=session\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=message 5060 sip {uri}\r\n" \
              "a=accept-types:text/plain\r\n"
AUDIO_SDP = "v=0\r\no=- 0 0 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 40000 RTP/AVP 0\r\n"


def message(from_=BOB, to=ALICE, body="hello", **more):
    return request("MESSAGE", to, from_, to, body=body, via_host=names.PARTNER_NAME, **more)


def invite(from_=BOB, to=ALICE, sdp=SESSION_SDP, **more):
    domain = from_.partition("@")[2]
    # Lync's Contact is a GRUU: it names the domain, not a host.
    more.setdefault("contact", f"<{from_};opaque=user:epid:abc;gruu>")
    return request("INVITE", to, from_, to, body=sdp.format(uri=from_), content_type="application/sdp",
                   via_host=f"edge.{domain}", **more)


def user_of(uri):
    return uri.partition(":")[2].partition("@")[0]


class Dialog:
    """One side's view of a dialog, to write requests in it (RFC 3261 §12.2)."""

    def __init__(self, local, remote, call_id, local_tag, remote_tag, target, routes):
        self.local, self.remote, self.call_id = local, remote, call_id
        self.local_tag, self.remote_tag, self.target, self.routes = local_tag, remote_tag, target, list(routes)
        self.cseq = 100

    @classmethod
    def of_caller(cls, sent_call_id, local, local_tag, answer, remote):
        """From the 200 the caller received: the route set is Record-Route reversed (RFC 3261 §12.1.2)."""
        return cls(local, remote, sent_call_id, local_tag, tag_of(answer.get("To")), uri_of(answer.get("Contact")),
                   reversed(split(answer.all("Record-Route"))))

    @classmethod
    def of_called(cls, request_, local, local_tag, remote):
        """From the request the called side received: Record-Route in order (RFC 3261 §12.1.1)."""
        return cls(local, remote, request_.get("Call-ID"), local_tag, tag_of(request_.get("From")),
                   uri_of(request_.get("Contact")), split(request_.all("Record-Route")))

    def request(self, method, **more):
        self.cseq += 1
        more.setdefault("from_", self.local)
        more.setdefault("routes", self.routes)
        more.setdefault("cseq", self.cseq)
        more.setdefault("via_host", "edge." + self.local.partition("@")[2])
        return request(method, self.target, more.pop("from_"), self.remote, call_id=self.call_id, from_tag=self.local_tag,
                       to_tag=self.remote_tag, **more)


def split(values):
    """The values of Record-Route headers, one a route, as they stand (commas separate them)."""
    return [part.strip() for value in values for part in value.split(",")]


def tag_of(value):
    return value.partition(";tag=")[2].partition(";")[0]


def uri_of(value):
    return value.partition("<")[2].partition(">")[0]


__all__ = ["ALICE", "BOB", "SESSION_SDP", "AUDIO_SDP", "Dialog", "invite", "message", "request", "split", "tag_of", "uri_of",
           "unique", "user_of"]
