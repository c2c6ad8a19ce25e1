/*
 * table: the rows of tests/tables/policy.txt and providers.txt; the columns are explained in the first.
 */
#ifndef TESTS_UNIT_POLICY_TABLE_H
#define TESTS_UNIT_POLICY_TABLE_H

#include "daemon/policy/policy.h"
#include "tests/unit/policy/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

enum { COLUMNS = 6, LIST_MAX = 16 };

struct row {
	struct slice columns[COLUMNS]; /* behaviour, configuration, facts, answer, status, change */
	struct policy_facts facts;
	struct slice dns[LIST_MAX], sip[LIST_MAX], targets[LIST_MAX];
};

static struct slice table;

static inline int read_table(void **state)
{
	static const char *const files[] = { "tests/tables/policy.txt", "tests/tables/providers.txt" };
	static char bytes[512 * 1024];
	size_t used = 0;

	(void)state;
	for (size_t i = 0; i < COUNT(files); i++) {
		FILE *file = fopen(files[i], "r");

		if (!file)
			return -1;
		used += fread(bytes + used, 1, sizeof bytes - used, file);
		fclose(file);
	}
	table = (struct slice){ bytes, used };
	return table.len == sizeof bytes ? -1 : 0;
}

static inline void read_certificate(struct row *row, struct slice names)
{
	struct slice name;

	row->facts.is_connected = true;
	row->facts.has_certificate = !slice_equal(names, SLICE("none"));
	row->facts.certificate_dns = row->dns;
	row->facts.certificate_sip = row->sip;
	while (row->facts.has_certificate && slice_next(&names, ',', &name)) {
		assert_true(row->facts.certificate_dns_count < LIST_MAX &&
		            row->facts.certificate_sip_count < LIST_MAX);
		if (world_take(&name, SLICE("sip:")))
			row->sip[row->facts.certificate_sip_count++] = name;
		else
			row->dns[row->facts.certificate_dns_count++] = name;
	}
}

static inline void read_srv(struct row *row, struct slice word)
{
	struct slice name;

	row->facts.srv_targets = row->targets;
	if (slice_equal(word, SLICE("absent"))) {
		row->facts.srv = POLICY_SRV_ABSENT;
	} else if (slice_equal(word, SLICE("failed"))) {
		row->facts.srv = POLICY_SRV_FAILED;
	} else {
		bool is_sips = world_take(&word, SLICE("sips:"));

		assert_true(is_sips || world_take(&word, SLICE("federation:")));
		row->facts.srv = POLICY_SRV_FOUND;
		row->facts.srv_route = is_sips ? POLICY_ROUTE_SRV_SIPS : POLICY_ROUTE_SRV_FEDERATION;
		while (word.len && slice_next(&word, ',', &name)) {
			assert_true(row->facts.srv_target_count < LIST_MAX);
			row->targets[row->facts.srv_target_count++] = name;
		}
	}
}

static inline struct slice domain_of(struct slice address)
{
	size_t at = slice_find(address, '@');

	return at < address.len ? slice_after(address, at + 1) : SLICE("");
}

static inline void read_people(struct row *row, struct slice word)
{
	size_t arrow = slice_find(word, '>');
	bool is_inward = row->facts.direction == POLICY_INWARD;

	assert_true(arrow < word.len);

	struct slice from = slice_first(word, arrow), to = slice_after(word, arrow + 1);

	row->facts.remote_domain = domain_of(is_inward ? from : to);
	row->facts.local_domain = domain_of(is_inward ? to : from);
	row->facts.local_user = slice_first(is_inward ? to : from, slice_find(is_inward ? to : from, '@'));
}

/* Ours is who sends, where a remote user does; of an anonymous one the meeting is. */
static inline void read_source(struct row *row, struct slice people, enum policy_source source)
{
	size_t arrow = slice_find(people, '>');
	bool is_first = (source == POLICY_REMOTE) == (row->facts.direction == POLICY_INWARD);
	struct slice ours = is_first ? slice_first(people, arrow) : slice_after(people, arrow + 1);

	row->facts.source = source;
	row->facts.remote_domain = SLICE("");
	row->facts.local_domain = domain_of(ours);
	row->facts.local_user = slice_first(ours, slice_find(ours, '@'));
}

static inline void read_facts(struct row *row)
{
	static const char *const services[] = { "im", "presence", "av", "other" };
	struct slice words = row->columns[2], word, people;
	size_t service = 0;

	assert_true(slice_next(&words, ' ', &word));
	assert_true(slice_equal(word, SLICE("in")) || slice_equal(word, SLICE("out")));
	row->facts.direction = slice_equal(word, SLICE("in")) ? POLICY_INWARD : POLICY_OUTWARD;
	assert_true(slice_next(&words, ' ', &word));
	while (service < COUNT(services) && !slice_equal(word, slice_of(services[service])))
		service++;
	assert_true(service < COUNT(services));
	row->facts.service = (enum policy_service)service;
	assert_true(slice_next(&words, ' ', &word));
	people = word;
	read_people(row, word);
	while (slice_next(&words, ' ', &word)) {
		if (world_take(&word, SLICE("cert=")))
			read_certificate(row, word);
		else if (world_take(&word, SLICE("srv=")))
			read_srv(row, word);
		else if (world_take(&word, SLICE("edge=")))
			row->facts.edge = word;
		else if (slice_equal(word, SLICE("xmpp")))
			row->facts.protocol = POLICY_XMPP;
		else if (slice_equal(word, SLICE("solicited")))
			row->facts.is_solicited = true;
		else if (slice_equal(word, SLICE("remote")))
			read_source(row, people, POLICY_REMOTE);
		else if (slice_equal(word, SLICE("anonymous")))
			read_source(row, people, POLICY_ANONYMOUS);
		else if (slice_equal(word, SLICE("signed-in")))
			row->facts.is_signed_in = true;
		else if (slice_equal(word, SLICE("register")))
			row->facts.method = SLICE("REGISTER");
		else if (slice_equal(word, SLICE("dialog")))
			row->facts.is_in_dialog = true;
		else if (slice_equal(word, SLICE("conference")))
			row->facts.is_conference = true;
		else if (slice_equal(word, SLICE("file")))
			row->facts.is_transfer = true;
		else if (slice_equal(word, SLICE("said=verified")))
			row->facts.said = POLICY_SAID_VERIFIED;
		else if (slice_equal(word, SLICE("said=unverified")))
			row->facts.said = POLICY_SAID_UNVERIFIED;
		else if (world_take(&word, SLICE("method=")))
			row->facts.method = word;
		else
			fail_msg("%.*s: \"%.*s\" is no fact", SLICE_ARG(row->columns[0]), SLICE_ARG(word));
	}
}

/* Start with `*rest` = the table. */
static inline bool next_row(struct slice *rest, struct row *row)
{
	struct slice line;

	while (slice_next(rest, '\n', &line)) {
		if (line.len == 0 || line.ptr[0] == '#')
			continue;
		*row = (struct row){ 0 };
		for (size_t i = 0; i < COLUMNS; i++) {
			if (!slice_next(&line, '|', &row->columns[i]))
				fail_msg("%.*s: column %zu is missing", SLICE_ARG(row->columns[0]), i);
			row->columns[i] = slice_trim(row->columns[i]);
		}
		assert_true(line.ptr == NULL);
		read_facts(row);
		return true;
	}
	return false;
}

#endif
