/*
 * What a certificate says about its holder: the names of RFC 5922 §7.1 and RFC 5280 §4.2.1.6.
 *
 * The common name is never looked at.  A name with a NUL or another control
 * byte in it makes the whole certificate worthless: it was made to deceive.
 */
#include <gnutls/x509-ext.h>
#include <stdio.h>

#include "daemon/io/tls_parts.h"
#include "shared/base/memory.h"
#include "shared/base/text.h"

enum { PEER_DN_SHOWN_BYTES = 256, PEER_HOST_MAX = 255 };

const struct tls_peer tls_peer_none = {
	.subject = "", .issuer = "", .fingerprint = "", .suite = "", .doubt = ""
};

static bool has_control_byte(struct slice name)
{
	for (size_t i = 0; i < name.len; i++)
		if ((unsigned char)name.ptr[i] < 0x20 || name.ptr[i] == 0x7f)
			return true;
	return false;
}

/* Letters, digits, '-', '_', '.', and '*' for wildcards, which match nothing but are worth showing. */
static bool is_host(struct slice name)
{
	if (name.len == 0 || name.len > PEER_HOST_MAX)
		return false;
	for (size_t i = 0; i < name.len; i++) {
		char c = ascii_lower(name.ptr[i]);

		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.' ||
		      c == '*'))
			return false;
	}
	return true;
}

static bool add_name(struct arena *arena, struct slice name, struct slice *list, size_t *count)
{
	char *copy;

	if (!is_host(name) || *count >= TLS_NAMES_MAX)
		return true;
	copy = arena_text(arena, name);
	if (!copy)
		return false;
	for (size_t i = 0; i < name.len; i++)
		copy[i] = ascii_lower(copy[i]);
	list[(*count)++] = (struct slice){ copy, name.len };
	return true;
}

struct names {
	struct slice *dns, *sip, *xmpp;
};

/* id-on-xmppAddr (RFC 6120 §13.7.1.4) and id-on-dnsSRV (RFC 4985 §2): a string of DER, of 127 bytes at most or with one byte of length. */
static struct slice other_name(struct slice der)
{
	const unsigned char *at = (const unsigned char *)der.ptr;
	size_t head = der.len > 2 && at[1] == 0x81 ? 3 : 2;

	if (der.len <= head || (at[0] != 0x0c && at[0] != 0x16) || at[head - 1] != der.len - head ||
	    (head == 2 && at[1] > 127))
		return SLICE_NONE;
	return slice_after(der, head);
}

static enum result add_other(const char *oid, struct slice der, struct arena *arena, struct tls_peer *out,
                             struct slice *xmpp, struct reason *reason)
{
	struct slice name = other_name(der), service = SLICE("_xmpp-server.");
	bool is_xmpp = strcmp(oid, "1.3.6.1.5.5.7.8.5") == 0, is_srv = strcmp(oid, "1.3.6.1.5.5.7.8.7") == 0;
	struct slice copy;

	if (is_srv && slice_starts_nocase(name, service))
		name = slice_after(name, service.len);
	else if (!is_xmpp)
		return RESULT_OK;
	/* An address of a person is nobody's domain. Letters beyond ASCII are compared above. */
	if (name.len == 0 || name.len > PEER_HOST_MAX || out->xmpp_count >= TLS_NAMES_MAX ||
	    !text_is_utf8(name) || slice_find(name, '@') < name.len || slice_find(name, '/') < name.len ||
	    has_control_byte(name))
		return RESULT_OK;
	if (!(copy = arena_copy(arena, name)).ptr)
		return fail(reason, RESULT_NO_MEMORY, "out of memory");
	xmpp[out->xmpp_count++] = copy;
	return RESULT_OK;
}

static enum result add_alternative(unsigned type, struct slice name, struct arena *arena,
                                   struct tls_peer *out, const struct names *to, struct reason *reason)
{
	bool fits = true;

	if (type != GNUTLS_SAN_DNSNAME && type != GNUTLS_SAN_URI)
		return RESULT_OK;
	if (has_control_byte(name)) {
		char shown[128];

		return fail(reason, RESULT_INVALID, "a name in the certificate holds a control byte: \"%s\"",
		            text_shown(name, shown, sizeof shown));
	}
	if (type == GNUTLS_SAN_DNSNAME)
		fits = add_name(arena, name, to->dns, &out->dns_count);
	else if (slice_starts_nocase(name, SLICE("sip:")))
		fits = add_name(arena, slice_after(name, 4), to->sip,
		                &out->sip_count); /* no host alone: no identity */
	return fits ? RESULT_OK : fail(reason, RESULT_NO_MEMORY, "out of memory");
}

static enum result read_names(gnutls_x509_crt_t certificate, struct arena *arena, struct tls_peer *out,
                              struct reason *reason)
{
	struct names to = { arena_new_array(arena, TLS_NAMES_MAX, sizeof *to.dns),
		            arena_new_array(arena, TLS_NAMES_MAX, sizeof *to.sip),
		            arena_new_array(arena, TLS_NAMES_MAX, sizeof *to.xmpp) };
	gnutls_subject_alt_names_t names = NULL;
	gnutls_datum_t extension = { 0 };
	enum result result = RESULT_OK;
	int got;

	if (!to.dns || !to.sip || !to.xmpp || gnutls_subject_alt_names_init(&names) < 0)
		return fail(reason, RESULT_NO_MEMORY, "out of memory");
	out->dns = to.dns;
	out->sip = to.sip;
	out->xmpp = to.xmpp;
	got = gnutls_x509_crt_get_extension_by_oid2(certificate, GNUTLS_X509EXT_OID_SAN, 0, &extension, NULL);
	if (got == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
		goto done;
	if (got >= 0)
		got = gnutls_x509_ext_import_subject_alt_names(&extension, names, 0);
	if (got < 0) {
		result = fail(reason, RESULT_INVALID, "the names in the certificate cannot be read: %s",
		              gnutls_strerror(got));
		goto done;
	}
	for (unsigned i = 0; result == RESULT_OK; i++) {
		gnutls_datum_t name, oid = { 0 };
		struct slice text;
		unsigned type;

		if (gnutls_subject_alt_names_get(names, i, &type, &name, &oid) < 0)
			break;
		text = (struct slice){ (const char *)name.data, name.size };
		result = type == GNUTLS_SAN_OTHERNAME && oid.data
		                 ? add_other((const char *)oid.data, text, arena, out, to.xmpp, reason)
		                 : add_alternative(type, text, arena, out, &to, reason);
	}
done:
	gnutls_free(extension.data);
	gnutls_subject_alt_names_deinit(names);
	return result;
}

static const char *shown_name(gnutls_x509_crt_t certificate, bool is_issuer, struct arena *arena)
{
	gnutls_datum_t name = { 0 };
	char shown[PEER_DN_SHOWN_BYTES];
	const char *text;
	int got = is_issuer ? gnutls_x509_crt_get_issuer_dn3(certificate, &name, 0)
	                    : gnutls_x509_crt_get_dn3(certificate, &name, 0);

	if (got < 0)
		return "";
	text = arena_text(arena, slice_of(text_shown((struct slice){ (const char *)name.data, name.size },
	                                             shown, sizeof shown)));
	gnutls_free(name.data);
	return text;
}

static const char *shown_fingerprint(gnutls_x509_crt_t certificate, struct arena *arena)
{
	unsigned char hash[32];
	size_t size = sizeof hash;
	char text[2 * sizeof hash + 1];

	if (gnutls_x509_crt_get_fingerprint(certificate, GNUTLS_DIG_SHA256, hash, &size) < 0)
		return "";
	for (size_t i = 0; i < size; i++)
		snprintf(text + 2 * i, 3, "%02x", hash[i]);
	return arena_text(arena, slice_of(text));
}

enum result tls_peer_read(gnutls_x509_crt_t certificate, struct arena *arena, struct tls_peer *out,
                          struct reason *reason)
{
	struct tls_peer peer = tls_peer_none;
	enum result result = read_names(certificate, arena, &peer, reason);

	if (result != RESULT_OK)
		return result;
	peer.has_certificate = peer.is_trusted = true;
	peer.subject = shown_name(certificate, false, arena);
	peer.issuer = shown_name(certificate, true, arena);
	peer.fingerprint = shown_fingerprint(certificate, arena);
	peer.not_after_s = gnutls_x509_crt_get_expiration_time(certificate);
	if (!peer.subject || !peer.issuer || !peer.fingerprint)
		return fail(reason, RESULT_NO_MEMORY, "out of memory");
	*out = peer;
	return RESULT_OK;
}

/* ---- one allocation for a connection's life ---- */

static size_t names_size(const struct slice *names, size_t count)
{
	size_t size = count * sizeof *names;

	for (size_t i = 0; i < count; i++)
		size += names[i].len + 1;
	return size;
}

static const char *place_text(char **at, const char *text, size_t length)
{
	char *placed = *at;

	memcpy(placed, text, length);
	placed[length] = '\0';
	*at += length + 1;
	return placed;
}

static void place_names(struct slice *to, char **at, const struct slice *names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		to[i] = (struct slice){ place_text(at, names[i].ptr, names[i].len), names[i].len };
}

struct tls_peer *tls_peer_copy(const struct tls_peer *peer)
{
	size_t size = sizeof *peer + names_size(peer->dns, peer->dns_count) +
	              names_size(peer->sip, peer->sip_count) + names_size(peer->xmpp, peer->xmpp_count) +
	              strlen(peer->subject) + strlen(peer->issuer) + strlen(peer->fingerprint) +
	              strlen(peer->suite) + strlen(peer->doubt) + 5;
	struct tls_peer *copy = mem_new(size);
	struct slice *dns, *sip, *xmpp;
	char *at;

	if (!copy)
		return NULL;
	dns = (struct slice *)(void *)(copy + 1);
	sip = dns + peer->dns_count;
	xmpp = sip + peer->sip_count;
	at = (char *)(xmpp + peer->xmpp_count);
	*copy = *peer;
	place_names(dns, &at, peer->dns, peer->dns_count);
	place_names(sip, &at, peer->sip, peer->sip_count);
	place_names(xmpp, &at, peer->xmpp, peer->xmpp_count);
	copy->dns = dns;
	copy->sip = sip;
	copy->xmpp = xmpp;
	copy->subject = place_text(&at, peer->subject, strlen(peer->subject));
	copy->issuer = place_text(&at, peer->issuer, strlen(peer->issuer));
	copy->fingerprint = place_text(&at, peer->fingerprint, strlen(peer->fingerprint));
	copy->suite = place_text(&at, peer->suite, strlen(peer->suite));
	copy->doubt = place_text(&at, peer->doubt, strlen(peer->doubt));
	return copy;
}

/* ---- for displays ---- */

enum result tls_certificate_read(struct slice pem, struct arena *arena, struct tls_peer *out,
                                 struct reason *reason)
{
	gnutls_datum_t bytes = { (unsigned char *)(uintptr_t)pem.ptr, (unsigned)pem.len };
	gnutls_x509_crt_t certificate;
	enum result result;
	int got;

	if (pem.len == 0 || pem.len > TLS_PEM_BYTES_MAX)
		return fail(reason, RESULT_INVALID, "no certificate of 1 to %d bytes", TLS_PEM_BYTES_MAX);
	if (gnutls_x509_crt_init(&certificate) < 0)
		return fail(reason, RESULT_NO_MEMORY, "out of memory");
	got = gnutls_x509_crt_import(certificate, &bytes, GNUTLS_X509_FMT_PEM);
	if (got < 0)
		result = fail(reason, RESULT_INVALID, "no PEM certificate: %s", gnutls_strerror(got));
	else
		result = tls_peer_read(certificate, arena, out, reason);
	gnutls_x509_crt_deinit(certificate);
	return result;
}
