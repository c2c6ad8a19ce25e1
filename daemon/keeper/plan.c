/*
 * What a change would do: which connections would close, which domains and users would lose or gain federation.
 *
 * Connections are asked of the service, which holds the candidate image against those it has by the rule it obeys when
 * an image takes effect.  Domains and users come from the decisions of the last day, decided again twice: over what is
 * published and over the candidate.  Nothing here guesses: what only DNS could say counts as unsure.
 */
#include "daemon/keeper/parts.h"

#include <stdio.h>

#include "daemon/crypto/crypto.h"

enum {
	PLAN_NAMES_MAX = 50,
	PLAN_SET_MAX = 100 * 1000,
	PLAN_ROWS_ROOM = CONTROL_LINE_MAX / 4,
	PLAN_USER_BYTES = 512
};

/* Names seen, each once; the first of them are shown. */
struct set {
	struct map seen;
	struct slice first[PLAN_NAMES_MAX];
	size_t shown;
};

/* What one side of the balance holds. */
struct side {
	struct set domains, users;
};

struct effect {
	struct side lose, gain, unsure;
	size_t decisions;
	int64_t since_ms;   /* of the oldest */
	struct arena arena; /* names of users */
};

static void set_start(struct set *set)
{
	struct siphash_key seed = { 0 };

	crypto_random(&seed, sizeof seed);
	map_start(&set->seen, PLAN_SET_MAX, seed);
	set->shown = 0;
}

static void set_add(struct set *set, struct slice name)
{
	if (map_add(&set->seen, name, set) == RESULT_OK && set->shown < PLAN_NAMES_MAX)
		set->first[set->shown++] = name;
}

static void side_start(struct side *side)
{
	set_start(&side->domains);
	set_start(&side->users);
}

static void side_stop(struct side *side)
{
	map_stop(&side->domains.seen);
	map_stop(&side->users.seen);
}

static void side_add(struct effect *e, struct side *side, const struct policy_facts *facts)
{
	char user[PLAN_USER_BYTES];
	struct slice text;

	set_add(&side->domains, facts->remote_domain);
	snprintf(user, sizeof user, "%.*s@%.*s", SLICE_ARG(facts->local_user),
	         SLICE_ARG(facts->local_domain));
	text = slice_of(user);
	if (facts->local_user.len == 0 || map_get(&side->users.seen, text))
		return;
	text = arena_copy(&e->arena, text);
	if (text.ptr)
		set_add(&side->users, text);
}

/* ---- the last day, decided again ---- */

static void judge(struct effect *e, const struct policy_image *now, const struct policy_image *then,
                  const struct policy_facts *facts)
{
	struct policy_verdict before, after;

	policy_decide(now, facts, &before, NULL);
	policy_decide(then, facts, &after, NULL);
	if (before.answer == after.answer)
		return;
	if (after.answer == POLICY_NEED_SRV || before.answer == POLICY_NEED_SRV)
		side_add(e, &e->unsure, facts);
	else
		side_add(e, after.answer == POLICY_PASS ? &e->gain : &e->lose, facts);
}

static void judge_all(struct effect *e, struct keeper *k, const struct policy_image *then)
{
	int64_t oldest = keeper_now(k).wall_ms - KEEPER_DECISIONS_MS;

	*e = (struct effect){ .since_ms = keeper_now(k).wall_ms };
	arena_start(&e->arena, (size_t)PLAN_SET_MAX * PLAN_USER_BYTES);
	side_start(&e->lose);
	side_start(&e->gain);
	side_start(&e->unsure);
	LIST_EACH (at, &k->decisions.oldest_first) {
		const struct decision *d = LIST_OWNER(at, struct decision, node);

		if (d->time_ms < oldest)
			continue;
		e->decisions++;
		if (d->time_ms < e->since_ms)
			e->since_ms = d->time_ms;
		judge(e, k->now.image, then, &d->facts);
	}
}

static void effect_stop(struct effect *e)
{
	side_stop(&e->lose);
	side_stop(&e->gain);
	side_stop(&e->unsure);
	arena_stop(&e->arena);
}

/* ---- the answer ---- */

static void put_set(struct json_writer *w, const char *key, const char *count_key, const struct set *set)
{
	json_put_number(w, count_key, (int64_t)set->seen.count);
	json_open_array(w, key);
	for (size_t i = 0; i < set->shown && buffer_room(w->out) > PLAN_ROWS_ROOM / 2; i++)
		json_put_slice(w, NULL, set->first[i]);
	json_close_array(w);
}

static void put_side(struct json_writer *w, const char *key, const struct side *side)
{
	json_open_object(w, key);
	put_set(w, "domains", "domain_count", &side->domains);
	put_set(w, "users", "user_count", &side->users);
	json_close_object(w);
}

static void put_closing(struct json_writer *w, const struct json *closing, const char *why)
{
	const struct json *rows = json_get(closing, "rows");

	json_put_number(w, "closing", json_as_number(json_get(closing, "count"), 0));
	json_open_array(w, "connections");
	for (size_t i = 0; i < json_count(rows) && buffer_room(w->out) > PLAN_ROWS_ROOM; i++)
		json_write_value(w, NULL, json_at(rows, i));
	json_close_array(w);
	json_put_text(w, "live", closing ? "" : why); /* why the connections are not known */
}

static const char *number_of(char to[48], size_t count, const char *one)
{
	snprintf(to, 48, "%zu %s%s", count, one, count == 1 ? "" : "s");
	return to;
}

static void put_sentences(struct json_writer *w, const struct effect *e, const struct json *closing)
{
	const struct {
		const struct side *side;
		const char *verb;
	} sides[] = { { &e->lose, "would lose federation" },
		      { &e->gain, "would gain federation" },
		      { &e->unsure, "may lose or gain it: only DNS can tell" } };
	char words[160], domains[48], users[48];
	size_t said = 0;

	json_open_array(w, "sentences");
	if (closing) {
		number_of(domains, (size_t)json_as_number(json_get(closing, "count"), 0), "connection");
		snprintf(words, sizeof words, "%s would close", domains);
		json_put_text(w, NULL, words);
	}
	for (size_t i = 0; i < sizeof sides / sizeof *sides; i++) {
		if (sides[i].side->domains.seen.count == 0)
			continue;
		snprintf(words, sizeof words, "%s and %s %s",
		         number_of(domains, sides[i].side->domains.seen.count, "domain"),
		         number_of(users, sides[i].side->users.seen.count, "user"), sides[i].verb);
		json_put_text(w, NULL, words);
		said++;
	}
	if (!said)
		json_put_text(w, NULL,
		              "nobody who was decided on in the last 24 hours would be decided on otherwise");
	json_close_array(w);
}

static void put_if_room(void *to, const struct model_conflict *conflict)
{
	struct json_writer *w = to;

	if (buffer_room(w->out) > CONTROL_LINE_MAX / 2)
		change_put_conflict(w, conflict);
}

/* What of a draft meets what was published since it was begun; the draft's values are those that were tried. */
static void put_conflicts(struct call *call, struct json_writer *w)
{
	const struct draft *draft = call->change.is_draft ? draft_find(call->keeper, &call->who) : NULL;
	struct model_snapshot *base = NULL, *merged = NULL;
	struct store_version version;
	size_t count;

	json_put_number(w, "base", (int64_t)(draft ? draft->base : call->keeper->now.version.number));
	json_open_array(w, "conflicts");
	if (draft && draft->base != call->keeper->now.version.number &&
	    version_read(call->keeper, draft->base, &base, &version, NULL) == RESULT_OK)
		model_snapshot_merge(base, draft->snapshot, call->keeper->now.snapshot, MODEL_PREFER_MINE,
		                     put_if_room, w, &count, &merged);
	json_close_array(w);
	model_snapshot_free(&base);
	model_snapshot_free(&merged);
}

void plan_answer(void *to, const struct json *closing, const char *why)
{
	struct call *call = to;
	struct keeper *k = call->keeper;
	struct json_writer *w;
	struct effect e;

	judge_all(&e, k, call->change.trial.mapped);
	buffer_clear(&call->changes); /* against what is live now, whatever it was edited from */
	changes_write(k->now.snapshot, call->change.candidate, &call->changes);
	w = call_open(call);
	json_put_bool(w, "dry_run", true);
	json_put_number(w, "version", (int64_t)k->now.version.number);
	put_conflicts(call, w);
	put_sentences(w, &e, closing);
	put_side(w, "lose", &e.lose);
	put_side(w, "gain", &e.gain);
	put_side(w, "unsure", &e.unsure);
	json_put_number(w, "decisions", (int64_t)e.decisions);
	json_put_number(w, "decisions_since", e.since_ms);
	if (buffer_length(&call->changes) < buffer_room(w->out) - PLAN_ROWS_ROOM)
		json_put_raw(w, "changes", buffer_slice(&call->changes));
	put_closing(w, closing, why);
	effect_stop(&e);
	call_close(call);
}

void plan_ask(struct call *call, const struct model_snapshot *candidate, query_answered *answered)
{
	struct keeper *k = call->keeper;
	struct reason reason = { "" };
	enum result result = image_make(candidate, k->now.version.number + 1, &call->change.trial, &reason);

	if (result != RESULT_OK)
		call_fail(call, control_code_of(result), "%s", reason.text);
	else
		query_ask_trial(&k->access, call->change.trial.fd, answered, call);
}
