/* presence: a gateway whose state lies in a folder of its own, and one subscription each way, for the tests of both. */
#ifndef TESTS_UNIT_GATEWAY_PRESENCE_H
#define TESTS_UNIT_GATEWAY_PRESENCE_H

#include <sys/stat.h>

#include "daemon/gateway/watched.h"
#include "tests/unit/gateway/wire.h"

#define FROM_BOB "<presence from='bob@x.example' to='alice@im.contoso.example' "
#define ACTIVE   "Event: presence\r\nSubscription-State: active;expires=3600\r\n"
#define PENDING  "Event: presence\r\nSubscription-State: pending;expires=3600\r\n"
#define PIDF     "Content-Type: application/pidf+xml\r\n"
#define CONTACT  "Contact: <sip:alice@a.example>\r\n"
#define AWAY                                                                                                 \
	"<presence xmlns='urn:ietf:params:xml:ns:pidf' entity='pres:alice@contoso.example'>"                 \
	"<tuple id='ID-pc'><status><basic>open</basic></status></tuple>"                                     \
	"<person xmlns='urn:ietf:params:xml:ns:pidf:data-model' id='p'>"                                     \
	"<activities xmlns='urn:ietf:params:xml:ns:pidf:rpid'><away/></activities></person></presence>"
#define OPEN(id)                                                                                             \
	"<presence xmlns='urn:ietf:params:xml:ns:pidf' entity='pres:alice@contoso.example'>"                 \
	"<tuple id='ID-" id "'><status><basic>open</basic></status></tuple></presence>"

static char folder[64];

static int start(void **state)
{
	(void)state;
	snprintf(folder, sizeof folder, "/tmp/parley-presence-XXXXXX");
	assert_non_null(mkdtemp(folder));
	wire_start(folder);
	return 0;
}

static void remove_files(void)
{
	static const char *const ends[] = { "", "-wal", "-shm" };
	char path[96];

	for (size_t i = 0; i < 3; i++) {
		snprintf(path, sizeof path, "%s/gateway.db%s", folder, ends[i]);
		(void)unlink(path);
	}
}

static int stop(void **state)
{
	(void)state;
	assert_true(list_is_empty(&wire.gateway.talks->promises) || wire.timer);
	wire_stop();
	wire_free();
	remove_files();
	assert_int_equal(rmdir(folder), 0);
	return 0;
}

/* The process is killed: what has been committed is there, nothing else. */
static void kill_and_start(void)
{
	wire_stop();
	wire_start(folder);
}

#define SUBSCRIBE "Event: presence;id=7\r\nAccept: application/pidf+xml\r\n" CONTACT

/* Of the one dialog in which Alice is notified. */
static inline const char *wire_tag_of_notify(void)
{
	uint32_t at = 0;
	const struct notify *n = handles_next(&wire.gateway.talks->notifies, &at);

	assert_non_null(n);
	return n->tag;
}

static handle subscribe(const char *expires)
{
	return wire_sip("SUBSCRIBE", arena_printf(&wire.arena, SUBSCRIBE "%s", expires), "");
}

/* Alice watches Bob, and he lets her; three requests of ours have gone and been answered. */
static inline handle watch_bob(void)
{
	handle server = subscribe("Expires: 3600\r\n");

	wire_outcome(0, GATEWAY_DELIVERED, NULL);
	wire_wait(1);
	wire_respond(0, 200, NULL, "");
	wire_xmpp(FROM_BOB "type='subscribed'/>");
	wire_respond(1, 200, NULL, "");
	return server;
}

#endif
