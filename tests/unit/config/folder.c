/*
 * The folder: which files count, which are refused, and what was edited since the mirror.
 * The cases of CFG-1 and CFG-3: links, pipes, modes, owners, editors' leftovers.
 */
#include "daemon/config/config.h"
#include "shared/base/memory.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

enum { PATH_BYTES = 256 };

struct lab {
	char root[64], folder[PATH_BYTES], state[PATH_BYTES];
};

static int lab_start(void **state)
{
	struct lab *lab = mem_new(sizeof *lab);

	snprintf(lab->root, sizeof lab->root, "/tmp/parley-config-XXXXXX");
	assert_non_null(mkdtemp(lab->root));
	snprintf(lab->folder, sizeof lab->folder, "%s/conf.d", lab->root);
	snprintf(lab->state, sizeof lab->state, "%s/mirror", lab->root);
	assert_int_equal(mkdir(lab->folder, 0750), 0);
	*state = lab;
	return 0;
}

static void remove_files(const char *folder)
{
	DIR *directory = opendir(folder);
	const struct dirent *entry;

	while ((entry = readdir(directory)) != NULL)
		if (unlinkat(dirfd(directory), entry->d_name, 0) < 0)
			unlinkat(dirfd(directory), entry->d_name, AT_REMOVEDIR);
	closedir(directory);
	rmdir(folder);
}

static int lab_stop(void **state)
{
	struct lab *lab = *state;

	remove_files(lab->folder);
	remove_files(lab->root);
	mem_free(lab);
	return 0;
}

static void path_of(const struct lab *lab, const char *name, char path[PATH_BYTES])
{
	snprintf(path, PATH_BYTES, "%.100s/%s", lab->folder, name);
}

static void put(const struct lab *lab, const char *name, const char *text, mode_t mode)
{
	char path[PATH_BYTES];
	int fd;

	path_of(lab, name, path);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

static bool holds(const struct lab *lab, const char *name, const char *words)
{
	char path[PATH_BYTES];
	struct buffer text;
	bool is_there;

	path_of(lab, name, path);
	is_there = config_file_read(path, geteuid(), &text, NULL) == RESULT_OK;
	buffer_add_char(&text, '\0');
	is_there = is_there && strstr(text.bytes, words);
	buffer_stop(&text);
	return is_there;
}

/* ---- reading ---- */

static enum result read_folder(const struct lab *lab, struct config_folder *folder,
                               struct config_problems *problems, struct reason *reason)
{
	config_problems_start(problems);
	return config_folder_read(lab->folder, geteuid(), folder, problems, reason);
}

static void reads_documents_in_byte_order_and_passes_over_leftovers(void **state)
{
	static const char *const leftovers[] = { "a.xml~", ".a.xml.swp", "a.xml.dpkg-new",
		                                 "a.XML",  "#a.xml#",    ".xml",
		                                 "xml",    "-a.xml",     "a b.xml" };
	struct config_folder folder;
	struct config_problems problems;
	struct reason reason;

	put(*state, "b.xml", "b", 0640);
	put(*state, "a.xml", "a", 0600);
	put(*state, "B.xml", "B", 0444);
	for (size_t i = 0; i < COUNT(leftovers); i++)
		put(*state, leftovers[i], "x", 0666);
	assert_int_equal(read_folder(*state, &folder, &problems, &reason), RESULT_OK);
	assert_int_equal(folder.count, 3);
	assert_string_equal(folder.documents[0].name.ptr, "B.xml");
	assert_string_equal(folder.documents[1].name.ptr, "a.xml");
	assert_string_equal(folder.documents[2].name.ptr, "b.xml");
	assert_true(slice_equal(folder.documents[2].bytes, SLICE("b")));
	assert_int_equal(folder.documents[2].owner, geteuid());
	config_folder_stop(&folder);
	config_problems_stop(&problems);
}

static void refuses_what_others_could_have_written_and_what_is_no_file(void **state)
{
	static const struct {
		const char *name, *why;
	} rows[] = {
		{ "directory.xml", "is not a regular file" },
		{ "everybody.xml", "may be written by its group or by everybody" },
		{ "group.xml", "may be written by its group or by everybody" },
		{ "large.xml", "is larger than 1048576 bytes" },
		{ "link.xml", "is a symbolic link" },
		{ "pipe.xml", "is not a regular file" },
	};
	struct config_folder folder;
	struct config_problems problems;
	struct reason reason;
	char path[PATH_BYTES];

	put(*state, "good.xml", "x", 0640);
	put(*state, "group.xml", "x", 0660);
	put(*state, "everybody.xml", "x", 0606);
	put(*state, "large.xml", "x", 0600);
	path_of(*state, "large.xml", path);
	assert_int_equal(truncate(path, CONFIG_DOCUMENT_BYTES_MAX + 1), 0);
	path_of(*state, "link.xml", path);
	assert_int_equal(symlink("good.xml", path), 0);
	path_of(*state, "pipe.xml", path);
	assert_int_equal(mkfifo(path, 0600), 0);
	path_of(*state, "directory.xml", path);
	assert_int_equal(mkdir(path, 0700), 0);

	assert_int_equal(read_folder(*state, &folder, &problems, &reason), RESULT_INVALID);
	assert_int_equal(problems.count, COUNT(rows));
	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_string_equal(problems.items[i].file, rows[i].name);
		assert_string_equal(problems.items[i].why, rows[i].why);
	}
	config_folder_stop(&folder);
	config_problems_stop(&problems);
}

static void refuses_a_file_of_another_user(void **state)
{
	struct config_folder folder;
	struct config_problems problems;
	struct reason reason;
	char path[PATH_BYTES];

	if (geteuid() != 0) {
		print_message("  skipped: only root can give a file away\n");
		skip();
	}
	put(*state, "a.xml", "x", 0600);
	path_of(*state, "a.xml", path);
	assert_int_equal(chown(path, 1, (gid_t)-1), 0);
	assert_int_equal(read_folder(*state, &folder, &problems, &reason), RESULT_INVALID);
	assert_string_equal(problems.items[0].why, "belongs to another user than root and the daemon's");
	config_folder_stop(&folder);
	config_problems_stop(&problems);

	config_problems_start(&problems); /* that user's own daemon takes it */
	assert_int_equal(config_folder_read(((struct lab *)*state)->folder, 1, &folder, &problems, &reason),
	                 RESULT_OK);
	config_folder_stop(&folder);
	config_problems_stop(&problems);
}

static void refuses_a_folder_that_others_may_write_to(void **state)
{
	const struct lab *lab = *state;
	struct config_folder folder;
	struct config_problems problems;
	struct reason reason;
	char path[PATH_BYTES];

	assert_int_equal(chmod(lab->folder, 0770), 0);
	assert_int_equal(read_folder(lab, &folder, &problems, &reason), RESULT_DENIED);
	config_folder_stop(&folder);
	config_problems_stop(&problems);
	assert_int_equal(chmod(lab->folder, 0750), 0);

	assert_int_equal(chmod(lab->root, 0777), 0);
	assert_int_equal(read_folder(lab, &folder, &problems, &reason), RESULT_DENIED);
	assert_non_null(strstr(reason.text, "lies in a folder that others may write to"));
	config_folder_stop(&folder);
	config_problems_stop(&problems);
	assert_int_equal(chmod(lab->root, 0700), 0);

	snprintf(path, sizeof path, "%s/link", lab->root);
	assert_int_equal(symlink("conf.d", path), 0);
	config_problems_start(&problems);
	assert_int_equal(config_folder_read(path, geteuid(), &folder, &problems, &reason), RESULT_IO);
	config_folder_stop(&folder);
	assert_int_equal(config_folder_read("/nonexistent/conf.d", geteuid(), &folder, &problems, &reason),
	                 RESULT_NOT_FOUND);
	config_folder_stop(&folder);
	config_problems_stop(&problems);
}

/* ---- the mirror ---- */

static struct model_snapshot *snapshot_with(const char *domain)
{
	struct model_snapshot *snapshot = model_snapshot_new();
	struct model_object *object = model_object_new(&snapshot->arena, model_kind(MODEL_BLOCKED_DOMAIN));

	object->values[0].text = slice_of(domain);
	assert_int_equal(model_snapshot_add(snapshot, object), RESULT_OK);
	return snapshot;
}

static void mirror(const struct lab *lab, const struct model_snapshot *snapshot, uint64_t version)
{
	struct reason reason = { "" };

	if (config_mirror_write(lab->folder, lab->state, snapshot, version, &reason) != RESULT_OK)
		fail_msg("%s", reason.text);
}

struct attempt {
	struct config_folder folder;
	struct config_problems problems;
	struct config_import import;
	struct reason reason;
};

static enum result import(const struct lab *lab, const struct model_snapshot *present, uint64_t version,
                          struct attempt *a)
{
	a->reason.text[0] = '\0';
	assert_int_equal(read_folder(lab, &a->folder, &a->problems, &a->reason), RESULT_OK);
	return config_import(&a->folder, lab->state, present, version, &a->import, &a->problems, &a->reason);
}

static void attempt_stop(struct attempt *a)
{
	model_snapshot_free(&a->import.snapshot);
	config_folder_stop(&a->folder);
	config_problems_stop(&a->problems);
}

#define BLOCKED(attributes, domain)                                                                          \
	"<parley document=\"sip-domains\" schema=\"1\"" attributes "><blocked-domain domain=\"" domain       \
	"\"/></parley>"

static void a_mirror_that_nobody_touched_is_no_edit(void **state)
{
	struct model_snapshot *present = snapshot_with("bad.example");
	struct attempt a;

	mirror(*state, present, 7);
	assert_true(holds(*state, "sip-domains.xml", "version=\"7\""));
	assert_true(holds(*state, "sip-domains.xml", "bad.example"));
	assert_int_equal(import(*state, present, 7, &a), RESULT_OK);
	assert_non_null(config_document_name(a.folder.count - 1));
	assert_null(config_document_name(a.folder.count));
	assert_int_equal(a.import.edited_count, 0);
	assert_null(a.import.snapshot);
	attempt_stop(&a);
	model_snapshot_free(&present);
}

static void an_edit_on_the_present_base_is_taken(void **state)
{
	struct model_snapshot *present = snapshot_with("bad.example");
	struct attempt a;

	mirror(*state, present, 7);
	put(*state, "sip-domains.xml", BLOCKED(" version=\"7\"", "worse.example"), 0640);
	assert_int_equal(import(*state, present, 7, &a), RESULT_OK);
	assert_int_equal(a.import.edited_count, 1);
	assert_true(slice_equal(a.import.edited[0].name, SLICE("sip-domains.xml")));
	assert_non_null(model_snapshot_find(a.import.snapshot, MODEL_BLOCKED_DOMAIN, SLICE("worse.example")));
	assert_null(model_snapshot_find(a.import.snapshot, MODEL_BLOCKED_DOMAIN, SLICE("bad.example")));
	attempt_stop(&a);
	model_snapshot_free(&present);
}

static void an_edit_without_a_base_is_taken(void **state)
{
	struct model_snapshot *present = snapshot_with("bad.example");
	struct attempt a;

	mirror(*state, present, 7);
	put(*state, "sip-domains.xml", BLOCKED("", "worse.example"), 0640);
	assert_int_equal(import(*state, present, 7, &a), RESULT_OK);
	assert_non_null(a.import.snapshot);
	attempt_stop(&a);
	model_snapshot_free(&present);
}

static void an_old_file_laid_back_is_a_conflict(void **state)
{
	struct model_snapshot *present = snapshot_with("bad.example");
	struct attempt a;

	mirror(*state, present, 7);
	put(*state, "sip-domains.xml", BLOCKED(" version=\"6\"", "worse.example"), 0640);
	assert_int_equal(import(*state, present, 7, &a), RESULT_CONFLICT);
	assert_null(a.import.snapshot);
	assert_non_null(strstr(a.reason.text,
	                       "sip-domains.xml: was edited from version 6, and version 7 is present"));
	attempt_stop(&a);
	assert_int_equal(import(*state, present, 0, &a), RESULT_OK); /* an empty store has nothing to lose */
	assert_non_null(a.import.snapshot);
	attempt_stop(&a);
	model_snapshot_free(&present);
}

static void a_mirror_that_a_crash_left_old_is_no_edit(void **state)
{
	struct model_snapshot *old = snapshot_with("old.example"), *present = snapshot_with("bad.example");
	struct attempt a;

	mirror(*state, old, 6); /* and then version 7 was published, and the machine died */
	assert_int_equal(import(*state, present, 7, &a), RESULT_OK);
	assert_int_equal(a.import.edited_count, 0);
	attempt_stop(&a);

	/* It died between the documents and their digests: they show what is present. */
	mirror(*state, present, 7);
	assert_int_equal(unlink(((struct lab *)*state)->state), 0);
	assert_int_equal(import(*state, present, 7, &a), RESULT_OK);
	assert_int_equal(a.import.edited_count, 0);
	attempt_stop(&a);
	model_snapshot_free(&old);
	model_snapshot_free(&present);
}

static void blanks_and_order_are_no_change_but_a_comment_is(void **state)
{
	struct model_snapshot *present = snapshot_with("bad.example");
	struct attempt a;

	mirror(*state, present, 7);
	put(*state, "sip-domains.xml", BLOCKED("", "BAD.example"), 0640);
	assert_int_equal(import(*state, present, 7, &a), RESULT_OK);
	assert_int_equal(a.import.edited_count, 1);
	assert_null(a.import.snapshot);
	attempt_stop(&a);
	put(*state, "sip-domains.xml",
	    "<parley document='sip-domains' schema='1'><!-- why --><blocked-domain "
	    "domain='bad.example'/></parley>",
	    0640);
	assert_int_equal(import(*state, present, 7, &a), RESULT_OK);
	assert_non_null(a.import.snapshot);
	assert_true(model_snapshot_equal(a.import.snapshot, present));
	attempt_stop(&a);
	model_snapshot_free(&present);
}

static void a_document_that_is_gone_comes_back(void **state)
{
	struct model_snapshot *present = snapshot_with("bad.example");
	struct attempt a;
	char path[PATH_BYTES];

	mirror(*state, present, 7);
	path_of(*state, "sip-domains.xml", path);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(import(*state, present, 7, &a), RESULT_OK);
	assert_null(a.import.snapshot);
	attempt_stop(&a);
	mirror(*state, present, 7);
	assert_true(holds(*state, "sip-domains.xml", "bad.example"));
	model_snapshot_free(&present);
}

static void a_bad_document_keeps_the_whole_set_out(void **state)
{
	struct model_snapshot *present = snapshot_with("bad.example");
	struct attempt a;

	mirror(*state, present, 7);
	put(*state, "sip-domains.xml", BLOCKED("", "good.example"), 0640);
	put(*state, "topology.xml", "<parley document='topology' schema='1'>\n<topologie/></parley>", 0640);
	assert_int_equal(import(*state, present, 7, &a), RESULT_INVALID);
	assert_null(a.import.snapshot);
	assert_int_equal(a.problems.count, 1);
	assert_string_equal(a.problems.items[0].file, "topology.xml");
	assert_int_equal(a.problems.items[0].line, 2);
	attempt_stop(&a);
	model_snapshot_free(&present);
}

static void the_mirror_never_writes_through_a_link(void **state)
{
	struct model_snapshot *present = snapshot_with("bad.example");
	char path[PATH_BYTES], temporary[PATH_BYTES];
	struct stat status;

	put(*state, "victim", "precious", 0600);
	path_of(*state, "sip-domains.xml", path);
	path_of(*state, ".sip-domains.xml.new", temporary);
	assert_int_equal(symlink("victim", path), 0);
	assert_int_equal(symlink("victim", temporary), 0);
	mirror(*state, present, 7);
	assert_true(holds(*state, "victim", "precious"));
	assert_int_equal(lstat(path, &status), 0);
	assert_true(S_ISREG(status.st_mode));
	assert_int_equal(status.st_mode & 0777, 0640 & ~022);
	assert_int_equal(lstat(temporary, &status), -1);
	model_snapshot_free(&present);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define LAB(test) cmocka_unit_test_setup_teardown(test, lab_start, lab_stop)
		LAB(reads_documents_in_byte_order_and_passes_over_leftovers),
		LAB(refuses_what_others_could_have_written_and_what_is_no_file),
		LAB(refuses_a_file_of_another_user),
		LAB(refuses_a_folder_that_others_may_write_to),
		LAB(a_mirror_that_nobody_touched_is_no_edit),
		LAB(an_edit_on_the_present_base_is_taken),
		LAB(an_edit_without_a_base_is_taken),
		LAB(an_old_file_laid_back_is_a_conflict),
		LAB(a_mirror_that_a_crash_left_old_is_no_edit),
		LAB(blanks_and_order_are_no_change_but_a_comment_is),
		LAB(a_document_that_is_gone_comes_back),
		LAB(a_bad_document_keeps_the_whole_set_out),
		LAB(the_mirror_never_writes_through_a_link),
	};

	umask(022);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
