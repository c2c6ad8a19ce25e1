/*
 * contacts: who of ours has begun with whom, for providers whose users may not (policy/first.h).  The table lies in a file
 * that the keeper opens and hands over, so this process needs none and what is known outlives it.
 */
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/access/parts.h"
#include "daemon/policy/first.h"

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

/* What begins: nothing in a dialog, and no answer to what they sent. */
static bool begins(const struct sip_message *m)
{
	return m->method == SIP_MESSAGE || m->method == SIP_INVITE || m->method == SIP_SUBSCRIBE;
}

static void note(struct access *a, struct slice ours, struct slice user, struct slice domain)
{
	char room[POLICY_ADDRESS_BYTES];
	struct slice theirs = policy_address_of(user, domain, room);

	if (theirs.len)
		first_words_note(a->first_words, ours, theirs, (uint32_t)(loop_now(a->loop).wall_ms / 1000));
}

/* Whatever the provider's level is now, so that turning it to contacts only cuts nobody off who is one. */
void contacts_note(struct access *a, const struct sip_message *m, const struct policy_facts *facts,
                   const struct policy_verdict *verdict)
{
	char room[POLICY_ADDRESS_BYTES];
	struct slice ours = policy_address_of(facts->local_user, facts->local_domain, room), routing;
	const char *decorated;

	if (!a->first_words || !verdict->provider || verdict->is_shared || facts->is_in_dialog ||
	    !begins(m) || ours.len == 0)
		return;
	note(a, ours, m->target_uri.user, facts->remote_domain);
	routing = policy_routing_domain(a->image, facts->remote_domain);
	if (routing.len == 0)
		return;
	/* He may answer by the name that the provider knows. */
	decorated = arena_printf(m->arena, "%.*s(%.*s)", SLICE_ARG(m->target_uri.user),
	                         SLICE_ARG(facts->remote_domain));
	note(a, ours, slice_of(decorated), routing);
}

bool contacts_know(struct access *a, struct slice user, const struct policy_facts *facts)
{
	char ours_room[POLICY_ADDRESS_BYTES], theirs_room[POLICY_ADDRESS_BYTES];
	struct slice ours = policy_address_of(facts->local_user, facts->local_domain, ours_room);
	struct slice theirs = policy_address_of(user, facts->remote_domain, theirs_room);

	return a->first_words && image_sip_provider_count(a->image) && ours.len && theirs.len &&
	       first_words_has(a->first_words, ours, theirs);
}

/* `pair`: "ours theirs", as an administrator asks for them. */
bool contacts_know_pair(struct access *a, struct slice pair)
{
	size_t blank = slice_find(pair, ' ');

	return a->first_words && blank < pair.len &&
	       first_words_has(a->first_words, slice_first(pair, blank), slice_after(pair, blank + 1));
}
