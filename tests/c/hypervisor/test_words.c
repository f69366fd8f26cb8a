/* A ring's words are its owner's to spoil, at any time; they decide nothing but its own messages. */
#include "test.h"

static struct domain *sender, *owner;
static struct ring ring;

static void two_domains(uint32_t size)
{
	sender = machine_create_domain(1);
	owner = machine_create_domain(2);
	CHECK_EQUAL(ring_open(&ring, owner, 5, V4V_ANY, size, RING_FRAME), 0);
}

static void spoil(size_t offset, uint32_t value)
{
	guest_write(owner, address_of(RING_FRAME, (unsigned int)offset), &value, sizeof(value));
}

static void an_index_that_makes_no_sense_is_econnrefused_and_nothing_is_written(void)
{
	static const uint32_t ahead[] = {1, 15, 16, 4096, 0x7fffffff, 0x80000000u, 0u - 4112, 0u - 4097, 0u - 8192, 0u - 1};
	unsigned char before[FRAME_SIZE], after[FRAME_SIZE];

	two_domains(V4V_RING_MIN);
	CHECK_EQUAL(send_pattern(sender, &ring, 100, 1, 0), 100);
	ring_bytes(&ring, 0, before, FRAME_SIZE);
	for (unsigned int i = 0; i < sizeof(ahead) / sizeof(ahead[0]); i++)
		for (uint32_t flags = 0; flags <= V4V_SEND_PARTIAL; flags++) {
			ring_set_rx(&ring, ring_words(&ring).tx + ahead[i]);
			CHECK_EQUAL(send_pattern(sender, &ring, 100, 2, flags), -ECONNREFUSED);
			CHECK_EQUAL(ring_notify(&ring), -ECONNREFUSED);
			CHECK_EQUAL(ring_words(&ring).waiting, 0);
		}
	ring_bytes(&ring, 0, after, FRAME_SIZE);
	CHECK(memcmp(before, after, FRAME_SIZE) == 0);
	ring_set_rx(&ring, 0);
	CHECK(takes_pattern(&ring, 1, 100, 1));
	CHECK_EQUAL(send_pattern(sender, &ring, 100, 3, 0), 100);
	CHECK(takes_pattern(&ring, 1, 100, 3));
}

static void the_hypervisors_own_words_are_not_read_back(void)
{
	two_domains(V4V_RING_MIN);
	spoil(offsetof(struct v4v_ring, tx), 0xfffffff3u);
	spoil(offsetof(struct v4v_ring, state), V4V_RING_PARTNER_GONE);
	spoil(offsetof(struct v4v_ring, waiting), 7);
	CHECK_EQUAL(send_pattern(sender, &ring, 100, 1, 0), 100);
	CHECK_EQUAL(ring_words(&ring).tx, HEADER_BYTES + 112);
	CHECK(takes_pattern(&ring, 1, 100, 1));
	/* Nobody waits: the word is put right, and nobody is told. */
	events(owner);
	CHECK_EQUAL(ring_notify(&ring), 0);
	CHECK_EQUAL(ring_words(&ring).waiting, 0);
	CHECK_EQUAL(events(sender) + events(owner), 0);
}

static void a_sender_waits_even_if_the_owner_resets_the_word(void)
{
	two_domains(V4V_RING_MIN);
	CHECK_EQUAL(send_pattern(sender, &ring, 4080, 1, 0), 4080);
	CHECK_EQUAL(send_pattern(sender, &ring, 10, 1, 0), -EAGAIN);
	ring_set_waiting(&ring, 0);
	CHECK_EQUAL(send_pattern(sender, &ring, 10, 1, 0), -EAGAIN);
	ring_set_rx(&ring, 4096);
	CHECK_EQUAL(ring_notify(&ring), 0);
	CHECK_EQUAL(events(sender), 1);
}

/* Each time the hypervisor has read a word of the ring, the owner changes its index. */
static uint32_t next_rx;

static void change_the_index(const void *address)
{
	(void)address;
	spoil(offsetof(struct v4v_ring, rx), next_rx);
	next_rx = next_rx * 1103515245u + 12345u;
}

static void an_index_that_changes_while_it_is_looked_at_harms_nobody_else(void)
{
	unsigned char before[FRAME_SIZE], after[FRAME_SIZE];
	struct ring neighbour;

	two_domains(V4V_RING_MIN);
	CHECK_EQUAL(ring_open(&neighbour, owner, 6, V4V_ANY, V4V_RING_MIN, RING_FRAME + 2), 0);
	ring_fill(&neighbour, 0x3c);
	ring_bytes(&neighbour, 0, before, FRAME_SIZE);
	machine.on_word_read = change_the_index;
	for (uint32_t i = 0; i < 400; i++) {
		uint32_t tx = ring_words(&ring).tx;
		long rc;

		next_rx = tx - (i % 3 ? i * 16 % 4096 : i * 48271u);
		spoil(offsetof(struct v4v_ring, rx), tx - i * 16 % 4112);
		rc = send_pattern(sender, &ring, i * 13 % 4080, i, i & V4V_SEND_PARTIAL);
		CHECK(rc == -EAGAIN || rc == -ECONNREFUSED || (rc >= 0 && rc <= i * 13 % 4080));
		CHECK_EQUAL(ring_words(&ring).tx, rc < 0 ? tx : tx + HEADER_BYTES + round_up((uint32_t)rc));
	}
	machine.on_word_read = NULL;
	ring_bytes(&neighbour, 0, after, FRAME_SIZE);
	CHECK(memcmp(before, after, FRAME_SIZE) == 0);
	CHECK_EQUAL(ring_words(&neighbour).tx, 0);
}

/* Migration copies what is marked: bytes and the index that shows them. */
static void what_a_message_writes_is_marked_dirty(void)
{
	two_domains(16384);
	for (uint32_t i = 0; i < 20; i++) {
		CHECK_EQUAL(send_pattern(sender, &ring, 10000, i, 0), 10000);
		CHECK(takes_pattern(&ring, 1, 10000, i));
	}
	CHECK_EQUAL(machine.unmarked_frames, 0);
}

/* So are the words that no message writes. */
static void every_word_of_the_hypervisors_is_marked_dirty(void)
{
	struct ring second;

	sender = machine_create_domain(1);
	owner = machine_create_domain(2);
	guest_fill(owner, address_of(RING_FRAME, 0), 0x55, FRAME_SIZE);
	CHECK_EQUAL(ring_open(&ring, owner, 5, 1, V4V_RING_MIN, RING_FRAME), 0);
	CHECK_EQUAL(ring_words(&ring).reserved0[0], 0);
	CHECK_EQUAL(machine.unmarked_frames, 0);
	CHECK_EQUAL(send_pattern(sender, &ring, 4080, 1, 0), 4080);
	CHECK_EQUAL(send_pattern(sender, &ring, 10, 1, 0), -EAGAIN);
	CHECK_EQUAL(ring_words(&ring).waiting, 1);
	CHECK_EQUAL(machine.unmarked_frames, 0);
	ring_set_rx(&ring, 4096);
	CHECK_EQUAL(ring_notify(&ring), 0);
	CHECK_EQUAL(ring_words(&ring).waiting, 0);
	CHECK_EQUAL(machine.unmarked_frames, 0);
	CHECK_EQUAL(ring_open(&second, owner, 6, 1, V4V_RING_MIN, RING_FRAME + 2), 0);
	machine_kill_domain(sender);
	CHECK_EQUAL(ring_words(&second).state, V4V_RING_PARTNER_GONE);
	CHECK_EQUAL(machine.unmarked_frames, 0);
}

int main(void)
{
	TESTS_BEGIN;
	return TEST(an_index_that_makes_no_sense_is_econnrefused_and_nothing_is_written) |
	       TEST(the_hypervisors_own_words_are_not_read_back) |
	       TEST(a_sender_waits_even_if_the_owner_resets_the_word) |
	       TEST(an_index_that_changes_while_it_is_looked_at_harms_nobody_else) |
	       TEST(what_a_message_writes_is_marked_dirty) | TEST(every_word_of_the_hypervisors_is_marked_dirty);
}
