/*
 * message: one message, each way, to exactly one outcome (RFC 7572).
 *
 * From SIP: the MESSAGE waits until the stanza has been acknowledged, has drawn
 * an error, or has been quiet for long enough; then it is answered, once.  From
 * XMPP: nothing is said on success, and one error stanza on failure.
 */
#include <stdio.h>

#include "daemon/gateway/talks.h"
#include "shared/base/memory.h"

enum im_mode { MODE_AUTO, MODE_PAGE, MODE_SESSION };

/* The partner's row, or the topology's word where the row says "pool". */
static enum im_mode mode_of(const struct talks *t, const struct image_xmpp_partner *partner)
{
	const struct image_topology *topology = image_topology_at(t->gateway->image, 0);
	struct slice word = model_choice(
	        &model_kind(MODEL_XMPP_PARTNER)->fields[MODEL_FIELD(xmpp_partner, im_mode)],
	        partner->im_mode);

	if (slice_equal(word, SLICE("pool")))
		word = model_choice(&model_kind(MODEL_TOPOLOGY)->fields[MODEL_FIELD(topology, im_mode)],
		                    topology->im_mode);
	if (slice_equal(word, SLICE("page")))
		return MODE_PAGE;
	return slice_equal(word, SLICE("session")) ? MODE_SESSION : MODE_AUTO;
}

/* ---- what the keeper is told ---- */

/* Nobody's words, unless the settings say that all are to be logged. */
static void report_text(struct talks *t, const char *direction, struct slice from, struct slice to,
                        struct slice text)
{
	enum { TEXT_SHOWN_MAX = 4096 };
	struct gateway_report report;

	if (!t->gateway->settings || !t->gateway->settings->enable_logging_all_message_bodies)
		return;
	if (text.len > TEXT_SHOWN_MAX) {
		text.len = TEXT_SHOWN_MAX;
		while (text.len &&
		       ((unsigned char)text.ptr[text.len] & 0xC0) == 0x80) /* between characters */
			text.len--;
	}
	gateway_report_open(&report, t->gateway, CONTROL_EVENT_MESSAGE_TRANSLATED);
	json_put_text(&report.w, "direction", direction);
	json_put_slice(&report.w, "from", from);
	json_put_slice(&report.w, "to", to);
	json_put_slice(&report.w, "text", text);
	gateway_report_send(&report);
}

static void report_returned(struct talks *t, const struct letter *letter, int status, const char *why)
{
	struct gateway_report report;

	if (t->reported++ >= TALKS_REPORTS_PER_SECOND)
		return;
	gateway_report_open(&report, t->gateway, CONTROL_EVENT_MESSAGE_RETURNED);
	json_put_slice(&report.w, "from", letter->from);
	json_put_slice(&report.w, "to", letter->to);
	json_put_number(&report.w, "status", status);
	json_put_text(&report.w, "why", why);
	gateway_report_send(&report);
}

/* ---- letters ---- */

static struct slice laid(char **at, struct slice text)
{
	struct slice copy = { *at, text.len };

	if (text.len)
		memcpy(*at, text.ptr, text.len);
	*at += text.len;
	return copy;
}

static struct letter *letter_new(const struct xmpp_element *stanza, const struct translate_im *im,
                                 const struct translate_content *content, handle *receipt)
{
	struct slice from = xmpp_get(stanza, SLICE("from")), to = xmpp_get(stanza, SLICE("to"));
	struct slice thread = translate_may_be_call_id(im->thread) ? im->thread : SLICE("");
	struct letter *letter = mem_new(sizeof *letter);
	char *at = letter ? mem_new(from.len + to.len + im->id.len + thread.len + content->headers.len +
	                            content->body.len + 1)
	                  : NULL;

	if (!at) {
		mem_free(letter);
		return NULL;
	}
	*letter = (struct letter){ .block = at, .method = content->method, .receipt = *receipt };
	*receipt = 0;
	letter->from = laid(&at, from);
	letter->to = laid(&at, to);
	letter->id = laid(&at, im->id);
	letter->call_id = laid(&at, thread);
	letter->headers = laid(&at, content->headers);
	letter->body = laid(&at, content->body);
	list_start(&letter->node);
	return letter;
}

void letter_free(struct letter **letter)
{
	if (!*letter)
		return;
	list_remove(&(*letter)->node);
	mem_free((*letter)->block);
	mem_free(*letter);
	*letter = NULL;
}

/* Back to its sender: one error stanza, with the id that he gave it. */
static void letter_return(struct talks *t, const struct letter *letter, const struct xmpp_stanza_error *error)
{
	struct xmpp_builder b = { .arena = &t->arena };
	struct xmpp_element *was = xmpp_add(&b, NULL, XMPP_NS_SERVER, SLICE("message"));

	xmpp_set(&b, was, SLICE("from"), letter->from);
	xmpp_set(&b, was, SLICE("to"), letter->to);
	if (letter->id.len)
		xmpp_set(&b, was, SLICE("id"), letter->id);
	if (!b.is_broken)
		talks_return(t, was, error);
}

void message_fail(struct talks *t, struct letter **letter, const struct outcome *what)
{
	struct xmpp_stanza_error error;

	t->to_sip.failed++;
	if (translate_error_to_xmpp(what->status, what->m, &t->arena, &error) != TRANSLATE_OK)
		error = (struct xmpp_stanza_error){ .condition = XMPP_INTERNAL_SERVER_ERROR,
			                            .type = XMPP_ERROR_CANCEL };
	if (!what->m)
		error.text = slice_of(what->why); /* our own words: they name nothing of the inside */
	report_returned(t, *letter, what->status,
	                what->m ? xmpp_condition_name(error.condition).ptr : what->why);
	letter_return(t, *letter, &error);
	gateway_xmpp_handled(t->gateway, (*letter)->receipt);
	letter_free(letter);
}

void message_fail_plainly(struct talks *t, struct letter **letter, int status, const char *why)
{
	const struct outcome what = { .status = status, .why = why };

	message_fail(t, letter, &what);
}

void message_arrived(struct talks *t, struct letter **letter)
{
	t->to_sip.delivered++;
	gateway_xmpp_handled(t->gateway, (*letter)->receipt);
	letter_free(letter);
}

/* ---- into SIP ---- */

/* The addresses of a request of its own: from the device that wrote, to our user. */
static bool write_page(struct talks *t, const struct parties *p, struct pair *pair, struct slice call_id,
                       const struct translate_content *content, uint64_t token, struct reason *why)
{
	char *from = arena_printf(&t->arena, "<%.*s>;tag=%s", SLICE_ARG(p->their_full_uri), pair->tag);
	char *to = arena_printf(&t->arena, "<%.*s>", SLICE_ARG(p->our_uri));
	struct gateway_request request = { .method = content->method,
		                           .target = p->our_uri,
		                           .from = slice_of(from),
		                           .to = slice_of(to),
		                           .call_id = call_id.len ? call_id : slice_of(pair->call_id),
		                           .cseq = ++pair->cseq,
		                           .headers = content->headers,
		                           .body = content->body };

	return from && to && gateway_sip_send(t->gateway, &request, token, why) != 0;
}

void message_page(struct talks *t, struct letter *letter)
{
	struct ask *ask = ask_new(t, ASK_PAGE, 0);
	struct translate_refusal refusal;
	struct reason why = { "out of memory" };
	struct parties p;
	struct pair *pair = NULL;

	if (talks_parties_of_stanza(t, letter->to, letter->from, &p, &refusal) == TRANSLATE_OK)
		pair = pair_get(t, p.key);
	if (!ask || !pair) {
		ask_free(t, &ask);
		message_fail_plainly(t, &letter, 500, "out of memory");
		return;
	}
	ask->letter = letter;

	const struct translate_content content = { letter->method, letter->headers, letter->body };

	if (write_page(t, &p, pair, letter->call_id, &content, ask->self, &why))
		return;
	ask->letter = NULL;
	ask_free(t, &ask);
	message_fail_plainly(t, &letter, 504, why.text);
}

/* A client or pool that takes no MESSAGE of its own says so in one of these ways. */
static bool refuses_the_way(int status)
{
	return status == 405 || status == 415 || status == 488 || status == 501;
}

void message_answered(struct talks *t, struct ask *ask, const struct outcome *what)
{
	struct letter *letter = ask->letter;
	struct translate_refusal refusal;
	struct parties p;
	struct pair *pair;

	ask->letter = NULL;
	if (what->status < 300) {
		message_arrived(t, &letter);
		return;
	}
	if (letter->may_change_mode && refuses_the_way(what->status) &&
	    talks_parties_of_stanza(t, letter->to, letter->from, &p, &refusal) == TRANSLATE_OK &&
	    (pair = pair_get(t, p.key))) {
		letter->may_change_mode = false;
		pair->knows_mode = pair->wants_session = true;
		t->pool_wants_sessions = true;
		session_send(t, pair, &p, letter);
		return;
	}
	message_fail(t, &letter, what);
}

static void send_text(struct talks *t, const struct xmpp_element *stanza, const struct parties *p,
                      struct pair *pair, const struct image_xmpp_partner *partner,
                      const struct translate_im *im, const struct translate_content *content, handle *receipt)
{
	enum im_mode mode = mode_of(t, partner);
	struct letter *letter = letter_new(stanza, im, content, receipt);
	const struct xmpp_stanza_error no_memory = { .condition = XMPP_RESOURCE_CONSTRAINT,
		                                     .type = XMPP_ERROR_WAIT };

	if (!letter) {
		t->to_sip.failed++;
		talks_return(t, stanza, &no_memory);
		return;
	}
	report_text(t, "in", p->their_text, p->our_text, im->text);
	pair->typing_at_ms = 0;
	pair->is_chat = im->is_chat;
	letter->may_change_mode = mode == MODE_AUTO;
	if (pair->session || mode == MODE_SESSION || (mode == MODE_AUTO && pair->wants_session))
		session_send(t, pair, p, letter);
	else
		message_page(t, letter);
}

/* "Still composing" need not be said more often than its refresh (RFC 3994 §3.2). */
static bool is_typing_news(struct talks *t, struct pair *pair, enum translate_typing typing)
{
	int64_t now = gateway_now_ms(t->gateway);
	bool is_composing = typing == TRANSLATE_TYPING_COMPOSING;

	if (is_composing ? pair->typing_at_ms && now - pair->typing_at_ms < TALKS_TYPING_MS
	                 : !pair->typing_at_ms)
		return false;
	pair->typing_at_ms = is_composing ? now : 0;
	return true;
}

static void send_notice(struct talks *t, const struct parties *p, struct pair *pair,
                        const struct translate_im *im, const struct translate_content *content)
{
	struct reason why;
	struct ask *ask;

	if (im->kind == TRANSLATE_IM_TYPING && !is_typing_news(t, pair, im->typing))
		return;
	if (session_say(t, pair, content) || content->method != SIP_MESSAGE)
		return;
	ask = ask_new(t, ASK_QUIETLY, 0);
	if (ask && !write_page(t, p, pair, SLICE(""), content, ask->self, &why))
		ask_free(t, &ask);
}

/* What the text of the stanza is refused with; NULL: nothing. */
static const char *limit_broken(const struct image_xmpp_partner *partner, const struct translate_im *im)
{
	if (!partner)
		return "no such partner";
	return im->kind == TRANSLATE_IM_TEXT && im->text.len > partner->max_message_body
	               ? "the message is longer than this partner's limit"
	               : NULL;
}

static enum translate_answer take(struct talks *t, const struct xmpp_element *stanza, struct parties *p,
                                  struct translate_im *im, struct translate_refusal *refusal)
{
	enum translate_answer answer = translate_im_from_stanza(stanza, &t->arena, im, refusal);
	const char *why;

	if (answer != TRANSLATE_OK)
		return answer;
	answer = talks_parties_of_stanza(t, xmpp_get(stanza, SLICE("to")), xmpp_get(stanza, SLICE("from")), p,
	                                 refusal);
	if (answer != TRANSLATE_OK)
		return answer;
	if (t->gateway->is_draining && im->kind == TRANSLATE_IM_TEXT) {
		*refusal = (struct translate_refusal){ 503, XMPP_RESOURCE_CONSTRAINT,
			                               "the XMPP gateway stops; write again in a moment" };
		return TRANSLATE_REFUSED;
	}
	why = limit_broken(gateway_partner(t->gateway, p->theirs.domain), im);
	if (!why)
		return TRANSLATE_OK;
	*refusal = (struct translate_refusal){ 413, XMPP_POLICY_VIOLATION, why };
	return TRANSLATE_REFUSED;
}

void message_from_xmpp(struct talks *t, const struct xmpp_element *stanza, handle *receipt)
{
	struct translate_refusal refusal = { 500, XMPP_RESOURCE_CONSTRAINT, "out of memory" };
	struct translate_content content;
	struct translate_im im = { 0 };
	struct parties p;
	enum translate_answer answer = take(t, stanza, &p, &im, &refusal);
	bool is_text = answer == TRANSLATE_OK ? im.kind == TRANSLATE_IM_TEXT : answer != TRANSLATE_NOTHING;
	struct pair *pair = answer == TRANSLATE_OK ? pair_get(t, p.key) : NULL;

	t->to_sip.in += is_text;
	if (pair && im.kind == TRANSLATE_IM_TYPING && im.typing == TRANSLATE_TYPING_GONE) {
		session_leave(t, pair);
		return;
	}
	if (!im.stamp_ms)
		im.stamp_ms = loop_now(t->gateway->loop).wall_ms;
	if (pair)
		answer = translate_im_to_sip(&im, pair->tastes, p.their_uri, p.our_uri, &t->arena, &content);
	/* Of the body that goes out: line ends and an envelope have made it longer than the words were. */
	if (answer == TRANSLATE_OK && pair && is_text &&
	    content.body.len > gateway_partner(t->gateway, p.theirs.domain)->max_message_body) {
		refusal = (struct translate_refusal){ 413, XMPP_POLICY_VIOLATION,
			                              "the message is longer than this partner's limit" };
		answer = TRANSLATE_REFUSED;
	}
	if (answer == TRANSLATE_OK && pair && is_text) {
		send_text(t, stanza, &p, pair, gateway_partner(t->gateway, p.theirs.domain), &im, &content,
		          receipt);
	} else if (answer == TRANSLATE_OK && pair) {
		send_notice(t, &p, pair, &im, &content);
	} else if (answer != TRANSLATE_NOTHING) {
		const struct xmpp_stanza_error error = translate_error_of(&refusal);

		t->to_sip.refused += is_text;
		talks_return(t, stanza, &error);
	}
}

/* ---- into XMPP ---- */

static void send_stanza(struct talks *t, handle server, const struct parties *p,
                        const struct translate_im *im)
{
	struct xmpp_builder b = { .arena = &t->arena };
	bool is_text = im->kind == TRANSLATE_IM_TEXT;
	struct ask *ask = is_text ? ask_new(t, ASK_STANZA, 0) : NULL;
	struct xmpp_jid ours = p->ours, theirs = p->theirs;
	struct xmpp_element *stanza = translate_im_to_stanza(&b, im, xmpp_jid_text(&ours, &t->arena),
	                                                     xmpp_jid_text(&theirs, &t->arena));

	if (!stanza || (is_text && !ask)) {
		ask_free(t, &ask);
		t->to_xmpp.failed += is_text;
		talks_give_up(t, server, 500, LINK_SIP_TEMPORARY, "out of memory");
		return;
	}
	if (is_text) {
		ask->server = server;
		report_text(t, "out", p->our_text, p->their_text, im->text);
	} else {
		talks_answer(t, server, 200, ""); /* a notice has no outcome worth waiting for */
	}
	talks_stanza(t, p, stanza, is_text ? ask->self : 0);
}

void message_from_sip(struct talks *t, handle server, const struct sip_message *m, const struct parties *p,
                      bool is_in_session)
{
	struct translate_refusal refusal = { 500, XMPP_RESOURCE_CONSTRAINT, "out of memory" };
	struct translate_im im = { 0 };
	enum translate_answer answer = translate_im_from_sip(m, t->parser, &t->arena, &im, &refusal);
	bool is_text = answer == TRANSLATE_OK ? im.kind == TRANSLATE_IM_TEXT
	                                      : answer != TRANSLATE_NOTHING && m->method == SIP_MESSAGE;
	struct pair *pair = pair_get(t, p->key);
	int64_t now = loop_now(t->gateway->loop).wall_ms;
	const char *why;

	t->to_xmpp.in += is_text;
	if (pair)
		translate_tastes_learn(m, &pair->tastes);
	if (answer == TRANSLATE_OK &&
	    (why = limit_broken(gateway_partner(t->gateway, p->theirs.domain), &im))) {
		refusal = (struct translate_refusal){ 413, XMPP_POLICY_VIOLATION, why };
		answer = TRANSLATE_REFUSED;
	}
	switch (answer) {
	case TRANSLATE_OK:
		im.is_chat = is_in_session || (pair && pair->is_chat);
		im.is_delayed = is_text && im.stamp_ms > 0 && now - im.stamp_ms > TALKS_OLD_MS;
		send_stanza(t, server, p, &im);
		return;
	case TRANSLATE_NOTHING: talks_answer(t, server, 200, ""); return;
	default:
		t->to_xmpp.refused += is_text;
		/* An INFO says nothing that could be lost: whatever it holds, it has been received. */
		if (m->method == SIP_INFO)
			talks_answer(t, server, 200, "");
		else
			talks_refuse(t, server, answer, &refusal);
	}
}

static void answer_error(struct talks *t, handle server, const struct xmpp_element *stanza)
{
	struct xmpp_stanza_error error;
	struct translate_status status;
	struct xmpp_jid from = { .resource = SLICE("") };
	struct gateway_answer answer;
	char *contact = NULL;

	(void)xmpp_error_read(stanza, &t->arena, &error);
	(void)xmpp_jid_parse(xmpp_get(stanza, SLICE("from")), &t->arena, &from, NULL);
	translate_error_to_sip(&error, from.resource.len == 0, SIP_MESSAGE, &t->arena, &status);
	if (status.status == 405) {
		talks_answer(t, server, 405, "");
		return;
	}
	if (status.contact.len)
		contact = arena_printf(&t->arena, "Contact: %.*s\r\n", SLICE_ARG(status.contact));
	answer = (struct gateway_answer){ .status = status.status,
		                          .phrase = status.phrase,
		                          .headers = contact ? slice_of(contact) : SLICE("") };
	(void)gateway_sip_answer(t->gateway, server, &answer);
}

void message_delivered(struct talks *t, struct ask *ask, const struct gateway_outcome *outcome)
{
	bool is_delivered = outcome->delivery == GATEWAY_DELIVERED || outcome->delivery == GATEWAY_WRITTEN;
	char *why;

	if (is_delivered)
		t->to_xmpp.delivered++;
	else
		t->to_xmpp.failed++;
	switch (outcome->delivery) {
	case GATEWAY_DELIVERED:
	case GATEWAY_WRITTEN: talks_answer(t, ask->server, 200, ""); break;
	case GATEWAY_REFUSED: answer_error(t, ask->server, outcome->error); break;
	case GATEWAY_UNKNOWN:
		why = arena_printf(&t->arena, "nobody knows what became of it: %s", outcome->why);
		talks_give_up(t, ask->server, 504, LINK_SIP_NO_REASON, why ? why : outcome->why);
		break;
	case GATEWAY_FAILED: talks_give_up(t, ask->server, 504, LINK_SIP_UNREACHABLE, outcome->why); break;
	case GATEWAY_CROWDED: talks_give_up(t, ask->server, 480, LINK_SIP_TEMPORARY, outcome->why); break;
	}
}
