/*
 * address: SIP URI <-> JID, RFC 7247 §6, with its three holes closed.
 *
 * The RFC escapes three characters towards XMPP although ten are forbidden
 * there, and undoes three towards SIP although its §6.2 says all.  Both ways the
 * whole set of XEP-0106 is used, so that each direction is the other's inverse
 * and no two addresses become one; and everything that does not belong into a
 * URI parameter is escaped, not only what is not ASCII.
 */
#include "daemon/translate/parts.h"

/* ---- XEP-0106 ---- */

static const struct {
	char c;
	char hex[3];
} escapes[] = {
	{ ' ', "20" }, { '"', "22" }, { '&', "26" }, { '\'', "27" }, { '/', "2f" },
	{ ':', "3a" }, { '<', "3c" }, { '>', "3e" }, { '@', "40" },  { '\\', "5c" },
};
enum { ESCAPES = sizeof escapes / sizeof *escapes };

/* Does "\xx" stand at `at`, and for which character?  -1: no. */
static int escape_at(struct slice text, size_t at)
{
	if (text.len - at < 3 || text.ptr[at] != '\\')
		return -1;
	for (size_t i = 0; i < ESCAPES; i++)
		if (memcmp(text.ptr + at + 1, escapes[i].hex, 2) == 0)
			return escapes[i].c;
	return -1;
}

static void add_jid_escaped(struct buffer *out, struct slice text)
{
	for (size_t i = 0; i < text.len; i++) {
		const char *hex = NULL;

		for (size_t k = 0; k < ESCAPES; k++)
			if (escapes[k].c == text.ptr[i])
				hex = escapes[k].hex;
		/* A backslash only where it would be taken for the start of an escape (XEP-0106 §4.2). */
		if (hex && (text.ptr[i] != '\\' || escape_at(text, i) >= 0))
			buffer_printf(out, "\\%s", hex);
		else
			buffer_add_char(out, text.ptr[i]);
	}
}

/*
 * The characters behind the escapes.  False for a form that is not canonical:
 * "\5c" that escapes nothing would come back as a bare backslash, so two JIDs
 * would share one URI; a blank at an end is no localpart at all.
 */
static bool unescape_jid(struct slice local, struct buffer *out)
{
	for (size_t i = 0; i < local.len; i++) {
		int c = escape_at(local, i);

		if (c < 0) {
			buffer_add_char(out, local.ptr[i]);
			continue;
		}
		if (c == ' ' && (i == 0 || i + 3 == local.len))
			return false;
		if (c == '\\') {
			const char rest[3] = { '\\', i + 4 < local.len ? local.ptr[i + 3] : '\0',
				               i + 4 < local.len ? local.ptr[i + 4] : '\0' };

			if (escape_at((struct slice){ rest, sizeof rest }, 0) < 0)
				return false;
		}
		buffer_add_char(out, (char)c);
		i += 2;
	}
	return true;
}

/* ---- percent ---- */

/* Decodes once.  False: a "%" that escapes nothing, or a control character behind one. */
static bool percent_decode(struct slice text, struct buffer *out)
{
	for (size_t i = 0; i < text.len; i++) {
		uint8_t c = (uint8_t)text.ptr[i];

		if (c == '%') {
			int high = i + 2 < text.len ? translate_hex(text.ptr[i + 1]) : -1;
			int low = i + 2 < text.len ? translate_hex(text.ptr[i + 2]) : -1;

			if (high < 0 || low < 0)
				return false;
			c = (uint8_t)(high << 4 | low);
			i += 2;
		}
		if (c < 0x20 || c == 0x7F)
			return false;
		buffer_add_char(out, (char)c);
	}
	return true;
}

/* Writes the bytes; those that are neither letters, digits nor among `plain` as %XX. */
static void percent_encode(struct buffer *out, struct slice text, const char *plain)
{
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i], lower = ascii_lower(c);

		if ((lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') ||
		    (c != '\0' && strchr(plain, c)))
			buffer_add_char(out, c);
		else
			translate_add_escaped(out, (uint8_t)c);
	}
}

#define PLAIN_IN_USER  "-_.!~*'()&=+$,;?/" /* RFC 3261 §25.1: unreserved, user-unreserved */
#define PLAIN_IN_PARAM "-_.!~*'()[]/:&+$"  /* unreserved, param-unreserved */
#define PLAIN_IN_PRES  "-_.!~*'+$="        /* what RFC 3859 and every reader of URIs agree on */
#define PLAIN_IN_XMPP  "-_.!~*()+,;=$"     /* RFC 5122 §2.2: unreserved, nodeallow */

/* ---- SIP to XMPP: §6.4 ---- */

static enum translate_answer bad_address(struct translate_refusal *refusal, const char *why)
{
	return translate_refuse(refusal, 400, XMPP_JID_MALFORMED, why);
}

/* The localpart of a user part, escaped for XMPP; empty for an empty one.  False: refused or no memory. */
static bool local_of_user(struct slice user, struct arena *arena, struct slice *local)
{
	struct buffer plain, escaped;
	bool is_fine;

	buffer_start(&plain, XMPP_JID_PART_MAX);
	buffer_start(&escaped, 3 * XMPP_JID_PART_MAX);
	is_fine = percent_decode(user, &plain) && !plain.is_broken &&
	          xmpp_text_is_writable(buffer_slice(&plain));
	if (is_fine)
		add_jid_escaped(&escaped, buffer_slice(&plain));
	buffer_stop(&plain);
	*local = translate_taken(&escaped, arena);
	return is_fine && local->ptr && !slice_starts(*local, SLICE("\\20")) &&
	       !slice_ends_nocase(*local, SLICE("\\20"));
}

/* The resource in `gr`: only a value names a device for good; without one it is a GRUU for one call (RFC 5627 §3). */
static bool resource_of_params(struct slice params, struct arena *arena, struct slice *resource)
{
	struct slice value;
	struct buffer decoded;
	bool is_fine;

	*resource = SLICE("");
	if (!sip_param(params, SLICE("gr"), &value) || value.len == 0)
		return true;
	buffer_start(&decoded, XMPP_JID_PART_MAX);
	is_fine = percent_decode(value, &decoded) && !decoded.is_broken &&
	          xmpp_text_is_writable(buffer_slice(&decoded));
	*resource = translate_taken(&decoded, arena);
	return is_fine && resource->ptr;
}

enum translate_answer translate_address_to_jid(const struct sip_uri *uri, struct arena *arena,
                                               struct xmpp_jid *out, struct translate_refusal *refusal)
{
	struct slice local, resource;
	struct reason reason;

	if (uri->scheme != SIP_URI_SIP && uri->scheme != SIP_URI_SIPS)
		return translate_refuse(refusal, 416, XMPP_JID_MALFORMED,
		                        "only sip and sips addresses reach XMPP");
	if (uri->is_ipv4 || uri->is_ipv6)
		return bad_address(refusal, "an XMPP address needs a domain name, not an IP address");
	if (!local_of_user(uri->user, arena, &local))
		return bad_address(refusal, "a user part that no XMPP address can hold");
	if (!resource_of_params(uri->params, arena, &resource))
		return bad_address(refusal, "a gr parameter that no XMPP address can hold");
	switch (xmpp_jid_make(local, uri->host, resource, arena, out, &reason)) {
	case RESULT_OK: return TRANSLATE_OK;
	case RESULT_NO_MEMORY: return TRANSLATE_NO_MEMORY;
	default: return bad_address(refusal, "an address that XMPP does not allow");
	}
}

/* ---- XMPP to SIP: §6.5 ---- */

enum translate_answer translate_jid_read(struct slice text, struct arena *arena, struct xmpp_jid *out,
                                         struct translate_refusal *refusal)
{
	struct reason reason;
	size_t slash = slice_find(text, '/'), at = slice_find(slice_first(text, slash), '@');

	if ((at < slash && at > XMPP_JID_PART_MAX) ||
	    (slash < text.len && text.len - slash - 1 > XMPP_JID_PART_MAX))
		return translate_refuse(refusal, 414, XMPP_POLICY_VIOLATION,
		                        "a part of the address is too long");
	switch (xmpp_jid_parse(text, arena, out, &reason)) {
	case RESULT_OK: return TRANSLATE_OK;
	case RESULT_NO_MEMORY: return TRANSLATE_NO_MEMORY;
	default: return bad_address(refusal, "an address that XMPP does not allow");
	}
}

enum translate_answer translate_address_to_uri(const struct xmpp_jid *jid, struct arena *arena,
                                               struct slice *out, struct translate_refusal *refusal)
{
	struct buffer plain, uri;
	bool is_canonical, is_short;

	buffer_start(&plain, XMPP_JID_PART_MAX);
	buffer_start(&uri, SIP_URI_MAX);
	is_canonical = unescape_jid(jid->local, &plain);
	is_short = plain.is_broken; /* of memory: a part is shorter than its escaped form */
	buffer_add(&uri, SLICE("sip:"));
	percent_encode(&uri, buffer_slice(&plain), PLAIN_IN_USER);
	buffer_stop(&plain);
	if (jid->local.len)
		buffer_add_char(&uri, '@');
	buffer_add(&uri, jid->domain);
	if (jid->resource.len) {
		buffer_add(&uri, SLICE(";gr="));
		percent_encode(&uri, jid->resource, PLAIN_IN_PARAM);
	}

	bool is_broken = uri.is_broken;

	*out = translate_taken(&uri, arena);
	/* Half a name is somebody else's. */
	if (is_short)
		return TRANSLATE_NO_MEMORY;
	if (!is_canonical)
		return bad_address(refusal,
		                   "an escaped backslash that escapes nothing, or a blank at an end");
	if (is_broken)
		return translate_refuse(refusal, 414, XMPP_POLICY_VIOLATION,
		                        "the address is too long for SIP");
	return out->ptr ? TRANSLATE_OK : TRANSLATE_NO_MEMORY;
}

struct slice translate_address_to_entity(const struct xmpp_jid *jid, struct arena *arena)
{
	struct buffer plain, uri;

	buffer_start(&plain, XMPP_JID_PART_MAX);
	buffer_start(&uri, 3 * XMPP_JID_PART_MAX + 512);
	(void)unescape_jid(jid->local, &plain);
	uri.is_broken = plain.is_broken;
	buffer_add(&uri, SLICE("pres:"));
	percent_encode(&uri, buffer_slice(&plain), PLAIN_IN_PRES);
	buffer_stop(&plain);
	if (jid->local.len)
		buffer_add_char(&uri, '@');
	buffer_add(&uri, jid->domain);
	return translate_taken(&uri, arena);
}

/* ---- xmpp: URIs in <gone/> and <redirect/> (RFC 5122) ---- */

struct slice translate_xmpp_uri(const struct xmpp_jid *jid, struct arena *arena)
{
	struct buffer uri;

	buffer_start(&uri, 3 * XMPP_JID_MAX);
	buffer_add(&uri, SLICE("xmpp:"));
	percent_encode(&uri, jid->local, PLAIN_IN_XMPP);
	if (jid->local.len)
		buffer_add_char(&uri, '@');
	buffer_add(&uri, jid->domain);
	if (jid->resource.len) {
		buffer_add_char(&uri, '/');
		percent_encode(&uri, jid->resource, PLAIN_IN_XMPP);
	}
	return translate_taken(&uri, arena);
}

bool translate_xmpp_uri_read(struct slice uri, struct arena *arena, struct xmpp_jid *out)
{
	struct translate_refusal refusal;
	struct buffer text;
	bool is_fine;

	if (!slice_starts_nocase(uri, SLICE("xmpp:")))
		return false;
	uri = slice_after(uri, 5);
	uri.len = slice_find(uri, '?');
	uri.len = slice_find(uri, '#');
	buffer_start(&text, XMPP_JID_MAX);
	is_fine = percent_decode(uri, &text) && !text.is_broken &&
	          translate_jid_read(buffer_slice(&text), arena, out, &refusal) == TRANSLATE_OK;
	buffer_stop(&text);
	return is_fine;
}
