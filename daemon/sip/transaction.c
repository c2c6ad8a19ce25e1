/*
 * The four machines of RFC 3261 §17.1.1, §17.1.2, §17.2.1 and §17.2.2 with
 * RFC 6026 (Accepted) and RFC 4320 (non-INVITE), as one table.
 *
 * Every transport here is reliable, so timers A, E and G do not exist and D, I,
 * J and K are zero: the state behind such a timer is left as soon as it is
 * entered, which is written as a step straight to TERMINATED.  COMPLETED of the
 * clients and of the non-INVITE server, and CONFIRMED, are therefore never lived in.
 *
 * A cell that is not a step says which of two things it is:
 *   IGNORED     may happen on the wire or in the core, and the RFC wants nothing done
 *   IMPOSSIBLE  only a mistake of ours leads here; counted, and nothing is done
 * A cell nobody wrote is caught by the test that walks them all.
 */
#include "daemon/sip/transaction.h"

enum cell_kind { CELL_UNWRITTEN, CELL_STEP, CELL_IGNORED, CELL_IMPOSSIBLE };

struct cell {
	uint8_t kind, next, timer_event;
	uint16_t intentions;
	int32_t timer_ms; /* >0 set, 0 leave, <0 stop */
};

enum { SIP_MACHINE_COUNT = SIP_NON_INVITE_CLIENT + 1 };

/* clang-format off */
#define IN(machine, state)              [SIP_##machine][SIP_STATE_##state]
#define ON(event)                       [SIP_EVENT_##event]
#define STEP(state, intentions)         { CELL_STEP, SIP_STATE_##state, 0, intentions, 0 }
#define STEP_STOP(state, intentions)    { CELL_STEP, SIP_STATE_##state, 0, intentions, -1 }
#define STEP_TIMER(state, intentions, ms, event) \
	{ CELL_STEP, SIP_STATE_##state, SIP_EVENT_TIMER_##event, intentions, ms }
#define IGNORED                         { CELL_IGNORED, 0, 0, 0, 0 }
#define IMPOSSIBLE                      { CELL_IMPOSSIBLE, 0, 0, 0, 0 }
#define ALL_IMPOSSIBLE { \
		ON(REQUEST) = IMPOSSIBLE, ON(ACK) = IMPOSSIBLE, ON(1XX) = IMPOSSIBLE, ON(2XX) = IMPOSSIBLE, \
		ON(3XX_6XX) = IMPOSSIBLE, ON(TIMER_TIMEOUT) = IMPOSSIBLE, ON(TIMER_DONE) = IMPOSSIBLE, \
		ON(TIMER_C) = IMPOSSIBLE, ON(TIMER_100) = IMPOSSIBLE, ON(TRANSPORT_FAILED) = IMPOSSIBLE }

static const struct cell cells[SIP_MACHINE_COUNT][SIP_STATE_COUNT][SIP_EVENT_COUNT] = {
	/* ======== INVITE server: RFC 3261 §17.2.1 figure 7, RFC 6026 §7.1 ======== */
	IN(INVITE_SERVER, PROCEEDING) = {
		ON(REQUEST)          = STEP(PROCEEDING, SIP_DO_SEND_LAST),
		ON(ACK)              = IGNORED, /* no final answer has gone out that it could acknowledge */
		ON(1XX)              = STEP(PROCEEDING, SIP_DO_SEND),
		ON(2XX)              = STEP_TIMER(ACCEPTED, SIP_DO_SEND, SIP_TIMER_B_MS, DONE),     /* L */
		ON(3XX_6XX)          = STEP_TIMER(COMPLETED, SIP_DO_SEND, SIP_TIMER_B_MS, TIMEOUT), /* H; G: unreliable only */
		ON(TIMER_TIMEOUT)    = IMPOSSIBLE,
		ON(TIMER_DONE)       = IMPOSSIBLE,
		/* The core's own patience, before there is a client transaction with its Timer C: it answers. */
		ON(TIMER_C)          = STEP(PROCEEDING, SIP_DO_REPORT_TIMEOUT),
		ON(TIMER_100)        = IMPOSSIBLE, /* an INVITE is answered 100 at once */
		/* DEPARTS: RFC 6026 §7.1, because a response goes down the connection its request came on, or nowhere. */
		ON(TRANSPORT_FAILED) = STEP_STOP(TERMINATED, SIP_DO_REPORT_FAILED | SIP_DO_END),
	},
	IN(INVITE_SERVER, COMPLETED) = {
		ON(REQUEST)          = STEP(COMPLETED, SIP_DO_SEND_LAST),
		ON(ACK)              = STEP_STOP(TERMINATED, SIP_DO_END), /* through CONFIRMED: Timer I is zero */
		ON(1XX)              = IGNORED, /* §17.2.1: what the core says after the final answer is discarded */
		ON(2XX)              = IGNORED,
		ON(3XX_6XX)          = IGNORED,
		ON(TIMER_TIMEOUT)    = STEP_STOP(TERMINATED, SIP_DO_END), /* H: the ACK never came; nobody can be told */
		ON(TIMER_DONE)       = IMPOSSIBLE,
		ON(TIMER_C)          = IMPOSSIBLE,
		ON(TIMER_100)        = IMPOSSIBLE,
		ON(TRANSPORT_FAILED) = STEP_STOP(TERMINATED, SIP_DO_END),
	},
	IN(INVITE_SERVER, ACCEPTED) = {
		ON(REQUEST)          = IGNORED, /* RFC 6026 §7.1: absorbed, the 2xx is repeated by who made it */
		ON(ACK)              = STEP(ACCEPTED, SIP_DO_PASS_UP),
		ON(1XX)              = IGNORED,
		ON(2XX)              = STEP(ACCEPTED, SIP_DO_SEND), /* repeated, or from another branch downstream */
		ON(3XX_6XX)          = IGNORED,
		ON(TIMER_TIMEOUT)    = IMPOSSIBLE,
		ON(TIMER_DONE)       = STEP_STOP(TERMINATED, SIP_DO_END), /* L */
		ON(TIMER_C)          = IMPOSSIBLE,
		ON(TIMER_100)        = IMPOSSIBLE,
		ON(TRANSPORT_FAILED) = STEP_STOP(TERMINATED, SIP_DO_END),
	},
	IN(INVITE_SERVER, TERMINATED) = ALL_IMPOSSIBLE,
	IN(INVITE_SERVER, CONFIRMED)  = ALL_IMPOSSIBLE, /* Timer I is zero */
	IN(INVITE_SERVER, TRYING)     = ALL_IMPOSSIBLE, /* not a state of this machine */
	IN(INVITE_SERVER, CALLING)    = ALL_IMPOSSIBLE, /* not a state of this machine */

	/* ======== non-INVITE server: RFC 3261 §17.2.2 figure 8, RFC 4320 ======== */
	IN(NON_INVITE_SERVER, TRYING) = {
		ON(REQUEST)          = IGNORED, /* §17.2.2: discarded while nothing has been answered */
		ON(ACK)              = IMPOSSIBLE,
		ON(1XX)              = STEP(PROCEEDING, SIP_DO_SEND),
		ON(2XX)              = STEP_STOP(TERMINATED, SIP_DO_SEND | SIP_DO_END), /* J is zero */
		ON(3XX_6XX)          = STEP_STOP(TERMINATED, SIP_DO_SEND | SIP_DO_END),
		/* Too late for any answer (RFC 4320 §4.2: never a 408); the core forgets the request. */
		ON(TIMER_TIMEOUT)    = STEP_STOP(TERMINATED, SIP_DO_REPORT_TIMEOUT | SIP_DO_END),
		ON(TIMER_DONE)       = IMPOSSIBLE,
		ON(TIMER_C)          = IMPOSSIBLE,
		ON(TIMER_100)        = STEP(PROCEEDING, SIP_DO_SEND_100), /* RFC 4320 §4.1: due by now */
		ON(TRANSPORT_FAILED) = STEP_STOP(TERMINATED, SIP_DO_REPORT_FAILED | SIP_DO_END),
	},
	IN(NON_INVITE_SERVER, PROCEEDING) = {
		ON(REQUEST)          = STEP(PROCEEDING, SIP_DO_SEND_LAST),
		ON(ACK)              = IMPOSSIBLE,
		ON(1XX)              = STEP(PROCEEDING, SIP_DO_SEND),
		ON(2XX)              = STEP_STOP(TERMINATED, SIP_DO_SEND | SIP_DO_END),
		ON(3XX_6XX)          = STEP_STOP(TERMINATED, SIP_DO_SEND | SIP_DO_END),
		ON(TIMER_TIMEOUT)    = STEP_STOP(TERMINATED, SIP_DO_REPORT_TIMEOUT | SIP_DO_END),
		ON(TIMER_DONE)       = IMPOSSIBLE,
		ON(TIMER_C)          = IMPOSSIBLE,
		ON(TIMER_100)        = IGNORED, /* the core's own 100 was quicker */
		ON(TRANSPORT_FAILED) = STEP_STOP(TERMINATED, SIP_DO_REPORT_FAILED | SIP_DO_END),
	},
	IN(NON_INVITE_SERVER, COMPLETED)  = ALL_IMPOSSIBLE, /* Timer J is zero */
	IN(NON_INVITE_SERVER, TERMINATED) = ALL_IMPOSSIBLE,
	IN(NON_INVITE_SERVER, CALLING)    = ALL_IMPOSSIBLE, /* not a state of this machine */
	IN(NON_INVITE_SERVER, ACCEPTED)   = ALL_IMPOSSIBLE, /* not a state of this machine */
	IN(NON_INVITE_SERVER, CONFIRMED)  = ALL_IMPOSSIBLE, /* not a state of this machine */

	/* ======== INVITE client: RFC 3261 §17.1.1 figure 5, RFC 6026 §7.2 ======== */
	IN(INVITE_CLIENT, CALLING) = {
		ON(REQUEST)          = IMPOSSIBLE,
		ON(ACK)              = IMPOSSIBLE,
		ON(1XX)              = STEP_STOP(PROCEEDING, SIP_DO_PASS_UP), /* B ends, C goes on (§16.8) */
		ON(2XX)              = STEP_TIMER(ACCEPTED, SIP_DO_PASS_UP, SIP_TIMER_B_MS, DONE), /* M */
		ON(3XX_6XX)          = STEP_STOP(TERMINATED, SIP_DO_PASS_UP | SIP_DO_SEND_ACK | SIP_DO_END), /* D is zero */
		ON(TIMER_TIMEOUT)    = STEP_STOP(TERMINATED, SIP_DO_REPORT_TIMEOUT | SIP_DO_END), /* B */
		ON(TIMER_DONE)       = IMPOSSIBLE,
		ON(TIMER_C)          = STEP_STOP(TERMINATED, SIP_DO_REPORT_TIMEOUT | SIP_DO_END), /* §16.8: as if 408 had come */
		ON(TIMER_100)        = IMPOSSIBLE,
		ON(TRANSPORT_FAILED) = STEP_STOP(TERMINATED, SIP_DO_REPORT_FAILED | SIP_DO_END), /* §17.1.4 */
	},
	IN(INVITE_CLIENT, PROCEEDING) = {
		ON(REQUEST)          = IMPOSSIBLE,
		ON(ACK)              = IMPOSSIBLE,
		ON(1XX)              = STEP(PROCEEDING, SIP_DO_PASS_UP),
		ON(2XX)              = STEP_TIMER(ACCEPTED, SIP_DO_PASS_UP, SIP_TIMER_B_MS, DONE),
		ON(3XX_6XX)          = STEP_STOP(TERMINATED, SIP_DO_PASS_UP | SIP_DO_SEND_ACK | SIP_DO_END),
		ON(TIMER_TIMEOUT)    = STEP_STOP(TERMINATED, SIP_DO_REPORT_TIMEOUT | SIP_DO_END), /* after our CANCEL */
		ON(TIMER_DONE)       = IMPOSSIBLE,
		/* §16.8: cancelled; §9.1: 64*T1 later it counts as over, answered or not. */
		ON(TIMER_C)          = STEP_TIMER(PROCEEDING, SIP_DO_CANCEL, SIP_TIMER_B_MS, TIMEOUT),
		ON(TIMER_100)        = IMPOSSIBLE,
		ON(TRANSPORT_FAILED) = STEP_STOP(TERMINATED, SIP_DO_REPORT_FAILED | SIP_DO_END),
	},
	IN(INVITE_CLIENT, ACCEPTED) = {
		ON(REQUEST)          = IMPOSSIBLE,
		ON(ACK)              = IMPOSSIBLE,
		ON(1XX)              = IGNORED, /* overtaken, or of a fork downstream that lost */
		ON(2XX)              = STEP(ACCEPTED, SIP_DO_PASS_UP), /* RFC 6026 §7.2: each 2xx goes to the core */
		ON(3XX_6XX)          = IGNORED,
		ON(TIMER_TIMEOUT)    = IMPOSSIBLE,
		ON(TIMER_DONE)       = STEP_STOP(TERMINATED, SIP_DO_END), /* M */
		ON(TIMER_C)          = IMPOSSIBLE,
		ON(TIMER_100)        = IMPOSSIBLE,
		ON(TRANSPORT_FAILED) = STEP_STOP(TERMINATED, SIP_DO_END),
	},
	IN(INVITE_CLIENT, COMPLETED)  = ALL_IMPOSSIBLE, /* Timer D is zero */
	IN(INVITE_CLIENT, TERMINATED) = ALL_IMPOSSIBLE,
	IN(INVITE_CLIENT, TRYING)     = ALL_IMPOSSIBLE, /* not a state of this machine */
	IN(INVITE_CLIENT, CONFIRMED)  = ALL_IMPOSSIBLE, /* not a state of this machine */

	/* ======== non-INVITE client: RFC 3261 §17.1.2 figure 6, RFC 4320 ======== */
	IN(NON_INVITE_CLIENT, TRYING) = {
		ON(REQUEST)          = IMPOSSIBLE,
		ON(ACK)              = IMPOSSIBLE,
		ON(1XX)              = STEP(PROCEEDING, SIP_DO_PASS_UP), /* F goes on */
		ON(2XX)              = STEP_STOP(TERMINATED, SIP_DO_PASS_UP | SIP_DO_END), /* K is zero */
		ON(3XX_6XX)          = STEP_STOP(TERMINATED, SIP_DO_PASS_UP | SIP_DO_END),
		ON(TIMER_TIMEOUT)    = STEP_STOP(TERMINATED, SIP_DO_REPORT_TIMEOUT | SIP_DO_END), /* F */
		ON(TIMER_DONE)       = IMPOSSIBLE,
		ON(TIMER_C)          = IMPOSSIBLE,
		ON(TIMER_100)        = IMPOSSIBLE,
		ON(TRANSPORT_FAILED) = STEP_STOP(TERMINATED, SIP_DO_REPORT_FAILED | SIP_DO_END),
	},
	IN(NON_INVITE_CLIENT, PROCEEDING) = {
		ON(REQUEST)          = IMPOSSIBLE,
		ON(ACK)              = IMPOSSIBLE,
		ON(1XX)              = STEP(PROCEEDING, SIP_DO_PASS_UP),
		ON(2XX)              = STEP_STOP(TERMINATED, SIP_DO_PASS_UP | SIP_DO_END),
		ON(3XX_6XX)          = STEP_STOP(TERMINATED, SIP_DO_PASS_UP | SIP_DO_END),
		ON(TIMER_TIMEOUT)    = STEP_STOP(TERMINATED, SIP_DO_REPORT_TIMEOUT | SIP_DO_END),
		ON(TIMER_DONE)       = IMPOSSIBLE,
		ON(TIMER_C)          = IMPOSSIBLE,
		ON(TIMER_100)        = IMPOSSIBLE,
		ON(TRANSPORT_FAILED) = STEP_STOP(TERMINATED, SIP_DO_REPORT_FAILED | SIP_DO_END),
	},
	IN(NON_INVITE_CLIENT, COMPLETED)  = ALL_IMPOSSIBLE, /* Timer K is zero */
	IN(NON_INVITE_CLIENT, TERMINATED) = ALL_IMPOSSIBLE,
	IN(NON_INVITE_CLIENT, CALLING)    = ALL_IMPOSSIBLE, /* not a state of this machine */
	IN(NON_INVITE_CLIENT, ACCEPTED)   = ALL_IMPOSSIBLE, /* not a state of this machine */
	IN(NON_INVITE_CLIENT, CONFIRMED)  = ALL_IMPOSSIBLE, /* not a state of this machine */
};
/* clang-format on */

struct sip_step sip_transaction_event(enum sip_machine machine, enum sip_state state, enum sip_event event)
{
	const struct cell *cell = &cells[machine][state][event];

	if (cell->kind != CELL_STEP)
		return (struct sip_step){ .next = state,
			                  .is_written = cell->kind != CELL_UNWRITTEN,
			                  .is_impossible = cell->kind != CELL_IGNORED };
	return (struct sip_step){ .next = cell->next,
		                  .intentions = cell->intentions,
		                  .timer_ms = cell->timer_ms,
		                  .timer_event = cell->timer_event,
		                  .is_written = true };
}

enum sip_state sip_transaction_first_state(enum sip_machine machine)
{
	static const uint8_t first[SIP_MACHINE_COUNT] = {
		[SIP_INVITE_SERVER] = SIP_STATE_PROCEEDING,
		[SIP_NON_INVITE_SERVER] = SIP_STATE_TRYING,
		[SIP_INVITE_CLIENT] = SIP_STATE_CALLING,
		[SIP_NON_INVITE_CLIENT] = SIP_STATE_TRYING,
	};

	return first[machine];
}

const char *sip_machine_name(enum sip_machine machine)
{
	static const char *const names[SIP_MACHINE_COUNT] = {
		[SIP_INVITE_SERVER] = "invite-server",
		[SIP_NON_INVITE_SERVER] = "non-invite-server",
		[SIP_INVITE_CLIENT] = "invite-client",
		[SIP_NON_INVITE_CLIENT] = "non-invite-client",
	};

	return (unsigned)machine < SIP_MACHINE_COUNT ? names[machine] : "?";
}

const char *sip_state_name(enum sip_state state)
{
	static const char *const names[SIP_STATE_COUNT] = {
		[SIP_STATE_TRYING] = "trying",         [SIP_STATE_CALLING] = "calling",
		[SIP_STATE_PROCEEDING] = "proceeding", [SIP_STATE_COMPLETED] = "completed",
		[SIP_STATE_ACCEPTED] = "accepted",     [SIP_STATE_CONFIRMED] = "confirmed",
		[SIP_STATE_TERMINATED] = "terminated",
	};

	return (unsigned)state < SIP_STATE_COUNT ? names[state] : "?";
}

const char *sip_event_name(enum sip_event event)
{
	static const char *const names[SIP_EVENT_COUNT] = {
		[SIP_EVENT_REQUEST] = "request",
		[SIP_EVENT_ACK] = "ack",
		[SIP_EVENT_1XX] = "1xx",
		[SIP_EVENT_2XX] = "2xx",
		[SIP_EVENT_3XX_6XX] = "3xx-6xx",
		[SIP_EVENT_TIMER_TIMEOUT] = "timer-timeout",
		[SIP_EVENT_TIMER_DONE] = "timer-done",
		[SIP_EVENT_TIMER_C] = "timer-c",
		[SIP_EVENT_TIMER_100] = "timer-100",
		[SIP_EVENT_TRANSPORT_FAILED] = "transport-failed",
	};

	return (unsigned)event < SIP_EVENT_COUNT ? names[event] : "?";
}
