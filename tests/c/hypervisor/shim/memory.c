/*
 * Frames. Each lies between two strips that nobody may touch, and is itself closed (to AddressSanitizer) unless it is
 * mapped: a copy that goes astray, or comes too late, ends the test program at once.
 *
 * A frame knows how often the hypervisor has referenced and mapped it, and what a migration would have of it: its
 * bytes when it was last marked dirty.
 */
#include <sanitizer/asan_interface.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include <asm/p2m.h>
#include <asm/paging.h>
#include <xen/domain_page.h>
#include <xen/sched.h>

#define STRIDE (2 * FRAME_SIZE)
#define FRAMES (MAX_DOMAINS * DOMAIN_FRAMES)
#define MAX_TOUCHED 2048u

static struct page_info pages[FRAMES];
static unsigned char *arena;
static struct page_info *touched[MAX_TOUCHED];
static unsigned int nr_touched;

/* Of a PV guest: it may not write it itself. */
static bool is_page_table(const struct page_info *page)
{
	return page->u.inuse.type_info & PGT_count_mask;
}

static bool is_read_only(const struct page_info *page)
{
	return is_page_table(page) || page->type == p2m_ram_ro;
}

static unsigned char *bytes_of(const struct page_info *page)
{
	return arena + (size_t)(page - pages) * STRIDE;
}

void frame_open(unsigned char *bytes)
{
	struct page_info *page = &pages[(size_t)(bytes - arena) / STRIDE];

	if (!page->opened++)
		ASAN_UNPOISON_MEMORY_REGION(bytes_of(page), FRAME_SIZE);
}

void frame_close(unsigned char *bytes)
{
	struct page_info *page = &pages[(size_t)(bytes - arena) / STRIDE];

	if (!--page->opened)
		ASAN_POISON_MEMORY_REGION(bytes_of(page), FRAME_SIZE);
}

void memory_start(void)
{
	arena = mmap(NULL, (size_t)FRAMES * STRIDE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
		     -1, 0);
	if (arena == MAP_FAILED) {
		perror("mmap");
		exit(1);
	}
	ASAN_POISON_MEMORY_REGION(arena, (size_t)FRAMES * STRIDE);
	memset(pages, 0, sizeof(pages));
	nr_touched = 0;
}

void memory_stop(void)
{
	ASAN_UNPOISON_MEMORY_REGION(arena, (size_t)FRAMES * STRIDE);
	munmap(arena, (size_t)FRAMES * STRIDE);
}

void memory_assign(struct domain *d)
{
	unsigned int first = 0;

	while (first < FRAMES && pages[first].owner)
		first += DOMAIN_FRAMES;
	if (first >= FRAMES) {
		fprintf(stderr, "too many domains\n");
		exit(1);
	}
	d->first_frame = first;
	d->nr_frames = DOMAIN_FRAMES;
	for (unsigned int i = 0; i < DOMAIN_FRAMES; i++)
		pages[first + i] = (struct page_info){.owner = d, .type = p2m_ram_rw};
}

void memory_take_back(struct domain *d)
{
	for (unsigned int i = d->first_frame; i < d->first_frame + d->nr_frames; i++) {
		if (pages[i].references || pages[i].writable || pages[i].maps || pages[i].global_maps)
			violation("frame %u of domain %u is still in use when its memory is given back",
				  i - d->first_frame, d->domain_id);
		pages[i] = (struct page_info){.owner = NULL};
	}
	d->nr_frames = 0;
}

unsigned long frame_mfn(const struct domain *d, unsigned int frame)
{
	return FIRST_MFN + d->first_frame + frame;
}

unsigned char *frame_bytes(const struct domain *d, unsigned int frame)
{
	return frame < d->nr_frames ? arena + (size_t)(d->first_frame + frame) * STRIDE : NULL;
}

void frame_set_type(struct domain *d, unsigned int frame, int type)
{
	pages[d->first_frame + frame].type = type;
}

void frame_set_page_table(struct domain *d, unsigned int frame, bool is)
{
	pages[d->first_frame + frame].u.inuse.type_info = is ? PGT_l1_page_table | 1 : 0;
}

bool frame_is_read_only(const struct domain *d, unsigned long address)
{
	unsigned long frame = (address - GUEST_BASE) / FRAME_SIZE;
	const struct page_info *page = &pages[d->first_frame + (frame < d->nr_frames ? frame : 0)];

	return is_read_only(page);
}

bool frame_locate(const void *address, unsigned long *mfn, unsigned int *offset)
{
	size_t at = (size_t)((const unsigned char *)address - arena);

	if ((const unsigned char *)address < arena || at >= (size_t)FRAMES * STRIDE || at % STRIDE >= FRAME_SIZE)
		return false;
	*mfn = FIRST_MFN + at / STRIDE;
	*offset = at % STRIDE;
	return true;
}

struct page_info *mfn_to_page(mfn_t mfn)
{
	if (mfn.mfn < FIRST_MFN || mfn.mfn - FIRST_MFN >= FRAMES) {
		violation("there is no frame %#lx", mfn.mfn);
		abort();
	}
	return &pages[mfn.mfn - FIRST_MFN];
}

mfn_t page_to_mfn(const struct page_info *page)
{
	return _mfn(FIRST_MFN + (unsigned long)(page - pages));
}

bool mfn_valid(mfn_t mfn)
{
	return mfn.mfn >= FIRST_MFN && mfn.mfn - FIRST_MFN < FRAMES;
}

const struct domain *page_get_owner(const struct page_info *page)
{
	return page->owner;
}

/* As in xen/common/memory.c, for a PV guest; a type other than RAM is that of a translated one. */
int check_get_page_from_gfn(struct domain *d, gfn_t gfn, bool readonly, p2m_type_t *type, struct page_info **page)
{
	struct page_info *found;

	machine.steps++;
	if (gfn.gfn < FIRST_MFN || gfn.gfn - FIRST_MFN >= FRAMES)
		return -EINVAL;
	found = &pages[gfn.gfn - FIRST_MFN];
	if (found->owner != d && !paging_mode_translate(d))
		printk("Error mfn, as get_page() says it");
	if (found->owner != d || found->type == p2m_invalid || found->type == p2m_mmio_dm)
		return -EINVAL;
	if (found->type == p2m_mmio_direct)
		return -EPERM;
	if (found->type == p2m_ram_paged || (found->type == p2m_ram_shared && !readonly))
		return -EAGAIN;
	found->references++;
	*type = found->type;
	*page = found;
	return 0;
}

int get_page_type(struct page_info *page, unsigned long type)
{
	if (type != PGT_writable_page || !page->references)
		violation("a type reference to a frame without a reference, or not to write to it");
	if (is_page_table(page)) {
		printk("Bad type, as get_page_type() says it in debug builds");
		return 0;
	}
	page->writable++;
	return 1;
}

void put_page(struct page_info *page)
{
	if (!page->references) {
		violation("a reference to frame %#lx is dropped that was not taken", page_to_mfn(page).mfn);
		return;
	}
	page->references--;
	if (page->references < page->writable || (!page->references && page->maps + page->global_maps))
		violation("frame %#lx loses its last reference while it is in use", page_to_mfn(page).mfn);
}

void put_page_and_type(struct page_info *page)
{
	if (!page->writable) {
		violation("a type of frame %#lx is dropped that was not taken", page_to_mfn(page).mfn);
		return;
	}
	page->writable--;
	put_page(page);
}

/* From here to the operation's end, what is written to the frame is watched. */
static void watch(struct page_info *page)
{
	page->writable_while_mapped |= page->writable != 0;
	if (page->touched || nr_touched == MAX_TOUCHED)
		return;
	page->touched = true;
	page->before = malloc(FRAME_SIZE);
	page->marked = malloc(FRAME_SIZE);
	memcpy(page->before, bytes_of(page), FRAME_SIZE);
	memcpy(page->marked, bytes_of(page), FRAME_SIZE);
	touched[nr_touched++] = page;
}

void *map_domain_page(mfn_t mfn)
{
	struct page_info *page = mfn_to_page(mfn);

	machine.steps++;
	if (!page->references)
		violation("frame %#lx is mapped without a reference", mfn.mfn);
	frame_open(bytes_of(page));
	page->maps++;
	watch(page);
	return bytes_of(page);
}

static struct page_info *page_at(const void *address)
{
	unsigned long mfn;
	unsigned int offset;

	if (!frame_locate(address, &mfn, &offset)) {
		violation("%p is not the address of a mapping", address);
		abort();
	}
	return mfn_to_page(_mfn(mfn));
}

void unmap_domain_page(const void *address)
{
	struct page_info *page = page_at(address);

	if (!page->maps) {
		violation("a frame is unmapped that is not mapped");
		return;
	}
	page->maps--;
	frame_close(bytes_of(page));
	if (machine.on_frame_written)
		machine.on_frame_written();
}

void *map_domain_page_global(mfn_t mfn)
{
	struct page_info *page = mfn_to_page(mfn);

	if (!page->references)
		violation("frame %#lx is mapped without a reference", mfn.mfn);
	if (allocation_fails())
		return NULL;
	frame_open(bytes_of(page));
	page->global_maps++;
	watch(page);
	return bytes_of(page);
}

void unmap_domain_page_global(const void *address)
{
	struct page_info *page = page_at(address);

	if (!page->global_maps) {
		violation("a frame is unmapped that is not mapped");
		return;
	}
	page->global_maps--;
	frame_close(bytes_of(page));
}

void paging_mark_dirty(struct domain *d, mfn_t mfn)
{
	struct page_info *page = mfn_to_page(mfn);

	if (page->owner != d)
		violation("frame %#lx is marked dirty for a domain that does not own it", mfn.mfn);
	frame_open(bytes_of(page));
	watch(page);
	memcpy(page->marked, bytes_of(page), FRAME_SIZE);
	frame_close(bytes_of(page));
}

/* Frames of headers are mapped all the time: the ones most likely to be written are watched from the start. */
void memory_operation_begins(void)
{
	for (unsigned int i = 0; i < FRAMES; i++)
		if (pages[i].global_maps && nr_touched < 64)
			watch(&pages[i]);
}

void memory_operation_ends(void)
{
	while (nr_touched) {
		struct page_info *page = touched[--nr_touched];
		unsigned char *bytes = bytes_of(page);

		if (page->maps)
			violation("frame %#lx is still mapped when the call is over", page_to_mfn(page).mfn);
		/* A frame that went with its domain is nobody's concern. */
		if (page->owner) {
			frame_open(bytes);
			if (memcmp(page->marked, bytes, FRAME_SIZE) != 0)
				machine.unmarked_frames++;
			if (memcmp(page->before, bytes, FRAME_SIZE) != 0) {
				if (is_read_only(page))
					violation("frame %#lx is written, which its domain itself may not",
						  page_to_mfn(page).mfn);
				if (!page->writable_while_mapped)
					violation("frame %#lx is written, which is not of a ring",
						  page_to_mfn(page).mfn);
			}
			frame_close(bytes);
		}
		free(page->before);
		free(page->marked);
		page->before = page->marked = NULL;
		page->touched = page->writable_while_mapped = false;
	}
}

void memory_allow_write(const unsigned char *bytes, size_t count)
{
	struct page_info *page = &pages[(size_t)(bytes - arena) / STRIDE];
	size_t offset = (size_t)(bytes - arena) % STRIDE;

	if (!page->touched)
		return;
	memcpy(page->before + offset, bytes, count);
	memcpy(page->marked + offset, bytes, count);
}

bool frame_is_held(const struct domain *d, unsigned int frame)
{
	return pages[d->first_frame + frame].references != 0;
}

void memory_expect_none(void)
{
	for (unsigned int i = 0; i < FRAMES; i++)
		pages[i].expected = pages[i].expected_maps = 0;
}

void memory_expect(unsigned long mfn, bool mapped)
{
	struct page_info *page = mfn_to_page(_mfn(mfn));

	page->expected++;
	page->expected_maps += mapped;
}

void memory_compare(void)
{
	for (unsigned int i = 0; i < FRAMES; i++) {
		const struct page_info *page = &pages[i];

		if (page->references != page->expected || page->writable != page->expected)
			violation("frame %u has %u references and %u writable types, rings account for %u", i,
				  page->references, page->writable, page->expected);
		if (page->maps || page->global_maps != page->expected_maps)
			violation("frame %u is mapped %u times, rings account for %u", i,
				  page->maps + page->global_maps, page->expected_maps);
	}
}
