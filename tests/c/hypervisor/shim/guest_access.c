/*
 * A guest's addresses lead to its frames one after the other. The hypervisor's reads are recorded: a word that it reads
 * twice may have changed in between.
 */
#include <string.h>

#include <xen/guest_access.h>
#include <xen/sched.h>

#define MAX_READS 512u

static struct {
	unsigned long from, to;
} reads[MAX_READS];
static unsigned int nr_reads;

void guest_access_begins(void)
{
	nr_reads = 0;
}

/* Bytes that can be accessed at an address, up to the end of its frame. */
static size_t within_frame(const struct domain *d, unsigned long address, unsigned char **bytes)
{
	unsigned long offset = address - GUEST_BASE;
	unsigned char *frame;

	if (address < GUEST_BASE || offset / FRAME_SIZE >= d->nr_frames)
		return 0;
	frame = frame_bytes(d, (unsigned int)(offset / FRAME_SIZE));
	*bytes = frame + offset % FRAME_SIZE;
	return FRAME_SIZE - offset % FRAME_SIZE;
}

static size_t access(const struct domain *d, unsigned long address, void *to, const void *from, size_t count)
{
	size_t done = 0;

	while (done < count) {
		unsigned char *bytes;
		size_t n = within_frame(d, address + done, &bytes);

		if (!n)
			break;
		n = n < count - done ? n : count - done;
		frame_open(bytes);
		if (to)
			memmove((char *)to + done, bytes, n);
		else {
			memmove(bytes, (const char *)from + done, n);
			memory_allow_write(bytes, n);
		}
		frame_close(bytes);
		done += n;
	}
	return done;
}

static void record(unsigned long from, unsigned long to)
{
	for (unsigned int i = 0; i < nr_reads; i++)
		if (from < reads[i].to && reads[i].from < to && !machine.may_read_twice)
			violation("the guest's bytes at %#lx are read twice", from);
	if (nr_reads < MAX_READS) {
		reads[nr_reads].from = from;
		reads[nr_reads++].to = to;
	}
}

unsigned long raw_copy_from_guest(void *to, unsigned long from, unsigned long count)
{
	struct domain *d = current->domain;
	size_t done = access(d, from, to, NULL, count);

	machine.steps++;
	/* What could not be read is not zero by luck. */
	memset((char *)to + done, 0x5b, count - done);
	record(from, from + done);
	if (machine.on_guest_read)
		machine.on_guest_read(d, from, done);
	return count - done;
}

unsigned long raw_copy_to_guest(unsigned long to, const void *from, unsigned long count)
{
	if (frame_is_read_only(current->domain, to))
		return count;
	return count - access(current->domain, to, NULL, from, count);
}

bool guest_write(struct domain *d, unsigned long address, const void *from, size_t count)
{
	return access(d, address, NULL, from, count) == count;
}

bool guest_read(struct domain *d, unsigned long address, void *to, size_t count)
{
	return access(d, address, to, NULL, count) == count;
}

bool guest_fill(struct domain *d, unsigned long address, int byte, size_t count)
{
	unsigned char line[256];

	memset(line, byte, sizeof(line));
	for (size_t done = 0; done < count; done += sizeof(line)) {
		size_t n = count - done < sizeof(line) ? count - done : sizeof(line);

		if (!guest_write(d, address + done, line, n))
			return false;
	}
	return true;
}
