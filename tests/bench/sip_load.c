/*
 * sip_load: a partner that sends MESSAGE over mutual TLS through a proxy, and
 * the server behind the proxy that answers them.  Measures what the proxy
 * (--pid, several) spends of CPU a message, and how long answers take.
 *
 *   sip_load --cert F --key F --trust F --connect ADDR:PORT --listen ADDR:PORT
 *            --from U@D --to U@D [--bind ADDR] --connections N (--in-flight W | --rate R) --seconds S [--pid P]...
 *
 * With --listen alone it only answers, until it is ended.
 * With --rate it is an open loop: latency counts from the time a message was due.
 * Prints one line of JSON.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "daemon/io/connection.h"
#include "daemon/sip/sip.h"
#include "shared/base/json.h"
#include "shared/base/memory.h"

enum {
	LOAD_CONNECTIONS_MAX = 20000,
	LOAD_PIDS_MAX = 64,
	LOAD_FILE_MAX = 1024 * 1024,
	LOAD_SLOTS = 1 << 20,
	LOAD_SAMPLES_MAX = 4 * 1024 * 1024,
	LOAD_BODY_BYTES = 200,
	LOAD_OPENING_MAX = 2
};

struct load;

struct end { /* one connection, of either side */
	struct load *load;
	struct connection *connection;
	struct sip_framer framer;
	unsigned number;
	bool is_server, is_up;
	uint64_t sent;
	unsigned waiting;
};

struct load {
	struct loop *loop;
	struct handles handles;
	struct tls_credentials *credentials;
	struct address to;
	struct listener *listener;
	const char *from, *target;
	struct end **ends;
	unsigned connections, opened, up, in_flight;
	const char *name; /* SNI */
	double rate;
	int64_t started_us, end_us;
	double due;    /* open loop: messages due so far */
	uint64_t next; /* number of the next message */
	uint64_t sent, answered, wrong, lost;
	int64_t *sent_at; /* by number, LOAD_SLOTS of them */
	uint32_t *samples;
	size_t sample_count;
	long pids[LOAD_PIDS_MAX];
	size_t pid_count;
	double cpu_before;
	int seconds;
	bool is_running;
	struct loop_timer tick, limit;
	char body[LOAD_BODY_BYTES + 1];
};

static int64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static double cpu_of(long pid)
{
	char path[64], text[1024];
	unsigned long user = 0, system_time = 0;
	FILE *f;

	snprintf(path, sizeof path, "/proc/%ld/stat", pid);
	if (!(f = fopen(path, "r")))
		return 0;
	if (fgets(text, sizeof text, f)) {
		char *at = strrchr(text, ')');

		/* utime and stime are fields 14 and 15; ')' ends field 2 */
		for (int field = 2; at && field < 14; field++)
			at = strchr(at + 1, ' ');
		if (at) {
			user = strtoul(at, &at, 10);
			system_time = strtoul(at, NULL, 10);
		}
	}
	fclose(f);
	return (double)(user + system_time) / (double)sysconf(_SC_CLK_TCK);
}

static double cpu_of_all(const struct load *load)
{
	double sum = 0;

	for (size_t i = 0; i < load->pid_count; i++)
		sum += cpu_of(load->pids[i]);
	return sum;
}

/* ---- sending ---- */

static void send_one(struct end *end, int64_t due_us)
{
	struct load *load = end->load;
	struct buffer *out = connection_queue(end->connection);
	uint64_t n = load->next;

	if (!out) { /* it has ended: what was due on it is lost, and the open loop goes on */
		load->sent++;
		load->lost++;
		return;
	}
	load->next++;
	load->sent_at[n % LOAD_SLOTS] = due_us;
	buffer_printf(
	        out,
	        "MESSAGE sip:%s SIP/2.0\r\nVia: SIP/2.0/TLS bench.invalid:5061;branch=z9hG4bK%016llx\r\n"
	        "Max-Forwards: 70\r\nFrom: <sip:%s>;tag=b%llx\r\nTo: <sip:%s>\r\nCall-ID: %llx@bench\r\n"
	        "CSeq: 1 MESSAGE\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n%s",
	        load->target, (unsigned long long)n, load->from, (unsigned long long)n, load->target,
	        (unsigned long long)n, LOAD_BODY_BYTES, load->body);
	connection_queued(end->connection);
	end->sent++;
	end->waiting++;
	load->sent++;
}

static void finish(void *owner);

static void tick(void *owner)
{
	struct load *load = owner;
	int64_t now = now_us();

	if (now >= load->end_us) {
		loop_timer_set(load->loop, &load->tick, 500, finish, load);
		load->is_running = false;
		return;
	}
	double due = (double)(now - load->started_us) / 1e6 * load->rate;

	while ((double)load->sent < due) {
		struct end *end = load->ends[load->sent % load->connections];

		send_one(end, load->started_us + (int64_t)((double)load->sent / load->rate * 1e6));
	}
	loop_timer_set(load->loop, &load->tick, 1, tick, load);
}

static void begin(struct load *load)
{
	load->is_running = true;
	/* Another run's branches must not look like retransmissions of this one's. */
	load->next = (uint64_t)now_us() << 12;
	load->cpu_before = cpu_of_all(load);
	load->started_us = now_us();
	load->end_us = load->started_us + (int64_t)load->seconds * 1000000;
	loop_timer_set(load->loop, &load->tick, 1, tick, load);
	if (load->in_flight) {
		load->rate = 0;
		for (unsigned c = 0; c < load->connections; c++)
			for (unsigned i = 0; i < load->in_flight; i++)
				send_one(load->ends[c], now_us());
	}
}

/* ---- receiving ---- */

static void answered(struct end *end, struct slice message)
{
	struct load *load = end->load;
	struct slice mark = SLICE("branch=z9hG4bK");
	int status = message.len > 12 ? (message.ptr[8] - '0') * 100 + (message.ptr[9] - '0') * 10 +
	                                        message.ptr[10] - '0'
	                              : 0;
	const char *at = memmem(message.ptr, message.len, mark.ptr, mark.len);
	int64_t now = now_us();

	if (status < 200)
		return;
	end->waiting--;
	load->answered++;
	if (status != 200)
		load->wrong++;
	if (at) {
		uint64_t n = strtoull(at + mark.len, NULL, 16);
		int64_t took = now - load->sent_at[n % LOAD_SLOTS];

		if (load->sample_count < LOAD_SAMPLES_MAX)
			load->samples[load->sample_count++] = took > 0 ? (uint32_t)took : 0;
	}
	if (load->is_running && load->in_flight)
		send_one(end, now);
}

/* The server behind the proxy: the request's own headers, as RFC 3261 §8.2.6 wants them. */
static void answer(struct end *end, struct slice message)
{
	struct buffer *out = connection_queue(end->connection);
	struct slice line, rest = message;

	if (!out || slice_starts(message, SLICE("SIP/2.0")))
		return;
	if (slice_starts(message, SLICE("ACK ")))
		return;
	buffer_add(out, SLICE("SIP/2.0 200 OK\r\n"));
	while (slice_next(&rest, '\n', &line) && line.len > 1) {
		struct slice whole = { line.ptr, line.len + 1 };

		if (slice_starts_nocase(line, SLICE("Via:")) || slice_starts_nocase(line, SLICE("From:")) ||
		    slice_starts_nocase(line, SLICE("Call-ID:")) || slice_starts_nocase(line, SLICE("CSeq:")))
			buffer_add(out, whole);
		else if (slice_starts_nocase(line, SLICE("To:")))
			buffer_printf(out, "%.*s;tag=bench\r\n", (int)(line.len - 1), line.ptr);
	}
	buffer_add(out, SLICE("Content-Length: 0\r\n\r\n"));
	connection_queued(end->connection);
}

static void received(void *owner, struct connection *c, struct buffer *in)
{
	struct end *end = owner;

	while (connection_state(c) == CONNECTION_UP && buffer_length(in)) {
		struct sip_fault fault;
		size_t length = 0;

		switch (sip_framer_next(&end->framer, buffer_slice(in), &length, &fault)) {
		case SIP_FRAME_MESSAGE:
			if (end->is_server)
				answer(end, slice_first(buffer_slice(in), length));
			else
				answered(end, slice_first(buffer_slice(in), length));
			break;
		case SIP_FRAME_PING: connection_send(c, SLICE("\r\n")); break;
		case SIP_FRAME_PONG: break;
		case SIP_FRAME_MORE: return;
		case SIP_FRAME_BROKEN:
		case SIP_FRAME_TOO_LARGE: connection_abort(c, CONNECTION_END_PROTOCOL, "framing"); return;
		}
		buffer_consume(in, length);
	}
}

static void open_next(struct load *load);

static void came_up(void *owner, struct connection *c)
{
	struct end *end = owner;

	(void)c;
	end->is_up = true;
	if (end->is_server)
		return;
	if (++end->load->up == end->load->connections)
		begin(end->load);
	else
		open_next(end->load);
}

static void closed(void *owner, struct connection *c)
{
	struct end *end = owner;

	if (!end->is_server) {
		fprintf(stderr, "sip_load: connection %u ended: %s %s\n", end->number,
		        connection_end_name(connection_end(c)), connection_end_words(c));
		end->load->lost += end->waiting;
		if (!end->is_up)
			loop_stop(end->load->loop);
	} else {
		mem_free(end);
	}
}

static const struct connection_events events = { .up = came_up, .received = received, .closed = closed };

static struct end *end_new(struct load *load, bool is_server)
{
	struct end *end = mem_new(sizeof *end);

	if (!end)
		exit(70);
	end->load = load;
	end->is_server = is_server;
	end->framer.body_max = SIP_BODY_MAX;
	return end;
}

static struct connection_settings settings_of(struct end *end)
{
	return (struct connection_settings){ .connect_ms = 30000,
		                             .handshake_ms = 60000,
		                             .in_max = 1024 * 1024,
		                             .credentials = end->load->credentials,
		                             .events = &events,
		                             .owner = end };
}

/* A few at a time: an edge allows one address so many connections that have not shown who they are. */
static void open_next(struct load *load)
{
	struct reason reason = { "" };

	if (load->opened >= load->connections)
		return;

	struct end *end = load->ends[load->opened] = end_new(load, false);
	struct connection_settings settings = settings_of(end);

	end->number = load->opened++;
	settings.server_name = load->name;
	if (connection_open(load->loop, &load->handles, &load->to, &settings, &end->connection, &reason) !=
	    RESULT_OK) {
		fprintf(stderr, "sip_load: %s\n", reason.text);
		exit(1);
	}
}

static void accepted(void *owner, int fd, const struct address *from)
{
	struct end *end = end_new(owner, true);
	struct connection_settings settings = settings_of(end);
	struct reason reason = { "" };

	(void)from;
	if (connection_accept(end->load->loop, &end->load->handles, fd, &settings, &end->connection,
	                      &reason) != RESULT_OK)
		mem_free(end);
}

/* ---- the figures ---- */

static int by_size(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static void finish(void *owner)
{
	struct load *load = owner;
	double cpu = cpu_of_all(load) - load->cpu_before;
	struct buffer out;

	buffer_start(&out, 4096);
	struct json_writer w = json_write(&out);

	qsort(load->samples, load->sample_count, sizeof *load->samples, by_size);
	json_open_object(&w, NULL);
	json_put_number(&w, "sent", (int64_t)load->sent);
	json_put_number(&w, "answered", (int64_t)load->answered);
	json_put_number(&w, "not_200", (int64_t)load->wrong);
	json_put_number(&w, "lost", (int64_t)load->lost);
	json_put_real(&w, "per_second", (double)load->answered / load->seconds);
	if (load->sample_count) {
		json_put_real(&w, "p50_ms", load->samples[load->sample_count / 2] / 1000.0);
		json_put_real(&w, "p99_ms", load->samples[load->sample_count * 99 / 100] / 1000.0);
	}
	if (load->pid_count && load->answered)
		json_put_real(&w, "cpu_us", cpu * 1e6 / (double)load->answered);
	json_close_object(&w);
	printf("%.*s\n", SLICE_ARG(buffer_slice(&out)));
	loop_stop(load->loop);
}

/* ---- start ---- */

static struct slice file(const char *name)
{
	FILE *f = fopen(name, "rb");
	char *bytes = mem_new(LOAD_FILE_MAX);

	if (!f || !bytes) {
		fprintf(stderr, "sip_load: cannot read %s\n", name);
		exit(2);
	}
	size_t n = fread(bytes, 1, LOAD_FILE_MAX, f);

	fclose(f);
	return (struct slice){ bytes, n };
}

static void listen_at(struct load *load, const char *where)
{
	struct address address;
	struct reason reason = { "" };
	int fd, one = 1;

	if (address_read(slice_of(where), 5061, &address, &reason) != RESULT_OK ||
	    (fd = socket(address.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) != 0 ||
	    bind(fd, &address.any, address.length) != 0 || listen(fd, 1024) != 0 ||
	    listener_new(load->loop, fd, accepted, load, &load->listener, &reason) != RESULT_OK) {
		fprintf(stderr, "sip_load: cannot listen at %s: %s\n", where, reason.text);
		exit(1);
	}
}

static void too_late(void *owner)
{
	struct load *load = owner;

	fprintf(stderr, "sip_load: only %u of %u connections came up\n", load->up, load->connections);
	loop_stop(load->loop);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "cert", 1, 0, 'c' },      { "key", 1, 0, 'k' },
		{ "trust", 1, 0, 't' },     { "connect", 1, 0, 'C' },
		{ "listen", 1, 0, 'l' },    { "from", 1, 0, 'f' },
		{ "to", 1, 0, 'T' },        { "connections", 1, 0, 'n' },
		{ "in-flight", 1, 0, 'w' }, { "rate", 1, 0, 'r' },
		{ "seconds", 1, 0, 's' },   { "pid", 1, 0, 'p' },
		{ "name", 1, 0, 'N' },      { 0, 0, 0, 0 },
	};
	static struct load load = { .connections = 1, .seconds = 5, .rate = 0 };
	const char *cert = "", *key = "", *trust = "", *where = "", *name = NULL;
	struct reason reason = { "" };
	int o;

	load.loop = loop_new();
	handles_start(&load.handles, 100000);
	while ((o = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (o) {
		case 'c': cert = optarg; break;
		case 'k': key = optarg; break;
		case 't': trust = optarg; break;
		case 'C':
			if (address_read(slice_of(optarg), 5061, &load.to, &reason) != RESULT_OK)
				return 2;
			break;
		case 'l': where = optarg; break;
		case 'f': load.from = optarg; break;
		case 'T': load.target = optarg; break;
		case 'n': load.connections = (unsigned)strtoul(optarg, NULL, 10); break;
		case 'w': load.in_flight = (unsigned)strtoul(optarg, NULL, 10); break;
		case 'r': load.rate = strtod(optarg, NULL); break;
		case 's': load.seconds = (int)strtol(optarg, NULL, 10); break;
		case 'N': name = optarg; break;
		case 'p':
			if (load.pid_count < LOAD_PIDS_MAX)
				load.pids[load.pid_count++] = strtol(optarg, NULL, 10);
			break;
		default: return 2;
		}
	}
	bool serves_only = where[0] && !load.to.length;

	if (!load.loop || (!serves_only && (!load.connections || load.connections > LOAD_CONNECTIONS_MAX ||
	                                    !load.from || !load.target)))
		return 2;
	if (tls_credentials_new(TLS_FEDERATION, file(cert), file(key), file(trust), SLICE(""),
	                        &load.credentials, &reason) != RESULT_OK) {
		fprintf(stderr, "sip_load: %s\n", reason.text);
		return 2;
	}
	memset(load.body, 'x', LOAD_BODY_BYTES);
	load.sent_at = mem_new_array(LOAD_SLOTS, sizeof *load.sent_at);
	load.samples = mem_new_array(LOAD_SAMPLES_MAX, sizeof *load.samples);
	load.ends = mem_new_array(load.connections, sizeof *load.ends);
	if (where[0])
		listen_at(&load, where);
	if (serves_only) {
		loop_run(load.loop);
		return 0;
	}
	load.name = name;
	for (unsigned i = 0; i < LOAD_OPENING_MAX; i++)
		open_next(&load);
	loop_timer_set(load.loop, &load.limit, 120000 + load.seconds * 1000, too_late, &load);
	loop_run(load.loop);
	return load.answered ? 0 : 1;
}
