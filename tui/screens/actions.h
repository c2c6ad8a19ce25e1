/*
 * screens: what an administrator sees and what his keys do.
 *
 * Problem: a screen must never wait for the daemon, must look right at 80x24
 * without colour, and nothing may change on one key.
 *
 * Files in reading order: actions.def and actions (keys), scene (everything a
 * frame is drawn from), frame (header, title, hints), overview, domains, filter
 * and domain_rows (the list's data), listing and listing_view (rows that live only a moment), connections, recent (events), discovered, reading (text, help), command (words of a command line), parts.h,
 * feed and lists (what is fetched page by page), changes
 * (commands sent one after the other), questions (before a change), keys (what
 * a key does), console (the loop).
 * Direction: key -> action -> command -> question -> request -> answer -> scene -> grid.
 */
#ifndef TUI_SCREENS_ACTIONS_H
#define TUI_SCREENS_ACTIONS_H

#include "shared/control/control.h"
#include "tui/widgets/input.h"

enum action_place {
	OVERVIEW = 1,
	DOMAINS = 2,
	READING = 4,
	CONNECTIONS = 8,
	EVENTS = 16,
	DISCOVERED = 32,
	LISTS = DOMAINS | CONNECTIONS | EVENTS | DISCOVERED,
	EVERYWHERE = OVERVIEW | LISTS | READING
};

enum action_id {
#define ACTION(id, ...) ACTION_##id,
#include "tui/screens/actions.def"
#undef ACTION
	ACTION_COUNT
};

struct action {
	unsigned where;
	const char *shown; /* "Enter" */
	uint32_t key, other;
	const char *label, *sentence; /* N_() */
	enum control_verb_id verb;    /* CONTROL_VERB_COUNT: needs none */
};

const struct action *action(enum action_id id);
/* ACTION_COUNT when the key does nothing there. */
enum action_id action_of_key(unsigned where, uint32_t key);

#endif
