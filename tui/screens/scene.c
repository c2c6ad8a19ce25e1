#include "tui/screens/scene.h"

#include <stdio.h>

#include "tui/client/words.h"

void scene_start(struct scene *scene)
{
	*scene = (struct scene){ .trouble = "",
		                 .lists_trouble = "",
		                 .plan_trouble = "",
		                 .retry_at_ms = -1,
		                 .waiting_since_ms = -1 };
	listing_start(&scene->listings[SCREEN_DOMAINS], domains_kind());
	listing_start(&scene->listings[SCREEN_CONNECTIONS], connections_kind());
	listing_start(&scene->listings[SCREEN_TOPOLOGY], topology_kind());
	scene->listings[SCREEN_TOPOLOGY].table.sort = TABLE_UNSORTED; /* the tree's order */
	listing_start(&scene->listings[SCREEN_SESSIONS], sessions_kind());
	listing_start(&scene->listings[SCREEN_REMOTE], remotes_kind());
	listing_start(&scene->listings[SCREEN_DISCOVERED], discovered_kind());
	listing_start(&scene->listings[SCREEN_SERVICES], services_kind());
	listing_start(&scene->listings[SCREEN_VERSIONS], versions_kind());
	listing_start(&scene->listings[SCREEN_AUDIT], audit_kind());
	listing_start(&scene->listings[SCREEN_STAGED], staged_kind());
	/* Newest first, and in the order they were made: as the daemon gives them. */
	scene->listings[SCREEN_VERSIONS].table.sort = TABLE_UNSORTED;
	scene->listings[SCREEN_AUDIT].table.sort = TABLE_UNSORTED;
	scene->listings[SCREEN_STAGED].table.sort = TABLE_UNSORTED;
	kind_lists_start(scene->kind_lists, scene->listings);
	buffer_start(&scene->granting, SCENE_GRANTING_BYTES);
	why_start(&scene->why);
	recent_start(&scene->events);
	pager_start(&scene->pager);
}

void scene_stop(struct scene *scene)
{
	for (int i = 0; i < SCREEN_COUNT; i++)
		listing_stop(&scene->listings[i]);
	buffer_stop(&scene->granting);
	why_stop(&scene->why);
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

void scene_arrange(struct scene *scene)
{
	struct listing *listing = scene_listing(scene);
	char key[LISTING_KEY_BYTES];

	if (!listing)
		return;
	listing->now_wall_ms = scene->now.wall_ms;
	listing_key(listing, listing_selected(listing), key);
	listing_arrange(listing, key);
}

struct listing *scene_listing(const struct scene *scene)
{
	struct scene *own = (struct scene *)(uintptr_t)scene;

	if (scene->screen == SCREEN_EVENTS)
		return &own->events.list;
	return own->listings[scene->screen].kind ? &own->listings[scene->screen] : NULL;
}

struct table *scene_table(struct scene *scene)
{
	struct listing *listing = scene_listing(scene);

	return listing ? &listing->table : scene->screen == SCREEN_WHY ? &scene->why.steps : NULL;
}

struct editor *scene_filter(struct scene *scene)
{
	struct listing *listing = scene_listing(scene);

	return listing ? &listing->filter : NULL;
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

static bool is_among(const struct json *verbs, const char *method)
{
	for (size_t i = 0; i < json_count(verbs); i++)
		if (slice_equal(json_as_slice(json_at(verbs, i)), slice_of(method)))
			return true;
	return false;
}

bool scene_permits(const struct scene *scene, enum control_verb_id verb)
{
	const struct control_verb *row = control_verb(verb);
	char method[64];

	if (!row)
		return true;
	if (!control_effect_is_reading(row->effect) &&
	    (scene->is_read_only || slice_equal(scene_text(scene->hello, "mode"), SLICE("ro"))))
		return false;
	/* What is shown is of another time: nothing is changed by its rows. */
	if (scene->as_of && row->effect == CONTROL_CHANGES && verb != CONTROL_VERB_VERSION_RESTORE)
		return false;
	snprintf(method, sizeof method, "%s%s%s", row->noun, row->noun[0] ? "." : "", row->verb);
	/* Who may only stage has the same forms: S stages, and the daemon says who publishes. */
	return is_among(json_get(scene->hello, "verbs"), method) ||
	       is_among(json_get(scene->hello, "stages"), method);
}

bool scene_verb(const struct scene *scene, enum action_id id, enum control_verb_id *out)
{
	const struct model_kind *kind = kind_of_screen(scene->screen);
	int verb = action(id)->verb;

	if (verb == ACTION_VERB_OF_KIND && kind)
		verb = id == ACTION_NEW_KIND      ? (int)editing_save_verb(kind, true)
		       : id == ACTION_REMOVE_KIND ? (int)editing_verb(kind, "remove")
		                                  : (int)editing_verb(kind, "enable");
	*out = (enum control_verb_id)verb;
	return verb < CONTROL_VERB_COUNT || verb == action(id)->verb;
}

bool scene_allows(const struct scene *scene, enum action_id id)
{
	enum control_verb_id verb;

	return scene_verb(scene, id, &verb) && scene_permits(scene, verb);
}

int64_t scene_staged(const struct scene *scene) { return scene_number(scene->staged, "total"); }
bool scene_is_staged(const struct scene *scene) { return scene_staged(scene) > 0; }

unsigned scene_place(const struct scene *scene) { return 1u << scene->screen; }

const struct json *scene_domain(const struct scene *scene)
{
	return listing_selected(&scene->listings[SCREEN_DOMAINS]);
}

bool domain_is_blocked(const struct json *row)
{
	return slice_equal(scene_text(row, "rule"), SLICE("block"));
}

void scene_settle(struct scene *scene)
{
	struct table *table = scene_table(scene);

	scene->stepped_ms = 0;
	if (table)
		table->told = table->selected;
}

/* ---- from screen to screen ---- */

enum screen scene_place_below(const struct scene *scene)
{
	enum screen screen = scene->screen;

	for (size_t i = scene->under_count; i > 0 && !screen_row(screen)->key; i--)
		screen = scene->under[i - 1];
	return screen;
}

void scene_open(struct scene *scene, enum screen screen)
{
	if (scene->screen == screen)
		return;
	if (scene->under_count == SCENE_UNDER_MAX) { /* the oldest is forgotten */
		memmove(scene->under, scene->under + 1, (SCENE_UNDER_MAX - 1) * sizeof *scene->under);
		scene->under_count--;
	}
	scene->under[scene->under_count++] = scene->screen;
	scene->screen = screen;
	if (scene->prompt == PROMPT_FILTER) /* an answer came while a filter of what is below was typed */
		scene->prompt = PROMPT_NONE;
	scene_settle(scene);
}

void scene_close(struct scene *scene)
{
	if (scene->under_count)
		scene->screen = scene->under[--scene->under_count];
	scene_settle(scene);
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
	if (scene->dialog.is_open)
		buffer_add(out, slice_of(scene->dialog_command));
	else
		screen_row(scene->screen)->command(scene, out);
	if (scene->as_of && !scene->dialog.is_open && scene_place(scene) & (DOMAINS | KINDS | FORMS | WHY))
		buffer_printf(out, " --as-of %lld", (long long)scene->as_of);
}
