/*
 * What a change would do: which connections would close, which domains and users would lose or gain federation.
 *
 * Connections are asked of the service, which holds the candidate image against those it has by the rule it obeys when
 * an image takes effect.  Domains and users come from the decisions of the last day, decided again twice: over what is
 * published and over the candidate, some of them each turn of the loop: others' calls wait for none of it.  Nothing here
 * guesses: what only DNS could say counts as unsure.
 */
#include "daemon/keeper/parts.h"

#include <stdio.h>

#include "daemon/crypto/crypto.h"
#include "shared/base/memory.h"

enum {
	PLAN_NAMES_MAX = 50,
	PLAN_SET_MAX = KEEPER_DECISIONS_MAX,
	PLAN_STEP = 4000, /* decisions judged in one turn: some milliseconds */
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
	struct set domains, users, remote; /* remote: users of ours outside, and meetings */
};

/* A dry run on its way; the call owns it. */
struct plan {
	struct call *call;
	struct decisions_walk walk;
	struct side lose, gain, unsure;
	size_t decisions;
	int64_t since_ms;      /* of the oldest */
	struct arena arena;    /* names */
	struct buffer closing; /* what the service said; empty: nothing */
	struct reason why;     /* why it said nothing */
};

static void set_start(struct set *set)
{
	struct siphash_key seed = { 0 };

	crypto_random(&seed, sizeof seed);
	map_start(&set->seen, PLAN_SET_MAX, seed);
	set->shown = 0;
}

/* `name` is copied when it is new: a decision may be forgotten before the plan is done. */
static void set_add(struct set *set, struct arena *arena, struct slice name)
{
	if (map_get(&set->seen, name) || !(name = arena_copy(arena, name)).ptr)
		return;
	if (map_add(&set->seen, name, set) == RESULT_OK && set->shown < PLAN_NAMES_MAX)
		set->first[set->shown++] = name;
}

static void side_start(struct side *side)
{
	set_start(&side->domains);
	set_start(&side->users);
	set_start(&side->remote);
}

static void side_stop(struct side *side)
{
	map_stop(&side->domains.seen);
	map_stop(&side->users.seen);
	map_stop(&side->remote.seen);
}

static void side_add(struct plan *plan, struct side *side, const struct policy_facts *facts)
{
	char user[PLAN_USER_BYTES];

	if (facts->source == POLICY_FEDERATION)
		set_add(&side->domains, &plan->arena, facts->remote_domain);
	if (facts->local_user.len == 0)
		return;
	snprintf(user, sizeof user, "%.*s@%.*s", SLICE_ARG(facts->local_user),
	         SLICE_ARG(facts->local_domain));
	set_add(facts->source == POLICY_FEDERATION ? &side->users : &side->remote, &plan->arena,
	        slice_of(user));
}

/* ---- the last day, decided again ---- */

static void judge(struct plan *plan, const struct policy_facts *facts)
{
	struct policy_verdict before, after;

	policy_decide(plan->call->keeper->now.image, facts, &before, NULL);
	policy_decide(plan->call->change.trial.mapped, facts, &after, NULL);
	if (before.answer == after.answer)
		return;
	if (after.answer == POLICY_NEED_SRV || before.answer == POLICY_NEED_SRV)
		side_add(plan, &plan->unsure, facts);
	else
		side_add(plan, after.answer == POLICY_PASS ? &plan->gain : &plan->lose, facts);
}

/* Some of them.  False: those were all. */
static bool judge_some(struct plan *plan)
{
	int64_t oldest = keeper_now(plan->call->keeper).wall_ms - KEEPER_DECISIONS_MS;

	for (int i = 0; i < PLAN_STEP; i++) {
		const struct decision *d = decisions_next(&plan->call->keeper->decisions, &plan->walk);

		if (!d)
			return false;
		if (d->time_ms < oldest)
			continue;
		plan->decisions++;
		if (d->time_ms < plan->since_ms)
			plan->since_ms = d->time_ms;
		judge(plan, &d->facts);
	}
	return true;
}

void plan_free(struct plan **pointer)
{
	struct plan *plan = *pointer;

	if (!plan)
		return;
	decisions_walk_stop(&plan->walk);
	side_stop(&plan->lose);
	side_stop(&plan->gain);
	side_stop(&plan->unsure);
	arena_stop(&plan->arena);
	buffer_stop(&plan->closing);
	mem_free(plan);
	*pointer = NULL;
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
	put_set(w, "remote", "remote_count", &side->remote);
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
	json_put_text(w, "live", why); /* why the connections are not known, or not all of them */
}

static const char *number_of(char to[48], size_t count, const char *one)
{
	snprintf(to, 48, "%zu %s%s", count, one, count == 1 ? "" : "s");
	return to;
}

static void put_sentences(struct json_writer *w, const struct plan *plan, const struct json *closing)
{
	const struct {
		const struct side *side;
		const char *verb, *remote;
	} sides[] = { { &plan->lose, "would lose federation", "would lose access from outside" },
		      { &plan->gain, "would gain federation", "would gain access from outside" },
		      { &plan->unsure, "may lose or gain it: only DNS can tell", "" } };
	char words[160], domains[48], users[48];
	size_t said = 0;

	json_open_array(w, "sentences");
	if (closing) {
		number_of(domains, (size_t)json_as_number(json_get(closing, "count"), 0), "connection");
		snprintf(words, sizeof words, "%s would close", domains);
		json_put_text(w, NULL, words);
	}
	for (size_t i = 0; i < sizeof sides / sizeof *sides; i++) {
		if (sides[i].side->remote.seen.count) {
			snprintf(words, sizeof words, "%s %s",
			         number_of(users, sides[i].side->remote.seen.count, "user"), sides[i].remote);
			json_put_text(w, NULL, words);
			said++;
		}
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
		              "every domain and user of the last 24 hours would be decided as before");
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

static void answer(struct plan *plan)
{
	struct call *call = plan->call;
	struct keeper *k = call->keeper;
	struct json *closing = NULL;
	struct json_writer *w;

	if (buffer_length(&plan->closing))
		json_read(buffer_slice(&plan->closing), &closing, NULL);
	buffer_clear(&call->changes); /* against what is live now, whatever it was edited from */
	call->change.count = changes_write(k->now.snapshot, call->change.candidate, &call->changes);
	w = call_open(call);
	json_put_bool(w, "dry_run", true);
	json_put_number(w, "version", (int64_t)k->now.version.number);
	put_conflicts(call, w);
	put_sentences(w, plan, closing);
	put_side(w, "lose", &plan->lose);
	put_side(w, "gain", &plan->gain);
	put_side(w, "unsure", &plan->unsure);
	json_put_number(w, "decisions", (int64_t)plan->decisions);
	json_put_number(w, "decisions_since", plan->since_ms);
	if (buffer_length(&call->warnings) &&
	    buffer_length(&call->warnings) < buffer_room(w->out) - PLAN_ROWS_ROOM)
		json_put_raw(w, "warnings", buffer_slice(&call->warnings));
	if (buffer_length(&call->changes) < buffer_room(w->out) - PLAN_ROWS_ROOM)
		json_put_raw(w, "changes", buffer_slice(&call->changes));
	json_put_number(w, "total", call->change.count);
	put_closing(w, closing, plan->why.text);
	json_free(&closing);
	call_close(call);
}

static void go_on(void *owner)
{
	struct call *call = owner;

	if (!call->session) /* nobody hears it: who comes and goes cannot keep us at work */
		call_fail(call, CONTROL_UNAVAILABLE, "the client has gone");
	else if (call->keeper->now.version.number != call->version)
		call_fail(call, CONTROL_CONFLICT, "version %llu was published by %s meanwhile; ask again",
		          (unsigned long long)call->keeper->now.version.number,
		          call->keeper->now.version.author);
	else if (judge_some(call->plan))
		loop_timer_set(call->keeper->loop, &call->timer, 1, go_on, call);
	else
		answer(call->plan);
}

void plan_answer(void *to, const struct json *closing, const char *why)
{
	struct call *call = to;
	struct keeper *k = call->keeper;
	struct plan *plan = k->is_ending ? NULL : mem_new(sizeof *plan);
	struct json_writer w;

	if (!plan) {
		call_fail(call, CONTROL_UNAVAILABLE, k->is_ending ? "the daemon stops" : "out of memory");
		return;
	}
	call->plan = plan;
	plan->call = call;
	plan->since_ms = keeper_now(k).wall_ms;
	arena_start(&plan->arena, (size_t)PLAN_SET_MAX * PLAN_USER_BYTES);
	side_start(&plan->lose);
	side_start(&plan->gain);
	side_start(&plan->unsure);
	decisions_walk_start(&k->decisions, &plan->walk);
	buffer_start(&plan->closing, KEEPER_ANSWER_MAX);
	w = json_write(&plan->closing);
	if (closing)
		json_write_value(&w, NULL, closing);
	fail(&plan->why, RESULT_NOT_FOUND, "%s", why);
	call->version = k->now.version.number;
	list_add_last(&k->planning, &call->waiting);
	go_on(call);
}

void plan_ask(struct call *call, const struct model_snapshot *candidate, query_answered *answered)
{
	struct keeper *k = call->keeper;
	struct reason reason = { "" };
	enum result result = image_make(candidate, k->now.version.number + 1, &call->change.trial, &reason);

	if (result != RESULT_OK)
		call_fail(call, control_code_of(result), "%s", reason.text);
	else
		query_ask_trial(k, call->change.trial.fd, answered, call);
}
