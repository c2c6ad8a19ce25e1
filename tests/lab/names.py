"""Who lives where in the lab: one 127.0.x.y address a host (and fd00: where IPv6 is the point)."""

OWN_DOMAIN = "contoso.example"
EDGE_NAME, EDGE_EXTERNAL_NAME = "edge1.contoso.example", "sip.contoso.example"
EDGE_EXTERNAL, EDGE_INTERNAL = "127.0.10.1", "127.0.10.2"
EDGE_EXTERNAL_6 = "fd00:10::1"
POOL_NAME, POOL = "pool1.contoso.example", "127.0.11.1"
ALICE = "127.0.11.10"

PARTNER_DOMAIN = "fabrikam.example"
PARTNER_NAME, PARTNER = "sip.fabrikam.example", "127.0.20.1"
PARTNER_2, PARTNER_3, PARTNER_6 = "127.0.20.2", "127.0.20.3", "fd00:20::1"
DEAD_6 = "fd00:dead::1"  # nobody has it: no route
SLOW_DOMAIN, SLOW_DNS = "slow.example", "127.0.53.1"  # a name server that a test plays, or nobody
BOB = "127.0.20.10"

# Outside: what remote users reach over a network that is no loopback, through a NAT of their own.
REMOTE_NAME, REMOTE_EDGE, REMOTE_DNS = "remote.contoso.example", "203.0.113.1", "203.0.113.53"
NAT_OUTSIDE, NAT_LAB, NAT_INSIDE, HOME = "198.51.100.2", "198.51.100.1", "192.168.77.1", "192.168.77.2"

XMPP_DOMAIN = "northwind.example"
OWN_XMPP_NAME = "im.contoso.example"
XMPP_NAME, XMPP_SERVER, XMPP_SERVER_2 = "xmpp.northwind.example", "127.0.30.1", "127.0.30.2"

SIPS_PORT = 5061
REMOTE_PORT = 443
XMPP_PORT = 5269
