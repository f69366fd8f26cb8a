/* What Xen's C files take for granted: types, assertions, arithmetic, barriers. */
#ifndef SHIM_XEN_LIB_H
#define SHIM_XEN_LIB_H

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../machine.h"

typedef uint16_t domid_t;

#define always_inline inline __attribute__((always_inline))
#define container_of(ptr, type, member) ((type *)((char *)(ptr) - offsetof(type, member)))
#define BUILD_BUG_ON(cond) ({ _Static_assert(!(cond), #cond); })
#define ROUNDUP(x, a) (((x) + (a) - 1) & ~((a) - 1))

/* As in Xen, operands of different types do not compile. */
#define min(x, y)                        \
	({                               \
		const typeof(x) x_ = (x); \
		const typeof(y) y_ = (y); \
		(void)(&x_ == &y_);      \
		x_ < y_ ? x_ : y_;       \
	})
#define min_t(type, x, y)          \
	({                         \
		type x_ = (x);     \
		type y_ = (y);     \
		x_ < y_ ? x_ : y_; \
	})

/* As in a debug build: what is asserted is what the authors rely on. */
#define ASSERT(condition) ((condition) ? (void)0 : machine_assertion(#condition, __FILE__, __LINE__))

/* Frames have two names at times (a domain that sends from its own ring): Xen's copy does not mind. */
#define memcpy(to, from, n) memmove(to, from, n)

#define ACCESS_ONCE(x) (*(volatile typeof(x) *)&(x))

/* Words that a guest may change at any time, and the order in which it sees ours. */
#define read_atomic(p)                                        \
	({                                                    \
		typeof(*(p)) v_ = *(const volatile typeof(*(p)) *)(p); \
		machine_word_read(p);                         \
		v_;                                           \
	})
#define write_atomic(p, x)                                \
	({                                                \
		*(volatile typeof(*(p)) *)(p) = (x);      \
		machine_word_written(p);                  \
	})
#define smp_mb() machine_barrier(true)
#define smp_wmb() machine_barrier(false)

/* A function that is called by its address. */
#define cf_check

/* To the console (console.c): %u, %c, and %pd for a domain. */
void printk(const char *format, ...);

#endif
