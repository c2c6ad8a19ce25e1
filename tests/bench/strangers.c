/*
 * strangers: so many connections that never say a word, from as many addresses
 * as it takes; who is turned away knocks again a while later.
 *
 *   strangers --connect ADDR:PORT --count N [--again-ms MS]
 *
 * Runs until it is ended.  Sources are 127.1.0.0/16, ten connections each.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "daemon/io/address.h"
#include "daemon/io/loop.h"
#include "shared/base/memory.h"

enum {
	STRANGERS_MAX = 18000,
	STRANGERS_PER_SOURCE = 10,
	STRANGERS_FIRST_SOURCE = 0x7f010001, /* 127.1.0.1 */
	STRANGERS_AT_ONCE = 50,              /* begun in one turn, every five milliseconds */
	STRANGERS_TURN_MS = 5,
	STRANGERS_AGAIN_MS = 5000,
};

struct strangers;

struct stranger {
	struct strangers *all;
	struct loop_watch watch;
	struct loop_timer again;
	unsigned number;
	int fd;
};

struct strangers {
	struct loop *loop;
	struct address to;
	struct stranger *list;
	unsigned count, begun;
	int64_t again_ms;
	struct loop_timer turn;
};

static void knock(void *owner);

static void turned_away(struct stranger *s)
{
	loop_watch_stop(&s->watch);
	close(s->fd);
	s->fd = -1;
	loop_timer_set(s->all->loop, &s->again, s->all->again_ms, knock, s);
}

/* Readable: the end, for the other side has nothing to say to us either. */
static void ready(void *owner, unsigned what)
{
	struct stranger *s = owner;
	char waste[256];

	(void)what;
	if (recv(s->fd, waste, sizeof waste, MSG_DONTWAIT) == 0 || (errno != EAGAIN && errno != EINTR))
		turned_away(s);
}

static void knock(void *owner)
{
	struct stranger *s = owner;
	const struct address *to = &s->all->to;
	struct sockaddr_in from = { .sin_family = AF_INET };

	from.sin_addr.s_addr = htonl((uint32_t)STRANGERS_FIRST_SOURCE + s->number / STRANGERS_PER_SOURCE);
	s->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (s->fd < 0 || bind(s->fd, (struct sockaddr *)&from, sizeof from) != 0 ||
	    (connect(s->fd, &to->any, to->length) != 0 && errno != EINPROGRESS)) {
		perror("strangers");
		exit(1);
	}
	loop_watch_start(s->all->loop, &s->watch, s->fd, LOOP_READ, ready, s);
}

static void begin_some(void *owner)
{
	struct strangers *all = owner;

	for (unsigned i = 0; i < STRANGERS_AT_ONCE && all->begun < all->count; i++)
		knock(&all->list[all->begun++]);
	if (all->begun < all->count)
		loop_timer_set(all->loop, &all->turn, STRANGERS_TURN_MS, begin_some, all);
	else
		puts("all have knocked");
	fflush(stdout);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "connect", 1, 0, 'C' }, { "count", 1, 0, 'n' }, { "again-ms", 1, 0, 'a' }, { 0, 0, 0, 0 }
	};
	static struct strangers all = { .count = 5000, .again_ms = STRANGERS_AGAIN_MS };
	struct reason reason = { "" };
	int o;

	while ((o = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (o) {
		case 'C':
			if (address_read(slice_of(optarg), 5061, &all.to, &reason) != RESULT_OK)
				return 2;
			break;
		case 'n': all.count = (unsigned)strtoul(optarg, NULL, 10); break;
		case 'a': all.again_ms = strtol(optarg, NULL, 10); break;
		default: return 2;
		}
	}
	all.loop = loop_new();
	all.list = mem_new_array(STRANGERS_MAX, sizeof *all.list);
	if (!all.loop || !all.list || !all.to.length || all.count > STRANGERS_MAX)
		return 2;
	for (unsigned i = 0; i < all.count; i++)
		all.list[i] = (struct stranger){ .all = &all, .number = i, .fd = -1 };
	loop_timer_set(all.loop, &all.turn, 1, begin_some, &all);
	loop_run(all.loop);
	return 0;
}
