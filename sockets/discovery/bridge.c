/* Dom0's own addresses on the bridges of its domUs, and word of their change. */
#include "bridge.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>

#include "collect.h"

void bridge_addresses(const char *name, struct addresses *list)
{
	struct ifaddrs *all, *one;

	if (getifaddrs(&all) != 0)
		return;
	for (one = all; one; one = one->ifa_next) {
		struct sockaddr_in address;

		if (strcmp(one->ifa_name, name) != 0 || !one->ifa_addr || one->ifa_addr->sa_family != AF_INET ||
		    !(one->ifa_flags & IFF_UP))
			continue;
		memcpy(&address, one->ifa_addr, sizeof(address));
		addresses_add(list, ntohl(address.sin_addr.s_addr));
	}
	freeifaddrs(all);
}

int bridge_watch(void)
{
	struct sockaddr_nl own = {.nl_family = AF_NETLINK, .nl_groups = RTMGRP_IPV4_IFADDR | RTMGRP_LINK};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);

	if (fd < 0 || bind(fd, (struct sockaddr *)&own, sizeof(own)) == 0)
		return fd;
	/* Nothing is lost but the speed with which a change is seen. */
	return -1;
}

bool bridge_drain(int fd)
{
	char message[8192];
	bool any = false;

	/* What they say does not matter: everything is looked up anew. An overflow (ENOBUFS) is news, too. */
	while (recv(fd, message, sizeof(message), 0) > 0)
		any = true;
	return any;
}
