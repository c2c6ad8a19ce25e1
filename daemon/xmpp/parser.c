/*
 * libxml2, seen only here: whole stanzas (or a document) to a tree.
 *
 * What has been tried with 2.9.14 and shapes this file:
 * - faults of namespaces are not fatal there (an unbound prefix is delivered
 *   as a name without one), so every error of any level ends the reading;
 * - it counts nothing: depth, attributes and children are counted here;
 * - a document type is told before its entities are declared, and stopped then;
 *   the framer refuses it earlier still;
 * - encodings are obeyed wherever they are named, so the declaration is never
 *   shown to it, the bytes are checked before, and it is told UTF-8 at birth;
 * - an ampersand in an attribute or a namespace comes as "&#38;", for a tree builder that would
 *   read it a second time; nothing else comes so.
 */
#include <libxml/parser.h>
#include <libxml/parserInternals.h>

#include "daemon/xmpp/reader.h"
#include "shared/base/memory.h"
#include "shared/base/text.h"

enum {
	POINTERS_PER_ATTRIBUTE = 5, /* libxml2: name, prefix, URI, value, end of value */
	POINTERS_PER_NAMESPACE = 2, /* prefix, URI */
	OPTIONS = XML_PARSE_NONET | XML_PARSE_NOCDATA | XML_PARSE_IGNORE_ENC | XML_PARSE_COMPACT,
};

struct xmpp_parser {
	xmlSAXHandler handler;
	xmlParserCtxtPtr context; /* of the piece being read; NULL between */
	struct xmpp_builder builder;
	struct xmpp_element *root, *at;
	struct buffer text; /* the run that is being collected */
	struct buffer
	        language; /* xml:lang of the stream's header, for stanzas that have none (RFC 6120 §4.7.4) */
	size_t depth, elements;
	bool is_header;   /* the header itself is wanted */
	bool is_priming;  /* in the header that stands before a stanza */
	bool is_document; /* comments and instructions are passed over, and there is no header */
	struct xmpp_fault fault;
};

static void refuse(struct xmpp_parser *p, enum xmpp_stream_error error, const char *why)
{
	if (p->fault.error != XMPP_STREAM_NONE)
		return;
	p->fault = (struct xmpp_fault){ error, why };
	if (p->context)
		xmlStopParser(p->context);
}

static void check_memory(struct xmpp_parser *p)
{
	if (p->builder.is_broken || p->text.is_broken)
		refuse(p, XMPP_STREAM_POLICY_VIOLATION, "the stanza needs more memory than one may");
}

/* ---- events ---- */

static void flush_text(struct xmpp_parser *p)
{
	if (buffer_length(&p->text) == 0)
		return;
	xmpp_add_text(&p->builder, p->at, buffer_slice(&p->text));
	buffer_clear(&p->text);
}

static struct slice slice_from(const xmlChar *text) { return slice_of((const char *)text); }

static bool is_too_long(const xmlChar *name, size_t max) { return name && slice_from(name).len > max; }

/* A value, or the name of a namespace, with its ampersands as they were meant. */
static struct slice meant(struct xmpp_parser *p, struct slice raw)
{
	struct slice mark = SLICE("&#38;");
	size_t used = 0;
	char *to;

	if (slice_find(raw, '&') == raw.len)
		return raw;
	if (!(to = arena_new(p->builder.arena, raw.len + 1))) {
		p->builder.is_broken = true;
		return SLICE_NONE;
	}
	while (raw.len) {
		bool is_mark = slice_starts(raw, mark);

		to[used++] = raw.ptr[0];
		raw = slice_after(raw, is_mark ? mark.len : 1);
	}
	return (struct slice){ to, used };
}

/* Namespaces of a header become attributes, so that who reads it can see what was declared. */
static void keep_namespaces(struct xmpp_parser *p, struct xmpp_element *element, int count,
                            const xmlChar **given)
{
	for (int i = 0; i < count; i++) {
		const xmlChar *prefix = given[i * POINTERS_PER_NAMESPACE],
		              *uri = given[i * POINTERS_PER_NAMESPACE + 1];

		if (prefix)
			xmpp_set_in(&p->builder, element, XMPP_NS_XMLNS, slice_from(prefix),
			            meant(p, slice_from(uri)));
		else
			xmpp_set(&p->builder, element, SLICE("xmlns"), meant(p, slice_from(uri)));
	}
}

static void keep_attributes(struct xmpp_parser *p, struct xmpp_element *element, int count,
                            const xmlChar **given)
{
	for (int i = 0; i < count; i++) {
		const xmlChar *const *a = given + (size_t)i * POINTERS_PER_ATTRIBUTE;

		if (is_too_long(a[0], XMPP_NAME_MAX) || is_too_long(a[2], XMPP_SPACE_MAX)) {
			refuse(p, XMPP_STREAM_POLICY_VIOLATION, "an attribute's name is too long");
			return;
		}
		xmpp_set_in(&p->builder, element, a[2] ? meant(p, slice_from(a[2])) : SLICE_NONE,
		            slice_from(a[0]),
		            meant(p, (struct slice){ (const char *)a[3], (size_t)(a[4] - a[3]) }));
	}
}

static void note_language(struct xmpp_parser *p, int count, const xmlChar **given)
{
	for (int i = 0; i < count; i++) {
		const xmlChar *const *a = given + (size_t)i * POINTERS_PER_ATTRIBUTE;

		if (a[2] && slice_equal(slice_from(a[2]), XMPP_NS_XML) &&
		    slice_equal(slice_from(a[0]), SLICE("lang")))
			buffer_add(&p->language,
			           meant(p, (struct slice){ (const char *)a[3], (size_t)(a[4] - a[3]) }));
	}
}

static const char *too_much(const struct xmpp_parser *p, const xmlChar *name, const xmlChar *uri,
                            int namespace_count, const xmlChar **namespaces, int count)
{
	if (p->depth > XMPP_DEPTH_MAX)
		return "elements are nested too deep";
	if (p->elements > XMPP_CHILDREN_MAX)
		return "the stanza has too many elements";
	if (count > XMPP_ATTRIBUTES_MAX)
		return "an element has too many attributes";
	if (namespace_count > XMPP_NAMESPACES_MAX)
		return "an element declares too many namespaces";
	if (is_too_long(name, XMPP_NAME_MAX) || is_too_long(uri, XMPP_SPACE_MAX))
		return "an element's name is too long";
	for (int i = 0; i < namespace_count; i++)
		if (is_too_long(namespaces[i * POINTERS_PER_NAMESPACE], XMPP_NAME_MAX) ||
		    is_too_long(namespaces[i * POINTERS_PER_NAMESPACE + 1], XMPP_SPACE_MAX))
			return "a namespace's name is too long";
	return NULL;
}

static void on_open(void *to, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri,
                    int namespace_count, const xmlChar **namespaces, int count, int defaulted,
                    const xmlChar **given)
{
	struct xmpp_parser *p = to;
	const char *fault;

	(void)prefix;
	(void)defaulted;
	if (p->fault.error != XMPP_STREAM_NONE)
		return;
	if (p->is_priming) {
		p->is_priming = false;
		note_language(p, count, given);
		return;
	}
	p->depth++;
	p->elements++;
	if ((fault = too_much(p, name, uri, namespace_count, namespaces, count)) != NULL) {
		refuse(p, XMPP_STREAM_POLICY_VIOLATION, fault);
		return;
	}
	if (p->depth == 1 && p->root) {
		refuse(p, XMPP_STREAM_NOT_WELL_FORMED, "two elements stand where one was seen");
		return;
	}
	flush_text(p);
	p->at = xmpp_add(&p->builder, p->at, uri ? meant(p, slice_from(uri)) : SLICE_NONE, slice_from(name));
	if (!p->root)
		p->root = p->at;
	keep_attributes(p, p->at, count, given);
	if (p->is_header)
		keep_namespaces(p, p->at, namespace_count, namespaces);
	check_memory(p);
}

static void on_close(void *to, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri)
{
	struct xmpp_parser *p = to;

	(void)name;
	(void)prefix;
	(void)uri;
	if (p->fault.error != XMPP_STREAM_NONE)
		return;
	if (p->depth == 0) {
		refuse(p, XMPP_STREAM_NOT_WELL_FORMED, "the stream ends where a stanza was seen");
		return;
	}
	flush_text(p);
	check_memory(p);
	p->depth--;
	p->at = p->at ? p->at->parent : NULL;
}

static void on_text(void *to, const xmlChar *bytes, int length)
{
	struct xmpp_parser *p = to;

	if (p->fault.error != XMPP_STREAM_NONE || !p->at)
		return;
	buffer_add(&p->text, (struct slice){ (const char *)bytes, (size_t)length });
	check_memory(p);
}

static void on_comment(void *to, const xmlChar *text)
{
	struct xmpp_parser *p = to;

	(void)text;
	if (!p->is_document)
		refuse(p, XMPP_STREAM_RESTRICTED_XML, "a comment came");
}

static void on_instruction(void *to, const xmlChar *target, const xmlChar *text)
{
	struct xmpp_parser *p = to;

	(void)target;
	(void)text;
	if (!p->is_document)
		refuse(p, XMPP_STREAM_RESTRICTED_XML, "a processing instruction came");
}

static void on_document_type(void *to, const xmlChar *name, const xmlChar *id, const xmlChar *system)
{
	(void)name;
	(void)id;
	(void)system;
	refuse(to, XMPP_STREAM_RESTRICTED_XML, "a document type came");
}

static void on_reference(void *to, const xmlChar *name)
{
	(void)name;
	refuse(to, XMPP_STREAM_RESTRICTED_XML, "a reference to an entity came");
}

static void on_error(void *to, xmlErrorPtr error)
{
	struct xmpp_parser *p = to;

	if (error->level < XML_ERR_ERROR)
		return;
	switch (error->code) {
	case XML_ERR_NO_MEMORY: refuse(p, XMPP_STREAM_INTERNAL_SERVER_ERROR, "out of memory"); break;
	case XML_ERR_UNDECLARED_ENTITY:
		refuse(p, XMPP_STREAM_RESTRICTED_XML, "a reference to an entity came");
		break;
	default:
		refuse(p, XMPP_STREAM_NOT_WELL_FORMED,
		       error->domain == XML_FROM_NAMESPACE ? "namespaces are used wrongly"
		                                           : "the XML is not well-formed");
	}
}

/* ---- reading ---- */

struct xmpp_parser *xmpp_parser_new(void)
{
	struct xmpp_parser *p = mem_new(sizeof *p);

	if (!p)
		return NULL;
	p->handler = (xmlSAXHandler){ .initialized = XML_SAX2_MAGIC,
		                      .startElementNs = on_open,
		                      .endElementNs = on_close,
		                      .characters = on_text,
		                      .ignorableWhitespace = on_text,
		                      .comment = on_comment,
		                      .processingInstruction = on_instruction,
		                      .internalSubset = on_document_type,
		                      .reference = on_reference,
		                      .serror = on_error };
	buffer_start(&p->text, XMPP_STANZA_CEILING);
	buffer_start(&p->language, XMPP_HEADER_MAX);
	return p;
}

void xmpp_parser_free(struct xmpp_parser **parser)
{
	struct xmpp_parser *p = *parser;

	if (!p)
		return;
	buffer_stop(&p->text);
	buffer_stop(&p->language);
	mem_free(p);
	*parser = NULL;
}

static bool begin(struct xmpp_parser *p, struct arena *arena)
{
	p->builder = (struct xmpp_builder){ .arena = arena };
	p->root = p->at = NULL;
	p->depth = p->elements = 0;
	p->is_header = p->is_priming = p->is_document = false;
	p->fault = (struct xmpp_fault){ 0 };
	buffer_clear(&p->text);
	buffer_clear(&p->language);
	p->context = xmlCreatePushParserCtxt(&p->handler, p, NULL, 0, NULL);
	if (!p->context) {
		refuse(p, XMPP_STREAM_INTERNAL_SERVER_ERROR, "out of memory");
		return false;
	}
	xmlCtxtUseOptions(p->context, OPTIONS);
	xmlSwitchEncoding(p->context, XML_CHAR_ENCODING_UTF8);
	return true;
}

static void feed(struct xmpp_parser *p, struct slice bytes, bool is_last)
{
	if (p->fault.error != XMPP_STREAM_NONE)
		return;
	xmlParseChunk(p->context, bytes.ptr, (int)bytes.len, is_last);
	if (p->fault.error == XMPP_STREAM_NONE && (!p->context->wellFormed || !p->context->nsWellFormed))
		refuse(p, XMPP_STREAM_NOT_WELL_FORMED, "the XML is not well-formed");
}

static bool end(struct xmpp_parser *p, struct xmpp_element **out, struct xmpp_fault *fault)
{
	if (p->context)
		xmlFreeParserCtxt(p->context);
	p->context = NULL;
	*fault = p->fault;
	*out = p->fault.error == XMPP_STREAM_NONE ? p->root : NULL;
	return *out != NULL;
}

bool xmpp_parser_read(struct xmpp_parser *p, struct slice header, struct slice stanza, struct arena *arena,
                      struct xmpp_element **out, struct xmpp_fault *fault)
{
	size_t open = stanza.len ? 0 : 1; /* a header stays open, a stanza does not */

	if (begin(p, arena)) {
		p->is_priming = stanza.len > 0;
		p->is_header = !p->is_priming;
		if (!text_is_utf8(stanza.len ? stanza : header))
			refuse(p, XMPP_STREAM_NOT_WELL_FORMED, "the bytes are no UTF-8");
		feed(p, header, false);
		if (stanza.len)
			feed(p, stanza, false);
		/* What was framed as one element must be one, whole. */
		if (p->fault.error == XMPP_STREAM_NONE && (!p->root || p->depth != open))
			refuse(p, XMPP_STREAM_NOT_WELL_FORMED, "the XML is not well-formed");
		if (stanza.len && buffer_length(&p->language) && p->fault.error == XMPP_STREAM_NONE &&
		    !xmpp_language(p->root).ptr)
			xmpp_set_language(&p->builder, p->root, buffer_slice(&p->language));
		check_memory(p);
	}
	return end(p, out, fault);
}

static bool read_document(struct xmpp_parser *p, struct slice bytes, struct arena *arena,
                          struct xmpp_element **out, struct xmpp_fault *fault)
{
	struct slice mark = SLICE("\xef\xbb\xbf");
	size_t declaration;

	if (slice_starts(bytes, mark))
		bytes = slice_after(bytes, mark.len);
	if (xmpp_declaration_read(bytes, &declaration, fault) == RESULT_INVALID)
		return false;
	bytes = slice_after(bytes, declaration);
	if (begin(p, arena)) {
		p->is_document = true;
		if (bytes.len > XMPP_STANZA_MAX)
			refuse(p, XMPP_STREAM_POLICY_VIOLATION, "the document is too long");
		if (!text_is_utf8(bytes))
			refuse(p, XMPP_STREAM_NOT_WELL_FORMED, "the bytes are no UTF-8");
		feed(p, bytes, true);
		if (p->fault.error == XMPP_STREAM_NONE && (!p->root || p->depth != 0))
			refuse(p, XMPP_STREAM_NOT_WELL_FORMED, "the XML is not well-formed");
		check_memory(p);
	}
	return end(p, out, fault);
}

enum result xmpp_document_read(struct xmpp_parser *parser, struct slice bytes, struct arena *arena,
                               struct xmpp_element **out, struct reason *reason)
{
	struct xmpp_fault fault = { 0 };

	*out = NULL;
	if (read_document(parser, bytes, arena, out, &fault))
		return RESULT_OK;
	return fail(reason,
	            fault.error == XMPP_STREAM_INTERNAL_SERVER_ERROR ? RESULT_NO_MEMORY : RESULT_INVALID,
	            "no XML document: %s", fault.why ? fault.why : "it is empty");
}
