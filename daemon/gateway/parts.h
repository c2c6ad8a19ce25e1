/*
 * parts: what the files of the gateway share.  Seen only inside this folder and by its tests.
 *
 * Two seams.  SIP: what the Access Edge has let pass comes by gateway_sip_request and is answered once; requests of
 * ours go by gateway_sip_send and have one outcome.  XMPP: stanzas go by gateway_xmpp_send and have one outcome; those
 * that a proved stream brought come by gateway_xmpp_received.
 */
#ifndef DAEMON_GATEWAY_PARTS_H
#define DAEMON_GATEWAY_PARTS_H

#include "daemon/gateway/gateway.h"
#include "daemon/io/connection.h"
#include "daemon/io/resolver.h"
#include "daemon/link/link.h"
#include "daemon/link/sip_frame.h"
#include "daemon/policy/image.h"
#include "daemon/sip/transaction.h"
#include "daemon/xmpp/xmpp.h"
#include "shared/base/json.h"
#include "shared/control/control.h"

enum {
	GATEWAY_NAME_BYTES = 256,
	GATEWAY_WORDS_BYTES = 256,
	GATEWAY_CONNECTIONS_MAX = 200000, /* handles; the setting connection-limit lies below */
	GATEWAY_DIALBACK_BYTES = 32,
	GATEWAY_TRANSACTIONS_MAX = 16384, /* with the Access Edge, both ways */
	/* Requests of ours fill this much of the stream to the Access Edge at most; what is left is for answers. */
	GATEWAY_QUEUED_MAX = CONNECTION_QUEUE_MAX / 4 * 3,
};

struct gateway;
struct streams; /* the XMPP side's */
struct talks;   /* the SIP side's */

struct gateway_listener {
	struct list node;
	struct gateway *gateway;
	struct listener *listener;
	uint64_t id;
	bool is_direct; /* TLS begins at once */
};

struct gateway_counts {
	uint64_t in, out; /* messages translated: towards our users, towards partners */
	uint64_t refused; /* by us: no counterpart, no stream, limits */
	uint64_t dropped; /* answers nobody waits for */
};

struct gateway {
	const struct process_start *start;
	const char *folder;
	struct loop *loop;
	struct link *keeper; /* NULL: it is away */
	struct resolver *resolver;
	struct policy_image *image; /* NULL until the first has come */
	const struct image_edge *edge;
	const struct image_xmpp_gateway *settings;
	char node[GATEWAY_NAME_BYTES];
	struct tls_credentials *credentials; /* NULL until they have come */
	uint8_t dialback_secret[GATEWAY_DIALBACK_BYTES];
	struct siphash_key seed;
	uint64_t random_counter;
	struct handles connections;
	struct list listeners;
	struct connection *access; /* the stream to the Access Edge; NULL: it is away */
	handle access_handle;
	struct sip_transactions *transactions;
	struct arena scratch; /* the SIP message at hand */
	struct loop_timer transaction_timer, second_timer, drain_timer;
	bool is_draining, is_closing; /* nothing new; what is there is closed */
	struct gateway_counts counts;
	struct streams *streams;
	struct talks *talks;
};

static inline int64_t gateway_now_ms(const struct gateway *g) { return loop_now(g->loop).mono_ms; }
uint64_t gateway_random(struct gateway *g);

/* Our own domains on both sides: "im.contoso.example" and "contoso.example".  SLICE_NONE: it is none of ours. Good as long as the image. */
struct slice gateway_sip_domain(const struct gateway *g, struct slice xmpp_domain);
struct slice gateway_sip_domain_in(const struct policy_image *image, struct slice xmpp_domain);
struct slice gateway_xmpp_domain(const struct gateway *g, struct slice sip_domain);
/* By any of its domains; NULL: there is none.  One that is not enabled is found, too. */
const struct image_xmpp_partner *gateway_partner(const struct gateway *g, struct slice domain);
/* Why nothing goes to and comes from it: "off" (no partner's, or its row is off), "blocked"; NULL: it does. */
const char *gateway_stop(const struct policy_image *image, struct slice domain);

/* ---- SIP seam ---- */

/*
 * A request of ours into the Access Edge.  Everything is written from these; nothing in them may hold CR or LF but
 * `headers`, whole lines with CRLF each.  Via, Max-Forwards and Content-Length are ours.
 */
struct gateway_request {
	enum sip_method method;
	struct slice target;   /* Request-URI */
	struct slice from, to; /* as header values, tags included */
	struct slice call_id;
	uint32_t cseq;
	struct slice headers; /* Route, Contact, Content-Type and others */
	struct slice body;
	bool is_farewell; /* ends what was allowed, and passes also when its partner has been turned off meanwhile */
};
/*
 * Exactly one final gateway_sip_outcome with this token follows, never from inside this call.  0: nothing was sent,
 * nothing follows, and `why` says what stands in the way.  An ACK has no outcome; 1 when it was sent.
 */
handle gateway_sip_send(struct gateway *g, const struct gateway_request *request, uint64_t token,
                        struct reason *why);
/* CANCEL for an INVITE of ours, named by what gateway_sip_send gave; once it has a final answer nothing happens. */
void gateway_sip_cancel(struct gateway *g, handle invite);

/* The answer to a request that came by gateway_sip_request; a provisional one may go before the final one. */
struct gateway_answer {
	int status;
	struct slice phrase;  /* empty: the RFC's */
	struct slice to_tag;  /* of our side of a dialog; empty: one is made */
	struct slice headers; /* whole lines with CRLF each; "" none */
	struct slice body;
	/* What stands in the way when it is nothing that the partner has said: the Access Edge answers with that. 0: none */
	int diagnostic;
	const char *reason;
};
/* False: nobody waits for it any more, or it cannot be written. */
bool gateway_sip_answer(struct gateway *g, handle server, const struct gateway_answer *answer);

/* Provided by the SIP side (talks): */
/* One that the Access Edge has let pass.  `m` lives during the call; `server` names it for the answer. */
void gateway_sip_request(struct gateway *g, handle server, const struct sip_message *m);
void gateway_sip_ack(struct gateway *g, const struct sip_message *m); /* of a 2xx */
void gateway_sip_cancelled(struct gateway *g, handle server);         /* 487 has been answered */
/*
 * A response, provisional or final, to what was sent under `token`; `m` NULL: none came, then `status` (504, 408, 503)
 * and `why` say what was found instead.
 */
void gateway_sip_outcome(struct gateway *g, uint64_t token, const struct sip_message *m, int status,
                         const char *why);
/* A 2xx to an INVITE of ours which has had its outcome: repeated, of another branch, or too late. */
void gateway_sip_accepted_again(struct gateway *g, const struct sip_message *m);

bool talks_start(struct gateway *g);
void talks_stop(struct gateway *g);
void talks_image_changed(struct gateway *g);
void talks_second(struct gateway *g);
void talks_drain(struct gateway *g);
bool talks_are_quiet(const struct gateway *g); /* nothing is under way */

/* ---- XMPP seam ---- */

enum gateway_delivery {
	GATEWAY_DELIVERED, /* acknowledged by stream management */
	GATEWAY_WRITTEN,   /* written, and no error came within quiet-time */
	GATEWAY_REFUSED,   /* an error stanza came: `error` */
	GATEWAY_UNKNOWN,   /* written, and its stream ended or did not acknowledge: it is not sent again */
	GATEWAY_FAILED,    /* never written: no stream, time: `why` */
	GATEWAY_CROWDED,   /* never written: too many wait already: `why` */
};
struct gateway_outcome {
	enum gateway_delivery delivery;
	const struct xmpp_element *error; /* REFUSED: the error stanza; lives during the call */
	const char *why;                  /* FAILED, CROWDED, UNKNOWN: never NULL there */
};
/*
 * Provided by the XMPP side (streams).  `local`, `remote`: XMPP domains as A-labels, that of "from" and that of "to".
 * Copied before it returns.  Exactly one gateway_xmpp_outcome with this token follows, never from inside this call; token 0: nobody wants to know.
 * False: out of memory; nothing was taken and no outcome follows.
 */
bool gateway_xmpp_send(struct gateway *g, struct slice local, struct slice remote,
                       const struct xmpp_element *stanza, uint64_t token);

/* In any order; a token of a stream that has ended, or one that was handled, is passed over. */
void gateway_xmpp_handled(struct gateway *g, handle receipt);

/* Provided by the SIP side (talks): */
/* "from" lies in `remote`, which the stream has proved, and "to" in `local`, which is ours; a stanza of type error with an id of ours is an outcome, not this.
 * `receipt` (0: nobody counts) goes to gateway_xmpp_handled once the next hop has taken it (2xx), what it asks for is
 * durable, or the error for it has been queued: only then is it acknowledged. */
void gateway_xmpp_received(struct gateway *g, struct slice local, struct slice remote,
                           const struct xmpp_element *stanza, handle receipt);
void gateway_xmpp_outcome(struct gateway *g, uint64_t token, const struct gateway_outcome *outcome);
/* A partner's domain has become reachable (a first stream is up) or unreachable (the last one ended). */
void gateway_xmpp_reachable(struct gateway *g, struct slice remote, bool is_reachable);

bool streams_start(struct gateway *g);
void streams_stop(struct gateway *g);
/* Owns fd.  `is_direct`: TLS begins at once (XEP-0368). */
void streams_accept(struct gateway *g, int fd, const struct address *from, bool is_direct);
void streams_image_changed(struct gateway *g);       /* settings, partners, permitted targets */
void streams_credentials_changed(struct gateway *g); /* certificate, dialback secret */
void streams_resolver_changed(struct gateway *g);    /* what was asked of the old one is lost */
void streams_second(struct gateway *g);
bool streams_are_quiet(const struct gateway *g); /* nothing waits, nothing is unacknowledged */
void streams_close_all(struct gateway *g);       /* politely */
size_t streams_count(const struct gateway *g);

/* A page of rows for the keeper's questions: those met are counted, and only those of the page are written. */
struct gateway_page {
	size_t at, after, limit;
};
static inline bool gateway_page_takes(struct gateway_page *page)
{
	size_t at = page->at++;

	return at >= page->after && at - page->after < page->limit;
}
void streams_write(struct gateway *g, struct gateway_page *page, struct json_writer *w); /* "connections" */
/* Those that would close with that image, by the rule of streams_image_changed; all of them are counted. */
void streams_write_closing(struct gateway *g, const struct policy_image *image, struct gateway_page *page,
                           struct json_writer *w);
/* What is known of the way to a partner's domain, as members of the open object: "state", "last_error" ... */
void streams_write_way(struct gateway *g, struct slice local, struct slice remote, struct json_writer *w);
void partners_write(struct gateway *g, struct gateway_page *page,
                    struct json_writer *w); /* "partners": by domain */
void talks_write(struct gateway *g, struct gateway_page *page,
                 struct json_writer *w); /* "talks": subscriptions and sessions */
/*
 * Now, whatever the back-off, with any of the partner's domains: for how many pairs of domains a stream is being
 * opened, of so many `known`.  Those that have one, or that nothing waits for and nothing has failed for, are left alone.
 */
size_t streams_retry(struct gateway *g, struct slice domain, size_t *known);
/* Closes the stream that is shown as `id`; how many there were. */
size_t streams_close_one(struct gateway *g, struct slice id, struct slice who);

/* ---- access.c ---- */
void gateway_access_take(struct gateway *g, int fd); /* a fresh stream; the old one is closed. Owns fd. */
/* A message begins in this queue; `*begun` names it.  NULL: there is no stream. */
struct buffer *gateway_access_begin(struct gateway *g, size_t *begun);
void gateway_access_end(struct gateway *g, size_t begun, unsigned flags); /* it is whole: on its way */
void gateway_access_undo(struct gateway *g, size_t begun);                /* it is taken back */
size_t gateway_access_queued(const struct gateway *g);
void gateway_access_close(struct gateway *g);

/* ---- sip.c ---- */
void gateway_sip_received(struct gateway *g, struct slice bytes);
void gateway_sip_lost(struct gateway *g); /* what was under way there is over */
void gateway_sip_arm(struct gateway *g);
bool gateway_sip_is_quiet(const struct gateway *g);

/* ---- report.c ---- */
struct gateway_report {
	struct gateway *gateway;
	struct buffer text;
	struct json_writer w;
};
/* Opens an event: write its fields with json_put_*, then gateway_report_send. */
void gateway_report_open(struct gateway_report *report, struct gateway *g, enum control_event_id id);
void gateway_report_send(struct gateway_report *report);
void gateway_report_counters(struct gateway *g);

/* ---- answer.c ---- */
void gateway_answer_query(struct gateway *g, uint64_t number, struct slice question);
void gateway_answer_trial(struct gateway *g, uint64_t number, int fd); /* owns fd */

#endif
