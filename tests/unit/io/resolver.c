/*
 * Look-ups against a scripted DNS server in the same loop.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "daemon/io/resolver_parts.h"
#include "shared/base/buffer.h"
#include "shared/base/memory.h"

#include <cmocka.h>

enum { GUARD_MS = 15 * 1000, TYPE_A = 1, TYPE_AAAA = 28, TYPE_SRV = 33 };

/* ---- the server ---- */

enum act { ANSWER, SILENT, SERVFAIL, NXDOMAIN, NODATA, TRUNCATED, GARBAGE, FOR_ANOTHER };

struct script {
	const char *name; /* as asked, lower case */
	uint16_t type;
	enum act act;
	unsigned records; /* how many */
	uint32_t ttl_s;
	const char *target; /* SRV: "tN." is put before it */
};

struct dns {
	struct loop *loop;
	struct loop_watch udp, tcp_listen, tcp;
	int udp_fd, tcp_fd;
	const struct script *scripts;
	size_t script_count;
	unsigned asked;
	unsigned asked_tcp;
};

static void put_16(struct buffer *out, unsigned number)
{
	buffer_add_char(out, (char)(number >> 8));
	buffer_add_char(out, (char)number);
}

static void put_name(struct buffer *out, const char *name)
{
	struct slice rest = slice_of(name), label;

	while (rest.len && slice_next(&rest, '.', &label)) {
		if (label.len == 0)
			break;
		buffer_add_char(out, (char)label.len);
		buffer_add(out, label);
	}
	buffer_add_char(out, 0);
}

static void put_record(struct buffer *out, const struct script *script, unsigned index)
{
	put_16(out, 0xc00c); /* the question's name */
	put_16(out, script->type);
	put_16(out, 1);
	put_16(out, script->ttl_s >> 16);
	put_16(out, script->ttl_s & 0xffff);
	if (script->type == TYPE_A) {
		put_16(out, 4);
		buffer_add(out, (struct slice){ "\xc0\x00\x02", 3 });
		buffer_add_char(out, (char)(index + 1));
	} else if (script->type == TYPE_AAAA) {
		put_16(out, 16);
		buffer_add(out, (struct slice){ "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0", 15 });
		buffer_add_char(out, (char)(index + 1));
	} else {
		char target[300];

		snprintf(target, sizeof target, "T%u.%s", index, script->target);
		put_16(out, (unsigned)(6 + strlen(target) + 2));
		put_16(out, 10 + index);
		put_16(out, 0);
		put_16(out, 5061);
		put_name(out, target);
	}
}

static void make_answer(const struct script *script, const uint8_t *query, size_t question_end, bool is_tcp,
                        struct buffer *out)
{
	bool is_cut = script->act == TRUNCATED && !is_tcp;
	unsigned records = script->act == ANSWER || (script->act == TRUNCATED && is_tcp) ||
	                                   script->act == FOR_ANOTHER
	                           ? script->records
	                           : 0;
	unsigned flags = 0x8180u | (is_cut ? 0x0200u : 0) |
	                 (script->act == SERVFAIL   ? 2u
	                  : script->act == NXDOMAIN ? 3u
	                                            : 0);

	buffer_add(out, (struct slice){ (const char *)query, 2 });
	put_16(out, flags);
	put_16(out, 1);
	put_16(out, script->act == GARBAGE ? 3 : records);
	put_16(out, 0);
	put_16(out, 0);
	buffer_add(out, (struct slice){ (const char *)query + 12, question_end - 12 });
	if (script->act == FOR_ANOTHER) {
		put_name(out, "evil.example");
		buffer_add(out, (struct slice){ "\0\x01\0\x01\0\0\0\x3c\0\x04\x0a\0\0\x01", 14 });
		return;
	}
	for (unsigned i = 0; i < records; i++)
		put_record(out, script, i);
}

/* The script for a query, or NULL. */
static const struct script *find_script(struct dns *dns, const uint8_t *query, size_t length,
                                        size_t *question_end)
{
	char name[256];
	size_t at = 12, used = 0;

	assert_true(length > 16);
	while (query[at]) {
		if (used)
			name[used++] = '.';
		for (unsigned i = 0; i < query[at]; i++)
			name[used++] = ascii_lower((char)query[at + 1 + i]);
		at += query[at] + 1u;
		assert_true(at < length && used < 250);
	}
	name[used] = '\0';
	*question_end = at + 5;
	for (size_t i = 0; i < dns->script_count; i++)
		if (strcmp(dns->scripts[i].name, name) == 0 &&
		    dns->scripts[i].type == (query[at + 1] << 8 | query[at + 2]))
			return &dns->scripts[i];
	return NULL;
}

static void udp_came(void *owner, unsigned what)
{
	struct dns *dns = owner;
	uint8_t query[1500];
	struct sockaddr_storage from;
	socklen_t from_length = sizeof from;
	ssize_t n = recvfrom(dns->udp_fd, query, sizeof query, 0, (struct sockaddr *)&from, &from_length);
	const struct script *script;
	struct buffer answer;
	size_t question_end;

	(void)what;
	if (n < 0)
		return;
	dns->asked++;
	script = find_script(dns, query, (size_t)n, &question_end);
	if (!script || script->act == SILENT)
		return;
	buffer_start(&answer, 4096);
	make_answer(script, query, question_end, false, &answer);
	sendto(dns->udp_fd, answer.bytes, buffer_length(&answer), 0, (struct sockaddr *)&from, from_length);
	buffer_stop(&answer);
}

static void tcp_came(void *owner, unsigned what)
{
	struct dns *dns = owner;
	uint8_t query[1500];
	ssize_t n = recv(dns->tcp_fd, query, sizeof query, 0);
	const struct script *script;
	struct buffer answer;
	size_t question_end;

	(void)what;
	if (n <= 2) {
		loop_watch_stop(&dns->tcp);
		close(dns->tcp_fd);
		dns->tcp_fd = -1;
		return;
	}
	dns->asked_tcp++;
	script = find_script(dns, query + 2, (size_t)n - 2, &question_end);
	assert_non_null(script);
	buffer_start(&answer, 4096);
	put_16(&answer, 0);
	make_answer(script, query + 2, question_end, true, &answer);
	answer.bytes[0] = (char)((buffer_length(&answer) - 2) >> 8);
	answer.bytes[1] = (char)(buffer_length(&answer) - 2);
	assert_int_equal(send(dns->tcp_fd, answer.bytes, buffer_length(&answer), 0), buffer_length(&answer));
	buffer_stop(&answer);
}

static void tcp_accept(void *owner, unsigned what)
{
	struct dns *dns = owner;

	(void)what;
	dns->tcp_fd = accept(dns->tcp_listen.fd, NULL, NULL);
	loop_watch_start(dns->loop, &dns->tcp, dns->tcp_fd, LOOP_READ, tcp_came, dns);
}

static struct address dns_start(struct dns *dns, struct loop *loop, const struct script *scripts,
                                size_t count)
{
	struct address address;
	int listener, tries = 100;

	*dns = (struct dns){ .loop = loop, .scripts = scripts, .script_count = count, .tcp_fd = -1 };
	/* One port for both: what is free for UDP may be taken for TCP, then another. */
	do {
		if (tries < 100) {
			close(dns->udp_fd);
			close(listener);
		}
		listener = socket(AF_INET, SOCK_STREAM, 0);
		dns->udp_fd = socket(AF_INET, SOCK_DGRAM, 0);
		assert_int_equal(address_read(SLICE("127.0.0.1"), 0, &address, NULL), RESULT_OK);
		assert_int_equal(bind(dns->udp_fd, &address.any, address.length), 0);
		assert_int_equal(getsockname(dns->udp_fd, &address.any, &address.length), 0);
	} while (bind(listener, &address.any, address.length) < 0 && --tries > 0);
	assert_true(tries > 0);
	assert_int_equal(listen(listener, 4), 0);
	loop_watch_start(loop, &dns->udp, dns->udp_fd, LOOP_READ, udp_came, dns);
	loop_watch_start(loop, &dns->tcp_listen, listener, LOOP_READ, tcp_accept, dns);
	return address;
}

static void dns_stop(struct dns *dns)
{
	loop_watch_stop(&dns->udp);
	loop_watch_stop(&dns->tcp_listen);
	loop_watch_stop(&dns->tcp);
	close(dns->udp_fd);
	close(dns->tcp_listen.fd);
	if (dns->tcp_fd >= 0)
		close(dns->tcp_fd);
}

/* ---- who asks ---- */

struct got {
	struct loop *loop;
	unsigned left; /* answers until the loop stops */
	unsigned answers;
	enum resolver_outcome outcome;
	size_t count;
	char words[128];
	struct resolver_srv srv[RESOLVER_SRV_MAX];
	struct address addresses[RESOLVER_ADDRESSES_MAX];
	struct resolver **frees; /* frees it in the answer */
};

static void note(struct got *got, enum resolver_outcome outcome, size_t count, const char *words)
{
	got->answers++;
	got->outcome = outcome;
	got->count = count;
	snprintf(got->words, sizeof got->words, "%s", words);
	if (got->frees && *got->frees)
		resolver_free(got->frees);
	if (got->left && --got->left == 0)
		loop_stop(got->loop);
}

static void got_srv(void *to, enum resolver_outcome outcome, const struct resolver_srv *list, size_t count,
                    const char *words)
{
	struct got *got = to;

	if (count)
		memcpy(got->srv, list, count * sizeof *list);
	note(got, outcome, count, words);
}

static void got_addresses(void *to, enum resolver_outcome outcome, const struct address *list, size_t count,
                          const char *words)
{
	struct got *got = to;

	if (count)
		memcpy(got->addresses, list, count * sizeof *list);
	note(got, outcome, count, words);
}

struct world {
	struct loop *loop;
	struct dns dns;
	struct resolver *resolver;
	struct got got;
	struct loop_timer guard;
	bool has_guard_fired;
};

static void guard_fired(void *owner)
{
	struct world *world = owner;

	world->has_guard_fired = true;
	loop_stop(world->loop);
}

static void world_start(struct world *world, const struct script *scripts, size_t count)
{
	char text[ADDRESS_TEXT_BYTES];
	struct address address;
	struct slice server;
	struct reason reason = { "" };

	*world = (struct world){ .loop = loop_new() };
	world->got.loop = world->loop;
	address = dns_start(&world->dns, world->loop, scripts, count);
	server = slice_of(address_text(&address, text));
	if (resolver_new(world->loop, &server, 1, (struct siphash_key){ 1, 2 }, &world->resolver, &reason) !=
	    RESULT_OK)
		fail_msg("%s", reason.text);
}

static void world_run(struct world *world, unsigned answers)
{
	world->got.left = answers;
	loop_timer_set(world->loop, &world->guard, GUARD_MS, guard_fired, world);
	loop_run(world->loop);
	loop_timer_stop(&world->guard);
	assert_false(world->has_guard_fired);
}

static void world_stop(struct world *world)
{
	resolver_free(&world->resolver);
	dns_stop(&world->dns);
	loop_free(&world->loop);
}

static struct lookup *world_lookup(struct world *world, const char *key)
{
	struct lookup *lookup = map_get(&world->resolver->lookups, slice_of(key));

	assert_non_null(lookup);
	return lookup;
}

/* ---- cases ---- */

static const struct script scripts[] = {
	{ "_sip._tcp.found.example", TYPE_SRV, ANSWER, 3, 300, "found.example" },
	{ "_sip._tcp.brief.example", TYPE_SRV, ANSWER, 1, 0, "brief.example" },
	{ "_sip._tcp.long.example", TYPE_SRV, ANSWER, 1, 864000, "long.example" },
	{ "_sip._tcp.many.example", TYPE_SRV, TRUNCATED, 30, 300, "many.example" },
	{ "_sip._tcp.none.example", TYPE_SRV, NXDOMAIN, 0, 0, NULL },
	{ "_sip._tcp.nodata.example", TYPE_SRV, NODATA, 0, 0, NULL },
	{ "_sip._tcp.fails.example", TYPE_SRV, SERVFAIL, 0, 0, NULL },
	{ "_sip._tcp.silent.example", TYPE_SRV, SILENT, 0, 0, NULL },
	{ "_sip._tcp.garbage.example", TYPE_SRV, GARBAGE, 0, 0, NULL },
	{ "both.example", TYPE_A, ANSWER, 3, 300, NULL },
	{ "both.example", TYPE_AAAA, ANSWER, 2, 300, NULL },
	{ "v4.example", TYPE_A, ANSWER, 2, 300, NULL },
	{ "v4.example", TYPE_AAAA, NODATA, 0, 0, NULL },
	{ "slowv6.example", TYPE_A, ANSWER, 1, 300, NULL },
	{ "slowv6.example", TYPE_AAAA, SILENT, 0, 0, NULL },
	{ "many.example", TYPE_A, ANSWER, 20, 300, NULL },
	{ "many.example", TYPE_AAAA, NODATA, 0, 300, NULL },
	{ "spoofed.example", TYPE_A, FOR_ANOTHER, 1, 300, NULL },
	{ "spoofed.example", TYPE_AAAA, NODATA, 0, 300, NULL },
	{ "none.example", TYPE_A, NXDOMAIN, 0, 0, NULL },
	{ "none.example", TYPE_AAAA, NXDOMAIN, 0, 0, NULL },
};

static struct got *ask_srv(struct world *world, const char *name)
{
	resolver_srv(world->resolver, slice_of(name), got_srv, &world->got);
	if (world->got.answers == 0)
		world_run(world, 1);
	world->got.answers = 0;
	return &world->got;
}

static struct got *ask_addresses(struct world *world, const char *name)
{
	resolver_addresses(world->resolver, slice_of(name), got_addresses, &world->got);
	if (world->got.answers == 0)
		world_run(world, 1);
	world->got.answers = 0;
	return &world->got;
}

static void start(struct world *world) { world_start(world, scripts, sizeof scripts / sizeof *scripts); }

static void finds_srv_and_remembers(void **state)
{
	struct world world;
	struct got *got;
	struct lookup *lookup;
	unsigned asked;

	(void)state;
	start(&world);
	got = ask_srv(&world, "_sip._tcp.FOUND.example.");
	assert_int_equal(got->outcome, RESOLVER_FOUND);
	assert_int_equal(got->count, 3);
	assert_string_equal(got->srv[0].target, "t0.found.example");
	assert_string_equal(got->srv[2].target, "t2.found.example");
	assert_int_equal(got->srv[0].port, 5061);
	asked = world.dns.asked;
	got = ask_srv(&world, "_sip._tcp.found.example");
	assert_int_equal(got->count, 3);
	assert_int_equal(world.dns.asked, asked);
	lookup = world_lookup(&world, "s_sip._tcp.found.example");
	assert_in_range(lookup->fresh_until_ms - loop_now(world.loop).mono_ms, 200000, 300000);

	ask_srv(&world, "_sip._tcp.brief.example");
	lookup = world_lookup(&world, "s_sip._tcp.brief.example");
	assert_in_range(lookup->fresh_until_ms - loop_now(world.loop).mono_ms, 1, 5000);
	ask_srv(&world, "_sip._tcp.long.example");
	lookup = world_lookup(&world, "s_sip._tcp.long.example");
	assert_in_range(lookup->fresh_until_ms - loop_now(world.loop).mono_ms, 3500000, 3600000);

	resolver_flush(world.resolver);
	asked = world.dns.asked;
	ask_srv(&world, "_sip._tcp.found.example");
	assert_int_equal(world.dns.asked, asked + 1);
	world_stop(&world);
}

static void uses_tcp_for_a_truncated_answer(void **state)
{
	struct world world;
	struct got *got;

	(void)state;
	start(&world);
	got = ask_srv(&world, "_sip._tcp.many.example");
	assert_int_equal(got->outcome, RESOLVER_FOUND);
	assert_int_equal(got->count, RESOLVER_SRV_MAX);
	assert_int_equal(world.dns.asked_tcp, 1);
	world_stop(&world);
}

static void tells_absent_from_failed(void **state)
{
	static const struct {
		const char *name;
		enum resolver_outcome outcome;
		int64_t kept_ms;
	} rows[] = {
		{ "_sip._tcp.none.example", RESOLVER_ABSENT, 60000 },
		{ "_sip._tcp.nodata.example", RESOLVER_ABSENT, 60000 },
		{ "_sip._tcp.fails.example", RESOLVER_FAILED, 5000 },
		{ "_sip._tcp.garbage.example", RESOLVER_FAILED, 5000 },
	};
	struct world world;

	(void)state;
	start(&world);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct got *got = ask_srv(&world, rows[i].name);
		char key[128];

		printf("  %s: %s\n", rows[i].name, got->words);
		assert_int_equal(got->outcome, rows[i].outcome);
		assert_true(got->words[0]);
		snprintf(key, sizeof key, "s%s", rows[i].name);
		assert_in_range(world_lookup(&world, key)->fresh_until_ms - loop_now(world.loop).mono_ms, 1,
		                rows[i].kept_ms);
	}
	assert_int_equal(ask_srv(&world, "not a name")->outcome, RESOLVER_ABSENT);
	assert_int_equal(ask_srv(&world, "")->outcome, RESOLVER_ABSENT);
	assert_int_equal(ask_srv(&world, "a..b")->outcome, RESOLVER_ABSENT);
	world_stop(&world);
}

static void gives_up_when_nobody_answers(void **state)
{
	struct world world;
	struct got *got;

	(void)state;
	start(&world);
	world.resolver->total_ms = 200;
	got = ask_srv(&world, "_sip._tcp.silent.example");
	assert_int_equal(got->outcome, RESOLVER_FAILED);
	assert_true(got->words[0]);
	/* The question is still out: who asks now waits for it and does not ask again. */
	unsigned asked = world.dns.asked;

	ask_srv(&world, "_sip._tcp.silent.example");
	assert_int_equal(world.dns.asked, asked);
	world_stop(&world);
}

static void serves_old_answers_while_dns_fails(void **state)
{
	struct script changing[] = { { "_sip._tcp.x.example", TYPE_SRV, ANSWER, 2, 300, "x.example" } };
	struct world world;
	struct got *got;
	struct lookup *lookup;

	(void)state;
	world_start(&world, changing, 1);
	assert_int_equal(ask_srv(&world, "_sip._tcp.x.example")->count, 2);
	lookup = world_lookup(&world, "s_sip._tcp.x.example");
	changing[0].act = SERVFAIL;
	lookup->fresh_until_ms = 0;
	got = ask_srv(&world, "_sip._tcp.x.example");
	assert_int_equal(got->outcome, RESOLVER_FOUND);
	assert_int_equal(got->count, 2);
	/* And does not ask again at once. */
	assert_true(lookup->fresh_until_ms > loop_now(world.loop).mono_ms);

	changing[0].act = SILENT; /* after 1.8 s the old answer is given */
	lookup->fresh_until_ms = 0;
	got = ask_srv(&world, "_sip._tcp.x.example");
	assert_int_equal(got->outcome, RESOLVER_FOUND);
	world_stop(&world);

	world_start(&world, changing, 1);
	changing[0].act = ANSWER;
	ask_srv(&world, "_sip._tcp.x.example");
	lookup = world_lookup(&world, "s_sip._tcp.x.example");
	changing[0].act = SERVFAIL;
	lookup->fresh_until_ms = lookup->usable_until_ms = 0; /* more than an hour too old */
	assert_int_equal(ask_srv(&world, "_sip._tcp.x.example")->outcome, RESOLVER_FAILED);
	lookup->fresh_until_ms = 0;
	changing[0].act = NXDOMAIN; /* the servers are sure: no old answer */
	assert_int_equal(ask_srv(&world, "_sip._tcp.x.example")->outcome, RESOLVER_ABSENT);
	world_stop(&world);
}

static void finds_addresses_of_both_families(void **state)
{
	struct world world;
	struct got *got;
	char text[ADDRESS_TEXT_BYTES];
	unsigned v6 = 0;

	(void)state;
	start(&world);
	got = ask_addresses(&world, "both.example");
	assert_int_equal(got->outcome, RESOLVER_FOUND);
	assert_int_equal(got->count, 5);
	for (size_t i = 0; i < got->count; i++)
		v6 += got->addresses[i].any.sa_family == AF_INET6;
	assert_int_equal(v6, 2);
	/* One of each family among the first two, whichever has a route. */
	assert_int_not_equal(got->addresses[0].any.sa_family, got->addresses[1].any.sa_family);
	got = ask_addresses(&world, "v4.example");
	assert_int_equal(got->count, 2);
	assert_string_equal(address_text(&got->addresses[0], text), "192.0.2.1:0");
	got = ask_addresses(&world, "many.example");
	assert_int_equal(got->count, RESOLVER_ADDRESSES_MAX);
	assert_int_equal(ask_addresses(&world, "none.example")->outcome, RESOLVER_ABSENT);
	assert_int_equal(ask_addresses(&world, "spoofed.example")->outcome, RESOLVER_ABSENT);
	world_stop(&world);
}

static void does_not_wait_long_for_the_other_family(void **state)
{
	struct world world;
	struct got *got;

	(void)state;
	start(&world);
	got = ask_addresses(&world, "slowv6.example");
	assert_int_equal(got->outcome, RESOLVER_FOUND);
	assert_int_equal(got->count, 1);
	assert_true(world_lookup(&world, "aslowv6.example")->query[QUESTION_V6].is_out);
	world_stop(&world);
}

static void takes_an_address_for_itself(void **state)
{
	struct world world;
	char text[ADDRESS_TEXT_BYTES];

	(void)state;
	start(&world);
	ask_addresses(&world, "2001:db8::7");
	assert_string_equal(address_text(&world.got.addresses[0], text), "[2001:db8::7]:0");
	assert_int_equal(world.dns.asked, 0);
	world_stop(&world);
}

static void asks_once_for_many(void **state)
{
	struct world world;
	struct got others[RESOLVER_WAITERS_MAX];

	(void)state;
	start(&world);
	for (unsigned i = 0; i < RESOLVER_WAITERS_MAX - 1; i++) {
		others[i] = (struct got){ .loop = world.loop };
		resolver_srv(world.resolver, SLICE("_sip._tcp.found.example"), got_srv, &others[i]);
	}
	resolver_srv(world.resolver, SLICE("_sip._tcp.found.example"), got_srv, &world.got);
	assert_int_equal(world.got.answers, 0);
	/* One too many is told at once. */
	others[RESOLVER_WAITERS_MAX - 1] = (struct got){ .loop = world.loop };
	resolver_srv(world.resolver, SLICE("_sip._tcp.found.example"), got_srv,
	             &others[RESOLVER_WAITERS_MAX - 1]);
	assert_int_equal(others[RESOLVER_WAITERS_MAX - 1].answers, 1);
	assert_int_equal(others[RESOLVER_WAITERS_MAX - 1].outcome, RESOLVER_FAILED);
	/* Who does not want it any more is not told. */
	resolver_forget(world.resolver, &others[5]);
	world_run(&world, 1);
	for (unsigned i = 0; i < RESOLVER_WAITERS_MAX - 1; i++)
		assert_int_equal(others[i].answers, i == 5 ? 0 : 1);
	assert_int_equal(world.dns.asked, 1);
	world_stop(&world);
}

static void may_be_freed_in_an_answer(void **state)
{
	struct world world;
	struct got second = { 0 };

	(void)state;
	start(&world);
	world.got.frees = &world.resolver;
	second.loop = world.loop;
	resolver_srv(world.resolver, SLICE("_sip._tcp.found.example"), got_srv, &world.got);
	resolver_srv(world.resolver, SLICE("_sip._tcp.found.example"), got_srv, &second);
	resolver_addresses(world.resolver, SLICE("both.example"), got_addresses, &second);
	world_run(&world, 1);
	assert_null(world.resolver);
	assert_int_equal(second.answers, 0);
	world_stop(&world);
}

static void keeps_at_most_so_many(void **state)
{
	struct world world;
	struct reason reason;
	struct slice many[RESOLVER_SERVERS_MAX + 1], bad = SLICE("dns.example");
	struct resolver *none = NULL;

	(void)state;
	start(&world);
	resolver_keep_at_most(world.resolver, 500);
	for (unsigned i = 0; i < 510; i++) {
		char name[64];

		snprintf(name, sizeof name, "n%u.silent", i);
		resolver_srv(world.resolver, slice_of(name), got_srv, &world.got);
	}
	/* All are out, so nobody can make room. */
	assert_int_equal(world.got.answers, 10);
	assert_int_equal(world.got.outcome, RESOLVER_FAILED);
	assert_int_equal(world.resolver->lookups.count, 500);
	resolver_keep_at_most(world.resolver, 20);
	assert_int_equal(resolver_names(world.resolver), 500);
	world_stop(&world);

	start(&world);
	for (size_t i = 0; i < RESOLVER_SERVERS_MAX + 1; i++)
		many[i] = SLICE("192.0.2.1");
	assert_int_equal(resolver_new(world.loop, many, RESOLVER_SERVERS_MAX + 1, (struct siphash_key){ 0 },
	                              &none, &reason),
	                 RESULT_LIMIT);
	assert_int_equal(resolver_new(world.loop, &bad, 1, (struct siphash_key){ 0 }, &none, &reason),
	                 RESULT_INVALID);
	assert_null(none);
	world_stop(&world);
}

/* Room is made by what nobody waits for, the longest unused first; fewer are kept as soon as fewer are wanted. */
static void forgets_what_was_not_asked_for_longest(void **state)
{
	struct world world;

	(void)state;
	start(&world);
	resolver_keep_at_most(world.resolver, 2);
	resolver_srv(world.resolver, SLICE("_sip._tcp.found.example"), got_srv, &world.got);
	world_run(&world, 1);
	resolver_addresses(world.resolver, SLICE("both.example"), got_addresses, &world.got);
	world_run(&world, 1);
	resolver_srv(world.resolver, SLICE("_sip._tcp.found.example"), got_srv, &world.got);
	assert_int_equal(world.got.answers, 3); /* still known */
	resolver_keep_at_most(world.resolver, 1);
	assert_int_equal(resolver_names(world.resolver), 1);
	resolver_srv(world.resolver, SLICE("_sip._tcp.found.example"), got_srv, &world.got);
	assert_int_equal(world.got.answers, 4); /* the other one had to go */
	resolver_flush(world.resolver);
	assert_int_equal(resolver_names(world.resolver), 0);
	world_stop(&world);
}

#ifdef PARLEY_FAULTS
static void survives_each_allocation_failing(void **state)
{
	(void)state;
	for (unsigned long nth = 1; nth < 40; nth++) {
		struct world world;

		start(&world);
		mem_fail_at(nth);
		resolver_srv(world.resolver, SLICE("_sip._tcp.found.example"), got_srv, &world.got);
		if (world.got.answers == 0)
			world_run(&world, 1);
		world.got.answers = 0;
		resolver_addresses(world.resolver, SLICE("both.example"), got_addresses, &world.got);
		if (world.got.answers == 0)
			world_run(&world, 1);
		mem_fail_at(0);
		world_stop(&world);
	}
}
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_srv_and_remembers),
		cmocka_unit_test(uses_tcp_for_a_truncated_answer),
		cmocka_unit_test(tells_absent_from_failed),
		cmocka_unit_test(gives_up_when_nobody_answers),
		cmocka_unit_test(serves_old_answers_while_dns_fails),
		cmocka_unit_test(finds_addresses_of_both_families),
		cmocka_unit_test(does_not_wait_long_for_the_other_family),
		cmocka_unit_test(takes_an_address_for_itself),
		cmocka_unit_test(asks_once_for_many),
		cmocka_unit_test(may_be_freed_in_an_answer),
		cmocka_unit_test(keeps_at_most_so_many),
		cmocka_unit_test(forgets_what_was_not_asked_for_longest),
#ifdef PARLEY_FAULTS
		cmocka_unit_test(survives_each_allocation_failing),
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
