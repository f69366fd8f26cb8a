/* Compiled into nothing: fails to compile where Xen's header tells another structure than vchan_api.h. */
#include "vchan_api.h"

#if __has_include(<libxenvchan.h>)

#include <libxenvchan.h>

#define SAME_PLACE(own, theirs) \
	_Static_assert(offsetof(struct vchan, own) == offsetof(struct libxenvchan, theirs), #own)

SAME_PLACE(page, ring);
SAME_PLACE(event, event);
SAME_PLACE(event_port, event_port);
SAME_PLACE(read.order, read.order);
SAME_PLACE(write.order, write.order);
SAME_PLACE(xenstore_path, xs_path);
_Static_assert(sizeof(struct vchan) == sizeof(struct libxenvchan), "size");

#endif
