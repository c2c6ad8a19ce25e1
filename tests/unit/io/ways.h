/*
 * Connections over loopback, in each way that bytes can go: TCP and both versions of TLS.
 */
#ifndef TESTS_UNIT_IO_WAYS_H
#define TESTS_UNIT_IO_WAYS_H

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>

#include "tests/unit/io/pair.h"
#include "tests/unit/io/zoo.h"
#include "daemon/io/connection_parts.h"

static struct zoo zoo;
static struct tls_credentials *good, *good_12;

/* Every case runs over each of these. */
static const struct way {
	const char *name;
	struct tls_credentials **credentials; /* NULL: TCP */
} ways[] = { { "TCP", NULL }, { "TLS 1.3", &good }, { "TLS 1.2", &good_12 } };

#define EACH_WAY(way)                                                                                        \
	for (const struct way *way = ways; way < ways + sizeof ways / sizeof *ways; way++)                   \
		if (printf("  %s\n", way->name))

static inline void start(struct pair *pair, const struct way *way)
{
	struct tls_credentials *credentials = way->credentials ? *way->credentials : NULL;

	pair_start(pair, credentials, credentials);
}

static inline void come_up(struct pair *pair, const struct way *way)
{
	start(pair, way);
	pair_connect(pair);
	pair_run(pair, pair_both_up);
}

/* Bytes that tell where they stand. */
static inline char *pattern(size_t length)
{
	char *bytes = mem_new(length);

	assert_non_null(bytes);
	for (size_t i = 0; i < length; i++)
		bytes[i] = (char)(i * 31 + i / 251);
	return bytes;
}

static inline void check_pattern(const struct buffer *got, size_t length)
{
	char *expected = pattern(length);

	assert_int_equal(buffer_length(got), length);
	assert_memory_equal(buffer_slice(got).ptr, expected, length);
	mem_free(expected);
}

static inline void stop_loop(void *owner) { loop_stop(owner); }

static struct loop_timer sampler;
static size_t wanted_bytes;

static inline bool server_has_all(struct pair *pair)
{
	return buffer_length(&pair->server.got) >= wanted_bytes;
}
static inline bool client_has_all(struct pair *pair)
{
	return buffer_length(&pair->client.got) >= wanted_bytes;
}

static inline int start_all(void **state)
{
	(void)state;
	zoo_start(&zoo);
	good = zoo_credentials(&zoo, ZOO_GOOD, ZOO_BOTH, TLS_FEDERATION, false);
	good_12 = zoo_credentials(&zoo, ZOO_GOOD, ZOO_BOTH, TLS_FEDERATION, false);
	zoo_only_version(good_12, true);
	return 0;
}

static inline int stop_all(void **state)
{
	(void)state;
	tls_credentials_free(&good);
	tls_credentials_free(&good_12);
	zoo_stop(&zoo);
	return 0;
}

#endif
