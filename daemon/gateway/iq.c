/*
 * iq: questions of partners' servers and clients.  Our domains say what they
 * are; our users' clients do not speak XMPP, so what is asked of them is
 * service-unavailable (RFC 6120 §8.2.3), the same for those who exist and others.
 */
#include "daemon/gateway/talks.h"

static void add_feature(struct xmpp_builder *b, struct xmpp_element *query, struct slice name)
{
	xmpp_set(b, xmpp_add(b, query, XMPP_NS_DISCO_INFO, SLICE("feature")), SLICE("var"), name);
}

/* XEP-0030 §3: a gateway to SIP, by the registry's words. */
static void add_disco(struct xmpp_builder *b, struct xmpp_element *reply)
{
	struct xmpp_element *query = xmpp_add(b, reply, XMPP_NS_DISCO_INFO, SLICE("query"));
	struct xmpp_element *identity = xmpp_add(b, query, XMPP_NS_DISCO_INFO, SLICE("identity"));

	xmpp_set(b, identity, SLICE("category"), SLICE("gateway"));
	xmpp_set(b, identity, SLICE("type"), SLICE("simple"));
	xmpp_set(b, identity, SLICE("name"), SLICE("Parley"));
	add_feature(b, query, XMPP_NS_DISCO_INFO);
	add_feature(b, query, XMPP_NS_PING);
	add_feature(b, query, XMPP_NS_VERSION);
	add_feature(b, query, XMPP_NS_RECEIPTS);
	add_feature(b, query, XMPP_NS_CHATSTATES);
}

static void add_version(struct xmpp_builder *b, struct xmpp_element *reply)
{
	struct xmpp_element *query = xmpp_add(b, reply, XMPP_NS_VERSION, SLICE("query"));

	xmpp_add_with_text(b, query, XMPP_NS_VERSION, SLICE("name"), SLICE("Parley"));
	xmpp_add_with_text(b, query, XMPP_NS_VERSION, SLICE("version"), SLICE("1"));
}

/* The answer to what a domain is asked; false: not one that it answers. */
static bool add_answer(struct xmpp_builder *b, struct xmpp_element *reply,
                       const struct xmpp_element *question)
{
	if (xmpp_is(question, XMPP_NS_DISCO_INFO, SLICE("query")) && !xmpp_get(question, SLICE("node")).len)
		add_disco(b, reply);
	else if (xmpp_is(question, XMPP_NS_VERSION, SLICE("query")))
		add_version(b, reply);
	else if (!xmpp_is(question, XMPP_NS_PING, SLICE("ping")))
		return false;
	return true;
}

void iq_received(struct talks *t, const struct xmpp_element *iq)
{
	const struct xmpp_stanza_error unavailable = { .condition = XMPP_SERVICE_UNAVAILABLE,
		                                       .type = XMPP_ERROR_CANCEL };
	const struct xmpp_element *question = xmpp_first_element(iq);
	struct xmpp_builder b = { .arena = &t->arena };
	struct xmpp_element *reply = xmpp_add(&b, NULL, XMPP_NS_SERVER, SLICE("iq"));
	struct xmpp_jid ours, theirs;

	if (xmpp_jid_parse(xmpp_get(iq, SLICE("to")), &t->arena, &ours, NULL) != RESULT_OK ||
	    xmpp_jid_parse(xmpp_get(iq, SLICE("from")), &t->arena, &theirs, NULL) != RESULT_OK)
		return;
	xmpp_set(&b, reply, SLICE("from"), xmpp_get(iq, SLICE("to")));
	xmpp_set(&b, reply, SLICE("to"), xmpp_get(iq, SLICE("from")));
	xmpp_set(&b, reply, SLICE("id"), xmpp_get(iq, SLICE("id")));
	xmpp_set(&b, reply, SLICE("type"), SLICE("result"));
	if (ours.local.len == 0 && question && slice_equal(xmpp_get(iq, SLICE("type")), SLICE("get")) &&
	    add_answer(&b, reply, question) && !b.is_broken)
		(void)gateway_xmpp_send(t->gateway, ours.domain, theirs.domain, reply, 0);
	else
		talks_return(t, iq, &unavailable);
}
