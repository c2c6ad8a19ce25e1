/*
 * scene: everything a frame is drawn from; no socket, no terminal, no clock.
 *
 * The console fills it, the screens read it; golden tests fill it by hand.
 */
#ifndef TUI_SCREENS_SCENE_H
#define TUI_SCREENS_SCENE_H

#include "shared/base/clock.h"
#include "tui/client/client.h"
#include "tui/screens/actions.h"
#include "tui/screens/editing.h"
#include "tui/screens/recent.h"
#include "tui/screens/kind_list.h"
#include "tui/screens/listing.h"
#include "tui/screens/why.h"
#include "tui/widgets/dialog.h"
#include "tui/widgets/editor.h"
#include "tui/widgets/pager.h"
#include "tui/widgets/table.h"

enum {
	SCENE_TEXT_BYTES = 400,
	SCENE_WIDTH_MIN = 60, /* below: status lines only */
	SCENE_HEIGHT_MIN = 16,
	SCENE_WIDTH_STANDARD = 80, /* below: columns are dropped, one column of boxes */
	SCENE_WIDTH_WIDE = 120,    /* from here: navigation beside */
	SCENE_NAVIGATION = 19,
	OVERVIEW_TALL = 32, /* lines of the overview from which the busiest partners are shown, too */
	SCENE_STATUS_EVERY_MS = 2000,
	SCENE_STALE_MS = 3 * SCENE_STATUS_EVERY_MS,
	SCENE_SILENT_MS = 3000,           /* a request unanswered for so long is worth saying */
	SCENE_SETTLE_MS = 150,            /* the words about a row follow the cursor once it rests */
	SCENE_GRANTING_BYTES = 32 * 1024, /* half of what a line to the daemon may have */
	SCENE_UNDER_MAX = 6,              /* screens below the one on top */
};

enum prompt {
	PROMPT_NONE,
	PROMPT_FILTER,
	PROMPT_COMMAND,
	PROMPT_COMMENT, /* of what is staged and to be published */
	PROMPT_FILE,    /* to take users from */
	PROMPT_EXPORT,  /* to write the list to */
	PROMPT_KIND,    /* of a new object of the topology */
	PROMPT_REASON,  /* of a change that was agreed to: every one must say why */
};

struct scene {
	struct instant now;
	enum screen screen,
	        under[SCENE_UNDER_MAX]; /* under: where `q` goes back to, the last first to come */
	size_t under_count;
	size_t menu_at; /* the chosen row of the menu */

	/* the link */
	enum client_state link;
	int64_t link_since_ms, retry_at_ms, waiting_since_ms; /* monotonic; -1: none */
	const char *trouble;
	bool is_read_only; /* asked for */

	/* what was heard last; NULL before the first */
	const struct json *hello, *status;
	int64_t status_heard_ms;
	struct listing listings[SCREEN_COUNT]; /* kind NULL where a screen lists nothing of this sort */
	struct recent events;
	const struct json *staged, *plan; /* results of stage.list and plan; NULL before the first */
	const char *plan_trouble;         /* "" */
	int64_t drain_peak;               /* the most that a drain has had to wait for; 0: none */
	int64_t marked_version;           /* the first of two to be compared; 0: none */
	int64_t as_of;                    /* the version that is shown; 0: the current one */
	struct kind_list kind_lists[KIND_LISTS];
	const char *lists_trouble; /* why the newest try to fetch one of them failed; "" */

	/* what the administrator is doing */
	size_t attention; /* row selected in the overview */
	enum prompt prompt;
	struct editor editor;
	char offers[SCENE_TEXT_BYTES]; /* what the command line may go on with, after Tab; "" */
	int64_t stepped_ms;            /* when the cursor moved last; 0: it rests */
	struct editing editing;
	struct why why;
	struct buffer granting; /* to whom, as words of the command line */
	struct dialog dialog;
	char dialog_command[SCENE_TEXT_BYTES];
	struct pager pager;
	char reading_title[SCENE_TEXT_BYTES], reading_command[SCENE_TEXT_BYTES];
	bool awaits_place; /* `g` was pressed */
	bool is_bare;      /* text alone, for the terminal's selection; until a key */

	/* what is under way, what has been said */
	char saving[SCENE_TEXT_BYTES]; /* the command that waits for its answer, or "" */
	int64_t saving_since_ms;
	size_t saving_done, saving_count;
	char message[SCENE_TEXT_BYTES];
	enum grid_role message_role;
};

void scene_start(struct scene *scene);
void scene_stop(struct scene *scene);
void scene_say(struct scene *scene, enum grid_role role, const char *format, ...)
        __attribute__((format(printf, 3, 4)));
/* Filters and sorts the screen's list again; the selection stays on its row, or near. */
void scene_arrange(struct scene *scene);

/* May this session call it?  By the daemon's hello. */
bool scene_permits(const struct scene *scene, enum control_verb_id verb);
/* The verb an action needs here; CONTROL_VERB_COUNT: none. False: there is no such verb. */
bool scene_verb(const struct scene *scene, enum action_id id, enum control_verb_id *out);
/* May this session do it on this screen? */
bool scene_allows(const struct scene *scene, enum action_id id);
/* What of mine waits to be published. */
int64_t scene_staged(const struct scene *scene);
bool scene_is_staged(const struct scene *scene);
unsigned scene_place(const struct scene *scene);            /* enum action_place */
const struct json *scene_domain(const struct scene *scene); /* the selected row of the domains, or NULL */
bool domain_is_blocked(const struct json *row);
/* What the screen lists; NULL where it lists nothing. */
struct table *scene_table(struct scene *scene);
struct editor *scene_filter(struct scene *scene); /* NULL where it lists nothing */
struct listing *scene_listing(const struct scene *scene);
size_t scene_attention_count(const struct scene *scene);
bool scene_status_is_stale(const struct scene *scene);
/* The command that shows what the screen shows, without "parley". */
void scene_command(const struct scene *scene, struct buffer *out);

/* The cursor rests: what is said of a row is said of the selected one. */
void scene_settle(struct scene *scene);
/* The screen that stands below what is only read or edited for a moment. */
enum screen scene_place_below(const struct scene *scene);
void scene_open(struct scene *scene, enum screen screen); /* on top of what is shown */
void scene_close(struct scene *scene);                    /* back to what was below */
bool scene_is_form(const struct scene *scene);

/* The frame, whole. */
void scene_draw(struct scene *scene, struct grid *grid);

/* ---- the parts of a frame, each in its file ---- */
struct area {
	int x, y, width, height;
};
#define SCREEN(ID, word, ...)                                                                                \
	void word##_draw(struct scene *scene, struct grid *grid, struct area area);                          \
	void word##_command(const struct scene *scene, struct buffer *out);
#include "tui/screens/screens.def"
#undef SCREEN

enum screen_group { GROUP_STATUS, GROUP_ACCESS, GROUP_PROVE, GROUP_NOWHERE };
struct screen_row {
	const char *word, *title, *purpose; /* title, purpose: N_() */
	uint32_t key;                       /* after `g`; 0: none */
	enum screen_group group;
	void (*draw)(struct scene *scene, struct grid *grid, struct area area);
	void (*command)(const struct scene *scene, struct buffer *out);
};
const struct screen_row *screen_row(enum screen screen);
enum screen screen_named(struct slice word);       /* SCREEN_COUNT: none */
enum screen screen_of_key(uint32_t key);           /* SCREEN_COUNT: none */
const char *screen_group(enum screen_group group); /* translated */

const struct listing_kind *domains_kind(void);
const struct listing_kind *connections_kind(void);
/* The domain a row of connection.list speaks for, as far as is known. */
struct slice connection_domain(const struct scene *scene, const struct json *row);
const struct listing_kind *sessions_kind(void);
const struct listing_kind *remotes_kind(void);
const struct listing_kind *topology_kind(void);
const struct listing_kind *discovered_kind(void);
const struct listing_kind *services_kind(void);
const struct listing_kind *versions_kind(void);
const struct listing_kind *audit_kind(void);
const struct listing_kind *staged_kind(void);
void events_title(const struct scene *scene, struct buffer *out);
void listing_title(const struct listing *listing, const char *name, struct buffer *out);
/* Takes the last lines of a tall enough list for what is said of the selected row. */
bool listing_has_detail(struct area *list, int lines, struct area *detail);
/* `nothing`: what to say where the daemon has no rows. */
void listing_draw(struct scene *scene, struct listing *listing, struct grid *grid, struct area area,
                  const char *nothing);
void form_title(const struct scene *scene, struct buffer *out);
/* scopes.c: a policy's row, a user's row in words; the line after them. */
int scopes_tell_policy(const struct json *row, struct grid *grid, int x, int y, int end);
int scopes_tell_user(const struct json *row, struct grid *grid, int x, int y, int end);
void scopes_explain_removal(const struct json *row, struct dialog *dialog);
/* What each changed field of the form would do to what is live. */
void effects_say(struct scene *scene);
/* How many connections saving the form would end; `word`: what must be typed for it, "" when y is enough. */
void effects_weigh(const struct scene *scene, char word[DIALOG_WORD_BYTES]);
/* The keys that work on this screen, as text to read. */
void reading_show_keys(struct scene *scene);

/* menu.c: all screens */
void scene_open_menu(struct scene *scene);
bool menu_key(struct scene *scene, uint32_t key);                 /* moves; false: not a key of it */
enum screen menu_choice(const struct scene *scene, uint32_t key); /* SCREEN_COUNT: none */
/* Opens what scene->pager.text holds. */
void reading_open(struct scene *scene, const char *title, const char *command);

/* Small readers of what the daemon said. */
struct slice scene_text(const struct json *object, const char *member);
int64_t scene_number(const struct json *object, const char *member);
bool scene_flag(const struct json *object, const char *member);

#endif
