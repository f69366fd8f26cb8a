/* Which rings are taken, and that taking and giving them back is even. */
#include "test.h"

#include <asm/p2m.h>

static struct domain *d;

static long open_at(uint32_t port, uint16_t partner, uint32_t size)
{
	struct ring ring;

	return ring_open(&ring, d, port, partner, size, RING_FRAME);
}

static void every_power_of_two_within_the_bounds_is_a_ring(void)
{
	d = machine_create_domain(1);
	for (uint32_t size = V4V_RING_MIN; size <= V4V_RING_MAX; size *= 2)
		CHECK_EQUAL(open_at(size, V4V_ANY, size), 0);
}

static void sizes_out_of_bounds_or_not_a_power_of_two_are_einval(void)
{
	static const uint32_t sizes[] = {0,    1,    2048,	4095,	     4097,	  8191,	      12288,
					 6144, 8208, 3u << 20, 4194303u, 8u << 20, 1u << 31, 0xffffffffu, 0xfffff000u};

	d = machine_create_domain(1);
	for (unsigned int i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct v4v_register_ring args = registration(d, 5, V4V_ANY, V4V_RING_MIN, RING_FRAME);

		args.size = sizes[i];
		args.nr_frames = 1 + sizes[i] / V4V_FRAME_SIZE;
		CHECK_EQUAL(register_with(d, &args), -EINVAL);
		args.nr_frames = 2;
		CHECK_EQUAL(register_with(d, &args), -EINVAL);
	}
}

static void a_ring_beyond_the_largest_is_einval_however_sound_its_frames(void)
{
	struct v4v_register_ring args;

	d = machine_create_domain(1);
	args = registration(d, 5, V4V_ANY, V4V_RING_MIN, RING_FRAME);
	args.size = 2 * V4V_RING_MAX;
	args.nr_frames = 1 + args.size / V4V_FRAME_SIZE;
	for (unsigned int i = 0; i < args.nr_frames; i++) {
		uint64_t gfn = frame_mfn(d, RING_FRAME + i % 1000);

		guest_write(d, args.frames + i * sizeof(gfn), &gfn, sizeof(gfn));
	}
	CHECK_EQUAL(register_with(d, &args), -EINVAL);
}

static void a_count_of_frames_that_does_not_fit_the_size_is_einval(void)
{
	static const uint32_t counts[] = {0, 1, 2, 4, 1025, 0x10000003u, 0x80000003u, 0xffffffffu};

	d = machine_create_domain(1);
	for (unsigned int i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		struct v4v_register_ring args = registration(d, 5, V4V_ANY, 2 * V4V_FRAME_SIZE, RING_FRAME);

		args.nr_frames = counts[i];
		CHECK_EQUAL(register_with(d, &args), -EINVAL);
	}
}

/* Each position of a bad frame ends in a batch of its own or among good ones. */
static void one_bad_frame_anywhere_is_einval_and_gives_all_others_back(void)
{
	static const uint64_t bad[] = {0, ~0ull, 0x100000ull << 20, FIRST_MFN + MAX_DOMAINS * DOMAIN_FRAMES};
	static const unsigned int places[] = {0, 1, 2, 62, 63, 64, 65, 127, 128};
	struct domain *other;

	d = machine_create_domain(1);
	other = machine_create_domain(2);
	for (unsigned int i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		for (unsigned int j = 0; j < 5; j++) {
			uint64_t gfn = j < 4 ? bad[j] : frame_mfn(other, RING_FRAME);
			struct v4v_register_ring args =
				registration(d, 5, V4V_ANY, 128 * V4V_FRAME_SIZE, RING_FRAME);

			guest_write(d, args.frames + places[i] * sizeof(gfn), &gfn, sizeof(gfn));
			CHECK_EQUAL(register_with(d, &args), -EINVAL);
		}
}

static void check_frame_refused(unsigned int place, long expected)
{
	CHECK_EQUAL(open_at(5, V4V_ANY, 4 * V4V_FRAME_SIZE), expected);
	frame_set_type(d, RING_FRAME + place, p2m_ram_rw);
	frame_set_page_table(d, RING_FRAME + place, false);
	if (!expected)
		CHECK_EQUAL(unregister(d, 5, V4V_ANY), 0);
}

static void frames_that_are_not_ordinary_memory_are_refused(void)
{
	static const p2m_type_t types[] = {p2m_invalid, p2m_mmio_dm, p2m_mmio_direct, p2m_grant_map_rw, p2m_map_foreign};

	d = machine_create_domain(1);
	for (unsigned int place = 0; place < 5; place += 2) {
		for (unsigned int i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
			frame_set_type(d, RING_FRAME + place, types[i]);
			check_frame_refused(place, -EINVAL);
		}
		/* The guest's page tables: Xen must not write there, nor let a ring keep them. */
		frame_set_page_table(d, RING_FRAME + place, true);
		check_frame_refused(place, -EINVAL);
	}
}

static void frames_that_are_on_their_way_are_ebusy(void)
{
	d = machine_create_domain(1);
	for (unsigned int place = 0; place < 5; place += 2) {
		frame_set_type(d, RING_FRAME + place, p2m_ram_paged);
		check_frame_refused(place, -EBUSY);
		frame_set_type(d, RING_FRAME + place, p2m_ram_shared);
		check_frame_refused(place, -EBUSY);
		frame_set_type(d, RING_FRAME + place, p2m_ram_logdirty);
		check_frame_refused(place, 0);
	}
}

/* p2m_is_ram() holds for them too; to write there is what the toolstack has forbidden (ROM images, for one). */
static void frames_that_the_guest_may_only_read_are_refused(void)
{
	d = machine_create_domain(1);
	for (unsigned int place = 0; place < 5; place += 2) {
		frame_set_type(d, RING_FRAME + place, p2m_ram_ro);
		check_frame_refused(place, -EINVAL);
	}
}

/* The device model is to see each write to such a frame, and Xen's copy would go past it. */
static void frames_whose_writes_a_device_model_sees_are_refused(void)
{
	d = machine_create_domain(1);
	frame_set_type(d, RING_FRAME + 1, p2m_ioreq_server);
	check_frame_refused(1, -EINVAL);
}

static void a_list_of_frames_that_cannot_be_read_is_efault(void)
{
	unsigned long end;

	d = machine_create_domain(1);
	end = GUEST_BASE + (unsigned long)d->nr_frames * FRAME_SIZE;
	for (unsigned int i = 0; i < 7; i++) {
		const uint64_t bad[] = {0, GUEST_BASE - 8, end - 8, end, ~0ull, ~0ull - 7, 1ull << 63};
		struct v4v_register_ring args = registration(d, 5, V4V_ANY, V4V_RING_MIN, RING_FRAME);

		args.frames = bad[i];
		CHECK_EQUAL(register_with(d, &args), -EFAULT);
	}
	/* The first batches are there, the last is not. */
	for (unsigned int readable = 63; readable < 129; readable += 13) {
		struct v4v_register_ring args = registration(d, 5, V4V_ANY, 128 * V4V_FRAME_SIZE, RING_FRAME);

		args.frames = end - readable * sizeof(uint64_t);
		for (unsigned int i = 0; i < readable; i++) {
			uint64_t gfn = frame_mfn(d, RING_FRAME + i);

			guest_write(d, args.frames + i * sizeof(gfn), &gfn, sizeof(gfn));
		}
		CHECK_EQUAL(register_with(d, &args), -EFAULT);
	}
}

static void the_list_of_frames_may_lie_across_frames_and_unaligned(void)
{
	struct ring ring;
	struct v4v_register_ring args;
	uint64_t gfns[257];

	d = machine_create_domain(1);
	args = registration(d, 5, V4V_ANY, 256 * V4V_FRAME_SIZE, RING_FRAME);
	guest_read(d, args.frames, gfns, sizeof(gfns));
	args.frames = address_of(LIST_FRAME, FRAME_SIZE - 3);
	guest_write(d, args.frames, gfns, sizeof(gfns));
	CHECK_EQUAL(register_with(d, &args), 0);

	ring = (struct ring){.owner = d, .id = args.id, .size = args.size, .frame = RING_FRAME};
	CHECK_EQUAL(send_pattern(d, &ring, 255 * 1024, 3, 0), 255 * 1024);
	CHECK(takes_pattern(&ring, 1, 255 * 1024, 3));
}

static void the_header_is_zeroed_and_nothing_else_is_touched(void)
{
	unsigned char bytes[2 * FRAME_SIZE], zero[sizeof(struct v4v_ring)] = {0};

	d = machine_create_domain(1);
	guest_fill(d, address_of(RING_FRAME, 0), 0x3c, 2 * FRAME_SIZE);
	CHECK_EQUAL(open_at(5, V4V_ANY, V4V_RING_MIN), 0);
	guest_read(d, address_of(RING_FRAME, 0), bytes, sizeof(bytes));
	CHECK(memcmp(bytes, zero, sizeof(zero)) == 0);
	for (unsigned int i = sizeof(zero); i < sizeof(bytes); i++)
		if (bytes[i] != 0x3c)
			return violation("byte %u is changed", i);
}

/* A guest must not be able to reset the words of a ring that works, nor lose bytes in an attempt. */
static void a_registration_that_fails_writes_nothing(void)
{
	struct ring ring;
	struct v4v_ring before, after;

	d = machine_create_domain(1);
	CHECK_EQUAL(ring_open(&ring, d, 5, V4V_ANY, V4V_RING_MIN, RING_FRAME), 0);
	CHECK_EQUAL(send_pattern(d, &ring, 100, 1, 0), 100);
	before = ring_words(&ring);
	CHECK_EQUAL(open_at(5, V4V_ANY, V4V_RING_MIN), -EEXIST);
	CHECK_EQUAL(open_at(6, 99, V4V_RING_MIN), -ESRCH);
	after = ring_words(&ring);
	CHECK(memcmp(&before, &after, sizeof(before)) == 0);
	CHECK(takes_pattern(&ring, 1, 100, 1));
}

static void the_same_port_and_partner_is_eexist(void)
{
	d = machine_create_domain(1);
	machine_create_domain(2);
	CHECK_EQUAL(open_at(5, V4V_ANY, V4V_RING_MIN), 0);
	CHECK_EQUAL(open_at(5, V4V_ANY, V4V_RING_MIN), -EEXIST);
	CHECK_EQUAL(open_at(5, 2, V4V_RING_MIN), 0);
	CHECK_EQUAL(open_at(5, 2, 2 * V4V_RING_MIN), -EEXIST);
	CHECK_EQUAL(open_at(5, 1, V4V_RING_MIN), 0);
	/* These share a place in the table with port 5. */
	CHECK_EQUAL(open_at(5 + 64, V4V_ANY, V4V_RING_MIN), 0);
	CHECK_EQUAL(open_at((5 ^ 1) + (1u << 16), V4V_ANY, V4V_RING_MIN), 0);
	CHECK_EQUAL(open_at(0xffffffffu, V4V_ANY, V4V_RING_MIN), 0);
	CHECK_EQUAL(open_at(0, V4V_ANY, V4V_RING_MIN), 0);
}

static void a_partner_that_does_not_live_is_esrch(void)
{
	struct domain *two;

	d = machine_create_domain(1);
	two = machine_create_domain(2);
	CHECK_EQUAL(open_at(5, 3, V4V_RING_MIN), -ESRCH);
	CHECK_EQUAL(open_at(5, DOMID_SELF, V4V_RING_MIN), -ESRCH);
	CHECK_EQUAL(open_at(5, 0xffff, V4V_RING_MIN), -ESRCH);
	machine_kill_domain(two);
	CHECK_EQUAL(open_at(5, 2, V4V_RING_MIN), -ESRCH);
	machine_destroy_domain(two);
	CHECK_EQUAL(open_at(5, 2, V4V_RING_MIN), -ESRCH);
	machine_create_domain(2);
	CHECK_EQUAL(open_at(5, 2, V4V_RING_MIN), 0);
}

static void the_quota_of_rings_is_kept(void)
{
	d = machine_create_domain(1);
	for (unsigned int i = 0; i < V4V_RINGS_MAX; i++)
		CHECK_EQUAL(open_at(i, V4V_ANY, V4V_RING_MIN), 0);
	CHECK_EQUAL(open_at(V4V_RINGS_MAX, V4V_ANY, V4V_RING_MIN), -ENOSPC);
	CHECK_EQUAL(open_at(7, V4V_ANY, V4V_RING_MIN), -EEXIST);
	CHECK_EQUAL(unregister(d, 7, V4V_ANY), 0);
	CHECK_EQUAL(open_at(V4V_RINGS_MAX, V4V_ANY, V4V_RING_MIN), 0);
	CHECK_EQUAL(open_at(7, V4V_ANY, V4V_RING_MIN), -ENOSPC);
	/* It is a domain's own. */
	d = machine_create_domain(2);
	CHECK_EQUAL(open_at(7, V4V_ANY, V4V_RING_MIN), 0);
}

static void the_quota_of_ring_bytes_is_kept(void)
{
	d = machine_create_domain(1);
	for (unsigned int i = 0; i < V4V_RING_BYTES_MAX / V4V_RING_MAX - 1; i++)
		CHECK_EQUAL(open_at(i, V4V_ANY, V4V_RING_MAX), 0);
	CHECK_EQUAL(open_at(100, V4V_ANY, V4V_RING_MIN), 0);
	CHECK_EQUAL(open_at(101, V4V_ANY, V4V_RING_MAX), -ENOSPC);
	CHECK_EQUAL(open_at(101, V4V_ANY, V4V_RING_MAX / 2), 0);
	CHECK_EQUAL(open_at(102, V4V_ANY, V4V_RING_MAX / 2), -ENOSPC);
	CHECK_EQUAL(unregister(d, 100, V4V_ANY), 0);
	CHECK_EQUAL(open_at(102, V4V_ANY, V4V_RING_MAX / 2), 0);
	CHECK_EQUAL(open_at(103, V4V_ANY, V4V_RING_MIN), -ENOSPC);
}

static void a_thousand_registrations_of_one_ring_leave_nothing(void)
{
	unsigned int blocks;

	d = machine_create_domain(1);
	blocks = machine.heap_blocks;
	for (unsigned int i = 0; i < 1000; i++) {
		CHECK_EQUAL(open_at(5, V4V_ANY, 8 * V4V_FRAME_SIZE), 0);
		CHECK_EQUAL(open_at(5, V4V_ANY, 8 * V4V_FRAME_SIZE), -EEXIST);
		CHECK_EQUAL(unregister(d, 5, V4V_ANY), 0);
		CHECK_EQUAL(unregister(d, 5, V4V_ANY), -ENOENT);
	}
	CHECK_EQUAL(machine.heap_blocks, blocks);
}

/* Foolish, but the guest's own affair: the hypervisor keeps its account of each name. */
static void one_frame_may_be_in_many_places(void)
{
	struct v4v_register_ring args;
	struct ring ring;

	d = machine_create_domain(1);
	args = registration(d, 5, V4V_ANY, 2 * V4V_FRAME_SIZE, RING_FRAME);
	for (unsigned int i = 0; i < 3; i++) {
		uint64_t gfn = frame_mfn(d, RING_FRAME);

		guest_write(d, args.frames + i * sizeof(gfn), &gfn, sizeof(gfn));
	}
	CHECK_EQUAL(register_with(d, &args), 0);
	args.id.port = 6;
	CHECK_EQUAL(register_with(d, &args), 0);
	/* Its data overwrite its words; nothing comes of it but refusals. */
	ring = (struct ring){.owner = d, .id = {.port = 5, .partner = V4V_ANY}, .size = args.size, .frame = RING_FRAME};
	for (unsigned int i = 0; i < 20; i++) {
		long rc = send_pattern(d, &ring, 1000, i, V4V_SEND_PARTIAL);

		CHECK(rc > 0 || rc == -ECONNREFUSED || rc == -EAGAIN);
	}
	CHECK_EQUAL(unregister(d, 5, V4V_ANY), 0);
	CHECK_EQUAL(unregister(d, 6, V4V_ANY), 0);
}

static void change_the_list(struct domain *caller, unsigned long address, unsigned long count)
{
	/* What was read is replaced at once by what must not be used. */
	guest_fill(caller, address, 0xff, count);
}

static void a_list_that_changes_after_it_was_read_changes_nothing(void)
{
	struct ring ring;

	d = machine_create_domain(1);
	machine.on_guest_read = change_the_list;
	CHECK_EQUAL(ring_open(&ring, d, 5, V4V_ANY, 256 * V4V_FRAME_SIZE, RING_FRAME), 0);
	machine.on_guest_read = NULL;
	CHECK_EQUAL(send_pattern(d, &ring, 50000, 2, 0), 50000);
	CHECK(takes_pattern(&ring, 1, 50000, 2));
	machine.on_guest_read = change_the_list;
	CHECK_EQUAL(ring_close(&ring), 0);
}

int main(void)
{
	TESTS_BEGIN;
	return TEST(every_power_of_two_within_the_bounds_is_a_ring) |
	       TEST(sizes_out_of_bounds_or_not_a_power_of_two_are_einval) |
	       TEST(a_ring_beyond_the_largest_is_einval_however_sound_its_frames) |
	       TEST(a_count_of_frames_that_does_not_fit_the_size_is_einval) |
	       TEST(one_bad_frame_anywhere_is_einval_and_gives_all_others_back) |
	       TEST(frames_that_are_not_ordinary_memory_are_refused) | TEST(frames_that_are_on_their_way_are_ebusy) |
	       TEST(frames_that_the_guest_may_only_read_are_refused) |
	       TEST(frames_whose_writes_a_device_model_sees_are_refused) |
	       TEST(a_list_of_frames_that_cannot_be_read_is_efault) |
	       TEST(the_list_of_frames_may_lie_across_frames_and_unaligned) |
	       TEST(the_header_is_zeroed_and_nothing_else_is_touched) | TEST(a_registration_that_fails_writes_nothing) |
	       TEST(the_same_port_and_partner_is_eexist) | TEST(a_partner_that_does_not_live_is_esrch) |
	       TEST(the_quota_of_rings_is_kept) | TEST(the_quota_of_ring_bytes_is_kept) |
	       TEST(a_thousand_registrations_of_one_ring_leave_nothing) | TEST(one_frame_may_be_in_many_places) |
	       TEST(a_list_that_changes_after_it_was_read_changes_nothing);
}
