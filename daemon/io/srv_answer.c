/*
 * Reads SRV, A and AAAA records, with their TTL, from a raw DNS answer
 * (RFC 1035 §4, RFC 2782).  c-ares 1.18 does not give the TTL of SRV records.
 *
 * Only records of the name that was asked for count, or of the name its CNAMEs
 * lead to, at most ANSWER_CNAMES_MAX of them.  A compressed name may only point
 * backwards, so that following it ends.
 */
#include "daemon/io/resolver.h"

enum {
	ANSWER_CNAMES_MAX = 8,
	ANSWER_RECORDS_MAX = 256, /* more are not looked at */
	ANSWER_NAME_BYTES = RESOLVER_NAME_MAX + 1,
	TYPE_A = 1,
	TYPE_CNAME = 5,
	TYPE_AAAA = 28,
	TYPE_SRV = 33,
	CLASS_IN = 1,
};

struct reader {
	const uint8_t *bytes;
	size_t length, at;
};

struct record {
	char owner[ANSWER_NAME_BYTES];
	uint16_t type, class;
	uint32_t ttl_s;
	size_t data, data_length; /* offset into the answer */
};

/* ---- pieces ---- */

static bool read_16(struct reader *r, uint16_t *out)
{
	if (r->length - r->at < 2)
		return false;
	*out = (uint16_t)(r->bytes[r->at] << 8 | r->bytes[r->at + 1]);
	r->at += 2;
	return true;
}

static bool read_32(struct reader *r, uint32_t *out)
{
	uint16_t high, low;

	if (!read_16(r, &high) || !read_16(r, &low))
		return false;
	*out = (uint32_t)high << 16 | low;
	return true;
}

/*
 * A name as lower-case text without the last dot; the root is "".  A byte that
 * belongs in no host name becomes '?', so that the name equals no real one.
 */
static bool read_name(struct reader *r, char out[ANSWER_NAME_BYTES])
{
	size_t at = r->at, before = r->at, used = 0, behind = 0;

	for (;;) {
		if (at >= r->length)
			return false;

		uint8_t length = r->bytes[at++];

		if (length == 0)
			break;
		if ((length & 0xc0) == 0xc0) {
			size_t target;

			if (at >= r->length)
				return false;
			target = (size_t)(length & 0x3f) << 8 | r->bytes[at++];
			if (!behind)
				behind = at;
			if (target >= before)
				return false;
			at = before = target;
			continue;
		}
		if (length & 0xc0 || r->length - at < length || used + length + 1 >= ANSWER_NAME_BYTES)
			return false;
		if (used)
			out[used++] = '.';
		for (uint8_t i = 0; i < length; i++) {
			char c = ascii_lower((char)r->bytes[at++]);

			out[used++] = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_'
			                      ? c
			                      : '?';
		}
	}
	out[used] = '\0';
	r->at = behind ? behind : at;
	return true;
}

static bool read_record(struct reader *r, struct record *out)
{
	uint16_t length;

	if (!read_name(r, out->owner) || !read_16(r, &out->type) || !read_16(r, &out->class) ||
	    !read_32(r, &out->ttl_s) || !read_16(r, &length) || r->length - r->at < length)
		return false;
	if (out->ttl_s > INT32_MAX)
		out->ttl_s = 0; /* RFC 2181 §8 */
	out->data = r->at;
	out->data_length = length;
	r->at += length;
	return true;
}

/* A name that fills the record's data from `skip` on. */
static bool read_data_name(const struct reader *r, const struct record *record, size_t skip,
                           char out[ANSWER_NAME_BYTES])
{
	struct reader data = { r->bytes, record->data + record->data_length, record->data + skip };

	return record->data_length >= skip && read_name(&data, out) && data.at == data.length;
}

/* ---- the whole ---- */

struct answer {
	struct reader records; /* at the first record */
	unsigned record_count;
	char name[ANSWER_NAME_BYTES]; /* whose records count: the question's, then where its CNAMEs lead */
	uint32_t ttl_s;               /* the least on the way */
};

static bool open_answer(const uint8_t *bytes, size_t length, uint16_t type, struct answer *out)
{
	struct reader r = { bytes, length, 0 };
	uint16_t id, flags, questions, answers, ignored, asked_type, asked_class;

	if (length > UINT16_MAX || !read_16(&r, &id) || !read_16(&r, &flags) || !read_16(&r, &questions) ||
	    !read_16(&r, &answers) || !read_16(&r, &ignored) || !read_16(&r, &ignored))
		return false;
	if (!(flags & 0x8000) || questions != 1 || !read_name(&r, out->name) || !read_16(&r, &asked_type) ||
	    !read_16(&r, &asked_class) || asked_type != type || asked_class != CLASS_IN)
		return false;
	out->records = r;
	out->record_count = answers < ANSWER_RECORDS_MAX ? answers : ANSWER_RECORDS_MAX;
	out->ttl_s = UINT32_MAX;
	return true;
}

static void note_ttl(struct answer *answer, const struct record *record)
{
	if (record->ttl_s < answer->ttl_s)
		answer->ttl_s = record->ttl_s;
}

/* One step along a CNAME. 0: there is none; -1: malformed. */
static int follow_cname(struct answer *answer)
{
	struct reader r = answer->records;
	struct record record;

	for (unsigned i = 0; i < answer->record_count; i++) {
		if (!read_record(&r, &record))
			return -1;
		if (record.type != TYPE_CNAME || record.class != CLASS_IN ||
		    strcmp(record.owner, answer->name) != 0)
			continue;
		if (!read_data_name(&answer->records, &record, 0, answer->name))
			return -1;
		note_ttl(answer, &record);
		return 1;
	}
	return 0;
}

static bool follow_cnames(struct answer *answer)
{
	for (unsigned steps = 0;; steps++) {
		int step = follow_cname(answer);

		if (step <= 0)
			return step == 0;
		if (steps == ANSWER_CNAMES_MAX)
			return false;
	}
}

/* The next record of the type and name; false at the end. All have been read once already. */
static bool next_record(struct answer *answer, struct reader *at, unsigned *index, uint16_t type,
                        struct record *record)
{
	while (*index < answer->record_count) {
		(*index)++;
		if (!read_record(at, record))
			return false;
		if (record->type == type && record->class == CLASS_IN &&
		    strcmp(record->owner, answer->name) == 0)
			return true;
	}
	return false;
}

static uint32_t least_ttl(const struct answer *answer)
{
	return answer->ttl_s == UINT32_MAX ? 0 : answer->ttl_s;
}

bool srv_answer_read(const uint8_t *bytes, size_t length, struct resolver_srv *list, size_t *count,
                     uint32_t *ttl_s)
{
	struct answer answer;
	struct record record;
	struct reader at;
	unsigned index = 0;

	*count = 0;
	*ttl_s = 0;
	if (!open_answer(bytes, length, TYPE_SRV, &answer) || !follow_cnames(&answer))
		return false;
	at = answer.records;
	while (next_record(&answer, &at, &index, TYPE_SRV, &record)) {
		struct reader data = { bytes, record.data + record.data_length, record.data };
		struct resolver_srv srv;

		if (!read_16(&data, &srv.priority) || !read_16(&data, &srv.weight) ||
		    !read_16(&data, &srv.port) || !read_data_name(&answer.records, &record, 6, srv.target)) {
			*count = 0;
			return false;
		}
		note_ttl(&answer, &record);
		/* The root: "no such service here". RFC 2782. Nobody listens on port 0. */
		if (srv.target[0] == '\0' || strchr(srv.target, '?') || srv.port == 0 ||
		    *count >= RESOLVER_SRV_MAX)
			continue;
		list[(*count)++] = srv;
	}
	*ttl_s = least_ttl(&answer);
	return true;
}

bool address_answer_read(const uint8_t *bytes, size_t length, bool is_v6, struct address *list, size_t *count,
                         uint32_t *ttl_s)
{
	const uint16_t type = is_v6 ? TYPE_AAAA : TYPE_A;
	const size_t size = is_v6 ? 16 : 4;
	struct answer answer;
	struct record record;
	struct reader at;
	unsigned index = 0;

	*count = 0;
	*ttl_s = 0;
	if (!open_answer(bytes, length, type, &answer) || !follow_cnames(&answer))
		return false;
	at = answer.records;
	while (next_record(&answer, &at, &index, type, &record)) {
		struct address address = { 0 };

		if (record.data_length != size) {
			*count = 0;
			return false;
		}
		note_ttl(&answer, &record);
		if (*count >= RESOLVER_ADDRESSES_MAX)
			continue;
		if (is_v6) {
			address.length = sizeof address.v6;
			address.v6.sin6_family = AF_INET6;
			memcpy(&address.v6.sin6_addr, bytes + record.data, size);
		} else {
			address.length = sizeof address.v4;
			address.v4.sin_family = AF_INET;
			memcpy(&address.v4.sin_addr, bytes + record.data, size);
		}
		list[(*count)++] = address_unmapped(&address);
	}
	*ttl_s = least_ttl(&answer);
	return true;
}
