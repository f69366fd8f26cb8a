/* SPDX-License-Identifier: MIT */
/*
 * V4V: data between domains, copied by the hypervisor.
 *
 * A domain registers rings in memory of its own; another domain sends to a
 * ring, and the hypervisor copies from the sender's frames into the ring. No
 * page is ever shared between domains and no third domain is in the path.
 *
 * This header is the whole interface between guest and hypervisor (version 1).
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
#define V4V_ABI_VERSION             0x00010000U

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

/* Operations: HYPERVISOR_v4v_op(cmd, pointer to the structure named). */
#define V4VOP_info                  0   /* struct v4v_info */
#define V4VOP_register_ring         1   /* struct v4v_register_ring */
#define V4VOP_unregister_ring       2   /* struct v4v_ring_id */
#define V4VOP_sendv                 3   /* struct v4v_sendv */
#define V4VOP_notify                4   /* struct v4v_ring_id */

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
 *
 * -EAGAIN        no room now
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

#endif /* __XEN_PUBLIC_V4V_H__ */
