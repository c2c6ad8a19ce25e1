#include "daemon/link/credentials.h"

#include <sys/mman.h>
#include <sys/stat.h>

#include "shared/base/json.h"
#include "shared/base/memory.h"

enum { CREDENTIALS_BYTES_MAX = 16 * 1024 * 1024 };

enum result link_credentials_read(struct slice payload, struct link_credentials *out, struct reason *reason)
{
	static const char *const parts[LINK_CREDENTIAL_PARTS] = { "chain", "key", "trust", "crls" };
	struct json *read = NULL;
	enum result result = json_read(payload, &read, reason);

	if (result != RESULT_OK)
		return result;
	if (!slice_to_text(json_as_slice(json_get(read, "use")), out->use, sizeof out->use))
		result = fail(reason, RESULT_INVALID, "credentials of an unknown use");
	for (size_t i = 0; i < LINK_CREDENTIAL_PARTS && result == RESULT_OK; i++) {
		int64_t length = json_as_number(json_get(read, parts[i]), 0);

		if (length < 0 || length > CREDENTIALS_BYTES_MAX)
			result = fail(reason, RESULT_INVALID, "credentials of an impossible length");
		else
			out->lengths[i] = (size_t)length;
	}
	json_free(&read);
	return result;
}

enum result link_credentials_open(int fd, const struct link_credentials *from, enum tls_boundary boundary,
                                  struct tls_credentials **out, struct reason *reason)
{
	struct slice part[LINK_CREDENTIAL_PARTS];
	enum result result = RESULT_OK;
	size_t at = 0, size;
	struct stat st;
	char *bytes;

	if (fstat(fd, &st) != 0 || st.st_size <= 0 || st.st_size > CREDENTIALS_BYTES_MAX)
		return fail(reason, RESULT_INVALID, "credentials without bytes");
	size = (size_t)st.st_size;
	/* A private writable map, so that the key can be wiped here when it has been read. */
	bytes = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	if (bytes == MAP_FAILED)
		return fail_errno(reason, RESULT_NO_MEMORY, "credentials");
	for (size_t i = 0; i < LINK_CREDENTIAL_PARTS && result == RESULT_OK; i++) {
		if (from->lengths[i] > size - at)
			result = fail(reason, RESULT_INVALID, "credentials shorter than announced");
		part[i] = (struct slice){ bytes + at, result == RESULT_OK ? from->lengths[i] : 0 };
		at += part[i].len;
	}
	if (result == RESULT_OK)
		result = tls_credentials_new(boundary, part[0], part[1], part[2], part[3], out, reason);
	mem_wipe(bytes, size);
	munmap(bytes, size);
	return result;
}
