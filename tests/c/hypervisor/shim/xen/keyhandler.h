#ifndef SHIM_XEN_KEYHANDLER_H
#define SHIM_XEN_KEYHANDLER_H

#include <xen/lib.h>

typedef void(keyhandler_fn_t)(unsigned char key);

void register_keyhandler(unsigned char key, keyhandler_fn_t *fn, const char *desc, bool diagnostic);

#endif
