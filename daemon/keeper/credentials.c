/*
 * Certificates and keys: what the configuration assigns, and the bytes for a service as one sealed memfd.  The key leaves this process
 * only there; our own copy is wiped.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
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
	}
	return hash;
}

/* ---- reading ---- */

enum part { PART_CHAIN, PART_KEY, PART_TRUST, PART_COUNT };

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

static enum result seal(const struct buffer parts[PART_COUNT], int *out, struct reason *why)
{
	int fd = memfd_create("parley-credentials", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0)
		return fail_errno(why, RESULT_IO, "memfd");
	for (size_t i = 0; i < PART_COUNT; i++) {
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

enum result credentials_read(const char *root, const struct host *host, const struct policy_image *image,
                             enum edge_side side, struct credentials *out, struct reason *why)
{
	const struct image_edge *edge = policy_image_edge(image, slice_of(host->node));
	struct buffer parts[PART_COUNT] = { { 0 }, { 0 }, { 0 } };
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
	};

	result = RESULT_OK;
	for (size_t i = 0; i < PART_COUNT && result == RESULT_OK; i++)
		result = read_part(root, rows[i].name, rows[i].is_secret, rows[i].field, &parts[i], why);
	if (result == RESULT_OK)
		result = seal(parts, &out->fd, why);
	out->chain = buffer_length(&parts[PART_CHAIN]);
	out->key = buffer_length(&parts[PART_KEY]);
	out->trust = buffer_length(&parts[PART_TRUST]);
	for (size_t i = 0; i < PART_COUNT; i++)
		wipe(&parts[i]);
	return result;
}
