/*
 * What belongs to this machine only: host.xml, the system's resolvers, the key of our route tokens.
 */
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/keeper/parts.h"
#include "shared/base/memory.h"

enum { HOST_RESOLV_CONF_MAX = 64 * 1024, HOST_NAME_ROOM = 16 * 1024 };

static void take_text(const struct model_object *from, size_t field, char *to, size_t size)
{
	slice_to_text(from->values[field].text, to, size);
}

/* False: there are too many, or their names do not fit; `reason` says which. */
static bool take_certificates(const struct model_objects *from, struct host *host, struct reason *reason)
{
	if (from->count > KEEPER_CERTIFICATES_MAX) {
		fail(reason, RESULT_LIMIT, "host.xml: %zu certificates; at most %d", from->count,
		     KEEPER_CERTIFICATES_MAX);
		return false;
	}
	for (size_t i = 0; i < from->count; i++) {
		const struct model_object *object = from->items[i];
		const struct model_list *names = &object->values[MODEL_FIELD(certificate, server_names)].list;
		struct host_certificate *to = &host->certificates[host->certificate_count++];
		size_t at = 0;

		take_text(object, MODEL_FIELD(certificate, name), to->name, sizeof to->name);
		take_text(object, MODEL_FIELD(certificate, chain), to->chain, sizeof to->chain);
		take_text(object, MODEL_FIELD(certificate, key), to->key, sizeof to->key);
		for (size_t n = 0; n < names->count; n++) {
			if (at + names->items[n].len + 2 > sizeof to->server_names) {
				fail(reason, RESULT_LIMIT,
				     "host.xml, certificate %s: server-names has more than %zu bytes",
				     to->name, sizeof to->server_names - 1);
				return false;
			}
			at += (size_t)snprintf(to->server_names + at, sizeof to->server_names - at, "%s%.*s",
			                       n ? " " : "", SLICE_ARG(names->items[n]));
		}
	}
	return true;
}

static void take(const struct model_object *from, struct host *host)
{
	const struct model_list *resolvers = &from->values[MODEL_FIELD(host, resolvers)].list;

	memset(host, 0, sizeof *host); /* two are compared byte by byte */
	take_text(from, MODEL_FIELD(host, node), host->node, sizeof host->node);
	take_text(from, MODEL_FIELD(host, keeper_user), host->keeper_user, sizeof host->keeper_user);
	take_text(from, MODEL_FIELD(host, access_user), host->access_user, sizeof host->access_user);
	take_text(from, MODEL_FIELD(host, gateway_user), host->gateway_user, sizeof host->gateway_user);
	take_text(from, MODEL_FIELD(host, admin_group), host->admin_group, sizeof host->admin_group);
	take_text(from, MODEL_FIELD(host, external_key), host->external_key, sizeof host->external_key);
	take_text(from, MODEL_FIELD(host, internal_key), host->internal_key, sizeof host->internal_key);
	take_text(from, MODEL_FIELD(host, xmpp_key), host->xmpp_key, sizeof host->xmpp_key);
	take_text(from, MODEL_FIELD(host, remote_key), host->remote_key, sizeof host->remote_key);
	take_text(from, MODEL_FIELD(host, dialback_secret), host->dialback_secret,
	          sizeof host->dialback_secret);
	for (size_t i = 0; i < resolvers->count && host->resolver_count < KEEPER_RESOLVERS_MAX; i++)
		if (slice_to_text(resolvers->items[i], host->resolvers[host->resolver_count],
		                  ADDRESS_TEXT_BYTES))
			host->resolver_count++;
}

/*
 * Read by root it decides whom the keeper becomes, so it must be root's or of the very user it names: whoever
 * else could write it could name root.
 */
static enum result check_owner(const struct stat *st, const struct model_snapshot *snapshot,
                               struct reason *reason)
{
	char room[HOST_NAME_ROOM], name[LAUNCHER_USER_BYTES];
	struct passwd entry, *found = NULL;

	if (geteuid() != 0 || st->st_uid == 0)
		return RESULT_OK;
	take_text(model_snapshot_one(snapshot, MODEL_HOST), MODEL_FIELD(host, keeper_user), name,
	          sizeof name);
	if (getpwnam_r(name, &entry, room, sizeof room, &found) == 0 && found && found->pw_uid == st->st_uid)
		return RESULT_OK;
	return fail(reason, RESULT_DENIED,
	            "host.xml belongs to user %u; it must be root's or that of its keeper-user",
	            (unsigned)st->st_uid);
}

static enum result read_document(const char *path, struct model_snapshot **out, struct reason *reason)
{
	struct config_problems *problems = mem_new(sizeof *problems);
	struct buffer text = { 0 };
	struct stat st = { .st_uid = geteuid() };
	enum result result;

	if (!problems)
		return fail(reason, RESULT_NO_MEMORY, "host.xml: out of memory");
	config_problems_start(problems);
	lstat(path, &st); /* what cannot be looked at is told by the reading */
	result = config_file_read(path, geteuid() == 0 ? st.st_uid : geteuid(), &text, reason);
	if (result == RESULT_OK &&
	    (result = config_read_host(buffer_slice(&text), out, problems)) != RESULT_OK) {
		fail(reason, result, "host.xml cannot be read");
		if (problems->count)
			config_problems_reason(problems, reason);
	}
	if (result == RESULT_OK)
		result = check_owner(&st, *out, reason);
	buffer_stop(&text);
	config_problems_stop(problems);
	mem_free(problems);
	return result;
}

enum result host_read(const char *root, struct host *out, struct reason *reason)
{
	struct model_snapshot *snapshot = NULL;
	char path[KEEPER_PATH_BYTES];
	enum result result;

	if (!folder_path(path, root, "/etc/parley/host.xml"))
		return fail(reason, RESULT_LIMIT, "the root's name is too long");
	result = read_document(path, &snapshot, reason);
	if (result == RESULT_NOT_FOUND) {
		snapshot = model_snapshot_new();
		result = snapshot ? RESULT_OK : fail(reason, RESULT_NO_MEMORY, "host.xml: out of memory");
	}
	if (result == RESULT_OK) {
		take(model_snapshot_one(snapshot, MODEL_HOST), out);
		if (!take_certificates(&snapshot->kinds[MODEL_CERTIFICATE], out, reason))
			result = RESULT_LIMIT;
	}
	model_snapshot_free(&snapshot);
	return result;
}

/* ---- resolvers ---- */

/* resolv.conf(5): "nameserver ADDRESS"; a zone (%eth0) or what is no address is passed over. */
size_t host_nameservers(struct slice text, char to[KEEPER_RESOLVERS_MAX][ADDRESS_TEXT_BYTES])
{
	struct slice line;
	size_t count = 0;

	while (count < KEEPER_RESOLVERS_MAX && slice_next(&text, '\n', &line)) {
		struct address address;

		line = slice_trim(line);
		if (!slice_starts(line, SLICE("nameserver")) || line.len < 11 ||
		    (line.ptr[10] != ' ' && line.ptr[10] != '\t'))
			continue;
		line = slice_trim(slice_after(line, 10));
		line = slice_first(line, slice_find(line, ' '));
		line = slice_first(line, slice_find(line, '\t'));
		if (address_read(line, 53, &address, NULL) == RESULT_OK)
			address_text(&address, to[count++]);
	}
	return count;
}

static size_t system_nameservers(char to[KEEPER_RESOLVERS_MAX][ADDRESS_TEXT_BYTES])
{
	struct buffer text;
	size_t count = 0;
	int ignored;

	/* /etc/resolv.conf is a link on many systems, so this is not folders_read. */
	FILE *file = fopen("/etc/resolv.conf", "re");

	buffer_start(&text, HOST_RESOLV_CONF_MAX);
	while (file && (ignored = fgetc(file)) != EOF)
		if (!buffer_add_char(&text, (char)ignored))
			break;
	if (file)
		fclose(file);
	count = host_nameservers(buffer_slice(&text), to);
	buffer_stop(&text);
	return count;
}

void host_configuration(struct keeper *k, const struct service_row *service, struct buffer *out)
{
	char found[KEEPER_RESOLVERS_MAX][ADDRESS_TEXT_BYTES];
	size_t count = k->host.resolver_count ? 0 : system_nameservers(found);
	struct json_writer w = json_write(out);

	json_open_object(&w, NULL);
	json_put_text(&w, "node", k->host.node);
	json_put_bool(&w, "verbose", k->start->is_verbose);
	json_open_array(&w, "resolvers");
	for (size_t i = 0; i < k->host.resolver_count; i++)
		json_put_text(&w, NULL, k->host.resolvers[i]);
	for (size_t i = 0; i < count; i++)
		json_put_text(&w, NULL, found[i]);
	json_close_array(&w);
	service->put_secrets(k, &w);
	json_close_object(&w);
}
