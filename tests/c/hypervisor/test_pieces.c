/* The pieces of a message: what a sender may point at, and that a refusal leaves the ring as it was. */
#include "test.h"

#include <asm/p2m.h>

static struct domain *sender, *owner;
static struct ring ring;
static unsigned char bytes[MESSAGE_MAX], got[MESSAGE_MAX];

static void two_domains(uint32_t size)
{
	sender = machine_create_domain(1);
	owner = machine_create_domain(2);
	CHECK_EQUAL(ring_open(&ring, owner, 5, V4V_ANY, size, RING_FRAME), 0);
}

static long send_pieces(uint32_t length, const struct v4v_iov *iov, unsigned int nr)
{
	struct v4v_sendv args = addressed(&ring, length, 0);

	args.nr_iov = nr;
	return sendv(sender, &args, iov, nr);
}

/* Nothing of a refused message shows, and the next one is whole. */
static void refused(long rc, long expected)
{
	uint32_t tx = ring.rx;

	CHECK_EQUAL(rc, expected);
	CHECK_EQUAL(ring_words(&ring).tx, tx);
	CHECK_EQUAL(send_pattern(sender, &ring, 99, 9, 0), 99);
	CHECK(takes_pattern(&ring, 1, 99, 9));
}

static void pieces_shorter_than_the_length_are_einval(void)
{
	struct v4v_iov iov[40] = {{0}};

	two_domains(V4V_RING_MIN);
	refused(send_pieces(1, NULL, 0), -EINVAL);
	for (unsigned int nr = 1; nr <= 40; nr++) {
		for (unsigned int i = 0; i < nr; i++)
			iov[i] = (struct v4v_iov){frame_mfn(sender, DATA_FRAME + i), i, 10};
		refused(send_pieces(10 * nr + 1, iov, nr), -EINVAL);
		CHECK_EQUAL(send_pieces(10 * nr, iov, nr), 10 * nr);
		ring_set_rx(&ring, ring_words(&ring).tx);
	}
}

static void pieces_out_of_their_frame_are_einval(void)
{
	static const struct v4v_iov bad[] = {
		{0, 0, 4097},	       {0, 1, 4096},	  {0, 4096, 1},		 {0, 4097, 0},	 {0, 4097, 1},
		{0, 0x80000000u, 1},   {0, 0xffffffffu, 1}, {0, 0xffffffffu, 2}, {0, 1, 0xffffffffu}, {0, 4096, 0xfffff000u},
		{0, 0xfffff000u, 4096}, {0, 0, 0x80000000u}, {0, 0xffffffffu, 0xffffffffu},
	};

	two_domains(V4V_RING_MIN);
	for (unsigned int i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		for (unsigned int place = 0; place < 20; place += 3) {
			struct v4v_iov iov[20];

			for (unsigned int j = 0; j < 20; j++)
				iov[j] = (struct v4v_iov){frame_mfn(sender, DATA_FRAME), 0, 50};
			iov[place] = bad[i];
			iov[place].gfn = frame_mfn(sender, DATA_FRAME);
			refused(send_pieces(1000, iov, 20), -EINVAL);
		}
}

static void the_last_byte_of_a_frame_can_be_sent(void)
{
	struct v4v_iov iov[3];
	unsigned char last = 0xd7;

	two_domains(V4V_RING_MIN);
	guest_write(sender, address_of(DATA_FRAME, FRAME_SIZE - 1), &last, 1);
	iov[0] = (struct v4v_iov){frame_mfn(sender, DATA_FRAME), FRAME_SIZE, 0};
	iov[1] = (struct v4v_iov){frame_mfn(sender, DATA_FRAME), FRAME_SIZE - 1, 1};
	iov[2] = (struct v4v_iov){frame_mfn(sender, DATA_FRAME), 0, 0};
	CHECK_EQUAL(send_pieces(1, iov, 3), 1);
	ring_bytes(&ring, HEADER_BYTES, got, 1);
	CHECK_EQUAL(got[0], last);
}

static void frames_that_are_not_the_senders_are_efault(void)
{
	two_domains(V4V_RING_MIN);
	for (unsigned int i = 0; i < 6; i++) {
		const uint64_t bad[] = {0, ~0ull, 1ull << 52, FIRST_MFN + MAX_DOMAINS * DOMAIN_FRAMES,
					frame_mfn(owner, DATA_FRAME), frame_mfn(owner, RING_FRAME + 1)};

		for (unsigned int place = 0; place < 20; place += 4) {
			struct v4v_iov iov[20];

			for (unsigned int j = 0; j < 20; j++)
				iov[j] = (struct v4v_iov){frame_mfn(sender, DATA_FRAME), 0, 50};
			iov[place].gfn = bad[i];
			refused(send_pieces(1000, iov, 20), -EFAULT);
		}
	}
}

static void only_memory_can_be_sent_from_but_it_need_not_be_writable(void)
{
	static const struct {
		p2m_type_t type;
		long expected;
	} types[] = {{p2m_ram_rw, 100},		   {p2m_ram_ro, 100},	   {p2m_ram_logdirty, 100},
		     {p2m_ram_shared, 100},	   {p2m_invalid, -EFAULT}, {p2m_mmio_dm, -EFAULT},
		     {p2m_mmio_direct, -EFAULT}, {p2m_ram_paged, -EFAULT}, {p2m_grant_map_rw, -EFAULT},
		     {p2m_map_foreign, -EFAULT}};
	struct v4v_iov iov;

	two_domains(V4V_RING_MIN);
	iov = (struct v4v_iov){frame_mfn(sender, DATA_FRAME), 7, 100};
	for (unsigned int i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		frame_set_type(sender, DATA_FRAME, types[i].type);
		CHECK_EQUAL(send_pieces(100, &iov, 1), types[i].expected);
		ring_set_rx(&ring, ring_words(&ring).tx);
	}
	frame_set_type(sender, DATA_FRAME, p2m_ram_rw);
	frame_set_page_table(sender, DATA_FRAME, true);
	CHECK_EQUAL(send_pieces(100, &iov, 1), 100);
}

static void as_many_pieces_as_the_limit_and_not_one_more(void)
{
	struct v4v_iov iov[V4V_IOV_MAX + 1];

	two_domains(V4V_RING_MIN);
	pattern(bytes, V4V_IOV_MAX, 3);
	guest_write(sender, address_of(DATA_FRAME, 0), bytes, V4V_IOV_MAX);
	for (unsigned int i = 0; i <= V4V_IOV_MAX; i++)
		iov[i] = (struct v4v_iov){frame_mfn(sender, DATA_FRAME), i % V4V_IOV_MAX, 1};
	CHECK_EQUAL(send_pieces(V4V_IOV_MAX, iov, V4V_IOV_MAX), V4V_IOV_MAX);
	ring_bytes(&ring, HEADER_BYTES, got, V4V_IOV_MAX);
	CHECK(memcmp(got, bytes, V4V_IOV_MAX) == 0);
	ring_set_rx(&ring, ring_words(&ring).tx);
	refused(send_pieces(V4V_IOV_MAX, iov, V4V_IOV_MAX + 1), -EINVAL);
}

static void a_count_of_pieces_at_the_limits_of_integers_is_einval(void)
{
	static const uint32_t counts[] = {V4V_IOV_MAX + 1, 0x7fffffffu, 0x80000000u, 0x10000000u, 0xfffffffeu, 0xffffffffu};
	struct v4v_iov iov;

	two_domains(V4V_RING_MIN);
	iov = (struct v4v_iov){frame_mfn(sender, DATA_FRAME), 0, 100};
	for (unsigned int i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		struct v4v_sendv args = addressed(&ring, 100, 0);

		args.nr_iov = counts[i];
		refused(sendv(sender, &args, &iov, 1), -EINVAL);
	}
}

/* The structure ends with the guest's memory: what should follow it is not there. */
static void pieces_that_cannot_be_read_are_efault(void)
{
	two_domains(V4V_RING_MIN);
	for (unsigned int readable = 0; readable < 33; readable += 4) {
		const unsigned long end = GUEST_BASE + (unsigned long)sender->nr_frames * FRAME_SIZE;
		struct v4v_sendv args = addressed(&ring, 10 * 33, 0);
		struct v4v_iov iov = {frame_mfn(sender, DATA_FRAME), 0, 10};
		unsigned long at = end - sizeof(args) - readable * sizeof(iov);

		args.nr_iov = 33;
		guest_write(sender, at, &args, sizeof(args));
		for (unsigned int i = 0; i < readable; i++)
			guest_write(sender, at + sizeof(args) + i * sizeof(iov), &iov, sizeof(iov));
		refused(machine_hypercall(sender, V4VOP_sendv, at), -EFAULT);
	}
}

static void change_the_call(struct domain *caller, unsigned long address, unsigned long count)
{
	guest_fill(caller, address, 0xff, count);
}

static void a_call_that_changes_after_it_was_read_changes_nothing(void)
{
	two_domains(65536);
	machine.on_guest_read = change_the_call;
	for (uint32_t length = 0; length < 60000; length += 4999) {
		CHECK_EQUAL(send_pattern(sender, &ring, length, length, 0), length);
		CHECK(takes_pattern(&ring, 1, length, length));
	}
	machine.on_guest_read = NULL;
}

int main(void)
{
	TESTS_BEGIN;
	return TEST(pieces_shorter_than_the_length_are_einval) | TEST(pieces_out_of_their_frame_are_einval) |
	       TEST(the_last_byte_of_a_frame_can_be_sent) | TEST(frames_that_are_not_the_senders_are_efault) |
	       TEST(only_memory_can_be_sent_from_but_it_need_not_be_writable) |
	       TEST(as_many_pieces_as_the_limit_and_not_one_more) |
	       TEST(a_count_of_pieces_at_the_limits_of_integers_is_einval) | TEST(pieces_that_cannot_be_read_are_efault) |
	       TEST(a_call_that_changes_after_it_was_read_changes_nothing);
}
