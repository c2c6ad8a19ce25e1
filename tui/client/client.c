#include "tui/client/client.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "shared/base/memory.h"
#include "tui/client/words.h"

enum { CLIENT_READ_BYTES = 16 * 1024 };

struct client {
	struct client_setup setup;
	char path[CLIENT_PATH_MAX];
	struct session session;
	int descriptor;
	enum client_state state;
	int64_t state_since, retry_at, pause_ms;
	bool is_dialling; /* ssh has been started, and the far end's line has not come */
	int64_t dialled_until;
	int64_t hello_id;
	struct control_answer hello;
	enum control_code trouble_code;
	struct reason trouble;
};

static void handle_answer(void *to, int64_t id, struct control_answer *answer);
static void handle_event(void *to, const struct json *event);

struct client *client_new(const struct client_setup *setup)
{
	struct client *client = mem_new(sizeof *client);

	if (!client)
		return NULL;
	client->setup = *setup;
	snprintf(client->path, sizeof client->path, "%s", setup->path);
	client->descriptor = -1;
	client->pause_ms = CLIENT_RETRY_FIRST_MS;
	session_start(&client->session, (struct session_handlers){ handle_answer, handle_event, client,
	                                                           setup->handlers.translates });
	return client;
}

void client_free(struct client **client)
{
	if (!*client)
		return;
	if ((*client)->descriptor >= 0)
		close((*client)->descriptor);
	session_stop(&(*client)->session);
	control_answer_free(&(*client)->hello);
	mem_free(*client);
	*client = NULL;
}

/* ---- state ---- */

static void set_state(struct client *client, struct instant now, enum client_state state)
{
	if (client->state != state)
		client->state_since = now.mono_ms;
	client->state = state;
	if (client->setup.on_state)
		client->setup.on_state(client->setup.handlers.to);
}

/* trouble and trouble_code have been set. */
static void hang_up(struct client *client, struct instant now)
{
	if (client->descriptor >= 0)
		close(client->descriptor);
	client->descriptor = -1;
	client->is_dialling = false;
	if (client->setup.remote)
		remote_drop(client->setup.remote);
	client->hello_id = 0;
	client->retry_at = client->setup.reconnects ? now.mono_ms + client->pause_ms : -1;
	client->pause_ms = client->pause_ms * 2 < CLIENT_RETRY_MAX_MS ? client->pause_ms * 2
	                                                              : CLIENT_RETRY_MAX_MS;
	set_state(client, now, CLIENT_DOWN);
	session_lose(&client->session, _("the link to the daemon was lost; look whether it was done"));
}

static void hang_up_because(struct client *client, struct instant now, enum control_code code,
                            const char *why)
{
	client->trouble_code = code;
	fail(&client->trouble, RESULT_CLOSED, "%s", why);
	hang_up(client, now);
}

static void greet(struct client *client, struct instant now)
{
	const char *from;
	struct buffer params;
	struct json_writer w = json_write(&params);

	buffer_start(&params, 512);
	json_open_object(&w, NULL);
	json_put_number(&w, "protocol", CONTROL_PROTOCOL);
	json_put_text(&w, "client", client->setup.name);
	json_put_text(&w, "mode", client->setup.is_read_only ? "ro" : "rw");
	from = client->setup.remote ? remote_from(client->setup.remote) : client->setup.from;
	if (from && from[0])
		json_put_text(&w, "from", from);
	json_close_object(&w);
	client->hello_id = session_ask(&client->session, now, "hello", buffer_slice(&params),
	                               CLIENT_HELLO_TIMEOUT_MS, &client->trouble);
	buffer_stop(&params);
	if (client->hello_id)
		set_state(client, now, CLIENT_GREETING);
	else
		hang_up_because(client, now, CONTROL_INTERNAL, _("out of memory"));
}

static void dial_now(struct client *client, struct instant now)
{
	bool is_ready;
	struct reason reason;

	client->descriptor = remote_dial(client->setup.remote, &is_ready, &reason);
	if (client->descriptor < 0) {
		hang_up_because(client, now, CONTROL_UNAVAILABLE, reason.text);
	} else if (is_ready) {
		greet(client, now);
	} else {
		client->is_dialling = true;
		client->dialled_until = now.mono_ms + REMOTE_DIAL_MS;
		set_state(client, now, CLIENT_GREETING);
	}
}

/* Connecting to a unix socket ends at once, one way or the other: unix(7). */
static void connect_now(struct client *client, struct instant now)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	memcpy(address.sun_path, client->path, sizeof address.sun_path);
	if (descriptor >= 0 && connect(descriptor, (const struct sockaddr *)&address, sizeof address) == 0) {
		client->descriptor = descriptor;
		greet(client, now);
		return;
	}
	if (errno == EACCES || errno == EPERM) {
		client->trouble_code = CONTROL_DENIED;
		fail(&client->trouble, RESULT_DENIED,
		     _("you may not open %s: its group administers this edge (usually parley-admin)"),
		     client->path);
	} else if (errno == ENOENT || errno == ECONNREFUSED) {
		client->trouble_code = CONTROL_UNAVAILABLE;
		fail(&client->trouble, RESULT_CLOSED, _("parleyd does not answer at %s: is it running?"),
		     client->path);
	} else {
		client->trouble_code = CONTROL_UNAVAILABLE;
		fail_errno(&client->trouble, RESULT_IO, _("cannot connect to %s"), client->path);
	}
	if (descriptor >= 0)
		close(descriptor);
	hang_up(client, now);
}

/* ---- what arrives ---- */

static void take_hello(struct client *client, struct control_answer *answer)
{
	int64_t protocol = json_as_number(json_get(answer->result, "protocol"), 0);

	client->hello_id = 0;
	if (answer->code == CONTROL_TIMEOUT) {
		client->trouble_code = CONTROL_TIMEOUT;
		fail(&client->trouble, RESULT_TIMED_OUT,
		     _("parleyd at %s took the connection but says nothing"), client->path);
	} else if (answer->code != CONTROL_OK) {
		client->trouble_code = answer->code;
		fail(&client->trouble, RESULT_DENIED, "%.*s", SLICE_ARG(answer->message));
	} else if (protocol != CONTROL_PROTOCOL) {
		client->trouble_code = CONTROL_UNAVAILABLE;
		fail(&client->trouble, RESULT_INVALID,
		     _("the daemon speaks control protocol %lld, this program %d"), (long long)protocol,
		     CONTROL_PROTOCOL);
	} else {
		control_answer_free(&client->hello);
		client->hello = *answer;
		answer->whole = NULL;
		client->trouble_code = CONTROL_OK;
		client->trouble.text[0] = '\0';
	}
}

static void handle_answer(void *to, int64_t id, struct control_answer *answer)
{
	struct client *client = to;

	if (id == client->hello_id)
		take_hello(client, answer);
	else
		client->setup.handlers.on_answer(client->setup.handlers.to, id, answer);
}

static void handle_event(void *to, const struct json *event)
{
	struct client *client = to;

	if (client->setup.handlers.on_event)
		client->setup.handlers.on_event(client->setup.handlers.to, event);
}

/* After the hello answer was handled: it cannot change the state itself, it does not know the time. */
static void settle_greeting(struct client *client, struct instant now)
{
	if (client->state != CLIENT_GREETING || client->hello_id || client->is_dialling)
		return;
	if (client->trouble_code != CONTROL_OK) {
		hang_up(client, now);
		return;
	}
	client->pause_ms = CLIENT_RETRY_FIRST_MS;
	set_state(client, now, CLIENT_UP);
}

/* What comes before the far end's line is no protocol of ours. */
static void hear_remote(struct client *client, struct instant now)
{
	enum control_code code;
	struct reason reason;

	switch (remote_hear(client->setup.remote, &client->session.in, &code, &reason)) {
	case REMOTE_WAITS: break;
	case REMOTE_REFUSED: hang_up_because(client, now, code, reason.text); break;
	case REMOTE_READY:
		client->is_dialling = false;
		greet(client, now);
		break;
	}
}

static void lose_remote(struct client *client, struct instant now)
{
	enum control_code code;
	struct reason reason;

	remote_explain(client->setup.remote, &code, &reason);
	hang_up_because(client, now, code, reason.text);
}

static void read_some(struct client *client, struct instant now)
{
	size_t room = buffer_room(&client->session.in);
	char *at = buffer_reserve(&client->session.in, room < CLIENT_READ_BYTES ? room : CLIENT_READ_BYTES);
	ssize_t got = at ? recv(client->descriptor, at, room < CLIENT_READ_BYTES ? room : CLIENT_READ_BYTES,
	                        0)
	                 : -1;
	struct reason reason;

	if (!at) {
		hang_up_because(client, now, CONTROL_UNAVAILABLE, _("out of memory"));
	} else if (got > 0) {
		buffer_grew(&client->session.in, (size_t)got);
		if (client->is_dialling)
			hear_remote(client, now);
		else if (session_read(&client->session, &reason) != RESULT_OK)
			hang_up_because(client, now, CONTROL_UNAVAILABLE, reason.text);
	} else if ((got == 0 || errno == ECONNRESET) && client->setup.remote) {
		lose_remote(client, now);
	} else if (got == 0 || errno == ECONNRESET) {
		hang_up_because(client, now, CONTROL_UNAVAILABLE, _("the daemon closed the link"));
	} else if (errno != EAGAIN && errno != EINTR) {
		client->trouble_code = CONTROL_UNAVAILABLE;
		fail_errno(&client->trouble, RESULT_IO, _("reading from the daemon"));
		hang_up(client, now);
	}
}

static void write_some(struct client *client, struct instant now)
{
	struct slice bytes = buffer_slice(&client->session.out);
	ssize_t sent = bytes.len ? send(client->descriptor, bytes.ptr, bytes.len, MSG_NOSIGNAL) : 0;

	if (sent > 0) {
		buffer_consume(&client->session.out, (size_t)sent);
	} else if (sent < 0 && errno == EPIPE) {
		buffer_clear(&client->session.out); /* it hung up; what it said before is still to be read */
	} else if (sent < 0 && errno != EAGAIN && errno != EINTR) {
		client->trouble_code = CONTROL_UNAVAILABLE;
		fail_errno(&client->trouble, RESULT_IO, _("writing to the daemon"));
		hang_up(client, now);
	}
}

void client_step(struct client *client, struct instant now, short ready)
{
	if (client->descriptor < 0 && client->retry_at >= 0 && client->retry_at <= now.mono_ms)
		client->setup.remote ? dial_now(client, now) : connect_now(client, now);
	else if (client->descriptor >= 0 && ready & (POLLIN | POLLHUP | POLLERR))
		read_some(client, now);
	if (client->is_dialling && client->dialled_until <= now.mono_ms)
		hang_up_because(client, now, CONTROL_TIMEOUT, _("ssh has not come through in time"));
	settle_greeting(client, now);
	session_expire(&client->session, now);
	settle_greeting(client, now);
	if (client->descriptor >= 0)
		write_some(client, now);
}

void client_retry_now(struct client *client, struct instant now)
{
	if (client->state == CLIENT_DOWN)
		client->retry_at = now.mono_ms;
}

int64_t client_ask(struct client *client, struct instant now, const char *method, struct slice params,
                   int64_t timeout_ms, struct reason *reason)
{
	if (client->state != CLIENT_UP) {
		fail(reason, RESULT_CLOSED, _("not connected to the daemon"));
		return 0;
	}
	return session_ask(&client->session, now, method, params, timeout_ms, reason);
}

/* ---- looking ---- */

int client_descriptor(const struct client *client) { return client->descriptor; }

short client_wants(const struct client *client)
{
	return buffer_length(&client->session.out) ? POLLIN | POLLOUT : POLLIN;
}

int64_t client_deadline(const struct client *client)
{
	return client->descriptor < 0 ? client->retry_at
	       : client->is_dialling  ? client->dialled_until
	                              : session_deadline(&client->session);
}

enum client_state client_state(const struct client *client) { return client->state; }
int64_t client_state_since(const struct client *client) { return client->state_since; }
int64_t client_retry_at(const struct client *client)
{
	return client->descriptor < 0 ? client->retry_at : -1;
}
int64_t client_waiting_since(const struct client *client) { return session_waiting_since(&client->session); }
const char *client_trouble(const struct client *client) { return client->trouble.text; }
enum control_code client_trouble_code(const struct client *client) { return client->trouble_code; }
const struct json *client_hello(const struct client *client) { return client->hello.result; }

enum result client_path(const char *socket, const char *environment, const char *root,
                        char to[CLIENT_PATH_MAX], struct reason *reason)
{
	const char *given = socket ? socket : environment && *environment && !root ? environment : NULL;
	int length = given ? snprintf(to, CLIENT_PATH_MAX, "%s", given)
	                   : snprintf(to, CLIENT_PATH_MAX, "%s/run/parley/control.sock", root ? root : "");

	if (length >= CLIENT_PATH_MAX)
		return fail(reason, RESULT_INVALID,
		            _("the path of the control socket has %d bytes; at most %d work"), length,
		            CLIENT_PATH_MAX - 1);
	return RESULT_OK;
}
