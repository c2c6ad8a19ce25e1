/*
 * remote: who of our users is signed in over which connection.
 *
 * Nothing is asked of anybody, and nothing is kept beyond the connection.
 */
#include <stdio.h>
#include <string.h>

#include "daemon/access/parts.h"
#include "shared/base/memory.h"

/* ---- names ---- */

bool remote_came_up(struct flow *flow)
{
	struct access *a = flow->access;

	flow->remote = mem_new(sizeof *flow->remote);
	if (!flow->remote)
		return false;
	flow->remote->up_ms = access_now_ms(a);
	snprintf(flow->remote->name, sizeof flow->remote->name, "%016llx%016llx", (unsigned long long)a->boot,
	         (unsigned long long)flow->self);
	return true;
}

static bool read_hex(struct slice text, uint64_t *out)
{
	*out = 0;
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];

		if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')))
			return false;
		*out = *out << 4 | (uint64_t)(c <= '9' ? c - '0' : c - 'a' + 10);
	}
	return true;
}

/* The token that carries it is ours, but a process before this one may have made it. */
struct flow *remote_find(struct access *a, struct slice name)
{
	uint64_t boot, self;
	struct flow *flow;

	if (name.len != REMOTE_FLOW_NAME_BYTES - 1 || !read_hex(slice_first(name, 16), &boot) ||
	    !read_hex(slice_after(name, 16), &self) || boot != a->boot)
		return NULL;
	flow = flow_find(a, self);
	return flow && flow->remote && flow->is_up && connection_state(flow->connection) == CONNECTION_UP &&
	                       !flow->retired_why
	               ? flow
	               : NULL;
}

/* Escapes could stand for a second @, and so for another user, or for the end of a string. */
static bool is_one_address(struct slice address)
{
	size_t signs = 0;

	for (size_t i = 0; i < address.len; i++) {
		if ((unsigned char)address.ptr[i] <= ' ' || address.ptr[i] == 0x7f)
			return false;
		signs += address.ptr[i] == '@';
	}
	return signs == 1;
}

struct slice remote_address(const struct sip_uri *uri, char to[POLICY_ADDRESS_BYTES])
{
	char host[ACCESS_NAME_BYTES];
	size_t length = uri->host.len;
	struct slice address;

	if (uri->user.len == 0 || length == 0 || length >= sizeof host)
		return SLICE_NONE;
	for (size_t i = 0; i < length; i++)
		host[i] = ascii_lower(uri->host.ptr[i]);
	if (host[length - 1] == '.')
		length--;
	address = policy_address_of(uri->user, (struct slice){ host, length }, to);
	return is_one_address(address) ? address : SLICE_NONE;
}

const struct remote_user *remote_user_of(const struct flow *flow, struct slice address, bool was_enough)
{
	const struct remote *remote = flow->remote;

	for (size_t i = 0; remote && i < remote->user_count; i++)
		if ((was_enough || !remote->users[i].has_lapsed) &&
		    slice_equal(address, slice_of(remote->users[i].account->address)))
			return &remote->users[i];
	return NULL;
}

unsigned remote_connections_of(const struct access *a, struct slice address)
{
	const struct remote_account *account = map_get(&a->remote_accounts, address);

	return account ? account->connections : 0;
}

bool remote_is_proven(const struct flow *flow)
{
	const struct remote *remote = flow->remote;

	for (size_t i = 0; remote && i < remote->user_count; i++)
		if (!remote->users[i].has_lapsed)
			return true;
	return remote && remote->meeting_count > 0;
}

size_t remote_body_max(const struct flow *flow)
{
	size_t most = (size_t)flow->access->settings->max_message_body;

	return flow->side != SIP_SIDE_REMOTE || remote_is_proven(flow) || most < REMOTE_UNPROVEN_BODY
	               ? most
	               : REMOTE_UNPROVEN_BODY;
}

/* ---- accounts ---- */

static struct remote_account *hold_account(struct access *a, struct slice address)
{
	struct remote_account *account = map_get(&a->remote_accounts, address);

	if (!account) {
		account = mem_new(sizeof *account + address.len + 1);
		if (!account)
			return NULL;
		memcpy(account->address, address.ptr, address.len);
		if (map_add(&a->remote_accounts, slice_of(account->address), account) != RESULT_OK) {
			mem_free(account);
			return NULL;
		}
	}
	account->connections++;
	return account;
}

static void let_go(struct access *a, struct remote_account *account)
{
	if (--account->connections)
		return;
	map_remove(&a->remote_accounts, slice_of(account->address));
	mem_free(account);
}

/* ---- signing in and out ---- */

static void tell_in(const struct flow *flow, const struct remote_user *user, int64_t expires_s)
{
	struct report report;
	char text[ADDRESS_TEXT_BYTES];

	report_open(&report, flow->access, CONTROL_EVENT_REMOTE_SIGNED_IN);
	json_put_text(&report.w, "user", user->account->address);
	json_put_text(&report.w, "address", remote_address_text(flow, text));
	json_put_text(&report.w, "agent", flow->remote->agent[0] ? flow->remote->agent : "-");
	json_put_number(&report.w, "connection", (int64_t)flow->number);
	json_put_number(&report.w, "expires_s", expires_s);
	report_send(&report);
}

static void tell_out(const struct flow *flow, const struct remote_user *user, const char *why)
{
	struct report report;
	char text[ADDRESS_TEXT_BYTES];

	if (user->has_lapsed)
		return;
	report_open(&report, flow->access, CONTROL_EVENT_REMOTE_SIGNED_OUT);
	json_put_text(&report.w, "user", user->account->address);
	json_put_text(&report.w, "address", remote_address_text(flow, text));
	json_put_number(&report.w, "connection", (int64_t)flow->number);
	json_put_text(&report.w, "why", why);
	report_send(&report);
}

static void lives(struct access *a, struct remote_user *user)
{
	if (user->has_lapsed && user->account->living++ == 0)
		a->remote_living++;
	user->has_lapsed = false;
}

static void lives_no_more(struct access *a, struct remote_user *user)
{
	if (!user->has_lapsed && --user->account->living == 0)
		a->remote_living--;
	user->has_lapsed = true;
}

/* It is kept by name: his dialogs may still end in peace. */
static void lapse(struct flow *flow, struct remote_user *user, const char *why)
{
	tell_out(flow, user, why);
	lives_no_more(flow->access, user);
	if (!remote_is_proven(flow)) {
		flow->is_known = false;
		flow->quiet_since_ms = access_now_ms(flow->access);
		flow_set_deadline(flow);
	}
}

static void drop(struct flow *flow, size_t at)
{
	struct remote *remote = flow->remote;

	lives_no_more(flow->access, &remote->users[at]);
	let_go(flow->access, remote->users[at].account);
	remote->users[at] = remote->users[--remote->user_count];
}

/* A place for one more: of those who have signed out, the first makes room.  NULL: there is none. */
static struct remote_user *place_for(struct flow *flow, struct slice address)
{
	struct remote *remote = flow->remote;
	struct remote_account *account;

	for (size_t i = 0; i < remote->user_count; i++)
		if (slice_equal(address, slice_of(remote->users[i].account->address)))
			return &remote->users[i];
	for (size_t i = 0; remote->user_count == REMOTE_USERS_MAX && i < remote->user_count; i++)
		if (remote->users[i].has_lapsed)
			drop(flow, i);
	if (remote->user_count == REMOTE_USERS_MAX || !(account = hold_account(flow->access, address)))
		return NULL;
	remote->users[remote->user_count] = (struct remote_user){ .account = account, .has_lapsed = true };
	return &remote->users[remote->user_count++];
}

void remote_prove(struct flow *flow, const char *who)
{
	flow->is_known = true;
	flow->framer.body_max = remote_body_max(flow);
	snprintf(flow->partner, sizeof flow->partner, "%s", who);
	if (!door_prove(flow, ADMISSION_REMOTE))
		connection_close(flow->connection, CONNECTION_END_LIMIT,
		                 "remote users' share of connections is taken");
}

void remote_sign_in(struct flow *flow, struct slice address, int64_t expires_s)
{
	struct access *a = flow->access;
	struct remote_user *user = place_for(flow, address);
	bool is_new;

	if (!user) {
		connection_close(flow->connection, CONNECTION_END_LIMIT,
		                 "too many users have signed in over one connection");
		return;
	}
	is_new = user->has_lapsed;
	lives(a, user);
	user->until_ms = access_now_ms(a) + expires_s * 1000;
	if (!is_new)
		return;
	user->since_wall_ms = loop_now(a->loop).wall_ms;
	sign_ins_succeeded(flow, address);
	remote_prove(flow, user->account->address);
	tell_in(flow, user, expires_s);
}

void remote_sign_out(struct flow *flow, struct slice address, const char *why)
{
	for (size_t i = 0; i < flow->remote->user_count; i++)
		if (slice_equal(address, slice_of(flow->remote->users[i].account->address)) &&
		    !flow->remote->users[i].has_lapsed)
			lapse(flow, &flow->remote->users[i], why);
}

void remote_closed(struct flow *flow)
{
	struct remote *remote = flow->remote;

	if (!remote)
		return;
	for (size_t i = 0; i < remote->user_count; i++)
		tell_out(flow, &remote->users[i],
		         connection_end_words(flow->connection)[0]
		                 ? connection_end_words(flow->connection)
		                 : connection_end_name(connection_end(flow->connection)));
	while (remote->user_count)
		drop(flow, remote->user_count - 1);
	for (size_t i = 0; i < remote->meeting_count; i++)
		mem_free(remote->meetings[i]);
	mem_free(remote);
	flow->remote = NULL;
}

/* ---- time ---- */

/* Whom no meeting has answered for so long is a guest of none; who is nothing else goes. */
static void leave_meetings(struct flow *flow, int64_t now)
{
	struct remote *remote = flow->remote;

	for (size_t i = remote->meeting_count; i-- > 0;) {
		if (remote->meeting_until_ms[i] > now)
			continue;
		mem_free(remote->meetings[i]);
		remote->meetings[i] = remote->meetings[--remote->meeting_count];
		remote->meeting_until_ms[i] = remote->meeting_until_ms[remote->meeting_count];
	}
	if (!remote_is_proven(flow))
		flow_retire(flow, "no meeting has answered an anonymous participant for too long",
		            ACCESS_POLICY_CLOSE_MS);
}

void remote_second(struct access *a)
{
	int64_t now = access_now_ms(a);

	LIST_EACH (at, &a->flows) {
		struct flow *flow = LIST_OWNER(at, struct flow, node);

		for (size_t i = 0; flow->remote && i < flow->remote->user_count; i++)
			if (!flow->remote->users[i].has_lapsed && flow->remote->users[i].until_ms <= now)
				lapse(flow, &flow->remote->users[i], "the registration has lapsed");
		if (flow->remote && flow->remote->meeting_count)
			leave_meetings(flow, now);
	}
}

bool remote_deadline(const struct flow *flow, int64_t *at_ms, const char **words)
{
	const struct remote *remote = flow->remote;
	int64_t last_ms = connection_counts(flow->connection).last_in_ms;
	bool has_users = false;

	if (!remote)
		return false;
	for (size_t i = 0; i < remote->user_count; i++)
		has_users |= !remote->users[i].has_lapsed;
	*at_ms = -1;
	if (has_users && remote->keeps_alive) {
		*at_ms = last_ms +
		         (int64_t)flow->access->settings->remote_keep_alive * 1000 * REMOTE_KEEP_ALIVES;
		*words = "the user's program has sent no keep-alive";
	} else if (!has_users && remote->meeting_count) {
		*at_ms = last_ms + REMOTE_ANONYMOUS_MS;
		*words = "an anonymous participant was silent";
	} else if (!has_users && remote->user_count == 0) {
		*at_ms = remote->up_ms + REMOTE_SIGN_IN_MS;
		*words = "nobody has signed in in time";
	} else if (!has_users) {
		return false;
	}
	return true;
}

/* ---- policy ---- */

static bool is_let_in(const struct flow *flow, const struct policy_image *image, enum policy_source source,
                      struct slice address, struct policy_verdict *verdict)
{
	size_t at = slice_find(address, '@');
	const struct policy_facts facts = { .source = source,
		                            .direction = POLICY_INWARD,
		                            .service = POLICY_SERVICE_IM,
		                            .method = SLICE("MESSAGE"),
		                            .is_signed_in = true,
		                            .is_conference = true,
		                            .local_user = slice_first(address, at),
		                            .local_domain = slice_after(address, at + 1) };

	(void)flow;
	policy_decide(image, &facts, verdict, NULL);
	return verdict->answer == POLICY_PASS;
}

static bool serves_remote(const struct flow *flow, const struct policy_image *image)
{
	const struct image_edge *edge = policy_image_edge(image, slice_of(flow->access->node));

	return edge && edge->remote_listen.count > 0 && image_access_edge_at(image, 0)->allow_outside_users;
}

/* Those who have signed in, and meetings; who has done neither waits for his deadline. */
bool remote_may_stay(const struct flow *flow, const struct policy_image *image)
{
	const struct remote *remote = flow->remote;
	struct policy_verdict verdict;
	bool has_any = false;

	if (!serves_remote(flow, image))
		return false;
	for (size_t i = 0; remote && i < remote->user_count; i++) {
		if (remote->users[i].has_lapsed)
			continue;
		has_any = true;
		if (is_let_in(flow, image, POLICY_REMOTE, slice_of(remote->users[i].account->address),
		              &verdict))
			return true;
	}
	for (size_t i = 0; remote && i < remote->meeting_count; i++) {
		has_any = true;
		if (is_let_in(flow, image, POLICY_ANONYMOUS, slice_of(remote->meetings[i]), &verdict))
			return true;
	}
	return !has_any;
}

void remote_review(struct flow *flow)
{
	struct policy_verdict verdict;

	for (size_t i = 0; i < flow->remote->user_count; i++) {
		struct remote_user *user = &flow->remote->users[i];

		if (!user->has_lapsed && !is_let_in(flow, flow->access->image, POLICY_REMOTE,
		                                    slice_of(user->account->address), &verdict))
			lapse(flow, user, verdict.finding.words);
	}
}

void remote_why(const struct flow *flow, char *words, size_t size)
{
	const struct remote *remote = flow->remote;
	struct policy_verdict verdict;

	snprintf(words, size, "users outside are no longer served");
	if (!remote)
		return;
	for (size_t i = 0; i < remote->user_count; i++)
		if (!remote->users[i].has_lapsed &&
		    !is_let_in(flow, flow->access->image, POLICY_REMOTE,
		               slice_of(remote->users[i].account->address), &verdict)) {
			snprintf(words, size, "%s", verdict.finding.words);
			return;
		}
	for (size_t i = 0; i < remote->meeting_count; i++)
		if (!is_let_in(flow, flow->access->image, POLICY_ANONYMOUS, slice_of(remote->meetings[i]),
		               &verdict)) {
			snprintf(words, size, "%s", verdict.finding.words);
			return;
		}
}

size_t remote_disconnect(struct access *a, struct slice address, const char *why)
{
	size_t count = 0;

	LIST_EACH (at, &a->flows) {
		struct flow *flow = LIST_OWNER(at, struct flow, node);

		if (remote_user_of(flow, address, false))
			count += flow_retire(flow, why, ACCESS_POLICY_CLOSE_MS) == RESULT_OK;
	}
	return count;
}

/* ---- life ---- */

void remote_users_start(struct access *a)
{
	a->boot = access_random(a);
	map_start(&a->remote_accounts, REMOTE_ACCOUNTS_MAX, a->seed);
	sign_ins_start(a);
}

void remote_users_stop(struct access *a)
{
	map_stop(&a->remote_accounts);
	sign_ins_stop(a);
}
