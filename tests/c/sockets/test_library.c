/* What the preloaded library asks the kernel for, on a kernel whose answers are the test's. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "units.h"

#ifndef TCP_ULP
#define TCP_ULP 31
#endif

bool check_failed;

static bool has_sys, has_module;
static int asked;

/* Instead of the C library's: the linker finds these first. */
int access(const char *path, int mode)
{
	(void)mode;
	if (strcmp(path, "/sys/module") == 0 ? has_sys : has_module)
		return 0;
	errno = ENOENT;
	return -1;
}

int setsockopt(int fd, int level, int name, const void *value, socklen_t length)
{
	(void)fd;
	if (level == IPPROTO_TCP && name == TCP_ULP) {
		CHECK(length == 3 && memcmp(value, "v4v", 3) == 0);
		asked++;
	}
	errno = ENOENT;
	return has_module ? 0 : -1;
}

/* How often it asks for a listener and for a connection to it, both of which must come about. */
static int asks(bool sys, bool module)
{
	struct sockaddr_in own = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	int listener = socket(AF_INET, SOCK_STREAM, 0), fd = socket(AF_INET, SOCK_STREAM, 0);
	socklen_t length = sizeof(own);

	has_sys = sys;
	has_module = module;
	asked = 0;
	CHECK_EQUAL(bind(listener, (struct sockaddr *)&own, sizeof(own)), 0);
	errno = EXDEV;
	CHECK_EQUAL(listen(listener, 5), 0);
	CHECK_EQUAL(errno, EXDEV);
	CHECK_EQUAL(getsockname(listener, (struct sockaddr *)&own, &length), 0);
	CHECK_EQUAL(connect(fd, (struct sockaddr *)&own, sizeof(own)), 0);
	CHECK_EQUAL(errno, EXDEV);
	close(fd);
	close(listener);
	return asked;
}

static void it_asks_once_for_each_socket(void)
{
	CHECK_EQUAL(asks(true, true), 2);
}

static void it_does_not_ask_a_kernel_without_the_module(void)
{
	CHECK_EQUAL(asks(true, false), 0);
}

static void without_sys_the_kernel_is_asked(void)
{
	CHECK_EQUAL(asks(false, false), 2);
	CHECK_EQUAL(asks(false, true), 2);
}

static void other_sockets_are_left_alone(void)
{
	struct sockaddr_in own = {.sin_family = AF_INET, .sin_port = htons(9), .sin_addr = {htonl(INADDR_LOOPBACK)}};
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	has_sys = has_module = true;
	CHECK_EQUAL(connect(fd, (struct sockaddr *)&own, sizeof(own)), 0);
	close(fd);
}

int main(void)
{
	int failed = 0;

	TESTS_BEGIN;
	/* Of no file of this machine, and of nobody's environment. */
	setenv("V4V_CONFIG", "/dev/null", 1);
	unsetenv("V4V_MODE");
	unsetenv("V4V_INCLUDE");
	unsetenv("V4V_EXCLUDE");
	failed += RUN(it_asks_once_for_each_socket);
	failed += RUN(it_does_not_ask_a_kernel_without_the_module);
	failed += RUN(without_sys_the_kernel_is_asked);
	failed += RUN(other_sockets_are_left_alone);
	return failed > 0;
}
