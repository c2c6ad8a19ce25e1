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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_hosts_and_no_options),
		cmocka_unit_test(what_the_far_shell_reads_is_quoted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
