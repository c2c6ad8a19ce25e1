/* Rows as text: aligned, tab-separated, and harmless whatever the daemon passed on. */
#include "tui/cli/print.h"

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tui/cli/help.h"
#include "tui/cli/render.h"
#include "tui/cli/transfer.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const struct print_style terminal = { .is_terminal = true, .has_headings = true, .is_utf8 = true };
static const struct print_style pipe_style = { .is_utf8 = true };

static const struct print_column columns[] = { { "NAME", "name", PRINT_TEXT },
	                                       { "N", "n", PRINT_NUMBER },
	                                       { "NOTE", "note", PRINT_TEXT },
	                                       { NULL, NULL, PRINT_TEXT } };

static void expect(struct buffer *out, const char *text)
{
	buffer_add_char(out, '\0');
	assert_string_equal(buffer_slice(out).ptr, text);
	buffer_clear(out);
}

static struct json *parse(const char *text)
{
	struct json *value;

	assert_int_equal(json_read(slice_of(text), &value, NULL), RESULT_OK);
	return value;
}

static void tables(void **state)
{
	struct json *rows = parse(
	        "[{\"name\":\"a\",\"n\":7,\"note\":\"x\"},{\"name\":\"\\u7db2\\u57df\",\"n\":1234},"
	        "{\"name\":\"e\\u0301e\",\"n\":null,\"note\":\"\"}]");
	struct buffer out;

	(void)state;
	buffer_start(&out, 4096);
	print_table(&out, &terminal, columns, rows);
	expect(&out, "NAME     N  NOTE\na        7  x\n\u7db2\u57df  1234  -\ne\u0301e       -  -\n");
	print_table(&out, &pipe_style, columns, rows);
	expect(&out, "a\t7\tx\n\u7db2\u57df\t1234\t-\ne\u0301e\t-\t-\n");
	json_free(&rows);
	buffer_stop(&out);
}

static void what_why_assumed_and_the_last_failure_stand_before_all_else(void **state)
{
	struct json *why = parse(
	        "{\"answer\":\"pass\",\"steps\":[],\"change\":\"\",\"assumed\":[\"DNS\",\"x\"],"
	        "\"last_error\":{\"time\":1785000000000,\"direction\":\"in\",\"by\":\"us\",\"text\":\"srv-in-"
	        "domain: no\"}}");
	struct buffer out;

	(void)state;
	buffer_start(&out, 4096);
	render_result(&out, &pipe_style, CONTROL_VERB_WHY, why);
	assert_true(slice_starts(buffer_slice(&out),
	                         SLICE("WOULD PASS, if DNS, and x\nlast failure with this partner: "
	                               "2026-07-25 17:20:00, in, by us: srv-in-domain: no\n\n")));
	json_free(&why);
	buffer_stop(&out);
}

/* Of a domain each setting once, by the name that one types; what is live in words, with units. */
static void members_are_words_on_a_terminal_and_names_elsewhere(void **state)
{
	struct json *domain = parse(
	        "{\"domain\":\"x.example\",\"rule\":\"block\",\"comment\":\"c\",\"proxy-fqdn\":\"\",\"rate\":"
	        "14.2,"
	        "\"last_error\":\"no\",\"later\":1,\"fields\":{\"domain\":\"x.example\",\"comment\":\"c\"},"
	        "\"last_error_in\":{\"time\":1785000000000,\"by\":\"us\",\"text\":\"no\",\"advice\":\"do\"},"
	        "\"last_error_out\":null,\"counts\":{\"in\":3}}");
	struct json *service = parse("{\"name\":\"access\",\"starts_again\":true,\"drain_ends\":null}");
	struct json *counts = parse("{\"up\":2}");
	struct buffer out;

	(void)state;
	buffer_start(&out, 4096);
	render_result(&out, &terminal, CONTROL_VERB_DOMAIN_SHOW, domain);
	expect(&out, "domain   x.example\ncomment  c\n\n"
	             "rule      block\nmessages  14.2 /s\nlater     1\n\n"
	             "messages in  3\n"
	             "last error of what came in: 2026-07-25 17:20:00, by us: no\nwhat to do: do\n");
	render_result(&out, &pipe_style, CONTROL_VERB_SERVICE_SHOW, service);
	expect(&out, "name\taccess\nstarts_again\ttrue\ndrain_ends\t-\n");
	render_result(&out, &terminal, CONTROL_VERB_SERVICE_SHOW, service);
	expect(&out, "name                       access\nstarts again when drained  yes\ndrain ends at       "
	             "       -\n");
	print_members_of(&out, &terminal, "domains", counts, "");
	expect(&out, "partners connected  2\n");
	print_members(&out, &terminal, counts, "");
	expect(&out, "up  2\n");
	json_free(&counts);
	json_free(&service);
	json_free(&domain);
	buffer_stop(&out);
}

static void hostile_text_cannot_leave_its_cell(void **state)
{
	static const struct {
		const char *json, *utf8, *ascii;
	} rows[] = {
		{ "\"a\\u001b[2Jb\"", "a\\x1b[2Jb", "a\\x1b[2Jb" },
		{ "\"a\\tb\\nc\"", "a\\x09b\\x0ac", "a\\x09b\\x0ac" },
		{ "\"\\u009b31m\"", "\\xc2\\x9b31m", "\\xc2\\x9b31m" },
		{ "\"\\u202eabc\"", "\\xe2\\x80\\xaeabc", "\\xe2\\x80\\xaeabc" },
		{ "\"\\u200b\"", "\\xe2\\x80\\x8b", "\\xe2\\x80\\x8b" },
		{ "\"caf\\u00e9\"", "caf\u00e9", "caf\\xc3\\xa9" },
		{ "[\"a\",\"b\\u0007\"]", "a b\\x07", "a b\\x07" },
		{ "{\"x\\u001b\":1}", "x\\x1b=1", "x\\x1b=1" },
		{ "{\"x\":[{\"y\":\"\\u001b\"}]}", "{\"x\":[{\"y\":\"\\u001B\"}]}",
		  "{\"x\":[{\"y\":\"\\u001B\"}]}" },
	};
	struct print_style ascii = { .is_terminal = true };
	struct buffer out;

	(void)state;
	buffer_start(&out, 4096);
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct json *value = parse(rows[i].json);

		print_value(&out, &terminal, value, PRINT_TEXT);
		expect(&out, rows[i].utf8);
		print_value(&out, &ascii, value, PRINT_TEXT);
		expect(&out, rows[i].ascii);
		json_free(&value);
	}
	buffer_stop(&out);
}

static void json_stays_the_same_value_and_is_harmless(void **state)
{
	struct json *value = parse(
	                    "{\"a\":\"\\u001b\\u009b\\u202e\\udb40\\udc01\\u7db2\\u007f\",\"n\":14.2}"),
	            *again;
	struct buffer out;

	(void)state;
	buffer_start(&out, 4096);
	print_json(&out, value);
	assert_int_equal(json_read(buffer_slice(&out), &again, NULL), RESULT_OK);
	assert_true(slice_equal(json_as_slice(json_get(value, "a")), json_as_slice(json_get(again, "a"))));
	expect(&out, "{\"a\":\"\\u001B\\u009B\\u202E\\uDB40\\uDC01\u7db2\\u007F\",\"n\":14.2}");
	json_free(&again);
	json_free(&value);
	buffer_stop(&out);
}

static void exit_codes_of_answers(void **state)
{
	static const struct {
		const char *behaviour;
		enum control_verb_id verb;
		const char *json;
		enum cli_exit exit;
	} rows[] = {
		{ "why_passes", CONTROL_VERB_WHY, "{\"answer\":\"pass\"}", CLI_EXIT_DONE },
		{ "why_refuses", CONTROL_VERB_WHY, "{\"answer\":\"refuse\"}", CLI_EXIT_NO },
		{ "why_says_nothing", CONTROL_VERB_WHY, "{}", CLI_EXIT_NO },
		{ "check_finds_nothing", CONTROL_VERB_CONFIG_CHECK, "{\"problems\":[]}", CLI_EXIT_DONE },
		{ "check_finds_something", CONTROL_VERB_CONFIG_CHECK, "{\"problems\":[{}]}", CLI_EXIT_NO },
		{ "applied", CONTROL_VERB_DOMAIN_ALLOW, "{\"applied\":true,\"changes\":[{}]}",
		  CLI_EXIT_DONE },
		{ "not_applied", CONTROL_VERB_DOMAIN_ALLOW, "{\"applied\":false,\"changes\":[{}]}",
		  CLI_EXIT_PARTIAL },
		{ "nothing_to_apply", CONTROL_VERB_DOMAIN_ALLOW, "{\"applied\":false,\"changes\":[]}",
		  CLI_EXIT_DONE },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct json *result = parse(rows[i].json);

		assert_int_equal(render_exit(rows[i].verb, result), rows[i].exit);
		json_free(&result);
	}
	assert_int_equal(render_error_exit(CONTROL_UNAVAILABLE), 3);
	assert_int_equal(render_error_exit(CONTROL_DENIED), 4);
	assert_int_equal(render_error_exit(CONTROL_CONFLICT), 5);
	assert_int_equal(render_error_exit(CONTROL_INVALID), 6);
	assert_int_equal(render_error_exit(CONTROL_TIMEOUT), 7);
	assert_int_equal(render_error_exit(CONTROL_INTERNAL), 70);
	assert_int_equal(render_error_exit(CONTROL_UNKNOWN_VERB), 2);
}

/* A daemon of another version, or a broken one: whatever it answers is shown, nothing crashes. */
static void every_verb_renders_whatever_it_is_given(void **state)
{
	static const char *const results[] = {
		"{}",
		"[]",
		"null",
		"3",
		"\"x\"",
		"{\"rows\":3}",
		"{\"rows\":[1,null,\"x\",{}]}",
		"{\"services\":[{}],\"traffic\":[]}",
		"{\"steps\":[{\"number\":\"x\"}],\"answer\":7,\"assumed\":[[]]}",
		"{\"changes\":[{\"what\":1}]}",
		"{\"kinds\":[{\"fields\":{}}]}",
		"{\"events\":[{\"event\":\"service-stopped\"},{\"event\":\"new\"},4]}",
		"{\"objects\":[{\"fields\":[1]}]}",
		"{\"problems\":[{}]}",
	};
	struct buffer out;

	(void)state;
	buffer_start(&out, 1 << 20);
	for (int verb = 0; verb < CONTROL_VERB_COUNT; verb++) {
		for (size_t i = 0; i < COUNT(results); i++) {
			struct json *result = parse(results[i]);

			buffer_clear(&out);
			render_result(&out, &terminal, (enum control_verb_id)verb, result);
			render_result(&out, &pipe_style, (enum control_verb_id)verb, result);
			assert_false(out.is_broken);
			json_free(&result);
		}
	}
	buffer_stop(&out);
}

static void an_event_is_one_line(void **state)
{
	struct json *event = parse("{\"event\":\"service-stopped\",\"time\":1767268800000,\"service\":"
	                           "\"access\",\"why\":\"no\\ncertificate\"}");
	struct buffer out;

	(void)state;
	buffer_start(&out, 4096);
	render_event(&out, &terminal, event);
	expect(&out, "2026-01-01 12:00:00 warning access is stopped: no\\x0acertificate\n");
	render_event(&out, &pipe_style, event);
	expect(&out, "2026-01-01 12:00:00\twarning\taccess is stopped: no\\x0acertificate\n");
	json_free(&event);
	buffer_stop(&out);
}

static void every_row_has_its_help(void **state)
{
	struct buffer out;

	(void)state;
	buffer_start(&out, 1 << 20);
	for (int i = 0; i < CONTROL_VERB_COUNT; i++) {
		const struct control_verb *verb = control_verb((enum control_verb_id)i);

		if (i == CONTROL_VERB_HELLO)
			continue;
		buffer_clear(&out);
		assert_int_equal(help_write(&out, &terminal, verb->noun[0] ? verb->noun : verb->verb,
		                            verb->noun[0] ? verb->verb : NULL),
		                 RESULT_OK);
		assert_true(buffer_length(&out) > 0);
	}
	assert_int_equal(help_write(&out, &terminal, "nothing", NULL), RESULT_NOT_FOUND);
	assert_int_equal(help_write(&out, &terminal, "domain", "fly"), RESULT_NOT_FOUND);
	buffer_stop(&out);
}

static void a_piece_fits_a_line_and_splits_no_character(void **state)
{
	static const char *const units[] = { "a", "\t", "\"", "\n", "\u7db2", "a\u00e9" };
	struct buffer text, line;

	(void)state;
	buffer_start(&text, 1 << 20);
	buffer_start(&line, CONTROL_LINE_MAX);
	for (size_t i = 0; i < COUNT(units); i++) {
		struct slice rest;

		buffer_clear(&text);
		while (buffer_length(&text) < 100000)
			buffer_add(&text, slice_of(units[i]));
		rest = buffer_slice(&text);
		while (rest.len) {
			size_t piece = transfer_piece(rest);
			struct json_writer w = json_write(&line);

			assert_true(piece > 0 && piece <= CONTROL_PIECE_MAX);
			assert_true(piece == rest.len || (rest.ptr[piece] & 0xc0) != 0x80);
			buffer_clear(&line);
			json_put_slice(&w, NULL, slice_first(rest, piece));
			assert_true(!line.is_broken && buffer_length(&line) < CONTROL_LINE_MAX - 512);
			rest = slice_after(rest, piece);
		}
	}
	buffer_stop(&line);
	buffer_stop(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tables),
		cmocka_unit_test(what_why_assumed_and_the_last_failure_stand_before_all_else),
		cmocka_unit_test(members_are_words_on_a_terminal_and_names_elsewhere),
		cmocka_unit_test(hostile_text_cannot_leave_its_cell),
		cmocka_unit_test(json_stays_the_same_value_and_is_harmless),
		cmocka_unit_test(exit_codes_of_answers),
		cmocka_unit_test(every_verb_renders_whatever_it_is_given),
		cmocka_unit_test(an_event_is_one_line),
		cmocka_unit_test(every_row_has_its_help),
		cmocka_unit_test(a_piece_fits_a_line_and_splits_no_character),
	};

	setlocale(LC_ALL, "C.UTF-8");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
