#include "daemon/sip/route_token.h"

#include "daemon/sip/grammar.h"

enum {
	TOKEN_MAC_BYTES =
	        10, /* 80 bits: guessing takes 2^79 requests, each of which is answered 403 and counted */
	TOKEN_MAC_CHARS = 16,
	TOKEN_TOWARDS = 2, /* places in the text */
	TOKEN_WHOSE = 3,
	TOKEN_MAC = 4,
	TOKEN_DASH = TOKEN_MAC + TOKEN_MAC_CHARS,
	TOKEN_HOP = TOKEN_DASH + 1,
	HMAC_BYTES = 32,
};

static const char of_users[] = "of users outside";
static const char base32[] = "abcdefghijklmnopqrstuvwxyz234567"; /* RFC 4648 §6 in lower case */

/* ---- what the HMAC covers ---- */

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

enum { COVER_FIELDS = 7, COVER_FIELDS_A_ROUTE = 4, COVER_FIELDS_A_PARAM = 2 };

static size_t cover_size(const struct sip_route_binding *binding, struct slice words)
{
	size_t size = COVER_FIELDS * (sizeof(uint32_t) + sizeof(uint32_t)) + words.len +
	              binding->call_id.len + binding->tag.len + sizeof "parley route 1" + sizeof of_users;

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

/* `words`: the token without its HMAC. */
static bool mac(const struct sip_proxy *proxy, struct arena *arena, struct slice head, struct slice hop,
                const struct sip_route_binding *binding, char out[TOKEN_MAC_CHARS])
{
	struct cover cover = { .size = cover_size(binding, (struct slice){ NULL, head.len + hop.len }) };
	uint8_t digest[HMAC_BYTES];
	uint64_t bits = 0;
	unsigned held = 0;

	cover.bytes = arena_new(arena, cover.size);
	if (!cover.bytes)
		return false;
	cover_field(&cover, SLICE("parley route 1"));
	cover_field(&cover, head);
	cover_field(&cover, hop);
	cover_field(&cover, binding->call_id);
	cover_field(&cover, binding->tag);
	if (binding->bearer == SIP_SIDE_REMOTE)
		cover_field(&cover, slice_of(of_users));
	for (size_t i = 0; i < binding->behind_count; i++)
		cover_route(&cover, &binding->behind[i].uri);
	proxy->hmac(proxy->token_key, sizeof proxy->token_key, (struct slice){ cover.bytes, cover.length },
	            digest);
	for (size_t i = 0, at = 0; i < TOKEN_MAC_BYTES; i++) {
		bits = bits << 8 | digest[i];
		for (held += 8; held >= 5; held -= 5)
			out[at++] = base32[bits >> (held - 5) & 31];
	}
	return true;
}

/* ---- the next hop, in characters a user part may hold ---- */

static bool is_plain(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || sip_is_digit(c) || c == '.' || c == '-' ||
	       c == '_';
}

/* Bytes written, or 0 when it does not fit (an empty one gives 0 too and fits). */
static bool escape(struct slice hop, char *to, size_t size, size_t *length)
{
	static const char hex[] = "0123456789ABCDEF";

	*length = 0;
	for (size_t i = 0; i < hop.len; i++) {
		if (size - *length < 3)
			return false;
		if (is_plain(hop.ptr[i])) {
			to[(*length)++] = hop.ptr[i];
		} else {
			to[(*length)++] = '%';
			to[(*length)++] = hex[(uint8_t)hop.ptr[i] >> 4];
			to[(*length)++] = hex[hop.ptr[i] & 15];
		}
	}
	return true;
}

static int hex_digit(char c) { return sip_is_digit(c) ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1; }

static bool unescape(struct slice text, char *to, size_t *length)
{
	*length = 0;
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] != '%') {
			to[(*length)++] = text.ptr[i];
			continue;
		}
		if (text.len - i < 3 || hex_digit(text.ptr[i + 1]) < 0 || hex_digit(text.ptr[i + 2]) < 0)
			return false;
		to[(*length)++] = (char)(hex_digit(text.ptr[i + 1]) << 4 | hex_digit(text.ptr[i + 2]));
		i += 2;
	}
	return true;
}

/* ---- tokens ---- */

static const char towards_letters[SIP_SIDES] = {
	[SIP_SIDE_EXTERNAL] = 'e', [SIP_SIDE_INTERNAL] = 'i', [SIP_SIDE_REMOTE] = 'u'
};

static struct slice make(const struct sip_proxy *proxy, struct arena *arena, const struct sip_token *token,
                         char whose, const struct sip_route_binding *binding)
{
	char text[SIP_TOKEN_MAX + 3];
	size_t hop_length;

	text[0] = 'r';
	text[1] = '1';
	text[TOKEN_TOWARDS] = towards_letters[token->towards];
	text[TOKEN_WHOSE] = whose;
	text[TOKEN_DASH] = '-';
	if (!escape(token->next_hop, text + TOKEN_HOP, sizeof text - TOKEN_HOP, &hop_length) ||
	    TOKEN_HOP + hop_length > SIP_TOKEN_MAX ||
	    !mac(proxy, arena, (struct slice){ text, TOKEN_MAC },
	         (struct slice){ text + TOKEN_HOP, hop_length }, binding, text + TOKEN_MAC))
		return SLICE_NONE;
	return arena_copy(arena, (struct slice){ text, TOKEN_HOP + hop_length });
}

struct slice sip_route_token_make(const struct sip_proxy *proxy, struct arena *arena,
                                  const struct sip_token *token, bool is_same_way,
                                  const struct sip_route_binding *binding)
{
	return make(proxy, arena, token, is_same_way ? 'f' : 't', binding);
}

struct slice sip_route_token_make_path(const struct sip_proxy *proxy, struct arena *arena, struct slice flow)
{
	const struct sip_token token = { SIP_SIDE_REMOTE, flow };
	const struct sip_route_binding nothing = { .call_id = SLICE("") };

	return make(proxy, arena, &token, 'p', &nothing);
}

bool sip_route_token_has_form(struct slice user)
{
	if (user.len < TOKEN_HOP || user.len > SIP_TOKEN_MAX || !slice_starts(user, SLICE("r1")) ||
	    !user.ptr[TOKEN_TOWARDS] || !strchr("eiu", user.ptr[TOKEN_TOWARDS]) || !user.ptr[TOKEN_WHOSE] ||
	    !strchr(user.ptr[TOKEN_TOWARDS] == 'u' ? "ftp" : "ft", user.ptr[TOKEN_WHOSE]) ||
	    user.ptr[TOKEN_DASH] != '-')
		return false;
	for (size_t i = TOKEN_MAC; i < TOKEN_DASH; i++)
		if (!user.ptr[i] || !strchr(base32, user.ptr[i]))
			return false;
	return true;
}

bool sip_route_token_is_path(struct slice user) { return user.ptr[TOKEN_WHOSE] == 'p'; }

bool sip_route_token_is_same_way(struct slice user) { return user.ptr[TOKEN_WHOSE] == 'f'; }

bool sip_route_token_check(const struct sip_proxy *proxy, struct arena *arena, struct slice user,
                           const struct sip_route_binding *binding, struct sip_token *token)
{
	char wanted[TOKEN_MAC_CHARS];
	struct slice hop;
	unsigned differs = 0;
	char *plain;
	size_t length;

	if (!sip_route_token_has_form(user))
		return false;
	hop = slice_after(user, TOKEN_HOP);
	plain = arena_new(arena, hop.len + 1);
	if (!plain || !unescape(hop, plain, &length) ||
	    !mac(proxy, arena, slice_first(user, TOKEN_MAC), hop, binding, wanted))
		return false;
	for (size_t i = 0; i < TOKEN_MAC_CHARS; i++) /* the same time wherever the first difference is */
		differs |= (unsigned)(wanted[i] ^ user.ptr[TOKEN_MAC + i]);
	if (differs)
		return false;
	token->towards = user.ptr[TOKEN_TOWARDS] == 'e'   ? SIP_SIDE_EXTERNAL
	                 : user.ptr[TOKEN_TOWARDS] == 'i' ? SIP_SIDE_INTERNAL
	                                                  : SIP_SIDE_REMOTE;
	token->next_hop = (struct slice){ plain, length };
	return true;
}

struct slice sip_route_value(const struct sip_proxy *proxy, struct arena *arena, enum sip_side side,
                             bool is_sips, struct slice token)
{
	const struct sip_side_names *names = &proxy->side[side];
	char *text = arena_printf(arena, "<%s:%.*s@%.*s:%u;transport=%.*s;lr>", is_sips ? "sips" : "sip",
	                          SLICE_ARG(token), SLICE_ARG(names->fqdn), (unsigned)names->port,
	                          SLICE_ARG(names->transport));

	return slice_of(text);
}

bool sip_routes_read(const struct sip_message *m, enum sip_header_id id, struct sip_routes *out)
{
	struct sip_walk walk = { 0 };
	struct slice value;

	out->count = 0;
	while (sip_message_walk(m, id, &walk, &value)) {
		if (out->count == SIP_HOPS_MAX ||
		    sip_address_parse(value, &out->list[out->count], NULL) != SIP_PARSE_OK)
			return false;
		out->count++;
	}
	return true;
}
