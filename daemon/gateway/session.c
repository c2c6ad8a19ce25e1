/*
 * session: IM sessions as Lync's clients hold them: INVITE with m=message, then
 * MESSAGE within the dialog, then BYE ([MS-SDP] 3.1.5.3, RFC 3261 §12 to §15).
 * No media flows: address and port of the SDP mean nothing.
 */
#include <stdio.h>

#include "daemon/gateway/talks.h"
#include "shared/base/memory.h"

struct session {
	handle self;
	struct pair *pair; /* not forgotten while it has a session */
	char tag[TALKS_TAG_BYTES];
	struct dialog dialog;
	enum session_state state;
	handle invite;     /* ours, while it is under way */
	struct list queue; /* letters */
	size_t queued;
	int64_t used_ms;
	int64_t timer_ms; /* RFC 4028: refreshed until then; INT64_MAX: never asked for */
	uint32_t timer_s;
};

/* ---- the machine ---- */

#define ROW(state, event, next, actions)                                                                     \
	[SESSION_##state][SESSION_##event] = { SESSION_##next, actions, true }
static const struct session_step steps[SESSION_STATES][SESSION_EVENTS] = {
	ROW(INVITING, LETTER, INVITING, SESSION_DO_QUEUE),
	ROW(INVITING, ACCEPTED, UP, SESSION_DO_ACK | SESSION_DO_SEND_QUEUE),
	ROW(INVITING, REFUSED, ENDED, SESSION_DO_RETURN_QUEUE),
	ROW(INVITING, BYE, ENDED, SESSION_DO_RETURN_QUEUE),
	ROW(INVITING, LEAVE, LEAVING, 0),
	ROW(INVITING, LOST, ENDED, SESSION_DO_RETURN_QUEUE),
	ROW(INVITING, CUT, ENDED, SESSION_DO_CANCEL | SESSION_DO_RETURN_QUEUE),
	ROW(UP, LETTER, UP, SESSION_DO_SEND),
	ROW(UP, BYE, ENDED, SESSION_DO_TELL_GONE),
	ROW(UP, LEAVE, ENDED, SESSION_DO_BYE),
	ROW(UP, IDLE, ENDED, SESSION_DO_BYE | SESSION_DO_TELL_GONE),
	ROW(UP, LOST, ENDED, 0),
	ROW(UP, CUT, ENDED, SESSION_DO_BYE),
	ROW(LEAVING, LETTER, INVITING, SESSION_DO_QUEUE),
	ROW(LEAVING, ACCEPTED, ENDED, SESSION_DO_ACK | SESSION_DO_SEND_QUEUE | SESSION_DO_BYE),
	ROW(LEAVING, REFUSED, ENDED, SESSION_DO_RETURN_QUEUE),
	ROW(LEAVING, BYE, ENDED, SESSION_DO_RETURN_QUEUE),
	ROW(LEAVING, LEAVE, LEAVING, 0),
	ROW(LEAVING, LOST, ENDED, SESSION_DO_RETURN_QUEUE),
	ROW(LEAVING, CUT, ENDED, SESSION_DO_CANCEL | SESSION_DO_RETURN_QUEUE),
};
#undef ROW

struct session_step session_step(enum session_state state, enum session_event event)
{
	struct session_step step = steps[state][event];

	if (!step.is_written)
		step.next = state;
	return step;
}

/* ---- life ---- */

static void session_free(struct talks *t, struct session *s)
{
	if (s->pair->session == s->self)
		s->pair->session = 0;
	s->pair->sessions--;
	map_remove(&t->session_tags, slice_of(s->tag));
	handles_remove(&t->sessions, s->self);
	while (!list_is_empty(&s->queue)) {
		struct letter *letter = LIST_OWNER(s->queue.next, struct letter, node);

		letter_free(&letter);
	}
	dialog_drop(&s->dialog);
	mem_free(s);
}

static struct session *session_new(struct talks *t, struct pair *pair, const struct dialog *dialog,
                                   enum session_state state)
{
	struct session *s = mem_new(sizeof *s);

	if (!s)
		return NULL;
	*s = (struct session){ .pair = pair,
		               .state = state,
		               .dialog = *dialog,
		               .timer_ms = INT64_MAX,
		               .used_ms = gateway_now_ms(t->gateway) };
	list_start(&s->queue);
	s->self = handles_add(&t->sessions, s);
	if (!s->self || !slice_to_text(dialog->local_tag, s->tag, sizeof s->tag) ||
	    map_add(&t->session_tags, slice_of(s->tag), s) != RESULT_OK) {
		handles_remove(&t->sessions, s->self);
		mem_free(s);
		return NULL;
	}
	pair->session = s->self; /* the newest is the one that is used */
	pair->sessions++;
	return s;
}

/* ---- what is said ---- */

#define ACCEPT_TYPES                                                                                         \
	"a=accept-types:text/plain text/html multipart/alternative message/cpim message/imdn+xml "           \
	"application/im-iscomposing+xml\r\n"

/* `is_old`: the form of Lync's first clients, which is answered in kind. */
static struct slice sdp_of(struct talks *t, struct slice uri, bool is_old)
{
	static const char top[] =
	        "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=session\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n";
	char *text = is_old ? arena_printf(&t->arena, "%sm=x-ms-message 5060 sip null\r\n" ACCEPT_TYPES, top)
	                    : arena_printf(&t->arena, "%sm=message 5060 sip %.*s\r\n" ACCEPT_TYPES, top,
	                                   SLICE_ARG(uri));

	return text ? slice_of(text) : SLICE("");
}

/* The URI in a header value of ours: "<sip:...>;tag=..." */
static struct slice uri_of(struct slice value)
{
	struct sip_address address;

	return sip_address_parse(value, &address, NULL) == SIP_PARSE_OK ? address.uri.all : SLICE("");
}

static struct slice body_headers(struct talks *t, const struct session *s, const char *more)
{
	struct slice uri = uri_of(s->dialog.local);
	char *text = arena_printf(&t->arena, "Contact: <%.*s>\r\n%sContent-Type: application/sdp\r\n",
	                          SLICE_ARG(uri), more);

	return text ? slice_of(text) : SLICE("");
}

static void send_letter(struct talks *t, struct session *s, struct letter *letter)
{
	struct ask *ask = ask_new(t, ASK_IN_SESSION, s->self);

	if (ask &&
	    talks_in_dialog(t, &s->dialog, SIP_MESSAGE, letter->headers, letter->body, false, ask->self)) {
		ask->letter = letter;
		return;
	}
	ask_free(t, &ask);
	message_fail_plainly(t, &letter, 504, "the Access Edge is away");
}

/* "gone", or nothing when the other side has shown no states: a chat always may hear it (XEP-0085 §5.1). */
static void tell_gone(struct talks *t, const struct session *s)
{
	struct xmpp_builder b = { .arena = &t->arena };
	const struct translate_im gone = { .kind = TRANSLATE_IM_TYPING, .typing = TRANSLATE_TYPING_GONE };
	struct xmpp_element *stanza;
	struct parties p;

	if (!s->pair->is_chat || talks_parties_of_key(t, s->pair->key, &p) != TRANSLATE_OK)
		return;
	stanza = translate_im_to_stanza(&b, &gone, p.our_text, p.their_text);
	if (stanza)
		talks_stanza(t, &p, stanza, 0);
}

/* Also when the partner is no longer allowed: what had been is to end on both sides. */
static void end_politely(struct talks *t, struct dialog *d)
{
	struct ask *ask = ask_new(t, ASK_QUIETLY, 0);

	if (ask && !talks_in_dialog(t, d, SIP_BYE, SLICE(""), SLICE(""), true, ask->self))
		ask_free(t, &ask);
}

/* `failure` NULL: they are sent.  Takes the letters out first: what returns or sends them may change the session. */
static void empty_queue(struct talks *t, struct session *s, const struct outcome *failure)
{
	while (!list_is_empty(&s->queue)) {
		struct letter *letter = LIST_OWNER(s->queue.next, struct letter, node);

		list_remove(&letter->node);
		if (failure)
			message_fail(t, &letter, failure);
		else
			send_letter(t, s, letter);
	}
	s->queued = 0;
}

/* A pool that knows no sessions takes each message on its own; learnt once. */
static bool falls_back(struct talks *t, struct session *s, int status)
{
	struct list letters;
	bool is_any = false;

	if (status != 405 && status != 415 && status != 488 && status != 501)
		return false;
	list_start(&letters);
	LIST_EACH_SAFE (at, &s->queue) {
		struct letter *letter = LIST_OWNER(at, struct letter, node);

		if (!letter->may_change_mode)
			continue;
		list_remove(&letter->node);
		list_add_last(&letters, &letter->node);
		is_any = true;
	}
	if (is_any) {
		s->pair->knows_mode = true;
		s->pair->wants_session = t->pool_wants_sessions = false;
	}
	while (!list_is_empty(&letters)) {
		struct letter *letter = LIST_OWNER(letters.next, struct letter, node);

		list_remove(&letter->node);
		letter->may_change_mode = false;
		message_page(t, letter);
	}
	return is_any;
}

/* One event; the session may be gone afterwards. */
static void happen(struct talks *t, struct session *s, enum session_event event, struct letter *letter,
                   const struct outcome *what)
{
	struct session_step step = session_step(s->state, event);

	s->state = step.next;
	s->used_ms = gateway_now_ms(t->gateway);
	if (step.actions & SESSION_DO_ACK)
		(void)talks_in_dialog(t, &s->dialog, SIP_ACK, SLICE(""), SLICE(""), false, 0);
	if (step.actions & SESSION_DO_QUEUE) {
		if (s->queued < TALKS_QUEUE_MAX) {
			list_add_last(&s->queue, &letter->node);
			s->queued++;
		} else {
			message_fail_plainly(t, &letter, 480, "too many messages wait for this session");
		}
	}
	if (step.actions & SESSION_DO_SEND)
		send_letter(t, s, letter);
	if (step.actions & SESSION_DO_SEND_QUEUE)
		empty_queue(t, s, NULL);
	if (step.actions & SESSION_DO_RETURN_QUEUE) {
		(void)falls_back(t, s, what->status);
		empty_queue(t, s, what);
	}
	if (step.actions & SESSION_DO_TELL_GONE)
		tell_gone(t, s);
	if (step.actions & SESSION_DO_BYE)
		end_politely(t, &s->dialog);
	if (step.actions & SESSION_DO_CANCEL)
		gateway_sip_cancel(t->gateway, s->invite);
	if (s->state == SESSION_ENDED)
		session_free(t, s);
}

/* ---- we begin ---- */

static bool begin_dialog(struct talks *t, const struct parties *p, struct slice call_id, struct dialog *d)
{
	char tag[TALKS_TAG_BYTES];
	struct dialog parts = { .target = p->our_uri };
	char *local, *remote, *own_call_id;

	talks_make_tag(t, tag);
	local = arena_printf(&t->arena, "<%.*s>;tag=%s", SLICE_ARG(p->their_full_uri), tag);
	remote = arena_printf(&t->arena, "<%.*s>", SLICE_ARG(p->our_uri));
	talks_make_tag(t, tag);
	own_call_id = arena_printf(&t->arena, "%s@xmpp-gateway", tag);
	parts.local = slice_of(local);
	parts.remote = slice_of(remote);
	parts.call_id = call_id.len ? call_id : slice_of(own_call_id);
	*d = (struct dialog){ 0 };
	return local && remote && own_call_id && dialog_keep(d, &parts);
}

static struct session *invite(struct talks *t, struct pair *pair, const struct parties *p,
                              struct slice call_id)
{
	struct dialog dialog;
	struct session *s = begin_dialog(t, p, call_id, &dialog)
	                            ? session_new(t, pair, &dialog, SESSION_INVITING)
	                            : NULL;
	struct ask *ask = s ? ask_new(t, ASK_INVITE, s->self) : NULL;

	if (ask)
		s->invite = talks_in_dialog(
		        t, &s->dialog, SIP_INVITE,
		        body_headers(t, s, "Allow: INVITE, ACK, CANCEL, BYE, MESSAGE, INFO, OPTIONS\r\n"),
		        sdp_of(t, uri_of(s->dialog.local), false), false, ask->self);
	if (ask && s->invite)
		return s;
	ask_free(t, &ask);
	if (s)
		session_free(t, s);
	return NULL;
}

void session_send(struct talks *t, struct pair *pair, const struct parties *p, struct letter *letter)
{
	struct session *s = handles_get(&t->sessions, pair->session);

	if (!s && !(s = invite(t, pair, p, letter->call_id)))
		message_fail_plainly(t, &letter, 504, "the Access Edge is away");
	else
		happen(t, s, SESSION_LETTER, letter, NULL);
}

bool session_say(struct talks *t, struct pair *pair, const struct translate_content *content)
{
	struct session *s = handles_get(&t->sessions, pair->session);
	struct ask *ask;

	if (!s || s->state != SESSION_UP)
		return s != NULL; /* while it is being made, typing is nothing to wait with */
	ask = ask_new(t, ASK_QUIETLY, 0);
	if (ask && !talks_in_dialog(t, &s->dialog, content->method, content->headers, content->body, false,
	                            ask->self))
		ask_free(t, &ask);
	return true;
}

void session_leave(struct talks *t, struct pair *pair)
{
	struct session *s = handles_get(&t->sessions, pair->session);

	if (s)
		happen(t, s, SESSION_LEAVE, NULL, NULL);
}

void session_answered(struct talks *t, struct ask *ask, const struct outcome *what)
{
	static const struct outcome no_dialog = { .status = 500, .why = "their 200 has no usable Contact" };
	struct session *s = handles_get(&t->sessions, ask->owner);
	bool is_accepted = what->status < 300 && what->m;

	if (is_accepted && s && dialog_confirm(&s->dialog, what->m, &t->arena)) {
		s->pair->knows_mode = s->pair->wants_session = true;
		happen(t, s, SESSION_ACCEPTED, NULL, NULL);
		return;
	}
	if (is_accepted)
		session_accepted_again(t, what->m);
	if (s)
		happen(t, s, SESSION_REFUSED, NULL, is_accepted ? &no_dialog : what);
}

/* The very dialog of a session that is up: the 2xx was repeated, for its ACK has not come by yet. */
static bool is_up(struct talks *t, const struct sip_message *m)
{
	const struct session *s = map_get(&t->session_tags, m->from.tag);

	return s && s->state == SESSION_UP && slice_equal(s->dialog.call_id, m->call_id) &&
	       slice_equal(s->dialog.remote_tag, m->to.tag);
}

/*
 * RFC 3261 §13.2.2.4: each 2xx is acknowledged, and a dialog that nobody wants is ended: its INVITE was cancelled
 * too late (§9.1), has timed out here, or has been forked. Without memory it is repeated, and has another chance.
 */
void session_accepted_again(struct talks *t, const struct sip_message *m)
{
	struct dialog d = { 0 };

	if (!dialog_from_response(&d, m, &t->arena))
		return;
	(void)talks_in_dialog(t, &d, SIP_ACK, SLICE(""), SLICE(""), true, 0);
	if (!is_up(t, m))
		end_politely(t, &d);
	dialog_drop(&d);
}

/* 481, or silence: they have forgotten the session. The letter gets one more. */
void session_message_answered(struct talks *t, struct ask *ask, const struct outcome *what)
{
	struct session *s = handles_get(&t->sessions, ask->owner);
	struct letter *letter = ask->letter;
	struct translate_refusal refusal;
	struct parties p;
	struct pair *pair;

	ask->letter = NULL;
	if (what->status < 300) {
		message_arrived(t, &letter);
		return;
	}
	if (s && (what->status == 481 || !what->m))
		happen(t, s, SESSION_LOST, NULL, what);
	if (what->status == 481 && !letter->is_again &&
	    talks_parties_of_stanza(t, letter->to, letter->from, &p, &refusal) == TRANSLATE_OK &&
	    (pair = pair_get(t, p.key))) {
		letter->is_again = true;
		session_send(t, pair, &p, letter);
		return;
	}
	message_fail(t, &letter, what);
}

/* ---- they begin ---- */

static bool offers(const struct sip_message *m, const char *media)
{
	struct slice rest = m->body, line;

	while (slice_next(&rest, '\n', &line))
		if (slice_starts(line, slice_of(media)))
			return true;
	return false;
}

/* RFC 4028 §9: who asks for a session timer refreshes it himself. */
static const char *take_timer(struct talks *t, struct session *s, const struct sip_message *m)
{
	struct slice value = talks_header(m, SIP_SESSION_EXPIRES);
	uint64_t seconds;
	char *line;

	value = slice_trim(slice_first(value, slice_find(value, ';')));
	if (!slice_to_number(value, 86400 * 7, &seconds) || seconds < 90)
		return "";
	s->timer_s = (uint32_t)seconds;
	s->timer_ms = gateway_now_ms(t->gateway) + (int64_t)seconds * 1000;
	line = arena_printf(&t->arena, "Require: timer\r\nSession-Expires: %u;refresher=uac\r\n", s->timer_s);
	return line ? line : "";
}

static void accept_invite(struct talks *t, handle server, struct session *s, const struct sip_message *m)
{
	const char *timer = take_timer(t, s, m);
	const struct gateway_answer answer = { .status = 200,
		                               .to_tag = s->dialog.local_tag,
		                               .headers = body_headers(t, s, timer),
		                               .body = sdp_of(t, uri_of(s->dialog.local),
		                                              offers(m, "m=x-ms-message")) };

	(void)gateway_sip_answer(t->gateway, server, &answer);
}

void session_invited(struct talks *t, handle server, const struct sip_message *m)
{
	struct translate_refusal refusal = { 0 };
	char tag[TALKS_TAG_BYTES];
	struct dialog dialog = { 0 };
	struct session *s, *old;
	struct parties p;
	struct pair *pair;
	enum translate_answer answer = talks_parties_of_request(t, &m->from.uri, &m->target_uri, &p,
	                                                        &refusal);

	if (answer != TRANSLATE_OK) {
		talks_refuse(t, server, answer, &refusal);
		return;
	}
	if (!offers(m, "m=message ") && !offers(m, "m=x-ms-message ")) {
		talks_answer(t, server, 488, "Only instant messages cross to XMPP");
		return;
	}
	talks_make_tag(t, tag);
	pair = pair_get(t, p.key);
	if (!pair || !dialog_from_request(&dialog, m, slice_of(tag), &t->arena)) {
		talks_answer(t, server, pair ? 400 : 500, pair ? "No Contact" : "");
		return;
	}
	/* The newer one is used from here on, the older ends; one of ours that is under way says first what waits for it. */
	if ((old = handles_get(&t->sessions, pair->session)) && old->state == SESSION_UP)
		happen(t, old, SESSION_LEAVE, NULL, NULL);
	if (!(s = session_new(t, pair, &dialog, SESSION_UP))) {
		dialog_drop(&dialog);
		talks_give_up(t, server, 480, LINK_SIP_TEMPORARY, "too many IM sessions are open");
		return;
	}
	pair->knows_mode = pair->wants_session = true;
	pair->tastes.lync = true;
	accept_invite(t, server, s, m);
}

/* ---- in the dialog ---- */

/*
 * Whom what is said in it is between: the session's pair, whatever From and To of one request say.  The resource that
 * the session was begun with stands in what we called ourselves in it.
 */
static enum translate_answer parties_of(struct talks *t, const struct session *s, struct parties *out)
{
	struct sip_address ours, theirs;
	struct translate_refusal refusal;
	struct slice key = s->pair->key;

	if (sip_address_parse(s->dialog.remote, &ours, NULL) == SIP_PARSE_OK &&
	    sip_address_parse(s->dialog.local, &theirs, NULL) == SIP_PARSE_OK &&
	    talks_parties_of_request(t, &ours.uri, &theirs.uri, out, &refusal) == TRANSLATE_OK &&
	    slice_equal(out->key, key))
		return TRANSLATE_OK;
	return talks_parties_of_key(t, key, out);
}

bool session_request(struct talks *t, handle server, const struct sip_message *m)
{
	static const struct outcome hung_up = { .status = 480,
		                                .why = "the other side has ended the session" };
	struct session *s = map_get(&t->session_tags, m->to.tag);
	struct translate_refusal refusal = { 0 };
	enum translate_answer answer;
	struct parties p;

	switch (s ? dialog_accept(&s->dialog, m) : DIALOG_OTHER) {
	case DIALOG_OTHER: return false;
	case DIALOG_OLD: talks_answer(t, server, 500, "CSeq does not rise"); return true;
	case DIALOG_FITS: break;
	}
	s->used_ms = gateway_now_ms(t->gateway);
	switch ((unsigned)m->method) {
	case SIP_MESSAGE:
	case SIP_INFO:
		answer = parties_of(t, s, &p);
		if (answer == TRANSLATE_OK)
			message_from_sip(t, server, m, &p, true);
		else
			talks_refuse(t, server, answer, &refusal);
		return true;
	case SIP_INVITE: accept_invite(t, server, s, m); return true;
	case SIP_BYE:
		talks_answer(t, server, 200, "");
		happen(t, s, SESSION_BYE, NULL, &hung_up);
		return true;
	case SIP_OPTIONS: talks_answer(t, server, 200, ""); return true;
	default: talks_answer(t, server, 405, ""); return true;
	}
}

/* ---- time ---- */

void session_second(struct talks *t)
{
	int64_t now = gateway_now_ms(t->gateway);
	struct session *s;
	uint32_t at = 0;

	while ((s = handles_next(&t->sessions, &at)))
		if (now - s->used_ms >= TALKS_SESSION_IDLE_MS || now >= s->timer_ms) {
			talks_begin(t);
			happen(t, s, SESSION_IDLE, NULL, NULL);
			talks_end(t);
		}
}

void session_image_changed(struct talks *t)
{
	static const struct outcome cut = { .status = 403, .why = "the partner has been turned off" };
	struct session *s;
	uint32_t at = 0;

	while ((s = handles_next(&t->sessions, &at)))
		if (talks_is_partner_off(t, s->pair->key)) {
			talks_begin(t);
			happen(t, s, SESSION_CUT, NULL, &cut);
			talks_end(t);
		}
}

void session_drain(struct talks *t)
{
	struct session *s;
	uint32_t at = 0;

	while ((s = handles_next(&t->sessions, &at))) {
		talks_begin(t);
		happen(t, s, s->state == SESSION_UP ? SESSION_IDLE : SESSION_LEAVE, NULL, NULL);
		talks_end(t);
	}
}

void session_end_all(struct talks *t)
{
	struct session *s;
	uint32_t at = 0;

	while ((s = handles_next(&t->sessions, &at)))
		session_free(t, s);
}

void session_write(struct talks *t, struct gateway_page *page, struct json_writer *w)
{
	static const char *const names[] = { "inviting", "up", "leaving", "ended" };
	int64_t now = gateway_now_ms(t->gateway);
	struct session *s;
	uint32_t at = 0;

	while ((s = handles_next(&t->sessions, &at)))
		if (gateway_page_takes(page))
			talks_row(t, w, "session", s->pair->key, names[s->state], "idle_s",
			          (now - s->used_ms) / 1000);
}
