/*
 * The machine below the hypervisor's code: memory, heap, locks and domains that keep account of themselves.
 *
 * What no code may do (unbalanced references, wrong lock order, touching what is not mapped) is a violation: it is
 * printed and fails the running test. What only some tests care for is counted in `machine`.
 */
#ifndef MACHINE_H
#define MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "violation.h"

#define FRAME_SIZE 4096u
/* Frame numbers (of the machine; guests are PV, so theirs are the same) start here. */
#define FIRST_MFN 0x1000u
/* Where every guest's memory starts, as its own addresses go. */
#define GUEST_BASE 0x40000000ul
/* Frames of a domain: its calls, its data to send, and the largest ring. */
#define DOMAIN_FRAMES 1280u
#define MAX_DOMAINS 6u
#define MAX_CPUS 3u

struct domain;
struct page_info;
struct v4v_ring_info;

/* What a security module is asked. */
enum xsm_hook { XSM_REGISTER_ANY, XSM_REGISTER_SINGLE, XSM_SEND, XSM_LIST_RULES, XSM_CHANGE_RULES };

struct machine {
	/* The n-th allocation (or global mapping) from now fails; 0 for none. */
	unsigned int failing_allocation;
	/* A guest word that the hypervisor reads twice is a violation, unless the structures themselves overlap. */
	bool may_read_twice;
	/* Frames that were written after they were last marked dirty. */
	unsigned int unmarked_frames;
	unsigned int heap_blocks;
	/* Frames looked up and mapped, and reads of guest memory: what a hypercall's time goes by. */
	unsigned int steps;
	/* The one that runs. */
	unsigned int cpu;
	/* What other processors do in the meantime. */
	void (*on_guest_read)(struct domain *d, unsigned long address, unsigned long count);
	void (*on_word_read)(const void *address);
	void (*on_word_written)(const void *address);
	void (*on_barrier)(bool full);
	void (*on_frame_written)(void);
	void (*on_event)(struct domain *d);
	/* The security module: zero to allow `d` this (to `t`, if it is about another), or an error. NULL: Xen's dummy. */
	int (*xsm)(enum xsm_hook hook, const struct domain *d, const struct domain *t);
};

extern struct machine machine;

_Noreturn void machine_assertion(const char *condition, const char *file, int line);

/* Empty memory and no domain; the end checks that nothing is left of the hypervisor's. */
void machine_start(void);
void machine_stop(void);

/* NULL if the hypervisor refuses. */
struct domain *machine_create_domain(uint16_t domid);
/* Its rings go, then its memory; the structure stays as that of a zombie does. */
void machine_kill_domain(struct domain *d);
/* The last reference to a zombie. */
void machine_destroy_domain(struct domain *d);
void machine_soft_reset(struct domain *d);
/* As domain_resume() does it in place. */
void machine_resume(struct domain *d);
struct domain *machine_find_domain(uint16_t domid);
struct domain *machine_first(void);
struct domain *machine_next(const struct domain *d);

/* A hypercall of the domain's, with the audit behind it. */
long machine_hypercall(struct domain *d, unsigned int cmd, unsigned long address);
/* Compares what domains have with what is referenced, mapped, allocated and locked. */
void machine_audit(void);
/* Puts an empty ring's producer where it would be after 4 GiB or so; the owner's words are the test's to set. */
void machine_move_ring(struct domain *d, uint32_t port, uint16_t partner, uint32_t position);
/* Where the producer of a ring is by the hypervisor's own account; false if it has no such ring. */
bool machine_ring_tx(struct domain *d, uint32_t port, uint16_t partner, uint32_t *tx);

/* console.c: what was printed since the last key, after a debug key was pressed. */
const char *machine_press(unsigned char key);

/* memory.c */
void memory_start(void);
void memory_stop(void);
void memory_assign(struct domain *d);
void memory_take_back(struct domain *d);
unsigned long frame_mfn(const struct domain *d, unsigned int frame);
/* Its bytes, for the guest itself; NULL out of bounds. */
unsigned char *frame_bytes(const struct domain *d, unsigned int frame);
void frame_set_type(struct domain *d, unsigned int frame, int type);
void frame_set_page_table(struct domain *d, unsigned int frame, bool is);
/* Whether the guest's own stores to an address fault. */
bool frame_is_read_only(const struct domain *d, unsigned long address);
/* Which frame a mapped address belongs to. */
bool frame_locate(const void *address, unsigned long *mfn, unsigned int *offset);
/* Bytes of a frame cannot be touched unless mapped: the guests' own access opens them. */
void frame_open(unsigned char *bytes);
void frame_close(unsigned char *bytes);
/* A store that is no business of the hypervisor's mappings, so that it is not taken for theirs. */
void memory_allow_write(const unsigned char *bytes, size_t count);
/* Whether the hypervisor refers to it. */
bool frame_is_held(const struct domain *d, unsigned int frame);
void memory_operation_begins(void);
void memory_operation_ends(void);
void memory_expect_none(void);
void memory_expect(unsigned long mfn, bool mapped);
void memory_compare(void);

/* guest_access.c */
void guest_access_begins(void);
/* The guest's own load and store; false out of bounds. */
bool guest_write(struct domain *d, unsigned long address, const void *from, size_t count);
bool guest_read(struct domain *d, unsigned long address, void *to, size_t count);
bool guest_fill(struct domain *d, unsigned long address, int byte, size_t count);

/* heap.c */
void *machine_alloc(size_t size, size_t count, bool zero);
/* Zeroed. */
void *machine_alloc_aligned(size_t alignment, size_t size);
void machine_free(void *block);
/* Counts down machine.failing_allocation. */
bool allocation_fails(void);

/* locks.c */
/* Whether another processor could go on now whatever lock it needs. */
bool locks_are_free(void);
void locks_expect_free(void);
/* audit.c: gives the table of rules back, whose end is that of the machine. */
void machine_forget_rules(void);

/* domains.c: frees what was waiting for the end of all RCU readers. */
void machine_quiesce(void);

/* Called by the accessors of shared words. */
void machine_word_read(const void *address);
void machine_word_written(const void *address);
void machine_barrier(bool full);

#endif
