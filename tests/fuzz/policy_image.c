/*
 * An image of this build with bytes patched as the input says: opening refuses it, or everything in it can be
 * read and decided on.  Patches instead of whole images, so that the seeds outlive a new row of the model.
 *
 * A patch is seven bytes: offset (2, little endian), how (1), value (4).
 */
#include "daemon/policy/image_layout.h"
#include "tests/unit/policy/walk.h"
#include "tests/unit/policy/world.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

enum { PATCH_BYTES = 7, PATCHES_MAX = 16, IMAGE_BYTES = 16384 };

struct original {
	char bytes[IMAGE_BYTES];
	size_t count;
};

static void make_original(struct original *original)
{
	struct model_snapshot *snapshot = world_new(
	        SLICE("on media own=contoso.example own=contoso-sales.example block=evil.example "
	              "allow=fabrikam.example,proxy=sip.fabrikam.example allow=northwind.example"));
	int fd = -1;

	if (policy_image_build(snapshot, 1, &fd, NULL) != RESULT_OK)
		abort();

	ssize_t got = pread(fd, original->bytes, sizeof original->bytes, 0);

	if (got <= 0 || got == (ssize_t)sizeof original->bytes)
		abort();
	original->count = (size_t)got;
	close(fd);
	model_snapshot_free(&snapshot);
}

static void patch(char *image, size_t image_bytes, const uint8_t *patch_bytes)
{
	size_t width = (size_t)1 << (patch_bytes[2] % 3);
	size_t at = (patch_bytes[0] | (size_t)patch_bytes[1] << 8) % (image_bytes - width);
	uint32_t value, old = 0;

	memcpy(&value, patch_bytes + 3, sizeof value);
	memcpy(&old, image + at, width);
	value = patch_bytes[2] & 0x80 ? old + value : value;
	memcpy(image + at, &value, width);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
	static struct original original;
	char image_bytes[IMAGE_BYTES];
	struct policy_image *image = NULL;

	if (original.count == 0)
		make_original(&original);
	memcpy(image_bytes, original.bytes, original.count);
	for (size_t i = 0; i < PATCHES_MAX && (i + 1) * PATCH_BYTES <= count; i++)
		patch(image_bytes, original.count, bytes + i * PATCH_BYTES);

	int fd = walk_file(image_bytes, original.count, WALK_SEALS);

	if (policy_image_open(fd, &image, NULL) == RESULT_OK)
		walk_image(image);
	policy_image_close(&image);
	close(fd);
	return 0;
}
