/*
 * Questions to a service: asked by number, answered in pieces that end with an
 * empty one, or not in time.  Whoever asked is told exactly once.
 *
 * Rows come in pages, because a link queues only so much: each page is a question of its own under a new
 * number, asked until one is not full.  Rows may come and go between two pages; a list of what lives
 * is never better than that.
 */
#include <stdio.h>

#include "daemon/keeper/parts.h"
#include "shared/base/memory.h"

struct query {
	struct list node;
	struct service *service;
	const char *what;
	bool wants_rows;
	uint64_t number;
	size_t after;         /* rows of the pages before this one */
	int64_t until_ms;     /* mono: all pages */
	struct buffer answer; /* the running page's */
	struct buffer rows;   /* of several pages: a JSON array that is still open */
	struct json_writer w; /* into `rows` */
	struct loop_timer timer;
	query_answered *answered;
	void *to;
};

static void finish(struct query *query, const struct json *answer, const char *why)
{
	list_remove(&query->node);
	query->service->query_count--;
	loop_timer_stop(&query->timer);
	query->answered(query->to, answer, why);
	buffer_stop(&query->answer);
	buffer_stop(&query->rows);
	mem_free(query);
}

static void late(void *owner) { finish(owner, NULL, "the service did not answer in time"); }

/* False: the service takes no questions. */
static bool send_question(struct query *query, struct slice domain, const struct query_deed *deed)
{
	struct service *s = query->service;
	int64_t left = query->until_ms - keeper_now(s->keeper).mono_ms;
	struct buffer question;
	struct json_writer w = json_write(&question);
	bool is_sent;

	query->number = ++s->query_number;
	buffer_clear(&query->answer);
	loop_timer_set(s->keeper->loop, &query->timer,
	               left > KEEPER_QUERY_MS ? KEEPER_QUERY_MS
	               : left > 0             ? left
	                                      : 1,
	               late, query);
	buffer_start(&question, 4 * KEEPER_NAME_BYTES);
	json_open_object(&w, NULL);
	json_put_text(&w, "what", query->what);
	if (query->wants_rows) {
		json_put_number(&w, "after", (int64_t)query->after);
		json_put_number(&w, "limit", KEEPER_PAGE_ROWS);
	} else {
		json_put_slice(&w, "domain", domain);
		if (deed && deed->who) {
			json_put_text(&w, "who", deed->who);
			json_put_number(&w, "deadline", deed->deadline_ms);
		}
		if (deed && deed->pair)
			json_put_text(&w, "pair", deed->pair);
	}
	json_close_object(&w);
	is_sent = !question.is_broken &&
	          link_send(s->link, LINK_QUERY, query->number, buffer_slice(&question), -1);
	buffer_stop(&question);
	return is_sent;
}

/* NULL: `answered` has been told why. */
static struct query *query_new(struct service *s, query_answered *answered, void *to)
{
	struct query *query;

	if (!service_is_up(s)) {
		answered(to, NULL, s->short_why[0] ? s->short_why : "the service does not run");
		return NULL;
	}
	if (s->query_count >= KEEPER_QUERIES_MAX || !(query = mem_new(sizeof *query))) {
		answered(to, NULL, "too many questions wait for the service");
		return NULL;
	}
	query->service = s;
	query->until_ms = keeper_now(s->keeper).mono_ms + KEEPER_QUERY_ALL_MS;
	query->answered = answered;
	query->to = to;
	buffer_start(&query->answer, KEEPER_ANSWER_MAX);
	buffer_start(&query->rows, KEEPER_ANSWER_MAX);
	query->w = json_write(&query->rows);
	list_add_last(&s->queries, &query->node);
	s->query_count++;
	return query;
}

static void ask(struct service *s, const char *what, bool wants_rows, struct slice domain,
                const struct query_deed *deed, query_answered *answered, void *to)
{
	struct query *query = query_new(s, answered, to);

	if (!query)
		return;
	query->what = what;
	query->wants_rows = wants_rows;
	if (!send_question(query, domain, deed))
		finish(query, NULL, "the service takes no questions");
}

static void ask_trial(struct service *s, int image_fd, query_answered *answered, void *to)
{
	struct query *query = query_new(s, answered, to);

	if (!query)
		return;
	query->number = ++s->query_number;
	loop_timer_set(s->keeper->loop, &query->timer, KEEPER_QUERY_MS, late, query);
	if (!link_send(s->link, LINK_TRIAL, query->number, SLICE(""), image_fd))
		finish(query, NULL, "the service takes no questions");
}

void query_ask(struct service *s, const char *what, query_answered *answered, void *to)
{
	ask(s, what, true, SLICE(""), NULL, answered, to);
}

void query_act(struct service *s, const char *what, struct slice domain, query_answered *answered, void *to)
{
	ask(s, what, false, domain, NULL, answered, to);
}

void query_act_as(struct service *s, const struct query_deed *deed, query_answered *answered, void *to)
{
	ask(s, deed->what, false, deed->object, deed, answered, to);
}

static struct query *find(struct service *s, uint64_t number)
{
	LIST_EACH (at, &s->queries) {
		struct query *query = LIST_OWNER(at, struct query, node);

		if (query->number == number)
			return query;
	}
	return NULL;
}

static void end_rows(struct query *query)
{
	struct json *rows = NULL;

	json_close_array(&query->w);
	if (query->rows.is_broken)
		finish(query, NULL, "the answer is too large");
	else if (json_read(buffer_slice(&query->rows), &rows, NULL) != RESULT_OK)
		finish(query, NULL, "the service's answer cannot be read");
	else
		finish(query, rows, "");
	json_free(&rows);
}

/* A whole answer, or one page of it. */
static void take(struct query *query, const struct json *page)
{
	size_t count = query->wants_rows ? json_count(page) : 0;

	if (query->after == 0 && count < KEEPER_PAGE_ROWS) {
		finish(query, page, "");
		return;
	}
	if (query->after == 0)
		json_open_array(&query->w, NULL);
	for (size_t i = 0; i < count; i++)
		json_write_value(&query->w, NULL, json_at(page, i));
	query->after += count;
	if (count < KEEPER_PAGE_ROWS || query->rows.is_broken)
		end_rows(query);
	else if (!send_question(query, SLICE(""), NULL))
		finish(query, NULL, "the service takes no questions");
}

void query_piece(struct service *s, uint64_t number, struct slice piece)
{
	struct query *query = find(s, number);
	struct json *page = NULL;

	if (!query) /* it came after its time */
		return;
	if (piece.len) {
		buffer_add(&query->answer, piece);
		return;
	}
	if (query->answer.is_broken)
		finish(query, NULL, "the answer is too large");
	else if (json_read(buffer_slice(&query->answer), &page, NULL) != RESULT_OK)
		finish(query, NULL, "the service's answer cannot be read");
	else
		take(query, page);
	json_free(&page);
}

void query_drop_all(struct service *s, const char *why)
{
	while (!list_is_empty(&s->queries))
		finish(LIST_OWNER(s->queries.next, struct query, node), NULL, why);
}

/* ---- the same question to every service that runs ---- */

struct gathering {
	struct keeper *keeper;
	const char *what; /* NULL: what would close with `image_fd` */
	int image_fd;
	int64_t closing;
	size_t next; /* service to be asked */
	bool has_any;
	char why[KEEPER_WHY_BYTES]; /* of the first that gave nothing */
	struct buffer rows;
	struct json_writer w;
	query_answered *answered;
	void *to;
};

static void gather(struct gathering *g);

static void gathered(void *to, const struct json *answer, const char *why)
{
	struct gathering *g = to;

	const struct json *rows = g->what ? answer : json_get(answer, "rows");

	if (answer && !rows)
		why = "the service could not try it";
	g->has_any |= rows != NULL;
	if (!rows && !g->why[0])
		snprintf(g->why, sizeof g->why, "%s", why);
	for (size_t i = 0; i < json_count(rows); i++)
		json_write_value(&g->w, NULL, json_at(rows, i));
	if (!g->what)
		g->closing += json_as_number(json_get(answer, "count"), 0);
	gather(g);
}

static void gather(struct gathering *g)
{
	struct json *rows = NULL;

	while (g->next < SERVICE_COUNT) {
		struct service *s = &g->keeper->services[g->next++];

		if (s->is_unused)
			continue;
		if (g->what)
			query_ask(s, g->what, gathered, g);
		else
			ask_trial(s, g->image_fd, gathered, g);
		return;
	}
	json_close_array(&g->w);
	if (!g->what) {
		json_put_number(&g->w, "count", g->closing);
		json_close_object(&g->w);
	}
	if (!g->has_any)
		g->answered(g->to, NULL, g->why);
	else if (g->rows.is_broken || json_read(buffer_slice(&g->rows), &rows, NULL) != RESULT_OK)
		g->answered(g->to, NULL, "the answer is too large");
	else
		g->answered(g->to, rows, g->why);
	json_free(&rows);
	buffer_stop(&g->rows);
	mem_free(g);
}

static void gather_all(struct keeper *k, const char *what, int image_fd, query_answered *answered, void *to)
{
	struct gathering *g = mem_new(sizeof *g);

	if (!g) {
		answered(to, NULL, "out of memory");
		return;
	}
	g->keeper = k;
	g->what = what;
	g->image_fd = image_fd;
	g->answered = answered;
	g->to = to;
	buffer_start(&g->rows, KEEPER_ANSWER_MAX);
	g->w = json_write(&g->rows);
	if (!what)
		json_open_object(&g->w, NULL);
	json_open_array(&g->w, what ? NULL : "rows");
	gather(g);
}

void query_ask_all(struct keeper *k, const char *what, query_answered *answered, void *to)
{
	gather_all(k, what, -1, answered, to);
}

void query_ask_trial(struct keeper *k, int image_fd, query_answered *answered, void *to)
{
	gather_all(k, NULL, image_fd, answered, to);
}
