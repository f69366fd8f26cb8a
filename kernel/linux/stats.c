// SPDX-License-Identifier: GPL-2.0-only
/*
 * V4V: statistics.
 *
 * A connection counts for itself, where nobody else writes; a domain's sums hold
 * what its ended connections and its datagrams carried, and those still open are
 * added when somebody reads.
 */
#define pr_fmt(fmt) "v4v: " fmt

#include <linux/proc_fs.h>
#include <linux/seq_file.h>
#include <linux/spinlock.h>

#include "connection.h"
#include "move.h"
#include "moves.h"
#include "peers.h"
#include "stats.h"

/*
 * Domains that are remembered; beyond that the one without connections that was
 * heard of longest ago is forgotten.
 */
#define MOST_DOMAINS 64

struct domain_sums {
	bool used;
	u16 domid;
	u32 open;
	u64 last_used;
	u64 connections;
	u64 resets;
	u64 datagrams;
	struct v4v_counters sums;
};

static DEFINE_SPINLOCK(domains_lock);
static struct domain_sums domains[MOST_DOMAINS];
static u64 uses;
static struct proc_dir_entry *folder;

static void add(struct v4v_counters *to, const struct v4v_counters *from)
{
	to->tx_bytes += from->tx_bytes;
	to->tx_messages += from->tx_messages;
	to->rx_bytes += from->rx_bytes;
	to->rx_messages += from->rx_messages;
	to->tx_waits += from->tx_waits;
	to->rx_waits += from->rx_waits;
	to->events += from->events;
	to->dropped += from->dropped;
}

/* Under domains_lock. NULL if every place is that of a domain with connections. */
static struct domain_sums *sums_of(u16 domid)
{
	struct domain_sums *oldest = NULL;
	unsigned int i;

	for (i = 0; i < MOST_DOMAINS; i++) {
		struct domain_sums *domain = &domains[i];

		if (domain->used && domain->domid == domid) {
			domain->last_used = ++uses;
			return domain;
		}
		if (!domain->open && (!oldest || domain->last_used < oldest->last_used))
			oldest = domain;
	}
	if (oldest)
		*oldest = (struct domain_sums){ .used = true, .domid = domid, .last_used = ++uses };
	return oldest;
}

void v4v_stats_opened(u16 domid)
{
	struct domain_sums *domain;

	spin_lock_bh(&domains_lock);
	domain = sums_of(domid);
	if (domain) {
		domain->open++;
		domain->connections++;
	}
	spin_unlock_bh(&domains_lock);
}

void v4v_stats_closed(u16 domid, const struct v4v_counters *counters)
{
	struct domain_sums *domain;

	spin_lock_bh(&domains_lock);
	domain = sums_of(domid);
	if (domain) {
		/* None was noted if there was no place when it began. */
		if (domain->open)
			domain->open--;
		add(&domain->sums, counters);
	}
	spin_unlock_bh(&domains_lock);
}

void v4v_stats_reset(u16 domid)
{
	struct domain_sums *domain;

	spin_lock_bh(&domains_lock);
	domain = sums_of(domid);
	if (domain)
		domain->resets++;
	spin_unlock_bh(&domains_lock);
}

void v4v_stats_datagram(u16 domid, const struct v4v_counters *counters)
{
	struct domain_sums *domain;

	spin_lock_bh(&domains_lock);
	domain = sums_of(domid);
	if (domain) {
		domain->datagrams += counters->tx_messages + counters->rx_messages;
		add(&domain->sums, counters);
	}
	spin_unlock_bh(&domains_lock);
}

struct open_sums {
	u16 domid;
	struct v4v_counters sums;
};

static void add_open(const struct v4v_conn *conn, void *data)
{
	struct open_sums *open = data;
	struct v4v_counters counters;

	if (sk_vsock(conn->vsk)->sk_type == SOCK_DGRAM || conn->peer != open->domid)
		return;
	v4v_conn_counters(conn, &counters);
	add(&open->sums, &counters);
}

static void add_moved(struct v4v_move *move, void *data)
{
	struct open_sums *open = data;
	struct v4v_counters counters;

	if (move->peer != open->domid)
		return;
	v4v_moves_counters(move, &counters);
	add(&open->sums, &counters);
}

static int show_domains(struct seq_file *seq, void *unused)
{
	unsigned int i;

	seq_puts(seq, "cid open connections resets datagrams tx_bytes tx_messages rx_bytes rx_messages tx_waits rx_waits events dropped\n");
	for (i = 0; i < MOST_DOMAINS; i++) {
		struct open_sums all = {};
		struct domain_sums domain;

		spin_lock_bh(&domains_lock);
		domain = domains[i];
		spin_unlock_bh(&domains_lock);
		if (!domain.used)
			continue;
		all.domid = domain.domid;
		all.sums = domain.sums;
		v4v_conn_each(add_open, &all);
		v4v_moves_each(add_moved, &all);
		seq_printf(seq, "%u %u %llu %llu %llu %llu %llu %llu %llu %llu %llu %llu %llu\n",
			   v4v_cid(domain.domid), domain.open, domain.connections,
			   domain.resets, domain.datagrams,
			   all.sums.tx_bytes, all.sums.tx_messages,
			   all.sums.rx_bytes, all.sums.rx_messages,
			   all.sums.tx_waits, all.sums.rx_waits,
			   all.sums.events, all.sums.dropped);
	}
	return 0;
}

static const char *type_name(int type)
{
	return type == SOCK_STREAM ? "stream" : type == SOCK_SEQPACKET ? "seqpacket" : "dgram";
}

static void show_connection(const struct v4v_conn *conn, void *data)
{
	const struct vsock_sock *vsk = conn->vsk;
	bool dgram = vsk->sk.sk_type == SOCK_DGRAM;
	struct v4v_counters counters;

	v4v_conn_counters(conn, &counters);
	seq_printf(data, "%s %u %u %u %u %u %llu %llu %llu %llu %llu %llu %llu %llu\n",
		   type_name(vsk->sk.sk_type), vsk->local_addr.svm_port,
		   dgram ? 0 : v4v_cid(conn->peer), dgram ? 0 : vsk->remote_addr.svm_port,
		   conn->rx.size, conn->rx.id.port,
		   counters.tx_bytes, counters.tx_messages,
		   counters.rx_bytes, counters.rx_messages,
		   counters.tx_waits, counters.rx_waits,
		   counters.events, counters.dropped);
}

static int show_connections(struct seq_file *seq, void *unused)
{
	seq_puts(seq, "type port peer_cid peer_port ring_size ring_port tx_bytes tx_messages rx_bytes rx_messages tx_waits rx_waits events dropped\n");
	v4v_conn_each(show_connection, seq);
	return 0;
}

int v4v_stats_start(void)
{
	folder = proc_mkdir("v4v", NULL);
	if (!folder)
		return -ENOMEM;
	if (!proc_create_single("domains", 0444, folder, show_domains) ||
	    !proc_create_single("connections", 0444, folder, show_connections) ||
	    !proc_create_single("peers", 0444, folder, v4v_peers_show) ||
	    !proc_create_single("sockets", 0444, folder, v4v_moves_show) ||
	    !proc_create_single("sockets_ended", 0444, folder, v4v_moves_show_ended)) {
		v4v_stats_stop();
		return -ENOMEM;
	}
	return 0;
}

void v4v_stats_stop(void)
{
	proc_remove(folder);
	folder = NULL;
	memset(domains, 0, sizeof(domains));
}
