/* What the running program may. */
#include <kernel.h>

enum { CAP_NET_BIND_SERVICE = 10 };
extern bool privileged;
#define capable(capability) ((void)(capability), privileged)
