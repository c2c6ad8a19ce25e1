#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <utmpx.h>

#include "daemon/keeper/parts.h"

#include <cmocka.h> /* last: its fail() would rewrite ours */

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const struct {
	const char *name, *stat;
	bool is_read;
	pid_t parent;
	const char *line;
} stats[] = {
	{ "reads_parent_and_terminal", "71 (parley) S 70 71 70 34819 71 4194304", true, 70, "pts/3" },
	{ "counts_from_the_last_parenthesis", "71 (a) S 1 (b) R 12 71 70 34816 71", true, 12, "pts/0" },
	{ "terminals_beyond_256_have_another_major", "71 (x) S 9 71 70 35075 71", true, 9, "pts/259" },
	{ "a_console_is_a_tty", "71 (x) S 9 71 70 1025 71", true, 9, "tty1" },
	{ "has_none_in_the_background", "71 (x) S 9 71 70 0 -1", true, 9, "" },
	{ "refuses_what_is_cut", "71 (x) S 9", false, 0, "" },
	{ "refuses_what_has_no_name", "71 x S 9 71 70 0 -1", false, 0, "" },
	{ "refuses_nothing", "", false, 0, "" },
	{ "refuses_a_parent_that_is_no_number", "71 (x) S y 71 70 0 -1", false, 0, "" },
};

static void reads_the_stat_of_a_process(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(stats); i++) {
		char line[32] = "";
		pid_t parent = 0;

		if (who_read_stat(slice_of(stats[i].stat), &parent, line) != stats[i].is_read ||
		    (stats[i].is_read && (parent != stats[i].parent || strcmp(line, stats[i].line) != 0)))
			fail_msg("%s: %d %s", stats[i].name, (int)parent, line);
	}
}

static void finds_where_a_terminals_user_came_from(void **state)
{
	struct utmpx entries[5] = {
		{ .ut_type = DEAD_PROCESS, .ut_line = "pts/1", .ut_host = "old.example" },
		{ .ut_type = USER_PROCESS, .ut_line = "pts/1", .ut_addr_v6 = { (int32_t)0x077100cb } },
		{ .ut_type = USER_PROCESS, .ut_line = "pts/2", .ut_addr_v6 = { 1, 2, 3, 4 } },
		{ .ut_type = USER_PROCESS, .ut_line = "pts/3", .ut_host = "host\x1b[2J" },
		{ .ut_type = USER_PROCESS, .ut_line = "tty1" },
	};
	char to[64];

	(void)state;
	assert_true(who_read_utmp(entries, COUNT(entries), "pts/1", to, sizeof to));
	assert_string_equal(to, "203.0.113.7");
	assert_true(who_read_utmp(entries, COUNT(entries), "pts/2", to, sizeof to));
	assert_non_null(strchr(to, ':'));
	assert_true(who_read_utmp(entries, COUNT(entries), "pts/3", to, sizeof to));
	assert_null(strchr(to, '\x1b'));
	assert_false(who_read_utmp(entries, COUNT(entries), "tty1", to, sizeof to));
	assert_false(who_read_utmp(entries, COUNT(entries), "pts/9", to, sizeof to));
}

static const struct {
	const char *name, *known, *claim, *address;
} claims[] = {
	{ "takes_an_address_and_says_whose_word_it_is", "", "203.0.113.7 50122 192.0.2.1 22",
	  "203.0.113.7, it says" },
	{ "also_of_version_6", "", "2001:db8::7", "2001:db8::7, it says" },
	{ "takes_nothing_else", "", "moon\x1b[2J", "" },
	{ "takes_nothing_too_long", "", "1111111111111111111111111111111111111111111111111111111", "" },
	{ "the_system_knows_better", "198.51.100.1", "203.0.113.7", "198.51.100.1" },
	{ "no_claim_is_none", "", "", "" },
};

static void believes_a_client_only_where_nobody_knows_better(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(claims); i++) {
		struct who who = { .uid = 1000 };

		snprintf(who.address, sizeof who.address, "%s", claims[i].known);
		who_claim_address(&who, slice_of(claims[i].claim));
		if (strcmp(who.address, claims[i].address) != 0)
			fail_msg("%s: %s", claims[i].name, who.address);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_the_stat_of_a_process),
		cmocka_unit_test(finds_where_a_terminals_user_came_from),
		cmocka_unit_test(believes_a_client_only_where_nobody_knows_better),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
