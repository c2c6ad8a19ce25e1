/* Our certificates and keys, the authorities and their lists of revoked certificates, a side at a time. */
#include "daemon/link/credentials.h"

#include <unistd.h>

#include "daemon/access/parts.h"

static enum sip_side side_named(struct slice name)
{
	return slice_equal(name, SLICE("internal")) ? SIP_SIDE_INTERNAL
	       : slice_equal(name, SLICE("remote")) ? SIP_SIDE_REMOTE
	                                            : SIP_SIDE_EXTERNAL;
}

enum sip_side access_side_named(const struct json *name) { return side_named(json_as_slice(name)); }

static void report_not_applied(void *access, const char *why)
{
	struct access *a = access;
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

void credentials_take(struct access *a, struct link_frame *frame)
{
	static const enum tls_boundary boundaries[SIP_SIDES] = { [SIP_SIDE_EXTERNAL] = TLS_FEDERATION,
		                                                 [SIP_SIDE_INTERNAL] = TLS_INTERNAL,
		                                                 [SIP_SIDE_REMOTE] = TLS_REMOTE };
	struct tls_credentials *fresh = NULL;
	struct link_credentials read;
	struct reason reason = { "" };
	enum sip_side side;

	if (link_credentials_read(frame->payload, &read, &reason) != RESULT_OK) {
		report_not_applied(a, reason.text);
		close(frame->fd);
		return;
	}
	side = side_named(slice_of(read.use));
	if (link_credentials_open(frame->fd, &read, boundaries[side], report_not_applied, a, &fresh,
	                          &reason) == RESULT_OK) {
		tls_credentials_free(&a->credentials[side]);
		a->credentials[side] = fresh;
		if (a->settings)
			set_memory(a, side);
		recheck_side(a, side);
	} else {
		report_not_applied(a, reason.text);
	}
	link_credentials_drop(&read);
	close(frame->fd);
}
