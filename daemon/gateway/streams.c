/*
 * streams: the XMPP streams with partners' servers.
 *
 * Until they are spoken, every stanza comes back as undeliverable with its reason, and who connects is told to leave.
 */
#include <unistd.h>

#include "daemon/gateway/parts.h"
#include "shared/base/memory.h"

/* Outcomes owed: told from the loop, never from inside a call. */
struct owed {
	struct list node;
	struct gateway *gateway;
	uint64_t token;
	struct loop_defer later;
};

struct streams {
	struct list owed;
};

bool streams_start(struct gateway *g)
{
	g->streams = mem_new(sizeof *g->streams);
	if (g->streams)
		list_start(&g->streams->owed);
	return g->streams != NULL;
}

static void owed_free(struct owed *owed)
{
	loop_defer_cancel(&owed->later);
	list_remove(&owed->node);
	mem_free(owed);
}

void streams_stop(struct gateway *g)
{
	LIST_EACH_SAFE (at, &g->streams->owed)
		owed_free(LIST_OWNER(at, struct owed, node));
	mem_free(g->streams);
	g->streams = NULL;
}

static void pay(void *owner)
{
	struct owed *owed = owner;
	struct gateway *g = owed->gateway;
	const struct gateway_outcome outcome = { .delivery = GATEWAY_FAILED,
		                                 .why = "no stream to the partner's domain" };
	uint64_t token = owed->token;

	owed_free(owed);
	gateway_xmpp_outcome(g, token, &outcome);
}

void gateway_xmpp_send(struct gateway *g, struct slice local, struct slice remote,
                       const struct xmpp_element *stanza, uint64_t token)
{
	struct owed *owed = token ? mem_new(sizeof *owed) : NULL;

	(void)local;
	(void)remote;
	(void)stanza;
	if (!owed)
		return;
	owed->gateway = g;
	owed->token = token;
	list_add_last(&g->streams->owed, &owed->node);
	loop_defer(g->loop, &owed->later, pay, owed);
}

void streams_accept(struct gateway *g, int fd, const struct address *from)
{
	(void)g;
	(void)from;
	close(fd);
}

void streams_image_changed(struct gateway *g) { (void)g; }
void streams_credentials_changed(struct gateway *g) { (void)g; }
void streams_resolver_changed(struct gateway *g) { (void)g; }
void streams_second(struct gateway *g) { (void)g; }
void streams_drain(struct gateway *g) { (void)g; }
bool streams_are_quiet(const struct gateway *g) { return list_is_empty(&g->streams->owed); }
void streams_close_all(struct gateway *g) { (void)g; }
size_t streams_count(const struct gateway *g)
{
	(void)g;
	return 0;
}

void streams_write(struct gateway *g, struct gateway_page *page, struct json_writer *w)
{
	(void)g;
	(void)page;
	(void)w;
}

void partners_write(struct gateway *g, struct gateway_page *page, struct json_writer *w)
{
	(void)g;
	(void)page;
	(void)w;
}

bool streams_retry(struct gateway *g, struct slice domain) { return gateway_partner(g, domain) != NULL; }
