/*
 * One value by its row: read strictly, written back, compared, and what the row allows in words.
 * Domains: RFC 1034 §3.5 with RFC 1123 §2.1, in A-label form (RFC 5890 §2.3.2.1).
 */
#include "shared/model/model.h"

#include <arpa/inet.h>
#include <stdio.h>

#include "shared/base/text.h"

/* RFC 1035 §2.3.4 allows 255 bytes on the wire, which is 253 as text. */
enum { DOMAIN_BYTES_MAX = 253, LABEL_BYTES_MAX = 63, SHOWN_BYTES = 72, ALLOWED_BYTES = 256 };

/* What is under way: one text (or one item of a list) to be read by one row. */
struct reading {
	const struct model_field *field;
	struct slice text;
	struct arena *arena;
	struct reason *why;
};

static bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
static bool is_digit(char c) { return c >= '0' && c <= '9'; }
static bool is_letter(char c) { return ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z'; }

static struct slice trim(struct slice s)
{
	while (s.len && is_blank(s.ptr[0]))
		s = slice_after(s, 1);
	while (s.len && is_blank(s.ptr[s.len - 1]))
		s.len--;
	return s;
}

/* "'VALUE' WHY", the value escaped and cut. */
static enum result refuse(const struct reading *r, const char *why)
{
	char shown[SHOWN_BYTES];

	if (slice_is_empty(r->text))
		return fail(r->why, RESULT_INVALID, "an empty value %s", why);
	text_shown(r->text, shown, sizeof shown);
	return fail(r->why, RESULT_INVALID, "'%s' %s", shown, why);
}

static enum result keep(const struct reading *r, struct slice text, struct slice *out)
{
	*out = text.len ? arena_copy(r->arena, text) : SLICE("");
	return out->ptr ? RESULT_OK : fail(r->why, RESULT_NO_MEMORY, "out of memory");
}

/* ---- one item of each type ---- */

static enum result read_bool(const struct reading *r, struct model_value *out)
{
	bool flag = slice_equal(r->text, SLICE("true"));

	if (!flag && !slice_equal(r->text, SLICE("false")))
		return refuse(r, "is neither true nor false");
	*out = (struct model_value){ .flag = flag };
	return RESULT_OK;
}

static enum result read_number(const struct reading *r, struct model_value *out)
{
	uint64_t number = 0;

	for (size_t i = 0; i < r->text.len; i++)
		if (!is_digit(r->text.ptr[i]))
			return refuse(r, "is not a whole number");
	if (slice_is_empty(r->text))
		return refuse(r, "is not a whole number");
	if (!slice_to_number(r->text, r->field->max, &number))
		return refuse(r, "is too large");
	if (number < r->field->min)
		return refuse(r, "is too small");
	*out = (struct model_value){ .number = number };
	return RESULT_OK;
}

static enum result read_choice(const struct reading *r, struct model_value *out)
{
	struct slice choice;

	for (uint64_t i = 0; (choice = model_choice(r->field, i)).ptr; i++)
		if (slice_equal(choice, r->text)) {
			*out = (struct model_value){ .number = i };
			return RESULT_OK;
		}
	return refuse(r, "is not one of the choices");
}

/*
 * One line: blanks at both ends fall away, and any run of blanks, tabs and new
 * lines is one blank, so that an XML document may break a long comment.  What
 * cannot be seen (controls, bidirectional overrides, zero width) is refused: an
 * administrator reads these texts on a terminal.
 */
static enum result read_text(const struct reading *r, struct slice *out)
{
	struct slice rest = r->text;
	size_t length = 0;
	bool is_gap = false;
	char *copy;

	while (rest.len) {
		uint32_t c = 0;
		size_t n = text_utf8_decode(rest, &c);

		if (n == 0)
			return refuse(r, "is not UTF-8");
		if (text_is_hidden(c) && !is_blank(rest.ptr[0]))
			return refuse(r, "holds a control or invisible character");
		length += is_blank(rest.ptr[0]) ? !is_gap : n;
		is_gap = is_blank(rest.ptr[0]);
		rest = slice_after(rest, n);
	}
	if (length > r->field->max)
		return refuse(r, "is too long");
	if (length < r->field->min)
		return refuse(r, "is too short");
	if (length == 0)
		return keep(r, SLICE(""), out);
	copy = arena_new(r->arena, length + 1);
	if (!copy)
		return fail(r->why, RESULT_NO_MEMORY, "out of memory");
	length = 0;
	for (size_t i = 0; i < r->text.len; i++) {
		bool is_second = is_blank(r->text.ptr[i]) && length && copy[length - 1] == ' ';

		if (!is_second)
			copy[length++] = is_blank(r->text.ptr[i]) ? ' ' : r->text.ptr[i];
	}
	*out = (struct slice){ copy, length };
	return RESULT_OK;
}

/* RFC 1123 §2.1: letters, digits and hyphens, no hyphen at an end. */
static const char *label_fault(struct slice label)
{
	if (label.len == 0)
		return "has an empty label";
	if (label.len > LABEL_BYTES_MAX)
		return "has a label of more than 63 bytes";
	if (label.ptr[0] == '-' || label.ptr[label.len - 1] == '-')
		return "has a label that starts or ends with a hyphen";
	for (size_t i = 0; i < label.len; i++) {
		if ((unsigned char)label.ptr[i] >= 0x80)
			return "is not ASCII; write an international name in its xn-- form";
		if (!is_letter(label.ptr[i]) && !is_digit(label.ptr[i]) && label.ptr[i] != '-')
			return "has a character that is no letter, digit or hyphen";
	}
	return NULL;
}

static bool is_number(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!is_digit(s.ptr[i]))
			return false;
	return s.len > 0;
}

/* Letter case and one dot at the end fall away: they never tell two names apart. */
static enum result read_domain(const struct reading *r, struct slice *out)
{
	char lower[DOMAIN_BYTES_MAX];
	struct slice name = r->text, rest, label = SLICE_NONE;
	const char *fault;

	if (slice_is_empty(name))
		return r->field->min ? refuse(r, "is no domain name") : keep(r, SLICE(""), out);
	if (name.len > 1 && name.ptr[name.len - 1] == '.')
		name.len--;
	rest = name;
	while (slice_next(&rest, '.', &label))
		if ((fault = label_fault(label)) != NULL)
			return refuse(r, fault);
	if (name.len > sizeof lower)
		return refuse(r, "is longer than 253 bytes");
	if (is_number(label)) /* RFC 3696 §2: no top-level domain is all digits */
		return refuse(r, "looks like an address, not like a domain name");
	for (size_t i = 0; i < name.len; i++)
		lower[i] = ascii_lower(name.ptr[i]);
	return keep(r, (struct slice){ lower, name.len }, out);
}

/* Absolute, or below the configuration folder; no "..", so that it stays where it says. */
static const char *path_fault(struct slice path)
{
	struct slice rest = path.ptr[0] == '/' ? slice_after(path, 1) : path, part;

	while (slice_next(&rest, '/', &part)) {
		if (slice_is_empty(part))
			return "has an empty part";
		if (slice_equal(part, SLICE(".")) || slice_equal(part, SLICE("..")))
			return "has a part that is . or ..";
	}
	for (rest = path; rest.len;) {
		uint32_t c = 0;
		size_t n = text_utf8_decode(rest, &c);

		if (n == 0)
			return "is not UTF-8";
		if (text_is_hidden(c))
			return "holds a control or invisible character";
		rest = slice_after(rest, n);
	}
	return NULL;
}

static enum result read_path(const struct reading *r, struct slice *out)
{
	const char *fault;

	if (slice_is_empty(r->text))
		return r->field->min ? refuse(r, "is no path") : keep(r, SLICE(""), out);
	if (r->text.len > r->field->max)
		return refuse(r, "is too long");
	fault = path_fault(r->text);
	return fault ? refuse(r, fault) : keep(r, r->text, out);
}

/* The address as the system writes it, in `to`; 4, 6, or 0 when it is none.  A v4-mapped address becomes v4. */
static int read_ip(struct slice text, unsigned char bytes[16], char to[INET6_ADDRSTRLEN])
{
	static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };
	char given[INET6_ADDRSTRLEN];
	int version = slice_find(text, ':') < text.len ? 6 : 4;

	if (!slice_to_text(text, given, sizeof given) ||
	    inet_pton(version == 6 ? AF_INET6 : AF_INET, given, bytes) != 1)
		return 0;
	if (version == 6 && memcmp(bytes, mapped, sizeof mapped) == 0) {
		memmove(bytes, bytes + 12, 4);
		version = 4;
	}
	return inet_ntop(version == 6 ? AF_INET6 : AF_INET, bytes, to, INET6_ADDRSTRLEN) ? version : 0;
}

static enum result read_address(const struct reading *r, struct slice *out)
{
	struct slice host = r->text, port = SLICE_NONE;
	unsigned char bytes[16] = { 0 };
	char ip[INET6_ADDRSTRLEN], text[INET6_ADDRSTRLEN + 16];
	uint64_t number = 0;
	int version, length;

	if (slice_is_empty(host))
		return r->field->min ? refuse(r, "is no address") : keep(r, SLICE(""), out);
	if (host.ptr[0] == '[') {
		size_t end = slice_find(host, ']');
		struct slice after = end < host.len ? slice_after(host, end + 1) : SLICE_NONE;

		if (end == host.len || (after.len && after.ptr[0] != ':'))
			return refuse(r, "is no address");
		port = after.len ? slice_after(after, 1) : SLICE_NONE;
		host = (struct slice){ host.ptr + 1, end - 1 };
		if (slice_find(host, ':') == host.len)
			return refuse(r, "has brackets around what is no IPv6 address");
	} else {
		size_t colon = slice_find(host, ':');

		/* One colon is a port; more are an IPv6 address without one. */
		if (colon < host.len &&
		    slice_find(slice_after(host, colon + 1), ':') == host.len - colon - 1) {
			port = slice_after(host, colon + 1);
			host = slice_first(host, colon);
		}
	}
	version = read_ip(host, bytes, ip);
	if (!version)
		return refuse(r, "is no IPv4 or IPv6 address");
	if (port.ptr && (!slice_to_number(port, 65535, &number) || number == 0))
		return refuse(r, "has a port that is not 1 to 65535");
	if (!number)
		length = snprintf(text, sizeof text, "%s", ip);
	else
		length = snprintf(text, sizeof text, version == 6 ? "[%s]:%u" : "%s:%u", ip,
		                  (unsigned)number);
	return keep(r, (struct slice){ text, (size_t)length }, out);
}

static bool has_bits_after(const unsigned char bytes[16], unsigned bits, unsigned all)
{
	for (unsigned i = bits; i < all; i++)
		if (bytes[i / 8] & 0x80u >> i % 8)
			return true;
	return false;
}

static enum result read_prefix(const struct reading *r, struct slice *out)
{
	size_t slash = slice_find(r->text, '/');
	unsigned char bytes[16] = { 0 };
	char ip[INET6_ADDRSTRLEN], text[INET6_ADDRSTRLEN + 8];
	uint64_t bits;
	int version, length;

	if (slice_is_empty(r->text))
		return r->field->min ? refuse(r, "is no prefix") : keep(r, SLICE(""), out);
	if (slash == r->text.len)
		return refuse(r, "has no /length");
	version = read_ip(slice_first(r->text, slash), bytes, ip);
	if (!version)
		return refuse(r, "is no IPv4 or IPv6 prefix");
	/* ::ffff:10.0.0.0/104 would need its length counted anew: nobody means it. */
	if (version == 4 && slice_find(r->text, ':') < r->text.len)
		return refuse(r, "is a mapped IPv4 prefix; write it as IPv4");
	if (!slice_to_number(slice_after(r->text, slash + 1), version == 6 ? 128 : 32, &bits))
		return refuse(r, "has a length that is too large or no number");
	if (has_bits_after(bytes, (unsigned)bits, version == 6 ? 128 : 32))
		return refuse(r, "has bits set after its length");
	length = snprintf(text, sizeof text, "%s/%u", ip, (unsigned)bits);
	return keep(r, (struct slice){ text, (size_t)length }, out);
}

/* What cannot stand in the user part of an address that people type; escapes are written as what they stand for. */
static const char *user_fault(struct slice user)
{
	if (user.len == 0)
		return "has nothing before the @";
	for (struct slice rest = user; rest.len;) {
		uint32_t c = 0;
		size_t n = text_utf8_decode(rest, &c);

		if (n == 0)
			return "is not UTF-8";
		if (text_is_hidden(c) || is_blank(rest.ptr[0]))
			return "holds a blank, control or invisible character";
		if (strchr("%,;:<>\"?/\\", (int)c) && c < 0x80)
			return "has a character before the @ that may not stand there";
		rest = slice_after(rest, n);
	}
	return NULL;
}

/* RFC 3261 §19.1.4 tells user parts apart by case; no pool does, and a policy must not be escaped by a capital. */
static enum result read_sip_user(const struct reading *r, struct slice *out)
{
	struct slice text = r->text, domain = SLICE_NONE;
	struct reading part = *r;
	const char *fault;
	enum result result;
	char *copy;
	size_t at;

	if (text.len > 4 && slice_equal_nocase(slice_first(text, 4), SLICE("sip:")))
		text = slice_after(text, 4);
	if (text.len == 0 && !r->field->min)
		return keep(r, SLICE(""), out);
	at = text.len;
	while (at > 0 && text.ptr[at - 1] != '@')
		at--;
	if (at == 0)
		return refuse(r, "has no @");
	if ((fault = user_fault(slice_first(text, at - 1))) != NULL)
		return refuse(r, fault);
	if (slice_find(slice_first(text, at - 1), '@') < at - 1)
		return refuse(r, "has more than one @");
	part.text = slice_after(text, at);
	if (slice_is_empty(part.text))
		return refuse(r, "has no domain after the @");
	if ((result = read_domain(&part, &domain)) != RESULT_OK)
		return result;
	if (at + domain.len > r->field->max)
		return refuse(r, "is too long");
	copy = arena_new(r->arena, at + domain.len + 1);
	if (!copy)
		return fail(r->why, RESULT_NO_MEMORY, "out of memory");
	for (size_t i = 0; i < at; i++)
		copy[i] = ascii_lower(text.ptr[i]);
	memcpy(copy + at, domain.ptr, domain.len);
	*out = (struct slice){ copy, at + domain.len };
	return RESULT_OK;
}

/* ---- lists ---- */

/* Kept as its word: a list holds texts. */
static enum result read_listed_choice(const struct reading *r, struct slice *out)
{
	struct model_value choice;
	enum result result = read_choice(r, &choice);

	return result == RESULT_OK ? keep(r, r->text, out) : result;
}

static enum result read_item(const struct reading *r, struct slice *out)
{
	switch (r->field->type) {
	case MODEL_ADDRESSES: return read_address(r, out);
	case MODEL_PREFIXES: return read_prefix(r, out);
	case MODEL_CHOICES: return read_listed_choice(r, out);
	default: return read_domain(r, out);
	}
}

static bool next_item(struct slice *rest, struct slice *item)
{
	size_t end = 0;

	while (rest->len && (is_blank(rest->ptr[0]) || rest->ptr[0] == ','))
		*rest = slice_after(*rest, 1);
	while (end < rest->len && !is_blank(rest->ptr[end]) && rest->ptr[end] != ',')
		end++;
	*item = slice_first(*rest, end);
	*rest = slice_after(*rest, end);
	return end > 0;
}

static enum result read_list(const struct reading *r, struct model_value *out)
{
	struct slice items[MODEL_LIST_MAX], rest = r->text, *kept = NULL;
	struct reading item = *r;
	size_t count = 0;

	while (next_item(&rest, &item.text)) {
		enum result result;

		if (count == MODEL_LIST_MAX || count == r->field->max)
			return refuse(&item, "is one item too many");
		result = read_item(&item, &items[count]);
		if (result != RESULT_OK)
			return result;
		for (size_t i = 0; i < count; i++)
			if (slice_equal(items[i], items[count]))
				return refuse(&item, "stands in the list twice");
		count++;
	}
	if (count < r->field->min)
		return refuse(r, "has too few items");
	if (count) {
		kept = arena_new_array(r->arena, count, sizeof *kept);
		if (!kept)
			return fail(r->why, RESULT_NO_MEMORY, "out of memory");
		memcpy(kept, items, count * sizeof *kept);
	}
	*out = (struct model_value){ .list = { kept, count } };
	return RESULT_OK;
}

/* ---- public ---- */

enum result model_value_read_why(const struct model_field *field, struct slice text, struct arena *arena,
                                 struct model_value *out, struct reason *why)
{
	struct reading r = { field, trim(text), arena, why };
	struct slice kept = SLICE_NONE;
	enum result result = RESULT_INTERNAL;

	switch (field->type) {
	case MODEL_BOOL: return read_bool(&r, out);
	case MODEL_NUMBER: return read_number(&r, out);
	case MODEL_ENUM: return read_choice(&r, out);
	case MODEL_DOMAINS:
	case MODEL_FQDNS:
	case MODEL_ADDRESSES:
	case MODEL_PREFIXES:
	case MODEL_CHOICES: return read_list(&r, out);
	case MODEL_TEXT: result = read_text(&r, &kept); break;
	case MODEL_DOMAIN:
	case MODEL_FQDN: result = read_domain(&r, &kept); break;
	case MODEL_PATH: result = read_path(&r, &kept); break;
	case MODEL_ADDRESS: result = read_address(&r, &kept); break;
	case MODEL_PREFIX: result = read_prefix(&r, &kept); break;
	case MODEL_SIP_USER: result = read_sip_user(&r, &kept); break;
	}
	if (result == RESULT_OK)
		*out = (struct model_value){ .text = kept };
	return result;
}

enum result model_value_read(const struct model_field *field, struct slice text, struct arena *arena,
                             struct model_value *out, struct reason *reason)
{
	struct reason why = { "" };
	struct buffer allowed;
	enum result result = model_value_read_why(field, text, arena, out, &why);

	if (result == RESULT_OK)
		return result;
	buffer_start(&allowed, ALLOWED_BYTES);
	model_allowed(field, &allowed);
	fail(reason, result, "%s: %s; allowed: %.*s", field->name, why.text,
	     SLICE_ARG(buffer_slice(&allowed)));
	buffer_stop(&allowed);
	return result;
}

void model_value_write(const struct model_field *field, const struct model_value *value, struct buffer *out)
{
	switch (field->type) {
	case MODEL_BOOL: buffer_add(out, value->flag ? SLICE("true") : SLICE("false")); return;
	case MODEL_NUMBER: buffer_add_number(out, value->number); return;
	case MODEL_ENUM: buffer_add(out, model_choice(field, value->number)); return;
	case MODEL_TEXT:
	case MODEL_DOMAIN:
	case MODEL_FQDN:
	case MODEL_PATH:
	case MODEL_ADDRESS:
	case MODEL_PREFIX:
	case MODEL_SIP_USER: buffer_add(out, value->text); return;
	case MODEL_DOMAINS:
	case MODEL_FQDNS:
	case MODEL_ADDRESSES:
	case MODEL_PREFIXES:
	case MODEL_CHOICES: break;
	}
	for (size_t i = 0; i < value->list.count; i++) {
		if (i)
			buffer_add_char(out, ' ');
		buffer_add(out, value->list.items[i]);
	}
}

bool model_value_equal(const struct model_field *field, const struct model_value *a,
                       const struct model_value *b)
{
	switch (field->type) {
	case MODEL_BOOL: return a->flag == b->flag;
	case MODEL_NUMBER:
	case MODEL_ENUM: return a->number == b->number;
	case MODEL_TEXT:
	case MODEL_DOMAIN:
	case MODEL_FQDN:
	case MODEL_PATH:
	case MODEL_ADDRESS:
	case MODEL_PREFIX:
	case MODEL_SIP_USER: return slice_equal(a->text, b->text);
	case MODEL_DOMAINS:
	case MODEL_FQDNS:
	case MODEL_ADDRESSES:
	case MODEL_PREFIXES:
	case MODEL_CHOICES: break;
	}
	if (a->list.count != b->list.count)
		return false;
	for (size_t i = 0; i < a->list.count; i++)
		if (!slice_equal(a->list.items[i], b->list.items[i]))
			return false;
	return true;
}

bool model_value_is_empty(const struct model_field *field, const struct model_value *value)
{
	if (model_type_is_list(field->type))
		return value->list.count == 0;
	return field->type >= MODEL_TEXT && value->text.len == 0;
}

static void allow_bytes(const struct model_field *field, struct buffer *out)
{
	if (field->min)
		buffer_printf(out, "%llu to %llu bytes of printable text", (unsigned long long)field->min,
		              (unsigned long long)field->max);
	else
		buffer_printf(out, "at most %llu bytes of printable text", (unsigned long long)field->max);
}

static const char *item_words(enum model_type type)
{
	switch (type) {
	case MODEL_DOMAIN:
	case MODEL_DOMAINS: return "a domain name such as contoso.example";
	case MODEL_FQDN:
	case MODEL_FQDNS: return "a host name such as sip.contoso.example";
	case MODEL_SIP_USER: return "a SIP address such as alice@contoso.example";
	case MODEL_PATH: return "a path that starts with /, or one below the configuration folder";
	case MODEL_ADDRESS:
	case MODEL_ADDRESSES: return "192.0.2.1, 192.0.2.1:5061, 2001:db8::1 or [2001:db8::1]:5061";
	default: return "a prefix such as 10.0.0.0/8 or 2001:db8::/32";
	}
}

static void allow_choices(const struct model_field *field, struct buffer *out)
{
	struct slice choice;

	for (uint64_t i = 0; (choice = model_choice(field, i)).ptr; i++) {
		if (i)
			buffer_add(out, SLICE(", "));
		buffer_add(out, choice);
	}
}

void model_allowed(const struct model_field *field, struct buffer *out)
{
	switch (field->type) {
	case MODEL_BOOL: buffer_add(out, SLICE("true or false")); return;
	case MODEL_NUMBER:
		buffer_printf(out, "%llu to %llu%s%s", (unsigned long long)field->min,
		              (unsigned long long)field->max, field->unit[0] ? " " : "", field->unit);
		return;
	case MODEL_ENUM:
		buffer_add(out, SLICE("one of: "));
		allow_choices(field, out);
		return;
	case MODEL_TEXT: allow_bytes(field, out); return;
	default: break;
	}
	if (field->type == MODEL_CHOICES) {
		buffer_printf(out,
		              "%llu to %llu of these, separated by blanks: ", (unsigned long long)field->min,
		              (unsigned long long)field->max);
		allow_choices(field, out);
		return;
	}
	if (model_type_is_list(field->type))
		buffer_printf(out, "%llu to %llu items, separated by blanks, each ",
		              (unsigned long long)field->min, (unsigned long long)field->max);
	buffer_add(out, slice_of(item_words(field->type)));
	if (!model_type_is_list(field->type) && field->min == 0)
		buffer_add(out, SLICE(", or nothing"));
}
