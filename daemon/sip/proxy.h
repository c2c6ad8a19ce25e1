/*
 * proxy: what RFC 3261 §16 asks of a stateful proxy with one target a request,
 * as edits against the message.  Pure; keys and random bytes are arguments.
 *
 *   route.c        Route of a request that came in (§16.4): is it ours, is it good
 *   route_token.c  the token in our Record-Route; route_cover.c: what it covers
 *   proxy.c        forwarding (§16.6)
 *   return.c       the way back (§16.7)
 *   loop.c         branch and loops (RFC 5393)
 *   names.c        is it us
 *   hop.c          ACK and CANCEL of our own, out of what written.c reads back
 *   methods.def    what may cross
 *
 * The edge record-routes twice (two URIs, one for each side, RFC 5658) with a
 * token in each: an HMAC-SHA256, cut to 80 bits, over Call-ID, the tag of who
 * began the dialog, both parties, direction and next hop, so that an in-dialog
 * request tells by itself where it goes and whose dialog it is, and nobody can make
 * one up (no dialog table).
 *
 * Remote users are reached over the connection they came by (RFC 5626): its name
 * stands in the token of their dialogs, and in the Path (RFC 3327) that the
 * registrar inside keeps with their contact.
 */
#ifndef DAEMON_SIP_PROXY_H
#define DAEMON_SIP_PROXY_H

#include "daemon/sip/sip.h"
#include "shared/base/siphash.h"

/* Partners; our own servers; our own users outside, who come to a listener of their own. */
enum sip_side { SIP_SIDE_EXTERNAL, SIP_SIDE_INTERNAL, SIP_SIDE_REMOTE, SIP_SIDES };

/* Our own names and how requests reach us on one side. */
struct sip_side_names {
	struct slice fqdn;      /* lower case */
	uint16_t port;
	struct slice transport; /* "tls" or "tcp", for URIs */
	struct slice via_transport; /* "TLS" or "TCP" */
	const struct slice *addresses; /* listen addresses as text: also ours in a Route */
	size_t address_count;
};

enum { SIP_TOKEN_KEY_BYTES = 32, SIP_TOKEN_MAX = 512 };

/* Where an in-dialog request goes and whom policy is asked about, as the token says it. */
struct sip_token {
	enum sip_side towards;   /* the side the request leaves by */
	bool is_same_way;        /* as the request that formed the dialog: who began it is in From, not in To */
	struct slice next_hop;   /* external: "domain" of the partner; internal: pool member fqdn or "" for any; remote: the flow's name */
	/*
	 * Who was asked about when the dialog was formed, where From or To of this request names somebody else (its
	 * Request-URI then said another than To: a call led on).  Host empty: they name the right ones.
	 */
	struct slice decided_user, decided_host;
	bool decided_is_from;    /* in place of From; else of To */
};

struct sip_proxy {
	struct sip_side_names side[SIP_SIDES];
	uint8_t token_key[SIP_TOKEN_KEY_BYTES];
	struct siphash_key loop_key;
	/* HMAC-SHA256, injected so that the engine needs no library: (key, bytes, 32 bytes out). */
	void (*hmac)(const uint8_t *key, size_t key_length, struct slice bytes, uint8_t out[32]);
};

/* The same user and host?  Escapes, capitals and parameters make no other (RFC 3261 §19.1.2). */
bool sip_uri_is_same_party(const struct sip_uri *a, const struct sip_uri *b);
/* Does this URI name us on `side` (fqdn or listen address, and port)? */
bool sip_proxy_is_ours(const struct sip_proxy *proxy, enum sip_side side, const struct sip_uri *uri);

/* §16.6 step 8 branch: "z9hG4bK" + 16 hex of randomness + "-" + loop part (RFC 5393 §4.2.1). `random` is fresh. */
struct slice sip_proxy_branch(const struct sip_proxy *proxy, enum sip_side from, struct arena *arena,
                              const struct sip_message *request, uint64_t random);
/* True: this request has been here with the same routing inputs: 482. Spirals pass. RFC 5393 §4.2. */
bool sip_proxy_is_loop(const struct sip_proxy *proxy, enum sip_side from, const struct sip_message *request);
/* We have carried it before, for somebody else than a user of ours outside: a Via of ours says so. */
bool sip_proxy_has_passed(const struct sip_proxy *proxy, const struct sip_message *request);

enum sip_route_answer {
	SIP_ROUTE_NEW,       /* no Route of ours: out of dialog; go by Request-URI and policy */
	SIP_ROUTE_TOKEN,     /* our Route with a good token: in dialog; `token` says where */
	SIP_ROUTE_FLOW,      /* from inside, the Path we had given the registrar: out of dialog, to the flow that `token` names */
	SIP_ROUTE_PRELOADED, /* our own name on top without a token, nothing behind it: treat as NEW, pop it */
	SIP_ROUTE_FORGED,    /* 403: a Route that is not ours, or a bad token; from outside also maddr out of dialog */
	SIP_ROUTE_OTHER_PARTIES, /* 403: our token and of this dialog, but From or To is none of its parties */
};
/*
 * Route preprocessing (§16.4) for a request that arrived on `from`: pops our
 * values (both of a double Record-Route) as edits.  From outside no Route
 * steers anything: behind ours may stand only what the inside had recorded when
 * the dialog was made (the token covers it; the pool needs it), anything else is
 * FORGED.  From inside, what remains behind ours is kept in the message.
 * `token` is filled with SIP_ROUTE_TOKEN and SIP_ROUTE_FLOW only; its texts lie in `arena`.
 */
enum sip_route_answer sip_proxy_take_route(const struct sip_proxy *proxy, enum sip_side from,
                                           const struct sip_message *request, struct sip_edits *edits,
                                           struct sip_token *token, struct arena *arena);

/*
 * The edits of forwarding (§16.6): Max-Forwards, our Via (branch given), for
 * dialog-forming methods two Record-Routes with tokens, received/rport on the
 * topmost Via when the source differs, headers stripped by the table for this
 * direction.  `next_hop` is where in-dialog requests in the same direction go;
 * `previous_hop` where those of the other party go.  False: Max-Forwards is
 * used up, a token would be too long, no memory.
 *
 * Record-route INVITE and SUBSCRIBE out of a dialog, and NOTIFY (RFC 6665 §4.3:
 * the first one may be what makes the subscriber's dialog).
 */
struct sip_forward {
	enum sip_side from, to;
	struct slice branch;
	struct slice source_address; /* text of the peer's address, for received= */
	uint16_t source_port;
	bool record_route;
	struct slice next_hop, previous_hop; /* for the tokens */
	struct slice decided_user, decided_host; /* as in struct sip_token, of this request */
	bool decided_is_from;
};
bool sip_proxy_forward(const struct sip_proxy *proxy, const struct sip_message *request,
                       const struct sip_forward *how, struct sip_edits *edits, struct arena *arena);

/*
 * Path for a REGISTER on its way in (RFC 3327 §5.2): "<sip:TOKEN@edge:port;transport=tls;lr>", where the registrar
 * sends what is for that contact; the token names the flow and nobody else can make one.  `ob` (RFC 5626 §5.1): we
 * are the first proxy, and the user's program asked for outbound.  Empty: no memory.
 */
struct slice sip_proxy_path(const struct sip_proxy *proxy, struct arena *arena, struct slice flow, bool has_ob);

/*
 * Response on its way back (§16.7): our Via off, headers stripped for `to`, and
 * towards the outside our Record-Route made to cover what the inside has added.
 * Works in the response's own arena.  False: the topmost Via is not ours, the
 * next one is missing or not usable, or no memory: drop.
 */
bool sip_proxy_return(const struct sip_proxy *proxy, const struct sip_message *response, enum sip_side from,
                      enum sip_side to, struct sip_edits *edits);

/* ACK for a non-2xx (§17.1.1.3) and CANCEL (§9.1), from the request we sent, as it stands in `sent`. */
bool sip_proxy_write_ack(struct slice sent, const struct sip_message *response, struct buffer *out);
bool sip_proxy_write_cancel(struct slice sent, struct slice reason, struct buffer *out);

/* What a method may do across the edge, decisions table: method x direction x in/out of dialog (methods.def). */
enum sip_crossing {
	SIP_CROSS_PASS,
	SIP_CROSS_405,     /* not from here: 405 with Allow */
	SIP_CROSS_ANSWER,  /* answered by the edge itself: OPTIONS to us */
	SIP_CROSS_200,     /* answered 200 without effect */
	SIP_CROSS_481,     /* only inside a dialog */
	SIP_CROSS_489,     /* SUBSCRIBE to an event package that does not cross */
};
enum sip_crossing sip_proxy_crossing(enum sip_method method, enum sip_side from, bool in_dialog);
/* The same between our own servers and our own users outside, either way. */
enum sip_crossing sip_proxy_crossing_user(enum sip_method method, bool in_dialog);
/* Is the event package of this SUBSCRIBE or NOTIFY one that crosses?  False: 489. */
bool sip_proxy_event_crosses(const struct sip_message *m);
/* "INVITE, ACK, BYE, ..." for Allow. */
struct slice sip_proxy_allow(void);

#endif
