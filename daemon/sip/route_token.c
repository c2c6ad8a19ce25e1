#include "daemon/sip/grammar.h"
#include "daemon/sip/route_cover.h"

enum { /* places in the text */
       TOKEN_TOWARDS = 2,
       TOKEN_WHOSE = 3,
       TOKEN_MAC = 4,
       TOKEN_DASH = TOKEN_MAC + ROUTE_MAC_CHARS,
       TOKEN_WORDS = TOKEN_DASH + 1,
};

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

static const char decided_called = '~', decided_caller = '*'; /* neither stands in what is escaped */

struct text {
	char bytes[SIP_TOKEN_MAX + 3];
	size_t length;
};

static bool add_escaped(struct text *to, struct slice words)
{
	size_t length;
	bool fits = escape(words, to->bytes + to->length, sizeof to->bytes - to->length, &length);

	to->length += length;
	return fits;
}

static bool add_char(struct text *to, char c)
{
	bool fits = to->length < sizeof to->bytes;

	if (fits)
		to->bytes[to->length++] = c;
	return fits;
}

/* Signed anew, whatever stood there. */
static struct slice finish(const struct sip_proxy *proxy, struct arena *arena, struct text *text,
                           const struct sip_route_binding *binding)
{
	struct slice all = { text->bytes, text->length };

	if (text->length > SIP_TOKEN_MAX ||
	    !route_cover_token(proxy, arena, slice_first(all, TOKEN_MAC), slice_after(all, TOKEN_WORDS),
	                       binding, text->bytes + TOKEN_MAC))
		return SLICE_NONE;
	return arena_copy(arena, all);
}

static struct text begin(enum sip_side towards, char whose)
{
	struct text text = { "r2", TOKEN_WORDS };

	text.bytes[TOKEN_TOWARDS] = towards_letters[towards];
	text.bytes[TOKEN_WHOSE] = whose;
	text.bytes[TOKEN_DASH] = '-';
	return text;
}

static bool add_decided(struct text *to, const struct sip_token *token)
{
	bool is_caller = token->decided_is_from == token->is_same_way;

	return token->decided_host.len == 0 ||
	       (add_char(to, is_caller ? decided_caller : decided_called) &&
	        add_escaped(to, token->decided_user) && add_escaped(to, SLICE("@")) &&
	        add_escaped(to, token->decided_host));
}

struct slice sip_route_token_make(const struct sip_proxy *proxy, struct arena *arena,
                                  const struct sip_token *token, const struct sip_route_binding *binding)
{
	struct text text = begin(token->towards, token->is_same_way ? 'f' : 't');

	if (!route_cover_parties(proxy, arena, binding, text.bytes + text.length))
		return SLICE_NONE;
	text.length += ROUTE_MAC_CHARS;
	if (!add_escaped(&text, token->next_hop) || !add_decided(&text, token))
		return SLICE_NONE;
	return finish(proxy, arena, &text, binding);
}

struct slice sip_route_token_cover(const struct sip_proxy *proxy, struct arena *arena, struct slice user,
                                   const struct sip_route_binding *binding)
{
	struct text text = { .length = user.len };

	if (user.len > SIP_TOKEN_MAX)
		return SLICE_NONE;
	memcpy(text.bytes, user.ptr, user.len);
	return finish(proxy, arena, &text, binding);
}

struct slice sip_route_token_make_path(const struct sip_proxy *proxy, struct arena *arena, struct slice flow)
{
	const struct sip_route_binding nothing = { .call_id = SLICE("") };
	struct text text = begin(SIP_SIDE_REMOTE, 'p');

	return add_escaped(&text, flow) ? finish(proxy, arena, &text, &nothing) : SLICE_NONE;
}

static bool is_base32(struct slice text)
{
	for (size_t i = 0; i < text.len; i++)
		if (!text.ptr[i] || !strchr(route_base32, text.ptr[i]))
			return false;
	return true;
}

bool sip_route_token_has_form(struct slice user)
{
	if (user.len < TOKEN_WORDS || user.len > SIP_TOKEN_MAX || !slice_starts(user, SLICE("r2")) ||
	    !user.ptr[TOKEN_TOWARDS] || !strchr("eiu", user.ptr[TOKEN_TOWARDS]) || !user.ptr[TOKEN_WHOSE] ||
	    !strchr(user.ptr[TOKEN_TOWARDS] == 'u' ? "ftp" : "ft", user.ptr[TOKEN_WHOSE]) ||
	    user.ptr[TOKEN_DASH] != '-' ||
	    !is_base32((struct slice){ user.ptr + TOKEN_MAC, ROUTE_MAC_CHARS }))
		return false;
	return user.ptr[TOKEN_WHOSE] == 'p' ||
	       (user.len >= TOKEN_WORDS + ROUTE_MAC_CHARS &&
	        is_base32((struct slice){ user.ptr + TOKEN_WORDS, ROUTE_MAC_CHARS }));
}

bool sip_route_token_is_path(struct slice user) { return user.ptr[TOKEN_WHOSE] == 'p'; }

bool sip_route_token_is_same_way(struct slice user) { return user.ptr[TOKEN_WHOSE] == 'f'; }

/* The same time wherever the first difference is. */
static bool is_mac(const char *left, const char *right)
{
	unsigned differs = 0;

	for (size_t i = 0; i < ROUTE_MAC_CHARS; i++)
		differs |= (unsigned)(left[i] ^ right[i]);
	return !differs;
}

static struct slice plain(struct arena *arena, struct slice text)
{
	char *to = arena_new(arena, text.len + 1);
	size_t length;

	return to && unescape(text, to, &length) ? (struct slice){ to, length } : SLICE_NONE;
}

/* What stands in a token whose HMAC is good.  False: no memory. */
static bool read(struct arena *arena, struct slice user, struct sip_token *token)
{
	struct slice words = slice_after(user, TOKEN_WORDS), decided, address;
	size_t at = 0, sign;
	char letter = user.ptr[TOKEN_TOWARDS];

	if (!sip_route_token_is_path(user))
		words = slice_after(words, ROUTE_MAC_CHARS);
	while (at < words.len && words.ptr[at] != decided_called && words.ptr[at] != decided_caller)
		at++;
	*token = (struct sip_token){ .towards = letter == 'e'   ? SIP_SIDE_EXTERNAL
		                                : letter == 'i' ? SIP_SIDE_INTERNAL
		                                                : SIP_SIDE_REMOTE,
		                     .is_same_way = sip_route_token_is_same_way(user),
		                     .next_hop = plain(arena, slice_first(words, at)) };
	if (at == words.len)
		return token->next_hop.ptr != NULL;
	decided = slice_after(words, at + 1);
	address = plain(arena, decided);
	sign = slice_find(address, '@');
	token->decided_is_from = (words.ptr[at] == decided_caller) == token->is_same_way;
	token->decided_user = slice_first(address, sign);
	token->decided_host = sign < address.len ? slice_after(address, sign + 1) : SLICE("");
	return token->next_hop.ptr && address.ptr;
}

enum sip_route_check sip_route_token_check(const struct sip_proxy *proxy, struct arena *arena,
                                           struct slice user, const struct sip_route_binding *binding,
                                           struct sip_token *token)
{
	char wanted[ROUTE_MAC_CHARS];

	if (!sip_route_token_has_form(user) ||
	    !route_cover_token(proxy, arena, slice_first(user, TOKEN_MAC), slice_after(user, TOKEN_WORDS),
	                       binding, wanted) ||
	    !is_mac(wanted, user.ptr + TOKEN_MAC) || !read(arena, user, token))
		return SIP_TOKEN_BAD;
	if (sip_route_token_is_path(user))
		return SIP_TOKEN_GOOD;
	if (!route_cover_parties(proxy, arena, binding, wanted))
		return SIP_TOKEN_BAD;
	return is_mac(wanted, user.ptr + TOKEN_WORDS) ? SIP_TOKEN_GOOD : SIP_TOKEN_OTHER_PARTIES;
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
