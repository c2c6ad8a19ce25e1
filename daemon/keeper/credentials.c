/*
 * Certificates and keys: what the configuration assigns, and the bytes for a service as one sealed memfd.  The key leaves this process
 * only there; our own copy is wiped.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/keeper/parts.h"
#include "shared/base/memory.h"

void credentials_free(struct credentials *credentials)
{
	if (credentials->fd >= 0)
		close(credentials->fd);
	*credentials = (struct credentials){ .fd = -1 };
}

uint64_t credentials_names(const struct host *host, const struct policy_image *image, enum service_id service)
{
	const struct image_edge *edge = policy_image_edge(image, slice_of(host->node));
	uint64_t hash = 1;

	for (enum edge_side side = 0; edge && side < SIDE_COUNT; side++) {
		struct side_files files;

		if (!side_is_of(side, service))
			continue;
		files = side_files(host, image, edge, side);
		hash = slice_hash(slice_of(files.certificate), hash);
		hash = slice_hash(slice_of(files.key), hash);
		hash = slice_hash(slice_of(files.trust), hash) + side_uses_tls(edge, side);
		hash = slice_hash(slice_of(files.crls), hash);
		if (side == SIDE_EXTERNAL || side == SIDE_REMOTE)
			hash = slice_hash(
			        (struct slice){ (const char *)host->certificates,
			                        host->certificate_count * sizeof *host->certificates },
			        hash);
	}
	return hash;
}

/* ---- reading ---- */

enum part { PART_CHAIN, PART_KEY, PART_TRUST, PART_CRLS, PART_COUNT };
enum { PARTS_MAX = PART_COUNT + 2 * KEEPER_CERTIFICATES_MAX };
_Static_assert((int)PART_COUNT == LINK_CREDENTIAL_PARTS &&
                       (int)KEEPER_CERTIFICATES_MAX <= LINK_CREDENTIALS_MORE_MAX,
               "a service takes what the keeper gives");

static enum result read_part(const char *root, const char *name, bool is_secret, const char *field,
                             struct buffer *out, struct reason *why)
{
	struct reason inner = { "" };
	char path[KEEPER_PATH_BYTES];
	enum result result;

	if (!name[0]) { /* no authorities: nobody's certificate leads anywhere, and the service says so */
		buffer_start(out, 1);
		return RESULT_OK;
	}
	if (!folder_config_path(path, root, name)) {
		buffer_start(out, 1);
		return fail(why, RESULT_LIMIT, "field %s: the path is too long", field);
	}
	result = folders_read(path, KEEPER_CREDENTIAL_FILE_MAX, is_secret, out, &inner);
	if (result == RESULT_NOT_FOUND) /* assigned, but not there: no reason to stop what runs */
		result = RESULT_IO;
	if (result != RESULT_OK)
		fail(why, result, "field %s: %s", field, inner.text);
	return result;
}

static enum result seal(const struct buffer *parts, size_t count, int *out, struct reason *why)
{
	int fd = memfd_create("parley-credentials", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0)
		return fail_errno(why, RESULT_IO, "memfd");
	for (size_t i = 0; i < count; i++) {
		struct slice bytes = buffer_slice(&parts[i]);

		while (bytes.len) {
			ssize_t written = write(fd, bytes.ptr, bytes.len);

			if (written <= 0) {
				close(fd);
				return fail_errno(why, RESULT_IO, "memfd");
			}
			bytes = slice_after(bytes, (size_t)written);
		}
	}
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) != 0) {
		close(fd);
		return fail_errno(why, RESULT_IO, "sealing a memfd");
	}
	*out = fd;
	return RESULT_OK;
}

static void wipe(struct buffer *part)
{
	if (part->bytes)
		mem_wipe(part->bytes, part->size);
	buffer_stop(part);
}

/* Of the sides that strangers come to; the fields are named as in "field key of certificate hosted". */
static enum result read_more(const char *root, const struct host *host, struct buffer *parts,
                             struct credentials *out, struct reason *why)
{
	for (size_t i = 0; i < host->certificate_count; i++) {
		const struct host_certificate *one = &host->certificates[i];
		struct buffer *chain = &parts[PART_COUNT + 2 * i], *key = chain + 1;
		char field[KEEPER_CERTIFICATE_NAME_BYTES + 64];
		enum result result;

		snprintf(field, sizeof field, "chain of certificate %s", one->name);
		result = read_part(root, one->chain, false, field, chain, why);
		snprintf(field, sizeof field, "key of certificate %s", one->name);
		if (result == RESULT_OK)
			result = read_part(root, one->key, true, field, key, why);
		if (result != RESULT_OK)
			return result;
		snprintf(out->more[i].name, sizeof out->more[i].name, "%s", one->name);
		snprintf(out->more[i].server_names, sizeof out->more[i].server_names, "%s",
		         one->server_names);
		out->more[i].chain = buffer_length(chain);
		out->more[i].key = buffer_length(key);
		out->more_count++;
	}
	return RESULT_OK;
}

enum result credentials_read(const char *root, const struct host *host, const struct policy_image *image,
                             enum edge_side side, struct credentials *out, struct reason *why)
{
	const struct image_edge *edge = policy_image_edge(image, slice_of(host->node));
	struct buffer parts[PARTS_MAX] = { { 0 } };
	struct side_files files;
	enum result result;

	*out = (struct credentials){ .fd = -1 };
	if (!edge)
		return fail(why, RESULT_NOT_FOUND, "topology.xml has no edge for this node");
	files = side_files(host, image, edge, side);

	const struct {
		const char *name, *field;
		bool is_secret;
	} rows[PART_COUNT] = {
		[PART_CHAIN] = { files.certificate, files.certificate_field, false },
		[PART_KEY] = { files.key, files.key_field, true },
		[PART_TRUST] = { files.trust, files.trust_field, false },
		[PART_CRLS] = { files.crls, files.crls_field, false },
	};

	result = RESULT_OK;
	for (size_t i = 0; i < PART_COUNT && result == RESULT_OK; i++)
		result = read_part(root, rows[i].name, rows[i].is_secret, rows[i].field, &parts[i], why);
	if (result == RESULT_OK && (side == SIDE_EXTERNAL || side == SIDE_REMOTE))
		result = read_more(root, host, parts, out, why);
	if (result == RESULT_OK)
		result = seal(parts, PART_COUNT + 2 * out->more_count, &out->fd, why);
	out->chain = buffer_length(&parts[PART_CHAIN]);
	out->key = buffer_length(&parts[PART_KEY]);
	out->trust = buffer_length(&parts[PART_TRUST]);
	out->crls = buffer_length(&parts[PART_CRLS]);
	for (size_t i = 0; i < PARTS_MAX; i++)
		wipe(&parts[i]);
	return result;
}

/* ---- lists of revoked certificates ---- */

static uint64_t file_seen(const char *root, struct slice name, uint64_t hash)
{
	char path[KEEPER_PATH_BYTES];
	struct stat st = { 0 };

	if (name.len == 0 || !folder_config_path(path, root, name.ptr))
		return hash;
	if (stat(path, &st) != 0)
		st.st_size = -1; /* gone: that is a change too */

	const int64_t seen[] = { st.st_size, (int64_t)st.st_ino, st.st_mtim.tv_sec, st.st_mtim.tv_nsec };

	return slice_hash((struct slice){ (const char *)seen, sizeof seen }, hash + 1);
}

uint64_t credentials_crls_seen(const char *root, const struct host *host, const struct policy_image *image,
                               enum service_id service)
{
	const struct image_edge *edge = policy_image_edge(image, slice_of(host->node));
	uint64_t hash = 0;

	for (enum edge_side side = 0; edge && side < SIDE_COUNT; side++)
		if (side_is_of(side, service))
			hash = file_seen(root, slice_of(side_files(host, image, edge, side).crls), hash);
	return hash;
}
