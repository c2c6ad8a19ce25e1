/* state: what outlives the process, on a disk that takes it and on one that does not. */
#include <signal.h>
#include <sys/resource.h>

#include "tests/unit/gateway/presence.h"

/* ---- a disk that takes nothing ---- */

/* No file of this process may grow: what SQLite meets is what a full disk gives. */
static void disk_is_full(bool is_full)
{
	struct rlimit limit;

	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = is_full ? 1 : limit.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void nothing_is_promised_while_the_disk_is_full_and_nothing_is_lost(void **state)
{
	handle first, refresh, end, receipt;

	(void)state;
	first = watch_bob();
	assert_int_equal(wire_status(first), 200);
	wire_forget();
	disk_is_full(true);
	wire_xmpp(FROM_BOB "type='subscribe'/>"); /* he watches her, too: she is asked, and he waits */
	receipt = wire.next_receipt;
	wire_wait(1);
	wire_expect_in(wire.report, "\"event\":\"state-not-kept\"");
	wire_respond(0, 200, "at", CONTACT "Expires: 3600\r\n");
	wire_in_dialog(0, "NOTIFY", "at", 1, ACTIVE PIDF, AWAY);
	wire_xmpp(FROM_BOB "/>"); /* what asks for nothing does not wait for a disk */
	assert_true(wire.is_handled[wire.next_receipt]);
	wire_xmpp(FROM_BOB
	          "type='subscribe'/>"); /* again, on another stream: no more durable than the first */
	assert_false(wire.is_handled[wire.next_receipt]);
	wire.report[0] = '\0';
	wire_wait(30);
	assert_false(wire.is_handled[receipt]);
	assert_string_equal(wire.report, ""); /* said once a minute */

	/* A device of hers is refused, and one that is there keeps what it had. */
	wire_forget();
	end = wire_request_as("SUBSCRIBE", "<sip:alice@contoso.example>;tag=b", "<sip:bob@x.example>", "c2",
	                      1, SUBSCRIBE, "");
	wire_wait(6);
	assert_int_equal(wire_status(end), 500);
	wire_expect_in(wire_answer_of(end)->headers, "Retry-After: ");
	assert_int_equal(wire.gateway.talks->notifies.count, 1);
	refresh = wire_request_as(
	        "SUBSCRIBE", "<sip:alice@contoso.example>;tag=a",
	        arena_printf(&wire.arena, "<sip:bob@x.example>;tag=%s", wire_tag_of_notify()), "c1", 1000,
	        SUBSCRIBE, "");
	wire_wait(6);
	assert_int_equal(wire_status(refresh), 500);
	assert_int_equal(wire.gateway.talks->notifies.count, 1);

	disk_is_full(false);
	wire_wait(6);
	wire_expect_in(wire.report, "\"event\":\"state-kept\"");
	for (handle i = 1; i <= wire.next_receipt; i++)
		assert_true(wire.is_handled[i]);
	kill_and_start();
	assert_int_equal(wire.gateway.talks->watchings.count, 1);
	assert_int_equal(wire.gateway.talks->watcheds.count, 1);
	assert_int_equal(wire.gateway.talks->notifies.count, 1);
}

/* With each allocation failing in turn: whatever was acknowledged is there after a restart. */
static void what_was_acknowledged_without_memory_is_on_the_disk(void **state)
{
	(void)state;
#ifdef PARLEY_FAULTS
	for (unsigned long at = 1; at < 60; at++) {
		handle server;

		wire.fails_at = at;
		wire_xmpp(FROM_BOB "type='subscribe'/>");
		wire.fails_at = at;
		server = wire_request_as("SUBSCRIBE", "<sip:alice@contoso.example>;tag=a",
		                         "<sip:bob@x.example>", arena_printf(&wire.arena, "m%lu", at), 1,
		                         SUBSCRIBE, "");
		wire.fails_at = 0;
		wire_wait(2);
		assert_true(wire.is_handled[wire.next_receipt]);
		size_t watchings = wire.gateway.talks->watchings.count,
		       watcheds = wire.gateway.talks->watcheds.count,
		       notifies = wire.gateway.talks->notifies.count;

		assert_true(wire_status(server) != 200 || notifies == 1);
		kill_and_start();
		assert_int_equal(wire.gateway.talks->watchings.count, watchings);
		assert_int_equal(wire.gateway.talks->watcheds.count, watcheds);
		assert_int_equal(wire.gateway.talks->notifies.count, notifies);
		wire_stop();
		remove_files();
		wire_start(folder);
	}
#endif
}

/* ---- the file ---- */

static void give_one(void *owner)
{
	const struct state_row row = { .kind = STATE_WATCHED, .key = SLICE("all"), .until_ms = 1 };

	state_put(owner, &row);
}

static void count_row(void *to, const struct state_row *row)
{
	size_t *count = to;

	assert_true(slice_equal(row->key, SLICE("all")));
	(*count)++;
}

static void more_changes_than_are_kept_write_every_row_anew(void **state)
{
	struct state *file = NULL;
	struct reason reason;
	char key[32];
	size_t count = 0;

	(void)state;
	assert_int_equal(state_open(NULL, wire.gateway.seed, &file, &reason), RESULT_OK);
	state_written_by(file, give_one, file);
	for (size_t i = 0; i <= STATE_CHANGES_MAX + 1; i++) {
		struct state_row row = { .kind = STATE_WATCHED };

		snprintf(key, sizeof key, "%zu", i);
		row.key = slice_of(key);
		state_put(file, &row);
		if (i == 0)
			assert_int_equal(state_commit(file, &reason), RESULT_OK);
	}
	assert_true(state_is_dirty(file));
	assert_int_equal(state_commit(file, &reason), RESULT_OK);
	assert_false(state_is_dirty(file));
	assert_int_equal(state_each(file, STATE_WATCHED, 0, count_row, &count, &reason), RESULT_OK);
	assert_int_equal(count, 1); /* what the owner says is what there is */
	state_close(&file);
}

static void a_later_version_is_not_touched(void **state)
{
	struct state *file = NULL;
	struct reason reason;
	char path[96];

	(void)state;
	snprintf(path, sizeof path, "%s/gateway.db", folder);
	wire_stop();
	assert_int_equal(state_open(path, wire.gateway.seed, &file, &reason), RESULT_OK);
	state_close(&file);
	{
		/* user_version is four bytes at 60 of a database's first page. */
		FILE *f = fopen(path, "r+b");

		assert_non_null(f);
		assert_int_equal(fseek(f, 63, SEEK_SET), 0);
		assert_int_equal(fputc(STATE_VERSION + 1, f), STATE_VERSION + 1);
		fclose(f);
	}
	assert_int_equal(state_open(path, wire.gateway.seed, &file, &reason), RESULT_INVALID);
	wire_expect_in(reason.text, "version 3");
	unlink(path);
	{
		FILE *f = fopen(path, "wb");

		fputs("this is no database, but a text that somebody has put in its place, long enough to be "
		      "read",
		      f);
		fclose(f);
	}
	assert_int_equal(state_open(path, wire.gateway.seed, &file, &reason), RESULT_IO);
	unlink(path);
	wire_start(folder);
}

static void compare_row(void *to, const struct state_row *found)
{
	const struct state_row **row = to;
	const struct dialog *a = &(*row)->dialog, *b = &found->dialog;

	assert_int_equal(found->kind, (*row)->kind);
	assert_true(slice_equal(found->key, (*row)->key) && slice_equal(found->tag, (*row)->tag));
	assert_int_equal(found->state, (*row)->state);
	assert_true(slice_equal(a->call_id, b->call_id) && slice_equal(a->local, b->local));
	assert_true(slice_equal(a->remote, b->remote) && slice_equal(a->target, b->target));
	assert_true(slice_equal(a->routes, b->routes));
	assert_int_equal(b->local_cseq, a->local_cseq);
	assert_int_equal(b->remote_cseq, a->remote_cseq);
	assert_int_equal(found->until_ms, (*row)->until_ms);
	assert_true(slice_equal(found->event, (*row)->event));
	*row = NULL; /* it came, once */
}

static void rows_come_back_as_they_were(void **state)
{
	struct state_row row = { .kind = STATE_WATCHING,
		                 .key = SLICE("a b"),
		                 .tag = SLICE("t"),
		                 .state = 3,
		                 .dialog = { .call_id = SLICE("c"),
		                             .local = SLICE("<sip:l@x>;tag=1"),
		                             .remote = SLICE("<sip:r@y>;tag=2"),
		                             .target = SLICE("sip:t@z"),
		                             .routes = SLICE("Route: <sip:q;lr>\r\n"),
		                             .local_cseq = 4000000000,
		                             .remote_cseq = 7 },
		                 .until_ms = INT64_C(1764000000123),
		                 .event = SLICE("presence;id=7") };
	const struct state_row *wanted = &row;
	struct state *file = NULL;
	struct reason reason;

	(void)state;
	assert_int_equal(state_open(NULL, wire.gateway.seed, &file, &reason), RESULT_OK);
	assert_false(state_is_dirty(file));
	state_put(file, &row);
	assert_true(state_is_dirty(file));
	assert_int_equal(state_commit(file, &reason), RESULT_OK);
	assert_false(state_is_dirty(file));
	state_remove(file, STATE_FIRST, SLICE("a b"), SLICE("")); /* of another kind: this one stays */
	assert_int_equal(state_commit(file, &reason), RESULT_OK);
	assert_int_equal(state_each(file, STATE_WATCHING, 0, compare_row, &wanted, &reason), RESULT_OK);
	assert_null(wanted);
	state_close(&file);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)
	const struct CMUnitTest tests[] = {
		TEST(nothing_is_promised_while_the_disk_is_full_and_nothing_is_lost),
		TEST(what_was_acknowledged_without_memory_is_on_the_disk),
		TEST(more_changes_than_are_kept_write_every_row_anew),
		TEST(a_later_version_is_not_touched),
		TEST(rows_come_back_as_they_were),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
