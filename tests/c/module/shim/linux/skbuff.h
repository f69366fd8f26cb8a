/* Socket buffers: their bytes in a head and in one run of pages behind it. */
#ifndef SHIM_LINUX_SKBUFF_H
#define SHIM_LINUX_SKBUFF_H

#include <net/af_vsock.h>

#define PAGE_ALLOC_COSTLY_ORDER 3

struct sk_buff {
	struct sk_buff *next;
	struct sock *sk;
	size_t len, data_len, head, room;
	char cb[48];
	unsigned char data[];
};

#define sock_skb_cb_check_size(size) BUILD_BUG_ON((size) > 44)

struct sk_buff *alloc_skb_with_frags(size_t head, size_t data, int order, int *err, int flags);
void skb_put(struct sk_buff *skb, size_t length);
int skb_store_bits(struct sk_buff *skb, size_t at, const void *from, size_t length);
int sock_queue_rcv_skb(struct sock *sk, struct sk_buff *skb);
struct sk_buff *skb_recv_datagram(struct sock *sk, int flags, int *err);
int skb_copy_datagram_msg(const struct sk_buff *skb, size_t from, struct msghdr *msg, size_t length);
void skb_free_datagram(struct sock *sk, struct sk_buff *skb);
void kfree_skb(struct sk_buff *skb);
#define skb_queue_empty_lockless(queue) (!(queue)->first)

#endif
