#include "tui/screens/console.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "shared/base/memory.h"
#include "tui/client/words.h"
#include "tui/screens/parts.h"

enum {
	PAINT_EVERY_MS = 100, /* what nobody typed is painted ten times a second at most */
	TURN_MAX_MS = 1000,   /* ages on the screen grow */
	KEYS_PER_TURN = 256,  /* then the daemon is heard again */
};

/* ---- what the daemon says ---- */

static void take_answer(void *to, int64_t id, struct control_answer *answer)
{
	struct console *console = to;

	if (view_take(&console->status, id, answer, console->now) || lists_take(console, id, answer) ||
	    changes_take(console, id, answer) || inquiry_take(console, id, answer) ||
	    imports_take(console, id, answer) || forms_take(console, id, answer) ||
	    whys_take(console, id, answer) || trial_take(console, id, answer) ||
	    prompts_take(console, id, answer) || view_take(&console->staged, id, answer, console->now) ||
	    view_take(&console->plan, id, answer, console->now))
		return;
	/* An answer nobody waits for any more. */
}

static void take_event(void *to, const struct json *event)
{
	struct console *console = to;

	if (console->lists.is_following)
		recent_take(&console->scene.events, event);
}

static void take_state(void *to)
{
	struct console *console = to;

	if (client_state(console->client) != CLIENT_UP)
		return;
	lists_restart(&console->lists);
	view_hurry(&console->status);
	view_hurry(&console->staged);
}

/* What the screens may know of the link. */
static void tell_scene(struct console *console)
{
	struct scene *scene = &console->scene;

	scene->now = console->now;
	scene->link = client_state(console->client);
	scene->link_since_ms = client_state_since(console->client);
	scene->retry_at_ms = client_retry_at(console->client);
	scene->waiting_since_ms = client_waiting_since(console->client);
	scene->trouble = client_trouble(console->client);
	scene->hello = client_hello(console->client);
	scene->status = view_result(&console->status);
	scene->status_heard_ms = console->status.heard_ms;
	scene->lists_trouble = console->lists.trouble.text;
	recent_settle(&scene->events);
}

/* ---- painting ---- */

static void paint(struct console *console, struct grid *grid)
{
	int width, height;

	term_size(console->term, &width, &height);
	width = width < 1 ? 1 : width > GRID_WIDTH_MAX ? GRID_WIDTH_MAX : width;
	height = height < 1 ? 1 : height > GRID_HEIGHT_MAX ? GRID_HEIGHT_MAX : height;
	if (console->is_held && console->scene.is_bare && grid->width == width && grid->height == height)
		return;
	console->is_held = console->scene.is_bare;
	if (grid->width != width || grid->height != height) {
		struct grid fresh;

		if (!grid_start(&fresh, width, height, term_looks(console->term)))
			return; /* without memory the old picture stays */
		grid_stop(grid);
		*grid = fresh;
	}
	grid->looks = term_looks(console->term);
	console->shows_partners = height - 4 >= OVERVIEW_TALL && width >= SCENE_WIDTH_STANDARD;
	tell_scene(console);
	scene_draw(&console->scene, grid);
	term_paint(console->term, grid);
}

/* ---- the loop ---- */

static bool read_keys(struct console *console)
{
	uint32_t key;
	int count = 0;

	while (count < KEYS_PER_TURN && !console->leaves && term_input(console->term, console->now, &key)) {
		tell_scene(console);
		console->is_held = false;
		keys_handle(console, key);
		count++;
	}
	return count > 0;
}

static int64_t soonest(int64_t a, int64_t b) { return b < 0 || (a >= 0 && a < b) ? a : b; }

static int pause_until(const struct console *console, bool owes_paint, int64_t painted_ms)
{
	int64_t next = console->now.mono_ms + TURN_MAX_MS;

	next = soonest(client_deadline(console->client), next);
	if (owes_paint)
		next = soonest(painted_ms + PAINT_EVERY_MS, next);
	if (console->scene.stepped_ms)
		next = soonest(console->scene.stepped_ms + SCENE_SETTLE_MS, next);
	if (client_state(console->client) == CLIENT_UP) {
		if (!console->status.asked_id)
			next = soonest(console->status.due_ms, next);
		if (!console->lists.asked_id && !console->lists.events_id && lists_are_wanted(console))
			next = soonest(console->lists.due_ms, next);
	}
	next -= console->now.mono_ms;
	return next < 0 ? 0 : next > TURN_MAX_MS ? TURN_MAX_MS : (int)next;
}

static void loop(struct console *console, int signals)
{
	struct grid grid = { 0 };
	int64_t painted_ms = 0;
	bool was_typed = true, owes_paint = true;

	while (!console->leaves) {
		struct pollfd polled[3] = { { STDIN_FILENO, POLLIN, 0 },
			                    { signals, POLLIN, 0 },
			                    { client_descriptor(console->client),
			                      client_wants(console->client), 0 } };

		if (was_typed || console->now.mono_ms - painted_ms >= PAINT_EVERY_MS) {
			paint(console, &grid);
			painted_ms = console->now.mono_ms;
			owes_paint = false;
		}
		/* EINTR is a resize: ncurses has it waiting, so keys are read all the same. */
		if (poll(polled, 3, pause_until(console, owes_paint, painted_ms)) < 0)
			polled[0].revents = polled[1].revents = polled[2].revents = 0;
		console->now = console->setup->now();
		if (polled[1].revents || polled[0].revents & (POLLHUP | POLLERR | POLLNVAL))
			console->leaves = true;
		was_typed = read_keys(console);
		client_step(console->client, console->now, polled[2].revents);
		tell_scene(console); /* what follows decides by what has been heard up to now */
		view_refresh(&console->status, console->client, console->now);
		lists_refresh(console);
		forms_refresh(console);
		stages_refresh(console);
		client_step(console->client, console->now, 0); /* what was asked is written now */
		owes_paint = true;
	}
	grid_stop(&grid);
}

/* ---- beginning and end ---- */

static enum result refuse_screen(const char *name, struct reason *reason)
{
	char words[300] = "";
	size_t used = 0;

	for (int i = 0; i < SCREEN_COUNT && used < sizeof words; i++)
		if (screen_row((enum screen)i)->key)
			used += (size_t)snprintf(words + used, sizeof words - used, "%s%s", used ? ", " : "",
			                         screen_row((enum screen)i)->word);
	return fail(reason, RESULT_INVALID, _("unknown screen \"%s\"; there are %s"), name, words);
}

static enum result choose_screen(struct console *console, struct reason *reason)
{
	const char *name = console->setup->screen;

	enum screen screen = name ? screen_named(slice_of(name)) : SCREEN_OVERVIEW;

	if (screen == SCREEN_COUNT)
		return refuse_screen(name, reason);
	console_go(console, screen);
	if (console->setup->filter && scene_place(&console->scene) & LISTS)
		editor_set(scene_filter(&console->scene), slice_of(console->setup->filter));
	return RESULT_OK;
}

/* SIGTERM and SIGHUP arrive as a descriptor, so that the terminal is given back in order. */
static int open_signals(void)
{
	sigset_t ending;

	sigemptyset(&ending);
	sigaddset(&ending, SIGTERM);
	sigaddset(&ending, SIGHUP);
	sigaddset(&ending, SIGINT);
	sigprocmask(SIG_BLOCK, &ending, NULL);
	return signalfd(-1, &ending, SFD_CLOEXEC | SFD_NONBLOCK);
}

static enum result start(struct console *console, struct reason *reason)
{
	const struct console_setup *setup = console->setup;
	struct client_setup client = { .path = setup->socket_path,
		                       .remote = setup->remote,
		                       .name = setup->name,
		                       .is_read_only = setup->is_read_only,
		                       .from = setup->from,
		                       .reconnects = true,
		                       .handlers = { take_answer, take_event, console, true },
		                       .on_state = take_state };

	scene_start(&console->scene);
	console->scene.is_read_only = setup->is_read_only;
	view_start(&console->status, "status", SCENE_STATUS_EVERY_MS);
	view_start(&console->staged, "stage.list", STAGED_EVERY_MS);
	view_start(&console->plan, "plan", STAGED_EVERY_MS);
	lists_start(&console->lists);
	changes_start(&console->changes);
	changes_start(&console->agreed);
	imports_start(&console->imports);
	console->now = setup->now();
	console->client = client_new(&client);
	if (!console->client)
		return fail(reason, RESULT_NO_MEMORY, _("out of memory"));
	return choose_screen(console, reason);
}

static void stop(struct console *console)
{
	client_free(&console->client);
	changes_stop(&console->agreed);
	imports_stop(&console->imports);
	changes_stop(&console->changes);
	lists_stop(&console->lists);
	view_stop(&console->plan);
	view_stop(&console->staged);
	view_stop(&console->status);
	scene_stop(&console->scene);
}

enum result console_run(const struct console_setup *setup, struct reason *reason)
{
	struct console *console = mem_new(sizeof *console);
	struct reason notice = { "" };
	enum result result;
	int signals;

	if (!console)
		return fail(reason, RESULT_NO_MEMORY, _("out of memory"));
	console->setup = setup;
	result = start(console, reason);
	if (result == RESULT_OK)
		result = term_open(&setup->term, &console->term, &notice, reason);
	if (result == RESULT_OK) {
		signals = open_signals();
		if (notice.text[0])
			scene_say(&console->scene, GRID_WARN, "%s", notice.text);
		client_step(console->client, console->now, 0);
		loop(console, signals);
		term_close(&console->term);
		close(signals);
	}
	stop(console);
	mem_free(console);
	return result;
}
