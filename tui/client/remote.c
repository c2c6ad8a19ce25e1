#include "tui/client/remote.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shared/base/memory.h"
#include "shared/base/text.h"
#include "tui/client/words.h"

enum {
	REMOTE_COMMAND_MAX = 4096,
	REMOTE_WORDS_MAX = 1024 * 1024, /* what ssh may say before it is ended */
	REMOTE_SAID_MAX = 4096,         /* the end of it is looked at */
	REMOTE_END_MS = 2000,           /* for ssh to end by itself */
	SSH_FAILED = 255,               /* ssh(1): an error of its own; else the command's exit status */
	NOT_FOUND = 127,                /* of a POSIX shell */
	NOT_EXECUTABLE = 126,
	USAGE = 2,
};

struct remote {
	struct remote_setup setup;
	char host[REMOTE_HOST_MAX + 1];
	char *command; /* owned */
	pid_t pid;     /* of ssh; 0: none */
	int ready;     /* as far as the line, and nobody has it yet; -1 */
	int words;     /* a memfd with what ssh says; -1 */
	bool asks_nobody;
	char from[REMOTE_ABOUT_BYTES];
};

/* ---- names ---- */

static bool is_of_host(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
	       c == '-' || c == '_' || c == '@' || c == ':' || c == '[' || c == ']' || c == '%';
}

enum result remote_check_host(struct slice host, struct reason *reason)
{
	struct slice name = slice_starts(host, SLICE("ssh://")) ? slice_after(host, 6) : host;
	size_t at = slice_find(name, '@');

	if (name.len == 0 || host.len > REMOTE_HOST_MAX)
		return fail(reason, RESULT_INVALID, _("--ssh needs the name of a host, at most %d bytes"),
		            REMOTE_HOST_MAX);
	for (size_t i = 0; i < name.len; i++)
		if (!is_of_host(name.ptr[i]))
			return fail(
			        reason, RESULT_INVALID,
			        _("--ssh: a host is [user@]name or ssh://[user@]name[:port], and takes no "
			          "character like the one at %zu"),
			        i + 1);
	/* What ssh would read as an option, whether it is asked first or after the user's name was taken off. */
	if (name.ptr[0] == '-' || at == 0 || at + 1 == name.len || (at < name.len && name.ptr[at + 1] == '-'))
		return fail(reason, RESULT_INVALID,
		            _("--ssh: a host is [user@]name or ssh://[user@]name[:port]; neither begins "
		              "with -"));
	return RESULT_OK;
}

/* In single quotes a shell reads nothing; a quote is taken out of them. */
static bool add_quoted(struct buffer *out, const char *option, const char *value)
{
	buffer_printf(out, " %s '", option);
	for (const char *at = value; *at; at++) {
		if ((unsigned char)*at < ' ' || *at == 0x7f)
			return false;
		if (*at == '\'')
			buffer_add(out, SLICE("'\\''"));
		else
			buffer_add_char(out, *at);
	}
	return buffer_add_char(out, '\'');
}

enum result remote_command(const struct remote_setup *setup, struct buffer *out, struct reason *reason)
{
	bool is_good = buffer_add(out, SLICE("exec parley --stdio"));

	if (setup->socket)
		is_good = add_quoted(out, "--socket", setup->socket) && is_good;
	if (setup->root)
		is_good = add_quoted(out, "--root", setup->root) && is_good;
	if (!is_good || out->is_broken)
		return fail(reason, RESULT_LIMIT,
		            _("--socket or --root is too long, or has control characters in it"));
	return RESULT_OK;
}

const char *remote_host(const struct remote *remote) { return remote->host; }
const char *remote_from(const struct remote *remote) { return remote->from; }

/* ---- ssh ---- */

static char *copy_of(struct slice text)
{
	char *copy = mem_new(text.len + 1);

	if (copy && text.len)
		memcpy(copy, text.ptr, text.len);
	return copy;
}

static enum result remote_new(const struct remote_setup *setup, struct remote **out, struct reason *reason)
{
	struct remote *remote = mem_new(sizeof *remote);
	struct buffer command;
	enum result result;

	*out = NULL;
	if (!remote)
		return fail(reason, RESULT_NO_MEMORY, _("out of memory"));
	buffer_start(&command, REMOTE_COMMAND_MAX);
	remote->setup = *setup;
	remote->ready = remote->words = -1;
	result = remote_check_host(slice_of(setup->host), reason);
	if (result == RESULT_OK)
		result = remote_command(setup, &command, reason);
	if (result == RESULT_OK && !(remote->command = copy_of(buffer_slice(&command))))
		result = fail(reason, RESULT_NO_MEMORY, _("out of memory"));
	buffer_stop(&command);
	if (result == RESULT_OK) {
		snprintf(remote->host, sizeof remote->host, "%s", setup->host);
		*out = remote;
	} else {
		mem_free(remote);
	}
	return result;
}

#define ALWAYS                                                                                               \
	"-T", "-x", "-a", "-oClearAllForwardings=yes", "-oRemoteCommand=none", "-oPermitLocalCommand=no",    \
	        "-oConnectTimeout=15", "-oServerAliveInterval=15"

/*
 * In the child.  ssh's own configuration says the rest: users, ports, keys, jump hosts.  No terminal is asked for at
 * the far end, nothing is forwarded, and a RemoteCommand of the configuration would contradict ours.
 */
__attribute__((noreturn)) static void become_ssh(const struct remote *remote, int link, int words)
{
	const char *program = remote->setup.program ? remote->setup.program : "ssh";
	const char *asking[] = { program, ALWAYS, "--", remote->host, remote->command, NULL };
	const char *mute[] = {
		program, ALWAYS, "-oBatchMode=yes", "--", remote->host, remote->command, NULL
	};
	const char **argv = remote->asks_nobody ? mute : asking;
	const struct rlimit most = { REMOTE_WORDS_MAX, RLIM_INFINITY };
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	signal(SIGXFSZ, SIG_IGN); /* what it says beyond the limit is lost, and it goes on */
	setrlimit(RLIMIT_FSIZE, &most);
	if (remote->asks_nobody)
		setsid(); /* no terminal that it could paint a question on */
	if (dup2(link, STDIN_FILENO) >= 0 && dup2(link, STDOUT_FILENO) >= 0 &&
	    dup2(words, STDERR_FILENO) >= 0)
		execvp(program, (char *const *)(uintptr_t)argv);
	_exit(errno == ENOENT ? NOT_FOUND : NOT_EXECUTABLE);
}

/* -1 with a reason. */
static int start_ssh(struct remote *remote, struct reason *reason)
{
	int ends[2] = { -1, -1 };

	remote->words = memfd_create("parley-ssh", MFD_CLOEXEC);
	if (remote->words < 0 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0) {
		fail_errno(reason, RESULT_IO, _("cannot start ssh"));
		return -1;
	}
	fcntl(ends[0], F_SETFL, O_NONBLOCK); /* ours alone: ssh's end is another */
	remote->pid = fork();
	if (remote->pid == 0)
		become_ssh(remote, ends[1], remote->words);
	if (remote->pid < 0) {
		remote->pid = 0;
		fail_errno(reason, RESULT_IO, _("cannot start ssh"));
		close(ends[0]);
		ends[0] = -1;
	}
	close(ends[1]);
	return ends[0];
}

/* Waits until it has ended, at most so long, then ends it; its status as waitpid has it. */
static int end_ssh(struct remote *remote, int wait_ms)
{
	int status = 0;
	pid_t ended = 0;

	if (!remote->pid)
		return 0;
	for (int waited = 0; (ended = waitpid(remote->pid, &status, WNOHANG)) == 0 && waited < wait_ms;
	     waited += 10)
		poll(NULL, 0, 10);
	if (ended == 0) {
		kill(remote->pid, SIGTERM);
		for (int waited = 0;
		     (ended = waitpid(remote->pid, &status, WNOHANG)) == 0 && waited < REMOTE_END_MS;
		     waited += 10)
			poll(NULL, 0, 10);
	}
	if (ended == 0) {
		kill(remote->pid, SIGKILL);
		waitpid(remote->pid, &status, 0);
	}
	remote->pid = 0;
	return status;
}

void remote_drop(struct remote *remote)
{
	end_ssh(remote, 0);
	if (remote->words >= 0)
		close(remote->words);
	remote->words = -1;
}

void remote_free(struct remote **remote)
{
	if (!*remote)
		return;
	if ((*remote)->ready >= 0)
		close((*remote)->ready);
	remote_drop(*remote);
	mem_free((*remote)->command);
	mem_free(*remote);
	*remote = NULL;
}

int remote_dial(struct remote *remote, bool *is_ready, struct reason *reason)
{
	int fd = remote->ready;

	*is_ready = fd >= 0;
	remote->ready = -1;
	if (fd >= 0)
		return fd;
	remote_drop(remote);
	remote->asks_nobody = true;
	return start_ssh(remote, reason);
}

/* ---- what it says ---- */

/* The last line that ssh, or the far end's shell, has said; made safe for a terminal. */
static void last_words(const struct remote *remote, char *to, size_t size)
{
	char room[REMOTE_SAID_MAX];
	off_t end = lseek(remote->words, 0, SEEK_END);
	off_t from = end > (off_t)sizeof room ? end - (off_t)sizeof room : 0;
	ssize_t got = end > 0 ? pread(remote->words, room, sizeof room, from) : 0;
	struct slice rest = { room, got > 0 ? (size_t)got : 0 }, line, last = SLICE("");

	while (slice_next(&rest, '\n', &line)) {
		while (line.len && (line.ptr[line.len - 1] == '\r' || line.ptr[line.len - 1] == ' '))
			line.len--;
		if (line.len)
			last = line;
	}
	text_shown(last, to, size);
}

void remote_explain(struct remote *remote, enum control_code *code, struct reason *reason)
{
	const char *program = remote->setup.program ? remote->setup.program : "ssh";
	int status = end_ssh(remote, REMOTE_END_MS);
	int exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
	char words[192] = "";

	last_words(remote, words, sizeof words);
	*code = CONTROL_UNAVAILABLE;
	if (exit_code == SSH_FAILED)
		fail(reason, RESULT_CLOSED, _("ssh does not reach %s: %s"), remote->host,
		     words[0] ? words : _("it does not say why"));
	else if ((exit_code == NOT_FOUND || exit_code == NOT_EXECUTABLE) && !words[0])
		fail(reason, RESULT_NOT_FOUND, _("cannot run %s: is ssh installed here?"), program);
	else if (exit_code == NOT_FOUND || exit_code == NOT_EXECUTABLE)
		fail(reason, RESULT_NOT_FOUND,
		     _("%s has no parley that its shell finds: install it there, in its PATH (it says: %s)"),
		     remote->host, words);
	else if (exit_code == USAGE)
		fail(reason, RESULT_INVALID, _("the parley of %s is too old for --ssh (it says: %s)"),
		     remote->host, words);
	else if (exit_code >= 0)
		fail(reason, RESULT_CLOSED, _("the link to %s has ended, with status %d%s%s"), remote->host,
		     exit_code, words[0] ? ": " : "", words);
	else
		fail(reason, RESULT_CLOSED, _("the ssh to %s was ended"), remote->host);
}

/* One line; what it is about in `about`, made safe for a terminal. */
static enum remote_word word_of(struct slice line, char about[REMOTE_ABOUT_BYTES])
{
	static const struct {
		struct slice word;
		enum remote_word means;
	} words[] = { { SLICE("ok"), REMOTE_OK },
		      { SLICE("denied"), REMOTE_DENIED },
		      { SLICE("absent"), REMOTE_ABSENT } };
	struct slice word, rest;

	if (line.len && line.ptr[line.len - 1] == '\r') /* of a terminal that was forced upon it */
		line.len--;
	if (!slice_starts(line, SLICE("parley-stdio ")))
		return REMOTE_NOTHING;
	if (!slice_starts(line, SLICE(REMOTE_GREETING)))
		return REMOTE_STRANGE;
	rest = slice_after(line, sizeof REMOTE_GREETING - 1);
	word = slice_first(rest, slice_find(rest, ' '));
	text_shown(slice_trim(slice_after(rest, word.len)), about, REMOTE_ABOUT_BYTES);
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (slice_equal(word, words[i].word))
			return words[i].means;
	return REMOTE_FAILED;
}

enum remote_word remote_read(struct buffer *in, char about[REMOTE_ABOUT_BYTES])
{
	enum remote_word word = REMOTE_NOTHING;
	size_t length;

	about[0] = '\0';
	while (word == REMOTE_NOTHING && (length = slice_find(buffer_slice(in), '\n')) < buffer_length(in)) {
		word = word_of(slice_first(buffer_slice(in), length), about);
		buffer_consume(in, length + 1);
	}
	return word == REMOTE_NOTHING && buffer_length(in) > REMOTE_GREETING_MAX ? REMOTE_TALKS : word;
}

enum remote_heard remote_hear(struct remote *remote, struct buffer *in, enum control_code *code,
                              struct reason *reason)
{
	char about[REMOTE_ABOUT_BYTES];
	enum remote_word word = remote_read(in, about);

	*code = word == REMOTE_DENIED ? CONTROL_DENIED : CONTROL_UNAVAILABLE;
	switch (word) {
	case REMOTE_NOTHING: return REMOTE_WAITS;
	case REMOTE_OK: snprintf(remote->from, sizeof remote->from, "%s", about); return REMOTE_READY;
	case REMOTE_DENIED:
		fail(reason, RESULT_DENIED,
		     _("%s: you may not open %s there: its group administers that edge (usually "
		       "parley-admin)"),
		     remote->host, about);
		break;
	case REMOTE_ABSENT:
		fail(reason, RESULT_CLOSED, _("%s: parleyd does not answer at %s there: is it running?"),
		     remote->host, about);
		break;
	case REMOTE_FAILED:
		fail(reason, RESULT_CLOSED, _("%s: cannot connect to %s there"), remote->host, about);
		break;
	case REMOTE_STRANGE:
		fail(reason, RESULT_INVALID,
		     _("the parley of %s speaks another language over ssh; use the same version on both "
		       "sides"),
		     remote->host);
		break;
	case REMOTE_TALKS:
		fail(reason, RESULT_LIMIT, _("%s says much, and none of it is parley's"), remote->host);
		break;
	}
	return REMOTE_REFUSED;
}

/* ---- the first time ---- */

/* One wait and what came of it. */
static enum remote_heard hear_more(struct remote *remote, int fd, struct buffer *in, enum control_code *code,
                                   struct reason *reason)
{
	struct pollfd polled = { fd, POLLIN, 0 };
	char *room = buffer_reserve(in, 512);
	ssize_t got;

	if (!room) {
		*code = CONTROL_INTERNAL;
		fail(reason, RESULT_NO_MEMORY, _("out of memory"));
		return REMOTE_REFUSED;
	}
	poll(&polled, 1, 1000);
	got = recv(fd, room, 512, 0);
	if (got > 0) {
		buffer_grew(in, (size_t)got);
		return remote_hear(remote, in, code, reason);
	}
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return REMOTE_WAITS;
	remote_explain(remote, code, reason);
	return REMOTE_REFUSED;
}

enum result remote_start(const struct remote_setup *setup, struct remote **out, enum control_code *code,
                         struct reason *reason)
{
	int64_t until = setup->now().mono_ms + REMOTE_START_MS;
	enum remote_heard heard = REMOTE_WAITS;
	struct buffer in;
	int fd;

	*code = CONTROL_USAGE;
	if (remote_new(setup, out, reason) != RESULT_OK)
		return RESULT_INVALID;
	*code = CONTROL_INTERNAL;
	fd = start_ssh(*out, reason);
	buffer_start(&in, CONTROL_LINE_MAX);
	while (fd >= 0 && heard == REMOTE_WAITS && setup->now().mono_ms < until)
		heard = hear_more(*out, fd, &in, code, reason);
	if (fd >= 0 && heard == REMOTE_WAITS) {
		*code = CONTROL_TIMEOUT;
		fail(reason, RESULT_TIMED_OUT, _("%s has not answered within %d seconds"), setup->host,
		     REMOTE_START_MS / 1000);
	}
	buffer_stop(&in); /* the far end says nothing after its line until it is spoken to */
	if (heard == REMOTE_READY) {
		(*out)->ready = fd;
		*code = CONTROL_OK;
		return RESULT_OK;
	}
	if (fd >= 0)
		close(fd);
	remote_free(out);
	return RESULT_CLOSED;
}
