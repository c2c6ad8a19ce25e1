/*
 * screens: what an administrator sees and what his keys do.
 *
 * Problem: a screen must never wait for the daemon, must look right at 80x24
 * without colour, and nothing may change on one key.
 *
 * Files in reading order: screens.def and actions.def (the tables), actions, scene (everything a
 * frame is drawn from), screens (the table as data), frame (header, title, hints), overview,
 * services, domains, filtering, listing and listing_view (rows of the daemon), kind_list (any kind's objects), versions (and the audit, and what is staged), connections, recent (events), discovered, sessions, topology, scopes (policies and users in words), listing_window (one page of many), editing (any kind as a form), form_screen,
 * access_edge and effects (what a switch stops), why, reading (text, help), command and complete (words of a
 * command line), parts.h, lists (what is fetched page by page), changes (commands sent
 * one after the other), questions (before a change), forms (a form's object: asked for, saved), grants, imports, nodes (of the topology), timers (when a change goes back),
 * going (from screen to screen), menu (all of them), keys (whose a key is), moves (the cursor's), prompts (what is typed
 * below), dressing (theme and frames), picking (columns), exports, doing (what an action does), chosen (what is done with the selected row), console (the loop).
 * Direction: key -> action -> command -> question -> request -> answer -> scene -> grid.
 */
#ifndef TUI_SCREENS_ACTIONS_H
#define TUI_SCREENS_ACTIONS_H

#include "shared/control/control.h"
#include "tui/widgets/input.h"

enum screen {
#define SCREEN(ID, ...) SCREEN_##ID,
#include "tui/screens/screens.def"
#undef SCREEN
	SCREEN_COUNT
};

/* Where a key works: one bit a screen. */
enum action_place {
#define SCREEN(ID, ...) ID = 1 << SCREEN_##ID,
#include "tui/screens/screens.def"
#undef SCREEN
	KINDS = PROVIDERS | XMPP | POLICIES | USERS | SITES | MEETINGS, /* rows of kind_list.c */
	LISTS = KINDS | GRANT | TOPOLOGY | DOMAINS | CONNECTIONS | SESSIONS | REMOTE | EVENTS | DISCOVERED |
	        VERSIONS | AUDIT | STAGED | SERVICES,
	FORMS = FORM | ACCESS_EDGE | GATEWAY,
	EVERYWHERE = (1 << SCREEN_COUNT) - 1,
	BROWSED = EVERYWHERE & ~(FORMS | WHY) /* where letters are never text */
};

enum action_id {
#define ACTION(id, ...) ACTION_##id,
#include "tui/screens/actions.def"
#undef ACTION
	ACTION_COUNT
};

/* A verb of the kind that the screen lists: which one depends on the screen. */
enum { ACTION_VERB_OF_KIND = CONTROL_VERB_COUNT + 1 };

struct action {
	unsigned where;
	const char *shown; /* "Enter" */
	uint32_t key, other;
	const char *label, *sentence; /* N_() */
	int verb; /* enum control_verb_id, ACTION_VERB_OF_KIND; CONTROL_VERB_COUNT: needs none */
};

const struct action *action(enum action_id id);
/* ACTION_COUNT when the key does nothing there. */
enum action_id action_of_key(unsigned where, uint32_t key);

#endif
