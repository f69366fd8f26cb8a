/* What is sent is what is in the ring: bytes, headers, padding, pieces. */
#include "test.h"

static struct domain *sender, *owner;
static struct ring ring;
static unsigned char bytes[MESSAGE_MAX], got[MESSAGE_MAX + 64];

static void two_domains(uint32_t size)
{
	sender = machine_create_domain(1);
	owner = machine_create_domain(2);
	CHECK_EQUAL(ring_open(&ring, owner, 5, V4V_ANY, size, RING_FRAME), 0);
}

/* Moves the ring's position on by `to` bytes with messages that are taken at once. */
static void turn(uint32_t to)
{
	while (ring.rx != to) {
		uint32_t step = to - ring.rx < ring.size ? to - ring.rx : ring.size;

		if (send_pattern(sender, &ring, step - HEADER_BYTES, 0, 0) < 0)
			return violation("the ring cannot be turned to %u", to);
		ring_set_rx(&ring, ring.rx + step);
	}
}

static const uint32_t sizes[] = {0,   1,   2,   7,    8,    15,	 16,   17,   31,	 32,   33,   63,   64,
				 100, 255, 256, 1000, 1001, 2048, 4047, 4048, 4063, 4064, 4065, 4079, 4080};

/* Every start in a ring of one frame: header at its end, payload around it, padding around it. */
static void bytes_arrive_at_every_start_in_a_ring_of_one_frame(void)
{
	two_domains(V4V_RING_MIN);
	for (uint32_t start = 0; start < V4V_RING_MIN; start += V4V_MESSAGE_ALIGN)
		for (unsigned int i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
			/* From this position to that of the next start, by way of the end. */
			uint32_t at = ring.rx % V4V_RING_MIN;

			if (at != start)
				turn(ring.rx + (start - at) % V4V_RING_MIN);
			CHECK_EQUAL(send_pattern(sender, &ring, sizes[i], start + i, 0), sizes[i]);
			CHECK(takes_pattern(&ring, 1, sizes[i], start + i));
			if (check_failed)
				return violation("%u bytes at %u", sizes[i], start);
		}
}

static void bytes_arrive_across_frames_and_the_end_of_a_larger_ring(void)
{
	static const uint32_t starts[] = {0, 16, 4064, 4080, 4096, 8176, 61424, 61440, 65504, 65520};
	static const uint32_t large[] = {1, 4079, 4080, 4081, 8192, 12289, 61440, 65519, 65520};

	two_domains(65536);
	for (unsigned int i = 0; i < sizeof(starts) / sizeof(starts[0]); i++)
		for (unsigned int j = 0; j < sizeof(large) / sizeof(large[0]); j++) {
			turn(ring.rx + (starts[i] - ring.rx) % ring.size);
			CHECK_EQUAL(send_pattern(sender, &ring, large[j], i + j, 0), large[j]);
			CHECK(takes_pattern(&ring, 1, large[j], i + j));
		}
}

static void bytes_arrive_in_the_largest_ring_and_of_the_largest_message(void)
{
	two_domains(V4V_RING_MAX);
	for (uint32_t i = 0; i < 40; i++) {
		CHECK_EQUAL(send_pattern(sender, &ring, V4V_SEND_MAX - i * 4095, i, 0), V4V_SEND_MAX - i * 4095);
		CHECK(takes_pattern(&ring, 1, V4V_SEND_MAX - i * 4095, i));
	}
}

static void positions_wrap_at_two_to_the_thirty_two(void)
{
	struct v4v_message header;

	two_domains(V4V_RING_MIN);
	machine_move_ring(owner, 5, V4V_ANY, 0u - 3 * V4V_RING_MIN - 48);
	ring_set_rx(&ring, 0u - 3 * V4V_RING_MIN - 48);
	for (uint32_t i = 0; i < 200; i++) {
		CHECK_EQUAL(send_pattern(sender, &ring, 101 + i, i, 0), 101 + i);
		CHECK(takes_pattern(&ring, 1, 101 + i, i));
	}
	CHECK(ring.rx < 0x80000000u);

	/* A ring that is full across the border takes what is left and no more. */
	machine_move_ring(owner, 5, V4V_ANY, 0u - 2048);
	ring_set_rx(&ring, 0u - 2048);
	CHECK_EQUAL(send_pattern(sender, &ring, 3000, 1, 0), 3000);
	CHECK_EQUAL(send_pattern(sender, &ring, 3000, 2, 0), -EAGAIN);
	CHECK_EQUAL(send_pattern(sender, &ring, 3000, 2, V4V_SEND_PARTIAL), V4V_RING_MIN - 3024 - HEADER_BYTES);
	CHECK_EQUAL(send_pattern(sender, &ring, 3000, 2, V4V_SEND_PARTIAL), -EAGAIN);
	CHECK(takes_pattern(&ring, 1, 3000, 1));
	CHECK(ring_take(&ring, &header, got));
	CHECK_EQUAL(header.length, V4V_RING_MIN - 3024 - HEADER_BYTES);
	CHECK_EQUAL(ring_room(&ring), ring.size);
}

static void the_header_says_what_was_sent_and_who_sent_it(void)
{
	struct v4v_sendv args;
	struct v4v_message header;

	two_domains(V4V_RING_MIN);
	args = (struct v4v_sendv){
		.dst = {.port = 5, .domid = 2}, .src_port = 0xfedcba98u, .type = 0x89abcdefu, .length = 0};
	CHECK_EQUAL(sendv(sender, &args, NULL, 0), 0);
	CHECK(ring_take(&ring, &header, got));
	CHECK_EQUAL(header.length, 0);
	CHECK_EQUAL(header.type, 0x89abcdefu);
	CHECK_EQUAL(header.src.port, 0xfedcba98u);
	CHECK_EQUAL(header.src.domid, 1);
	CHECK_EQUAL(header.src.reserved, 0);
}

/* Neither the stack nor what another domain sent before: bytes that were not sent stay the owner's. */
static void nothing_but_header_and_payload_is_written(void)
{
	two_domains(V4V_RING_MIN);
	for (uint32_t length = 0; length < 40; length++) {
		struct v4v_message header;
		uint32_t at = ring.rx, used = HEADER_BYTES + length;

		ring_fill(&ring, 0x3c);
		CHECK_EQUAL(send_pattern(sender, &ring, length, length, 0), length);
		ring_bytes(&ring, at, got, ring.size);
		for (uint32_t i = used; i < ring.size; i++)
			if (got[i] != 0x3c)
				return violation("byte %u behind %u is changed", i, length);
		CHECK(ring_take(&ring, &header, got));
	}
}

static void the_words_of_the_ring_change_as_told_and_the_owners_do_not(void)
{
	struct v4v_ring words;
	unsigned char frame[FRAME_SIZE];

	two_domains(V4V_RING_MIN);
	guest_fill(owner, address_of(RING_FRAME, 0), 0x3c, FRAME_SIZE);
	ring_set_rx(&ring, 0);
	ring_event_at(&ring, 0);
	CHECK_EQUAL(send_pattern(sender, &ring, 100, 1, 0), 100);
	words = ring_words(&ring);
	CHECK_EQUAL(words.tx, HEADER_BYTES + 112);
	CHECK_EQUAL(words.rx, 0);
	CHECK_EQUAL(words.event_at, 0);
	CHECK_EQUAL(words.state, 0x3c3c3c3c);
	guest_read(owner, address_of(RING_FRAME, 0), frame, sizeof(frame));
	for (unsigned int i = sizeof(words.tx); i < FRAME_SIZE; i++)
		if (frame[i] != 0x3c && (i < offsetof(struct v4v_ring, rx) || i >= offsetof(struct v4v_ring, reserved1)))
			return violation("byte %u of the first frame is changed", i);
}

static void a_self_addressed_message_arrives(void)
{
	struct v4v_sendv args;
	struct v4v_iov iov[2];

	two_domains(V4V_RING_MIN);
	CHECK_EQUAL(send_pattern(owner, &ring, 100, 1, 0), 100);
	CHECK(takes_pattern(&ring, 2, 100, 1));
	args = addressed(&ring, 100, 0);
	args.dst.domid = DOMID_SELF;
	pattern(bytes, 100, 2);
	args.nr_iov = lay_out(owner, bytes, 100, 0, iov);
	CHECK_EQUAL(sendv(owner, &args, iov, args.nr_iov), 100);
	CHECK(takes_pattern(&ring, 2, 100, 2));
	/* To send to oneself is not to send to everybody. */
	CHECK_EQUAL(sendv(sender, &args, iov, args.nr_iov), -ECONNREFUSED);
}

/* `pieces` pieces of all kinds: empty ones, single bytes, whole frames, and one frame more than once. */
static void send_in_pieces(unsigned int pieces, uint32_t seed)
{
	static struct v4v_iov iov[V4V_IOV_MAX];
	struct v4v_sendv args;
	struct v4v_message header;
	uint32_t length = 0;

	pattern(bytes, DATA_FRAMES * FRAME_SIZE < MESSAGE_MAX ? DATA_FRAMES * FRAME_SIZE : MESSAGE_MAX, seed);
	guest_write(sender, address_of(DATA_FRAME, 0), bytes, MESSAGE_MAX / 4);
	memset(got, 0, sizeof(got));
	for (unsigned int i = 0; i < pieces; i++) {
		unsigned int frame = (i * 7 + seed) % 16, offset = (i * 613 + seed) % (FRAME_SIZE + 1);
		unsigned int n = (i * 31 + seed) % 60;

		if (i % 11 == 3)
			n = 0;
		if (n > FRAME_SIZE - offset)
			n = FRAME_SIZE - offset;
		iov[i] = (struct v4v_iov){frame_mfn(sender, DATA_FRAME + frame), offset, n};
		memcpy(got + length, bytes + frame * FRAME_SIZE + offset, n);
		length += n;
	}
	args = addressed(&ring, length, 0);
	args.nr_iov = pieces;
	CHECK_EQUAL(sendv(sender, &args, iov, pieces), length);
	memcpy(bytes, got, length);
	CHECK(ring_take(&ring, &header, got));
	CHECK_EQUAL(header.length, length);
	CHECK(memcmp(bytes, got, length) == 0);
}

static void pieces_are_joined_in_their_order(void)
{
	static const unsigned int counts[] = {1, 2, 15, 16, 17, 31, 32, 33, 100, 1023, 1024};

	two_domains(65536);
	for (unsigned int i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
		for (uint32_t seed = 0; seed < 8; seed++)
			send_in_pieces(counts[i], seed);
}

static void pieces_beyond_the_length_are_not_looked_at(void)
{
	struct v4v_iov iov[40];
	struct v4v_sendv args;
	struct v4v_message header;

	two_domains(V4V_RING_MIN);
	args = addressed(&ring, 150, 0);
	pattern(bytes, 4096, 9);
	lay_out(sender, bytes, 4096, 0, iov);
	iov[0].length = 100;
	iov[1] = (struct v4v_iov){iov[0].gfn, 100, 3996};
	for (unsigned int i = 2; i < 40; i++)
		iov[i] = (struct v4v_iov){~0ull, ~0u, ~0u};
	args.nr_iov = 40;
	CHECK_EQUAL(sendv(sender, &args, iov, 40), 150);
	CHECK(ring_take(&ring, &header, got));
	CHECK_EQUAL(header.length, 150);
	CHECK(memcmp(got, bytes, 150) == 0);
}

static void a_message_that_can_never_fit_is_emsgsize(void)
{
	two_domains(V4V_RING_MIN);
	CHECK_EQUAL(send_pattern(sender, &ring, V4V_RING_MIN - HEADER_BYTES + 1, 1, 0), -EMSGSIZE);
	CHECK_EQUAL(send_pattern(sender, &ring, V4V_RING_MIN, 1, 0), -EMSGSIZE);
	CHECK_EQUAL(send_pattern(sender, &ring, V4V_SEND_MAX, 1, 0), -EMSGSIZE);
	CHECK_EQUAL(send_pattern(sender, &ring, V4V_RING_MIN - HEADER_BYTES, 1, 0), V4V_RING_MIN - HEADER_BYTES);
	/* Nobody is to wait for what never comes. */
	CHECK_EQUAL(send_pattern(sender, &ring, V4V_RING_MIN - HEADER_BYTES + 1, 1, 0), -EMSGSIZE);
	CHECK_EQUAL(ring_words(&ring).waiting, 0);
}

static void more_than_one_call_takes_is_emsgsize(void)
{
	static const uint32_t lengths[] = {V4V_SEND_MAX + 1, 0x7fffffffu, 0x80000000u, 0xfffffff0u, 0xffffffffu};

	two_domains(V4V_RING_MAX);
	for (unsigned int i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++)
		for (uint32_t flags = 0; flags <= V4V_SEND_PARTIAL; flags++) {
			struct v4v_sendv args = addressed(&ring, lengths[i], flags);

			CHECK_EQUAL(sendv(sender, &args, NULL, 0), -EMSGSIZE);
		}
	CHECK_EQUAL(ring_words(&ring).tx, 0);
}

static void without_partial_it_is_all_or_nothing(void)
{
	two_domains(V4V_RING_MIN);
	CHECK_EQUAL(send_pattern(sender, &ring, 4000, 1, 0), 4000);
	CHECK_EQUAL(ring_words(&ring).tx, 4016);
	/* 80 bytes are free: 64 behind a header. */
	CHECK_EQUAL(send_pattern(sender, &ring, 65, 2, 0), -EAGAIN);
	CHECK_EQUAL(ring_words(&ring).tx, 4016);
	CHECK_EQUAL(send_pattern(sender, &ring, 64, 3, 0), 64);
	CHECK_EQUAL(send_pattern(sender, &ring, 0, 4, 0), -EAGAIN);
	CHECK(takes_pattern(&ring, 1, 4000, 1));
	CHECK(takes_pattern(&ring, 1, 64, 3));
	CHECK_EQUAL(ring_room(&ring), ring.size);
}

static void with_partial_what_fits_is_taken(void)
{
	struct v4v_message header;

	two_domains(V4V_RING_MIN);
	for (uint32_t room = 0; room <= V4V_RING_MIN; room += V4V_MESSAGE_ALIGN) {
		uint32_t length = 5000, fits = room > HEADER_BYTES ? room - HEADER_BYTES : 0;

		if (room < V4V_RING_MIN)
			CHECK_EQUAL(send_pattern(sender, &ring, V4V_RING_MIN - room - HEADER_BYTES, 1, 0),
				    V4V_RING_MIN - room - HEADER_BYTES);
		CHECK_EQUAL(send_pattern(sender, &ring, length, room, V4V_SEND_PARTIAL), fits ? (long)fits : -EAGAIN);
		if (room < V4V_RING_MIN)
			CHECK(takes_pattern(&ring, 1, V4V_RING_MIN - room - HEADER_BYTES, 1));
		if (fits) {
			pattern(bytes, length, room);
			CHECK(ring_take(&ring, &header, got));
			CHECK_EQUAL(header.length, fits);
			CHECK(memcmp(got, bytes, fits) == 0);
		}
		CHECK_EQUAL(ring_room(&ring), ring.size);
		CHECK_EQUAL(ring_notify(&ring), 0);
	}
}

/* A stream of odd lengths through a full ring: every byte once and in order. */
static void a_stream_of_partial_sends_is_whole(void)
{
	static unsigned char stream[150000];
	struct v4v_message header;
	uint32_t sent = 0, received = 0, n = 1;

	two_domains(V4V_RING_MIN);
	pattern(stream, sizeof(stream), 4);
	while (received < sizeof(stream)) {
		while (sent < sizeof(stream)) {
			struct v4v_iov iov[4];
			struct v4v_sendv args;
			long rc;

			n = (n * 7 + 3) % 9001;
			args = addressed(&ring, n < sizeof(stream) - sent ? n : sizeof(stream) - sent, V4V_SEND_PARTIAL);
			args.nr_iov = lay_out(sender, stream + sent, args.length, n % 100, iov);
			rc = sendv(sender, &args, iov, args.nr_iov);
			if (rc < 0) {
				CHECK_EQUAL(rc, -EAGAIN);
				break;
			}
			sent += (uint32_t)rc;
			if ((uint32_t)rc < args.length)
				break;
		}
		if (!ring_take(&ring, &header, got) || received + header.length > sizeof(stream) ||
		    memcmp(got, stream + received, header.length) != 0)
			return violation("the stream is broken at %u", received);
		received += header.length;
		CHECK_EQUAL(ring_notify(&ring), 0);
	}
}

static void a_message_of_no_bytes_needs_no_pieces(void)
{
	struct v4v_sendv args;

	two_domains(V4V_RING_MIN);
	for (unsigned int i = 0; i < V4V_RING_MIN / HEADER_BYTES; i++) {
		args = addressed(&ring, 0, i & 1 ? V4V_SEND_PARTIAL : 0);
		CHECK_EQUAL(sendv(sender, &args, NULL, 0), 0);
	}
	CHECK_EQUAL(sendv(sender, &args, NULL, 0), -EAGAIN);
	args.flags = 0;
	CHECK_EQUAL(sendv(sender, &args, NULL, 0), -EAGAIN);
	for (unsigned int i = 0; i < V4V_RING_MIN / HEADER_BYTES; i++)
		CHECK(takes_pattern(&ring, 1, 0, 0));
}

static void no_ring_no_domain_or_a_closed_ring_is_econnrefused(void)
{
	struct ring other;

	two_domains(V4V_RING_MIN);
	other = ring;
	other.id.port = 6;
	CHECK_EQUAL(send_pattern(sender, &other, 10, 1, 0), -ECONNREFUSED);
	other.id.port = 5 + 64;
	CHECK_EQUAL(send_pattern(sender, &other, 10, 1, 0), -ECONNREFUSED);
	for (uint32_t domid = 0; domid < 0x10000; domid += domid < 8 ? 1 : 0x1ff8) {
		struct v4v_sendv args = addressed(&ring, 0, 0);

		args.dst.domid = (uint16_t)domid;
		CHECK_EQUAL(sendv(sender, &args, NULL, 0), domid == 2 ? 0 : -ECONNREFUSED);
	}
	CHECK_EQUAL(ring_close(&ring), 0);
	CHECK_EQUAL(send_pattern(sender, &ring, 10, 1, 0), -ECONNREFUSED);
}

static void a_ring_for_one_partner_refuses_all_others(void)
{
	struct domain *third;

	sender = machine_create_domain(1);
	owner = machine_create_domain(2);
	third = machine_create_domain(3);
	CHECK_EQUAL(ring_open(&ring, owner, 5, 1, V4V_RING_MIN, RING_FRAME), 0);
	CHECK_EQUAL(send_pattern(third, &ring, 10, 1, 0), -ECONNREFUSED);
	CHECK_EQUAL(send_pattern(owner, &ring, 10, 1, 0), -ECONNREFUSED);
	CHECK_EQUAL(ring_words(&ring).tx, 0);
	CHECK_EQUAL(send_pattern(sender, &ring, 10, 1, 0), 10);
	CHECK(takes_pattern(&ring, 1, 10, 1));
}

static void the_ring_for_a_partner_comes_before_the_one_for_all(void)
{
	struct domain *third;
	struct ring exact;

	/* In either order of registration. */
	for (unsigned int i = 0; i < 2; i++) {
		two_domains(V4V_RING_MIN);
		third = machine_create_domain(3);
		if (i)
			CHECK_EQUAL(ring_close(&ring), 0);
		CHECK_EQUAL(ring_open(&exact, owner, 5, 1, V4V_RING_MIN, RING_FRAME + 2), 0);
		if (i)
			CHECK_EQUAL(ring_open(&ring, owner, 5, V4V_ANY, V4V_RING_MIN, RING_FRAME), 0);
		CHECK_EQUAL(send_pattern(sender, &ring, 10, 1, 0), 10);
		CHECK_EQUAL(send_pattern(third, &ring, 11, 2, 0), 11);
		CHECK(takes_pattern(&exact, 1, 10, 1));
		CHECK(takes_pattern(&ring, 3, 11, 2));
		CHECK_EQUAL(ring_room(&exact) + ring_room(&ring), 2 * V4V_RING_MIN);
		machine_stop();
		machine_start();
	}
}

static void many_senders_are_told_apart(void)
{
	struct domain *senders[4];

	owner = machine_create_domain(20);
	CHECK_EQUAL(ring_open(&ring, owner, 5, V4V_ANY, V4V_RING_MIN, RING_FRAME), 0);
	for (uint16_t i = 0; i < 4; i++) {
		senders[i] = machine_create_domain(30 + i);
		CHECK_EQUAL(send_pattern(senders[i], &ring, 10 + i, i, 0), 10 + i);
	}
	for (uint16_t i = 0; i < 4; i++)
		CHECK(takes_pattern(&ring, 30 + i, 10 + i, i));
}

int main(void)
{
	TESTS_BEGIN;
	return TEST(bytes_arrive_at_every_start_in_a_ring_of_one_frame) |
	       TEST(bytes_arrive_across_frames_and_the_end_of_a_larger_ring) |
	       TEST(bytes_arrive_in_the_largest_ring_and_of_the_largest_message) |
	       TEST(positions_wrap_at_two_to_the_thirty_two) | TEST(the_header_says_what_was_sent_and_who_sent_it) |
	       TEST(nothing_but_header_and_payload_is_written) |
	       TEST(the_words_of_the_ring_change_as_told_and_the_owners_do_not) | TEST(a_self_addressed_message_arrives) |
	       TEST(pieces_are_joined_in_their_order) | TEST(pieces_beyond_the_length_are_not_looked_at) |
	       TEST(a_message_that_can_never_fit_is_emsgsize) | TEST(more_than_one_call_takes_is_emsgsize) |
	       TEST(without_partial_it_is_all_or_nothing) | TEST(with_partial_what_fits_is_taken) |
	       TEST(a_stream_of_partial_sends_is_whole) | TEST(a_message_of_no_bytes_needs_no_pieces) |
	       TEST(no_ring_no_domain_or_a_closed_ring_is_econnrefused) |
	       TEST(a_ring_for_one_partner_refuses_all_others) | TEST(the_ring_for_a_partner_comes_before_the_one_for_all) |
	       TEST(many_senders_are_told_apart);
}
