/*
 * Our certificates and keys, the authorities and their lists of revoked
 * certificates, as the keeper sends them: one sealed memory a side, the lengths
 * of its parts beside it.
 */
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/access/parts.h"
#include "shared/base/memory.h"

enum { CREDENTIALS_BYTES_MAX = 8 * 1024 * 1024, CREDENTIALS_SERVER_NAMES_MAX = 64 };

enum sip_side access_side_named(const struct json *name)
{
	struct slice text = json_as_slice(name);

	return slice_equal(text, SLICE("internal")) ? SIP_SIDE_INTERNAL
	       : slice_equal(text, SLICE("remote")) ? SIP_SIDE_REMOTE
	                                            : SIP_SIDE_EXTERNAL;
}

static void report_not_applied(struct access *a, const char *why)
{
	struct report report;

	report_open(&report, a, CONTROL_EVENT_CONFIG_NOT_APPLIED);
	json_put_text(&report.w, "service", "access");
	json_put_number(&report.w, "version", a->image ? (int64_t)policy_image_generation(a->image) : 0);
	json_put_text(&report.w, "why", why);
	report_send(&report);
}

static void set_memory(struct access *a, enum sip_side side)
{
	const struct image_access_edge *s = a->settings;
	const struct tls_memory_limits limits = {
		.accepted = (size_t)s->max_accepted_certificates_stored,
		.rejected = (size_t)s->max_rejected_certificates_stored,
		.deleted_percent = (unsigned)s->certificates_deleted_percentage,
		.seed = a->seed,
	};

	if (a->credentials[side])
		tls_credentials_remember(a->credentials[side], &limits);
}

void credentials_set_memory(struct access *a)
{
	set_memory(a, SIP_SIDE_EXTERNAL);
	set_memory(a, SIP_SIDE_INTERNAL);
	set_memory(a, SIP_SIDE_REMOTE);
}

/* The parts follow one another; false: their lengths go beyond the bytes. */
static bool next_part(struct slice *rest, const struct json *lengths, const char *name, struct slice *out)
{
	int64_t length = json_as_number(json_get(lengths, name), 0);

	if (length < 0 || (uint64_t)length > rest->len)
		return false;
	*out = slice_first(*rest, (size_t)length);
	*rest = slice_after(*rest, (size_t)length);
	return true;
}

/* Further certificates, by name. One that is bad leaves the others usable, and is told. */
static void add_more(struct access *a, struct tls_credentials *fresh, const struct json *more,
                     struct slice *rest)
{
	for (size_t i = 0; i < json_count(more); i++) {
		const struct json *one = json_at(more, i), *list = json_get(one, "server_names");
		struct slice names[CREDENTIALS_SERVER_NAMES_MAX], chain, key;
		struct reason reason = { "" }, whole;
		size_t count = 0;

		while (count < CREDENTIALS_SERVER_NAMES_MAX && count < json_count(list)) {
			names[count] = json_as_slice(json_at(list, count));
			count++;
		}
		if (!next_part(rest, one, "chain", &chain) || !next_part(rest, one, "key", &key))
			return;
		if (tls_credentials_add(fresh, json_as_slice(json_get(one, "name")), chain, key, names, count,
		                        &reason) == RESULT_OK)
			continue;
		fail(&whole, RESULT_INVALID, "host.xml, certificate %.*s: %.300s",
		     SLICE_ARG(json_as_slice(json_get(one, "name"))), reason.text);
		report_not_applied(a, whole.text);
	}
}

static void take(struct access *a, const struct json *payload, struct slice bytes)
{
	static const enum tls_boundary boundaries[SIP_SIDES] = { [SIP_SIDE_EXTERNAL] = TLS_FEDERATION,
		                                                 [SIP_SIDE_INTERNAL] = TLS_INTERNAL,
		                                                 [SIP_SIDE_REMOTE] = TLS_REMOTE };
	enum sip_side side = access_side_named(json_get(payload, "use"));
	struct slice chain, key, trust, crls;
	struct tls_credentials *fresh = NULL;
	struct reason reason = { "" };

	if (!next_part(&bytes, payload, "chain", &chain) || !next_part(&bytes, payload, "key", &key) ||
	    !next_part(&bytes, payload, "trust", &trust) || !next_part(&bytes, payload, "crls", &crls))
		return;
	if (tls_credentials_new(boundaries[side], chain, key, trust, crls, &fresh, &reason) != RESULT_OK) {
		report_not_applied(a, reason.text);
		return;
	}
	add_more(a, fresh, json_get(payload, "more"), &bytes);
	tls_credentials_free(&a->credentials[side]);
	a->credentials[side] = fresh;
	if (a->settings)
		set_memory(a, side);
	recheck_side(a, side);
}

void credentials_take(struct access *a, struct link_frame *frame)
{
	struct json *payload = NULL;
	struct stat st;
	char *bytes = MAP_FAILED;

	if (json_read(frame->payload, &payload, NULL) == RESULT_OK && fstat(frame->fd, &st) == 0 &&
	    st.st_size > 0 && st.st_size <= CREDENTIALS_BYTES_MAX)
		/* A private writable map, so that the keys can be wiped here when they have been read. */
		bytes = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_PRIVATE, frame->fd, 0);
	if (bytes != MAP_FAILED) {
		take(a, payload, (struct slice){ bytes, (size_t)st.st_size });
		mem_wipe(bytes, (size_t)st.st_size);
		munmap(bytes, (size_t)st.st_size);
	}
	json_free(&payload);
	close(frame->fd);
}
