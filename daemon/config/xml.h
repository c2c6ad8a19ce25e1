/*
 * xml: the bytes of one document as events, and nothing that a configuration does not need.
 *
 * libxml2's SAX2 push parser over bytes that are in memory already: it opens
 * nothing and builds no tree, so a list of a million domains costs its objects
 * only.  Refused: document types (and with them entities), processing
 * instructions, namespaces, every encoding but UTF-8.  libxml2 bounds neither
 * depth nor the number of elements and attributes for a SAX reader, so the limits are ours.
 */
#ifndef DAEMON_CONFIG_XML_H
#define DAEMON_CONFIG_XML_H

#include "shared/base/result.h"
#include "shared/base/slice.h"

enum {
	CONFIG_ATTRIBUTES_MAX = 8,
	CONFIG_ATTRIBUTE_BYTES_MAX = 4096,
	CONFIG_EQUALS_MAX = 8192, /* '=' from one '<' to the next, wherever they stand */
};

struct config_xml; /* the reading under way */

struct config_attribute {
	struct slice name, value; /* live until the event's function returns */
};

struct config_xml_events {
	void *to;
	void (*open)(void *to, struct slice name, const struct config_attribute *attributes, size_t count);
	void (*close)(void *to);
	void (*text)(void *to, struct slice text); /* in pieces */
	void (*comment)(void *to, struct slice text);
};

struct config_xml_fault {
	struct reason why;
	const char *allowed; /* or NULL */
	uint32_t line;       /* 0: the document as a whole */
};

/* `*started` is set before the first event.  OK; INVALID with the fault; NO_MEMORY. */
enum result config_xml_read(struct slice bytes, const struct config_xml_events *events,
                            struct config_xml **started, struct config_xml_fault *fault);
/* Of the event being told. */
uint32_t config_xml_line(const struct config_xml *xml);
/* From within an event: no more are told, and config_xml_read returns OK. */
void config_xml_stop(struct config_xml *xml);

#endif
