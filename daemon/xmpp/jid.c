/*
 * Addresses: RFC 7622 §3.1.  The first slash ends what is before the resource,
 * the first at sign in that ends the localpart; then each part is prepared.
 */
#include "daemon/names/names.h"
#include "daemon/xmpp/xmpp.h"

static enum result keep(struct arena *arena, struct slice text, struct slice *out)
{
	*out = text.len ? arena_copy(arena, text) : SLICE_NONE;
	return text.len && !out->ptr ? RESULT_NO_MEMORY : RESULT_OK;
}

enum result xmpp_jid_make(struct slice local, struct slice domain, struct slice resource, struct arena *arena,
                          struct xmpp_jid *out, struct reason *reason)
{
	char prepared_local[NAMES_LOCALPART_BYTES], prepared_domain[NAMES_DOMAIN_BYTES];
	enum result result = RESULT_OK;

	*out = (struct xmpp_jid){ 0 };
	prepared_local[0] = '\0';
	if (local.len)
		result = names_localpart_prepare(local, prepared_local, reason);
	if (result == RESULT_OK)
		result = names_domain_prepare(domain, prepared_domain, reason);
	if (result == RESULT_OK && resource.len)
		result = names_resource_check(resource, reason);
	if (result != RESULT_OK)
		return result;
	if ((result = keep(arena, slice_of(prepared_local), &out->local)) != RESULT_OK ||
	    (result = keep(arena, slice_of(prepared_domain), &out->domain)) != RESULT_OK ||
	    (result = keep(arena, resource, &out->resource)) != RESULT_OK)
		*out = (struct xmpp_jid){ 0 };
	return result;
}

enum result xmpp_jid_parse(struct slice text, struct arena *arena, struct xmpp_jid *out,
                           struct reason *reason)
{
	size_t slash = slice_find(text, '/');
	struct slice bare = slice_first(text, slash);
	size_t at = slice_find(bare, '@');
	struct slice local = SLICE_NONE, resource = SLICE_NONE;

	*out = (struct xmpp_jid){ 0 };
	if (text.len > XMPP_JID_MAX)
		return fail(reason, RESULT_INVALID, "the address is longer than %d bytes", XMPP_JID_MAX);
	if (slash < text.len) {
		resource = slice_after(text, slash + 1);
		if (resource.len == 0)
			return fail(reason, RESULT_INVALID, "nothing stands behind the slash of the address");
	}
	if (at < bare.len) {
		local = slice_first(bare, at);
		bare = slice_after(bare, at + 1);
		if (local.len == 0)
			return fail(reason, RESULT_INVALID, "nothing stands before the @ of the address");
	}
	return xmpp_jid_make(local, bare, resource, arena, out, reason);
}

bool xmpp_jid_equal_bare(const struct xmpp_jid *a, const struct xmpp_jid *b)
{
	return slice_equal(a->domain, b->domain) && slice_equal(a->local, b->local);
}

bool xmpp_jid_equal(const struct xmpp_jid *a, const struct xmpp_jid *b)
{
	return xmpp_jid_equal_bare(a, b) && slice_equal(a->resource, b->resource);
}

void xmpp_jid_write(const struct xmpp_jid *jid, struct buffer *out)
{
	if (jid->local.len) {
		buffer_add(out, jid->local);
		buffer_add_char(out, '@');
	}
	names_domain_unicode(jid->domain, out);
	if (jid->resource.len) {
		buffer_add_char(out, '/');
		buffer_add(out, jid->resource);
	}
}

struct slice xmpp_jid_text(const struct xmpp_jid *jid, struct arena *arena)
{
	struct buffer text;
	struct slice copy = SLICE_NONE;

	buffer_start(&text, XMPP_JID_MAX + 3 * NAMES_DOMAIN_BYTES); /* U-labels may be longer than A-labels */
	xmpp_jid_write(jid, &text);
	if (!text.is_broken)
		copy = arena_copy(arena, buffer_slice(&text));
	buffer_stop(&text);
	return copy;
}

struct slice xmpp_domain_text(struct slice domain, struct arena *arena)
{
	return xmpp_jid_text(&(struct xmpp_jid){ .domain = domain }, arena);
}
