/*
 * What was found out about certificate chains, so that a partner's edges that
 * reconnect, and strangers that knock without end, cost no signatures again.
 *
 * A chain is known by a digest of all its certificates as they were presented.
 * Each list is in the order of finding out: the oldest go first.
 */
#include "daemon/io/tls_parts.h"
#include "shared/base/list.h"
#include "shared/base/map.h"
#include "shared/base/memory.h"

enum { MEMORY_GOOD_S = 3600, MEMORY_BAD_S = 60 };

struct remembered {
	struct list node; /* the oldest first */
	uint8_t key[CRYPTO_SHA256_BYTES];
	int64_t since_s, until_s;
	gnutls_alert_description_t alert;
	char *words; /* bad ones */
};

struct shelf {
	struct map by_key;
	struct list by_age;
	size_t most;
	uint64_t again;
};

struct tls_memory {
	struct shelf good, bad;
	unsigned deleted_percent;
};

static struct slice key_slice(const uint8_t *key)
{
	return (struct slice){ (const char *)key, CRYPTO_SHA256_BYTES };
}

static void forget(struct shelf *shelf, struct remembered *r)
{
	map_remove(&shelf->by_key, key_slice(r->key));
	list_remove(&r->node);
	mem_free(r->words);
	mem_free(r);
}

static void shelf_start(struct shelf *shelf, size_t most, struct siphash_key seed)
{
	map_start(&shelf->by_key, most ? most : 1, seed);
	list_start(&shelf->by_age);
	shelf->most = most;
}

static void shelf_stop(struct shelf *shelf)
{
	LIST_EACH_SAFE (at, &shelf->by_age)
		forget(shelf, LIST_OWNER(at, struct remembered, node));
	map_stop(&shelf->by_key);
}

void tls_memory_free(struct tls_memory **pointer)
{
	struct tls_memory *memory = *pointer;

	*pointer = NULL;
	if (!memory)
		return;
	shelf_stop(&memory->good);
	shelf_stop(&memory->bad);
	mem_free(memory);
}

void tls_credentials_remember(struct tls_credentials *credentials, const struct tls_memory_limits *limits)
{
	struct tls_memory *memory = credentials->memory;

	if (memory && memory->good.most == limits->accepted && memory->bad.most == limits->rejected &&
	    memory->deleted_percent == limits->deleted_percent)
		return;
	tls_memory_free(&credentials->memory);
	memory = mem_new(sizeof *memory);
	if (!memory)
		return; /* then nothing is remembered */
	shelf_start(&memory->good, limits->accepted, limits->seed);
	shelf_start(&memory->bad, limits->rejected, limits->seed);
	memory->deleted_percent = limits->deleted_percent;
	credentials->memory = memory;
}

struct tls_memory_counts tls_credentials_memory(const struct tls_credentials *credentials)
{
	const struct tls_memory *memory = credentials->memory;

	if (!memory)
		return (struct tls_memory_counts){ 0 };
	return (struct tls_memory_counts){ memory->good.by_key.count, memory->bad.by_key.count,
		                           memory->good.again, memory->bad.again };
}

void tls_memory_key(const gnutls_datum_t *chain, unsigned count, uint8_t key[CRYPTO_SHA256_BYTES])
{
	struct crypto_digest digest;

	crypto_digest_start(&digest);
	for (unsigned i = 0; i < count; i++) {
		uint32_t length = chain[i].size; /* so that no two chains give the same bytes */

		crypto_digest_add(&digest, (struct slice){ (const char *)&length, sizeof length });
		crypto_digest_add(&digest, (struct slice){ (const char *)chain[i].data, chain[i].size });
	}
	crypto_digest_finish(&digest, key);
}

/* Also before `since`: then the clock was set back, and what it said is worth nothing. */
static struct remembered *recall(struct shelf *shelf, const uint8_t *key, int64_t now_s)
{
	struct remembered *r = map_get(&shelf->by_key, key_slice(key));

	if (r && (now_s >= r->until_s || now_s < r->since_s)) {
		forget(shelf, r);
		r = NULL;
	}
	shelf->again += r != NULL;
	return r;
}

enum tls_memory_answer tls_memory_ask(struct tls_memory *memory, const uint8_t key[CRYPTO_SHA256_BYTES],
                                      int64_t now_s, gnutls_alert_description_t *alert, struct reason *reason)
{
	const struct remembered *r;

	if (recall(&memory->good, key, now_s))
		return TLS_MEMORY_GOOD;
	r = recall(&memory->bad, key, now_s);
	if (!r)
		return TLS_MEMORY_UNKNOWN;
	*alert = r->alert;
	fail(reason, RESULT_INVALID, "%s", r->words);
	return TLS_MEMORY_BAD;
}

static void make_room(struct shelf *shelf, unsigned percent)
{
	size_t drop = shelf->most * percent / 100;

	if (shelf->by_key.count < shelf->most)
		return;
	do
		forget(shelf, LIST_OWNER(shelf->by_age.next, struct remembered, node));
	while (drop-- > 1 && !list_is_empty(&shelf->by_age));
}

/* Without memory it is simply not remembered. */
static void put(struct shelf *shelf, unsigned percent, const uint8_t *key, const struct remembered *what,
                const char *words)
{
	struct remembered *r = map_get(&shelf->by_key, key_slice(key));

	if (r)
		forget(shelf, r);
	if (shelf->most == 0)
		return;
	make_room(shelf, percent);
	r = mem_new(sizeof *r);
	if (!r)
		return;
	*r = *what;
	memcpy(r->key, key, sizeof r->key);
	list_start(&r->node);
	if (words && !(r->words = mem_text(words))) {
		mem_free(r);
		return;
	}
	if (map_add(&shelf->by_key, key_slice(r->key), r) != RESULT_OK) {
		mem_free(r->words);
		mem_free(r);
		return;
	}
	list_add_last(&shelf->by_age, &r->node);
}

void tls_memory_good(struct tls_memory *memory, const uint8_t key[CRYPTO_SHA256_BYTES], int64_t now_s,
                     int64_t until_s)
{
	const struct remembered what = {
		.since_s = now_s,
		.until_s = until_s < now_s + MEMORY_GOOD_S ? until_s : now_s + MEMORY_GOOD_S,
	};

	put(&memory->good, memory->deleted_percent, key, &what, NULL);
}

void tls_memory_bad(struct tls_memory *memory, const uint8_t key[CRYPTO_SHA256_BYTES], int64_t now_s,
                    gnutls_alert_description_t alert, const struct reason *reason)
{
	const struct remembered what = { .since_s = now_s, .until_s = now_s + MEMORY_BAD_S, .alert = alert };

	put(&memory->bad, memory->deleted_percent, key, &what, reason->text);
}
