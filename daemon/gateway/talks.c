/*
 * talks: what our users and a partner's say to one another: dialogs, sessions, subscriptions.
 *
 * Until they are spoken, every request is answered 504 with its reason.
 */
#include "daemon/gateway/parts.h"

bool talks_start(struct gateway *g)
{
	(void)g;
	return true;
}

void gateway_sip_request(struct gateway *g, handle server, const struct sip_message *m)
{
	const struct gateway_answer answer = {
		.status = 504,
		.headers = SLICE("Warning: 399 xmpp-gateway \"no stream to the partner's domain\"\r\n"),
	};

	(void)m;
	g->counts.refused++;
	gateway_sip_answer(g, server, &answer);
}

void gateway_sip_ack(struct gateway *g, const struct sip_message *m)
{
	(void)m;
	g->counts.dropped++;
}

void gateway_sip_cancelled(struct gateway *g, handle server)
{
	(void)g;
	(void)server;
}

void gateway_sip_outcome(struct gateway *g, uint64_t token, const struct sip_message *m, int status,
                         const char *why)
{
	(void)token;
	(void)m;
	(void)status;
	(void)why;
	g->counts.dropped++;
}

void gateway_xmpp_received(struct gateway *g, struct slice local, struct slice remote,
                           const struct xmpp_element *stanza)
{
	(void)local;
	(void)remote;
	(void)stanza;
	g->counts.dropped++;
}

void gateway_xmpp_outcome(struct gateway *g, uint64_t token, const struct gateway_outcome *outcome)
{
	(void)g;
	(void)token;
	(void)outcome;
}

void gateway_xmpp_reachable(struct gateway *g, struct slice remote, bool is_reachable)
{
	(void)g;
	(void)remote;
	(void)is_reachable;
}

void talks_stop(struct gateway *g) { (void)g; }
void talks_image_changed(struct gateway *g) { (void)g; }
void talks_second(struct gateway *g) { (void)g; }
void talks_drain(struct gateway *g) { (void)g; }
bool talks_are_quiet(const struct gateway *g)
{
	(void)g;
	return true;
}

void talks_write(struct gateway *g, struct gateway_page *page, struct json_writer *w)
{
	(void)g;
	(void)page;
	(void)w;
}
