/* What is staged between the socket and TLS: the same bytes, fewer calls, never a byte forgotten. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/io/tls_stage.h"
#include "shared/base/memory.h"

#include <cmocka.h>

struct ends {
	int ours, theirs;
	struct tls_stage stage;
};

static void open_ends(struct ends *e)
{
	int fds[2];

	*e = (struct ends){ 0 };
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	e->ours = fds[0];
	e->theirs = fds[1];
}

static void close_ends(struct ends *e)
{
	tls_stage_stop(&e->stage);
	close(e->ours);
	close(e->theirs);
}

static void expect(struct ends *e, size_t size, const char *bytes)
{
	char got[64];

	assert_int_equal(tls_stage_take(&e->stage, e->ours, got, size), strlen(bytes));
	assert_memory_equal(got, bytes, strlen(bytes));
}

static void expect_nothing(struct ends *e)
{
	char byte;

	errno = 0;
	assert_int_equal(tls_stage_take(&e->stage, e->ours, &byte, 1), -1);
	assert_int_equal(errno, EAGAIN);
}

static void gives_in_pieces_what_came_at_once(void **state)
{
	struct ends e;

	(void)state;
	open_ends(&e);
	expect_nothing(&e);
	assert_int_equal(send(e.theirs, "headrbody", 9, 0), 9);
	expect(&e, 5, "headr");
	assert_true(tls_stage_has(&e.stage));
	expect(&e, 16, "body");
	assert_false(tls_stage_has(&e.stage));
	/* The socket was emptied: said without asking, once; what came meanwhile is found by the next readiness. */
	assert_int_equal(send(e.theirs, "more", 4, 0), 4);
	expect_nothing(&e);
	expect(&e, 16, "more");
	expect_nothing(&e);
	expect_nothing(&e);
	close_ends(&e);
}

static void tells_the_end_and_the_reset(void **state)
{
	struct ends e;
	char byte;

	(void)state;
	open_ends(&e);
	assert_int_equal(send(e.theirs, "x", 1, 0), 1);
	shutdown(e.theirs, SHUT_WR);
	expect(&e, 5, "x");
	expect_nothing(&e);
	assert_int_equal(tls_stage_take(&e.stage, e.ours, &byte, 1), 0);
	close_ends(&e);
}

static void rests_only_when_it_holds_nothing(void **state)
{
	struct ends e;

	(void)state;
	open_ends(&e);
	assert_int_equal(send(e.theirs, "ab", 2, 0), 2);
	expect(&e, 1, "a");
	tls_stage_rest(&e.stage);
	expect(&e, 1, "b");
	assert_non_null(e.stage.bytes);
	tls_stage_rest(&e.stage);
	assert_null(e.stage.bytes);
	expect_nothing(&e); /* what it knew of the socket it still knows */
	assert_int_equal(send(e.theirs, "c", 1, 0), 1);
	expect(&e, 1, "c");
	close_ends(&e);
}

static void a_full_stage_is_no_empty_socket(void **state)
{
	static char bytes[TLS_STAGE_BYTES + 10], got[TLS_STAGE_BYTES + 10];
	struct ends e;
	size_t count = 0;

	(void)state;
	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (char)(i * 7 + i / 251);
	open_ends(&e);
	assert_int_equal(send(e.theirs, bytes, sizeof bytes, 0), sizeof bytes);
	while (count < sizeof bytes) {
		ssize_t n = tls_stage_take(&e.stage, e.ours, got + count, 4099);

		assert_true(n > 0);
		count += (size_t)n;
	}
	assert_memory_equal(got, bytes, sizeof bytes);
	expect_nothing(&e);
	close_ends(&e);
}

#ifdef PARLEY_FAULTS
static void without_memory_it_reads_the_socket_itself(void **state)
{
	struct ends e;

	(void)state;
	open_ends(&e);
	assert_int_equal(send(e.theirs, "ab", 2, 0), 2);
	mem_fail_at(1);
	expect(&e, 1, "a");
	mem_fail_at(0);
	expect(&e, 5, "b");
	close_ends(&e);
}
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gives_in_pieces_what_came_at_once),
		cmocka_unit_test(tells_the_end_and_the_reset),
		cmocka_unit_test(rests_only_when_it_holds_nothing),
		cmocka_unit_test(a_full_stage_is_no_empty_socket),
#ifdef PARLEY_FAULTS
		cmocka_unit_test(without_memory_it_reads_the_socket_itself),
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
