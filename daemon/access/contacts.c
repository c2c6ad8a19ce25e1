/*
 * contacts: who of ours has begun with whom, for providers and XMPP partners whose users may not (policy/first.h).  The
 * table lies in a file that the keeper opens and hands over, so this process needs none and what is known outlives it.
 *
 * What begins something goes out once it is on the disk: then whatever is answered to it is true also after a power
 * cut, and so is what the other side answers.  The disk is asked once for all that came within CONTACTS_SYNC_MS, and
 * only a pair that is new makes anybody wait.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/access/parts.h"
#include "daemon/names/names.h"
#include "daemon/policy/first.h"

enum {
	CONTACTS_SYNC_MS = 50, /* the disk is asked no more often: this process waits for it meanwhile */
	CONTACTS_SYNC_AGAIN_MS = 2000, /* it took nothing */
	CONTACTS_TOLD_MS = 60 * 1000,  /* that it still takes nothing is said again no sooner */
	CONTACTS_PAGE_BYTES = 4096,    /* no page is smaller */
};

void contacts_start(struct access *a) { list_start(&a->contacts_waiting); }

void contacts_take(struct access *a, int fd)
{
	struct siphash_key fresh = { access_random(a), access_random(a) };
	struct stat about;
	void *memory = MAP_FAILED;

	/* A shorter file would end this process at the first touch behind its end. */
	if (fstat(fd, &about) == 0 && about.st_size == FIRST_BYTES)
		memory = mmap(NULL, FIRST_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (memory == MAP_FAILED)
		return;
	contacts_drop(a);
	a->first_words = first_words_take(memory, fresh);
}

void contacts_drop(struct access *a)
{
	if (a->first_words)
		munmap(a->first_words, FIRST_BYTES);
	a->first_words = NULL;
}

/* ---- the disk ---- */

static void tell(struct access *a, enum control_event_id id, const char *why)
{
	struct report report;

	report_open(&report, a, id);
	json_put_text(&report.w, "service", "access");
	json_put_text(&report.w, "why", why);
	report_send(&report);
}

/* What could not be written counts as written for the kernel: only what is touched again is tried again. */
static void touch(struct first_words *words)
{
	volatile unsigned char *bytes = (volatile unsigned char *)words;

	for (size_t at = 0; at < FIRST_BYTES; at += CONTACTS_PAGE_BYTES)
		bytes[at] = bytes[at];
}

static bool is_on_disk(struct access *a)
{
	int64_t now = access_now_ms(a);
	bool is_told = a->contacts_told_ms != 0;

	if (!a->contacts_since_s)
		return true;
	if (a->first_words && is_told)
		touch(a->first_words);
	if (a->first_words && msync(a->first_words, FIRST_BYTES, MS_SYNC) != 0) {
		if (!is_told || now - a->contacts_told_ms >= CONTACTS_TOLD_MS) {
			a->contacts_told_ms = now;
			tell(a, CONTROL_EVENT_STATE_NOT_KEPT, strerror(errno));
		}
		return false;
	}
	a->contacts_since_s = 0;
	a->contacts_told_ms = 0;
	if (is_told)
		tell(a, CONTROL_EVENT_STATE_KEPT, "");
	return true;
}

static void sync_due(void *owner)
{
	struct access *a = owner;

	if (is_on_disk(a))
		request_wake(&a->contacts_waiting, request_go_on);
	else
		loop_timer_set(a->loop, &a->contacts_timer, CONTACTS_SYNC_AGAIN_MS, sync_due, a);
}

void contacts_wait(struct request *r)
{
	struct access *a = r->access;

	if (a->contacts_waiting_count >= ACCESS_WAITING_MAX) {
		r->failure = (struct failure){
			.status = 503,
			.diagnostic = 1007,
			.words = "too many wait for the disk to take who wrote first"
		};
		request_give_up(r, NULL);
		return;
	}
	request_wait(r, REQUEST_WAITS, &a->contacts_waiting, &a->contacts_waiting_count);
	if (!a->contacts_timer.is_set)
		loop_timer_set(a->loop, &a->contacts_timer, CONTACTS_SYNC_MS, sync_due, a);
}

void contacts_give_up_waiting(struct access *a)
{
	if (a->contacts_waiting_count)
		request_give_up_waiting(&a->contacts_waiting, "the disk does not take who wrote first");
}

/* ---- names ---- */

static bool is_ascii(struct slice text)
{
	for (size_t i = 0; i < text.len; i++)
		if ((unsigned char)text.ptr[i] >= 0x80)
			return false;
	return true;
}

/* By the name under which the other side knows him: XMPP folds every alphabet, not ours alone. */
static struct slice address_of(struct slice user, struct slice domain, enum policy_protocol protocol,
                               char room[POLICY_ADDRESS_BYTES])
{
	char folded[NAMES_LOCALPART_BYTES];
	struct slice address = policy_address_of(user, domain, room);
	struct slice known = slice_first(address,
	                                 address.len > domain.len ? address.len - domain.len - 1 : 0);

	if (protocol != POLICY_XMPP || is_ascii(known) ||
	    names_localpart_prepare(known, folded, NULL) != RESULT_OK)
		return address;
	return policy_address_of(slice_of(folded), domain, room);
}

/* ---- who begins ---- */

static bool is_type(struct slice value, struct slice type) { return slice_starts_nocase(value, type); }

/* Nothing in a dialog, no answer to what they sent, and nothing that a client says unasked. */
static bool begins(const struct sip_message *m)
{
	const struct sip_header *type = sip_message_header(m, SIP_CONTENT_TYPE);

	if (m->method == SIP_MESSAGE && type)
		return !is_type(type->value, SLICE("application/im-iscomposing+xml")) &&
		       !is_type(type->value, SLICE("message/imdn+xml"));
	return m->method == SIP_MESSAGE || m->method == SIP_INVITE || m->method == SIP_SUBSCRIBE;
}

/* False: it is not on the disk yet. */
static bool note(struct access *a, struct slice ours, struct slice theirs)
{
	uint32_t now_s = (uint32_t)(loop_now(a->loop).wall_ms / 1000), when_s;
	bool is_new = false;

	if (!ours.len || !theirs.len)
		return true;
	when_s = first_words_note(a->first_words, ours, theirs, now_s, &is_new);
	if (is_new && !a->contacts_since_s)
		a->contacts_since_s = now_s;
	return !a->contacts_since_s || when_s < a->contacts_since_s;
}

/* Whatever the level or type is now, so that turning it to contacts only cuts nobody off who is one. */
bool contacts_note(struct access *a, const struct sip_message *m, const struct policy_facts *facts,
                   const struct policy_verdict *verdict)
{
	char ours_room[POLICY_ADDRESS_BYTES], room[POLICY_ADDRESS_BYTES];
	struct slice ours = policy_address_of(facts->local_user, facts->local_domain, ours_room), routing;
	const char *decorated;
	bool is_kept;

	if (!a->first_words || facts->is_in_dialog || verdict->is_shared || !begins(m) ||
	    (!verdict->provider && verdict->protocol != POLICY_XMPP))
		return true;
	is_kept = note(a, ours,
	               address_of(m->target_uri.user, facts->remote_domain, verdict->protocol, room));
	if (!verdict->provider)
		return is_kept;
	routing = policy_routing_domain(a->image, facts->remote_domain);
	if (routing.len == 0)
		return is_kept;
	/* He may answer by the name that the provider knows. */
	decorated = arena_printf(m->arena, "%.*s(%.*s)", SLICE_ARG(m->target_uri.user),
	                         SLICE_ARG(facts->remote_domain));
	return note(a, ours, policy_address_of(slice_of(decorated), routing, room)) && is_kept;
}

bool contacts_know(struct access *a, struct slice user, const struct policy_facts *facts)
{
	char ours_room[POLICY_ADDRESS_BYTES], theirs_room[POLICY_ADDRESS_BYTES];
	struct slice ours = policy_address_of(facts->local_user, facts->local_domain, ours_room);
	struct slice theirs = address_of(user, facts->remote_domain, facts->protocol, theirs_room);

	return a->first_words && ours.len && theirs.len && first_words_has(a->first_words, ours, theirs);
}

/* `pair`: "ours theirs", as an administrator asks for them. */
bool contacts_know_pair(struct access *a, struct slice pair)
{
	size_t blank = slice_find(pair, ' ');

	return a->first_words && blank < pair.len &&
	       first_words_has(a->first_words, slice_first(pair, blank), slice_after(pair, blank + 1));
}

/* ---- from a gateway that kept them itself ---- */

static void inherit(struct access *a, struct slice line)
{
	char ours_room[POLICY_ADDRESS_BYTES], theirs_room[POLICY_ADDRESS_BYTES];
	size_t blank = slice_find(line, ' ');
	struct sip_uri ours, theirs;

	if (blank == line.len || sip_uri_parse(slice_first(line, blank), &ours, NULL) != SIP_PARSE_OK ||
	    sip_uri_parse(slice_after(line, blank + 1), &theirs, NULL) != SIP_PARSE_OK)
		return;
	(void)note(a, policy_address_of(ours.user, ours.host, ours_room),
	           address_of(theirs.user, theirs.host, POLICY_XMPP, theirs_room));
}

bool contacts_inherit(struct access *a, struct slice lines)
{
	if (!a->first_words)
		return false;
	while (lines.len) {
		size_t end = slice_find(lines, '\n');

		inherit(a, slice_first(lines, end));
		lines = slice_after(lines, end < lines.len ? end + 1 : end);
	}
	return is_on_disk(a);
}
