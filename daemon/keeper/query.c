/*
 * Questions to a service: asked by number, answered in pieces that end with an
 * empty one, or not in time.  Whoever asked is told exactly once.
 */
#include "daemon/keeper/parts.h"
#include "shared/base/memory.h"

struct query {
	struct list node;
	struct service *service;
	uint64_t number;
	struct buffer answer;
	struct loop_timer timer;
	void (*answered)(void *to, const struct json *answer, const char *why);
	void *to;
};

static void finish(struct query *query, const struct json *answer, const char *why)
{
	list_remove(&query->node);
	query->service->query_count--;
	loop_timer_stop(&query->timer);
	query->answered(query->to, answer, why);
	buffer_stop(&query->answer);
	mem_free(query);
}

static void late(void *owner) { finish(owner, NULL, "the service did not answer in time"); }

void query_ask(struct service *s, const char *what,
               void (*answered)(void *to, const struct json *answer, const char *why), void *to)
{
	struct query *query;
	struct buffer question;
	struct json_writer w = json_write(&question);

	if (!service_is_up(s)) {
		answered(to, NULL, s->short_why[0] ? s->short_why : "the service does not run");
		return;
	}
	if (s->query_count >= KEEPER_QUERIES_MAX || !(query = mem_new(sizeof *query))) {
		answered(to, NULL, "too many questions wait for the service");
		return;
	}
	query->service = s;
	query->number = ++s->query_number;
	query->answered = answered;
	query->to = to;
	buffer_start(&query->answer, KEEPER_ANSWER_MAX);
	list_add_last(&s->queries, &query->node);
	s->query_count++;
	loop_timer_set(s->keeper->loop, &query->timer, KEEPER_QUERY_MS, late, query);

	buffer_start(&question, 256);
	json_open_object(&w, NULL);
	json_put_text(&w, "what", what);
	json_close_object(&w);
	if (!link_send(s->link, LINK_QUERY, query->number, buffer_slice(&question), -1))
		finish(query, NULL, "the service takes no questions");
	buffer_stop(&question);
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

void query_piece(struct service *s, uint64_t number, struct slice piece)
{
	struct query *query = find(s, number);
	struct json *answer = NULL;

	if (!query) /* it came after its time */
		return;
	if (piece.len) {
		buffer_add(&query->answer, piece);
		return;
	}
	if (query->answer.is_broken)
		finish(query, NULL, "the answer is too large");
	else if (json_read(buffer_slice(&query->answer), &answer, NULL) != RESULT_OK)
		finish(query, NULL, "the service's answer cannot be read");
	else
		finish(query, answer, "");
	json_free(&answer);
}

void query_drop_all(struct service *s, const char *why)
{
	while (!list_is_empty(&s->queries))
		finish(LIST_OWNER(s->queries.next, struct query, node), NULL, why);
}
