/*
 * transaction_timers: the timers of all transactions in one binary heap.
 *
 * A transaction has two timers (the machine's and an extra one) and one place in
 * the heap, by the earlier of the two; one whose timers are both off has none.
 * The heap is made to hold every transaction before it is needed, so that
 * setting a timer cannot fail.
 */
#ifndef DAEMON_SIP_TRANSACTION_TIMERS_H
#define DAEMON_SIP_TRANSACTION_TIMERS_H

#include "daemon/sip/transaction.h"

struct sip_timer_place {
	int64_t due_ms; /* beside the pointer: sifting looks at no transaction */
	struct sip_transaction *transaction;
};

struct sip_timers {
	struct sip_timer_place *places;
	size_t count, size;
};

void sip_timers_stop(struct sip_timers *timers);
/* Room for `count` transactions; false: no memory. */
bool sip_timers_reserve(struct sip_timers *timers, size_t count);
/* Puts it where its two deadlines say, or takes it out when both are INT64_MAX. */
void sip_timers_place(struct sip_timers *timers, struct sip_transaction *t);
void sip_timers_remove(struct sip_timers *timers, struct sip_transaction *t);

#endif
