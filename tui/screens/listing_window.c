/* What of a list is at hand; of a windowed one a page of many, and the cursor goes from page to page. */
#include "tui/screens/listing.h"

#include <stdio.h>

#include "shared/control/control.h"

enum { BEHIND_BYTES_MAX = 1024 * 1024 };

bool listing_is_filtered_there(const struct listing *listing)
{
	return listing->kind->is_windowed || listing->asks_filtered;
}

static const struct control_verb *verb_of(const struct listing_kind *kind)
{
	return kind->method ? control_verb(kind->verb) : NULL;
}

bool listing_can_ask_filtered(const struct listing_kind *kind)
{
	struct control_argument argument;

	for (size_t i = 0; verb_of(kind) && control_verb_argument(verb_of(kind), i, &argument); i++)
		if (slice_equal(slice_of(argument.name), SLICE("filter")))
			return true;
	return false;
}

bool listing_is_of_a_version(const struct listing_kind *kind)
{
	return verb_of(kind) && verb_of(kind)->effect == CONTROL_SHOWS;
}

bool listing_leaves(struct listing *listing, uint32_t key)
{
	struct listing_window *window = &listing->window;
	const struct table *table = &listing->table;
	bool is_down = key == INPUT_DOWN || key == 'j' || key == INPUT_PAGE_DOWN || key == INPUT_CTRL_F,
	     is_up = key == INPUT_UP || key == 'k' || key == INPUT_PAGE_UP || key == INPUT_CTRL_B;

	if (!listing->kind->is_windowed)
		return false;
	if (is_down && window->next[0] && table->selected + 1 >= table->count)
		window->turn = LISTING_ON;
	else if (is_up && window->after[0] && table->selected == 0)
		window->turn = LISTING_BACK;
	else if (key == INPUT_HOME && window->after[0])
		window->turn = LISTING_FIRST;
	else
		return false;
	return true;
}

static struct slice last_behind(const struct listing *listing)
{
	struct slice all = buffer_slice(&listing->window.behind), last = SLICE("");

	while (all.len) {
		size_t end = slice_find(all, '\0');

		last = slice_first(all, end);
		all = slice_after(all, end < all.len ? end + 1 : end);
	}
	return last;
}

struct slice listing_after(const struct listing *listing)
{
	switch (listing->window.turn) {
	case LISTING_ON: return slice_of(listing->window.next);
	case LISTING_BACK: return last_behind(listing);
	case LISTING_FIRST: return SLICE("");
	case LISTING_STAYS: break;
	}
	return slice_of(listing->window.after);
}

void listing_rewind(struct listing *listing)
{
	buffer_stop(&listing->window.behind);
	listing->window = (struct listing_window){ .turn = LISTING_STAYS };
}

static void go_on(struct listing_window *window)
{
	if (!window->behind.max)
		buffer_start(&window->behind, BEHIND_BYTES_MAX);
	buffer_add(&window->behind, slice_of(window->after));
	buffer_add_char(&window->behind, '\0');
	snprintf(window->after, sizeof window->after, "%s", window->next);
}

static void go_back(struct listing *listing)
{
	struct listing_window *window = &listing->window;
	struct slice last = last_behind(listing);

	if (!slice_to_text(last, window->after, sizeof window->after))
		window->after[0] = '\0';
	if (buffer_length(&window->behind))
		window->behind.end -= last.len + 1;
}

void listing_turned(struct listing *listing, enum listing_turn turn, struct slice next)
{
	struct listing_window *window = &listing->window;

	window->turn = LISTING_STAYS;
	if (turn == LISTING_ON)
		go_on(window);
	else if (turn == LISTING_BACK)
		go_back(listing);
	else if (turn == LISTING_FIRST)
		listing_rewind(listing);
	if (turn != LISTING_STAYS)
		listing->table.selected = turn == LISTING_BACK && listing->shown ? listing->shown - 1 : 0;
	window->before = json_as_number(json_get(listing->result, "before"), 0);
	if (!slice_to_text(next, window->next, sizeof window->next))
		window->next[0] = '\0';
	if (listing->total < 0 && !window->after[0] && !window->next[0])
		listing->total = (int64_t)listing->count; /* the page is all there is */
}
