/*
 * An LD_PRELOAD library that plays AF_VSOCK by TCP on loopback, for machines without vsock loopback: it checks how the
 * program uses AF_VSOCK addresses and options, not the kernel's transport. Every connect() is logged to the file
 * $VSOCK_LOG as `connect CID`. What the real AF_VSOCK would refuse is refused.
 */
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <linux/vm_sockets.h>

#define MOST 1024
/* What a transport gives a socket that asks for nothing, as the V4V module does. */
#define RING_BYTES (1u << 20)

static bool ours[MOST];
static uint64_t size_of[MOST], limit_of[MOST];

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static bool is_ours(int fd)
{
	return fd >= 0 && fd < MOST && ours[fd];
}

static int adopt(int fd)
{
	if (fd >= 0 && fd < MOST) {
		ours[fd] = true;
		size_of[fd] = limit_of[fd] = RING_BYTES;
	}
	return fd;
}

static int refuse(int error)
{
	errno = error;
	return -1;
}

int socket(int domain, int type, int protocol)
{
	int fd;

	if (domain == AF_VSOCK)
		return adopt(REAL(socket)(AF_INET, type, protocol));
	fd = REAL(socket)(domain, type, protocol);
	if (fd >= 0 && fd < MOST)
		ours[fd] = false;
	return fd;
}

int accept4(int fd, struct sockaddr *address, socklen_t *length, int flags)
{
	int accepted = REAL(accept4)(fd, address, length, flags);

	if (is_ours(fd) && adopt(accepted) >= 0) {
		size_of[accepted] = size_of[fd];
		limit_of[accepted] = limit_of[fd];
	}
	return accepted;
}

int bind(int fd, const struct sockaddr *address, socklen_t length)
{
	const struct sockaddr_vm *vm = (const struct sockaddr_vm *)address;
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

	if (!is_ours(fd))
		return REAL(bind)(fd, address, length);
	if (length < sizeof(*vm) || vm->svm_family != AF_VSOCK || vm->svm_cid != VMADDR_CID_ANY ||
	    vm->svm_port != VMADDR_PORT_ANY)
		return refuse(EADDRNOTAVAIL);
	return REAL(bind)(fd, (struct sockaddr *)&in, sizeof(in));
}

int getsockname(int fd, struct sockaddr *address, socklen_t *length)
{
	struct sockaddr_vm vm = {.svm_family = AF_VSOCK, .svm_cid = VMADDR_CID_ANY};
	struct sockaddr_in in;
	socklen_t in_length = sizeof(in);

	if (!is_ours(fd))
		return REAL(getsockname)(fd, address, length);
	if (*length < sizeof(vm) || REAL(getsockname)(fd, (struct sockaddr *)&in, &in_length) != 0)
		return refuse(EINVAL);
	vm.svm_port = ntohs(in.sin_port) + 0x10000u; /* like vsock's: above what 16 bits hold */
	memcpy(address, &vm, sizeof(vm));
	*length = sizeof(vm);
	return 0;
}

int connect(int fd, const struct sockaddr *address, socklen_t length)
{
	const struct sockaddr_vm *vm = (const struct sockaddr_vm *)address;
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	char line[32];
	int log;

	if (!is_ours(fd))
		return REAL(connect)(fd, address, length);
	if (length < sizeof(*vm) || vm->svm_family != AF_VSOCK || vm->svm_port < 0x10000u)
		return refuse(EINVAL);
	log = open(getenv("VSOCK_LOG"), O_WRONLY | O_APPEND | O_CREAT, 0600);
	if (log < 0 || write(log, line, (size_t)snprintf(line, sizeof(line), "connect %u\n", vm->svm_cid)) < 0)
		return refuse(EIO);
	close(log);
	in.sin_port = htons((uint16_t)(vm->svm_port - 0x10000u));
	return REAL(connect)(fd, (struct sockaddr *)&in, sizeof(in));
}

int setsockopt(int fd, int level, int option, const void *value, socklen_t length)
{
	if (!is_ours(fd) || level == SOL_SOCKET)
		return REAL(setsockopt)(fd, level, option, value, length);
	if (level != AF_VSOCK)
		return refuse(ENOPROTOOPT);
	if (option == SO_VM_SOCKETS_CONNECT_TIMEOUT)
		return length < sizeof(struct timeval) ? refuse(EINVAL) : 0;
	if (length < sizeof(uint64_t))
		return refuse(EINVAL);
	if (option == SO_VM_SOCKETS_BUFFER_MAX_SIZE)
		memcpy(&limit_of[fd], value, sizeof(uint64_t));
	else if (option == SO_VM_SOCKETS_BUFFER_SIZE)
		memcpy(&size_of[fd], value, sizeof(uint64_t));
	else
		return refuse(ENOPROTOOPT);
	if (size_of[fd] > limit_of[fd])
		size_of[fd] = limit_of[fd];
	return 0;
}

int getsockopt(int fd, int level, int option, void *value, socklen_t *length)
{
	if (!is_ours(fd) || level != AF_VSOCK)
		return REAL(getsockopt)(fd, level, option, value, length);
	if (option != SO_VM_SOCKETS_BUFFER_SIZE || *length < sizeof(uint64_t))
		return refuse(ENOPROTOOPT);
	memcpy(value, &size_of[fd], sizeof(uint64_t));
	return 0;
}
