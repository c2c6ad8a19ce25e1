/*
 * The one place every event goes through: counter, log line, the ring that consoles read, those who follow.
 */
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include "daemon/keeper/parts.h"
#include "shared/base/memory.h"
#include "shared/base/text.h"

void events_start(struct events *events, bool is_verbose)
{
	events->is_verbose = is_verbose;
	for (size_t i = 0; i < CONTROL_EVENT_COUNT; i++)
		events->buckets[i].tokens = KEEPER_LOG_BURST;
}

void events_stop(struct events *events)
{
	for (size_t i = 0; i < KEEPER_EVENTS_KEPT; i++)
		mem_free(events->ring[i].params);
	*events = (struct events){ 0 };
}

/* ---- the log ---- */

/* Standard output may be a pipe that nobody reads: a line is dropped and counted rather than waited for. */
static void write_line(struct events *events, struct slice line)
{
	struct pollfd out = { .fd = STDOUT_FILENO, .events = POLLOUT };

	if (poll(&out, 1, 0) != 1 || !(out.revents & POLLOUT) ||
	    write(STDOUT_FILENO, line.ptr, line.len) != (ssize_t)line.len)
		events->unlogged++;
}

static void log_line(struct events *events, int64_t time_ms, const struct control_event *row,
                     struct slice sentence)
{
	char time[INSTANT_TEXT_BYTES];
	struct buffer line;

	instant_text(time_ms, time);
	if (sentence.len > KEEPER_LOG_LINE_MAX - 128)
		sentence.len = KEEPER_LOG_LINE_MAX - 128;
	buffer_start(&line, KEEPER_LOG_LINE_MAX);
	buffer_printf(&line, "%s %s %s: ", time, control_severity_name(row->severity), row->name);
	buffer_add(&line, sentence);
	buffer_add_char(&line, '\n');
	write_line(events, buffer_slice(&line));
	buffer_stop(&line);
}

static bool may_log(struct events *events, enum control_event_id id)
{
	struct log_bucket *bucket = &events->buckets[id];

	if (control_event(id)->severity == CONTROL_DEBUG && !events->is_verbose)
		return false;
	if (bucket->tokens == 0) {
		bucket->suppressed++;
		return false;
	}
	bucket->tokens--;
	return true;
}

void events_second(struct keeper *k)
{
	struct events *events = &k->events;

	for (size_t i = 0; i < CONTROL_EVENT_COUNT; i++) {
		struct log_bucket *bucket = &events->buckets[i];
		char words[64];

		bucket->tokens += KEEPER_LOG_PER_SECOND;
		if (bucket->tokens > KEEPER_LOG_BURST)
			bucket->tokens = KEEPER_LOG_BURST;
		if (!bucket->suppressed)
			continue;
		snprintf(words, sizeof words, "%u suppressed", bucket->suppressed);
		log_line(events, keeper_now(k).wall_ms, control_event((enum control_event_id)i),
		         slice_of(words));
		bucket->suppressed = 0;
	}
}

/* ---- the ring ---- */

static void keep(struct events *events, struct slice params, int64_t time_ms)
{
	struct kept_event *slot = &events->ring[events->newest];
	char *copy = mem_new(params.len + 1);

	if (!copy)
		return;
	memcpy(copy, params.ptr, params.len);
	mem_free(slot->params);
	*slot = (struct kept_event){ copy, time_ms };
	events->newest = (events->newest + 1) % KEEPER_EVENTS_KEPT;
	if (events->kept < KEEPER_EVENTS_KEPT)
		events->kept++;
}

const struct kept_event *events_newest(const struct events *events, size_t i)
{
	if (i >= events->kept)
		return NULL;
	return &events->ring[(events->newest + KEEPER_EVENTS_KEPT - 1 - i) % KEEPER_EVENTS_KEPT];
}

/* ---- one event ---- */

/* Its members as they came, the severity and the sentence made of them. */
static void write_params(struct buffer *out, const struct control_event *row, const struct json *event,
                         struct slice sentence)
{
	struct json_writer w = json_write(out);
	const struct json *value;
	struct slice name;
	char key[64];

	json_open_object(&w, NULL);
	for (size_t i = 0; json_member(event, i, &name, &value); i++)
		if (slice_to_text(name, key, sizeof key) && !slice_equal(name, SLICE("sentence")) &&
		    !slice_equal(name, SLICE("severity")) && !slice_equal(name, SLICE("facts")))
			json_write_value(&w, key, value);
	json_put_text(&w, "severity", control_severity_name(row->severity));
	json_put_slice(&w, "sentence", sentence);
	json_close_object(&w);
}

static void emit(struct keeper *k, enum control_event_id id, const struct json *event)
{
	const struct control_event *row = control_event(id);
	int64_t time_ms = json_as_number(json_get(event, "time"), keeper_now(k).wall_ms);
	bool is_debug = row->severity == CONTROL_DEBUG;
	struct buffer sentence, params;

	k->events.counts[id]++;
	buffer_start(&sentence, KEEPER_EVENT_BYTES_MAX);
	buffer_start(&params, KEEPER_EVENT_BYTES_MAX);
	control_event_sentence(row, event, &sentence);
	if (may_log(&k->events, id))
		log_line(&k->events, time_ms, row, buffer_slice(&sentence));
	write_params(&params, row, event, buffer_slice(&sentence));
	if (!params.is_broken) {
		if (!is_debug) /* a thousand passed messages would push out what matters */
			keep(&k->events, buffer_slice(&params), time_ms);
		control_notify(&k->control, buffer_slice(&params), is_debug);
	}
	buffer_stop(&params);
	buffer_stop(&sentence);
}

void events_take(struct keeper *k, struct slice text)
{
	enum control_event_id id;
	struct json *event = NULL;

	if (json_read(text, &event, NULL) != RESULT_OK)
		return;
	id = control_event_named(json_as_slice(json_get(event, "event")));
	if (id != CONTROL_EVENT_COUNT) {
		decisions_take(&k->decisions, id, event, keeper_now(k).wall_ms);
		emit(k, id, event);
	}
	json_free(&event);
}

void event_open(struct emission *e, struct keeper *k, enum control_event_id id)
{
	e->keeper = k;
	buffer_start(&e->text, KEEPER_EVENT_BYTES_MAX);
	e->w = json_write(&e->text);
	json_open_object(&e->w, NULL);
	json_put_text(&e->w, "event", control_event(id)->name);
	json_put_number(&e->w, "time", keeper_now(k).wall_ms);
}

void event_send(struct emission *e)
{
	json_close_object(&e->w);
	if (!e->text.is_broken)
		events_take(e->keeper, buffer_slice(&e->text));
	buffer_stop(&e->text);
}
