/* device: what is known of a contact, device by device; each with its texts in one block. */
#include "daemon/gateway/watched.h"
#include "shared/base/memory.h"

void device_forget_all(struct watched *w)
{
	while (w->device_count > 0)
		mem_free(w->devices[--w->device_count]);
}

static struct slice laid(char **at, struct slice text)
{
	struct slice copy = { *at, text.len };

	if (text.len)
		memcpy(*at, text.ptr, text.len);
	*at += text.len;
	return copy;
}

static struct translate_resource *device_new(const struct translate_resource *resource)
{
	size_t length = resource->resource.len;
	struct translate_resource *device;
	char *at;

	for (size_t i = 0; i < resource->note_count; i++)
		length += resource->notes[i].text.len + resource->notes[i].language.len;
	device = mem_new(sizeof *device + length);
	if (!device)
		return NULL;
	at = (char *)(device + 1);
	*device = *resource;
	device->resource = laid(&at, resource->resource);
	for (size_t i = 0; i < resource->note_count; i++) {
		device->notes[i].text = laid(&at, resource->notes[i].text);
		device->notes[i].language = laid(&at, resource->notes[i].language);
	}
	return device;
}

void device_set(struct watched *w, const struct translate_resource *resource)
{
	struct translate_resource *fresh;
	size_t kept = 0;

	for (size_t i = 0; i < w->device_count; i++) {
		const struct translate_resource *known = w->devices[i];

		if (!known->is_open || slice_equal(known->resource, resource->resource) ||
		    (!resource->is_open && resource->resource.len == 0))
			mem_free(w->devices[i]);
		else
			w->devices[kept++] = w->devices[i];
	}
	w->device_count = kept;
	w->has_heard = true;
	fresh = w->device_count < TRANSLATE_RESOURCES_MAX ? device_new(resource) : NULL;
	if (fresh)
		w->devices[w->device_count++] = fresh;
}
