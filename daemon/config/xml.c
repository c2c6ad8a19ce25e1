#include "daemon/config/xml.h"

#include <libxml/parser.h>
#include <libxml/parserInternals.h>
#include <libxml/SAX2.h>

#include "daemon/config/config.h"
#include "daemon/config/prolog.h"
#include "shared/base/text.h"

enum {
	CHUNK_BYTES = 64 * 1024, /* fed at once: a refusal comes before the next */
	WORDS_BYTES = 160,
	POINTERS_PER_ATTRIBUTE = 5, /* libxml2: name, prefix, URI, value, end of value */
};

struct config_xml {
	const struct config_xml_events *events;
	struct config_xml_fault *fault;
	xmlParserCtxtPtr parser;
	enum result result;
	bool is_stopped;
	size_t depth, elements;
	struct buffer values; /* of one element's attributes */
};

uint32_t config_xml_line(const struct config_xml *xml)
{
	int line = xml->parser ? xmlSAX2GetLineNumber(xml->parser) : 0;

	return line > 0 ? (uint32_t)line : 0;
}

void config_xml_stop(struct config_xml *xml)
{
	xml->is_stopped = true;
	xmlStopParser(xml->parser);
}

__attribute__((format(printf, 3, 4))) static void refuse(struct config_xml *xml, const char *allowed,
                                                         const char *format, ...)
{
	va_list args;

	if (xml->is_stopped)
		return;
	va_start(args, format);
	vsnprintf(xml->fault->why.text, sizeof xml->fault->why.text, format, args);
	va_end(args);
	xml->fault->allowed = allowed;
	xml->fault->line = config_xml_line(xml);
	xml->result = RESULT_INVALID;
	config_xml_stop(xml);
}

static void out_of_memory(struct config_xml *xml)
{
	if (xml->is_stopped)
		return;
	xml->result = RESULT_NO_MEMORY;
	config_xml_stop(xml);
}

/* ---- events of the parser ---- */

/*
 * The parser leaves an ampersand in an attribute as "&#38;", for a tree builder that
 * would read it a second time; nothing else is left so.
 */
static bool read_attributes(struct config_xml *xml, const xmlChar **given, size_t count,
                            struct config_attribute attributes[CONFIG_ATTRIBUTES_MAX])
{
	struct slice mark = SLICE("&#38;");
	size_t at = 0;

	buffer_clear(&xml->values);
	for (size_t i = 0; i < count; i++) {
		const xmlChar *const *a = given + i * POINTERS_PER_ATTRIBUTE;
		struct slice rest = { (const char *)a[3], (size_t)(a[4] - a[3]) };
		size_t before = buffer_length(&xml->values);

		while (rest.len) {
			bool is_ampersand = slice_starts(rest, mark);

			buffer_add_char(&xml->values, rest.ptr[0]);
			rest = slice_after(rest, is_ampersand ? mark.len : 1);
		}
		attributes[i].name = slice_of((const char *)a[0]);
		attributes[i].value.len = buffer_length(&xml->values) - before;
	}
	if (xml->values.is_broken)
		return false;
	/* Only now: the buffer no longer moves. */
	for (size_t i = 0; i < count; i++) {
		attributes[i].value.ptr = xml->values.bytes ? buffer_slice(&xml->values).ptr + at : "";
		at += attributes[i].value.len;
	}
	return true;
}

static bool has_prefix(const xmlChar **given, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (given[i * POINTERS_PER_ATTRIBUTE + 1])
			return true;
	return false;
}

static void on_open(void *to, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri,
                    int namespace_count, const xmlChar **namespaces, int count, int defaulted,
                    const xmlChar **given)
{
	struct config_attribute attributes[CONFIG_ATTRIBUTES_MAX];
	struct config_xml *xml = to;

	(void)uri;
	(void)namespaces;
	(void)defaulted;
	if (xml->is_stopped)
		return;
	xml->depth++;
	if (++xml->elements > CONFIG_ELEMENTS_MAX)
		refuse(xml, NULL, "has more than %d elements", CONFIG_ELEMENTS_MAX);
	else if (xml->depth > CONFIG_DEPTH_MAX)
		refuse(xml, NULL, "has elements more than %d deep", CONFIG_DEPTH_MAX);
	else if (prefix || namespace_count || has_prefix(given, (size_t)count))
		refuse(xml, "names without a prefix, no xmlns", "uses a namespace");
	else if (count > CONFIG_ATTRIBUTES_MAX)
		refuse(xml, NULL, "has an element with more than %d attributes", CONFIG_ATTRIBUTES_MAX);
	else if (!read_attributes(xml, given, (size_t)count, attributes))
		refuse(xml, NULL, "has an element with more than %d bytes of attributes",
		       CONFIG_ATTRIBUTE_BYTES_MAX);
	else
		xml->events->open(xml->events->to, slice_of((const char *)name), attributes, (size_t)count);
}

static void on_close(void *to, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri)
{
	struct config_xml *xml = to;

	(void)name;
	(void)prefix;
	(void)uri;
	if (xml->is_stopped)
		return;
	xml->depth--;
	xml->events->close(xml->events->to);
}

static void on_text(void *to, const xmlChar *bytes, int length)
{
	struct config_xml *xml = to;

	if (!xml->is_stopped && length > 0)
		xml->events->text(xml->events->to, (struct slice){ (const char *)bytes, (size_t)length });
}

static void on_comment(void *to, const xmlChar *text)
{
	struct config_xml *xml = to;

	if (!xml->is_stopped)
		xml->events->comment(xml->events->to, slice_of((const char *)text));
}

static void on_instruction(void *to, const xmlChar *target, const xmlChar *data)
{
	(void)target;
	(void)data;
	refuse(to, "elements and comments", "holds a processing instruction");
}

/* Before any entity is declared; what follows is not looked at. */
static void on_doctype(void *to, const xmlChar *name, const xmlChar *external, const xmlChar *system)
{
	(void)name;
	(void)external;
	(void)system;
	refuse(to, "a document without DOCTYPE", "has a document type");
}

/* Namespace faults are of level "error" too, though the parser would go on. */
static void on_error(void *to, xmlErrorPtr error)
{
	struct config_xml *xml = to;
	struct slice message = slice_of(error->message);
	char words[WORDS_BYTES];

	if (error->level < XML_ERR_ERROR)
		return;
	if (error->code == XML_ERR_NO_MEMORY) {
		out_of_memory(xml);
		return;
	}
	while (message.len && message.ptr[message.len - 1] == '\n')
		message.len--;
	refuse(xml, NULL, "is not well-formed XML: %s", text_shown(message, words, sizeof words));
}

/* ---- one document ---- */

/*
 * libxml2 reads a whole tag, and compares each attribute with all others, before anybody is asked:
 * a million of them take an hour.  A tag holds one '<' only (XML 1.0 §3.1), and no attribute is
 * without '='; so these are counted first, and text, which never has so many, with them.
 */
static bool has_crowded_tag(struct slice bytes, struct config_xml_fault *fault)
{
	uint32_t line = 1;
	size_t equals = 0;

	for (size_t i = 0; i < bytes.len; i++) {
		line += bytes.ptr[i] == '\n';
		equals = bytes.ptr[i] == '<' ? 0 : equals + (bytes.ptr[i] == '=');
		if (equals > CONFIG_EQUALS_MAX) {
			fault->line = line;
			fail(&fault->why, RESULT_INVALID, "has more than %d '=' in one tag or text",
			     CONFIG_EQUALS_MAX);
			return true;
		}
	}
	return false;
}

static bool start_parser(struct config_xml *xml)
{
	xmlSAXHandler handler = { .initialized = XML_SAX2_MAGIC,
		                  .startElementNs = on_open,
		                  .endElementNs = on_close,
		                  .characters = on_text,
		                  .ignorableWhitespace = on_text,
		                  .comment = on_comment,
		                  .processingInstruction = on_instruction,
		                  .internalSubset = on_doctype,
		                  .serror = on_error };

	xml->parser = xmlCreatePushParserCtxt(&handler, xml, NULL, 0, NULL);
	if (!xml->parser)
		return false;
	xmlCtxtUseOptions(xml->parser,
	                  XML_PARSE_NONET | XML_PARSE_NOCDATA | XML_PARSE_IGNORE_ENC | XML_PARSE_COMPACT);
	xmlSwitchEncoding(xml->parser, XML_CHAR_ENCODING_UTF8);
	return true;
}

static void feed(struct config_xml *xml, struct slice bytes)
{
	while (bytes.len && !xml->is_stopped) {
		size_t length = bytes.len < CHUNK_BYTES ? bytes.len : CHUNK_BYTES;

		xmlParseChunk(xml->parser, bytes.ptr, (int)length, 0);
		bytes = slice_after(bytes, length);
	}
	if (!xml->is_stopped)
		xmlParseChunk(xml->parser, NULL, 0, 1);
	/* Faults come through on_error; this is for one that did not. */
	if (!xml->is_stopped && (!xml->parser->wellFormed || xml->depth || !xml->elements))
		refuse(xml, NULL, "is not well-formed XML");
}

enum result config_xml_read(struct slice bytes, const struct config_xml_events *events,
                            struct config_xml **started, struct config_xml_fault *fault)
{
	struct config_xml xml = { .events = events, .fault = fault };
	const char *prolog = config_prolog_check(&bytes);

	*fault = (struct config_xml_fault){ 0 };
	if (prolog) {
		fault->allowed = "UTF-8, and at most <?xml version=\"1.0\" encoding=\"UTF-8\"?> before it";
		return fail(&fault->why, RESULT_INVALID, "%s", prolog);
	}
	if (has_crowded_tag(bytes, fault))
		return RESULT_INVALID;
	if (!start_parser(&xml))
		return RESULT_NO_MEMORY;
	buffer_start(&xml.values, CONFIG_ATTRIBUTE_BYTES_MAX);
	*started = &xml;
	feed(&xml, bytes);
	*started = NULL;
	buffer_stop(&xml.values);
	xmlFreeDoc(xml.parser->myDoc);
	xmlFreeParserCtxt(xml.parser);
	return xml.result;
}
