/*
 * pictures: screens as cells, compared with tests/golden/NAME.txt: characters, then the
 * cursor, then roles.  UPDATE=1 writes the files anew; look at what changed.  Those of at most 80 columns are
 * drawn in Traditional Chinese, too, and compared with tests/golden/zh_TW/NAME.txt.
 *
 * A test program tells how each of its scenes is made; pictures_main draws and compares them.
 */
#ifndef TESTS_UNIT_SCREENS_PICTURES_H
#define TESTS_UNIT_SCREENS_PICTURES_H

#include "tui/screens/parts.h"

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "shared/base/memory.h"
#include "tui/client/said.h"
#include "tui/client/words.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

enum { FILE_MAX = 1 << 20 };
static const struct instant now = { .mono_ms = 1000000, .wall_ms = 1767276120000 }; /* 2026-01-01 14:02 UTC */

/* ---- files ---- */

static inline bool read_file(const char *name, struct buffer *out)
{
	char path[256];
	FILE *file;
	char *at;
	size_t got;

	snprintf(path, sizeof path, "tests/golden/%s", name);
	file = fopen(path, "rb");
	if (!file)
		return false;
	while ((at = buffer_reserve(out, 4096)) && (got = fread(at, 1, 4096, file)) > 0)
		buffer_grew(out, got);
	fclose(file);
	return true;
}

static inline struct json *read_json(const char *name)
{
	struct buffer text, said;
	struct json *value;
	struct reason reason;

	buffer_start(&text, FILE_MAX);
	buffer_start(&said, FILE_MAX);
	if (!read_file(name, &text))
		fail_msg("tests/golden/%s cannot be read; tests run from the top of the tree", name);
	assert_true(said_line(buffer_slice(&text), &said)); /* as where a line of the daemon arrives */
	if (json_read(buffer_slice(words_are_translated() ? &said : &text), &value, &reason) != RESULT_OK)
		fail_msg("%s: %s", name, reason.text);
	buffer_stop(&said);
	buffer_stop(&text);
	return value;
}

static inline void compare(const char *name, struct slice drawn)
{
	char file_name[128];
	struct buffer wanted;

	assert_true((size_t)snprintf(file_name, sizeof file_name, "%s.txt", name) < sizeof file_name);
	if (getenv("UPDATE")) {
		char path[sizeof "tests/golden/" + sizeof file_name];
		FILE *file;

		snprintf(path, sizeof path, "tests/golden/%s", file_name);
		file = fopen(path, "wb");
		assert_non_null(file);
		assert_int_equal(fwrite(drawn.ptr, 1, drawn.len, file), drawn.len);
		fclose(file);
		return;
	}
	buffer_start(&wanted, FILE_MAX);
	if (!read_file(file_name, &wanted))
		fail_msg("tests/golden/%s is missing; UPDATE=1 writes it", file_name);
	if (!slice_equal(buffer_slice(&wanted), drawn))
		fail_msg("tests/golden/%s differs; drawn was:\n%.*s", file_name, SLICE_ARG(drawn));
	buffer_stop(&wanted);
}

/* ---- scenes ---- */

struct stage {
	struct scene scene;
	struct json *hello, *status, *plan;
};

static inline struct stage *open_stage(const char *hello, const char *status, const char *domains)
{
	struct stage *stage = mem_new(sizeof *stage);
	struct json *page;

	assert_non_null(stage);
	scene_start(&stage->scene);
	stage->scene.now = now;
	stage->scene.link = CLIENT_UP;
	if (hello)
		stage->scene.hello = stage->hello = read_json(hello);
	if (status)
		stage->scene.status = stage->status = read_json(status);
	stage->scene.status_heard_ms = now.mono_ms - 500;
	if (domains) {
		struct listing *list = &stage->scene.listings[SCREEN_DOMAINS];

		page = read_json(domains);
		assert_int_equal(listing_add_page(list, page, page), RESULT_OK);
		list->heard_ms = now.mono_ms - 500;
		listing_arrange(list, "");
	}
	return stage;
}

static inline void close_stage(struct stage *stage)
{
	scene_stop(&stage->scene);
	json_free(&stage->hello);
	json_free(&stage->status);
	json_free(&stage->plan);
	mem_free(stage);
}

static inline struct stage *overview(void) { return open_stage("hello.json", "status.json", "domains.json"); }

static inline struct stage *listed(enum screen screen, const char *file)
{
	struct stage *stage = overview();
	struct listing *list = &stage->scene.listings[screen];
	struct json *page = read_json(file);

	stage->scene.screen = screen;
	assert_int_equal(listing_add_page(list, page, page), RESULT_OK);
	list->heard_ms = now.mono_ms - 500;
	listing_arrange(list, "");
	return stage;
}

static inline struct stage *form_of(enum model_kind_id kind, const char *key, const char *file)
{
	struct stage *stage = overview();
	struct editing *editing = &stage->scene.editing;
	struct json *told;

	scene_open(&stage->scene, kind == MODEL_ACCESS_EDGE ? SCREEN_ACCESS_EDGE : SCREEN_FORM);
	editing_start(editing, model_kind(kind), slice_of(key), file == NULL);
	if (!file)
		return stage;
	told = read_json(file);
	editing_fill(editing, told);
	json_free(&told);
	return stage;
}

static inline void type_into(struct stage *stage, const char *field, const char *value)
{
	struct editing *editing = &stage->scene.editing;

	editing->form.at = editing_field(editing, field);
	assert_true(editing->form.at < editing->form.count);
	editor_set(&editing->form.fields[editing->form.at].value, slice_of(value));
	editing_check(editing);
}

/* The console around the stage's scene, for what asks questions. */
static inline void ask(struct stage *stage, void (*question)(struct console *console))
{
	struct console *console = mem_new(sizeof *console);

	assert_non_null(console);
	changes_start(&console->agreed);
	console->scene = stage->scene;
	question(console);
	stage->scene = console->scene;
	changes_stop(&console->agreed);
	mem_free(console);
}

/* A refusal as it words one. */
#define NO_STREAM "no stream could be authenticated: neither SASL nor dialback is on"
#define CURE      "sasl-negotiation=required or optional, or support-dialback-negotiation=true"

/* The daemon's answer to the dry run of what is asked about. */
static inline void answer_trial(struct console *console, enum control_code code, const char *message,
                                const char *json)
{
	struct json *said = NULL;
	struct control_answer answer = { .code = code, .message = slice_of(message) };

	assert_int_equal(json_read(slice_of(json), &said, NULL), RESULT_OK);
	answer.problems = code == CONTROL_OK ? NULL : said;
	answer.result = code == CONTROL_OK ? said : NULL;
	console->trial_id = 7;
	assert_true(trial_take(console, 7, &answer));
	json_free(&said);
}

struct picture {
	const char *name;
	struct stage *(*open)(void);
	int width, height;
	bool is_utf8, has_frames;
};

/* What pictures_main was given: cmocka's cases take no argument that is not a state. */
struct pictures {
	const struct picture *at;
	size_t count;
	const char *language; /* "": English */
};

enum { TRANSLATED_WIDTH_MAX = 80 };

static inline bool is_to_be_drawn(const struct pictures *pictures, size_t i)
{
	return !pictures->language[0] || pictures->at[i].width <= TRANSLATED_WIDTH_MAX;
}

static inline int speak(void **state)
{
	const struct pictures *pictures = *state;

	setenv("LANGUAGE", pictures->language, 1);
	setlocale(LC_ALL, "C.UTF-8");
	words_bind("build/share/locale");
	return words_are_translated() == (pictures->language[0] != '\0') ? 0 : -1;
}

/* The hardware cursor is what a braille display follows. */
static inline void check_cursor(const struct stage *stage, const struct grid *grid)
{
	const struct scene *scene = &stage->scene;
	uint32_t at = grid->cells[(size_t)grid->cursor_y * (size_t)grid->width + (size_t)grid->cursor_x].c;
	bool has_rows = scene->screen == SCREEN_OVERVIEW
	                        ? scene_attention_count(scene) > 0
	                        : scene_listing(scene) && scene_listing(scene)->shown > 0;

	if (has_rows && !scene->is_bare && !scene->dialog.is_open && scene->prompt == PROMPT_NONE &&
	    grid->height >= SCENE_HEIGHT_MIN)
		assert_int_equal(at, '>');
}

static inline void screens_look_as_kept(void **state)
{
	const struct pictures *pictures = *state;

	for (size_t i = 0; i < pictures->count; i++) {
		bool is_translated = pictures->language[0] != '\0';
		struct grid_looks looks = { pictures->at[i].is_utf8 || is_translated,
			                    pictures->at[i].has_frames };
		struct stage *stage;
		struct grid grid;
		struct buffer out;
		char name[128];

		if (!is_to_be_drawn(pictures, i))
			continue;
		stage = pictures->at[i].open();
		snprintf(name, sizeof name, "%s%s%s", pictures->language, is_translated ? "/" : "",
		         pictures->at[i].name);
		print_message("  %s\n", name);
		assert_true(grid_start(&grid, pictures->at[i].width, pictures->at[i].height, looks));
		scene_draw(&stage->scene, &grid);
		check_cursor(stage, &grid);
		buffer_start(&out, FILE_MAX);
		grid_dump(&grid, &out);
		buffer_printf(&out, "---- cursor %d %d\n", grid.cursor_x, grid.cursor_y);
		grid_dump_roles(&grid, &out);
		compare(name, buffer_slice(&out));
		buffer_stop(&out);
		grid_stop(&grid);
		close_stage(stage);
	}
}

/* No byte of any drawn character is a control, whatever the daemon sent; every size is survived. */
static inline void every_size_is_drawn_without_control_characters(void **state)
{
	const struct pictures *pictures = *state;

	for (size_t i = 0; i < pictures->count; i++) {
		for (int width = 1; width <= 140; width += 9) {
			for (int height = 1; height <= 50; height += 7) {
				struct stage *stage = pictures->at[i].open();
				struct grid grid;

				assert_true(
				        grid_start(&grid, width, height,
				                   (struct grid_looks){ pictures->at[i].is_utf8, false }));
				scene_draw(&stage->scene, &grid);
				for (int c = 0; c < width * height; c++) {
					uint32_t shown = grid.cells[c].c;

					assert_true(shown == 0 || (shown >= 0x20 && shown != 0x7f &&
					                           (shown < 0x80 || shown >= 0xa0)));
					assert_true(pictures->at[i].is_utf8 || shown < 0x80);
					assert_true(shown || (c % width > 0 && grid.cells[c - 1].width == 2));
				}
				grid_stop(&grid);
				close_stage(stage);
			}
		}
	}
}

/* Something counts down on it: seconds are shown, and seconds pass. */
static inline bool counts_down(const struct scene *scene)
{
	return scene_number(scene->status, "confirm_version") || scene->screen == SCREEN_SERVICES;
}

/* Drawing twice gives the same cells: nothing would be sent. */
static inline void drawing_again_changes_nothing(void **state)
{
	const struct pictures *pictures = *state;

	for (size_t i = 0; i < pictures->count; i++) {
		struct stage *stage = pictures->at[i].open();
		struct grid first, second;
		struct grid_looks looks = { pictures->at[i].is_utf8, pictures->at[i].has_frames };

		assert_true(grid_start(&first, pictures->at[i].width, pictures->at[i].height, looks));
		assert_true(grid_start(&second, pictures->at[i].width, pictures->at[i].height, looks));
		scene_draw(&stage->scene, &first);
		stage->scene.now.mono_ms += 900; /* less than a second, less than a minute */
		stage->scene.now.wall_ms += 900;
		if (stage->scene.link == CLIENT_UP && !stage->scene.saving[0] &&
		    stage->scene.waiting_since_ms < 0 && !counts_down(&stage->scene)) {
			scene_draw(&stage->scene, &second);
			assert_memory_equal(first.cells, second.cells,
			                    (size_t)first.width * (size_t)first.height * sizeof *first.cells);
		}
		grid_stop(&first);
		grid_stop(&second);
		close_stage(stage);
	}
}

static inline int pictures_main(const struct picture *at, size_t count)
{
	struct pictures english = { at, count, "" }, chinese = { at, count, "zh_TW" };
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_prestate_setup_teardown(screens_look_as_kept, speak, NULL, &chinese),
		cmocka_unit_test_prestate_setup_teardown(screens_look_as_kept, speak, NULL, &english),
		cmocka_unit_test_prestate(every_size_is_drawn_without_control_characters, &english),
		cmocka_unit_test_prestate(drawing_again_changes_nothing, &english),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#endif
