// SPDX-License-Identifier: GPL-2.0-only
/*
 * V4V: reads /v4v/peers of XenStore, at first and whenever it changes.
 *
 * Only dom0 can make or write these nodes: XenStore's root is dom0's own.
 */
#define pr_fmt(fmt) "v4v: " fmt

#include <linux/mm.h>
#include <linux/notifier.h>
#include <linux/slab.h>
#include <linux/workqueue.h>
#include <xen/xenbus.h>

#include "discovery.h"
#include "peers.h"

static void add_peer(struct v4v_peers *peers, const char *name)
{
	unsigned int len;
	u16 domid;
	char *text;

	if (!v4v_domid_of(name, &domid))
		return;
	/* It may have gone since the folder was read. */
	text = xenbus_read(XBT_NIL, "/v4v/peers", name, &len);
	if (IS_ERR(text))
		return;
	if (!v4v_peers_add(peers, domid, text, len))
		pr_warn_ratelimited("/v4v/peers/%u is no list of addresses, or there are too many\n",
				    domid);
	kfree(text);
}

static void look(struct work_struct *unused)
{
	struct v4v_peers *peers = kvzalloc(sizeof(*peers), GFP_KERNEL);
	unsigned int count, i;
	char **names;

	if (!peers)
		return;
	names = xenbus_directory(XBT_NIL, "/v4v", "peers", &count);
	/* Without a daemon there is no folder, and there are no peers. */
	if (!IS_ERR(names)) {
		for (i = 0; i < count; i++)
			add_peer(peers, names[i]);
		kfree(names);
	}
	v4v_peers_use(peers);
}

static DECLARE_WORK(look_work, look);

static void changed(struct xenbus_watch *watch, const char *path, const char *token)
{
	/* Many changes at once are one look. */
	queue_work(system_unbound_wq, &look_work);
}

static struct xenbus_watch watch = {
	.node = "/v4v/peers",
	.callback = changed,
};

static bool watching;

/* At once, or in dom0 when xenstored has started. */
static int store_ready(struct notifier_block *nb, unsigned long action, void *data)
{
	int err = register_xenbus_watch(&watch);

	watching = !err;
	if (err)
		pr_warn("no word of peers from XenStore (%d): programs stay on TCP\n", err);
	return NOTIFY_DONE;
}

static struct notifier_block ready_notifier = { .notifier_call = store_ready };

int v4v_discovery_start(void)
{
	return register_xenstore_notifier(&ready_notifier);
}

void v4v_discovery_stop(void)
{
	unregister_xenstore_notifier(&ready_notifier);
	if (watching)
		unregister_xenbus_watch(&watch);
	watching = false;
	cancel_work_sync(&look_work);
	v4v_peers_use(NULL);
}
