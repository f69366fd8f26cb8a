// SPDX-License-Identifier: GPL-2.0-only
/*
 * V4V: sockets between the domains of one Xen host, carried by the hypervisor.
 */
#define pr_fmt(fmt) "v4v: " fmt

#include <linux/interrupt.h>
#include <linux/module.h>
#include <linux/notifier.h>
#include <xen/events.h>
#include <xen/xen-ops.h>
#include <xen/xen.h>

#include "area.h"
#include "connection.h"
#include "control.h"
#include "discovery.h"
#include "hypercall.h"
#include "move.h"
#include "stats.h"
#include "ulp.h"

u16 v4v_own_domid;
static int virq_irq;

static irqreturn_t v4v_interrupt(int irq, void *unused)
{
	v4v_control_event();
	v4v_conn_event();
	v4v_move_event();
	return IRQ_HANDLED;
}

static int ask_hypervisor(void)
{
	struct v4v_info info = { .version = V4V_ABI_VERSION };
	long err = v4v_hypercall(V4VOP_info, &info);

	if (err == -ENOSYS && info.version != V4V_ABI_VERSION) {
		pr_err("the hypervisor speaks V4V %u.%u, this module %u.%u\n",
		       info.version >> 16, info.version & 0xffff,
		       V4V_ABI_VERSION >> 16, V4V_ABI_VERSION & 0xffff);
		return -EPROTONOSUPPORT;
	}
	if (err) {
		pr_err("this hypervisor has no V4V, or was booted without v4v=1 (%ld)\n", err);
		return -ENODEV;
	}
	v4v_own_domid = info.domid;
	return 0;
}

/* Processes are frozen; the VIRQ is bound again already. */
static int v4v_resumed(struct notifier_block *nb, unsigned long action, void *data)
{
	v4v_control_resume();
	return NOTIFY_OK;
}

static struct notifier_block resume_notifier = { .notifier_call = v4v_resumed };

/* There is one place for datagrams; without it, because another has it, all else works. */
static int register_transport(int features)
{
	int err = vsock_core_register(&v4v_transport, features | VSOCK_TRANSPORT_F_DGRAM);

	if (err != -EBUSY)
		return err;
	err = vsock_core_register(&v4v_transport, features);
	if (!err)
		pr_warn("no SOCK_DGRAM: another AF_VSOCK transport has it\n");
	return err;
}

static int __init v4v_module_init(void)
{
	/* dom0 is the host of all CIDs above 2; a domU reaches host and siblings alike. */
	int features = xen_initial_domain() ? VSOCK_TRANSPORT_F_H2G :
		       VSOCK_TRANSPORT_F_G2H | VSOCK_TRANSPORT_F_H2G;
	int err;

	if (!xen_domain())
		return -ENODEV;
	err = ask_hypervisor();
	if (err)
		return err;

	err = v4v_conn_init();
	if (err)
		return err;
	err = v4v_move_init();
	if (err)
		goto no_moves;
	err = v4v_control_start();
	if (err) {
		pr_err("no control ring (%d)\n", err);
		goto no_control;
	}
	virq_irq = bind_virq_to_irqhandler(VIRQ_V4V, 0, v4v_interrupt, 0, "v4v", NULL);
	if (virq_irq < 0) {
		err = virq_irq;
		goto no_interrupt;
	}
	err = v4v_stats_start();
	if (err)
		goto no_stats;
	err = v4v_discovery_start();
	if (err)
		goto no_discovery;
	err = v4v_ulp_init();
	if (err)
		goto no_ulp;
	err = register_transport(features);
	if (err) {
		pr_err("another AF_VSOCK transport has this role already (%d)\n", err);
		goto no_transport;
	}
	xen_resume_notifier_register(&resume_notifier);
	/* What came in before there was an interrupt. */
	v4v_control_event();
	pr_info("domain %u, CID %u\n", v4v_own_domid, v4v_cid(v4v_own_domid));
	return 0;

no_transport:
	v4v_ulp_exit();
no_ulp:
	v4v_discovery_stop();
no_discovery:
	v4v_stats_stop();
no_stats:
	unbind_from_irqhandler(virq_irq, NULL);
no_interrupt:
	v4v_control_stop();
no_control:
	v4v_move_exit();
no_moves:
	v4v_conn_exit();
	v4v_area_exit();
	return err;
}

static void __exit v4v_module_exit(void)
{
	/* Every socket of this transport or protocol holds the module: there is none. */
	xen_resume_notifier_unregister(&resume_notifier);
	vsock_core_unregister(&v4v_transport);
	v4v_ulp_exit();
	v4v_discovery_stop();
	v4v_stats_stop();
	unbind_from_irqhandler(virq_irq, NULL);
	v4v_control_stop();
	v4v_move_exit();
	v4v_conn_exit();
	v4v_area_exit();
}

module_init(v4v_module_init);
module_exit(v4v_module_exit);

MODULE_DESCRIPTION("V4V transport for AF_VSOCK: sockets between the domains of a Xen host");
MODULE_VERSION("1");
MODULE_LICENSE("GPL");
MODULE_ALIAS_NETPROTO(PF_VSOCK);
