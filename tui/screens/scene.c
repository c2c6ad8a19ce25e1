#include "tui/screens/scene.h"

#include <stdio.h>

#include "tui/client/words.h"
#include "tui/screens/command.h"

void scene_start(struct scene *scene)
{
	*scene = (struct scene){ .trouble = "",
		                 .domains_trouble = "",
		                 .lists_trouble = "",
		                 .retry_at_ms = -1,
		                 .waiting_since_ms = -1 };
	domain_rows_start(&scene->domains);
	listing_start(&scene->connections, connections_kind());
	listing_start(&scene->discovered, discovered_kind());
	recent_start(&scene->events);
	pager_start(&scene->pager);
	domains_start(scene);
}

void scene_stop(struct scene *scene)
{
	domain_rows_stop(&scene->domains);
	listing_stop(&scene->connections);
	listing_stop(&scene->discovered);
	recent_stop(&scene->events);
	pager_stop(&scene->pager);
}

void scene_say(struct scene *scene, enum grid_role role, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(scene->message, sizeof scene->message, format, args);
	va_end(args);
	scene->message_role = role;
}

static void arrange_domains(struct scene *scene)
{
	const struct domain_row *selected = scene_domain(scene);
	struct slice domain = selected ? selected->domain : SLICE_NONE;
	size_t place;

	domain_rows_arrange(&scene->domains, editor_text(&scene->filter),
	                    (enum domain_column)scene->table.sort, scene->table.is_reversed);
	scene->table.count = scene->domains.shown;
	place = domain_rows_place(&scene->domains, domain);
	if (place < scene->domains.shown)
		scene->table.selected = place;
	else if (scene->table.selected >= scene->table.count)
		scene->table.selected = scene->table.count ? scene->table.count - 1 : 0;
}

void scene_arrange(struct scene *scene)
{
	struct listing *listing = scene_listing(scene);
	char key[LISTING_KEY_BYTES];

	if (listing) {
		listing_key(listing, listing_selected(listing), key);
		listing_arrange(listing, key);
	} else {
		arrange_domains(scene);
	}
}

struct listing *scene_listing(const struct scene *scene)
{
	struct scene *own = (struct scene *)(uintptr_t)scene;

	return scene->screen == SCREEN_CONNECTIONS  ? &own->connections
	       : scene->screen == SCREEN_DISCOVERED ? &own->discovered
	       : scene->screen == SCREEN_EVENTS     ? &own->events.list
	                                            : NULL;
}

struct table *scene_table(struct scene *scene)
{
	struct listing *listing = scene_listing(scene);

	return listing ? &listing->table : scene->screen == SCREEN_DOMAINS ? &scene->table : NULL;
}

struct editor *scene_filter(struct scene *scene)
{
	struct listing *listing = scene_listing(scene);

	return listing ? &listing->filter : &scene->filter;
}

/* ---- looking ---- */

struct slice scene_text(const struct json *object, const char *member)
{
	return json_as_slice(json_get(object, member));
}
int64_t scene_number(const struct json *object, const char *member)
{
	return json_as_number(json_get(object, member), 0);
}
bool scene_flag(const struct json *object, const char *member)
{
	return json_as_bool(json_get(object, member), false);
}

bool scene_permits(const struct scene *scene, enum control_verb_id verb)
{
	const struct control_verb *row = control_verb(verb);
	const struct json *verbs = json_get(scene->hello, "verbs");
	char method[64];

	if (!row)
		return true;
	if (!control_effect_is_reading(row->effect) &&
	    (scene->is_read_only || slice_equal(scene_text(scene->hello, "mode"), SLICE("ro"))))
		return false;
	snprintf(method, sizeof method, "%s%s%s", row->noun, row->noun[0] ? "." : "", row->verb);
	for (size_t i = 0; i < json_count(verbs); i++)
		if (slice_equal(json_as_slice(json_at(verbs, i)), slice_of(method)))
			return true;
	return false;
}

unsigned scene_place(const struct scene *scene)
{
	switch (scene->screen) {
	case SCREEN_OVERVIEW: return OVERVIEW;
	case SCREEN_DOMAINS: return DOMAINS;
	case SCREEN_READING: return READING;
	case SCREEN_CONNECTIONS: return CONNECTIONS;
	case SCREEN_EVENTS: return EVENTS;
	case SCREEN_DISCOVERED: return DISCOVERED;
	}
	return 0;
}

struct domain_row *scene_domain(const struct scene *scene)
{
	return domain_rows_shown(&scene->domains, scene->table.selected);
}

size_t scene_attention_count(const struct scene *scene)
{
	return json_count(json_get(scene->status, "attention"));
}

bool scene_status_is_stale(const struct scene *scene)
{
	return scene->status && scene->now.mono_ms - scene->status_heard_ms > SCENE_STALE_MS;
}

void scene_command(const struct scene *scene, struct buffer *out)
{
	const struct domain_row *row = scene_domain(scene);

	if (scene->dialog.is_open) {
		buffer_add(out, slice_of(scene->dialog_command));
	} else if (scene->screen == SCREEN_READING) {
		buffer_add(out, slice_of(scene->reading_command));
	} else if (scene->screen == SCREEN_OVERVIEW) {
		buffer_add(out, SLICE("status"));
	} else if (scene->screen == SCREEN_CONNECTIONS) {
		const struct json *connection = listing_selected(&scene->connections);

		buffer_add(out, SLICE("connection list"));
		if (scene_text(connection, "partner").len)
			command_add(out, scene_text(connection, "partner"));
		else if (scene->connections.filter.length)
			command_add(out, editor_text(&scene->connections.filter));
	} else if (scene->screen == SCREEN_DISCOVERED) {
		buffer_add(out, SLICE("discovered list"));
		if (scene->discovered.filter.length)
			command_add(out, editor_text(&scene->discovered.filter));
	} else if (scene->screen == SCREEN_EVENTS) {
		buffer_add(out, SLICE("event tail 500 follow"));
	} else if (row) {
		buffer_add(out, SLICE("domain show"));
		command_add(out, row->domain);
	} else {
		buffer_add(out, SLICE("domain list"));
		if (scene->filter.length)
			command_add(out, editor_text(&scene->filter));
	}
}
