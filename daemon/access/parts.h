/*
 * parts: what the files of the Access Edge share.  Seen only inside this folder.
 */
#ifndef DAEMON_ACCESS_PARTS_H
#define DAEMON_ACCESS_PARTS_H

#include "daemon/access/access.h"
#include "daemon/access/door.h"
#include "daemon/access/remote.h"
#include "daemon/io/connection.h"
#include "daemon/io/resolver.h"
#include "daemon/link/link.h"
#include "daemon/policy/policy.h"
#include "daemon/policy/watch.h"
#include "daemon/sip/proxy.h"
#include "daemon/sip/transaction.h"
#include "shared/base/json.h"
#include "shared/base/map.h"
#include "shared/control/control.h"

enum {
	ACCESS_NAME_BYTES = 256,
	ACCESS_WORDS_BYTES = 256,
	ACCESS_TARGETS_MAX = 16,    /* next hops tried for one request */
	ACCESS_REQUESTS_POOL = 256, /* idle request objects kept for reuse */
	ACCESS_PARTNERS_MAX = 8192,
	ACCESS_HOPS_MAX = 8192,
	ACCESS_DISCOVERED_MAX = 4096,   /* certificates watched; the one idle longest is forgotten */
	ACCESS_WAITING_MAX = 1024,      /* requests waiting for one next hop or one look-up */
	ACCESS_FLOW_DOMAINS_MAX = 16,   /* domains remembered as served by one connection */
	ACCESS_LOOKUPS_PER_SECOND = 10, /* DNS look-ups one connection may cause (security: reflector) */
	ACCESS_MESSAGE_MS = 15 * 1000,  /* first to last byte of one message */
	ACCESS_PONG_MS = 10 * 1000,     /* RFC 5626 §4.4.1 */
	ACCESS_HOP_CONNECTIONS_MAX = 4, /* the setting outgoing-tls-count-for-federated-partners lies below */
	ACCESS_HOP_BUSY = 64,           /* requests under way on one connection before another is opened */
	ACCESS_CERTIFICATE_NAME_BYTES = 65,
	HOP_KEY_BYTES = 4 + ACCESS_CERTIFICATE_NAME_BYTES + ACCESS_NAME_BYTES,
	ACCESS_POOL_PING_MS = 5000, /* a member that has not answered by then has failed */
	ACCESS_SENDERS_MAX = 8192,  /* local users whose rate is watched; the one idle longest is forgotten */
	ACCESS_HOP_BACKOFF_FIRST_MS = 500,
	ACCESS_HOP_BACKOFF_MAX_MS = 30 * 1000,
	/* A connection no longer allowed closes when it has been quiet, or after so long. */
	ACCESS_POLICY_CLOSE_MS = 1000,
	ACCESS_POLICY_QUIET_MS = 100,
	ACCESS_FAILURES_KEPT = 64,
	ACCESS_FAILURE_SHOWN_MS = 10 * 60 * 1000,
	ACCESS_RETRY_AFTER_S = 5,
	ACCESS_DIAGNOSTIC_MALFORMED =
	        30030,                /* ms-diagnostics of what cannot be understood: its words say where */
	ACCESS_BODY_MAX = 256 * 1024, /* what the setting max-message-body may allow */
	/*
	 * One partner's connection, and one partner with all its connections, may have this part of max-transactions
	 * under way; a request that crosses is two of them.  So one that has been taken over leaves half to all others.
	 */
	ACCESS_ONE_PARTNER_PART = 4,
	ACCESS_DESCRIPTORS_KEPT = 64,    /* for listeners, DNS, links: connections never take the last ones */
	ACCESS_CONNECTIONS_MAX = 200000, /* handles; the setting max-connections lies below */
	/*
	 * A request that has found no way out after so long is answered, and no further target is asked: less than
	 * Timer F (RFC 3261 §17.1.2.2), after which its sender has given up, and with a whole Timer F behind it still
	 * within SIP_SERVER_LIFE_MS, so that an answer always finds its server transaction.
	 */
	ACCESS_PATIENCE_MS = SIP_TIMER_B_MS - 2000,
	/* Requests fill this much of a connection's queue at most; what is left is for answers, ACK and CANCEL. */
	ACCESS_REQUESTS_QUEUED_MAX = CONNECTION_QUEUE_MAX / 4 * 3,
	ACCESS_RECHECK_MS = 60 * 60 * 1000, /* a living connection's certificate is looked at again */
	ACCESS_REPORTS_PER_SECOND =
	        50, /* events of one connection's bad or refused messages; all are counted */
	ACCESS_FAILED_PER_SECOND =
	        50,                   /* events of requests that found no way; each is answered and counted */
	ACCESS_TOLD_PER_SECOND = 200, /* events of who passed */
	ACCESS_TOLD_MAX = 8192,
	ACCESS_PORT_PRIVILEGED_MAX = 1023, /* DNS may not send us to these (security: SRV to port 25), */
	ACCESS_PORT_HTTPS = 443,           /* except to this one */
	ACCESS_PORT_SIPS = 5061,           /* RFC 3261 §19.1.2 */
};

struct access;
struct flow;
struct hop;
struct partner;
struct request;

/* Whose decision a failure is: "they refused us" is for them to mend, "we refused them" for us. */
enum failure_by { FAILED_BY_NETWORK, FAILED_BY_US, FAILED_BY_PARTNER, FAILED_BY_POOL };

/* Why something could not be done, as it is told: to the sender, in the event, in the console. */
/* Of what a failure is: a row of a table, by name, and what that says is to be done; both static, NULL: of none. */
struct cause {
	const char *name, *advice;
};

struct failure {
	int status;
	int diagnostic;
	char words[ACCESS_WORDS_BYTES];
	bool is_public; /* the words name nothing of the inside: a partner may read them */
	enum failure_by by;
	struct cause cause;
};

struct counts {
	uint64_t in, out; /* requests: from the other party to us, from us to it */
	uint64_t refused;
};

/* Messages a second, smoothed over about ten seconds; stepped once a second. */
struct rate {
	uint64_t last;
	double per_second;
};

/* ---- flow: one connection (RFC 5626's word) ---- */
struct flow {
	struct list node; /* in access->flows */
	struct access *access;
	struct connection *connection;
	handle self;
	uint64_t number; /* shown as c-12 */
	enum sip_side side;
	struct hop *hop; /* outgoing: whom it serves; NULL for accepted ones */
	struct sip_framer framer;
	bool is_up;
	bool is_plain;     /* without TLS: TCP, internal only; or the stream to the gateway */
	bool is_gateway;   /* the XMPP gateway's stream (neighbour.c): frames, and no certificate */
	bool is_farewell;  /* ... of the message at hand: the gateway says that a contact has gone */
	size_t frame_at;   /* ... where in the queue the frame being written begins */
	bool is_known;     /* its certificate, or a request on it, belongs to a partner or pool member */
	struct door_pass pass;
	uint16_t
	        back_port; /* RFC 5923: a partner said "alias": requests to this port of its names may go back here; 0: none */
	bool answers_pings;
	bool is_ending; /* closes when quiet */
	char *retired_why; /* ... because an administrator said so: takes no new request; NULL: policy did; owned */
	int64_t end_at_ms;        /* ... and at this time at the latest */
	int64_t message_since_ms; /* when the unfinished message began; 0: none */
	int64_t quiet_since_ms;   /* the last whole message, or when it came up: keep-alives are none */
	int64_t recheck_at_ms;    /* when its certificate is looked at again */
	int64_t ping_sent_ms;
	struct loop_timer tick;                 /* keep-alive and the deadlines above */
	struct remote *remote;                  /* what it is on the remote side; NULL on others; owned */
	char partner[ACCESS_NAME_BYTES];        /* pool member, hop or last admitted domain: for people */
	char *domains[ACCESS_FLOW_DOMAINS_MAX]; /* admitted on this connection; owned */
	size_t domain_count;
	struct allowance lookups, reports;
	unsigned under_way; /* server transactions that came from here */
	unsigned awaited;   /* client transactions sent here */
	uint64_t messages_in, messages_out;
	struct rate rate;
};

/* ---- request: one request on its way through the edge ---- */
enum request_stage { REQUEST_FREE, REQUEST_LOOKUP, REQUEST_WAITS, REQUEST_SENT };

struct request {
	struct list node; /* in a waiting list or the pool */
	size_t *waits_in; /* the count of that waiting list; NULL: in none */
	struct access *access;
	struct buffer bytes; /* as received */
	enum request_stage stage;
	enum sip_method method;
	enum sip_side from, to;
	handle source;           /* connection it came from */
	handle server;           /* its server transaction; 0: ACK, or already answered for good */
	handle client;           /* the client transaction of the present try */
	struct partner *partner; /* the remote domain; NULL: it is a remote user's */
	handle remote_flow;      /* to a remote user: his connection, and no other */
	struct hop *targets[ACCESS_TARGETS_MAX];
	size_t target_count, target_at;
	int identity_rule;       /* outward: what the partner's certificate must show */
	const char *source_type; /* inward: [MS-SIPRE] 2.2.15, of the way that policy found */
	enum policy_verification verification;
	bool is_public;
	bool is_cancelled, has_sent_cancel;
	bool has_provisional;
	bool is_counted;     /* among its partner's requests */
	bool is_farewell;    /* from the gateway: a contact has gone */
	bool is_anonymous;   /* from or to a participant without an account */
	bool is_asked;       /* among what its partner asks */
	uint64_t generation; /* of the image that let it pass */
	uint64_t mark;       /* of Call-ID, From's tag and CSeq: what its responses must repeat */
	int64_t came_ms;
	struct failure failure; /* of the last target tried */
};

/* ---- hop: a next hop, partner's edge or pool member ---- */

/* Does a member of the pool live?  By what it answers to OPTIONS, and by connections that fail. */
struct pool_health {
	int64_t ping_at_ms, sent_ms;
	handle ping;                  /* the client transaction of the OPTIONS under way; 0: none */
	bool is_owed;                 /* to be asked as soon as it is connected */
	unsigned failures, successes; /* in a row */
	bool is_ejected;
	int64_t since_wall_ms;
};

struct hop {
	struct list node;
	struct access *access;
	char key[HOP_KEY_BYTES]; /* side, port, our certificate and the name */
	size_t key_length;
	char name[ACCESS_NAME_BYTES]; /* its FQDN: what its certificate is asked for */
	char certificate
	        [ACCESS_CERTIFICATE_NAME_BYTES]; /* of ours, for this partner alone; "": the side's own */
	uint16_t port;
	enum sip_side side;
	bool is_plain;     /* TCP, internal only */
	bool is_neighbour; /* the XMPP gateway: it comes to us, and is never dialled */
	bool has_fixed_address;
	struct address addresses[RESOLVER_ADDRESSES_MAX];
	size_t address_count, address_at;
	handle connections[ACCESS_HOP_CONNECTIONS_MAX]; /* that we made and that came up; 0: none */
	handle dialling;
	handle carried_by; /* a connection the partner opened and offered for requests back (RFC 5923) */
	unsigned users;    /* requests that name it as a target */
	unsigned flows;    /* connections made for it that still exist, also those that are closing */
	bool is_connecting, is_looking_up;
	struct list waiting; /* of struct request */
	size_t waiting_count;
	int64_t retry_at_ms, backoff_ms;
	int64_t last_used_ms;
	struct failure failure; /* the last one; status 0: none */
	int64_t failed_wall_ms; /* when it was */
	struct pool_health health;
};

/* ---- partner: a remote domain ---- */
struct partner_error {
	int64_t wall_ms;
	enum failure_by by;
	struct cause cause;
	char words[ACCESS_WORDS_BYTES];
};

struct partner {
	struct list node; /* most lately used first */
	struct access *access;
	char domain[ACCESS_NAME_BYTES];
	enum policy_srv srv;
	enum policy_route srv_route;
	struct resolver_srv records[RESOLVER_SRV_MAX];
	struct slice targets[RESOLVER_SRV_MAX]; /* into records */
	size_t record_count;
	int64_t srv_until_ms;
	bool is_looking_up, tries_sips;
	struct list waiting;
	size_t waiting_count;
	unsigned users;       /* requests that point here: it may not be forgotten */
	unsigned asks;        /* of them, those that it sent us */
	unsigned connections; /* that serve it; counted when asked */
	struct counts counts;
	struct rate rate;
	struct partner_error error_in, error_out;
	int64_t answered_ms; /* wall: it answered us last; what failed before that is over */
};

/* A connection that failed or was refused, kept for a while so that it is never invisible. */
struct lost {
	int64_t wall_ms, mono_ms;
	enum sip_side side;
	bool is_outgoing, is_refusal;
	const char *advice; /* static */
	char partner[ACCESS_NAME_BYTES];
	char address[ADDRESS_TEXT_BYTES];
	char words[ACCESS_WORDS_BYTES];
};

struct access_listener {
	struct list node;
	struct access *access;
	struct listener *listener;
	uint64_t id;
	enum sip_side side;
};

/* What the keeper was told of who passed, by a keyed hash: a place that another takes is told again. */
struct told {
	uint64_t hash;
	int64_t at_ms;
};

struct access {
	const struct process_start *start;
	struct loop *loop;
	struct link *link;
	struct resolver *resolver;
	struct policy_image *image;
	const struct image_edge *edge;
	const struct image_access_edge *settings;
	char node[ACCESS_NAME_BYTES];
	struct tls_credentials *credentials[SIP_SIDES];
	struct sip_proxy proxy;
	struct slice own_addresses[SIP_SIDES][16];
	struct told told[ACCESS_TOLD_MAX];
	struct allowance telling, failing;
	struct siphash_key seed;
	uint64_t random_counter;
	struct handles connections;
	struct list flows, listeners;
	size_t flow_count;
	struct door door;
	uint64_t flow_number;
	struct sip_transactions *transactions;
	struct list idle_requests;
	size_t idle_request_count, request_count;
	struct map hops;
	struct list hop_list;
	struct hop gateway_hop; /* in neither of the two */
	struct map partners;
	struct list partner_list;
	uint64_t boot; /* names this process in the names of flows */
	struct map remote_accounts;
	size_t remote_living; /* of them, those who are signed in somewhere */
	struct sign_ins sign_ins[2]; /* of addresses, of users */
	struct first_words *first_words; /* in a mapped file; NULL: none was handed over */
	uint32_t contacts_since_s;       /* what was put into it from then on may not be on the disk; 0: all is */
	struct list contacts_waiting;    /* requests that wait for the disk */
	size_t contacts_waiting_count;
	struct loop_timer contacts_timer;
	int64_t contacts_told_ms; /* that it is not kept; 0: it is */
	struct map senders; /* local users, by a hash of their address */
	struct list sender_list;
	struct map discovered; /* by certificate */
	struct list discovered_list;
	int64_t discovered_reported_ms;
	struct arena scratch; /* the message at hand */
	struct loop_timer transaction_timer, second_timer, drain_timer;
	bool is_draining;
	struct counts counts;
	uint64_t malformed, dropped;
	uint64_t steps[POLICY_REFUSAL_COUNT];
	uint64_t responses[7]; /* by class, sent to the asker */
	struct lost lost[ACCESS_FAILURES_KEPT];
	size_t lost_at;
};

bool access_is_internal_plain(const struct image_edge *edge); /* the pool is spoken to in the clear */
/* This edge as that image's topology lists it; empty: it does not. */
struct slice access_edge_name(const struct access *a, const struct policy_image *image);
static inline int64_t access_now_ms(const struct access *a) { return loop_now(a->loop).mono_ms; }
uint64_t access_random(struct access *a);

/* ---- flow.c ---- */
extern const struct connection_events flow_events;
/* OK, or the reason why not; an accepted fd is closed on failure. */
enum result flow_accept(struct access *a, enum sip_side side, int fd, const struct address *from);
enum result flow_open(struct access *a, struct hop *hop, const struct address *to, struct reason *reason);
struct flow *flow_find(struct access *a, handle h);
struct buffer *flow_queue(struct flow *flow); /* NULL: it is closing */
void flow_sent(struct flow *flow);
void flow_not_written(struct flow *flow); /* an answer did not fit: ends it when it does not read */
/* What its certificate, and the domains it has been used for, make it. */
enum admission_class flow_class(const struct flow *flow);
/* A request of or for that domain passes here. False: its class of connections is full, and the request may not. */
bool flow_admit(struct flow *flow, struct slice domain);
void flow_work_done(struct access *a, handle connection, bool was_client);
void flow_set_deadline(struct flow *flow);
void flow_arm_tick(struct flow *flow);
void flow_facts(const struct flow *flow, struct policy_facts *facts);
void flow_take_name(struct flow *flow); /* its certificate's first name, for people */
/* Its certificate was no good: kept with the partner it names, if it names one. */
void flow_refused_by_us(struct flow *flow, const char *words);
bool flow_was_refused(const struct flow *flow); /* it has ended: because they did not take our certificate */
bool flow_carries_name(const struct flow *flow,
                       struct slice name);    /* its verified certificate has it as dNSName */
bool flow_is_usable(const struct flow *flow); /* up, and not about to end; NULL: no */

/* ---- ending.c ---- */
void flow_image_changed(struct access *a); /* end what is no longer allowed */
/* With that image, would this connection be kept? */
bool flow_may_stay(struct flow *flow, const struct policy_image *image);
/* Takes no new request, ends when quiet or after `deadline_ms`; again: with the newer reason and deadline. */
enum result flow_retire(struct flow *flow, const char *why, int64_t deadline_ms);

/* ---- neighbour.c ---- */
void neighbour_start(struct access *a);
void neighbour_take(struct access *a, int fd);     /* a fresh stream to the gateway; owns fd */
struct buffer *neighbour_queue(struct flow *flow); /* flow_queue and flow_sent, for its flow */
void neighbour_sent(struct flow *flow);

/* ---- credentials.c ---- */
enum sip_side access_side_named(const struct json *name);
void credentials_take(struct access *a, struct link_frame *frame);
void credentials_set_memory(struct access *a); /* the settings may have changed */

/* ---- recheck.c ---- */
void recheck_plan(struct flow *flow);                    /* when its certificate is looked at again */
void recheck_side(struct access *a, enum sip_side side); /* now: there are other credentials */
void recheck_due(struct access *a);

/* ---- stamp.c ---- */
/* Headers that tell the other side of the edge who the sender is. False: no memory. */
const char *stamp_source_type(const struct policy_verdict *verdict);
bool stamp_sender(const struct request *r, const struct sip_message *m, struct sip_edits *edits);
/* What the message itself says of its sender's verification, by whoever sent it to us. */
enum policy_said stamp_said(const struct sip_message *m);
/* Name decoration: where the provider wants it, the request goes out for user(domain)@its-routing-domain.  False: no memory. */
bool stamp_target(const struct request *r, const struct sip_message *m, struct sip_edits *edits);

/* ---- inbound.c ---- */
void inbound_message(struct flow *flow, struct slice bytes);
void inbound_broken(struct flow *flow, struct slice head, const struct sip_fault *fault, bool is_too_large);
/* Decides anew on a request that has waited: its look-up has been answered, or the image has changed. */
void inbound_resume(struct request *request);

/* ---- service.c ---- */
enum policy_service service_of(const struct sip_message *request);
/* Does it belong to a conference, as Lync's and RFC 4579's clients write it? */
bool service_is_conference(const struct sip_message *request);
/* Does the address itself name a meeting, not its organizer? */
bool service_names_meeting(const struct sip_uri *uri);
bool service_is_transfer(const struct sip_message *request); /* of a file, a shared application, ... */

/* ---- request.c ---- */
struct request *request_new(struct access *a, struct flow *source, const struct sip_message *m);
void request_wait(struct request *r, enum request_stage stage, struct list *waiting, size_t *count);
/* Takes all off a waiting list, then lets each go on; who joins the list meanwhile waits for the next time. */
void request_wake(struct list *waiting, void (*go_on)(struct request *r));
void request_give_up_waiting(struct list *waiting, const char *words); /* those that have waited too long */
void request_done(struct request *r);                                  /* its transactions forget it */
uint64_t request_mark(const struct access *a, const struct sip_message *m);
bool request_parse(struct request *r, struct sip_message *out); /* from its bytes, into the scratch arena */
void request_set_targets_pool(struct request *r, struct slice member, struct slice site);
void request_set_targets_flow(struct request *r); /* r->remote_flow alone */
void request_set_targets_partner(struct request *r, const struct policy_verdict *verdict);
void request_try(struct request *r, const struct sip_message *m); /* m may be NULL: parsed again */
void request_go_on(struct request *r);  /* its next hop is up: decided anew when the image has changed */
void request_failed(struct request *r); /* the present target failed: the next, or the answer */
/* No target is left, or no time: tells why (r->failure), answers, and ends `r`. `m` may be NULL. */
void request_give_up(struct request *r, const struct sip_message *m);
/* ---- reply.c ---- */
/* The final answer of our own, and the end of `r`. `m` may be NULL; an ACK is only dropped. */
void request_answer(struct request *r, const struct sip_message *m, int status, const struct failure *why,
                    struct slice extra);
/* Answers a request that has no struct request (yet). `server` may be NULL (then stateless). */
void request_reply(struct access *a, struct flow *flow, struct sip_transaction *server,
                   const struct sip_message *m, int status, const struct failure *why, struct slice extra);

/* ---- response.c ---- */
void response_received(struct flow *flow, const struct sip_message *m);
void response_cancel(struct flow *flow, const struct sip_message *m);
void response_connection_lost(struct access *a, handle connection, const struct failure *why);
void response_arm_timer(struct access *a);
void response_server_step(struct access *a, struct sip_transaction *server, enum sip_event event);

/* ---- hop.c ---- */
/* `certificate`: the one of ours that this partner is shown; empty: the side's own. */
struct hop *hop_get(struct access *a, enum sip_side side, struct slice name, uint16_t port,
                    struct slice certificate);
/* False: it cannot be reached now; hop->failure says why. True: request_try is called again later. */
bool hop_wait(struct hop *hop, struct request *r);
/* A connection that is up, or NULL; the same one for the same `spread` while none comes or goes. */
struct flow *hop_flow(struct hop *hop, uint64_t spread);
bool hop_is_dialled(const struct hop *hop,
                    const struct flow *flow);            /* the connection is one we made for it */
void hop_dial(struct hop *hop);                          /* unless that is under way; back-off or not */
void hop_grow(struct hop *hop, const struct flow *flow); /* another connection when this one is busy */
bool hop_is_down(const struct hop *hop);                 /* failing, and in back-off: it is left alone */
void hop_up(struct hop *hop, struct flow *flow);
/* RFC 5923: this accepted connection may carry requests back to that port of the names in its certificate. */
void hop_offer(struct flow *flow, uint16_t port);
void hop_lost(struct hop *hop, const struct flow *flow);
void hop_ask_again(struct access *a); /* there is another resolver: what was asked of the old one */
void hop_give_up_waiting(struct access *a);
void hop_free_all(struct access *a);
/* Ends the back-off of hops of that name, or that serve that domain, and dials them; how many there were. */
size_t hop_retry(struct access *a, struct slice partner);

/* ---- pool.c ---- */
struct hop *pool_hop(struct access *a, const struct image_pool_member *member);
bool pool_is_ejected(const struct hop *hop);
void pool_second(struct access *a); /* asks the members whose time it is */
void pool_connected(struct hop *hop);
void pool_failed(struct hop *hop, const char *why);
void pool_answered(struct access *a, handle client, int status); /* a transaction that no request owns */
void pool_learn(struct access *a); /* plain TCP inside: whose addresses may connect? */
bool pool_has_address(struct access *a, const struct address *from, struct slice *member);

/* ---- contacts.c ---- */
void contacts_start(struct access *a);
void contacts_take(struct access *a, int fd); /* the table's file; owns fd */
void contacts_drop(struct access *a);
/*
 * A request of ours goes out: if it begins something with a user of a provider or an XMPP partner, he may answer.
 * False: that is not on the disk yet, and the request is to wait.
 */
bool contacts_note(struct access *a, const struct sip_message *m, const struct policy_facts *facts,
                const struct policy_verdict *verdict);
/* Until the disk has it; then the request goes on to its targets. */
void contacts_wait(struct request *r);
void contacts_give_up_waiting(struct access *a);
/* Lines "OURS THEIRS" of SIP URIs.  False: they are not on the disk. */
bool contacts_inherit(struct access *a, struct slice lines);
/* Has the local user begun with this user of the remote domain? */
bool contacts_know(struct access *a, struct slice user, const struct policy_facts *facts);
bool contacts_know_pair(struct access *a, struct slice pair);

/* ---- senders.c ---- */
/* May this user of ours send now?  False: local-user-rate is used up for this second. */
bool senders_admit(struct flow *flow, const struct policy_facts *facts);
void senders_free_all(struct access *a);

/* ---- partner.c ---- */
struct partner *partner_find(struct access *a, struct slice domain); /* NULL: never dealt with */
struct partner *partner_get(struct access *a, struct slice domain);  /* made when it is new; NULL: no room */
void partner_facts(struct partner *partner, struct policy_facts *facts);
/* Looks it up and resumes `r` later. False: too many wait. */
bool partner_wait(struct partner *partner, struct request *r);
void partner_error(struct partner_error *error, const struct access *a, enum failure_by by,
                   struct cause cause, const char *words);
void partner_ask_again(struct access *a);      /* there is another resolver */
void partner_forget_answers(struct access *a); /* DNS is asked anew for everybody */
void partner_give_up_waiting(struct access *a);
void partner_free_all(struct access *a);

/* ---- answer.c ---- */
/* A page of rows: they are counted as they are met, and only those of the page are written. */
struct page {
	size_t at, after, limit;
};
bool page_takes(struct page *page);
void answer_query(struct access *a, uint64_t number, struct slice question);
/* What would close if that image took effect; takes the descriptor. */
void answer_trial(struct access *a, uint64_t number, int fd);

/* ---- discovery.c ---- */
/* May a discovered partner send this now?  False: `why` names the limit. */
bool discovery_admits(struct flow *flow, const struct policy_facts *facts, const char **why);
void discovery_answered(struct flow *flow,
                        int status);     /* a request of that connection got its final answer */
void discovery_report(struct access *a); /* once a second: the report when its period is over */
void discovery_write(struct access *a, struct page *page, struct json_writer *w);
void discovery_free_all(struct access *a);

/* ---- report.c ---- */
struct report {
	struct access *access;
	struct buffer text;
	struct json_writer w;
};
/* Opens an event: write fields with json_put_*, then report_send. */
void report_open(struct report *report, struct access *a, enum control_event_id id);
void report_send(struct report *report);
void report_refused(struct access *a, struct flow *flow, const struct sip_message *m,
                    const struct policy_facts *facts, const struct policy_verdict *verdict);
/* By a row of refusals.def, without a decision. */
void report_turned_down(struct access *a, struct flow *flow, const struct sip_message *m,
                        const struct policy_step *row, const char *why);
/*
 * That a request passed, so that a dry run can decide on the like of it again: once an hour for the same users and
 * service, and so many a second.
 */
void report_passed(struct access *a, struct flow *flow, const struct sip_message *m,
                   const struct policy_facts *facts, const struct policy_verdict *verdict);
void report_forget_told(struct access *a); /* a new keeper has been told nothing */
void report_failed(struct access *a, const struct sip_message *m, enum sip_side from,
                   const struct failure *why);
void report_connection(struct access *a, enum control_event_id id, const struct flow *flow);
void report_lost(struct access *a, const struct flow *flow, bool is_refusal, const char *words);
void report_counters(struct access *a);
const char *report_side_name(enum sip_side side);
void report_put_certificate(struct json_writer *w, const char *key, const struct tls_peer *peer);

#endif
