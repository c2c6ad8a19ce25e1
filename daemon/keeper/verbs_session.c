/*
 * session list: what our users have with those of XMPP partners, as the gateway holds it: conversations and
 * subscriptions, each way.
 */
#include "daemon/keeper/filter.h"
#include "daemon/keeper/parts.h"

static bool shows(const struct json *row, struct slice filter)
{
	const struct keeper_filter_field fields[] = {
		{ "local", json_as_slice(json_get(row, "local")), true },
		{ "remote", json_as_slice(json_get(row, "remote")), true },
		{ "kind", json_as_slice(json_get(row, "kind")), false },
		{ "state", json_as_slice(json_get(row, "state")), false },
	};

	return keeper_filter_holds(filter, fields, sizeof fields / sizeof *fields);
}

static void put_row(struct json_writer *w, const struct json *row) { json_write_value(w, NULL, row); }

static void list(void *to, const struct json *rows, const char *why)
{
	live_rows_write(to, rows, why, shows, put_row);
}

void verb_run_SESSION_LIST(struct call *call) { query_ask(&call->keeper->gateway, "talks", list, call); }
