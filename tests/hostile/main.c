// SPDX-License-Identifier: GPL-2.0-only
#define pr_fmt(fmt) "v4v_hostile: " fmt

#include <linux/cpu.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/sched/signal.h>
#include <xen/xen.h>

#include "arena.h"
#include "frames.h"
#include "hypercall.h"
#include "random.h"

static ulong seed = 1;
module_param(seed, ulong, 0444);
MODULE_PARM_DESC(seed, "of all random choices");

static ulong count = 10000;
module_param(count, ulong, 0444);
MODULE_PARM_DESC(count, "least number of calls");

static bool enough = true;
module_param(enough, bool, 0644);
MODULE_PARM_DESC(enough, "0: goes on after count calls until 1 is written here");

static uint seconds = 600;
module_param(seconds, uint, 0444);
MODULE_PARM_DESC(seconds, "the longest that it goes on, s");

static uint kinds = ~0U;
module_param(kinds, uint, 0444);
MODULE_PARM_DESC(kinds, "bit mask of the table in main.c, to narrow down what harms");

static bool burn;
module_param(burn, bool, 0444);
MODULE_PARM_DESC(burn, "uses the CPUs and makes no call");

static ushort targets[8] = { 0 };
static int nr_targets = 1;
module_param_array(targets, ushort, &nr_targets, 0444);
MODULE_PARM_DESC(targets, "domain ids of victims, dead ones too");

struct attacker attackers[MOST_ATTACKERS];
unsigned int nr_attackers;
u16 partners[ARRAY_SIZE(targets) + 8];
unsigned int nr_partners;
u16 own_domid;

static atomic64_t calls;
static unsigned long ends_at;
static bool stop;

static void attack_burn(struct attacker *a)
{
	unsigned int i;

	for (i = 0; i < 10000; i++)
		any(a);
}

static const struct kind {
	unsigned int weight;
	void (*attack)(struct attacker *a);
} table[] = {
	{ 30, attack_info },	   /* 0x001 */
	{ 100, attack_register },  /* 0x002 */
	{ 60, attack_unregister }, /* 0x004 */
	{ 400, attack_send },	   /* 0x008 */
	{ 100, attack_notify },	   /* 0x010 */
	{ 100, attack_raw },	   /* 0x020 */
	{ 3, attack_storm },	   /* 0x040 */
	{ 5, attack_flood },	   /* 0x080 */
	{ 1, attack_rebind },	   /* 0x100 */
	{ 5, attack_balloon },	   /* 0x200 */
	{ 200, attack_memory },	   /* 0x400 */
};

static unsigned int weight_of(unsigned int i)
{
	return kinds & BIT(i) ? table[i].weight : 0;
}

static void attack(struct attacker *a, unsigned int weights)
{
	unsigned int i = 0, chosen = below(a, weights);
	u64 before = a->calls;

	while (chosen >= weight_of(i))
		chosen -= weight_of(i++);
	table[i].attack(a);
	atomic64_add(a->calls - before, &calls);
}

static bool finished(void)
{
	if (READ_ONCE(stop) || time_after(jiffies, ends_at))
		return true;
	return READ_ONCE(enough) && (burn || atomic64_read(&calls) >= count);
}

static int attacker_main(void *data)
{
	struct attacker *a = data;
	unsigned int i, weights = 0;

	for (i = 0; i < ARRAY_SIZE(table); i++)
		weights += weight_of(i);
	while (!finished()) {
		if (burn)
			attack_burn(a);
		else
			attack(a, weights);
		cond_resched();
	}
	complete(&a->done);
	while (!kthread_should_stop())
		schedule_timeout_interruptible(HZ / 10);
	return 0;
}

static void start_attackers(void)
{
	unsigned int cpu;

	for_each_online_cpu(cpu) {
		struct attacker *a = &attackers[nr_attackers];

		if (nr_attackers == MOST_ATTACKERS)
			break;
		a->task = kthread_create(attacker_main, a, "v4v_hostile/%u", cpu);
		if (IS_ERR(a->task))
			break;
		kthread_bind(a->task, cpu);
		nr_attackers++;
	}
	/* They spoil each other's calls: only now is it known how many there are. */
	for (cpu = 0; cpu < nr_attackers; cpu++)
		wake_up_process(attackers[cpu].task);
}

static void await_attackers(void)
{
	unsigned int i;

	for (i = 0; i < nr_attackers; i++) {
		/* Who kills insmod wants an end, and gets it after the calls under way. */
		if (wait_for_completion_interruptible(&attackers[i].done)) {
			WRITE_ONCE(stop, true);
			wait_for_completion(&attackers[i].done);
		}
		kthread_stop(attackers[i].task);
	}
}

static void seed_attackers(void)
{
	unsigned int i;

	for (i = 0; i < MOST_ATTACKERS; i++) {
		attackers[i].random = (seed * MOST_ATTACKERS + i + 1) * 0x9e3779b97f4a7c15ULL;
		init_completion(&attackers[i].done);
	}
}

/* The last ones: itself, and numbers of no domain (xen/include/public/xen.h). */
static void choose_partners(void)
{
	const u16 others[] = { V4V_ANY,	 own_domid, DOMID_SELF, DOMID_IO,
			       DOMID_XEN, 0x7fef,    0x7fff,	 0xffff };
	unsigned int i;

	for (i = 0; i < nr_targets; i++)
		partners[nr_partners++] = targets[i];
	for (i = 0; i < ARRAY_SIZE(others); i++)
		partners[nr_partners++] = others[i];
}

static void summarize(void)
{
	static char line[1024];
	unsigned int i, error;
	int at = 0;

	for (error = 1; error < RESULTS; error++) {
		u64 n = 0;

		for (i = 0; i < MOST_ATTACKERS; i++)
			n += attackers[i].results[error];
		if (n)
			at += scnprintf(line + at, sizeof(line) - at, " %u:%llu", error, n);
	}
	pr_info("seed %lu, %u CPUs: %lld calls, errors%s\n", seed, nr_attackers,
		atomic64_read(&calls), line);
}

static int ask_hypervisor(void)
{
	struct v4v_info info = { .version = V4V_ABI_VERSION };
	int err = v4v_hypercall(V4VOP_info, &info);

	own_domid = info.domid;
	return err;
}

static int __init hostile_init(void)
{
	int err;

	if (!xen_domain() || ask_hypervisor() || !(kinds & (BIT(ARRAY_SIZE(table)) - 1)))
		return -ENODEV;
	seed_attackers();
	choose_partners();
	ends_at = jiffies + seconds * HZ;
	err = arena_make();
	if (err)
		return err;
	err = frames_make();
	if (err)
		goto no_frames;
	err = claim_domain(&attackers[0]);
	if (err) {
		pr_err("the domain's own V4V module must be unloaded first (%d)\n", err);
		goto out;
	}
	start_attackers();
	await_attackers();
	summarize();
	end_storms(&attackers[0]);
out:
	frames_free();
no_frames:
	if (err || burn)
		arena_free();
	else
		arena_leave();
	return err;
}

/* All was done and undone when it was loaded. */
static void __exit hostile_exit(void)
{
}

module_init(hostile_init);
module_exit(hostile_exit);

MODULE_DESCRIPTION("Hostile guest of V4V, for the testbed's tests");
MODULE_LICENSE("GPL");
