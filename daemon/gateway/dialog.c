/* dialog: RFC 3261 §12, without the strict routers of RFC 2543: the next hop is always our own Access Edge. */
#include "daemon/gateway/dialog.h"

#include "shared/base/memory.h"

/* ---- the block ---- */

static struct slice laid(char **at, struct slice text)
{
	struct slice copy = { *at, text.len };

	if (text.len)
		memcpy(*at, text.ptr, text.len);
	*at += text.len;
	return copy;
}

/* The tag of a header value, as a slice of it. */
static struct slice tag_of(struct slice value)
{
	struct sip_address address;

	return sip_address_parse(value, &address, NULL) == SIP_PARSE_OK && address.tag.ptr ? address.tag
	                                                                                   : SLICE_NONE;
}

bool dialog_keep(struct dialog *d, const struct dialog *parts)
{
	size_t length = parts->call_id.len + parts->local.len + parts->remote.len + parts->target.len +
	                parts->routes.len;
	char *block = mem_new(length + 1), *at = block;

	if (!block)
		return false;

	struct dialog fresh = { .call_id = laid(&at, parts->call_id),
		                .local = laid(&at, parts->local),
		                .remote = laid(&at, parts->remote),
		                .target = laid(&at, parts->target),
		                .routes = laid(&at, parts->routes),
		                .local_cseq = parts->local_cseq,
		                .remote_cseq = parts->remote_cseq,
		                .block = block };

	fresh.local_tag = tag_of(fresh.local);
	fresh.remote_tag = tag_of(fresh.remote);
	mem_free(d->block);
	*d = fresh;
	return true;
}

void dialog_drop(struct dialog *d)
{
	mem_free(d->block);
	*d = (struct dialog){ 0 };
}

/* ---- from messages ---- */

/* The URI of the first Contact; empty: there is none. */
static struct slice contact_of(const struct sip_message *m)
{
	struct sip_walk walk = { 0 };
	struct sip_address contact;
	struct slice value;

	if (!sip_message_walk(m, SIP_CONTACT, &walk, &value) ||
	    sip_address_parse(value, &contact, NULL) != SIP_PARSE_OK)
		return SLICE("");
	return contact.uri.all;
}

/* Record-Route values as Route lines; `is_turned`: of a response to us, whose last one is our next hop (§12.1.2). */
static bool routes_of(const struct sip_message *m, bool is_turned, struct arena *arena, struct slice *routes)
{
	struct slice values[SIP_HOPS_MAX], value;
	struct sip_walk walk = { 0 };
	struct buffer lines;
	size_t count = 0;

	while (count < SIP_HOPS_MAX && sip_message_walk(m, SIP_RECORD_ROUTE, &walk, &value))
		values[count++] = value;
	buffer_start(&lines, SIP_HEADER_MAX);
	for (size_t i = 0; i < count; i++) {
		value = values[is_turned ? count - 1 - i : i];
		buffer_printf(&lines, "Route: %.*s\r\n", SLICE_ARG(value));
	}

	bool is_broken = lines.is_broken;

	*routes = arena_copy(arena, buffer_slice(&lines));
	buffer_stop(&lines);
	return !is_broken && routes->ptr;
}

bool dialog_from_request(struct dialog *d, const struct sip_message *request, struct slice local_tag,
                         struct arena *arena)
{
	struct dialog parts = { .call_id = request->call_id,
		                .remote = request->from.all,
		                .target = contact_of(request),
		                .remote_cseq = request->cseq.number,
		                .local_cseq = 1 };
	char *local = arena_printf(arena, "%.*s;tag=%.*s", SLICE_ARG(request->to.all), SLICE_ARG(local_tag));

	parts.local = slice_of(local);
	return local && parts.target.len && routes_of(request, false, arena, &parts.routes) &&
	       dialog_keep(d, &parts);
}

bool dialog_from_response(struct dialog *d, const struct sip_message *response, struct arena *arena)
{
	struct dialog parts = { .call_id = response->call_id,
		                .local = response->from.all,
		                .remote = response->to.all,
		                .target = contact_of(response),
		                .local_cseq = response->cseq.number };

	if (parts.target.len == 0)
		parts.target = response->to.uri.all;
	return routes_of(response, true, arena, &parts.routes) && dialog_keep(d, &parts);
}

bool dialog_confirm(struct dialog *d, const struct sip_message *m, struct arena *arena)
{
	struct dialog parts = *d;

	parts.target = contact_of(m);
	if (parts.target.len == 0)
		return false;
	if (d->remote_tag.len == 0) {
		parts.remote = m->is_request ? m->from.all : m->to.all;
		if (!routes_of(m, !m->is_request, arena, &parts.routes))
			return false;
	}
	return dialog_keep(d, &parts);
}

enum dialog_fit dialog_accept(struct dialog *d, const struct sip_message *request)
{
	if (!slice_equal(d->call_id, request->call_id) ||
	    (d->remote_tag.len && !slice_equal(d->remote_tag, request->from.tag)))
		return DIALOG_OTHER;
	if (d->remote_cseq && request->cseq.number <= d->remote_cseq)
		return DIALOG_OLD;
	d->remote_cseq = request->cseq.number;
	return DIALOG_FITS;
}
