#include <kernel.h>

#include <stdio.h>

#include "check.h"

void (*on_barrier)(void);
void (*on_unlocked)(void);
unsigned int failing_allocation, kernel_blocks;
long pinned_pages;
unsigned long shim_pages;

static struct page *pinned[4096];

void kernel_start(void)
{
	on_barrier = on_unlocked = NULL;
	failing_allocation = kernel_blocks = 0;
	pinned_pages = 0;
	shim_pages = 1ul << 20;
}

void kernel_stop(void)
{
	if (kernel_blocks)
		violation("%u blocks of memory are left", kernel_blocks);
	if (pinned_pages)
		violation("%ld pages are left pinned", pinned_pages);
}

void *kernel_alloc(size_t size, bool whole_pages, bool zero)
{
	unsigned char *block;

	if (failing_allocation && !--failing_allocation)
		return NULL;
	block = whole_pages ? aligned_alloc(PAGE_SIZE, size) : malloc(size);
	memset(block, zero ? 0 : 0xa7, size);
	kernel_blocks++;
	return block;
}

void kernel_free(const void *block)
{
	if (!block)
		return;
	kernel_blocks--;
	free((void *)block);
}

static size_t accessible(const struct iov_iter *iter, size_t length)
{
	size_t n = iter->count - iter->done;

	n = n < length ? n : length;
	if (iter->fault_at && iter->done + n > iter->fault_at)
		n = iter->fault_at > iter->done ? iter->fault_at - iter->done : 0;
	return n;
}

size_t copy_to_iter(const void *from, size_t length, struct iov_iter *to)
{
	size_t n = accessible(to, length);

	memcpy(to->buffer + to->done, from, n);
	to->done += n;
	return n;
}

size_t copy_from_iter(void *to, size_t length, struct iov_iter *from)
{
	size_t n = accessible(from, length);

	memcpy(to, from->buffer + from->done, n);
	from->done += n;
	return n;
}

void iov_iter_revert(struct iov_iter *iter, size_t length)
{
	if (length > iter->done)
		violation("an iterator is taken back to before its start");
	else
		iter->done -= length;
}

ssize_t iov_iter_extract_pages(struct iov_iter *from, struct page ***pages, size_t most, unsigned int most_pages, int flags,
			       size_t *offset)
{
	unsigned char *start = from->buffer + from->done;
	size_t length = accessible(from, most), room;

	(void)flags;
	*offset = offset_in_page(start);
	room = most_pages * PAGE_SIZE - *offset;
	length = length < room ? length : room;
	if (from->no_pages_at && from->done + length > from->no_pages_at)
		length = from->no_pages_at > from->done ? from->no_pages_at - from->done : 0;
	if (from->segment && length > from->segment - from->done % from->segment)
		length = from->segment - from->done % from->segment;
	if (!length)
		return from->done < from->count ? -EFAULT : 0;
	for (size_t i = 0; i < DIV_ROUND_UP(*offset + length, PAGE_SIZE); i++) {
		(*pages)[i] = page_of(start + i * PAGE_SIZE);
		if (!from->of_user)
			continue;
		if (pinned_pages == ARRAY_SIZE(pinned))
			abort();
		pinned[pinned_pages++] = (*pages)[i];
	}
	from->done += length;
	return (ssize_t)length;
}

u64 shim_clock;
void (*on_relax)(void);
void (*on_unlock)(void);
bool signal_came;

void unpin_user_pages(struct page **pages, unsigned long count)
{
	for (unsigned long i = 0; i < count; i++) {
		long at = 0;

		while (at < pinned_pages && pinned[at] != pages[i])
			at++;
		if (at == pinned_pages)
			violation("other pages are unpinned than were pinned");
		else
			pinned[at] = pinned[--pinned_pages];
	}
}
