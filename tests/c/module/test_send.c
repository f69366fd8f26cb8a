/* What a socket sends reaches the hypervisor once, in order and from the pages where it is. */
#include "test.h"

#include "send.h"

static struct v4v_tx tx;
static unsigned char *pages;
static size_t length_of_pages;
static bool full;

static void lay_out(size_t length)
{
	length_of_pages = length;
	pages = aligned_alloc(PAGE_SIZE, (length + PAGE_SIZE) / PAGE_SIZE * PAGE_SIZE);
	for (size_t i = 0; i < length; i++)
		pages[i] = (unsigned char)(i * 3 + i / 255);
	memset(&tx, 0, sizeof(tx));
	tx.dst = (struct v4v_addr){.port = 2000, .domid = 7};
	tx.src_port = 3000;
}

static ssize_t send_from(struct iov_iter *from, size_t length)
{
	return v4v_tx_stream(&tx, 2, from, length, &full);
}

static void sent_is(size_t from, size_t length)
{
	CHECK_EQUAL(hv.nr_sent, length);
	CHECK(memcmp(hv.sent, pages + from, length) == 0);
	CHECK_EQUAL(pinned_pages, 0);
}

static void bytes_of_any_start_and_length_are_sent(void)
{
	static const size_t lengths[] = {1, 4095, 4096, 4097, 100000, 262144, 262145, 500000};

	lay_out(600000);
	for (unsigned int of_user = 0; of_user < 2; of_user++)
		for (unsigned int i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++)
			for (size_t start = 0; start < 8192; start += 1365) {
				struct iov_iter from = {.buffer = pages, .count = start + lengths[i], .done = start,
							.of_user = of_user};

				hv.nr_sent = 0;
				CHECK_EQUAL(send_from(&from, lengths[i]), lengths[i]);
				sent_is(start, lengths[i]);
				CHECK_EQUAL(from.done, from.count);
			}
	CHECK(hv.last.dst.port == 2000 && hv.last.dst.domid == 7 && hv.last.src_port == 3000 && hv.last.type == 2);
	free(pages);
}

static void a_full_ring_takes_what_fits_and_the_rest_stays_with_the_sender(void)
{
	lay_out(300000);
	for (u32 room = 0; room < 300000; room += 9973) {
		struct iov_iter from = {.buffer = pages, .count = 300000, .of_user = true};
		ssize_t n;

		hv.nr_sent = 0;
		hv.room = room & ~15u;
		n = send_from(&from, 300000);
		CHECK(n >= 0 && n < 300000 && (size_t)n + 4 * HEADER_BYTES >= (room & ~15u));
		CHECK(full);
		sent_is(0, (size_t)n);
		CHECK_EQUAL(from.done, n);
		hv.room = ~0u;
		CHECK_EQUAL(send_from(&from, (size_t)(300000 - n)), 300000 - n);
		sent_is(0, 300000);
		CHECK(!full);
	}
	free(pages);
}

static long refuse(const struct v4v_sendv *args, const void *payload)
{
	return hv.sends > 1 ? -ECONNREFUSED : 1;
}

static void a_ring_that_goes_is_an_error_once_nothing_was_sent(void)
{
	struct iov_iter from;

	lay_out(300000);
	from = (struct iov_iter){.buffer = pages, .count = 300000, .of_user = true};
	hv.on_send = refuse;
	CHECK_EQUAL(send_from(&from, 300000), 262144);
	CHECK(!full);
	CHECK_EQUAL(from.done, 262144);
	CHECK_EQUAL(send_from(&from, 300000 - 262144), -ECONNREFUSED);
	CHECK_EQUAL(from.done, 262144);
	free(pages);
}

static ssize_t send_record(struct iov_iter *from, size_t length)
{
	return v4v_tx_record(&tx, 3, from, length);
}

/* Pages that dom0 has mapped of another domain: the hypervisor refuses them, their bytes go by way of a page of ours. */
static void foreign_pages_are_sent_by_way_of_our_own(void)
{
	struct iov_iter from;

	lay_out(40000);
	hv.foreign_from = xen_page_to_gfn(page_of(pages + 8192));
	hv.foreign_to = hv.foreign_from + 3;
	from = (struct iov_iter){.buffer = pages, .count = 40000, .done = 100, .of_user = true};
	CHECK_EQUAL(send_from(&from, 39900), 39900);
	sent_is(100, 39900);
	CHECK_EQUAL(kernel_blocks, 0);
	hv.room = 3000 & ~15u;
	hv.nr_sent = 0;
	from.done = 8192;
	CHECK_EQUAL(send_from(&from, 5000), (3000 & ~15) - HEADER_BYTES);
	CHECK_EQUAL(from.done, 8192 + (3000 & ~15) - HEADER_BYTES);
	hv.room = ~0u;
	failing_allocation = 1;
	CHECK_EQUAL(send_from(&from, 1000), -ENOMEM);
	free(pages);
}

/* A device's memory, say, or another domain's that dom0 has by privcmd: TCP would copy from it, too. */
static void memory_without_pages_is_sent_by_way_of_a_copy(void)
{
	struct iov_iter from;

	lay_out(40000);
	from = (struct iov_iter){.buffer = pages, .count = 40000, .done = 100, .no_pages_at = 12288, .of_user = true};
	CHECK_EQUAL(send_from(&from, 39900), 39900);
	sent_is(100, 39900);
	CHECK_EQUAL(from.done, 40000);
	/* Up to where there is no memory at all. */
	hv.nr_sent = 0;
	from.done = 100;
	from.fault_at = 20000;
	CHECK_EQUAL(send_from(&from, 39900), 19900);
	sent_is(100, 19900);
	CHECK_EQUAL(send_from(&from, 20000), -EFAULT);
	CHECK_EQUAL(from.done, 20000);
	from.fault_at = 0;
	hv.room = 3008;
	hv.nr_sent = 0;
	from.done = 15000;
	CHECK_EQUAL(send_from(&from, 5000), 3008 - HEADER_BYTES);
	sent_is(15000, 3008 - HEADER_BYTES);
	CHECK(full);
	hv.room = ~0u;
	hv.nr_sent = hv.sends = 0;
	from.done = 100;
	CHECK_EQUAL(send_record(&from, 39900), 39900);
	CHECK_EQUAL(hv.sends, 1);
	sent_is(100, 39900);
	CHECK_EQUAL(kernel_blocks, 0);
	free(pages);
}

/* It may lie across two pages, and is read by the hypervisor from where it is. */
static void a_few_bytes_are_sent_from_the_senders_copy(void)
{
	unsigned char *room = aligned_alloc(PAGE_SIZE, 3 * PAGE_SIZE);
	const size_t most = V4V_TX_SHORT;

	lay_out(10000);
	hv.foreign_from = xen_page_to_gfn(page_of(pages));
	hv.foreign_to = hv.foreign_from + 3;
	for (size_t before = 0; before <= most; before += 8) {
		/* So many bytes of it are in the first page. */
		struct v4v_tx *own = (struct v4v_tx *)(room + 2 * PAGE_SIZE - before - offsetof(struct v4v_tx, data));

		memset(own, 0, sizeof(*own));
		own->dst = tx.dst;
		for (size_t length = 1; length <= most; length += 15) {
			struct iov_iter from = {.buffer = pages, .count = 10000, .done = 4000, .of_user = true};

			hv.nr_sent = 0;
			CHECK_EQUAL(v4v_tx_stream(own, 2, &from, length, &full), length);
			sent_is(4000, length);
			CHECK_EQUAL(from.done, 4000 + length);
			hv.room = 3 * HEADER_BYTES;
			from.done = 4000;
			hv.nr_sent = 0;
			CHECK_EQUAL(v4v_tx_stream(own, 2, &from, length, &full), min(length, (size_t)2 * HEADER_BYTES));
			CHECK_EQUAL(full, length > 2 * HEADER_BYTES);
			CHECK_EQUAL(from.done, 4000 + min(length, (size_t)2 * HEADER_BYTES));
			hv.room = ~0u;
		}
	}
	CHECK_EQUAL(kernel_blocks, 0);
	free(room);
	free(pages);
}

static void memory_that_is_not_there_is_efault(void)
{
	struct iov_iter from;

	lay_out(10000);
	from = (struct iov_iter){.buffer = pages, .count = 10000, .done = 100, .fault_at = 5000, .of_user = true};
	CHECK_EQUAL(send_from(&from, 9900), 4900);
	sent_is(100, 4900);
	CHECK_EQUAL(send_from(&from, 5000), -EFAULT);
	CHECK_EQUAL(from.done, 5000);
	from.done = 4990;
	hv.nr_sent = 0;
	CHECK_EQUAL(send_from(&from, 20), 10);
	sent_is(4990, 10);
	CHECK_EQUAL(send_from(&from, 20), -EFAULT);
	CHECK_EQUAL(from.done, 5000);
	free(pages);
}

static void a_message_goes_whole_or_not_at_all(void)
{
	const struct v4v_addr dst = {.port = 1, .domid = 7};
	struct v4v_call *call = kzalloc(sizeof(*call), GFP_KERNEL);
	unsigned char message[64];

	for (unsigned int i = 0; i < sizeof(message); i++)
		message[i] = (unsigned char)(i + 1);
	for (u32 length = 0; length <= sizeof(message); length++) {
		hv.nr_sent = 0;
		hv.room = ~0u;
		CHECK_EQUAL(v4v_tx_message(call, dst, 1, 1, message, length), 0);
		CHECK_EQUAL(hv.nr_sent, length);
		CHECK(memcmp(hv.sent, message, length) == 0);
		CHECK(hv.last.flags == 0 && hv.last.src_port == 1 && hv.last.dst.domid == 7);
		hv.room = HEADER_BYTES + (length + 15) / 16 * 16 - 16;
		CHECK_EQUAL(v4v_tx_message(call, dst, 1, 1, message, length), -EAGAIN);
	}
	kfree(call);
	CHECK_EQUAL(kernel_blocks, 0);
}

/* In one message, whatever its segments: named where they lie, or copied if one call cannot name them all. */
static void a_record_of_any_segments_is_one_message(void)
{
	static const size_t segments[] = {0, 1, 100, 4096, 5000, 70000}, lengths[] = {1, 50, 4097, 60000, 262144};

	lay_out(300000);
	for (unsigned int of_user = 0; of_user < 2; of_user++)
		for (unsigned int i = 0; i < ARRAY_SIZE(segments) * ARRAY_SIZE(lengths); i++) {
			size_t length = lengths[i % ARRAY_SIZE(lengths)];
			struct iov_iter from = {.buffer = pages, .count = 123 + length, .done = 123, .of_user = of_user,
						.segment = segments[i / ARRAY_SIZE(lengths)]};

			hv.nr_sent = hv.sends = 0;
			CHECK_EQUAL(send_record(&from, length), length);
			sent_is(123, length);
			CHECK(hv.sends == 1 && hv.last.flags == 0 && hv.last.type == 3);
			CHECK_EQUAL(from.done, from.count);
			CHECK_EQUAL(kernel_blocks, 0);
		}
	CHECK_EQUAL(tx.messages, 2 * ARRAY_SIZE(segments) * ARRAY_SIZE(lengths));
	free(pages);
}

static void a_record_without_room_stays_with_the_sender(void)
{
	lay_out(20000);
	for (unsigned int segment = 0; segment < 200; segment += 100) {
		struct iov_iter from = {.buffer = pages, .count = 20000, .done = 100, .of_user = true, .segment = segment};

		hv.nr_sent = 0;
		hv.room = 10000;
		CHECK_EQUAL(send_record(&from, 19900), -EAGAIN);
		CHECK_EQUAL(from.done, 100);
		sent_is(0, 0);
		hv.room = ~0u;
		CHECK_EQUAL(send_record(&from, V4V_SEND_MAX + 1), -EMSGSIZE);
		CHECK_EQUAL(from.done, 100);
	}
	CHECK_EQUAL(kernel_blocks, 0);
	CHECK_EQUAL(tx.messages, 0);
	free(pages);
}

static void a_record_of_foreign_or_missing_pages(void)
{
	struct iov_iter from;

	lay_out(40000);
	hv.foreign_from = xen_page_to_gfn(page_of(pages + 8192));
	hv.foreign_to = hv.foreign_from + 3;
	from = (struct iov_iter){.buffer = pages, .count = 40000, .done = 100, .of_user = true};
	CHECK_EQUAL(send_record(&from, 39900), 39900);
	sent_is(100, 39900);
	from.done = 100;
	hv.room = 1000;
	CHECK_EQUAL(send_record(&from, 39900), -EAGAIN);
	CHECK_EQUAL(from.done, 100);
	hv.room = ~0u;
	failing_allocation = 1;
	CHECK_EQUAL(send_record(&from, 39900), -ENOMEM);
	CHECK_EQUAL(from.done, 100);
	hv.nr_sent = 0;
	from.fault_at = 30000;
	CHECK_EQUAL(send_record(&from, 39900), -EFAULT);
	CHECK_EQUAL(from.done, 100);
	/* The copy, too, meets what is not there. */
	from.segment = 10;
	CHECK_EQUAL(send_record(&from, 39900), -EFAULT);
	CHECK_EQUAL(from.done, 100);
	sent_is(0, 0);
	CHECK_EQUAL(kernel_blocks, 0);
	free(pages);
}

int main(void)
{
	TESTS_BEGIN;
	return TEST(bytes_of_any_start_and_length_are_sent) |
	       TEST(a_full_ring_takes_what_fits_and_the_rest_stays_with_the_sender) |
	       TEST(a_ring_that_goes_is_an_error_once_nothing_was_sent) | TEST(foreign_pages_are_sent_by_way_of_our_own) |
	       TEST(memory_without_pages_is_sent_by_way_of_a_copy) |
	       TEST(a_record_of_any_segments_is_one_message) | TEST(a_record_without_room_stays_with_the_sender) |
	       TEST(a_record_of_foreign_or_missing_pages) | TEST(a_few_bytes_are_sent_from_the_senders_copy) |
	       TEST(memory_that_is_not_there_is_efault) | TEST(a_message_goes_whole_or_not_at_all);
}
