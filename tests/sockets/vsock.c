/* What AF_VSOCK does not do as TCP does, whatever carries it: decided by net/vmw_vsock/af_vsock.c of Linux 6.12. */
#include <string.h>

#include "side.h"

/* Names of behaviours, each with the reason. */
static const struct {
	const char *name, *reason;
} others[] = {
	{"MSG_TRUNC throws away", "it does not: a stream's bytes are copied"},
	{"FIONREAD and SIOCOUTQ", "there is no FIONREAD"},
	{"calls for no bytes, in vain", "a recv for no bytes is 0 at once"},
	{"TCP_INQ", "TCP's own"},
	{"options of IP", "IP's own"},
	{"FIONREAD behind the end", "there is no FIONREAD"},
	{"shutdown of reading", "what comes later is not read"},
	{"the other end closes", "the first send behind it is EPIPE already"},
	{"a close with bytes unread", "is no reset"},
	{"a close without lingering", "is no reset"},
	{"a blocked writer hears of a reset", "a close is none"},
	{"bytes before a reset", "a close is none"},
	{"a second connect without blocking", "is EISCONN at once"},
	{"connect is refused", "it is ECONNRESET"},
	{"the backlog", "begins with a connection that \"connect is refused\" has left there"},
	{"getsockname and getpeername", "addresses are CIDs"},
	{"an IPv4-mapped address", "IP's own"},
	{"a listener of both families", "IP's own"},
	{"prefork with SO_REUSEPORT", "there is none"},
	{"a connection is dissolved", "AF_UNSPEC is refused"},
	{"not connected", "makes a socket of TCP's"},
};

static bool is_in(const struct behaviour *behaviour, const struct behaviour *table)
{
	while (table->name)
		if (table++ == behaviour)
			return true;
	return false;
}

bool goes_over_vsock(const struct behaviour *behaviour)
{
	/* Of TCP's own options, urgent bytes and listeners. */
	if (is_in(behaviour, option_behaviours) || is_in(behaviour, listen_behaviours) || is_in(behaviour, begin_behaviours))
		return false;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (strcmp(others[i].name, behaviour->name) == 0)
			return false;
	return true;
}
