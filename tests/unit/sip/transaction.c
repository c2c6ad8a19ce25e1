/*
 * The machines, walked cell by cell: what is listed here happens, and whatever
 * is not listed is impossible.  Written from RFC 3261 §17, RFC 6026 and RFC
 * 4320, not from the table.
 */
#include "daemon/sip/transaction.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

enum { KEEP = 0, STOP = -1, LONG = 32000 };
enum {
	IS = SIP_INVITE_SERVER,
	NS = SIP_NON_INVITE_SERVER,
	IC = SIP_INVITE_CLIENT,
	NC = SIP_NON_INVITE_CLIENT
};

#define S(name) SIP_STATE_##name
#define E(name) SIP_EVENT_##name
enum {
	UP = SIP_DO_PASS_UP,
	SEND = SIP_DO_SEND,
	AGAIN = SIP_DO_SEND_LAST,
	ACK = SIP_DO_SEND_ACK,
	LATE = SIP_DO_REPORT_TIMEOUT,
	FAILED = SIP_DO_REPORT_FAILED,
	END = SIP_DO_END,
};

static const struct {
	const char *behaviour;
	int machine, state, event, next;
	unsigned intentions;
	int timer, timer_event;
} rows[] = {
	/* INVITE server */
	{ "repeats_the_last_provisional", IS, S(PROCEEDING), E(REQUEST), S(PROCEEDING), AGAIN, KEEP, 0 },
	{ "ignores_an_ack_before_any_answer", IS, S(PROCEEDING), E(ACK), S(PROCEEDING), 0, KEEP, 0 },
	{ "sends_provisionals", IS, S(PROCEEDING), E(1XX), S(PROCEEDING), SEND, KEEP, 0 },
	{ "accepts_for_timer_l", IS, S(PROCEEDING), E(2XX), S(ACCEPTED), SEND, LONG, E(TIMER_DONE) },
	{ "waits_timer_h_for_the_ack", IS, S(PROCEEDING), E(3XX_6XX), S(COMPLETED), SEND, LONG,
	  E(TIMER_TIMEOUT) },
	{ "tells_the_core_its_patience_is_over", IS, S(PROCEEDING), E(TIMER_C), S(PROCEEDING), LATE, KEEP,
	  0 },
	{ "ends_with_its_connection", IS, S(PROCEEDING), E(TRANSPORT_FAILED), S(TERMINATED), FAILED | END,
	  STOP, 0 },
	{ "repeats_the_refusal", IS, S(COMPLETED), E(REQUEST), S(COMPLETED), AGAIN, KEEP, 0 },
	{ "ends_with_the_ack", IS, S(COMPLETED), E(ACK), S(TERMINATED), END, STOP, 0 },
	{ "says_nothing_after_the_refusal_1", IS, S(COMPLETED), E(1XX), S(COMPLETED), 0, KEEP, 0 },
	{ "says_nothing_after_the_refusal_2", IS, S(COMPLETED), E(2XX), S(COMPLETED), 0, KEEP, 0 },
	{ "says_nothing_after_the_refusal_3", IS, S(COMPLETED), E(3XX_6XX), S(COMPLETED), 0, KEEP, 0 },
	{ "gives_up_waiting_for_the_ack", IS, S(COMPLETED), E(TIMER_TIMEOUT), S(TERMINATED), END, STOP, 0 },
	{ "completed_ends_with_its_connection", IS, S(COMPLETED), E(TRANSPORT_FAILED), S(TERMINATED), END,
	  STOP, 0 },
	{ "absorbs_the_invite_when_accepted", IS, S(ACCEPTED), E(REQUEST), S(ACCEPTED), 0, KEEP, 0 },
	{ "passes_the_ack_of_a_2xx_up", IS, S(ACCEPTED), E(ACK), S(ACCEPTED), UP, KEEP, 0 },
	{ "sends_no_provisional_after_2xx", IS, S(ACCEPTED), E(1XX), S(ACCEPTED), 0, KEEP, 0 },
	{ "sends_every_2xx", IS, S(ACCEPTED), E(2XX), S(ACCEPTED), SEND, KEEP, 0 },
	{ "sends_no_refusal_after_2xx", IS, S(ACCEPTED), E(3XX_6XX), S(ACCEPTED), 0, KEEP, 0 },
	{ "ends_with_timer_l", IS, S(ACCEPTED), E(TIMER_DONE), S(TERMINATED), END, STOP, 0 },
	{ "accepted_ends_with_its_connection", IS, S(ACCEPTED), E(TRANSPORT_FAILED), S(TERMINATED), END, STOP,
	  0 },

	/* non-INVITE server */
	{ "discards_the_request_again", NS, S(TRYING), E(REQUEST), S(TRYING), 0, KEEP, 0 },
	{ "sends_a_100", NS, S(TRYING), E(1XX), S(PROCEEDING), SEND, KEEP, 0 },
	{ "answers_and_ends", NS, S(TRYING), E(2XX), S(TERMINATED), SEND | END, STOP, 0 },
	{ "refuses_and_ends", NS, S(TRYING), E(3XX_6XX), S(TERMINATED), SEND | END, STOP, 0 },
	{ "is_forgotten_unanswered", NS, S(TRYING), E(TIMER_TIMEOUT), S(TERMINATED), LATE | END, STOP, 0 },
	{ "owes_a_100", NS, S(TRYING), E(TIMER_100), S(PROCEEDING), SIP_DO_SEND_100, KEEP, 0 },
	{ "ends_unanswered_with_its_connection", NS, S(TRYING), E(TRANSPORT_FAILED), S(TERMINATED),
	  FAILED | END, STOP, 0 },
	{ "repeats_the_100", NS, S(PROCEEDING), E(REQUEST), S(PROCEEDING), AGAIN, KEEP, 0 },
	{ "sends_another_100", NS, S(PROCEEDING), E(1XX), S(PROCEEDING), SEND, KEEP, 0 },
	{ "answers_after_a_100", NS, S(PROCEEDING), E(2XX), S(TERMINATED), SEND | END, STOP, 0 },
	{ "refuses_after_a_100", NS, S(PROCEEDING), E(3XX_6XX), S(TERMINATED), SEND | END, STOP, 0 },
	{ "is_forgotten_after_a_100", NS, S(PROCEEDING), E(TIMER_TIMEOUT), S(TERMINATED), LATE | END, STOP,
	  0 },
	{ "owes_one_100_only", NS, S(PROCEEDING), E(TIMER_100), S(PROCEEDING), 0, KEEP, 0 },
	{ "ends_after_a_100_with_its_connection", NS, S(PROCEEDING), E(TRANSPORT_FAILED), S(TERMINATED),
	  FAILED | END, STOP, 0 },

	/* INVITE client */
	{ "stops_timer_b_at_a_provisional", IC, S(CALLING), E(1XX), S(PROCEEDING), UP, STOP, 0 },
	{ "keeps_timer_m_after_2xx", IC, S(CALLING), E(2XX), S(ACCEPTED), UP, LONG, E(TIMER_DONE) },
	{ "acknowledges_a_refusal", IC, S(CALLING), E(3XX_6XX), S(TERMINATED), UP | ACK | END, STOP, 0 },
	{ "times_out_with_timer_b", IC, S(CALLING), E(TIMER_TIMEOUT), S(TERMINATED), LATE | END, STOP, 0 },
	{ "takes_timer_c_as_408_without_provisional", IC, S(CALLING), E(TIMER_C), S(TERMINATED), LATE | END,
	  STOP, 0 },
	{ "reports_a_broken_connection", IC, S(CALLING), E(TRANSPORT_FAILED), S(TERMINATED), FAILED | END,
	  STOP, 0 },
	{ "passes_each_provisional", IC, S(PROCEEDING), E(1XX), S(PROCEEDING), UP, KEEP, 0 },
	{ "keeps_timer_m_after_ringing", IC, S(PROCEEDING), E(2XX), S(ACCEPTED), UP, LONG, E(TIMER_DONE) },
	{ "acknowledges_a_refusal_after_ringing", IC, S(PROCEEDING), E(3XX_6XX), S(TERMINATED),
	  UP | ACK | END, STOP, 0 },
	{ "ends_64_t1_after_its_cancel", IC, S(PROCEEDING), E(TIMER_TIMEOUT), S(TERMINATED), LATE | END, STOP,
	  0 },
	{ "cancels_when_it_rang_too_long", IC, S(PROCEEDING), E(TIMER_C), S(PROCEEDING), SIP_DO_CANCEL, LONG,
	  E(TIMER_TIMEOUT) },
	{ "reports_a_connection_broken_while_ringing", IC, S(PROCEEDING), E(TRANSPORT_FAILED), S(TERMINATED),
	  FAILED | END, STOP, 0 },
	{ "ignores_provisionals_after_2xx", IC, S(ACCEPTED), E(1XX), S(ACCEPTED), 0, KEEP, 0 },
	{ "passes_each_2xx", IC, S(ACCEPTED), E(2XX), S(ACCEPTED), UP, KEEP, 0 },
	{ "ignores_a_refusal_after_2xx", IC, S(ACCEPTED), E(3XX_6XX), S(ACCEPTED), 0, KEEP, 0 },
	{ "ends_with_timer_m", IC, S(ACCEPTED), E(TIMER_DONE), S(TERMINATED), END, STOP, 0 },
	{ "accepted_client_ends_quietly_with_its_connection", IC, S(ACCEPTED), E(TRANSPORT_FAILED),
	  S(TERMINATED), END, STOP, 0 },

	/* non-INVITE client */
	{ "keeps_timer_f_at_a_100", NC, S(TRYING), E(1XX), S(PROCEEDING), UP, KEEP, 0 },
	{ "passes_the_answer_and_ends", NC, S(TRYING), E(2XX), S(TERMINATED), UP | END, STOP, 0 },
	{ "passes_the_refusal_and_ends", NC, S(TRYING), E(3XX_6XX), S(TERMINATED), UP | END, STOP, 0 },
	{ "times_out_with_timer_f", NC, S(TRYING), E(TIMER_TIMEOUT), S(TERMINATED), LATE | END, STOP, 0 },
	{ "reports_a_broken_connection_at_once", NC, S(TRYING), E(TRANSPORT_FAILED), S(TERMINATED),
	  FAILED | END, STOP, 0 },
	{ "passes_another_100", NC, S(PROCEEDING), E(1XX), S(PROCEEDING), UP, KEEP, 0 },
	{ "passes_the_answer_after_a_100", NC, S(PROCEEDING), E(2XX), S(TERMINATED), UP | END, STOP, 0 },
	{ "passes_the_refusal_after_a_100", NC, S(PROCEEDING), E(3XX_6XX), S(TERMINATED), UP | END, STOP, 0 },
	{ "times_out_after_a_100", NC, S(PROCEEDING), E(TIMER_TIMEOUT), S(TERMINATED), LATE | END, STOP, 0 },
	{ "reports_a_connection_broken_after_a_100", NC, S(PROCEEDING), E(TRANSPORT_FAILED), S(TERMINATED),
	  FAILED | END, STOP, 0 },
};

static size_t row_of(int machine, int state, int event)
{
	for (size_t i = 0; i < COUNT(rows); i++)
		if (rows[i].machine == machine && rows[i].state == state && rows[i].event == event)
			return i;
	return COUNT(rows);
}

static void walks_every_cell(void **unused)
{
	(void)unused;
	for (int machine = 0; machine < 4; machine++) {
		for (int state = 0; state < SIP_STATE_COUNT; state++) {
			for (int event = 0; event < SIP_EVENT_COUNT; event++) {
				struct sip_step step = sip_transaction_event((enum sip_machine)machine,
				                                             (enum sip_state)state,
				                                             (enum sip_event)event);
				size_t row = row_of(machine, state, event);

				printf("%s %s %s: %s\n", sip_machine_name((enum sip_machine)machine),
				       sip_state_name((enum sip_state)state),
				       sip_event_name((enum sip_event)event),
				       row < COUNT(rows) ? rows[row].behaviour : "impossible");
				assert_true(step.is_written);
				if (row == COUNT(rows)) {
					assert_true(step.is_impossible);
					assert_int_equal(step.next, state);
					assert_int_equal(step.intentions, SIP_DO_NOTHING);
					assert_int_equal(step.timer_ms, 0);
					continue;
				}
				assert_false(step.is_impossible);
				assert_int_equal(step.next, rows[row].next);
				assert_int_equal(step.intentions, rows[row].intentions);
				assert_int_equal(step.timer_ms, rows[row].timer);
				if (rows[row].timer > 0)
					assert_int_equal(step.timer_event, rows[row].timer_event);
			}
		}
	}
}

/* What is over says so, once, and leaves no timer behind; what is not over can still end. */
static void ends_exactly_when_terminated(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct sip_step step = sip_transaction_event((enum sip_machine)rows[i].machine,
		                                             (enum sip_state)rows[i].state,
		                                             (enum sip_event)rows[i].event);

		assert_int_equal(step.next == SIP_STATE_TERMINATED, (step.intentions & SIP_DO_END) != 0);
		if (step.next == SIP_STATE_TERMINATED)
			assert_true(step.timer_ms < 0);
	}
}

static void starts_where_the_rfc_says(void **unused)
{
	(void)unused;
	assert_int_equal(sip_transaction_first_state(SIP_INVITE_SERVER), SIP_STATE_PROCEEDING);
	assert_int_equal(sip_transaction_first_state(SIP_NON_INVITE_SERVER), SIP_STATE_TRYING);
	assert_int_equal(sip_transaction_first_state(SIP_INVITE_CLIENT), SIP_STATE_CALLING);
	assert_int_equal(sip_transaction_first_state(SIP_NON_INVITE_CLIENT), SIP_STATE_TRYING);
}

static void names_are_all_different(void **unused)
{
	(void)unused;
	for (int i = 0; i < SIP_STATE_COUNT; i++)
		for (int j = 0; j < i; j++)
			assert_string_not_equal(sip_state_name((enum sip_state)i),
			                        sip_state_name((enum sip_state)j));
	for (int i = 0; i < SIP_EVENT_COUNT; i++)
		for (int j = 0; j < i; j++)
			assert_string_not_equal(sip_event_name((enum sip_event)i),
			                        sip_event_name((enum sip_event)j));
	assert_string_equal(sip_state_name(SIP_STATE_COUNT), "?");
	assert_string_equal(sip_event_name(SIP_EVENT_COUNT), "?");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(walks_every_cell),
		cmocka_unit_test(ends_exactly_when_terminated),
		cmocka_unit_test(starts_where_the_rfc_says),
		cmocka_unit_test(names_are_all_different),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
