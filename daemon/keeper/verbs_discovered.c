/*
 * discovered list: partners on no list that DNS has proved, as the service watches them.
 */
#include "daemon/keeper/filtering.h"

static const char keys[] =
        "domain domains state requests limited contacts contacts_limit first_seen last_seen "
        "certificate address last_limit";

static void put_row(struct json_writer *w, const struct json *row) { json_write_value(w, NULL, row); }

static void list(void *to, const struct json *rows, const char *why)
{
	live_rows_write(to, rows, why, keys, NULL, put_row);
}

void verb_run_DISCOVERED_LIST(struct call *call)
{
	query_ask(&call->keeper->access, "discovered", list, call);
}
