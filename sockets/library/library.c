/*
 * libv4vsockets: preloaded, it has a program's TCP sockets ask for V4V before they connect or listen, and does nothing
 * else. The sockets stay the kernel's in every respect.
 */
#include <dlfcn.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>

#include "endpoint.h"
#include "explain.h"
#include "module_folder.h"
#include "peers_file.h"
#include "policy.h"

#ifndef TCP_ULP
#define TCP_ULP 31
#endif

static struct policy policy;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void load(void)
{
	char error[256];

	/* v4vrun has said what is wrong; a program that is run without it keeps to TCP. */
	if (!policy_load(&policy, error, sizeof(error)))
		policy.mode = MODE_OFF;
}

/* 0, or why the socket stays TCP's: ENOPROTOOPT also says that it is no TCP socket. */
static int ask(int fd)
{
	/* For root the kernel would look for the module on disk, by a process of its own and each time. */
	if (module_is_absent())
		return ENOENT;
	if (setsockopt(fd, IPPROTO_TCP, TCP_ULP, "v4v", 3) == 0 || errno == EEXIST)
		return 0;
	return errno;
}

static bool is_tcp(int fd)
{
	socklen_t length = sizeof(int);
	int protocol;

	return getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &length) == 0 && protocol == IPPROTO_TCP;
}

static const char *why(int error)
{
	switch (error) {
	case 0:
		return "asked";
	case ENOENT:
		return "no-module";
	case EISCONN:
		return "connected-before";
	default:
		return "not-possible";
	}
}

/* 0, or the errno with which connect() fails in mode require. */
static int before_connect(int fd, const struct endpoint *far)
{
	int error;

	if (!policy_wants(&policy, far->address, far->port)) {
		if (policy.mode != MODE_OFF && is_tcp(fd))
			explain("connect", fd, far, "excluded");
		return 0;
	}
	error = ask(fd);
	/* A socket of another kind; or one that connects already, whose connect() says so. */
	if ((error && !is_tcp(fd)) || error == EISCONN)
		return 0;
	if (!error && policy.mode == MODE_REQUIRE && !peers_file_has(far->address)) {
		explain("connect", fd, far, "no-peer");
		return ENETUNREACH;
	}
	explain("connect", fd, far, why(error));
	return error && policy.mode == MODE_REQUIRE ? EPROTONOSUPPORT : 0;
}

__attribute__((visibility("default"))) int connect(int fd, const struct sockaddr *address, socklen_t length)
{
	static int (*next)(int, const struct sockaddr *, socklen_t);
	struct endpoint far;
	int saved = errno;

	pthread_once(&once, load);
	if (!next)
		*(void **)&next = dlsym(RTLD_NEXT, "connect");
	if (endpoint_of(address, length, false, &far)) {
		int error = before_connect(fd, &far);

		if (error) {
			errno = error;
			return -1;
		}
	}
	errno = saved;
	return next(fd, address, length);
}

__attribute__((visibility("default"))) int listen(int fd, int backlog)
{
	static int (*next)(int, int);
	struct sockaddr_storage own;
	socklen_t length = sizeof(own);
	struct endpoint end;
	int saved = errno;

	pthread_once(&once, load);
	if (!next)
		*(void **)&next = dlsym(RTLD_NEXT, "listen");
	if (getsockname(fd, (struct sockaddr *)&own, &length) == 0 &&
	    endpoint_of((struct sockaddr *)&own, length, true, &end) && is_tcp(fd))
		explain("listen", fd, &end,
			policy_wants(&policy, end.address, end.port) ? why(ask(fd)) : "excluded");
	errno = saved;
	return next(fd, backlog);
}
