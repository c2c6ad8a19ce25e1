/*
 * connection list: what the service has, with every member of the contract in each row.  connection retry, close
 * and drain, and dns flush: what the service can be told to do at once.
 */
#include "daemon/keeper/filtering.h"

static struct slice text_of(const struct json *row, const char *name)
{
	struct slice text = json_as_slice(json_get(row, name));

	return text.ptr ? text : SLICE("");
}

static const char keys[] = "id partner domains kind side direction state auth tls address certificate rule "
                           "last_error advice since "
                           "messages_in messages_out bytes_in bytes_out queued next_retry rate";

/* SIP or XMPP: the service that has the row tells by its side. */
static struct slice kind_of(const struct json *row)
{
	return slice_equal(text_of(row, "side"), SLICE("xmpp")) ? SLICE("xmpp") : SLICE("sip");
}

static bool look(const void *row, const char *key, size_t index, struct filter_value *out)
{
	if (!slice_equal(slice_of(key), SLICE("kind")))
		return filter_look_json(row, key, index, out);
	*out = (struct filter_value){ .kind = FILTER_TEXT, .text = kind_of(row) };
	return index == 0;
}

/* A failed attempt has no bytes and no certificate; its row still has every member. */
static void put_row(struct json_writer *w, const struct json *row)
{
	static const char *const texts[] = { "id",          "partner", "side",       "direction",
		                             "state",       "auth",    "tls",        "address",
		                             "certificate", "rule",    "last_error", "advice" };
	static const char *const numbers[] = { "since",     "messages_in", "messages_out", "bytes_in",
		                               "bytes_out", "queued",      "under_way",    "next_retry" };
	/* What only streams of XMPP have. */
	static const char *const further[] = { "pairs", "both_ways", "acknowledges", "doubt" };

	json_open_object(w, NULL);
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		json_put_slice(w, texts[i], text_of(row, texts[i]));
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
		json_put_number(w, numbers[i], json_as_number(json_get(row, numbers[i]), 0));
	json_put_slice(w, "kind", kind_of(row));
	json_put_real(w, "rate", json_as_real(json_get(row, "rate"), 0));
	if (json_kind(json_get(row, "domains")) == JSON_KIND_ARRAY)
		json_write_value(w, "domains", json_get(row, "domains"));
	for (size_t i = 0; i < sizeof further / sizeof *further; i++)
		if (json_get(row, further[i]))
			json_write_value(w, further[i], json_get(row, further[i]));
	json_write_value(w, "last_error_in", json_get(row, "last_error_in"));
	json_write_value(w, "last_error_out", json_get(row, "last_error_out"));
	json_close_object(w);
}

static void list(void *to, const struct json *rows, const char *why)
{
	live_rows_write(to, rows, why, keys, look, put_row);
}

void verb_run_CONNECTION_LIST(struct call *call) { query_ask_all(call->keeper, "connections", list, call); }

/* ---- what is done at once ---- */

static void put_done(struct call *call, const char *what, int64_t count)
{
	struct json_writer *w = call_open(call);

	json_put_text(w, "done", what);
	json_put_number(w, "count", count);
	call_close(call);
}

static void fail_retry(struct call *call)
{
	call_fail(call, CONTROL_NOT_FOUND,
	          "nothing has been sent to %.*s yet: there is no connection to retry", SLICE_ARG(call->key));
}

/* How many streams begin; none, where all that is known of the partner is up or at rest. */
static void retried_by_gateway(void *to, const struct json *answer, const char *why)
{
	struct call *call = to;
	int64_t count = json_as_number(json_get(answer, "count"), 0);

	if (!answer)
		call_fail(call, CONTROL_UNAVAILABLE, "%s", why);
	else if (count == 0 && json_as_number(json_get(answer, "known"), 0) == 0)
		fail_retry(call);
	else
		put_done(call, "retry", count);
}

static void retried(void *to, const struct json *answer, const char *why)
{
	struct call *call = to;
	int64_t count = json_as_number(json_get(answer, "count"), 0);

	if (!answer)
		call_fail(call, CONTROL_UNAVAILABLE, "%s", why);
	else if (count == 0)
		fail_retry(call);
	else
		put_done(call, "retry", count);
}

/* A domain, or the name of one of its edges or of a member of the pool: all are host names. */
void verb_run_CONNECTION_RETRY(struct call *call)
{
	struct keeper *k = call->keeper;

	if (!call_key(call, "partner", MODEL_ALLOWED_DOMAIN))
		return;
	if (image_xmpp_partner_find(k->now.image, call->key))
		query_act(&k->gateway, "retry", call->key, retried_by_gateway, call);
	else
		query_act(&k->access, "retry", call->key, retried, call);
}

/* ---- one connection ---- */

static void retired(struct call *call, const struct json *answer, const char *why, const char *done)
{
	if (!answer)
		call_fail(call, CONTROL_UNAVAILABLE, "%s", why);
	else if (json_as_number(json_get(answer, "count"), 0) == 0)
		call_fail(call, CONTROL_NOT_FOUND,
		          "there is no connection %.*s (any more); `connection list` shows those there are",
		          SLICE_ARG(call->key));
	else
		put_done(call, done, 1);
}

static void was_closed(void *to, const struct json *answer, const char *why)
{
	retired(to, answer, why, "close");
}

static void was_drained(void *to, const struct json *answer, const char *why)
{
	retired(to, answer, why, "drain");
}

/* c-12: one of the Access Edge; x-7: a stream of the XMPP gateway.  False: the call has been failed. */
static bool find_service(struct call *call, struct service **out)
{
	struct slice id = call_text(call, "connection");
	bool is_stream = slice_starts(id, SLICE("x-"));
	size_t digits = 2;

	while (digits < id.len && id.ptr[digits] >= '0' && id.ptr[digits] <= '9')
		digits++;
	call->key = id;
	*out = is_stream ? &call->keeper->gateway : &call->keeper->access;
	if ((is_stream || slice_starts(id, SLICE("c-"))) && id.len > 2 && digits == id.len)
		return true;
	call_fail_problem(call, CONTROL_INVALID, "connection",
	                  "it is no connection's id, as `connection list` shows it", "c-12, x-7");
	return false;
}

void verb_run_CONNECTION_CLOSE(struct call *call)
{
	struct query_deed deed = { .what = "close", .who = call->who.text };
	struct service *s;

	if (!find_service(call, &s))
		return;
	deed.object = call->key;
	query_act_as(s, &deed, was_closed, call);
}

void verb_run_CONNECTION_DRAIN(struct call *call)
{
	struct query_deed deed = { .what = "drain", .who = call->who.text };
	struct service *s;

	if (!find_service(call, &s) || !call_deadline(call, &deed.deadline_ms))
		return;
	deed.object = call->key;
	if (s == &call->keeper->gateway)
		call_fail(call, CONTROL_INVALID,
		          "an XMPP stream is not drained: `connection close %.*s` lets what is under way "
		          "finish, and the next message opens another",
		          SLICE_ARG(call->key));
	else
		query_act_as(s, &deed, was_drained, call);
}

static void flushed(void *to, const struct json *answer, const char *why)
{
	struct call *call = to;

	if (answer)
		put_done(call, "flush", json_as_number(json_get(answer, "count"), 0));
	else
		call_fail(call, CONTROL_UNAVAILABLE, "%s", why);
}

void verb_run_DNS_FLUSH(struct call *call)
{
	query_act(&call->keeper->access, "dns-flush", SLICE(""), flushed, call);
}
