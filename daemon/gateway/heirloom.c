/*
 * heirloom: with whom our users began, as a gateway of before wrote it into its state file.  The Access Edge keeps that
 * now (access/contacts.c), for it decides.  It is given the rows a batch at a time and gives each batch back once it
 * has it on the disk; only then do they leave the file, so an end of either process loses none.
 */
#include "daemon/gateway/state.h"
#include "daemon/gateway/talks.h"
#include "daemon/link/sip_frame.h"

enum {
	HEIRLOOM_BATCH = 100, /* of the longest names: less than LINK_SIP_BYTES_MAX */
	HEIRLOOM_AGAIN_MS = 2000,
};

static void add_line(void *to, const struct state_row *row)
{
	struct buffer *out = to;

	/* A batch cut short by the size of the queue is broken, and taken back as a whole. */
	(void)(buffer_add(out, row->key) && buffer_add(out, SLICE("\n")));
}

void heirloom_hand_over(struct talks *t)
{
	struct gateway *g = t->gateway;
	struct buffer *out;
	size_t begun;

	t->heirloom_ms = 0;
	if (!t->state)
		return;
	t->heirloom_ms = gateway_now_ms(g); /* what cannot be sent or read now is tried again, too */
	if (!(out = gateway_access_begin(g, &begun)))
		return;
	if (state_each(t->state, STATE_FIRST, HEIRLOOM_BATCH, add_line, out, NULL) != RESULT_OK ||
	    out->is_broken) {
		gateway_access_undo(g, begun);
	} else if (buffer_length(out) == begun + LINK_SIP_HEAD_BYTES) {
		gateway_access_undo(g, begun);
		t->heirloom_ms = 0; /* there are none any more */
	} else {
		gateway_access_end(g, begun, LINK_SIP_CONTACTS);
	}
}

/* It had no table yet, or its disk took nothing: then it has said nothing. */
void heirloom_second(struct talks *t)
{
	if (t->heirloom_ms && gateway_now_ms(t->gateway) - t->heirloom_ms >= HEIRLOOM_AGAIN_MS)
		heirloom_hand_over(t);
}

void heirloom_taken(struct talks *t, struct slice lines)
{
	while (lines.len) {
		size_t end = slice_find(lines, '\n');

		state_remove(t->state, STATE_FIRST, slice_first(lines, end), SLICE(""));
		lines = slice_after(lines, end < lines.len ? end + 1 : end);
	}
	if (talks_commit(t))
		heirloom_hand_over(t);
}
