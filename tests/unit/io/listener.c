/* Listening, also when there are no descriptors left. */
#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <time.h>

#include "tests/unit/io/pair.h"

enum { DESCRIPTORS = 64 };

struct desk {
	struct loop *loop;
	struct listener *listener;
	struct loop_timer timer;
	int taken[DESCRIPTORS];
	unsigned taken_count;
	bool frees;
};

static void take(void *owner, int fd, const struct address *from)
{
	struct desk *desk = owner;
	char text[ADDRESS_TEXT_BYTES];

	assert_string_equal(address_host_text(from, text), "127.0.0.1");
	assert_true(desk->taken_count < DESCRIPTORS);
	desk->taken[desk->taken_count++] = fd;
	if (desk->frees)
		listener_free(&desk->listener);
}

static void stop(void *owner) { loop_stop(owner); }

static void run_for(struct desk *desk, int64_t ms)
{
	loop_timer_set(desk->loop, &desk->timer, ms, stop, desk->loop);
	loop_run(desk->loop);
	loop_timer_stop(&desk->timer);
}

static void desk_start(struct desk *desk)
{
	*desk = (struct desk){ .loop = loop_new() };
	assert_int_equal(listener_new(desk->loop, pair_listen(), take, desk, &desk->listener, NULL),
	                 RESULT_OK);
}

static void desk_stop(struct desk *desk)
{
	for (unsigned i = 0; i < desk->taken_count; i++)
		close(desk->taken[i]);
	listener_free(&desk->listener);
	loop_free(&desk->loop);
}

static int call(const struct desk *desk)
{
	const struct address *to = listener_address(desk->listener);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	if (fd >= 0)
		assert_true(connect(fd, &to->any, to->length) == 0 || errno == EINPROGRESS);
	return fd;
}

static void takes_callers_and_pauses(void **state)
{
	struct desk desk;
	int callers[3];

	(void)state;
	desk_start(&desk);
	callers[0] = call(&desk);
	callers[1] = call(&desk);
	run_for(&desk, 20);
	assert_int_equal(desk.taken_count, 2);
	assert_true(fcntl(desk.taken[0], F_GETFL) & O_NONBLOCK);
	assert_true(fcntl(desk.taken[0], F_GETFD) & FD_CLOEXEC);
	listener_pause(desk.listener, 400);
	callers[2] = call(&desk);
	run_for(&desk, 20);
	assert_int_equal(desk.taken_count, 2);
	run_for(&desk, 800);
	assert_int_equal(desk.taken_count, 3);
	for (int i = 0; i < 3; i++)
		close(callers[i]);
	desk_stop(&desk);
}

static void may_be_freed_while_it_accepts(void **state)
{
	struct desk desk;
	int callers[3];

	(void)state;
	desk_start(&desk);
	for (int i = 0; i < 3; i++)
		callers[i] = call(&desk);
	desk.frees = true;
	run_for(&desk, 20);
	assert_int_equal(desk.taken_count, 1);
	assert_null(desk.listener);
	for (int i = 0; i < 3; i++)
		close(callers[i]);
	desk_stop(&desk);
}

static void refuses_what_does_not_listen(void **state)
{
	struct loop *loop = loop_new();
	struct listener *listener = NULL;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	(void)state;
	assert_int_equal(listener_new(loop, fd, take, NULL, &listener, NULL), RESULT_INVALID);
	assert_int_equal(fcntl(fd, F_GETFD), -1); /* ours from the call on, also when it fails */
	assert_int_equal(listener_new(loop, -1, take, NULL, &listener, NULL), RESULT_INVALID);
	assert_null(listener);
	loop_free(&loop);
}

static double cpu_seconds(void)
{
	struct timespec used;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
	return (double)used.tv_sec + (double)used.tv_nsec / 1e9;
}

/* Every descriptor is in use and callers wait: they are turned away, the loop sleeps, and it goes on when there are. */
static void turns_callers_away_when_full(void **state)
{
	struct rlimit old, few;
	struct desk desk;
	int callers[8], filler[DESCRIPTORS], filled = 0;
	double before;
	char byte;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	desk_start(&desk);
	for (int i = 0; i < 8; i++)
		callers[i] = call(&desk);
	few = old;
	few.rlim_cur = (rlim_t)callers[7] + 1;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	while (filled < DESCRIPTORS && (filler[filled] = dup(0)) >= 0)
		filled++;
	assert_int_equal(errno, EMFILE);
	before = cpu_seconds();
	run_for(&desk, 350); /* three pauses: three or four callers are turned away */
	assert_true(cpu_seconds() - before < 0.2);
	assert_int_equal(desk.taken_count, 0);
	assert_int_equal(recv(callers[0], &byte, 1, MSG_DONTWAIT), 0); /* closed, not left waiting */
	for (int i = 0; i < filled; i++)
		close(filler[i]);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	run_for(&desk, 200);
	assert_in_range(desk.taken_count, 3, 7);
	for (int i = 0; i < 8; i++)
		close(callers[i]);
	desk_stop(&desk);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_callers_and_pauses),
		cmocka_unit_test(may_be_freed_while_it_accepts),
		cmocka_unit_test(refuses_what_does_not_listen),
		cmocka_unit_test(turns_callers_away_when_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
