/* subscription: every cell of both tables by rule, and the vectors of the life cycle as sequences. */
#include "tests/unit/translate/table.h"
#include "tests/unit/sip/sample.h" /* behind result.h: both have a fail() */

#include "daemon/translate/subscription.h"

/* ---- rules that hold in every cell ---- */

static bool is_authorised(enum translate_watching_state state)
{
	return state == TRANSLATE_WATCHING_ACTIVE || state == TRANSLATE_WATCHING_RESUMING ||
	       state == TRANSLATE_WATCHING_IDLE;
}

static void watching_holds_its_rules_in_every_cell(void **state)
{
	size_t written = 0;

	(void)state;
	for (int s = 0; s < TRANSLATE_WATCHING_STATES; s++)
		for (int e = 0; e < TRANSLATE_WATCHING_EVENTS; e++) {
			struct translate_watching_step step = translate_watching_step(
			        (enum translate_watching_state)s, (enum translate_watching_event)e);
			unsigned a = step.actions;

			written += step.is_written;
			/* "subscribed" is said only to who is, and only when that is new or was asked for. */
			if (a & TRANSLATE_WATCHING_TELL_SUBSCRIBED) {
				assert_true(is_authorised(step.next));
				assert_true(e == TRANSLATE_WATCHING_X_SUBSCRIBE ||
				            e == TRANSLATE_WATCHING_N_ACTIVE);
				assert_true(e == TRANSLATE_WATCHING_X_SUBSCRIBE ||
				            !is_authorised((enum translate_watching_state)s));
			}
			/* Presence goes to the authorised only. */
			if (a & TRANSLATE_WATCHING_TELL_PRESENCE)
				assert_int_equal(step.next, TRANSLATE_WATCHING_ACTIVE);
			/* A change that a restart must know of is kept. */
			if (is_authorised((enum translate_watching_state)s) != is_authorised(step.next) ||
			    (s != TRANSLATE_WATCHING_NONE) != (step.next != TRANSLATE_WATCHING_NONE))
				assert_true(a & TRANSLATE_WATCHING_SAVE);
			/* Nobody stays without a dialog and without a way back to one. */
			if (a & TRANSLATE_WATCHING_DROP && step.next != TRANSLATE_WATCHING_NONE &&
			    step.next != TRANSLATE_WATCHING_IDLE && e != TRANSLATE_WATCHING_T_QUIET)
				assert_true(a & (TRANSLATE_WATCHING_SEND_SUBSCRIBE |
				                 TRANSLATE_WATCHING_RETRY | TRANSLATE_WATCHING_RETRY_LATE));
			/* Whoever unsubscribes is told so, whatever the state; nobody else's dialog begins by it. */
			if (e == TRANSLATE_WATCHING_X_UNSUBSCRIBE) {
				assert_true(a & TRANSLATE_WATCHING_TELL_UNSUBSCRIBED);
				assert_true(step.next == TRANSLATE_WATCHING_NONE ||
				            step.next == TRANSLATE_WATCHING_ENDING);
			}
			/* No loop: a failure never sends at once, but for the dialog that the other side has forgotten. */
			if (e == TRANSLATE_WATCHING_S_FAILED || e == TRANSLATE_WATCHING_S_NO_PRESENCE ||
			    e == TRANSLATE_WATCHING_N_AGAIN || e == TRANSLATE_WATCHING_N_LATER)
				assert_false(a & (TRANSLATE_WATCHING_SEND_SUBSCRIBE |
				                  TRANSLATE_WATCHING_SEND_REFRESH));
			/* A side without presence is not asked again by whoever logs in. */
			if (s == TRANSLATE_WATCHING_UNKNOWN && e != TRANSLATE_WATCHING_T_RETRY)
				assert_false(a & TRANSLATE_WATCHING_SEND_SUBSCRIBE);
		}
	assert_int_equal(written, 88); /* of 152: who adds a state or an event looks at each cell */
}

static void watched_holds_its_rules_in_every_cell(void **state)
{
	size_t written = 0;

	(void)state;
	for (int s = 0; s < TRANSLATE_WATCHED_STATES; s++)
		for (int e = 0; e < TRANSLATE_WATCHED_EVENTS; e++) {
			struct translate_watched_step step = translate_watched_step(
			        (enum translate_watched_state)s, (enum translate_watched_event)e);

			written += step.is_written;
			if (step.next != (enum translate_watched_state)s)
				assert_true(step.actions & TRANSLATE_WATCHED_SAVE);
			/* Asked once: only out of the states in which nothing has arrived. */
			if (step.actions & TRANSLATE_WATCHED_ASK)
				assert_true(s == TRANSLATE_WATCHED_NONE || s == TRANSLATE_WATCHED_UNSENT);
			/* Every SUBSCRIBE draws a NOTIFY (RFC 6665 section 4.2.1.2). */
			if (e == TRANSLATE_WATCHED_S_SUBSCRIBE || e == TRANSLATE_WATCHED_S_FETCH ||
			    ((e == TRANSLATE_WATCHED_S_REFRESH || e == TRANSLATE_WATCHED_S_END) &&
			     s != TRANSLATE_WATCHED_NONE))
				assert_true(step.actions & TRANSLATE_WATCHED_NOTIFY_THIS);
			/* A partner that is switched off or not reached ends nothing. */
			if (e == TRANSLATE_WATCHED_P_OFF || e == TRANSLATE_WATCHED_X_FAILED)
				assert_false(step.actions & TRANSLATE_WATCHED_REJECT_ALL);
		}
	assert_int_equal(written, 27);
}

/* ---- the vectors, as sequences ---- */

struct sequence {
	const char *behaviour;
	enum translate_watching_event events[8]; /* ends with X_SUBSCRIBE again, or is full; see `count` */
	size_t count;
	enum translate_watching_state last;
	unsigned actions; /* of the last event */
};

#define E(name) TRANSLATE_WATCHING_##name

static void watching_follows_the_vectors(void **state)
{
	static const struct sequence rows[] = {
		{ "p15_subscribed_once",
		  { E(X_SUBSCRIBE), E(S_OK), E(N_ACTIVE), E(N_ACTIVE) },
		  4,
		  E(ACTIVE),
		  E(TELL_PRESENCE) },
		{ "p16_pending_tells_nothing", { E(X_SUBSCRIBE), E(S_OK), E(N_PENDING) }, 3, E(PENDING), 0 },
		{ "p20_a_forgotten_dialog_is_no_news",
		  { E(X_SUBSCRIBE), E(S_OK), E(N_ACTIVE), E(S_GONE) },
		  4,
		  E(RESUMING),
		  E(DROP) | E(SEND_SUBSCRIBE) | E(SAVE) },
		{ "p20b_and_neither_is_the_new_one",
		  { E(X_SUBSCRIBE), E(S_OK), E(N_ACTIVE), E(S_GONE), E(S_OK), E(N_ACTIVE) },
		  6,
		  E(ACTIVE),
		  E(KEEP_FRESH) | E(TELL_PRESENCE) | E(SAVE) },
		{ "p21_refused_for_good",
		  { E(X_SUBSCRIBE), E(S_OK), E(N_PENDING), E(S_REFUSED) },
		  4,
		  E(NONE),
		  E(DROP) | E(TELL_UNSUBSCRIBED) | E(SAVE) },
		{ "p22_twice_is_one_dialog", { E(X_SUBSCRIBE), E(S_OK), E(X_SUBSCRIBE) }, 3, E(PENDING), 0 },
		{ "p23_taken_back_while_pending",
		  { E(X_SUBSCRIBE), E(S_OK), E(X_UNSUBSCRIBE) },
		  3,
		  E(ENDING),
		  E(SEND_END) | E(TELL_UNSUBSCRIBED) | E(SAVE) },
		{ "p23b_while_the_request_is_under_way",
		  { E(X_SUBSCRIBE), E(X_UNSUBSCRIBE), E(S_OK) },
		  3,
		  E(ENDING),
		  E(SEND_END) },
		{ "p23c_and_is_over",
		  { E(X_SUBSCRIBE), E(X_UNSUBSCRIBE), E(S_OK), E(S_ENDED) },
		  4,
		  E(NONE),
		  E(DROP) | E(SAVE) },
		{ "notify_may_come_before_the_answer",
		  { E(X_SUBSCRIBE), E(N_ACTIVE), E(S_OK) },
		  3,
		  E(ACTIVE),
		  E(KEEP_FRESH) },
		{ "too_brief_is_asked_again",
		  { E(X_SUBSCRIBE), E(S_INTERVAL) },
		  2,
		  E(ASKING),
		  E(SEND_SUBSCRIBE) },
		{ "no_presence_there", { E(X_SUBSCRIBE), E(S_NO_PRESENCE), E(X_PROBE) }, 3, E(UNKNOWN), 0 },
		{ "offline_lapses_and_the_authorisation_stays",
		  { E(X_SUBSCRIBE), E(S_OK), E(N_ACTIVE), E(T_QUIET) },
		  4,
		  E(IDLE),
		  E(DROP) | E(SAVE) },
		{ "and_a_probe_brings_it_back",
		  { E(X_SUBSCRIBE), E(S_OK), E(N_ACTIVE), E(T_QUIET), E(X_PROBE) },
		  5,
		  E(RESUMING),
		  E(SEND_SUBSCRIBE) | E(SAVE) },
		{ "rejected_by_our_user",
		  { E(X_SUBSCRIBE), E(S_OK), E(N_REJECTED) },
		  3,
		  E(NONE),
		  E(DROP) | E(TELL_UNSUBSCRIBED) | E(SAVE) },
		{ "a_stranger_probes", { E(X_PROBE) }, 1, E(NONE), E(TELL_UNSUBSCRIBED) },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct translate_watching_step step = { .next = TRANSLATE_WATCHING_NONE };

		for (size_t k = 0; k < rows[i].count; k++)
			step = translate_watching_step(step.next, rows[i].events[k]);
		if (step.next != rows[i].last || step.actions != rows[i].actions)
			fail_msg("%s: %s, actions %x", rows[i].behaviour,
			         translate_watching_state_name(step.next), step.actions);
	}
}

/* ---- what SIP messages mean ---- */

static void reads_answers(void **state)
{
	static const struct {
		int status;
		enum translate_watching_event event;
	} rows[] = { { 200, E(S_OK) },          { 202, E(S_OK) },          { 403, E(S_REFUSED) },
		     { 603, E(S_REFUSED) },     { 405, E(S_NO_PRESENCE) }, { 489, E(S_NO_PRESENCE) },
		     { 501, E(S_NO_PRESENCE) }, { 423, E(S_INTERVAL) },    { 481, E(S_GONE) },
		     { 404, E(S_FAILED) },      { 480, E(S_FAILED) },      { 500, E(S_FAILED) },
		     { 504, E(S_FAILED) },      { 302, E(S_FAILED) },      { 604, E(S_FAILED) } };

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_int_equal(translate_watching_answer(rows[i].status, false), rows[i].event);
	assert_int_equal(translate_watching_answer(200, true), E(S_ENDED));
}

static void reads_subscription_states(void **state)
{
	static const struct {
		const char *value;
		enum translate_watching_event event;
		uint32_t expires, retry;
	} rows[] = {
		{ "active;expires=3600", E(N_ACTIVE), 3600, UINT32_MAX },
		{ "Active", E(N_ACTIVE), UINT32_MAX, UINT32_MAX },
		{ "pending;expires=60", E(N_PENDING), 60, UINT32_MAX },
		{ "considering", E(N_PENDING), UINT32_MAX, UINT32_MAX },
		{ "terminated;reason=rejected", E(N_REJECTED), UINT32_MAX, UINT32_MAX },
		{ "terminated;reason=noresource", E(N_REJECTED), UINT32_MAX, UINT32_MAX },
		{ "terminated;reason=deactivated", E(N_AGAIN), UINT32_MAX, UINT32_MAX },
		{ "terminated;reason=timeout", E(N_AGAIN), UINT32_MAX, UINT32_MAX },
		{ "terminated", E(N_AGAIN), UINT32_MAX, UINT32_MAX },
		{ "terminated;reason=probation;retry-after=30", E(N_LATER), UINT32_MAX, 30 },
		{ "terminated;reason=giveup", E(N_LATER), UINT32_MAX, UINT32_MAX },
		{ "active;expires=99999999999", E(N_ACTIVE), UINT32_MAX, UINT32_MAX },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		enum translate_watching_event event;
		uint32_t expires, retry;
		struct parsed p;
		char text[1024];

		snprintf(text, sizeof text,
		         "NOTIFY sip:bob@contoso.example SIP/2.0\r\n" SAMPLE_TOP
		         "CSeq: 1 NOTIFY\r\nSubscription-State: %s\r\nContent-Length: 0\r\n\r\n",
		         rows[i].value);
		parsed_start(&p, slice_of(text));
		assert_int_equal(p.answer, SIP_PARSE_OK);
		assert_true(translate_watching_notify(&p.message, &event, &expires, &retry));
		if (event != rows[i].event || expires != rows[i].expires || retry != rows[i].retry)
			fail_msg("%s: %d %u %u", rows[i].value, event, expires, retry);
		parsed_stop(&p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(watching_holds_its_rules_in_every_cell),
		cmocka_unit_test(watched_holds_its_rules_in_every_cell),
		cmocka_unit_test(watching_follows_the_vectors),
		cmocka_unit_test(reads_answers),
		cmocka_unit_test(reads_subscription_states),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
