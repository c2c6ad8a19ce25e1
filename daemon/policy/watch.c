#include "daemon/policy/watch.h"

#include "shared/base/memory.h"

enum { WATCH_FIRST_SIZE = 32, WATCH_MINUTE_MS = 60 * 1000 };

bool policy_rate_take_above(struct policy_rate *rate, uint64_t per_second, double kept, int64_t now_ms)
{
	double full = (double)per_second;

	if (rate->at_ms == 0)
		rate->tokens = full;
	else if (now_ms > rate->at_ms)
		rate->tokens += (double)(now_ms - rate->at_ms) * full / 1000;
	if (rate->tokens > full)
		rate->tokens = full;
	rate->at_ms = now_ms;
	if (rate->tokens < 1 + kept)
		return false;
	rate->tokens -= 1;
	return true;
}

bool policy_rate_take(struct policy_rate *rate, uint64_t per_second, int64_t now_ms)
{
	return policy_rate_take_above(rate, per_second, 0, now_ms);
}

const char *watch_answer_name(enum watch_answer answer)
{
	switch (answer) {
	case WATCH_PASS: return "pass";
	case WATCH_RATE: return "discovered-partner-standard-rate";
	case WATCH_SUSPICIOUS_RATE: return "discovered-partner-suspicious-rate";
	case WATCH_CONTACTS: return "max-contacts-per-discovered-partner";
	case WATCH_NO_MEMORY: return "memory";
	}
	return "memory";
}

void watch_stop(struct watch *watch)
{
	mem_free(watch->contacts);
	*watch = (struct watch){ 0 };
}

/* ---- contacts: a set of hashes; 0 marks a free place ---- */

static size_t place_of(const struct watch *watch, uint64_t contact)
{
	size_t at = contact & (watch->contact_size - 1);

	while (watch->contacts[at] && watch->contacts[at] != contact)
		at = (at + 1) & (watch->contact_size - 1);
	return at;
}

static bool grow(struct watch *watch)
{
	size_t old_size = watch->contact_size, size = old_size ? old_size * 2 : WATCH_FIRST_SIZE;
	uint64_t *old = watch->contacts, *fresh = mem_new_array(size, sizeof *fresh);

	if (!fresh)
		return false;
	watch->contacts = fresh;
	watch->contact_size = size;
	for (size_t i = 0; i < old_size; i++)
		if (old[i])
			fresh[place_of(watch, old[i])] = old[i];
	mem_free(old);
	return true;
}

static enum watch_answer meet(struct watch *watch, const struct watch_limits *limits, uint64_t contact)
{
	uint64_t most = limits->contacts < WATCH_CONTACTS_MAX ? limits->contacts : WATCH_CONTACTS_MAX;

	if (contact == 0)
		contact = 1;
	if (watch->contact_size && watch->contacts[place_of(watch, contact)] == contact)
		return WATCH_PASS;
	if (limits->limits_contacts && watch->contact_count >= most)
		return WATCH_CONTACTS;
	if (watch->contact_count >= WATCH_CONTACTS_MAX)
		return WATCH_PASS; /* not limited, and no longer counted */
	if ((watch->contact_count + 1) * 2 > watch->contact_size && !grow(watch))
		return WATCH_NO_MEMORY;
	watch->contacts[place_of(watch, contact)] = contact;
	watch->contact_count++;
	return WATCH_PASS;
}

/* ---- answers: one place a minute, ten of them ---- */

static size_t minute_place(struct watch *watch, int64_t now_ms)
{
	int64_t minute = now_ms / WATCH_MINUTE_MS;
	size_t at = (size_t)(minute % WATCH_WINDOW_MINUTES);

	if (watch->window[at].minute != minute) {
		watch->window[at].minute = minute;
		watch->window[at].good = watch->window[at].bad = 0;
	}
	return at;
}

void watch_answered(struct watch *watch, int status, int64_t now_ms)
{
	size_t at = minute_place(watch, now_ms);

	if (status >= 200 && status < 300)
		watch->window[at].good++;
	else if (status >= 300 && status != 401 && status != 407)
		watch->window[at].bad++;
}

bool watch_is_suspicious(const struct watch *watch, const struct watch_limits *limits, int64_t now_ms)
{
	int64_t oldest = now_ms / WATCH_MINUTE_MS - WATCH_WINDOW_MINUTES;
	uint64_t good = 0, bad = 0;

	for (size_t i = 0; i < WATCH_WINDOW_MINUTES; i++) {
		if (watch->window[i].minute <= oldest)
			continue;
		good += watch->window[i].good;
		bad += watch->window[i].bad;
	}
	return good + bad >= limits->suspicious_answers &&
	       bad * 100 > (good + bad) * limits->suspicious_percent;
}

/* ---- a request ---- */

static void remember_domain(struct watch *watch, struct slice domain)
{
	for (size_t i = 0; i < watch->domain_count; i++)
		if (slice_equal(domain, slice_of(watch->domains[i])))
			return;
	if (watch->domain_count < WATCH_DOMAINS_MAX &&
	    slice_to_text(domain, watch->domains[watch->domain_count], WATCH_DOMAIN_BYTES))
		watch->domain_count++;
}

enum watch_answer watch_request(struct watch *watch, const struct watch_limits *limits, struct slice domain,
                                uint64_t contact, int64_t now_ms)
{
	bool is_suspicious = watch_is_suspicious(watch, limits, now_ms);
	enum watch_answer answer = meet(watch, limits, contact);

	if (watch->first_ms == 0)
		watch->first_ms = now_ms;
	watch->last_ms = now_ms;
	watch->requests++;
	remember_domain(watch, domain);
	if (answer == WATCH_PASS &&
	    !policy_rate_take(&watch->rate,
	                      is_suspicious ? limits->suspicious_per_second : limits->per_second, now_ms))
		answer = is_suspicious ? WATCH_SUSPICIOUS_RATE : WATCH_RATE;
	if (answer != WATCH_PASS)
		watch->limited++;
	return answer;
}
