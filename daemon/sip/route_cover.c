/*
 * route_cover: what the HMACs of a token in Record-Route cover (route_token.h).
 */
#include "daemon/sip/route_cover.h"

#include "daemon/sip/grammar.h"
#include "daemon/sip/names.h"

enum { HMAC_BYTES = 32 };

/* Each HMAC under one key begins with what it is for. */
static const char of_tokens[] = "parley route 2";
static const char of_parties[] = "parley parties 2";
static const char of_users[] = "of users outside";

const char route_base32[] = "abcdefghijklmnopqrstuvwxyz234567";

/* ---- fields ---- */

/* Bytes in the arena; the size is an upper bound known before. */
struct cover {
	char *bytes;
	size_t length, size;
};

static void cover_bytes(struct cover *cover, struct slice text)
{
	if (text.len > cover->size - cover->length)
		text.len = cover->size - cover->length; /* never: cover_size counted it */
	if (text.len)
		memcpy(cover->bytes + cover->length, text.ptr, text.len);
	cover->length += text.len;
}

/* Each field behind its length, so that no two lists of fields give the same bytes. */
static void cover_field(struct cover *cover, struct slice text)
{
	uint32_t length = (uint32_t)text.len;

	cover_bytes(cover, (struct slice){ (const char *)&length, sizeof length });
	cover_bytes(cover, text);
}

static void cover_lower(struct cover *cover, struct slice text)
{
	size_t at = cover->length + sizeof(uint32_t);

	cover_field(cover, text);
	for (; at < cover->length; at++)
		cover->bytes[at] = ascii_lower(cover->bytes[at]);
}

static void cover_host(struct cover *cover, struct slice host)
{
	if (host.len > 0 && host.ptr[host.len - 1] == '.')
		host.len--;
	cover_lower(cover, host);
}

static bool is_before(struct slice a, struct slice b)
{
	size_t length = a.len < b.len ? a.len : b.len;

	for (size_t i = 0; i < length; i++)
		if (ascii_lower(a.ptr[i]) != ascii_lower(b.ptr[i]))
			return ascii_lower(a.ptr[i]) < ascii_lower(b.ptr[i]);
	return a.len < b.len;
}

/* In the order of their names: a party may write them back in another. */
static void sort_params(struct sip_params *params)
{
	for (size_t i = 1; i < params->count; i++)
		for (size_t k = i; k > 0; k--) {
			struct slice one = params->list[k].name, before = params->list[k - 1].name;
			struct slice value = params->list[k].value;

			if (!is_before(one, before))
				break;
			params->list[k] = params->list[k - 1];
			params->list[k - 1].name = one;
			params->list[k - 1].value = value;
		}
}

/* Values as they are, for some are signatures; but "TCP" is "tcp" (RFC 3261 §19.1.4), and "lr=on" is "lr". */
static void cover_params(struct cover *cover, struct slice text)
{
	struct sip_params params = { .count = 0 };
	const char *at;

	if (text.len > 0)
		sip_params_read_uri(text, &params, &at); /* it has been read before, with the address */
	sort_params(&params);
	for (size_t i = 0; i < params.count; i++) {
		struct slice name = params.list[i].name, value = params.list[i].value;

		cover_lower(cover, name);
		if (slice_equal_nocase(name, SLICE("lr")))
			cover_field(cover, SLICE(""));
		else if (slice_equal_nocase(name, SLICE("transport")) ||
		         slice_equal_nocase(name, SLICE("maddr")))
			cover_lower(cover, value);
		else
			cover_field(cover, value);
	}
}

/*
 * The whole URI, as far as it could mean something to the machine it names:
 * there are proxies that send where a parameter of their Route says
 * ("received"), or rewrite From by it.
 */
static void cover_route(struct cover *cover, const struct sip_uri *uri)
{
	char fixed[] = { (char)uri->scheme, (char)(uri->port >> 8), (char)uri->port };
	struct slice user = uri->has_user ? sip_between(uri->user.ptr, uri->host.ptr) : SLICE("");

	cover_field(cover, (struct slice){ fixed, sizeof fixed });
	cover_field(cover, user); /* a password too */
	cover_host(cover, uri->host);
	cover_field(cover, uri->headers);
	cover_params(cover, uri->params);
}

/* ---- what a token covers ---- */

enum { COVER_FIELDS = 7, COVER_FIELDS_A_ROUTE = 4, COVER_FIELDS_A_PARAM = 2 };

static size_t cover_size(const struct sip_route_binding *binding, struct slice head, struct slice words)
{
	size_t size = COVER_FIELDS * (sizeof(uint32_t) + sizeof(uint32_t)) + head.len + words.len +
	              binding->call_id.len + binding->tag.len + sizeof of_tokens + sizeof of_users;

	for (size_t i = 0; i < binding->behind_count; i++) {
		const struct sip_uri *uri = &binding->behind[i].uri;
		size_t params = 1;

		for (size_t k = 0; k < uri->params.len; k++)
			params += uri->params.ptr[k] == ';';
		size += (COVER_FIELDS_A_ROUTE + COVER_FIELDS_A_PARAM * params) * 2 * sizeof(uint32_t) +
		        uri->all.len;
	}
	return size;
}

static void sign(const struct sip_proxy *proxy, const struct cover *cover, char out[ROUTE_MAC_CHARS])
{
	uint8_t digest[HMAC_BYTES];
	uint64_t bits = 0;
	unsigned held = 0;

	proxy->hmac(proxy->token_key, sizeof proxy->token_key, (struct slice){ cover->bytes, cover->length },
	            digest);
	for (size_t i = 0, at = 0; i < ROUTE_MAC_BYTES; i++) {
		bits = bits << 8 | digest[i];
		for (held += 8; held >= 5; held -= 5)
			out[at++] = route_base32[bits >> (held - 5) & 31];
	}
}

bool route_cover_token(const struct sip_proxy *proxy, struct arena *arena, struct slice head,
                       struct slice words, const struct sip_route_binding *binding, char out[ROUTE_MAC_CHARS])
{
	struct cover cover = { .size = cover_size(binding, head, words) };

	cover.bytes = arena_new(arena, cover.size);
	if (!cover.bytes)
		return false;
	cover_field(&cover, slice_of(of_tokens));
	cover_field(&cover, head);
	cover_field(&cover, words);
	cover_field(&cover, binding->call_id);
	cover_field(&cover, binding->tag);
	if (binding->bearer == SIP_SIDE_REMOTE)
		cover_field(&cover, slice_of(of_users));
	for (size_t i = 0; i < binding->behind_count; i++)
		cover_route(&cover, &binding->behind[i].uri);
	sign(proxy, &cover, out);
	return true;
}

/* ---- the parties ---- */

static int hex_value(char c)
{
	return sip_is_digit(c)                                  ? c - '0'
	       : ascii_lower(c) >= 'a' && ascii_lower(c) <= 'f' ? ascii_lower(c) - 'a' + 10
	                                                        : -1;
}

/* Whoever writes %41lice is Alice (RFC 3261 §19.1.2), and to policy alice. */
static char next_of_user(struct slice *user)
{
	int high = user->len >= 3 && user->ptr[0] == '%' ? hex_value(user->ptr[1]) : -1;
	int low = high >= 0 ? hex_value(user->ptr[2]) : -1;
	char c = low >= 0 ? (char)(high * 16 + low) : user->ptr[0];

	*user = slice_after(*user, low >= 0 ? 3 : 1);
	return ascii_lower(c);
}

static void cover_user(struct cover *cover, struct slice user)
{
	uint32_t length = 0;
	size_t at = cover->length;

	cover_bytes(cover, (struct slice){ (const char *)&length, sizeof length });
	for (; user.len; length++) {
		char c = next_of_user(&user);

		cover_bytes(cover, (struct slice){ &c, 1 });
	}
	memcpy(cover->bytes + at, &length, sizeof length);
}

enum { PARTY_FIELDS = 3 };

static size_t party_size(const struct sip_uri *uri) { return PARTY_FIELDS * sizeof(uint32_t) + uri->all.len; }

/* A telephone's number has no host, and is taken as it stands. */
static void cover_party(struct cover *cover, const struct sip_uri *uri)
{
	bool is_sip = uri->scheme == SIP_URI_SIP || uri->scheme == SIP_URI_SIPS;
	struct slice opaque = SLICE("");

	if (is_sip && uri->params.len)
		sip_param(uri->params, SLICE("opaque"), &opaque);
	cover_user(cover, is_sip ? uri->user : uri->all);
	cover_host(cover, is_sip ? uri->host : SLICE(""));
	cover_field(cover, opaque);
}

bool route_cover_parties(const struct sip_proxy *proxy, struct arena *arena,
                         const struct sip_route_binding *binding, char out[ROUTE_MAC_CHARS])
{
	struct cover cover = { .size = sizeof(uint32_t) + sizeof of_parties + party_size(binding->caller) +
		                       party_size(binding->callee) };

	cover.bytes = arena_new(arena, cover.size);
	if (!cover.bytes)
		return false;
	cover_field(&cover, slice_of(of_parties));
	cover_party(&cover, binding->caller);
	cover_party(&cover, binding->callee);
	sign(proxy, &cover, out);
	return true;
}

bool sip_uri_is_same_party(const struct sip_uri *a, const struct sip_uri *b)
{
	struct slice left = a->user, right = b->user;

	while (left.len && right.len)
		if (next_of_user(&left) != next_of_user(&right))
			return false;
	return !left.len && !right.len && sip_host_is_same(a->host, b->host);
}
