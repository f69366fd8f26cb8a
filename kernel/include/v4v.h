/* SPDX-License-Identifier: MIT */
/*
 * V4V: data between domains, copied by the hypervisor.
 *
 * A domain registers rings in memory of its own; another domain sends to a
 * ring, and the hypervisor copies from the sender's frames into the ring. No
 * page is ever shared between domains and no third domain is in the path.
 *
 * This header is the whole interface between guest and hypervisor (version 1.1).
 * All structures have the same layout for 32-bit and 64-bit guests, little
 * endian; reserved fields are zero. Sizes are in bytes. Errors are negative
 * errno values of Xen (xen/include/public/errno.h).
 *
 * The concept is that of the paper this testbed reproduces (A. Nanos et al.,
 * V4VSockets) and of the Xen client project's V4V; the interface is our own.
 */
#ifndef __XEN_PUBLIC_V4V_H__
#define __XEN_PUBLIC_V4V_H__

/* Hypercall and virtual interrupt: free in Xen 4.20 (Argo has 39 and 11). */
#define __HYPERVISOR_v4v_op         43
#define VIRQ_V4V                    14

/* Major version in the upper half: another one is another interface. */
#define V4V_ABI_VERSION             0x00010001U

/* A ring that takes messages from every domain. */
#define V4V_ANY                     0x7ff4U

#define V4V_FRAME_SIZE              4096U
/* Ring data: a power of two within these bounds. */
#define V4V_RING_MIN                4096U
#define V4V_RING_MAX                (4U << 20)
/* Most bytes one V4VOP_sendv takes: bounds the time spent in the copy. */
#define V4V_SEND_MAX                (256U << 10)
/* Most pieces of one V4VOP_sendv. */
#define V4V_IOV_MAX                 1024U
/* Most rings of one domain. */
#define V4V_RINGS_MAX               1024U
/* Most ring data of one domain. */
#define V4V_RING_BYTES_MAX          (64U << 20)
/* Every message starts at a multiple of this in the ring. */
#define V4V_MESSAGE_ALIGN           16U
/* Most rules in the table. */
#define V4V_RULES_MAX               256U

/* Operations: HYPERVISOR_v4v_op(cmd, pointer to the structure named). */
#define V4VOP_info                  0   /* struct v4v_info */
#define V4VOP_register_ring         1   /* struct v4v_register_ring */
#define V4VOP_unregister_ring       2   /* struct v4v_ring_id */
#define V4VOP_sendv                 3   /* struct v4v_sendv */
#define V4VOP_notify                4   /* struct v4v_ring_id */
/*
 * Version 1.1; the control domain only, -EPERM for all others. With XSM its
 * policy says who may (-EPERM or -EACCES).
 */
#define V4VOP_insert_rule           5   /* struct v4v_rule_at */
#define V4VOP_delete_rule           6   /* struct v4v_rule_at */
#define V4VOP_flush_rules           7   /* no structure */
#define V4VOP_set_policy            8   /* struct v4v_policy */
#define V4VOP_zero_rules            9   /* no structure */
#define V4VOP_list_rules            10  /* struct v4v_list_rules */
#define V4VOP_replace_rules         11  /* struct v4v_replace_rules */

/* An end point: a ring's port and the domain that owns it. */
struct v4v_addr {
    uint32_t port;
    uint16_t domid;
    uint16_t reserved;
};

/*
 * V4VOP_info: what this hypervisor offers, and who the caller is.
 *
 * The caller sets `version` to what it was built for; -ENOSYS means that its
 * major version is not served (`version` is filled in all the same).
 */
struct v4v_info {
    uint32_t version;           /* IN, OUT */
    uint16_t domid;             /* OUT: the caller's own */
    uint16_t reserved;
    uint32_t ring_max;          /* OUT: data bytes of one ring */
    uint32_t rings_max;         /* OUT: rings of one domain */
    uint32_t ring_bytes_max;    /* OUT: data bytes of all rings of a domain */
    uint32_t send_max;          /* OUT: bytes of one V4VOP_sendv */
};

/* A ring of the caller: its port, and whom it takes messages from. */
struct v4v_ring_id {
    uint32_t port;
    uint16_t partner;           /* domid or V4V_ANY */
    uint16_t reserved;
};

/*
 * V4VOP_register_ring: from now on messages to this port arrive in `frames`.
 *
 * The first frame holds struct v4v_ring (zeroed by the hypervisor), the others
 * the data. They are the caller's own ordinary memory, and stay in use until
 * V4VOP_unregister_ring returns or the domain dies.
 *
 * -EINVAL    size, count, reserved fields or a frame are not acceptable
 * -EBUSY     a frame is in transition (paging, sharing); try again
 * -ENOMEM    the hypervisor is out of memory
 * -EEXIST    the caller has a ring with this port and partner
 * -ENOSPC    the caller's quota of rings or ring memory is used up
 * -ESRCH     there is no such partner, or it is dying
 * -EPERM, -EACCES  XSM does not allow it
 * -EFAULT    the structure or the frame list cannot be read
 */
struct v4v_register_ring {
    struct v4v_ring_id id;
    uint32_t size;              /* data bytes */
    uint32_t nr_frames;         /* 1 + size / V4V_FRAME_SIZE */
    uint64_t frames;            /* guest address of uint64_t[nr_frames] (gfn) */
};

/* The first frame of a ring. Counters are free running, modulo 2^32. */
struct v4v_ring {
    /* Written by the hypervisor. */
    uint32_t tx;                /* bytes put in since registration */
    uint32_t state;             /* V4V_RING_* */
    uint32_t waiting;           /* not zero: senders wait for space */
    uint32_t reserved0[13];
    /* Written by the owner. */
    uint32_t rx;                /* bytes taken out since registration */
    /*
     * VIRQ_V4V is raised when tx moves past this position, and not before: set
     * it to the tx that was seen, then look at tx again, then sleep. Nobody
     * resets it, so no reset can take away what the owner has just asked for.
     */
    uint32_t event_at;
    uint32_t reserved1[14];
};

/* The partner is gone; nothing more will come, not even from a new domain with its number. */
#define V4V_RING_PARTNER_GONE       1U

/*
 * A message in the ring: this header at a multiple of V4V_MESSAGE_ALIGN, then
 * `length` bytes that may wrap around the ring's end, then padding up to the
 * next multiple. `src.domid` is the hypervisor's word, the rest the sender's.
 */
struct v4v_message {
    uint32_t length;
    uint32_t type;
    struct v4v_addr src;
};

/* A piece of the caller's memory within one frame: offset + length <= V4V_FRAME_SIZE. */
struct v4v_iov {
    uint64_t gfn;
    uint32_t offset;
    uint32_t length;
};

/*
 * V4VOP_sendv: one message to a ring; the pieces follow the structure.
 *
 * Returns the number of bytes taken: `length`, or with V4V_SEND_PARTIAL what
 * fitted. When less than `length` was taken, or for -EAGAIN, the caller gets
 * VIRQ_V4V once the ring has room (a quarter of it, or for the rest).
 * A domain that is shut down, which it is while it is saved, has no room.
 *
 * -EAGAIN        no room now
 * -EACCES        a rule, or the policy, drops it; whether there is a ring is not said
 * -EPERM, -EACCES  XSM does not allow it; neither is it said then
 * -ECONNREFUSED  no such ring, or not for the caller
 * -EMSGSIZE      the message can never fit
 * -EINVAL        the pieces are shorter than `length`, or out of their frame
 * -ENOMEM        no room now, and no memory to note that the caller waits
 * -EFAULT        the structure or a frame cannot be read
 */
struct v4v_sendv {
    struct v4v_addr dst;
    uint32_t src_port;
    uint32_t type;
    uint32_t flags;             /* V4V_SEND_* */
    uint32_t length;
    uint32_t nr_iov;
    uint32_t reserved;
    /* struct v4v_iov[nr_iov] */
};

/* Take as much as fits instead of all or nothing. */
#define V4V_SEND_PARTIAL            1U

/*
 * V4VOP_notify: the caller has taken messages out of this ring of its own
 * while `waiting` was set; senders for which there is room now are told.
 *
 * V4VOP_unregister_ring and V4VOP_notify: -ENOENT without such a ring, -EINVAL
 * for a reserved field that is not zero, -EFAULT; V4VOP_notify also
 * -ECONNREFUSED when the ring's `rx` makes no sense.
 */

/*
 * Rules: which messages V4VOP_sendv takes. There is one table for the machine.
 * A message is judged by the first rule that it matches, and by the policy if
 * it matches none; accepted from anyone to anyone is how a machine starts.
 *
 * The domains are the hypervisor's word, and so is the destination's port: it
 * is that of the ring. The source's port is the sender's word: a rule with
 * V4V_RULE_SRC_PORT sorts messages of domains that are honest, no others.
 *
 * Rules are about domains that live. When one dies, the rules that name it go:
 * they say nothing about a later domain with the same number. (A soft reset is
 * no death here: the rules stay.)
 */
struct v4v_rule {
    uint32_t src_port;          /* with V4V_RULE_SRC_PORT, else zero */
    uint32_t dst_port;          /* with V4V_RULE_DST_PORT, else zero */
    uint16_t src_domid;         /* or V4V_ANY */
    uint16_t dst_domid;         /* or V4V_ANY */
    uint16_t flags;             /* V4V_RULE_*: ports that have to match */
    uint16_t target;            /* V4V_ACCEPT or V4V_DROP */
};

#define V4V_RULE_SRC_PORT           1U
#define V4V_RULE_DST_PORT           2U

#define V4V_ACCEPT                  0U
#define V4V_DROP                    1U

/*
 * V4VOP_insert_rule: the rule gets this position, those from there on move up
 * by one. V4VOP_delete_rule: the rule at this position goes, or with
 * V4V_RULE_MATCH the first one that equals `rule`. Positions count from zero.
 *
 * -EINVAL  an unknown flag or target; a port without its flag; reserved field
 * -ENOENT  no such position, no such rule
 * -ENOSPC  V4V_RULES_MAX rules are there
 * -ESRCH   a domain that it names does not live or has no V4V
 * -ENOMEM, -EFAULT
 */
struct v4v_rule_at {
    struct v4v_rule rule;
    uint32_t position;          /* or V4V_RULE_END, V4V_RULE_MATCH */
    uint32_t reserved;
};

#define V4V_RULE_END                0xffffffffU /* insert: behind the last one */
#define V4V_RULE_MATCH              0xffffffffU /* delete: by the rule itself */

/*
 * V4VOP_set_policy: what becomes of messages that match no rule; its counters
 * start anew, unless it was the policy already. -EINVAL, -ENOMEM, -EFAULT.
 *
 * V4VOP_flush_rules takes all rules out at once and leaves the policy,
 * V4VOP_zero_rules sets all counters to zero, the policy's too. -ENOMEM.
 */
struct v4v_policy {
    uint32_t target;            /* V4V_ACCEPT or V4V_DROP */
    uint32_t reserved;
};

/*
 * A rule and what it has judged. Of accepted messages those are counted that
 * got into their ring, with the bytes taken; of dropped ones all that were
 * sent, with the bytes that they would have had (V4V_SEND_MAX at most).
 */
struct v4v_rule_entry {
    struct v4v_rule rule;
    uint64_t packets;
    uint64_t bytes;
};

/*
 * V4VOP_list_rules: the rules from position `first` on, as many as there is
 * room for. `generation` changes with each change of rules or policy, so that
 * a caller who reads in pages knows whether they are of one table.
 *
 * -EINVAL for a reserved field that is not zero, -ENOMEM, -EFAULT.
 */
struct v4v_list_rules {
    uint32_t first;
    uint32_t nr;                /* IN: room; OUT: rules written */
    uint32_t total;             /* OUT: rules in the table */
    uint32_t max;               /* OUT: V4V_RULES_MAX */
    uint32_t generation;        /* OUT */
    uint32_t policy;            /* OUT: V4V_ACCEPT or V4V_DROP */
    uint64_t policy_packets;    /* OUT */
    uint64_t policy_bytes;      /* OUT */
    uint64_t entries;           /* guest address of struct v4v_rule_entry[nr] */
    uint64_t reserved;
};

/*
 * V4VOP_replace_rules: these rules and this policy, in one step: a message is
 * judged by the old table or by the new one. A rule that was there before, and
 * an unchanged policy, keep their counters, unless V4V_RULES_ZERO is set.
 *
 * Errors as V4VOP_insert_rule; the table is as before then.
 */
struct v4v_replace_rules {
    uint32_t nr;
    uint32_t policy;            /* V4V_ACCEPT or V4V_DROP */
    uint32_t flags;             /* 0 or V4V_RULES_ZERO */
    uint32_t reserved;
    uint64_t rules;             /* guest address of struct v4v_rule[nr] */
};

#define V4V_RULES_ZERO              1U

#endif /* __XEN_PUBLIC_V4V_H__ */
