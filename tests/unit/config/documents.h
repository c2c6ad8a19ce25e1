/* What the tests of documents share: their roots as text, and one document read by the file name it says. */
#ifndef TESTS_UNIT_CONFIG_DOCUMENTS_H
#define TESTS_UNIT_CONFIG_DOCUMENTS_H

#include <stdio.h>
#include <string.h>

#include "daemon/config/config.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

#define ROOT(name)  "<parley document=\"" name "\" schema=\"1\">\n"
#define END         "</parley>\n"
#define TOPOLOGY(x) ROOT("topology") x END
#define DOMAINS(x)  ROOT("sip-domains") x END
#define ACCESS(x)   ROOT("access-edge") x END
#define POLICIES(x) ROOT("access-policies") x END
#define XMPP(x)     ROOT("xmpp-partners") x END
#define EDGE(x)                                                                                              \
	"<edge "                                                                                             \
	"fqdn=\"e.example\"><external-listen>192.0.2.1</external-listen><external-fqdn>s.example</"          \
	"external-fqdn>"                                                                                     \
	"<internal-listen>10.0.0.1</internal-listen>" x "</edge>"

static inline struct slice name_of(const char *text)
{
	/* The documents of the cases say their own names. */
	static const char *const names[] = { "topology", "sip-domains", "access-edge", "access-policies",
		                             "xmpp-partners" };
	static const char *const files[] = { "topology.xml", "sip-domains.xml", "access-edge.xml",
		                             "access-policies.xml", "xmpp-partners.xml" };

	for (size_t i = 0; i < COUNT(names); i++) {
		char root[64];

		snprintf(root, sizeof root, "document=\"%s\"", names[i]);
		if (strstr(text, root))
			return slice_of(files[i]);
	}
	return SLICE("topology.xml");
}

static inline enum result read_bytes(struct slice name, struct slice bytes, struct model_snapshot **out,
                                     struct config_problems *problems)
{
	struct config_document document = { .name = name, .bytes = bytes };

	return config_read(&document, 1, NULL, out, problems);
}

#endif
