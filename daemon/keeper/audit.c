/*
 * Who changed what.  One JSON object a line, appended and synced before the
 * change is made and again before it is acknowledged; a change that cannot be
 * written down is not made.
 *
 * Members stand in a fixed order and `number` counts up, so that a later
 * version can chain each line to the digest of the one before it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/keeper/parts.h"

enum { AUDIT_LINE_MAX = 8 * 1024, AUDIT_OBJECT_MAX = 1024 };

/* The number of the last whole line; a torn one at the end (a power cut) is closed by a line feed of its own. */
static enum result find_last(struct audit *audit, struct reason *reason)
{
	char tail[2 * AUDIT_LINE_MAX];
	struct slice rest, line;
	off_t end = lseek(audit->fd, 0, SEEK_END);
	off_t from = end > (off_t)sizeof tail ? end - (off_t)sizeof tail : 0;
	ssize_t got;

	if (end <= 0)
		return end < 0 ? fail_errno(reason, RESULT_IO, "audit.log") : RESULT_OK;
	got = pread(audit->fd, tail, sizeof tail, from);
	if (got <= 0)
		return fail_errno(reason, RESULT_IO, "audit.log");
	rest = (struct slice){ tail, (size_t)got };
	while (slice_next(&rest, '\n', &line)) {
		struct json *entry = NULL;

		if (line.len && json_read(line, &entry, NULL) == RESULT_OK) {
			int64_t number = json_as_number(json_get(entry, "number"), 0);

			audit->number = number > 0 ? (uint64_t)number : audit->number;
		}
		json_free(&entry);
	}
	if (tail[got - 1] != '\n' && write(audit->fd, "\n", 1) != 1)
		return fail_errno(reason, RESULT_IO, "audit.log");
	return RESULT_OK;
}

enum result audit_open(struct audit *audit, const char *root, struct reason *reason)
{
	char path[KEEPER_PATH_BYTES];

	*audit = (struct audit){ .fd = -1 };
	if (!folder_path(path, root, "/var/lib/parley/audit.log"))
		return fail(reason, RESULT_LIMIT, "the root's name is too long");
	audit->fd = open(path, O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (audit->fd < 0)
		return fail_errno(reason, RESULT_IO, "%s", path);
	return find_last(audit, reason);
}

void audit_close(struct audit *audit)
{
	if (audit->fd >= 0)
		close(audit->fd);
	audit->fd = -1;
}

static enum result append(struct audit *audit, struct slice line, struct reason *reason)
{
	ssize_t written = write(audit->fd, line.ptr, line.len);

	if (written < 0)
		return fail_errno(reason, RESULT_IO, "audit.log cannot be written");
	audit->is_torn = (size_t)written < line.len && written > 0;
	if ((size_t)written < line.len)
		return fail(reason, RESULT_IO, "audit.log cannot be written: the disk is full");
	if (fdatasync(audit->fd) != 0)
		return fail_errno(reason, RESULT_IO, "audit.log cannot be made durable");
	audit->number++;
	return RESULT_OK;
}

enum result audit_write(struct audit *audit, int64_t wall_ms, const struct audit_entry *entry,
                        struct reason *reason)
{
	char time[INSTANT_TEXT_BYTES];
	enum result result = RESULT_OK;
	struct buffer line;
	struct json_writer w = json_write(&line);

	instant_text(wall_ms, time);
	buffer_start(&line, AUDIT_LINE_MAX);
	if (audit->is_torn) /* a full disk took half of the line before */
		buffer_add_char(&line, '\n');
	json_open_object(&w, NULL);
	json_put_number(&w, "number", (int64_t)(audit->number + 1));
	json_put_text(&w, "time", time);
	json_put_text(&w, "who", entry->who);
	json_put_text(&w, "login", entry->login);
	json_put_text(&w, "verb", entry->verb);
	json_put_slice(&w, "object",
	               slice_first(entry->object, entry->object.len > AUDIT_OBJECT_MAX ? AUDIT_OBJECT_MAX
	                                                                               : entry->object.len));
	json_put_text(&w, "outcome", entry->outcome);
	json_put_number(&w, "version", (int64_t)entry->version);
	json_close_object(&w);
	buffer_add_char(&line, '\n');
	if (line.is_broken)
		result = fail(reason, RESULT_LIMIT, "the audit line is too long");
	else
		result = append(audit, buffer_slice(&line), reason);
	buffer_stop(&line);
	return result;
}
