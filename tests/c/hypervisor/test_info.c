/* What the hypercall says of itself, and what it refuses before it looks any closer. */
#include "test.h"

_Static_assert(sizeof(struct v4v_ring) == 128 && offsetof(struct v4v_ring, rx) == 64, "owner's words on their own line");
_Static_assert(sizeof(struct v4v_message) == 16 && sizeof(struct v4v_iov) == 16, "header and piece of one unit");
_Static_assert(sizeof(struct v4v_register_ring) == 24 && offsetof(struct v4v_register_ring, frames) == 16, "no padding");
_Static_assert(sizeof(struct v4v_sendv) == 32 && sizeof(struct v4v_info) == 24 && sizeof(struct v4v_ring_id) == 8,
	       "the same for 32 and 64 bits");

static long ask(struct domain *d, uint32_t version, struct v4v_info *info)
{
	long rc;

	memset(info, 0xee, sizeof(*info));
	info->version = version;
	guest_write(d, address_of(CALL_FRAME, 0), info, sizeof(*info));
	rc = machine_hypercall(d, V4VOP_info, address_of(CALL_FRAME, 0));
	guest_read(d, address_of(CALL_FRAME, 0), info, sizeof(*info));
	return rc;
}

static void check_limits(const struct v4v_info *info, uint16_t domid)
{
	CHECK_EQUAL(info->version, V4V_ABI_VERSION);
	CHECK_EQUAL(info->domid, domid);
	CHECK_EQUAL(info->reserved, 0);
	CHECK_EQUAL(info->ring_max, V4V_RING_MAX);
	CHECK_EQUAL(info->rings_max, V4V_RINGS_MAX);
	CHECK_EQUAL(info->ring_bytes_max, V4V_RING_BYTES_MAX);
	CHECK_EQUAL(info->send_max, V4V_SEND_MAX);
}

static void info_tells_limits_and_who_the_caller_is(void)
{
	struct domain *one = machine_create_domain(1), *nine = machine_create_domain(0x7fef);
	struct v4v_info info;

	CHECK_EQUAL(ask(one, V4V_ABI_VERSION, &info), 0);
	check_limits(&info, 1);
	CHECK_EQUAL(ask(nine, V4V_ABI_VERSION, &info), 0);
	check_limits(&info, 0x7fef);
}

static void info_for_another_major_version_is_enosys_with_the_version_filled_in(void)
{
	struct domain *d = machine_create_domain(1);
	static const uint32_t versions[] = {0, 0xffffu, 0x00020000u, 0xffff0000u, 0xffffffffu};
	struct v4v_info info;

	for (unsigned int i = 0; i < sizeof(versions) / sizeof(versions[0]); i++) {
		CHECK_EQUAL(ask(d, versions[i], &info), -ENOSYS);
		check_limits(&info, 1);
	}
}

static void info_for_another_minor_version_is_served(void)
{
	struct domain *d = machine_create_domain(1);
	struct v4v_info info;

	CHECK_EQUAL(ask(d, V4V_ABI_VERSION | 0xffff, &info), 0);
	check_limits(&info, 1);
}

static void info_at_a_bad_address_is_efault(void)
{
	struct domain *d = machine_create_domain(1);
	const unsigned long end = GUEST_BASE + (unsigned long)d->nr_frames * FRAME_SIZE;
	const unsigned long bad[] = {0, 1, GUEST_BASE - 1, end - 1, end - 7, end, -1ul, -8ul};

	for (unsigned int i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		for (unsigned int cmd = V4VOP_info; cmd <= V4VOP_notify; cmd++)
			CHECK_EQUAL(machine_hypercall(d, cmd, bad[i]), -EFAULT);
}

static void info_that_cannot_be_written_back_is_efault(void)
{
	struct domain *d = machine_create_domain(1);

	frame_set_page_table(d, CALL_FRAME, true);
	CHECK_EQUAL(machine_hypercall(d, V4VOP_info, address_of(CALL_FRAME, 0)), -EFAULT);
}

static void an_unknown_operation_is_enosys(void)
{
	struct domain *d = machine_create_domain(1);

	CHECK_EQUAL(machine_hypercall(d, V4VOP_replace_rules + 1, address_of(CALL_FRAME, 0)), -ENOSYS);
	CHECK_EQUAL(machine_hypercall(d, ~0u, address_of(CALL_FRAME, 0)), -ENOSYS);
	CHECK_EQUAL(machine_hypercall(d, V4VOP_info | 0x80000000u, address_of(CALL_FRAME, 0)), -ENOSYS);
}

static void without_the_boot_option_every_operation_is_enosys(void)
{
	struct domain *d;

	*shim_opt_v4v = false;
	d = machine_create_domain(1);
	CHECK(!d->v4v);
	for (unsigned int cmd = 0; cmd <= V4VOP_replace_rules; cmd++)
		CHECK_EQUAL(machine_hypercall(d, cmd, address_of(CALL_FRAME, 0)), -ENOSYS);
	machine_soft_reset(d);
	machine_kill_domain(d);
}

/* dom_io and the like have domain structures, but no kernel that could ask. */
static void a_domain_without_v4v_takes_nothing_and_is_nobodys_partner(void)
{
	struct domain *one = machine_create_domain(1), *two;
	struct ring ring;

	*shim_opt_v4v = false;
	two = machine_create_domain(2);
	*shim_opt_v4v = true;
	ring = (struct ring){.owner = two, .id = {.port = 5}};
	CHECK_EQUAL(send_pattern(one, &ring, 1, 1, 0), -ECONNREFUSED);
	CHECK_EQUAL(ring_open(&ring, one, 5, 2, V4V_RING_MIN, RING_FRAME), -ESRCH);
}

static void system_and_idle_domains_get_nothing(void)
{
	struct domain system = {.domain_id = 0x7ff2}, idle = {.domain_id = 0x7fff, .idle = true};

	CHECK_EQUAL(v4v_init(&system), 0);
	CHECK_EQUAL(v4v_init(&idle), 0);
	CHECK(!system.v4v && !idle.v4v);
}

static void reserved_fields_that_are_not_zero_are_einval(void)
{
	struct domain *d = machine_create_domain(1);
	struct v4v_register_ring args = registration(d, 5, V4V_ANY, V4V_RING_MIN, RING_FRAME);
	struct v4v_sendv send = {.dst = {.port = 5, .domid = 1}};
	struct v4v_ring_id id = {.port = 5, .partner = V4V_ANY, .reserved = 1};
	struct ring ring;

	args.id.reserved = 0x8000;
	CHECK_EQUAL(register_with(d, &args), -EINVAL);
	CHECK_EQUAL(ring_open(&ring, d, 5, V4V_ANY, V4V_RING_MIN, RING_FRAME), 0);

	for (unsigned int cmd = V4VOP_unregister_ring; cmd <= V4VOP_notify; cmd += V4VOP_notify - V4VOP_unregister_ring) {
		guest_write(d, address_of(CALL_FRAME, 0), &id, sizeof(id));
		CHECK_EQUAL(machine_hypercall(d, cmd, address_of(CALL_FRAME, 0)), -EINVAL);
	}
	CHECK_EQUAL(sendv(d, &send, NULL, 0), 0);
	send.reserved = 1;
	CHECK_EQUAL(sendv(d, &send, NULL, 0), -EINVAL);
	send.reserved = 0;
	send.dst.reserved = 1;
	CHECK_EQUAL(sendv(d, &send, NULL, 0), -EINVAL);
	send.dst.reserved = 0;
	for (unsigned int bit = 1; bit < 32; bit++) {
		send.flags = 1u << bit;
		CHECK_EQUAL(sendv(d, &send, NULL, 0), -EINVAL);
	}
	CHECK_EQUAL(ring_words(&ring).tx, HEADER_BYTES);
}

static void operations_on_a_ring_that_is_not_there_are_enoent(void)
{
	struct domain *d = machine_create_domain(1);
	struct ring ring, other;

	CHECK_EQUAL(ring_open(&ring, d, 5, 1, V4V_RING_MIN, RING_FRAME), 0);
	other = ring;
	other.id.port = 5 + (1u << 16);
	CHECK_EQUAL(ring_notify(&other), -ENOENT);
	CHECK_EQUAL(ring_close(&other), -ENOENT);
	other = ring;
	other.id.partner = V4V_ANY;
	CHECK_EQUAL(ring_notify(&other), -ENOENT);
	CHECK_EQUAL(ring_close(&other), -ENOENT);
	CHECK_EQUAL(ring_notify(&ring), 0);
}

int main(void)
{
	TESTS_BEGIN;
	return TEST(info_tells_limits_and_who_the_caller_is) |
	       TEST(info_for_another_major_version_is_enosys_with_the_version_filled_in) |
	       TEST(info_for_another_minor_version_is_served) | TEST(info_at_a_bad_address_is_efault) |
	       TEST(info_that_cannot_be_written_back_is_efault) | TEST(an_unknown_operation_is_enosys) |
	       TEST(without_the_boot_option_every_operation_is_enosys) |
	       TEST(a_domain_without_v4v_takes_nothing_and_is_nobodys_partner) |
	       TEST(system_and_idle_domains_get_nothing) | TEST(reserved_fields_that_are_not_zero_are_einval) |
	       TEST(operations_on_a_ring_that_is_not_there_are_enoent);
}
