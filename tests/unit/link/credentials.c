/* credentials: what the payload of a CREDENTIALS frame may say; what it leads to is in test_own_certificates.py. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <string.h>
#include <unistd.h>
#include <sys/mman.h>

#include "daemon/link/credentials.h"
#include "shared/base/buffer.h"

#include <cmocka.h>

static const struct {
	const char *behaviour, *payload;
	bool is_taken;
	size_t total, more;
} rows[] = {
	{ "takes_four_parts", "{\"use\":\"xmpp\",\"chain\":1,\"key\":2,\"trust\":3,\"crls\":4}", true, 10,
	  0 },
	{ "takes_a_further_certificate",
	  "{\"use\":\"external\",\"chain\":1,\"key\":2,\"trust\":0,\"crls\":0,\"more\":[{\"name\":\"a\","
	  "\"chain\":5,\"key\":6}]}",
	  true, 14, 1 },
	{ "takes_the_longest_part", "{\"use\":\"x\",\"chain\":1048576}", true, 1048576, 0 },
	{ "refuses_a_longer_one", "{\"use\":\"x\",\"chain\":1048577}", false, 0, 0 },
	{ "refuses_a_negative_one", "{\"use\":\"x\",\"key\":-1}", false, 0, 0 },
	{ "refuses_a_longer_one_of_a_further_certificate",
	  "{\"use\":\"x\",\"more\":[{\"chain\":1,\"key\":1048577}]}", false, 0, 0 },
	{ "refuses_too_long_a_use", "{\"use\":\"0123456789abcdef\"}", false, 0, 0 },
	{ "refuses_what_is_no_json", "{\"use\":", false, 0, 0 },
};

static void reads_payloads(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct link_credentials read;
		struct reason reason = { "" };
		bool is_taken = link_credentials_read(slice_of(rows[i].payload), &read, &reason) == RESULT_OK;

		if (is_taken != rows[i].is_taken)
			fail_msg("%s: %s", rows[i].behaviour, reason.text);
		if (!is_taken) {
			assert_true(reason.text[0]);
			continue;
		}
		assert_int_equal(read.total, rows[i].total);
		assert_int_equal(read.more_count, rows[i].more);
		link_credentials_drop(&read);
	}
}

/* n, and n + 1. */
static void takes_sixteen_further_certificates_and_no_more(void **state)
{
	(void)state;
	for (int count = LINK_CREDENTIALS_MORE_MAX; count <= LINK_CREDENTIALS_MORE_MAX + 1; count++) {
		struct link_credentials read;
		struct reason reason = { "" };
		struct buffer text;

		buffer_start(&text, 4096);
		buffer_add(&text, SLICE("{\"use\":\"x\",\"more\":[{}"));
		for (int i = 1; i < count; i++)
			buffer_add(&text, SLICE(",{}"));
		buffer_add(&text, SLICE("]}"));
		if (link_credentials_read(buffer_slice(&text), &read, &reason) == RESULT_OK) {
			assert_int_equal(count, LINK_CREDENTIALS_MORE_MAX);
			link_credentials_drop(&read);
		} else {
			assert_int_equal(count, LINK_CREDENTIALS_MORE_MAX + 1);
		}
		buffer_stop(&text);
	}
}

static void never_called(void *owner, const char *why)
{
	(void)owner;
	fail_msg("%s", why);
}

/* What was announced is what there is, to the byte. */
static void refuses_bytes_of_another_length(void **state)
{
	struct link_credentials read;
	struct tls_credentials *out = NULL;
	struct reason reason = { "" };

	(void)state;
	assert_int_equal(
	        link_credentials_read(SLICE("{\"use\":\"x\",\"chain\":4,\"key\":4}"), &read, &reason),
	        RESULT_OK);
	for (int length = 0; length <= 9; length++) {
		int fd = memfd_create("credentials", MFD_CLOEXEC);

		assert_int_equal(ftruncate(fd, length), 0);
		reason.text[0] = '\0';
		assert_int_equal(
		        link_credentials_open(fd, &read, TLS_XMPP, never_called, NULL, &out, &reason),
		        RESULT_INVALID);
		assert_true(reason.text[0]);
		assert_true((strstr(reason.text, "another length") != NULL) == (length != 8));
		close(fd);
	}
	link_credentials_drop(&read);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_payloads),
		cmocka_unit_test(takes_sixteen_further_certificates_and_no_more),
		cmocka_unit_test(refuses_bytes_of_another_length),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
