/*
 * discovered list: partners on no list that DNS has proved, as the service watches them.
 */
#include "daemon/keeper/filter.h"
#include "daemon/keeper/parts.h"

static bool shows(const struct json *row, struct slice filter)
{
	const struct keeper_filter_field fields[] = {
		{ "domain", json_as_slice(json_get(row, "domain")), true },
		{ "certificate", json_as_slice(json_get(row, "certificate")), true },
		{ "state", json_as_slice(json_get(row, "state")), false },
	};

	return keeper_filter_holds(filter, fields, sizeof fields / sizeof *fields);
}

static void put_row(struct json_writer *w, const struct json *row) { json_write_value(w, NULL, row); }

static void list(void *to, const struct json *rows, const char *why)
{
	live_rows_write(to, rows, why, shows, put_row);
}

void verb_run_DISCOVERED_LIST(struct call *call)
{
	query_ask(&call->keeper->access, "discovered", list, call);
}
