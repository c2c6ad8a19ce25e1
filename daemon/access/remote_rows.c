/*
 * remote_rows: what is shown of our users outside.
 */
#include <stdio.h>

#include "daemon/access/parts.h"

const char *remote_address_text(const struct flow *flow, char *to)
{
	const struct address *remote = connection_remote(flow->connection);
	struct address network = *remote;
	bool is_v6 = remote->any.sa_family == AF_INET6;
	size_t length;

	if (flow->side != SIP_SIDE_REMOTE || !flow->access->settings->mask_remote_addresses)
		return address_text(remote, to);
	/* The network that it comes from: 192.0.2.0/24, or the half of an IPv6 address that a provider gives. */
	if (is_v6)
		memset(network.v6.sin6_addr.s6_addr + 8, 0, 8);
	else
		network.v4.sin_addr.s_addr &= htonl(0xffffff00);
	address_host_text(&network, to);
	length = strlen(to);
	snprintf(to + length, ADDRESS_TEXT_BYTES - length, "%s", is_v6 ? "/64" : "/24");
	return to;
}

static void put_row(struct json_writer *w, const struct flow *flow, struct slice user, const char *kind,
                    int64_t since_wall_ms, int64_t left_ms, bool has_lapsed)
{
	char text[ADDRESS_TEXT_BYTES], id[24];

	json_open_object(w, NULL);
	json_put_slice(w, "user", user);
	json_put_text(w, "kind", kind);
	json_put_text(w, "state",
	              flow->retired_why || flow->is_ending ? "closing"
	              : has_lapsed                         ? "lapsed"
	                                                   : "signed in");
	json_put_text(w, "address", remote_address_text(flow, text));
	json_put_text(w, "agent", flow->remote->agent);
	json_put_text(w, "device", flow->remote->device);
	json_put_number(w, "since", since_wall_ms);
	json_put_number(w, "expires_in_s", left_ms > 0 ? left_ms / 1000 : 0);
	json_put_bool(w, "outbound", flow->remote->keeps_alive);
	json_put_number(w, "messages_in", (int64_t)flow->messages_in);
	json_put_number(w, "messages_out", (int64_t)flow->messages_out);
	snprintf(id, sizeof id, "c-%llu", (unsigned long long)flow->number);
	json_put_text(w, "connection", id);
	json_close_object(w);
}

static void put_flow(struct access *a, const struct flow *flow, struct page *page, struct json_writer *w)
{
	const struct remote *remote = flow->remote;
	struct instant now = loop_now(a->loop);

	for (size_t i = 0; i < remote->user_count; i++) {
		const struct remote_user *user = &remote->users[i];

		if (page_takes(page))
			put_row(w, flow, slice_of(user->account->address), "user", user->since_wall_ms,
			        user->until_ms - now.mono_ms, user->has_lapsed);
	}
	for (size_t i = 0; i < remote->meeting_count; i++)
		if (page_takes(page))
			put_row(w, flow, slice_of(remote->meetings[i]), "anonymous",
			        now.wall_ms - (now.mono_ms - remote->up_ms), 0, false);
}

void remote_write(struct access *a, struct page *page, struct json_writer *w)
{
	LIST_EACH (at, &a->flows) {
		const struct flow *flow = LIST_OWNER(at, struct flow, node);

		if (flow->remote)
			put_flow(a, flow, page, w);
	}
}

size_t remote_count(const struct access *a) { return a->remote_living; }
