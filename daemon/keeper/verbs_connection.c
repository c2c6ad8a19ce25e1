/*
 * connection list: what the service has, with every member of the contract in each row.
 */
#include "daemon/keeper/filter.h"
#include "daemon/keeper/parts.h"

static struct slice text_of(const struct json *row, const char *name)
{
	struct slice text = json_as_slice(json_get(row, name));

	return text.ptr ? text : SLICE("");
}

static bool shows(const struct json *row, struct slice filter)
{
	const struct keeper_filter_field fields[] = {
		{ "id", text_of(row, "id"), true },
		{ "partner", text_of(row, "partner"), true },
		{ "address", text_of(row, "address"), true },
		{ "certificate", text_of(row, "certificate"), true },
		{ "side", text_of(row, "side"), false },
		{ "direction", text_of(row, "direction"), false },
		{ "state", text_of(row, "state"), false },
		{ "auth", text_of(row, "auth"), false },
		{ "rule", text_of(row, "rule"), false },
		{ "last_error", text_of(row, "last_error"), true },
	};

	return keeper_filter_holds(filter, fields, sizeof fields / sizeof *fields);
}

/* A failed attempt has no bytes and no certificate; its row still has every member. */
static void put_row(struct json_writer *w, const struct json *row)
{
	static const char *const texts[] = { "id",          "partner", "side",      "direction",
		                             "state",       "auth",    "tls",       "address",
		                             "certificate", "rule",    "last_error" };
	static const char *const numbers[] = { "since",    "messages_in", "messages_out",
		                               "bytes_in", "bytes_out",   "queued" };

	json_open_object(w, NULL);
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		json_put_slice(w, texts[i], text_of(row, texts[i]));
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
		json_put_number(w, numbers[i], json_as_number(json_get(row, numbers[i]), 0));
	json_put_real(w, "rate", json_as_real(json_get(row, "rate"), 0));
	if (json_kind(json_get(row, "domains")) == JSON_KIND_ARRAY)
		json_write_value(w, "domains", json_get(row, "domains"));
	json_close_object(w);
}

static void list(void *to, const struct json *rows, const char *why)
{
	live_rows_write(to, rows, why, shows, put_row);
}

void verb_run_CONNECTION_LIST(struct call *call)
{
	query_ask(&call->keeper->access, "connections", list, call);
}
