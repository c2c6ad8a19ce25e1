/*
 * A tree as bytes.  Whatever is in the tree, what leaves is well-formed XML 1.0
 * with namespaces and says exactly what the tree says: names are checked,
 * texts are checked and escaped, prefixes are ours.
 *
 * Names must be ASCII: no XMPP protocol has others, and readers of the fourth
 * edition of XML 1.0 (expat) refuse letters that those of the fifth allow.
 */
#include "shared/base/text.h"
#include "daemon/xmpp/xmpp.h"

struct writing {
	struct buffer *out;
	const struct xmpp_scope *scope;
	bool is_refused;
};

static bool is_name_start(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }

static bool is_name(struct slice name)
{
	if (name.len == 0 || name.len > XMPP_NAME_MAX || !is_name_start(name.ptr[0]))
		return false;
	for (size_t i = 1; i < name.len; i++) {
		char c = name.ptr[i];

		if (!is_name_start(c) && !(c >= '0' && c <= '9') && c != '-' && c != '.')
			return false;
	}
	return true;
}

/* Bytes of the character at the start of `text` that may stand in XML 1.0 §2.2; 0: none. */
static size_t character(struct slice text)
{
	uint32_t c;
	size_t n = text_utf8_decode(text, &c);

	return n == 0 || (c < 0x20 && c != '\t' && c != '\n' && c != '\r') || c == 0xfffe || c == 0xffff ? 0
	                                                                                                 : n;
}

bool xmpp_text_is_writable(struct slice text)
{
	while (text.len) {
		size_t n = character(text);

		if (n == 0)
			return false;
		text = slice_after(text, n);
	}
	return true;
}

struct slice xmpp_text_cleaned(struct slice text, struct arena *arena, size_t *replaced)
{
	static const char mark[] = "\xef\xbf\xbd"; /* U+FFFD */
	size_t length = 0, used = 0;
	char *clean;

	*replaced = 0;
	for (struct slice rest = text; rest.len;) {
		size_t n = character(rest), whole = n ? n : text_utf8_length(rest);

		*replaced += n == 0;
		length += n ? n : sizeof mark - 1;
		rest = slice_after(rest, whole ? whole : 1);
	}
	if (*replaced == 0)
		return text;
	if (!(clean = arena_new(arena, length + 1)))
		return SLICE_NONE;
	while (text.len) {
		size_t n = character(text), whole = n ? n : text_utf8_length(text);

		memcpy(clean + used, n ? text.ptr : mark, n ? n : sizeof mark - 1);
		used += n ? n : sizeof mark - 1;
		text = slice_after(text, whole ? whole : 1);
	}
	return (struct slice){ clean, length };
}

/*
 * White space is written as a reference where a reader would change it: all of
 * it but the blank in an attribute (XML 1.0 §3.3.3), CR everywhere (§2.11).
 */
static struct slice escape_of(char c, bool is_attribute)
{
	switch (c) {
	case '&': return SLICE("&amp;");
	case '<': return SLICE("&lt;");
	case '>': return SLICE("&gt;"); /* "]]>" may not stand in text (§2.4) */
	case '\r': return SLICE("&#13;");
	case '"': return is_attribute ? SLICE("&quot;") : SLICE_NONE;
	case '\'': return is_attribute ? SLICE("&apos;") : SLICE_NONE;
	case '\t': return is_attribute ? SLICE("&#9;") : SLICE_NONE;
	case '\n': return is_attribute ? SLICE("&#10;") : SLICE_NONE;
	default: return SLICE_NONE;
	}
}

static void put(struct writing *w, struct slice bytes) { buffer_add(w->out, bytes); }

/* Copies runs that need nothing in one piece: nearly all of a long body. */
static void put_escaped(struct writing *w, struct slice text, bool is_attribute)
{
	size_t start = 0, at = 0;

	while (at < text.len) {
		char c = text.ptr[at];
		size_t n = (unsigned char)c >= 0x20 && (unsigned char)c < 0x80
		                   ? 1
		                   : character(slice_after(text, at));
		struct slice escape = n == 1 ? escape_of(c, is_attribute) : SLICE_NONE;

		if (n == 0) {
			w->is_refused = true;
			return;
		}
		if (escape.len) {
			put(w, (struct slice){ text.ptr + start, at - start });
			put(w, escape);
			start = at + 1;
		}
		at += n;
	}
	put(w, slice_after(text, start));
}

static void put_declaration(struct writing *w, struct slice head, struct slice space)
{
	put(w, head);
	put(w, SLICE("='"));
	put_escaped(w, space, true);
	put(w, SLICE("'"));
}

static void put_attributes(struct writing *w, const struct xmpp_element *element)
{
	unsigned prefixes = 0;

	for (const struct xmpp_attribute *a = element->attributes; a; a = a->next) {
		w->is_refused |= !is_name(a->name) ||
		                 (a->space.len == 0 && slice_equal(a->name, SLICE("xmlns")));
		put(w, SLICE(" "));
		if (slice_equal(a->space, XMPP_NS_XML)) {
			put(w, SLICE("xml:"));
		} else if (a->space.len) {
			/* A prefix for each: such attributes are rare, and two of one namespace rarer. */
			buffer_printf(w->out, "xmlns:a%u", prefixes);
			put_declaration(w, SLICE(""), a->space);
			buffer_printf(w->out, " a%u:", prefixes++);
		}
		put(w, a->name);
		put(w, SLICE("='"));
		put_escaped(w, a->value, true);
		put(w, SLICE("'"));
	}
}

static struct slice prefix_of(const struct writing *w, struct slice space)
{
	if (w->scope->has_stream && slice_equal(space, XMPP_NS_STREAM))
		return SLICE("stream:");
	if (slice_equal(space, XMPP_NS_DIALBACK))
		return SLICE("db:"); /* some know no other prefix */
	return SLICE("");
}

/* `space` is the default namespace where the element stands.  Recursion ends at XMPP_DEPTH_MAX. */
static void put_element(struct writing *w, const struct xmpp_element *element, struct slice space,
                        unsigned depth)
{
	struct slice prefix = prefix_of(w, element->space);

	if (depth > XMPP_DEPTH_MAX || !is_name(element->name) || element->space.len > XMPP_SPACE_MAX)
		w->is_refused = true;
	if (w->is_refused || w->out->is_broken)
		return;
	put(w, SLICE("<"));
	put(w, prefix);
	put(w, element->name);
	if (prefix.len) {
		if (slice_equal(element->space, XMPP_NS_DIALBACK) && !w->scope->has_dialback)
			put_declaration(w, SLICE(" xmlns:db"), element->space);
	} else if (!slice_equal(element->space, space)) {
		put_declaration(w, SLICE(" xmlns"), element->space);
		space = element->space;
	}
	put_attributes(w, element);
	if (!element->first) {
		put(w, SLICE("/>"));
		return;
	}
	put(w, SLICE(">"));
	for (const struct xmpp_element *at = element->first; at; at = at->next) {
		if (xmpp_is_text(at))
			put_escaped(w, at->text, false);
		else
			put_element(w, at, space, depth + 1);
	}
	put(w, SLICE("</"));
	put(w, prefix);
	put(w, element->name);
	put(w, SLICE(">"));
}

bool xmpp_write(const struct xmpp_element *element, const struct xmpp_scope *scope, struct buffer *out)
{
	struct writing writing = { .out = out, .scope = scope };
	size_t before = buffer_length(out);

	if (out->is_broken)
		return false;
	put_element(&writing, element, scope->space, 1);
	if (!writing.is_refused && !out->is_broken)
		return true;
	out->end = out->start + before; /* the buffer may have moved; what was in it is still in front */
	out->is_broken = false;
	return false;
}
