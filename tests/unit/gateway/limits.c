/* limits: who has a place, and whose stream ends with a new configuration.  Real streams over loopback; no talks but those of the process. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/gateway/streams.h"
#include "daemon/gateway/talks.h"
#include "shared/base/memory.h"
#include "tests/unit/policy/world.h"

#include <cmocka.h>

#define HEADER(from)                                                                                         \
	"<stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams' "              \
	"xmlns:db='jabber:server:dialback' to='contoso.example' from='" from "' version='1.0'>"
#define KEY(from) "<db:result from='" from "' to='contoso.example'>k</db:result>"
#define PLAIN     ",tls-negotiation=not-supported,sasl-negotiation=not-supported"

enum { TURNS_MAX = 2000 };

static struct gateway g;
static int clients[8];
static size_t client_count;

static void image_with(const char *words, struct slice server)
{
	struct model_snapshot *snapshot = world_new(slice_of(words));

	assert_true(world_set(snapshot, model_snapshot_one(snapshot, MODEL_TOPOLOGY),
	                      SLICE("permitted-targets"), SLICE("127.0.0.0/8")));
	if (server.len) /* an address, which no row may hold: what DNS would say of a name */
		world_object(snapshot, MODEL_XMPP_PARTNER, SLICE("x.example"))
		        ->values[MODEL_FIELD(xmpp_partner, proxy_fqdn)]
		        .text = server;
	policy_image_close(&g.image);
	g.image = world_image(snapshot, 1);
	g.settings = image_xmpp_gateway_at(g.image, 0);
	model_snapshot_free(&snapshot);
	if (g.streams)
		streams_image_changed(&g);
}

static void image(const char *words) { image_with(words, SLICE("")); }

static int start(void **state)
{
	(void)state;
	g = (struct gateway){ .loop = loop_new() };
	assert_non_null(g.loop);
	handles_start(&g.connections, 64);
	arena_start(&g.scratch, 1024 * 1024);
	list_start(&g.listeners);
	image("on xmpp=x.example,connection-limit=2" PLAIN " xmpp=y.example" PLAIN);
	assert_true(talks_start(&g));
	assert_true(streams_start(&g));
	client_count = 0;
	return 0;
}

static void stop_loop(void *owner) { loop_stop(owner); }

static void turn(void)
{
	struct loop_timer timer = { 0 };

	loop_timer_set(g.loop, &timer, 2, stop_loop, g.loop);
	loop_run(g.loop);
	loop_timer_stop(&timer);
}

static int stop(void **state)
{
	(void)state;
	for (size_t i = 0; i < client_count; i++)
		close(clients[i]);
	for (int i = 0; i < TURNS_MAX && g.streams->stream_count; i++)
		turn();
	assert_int_equal(g.streams->stream_count, 0);
	streams_stop(&g);
	talks_stop(&g);
	policy_image_close(&g.image);
	handles_stop(&g.connections);
	arena_stop(&g.scratch);
	loop_free(&g.loop);
	return 0;
}

/* One more comes in and says nothing yet. */
static struct stream *knock(void)
{
	struct sockaddr_in here = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof here;
	int door = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), client, fd;
	struct address from = { 0 };
	int room = 64 * 1024; /* in the kernel: what it would take on top is not what is counted here */

	assert_int_equal(setsockopt(door, SOL_SOCKET, SO_SNDBUF, &room, sizeof room), 0);
	assert_int_equal(bind(door, (struct sockaddr *)&here, size), 0);
	assert_int_equal(listen(door, 1), 0);
	assert_int_equal(getsockname(door, (struct sockaddr *)&here, &size), 0);
	client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(setsockopt(client, SOL_SOCKET, SO_RCVBUF, &room, sizeof room), 0);
	assert_int_equal(connect(client, (struct sockaddr *)&here, size), 0);
	fd = accept4(door, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	close(door);
	clients[client_count++] = client;
	streams_accept(&g, fd, &from, false);
	return LIST_OWNER(g.streams->stream_list.prev, struct stream, node);
}

/* One more comes in and says its header; its stream, which has answered. */
static struct stream *come_in_by(const char *header, bool is_direct)
{
	struct stream *s = knock();

	s->is_direct =
	        is_direct; /* before its machine is made: as behind TLS, where a stream may go both ways */
	assert_int_equal(send(clients[client_count - 1], header, strlen(header), 0), (ssize_t)strlen(header));
	for (int i = 0; i < TURNS_MAX && !s->partner[0]; i++)
		turn();
	assert_string_not_equal(s->partner, "");
	return s;
}

static struct stream *come_in(const char *header) { return come_in_by(header, false); }

/* What it says comes to the machine at once. */
static void say(struct stream *s, const char *words)
{
	struct buffer in;

	buffer_start(&in, 1024);
	assert_true(buffer_add(&in, slice_of(words)));
	xmpp_stream_received(s->xmpp, &in, loop_now(g.loop));
	buffer_stop(&in);
}

/* Its dialback key is said, and found to be right. */
static void prove(struct stream *s, const char *key, struct slice remote)
{
	const struct route *route;

	say(s, key);
	route = route_find(g.streams, SLICE("contoso.example"), remote);
	assert_non_null(route);
	xmpp_stream_verified(s->xmpp, SLICE("contoso.example"), remote,
	                     LIST_OWNER(route->questions.prev, struct question, node)->stream_id,
	                     XMPP_KEY_VALID, XMPP_UNDEFINED_CONDITION);
	stream_second(s);
	assert_true(s->is_proved);
}

static bool is_open(const struct stream *s) { return xmpp_stream_phase(s->xmpp) < XMPP_PHASE_CLOSING; }

/* Whoever writes a partner's name into a header has not become the partner. */
static void a_name_alone_takes_no_place(void **state)
{
	const struct image_xmpp_partner *partner = gateway_partner(&g, SLICE("x.example"));
	const char *why;

	(void)state;
	for (int i = 0; i < 3; i++)
		assert_true(is_open(come_in(HEADER("x.example"))));
	assert_true(streams_have_room(g.streams, partner, 2, &why));

	struct stream *first = come_in(HEADER("x.example")), *second = come_in(HEADER("x.example"));

	prove(first, KEY("x.example"), SLICE("x.example"));
	assert_true(streams_have_room(g.streams, partner, 1, &why));
	prove(second, KEY("x.example"), SLICE("x.example"));
	assert_false(streams_have_room(g.streams, partner, 1, &why));
	/* Those who prove themselves when it is full go, and those who are in stay. */
	prove(LIST_OWNER(g.streams->stream_list.next, struct stream, node), KEY("x.example"),
	      SLICE("x.example"));
	assert_false(is_open(LIST_OWNER(g.streams->stream_list.next, struct stream, node)));
	assert_true(is_open(first) && is_open(second));
}

/* What went wrong with a stream that they opened is known of the partner, and nothing of whoever is none. */
static void the_last_error_of_theirs_is_kept(void **state)
{
	struct stream *s = come_in(HEADER("x.example"));
	struct route *route;

	(void)state;
	prove(s, KEY("x.example"), SLICE("x.example"));
	say(s, "<iq/></nonsense>");
	stream_touched(s);
	for (int i = 0; i < TURNS_MAX && g.streams->stream_count; i++)
		turn();
	assert_int_equal(g.streams->stream_count, 0);
	route = route_find(g.streams, SLICE("contoso.example"), SLICE("x.example"));
	assert_non_null(route);
	assert_string_not_equal(route->error_in, "");
	assert_true(route->error_in_wall_ms > 0);
	assert_string_not_equal(route->error_in,
	                        route->last_error); /* that their key could not be asked about */
	route_failed_in(g.streams, SLICE("contoso.example"), SLICE("nobody.example"), "x");
	route_failed_in(g.streams, SLICE("other.example"), SLICE("x.example"), "x");
	assert_null(route_find(g.streams, SLICE("contoso.example"), SLICE("nobody.example")));
	assert_null(route_find(g.streams, SLICE("other.example"), SLICE("x.example")));
}

/* Dialback puts a second partner on the stream of the first; he is as much off as on one of his own. */
static void every_pair_must_be_a_partners(void **state)
{
	struct stream *s = come_in(HEADER("x.example"));

	(void)state;
	prove(s, KEY("x.example"), SLICE("x.example"));
	prove(s, KEY("y.example"), SLICE("y.example"));
	image("on xmpp=x.example" PLAIN " xmpp=y.example" PLAIN);
	assert_true(is_open(s));
	image("on xmpp=x.example" PLAIN " xmpp=y.example,enabled=false" PLAIN);
	assert_false(is_open(s));
}

/* What was good enough yesterday is not for ever. */
static void a_stricter_row_holds_at_once(void **state)
{
	struct stream *s = come_in(HEADER("x.example"));

	(void)state;
	prove(s, KEY("x.example"), SLICE("x.example"));
	image("on xmpp=x.example,tls-negotiation=optional,sasl-negotiation=optional");
	assert_true(is_open(s));
	image("on xmpp=x.example,tls-negotiation=required");
	assert_false(is_open(s));
}

/* A polite close waits for what the peer still says; of one who was turned off nothing is taken meanwhile. */
static void who_is_off_is_not_heard_while_his_stream_closes(void **state)
{
	static const char presence[] =
	        "<presence from='b@x.example' to='a@contoso.example' type='subscribe'/>";
	struct stream *s = come_in(HEADER("x.example"));

	(void)state;
	prove(s, KEY("x.example"), SLICE("x.example"));
	stream_close(s, XMPP_STREAM_NONE, "idle");
	say(s, presence);
	assert_int_equal(g.counts.refused, 0); /* it came to the talks */
	image("on xmpp=x.example,enabled=false" PLAIN);
	say(s, presence);
	assert_int_equal(g.counts.refused, 1);
	assert_int_equal(xmpp_stream_counts(s->xmpp).stanzas_in, 2);
}

/* A stream that goes both ways and whose partner has agreed to acknowledge. */
static struct stream *come_in_counted(void)
{
	struct stream *s;

	image("on xmpp=x.example,tls-negotiation=optional,sasl-negotiation=not-supported,"
	      "support-dialback-negotiation=true");
	s = come_in_by(HEADER("x.example"), true);
	say(s, "<bidi xmlns='urn:xmpp:bidi'/>");
	prove(s, KEY("x.example"), SLICE("x.example"));
	say(s, "<enable xmlns='urn:xmpp:sm:3'/>");
	assert_true(xmpp_stream_acknowledges(s->xmpp));
	return s;
}

/* By the way of the talks; the so-manieth allocation on it fails, 0: none. */
static handle send_text_short(const char *id, const char *text, unsigned long fails_at)
{
	const struct parties parties = { .ours = { .domain = SLICE("contoso.example") },
		                         .theirs = { .domain = SLICE("x.example") } };
	struct xmpp_builder b = { .arena = &g.scratch };
	struct xmpp_element *stanza;
	struct ask *ask = ask_new(g.talks, ASK_QUIETLY, 0);

	arena_reset(&g.scratch);
	assert_non_null(ask);
	stanza = xmpp_add(&b, NULL, XMPP_NS_SERVER, SLICE("message"));
	xmpp_set(&b, stanza, SLICE("from"), SLICE("a@contoso.example"));
	xmpp_set(&b, stanza, SLICE("to"), SLICE("b@x.example"));
	xmpp_set(&b, stanza, SLICE("id"), slice_of(id));
	xmpp_add_with_text(&b, stanza, XMPP_NS_SERVER, SLICE("body"), slice_of(text));
#ifdef PARLEY_FAULTS
	mem_fail_at(fails_at);
	talks_stanza(g.talks, &parties, stanza, ask->self);
	mem_fail_at(0);
#else
	(void)fails_at;
	talks_stanza(g.talks, &parties, stanza, ask->self);
#endif
	return ask->self;
}

static handle send_text(const char *id, const char *text) { return send_text_short(id, text, 0); }

static handle send_one(const char *id) { return send_text(id, "x"); }

#ifdef PARLEY_FAULTS
static void no_memory_is_an_outcome_too(void **state)
{
	struct stream *s = come_in_counted();
	handle token = send_text_short("m1", "x", 1);

	(void)state;
	assert_int_equal(s->flying_count, 0);
	assert_non_null(handles_get(&g.talks->asks, token)); /* never from inside the call */
	turn();
	assert_null(handles_get(&g.talks->asks, token));
}
#endif

static void an_error_finds_its_stream(void **state)
{
	struct stream *s = come_in_counted();
	handle token = send_one("m1");

	(void)state;
	assert_int_equal(s->flying_count, 1);
	say(s, "<message type='error' id='m1' from='b@x.example' to='a@contoso.example'/>");
	assert_non_null(handles_get(&g.talks->asks, token)); /* never from inside the call */
	turn();
	assert_null(handles_get(&g.talks->asks, token));
	assert_int_equal(s->flying_count, 1); /* its place in the count stays */
	say(s, "<a xmlns='urn:xmpp:sm:3' h='1'/>");
	assert_int_equal(s->flying_count, 0);
}

static struct route *route_of(const struct stream *s)
{
	return route_find(s->streams, SLICE("contoso.example"), SLICE("x.example"));
}

/*
 * He speaks, so he is there; but what he agreed to he does not do.  What is more waits, and goes when he acknowledges;
 * when he acknowledges nothing for long, he is let go.
 */
static void who_never_acknowledges_goes(void **state)
{
	static handle tokens[STREAM_UNACKNOWLEDGED_MAX + 12];
	struct stream *s = come_in_counted();
	char text[65536];

	(void)state;
	for (size_t i = 0; i < STREAM_UNACKNOWLEDGED_MAX - 1; i++) {
		tokens[i] = send_one("m");
		if (i % 100)
			continue;
		say(s, " ");
		turn();
		while (recv(clients[0], text, sizeof text, MSG_DONTWAIT) > 0)
			;
	}
	assert_true(is_open(s));
	for (size_t i = STREAM_UNACKNOWLEDGED_MAX - 1; i < STREAM_UNACKNOWLEDGED_MAX + 12; i++)
		tokens[i] = send_one("m");
	assert_int_equal(s->flying_count, STREAM_UNACKNOWLEDGED_MAX);
	assert_int_equal(route_of(s)->waiting_count, 12);
	say(s, "<a xmlns='urn:xmpp:sm:3' h='4'/>");
	turn();
	assert_int_equal(s->flying_count, STREAM_UNACKNOWLEDGED_MAX);
	assert_int_equal(route_of(s)->waiting_count, 8);
	stream_second(s);
	turn();
	assert_true(is_open(s));
	s->acknowledged_ms -= STREAM_UNACKNOWLEDGED_MS;
	stream_second(s);
	turn();
	assert_false(is_open(s));
	assert_int_equal(xmpp_stream_end(s->xmpp)->error, XMPP_STREAM_POLICY_VIOLATION);
	close(clients[0]);
	client_count = 0;
	for (int i = 0; i < TURNS_MAX && g.streams->stream_count; i++)
		turn();
	turn();
	for (size_t i = 0; i < STREAM_UNACKNOWLEDGED_MAX + 4; i++)
		assert_null(handles_get(&g.talks->asks, tokens[i]));
	/* What came after waits for the next stream. */
	for (size_t i = STREAM_UNACKNOWLEDGED_MAX + 4; i < STREAM_UNACKNOWLEDGED_MAX + 12; i++)
		assert_non_null(handles_get(&g.talks->asks, tokens[i]));
}

/* A stream that goes both ways, of a partner that has agreed to nothing. */
static struct stream *come_in_uncounted(void)
{
	static struct image_xmpp_gateway settings;
	struct stream *s;

	image("on xmpp=x.example,tls-negotiation=optional,sasl-negotiation=not-supported,"
	      "support-dialback-negotiation=true");
	settings = *g.settings;
	settings.quiet_time = 0; /* over at the next second */
	g.settings = &settings;
	s = come_in_by(HEADER("x.example"), true);
	say(s, "<bidi xmlns='urn:xmpp:bidi'/>");
	prove(s, KEY("x.example"), SLICE("x.example"));
	return s;
}

/* What the client reads until nothing more comes; what the stream has not written yet comes, too. */
static void read_all(void)
{
	static char text[256 * 1024];
	int silent = 0;

	while (silent < 3) {
		ssize_t got = recv(clients[client_count - 1], text, sizeof text, MSG_DONTWAIT);

		silent = got > 0 ? 0 : silent + 1;
		turn();
	}
}

/* Nobody knows what of it has been dealt with: more of it waits its turn, and then goes. */
static void who_acknowledges_nothing_is_not_given_ever_more(void **state)
{
	struct stream *s = come_in_uncounted();
	handle last = 0;
	size_t held = 0;

	(void)state;
	for (size_t i = 0; i < STREAM_QUIET_MAX + 8; i++) {
		last = send_one("m");
		if (i % 64 == 0)
			read_all();
	}
	assert_int_equal(s->flying_count, STREAM_QUIET_MAX);
	assert_int_equal(route_of(s)->waiting_count, 8);
	/* What is counted is what they take; those that fly have let go of what was written. */
	LIST_EACH (at, &route_of(s)->waiting)
		held += sizeof(struct parcel) + arena_held(&LIST_OWNER(at, struct parcel, node)->arena);
	assert_true(held > 0 && route_of(s)->waiting_bytes == held && g.streams->waiting_bytes == held);
	LIST_EACH (at, &s->flying)
		assert_true(arena_held(&LIST_OWNER(at, struct parcel, node)->arena) < 1024);
	assert_non_null(handles_get(&g.talks->asks, last));
	stream_second(s); /* those before have been quiet long enough */
	assert_int_equal(s->flying_count, 8);
	assert_int_equal(route_of(s)->waiting_count, 0);
	assert_int_equal(g.streams->waiting_bytes, 0);
	stream_second(s);
	turn();
	assert_null(handles_get(&g.talks->asks, last));
	assert_int_equal(g.talks->asks.count, 0);
}

/* He reads nothing: so much is written, so much waits, the rest is refused to its sender; then he reads, and gets what waited. */
static void who_does_not_read_is_not_written_to_without_end(void **state)
{
	enum { LONG = 60000, SENT = 120 };
	static char text[LONG + 1];
	struct stream *s = come_in_uncounted();
	handle tokens[SENT];
	size_t refused = 0, bytes;

	(void)state;
	memset(text, 'x', LONG);
	for (size_t i = 0; i < SENT; i++) {
		tokens[i] = send_text("m", text);
		if (connection_counts(s->connection).queued < STREAM_UNREAD_MAX)
			turn();
	}
	bytes = route_of(s)->waiting_bytes;
	assert_true(bytes > LONG && bytes <= ROUTE_WAITING_BYTES_MAX);
	assert_true(connection_counts(s->connection).queued < STREAM_UNREAD_MAX + 2 * LONG);
	turn();
	for (size_t i = 0; i < SENT; i++)
		refused += !handles_get(&g.talks->asks, tokens[i]);
	assert_true(refused > 0 && refused + s->flying_count + route_of(s)->waiting_count == SENT);
	assert_true(is_open(s));
	read_all();
	assert_int_equal(route_of(s)->waiting_count, 0);
	assert_int_equal(g.streams->waiting_bytes, 0);
	assert_int_equal(s->flying_count, SENT - refused);
	assert_int_equal(connection_counts(s->connection).queued, 0);
	stream_second(s);
	turn();
	assert_int_equal(g.talks->asks.count, 0);
}

/* There is no place for one more stanza under way: its sender hears of it, and the stream lives. */
static void what_finds_no_place_returns(void **state)
{
	char text[8192] = "";
	struct stream *s = come_in_uncounted();

	(void)state;
	read_all();
	handles_stop(&g.streams->receipts);
	handles_start(&g.streams->receipts, 0);
	say(s, "<message from='b@x.example' to='a@contoso.example' id='m9'><body>x</body></message>"
	       "<presence from='b@x.example' to='a@contoso.example' type='unavailable'/>");
	turn();
	turn();
	assert_true(recv(clients[client_count - 1], text, sizeof text - 1, MSG_DONTWAIT) > 0);
	assert_non_null(strstr(text, "id='m9'"));
	assert_non_null(strstr(text, "<resource-constraint"));
	assert_null(strstr(text, "<presence"));
	assert_true(is_open(s));
	assert_int_equal(xmpp_stream_counts(s->xmpp).unhandled, 0);
}

/* Pairs of domains that one partner brings: so many, and those of another find their place beside them. */
static void a_partner_with_many_domains_leaves_places(void **state)
{
	char domain[32];

	(void)state;
	for (unsigned i = 0; i <= STREAMS_ROUTES_PER_PARTNER_MAX; i++) {
		snprintf(domain, sizeof domain, "d%u.example", i);
		assert_int_equal(route_get(g.streams, slice_of(domain), SLICE("x.example")) != NULL,
		                 i < STREAMS_ROUTES_PER_PARTNER_MAX);
	}
	assert_non_null(route_get(g.streams, SLICE("d0.example"), SLICE("x.example")));
	assert_non_null(route_get(g.streams, SLICE("d0.example"), SLICE("y.example")));
}

/* Strangers have their share, and what is a partner's is not theirs. */
static void strangers_keep_nobody_out(void **state)
{
	const struct image_xmpp_partner *partner;
	const char *why;

	(void)state;
	image("on streams=8 xmpp=x.example,connection-limit=9" PLAIN);
	partner = gateway_partner(&g, SLICE("x.example"));
	for (int i = 0; i < 4; i++)
		knock();
	assert_int_equal(g.streams->stream_count, 8 / STREAMS_UNPROVED_SHARE);
	assert_true(streams_have_room(g.streams, partner, 8, &why));
	assert_false(streams_have_room(g.streams, partner, 9, &why));
}

/*
 * A stranger names a partner towards each of our domains, and its server is asked about each key: so much of that at a
 * time, and none of it is the partner's own room.
 */
static void asking_for_strangers_keeps_no_partner_out(void **state)
{
	enum { ASKED = STREAMS_ASKING_PER_PARTNER_MAX + 4 };
	struct sockaddr_in here = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof here;
	int door = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	const struct slice nowhere = SLICE("127.0.0.1:9");
	struct route *routes[ASKED];
	struct reason reason;
	const char *why;
	char text[160];
	size_t asking = 0, open = 0;

	(void)state;
	assert_int_equal(bind(door, (struct sockaddr *)&here, size), 0);
	assert_int_equal(listen(door, ASKED), 0);
	assert_int_equal(getsockname(door, (struct sockaddr *)&here, &size), 0);
	clients[client_count++] = door;
	assert_int_equal(resolver_new(g.loop, &nowhere, 1, g.seed, &g.resolver, &reason), RESULT_OK);
	snprintf(text, sizeof text, "on xmpp=x.example,connection-limit=2,proxy-port=%u" PLAIN,
	         ntohs(here.sin_port));
	image_with(text, SLICE("127.0.0.1"));
	for (unsigned i = 0; i < ASKED; i++) {
		snprintf(text, sizeof text, "d%u.example", i);
		assert_non_null(routes[i] = route_get(g.streams, slice_of(text), SLICE("x.example")));
		route_ask(routes[i], 0, SLICE("id"), SLICE("k"));
	}
	turn();
	LIST_EACH (at, &g.streams->stream_list)
		asking += LIST_OWNER(at, struct stream, node)->is_for_asking;
	for (unsigned i = 0; i < ASKED; i++)
		open += routes[i]->question_count;
	assert_int_equal(asking, STREAMS_ASKING_PER_PARTNER_MAX);
	assert_int_equal(open, asking); /* the others have been told at once that nobody could be asked */
	assert_true(streams_have_room(g.streams, gateway_partner(&g, SLICE("x.example")), 2, &why));
	assert_false(streams_have_room(g.streams, gateway_partner(&g, SLICE("x.example")), 3, &why));
	resolver_free(&g.resolver);
}

/* Who names himself by his key alone is asked whether he is there as any other is. */
static void who_is_silent_is_asked_by_his_proved_name(void **state)
{
	static const char header[] =
	        "<stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams' "
	        "xmlns:db='jabber:server:dialback' to='contoso.example' version='1.0'>";
	struct stream *s = knock();

	(void)state;
	for (int i = 0; i < TURNS_MAX && !s->xmpp; i++)
		turn();
	say(s, header);
	prove(s, KEY("x.example"), SLICE("x.example"));
	stream_keep_alive(s, gateway_now_ms(&g) + (int64_t)g.settings->keep_alive_interval * 1000);
	assert_int_equal(route_of(s)->waiting_count, 1);
}

/* A retry opens what has failed, and nothing else. */
static void a_retry_opens_what_failed(void **state)
{
	struct route *route = route_get(g.streams, SLICE("contoso.example"), SLICE("x.example"));
	size_t known;

	(void)state;
	assert_non_null(route);
	assert_int_equal(streams_retry(&g, SLICE("y.example"), &known), 0);
	assert_int_equal(known, 0);
	assert_int_equal(streams_retry(&g, SLICE("x.example"), &known), 0); /* at rest */
	assert_int_equal(known, 1);
	assert_null(route->dial);
	route_failed(route, "connection refused");
	assert_true(route->next_try_ms > 0);
	assert_int_equal(streams_retry(&g, SLICE("x.example"), &known), 1);
	assert_non_null(route->dial);
	assert_int_equal(route->next_try_ms, 0);
	assert_int_equal(streams_retry(&g, SLICE("x.example"), &known), 0); /* it is under way */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_name_alone_takes_no_place, start, stop),
		cmocka_unit_test_setup_teardown(the_last_error_of_theirs_is_kept, start, stop),
		cmocka_unit_test_setup_teardown(a_stricter_row_holds_at_once, start, stop),
		cmocka_unit_test_setup_teardown(who_is_off_is_not_heard_while_his_stream_closes, start, stop),
		cmocka_unit_test_setup_teardown(every_pair_must_be_a_partners, start, stop),
		cmocka_unit_test_setup_teardown(an_error_finds_its_stream, start, stop),
#ifdef PARLEY_FAULTS
		cmocka_unit_test_setup_teardown(no_memory_is_an_outcome_too, start, stop),
#endif
		cmocka_unit_test_setup_teardown(who_never_acknowledges_goes, start, stop),
		cmocka_unit_test_setup_teardown(who_acknowledges_nothing_is_not_given_ever_more, start, stop),
		cmocka_unit_test_setup_teardown(who_does_not_read_is_not_written_to_without_end, start, stop),
		cmocka_unit_test_setup_teardown(what_finds_no_place_returns, start, stop),
		cmocka_unit_test_setup_teardown(a_partner_with_many_domains_leaves_places, start, stop),
		cmocka_unit_test_setup_teardown(who_is_silent_is_asked_by_his_proved_name, start, stop),
		cmocka_unit_test_setup_teardown(a_retry_opens_what_failed, start, stop),
		cmocka_unit_test_setup_teardown(strangers_keep_nobody_out, start, stop),
		cmocka_unit_test_setup_teardown(asking_for_strangers_keeps_no_partner_out, start, stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
