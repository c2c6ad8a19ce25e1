#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/keeper/audit.h"
#include "shared/base/memory.h"

#include <cmocka.h> /* last: its fail() would rewrite ours */

#define COUNT(array) (sizeof(array) / sizeof *(array))

enum { PATH_BYTES = 256, TEXT_MAX = 1024 * 1024, NOON = 1000 };

static char folder[64];

static int make_folder(void **state)
{
	(void)state;
	snprintf(folder, sizeof folder, "/tmp/parley-audit-XXXXXX");
	return mkdtemp(folder) ? 0 : -1;
}

static void remove_files(void)
{
	int fd = open(folder, O_RDONLY | O_DIRECTORY);
	struct audit_file files[64];
	size_t count = audit_files(fd, files, COUNT(files));

	for (size_t i = 0; i < count; i++)
		unlinkat(fd, files[i].name, 0);
	unlinkat(fd, "audit.head", 0);
	unlinkat(fd, "audit.log.new", 0);
	close(fd);
}

static int remove_folder(void **state)
{
	(void)state;
	remove_files();
	return rmdir(folder);
}

static void open_it(struct audit *audit)
{
	struct reason reason = { "" };

	if (audit_open(audit, folder, &reason) != RESULT_OK)
		fail_msg("%s", reason.text);
}

static void write_one(struct audit *audit, const char *object, const char *outcome)
{
	const struct audit_entry entry = { .who = "alice(1000)",
		                           .uid = 1000,
		                           .login = "chen",
		                           .address = "203.0.113.7",
		                           .roles = "policy",
		                           .verb = "domain.block",
		                           .object = slice_of(object),
		                           .command = SLICE("domain block x"),
		                           .outcome = outcome,
		                           .version = 7,
		                           .changes = SLICE("[{\"what\":\"added\"}]") };
	struct reason reason = { "" };

	if (audit_write(audit, (int64_t)audit->number * NOON, &entry, &reason) != RESULT_OK)
		fail_msg("%s", reason.text);
}

static void write_lines(size_t count, uint64_t file_max)
{
	struct audit audit;

	open_it(&audit);
	if (file_max)
		audit.file_max = file_max;
	for (size_t i = 0; i < count; i++) {
		char object[32];

		snprintf(object, sizeof object, "domain%zu.example", i + 1);
		write_one(&audit, object, "published");
	}
	audit_close(&audit);
}

static size_t read_text(const char *name, char *text)
{
	char path[PATH_BYTES];
	FILE *file;
	size_t length;

	snprintf(path, sizeof path, "%s/%s", folder, name);
	file = fopen(path, "rb");
	assert_non_null(file);
	length = fread(text, 1, TEXT_MAX - 1, file);
	text[length] = '\0';
	fclose(file);
	return length;
}

static void write_text(const char *name, const char *text, size_t length)
{
	char path[PATH_BYTES];
	FILE *file;

	snprintf(path, sizeof path, "%s/%s", folder, name);
	file = fopen(path, "wb");
	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, length, file), length);
	fclose(file);
}

static struct audit_verdict verify(void)
{
	struct audit_verdict verdict;
	struct audit_walk *walk;
	struct audit audit;

	open_it(&audit);
	walk = audit_walk_new(&audit);
	assert_non_null(walk);
	while (audit_walk_step(walk, &verdict) == RESULT_AGAIN)
		;
	audit_walk_free(&walk);
	audit_close(&audit);
	return verdict;
}

static void a_new_chain_begins_at_nothing_and_goes_on_after_a_restart(void **state)
{
	struct audit_verdict verdict = verify();

	(void)state;
	assert_true(verdict.is_whole);
	assert_int_equal(verdict.lines, 0);
	write_lines(3, 0);
	write_lines(2, 0);
	verdict = verify();
	assert_true(verdict.is_whole);
	assert_int_equal(verdict.first, 1);
	assert_int_equal(verdict.last, 5);
	assert_int_equal(verdict.torn, 0);
	remove_files();
}

/* What somebody may do to the text of five lines, and what the walk says. */
static char *line_of(char *text, int number)
{
	for (int i = 1; i < number; i++)
		text = strchr(text, '\n') + 1;
	return text;
}

static size_t change_a_byte(char *text, size_t length)
{
	*(strstr(line_of(text, 3), "domain3") + 6) = '9';
	return length;
}
static size_t take_a_line_out(char *text, size_t length)
{
	char *third = line_of(text, 3), *fourth = line_of(text, 4);

	memmove(third, fourth, length - (size_t)(fourth - text));
	return length - (size_t)(fourth - third);
}
static size_t double_a_line(char *text, size_t length)
{
	char *third = line_of(text, 3), *fourth = line_of(text, 4);
	size_t size = (size_t)(fourth - third);

	memmove(fourth + size, fourth, length - (size_t)(fourth - text));
	memcpy(fourth, third, size);
	return length + size;
}
static size_t put_rubbish_in(char *text, size_t length)
{
	char *third = line_of(text, 3);

	memmove(third + 8, third, length - (size_t)(third - text));
	memcpy(third, "rubbish\n", 8);
	return length + 8;
}
static size_t cut_the_end_off(char *text, size_t length)
{
	(void)length;
	return (size_t)(line_of(text, 4) - text);
}
static size_t cut_the_beginning_off(char *text, size_t length)
{
	char *third = line_of(text, 3);
	size_t left = length - (size_t)(third - text);

	memmove(text, third, left);
	return left;
}
static size_t empty_it(char *text, size_t length)
{
	(void)text;
	(void)length;
	return 0;
}
static size_t leave_it(char *text, size_t length)
{
	(void)text;
	return length;
}

static const struct {
	const char *name;
	size_t (*change)(char *text, size_t length);
	bool is_whole;
	uint64_t line; /* the first that is wrong */
	const char *why;
} tamperings[] = {
	{ "an_untouched_chain_is_whole", leave_it, true, 0, "" },
	{ "a_changed_byte_is_found_in_its_line", change_a_byte, false, 3, "line 3 is not what line 4" },
	{ "a_line_taken_out_is_missed", take_a_line_out, false, 4, "line 2 is followed by line 4" },
	{ "a_line_put_in_is_found", double_a_line, false, 3, "line 3 is followed by line 3" },
	{ "rubbish_that_no_line_owns_to_is_found", put_rubbish_in, false, 3, "8 bytes that are no line" },
	{ "lines_cut_off_at_the_end_are_missed", cut_the_end_off, false, 4, "from line 4 on it is missing" },
	{ "so_are_all_of_them", empty_it, false, 1, "from line 1 on it is missing" },
	/* Old files may be taken away; what is left must hold together. */
	{ "a_chain_may_begin_late", cut_the_beginning_off, true, 0, "" },
};

static void tells_what_was_done_to_it(void **state)
{
	char *text = mem_new(TEXT_MAX);

	(void)state;
	remove_files();
	for (size_t i = 0; i < COUNT(tamperings); i++) {
		struct audit_verdict verdict;
		size_t length;

		write_lines(5, 0);
		length = tamperings[i].change(text, read_text("audit.log", text));
		write_text("audit.log", text, length);
		verdict = verify();
		if (verdict.is_whole != tamperings[i].is_whole || verdict.line != tamperings[i].line ||
		    !strstr(verdict.why.text, tamperings[i].why))
			fail_msg("%s: line %llu: %s", tamperings[i].name, (unsigned long long)verdict.line,
			         verdict.why.text);
		/* What was done stays visible when the chain has gone on. */
		if (!tamperings[i].is_whole) {
			write_lines(2, 0);
			assert_false(verify().is_whole);
		}
		remove_files();
	}
	mem_free(text);
}

/* Every byte of three lines changed in turn: none goes unnoticed. */
static void no_byte_can_be_changed(void **state)
{
	char *text = mem_new(TEXT_MAX);
	size_t length;

	(void)state;
	remove_files();
	write_lines(3, 0);
	length = read_text("audit.log", text);
	for (size_t i = 0; i < length; i++) {
		char byte = text[i];

		text[i] ^= 1;
		write_text("audit.log", text, length);
		if (verify().is_whole)
			fail_msg("byte %zu", i);
		text[i] = byte;
	}
	write_text("audit.log", text, length);
	assert_true(verify().is_whole);
	remove_files();
	mem_free(text);
}

/* A power cut left any part of the next line: it stays, is owned to, and the chain goes on. */
static void a_torn_line_stays_and_the_chain_goes_on(void **state)
{
	char *text = mem_new(TEXT_MAX);
	struct audit_verdict verdict;
	size_t whole, length;

	(void)state;
	remove_files();
	write_lines(3, 0);
	length = read_text("audit.log", text);
	whole = (size_t)(line_of(text, 3) - text);
	for (size_t cut = whole + 1; cut < length; cut += 7) {
		remove_files();
		write_lines(2, 0);
		write_text("audit.log", text, cut); /* the very same lines: time, too, is the test's */
		verdict = verify();
		assert_true(verdict.is_whole);
		assert_int_equal(verdict.last, 2);
		write_lines(1, 0);
		write_lines(1, 0);
		verdict = verify();
		if (!verdict.is_whole || verdict.last != 4 || verdict.torn != 1)
			fail_msg("cut at %zu: %s", cut, verdict.why.text);
	}
	remove_files();
	mem_free(text);
}

static void a_full_file_is_kept_and_the_chain_goes_on_in_the_next(void **state)
{
	struct audit_verdict verdict;
	struct audit_file files[64];
	struct audit audit;
	size_t count;

	(void)state;
	remove_files();
	write_lines(20, 1500);
	open_it(&audit);
	count = audit_files(audit.folder, files, COUNT(files));
	audit_close(&audit);
	assert_in_range(count, 4, 19);
	assert_string_equal(files[0].name, "audit-000000000001.log");
	assert_string_equal(files[count - 1].name, "audit.log");
	verdict = verify();
	assert_true(verdict.is_whole);
	assert_int_equal(verdict.lines, 20);

	char path[PATH_BYTES];

	/* Between the two names: no present file. */
	snprintf(path, sizeof path, "%s/audit.log", folder);
	assert_int_equal(unlink(path), 0);
	assert_false(verify().is_whole);
	snprintf(path, sizeof path, "%s/%s", folder, files[1].name);
	assert_int_equal(unlink(path), 0);
	verdict = verify();
	assert_false(verdict.is_whole);
	assert_string_equal(verdict.file, files[2].name);
	remove_files();
}

static void a_crash_between_two_files_loses_nothing(void **state)
{
	char path[PATH_BYTES], old[PATH_BYTES];

	(void)state;
	remove_files();
	write_lines(3, 0);
	snprintf(path, sizeof path, "%s/audit.log", folder);
	snprintf(old, sizeof old, "%s/audit-000000000001.log", folder);
	assert_int_equal(rename(path, old), 0);
	write_text("audit.log.new", "", 0);
	write_lines(2, 0);
	assert_true(verify().is_whole);
	assert_int_equal(verify().lines, 5);
	remove_files();
}

static void knows_that_the_last_deed_has_no_outcome(void **state)
{
	struct audit audit;

	(void)state;
	remove_files();
	open_it(&audit);
	write_one(&audit, "a.example", "published");
	write_one(&audit, "b.example", "asked");
	audit_close(&audit);
	open_it(&audit);
	assert_int_equal(audit.unended, 2);
	assert_int_equal(audit.unended_version, 7);
	assert_string_equal(audit.unended_verb, "domain.block");
	write_one(&audit, "b.example", "published");
	audit_close(&audit);
	open_it(&audit);
	assert_int_equal(audit.unended, 0);
	audit_close(&audit);
	remove_files();
}

/* ---- looking ---- */

struct seen {
	uint64_t numbers[64];
	size_t count, max;
};

static bool see(void *to, struct slice line)
{
	struct seen *seen = to;
	struct audit_link link;

	if (seen->count == seen->max)
		return false;
	assert_true(audit_link_read(line, &link));
	seen->numbers[seen->count++] = link.number;
	return true;
}

static const struct {
	const char *name, *filter, *since;
	size_t count;
	uint64_t newest;
} looks[] = {
	{ "shows_all_newest_first", "", "", 20, 20 },
	{ "by_a_word_of_the_object", "domain1", "", 11, 19 },
	{ "by_a_member", "object:domain7.example", "", 1, 7 },
	{ "by_who_and_from_where", "alice 203.0.113.7 chen", "", 20, 20 },
	{ "by_what_does_not_hold", "!domain1 !domain2", "", 7, 9 },
	{ "nothing_matches_nothing", "bob", "", 0, 0 },
	{ "by_number", "number>15", "", 5, 20 },
	{ "by_time", "time<1970-01-01T00:00:15", "", 15, 15 },
	{ "from_a_time_on", "", "1970-01-01T00:00:15", 5, 20 },
	{ "from_a_day_that_has_not_come", "", "2100", 0, 0 },
};

static void finds_lines_over_all_files_a_page_at_a_time(void **state)
{
	(void)state;
	remove_files();
	write_lines(20, 1500);
	for (size_t i = 0; i < COUNT(looks); i++)
		for (size_t page = 1; page <= 20; page += 6) {
			struct filter_flaw flaw;
			struct filter filter;
			struct audit_query query = { .filter = &filter, .since = slice_of(looks[i].since) };
			struct seen seen = { .max = 0 };
			struct audit audit;
			bool is_more = true;

			assert_true(filter_read(slice_of(looks[i].filter), audit_keys, 0, &filter, &flaw));
			open_it(&audit);
			for (int pages = 0; is_more && pages < 64; pages++) {
				seen.max = seen.count + page;
				is_more = audit_look(&audit, &query, see, &seen);
			}
			audit_close(&audit);
			if (seen.count != looks[i].count || is_more ||
			    (seen.count && seen.numbers[0] != looks[i].newest))
				fail_msg("%s, %zu a page: %zu lines", looks[i].name, page, seen.count);
			for (size_t k = 1; k < seen.count; k++)
				assert_true(seen.numbers[k] < seen.numbers[k - 1]);
		}
	remove_files();
}

static void a_long_list_of_changes_is_cut_between_two(void **state)
{
	struct buffer changes;
	struct json_writer w = json_write(&changes);
	struct audit_entry entry = { .who = "a(1)", .verb = "config.import", .outcome = "published" };
	struct reason reason = { "" };
	struct json *line = NULL;
	struct audit audit;
	char *text = mem_new(TEXT_MAX);

	(void)state;
	buffer_start(&changes, 64 * 1024);
	json_open_array(&w, NULL);
	for (int i = 0; i < 500; i++) {
		json_open_object(&w, NULL);
		json_put_text(&w, "before", "something that was there");
		json_put_text(&w, "after", "something \"else\"");
		json_close_object(&w);
	}
	json_close_array(&w);
	assert_false(changes.is_broken);
	entry.changes = buffer_slice(&changes);
	open_it(&audit);
	assert_int_equal(audit_write(&audit, 0, &entry, &reason), RESULT_OK);
	audit_close(&audit);
	read_text("audit.log", text);
	assert_int_equal(json_read(slice_of(text), &line, &reason), RESULT_OK);
	assert_in_range(json_count(json_get(line, "changes")), 50, 300);
	assert_int_equal(json_as_number(json_get(line, "changed"), 0), 500);
	json_free(&line);
	buffer_stop(&changes);
	mem_free(text);
	assert_true(verify().is_whole);
	remove_files();
}

static void a_full_disk_is_told_and_the_line_does_not_count(void **state)
{
	const struct audit_entry entry = { .who = "a(1)", .verb = "domain.block", .outcome = "asked" };
	struct audit audit;
	struct reason reason = { "" };
	int real;

	(void)state;
	remove_files();
	open_it(&audit);
	write_one(&audit, "a.example", "published");
	real = audit.fd;
	audit.fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
	assert_true(audit.fd >= 0);
	assert_int_equal(audit_write(&audit, 0, &entry, &reason), RESULT_IO);
	assert_non_null(strstr(reason.text, "audit.log"));
	assert_int_equal(audit.number, 1);
	close(audit.fd);
	audit.fd = real;
	write_one(&audit, "two\nlines\x01\"", "published");
	audit_close(&audit);
	assert_true(verify().is_whole);
	assert_int_equal(verify().lines, 2);
	remove_files();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_new_chain_begins_at_nothing_and_goes_on_after_a_restart),
		cmocka_unit_test(tells_what_was_done_to_it),
		cmocka_unit_test(no_byte_can_be_changed),
		cmocka_unit_test(a_torn_line_stays_and_the_chain_goes_on),
		cmocka_unit_test(a_full_file_is_kept_and_the_chain_goes_on_in_the_next),
		cmocka_unit_test(a_crash_between_two_files_loses_nothing),
		cmocka_unit_test(knows_that_the_last_deed_has_no_outcome),
		cmocka_unit_test(finds_lines_over_all_files_a_page_at_a_time),
		cmocka_unit_test(a_full_disk_is_told_and_the_line_does_not_count),
		cmocka_unit_test(a_long_list_of_changes_is_cut_between_two),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
