// SPDX-License-Identifier: GPL-2.0-only
/*
 * Says to other domains whatever root writes into its parameter `say`, beside the domain's own V4V module: forged
 * control messages, bytes for rings of others. "DOMID PORT SOURCE-PORT TYPE [HEX...]"; a write that fails says why the
 * hypervisor refused.
 */
#include <linux/hex.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <xen/xen.h>

#include "hypercall.h"

/* Of one message. */
#define MOST_BYTES 1024

/* Into @payload; how many, or a negative errno. */
static int take_bytes(const char *hex, void *payload)
{
	size_t digits = strspn(hex, "0123456789abcdef");

	if (digits % 2 || digits / 2 > MOST_BYTES || hex2bin(payload, hex, digits / 2))
		return -ENAMETOOLONG;
	return digits / 2;
}

static int say(const char *text, const struct kernel_param *param)
{
	struct v4v_sendv *args = (void *)get_zeroed_page(GFP_KERNEL);
	void *payload = (void *)get_zeroed_page(GFP_KERNEL);
	struct v4v_iov *piece = (struct v4v_iov *)(args + 1);
	long rc = -ENOMEM;
	int at = 0, bytes;

	if (!args || !payload)
		goto out;
	/* The numbers of its own mistakes are none of the hypercall's. */
	rc = -ENAMETOOLONG;
	if (sscanf(text, "%hu %u %u %u %n", &args->dst.domid, &args->dst.port, &args->src_port,
		   &args->type, &at) != 4 || !at)
		goto out;
	bytes = take_bytes(text + at, payload);
	rc = bytes;
	if (bytes < 0)
		goto out;
	args->length = bytes;
	args->nr_iov = bytes > 0;
	*piece = (struct v4v_iov){ .gfn = v4v_gfn(payload), .length = bytes };
	rc = v4v_hypercall(V4VOP_sendv, args);
out:
	free_page((unsigned long)payload);
	free_page((unsigned long)args);
	return rc < 0 ? rc : 0;
}

static const struct kernel_param_ops say_ops = { .set = say };

module_param_cb(say, &say_ops, NULL, 0200);
MODULE_PARM_DESC(say, "a message: domain, port, source port, type, bytes as hexadecimal digits");

static int __init say_init(void)
{
	return xen_domain() ? 0 : -ENODEV;
}

static void __exit say_exit(void)
{
}

module_init(say_init);
module_exit(say_exit);

MODULE_DESCRIPTION("Forged messages of V4V, for the testbed's tests");
MODULE_LICENSE("GPL");
