#include "endpoint.h"

#include <netinet/in.h>
#include <string.h>

bool endpoint_of(const struct sockaddr *address, socklen_t length, bool any, struct endpoint *end)
{
	struct sockaddr_in6 six;
	struct sockaddr_in four;
	sa_family_t family;

	if (!address || length < sizeof(family))
		return false;
	memcpy(&family, address, sizeof(family));
	if (family == AF_INET && length >= sizeof(four)) {
		memcpy(&four, address, sizeof(four));
		*end = (struct endpoint){ntohl(four.sin_addr.s_addr), ntohs(four.sin_port)};
		return true;
	}
	/* The oldest programs leave out the scope at the end. */
	if (family != AF_INET6 || length < sizeof(six) - sizeof(six.sin6_scope_id))
		return false;
	memset(&six, 0, sizeof(six));
	memcpy(&six, address, length < sizeof(six) ? length : sizeof(six));
	end->port = ntohs(six.sin6_port);
	if (IN6_IS_ADDR_V4MAPPED(&six.sin6_addr)) {
		memcpy(&end->address, six.sin6_addr.s6_addr + 12, 4);
		end->address = ntohl(end->address);
		return true;
	}
	end->address = 0;
	return any && IN6_IS_ADDR_UNSPECIFIED(&six.sin6_addr);
}
