/*
 * parts: what the console's files share; nobody else includes it.
 */
#ifndef TUI_SCREENS_PARTS_H
#define TUI_SCREENS_PARTS_H

#include "tui/cli/request.h"
#include "tui/client/view.h"
#include "tui/screens/command.h"
#include "tui/screens/console.h"
#include "tui/screens/scene.h"

enum {
	LISTS_EVERY_MS = 2000, /* a page; a list of more pages is fetched less often */
	STAGED_EVERY_MS = 5000,
	CHANGES_BYTES_MAX = 1024 * 1024,
	CHANGE_TIMEOUT_MS = 60000,
	CHANGES_COMMENT_BYTES = 512,
	PASTE_PAUSE_MS = 500,
};

/* The lists, fetched page by page beside the one that is shown, and the events. */
struct lists {
	struct listing building;
	struct listing *asked; /* whose rows are being fetched */
	int64_t asked_id, due_ms, events_id;
	char cursor[LISTING_KEY_BYTES];
	/* what the page under way, or the one held, was asked for with; "": the daemon does not filter */
	char asked_filter[EDITOR_BYTES];
	enum listing_turn asked_turn;
	const struct listing *held; /* whose rows came last */
	bool is_forced;             /* asked again though nothing is known to have changed */
	bool is_following;          /* events come on this link */
	bool has_no_domains;        /* they could not be had behind another screen */
	struct reason trouble;
};

/* Commands that are sent one after the other, each guarded by the version the one before made. */
struct changes {
	struct buffer lines; /* of '\n'-ended commands; the first is under way */
	int64_t asked_id;    /* 0: none */
	int64_t version;     /* what the next one expects; 0: not guarded */
	size_t done, count;
	bool is_form;                        /* the one command saves the form that is shown */
	bool stages;                         /* nothing is published: they wait with what is staged */
	size_t timer;                        /* how they go back by themselves: timers.c */
	char comment[CHANGES_COMMENT_BYTES]; /* why, where that must be said; "" */
};

/* What the open dialog is about. */
enum asking {
	ASKING_AGREED,  /* the commands in `agreed` */
	ASKING_IMPORT,  /* to take the users of a file */
	ASKING_EXPORT,  /* to replace a file by what a list shows */
	ASKING_LEAVE,   /* the console */
	ASKING_DISCARD, /* the form's changes, to go to `discard_to` */
};

/* A command that only looks: its answer is read as text. */
struct inquiry {
	int64_t asked_id;
	enum control_verb_id verb;
	char command[SCENE_TEXT_BYTES];
};

/* Which objects the command line may name. */
struct names {
	int64_t asked_id;        /* 0: none */
	char line[EDITOR_BYTES]; /* as it was when they were asked for */
};

/* A file on its way to the daemon: sent and tried, asked about, sent again and taken. */
struct imports {
	struct buffer text;
	char path[SCENE_TEXT_BYTES];
	size_t sent;
	int64_t asked_id;
	enum { IMPORT_SENDS, IMPORT_RUNS } step;
	bool is_agreed; /* else it is only tried */
};

struct console {
	const struct console_setup *setup;
	struct client *client;
	struct terminal *term;
	struct scene scene;
	struct view status, staged, plan;
	struct lists lists;
	struct changes changes, agreed; /* agreed: what the open dialog will start */
	struct inquiry inquiry;
	struct imports imports;
	struct names names;
	int64_t trial_id; /* the dry run of what the open dialog asks about */
	enum asking asking;
	char export_path[SCENE_TEXT_BYTES]; /* the file a list is written to */
	enum screen discard_to;             /* SCREEN_COUNT: what is below */
	int64_t form_due_ms;                /* when the form's object may be asked for again */
	bool is_pasting, leaves;
	bool is_held;        /* the bare display stays as painted: news would take a selection away */
	int64_t pasted_ms;   /* monotonic: the last key, for a paste that never ends */
	bool shows_partners; /* the overview is tall enough for a list of them */
	struct instant now;
};

/* lists.c */
void lists_start(struct lists *lists);
void lists_stop(struct lists *lists);
void lists_restart(struct lists *lists);
bool lists_are_wanted(const struct console *console);
void lists_refresh(struct console *console);
bool lists_take(struct console *console, int64_t id, struct control_answer *answer);

/* changes.c */
void changes_start(struct changes *changes);
void changes_stop(struct changes *changes);
void changes_clear(struct changes *changes);
/* Adds a command (without "parley"); false: no room. */
bool changes_add(struct changes *changes, struct slice command);
struct slice changes_first(const struct changes *changes);
/* Has the daemon try the first of console->agreed without doing it; 0: it cannot be tried. */
int64_t changes_try(struct console *console, struct reason *reason);
/* Sends the first of console->changes; says why when it cannot. */
void changes_send(struct console *console);
bool changes_take(struct console *console, int64_t id, struct control_answer *answer);
/* What was typed or built: looks at once, asks before it changes. */
void command_run(struct console *console, struct slice line);
bool inquiry_take(struct console *console, int64_t id, struct control_answer *answer);
/* Starts what the dialog asked about; asks why first, where that must be said. */
void changes_agree(struct console *console);
void changes_agree_because(struct console *console, struct slice comment);
void changes_forget(struct console *console); /* it is not to be done */

/* questions.c: the dialog before a change */
void question_domains(struct console *console, enum action_id which);
void question_allow_new(struct console *console, struct slice domain);
/* Saves the form: says every change and what it does. */
void question_form(struct console *console);
/* The commands of `why`'s smallest change, "; " between them. False: it is none that can be run. */
bool question_change(struct console *console, struct slice change);
/* Blocks the domain of a connection; `connections` of it are open. */
void question_block_partner(struct console *console, struct slice domain, int64_t connections);
/* Starts it at once; asks before anything that ends it, and for its name before it is ended at once. */
void question_service(struct console *console, const char *verb);
/* One connection: "close" or "drain". */
void question_connection(struct console *console, const char *verb);
void question_disconnect(struct console *console); /* of the selected remote user */
/* `is_change`: it publishes a version; else it acts on the daemon. */
void question_command(struct console *console, struct slice line, bool is_change);
void question_offer_stage(struct console *console); /* s stages what is asked about */
/* Runs at once what needs no question. */
void command_do(struct console *console, struct slice line);

/* nodes.c: what is done with a row of the topology */
void nodes_edit(struct console *console);
void nodes_new(struct console *console);
void nodes_ask_kind(struct console *console);
void nodes_new_of(struct console *console, struct slice kind);
void nodes_remove(struct console *console);

/* grants.c: a policy for one user or many */
void grants_open(struct console *console,
                 bool is_all);               /* is_all: whoever the filter shows; then which policy */
void grants_choose(struct console *console); /* the selected policy */
void grants_revoke(struct console *console);

/* imports.c: users from a file, tried before they are taken */
void imports_start(struct imports *imports);
void imports_stop(struct imports *imports);
void imports_open(struct console *console, struct slice path);
bool imports_take(struct console *console, int64_t id, struct control_answer *answer);
void imports_agree(struct console *console);

/* exports.c: what a list shows, to a file */
void exports_ask(struct console *console); /* for its name */
void exports_run(struct console *console, struct slice path);
void exports_agree(struct console *console); /* the file there is may be replaced */

/* picking.c: `columns NAME,NAME`: which a list shows; false: it is another command */
void picking_ask(struct console *console); /* with those that are shown, to be changed */
bool picking_run(struct console *console, struct slice line);
void picking_name(const struct listing *listing, struct buffer *out); /* all there are, commas between */

/* timers.c: when what is published goes back by itself */
const char *timer_option(size_t timer);    /* of the command line; NULL: it does not */
void timer_offer(struct console *console); /* the open dialog says it, and t turns it */
void timer_turn(struct console *console);
void timer_withdraw(struct console *console); /* nothing is published */

/* forms.c: the object in the form */
/* `field`: where the cursor goes first; NULL: the first that can be changed. */
void forms_open(struct console *console, const struct model_kind *kind, struct slice key, bool is_new,
                const char *field);
/* The object that a screen of its own is about; no screen is opened. */
void forms_open_one(struct console *console, const struct model_kind *kind, const char *key);
void forms_refresh(struct console *console);
bool forms_take(struct console *console, int64_t id, struct control_answer *answer);
void forms_save(struct console *console);
void forms_saved(struct console *console);
/* True: the refusal has been said in the form. */
bool forms_refused(struct console *console, const struct control_answer *answer);

/* trials.c: what the command in the dialog would do, tried by the daemon */
void trial_ask(struct console *console);
bool trial_take(struct console *console, int64_t id, struct control_answer *answer);

/* stages.c: versions, what is staged, undo */
void stages_refresh(struct console *console);
void stages_publish(struct console *console); /* asks for the comment */
void stages_publish_as(struct console *console, struct slice comment);
void stages_act(struct console *console, enum action_id id);

/* whys.c: the question asked, its answer acted on */
void whys_open(struct console *console, struct slice from, struct slice to, struct slice what);
void whys_ask(struct console *console);
bool whys_take(struct console *console, int64_t id, struct control_answer *answer);
void whys_open_rule(struct console *console);
void whys_apply(struct console *console);

/* going.c: from screen to screen; a form with changes asks first */
void console_go(struct console *console, enum screen screen);
void console_back(struct console *console);
void console_leave(struct console *console);
void console_discard(struct console *console); /* what the question about it has agreed to */

/* prompts.c: what is typed below */
void prompts_open(struct console *console, enum prompt prompt, struct slice text);
void prompts_filter(struct console *console, struct slice text);
void prompts_key(struct console *console, uint32_t key);
bool prompts_take(struct console *console, int64_t id, struct control_answer *answer); /* names of objects */

/* moves.c: true when the key is the list's, the form's or the text's own */
bool moves_key(struct scene *scene, uint32_t key);
bool moves_paste(struct scene *scene, uint32_t key); /* where text is typed */

/* chosen.c: what is done with the selected row */
void chosen_open(struct console *console); /* all that is known of it */
void chosen_edit(struct console *console); /* as a form */
void chosen_domain(struct console *console,
                   const char *field); /* the same of a SIP domain, on whichever list it is */
void chosen_show(struct console *console);
void chosen_show_listed(struct console *console); /* the same of any kind's */
void chosen_mark(struct console *console);
void chosen_mark_all(struct console *console);                 /* those that are shown; or takes all marks */
void chosen_change(struct console *console, const char *verb); /* "xmpp remove DOMAIN", after a question */
void chosen_toggle(struct console *console);
void chosen_allow(struct console *console);
void chosen_block(struct console *console);
void chosen_retry(struct console *console);
void chosen_why(struct console *console);

/* doing.c: `key` called for it */
void doing(struct console *console, enum action_id id, uint32_t key);

/* dressing.c: `theme NAME`, `frames WHICH`: how this session looks; false: it is another command */
bool dressing_run(struct console *console, struct slice line);

/* keys.c */
void keys_handle(struct console *console, uint32_t key);

#endif
