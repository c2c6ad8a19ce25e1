/*
 * Domain names: IDNA2008 (RFC 5890, RFC 5891) with the mapping of UTS 46, non-transitional.
 *
 * Names of ASCII letters without "xn--", that is nearly all, never reach the library.
 *
 * The STD3 rules are kept here and not by libidn2: asked to keep them, 2.3.3
 * deletes the characters they forbid ("a_b" becomes "ab", "[::1]" becomes "1")
 * where it should refuse.
 */
#include "daemon/names/parts.h"

#include <idn2.h>

#include "shared/base/text.h"

enum { SHOWN_BYTES = 160 };

enum result names_refuse(struct reason *reason, struct slice text, const char *why)
{
	char shown[SHOWN_BYTES];

	return fail(reason, RESULT_INVALID, "\"%s\" %s", text_shown(text, shown, sizeof shown), why);
}

static bool is_host_character(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; }

static bool starts_as_a_label(struct slice label) { return slice_starts_nocase(label, SLICE("xn--")); }

/*
 * Would anything read this last label as a number and with it the whole name
 * as an IPv4 address?  inet_aton takes "127.1", "0x7f000001" and "2130706433".
 */
static bool is_number(struct slice label)
{
	if (slice_starts(label, SLICE("0x"))) {
		label = slice_after(label, 2);
		while (label.len > 0 && strchr("0123456789abcdef", label.ptr[0]) && label.ptr[0])
			label = slice_after(label, 1);
		return label.len == 0;
	}
	while (label.len > 0 && label.ptr[0] >= '0' && label.ptr[0] <= '9')
		label = slice_after(label, 1);
	return label.len == 0;
}

/* NULL: `name`, lower case, is a host name (RFC 1123 §2.1, RFC 1034 §3.1). */
static const char *host_fault(struct slice name)
{
	struct slice rest = name, label = SLICE_NONE;

	if (name.len == 0)
		return "is no domain name: it is empty";
	if (name.len > NAMES_DOMAIN_MAX)
		return "is no domain name: it is longer than 253 bytes";
	while (slice_next(&rest, '.', &label)) {
		if (label.len == 0)
			return "is no domain name: a label is empty";
		if (label.len > NAMES_LABEL_MAX)
			return "is no domain name: a label is longer than 63 bytes";
		if (label.ptr[0] == '-' || label.ptr[label.len - 1] == '-')
			return "is no domain name: a label starts or ends with a hyphen";
		for (size_t i = 0; i < label.len; i++)
			if (!is_host_character(label.ptr[i]))
				return "is no domain name: only letters, digits and hyphens may stand in a "
				       "label";
	}
	return is_number(label) ? "is an IP address or a number, not a domain name" : NULL;
}

/*
 * Letters, digits and hyphens in labels, and nothing else to be said about it: nearly all names.  Once over the bytes;
 * `false` is no fault, it means that somebody has to look closer.
 */
static bool is_plain_host(struct slice name)
{
	size_t begin = 0;

	if (name.len == 0 || name.len > NAMES_DOMAIN_MAX)
		return false;
	for (size_t i = 0; i <= name.len; i++) {
		size_t length = i - begin;

		if (i < name.len && name.ptr[i] != '.') {
			if (!is_host_character(name.ptr[i]))
				return false;
			continue;
		}
		if (length == 0 || length > NAMES_LABEL_MAX || name.ptr[begin] == '-' ||
		    name.ptr[i - 1] == '-')
			return false;
		if (length >= 4 && memcmp(name.ptr + begin, "xn--", 4) == 0)
			return false;
		if (i < name.len)
			begin = i + 1;
	}
	/* No number begins with a letter, and no last label that begins with one is read as a number. */
	return name.ptr[begin] >= 'a' && name.ptr[begin] <= 'z';
}

bool names_domain_is_prepared(struct slice name)
{
	char prepared[NAMES_DOMAIN_BYTES];

	return is_plain_host(name) || (names_domain_prepare(name, prepared, NULL) == RESULT_OK &&
	                               slice_equal(slice_of(prepared), name));
}

bool names_would_vanish(uint32_t c)
{
	static const struct {
		uint32_t first, last;
	} ranges[] = {
		{ 0x00ad, 0x00ad },   { 0x034f, 0x034f },   { 0x061c, 0x061c }, { 0x115f, 0x1160 },
		{ 0x17b4, 0x17b5 },   { 0x180b, 0x180f },   { 0x200b, 0x200b }, { 0x200e, 0x200f },
		{ 0x202a, 0x202e },   { 0x2060, 0x206f },   { 0x3164, 0x3164 }, { 0xfe00, 0xfe0f },
		{ 0xfeff, 0xfeff },   { 0xffa0, 0xffa0 },   { 0xfff0, 0xfff8 }, { 0x1bca0, 0x1bca3 },
		{ 0x1d173, 0x1d17a }, { 0xe0000, 0xe0fff },
	};

	for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++)
		if (c >= ranges[i].first && c <= ranges[i].last)
			return true;
	return false;
}

/* NULL: UTF-8 whose ASCII part could be a host name. Says whether the library is needed. */
static const char *input_fault(struct slice text, bool *is_international)
{
	struct slice rest = text, label;

	*is_international = false;
	while (text.len > 0) {
		uint32_t c;
		size_t n = text_utf8_decode(text, &c);

		if (n == 0)
			return "is no domain name: it is not UTF-8";
		if (n == 1 && c != '.' && !is_host_character(ascii_lower((char)c)))
			return c == ':' || c == '[' || c == ']'
			               ? "is no domain name: an address or a port cannot stand here"
			               : "is no domain name: only letters, digits and hyphens may stand in a "
			                 "label";
		if (n > 1 && (names_would_vanish(c) || (text_is_hidden(c) && c != 0x200c && c != 0x200d)))
			return "is no domain name: it holds an invisible character";
		*is_international |= n > 1;
		text = slice_after(text, n);
	}
	while (slice_next(&rest, '.', &label))
		*is_international |= starts_as_a_label(label);
	return NULL;
}

/* `lower` is NUL-terminated; the outcome goes to `out`. NULL: done. */
static const char *to_a_labels(const char *lower, char out[NAMES_DOMAIN_BYTES], enum result *result)
{
	uint8_t *prepared = NULL;
	int code = idn2_lookup_u8((const uint8_t *)lower, &prepared, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
	const char *fault = NULL;

	if (code != IDN2_OK) {
		*result = code == IDN2_MALLOC ? RESULT_NO_MEMORY : RESULT_INVALID;
		return idn2_strerror(code);
	}
	if (!slice_to_text(slice_of((const char *)prepared), out, NAMES_DOMAIN_BYTES)) {
		*result = RESULT_INVALID;
		fault = "domain name longer than 253 bytes";
	}
	idn2_free(prepared);
	return fault;
}

/* A dot at the end says "from the root" and nothing else (RFC 1034 §3.1). */
static struct slice without_root(struct slice name)
{
	return name.len > 1 && name.ptr[name.len - 1] == '.' ? slice_first(name, name.len - 1) : name;
}

static enum result prepare(struct slice text, char out[NAMES_DOMAIN_BYTES], struct reason *reason)
{
	char lower[NAMES_INPUT_MAX + 1], shown[SHOWN_BYTES];
	struct slice name = text;
	enum result result = RESULT_OK;
	bool is_international;
	const char *fault;

	if (is_plain_host(text)) {
		memmove(out, text.ptr, text.len);
		out[text.len] = '\0';
		return RESULT_OK;
	}
	if (text.len > NAMES_INPUT_MAX)
		return names_refuse(reason, text, "is no domain name: it is too long");
	if ((fault = input_fault(text, &is_international)) != NULL)
		return names_refuse(reason, text, fault);
	for (size_t i = 0; i < name.len; i++)
		lower[i] = ascii_lower(name.ptr[i]); /* bytes of UTF-8 above 0x7f are not touched */
	lower[name.len] = '\0';
	name = (struct slice){ lower, name.len };
	if (is_international) {
		if ((fault = to_a_labels(lower, out, &result)) != NULL)
			return fail(reason, result, "\"%s\" is no domain name: %s",
			            text_shown(text, shown, sizeof shown), fault);
		name = slice_of(out);
	}
	name = without_root(name);
	if ((fault = host_fault(name)) != NULL)
		return names_refuse(reason, text, fault);
	memmove(out, name.ptr, name.len);
	out[name.len] = '\0';
	return RESULT_OK;
}

enum result names_domain_prepare(struct slice text, char out[NAMES_DOMAIN_BYTES], struct reason *reason)
{
	enum result result = prepare(text, out, reason);

	if (result != RESULT_OK)
		out[0] = '\0';
	return result;
}

/* Does `domain` have U-labels that lead back to it?  They are the caller's, freed with idn2_free. */
static char *honest_u_labels(struct slice domain)
{
	char text[NAMES_DOMAIN_BYTES], back[NAMES_DOMAIN_BYTES];
	char *shown = NULL;

	if (slice_to_text(domain, text, sizeof text) && idn2_to_unicode_8z8z(text, &shown, 0) == IDN2_OK &&
	    names_domain_prepare(slice_of(shown), back, NULL) == RESULT_OK &&
	    slice_equal(slice_of(back), domain))
		return shown;
	idn2_free(shown);
	return NULL;
}

/* Nearly all names have no A-labels, and then the library has nothing to say. */
static bool has_a_labels(struct slice domain)
{
	struct slice label;

	while (slice_next(&domain, '.', &label))
		if (starts_as_a_label(label))
			return true;
	return false;
}

void names_domain_unicode(struct slice domain, struct buffer *out)
{
	char *shown = has_a_labels(domain) ? honest_u_labels(domain) : NULL;

	buffer_add(out, shown ? slice_of(shown) : domain);
	idn2_free(shown);
}

void names_domain_show(struct slice domain, struct buffer *out)
{
	char *shown = honest_u_labels(domain);

	text_escape(out, shown ? slice_of(shown) : domain);
	idn2_free(shown);
}
