/* parties: one of ours and one of theirs, by the names that each side has for them. */
#include "daemon/gateway/talks.h"

static struct xmpp_jid without_resource(struct xmpp_jid jid)
{
	jid.resource = SLICE("");
	return jid;
}

/* From both JIDs, that of ours in its SIP domain still. */
static enum translate_answer fill(struct talks *t, struct parties *p, struct translate_refusal *refusal)
{
	struct slice xmpp_domain = gateway_xmpp_domain(t->gateway, p->ours.domain);
	struct xmpp_jid ours = without_resource(p->ours), theirs = without_resource(p->theirs);
	enum translate_answer answer;
	char *key;

	if (!xmpp_domain.ptr) {
		*refusal = (struct translate_refusal){ 403, XMPP_ITEM_NOT_FOUND, "Not one of our domains" };
		return TRANSLATE_REFUSED;
	}
	if ((answer = translate_address_to_uri(&ours, &t->arena, &p->our_uri, refusal)) != TRANSLATE_OK ||
	    (answer = translate_address_to_uri(&theirs, &t->arena, &p->their_uri, refusal)) != TRANSLATE_OK ||
	    (answer = translate_address_to_uri(&p->theirs, &t->arena, &p->their_full_uri, refusal)) !=
	            TRANSLATE_OK)
		return answer;
	p->ours.domain = ours.domain = xmpp_domain;
	p->our_text = xmpp_jid_text(&ours, &t->arena);
	p->their_text = xmpp_jid_text(&theirs, &t->arena);
	key = arena_printf(&t->arena, "%.*s %.*s", SLICE_ARG(p->our_uri), SLICE_ARG(p->their_uri));
	p->key = slice_of(key);
	return p->our_text.ptr && p->their_text.ptr && key ? TRANSLATE_OK : TRANSLATE_NO_MEMORY;
}

enum translate_answer talks_parties_of_request(struct talks *t, const struct sip_uri *ours,
                                               const struct sip_uri *theirs, struct parties *out,
                                               struct translate_refusal *refusal)
{
	enum translate_answer answer;

	*out = (struct parties){ 0 };
	if ((answer = translate_address_to_jid(ours, &t->arena, &out->ours, refusal)) != TRANSLATE_OK ||
	    (answer = translate_address_to_jid(theirs, &t->arena, &out->theirs, refusal)) != TRANSLATE_OK)
		return answer;
	return fill(t, out, refusal);
}

enum translate_answer talks_parties_of_stanza(struct talks *t, struct slice ours, struct slice theirs,
                                              struct parties *out, struct translate_refusal *refusal)
{
	enum translate_answer answer;
	struct slice sip_domain;

	*out = (struct parties){ 0 };
	if ((answer = translate_jid_read(ours, &t->arena, &out->ours, refusal)) != TRANSLATE_OK ||
	    (answer = translate_jid_read(theirs, &t->arena, &out->theirs, refusal)) != TRANSLATE_OK)
		return answer;
	sip_domain = gateway_sip_domain(t->gateway, out->ours.domain);
	if (!sip_domain.ptr || out->ours.local.len == 0) {
		*refusal = (struct translate_refusal){ 404, XMPP_SERVICE_UNAVAILABLE,
			                               "nobody here has that address" };
		return TRANSLATE_REFUSED;
	}
	out->ours.domain = sip_domain;
	return fill(t, out, refusal);
}

enum translate_answer talks_parties_of_key(struct talks *t, struct slice key, struct parties *out)
{
	size_t blank = slice_find(key, ' ');
	struct translate_refusal refusal;
	struct sip_uri ours, theirs;

	if (blank == key.len || sip_uri_parse(slice_first(key, blank), &ours, NULL) != SIP_PARSE_OK ||
	    sip_uri_parse(slice_after(key, blank + 1), &theirs, NULL) != SIP_PARSE_OK)
		return TRANSLATE_REFUSED;
	return talks_parties_of_request(t, &ours, &theirs, out, &refusal);
}

struct slice talks_partner_domain(struct slice key)
{
	size_t at = key.len;

	while (at > 0 && key.ptr[at - 1] != '@' && key.ptr[at - 1] != ':')
		at--;
	return slice_after(key, at);
}

bool talks_is_partner_off(const struct talks *t, struct slice key)
{
	return gateway_stop(t->gateway->image, talks_partner_domain(key)) != NULL;
}
