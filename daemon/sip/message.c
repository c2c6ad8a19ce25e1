/*
 * message: looking things up in what was parsed.
 */
#include "daemon/sip/grammar.h"

const struct sip_header *sip_message_header(const struct sip_message *m, enum sip_header_id id)
{
	if ((unsigned)id >= SIP_HEADER_ID_COUNT || m->first[id] >= m->header_count)
		return NULL;
	return &m->headers[m->first[id]];
}

const struct sip_header *sip_message_next(const struct sip_message *m, const struct sip_header *previous)
{
	const struct sip_header *end = m->headers + m->header_count;

	for (const struct sip_header *header = previous + 1; header < end; header++)
		if (header->id == previous->id)
			return header;
	return NULL;
}

bool sip_message_walk(const struct sip_message *m, enum sip_header_id id, struct sip_walk *walk,
                      struct slice *value)
{
	if (!walk->has_started) {
		*walk = (struct sip_walk){ sip_message_header(m, id), SLICE_NONE, true };
		if (walk->header)
			walk->rest = walk->header->value;
	}
	while (walk->header) {
		if (walk->header->value.len > 0 && sip_value_take(&walk->rest, value))
			return true;
		walk->header = sip_message_next(m, walk->header);
		if (walk->header)
			walk->rest = walk->header->value;
	}
	return false;
}
