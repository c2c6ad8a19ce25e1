/* Addresses: their texts, ranges that may not be dialled, prefixes. */
#include "daemon/io/address.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "tests/unit/guard.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static void reads_and_writes_texts(void **state)
{
	static const struct {
		const char *text;
		const char *written; /* NULL: refused */
	} rows[] = {
		{ "192.0.2.1", "192.0.2.1:5061" },
		{ "192.0.2.1:80", "192.0.2.1:80" },
		{ "192.0.2.1:65535", "192.0.2.1:65535" },
		{ "2001:db8::1", "[2001:db8::1]:5061" },
		{ "[2001:db8::1]", "[2001:db8::1]:5061" },
		{ "[2001:DB8:0::1]:1", "[2001:db8::1]:1" },
		{ "::", "[::]:5061" },
		{ "::ffff:192.0.2.1", "192.0.2.1:5061" },
		{ "[::ffff:192.0.2.1]:99", "192.0.2.1:99" },
		{ "", NULL },
		{ "192.0.2", NULL },
		{ "192.0.2.256", NULL },
		{ "192.0.2.1:", NULL },
		{ "192.0.2.1:0", NULL },
		{ "192.0.2.1:65536", NULL },
		{ "192.0.2.1:000080", NULL },
		{ "192.0.2.1:+80", NULL },
		{ "192.0.2.1 ", NULL },
		{ "010.0.0.1", NULL },
		{ "0x7f.1", NULL },
		{ "2130706433", NULL },
		{ "[192.0.2.1]:80", NULL },
		{ "[2001:db8::1", NULL },
		{ "[2001:db8::1]80", NULL },
		{ "[2001:db8::1]:", NULL },
		{ "[]:80", NULL },
		{ "fe80::1%eth0", NULL },
		{ "edge.example", NULL },
		{ ":5061", NULL },
		{ "1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb:cccc", NULL },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct guard guard = guard_copy(slice_of(rows[i].text));
		struct address address;
		struct reason reason = { "" };
		enum result result = address_read(guard.bytes, 5061, &address, &reason);
		char text[ADDRESS_TEXT_BYTES];

		printf("  \"%s\"\n", rows[i].text);
		if (rows[i].written) {
			assert_int_equal(result, RESULT_OK);
			assert_string_equal(address_text(&address, text), rows[i].written);
		} else {
			assert_int_equal(result, RESULT_INVALID);
			assert_true(reason.text[0]);
		}
		guard_free(&guard);
	}
}

static struct address read_ok(const char *text)
{
	struct address address;

	assert_int_equal(address_read(slice_of(text), 0, &address, NULL), RESULT_OK);
	return address;
}

/* The mapped form as the kernel gives it on a dual-stack socket: address_read would unwrap it. */
static struct address mapped(const char *v4)
{
	struct address address = read_ok("::1"), plain = read_ok(v4);

	memcpy(address.v6.sin6_addr.s6_addr, "\0\0\0\0\0\0\0\0\0\0\xff\xff", 12);
	memcpy(address.v6.sin6_addr.s6_addr + 12, &plain.v4.sin_addr, 4);
	return address;
}

static void knows_special_ranges(void **state)
{
	static const struct {
		const char *first, *last;   /* both special, as is all between */
		const char *before, *after; /* not special; NULL: not looked at */
	} rows[] = {
		{ "0.0.0.0", "0.255.255.255", NULL, "1.0.0.0" },
		{ "10.0.0.0", "10.255.255.255", "9.255.255.255", "11.0.0.0" },
		{ "100.64.0.0", "100.127.255.255", "100.63.255.255", "100.128.0.0" },
		{ "127.0.0.0", "127.255.255.255", "126.255.255.255", "128.0.0.0" },
		{ "169.254.0.0", "169.254.255.255", "169.253.255.255", "169.255.0.0" },
		{ "172.16.0.0", "172.31.255.255", "172.15.255.255", "172.32.0.0" },
		{ "192.0.0.0", "192.0.0.255", "191.255.255.255", "192.0.1.0" },
		{ "192.88.99.0", "192.88.99.255", "192.88.98.255", "192.88.100.0" },
		{ "192.168.0.0", "192.168.255.255", "192.167.255.255", "192.169.0.0" },
		{ "198.18.0.0", "198.19.255.255", "198.17.255.255", "198.20.0.0" },
		{ "224.0.0.0", "255.255.255.255", "223.255.255.255", NULL },
		{ "::", "::1", NULL, NULL },
		{ "::127.0.0.1", "::192.0.2.1", NULL, NULL }, /* v4-compatible, RFC 4291 §2.5.5.1 */
		{ "::ffff:127.0.0.1", "::ffff:10.0.0.1", NULL, "::ffff:192.0.2.1" },
		{ "64:ff9b::7f00:1", "64:ff9b::a00:1", NULL, "64:ff9b::c000:201" },
		{ "64:ff9b:1::", "64:ff9b:1:ffff::", NULL, NULL },
		{ "100::", "100::ffff", NULL, NULL },
		{ "2001::", "2001:1ff:ffff::", NULL, "2001:200::" },
		{ "2002:7f00:1::", "2002:c0a8:1::", NULL, "2002:c000:201::" },
		{ "4000::", "fbff:ffff::", "3fff:ffff::", NULL },
		{ "fc00::", "fdff:ffff::", NULL, NULL },
		{ "fe80::1", "febf:ffff::", NULL, NULL },
		{ "fec0::1", "feff::", NULL, NULL },
		{ "ff02::1", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", NULL, NULL },
	};
	static const char *const usual[] = { "192.0.2.1",   "198.51.100.1", "203.0.113.1",
		                             "2001:db8::1", "8.8.8.8",      "2606:4700::1111" };
	struct address unknown = { 0 };

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct address first = read_ok(rows[i].first), last = read_ok(rows[i].last);

		printf("  %s to %s\n", rows[i].first, rows[i].last);
		assert_true(address_is_special(&first));
		assert_true(address_is_special(&last));
		if (first.any.sa_family == AF_INET) {
			struct address wrapped = mapped(rows[i].first);

			assert_int_equal(wrapped.any.sa_family, AF_INET6);
			assert_true(address_is_special(&wrapped));
		}
		if (rows[i].before) {
			first = read_ok(rows[i].before);
			assert_false(address_is_special(&first));
		}
		if (rows[i].after) {
			last = read_ok(rows[i].after);
			assert_false(address_is_special(&last));
		}
	}
	for (size_t i = 0; i < COUNT(usual); i++) {
		struct address address = read_ok(usual[i]);

		assert_false(address_is_special(&address));
	}
	assert_true(address_is_special(&unknown));
}

static void compares_hosts_and_ports(void **state)
{
	struct address a = read_ok("192.0.2.1:5061"), b = read_ok("192.0.2.1:5062"), c = mapped("192.0.2.1"),
	               d = read_ok("2001:db8::1"), unknown = { 0 };
	char text[ADDRESS_TEXT_BYTES];

	(void)state;
	assert_true(address_same_host(&a, &b));
	assert_false(address_equal(&a, &b));
	b = address_with_port(&b, 5061);
	assert_true(address_equal(&a, &b));
	assert_true(address_same_host(&a, &c));
	assert_false(address_same_host(&a, &d));
	assert_false(address_same_host(&unknown, &unknown));
	assert_string_equal(address_host_text(&c, text), "192.0.2.1");
	assert_string_equal(address_host_text(&d, text), "2001:db8::1");
	assert_string_equal(address_host_text(&unknown, text), "unknown");
	assert_int_equal(address_port(&a), 5061);
	assert_int_equal(address_port(&unknown), 0);
}

static void reads_prefixes(void **state)
{
	static const struct {
		const char *prefix;
		const char *inside, *outside; /* NULL, NULL: refused */
	} rows[] = {
		{ "192.0.2.0/24", "192.0.2.255", "192.0.3.0" },
		{ "192.0.2.1", "192.0.2.1", "192.0.2.2" },
		{ "192.0.2.128/25", "192.0.2.129", "192.0.2.127" },
		{ "0.0.0.0/0", "255.1.2.3", "2001:db8::1" },
		{ "2001:db8::/32", "2001:db8:ffff::1", "2001:db9::" },
		{ "2001:db8::/33", "2001:db8:7fff::1", "2001:db8:8000::" },
		{ "::/0", "ff02::1", "192.0.2.1" },
		{ "::ffff:10.0.0.0/104", "10.255.0.1", "11.0.0.1" },
		{ "192.0.2.1/24", NULL, NULL },
		{ "192.0.2.0/33", NULL, NULL },
		{ "192.0.2.0/", NULL, NULL },
		{ "192.0.2.0/-1", NULL, NULL },
		{ "::ffff:10.0.0.0/95", NULL, NULL },
		{ "2001:db8::/129", NULL, NULL },
		{ "192.0.2.1:80/32", NULL, NULL },
		{ "/24", NULL, NULL },
		{ "", NULL, NULL },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct guard guard = guard_copy(slice_of(rows[i].prefix));
		struct address_prefix prefix;
		struct reason reason = { "" };
		enum result result = address_prefix_read(guard.bytes, &prefix, &reason);

		printf("  \"%s\"\n", rows[i].prefix);
		if (rows[i].inside) {
			struct address inside = read_ok(rows[i].inside), outside = read_ok(rows[i].outside);

			assert_int_equal(result, RESULT_OK);
			assert_true(address_in_prefix(&inside, &prefix));
			assert_false(address_in_prefix(&outside, &prefix));
		} else {
			assert_int_equal(result, RESULT_INVALID);
			assert_true(reason.text[0]);
		}
		guard_free(&guard);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_and_writes_texts),
		cmocka_unit_test(knows_special_ranges),
		cmocka_unit_test(compares_hosts_and_ports),
		cmocka_unit_test(reads_prefixes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
