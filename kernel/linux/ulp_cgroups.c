// SPDX-License-Identifier: GPL-2.0-only
/*
 * V4V: programs whose TCP sockets ask for V4V without a library.
 *
 * A tracepoint of Linux tells of each socket that is about to connect or to
 * listen, whatever its program is linked with; the socket is then as if the
 * program had set TCP_ULP. Which programs: those in the control groups named by a
 * parameter. systemd makes one for each service, and "/" holds all there are.
 */
#define pr_fmt(fmt) "v4v: " fmt

#include <linux/cgroup.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/tracepoint.h>
#include <net/tcp.h>

#include "ulp.h"

/* Paths below the root of the second version's hierarchy, as /proc/PID/cgroup shows them. */
struct groups {
	struct rcu_head rcu;
	char list[];
};

static struct groups __rcu *groups;
static struct tracepoint *state_point;

/* Whether @path is one of the comma-separated @list, or below one. */
static bool listed(const char *list, const char *path)
{
	size_t length;

	for (;; list += length + 1) {
		length = strcspn(list, ",");
		/* "/" is above all, and the only one that ends like this. */
		if (length == 1 && *list == '/')
			return true;
		if (length && !strncmp(path, list, length) &&
		    (!path[length] || path[length] == '/'))
			return true;
		if (!list[length])
			return false;
	}
}

/* Under RCU. */
static bool wanted(const struct groups *of)
{
	char path[256];

	if (!strcmp(of->list, "/"))
		return true;
	return cgroup_path(task_dfl_cgroup(current), path, sizeof(path)) > 0 &&
	       listed(of->list, path);
}

/* The socket is locked, in a call of its process; its state is still the former. */
static void state_set(void *unused, const struct sock *sk, int from, int to)
{
	const struct groups *of;

	if (from != TCP_CLOSE || (to != TCP_SYN_SENT && to != TCP_LISTEN) ||
	    sk->sk_protocol != IPPROTO_TCP || sk->sk_kern_sock)
		return;
	rcu_read_lock();
	of = rcu_dereference(groups);
	if (of && wanted(of))
		v4v_ulp_give((struct sock *)sk, to == TCP_SYN_SENT);
	rcu_read_unlock();
}

static int groups_set(const char *text, const struct kernel_param *param)
{
	size_t length = strcspn(text, "\n");
	struct groups *of = NULL, *former;

	if (length) {
		if (*text != '/')
			return -EINVAL;
		of = kzalloc(struct_size(of, list, length + 1), GFP_KERNEL);
		if (!of)
			return -ENOMEM;
		memcpy(of->list, text, length);
	}
	/* Parameters are set one at a time. */
	former = rcu_replace_pointer(groups, of, true);
	if (former)
		kfree_rcu(former, rcu);
	return 0;
}

static int groups_get(char *buffer, const struct kernel_param *param)
{
	const struct groups *of;
	int length;

	rcu_read_lock();
	of = rcu_dereference(groups);
	length = scnprintf(buffer, PAGE_SIZE, "%s\n", of ? of->list : "");
	rcu_read_unlock();
	return length;
}

static void free_groups(void *unused)
{
	kfree(rcu_dereference_protected(groups, true));
}

static const struct kernel_param_ops groups_ops = {
	.set = groups_set,
	.get = groups_get,
	.free = free_groups,
};

module_param_cb(tcp_cgroups, &groups_ops, NULL, 0644);
MODULE_PARM_DESC(tcp_cgroups, "Control groups whose TCP sockets ask for V4V, statically linked programs included: paths with commas between them; / is the whole domain");

static void find_point(struct tracepoint *point, void *unused)
{
	if (!strcmp(point->name, "inet_sock_set_state"))
		state_point = point;
}

int v4v_ulp_cgroups_start(void)
{
	for_each_kernel_tracepoint(find_point, NULL);
	if (state_point)
		return tracepoint_probe_register(state_point, state_set, NULL);
	pr_warn("this kernel does not tell of sockets: tcp_cgroups does nothing\n");
	return 0;
}

void v4v_ulp_cgroups_stop(void)
{
	if (state_point)
		tracepoint_probe_unregister(state_point, state_set, NULL);
	tracepoint_synchronize_unregister();
}
