/*
 * remote_answers: what our pool answers to users outside, as far as the edge learns from it.
 *
 * REGISTER alone signs in (RFC 3261 §10.3): a 2xx, for as long as the pool says; contacts that expire at once sign
 * out.  A refusal of a password counts as a failure.  A meeting that takes an anonymous participant in vouches for
 * his connection.
 */
#include <stdio.h>

#include "daemon/access/parts.h"
#include "shared/base/memory.h"

static bool param_number(struct slice params, struct slice name, uint64_t *out)
{
	struct slice value;

	return sip_param(params, name, &value) && slice_to_number(value, UINT32_MAX, out);
}

/* How long the pool keeps that contact: its own word of it, or of all, or what was asked for. */
static uint64_t granted(const struct sip_message *asked, const struct sip_message *answer,
                        const struct sip_address *contact)
{
	uint64_t seconds = REMOTE_EXPIRES_DEFAULT_S;
	struct sip_walk walk = { 0 };
	struct slice value;

	if (asked->expires != UINT32_MAX)
		seconds = asked->expires;
	param_number(contact->params, SLICE("expires"), &seconds);
	if (answer->expires != UINT32_MAX)
		seconds = answer->expires;
	while (sip_message_walk(answer, SIP_CONTACT, &walk, &value)) {
		struct sip_address kept;

		if (sip_address_parse(value, &kept, NULL) == SIP_PARSE_OK &&
		    slice_equal(kept.uri.all, contact->uri.all) &&
		    param_number(kept.params, SLICE("expires"), &seconds))
			break;
	}
	return seconds > REMOTE_EXPIRES_MAX_S ? REMOTE_EXPIRES_MAX_S : seconds;
}

static void take_device(struct remote *remote, const struct sip_message *asked,
                        const struct sip_address *contact)
{
	const struct sip_header *agent = sip_message_header(asked, SIP_USER_AGENT);
	struct slice device;

	if (agent)
		slice_to_text(slice_first(agent->value, agent->value.len < sizeof remote->agent
		                                                ? agent->value.len
		                                                : sizeof remote->agent - 1),
		              remote->agent, sizeof remote->agent);
	if (sip_param(contact->params, SLICE("+sip.instance"), &device))
		slice_to_text(device, remote->device, sizeof remote->device);
}

static void learn(struct flow *flow, const struct sip_message *asked, const struct sip_message *answer,
                  struct slice address)
{
	struct sip_walk walk = { 0 };
	struct slice value;
	uint64_t longest = 0;
	bool has_contact = false;

	while (sip_message_walk(asked, SIP_CONTACT, &walk, &value)) {
		struct sip_address contact;
		uint64_t seconds;

		has_contact = true;
		if (slice_equal(slice_trim(value), SLICE("*")) ||
		    sip_address_parse(value, &contact, NULL) != SIP_PARSE_OK)
			continue;
		seconds = granted(asked, answer, &contact);
		if (seconds > longest)
			longest = seconds;
		take_device(flow->remote, asked, &contact);
	}
	if (longest)
		remote_sign_in(flow, address, (int64_t)longest);
	else if (has_contact) /* without a contact it only asked */
		remote_sign_out(flow, address, "signed out");
}

static bool has_option(const struct sip_message *m, enum sip_header_id id, struct slice option)
{
	struct sip_walk walk = { 0 };
	struct slice value;

	while (sip_message_walk(m, id, &walk, &value))
		if (slice_equal_nocase(slice_trim(value), option))
			return true;
	return false;
}

/* An old nonce is no wrong password (RFC 7616 §3.3). */
static bool is_stale(const struct sip_message *answer)
{
	const struct sip_header *challenge = sip_message_header(answer, SIP_WWW_AUTHENTICATE);
	struct slice stale;

	if (!challenge)
		challenge = sip_message_header(answer, SIP_PROXY_AUTHENTICATE);
	return challenge && sip_auth_param(challenge->value, SLICE("stale"), &stale) &&
	       slice_equal_nocase(stale, SLICE("true"));
}

static bool is_failed_sign_in(const struct sip_message *asked, const struct sip_message *answer)
{
	switch (answer->status) {
	case 401:
	case 407: return remote_credentials(asked) && !is_stale(answer);
	case 403:
	case 404: return true;
	default: return false;
	}
}

/* RFC 5626 §4.4: how often the program is to send CRLF CRLF. */
static void add_flow_timer(struct flow *flow, const struct sip_message *asked,
                           const struct sip_message *answer, struct sip_edits *edits)
{
	uint64_t seconds = flow->access->settings->remote_keep_alive;
	char *text;

	if (!seconds || !has_option(asked, SIP_SUPPORTED, SLICE("outbound")) ||
	    !(text = arena_printf(answer->arena, "%llu", (unsigned long long)seconds)))
		return;
	sip_edit_add(edits, SIP_EDIT_REPLACE, SIP_FLOW_TIMER, slice_of(text));
	flow->remote->keeps_alive = true;
	flow_set_deadline(flow);
}

/*
 * Of the one who is signed in over it, and of who has been counted (`known`), they are no tries: his pool may refuse
 * him a call, or change its nonce, as often as it likes.
 */
static void passwords_failed(struct flow *flow, const struct sip_message *asked, struct slice known,
                             int status)
{
	char rooms[2][POLICY_ADDRESS_BYTES]; /* by turns: the one before is compared with */
	struct slice user;

	for (size_t i = 0; remote_credentials_user(asked, i, rooms[i % 2], &user); i++) {
		if (!slice_equal(user, known) && !remote_user_of(flow, user, false))
			sign_ins_failed(flow, user, status);
		known = user;
	}
}

static void registered(struct request *r, struct flow *flow, const struct sip_message *answer,
                       struct sip_edits *edits)
{
	char room[POLICY_ADDRESS_BYTES];
	struct sip_message asked;
	struct slice address;

	if (!request_parse(r, &asked) || !(address = remote_address(&asked.to.uri, room)).len)
		return;
	if (answer->status < 300) {
		learn(flow, &asked, answer, address);
		add_flow_timer(flow, &asked, answer, edits);
	} else if (is_failed_sign_in(&asked, answer)) {
		sign_ins_failed(flow, address, answer->status);
		passwords_failed(flow, &asked, address, answer->status);
	}
}

/* The meeting has taken an anonymous participant in, or answers him still. */
static void joined(struct request *r, struct flow *flow)
{
	int64_t until_ms = access_now_ms(flow->access) + REMOTE_MEETING_MS;
	struct remote *remote = flow->remote;
	char room[POLICY_ADDRESS_BYTES], text[POLICY_ADDRESS_BYTES];
	struct sip_message asked;
	struct slice address;

	if (!request_parse(r, &asked) || !(address = remote_address(&asked.to.uri, room)).len)
		return;
	for (size_t i = 0; i < remote->meeting_count; i++)
		if (slice_equal(address, slice_of(remote->meetings[i]))) {
			remote->meeting_until_ms[i] = until_ms;
			return;
		}
	if (r->method != SIP_INVITE && r->method != SIP_SUBSCRIBE)
		return;
	if (remote->meeting_count == REMOTE_MEETINGS_MAX || !slice_to_text(address, text, sizeof text) ||
	    !(remote->meetings[remote->meeting_count] = mem_text(text)))
		return; /* it stays a stranger's: what is in the meeting goes on */
	remote->meeting_until_ms[remote->meeting_count++] = until_ms;
	remote_prove(flow, "anonymous");
}

/* Whatever the method, credentials are a try. */
static void tried(struct request *r, struct flow *flow, const struct sip_message *answer)
{
	struct sip_message asked;

	if ((answer->status == 401 || answer->status == 407 || answer->status == 403) &&
	    request_parse(r, &asked) && !is_stale(answer))
		passwords_failed(flow, &asked, SLICE_NONE, answer->status);
}

void remote_answered(struct request *r, struct flow *flow, const struct sip_message *answer,
                     struct sip_edits *edits)
{
	if (answer->status < 200 || !flow->remote)
		return;
	if (r->method == SIP_REGISTER)
		registered(r, flow, answer, edits);
	else if (r->is_anonymous && answer->status < 300 && r->method != SIP_BYE)
		joined(r, flow);
	else
		tried(r, flow, answer);
}

/* RFC 5626 §5.1: "ob" where we are the first to see the request, and the program wants it. */
bool remote_add_path(const struct request *r, const struct flow *source, const struct sip_message *m,
                     struct sip_edits *edits)
{
	struct sip_walk walk = { 0 };
	struct slice value, path;
	size_t vias = 0;

	if (r->method != SIP_REGISTER)
		return true;
	while (sip_message_walk(m, SIP_VIA, &walk, &value))
		vias++;
	path = sip_proxy_path(&r->access->proxy, m->arena, slice_of(source->remote->name),
	                      vias == 1 && has_option(m, SIP_SUPPORTED, SLICE("outbound")));
	if (path.ptr)
		sip_edit_add(edits, SIP_EDIT_APPEND, SIP_PATH, path);
	return path.ptr != NULL;
}
