/*
 * answer: the keeper's questions.  {"what":"connections"|"partners"|"talks","after":N,"limit":M} gives an array of at
 * most M rows from the Nth; {"what":"retry","domain":D} tries that partner now;
 * {"what":"close","domain":"x-7","who":NAME} closes that stream;
 * {"what":"way","domain":"OURS THEIRS"} how it stands with the way between the two.  A trial brings the image of a
 * change that may never be made: {"count":N,"rows":[...]} are the streams that would close.
 */
#include <unistd.h>

#include "daemon/gateway/parts.h"

enum {
	ANSWER_MAX = 1024 * 1024,
	ANSWER_ROWS_DEFAULT = 500,
	ANSWER_ROWS_MAX = 1000,
	ANSWER_CLOSING_MAX = 100
};

static void send_answer(struct gateway *g, uint64_t number, struct slice answer)
{
	while (answer.len) {
		struct slice piece = slice_first(answer, answer.len > LINK_PAYLOAD_MAX ? LINK_PAYLOAD_MAX
		                                                                       : answer.len);

		link_send(g->keeper, LINK_ANSWER, number, piece, -1);
		answer = slice_after(answer, piece.len);
	}
	link_send(g->keeper, LINK_ANSWER, number, SLICE(""), -1);
}

static void write_rows(struct gateway *g, struct slice what, struct gateway_page *page, struct json_writer *w)
{
	json_open_array(w, NULL);
	if (slice_equal(what, SLICE("connections")))
		streams_write(g, page, w);
	else if (slice_equal(what, SLICE("partners")))
		partners_write(g, page, w);
	else if (slice_equal(what, SLICE("talks")))
		talks_write(g, page, w);
	json_close_array(w);
}

static struct slice domain_of(struct slice address)
{
	return slice_after(address, slice_find(address, '@') + 1);
}

/* user@domain of ours, a blank, user@domain of theirs. */
static void write_way(struct gateway *g, struct slice both, struct json_writer *w)
{
	size_t blank = slice_find(both, ' ');
	struct slice local = domain_of(slice_first(both, blank));

	json_open_object(w, NULL);
	if (g->image && blank < both.len && (local = gateway_xmpp_domain(g, local)).ptr)
		streams_write_way(g, local, domain_of(slice_after(both, blank + 1)), w);
	json_close_object(w);
}

void gateway_answer_query(struct gateway *g, uint64_t number, struct slice question)
{
	struct json *asked = NULL;
	struct buffer text;
	struct json_writer w = json_write(&text);
	struct gateway_page page = { 0 };
	struct slice what;
	int64_t limit;
	size_t known;

	if (json_read(question, &asked, NULL) != RESULT_OK)
		return;
	what = json_as_slice(json_get(asked, "what"));
	limit = json_as_number(json_get(asked, "limit"), ANSWER_ROWS_DEFAULT);
	page.after = (size_t)json_as_number(json_get(asked, "after"), 0);
	page.limit = limit < 1 ? 1 : limit > ANSWER_ROWS_MAX ? ANSWER_ROWS_MAX : (size_t)limit;
	buffer_start(&text, ANSWER_MAX);
	if (slice_equal(what, SLICE("retry"))) {
		json_open_object(&w, NULL);
		json_put_number(&w, "count",
		                (int64_t)streams_retry(g, json_as_slice(json_get(asked, "domain")), &known));
		json_put_number(&w, "known", (int64_t)known);
		json_close_object(&w);
	} else if (slice_equal(what, SLICE("close"))) {
		json_open_object(&w, NULL);
		json_put_number(&w, "count",
		                (int64_t)streams_close_one(g, json_as_slice(json_get(asked, "domain")),
		                                           json_as_slice(json_get(asked, "who"))));
		json_close_object(&w);
	} else if (slice_equal(what, SLICE("way"))) {
		write_way(g, json_as_slice(json_get(asked, "domain")), &w);
	} else {
		write_rows(g, what, &page, &w);
	}
	send_answer(g, number, text.is_broken ? SLICE("[]") : buffer_slice(&text));
	buffer_stop(&text);
	json_free(&asked);
}

void gateway_answer_trial(struct gateway *g, uint64_t number, int fd)
{
	struct gateway_page page = { .limit = ANSWER_CLOSING_MAX };
	struct policy_image *image = NULL;
	struct buffer text;
	struct json_writer w = json_write(&text);

	buffer_start(&text, ANSWER_MAX);
	json_open_object(&w, NULL);
	if (policy_image_open(fd, &image, NULL) == RESULT_OK) {
		json_open_array(&w, "rows");
		streams_write_closing(g, image, &page, &w);
		json_close_array(&w);
		json_put_number(&w, "count", (int64_t)page.at);
	}
	json_close_object(&w);
	send_answer(g, number, text.is_broken ? SLICE("{}") : buffer_slice(&text));
	policy_image_close(&image);
	buffer_stop(&text);
	if (fd >= 0)
		close(fd);
}
