/*
 * Addresses as text and as binary.  Everything compares the binary form, after
 * v4-mapped addresses (RFC 4291 §2.5.5.2) have become v4: one host, one form.
 */
#include "daemon/io/address.h"

#include <arpa/inet.h>
#include <stdio.h>

#include "shared/base/text.h"

/* ---- binary form ---- */

static const uint8_t *host_bytes(const struct address *address, size_t *count)
{
	if (address->any.sa_family == AF_INET) {
		*count = 4;
		return (const uint8_t *)&address->v4.sin_addr;
	}
	if (address->any.sa_family == AF_INET6) {
		*count = 16;
		return address->v6.sin6_addr.s6_addr;
	}
	*count = 0;
	return NULL;
}

static struct address from_v4(const uint8_t bytes[4], uint16_t port)
{
	struct address address = { .length = sizeof address.v4 };

	address.v4.sin_family = AF_INET;
	address.v4.sin_port = htons(port);
	memcpy(&address.v4.sin_addr, bytes, 4);
	return address;
}

struct address address_unmapped(const struct address *address)
{
	if (address->any.sa_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&address->v6.sin6_addr))
		return from_v4(address->v6.sin6_addr.s6_addr + 12, ntohs(address->v6.sin6_port));
	return *address;
}

struct address address_with_port(const struct address *address, uint16_t port)
{
	struct address with = *address;

	if (with.any.sa_family == AF_INET)
		with.v4.sin_port = htons(port);
	else if (with.any.sa_family == AF_INET6)
		with.v6.sin6_port = htons(port);
	return with;
}

uint16_t address_port(const struct address *address)
{
	if (address->any.sa_family == AF_INET)
		return ntohs(address->v4.sin_port);
	if (address->any.sa_family == AF_INET6)
		return ntohs(address->v6.sin6_port);
	return 0;
}

bool address_same_host(const struct address *a, const struct address *b)
{
	struct address one = address_unmapped(a), two = address_unmapped(b);
	size_t one_count, two_count;
	const uint8_t *one_bytes = host_bytes(&one, &one_count), *two_bytes = host_bytes(&two, &two_count);

	if (one_count == 0 || one_count != two_count || memcmp(one_bytes, two_bytes, one_count) != 0)
		return false;
	return one_count == 4 || one.v6.sin6_scope_id == two.v6.sin6_scope_id;
}

bool address_equal(const struct address *a, const struct address *b)
{
	return address_same_host(a, b) && address_port(a) == address_port(b);
}

/* ---- text ---- */

/* An IP address without port, brackets or zone. */
static bool read_host(struct slice text, struct address *out)
{
	char host[INET6_ADDRSTRLEN];
	struct address address = { 0 };

	if (slice_is_empty(text) || !slice_to_text(text, host, sizeof host))
		return false;
	if (inet_pton(AF_INET, host, &address.v4.sin_addr) == 1) {
		address.v4.sin_family = AF_INET;
		address.length = sizeof address.v4;
	} else if (inet_pton(AF_INET6, host, &address.v6.sin6_addr) == 1) {
		address.v6.sin6_family = AF_INET6;
		address.length = sizeof address.v6;
	} else {
		return false;
	}
	*out = address_unmapped(&address);
	return true;
}

static enum result bad_address(struct slice text, struct reason *reason)
{
	char shown[96];

	return fail(
	        reason, RESULT_INVALID,
	        "\"%s\" is no IP address: write 192.0.2.1, 192.0.2.1:5061, 2001:db8::1 or [2001:db8::1]:5061",
	        text_shown(text, shown, sizeof shown));
}

enum result address_read(struct slice text, uint16_t default_port, struct address *out, struct reason *reason)
{
	struct slice host = text, port_text = SLICE_NONE;
	size_t colon = slice_find(text, ':');
	struct address address;
	uint64_t port = default_port;
	bool has_port = false;

	if (text.len && text.ptr[0] == '[') {
		size_t end = slice_find(text, ']');

		if (end == text.len)
			return bad_address(text, reason);
		host = slice_after(slice_first(text, end), 1);
		port_text = slice_after(text, end + 1);
		if (slice_find(host, ':') == host.len || (port_text.len && port_text.ptr[0] != ':'))
			return bad_address(text, reason);
		has_port = port_text.len > 0;
		port_text = slice_after(port_text, has_port);
	} else if (colon < text.len &&
	           slice_find(slice_after(text, colon + 1), ':') == text.len - colon - 1) {
		/* Exactly one colon: v4 with a port. */
		host = slice_first(text, colon);
		port_text = slice_after(text, colon + 1);
		has_port = true;
	}
	if (!read_host(host, &address))
		return bad_address(text, reason);
	if (has_port && (port_text.len > 5 || !slice_to_number(port_text, UINT16_MAX, &port) || port == 0)) {
		char shown[96];

		return fail(reason, RESULT_INVALID, "the port of \"%s\" is no number from 1 to 65535",
		            text_shown(text, shown, sizeof shown));
	}
	*out = address_with_port(&address, (uint16_t)port);
	return RESULT_OK;
}

const char *address_host_text(const struct address *address, char to[ADDRESS_TEXT_BYTES])
{
	struct address plain = address_unmapped(address);
	size_t count;
	const uint8_t *bytes = host_bytes(&plain, &count);

	if (count == 0 || !inet_ntop(plain.any.sa_family, bytes, to, ADDRESS_TEXT_BYTES))
		snprintf(to, ADDRESS_TEXT_BYTES, "unknown");
	return to;
}

const char *address_text(const struct address *address, char to[ADDRESS_TEXT_BYTES])
{
	char host[ADDRESS_TEXT_BYTES];
	bool needs_brackets;

	address_host_text(address, host);
	needs_brackets = slice_find(slice_of(host), ':') < strlen(host);
	snprintf(to, ADDRESS_TEXT_BYTES, needs_brackets ? "[%.46s]:%u" : "%.46s:%u", host,
	         (unsigned)address_port(address));
	return to;
}

/* ---- prefixes ---- */

static bool bits_equal(const uint8_t *a, const uint8_t *b, unsigned bits)
{
	unsigned whole = bits / 8, rest = bits % 8;

	if (memcmp(a, b, whole) != 0)
		return false;
	return rest == 0 || ((a[whole] ^ b[whole]) & (0xffu << (8 - rest)) & 0xffu) == 0;
}

static bool has_bits_after(const uint8_t *bytes, size_t count, unsigned bits)
{
	for (unsigned i = bits; i < count * 8; i++)
		if (bytes[i / 8] & (0x80u >> i % 8))
			return true;
	return false;
}

enum result address_prefix_read(struct slice text, struct address_prefix *out, struct reason *reason)
{
	size_t slash = slice_find(text, '/');
	struct slice host = slice_first(text, slash);
	struct address_prefix prefix = { 0 };
	char shown[96];
	const uint8_t *bytes;
	size_t count;
	uint64_t bits;

	if (!read_host(host, &prefix.base))
		return fail(reason, RESULT_INVALID,
		            "\"%s\" is no address range: write 192.0.2.0/24, 2001:db8::/32 or one address",
		            text_shown(text, shown, sizeof shown));
	bytes = host_bytes(&prefix.base, &count);
	bits = count * 8;
	if (slash < text.len) {
		/* ::ffff:10.0.0.0/104 has become 10.0.0.0: its length counts from the mapping on. */
		uint64_t mapped = count == 4 && slice_find(host, ':') < host.len ? 96 : 0;

		if (!slice_to_number(slice_after(text, slash + 1), count * 8 + mapped, &bits) ||
		    bits < mapped)
			return fail(reason, RESULT_INVALID, "the length of \"%s\" is no number from %u to %u",
			            text_shown(text, shown, sizeof shown), (unsigned)mapped,
			            (unsigned)(count * 8 + mapped));
		bits -= mapped;
	}
	prefix.bits = (unsigned)bits;
	if (has_bits_after(bytes, count, prefix.bits))
		return fail(reason, RESULT_INVALID, "\"%s\" has bits set beyond its length of %u",
		            text_shown(text, shown, sizeof shown), prefix.bits);
	*out = prefix;
	return RESULT_OK;
}

bool address_in_prefix(const struct address *address, const struct address_prefix *prefix)
{
	struct address plain = address_unmapped(address);
	size_t count, prefix_count;
	const uint8_t *bytes = host_bytes(&plain, &count), *base = host_bytes(&prefix->base, &prefix_count);

	return count > 0 && count == prefix_count && prefix->bits <= count * 8 &&
	       bits_equal(bytes, base, prefix->bits);
}

/* ---- special ranges: the IANA special-purpose registries (RFC 6890), without documentation ---- */

static const struct {
	uint8_t base[4];
	unsigned bits;
} special_v4[] = {
	{ { 0 }, 8 },            /* this network, RFC 791 */
	{ { 10 }, 8 },           /* private, RFC 1918 */
	{ { 100, 64 }, 10 },     /* shared, RFC 6598 */
	{ { 127 }, 8 },          /* loopback */
	{ { 169, 254 }, 16 },    /* link-local, RFC 3927 */
	{ { 172, 16 }, 12 },     /* private */
	{ { 192, 0, 0 }, 24 },   /* protocol assignments, RFC 6890 */
	{ { 192, 88, 99 }, 24 }, /* 6to4 relays, RFC 7526 */
	{ { 192, 168 }, 16 },    /* private */
	{ { 198, 18 }, 15 },     /* benchmarks, RFC 2544 */
	{ { 224 }, 4 },          /* multicast */
	{ { 240 }, 4 },          /* reserved, and broadcast */
};

static const struct {
	uint8_t base[6];
	unsigned bits;
	bool is_special;
} ranges_v6[] = {
	/* The first that matches decides. */
	{ { 0x20, 0x01, 0x0d, 0xb8 }, 32, false }, /* documentation, RFC 3849 */
	{ { 0x20, 0x01 }, 23, true },              /* protocol assignments, Teredo, ORCHID, RFC 2928 */
	{ { 0x20 }, 3, false },                    /* global unicast */
	{ { 0 }, 0, true }, /* all else: ::, ::1, fc00::/7, fe80::/10, ff00::/8, unassigned */
};

static bool is_special_v4(const uint8_t *bytes)
{
	for (size_t i = 0; i < sizeof special_v4 / sizeof *special_v4; i++)
		if (bits_equal(bytes, special_v4[i].base, special_v4[i].bits))
			return true;
	return false;
}

static bool is_special_v6(const uint8_t *bytes)
{
	static const uint8_t nat64[12] = { 0x00, 0x64, 0xff, 0x9b }, six_to_four[2] = { 0x20, 0x02 };

	/* These carry a v4 address to which a translator would take us: it decides. RFC 6052 §2.1, RFC 3056 §2. */
	if (memcmp(bytes, nat64, sizeof nat64) == 0)
		return is_special_v4(bytes + 12);
	if (memcmp(bytes, six_to_four, sizeof six_to_four) == 0)
		return is_special_v4(bytes + 2);
	for (size_t i = 0; i < sizeof ranges_v6 / sizeof *ranges_v6; i++)
		if (bits_equal(bytes, ranges_v6[i].base, ranges_v6[i].bits))
			return ranges_v6[i].is_special;
	return true;
}

bool address_is_special(const struct address *address)
{
	struct address plain = address_unmapped(address);
	size_t count;
	const uint8_t *bytes = host_bytes(&plain, &count);

	return count == 4 ? is_special_v4(bytes) : count == 16 ? is_special_v6(bytes) : true;
}
