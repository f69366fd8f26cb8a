/*
 * Hostile guests: FUZZ_COUNT (default 150000) hypercalls, in rounds that begin with an empty machine. FUZZ_SEED (default
 * 1) is the first round's; a failure names the seed to start with again.
 *
 * Every call is followed by the audit (shim/audit.c): locks free, references and mappings as the rings account for
 * them, no byte written but in rings. A round ends with all domains gone and nothing left.
 */
#include <errno.h>
#include <sanitizer/asan_interface.h>

#include <asm/p2m.h>

#include "fuzz.h"
#include "test.h"

#define CALLS_OF_A_ROUND 120u
/* Far above what the largest ring or message needs: 1025 frames, or 1024 pieces of up to four look-ups and maps each. */
#define MOST_STEPS 5000u

uint64_t random_state;
struct guest guests[NUMBERS];
static unsigned long calls, rounds, seed;

uint16_t number_of(unsigned int index)
{
	static const uint16_t numbers[NUMBERS] = {0, 1, 2, 3, 0x7fef};

	return numbers[index];
}

uint16_t any_domid(void)
{
	static const uint16_t odd[] = {7, DOMID_SELF, 0x7ff1, 0x7ff2, V4V_ANY, 0x7fff, 0x8000, 0xffff};

	return once_in(20) ? odd[below(sizeof(odd) / sizeof(odd[0]))] : number_of(below(NUMBERS));
}

struct domain *any_guest(void)
{
	unsigned int first = below(NUMBERS);

	for (unsigned int i = 0; i < NUMBERS; i++) {
		const struct guest *guest = &guests[(first + i) % NUMBERS];

		if (guest->life == ALIVE && !guest->d->is_shut_down)
			return guest->d;
	}
	return NULL;
}

void begin_life(unsigned int index)
{
	*shim_opt_v4v = !once_in(30);
	guests[index].d = machine_create_domain(number_of(index));
	if (!guests[index].d)
		return;
	guests[index].life = ALIVE;
	guests[index].d->translated = once_in(4);
	for (unsigned int i = 0; i < DATA_FRAMES; i += 1 + below(8))
		guest_fill(guests[index].d, address_of(DATA_FRAME + i, 0), (int)below(256), FRAME_SIZE);
}

void end_life(unsigned int index)
{
	struct guest *guest = &guests[index];

	switch (guest->life) {
	case ALIVE:
		rings_forget_owner(guest->d);
		rules_forget_domain(number_of(index));
		v4v_teardown(guest->d);
		guest->life = DYING;
		break;
	case DYING:
		machine_kill_domain(guest->d);
		guest->life = ZOMBIE;
		break;
	case ZOMBIE:
		machine_destroy_domain(guest->d);
		guest->life = ABSENT;
		break;
	case ABSENT:
		begin_life(index);
	}
}

/* It is saved, say, or has crashed; and goes on. */
static void shut_down_or_resume(const struct guest *guest)
{
	if (guest->life != ALIVE)
		return;
	if (guest->d->is_shut_down)
		machine_resume(guest->d);
	else
		guest->d->is_shut_down = true;
}

/* Xen does it to a domain that is shut down, which goes on with it. */
static void soft_reset(struct domain *d)
{
	d->is_shut_down = true;
	rings_forget_owner(d);
	machine_soft_reset(d);
	machine_resume(d);
}

/* Frames of other kinds, and page tables; what Xen refers to cannot change its kind. */
static void change_a_frame(struct domain *d)
{
	static const p2m_type_t types[] = {p2m_ram_rw,	    p2m_ram_rw,	      p2m_ram_rw,    p2m_ram_rw,
					   p2m_invalid,	    p2m_ram_ro,	    p2m_ram_logdirty, p2m_ram_paged, p2m_mmio_direct,
					   p2m_map_foreign, p2m_ram_shared,   p2m_ioreq_server};
	unsigned int frame = RING_FRAME - 10 + below(40);

	if (frame_is_held(d, frame))
		return;
	frame_set_type(d, frame, types[below(sizeof(types) / sizeof(types[0]))]);
	frame_set_page_table(d, frame, once_in(6));
}

static void fuzz_register(struct domain *d)
{
	uint32_t size = V4V_RING_MIN << (once_in(20) ? below(11) : below(4));
	unsigned int first = once_in(10) ? below(DOMAIN_FRAMES - 1025) : RING_FRAME + below(600);
	struct v4v_register_ring args = registration(d, below(PORTS), once_in(3) ? any_domid() : V4V_ANY, size, first);
	struct ring ring = {.owner = d, .id = args.id, .size = size, .frame = first};
	bool clean = first >= RING_FRAME, as_chosen = !once_in(4);
	long rc;

	if (!as_chosen)
		switch (below(7)) {
		case 0:
			args.size = odd_number();
			break;
		case 1:
			args.nr_frames = odd_number();
			break;
		case 2:
			args.size = odd_number();
			args.nr_frames = 1 + args.size / V4V_FRAME_SIZE;
			break;
		case 3:
			args.id.reserved = 1;
			break;
		case 4:
			args.frames = once_in(2) ? ((uint64_t)any() << 32) | any() : address_of(below(DOMAIN_FRAMES), 4090);
			break;
		default:
			for (unsigned int i = 0; i < 3; i++) {
				uint64_t gfn = once_in(4) ? any() : FIRST_MFN + below(MAX_DOMAINS * DOMAIN_FRAMES);

				if (once_in(2))
					gfn = frame_mfn(d, RING_FRAME + below(60));
				guest_write(d, args.frames + below(args.nr_frames) * sizeof(gfn), &gfn, sizeof(gfn));
			}
		}
	meddle(d);
	rc = register_with(d, &args);
	stop_meddling();
	if (!rc) {
		/* Its first frame may be any of the domain's: words are spoiled where the guest thinks they are. */
		ring.size = args.size;
		rings_add(&ring, clean && as_chosen);
	} else if (rc != -EINVAL && rc != -EEXIST && rc != -ENOSPC && rc != -ESRCH && rc != -EFAULT && rc != -ENOMEM &&
		   rc != -EBUSY) {
		violation("register_ring returns %ld", rc);
	}
}

static void fuzz_id(struct domain *d, bool close)
{
	struct known *known = once_in(4) ? NULL : any_ring();
	struct ring ring = {.owner = d, .id = {.port = below(PORTS), .partner = any_domid()}};
	long rc;

	if (known && known->ring.owner->nr_frames)
		ring = known->ring;
	if (once_in(30))
		ring.id.reserved = (uint16_t)odd_number();
	meddle(ring.owner);
	rc = close ? ring_close(&ring) : ring_notify(&ring);
	stop_meddling();
	if (!rc && close)
		rings_remove(ring.owner, ring.id.port, ring.id.partner);
	if (rc && rc != -EINVAL && rc != -ENOENT && (close || rc != -ECONNREFUSED))
		violation("%s returns %ld", close ? "unregister_ring" : "notify", rc);
}

/* Any operation at any address, on whatever is there. */
static void fuzz_address(struct domain *d)
{
	unsigned int cmd = once_in(4) ? any() : below(V4VOP_replace_rules + 2);
	unsigned long address = once_in(2) ? address_of(DOMAIN_FRAMES, 0) - below(100)
					   : once_in(2) ? ((unsigned long)any() << 32 | any()) : address_of(DATA_FRAME, below(9000));
	uint32_t first = below(PORTS);
	long rc;

	/* Where a sound structure could be by chance, its effect would have to be noted: none is. */
	if (cmd == V4VOP_flush_rules || cmd == V4VOP_zero_rules)
		return;
	if ((cmd >= V4VOP_register_ring && cmd <= V4VOP_sendv) || cmd >= V4VOP_insert_rule)
		address |= 1ul << 63;
	guest_write(d, address, &first, sizeof(first));
	rc = machine_hypercall(d, cmd, address);
	if (rc && rc != -EFAULT && rc != -EINVAL && rc != -ENOSYS && rc != -ENOENT && rc != -ECONNREFUSED &&
	    (rc != -EPERM || !d->domain_id))
		violation("operation %u returns %ld", cmd, rc);
}

static void one_call(void)
{
	struct known *known;
	struct domain *d;

	if (once_in(25))
		end_life(below(NUMBERS));
	if (once_in(12))
		shut_down_or_resume(&guests[below(NUMBERS)]);
	known = any_ring();
	if (known && once_in(4))
		spoil_words(&known->ring);
	d = any_guest();
	if (!d || !d->v4v)
		return;
	if (once_in(40))
		soft_reset(d);
	if (once_in(12))
		change_a_frame(d);
	machine.steps = 0;
	machine.cpu = below(MAX_CPUS);
	switch (below(15)) {
	case 0:
	case 1:
		fuzz_register(d);
		break;
	case 2:
		fuzz_id(d, true);
		break;
	case 3:
	case 4:
		fuzz_id(d, false);
		break;
	case 5:
		fuzz_address(d);
		break;
	case 6:
	case 7:
		fuzz_rules(once_in(6) || guests[0].life != ALIVE || !guests[0].d->v4v ? d : guests[0].d);
		break;
	default:
		fuzz_send(d);
	}
	calls++;
	if (machine.steps > MOST_STEPS)
		violation("one call took %u steps", machine.steps);
}

static void say_seed(void)
{
	printf("# FUZZ_SEED=%lu\n", seed + rounds);
	fflush(stdout);
}

static void one_round(void)
{
	random_start(seed + rounds);
	machine_start();
	/* Structures overlap on purpose here, and the owners' words lie in them. */
	machine.may_read_twice = true;
	memset(guests, 0, sizeof(guests));
	rings_forget_all();
	rules_forget_all();
	for (unsigned int i = 0; i < NUMBERS; i++)
		begin_life(i);
	for (unsigned int i = 0; i < CALLS_OF_A_ROUND && !check_failed; i++)
		one_call();
	machine_stop();
}

static unsigned long from_environment(const char *name, unsigned long otherwise)
{
	const char *value = getenv(name);

	return value ? strtoul(value, NULL, 10) : otherwise;
}

int main(void)
{
	unsigned long count = from_environment("FUZZ_COUNT", 150000);

	TESTS_BEGIN;
	seed = from_environment("FUZZ_SEED", 1);
	__asan_set_death_callback(say_seed);
	check_failed = false;
	do {
		one_round();
		if (check_failed)
			say_seed();
		rounds++;
	} while (calls < count && rounds <= count && !check_failed);
	printf("# %lu calls in %lu rounds\n", calls, rounds);
	printf("%s hostile_guests_harm_nobody\n", check_failed ? "FAIL" : "ok");
	return check_failed;
}
