/*
 * mime: the part of a SIP body that is the message (RFC 2046 §5.1, RFC 5621).
 * Only slices of the body are made.  Each level looks at its own bytes once, so
 * TRANSLATE_DEPTH_MAX and TRANSLATE_PARTS_MAX bound the work.
 */
#include "daemon/translate/parts.h"

bool translate_type_is(const struct translate_body *body, const char *type)
{
	return slice_equal_nocase(body->type, slice_of(type));
}

bool translate_type_read(struct slice value, struct slice *type, struct slice *params)
{
	size_t semicolon = slice_find(value, ';');

	*type = slice_trim(slice_first(value, semicolon));
	*params = semicolon < value.len ? slice_after(value, semicolon + 1) : SLICE("");

	size_t slash = slice_find(*type, '/');

	return slash < type->len && translate_is_token(slice_first(*type, slash), 127) &&
	       translate_is_token(slice_after(*type, slash + 1), 127);
}

/* A line without its end off the front of `*rest`. */
static struct slice take_line(struct slice *rest)
{
	size_t end = slice_find(*rest, '\n');
	struct slice line = slice_first(*rest, end);

	*rest = slice_after(*rest, end < rest->len ? end + 1 : end);
	if (line.len > 0 && line.ptr[line.len - 1] == '\r')
		line.len--;
	return line;
}

bool translate_part_header(struct slice *rest, struct slice *name, struct slice *value)
{
	struct slice line = take_line(rest);
	size_t colon = slice_find(line, ':');

	if (colon == line.len)
		return false;
	*name = slice_trim(slice_first(line, colon));
	*value = slice_trim(slice_after(line, colon + 1));
	/* A folded line belongs to this value; its bytes lie behind it. */
	while (rest->len > 0 && (rest->ptr[0] == ' ' || rest->ptr[0] == '\t')) {
		struct slice more = take_line(rest);

		if (value->len == 0)
			*value = more;
		else
			value->len = (size_t)(more.ptr + more.len - value->ptr);
	}
	return name->len > 0;
}

bool translate_is_plain_coding(struct slice name, struct slice value)
{
	return !slice_equal_nocase(name, SLICE("content-transfer-encoding")) ||
	       slice_equal_nocase(value, SLICE("7bit")) || slice_equal_nocase(value, SLICE("8bit")) ||
	       slice_equal_nocase(value, SLICE("binary"));
}

/* ---- multipart ---- */

/*
 * The boundary and nothing else, but blanks (§5.1.1): where the boundary of one level begins with that of another, a
 * line of the inner one is none of the outer's.
 */
static bool is_delimiter(struct slice line, struct slice boundary)
{
	if (!slice_starts(line, SLICE("--")) || !slice_starts(slice_after(line, 2), boundary))
		return false;
	line = slice_after(line, 2 + boundary.len);
	if (slice_starts(line, SLICE("--")))
		line = slice_after(line, 2);
	line = take_line(&line);
	return slice_trim(line).len == 0;
}

/* Where "--boundary" starts a line; `bytes.len` when nowhere. */
static size_t find_delimiter(struct slice bytes, struct slice boundary)
{
	size_t at = 0;

	while (at < bytes.len) {
		struct slice line = slice_after(bytes, at);

		if (is_delimiter(line, boundary))
			return at;
		at += slice_find(line, '\n') + 1;
	}
	return bytes.len;
}

/* Takes the next part; false at the closing delimiter or the end.  `*rest` begins at a delimiter. */
static bool next_part(struct slice *rest, struct slice boundary, struct slice *part)
{
	if (rest->len < boundary.len + 2)
		return false;
	*rest = slice_after(*rest, boundary.len + 2);
	if (slice_starts(*rest, SLICE("--")))
		return false;
	(void)take_line(rest);
	*part = slice_first(*rest, find_delimiter(*rest, boundary));
	*rest = slice_after(*rest, part->len);
	/* The line end before the delimiter belongs to the delimiter (§5.1.1). */
	if (part->len > 0 && part->ptr[part->len - 1] == '\n')
		part->len--;
	if (part->len > 0 && part->ptr[part->len - 1] == '\r')
		part->len--;
	return true;
}

/* Header lines up to the empty one.  False: a part we do not read. */
static bool read_part(struct slice part, struct translate_body *body)
{
	body->type = SLICE("text/plain"); /* §5.1: a part without one */
	body->params = SLICE("");
	while (part.len > 0 && !slice_starts(part, SLICE("\r\n")) && part.ptr[0] != '\n') {
		struct slice name, value;

		if (!translate_part_header(&part, &name, &value))
			return false;
		if (slice_equal_nocase(name, SLICE("content-type")) &&
		    !translate_type_read(value, &body->type, &body->params))
			return false;
		if (slice_equal_nocase(name, SLICE("content-language")))
			body->language = value;
		if (slice_equal_nocase(name, SLICE("content-disposition")) &&
		    slice_starts_nocase(value, SLICE("attachment")))
			return false;
		if (!translate_is_plain_coding(name, value))
			return false;
	}
	(void)take_line(&part);
	body->bytes = part;
	return true;
}

/* How gladly we take it; 0: not at all. */
static int rank_of(const struct translate_body *body)
{
	static const char *const types[] = { "text/html", "application/xml", "message/imdn+xml",
		                             "application/im-iscomposing+xml", "text/plain" };

	for (size_t i = 0; i < sizeof types / sizeof *types; i++)
		if (translate_type_is(body, types[i]))
			return (int)i + 1;
	return 0;
}

static bool find_in_parts(struct translate_body *body, int depth, const char **why)
{
	struct slice boundary, rest = body->bytes, part;
	struct translate_body best = { 0 };
	int best_rank = 0;

	if (!sip_param(body->params, SLICE("boundary"), &boundary) || boundary.len == 0 ||
	    boundary.len > 70) {
		*why = "a multipart body without a boundary";
		return false;
	}
	rest = slice_after(rest, find_delimiter(rest, boundary));
	for (int parts = 0; next_part(&rest, boundary, &part); parts++) {
		struct translate_body candidate = *body;

		if (parts == TRANSLATE_PARTS_MAX) {
			*why = "a multipart body of more than 32 parts";
			return false;
		}
		if (read_part(part, &candidate) && translate_body_find(&candidate, depth + 1, why) &&
		    rank_of(&candidate) > best_rank) {
			best = candidate;
			best_rank = rank_of(&candidate);
		}
	}
	if (best_rank)
		*body = best;
	return best_rank > 0;
}

bool translate_body_find(struct translate_body *body, int depth, const char **why)
{
	if (depth > TRANSLATE_DEPTH_MAX) {
		*why = "bodies within bodies, more than four deep";
		return false;
	}
	if (slice_starts_nocase(body->type, SLICE("multipart/")))
		return find_in_parts(body, depth, why);
	if (translate_type_is(body, "message/cpim"))
		return translate_cpim_open(body, why) && translate_body_find(body, depth + 1, why);
	if (rank_of(body) > 0)
		return true;
	*why = "a body that is not text";
	return false;
}
