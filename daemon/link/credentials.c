#include "daemon/link/credentials.h"

#include <sys/mman.h>
#include <sys/stat.h>

#include "shared/base/json.h"
#include "shared/base/memory.h"

/* ---- the payload ---- */

static bool read_length(const struct json *of, const char *name, size_t *length, size_t *total)
{
	int64_t number = json_as_number(json_get(of, name), 0);

	if (number < 0 || number > LINK_CREDENTIAL_PART_MAX)
		return false;
	*length = (size_t)number;
	*total += *length;
	return true;
}

static bool read_lengths(struct link_credentials *out)
{
	static const char *const parts[LINK_CREDENTIAL_PARTS] = { "chain", "key", "trust", "crls" };
	const struct json *more = json_get(out->payload, "more");

	for (size_t i = 0; i < LINK_CREDENTIAL_PARTS; i++)
		if (!read_length(out->payload, parts[i], &out->lengths[i], &out->total))
			return false;
	if (json_count(more) > LINK_CREDENTIALS_MORE_MAX)
		return false;
	for (; out->more_count < json_count(more); out->more_count++) {
		const struct json *one = json_at(more, out->more_count);

		if (!read_length(one, "chain", &out->more[out->more_count].chain, &out->total) ||
		    !read_length(one, "key", &out->more[out->more_count].key, &out->total))
			return false;
	}
	return true;
}

enum result link_credentials_read(struct slice payload, struct link_credentials *out, struct reason *reason)
{
	enum result result;

	*out = (struct link_credentials){ .use = "" };
	if ((result = json_read(payload, &out->payload, reason)) != RESULT_OK)
		return result;
	if (!slice_to_text(json_as_slice(json_get(out->payload, "use")), out->use, sizeof out->use))
		result = fail(reason, RESULT_INVALID, "credentials of an unknown use");
	else if (!read_lengths(out))
		result = fail(reason, RESULT_INVALID,
		              "credentials: a part longer than %d bytes, or more than %d certificates",
		              LINK_CREDENTIAL_PART_MAX, LINK_CREDENTIALS_MORE_MAX);
	if (result != RESULT_OK)
		link_credentials_drop(out);
	return result;
}

void link_credentials_drop(struct link_credentials *credentials) { json_free(&credentials->payload); }

/* ---- the bytes ---- */

static struct slice next_part(struct slice *rest, size_t length)
{
	struct slice part = slice_first(*rest, length);

	*rest = slice_after(*rest, length);
	return part;
}

static void add_more(const struct link_credentials *from, struct slice rest, struct tls_credentials *to,
                     void (*refused)(void *owner, const char *why), void *owner)
{
	for (size_t i = 0; i < from->more_count; i++) {
		const struct json *one = json_at(json_get(from->payload, "more"), i),
		                  *list = json_get(one, "server_names");
		struct slice names[LINK_CREDENTIALS_NAMES_MAX], name = json_as_slice(json_get(one, "name"));
		struct slice chain = next_part(&rest, from->more[i].chain),
		             key = next_part(&rest, from->more[i].key);
		struct reason reason = { "" }, whole;
		size_t count = 0;

		for (; count < LINK_CREDENTIALS_NAMES_MAX && count < json_count(list); count++)
			names[count] = json_as_slice(json_at(list, count));
		if (tls_credentials_add(to, name, chain, key, names, count, &reason) == RESULT_OK)
			continue;
		fail(&whole, RESULT_INVALID, "host.xml, certificate %.*s: %.300s", SLICE_ARG(name),
		     reason.text);
		refused(owner, whole.text);
	}
}

enum result link_credentials_open(int fd, const struct link_credentials *from, enum tls_boundary boundary,
                                  void (*refused)(void *owner, const char *why), void *owner,
                                  struct tls_credentials **out, struct reason *reason)
{
	struct slice part[LINK_CREDENTIAL_PARTS], rest;
	enum result result;
	struct stat st;
	char *bytes;

	if (fstat(fd, &st) != 0 || st.st_size <= 0 || (uint64_t)st.st_size != from->total)
		return fail(reason, RESULT_INVALID, "credentials of another length than was announced");
	/* A private writable map, so that the keys can be wiped here when they have been read. */
	bytes = mmap(NULL, from->total, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	if (bytes == MAP_FAILED)
		return fail_errno(reason, RESULT_NO_MEMORY, "credentials");
	rest = (struct slice){ bytes, from->total };
	for (size_t i = 0; i < LINK_CREDENTIAL_PARTS; i++)
		part[i] = next_part(&rest, from->lengths[i]);
	result = tls_credentials_new(boundary, part[0], part[1], part[2], part[3], out, reason);
	if (result == RESULT_OK)
		add_more(from, rest, *out, refused, owner);
	mem_wipe(bytes, from->total);
	munmap(bytes, from->total);
	return result;
}
