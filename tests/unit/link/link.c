#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <sys/socket.h>

#include "daemon/link/link.h"

#include <cmocka.h> /* last: its fail() would rewrite ours */

/* Both ends of a pair on one loop; every wait ends by the frame it waits for. */
struct end {
	struct loop *loop;
	struct link *link;
	size_t came, stop_at;
	uint64_t last;
	bool was_broken, frees_itself;
};

static void came(void *owner, struct link_frame *frame)
{
	struct end *end = owner;

	assert_int_equal(frame->number, end->last + 1); /* in order, none lost */
	end->last = frame->number;
	if (++end->came == end->stop_at)
		loop_stop(end->loop);
	if (end->frees_itself)
		link_free(&end->link);
}

static void broken(void *owner)
{
	struct end *end = owner;

	end->was_broken = true;
	link_free(&end->link);
	loop_stop(end->loop);
}

static void setup(struct end ends[2])
{
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	ends[0].loop = ends[1].loop = loop_new();
	for (int i = 0; i < 2; i++) {
		ends[i].link = link_new(ends[i].loop, pair[i], came, broken, &ends[i]);
		assert_non_null(ends[i].link);
	}
}

static void teardown(struct end ends[2])
{
	link_free(&ends[0].link);
	link_free(&ends[1].link);
	loop_free(&ends[0].loop);
}

static char bulk[8192];

static void queues_up_to_its_limit_and_delivers_in_order(void **state)
{
	struct end ends[2] = { 0 };
	uint64_t sent = 0;

	(void)state;
	setup(ends);
	while (link_send(ends[0].link, LINK_EVENT, sent + 1, (struct slice){ bulk, sizeof bulk }, -1))
		sent++;
	/* The queue's limit decided, not the socket's. */
	assert_true(sent * sizeof bulk > LINK_QUEUE_MAX - 2 * sizeof bulk);
	assert_true(sent * sizeof bulk < LINK_QUEUE_MAX + 1024 * 1024);
	ends[1].stop_at = sent;
	loop_run(ends[0].loop);
	assert_int_equal(ends[1].came, sent);
	assert_true(link_send(ends[0].link, LINK_EVENT, sent + 1, (struct slice){ bulk, sizeof bulk }, -1));
	teardown(ends);
}

static void refuses_to_send_what_does_not_fit_its_row(void **state)
{
	struct end ends[2] = { 0 };

	(void)state;
	setup(ends);
	assert_false(link_send(ends[0].link, LINK_EVENT, 1, SLICE(""), -1));
	assert_int_equal(link_dropped(ends[0].link), 1);
	assert_false(link_send(NULL, LINK_EVENT, 1, SLICE("{}"), -1));
	teardown(ends);
}

static void tells_the_end_of_the_other_side_once(void **state)
{
	struct end ends[2] = { 0 };

	(void)state;
	setup(ends);
	link_free(&ends[0].link);
	assert_false(link_send(ends[1].link, LINK_EVENT, 1, SLICE("{}"), -1));
	assert_false(ends[1].was_broken); /* never from inside a call of ours */
	loop_run(ends[1].loop);
	assert_true(ends[1].was_broken);
	assert_null(ends[1].link);
	teardown(ends);
}

static void may_be_freed_by_the_frame_it_delivers(void **state)
{
	struct end ends[2] = { 0 };

	(void)state;
	setup(ends);
	ends[1].frees_itself = true;
	ends[1].stop_at = 1;
	assert_true(link_send(ends[0].link, LINK_EVENT, 1, SLICE("{}"), -1));
	assert_true(link_send(ends[0].link, LINK_EVENT, 2, SLICE("{}"), -1));
	loop_run(ends[1].loop);
	assert_int_equal(ends[1].came, 1);
	teardown(ends);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(queues_up_to_its_limit_and_delivers_in_order),
		cmocka_unit_test(refuses_to_send_what_does_not_fit_its_row),
		cmocka_unit_test(tells_the_end_of_the_other_side_once),
		cmocka_unit_test(may_be_freed_by_the_frame_it_delivers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
