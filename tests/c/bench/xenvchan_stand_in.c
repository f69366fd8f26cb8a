/*
 * libxenvchan.so.4.20 between processes of one machine without Xen: what lies in granted memory is a shared file, an event
 * is a byte in a FIFO. It keeps to what io.c and init.c of Xen 4.20 promise, so it checks how the program uses the
 * library, not Xen. Preloaded or linked, it plays the devices below /dev/xen, too.
 *
 * $XENVCHAN_FOLDER stands for XenStore: a file for each channel, and `log`: `serve CLIENT PATH`, `connect SERVER PATH`.
 * $XENVCHAN_WITHOUT  a device that is not there
 * $XENVCHAN_FAULT    flip   every 10th write has a wrong bit
 *                    lose   every 1000th write loses its last byte
 *                    stuck  from the 1000th write on nothing arrives
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vchan_api.h"

#define MAX_ORDER 20
#define LOOK_EVERY_MS 20 /* for the death of the other end, which Xen would tell by an event */
#define FLIPPED_WRITE 10
#define FAULTY_WRITE 1000

struct indices {
	volatile uint32_t cons, prod;
};

struct page {
	struct indices left, right; /* left: the client writes */
	int left_order, right_order;
	volatile int client_live, server_live; /* as in Xen: 0, 1, 2 */
	volatile pid_t client, server;
	uint8_t rings[] __attribute__((aligned(4096)));
};

static unsigned writes;

int access(const char *path, int mode)
{
	const char *without = getenv("XENVCHAN_WITHOUT");

	if (strncmp(path, "/dev/xen/", 9) != 0)
		return ((__typeof__(&access))dlsym(RTLD_NEXT, "access"))(path, mode);
	if (!without || strcmp(path, without) != 0)
		return 0;
	errno = ENOENT;
	return -1;
}

static bool faulty(const char *fault)
{
	const char *wanted = getenv("XENVCHAN_FAULT");

	return wanted && strcmp(wanted, fault) == 0;
}

static void file_of(const char *path, const char *suffix, char file[512])
{
	char *c;

	snprintf(file, 512, "%s/", getenv("XENVCHAN_FOLDER"));
	c = file + strlen(file);
	snprintf(c, (size_t)(file + 512 - c), "%s%s", path, suffix);
	for (; *c; c++) {
		if (*c == '/')
			*c = ':';
	}
}

static void log_line(const char *verb, int domain, const char *path)
{
	char file[512], line[200];
	int fd;

	file_of("log", "", file);
	fd = open(file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, line, (size_t)snprintf(line, sizeof(line), "%s %d %s\n", verb, domain, path)) < 0)
		abort();
	close(fd);
}

static struct page *page_of(struct vchan *vchan)
{
	return vchan->page;
}

/* Both FIFOs, this end's first: never at their end, as both ends hold them open both ways. */
static bool open_events(struct vchan *vchan, const char *path)
{
	int *fds = calloc(2, sizeof(int));
	char file[512];

	vchan->event = fds;
	for (int i = 0; i < 2; i++) {
		file_of(path, (i == 0) == vchan->is_server ? ".server" : ".client", file);
		fds[i] = open(file, O_RDWR | O_NONBLOCK | O_CLOEXEC);
		if (fds[i] < 0)
			return false;
	}
	return true;
}

static bool map(struct vchan *vchan, int fd, size_t bytes)
{
	struct page *page = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	vchan->page = page;
	return page != MAP_FAILED;
}

static void place_rings(struct vchan *vchan)
{
	struct page *page = page_of(vchan);
	struct vchan_ring left = {&page->left, page->rings, page->left_order};
	struct vchan_ring right = {&page->right, page->rings + (1 << page->left_order), page->right_order};

	vchan->read = vchan->is_server ? left : right;
	vchan->write = vchan->is_server ? right : left;
}

static int order_of(size_t bytes)
{
	int order = 12;

	while ((size_t)1 << order < bytes)
		order++;
	return order;
}

static struct vchan *new_vchan(bool is_server, const char *path)
{
	struct vchan *vchan = malloc(sizeof(*vchan));

	memset(vchan, 0xa5, sizeof(*vchan)); /* the library leaves `blocking` as it finds it */
	vchan->is_server = is_server;
	vchan->server_persist = 0;
	vchan->xenstore_path = strdup(path);
	return vchan;
}

struct vchan *libxenvchan_server_init(void *logger, int domain, const char *path, size_t read_min, size_t write_min)
{
	struct vchan *vchan = new_vchan(true, path);
	char file[512], made[520];
	struct page *page;
	size_t bytes;
	int fd;

	(void)logger;
	if (read_min > 1u << MAX_ORDER || write_min > 1u << MAX_ORDER)
		return NULL;
	log_line("serve", domain, path);
	file_of(path, ".server", file);
	mkfifo(file, 0600);
	file_of(path, ".client", file);
	mkfifo(file, 0600);
	bytes = sizeof(*page) + ((size_t)1 << order_of(read_min)) + ((size_t)1 << order_of(write_min));
	file_of(path, "", file);
	snprintf(made, sizeof(made), "%s.new", file);
	fd = open(made, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || ftruncate(fd, (off_t)bytes) != 0 || !map(vchan, fd, bytes) || !open_events(vchan, path))
		return NULL;
	close(fd);
	page = page_of(vchan);
	page->left_order = order_of(read_min);
	page->right_order = order_of(write_min);
	page->client_live = 2;
	page->server_live = 1;
	page->server = getpid();
	place_rings(vchan);
	/* Whole before it can be found, as by a transaction of XenStore. */
	return rename(made, file) == 0 ? vchan : NULL;
}

static int notify(struct vchan *vchan)
{
	/* One that is full holds events enough. */
	return write(((int *)vchan->event)[1], "e", 1) < 0 && errno != EAGAIN ? -1 : 0;
}

struct vchan *libxenvchan_client_init(void *logger, int domain, const char *path)
{
	struct vchan *vchan;
	struct stat stat;
	char file[512];
	int fd;

	(void)logger;
	file_of(path, "", file);
	fd = open(file, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return NULL;
	vchan = new_vchan(false, path);
	if (fstat(fd, &stat) != 0 || !map(vchan, fd, (size_t)stat.st_size) || !open_events(vchan, path))
		return NULL;
	close(fd);
	log_line("connect", domain, path);
	place_rings(vchan);
	page_of(vchan)->client = getpid();
	page_of(vchan)->client_live = 1;
	notify(vchan);
	return vchan;
}

int libxenvchan_is_open(struct vchan *vchan)
{
	struct page *page = page_of(vchan);
	pid_t other = vchan->is_server ? page->client : page->server;

	if (other && kill(other, 0) != 0)
		return 0;
	return vchan->is_server ? page->client_live : page->server_live;
}

int libxenvchan_fd_for_select(struct vchan *vchan)
{
	return ((int *)vchan->event)[0];
}

int libxenvchan_wait(struct vchan *vchan)
{
	struct pollfd polled = {.fd = libxenvchan_fd_for_select(vchan), .events = POLLIN};
	char events[64];

	poll(&polled, 1, LOOK_EVERY_MS);
	return read(polled.fd, events, sizeof(events)) < 0 && errno != EAGAIN ? -1 : 0;
}

int libxenvchan_buffer_space(struct vchan *vchan)
{
	struct indices *indices = vchan->write.shared;

	return (1 << vchan->write.order) - (int)(indices->prod - indices->cons);
}

static int data_ready(struct vchan *vchan)
{
	struct indices *indices = vchan->read.shared;

	return (int)(indices->prod - indices->cons);
}

static void put(struct vchan *vchan, const uint8_t *bytes, size_t size)
{
	struct indices *indices = vchan->write.shared;
	const uint32_t mask = (1u << vchan->write.order) - 1;
	bool loses = ++writes % FAULTY_WRITE == 0 && faulty("lose");

	if (writes >= FAULTY_WRITE && faulty("stuck"))
		return;
	for (size_t i = 0; i < size; i++)
		((uint8_t *)vchan->write.buffer)[(indices->prod + i) & mask] = bytes[i];
	if (writes % FLIPPED_WRITE == 0 && faulty("flip"))
		((uint8_t *)vchan->write.buffer)[indices->prod & mask] ^= 1;
	__sync_synchronize();
	indices->prod += (uint32_t)(size - loses);
	notify(vchan);
}

int libxenvchan_write(struct vchan *vchan, const void *bytes, size_t size)
{
	size_t done = 0;

	for (;;) {
		size_t room = (size_t)libxenvchan_buffer_space(vchan);

		if (!libxenvchan_is_open(vchan))
			return -1;
		room = room < size - done ? room : size - done;
		if (room)
			put(vchan, (const uint8_t *)bytes + done, room);
		done += room;
		if (done == size || !vchan->blocking)
			return (int)done;
		if (libxenvchan_wait(vchan))
			return -1;
	}
}

int libxenvchan_read(struct vchan *vchan, void *bytes, size_t size)
{
	struct indices *indices = vchan->read.shared;
	const uint32_t mask = (1u << vchan->read.order) - 1;
	size_t ready;

	while ((ready = (size_t)data_ready(vchan)) == 0) {
		if (!libxenvchan_is_open(vchan))
			return -1;
		if (!vchan->blocking)
			return 0;
		if (libxenvchan_wait(vchan))
			return -1;
	}
	__sync_synchronize();
	size = size < ready ? size : ready;
	for (size_t i = 0; i < size; i++)
		((uint8_t *)bytes)[i] = ((const uint8_t *)vchan->read.buffer)[(indices->cons + i) & mask];
	__sync_synchronize();
	indices->cons += (uint32_t)size;
	notify(vchan);
	return (int)size;
}

static void unlink_all(const char *path)
{
	static const char *const suffixes[] = {"", ".server", ".client"};
	char file[512];

	for (int i = 0; i < 3; i++) {
		file_of(path, suffixes[i], file);
		unlink(file);
	}
}

void libxenvchan_close(struct vchan *vchan)
{
	struct page *page = page_of(vchan);
	size_t bytes = sizeof(*page) + ((size_t)1 << page->left_order) + ((size_t)1 << page->right_order);
	int *fds = vchan->event;

	*(vchan->is_server ? &page->server_live : &page->client_live) = 0;
	notify(vchan);
	munmap(page, bytes);
	close(fds[0]);
	close(fds[1]);
	free(fds);
	if (vchan->is_server)
		unlink_all(vchan->xenstore_path);
	free(vchan->xenstore_path);
	free(vchan);
}
