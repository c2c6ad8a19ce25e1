#include "daemon/policy/admission.h"

enum { ADMISSION_OTHERS_MOST_PERCENT = 90 }; /* all lower classes together */

const char *admission_class_name(enum admission_class class)
{
	switch (class) {
	case ADMISSION_UNIDENTIFIED: return "unidentified";
	case ADMISSION_DISCOVERED: return "discovered";
	case ADMISSION_REMOTE: return "remote";
	case ADMISSION_ALLOWED:
	case ADMISSION_CLASSES: break;
	}
	return "allowed";
}

struct admission_shares admission_shares(uint64_t unidentified, uint64_t discovered, uint64_t remote)
{
	if (unidentified > ADMISSION_OTHERS_MOST_PERCENT)
		unidentified = ADMISSION_OTHERS_MOST_PERCENT;
	if (discovered > ADMISSION_OTHERS_MOST_PERCENT - unidentified)
		discovered = ADMISSION_OTHERS_MOST_PERCENT - unidentified;
	if (remote > ADMISSION_OTHERS_MOST_PERCENT - unidentified - discovered)
		remote = ADMISSION_OTHERS_MOST_PERCENT - unidentified - discovered;
	return (struct admission_shares){ { [ADMISSION_UNIDENTIFIED] = unidentified,
		                            [ADMISSION_DISCOVERED] = discovered,
		                            [ADMISSION_REMOTE] = remote,
		                            [ADMISSION_ALLOWED] = 100 } };
}

uint64_t admission_most(const struct admission_shares *shares, enum admission_class class, uint64_t total)
{
	/* Rounded down; a total too large to multiply is none that a setting allows. */
	uint64_t most = total * shares->percent[class] / 100;

	return most ? most : 1;
}

bool admission_has_room(const struct admission_shares *shares, enum admission_class class,
                        const uint64_t there[ADMISSION_CLASSES], uint64_t total)
{
	uint64_t all = 0;

	for (unsigned i = 0; i < ADMISSION_CLASSES; i++)
		all += there[i];
	return all < total && there[class] < admission_most(shares, class, total);
}

/* What must stay in the bucket for those above: never all of it, or a small rate would shut a class out. */
static double kept_for_others(const struct admission_shares *shares, enum admission_class class, double full)
{
	uint64_t above = 100;
	double kept;

	/* What it and those below it may have is theirs to use up. */
	for (unsigned i = 0; i <= (unsigned)class; i++)
		above -= class == ADMISSION_ALLOWED ? 0 : shares->percent[i];
	kept = class == ADMISSION_ALLOWED ? 0 : full * (double)above / 100;
	return kept > full - 1 ? full - 1 : kept;
}

bool admission_take(const struct admission_shares *shares, enum admission_class class,
                    struct policy_rate *rate, uint64_t per_second, int64_t now_ms)
{
	return policy_rate_take_above(rate, per_second, kept_for_others(shares, class, (double)per_second),
	                              now_ms);
}
