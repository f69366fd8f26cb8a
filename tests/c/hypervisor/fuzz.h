/* The parts of the hostile guests: domains, what is known of their rings, and what happens behind a call's back. */
#ifndef FUZZ_H
#define FUZZ_H

#include <stdlib.h>
#include <string.h>

#include <xen/sched.h>
#include <xen/v4v.h>

#include "guest.h"
#include "random.h"

/* Domains come and go, under few numbers so that these are used again. */
#define NUMBERS 5u
#define PORTS 6u

enum life { ABSENT, ALIVE, DYING, ZOMBIE };

struct guest {
	struct domain *d;
	enum life life;
};

extern struct guest guests[NUMBERS];

uint16_t number_of(unsigned int index);
/* A domain that can call: one that is dying or shut down is paused. NULL if there is none. */
struct domain *any_guest(void);
/* A domain's number, now and then one that is not in use. */
uint16_t any_domid(void);
void begin_life(unsigned int index);
/* One step nearer to the end. */
void end_life(unsigned int index);

/* fuzz_rings.c: rings that the hypervisor said it has taken. */
struct known {
	struct ring ring;
	/* Its frames follow each other and are in no other ring: what is in them came by messages. */
	bool clean;
};

void rings_forget_all(void);
void rings_forget_owner(const struct domain *d);
void rings_add(const struct ring *ring, bool clean);
void rings_remove(const struct domain *d, uint32_t port, uint16_t partner);
/* Whether no ring of the domain may lie in memory that it sends from. */
bool rings_are_clean(const struct domain *d);
/* NULL if there is none. */
struct known *any_ring(void);
struct known *ring_for(const struct domain *owner, uint32_t port, uint16_t sender);

/* fuzz_hooks.c: sets what other processors do during the next call; true if the owner's words may change. */
bool meddle(struct domain *caller);
void stop_meddling(void);
void spoil_words(struct ring *ring);

/* fuzz_rules.c: what the rules must be; a domain's go with it. */
void fuzz_rules(struct domain *d);
void rules_forget_all(void);
void rules_forget_domain(uint16_t domid);
/* The rule that judges a message, or the policy, with counters for the caller to keep. */
struct v4v_rule_entry *rules_judge(uint16_t src, uint32_t src_port, uint16_t dst, uint32_t dst_port);

/* fuzz_send.c */
void fuzz_send(struct domain *d);

#endif
