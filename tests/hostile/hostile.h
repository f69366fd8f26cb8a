/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A hostile guest of V4V: random and crafted calls, from all CPUs at once, on
 * structures that other CPUs change meanwhile. It harms nobody if the hypervisor
 * is right; its own domain survives because it lets the hypervisor write into
 * memory of its own only (the arena).
 */
#ifndef HOSTILE_H
#define HOSTILE_H

#include <linux/completion.h>
#include <linux/types.h>

#include "v4v.h"

/* One a CPU. */
#define MOST_ATTACKERS 4
/* Results are counted by errno; Xen's are below. */
#define RESULTS 128

/*
 * Ports of rings: only these are ever registered, whatever else is asked for,
 * so that all rings can be found again at the end.
 */
#define PORTS 24
#define STORM_PORT 0x10000
#define STORM_PORTS (V4V_RINGS_MAX + 16)

struct attacker {
	struct task_struct *task;
	struct completion done;
	u64 random;
	/*
	 * In the arena: its next call. Each structure has a place of its own:
	 * what another attacker reads while this one writes there must not be a
	 * registration with the port of a message.
	 */
	struct v4v_register_ring *registration;
	u64 *list;
	struct v4v_ring_id *id;
	struct v4v_sendv *message;
	u64 calls;
	/* By -errno; 0 for those that were taken. */
	u64 results[RESULTS];
};

extern struct attacker attackers[MOST_ATTACKERS];
extern unsigned int nr_attackers;

/* Partners that rings are registered for: living, dead and impossible ones. */
extern u16 partners[];
extern unsigned int nr_partners;
extern u16 own_domid;

/* calls.c */
long hostile_call(struct attacker *a, unsigned int op, void *arg);
void attack_info(struct attacker *a);
void attack_register(struct attacker *a);
void attack_unregister(struct attacker *a);
void attack_notify(struct attacker *a);
/* Any operation at any address. */
void attack_raw(struct attacker *a);
u16 any_domid(struct attacker *a);
u32 any_port(struct attacker *a);
/* Fills in a registration that is right. */
void describe_ring(struct attacker *a, u32 port, u16 partner, u32 size);

/* send.c */
void attack_send(struct attacker *a);
/* One short message. */
long send_short(struct attacker *a, u16 domid, u32 port, u32 length);

/* storm.c */
void attack_storm(struct attacker *a);
void attack_flood(struct attacker *a);
void attack_rebind(struct attacker *a);
/* Whether the domain's own V4V module is out of the way. */
int claim_domain(struct attacker *a);
/* Gives everything back that was ever registered or bound. */
void end_storms(struct attacker *a);

#endif
