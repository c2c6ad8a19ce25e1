/*
 * Requests through the edge as bytes, and dialogs of two parties who do what RFC 3261 §12 tells them: they keep the
 * Record-Routes and put them into Route.
 */
#ifndef TESTS_UNIT_SIP_PARTIES_H
#define TESTS_UNIT_SIP_PARTIES_H

#include "tests/unit/sip/edge.h"

#include "daemon/sip/route_token.h"
#include "shared/base/memory.h"

enum { TEXT_MAX = 16384 };

struct wire {
	char bytes[TEXT_MAX];
	size_t length;
};

static inline struct slice wire_slice(const struct wire *w) { return (struct slice){ w->bytes, w->length }; }

static inline void __attribute__((format(printf, 2, 3))) write_wire(struct wire *w, const char *format, ...)
{
	va_list args;
	int length;

	va_start(args, format);
	length = vsnprintf(w->bytes, sizeof w->bytes, format, args);
	va_end(args);
	assert_true(length > 0 && (size_t)length < sizeof w->bytes);
	w->length = (size_t)length;
}

/* `out` is what leaves the edge when `in` arrives on `from`. */
static inline enum sip_route_answer pass(const struct sip_proxy *proxy, enum sip_side from, struct slice in,
                                         bool record_route, const char *next, const char *previous,
                                         struct sip_token *token, struct wire *out)
{
	struct edge_message e;
	struct sip_edits edits = { 0 };
	struct buffer bytes;
	struct sip_token unused;
	static char hop[256];
	enum sip_route_answer answer;

	edge_read(&e, in);
	buffer_start(&bytes, TEXT_MAX);
	answer = sip_proxy_take_route(proxy, from, e.m, &edits, token ? token : &unused, e.m->arena);
	if (answer != SIP_ROUTE_FORGED) {
		struct sip_forward how = { .from = from,
			                   .to = edge_other(from),
			                   .branch = sip_proxy_branch(proxy, from, e.m->arena, e.m, 7),
			                   .source_address = SLICE("198.51.100.7"),
			                   .source_port = 40000,
			                   .record_route = record_route,
			                   .next_hop = slice_of(next),
			                   .previous_hop = slice_of(previous) };

		assert_true(sip_proxy_forward(proxy, e.m, &how, &edits, e.m->arena));
		assert_true(sip_message_write(e.m, &edits, &bytes));
		write_wire(out, "%.*s", SLICE_ARG(buffer_slice(&bytes)));
	} else {
		assert_int_equal(edits.count, 0);
	}
	if (token) { /* it lies in the message's arena */
		assert_true(slice_to_text(token->next_hop, hop, sizeof hop));
		token->next_hop = slice_of(hop);
	}
	buffer_stop(&bytes);
	edge_free(&e);
	return answer;
}

static inline void pass_back(const struct sip_proxy *proxy, enum sip_side from, struct slice in,
                             struct wire *out)
{
	struct edge_message e;
	struct sip_edits edits = { 0 };
	struct buffer bytes;

	edge_read(&e, in);
	buffer_start(&bytes, TEXT_MAX);
	assert_true(sip_proxy_return(proxy, e.m, from, edge_other(from), &edits));
	assert_true(sip_message_write(e.m, &edits, &bytes));
	write_wire(out, "%.*s", SLICE_ARG(buffer_slice(&bytes)));
	buffer_stop(&bytes);
	edge_free(&e);
}

static inline void values_of(struct slice text, enum sip_header_id id, char *to, size_t size)
{
	struct edge_message e;

	edge_read(&e, text);
	edge_values(e.m, id, to, size);
	edge_free(&e);
}

/* §12.1.2: the caller's route set is the Record-Route of the response in reverse. */
static inline void reverse(const char *list, char *to, size_t size)
{
	struct slice rest = slice_of(list), value;
	char last[TEXT_MAX];

	to[0] = '\0';
	while (slice_next(&rest, ',', &value)) { /* no commas in these URIs */
		assert_true(slice_to_text(slice_of(to), last, sizeof last));
		snprintf(to, size, "%.*s%s%s", SLICE_ARG(slice_trim(value)), last[0] ? ", " : "", last);
	}
}

/* Takes the values off the front whose host is not the edge's: proxies of the sender that did their part. */
static inline const char *behind(const char *routes, int count)
{
	while (count-- > 0) {
		routes = strchr(routes, ',');
		assert_non_null(routes);
		routes += 2;
	}
	return routes;
}

/* ---- two parties and what they know ---- */

struct dialog {
	struct sip_proxy proxy;
	enum sip_side began;   /* the side of who began it */
	char caller[TEXT_MAX]; /* route set of who began, his own side's proxies taken off */
	char callee[TEXT_MAX];
	const char *caller_domain, *callee_domain;
};

static const char *const pool_hop = "fe1.contoso.example";
static const char *const partner_hop = "fabrikam.example";

/* Side by side: proxies of the caller's domain and of the callee's that record-route, 0 to 2 each. */
static const char *const proxies_of[2][3] = {
	[SIP_SIDE_EXTERNAL] = { "", "<sip:p1.fabrikam.example;transport=tls;lr>",
	                        "<sip:p2.fabrikam.example;lr>, <sip:p1.fabrikam.example;transport=tls;lr>" },
	[SIP_SIDE_INTERNAL] = { "",
	                        "<sip:fe1.contoso.example:5061;transport=tls;ms-route-sig=ab12;lr;ms-key-"
	                        "info=x>",
	                        "<sip:fe2.contoso.example;lr>, <sip:fe1.contoso.example:5061;lr=on>" },
};

/* INVITE and its 200 travel through; `callers` and `callees` proxies record-route on either side of the edge. */
static inline void begin(struct dialog *d, enum sip_side began, int callers, int callees)
{
	static struct wire in, out, back;
	enum sip_side to = edge_other(began);
	const char *mine = proxies_of[began][callers], *theirs = proxies_of[to][callees];
	char recorded[TEXT_MAX], all[TEXT_MAX], reversed[TEXT_MAX];
	struct sip_token token;

	d->proxy = edge_proxy();
	d->began = began;
	d->caller_domain = began == SIP_SIDE_EXTERNAL ? "fabrikam.example" : "contoso.example";
	d->callee_domain = began == SIP_SIDE_EXTERNAL ? "contoso.example" : "fabrikam.example";
	write_wire(
	        &in,
	        "INVITE sip:callee@%s SIP/2.0\r\nVia: SIP/2.0/TLS p.%s:5061;branch=z9hG4bKcaller\r\n"
	        "From: <sip:caller@%s>;tag=callertag\r\nTo: <sip:callee@%s>\r\nCall-ID: call-1\r\nCSeq: 1 "
	        "INVITE\r\n"
	        "Max-Forwards: 70\r\n%s%s%sContact: <sip:caller@198.51.100.9>\r\nContent-Length: 0\r\n\r\n",
	        d->callee_domain, d->caller_domain, d->caller_domain, d->callee_domain,
	        *mine ? "Record-Route: " : "", mine, *mine ? "\r\n" : "");
	assert_int_equal(pass(&d->proxy, began, wire_slice(&in), true,
	                      to == SIP_SIDE_INTERNAL ? pool_hop : partner_hop,
	                      began == SIP_SIDE_INTERNAL ? pool_hop : partner_hop, &token, &out),
	                 SIP_ROUTE_NEW);
	values_of(wire_slice(&out), SIP_RECORD_ROUTE, recorded, sizeof recorded);

	/* The callee's proxies add theirs on top; he keeps the list as it stands, less his own proxies. */
	snprintf(all, sizeof all, "%s%s%s", theirs, *theirs ? ", " : "", recorded);
	assert_true(slice_to_text(slice_of(recorded), d->callee, sizeof d->callee));
	write_wire(&in,
	           "SIP/2.0 200 OK\r\nVia: SIP/2.0/%s %s:%d;branch=z9hG4bKours\r\nVia: SIP/2.0/TLS "
	           "p.%s:5061;branch=z9hG4bKcaller\r\n"
	           "From: <sip:caller@%s>;tag=callertag\r\nTo: <sip:callee@%s>;tag=calleetag\r\nCall-ID: "
	           "call-1\r\nCSeq: 1 INVITE\r\n"
	           "Record-Route: %s\r\nContact: <sip:callee@198.51.100.8>\r\nContent-Length: 0\r\n\r\n",
	           to == SIP_SIDE_EXTERNAL ? "TLS" : "TCP",
	           to == SIP_SIDE_EXTERNAL ? "edge.contoso.example" : "edge-int.contoso.example",
	           to == SIP_SIDE_EXTERNAL ? 5061 : 5062, d->caller_domain, d->caller_domain,
	           d->callee_domain, all);
	pass_back(&d->proxy, to, wire_slice(&in), &back);
	values_of(wire_slice(&back), SIP_RECORD_ROUTE, all, sizeof all);
	reverse(all, reversed, sizeof reversed);
	assert_true(slice_to_text(slice_of(behind(reversed, callers)), d->caller, sizeof d->caller));
}

/* One request in the dialog, as it comes to the edge. */
static inline void in_dialog(const struct dialog *d, bool by_caller, const char *method, const char *routes,
                             struct wire *w)
{
	write_wire(w,
	           "%s sip:%s@198.51.100.8 SIP/2.0\r\nVia: SIP/2.0/TLS q.example:5061;branch=z9hG4bKnext\r\n"
	           "From: <sip:%s@%s>;tag=%s\r\nTo: <sip:%s@%s>;tag=%s\r\nCall-ID: "
	           "call-1\r\nCSeq: 2 %s\r\n"
	           "Max-Forwards: 70\r\n%s%s%sContent-Length: 0\r\n\r\n",
	           method, by_caller ? "callee" : "caller", by_caller ? "caller" : "callee",
	           by_caller ? d->caller_domain : d->callee_domain, by_caller ? "callertag" : "calleetag",
	           by_caller ? "callee" : "caller", by_caller ? d->callee_domain : d->caller_domain,
	           by_caller ? "calleetag" : "callertag", method, *routes ? "Route: " : "", routes,
	           *routes ? "\r\n" : "");
}

static inline enum sip_side side_of(const struct dialog *d, bool by_caller)
{
	return by_caller ? d->began : edge_other(d->began);
}

static inline void replace_all(char *text, size_t size, const char *old, const char *fresh)
{
	static char copy[TEXT_MAX];
	char *at = strstr(text, old);

	assert_non_null(at);
	snprintf(copy, sizeof copy, "%.*s%s%s", (int)(at - text), text, fresh, at + strlen(old));
	assert_true(slice_to_text(slice_of(copy), text, size));
}

#endif
