/*
 * events: the one place every event goes through: counter, log line, the ring that consoles read, those who follow.
 */
#ifndef DAEMON_KEEPER_EVENTS_H
#define DAEMON_KEEPER_EVENTS_H

#include "shared/base/json.h"
#include "shared/control/control.h"

enum { KEEPER_EVENTS_KEPT = 1000, KEEPER_EVENT_BYTES_MAX = 16 * 1024 };

struct keeper;

struct kept_event {
	char *params; /* the JSON of a notification's params */
	int64_t time_ms;
};
struct log_bucket {
	uint32_t tokens, suppressed;
};
struct events {
	uint64_t counts[CONTROL_EVENT_COUNT];
	struct log_bucket buckets[CONTROL_EVENT_COUNT];
	struct kept_event ring[KEEPER_EVENTS_KEPT];
	size_t newest, kept; /* newest: index of the next to be written */
	uint64_t unlogged;   /* lines that standard output did not take */
	bool is_verbose;
};
void events_start(struct events *events, bool is_verbose);
void events_stop(struct events *events);
/* Once a second: buckets fill, and what was suppressed is said. */
void events_second(struct keeper *k);
/* From a service: checked, then like our own. */
void events_take(struct keeper *k, struct slice json);
/* The i-th newest of those kept; NULL past the end. */
const struct kept_event *events_newest(const struct events *events, size_t i);

struct emission {
	struct keeper *keeper;
	struct buffer text;
	struct json_writer w;
};
/* Opens an event of our own: write its fields with json_put_*, then event_send. */
void event_open(struct emission *e, struct keeper *k, enum control_event_id id);
void event_send(struct emission *e);

#endif
