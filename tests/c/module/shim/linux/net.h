#ifndef SHIM_LINUX_NET_H
#define SHIM_LINUX_NET_H

#include <kernel.h>

enum { SS_UNCONNECTED = 1, SS_CONNECTED = 3 };
enum { SOCK_STREAM = 1, SOCK_DGRAM = 2, SOCK_SEQPACKET = 5 };

#endif
