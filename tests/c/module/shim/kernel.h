/*
 * What the module's files take from Linux, as far as it can be had in a process: memory that is counted and may run
 * out, pages that are their addresses, iterators over one buffer. A word of warning of the kernel's is a violation
 * here, and fails the running test.
 */
#ifndef KERNEL_H
#define KERNEL_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#include "violation.h"

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef unsigned long long u64;
typedef long long s64;

#define U16_MAX UINT16_MAX
#define U32_MAX UINT32_MAX
#define S32_MAX INT32_MAX
#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

#define container_of(ptr, type, member) ((type *)((char *)(ptr) - offsetof(type, member)))
#define BUILD_BUG_ON(condition) _Static_assert(!(condition), #condition)
#define unlikely(x) (x)
#define DIV_ROUND_UP(n, d) (((n) + (d) - 1) / (d))

#define max_t(type, x, y)          \
	({                         \
		type x_ = (x);     \
		type y_ = (y);     \
		x_ > y_ ? x_ : y_; \
	})
#define min_t(type, x, y)          \
	({                         \
		type x_ = (x);     \
		type y_ = (y);     \
		x_ < y_ ? x_ : y_; \
	})
#define min(x, y)                         \
	({                                \
		const typeof(x) x_ = (x); \
		const typeof(y) y_ = (y); \
		(void)(&x_ == &y_);       \
		x_ < y_ ? x_ : y_;        \
	})
#define clamp(x, low, high) max(min(x, high), low)
#define max(x, y)                         \
	({                                \
		const typeof(x) x_ = (x); \
		const typeof(y) y_ = (y); \
		x_ > y_ ? x_ : y_;        \
	})
#define clamp_t(type, x, low, high) min_t(type, max_t(type, x, low), high)

/* Called at each barrier: what the other side does meanwhile. */
extern void (*on_barrier)(void);

#define READ_ONCE(x) (*(const volatile typeof(x) *)&(x))
#define WRITE_ONCE(x, value) (*(volatile typeof(x) *)&(x) = (value))
#define smp_load_acquire(p) READ_ONCE(*(p))
#define smp_store_release(p, value) WRITE_ONCE(*(p), value)
#define mb() ((void)(on_barrier ? on_barrier() : (void)0))
#define smp_mb() mb()

/* Time in ns, which passes by 100 with each look at it; what happens while a reader looks out for a message. */
extern u64 shim_clock;
extern void (*on_relax)(void);
/* What another thread does as soon as a mutex is free. */
extern void (*on_unlock)(void);
extern bool signal_came;
static inline u64 local_clock(void)
{
	return shim_clock += 100;
}
#define cond_resched() ((void)0)
#define cpu_relax() ((void)(on_relax ? on_relax() : (void)0))
#define need_resched() false
#define current NULL
#define signal_pending(task) ((void)(task), signal_came)
#define NSEC_PER_USEC 1000

#define WARN_ON(condition) ({ bool warn_ = (condition); if (warn_) violation("the kernel warns of %s", #condition); warn_; })
#define WARN_ON_ONCE(condition) WARN_ON(condition)
#define pr_warn_ratelimited(...) ((void)0)
#define pr_err(...) ((void)0)
#define pr_info(...) ((void)0)

typedef struct {
	long value;
} atomic_long_t;
typedef atomic_long_t atomic_t;

#define atomic_long_read(v) ((v)->value)
#define atomic_long_add(n, v) ((void)((v)->value += (n)))
#define atomic_long_sub(n, v) ((void)((v)->value -= (n)))
#define atomic_read(v) ((v)->value)

/* The n-th allocation from now fails; 0 for none. */
extern unsigned int failing_allocation;
extern unsigned int kernel_blocks;

void *kernel_alloc(size_t size, bool whole_pages, bool zero);
void kernel_free(const void *block);

#define GFP_KERNEL 0
#define GFP_ATOMIC 0
#define kzalloc(size, flags) kernel_alloc(size, false, true)
#define kmalloc(size, flags) kernel_alloc(size, false, false)
#define kvzalloc(size, flags) kernel_alloc(size, false, true)
#define kvmalloc(size, flags) kernel_alloc(size, false, false)
#define kvmalloc_array(count, size, flags) kernel_alloc((size_t)(count) * (size), false, false)
#define vzalloc(size) kernel_alloc(size, true, true)
#define kfree(block) kernel_free(block)
#define kfree_rcu(block, head) kernel_free(block)
#define kvfree(block) kernel_free(block)
#define vfree(block) kernel_free(block)

#define PAGE_SIZE 4096ul
/* This machine's memory. */
extern unsigned long shim_pages;
#define totalram_pages() shim_pages
#define offset_in_page(address) ((unsigned long)(address) % PAGE_SIZE)

/* A page is known by its address. */
struct page;

#define page_of(address) ((struct page *)((unsigned long)(address) & ~(PAGE_SIZE - 1)))
#define is_vmalloc_addr(address) false
#define vmalloc_to_page(address) page_of(address)
#define virt_to_page(address) page_of(address)
#define page_address(page) ((void *)(page))
#define xen_page_to_gfn(page) ((u64)((unsigned long)(page) / PAGE_SIZE))
#define alloc_page(flags) ((struct page *)kernel_alloc(PAGE_SIZE, true, false))
#define __free_page(page) kernel_free(page)

/*
 * A user's buffer, in segments of `segment` bytes if not 0; from `fault_at` on it cannot be accessed, from
 * `no_pages_at` on only be copied.
 */
struct iov_iter {
	unsigned char *buffer;
	size_t count, done, fault_at, no_pages_at, segment;
	bool of_user;
};

struct kvec {
	void *iov_base;
	size_t iov_len;
};

#define iov_iter_count(iter) ((iter)->count - (iter)->done)
#define iov_iter_reexpand(iter, n) ((void)((iter)->count = (iter)->done + (n)))
#define iov_iter_truncate(iter, n) iov_iter_reexpand(iter, min_t(size_t, n, iov_iter_count(iter)))

extern long pinned_pages;

size_t copy_to_iter(const void *from, size_t length, struct iov_iter *to);
size_t copy_from_iter(void *to, size_t length, struct iov_iter *from);
void iov_iter_revert(struct iov_iter *iter, size_t length);
ssize_t iov_iter_extract_pages(struct iov_iter *from, struct page ***pages, size_t most, unsigned int most_pages, int flags,
			       size_t *offset);
#define iov_iter_extract_will_pin(iter) ((iter)->of_user)
void unpin_user_pages(struct page **pages, unsigned long count);

void kernel_start(void);
/* Nothing is left allocated, pinned or locked. */
void kernel_stop(void);

#endif
