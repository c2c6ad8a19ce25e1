/*
 * Facts as text and back, and as one piece of memory, so that what was decided on can be decided on again.
 */
#include <string.h>

#include "daemon/policy/policy.h"

enum { FACT_WORDS_MAX = 8, FACT_TEXT_MAX = 255 };

enum fact_type { FACT_IS_WORD, FACT_IS_FLAG, FACT_IS_TEXT, FACT_IS_NAMES };

struct fact {
	enum fact_type type;
	const char *key;
	size_t at, count_at; /* in the struct */
	const char *words[FACT_WORDS_MAX];
};

#define AT(member) offsetof(struct policy_facts, member)
static const struct fact rows[] = {
#define FACT_WORD(type, member, key, ...) { FACT_IS_WORD, key, AT(member), 0, { __VA_ARGS__ } },
#define FACT_FLAG(member, key)            { FACT_IS_FLAG, key, AT(member), 0, { NULL } },
#define FACT_TEXT(member, key)            { FACT_IS_TEXT, key, AT(member), 0, { NULL } },
#define FACT_NAMES(member, count, key)    { FACT_IS_NAMES, key, AT(member), AT(count), { NULL } },
#include "daemon/policy/facts.def"
};

#define EACH_ROW(row) for (const struct fact *row = rows; row < rows + sizeof rows / sizeof *rows; row++)

/* Every enumeration of the rows is kept as an int would be. */
#define FACT_WORD(type, member, key, ...) _Static_assert(sizeof(type) == sizeof(unsigned), #member);
#define FACT_FLAG(member, key)
#define FACT_TEXT(member, key)
#define FACT_NAMES(member, count, key)
#include "daemon/policy/facts.def"

static unsigned *word_of(struct policy_facts *facts, const struct fact *row)
{
	return (unsigned *)(void *)((char *)facts + row->at);
}
static bool *flag_of(struct policy_facts *facts, const struct fact *row)
{
	return (bool *)(void *)((char *)facts + row->at);
}
static struct slice *text_of(struct policy_facts *facts, const struct fact *row)
{
	return (struct slice *)(void *)((char *)facts + row->at);
}
static const struct slice **names_of(struct policy_facts *facts, const struct fact *row)
{
	return (const struct slice **)(void *)((char *)facts + row->at);
}
static size_t *count_of(struct policy_facts *facts, const struct fact *row)
{
	return (size_t *)(void *)((char *)facts + row->count_at);
}

/* ---- out ---- */

/* Names that speak for the remote domain first: a certificate may carry a hundred. */
static void put_names(struct json_writer *w, const char *key, const struct slice *names, size_t count,
                      struct slice domain, size_t max)
{
	size_t written = 0;

	json_open_array(w, key);
	for (int speaks = 1; speaks >= 0; speaks--)
		for (size_t i = 0; i < count && written < max; i++)
			if (slice_ends_nocase(names[i], domain) == (speaks == 1)) {
				json_put_slice(w, NULL, names[i]);
				written++;
			}
	json_close_array(w);
}

void policy_facts_write(const struct policy_facts *given, size_t names_max, struct json_writer *w)
{
	struct policy_facts facts = *given;

	EACH_ROW(row)
	switch (row->type) {
	case FACT_IS_WORD: json_put_text(w, row->key, row->words[*word_of(&facts, row)]); break;
	case FACT_IS_FLAG: json_put_bool(w, row->key, *flag_of(&facts, row)); break;
	case FACT_IS_TEXT: {
		struct slice text = *text_of(&facts, row);

		json_put_slice(w, row->key,
		               slice_first(text, text.len > FACT_TEXT_MAX ? FACT_TEXT_MAX : text.len));
		break;
	}
	case FACT_IS_NAMES:
		put_names(w, row->key, *names_of(&facts, row), *count_of(&facts, row), facts.remote_domain,
		          names_max);
		break;
	}
}

/* ---- in ---- */

static unsigned word_named(const struct fact *row, struct slice word)
{
	for (unsigned i = 0; i < FACT_WORDS_MAX && row->words[i]; i++)
		if (slice_equal(word, slice_of(row->words[i])))
			return i;
	return 0;
}

void policy_facts_read(const struct json *object, struct policy_facts_read *out)
{
	struct slice *next = out->names;

	out->facts = (struct policy_facts){ .srv_target_count = 0 };
	EACH_ROW(row)
	{
		const struct json *value = json_get(object, row->key);

		switch (row->type) {
		case FACT_IS_WORD: *word_of(&out->facts, row) = word_named(row, json_as_slice(value)); break;
		case FACT_IS_FLAG: *flag_of(&out->facts, row) = json_as_bool(value, false); break;
		case FACT_IS_TEXT: *text_of(&out->facts, row) = json_as_slice(value); break;
		case FACT_IS_NAMES: {
			size_t count = json_count(value);

			count = count > POLICY_FACT_NAMES_MAX ? POLICY_FACT_NAMES_MAX : count;
			*names_of(&out->facts, row) = next;
			*count_of(&out->facts, row) = count;
			for (size_t i = 0; i < count; i++)
				*next++ = json_as_slice(json_at(value, i));
			break;
		}
		}
	}
}

/* ---- in one piece ---- */

size_t policy_facts_bytes(const struct policy_facts *given)
{
	struct policy_facts facts = *given;
	size_t bytes = 0;

	EACH_ROW(row)
	{
		if (row->type == FACT_IS_TEXT)
			bytes += text_of(&facts, row)->len;
		if (row->type != FACT_IS_NAMES)
			continue;
		for (size_t i = 0; i < *count_of(&facts, row); i++)
			bytes += sizeof(struct slice) + (*names_of(&facts, row))[i].len;
	}
	return bytes;
}

static struct slice pack(char **at, struct slice text)
{
	struct slice packed = { *at, text.len };

	if (text.len)
		memcpy(*at, text.ptr, text.len);
	*at += text.len;
	return packed;
}

void policy_facts_pack(struct policy_facts *facts, void *room)
{
	struct slice *slices = room;
	char *at;

	EACH_ROW(row)
	if (row->type == FACT_IS_NAMES)
		slices += *count_of(facts, row);
	at = (char *)slices;
	slices = room;
	EACH_ROW(row)
	{
		if (row->type == FACT_IS_TEXT)
			*text_of(facts, row) = pack(&at, *text_of(facts, row));
		if (row->type != FACT_IS_NAMES)
			continue;
		const struct slice *names = *names_of(facts, row);

		*names_of(facts, row) = slices;
		for (size_t i = 0; i < *count_of(facts, row); i++)
			*slices++ = pack(&at, names[i]);
	}
}
