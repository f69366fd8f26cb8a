// SPDX-License-Identifier: GPL-2.0-only
/*
 * V4V: the control ring, its worker, and messages that wait for room.
 */
#define pr_fmt(fmt) "v4v: " fmt

#include <linux/list.h>
#include <linux/net.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include "connection.h"
#include "control.h"
#include "hypercall.h"
#include "move.h"
#include "ring.h"
#include "send.h"

/* 512 messages. */
#define CONTROL_RING_SIZE	(32 * 1024)
/*
 * Messages of ours that may wait for room with one domain: more than its and our
 * rings can give reason for; beyond that it is hostile or dead. Each domain has
 * its own share, so that one that takes no messages costs the others nothing.
 */
#define MAX_WAITING		2048
/* Messages handled in one go. */
#define WORK_BUDGET		256

struct waiting_message {
	struct list_head node;
	struct v4v_control message;
};

/* What waits for room with one domain, oldest first. Not empty. */
struct backlog {
	struct list_head node;
	u16 domid;
	unsigned int nr;
	struct list_head messages;
};

static struct v4v_rx control_ring;
static struct workqueue_struct *queue;
static void work(struct work_struct *unused);
static DECLARE_WORK(control_work, work);
static void resume(struct work_struct *unused);
static DECLARE_WORK(resume_work, resume);
static u16 former_domid;

static DEFINE_SPINLOCK(waiting_lock);
/* Under the lock; only the worker's queue takes entries out. */
static LIST_HEAD(backlogs);
/* Of the message being sent, so that a close needs no memory; under the lock, too. */
static struct v4v_call *call;

/* Under waiting_lock. */
static int send_now(u16 domid, const struct v4v_control *message)
{
	struct v4v_addr dst = { .port = V4V_CONTROL_PORT, .domid = domid };

	return v4v_tx_message(call, dst, V4V_CONTROL_PORT, V4V_TYPE_CONTROL,
			      message, sizeof(*message));
}

/* Under waiting_lock. */
static struct backlog *backlog_of(u16 domid)
{
	struct backlog *backlog;

	list_for_each_entry(backlog, &backlogs, node)
		if (backlog->domid == domid)
			return backlog;
	return NULL;
}

/* Under waiting_lock. @backlog is the domain's, or NULL if nothing waits yet. */
static int put_off(struct backlog *backlog, u16 domid, const struct v4v_control *message)
{
	struct waiting_message *entry;

	if (backlog && backlog->nr >= MAX_WAITING)
		return -ENOBUFS;
	entry = kmalloc(sizeof(*entry), GFP_ATOMIC);
	if (!entry)
		return -ENOBUFS;
	if (!backlog) {
		backlog = kzalloc(sizeof(*backlog), GFP_ATOMIC);
		if (!backlog) {
			kfree(entry);
			return -ENOBUFS;
		}
		backlog->domid = domid;
		INIT_LIST_HEAD(&backlog->messages);
		list_add_tail(&backlog->node, &backlogs);
		/* The event may have come since it was refused, and found nobody waiting. */
		queue_work(queue, &control_work);
	}
	entry->message = *message;
	list_add_tail(&entry->node, &backlog->messages);
	backlog->nr++;
	return 0;
}

int v4v_control_send(u16 domid, const struct v4v_control *message)
{
	struct backlog *backlog;
	int err;

	/* Order matters per domain: nothing overtakes what waits already. */
	spin_lock(&waiting_lock);
	backlog = backlog_of(domid);
	err = backlog ? -EAGAIN : send_now(domid, message);
	if (err == -EAGAIN || err == -ENOMEM)
		err = put_off(backlog, domid, message);
	spin_unlock(&waiting_lock);
	return err;
}

/* Under waiting_lock, which is let go now and then: others may add, but not take. */
static void send_backlog(struct backlog *backlog)
{
	struct waiting_message *entry;
	int err;

	while ((entry = list_first_entry_or_null(&backlog->messages, struct waiting_message, node))) {
		err = send_now(backlog->domid, &entry->message);
		if (err == -EAGAIN || err == -ENOMEM)
			return;
		/* Sent, or the domain is gone and nobody is left to care. */
		list_del(&entry->node);
		backlog->nr--;
		kfree(entry);
		cond_resched_lock(&waiting_lock);
	}
	list_del(&backlog->node);
	kfree(backlog);
}

static void send_waiting(void)
{
	struct backlog *backlog, *next;

	spin_lock(&waiting_lock);
	list_for_each_entry_safe(backlog, next, &backlogs, node)
		send_backlog(backlog);
	spin_unlock(&waiting_lock);
}

static void forget_waiting(void)
{
	struct waiting_message *entry, *next_entry;
	struct backlog *backlog, *next;

	spin_lock(&waiting_lock);
	list_for_each_entry_safe(backlog, next, &backlogs, node) {
		list_for_each_entry_safe(entry, next_entry, &backlog->messages, node)
			kfree(entry);
		list_del(&backlog->node);
		kfree(backlog);
	}
	spin_unlock(&waiting_lock);
}

/* On the worker's queue, so that nobody reads the control ring meanwhile. */
static void resume(struct work_struct *unused)
{
	int err;

	/* They are of the domain that this was. */
	forget_waiting();
	err = v4v_rx_reopen(&control_ring);
	if (err)
		pr_err("no control ring after resume (%d): nobody can connect\n", err);
	v4v_conn_resumed(former_domid);
	pr_info("now domain %u, CID %u\n", v4v_own_domid, v4v_cid(v4v_own_domid));
	/* What came in before it was armed. */
	queue_work(queue, &control_work);
}

void v4v_control_resume(void)
{
	struct v4v_info info = { .version = V4V_ABI_VERSION };
	long err;

	/* Otherwise the suspend was cancelled, and nothing has changed. */
	err = v4v_hypercall(V4VOP_notify, &control_ring.id);
	if (err != -ENOENT && err != -ENOSYS)
		return;
	err = v4v_hypercall(V4VOP_info, &info);
	if (err)
		pr_err("no V4V after resume (%ld)\n", err);
	former_domid = v4v_own_domid;
	if (!err)
		v4v_own_domid = info.domid;
	v4v_conn_outdate();
	v4v_move_outdate();
	queue_work(queue, &resume_work);
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
	case V4V_OP_TCP_OFFER:
		v4v_move_offered(header->src.domid, message);
		break;
	case V4V_OP_TCP_ACCEPT:
		v4v_move_accepted(header->src.domid, message);
		break;
	case V4V_OP_TCP_REFUSE:
		v4v_move_refused(header->src.domid, message);
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
	if (v4v_rx_news(&control_ring) || !list_empty(&backlogs))
		queue_work(queue, &control_work);
}

int v4v_control_start(void)
{
	int err;

	call = kzalloc(sizeof(*call), GFP_KERNEL);
	if (!call)
		return -ENOMEM;
	err = -ENOMEM;
	/* Of no higher priority than others: what it works on is what other domains send. */
	queue = alloc_ordered_workqueue("v4v", WQ_MEM_RECLAIM);
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
	v4v_rx_unregister(&control_ring);
	destroy_workqueue(queue);
	forget_waiting();
	v4v_rx_free(&control_ring);
	kfree(call);
}
