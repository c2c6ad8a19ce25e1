/*
 * session list: what our users have with those of XMPP partners, as the gateway holds it: conversations and
 * subscriptions, each way.
 */
#include "daemon/keeper/filtering.h"

static const char keys[] = "kind local remote state idle_s expires_in_s retry_in_s devices";

static void put_row(struct json_writer *w, const struct json *row) { json_write_value(w, NULL, row); }

static void list(void *to, const struct json *rows, const char *why)
{
	live_rows_write(to, rows, why, keys, NULL, put_row);
}

void verb_run_SESSION_LIST(struct call *call) { query_ask(&call->keeper->gateway, "talks", list, call); }
