/* Every cell of the stream machine: written, and none that lets in what must stay out. */
#include "daemon/xmpp/stream_parts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static bool is_reading_phase(enum xmpp_phase phase)
{
	return phase != XMPP_PHASE_TLS && phase != XMPP_PHASE_CLOSED;
}

static bool is_of(enum xmpp_role role, enum xmpp_phase phase)
{
	switch (phase) {
	case XMPP_PHASE_FEATURES:
	case XMPP_PHASE_TLS_ASKED:
	case XMPP_PHASE_SASL_ASKED: return role == XMPP_INITIATING;
	default: return true;
	}
}

#define EACH_CELL                                                                                            \
	for (enum xmpp_role role = 0; role < XMPP_ROLE_COUNT; role++)                                        \
		for (enum xmpp_phase phase = 0; phase < XMPP_PHASE_COUNT; phase++)                           \
			for (enum xmpp_stream_event event = 0; event < XMPP_EV_COUNT; event++)

static void has_every_cell_written(void **state)
{
	(void)state;
	EACH_CELL
	{
		enum xmpp_deed deed = xmpp_stream_deed(role, phase, event);

		if (deed == DEED_UNWRITTEN || deed >= DEED_COUNT)
			fail_msg("role %d phase %d event %d", (int)role, (int)phase, (int)event);
	}
}

static void uses_every_deed(void **state)
{
	bool is_used[DEED_COUNT] = { [DEED_UNWRITTEN] = true };

	(void)state;
	EACH_CELL
	is_used[xmpp_stream_deed(role, phase, event)] = true;
	for (size_t i = 0; i < DEED_COUNT; i++)
		if (!is_used[i])
			fail_msg("deed %zu", i);
}

/* What a peer can send is never impossible where it is read. */
static void is_ready_for_everything_a_peer_sends(void **state)
{
	(void)state;
	EACH_CELL
	{
		bool is_element = event != XMPP_EV_HEADER && event != XMPP_EV_SECURED &&
		                  event != XMPP_EV_BROKEN;

		if (!is_of(role, phase) || !is_reading_phase(phase))
			continue;
		if (phase == XMPP_PHASE_HEADER ? event == XMPP_EV_HEADER || event == XMPP_EV_BROKEN
		                               : is_element || event == XMPP_EV_BROKEN)
			if (xmpp_stream_deed(role, phase, event) == DEED_IMPOSSIBLE)
				fail_msg("role %d phase %d event %d", (int)role, (int)phase, (int)event);
	}
}

static void lets_things_in_only_where_they_may(void **state)
{
	static const struct {
		enum xmpp_deed deed;
		unsigned initiating, receiving; /* bits of phases */
	} rows[] = {
#define IN(phase) (1u << XMPP_PHASE_##phase)
		{ DEED_TAKE, IN(OPEN) | IN(CLOSING), IN(OPEN) | IN(CLOSING) },
		{ DEED_GREET, 0, IN(HEADER) },
		{ DEED_LEARN, IN(HEADER), 0 },
		{ DEED_CHOOSE, IN(FEATURES), 0 },
		{ DEED_START_TLS, 0, IN(PROVING) },
		{ DEED_PROCEED, IN(TLS_ASKED), 0 },
		{ DEED_NO_TLS, IN(TLS_ASKED), 0 },
		{ DEED_RESTART, IN(TLS), IN(TLS) },
		{ DEED_AUTHENTICATE, 0, IN(PROVING) },
		{ DEED_SUCCEED, IN(SASL_ASKED), 0 },
		{ DEED_FALL_BACK, IN(SASL_ASKED), 0 },
		{ DEED_JUDGE, 0, IN(PROVING) | IN(OPEN) },
		{ DEED_CONFIRM, 0, IN(PROVING) | IN(OPEN) },
		{ DEED_RESULT, IN(PROVING) | IN(OPEN), 0 },
		{ DEED_CONFIRMED, IN(PROVING) | IN(OPEN), 0 },
		{ DEED_BIDI, 0, IN(PROVING) },
		{ DEED_ENABLE, 0, IN(OPEN) },
		{ DEED_ENABLED, IN(OPEN), 0 },
		{ DEED_NO_RESUME, 0, IN(OPEN) },
		{ DEED_ANSWER_ACK, IN(OPEN), IN(OPEN) },
		{ DEED_COUNT_ACK, IN(OPEN) | IN(CLOSING), IN(OPEN) | IN(CLOSING) },
#undef IN
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		unsigned phases[XMPP_ROLE_COUNT] = { 0 };

		EACH_CELL
		if (xmpp_stream_deed(role, phase, event) == rows[i].deed)
			phases[role] |= 1u << phase;
		if (phases[XMPP_INITIATING] != rows[i].initiating ||
		    phases[XMPP_RECEIVING] != rows[i].receiving)
			fail_msg("deed %d: %x %x", (int)rows[i].deed, phases[XMPP_INITIATING],
			         phases[XMPP_RECEIVING]);
	}
}

/* Wherever something is read, a broken stream and the peer's end lead out. */
static void always_ends(void **state)
{
	(void)state;
	for (enum xmpp_role role = 0; role < XMPP_ROLE_COUNT; role++)
		for (enum xmpp_phase phase = 0; phase < XMPP_PHASE_COUNT; phase++) {
			if (!is_of(role, phase) || !is_reading_phase(phase))
				continue;
			assert_int_equal(xmpp_stream_deed(role, phase, XMPP_EV_BROKEN),
			                 phase == XMPP_PHASE_CLOSING ? DEED_GONE : DEED_BREAK);
			if (phase == XMPP_PHASE_HEADER)
				continue; /* nothing but a header can come */
			assert_int_equal(xmpp_stream_deed(role, phase, XMPP_EV_PEER_END), DEED_HEAR_END);
			assert_int_equal(xmpp_stream_deed(role, phase, XMPP_EV_PEER_ERROR), DEED_HEAR_ERROR);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(has_every_cell_written),
		cmocka_unit_test(uses_every_deed),
		cmocka_unit_test(is_ready_for_everything_a_peer_sends),
		cmocka_unit_test(lets_things_in_only_where_they_may),
		cmocka_unit_test(always_ends),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
