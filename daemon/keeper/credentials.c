/*
 * Certificates and keys: what the configuration assigns, what is missing, and
 * the bytes for a service as one sealed memfd.  The key leaves this process
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

bool credentials_uses_internal_tls(const struct image_edge *edge)
{
	const struct model_field *row = &model_kind(MODEL_EDGE)
	                                         ->fields[MODEL_FIELD(edge, internal_transport)];

	return !slice_equal(model_choice(row, edge->internal_transport), SLICE("tcp"));
}

enum result credentials_assigned(const struct host *host, const struct policy_image *image,
                                 const char **short_why, struct reason *why)
{
	const struct image_edge *edge = policy_image_edge(image, slice_of(host->node));

	*short_why = "no certificate"; /* nothing assigned yet, of whatever leads to it */
	if (!edge && policy_image_count(image, MODEL_EDGE) == 0)
		return fail(
		        why, RESULT_NOT_FOUND,
		        "topology.xml has no edge; it needs one with its addresses, names and certificate");
	if (!edge && !host->node[0])
		return fail(why, RESULT_NOT_FOUND,
		            "topology.xml has several edges and host.xml, field node, does not say which is "
		            "this one");
	if (!edge)
		return fail(why, RESULT_NOT_FOUND,
		            "topology.xml has no edge \"%s\", which host.xml, field node, names", host->node);

	struct slice name = policy_image_text(image, edge->fqdn);

	if (edge->external_certificate.length == 0)
		return fail(why, RESULT_NOT_FOUND,
		            "topology.xml, edge %.*s: field external-certificate is empty", SLICE_ARG(name));
	if (!host->external_key[0])
		return fail(why, RESULT_NOT_FOUND, "host.xml: field external-key is empty");
	if (credentials_uses_internal_tls(edge) && edge->internal_certificate.length == 0)
		return fail(why, RESULT_NOT_FOUND,
		            "topology.xml, edge %.*s: field internal-certificate is empty and "
		            "internal-transport is tls",
		            SLICE_ARG(name));
	if (credentials_uses_internal_tls(edge) && !host->internal_key[0])
		return fail(why, RESULT_NOT_FOUND,
		            "host.xml: field internal-key is empty and internal-transport is tls");
	*short_why = "no own SIP domain";
	if (image_topology_at(image, 0)->sip_domains.count == 0)
		return fail(why, RESULT_NOT_FOUND,
		            "topology.xml: field sip-domains is empty; it names our own SIP domains");
	*short_why = "";
	return RESULT_OK;
}

uint64_t credentials_names(const struct host *host, const struct policy_image *image)
{
	const struct image_edge *edge = policy_image_edge(image, slice_of(host->node));
	uint64_t hash = slice_hash(slice_of(host->external_key), 1);

	hash = slice_hash(slice_of(host->internal_key), hash);
	if (!edge)
		return hash;
	hash = slice_hash(policy_image_text(image, edge->external_certificate), hash);
	hash = slice_hash(policy_image_text(image, edge->external_trust), hash);
	hash = slice_hash(policy_image_text(image, edge->internal_certificate), hash);
	hash = slice_hash(policy_image_text(image, edge->internal_trust), hash);
	return hash + edge->internal_transport;
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
                             bool is_internal, struct credentials *out, struct reason *why)
{
	const struct image_edge *edge = policy_image_edge(image, slice_of(host->node));
	struct buffer parts[PART_COUNT] = { { 0 }, { 0 }, { 0 } };
	enum result result;

	*out = (struct credentials){ .fd = -1, .is_internal = is_internal };
	if (!edge)
		return fail(why, RESULT_NOT_FOUND, "topology.xml has no edge for this node");

	const struct {
		const char *name, *field;
		bool is_secret;
	} rows[PART_COUNT] = {
		{ policy_image_text(image,
		                    is_internal ? edge->internal_certificate : edge->external_certificate)
		          .ptr,
		  is_internal ? "internal-certificate" : "external-certificate", false },
		{ is_internal ? host->internal_key : host->external_key,
		  is_internal ? "internal-key" : "external-key", true },
		{ policy_image_text(image, is_internal ? edge->internal_trust : edge->external_trust).ptr,
		  is_internal ? "internal-trust" : "external-trust", false },
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
