#include "tcp_bytes.h"

#include <netinet/in.h>
#include <stddef.h>
#include <sys/socket.h>

/* Its tcp_info has the counters; that of <netinet/tcp.h>, which does not go beside it, has not. */
#include <linux/tcp.h>

bool tcp_bytes(int fd, uint64_t *tx, uint64_t *rx, struct error *error)
{
	struct tcp_info info = {0};
	socklen_t length = sizeof(info);

	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length) != 0)
		return error_errno(error, "getsockopt TCP_INFO");
	if (length < offsetof(struct tcp_info, tcpi_bytes_received) + sizeof(info.tcpi_bytes_received))
		return error_set(error, "path: this kernel does not count the bytes of TCP connections");
	*tx = info.tcpi_bytes_acked;
	*rx = info.tcpi_bytes_received;
	return true;
}
