/*
 * route_token: the user part of our Record-Route URIs.
 *
 *     r2  e|i|u   f|t|p         16 of a-z2-7   -  16 of a-z2-7 next hop                          ~|* user%40host
 *         towards whose request 80 bits of HMAC   the parties  percent-escaped, may be empty     who was decided on
 *
 * `u`: towards a remote user, and the next hop is the name of his flow.  `p`: no dialog's, but the Path of a REGISTER
 * (RFC 5626 §5.2): tied to nothing but the flow's name, good towards users only, and only from inside.
 * `f`: the request that carries it goes the same way as the one that formed the
 * dialog, so the tag of who began it is in From; `t`: the other way, it is in To.
 * The HMAC covers that tag, the Call-ID, the token's own words and, for
 * requests from outside, what must follow our own values in Route: so it holds for
 * both parties of one dialog and for nobody else, and steers nothing but what
 * was there when the dialog was made.  Nothing is remembered; only the key must
 * survive a restart, and edges that share it read each other's.
 *
 * The parties: an HMAC of its own over who began and whom he called, as From and To
 * said it: users without escapes and in small letters, hosts, and `opaque`, by which a
 * meeting is told from its organizer.  Within the dialog both headers have to say the same
 * (RFC 3261 §12.2.1.1), for policy is asked about whom they name.  It stands apart so
 * that another party is told from a made up token.  A Path has none.
 * `~`: who was decided on is not whom To of the first request named; `*`: not who began.
 * DEPARTS: RFC 4916 §4.4.2, because whoever could rename himself in a dialog could
 * be one whose policy, or whose block, is another.
 */
#ifndef DAEMON_SIP_ROUTE_TOKEN_H
#define DAEMON_SIP_ROUTE_TOKEN_H

#include "daemon/sip/proxy.h"

/* What a token is tied to. */
struct sip_route_binding {
	struct slice call_id;
	struct slice tag;                 /* of who began the dialog */
	const struct sip_address *behind; /* Route values behind ours, in the order of the Route header */
	size_t behind_count;
	enum sip_side
	        bearer; /* the side on which it is shown: a partner's is worth nothing to a user outside */
	const struct sip_uri *caller, *callee; /* who began, and whom he called */
};

/* A token as text in `arena`; empty when it would exceed SIP_TOKEN_MAX or there is no memory. */
struct slice sip_route_token_make(const struct sip_proxy *proxy, struct arena *arena,
                                  const struct sip_token *token, const struct sip_route_binding *binding);
/* A good one over another binding: only what stands behind it may differ. */
struct slice sip_route_token_cover(const struct sip_proxy *proxy, struct arena *arena, struct slice user,
                                   const struct sip_route_binding *binding);

/* Does a user part have a token's form?  Says nothing about whether it is good. */
bool sip_route_token_has_form(struct slice user);
bool sip_route_token_is_path(struct slice user); /* only for what has the form */
struct slice sip_route_token_make_path(const struct sip_proxy *proxy, struct arena *arena, struct slice flow);
/* `f` or `t`; only for what has the form. */
bool sip_route_token_is_same_way(struct slice user);

/* Ours, unchanged and of this dialog: `token` then says where to. */
enum sip_route_check { SIP_TOKEN_BAD, SIP_TOKEN_OTHER_PARTIES, SIP_TOKEN_GOOD };
enum sip_route_check sip_route_token_check(const struct sip_proxy *proxy, struct arena *arena,
                                           struct slice user, const struct sip_route_binding *binding,
                                           struct sip_token *token);

/* "<sip:TOKEN@fqdn:port;transport=tls;lr>" */
struct slice sip_route_value(const struct sip_proxy *proxy, struct arena *arena, enum sip_side side,
                             bool is_sips, struct slice token);

/* All values of Route or Record-Route, read.  False: one cannot be read, or there are more than SIP_HOPS_MAX. */
struct sip_routes {
	struct sip_address list[SIP_HOPS_MAX];
	size_t count;
};
bool sip_routes_read(const struct sip_message *m, enum sip_header_id id, struct sip_routes *out);

#endif
