/* Whether the kernel has the module. */
#ifndef MODULE_FOLDER_H
#define MODULE_FOLDER_H

#include <stdbool.h>

/* False as well if nobody can say: without /sys. */
bool module_is_absent(void);

#endif
