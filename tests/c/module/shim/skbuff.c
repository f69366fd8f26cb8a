#include <linux/skbuff.h>

/* What a buffer costs its socket beside its bytes. */
#define OVERHEAD 256u

struct sk_buff *alloc_skb_with_frags(size_t head, size_t data, int order, int *err, int flags)
{
	struct sk_buff *skb = kernel_alloc(sizeof(*skb) + head + data, false, true);

	(void)order;
	(void)flags;
	if (head > 4096)
		violation("a buffer's head is as long as a page");
	if (!skb) {
		*err = -ENOMEM;
		return NULL;
	}
	skb->head = head;
	skb->room = head + data;
	return skb;
}

void skb_put(struct sk_buff *skb, size_t length)
{
	if (skb->len + length > skb->head)
		violation("a buffer's head is put more into than it holds");
	skb->len += length;
}

int skb_store_bits(struct sk_buff *skb, size_t at, const void *from, size_t length)
{
	if (at + length > skb->len || skb->len > skb->room || skb->len - skb->data_len > skb->head)
		return -EFAULT;
	memcpy(skb->data + at, from, length);
	return 0;
}

int sock_queue_rcv_skb(struct sock *sk, struct sk_buff *skb)
{
	struct sk_buff **link = &sk->sk_receive_queue.first;

	if (sk->refuses_skb)
		return -EPERM;
	if (sk->sk_rmem_alloc.value >= sk->sk_rcvbuf)
		return -ENOMEM;
	while (*link)
		link = &(*link)->next;
	*link = skb;
	skb->next = NULL;
	skb->sk = sk;
	sk->sk_rmem_alloc.value += (long)(skb->room + OVERHEAD);
	sk->sk_data_ready(sk);
	return 0;
}

struct sk_buff *skb_recv_datagram(struct sock *sk, int flags, int *err)
{
	struct sk_buff *skb = sk->sk_receive_queue.first;

	if (sk->sk_err) {
		*err = -sk->sk_err;
		sk->sk_err = 0;
		return NULL;
	}
	if (!skb) {
		*err = sk->sk_shutdown & RCV_SHUTDOWN ? 0 : -EAGAIN;
		return NULL;
	}
	if (!(flags & MSG_PEEK)) {
		sk->sk_receive_queue.first = skb->next;
		skb->next = skb;
	}
	return skb;
}

int skb_copy_datagram_msg(const struct sk_buff *skb, size_t from, struct msghdr *msg, size_t length)
{
	if (from + length > skb->len)
		violation("more is read of a buffer than it holds");
	return copy_to_iter(skb->data + from, length, &msg->msg_iter) == length ? 0 : -EFAULT;
}

/* One that was looked at is still in the queue. */
void skb_free_datagram(struct sock *sk, struct sk_buff *skb)
{
	(void)sk;
	if (skb->next == skb)
		kfree_skb(skb);
}

void kfree_skb(struct sk_buff *skb)
{
	if (skb->sk)
		skb->sk->sk_rmem_alloc.value -= (long)(skb->room + OVERHEAD);
	kernel_free(skb);
}
