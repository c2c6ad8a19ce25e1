/*
 * domain list, domain show: the entries, with what the service knows of them now.
 */
#include <stdio.h>

#include "daemon/crypto/crypto.h"
#include "daemon/keeper/filtering.h"

enum { DOMAIN_LIVE_MAX = 16384 };

/* ---- live state, by domain ---- */

static void live_start(struct map *live, const struct json *answer)
{
	struct siphash_key seed = { 0 };

	crypto_random(&seed, sizeof seed);
	map_start(live, DOMAIN_LIVE_MAX, seed);
	for (size_t i = 0; i < json_count(answer); i++) {
		/* The map holds pointers without const; nothing writes through them. */
		union {
			const struct json *theirs;
			void *ours;
		} row = { .theirs = json_at(answer, i) };

		if (map_add(live, json_as_slice(json_get(row.theirs, "domain")), row.ours) == RESULT_LIMIT)
			break;
	}
}

static struct slice live_state(const struct json *row)
{
	struct slice state = json_as_slice(json_get(row, "state"));

	return state.len ? state : SLICE("-");
}

/* The newer of the two directions; NULL: none. */
static const struct json *live_error(const struct json *row)
{
	const struct json *in = json_get(row, "last_error_in"), *out = json_get(row, "last_error_out");
	bool is_in = json_as_number(json_get(in, "time"), 0) > json_as_number(json_get(out, "time"), 0);

	return json_kind(is_in ? in : out) == JSON_KIND_OBJECT ? (is_in ? in : out) : NULL;
}

/* A refusal that the rules as they are would no longer give is the past: of steps that ask of the domain alone. */
static bool is_over(const struct policy_image *image, struct slice domain, const struct json *error)
{
	static const enum policy_step_id of_domain[] = { POLICY_STEP_FEDERATION_SWITCH,
		                                         POLICY_STEP_BLOCKED_DOMAIN,
		                                         POLICY_STEP_KNOWN_DOMAIN };
	struct slice step = json_as_slice(json_get(error, "step"));
	struct policy_facts facts = { .direction = POLICY_INWARD,
		                      .service = POLICY_SERVICE_IM,
		                      .method = SLICE("MESSAGE"),
		                      .remote_domain = domain };
	struct policy_explanation explanation;
	struct policy_verdict verdict;

	for (size_t i = 0; i < sizeof of_domain / sizeof *of_domain; i++)
		if (slice_equal(step, slice_of(policy_step(of_domain[i])->name))) {
			policy_decide(image, &facts, &verdict, &explanation);
			return explanation.steps[of_domain[i]].answer == POLICY_PASS;
		}
	return false;
}

/* ---- one entry ---- */

struct entry {
	const struct model_object *allowed, *blocked; /* one of them */
	struct slice domain, comment;
	const struct json *live,
	        *error; /* error: the newer of both directions, unless it is over; NULL: none */
};

static struct entry entry_of(const struct model_object *allowed, const struct model_object *blocked,
                             const struct map *live, const struct policy_image *image)
{
	struct entry e = { .allowed = allowed, .blocked = blocked };
	const struct model_object *object = allowed ? allowed : blocked;

	e.domain = model_object_key(object);
	e.comment = object->values[allowed ? MODEL_FIELD(allowed_domain, comment)
	                                   : MODEL_FIELD(blocked_domain, comment)]
	                    .text;
	e.live = map_get(live, e.domain);
	e.error = live_error(e.live);
	if (e.error && is_over(image, e.domain, e.error))
		e.error = NULL;
	return e;
}

/* What a row tells beside the fields of both kinds, as put_entry writes it. */
static const char beside[] = "rule state connections rate last_error last_error_at advice";

static void write_keys(char keys[FILTER_KEYS_BYTES])
{
	static const enum model_kind_id kinds[] = { MODEL_ALLOWED_DOMAIN, MODEL_BLOCKED_DOMAIN };
	struct slice rest = slice_of(beside), name;

	keys[0] = '\0';
	for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++)
		for (size_t i = 0; i < model_kind(kinds[k])->field_count; i++)
			filter_keys_add(slice_of(model_kind(kinds[k])->fields[i].name), keys);
	while (slice_next(&rest, ' ', &name))
		filter_keys_add(name, keys);
}

static bool look(const void *row, const char *key, size_t index, struct filter_value *out)
{
	const struct entry *e = row;

	*out = (struct filter_value){ .kind = FILTER_TEXT };
	if (strcmp(key, "rule") == 0)
		out->text = e->allowed ? SLICE("allow") : SLICE("block");
	else if (strcmp(key, "state") == 0)
		out->text = e->allowed ? live_state(e->live) : SLICE("-");
	else if (strcmp(key, "connections") == 0 || strcmp(key, "rate") == 0)
		*out = (struct filter_value){ .kind = FILTER_NUMBER,
			                      .number = json_as_real(json_get(e->live, key), 0) };
	else if (strcmp(key, "last_error") == 0)
		return filter_look_json(e->error, "text", index, out);
	else if (strcmp(key, "last_error_at") == 0)
		return filter_look_json(e->error, "time", index, out);
	else if (strcmp(key, "advice") == 0)
		return filter_look_json(e->error, "advice", index, out);
	else
		return filter_look_field(e->allowed ? e->allowed : e->blocked, key, index, out);
	return index == 0;
}

/* Every field of an allowed domain; those that a blocked one has not are empty. */
static void put_fields(struct json_writer *w, const struct model_object *object)
{
	const struct model_kind *all = model_kind(MODEL_ALLOWED_DOMAIN);

	for (size_t i = 0; i < all->field_count; i++) {
		size_t field = model_field_named(object->kind, slice_of(all->fields[i].name));

		if (i == all->key)
			continue;
		if (field < object->kind->field_count)
			verb_put_field(w, &object->kind->fields[field], &object->values[field]);
		else if (all->fields[i].type == MODEL_NUMBER || all->fields[i].type == MODEL_BOOL)
			json_put_null(w, all->fields[i].name);
		else
			json_put_text(w, all->fields[i].name, "");
	}
}

/* The members of a row, into an object that is open. */
static void put_entry(struct json_writer *w, const struct entry *e, const struct view *view)
{
	const struct json *error = e->error;

	json_put_slice(w, "domain", e->domain);
	json_put_text(w, "rule", e->allowed ? "allow" : "block");
	put_fields(w, e->allowed ? e->allowed : e->blocked);
	json_put_slice(w, "state", e->allowed ? live_state(e->live) : SLICE("-"));
	json_put_number(w, "connections", json_as_number(json_get(e->live, "connections"), 0));
	json_put_real(w, "rate", json_as_real(json_get(e->live, "rate"), 0));
	json_put_slice(w, "last_error", error ? json_as_slice(json_get(error, "text")) : SLICE(""));
	if (error)
		json_put_number(w, "last_error_at", json_as_number(json_get(error, "time"), 0));
	else
		json_put_null(w, "last_error_at");
	json_put_slice(w, "advice", error ? json_as_slice(json_get(error, "advice")) : SLICE(""));
	json_put_number(w, "version", (int64_t)view->version);
}

/* ---- list ---- */

struct walk {
	const struct model_objects *allowed, *blocked;
	size_t allowed_at, blocked_at;
};

static size_t walk_place(const struct walk *walk) { return walk->allowed_at + walk->blocked_at; }

static size_t walk_count(const struct walk *walk) { return walk->allowed->count + walk->blocked->count; }

/* Both lists hold their keys in order: the next of the two. */
static bool walk_next(struct walk *walk, const struct map *live, const struct policy_image *image,
                      struct entry *out)
{
	const struct model_object *a = walk->allowed_at < walk->allowed->count
	                                       ? walk->allowed->items[walk->allowed_at]
	                                       : NULL;
	const struct model_object *b = walk->blocked_at < walk->blocked->count
	                                       ? walk->blocked->items[walk->blocked_at]
	                                       : NULL;

	if (!a && !b)
		return false;
	if (a && b) {
		if (slice_compare(model_object_key(a), model_object_key(b)) <= 0)
			b = NULL;
		else
			a = NULL;
	}
	walk->allowed_at += a != NULL;
	walk->blocked_at += b != NULL;
	*out = entry_of(a, b, live, image);
	return true;
}

struct listed {
	struct walk walk;
	struct filter filter;
	struct map live;
	struct view view;
};

static int64_t count_shown(struct listed *l, size_t from, size_t to)
{
	int64_t count = 0;
	struct entry e;

	if (l->filter.count == 0)
		return (int64_t)(to - from);
	while (walk_place(&l->walk) < to && walk_next(&l->walk, &l->live, l->view.image, &e))
		count += filter_holds(&l->filter, look, &e);
	return count;
}

/* The rows from where the walk stands.  The last object that was looked at; none: there was none. */
static struct slice put_rows(struct call *call, struct listed *l, int64_t *shown)
{
	size_t end = page_end(walk_place(&l->walk), walk_count(&l->walk), &l->filter);
	int64_t limit = page_limit(call);
	struct slice last = SLICE_NONE;
	struct entry e;

	while (walk_place(&l->walk) < end) {
		struct walk here = l->walk;

		if (!walk_next(&l->walk, &l->live, l->view.image, &e))
			break;
		if (filter_holds(&l->filter, look, &e)) {
			if (*shown == limit || buffer_room(&call->out) < PAGE_ROW_ROOM) {
				l->walk = here;
				break;
			}
			++*shown;
			json_open_object(&call->w, NULL);
			put_entry(&call->w, &e, &l->view);
			json_close_object(&call->w);
		}
		last = e.domain;
	}
	return last;
}

static void list(void *to, const struct json *answer, const char *why)
{
	struct call *call = to;
	struct slice after = call_text(call, "after");
	struct page_counts counts = { .total = -1, .before = -1 };
	char keys[FILTER_KEYS_BYTES];
	struct json_writer *w;
	struct listed l;
	size_t all;

	write_keys(keys);
	if (!view_of(call, &l.view) || !call_filter(call, keys, &l.filter))
		return;
	l.walk = (struct walk){ .allowed = &l.view.snapshot->kinds[MODEL_ALLOWED_DOMAIN],
		                .blocked = &l.view.snapshot->kinds[MODEL_BLOCKED_DOMAIN] };
	all = walk_count(&l.walk);
	w = call_open(call);
	live_start(&l.live, answer);
	if (page_is_counted(all, &l.filter))
		counts.before = count_shown(
		        &l, 0, objects_after(l.walk.allowed, after) + objects_after(l.walk.blocked, after));
	l.walk.allowed_at = objects_after(l.walk.allowed, after);
	l.walk.blocked_at = objects_after(l.walk.blocked, after);
	json_open_array(w, "rows");
	counts.last = put_rows(call, &l, &counts.shown);
	json_close_array(w);
	counts.has_more = walk_place(&l.walk) < all;
	if (counts.before >= 0)
		counts.total = counts.before + counts.shown + count_shown(&l, walk_place(&l.walk), all);
	page_put_counts(w, &counts);
	json_put_number(w, "version", (int64_t)l.view.version);
	json_put_text(w, "live", answer ? "" : why);
	map_stop(&l.live);
	call_close(call);
}

void verb_run_DOMAIN_LIST(struct call *call) { query_ask(&call->keeper->access, "domains", list, call); }

/* ---- show ---- */

static bool serves(const struct json *connection, struct slice domain)
{
	const struct json *domains = json_get(connection, "domains");

	if (slice_equal(json_as_slice(json_get(connection, "partner")), domain))
		return true;
	for (size_t i = 0; i < json_count(domains); i++)
		if (slice_equal(json_as_slice(json_at(domains, i)), domain))
			return true;
	return false;
}

/* Second half: the connections are known, too. What was written of the result so far lies in call->out. */
static void show_connections(void *to, const struct json *connections, const char *why)
{
	struct call *call = to;
	struct json_writer *w = &call->w;

	(void)why;
	json_open_array(w, "connections_list");
	for (size_t i = 0; i < json_count(connections) && buffer_room(&call->out) > PAGE_ROW_ROOM; i++)
		if (serves(json_at(connections, i), call->key))
			json_write_value(w, NULL, json_at(connections, i));
	json_close_array(w);
	call_close(call);
}

static void show(void *to, const struct json *answer, const char *why)
{
	struct call *call = to;
	const struct model_object *allowed, *blocked;
	struct json_writer *w;
	struct entry e;
	struct map live;
	struct view view;

	(void)why;
	if (!view_of(call, &view))
		return;
	allowed = model_snapshot_find(view.snapshot, MODEL_ALLOWED_DOMAIN, call->key);
	blocked = model_snapshot_find(view.snapshot, MODEL_BLOCKED_DOMAIN, call->key);
	if (!allowed && !blocked) {
		call_fail(call, CONTROL_NOT_FOUND, "%.*s is on neither list", SLICE_ARG(call->key));
		return;
	}
	live_start(&live, answer);
	e = entry_of(allowed, allowed ? NULL : blocked, &live, view.image);
	w = call_open(call);
	put_entry(w, &e, &view);
	verb_put_fields(w, "fields", allowed ? allowed : blocked);
	json_write_value(w, "last_error_in", json_get(e.live, "last_error_in"));
	json_write_value(w, "last_error_out", json_get(e.live, "last_error_out"));
	json_open_object(w, "counts");
	json_put_number(w, "in", json_as_number(json_get(e.live, "in"), 0));
	json_put_number(w, "out", json_as_number(json_get(e.live, "out"), 0));
	json_put_number(w, "refused", json_as_number(json_get(e.live, "refused"), 0));
	json_close_object(w);
	map_stop(&live);
	query_ask(&call->keeper->access, "connections", show_connections, call);
}

void verb_run_DOMAIN_SHOW(struct call *call)
{
	if (call_key(call, "domain", MODEL_ALLOWED_DOMAIN))
		query_ask(&call->keeper->access, "domains", show, call);
}
