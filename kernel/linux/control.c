// SPDX-License-Identifier: GPL-2.0-only
/*
 * V4V: the control ring, its worker, and messages that wait for room.
 */
#define pr_fmt(fmt) "v4v: " fmt

#include <linux/bitmap.h>
#include <linux/list.h>
#include <linux/net.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include "connection.h"
#include "control.h"
#include "hypercall.h"
#include "ring.h"
#include "send.h"

/* 512 messages. */
#define CONTROL_RING_SIZE	(32 * 1024)
/* Messages of ours that may wait for room; beyond that a peer is hostile or dead. */
#define MAX_WAITING		4096
/* Messages handled in one go. */
#define WORK_BUDGET		256

struct waiting_message {
	struct list_head node;
	u16 domid;
	struct v4v_control message;
};

static struct v4v_rx control_ring;
static struct workqueue_struct *queue;
static void work(struct work_struct *unused);
static DECLARE_WORK(control_work, work);

static DEFINE_SPINLOCK(waiting_lock);
static LIST_HEAD(waiting);
static unsigned int nr_waiting;
/* Of the message being sent, so that a close needs no memory; under the lock, too. */
static struct v4v_call *call;
/* Domains that had no room in this pass over @waiting; under its lock. */
static DECLARE_BITMAP(refused, V4V_ANY);

/* Under waiting_lock. */
static int send_now(u16 domid, const struct v4v_control *message)
{
	struct v4v_addr dst = { .port = V4V_CONTROL_PORT, .domid = domid };

	return v4v_tx_message(call, dst, V4V_CONTROL_PORT, V4V_TYPE_CONTROL,
			      message, sizeof(*message));
}

static bool waits_for(u16 domid)
{
	struct waiting_message *entry;

	list_for_each_entry(entry, &waiting, node)
		if (entry->domid == domid)
			return true;
	return false;
}

int v4v_control_send(u16 domid, const struct v4v_control *message)
{
	struct waiting_message *entry;
	unsigned long flags;
	int err;

	/* Order matters per domain: nothing overtakes what waits already. */
	spin_lock_irqsave(&waiting_lock, flags);
	err = waits_for(domid) ? -EAGAIN : send_now(domid, message);
	if (err == -EAGAIN || err == -ENOMEM) {
		entry = nr_waiting < MAX_WAITING ? kmalloc(sizeof(*entry), GFP_ATOMIC) : NULL;
		if (entry) {
			entry->domid = domid;
			entry->message = *message;
			list_add_tail(&entry->node, &waiting);
			nr_waiting++;
			err = 0;
		} else {
			err = -ENOBUFS;
		}
	}
	spin_unlock_irqrestore(&waiting_lock, flags);
	return err;
}

static void send_waiting(void)
{
	struct waiting_message *entry, *next;
	unsigned long flags;

	spin_lock_irqsave(&waiting_lock, flags);
	bitmap_zero(refused, V4V_ANY);
	list_for_each_entry_safe(entry, next, &waiting, node) {
		int err;

		/* One refusal a domain: what comes later must not overtake what waits. */
		if (test_bit(entry->domid, refused))
			continue;
		err = send_now(entry->domid, &entry->message);
		if (err == -EAGAIN || err == -ENOMEM) {
			__set_bit(entry->domid, refused);
			continue;
		}
		/* Sent, or the domain is gone and nobody is left to care. */
		list_del(&entry->node);
		nr_waiting--;
		kfree(entry);
	}
	spin_unlock_irqrestore(&waiting_lock, flags);
}

static void handle(const struct v4v_message *header, const struct v4v_control *message)
{
	if (header->type != V4V_TYPE_CONTROL || message->version != V4V_CONTROL_VERSION) {
		pr_warn_ratelimited("message of type %u, version %u from domain %u ignored\n",
				    header->type, message->version, header->src.domid);
		return;
	}
	switch (message->op) {
	case V4V_OP_REQUEST:
		v4v_conn_requested(header->src.domid, message);
		break;
	case V4V_OP_RESPONSE:
		v4v_conn_answered(header->src.domid, message);
		break;
	case V4V_OP_SHUTDOWN:
		v4v_conn_shut_down(header->src.domid, message);
		break;
	case V4V_OP_RESET:
		v4v_conn_reset(header->src.domid, message);
		break;
	default:
		pr_warn_ratelimited("operation %u from domain %u ignored\n",
				    message->op, header->src.domid);
	}
}

static void work(struct work_struct *unused)
{
	unsigned int budget = WORK_BUDGET;
	struct v4v_control message;
	struct v4v_message header;
	ssize_t len;

	send_waiting();
	do {
		while ((len = v4v_rx_message(&control_ring, &header, &message,
					     sizeof(message))) != -EAGAIN) {
			/* Room first: an answer may need the sender to go on. */
			v4v_rx_release(&control_ring);
			if (len == sizeof(message))
				handle(&header, &message);
			if (!--budget) {
				/* A flood must not keep what waits for room waiting. */
				queue_work(queue, &control_work);
				return;
			}
		}
	} while (!v4v_rx_arm(&control_ring));
}

void v4v_control_event(void)
{
	if (v4v_rx_news(&control_ring) || READ_ONCE(nr_waiting))
		queue_work(queue, &control_work);
}

int v4v_control_start(void)
{
	int err;

	call = kzalloc(sizeof(*call), GFP_KERNEL);
	if (!call)
		return -ENOMEM;
	err = -ENOMEM;
	queue = alloc_ordered_workqueue("v4v", WQ_HIGHPRI | WQ_MEM_RECLAIM);
	if (!queue)
		goto no_queue;
	err = v4v_rx_open(&control_ring, V4V_CONTROL_PORT, V4V_ANY, CONTROL_RING_SIZE);
	if (err)
		goto no_ring;
	queue_work(queue, &control_work);
	return 0;

no_ring:
	destroy_workqueue(queue);
no_queue:
	kfree(call);
	return err;
}

void v4v_control_stop(void)
{
	struct waiting_message *entry, *next;

	v4v_rx_unregister(&control_ring);
	destroy_workqueue(queue);
	list_for_each_entry_safe(entry, next, &waiting, node)
		kfree(entry);
	INIT_LIST_HEAD(&waiting);
	nr_waiting = 0;
	v4v_rx_free(&control_ring);
	kfree(call);
}
