/* Every theme must be readable without its colours, and where they are seen, to be told apart from the paper. */
#include "tui/term/theme.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* Relative luminance of a fixed colour of the 256 (WCAG 2.1); 0 to 15 are the user's own. */
static double luminance(int colour)
{
	static const int steps[] = { 0, 95, 135, 175, 215, 255 };
	int rgb[3] = { 8 + (colour - 232) * 10, 8 + (colour - 232) * 10, 8 + (colour - 232) * 10 };
	double part[3];

	if (colour < 232) {
		rgb[0] = steps[(colour - 16) / 36];
		rgb[1] = steps[(colour - 16) / 6 % 6];
		rgb[2] = steps[(colour - 16) % 6];
	}
	for (int i = 0; i < 3; i++) {
		double c = rgb[i] / 255.0;

		part[i] = c <= 0.03928 ? c / 12.92 : pow((c + 0.055) / 1.055, 2.4);
	}
	return 0.2126 * part[0] + 0.7152 * part[1] + 0.0722 * part[2];
}

static double contrast(double a, double b)
{
	return a > b ? (a + 0.05) / (b + 0.05) : (b + 0.05) / (a + 0.05);
}

static void roles_differ_by_more_than_colour(void **state)
{
	static const enum grid_role told[] = { GRID_NORMAL, GRID_WARN, GRID_BAD, GRID_FOCUS };

	(void)state;
	for (int theme = 0; theme < THEME_COUNT; theme++)
		for (int a = 0; a < 4; a++)
			for (int b = a + 1; b < 4; b++)
				if (theme_look((enum theme)theme, told[a])->marks ==
				    theme_look((enum theme)theme, told[b])->marks)
					fail_msg("theme %s: roles %d and %d differ by colour alone",
					         theme_name((enum theme)theme), told[a], told[b]);
}

static void mono_has_no_colour(void **state)
{
	(void)state;
	for (int role = 0; role < GRID_ROLES; role++)
		for (int depth = 0; depth < THEME_DEPTHS; depth++) {
			assert_int_equal(theme_look(THEME_MONO, (enum grid_role)role)->ink[depth], -1);
			assert_int_equal(theme_look(THEME_MONO, (enum grid_role)role)->paper[depth], -1);
		}
}

static void colours_fit_the_terminal_and_the_eye(void **state)
{
	static const int most[THEME_DEPTHS] = { 256, 16, 8 };

	(void)state;
	for (int theme = 0; theme < THEME_COUNT; theme++)
		for (int role = 0; role < GRID_ROLES; role++) {
			const struct theme_look *look = theme_look((enum theme)theme, (enum grid_role)role);
			int ink = look->ink[THEME_256], paper = look->paper[THEME_256];

			for (int depth = 0; depth < THEME_DEPTHS; depth++) {
				assert_in_range(look->ink[depth] + 1, 0, most[depth]);
				assert_in_range(look->paper[depth] + 1, 0, most[depth]);
				assert_int_not_equal(look->ink[depth], 4); /* plain blue */
				/* A paper of ours needs an ink of ours: the terminal's own may be the same. */
				assert_true(look->paper[depth] < 0 || look->ink[depth] >= 0);
			}
			if (ink >= 16 && paper >= 16) {
				assert_true(contrast(luminance(ink), luminance(paper)) >= 7);
			} else if (ink >= 16) { /* on a black terminal and on a white one */
				assert_true(contrast(luminance(ink), 0) >= 3);
				assert_true(contrast(luminance(ink), 1) >= 3);
			}
		}
}

static void names_and_depths(void **state)
{
	static const struct {
		int count;
		enum theme_depth depth;
	} depths[] = { { 8, THEME_8 },    { 15, THEME_8 },    { 16, THEME_16 },      { 88, THEME_16 },
		       { 255, THEME_16 }, { 256, THEME_256 }, { 1 << 24, THEME_256 } };
	static const struct {
		const char *terminal;
		bool draws;
	} terminals[] = { { "xterm-256color", true }, { "tmux-256color", true }, { "screen", true },
		          { "vt100", false },         { "linux", false },        { "", false },
		          { "sun", false },           { "cygwin", false } };

	(void)state;
	for (int theme = 0; theme < THEME_COUNT; theme++)
		assert_int_equal(theme_named(slice_of(theme_name((enum theme)theme))), theme);
	assert_int_equal(theme_named(SLICE("")), THEME_COUNT);
	assert_int_equal(theme_named(SLICE("Mono")), THEME_COUNT);
	for (size_t i = 0; i < sizeof depths / sizeof *depths; i++)
		assert_int_equal(theme_depth(depths[i].count), depths[i].depth);
	for (size_t i = 0; i < sizeof terminals / sizeof *terminals; i++)
		assert_int_equal(theme_draws_lines(slice_of(terminals[i].terminal)), terminals[i].draws);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(roles_differ_by_more_than_colour),
		cmocka_unit_test(mono_has_no_colour),
		cmocka_unit_test(colours_fit_the_terminal_and_the_eye),
		cmocka_unit_test(names_and_depths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
