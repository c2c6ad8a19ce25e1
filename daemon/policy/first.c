#include "daemon/policy/first.h"

#include <string.h>

/* Of pair and layout: another build's table is forgotten, not misread. */
#define FIRST_MAGIC UINT64_C(0x3174737269667970)

struct place {
	uint64_t hash;  /* 0: free */
	uint32_t check; /* of a second hash: two pairs in one place are told apart */
	uint32_t when_s;
};

struct first_words {
	uint64_t magic, groups;
	struct siphash_key key;
	char unused[FIRST_HEAD_BYTES - 32];
	struct place places[FIRST_GROUPS * FIRST_GROUP];
};

_Static_assert(sizeof(struct first_words) == FIRST_BYTES, "the file's size is that of the table");

struct mark {
	uint64_t hash;
	uint32_t check;
};

struct first_words *first_words_take(void *memory, struct siphash_key fresh)
{
	struct first_words *words = memory;

	if (words->magic == FIRST_MAGIC && words->groups == FIRST_GROUPS)
		return words;
	memset(words, 0, sizeof *words);
	words->key = fresh;
	words->groups = FIRST_GROUPS;
	words->magic = FIRST_MAGIC; /* last: a table half made is made again */
	return words;
}

static struct mark mark_of(const struct first_words *words, struct slice ours, struct slice theirs)
{
	struct siphash_key other = { words->key.k1, ~words->key.k0 };
	uint64_t pair[2] = { siphash(words->key, ours), siphash(words->key, theirs) };
	struct slice both = { (const char *)pair, sizeof pair };
	uint64_t hash = siphash(words->key, both);

	return (struct mark){ hash ? hash : 1, (uint32_t)siphash(other, both) };
}

static size_t group_of(struct mark mark) { return mark.hash % FIRST_GROUPS * FIRST_GROUP; }

static bool is_it(const struct place *place, struct mark mark)
{
	return place->hash == mark.hash && place->check == mark.check;
}

uint32_t first_words_note(struct first_words *words, struct slice ours, struct slice theirs, uint32_t now_s,
                          bool *is_new)
{
	struct mark mark = mark_of(words, ours, theirs);
	struct place *group = &words->places[group_of(mark)], *chosen = group;

	*is_new = false;
	for (size_t i = 0; i < FIRST_GROUP; i++) {
		if (is_it(&group[i], mark)) {
			if (now_s < group[i].when_s || now_s - group[i].when_s >= FIRST_REFRESH_S)
				group[i].when_s = now_s;
			return group[i].when_s;
		}
		if (chosen->hash && (!group[i].hash || group[i].when_s < chosen->when_s))
			chosen = &group[i];
	}
	*chosen = (struct place){ mark.hash, mark.check, now_s };
	*is_new = true;
	return now_s;
}

bool first_words_has(const struct first_words *words, struct slice ours, struct slice theirs)
{
	struct mark mark = mark_of(words, ours, theirs);
	const struct place *group = &words->places[group_of(mark)];

	for (size_t i = 0; i < FIRST_GROUP; i++)
		if (is_it(&group[i], mark))
			return true;
	return false;
}

uint32_t first_words_count(const struct first_words *words)
{
	uint32_t count = 0;

	for (size_t i = 0; i < FIRST_GROUPS * FIRST_GROUP; i++)
		count += words->places[i].hash != 0;
	return count;
}
