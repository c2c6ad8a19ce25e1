/*
 * wire: both seams of the gateway, held by the test: what the SIP side sends is
 * kept here, what it is told comes from here, and time stands still until it is moved.
 */
#ifndef TESTS_UNIT_GATEWAY_WIRE_H
#define TESTS_UNIT_GATEWAY_WIRE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "daemon/gateway/state.h"
#include "daemon/gateway/talks.h"
#include "shared/base/memory.h"
#include "tests/unit/policy/world.h"

#include <cmocka.h>

enum { WIRE_MAX = 4096, WIRE_TEXT = 4096 };

struct wire_request { /* of ours, into SIP */
	enum sip_method method;
	char target[256], from[512], to[512], call_id[128], headers[1024], body[WIRE_TEXT];
	uint32_t cseq;
	uint64_t token;
	bool is_farewell;
};
struct wire_answer {
	handle server;
	int status;
	char phrase[256], to_tag[64], headers[1024], body[WIRE_TEXT], reason[256];
	int diagnostic;
};
struct wire_stanza {
	char text[WIRE_TEXT], local[64], remote[64];
	uint64_t token;
};

struct wire {
	struct gateway gateway;
	struct instant now;
	struct wire_request requests[WIRE_MAX];
	struct wire_answer answers[WIRE_MAX];
	struct wire_stanza stanzas[WIRE_MAX];
	size_t request_count, answer_count, stanza_count;
	char report[WIRE_TEXT]; /* the last event */
	handle cancelled;       /* the INVITE that was cancelled last, as gateway_sip_send had named it */
	bool logs_bodies;
	handle next_server;
	handle next_receipt;
	bool is_handled[WIRE_MAX + 1]; /* by receipt */
	uint64_t next_handle, random;
	bool access_is_away;
	unsigned long fails_at; /* the so-manieth allocation within the next event fails; 0: none */
	struct loop_timer *timer;
	int64_t timer_at_ms;
	struct arena arena; /* of the messages that come */
	struct model_snapshot *snapshot;
};

static struct wire wire;

/* ---- allocations that fail ---- */

/* Around what the gateway is given: its allocations may fail, the test's own do not. */
static inline void wire_fail_start(void)
{
#ifdef PARLEY_FAULTS
	mem_fail_at(wire.fails_at);
#endif
}
static inline void wire_fail_stop(void)
{
#ifdef PARLEY_FAULTS
	mem_fail_at(0);
#endif
}
/* The test's own work within an event: the count goes on behind it.  Gives what wire_fail_go_on takes. */
static inline unsigned long wire_fail_pause(void)
{
	unsigned long left = 0;

#ifdef PARLEY_FAULTS
	if (wire.fails_at > mem_count())
		left = wire.fails_at - mem_count();
	mem_fail_at(0);
#endif
	return left;
}
static inline void wire_fail_go_on(unsigned long left)
{
#ifdef PARLEY_FAULTS
	wire.fails_at = left;
	mem_fail_at(left);
#else
	(void)left;
#endif
}

/* ---- the seams, as the gateway's other files would be ---- */

uint64_t gateway_random(struct gateway *g)
{
	(void)g;
	wire.random = wire.random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return wire.random ^ wire.random >> 29;
}

struct slice gateway_sip_domain(const struct gateway *g, struct slice xmpp_domain)
{
	(void)g;
	return slice_equal(xmpp_domain, SLICE("im.contoso.example")) ? SLICE("contoso.example") : SLICE_NONE;
}

struct slice gateway_xmpp_domain(const struct gateway *g, struct slice sip_domain)
{
	(void)g;
	return slice_equal(sip_domain, SLICE("contoso.example")) ? SLICE("im.contoso.example") : SLICE_NONE;
}

const struct image_xmpp_partner *gateway_partner(const struct gateway *g, struct slice domain)
{
	return image_xmpp_partner_find(g->image, domain);
}

const char *gateway_stop(const struct policy_image *image, struct slice domain)
{
	const struct image_xmpp_partner *partner = image_xmpp_partner_find(image, domain);

	return !partner || !partner->enabled ? "off" : NULL;
}

static void wire_keep(char *to, size_t size, struct slice text)
{
	if (!slice_to_text(text, to, size))
		fail_msg("longer than the test can keep: %zu", text.len);
}

/* The frames themselves: only what an earlier state file is handed over by needs them, and the scenarios see that. */
struct buffer *gateway_access_begin(struct gateway *g, size_t *begun)
{
	(void)g;
	*begun = 0;
	return NULL;
}

void gateway_access_end(struct gateway *g, size_t begun, unsigned flags)
{
	(void)g;
	(void)begun;
	(void)flags;
}

void gateway_access_undo(struct gateway *g, size_t begun)
{
	(void)g;
	(void)begun;
}

handle gateway_sip_send(struct gateway *g, const struct gateway_request *r, uint64_t token,
                        struct reason *why)
{
	struct wire_request *kept = &wire.requests[wire.request_count];

	(void)g;
	why->text[0] = '\0';
	if (wire.access_is_away)
		return 0;
	assert_true(wire.request_count < WIRE_MAX);
	wire.request_count++;
	*kept = (struct wire_request){ .method = r->method, .cseq = r->cseq, .token = token };
	kept->is_farewell = r->is_farewell;
	wire_keep(kept->target, sizeof kept->target, r->target);
	wire_keep(kept->from, sizeof kept->from, r->from);
	wire_keep(kept->to, sizeof kept->to, r->to);
	wire_keep(kept->call_id, sizeof kept->call_id, r->call_id);
	wire_keep(kept->headers, sizeof kept->headers, r->headers);
	wire_keep(kept->body, sizeof kept->body, r->body);
	return ++wire.next_handle;
}

void gateway_sip_cancel(struct gateway *g, handle invite)
{
	(void)g;
	wire.cancelled = invite;
}

/* Each request is answered once, and only those that have come are. */
bool gateway_sip_answer(struct gateway *g, handle server, const struct gateway_answer *answer)
{
	struct wire_answer *kept = &wire.answers[wire.answer_count];

	(void)g;
	assert_true(server > 0 && server <= wire.next_server);
	for (size_t i = 0; i < wire.answer_count; i++)
		assert_true(wire.answers[i].server != server);
	assert_true(wire.answer_count < WIRE_MAX);
	wire.answer_count++;
	*kept = (struct wire_answer){ .server = server,
		                      .status = answer->status,
		                      .diagnostic = answer->diagnostic };
	wire_keep(kept->reason, sizeof kept->reason,
	          answer->diagnostic ? slice_of(answer->reason) : SLICE(""));
	wire_keep(kept->phrase, sizeof kept->phrase, answer->phrase);
	wire_keep(kept->to_tag, sizeof kept->to_tag, answer->to_tag);
	wire_keep(kept->headers, sizeof kept->headers, answer->headers);
	wire_keep(kept->body, sizeof kept->body, answer->body);
	return true;
}

/* Each receipt is given back once, and only what was given is. */
void gateway_xmpp_handled(struct gateway *g, handle receipt)
{
	(void)g;
	if (!receipt)
		return;
	assert_true(receipt <= wire.next_receipt && receipt <= WIRE_MAX);
	assert_false(wire.is_handled[receipt]);
	wire.is_handled[receipt] = true;
}

bool gateway_xmpp_send(struct gateway *g, struct slice local, struct slice remote,
                       const struct xmpp_element *stanza, uint64_t token)
{
	struct wire_stanza *kept = &wire.stanzas[wire.stanza_count];
	unsigned long left = wire_fail_pause();
	struct buffer text;

	(void)g;
	assert_true(wire.stanza_count < WIRE_MAX);
	wire.stanza_count++;
	*kept = (struct wire_stanza){ .token = token };
	buffer_start(&text, WIRE_TEXT - 1);
	assert_true(xmpp_write(stanza, XMPP_SCOPE_SERVER, &text));
	wire_keep(kept->text, sizeof kept->text, buffer_slice(&text));
	wire_keep(kept->local, sizeof kept->local, local);
	wire_keep(kept->remote, sizeof kept->remote, remote);
	buffer_stop(&text);
	wire_fail_go_on(left);
	return true;
}

void gateway_report_open(struct gateway_report *report, struct gateway *g, enum control_event_id id)
{
	report->gateway = g;
	buffer_start(&report->text, WIRE_TEXT - 1);
	report->w = json_write(&report->text);
	json_open_object(&report->w, NULL);
	json_put_text(&report->w, "event", control_event(id)->name);
}

void gateway_report_send(struct gateway_report *report)
{
	json_close_object(&report->w);
	if (!report->text.is_broken)
		wire_keep(wire.report, sizeof wire.report, buffer_slice(&report->text));
	buffer_stop(&report->text);
}

/* ---- time ---- */

struct instant loop_now(const struct loop *loop)
{
	(void)loop;
	return wire.now;
}

void loop_timer_set(struct loop *loop, struct loop_timer *timer, int64_t after_ms, void (*fired)(void *owner),
                    void *owner)
{
	(void)loop;
	timer->fired = fired;
	timer->owner = owner;
	timer->is_set = true;
	wire.timer = timer;
	wire.timer_at_ms = wire.now.mono_ms + after_ms;
}

/* The wire takes every stanza: nothing is put off (limits.c has the real loop). */
void loop_defer(struct loop *loop, struct loop_defer *defer, void (*run)(void *owner), void *owner)
{
	(void)loop;
	(void)defer;
	(void)run;
	(void)owner;
	fail();
}

void loop_defer_cancel(struct loop_defer *defer) { assert_false(defer->is_queued); }

void loop_timer_stop(struct loop_timer *timer)
{
	timer->is_set = false;
	if (wire.timer == timer)
		wire.timer = NULL;
}

/* A second a step, as the process does it. */
static inline void wire_wait(int64_t seconds)
{
	for (int64_t i = 0; i < seconds; i++) {
		wire.now.mono_ms += 1000;
		wire.now.wall_ms += 1000;
		if (wire.timer && wire.timer->is_set && wire.now.mono_ms >= wire.timer_at_ms) {
			struct loop_timer *timer = wire.timer;

			timer->is_set = false;
			wire.timer = NULL;
			timer->fired(timer->owner);
		}
		talks_second(&wire.gateway);
	}
}

/* ---- start and stop ---- */

static inline void wire_image(const char *im_mode, bool is_enabled)
{
	struct model_snapshot *snapshot = world_new(SLICE("on own=contoso.example"));
	struct model_object *partner = world_object(snapshot, MODEL_XMPP_PARTNER, SLICE("x.example"));

	assert_true(world_set(snapshot, partner, SLICE("im-mode"), slice_of(im_mode)));
	assert_true(
	        world_set(snapshot, partner, SLICE("enabled"), is_enabled ? SLICE("true") : SLICE("false")));
	if (wire.logs_bodies)
		assert_true(world_set(snapshot, model_snapshot_one(snapshot, MODEL_XMPP_GATEWAY),
		                      SLICE("enable-logging-all-message-bodies"), SLICE("true")));
	policy_image_close(&wire.gateway.image);
	wire.gateway.image = world_image(snapshot, 1);
	wire.gateway.settings = image_xmpp_gateway_at(wire.gateway.image, 0);
	model_snapshot_free(&snapshot);
	if (wire.gateway.talks)
		talks_image_changed(&wire.gateway);
}

static inline void wire_forget(void) { wire.request_count = wire.answer_count = wire.stanza_count = 0; }

/* `folder` NULL: nothing survives. */
static inline void wire_start(const char *folder)
{
	if (!wire.now.mono_ms)
		wire.now = (struct instant){ .mono_ms = 1000000, .wall_ms = INT64_C(1764000000000) };
	wire.gateway.folder = folder;
	wire.access_is_away = false;
	wire_forget();
	arena_start(&wire.arena, 16 * 1024 * 1024);
	wire_image("pool", true);
	assert_true(talks_start(&wire.gateway));
}

static inline void wire_stop(void)
{
	talks_stop(&wire.gateway);
	policy_image_close(&wire.gateway.image);
	arena_stop(&wire.arena);
}

/* For the next test: everything but what was kept, which counts say is none. */
static inline void wire_free(void)
{
	wire_forget();
	wire.next_server = wire.next_handle = wire.random = wire.next_receipt = 0;
	memset(wire.is_handled, 0, sizeof wire.is_handled);
	wire.timer = NULL;
	wire.logs_bodies = false;
	wire.report[0] = '\0';
	wire.cancelled = 0;
	wire.now = (struct instant){ 0 };
	wire.gateway = (struct gateway){ 0 };
}

/* ---- what comes ---- */

static inline const struct sip_message *wire_parse(const char *text, size_t length)
{
	struct sip_message *m = arena_new(&wire.arena, sizeof *m);
	struct sip_fault fault = { 0 };

	if (sip_message_parse((struct slice){ text, length }, &wire.arena, m, &fault) != SIP_PARSE_OK)
		fail_msg("%s:\n%s", fault.why, text);
	return m;
}

/* A request from sip:alice@contoso.example;tag=a to sip:bob@x.example; headers with CRLF each. The name of its answer. */
static inline handle wire_request_as(const char *method, const char *from, const char *to,
                                     const char *call_id, int cseq, const char *headers, const char *body)
{
	char *text = arena_printf(
	        &wire.arena,
	        "%s sip:bob@x.example SIP/2.0\r\nVia: SIP/2.0/TLS a.example;branch=z9hG4bK%llu\r\n"
	        "Max-Forwards: 70\r\nFrom: %s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: %d %s\r\n%s"
	        "Content-Length: %zu\r\n\r\n%s",
	        method, (unsigned long long)(wire.next_server + 1), from, to, call_id, cseq, method, headers,
	        strlen(body), body);
	const struct sip_message *m = wire_parse(text, strlen(text));

	wire_fail_start();
	gateway_sip_request(&wire.gateway, ++wire.next_server, m);
	wire_fail_stop();
	return wire.next_server;
}
static inline handle wire_sip(const char *method, const char *headers, const char *body)
{
	static int cseq;

	return wire_request_as(method, "<sip:alice@contoso.example>;tag=a", "<sip:bob@x.example>", "c1",
	                       ++cseq, headers, body);
}

/* The answer to a request of ours: our own lines, turned. `to_tag` NULL: none. */
static inline void wire_respond(size_t at, int status, const char *to_tag, const char *headers)
{
	const struct wire_request *r = &wire.requests[at];
	const struct sip_message *m;
	char *text;

	assert_true(at < wire.request_count);
	text = arena_printf(
	        &wire.arena,
	        "SIP/2.0 %d x\r\nVia: SIP/2.0/TLS g.example;branch=z9hG4bKq\r\nFrom: %s\r\nTo: %s%s%s\r\n"
	        "Call-ID: %s\r\nCSeq: %u %.*s\r\n%sContent-Length: 0\r\n\r\n",
	        status, r->from, r->to, to_tag && !strstr(r->to, ";tag=") ? ";tag=" : "",
	        to_tag && !strstr(r->to, ";tag=") ? to_tag : "", r->call_id, (unsigned)r->cseq,
	        SLICE_ARG(sip_method_name(r->method)), headers);
	m = wire_parse(text, strlen(text));
	wire_fail_start();
	gateway_sip_outcome(&wire.gateway, r->token, m, status, "");
	wire_fail_stop();
}

/* A 2xx to our INVITE at `at` that has had its outcome. */
static inline void wire_accept_again(size_t at, const char *to_tag, const char *headers)
{
	const struct wire_request *r = &wire.requests[at];
	const struct sip_message *m;
	char *text = arena_printf(&wire.arena,
	                          "SIP/2.0 200 OK\r\nVia: SIP/2.0/TLS g.example;branch=z9hG4bKq\r\nFrom: "
	                          "%s\r\nTo: %s;tag=%s\r\n"
	                          "Call-ID: %s\r\nCSeq: %u INVITE\r\n%sContent-Length: 0\r\n\r\n",
	                          r->from, r->to, to_tag, r->call_id, (unsigned)r->cseq, headers);

	m = wire_parse(text, strlen(text));
	wire_fail_start();
	gateway_sip_accepted_again(&wire.gateway, m);
	wire_fail_stop();
}

/* A request in the dialog that our request at `at` began: their NOTIFY, BYE, MESSAGE. */
static inline handle wire_in_dialog(size_t at, const char *method, const char *their_tag, int cseq,
                                    const char *headers, const char *body)
{
	const struct wire_request *r = &wire.requests[at];
	char *from = arena_printf(&wire.arena, "%.*s;tag=%s", (int)strcspn(r->to, ";"), r->to, their_tag);

	assert_true(at < wire.request_count);
	return wire_request_as(method, from, r->from, r->call_id, cseq, headers, body);
}

static inline void wire_xmpp(const char *xml)
{
	struct xmpp_parser *parser = xmpp_parser_new();
	struct xmpp_element *stanza;
	struct xmpp_fault fault = { 0 };

	if (!xmpp_parser_read(parser,
	                      SLICE("<stream:stream xmlns='jabber:server' "
	                            "xmlns:stream='http://etherx.jabber.org/streams'>"),
	                      slice_of(xml), &wire.arena, &stanza, &fault))
		fail_msg("%s: %s", fault.why, xml);
	wire_fail_start();
	gateway_xmpp_received(&wire.gateway, SLICE("im.contoso.example"), SLICE("x.example"), stanza,
	                      wire.next_receipt < WIRE_MAX ? ++wire.next_receipt : 0);
	wire_fail_stop();
	xmpp_parser_free(&parser);
}

static inline void wire_outcome(size_t at, enum gateway_delivery delivery, const char *error_xml)
{
	struct gateway_outcome outcome = { .delivery = delivery, .why = "the test says so" };
	struct xmpp_parser *parser = xmpp_parser_new();
	struct xmpp_element *stanza;
	struct xmpp_fault fault = { 0 };

	assert_true(at < wire.stanza_count);
	if (error_xml) {
		assert_true(xmpp_parser_read(parser,
		                             SLICE("<stream:stream xmlns='jabber:server' "
		                                   "xmlns:stream='http://etherx.jabber.org/streams'>"),
		                             slice_of(error_xml), &wire.arena, &stanza, &fault));
		outcome.error = stanza;
	}
	wire_fail_start();
	gateway_xmpp_outcome(&wire.gateway, wire.stanzas[at].token, &outcome);
	wire_fail_stop();
	xmpp_parser_free(&parser);
}

/* ---- what is expected ---- */

static inline int wire_status(handle server)
{
	for (size_t i = 0; i < wire.answer_count; i++)
		if (wire.answers[i].server == server)
			return wire.answers[i].status;
	return 0;
}

static inline const struct wire_answer *wire_answer_of(handle server)
{
	for (size_t i = 0; i < wire.answer_count; i++)
		if (wire.answers[i].server == server)
			return &wire.answers[i];
	fail_msg("no answer");
	return NULL;
}

static inline void wire_expect_in(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("not in it: %s\n%s", part, text);
}

#define wire_expect_stanza(at, part)                                                                         \
	wire_expect_in((assert_true((at) < wire.stanza_count), wire.stanzas[at].text), part)

#endif
