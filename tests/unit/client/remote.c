/* What is given to ssh, what its far end's shell reads, and what may come back before the far end's line. */
#include "shared/base/buffer.h"
#include "tui/client/remote.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

static void takes_hosts_and_no_options(void **state)
{
	static const struct {
		const char *host;
		bool is_taken;
	} rows[] = {
		{ "edge1", true },
		{ "edge1.contoso.example", true },
		{ "alice@edge1.contoso.example", true },
		{ "ssh://alice@edge1.contoso.example:2222", true },
		{ "ssh://[2001:db8::1]:2222", true },
		{ "192.0.2.1", true },
		{ "fe80::1%eth0", true },
		{ "", false },
		{ "ssh://", false },
		{ "-oProxyCommand=x", false },
		{ "-l", false },
		{ "ssh://-oProxyCommand", false },
		{ "root@-oProxyCommand", false },
		{ "@edge1", false },
		{ "root@", false },
		{ "edge1 status", false },
		{ "edge1;x", false },
		{ "edge1$(x)", false },
		{ "edge1`x`", false },
		{ "edge1|x", false },
		{ "edge1'x", false },
		{ "edge1\"x", false },
		{ "edge1\nx", false },
		{ "edge1/x", false },
		{ "edge1\\x", false },
		{ "\xc3\xa9"
		  "dge1",
		  false },
	};
	char longest[REMOTE_HOST_MAX + 2];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct reason reason = { "" };
		bool is_taken = remote_check_host(slice_of(rows[i].host), &reason) == RESULT_OK;

		if (is_taken != rows[i].is_taken)
			fail_msg("\"%s\": %s", rows[i].host, reason.text);
		assert_int_equal(reason.text[0] == '\0', is_taken);
	}
	memset(longest, 'a', sizeof longest);
	assert_int_equal(remote_check_host((struct slice){ longest, REMOTE_HOST_MAX }, NULL), RESULT_OK);
	assert_int_equal(remote_check_host((struct slice){ longest, REMOTE_HOST_MAX + 1 }, NULL),
	                 RESULT_INVALID);
}

static void what_the_far_shell_reads_is_quoted(void **state)
{
	static const struct {
		const char *socket, *root, *command; /* NULL: refused */
	} rows[] = {
		{ NULL, NULL, "exec parley --stdio" },
		{ "/run/x.sock", NULL, "exec parley --stdio --socket '/run/x.sock'" },
		{ NULL, "/a b", "exec parley --stdio --root '/a b'" },
		{ "$(x)`y`;z|\"\\", NULL, "exec parley --stdio --socket '$(x)`y`;z|\"\\'" },
		{ "it's", "'", "exec parley --stdio --socket 'it'\\''s' --root ''\\'''" },
		{ "a\nb", NULL, NULL },
		{ NULL, "a\x1b[2Jb", NULL },
		{ NULL, "a\x7f", NULL },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct remote_setup setup = { .host = "h",
			                            .socket = rows[i].socket,
			                            .root = rows[i].root };
		struct buffer out;
		enum result result;

		buffer_start(&out, 4096);
		result = remote_command(&setup, &out, NULL);
		assert_int_equal(result == RESULT_OK, rows[i].command != NULL);
		buffer_add_char(&out, '\0');
		if (rows[i].command)
			assert_string_equal(buffer_slice(&out).ptr, rows[i].command);
		buffer_stop(&out);
	}
}

static void the_far_ends_line_is_told_from_all_else(void **state)
{
	static const struct {
		const char *came;
		enum remote_word word;
		const char *about, *left;
	} rows[] = {
		{ "", REMOTE_NOTHING, "", "" },
		{ "Welcome!\nparley-stdio 1 o", REMOTE_NOTHING, "", "parley-stdio 1 o" },
		{ "parley-stdio 1 ok 192.0.2.9 50122 192.0.2.1 22\n", REMOTE_OK,
		  "192.0.2.9 50122 192.0.2.1 22", "" },
		{ "parley-stdio 1 ok \nmore", REMOTE_OK, "", "more" },
		{ "motd\n\nparley-stdio 1 denied /run/x\n", REMOTE_DENIED, "/run/x", "" },
		{ "parley-stdio 1 absent /run/x\r\n", REMOTE_ABSENT, "/run/x", "" },
		{ "parley-stdio 1 failed /a b\n", REMOTE_FAILED, "/a b", "" },
		{ "parley-stdio 1 \n", REMOTE_FAILED, "", "" },
		{ "parley-stdio 2 ok\n", REMOTE_STRANGE, "", "" },
		{ "parley-stdio 1 denied \x1b[2J\n", REMOTE_DENIED, "\\x1b[2J", "" },
		{ "parley is a fine word\nxparley-stdio 1 ok\n", REMOTE_NOTHING, "", "" },
	};
	char about[REMOTE_ABOUT_BYTES];
	struct buffer in;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		buffer_start(&in, 4096);
		buffer_add(&in, slice_of(rows[i].came));
		if (remote_read(&in, about) != rows[i].word)
			fail_msg("\"%s\"", rows[i].came);
		assert_string_equal(about, rows[i].about);
		assert_true(slice_equal(buffer_slice(&in), slice_of(rows[i].left)));
		buffer_stop(&in);
	}
	buffer_start(&in, 2 * REMOTE_GREETING_MAX);
	while (buffer_length(&in) <= REMOTE_GREETING_MAX)
		buffer_add_char(&in, 'x');
	assert_int_equal(remote_read(&in, about), REMOTE_TALKS);
	buffer_stop(&in);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_hosts_and_no_options),
		cmocka_unit_test(what_the_far_shell_reads_is_quoted),
		cmocka_unit_test(the_far_ends_line_is_told_from_all_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
